// Package bech32 reads and writes Bech32 (BIP-173) without its limit of 90
// characters, as Cardano addresses (CIP-19), Cardano keys (CIP-5) and age
// identities use it. Bech32m (BIP-350) is not accepted.
//
// Both directions work on byte slices, so that a secret key stays in memory the
// caller can wipe: Encode and Decode return fresh slices and wipe what they made
// on the way. Errors never quote what was read.
package bech32

import (
	"bytes"
	"errors"
	"fmt"
)

const (
	charset      = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	checksumSize = 6
	maxHRP       = 83 // BIP-173
	maxSize      = 64 << 10
)

// Encode gives hrp, the separator, data in groups of five bits and the checksum,
// in lower case.
func Encode(hrp string, data []byte) ([]byte, error) {
	if err := checkHRP([]byte(hrp)); err != nil {
		return nil, err
	}
	if len(hrp)+1+(len(data)*8+4)/5+checksumSize > maxSize {
		return nil, fmt.Errorf("%d bytes are too many for bech32", len(data))
	}
	out := make([]byte, 0, len(hrp)+1+(len(data)*8+4)/5+checksumSize)
	out = append(out, hrp...)
	out = append(out, '1')
	sum := hrpChecksum([]byte(hrp))
	acc, bits := uint32(0), 0
	emit := func(v byte) {
		sum = step(sum, v)
		out = append(out, charset[v])
	}
	for _, b := range data {
		acc = acc<<8 | uint32(b)
		for bits += 8; bits >= 5; {
			bits -= 5
			emit(byte(acc>>bits) & 31)
		}
		acc &= 1<<bits - 1
	}
	if bits > 0 {
		emit(byte(acc<<(5-bits)) & 31)
	}
	for range checksumSize {
		sum = step(sum, 0)
	}
	sum ^= 1
	for i := range checksumSize {
		out = append(out, charset[sum>>(5*(checksumSize-1-i))&31])
	}
	return out, nil
}

// Decode is the inverse of Encode. Upper case is accepted when all of it is upper
// case; hrp is then given in lower case.
func Decode(s []byte) (hrp string, data []byte, err error) {
	if len(s) > maxSize {
		return "", nil, fmt.Errorf("%d characters are too many for bech32", len(s))
	}
	low := bytes.ToLower(s)
	defer clear(low)
	if bytes.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && bytes.ContainsAny(s, "abcdefghijklmnopqrstuvwxyz") {
		return "", nil, errors.New("bech32 mixes upper and lower case")
	}
	cut := bytes.LastIndexByte(low, '1')
	if cut < 1 || len(low)-cut-1 < checksumSize {
		return "", nil, errors.New("no bech32: separator or checksum is missing")
	}
	if err := checkHRP(low[:cut]); err != nil {
		return "", nil, err
	}
	groups := low[cut+1:]
	sum := hrpChecksum(low[:cut])
	for i, c := range groups {
		v := bytes.IndexByte([]byte(charset), c)
		if v < 0 {
			return "", nil, fmt.Errorf("character %d is not of the bech32 alphabet", cut+2+i)
		}
		groups[i] = byte(v)
		sum = step(sum, byte(v))
	}
	if sum != 1 {
		return "", nil, errors.New("bech32 checksum is wrong")
	}
	if data, err = toBytes(groups[:len(groups)-checksumSize]); err != nil {
		return "", nil, err
	}
	return string(low[:cut]), data, nil
}

// toBytes joins groups of five bits; what is left over must be fewer than five
// bits, all zero.
func toBytes(groups []byte) ([]byte, error) {
	data := make([]byte, 0, len(groups)*5/8)
	acc, bits := uint32(0), 0
	for _, v := range groups {
		acc = acc<<5 | uint32(v)
		if bits += 5; bits >= 8 {
			bits -= 8
			data = append(data, byte(acc>>bits))
			acc &= 1<<bits - 1
		}
	}
	if bits >= 5 || acc != 0 {
		clear(data)
		return nil, errors.New("bech32 padding is wrong")
	}
	return data, nil
}

func checkHRP(hrp []byte) error {
	if len(hrp) < 1 || len(hrp) > maxHRP {
		return fmt.Errorf("bech32 prefix has %d characters", len(hrp))
	}
	for _, c := range hrp {
		if c < 33 || c > 126 || 'A' <= c && c <= 'Z' {
			return errors.New("bech32 prefix has a character that is not allowed")
		}
	}
	return nil
}

func hrpChecksum(hrp []byte) uint32 {
	sum := uint32(1)
	for _, c := range hrp {
		sum = step(sum, c>>5)
	}
	sum = step(sum, 0)
	for _, c := range hrp {
		sum = step(sum, c&31)
	}
	return sum
}

// step is one round of BIP-173's polymod.
func step(sum uint32, v byte) uint32 {
	top := sum >> 25
	sum = sum&0x1ffffff<<5 ^ uint32(v)
	for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
		if top>>i&1 == 1 {
			sum ^= g
		}
	}
	return sum
}
