package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/airgap/airgaptest"
)

// Whenever an interrupt comes while an archive is read and encrypted by several goroutines,
// the program says so and ends with 1; no generation counts that is not whole.
func TestAnInterruptDuringAnArchiveIsNoCrash(t *testing.T) {
	dir, _ := copySample(t)
	archive := filepath.Join(dir, "dump")
	require.NoError(t, os.WriteFile(archive, nil, 0o600))
	require.NoError(t, os.Truncate(archive, 200<<20))
	pass := filepath.Join(dir, "pass")
	require.NoError(t, os.WriteFile(pass, []byte("correct horse battery staple"), 0o600))
	written := func() []string {
		found, _ := filepath.Glob(filepath.Join(dir, "medium-1/coldvault/*/generations/*/*archive-01*"))
		return found
	}
	interrupted := 0
	for i := range 8 {
		for _, rest := range written() { // by which this one would be interrupted before it listens
			require.NoError(t, os.RemoveAll(filepath.Dir(rest)))
		}
		cmd := exec.Command("coldvault", "seal", "--vault", "vault", "--to", "medium-1", "--attach", "dump", "--passphrase-file", "pass")
		cmd.Dir = dir
		var said bytes.Buffer
		cmd.Stderr = &said
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return len(written()) > 0 }, 20*time.Second, time.Millisecond)
		time.Sleep(time.Duration(i) * 10 * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() == exitOK {
			break // it was faster
		}
		interrupted++
		require.Equal(t, exitFailed, cmd.ProcessState.ExitCode(), said.String())
		require.Contains(t, said.String(), "coldvault: error: interrupted (interrupt)")
		check := exec.Command("coldvault", "check", filepath.Join(dir, "medium-1"))
		checked, _ := check.CombinedOutput()
		if code := check.ProcessState.ExitCode(); code != exitOK { // the rest of it
			require.Equal(t, exitDamage, code, string(checked))
			require.Equal(t, strings.Count(string(checked), "  DAMAGE "), strings.Count(string(checked), "[GENERATION-INCOMPLETE]"), string(checked))
		}
		require.Contains(t, string(checked), "WHOLE   generation 1 ")
	}
	require.NotZero(t, interrupted)
}

// interrupted is coldvault that gets a SIGTERM at the n-th step, or line of its report, after
// something is there.
func interrupted() {
	u := newUI(os.Stdin, os.Stdout, os.Stderr)
	n, at, there := 0, os.Getenv("INTERRUPT_AT"), os.Getenv("INTERRUPT_ONCE_THERE")
	u.stepped = func() {
		if _, err := os.Stat(there); err == nil {
			n++
		}
		if strconv.Itoa(n) == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
			select {} // the end comes by itself
		}
	}
	hostRoot = airgaptest.Host(airgaptest.Desktop)
	os.Exit(u.guarded(os.Args[1:]))
}

// interruptedRun runs it and wants the end of an interrupt, in words and in JSON.
func interruptedRun(t *testing.T, dir, there string, at int, args ...string) (said string) {
	t.Helper()
	cmd := exec.Command("coldvault-interrupted", append(args, "--json")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "INTERRUPT_ONCE_THERE="+there, "INTERRUPT_AT="+strconv.Itoa(at))
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	_ = cmd.Run()
	require.Equal(t, exitFailed, cmd.ProcessState.ExitCode(), words.String())
	require.Contains(t, words.String(), "coldvault: error: interrupted (terminated)\n")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var last struct {
		Type, Error, Hint string
		Exit              int
	}
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &last), out.String())
	require.Equal(t, "error", last.Type)
	require.Equal(t, "interrupted (terminated)", last.Error)
	require.Equal(t, exitFailed, last.Exit)
	if last.Hint != "" {
		require.Contains(t, words.String(), "coldvault: hint: "+last.Hint+"\n")
	}
	return words.String()
}

