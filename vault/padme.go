package vault

import (
	"bytes"
	"compress/gzip"
	"math/bits"
)

// padme is the smallest Padmé length of at least n (Nikitin et al., "Reducing
// Metadata Leakage from Encrypted Files and Communication with PURBs", PETS
// 2019): it leaks O(log log n) bits of n and adds at most 12 %.
func padme(n int64) int64 {
	if n < 2 {
		return n
	}
	e := bits.Len64(uint64(n)) - 1
	s := bits.Len64(uint64(e))
	mask := int64(1)<<(e-s) - 1
	return (n + mask) &^ mask
}

// An empty gzip member as compress/gzip writes it: 10 bytes of header, 2 of
// FEXTRA length, 5 of an empty final block, 8 of trailer (RFC 1952).
const (
	emptyMember = 25
	maxExtra    = 65535
)

// padding returns empty gzip members that bring a gzip file of size bytes to
// its padded length. Any gunzip reads through them.
func padding(size int64) ([]byte, error) {
	missing := padme(size+emptyMember) - size
	var b bytes.Buffer
	for missing > 0 {
		extra := min(missing-emptyMember, maxExtra)
		// Never leave a rest that is too small to be a member.
		if rest := missing - emptyMember - extra; rest > 0 && rest < emptyMember {
			extra -= emptyMember
		}
		w := gzip.NewWriter(&b)
		w.Extra = make([]byte, extra)
		if err := w.Close(); err != nil {
			return nil, err
		}
		missing -= emptyMember + extra
	}
	return b.Bytes(), nil
}
