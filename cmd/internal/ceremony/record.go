package ceremony

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"coldvault/media"
	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/ledger"
)

// Everything written and everything read back is recorded: in the log of the medium,
// which names nobody, and where the vault's folder is at hand in its ledger.

// thisHost is where devices are looked for. Overridden by tests.
var thisHost = media.ThisHost

// devices are what media are on, by the names of their folders.
type devices map[string]media.Device

// locate looks what the media are on, and says where that is no copy of its own: two of
// them on one device, a network, the system's disk.
func locate(c Console, names []string) devices {
	found := devices{}
	host := thisHost()
	for i, name := range names {
		d, err := host.Device(name)
		if err != nil {
			c.Warn("what %s is on cannot be told: %v", name, err)
			continue
		}
		for _, w := range d.Warnings() {
			c.Warn("%s", w)
		}
		for _, other := range names[:i] {
			if o, ok := found[other]; ok && media.SameDevice(o, d) {
				c.Warn("%s and %s are on one device, %s: they count as one copy", other, name, d)
				break
			}
		}
		found[name] = d
	}
	return found
}

// kinds of media as the ledger calls them.
var kinds = map[media.DeviceKind]ledger.Kind{
	media.KindUSB: ledger.USB, media.KindCard: ledger.USB, media.KindOptical: ledger.Optical,
	media.KindDisk: ledger.Disk, media.KindNetwork: ledger.Network, media.KindMemory: ledger.Memory,
}

// copied is the event of a generation on a medium.
func (d devices) copied(name, id string, generation int) ledger.Copied {
	device := d[name] // the zero device is of no known kind
	e := ledger.Copied{Medium: id, Kind: ledger.Folder, Device: short(device.ID()), Generation: generation, Proven: true}
	if kind, ok := kinds[device.Kind]; ok {
		e.Kind = kind
	}
	if e.Kind != ledger.Folder {
		e.Model = short(device.String())
	}
	return e
}

