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
		d.edge()
		d.footer()
	}
	return s.write(w)
}

// pagesDrawing is the pages on their sheet. All pages are drawn alike.
type pagesDrawing struct {
	*sheet
	pages       Pages
	places      Grid
	tight       bool    // the grid leaves little room for text
	count       int     // pages
	left, right float64 // of the text
	top, bottom float64
	x, y        float64 // the upper left corner of the first code
	side, pitch float64 // of a code, and from one code to the next
	lower       float64 // the lower edge of the grid
}

// Space that text takes, without the quiet zone of the codes.
const (
	headerHeight      = 43.0
	headerHeightTight = 23.0
	footerHeight      = 45.0
	footerHeightTight = 23.0
	rowNames          = 12.0
	columnNames       = 8.0
	rulerWidth        = 14.0
)

func newPagesDrawing(s *sheet, p Pages, g Grid) (*pagesDrawing, error) {
	d := &pagesDrawing{sheet: s, pages: p, places: g, count: (len(p.Codes) + g.Codes() - 1) / g.Codes()}
	d.top, d.bottom = safeMargin, s.height-safeMargin
	quiet := quietCodes * p.Layout.Module
	d.side = float64(p.Codes[0].Size()) * p.Layout.Module
	d.pitch = d.side + quiet
	width, height := d.pitch*float64(g.Columns)-quiet, d.pitch*float64(g.Rows)-quiet

	roomX := s.width - 2*safeMargin - width
	roomY := d.bottom - d.top - columnNames - height
	header, footer := headerHeight, footerHeight
	if d.tight = roomY < header+footer+quiet; d.tight {
		header, footer = headerHeightTight, footerHeightTight
	}
	if roomY < header+footer+quiet || roomX < 2*(rulerWidth+quiet/2) {
		return nil, fmt.Errorf("codes of %d modules of %.2f pt do not fit on the paper", p.Codes[0].Size(), p.Layout.Module)
	}
	d.x = snap(safeMargin + roomX/2)
	d.y = snap(d.top + header + columnNames + (roomY-header-footer)/2)
	d.left, d.right, d.lower = d.x-rowNames, d.x+width, d.y+height
	return d, nil
}

func (d *pagesDrawing) header(page int) {
	p := d.pages
	title := fmt.Sprintf("Backup page %d of %d", page, d.count)
	enough := fmt.Sprintf("any %d of the %d codes restore it", p.Data, len(p.Codes))
	facts := fmt.Sprintf("vault %s, generation %d, %s, page set %s", p.Vault.ID, p.Generation, p.Created.UTC().Format(timeFormat), p.Set)
	words := strings.Join(p.Vault.Words, " ")
	small := style{regular, 7.4, black}
	if d.tight {
		end := d.text(d.left, d.top+10, style{bold, 13, black}, title)
		st := style{bold, 10, black}
		d.textRight(d.right, d.top+10, st, enough)
		room := d.right - d.measure(st, enough) - end - 24
		d.text(end+12, d.top+10, d.look.strong, d.fit(room, d.look.strong, p.Vault.Label))
		end = d.text(d.left, d.top+21, small, facts)
		d.textRight(d.right, d.top+21, d.shrink(d.right-end-12, style{bold, 7.4, black}, words), words)
		return
	}
	d.text(d.left, d.top+13, style{bold, 16, black}, title)
	d.textRight(d.right, d.top+13, style{bold, 12, black}, enough)
	d.textRight(d.right, d.top+26, small, facts)
	room := d.right - d.left - d.measure(small, facts) - 12
	d.text(d.left, d.top+26, d.look.strong, d.fit(room, d.look.strong, p.Vault.Label))
	end := d.text(d.left, d.top+36, style{bold, 7.4, black}, words)
	hex := groups(p.Vault.Fingerprint)
	d.textRight(d.right, d.top+36, d.shrink(d.right-end-12, style{mono, 6, black}, hex), hex)
	d.line(d.left, d.top+headerHeight-2, d.right, d.top+headerHeight-2, 0.5, hair)
}

func (d *pagesDrawing) grid(page int) {
	first := page * d.places.Codes()
	codes := d.pages.Codes[first:min(first+d.places.Codes(), len(d.pages.Codes))]
	gap := quietCodes/2*d.pages.Layout.Module + 0.5
	for i, c := range codes {
		row, column := i/d.places.Columns, i%d.places.Columns
		x, y := d.x+float64(column)*d.pitch, d.y+float64(row)*d.pitch
		d.code(x, y, d.pages.Layout.Module, c)
		if row == 0 {
			d.textCentre(x+d.side/2, d.y-gap, d.look.small, columnName(column))
		}
		if column == 0 {
			d.textRight(d.x-gap, y+d.side/2+2, d.look.small, fmt.Sprint(row+1))
		}
	}
}

// edge draws the ruler down the right side, and what the header has no room for.
func (d *pagesDrawing) edge() {
	x := d.right + quietCodes/2*d.pages.Layout.Module + 3
	d.upright(x, d.y, func() {
		d.ruler(x, d.y)
		d.text(x+rulerLength+6, d.y, d.look.small, "100 mm if printed at 100 %")
		if d.tight {
			d.textRight(x+d.lower-d.y, d.y, style{mono, 6, accent}, groups(d.pages.Vault.Fingerprint))
		}
	})
}

// readings tells a stranger what the page is and how to read it.
func readings() [3][2]string {
	return [3][2]string{
		{"What this is", "One encrypted backup of digital keys. It opens nothing by itself: custodians hold the cards that open it. " +
			"Keep the pages together."},
		{"To read it with coldvault", "Scan the pages at 300 dpi. On a computer without a network: " +
			"coldvault restore --from SCAN --role all --to DIR --card CARD…"},
		{"To read it without coldvault", "The codes hold digits only; any QR reader shows them. " +
			"recover.py (Python, on every stick) joins them into the files of a stick."},
	}
}

func (d *pagesDrawing) footer() {
	if d.tight {
		y := d.bottom - footerHeightTight + 6
		for _, r := range readings() {
			end := d.text(d.left, y, style{bold, 6.6, black}, r[0]+": ")
			st := d.shrink(d.right-end, style{regular, 6.6, black}, r[1])
			d.text(end, y, st, r[1])
			y += 7.7
		}
		return
	}
	const gap = 16
	width := (d.right - d.left - 2*gap) / 3
	for i, r := range readings() {
		x, y := d.left+float64(i)*(width+gap), d.bottom-footerHeight+8
		d.text(x, y, style{bold, 7.4, black}, r[0])
		d.paragraph(x, y+9, width, 8.8, style{regular, 7.2, black}, r[1])
	}
}
