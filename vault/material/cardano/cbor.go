package cardano

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// reader walks over CBOR (RFC 8949) in the caller's memory: what it returns are
// slices of it, so that nothing secret is copied. Heads must be in their shortest
// form. The first error sticks.
type reader struct {
	data []byte
	err  error
}

// Major types of RFC 8949, section 3.1, and the two single bytes in use.
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
	majorTag   = 6

	byteNull  = 0xf6
	byteBreak = 0xff
)

const (
	tagBignum   = 2   // RFC 8949, section 3.4.3
	tagRational = 30  // a margin
	tagSet      = 258 // a set since Conway

	maxDepth = 16
)

var errCBOR = errors.New("not canonical CBOR of the expected layout")

func (r *reader) fail() {
	if r.err == nil {
		r.err = errCBOR
	}
}

// head reads a head of the major type. indefinite is set for an array without a
// length.
func (r *reader) head(major byte) (n uint64, indefinite bool) {
	if r.err != nil || len(r.data) == 0 || r.data[0]>>5 != major {
		r.fail()
		return 0, false
	}
	info := r.data[0] & 31
	rest := r.data[1:]
	if info < 24 {
		r.data = rest
		return uint64(info), false
	}
	if info == 31 && major == majorArray {
		r.data = rest
		return 0, true
	}
	if info > 27 || len(rest) < 1<<(info-24) {
		r.fail()
		return 0, false
	}
	size := 1 << (info - 24)
	var wide [8]byte
	copy(wide[8-size:], rest[:size])
	n = binary.BigEndian.Uint64(wide[:])
	if least := [...]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]; n < least {
		r.fail()
		return 0, false
	}
	r.data = rest[size:]
	return n, false
}

func (r *reader) uint() uint64 {
	n, _ := r.head(majorUint)
	return n
}

func (r *reader) string(major byte) []byte {
	n, _ := r.head(major)
	if n > uint64(len(r.data)) {
		r.fail()
	}
	if r.err != nil {
		return nil
	}
	out := r.data[:n:n]
	r.data = r.data[n:]
	return out
}

// bytes reads a byte string of exactly size bytes.
func (r *reader) bytes(size int) []byte {
	out := r.string(majorBytes)
	if len(out) != size {
		r.fail()
		return nil
	}
	return out
}

// array reads the head of an array of exactly n items.
func (r *reader) array(n uint64) {
	if got, indefinite := r.head(majorArray); got != n || indefinite {
		r.fail()
	}
}

// each reads an array, of either kind of length, calling item for each of its items.
func (r *reader) each(item func()) {
	n, indefinite := r.head(majorArray)
	for i := uint64(0); r.err == nil && (indefinite || i < n); i++ {
		if indefinite && r.take(byteBreak) {
			return
		}
		item()
	}
}

// take reads the byte b if it is next.
func (r *reader) take(b byte) bool {
	if r.err == nil && len(r.data) > 0 && r.data[0] == b {
		r.data = r.data[1:]
		return true
	}
	return false
}

// next says whether the next item is of the major type.
func (r *reader) next(major byte) bool {
	return r.err == nil && len(r.data) > 0 && r.data[0]>>5 == major
}

// tag reads a tag, which must be want.
func (r *reader) tag(want uint64) {
	if got, _ := r.head(majorTag); got != want {
		r.fail()
	}
}

// skip reads one item of any kind and gives its bytes.
func (r *reader) skip(depth int) []byte {
	start := r.data
	if r.err != nil || len(r.data) == 0 || depth > maxDepth {
		r.fail()
		return nil
	}
	switch major := r.data[0] >> 5; major {
	case majorBytes, majorText:
		r.string(major)
	case majorArray:
		r.each(func() { r.skip(depth + 1) })
	case majorMap:
		n, _ := r.head(major)
		for i := uint64(0); i < n && r.err == nil; i++ {
			r.skip(depth + 1)
			r.skip(depth + 1)
		}
	case majorTag:
		r.head(major)
		r.skip(depth + 1)
	default: // integers and simple values
		r.head(major)
	}
	return start[:len(start)-len(r.data)]
}

// end is the error of the whole walk: what is left over is one.
func (r *reader) end() error {
	if r.err == nil && len(r.data) > 0 {
		return fmt.Errorf("%d bytes too many", len(r.data))
	}
	return r.err
}

// unwrap gives the content of a payload that is one byte string.
func unwrap(payload []byte, size int) ([]byte, error) {
	r := reader{data: payload}
	content := r.string(majorBytes)
	if err := r.end(); err != nil {
		return nil, err
	}
	if len(content) != size {
		return nil, fmt.Errorf("it has %d bytes where there must be %d", len(content), size)
	}
	return content, nil
}

// opcert is an operational certificate: the pool's cold key hands its right to
// forge to a KES key from a period on.
type opcert struct {
	kes       []byte // verification key
	number    uint64
	period    uint64
	signature []byte
	cold      []byte // verification key
}

func parseOpcert(payload []byte) (opcert, error) {
	r := reader{data: payload}
	r.array(2)
	r.array(4)
	c := opcert{kes: r.bytes(32), number: r.uint(), period: r.uint(), signature: r.bytes(64)}
	c.cold = r.bytes(32)
	return c, r.end()
}

// message is what the cold key signs: 48 raw bytes, no CBOR (cardano-ledger,
// OCertSignable).
func (c opcert) message() []byte {
	m := append(make([]byte, 0, 48), c.kes...)
	m = binary.BigEndian.AppendUint64(m, c.number)
	return binary.BigEndian.AppendUint64(m, c.period)
}

// counter holds the number the next operational certificate will get.
type counter struct {
	next uint64
	cold []byte // verification key
}

func parseCounter(payload []byte) (counter, error) {
	r := reader{data: payload}
	r.array(2)
	var c counter
	if r.next(majorTag) { // some hardware wallet software writes a bignum
		r.tag(tagBignum)
		digits := r.string(majorBytes)
		if len(digits) < 1 || len(digits) > 8 || digits[0] == 0 {
			r.fail()
		}
		for _, d := range digits {
			c.next = c.next<<8 | uint64(d)
		}
	} else {
		c.next = r.uint()
	}
	c.cold = r.bytes(32)
	return c, r.end()
}
