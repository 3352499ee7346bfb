package ceremony

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/ledger"
)

// repair mends every medium that is damaged or lacks something, out of its parity and of what else
// is at hand, and checks it again. What one medium needs may be put right on it, or on another one, only
// after its turn: then there is a second one. What failed is said after the last.
func repair(c Console, in *Intake, checks []*vault.Checked, now time.Time) error {
	errs := make([]error, len(checks))
	unproven := make([]error, len(checks))
	for range 2 {
		progress := false
		for i, checked := range checks {
			if !checked.Damaged() && !checked.Incomplete() && !kitElsewhere(checked, checks) || !mendable(checked.Medium) {
				continue
			}
			same := slices.DeleteFunc(in.AllMedia(), func(m *vault.Medium) bool { return m.ID != checked.Medium.ID })
			if _, unproven[i] = vault.GatherCopies(same, checked.Medium.ID); unproven[i] != nil {
				continue // nothing at hand proves what vault it is of: it stays damage
			}
			var mended []vault.Mended
			mended, checks[i], errs[i] = repairOne(c, in, checked, now)
			progress = progress || slices.ContainsFunc(mended, func(m vault.Mended) bool { return m.Err == nil })
		}
		if !progress {
			break
		}
	}
	for i, checked := range checks {
		if unproven[i] != nil {
			c.Warn("not repaired: %v", unproven[i])
		}
		for _, m := range checked.Mended {
			if m.Err != nil {
				c.Warn("%s: not repaired: %v", m.Path, m.Err)
			}
		}
	}
	err := errors.Join(errs...)
	if errors.Is(err, media.ErrBusy) {
		return withHint(err, "wait until that is done, and check again")
	}
	return withHint(err, "a medium that cannot be written is copied, not repaired: `coldvault copy --from IT --to ANOTHER`")
}

// repairOne mends one medium, says what is good now, and checks it again.
func repairOne(c Console, in *Intake, checked *vault.Checked, now time.Time) ([]vault.Mended, *vault.Checked, error) {
	dir := checked.Medium.Source.(*media.Dir)
	mended, err := vault.Mend(checked, dir, in.AllMedia(), now, throttled(c))
	c.Progress("", 0, 0)
	for _, m := range mended {
		switch {
		case m.Err != nil: // it may have a second turn
		case m.Rebuilt > 0:
			c.Say("%s: repaired; %s from parity", m.Path, ledger.Count(m.Rebuilt, "block"))
		default:
			c.Say("%s: repaired", m.Path)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", dir.Name(), err)
	}
	// Of a file that had a turn before only the last one counts.
	before := slices.DeleteFunc(slices.Clone(checked.Mended), func(was vault.Mended) bool {
		return slices.ContainsFunc(mended, func(m vault.Mended) bool { return m.Path == was.Path })
	})
	checked.Mended = append(before, mended...)
	again, openErr := vault.OpenMedia(dir)
	for _, m := range again {
		if m.ID == checked.Medium.ID {
			checked = checkMedium(c, m, vault.CheckOptions{Before: checked})
		}
	}
	return mended, checked, errors.Join(err, openErr)
}

// kitElsewhere tells that a medium has no kit, and another one of its vault has.
func kitElsewhere(checked *vault.Checked, checks []*vault.Checked) bool {
	return checked.Found("KIT-MISSING") && slices.ContainsFunc(checks, func(other *vault.Checked) bool {
		m := other.Medium
		return m.ID == checked.Medium.ID && m.Identity != nil && !m.OwnFolder() && mendable(m) && !other.Found("KIT-MISSING")
	})
}

// mendable tells what a repair can write to.
func mendable(m *vault.Medium) bool {
	_, isDir := m.Source.(*media.Dir)
	return isDir
}

// checkMedium checks one medium and shows how far it is.
func checkMedium(c Console, m *vault.Medium, o vault.CheckOptions) *vault.Checked {
	tell := throttled(c)
	defer c.Progress("", 0, 0)
	o.Progress = func(done, total int64) { tell("checking "+m.Source.Name(), done, total) }
	return vault.Check(m, o)
}
