package vault

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// Duplicated says where a generation now is.
type Duplicated struct {
	Media  []string          // that hold it now, proven
	Held   []string          // those of them that had it already
	Failed []*TargetError    // the others
	Notes  []string          // what is damaged on the media it was read from
	IDs    map[string]string // of the media that hold it, as far as their logs say
	Newest map[string]int    // generation on each of them that is whole: one that is copied may be older
	// Unlogged are the media that hold it and whose log could not be written.
	Unlogged []*TargetError
}

// Duplicate puts a generation, the identity of its vault and the kit onto more media. It
// needs no secret: everything is copied as it was signed, compared with its signed digest
// while it is read, and read back from every medium. What a medium has of the generation, because
// a copy was interrupted, stays and is read like the source. now goes into the logs. The result has notes
// also with an error. Keeps G22.
func (c *Copy) Duplicate(dirs []*media.Dir, now time.Time, progress func(step string, done, total int64)) (*Duplicated, error) {
	d := &duplicating{Copy: c, result: &Duplicated{Newest: map[string]int{}}, now: now, progress: newSteps(progress)}
	if err := c.complete(); err != nil {
		return d.result, err
	}
	ts := openTargets(c.Identity, dirs)
	ts.number, d.targets = c.Number, ts
	defer ts.close()
	kit := d.kit()
	known := []Generation{c.Generation}
	for _, m := range c.media {
		have, _ := m.Generations(c.Identity) // what is not known helps nobody
		known = append(known, have...)
	}
	known = ts.known(known)
	err := ts.each(all, func(t *target) error {
		kit := kit
		// The vault has signed that too, perhaps with programs for more platforms.
		if have := readKit(t.medium(c.Identity.Vault.ID), c.Identity); have.whole() && len(have.good) > 0 {
			kit = nil
		} else if kit == nil {
			t.notes = append(t.notes, fmt.Sprintf("no medium that was read has a good kit: %s tells nobody how to restore; write it with `coldvault kit`", t.dir.Name()))
		}
		if err := t.begin(c.Identity, kit, known, false); err != nil {
			return err
		}
		return d.prepare(t)
	})
	held := slices.DeleteFunc(slices.Clone(ts.good), func(t *target) bool { return !t.held })
	ts.good = slices.DeleteFunc(ts.good, func(t *target) bool { return t.held })
	if err == nil && len(ts.good) > 0 {
		err = d.write()
	}
	var source *sourceError
	if errors.As(err, &source) {
		for _, t := range ts.good {
			ts.drop(t, err)
		}
		ts.good = nil
	} else {
		err = nil // it is among those that failed
	}
	ts.good = append(ts.good, held...)
	d.result.IDs, d.result.Unlogged = ts.log(now)
	for _, t := range ts.good {
		if t.held {
			d.result.Held = append(d.result.Held, t.dir.Name())
		}
		d.result.Notes = append(d.result.Notes, t.notes...)
		d.result.Media = append(d.result.Media, t.dir.Name())
		d.result.Newest[t.dir.Name()] = t.newestWhole(c.Number)
	}
	d.result.Failed, d.result.Notes = ts.failed, append(d.result.Notes, ts.notes...)
	if len(held) > 0 {
		err = nil
	}
	return d.result, err
}

