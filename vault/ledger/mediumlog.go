package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// MediumLogName is the file's name in coldvault/<vault-id>/ of a medium.
const MediumLogName = "checks.log"

// Limits of a MediumLog.
const (
	MaxMediumLog  = 1 << 20
	maxMediumLine = 512
	maxVersion    = 64
)

// MediumCheck is what the log of a medium says of one check: nothing that tells who
// keeps the medium, or where. Keeps G29.
type MediumCheck struct {
	Time       time.Time
	Generation int
	Version    string // of the tool
	Result     Result
}

// mediumLine is a line of the log. A folded one closes all lines before it, which are
// dropped: it repeats the last of them, goes on from it, and says how many checks there
// were, since when, and how many of them found damage.
type mediumLine struct {
	N          int       `json:"n"`
	Prev       string    `json:"prev"`
	Time       time.Time `json:"time"`
	Generation int       `json:"generation"`
	Version    string    `json:"version"`
	Result     Result    `json:"result"`
	Medium     string    `json:"medium"`
	Folded     *folded   `json:"folded,omitempty"`
	Sum        string    `json:"sum"`
}

// sumDigits of the digest of a line with an empty sum are its sum.
const sumDigits = 16

type folded struct {
	Checks  int       `json:"checks"`
	Since   time.Time `json:"since"`
	Damaged int       `json:"damaged"`
}

// MediumLog is checks.log: the random id of the medium, then a line for each check, each
// with the digest of the one before. It shows damage, not forgery: who has the medium
// can write another log, or cut lines from the end of this one.
type MediumLog struct {
	id    string
	data  []byte // whole lines
	lines []mediumLine
	last  string // digest of the last line
	torn  int
}

// ErrNoMediumID is returned for a log that does not begin with an id, such as one that
// was cut off in its first line. The medium gets a new one.
var ErrNoMediumID = errors.New("checks.log: it does not begin with the id of a medium")

// NewMediumLog begins the log of a medium with a random id.
func NewMediumLog() *MediumLog {
	var id [MediumIDSize]byte
	_, _ = rand.Read(id[:]) // it never fails
	return newMediumLog(hex.EncodeToString(id[:]))
}

func newMediumLog(id string) *MediumLog {
	return &MediumLog{id: id, data: []byte(id + "\n"), last: digest([]byte(id))}
}

// ParseMediumLog reads checks.log. An end without a line feed is a line that never
// counted: Torn tells of it, and Append drops it. With an error it returns what is sound of the log,
// nil where that is nothing.
func ParseMediumLog(data []byte) (*MediumLog, error) {
	if len(data) > MaxMediumLog {
		return nil, fmt.Errorf("checks.log: %d bytes where at most %d are allowed", len(data), MaxMediumLog)
	}
	l, err := parseMediumLog(data)
	if err != nil {
		return salvageMediumLog(data), err
	}
	return l, nil
}

func parseMediumLog(data []byte) (*MediumLog, error) {
	first, rest, whole := bytes.Cut(data, []byte("\n"))
	if !whole || checkHex("medium", string(first), MediumIDSize) != nil {
		return nil, ErrNoMediumID
	}
	l := newMediumLog(string(first))
	for at := 2; len(rest) > 0; at++ {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if len(line) > maxMediumLine {
			return nil, fmt.Errorf("checks.log line %d: longer than %d bytes", at, maxMediumLine)
		}
		if !whole {
			l.torn = len(line)
			break
		}
		m, err := parseMediumLine(line)
		if err == nil {
			err = l.follows(m)
		}
		if err != nil {
			return nil, fmt.Errorf("checks.log line %d: %w", at, err)
		}
		l.add(m, line)
		rest = after
	}
	return l, nil
}

