package main

// A prompt may stand for hours: before anybody is waited for, secret.Collect erases what the
// steps before it left.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/secret"
)

// prompts is how a command gets its secrets: from a file, or at the terminal.
type prompts struct {
	passphraseFile string // "-" is standard input, "" asks
	yes            bool   // never ask for what is not given
}

// maxTyped is the longest line that is read at a prompt: a word list of 44 words
// is under 500 bytes, a terminal's line is at most 4096.
const maxTyped = 4096

var (
	errClosed  = errors.New("the terminal was closed")
	errStopped = errors.New("stopped at the terminal")
)

var errNoTerminal = &ceremony.HintError{
	Err:  errors.New("there is no terminal to ask for the passphrase at"),
	Hint: "give it with --passphrase-file FILE, or - for standard input",
}

var errNeverAsks = &ceremony.HintError{
	Err:  errors.New("the passphrase is needed, and --yes never asks"),
	Hint: "give it with --passphrase-file FILE, or - for standard input",
}

// Passphrase reads the passphrase from its file or asks for it.
func (u *ui) Passphrase(fresh bool) (*secret.Buffer, error) {
	if u.secrets.passphraseFile != "" {
		return u.passphraseFromFile(u.secrets.passphraseFile)
	}
	if u.secrets.yes {
		return nil, errNeverAsks
	}
	if !fresh {
		return u.passphrase("passphrase of the vault's signer: ")
	}
	return u.newPassphrase()
}

func (u *ui) passphrase(prompt string) (*secret.Buffer, error) {
	if err := u.hide(); err != nil {
		return nil, errNoTerminal
	}
	return u.askHidden("%s", prompt)
}

// passphraseFromFile takes the first line of a file.
func (u *ui) passphraseFromFile(name string) (*secret.Buffer, error) {
	f := u.in
	if name == "-" && term.IsTerminal(int(f.Fd())) {
		if u.hideFile(f) != nil {
			return nil, errEcho
		}
		return u.askHidden("passphrase of the vault's signer (not shown): ")
	}
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return nil, err
		}
		defer f.Close()
	}
	b, err := secret.Read(u.quiet(f), 0, maxTyped)
	if err != nil {
		return nil, fmt.Errorf("the passphrase in %s: %w", name, err)
	}
	return firstLine(b)
}

// quiet reads secrets from a file that somebody may be typing at or writing to.
func (u *ui) quiet(f *os.File) io.Reader { return &quiet{ui: u, file: f} }

type quiet struct {
	ui    *ui
	file  *os.File
	begun bool
}

var errEcho = &ceremony.HintError{
	Err:  errors.New("it is a device, such as a terminal that would show what is typed"),
	Hint: "leave it away to be asked, or give a file, or - for standard input",
}

