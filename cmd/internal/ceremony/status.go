package ceremony

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/ledger"
)

// ErrDue is what status ends with when something is to be done: exit code 3.
var ErrDue = errors.New("something is due")

// StatusRequest is what `status` is asked for.
type StatusRequest struct {
	Vault string
	Media []string // checked first, and recorded
	ICS   *File    // for the calendar, nil for none
	Stdin io.Reader
	Now   time.Time
}

// StatusResult is what the ledger amounts to.
type StatusResult struct {
	Identity *vault.Identity
	Status   ledger.Status
	Checked  *CheckResult // of the media that were given; nil for none
}

// Status works out from the ledger what there is and what has to be done. It returns
// ErrDue with the result where anything has, and ErrDamage where what was given is damaged.
func Status(c Console, r StatusRequest) (*StatusResult, error) {
	result := &StatusResult{}
	var damage error
	if len(r.Media) > 0 {
		result.Checked, damage = Check(c, CheckRequest{Paths: r.Media, Stdin: r.Stdin, Vault: r.Vault, Now: r.Now})
		if damage != nil && !errors.Is(damage, ErrDamage) {
			return nil, damage
		}
		for _, m := range result.Checked.Media {
			for _, f := range m.Findings {
				if f.Severity == vault.Damage {
					c.Warn("%s: %s", f.Path, f.Text)
				}
			}
		}
	}
	folder, closeFolder, err := openFolder(r.Vault)
	if err != nil {
		return nil, err
	}
	defer closeFolder()
	l, err := folder.Ledger()
	if err != nil {
		return nil, unusable(err)
	}
	result.Identity, result.Status = folder.Identity, folder.Status(l, r.Now)
	if r.ICS != nil {
		if err := writeCalendar(c, r.ICS, result.Status); err != nil {
			return result, err
		}
	}
	if damage != nil {
		return result, withHint(damage, "what is damaged and what is to be done is named above; `coldvault check` says more")
	}
	if result.Status.Due {
		return result, withHint(ErrDue, "what is to be done is named above")
	}
	return result, nil
}

// writeCalendar makes a new file. It names custodians and places.
func writeCalendar(c Console, f *File, status ledger.Status) error {
	var b strings.Builder
	if err := ledger.WriteICS(&b, status); err != nil {
		return err
	}
	undo := &undoList{}
	defer c.OnInterrupt(undo.run)()
	if err := f.write(undo, []byte(b.String())); err != nil {
		undo.run()
		if errors.Is(err, fs.ErrExist) {
			return withHint(err, "a calendar is never written over an existing file: give another name with --ics")
		}
		return withHint(err, "give with --ics a file in a folder that is there and can be written")
	}
	return nil
}

// RecordRequest is what `record` is asked to note in the ledger: at least one
// of its parts.
type RecordRequest struct {
	Vault  string
	Medium string // a folder, or an id or the first digits of one
	Card   string // SET/INDEX
	Placed *ledger.Placed
	Lost   bool
	Policy []string // NAME=DAYS
	Due    []ledger.Deadline
	Done   string // a deadline that is over
	Note   string
	Now    time.Time
}

// Record notes what only people know: where a medium is and who keeps it, that something
// is lost, how often is looked at what, a date. It returns what was noted.
func Record(r RecordRequest) ([]ledger.Event, error) {
	folder, closeFolder, err := openFolder(r.Vault)
	if err != nil {
		return nil, err
	}
	defer closeFolder()
	l, err := folder.Ledger()
	if err != nil {
		return nil, unusable(err)
	}
	events, err := r.events(folder, l)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, usage("nothing to record was given")
	}
	for _, e := range events {
		if err := ledger.Validate(e); err != nil {
			return nil, &UsageError{Err: err}
		}
	}
	return events, folder.Record(r.Now, nil, events...)
}

