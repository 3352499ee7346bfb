package format

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Manifest is manifest.json: one generation. Keeps G29.
type Manifest struct {
	Format      string         `json:"format"`
	Vault       string         `json:"vault"`
	Fingerprint string         `json:"fingerprint"`
	Generation  int            `json:"generation"`
	Previous    string         `json:"previous"`
	Created     time.Time      `json:"created"`
	Files       []ManifestFile `json:"files"`
}

// ManifestFile is one file of a generation, Size in bytes, SHA256 in hex.
type ManifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// FirstPrevious is Previous of the first generation.
const FirstPrevious = "0000000000000000000000000000000000000000000000000000000000000000"

// GenerationFiles are the files that every generation has, in the order of the
// manifest: each compartment's bundle, then its parity.
func GenerationFiles() []string {
	return []string{"cold.age", "cold.age.parity", "hot.age", "hot.age.parity"}
}

// LedgerName is the file of a generation that holds the ledger as it was when the
// generation was sealed.
const LedgerName = "ledger.age"

// Limits of archives.
const (
	MaxArchives = 99
	maxParts    = 999
)

// Limits of the files of a generation, in bytes; a parity file is never larger than what it
// is the parity of may be.
const (
	MaxBundle = 64 << 20       // of a bundle, before and after decryption, and of the ledger
	MaxPart   = 4<<30 - 64<<10 // of one part of an archive: below 4 GiB, as FAT wants it
)

// ArchivePart names one part of an archive; both count from 1. The first part has no
// number: most archives are one file.
func ArchivePart(archive, part int) string {
	if part == 1 {
		return fmt.Sprintf("archive-%02d.age", archive)
	}
	return fmt.Sprintf("archive-%02d.age.%03d", archive, part)
}

// ParityName names the parity of a file.
func ParityName(file string) string { return file + ".parity" }

// IsParity tells a parity file by its name.
func IsParity(name string) bool { return strings.HasSuffix(name, ".parity") }

// Parts are the files of an archive, in their order, without their parity; nil where
// the generation has no such archive.
func (m Manifest) Parts(archive int) []ManifestFile {
	var out []ManifestFile
	for part := 1; part <= maxParts; part++ {
		f, ok := m.File(ArchivePart(archive, part))
		if !ok {
			break
		}
		out = append(out, f)
	}
	return out
}

// ParseManifest reads manifest.json.
func ParseManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := parse(data, MaxManifestSize, &m); err != nil {
		return Manifest{}, fmt.Errorf("manifest.json: %w", err)
	}
	return m, nil
}

// Marshal gives the bytes of manifest.json.
func (m Manifest) Marshal() ([]byte, error) {
	m.Format = manifestFormat
	return marshal(&m)
}

// File is the entry of that name.
func (m Manifest) File(name string) (ManifestFile, bool) {
	for _, f := range m.Files {
		if f.Name == name {
			return f, true
		}
	}
	return ManifestFile{}, false
}

func (m *Manifest) validate() error {
	if err := checkFormat(m.Format, manifestFormat); err != nil {
		return err
	}
	if _, err := DecodeVaultID(m.Vault); err != nil {
		return err
	}
	if err := checkHex("fingerprint", m.Fingerprint, 32); err != nil {
		return err
	}
	if m.Generation < 1 || m.Generation > MaxGeneration {
		return fmt.Errorf("generation is %d", m.Generation)
	}
	if err := checkHex("previous", m.Previous, 32); err != nil {
		return err
	}
	if err := checkTime(m.Created); err != nil {
		return err
	}
	if err := m.validateNames(); err != nil {
		return err
	}
	for _, f := range m.Files {
		if limit := maxSize(f.Name); f.Size < 1 || f.Size > limit {
			return fmt.Errorf("%s has %d bytes, where 1 to %d are possible", f.Name, f.Size, limit)
		}
		if err := checkHex("the digest of "+f.Name, f.SHA256, 32); err != nil {
			return err
		}
	}
	return nil
}

// maxSize is how large a file of that name can be. Keeps G28.
func maxSize(name string) int64 {
	if strings.HasPrefix(name, "archive-") {
		return MaxPart
	}
	return MaxBundle
}

// validateNames wants the files of every generation, then the ledger, then the parts
// of the archives, each but the first four optional, and each followed by its parity.
func (m *Manifest) validateNames() error {
	names := GenerationFiles()
	if len(m.Files) < len(names) || len(m.Files)%2 != 0 {
		return fmt.Errorf("%d files where there must be %d, and an even number in all", len(m.Files), len(names))
	}
	archive, part := 0, 0
	for i, f := range m.Files {
		switch {
		case i < len(names):
			if f.Name != names[i] {
				return fmt.Errorf("file %d is %q, not %q", i+1, f.Name, names[i])
			}
		case i%2 == 1:
			if want := ParityName(m.Files[i-1].Name); f.Name != want {
				return fmt.Errorf("file %d is %q, not %q", i+1, f.Name, want)
			}
		case i == len(names) && f.Name == LedgerName:
		case archive < MaxArchives && f.Name == ArchivePart(archive+1, 1):
			archive, part = archive+1, 1
		case archive > 0 && part < maxParts && f.Name == ArchivePart(archive, part+1):
			part++
		default:
			return fmt.Errorf("file %d is %q, which does not belong there", i+1, f.Name)
		}
	}
	return nil
}

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

// Limits of names of material.
const (
	maxName      = 1024
	maxComponent = 255
)

// CheckName refuses a name that could leave the folder it is restored to, or
// that another system would read differently. Keeps G8.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fmt.Errorf("name %.64q is empty, longer than %d bytes, or not UTF-8", name, maxName)
	}
	if strings.HasPrefix(name, "/") {
		return fmt.Errorf("name %q is absolute", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(part) > maxComponent {
			return fmt.Errorf("name %q has the component %q, which is not allowed", name, part)
		}
	}
	for _, r := range name {
		if r == '\\' || unicode.IsControl(r) {
			return fmt.Errorf("name %q has the character %q, which is not allowed", name, r)
		}
	}
	first, _, _ := strings.Cut(name, "/")
	if strings.EqualFold(name, ContentsName) || strings.EqualFold(name, SignerKeyName) || strings.EqualFold(first, PartialName) {
		return fmt.Errorf("name %q is reserved", name)
	}
	return nil
}

// NameSet refuses names that would meet in one folder: equal ignoring case, or
// one a folder of the other.
type NameSet struct {
	files   map[string]string // folded name → name
	folders map[string]string // folded folder → a name below it
}

// NewNameSet returns an empty set.
func NewNameSet() *NameSet {
	return &NameSet{files: map[string]string{}, folders: map[string]string{}}
}

// Add checks name and adds it.
func (s *NameSet) Add(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	folded := fold(name)
	if other, ok := s.files[folded]; ok {
		return fmt.Errorf("names %q and %q are the same where case does not count", other, name)
	}
	if other, ok := s.folders[folded]; ok {
		return fmt.Errorf("name %q is a file, and the folder of %q", name, other)
	}
	for dir := path.Dir(folded); dir != "."; dir = path.Dir(dir) {
		if other, ok := s.files[dir]; ok {
			return fmt.Errorf("name %q is a file, and the folder of %q", other, name)
		}
		s.folders[dir] = name
	}
	s.files[folded] = name
	return nil
}

// fold maps names that a case-insensitive file system takes for one to one
// string: the smallest rune of each simple-folding orbit.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}
