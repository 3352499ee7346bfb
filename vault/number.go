package vault

import (
	"fmt"
	"slices"

	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// The number of a new generation, and the generation that it follows.

// fork is two generations of one number that are not the same, and where they are.
type fork struct {
	number   int
	one, two *target
}

// next finds the number of the new generation and the digest of the one before it:
// above everything that the folder, its ledger or a medium at hand knows, so that a folder
// brought back from an old backup does not use a number twice.
func (s *sealing) next() error {
	var err error
	if s.folderHas, err = s.folder.Generations(s.folder.Identity); err != nil {
		return err
	}
	folder := &target{dir: s.folder.dir, have: s.folderHas}
	s.previous = format.FirstPrevious
	newest, on := 0, ""
	g := s.signed(slices.Concat([]*target{folder}, s.good, s.aside))
	if g != nil {
		newest, on, s.previous = g.Number, g.on.Source.Name(), g.Digest
	}
	// What is damaged has its number too. The chain goes on from the newest manifest that can
	// be trusted.
	s.number = newest
	// So has what is lost, or elsewhere: the ledger, and the logs of the media, know that it was there.
	l, err := s.folder.Ledger()
	if err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	if n := l.Known(newest); n > s.number {
		s.number, on = n, folder.dir.Name()
	}
	if g != nil && g.recorded() && g.on.Source != folder.dir && g.Number > l.Newest() { // what this seal is about to hide
		s.notes = append(s.notes, fmt.Sprintf("the ledger of the vault's folder did not know generation %d, which %s has: it was lost or put back to an earlier state; what it knew until then comes back with `coldvault restore --role vault --generation %d` and a quorum",
			g.Number, on, g.Number))
	}
	for _, t := range slices.Concat(s.good, s.aside) {
		log, _ := t.view().log()
		for n := range believed(log, newest+1+ledger.MaxLeap) { // as it is when the new one is there
			if n > s.number {
				s.number, on = n, t.dir.Name()
			}
		}
	}
	take := func(t *target, rests bool) error {
		n, err := t.unsigned(newest, rests)
		if n > s.number {
			s.number, on = n, t.dir.Name()
		}
		return err
	}
	if err := take(folder, false); err != nil {
		return fmt.Errorf("the vault's folder %s: %w", folder.dir.Name(), err)
	}
	for _, t := range s.aside {
		_ = take(t, true) // the rest of an interrupted write stays there
	}
	s.good = slices.DeleteFunc(s.good, func(t *target) bool {
		err := take(t, false)
		if err != nil {
			s.setAside(t, err)
		}
		return err != nil
	})
	if s.number >= format.MaxGeneration {
		return fmt.Errorf("generation %d, which %s has, is the last possible one", s.number, on)
	}
	if s.number > newest {
		follows := "none"
		if newest > 0 {
			follows = fmt.Sprintf("generation %d", newest)
		}
		s.notes = append(s.notes, fmt.Sprintf("generation %d, of which %s tells, cannot be read here: generation %d follows %s in the chain", s.number, on, s.number+1, follows))
	}
	s.number++
	return nil
}

// signed is the newest generation with a manifest that can be trusted, nil where there is
// none. It finds out which of one number are two.
func (s *sealing) signed(from []*target) (newest *Generation) {
	type found struct {
		digest string
		on     *target
	}
	first := map[int]found{}
	for _, t := range from {
		for _, g := range t.have {
			if g.Err != nil {
				continue
			}
			if other, known := first[g.Number]; !known {
				first[g.Number] = found{g.Digest, t}
			} else if other.digest != g.Digest {
				s.forks = append(s.forks, fork{g.Number, other.on, t})
			}
			if newest == nil || g.Number > newest.Number {
				newest = &g
			}
		}
	}
	return newest
}

// forked tells of two generations of one number, unless one of them is removed by now.
func (s *sealing) forked() (notes []string) {
	for _, f := range s.forks {
		ended := func(r Retired) bool { return r.Generation == f.number }
		if !slices.ContainsFunc(f.one.retired, ended) && !slices.ContainsFunc(f.two.retired, ended) {
			notes = append(notes, fmt.Sprintf("%s and %s hold two different generations %d, each signed by the vault: restore that one from one of them alone; the new one goes above both",
				f.one.dir.Name(), f.two.dir.Name(), f.number))
		}
	}
	return notes
}
