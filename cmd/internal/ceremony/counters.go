package ceremony

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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

// chainAnswers are what the operator says the network says: for all files, or for one.
type chainAnswers struct {
	all    string
	byFile map[string]string
}

// CheckChainCounters wants N, unknown or FILE=N; of what the files are is seen when they are
// open.
func CheckChainCounters(answers []string) error {
	for _, answer := range answers {
		_, value := cutLast(answer, '=')
		if _, err := strconv.ParseUint(value, 10, 64); err != nil && value != unknownCounter {
			return usage("--chain-counter %s: a number, or %s", answer, unknownCounter)
		}
	}
	return nil
}

// parseAnswers reads N, unknown and FILE=N.
func parseAnswers(report material.Report, answers []string) (chainAnswers, error) {
	a := chainAnswers{byFile: map[string]string{}}
	if err := CheckChainCounters(answers); err != nil {
		return a, err
	}
	questions := map[string]bool{}
	for _, c := range report.Counters {
		questions[c.What] = true
	}
	for _, answer := range answers {
		file, value := cutLast(answer, '=')
		switch {
		case file == "" && value != unknownCounter && len(questions) > 1:
			return a, usage("--chain-counter %s: say for which file, FILE=%s: there are %s", value, value, counterFiles(report))
		case file != "" && !slices.ContainsFunc(report.Counters, func(c material.Counter) bool { return c.File == file }):
			return a, usage("--chain-counter %s: no file %q with a number of the network is restored; there are: %s", answer, file, counterFiles(report))
		case file == "":
			a.all = value
		default:
			a.byFile[file] = value
		}
	}
	return a, nil
}

// number is the network's, ok false where it was not asked.
func (a chainAnswers) number(file string) (n uint64, ok bool) {
	value, given := a.byFile[file]
	if !given {
		value = a.all
	}
	n, err := strconv.ParseUint(value, 10, 64)
	return n, err == nil
}

// counters decides under which name files are restored whose truth is on the
// network. Without an answer the network counts as not asked. Keeps G13.
func counters(c Console, report material.Report, answers []string) ([]HeldBack, error) {
	given, err := parseAnswers(report, answers)
	if err != nil {
		return nil, err
	}
	var held []HeldBack
	for _, k := range report.Counters {
		n, asked := given.number(k.File)
		right := asked && n >= k.Min && n <= k.Max
		switch {
		case right:
			c.Say("%s goes with the %s, %d", k.File, k.What, n)
		case k.Usable && asked:
			c.Warn("%s does not go with the %s, %d, but with %s: %s", k.File, k.What, n, span(k), k.Advice)
		case k.Usable:
		case asked:
			held = append(held, HeldBack{Name: k.File, As: heldName(k.File), Why: fmt.Sprintf(
				"it is not right any more: the %s is %d, and it goes with %s. The next valid number is %d: %s", k.What, n, span(k), n+1, k.Advice)})
		default:
			held = append(held, HeldBack{Name: k.File, As: heldName(k.File), Why: fmt.Sprintf(
				"the network was not asked for the %s: ask it, and use the file only if the answer is %s; else %s", k.What, span(k), k.Advice)})
		}
	}
	return held, nil
}

func span(k material.Counter) string {
	if k.Min == k.Max {
		return fmt.Sprint(k.Min)
	}
	return fmt.Sprintf("%d to %d", k.Min, k.Max)
}

// heldName keeps within what a file system takes for one name.
func heldName(name string) string {
	const longest = 255
	dir, base := path.Split(name)
	for len(base)+len(unprovenSuffix) > longest {
		_, size := utf8.DecodeLastRuneInString(base)
		base = base[:len(base)-size]
	}
	return dir + base + unprovenSuffix
}

func counterFiles(report material.Report) string {
	if len(report.Counters) == 0 {
		return "none"
	}
	var names []string
	for _, c := range report.Counters {
		names = append(names, c.File)
	}
	return strings.Join(names, ", ")
}
