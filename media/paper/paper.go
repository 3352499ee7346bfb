// Package paper draws the cards of custodians and the pages of a backup as PDF documents, as FORMAT.md sections 5, 6
// and 8 describe what is on them.
//
// A card is one page: above the fold what a person needs, below it the secret, one QR code and its 44 words for each
// compartment. A bundle page is a grid of QR codes that hold the frames of one generation.
//
// Every code is one path, filled once, of modules that are whole device pixels at 300 dpi; the page sizes are whole
// device pixels too. Nothing is drawn within 10 mm of the edge of the paper. The same input gives the same bytes.
//
// A card holds shares. The PDF library keeps text and paths in ordinary memory and in strings, so [WriteCard] is to be
// called inside runtime/secret.Do. This package starts no goroutine, writes no file and keeps nothing after it returns.
package paper

import (
	"errors"
	"fmt"
)

// Symbol is a QR code without its quiet zone: Size modules a side, row 0 on top.
type Symbol interface {
	Size() int
	Black(x, y int) bool
}

// Limits of what is drawn, from FORMAT.md sections 5, 6 and 8.
const (
	maxShares        = 255
	maxFrames        = 255
	maxGeneration    = 999999
	shareWords       = 44
	fingerprintWords = 6
	fingerprintHex   = 64
	maxSymbolSize    = 177 // version 40
)

// Size is a paper size.
type Size int

// The paper sizes.
const (
	A4 Size = iota
	Letter
)

// ParseSize reads "a4" or "letter".
func ParseSize(name string) (Size, error) {
	switch name {
	case "a4", "A4":
		return A4, nil
	case "letter", "Letter":
		return Letter, nil
	}
	return 0, fmt.Errorf("unknown paper size %q, it is a4 or letter", name)
}

// String gives the name that ParseSize reads.
func (s Size) String() string {
	if s == Letter {
		return "letter"
	}
	return "a4"
}

// points is width and height. A4 is 0.08 pt narrower and 0.03 pt higher than ISO 216, which makes it 2480 × 3508
// pixels at 300 dpi.
func (s Size) points() (width, height float64, err error) {
	switch s {
	case A4:
		return 595.2, 841.92, nil
	case Letter:
		return 612, 792, nil
	}
	return 0, 0, errors.New("unknown paper size")
}

// Vault is what identifies a vault on every sheet.
type Vault struct {
	ID          string   // 8 characters
	Label       string   // free text
	Fingerprint string   // 64 hex digits
	Words       []string // the six words of the fingerprint
}

func (v Vault) check() error {
	if len(v.Fingerprint) != fingerprintHex {
		return fmt.Errorf("a fingerprint has %d hex digits, got %d", fingerprintHex, len(v.Fingerprint))
	}
	if len(v.Words) != fingerprintWords {
		return fmt.Errorf("a fingerprint has %d words, got %d", fingerprintWords, len(v.Words))
	}
	return nil
}

func checkSymbol(s Symbol) error {
	if s == nil {
		return errors.New("a code is missing")
	}
	if n := s.Size(); n < 21 || n > maxSymbolSize {
		return fmt.Errorf("a code has 21 to %d modules a side, got %d", maxSymbolSize, n)
	}
	return nil
}
