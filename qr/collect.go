package qr

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
)

// maxSets bounds how many page sets one input may mix, and so the memory: a set holds at most 255 bodies.
const maxSets = 64

// An OtherSetError is for a frame that belongs to another page set than the one being put together. It says both in full.
type OtherSetError struct {
	Vault      [5]byte // of the frame that was refused
	Generation uint32
	Set        [8]byte

	got, want pageSet
}

func (e *OtherSetError) Error() string {
	return fmt.Sprintf("page code belongs to %v, not to %v", e.got, e.want)
}

// An IncompleteError is for a page set of which too few codes were read so far.
type IncompleteError struct {
	Have    int   // codes read, data or parity
	Need    int   // how many more are enough, whichever they are
	Total   int   // codes that were printed
	Missing []int // indices of those not read
}

func (e *IncompleteError) Error() string {
	if e.Total == 0 {
		return "no page code was read"
	}
	return fmt.Sprintf("%d of %d page codes were read: %d more needed, any of the %d missing ones",
		e.Have, e.Total, e.Need, len(e.Missing))
}

// A Collector puts one page set together from frames in any order, from any number of scans. The first frame decides which set it is.
// The zero value is ready for use.
type Collector struct {
	set    pageSet
	have   int
	bodies [][]byte // by index; nil is missing
}

// Add takes a frame. It tells whether the frame was new: the same frame may come again. A frame of another set is refused with an
// *OtherSetError; one that contradicts a frame which is there already is refused too, and the first stays.
func (c *Collector) Add(f Frame) (added bool, err error) {
	if err := f.check(); err != nil {
		return false, err
	}
	set := f.pageSet()
	switch {
	case c.bodies == nil:
		c.set, c.bodies = set, make([][]byte, f.Total)
	case set != c.set:
		return false, &OtherSetError{Vault: f.Vault, Generation: f.Generation, Set: f.Set, got: set, want: c.set}
	}
	if body := c.bodies[f.Index]; body != nil {
		if !bytes.Equal(body, f.Body) {
			return false, fmt.Errorf("two page codes claim to be number %d of %v, and they differ", f.Index+1, c.set)
		}
		return false, nil
	}
	c.bodies[f.Index] = bytes.Clone(f.Body)
	c.have++
	return true, nil
}

// Vault is the vault of the page set.
func (c *Collector) Vault() [5]byte { return c.set.vault }

// Generation is the generation that the pages carry; 0 before the first frame.
func (c *Collector) Generation() uint32 { return c.set.generation }

// Set is the id of the page set.
func (c *Collector) Set() [8]byte { return c.set.set }

// Data is how many codes are enough.
func (c *Collector) Data() int { return c.set.data }

// Total is how many codes were printed.
func (c *Collector) Total() int { return c.set.total }

// Have is how many codes were read.
func (c *Collector) Have() int { return c.have }

// BodySize is how many bytes each code carries; [LayoutByBodySize] tells the layout.
func (c *Collector) BodySize() int { return c.set.bodySize }

// Need is how many more codes are needed, whichever they are. Before the first frame that is not known, and 1 is returned.
func (c *Collector) Need() int {
	if c.bodies == nil {
		return 1
	}
	return max(0, c.set.data-c.have)
}

// Missing lists the indices that were not read, in order. [Place] turns an index into a page, row and column.
func (c *Collector) Missing() []int {
	var missing []int
	for i, body := range c.bodies {
		if body == nil {
			missing = append(missing, i)
		}
	}
	return missing
}

// Payload rebuilds the payload and holds it against the digest in the set id. It returns an *IncompleteError while frames are missing.
func (c *Collector) Payload() ([]byte, error) {
	if need := c.Need(); need > 0 {
		return nil, &IncompleteError{Have: c.have, Need: need, Total: c.set.total, Missing: c.Missing()}
	}
	code, err := newCode(c.set.data, c.set.total)
	if err != nil {
		return nil, err
	}
	bodies := append([][]byte(nil), c.bodies...) // the rebuilt ones must not pass for ones that were read
	if err := code.ReconstructData(bodies); err != nil {
		return nil, fmt.Errorf("rebuild missing page codes: %w", err)
	}
	padded := bytes.Join(bodies[:c.set.data], nil)
	payload, padding := padded[:c.set.length], padded[c.set.length:]
	sum := sha256.Sum256(payload)
	if [8]byte(sum[:8]) != c.set.set {
		return nil, errors.New("the page codes were all read, but what they give is not what was printed: a forged code is among them")
	}
	if len(bytes.Trim(padding, "\x00")) > 0 { // FORMAT.md section 8: filled with zeros
		return nil, errors.New("the last page code of the payload is not filled with zeros")
	}
	return payload, nil
}

// A Gap is a run of bytes of the payload that no code gave.
type Gap struct{ Offset, Length int }

// Fragments gives what the data codes that were read carry, each at its place in the payload, zeros elsewhere, and the gaps between them. It is for
// what [Collector.Payload] cannot rebuild: nothing vouches for it, not even the digest in the set id.
func (c *Collector) Fragments() (payload []byte, gaps []Gap) {
	payload = make([]byte, c.set.length)
	for i, body := range c.bodies[:c.set.data] {
		offset := i * c.set.bodySize
		size := min(c.set.bodySize, c.set.length-offset)
		last := len(gaps) - 1
		switch {
		case body != nil:
			copy(payload[offset:], body[:size])
		case last >= 0 && gaps[last].Offset+gaps[last].Length == offset:
			gaps[last].Length += size
		default:
			gaps = append(gaps, Gap{Offset: offset, Length: size})
		}
	}
	return payload, gaps
}

// Sets sorts frames of several page sets, as from a pile of pages of several vaults, generations or layouts. The zero value is ready for use.
type Sets struct {
	byHeader map[pageSet]*Collector
	ordered  []*Collector
}

// Add puts a frame into the collector of its page set, which it returns, and tells whether the frame was new.
func (s *Sets) Add(f Frame) (set *Collector, added bool, err error) {
	c := s.byHeader[f.pageSet()]
	if c != nil {
		added, err = c.Add(f)
		return c, added, err
	}
	if len(s.ordered) == maxSets {
		return nil, false, fmt.Errorf("page codes of more than %d different page sets: read fewer pages at a time", maxSets)
	}
	c = new(Collector)
	if added, err = c.Add(f); err != nil {
		return nil, false, err
	}
	if s.byHeader == nil {
		s.byHeader = make(map[pageSet]*Collector)
	}
	s.byHeader[f.pageSet()] = c
	s.ordered = append(s.ordered, c)
	return c, added, nil
}

// All lists the page sets in the order in which their first frames came.
func (s *Sets) All() []*Collector {
	return append([]*Collector(nil), s.ordered...)
}