// salvageMediumLog makes a log of what the sound lines of a damaged one say of generations. Each has a
// sum of its own, and the id of the medium, which the first line has without one.
func salvageMediumLog(data []byte) *MediumLog {
	sound := &MediumLog{}
	for line := range bytes.Lines(data) {
		line, whole := bytes.CutSuffix(line, []byte("\n"))
		if !whole || len(line) > maxMediumLine {
			continue
		}
		m, err := parseMediumLine(line)
		if err == nil && checkHex("medium", m.Medium, MediumIDSize) == nil && (sound.id == "" || sound.id == m.Medium) {
			sound.id, sound.lines = m.Medium, append(sound.lines, m)
		}
	}
	if sound.id == "" {
		first, _, _ := bytes.Cut(data, []byte("\n"))
		if checkHex("medium", string(first), MediumIDSize) != nil {
			return nil
		}
		sound.id = string(first)
	}
	l := newMediumLog(sound.id)
	if l.take(sound.Fates()) != nil {
		return nil
	}
	return l
}

func parseMediumLine(line []byte) (mediumLine, error) {
	var m mediumLine
	if err := json.Unmarshal(line, &m); err != nil {
		return mediumLine{}, fmt.Errorf("not the JSON that is expected here: %w", err)
	}
	again, err := m.marshal()
	if err != nil {
		return mediumLine{}, err
	}
	if !bytes.Equal(line, again) {
		return mediumLine{}, errors.New("it was changed, or is not in the canonical form")
	}
	return m, nil
}

// marshal gives the line with its sum: the last one has nobody after it to tell that it
// was changed.
func (m mediumLine) marshal() ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	m.Sum = ""
	line, err := encode(m)
	if err != nil {
		return nil, err
	}
	m.Sum = digest(line)[:sumDigits]
	return encode(m)
}

func (m mediumLine) validate() error {
	if err := checkRange("n", m.N, 1, maxCount); err != nil {
		return err
	}
	if err := checkHex("prev", m.Prev, 32); err != nil {
		return err
	}
	if err := checkTime(m.Time); err != nil {
		return err
	}
	if err := checkGeneration(m.Generation); err != nil {
		return err
	}
	if err := checkText("version", m.Version, maxVersion); err != nil {
		return err
	}
	if err := checkOneOf("result", m.Result, Written, Removed, Whole, Repaired, Damaged, Incomplete); err != nil {
		return err
	}
	if m.Folded == nil {
		return nil
	}
	if f := m.Folded; f.Checks < 1 || f.Checks >= m.N || f.Damaged < 0 || f.Damaged > f.Checks {
		return errors.New("what it says of the lines before it cannot be")
	}
	return checkTime(m.Folded.Since)
}

// follows tells whether m may be the next line. What a folded line at the beginning
// follows is gone.
func (l *MediumLog) follows(m mediumLine) error {
	if m.Medium != l.id {
		return fmt.Errorf("it is of medium %.32q, not of %s", m.Medium, l.id)
	}
	if m.Folded != nil {
		if len(l.lines) > 0 {
			return errors.New("it closes lines that are still there")
		}
		return nil
	}
	if m.N != l.n()+1 {
		return fmt.Errorf("it has the number %d, not %d: lines are missing, moved or doubled", m.N, l.n()+1)
	}
	if m.Prev != l.last {
		return errors.New("it does not follow the line before it: one of the two was changed")
	}
	return nil
}

func (l *MediumLog) n() int {
	if len(l.lines) == 0 {
		return 0
	}
	return l.lines[len(l.lines)-1].N
}

func (l *MediumLog) add(m mediumLine, line []byte) {
	l.data = append(append(l.data, line...), '\n')
	l.lines = append(l.lines, m)
	l.last = digest(line)
}

// Append adds a check and returns the new content of the file. Where that would be too
// large, the lines there are get folded into one first; where there are no numbers left, the log
// begins anew with the same id.
func (l *MediumLog) Append(c MediumCheck) ([]byte, error) {
	if l.Full() {
		*l = *newMediumLog(l.id)
	}
	m, line, err := l.next(c)
	if err != nil {
		return nil, fmt.Errorf("checks.log: %w", err)
	}
	if len(l.data)+len(line)+1 > MaxMediumLog {
		if err := l.fold(); err != nil {
			return nil, fmt.Errorf("checks.log: %w", err)
		}
		if m, line, err = l.next(c); err != nil {
			return nil, fmt.Errorf("checks.log: %w", err)
		}
	}
	l.add(m, line)
	l.torn = 0
	return l.Bytes(), nil
}

