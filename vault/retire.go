package vault

import (
	"fmt"
	"path"
	"slices"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// Retired is a generation that was removed from a medium, and how many archives went with it.
type Retired struct{ Generation, Archives int }

// retire removes old generations when a new one is proven and enough newer ones are whole, the
// new one among them; newest is nil where only those count that were there. Only where something is to go, what stays is read for that. A damaged one
// does not count, and stays until enough that are newer do; so does one with more archives than
// each that stays: which files they are of is sealed, but one of them at least is nowhere else. The log of the medium says which one goes, before it does, and
// the manifest goes first: wherever the power fails, the rest does not count, and is not taken for
// one that was damaged.
func (t *target) retire(newest *generation, now time.Time, keep int, progress steps) error {
	whole, archives := 0, 0
	if newest != nil {
		whole, archives = 1, archivesOf(newest.manifest)
	}
	old := slices.DeleteFunc(slices.Clone(t.have), func(g Generation) bool { return g.Err != nil })
	if whole+len(old) <= keep {
		return nil
	}
	slices.SortFunc(old, func(a, b Generation) int { return b.Number - a.Number })
	var excess []Retired
	for _, g := range old {
		enough := whole >= keep
		if enough && archives >= archivesOf(g.Manifest) {
			excess = append(excess, Retired{g.Number, archivesOf(g.Manifest)})
			continue
		}
		switch holds := t.holds(g, progress(fmt.Sprintf("reading generation %d on %s", g.Number, t.dir.Name()), g.size())); {
		case !holds:
			t.notes = append(t.notes, fmt.Sprintf("generation %d on %s is damaged: it stays, and does not count for --keep %d; repair the medium with `coldvault check --repair`",
				g.Number, t.dir.Name(), keep))
			continue
		case enough:
			t.notes = append(t.notes, fmt.Sprintf("generation %d stays on %s beyond --keep %d: nothing newer there that is whole has as many archives (%d)",
				g.Number, t.dir.Name(), keep, archivesOf(g.Manifest)))
		}
		whole, archives = whole+1, max(archives, archivesOf(g.Manifest))
	}
	slices.Reverse(excess)
	logErr := t.logRemoved(now, excess)
	for _, r := range excess {
		n := r.Generation
		if err := removeGeneration(t.dir, path.Join(t.base, generationDir(n))); err != nil {
			return err
		}
		t.retired = append(t.retired, r)
		t.have = slices.DeleteFunc(t.have, func(g Generation) bool { return g.Number == n })
		t.back = slices.DeleteFunc(t.back, func(c ledger.MediumCheck) bool { return c.Generation == n })
	}
	if logErr != nil { // there is room now
		logErr = t.logRemoved(now, excess)
	}
	if logErr != nil {
		t.notes = append(t.notes, fmt.Sprintf("the log of %s does not say what is removed: %v", t.dir.Name(), logErr))
	}
	return nil
}

// logRemoved notes in the log of the medium what is going, and what went by hand. A log that cannot
// be written takes nothing away: a removal that is cut then looks like damage.
func (t *target) logRemoved(now time.Time, excess []Retired) error {
	if len(excess) == 0 {
		return nil
	}
	var gone []int
	for _, r := range excess {
		gone = append(gone, r.Generation)
	}
	newest := slices.Max(gone)
	for n := range t.view().held() {
		there := slices.ContainsFunc(t.have, func(g Generation) bool { return g.Number == n })
		if !there && n < newest {
			gone = append(gone, n)
		}
	}
	slices.Sort(gone)
	var lines []ledger.MediumCheck
	for _, n := range gone {
		lines = append(lines, ledger.MediumCheck{Generation: n, Result: ledger.Removed})
	}
	_, err := logMedium(t.dir, t.base, now, lines...)
	return err
}

// archivesOf counts the archives of a generation.
func archivesOf(m format.Manifest) (n int) {
	for len(m.Parts(n+1)) > 0 {
		n++
	}
	return n
}

func removeGeneration(dir *media.Dir, folder string) error {
	if err := dir.RemoveAll(path.Join(folder, manifestFile)); err != nil {
		return err
	}
	return dir.RemoveAll(folder)
}
