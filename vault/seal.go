package vault

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// Folder is a vault on its cold machine: the same tree as on a medium, and the
// signer's key.
type Folder struct {
	*Medium
	dir *media.Dir
}

// OpenFolder opens a vault's folder. The caller closes dir.
func OpenFolder(dir *media.Dir) (*Folder, error) {
	found, err := OpenMedia(dir)
	if err != nil {
		return nil, err
	}
	m := found[0]
	if m.base != "." {
		return nil, fmt.Errorf("%s is a medium, not the folder of a vault", dir.Name())
	}
	if m.Err != nil {
		return nil, fmt.Errorf("%s: %w", dir.Name(), m.Err)
	}
	return &Folder{Medium: m, dir: dir}, nil
}

// UnlockSigner opens the signer's key with its passphrase.
func (f *Folder) UnlockSigner(passphrase *secret.Buffer) (*secret.Buffer, error) {
	file, err := f.read(signerFile, maxSignerFile)
	if err != nil {
		return nil, explain(signerFile, err)
	}
	return unlockSigner(file, passphrase, f.Identity.Vault)
}

// Material is one file to be sealed, and where it belongs.
type Material struct {
	format.ContentsFile
	Data      *secret.Buffer
	Cold, Hot bool
}

// TargetError is a medium on which a seal failed; the others may have it.
type TargetError struct {
	Medium string
	Err    error
}

func (e *TargetError) Error() string { return fmt.Sprintf("%s: %v", e.Medium, e.Err) }
func (e *TargetError) Unwrap() error { return e.Err }

// SealResult says what was sealed and where it now is, read back and proven.
type SealResult struct {
	Generation int
	Digest     string // hex SHA-256 of manifest.json
	Sizes      map[string]int64
	Media      []string       // of the media that hold it
	Failed     []*TargetError // the others
}

// Notes are what the operator adds to the material; they are in both compartments.
type Notes struct {
	Facts    []format.Fact
	Accepted []format.Accepted
}

// SealRequest is what a generation is made of and where it goes.
type SealRequest struct {
	Material []Material
	Notes    Notes
	// IDs derives what the files of a compartment are called on their network.
	IDs     func([]format.ContentsFile, []*secret.Buffer) []format.DerivedID
	Kit     map[string][]byte // what lies beside it on every target, by name
	Signer  *secret.Buffer
	Created time.Time
	Targets []*media.Dir
}

// Seal makes a new generation and writes it to the vault's folder and to every
// target. A target that fails does not stop the others; the error is not nil
// only where nothing was sealed.
//
// The folder comes first: it is what keeps numbers from being used twice.
func (f *Folder) Seal(r SealRequest) (*SealResult, error) {
	unlock, err := f.dir.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	targets, failed := f.openTargets(r.Targets)
	defer func() {
		for _, t := range targets {
			t.unlock()
		}
	}()
	number, previous, err := f.next(targets)
	if err != nil {
		return nil, err
	}
	g, err := f.build(r, number, previous)
	if err != nil {
		return nil, err
	}
	kit, err := signKit(r.Kit, r.Signer, f.Identity.Vault.ID)
	if err != nil {
		return nil, err
	}
	if err := g.write(f.dir, ".", f.Identity); err != nil {
		return nil, fmt.Errorf("the vault's folder %s: %w", f.dir.Name(), err)
	}
	result := &SealResult{Generation: number, Digest: g.digest, Sizes: map[string]int64{}, Failed: failed}
	for _, name := range format.GenerationFiles() {
		result.Sizes[name] = int64(len(g.files[name]))
	}
	for _, t := range targets {
		if err := t.take(g, kit, f.Identity); err != nil {
			result.Failed = append(result.Failed, &TargetError{Medium: t.dir.Name(), Err: err})
			continue
		}
		result.Media = append(result.Media, t.dir.Name())
	}
	return result, nil
}

// target is a medium to write to. It is locked.
type target struct {
	dir    *media.Dir
	base   string
	have   []Generation
	unlock func()
}

// take writes the kit and the generation, clears the rests of interrupted writes, and
// proves the medium by opening it as a restore would.
func (t target) take(g *generation, kit map[string][]byte, id *Identity) error {
	if err := writeKit(t.dir, t.base, kit); err != nil {
		return err
	}
	if err := g.write(t.dir, t.base, id); err != nil {
		return err
	}
	for _, old := range t.have {
		if errors.Is(old.Err, ErrIncomplete) && old.Number != g.number {
			if err := t.dir.RemoveAll(path.Join(t.base, generationDir(old.Number))); err != nil {
				return err
			}
		}
	}
	found, err := OpenMedia(t.dir)
	if err != nil {
		return err
	}
	copies, err := GatherCopies(found, id.Vault.ID)
	if err != nil {
		return err
	}
	newest, err := copies.Select(0)
	if err == nil && newest.Digest != g.digest {
		err = fmt.Errorf("a restore from it would take generation %d, not the one just written", newest.Number)
	}
	return err
}

// openTargets looks at what is on the targets already and sets those aside that
// cannot take the generation.
func (f *Folder) openTargets(dirs []*media.Dir) (out []target, failed []*TargetError) {
	for _, dir := range dirs {
		t := target{dir: dir, base: path.Join(mediumFolder, f.Identity.Vault.ID), unlock: func() {}}
		m := &Medium{Source: dir, ID: f.Identity.Vault.ID, base: t.base}
		err := func() (err error) {
			unlock, err := dir.Lock()
			if err != nil {
				return err
			}
			t.unlock = unlock
			exists, err := dir.Exists(path.Join(t.base, vaultFile))
			if err != nil || !exists {
				return err
			}
			if m.open(); m.Err != nil {
				return fmt.Errorf("what it holds of this vault is damaged: %w", m.Err)
			}
			if m.Identity.Fingerprint != f.Identity.Fingerprint {
				return errors.New("it holds another vault of the same id")
			}
			t.have, err = m.Generations(f.Identity)
			return err
		}()
		if err != nil {
			t.unlock()
			failed = append(failed, &TargetError{Medium: dir.Name(), Err: err})
			continue
		}
		out = append(out, t)
	}
	return out, failed
}

