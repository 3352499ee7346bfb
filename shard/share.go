// Package shard splits a compartment's 32-byte seed among custodians and puts it together again.
//
// It follows FORMAT.md: section 5 for the 51 bytes of a share, its commitment and its words, section 6 for
// fingerprints as words, section 7 for digits. The mathematics of the split are hashicorp/vault/shamir's; that
// library authenticates nothing, so everything it would swallow (x = 0, a share of another split, an altered
// byte) is refused here, one share at a time and by name.
//
// Keys: a Share is a view over memory of the caller, who is expected to keep it locked and to wipe it; it is
// never copied into a string, never printed by any fmt verb, and never part of an error. Copies on the heap are wiped,
// and the functions that must make some say which ones they cannot reach. Scratch space on the stack is cleared, but
// a compiler may leave more behind: callers run what touches a share or the seed inside runtime/secret.Do.
//
// Promises: nothing read from outside makes this package panic; what Split returns has been recombined before
// it returns; what Correct finds is a proposal and is never applied by any other function.
package shard

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

const (
	// ShareSize is the length of a share in bytes.
	ShareSize = 51
	// SeedSize is the length of the secret that is split.
	SeedSize = 32
	// CommitmentSize is the length of a share's public commitment.
	CommitmentSize = sha256.Size

	// MinThreshold is the smallest quorum: with one share there is nothing to split.
	MinThreshold = 2
	// MaxShares is the largest number of shares of a set, the number of values x can have.
	MaxShares = 255

	kindShare = 0x11 // FORMAT.md section 5: share, version 1
	kindFrame = 0x21 // FORMAT.md section 8: frame, version 1

	checksumDomain   = "coldvault/share-checksum/1"
	commitmentDomain = "coldvault/share-commitment/1"
)

// Offsets of a share's fields, FORMAT.md section 5.
const (
	offVault       = 1
	offCompartment = 6
	offSet         = 7
	offThreshold   = 11
	offShares      = 12
	offIndex       = 13
	offX           = 14
	offY           = 15
	offChecksum    = 47
)

// Why bytes, digits or words are not a share, for callers who ask with errors.Is; see ErrWords and WordsError too.
var (
	ErrLength   = errors.New("not the length of a share")
	ErrKind     = errors.New("not a share of a version this program knows")
	ErrFrame    = errors.New("a code of the bundle pages, not a share")
	ErrChecksum = errors.New("the checksum does not fit: the share was misread or altered")
	ErrField    = errors.New("the share has an impossible field")
)

// VaultID identifies a vault.
type VaultID [5]byte

// String returns the eight characters of lower-case base32 by which a vault is known.
func (v VaultID) String() string {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding).EncodeToString(v[:])
}

// SetID identifies a share set: one split of one compartment's secret.
type SetID [4]byte

// String returns the set id as eight hex digits.
func (s SetID) String() string { return hex.EncodeToString(s[:]) }

// Compartment is what one quorum opens.
type Compartment uint8

const (
	// Cold holds owner keys and identities.
	Cold Compartment = 1
	// Hot holds what a running node or its standby needs.
	Hot Compartment = 2
)

// String returns the compartment's name.
func (c Compartment) String() string {
	switch c {
	case Cold:
		return "cold"
	case Hot:
		return "hot"
	}
	return fmt.Sprintf("compartment %d", uint8(c))
}

// ParseCompartment returns the compartment of that name.
func ParseCompartment(name string) (Compartment, error) {
	switch name {
	case "cold":
		return Cold, nil
	case "hot":
		return Hot, nil
	}
	return 0, fmt.Errorf("unknown compartment %q: it is cold or hot", name)
}

// Share is a view over the 51 bytes of a valid share, which stay where the caller put them. The zero Share is no
// share: IsZero tells, and Judge and Combine refuse it.
type Share struct {
	// Twice a pointer: inside the unexported fields of other structs fmt does not call Format, and with a verb that
	// does not suit it prints what a single pointer points to. Of this one it prints an address.
	raw **[ShareSize]byte
}

// view returns the share in raw, which is ShareSize long, unchecked.
func view(raw []byte) Share {
	at := (*[ShareSize]byte)(raw)
	return Share{&at}
}

