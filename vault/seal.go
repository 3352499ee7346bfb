package vault

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
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
	if m.base != "." || m.Identity != nil && !m.OwnFolder() {
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
	Media      []string             // of the media that hold it
	Retired    map[string][]Retired // by medium
	Failed     []*TargetError       // the media that do not hold it
	Crowded    []*TargetError       // the media that hold it and older ones that should be gone
	Unlogged   []*TargetError       // the media that hold it and whose log could not be written
	Sealed     ledger.Sealed        // for the ledger
	IDs        map[string]string    // of the media that hold it, as far as their logs say
	Notes      []string             // what the operator should know: what was damaged on a medium already, what stays on it
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
	// Deadlines are the dates that the material runs out at.
	Deadlines []ledger.Deadline
	// Archives are sealed one by one, each streamed to all targets at once.
	Archives []ArchiveSource
	// Keep is how many generations stay on each target, 0 for all.
	Keep int
	// Progress is told how many bytes of an archive are done; nil for nobody.
	Progress func(step string, done, total int64)
}

// Seal makes a new generation and writes it to every target, and to the vault's folder
// what is not an archive. A target that fails does not stop the others; the error is not
// nil only where nothing was sealed.
//
// Archives come first, since what is known of them only when they were read is in the
// bundles. Then the folder, before any manifest on a target: it is what keeps numbers
// from being used twice.
func (f *Folder) Seal(r SealRequest) (*SealResult, error) {
	unlock, err := f.dir.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	s := &sealing{folder: f, request: r, targets: openTargets(f.Identity, r.Targets), progress: newSteps(r.Progress)}
	defer s.close()
	if err := s.next(); err != nil {
		return nil, err
	}
	// What the ledger refuses is said before hours are spent on archives.
	if _, err := s.ledger(); err != nil {
		return nil, err
	}
	kit, err := signKit(r.Kit, nil, r.Signer, f.Identity.Vault.ID)
	if err != nil {
		return nil, err
	}
	known := s.known(s.folderHas)
	err = s.each(all, func(t *target) error {
		kit, err := t.keepPrograms(kit, r.Signer, f.Identity)
		if err != nil {
			return err
		}
		if err := t.begin(f.Identity, kit, known, true); err != nil {
			return err
		}
		if len(t.back) > 0 && r.Keep > 0 { // what came back may have taken the room of the new one
			if err := t.retire(nil, r.Created, r.Keep, s.progress); err != nil {
				return err
			}
		}
		return t.makeFolder(s.number)
	})
	if err != nil && len(r.Archives) > 0 {
		return nil, err
	}
	for i := range r.Archives {
		if err := s.sealArchive(i); err != nil {
			return nil, s.undo(fmt.Errorf("%s: %w", r.Archives[i].Name, err))
		}
	}
	g, err := s.build()
	if err == nil {
		err = f.keep(g)
	}
	if err != nil {
		return nil, s.undo(err)
	}
	return s.finish(g)
}

// sealing is one seal under way.
type sealing struct {
	*targets
	folder    *Folder
	folderHas []Generation
	request   SealRequest
	previous  string
	archives  []sealedArchive
	forks     []fork
	progress  steps
}

// undo takes what is half written from all media.
func (s *sealing) undo(err error) error {
	for _, t := range s.good {
		s.drop(t, err)
	}
	s.good = nil
	return err
}

// keep writes the generation to the vault's folder, which has no archives.
func (f *Folder) keep(g *generation) error {
	t := &target{dir: f.dir, base: "."}
	err := t.makeFolder(g.number)
	if err == nil {
		err = g.write(f.dir, generationDir(g.number))
	}
	if err != nil {
		_ = f.dir.RemoveAll(generationDir(g.number))
		return fmt.Errorf("the vault's folder %s: %w", f.dir.Name(), err)
	}
	return nil
}

