package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"coldvault/qr/scan"
	"coldvault/shard"
)

// session is coldvault at a terminal of its own, with a person who types only
// when asked. Testscript's terminal types ahead, before echo is off: it cannot
// show that nothing is echoed.
type session struct {
	t    *testing.T
	ctrl *os.File // the person's side
	tty  *os.File // the program's side
	cmd  *exec.Cmd

	mu       sync.Mutex
	seen     bytes.Buffer
	answered int // bytes that stood on the screen when the last line was typed
}

func (s *session) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.Write(p)
}

func (s *session) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// start runs coldvault in dir. Its standard error is the terminal, as it is for
// a person; standard output is not.
func start(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	return startProgram(t, dir, "coldvault", args...)
}

func startProgram(t *testing.T, dir, program string, args ...string) *session {
	t.Helper()
	return startWriting(t, nil, dir, program, args...)
}

// startWriting is startProgram with a standard output.
func startWriting(t *testing.T, stdout *os.File, dir, program string, args ...string) *session {
	t.Helper()
	ctrl, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(ctrl.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(ctrl.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	s := &session{t: t, ctrl: ctrl, tty: tty, cmd: exec.Command(program, args...)}
	s.cmd.Dir = dir
	s.cmd.Stdin, s.cmd.Stderr = tty, tty
	if stdout != nil {
		s.cmd.Stdout = stdout
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	require.NoError(t, s.cmd.Start())
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := ctrl.Read(buffer)
			_, _ = s.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		tty.Close()
		ctrl.Close()
	})
	return s
}

func (s *session) echoes() bool {
	state, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	require.NoError(s.t, err)
	return state.Lflag&unix.ECHO != 0
}

// answer waits for the prompt to stand last on the screen, with echo off, and
// types a line.
func (s *session) answer(prompt, line string) {
	s.t.Helper()
	s.await(prompt)
	s.enter(line)
}

// enter types a line.
func (s *session) enter(line string) {
	s.t.Helper()
	s.answered = len(s.screen())
	_, err := s.ctrl.WriteString(line + "\n")
	require.NoError(s.t, err)
}

func (s *session) await(prompt string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.shows(prompt) && !s.echoes() }, time.Minute, 5*time.Millisecond, "no prompt %q", prompt)
}

// shows tells whether a prompt stands last on the screen, and is none that was answered.
func (s *session) shows(prompt string) bool {
	screen := s.screen()
	return len(screen) > s.answered && strings.HasSuffix(screen, prompt)
}

// answerShown is answer for a prompt that echoes.
func (s *session) answerShown(prompt, line string) {
	s.t.Helper()
	s.awaitShown(prompt)
	s.enter(line)
}

func (s *session) awaitShown(prompt string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.shows(prompt) && s.echoes() }, time.Minute, 5*time.Millisecond, "no prompt %q", prompt)
}

// exit waits for the end and gives the code and what stood on the screen. The
// terminal must echo again, show its main screen, and have got no title and no clipboard.
func (s *session) exit() (code int, screen string) {
	s.t.Helper()
	_ = s.cmd.Wait()
	require.True(s.t, s.echoes(), "the terminal was left without echo")
	state, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	require.NoError(s.t, err)
	require.NotZero(s.t, state.Lflag&unix.ICANON, "the terminal was left reading keys")
	code = s.cmd.ProcessState.ExitCode()
	// What was written before the end may still be on its way.
	last := ""
	require.Eventually(s.t, func() bool {
		same := s.screen() == last
		last = s.screen()
		return same
	}, time.Minute, 50*time.Millisecond)
	mainScreen(s.t, last)
	return code, last
}

func copySample(t *testing.T) (dir string, s *sample) {
	t.Helper()
	s, err := makeSample()
	require.NoError(t, err)
	dir = t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(s.Dir)))
	return dir, s
}

const (
	newPrompt   = "Enter gives one of 7 random words (77 bits), own lets you choose: "
	keysPrompt  = "y z q w a m - _ / 1 2 @\r\n> "
	ownPrompt   = "your passphrase: "
	againPrompt = "once more: "
	passPrompt  = "passphrase of the vault's signer: "
	wordPrompt  = "(words are shown one at a time, digits not at all; an empty line gives up): "
	cardPrompt  = "(not shown; an empty line gives up): "
)

// chooseOwn gets to the prompt for a passphrase of one's own.
func (s *session) chooseOwn() {
	s.t.Helper()
	s.answer(newPrompt, "own")
	s.answerShown(keysPrompt, keysOfAny)
}

