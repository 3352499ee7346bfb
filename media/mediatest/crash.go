package mediatest

import (
	"maps"
	"slices"
	"time"
)

// step is one write to a folder: an entry, or none, under a name.
type step struct {
	dir   *node
	key   string
	entry entry
}

func (s step) apply(entries map[string]entry) {
	if s.entry.node == nil {
		delete(entries, s.key)
	} else {
		entries[s.key] = s.entry
	}
}

// change is the pending steps of one operation, in the order in which the system does
// them.
type change []step

// change does the steps in what is seen.
func (f *FS) change(steps ...step) {
	for _, s := range steps {
		s.apply(s.dir.entries)
	}
	f.pending = append(f.pending, steps)
}

// settle makes the steps in one folder durable. A rename to another folder has steps
// in both: who syncs only the old folder may lose the file.
func (f *FS) settle(dir *node) {
	var left []change
	for _, c := range f.pending {
		var rest change
		whole := f.Journal && slices.ContainsFunc(c, func(s step) bool { return s.dir == dir })
		for _, s := range c {
			if whole || s.dir == dir {
				s.apply(s.dir.durableEntries)
			} else {
				rest = append(rest, s)
			}
		}
		if len(rest) > 0 {
			left = append(left, rest)
		}
	}
	f.pending = left
	for _, e := range dir.entries {
		e.node.syncTime()
	}
}

// aspect is what a choice decides about.
type aspect int

const (
	ofEntry aspect = iota
	ofSize
	ofSector
	ofTime
)

// What may be left of a pending sector. Every choice begins with the old state and
// ends with the new one.
const (
	sectorOld = iota
	sectorZero
	sectorTorn
	sectorNew
	sectorStates
)

// Nothing is the choice for Crash that lets nothing survive.
func Nothing(int) int { return 0 }

// Everything is the choice for Crash that lets everything survive: what an orderly
// unmount leaves.
func Everything(n int) int { return n - 1 }

// Crash returns the medium as it is found after a power cut now; f stays as it is.
//
// Each independent thing that is pending asks choose for a number below n, its states:
// 0 is the old one, n - 1 the new one. How often choose is called depends on what it
// answered: only files that have a name afterwards ask, and only for the sectors within
// the size that survived. Calls come in the same order for the same answers.
//
// Where a file comes back under two names, each is a file of its own, as after a
// repair of the file system.
func (f *FS) Crash(choose func(n int) int) *FS {
	return f.crash(func(_ aspect, n int) int { return choose(n) })
}

func (f *FS) crash(choose func(a aspect, n int) int) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &cut{fs: f, choose: choose, survived: map[*node][]step{}, files: map[*node]*node{}}
	for _, change := range f.pending {
		for _, s := range c.surviving(change) {
			c.survived[s.dir] = append(c.survived[s.dir], s)
		}
	}
	out := f.blank()
	out.root = c.folder(f.root, nil)
	return out
}

// blank is an empty medium of the same kind.
func (f *FS) blank() *FS {
	out := New(f.name)
	out.Capacity, out.Counterfeit, out.Reorders, out.Journal = f.Capacity, f.Counterfeit, f.Reorders, f.Journal
	out.clock = f.clock
	out.flash = flash{f.flash.next, maps.Clone(f.flash.sectors)}
	return out
}

// cut is one power cut.
type cut struct {
	fs       *FS
	choose   func(a aspect, n int) int
	survived map[*node][]step // by folder
	files    map[*node]*node  // what is left of them; decided once
}

// surviving chooses the steps of a change that reached the medium: the first ones, with
// Reorders any of them, with Journal all or none.
func (c *cut) surviving(steps change) []step {
	if c.fs.Journal {
		return steps[:c.choose(ofEntry, 2)*len(steps)]
	}
	if !c.fs.Reorders {
		return steps[:c.choose(ofEntry, len(steps)+1)]
	}
	picked := c.choose(ofEntry, 1<<len(steps))
	var out []step
	for i, s := range steps {
		if picked>>i&1 == 1 {
			out = append(out, s)
		}
	}
	return out
}

