package ledger

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func mediumChecks() []MediumCheck {
	return []MediumCheck{
		{start, 1, "1.2.0", Written},
		{start.AddDate(0, 6, 0), 1, "1.2.0", Whole},
		{start.AddDate(1, 0, 0), 2, "1.3.0-rc.1+x", Damaged},
		{start.AddDate(1, 0, 1), 2, "1.3.0", Repaired},
		{start.AddDate(1, 6, 0), 3, "1.3.0", Incomplete},
	}
}

func mediumLog(t testing.TB) *MediumLog {
	t.Helper()
	l := newMediumLog(stickA)
	for _, c := range mediumChecks() {
		_, err := l.Append(c)
		require.NoError(t, err)
	}
	return l
}

// The golden log is frozen: it lies on media.
func TestGoldenMediumLogKeepsItsBytes(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "checks-1.log"))
	require.NoError(t, err)
	require.Equal(t, string(golden), string(mediumLog(t).Bytes()))
	l, err := ParseMediumLog(golden)
	require.NoError(t, err)
	require.Equal(t, stickA, l.ID())
	require.Equal(t, 5, l.Len())
	last, ok := l.Last()
	require.True(t, ok)
	require.Equal(t, mediumChecks()[4], last)
	require.Equal(t, map[int]MediumCheck{1: mediumChecks()[1], 2: mediumChecks()[3]}, l.Fates(), "of those that were whole")
	require.Empty(t, newMediumLog(stickA).Fates())
	removed := MediumCheck{start.AddDate(2, 0, 0), 1, "1.3.0", Removed}
	_, err = l.Append(removed)
	require.NoError(t, err)
	require.Equal(t, map[int]MediumCheck{1: removed, 2: mediumChecks()[3]}, l.Fates())
	renewed, err := l.Renewed()
	require.NoError(t, err)
	require.NotEqual(t, l.ID(), renewed.ID())
	require.Equal(t, map[int]MediumCheck{2: mediumChecks()[3]}, renewed.Fates())
	_, err = ParseMediumLog(renewed.Bytes())
	require.NoError(t, err)
}

// Of a damaged log every line that is sound is believed.
func TestWhatIsSoundOfAMediumLogIsBelieved(t *testing.T) {
	golden := mediumLog(t).Bytes()
	want := mediumLog(t).Fates()
	for at := range golden {
		if golden[at] == '\n' {
			continue // two lines become one
		}
		changed := bytes.Clone(golden)
		changed[at] ^= 1
		l, err := ParseMediumLog(changed)
		require.Error(t, err, at)
		require.NotNil(t, l, at)
		require.Equal(t, stickA, l.ID(), at)
		again, err := ParseMediumLog(l.Bytes())
		require.NoError(t, err, at)
		require.Equal(t, l.Fates(), again.Fates(), at)
		lines := bytes.Count(changed[:at], []byte("\n"))
		if lines == 0 || lines == 3 || lines == 5 { // the id, and what says nothing of a generation
			require.Equal(t, want, l.Fates(), at)
		}
		require.Contains(t, l.Fates(), 2-lines/3, at)
	}
	for _, nothing := range []string{"", "\n", "x", strings.Repeat("\x00", 300)} {
		l, err := ParseMediumLog([]byte(nothing))
		require.Error(t, err)
		require.Nil(t, l)
	}
}

// Its lines have members with fixed words, numbers and times, and none for names. Shows G29.
func TestMediumLogNamesNobody(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(string(mediumLog(t).Bytes()), "\n"), "\n")
	for _, line := range lines[1:] {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		for name := range m {
			require.Contains(t, []string{"n", "prev", "time", "generation", "version", "result", "medium", "sum"}, name)
		}
	}
}

func TestNewMediumLogHasARandomID(t *testing.T) {
	a, b := NewMediumLog(), NewMediumLog()
	require.NotEqual(t, a.ID(), b.ID())
	require.NoError(t, checkHex("medium", a.ID(), MediumIDSize))
	_, ok := a.Last()
	require.False(t, ok)
	back, err := ParseMediumLog(a.Bytes())
	require.NoError(t, err)
	require.Equal(t, a.ID(), back.ID())
}

func TestEveryChangedByteOfAMediumLogIsNamed(t *testing.T) {
	golden := mediumLog(t).Bytes()
	lastLine := bytes.LastIndexByte(golden[:len(golden)-1], '\n') + 1
	for i := range golden {
		for _, flip := range []byte{0x01, 0x20, 0xff} {
			changed := bytes.Clone(golden)
			changed[i] ^= flip
			l, err := ParseMediumLog(changed)
			switch {
			case err != nil:
				require.ErrorContains(t, err, "checks.log")
			case i < lastLine:
				t.Fatalf("byte %d ^ %#x passed", i, flip)
			case i == len(golden)-1:
				require.NotZero(t, l.Torn())
			}
		}
	}
}

