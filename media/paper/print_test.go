package paper

import (
	"encoding/xml"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
)

// run gives the output of a program that reads a file, or skips the test where the program is not there.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
	out, err := exec.Command(program, args...).Output()
	require.NoError(t, err, "%s %v", program, args)
	return out
}

func save(t *testing.T, pdf []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sheet.pdf")
	require.NoError(t, os.WriteFile(file, pdf, 0o600))
	return file
}

// raster draws every page as a grey PGM file.
func raster(t *testing.T, pdf []byte, dpi int) []string {
	t.Helper()
	file := save(t, pdf)
	run(t, "pdftoppm", "-r", fmt.Sprint(dpi), "-gray", file, strings.TrimSuffix(file, ".pdf"))
	pages, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.pgm"))
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	return pages
}

func loadGray(t *testing.T, file string) *image.Gray {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var width, height int
	_, err = fmt.Sscanf(string(data[:min(len(data), 20)]), "P5\n%d %d\n255\n", &width, &height)
	require.NoError(t, err)
	img := image.NewGray(image.Rect(0, 0, width, height))
	require.Greater(t, len(data), len(img.Pix))
	copy(img.Pix, data[len(data)-len(img.Pix):])
	return img
}

// readCodes is what an ordinary QR reader finds, sorted.
func readCodes(t *testing.T, pages []string) []string {
	t.Helper()
	args := append([]string{"--nodbus", "-q", "--raw", "-S*.disable", "-Sqrcode.enable"}, pages...)
	texts := strings.Fields(string(run(t, "zbarimg", args...)))
	slices.Sort(texts)
	return texts
}

// Shows G6.
func TestCardCodesAreRead(t *testing.T) {
	// A QR reader prints the digits of both shares from a card at 200 dpi.
	want := []string{string(testDigits(1, shareDigits)), string(testDigits(2, shareDigits))}
	slices.Sort(want)
	for _, size := range []Size{A4, Letter} {
		for _, card := range []Card{testCard(t), longCard(t)} {
			require.Equal(t, want, readCodes(t, raster(t, cardPDF(t, card, size), 200)))
		}
	}
}

// Shows G6.
func TestPageCodesAreRead(t *testing.T) {
	// A QR reader prints every code of full pages at 200 dpi, in both layouts and sizes.
	layouts(t, func(t *testing.T, layout qr.Layout, size Size) {
		pages, want := testPages(t, layout, GridFor(layout, size).Codes()+2)
		slices.Sort(want)
		require.Equal(t, want, readCodes(t, raster(t, pagesPDF(t, pages, size), 200)))
	})
}

// requirePixels compares a code and its quiet zone on a page of 300 dpi with its modules, pixel by pixel.
func requirePixels(t *testing.T, img *image.Gray, x, y, module float64, code Symbol) {
	t.Helper()
	left, top, side := int(math.Round(x/pixel)), int(math.Round(y/pixel)), int(math.Round(module/pixel))
	inside := image.Rect(0, 0, code.Size()*side, code.Size()*side)
	zone := inside.Inset(-quietCodes / 2 * side)
	wrong := 0
	for py := zone.Min.Y; py < zone.Max.Y; py++ {
		for px := zone.Min.X; px < zone.Max.X; px++ {
			want := uint8(255)
			if (image.Point{X: px, Y: py}).In(inside) && code.Black(px/side, py/side) {
				want = 0
			}
			if img.GrayAt(left+px, top+py).Y != want {
				wrong++
			}
		}
	}
	require.Zero(t, wrong, "pixels of the code at %.2f, %.2f", x, y)
}

func TestModulesArePixels(t *testing.T) {
	// At 300 dpi every module of a page is a square of whole pixels at its computed place, with white around the code.
	layouts(t, func(t *testing.T, layout qr.Layout, size Size) {
		pages, _ := testPages(t, layout, GridFor(layout, size).Codes())
		img := loadGray(t, raster(t, pagesPDF(t, pages, size), 300)[0])
		s, err := newSheet(size, "", testTime)
		require.NoError(t, err)
		d, err := newPagesDrawing(s, pages, GridFor(layout, size))
		require.NoError(t, err)
		require.InDelta(t, quietCodes*layout.Module, d.pitch-d.side, 1e-9)
		for i, code := range pages.Codes {
			x, y := d.x+float64(i%d.places.Columns)*d.pitch, d.y+float64(i/d.places.Columns)*d.pitch
			requirePixels(t, img, x, y, layout.Module, code)
		}
	})
}

