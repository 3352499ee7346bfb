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
// is at hand, and checks it again.
func repair(c Console, in *Intake, checks []*vault.Checked, now time.Time) error {
	var errs []error
	for i, checked := range checks {
		if !checked.Damaged() && !checked.Incomplete() && !kitElsewhere(checked, checks) || !mendable(checked.Medium) {
			continue
		}
		dir := checked.Medium.Source.(*media.Dir)
		same := slices.DeleteFunc(in.AllMedia(), func(m *vault.Medium) bool { return m.ID != checked.Medium.ID })
		if _, err := vault.GatherCopies(same, checked.Medium.ID); err != nil {
			c.Warn("not repaired: %v", err)
			continue // nothing at hand proves what vault it is of: it stays damage
		}
		mended, err := vault.Mend(checked, dir, in.AllMedia(), now, throttled(c))
		c.Progress("", 0, 0)
		checked.Mended = mended
		for _, m := range mended {
			switch {
			case m.Err != nil:
				c.Warn("%s: not repaired: %v", m.Path, m.Err)
			case m.Rebuilt > 0:
				c.Say("%s: repaired; %s from parity", m.Path, ledger.Count(m.Rebuilt, "block"))
			default:
				c.Say("%s: repaired", m.Path)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", dir.Name(), err))
		}
		again, err := vault.OpenMedia(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, m := range again {
			if m.ID == checked.Medium.ID {
				checks[i] = checkMedium(c, m, vault.CheckOptions{Before: checked})
			}
		}
	}
	err := errors.Join(errs...)
	if errors.Is(err, media.ErrBusy) {
		return withHint(err, "wait until that is done, and check again")
	}
	return withHint(err, "a medium that cannot be written is copied, not repaired: `coldvault copy --from IT --to ANOTHER`")
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
