package format

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Contents is contents.json, the first entry of every bundle.
type Contents struct {
	Format      string         `json:"format"`
	Vault       string         `json:"vault"`
	Generation  int            `json:"generation"`
	Compartment string         `json:"compartment"`
	Created     time.Time      `json:"created"`
	Files       []ContentsFile `json:"files"`
	IDs         []DerivedID    `json:"ids"`
	Facts       []Fact         `json:"facts"`
	Accepted    []Accepted     `json:"accepted"`
	Archives    []Archive      `json:"archives,omitempty"`
}

// Archive is a large file in a bundle of its own, which is listed in the contents of
// its compartment.
//
// It has no SHA256. Header binds its key, and with that every byte: nobody who cannot open
// the compartment can make an age file with this header, or a chunk that opens under it.
type Archive struct {
	ContentsFile
	Header      string `json:"header"`      // hex SHA-256 of the header of its age file
	Archive     int    `json:"archive"`     // the number in its name, from 1
	Compression string `json:"compression"` // of the tar file in the bundle
}

// How an archive is compressed.
const (
	Uncompressed = "none"
	Zstd         = "zstd"
)

// DerivedID is what the material is called on its network, derived from it when
// it was sealed: to be compared after a restore.
type DerivedID struct {
	Network string `json:"network"`
	Name    string `json:"name"`
	Value   string `json:"value"`
}

// Fact is what a restore needs to know and no file says, such as a party hint.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Accepted is a failed check that the operator accepted when sealing.
type Accepted struct {
	Check   string `json:"check"`
	Because string `json:"because"`
}

// ContentsFile is one file of material. Mode holds the nine permission bits as
// four octal digits.
//
// What differs from file to file comes first: the rest repeats and compresses
// away, which a page of paper notices.
type ContentsFile struct {
	Name     string    `json:"name"`
	Role     string    `json:"role"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256,omitempty"` // empty in an Archive alone
	Network  string    `json:"network"`
	Mode     string    `json:"mode"`
	Modified time.Time `json:"modified"`
}

// Names of tar entries that are no material.
const (
	ContentsName  = "contents.json"
	SignerKeyName = "coldvault-signer.key"
)

// PartialName is the folder that restored files are in until all of them are written.
const PartialName = "RESTORE-INCOMPLETE"

// ParseContents reads contents.json.
func ParseContents(data []byte) (Contents, error) {
	var c Contents
	if err := parse(data, MaxContentsSize, &c); err != nil {
		return Contents{}, fmt.Errorf("contents.json: %w", err)
	}
	return c, nil
}

// Marshal gives the bytes of contents.json.
func (c Contents) Marshal() ([]byte, error) {
	c.Format = contentsFormat
	// [] and null are not the same bytes.
	c.Files = append([]ContentsFile{}, c.Files...)
	c.IDs = append([]DerivedID{}, c.IDs...)
	c.Facts = append([]Fact{}, c.Facts...)
	c.Accepted = append([]Accepted{}, c.Accepted...)
	return marshal(&c)
}

func (c *Contents) validate() error {
	if err := checkFormat(c.Format, contentsFormat); err != nil {
		return err
	}
	if _, err := DecodeVaultID(c.Vault); err != nil {
		return err
	}
	if c.Generation < 1 || c.Generation > MaxGeneration {
		return fmt.Errorf("generation is %d", c.Generation)
	}
	if c.Compartment != "cold" && c.Compartment != "hot" {
		return fmt.Errorf("compartment is %q", c.Compartment)
	}
	if err := checkTime(c.Created); err != nil {
		return err
	}
	if c.Files == nil || c.IDs == nil || c.Facts == nil || c.Accepted == nil {
		return errors.New("a list is missing")
	}
	if n := max(len(c.Files), len(c.IDs), len(c.Facts), len(c.Accepted), len(c.Archives)); n > maxFiles {
		return fmt.Errorf("a list of %d entries where at most %d are allowed", n, maxFiles)
	}
	if err := c.validateNotes(); err != nil {
		return err
	}
	names := NewNameSet()
	for _, f := range c.Files {
		if err := names.Add(f.Name); err != nil {
			return err
		}
		if err := f.validate(); err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	return c.validateArchives(names)
}

// validateArchives wants ascending numbers, and names that meet no other.
func (c *Contents) validateArchives(names *NameSet) error {
	last := 0
	for _, a := range c.Archives {
		if err := names.Add(a.Name); err != nil {
			return err
		}
		if err := a.validateEntry(); err != nil {
			return fmt.Errorf("%q: %w", a.Name, err)
		}
		if a.SHA256 != "" {
			return fmt.Errorf("%q is an archive and has a digest", a.Name)
		}
		if err := checkHex("the header of "+a.Name, a.Header, 32); err != nil {
			return err
		}
		if a.Archive <= last || a.Archive > MaxArchives {
			return fmt.Errorf("%q is in archive %d, which follows archive %d", a.Name, a.Archive, last)
		}
		last = a.Archive
		if a.Compression != Uncompressed && a.Compression != Zstd {
			return fmt.Errorf("%q has compression %q", a.Name, a.Compression)
		}
	}
	return nil
}

// validateNotes keeps what is shown to operators to printable lines.
func (c *Contents) validateNotes() error {
	var texts []string
	for _, id := range c.IDs {
		texts = append(texts, id.Network, id.Name, id.Value)
	}
	for _, f := range c.Facts {
		texts = append(texts, f.Name, f.Value)
	}
	for _, a := range c.Accepted {
		texts = append(texts, a.Check, a.Because)
	}
	for _, text := range texts {
		if text == "" || len(text) > maxNote || !utf8.ValidString(text) ||
			strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Errorf("%.64q is empty, longer than %d bytes, or not printable on one line", text, maxNote)
		}
	}
	return nil
}

func (f ContentsFile) validate() error {
	if err := f.validateEntry(); err != nil {
		return err
	}
	return checkHex("the digest", f.SHA256, 32)
}

func (f ContentsFile) validateEntry() error {
	if f.Size < 0 {
		return fmt.Errorf("size is %d", f.Size)
	}
	if _, err := ParseMode(f.Mode); err != nil {
		return err
	}
	if err := checkTime(f.Modified); err != nil {
		return err
	}
	if f.Network == "" || f.Role == "" {
		return errors.New("network or role is missing")
	}
	return nil
}

// FormatMode gives the permission bits as four octal digits.
func FormatMode(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }

// ParseMode is the inverse of FormatMode.
func ParseMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || FormatMode(fs.FileMode(n)) != s {
		return 0, fmt.Errorf("mode %q is not four octal digits of permission bits", s)
	}
	return fs.FileMode(n), nil
}
