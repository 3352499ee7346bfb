// Package ledger keeps the record of a vault's copies, cards, checks and drills, and
// works out from it what has to be done: whether the copies satisfy 3-2-1-1-0, what is
// stale, unproven, unseen or due, and what one more loss would mean. FORMAT.md section
// 10 defines its files.
//
// The ledger is a file of lines on the cold machine, each with the digest of the one
// before, and a head that the vault's signer signs whenever a command has it unlocked.
// A copy of it travels in every generation. A medium carries a MediumLog instead, which
// names nobody and no place.
//
// What it promises: a line that was changed, dropped, moved or added is named, up to the
// signed head by the signature, and beyond it wherever a line follows; a write that is
// interrupted leaves the ledger before it or the one after it. What it cannot show: that
// lines beyond the signed head were cut off from the end. It holds no secret, calls no
// cryptography but SHA-256, and leaves signing to its caller.
package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Limits of FORMAT.md section 10.
const (
	MaxSize  = 64 << 20 // bytes of ledger.jsonl
	MaxLine  = 8 << 10  // bytes of a line, without its line feed
	MaxLines = 200_000
)

// firstPrev stands for the line before the first.
const firstPrev = "0000000000000000000000000000000000000000000000000000000000000000"

// Ledger is what ledger.jsonl says, and how much of that is signed. The zero value is
// the ledger of a vault that is being made: its first event is VaultCreated.
type Ledger struct {
	data      []byte // whole lines
	entries   []Entry
	last      string // digest of the last line
	torn      []byte // what followed the last whole line
	head      Head
	signature []byte // of head; nil where nothing is signed
}

// LineError names the line that is not as it was written.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("ledger.jsonl line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Parse reads ledger.jsonl. An end without a line feed is what a power cut leaves of a
// line that never counted; Torn tells of it, and the next Append puts a note in its
// place. Everything else that does not chain is a *LineError. Keeps G23.
func Parse(data []byte) (*Ledger, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("ledger.jsonl: %d bytes where at most %d are allowed", len(data), MaxSize)
	}
	l := &Ledger{}
	for rest := data; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		n := len(l.entries) + 1
		if len(line) > MaxLine {
			return nil, &LineError{n, fmt.Errorf("longer than %d bytes", MaxLine)}
		}
		if !whole {
			l.torn = bytes.Clone(line)
			break
		}
		e, err := parseLine(line)
		if err == nil {
			err = l.follows(e)
		}
		if err != nil {
			return nil, &LineError{n, err}
		}
		l.add(e, line)
		rest = after
	}
	if len(l.entries) == 0 {
		return nil, errors.New("ledger.jsonl: it has no whole line")
	}
	return l, nil
}

// follows tells whether e may be the next line.
func (l *Ledger) follows(e Entry) error {
	n := len(l.entries) + 1
	if n > MaxLines {
		return fmt.Errorf("more than %d lines", MaxLines)
	}
	if e.N != n {
		return fmt.Errorf("it has the number %d: lines are missing, moved or doubled", e.N)
	}
	if e.Prev != l.hash(n-1) {
		return errors.New("it does not follow the line before it: one of the two was changed")
	}
	if _, created := e.Event.(VaultCreated); created != (n == 1) {
		return errors.New("the making of the vault is the first line and no other")
	}
	return nil
}

func (l *Ledger) add(e Entry, line []byte) {
	l.data = append(append(l.data, line...), '\n')
	l.entries = append(l.entries, e)
	l.last = digest(line)
}

// hash is the digest of line n, which the line after it repeats.
func (l *Ledger) hash(n int) string {
	switch {
	case n == 0:
		return firstPrev
	case n == len(l.entries):
		return l.last
	}
	return l.entries[n].Prev
}

