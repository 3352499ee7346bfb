package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// The log of a medium, checks.log (FORMAT.md section 10): what it is written into, and what it tells of
// generations.

// logMedium adds lines about what this program did or saw to the log of a medium, which begins with
// its id, and returns that id, also with an error where it is known.
func logMedium(dir *media.Dir, base string, now time.Time, checks ...ledger.MediumCheck) (id string, err error) {
	m := &Medium{Source: dir, base: base}
	id = m.MediumID()
	if _, err := m.readLog(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return id, err // it is left for a repair
	}
	log, err := m.nextLog(now)
	if err != nil {
		return id, err
	}
	for _, c := range checks {
		c.Version, c.Time = Version, now.UTC().Truncate(time.Second)
		if _, err := log.Append(c); err != nil {
			return id, err
		}
	}
	name := path.Join(base, ledger.MediumLogName)
	if err := dir.Replace(name, log.Bytes()); err != nil {
		return id, err
	}
	if err := dir.ReadBack(name, log.Bytes()); err != nil {
		return id, err
	}
	return log.ID(), nil
}

// nextLog is what the log of a medium goes on from: the log, or what is sound of it, or a new one. What
// a damaged one may have known of a generation without a manifest is put into its place.
func (m *Medium) nextLog(now time.Time) (*ledger.MediumLog, error) {
	log, damaged := m.log()
	if log == nil {
		log = ledger.NewMediumLog()
	}
	if damaged == nil {
		return log, nil
	}
	there, err := m.numbers()
	if err != nil {
		return nil, err
	}
	known := log.Fates()
	for _, n := range there {
		_, err := m.read(path.Join(generationDir(n), manifestFile), format.MaxManifestSize)
		if _, ok := known[n]; ok || !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		doubt := ledger.MediumCheck{Time: now.UTC().Truncate(time.Second), Generation: n, Version: Version, Result: ledger.Damaged}
		if _, err := log.Append(doubt); err != nil {
			return nil, err
		}
	}
	return log, nil
}

// log notes the generation that was written in the log of every medium. They hold it, proven,
// and nobody restores from a log: one that cannot be written takes nothing away. ids are of the
// media whose id is known.
func (ts *targets) log(now time.Time) (ids map[string]string, unlogged []*TargetError) {
	ids = map[string]string{}
	for _, t := range ts.good {
		result := ledger.Written
		if t.held {
			result = ledger.Whole
		}
		id, err := logMedium(t.dir, t.base, now, append(t.back, ledger.MediumCheck{Generation: ts.number, Result: result})...)
		if id != "" {
			ids[t.dir.Name()] = id
		}
		if err != nil {
			unlogged = append(unlogged, &TargetError{Medium: t.dir.Name(), Err: err})
		}
	}
	return ids, unlogged
}

// MediumID is the id that the log of a medium begins with, "" where there is none.
func (m *Medium) MediumID() string {
	if log, _ := m.log(); log != nil {
		return log.ID()
	}
	return ""
}

// log is that of the medium, nil where there is none. With an error it is what is sound of it, nil
// for nothing.
func (m *Medium) log() (*ledger.MediumLog, error) {
	data, err := m.readLog()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // a medium from before there were logs, or one that was never checked
	}
	if err != nil {
		return nil, err
	}
	return ledger.ParseMediumLog(data)
}

// readLog reads the log, which after a power cut in the middle of its last rename has its temporary
// name: the medium keeps its id.
func (m *Medium) readLog() ([]byte, error) {
	data, err := m.read(ledger.MediumLogName, ledger.MaxMediumLog)
	if errors.Is(err, fs.ErrNotExist) {
		return m.read(media.TempName(ledger.MediumLogName), ledger.MaxMediumLog)
	}
	return data, err
}

// logged are the generations that the log of a medium has seen on it or removed, and when last,
// but for numbers so high that no generation can have them. Nobody signs the log.
func (m *Medium) logged() map[int]ledger.MediumCheck {
	there, _ := m.numbers() // what cannot be listed is reported where it is read
	highest := 0
	for _, n := range there {
		highest = max(highest, n)
	}
	log, _ := m.log()
	return believed(log, highest+ledger.MaxLeap)
}

