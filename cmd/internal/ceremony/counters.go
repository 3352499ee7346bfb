package ceremony

import (
	"fmt"
	"strconv"
	"strings"

	"coldvault/vault/material"
)

// unknownCounter is what --chain-counter says when the network was not asked.
const unknownCounter = "unknown"

// unprovenSuffix makes a name that no tool picks up.
const unprovenSuffix = ".ASK-THE-NETWORK-FIRST"

// HeldBack is a file that was restored under another name, because the network may
// have gone on since it was sealed.
type HeldBack struct {
	Name, As string
	Why      string
}

// counters decides under which name files are restored whose truth is on the
// network. answers are N, unknown or FILE=N; without one the network counts as not
// asked.
func counters(report material.Report, answers []string) (held []HeldBack, notes []string, err error) {
	byFile := map[string]string{}
	for _, a := range answers {
		file, value := "", a
		if i := strings.LastIndexByte(a, '='); i >= 0 {
			file, value = a[:i], a[i+1:]
		}
		if _, err := strconv.ParseUint(value, 10, 64); err != nil && value != unknownCounter {
			return nil, nil, usage("--chain-counter %s: a number, or %s", a, unknownCounter)
		}
		byFile[file] = value
	}
	if value, ok := byFile[""]; ok && value != unknownCounter && len(report.Counters) > 1 {
		return nil, nil, usage("--chain-counter %s: say for which file, FILE=%s: there are %s", value, value, counterFiles(report))
	}
	for _, c := range report.Counters {
		value, ok := byFile[c.File]
		if !ok {
			value = byFile[""]
		}
		n, err := strconv.ParseUint(value, 10, 64)
		if err == nil && n >= c.Min && n <= c.Max {
			notes = append(notes, fmt.Sprintf("%s goes with %s %d; the next one is %d", c.File, c.What, n, n+1))
			continue
		}
		why := fmt.Sprintf("the network was not asked for the %s: ask it, and use the file only if the answer is from %d to %d; else %s", c.What, c.Min, c.Max, c.Advice)
		if err == nil {
			why = fmt.Sprintf("it is not right any more: the %s is %d, and it would go with %d to %d. The next number is %d: %s", c.What, n, c.Min, c.Max, n+1, c.Advice)
		}
		held = append(held, HeldBack{Name: c.File, As: c.File + unprovenSuffix, Why: why})
	}
	return held, notes, nil
}

func counterFiles(report material.Report) string {
	var names []string
	for _, c := range report.Counters {
		names = append(names, c.File)
	}
	return strings.Join(names, ", ")
}