// Append adds events that happened now: all of them, or none and an error. They are
// kept by Save.
func (l *Ledger) Append(now time.Time, events ...Event) error {
	next := *l
	// Not into the array behind l, which an error must leave alone.
	next.data, next.entries = slices.Clip(l.data), slices.Clip(l.entries)
	if len(l.torn) > 0 {
		events = append([]Event{tornNote(l.torn)}, events...)
		next.torn = nil
	}
	for _, event := range events {
		n := len(next.entries) + 1
		e := Entry{N: n, Prev: next.hash(n - 1), Time: now.UTC().Truncate(time.Second), Event: event}
		line, err := e.marshal()
		if err == nil {
			err = next.follows(e)
		}
		if err == nil && len(next.data)+len(line)+1 > MaxSize {
			err = fmt.Errorf("the ledger would be larger than %d bytes", MaxSize)
		}
		if err != nil {
			return &LineError{n, err}
		}
		next.add(e, line)
	}
	*l = next
	return nil
}

// tornNote keeps what a power cut left of a line: its beginning, as text.
func tornNote(torn []byte) Noted {
	const shown = 64
	return Noted{Text: fmt.Sprintf("the last line was torn: %d bytes were cut off, beginning %+q", len(torn), torn[:min(len(torn), shown)])}
}

// Bytes is ledger.jsonl.
func (l *Ledger) Bytes() []byte { return bytes.Clone(l.data) }

// Entries are the lines in their order.
func (l *Ledger) Entries() []Entry { return slices.Clone(l.entries) }

// Vault is the id of the vault the ledger belongs to.
func (l *Ledger) Vault() string {
	if len(l.entries) == 0 {
		return ""
	}
	created, _ := l.entries[0].Event.(VaultCreated)
	return created.Vault
}

// Sealed are the generations that were sealed, and when.
func (l *Ledger) Sealed() map[int]time.Time {
	sealed := map[int]time.Time{}
	for _, e := range l.entries {
		if event, ok := e.Event.(Sealed); ok {
			sealed[event.Generation] = event.Created
		}
	}
	return sealed
}

// Newest is the newest of them, 0 for none.
func (l *Ledger) Newest() (newest int) {
	for n := range l.Sealed() {
		newest = max(newest, n)
	}
	return newest
}

// MaxLeap is how far above every generation that is known the number of another is believed: it may be
// the name of a folder, which anything may have changed.
const MaxLeap = 1000

// Known is the newest generation that any line names, 0 for none: a ledger that was put back to an earlier
// state learns from copies, checks and drills which numbers were used since. Above what was sealed, and what the
// caller knows, they are believed as far as MaxLeap.
func (l *Ledger) Known(above int) (newest int) {
	newest = l.Newest()
	limit := max(newest, above) + MaxLeap
	for n := range l.seen {
		if n <= limit {
			newest = max(newest, n)
		}
	}
	return newest
}

// Proven is the newest generation that any line shows to have been whole somewhere, 0 for none.
func (l *Ledger) Proven() (newest int) {
	newest = l.Newest()
	for n, whole := range l.seen {
		if whole {
			newest = max(newest, n)
		}
	}
	return newest
}

// seen are the generations that copies, checks and drills name, and whether they were whole.
func (l *Ledger) seen(yield func(generation int, whole bool) bool) {
	for _, e := range l.entries {
		more := true
		switch event := e.Event.(type) {
		case Copied:
			more = yield(event.Generation, event.Proven)
		case Checked:
			more = yield(event.Generation, event.Result == Whole || event.Result == Repaired)
		case Drilled:
			more = yield(event.Generation, event.Restored)
		}
		if !more {
			return
		}
	}
}

// Torn is the number of bytes after the last whole line.
func (l *Ledger) Torn() int { return len(l.torn) }

// Unsigned is the number of lines beyond the signed head.
func (l *Ledger) Unsigned() int { return len(l.entries) - l.head.N }

// Unproven tells that nothing is signed although a generation was sealed, with which it was.
func (l *Ledger) Unproven() bool { return l.signature == nil && l.Newest() > 0 }

func digest(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}