// A new passphrase is asked for twice, without echo, and then opens the vault. One that is
// too short is refused, and one that is typed where it is not asked for is not echoed.
func TestPassphraseIsTypedWithoutEcho(t *testing.T) {
	dir, _ := copySample(t)
	s := start(t, dir, "init", "--vault", "v", "--label", "x", "--shares", "2", "--threshold", "2", "--accept-all-shares", "--cards", "c")
	s.chooseOwn()
	s.answer(ownPrompt, "staples")
	s.answer(ownPrompt, "battery staple")
	s.answer(againPrompt, "battery staple")
	code, screen := s.exit()
	require.Zero(t, code, screen)
	require.Contains(t, screen, "the passphrase has 7 characters, fewer than 12; take several words")
	require.NotContains(t, screen, "staple")
	require.FileExists(t, filepath.Join(dir, "v", "vault.json"))

	s = start(t, dir, "seal", "--vault", "v", "--to", "medium-1", "pool-1")
	s.answer(passPrompt, "battery staple")
	code, screen = s.exit()
	require.Zero(t, code, screen)
	require.NotContains(t, screen, "staple")
}

// Two different new passphrases are refused, before anything is made.
func TestPassphrasesThatDiffer(t *testing.T) {
	dir, _ := copySample(t)
	s := start(t, dir, "init", "--vault", "v", "--label", "x", "--shares", "3", "--threshold", "2", "--cards", "c")
	s.answer(newPrompt, "battery staple")
	s.chooseOwn()
	s.answer(ownPrompt, "battery staple")
	s.answer(againPrompt, "battery stable")
	code, screen := s.exit()
	require.Equal(t, exitFailed, code)
	require.Contains(t, screen, "the two passphrases differ")
	require.NotContains(t, screen, "batter")
	require.NoDirExists(t, filepath.Join(dir, "v"))
	require.NoDirExists(t, filepath.Join(dir, "c"))
}

// With nobody to ask, a missing passphrase is an error with a hint, and a missing
// card is exit code 4.
func TestWithoutATerminal(t *testing.T) {
	dir, _ := copySample(t)
	for _, c := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"seal", "--vault", "vault", "--to", "medium-1", "pool-1"}, exitFailed,
			"coldvault: error: there is no terminal to ask for the passphrase at\n" +
				"coldvault: hint: give it with --passphrase-file FILE, or - for standard input\n"},
		{[]string{"restore", "--from", "medium-1", "--to", "out"}, exitMore, "coldvault: hint: add the missing cards with --card FILE"},
	} {
		cmd := exec.Command("coldvault", c.args...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		out, _ := cmd.CombinedOutput()
		require.Equal(t, c.code, cmd.ProcessState.ExitCode(), string(out))
		require.Contains(t, string(out), c.stderr)
		require.NoDirExists(t, filepath.Join(dir, "out"))
	}
}

// typed gives what is on a card as a person or a wedge scanner types it.
func typed(t *testing.T, dir, card string, words bool) (lines []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, card))
	require.NoError(t, err)
	found, err := scan.Read(data, scan.Options{})
	require.NoError(t, err)
	require.Len(t, found.Codes, 2)
	for _, c := range found.Codes {
		line := string(c.Text)
		if words {
			share, err := shard.ParseText(make([]byte, shard.ShareSize), c.Text)
			require.NoError(t, err)
			line = strings.Join(strings.Fields(string(shard.AppendWords(nil, share))), " ")
		}
		lines = append(lines, line)
	}
	return lines
}

