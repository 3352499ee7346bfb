package paper

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
)

var testTime = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// testDigits are n digits, the same for the same seed.
func testDigits(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	digits := make([]byte, n)
	for i := range digits {
		digits[i] = '0' + byte(r.IntN(10))
	}
	return digits
}

func testSymbol(t *testing.T, digits []byte, version int, level qr.Level) Symbol {
	t.Helper()
	m, err := qr.Encode(digits, version, level)
	require.NoError(t, err)
	return m
}

func testVault() Vault {
	return Vault{
		ID:          "k3q7zrta",
		Label:       "Harbour Pool mainnet",
		Fingerprint: strings.Repeat("9f3c07b1e85d2a46", 4),
		Words:       []string{"orbit", "velvet", "canyon", "thunder", "maple", "quarter"},
	}
}

// testWords are the longest words of the list, so that the grid is as full as it can be.
func testWords() []string {
	words := make([]string, shareWords)
	for i := range words {
		words[i] = []string{"abstract", "mountain", "umbrella", "zoo", "kangaroo", "whisper", "question"}[i%7]
	}
	return words
}

// shareDigits is the length of a share in digits: seven groups of seven bytes and one of two.
const shareDigits = 7*17 + 5

func testCard(t *testing.T) Card {
	t.Helper()
	return Card{
		Vault: testVault(), Index: 2, Created: testTime, Custodian: "Ada Lovelace",
		Others: "1 Grace Hopper, 3 the notary in Bern, 4 Ada's safe deposit box, 5 Edsger",
		Shares: []CardShare{
			{"cold", "1a2b3c4d", 3, 5, testSymbol(t, testDigits(1, shareDigits), 6, qr.LevelH), testWords()},
			{"hot", "9e8d7c6b", 2, 5, testSymbol(t, testDigits(2, shareDigits), 6, qr.LevelH), testWords()},
		},
	}
}

// longCard has everything at its largest.
func longCard(t *testing.T) Card {
	t.Helper()
	c := testCard(t)
	c.Vault.Label = strings.Repeat("Wide MW label ", 4) + "Grüße 中"
	c.Vault.Words = []string{"abstract", "mountain", "umbrella", "kangaroo", "question", "absolute"}
	c.Custodian = strings.Repeat("Заповедник Ωmega ", 9)
	c.Others = strings.Repeat("another custodian with a name, ", 20)
	c.Index = 255
	for i := range c.Shares {
		c.Shares[i].Threshold, c.Shares[i].Shares = 12, 255
	}
	return c
}

func testPages(t *testing.T, layout qr.Layout, count int) (Pages, []string) {
	t.Helper()
	p := Pages{
		Vault: testVault(), Generation: 7, Created: testTime, Layout: layout,
		Set: "0123456789abcdef", Data: count - count/4,
	}
	var texts []string
	for i := range count {
		digits := testDigits(uint64(100+i), digitsIn(layout))
		texts = append(texts, string(digits))
		p.Codes = append(p.Codes, testSymbol(t, digits, layout.Version, layout.Level))
	}
	return p, texts
}

// digitsIn is the length in digits of a frame: its header, body and checksum.
func digitsIn(layout qr.Layout) int {
	n := 25 + layout.BodySize + 4
	return n/7*17 + []int{0, 3, 5, 8, 10, 13, 15}[n%7]
}

func cardPDF(t *testing.T, c Card, size Size) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, WriteCard(&out, c, size))
	return out.Bytes()
}

func pagesPDF(t *testing.T, p Pages, size Size) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, WritePages(&out, p, size))
	return out.Bytes()
}

