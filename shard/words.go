package shard

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
)

// WordCount is the number of words of a share: 38 for its 408 bits and 6 of parity.
const WordCount = dataWords + parityWords

const (
	fingerprintWords = 6
	minWord, maxWord = 3, 8 // letters, in the list
	uniqueLetters    = 4    // no two words of the list have the same first four letters
)

// ErrWords says that the words are all in the list but are not those of a share. Correct may find which are not.
var ErrWords = errors.New("the words do not fit together: some are wrong or swapped")

// ErrNoProposal says that no share is close enough to the words.
var ErrNoProposal = errors.New("no correction found: too many words are wrong or missing")

// WordsError says which words, counted from 1 as on the card, are missing or not in the list. It does not say what was
// there instead: a misspelt word is still most of a secret.
type WordsError struct{ Missing []int }

func (e *WordsError) Error() string {
	return fmt.Sprintf("missing or not in the word list: word %s", joinNumbers(e.Missing))
}

func joinNumbers(numbers []int) string { return strings.Trim(fmt.Sprint(numbers), "[]") }

//go:embed wordlist.txt
var wordListText string

// wordList is the English list of BIP-39, sorted, as the data it is: written once, read by everyone.
var wordList = sync.OnceValue(func() []string { return strings.Fields(wordListText) })

// symbols are the words of a share as numbers in the list: as secret as the share, cleared after use, and not exported
// because fmt would print them.
type symbols [WordCount]uint16

// encodeWords returns the share as words: a copy, which the caller clears.
func encodeWords(s Share) symbols {
	var c symbols
	for i := range dataWords * fieldBits {
		var bit uint16
		if i < ShareSize*8 {
			bit = uint16(s.Bytes()[i/8]>>(7-i%8)) & 1
		}
		c[i/fieldBits] = c[i/fieldBits]<<1 | bit
	}
	rsEncode(&c)
	return c
}

// AppendWords appends the words of the share, one space between them.
func AppendWords(dst []byte, s Share) []byte {
	c := encodeWords(s)
	defer clear(c[:])
	for i, sym := range c {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, wordList()[sym]...)
	}
	return dst
}

// ListBits is how much one word of the list holds, drawn at random.
const ListBits = fieldBits

// ListWord returns the word of the list with the lowest ListBits bits of n as its number: where n is random, every word is as
// likely as any other. The string is that of the list, which is public; which word it is may be a secret.
func ListWord(n uint16) string { return wordList()[n&fieldMask] }

// FingerprintWords returns the six words by which people compare fingerprints, FORMAT.md section 6.
func FingerprintWords(fp [32]byte) []string {
	out := make([]string, fingerprintWords)
	for i := range out {
		var sym uint16
		for b := i * fieldBits; b < (i+1)*fieldBits; b++ {
			sym = sym<<1 | uint16(fp[b/8]>>(7-b%8))&1
		}
		out[i] = wordList()[sym]
	}
	return out
}

// Complete returns the words that start with prefix, in any case, for an operator who is typing. An empty prefix has none. Where no
// word starts so, it returns those that do with y and z in each other's place, as a QWERTZ keyboard types them.
func Complete(prefix []byte) []string {
	var key [maxWord]byte
	defer clear(key[:])
	if len(prefix) == 0 || len(prefix) > maxWord {
		return nil
	}
	n := lower(key[:], prefix)
	found := startingWith(key[:n])
	if len(found) == 0 && swapYZ(key[:n]) {
		found = startingWith(key[:n])
	}
	return slices.Clone(found)
}

// startingWith is the part of the list that starts with key.
func startingWith(key []byte) []string {
	list, from := wordList(), searchWord(key)
	to := from
	for to < len(list) && len(list[to]) >= len(key) && list[to][:len(key)] == string(key) {
		to++
	}
	return list[from:to]
}

// lookup finds a word by all its letters or by at least the first four of them, also with y and z in each other's place: no
// two words of the list, nor their first four letters, differ in that alone.
func lookup(word []byte) (symbol uint16, ok bool) {
	var key [maxWord]byte
	defer clear(key[:])
	if len(word) < minWord || len(word) > maxWord {
		return 0, false
	}
	n := lower(key[:], word)
	symbol, ok = lookupKey(key[:n])
	if !ok && swapYZ(key[:n]) {
		symbol, ok = lookupKey(key[:n])
	}
	return symbol, ok
}

