package main

// The prompt for cards reads key by key where the terminal can draw: words are
// completed and looked up as they are typed. Only the word that is being typed is on
// the screen, and digits never are. What is typed is in guarded memory; it is drawn
// from there, inside secret.Do.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"coldvault/cmd/internal/ceremony"
	"coldvault/shard"
	"coldvault/vault/secret"
)

// AcceptWords shows words that are proposed for a card and asks whether they stand
// on it. What was typed ahead is no answer.
func (u *ui) AcceptWords(numbers []int, words []byte) (bool, error) {
	if u.secrets.yes || u.hide() != nil {
		return false, ceremony.ErrNobody
	}
	defer u.apart()()
	u.tell(u.hidden.screen, "These words do not fit the others: %s. The card can be used if this is what stands on it:\n", ceremony.Numbers(numbers))
	u.tellSecret(u.hidden.screen, words)
	_ = unix.IoctlSetInt(int(u.hidden.tty.Fd()), unix.TCFLSH, unix.TCIFLUSH)
	answer, err := u.askHidden("Type yes to take it, anything else to refuse: ")
	if err != nil {
		return false, err
	}
	defer answer.Destroy()
	return string(answer.Bytes()) == "yes", nil
}

// canDraw says whether the terminal can move its cursor.
func canDraw() bool {
	kind := os.Getenv("TERM")
	return kind != "" && kind != "dumb"
}

// Keys that are not characters.
const (
	ctrlD, backspace, ctrlU, escape, del = 4, 8, 21, 27, 127
)

// uniqueLetters tell every word of the list.
const uniqueLetters = 4

// event is what a key did.
type event int

const (
	edited      event = iota
	unknownWord       // a word was ended that is not in the list
	ended             // the line is complete
	closed            // end of input
)

// wordEditor is the line that is typed. It takes digits, as of a scanner, as they
// are, and words one by one.
type wordEditor struct {
	text  []byte // guarded memory
	n     int    // bytes in use
	start int    // of the word that is being typed
	words int    // ended before it
	code  bool   // digits, not words
	skip  int    // 1 after an escape, 2 inside its sequence
}

func (e *wordEditor) word() []byte { return e.text[e.start:e.n] }

func (e *wordEditor) key(c byte) event {
	switch {
	case e.skips(c):
	case c == '\n' || c == '\r':
		return e.enter()
	case c == ctrlD && e.n == 0:
		return closed
	case c == backspace || c == del:
		e.back()
	case c == ctrlU:
		e.cut(e.start)
	case c == ' ' || c == '\t':
		if !e.code && e.n > e.start {
			return e.endWord()
		}
	case c > ' ':
		e.character(c)
	}
	return edited
}

// skips swallows the sequences that arrow and function keys send.
func (e *wordEditor) skips(c byte) bool {
	switch {
	case c == escape:
		e.skip = 1
	case e.skip == 1 && (c == '[' || c == 'O'):
		e.skip = 2
	case e.skip == 2 && c < '@', e.skip == 0:
		return e.skip == 2
	default:
		e.skip = 0
	}
	return true
}

func (e *wordEditor) character(c byte) {
	if e.n == 0 {
		e.code = !isLetter(c) && c != '?'
	}
	// A word and its space must always have room.
	if e.n+len("abstract ") < len(e.text) && (e.code || isLetter(c) || c == '?') {
		e.text[e.n] = c
		e.n++
	}
}

func isLetter(c byte) bool { return c|' ' >= 'a' && c|' ' <= 'z' }

// enter ends a word; it ends the line where that was the last one, or where there
// is none.
func (e *wordEditor) enter() event {
	if e.code || e.n == e.start {
		return ended
	}
	if got := e.endWord(); got != edited || e.words < shard.WordCount {
		return got
	}
	return ended
}

// endWord puts the whole word where its first letters were typed.
func (e *wordEditor) endWord() event {
	got := edited
	word, ok := whole(e.word())
	switch {
	case ok:
		e.cut(e.start)
		e.n += copy(e.text[e.n:], word)
	case string(e.word()) != "?":
		got = unknownWord
	}
	e.text[e.n] = ' '
	e.n++
	e.start = e.n
	e.words++
	return got
}

