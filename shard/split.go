package shard

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/hashicorp/vault/shamir"
)

// maxProofs is how many subsets of a split are recombined: all of them up to this number, else as many at random.
const maxProofs = 200

// Params says what a split is of and how it is split.
type Params struct {
	Vault       VaultID
	Compartment Compartment
	Set         SetID // fresh and random for every split
	Threshold   int   // k, at least 2
	Shares      int   // n, at least k; whether k = n is wise is for the caller to say
}

func (p Params) check() error {
	switch {
	case p.Compartment != Cold && p.Compartment != Hot:
		return fmt.Errorf("compartment %d is neither cold (1) nor hot (2)", uint8(p.Compartment))
	case p.Threshold < MinThreshold:
		return fmt.Errorf("a threshold of %d: at least %d shares must be needed", p.Threshold, MinThreshold)
	case p.Shares < p.Threshold:
		return fmt.Errorf("a threshold of %d needs at least as many shares, not %d", p.Threshold, p.Shares)
	case p.Shares > MaxShares:
		return fmt.Errorf("%d shares: a set has at most %d", p.Shares, MaxShares)
	}
	return nil
}

// Split fills dst, p.Shares buffers of ShareSize bytes, with the shares of the seed, and then proves them: it
// recombines every subset of p.Threshold shares (a random 200 of them, with every share among them, where there
// are more) and compares the result with the seed. After an error dst is wiped.
//
// Call it inside runtime/secret.Do. shamir.Split returns the shares on the heap, and shamir.Combine each result of
// the proof: these are wiped here. Out of reach are the polynomials, whose constant terms are the seed, and the sample
// buffers inside that library. Keeps G1.
func Split(dst [][]byte, seed []byte, p Params) (err error) {
	if err := p.check(); err != nil {
		return err
	}
	if len(seed) != SeedSize {
		return fmt.Errorf("a seed has %d bytes, not %d", SeedSize, len(seed))
	}
	if len(dst) != p.Shares {
		return fmt.Errorf("%d buffers for %d shares", len(dst), p.Shares)
	}
	for _, buf := range dst {
		if len(buf) != ShareSize {
			return fmt.Errorf("a buffer of %d bytes for a share of %d", len(buf), ShareSize)
		}
	}
	defer func() {
		if err != nil {
			wipe(dst)
		}
	}()

	parts, err := shamir.Split(seed, p.Shares, p.Threshold)
	if err != nil {
		return fmt.Errorf("splitting: %w", err)
	}
	defer wipe(parts)
	shares := make([]Share, p.Shares)
	for i, part := range parts {
		p.encode(dst[i], i+1, part[SeedSize], part[:SeedSize])
		if shares[i], err = Parse(dst[i]); err != nil {
			return fmt.Errorf("reading share %d back: %w", i+1, err)
		}
	}
	return prove(shares, seed)
}

// prove recombines subsets of the shares and compares each result with the seed.
func prove(shares []Share, seed []byte) error {
	var got [SeedSize]byte
	defer clear(got[:])
	subset := make([]Share, shares[0].Threshold())
	for _, members := range subsets(len(shares), len(subset)) {
		for i, m := range members {
			subset[i] = shares[m]
		}
		if err := recombine(got[:], subset); err != nil {
			return fmt.Errorf("proving the split: %w", err)
		}
		if subtle.ConstantTimeCompare(got[:], seed) != 1 {
			return errors.New("proving the split: a quorum of the new shares does not give the seed back")
		}
	}
	return nil
}

// subsets returns all k-subsets of 0…n-1 where there are at most maxProofs, else maxProofs of them, chosen at
// random but so that every number occurs.
func subsets(n, k int) [][]int {
	if binomialUpTo(n, k, maxProofs) <= maxProofs {
		return allSubsets(n, k)
	}
	out := make([][]int, 0, maxProofs)
	// Slices of one shuffle, the last one filled up from its start, hold every number: ⌈n/k⌉ ≤ 128 of them.
	deck := rand.Perm(n) //nolint:gosec // which subsets are proved is no secret
	for from := 0; from < n; from += k {
		pick := make([]int, k)
		for i := range pick {
			pick[i] = deck[(from+i)%n]
		}
		out = append(out, pick)
	}
	for len(out) < maxProofs {
		out = append(out, rand.Perm(n)[:k]) //nolint:gosec // which subsets are proved is no secret
	}
	return out
}

func allSubsets(n, k int) [][]int {
	var out [][]int
	pick := make([]int, 0, k)
	var choose func(from int)
	choose = func(from int) {
		if len(pick) == k {
			out = append(out, append([]int(nil), pick...))
			return
		}
		for i := from; i <= n-(k-len(pick)); i++ {
			pick = append(pick, i)
			choose(i + 1)
			pick = pick[:len(pick)-1]
		}
	}
	choose(0)
	return out
}

// binomialUpTo returns n over k, or any number above limit where that is larger.
func binomialUpTo(n, k, limit int) int {
	c := 1
	for i := range min(k, n-k) {
		// c is (n over i) here, and grows with i up to n/2.
		if c = c * (n - i) / (i + 1); c > limit {
			return c
		}
	}
	return c
}

func wipe(bufs [][]byte) {
	for _, b := range bufs {
		clear(b)
	}
}
