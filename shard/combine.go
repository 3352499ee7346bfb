package shard

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/shamir"
)

// NotEnoughError says that a compartment cannot be opened yet.
type NotEnoughError struct {
	Compartment Compartment
	Set         SetID
	Have, Need  int
}

func (e *NotEnoughError) Error() string {
	return fmt.Sprintf("%s needs %d shares of set %s and there are %d: %d more", e.Compartment, e.Need, e.Set, e.Have, e.Need-e.Have)
}

// InconsistentError says that a share does not lie on the polynomial of the quorum that was combined: that
// share or one of the quorum is forged. Commitments tell which.
type InconsistentError struct {
	Share  int   // the index of the share that does not fit
	Quorum []int // the indexes of the shares that it does not fit
}

func (e *InconsistentError) Error() string {
	others := make([]string, len(e.Quorum))
	for i, q := range e.Quorum {
		others[i] = fmt.Sprint(q)
	}
	return fmt.Sprintf("share %d does not fit shares %s: one of them is forged", e.Share, strings.Join(others, ", "))
}

// Combine writes the seed into dst, SeedSize bytes, from at least a quorum of shares of one set. The commitments of
// that set, in the order of the indexes, are checked first; nil where they are not known. Of more shares than the
// quorum the first k are combined and every further one must agree. After an error dst is wiped.
//
// Shares are taken as they are given, all or none: Judge tells beforehand which of them to leave out. Without
// commitments k forged shares give a false seed without an error, so callers compare its recipient with the vault's.
//
// Call it inside runtime/secret.Do. The copies that shamir.Combine is given and the seed it returns are on the heap
// and wiped here; its sample buffers are out of reach. Keeps G1.
func Combine(dst []byte, shares []Share, commitments [][CommitmentSize]byte) (err error) {
	if len(dst) != SeedSize {
		return fmt.Errorf("a seed has %d bytes, not %d", SeedSize, len(dst))
	}
	defer func() {
		if err != nil {
			clear(dst)
		}
	}()
	if err := checkSameSet(shares); err != nil {
		return err
	}
	if err := checkCommitments(shares, commitments); err != nil {
		return err
	}
	k := shares[0].Threshold()
	if len(shares) < k {
		return &NotEnoughError{Compartment: shares[0].Compartment(), Set: shares[0].Set(), Have: len(shares), Need: k}
	}
	if err := recombine(dst, shares[:k]); err != nil {
		return err
	}
	return checkFurther(dst, shares[:k], shares[k:])
}

// checkSameSet makes sure that all shares are of one split and no two at one place.
func checkSameSet(shares []Share) error {
	if len(shares) == 0 {
		return errors.New("no shares to combine")
	}
	var index, x [256]bool
	for _, s := range shares {
		if s.IsZero() {
			return errors.New("an empty share among the shares to combine")
		}
		switch first := shares[0]; {
		case s.Vault() != first.Vault():
			return fmt.Errorf("shares of two vaults, %s and %s", first.Vault(), s.Vault())
		case s.Compartment() != first.Compartment():
			return errors.New("shares of both compartments, cold and hot")
		case s.Set() != first.Set():
			return fmt.Errorf("shares of two sets, %s and %s: they do not belong together", first.Set(), s.Set())
		case s.Threshold() != first.Threshold() || s.Shares() != first.Shares():
			return fmt.Errorf("shares %d and %d of set %s disagree on how many there are or are needed", first.Index(), s.Index(), s.Set())
		case index[s.Index()]:
			return fmt.Errorf("share %d of set %s is there twice", s.Index(), s.Set())
		case x[s.X()]:
			return fmt.Errorf("share %d of set %s repeats the point of another share: one of them is forged", s.Index(), s.Set())
		}
		index[s.Index()], x[s.X()] = true, true
	}
	return nil
}

func checkCommitments(shares []Share, commitments [][CommitmentSize]byte) error {
	if commitments == nil {
		return nil
	}
	if n := shares[0].Shares(); len(commitments) != n {
		return fmt.Errorf("%d commitments for a set of %d shares", len(commitments), n)
	}
	for _, s := range shares {
		if !VerifyCommitment(s, commitments[s.Index()-1]) {
			return fmt.Errorf("%s does not match its commitment: it is forged or altered", s)
		}
	}
	return nil
}

// checkFurther makes sure that every further share lies on the quorum's polynomial: put in the place of the quorum's
// first share it must give the same seed. Two polynomials of degree k-1 that agree at 0 and at the k-1 other points are
// the same one.
func checkFurther(seed []byte, quorum, further []Share) error {
	var got [SeedSize]byte
	defer clear(got[:])
	trial := append([]Share(nil), quorum...)
	for _, s := range further {
		trial[0] = s
		if err := recombine(got[:], trial); err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(got[:], seed) != 1 {
			e := &InconsistentError{Share: s.Index()}
			for _, q := range quorum {
				e.Quorum = append(e.Quorum, q.Index())
			}
			return e
		}
	}
	return nil
}

// recombine interpolates at 0. The library wants y followed by x, which is the other way round in a share.
func recombine(dst []byte, quorum []Share) error {
	parts := make([][]byte, len(quorum))
	defer wipe(parts)
	for i, s := range quorum {
		parts[i] = make([]byte, SeedSize+1)
		copy(parts[i], s.y())
		parts[i][SeedSize] = s.X()
	}
	seed, err := shamir.Combine(parts)
	if err != nil {
		return fmt.Errorf("combining: %w", err)
	}
	copy(dst, seed)
	clear(seed)
	return nil
}
