package filecoin

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// CBOR (RFC 8949): major types of section 3.1 and the single bytes of a backup.
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
	majorTag   = 6

	arrayOf2  = 0x82
	arrayOf3  = 0x83
	arrayOpen = 0x9f
	breakByte = 0xff

	maxDepth = 16
)

var errCBOR = errors.New("not CBOR in its shortest form")

// shortest is the smallest number that a head with this additional information may hold.
func shortest(info byte) uint64 {
	return [...]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]
}

// sector is what matters of the record of a sector (Lotus, SectorInfo).
type sector struct {
	number uint64
	made   time.Time
}

// parseSector reads a map with texts as its keys, among them SectorNumber and CreationTime.
func parseSector(data []byte) (sector, error) {
	r := reader{data: data}
	var s sector
	numbers, times := 0, 0
	for range r.head(majorMap) {
		name := string(r.take(r.head(majorText)))
		switch name {
		case "SectorNumber":
			s.number = r.head(majorUint)
			numbers++
		case "CreationTime":
			seconds := r.head(majorUint)
			if seconds > math.MaxInt32 {
				return sector{}, errCBOR
			}
			s.made = time.Unix(int64(seconds), 0).UTC()
			times++
		default:
			r.skip(0)
		}
		if r.err != nil {
			return sector{}, r.err
		}
	}
	if r.err != nil || len(r.data) > 0 || numbers != 1 || times != 1 {
		return sector{}, errCBOR
	}
	return s, nil
}

// reader walks over CBOR in memory. The first error sticks.
type reader struct {
	data []byte
	err  error
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.data)) {
		r.err = errCBOR
		return nil
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}

// head reads the head of an item of that type.
func (r *reader) head(major byte) uint64 {
	got, n := r.any()
	if got != major {
		r.err = errCBOR
	}
	if r.err != nil {
		return 0
	}
	return n
}

func (r *reader) any() (major byte, n uint64) {
	first := r.take(1)
	if r.err != nil {
		return 0, 0
	}
	major, info := first[0]>>5, first[0]&31
	if info < 24 {
		return major, uint64(info)
	}
	if info > 27 {
		r.err = errCBOR
		return major, 0
	}
	var wide [8]byte
	size := 1 << (info - 24)
	copy(wide[8-size:], r.take(uint64(size)))
	n = binary.BigEndian.Uint64(wide[:])
	if n < shortest(info) && major <= majorTag { // major type 7 has simple values and floats
		r.err = errCBOR
	}
	return major, n
}

// skip passes over one item.
func (r *reader) skip(depth int) {
	major, n := r.any()
	if depth == maxDepth {
		r.err = errCBOR
	}
	if r.err != nil {
		return
	}
	switch major {
	case majorBytes, majorText:
		r.take(n)
	case majorTag:
		r.skip(depth + 1)
	case majorMap, majorArray:
		for range n {
			if major == majorMap {
				r.skip(depth + 1)
			}
			r.skip(depth + 1)
			if r.err != nil {
				return
			}
		}
	}
}
