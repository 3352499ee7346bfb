package qr

import (
	"errors"
	"fmt"
	"image"

	qrcode "github.com/skip2/go-qrcode"
)

// maxVersion is the largest version in use. The renderer is proven up to it: the tests draw every version and level filled to its capacity.
const maxVersion = 25

// A Matrix is the square of modules of one code, without its quiet zone.
type Matrix struct {
	modules [][]bool
}

// Size is the number of modules along a side.
func (m *Matrix) Size() int { return len(m.modules) }

// Black tells the colour of the module in column x and row y, both from 0 at the upper left. What lies outside is the quiet zone.
func (m *Matrix) Black(x, y int) bool {
	return y >= 0 && y < len(m.modules) && x >= 0 && x < len(m.modules) && m.modules[y][x]
}

// Encode renders digits in numeric mode as a code of exactly this version.
//
// Where the digits are a share, this is where they leave guarded memory: the renderer takes a Go string and makes copies of its own, which the
// garbage collector frees but does not wipe, and the matrix itself is the share. A caller does this where the share is to be printed, no more.
func Encode(text []byte, version int, level Level) (*Matrix, error) {
	if err := checkDigits(text); err != nil {
		return nil, err
	}
	if err := checkVersions(version, version); err != nil {
		return nil, err
	}
	return render(text, version, level)
}

// EncodeSmallest renders digits as the smallest code from minVersion to maxVersion that holds them. What Encode says of shares holds here too.
func EncodeSmallest(text []byte, level Level, minVersion, maxVersion int) (*Matrix, error) {
	if err := checkDigits(text); err != nil {
		return nil, err
	}
	if err := checkVersions(minVersion, maxVersion); err != nil {
		return nil, err
	}
	for version := minVersion; version < maxVersion; version++ {
		if m, err := render(text, version, level); err == nil {
			return m, nil
		}
	}
	return render(text, maxVersion, level)
}

func checkDigits(text []byte) error {
	if len(text) == 0 {
		return errors.New("no digits for a code")
	}
	for i, c := range text {
		if c < '0' || c > '9' {
			return fmt.Errorf("character %d for a code is not a digit", i+1)
		}
	}
	return nil
}

func checkVersions(smallest, largest int) error {
	if smallest < 1 || largest < smallest || largest > maxVersion {
		return fmt.Errorf("code of version %d to %d: versions go from 1 to %d", smallest, largest, maxVersion)
	}
	return nil
}

// render expects digits only, which keeps the renderer in one numeric segment, and a version in range.
func render(text []byte, version int, level Level) (*Matrix, error) {
	var recovery qrcode.RecoveryLevel
	switch level {
	case LevelM:
		recovery = qrcode.Medium
	case LevelQ:
		recovery = qrcode.High
	case LevelH:
		recovery = qrcode.Highest
	default:
		return nil, fmt.Errorf("unknown error correction level %v", level)
	}
	code, err := qrcode.NewWithForcedVersion(string(text), version, recovery)
	if err != nil {
		// The renderer's own error is left out: the one thing that is not checked above is the room.
		return nil, fmt.Errorf("%d digits do not fit into a code of version %d-%v", len(text), version, level)
	}
	code.DisableBorder = true
	return &Matrix{modules: code.Bitmap()}, nil
}

// Image draws the code with scale pixels to a module and a quiet zone of so many modules, four being what the standard asks for.
func (m *Matrix) Image(scale, quiet int) *image.Gray {
	scale, quiet = max(scale, 1), max(quiet, 0)
	side := (m.Size() + 2*quiet) * scale
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		row := img.Pix[y*img.Stride : y*img.Stride+side]
		for x := range row {
			if !m.Black(x/scale-quiet, y/scale-quiet) {
				row[x] = 0xff
			}
		}
	}
	return img
}