func (r RecordRequest) events(folder *vault.Folder, l *ledger.Ledger) (events []ledger.Event, err error) {
	switch {
	case r.Medium != "":
		id, err := findMedium(r.Medium, folder.ID, l)
		if err != nil {
			return nil, err
		}
		if r.Placed != nil {
			placed := *r.Placed
			placed.Medium = id
			events = append(events, placed)
		}
		if r.Lost {
			events = append(events, ledger.Lost{Medium: id})
		}
	case r.Card != "":
		e, err := r.lostCard(folder)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	if len(r.Policy) > 0 {
		p, err := newPolicy(ledger.Compute(l, r.Now).Policy, r.Policy)
		if err != nil {
			return nil, err
		}
		events = append(events, p)
	}
	for _, d := range r.Due {
		events = append(events, d)
	}
	if r.Done != "" {
		d, err := findDeadline(r.Done, ledger.Compute(l, r.Now).Deadlines)
		if err != nil {
			return nil, err
		}
		events = append(events, d)
	}
	if r.Note != "" {
		events = append(events, ledger.Noted{Text: r.Note})
	}
	return events, nil
}

// findMedium takes a folder that is a medium, or an id of the ledger or its beginning, with dashes or without.
func findMedium(name, vaultID string, l *ledger.Ledger) (string, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		dir, err := media.OpenDir(name)
		if err != nil {
			return "", err
		}
		defer dir.Close()
		id, err := mediumID(dir, vaultID)
		if err != nil {
			return "", err
		}
		if id == "" {
			return "", withHint(fmt.Errorf("%s has no id of this vault", name), "`coldvault check --vault FOLDER %s` gives it one", name)
		}
		if was, ok := lastCopied(l)[id]; ok {
			if is := locateOne(name).copied(name, id, was.Generation); otherDevice(was, is) {
				return "", withHint(fmt.Errorf("%s: %w", name, cloneError(was, is)), "`coldvault check --vault FOLDER %s` says how it becomes a medium of its own", name)
			}
		}
		return id, nil
	}
	begins := strings.ReplaceAll(strings.ToLower(name), "-", "") // as MediumLabel shows it
	var ids []string
	for _, e := range l.Entries() {
		id := ""
		switch event := e.Event.(type) {
		case ledger.Copied:
			id = event.Medium
		case ledger.Checked:
			id = event.Medium
		}
		if id != "" && begins != "" && strings.HasPrefix(id, begins) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	switch len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		return "", withHint(fmt.Errorf("%q is no folder, and the ledger knows no medium with that id", name), "`coldvault status` lists the media")
	}
	return "", withHint(fmt.Errorf("%q may be any of %s", name, strings.Join(ids, ", ")), "give more digits of the id")
}

// lostCard reads SET/INDEX.
func (r RecordRequest) lostCard(folder *vault.Folder) (ledger.Lost, error) {
	set, number, _ := strings.Cut(r.Card, "/")
	index, err := strconv.Atoi(number)
	if err == nil {
		for _, s := range folder.Identity.Shares.Sets {
			if s.Set == strings.ToLower(set) && index >= 1 && index <= s.Shares {
				if !r.Lost {
					return ledger.Lost{}, usage("of a card nothing but --lost can be recorded; `coldvault check --card` proves one")
				}
				return ledger.Lost{Set: s.Set, Index: index}, nil
			}
		}
	}
	return ledger.Lost{}, withHint(usage("%q is no card of this vault", r.Card), "give SET/NUMBER as printed on the card, once for each set that was on it")
}

// newPolicy changes what is named.
func newPolicy(p ledger.Policy, changes []string) (ledger.Policy, error) {
	for _, change := range changes {
		name, number, _ := strings.Cut(change, "=")
		days, err := strconv.Atoi(number)
		field, ok := map[string]*int{"usb": &p.USB, "paper": &p.Paper, "cards": &p.Cards, "drill": &p.Drill}[name]
		if err != nil || !ok || days < 1 {
			return p, usage("--policy %s is not usb, paper, cards or drill =DAYS", change)
		}
		*field = days
	}
	return p, nil
}

// findDeadline ends the one that is named so.
func findDeadline(what string, deadlines []ledger.Deadline) (ledger.Deadline, error) {
	for _, d := range deadlines {
		if d.What == what {
			d.Done = true
			return d, nil
		}
	}
	return ledger.Deadline{}, withHint(fmt.Errorf("there is no date %q", what), "`coldvault status` lists them")
}

// MediumLabel is how an id is written where people compare it.
func MediumLabel(id string) string {
	if raw, err := hex.DecodeString(id); err == nil && len(raw) == ledger.MediumIDSize {
		return strings.ToUpper(id[:4] + "-" + id[4:8] + "-" + id[8:12] + "-" + id[12:])
	}
	return id
}
