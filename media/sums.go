package media

import (
	"hash/crc32"
	"slices"
)

// spanSize is the length of the spans of Sums, and of the pieces of parity.
const spanSize = 64 << 10

// castagnoli is CRC-32C, for which processors have instructions (RFC 3720 section
// 12.1).
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func spanSum(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// Sums are the checksums of the 64 KiB spans of a file. They tell whether a medium gives
// back what was written, in any order, at a small part of the cost of a digest. They say
// nothing about intent: what a file must be is in the signed manifest. The zero value is an
// empty file.
type Sums struct {
	spans []uint32
	size  int64
}

// Write appends to the file. It never fails.
func (s *Sums) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		used := s.size % spanSize
		if used == 0 {
			s.spans = append(s.spans, 0)
		}
		n := min(int64(len(p)), spanSize-used)
		last := &s.spans[len(s.spans)-1]
		*last = crc32.Update(*last, castagnoli, p[:n])
		p, s.size = p[n:], s.size+n
	}
	return total, nil
}

// Equal tells whether two files are the same.
func (s *Sums) Equal(other *Sums) bool {
	return s.size == other.size && slices.Equal(s.spans, other.spans)
}

// span is the checksum of the span that begins at an offset, 0 where there is none.
func (s *Sums) span(offset int64) uint32 {
	if i := offset / spanSize; i < int64(len(s.spans)) {
		return s.spans[i]
	}
	return 0
}
