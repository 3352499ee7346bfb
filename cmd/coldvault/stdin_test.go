package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const endOfInput = "\x04" // Ctrl-D

// Where standard input is the terminal, what is typed there is not echoed either.
// Breaks G14.
func TestWhatIsTypedAtStandardInputIsNotEchoed(t *testing.T) {
	dir, _ := copySample(t)
	s := start(t, dir, "init", "--vault", "v", "--label", "x", "--shares", "3", "--threshold", "2", "--cards", "c", "--passphrase-file", "-")
	s.answer("(not shown): ", "battery staple")
	code, screen := s.exit()
	require.Zero(t, code, screen)
	require.NotContains(t, screen, "staple")

	s = start(t, dir, "seal", "--vault", "v", "--to", "medium-1", "pool-1", "--passphrase-file", "/dev/stdin")
	code, screen = s.exit()
	require.Equal(t, exitFailed, code, screen)
	require.Contains(t, screen, "such as a terminal that would show what is typed")

	for _, words := range []bool{false, true} {
		lines := typed(t, dir, "cards/card-1.pdf", words)
		for _, args := range [][]string{
			{"check", "-"}, {"scan", "-"},
			{"restore", "--from", "medium-1", "--card", "cards/card-2.pdf", "--card", "cards/card-3.pdf", "--card", "-", "--chain-counter", "1", "--to", "out"},
		} {
			s := start(t, dir, args...)
			s.await("ends it\r\n")
			for _, line := range lines {
				s.enter(line)
			}
			s.typeRaw(endOfInput)
			code, screen := s.exit()
			require.Zero(t, code, screen)
			for _, line := range lines {
				require.NotContains(t, screen, line[:20], args)
			}
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "out")))
			runbooks, err := filepath.Glob(filepath.Join(dir, "out*"))
			require.NoError(t, err)
			for _, name := range runbooks {
				require.NoError(t, os.Remove(name))
			}
		}
	}
}

// Rolls are no more echoed than a passphrase: a terminal that is given by name is refused.
// Breaks G14.
func TestDiceAreNotReadFromATerminalThatEchoes(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pass"), []byte("correct horse battery staple"), 0o600))
	for _, name := range []string{"/dev/tty", "/dev/stdin", "/proc/self/fd/0"} {
		s := start(t, dir, append(initArgs, "--passphrase-file", "pass", "--dice-file", name)...)
		require.Eventually(t, func() bool {
			return strings.Contains(s.screen(), "coldvault: hint: type the rolls with --dice, or give a file")
		}, time.Minute, 5*time.Millisecond, name)
		code, screen := s.exit()
		require.Equal(t, exitFailed, code, screen)
		require.Contains(t, screen, "such as a terminal that would show what is typed")
		require.NoDirExists(t, filepath.Join(dir, "v"))
	}
}

// typeRaw types what is no line.
func (s *session) typeRaw(keys string) {
	s.t.Helper()
	_, err := s.ctrl.WriteString(keys)
	require.NoError(s.t, err)
}

// A stop signal from elsewhere would leave a secret on the screen, and the shell without echo.
// The kernel sends none of them to a program without a shell, as this one is here, so what is
// looked at is what the program would do. Breaks G14.
func TestAPromptIgnoresAStopSignal(t *testing.T) {
	s := start(t, t.TempDir(), initArgs...)
	s.await(newPrompt)
	for _, stop := range []syscall.Signal{syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU} {
		require.True(t, s.ignores(stop), stop)
	}
	require.False(t, s.ignores(syscall.SIGTERM))
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	code, screen := s.exit()
	require.Equal(t, exitFailed, code)
	require.Contains(t, screen, "coldvault: error: interrupted (terminated)")
}

// Every other signal that somebody can send does nothing, also those that Go gives to no
// program: the secret is on the screen until it is taken off. Breaks G14.
func TestAPromptOutlivesEverySignalThatIsNoEnd(t *testing.T) {
	t.Setenv("TERM", "xterm")
	const last = 64
	s := start(t, t.TempDir(), initArgs...)
	passphrase := s.offered()
	ends := map[syscall.Signal]bool{
		syscall.SIGINT: true, syscall.SIGTERM: true, syscall.SIGHUP: true, syscall.SIGQUIT: true,
		syscall.SIGABRT: true, syscall.SIGSEGV: true, syscall.SIGBUS: true, syscall.SIGFPE: true, syscall.SIGILL: true, syscall.SIGTRAP: true, syscall.SIGSYS: true,
		syscall.SIGKILL: true, syscall.SIGSTOP: true, // nobody can do anything about these
	}
	for signal := syscall.Signal(1); signal <= last; signal++ {
		if !ends[signal] {
			require.NoError(t, s.cmd.Process.Signal(signal), signal)
		}
	}
	for _, signal := range []syscall.Signal{syscall.SIGSTKFLT, 32, 34} {
		require.True(t, s.ignores(signal), signal)
	}
	s.answer(seenPrompt, "")
	s.await(backPrompt)
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	code, screen := s.exit()
	require.Equal(t, exitFailed, code, screen)
	public, _, _ := strings.Cut(screen, toAlternate)
	require.Empty(t, stray(mainScreen(t, screen), public, strings.Fields(passphrase)))
}

// ignores tells whether a signal does nothing to the program (proc_pid_status(5), SigIgn).
func (s *session) ignores(signal syscall.Signal) bool {
	_, rest, found := strings.Cut(statuses(s.t, s.cmd.Process.Pid)[0], "SigIgn:\t")
	require.True(s.t, found)
	mask, err := strconv.ParseUint(rest[:16], 16, 64)
	require.NoError(s.t, err)
	return mask>>(signal-1)&1 == 1
}

// Output that stands still does not keep a secret on the screen: not after Ctrl-S, and not
// where nobody reads it.
func TestAStalledTerminalDoesNotHoldUpTheEnd(t *testing.T) {
	t.Setenv("TERM", "xterm")
	s := start(t, t.TempDir(), initArgs...)
	passphrase := s.offered()
	s.typeRaw("\x13") // Ctrl-S
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	ended := make(chan struct{})
	go func() {
		_, _ = s.cmd.Process.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		require.Fail(t, "it still stands")
	}
	require.Eventually(t, func() bool { return strings.Contains(s.screen(), fromAlternate) }, 10*time.Second, 10*time.Millisecond)
	public, _, _ := strings.Cut(s.screen(), toAlternate)
	require.Empty(t, stray(mainScreen(t, s.screen()), public, strings.Fields(passphrase)))
	require.True(t, s.echoes())
}
