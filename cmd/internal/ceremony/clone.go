package ceremony

import (
	"fmt"
	"os"
	"strings"
	"time"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/ledger"
)

// A medium is known by the id in its log, and whoever copies it with other means copies that
// too: what is read of such a clone says nothing of the medium in the safe. What the ledger
// knows of the device tells them apart, as far as both are known.

// lastCopied is what the ledger last noted of each medium, by its id.
func lastCopied(l *ledger.Ledger) map[string]ledger.Copied {
	last := map[string]ledger.Copied{}
	for _, e := range l.Entries() {
		if copied, ok := e.Event.(ledger.Copied); ok {
			last[copied.Medium] = copied
		}
	}
	return last
}

// otherDevice tells that two records of one id are of two devices: they differ in what is
// known of both, or, where nothing that tells one from another is, are of different kinds or models.
// Two folders of one disk do not, nor two devices of one model without a serial number. A share
// says nothing by its name, which changes. Keeps G26.
func otherDevice(a, b ledger.Copied) bool {
	marks, others := deviceMarks(a.Device), deviceMarks(b.Device)
	same := false
	for _, name := range []string{"uuid", "partuuid", "serial"} {
		if marks[name] == "" || others[name] == "" {
			continue
		}
		if marks[name] != others[name] {
			return true
		}
		same = true
	}
	if same || a.Kind == ledger.Folder || b.Kind == ledger.Folder {
		return false
	}
	return a.Kind != b.Kind || a.Kind == ledger.USB && makeOf(a) != makeOf(b) && makeOf(a) != "" && makeOf(b) != ""
}

// makeOf is who made a device, and its size: what a media.Device's text begins with.
func makeOf(e ledger.Copied) string {
	parts := strings.SplitN(e.Model, ", ", 3)
	return strings.Join(parts[:min(2, len(parts))], ", ")
}

// deviceMarks takes a media.Device's ID apart.
func deviceMarks(id string) map[string]string {
	marks := map[string]string{}
	for _, field := range strings.Fields(id) {
		name, value, _ := strings.Cut(field, "=")
		marks[name] = value
	}
	return marks
}

// deviceName is what people recognise of a recorded device.
func deviceName(e ledger.Copied) string {
	if e.Model != "" {
		return e.Model
	}
	return string(e.Kind)
}

// cloneError says that a medium is not the one whose id it has.
func cloneError(was, is ledger.Copied) error {
	return fmt.Errorf("it has the id %s, which the ledger knows from another device: it is on %s, and the other is %s",
		MediumLabel(was.Medium), deviceName(is), deviceName(was))
}

// MediumClone is the finding of a medium whose id tells nothing.
const MediumClone = "MEDIUM-CLONE"

// clone is that finding. What removes the log always makes a medium of its own; what else does,
// separate says, and how is that.
func clone(m *vault.Checked, why error, how string) vault.Finding {
	return vault.Finding{Severity: vault.Damage, ID: MediumClone, Path: m.Medium.Source.Name(), Text: fmt.Sprintf(
		"%v: this check is not recorded in a ledger; to have it as a medium of its own remove %s and check it again%s",
		why, m.Medium.Path(ledger.MediumLogName), how)}
}

// How seal and copy make a medium of its own of a clone: one that is on another device they see
// with the ledger alone, others only where they write to both.
const (
	byDevice = ", or seal onto it, or copy to it with --vault"
	byBoth   = ", or seal onto both at once"
)

// seenMedium is a medium that was checked, and what it was found to be.
type seenMedium struct {
	checked  *vault.Checked
	is       ledger.Copied
	recorded bool // the ledger knows its id
}

// isAlso tells that both are one folder, which was given in two ways.
func (s seenMedium) isAlso(other seenMedium) bool {
	one, err := os.Stat(s.checked.Medium.Path(""))
	two, otherErr := os.Stat(other.checked.Medium.Path(""))
	return err == nil && otherErr == nil && os.SameFile(one, two)
}

// twin is an error that names another medium of those seen that has the same id.
func (s seenMedium) twin(seen []seenMedium) error {
	for _, other := range seen {
		if other.is.Medium == s.is.Medium && !s.isAlso(other) {
			return fmt.Errorf("%s and it both have the id %s, so one was copied from the other by other means",
				other.checked.Medium.Source.Name(), MediumLabel(s.is.Medium))
		}
	}
	return nil
}

// noteTwin tells of a twin where no ledger is written that would take the two for one medium:
// as long as that is so it is no damage.
func (s seenMedium) noteTwin(seen []seenMedium) {
	if err := s.twin(seen); err != nil {
		f := clone(s.checked, err, byBoth)
		f.Severity = vault.Note
		s.checked.Findings = append(s.checked.Findings, f)
	}
}

// separate gives targets that are clones a new id: as media of their own they can be sealed
// onto and copied to.
func (d devices) separate(c Console, folder *vault.Folder, targets []*media.Dir, now time.Time) error {
	l, err := folder.Ledger()
	if err != nil {
		return unusable(err)
	}
	last, taken := lastCopied(l), map[string]bool{}
	for _, dir := range targets {
		id, err := mediumID(dir, folder.ID)
		if err != nil {
			continue // an empty one, or it is said where it is written to
		}
		was, known := last[id]
		is := d.copied(dir.Name(), id, was.Generation)
		switch {
		case known && otherDevice(was, is):
			c.Warn("%s: %v; it gets an id of its own", dir.Name(), cloneError(was, is))
		case id != "" && taken[id]:
			c.Warn("%s: it has the id %s like another medium here; it gets an id of its own", dir.Name(), MediumLabel(id))
		default:
			taken[id] = true
			continue
		}
		if err := vault.RenewMediumLog(dir, folder.ID, now); err != nil {
			return err
		}
	}
	return nil
}

// mediumID is the id of a medium of this vault, "" where it has none.
func mediumID(dir *media.Dir, vaultID string) (string, error) {
	found, err := vault.OpenMedia(dir)
	if err != nil {
		return "", err
	}
	for _, m := range found {
		if m.ID == vaultID && !m.OwnFolder() {
			return m.MediumID(), nil
		}
	}
	return "", nil
}