// Cards that are not given are asked for, as digits and as words; what is neither,
// and a card of another vault, is named and asked for again. Nothing is echoed.
func TestCardsAreTypedAtThePrompt(t *testing.T) {
	dir, sample := copySample(t)
	s := start(t, dir, "restore", "--from", "medium-1", "--chain-counter", "1", "--card", "cards/card-1.pdf", "--to", "out")
	s.answer(cardPrompt, "nonsense")
	foreign := typed(t, dir, "other/cards/card-1.pdf", false)
	s.answer(cardPrompt, foreign[0])
	digits := typed(t, dir, "cards/card-2.pdf", false)
	s.answer(cardPrompt, digits[0])
	s.answer(cardPrompt, digits[0]) // twice is once
	s.answer(cardPrompt, digits[1])
	words := typed(t, dir, "cards/card-3.pdf", true)
	s.answer(cardPrompt, words[0])
	s.answer(cardPrompt, words[1])
	code, screen := s.exit()
	require.Zero(t, code, screen)
	require.Contains(t, screen, "cold needs 3 cards of set "+sample.Cold+" and there are 1; hot needs 3 cards of set "+sample.Hot+" and there are 1")
	require.Contains(t, screen, "this card is of vault "+sample.Other)
	require.Contains(t, screen, "the same card was read before")
	for _, secret := range append(append(digits, words...), "nonsense") {
		require.NotContains(t, screen, secret[:min(len(secret), 20)])
	}
	want, err := os.ReadFile(filepath.Join(dir, "pool-1", "cold.skey"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(dir, "out", "cold.skey"))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Words that are typed wrong are located, and what they should be is shown at the
// terminal; only a yes takes it. With --yes, and from a file, there is no proposal.
func TestACorrectionIsProposed(t *testing.T) {
	dir, _ := copySample(t)
	var words []string
	for card := 3; len(words) == 0 || words[11] == words[12]; card++ { // by chance they are the same
		words = strings.Fields(hotLine(t, dir, fmt.Sprintf("cards/card-%d.pdf", card), true))
	}
	right := words[4]
	words[4], words[11], words[12] = "qqqq", words[12], words[11]
	line := strings.Join(words, " ")
	const question = "Type yes to take it, anything else to refuse: "
	args := []string{"restore", "--from", "medium-1", "--role", "hot", "--chain-counter", "1", "--card", "cards/card-1.pdf", "--card", "cards/card-2.pdf", "--to", "out"}
	for _, kind := range []string{"dumb", "xterm"} {
		t.Setenv("TERM", kind)
		s := start(t, dir, args...)
		s.answer(lastPrompt(kind), line)
		s.answer(question, "y")
		s.await(lastPrompt(kind))
		require.Contains(t, s.screen(), "these words are wrong, missing or swapped: 5, 12, 13; compare them with the card")
		s.answer(lastPrompt(kind), line)
		s.await(question)
		proposal := s.screen()[strings.LastIndex(s.screen(), "These words do not fit the others: 5, 12, 13."):]
		require.Contains(t, proposal, "  word 5: "+right+"\r\n  word 12: "+words[12]+"\r\n  word 13: "+words[11]+"\r\n")
		s.answer(question, "yes")
		code, screen := s.exit()
		require.Zero(t, code, screen)
		if kind == "xterm" {
			require.NotContains(t, mainScreen(t, screen), "word 5", "the words were left on the screen")
		}
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "out")))
	}

	require.NoError(t, os.WriteFile(filepath.Join(dir, "words"), []byte(line), 0o600))
	s := start(t, dir, append(args, "--card", "words", "--yes")...)
	code, screen := s.exit()
	require.Equal(t, exitMore, code, screen)
	require.Contains(t, screen, "words: a share that cannot be used: these words are wrong, missing or swapped: 5, 12, 13; compare them with the card")
	require.NotContains(t, screen, "word 5")
}

// hotLine is what is on a card for the compartment hot.
func hotLine(t *testing.T, dir, card string, words bool) string {
	t.Helper()
	for _, line := range typed(t, dir, card, words) {
		share, err := shard.ParseAny(make([]byte, shard.ShareSize), []byte(line))
		require.NoError(t, err)
		if share.Compartment() == shard.Hot {
			return line
		}
	}
	require.Fail(t, "no share of hot on the card")
	return ""
}

// lastPrompt is the prompt for cards on a terminal of this kind.
func lastPrompt(kind string) string {
	if kind == "dumb" {
		return cardPrompt
	}
	return wordPrompt
}

