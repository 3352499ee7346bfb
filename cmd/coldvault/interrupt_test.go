package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
	interrupted := 0
	for i := range 8 {
		cmd := exec.Command("coldvault", "seal", "--vault", "vault", "--to", "medium-1", "--attach", "dump", "--passphrase-file", "pass")
		cmd.Dir = dir
		var said bytes.Buffer
		cmd.Stderr = &said
		require.NoError(t, cmd.Start())
		begun := time.Now()
		for time.Since(begun) < 20*time.Second {
			if found, _ := filepath.Glob(filepath.Join(dir, "medium-1/coldvault/*/generations/*/*archive-01*")); len(found) > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(i) * 10 * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() == exitOK {
			break // it was faster
		}
		interrupted++
		require.Equal(t, exitFailed, cmd.ProcessState.ExitCode(), said.String())
		require.Contains(t, said.String(), "coldvault: error: interrupted (interrupt)")
		checked, err := exec.Command("coldvault", "check", filepath.Join(dir, "medium-1")).CombinedOutput()
		require.NotContains(t, strings.ReplaceAll(string(checked), "WHOLE   generation 1", ""), "WHOLE", err)
	}
	require.NotZero(t, interrupted)
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
