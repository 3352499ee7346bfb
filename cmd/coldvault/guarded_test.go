package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"coldvault/qr/digits"
	"coldvault/qr/scan"
	"coldvault/shard"
	"coldvault/vault/format/bech32"
	"coldvault/vault/secret/memscan"
)

// What a process outside, as root, finds of the secrets in the memory of each command:
// while it waits at its prompts, and when all is done but its last line. In guarded memory
// they may be until the step that uses them is over, elsewhere never.

const guardedPass = "correct horse battery staple"

// guardedWorld is a vault made by the program, and everything of it that is secret.
type guardedWorld struct {
	dir     string
	binary  string
	needles map[string][]byte
}

var acceptAnyHost = []string{"--accept-network", "--accept-swap"}

func newGuardedWorld(t *testing.T, binary string) *guardedWorld {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "coldvault-test-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &guardedWorld{dir: dir, binary: binary, needles: map[string][]byte{"passphrase": []byte(guardedPass)}}
	require.NoError(t, writePool(filepath.Join(dir, "pool"), 3, 0))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pass"), []byte(guardedPass+"\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "usb"), 0o700))
	for _, args := range [][]string{
		{"init", "--vault", "v", "--label", "x", "--shares", "3", "--threshold", "2", "--cards", "cards"},
		{"seal", "--vault", "v", "--to", "usb", "pool"},
	} {
		cmd := exec.Command(binary, append(append(args, "--passphrase-file", "pass", "--yes"), acceptAnyHost...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	w.collect(t)
	return w
}

// collect computes every secret from the cards and the files.
func (w *guardedWorld) collect(t *testing.T) {
	t.Helper()
	shares := map[shard.Compartment][]shard.Share{}
	for i := 1; i <= 3; i++ {
		pdf, err := os.ReadFile(filepath.Join(w.dir, "cards", fmt.Sprintf("card-%d.pdf", i)))
		require.NoError(t, err)
		found, err := scan.Read(pdf, scan.Options{})
		require.NoError(t, err)
		for _, c := range found.Codes {
			s, err := shard.ParseText(make([]byte, shard.ShareSize), c.Text)
			require.NoError(t, err)
			name := fmt.Sprintf("card %d %s", i, s.Compartment())
			w.needles[name+" share"] = bytes.Clone(s.Bytes()[15:47]) // the 32 values y
			w.needles[name+" digits"] = digits.Append(nil, s.Bytes())
			words := bytes.Fields(shard.AppendWords(nil, s))
			w.needles[name+" words"] = bytes.Join(words[8:14], []byte(" "))
			shares[s.Compartment()] = append(shares[s.Compartment()], s)
		}
	}
	for c, all := range shares {
		seed := make([]byte, shard.SeedSize)
		commitments := w.commitments(t, c.String())
		require.NoError(t, shard.Combine(seed, all[:2], commitments))
		w.needles["seed of "+c.String()] = seed
		w.needles["file key of "+c.String()] = w.fileKey(t, c.String(), seed)
	}
	entries, err := os.ReadDir(filepath.Join(w.dir, "pool"))
	require.NoError(t, err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".skey") {
			data, err := os.ReadFile(filepath.Join(w.dir, "pool", e.Name()))
			require.NoError(t, err)
			var envelope struct{ CborHex string }
			require.NoError(t, json.Unmarshal(data, &envelope))
			w.needles[e.Name()] = []byte(envelope.CborHex[4:68])
			key, err := hex.DecodeString(envelope.CborHex[4:68])
			require.NoError(t, err)
			w.needles[e.Name()+" decoded"] = key
		}
	}
	require.Greater(t, len(w.needles), 25)
}

func (w *guardedWorld) commitments(t *testing.T, compartment string) [][32]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "v", "shares.json"))
	require.NoError(t, err)
	var shares struct {
		Sets []struct {
			Compartment string
			Commitments []string
		}
	}
	require.NoError(t, json.Unmarshal(data, &shares))
	var out [][32]byte
	for _, s := range shares.Sets {
		for _, c := range s.Commitments {
			if raw, err := hex.DecodeString(c); err == nil && s.Compartment == compartment {
				out = append(out, [32]byte(raw))
			}
		}
	}
	return out
}