// prepare finds out what a medium has of the generation, and makes room for the rest.
func (d *duplicating) prepare(t *target) (err error) {
	if t.held, err = t.holdsAlready(d.Generation, d.progress); err != nil || t.held {
		return err
	}
	have := t.view().compareAll(d.Generation)
	for _, name := range slices.Concat(have.bad, have.missing) {
		rest, _ := d.Manifest.File(name)
		rest.Name = media.TempName(name)
		if t.view().verifyListed(d.Copy.Number, rest) != nil {
			continue
		}
		// It is whole: the power failed in the middle of its rename.
		if err := t.dir.Adopt(path.Join(t.base, generationDir(d.Copy.Number), name)); err != nil {
			return err
		}
		have.good = append(have.good, name)
	}
	if have.another() {
		return fmt.Errorf("none of the files that it has of generation %d, without its manifest, is as it is listed: it may be another one of that number, and nothing is written over it; a seal onto the medium removes what was never whole, or move that folder away", d.Copy.Number)
	}
	if t.view().fate(d.Copy.Number) == leaving {
		// Or what a cut leaves of the copy would be taken for what the removal has left.
		if _, err := logMedium(t.dir, t.base, d.now, ledger.MediumCheck{Generation: d.Copy.Number, Result: ledger.Incomplete}); err != nil {
			return err
		}
	}
	if len(have.good)+len(have.bad) == 0 {
		return t.makeFolder(d.Copy.Number)
	}
	t.resumed = map[string]bool{}
	for _, name := range have.good {
		t.resumed[name] = true
	}
	return nil
}

// write copies every file to the media that lack it, and the manifest last.
func (d *duplicating) write() error {
	together := *d.Copy
	for _, t := range d.good {
		if t.resumed != nil {
			together.media = append(slices.Clip(together.media), t.view())
		}
	}
	d.Copy = &together
	for _, f := range d.Manifest.Files {
		if !slices.ContainsFunc(d.good, func(t *target) bool { return !t.resumed[f.Name] }) {
			continue
		}
		if err := d.file(f); err != nil {
			return err
		}
	}
	g := &generation{number: d.Copy.Number, digest: d.Digest, manifest: d.Manifest, files: map[string][]byte{}}
	for _, name := range []string{manifestFile, manifestFile + signatureExt} {
		g.files[name] = d.Generation.files[name]
	}
	return d.each(all, func(t *target) error {
		if t.resumed != nil { // the signature comes before the manifest, and was perhaps there
			folder := path.Join(t.base, generationDir(g.number))
			if err := errors.Join(t.dir.RemoveAll(path.Join(folder, manifestFile+signatureExt)), sweep(t.dir, folder, nil)); err != nil {
				return err
			}
		}
		return t.finish(g, d.Identity.Vault.ID, false)
	})
}

// newestWhole reads what is newer than the generation that was copied.
func (t *target) newestWhole(copied int) int {
	for _, g := range slices.Backward(t.have) {
		if g.Number > copied && g.Err == nil && t.holds(g, func(int) {}) {
			return g.Number
		}
	}
	return copied
}

// complete refuses what is no whole copy to copy from.
func (c *Copy) complete() error {
	if err := c.Identity.whole(); err != nil {
		return err
	}
	for _, m := range c.media {
		if !m.mayLack(archivePrefix) {
			return nil
		}
	}
	for _, f := range c.Manifest.Files {
		if strings.HasPrefix(f.Name, archivePrefix) {
			return fmt.Errorf("pages and the vault's folder hold no archives: generation %d has %s, which only a medium can give", c.Number, f.Name)
		}
	}
	return nil
}

type duplicating struct {
	*Copy
	*targets
	result   *Duplicated
	now      time.Time
	progress steps
}

// sourceError is one of what is read: no other target helps.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

// kit is the kit of the first medium that has a good one.
func (d *duplicating) kit() map[string][]byte {
	for _, m := range d.media {
		k := readKit(m, d.Identity)
		if !k.whole() {
			continue
		}
		if files, err := k.files(); err == nil {
			return files
		}
	}
	return nil
}

// file copies one file from the first medium where it is whole, or out of all of them.
func (d *duplicating) file(want format.ManifestFile) error {
	var failures []error
	absent := 0
	for _, m := range d.media {
		err := d.from(want, func() (media.Blob, error) { return m.openListed(d.Copy.Number, want.Name) })
		var source *sourceError
		if err == nil || !errors.As(err, &source) {
			return err
		}
		if errors.Is(err, fs.ErrNotExist) && m.mayLack(want.Name) {
			absent++
			continue
		}
		note := fmt.Errorf("%s: %w", m.Path(path.Join(generationDir(d.Copy.Number), want.Name)), explain(want.Name, source.error))
		failures = append(failures, note)
		d.result.Notes = append(d.result.Notes, note.Error())
	}
	err := d.again(want)
	if err != nil && absent == len(d.media) {
		return &sourceError{fmt.Errorf("pages hold no archives and no ledger, and the vault's folder no archives: generation %d has %s, which only a medium can give", d.Copy.Number, want.Name)}
	}
	if err != nil {
		return &sourceError{errors.Join(append(failures, err)...)}
	}
	return nil
}

