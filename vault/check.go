package vault

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// Severity of a finding.
type Severity string

const (
	// Note is worth knowing and no damage.
	Note Severity = "note"
	// Damage is what check reports with exit code 3.
	Damage Severity = "damage"
)

// Finding is one thing that check has to say. ID names the check.
type Finding struct {
	Severity Severity
	ID       string
	Path     string
	Text     string
}

// Findings that others ask for.
const (
	// VaultIdentity is the finding that vault.json or shares.json is not as it was signed.
	VaultIdentity = "VAULT-IDENTITY"
	// VaultEmpty is the finding that a medium has the vault and no generation of it.
	VaultEmpty = "VAULT-EMPTY"
	// GenerationChain is the finding that a generation does not follow the one before it here.
	GenerationChain = "GENERATION-CHAIN"

	generationForked     = "GENERATION-FORKED"
	generationSkipped    = "GENERATION-SKIPPED"
	generationIncomplete = "GENERATION-INCOMPLETE"
)

// LedgerBehind is the finding that the vault's folder does not know the newest generation.
const LedgerBehind = "VAULT-LEDGER-BEHIND"

// Forked tells that there are two generations of one number, both at hand.
func (f Finding) Forked() bool { return f.ID == generationForked }

// CheckedGeneration is the state of one generation on a medium.
type CheckedGeneration struct {
	Number  int
	Created string // RFC 3339
	Whole   bool   // every bundle is good as it is
	Damaged bool   // some file is not as listed, if only parity
	// Lacks are files that need not be here: archives, in the vault's own folder.
	Lacks []string
	// Repairable tells that what is damaged can be rebuilt from parity.
	Repairable bool
	// Lost are the listed files that this medium alone cannot give back; nil where the manifest is lost.
	Lost []string
}

// ArchivesLost tells that nothing is lost but archives: a restore gives all the rest.
func (g CheckedGeneration) ArchivesLost() bool {
	return len(g.Lost) > 0 && !slices.ContainsFunc(g.Lost, func(name string) bool { return !strings.HasPrefix(name, archivePrefix) })
}

// Checked is the result of a check of one vault on one medium.
type Checked struct {
	Medium      *Medium
	Generations []CheckedGeneration
	Findings    []Finding
	// Mended is what a repair has done before this check.
	Mended []Mended

	digests  map[int]string // of the manifests that can be trusted, by generation
	previous map[int]string // and of those that they follow
	verified map[listed]error
	options  CheckOptions
	recorded int            // the newest generation that can be trusted and was sealed with a ledger
	ledger   *ledger.Ledger // of the vault's own folder, nil where there is none or it is damaged
}

// CheckOptions of Check; the zero value is for a medium.
type CheckOptions struct {
	// Pages tells that it is a set of pages, which carry nothing but the bundles.
	Pages bool
	// Repairs tells that a repair follows: it finds out whether what is damaged can be rebuilt.
	Repairs bool
	// Before is the check that a repair began with. What was as it is listed then is not read again.
	Before *Checked
	// Progress is told of bytes; nil for nobody.
	Progress func(done, total int64)
}

// Damaged tells whether anything is.
func (c *Checked) Damaged() bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Severity == Damage })
}

// Repaired tells whether a repair has put anything right.
func (c *Checked) Repaired() bool {
	return slices.ContainsFunc(c.Mended, func(m Mended) bool { return m.Err == nil })
}

// Incomplete tells whether a generation has no manifest.
func (c *Checked) Incomplete() bool { return c.Found(generationIncomplete) }

// Found tells whether there is a finding of that id.
func (c *Checked) Found(id string) bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.ID == id })
}

// Digest is the SHA-256 of the manifest of a generation in hex, "" where it cannot be
// trusted.
func (c *Checked) Digest(generation int) string { return c.digests[generation] }

// Damages counts what is damaged.
func (c *Checked) Damages() (n int) {
	for _, f := range c.Findings {
		if f.Severity == Damage {
			n++
		}
	}
	return n
}

func (c *Checked) add(s Severity, id, where string, err error) {
	c.Findings = append(c.Findings, Finding{Severity: s, ID: id, Path: where, Text: err.Error()})
}

