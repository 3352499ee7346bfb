package mediatest

import (
	"io"
	"maps"
	"slices"
	"time"
)

// sectorSize is what a medium writes at once, if it is not cut in the middle.
const sectorSize = 512

// A sector is never changed once it is part of a content, so that contents share them.
type sector [sectorSize]byte

// erased is what lies in a sector that was never written: flash is erased to ones.
func erased() *sector {
	s := new(sector)
	for i := range s {
		s[i] = 0xff
	}
	return s
}

// content is a file's bytes. A sector that is nil or missing is a hole and reads as
// zeros.
type content struct {
	size    int64
	sectors []*sector
}

func sectorsOf(size int64) int64 { return (size + sectorSize - 1) / sectorSize }

func (c *content) sector(i int64) *sector {
	if i < int64(len(c.sectors)) {
		return c.sectors[i]
	}
	return nil
}

func (c *content) set(i int64, s *sector) {
	if missing := i + 1 - int64(len(c.sectors)); missing > 0 {
		c.sectors = append(c.sectors, make([]*sector, missing)...)
	}
	c.sectors[i] = s
}

func (c *content) clone() content { return content{c.size, slices.Clone(c.sectors)} }

// entry is a name in a folder, in the case it was given.
type entry struct {
	name string
	node *node
}

// node is a file or a folder, whatever names it has.
type node struct {
	// Of a folder, by folded name: what is seen and what is durable.
	entries, durableEntries map[string]entry

	// Of a file: the same, and the sectors that differ.
	live, durable content
	dirty         map[int64]bool
	addresses     map[int64]int64 // where its sectors lie on a counterfeit medium

	time, durableTime time.Time
	timePending       bool
}

func newFile(created time.Time) *node {
	return &node{dirty: map[int64]bool{}, addresses: map[int64]int64{}, time: created, durableTime: created}
}

func newFolder(created time.Time) *node {
	return &node{entries: map[string]entry{}, durableEntries: map[string]entry{}, time: created, durableTime: created}
}

func (n *node) folder() bool { return n.entries != nil }

// holds tells whether other is n or below it.
func (n *node) holds(other *node) bool {
	if n == other {
		return true
	}
	for _, e := range n.entries {
		if e.node.holds(other) {
			return true
		}
	}
	return false
}

// taken is the sectors of all files below n, without one of them.
func (n *node) taken(without *node) int64 {
	if n == without {
		return 0
	}
	sum := sectorsOf(n.live.size)
	for _, e := range n.entries {
		sum += e.node.taken(without)
	}
	return sum
}

func (n *node) writeAt(p []byte, offset int64) {
	for len(p) > 0 {
		i := offset / sectorSize
		s := new(sector)
		if old := n.live.sector(i); old != nil {
			*s = *old
		}
		copied := copy(s[offset%sectorSize:], p)
		n.live.set(i, s)
		n.dirty[i] = true
		p, offset = p[copied:], offset+int64(copied)
		n.live.size = max(n.live.size, offset)
	}
}

// readAt reads what is seen, or what source says instead of it.
func (n *node) readAt(p []byte, offset int64, source func(i int64) *sector) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	read := 0
	for read < len(p) && offset < n.live.size {
		end := min(n.live.size-offset, int64(len(p)-read), sectorSize-offset%sectorSize)
		part := p[read : read+int(end)]
		if s := source(offset / sectorSize); s != nil {
			copy(part, s[offset%sectorSize:])
		} else {
			clear(part)
		}
		read, offset = read+len(part), offset+end
	}
	if read < len(p) {
		return read, io.EOF
	}
	return read, nil
}

// sync makes bytes, size and time durable.
func (n *node) sync() {
	for i := range n.dirty {
		n.durable.set(i, n.live.sector(i))
	}
	clear(n.dirty)
	n.durable.size = n.live.size
	n.syncTime()
}

func (n *node) syncTime() { n.durableTime, n.timePending = n.time, false }

// dirtySectors are those written since the last Sync, in order.
func (n *node) dirtySectors() []int64 { return slices.Sorted(maps.Keys(n.dirty)) }

// flash is a counterfeit medium: sectors get addresses one after the other as they are
// synced, and the controller drops the high bits that it has no memory for.
type flash struct {
	next    int64
	sectors map[int64]*sector
}

func (m *flash) write(n *node, capacity int64) {
	if m.sectors == nil {
		m.sectors = map[int64]*sector{}
	}
	for _, i := range n.dirtySectors() {
		address, ok := n.addresses[i]
		if !ok {
			address = m.next
			m.next++
			n.addresses[i] = address
		}
		m.sectors[address%max(1, capacity/sectorSize)] = n.live.sector(i)
	}
}

// read returns the sector that the medium gives for one of a file; what was not synced
// yet comes from the cache.
func (m *flash) read(n *node, i, capacity int64) *sector {
	address, ok := n.addresses[i]
	if !ok || n.dirty[i] {
		return n.live.sector(i)
	}
	return m.sectors[address%max(1, capacity/sectorSize)]
}
