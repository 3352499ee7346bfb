package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// target is a medium that is being written to. It is locked.
type target struct {
	dir     *media.Dir
	base    string
	have    []Generation
	unlock  func()
	fresh   bool            // it held nothing of the vault: all of it is removed if that fails
	begun   bool            // the folder of the new generation is made, and removed if it fails
	held    bool            // it had the generation that is copied, and all of it is whole
	resumed map[string]bool // what it had of that, by name; nil where the copy begins
	pending *media.Pending  // the file that is being written to it
	notes   []string        // what the operator should know of it
}

// targets are the media of one operation. One that fails drops out and does not stop
// the others.
type targets struct {
	good   []*target
	aside  []*target // those that failed before anything was written; they are not locked
	failed []*TargetError
	number int // of the generation that is written
	notes  []string
}

// openTargets locks the media, looks at what is on them already, and sets those aside
// that cannot take a generation of this vault.
func openTargets(id *Identity, dirs []*media.Dir) *targets {
	ts := &targets{}
	for _, dir := range dirs {
		t := &target{dir: dir, base: path.Join(mediumFolder, id.Vault.ID), unlock: func() {}}
		if err := t.open(id); err != nil {
			ts.setAside(t, err)
			continue
		}
		ts.good = append(ts.good, t)
	}
	return ts
}

// setAside leaves a medium as it is.
func (ts *targets) setAside(t *target, err error) {
	t.unlock()
	ts.aside = append(ts.aside, t)
	ts.failed = append(ts.failed, &TargetError{Medium: t.dir.Name(), Err: err})
}

func (t *target) open(id *Identity) error {
	unlock, err := t.dir.Lock()
	if err == nil {
		t.unlock = unlock
	}
	return errors.Join(err, t.look(id))
}

// look finds the generations on a medium, also where it cannot be written to or what it holds
// of the vault is damaged: the numbers are taken.
func (t *target) look(id *Identity) error {
	exists, err := t.dir.Exists(t.base)
	if t.fresh = err == nil && !exists; err != nil || t.fresh {
		return err
	}
	m := t.medium(id.Vault.ID)
	if m.Identity != nil && m.Identity.Fingerprint != id.Fingerprint {
		return errors.New("it holds another vault of the same id")
	}
	if t.have, err = m.Generations(id); err != nil {
		return err
	}
	exists, err = t.dir.Exists(path.Join(t.base, vaultFile))
	if exists && m.Err != nil {
		return fmt.Errorf("what it holds of this vault is damaged: %w", m.Err)
	}
	return err
}

// view is the medium for what needs no identity.
func (t *target) view() *Medium { return &Medium{Source: t.dir, base: t.base} }

func (t *target) medium(vaultID string) *Medium {
	m := &Medium{Source: t.dir, ID: vaultID, base: t.base}
	m.open()
	return m
}

// maxLeap is how far above every signed generation the number of a damaged one is believed: it
// is the name of a folder, which anything may have changed.
const maxLeap = 1000

// unsigned is the highest number on a medium whose manifest cannot be trusted, 0 for none; newest
// is that of the newest one anywhere that can. With rests, what has no manifest counts as well.
func (t *target) unsigned(newest int, rests bool) (number int, err error) {
	for _, g := range t.have {
		if g.Err == nil || errors.Is(g.Err, ErrIncomplete) && !rests {
			continue
		}
		if g.Number > newest+maxLeap { // they ascend
			return number, fmt.Errorf("it has a folder %s without a manifest that can be trusted, and the newest generation with one is %d: move that folder away and seal again",
				path.Join(t.base, generationDir(g.Number)), newest)
		}
		number = max(number, g.Number)
	}
	return number, nil
}

// close gives up what is half written, and the locks.
func (ts *targets) close() {
	for _, t := range ts.good {
		if t.pending != nil {
			t.pending.Abort()
		}
		t.unlock()
	}
}

// each does something on every medium, at most limit at a time, and drops those where
// it fails. The error is not nil where no medium is left.
func (ts *targets) each(limit int, do func(*target) error) error {
	errs := make([]error, len(ts.good))
	places := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for i, t := range ts.good {
		places <- struct{}{}
		wg.Go(func() {
			errs[i] = do(t)
			<-places
		})
	}
	wg.Wait()
	var good []*target
	for i, t := range ts.good {
		if errs[i] == nil {
			good = append(good, t)
			continue
		}
		ts.drop(t, errs[i])
	}
	ts.good = good
	return ts.any()
}

