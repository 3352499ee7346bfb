package main

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"coldvault/cmd/internal/ceremony"
)

// AcceptWords shows words that are proposed for a card and asks whether they stand
// on it. What was typed ahead is no answer. The words are wiped off the screen.
func (u *ui) AcceptWords(numbers []int, words []byte) (bool, error) {
	if u.secrets.yes || u.hide() != nil {
		return false, ceremony.ErrNobody
	}
	tty := u.hidden.tty
	u.Progress("", 0, 0)
	u.tell(tty, fmt.Sprintf("These words do not fit the others: %s. The card can be used if this is what stands on it:\n", ceremony.Numbers(numbers)))
	u.tellSecret(tty, words)
	_ = unix.IoctlSetInt(int(tty.Fd()), unix.TCFLSH, unix.TCIFLUSH)
	answer, err := u.askHidden("Type yes to take it, anything else to refuse: ")
	if canDraw() {
		u.eraseLines(tty, bytes.Count(words, []byte("\n"))+1)
	}
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