func (w *guardedWorld) fileKey(t *testing.T, compartment string, seed []byte) []byte {
	t.Helper()
	text, err := bech32.Encode("age-secret-key-pq-", seed)
	require.NoError(t, err)
	identity, err := age.ParseHybridIdentity(strings.ToUpper(string(text)))
	require.NoError(t, err)
	names, err := filepath.Glob(filepath.Join(w.dir, "v", "generations", "*", compartment+".age"))
	require.NoError(t, err)
	f, err := os.Open(names[0])
	require.NoError(t, err)
	defer f.Close()
	header, err := age.ExtractHeader(f)
	require.NoError(t, err)
	key, err := age.DecryptHeader(header, identity)
	require.NoError(t, err)
	return key
}

// look counts the copies that are not in guarded memory, and those that are.
func (w *guardedWorld) look(t *testing.T, s *session) (outside, inside map[string]int) {
	t.Helper()
	var hits []memscan.Hit
	// A buffer may be given back between the list of mappings and the read of it.
	require.Eventually(t, func() (ok bool) {
		var err error
		hits, err = memscan.Scan(s.cmd.Process.Pid, w.needles)
		return err == nil
	}, 10*time.Second, 50*time.Millisecond)
	outside, inside = map[string]int{}, map[string]int{}
	for _, h := range hits {
		if h.Locked {
			inside[h.Needle]++
		} else {
			outside[h.Needle]++
		}
	}
	return outside, inside
}

// blocked is a standard output that takes nothing: the program stands at its first line,
// which is printed when the work is done.
func blocked(t *testing.T) (stdout *os.File, release func()) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	fd := int(w.Fd()) // once: Fd makes it wait again
	require.NoError(t, unix.SetNonblock(fd, true))
	for {
		if _, err := unix.Write(fd, make([]byte, 4096)); err != nil {
			break
		}
	}
	require.NoError(t, unix.SetNonblock(fd, false))
	t.Cleanup(func() { r.Close(); w.Close() })
	return w, func() { go func() { _, _ = bytes.NewBuffer(nil).ReadFrom(r) }() }
}

// waitBlocked waits until the process sleeps in the write of its output.
func waitBlocked(t *testing.T, s *session) {
	t.Helper()
	still := 0
	require.Eventually(t, func() bool {
		found := false
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/wchan", s.cmd.Process.Pid))
		for _, task := range tasks {
			data, _ := os.ReadFile(task)
			found = found || strings.Contains(string(data), "pipe_write")
		}
		if found {
			still++
		} else {
			still = 0
		}
		return still > 5
	}, time.Minute, 20*time.Millisecond, s.screen())
}

// moment is where a command stands still.
type moment struct {
	name            string
	outside, inside map[string]int
}

// moments goes through all commands and looks at each prompt and at the end.
func (w *guardedWorld) moments(t *testing.T) (all []moment) {
	t.Helper()
	look := func(name string, s *session) {
		outside, inside := w.look(t, s)
		all = append(all, moment{name, outside, inside})
	}
	run := func(name string, args []string, prompts func(s *session)) {
		stdout, release := blocked(t)
		s := startWriting(t, stdout, w.dir, w.binary, append(args, acceptAnyHost...)...)
		prompts(s)
		waitBlocked(t, s)
		look(name+" at its end", s)
		release()
		_ = s.cmd.Wait()
		require.Contains(t, []int{exitOK, exitFailed}, s.cmd.ProcessState.ExitCode(), s.screen())
	}
	run("init", []string{"init", "--vault", "v2", "--label", "y", "--shares", "2", "--threshold", "2", "--accept-all-shares", "--cards", "cards2"}, func(s *session) {
		s.chooseOwn()
		s.answer(ownPrompt, guardedPass)
		s.await(againPrompt)
		look("init at its prompt for the passphrase again", s)
		s.answer(againPrompt, guardedPass)
	})
	run("seal", []string{"seal", "--vault", "v", "--to", "usb", "pool"}, func(s *session) {
		s.await(passPrompt)
		look("seal at its prompt for the passphrase", s)
		s.answer(passPrompt, guardedPass)
	})
	for _, command := range [][]string{
		{"restore", "--from", "usb", "--role", "all", "--to", "out", "--card", "cards/card-1.pdf", "--chain-counter", "0"},
		{"drill", "--from", "usb", "--card", "cards/card-1.pdf"},
	} {
		run(command[0], command, func(s *session) {
			for _, compartment := range []string{"cold", "hot"} {
				s.await(cardPrompt)
				look(command[0]+" at its prompt for a card of "+compartment, s)
				s.answer(cardPrompt, string(w.needles["card 2 "+compartment+" digits"]))
			}
		})
	}
	return all
}

