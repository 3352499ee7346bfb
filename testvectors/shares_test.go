package testvectors

import (
	"crypto/sha256"
)

// mendChecksum writes the checksum of FORMAT.md section 5 into a changed share, as a forger would.
func mendChecksum(raw []byte) []byte {
	sum := sha256.Sum256(append([]byte("coldvault/share-checksum/1"), raw[:47]...))
	copy(raw[47:], sum[:4])
	return raw
}
