package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// What interrupted writes leave on a medium, and what is to become of it.

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
	m := t.view()
	log, err := m.log()
	fate, logged := m.logged()[rest.Number]
	removed := fate.Result == ledger.Removed
	whole := logged && !removed || log == nil && err != nil // then nobody knows
	for _, g := range known {
		if g.Number != rest.Number {
			continue
		}
		have := m.compareAll(g)
		if len(have.good) == 0 { // it was another one of this number
			continue
		}
		if whole || !removed && len(have.missing) == 0 {
			return g, t.giveBack(g, slices.Concat(have.bad, have.missing))
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
	return rest, t.dir.RemoveAll(path.Join(t.base, generationDir(rest.Number)))
}

// giveBack writes the manifest of a generation of which some files may be bad.
func (t *target) giveBack(g Generation, bad []string) error {
	folder := path.Join(t.base, generationDir(g.Number))
	for _, name := range []string{manifestFile + signatureExt, manifestFile} {
		if err := t.dir.Replace(path.Join(folder, name), g.files[name]); err != nil {
			return err
		}
	}
	note := fmt.Sprintf("generation %d on %s had lost its manifest, which is back", g.Number, t.dir.Name())
	if len(bad) > 0 {
		note += fmt.Sprintf(", and %s is damaged: repair the medium with `coldvault check --repair`", strings.Join(bad, ", "))
	}
	t.notes = append(t.notes, note)
	return sweep(t.dir, folder, func(name string) bool { return slices.Contains(bad, name) })
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
