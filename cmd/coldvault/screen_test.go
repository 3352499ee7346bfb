package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// mainScreen is what was written to the main screen. It wants the alternate screen left as
// often as entered, erased with what scrolled off it, and no title, clipboard or other
// string for the terminal (ECMA-48: OSC, DCS, APC, PM, SOS).
func mainScreen(t *testing.T, seen string) string {
	t.Helper()
	for _, s := range []string{"\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX"} {
		require.NotContains(t, seen, s)
	}
	var b strings.Builder
	before, rest, entered := strings.Cut(seen, toAlternate)
	for entered {
		b.WriteString(before)
		apart, after, left := strings.Cut(rest, fromAlternate)
		require.True(t, left, "the alternate screen was never left: %q", rest)
		require.True(t, strings.HasSuffix(apart, eraseScreen+eraseScrolling), "it was not erased: %q", apart)
		require.True(t, strings.HasPrefix(after, eraseScrolling), "what scrolled off it was not erased: %q", after)
		before, rest, entered = strings.Cut(after, toAlternate)
	}
	require.NotContains(t, before, fromAlternate)
	b.WriteString(before)
	return b.String()
}

// tokens are the words of a text.
func tokens(text string) map[string]bool {
	found := map[string]bool{}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) {
		found[strings.ToLower(w)] = true
	}
	return found
}

// stray are the secret words on a screen that do not stand on it anyway: in public, in what an
// interrupt says, and in a fingerprint, whose words come from the same list.
func stray(screen, public string, secret []string) (found []string) {
	const interrupted = "\ncoldvault: error: interrupted (interrupt, quit, terminated, hangup)"
	here, anyway := tokens(fingerprintLine.ReplaceAllString(screen, "")), tokens(public+interrupted)
	for _, w := range secret {
		if here[w] && !anyway[w] {
			found = append(found, w)
		}
	}
	return found
}

var fingerprintLine = regexp.MustCompile(`(?m)^ *fingerprint .*$`)

const (
	seenPrompt = "Enter takes it off the screen: "
	backPrompt = "(not shown; an empty line shows it again): "
)

var initArgs = []string{"init", "--vault", "v", "--label", "x", "--shares", "3", "--threshold", "2", "--cards", "c"}

// offered gets to the generated passphrase and reads it off the screen.
func (s *session) offered() string {
	s.t.Helper()
	s.answer(newPrompt, "")
	s.answerShown(keysOfWords+"\r\n> ", keysOfWords)
	s.await(seenPrompt)
	_, shown, _ := strings.Cut(s.screen(), "The new passphrase of the vault's signer:")
	words := strings.Fields(shown)[:7]
	return strings.Join(words, " ")
}

// A generated passphrase is shown on the alternate screen only, has to be typed back, and
// opens the vault. Nothing of it is on the terminal afterwards. Shows G14.
func TestAGeneratedPassphraseLeavesNothingOnTheTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	dir, _ := copySample(t)
	s := start(t, dir, initArgs...)
	passphrase := s.offered()
	s.answer(seenPrompt, "")
	s.answer(backPrompt, passphrase+"s")
	s.answer(seenPrompt, "")
	require.Equal(t, 2, strings.Count(s.screen(), passphrase))
	s.answer(backPrompt, passphrase)
	code, screen := s.exit()
	require.Zero(t, code, screen)
	require.Equal(t, 2, strings.Count(screen, passphrase), "what is typed back is echoed")

	s = start(t, dir, append(initArgs[:2:2], "w", "--label", "x", "--shares", "3", "--threshold", "2", "--cards", "d")...)
	other := s.offered()
	require.NotEqual(t, passphrase, other)
	s.answer(seenPrompt, "")
	s.answer(backPrompt, other)
	code, public := s.exit()
	require.Zero(t, code, public)
	require.Empty(t, stray(mainScreen(t, screen), mainScreen(t, public), strings.Fields(passphrase)))
	require.NotEmpty(t, stray(screen, mainScreen(t, public), strings.Fields(passphrase)), "the scan finds nothing anywhere")

	s = start(t, dir, "seal", "--vault", "v", "--to", "medium-1", "pool-1")
	s.answer(passPrompt, passphrase)
	code, screen = s.exit()
	require.Zero(t, code, screen)
}

