package shard

import (
	"bytes"
	"errors"
	"fmt"

	"coldvault/qr/digits"
)

const (
	// maxText is more than any way to write one share takes: 44 numbered words on lines of their own, 124 digits.
	maxText = 4096
	// textDigits is how many digits a share has: seven groups of 17 and a last one of 5.
	textDigits = 7*17 + 5
	// groupDigits at the front of a code are enough to see its first byte.
	groupDigits = 17

	qrPrefix = "QR-Code:" // zbarimg writes it before what it read
)

// AppendText appends the share's digits, the text of its QR code.
func AppendText(dst []byte, s Share) []byte { return digits.Append(dst, s.Bytes()) }

// ParseText reads the digits of a share, nothing before, between or behind them, into dst, ShareSize bytes.
func ParseText(dst, text []byte) (Share, error) {
	if len(dst) != ShareSize {
		return Share{}, fmt.Errorf("a buffer of %d bytes for a share of %d", len(dst), ShareSize)
	}
	if len(text) != textDigits {
		return Share{}, wrongLength(text)
	}
	// The text has the length of a share, so Decode fills dst and allocates nothing.
	if _, err := digits.Decode(dst[:0], text); err != nil {
		return Share{}, fmt.Errorf("reading the digits: %w", err)
	}
	s, err := Parse(dst)
	if err != nil {
		clear(dst)
	}
	return s, err
}

// wrongLength tells a code of the pages from a share with digits missing.
func wrongLength(text []byte) error {
	var first [7]byte
	defer clear(first[:])
	if len(text) > groupDigits {
		if _, err := digits.Decode(first[:0], text[:groupDigits]); err == nil && first[0] == kindFrame {
			return ErrFrame
		}
	}
	return fmt.Errorf("%w: %d digits instead of %d", ErrLength, len(text), textDigits)
}

// ParseAny reads one share as people and machines write it, into dst, ShareSize bytes: its digits, in groups or on
// several lines, as a scanner types or zbarimg prints them; or its words, numbered or not. Nothing is corrected.
func ParseAny(dst, text []byte) (Share, error) {
	if len(text) > maxText {
		return Share{}, fmt.Errorf("%w: %d characters", ErrLength, len(text))
	}
	text = bytes.TrimPrefix(bytes.TrimSpace(text), []byte(qrPrefix))
	if mostlyLetters(text) {
		return ParseWords(dst, text)
	}
	var compact [maxText]byte
	defer clear(compact[:])
	n := 0
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			compact[n] = c
			n++
		case !isSpace(c) && c != '-':
			return Share{}, fmt.Errorf("character %d is not a digit", i+1)
		}
	}
	return ParseText(dst, compact[:n])
}

// readWords takes the words of a share apart. Words without a number follow the one before. Missing are the numbers of the words that are not there, written "?", or not in the
// list; where no word is numbered there must be 44, else nobody knows which ones are missing.
func readWords(text []byte) (words symbols, missing []int, err error) {
	if len(text) > maxText {
		return words, nil, fmt.Errorf("%w: %d characters", ErrLength, len(text))
	}
	r := wordReader{next: 1}
	defer clear(r.words[:])
	for token := range bytes.FieldsFuncSeq(text, func(c rune) bool { return c < 0x80 && isSpace(byte(c)) }) {
		if err := r.take(token); err != nil {
			return words, nil, err
		}
	}
	if !r.numbered && r.count != WordCount {
		return words, nil, fmt.Errorf("%w: %d words instead of %d", ErrLength, r.count, WordCount)
	}
	for i, ok := range r.known {
		if !ok {
			missing = append(missing, i+1)
		}
	}
	return r.words, missing, nil
}

// wordReader places words at their numbers.
type wordReader struct {
	words       symbols
	seen, known [WordCount]bool
	next        int // the number of the word to come
	count       int
	numbered    bool
}

func (r *wordReader) take(token []byte) error {
	number, word, err := cutNumber(token)
	if err != nil {
		return err
	}
	if number > 0 {
		r.next, r.numbered = number, true
	}
	if len(word) == 0 {
		return nil
	}
	if r.next > WordCount {
		return fmt.Errorf("%w: more than %d words", ErrLength, WordCount)
	}
	if r.seen[r.next-1] {
		return fmt.Errorf("word %d is there twice", r.next)
	}
	sym, ok := lookup(word)
	if ok {
		r.words[r.next-1] = sym
	}
	r.seen[r.next-1], r.known[r.next-1] = true, ok
	r.next++
	r.count++
	return nil
}

// cutNumber takes the number off the front of "7", "7.", "7)" or "7.word"; it is 0 where there is none.
func cutNumber(token []byte) (number int, word []byte, err error) {
	i := 0
	for i < len(token) && token[i] >= '0' && token[i] <= '9' {
		if number = number*10 + int(token[i]-'0'); number > WordCount {
			return 0, nil, fmt.Errorf("a number above %d before a word", WordCount)
		}
		i++
	}
	if i == 0 {
		return 0, token, nil
	}
	if number == 0 {
		return 0, nil, errors.New("words are counted from 1, not from 0")
	}
	if i < len(token) && (token[i] == '.' || token[i] == ')') {
		i++
	}
	return number, token[i:], nil
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// mostlyLetters tells words, which may be numbered, from digits, among which a letter is a typing error.
func mostlyLetters(text []byte) bool {
	letters := 0
	for _, c := range text {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letters++
		case c >= '0' && c <= '9':
			letters--
		}
	}
	return letters > 0
}