// back takes one character back, or the space after the word before.
func (e *wordEditor) back() {
	if e.n == e.start && e.words > 0 {
		e.words--
		e.cut(e.n - 1)
		e.start = bytes.LastIndexByte(e.text[:e.n], ' ') + 1
		return
	}
	for e.n > e.start {
		last := e.text[e.n-1]
		e.cut(e.n - 1)
		if last&0xc0 != 0x80 { // the first byte of a character (UTF-8)
			return
		}
	}
}

// cut wipes what was typed from there on.
func (e *wordEditor) cut(from int) {
	clear(e.text[from:e.n])
	e.n = from
}

// whole is the word of the list that was meant.
func whole(typed []byte) (word string, ok bool) {
	found := shard.Complete(typed)
	if len(found) == 0 || len(found[0]) != len(typed) && (len(found) > 1 || len(typed) < uniqueLetters) {
		return "", false
	}
	return found[0], true
}

// draw shows the word that is being typed, and what it will be.
func (e *wordEditor) draw(u *ui, tty io.Writer) {
	switch {
	case e.n == 0:
		u.redraw(tty, "", nil, "")
		return
	case e.code:
		u.redraw(tty, fmt.Sprintf("code: %d characters", e.n), nil, "")
		return
	case e.words >= shard.WordCount && e.n == e.start:
		u.redraw(tty, fmt.Sprintf("%d words; Enter ends", e.words), nil, "")
		return
	}
	typed := e.word()
	after := ""
	if word, ok := whole(typed); ok && word != string(typed) {
		after = " → " + word
	} else if len(typed) > 0 && string(typed) != "?" && len(shard.Complete(typed)) == 0 {
		after = "  is not in the list"
	}
	u.redraw(tty, fmt.Sprintf("word %d of %d: ", e.words+1, shard.WordCount), typed, after)
}

// keyByKey has the hidden terminal give each key at once until stop; one that cannot draw
// goes on giving lines.
func (u *ui) keyByKey() (stop func(), err error) {
	tty := u.hidden.tty
	secret.Collect()
	if !canDraw() {
		return func() {}, nil
	}
	quiet, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	keys := *quiet
	keys.Lflag &^= unix.ICANON
	keys.Cc[unix.VMIN], keys.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, &keys); err != nil {
		return nil, err
	}
	// Not flushed: a scanner may be typing the next code already.
	return func() { _ = unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, quiet) }, nil
}

// readKey reads one byte from the hidden terminal into guarded memory.
func (u *ui) readKey(key []byte) error {
	n, err := u.hidden.tty.Read(key[:1])
	if n == 0 && (err == nil || errors.Is(err, io.EOF)) {
		return errClosed
	}
	return err
}

// askWords is askHidden, key by key, on the alternate screen.
func (u *ui) askWords(prompt string, args ...any) (*secret.Buffer, error) {
	stop, err := u.keyByKey()
	if err != nil {
		return nil, err
	}
	defer stop()
	b, err := secret.New(maxTyped)
	if err != nil {
		return nil, err
	}
	defer b.Destroy()
	defer u.apart()()
	tty := u.hidden.screen
	u.tell(tty, prompt, args...)
	last := b.Len() - 1 // where each key is read into
	e := &wordEditor{text: b.Bytes()[:last]}
	for {
		if err := u.readKey(b.Bytes()[last:]); err != nil {
			return nil, err
		}
		var got event
		_ = secret.Do(func() error {
			if got = e.key(b.Bytes()[last]); got != ended {
				e.draw(u, tty)
			}
			return nil
		})
		switch got {
		case ended:
			return secret.Read(bytes.NewReader(b.Bytes()[:e.n]), e.n, e.n)
		case closed:
			return nil, errClosed
		case unknownWord:
			u.redraw(tty, fmt.Sprintf("word %d is not in the list; Backspace goes back to it, ? stands for one that cannot be read", e.words), nil, "\n")
		}
	}
}
