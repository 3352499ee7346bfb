package digits_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr/digits"
)

func TestKnownGroups(t *testing.T) {
	// Every group length, smallest and largest value, against numbers worked out by hand.
	tests := []struct {
		payload string
		text    string
	}{
		{"", ""},
		{"\x00", "000"},
		{"\xff", "255"},
		{"\xff\xff", "65535"},
		{"\x00\x00\x01", "00000001"},
		{"\xff\xff\xff", "16777215"},
		{"\xff\xff\xff\xff", "4294967295"},
		{"\xff\xff\xff\xff\xff", "1099511627775"},
		{"\xff\xff\xff\xff\xff\xff", "281474976710655"},
		{"\xff\xff\xff\xff\xff\xff\xff", "72057594037927935"},
		{"\x00\x00\x00\x00\x00\x00\x00\x2a", "00000000000000000042"},
	}
	for _, test := range tests {
		text := digits.Append([]byte("x"), []byte(test.payload))
		require.Equal(t, "x"+test.text, string(text))
		require.Equal(t, len(test.text), digits.EncodedLen(len(test.payload)))

		payload, err := digits.Decode([]byte("y"), []byte(test.text))
		require.NoError(t, err)
		require.Equal(t, "y"+test.payload, string(payload))
	}
}

func TestLengths(t *testing.T) {
	// Both length functions are inverse to each other, and a length that no payload has is refused.
	valid := make(map[int]int)
	for n := range 200 {
		valid[digits.EncodedLen(n)] = n
	}
	require.Equal(t, 124, digits.EncodedLen(51), "a share")
	for d := -1; d < digits.EncodedLen(199); d++ {
		n, err := digits.DecodedLen(d)
		want, ok := valid[d]
		if !ok {
			require.Error(t, err, "%d digits", d)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}

func TestDecodeRefuses(t *testing.T) {
	// A text that Append cannot have written is refused, and nothing of it stays behind dst.
	tests := map[string]struct{ text, message string }{
		"length":             {"1234", "no code has 4 digits"},
		"letter":             {"12a", "character 3 is not a digit"},
		"space":              {strings.Repeat("0", 17) + " 12", "character 18 is not a digit"},
		"byte over 255":      {"256", "digits 1 to 3"},
		"six bytes":          {"281474976710656", "digits 1 to 15"},
		"full group":         {"72057594037927936", "digits 1 to 17"},
		"all nines":          {strings.Repeat("9", 17), "digits 1 to 17"},
		"second group":       {"72057594037927935" + "999", "digits 18 to 20"},
		"sign":               {"+12", "not a digit"},
		"digit of a script":  {"٣2", "not a digit"},
		"newline at the end": {"25\n", "not a digit"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			room := make([]byte, 1, 64)
			got, err := digits.Decode(room, []byte(test.text))
			require.ErrorContains(t, err, test.message)
			require.Len(t, got, 1)
			require.Equal(t, make([]byte, 64), room[:64])
		})
	}
}

func TestNoAllocation(t *testing.T) {
	// With room in dst both directions stay in the caller's memory.
	payload := bytes.Repeat([]byte{0xa5}, 51)
	text := make([]byte, 0, digits.EncodedLen(len(payload)))
	back := make([]byte, 0, len(payload))
	allocs := testing.AllocsPerRun(100, func() {
		encoded := digits.Append(text, payload)
		if _, err := digits.Decode(back, encoded); err != nil {
			t.Fatal(err)
		}
	})
	require.Zero(t, allocs)
	require.Equal(t, payload, back[:len(payload)])
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add(bytes.Repeat([]byte{0xff}, 51))
	f.Fuzz(func(t *testing.T, payload []byte) {
		text := digits.Append(nil, payload)
		require.Len(t, text, digits.EncodedLen(len(payload)))
		back, err := digits.Decode(nil, text)
		require.NoError(t, err)
		require.True(t, bytes.Equal(payload, back))
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("255"))
	f.Add([]byte("99999999999999999"))
	f.Add([]byte("7205759403792793565535"))
	f.Fuzz(func(t *testing.T, text []byte) {
		payload, err := digits.Decode(nil, text)
		if err != nil {
			require.Empty(t, payload)
			return
		}
		require.True(t, bytes.Equal(text, digits.Append(nil, payload)))
	})
}
