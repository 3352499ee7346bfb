package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"coldvault/media"
	"coldvault/shard"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// Names on a medium (FORMAT.md section 2).
const (
	mediumFolder   = "coldvault"
	vaultFile      = "vault.json"
	sharesFile     = "shares.json"
	manifestFile   = "manifest.json"
	generationsDir = "generations"
	signatureExt   = ".minisig"
)

func recipientFile(compartment string) string { return compartment + ".recipient" }

// maxRecipient is twice the size of a recipient file.
const maxRecipient = 4 << 10

func generationDir(number int) string { return path.Join(generationsDir, fmt.Sprintf("%06d", number)) }

// Identity is what a vault is to everybody: vault.json, and shares.json if there is a good one.
type Identity struct {
	Vault       format.Vault
	Shares      format.Shares
	Fingerprint [sha256.Size]byte

	// The bytes as they lie on a medium, by name; those that are good.
	files map[string][]byte
	// noShares says why there is no good shares.json, where that is so.
	noShares error
}

// Words are the fingerprint as words to be read aloud.
func (i *Identity) Words() []string { return shard.FingerprintWords(i.Fingerprint) }

// FingerprintHex is the fingerprint in hex.
func (i *Identity) FingerprintHex() string { return hex.EncodeToString(i.Fingerprint[:]) }

// Expect is what shares of this vault are judged against.
func (i *Identity) Expect() shard.Expect {
	id, _ := format.DecodeVaultID(i.Vault.ID) // checked when it was parsed
	want := shard.Expect{Vault: id}
	for _, s := range i.Shares.Sets {
		info := shard.SetInfo{
			Threshold: s.Threshold, Shares: s.Shares,
			Superseded:  s.Status == format.Superseded,
			Commitments: s.CommitmentBytes(),
		}
		info.Compartment, _ = shard.ParseCompartment(s.Compartment)
		_, _ = hex.Decode(info.ID[:], []byte(s.Set))
		want.Sets = append(want.Sets, info)
	}
	return want
}

// Medium is the tree of one vault on a source.
type Medium struct {
	Source media.Source
	ID     string // vault id, from the name of the folder where there is one
	// Identity is what this medium alone tells, nil where it has no good vault.json. Err says
	// what of it is missing or damaged.
	Identity *Identity
	Err      error

	base string
}

// ErrNoVault is returned for a source without a vault.
var ErrNoVault = errors.New("there is no vault here")

// maxVaults caps the vaults on one medium.
const maxVaults = 1000

// OpenMedia finds the vaults on a source: below coldvault/, and the source itself
// where it is the folder of one vault. Another program's vault.json in the root hides
// nothing.
func OpenMedia(src media.Source) ([]*Medium, error) {
	var found []*Medium
	root := &Medium{Source: src, base: "."}
	data, rootErr := src.Read(vaultFile, format.MaxVaultSize)
	if rootErr == nil {
		root.open()
		if _, err := format.ParseVault(data); err == nil {
			found = append(found, root)
		}
	}
	names, err := src.List(mediumFolder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", src.Name(), err)
	}
	for _, name := range names {
		if _, err := format.DecodeVaultID(name); err != nil || len(found) == maxVaults {
			continue
		}
		m := &Medium{Source: src, ID: name, base: path.Join(mediumFolder, name)}
		m.open()
		found = append(found, m)
	}
	switch {
	case len(found) == 0 && rootErr == nil:
		return []*Medium{root}, nil // a damaged vault.json, and nothing else
	case len(found) == 0:
		return nil, fmt.Errorf("%s: %w: neither a folder %q nor a file %q", src.Name(), ErrNoVault, mediumFolder, vaultFile)
	}
	return found, nil
}

func (m *Medium) open() {
	if m.Identity, m.Err = identify(m.ID, []*Medium{m}); m.Err == nil {
		m.ID, m.Err = m.Identity.Vault.ID, m.Identity.noShares
	}
}

// OwnFolder tells that it is the folder of the vault on its cold machine, not one on a medium
// whose path was given: that one has a kit and a log, and neither the signer's key nor a ledger.
func (m *Medium) OwnFolder() bool {
	return m.base == "." && (m.has(signerFile, ledger.FolderName) || !m.has(kitDir, ledger.MediumLogName))
}

