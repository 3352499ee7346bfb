package ledger

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzParse: no input panics; what is accepted is the whole lines of the input, can be
// gone on with, and has a status and a calendar.
func FuzzParse(f *testing.F) {
	golden := build(f, everyEvent()...).Bytes()
	f.Add(golden)
	f.Add(golden[:len(golden)-7])
	f.Add(build(f, created()).Bytes())
	for _, line := range bytes.SplitAfter(golden, []byte("\n")) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// A line by itself exercises every event without a chain to forge.
		if e, err := parseLine(data); err == nil {
			again, err := e.marshal()
			require.NoError(t, err)
			require.Equal(t, string(data), string(again))
		}
		l, err := Parse(data)
		if err != nil {
			return
		}
		require.Equal(t, string(data[:len(data)-l.Torn()]), string(l.Bytes()))
		require.NoError(t, WriteICS(&bytes.Buffer{}, Compute(l, start)))
		require.NoError(t, l.Append(start.Add(time.Hour), Noted{"on"}))
		_, err = Parse(l.Bytes())
		require.NoError(t, err)
	})
}

// FuzzStatus chains whatever events the input decodes to, so that the fuzzer reaches
// what a chain keeps it from.
func FuzzStatus(f *testing.F) {
	for _, line := range bytes.SplitAfter(build(f, everyEvent()...).Bytes(), []byte("\n")) {
		f.Add(line, 100)
	}
	f.Add(build(f, everyEvent()...).Bytes(), 400)
	f.Fuzz(func(t *testing.T, data []byte, days int) {
		l := build(t, created())
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if e, err := parseLine(line); err == nil {
				_ = l.Append(e.Time, e.Event) // what does not fit is left out
			}
		}
		s := Compute(l, start.AddDate(0, 0, days%100_000))
		require.Len(t, s.Figures, 5)
		require.LessOrEqual(t, s.WholeCopies, s.Figures[0].Value)
		require.NoError(t, WriteICS(&bytes.Buffer{}, s))
	})
}

// FuzzMediumLog: no input panics; what is accepted is the whole lines of the input and
// can be gone on with.
func FuzzMediumLog(f *testing.F) {
	golden := mediumLog(f).Bytes()
	f.Add(golden)
	f.Add(golden[:100])
	f.Add([]byte(stickA + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParseMediumLog(data)
		if err != nil {
			return
		}
		require.Equal(t, string(data[:len(data)-l.Torn()]), string(l.Bytes()))
		again, err := l.Append(MediumCheck{start, 1, "1", Whole})
		if err != nil {
			return
		}
		_, err = ParseMediumLog(again)
		require.NoError(t, err)
	})
}
