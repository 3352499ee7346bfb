package shard

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr/digits"
)

func parseAny(text string) (Share, error) { return ParseAny(make([]byte, ShareSize), []byte(text)) }

func TestParseAnyReadsEveryWayToWriteAShare(t *testing.T) {
	// What scanners type, what zbarimg prints and what people write is the same share.
	shares, _ := split(t, testParams)
	s := shares[2]
	code := string(AppendText(nil, s))
	require.Len(t, code, 124)
	words := strings.Fields(string(AppendWords(nil, s)))
	require.Len(t, words, WordCount)
	var numbered, dotted, short, backwards, grouped []string
	for i, w := range words {
		numbered = append(numbered, fmt.Sprintf("%d %s", i+1, w))
		dotted = append(dotted, fmt.Sprintf("%d.%s", i+1, strings.ToUpper(w)))
		short = append(short, w[:min(4, len(w))])
		backwards = append([]string{fmt.Sprintf("%2d) %s", i+1, w)}, backwards...)
	}
	for rest := code; rest != ""; {
		n := min(5, len(rest))
		grouped, rest = append(grouped, rest[:n]), rest[n:]
	}
	for name, text := range map[string]string{
		"digits":          code,
		"zbarimg":         "QR-Code:" + code + "\n",
		"spaces":          strings.Join(grouped, " "),
		"dashes":          strings.Join(grouped, "-"),
		"lines":           "\r\n" + strings.Join(grouped, "\r\n") + "\r\n",
		"words":           strings.Join(words, " "),
		"word lines":      strings.Join(words, "\n"),
		"numbered":        strings.Join(numbered, "\t"),
		"dotted capitals": strings.Join(dotted, "\n"),
		"four letters":    strings.Join(short, " "),
		"any order":       strings.Join(backwards, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseAny(text)
			require.NoError(t, err)
			require.Equal(t, s.Bytes(), got.Bytes())
		})
	}
}

func TestParseAnyRefuses(t *testing.T) {
	// What is not one share, whole and right, is refused with the reason.
	shares, _ := split(t, testParams)
	code := string(AppendText(nil, shares[0]))
	words := strings.Fields(string(AppendWords(nil, shares[0])))
	with := func(i int, w string) string {
		changed := append([]string(nil), words...)
		changed[i] = w
		return strings.Join(changed, " ")
	}
	frame := string(digits.Append(nil, append([]byte{0x21}, make([]byte, 100)...)))
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":             {"", ErrLength},
		"spaces":              {" \n", ErrLength},
		"prefix only":         {"QR-Code:", ErrLength},
		"digit missing":       {code[1:], ErrLength},
		"digit too many":      {code + "0", ErrLength},
		"two shares":          {code + "\n" + code, ErrLength},
		"frame":               {frame, ErrFrame},
		"last group too big":  {code[:119] + "99999", nil},
		"group too big":       {strings.Repeat("9", 17) + code[17:], nil},
		"wrong digits":        {code[:60] + flip(code[60:61]) + code[61:], ErrChecksum},
		"other characters":    {code[:20] + "," + code[20:], nil},
		"letter O":            {"O" + code[1:], nil},
		"43 words":            {strings.Join(words[1:], " "), ErrLength},
		"45 words":            {strings.Join(words, " ") + " zoo", ErrLength},
		"wrong word":          {with(5, otherWord(words[5])), ErrWords},
		"number 0":            {"0 " + strings.Join(words, " "), nil},
		"number 45":           {"45 " + strings.Join(words, " "), nil},
		"word 1 twice":        {strings.Join(words, " ") + " 1 zoo", nil},
		"enormous":            {strings.Repeat("1", maxText+1), ErrLength},
		"enormous with words": {strings.Repeat("zoo ", maxText), ErrLength},
	} {
		t.Run(name, func(t *testing.T) {
			dst := make([]byte, ShareSize)
			_, err := ParseAny(dst, []byte(c.text))
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			require.Equal(t, make([]byte, ShareSize), dst, "nothing of it is left")
		})
	}
	for _, bad := range []string{"?", "abandoned", "wxyz", words[6] + "x"} {
		_, err := parseAny(with(6, bad))
		var unknown *WordsError
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, []int{7}, unknown.Missing)
		require.NotContains(t, err.Error(), bad+" ")
	}
	_, err := ParseAny(make([]byte, 50), []byte(code))
	require.Error(t, err)
	_, err = ParseWords(make([]byte, 50), []byte(strings.Join(words, " ")))
	require.Error(t, err)
}

func flip(digit string) string { return string('0' + (digit[0]-'0'+1)%10) }

func otherWord(w string) string {
	if w == "zoo" {
		return "zone"
	}
	return "zoo"
}

func TestNumberedWordsMayBeLeftOut(t *testing.T) {
	// With numbers it is known which words are missing, and six of them come back as a proposal.
	shares, _ := split(t, testParams)
	words := strings.Fields(string(AppendWords(nil, shares[0])))
	var text strings.Builder
	for i, w := range words {
		if i%8 != 3 {
			fmt.Fprintf(&text, "%d %s\n", i+1, w)
		}
	}
	p, err := Correct(make([]byte, ShareSize), []byte(text.String()))
	require.NoError(t, err)
	require.Equal(t, []int{4, 12, 20, 28, 36, 44}, p.Changed)
	require.Equal(t, shares[0].Bytes(), p.Share.Bytes())
	_, err = Correct(make([]byte, ShareSize), []byte(strings.Replace(text.String(), words[0]+"\n", "?\n", 1)))
	require.ErrorIs(t, err, ErrNoProposal, "seven")
	_, err = Correct(make([]byte, ShareSize), []byte(strings.Join(words[1:], " ")))
	require.ErrorIs(t, err, ErrLength, "one is missing and nobody knows which")
}

func FuzzParseAny(f *testing.F) {
	shares, _ := split(f, testParams)
	code, words := string(AppendText(nil, shares[0])), string(AppendWords(nil, shares[0]))
	f.Add([]byte(code))
	f.Add([]byte("QR-Code:" + code[:60] + "\n" + code[60:]))
	f.Add([]byte(words))
	f.Add([]byte("1. " + strings.ToUpper(words)))
	f.Add([]byte("7 ? 3 zoo 8) abandon"))
	f.Add([]byte("QR-Code:"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dst := make([]byte, ShareSize)
		s, err := ParseAny(dst, text)
		if err != nil {
			require.True(t, s.IsZero())
		} else {
			// Written again in either form it is the same share.
			for _, again := range [][]byte{AppendText(nil, s), AppendWords(nil, s)} {
				same, err := ParseAny(make([]byte, ShareSize), again)
				require.NoError(t, err)
				require.Equal(t, s.Bytes(), same.Bytes())
			}
		}
		if p, err := Correct(dst, text); err == nil {
			require.LessOrEqual(t, len(p.Changed), parityWords)
		}
	})
}
