package format

import (
	"fmt"
	"strings"
	"time"
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