// finish gives every target the generation that the folder has.
func (s *sealing) finish(g *generation) (*SealResult, error) {
	result := &SealResult{Generation: g.number, Digest: g.digest, Sizes: map[string]int64{}, Retired: map[string][]Retired{}, Sealed: s.sealed()}
	for _, f := range g.manifest.Files {
		result.Sizes[f.Name] = f.Size
	}
	_ = s.each(all, func(t *target) error { return t.finish(g, s.folder.ID, true) })
	for _, t := range s.good {
		result.Media = append(result.Media, t.dir.Name())
		if s.request.Keep == 0 {
			continue
		}
		err := t.retire(g, s.request.Created, s.request.Keep, s.progress)
		result.Retired[t.dir.Name()] = t.retired
		if err != nil {
			err = fmt.Errorf("it holds generation %d, and an old one could not be removed: %w", g.number, err)
			result.Crowded = append(result.Crowded, &TargetError{Medium: t.dir.Name(), Err: err})
		}
	}
	result.IDs, result.Unlogged = s.log(s.request.Created) // at last, when there is room
	result.Failed, result.Notes = s.failed, slices.Concat(s.notes, s.forked())
	for _, t := range s.good {
		result.Notes = append(result.Notes, t.notes...)
	}
	return result, nil
}

// build makes the bundles and the manifest.
func (s *sealing) build() (*generation, error) {
	v := s.folder.Identity.Vault
	g := &generation{number: s.number, files: map[string][]byte{}, manifest: format.Manifest{
		Vault: v.ID, Fingerprint: s.folder.Identity.FingerprintHex(),
		Generation: s.number, Previous: s.previous, Created: s.request.Created,
	}}
	for _, c := range format.Compartments() {
		bundle, err := s.buildBundle(c)
		if err != nil {
			return nil, err
		}
		if err := g.add(c+".age", bundle); err != nil {
			return nil, err
		}
	}
	record, err := s.sealLedger()
	if err != nil {
		return nil, err
	}
	if err := g.add(format.LedgerName, record); err != nil {
		return nil, err
	}
	for _, a := range s.archives {
		g.manifest.Files = append(g.manifest.Files, a.files...)
	}
	return g, g.sign(s.request.Signer)
}

// add takes a file and its parity into the generation.
func (g *generation) add(name string, data []byte) error {
	parity, err := media.MakeParity(data)
	if err != nil {
		return err
	}
	g.put(name, data)
	g.put(format.ParityName(name), parity)
	return nil
}

func (g *generation) put(name string, data []byte) {
	sum := sha256.Sum256(data)
	g.files[name] = data
	g.manifest.Files = append(g.manifest.Files, format.ManifestFile{Name: name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
}

func (g *generation) sign(signer *secret.Buffer) error {
	data, err := g.manifest.Marshal()
	if err != nil {
		return err
	}
	sig, err := sign(signer, data, manifestComment(g.manifest.Vault, g.number))
	if err != nil {
		return err
	}
	g.files[manifestFile], g.files[manifestFile+signatureExt] = data, sig
	sum := sha256.Sum256(data)
	g.digest = hex.EncodeToString(sum[:])
	return nil
}

func (s *sealing) buildBundle(compartment string) ([]byte, error) {
	r := s.request
	contents := format.Contents{
		Vault: s.folder.Identity.Vault.ID, Generation: s.number, Compartment: compartment, Created: r.Created,
		Facts: r.Notes.Facts, Accepted: r.Notes.Accepted,
	}
	var data []*secret.Buffer
	for _, m := range r.Material {
		if compartment == "cold" && m.Cold || compartment == "hot" && m.Hot {
			contents.Files = append(contents.Files, m.ContentsFile)
			data = append(data, m.Data)
		}
	}
	for _, a := range s.archives {
		if a.compartment == compartment {
			contents.Archives = append(contents.Archives, a.entry)
		}
	}
	if r.IDs != nil {
		contents.IDs = r.IDs(contents.Files, data)
	}
	var signer *secret.Buffer
	if compartment == "cold" {
		signer = r.Signer
	}
	recipient, err := s.folder.Identity.recipient(compartment)
	if err != nil {
		return nil, err
	}
	return sealBundle(recipient, contents, data, signer)
}

// identityFiles in the order of writing: a signature comes before what it signs,
// and vault.json, which makes a folder a vault, last.
func identityFiles() []string {
	return []string{
		recipientFile("cold"), recipientFile("hot"),
		sharesFile + signatureExt, sharesFile, vaultFile + signatureExt, vaultFile,
	}
}

// writeIdentity puts what identifies the vault where it is not yet. A recipient that nobody
// has is left as it is.
func writeIdentity(dir *media.Dir, base string, id *Identity) error {
	if err := dir.MkdirAll(base); err != nil {
		return err
	}
	for _, name := range identityFiles() {
		if id.files[name] == nil {
			continue
		}
		if err := ensure(dir, path.Join(base, name), id.files[name]); err != nil {
			return err
		}
	}
	return nil
}