// Check reads everything a medium holds of a vault and compares it with what is
// signed. It writes nothing and needs no secret. Keeps G3.
func Check(m *Medium, o CheckOptions) *Checked {
	c := &Checked{Medium: m, options: o}
	if o.Before != nil {
		c.Mended = o.Before.Mended
	}
	if m.Err != nil {
		c.add(Damage, VaultIdentity, m.Path(""), m.Err)
	}
	if m.Identity == nil {
		return c
	}
	c.checkNames(m.base, identityNames())
	for _, name := range format.Compartments() {
		if _, err := m.Identity.recipient(name); err != nil && !o.Pages {
			c.add(Damage, "VAULT-RECIPIENT", m.Path(recipientFile(name)), fmt.Errorf("%w; a restore does not need it", err))
		}
	}
	var were map[int]time.Time // generations that were whole here, and when
	switch {                   // neither pages nor the vault's own folder carry a kit, and only it a ledger
	case o.Pages:
	case m.OwnFolder():
		if err := m.CheckSigner(); err != nil {
			c.add(Damage, "VAULT-SIGNER", m.Path(signerFile), fmt.Errorf("%w: nothing can be sealed with this folder; %s", err, SignerAdvice))
		}
		were = c.checkLedger()
	default:
		c.checkKit()
		were = c.checkLog()
	}
	generations, err := m.Generations(m.Identity)
	if err != nil {
		c.add(Damage, "VAULT-GENERATIONS", m.Path(generationsDir), err)
	}
	c.checkNumbers()
	if len(generations) == 0 {
		severity := Damage
		if m.OwnFolder() { // a vault's own folder, before its first seal
			severity = Note
		}
		c.add(severity, VaultEmpty, m.Path(generationsDir), errors.New("there is no backup here: it holds no generation"))
	}
	newest := 0
	for _, g := range generations {
		if g.Err == nil {
			newest = max(newest, g.Number)
		}
	}
	c.digests, c.previous = map[int]string{}, map[int]string{}
	c.verified = c.verifyAll(generations)
	for _, g := range generations {
		if errors.Is(g.Err, ErrIncomplete) {
			c.checkIncomplete(g, were, g.Number >= newest)
			continue
		}
		c.checkGeneration(g)
		if g.Err == nil {
			c.digests[g.Number], c.previous[g.Number] = g.Digest, g.Manifest.Previous
			if g.recorded() {
				c.recorded = g.Number
			}
		}
	}
	c.checkChain()
	return c
}

func identityNames() []string {
	return append(identityFiles(), generationsDir, kitDir, signerFile, ledger.FolderName, ledger.MediumLogName)
}

// checkNames reports what does not belong into a folder. It is no damage: a
// stick collects things.
func (c *Checked) checkNames(dir string, known []string) {
	names, err := c.Medium.Source.List(dir)
	if err != nil {
		return // reported where the files themselves are read
	}
	for _, name := range names {
		switch where := path.Join(c.Medium.Source.Name(), dir, name); {
		case slices.Contains(known, name):
		case media.IsTemp(name):
			c.add(Note, "MEDIUM-LEFTOVER", where, errors.New("the rest of an interrupted write"))
		default:
			c.add(Note, "MEDIUM-UNKNOWN-FILE", where, errors.New("not part of the vault"))
		}
	}
}

func (c *Checked) checkNumbers() {
	dir := path.Join(c.Medium.base, generationsDir)
	names, err := c.Medium.Source.List(dir)
	if err != nil {
		return
	}
	for _, name := range names {
		if _, ok := parseGeneration(name); !ok {
			c.add(Note, "MEDIUM-UNKNOWN-FILE", path.Join(c.Medium.Source.Name(), dir, name), errors.New("not part of the vault"))
		}
	}
}

// listed is one file of one generation.
type listed struct {
	generation int
	name       string
}

// was is how a file that a generation lists was found: nil as it is listed. A check of another
// manifest knows nothing of it.
func (c *Checked) was(g Generation, name string) (err error, known bool) {
	if c == nil || g.Err != nil || c.digests[g.Number] != g.Digest {
		return nil, false
	}
	err, known = c.verified[listed{g.Number, name}]
	return err, known
}

