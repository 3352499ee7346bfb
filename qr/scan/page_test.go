package scan

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/require"
)

// Full clean pages of either layout are read to the last code, at the resolutions that are in use.
func TestCleanPages(t *testing.T) {
	for _, s := range []sheet{robustSheet, denseSheet, cardSheet} {
		page, texts := drawSheet(t, s, 1)
		for _, n := range []int{2, 3, 4} { // 300, 200 and 150 dpi
			r := Image(reduced(page, n), Options{})
			right, wrong := count(r.Codes, texts)
			require.Equal(t, len(texts), right, "%s at %d dpi", s.name, 600/n)
			require.Zero(t, wrong)
			require.Empty(t, r.Unread)
			require.Equal(t, 1, r.Pages)
		}
	}
}

// A page that lies askew is read from two colours too, black and white, and from a negative, down to 200 dpi.
func TestBlackAndWhitePages(t *testing.T) {
	for _, s := range []sheet{robustSheet, denseSheet} {
		page, texts := drawSheet(t, s, 2)
		for _, n := range []int{2, 3} { // 300 and 200 dpi
			img := turned(reduced(page, n), 1.5)
			for name, change := range map[string]func(*image.Gray) *image.Gray{
				"two colours": func(g *image.Gray) *image.Gray { return twoColours(g, 128) },
				"too light":   func(g *image.Gray) *image.Gray { return twoColours(g, 100) },
				"too dark":    func(g *image.Gray) *image.Gray { return twoColours(g, 156) },
				"negative":    inverted,
				"both":        func(g *image.Gray) *image.Gray { return inverted(twoColours(g, 128)) },
			} {
				right, wrong := count(Image(change(img), Options{}).Codes, texts)
				require.Equal(t, len(texts), right, "%s at %d dpi, %s", s.name, 600/n, name)
				require.Zero(t, wrong)
			}
		}
	}
}

// A code is read whichever way it lies on the glass.
func TestAnyWayRound(t *testing.T) {
	img, text := oneCode(t, robustSheet, 5, 1)
	for _, degrees := range []float64{0, 7, 30, 45, 90, 135, 180, 201, 270, 333} {
		for name, change := range map[string]func(*image.Gray) *image.Gray{
			"plain":    func(g *image.Gray) *image.Gray { return g },
			"mirrored": mirrored,
			"inverted": inverted,
			"both":     func(g *image.Gray) *image.Gray { return inverted(mirrored(g)) },
		} {
			r := Image(change(turned(img, degrees)), Options{})
			require.Len(t, r.Codes, 1, "%s by %v degrees", name, degrees)
			require.Equal(t, text, string(r.Codes[0].Text))
		}
	}
}

// Every version and every size of module is read, from two pixels on.
func TestAnyVersionAndScale(t *testing.T) {
	digits := func(version int) int { return max(version*version*2, 12) }
	for version := 1; version <= 40; version++ {
		s := sheet{version: version, level: qrcode.Medium, digits: digits(version)}
		for _, module := range []int{2, 3, 4, 7, 12} {
			if sideOf(version)*module > 1200 {
				continue
			}
			img, text := oneCode(t, s, module, uint64(version))
			r := Image(img, Options{})
			require.Len(t, r.Codes, 1, "version %d, %d pixels", version, module)
			require.Equal(t, text, string(r.Codes[0].Text))
			require.Equal(t, version, r.Codes[0].Version)
		}
	}
}

// The bounds of a code are where it was drawn.
func TestBounds(t *testing.T) {
	img, _ := oneCode(t, cardSheet, 10, 1)
	r := Image(img, Options{})
	require.Len(t, r.Codes, 1)
	side := sideOf(cardSheet.version) * 10
	want := image.Rect(80, 80, 80+side, 80+side)
	require.InDelta(t, 0, r.Codes[0].Bounds.Min.Sub(want.Min).X, 3)
	require.InDelta(t, 0, r.Codes[0].Bounds.Min.Sub(want.Min).Y, 3)
	require.InDelta(t, 0, r.Codes[0].Bounds.Max.Sub(want.Max).X, 3)
	require.InDelta(t, 0, r.Codes[0].Bounds.Max.Sub(want.Max).Y, 3)
}