// believed are the generations up to a limit that a log knows; it is nil for none.
func believed(log *ledger.MediumLog, limit int) map[int]ledger.MediumCheck {
	if log == nil {
		return nil
	}
	fates := log.Fates()
	maps.DeleteFunc(fates, func(n int, _ ledger.MediumCheck) bool { return n > limit })
	return fates
}

// fate is what a generation without a manifest is.
type fate int

const (
	unfinished fate = iota // the rest of an interrupted write: it was never whole here
	lost                   // it was whole here
	leaving                // a seal was removing it
)

// fate tells them apart by the log of the medium, and where that says nothing by the signature of the
// manifest: all but the manifest itself was written before it. A log that is damaged may have known.
func (m *Medium) fate(number int) fate {
	if m.OwnFolder() {
		return unfinished // the ledger knows more
	}
	c, known := m.logged()[number]
	if known && c.Result == ledger.Removed {
		return leaving
	}
	_, damaged := m.log()
	_, unsigned := m.read(path.Join(generationDir(number), manifestFile+signatureExt), maxSignature)
	if known || damaged != nil || unsigned == nil {
		return lost
	}
	return unfinished
}

// held are those of them that were whole and nobody removed: when each was last seen so.
// Of the vault's own folder the ledger tells of the newest, and of what something is left of: the others
// need never have been there, for a folder that was put together anew has the newest alone.
func (m *Medium) held() map[int]time.Time {
	dir, isDir := m.Source.(*media.Dir)
	if !isDir || m.Identity == nil || !m.OwnFolder() {
		return heldOf(m.logged())
	}
	l, err := ledger.Open(dir, m.ID, verifyHead(m.Identity))
	if err != nil {
		return nil // there is none, or check names it
	}
	held := l.Sealed()
	there, _ := m.numbers() // what cannot be listed is reported where it is read
	maps.DeleteFunc(held, func(n int, _ time.Time) bool { return n != l.Newest() && !slices.Contains(there, n) })
	return held
}

func heldOf(logged map[int]ledger.MediumCheck) map[int]time.Time {
	held := map[int]time.Time{}
	for n, c := range logged {
		if c.Result != ledger.Removed && c.Result != ledger.Damaged {
			held[n] = c.Time
		}
	}
	return held
}

// newestHeld is the newest generation that was whole on the medium, as far as it tells; 0 for none.
func (m *Medium) newestHeld() (newest int) {
	for n := range m.held() {
		newest = max(newest, n)
	}
	there, _ := m.numbers()
	for _, n := range there {
		if n > newest && !m.hasManifest(n) && m.wasWhole(n) {
			newest = n
		}
	}
	return newest
}

func (m *Medium) hasManifest(number int) bool {
	_, err := m.read(path.Join(generationDir(number), manifestFile), format.MaxManifestSize)
	return !errors.Is(err, fs.ErrNotExist)
}

// wasWhole tells of a generation without a manifest whether a restore may not pass it over. A write that is
// cut right before the manifest leaves its signature too: then the log is there and does not know the
// generation, or there never was one, for nothing else on the medium was sealed since there are logs, and ledgers.
func (m *Medium) wasWhole(number int) bool {
	if m.fate(number) != lost {
		return false
	}
	log, damaged := m.log()
	if log == nil && damaged == nil {
		there, _ := m.numbers()
		return slices.ContainsFunc(there, func(n int) bool {
			names, _ := m.Source.List(path.Join(m.base, generationDir(n)))
			return m.hasManifest(n) && slices.Contains(names, format.LedgerName)
		})
	}
	_, known := m.logged()[number]
	return known || damaged != nil
}

