package paper

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"coldvault/qr"
)

// Grid is how codes stand on a bundle page.
type Grid struct{ Columns, Rows int }

// GridFor gives the grid of a layout on a paper size: 4 columns, and 5 rows; 6 where modules are small and the paper is A4.
func GridFor(layout qr.Layout, size Size) Grid {
	if layout.Name == "dense" && size == A4 {
		return Grid{Columns: 4, Rows: 6}
	}
	return Grid{Columns: 4, Rows: 5}
}

// Codes is the number of codes on a full page.
func (g Grid) Codes() int { return g.Columns * g.Rows }

// Place names the place of the code with index i, as it is printed beside the grid: page 2, "B3".
func (g Grid) Place(i int) (page int, place string) {
	page, row, column := qr.Place(i, g.Codes(), g.Columns)
	return page, fmt.Sprintf("%s%d", columnName(column-1), row)
}

func columnName(column int) string { return string(rune('A' + column)) }

// Pages are the sheets that hold one generation.
type Pages struct {
	Vault      Vault
	Generation int
	Created    time.Time
	Layout     qr.Layout
	Set        string   // the page set, 16 hex digits
	Data       int      // codes that are enough
	Codes      []Symbol // in the order of their frames
}

func (p Pages) check() error {
	if err := p.Vault.check(); err != nil {
		return err
	}
	if p.Generation < 1 || p.Generation > maxGeneration {
		return fmt.Errorf("generation %d is not in 1 to %d", p.Generation, maxGeneration)
	}
	if len(p.Codes) == 0 || len(p.Codes) > maxFrames {
		return fmt.Errorf("%d codes are not in 1 to %d", len(p.Codes), maxFrames)
	}
	if p.Data < 1 || p.Data > len(p.Codes) {
		return fmt.Errorf("%d codes cannot be enough of %d", p.Data, len(p.Codes))
	}
	for i, c := range p.Codes {
		if err := checkSymbol(c); err != nil {
			return fmt.Errorf("code %d: %w", i+1, err)
		}
		if c.Size() != p.Codes[0].Size() {
			return errors.New("codes of different sizes")
		}
	}
	return nil
}

// WritePages draws the codes as a PDF document.
func WritePages(w io.Writer, p Pages, size Size) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("bundle pages: %w", err)
	}
	title := fmt.Sprintf("coldvault backup, vault %s, generation %d", p.Vault.ID, p.Generation)
	s, err := newSheet(size, title, p.Created)
	if err != nil {
		return err
	}
	d, err := newPagesDrawing(s, p, GridFor(p.Layout, size))
	if err != nil {
		return fmt.Errorf("bundle pages: %w", err)
	}
	for page := range d.count {
		s.pdf.AddPage()
		d.header(page + 1)
		d.grid(page)
		d.footer()
	}
	return s.write(w)
}

// pagesDrawing is the pages on their sheet. All pages are drawn alike.
type pagesDrawing struct {
	*sheet
	pages       Pages
	places      Grid
	count       int     // pages
	left, right float64 // of the text
	top, bottom float64
	x, y        float64 // the upper left corner of the first code
	side, pitch float64 // of a code, and from one code to the next
}

const (
	pageHeader  = 34.0 // height of the lines above the grid, without space around
	pageFooter  = 17.0 // and below it
	rowNames    = 12.0 // width of the names of the rows
	columnNames = 9.0  // height of the names of the columns
)

func newPagesDrawing(s *sheet, p Pages, g Grid) (*pagesDrawing, error) {
	d := &pagesDrawing{sheet: s, pages: p, places: g, count: (len(p.Codes) + g.Codes() - 1) / g.Codes()}
	d.left, d.right = safeMargin, s.width-safeMargin
	d.top, d.bottom = safeMargin, s.height-safeMargin
	quiet := quietCodes * p.Layout.Module
	d.side = float64(p.Codes[0].Size()) * p.Layout.Module
	d.pitch = d.side + quiet
	width, height := d.pitch*float64(g.Columns)-quiet, d.pitch*float64(g.Rows)-quiet

	roomX := d.right - d.left - width
	roomY := d.bottom - d.top - pageHeader - columnNames - pageFooter - height
	if roomX < 2*rowNames+2*quiet || roomY < quiet {
		return nil, fmt.Errorf("codes of %d modules of %.2f pt do not fit on the paper", p.Codes[0].Size(), p.Layout.Module)
	}
	d.x = snap(d.left + roomX/2)
	d.y = snap(d.top + pageHeader + columnNames + roomY/2)
	d.left, d.right = d.x-rowNames, d.x+width
	return d, nil
}

func (d *pagesDrawing) header(page int) {
	p := d.pages
	y := d.top + 10
	d.text(d.left, y, style{bold, 13, black}, fmt.Sprintf("Backup page %d of %d", page, d.count))
	d.textRight(d.right, y, style{bold, 10, black}, fmt.Sprintf("any %d of these %d codes restore it", p.Data, len(p.Codes)))
	facts := fmt.Sprintf("vault %s, generation %d, %s, page set %s", p.Vault.ID, p.Generation, p.Created.UTC().Format(timeFormat), p.Set)
	st := style{regular, 7.5, black}
	y += 11
	d.textRight(d.right, y, st, facts)
	room := d.right - d.left - d.measure(st, facts) - 12
	d.text(d.left, y, styleHeading, d.fit(room, styleHeading, p.Vault.Label))
	y += 10
	end := d.text(d.left, y, styleName, "fingerprint ")
	d.text(end, y, style{bold, 7.5, black}, strings.Join(p.Vault.Words, " "))
	d.textRight(d.right, y, style{mono, 6, accent}, d.pages.Vault.Fingerprint)
}

func (d *pagesDrawing) grid(page int) {
	first := page * d.places.Codes()
	codes := d.pages.Codes[first:min(first+d.places.Codes(), len(d.pages.Codes))]
	gap := 4 * d.pages.Layout.Module
	for i, c := range codes {
		row, column := i/d.places.Columns, i%d.places.Columns
		x, y := d.x+float64(column)*d.pitch, d.y+float64(row)*d.pitch
		d.code(x, y, d.pages.Layout.Module, c)
		if row == 0 {
			d.textCentre(x+d.side/2, d.y-gap, styleSmall, columnName(column))
		}
		if column == 0 {
			d.textRight(d.x-gap, y+d.side/2+2, styleSmall, fmt.Sprint(row+1))
		}
	}
}

func (d *pagesDrawing) footer() {
	y := d.bottom - pageFooter + 6.5
	for _, line := range d.wrap(d.right-d.left, style{regular, 6.6, black}, "An encrypted backup of digital keys; alone it opens nothing, "+
		"custodians hold the cards that open it. Keep all pages together. To read: scan at 300 dpi, then coldvault restore --from SCAN --card … . "+
		"Without coldvault: the codes hold digits only; any QR reader shows them, recover.py (Python, on every stick) joins them.", 2) {
		d.text(d.left, y, style{regular, 6.6, black}, line)
		y += 8
	}
}