// has tells whether there is a file or folder of one of the names.
func (m *Medium) has(names ...string) bool {
	there, _ := m.Source.List(m.base)
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(there, name) })
}

// Path is where a file of the vault is, for messages.
func (m *Medium) Path(name string) string { return path.Join(m.Source.Name(), m.base, name) }

func (m *Medium) read(name string, limit int64) ([]byte, error) {
	return m.Source.Read(path.Join(m.base, name), limit)
}

// recipient is the age recipient of a compartment.
func (i *Identity) recipient(compartment string) (string, error) {
	file, ok := i.files[recipientFile(compartment)]
	if !ok {
		return "", fmt.Errorf("%s is missing or damaged", recipientFile(compartment))
	}
	return strings.TrimSuffix(string(file), "\n"), nil
}

// explain names the file in an error of reading it.
func explain(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return missingError(name)
	}
	return fmt.Errorf("%s cannot be read: %w", name, err)
}

// missingError names a file that is not there.
type missingError string

func (e missingError) Error() string        { return string(e) + " is missing" }
func (e missingError) Is(target error) bool { return target == fs.ErrNotExist }

// mayLack tells the files of a generation that need not be there: pages and the vault's own
// folder have no archives, and after that was set up again not the ledger as it was. The folder
// is known by what it alone has: anything else in the root of a medium is a copy like others.
func (m *Medium) mayLack(name string) bool {
	optional := strings.HasPrefix(name, archivePrefix) || strings.HasPrefix(name, format.LedgerName)
	_, pages := m.Source.(Pages)
	return optional && (pages || m.base == "." && m.has(signerFile, ledger.FolderName))
}

// archivePrefix is how the names of archives begin.
const archivePrefix = "archive-"

// Generation is one generation on one medium.
type Generation struct {
	Number   int
	Manifest format.Manifest
	Digest   string // hex SHA-256 of manifest.json
	// Err says why the manifest cannot be trusted; ErrIncomplete where it is
	// missing because the write was interrupted.
	Err error

	files map[string][]byte // manifest.json and its signature
	on    *Medium           // the first that has this manifest.json
}

// size is that of all files that it lists.
func (g *Generation) size() (total int64) {
	for _, f := range g.Manifest.Files {
		total += f.Size
	}
	return total
}

// recorded tells that it can be trusted and was sealed with a ledger.
func (g *Generation) recorded() bool {
	_, listed := g.Manifest.File(format.LedgerName)
	return g.Err == nil && listed
}

// ErrIncomplete marks the rest of an interrupted seal, or what looks like one.
var ErrIncomplete = errors.New("it has no manifest and does not count: its write was interrupted, or the manifest is lost")

// Generations lists what lies below generations/, in ascending order. Names
// that are no generation are left to Check. It needs an Identity: that of the
// medium, or of another copy of the same vault.
func (m *Medium) Generations(id *Identity) (out []Generation, err error) {
	numbers, err := m.numbers()
	for _, n := range numbers {
		out = append(out, m.readGeneration(id, n))
	}
	return out, err
}

// numbers are those of the folders below generations/.
func (m *Medium) numbers() (out []int, err error) {
	names, err := m.Source.List(path.Join(m.base, generationsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path(generationsDir), err)
	}
	for _, name := range names {
		if n, ok := parseGeneration(name); ok {
			out = append(out, n)
		}
	}
	return out, nil
}

func parseGeneration(name string) (int, bool) {
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 || n > format.MaxGeneration || fmt.Sprintf("%06d", n) != name {
		return 0, false
	}
	return n, true
}

// readGeneration is what this medium alone tells of a generation.
func (m *Medium) readGeneration(id *Identity, number int) Generation {
	good, err := manifests(id, number, []*Medium{m})
	switch {
	case len(good) > 0:
		return good[0]
	case errors.Is(err, missingError(manifestFile)):
		err = ErrIncomplete
	}
	return Generation{Number: number, Err: err}
}