// next is the number of the new generation and the digest of the one before it:
// above everything that the folder or a medium at hand has, so that a folder
// brought back from an old backup does not use a number twice.
func (f *Folder) next(targets []target) (number int, previous string, err error) {
	have, err := f.Generations(f.Identity)
	if err != nil {
		return 0, "", err
	}
	for _, t := range targets {
		have = append(have, t.have...)
	}
	number, previous = 0, format.FirstPrevious
	for _, g := range have {
		switch {
		case g.Err == nil && g.Number >= number:
			number, previous = g.Number, g.Digest
		case errors.Is(g.Err, ErrIncomplete):
		case g.Number > number:
			// Damaged, but the number is taken. The chain goes on from the
			// newest manifest that can be trusted.
			number = g.Number
		}
	}
	if number >= format.MaxGeneration {
		return 0, "", fmt.Errorf("generation %d is the last possible one", number)
	}
	return number + 1, previous, nil
}

// generation is a new one, in memory: public files and ciphertext only.
type generation struct {
	number int
	digest string
	files  map[string][]byte
}

func (f *Folder) build(r SealRequest, number int, previous string) (*generation, error) {
	v := f.Identity.Vault
	g := &generation{number: number, files: map[string][]byte{}}
	manifest := format.Manifest{
		Vault: v.ID, Fingerprint: f.Identity.FingerprintHex(),
		Generation: number, Previous: previous, Created: r.Created,
	}
	for _, c := range format.Compartments() {
		bundle, err := f.buildBundle(c, r, number)
		if err != nil {
			return nil, err
		}
		parity, err := media.MakeParity(bundle)
		if err != nil {
			return nil, err
		}
		for _, file := range []struct {
			name string
			data []byte
		}{{c + ".age", bundle}, {parityOf(c + ".age"), parity}} {
			sum := sha256.Sum256(file.data)
			g.files[file.name] = file.data
			manifest.Files = append(manifest.Files, format.ManifestFile{
				Name: file.name, Size: int64(len(file.data)), SHA256: hex.EncodeToString(sum[:]),
			})
		}
	}
	data, err := manifest.Marshal()
	if err != nil {
		return nil, err
	}
	sig, err := sign(r.Signer, data, manifestComment(v.ID, number))
	if err != nil {
		return nil, err
	}
	g.files[manifestFile], g.files[manifestFile+signatureExt] = data, sig
	sum := sha256.Sum256(data)
	g.digest = hex.EncodeToString(sum[:])
	return g, nil
}

func (f *Folder) buildBundle(compartment string, r SealRequest, number int) ([]byte, error) {
	contents := format.Contents{
		Vault: f.Identity.Vault.ID, Generation: number, Compartment: compartment, Created: r.Created,
		Facts: r.Notes.Facts, Accepted: r.Notes.Accepted,
	}
	var data []*secret.Buffer
	for _, m := range r.Material {
		if compartment == "cold" && m.Cold || compartment == "hot" && m.Hot {
			contents.Files = append(contents.Files, m.ContentsFile)
			data = append(data, m.Data)
		}
	}
	if r.IDs != nil {
		contents.IDs = r.IDs(contents.Files, data)
	}
	var signer *secret.Buffer
	if compartment == "cold" {
		signer = r.Signer
	}
	recipient, err := f.Identity.recipient(compartment)
	if err != nil {
		return nil, err
	}
	return sealBundle(recipient, contents, data, signer)
}

// write puts the generation on one medium. The order is the invariant: whatever
// is listed is durable and read back before the manifest that lists it, and the
// manifest is last (FORMAT.md section 2).
func (g *generation) write(dir *media.Dir, base string, id *Identity) (err error) {
	if err := writeIdentity(dir, base, id); err != nil {
		return err
	}
	folder := path.Join(base, generationDir(g.number))
	exists, err := dir.Exists(path.Join(folder, manifestFile))
	if err != nil {
		return err
	}
	if exists {
		return fmt.Errorf("it holds a generation %d already", g.number)
	}
	// The rest of an interrupted write.
	if err := dir.RemoveAll(folder); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = dir.RemoveAll(folder) // what it leaves does not count, but takes room
		}
	}()
	if err := dir.MkdirAll(folder); err != nil {
		return err
	}
	for _, name := range append(format.GenerationFiles(), manifestFile+signatureExt, manifestFile) {
		file := path.Join(folder, name)
		if err := dir.Commit(file, g.files[name]); err != nil {
			return err
		}
		if err := dir.ReadBack(file, g.files[name]); err != nil {
			return err
		}
	}
	return nil
}

// identityFiles in the order of writing: a signature comes before what it signs,
// and vault.json, which makes a folder a vault, last.
func identityFiles() []string {
	return []string{
		recipientFile("cold"), recipientFile("hot"),
		sharesFile + signatureExt, sharesFile, vaultFile + signatureExt, vaultFile,
	}
}

// writeIdentity puts what identifies the vault where it is not yet.
func writeIdentity(dir *media.Dir, base string, id *Identity) error {
	if err := dir.MkdirAll(base); err != nil {
		return err
	}
	for _, name := range identityFiles() {
		if err := ensure(dir, path.Join(base, name), id.files[name]); err != nil {
			return err
		}
	}
	return nil
}