func TestLinesOfAMediumLogThatAreMissingMovedOrDoubledAreNamed(t *testing.T) {
	lines := strings.SplitAfter(string(mediumLog(t).Bytes()), "\n")
	lines = lines[:len(lines)-1]
	for i := range len(lines) - 1 {
		_, err := ParseMediumLog([]byte(strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")))
		require.Error(t, err, "without line %d", i+1)
		_, err = ParseMediumLog([]byte(strings.Join(lines[:i], "") + lines[i+1] + lines[i] + strings.Join(lines[i+2:], "")))
		require.Error(t, err, "lines %d and %d swapped", i+1, i+2)
		_, err = ParseMediumLog([]byte(strings.Join(lines[:i+1], "") + strings.Join(lines[i:], "")))
		require.Error(t, err, "line %d doubled", i+1)
	}
	// A number that is not the next, on a line that follows in all else.
	l := mediumLog(t)
	m, _, err := l.next(mediumChecks()[0])
	require.NoError(t, err)
	m.N = 9
	line, err := m.marshal()
	require.NoError(t, err)
	_, err = ParseMediumLog(append(append(l.Bytes(), line...), '\n'))
	require.ErrorContains(t, err, "checks.log line 7: it has the number 9, not 6")
	_, err = ParseMediumLog([]byte(stickB + "\n" + strings.Join(lines[1:], "")))
	require.ErrorContains(t, err, "checks.log line 2: it is of medium "+`"`+stickA+`"`+", not of "+stickB)
}

func TestMediumLogTruncatedAtEveryLengthGoesOn(t *testing.T) {
	golden := mediumLog(t).Bytes()
	for n := range golden {
		l, err := ParseMediumLog(golden[:n])
		if n < 2*MediumIDSize+1 {
			require.ErrorIs(t, err, ErrNoMediumID)
			continue
		}
		require.NoError(t, err)
		whole := bytes.LastIndexByte(golden[:n], '\n') + 1
		require.Equal(t, n-whole, l.Torn())
		data, err := l.Append(mediumChecks()[0])
		require.NoError(t, err)
		require.Zero(t, l.Torn())
		require.Equal(t, golden[:whole], data[:whole])
		back, err := ParseMediumLog(data)
		require.NoError(t, err)
		require.Zero(t, back.Torn())
		require.Equal(t, bytes.Count(golden[:n], []byte("\n")), back.Len())
	}
}

func TestChecksThatCannotBeAreRefused(t *testing.T) {
	tests := []struct {
		name  string
		check MediumCheck
		want  string
	}{
		{"no generation", MediumCheck{start, 0, "1", Whole}, "generation is 0"},
		{"no version", MediumCheck{start, 1, "", Whole}, "version is missing"},
		{"a long version", MediumCheck{start, 1, strings.Repeat("1", 65), Whole}, "longer than 64"},
		{"an unknown result", MediumCheck{start, 1, "1", "fine"}, `result is "fine"`},
		{"no time", MediumCheck{time.Time{}, 1, "1", Whole}, "time 0001-01-01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := mediumLog(t)
			before := l.Bytes()
			_, err := l.Append(tt.check)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, before, l.Bytes())
		})
	}
	_, err := ParseMediumLog(make([]byte, MaxMediumLog+1))
	require.ErrorContains(t, err, "at most 1048576")
	_, err = ParseMediumLog([]byte(stickA + "\n" + strings.Repeat("x", maxMediumLine+1)))
	require.ErrorContains(t, err, "longer than 512")
}

// A log that is full closes its lines with one, keeps the chain and the counts, and goes
// on; also the second time.
func TestAFullMediumLogIsFolded(t *testing.T) {
	l := newMediumLog(stickA)
	n, damaged := 0, 0
	next := func() MediumCheck {
		c := MediumCheck{start.Add(time.Duration(n) * time.Hour), 1, "1.0.0", Whole}
		n++
		if n%10 == 0 {
			c.Result = Damaged
			damaged++
		}
		return c
	}
	for range 2 {
		var last MediumCheck
		for len(l.data) <= MaxMediumLog-maxMediumLine { // what Append does, without a copy of the file each time
			last = next()
			m, line, err := l.next(last)
			require.NoError(t, err)
			l.add(m, line)
		}
		full, err := ParseMediumLog(l.Bytes())
		require.NoError(t, err)
		for {
			head, damagedBefore, c := full.last, damaged, next()
			data, err := full.Append(c)
			require.NoError(t, err)
			require.LessOrEqual(t, len(data), MaxMediumLog)
			l, err = ParseMediumLog(data)
			require.NoError(t, err)
			require.Equal(t, n, l.Len())
			got, _ := l.Last()
			require.Equal(t, c, got)
			if len(l.lines) > 2 { // there was room
				last = c
				continue
			}
			require.Equal(t, head, l.lines[0].Prev, "it goes on from the last line before")
			require.Equal(t, &folded{Checks: n - 1, Since: start, Damaged: damagedBefore}, l.lines[0].Folded)
			require.Equal(t, last.Time, l.lines[0].Time)
			break
		}
	}
}