func lookupKey(key []byte) (symbol uint16, ok bool) {
	list, i := wordList(), searchWord(key)
	if i == len(list) || len(list[i]) < len(key) || list[i][:len(key)] != string(key) {
		return 0, false
	}
	return uint16(i), len(list[i]) == len(key) || len(key) >= uniqueLetters
}

// swapYZ exchanges y and z and tells whether there were any.
func swapYZ(key []byte) (any bool) {
	for i, c := range key {
		if c == 'y' || c == 'z' {
			key[i] = 'y' + 'z' - c
			any = true
		}
	}
	return any
}

// searchWord returns the place of the first word that is not before key. The conversion is in a comparison: it does not allocate.
func searchWord(key []byte) int {
	list := wordList()
	return sort.Search(len(list), func(i int) bool { return list[i] >= string(key) })
}

func lower(dst, word []byte) int {
	for i, c := range word {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst[i] = c
	}
	return len(word)
}

// ParseWords reads the words of a share into dst, ShareSize bytes. All of them must be there and right: Correct
// is for when they are not. A word is known by all its letters, in any case, or by its first four, also where a QWERTZ keyboard
// exchanged y and z. A number before it, as "7", "7." or "7)", says which word it is, so numbered words may be in any order.
func ParseWords(dst, text []byte) (Share, error) {
	c, missing, err := readWords(text)
	defer clear(c[:])
	if err != nil {
		return Share{}, err
	}
	if len(missing) > 0 {
		return Share{}, &WordsError{Missing: missing}
	}
	if _, ok := rsSyndromes(&c); !ok {
		return Share{}, ErrWords
	}
	return c.share(dst)
}

// share unpacks the data symbols of a codeword.
func (c *symbols) share(dst []byte) (Share, error) {
	if len(dst) != ShareSize {
		return Share{}, fmt.Errorf("a buffer of %d bytes for a share of %d", len(dst), ShareSize)
	}
	clear(dst)
	var rest uint16
	for i := range dataWords * fieldBits {
		bit := c[i/fieldBits] >> (fieldBits - 1 - i%fieldBits) & 1
		if i < ShareSize*8 {
			dst[i/8] |= byte(bit << (7 - i%8))
		} else {
			rest |= bit
		}
	}
	s, err := Parse(dst)
	if err == nil && rest != 0 {
		err = fmt.Errorf("%w: the bits behind the share are not zero", ErrField)
	}
	if err != nil {
		clear(dst)
		return Share{}, err
	}
	return s, nil
}

// Proposal is a share that the words may have meant. An operator compares the changed words with the card and decides.
type Proposal struct {
	Share   Share
	Changed []int // the words that were missing or are proposed to be others, counted from 1
}

// Correct looks for the share that the words of text were meant to be and writes it into dst, ShareSize bytes. The words
// are read as ParseWords reads them; besides, they may be wrong, replaced with "?", not in the list or, where words are
// numbered, left out. It finds e wrong and f missing words where 2e + f ≤ 6, two swapped ones among them, and proposes a
// share only where its checksum fits.
func Correct(dst, text []byte) (Proposal, error) {
	words, missing, err := readWords(text)
	defer clear(words[:])
	if err != nil {
		return Proposal{}, err
	}
	return words.correct(dst, missing)
}

// correct takes and returns the numbers of words from 1.
func (c *symbols) correct(dst []byte, missing []int) (Proposal, error) {
	fixed := *c
	defer clear(fixed[:])
	var gone [WordCount]bool
	erased := make([]int, len(missing))
	for i, number := range missing {
		erased[i] = number - 1
		gone[number-1] = true
	}
	if err := rsCorrect(&fixed, erased); err != nil {
		return Proposal{}, err
	}
	s, err := fixed.share(dst)
	if err != nil {
		return Proposal{}, ErrNoProposal
	}
	p := Proposal{Share: s}
	for i := range fixed {
		if gone[i] || fixed[i] != c[i] {
			p.Changed = append(p.Changed, i+1)
		}
	}
	return p, nil
}
