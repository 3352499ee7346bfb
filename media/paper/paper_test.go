package paper

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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
		Set: "0123456789abcdef", Data: count * 3 / 4,
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
