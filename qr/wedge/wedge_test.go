package wedge

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// through types digits as a layout does.
func through(l layout, digits []byte, latin1 bool) []byte {
	keys := []rune(l.keys)
	var out []byte
	for _, d := range digits {
		key := keys[(int(d-'0')+9)%10]
		if latin1 {
			out = append(out, byte(key))
			continue
		}
		out = utf8.AppendRune(out, key)
	}
	return out
}

// Whatever the layout made of the digits, they come back, and only those that fit.
func TestDigitsOfEveryLayout(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, l := range layouts() {
		require.Equal(t, 10, utf8.RuneCountInString(l.keys), l.name)
		digits := make([]byte, 124)
		for i := range digits {
			digits[i] = '0' + byte(random.IntN(10))
		}
		fits := func(got []byte) bool { return bytes.Equal(got, digits) }
		for _, latin1 := range []bool{false, true} {
			typed := through(l, digits, latin1)
			require.NotEqual(t, digits, typed)
			scratch := make([]byte, len(typed))
			got, ok := Digits(scratch, typed, fits)
			require.True(t, ok, l.name)
			require.Equal(t, digits, got)
			require.Same(t, &scratch[0], &got[0], "the digits left the caller's memory")

			_, ok = Digits(scratch, typed, func([]byte) bool { return false })
			require.False(t, ok)
			require.Equal(t, make([]byte, len(typed)), scratch, "tried digits were left behind")
		}
	}
}

// One line of each keyboard, as its printed keys say: no table of this package in between.
func TestKnownLines(t *testing.T) {
	for typed, want := range map[string]string{
		`&é"'(-è_çà`:      "1234567890",
		`&É"'(-È_ÇÀ`:      "1234567890",
		`!"§$%&/()=`:      "1234567890",
		`+"*ç%&/()=`:      "1234567890",
		"&\xe9\"'(-\xe8_": "12345678",
		`1é3'5-7_9à`:      "1234567890", // a keyboard that loses the shift of some keys
	} {
		got, ok := Digits(make([]byte, len(typed)), []byte(typed), func(d []byte) bool { return string(d) == want })
		require.True(t, ok, typed)
		require.Equal(t, want, string(got))
	}
	for _, typed := range []string{"", "abandon", "é1x", "&é\"'(-è_çà ", "\xff"} {
		_, ok := Digits(make([]byte, len(typed)), []byte(typed), func([]byte) bool { return true })
		require.False(t, ok, typed)
	}
	_, ok := Digits(make([]byte, 3), []byte("1234"), func([]byte) bool { return true })
	require.False(t, ok, "more than there is room for")
}

// Whatever is typed, what comes back is digits, one for each character.
func FuzzDigits(f *testing.F) {
	f.Add([]byte(`&é"'(-è_çà`))
	f.Add([]byte("&\xe9\"'"))
	f.Add([]byte("!\"§"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := Digits(make([]byte, len(line)), line, func(d []byte) bool { return len(d) > 0 && d[0] != '7' })
		if ok != (got != nil) || bytes.IndexFunc(got, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
			t.Fatalf("%q gives %q", line, got)
		}
		if ok && (len(got) != utf8.RuneCount(line) || got[0] == '7') {
			t.Fatalf("%q gives %q", line, got)
		}
	})
}
