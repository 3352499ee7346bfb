package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"coldvault/vault/secret"
)

// Rolls of a six-sided die, as digits. MinDice of them hold 258 bits, as many as a
// seed; MaxDice is more than anyone rolls.
const (
	MinDice = 100
	MaxDice = 4000
)

// seedInfo keeps seeds with dice apart from every other use of HKDF.
const seedInfo = "coldvault/seed-with-dice/1"

// ErrDice says that what was given as rolls was not rolled.
var ErrDice = errors.New("these are not rolls of a fair die")

// ParseDice takes the rolls out of a text: digits from 1 to 6, with any white space
// between them, in guarded memory. What nobody rolls is refused with ErrDice. The caller
// destroys the result.
func ParseDice(text []byte) (*secret.Buffer, error) {
	digits, err := secret.New(len(text))
	if err != nil {
		return nil, err
	}
	defer digits.Destroy()
	n := 0
	for i, c := range text {
		switch {
		case c >= '1' && c <= '6':
			digits.Bytes()[n] = c
			n++
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			return nil, fmt.Errorf("character %d is no roll of a die: only 1 to 6 are", i+1)
		}
	}
	if err := checkDice(digits.Bytes()[:n]); err != nil {
		return nil, err
	}
	rolls, err := secret.New(n)
	if err != nil {
		return nil, err
	}
	copy(rolls.Bytes(), digits.Bytes())
	return rolls, nil
}

// checkDice refuses what is obviously not rolled: too few, a face that hardly comes or
// comes half of the time, a sequence that repeats itself. Fair rolls fail less
// often than once in a million. It measures no entropy: the system's randomness is
// always there too.
func checkDice(rolls []byte) error {
	if len(rolls) < MinDice || len(rolls) > MaxDice {
		return fmt.Errorf("%d rolls of the die where %d to %d are wanted", len(rolls), MinDice, MaxDice)
	}
	var faces [7]int
	for _, c := range rolls {
		if c < '1' || c > '6' {
			return ErrDice
		}
		faces[c-'0']++
	}
	for face := 1; face <= 6; face++ {
		if faces[face] == 0 {
			return fmt.Errorf("%w: one face never comes", ErrDice)
		}
		if 2*faces[face] > len(rolls) {
			return fmt.Errorf("%w: one face comes more than half of the time", ErrDice)
		}
	}
	// Of fair rolls one in six equals the one that came period rolls before it.
	for period := 1; period <= len(rolls)/2; period++ {
		same := 0
		for i := period; i < len(rolls); i++ {
			if rolls[i] == rolls[i-period] {
				same++
			}
		}
		if 2*same > len(rolls)-period {
			return fmt.Errorf("%w: they repeat after %d", ErrDice, period)
		}
	}
	return nil
}

// mixDice replaces seed, which the system's randomness has filled, by
//
//	HKDF-SHA-256(secret = seed ‖ dice, salt = none, info = seedInfo ‖ signer ‖ compartment)
//
// (RFC 5869 sections 2.2 and 2.3; no salt as in section 3.1, since seed is uniform). The
// system's 32 bytes are always part of the secret: dice that are known, guessed or
// loaded take nothing from them, and good dice make up for a system that is broken.
// The signer's public key names the vault: its id comes from the seeds and cannot. Keeps G16.
func mixDice(seed, dice []byte, signer, compartment string) error {
	input, err := secret.New(len(seed) + len(dice))
	if err != nil {
		return err
	}
	defer input.Destroy()
	return secret.Do(func() error {
		copy(input.Bytes()[copy(input.Bytes(), seed):], dice)
		// crypto/hkdf keeps its pseudorandom key on the heap, which Do erases.
		mixed, err := hkdf.Key(sha256.New, input.Bytes(), nil, seedInfo+" "+signer+" "+compartment, len(seed))
		if err != nil {
			return err
		}
		copy(seed, mixed)
		secret.Wipe(mixed)
		return nil
	})
}
