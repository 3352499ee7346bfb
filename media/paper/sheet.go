package paper

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

const (
	pixel      = 0.24              // one pixel at 300 dpi, in points
	millimetre = 72 / 25.4         // in points
	safeMargin = 10.1 * millimetre // nothing is drawn nearer to an edge
	quietCodes = 8                 // modules between two codes; half of them towards text
	noGlyph    = '□'               // drawn for characters that the fonts lack
	ellipsis   = "…"
	timeFormat = "2006-01-02 15:04 UTC"
)

// Greys, 0 is black. accent is the only one for text.
const (
	black  = 0
	accent = 105
	hair   = 170
)

type face string

const (
	regular face = "regular"
	bold    face = "bold"
	mono    face = "mono"
)

// style is how a line of text looks.
type style struct {
	face face
	size float64
	grey int
}

// looks are the styles that are used more than once.
type looks struct {
	title, hero, heading, body, command style // lines of their own
	strong, value, hex, name, small     style // facts, and what they are called
	word, number                        style // of a share
}

func newLooks() looks {
	return looks{
		title:   style{regular, 17, black},
		hero:    style{bold, 22, black},
		heading: style{bold, 8.4, black},
		body:    style{regular, 7.8, black},
		command: style{mono, 6.9, black},
		strong:  style{bold, 9.5, black},
		value:   style{regular, 9, black},
		hex:     style{mono, 7, black},
		name:    style{regular, 7.5, accent},
		small:   style{regular, 6.8, accent},
		word:    style{mono, 9.6, black},
		number:  style{mono, 7, accent},
	}
}

// sheet is a document under construction. Coordinates are points from the upper left corner of the page.
type sheet struct {
	pdf           *fpdf.Fpdf
	fonts         map[face]*sfnt.Font
	glyphs        sfnt.Buffer
	look          looks
	width, height float64
}

func newSheet(size Size, title string, created time.Time) (*sheet, error) {
	width, height, err := size.points()
	if err != nil {
		return nil, err
	}
	pdf := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", Size: fpdf.SizeType{Wd: width, Ht: height}})
	pdf.SetProducer("coldvault", false)
	pdf.SetTitle(title, true)
	pdf.SetCreationDate(created.UTC())
	pdf.SetModificationDate(created.UTC())
	pdf.SetCatalogSort(true)
	pdf.SetAutoPageBreak(false, 0)
	// The library has no way to ask viewers to print at 100 % (ISO 32000-1, 12.2), but it writes the language into the
	// catalog as it is; the last entry is a private one that takes the closing parenthesis.
	pdf.SetLang("en) /ViewerPreferences <</PrintScaling /None>> /CVLT_Sheet (1")
	fonts, err := parseFonts()
	if err != nil {
		return nil, err
	}
	s := &sheet{pdf: pdf, fonts: fonts, look: newLooks(), width: width, height: height}
	for name, data := range fontFiles() {
		// A copy: cutting a font down to the characters in use writes into its tables.
		pdf.AddUTF8FontFromBytes(string(name), "", bytes.Clone(data))
	}
	return s, pdf.Error()
}

func fontFiles() map[face][]byte {
	return map[face][]byte{regular: goregular.TTF, bold: gobold.TTF, mono: gomono.TTF}
}

func parseFonts() (map[face]*sfnt.Font, error) {
	fonts := map[face]*sfnt.Font{}
	for name, data := range fontFiles() {
		font, err := sfnt.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("read the font %q: %w", name, err)
		}
		fonts[name] = font
	}
	return fonts, nil
}

// Lacking are the characters of a text that one of the fonts cannot show, each once.
func Lacking(text string) ([]rune, error) {
	fonts, err := parseFonts()
	if err != nil {
		return nil, err
	}
	var glyphs sfnt.Buffer
	var lacking []rune
	for _, r := range text {
		for _, font := range fonts {
			if !shows(font, &glyphs, r) && !slices.Contains(lacking, r) {
				lacking = append(lacking, r)
			}
		}
	}
	return lacking, nil
}

func shows(font *sfnt.Font, glyphs *sfnt.Buffer, r rune) bool {
	i, err := font.GlyphIndex(glyphs, r)
	return err == nil && i != 0 && r >= ' '
}

func (s *sheet) write(w io.Writer) error {
	if err := s.pdf.Output(w); err != nil {
		return fmt.Errorf("write the PDF: %w", err)
	}
	return nil
}

// drawable replaces what the font cannot show, so that foreign names never fail a ceremony: init warns of them.
func (s *sheet) drawable(f face, text string) string {
	return strings.Map(func(r rune) rune {
		if !shows(s.fonts[f], &s.glyphs, r) {
			return noGlyph
		}
		return r
	}, text)
}

// measure sets the font and gives the width of text.
func (s *sheet) measure(st style, text string) float64 {
	s.pdf.SetFont(string(st.face), "", st.size)
	return s.pdf.GetStringWidth(s.drawable(st.face, text))
}

