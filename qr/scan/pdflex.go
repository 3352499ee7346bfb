package scan

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
)

// The values of PDF (ISO 32000-1 clause 7.3) are nil, bool, float64, pdfName, pdfString,
// pdfRef, pdfArray, pdfDict and pdfKeyword.
type (
	pdfName    string
	pdfString  []byte
	pdfKeyword string
	pdfArray   []any
	pdfDict    map[pdfName]any
	pdfRef     struct{ number int }
)

const (
	maxPDFDepth  = 40      // arrays and dictionaries within one another
	maxPDFValues = 1 << 20 // of one object
)

var (
	errPDFEnd    = errors.New("end of the PDF data")
	errPDFSyntax = errors.New("PDF syntax error")
)

// pdfLexer reads values one after another, from a file or from a content stream.
type pdfLexer struct {
	data   []byte
	pos    int
	values int // read so far of the current object
}

func isPDFSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isPDFDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func (l *pdfLexer) skipSpace() {
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		if c == '%' {
			for l.pos < len(l.data) && l.data[l.pos] != '\n' && l.data[l.pos] != '\r' {
				l.pos++
			}
		} else if isPDFSpace(c) {
			l.pos++
		} else {
			return
		}
	}
}

// word returns the regular characters up to the next space or delimiter.
func (l *pdfLexer) word() []byte {
	start := l.pos
	for l.pos < len(l.data) && !isPDFSpace(l.data[l.pos]) && !isPDFDelimiter(l.data[l.pos]) {
		l.pos++
	}
	return l.data[start:l.pos]
}

// object reads one value; references are recognised.
func (l *pdfLexer) object() (any, error) {
	l.values = 0
	return l.value(0, true)
}

func (l *pdfLexer) value(depth int, references bool) (any, error) {
	if l.values++; depth > maxPDFDepth || l.values > maxPDFValues {
		return nil, errPDFSyntax
	}
	l.skipSpace()
	if l.pos >= len(l.data) {
		return nil, errPDFEnd
	}
	switch c := l.data[l.pos]; c {
	case '/':
		l.pos++
		return pdfName(unescapeName(l.word())), nil
	case '(':
		return l.literal()
	case '[':
		l.pos++
		return l.array(depth, references)
	case '<':
		if bytes.HasPrefix(l.data[l.pos:], []byte("<<")) {
			l.pos += 2
			return l.dict(depth, references)
		}
		return l.hexString()
	case ']', '>', ')', '{', '}':
		l.pos++
		if c == '>' && l.pos < len(l.data) && l.data[l.pos] == '>' {
			l.pos++
			return pdfKeyword(">>"), nil
		}
		return pdfKeyword(c), nil
	}
	return l.plain(references), nil
}

// number reads a number, if that is what comes.
func (l *pdfLexer) number() (float64, bool) {
	l.skipSpace()
	start := l.pos
	x, ok := parsePDFNumber(l.word())
	if !ok {
		l.pos = start
	}
	return x, ok
}

// plain reads a number, a reference or a word.
func (l *pdfLexer) plain(references bool) any {
	word := l.word()
	if number, ok := parsePDFNumber(word); ok {
		if references && word[0] >= '0' && word[0] <= '9' && l.reference() {
			return pdfRef{int(min(number, math.MaxInt32))}
		}
		return number
	}
	if v, known := operators[string(word)]; known {
		return v
	}
	switch string(word) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if !references { // in a drawing: an operator that changes nothing that is read
		return otherOperator
	}
	return pdfKeyword(word)
}

// operators are those of drawings, as values: a page has hundreds of thousands, and memory for each is
// dear in a reader of secrets.
var operators = func() map[string]any {
	all := map[string]any{}
	for _, op := range append(slices.Collect(maps.Keys(operandCounts)), "Do", "BI") {
		all[string(op)] = op
	}
	return all
}()

// otherOperator is any that is not run.
var otherOperator any = pdfKeyword("other")

// reference passes over the rest of a reference, "0 R", if that is what follows.
func (l *pdfLexer) reference() bool {
	start := l.pos
	l.skipSpace()
	generation := l.word()
	if len(generation) > 0 && len(generation) <= 5 {
		if _, err := strconv.ParseUint(string(generation), 10, 32); err == nil {
			l.skipSpace()
			if string(l.word()) == "R" {
				return true
			}
		}
	}
	l.pos = start
	return false
}

