package format

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Vault is vault.json: the identity of a vault.
type Vault struct {
	Format       string        `json:"format"`
	ID           string        `json:"id"`
	Label        string        `json:"label"`
	Created      time.Time     `json:"created"`
	Compartments []Compartment `json:"compartments"`
	Signer       string        `json:"signer"`
}

// Compartment is the public half of one compartment. The recipient itself is 2 kB
// of text and lies in a file of its own; here is the hex SHA-256 of that file.
type Compartment struct {
	Name            string `json:"name"`
	RecipientSHA256 string `json:"recipient_sha256"`
}

// ParseVault reads vault.json.
func ParseVault(data []byte) (Vault, error) {
	var v Vault
	if err := parse(data, MaxVaultSize, &v); err != nil {
		return Vault{}, fmt.Errorf("vault.json: %w", err)
	}
	return v, nil
}

// Marshal gives the bytes of vault.json.
func (v Vault) Marshal() ([]byte, error) {
	v.Format = vaultFormat
	return marshal(&v)
}

// WithID returns v with the id that goes with its other members.
func (v Vault) WithID() (Vault, error) {
	v.Format = vaultFormat
	v.ID = ""
	data, err := encode(&v)
	if err != nil {
		return Vault{}, err
	}
	sum := sha256.Sum256(data)
	v.ID = EncodeVaultID([VaultIDSize]byte(sum[:VaultIDSize]))
	return v, nil
}

// IsRecipient tells whether file, the content of a recipient file, is that of the
// compartment.
func (v Vault) IsRecipient(compartment string, file []byte) bool {
	sum := sha256.Sum256(file)
	return slices.Contains(v.Compartments, Compartment{compartment, hex.EncodeToString(sum[:])})
}

// RecipientFile is the content of a recipient file: the age recipient age1pq1… and
// a line feed, as `age -R` reads it.
func RecipientFile(recipient string) []byte { return []byte(recipient + "\n") }

// signerLength is the length of a minisign public key: base64 of 2 + 8 + 32
// bytes.
const signerLength = 56

func (v *Vault) validate() error {
	if err := checkFormat(v.Format, vaultFormat); err != nil {
		return err
	}
	if err := CheckLabel(v.Label); err != nil {
		return err
	}
	if err := checkTime(v.Created); err != nil {
		return err
	}
	names := Compartments()
	if len(v.Compartments) != len(names) {
		return fmt.Errorf("%d compartments where there must be %d", len(v.Compartments), len(names))
	}
	for i, c := range v.Compartments {
		if c.Name != names[i] {
			return fmt.Errorf("compartment %d is %q, not %q", i+1, c.Name, names[i])
		}
		if err := checkHex("the digest of the recipient of "+c.Name, c.RecipientSHA256, 32); err != nil {
			return err
		}
	}
	if len(v.Signer) != signerLength || !strings.HasPrefix(v.Signer, "RW") {
		return errors.New("signer is no minisign public key (RW…)")
	}
	if want, err := v.WithID(); err != nil || v.ID != want.ID {
		return fmt.Errorf("the id %.16q does not go with the rest of the file", v.ID)
	}
	return nil
}

// Status of a share set.
const (
	Current    = "current"
	Superseded = "superseded"
)

// Shares is shares.json: the share sets of a vault.
type Shares struct {
	Format   string     `json:"format"`
	Vault    string     `json:"vault"`
	Sequence int        `json:"sequence"`
	Created  time.Time  `json:"created"`
	Sets     []ShareSet `json:"sets"`
}

// ShareSet is one split of one compartment's seed. Commitments are in hex, that
// of index i at i-1.
type ShareSet struct {
	Set         string   `json:"set"`
	Compartment string   `json:"compartment"`
	Threshold   int      `json:"threshold"`
	Shares      int      `json:"shares"`
	Status      string   `json:"status"`
	Commitments []string `json:"commitments"`
}

// ParseShares reads shares.json.
func ParseShares(data []byte) (Shares, error) {
	var s Shares
	if err := parse(data, MaxSharesSize, &s); err != nil {
		return Shares{}, fmt.Errorf("shares.json: %w", err)
	}
	return s, nil
}

// Marshal gives the bytes of shares.json.
func (s Shares) Marshal() ([]byte, error) {
	s.Format = sharesFormat
	return marshal(&s)
}

// Current is the share set in force for a compartment.
func (s Shares) Current(compartment string) (ShareSet, bool) {
	for _, set := range s.Sets {
		if set.Compartment == compartment && set.Status == Current {
			return set, true
		}
	}
	return ShareSet{}, false
}

func (s *Shares) validate() error {
	if err := checkFormat(s.Format, sharesFormat); err != nil {
		return err
	}
	if _, err := DecodeVaultID(s.Vault); err != nil {
		return err
	}
	if s.Sequence < 1 {
		return fmt.Errorf("sequence is %d", s.Sequence)
	}
	if err := checkTime(s.Created); err != nil {
		return err
	}
	if len(s.Sets) > maxSets {
		return fmt.Errorf("%d share sets where at most %d are allowed", len(s.Sets), maxSets)
	}
	current := map[string]int{}
	seen := map[string]bool{}
	for _, set := range s.Sets {
		if err := set.validate(); err != nil {
			return err
		}
		if seen[set.Set] {
			return fmt.Errorf("share set %s is listed twice", set.Set)
		}
		seen[set.Set] = true
		if set.Status == Current {
			current[set.Compartment]++
		}
	}
	for _, name := range Compartments() {
		if current[name] != 1 {
			return fmt.Errorf("compartment %q has %d current share sets where there must be one", name, current[name])
		}
	}
	return nil
}

func (s ShareSet) validate() error {
	if err := checkHex("set", s.Set, 4); err != nil {
		return err
	}
	if s.Compartment != "cold" && s.Compartment != "hot" {
		return fmt.Errorf("share set %s: compartment is %q", s.Set, s.Compartment)
	}
	if s.Status != Current && s.Status != Superseded {
		return fmt.Errorf("share set %s: status is %q", s.Set, s.Status)
	}
	if s.Threshold < 2 || s.Threshold > s.Shares || s.Shares > 255 {
		return fmt.Errorf("share set %s: %d of %d is not possible", s.Set, s.Threshold, s.Shares)
	}
	if len(s.Commitments) != s.Shares {
		return fmt.Errorf("share set %s: %d commitments for %d shares", s.Set, len(s.Commitments), s.Shares)
	}
	for _, c := range s.Commitments {
		if err := checkHex("a commitment of share set "+s.Set, c, 32); err != nil {
			return err
		}
	}
	return nil
}

// CommitmentBytes decodes the commitments of a validated set.
func (s ShareSet) CommitmentBytes() [][32]byte {
	out := make([][32]byte, len(s.Commitments))
	for i, c := range s.Commitments {
		// validate has checked the length and the digits.
		_, _ = hex.Decode(out[i][:], []byte(c))
	}
	return out
}