// With ever more modules wrong a code is read rightly or reported as unread, never read wrongly.
func TestDamageIsNeverMisread(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	read, lost := 0, 0
	for damage := 0; damage < 30; damage += 2 {
		text := randomDigits(rng, cardSheet.digits)
		modules := modulesOf(t, text, cardSheet.version, cardSheet.level)
		side := len(modules)
		for range side * side * damage / 100 {
			x, y := rng.IntN(side), rng.IntN(side)
			if (x < 9 || x >= side-9) && (y < 9 || y >= side-9) || x == 6 || y == 6 {
				continue // the patterns by which it is found stay
			}
			modules[y][x] = !modules[y][x]
		}
		img := blank(side*6+96, side*6+96)
		draw(img, modules, 48, 48, 6)
		r := Image(img, Options{})
		if len(r.Codes) == 1 {
			require.Equal(t, text, string(r.Codes[0].Text))
			read++
			continue
		}
		require.Len(t, r.Unread, 1, "%d %% damage", damage)
		require.True(t, image.Pt(img.Rect.Dx()/2, img.Rect.Dy()/2).In(r.Unread[0].Bounds))
		lost++
	}
	require.Positive(t, read)
	require.Positive(t, lost)
}

// A code whose corner is covered is read by what its neighbours tell.
func TestMissingFinder(t *testing.T) {
	page, texts := drawSheet(t, robustSheet, 3)
	page = reduced(page, 2)
	found := Image(page, Options{}).Codes
	require.Len(t, found, len(texts))
	for _, code := range found[:3] {
		for i, corner := range []image.Point{code.Bounds.Min, {code.Bounds.Max.X - 35, code.Bounds.Min.Y}, {code.Bounds.Min.X, code.Bounds.Max.Y - 35}} {
			torn := blank(page.Rect.Dx(), page.Rect.Dy())
			copy(torn.Pix, page.Pix)
			for y := range 35 {
				for x := range 35 {
					torn.Pix[(corner.Y+y)*torn.Stride+corner.X+x] = 128
				}
			}
			right, wrong := count(Image(torn, Options{}).Codes, texts)
			require.Equal(t, len(texts), right, "corner %d", i)
			require.Zero(t, wrong)
		}
	}
}

// Noise, blank paper and images of no size hold no codes.
func TestNoCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	noise := blank(700, 500)
	for i := range noise.Pix {
		noise.Pix[i] = byte(rng.IntN(256))
	}
	for _, img := range []*image.Gray{noise, blank(900, 900), blank(1, 1), blank(3, 2000), blank(43, 43), image.NewGray(image.Rect(0, 0, 64, 64)), {}} {
		r := Image(img, Options{})
		require.Empty(t, r.Codes)
		require.Empty(t, r.Unread)
	}
	require.Zero(t, Image(nil, Options{}).Pages)
}

// An image that is part of a larger one is read like any other.
func TestSubImage(t *testing.T) {
	img, text := oneCode(t, cardSheet, 5, 4)
	large := blank(img.Rect.Dx()+100, img.Rect.Dy()+70)
	for y := range img.Rect.Dy() {
		copy(large.Pix[(y+50)*large.Stride+60:], img.Pix[y*img.Stride:][:img.Rect.Dx()])
	}
	part := large.SubImage(image.Rect(55, 45, large.Rect.Dx(), large.Rect.Dy())).(*image.Gray)
	r := Image(part, Options{})
	require.Len(t, r.Codes, 1)
	require.Equal(t, text, string(r.Codes[0].Text))
}

func BenchmarkPage(b *testing.B) {
	for _, s := range []sheet{robustSheet, denseSheet} {
		page, texts := drawSheet(b, s, 1)
		page = reduced(page, 2)
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				require.Len(b, Image(page, Options{}).Codes, len(texts))
			}
		})
	}
}
