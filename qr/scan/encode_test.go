package scan

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"
)

// packBits makes one bit of each pixel, 0 for black.
func packBits(img *image.Gray) []byte {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	row := (w + 7) / 8
	out := make([]byte, row*h)
	for y := range h {
		for x := range w {
			if img.Pix[y*img.Stride+x] >= 128 {
				out[y*row+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return out
}

// predictPNG filters rows with the five filters of PNG in turn.
func predictPNG(data []byte, row, pixel int) []byte {
	var out []byte
	previous := make([]byte, row)
	for n := 0; len(data) > 0; n++ {
		line := data[:row]
		data = data[row:]
		kind := byte(n % 5)
		out = append(out, kind)
		for i, v := range line {
			var left, corner byte
			if i >= pixel {
				left, corner = line[i-pixel], previous[i-pixel]
			}
			above := previous[i]
			switch kind {
			case 1:
				v -= left
			case 2:
				v -= above
			case 3:
				v -= byte((int(left) + int(above)) / 2)
			case 4:
				v -= paeth(left, above, corner)
			}
			out = append(out, v)
		}
		previous = line
	}
	return out
}

// predictTIFF leaves the differences of neighbours.
func predictTIFF(data []byte, row, pixel int) []byte {
	out := append([]byte(nil), data...)
	for start := 0; start < len(out); start += row {
		for i := row - 1; i >= pixel; i-- {
			out[start+i] -= data[start+i-pixel]
		}
	}
	return out
}

// runLengthEncode writes runs where bytes repeat and literals elsewhere.
func runLengthEncode(data []byte) []byte {
	var out []byte
	for len(data) > 0 {
		n := 1
		for n < len(data) && n < 128 && data[n] == data[0] {
			n++
		}
		if n > 1 {
			out = append(out, byte(257-n), data[0])
			data = data[n:]
			continue
		}
		for n < len(data) && n < 128 && data[n] != data[n-1] {
			n++
		}
		out = append(out, byte(n-1))
		out = append(out, data[:n]...)
		data = data[n:]
	}
	return append(out, 128)
}

// The run lengths of ITU-T T.4 tables 2 and 3 that images of modules of 8 pixels need: white, then black.
var faxRuns = map[int][2]string{
	0:  {"00110101", "0000110111"},
	8:  {"10011", "000101"},
	16: {"101010", "0000010111"},
	24: {"0101000", "00000010111"},
	32: {"00011011", "000001101010"},
	40: {"00101001", "000001101100"},
	48: {"00001011", "000001100100"},
	56: {"01011001", "000000101000"},
	64: {"11011", "0000001111"},
}

// encodeG4 writes every row in horizontal mode, which ITU-T T.6 allows. Runs must be multiples of 8.
func encodeG4(t testing.TB, img *image.Gray) []byte {
	var bits []byte
	run := func(colour, length int) {
		for ; length >= 64; length -= 64 {
			bits = append(bits, faxRuns[64][colour]...)
		}
		code, known := faxRuns[length]
		require.True(t, known, "run of %d", length)
		bits = append(bits, code[colour]...)
	}
	for y := range img.Rect.Dy() {
		row := img.Pix[y*img.Stride:][:img.Rect.Dx()]
		for x := 0; x < len(row); {
			bits = append(bits, "001"...)
			for colour := range 2 {
				start := x
				for x < len(row) && (row[x] < 128) == (colour == 1) {
					x++
				}
				run(colour, x-start)
			}
		}
	}
	bits = append(bits, "000000000001000000000001"...)
	return bitString(string(bits))
}
