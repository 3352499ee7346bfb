package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"coldvault/cmd/internal/ceremony"
)

// A command that does not say what it needs does not run at all. Shows G20.
func TestEveryCommandSaysWhatItNeeds(t *testing.T) {
	all := reflect.TypeFor[commands]()
	count := 0
	for i := range all.NumField() {
		if _, isCommand := all.Field(i).Tag.Lookup("cmd"); isCommand {
			count++
			require.Implements(t, (*confined)(nil), reflect.New(all.Field(i).Type).Interface())
		}
	}
	require.Greater(t, count, 10)
	u := newUI(os.Stdin, os.Stdout, os.Stderr)
	require.Error(t, u.confine(struct{}{}, &ceremony.Outputs{}, false))
}

// hostile is what an attacker would do who has made a parser run his code: after the sandbox
// of a restore is up it tries what was not given, and says what worked.
func hostile() {
	u := newUI(os.Stdin, os.Stdout, os.Stderr)
	c := &restoreCmd{From: []string{"medium-a"}, To: filepath.Join("new", "out"), Card: []string{"cards"}}
	if os.Args[1] == "confined" {
		outputs, stop := ceremony.NewOutputs(u)
		defer stop()
		if err := u.confine(c, outputs, true); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	try := func(what string, err error) {
		if err == nil {
			fmt.Println(what)
		}
	}
	for i, network := range []struct{ family, kind, protocol int }{
		{unix.AF_INET, unix.SOCK_STREAM, 0}, {unix.AF_INET, unix.SOCK_DGRAM, 0}, {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP},
		{unix.AF_UNIX, unix.SOCK_STREAM, 0}, {unix.AF_NETLINK, unix.SOCK_RAW, 0},
	} {
		_, err := unix.Socket(network.family, network.kind, network.protocol)
		try(fmt.Sprintf("socket %d", i), err)
	}
	_, err := os.ReadFile("passphrase")
	try("read a file that was not given", err)
	_, err = os.ReadFile("/etc/passwd")
	try("read /etc/passwd", err)
	try("write outside", os.WriteFile(filepath.Join("medium-b", "planted"), nil, 0o600))
	try("write to what was given to read", os.WriteFile(filepath.Join("medium-a", "planted"), nil, 0o600))
	try("link out", os.Link("passphrase", "out-link"))
	try("start a program", exec.Command("/proc/self/exe", "-test.run=^$").Run())
	_, err = os.ReadDir("medium-a")
	try("what was given", err)
}

// Breaks G20.
func TestAHostileRestoreReachesNothingElse(t *testing.T) {
	needSandbox(t)
	dir, _ := copySample(t)
	// The folder that the outputs are made in can be written to, and no other.
	require.NoError(t, os.Mkdir(filepath.Join(dir, "new"), 0o700))
	run := func(mode string) string {
		cmd := exec.Command("coldvault-hostile", mode)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	require.Equal(t, "what was given\n", run("confined"))
	// Without the sandbox all of that works, or the test would show nothing.
	free := run("free")
	for _, what := range []string{"socket 0", "socket 1", "socket 3", "socket 4", "read a file that was not given",
		"read /etc/passwd", "write outside", "write to what was given to read", "link out", "start a program"} {
		require.Contains(t, free, what+"\n")
	}
}

// When it has the first byte from outside, and at its first prompt, every thread is confined.
// Shows G20.
func TestEveryThreadIsConfinedByTheFirstInput(t *testing.T) {
	needSandbox(t)
	dir, _ := copySample(t)
	t.Run("check reading from standard input", func(t *testing.T) {
		read, write, err := os.Pipe()
		require.NoError(t, err)
		defer read.Close()
		cmd := exec.Command("coldvault", "check", "-")
		cmd.Stdin = read
		require.NoError(t, cmd.Start())
		_, err = write.WriteString("1")
		require.NoError(t, err)
		// It has the first byte, and waits for more.
		require.Eventually(t, func() bool {
			left, err := unix.IoctlGetInt(int(read.Fd()), unix.TIOCINQ)
			return err == nil && left == 0
		}, time.Minute, 5*time.Millisecond)
		allConfined(t, cmd.Process.Pid)
		require.NoError(t, write.Close())
		require.Error(t, cmd.Wait()) // that is no card
	})
	for name, args := range map[string][]string{
		"restore": {"restore", "--from", "medium-a", "--to", "out"},
		"drill":   {"drill", "--from", "medium-a"},
	} {
		t.Run(name+" at its prompt", func(t *testing.T) {
			s := start(t, dir, args...)
			s.await(cardPrompt)
			allConfined(t, s.cmd.Process.Pid)
			require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
			code, _ := s.exit()
			require.Equal(t, exitFailed, code)
		})
	}
	t.Run("without a sandbox it would be seen", func(t *testing.T) {
		cmd := exec.Command("sleep", "60")
		require.NoError(t, cmd.Start())
		defer func() { _ = cmd.Wait() }()
		defer func() { _ = cmd.Process.Kill() }()
		for _, status := range statuses(t, cmd.Process.Pid) {
			require.NotRegexp(t, confinedThread, status)
		}
	})
}

// What proc_pid_status(5) says of a thread with a filter that can gain no privileges.
const confinedThread = `(?s)NoNewPrivs:\t1\n.*Seccomp:\t2\n`

func allConfined(t *testing.T, pid int) {
	t.Helper()
	all := statuses(t, pid)
	require.Greater(t, len(all), 2)
	for _, status := range all {
		require.Regexp(t, confinedThread, status)
	}
}

// statuses are those of all threads.
func statuses(t *testing.T, pid int) (all []string) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	require.NoError(t, err)
	require.NotEmpty(t, tasks)
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		require.NoError(t, err)
		all = append(all, string(status))
	}
	return all
}
