package ceremony

import (
	"bytes"
	"unicode"

	"coldvault/shard"
)

// wordList collects the words of shares from the lines of a text: in rows as they are
// printed or in one line, numbered or not, with commas, headings and empty lines
// anywhere. A list ends with its last word, or where another one begins at number 1.
type wordList struct {
	take  func([]byte)
	text  []byte
	words int
}

// uniquePrefix is how many letters tell the words of the list apart.
const uniquePrefix = 4

// line takes a line, and tells whether it had words.
func (l *wordList) line(line []byte) bool {
	tokens := bytes.FieldsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
	if !hasWord(tokens) {
		return false // a heading, or an empty line
	}
	for i, token := range tokens {
		number := bytes.TrimRight(token, ".):")
		if i == 0 && string(number) == "1" {
			l.flush()
		}
		l.text = append(append(l.text, token...), ' ')
		if !isDigits(number) {
			l.words++
		}
		if l.words == shard.WordCount {
			l.flush()
		}
	}
	return true
}

// flush hands over what was collected.
func (l *wordList) flush() {
	if l.words > 0 {
		l.take(l.text)
	}
	clear(l.text)
	l.text, l.words = l.text[:0], 0
}

// hasWord tells whether any token is a word of the list or stands for one that
// cannot be read.
func hasWord(tokens [][]byte) bool {
	for _, token := range tokens {
		word := bytes.ToLower(bytes.TrimLeft(token, "0123456789.):"))
		if string(word) == "?" {
			return true
		}
		for _, c := range shard.Complete(word) {
			if c == string(word) || len(word) >= uniquePrefix {
				return true
			}
		}
	}
	return false
}
