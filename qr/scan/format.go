package scan

import (
	"math/bits"

	"github.com/makiuchi-d/gozxing"
)

// Format information (ISO/IEC 18004 annex C): 5 bits, protected by 10 more, masked.
const (
	formatWords     = 32
	formatGenerator = 0x537
	formatMask      = 0x5412
)

func formatWord(data uint32) uint32 {
	rest := data << 10
	for i := 14; i >= 10; i-- {
		if rest>>i&1 == 1 {
			rest ^= formatGenerator << (i - 10)
		}
	}
	return (data<<10 | rest) ^ formatMask
}

// formatErrors counts the wrong bits of both copies of the format information of a code,
// seen as it is or mirrored.
func formatErrors(m *gozxing.BitMatrix, mirror bool) int {
	side := m.GetHeight()
	var first, second uint32
	read := func(word *uint32, x, y int) {
		if mirror {
			x, y = y, x
		}
		*word <<= 1
		if m.Get(x, y) {
			*word |= 1
		}
	}
	for i := range 9 { // along row 8 to the corner, the timing pattern left out
		if i != 6 {
			read(&first, i, 8)
		}
	}
	for i := 7; i >= 0; i-- {
		if i != 6 {
			read(&first, 8, i)
		}
	}
	for i := range 7 {
		read(&second, 8, side-1-i)
	}
	for i := 8; i > 0; i-- {
		read(&second, side-i, 8)
	}
	fewest := 2 * 15
	for data := range uint32(formatWords) {
		word := formatWord(data)
		fewest = min(fewest, bits.OnesCount32(first^word)+bits.OnesCount32(second^word))
	}
	return fewest
}

// unmirrored turns a code seen in a mirror round: by its diagonal, as its corner is where it was.
func unmirrored(m *gozxing.BitMatrix) *gozxing.BitMatrix {
	if formatErrors(m, true) >= formatErrors(m, false) {
		return m
	}
	out, err := gozxing.NewSquareBitMatrix(m.GetHeight())
	if err != nil {
		return m
	}
	for y := range m.GetHeight() {
		for x := range m.GetWidth() {
			if m.Get(y, x) {
				out.Set(x, y)
			}
		}
	}
	return out
}
