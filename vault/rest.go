package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"coldvault/media"
	"coldvault/vault/ledger"
)

// What interrupted writes leave on a medium, and what is to become of it.

// clean removes the rests of interrupted writes: generations without a manifest, and
// temporary files. A generation that lacks nothing else gets its manifest back. Keeps G22.
func (t *target) clean(known []Generation, sweeps bool) error {
	if _, err := t.view().log(); err != nil {
		t.notes = append(t.notes, fmt.Sprintf("the log of %s is damaged, and what is sound of it is kept: %v", t.dir.Name(), err))
	}
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
// where it was whole, or every file that it lists is there, if damaged by now: they are durable before
// the manifest is written. What was whole stays also where nobody knows its manifest. The rest of an
// interrupted write is made whole, or at least stays, where something of it is nowhere else at hand.
// What else is left of one, or of a removal, goes if sweeps says so.
func (t *target) complete(rest Generation, known []Generation, sweeps bool) (Generation, error) {
	m, where := t.view(), fmt.Sprintf("generation %d on %s", rest.Number, t.dir.Name())
	judged := m.fate(rest.Number)
	read := map[string]bool{}
	for _, g := range known {
		if g.Number != rest.Number || read[g.Digest] {
			continue
		}
		read[g.Digest] = true
		have := m.compareAll(g)
		lacks := slices.Concat(have.bad, have.missing)
		if len(have.good) == 0 { // it was another one of this number
			continue
		}
		if judged == lost || judged == unfinished && len(have.missing) == 0 {
			return g, t.giveBack(g, lacks, judged)
		}
		if name := have.onlyHere(g, m, known); judged == unfinished && name != "" {
			err := t.fillIn(g, lacks, known)
			if err == nil {
				return g, t.giveBack(g, nil, judged)
			}
			t.notes = append(t.notes, fmt.Sprintf("what an interrupted write had left of %s stays, for nothing else here has its %s whole, and it could not be completed: %v; `coldvault check --repair` with another medium that has the generation completes it; remove the folder if there is a copy elsewhere",
				where, name, err))
			return rest, nil
		}
	}
	switch {
	case judged == lost:
		t.notes = append(t.notes, where+" has lost its manifest, and nothing here has the one it had: the rest stays, for `coldvault check --repair` with another medium")
		return rest, nil
	case !sweeps:
		return rest, nil
	}
	what := "write"
	if judged == leaving {
		what = "removal"
	}
	t.notes = append(t.notes, fmt.Sprintf("what an interrupted %s had left of %s is removed", what, where))
	return rest, t.dir.RemoveAll(path.Join(t.base, generationDir(rest.Number)))
}

// fillIn writes the files of a generation that a medium lacks, if all of them are small and whole
// elsewhere at hand.
func (t *target) fillIn(g Generation, lacks []string, known []Generation) error {
	found := map[string][]byte{}
	for _, name := range lacks {
		f, _ := g.Manifest.File(name)
		for _, k := range known {
			if k.Number == g.Number && k.Digest == g.Digest && f.Size <= MaxBundle && found[name] == nil {
				if data, err := k.on.readListed(g.Number, f); err == nil {
					found[name] = data
				}
			}
		}
		if found[name] == nil {
			return fmt.Errorf("%s is nowhere here", name)
		}
	}
	for _, name := range lacks {
		if err := ensure(t.dir, path.Join(t.base, generationDir(g.Number), name), found[name]); err != nil {
			return err
		}
	}
	return nil
}

// giveBack writes the manifest of a generation of which some files may be bad.
func (t *target) giveBack(g Generation, bad []string, was fate) error {
	folder := path.Join(t.base, generationDir(g.Number))
	for _, name := range []string{manifestFile + signatureExt, manifestFile} {
		if err := t.dir.Replace(path.Join(folder, name), g.files[name]); err != nil {
			return err
		}
	}
	note := fmt.Sprintf("generation %d on %s had lost its manifest, which is back", g.Number, t.dir.Name())
	if was == unfinished {
		note = fmt.Sprintf("an interrupted write of generation %d on %s is completed", g.Number, t.dir.Name())
	}
	result := ledger.Written
	if len(bad) > 0 {
		note += fmt.Sprintf("; repair the medium with `coldvault check --repair`, for damage in %s", strings.Join(bad, ", "))
		result = ledger.Damaged
	}
	t.notes = append(t.notes, note)
	t.back = append(t.back, ledger.MediumCheck{Generation: g.Number, Result: result})
	return sweep(t.dir, folder, func(name string) bool { return slices.Contains(bad, name) })
}

// compared is what a medium has of a generation: the files that are as they are listed, those that
// are not, those that are not there, and what is there that is not listed.
type compared struct {
	good, bad, missing, strange []string
}

// another tells that what is there is not of this generation.
func (c compared) another() bool { return len(c.good) == 0 && len(c.bad)+len(c.strange) > 0 }

// compareAll reads all files of a generation that are there.
func (m *Medium) compareAll(g Generation) (c compared) {
	for _, f := range g.Manifest.Files {
		switch err := m.verifyListed(g.Number, f); {
		case err == nil:
			c.good = append(c.good, f.Name)
		case errors.Is(err, fs.ErrNotExist):
			c.missing = append(c.missing, f.Name)
		default:
			c.bad = append(c.bad, f.Name)
		}
	}
	names, _ := m.Source.List(path.Join(m.base, generationDir(g.Number))) // nothing is there
	for _, name := range names {
		if _, listed := g.Manifest.File(name); !listed && !media.IsTemp(name) && name != manifestFile && name != manifestFile+signatureExt {
			c.strange = append(c.strange, name)
		}
	}
	return c
}

// onlyHere names a file of a generation that a medium has, good or bad, and no other at hand has
// whole, "" for none.
func (c compared) onlyHere(g Generation, m *Medium, known []Generation) string {
	for _, name := range slices.Concat(c.good, c.bad) {
		f, _ := g.Manifest.File(name)
		whole := func(k Generation) bool {
			return k.Number == g.Number && k.Digest == g.Digest && k.on.Source != m.Source && k.on.verifyListed(g.Number, f) == nil
		}
		if !slices.ContainsFunc(known, whole) {
			return name
		}
	}
	return ""
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
