package ceremony

// Which generation is restored, proven or copied, out of what was given.

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"coldvault/vault"
)

// readInputs reads everything that was given and says what could not be used.
func readInputs(c Console, in *Intake, stdin io.Reader, lists ...[]string) {
	var names []string
	for _, l := range lists {
		names = append(names, l...)
	}
	in.AddAll(names, stdin, func(i, page, pages int) {
		step := "reading " + names[i]
		if pages > 1 {
			step += fmt.Sprintf(", page %d of %d", page, pages)
		}
		c.Progress(step, i, len(names))
	})
	c.Progress("", 0, 0)
	for _, input := range in.Inputs {
		for _, n := range input.Notes {
			c.Warn("%s: %s", input.Name, n)
		}
	}
}

// sources are what a generation can be read from.
type sources struct {
	copies []*vault.Medium // media, and pages that were scanned
	// others are the vault's own folder, and pages as they were drawn: what comes back from
	// them shows of no copy that it can be restored.
	others []*vault.Medium
}

func (s *sources) all() []*vault.Medium { return slices.Concat(s.copies, s.others) }

// leaveAside keeps the copies alone, for a drill, and tells whether there are none. Keeps G25.
func (s *sources) leaveAside(c Console) (none bool) {
	if len(s.copies) == 0 {
		return true
	}
	for _, m := range s.others {
		c.Say("%s is left aside: the drill is to show that the copies restore", m.Source.Name())
	}
	s.others = nil
	return false
}

// findSources is what there is to restore from among the media and pages.
func findSources(c Console, in *Intake) (*sources, error) {
	if in.camera != nil && len(in.Media) == 0 {
		if err := in.watch(c, in.camera, in.whole); err != nil {
			return nil, err
		}
	}
	found := &sources{}
	for _, m := range in.Media {
		if m.OwnFolder() {
			found.others = append(found.others, m)
		} else {
			found.copies = append(found.copies, m)
		}
	}
	var incomplete []PageSet
	for _, p := range in.PageSets() {
		switch _, need := p.Scanned(); {
		case p.Err != nil:
			c.Warn("%s: %v", p.Title(), p.Err)
		case p.Need > 0:
			incomplete = append(incomplete, p)
			c.Warn("%s: %d of %d codes read, %d more needed; not read: %s", p.Title(), p.Have, p.Total, p.Need, strings.Join(p.Missing, "; "))
		default:
			c.Say("%s: whole (%d of %d codes read)", p.Title(), p.Have, p.Total)
			if need > 0 {
				found.others = append(found.others, p.Medium...)
			} else {
				found.copies = append(found.copies, p.Medium...)
			}
		}
	}
	if len(found.all()) > 0 {
		return found, nil
	}
	if len(incomplete) > 0 {
		return nil, withHint(&MorePagesError{Sets: incomplete}, "scan the pages that are named again and give all scans together; scans add up")
	}
	return nil, withHint(vault.ErrNoVault, "give a medium or the scans of bundle pages with --from; cards alone hold no files")
}

// selectGeneration finds what is to be restored among the media and pages.
func selectGeneration(c Console, found []*vault.Medium, id string, number int) (*vault.Copy, error) {
	copies, err := vault.GatherCopies(found, id)
	var several *vault.SeveralVaultsError
	if errors.As(err, &several) {
		return nil, withHint(err, "say which one with --vault-id; it is printed on the cards")
	}
	if err != nil {
		return nil, withHint(err, "try another copy: another stick, or the pages")
	}
	generation, err := copies.Select(number)
	for _, n := range copies.Notes {
		c.Warn("%s", n)
	}
	var forked *vault.ForkedGenerationError
	if errors.As(err, &forked) {
		return nil, withHint(err, "%s", forkHint(forked))
	}
	if err != nil {
		return nil, tryAnother(err)
	}
	c.Say("vault %s %q, generation %d of %s", generation.Identity.Vault.ID, generation.Identity.Vault.Label,
		generation.Number, generation.Manifest.Created.Format("2006-01-02 15:04 UTC"))
	c.Say("fingerprint: %s; compare it with a card", strings.Join(generation.Identity.Words(), " "))
	return generation, nil
}

// forkHint leaves the choice to the operator, who knows the dates.
func forkHint(e *vault.ForkedGenerationError) string {
	var ways []string
	for _, on := range e.On {
		ways = append(ways, "--from "+strings.Join(on, " --from "))
	}
	hint := "choose one by its date, and give only its media: " + strings.Join(ways, ", or ")
	if e.Other > 0 {
		hint += fmt.Sprintf("; there is one generation %d alone: --generation %d", e.Other, e.Other)
	}
	return hint
}

// MorePagesError says that page sets are not complete: exit code 4.
type MorePagesError struct{ Sets []PageSet }

func (e *MorePagesError) Error() string {
	var parts []string
	for _, s := range e.Sets {
		parts = append(parts, fmt.Sprintf("the %s lack codes: %d more needed", s.Title(), s.Need))
	}
	return strings.Join(parts, "; ")
}

// tryAnother gives the error of a generation that cannot be read its hint.
func tryAnother(err error) error {
	var damaged *vault.DamagedGenerationError
	if errors.As(err, &damaged) && damaged.Older > 0 {
		return withHint(err, "try another copy; or take the older one with --generation %d, if its age does no harm", damaged.Older)
	}
	return withHint(err, "try another copy: another stick, or the pages")
}
