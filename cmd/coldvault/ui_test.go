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

// shownForged is how its beginning is shown.
const shownForged = "x\uFFFD\uFFFDWHOLE␣␣␣generation 9"

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
		require.NotContains(t, said, "WHOLE   ")
		require.Regexp(t, shownForged+`|x\\r\\nWHOLE␣␣␣generation 9|; WHOLE␣␣␣`, said)
	}
	errs.Reset()
	u.fail(&ceremony.HintError{Err: failure, Hint: forged})
	require.Equal(t, 2, strings.Count(errs.String(), "\n"), "%q", errs.String())

	out.Reset()
	u.print("two\nlines of %d, %s", 2, "its own")
	require.Equal(t, "two\nlines of 2, its own\n", out.String())
}

// A name can neither fill its row with what is not seen, nor have the columns of a row of
// ours; names of all scripts stay what they are.
func TestWhatIsNotSeenIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"a b":                         "a b",
		"a  b":                        "a␣␣b",
		"   ":                         "␣␣␣",
		" a ":                         " a ",
		"a\u00a0\u2003\u3000\u1680b":  "a\uFFFD\uFFFD\uFFFD\uFFFDb",  // other spaces
		"a\u200b\u200d\ufeff\u00adb":  "a\uFFFD\uFFFD\uFFFD\uFFFDb",  // no width
		"a\u202eb\u2066c\u200fd":      "a\uFFFDb\uFFFDc\uFFFDd",      // direction
		"a\u2800\u3164\uffa0\u115fb":  "a\uFFFD\uFFFD\uFFFD\uFFFDb",  // blank symbols and letters
		"a\U0001D159\U00013441b":      "a\uFFFD\uFFFDb",              // the same
		"a\ufe0f\u034f\U000E0100b":    "a\uFFFD\uFFFD\uFFFDb",        // blank marks
		"Cafe\u0301 Vie\u0323\u0302t": "Cafe\u0301 Vie\u0323\u0302t", // as macOS writes them
		"हिन्दी ไม่ שָׁ \u00e9": "हिन्दी ไม่ שָׁ \u00e9", // scripts that are written with marks
		"\u0301a \u0336b":                       "\uFFFDa \uFFFDb",                       // on a character that is not its own
		"a\u0301\u0301\u0301\u0301\u0301\u0301": "a\u0301\u0301\u0301\u0301\uFFFD\uFFFD", // a tower
		"\xff\xfe":                              "\uFFFD\uFFFD",
		"":                                      "",
	} {
		require.Equal(t, want, clean(text), "%+q", text)
	}
	require.Equal(t, "a␣␣b   |  \"a␣␣b\"|12", sprint("%-7s|%8q|%d", "a  b", "a  b", 12), "our own columns stay")

	var errs bytes.Buffer
	u := &ui{err: &errs, terminal: true}
	u.Progress(strings.Repeat("x", 80)+" WHOLE", 1, 2)
	require.Less(t, len([]rune(errs.String())), 80, "it would leave a row behind")
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
		require.NotContains(t, string(out), "WHOLE   generation 9")
		require.Contains(t, string(out), "WHOLE")
	}
}
