package ledger

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// event is what a calendar program makes of a VEVENT and its alarm.
type event map[string]string

// readICS reads a calendar as RFC 5545 has it: section 3.1 for lines, 3.3.11 for text.
func readICS(t *testing.T, data []byte) []event {
	t.Helper()
	require.True(t, bytes.HasSuffix(data, []byte("\r\n")))
	require.Equal(t, bytes.Count(data, []byte("\n")), bytes.Count(data, []byte("\r\n")), "a bare line feed")
	for _, line := range strings.Split(string(data), "\r\n") {
		require.LessOrEqual(t, len(line), 75)
		require.True(t, utf8.ValidString(line), "folded inside a character")
	}
	var events []event
	var open []string
	for _, line := range strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(data), "\r\n ", ""), "\r\n"), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		require.True(t, ok, line)
		switch name {
		case "BEGIN":
			open = append(open, value)
			if value == "VEVENT" {
				events = append(events, event{})
			}
			continue
		case "END":
			require.Equal(t, open[len(open)-1], value)
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 1 {
			key := strings.Join(append(open[2:], name), " ")
			require.NotContains(t, events[len(events)-1], key, "twice")
			events[len(events)-1][key] = unescape(value)
		}
	}
	require.Empty(t, open)
	return events
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == 'n' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func TestCalendarIsReadAsItWasMeant(t *testing.T) {
	place := `Zürich; safe, "blue" \ cellar: ` + strings.Repeat("ü€😀", 20)
	s := with(t, 10,
		at{0, Placed{stickA, place, true, false, "", ""}},
		at{0, Deadline{What: "KES key ends", When: start.AddDate(0, 2, 0), Role: "opcert"}})
	var b bytes.Buffer
	require.NoError(t, WriteICS(&b, s))
	byUID := map[string]event{}
	for _, e := range readICS(t, b.Bytes()) {
		require.NotContains(t, byUID, e["UID"])
		byUID[e["UID"]] = e
		require.Equal(t, "20260311T090000Z", e["DTSTAMP"])
	}
	require.Len(t, byUID, 3+5+2+1, "media, cards, drills, the deadline")
	stick := byUID["check-"+stickA+"@abcdefgh.coldvault"]
	require.Equal(t, "Check USB 7F3A ("+place+")", stick["SUMMARY"])
	require.Equal(t, stick["SUMMARY"], stick["VALARM DESCRIPTION"])
	require.Equal(t, "20260828", stick["DTSTART;VALUE=DATE"])
	require.Equal(t, "-P7D", stick["VALARM TRIGGER"])
	require.Equal(t, "DISPLAY", stick["VALARM ACTION"])
	require.Equal(t, "20270301", byUID["check-"+pagesC+"@abcdefgh.coldvault"]["DTSTART;VALUE=DATE"])
	require.Equal(t, "Prove card 5 (Émile)", byUID["card-5@abcdefgh.coldvault"]["SUMMARY"])
	require.Equal(t, "20270301", byUID["drill-cold@abcdefgh.coldvault"]["DTSTART;VALUE=DATE"])
	found := false
	for uid, e := range byUID {
		if strings.HasPrefix(uid, "due-") {
			found = true
			require.Equal(t, "KES key ends (opcert)", e["SUMMARY"])
			require.Equal(t, "20260501", e["DTSTART;VALUE=DATE"])
			require.Equal(t, "-P30D", e["VALARM TRIGGER"])
		}
	}
	require.True(t, found)
}

// A calendar that takes the file again moves its entries: the same UIDs, a higher
// sequence, the new dates.
func TestCalendarEntriesMove(t *testing.T) {
	read := func(s Status) map[string]event {
		var b bytes.Buffer
		require.NoError(t, WriteICS(&b, s))
		out := map[string]event{}
		for _, e := range readICS(t, b.Bytes()) {
			out[e["UID"]] = e
		}
		return out
	}
	before, after := read(with(t, 0)), read(with(t, 50, at{50, Checked{stickA, 1, Whole, 0}}))
	require.Len(t, after, len(before))
	for uid, e := range before {
		require.Contains(t, after, uid)
		require.Less(t, e["SEQUENCE"], after[uid]["SEQUENCE"])
		if uid == "check-"+stickA+"@abcdefgh.coldvault" {
			require.Equal(t, "20260828", e["DTSTART;VALUE=DATE"])
			require.Equal(t, "20261017", after[uid]["DTSTART;VALUE=DATE"])
		} else {
			require.Equal(t, e["DTSTART;VALUE=DATE"], after[uid]["DTSTART;VALUE=DATE"])
		}
	}
}

// What was never proven is due today, lost things never, and of a card's shares the one
// that is due first counts.
func TestDatesOfWhatIsNotProven(t *testing.T) {
	s := with(t, 10,
		at{1, Copied{stickA, USB, "serial A", "", 1, false}}, at{1, Lost{Medium: stickB}},
		at{5, CardChecked{coldSet, "cold", 1, "", true}}, at{5, Lost{Set: coldSet, Index: 2}}, at{5, Lost{Set: hotSet, Index: 2}},
		at{5, Drilled{"hot", 1, false, nil, 0}})
	on := map[string]string{}
	for _, d := range s.Dates {
		on[d.UID] = d.On.Format(time.DateOnly)
	}
	require.Equal(t, "2026-03-11", on["check-"+stickA])
	require.NotContains(t, on, "check-"+stickB)
	require.Equal(t, "2027-03-01", on["card-1"])
	require.NotContains(t, on, "card-2")
	require.Equal(t, "2026-03-06", on["drill-hot"])
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestCalendarThatCannotBeWritten(t *testing.T) {
	require.ErrorContains(t, WriteICS(fullDisk{}, with(t, 0)), "disk full")
}
