package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	testVault = "abcdefgh"
	stickA    = "7f3a000000000001"
	stickB    = "22b0000000000002"
	pagesC    = "91cc000000000003"
	coldSet   = "c01dc01d"
	hotSet    = "40740740"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func created() VaultCreated {
	return VaultCreated{testVault, []ShareSet{{coldSet, "cold", 3, 5}, {hotSet, "hot", 2, 5}}, []string{"Alice", "Bob", "Carol", "Dora", "Émile"}}
}

// everyEvent has an event of each kind, in an order that could have happened.
func everyEvent() []Event {
	return []Event{
		created(),
		HostAccepted{"init", []string{"swap"}},
		Policy{90, 365, 365, 180},
		Sealed{1, start, []string{"cold", "hot"}, []Deadline{{What: "KES key of the pool ends", When: start.AddDate(0, 2, 0), Role: "opcert"}}},
		Copied{stickA, USB, "serial 1", "Stick & <Co>", 1, true},
		Placed{stickA, "safe deposit", true, false, "Bob", "seal 0017"},
		Checked{stickA, 1, Damaged, 3},
		CardChecked{coldSet, "cold", 2, "Bob", true},
		Drilled{"all", 1, true, []Step{{"read the media", 1.5}, {"open", 0.25}}, 3600},
		Deadline{What: "window of the miner", When: start.AddDate(0, 0, 7)},
		Lost{Set: coldSet, Index: 5},
		SharesSplit{[]ShareSet{{"c01dc02d", "cold", 2, 3}}, nil},
		Noted{"looked at everything"},
	}
}

// build appends the events, one a minute.
func build(t testing.TB, events ...Event) *Ledger {
	t.Helper()
	l := &Ledger{}
	for i, e := range events {
		require.NoError(t, l.Append(start.Add(time.Duration(i)*time.Minute), e))
	}
	return l
}

// The golden ledger is frozen: a program that reads or writes it otherwise cannot go on
// with the ledgers there are.
func TestGoldenLedgerKeepsItsBytes(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "ledger-1.jsonl"))
	require.NoError(t, err)
	require.Equal(t, string(golden), string(build(t, everyEvent()...).Bytes()))
	l, err := Parse(golden)
	require.NoError(t, err)
	var events []Event
	for _, e := range l.Entries() {
		events = append(events, e.Event)
	}
	require.Equal(t, everyEvent(), events)
}

// The chain is verified with nothing of this package.
func TestGoldenLedgerChains(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "ledger-1.jsonl"))
	require.NoError(t, err)
	prev := strings.Repeat("0", 64)
	kinds := map[any]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n") {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		require.EqualValues(t, i+1, m["n"])
		require.Equal(t, prev, m["prev"])
		kinds[m["event"]] = true
		prev = digest([]byte(line))
	}
	require.Len(t, kinds, len(decoders), "an event that the golden ledger does not have")
}

// A member of an event must not have the name of one of the line.
func TestMembersOfEventsAreNotThoseOfTheLine(t *testing.T) {
	for _, e := range everyEvent() {
		for i := range reflect.TypeOf(e).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(e).Field(i).Tag.Get("json"), ",")
			require.NotContains(t, []string{"", "n", "prev", "time", "event"}, name, "%T", e)
		}
	}
}

// Whatever is done to a line that another one follows is named. Breaks G23.
func TestEveryChangedByteIsNamed(t *testing.T) {
	golden := build(t, everyEvent()...).Bytes()
	lastLine := bytes.LastIndexByte(golden[:len(golden)-1], '\n') + 1
	for i := range golden {
		for _, flip := range []byte{0x01, 0x20, 0xff} {
			changed := bytes.Clone(golden)
			changed[i] ^= flip
			l, err := Parse(changed)
			var named *LineError
			switch {
			case errors.As(err, &named):
				line := 1 + bytes.Count(golden[:i], []byte("\n"))
				require.Contains(t, []int{line, line + 1}, named.Line, "byte %d", i)
			case i < lastLine:
				t.Fatalf("byte %d ^ %#x: %v", i, flip, err)
			case i == len(golden)-1:
				require.NoError(t, err)
				require.NotZero(t, l.Torn())
			default: // only the signed head shows it: TestSignedLinesCannotChange
				require.NoError(t, err)
			}
		}
	}
}

