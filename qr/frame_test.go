package qr_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
	"coldvault/qr/digits"
)

func validFrame() qr.Frame {
	return qr.Frame{
		Vault: [5]byte{1, 2, 3, 4, 5}, Generation: 7, Set: [8]byte{8, 9, 10, 11, 12, 13, 14, 15},
		Index: 3, Data: 3, Total: 4, Length: 11, Body: []byte("page"),
	}
}

func TestFrameBytes(t *testing.T) {
	// Every field is at the offset of FORMAT.md section 8, in big-endian.
	want := "21" + "0102030405" + "00000007" + "08090a0b0c0d0e0f" + "03" + "03" + "04" + "0000000b" + "70616765"
	got := validFrame().Marshal()
	require.Equal(t, want, hex.EncodeToString(got[:len(got)-4]))
	require.Equal(t, crc32.ChecksumIEEE(got[:len(got)-4]), binary.BigEndian.Uint32(got[len(got)-4:]))

	back, err := qr.ParseFrame(got)
	require.NoError(t, err)
	require.Equal(t, validFrame(), back)
}

func TestFrameRanges(t *testing.T) {
	// A frame with a good checksum is refused where one field is outside its range, and taken at the edges of the range.
	tests := map[string]struct {
		change  func(*qr.Frame)
		message string // empty: it is valid
	}{
		"generation 0":           {func(f *qr.Frame) { f.Generation = 0 }, "generation 0"},
		"generation 1":           {func(f *qr.Frame) { f.Generation = 1 }, ""},
		"generation 999999":      {func(f *qr.Frame) { f.Generation = 999999 }, ""},
		"generation 1000000":     {func(f *qr.Frame) { f.Generation = 1000000 }, "generation 1000000"},
		"no data":                {func(f *qr.Frame) { f.Data = 0 }, "0 of them data"},
		"no parity":              {func(f *qr.Frame) { f.Data, f.Length = 4, 15 }, "4 codes, 4 of them data"},
		"more data than codes":   {func(f *qr.Frame) { f.Data = 5 }, "4 codes, 5 of them data"},
		"exactly a quarter":      {func(f *qr.Frame) { f.Data, f.Total, f.Length = 6, 8, 24 }, ""},
		"less than a quarter":    {func(f *qr.Frame) { f.Data, f.Total, f.Length = 7, 9, 28 }, "fewer than a quarter"},
		"most codes":             {func(f *qr.Frame) { f.Data, f.Total, f.Length, f.Index = 191, 255, 764, 254 }, ""},
		"index after the last":   {func(f *qr.Frame) { f.Index = 4 }, "index 4 in a set of 4"},
		"length 0":               {func(f *qr.Frame) { f.Length = 0 }, "payload of 0 bytes"},
		"length one body less":   {func(f *qr.Frame) { f.Length = 8 }, "payload of 8 bytes"},
		"length of one more":     {func(f *qr.Frame) { f.Length = 9 }, ""},
		"length full":            {func(f *qr.Frame) { f.Length = 12 }, ""},
		"length too large":       {func(f *qr.Frame) { f.Length = 13 }, "payload of 13 bytes"},
		"length of 4 GiB":        {func(f *qr.Frame) { f.Length = 0xffffffff }, "more than fits on paper"},
		"empty body":             {func(f *qr.Frame) { f.Body = nil }, "29 bytes"},
		"body of 957 bytes":      {func(f *qr.Frame) { f.Body, f.Length = make([]byte, 957), 957*3 }, ""},
		"body of 958 bytes":      {func(f *qr.Frame) { f.Body, f.Length = make([]byte, 958), 958*3 }, "987 bytes"},
		"everything as it was":   {func(*qr.Frame) {}, ""},
		"other vault, other set": {func(f *qr.Frame) { f.Vault, f.Set = [5]byte{}, [8]byte{} }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := validFrame()
			test.change(&f)
			back, err := qr.ParseFrame(f.Marshal())
			if test.message == "" {
				require.NoError(t, err)
				require.Equal(t, f, back)
				return
			}
			require.ErrorContains(t, err, test.message)
		})
	}
}

func TestFrameDamage(t *testing.T) {
	// Any single byte changed, left out or added anywhere in a frame is found.
	good := validFrame().Marshal()
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			_, err := qr.ParseFrame(bad)
			require.Error(t, err, "byte %d, bit %d", i, bit)
		}
		_, err := qr.ParseFrame(good[:i])
		require.Error(t, err, "cut to %d bytes", i)
	}
	_, err := qr.ParseFrame(append(bytes.Clone(good), 0))
	require.Error(t, err)

	good[0] = 0x22
	_, err = qr.ParseFrame(good)
	require.ErrorIs(t, err, qr.ErrFrameVersion)
}

func TestParseFrameCopies(t *testing.T) {
	// The frame stays as it is when the caller uses the buffer again.
	data := validFrame().Marshal()
	f, err := qr.ParseFrame(data)
	require.NoError(t, err)
	clear(data)
	require.Equal(t, validFrame(), f)
}

func TestLayoutsFit(t *testing.T) {
	// A full frame of each layout fits into the code that the layout prints, and one more body byte would need more digits.
	capacity := map[string]int{"robust": 1600, "dense": 2395} // ISO/IEC 18004, numeric, 20-M and 25-M
	for _, layout := range qr.Layouts() {
		text := digits.EncodedLen(25 + layout.BodySize + 4)
		require.LessOrEqual(t, text, capacity[layout.Name])
		require.Greater(t, digits.EncodedLen(25+layout.BodySize+4+1), capacity[layout.Name])

		byName, err := qr.LayoutByName(layout.Name)
		require.NoError(t, err)
		require.Equal(t, layout, byName)
		bySize, ok := qr.LayoutByBodySize(layout.BodySize)
		require.True(t, ok)
		require.Equal(t, layout, bySize)
	}
	_, err := qr.LayoutByName("Robust")
	require.ErrorContains(t, err, `"Robust"`)
	_, ok := qr.LayoutByBodySize(630)
	require.False(t, ok)
}

func TestPlace(t *testing.T) {
	// Pages, rows and columns count from 1, along rows first.
	tests := []struct{ index, perPage, columns, page, row, column int }{
		{0, 20, 4, 1, 1, 1},
		{3, 20, 4, 1, 1, 4},
		{4, 20, 4, 1, 2, 1},
		{19, 20, 4, 1, 5, 4},
		{20, 20, 4, 2, 1, 1},
		{47, 24, 4, 2, 6, 4},
		{-1, 20, 4, 0, 0, 0},
		{5, 0, 4, 0, 0, 0},
		{5, 20, 0, 0, 0, 0},
	}
	for _, test := range tests {
		page, row, column := qr.Place(test.index, test.perPage, test.columns)
		require.Equal(t, [3]int{test.page, test.row, test.column}, [3]int{page, row, column}, "%+v", test)
	}
}

func FuzzParseFrame(f *testing.F) {
	good := validFrame().Marshal()
	f.Add(good[:len(good)-4])
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 1000))
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(data []byte) {
			frame, err := qr.ParseFrame(data)
			if err != nil {
				require.Empty(t, frame)
				return
			}
			require.Equal(t, data, frame.Marshal())
		}
		check(data)
		// With a checksum that fits the fields are reached.
		check(binary.BigEndian.AppendUint32(bytes.Clone(data), crc32.ChecksumIEEE(data)))
	})
}