func TestNoSecretIsOutsideGuardedMemory(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("reading the memory of another process needs root")
	}
	w := newGuardedWorld(t, builtBinary(t))
	seenInside := 0
	for _, m := range w.moments(t) {
		require.Empty(t, m.outside, "%s: copies outside guarded memory", m.name)
		if strings.HasSuffix(m.name, "at its end") {
			require.Empty(t, m.inside, "%s: copies when all is done", m.name)
		}
		seenInside += len(m.inside)
		t.Logf("%s: 0 copies of %d secrets outside guarded memory, %d of them inside", m.name, len(w.needles), len(m.inside))
	}
	require.NotZero(t, seenInside, "the scan finds nothing anywhere")
}

// The same program without the runtime that erases leaves copies, and the same scan finds them.
func TestWithoutTheErasingRuntimeCopiesAreFound(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("reading the memory of another process needs root")
	}
	binary := filepath.Join(t.TempDir(), "coldvault")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, ".")
	cmd.Env = append(cmd.Environ(), "GOEXPERIMENT=", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	w := newGuardedWorld(t, binary)
	copies := 0
	for _, m := range w.moments(t) {
		copies += len(m.outside)
		t.Logf("%s: %v", m.name, m.outside)
	}
	require.NotZero(t, copies)
}

// A signal that would leave a core file, with no limit to its size, leaves none, and
// nothing secret in the output.
func TestASignalAtAPromptLeavesNothing(t *testing.T) {
	binary := builtBinary(t)
	w := newGuardedWorld(t, binary)
	for _, signal := range []syscall.Signal{syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGQUIT, syscall.SIGTRAP} {
		dir := filepath.Join(w.dir, fmt.Sprintf("cwd-%d", signal))
		require.NoError(t, os.Mkdir(dir, 0o700))
		s := startProgram(t, dir, "sh", append([]string{"-c", `ulimit -c unlimited; exec "$@"`, "sh", binary, "restore", "--from", "../usb", "--role", "all",
			"--to", filepath.Join(w.dir, "never"), "--card", "../cards/card-1.pdf"}, acceptAnyHost...)...)
		s.await(cardPrompt)
		require.NoError(t, s.cmd.Process.Signal(signal))
		code, screen := s.exit()
		require.NotZero(t, code)
		for name, needle := range w.needles {
			require.NotContains(t, screen, string(needle), "%s after %s", name, signal)
		}
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, "%s left a file", signal)
		require.NoDirExists(t, filepath.Join(w.dir, "never"))
	}
}

// Everything that a whole ceremony writes, as the kernel sees it: a secret goes to the
// cards and to the restored files, and nowhere else.
func TestSecretsAreWrittenToCardsAndRestoredFilesOnly(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	w := newGuardedWorld(t, builtBinary(t))
	writes, allowed := 0, 0
	for i, args := range [][]string{
		{"seal", "--vault", "v", "--to", "usb", "pool", "--passphrase-file", "pass", "--yes"},
		{"paper", "--vault", "v", "--out", "pages.pdf", "--yes"},
		{"check", "usb", "--card", "cards"},
		{"restore", "--from", "usb", "--role", "all", "--to", "out", "--card", "cards", "--chain-counter", "0", "--yes"},
		{"drill", "--from", "usb", "--card", "cards", "--yes"},
	} {
		trace := filepath.Join(w.dir, fmt.Sprintf("trace-%d", i))
		if args[0] != "check" {
			args = append(args, acceptAnyHost...)
		}
		cmd := exec.Command("strace", append([]string{"-f", "-y", "-xx", "-s", "10000000", "-e", "trace=write,pwrite64,writev,pwritev,sendto,sendmsg",
			"-e", "signal=none", "-o", trace, w.binary}, args...)...)
		cmd.Dir = w.dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%v\n%s", args, out)
		data, err := os.ReadFile(trace)
		require.NoError(t, err)
		for line := range bytes.Lines(data) {
			if !bytes.Contains(line, []byte("write")) {
				continue
			}
			writes++
			restored := bytes.Contains(line, stracedBytes([]byte(w.dir+"/out/")))
			for name, needle := range w.needles {
				if bytes.Contains(line, stracedBytes(needle)) {
					require.True(t, restored, "%s writes %s: %.120s", args[0], name, line)
					allowed++
				}
			}
		}
	}
	t.Logf("%d writes of a whole ceremony: a secret in %d of them, all to restored files", writes, allowed)
	require.NotZero(t, allowed, "the search finds nothing, not even the restored files")
}

// stracedBytes is how strace -xx prints bytes.
func stracedBytes(data []byte) []byte {
	var out []byte
	for _, b := range data {
		out = fmt.Appendf(out, `\x%02x`, b)
	}
	return out
}