// Breaks G23.
func TestLinesThatAreMissingMovedOrDoubledAreNamed(t *testing.T) {
	lines := strings.SplitAfter(string(build(t, everyEvent()...).Bytes()), "\n")
	lines = lines[:len(lines)-1]
	for i := range lines {
		var named *LineError
		if i < len(lines)-1 {
			dropped := strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
			_, err := Parse([]byte(dropped))
			require.ErrorAs(t, err, &named)
			require.Equal(t, i+1, named.Line)

			swapped := strings.Join(lines[:i], "") + lines[i+1] + lines[i] + strings.Join(lines[i+2:], "")
			_, err = Parse([]byte(swapped))
			require.ErrorAs(t, err, &named)
			require.Equal(t, i+1, named.Line)
		}
		doubled := strings.Join(lines[:i+1], "") + strings.Join(lines[i:], "")
		_, err := Parse([]byte(doubled))
		require.ErrorAs(t, err, &named)
		require.Equal(t, i+2, named.Line)
	}
}

// Cut at any length, a ledger is its whole lines and a torn one, which the next command
// cuts off and notes.
func TestTruncatedAtEveryLengthItGoesOn(t *testing.T) {
	golden := build(t, everyEvent()...).Bytes()
	for n := range golden {
		cut := golden[:n]
		whole := bytes.Count(cut, []byte("\n"))
		l, err := Parse(cut)
		if whole == 0 {
			require.ErrorContains(t, err, "no whole line")
			continue
		}
		require.NoError(t, err)
		require.Len(t, l.Entries(), whole)
		torn := len(cut) - bytes.LastIndexByte(cut, '\n') - 1
		require.Equal(t, torn, l.Torn())
		require.NoError(t, l.Append(start, Noted{"on"}))
		require.Zero(t, l.Torn())
		again, err := Parse(l.Bytes())
		require.NoError(t, err)
		if torn == 0 {
			require.Len(t, again.Entries(), whole+1)
			continue
		}
		require.Len(t, again.Entries(), whole+2)
		note, _ := again.Entries()[whole].Event.(Noted)
		require.Contains(t, note.Text, "the last line was torn")
	}
}

// Zeros and other rubbish at the end are a torn line too.
func TestRubbishAtTheEndIsNoted(t *testing.T) {
	for _, rubbish := range []string{"\x00\x00\x00", "\xff", strings.Repeat("é", 1000), `{"n":14}`} {
		l, err := Parse(append(build(t, everyEvent()...).Bytes(), rubbish...))
		require.NoError(t, err)
		require.Equal(t, len(rubbish), l.Torn())
		require.NoError(t, l.Append(start, Noted{"on"}))
	}
	_, err := Parse(append(build(t, everyEvent()...).Bytes(), make([]byte, MaxLine+1)...))
	require.ErrorContains(t, err, "line 14: longer than 8192 bytes")
}

