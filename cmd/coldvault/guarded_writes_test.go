package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tracing are the options of strace: every call that takes bytes out of the process, with
// all of them in hex, and the names of files.
var tracing = []string{
	"-f", "-y", "-xx", "-s", "10000000", "-e", "signal=none",
	"-e", "trace=write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,vmsplice,splice,tee,sendfile,copy_file_range",
}

// written is one such call.
type written struct {
	call, to string // the name, and the file
	data     []byte
	line     []byte // of the trace
}

var (
	callPattern  = regexp.MustCompile(`^[0-9]+ +([a-z0-9_]+)\([0-9]+<((?:\\x[0-9a-f]{2})*)`)
	quotePattern = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
)

// unhex decodes strace's \x00.
func unhex(t *testing.T, text []byte) []byte {
	t.Helper()
	out := make([]byte, len(text)/4)
	_, err := hex.Decode(out, bytes.ReplaceAll(text, []byte(`\x`), nil))
	require.NoError(t, err)
	return out
}

// readTrace reads what strace has put down.
func readTrace(t *testing.T, name string) (all []written) {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	for line := range bytes.Lines(data) {
		call := callPattern.FindSubmatch(line)
		if call == nil {
			// The rest of a call that was named before, with its bytes, and the end.
			// Or fchmodat2, which older versions of strace show by its number.
			require.Regexp(t, `^[0-9]+ +(<\.\.\. [a-z0-9_]+ resumed>|\+\+\+ |syscall_0x1c4\()`, string(line[:min(len(line), 200)]))
			continue
		}
		w := written{call: string(call[1]), to: string(unhex(t, call[2])), line: line[:min(len(line), 200)]}
		for _, part := range quotePattern.FindAllSubmatch(line, -1) {
			w.data = append(w.data, unhex(t, part[1])...)
		}
		all = append(all, w)
	}
	return all
}

// drawing is a piece of a card that is on no other: of its codes, as the PDF draws them.
func drawing(t *testing.T, card string, others ...string) []byte {
	t.Helper()
	const size = 64
	data, err := os.ReadFile(card)
	require.NoError(t, err)
	var rest []byte
	for _, name := range others {
		other, err := os.ReadFile(name)
		require.NoError(t, err)
		rest = append(rest, other...)
	}
	for at := len(data) / 3; at+size < len(data); at += size {
		if !bytes.Contains(rest, data[at:at+size]) {
			return data[at : at+size]
		}
	}
	require.Fail(t, "the cards are the same")
	return nil
}

// Everything that a whole ceremony gives to the kernel: a secret goes to its card and to the
// restored files, and nowhere else. Words of a card that are typed are shown one by one, and
// never together. Shows G21. Breaks G21.
func TestSecretsAreWrittenToCardsAndRestoredFilesOnly(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	w := newGuardedWorld(t, builtBinary(t))
	unattended := slices.Concat([]string{"--passphrase-file", "pass", "--yes"}, acceptAnyHost)
	var calls []written
	trace := func(args ...string) []string {
		return slices.Concat(tracing, []string{"-o", w.path("trace"), w.binary}, args)
	}
	for _, args := range [][]string{
		slices.Concat(initGuarded("v2"), unattended[:3]),
		slices.Concat([]string{"seal", "--vault", "v", "--to", "usb"}, sealGuarded, unattended),
		append([]string{"paper", "--vault", "v", "--out", "pages.pdf"}, unattended...),
		{"check", "usb", "--card", "cards"},
		slices.Concat([]string{"restore", "--from", "usb", "--role", "all", "--to", "out", "--card", "cards", "--chain-counter", "0"}, unattended),
		slices.Concat([]string{"drill", "--from", "usb", "--card", "cards"}, unattended),
	} {
		cmd := exec.Command("strace", trace(args...)...)
		cmd.Dir = w.dir
		out, _ := cmd.CombinedOutput()
		require.Contains(t, []int{exitOK, exitDamage}, cmd.ProcessState.ExitCode(), "%v\n%s", args, out)
		calls = append(calls, readTrace(t, w.path("trace"))...)
	}
	calls = append(calls, w.typed(t, trace)...)

	w.addVault(t, "new ", "v2", "v2-cards", guardedPass)
	w.addFileKeys(t)
	w.needles["drawing of card 1"] = drawing(t, w.path("v2-cards/card-1.pdf"), w.path("v2-cards/card-2.pdf"), w.path("v2-cards/card-3.pdf"))
	w.compare(t, calls)
}

// typed is a restore for which the words of a card are typed at a terminal.
func (w *guardedWorld) typed(t *testing.T, trace func(...string) []string) []written {
	t.Helper()
	t.Setenv("TERM", "xterm")
	s := startProgram(t, w.dir, "strace", trace(append([]string{"restore", "--from", "usb", "--role", "hot", "--to", "typed", "--card", "cards/card-1.pdf"}, acceptAnyHost...)...)...)
	s.answer(wordPrompt, hotLine(t, w.dir, "cards/card-2.pdf", true))
	code, screen := s.exit()
	require.Zero(t, code, screen)
	return readTrace(t, w.path("trace"))
}

// compare looks for every secret in every call.
func (w *guardedWorld) compare(t *testing.T, calls []written) {
	t.Helper()
	found := map[string]bool{}
	bytesWritten := 0
	for _, c := range calls {
		bytesWritten += len(c.data)
		if c.call == "copy_file_range" || c.call == "sendfile" || c.call == "splice" {
			// The bytes are not in the trace: none of a secret file may go this way.
			require.NotRegexp(t, "/(pool|archive|cards|out|typed)", c.to, string(c.line))
		}
		for name, needle := range w.needles {
			if !bytes.Contains(c.data, needle) {
				continue
			}
			found[name] = true
			if name == "drawing of card 1" {
				require.Equal(t, w.path("v2-cards/card-1.pdf"), c.to)
				continue
			}
			require.True(t, strings.HasPrefix(name, "file "), "%s is written by %.200s", name, c.line)
			require.Regexp(t, "^"+regexp.QuoteMeta(w.dir)+"/(out|typed)/", c.to, name)
		}
	}
	t.Logf("%d calls with %d bytes: %d secrets, all in cards and restored files", len(calls), bytesWritten, len(found))
	for _, name := range []string{"drawing of card 1", "file cold.skey 0", "file kes.skey 0", "file archive 2"} {
		require.True(t, found[name], "%s was found nowhere: is it looked for?", name)
	}
}
