package vault

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"

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
	fresh   bool                 // it held nothing of the vault: all of it is removed if that fails
	begun   bool                 // the folder of the new generation is made, and removed if it fails
	held    bool                 // it had the generation that is copied, and all of it is whole
	resumed map[string]bool      // what it had of that, by name; nil where the copy begins
	back    []ledger.MediumCheck // generations that have their manifest again, for the log
	retired []Retired
	pending *media.Pending // the file that is being written to it
	notes   []string       // what the operator should know of it
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

// unsigned is the highest number on a medium whose manifest cannot be trusted, 0 for none; newest
// is that of the newest one anywhere that can. Of those without a manifest what was whole counts, and with
// rests all.
func (t *target) unsigned(newest int, rests bool) (number int, err error) {
	for _, g := range t.have {
		if g.Err == nil || errors.Is(g.Err, ErrIncomplete) && !rests && t.view().fate(g.Number) != lost {
			continue
		}
		if g.Number > newest+ledger.MaxLeap { // they ascend
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
