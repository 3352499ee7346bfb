package qr_test

import (
	"fmt"
	"image"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/require"

	"coldvault/qr"
	"coldvault/qr/digits"
)

// read decodes a clean image with a reader that shares nothing with the renderer, and gives text and level. The reader is told that the image is
// nothing but the code: its own search guesses the size of large codes wrong.
func read(t *testing.T, img *image.Gray) (text, level string) {
	t.Helper()
	side := img.Rect.Dx()
	source, err := gozxing.NewPlanarYUVLuminanceSource(img.Pix, side, side, 0, 0, side, side, false)
	require.NoError(t, err)
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewGlobalHistgramBinarizer(source))
	require.NoError(t, err)
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	require.NoError(t, err)
	level, _ = result.GetResultMetadata()[gozxing.ResultMetadataType_ERROR_CORRECTION_LEVEL].(string)
	return result.GetText(), level
}

// randomDigits starts with zeros, which a reader must not drop.
func randomDigits(n int) []byte {
	random := rand.New(rand.NewPCG(11, uint64(n)))
	text := []byte(strings.Repeat("0", n))
	for i := 2; i < n; i++ {
		text[i] += byte(random.IntN(10))
	}
	return text
}

// capacities are the digits in a code of version 1, 2, … as ISO/IEC 18004 lists them.
func capacities() map[qr.Level][]int {
	return map[qr.Level][]int{
		qr.LevelM: {34, 63, 101, 149, 202, 255, 293, 365, 432, 513, 604, 691, 796, 871, 991, 1082, 1212, 1346, 1500, 1600, 1708, 1872, 2059, 2188, 2395},
		qr.LevelQ: {27, 48, 77, 111, 144, 178, 207, 259, 312, 364, 427, 489, 580, 621, 703, 775, 876, 948, 1063, 1159, 1224, 1358, 1468, 1588, 1718},
		qr.LevelH: {17, 34, 58, 82, 106, 139, 154, 202, 235, 288, 331, 374, 427, 468, 530, 602, 674, 746, 813, 919, 969, 1056, 1108, 1228, 1286},
	}
}

func TestEveryVersionToItsCapacity(t *testing.T) {
	// Each version and level holds what the standard says, not one digit more, and reads back.
	for level, list := range capacities() {
		for i, capacity := range list {
			version := i + 1
			text := randomDigits(capacity)
			m, err := qr.Encode(text, version, level)
			require.NoError(t, err, "%d-%v", version, level)
			require.Equal(t, 17+4*version, m.Size())
			got, gotLevel := read(t, m.Image(1, 4))
			require.Equal(t, string(text), got, "%d-%v", version, level)
			require.Equal(t, level.String(), gotLevel)

			_, err = qr.Encode(append(text, '0'), version, level)
			require.EqualError(t, err, fmt.Sprintf("%d digits do not fit into a code of version %d-%v", capacity+1, version, level))
		}
	}
}

func TestEveryLength(t *testing.T) {
	// No number of digits, full or with any amount of padding, is trouble for the renderer.
	for n := 1; n <= 139; n++ {
		m, err := qr.Encode(randomDigits(n), 6, qr.LevelH)
		require.NoError(t, err)
		got, _ := read(t, m.Image(1, 4))
		require.Equal(t, string(randomDigits(n)), got)
	}
	for n := 1600 - 10; n <= 1600; n++ {
		_, err := qr.Encode(randomDigits(n), 20, qr.LevelM)
		require.NoError(t, err)
	}
}

func TestFramesReadBack(t *testing.T) {
	// A page of each layout, rendered as images and read back by the stock reader, gives the payload.
	for _, layout := range qr.Layouts() {
		payload := payloadOf(3*layout.BodySize - 10)
		frames, err := qr.Split(testVault, 7, payload, layout, 1, 25)
		require.NoError(t, err)
		var c qr.Collector
		for _, f := range frames {
			m, err := qr.Encode(digits.Append(nil, f.Marshal()), layout.Version, layout.Level)
			require.NoError(t, err)
			text, _ := read(t, m.Image(4, 4))
			data, err := digits.Decode(nil, []byte(text))
			require.NoError(t, err)
			back, err := qr.ParseFrame(data)
			require.NoError(t, err)
			_, err = c.Add(back)
			require.NoError(t, err)
		}
		got, err := c.Payload()
		require.NoError(t, err)
		require.Equal(t, payload, got)
	}
}

func TestEncodeSmallest(t *testing.T) {
	// A share's 124 digits take the smallest version that holds them, from the one asked for on.
	text := randomDigits(124)
	tests := []struct {
		level         qr.Level
		smallest      int
		largest, want int
	}{
		{qr.LevelH, 1, 10, 6},
		{qr.LevelQ, 1, 10, 5},
		{qr.LevelM, 1, 4, 4},
		{qr.LevelH, 8, 10, 8},
		{qr.LevelH, 6, 6, 6},
	}
	for _, test := range tests {
		m, err := qr.EncodeSmallest(text, test.level, test.smallest, test.largest)
		require.NoError(t, err)
		require.Equal(t, 17+4*test.want, m.Size())
		got, _ := read(t, m.Image(3, 4))
		require.Equal(t, string(text), got)
	}
	_, err := qr.EncodeSmallest(text, qr.LevelH, 1, 5)
	require.EqualError(t, err, "124 digits do not fit into a code of version 5-H")
}

func TestEncodeRefuses(t *testing.T) {
	// What is not digits, or no version or level in use, is refused, and the text is in no error.
	tests := map[string]struct {
		text              string
		smallest, largest int
		level             qr.Level
		message           string
	}{
		"empty":        {"", 5, 5, qr.LevelM, "no digits"},
		"letter":       {"12345x", 5, 5, qr.LevelM, "character 6 for a code is not a digit"},
		"version 0":    {"1", 0, 5, qr.LevelM, "versions go from 1 to 25"},
		"version 26":   {"1", 5, 26, qr.LevelM, "versions go from 1 to 25"},
		"wrong order":  {"1", 6, 5, qr.LevelM, "versions go from 1 to 25"},
		"no level":     {"1", 5, 5, 0, "Level(0)"},
		"far too long": {strings.Repeat("1", 8000), 1, 25, qr.LevelM, "8000 digits do not fit"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := qr.EncodeSmallest([]byte(test.text), test.level, test.smallest, test.largest)
			require.ErrorContains(t, err, test.message)
			if test.smallest == test.largest {
				_, err = qr.Encode([]byte(test.text), test.smallest, test.level)
				require.ErrorContains(t, err, test.message)
			}
		})
	}
}

func TestImage(t *testing.T) {
	// Every module is a square of scale pixels, with the quiet zone around.
	m, err := qr.Encode([]byte("12345"), 1, qr.LevelM)
	require.NoError(t, err)
	require.True(t, m.Black(0, 0))
	require.False(t, m.Black(1, 1))
	for _, outside := range []image.Point{{-1, 0}, {0, -1}, {21, 0}, {0, 21}} {
		require.False(t, m.Black(outside.X, outside.Y))
	}
	img := m.Image(3, 2)
	require.Equal(t, image.Rect(0, 0, 75, 75), img.Rect)
	for y := range 75 {
		for x := range 75 {
			require.Equal(t, m.Black(x/3-2, y/3-2), img.GrayAt(x, y).Y == 0)
		}
	}
	require.Equal(t, image.Rect(0, 0, 21, 21), m.Image(0, -1).Rect)
}
