package main

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Only rolls are taken, Backspace takes one back, and what does not fit is dropped.
func TestDiceEditor(t *testing.T) {
	for _, test := range []struct{ keys, rolls string }{
		{"123456", "123456"},
		{"1 2\t3", "123"},
		{"07x89", ""},
		{"12\x7f3\b4", "14"},
		{"\x7f\x7f1", "1"},
		{"12345612", "1234561"},
	} {
		e := diceEditor{rolls: make([]byte, 7)}
		for i := range len(test.keys) {
			require.False(t, e.key(test.keys[i]))
		}
		require.True(t, e.key('\n'))
		require.Equal(t, test.rolls, string(e.rolls[:e.n]))
		require.Empty(t, strings.Trim(string(e.rolls[e.n:]), "\x00"), "what was taken back is still there")
	}
}

func rolls(n int) string {
	die := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = '1' + byte(die.IntN(6))
	}
	return string(b)
}

// Dice are typed without echo and counted, as many as are needed; what nobody rolls is
// refused and nothing is made.
func TestDiceAreTypedWithoutEchoAndCounted(t *testing.T) {
	dir, _ := copySample(t)
	args := append(initArgs[:len(initArgs):len(initArgs)], "--dice", "--passphrase-file", "passphrase")
	prompt := "Enter ends (not shown, only counted):\r\n"
	for _, kind := range []string{"xterm", "dumb"} {
		t.Setenv("TERM", kind)
		s := start(t, dir, args...)
		s.answer(prompt, strings.Repeat("123456", 20))
		code, screen := s.exit()
		require.Equal(t, exitFailed, code, screen)
		require.Contains(t, screen, "these are not rolls of a fair die: they repeat after 6")
		require.Contains(t, screen, "hint: roll a die at least 100 times")
		require.NoDirExists(t, dir+"/v")
	}
	t.Setenv("TERM", "xterm")
	s := start(t, dir, args...)
	s.await(prompt)
	fair := rolls(100)
	s.press(fair[:99] + "\n")
	require.Eventually(t, func() bool { return strings.HasSuffix(s.screen(), "rolls: 99") }, time.Minute, 5*time.Millisecond)
	s.press(fair[99:] + "\n")
	code, screen := s.exit()
	require.Zero(t, code, screen)
	require.Contains(t, screen, "rolls: 100")
	require.NotContains(t, screen, fair[:8])
	require.FileExists(t, dir+"/v/vault.json")
}