// Where the terminal can draw, words are completed and looked up as they are typed,
// one at a time, and a line of digits is read as before and not shown.
func TestWordsAreTypedOneByOne(t *testing.T) {
	dir, _ := copySample(t)
	t.Setenv("TERM", "xterm")
	s := start(t, dir, "restore", "--from", "medium-1", "--role", "hot", "--chain-counter", "1", "--card", "cards/card-1.pdf", "--to", "out")
	s.await(wordPrompt)
	press := func(keys, want string) {
		t.Helper()
		_, err := s.ctrl.WriteString(keys)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return strings.HasSuffix(s.screen(), want) }, 20*time.Second, 5*time.Millisecond, "no %q", want)
	}
	const clear = "\r\x1b[K"
	press("q", clear+"word 1 of 44: q")
	press("q", clear+"word 1 of 44: qq  is not in the list")
	press(" ", clear+"word 1 is not in the list; Backspace goes back to it, ? stands for one that cannot be read\r\n")
	press("\x7f\x15\x1b[A", clear)
	words := strings.Fields(hotLine(t, dir, "cards/card-3.pdf", true))
	for i, w := range words {
		number := clear + fmt.Sprintf("word %d of 44: ", i+1)
		if len(w) > 4 {
			press(w[:4], number+w[:4]+" → "+w)
		} else {
			press(w, number+w)
		}
		if i+1 < len(words) {
			press(" ", clear+fmt.Sprintf("word %d of 44: ", i+2))
		}
	}
	_, err := s.ctrl.WriteString("\n")
	require.NoError(t, err)
	s.await(wordPrompt)
	digits := hotLine(t, dir, "cards/card-2.pdf", false)
	s.answer(wordPrompt, digits)
	code, screen := s.exit()
	require.Zero(t, code, screen)
	require.NotContains(t, screen, digits[:8])
	require.Contains(t, screen, clear+"code: 124 characters")
	require.FileExists(t, filepath.Join(dir, "out", "kes.skey"))
}

// Who cannot give another card ends with an empty line.
func TestAnEmptyLineGivesUp(t *testing.T) {
	dir, _ := copySample(t)
	s := start(t, dir, "restore", "--from", "medium-1", "--chain-counter", "1", "--card", "cards/card-1.pdf", "--to", "out")
	s.answer(cardPrompt, "")
	code, screen := s.exit()
	require.Equal(t, exitMore, code, screen)
	require.NoDirExists(t, filepath.Join(dir, "out"))
}

// Interrupted at a prompt, the program gives the terminal its echo back and
// leaves nothing behind: both, whichever is cleaned up first.
func TestInterruptAtAPrompt(t *testing.T) {
	dir, _ := copySample(t)
	for _, kind := range []string{"dumb", "xterm", "dumb", "xterm", "dumb"} {
		t.Setenv("TERM", kind)
		s := start(t, dir, "restore", "--from", "medium-1", "--to", "out")
		s.await(lastPrompt(kind))
		_, err := s.ctrl.Write([]byte{3}) // Ctrl-C
		require.NoError(t, err)
		code, screen := s.exit()
		require.Equal(t, exitFailed, code, screen)
		require.NoDirExists(t, filepath.Join(dir, "out"))
	}
	s := start(t, dir, "init", "--vault", "v", "--label", "x", "--shares", "3", "--threshold", "2", "--cards", "c")
	s.await(newPrompt)
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	code, screen := s.exit()
	require.Equal(t, exitFailed, code, screen)
	require.NoDirExists(t, filepath.Join(dir, "c"))
}

// A terminal gets progress and colour, unless NO_COLOR says otherwise.
func TestColourOnlyOnATerminal(t *testing.T) {
	dir, _ := copySample(t)
	colours := func(env string) string {
		t.Setenv("TERM", "xterm")
		t.Setenv("NO_COLOR", env)
		s := start(t, dir, "restore", "--from", "medium-1", "--to", "out", "--yes")
		_, screen := s.exit()
		require.Contains(t, screen, "error:")
		return screen
	}
	require.Contains(t, colours(""), "\x1b[31m")
	require.NotContains(t, colours("1"), "\x1b[3")
}

// Every three of the five cards open the vault.
func TestEveryTripleOfCardsRestores(t *testing.T) {
	dir, _ := copySample(t)
	want, err := os.ReadFile(filepath.Join(dir, "pool-2", "cold.skey"))
	require.NoError(t, err)
	for a := 1; a <= 5; a++ {
		for b := a + 1; b <= 5; b++ {
			for c := b + 1; c <= 5; c++ {
				out := fmt.Sprintf("out-%d%d%d", a, b, c)
				cmd := exec.Command("coldvault", "restore", "--from", "medium-a", "--yes", "--chain-counter", "1", "--to", out)
				for _, n := range []int{a, b, c} {
					cmd.Args = append(cmd.Args, "--card", fmt.Sprintf("cards/card-%d.pdf", n))
				}
				cmd.Dir = dir
				text, err := cmd.CombinedOutput()
				require.NoError(t, err, string(text))
				entries, err := os.ReadDir(filepath.Join(dir, out))
				require.NoError(t, err)
				require.Len(t, entries, 23)
				got, err := os.ReadFile(filepath.Join(dir, out, "cold.skey"))
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
	}
}
