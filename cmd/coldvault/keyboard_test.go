package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a keyboard with another layout sends is named key by key.
func TestLayoutDifference(t *testing.T) {
	for name, test := range map[string]struct{ want, typed, difference string }{
		"the same":           {keysOfAny, keysOfAny, ""},
		"other spaces":       {keysOfAny, " yz  qwam-_/12@ ", ""},
		"German keys":        {keysOfAny, "z y q w a m ß ? - 1 2 \"", "your keyboard sends z for y, y for z, ß for -, ? for _, - for /, \" for @"},
		"French keys":        {keysOfAny, "y w a z q , ) ° ! & é 2", "your keyboard sends w for z, a for q, z for w, q for a, , for m, ) for -, ° for _, ! for /, & for 1, é for 2, 2 for @"},
		"shift is locked":    {"y z", "Y Z", "your keyboard sends Y for y, Z for z"},
		"a key that is dead": {keysOfWords, "y z q w a", "\"y z q w a\" is not that line"},
		"nothing":            {keysOfWords, "", "\"\" is not that line"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.difference, layoutDifference(test.want, test.typed))
		})
	}
}

// A keyboard whose y and z are exchanged is found before a passphrase is typed at it; the
// person tests again, goes on, or stops.
func TestTheKeyboardIsTestedBeforeAPassphraseIsTyped(t *testing.T) {
	const wrong = "Enter tests again, yes goes on with this keyboard, no stops: "
	dir := t.TempDir()
	for _, answer := range []string{"", "yes", "no"} {
		s := start(t, dir, initArgs...)
		s.answer(newPrompt, "own")
		s.answerShown(keysPrompt, "z y q w a m - _ / 1 2 @")
		s.answerShown(wrong, answer)
		if answer == "" {
			s.answerShown(keysPrompt, keysOfAny)
		}
		if answer != "no" {
			s.answer(ownPrompt, "") // gives up
		}
		code, screen := s.exit()
		require.Equal(t, exitFailed, code, screen)
		require.Contains(t, screen, "your keyboard sends z for y, y for z: a passphrase typed with this layout opens nothing at a keyboard with another")
		if answer == "no" {
			require.Contains(t, screen, "stopped at the terminal")
		}
		require.NoDirExists(t, filepath.Join(dir, "v"))
	}
}
