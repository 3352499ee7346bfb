package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity of a finding.
type Severity string

const (
	// Note is worth knowing.
	Note Severity = "note"
	// Due is for the operator to do.
	Due Severity = "due"
	// Danger is a loss that has happened, or that the next step must prevent.
	Danger Severity = "danger"
)

// Finding is one thing that status has to say. ID names the rule; When is the date that
// it goes by, if there is one.
type Finding struct {
	ID       string    `json:"id"`
	Severity Severity  `json:"severity"`
	Text     string    `json:"text"`
	When     time.Time `json:"when,omitzero"`
}

// Figure is one of the five of 3-2-1-1-0.
type Figure struct {
	Name   string `json:"name"`
	Value  int    `json:"value"`
	Target int    `json:"target"`
	OK     bool   `json:"ok"`
	Text   string `json:"text"`
}

// Date is an entry of the calendar. UID stays the same when the date moves.
type Date struct {
	UID   string    `json:"uid"`
	On    time.Time `json:"on"`
	What  string    `json:"what"`
	Text  string    `json:"text"`
	Alarm int       `json:"alarm_days"` // days before
}

// Status is what the ledger amounts to at a time.
type Status struct {
	Vault        string        `json:"vault"`
	Time         time.Time     `json:"time"`
	Generation   int           `json:"generation"` // the newest; 0: none is sealed
	Sealed       time.Time     `json:"sealed,omitzero"`
	Figures      []Figure      `json:"figures"`
	WholeCopies  int           `json:"whole_copies"` // proven, of the newest generation, on devices of their own
	Copies       []Copy        `json:"copies"`
	Compartments []Compartment `json:"compartments"`
	Deadlines    []Deadline    `json:"deadlines"`
	Policy       Policy        `json:"policy"`
	Lines        int           `json:"lines"`
	Unsigned     int           `json:"unsigned"` // lines beyond the signed head
	Findings     []Finding     `json:"findings"`
	Dates        []Date        `json:"dates"`
	// Due tells that something is to be done: exit code 3.
	Due bool `json:"due"`

	media map[string]int // index into Copies, while lines are replayed
}

// Found is a generation that lies in the folder of a vault. One that is older than ledgers is in none.
type Found struct {
	Sealed
	Older bool
}