// RenewMediumLog gives a medium a new id. What its log knows of generations stays.
func RenewMediumLog(dir *media.Dir, vaultID string, now time.Time) error {
	unlock, err := dir.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	m := &Medium{Source: dir, base: path.Join(mediumFolder, vaultID)}
	if m.MediumID() == "" { // it has none that another could have too
		return nil
	}
	log, err := m.nextLog(now)
	if err != nil {
		return err
	}
	renewed, err := log.Renewed()
	if err != nil {
		return err
	}
	return dir.Replace(path.Join(m.base, ledger.MediumLogName), renewed.Bytes())
}

// Log notes the result of a check on the medium, which needs no secret. What else was found to be
// whole, and the log does not know, is noted before it.
func (c *Checked) Log(dir *media.Dir, now time.Time, number int, result ledger.Result) (id string, err error) {
	unlock, err := dir.Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	var lines []ledger.MediumCheck
	held := c.Medium.held()
	for _, g := range c.Generations {
		if _, known := held[g.Number]; !known && g.Whole && g.Number != number {
			lines = append(lines, ledger.MediumCheck{Generation: g.Number, Result: ledger.Whole})
		}
	}
	return logMedium(dir, c.Medium.base, now, append(lines, ledger.MediumCheck{Generation: number, Result: result})...)
}

// Newest is the newest generation that a check found, whole or not; 0 for none.
func (c *Checked) Newest() (number int) {
	for _, g := range c.Generations {
		number = max(number, g.Number)
	}
	return number
}

// checkLog reports a log that is not one, which is damage: somebody or something has changed it.
// It returns the generations that the medium held, and when.
func (c *Checked) checkLog() map[int]time.Time {
	where := c.Medium.Path(ledger.MediumLogName)
	log, err := c.Medium.log()
	if err != nil {
		c.add(Damage, "MEDIUM-LOG", where, fmt.Errorf("%w; no backup is touched by that: `coldvault check --repair` keeps what is sound of it", err))
	}
	if log == nil {
		if there, listErr := c.Medium.numbers(); err == nil && listErr == nil && len(there) > 0 {
			c.add(Note, "MEDIUM-LOG", where, errors.New("it is missing, and with it the id of the medium: it gets another, and a ledger counts it as a medium of its own; "+
				"where `coldvault status` has it under its old id too, note that one as lost: `coldvault record --lost ID`"))
		}
		return nil
	}
	if log.Torn() > 0 {
		c.add(Note, "MEDIUM-LOG", where, errors.New("its last line was cut off while it was written"))
	}
	if log.Full() {
		c.add(Note, "MEDIUM-LOG", where, errors.New("it has no numbers left for its lines, which checks alone hardly use up: the next line begins it anew"))
	}
	logged := c.Medium.logged()
	highest := slices.Max(append(slices.Collect(maps.Keys(log.Fates())), 0))
	if _, believed := logged[highest]; highest > 0 && !believed {
		c.add(Note, "MEDIUM-LOG", where, fmt.Errorf("it names generation %d, which is so far above all others that nobody made it: remove the log, which nobody signs", highest))
	}
	held := heldOf(logged)
	c.checkGone(held)
	return held
}

// checkGone reports a medium that has lost generations. Without the newest it was put back to an
// earlier state. An older one may have been removed by hand, to make room.
func (c *Checked) checkGone(held map[int]time.Time) {
	there, err := c.Medium.numbers()
	if err != nil {
		return // reported where they are read
	}
	newest := 0
	for _, n := range there {
		newest = max(newest, n)
	}
	for _, n := range slices.Sorted(maps.Keys(held)) {
		where, seen := c.Medium.Path(generationDir(n)), held[n].Format(time.DateOnly)
		switch {
		case slices.Contains(there, n):
		case n > newest:
			c.add(Damage, GenerationGone, where,
				fmt.Errorf("it is gone, and the log of the medium says that it was here on %s: seal onto the medium or copy to it; if that cannot be, remove the log, which nobody signs", seen))
		default:
			c.add(Note, "GENERATION-REMOVED", where,
				fmt.Errorf("it is gone, and the log of the medium says that it was here on %s and that no seal removed it: unless you did, copy it from another medium", seen))
		}
	}
}

// GenerationGone is the finding that a medium had a newer generation than it has.
const GenerationGone = "GENERATION-GONE"