// Read is an io.Reader. Keeps G14.
func (q *quiet) Read(p []byte) (int, error) {
	if !q.begun {
		q.begun = true
		// The sandbox lets nobody ask whether what was opened by name is a terminal.
		if info, err := q.file.Stat(); err == nil && q.file != q.ui.in && info.Mode()&fs.ModeCharDevice != 0 {
			return 0, errEcho
		}
		if term.IsTerminal(int(q.file.Fd())) {
			if q.ui.hideFile(q.file) != nil {
				return 0, errEcho
			}
			q.ui.tell(q.ui.hidden.screen, "type, or let a scanner type; nothing is shown; Ctrl-D at the start of a line ends it\n")
		}
	}
	ready := []unix.PollFd{{Fd: int32(q.file.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(ready, 0); n == 0 && err == nil {
		secret.Collect() // it may take hours
	}
	return q.file.Read(p)
}

// firstLine cuts a buffer at its first line break.
func firstLine(b *secret.Buffer) (*secret.Buffer, error) {
	line, _, _ := bytes.Cut(b.Bytes(), []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	defer b.Destroy()
	return secret.Read(bytes.NewReader(line), len(line), len(line))
}

// Card asks for a code or word list, without echo: it is a share.
func (u *ui) Card(prompt string) (*secret.Buffer, error) {
	if u.secrets.yes || u.hide() != nil {
		return nil, ceremony.ErrNobody
	}
	var line *secret.Buffer
	var err error
	if canDraw() {
		line, err = u.askWords("%s\n(words are shown one at a time, digits not at all; an empty line gives up): ", prompt)
	} else {
		line, err = u.askHidden("%s\n(not shown; an empty line gives up): ", prompt)
	}
	if errors.Is(err, errClosed) { // Ctrl-D
		return nil, ceremony.ErrNobody
	}
	if err != nil {
		return nil, err
	}
	if line.Len() == 0 {
		line.Destroy()
		return nil, ceremony.ErrNobody
	}
	return line, nil
}

// Ask asks at the terminal for something that is no secret.
func (u *ui) Ask(question string) (string, error) {
	if u.secrets.yes {
		return "", ceremony.ErrNobody
	}
	answer, err := u.askShown("%s (empty if not known): ", question)
	if errors.Is(err, errClosed) { // Ctrl-D: not known either
		err = nil
	}
	return answer, err
}

// askShown asks with what is typed on the screen.
func (u *ui) askShown(prompt string, args ...any) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", ceremony.ErrNobody
	}
	defer tty.Close()
	u.show()
	u.Progress("", 0, 0)
	secret.Collect()
	u.tell(tty, prompt, args...)
	answer := make([]byte, maxTyped)
	n, err := tty.Read(answer)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if n == 0 {
		return "", errClosed
	}
	line, _, _ := strings.Cut(string(answer[:n]), "\n")
	return line, nil
}

// hidden is the terminal with echo off.
type hidden struct {
	tty    *os.File // to read from
	screen *screen  // to write to
	old    unix.Termios
	end    func() // of the watch for interrupts
}

// hide switches echo off until show. It stays off between prompts: a scanner types
// the second code of a card while the first one is still being judged.
func (u *ui) hide() error {
	if u.hidden != nil {
		return nil
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := u.hideOn(tty); err != nil {
		tty.Close()
		return err
	}
	return nil
}

// hideFile is hide on a terminal that is open as something else, such as standard input.
func (u *ui) hideFile(f *os.File) error {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	tty := os.NewFile(uintptr(fd), f.Name())
	if err := u.hideOn(tty); err != nil || u.hidden.tty != tty {
		tty.Close()
		return err
	}
	return nil
}

// hideOn is hide on a terminal that show closes.
func (u *ui) hideOn(tty *os.File) error {
	if u.hidden != nil {
		return nil
	}
	old, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	h := &hidden{tty: tty, screen: &screen{tty: tty}, old: *old}
	h.end = u.OnInterrupt(h.restore)
	quiet := *old
	quiet.Lflag &^= unix.ECHO
	quiet.Lflag |= unix.ICANON | unix.ISIG
	// Ctrl-Z would leave a secret on the screen, and a shell without echo (termios(3):
	// 0 is no key).
	quiet.Cc[unix.VSUSP] = 0
	// Ctrl-S would keep it on the screen.
	quiet.Iflag &^= unix.IXON
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, &quiet); err != nil {
		h.end()
		return err
	}
	// A signal that somebody else stops the program with would do the same.
	signal.Ignore(stops...)
	u.hidden = h
	return nil
}

// stops are the signals that stop a program, as far as it has a say (signal(7)).
var stops = []os.Signal{unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU}

// restore takes secrets off the screen and gives the terminal its echo back. It drops
// what was typed and not read: it may be a share, and would be an answer to the next
// question, or a command to the shell. Keeps G14.
func (h *hidden) restore() {
	// Output that nobody reads must not hold this up.
	fd := int(h.tty.Fd())
	stuck := time.AfterFunc(patience, func() { _ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
	defer stuck.Stop()
	h.screen.close()
	_ = unix.IoctlSetTermios(fd, unix.TCSETSF, &h.old)
}

// show undoes hide.
func (u *ui) show() {
	if u.hidden == nil {
		return
	}
	u.hidden.restore()
	signal.Reset(stops...)
	u.hidden.end()
	u.hidden.tty.Close()
	u.hidden = nil
}

// askHidden reads one line from the hidden terminal straight into guarded memory.
func (u *ui) askHidden(prompt string, args ...any) (*secret.Buffer, error) {
	tty := u.hidden.tty
	u.Progress("", 0, 0)
	secret.Collect()
	u.tell(u.hidden.screen, prompt, args...)
	defer u.tell(u.hidden.screen, "\n")
	b, err := secret.New(maxTyped)
	if err != nil {
		return nil, err
	}
	n, err := tty.Read(b.Bytes())
	if err != nil && !errors.Is(err, io.EOF) {
		b.Destroy()
		return nil, err
	}
	if n == 0 {
		b.Destroy()
		return nil, errClosed
	}
	return firstLine(b)
}