// folder returns what is left of one. Steps of several renames can make a loop of
// folders: a repair cuts it where it closes.
func (c *cut) folder(old *node, above []*node) *node {
	entries := maps.Clone(old.durableEntries)
	for _, s := range c.survived[old] {
		s.apply(entries)
	}
	above = append(slices.Clone(above), old)
	out := newFolder(old.time)
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		e := entries[key]
		switch {
		case !e.node.folder():
			e.node = c.file(e.node)
		case slices.Contains(above, e.node):
			continue
		default:
			e.node = c.folder(e.node, above)
		}
		out.entries[key], out.durableEntries[key] = e, e
	}
	return out
}

func (c *cut) file(old *node) *node {
	left := c.files[old]
	if left == nil {
		left = newFile(c.time(old))
		left.addresses = old.addresses
		left.durable = c.content(old)
		c.files[old] = left
	}
	out := newFile(left.time)
	out.addresses = maps.Clone(left.addresses)
	out.live, out.durable = left.durable.clone(), left.durable.clone()
	return out
}

func (c *cut) content(old *node) content {
	out := old.durable.clone()
	out.size = c.size(old)
	last := sectorsOf(out.size)
	for _, i := range old.dirtySectors() {
		if i < last {
			out.set(i, c.sector(old, i))
		}
	}
	if c.fs.Counterfeit > 0 {
		for i := range old.addresses {
			if !old.dirty[i] {
				out.set(i, c.fs.flash.read(old, i, c.fs.Counterfeit))
			}
		}
	}
	return out
}

// size chooses the old size, a boundary of sectors up to the new one, or the new one.
func (c *cut) size(old *node) int64 {
	from, to := old.durable.size, old.live.size
	if from == to {
		return from
	}
	first := from/sectorSize + 1 // boundary after the old size
	between := max(0, sectorsOf(to)-first)
	switch k := int64(c.choose(ofSize, int(between)+2)); k {
	case 0:
		return from
	case between + 1:
		return to
	default:
		return (first + k - 1) * sectorSize
	}
}

func (c *cut) sector(n *node, i int64) *sector {
	before := n.durable.sector(i)
	switch {
	case before == nil && i >= sectorsOf(n.durable.size):
		before = erased()
	case before == nil:
		before = new(sector)
	}
	switch c.choose(ofSector, sectorStates) {
	case sectorOld:
		return before
	case sectorZero:
		return new(sector)
	case sectorTorn:
		torn := *before
		copy(torn[:sectorSize/2], n.live.sector(i)[:])
		return &torn
	default:
		return n.live.sector(i)
	}
}

func (c *cut) time(n *node) time.Time {
	if n.timePending && c.choose(ofTime, 2) == 0 {
		return n.durableTime
	}
	return n.time
}

// Snapshot returns a copy of the medium with all that is seen, durable and pending.
// Open files stay with f.
func (f *FS) Snapshot() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	twins := map[*node]*node{}
	out := f.blank()
	out.root = twin(f.root, twins)
	for _, c := range f.pending {
		var copied change
		for _, s := range c {
			copied = append(copied, step{twin(s.dir, twins), s.key, twinEntry(s.entry, twins)})
		}
		out.pending = append(out.pending, copied)
	}
	return out
}

func twin(n *node, twins map[*node]*node) *node {
	if n == nil || twins[n] != nil {
		return twins[n]
	}
	out := &node{}
	twins[n] = out
	*out = *n
	out.live, out.durable = n.live.clone(), n.durable.clone()
	out.dirty, out.addresses = maps.Clone(n.dirty), maps.Clone(n.addresses)
	out.entries = twinEntries(n.entries, twins)
	out.durableEntries = twinEntries(n.durableEntries, twins)
	return out
}

func twinEntry(e entry, twins map[*node]*node) entry { return entry{e.name, twin(e.node, twins)} }

func twinEntries(entries map[string]entry, twins map[*node]*node) map[string]entry {
	out := maps.Clone(entries) // nil for a file
	for key, e := range out {
		out[key] = twinEntry(e, twins)
	}
	return out
}
