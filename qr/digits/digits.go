// Package digits writes bytes as decimal digits and back, as FORMAT.md section 7 fixes it: seven bytes, as one big-endian integer,
// become 17 digits with leading zeros. Digits are the one alphabet that every QR reader and every keyboard-wedge scanner hands on unchanged, and
// numeric mode loses hardly more than a hundredth of a code's capacity to it.
//
// A payload may be a share. So everything works on byte slices that the caller owns, nothing is kept, no copy of the payload is made, and no error
// tells what a digit was. Decoding is strict: what it accepts, encoding gives back digit for digit.
package digits

import (
	"errors"
	"fmt"
	"slices"
)

// A full group is 7 bytes, the most that are below 10^17; 10^17 is below 2^64.
const (
	groupBytes  = 7
	groupDigits = 17
)

// digitsOf is the number of digits that a group of n bytes takes, 0 ≤ n ≤ 7.
func digitsOf(n int) int {
	return [groupBytes + 1]int{0, 3, 5, 8, 10, 13, 15, groupDigits}[n]
}

// bytesOf is the number of bytes in a last group of n digits; ok is false where no group has that many.
func bytesOf(n int) (size int, ok bool) {
	for size := range groupBytes {
		if digitsOf(size) == n {
			return size, true
		}
	}
	return 0, false
}

// EncodedLen is the number of digits that n bytes take.
func EncodedLen(n int) int {
	return n/groupBytes*groupDigits + digitsOf(n%groupBytes)
}

// DecodedLen is the number of bytes in so many digits. It fails where no payload has that many.
func DecodedLen(digits int) (int, error) {
	if digits < 0 {
		return 0, errors.New("negative number of digits")
	}
	rest, ok := bytesOf(digits % groupDigits)
	if !ok {
		return 0, fmt.Errorf("no code has %d digits: some are missing or too many", digits)
	}
	return digits/groupDigits*groupBytes + rest, nil
}

// Append appends the digits of payload to dst. Nothing is allocated where dst has room for EncodedLen(len(payload)) more.
func Append(dst, payload []byte) []byte {
	dst = slices.Grow(dst, EncodedLen(len(payload)))
	for len(payload) > 0 {
		group := payload[:min(groupBytes, len(payload))]
		payload = payload[len(group):]
		dst = appendGroup(dst, group)
	}
	return dst
}

func appendGroup(dst, group []byte) []byte {
	var value uint64
	for _, b := range group {
		value = value<<8 | uint64(b)
	}
	start := len(dst)
	dst = dst[:start+digitsOf(len(group))]
	for i := len(dst) - 1; i >= start; i-- {
		dst[i] = '0' + byte(value%10)
		value /= 10
	}
	return dst
}

// Decode appends the payload of text to dst. Nothing is allocated where dst has room for DecodedLen(len(text)) more, so a
// payload that must stay in guarded memory goes into a slice of it. After an error dst is returned as it came, and what was written behind it is cleared.
func Decode(dst, text []byte) ([]byte, error) {
	size, err := DecodedLen(len(text))
	if err != nil {
		return dst, err
	}
	out := slices.Grow(dst, size)[:len(dst)]
	for offset := 0; offset < len(text); offset += groupDigits {
		group := text[offset:min(offset+groupDigits, len(text))]
		if out, err = decodeGroup(out, group, offset); err != nil {
			clear(out[len(dst):])
			return dst, err
		}
	}
	return out, nil
}

// decodeGroup appends the bytes of one group, which starts at offset in the text. The length of group is one that bytesOf or groupDigits allows.
func decodeGroup(dst, group []byte, offset int) ([]byte, error) {
	var value uint64
	for i, c := range group {
		if c < '0' || c > '9' {
			return dst, fmt.Errorf("character %d is not a digit", offset+i+1)
		}
		value = value*10 + uint64(c-'0')
	}
	size := groupBytes
	if len(group) < groupDigits {
		size, _ = bytesOf(len(group))
	}
	if value>>(8*size) != 0 {
		return dst, fmt.Errorf("digits %d to %d are no group of %d bytes: a digit is wrong", offset+1, offset+len(group), size)
	}
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(value>>(8*i)))
	}
	return dst, nil
}
