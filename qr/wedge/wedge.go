// Package wedge undoes what a keyboard layout does to digits. A keyboard-wedge
// scanner presses keys; a computer that is set to another layout than the scanner
// turns the digit keys into other characters: "é" for 2 on a French keyboard, "§"
// for 3 on a German one with shift. The layout is not known, so every one is
// tried, and what decides is the checksum of what was read: nothing is mapped
// that does not fit.
//
// A code may be a share: everything works on the caller's memory, and nothing is
// kept or copied.
package wedge

import "unicode/utf8"

// A layout is what the keys 1 2 3 4 5 6 7 8 9 0 of the upper row give.
type layout struct {
	name string
	keys string // ten characters, for 1…9 and 0
}

// layouts are those of xkeyboard-config: the rows that give something else than
// digits, with shift or without. A scanner that is set to French holds shift for
// digits; caps lock does it to some keyboards too.
func layouts() []layout {
	return []layout{
		{"French", "&é\"'(-è_çà"},
		{"French, caps lock", "&É\"'(-È_ÇÀ"},
		{"Belgian", "&é\"'(§è!çà"},
		{"German with shift", "!\"§$%&/()="},
		{"Swiss with shift", "+\"*ç%&/()="},
		{"Swiss French with shift, caps lock", "+\"*Ç%&/()="},
		{"Italian with shift", "!\"£$%&/()="},
		{"Spanish with shift", "!\"·$%&/()="},
		{"British with shift", "!\"£$%^&*()"},
		{"American with shift", "!@#$%^&*()"},
	}
}

// Digits finds the layout through which line was typed and gives the digits, in
// dst, which needs room for as many bytes as line has. fits says whether digits
// are those of a code, its checksum included. ok is false where none fits, and
// dst is then cleared. Digits among the characters stay what they are.
func Digits(dst, line []byte, fits func(digits []byte) bool) (found []byte, ok bool) {
	for _, l := range layouts() {
		if digits, ok := l.digits(dst[:0:len(dst)], line); ok && fits(digits) {
			return digits, true
		}
	}
	clear(dst)
	return nil, false
}

// digits maps a line back; ok is false where a character is none of the layout's.
func (l layout) digits(dst, line []byte) (digits []byte, ok bool) {
	if len(line) > cap(dst) {
		return nil, false
	}
	for len(line) > 0 {
		c, size := utf8.DecodeRune(line)
		if c == utf8.RuneError && size == 1 {
			c = rune(line[0]) // a terminal that is set to Latin-1
		}
		line = line[size:]
		digit, ok := l.digit(c)
		if !ok {
			return nil, false
		}
		dst = append(dst, digit)
	}
	return dst, len(dst) > 0
}

func (l layout) digit(c rune) (digit byte, ok bool) {
	if c >= '0' && c <= '9' {
		return byte(c), true
	}
	key := 0
	for _, k := range l.keys {
		key++
		if k == c {
			return '0' + byte(key%10), true
		}
	}
	return 0, false
}
