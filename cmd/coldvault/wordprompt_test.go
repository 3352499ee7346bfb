package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Keys make the line that they are meant to make, and take back what they should.
func TestWordEditor(t *testing.T) {
	for _, test := range []struct{ keys, line string }{
		{"aban abil\n\n", "abandon ability "},
		{"ABAN\n\n", "abandon "},
		{"act acti\n\n", "act action "},
		{"ac\n\n", "ac "},
		{"layz zoo\n\n", "lazy zoo "}, // y and z exchanged
		{"? aban\n\n", "? abandon "},
		{"qqqq\x7f\x7f\x7f\x7faban\n\n", "abandon "},
		{"qqqq \x7f\x15aban\n\n", "abandon "},
		{"aban abil \x7f\x15zoo\n\n", "abandon zoo "},
		{"aban \x7f\x15\x7f123\n", "123"},
		{"\x1b[A\x1bOPaban\x1b[15~\x1bx\n\n", "abandon "},
		{"  \taban\t\t  abil \n", "abandon ability "},
		{"ab1.an\n\n", "abandon "},
		{"0123 456\n", "0123456"},
		{"&é\"é\x7f'\n", "&é\"'"},
		{"\n", ""},
		{strings.Repeat("aban ", 43) + "zoo\n", strings.Repeat("abandon ", 43) + "zoo "},
		{strings.Repeat("aban\n", 43) + "zoo\n", strings.Repeat("abandon ", 43) + "zoo "},
	} {
		e := wordEditor{text: make([]byte, maxTyped-1)}
		got := edited
		for i := range len(test.keys) {
			require.NotEqual(t, ended, got, "%q ended before its end", test.keys)
			got = e.key(test.keys[i])
		}
		require.Equal(t, ended, got, "%q did not end", test.keys)
		require.Equal(t, test.line, string(e.text[:e.n]))
		require.Empty(t, bytes.Trim(e.text[e.n:], "\x00"), "what was taken back is still there")
	}
}

// A word that is not in the list is told at once when it ends; Ctrl-D at the start closes.
func TestWordEditorEvents(t *testing.T) {
	e := wordEditor{text: make([]byte, 64)}
	for _, c := range []byte("abxy") {
		require.Equal(t, edited, e.key(c))
	}
	require.Equal(t, unknownWord, e.key(' '))
	require.Equal(t, edited, e.key(ctrlD))
	require.Equal(t, closed, (&wordEditor{text: make([]byte, 64)}).key(ctrlD))
}

// Whatever is typed, the editor stays in its memory and wipes what it takes back.
func FuzzWordEditor(f *testing.F) {
	f.Add([]byte("aban \x7f\x7f\x15\x1b[Aqqq \n"))
	f.Add(bytes.Repeat([]byte("abst "), 30))
	f.Fuzz(func(t *testing.T, keys []byte) {
		e := wordEditor{text: make([]byte, 64)}
		for _, c := range keys {
			if got := e.key(c); got == ended || got == closed {
				break
			}
			if e.start > e.n || len(bytes.Trim(e.text[e.n:], "\x00")) > 0 {
				t.Fatalf("%q leaves %q, of which %d are in use", keys, e.text, e.n)
			}
		}
	})
}
