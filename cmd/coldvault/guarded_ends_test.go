package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A signal that would leave a core file leaves the terminal as it was, nothing secret in the
// output, and no file. That core files are written where they are allowed, and not of this
// program, is tested in cmd/internal/coretest: a test of this package cannot allow them. Shows G19.
func TestASignalAtAPromptLeavesNothing(t *testing.T) {
	w := newGuardedWorld(t, builtBinary(t))
	t.Setenv("GOTRACEBACK", "crash")
	for _, signal := range []syscall.Signal{syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGQUIT, syscall.SIGTRAP} {
		dir := w.path(fmt.Sprintf("cwd-%d", signal))
		require.NoError(t, os.Mkdir(dir, 0o700))
		s := startProgram(t, dir, w.binary, append([]string{"restore", "--from", "../usb", "--role", "all", "--to", w.path("never"), "--card", "../cards/card-1.pdf"}, acceptAnyHost...)...)
		s.answer(cardPrompt, string(w.needles["card 2 cold digits"]))
		s.await(cardPrompt)
		require.NoError(t, s.cmd.Process.Signal(signal))
		code, screen := s.exit()
		require.NotZero(t, code)
		w.nothingOf(t, screen, dir)
		require.NoDirExists(t, w.path("never"))
	}
}

// Nor does a panic, wherever it comes from: here with a card's words and a passphrase in memory.
// Shows G19.
func TestAPanicAtAPromptLeavesNothing(t *testing.T) {
	w := newGuardedWorld(t, builtBinary(t))
	t.Setenv("GOTRACEBACK", "crash")
	t.Setenv("TERM", "xterm")
	for name, args := range map[string][]string{
		"restore": {"restore", "--from", "../usb", "--role", "hot", "--to", w.path("never"), "--card", "../cards/card-1.pdf"},
		"init":    {"init", "--vault", "v", "--label", "x", "--shares", "3", "--threshold", "2", "--cards", "c"},
	} {
		dir := w.path("panic-" + name)
		require.NoError(t, os.Mkdir(dir, 0o700))
		s := startProgram(t, dir, "coldvault-panics", args...)
		if name == "restore" {
			s.await(wordPrompt)
			s.press(hotLine(t, w.dir, "cards/card-2.pdf", true)[:1])
		} else {
			s.answer(newPrompt, "")
			s.answerShown(keysOfWords+"\r\n> ", keysOfWords)
		}
		code, screen := s.exit()
		require.Equal(t, exitFailed, code, screen)
		require.Contains(t, screen, "internal error: string at ")
		require.NotContains(t, screen, "goroutine ")
		w.nothingOf(t, screen, dir)
	}
}

// nothingOf wants no secret on the screen and no file in the folder that a program ended in.
func (w *guardedWorld) nothingOf(t *testing.T, screen, dir string) {
	t.Helper()
	for name, needle := range w.needles {
		require.NotContains(t, screen, string(needle), name)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "a file was left")
}

// commandOf is the name of the program that a process runs (proc_pid_comm(5)).
func commandOf(pid int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(name))
}

// Another process of the same user cannot read the memory, the environment or the open files,
// nor attach; of a program without guards it can. Shows G19.
func TestTheSameUserCannotReadTheMemory(t *testing.T) {
	h := newPoorHome(t)
	h.works(fiveCards)
	reads := func(pid int) (could []string) {
		for _, what := range []string{"mem", "environ", "maps", "fd/0", "root"} {
			script := fmt.Sprintf("exec 3</proc/%d/%s", pid, what)
			cmd := exec.Command("coldvault-nobody", strconv.Itoa(nobodysLimit), "/bin/sh", "-c", script)
			cmd.Dir = h.dir
			if cmd.Run() == nil {
				could = append(could, what)
			}
		}
		return could
	}
	free := startProgram(t, h.dir, "coldvault-nobody", strconv.Itoa(nobodysLimit), "/bin/sleep", "60")
	require.Eventually(t, func() bool { return commandOf(free.cmd.Process.Pid) == "sleep" }, time.Minute, 5*time.Millisecond)
	require.Subset(t, reads(free.cmd.Process.Pid), []string{"mem", "environ", "maps"}, "the user could not read anything anyway")

	guarded := startProgram(t, h.dir, "coldvault-nobody", slices.Concat([]string{strconv.Itoa(nobodysLimit), h.binary}, initGuarded("v5"))...)
	guarded.chooseOwn()
	guarded.answer(ownPrompt, guardedPass)
	guarded.await(againPrompt)
	require.Empty(t, reads(guarded.cmd.Process.Pid))
	require.NoError(t, guarded.cmd.Process.Signal(syscall.SIGTERM))
	code, _ := guarded.exit()
	require.Equal(t, exitFailed, code)
}
