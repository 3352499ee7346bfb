package qr_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
)

var testVault = [5]byte{0xc0, 0x1d, 0xfa, 0x07, 0x01}

// payloadOf is n bytes of a fixed pseudo-random stream.
func payloadOf(n int) []byte {
	stream := rand.NewChaCha8([32]byte{'p', 'a', 'p', 'e', 'r'})
	payload := make([]byte, n)
	_, _ = stream.Read(payload) // never fails
	return payload
}

func split(t testing.TB, payload []byte, name string, perPage, percent int) []qr.Frame {
	t.Helper()
	layout, err := qr.LayoutByName(name)
	require.NoError(t, err)
	frames, err := qr.Split(testVault, 7, payload, layout, perPage, percent)
	require.NoError(t, err)
	return frames
}

func TestSplitCounts(t *testing.T) {
	// Data as FORMAT.md section 8 says, parity at least a third of it, more where asked for, and the last page full.
	tests := map[string]struct {
		size, perPage, percent int
		data, total            int
	}{
		"one byte, no page to fill":  {1, 1, 25, 1, 2},
		"one byte":                   {1, 20, 25, 1, 20},
		"one full body":              {629, 1, 25, 1, 2},
		"one byte more":              {630, 1, 25, 2, 3},
		"three bodies":               {3 * 629, 1, 25, 3, 4},
		"four bodies":                {4 * 629, 1, 25, 4, 6},
		"fifteen fill a page":        {15 * 629, 20, 25, 15, 20},
		"sixteen start another":      {16 * 629, 20, 25, 16, 40},
		"half parity":                {15 * 629, 1, 50, 15, 30},
		"three quarters parity":      {10 * 629, 1, 75, 10, 40},
		"the most":                   {191 * 629, 20, 25, 191, 255},
		"last page cannot be filled": {180 * 629, 20, 25, 180, 240},
		"page beyond 255":            {185 * 629, 20, 25, 185, 255},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			payload := payloadOf(test.size)
			frames := split(t, payload, "robust", test.perPage, test.percent)
			require.Len(t, frames, test.total)
			for i, f := range frames {
				require.Equal(t, test.data, f.Data)
				require.Equal(t, test.total, f.Total)
				require.Equal(t, i, f.Index)
				require.Len(t, f.Body, 629)
				back, err := qr.ParseFrame(f.Marshal())
				require.NoError(t, err)
				require.Equal(t, f, back)
			}
			var data []byte
			for _, f := range frames[:test.data] {
				data = append(data, f.Body...)
			}
			require.True(t, bytes.Equal(payload, data[:test.size]))
			require.Empty(t, bytes.Trim(data[test.size:], "\x00"))
		})
	}
}

func TestParityFormula(t *testing.T) {
	// Parity is the sum of the data bodies divided by (r XOR c) over GF(2^8) with 0x11D, worked out here without the library.
	for _, size := range []int{1, 5*957 - 3, 30 * 957, 190 * 957} {
		frames := split(t, payloadOf(size), "dense", 1, 25)
		data := frames[0].Data
		for _, r := range []int{data, (data + len(frames)) / 2, len(frames) - 1} {
			want := make([]byte, 957)
			for c, f := range frames[:data] {
				factor := gfInverse(t, byte(r^c))
				for i, b := range f.Body {
					want[i] ^= gfMultiply(b, factor)
				}
			}
			require.True(t, bytes.Equal(want, frames[r].Body), "body %d of %d", r, len(frames))
		}
	}
}

// gfMultiply multiplies in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1.
func gfMultiply(a, b byte) byte {
	var product byte
	for ; b != 0; b >>= 1 {
		if b&1 != 0 {
			product ^= a
		}
		carry := a&0x80 != 0
		a <<= 1
		if carry {
			a ^= 0x1d
		}
	}
	return product
}

func gfInverse(t *testing.T, a byte) byte {
	t.Helper()
	for b := range 256 {
		if gfMultiply(a, byte(b)) == 1 {
			return byte(b)
		}
	}
	t.Fatalf("%d has no inverse", a)
	return 0
}

func TestSplitTooLarge(t *testing.T) {
	// One byte over the capacity is refused, and the error says what fits and what to do.
	tests := []struct {
		layout  string
		percent int
		holds   int
		advice  string
	}{
		{"robust", 25, 191 * 629, `choose layout "dense"`},
		{"dense", 25, 191 * 957, "on media only"},
		{"dense", 50, 127 * 957, "less parity"},
		{"robust", 75, 63 * 629, "less parity"},
	}
	for _, test := range tests {
		layout, err := qr.LayoutByName(test.layout)
		require.NoError(t, err)
		require.Equal(t, test.holds, layout.Capacity(test.percent))

		payload := payloadOf(test.holds + 1)
		_, err = qr.Split(testVault, 1, payload[:test.holds], layout, 20, test.percent)
		require.NoError(t, err)
		_, err = qr.Split(testVault, 1, payload, layout, 20, test.percent)
		require.ErrorContains(t, err, test.advice)
		require.ErrorContains(t, err, `in layout "robust"`)
		require.ErrorContains(t, err, `in layout "dense"`)
	}
}

func TestSplitRefuses(t *testing.T) {
	// Arguments that no valid frame could come from are refused.
	robust := qr.Layouts()[0]
	tests := map[string]struct {
		generation       uint32
		payload          []byte
		layout           qr.Layout
		perPage, percent int
	}{
		"generation 0":      {0, []byte("x"), robust, 20, 25},
		"generation 1e6":    {1000000, []byte("x"), robust, 20, 25},
		"empty payload":     {1, nil, robust, 20, 25},
		"layout unset":      {1, []byte("x"), qr.Layout{}, 20, 25},
		"layout too large":  {1, []byte("x"), qr.Layout{BodySize: 958}, 20, 25},
		"no codes per page": {1, []byte("x"), robust, 0, 25},
		"many per page":     {1, []byte("x"), robust, 256, 25},
		"little parity":     {1, []byte("x"), robust, 20, 24},
		"only parity":       {1, []byte("x"), robust, 20, 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := qr.Split(testVault, test.generation, test.payload, test.layout, test.perPage, test.percent)
			require.Error(t, err)
		})
	}
	for _, percent := range []int{-1, 24, 76, 100, 101} {
		require.Zero(t, robust.Capacity(percent))
	}
}