// any is an error where no medium is left.
func (ts *targets) any() error {
	if len(ts.good) > 0 {
		return nil
	}
	var errs []error
	for _, f := range ts.failed {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

// drop takes away what a failed medium has of the new generation: it does not count, but
// takes room.
func (ts *targets) drop(t *target, err error) {
	if t.pending != nil {
		t.pending.Abort()
		t.pending = nil
	}
	switch {
	case t.fresh:
		_ = t.dir.RemoveAll(t.base)
	case t.begun:
		_ = t.dir.RemoveAll(path.Join(t.base, generationDir(ts.number)))
	}
	t.unlock()
	ts.notes = append(ts.notes, t.notes...)
	ts.failed = append(ts.failed, &TargetError{Medium: t.dir.Name(), Err: err})
}

// known are the generations whose manifests can be trusted, on the media of this operation and
// elsewhere.
func (ts *targets) known(elsewhere []Generation) []Generation {
	for _, t := range slices.Concat(ts.good, ts.aside) {
		elsewhere = append(elsewhere, t.have...)
	}
	return slices.DeleteFunc(elsewhere, func(g Generation) bool { return g.Err != nil })
}

// all is the limit of each where nothing but the media themselves is slow.
const all = 1000

// begin removes the rests of interrupted writes, those of generations if it sweeps, and brings
// everything that does not belong to one generation; kit is nil where that on the medium is left alone.
// known are the generations at hand.
func (t *target) begin(id *Identity, kit map[string][]byte, known []Generation, sweeps bool) error {
	if err := t.clean(known, sweeps); err != nil {
		return err
	}
	if err := writeIdentity(t.dir, t.base, id); err != nil {
		return err
	}
	if kit != nil {
		return t.writeKit(kit)
	}
	return nil
}

// makeFolder makes the folder of a generation that must not exist.
func (t *target) makeFolder(number int) error {
	folder := path.Join(t.base, generationDir(number))
	exists, err := t.dir.Exists(path.Join(folder, manifestFile))
	if err != nil {
		return err
	}
	if exists {
		return fmt.Errorf("it holds a generation %d already", number)
	}
	if err := t.dir.RemoveAll(folder); err != nil {
		return err
	}
	t.begun = true
	return t.dir.MkdirAll(folder)
}

// clean removes the rests of interrupted writes: generations without a manifest, and
// temporary files. A generation that lacks nothing else gets its manifest back. Keeps G22.
func (t *target) clean(known []Generation, sweeps bool) error {
	for _, folder := range []string{t.base, path.Join(t.base, kitDir)} {
		if err := sweep(t.dir, folder, nil); err != nil {
			return err
		}
	}
	for i, old := range t.have {
		folder := path.Join(t.base, generationDir(old.Number))
		var err error
		if errors.Is(old.Err, ErrIncomplete) {
			t.have[i], err = t.complete(old, known, sweeps)
		} else {
			err = sweep(t.dir, folder, func(name string) bool { return t.isDamaged(old, name) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// complete says what becomes of a generation without a manifest. The one that is known comes back
// where every file that it lists is there, if damaged by now: they are durable before the manifest is
// written. What the log of the medium knows to have been whole may lack files too, and stays also where
// nobody knows its manifest. Anything else is the rest of an interrupted write or removal: sweeps
// tells that it is to go, which it does unless the other media lack something of it.
func (t *target) complete(rest Generation, known []Generation, sweeps bool) (Generation, error) {
	folder, m := path.Join(t.base, generationDir(rest.Number)), t.view()
	log, err := m.log()
	_, whole := m.held()[rest.Number]
	whole = whole || log == nil && err != nil // nobody knows
	removed := m.logged()[rest.Number].Result == ledger.Removed
	for _, g := range known {
		if g.Number != rest.Number {
			continue
		}
		have := m.compareAll(g)
		if len(have.good) == 0 { // it was another one of this number
			continue
		}
		if !removed && (len(have.missing) == 0 || whole) {
			for _, name := range []string{manifestFile + signatureExt, manifestFile} {
				if err := t.dir.Replace(path.Join(folder, name), g.files[name]); err != nil {
					return rest, err
				}
			}
			note := fmt.Sprintf("generation %d on %s had lost its manifest, which is back", g.Number, t.dir.Name())
			bad := slices.Concat(have.bad, have.missing)
			if len(bad) > 0 {
				note += fmt.Sprintf(", and %s is damaged: repair the medium with `coldvault check --repair`", strings.Join(bad, ", "))
			}
			t.notes = append(t.notes, note)
			return g, sweep(t.dir, folder, func(name string) bool { return slices.Contains(bad, name) })
		}
		if name, on := m.onlyHere(g, have.good, known); name != "" {
			t.notes = append(t.notes, fmt.Sprintf("what an interrupted write had left of generation %d on %s stays: its %s is good, and that on %s is not; `coldvault check --repair %s %s` puts them together",
				rest.Number, t.dir.Name(), name, on, on, t.dir.Name()))
			return rest, nil
		}
	}
	switch {
	case whole:
		t.notes = append(t.notes, fmt.Sprintf("generation %d on %s has lost its manifest, and nothing here has it: the rest stays, for `coldvault check --repair` with another medium",
			rest.Number, t.dir.Name()))
		return rest, nil
	case !sweeps:
		return rest, nil
	}
	t.notes = append(t.notes, fmt.Sprintf("what an interrupted write had left of generation %d on %s is removed", rest.Number, t.dir.Name()))
	return rest, t.dir.RemoveAll(folder)
}

// compared is what a medium has of a generation: the files that are as they are listed, and the
// names of the others.
type compared struct {
	good         []format.ManifestFile
	bad, missing []string
}

// another tells that it has files, and none of this generation.
func (c compared) another() bool { return len(c.good) == 0 && len(c.bad) > 0 }

// compareAll reads all files of a generation that are there.
func (m *Medium) compareAll(g Generation) (c compared) {
	for _, f := range g.Manifest.Files {
		switch err := m.verifyListed(g.Number, f); {
		case err == nil:
			c.good = append(c.good, f)
		case errors.Is(err, fs.ErrNotExist):
			c.missing = append(c.missing, f.Name)
		default:
			c.bad = append(c.bad, f.Name)
		}
	}
	return c
}

// onlyHere names one of the good files of a generation that no other medium at hand has, though
// one has the generation, and that medium.
func (m *Medium) onlyHere(g Generation, good []format.ManifestFile, known []Generation) (name, on string) {
	var others []*Medium
	for _, k := range known {
		if k.Number == g.Number && k.Digest == g.Digest && k.on.Source != m.Source && !k.on.OwnFolder() {
			others = append(others, k.on)
		}
	}
	if len(others) == 0 {
		return "", ""
	}
	for _, f := range good {
		if !slices.ContainsFunc(others, func(o *Medium) bool { return o.verifyListed(g.Number, f) == nil }) {
			return f.Name, others[0].Source.Name()
		}
	}
	return "", ""
}

// holdsAlready tells whether the medium has the generation, and every file of it as it is listed. The
// error says why the generation cannot be written either.
func (t *target) holdsAlready(want Generation, progress steps) (bool, error) {
	for _, g := range t.have {
		switch {
		case g.Number != want.Number || errors.Is(g.Err, ErrIncomplete):
		case g.Err != nil:
			return false, fmt.Errorf("it holds a generation %d already, which is damaged: %w", g.Number, g.Err)
		case g.Digest != want.Digest:
			return false, fmt.Errorf("it holds another generation %d, signed by the vault too", g.Number)
		case !t.holds(g, progress("reading what is on "+t.dir.Name(), g.size())):
			return false, fmt.Errorf("it holds generation %d already, and some of it is damaged: repair it with `coldvault check --repair` and a medium that it is whole on", g.Number)
		default:
			return true, nil
		}
	}
	return false, nil
}

// holds tells whether every file that a generation lists is there, as it is listed.
func (t *target) holds(g Generation, progress func(int)) bool {
	m := t.view()
	return !slices.ContainsFunc(g.Manifest.Files, func(f format.ManifestFile) bool {
		err := m.verifyListed(g.Number, f)
		progress(int(f.Size))
		return err != nil
	})
}

// isDamaged tells whether a file is not as its generation lists it, or nobody knows. The
// rest of its repair may be the only whole copy there is.
func (t *target) isDamaged(g Generation, name string) bool {
	want, listed := g.Manifest.File(name)
	return g.Err != nil || listed && t.view().verifyListed(g.Number, want) != nil
}

// sweep removes temporary files, but not one that has the only content of a file: a power
// cut in the middle of a rename on FAT leaves that, and a repair adopts it. Nor what spare
// says of the file, if it is not nil.
func sweep(dir *media.Dir, folder string, spare func(name string) bool) error {
	names, err := dir.List(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		final, temporary := media.CutTemp(name)
		final = strings.TrimSuffix(final, restExt)
		if !temporary || !slices.Contains(names, final) && !strings.HasSuffix(final, scratchExt) {
			continue
		}
		if spare != nil && spare(final) {
			continue
		}
		if err := dir.RemoveAll(path.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the files of the generation that are in memory, the manifest last, and
// proves the medium by opening it as a restore would. newest wants that a restore takes
// this generation unless another is asked for.
func (t *target) finish(g *generation, vaultID string, newest bool) error {
	if err := g.write(t.dir, path.Join(t.base, generationDir(g.number))); err != nil {
		return err
	}
	found, err := OpenMedia(t.dir)
	if err != nil {
		return err
	}
	copies, err := GatherCopies(found, vaultID)
	if err != nil {
		return err
	}
	number := g.number
	if newest {
		number = 0
	}
	taken, err := copies.Select(number)
	if err == nil && taken.Digest != g.digest {
		err = fmt.Errorf("a restore from it would take another generation %d, not the one just written", taken.Number)
	}
	if err == nil {
		t.fresh, t.begun = false, false // it is there now
	}
	return err
}

// retire removes old generations when a new one is proven and enough newer ones are whole, the
// new one among them. Only where something is to go, what stays is read for that. A damaged one
// does not count, and stays until enough that are newer do; so do the newest archives, where
// nothing else that stays has any. The log of the medium says which one goes, before it does, and
// the manifest goes first: wherever the power fails, the rest does not count, and is not taken for
// one that was damaged.
func (t *target) retire(newest *generation, now time.Time, keep int, progress steps) (removed []int, err error) {
	old := slices.DeleteFunc(slices.Clone(t.have), func(g Generation) bool { return g.Err != nil })
	if len(old) < keep {
		return nil, nil
	}
	slices.SortFunc(old, func(a, b Generation) int { return b.Number - a.Number })
	whole, archives := 1, hasArchives(newest.manifest)
	var excess []int
	for _, g := range old {
		enough := whole >= keep
		if enough && (archives || !hasArchives(g.Manifest)) {
			excess = append(excess, g.Number)
			continue
		}
		switch holds := t.holds(g, progress(fmt.Sprintf("reading generation %d on %s", g.Number, t.dir.Name()), g.size())); {
		case !holds:
			t.notes = append(t.notes, fmt.Sprintf("generation %d on %s is damaged: it stays, and does not count for --keep %d; repair the medium with `coldvault check --repair`",
				g.Number, t.dir.Name(), keep))
			continue
		case enough:
			t.notes = append(t.notes, fmt.Sprintf("generation %d stays on %s beyond --keep %d: nothing newer there that is whole has an archive",
				g.Number, t.dir.Name(), keep))
		}
		whole, archives = whole+1, archives || hasArchives(g.Manifest)
	}
	slices.Sort(excess)
	if len(excess) > 0 {
		t.logRemoved(now, excess)
	}
	for i, n := range excess {
		if err := removeGeneration(t.dir, path.Join(t.base, generationDir(n))); err != nil {
			return excess[:i], err
		}
	}
	return excess, nil
}

// logRemoved notes in the log of the medium what is going, and what went by hand. A log that cannot
// be written takes nothing away: a removal that is cut then looks like damage.
func (t *target) logRemoved(now time.Time, excess []int) {
	held := t.view().held()
	var lines []ledger.MediumCheck
	for _, n := range slices.Sorted(maps.Keys(held)) {
		there := slices.ContainsFunc(t.have, func(g Generation) bool { return g.Number == n })
		if slices.Contains(excess, n) || !there && n < slices.Max(excess) {
			lines = append(lines, ledger.MediumCheck{Generation: n, Result: ledger.Removed})
		}
	}
	if len(lines) == 0 {
		return
	}
	if _, err := logMedium(t.dir, t.base, now, lines...); err != nil {
		t.notes = append(t.notes, fmt.Sprintf("the log of %s does not say what is removed: %v", t.dir.Name(), err))
	}
}

func hasArchives(m format.Manifest) bool { return len(m.Parts(1)) > 0 }

func removeGeneration(dir *media.Dir, folder string) error {
	if err := dir.RemoveAll(path.Join(folder, manifestFile)); err != nil {
		return err
	}
	return dir.RemoveAll(folder)
}

// write puts the files of the generation that are in memory into its folder. The order
// is the invariant: whatever is listed is durable and read back before the manifest that
// lists it, and the manifest is last (FORMAT.md section 2). Keeps G4.
func (g *generation) write(dir *media.Dir, folder string) error {
	names := make([]string, 0, len(g.files))
	for _, f := range g.manifest.Files {
		if g.files[f.Name] != nil {
			names = append(names, f.Name)
		}
	}
	for _, name := range append(names, manifestFile+signatureExt, manifestFile) {
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

// generation is a new one, in memory but for its archives: public files and ciphertext
// only.
type generation struct {
	number   int
	digest   string // hex SHA-256 of manifest.json
	manifest format.Manifest
	files    map[string][]byte
}