// text draws one line with its baseline at y and gives the x where it ends.
func (s *sheet) text(x, y float64, st style, text string) float64 {
	width := s.measure(st, text)
	s.pdf.SetTextColor(st.grey, st.grey, st.grey)
	s.pdf.Text(x, y, s.drawable(st.face, text))
	return x + width
}

// textRight draws one line that ends at x.
func (s *sheet) textRight(x, y float64, st style, text string) {
	s.text(x-s.measure(st, text), y, st, text)
}

// textCentre draws one line with its middle at x.
func (s *sheet) textCentre(x, y float64, st style, text string) {
	s.text(x-s.measure(st, text)/2, y, st, text)
}

// fit shortens text to width, with an ellipsis where something was cut.
func (s *sheet) fit(width float64, st style, text string) string {
	if s.measure(st, text) <= width {
		return text
	}
	const most = 300 // characters, more than any line holds
	runes := []rune(text)
	for n := min(len(runes)-1, most); n > 0; n-- {
		short := strings.TrimRight(string(runes[:n]), " ") + ellipsis
		if s.measure(st, short) <= width {
			return short
		}
	}
	return ellipsis
}

// shrink makes the style smaller, down to half, until text fits into width.
func (s *sheet) shrink(width float64, st style, text string) style {
	least := st.size / 2
	for st.size > least && s.measure(st, text) > width {
		st.size -= 0.25
	}
	return st
}

// wrap breaks text at spaces into at most limit lines; what does not fit is cut with an ellipsis.
func (s *sheet) wrap(width float64, st style, text string, limit int) []string {
	var lines []string
	line := ""
	words := strings.Fields(text)
	for i, word := range words {
		longer := strings.TrimLeft(line+" "+word, " ")
		if line == "" || s.measure(st, longer) <= width {
			line = longer
			continue
		}
		if len(lines) == limit-1 {
			line = strings.Join(append([]string{line}, words[i:]...), " ")
			break
		}
		lines = append(lines, s.fit(width, st, line))
		line = word
	}
	return append(lines, s.fit(width, st, line))
}

// paragraph draws text over several lines and gives the baseline of the line after it.
func (s *sheet) paragraph(x, y, width, leading float64, st style, text string) float64 {
	const limit = 20
	for _, line := range s.wrap(width, st, text, limit) {
		s.text(x, y, st, line)
		y += leading
	}
	return y
}

func (s *sheet) line(x1, y1, x2, y2, width float64, grey int) {
	s.pdf.SetDrawColor(grey, grey, grey)
	s.pdf.SetLineWidth(width)
	s.pdf.Line(x1, y1, x2, y2)
}

// snap moves a coordinate to the next pixel of 300 dpi.
func snap(v float64) float64 { return math.Round(v/pixel) * pixel }

// Rasterisers paint every device pixel that a path touches, and an edge on the border of a pixel touches both. So black
// modules are a few micrometres smaller than the grid: inset modules at the right and lower edge, and nudge points at
// the upper left.
const (
	inset = 0.01
	nudge = 0.002
)

// code draws a symbol with its upper left corner at x, y: one path of runs of black modules in module coordinates, one
// fill. The coordinate system is scaled, so that the modules of a code are exactly the same size.
func (s *sheet) code(x, y, module float64, c Symbol) {
	var path bytes.Buffer
	fmt.Fprintf(&path, "q 0 g %.2f 0 0 %.2f %.3f %.3f cm", module, -module, snap(x)+nudge, s.height-snap(y)-nudge)
	size := c.Size()
	for row := range size {
		for column := 0; column < size; column++ {
			start := column
			for column < size && c.Black(column, row) {
				column++
			}
			if column > start {
				fmt.Fprintf(&path, "\n%d %d %.2f %.2f re", start, row, float64(column-start)-inset, 1-inset)
			}
		}
	}
	path.WriteString("\nf Q")
	s.pdf.RawWriteStr(path.String())
}

const (
	rulerLength = 100 * millimetre
	rulerTick   = 10 * millimetre
)

// upright draws turned by a quarter to the right around x, y: what runs right runs down, what is above is to the right.
func (s *sheet) upright(x, y float64, draw func()) {
	s.pdf.TransformBegin()
	s.pdf.TransformRotate(-90, x, y)
	draw()
	s.pdf.TransformEnd()
}

// ruler draws the scale that shows a print that was not made at 100 %, to the right of x with its line at y.
func (s *sheet) ruler(x, y float64) {
	s.line(x, y, x+rulerLength, y, 0.5, accent)
	for i := range 11 {
		at, tick := x+float64(i)*rulerTick, 2.5
		if i%5 == 0 {
			tick = 4.5
		}
		s.line(at, y, at, y-tick, 0.5, accent)
	}
}
