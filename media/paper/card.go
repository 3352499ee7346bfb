package paper

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Card is the sheet of one custodian.
type Card struct {
	Vault     Vault
	Index     int // the number of the card
	Created   time.Time
	Custodian string      // who keeps it; optional, printed only
	Others    string      // who keeps the other cards; optional, printed only
	Shares    []CardShare // one or two, of different compartments
}

// CardShare is what a card holds for one compartment.
type CardShare struct {
	Compartment string   // cold or hot
	Set         string   // set id, 8 hex digits
	Threshold   int      // cards that open the compartment
	Shares      int      // cards there are
	Code        Symbol   // the share as digits
	Words       []string // the share as 44 words
}

func (c Card) check() error {
	if err := c.Vault.check(); err != nil {
		return err
	}
	if len(c.Shares) < 1 || len(c.Shares) > 2 {
		return fmt.Errorf("a card holds one or two shares, got %d", len(c.Shares))
	}
	for _, s := range c.Shares {
		if err := c.checkShare(s); err != nil {
			return fmt.Errorf("share of compartment %q: %w", s.Compartment, err)
		}
	}
	if len(c.Shares) == 2 && c.Shares[0].Compartment == c.Shares[1].Compartment {
		return fmt.Errorf("two shares of compartment %q on one card", c.Shares[0].Compartment)
	}
	return nil
}

func (c Card) checkShare(s CardShare) error {
	switch {
	case s.Compartment != "cold" && s.Compartment != "hot":
		return errors.New("unknown compartment")
	case s.Threshold < 2 || s.Threshold > s.Shares || s.Shares > maxShares:
		return fmt.Errorf("%d of %d is no threshold", s.Threshold, s.Shares)
	case c.Index < 1 || c.Index > s.Shares:
		return fmt.Errorf("card %d of %d does not exist", c.Index, s.Shares)
	case len(s.Words) != shareWords:
		return fmt.Errorf("a share has %d words, got %d", shareWords, len(s.Words))
	}
	if err := checkSymbol(s.Code); err != nil {
		return err
	}
	_, err := cardModule(s.Code.Size())
	return err
}

const (
	cardMargin  = 40.0
	cardCode    = 139.2 // largest side of a code, 49 mm
	leastModule = 2.88  // 1.016 mm
	stampWidth  = 132.0 // the badge with the number of the card
	nameColumn  = 64.0  // names of the table under the thresholds
	columnGap   = 22.0  // between the two columns of text
)

// cardModule is the largest module with which a code of so many modules stays within cardCode.
func cardModule(size int) (float64, error) {
	module := float64(int(cardCode/float64(size)/pixel)) * pixel
	if module < leastModule-pixel/2 {
		return 0, fmt.Errorf("a code of %d modules is too fine for a card", size)
	}
	return module, nil
}

// WriteCard draws a card as a PDF document of one page.
//
// The document holds the shares in clear, and this call leaves them in freed memory and in strings of the caller and of
// the PDF library: run it inside runtime/secret.Do. The page is not compressed, because the compressor keeps what went
// through it in a pool that outlives the call.
func WriteCard(w io.Writer, c Card, size Size) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("card %d: %w", c.Index, err)
	}
	title := fmt.Sprintf("coldvault %s, vault %s", c.name(), c.Vault.ID)
	s, err := newSheet(size, title, c.Created)
	if err != nil {
		return err
	}
	s.pdf.SetCompression(false)
	s.pdf.AddPage()
	fold := snap(s.height / 2)
	d := cardDrawing{sheet: s, card: c, left: cardMargin, right: s.width - cardMargin}
	d.public(fold)
	d.foldLine(fold)
	d.secret()
	return s.write(w)
}

func (c Card) name() string {
	n := 0
	for _, s := range c.Shares {
		n = max(n, s.Shares)
	}
	return fmt.Sprintf("card %d of %d", c.Index, n)
}

// cardDrawing is a card on its sheet, between two margins.
type cardDrawing struct {
	*sheet
	card        Card
	left, right float64
}

// public draws the half above the fold, which everybody may read. What the page has left over goes between its parts.
func (d cardDrawing) public(fold float64) {
	const needed = 350
	y := 36.0
	space := max(0, (fold-y-needed)/5)
	y = d.header(y) + space
	y = d.thresholds(y) + space/2
	y = d.identity(y) + space/2
	d.explain(y)
	d.fields(fold - 14 - space)
}