// Compute works out the status of a vault from its ledger. found are generations that lie in
// the folder of the vault: a ledger that was lost, or put back to an earlier state, does not know them.
func Compute(l *Ledger, now time.Time, found ...Found) Status {
	now = now.UTC().Truncate(time.Second)
	s := Status{
		Vault: l.Vault(), Time: now, Policy: DefaultPolicy(), Lines: len(l.entries), Unsigned: l.Unsigned(),
		Copies: []Copy{}, Deadlines: []Deadline{}, Findings: []Finding{}, Dates: []Date{},
		media: map[string]int{},
	}
	s.replay(l, l.times(now))
	s.judgeFound(l, found)
	s.nameCopies()
	s.judgeSeen(l, found)
	s.count()
	s.judgeCopies()
	for i := range s.Compartments {
		c := &s.Compartments[i]
		c.count(now)
		s.judgeQuorum(c)
		s.judgeCards(c)
		s.judgeDrill(c)
	}
	s.cardDates()
	s.judgeDeadlines()
	s.judgeLedger(l)
	severities := []Severity{Danger, Due, Note}
	slices.SortStableFunc(s.Findings, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
	slices.SortStableFunc(s.Dates, func(a, b Date) int { return a.On.Compare(b.On) })
	s.Due = slices.ContainsFunc(s.Findings, func(f Finding) bool { return f.Severity != Note })
	return s
}

// times are when the lines count as written: not after now, nor after a later line. A clock that
// was ahead once would put off what is due for as long. One that had lost its time and
// dates a line before the vault was made says nothing of other lines.
func (l *Ledger) times(now time.Time) []time.Time {
	times := make([]time.Time, len(l.entries))
	for i, e := range slices.Backward(l.entries) {
		times[i] = e.Time
		if e.Time.After(now) {
			times[i] = now
		}
		if !e.Time.Before(l.entries[0].Time) {
			now = times[i]
		}
	}
	return times
}

// replay brings the events of all lines into s, each at its time.
func (s *Status) replay(l *Ledger, times []time.Time) {
	var sealed []Deadline
	for i, e := range l.entries {
		switch event := e.Event.(type) {
		case VaultCreated:
			s.split(event.Sets, event.Custodians)
		case SharesSplit:
			s.split(event.Sets, event.Custodians)
		case Sealed:
			s.sealed(event, sealed)
			sealed = event.Deadlines
		case Copied:
			s.copied(event, times[i])
		case Checked:
			s.checked(event, times[i])
		case Placed:
			c := s.medium(event.Medium)
			c.Place, c.Offsite, c.Online, c.Custodian, c.Seal = event.Place, event.Offsite, event.Online, event.Custodian, event.Seal
		case Lost:
			s.lost(event)
		case CardChecked:
			s.cardChecked(event, times[i])
		case Drilled:
			s.drilled(event, times[i])
		case Policy:
			s.Policy = event
		case Deadline:
			s.deadline(event)
		}
	}
	s.Deadlines = slices.DeleteFunc(s.Deadlines, func(d Deadline) bool { return d.Done })
	slices.SortStableFunc(s.Deadlines, func(a, b Deadline) int { return a.When.Compare(b.When) })
}

// sealed takes a generation for the newest. It holds all there is, so the dates that the files of
// the one before said are over. Those that the operator gave, which have no role, are not.
func (s *Status) sealed(e Sealed, before []Deadline) {
	if e.Generation >= s.Generation {
		s.Generation, s.Sealed = e.Generation, e.Created
	}
	for _, d := range before {
		if d.Role != "" {
			s.Deadlines = slices.DeleteFunc(s.Deadlines, d.SameAs)
		}
	}
	for _, d := range e.Deadlines {
		s.deadline(d)
	}
}

func (s *Status) deadline(d Deadline) {
	if i := slices.IndexFunc(s.Deadlines, d.SameAs); i >= 0 {
		s.Deadlines[i] = d
		return
	}
	s.Deadlines = append(s.Deadlines, d)
}

func (s *Status) find(id string, severity Severity, when time.Time, format string, args ...any) {
	s.Findings = append(s.Findings, Finding{id, severity, fmt.Sprintf(format, args...), when})
}

// Days before a date from which status speaks of it, and that the calendar warns.
const (
	deadlineLead = 30
	checkLead    = 7
)

// judgeDeadlines: a date that is near takes preparation, such as a new KES key, and is
// due before it comes.
func (s *Status) judgeDeadlines() {
	for _, d := range s.Deadlines {
		what := d.What
		if d.Role != "" {
			what += " (" + d.Role + ")"
		}
		days := daysBetween(s.Time, d.When)
		switch {
		case day(s.Time) == day(d.When) && (s.Time.Before(d.When) || d.When.Equal(d.When.Truncate(24*time.Hour))):
			s.find("STATUS-DUE", Danger, d.When, "%s: it is due today, %s", what, day(d.When))
		case !s.Time.Before(d.When):
			s.find("STATUS-DUE", Danger, d.When, "%s: it was due on %s", what, day(d.When))
		case days <= deadlineLead:
			s.find("STATUS-DUE", Due, d.When, "%s: due on %s, in %s", what, day(d.When), Count(days, "day"))
		}
		s.Dates = append(s.Dates, Date{
			UID: "due-" + digest([]byte(d.What + "\n" + d.Role))[:16], On: d.When, What: what,
			Text: "Due on " + day(d.When) + ".", Alarm: deadlineLead,
		})
	}
}

// judgeFound tells of generations that the ledger should know.
func (s *Status) judgeFound(l *Ledger, found []Found) {
	for _, g := range found {
		if g.Generation > l.Newest() && !g.Older {
			s.sealed(g.Sealed, nil)
			s.find("STATUS-LEDGER", Danger, g.Created, "the ledger does not know generation %d, which lies in the vault's folder: %s", g.Generation, LostAdvice)
		}
	}
}

// judgeSeen tells of a generation that was seen on media, and that no line says was sealed.
func (s *Status) judgeSeen(l *Ledger, found []Found) {
	n := l.Proven()
	if n == l.Newest() || slices.ContainsFunc(found, func(g Found) bool { return g.Generation >= n }) {
		return
	}
	where := "was seen on a medium"
	var on []string
	for _, c := range s.Copies {
		if c.Generation == n {
			on = append(on, c.Name)
		}
	}
	if len(on) > 0 {
		where = "is on " + strings.Join(on, ", ")
	}
	s.find("STATUS-LEDGER", Danger, time.Time{}, "the ledger does not know that generation %d was sealed, which %s: %s", n, where, LostAdvice)
}

// LostAdvice says what to do about a ledger that does not know the newest generation.
const LostAdvice = "it was lost or put back to an earlier state, or the seal was ended before it was recorded; " +
	"`coldvault restore --role vault` with a quorum brings back the one that the newest generation carries, and what was recorded since is to be recorded again"

// UnprovenAdvice says what to do about a ledger whose signed head is gone.
const UnprovenAdvice = "nothing of it is signed, and every seal signs it: its " + HeadName + " was removed, and any line may have been changed; read what it says, " +
	"or bring back the one of the newest generation with `coldvault restore --role vault`; the next seal signs what is there"

// judgeLedger tells of the ledger itself.
func (s *Status) judgeLedger(l *Ledger) {
	s.judgeClock(l)
	if l.Unproven() {
		s.find("STATUS-UNSIGNED", Danger, time.Time{}, "ledger: %s", UnprovenAdvice)
	} else if s.Unsigned > 0 {
		s.find("STATUS-UNSIGNED", Note, time.Time{}, "ledger: %d of %s not yet signed: the next command that unlocks the signer signs them",
			s.Unsigned, Count(s.Lines, "line"))
	}
	if l.Torn() > 0 {
		s.find("STATUS-TORN", Note, time.Time{}, "the last line of the ledger is torn: its %d bytes do not count, and the next command notes that", l.Torn())
	}
}

// judgeClock tells of dates that cannot all be right. What is over and done with is no more than a
// note: no line can be mended.
func (s *Status) judgeClock(l *Ledger) {
	next := s.Time
	for i, e := range slices.Backward(l.entries) {
		switch {
		case !e.Time.After(next):
		case i == s.Lines-1:
			s.find("STATUS-CLOCK", Due, e.Time, "the clock says %s, the last record is of %s: no date here can be trusted until the clock is right; if it is right now, "+
				"any record puts a right date behind the wrong one: `coldvault record --note TEXT`", stamp(s.Time), stamp(e.Time))
			return
		default:
			s.find("STATUS-CLOCK", Note, e.Time, "a clock was wrong: line %d of the ledger is of %s, and the one after it of %s; what may be older counts as older",
				e.N, stamp(e.Time), stamp(next))
			return
		}
		next = e.Time
	}
}

// daysBetween is how many whole days lie between two times.
func daysBetween(from, to time.Time) int { return int(to.Sub(from).Hours() / 24) }

func day(t time.Time) string   { return t.Format(time.DateOnly) }
func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// Count gives "1 day", "2 days", "1 copy", "2 copies".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && noun != "day" {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
