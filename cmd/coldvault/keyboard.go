package main

import (
	"fmt"
	"slices"
	"strings"
)

// What keyboards disagree about: a passphrase that is typed blind with another layout
// than it will be typed with later is lost (calamares issue 1203: a disk whose
// passphrase "ragazza" opens with "ragayya").
const (
	keysOfWords = "y z q w a m"
	keysOfAny   = "y z q w a m - _ / 1 2 @"
)

// testKeyboard has the keys typed in clear before a passphrase is typed blind. It
// returns errStopped where they come out wrong and the person does not go on.
func (u *ui) testKeyboard(keys string) error {
	for {
		typed, err := u.askShown("Keyboard test, in clear. Type this line: %s\n> ", keys)
		if err != nil {
			return err
		}
		difference := layoutDifference(keys, typed)
		if difference == "" {
			return nil
		}
		u.Warn("%s: a passphrase typed with this layout opens nothing at a keyboard with another", difference)
		answer, err := u.askShown("Enter tests again, yes goes on with this keyboard, no stops: ")
		switch {
		case err != nil:
			return err
		case answer == "yes":
			return nil
		case answer != "":
			return errStopped
		}
	}
}

// layoutDifference says what came for what should have been typed, or "". Spaces do not
// count.
func layoutDifference(want, typed string) string {
	w, t := []rune(strings.Join(strings.Fields(want), "")), []rune(strings.Join(strings.Fields(typed), ""))
	if slices.Equal(w, t) {
		return ""
	}
	if len(w) != len(t) {
		return fmt.Sprintf("%q is not that line", typed)
	}
	var wrong []string
	for i := range w {
		if w[i] != t[i] {
			wrong = append(wrong, fmt.Sprintf("%c for %c", t[i], w[i]))
		}
	}
	return "your keyboard sends " + strings.Join(wrong, ", ")
}