func TestLinesThatAreNotCanonicalAreRefused(t *testing.T) {
	good := strings.TrimSuffix(string(build(t, created()).Bytes()), "\n")
	tests := []struct{ name, old, new, want string }{
		{"a space", `"n":1`, `"n": 1`, "canonical"},
		{"an unknown member", `"vault":`, `"x":1,"vault":`, "canonical"},
		{"a doubled member", `"n":1`, `"n":1,"n":1`, "canonical"},
		{"a member in other case", `"prev"`, `"Prev"`, "canonical"},
		{"an escape that is not needed", `Alice`, `\u0041lice`, "canonical"},
		{"a time in another zone", `09:00:00Z`, `10:00:00+01:00`, "UTC"},
		{"an event of a newer program", `"event":"vault"`, `"event":"comet"`, "newer coldvault"},
		{"a member that is missing", `"vault":"abcdefgh",`, ``, "vault id"},
		{"no object", good, `[]`, "not the JSON"},
		{"a number for a text", `"Alice"`, `7`, "not the JSON"},
		{"a line after the object", `]}`, `]}{}`, "not the JSON"},
		{"bytes that are not UTF-8", `Alice`, "Al\xffce", "canonical"},
		{"another number", `"n":1`, `"n":2`, "number 2"},
		{"another line before it", `"prev":"0`, `"prev":"1`, "does not follow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Contains(t, good, tt.old)
			_, err := Parse([]byte(strings.Replace(good, tt.old, tt.new, 1) + "\n"))
			var named *LineError
			require.ErrorAs(t, err, &named)
			require.Equal(t, 1, named.Line)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestEventsThatCannotBeAreRefused(t *testing.T) {
	long := strings.Repeat("n", maxName+1)
	tests := []struct {
		name  string
		event Event
		want  string
	}{
		{"no event", nil, "no event"},
		{"a second vault", created(), "first line and no other"},
		{"a vault id in capitals", VaultCreated{"ABCDEFGH", created().Sets, nil}, "vault id"},
		{"a vault without hot", VaultCreated{testVault, created().Sets[:1], nil}, "1 share sets"},
		{"a compartment split twice", SharesSplit{[]ShareSet{created().Sets[0], created().Sets[0]}, nil}, "two share sets"},
		{"one card that opens", SharesSplit{[]ShareSet{{coldSet, "cold", 1, 5}}, nil}, "1 of 5"},
		{"more needed than there are", SharesSplit{[]ShareSet{{coldSet, "cold", 6, 5}}, nil}, "6 of 5"},
		{"more cards than a set can have", SharesSplit{[]ShareSet{{coldSet, "cold", 2, 256}}, nil}, "2 of 256"},
		{"a custodian too few", SharesSplit{[]ShareSet{{coldSet, "cold", 2, 3}}, []string{"A", "B"}}, "2 custodians"},
		{"names that do not fit on a line", SharesSplit{[]ShareSet{{coldSet, "cold", 2, 255}}, slices.Repeat([]string{"a name of some length, as people have"}, 255)}, "longer than 8192"},
		{"another compartment", SharesSplit{[]ShareSet{{coldSet, "warm", 2, 3}}, nil}, `compartment is "warm"`},
		{"generation 0", Sealed{0, start, []string{"cold"}, nil}, "generation is 0"},
		{"a generation of nothing", Sealed{1, start, nil, nil}, "number of compartments"},
		{"a compartment twice", Sealed{1, start, []string{"cold", "cold"}, nil}, "twice"},
		{"a time with a fraction", Sealed{1, start.Add(1), []string{"cold"}, nil}, "whole seconds"},
		{"too many deadlines", Sealed{1, start, []string{"cold"}, make([]Deadline, MaxDeadlines+1)}, "17 deadlines"},
		{"a deadline done before it came", Sealed{1, start, []string{"cold"}, []Deadline{{What: "x", When: start, Done: true}}}, "cannot be done"},
		{"a medium id that is too short", Copied{"7f3a", USB, "", "", 1, true}, "16 lower-case hex"},
		{"an unknown kind", Copied{stickA, "tape", "", "", 1, true}, `kind is "tape"`},
		{"a device name that is too long", Copied{stickA, USB, long, "", 1, true}, "longer than 256"},
		{"an unknown result", Checked{stickA, 1, "fine", 0}, `result is "fine"`},
		{"a check that writes", Checked{stickA, 1, Written, 0}, `result is "written"`},
		{"less than no finding", Checked{stickA, 1, Whole, -1}, "findings is -1"},
		{"a place without a name", Placed{stickA, "", true, false, "", ""}, "place is missing"},
		{"a name with a line break", Placed{stickA, "a\nb", true, false, "", ""}, "not printable"},
		{"a name that hides its direction", Placed{stickA, "a\u202eb", true, false, "", ""}, "not printable"},
		{"card 0", CardChecked{coldSet, "cold", 0, "", true}, "index is 0"},
		{"nothing lost", Lost{}, "either a medium or a card"},
		{"a medium and a card", Lost{Medium: stickA, Set: coldSet, Index: 1}, "either a medium or a card"},
		{"a medium with an index", Lost{Medium: stickA, Index: 1}, "no index"},
		{"an unknown role", Drilled{"some", 1, true, nil, 0}, `role is "some"`},
		{"a step back in time", Drilled{"all", 1, true, []Step{{"x", -1}}, 0}, "-1 seconds"},
		{"a generation from the future", Drilled{"all", 1, true, nil, -1}, "rpo_seconds is -1"},
		{"a policy of no days", Policy{0, 1, 1, 1}, "number of days is 0"},
		{"a deadline of nothing", Deadline{When: start}, "what is due is missing"},
		{"nothing accepted", HostAccepted{"init", nil}, "number of facts"},
		{"too much accepted", HostAccepted{"init", slices.Repeat([]string{"swap"}, 17)}, "number of facts"},
		{"an empty note", Noted{}, "text is missing"},
		{"a long note", Noted{strings.Repeat("x", maxText+1)}, "longer than 1024"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := build(t, everyEvent()...)
			before := l.Bytes()
			// All or none: the good one before it does not count either.
			err := l.Append(start, Noted{"good"}, tt.event)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, before, l.Bytes())
			require.NoError(t, l.Append(start, Noted{"good"}))
			_, err = Parse(l.Bytes())
			require.NoError(t, err)
		})
	}
	require.ErrorContains(t, (&Ledger{}).Append(start, Noted{"x"}), "first line and no other")
}

func TestSizesAreCapped(t *testing.T) {
	_, err := Parse(make([]byte, MaxSize+1))
	require.ErrorContains(t, err, "at most 67108864")

	l := build(t, created())
	l.entries = append(l.entries, make([]Entry, MaxLines-2)...)
	require.NoError(t, l.Append(start, Noted{"the last that fits"}))
	require.ErrorContains(t, l.Append(start, Noted{"one more"}), "more than 200000 lines")

	l = build(t, created())
	l.data = append(l.data, make([]byte, MaxSize-len(l.data))...)
	require.ErrorContains(t, l.Append(start, Noted{"x"}), "larger than 67108864")
}
