package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/cmd/internal/ceremony"
)

// forged is what a name, a label or an error must not be able to print: lines of a report.
const forged = "x\r\nWHOLE   generation 9\x1b[2J\u2028WHOLE\nfingerprint"

// What comes from outside stays on the line that it is printed on, and draws nothing; the
// program's own text has the lines that it has.
func TestWhatComesFromOutsideMakesNoLines(t *testing.T) {
	var out, errs bytes.Buffer
	u := &ui{out: &reported{w: &out}, err: &errs, terminal: true}
	failure := errors.Join(errors.New(forged), fmt.Errorf("b: %w", errors.New(forged)))
	for _, say := range []func(){
		func() { u.Say("%s", forged) },
		func() { u.Warn("%q: %v", forged, failure) },
		func() { u.print("  %-14s %d", forged, 7) },
		func() { u.heading("%s", forged) },
		func() { u.verdict(red, forged, "%v", []string{forged}) },
		func() { u.Progress(forged, 1, 2); u.Progress("", 0, 0); errs.WriteByte('\n') },
		func() { u.tell(&errs, "%s and %s: \n", forged, failure) },
		func() { u.table([][]string{{forged, "b"}}) },
	} {
		out.Reset()
		errs.Reset()
		say()
		said := strings.ReplaceAll(out.String()+errs.String(), "\r\x1b[K", "")
		require.Equal(t, 1, strings.Count(said, "\n"), "%q", said)
		require.True(t, strings.HasSuffix(said, "\n"), "%q", said)
		require.NotContains(t, said, "\r")
		require.NotContains(t, said, "\x1b")
		require.NotContains(t, said, "\u2028")
		require.Contains(t, said, "WHOLE   generation 9")
	}
	errs.Reset()
	u.fail(&ceremony.HintError{Err: failure, Hint: forged})
	require.Equal(t, 2, strings.Count(errs.String(), "\n"), "%q", errs.String())

	out.Reset()
	u.print("two\nlines of %d, %s", 2, "its own")
	require.Equal(t, "two\nlines of 2, its own\n", out.String())
}

// The name of a file on a stick, and of the stick, print no line of a report.
func TestANameOnAMediumForgesNoReport(t *testing.T) {
	dir, s := copySample(t)
	stick := filepath.Join(dir, "stick\nWHOLE   generation 9")
	require.NoError(t, os.CopyFS(stick, os.DirFS(filepath.Join(dir, "medium-1"))))
	hostile := filepath.Join(stick, "coldvault", s.Vault, "generations/000001/x\n  WHOLE   generation 9")
	require.NoError(t, os.WriteFile(hostile, nil, 0o600))
	for _, args := range [][]string{{"check", stick}, {"scan", stick}, {"check", stick + "\nWHOLE"}} {
		out, _ := exec.Command("coldvault", args...).CombinedOutput()
		require.NotRegexp(t, `(?m)^ *WHOLE   generation 9`, string(out))
		require.Contains(t, string(out), "WHOLE")
	}
}