// Whatever ends the program while a secret is shown, the alternate screen is left and
// erased, and no word of the secret comes after. Shows G14.
func TestEveryEndTakesSecretsOffTheScreen(t *testing.T) {
	t.Setenv("TERM", "xterm")
	dir := t.TempDir()
	for name, end := range map[string]func(s *session) error{
		"Ctrl-C":  func(s *session) error { _, err := s.ctrl.Write([]byte{3}); return err },
		"Ctrl-\\": func(s *session) error { _, err := s.ctrl.Write([]byte{28}); return err },
		"SIGTERM": func(s *session) error { return s.cmd.Process.Signal(syscall.SIGTERM) },
		"SIGHUP":  func(s *session) error { return s.cmd.Process.Signal(syscall.SIGHUP) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, dir, initArgs...)
			s.t = t
			passphrase := s.offered()
			require.NoError(t, end(s))
			code, screen := s.exit()
			require.Equal(t, exitFailed, code, screen)
			public, _, _ := strings.Cut(screen, toAlternate)
			require.Empty(t, stray(mainScreen(t, screen), public, strings.Fields(passphrase)))
			require.NoDirExists(t, filepath.Join(dir, "v"))
		})
	}
	t.Run("panic", func(t *testing.T) {
		s := startProgram(t, dir, "coldvault-panics", initArgs...)
		s.answer(newPrompt, "")
		s.answerShown(keysOfWords+"\r\n> ", keysOfWords)
		code, screen := s.exit()
		require.Equal(t, exitFailed, code, screen)
		apart, after, left := strings.Cut(screen, fromAlternate)
		require.True(t, left)
		require.Contains(t, after, "internal error: string at ")
		require.NotContains(t, after, "with a secret on the screen", "the value of a panic may be one")
		_, shown, _ := strings.Cut(apart, "The new passphrase of the vault's signer:")
		words := strings.Fields(strings.TrimSuffix(shown, eraseScreen+eraseScrolling))
		require.Len(t, words, 7)
		require.NotContains(t, after, strings.Join(words[:2], " "))
	})
}

// While echo is off Ctrl-Z is no key: a stopped program leaves its secret on the screen.
// Breaks G14.
func TestAPromptCannotBeSuspended(t *testing.T) {
	s := start(t, t.TempDir(), initArgs...)
	before, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	require.NoError(t, err)
	s.await(newPrompt)
	during, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	require.NoError(t, err)
	require.NotZero(t, before.Cc[unix.VSUSP])
	require.Zero(t, during.Cc[unix.VSUSP])
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.exit()
	after, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	require.NoError(t, err)
	require.Equal(t, before.Cc, after.Cc)
}

// A terminal without an alternate screen gets no control sequence, and the person is told.
// Breaks G14.
func TestADumbTerminalIsSaidToKeepWhatIsShown(t *testing.T) {
	t.Setenv("TERM", "dumb")
	dir := t.TempDir()
	s := start(t, dir, initArgs...)
	passphrase := s.offered()
	s.answer(seenPrompt, "")
	s.answer(backPrompt, passphrase)
	code, screen := s.exit()
	require.Zero(t, code, screen)
	require.Contains(t, screen, "this terminal has no second screen (TERM=dumb): what is shown now stays on it")
	require.NotContains(t, screen, toAlternate)
	require.NotContains(t, screen, eraseScreen)
}

// Of the words of a card that are typed none is on the terminal afterwards that a restore
// with the same card as a file does not show. Shows G14.
func TestTypedWordsLeaveNothingOnTheTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	dir, _ := copySample(t)
	args := []string{"restore", "--from", "medium-1", "--role", "hot", "--chain-counter", "1", "--card", "cards/card-1.pdf", "--card", "cards/card-2.pdf", "--to"}
	s := start(t, dir, append(args, "out-1", "--card", "cards/card-3.pdf")...)
	code, public := s.exit()
	require.Zero(t, code, public)
	words := hotLine(t, dir, "cards/card-3.pdf", true)
	s = start(t, dir, append(args, "out-2")...)
	s.answer(wordPrompt, words)
	code, screen := s.exit()
	require.Zero(t, code, screen)
	require.Empty(t, stray(mainScreen(t, screen), public+"typed in", strings.Fields(words)))
	require.Greater(t, len(stray(screen, public, strings.Fields(words))), 20, "the scan finds nothing anywhere")
}

// After an interrupt nothing is shown any more, whichever comes last.
func TestAClosedScreenShowsNothing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tty")
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	s := &screen{tty: f}
	s.enter()
	s.enter()
	_, _ = s.Write([]byte("secret"))
	s.close()
	_, _ = s.Write([]byte("late"))
	_, _ = s.WriteString("late")
	s.enter()
	s.erase()
	s.leave()
	s.close()
	got, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, toAlternate+eraseScreen+"secret"+eraseScreen+eraseScrolling+fromAlternate+eraseScrolling, string(got))
}

// press types keys one by one, as a person does.
func (s *session) press(keys string) {
	s.t.Helper()
	for i := range len(keys) {
		_, err := s.ctrl.WriteString(keys[i : i+1])
		require.NoError(s.t, err)
		time.Sleep(100 * time.Microsecond)
	}
}
