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
// never together. Shows G21.
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
		{"paper", "--vault", "v", "--out", "pages.pdf"},
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

// compare looks for every secret in every call, and wants those that belong somewhere there.
func (w *guardedWorld) compare(t *testing.T, calls []written) {
	t.Helper()
	found, strays := w.search(calls)
	require.Empty(t, strays)
	bytesWritten := 0
	for _, c := range calls {
		bytesWritten += len(c.data)
	}
	t.Logf("%d calls with %d bytes: %d secrets, all in cards and restored files", len(calls), bytesWritten, len(found))
	for _, name := range []string{"drawing of card 1", "file cold.skey 0", "file kes.skey 0", "file archive 2"} {
		require.True(t, found[name], "%s was found nowhere: is it looked for?", name)
	}
}

// search finds the secrets that are written, and the calls by which one goes astray.
func (w *guardedWorld) search(calls []written) (found map[string]bool, strays []string) {
	found = map[string]bool{}
	restored := regexp.MustCompile("^" + regexp.QuoteMeta(w.dir) + "/(out|typed)/")
	secret := regexp.MustCompile("/(pool|archive|cards|out|typed)")
	for _, c := range calls {
		// These move bytes that are not in the trace: none of a secret file may go this way.
		if slices.Contains([]string{"copy_file_range", "sendfile", "splice"}, c.call) && secret.MatchString(c.to) {
			strays = append(strays, string(c.line))
		}
		for name, needle := range w.needles {
			if !bytes.Contains(c.data, needle) {
				continue
			}
			found[name] = true
			belongs := strings.HasPrefix(name, "file ") && restored.MatchString(c.to)
			if name == "drawing of card 1" {
				belongs = c.to == w.path("v2-cards/card-1.pdf")
			}
			if !belongs {
				strays = append(strays, name+": "+string(c.line))
			}
		}
	}
	return found, strays
}

// A program that leaves a secret elsewhere is found out by the same search. Breaks G21.
func TestASecretThatIsWrittenElsewhereIsFound(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	w := newGuardedWorld(t, builtBinary(t))
	for script, stray := range map[string]bool{
		"cat pool/cold.skey >elsewhere":                                       true, // without showing the bytes, where cat can
		"dd if=pool/cold.skey of=usb/cold.skey status=none":                   true,
		"dd if=pool/kes.skey status=none >&2":                                 true,
		"mkdir out; dd if=pool/kes.skey of=out/kes.skey status=none":          false,
		"dd if=usb/coldvault/*/vault.json of=elsewhere status=none 2>&1 || :": false,
	} {
		cmd := exec.Command("strace", slices.Concat(tracing, []string{"-o", w.path("trace"), "sh", "-c", script})...)
		cmd.Dir = w.dir
		require.NoError(t, cmd.Run(), script)
		_, strays := w.search(readTrace(t, w.path("trace")))
		require.Equal(t, stray, len(strays) > 0, "%s: %q", script, strays)
	}
}