// short makes of a text what a line of the ledger takes: names of files and of devices may
// have any bytes and any length.
func short(text string) string {
	const limit = 120 // in bytes: sixteen of them fit on a line
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	for len(text) > limit {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return strings.TrimSpace(text)
}

// warnUnlogged says what it means that the log of a medium could not be written.
func warnUnlogged(c Console, unlogged []*vault.TargetError, ids map[string]string) {
	for _, f := range unlogged {
		c.Warn("%s holds the generation, read back from it; its log could not be written: %v", f.Medium, f.Err)
		if ids[f.Medium] == "" {
			c.Warn("%s has no id without a log, so no ledger knows of that copy: mend the log with `coldvault check --repair`, and record it with `coldvault check --vault FOLDER`", f.Medium)
		}
	}
}

// copies are the events of the newest generations on several media.
func (d devices) copies(ids map[string]string, newest func(name string) int) []ledger.Event {
	var events []ledger.Event
	for name, id := range ids {
		events = append(events, d.copied(name, id, newest(name)))
	}
	slices.SortFunc(events, func(a, b ledger.Event) int {
		return compareMedia(a.(ledger.Copied), b.(ledger.Copied))
	})
	return events
}

func compareMedia(a, b ledger.Copied) int { return slices.Compare([]byte(a.Medium), []byte(b.Medium)) }

// paperID stands for the id of a medium that a set of pages cannot have. All printouts of
// the same pages are one copy: nobody can tell them apart.
func paperID(vaultID, set string) string {
	sum := sha256.Sum256([]byte("coldvault/paper/1 " + vaultID + " " + set))
	return hex.EncodeToString(sum[:ledger.MediumIDSize])
}

// record adds events to the ledger in a vault's folder, without the signer; the next
// seal signs them. No folder, "", is no ledger.
func record(folder string, now time.Time, events ...ledger.Event) error {
	if folder == "" || len(events) == 0 {
		return nil
	}
	f, closeFolder, err := openFolder(folder)
	if err != nil {
		return err
	}
	defer closeFolder()
	return notRecorded(folder, f.Record(now, nil, events...))
}

// sameVault refuses to record in the folder of another vault, before anything is done
// that would be recorded there.
func sameVault(folder, id string) error {
	if folder == "" {
		return nil
	}
	f, closeFolder, err := openFolder(folder)
	if err != nil {
		return err
	}
	defer closeFolder()
	if f.ID == id {
		return nil
	}
	return withHint(usage("%s is the folder of vault %s, and what is read is of vault %s", folder, f.ID, id),
		"nothing was done; give the folder of vault %s with --vault, or leave that out", id)
}

// notRecorded is the error of work that is done, and that the ledger was not told of.
func notRecorded(folder string, err error) error {
	if err == nil {
		return nil
	}
	return withHint(fmt.Errorf("the work itself is done, and not recorded in the ledger of %s: %w", folder, err),
		"mend what is named; `coldvault check --vault %s MEDIUM` then records media, and pages and cards too", folder)
}

// unusable is the error of a ledger that is looked at before anything is done.
func unusable(err error) error {
	return withHint(err, "nothing was done; the newest generation carries the ledger too: `coldvault restore --role vault` brings it back")
}

// hostAccepted is the event of findings about the machine that were accepted.
func hostAccepted(command string, accepted []airgap.Finding) []ledger.Event {
	if len(accepted) == 0 {
		return nil
	}
	e := ledger.HostAccepted{Command: command}
	for _, f := range accepted {
		if !slices.Contains(e.Facts, f.ID) {
			e.Facts = append(e.Facts, f.ID)
		}
	}
	return []ledger.Event{e}
}

// recordCheck notes the result of a check on the media themselves, as long as they can be
// written and are not damaged, and in the ledger of a vault.
func (r CheckRequest) recordCheck(c Console, result *CheckResult) error {
	var ledgerID string
	var known map[string]ledger.Copied
	var newest map[string]ledger.MediumCheck
	if r.Vault != "" {
		folder, closeFolder, err := openFolder(r.Vault)
		if err != nil {
			return err
		}
		defer closeFolder()
		ledgerID = folder.ID
		l, err := folder.Ledger()
		if err != nil {
			return notRecorded(r.Vault, err)
		}
		known, newest = lastCopied(l), newestWhole(l)
	}
	var events []ledger.Event
	var seen, unrecorded []seenMedium
	for _, m := range result.Media {
		name := m.Medium.Source.Name()
		id := r.logCheck(c, m)
		if id == "" {
			if _, isDir := m.Medium.Source.(*media.Dir); isDir && r.Vault != "" && !m.Medium.OwnFolder() {
				c.Warn("%s has no id that can be read, so this check of it is not recorded in the ledger", name)
			}
			continue
		}
		if m.Medium.ID != ledgerID {
			unrecorded = append(unrecorded, seenMedium{checked: m, is: ledger.Copied{Medium: id}})
			continue
		}
		was, recorded := known[id]
		number := cmp.Or(m.Newest(), was.Generation) // where nothing can be read, the copy is damaged
		if number == 0 {
			continue
		}
		is := locateOne(name).copied(name, id, number)
		if recorded && otherDevice(was, is) {
			m.Findings = append(m.Findings, clone(m, cloneError(was, is), byDevice))
			continue
		}
		seen = append(seen, seenMedium{m, is, recorded})
	}
	for i, s := range seen {
		m, name, id, number := s.checked, s.checked.Medium.Source.Name(), s.is.Medium, s.is.Generation
		if slices.ContainsFunc(seen[:i], s.isAlso) {
			continue
		}
		if err := s.twin(seen); err != nil {
			m.Findings = append(m.Findings, clone(m, err, byBoth))
			continue
		}
		if had := newest[id]; number < had.Generation && !slices.ContainsFunc(m.Findings, isGone) {
			m.Findings = append(m.Findings, vault.Finding{Severity: vault.Damage, ID: vault.GenerationGone, Path: name, Text: fmt.Sprintf(
				"generation %d is gone, and the ledger says that it was here on %s: it was removed, the medium was put back to an earlier state, or this is an old copy of it; seal onto it or copy to it",
				had.Generation, had.Time.Format(time.DateOnly))})
		}
		if !s.recorded {
			events = append(events, s.is)
		}
		events = append(events, ledger.Checked{
			Medium: id, Generation: number, Result: resultOf(m), Findings: m.Damages(),
		})
	}
	for _, p := range result.Pages {
		have, need := p.Scanned()
		if have == 0 || p.Vault.String() != ledgerID {
			continue
		}
		id, state := paperID(ledgerID, p.Set), ledger.Whole
		if p.Err != nil {
			state = ledger.Damaged
		} else if need > 0 {
			state = ledger.Incomplete
		}
		if _, recorded := known[id]; !recorded {
			events = append(events, ledger.Copied{Medium: id, Kind: ledger.Paper, Generation: p.Generation})
		}
		events = append(events, ledger.Checked{Medium: id, Generation: p.Generation, Result: state, Findings: need})
	}
	for _, s := range unrecorded {
		s.noteTwin(unrecorded)
	}
	var cards []ledger.CardChecked
	for _, s := range result.Shares {
		if s.compared && !s.Drawn && s.vault == ledgerID {
			cards = append(cards, ledger.CardChecked{Set: s.set, Compartment: s.compartment, Index: s.index, Proven: s.Proven})
		}
	}
	return record(r.Vault, r.Now, slices.Concat(events, cardEvents(cards))...)
}

// cardEvents puts the cards that are not what they were made as first: a forged one that is read
// beside the true one takes nothing from it.
func cardEvents(cards []ledger.CardChecked) (events []ledger.Event) {
	for _, proven := range []bool{false, true} {
		for _, c := range cards {
			if c.Proven == proven {
				events = append(events, c)
			}
		}
	}
	return events
}

// byCommitment tells of a verdict whether it is that of a share of this vault and set by its commitment.
// Others are not recorded: a card of another vault or set says nothing of this one's.
func byCommitment(v shard.Verdict, want shard.Expect) bool {
	return len(want.Sets) > 0 && (v == shard.Accepted || v == shard.Altered)
}

func isGone(f vault.Finding) bool { return f.ID == vault.GenerationGone }

// newestWhole are the newest generations that the ledger knows to have been whole on each
// medium, by its id.
func newestWhole(l *ledger.Ledger) map[string]ledger.MediumCheck {
	newest := map[string]ledger.MediumCheck{}
	for _, e := range l.Entries() {
		id, generation := "", 0
		switch event := e.Event.(type) {
		case ledger.Copied:
			if event.Proven {
				id, generation = event.Medium, event.Generation
			}
		case ledger.Checked:
			if event.Result == ledger.Whole || event.Result == ledger.Repaired {
				id, generation = event.Medium, event.Generation
			}
		}
		if generation > newest[id].Generation {
			newest[id] = ledger.MediumCheck{Time: e.Time, Generation: generation}
		}
	}
	return newest
}

func locateOne(name string) devices {
	d, err := thisHost().Device(name)
	if err != nil {
		return devices{}
	}
	return devices{name: d}
}

// resultOf is what a check says of the newest generation on a medium. Damage beside it, or
// that its parity makes good, is counted with it and is no loss of the copy.
func resultOf(m *vault.Checked) ledger.Result {
	number := m.Newest()
	for _, g := range m.Generations {
		if g.Number == number && !g.Whole && !g.Repairable {
			return ledger.Damaged
		}
	}
	if number == 0 {
		return ledger.Damaged
	}
	if m.Repaired() {
		return ledger.Repaired
	}
	return ledger.Whole
}

// logCheck notes a check in the log of a medium and returns the medium's id, "" for what
// has none: pages, and the vault's own folder. A damaged medium is not written to: it is
// to be read as often as it still can be.
func (r CheckRequest) logCheck(c Console, m *vault.Checked) string {
	dir, ok := m.Medium.Source.(*media.Dir)
	if !ok || m.Medium.OwnFolder() {
		return ""
	}
	number := m.Newest()
	if r.NoRecord || m.Damaged() || number == 0 {
		return m.Medium.MediumID()
	}
	id, err := m.Log(dir, r.Now, number, resultOf(m))
	switch {
	case err == nil:
		return id
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		c.Say("%s cannot be written, so the check is not noted on it", dir.Name())
	default:
		c.Warn("the check is not noted on %s: %v", dir.Name(), err)
	}
	return m.Medium.MediumID()
}

// of keeps what share it is, without its secret.
func (s *CheckedShare) of(share shard.Share) {
	set := share.Set()
	s.vault, s.set, s.compartment, s.index = share.Vault().String(), set.String(), share.Compartment().String(), share.Index()
}