func (l *MediumLog) next(c MediumCheck) (m mediumLine, line []byte, err error) {
	m = mediumLine{
		N: l.n() + 1, Prev: l.last, Time: c.Time.UTC().Truncate(time.Second),
		Generation: c.Generation, Version: c.Version, Result: c.Result, Medium: l.id,
	}
	line, err = m.marshal()
	return m, line, err
}

// fold closes all lines with one that repeats the last check; the last lines of the other
// generations follow.
func (l *MediumLog) fold() error {
	last, _ := l.Last() // a log that is too large has lines
	m, _, err := l.next(last)
	if err != nil {
		return err
	}
	m.Folded = &folded{Checks: l.Len(), Since: l.lines[0].Time}
	for _, old := range l.lines {
		if old.Folded != nil {
			m.Folded.Since, m.Folded.Damaged = old.Folded.Since, old.Folded.Damaged
		} else if old.Result == Damaged || old.Result == Incomplete {
			m.Folded.Damaged++
		}
	}
	line, err := m.marshal()
	if err != nil {
		return err
	}
	fates := l.Fates()
	if fates[last.Generation] == last { // the closing line has it
		delete(fates, last.Generation)
	}
	short := newMediumLog(l.id)
	short.add(m, line)
	*l = *short
	return l.take(fates)
}

// Full tells that the numbers of its lines are used up: the line that closes a log takes one,
// and so does the next. Whoever has the medium can write such a log.
func (l *MediumLog) Full() bool { return l.n() > maxCount-2 }

// ID is the id of the medium.
func (l *MediumLog) ID() string { return l.id }

// Bytes is checks.log.
func (l *MediumLog) Bytes() []byte { return bytes.Clone(l.data) }

// Torn is the number of bytes after the last whole line.
func (l *MediumLog) Torn() int { return l.torn }

// Len is the number of checks, those that were folded too.
func (l *MediumLog) Len() int {
	if len(l.lines) > 0 && l.lines[0].Folded != nil {
		return l.lines[0].Folded.Checks + len(l.lines) - 1
	}
	return len(l.lines)
}

// Fates are the last lines on each generation that say that it must be there, or that it is removed. One
// that is incomplete is neither: it is about to be written, perhaps again.
func (l *MediumLog) Fates() map[int]MediumCheck {
	fates := map[int]MediumCheck{}
	for _, m := range l.lines {
		if m.Result == Incomplete {
			delete(fates, m.Generation)
			continue
		}
		fates[m.Generation] = m.check()
	}
	return fates
}

// Renewed is a log with a new id that knows what was whole on the medium, and no more.
func (l *MediumLog) Renewed() (*MediumLog, error) {
	renewed := NewMediumLog()
	return renewed, renewed.take(l.Fates())
}

// maxFates are the generations that a log takes over from one that ends: a quarter of its size.
const maxFates = 1000

// take adds the lines of the newest generations that must be there.
func (l *MediumLog) take(fates map[int]MediumCheck) error {
	maps.DeleteFunc(fates, func(_ int, c MediumCheck) bool { return c.Result == Removed })
	numbers := slices.Sorted(maps.Keys(fates))
	for _, n := range numbers[max(0, len(numbers)-maxFates):] {
		if l.Full() {
			return nil
		}
		m, line, err := l.next(fates[n])
		if err != nil {
			return err
		}
		l.add(m, line)
	}
	return nil
}

// Last is the newest check.
func (l *MediumLog) Last() (MediumCheck, bool) {
	if len(l.lines) == 0 {
		return MediumCheck{}, false
	}
	return l.lines[len(l.lines)-1].check(), true
}

func (m mediumLine) check() MediumCheck {
	return MediumCheck{m.Time, m.Generation, m.Version, m.Result}
}
