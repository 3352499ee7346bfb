package runbook

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPiece is the width of a piece of a quoted name: it fits into a line of text with
// its indent and what continues the line.
const maxPiece = 60

// Quote writes a name as bash reads it: as it is, in quotes, or with octal escapes for
// what is not plain to see. What it returns has no backtick, pipe, control character,
// run of spaces or anything wider than a column, and is the same wherever the name is shown.
func Quote(name string) string { return quoted(name).String() }

// quoted is Quote, in pieces.
func quoted(name string) word {
	spaced := strings.Contains(name, "  ") // how many would not be seen
	bare, plain := name != "", !spaced
	for i, r := range name {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError && !strings.HasPrefix(name[i:], "\uFFFD") {
			size = 1
		}
		bare = bare && isBare(r, i)
		plain = plain && size > 0 && isPlain(r)
	}
	switch {
	case name == "":
		return word{"''"}
	case bare:
		return pieces(name, "", "", func(r rune, raw string) string { return raw })
	case plain:
		return pieces(name, "'", "'", func(r rune, raw string) string { return raw })
	}
	return pieces(name, "$'", "'", func(r rune, raw string) string {
		if isBare(r, 1) || r == ' ' && !spaced {
			return raw
		}
		var out strings.Builder
		for i := range len(raw) {
			b := raw[i]
			// Three octal digits: nothing that follows is taken for a part of them.
			out.Write([]byte{'\\', '0' + b>>6, '0' + b>>3&7, '0' + b&7})
		}
		return out.String()
	})
}

// pieces encodes a name rune by rune, and closes and opens the quotes where a piece is full.
func pieces(name, opening, closing string, encode func(rune, string) string) word {
	var out word
	piece, width := opening, len(opening)
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		encoded := encode(r, name[i:i+size])
		i += size
		w := utf8.RuneCountInString(encoded)
		if width+w+len(closing) > maxPiece {
			out = append(out, piece+closing)
			piece, width = opening, len(opening)
		}
		piece += encoded
		width += w
	}
	return append(out, piece+closing)
}

// isBare says whether a shell reads the rune as itself without quotes.
func isBare(r rune, position int) bool {
	return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._/", r) ||
		position > 0 && strings.ContainsRune("-+,:@%=", r))
}

// isPlain says whether the rune is as it is inside single quotes, in any terminal one
// column wide, and no markup inside Markdown's code: ASCII and Latin letters.
func isPlain(r rune) bool {
	if r <= unicode.MaxASCII {
		return r >= ' ' && r < 0x7f && !strings.ContainsRune("'`|\\!", r)
	}
	return r < 0x250 && unicode.IsLetter(r)
}

// prose makes one line of a text from outside, without anything a terminal obeys.
func prose(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case r == '`':
			r = '\''
		case !unicode.IsPrint(r):
			r = utf8.RuneError
		}
		out.WriteRune(r)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// columns is how wide a terminal shows a text: never less than it is.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 { // where wide characters begin
			n++
		}
	}
	return n
}
