package scan

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/require"
)

// sheet describes a page of codes to be drawn at 600 dpi.
type sheet struct {
	name          string
	version       int
	level         qrcode.RecoveryLevel
	columns, rows int
	digits        int // in every code
	module        int // pixels at 600 dpi
}

// The layouts of bundle pages and the codes of a card, as they are printed.
var (
	robustSheet = sheet{"robust", 20, qrcode.Medium, 4, 5, 1598, 10}
	denseSheet  = sheet{"dense", 25, qrcode.Medium, 4, 6, 2395, 8}
	cardSheet   = sheet{"card", 6, qrcode.Highest, 1, 2, 124, 28}
)

const (
	a4Width, a4Height = 4961, 7016 // pixels at 600 dpi
	quietModules      = 8          // between codes
)

func randomDigits(rng *rand.Rand, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = byte('0' + rng.IntN(10))
	}
	return string(text)
}

// modulesOf draws a code without its border.
func modulesOf(t testing.TB, text string, version int, level qrcode.RecoveryLevel) [][]bool {
	code, err := qrcode.NewWithForcedVersion(text, version, level)
	require.NoError(t, err)
	code.DisableBorder = true
	return code.Bitmap()
}

// draw puts the modules of a code on an image, its corner at (x, y).
func draw(img *image.Gray, modules [][]bool, x, y, module int) {
	for j, row := range modules {
		for i, dark := range row {
			if !dark {
				continue
			}
			for dy := range module {
				line := img.Pix[(y+j*module+dy)*img.Stride+x+i*module:]
				for dx := range module {
					line[dx] = 0
				}
			}
		}
	}
}

func blank(w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	return img
}

// oneCode is an image of a single code with its quiet zone, and its text.
func oneCode(t testing.TB, s sheet, module int, seed uint64) (*image.Gray, string) {
	text := randomDigits(rand.New(rand.NewPCG(seed, 2)), s.digits)
	side := (sideOf(s.version) + 2*quietModules) * module
	img := blank(side, side)
	draw(img, modulesOf(t, text, s.version, s.level), quietModules*module, quietModules*module, module)
	return img, text
}

// drawSheet fills an A4 page with codes and returns their texts.
func drawSheet(t testing.TB, s sheet, seed uint64) (*image.Gray, []string) {
	rng := rand.New(rand.NewPCG(seed, 1))
	img := blank(a4Width, a4Height)
	pitch := (sideOf(s.version) + quietModules) * s.module
	left := (a4Width - s.columns*pitch + quietModules*s.module) / 2
	top := (a4Height - s.rows*pitch + quietModules*s.module) / 2
	var texts []string
	for r := range s.rows {
		for c := range s.columns {
			text := randomDigits(rng, s.digits)
			texts = append(texts, text)
			draw(img, modulesOf(t, text, s.version, s.level), left+c*pitch, top+r*pitch, s.module)
		}
	}
	return img, texts
}

// reduced scales an image down to 1/n of its size.
func reduced(img *image.Gray, n int) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, img.Rect.Dx()/n, img.Rect.Dy()/n))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			sum := 0
			for j := range n {
				for i := range n {
					sum += int(img.Pix[(y*n+j)*img.Stride+x*n+i])
				}
			}
			out.SetGray(x, y, color.Gray{Y: byte(sum / (n * n))})
		}
	}
	return out
}

// turned rotates an image about its middle by degrees, on paper large enough.
func turned(img *image.Gray, degrees float64) *image.Gray {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	side := int(math.Hypot(w, h)) + 8
	p := &plane{w: img.Rect.Dx(), h: img.Rect.Dy(), stride: img.Stride, pix: img.Pix}
	out := blank(side, side)
	for y := range side {
		for x := range side {
			dx, dy := float64(x)+0.5-float64(side)/2, float64(y)+0.5-float64(side)/2
			fx, fy := dx*cos+dy*sin+w/2, dy*cos-dx*sin+h/2
			if fx >= 0 && fy >= 0 && fx < w && fy < h {
				out.Pix[y*out.Stride+x] = byte(p.at(fx, fy) + 0.5)
			}
		}
	}
	return out
}

// mirrored exchanges left and right.
func mirrored(img *image.Gray) *image.Gray {
	out := image.NewGray(img.Rect)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			out.Pix[y*out.Stride+img.Rect.Dx()-1-x] = img.Pix[y*img.Stride+x]
		}
	}
	return out
}

// twoColours makes black of what is darker than limit, and white of the rest.
func twoColours(img *image.Gray, limit byte) *image.Gray {
	out := blank(img.Rect.Dx(), img.Rect.Dy())
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if img.Pix[y*img.Stride+x] < limit {
				out.Pix[y*out.Stride+x] = 0
			}
		}
	}
	return out
}

// count compares what was read with what was drawn: how many codes were read, and how many
// texts were read that nobody drew.
func count(codes []Code, drawn []string) (right, wrong int) {
	want := map[string]bool{}
	for _, text := range drawn {
		want[text] = true
	}
	for _, c := range codes {
		if found, known := want[string(c.Text)]; !known {
			wrong++
		} else if found {
			right++
			want[string(c.Text)] = false
		}
	}
	return right, wrong
}