// Parse checks that raw is exactly one share and returns a view over it.
func Parse(raw []byte) (Share, error) {
	if len(raw) > 0 && raw[0] == kindFrame {
		return Share{}, ErrFrame
	}
	if len(raw) > 0 && raw[0] != kindShare {
		return Share{}, fmt.Errorf("%w: the first byte is 0x%02x", ErrKind, raw[0])
	}
	if len(raw) != ShareSize {
		return Share{}, fmt.Errorf("%w: %d bytes instead of %d", ErrLength, len(raw), ShareSize)
	}
	s := view(raw)
	sum := s.checksum()
	if subtle.ConstantTimeCompare(sum[:], raw[offChecksum:]) != 1 {
		return Share{}, ErrChecksum
	}
	if err := s.checkFields(); err != nil {
		return Share{}, err
	}
	return s, nil
}

func (s Share) checkFields() error {
	switch k, n, i := s.Threshold(), s.Shares(), s.Index(); {
	case s.Compartment() != Cold && s.Compartment() != Hot:
		return fmt.Errorf("%w: compartment %d is neither cold (1) nor hot (2)", ErrField, uint8(s.Compartment()))
	case k < MinThreshold || k > n:
		return fmt.Errorf("%w: a threshold of %d of %d shares", ErrField, k, n)
	case i < 1 || i > n:
		return fmt.Errorf("%w: number %d of %d shares", ErrField, i, n)
	case s.X() == 0:
		// The value at x = 0 is the secret itself: such a share would dictate the result.
		return fmt.Errorf("%w: x is zero", ErrField)
	}
	return nil
}

// IsZero says that s is no share at all.
func (s Share) IsZero() bool { return s.raw == nil }

// Bytes returns the share's 51 bytes, the caller's own memory and secret.
func (s Share) Bytes() []byte { return (*s.raw)[:] }

// Vault returns the id of the vault that the share is of.
func (s Share) Vault() VaultID { return VaultID(s.Bytes()[offVault:offCompartment]) }

// Compartment returns the compartment that the share helps to open.
func (s Share) Compartment() Compartment { return Compartment(s.Bytes()[offCompartment]) }

// Set returns the id of the split that the share comes from.
func (s Share) Set() SetID { return SetID(s.Bytes()[offSet:offThreshold]) }

// Threshold returns k, how many shares of the set are needed.
func (s Share) Threshold() int { return int(s.Bytes()[offThreshold]) }

// Shares returns n, how many shares the set has.
func (s Share) Shares() int { return int(s.Bytes()[offShares]) }

// Index returns the number of the card, 1…n.
func (s Share) Index() int { return int(s.Bytes()[offIndex]) }

// X returns the point at which the polynomials were evaluated, 1…255.
func (s Share) X() byte { return s.Bytes()[offX] }

func (s Share) y() []byte { return s.Bytes()[offY:offChecksum] }

// String names the share and says nothing of its content.
func (s Share) String() string {
	if s.IsZero() {
		return "no share"
	}
	return fmt.Sprintf("%s share %d of %d, set %s", s.Compartment(), s.Index(), s.Shares(), s.Set())
}

// Format writes String whatever the verb is, so that no verb prints the secret.
func (s Share) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

func (s Share) checksum() [4]byte {
	sum := s.hash(checksumDomain)
	return [4]byte(sum[:4])
}

// hash is SHA-256 over the domain and everything of the share but its checksum.
func (s Share) hash(domain string) [sha256.Size]byte {
	var msg [len(commitmentDomain) + offChecksum]byte
	defer clear(msg[:])
	n := copy(msg[:], domain)
	n += copy(msg[n:], s.Bytes()[:offChecksum])
	return sha256.Sum256(msg[:n])
}

// Commitment returns the public commitment to a share, as listed in shares.json: y is 32 random bytes, so the
// digest says nothing about it.
func Commitment(s Share) [CommitmentSize]byte { return s.hash(commitmentDomain) }

// VerifyCommitment says whether want is the commitment to the share.
func VerifyCommitment(s Share, want [CommitmentSize]byte) bool {
	got := Commitment(s)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// encode writes the share with that index and point into dst, which is ShareSize long.
func (p Params) encode(dst []byte, index int, x byte, y []byte) {
	dst[0] = kindShare
	copy(dst[offVault:], p.Vault[:])
	dst[offCompartment] = byte(p.Compartment)
	copy(dst[offSet:], p.Set[:])
	dst[offThreshold] = byte(p.Threshold)
	dst[offShares] = byte(p.Shares)
	dst[offIndex] = byte(index)
	dst[offX] = x
	copy(dst[offY:offChecksum], y)
	sum := view(dst).checksum()
	copy(dst[offChecksum:], sum[:])
}