// An interrupt after the vault is made does not take it away, and says that there are cards to
// be guarded; one before it leaves nothing.
func TestAnInterruptAfterInitSaysThatThereAreCards(t *testing.T) {
	for at := 1; at < 8; at += 3 {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pass"), []byte("correct horse battery staple"), 0o600))
		said := interruptedRun(t, dir, "v", at, append(initArgs, "--passphrase-file", "pass")...)
		require.Contains(t, said, "coldvault: hint: the vault is made: v, and its 3 cards in c are secrets, ")
		require.FileExists(t, filepath.Join(dir, "v", "vault.json"))
		require.FileExists(t, filepath.Join(dir, "c", "card-3.pdf"))
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pass"), []byte("correct horse battery staple"), 0o600))
	said := interruptedRun(t, dir, "c/card-3.pdf", 1, append(initArgs, "--passphrase-file", "pass")...)
	require.NotContains(t, said, "hint")
	require.NoDirExists(t, filepath.Join(dir, "v"))
	require.NoDirExists(t, filepath.Join(dir, "c"))
}

// An interrupt after the files have their names does not take them away, and says where they
// are; one before it leaves nothing.
func TestAnInterruptAfterARestoreSaysWhereTheFilesAre(t *testing.T) {
	dir, _ := copySample(t)
	args := []string{"restore", "--from", "medium-1", "--card", "cards", "--chain-counter", "1", "--to", "out"}
	said := interruptedRun(t, dir, ".", 1, args...)
	require.NotContains(t, said, "hint")
	require.NoDirExists(t, filepath.Join(dir, "out"))
	for at := 1; at < 12; at += 5 { // from before the runbook to the report
		dir, _ := copySample(t)
		said = interruptedRun(t, dir, "out/kes.skey", at, args...)
		require.Contains(t, said, "coldvault: hint: the restored files are in out, each read back; ")
		require.Equal(t, at > 1, strings.Contains(said, filepath.Join(dir, "out.RUNBOOK.md")), said)
		require.FileExists(t, filepath.Join(dir, "out", "kes.skey"))
		require.NoDirExists(t, filepath.Join(dir, "out", "RESTORE-INCOMPLETE"))
	}
}

// The same of the vault's own folder, which is whole only when it is said to be.
func TestAnInterruptAfterAVaultIsSetUpAgainSaysWhereItIs(t *testing.T) {
	dir, _ := copySample(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pass"), []byte("correct horse battery staple"), 0o600))
	args := []string{"restore", "--role", "vault", "--from", "medium-1", "--card", "cards", "--passphrase-file", "pass", "--to", "again"}
	said := interruptedRun(t, dir, ".", 1, args...)
	require.NotContains(t, said, "hint")
	require.NoDirExists(t, filepath.Join(dir, "again"))
	for at := 1; at < 3; at++ {
		dir, _ := copySample(t)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pass"), []byte("correct horse battery staple"), 0o600))
		said = interruptedRun(t, dir, "again/vault.json", at, args...)
		require.Contains(t, said, "coldvault: hint: the vault's folder is set up again in again; ")
		require.FileExists(t, filepath.Join(dir, "again", "vault.json"))
	}
}

// A report that nobody got is no success; a reader that went away has seen enough.
func TestAReportThatCannotBeWrittenIsAnError(t *testing.T) {
	dir, _ := copySample(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	for _, args := range [][]string{{"version"}, {"check", "medium-1", "--json"}} {
		cmd := exec.Command("coldvault", args...)
		cmd.Dir = dir
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &said
		_ = cmd.Run()
		require.Equal(t, exitFailed, cmd.ProcessState.ExitCode())
		require.Contains(t, said.String(), "coldvault: error: the report could not be written: ")
	}
	r, w, err := os.Pipe()
	require.NoError(t, err)
	r.Close()
	cmd := exec.Command("coldvault", "check", "medium-1")
	cmd.Dir = dir
	cmd.Stdout = w
	require.NoError(t, cmd.Run())
	w.Close()
}
