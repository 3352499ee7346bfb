package main

import (
	"os"
	"sync"
)

// Control sequences of xterm (ctlseqs: DECSET 1049, ED 3) and ECMA-48 (CUP, ED).
const (
	toAlternate    = "\x1b[?1049h"
	fromAlternate  = "\x1b[?1049l"
	eraseScreen    = "\x1b[H\x1b[J"
	eraseScrolling = "\x1b[3J"
)

// screen is the terminal as prompts write to it. Secrets are shown on its alternate
// screen, which has no scrollback and is erased when it is left. A terminal that
// has none, as the Linux console, ignores the switch and is erased all the same.
//
// No sequence is ever sent that sets a title or the clipboard (OSC). Keeps G14.
type screen struct {
	tty *os.File

	mu     sync.Mutex // between the prompt and an interrupt
	apart  bool       // the alternate screen is shown
	closed bool       // nothing is shown any more
}

// Write shows text unless an interrupt has put the terminal back already: a secret
// that came after would stand on the main screen for good.
func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return len(text), nil
	}
	return s.tty.Write(text)
}

// WriteString is Write without a copy: the text may be a secret.
func (s *screen) WriteString(text string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return len(text), nil
	}
	return s.tty.WriteString(text)
}

// enter switches to the alternate screen.
func (s *screen) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apart || s.closed {
		return
	}
	s.apart = true
	_, _ = s.tty.WriteString(toAlternate + eraseScreen)
}

// erase empties the alternate screen.
func (s *screen) erase() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apart {
		_, _ = s.tty.WriteString(eraseScreen)
	}
}

// leave erases the alternate screen and what scrolled off it, on terminals that keep
// that, and switches back.
func (s *screen) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveLocked()
}

func (s *screen) leaveLocked() {
	if s.apart {
		s.apart = false
		_, _ = s.tty.WriteString(eraseScreen + eraseScrolling + fromAlternate + eraseScrolling)
	}
}

// close leaves the alternate screen and lets nothing more through.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveLocked()
	s.closed = true
}

// apart shows what follows, which is secret, on the alternate screen until back. A
// terminal that cannot is said to keep it. Keeps G14.
func (u *ui) apart() (back func()) {
	u.Progress("", 0, 0)
	if !canDraw() {
		u.Warn("this terminal has no second screen (TERM=%s): what is shown now stays on it until you clear it, also above its top", os.Getenv("TERM"))
		return func() {}
	}
	s := u.hidden.screen
	s.enter()
	return s.leave
}