func TestFoldedLinesThatCannotBeAreRefused(t *testing.T) {
	line := func(n int, f folded) []byte {
		m := mediumLine{n, firstPrev, start, 1, "1", Whole, stickA, &f, ""}
		data, err := encode(m)
		require.NoError(t, err)
		m.Sum = digest(data)[:sumDigits]
		data, err = encode(m)
		require.NoError(t, err)
		return append(append([]byte(stickA+"\n"), data...), '\n')
	}
	good := line(10, folded{9, start, 3})
	_, err := ParseMediumLog(good)
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"more checks than lines":    line(10, folded{10, start, 3}),
		"no check":                  line(10, folded{0, start, 0}),
		"more damage than checks":   line(10, folded{9, start, 10}),
		"less than no damage":       line(10, folded{9, start, -1}),
		"a time that is none":       line(10, folded{9, time.Time{}, 1}),
		"lines before it are there": append(mediumLog(t).Bytes(), good[len(stickA)+1:]...),
	} {
		_, err := ParseMediumLog(data)
		require.ErrorContains(t, err, "checks.log line", name)
	}
}

// A log whose numbers are used up, which anybody can write, does not end the logging: it begins
// anew, with the same id.
func TestAMediumLogWithoutNumbersBeginsAnew(t *testing.T) {
	for n, full := range map[int]bool{maxCount - 3: false, maxCount - 2: false, maxCount - 1: true, maxCount: true} {
		m := mediumLine{n, firstPrev, start, 1, "1", Whole, stickA, &folded{1, start, 0}, ""}
		line, err := m.marshal()
		require.NoError(t, err)
		l, err := ParseMediumLog([]byte(stickA + "\n" + string(line) + "\n"))
		require.NoError(t, err)
		require.Equal(t, full, l.Full(), n)
		data, err := l.Append(mediumChecks()[0])
		require.NoError(t, err, n)
		back, err := ParseMediumLog(data)
		require.NoError(t, err, n)
		require.Equal(t, stickA, back.ID())
		last, ok := back.Last()
		require.True(t, ok)
		require.Equal(t, mediumChecks()[0], last)
		if full {
			require.Equal(t, 1, back.n())
		} else {
			require.Equal(t, n+1, back.n())
		}
	}
}

// What must be on the medium outlives the lines that said so.
func TestAFoldedMediumLogKnowsWhatIsHeld(t *testing.T) {
	l := newMediumLog(stickA)
	add := func(c MediumCheck) {
		t.Helper()
		_, err := l.Append(c)
		require.NoError(t, err)
	}
	held := MediumCheck{start, 2, "1.0.0", Written}
	add(MediumCheck{start, 1, "1.0.0", Written})
	add(held)
	add(MediumCheck{start, 1, "1.0.0", Removed})
	last := MediumCheck{start.AddDate(1, 0, 0), 3, "1.0.0", Whole}
	for len(l.data) <= MaxMediumLog-maxMediumLine {
		m, line, err := l.next(last)
		require.NoError(t, err)
		l.add(m, line)
	}
	for l.lines[0].Folded == nil {
		add(last)
	}
	require.Less(t, len(l.lines), 10)
	require.Equal(t, map[int]MediumCheck{2: held, 3: last}, l.Fates())
	_, err := ParseMediumLog(l.Bytes())
	require.NoError(t, err)

	// The closing line may be one that says nothing of it.
	l = newMediumLog(stickA)
	add(held)
	last = MediumCheck{start.AddDate(1, 0, 0), 3, "1.0.0", Incomplete}
	add(last)
	require.NoError(t, l.fold())
	require.Equal(t, map[int]MediumCheck{2: held}, l.Fates())

	// So many that a log could not take them: the newest are.
	fates := map[int]MediumCheck{}
	for n := 1; n <= 2*maxFates; n++ {
		fates[n] = MediumCheck{start, n, "1.0.0", Whole}
	}
	l = newMediumLog(stickA)
	require.NoError(t, l.take(fates))
	require.Len(t, l.lines, maxFates)
	require.Equal(t, 2*maxFates, l.lines[maxFates-1].Generation)
}