func TestCardModulesArePixels(t *testing.T) {
	// The same for cards with codes of every version that fits, and modules are 1 mm or more.
	for _, size := range []Size{A4, Letter} {
		for version := 5; version <= 7; version++ {
			card := testCard(t)
			for i := range card.Shares {
				card.Shares[i].Code = testSymbol(t, testDigits(9, 90), version, qr.LevelQ)
			}
			img := loadGray(t, raster(t, cardPDF(t, card, size), 300)[0])
			s, err := newSheet(size, "", testTime)
			require.NoError(t, err)
			d := cardDrawing{sheet: s, card: card}
			for i, share := range card.Shares {
				module, err := cardModule(share.Code.Size())
				require.NoError(t, err)
				require.Greater(t, module/millimetre, 1.0)
				requirePixels(t, img, snap(cardMargin), d.codeTop(i), module, share.Code)
			}
		}
	}
}

func TestMarginsAreWhite(t *testing.T) {
	// No ink within 10 mm of an edge, where printers cannot print, on cards and pages, with the longest texts.
	const dpi, margin = 127, 50
	check := func(t *testing.T, pdf []byte) {
		t.Helper()
		for _, page := range raster(t, pdf, dpi) {
			img := loadGray(t, page)
			inner := img.Bounds().Inset(margin)
			ink := 0
			for y := range img.Bounds().Dy() {
				for x := range img.Bounds().Dx() {
					if !(image.Point{x, y}).In(inner) && img.GrayAt(x, y).Y < 255 {
						ink++
					}
				}
			}
			require.Zero(t, ink, "pixels in the margin")
		}
	}
	for _, size := range []Size{A4, Letter} {
		check(t, cardPDF(t, longCard(t), size))
	}
	layouts(t, func(t *testing.T, layout qr.Layout, size Size) {
		check(t, pagesPDF(t, longPages(t, layout, size), size))
	})
}

// longPages has everything at its largest on two pages.
func longPages(t *testing.T, layout qr.Layout, size Size) Pages {
	t.Helper()
	p, _ := testPages(t, layout, GridFor(layout, size).Codes()+1)
	p.Vault, p.Generation = longCard(t).Vault, maxGeneration
	return p
}

func pdfText(t *testing.T, pdf []byte, options ...string) string {
	t.Helper()
	return string(run(t, "pdftotext", append(options, save(t, pdf), "-")...))
}

func TestCardText(t *testing.T) {
	// All that a custodian needs is text that can be selected; there is no address of a site.
	text := strings.Join(strings.Fields(pdfText(t, cardPDF(t, testCard(t), A4), "-layout")), " ")
	for _, want := range []string{
		"CARD 2 of 5", "any 3 of these 5 cards", "any 2 of these 5 cards", "open compartment COLD", "open compartment HOT",
		"Harbour Pool mainnet", "k3q7zrta", "orbit velvet canyon thunder maple quarter", "9f3c 07b1 e85d 2a46 9f3c",
		"2026-11-21 09:30 UTC", "Ada Lovelace", "3 the notary in Bern", "set 1a2b3c4d", "set 9e8d7c6b", "no wallet phrase",
		"Seal number", "signature", "fold here", "100 mm if printed at 100 %", "coldvault restore --from", "age -d -i id.txt cold.age | tar xz",
		"python3 recover.py identity --compartment cold CODES.txt", "page 1 of 1", "2 others (COLD) or",
	} {
		require.Contains(t, text, want)
	}
	require.NotRegexp(t, `(?i)https?:|www\.`, text)
}

func TestWordsInReadingOrder(t *testing.T) {
	// Copied text gives the words of both shares numbered and in order, by place on the page and by order in the document.
	card := testCard(t)
	for _, options := range [][]string{{"-layout"}, {"-raw"}} {
		for _, size := range []Size{A4, Letter} {
			text := pdfText(t, cardPDF(t, card, size), options...)
			text = text[strings.Index(text, "fold here"):]
			found := regexp.MustCompile(`\b(\d+) +([a-z]{3,8})\b`).FindAllStringSubmatch(text, -1)
			var got, want []string
			for _, pair := range found {
				if pair[2] != "cards" && pair[2] != "if" {
					got = append(got, pair[1]+" "+pair[2])
				}
			}
			for range card.Shares {
				for i, word := range testWords() {
					want = append(want, fmt.Sprint(i+1, " ", word))
				}
			}
			require.Equal(t, want, got)
		}
	}
}

