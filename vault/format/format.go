// Package format converts between the bytes and the structs of a vault's JSON
// files: vault.json, shares.json, manifest.json and contents.json, as FORMAT.md
// section 3 defines them.
//
// It is strict and canonical: Parse accepts only the bytes that Marshal gives.
// It knows no keys and touches no files.
package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of FORMAT.md section 3, checked before anything is parsed.
const (
	MaxVaultSize    = 64 << 10
	MaxSharesSize   = 256 << 10
	MaxManifestSize = 64 << 10
	MaxContentsSize = 4 << 20

	MaxLabel      = 64     // characters of a label
	MaxGeneration = 999999 // six digits in paths
	maxSets       = 1000   // share sets in one shares.json
	maxFiles      = 10000  // files in one bundle, and entries of its other lists
	maxNote       = 4096   // bytes of an id, a fact or a reason
)

// The values of the "format" members.
const (
	vaultFormat    = "coldvault.vault/1"
	sharesFormat   = "coldvault.shares/1"
	manifestFormat = "coldvault.manifest/1"
	contentsFormat = "coldvault.contents/1"
)

// Compartments are the names of the compartments in their fixed order.
func Compartments() []string { return []string{"cold", "hot"} }

// VaultIDSize is the number of random bytes in a vault id.
const VaultIDSize = 5

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// EncodeVaultID gives the 8 characters of a vault id.
func EncodeVaultID(id [VaultIDSize]byte) string { return idEncoding.EncodeToString(id[:]) }

// DecodeVaultID is the inverse of EncodeVaultID.
func DecodeVaultID(s string) (id [VaultIDSize]byte, err error) {
	if len(s) != idEncoding.EncodedLen(VaultIDSize) {
		return id, fmt.Errorf("vault id %q has not 8 characters", s)
	}
	b, err := idEncoding.DecodeString(s)
	if err != nil {
		return id, fmt.Errorf("vault id %q is not lower-case base32", s)
	}
	// base32 passes over line breaks.
	if copy(id[:], b); EncodeVaultID(id) != s {
		return [VaultIDSize]byte{}, fmt.Errorf("vault id %q is not lower-case base32", s)
	}
	return id, nil
}

// document is what every file of this package can do.
type document interface {
	validate() error
}

// marshal gives the canonical bytes of a document.
func marshal(d document) ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	return encode(d)
}

func encode(d document) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// parse fills d from data, at most limit bytes, and refuses what marshal would
// have written otherwise.
func parse(data []byte, limit int, d document) error {
	if len(data) > limit {
		return fmt.Errorf("%d bytes where at most %d are allowed", len(data), limit)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return fmt.Errorf("not the JSON that is expected here: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more data after the JSON object")
	}
	again, err := marshal(d)
	if err != nil {
		return err
	}
	if !bytes.Equal(data, again) {
		return errors.New("not in the canonical form")
	}
	return nil
}

func checkFormat(got, want string) error {
	if got == want {
		return nil
	}
	if kind, _, ok := strings.Cut(want, "/"); ok && strings.HasPrefix(got, kind+"/") {
		return fmt.Errorf("format %q is not known here, only %q: use a newer coldvault", got, want)
	}
	return fmt.Errorf("format is %q, not %q", got, want)
}

// checkTime demands whole seconds in UTC, which JSON writes as
// YYYY-MM-DDThh:mm:ssZ.
func checkTime(t time.Time) error {
	if t.Location() != time.UTC || t.Nanosecond() != 0 || t.Year() < 1970 || t.Year() > 9999 {
		return fmt.Errorf("time %s is not in whole seconds UTC", t)
	}
	return nil
}

func checkHex(what, s string, size int) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != size || hex.EncodeToString(b) != s {
		return fmt.Errorf("%s is not %d lower-case hex digits", what, 2*size)
	}
	return nil
}

// CheckLabel refuses a label that is empty, too long or not printable on one
// line.
func CheckLabel(label string) error {
	n := utf8.RuneCountInString(label)
	if !utf8.ValidString(label) || n < 1 || n > MaxLabel {
		return fmt.Errorf("label has not 1 to %d characters", MaxLabel)
	}
	for _, r := range label {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("label has a character that cannot be printed: %q", r)
		}
	}
	if strings.TrimSpace(label) != label {
		return errors.New("label begins or ends with a space")
	}
	return nil
}

// Fingerprint is what identifies a vault to people: SHA-256 over the bytes of
// its vault.json.
func Fingerprint(vaultJSON []byte) [sha256.Size]byte { return sha256.Sum256(vaultJSON) }
