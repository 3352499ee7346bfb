package mediatest

import (
	"fmt"
	"iter"
	"math/rand/v2"

	"coldvault/media"
)

// AllCrashes yields what a power cut now may leave of f, each state with a label that
// is the same in every run. f may be used meanwhile.
//
// Where at most limit combinations of choices exist it yields them all. Else it yields
// a selection of about limit at most, the same every time: nothing and everything; all
// entries without sizes; all entries and sizes with the bytes old, zero or torn; each
// choice alone in each of its states while nothing else survives, and while everything
// else does. If these are too many, every k-th of the last two kinds.
func AllCrashes(f *FS, limit int) iter.Seq2[string, *FS] {
	f = f.Snapshot()
	return func(yield func(string, *FS) bool) {
		if !within(f, limit) {
			selectedCrashes(f, limit, yield)
			return
		}
		for o := new(odometer); ; {
			after := f.Crash(o.choose)
			if !yield(fmt.Sprintf("choices %v", o.digits), after) || !o.next() {
				return
			}
		}
	}
}

// within counts, for what is asked depends on what was answered. There are at least as
// many combinations as the sectors have where all else survives.
func within(f *FS, limit int) bool {
	least := 1
	f.crash(func(a aspect, n int) int {
		if a == ofSector && least <= limit {
			least *= n
		}
		return n - 1
	})
	if least > limit {
		return false
	}
	o := new(odometer)
	for range limit {
		f.Crash(o.choose)
		if !o.next() {
			return true
		}
	}
	return false
}

// odometer walks all sequences of choices, depth first, last digit fastest.
type odometer struct {
	digits, sizes []int
	at            int
}

func (o *odometer) choose(n int) int {
	if o.at == len(o.digits) {
		o.digits, o.sizes = append(o.digits, 0), append(o.sizes, n)
	}
	o.at++
	return o.digits[o.at-1]
}

// next turns to the next sequence; false after the last.
func (o *odometer) next() bool {
	o.at = 0
	for last := len(o.digits) - 1; last >= 0; last-- {
		if o.digits[last]++; o.digits[last] < o.sizes[last] {
			return true
		}
		o.digits, o.sizes = o.digits[:last], o.sizes[:last]
	}
	return false
}

func selectedCrashes(f *FS, limit int, yield func(string, *FS) bool) {
	for _, g := range []struct {
		label                string
		entries, size, bytes func(n int) int
	}{
		{"nothing", Nothing, Nothing, Nothing},
		{"everything", Everything, Everything, Everything},
		{"entries without sizes", Everything, Nothing, Nothing},
		{"entries and sizes, old bytes", Everything, Everything, Nothing},
		{"entries and sizes, zeros", Everything, Everything, func(int) int { return sectorZero }},
		{"entries and sizes, torn bytes", Everything, Everything, func(int) int { return sectorTorn }},
	} {
		by := map[aspect]func(int) int{ofEntry: g.entries, ofTime: g.entries, ofSize: g.size, ofSector: g.bytes}
		if !yield(g.label, f.crash(func(a aspect, n int) int { return by[a](n) })) {
			return
		}
	}
	alone, but := deviations(f, Nothing), deviations(f, Everything)
	stride := max(1, (len(alone)+len(but)+limit-1)/max(1, limit))
	for i, d := range append(alone, but...) {
		if i%stride == 0 && !yield(d.label(), f.Crash(d.choose())) {
			return
		}
	}
}

// deviation is a choice that differs from all others.
type deviation struct {
	base      func(n int) int
	at, value int
}

func deviations(f *FS, base func(n int) int) []deviation {
	var out []deviation
	at := 0
	f.Crash(func(n int) int {
		for value := range n {
			if value != base(n) {
				out = append(out, deviation{base, at, value})
			}
		}
		at++
		return base(n)
	})
	return out
}

func (d deviation) choose() func(n int) int {
	at := -1
	return func(n int) int {
		if at++; at == d.at {
			return d.value
		}
		return d.base(n)
	}
}

func (d deviation) label() string {
	others := "everything else"
	if d.base(2) == 0 {
		others = "nothing else"
	}
	return fmt.Sprintf("choice %d is %d, %s", d.at, d.value, others)
}

// RandomCrash returns what one power cut leaves. Entries, sizes, bytes and times each
// lean to the old state, to the new one, or to none: with even odds the states in
// which much survives, but not all, would hardly come up.
func RandomCrash(f *FS, rng *rand.Rand) *FS {
	leans := map[aspect]int{}
	for _, a := range []aspect{ofEntry, ofSize, ofSector, ofTime} {
		leans[a] = rng.IntN(3)
	}
	return f.crash(func(a aspect, n int) int {
		switch lean := leans[a]; {
		case lean == 0 && rng.IntN(4) > 0:
			return Nothing(n)
		case lean == 1 && rng.IntN(4) > 0:
			return Everything(n)
		}
		return rng.IntN(n)
	})
}

// Cut runs a writer over f and cuts the power before each of its operations and once
// after the last. check sees every state that AllCrashes has at each of these points,
// and whether the writer had returned without an error. Cut returns how many states
// there were, and the first error of check with the place and the state, or else that
// of run.
//
// A writer over several media has its own Faults for each, with Before; Cut is that for
// one.
func Cut(f *FS, limit int, run func(media.FS) error, check func(after *FS, done bool) error) (states int, err error) {
	var found error
	look := func(where string, done bool) {
		for label, after := range AllCrashes(f, limit) {
			if found != nil {
				return
			}
			states++
			if err := check(after, done); err != nil {
				found = fmt.Errorf("power cut %s, %s: %w", where, label, err)
			}
		}
	}
	x := NewFaults(f)
	x.Before = func(n int, op Op) { look(fmt.Sprintf("before operation %d, %s", n, op), false) }
	err = run(x)
	look("after the last operation", err == nil)
	if found != nil {
		err = found
	}
	return states, err
}