func TestPagesText(t *testing.T) {
	// Every page says what it is, which one it is, how many codes are enough and how to read it.
	layouts(t, func(t *testing.T, layout qr.Layout, size Size) {
		pages, _ := testPages(t, layout, GridFor(layout, size).Codes()+1)
		sheets := strings.Split(strings.TrimSuffix(pdfText(t, pagesPDF(t, pages, size)), "\f"), "\f")
		require.Len(t, sheets, 2)
		for i, sheet := range sheets {
			text := strings.Join(strings.Fields(sheet), " ")
			for _, want := range []string{
				fmt.Sprintf("Backup page %d of 2", i+1), fmt.Sprintf("any %d of the %d codes", pages.Data, len(pages.Codes)),
				"Harbour Pool mainnet", "vault k3q7zrta", "generation 7", "2026-11-21 09:30 UTC", "page set 0123456789abcdef",
				"orbit velvet canyon thunder maple quarter", "9f3c 07b1 e85d 2a46", "100 mm if printed", "recover.py", "coldvault restore",
			} {
				require.Contains(t, text, want)
			}
			require.NotRegexp(t, `(?i)https?:|www\.`, text)
		}
	})
}

func TestLongTextIsCut(t *testing.T) {
	// Long names end in an ellipsis, and characters that the fonts lack are boxes.
	text := pdfText(t, cardPDF(t, longCard(t), Letter), "-layout")
	require.Regexp(t, `Заповедник Ωmega .*…`, text)
	require.Regexp(t, `another custodian .*…`, text)
	require.Contains(t, text, "Grüße □")
	require.Contains(t, text, "CARD 255 of 255")
}

// wordBox is where pdftotext -bbox finds a word.
type wordBox struct {
	XMin float64 `xml:"xMin,attr"`
	YMin float64 `xml:"yMin,attr"`
	XMax float64 `xml:"xMax,attr"`
	YMax float64 `xml:"yMax,attr"`
	Text string  `xml:",chardata"`
}

func boxes(t *testing.T, pdf []byte) [][]wordBox {
	t.Helper()
	var doc struct {
		Pages []struct {
			Words []wordBox `xml:"word"`
		} `xml:"body>doc>page"`
	}
	d := xml.NewDecoder(strings.NewReader(pdfText(t, pdf, "-bbox")))
	d.Strict, d.Entity = false, xml.HTMLEntity
	require.NoError(t, d.Decode(&doc))
	var all [][]wordBox
	for _, page := range doc.Pages {
		require.NotEmpty(t, page.Words)
		all = append(all, page.Words)
	}
	require.NotEmpty(t, all)
	return all
}

// overlaps tells whether two words are drawn over each other. Boxes are as high as a line, with its leading.
func (b wordBox) overlaps(o wordBox) bool {
	const slack, lines = 0.3, 0.4
	x := min(b.XMax, o.XMax) - max(b.XMin, o.XMin)
	y := min(b.YMax, o.YMax) - max(b.YMin, o.YMin)
	return x > slack && y > lines*min(b.YMax-b.YMin, o.YMax-o.YMin)
}

func TestNothingOverlaps(t *testing.T) {
	// No word is drawn over another, on cards and pages with ordinary and with the longest texts.
	check := func(t *testing.T, pdf []byte) {
		t.Helper()
		for _, words := range boxes(t, pdf) {
			for i, a := range words {
				for _, b := range words[:i] {
					require.False(t, a.overlaps(b), "%q and %q", a.Text, b.Text)
				}
			}
		}
	}
	for _, size := range []Size{A4, Letter} {
		check(t, cardPDF(t, testCard(t), size))
		check(t, cardPDF(t, longCard(t), size))
	}
	layouts(t, func(t *testing.T, layout qr.Layout, size Size) {
		check(t, pagesPDF(t, longPages(t, layout, size), size))
	})
}