func (d cardDrawing) header(y float64) float64 {
	room := d.right - d.left - stampWidth - columnGap
	st := d.shrink(room, d.look.title, d.card.Vault.Label)
	d.text(d.left, y+8, style{bold, 9, accent}, "coldvault recovery card")
	d.text(d.left, y+29, st, d.fit(room, st, d.card.Vault.Label))

	d.pdf.SetFillColor(black, black, black)
	d.pdf.RoundedRect(d.right-stampWidth, y, stampWidth, 30, 2, "1234", "F")
	name := "CARD" + strings.TrimPrefix(d.card.name(), "card")
	st = d.shrink(stampWidth-20, style{bold, 16, 255}, name)
	d.textCentre(d.right-stampWidth/2, y+15+st.size*0.36, st, name)
	return y + 42
}

// thresholds says how many cards open what: the first thing to be read.
func (d cardDrawing) thresholds(y float64) float64 {
	d.line(d.left, y, d.right, y, 1.2, black)
	width := (d.right - d.left + columnGap) / float64(len(d.card.Shares))
	for i, s := range d.card.Shares {
		x := d.left + float64(i)*width
		if i > 0 {
			d.line(x-columnGap/2, y+11, x-columnGap/2, y+57, 0.5, hair)
		}
		count := fmt.Sprintf("any %d of these %d cards", s.Threshold, s.Shares)
		d.text(x, y+28, d.shrink(width-columnGap, d.look.hero, count), count)
		end := d.text(x, y+44, d.look.value, "open compartment ")
		d.text(end, y+44, d.look.strong, strings.ToUpper(s.Compartment))
		d.text(x, y+55, d.look.name, purpose(s.Compartment))
	}
	y += 66
	d.line(d.left, y, d.right, y, 0.5, hair)
	return y
}

func purpose(compartment string) string {
	if compartment == "cold" {
		return "owner keys and identities"
	}
	return "what a running node or its standby needs"
}

// identity is the table of names.
func (d cardDrawing) identity(y float64) float64 {
	x := d.left + nameColumn
	room := d.right - x
	row := func(name string) {
		y += 13
		d.text(d.left, y, d.look.name, name)
	}
	row("Custodian")
	if d.card.Custodian == "" {
		d.line(x, y+1.5, x+200, y+1.5, 0.5, hair)
	}
	d.text(x, y, d.look.strong, d.fit(room, d.look.strong, d.card.Custodian))
	if d.card.Others != "" {
		row("Other cards")
		for i, line := range d.wrap(room, d.look.value, d.card.Others, 2) {
			y += float64(i) * 11
			d.text(x, y, d.look.value, line)
		}
	}
	row("Vault")
	end := d.text(x, y, style{mono, 9, black}, d.card.Vault.ID)
	end = d.text(end+16, y, d.look.name, "created ")
	d.text(end, y, d.look.value, d.card.Created.UTC().Format(timeFormat))
	row("Fingerprint")
	d.text(x, y, d.look.strong, d.fit(room, d.look.strong, strings.Join(d.card.Vault.Words, " ")))
	d.textRight(d.right, y, d.look.small, "the same on every card and screen of this vault")
	y += 10
	d.text(x, y, d.look.hex, d.fit(room, d.look.hex, groups(d.card.Vault.Fingerprint)))
	y += 9
	d.line(d.left, y, d.right, y, 0.5, hair)
	return y
}

