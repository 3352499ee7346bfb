package scan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bitString packs a text of 0 and 1 into bytes, blanks left out.
func bitString(s string) []byte {
	s = strings.ReplaceAll(s, " ", "")
	out := make([]byte, (len(s)+7)/8)
	for i, c := range s {
		if c == '1' {
			out[i/8] |= 0x80 >> (i % 8)
		}
	}
	return out
}

// The content of a code is decoded as ISO/IEC 18004 encodes it, and anything else is refused.
func TestParseContent(t *testing.T) {
	tests := []struct {
		name, bits string
		version    int
		want       string
		ok         bool
	}{
		{"numeric, the example of clause 7.4.3", "0001 0000001000 0000001100 0101011001 1000011 0000", 1, "01234567", true},
		{"one digit left", "0001 0000000100 0000001100 0101 0000", 1, "0125", true},
		{"alphanumeric, the example of clause 7.4.4", "0010 000000101 00111001110 11100111001 000010 0000", 1, "AC-42", true},
		{"bytes", "0100 00000010 01101000 01101001 0000", 1, "hi", true},
		{"wider count from version 10 on", "0001 000000000011 0001111011 0000", 10, "123", true},
		{"widest count from version 27 on", "0001 00000000000011 0001111011 0000", 27, "123", true},
		{"two segments", "0001 0000000011 0001111011 0100 00000001 01100001 0000", 1, "123a", true},
		{"no room for an end", "0001 0000000011 0001111011 000", 1, "123", true},
		{"nothing", "0000", 1, "", true},
		{"three digits above 999", "0001 0000000011 1111101000 0000", 1, "", false},
		{"two digits above 99", "0001 0000000010 1100100 0000", 1, "", false},
		{"one digit above 9", "0001 0000000001 1010 0000", 1, "", false},
		{"more digits than there are", "0001 0000001000 0000001100", 1, "", false},
		{"more bytes than there are", "0100 11111111 01101000", 1, "", false},
		{"letters out of range", "0010 000000010 11111111111 0000", 1, "", false},
		{"letter out of range", "0010 000000001 111111 0000", 1, "", false},
		{"unknown mode", "0111 00000000", 1, "", false},
		{"kanji", "1000 00000001 0000000000000", 1, "", false},
	}
	for _, test := range tests {
		got, err := parseContent(bitString(test.bits), test.version)
		if !test.ok {
			require.ErrorIs(t, err, errContent, test.name)
			continue
		}
		require.NoError(t, err, test.name)
		require.Equal(t, test.want, string(got), test.name)
	}
}

func FuzzParseContent(f *testing.F) {
	f.Add(bitString("0001 0000001000 0000001100 0101011001 1000011 0000"), 1)
	f.Add(bitString("0010 000000101 00111001110 11100111001 000010 0000"), 9)
	f.Add(bitString("0100 0000000000000010 01101000 01101001"), 40)
	f.Fuzz(func(t *testing.T, data []byte, version int) {
		text, err := parseContent(data, version)
		if err == nil {
			// Ten bits hold three digits, the densest there is.
			require.LessOrEqual(t, len(text), len(data)*8*3/10)
		}
	})
}