// again copies what had to be put together.
func (d *duplicating) again(want format.ManifestFile) error {
	if format.IsParity(want.Name) {
		return d.parityAgain(want)
	}
	b, _, err := d.assemble(want, nil, is(want))
	// What does not fit into memory is kept on a target until it is copied.
	for _, t := range slices.Clone(d.good) {
		if !errors.Is(err, media.ErrScratch) {
			break
		}
		scratch, scratchErr := t.dir.Rewrite(path.Join(t.base, generationDir(d.Copy.Number), want.Name+scratchExt))
		if scratchErr != nil {
			continue
		}
		defer scratch.Abort()
		b, _, err = d.assemble(want, scratch, is(want))
	}
	if err != nil {
		return err
	}
	return d.from(want, func() (media.Blob, error) { return b, nil })
}

// parityAgain makes parity of what each target has already: a file comes before its parity.
func (d *duplicating) parityAgain(want format.ManifestFile) error {
	of, err := d.parityOf(want)
	if err != nil {
		return err
	}
	return d.each(parallelParity, func(t *target) error {
		if t.resumed[want.Name] {
			return nil
		}
		m := t.view()
		from, err := m.openListed(d.Copy.Number, of.Name)
		if err != nil {
			return err
		}
		defer from.Close()
		p, err := t.create(path.Join(t.base, generationDir(d.Copy.Number), want.Name))
		if err != nil {
			return err
		}
		if err := media.WriteParity(p, from, of.Size, media.ParityOptions{}); err != nil {
			p.Abort()
			return err
		}
		if err := p.Commit(); err != nil {
			return err
		}
		return m.verifyListed(d.Copy.Number, want)
	})
}

// from streams one file to all targets and reads it back from each.
func (d *duplicating) from(want format.ManifestFile, open func() (media.Blob, error)) error {
	b, err := open()
	if err != nil {
		return &sourceError{err}
	}
	defer b.Close()
	if b.Size() != want.Size { // before a byte is written
		return &sourceError{compareDigest(b.Size(), nil, want)}
	}
	name := func(t *target) string { return path.Join(t.base, generationDir(d.Copy.Number), want.Name) }
	err = d.each(all, func(t *target) (err error) {
		if !t.resumed[want.Name] {
			t.pending, err = t.create(name(t))
		}
		return err
	})
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = copyAt(io.MultiWriter(sum, writerFunc(func(p []byte) (int, error) {
		return len(p), d.each(all, func(t *target) error {
			if t.pending == nil {
				return nil
			}
			_, err := t.pending.Write(p)
			return err
		})
	})), b, want.Size, d.progress(want.Name, want.Size))
	if d.any() != nil {
		return d.any()
	}
	if err == nil {
		err = compareDigest(want.Size, sum.Sum(nil), want)
	}
	if err != nil {
		for _, t := range d.good {
			if t.pending != nil {
				t.pending.Abort()
				t.pending = nil
			}
		}
		return &sourceError{err}
	}
	return d.each(all, func(t *target) error {
		pending := t.pending
		if pending == nil {
			return nil
		}
		t.pending = nil
		if err := pending.Commit(); err != nil {
			return err
		}
		return t.view().verifyListed(d.Copy.Number, want)
	})
}

// create begins a file; where a copy goes on, there may be a damaged one.
func (t *target) create(name string) (*media.Pending, error) {
	if t.resumed != nil {
		return t.dir.Rewrite(name)
	}
	return t.dir.Create(name)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
