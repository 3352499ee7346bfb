package qr

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/reedsolomon"
)

// The share of parity among all codes of a page set, in percent. FORMAT.md section 8 asks for the smallest: any quarter of the codes may be lost.
const (
	MinParity = 25
	MaxParity = 75
)

// parityFor is the smallest number of parity frames that makes percent of all frames parity, percent being MinParity…MaxParity.
func parityFor(data, percent int) int {
	return (data*percent + 99 - percent) / (100 - percent)
}

// Split cuts payload into frames and adds parity: parityPercent of all frames, and as much more as finds place on the last page of perPage
// codes. Any Data frames of those returned are enough to have the payload back.
func Split(vault [5]byte, generation uint32, payload []byte, layout Layout, perPage, parityPercent int) ([]Frame, error) {
	switch {
	case generation < 1 || generation > maxGen:
		return nil, fmt.Errorf("generation %d: generations go from 1 to %d", generation, maxGen)
	case len(payload) == 0:
		return nil, errors.New("nothing to print: the payload is empty")
	case layout.BodySize < 1 || layout.BodySize > maxBody:
		return nil, fmt.Errorf("layout %q with %d bytes in a code", layout.Name, layout.BodySize)
	case perPage < 1 || perPage > maxFrames:
		return nil, fmt.Errorf("%d codes on a page", perPage)
	case parityPercent < MinParity || parityPercent > MaxParity:
		return nil, fmt.Errorf("parity of %d percent: it goes from %d to %d", parityPercent, MinParity, MaxParity)
	case len(payload) > layout.Capacity(parityPercent):
		return nil, tooLarge(len(payload), layout, parityPercent)
	}
	data := (len(payload) + layout.BodySize - 1) / layout.BodySize
	total := data + parityFor(data, parityPercent)
	pages := (total + perPage - 1) / perPage
	total = min(pages*perPage, maxFrames)

	bodies, err := encodeBodies(payload, layout.BodySize, data, total)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(payload)
	frames := make([]Frame, total)
	for i := range frames {
		frames[i] = Frame{
			Vault: vault, Generation: generation, Set: [8]byte(sum[:8]),
			Index: i, Data: data, Total: total, Length: len(payload), Body: bodies[i],
		}
	}
	return frames, nil
}

// encodeBodies cuts payload into bodies of size bytes, the last one filled with zeros, and computes the parity bodies.
func encodeBodies(payload []byte, size, data, total int) ([][]byte, error) {
	padded := make([]byte, total*size)
	copy(padded, payload)
	bodies := make([][]byte, total)
	for i := range bodies {
		bodies[i] = padded[i*size : (i+1)*size : (i+1)*size]
	}
	code, err := newCode(data, total)
	if err != nil {
		return nil, err
	}
	if err := code.Encode(bodies); err != nil {
		return nil, fmt.Errorf("compute parity: %w", err)
	}
	return bodies, nil
}

// newCode is the code of FORMAT.md section 8: the Cauchy matrix of the library has 1/(r XOR c) in row r and column c, over the polynomial 0x11D.
func newCode(data, total int) (reedsolomon.Encoder, error) {
	code, err := reedsolomon.New(data, total-data, reedsolomon.WithCauchyMatrix(), reedsolomon.WithMaxGoroutines(1))
	if err != nil {
		return nil, fmt.Errorf("%d data and %d parity codes: %w", data, total-data, err)
	}
	return code, nil
}

// tooLarge says what would fit, and what to do about what does not.
func tooLarge(size int, layout Layout, percent int) error {
	var room []string
	advice := "leave large files out, or keep this generation on media only"
	for _, other := range Layouts() {
		room = append(room, fmt.Sprintf("%d bytes in layout %q", other.Capacity(percent), other.Name))
		if other.Name != layout.Name && size <= other.Capacity(percent) {
			advice = fmt.Sprintf("choose layout %q", other.Name)
		}
	}
	if percent > MinParity && size <= layout.Capacity(MinParity) {
		advice = fmt.Sprintf("ask for less parity, %d percent at least", MinParity)
	}
	return fmt.Errorf("%d bytes are too much for paper: with %d percent parity it holds %s; %s",
		size, percent, strings.Join(room, " and "), advice)
}
