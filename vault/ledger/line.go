package ledger

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Entry is one line: the N-th, which follows the line with the digest Prev.
type Entry struct {
	N     int
	Prev  string
	Time  time.Time
	Event Event
}

// header is what every line begins with.
type header struct {
	N     int       `json:"n"`
	Prev  string    `json:"prev"`
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
}

// marshal gives the canonical line, without its line feed.
func (e Entry) marshal() ([]byte, error) {
	if e.Event == nil {
		return nil, errors.New("it has no event")
	}
	if err := checkTime(e.Time); err != nil {
		return nil, err
	}
	if err := e.Event.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", e.Event.kind(), err)
	}
	line, err := encode(header{e.N, e.Prev, e.Time, e.Event.kind()})
	if err != nil {
		return nil, err
	}
	members, err := encode(e.Event)
	if err != nil {
		return nil, err
	}
	// Two objects become one. No event is without members: validate sees to it.
	line[len(line)-1] = ','
	line = append(line, members[1:]...)
	if len(line) > MaxLine {
		return nil, fmt.Errorf("longer than %d bytes", MaxLine)
	}
	return line, nil
}

// parseLine reads one line and refuses what marshal would have written otherwise: with
// that also members that are unknown, doubled or of other events.
func parseLine(line []byte) (Entry, error) {
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return Entry{}, fmt.Errorf("not the JSON that is expected here: %w", err)
	}
	decode, known := decoders[h.Event]
	if !known {
		return Entry{}, fmt.Errorf("the event %.32q is not known here: use a newer coldvault", h.Event)
	}
	event, err := decode(line)
	if err != nil {
		return Entry{}, fmt.Errorf("not the JSON that is expected here: %w", err)
	}
	e := Entry{h.N, h.Prev, h.Time, event}
	again, err := e.marshal()
	if err != nil {
		return Entry{}, err
	}
	if !bytes.Equal(line, again) {
		return Entry{}, errors.New("not in the canonical form")
	}
	return e, nil
}

// encode gives JSON on one line, as FORMAT.md section 3 has it but for the spaces.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// checkTime demands whole seconds in UTC, which JSON writes as YYYY-MM-DDThh:mm:ssZ.
func checkTime(t time.Time) error {
	if t.Location() != time.UTC || t.Nanosecond() != 0 || t.Year() < 1970 || t.Year() > 9999 {
		return fmt.Errorf("time %s is not in whole seconds UTC", t)
	}
	return nil
}

func checkHex(what, s string, size int) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != size || hex.EncodeToString(b) != s {
		return fmt.Errorf("%s %.64q is not %d lower-case hex digits", what, s, 2*size)
	}
	return nil
}

// checkText keeps what operators read to one printable line.
func checkText(what, s string, limit int) error {
	if s == "" {
		return fmt.Errorf("%s is missing", what)
	}
	return checkOptional(what, s, limit)
}

func checkOptional(what, s string, limit int) error {
	if len(s) > limit || !utf8.ValidString(s) || strings.TrimSpace(s) != s ||
		strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s %.64q is longer than %d bytes, or not printable on one line", what, s, limit)
	}
	return nil
}

func checkRange(what string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s is %d, not from %d to %d", what, n, least, most)
	}
	return nil
}

func checkOneOf[T ~string](what string, got T, allowed ...T) error {
	for _, a := range allowed {
		if got == a {
			return nil
		}
	}
	return fmt.Errorf("%s is %.32q", what, got)
}