func layouts(t *testing.T, each func(t *testing.T, layout qr.Layout, size Size)) {
	t.Helper()
	for _, layout := range qr.Layouts() {
		for _, size := range []Size{A4, Letter} {
			t.Run(fmt.Sprintf("%s %s", layout.Name, size), func(t *testing.T) { each(t, layout, size) })
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	// Two calls with one input give the same document, and what is printed depends on the input.
	layout := qr.Layouts()[0]
	pages, _ := testPages(t, layout, 3)
	require.Equal(t, cardPDF(t, testCard(t), A4), cardPDF(t, testCard(t), A4))
	require.Equal(t, pagesPDF(t, pages, A4), pagesPDF(t, pages, A4))

	other := testCard(t)
	other.Created = other.Created.Add(time.Hour)
	require.NotEqual(t, cardPDF(t, testCard(t), A4), cardPDF(t, other, A4))
}

func TestPaperSizeAndPageCount(t *testing.T) {
	// A card is one page whatever is on it, bundle pages are as many as the grid needs, all of the paper's size.
	box := map[Size]string{A4: "/MediaBox [0 0 595.20 841.92]", Letter: "/MediaBox [0 0 612.00 792.00]"}
	expect := func(t *testing.T, pdf []byte, size Size, pages int) {
		t.Helper()
		require.Equal(t, pages, bytes.Count(pdf, []byte("/Type /Page\n")))
		require.Equal(t, 1, bytes.Count(pdf, []byte("/MediaBox")))
		require.Contains(t, string(pdf), box[size])
		require.Contains(t, string(pdf), "/Producer (coldvault)")
		require.Contains(t, string(pdf), "\n/Lang (en) /ViewerPreferences <</PrintScaling /None>> /CVLT_Sheet (1)\n")
	}
	for size := range box {
		expect(t, cardPDF(t, testCard(t), size), size, 1)
		expect(t, cardPDF(t, longCard(t), size), size, 1)
	}
	layouts(t, func(t *testing.T, layout qr.Layout, size Size) {
		full := GridFor(layout, size).Codes()
		for count, want := range map[int]int{1: 1, full: 1, full + 1: 2} {
			pages, _ := testPages(t, layout, count)
			expect(t, pagesPDF(t, pages, size), size, want)
		}
	})
}

func TestCardIsNotCompressed(t *testing.T) {
	// The share stays out of the pool of the compressor: its path and its words stand in the document as they are.
	pdf := cardPDF(t, testCard(t), A4)
	require.Equal(t, 2, bytes.Count(pdf, []byte(" re\nf Q")))
}

func TestGridPlace(t *testing.T) {
	// Places are named as they are printed: letters across, numbers down, pages from 1.
	dense, err := qr.LayoutByName("dense")
	require.NoError(t, err)
	for i, want := range map[int]string{0: "1 A1", 3: "1 D1", 4: "1 A2", 23: "1 D6", 24: "2 A1"} {
		page, place := GridFor(dense, A4).Place(i)
		require.Equal(t, want, fmt.Sprint(page, " ", place))
	}
}

func TestParseSize(t *testing.T) {
	// Sizes are read by the names they print as.
	for _, size := range []Size{A4, Letter} {
		got, err := ParseSize(size.String())
		require.NoError(t, err)
		require.Equal(t, size, got)
	}
	_, err := ParseSize("legal")
	require.ErrorContains(t, err, "legal")
}

func TestRefusedCards(t *testing.T) {
	// What cannot be a card is refused with what is wrong, and nothing is written.
	for name, spoil := range map[string]func(c *Card){
		"64 hex digits":       func(c *Card) { c.Vault.Fingerprint = "9f" },
		"6 words":             func(c *Card) { c.Vault.Words = nil },
		"one or two shares":   func(c *Card) { c.Shares = nil },
		"two shares of":       func(c *Card) { c.Shares[1] = c.Shares[0] },
		"compartment":         func(c *Card) { c.Shares[0].Compartment = "warm" },
		"1 of 5":              func(c *Card) { c.Shares[0].Threshold = 1 },
		"6 of 5":              func(c *Card) { c.Shares[0].Threshold = 6 },
		"2 of 256":            func(c *Card) { c.Shares[1].Shares = 256 },
		"card 6 of 5":         func(c *Card) { c.Index = 6 },
		"card 0 of 5":         func(c *Card) { c.Index = 0 },
		"44 words, got 43":    func(c *Card) { c.Shares[0].Words = c.Shares[0].Words[1:] },
		"a code is missing":   func(c *Card) { c.Shares[0].Code = nil },
		"21 to 177":           func(c *Card) { c.Shares[0].Code = blank(20) },
		"too fine for a card": func(c *Card) { c.Shares[0].Code = blank(57) },
	} {
		card := testCard(t)
		spoil(&card)
		var out bytes.Buffer
		require.ErrorContains(t, WriteCard(&out, card, A4), name)
		require.Zero(t, out.Len())
	}
	require.Error(t, WriteCard(&bytes.Buffer{}, testCard(t), Size(7)))
}

func TestRefusedPages(t *testing.T) {
	// What cannot be the pages of a generation is refused, also codes that are too large for the paper.
	for name, spoil := range map[string]func(p *Pages){
		"64 hex digits":        func(p *Pages) { p.Vault.Fingerprint = "" },
		"generation 0":         func(p *Pages) { p.Generation = 0 },
		"0 codes":              func(p *Pages) { p.Codes = nil },
		"4 codes cannot":       func(p *Pages) { p.Data = 4 },
		"code 2: a code":       func(p *Pages) { p.Codes[1] = nil },
		"different sizes":      func(p *Pages) { p.Codes[1] = blank(21) },
		"do not fit":           func(p *Pages) { p.Layout.Module = 1.44 },
		"256 codes are not in": func(p *Pages) { p.Codes = make([]Symbol, 256) },
	} {
		pages, _ := testPages(t, qr.Layouts()[0], 3)
		spoil(&pages)
		var out bytes.Buffer
		require.ErrorContains(t, WritePages(&out, pages, Letter), name)
		require.Zero(t, out.Len())
	}
}

// blank is a symbol without a black module.
type blank int

func (b blank) Size() int           { return int(b) }
func (b blank) Black(_, _ int) bool { return false }

func TestLackingAreTheCharactersThatBecomeBoxes(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Pool Nord, Jürgen Łukasz Αθήνα Київ": "", "漢字 pool 字": "漢字", "e\u0301": "\u0301", "a\tb": "\t",
	} {
		got, err := Lacking(text)
		require.NoError(t, err)
		require.Equal(t, want, string(got), text)
		s, err := newSheet(A4, "", time.Time{})
		require.NoError(t, err)
		for _, f := range []face{regular, bold, mono} {
			drawn := strings.Map(func(r rune) rune {
				if slices.Contains(got, r) {
					return noGlyph
				}
				return r
			}, text)
			require.Equal(t, drawn, s.drawable(f, text))
		}
	}
}

func FuzzCardText(f *testing.F) {
	// Whatever people are called, there is a card of one page.
	f.Add("Harbour Pool", "Ada", "1 Grace")
	f.Add("", "", "")
	f.Add("中文 عربى \x00\xff\u2028", "🔑🔑", strings.Repeat("x", 5000))
	f.Add(strings.Repeat(" W", 64), "a\nb\tc", strings.Repeat("\\() ", 400))
	f.Fuzz(func(t *testing.T, label, custodian, others string) {
		card := testCard(t)
		card.Vault.Label, card.Custodian, card.Others = label, custodian, others
		pdf := cardPDF(t, card, Letter)
		require.Equal(t, 1, bytes.Count(pdf, []byte("/Type /Page\n")))
	})
}
