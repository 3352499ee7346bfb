package airgap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"coldvault/shard"
)

// Sum is the SHA-256 of a program.
type Sum [sha256.Size]byte

// Hex is the whole sum.
func (s Sum) Hex() string { return hex.EncodeToString(s[:]) }

// Words are the first 66 bits, as a vault's fingerprint is read aloud.
func (s Sum) Words() []string { return shard.FingerprintWords(s) }

// SelfSum hashes the program that is running: by its link in /proc, which stays with
// the file that was started when another takes its name. A program that lies can say
// what it likes; compare the file's sum on another machine.
func SelfSum() (Sum, error) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return Sum{}, fmt.Errorf("reading the running program: %w", err)
	}
	defer f.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, f); err != nil {
		return Sum{}, fmt.Errorf("reading the running program: %w", err)
	}
	return Sum(digest.Sum(nil)), nil
}
