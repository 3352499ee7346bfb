package ceremony

import (
	"errors"
	"fmt"
	"time"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/ledger"
)

// repair mends every damaged medium, out of its parity and of what else is at hand, and
// checks it again.
func repair(c Console, in *Intake, checks []*vault.Checked, now time.Time) error {
	var errs []error
	for i, checked := range checks {
		if !checked.Damaged() && !checked.Incomplete() || !mendable(checked.Medium) {
			continue
		}
		dir := checked.Medium.Source.(*media.Dir)
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
	return withHint(errors.Join(errs...), "a medium that cannot be written is copied, not repaired: `coldvault copy --from IT --to ANOTHER`")
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
