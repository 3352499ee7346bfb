package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/secret"
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
// of a restore is up it tries what was not given, and says what worked. The folder to restore
// into is made beside everything else.
func hostile() {
	u := newUI(os.Stdin, os.Stdout, os.Stderr)
	c := &restoreCmd{From: []string{"medium-a"}, To: "out", Card: []string{"cards"}, Role: "all"}
	outputs, stop := ceremony.NewOutputs(u)
	defer stop()
	var err error
	switch os.Args[1] {
	case "confined":
		err = u.confine(c, outputs, true)
	case "wide":
		c.outputs(outputs)
		_, err = secret.Confine(c.paths(), outputs.Paths(), secret.Paths{Write: []string{"."}})
	case "free":
		c.outputs(outputs)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
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
	_, err = os.ReadFile("passphrase")
	try("read a file beside", err)
	_, err = os.ReadFile(filepath.Join("vault", "shares.json"))
	try("read the vault", err)
	_, err = os.ReadDir(".")
	try("list the folder", err)
	_, err = os.ReadFile("/etc/passwd")
	try("read /etc/passwd", err)
	try("write a file beside", os.WriteFile("planted", []byte("x"), 0o600))
	try("write to the vault", os.WriteFile(filepath.Join("vault", "planted"), []byte("x"), 0o600))
	try("write outside", os.WriteFile(filepath.Join("medium-b", "planted"), []byte("x"), 0o600))
	try("write to what was given to read", os.WriteFile(filepath.Join("medium-a", "planted"), []byte("x"), 0o600))
	try("overwrite a file beside", os.WriteFile("passphrase", []byte("x"), 0o600))
	try("link a file in", os.Link("passphrase", filepath.Join("out", "passphrase")))
	try("move a file in", os.Rename("passphrase", filepath.Join("out", "taken")))
	try("move a file out", os.Rename("pages.pdf", "pages-moved.pdf"))
	try("remove a file beside", os.Remove("pages-moved.pdf"))
	try("move a folder", os.Rename("pool-1", "pool-moved"))
	try("make a folder", os.Mkdir("made", 0o700))
	try("start a program", exec.Command("/proc/self/exe", "-test.run=^$").Run())
	// From here on it is what the outputs need.
	_, err = os.ReadDir("medium-a")
	try("what was given", err)
	try("the folder that was made", os.WriteFile(filepath.Join("out", "file"), []byte("x"), 0o600))
	_, err = os.ReadFile(filepath.Join("out", "file"))
	try("what is in it", err)
	try("another name for a file, beside it", os.Link("dice-file", "dice-too"))
}

// Breaks G20.
func TestAHostileRestoreReachesNothingElse(t *testing.T) {
	needSandbox(t)
	run := func(mode string) string {
		dir, _ := copySample(t)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "dice-file"), nil, 0o600))
		cmd := exec.Command("coldvault-hostile", mode)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	// The runbook is beside the folder, so names can be given there. They open nothing.
	require.Equal(t, "what was given\nthe folder that was made\nwhat is in it\nanother name for a file, beside it\n", run("confined"))
	// Without the sandbox all of that works, or the test would show nothing; and files do with
	// the right to write to the folder that the output is made in.
	files := []string{"read a file beside", "read the vault", "list the folder", "write a file beside", "write to the vault",
		"write outside", "write to what was given to read", "overwrite a file beside", "link a file in", "move a file in",
		"move a file out", "remove a file beside", "move a folder", "make a folder"}
	free, wide := run("free"), run("wide")
	for _, what := range append(files, "socket 0", "socket 1", "socket 3", "socket 4", "read /etc/passwd", "start a program") {
		require.Contains(t, free, what+"\n")
	}
	for _, what := range files {
		require.Contains(t, wide, what+"\n")
	}
	require.NotContains(t, wide, "socket")
}

// Whatever a command is refused for, and however it ends, the folders that it made before are
// gone: the sandbox allows as much. Shows G7.
func TestARefusedCommandLeavesNothing(t *testing.T) {
	dir, _ := copySample(t)
	before := allNames(t, dir)
	for line, code := range map[string]int{
		"init --vault v --cards c --label x --shares 3 --threshold 2 --dice --yes":                                        exitUsage,
		"init --vault v --cards c --label x --shares 3 --threshold 4":                                                     exitUsage,
		"init --vault v --cards c --label x --shares 3 --threshold 2 --yes":                                               exitFailed,
		"init --vault v --cards c --label x --shares 3 --threshold 2 --passphrase-file passphrase --dice-file passphrase": exitFailed,
		"restore --to out": exitUsage,
		"restore --from medium-a --to out --role none":                     exitUsage,
		"restore --from medium-a --to out --generation -1":                 exitUsage,
		"restore --from medium-a --to out --role vault --generation -1":    exitUsage,
		"restore --from medium-a --to out --camera nowhere":                exitFailed,
		"restore --from medium-a --to out --card nowhere --yes":            exitMore,
		"restore --from medium-a --to out --role vault --yes":              exitMore,
		"restore --from medium-a --to out --role vault --card cards --yes": exitFailed,
		"scan --rescue out":                             exitUsage,
		"scan pages.pdf --rescue out":                   exitFailed,
		"paper --vault vault --out out.pdf --parity 99": exitUsage,
		"paper --vault medium-a --out out.pdf":          exitFailed,
		"status --vault medium-a --ics out.ics":         exitFailed,
	} {
		want(t, code, dir, strings.Fields(line)...)
		require.Equal(t, before, allNames(t, dir), line)
	}
	t.Setenv("TEST_HOST", "laptop-wifi")
	for _, line := range []string{
		"init --vault v --cards c --label x --shares 3 --threshold 2 --passphrase-file passphrase",
		"restore --from medium-a --card cards --to out", "restore --from medium-a --card cards --to out --role vault",
	} {
		want(t, exitFailed, dir, strings.Fields(line)...)
		require.Equal(t, before, allNames(t, dir), line)
	}
	t.Setenv("TEST_HOST", "")
	for line, prompt := range map[string]string{
		"restore --from medium-a --to out": cardPrompt, "restore --from medium-a --to out --role vault": cardPrompt,
		"init --vault v --cards c --label x --shares 3 --threshold 2": newPrompt,
	} {
		s := start(t, dir, strings.Fields(line)...)
		s.await(prompt)
		require.NotEqual(t, before, allNames(t, dir), line)
		require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
		code, _ := s.exit()
		require.Equal(t, exitFailed, code)
		require.Equal(t, before, allNames(t, dir), line)
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
