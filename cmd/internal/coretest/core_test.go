// Package coretest has tests of the program as it is released that need core files to be
// allowed: whatever links memguard forbids them to itself and to all that it starts, tests
// of the program's own package among them.
package coretest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// allowCoreFiles gives what is started from now on core files of any size, in its folder.
func allowCoreFiles(t *testing.T) {
	t.Helper()
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	require.NoError(t, err)
	if strings.ContainsAny(string(pattern), "|/") {
		t.Skipf("core files go to %q, not to the folder of the process", pattern)
	}
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_CORE, &limit))
	before := limit
	if limit.Cur = limit.Max; limit.Max != unix.RLIM_INFINITY {
		t.Skip("core files are limited for this user")
	}
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_CORE, &limit))
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &before) })
	t.Setenv("GOTRACEBACK", "crash")
}

// ended is what a program that a signal has ended leaves.
type ended struct {
	output string
	files  []string // in the folder that it was started in
}

// end starts a program, and sends it a signal when it reads its standard input.
func end(t *testing.T, signal syscall.Signal, program string, args ...string) ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = t.TempDir()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	in, out, err := os.Pipe()
	require.NoError(t, err)
	defer in.Close()
	defer out.Close()
	cmd.Stdin = in
	require.NoError(t, cmd.Start())
	_, err = out.WriteString("a")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		left, err := unix.IoctlGetInt(int(in.Fd()), unix.TIOCINQ)
		return err == nil && left == 0
	}, time.Minute, 5*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(signal))
	require.Error(t, cmd.Wait())
	require.NoError(t, ctx.Err(), "the signal did not end it")
	files, err := filepath.Glob(filepath.Join(cmd.Dir, "*"))
	require.NoError(t, err)
	return ended{output.String(), files}
}

// A signal while private files are in memory leaves no core file of them, and says nothing
// of them. The control is a program without guards, which leaves one. Shows G19.
func TestASignalLeavesNoCoreFile(t *testing.T) {
	allowCoreFiles(t)
	require.Len(t, end(t, unix.SIGABRT, "cat").files, 1, "a core file would not be seen")

	dir := t.TempDir()
	binary := filepath.Join(dir, "coldvault")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "coldvault/cmd/coldvault")
	build.Env = append(build.Environ(), "GOEXPERIMENT=runtimesecret", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	random := make([]byte, 32)
	rand.Read(random)
	secret := hex.EncodeToString(random)
	file, vault, medium := filepath.Join(dir, "node.key"), filepath.Join(dir, "v"), filepath.Join(dir, "usb")
	require.NoError(t, os.WriteFile(file, []byte(secret), 0o600))
	require.NoError(t, os.Mkdir(medium, 0o700))
	made := exec.Command(binary, "init", "--vault", vault, "--label", "x", "--shares", "3", "--threshold", "2", "--cards", filepath.Join(dir, "cards"),
		"--passphrase-file", "-", "--yes", "--accept-network", "--accept-swap")
	made.Stdin = strings.NewReader("correct horse battery staple\n")
	out, err = made.CombinedOutput()
	require.NoError(t, err, string(out))

	for _, signal := range []syscall.Signal{
		unix.SIGABRT, unix.SIGSEGV, unix.SIGBUS, unix.SIGQUIT, unix.SIGTRAP, unix.SIGFPE, unix.SIGILL, unix.SIGSYS,
	} {
		t.Run(unix.SignalName(signal), func(t *testing.T) {
			// It waits for the passphrase, and has read what is to be sealed.
			e := end(t, signal, binary, "seal", "--vault", vault, "--to", medium, file, "--passphrase-file", "-", "--yes", "--accept-network", "--accept-swap")
			require.Empty(t, e.files)
			require.NotContains(t, e.output, secret)
			require.NotContains(t, e.output, "goroutine ")
		})
	}
}
