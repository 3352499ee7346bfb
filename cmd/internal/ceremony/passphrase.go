package ceremony

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"coldvault/shard"
	"coldvault/vault/secret"
)

// A generated passphrase: words of the list that cards use, each drawn alone.
const (
	PassphraseWords = 7
	PassphraseBits  = PassphraseWords * shard.ListBits // 77, beyond guessing even without scrypt's help
)

// MinPassphrase is how many characters a passphrase of one's own must have. What is shorter is
// weak whatever it is; that a longer one is strong is not claimed.
const MinPassphrase = 12

// NewPassphrase draws a passphrase. It is made in guarded memory and stays there; the
// caller destroys it. Keeps G15.
func NewPassphrase() (*secret.Buffer, error) {
	const numberSize = 2
	numbers, err := secret.Random(PassphraseWords * numberSize)
	if err != nil {
		return nil, err
	}
	defer numbers.Destroy()
	const room = PassphraseWords * len("abstract ")
	text, err := secret.New(room)
	if err != nil {
		return nil, err
	}
	defer text.Destroy()
	line := text.Bytes()[:0]
	_ = secret.Do(func() error {
		for i := range PassphraseWords {
			if i > 0 {
				line = append(line, ' ')
			}
			line = append(line, shard.ListWord(binary.BigEndian.Uint16(numbers.Bytes()[i*numberSize:]))...)
		}
		return nil
	})
	return secret.Read(bytes.NewReader(line), len(line), len(line))
}

// CheckPassphrase refuses a new passphrase that is too short, or that nobody can type.
func CheckPassphrase(p *secret.Buffer) error {
	if !utf8.Valid(p.Bytes()) || bytes.ContainsFunc(p.Bytes(), unicode.IsControl) {
		return withHint(errors.New("the passphrase has characters that cannot be typed"), "take letters, digits, spaces and signs")
	}
	n := utf8.RuneCount(bytes.TrimSpace(p.Bytes()))
	if n >= MinPassphrase {
		return nil
	}
	return withHint(fmt.Errorf("the passphrase has %d characters, fewer than %d", n, MinPassphrase),
		"take several words, or the generated ones that are offered at a terminal")
}

// newPassphrase asks for the passphrase of a new vault folder.
func newPassphrase(c Console) (*secret.Buffer, error) {
	p, err := c.Passphrase(true)
	if err != nil {
		return nil, err
	}
	if err := CheckPassphrase(p); err != nil {
		p.Destroy()
		return nil, err
	}
	return p, nil
}
