package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"coldvault/vault/secret"
)

// A command that does not say what it needs does not run at all.
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
	require.Error(t, u.confine(struct{}{}, false))
}

// hostile is what an attacker would do who has made a parser run his code: after the sandbox
// of a restore is up it tries what was not given, and says what worked.
func hostile() {
	u := newUI(os.Stdin, os.Stdout, os.Stderr)
	c := &restoreCmd{From: []string{"medium-a"}, To: filepath.Join("new", "out"), Card: []string{"cards"}}
	if os.Args[1] == "confined" {
		if err := u.confine(c, true); err != nil {
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
	try("write outside", os.WriteFile(filepath.Join("medium-b", "planted"), nil, 0o600))
	try("write to what was given to read", os.WriteFile(filepath.Join("medium-a", "planted"), nil, 0o600))
	try("link out", os.Link("passphrase", "out-link"))
	try("start a program", exec.Command("/proc/self/exe", "-test.run=^$").Run())
	_, err = os.ReadDir("medium-a")
	try("what was given", err)
}

func TestAHostileRestoreReachesNothingElse(t *testing.T) {
	if f := secret.Features(); !f.Seccomp || f.LandlockABI == 0 {
		t.Skip("this kernel has no seccomp or no landlock")
	}
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
	for _, what := range []string{"socket 0", "socket 1", "socket 3", "socket 4", "read a file that was not given", "write outside", "start a program"} {
		require.Contains(t, free, what+"\n")
	}
}

// At its first prompt, before anything from outside is parsed, every thread is confined.
func TestEveryThreadIsConfinedAtAPrompt(t *testing.T) {
	dir, _ := copySample(t)
	s := start(t, dir, "restore", "--from", "medium-a", "--role", "all", "--to", "out")
	s.await(cardPrompt)
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.cmd.Process.Pid))
	require.NoError(t, err)
	require.Greater(t, len(tasks), 2)
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		require.NoError(t, err)
		require.Contains(t, string(status), "Seccomp:\t2\n", task)
		require.Contains(t, string(status), "NoNewPrivs:\t1\n", task)
	}
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	code, _ := s.exit()
	require.Equal(t, exitFailed, code)
}