// groups puts a space after every four digits.
func groups(hex string) string {
	var b strings.Builder
	for i, r := range hex {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (d cardDrawing) explain(y float64) {
	const first = 0.41 // of the width for the first column
	width := (d.right - d.left - columnGap) * first
	d.keeping(d.left, y+15, width)
	x := d.left + width + columnGap
	d.restoring(x, y+15, d.right-x)
}

const leading = 10.0

func (d cardDrawing) keeping(x, y, width float64) {
	y = d.paragraph(x, y, width, leading, d.look.heading, "What this card can do")
	y = d.paragraph(x, y+1, width, leading, d.look.body, "Alone it opens nothing. Together with "+d.others()+
		" and a backup it gives the keys back. It is not a key itself: it cannot sign or spend anything.")
	y = d.paragraph(x, y+5, width, leading, d.look.heading, "How to keep it")
	d.paragraph(x, y+1, width, leading, d.look.body, "Folded and sealed, dry, away from the other cards and from the backups. "+
		"Make no copy. If it is lost, or the seal is broken, tell the owner of the vault the same day, who can "+
		"make a new vault in time. The words are no wallet phrase: never type them into a wallet or a web page.")
}

// others says how many more cards the compartments take.
func (d cardDrawing) others() string {
	var parts []string
	for _, s := range d.card.Shares {
		noun := "others"
		if s.Threshold == 2 {
			noun = "other"
		}
		parts = append(parts, fmt.Sprintf("%d %s (%s)", s.Threshold-1, noun, strings.ToUpper(s.Compartment)))
	}
	return strings.Join(parts, " or ")
}

func (d cardDrawing) restoring(x, y, width float64) {
	first := d.card.Shares[0]
	y = d.paragraph(x, y, width, leading, d.look.heading, "To restore with coldvault")
	y = d.paragraph(x, y+1, width, leading, d.look.body, "On a computer without a network, with a backup (stick or scanned pages) "+
		"and photos or scans of the cards, or text files with their words:")
	d.text(x, y+1, d.look.command, d.fit(width, d.look.command, "coldvault restore --from BACKUP --role all --to DIR --card FILE…"))
	y = d.paragraph(x, y+leading+6, width, leading, d.look.heading, "To restore without coldvault")
	y = d.paragraph(x, y+1, width, leading, d.look.body, fmt.Sprintf("The codes hold digits only; any QR reader shows them. "+
		"Put the digits of the %s codes of %d cards into CODES.txt, one code a line. recover.py (Python) is on every "+
		"stick, age is the public file encryption tool, version 1.3 or newer:", strings.ToUpper(first.Compartment), first.Threshold))
	c := first.Compartment
	d.text(x, y+1, d.look.command, fmt.Sprintf("python3 recover.py identity --compartment %s CODES.txt > id.txt", c))
	d.text(x, y+1+leading, d.look.command, fmt.Sprintf("age -d -i id.txt %s.age | tar xz", c))
}

// fields are filled in by hand.
func (d cardDrawing) fields(y float64) {
	const gap = 14
	names := []string{"Received by (signature)", "Date", "Seal number", "Witness (signature)"}
	shares := []float64{0.34, 0.14, 0.18, 0.34}
	width := d.right - d.left - gap*float64(len(names)-1)
	x := d.left
	for i, name := range names {
		w := width * shares[i]
		d.line(x, y-9, x+w, y-9, 0.5, black)
		d.text(x, y, d.look.small, name)
		x += w + gap
	}
}

func (d cardDrawing) foldLine(y float64) {
	const note = "fold here, printed side in, and seal the edge"
	half := d.measure(d.look.small, note)/2 + 8
	middle := d.width / 2
	d.pdf.SetDashPattern([]float64{3, 3}, 0)
	d.line(safeMargin, y, middle-half, y, 0.5, hair)
	d.line(middle+half, y, d.width-safeMargin, y, 0.5, hair)
	d.pdf.SetDashPattern(nil, 0)
	d.textCentre(middle, y+2.3, d.look.small, note)
}

// codeTop is the upper edge of the first or second code. The space is shared out so that the codes have their quiet
// zones on the lower of the two papers too.
func (d cardDrawing) codeTop(i int) float64 {
	const footer = 34
	fold := snap(d.height / 2)
	space := d.height - safeMargin - footer - fold - 2*cardCode
	return snap(fold + 0.27*space + float64(i)*(cardCode+0.5*space))
}

// secret draws the half below the fold: a code and its words for each compartment, and the ruler.
func (d cardDrawing) secret() {
	for i, s := range d.card.Shares {
		module, err := cardModule(s.Code.Size())
		if err != nil {
			d.pdf.SetError(err)
			return
		}
		y := d.codeTop(i)
		d.code(d.left, y, module, s.Code)
		d.words(s, d.left+cardCode+18, y, float64(s.Code.Size())*module)
	}
	d.footer(d.height - safeMargin)
}

// words draws the share as words, numbered line by line, as high as the code beside it.
func (d cardDrawing) words(s CardShare, x, y, height float64) {
	const columns, heading = 4, 22.0
	end := d.text(x, y+10, style{bold, 12, black}, strings.ToUpper(s.Compartment))
	d.text(end+8, y+10, d.look.name, fmt.Sprintf("any %d of %d cards", s.Threshold, s.Shares))
	end = d.right - d.measure(style{mono, 8, black}, s.Set)
	d.text(end, y+10, style{mono, 8, black}, s.Set)
	d.textRight(end-4, y+10, d.look.name, "set")
	d.line(x, y+14.5, d.right, y+14.5, 0.5, hair)

	rows := (len(s.Words) + columns - 1) / columns
	step := (height - heading) / float64(rows-1)
	width := (d.right - x) / columns
	for i, word := range s.Words {
		left := x + float64(i%columns)*width
		base := y + heading + float64(i/columns)*step + 3
		// The number ends in a space, so that it stays with its word when the text is copied.
		left = d.text(left, base, d.look.number, fmt.Sprintf("%2d ", i+1))
		d.text(left, base, d.look.word, d.fit(width-18, d.look.word, word))
	}
}

func (d cardDrawing) footer(bottom float64) {
	d.ruler(d.left, bottom-10)
	d.text(d.left, bottom-2, d.look.small, "100 mm if printed at 100 %")
	d.textRight(d.right, bottom-10, d.look.small, "These words are no wallet phrase.")
	d.textRight(d.right, bottom-2, d.look.small, fmt.Sprintf("vault %s, %s, page 1 of 1", d.card.Vault.ID, d.card.name()))
}
