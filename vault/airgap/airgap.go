// Package airgap says what can be read about the host: its network, its radios,
// where its memory may be written to, its clock and its randomness.
//
// It reads files below /proc, /sys and /etc through an fs.FS and opens no socket,
// netlink included. It never says that a host is "air-gapped": it gives facts, and
// for each that could not be read, why. What it sees is what the kernel shows to
// this process: its own network namespace, and the truth only where the kernel
// tells it.
//
// Nothing here is secret, and nothing that was read is believed: files are capped
// before they are read, and text is cut and stripped of control characters before it
// is kept.
package airgap

import (
	"io/fs"
	"strings"
	"time"
)

// A Value is what the host said, or why that is not known.
type Value[T any] struct {
	Is      T
	Unknown string // why; "" where Is is known
}

// Known tells whether there is a value.
func (v Value[T]) Known() bool { return v.Unknown == "" }

// know makes a Value of what a reader returns.
func know[T any](is T, err error) Value[T] {
	if err != nil {
		return Value[T]{Unknown: reason(err)}
	}
	return Value[T]{Is: is}
}

// Facts are what was read of a host.
type Facts struct {
	Network Network
	Memory  Memory
	Machine Machine
	Clock   Clock
	// Features are what the caller found out about its own process.
	Features []Fact
}

// A Fact is one line for people: what it is about and what was read.
type Fact struct {
	Name    string
	Value   string
	Unknown string // why there is no value
}

// Clock is the time by the system, by the clock chip, and by the caller.
type Clock struct {
	Now time.Time        // the system's, when the host was looked at
	RTC Value[time.Time] // the chip's, read as UTC; zero where there is none
	// LastRecord is the latest time that the caller has on record, zero for none. A
	// clock before it is wrong.
	LastRecord time.Time
}

// Look reads the host whose file system is root. What cannot be read is unknown and
// stops nothing else.
func Look(root fs.FS) Facts {
	h := host{root}
	return Facts{Network: h.network(), Memory: h.memory(), Machine: h.machine(), Clock: h.clock()}
}

// List gives the facts as lines, in a fixed order; the interfaces apart.
func (f Facts) List() []Fact {
	var out []Fact
	for _, part := range [][]Fact{f.Network.list(), f.Memory.list(), f.Machine.list(), f.Clock.list(), f.Features} {
		out = append(out, part...)
	}
	return out
}

// line makes a Fact of a value and the words for it.
func line[T any](name string, v Value[T], words func(T) string) Fact {
	if !v.Known() {
		return Fact{Name: name, Unknown: v.Unknown}
	}
	return Fact{Name: name, Value: words(v.Is)}
}

// orNone is the text, or "none" where there is none.
func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// join lists things by their words.
func join[T any](words func(T) string) func([]T) string {
	return func(things []T) string {
		var out []string
		for _, t := range things {
			out = append(out, words(t))
		}
		return orNone(strings.Join(out, ", "))
	}
}