// manifests are the generations of a number on several media, each different one once: the
// manifest and its signature may lie on two. err says why others are not good.
func manifests(id *Identity, number int, from []*Medium) (good []Generation, err error) {
	name := path.Join(generationDir(number), manifestFile)
	found, err := claims(from, name, format.MaxManifestSize)
	for _, f := range found {
		g, readErr := readManifest(id, number, f.data)
		var sig []byte
		if readErr == nil {
			sig, readErr = findSignature(id.Vault, name, f.data, manifestComment(id.Vault.ID, number), from)
		}
		if readErr != nil {
			err = errors.Join(err, readErr)
			continue
		}
		g.files[manifestFile+signatureExt], g.on = sig, f.on
		good = append(good, g)
	}
	return good, err
}

func readManifest(id *Identity, number int, data []byte) (Generation, error) {
	sum := sha256.Sum256(data)
	g := Generation{Number: number, Digest: hex.EncodeToString(sum[:]), files: map[string][]byte{manifestFile: data}}
	var err error
	if g.Manifest, err = format.ParseManifest(data); err != nil {
		return g, err
	}
	switch {
	case g.Manifest.Vault != id.Vault.ID || g.Manifest.Fingerprint != id.FingerprintHex():
		err = errors.New("manifest.json is of another vault")
	case g.Manifest.Generation != number:
		err = fmt.Errorf("manifest.json is of generation %d", g.Manifest.Generation)
	}
	return g, err
}

// readListed reads a small file that a manifest lists and compares it with its entry.
func (m *Medium) readListed(generation int, want format.ManifestFile) ([]byte, error) {
	data, err := m.read(path.Join(generationDir(generation), want.Name), MaxBundle)
	if err != nil {
		return nil, explain(want.Name, err)
	}
	return data, compare(data, want)
}

func compare(data []byte, want format.ManifestFile) error {
	sum := sha256.Sum256(data)
	return compareDigest(int64(len(data)), sum[:], want)
}

func compareDigest(size int64, sum []byte, want format.ManifestFile) error {
	if size != want.Size {
		return differsError(fmt.Sprintf("%s has %d bytes, and the manifest says %d", want.Name, size, want.Size))
	}
	digest, err := hex.DecodeString(want.SHA256)
	if err != nil || !bytes.Equal(sum, digest) {
		return differsError(want.Name + " is damaged: its digest is not the one in the manifest")
	}
	return nil
}

// differsError tells that a file was read, and is another.
type differsError string

func (e differsError) Error() string { return string(e) }

// verifyListed compares a file of any size with its entry. It reads past the cache of
// the system where the source can: what it proves is the medium.
func (m *Medium) verifyListed(generation int, want format.ManifestFile) error {
	b, err := m.openListed(generation, want.Name)
	if err != nil {
		return explain(want.Name, err)
	}
	defer b.Close()
	if b.Size() != want.Size {
		return compareDigest(b.Size(), nil, want)
	}
	sum, err := digestOf(b)
	if err != nil {
		return explain(want.Name, err)
	}
	return compareDigest(want.Size, sum, want)
}

// digestOf is the SHA-256 of all of a file.
func digestOf(b media.Blob) ([]byte, error) {
	digest := sha256.New()
	if _, err := io.CopyBuffer(onlyWriter{digest}, io.NewSectionReader(b, 0, b.Size()), copyBuffer(b.Size())); err != nil {
		return nil, err
	}
	return digest.Sum(nil), nil
}

// copyBuffer is as large as a file needs it: most are small, and a check reads many.
func copyBuffer(size int64) []byte { return make([]byte, max(1, min(size, aheadChunk))) }

// onlyWriter keeps io.CopyBuffer from finding another way than its buffer.
type onlyWriter struct{ io.Writer }

func (m *Medium) openListed(generation int, name string) (media.Blob, error) {
	name = path.Join(m.base, generationDir(generation), name)
	if cold, ok := m.Source.(interface {
		OpenCold(name string) (media.Blob, error)
	}); ok {
		return cold.OpenCold(name)
	}
	return m.Source.Open(name)
}
