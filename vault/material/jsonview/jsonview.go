// Package jsonview reads JSON (RFC 8259) without copying it: strings are slices of
// the caller's memory, so that a private key inside stays where it is guarded.
//
// It is stricter than encoding/json: the names of members are compared byte by byte,
// a member that is there twice is refused, and nothing may follow the value.
package jsonview

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Limits on what is read: far above any file of a node, far below what hurts.
const (
	maxValues = 1 << 17
	maxDepth  = 32
)

// Kind is what a value is.
type Kind byte

// The kinds of values; None is what is not there.
const (
	None Kind = iota
	Object
	Array
	String
	Number
	Other // true, false, null
)

// Value is a value and all it holds. The zero Value is what is not there.
type Value struct {
	Kind  Kind
	raw   []byte   // of a string, what is between the quotes
	names []string // of an object's members
	inner []Value
}

// ErrSyntax means that the data is no JSON.
var ErrSyntax = errors.New("not a whole JSON text")

// Parse reads one JSON text.
func Parse(data []byte) (Value, error) {
	if !json.Valid(data) {
		return Value{}, ErrSyntax
	}
	p := parser{data: data, left: maxValues}
	v := p.value(0)
	if p.err != nil {
		return Value{}, p.err
	}
	return v, nil
}

// parser walks over JSON that is known to be valid.
type parser struct {
	data []byte
	pos  int
	left int // values that may still come
	err  error
}

// peek is the next byte that is not white space.
func (p *parser) peek() byte {
	for {
		switch c := p.data[p.pos]; c {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return c
		}
	}
}

func (p *parser) value(depth int) Value {
	if p.left--; p.left < 0 || depth > maxDepth {
		p.err = errors.New("too large a JSON text")
	}
	if p.err != nil {
		return Value{}
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return Value{Kind: String, raw: p.text()}
	case c == '-' || (c >= '0' && c <= '9'):
		return Value{Kind: Number, raw: p.word()}
	}
	return Value{Kind: Other, raw: p.word()}
}

func (p *parser) object(depth int) Value {
	v := Value{Kind: Object}
	seen := map[string]bool{}
	for p.pos++; p.peek() != '}' && p.err == nil; {
		name := string(p.text())
		if seen[name] {
			p.err = fmt.Errorf("member %.40q is there twice", name)
			return Value{}
		}
		seen[name] = true
		p.peek()
		p.pos++ // the colon
		v.names = append(v.names, name)
		v.inner = append(v.inner, p.value(depth+1))
		p.comma()
	}
	p.pos++
	return v
}

func (p *parser) array(depth int) Value {
	v := Value{Kind: Array}
	for p.pos++; p.peek() != ']' && p.err == nil; p.comma() {
		v.inner = append(v.inner, p.value(depth+1))
	}
	p.pos++
	return v
}

func (p *parser) comma() {
	if p.err == nil && p.peek() == ',' {
		p.pos++
	}
}

// text reads a string.
func (p *parser) text() []byte {
	p.peek()
	start := p.pos + 1
	for p.pos = start; p.data[p.pos] != '"'; p.pos++ {
		if p.data[p.pos] == '\\' {
			p.pos++
		}
	}
	p.pos++
	return p.data[start : p.pos-1 : p.pos-1]
}

// word reads a number or a literal.
func (p *parser) word() []byte {
	start := p.pos
	for p.pos < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,]}"), p.data[p.pos]) < 0 {
		p.pos++
	}
	return p.data[start:p.pos]
}

// At follows the names of members from object to object.
func (v Value) At(names ...string) Value {
	for _, name := range names {
		found := Value{}
		for i, n := range v.names {
			if n == name {
				found = v.inner[i]
			}
		}
		v = found
	}
	return v
}

// Has says whether an object has all the members.
func (v Value) Has(names ...string) bool {
	for _, name := range names {
		if v.At(name).Kind == None {
			return false
		}
	}
	return v.Kind == Object
}

// Names are the names of an object's members, as they are written.
func (v Value) Names() []string { return v.names }

// Items are the values of an array, none for others.
func (v Value) Items() []Value {
	if v.Kind != Array {
		return nil
	}
	return v.inner
}

// Text is a public string; "" for what is none or has an escape in it.
func (v Value) Text() string { return string(v.Bytes()) }

// Bytes are those of a string between its quotes, in the caller's memory; nil for what
// is no string or has an escape in it.
func (v Value) Bytes() []byte {
	if v.Kind != String || bytes.IndexByte(v.raw, '\\') >= 0 {
		return nil
	}
	return v.raw
}

// Int is a whole number, written as a number or, as some programs do, as a string.
func (v Value) Int() (int64, error) {
	n, err := strconv.ParseInt(string(v.raw), 10, 64)
	if err != nil || (v.Kind != Number && v.Kind != String) || strconv.FormatInt(n, 10) != string(v.raw) {
		return 0, errors.New("not a whole number")
	}
	return n, nil
}

// Base64 decodes a string in the standard alphabet with padding, in its only form. The
// caller wipes what is secret.
func (v Value) Base64() ([]byte, error) { return DecodeBase64(v.Bytes()) }

// DecodeBase64 decodes text in the standard alphabet with padding, in its only form.
func DecodeBase64(text []byte) ([]byte, error) {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(out, text)
	if err != nil || len(text) == 0 || bytes.ContainsAny(text, "\r\n") {
		clear(out)
		return nil, errors.New("not base64")
	}
	return out[:n:n], nil
}
