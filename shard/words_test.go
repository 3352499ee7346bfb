package shard

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWordListIsTheEnglishListOfBIP39(t *testing.T) {
	// The digest is that of the list in the Bitcoin project; four letters make every word unique.
	sum := sha256.Sum256([]byte(wordListText))
	require.Equal(t, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda", hex.EncodeToString(sum[:]))
	require.Len(t, wordList(), 2048)
	require.True(t, slices.IsSorted(wordList()))
	for i, w := range wordList() {
		for _, typed := range []string{w, strings.ToUpper(w), w[:min(4, len(w))]} {
			sym, ok := lookup([]byte(typed))
			require.True(t, ok, typed)
			require.EqualValues(t, i, sym, typed)
		}
		if w[:3] != w {
			if sym, ok := lookup([]byte(w[:3])); ok {
				require.Equal(t, w[:3], wordList()[sym])
			}
		}
	}
	for _, bad := range []string{"", "a", "ab", "aban.", "abandonn", "abandonx", "zzzz", "abxn", "zoology"} {
		_, ok := lookup([]byte(bad))
		require.False(t, ok, bad)
	}
}

func TestComplete(t *testing.T) {
	// What is typed so far lists the words it may become.
	require.Equal(t, []string{"abandon"}, Complete([]byte("ABAN")))
	require.Equal(t, []string{"zebra", "zero", "zone", "zoo"}, Complete([]byte("z")))
	require.Equal(t, []string{"act", "action", "actor", "actress", "actual"}, Complete([]byte("act")))
	require.Empty(t, Complete(nil))
	require.Empty(t, Complete([]byte("x")))
	require.Empty(t, Complete([]byte("abandoned")))
}

func TestYAndZExchanged(t *testing.T) {
	// What a QWERTZ keyboard makes of a word is that word, and never another one.
	qwertz := strings.NewReplacer("y", "z", "z", "y")
	exchanged := 0
	for i, w := range wordList() {
		for _, typed := range []string{qwertz.Replace(w), strings.ToUpper(qwertz.Replace(w)), qwertz.Replace(w[:min(4, len(w))])} {
			sym, ok := lookup([]byte(typed))
			require.True(t, ok, typed)
			require.EqualValues(t, i, sym, typed)
			require.Contains(t, Complete([]byte(typed)), w)
		}
		if qwertz.Replace(w) != w {
			exchanged++
		}
	}
	require.Greater(t, exchanged, 100)

	shares, _ := split(t, testParams)
	for _, s := range shares {
		got, err := ParseAny(make([]byte, ShareSize), []byte(qwertz.Replace(string(AppendWords(nil, s)))))
		require.NoError(t, err)
		require.Equal(t, s.Bytes(), got.Bytes())
	}
}

func TestFieldAndCode(t *testing.T) {
	// The field has 2047 powers of α and inverses, and a codeword vanishes at α^1 … α^6 and not at α^0 or α^7.
	seen := map[uint16]bool{}
	for x, i := uint16(1), 0; i < 2047; x, i = gfMul(x, 2), i+1 {
		seen[x] = true
		require.EqualValues(t, 1, gfMul(x, gfInv(x)))
	}
	require.Len(t, seen, 2047)
	shares, _ := split(t, testParams)
	c := encodeWords(shares[0])
	for j := range 8 {
		var v uint16
		for i, sym := range c {
			v ^= gfMul(sym, gfPow(gfPow(2, j), WordCount-1-i))
		}
		require.Equal(t, j >= 1 && j <= 6, v == 0, "α^%d", j)
	}
}

func TestFingerprintWords(t *testing.T) {
	// The first 66 bits, eleven a word.
	require.Equal(t, []string{"abandon", "abandon", "abandon", "abandon", "abandon", "abandon"}, FingerprintWords([32]byte{}))
	fp := sha256.Sum256([]byte("coldvault"))
	var bits strings.Builder
	for _, b := range fp {
		fmt.Fprintf(&bits, "%08b", b)
	}
	for i, w := range FingerprintWords(fp) {
		require.Equal(t, bits.String()[11*i:11*i+11], fmt.Sprintf("%011b", slices.Index(wordList(), w)))
	}
}

// wordsOf returns a share and its words.
func wordsOf(t testing.TB) (Share, symbols) {
	shares, _ := split(t, testParams)
	return shares[0], encodeWords(shares[0])
}

// requireProposal asserts that Correct gives the share back and names exactly the changed words.
func requireProposal(t *testing.T, s Share, words symbols, missing, changed []int) {
	t.Helper()
	p, err := words.correct(make([]byte, ShareSize), missing)
	require.NoError(t, err)
	require.Equal(t, s.Bytes(), p.Share.Bytes())
	require.Equal(t, changed, p.Changed)
}

func TestCorrectOneWrongWord(t *testing.T) {
	// A single wrong word is found at every place, whatever it was replaced with.
	s, words := wordsOf(t)
	requireProposal(t, s, words, nil, nil)
	for i := range words {
		for _, diff := range []uint16{1, 2, 0x400, 0x7ff, 1 + uint16(rand.IntN(2047))} {
			bad := words
			bad[i] ^= diff
			requireProposal(t, s, bad, nil, []int{i + 1})
		}
	}
}

func TestCorrectSwappedWords(t *testing.T) {
	// Any two words that changed places are found.
	s, words := wordsOf(t)
	for i := range words {
		for j := range i {
			if words[i] != words[j] {
				bad := words
				bad[i], bad[j] = bad[j], bad[i]
				requireProposal(t, s, bad, nil, []int{j + 1, i + 1})
			}
		}
	}
}

func TestCorrectErrorsAndErasures(t *testing.T) {
	// e wrong and f missing words are found whenever 2e + f ≤ 6.
	s, words := wordsOf(t)
	for e := range 4 {
		for f := 0; 2*e+f <= 6; f++ {
			for range 40 {
				places := rand.Perm(WordCount)[:e+f]
				bad := words
				var missing, changed []int
				for n, i := range places {
					bad[i] ^= 1 + uint16(rand.IntN(2047))
					changed = append(changed, i+1)
					if n >= e {
						missing = append(missing, i+1)
					}
				}
				slices.Sort(changed)
				requireProposal(t, s, bad, missing, changed)
			}
		}
	}
}

// Breaks G2.
func TestTooManyErrorsNeverGiveAWrongShare(t *testing.T) {
	// Beyond what the code can do there is no proposal at all: the checksum stops what decodes by accident.
	_, words := wordsOf(t)
	decoded := 0
	for range 20000 {
		bad, missing := words, []int(nil)
		e := 4 + rand.IntN(3)
		places := rand.Perm(WordCount)[:e+1]
		for _, i := range places[:e] {
			bad[i] ^= 1 + uint16(rand.IntN(2047))
		}
		if rand.IntN(2) == 0 {
			missing = []int{places[e] + 1}
		}
		dst := make([]byte, ShareSize)
		_, err := bad.correct(dst, missing)
		require.ErrorIs(t, err, ErrNoProposal)
		require.Equal(t, make([]byte, ShareSize), dst)
		if rsCorrect(&bad, nil) == nil {
			decoded++
		}
	}
	t.Logf("%d of 20000 decoded to another codeword", decoded)
}

func TestPaddingMustBeZero(t *testing.T) {
	// A codeword whose ten bits behind the share are not zero is no canonical share.
	_, words := wordsOf(t)
	words[dataWords-1] ^= 1
	rsEncode(&words)
	_, err := words.share(make([]byte, ShareSize))
	require.ErrorIs(t, err, ErrField)
	_, err = words.correct(make([]byte, ShareSize), nil)
	require.ErrorIs(t, err, ErrNoProposal)
}

func FuzzCorrect(f *testing.F) {
	s, words := wordsOf(f)
	f.Add(s.Bytes(), uint16(3), uint16(40), uint16(7), uint16(1), byte(2))
	f.Add(bytes.Repeat([]byte{0xff}, ShareSize), uint16(0), uint16(1), uint16(2), uint16(0x7ff), byte(0))
	f.Add([]byte{}, words[0], words[1], words[2], words[3], byte(7))
	f.Fuzz(func(t *testing.T, raw []byte, i, j, k, diff uint16, missing byte) {
		buf := make([]byte, ShareSize)
		copy(buf, raw)
		c := encodeWords(view(buf))
		for _, at := range []uint16{i, j, k} {
			c[at%WordCount] ^= diff & fieldMask
		}
		var gone []int
		for n := range missing % 8 {
			gone = append(gone, int(n)+1)
		}
		dst := make([]byte, ShareSize)
		p, err := c.correct(dst, gone)
		if err != nil {
			require.Equal(t, make([]byte, ShareSize), dst)
			return
		}
		again := encodeWords(p.Share)
		for n := range again {
			if again[n] != c[n] {
				require.Contains(t, p.Changed, n+1)
			}
		}
		require.LessOrEqual(t, len(p.Changed), parityWords)
	})
}

// Every word of the list is drawn by its number, and only the lowest bits of it count.
func TestListWord(t *testing.T) {
	seen := map[string]bool{}
	for n := range 1 << ListBits {
		seen[ListWord(uint16(n))] = true
		require.Equal(t, ListWord(uint16(n)), ListWord(uint16(n)|1<<15))
	}
	require.Len(t, seen, 2048)
	require.Equal(t, "abandon", ListWord(0))
	require.Equal(t, "zoo", ListWord(2047))
}