func (l *pdfLexer) array(depth int, references bool) (any, error) {
	var a pdfArray
	for {
		v, err := l.value(depth+1, references)
		if err != nil {
			return nil, err
		}
		if k, ok := v.(pdfKeyword); ok {
			if k == "]" {
				return a, nil
			}
			return nil, errPDFSyntax
		}
		a = append(a, v)
	}
}

func (l *pdfLexer) dict(depth int, references bool) (any, error) {
	d := pdfDict{}
	for {
		k, err := l.value(depth+1, references)
		if err != nil {
			return nil, err
		}
		if k == pdfKeyword(">>") {
			return d, nil
		}
		name, ok := k.(pdfName)
		if !ok {
			return nil, errPDFSyntax
		}
		v, err := l.value(depth+1, references)
		if err != nil {
			return nil, err
		}
		if _, ok := v.(pdfKeyword); ok {
			return nil, errPDFSyntax
		}
		d[name] = v
	}
}

// literal reads a string in parentheses.
func (l *pdfLexer) literal() (any, error) {
	start, depth := l.pos+1, 0
	for ; l.pos < len(l.data); l.pos++ {
		switch l.data[l.pos] {
		case '\\':
			l.pos++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				l.pos++
				return pdfString(unescapeLiteral(l.data[start : l.pos-1])), nil
			}
		}
	}
	l.pos = len(l.data)
	return nil, errPDFSyntax
}

func (l *pdfLexer) hexString() (any, error) {
	end := bytes.IndexByte(l.data[l.pos:], '>')
	if end < 0 {
		l.pos = len(l.data)
		return nil, errPDFSyntax
	}
	s := decodeHex(l.data[l.pos+1 : l.pos+end])
	l.pos += end + 1
	return pdfString(s), nil
}

// decodeHex reads pairs of hex digits, with a zero for the last half; others are passed over.
func decodeHex(in []byte) []byte {
	out := make([]byte, 0, len(in)/2+1)
	half, high := false, byte(0)
	for _, c := range in {
		v, ok := hexDigit(c)
		if !ok {
			continue
		}
		if half {
			out = append(out, high<<4|v)
		}
		half, high = !half, v
	}
	if half {
		out = append(out, high<<4)
	}
	return out
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func unescapeName(word []byte) []byte {
	if bytes.IndexByte(word, '#') < 0 {
		return word
	}
	var out []byte
	for i := 0; i < len(word); i++ {
		if word[i] == '#' && i+2 < len(word) {
			a, ok1 := hexDigit(word[i+1])
			b, ok2 := hexDigit(word[i+2])
			if ok1 && ok2 {
				out = append(out, a<<4|b)
				i += 2
				continue
			}
		}
		out = append(out, word[i])
	}
	return out
}

// parsePDFNumber reads digits with a sign and a point; PDF has no exponents.
func parsePDFNumber(word []byte) (float64, bool) {
	if len(word) == 0 || len(word) > 40 {
		return 0, false
	}
	i, negative := 0, false
	if word[0] == '-' || word[0] == '+' {
		negative = word[0] == '-'
		i = 1
	}
	value, scale, digits := 0.0, 0.0, 0
	for ; i < len(word); i++ {
		c := word[i]
		switch {
		case c >= '0' && c <= '9':
			value = value*10 + float64(c-'0')
			scale *= 10
			digits++
		case c == '.' && scale == 0:
			scale = 1
		default:
			return 0, false
		}
	}
	if digits == 0 {
		return 0, false
	}
	if scale > 1 {
		value /= scale
	}
	if negative {
		value = -value
	}
	return value, true
}

// unescapeLiteral undoes the escapes of a string in parentheses (ISO 32000-1 table 3).
func unescapeLiteral(in []byte) []byte {
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' || i+1 >= len(in) {
			out = append(out, in[i])
			continue
		}
		i++
		switch c := in[i]; {
		case c >= '0' && c <= '7':
			v, n := 0, 0
			for ; n < 3 && i+n < len(in) && in[i+n] >= '0' && in[i+n] <= '7'; n++ {
				v = v*8 + int(in[i+n]-'0')
			}
			out = append(out, byte(v))
			i += n - 1
		case c == '\n' || c == '\r':
		default:
			if k := bytes.IndexByte([]byte("nrtbf"), c); k >= 0 {
				c = "\n\r\t\b\f"[k]
			}
			out = append(out, c)
		}
	}
	return out
}