// verifyAll compares every file that is listed with its digest, several at a time.
func (c *Checked) verifyAll(generations []Generation) map[listed]error {
	type job struct {
		generation int
		file       format.ManifestFile
	}
	var jobs []job
	var total int64
	results := map[listed]error{}
	for _, g := range generations {
		if g.Err != nil {
			continue
		}
		for _, f := range g.Manifest.Files {
			if err, known := c.options.Before.was(g, f.Name); known && err == nil {
				results[listed{g.Number, f.Name}] = nil
			} else if c.expects(f.Name) {
				jobs, total = append(jobs, job{g.Number, f}), total+f.Size
			}
		}
	}
	// The largest first, so that none is left alone at the end.
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(b.file.Size, a.file.Size) })
	var mu sync.Mutex
	var done int64
	queue := make(chan job, len(jobs))
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range queue {
				err := c.Medium.verifyListed(j.generation, j.file)
				mu.Lock()
				results[listed{j.generation, j.file.Name}] = err
				if done += j.file.Size; c.options.Progress != nil {
					c.options.Progress(done, total)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return results
}

// expects tells which files of a generation must be on this medium. Pages carry the
// bundles of the compartments and nothing else.
func (c *Checked) expects(name string) bool {
	if c.options.Pages {
		return slices.Contains(format.Compartments(), strings.TrimSuffix(name, ".age"))
	}
	return true
}

// checkIncomplete tells a generation that lost its manifest from the rest of an interrupted write or
// removal. were are those that were whole here, and when.
func (c *Checked) checkIncomplete(g Generation, were map[int]time.Time, newest bool) {
	const back = "`coldvault check --repair` with a medium that has it brings it back, and where none has, move this folder away: what is in it may still be whole"
	severity, err := Damage, g.Err
	seen, whole := were[g.Number]
	judged := c.Medium.fate(g.Number)
	gone := judged == lost && (!newest || c.Medium.wasWhole(g.Number)) // as a restore judges it
	switch {
	case whole:
		err = fmt.Errorf("its manifest is lost: it was whole on %s; %s", seen.Format(time.DateOnly), back)
	case gone:
		err = fmt.Errorf("its manifest is lost, and all of it may have been here; %s", back)
	case judged == leaving:
		severity, err = Note, errors.New("a seal with --keep was interrupted while it removed it, and the next one goes on; to have it here again, copy it")
	case newest && judged == lost: // no seal removes what may be whole
		err = fmt.Errorf("%w; %s", err, back)
	case newest:
		err = fmt.Errorf("%w; a seal onto this medium, or `coldvault check --repair` with one that has it, ends that", err)
	default:
		severity = Note
	}
	if whole || gone {
		c.Generations = append(c.Generations, CheckedGeneration{Number: g.Number, Damaged: true})
	}
	c.add(severity, generationIncomplete, c.Medium.Path(generationDir(g.Number)), err)
}

// checkGeneration judges one generation.
func (c *Checked) checkGeneration(g Generation) {
	m, dir := c.Medium, generationDir(g.Number)
	state := CheckedGeneration{Number: g.Number}
	if g.Err != nil {
		c.add(Damage, "GENERATION-MANIFEST", m.Path(dir),
			fmt.Errorf("%w; `coldvault check --repair` with a medium that has it brings it back, and where none has, move this folder away and seal", g.Err))
		c.Generations = append(c.Generations, state)
		return
	}
	state.Created = g.Manifest.Created.Format("2006-01-02T15:04:05Z")
	known := []string{manifestFile, manifestFile + signatureExt}
	state.Whole, state.Repairable = true, true
	for _, f := range g.Manifest.Files {
		known = append(known, f.Name)
		err := c.verified[listed{g.Number, f.Name}]
		switch {
		case err == nil:
		case errors.Is(err, fs.ErrNotExist) && m.mayLack(f.Name):
			state.Lacks = append(state.Lacks, f.Name)
		default:
			c.checkDamage(g, f, err, &state)
		}
	}
	c.checkNames(path.Join(m.base, dir), known)
	state.Repairable = state.Repairable && !state.Whole
	c.Generations = append(c.Generations, state)
}

// checkDamage says what a damaged file means.
func (c *Checked) checkDamage(g Generation, f format.ManifestFile, err error, state *CheckedGeneration) {
	where := c.Medium.Path(path.Join(generationDir(g.Number), f.Name))
	state.Damaged = true
	if format.IsParity(f.Name) {
		of := strings.TrimSuffix(f.Name, format.ParityName(""))
		if c.verified[listed{g.Number, of}] != nil {
			c.add(Damage, "BUNDLE-PARITY", where, fmt.Errorf("%w; %s is damaged too, and needs it", err, of))
			return
		}
		c.add(Damage, "BUNDLE-PARITY", where, fmt.Errorf("%w; %s is whole, and does not need it", err, of))
		return
	}
	state.Whole = false
	if c.options.Repairs {
		c.add(Damage, "BUNDLE-DIGEST", where, err)
		return
	}
	rebuilt, repairErr := (&Copy{Generation: g, Identity: c.Medium.Identity, media: []*Medium{c.Medium}}).try(f)
	switch {
	case errors.Is(repairErr, media.ErrScratch): // up to here every codeword had enough
		c.add(Damage, "BUNDLE-DIGEST", where, fmt.Errorf("%w; its parity may be enough, which `coldvault check --repair` finds out", err))
		return
	case repairErr != nil:
		state.Repairable, state.Lost = false, append(state.Lost, f.Name)
		c.add(Damage, "BUNDLE-DIGEST", where, fmt.Errorf("%w; this medium alone cannot repair it: %w", err, repairErr))
		return
	}
	c.add(Damage, "BUNDLE-DIGEST", where, fmt.Errorf("%w; it can be restored: %d blocks are rebuilt from parity", err, rebuilt))
}

// largeFile is where memory begins to matter.
const largeFile = 1 << 20

// try assembles a file without keeping it.
func (c *Copy) try(want format.ManifestFile) (rebuilt int, err error) {
	if want.Size > largeFile {
		defer debug.FreeOSMemory() // what was rebuilt, and the codewords, before anything more is read
	}
	b, rebuilt, err := c.assemble(want, nil, is(want))
	if err != nil {
		return 0, err
	}
	return rebuilt, b.Close()
}
