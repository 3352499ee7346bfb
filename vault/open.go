package vault

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"coldvault/shard"
	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// Need is what one compartment lacks.
type Need struct {
	Compartment string
	Set         string // of the shares that are closest to a quorum
	Have, Need  int
}

// QuorumError says which compartments cannot be opened with the shares at hand.
type QuorumError struct{ Needs []Need }

func (e *QuorumError) Error() string {
	var parts []string
	for _, n := range e.Needs {
		parts = append(parts, fmt.Sprintf("%s needs %d cards of set %s and there are %d", n.Compartment, n.Need, n.Set, n.Have))
	}
	return strings.Join(parts, "; ")
}

// Shares are the shares that may be used, judged one by one.
type Shares struct {
	Judged []shard.Judgement
	id     *Identity
}

// JudgeShares compares every share with the commitments of the vault. A bad one
// is named in Judged and left out; the others go on.
func JudgeShares(id *Identity, shares []shard.Share) *Shares {
	return &Shares{Judged: shard.Judge(shares, id.Expect()), id: id}
}

// quorum is a share set, and the shares of it that may be used.
type quorum struct {
	format.ShareSet
	have []shard.Share
}

func (q quorum) missing() int { return max(0, q.Threshold-len(q.have)) }

// quorums are the share sets of a compartment, those with the fewest shares missing first;
// the current one where there is a choice. A superseded set opens the same seed: someone with
// a quorum of old cards is not turned away.
func (s *Shares) quorums(compartment string) (out []quorum) {
	var usable []shard.Share
	for _, j := range s.Judged {
		if j.Verdict == shard.Accepted || j.Verdict == shard.Superseded {
			usable = append(usable, j.Share)
		}
	}
	groups := shard.GroupBySet(usable)
	if len(s.id.Shares.Sets) == 0 {
		return s.claimed(compartment, groups)
	}
	for _, set := range s.id.Shares.Sets {
		if set.Compartment != compartment {
			continue
		}
		q := quorum{ShareSet: set}
		for _, g := range groups {
			if g.Set.String() == set.Set {
				q.have = g.Members
			}
		}
		out = append(out, q)
	}
	slices.SortStableFunc(out, func(a, b quorum) int {
		return cmp.Or(cmp.Compare(a.missing(), b.missing()), cmp.Compare(a.Status, b.Status)) // current comes before superseded
	})
	return out
}

// claimed are the sets that the cards say they are of, where there is no shares.json. A
// forged card may be among them: what they open is compared with vault.json.
func (s *Shares) claimed(compartment string, groups []shard.Group) (out []quorum) {
	for _, g := range groups {
		if g.Compartment.String() == compartment {
			set := format.ShareSet{Set: g.Set.String(), Compartment: compartment, Threshold: g.Threshold, Shares: g.Shares}
			out = append(out, quorum{set, g.Members})
		}
	}
	if len(out) == 0 { // there are two at least
		return []quorum{{ShareSet: format.ShareSet{Set: "unknown", Compartment: compartment, Threshold: 2}}}
	}
	slices.SortStableFunc(out, func(a, b quorum) int { return cmp.Compare(a.missing(), b.missing()) })
	return out
}

// Enough returns a *QuorumError unless every compartment has its quorum.
func (s *Shares) Enough(compartments []string) error {
	var e QuorumError
	for _, c := range compartments {
		if best := s.quorums(c)[0]; best.missing() > 0 {
			e.Needs = append(e.Needs, Need{Compartment: c, Set: best.Set, Have: len(best.have), Need: best.Threshold})
		}
	}
	if len(e.Needs) > 0 {
		return &e
	}
	return nil
}

// Open rebuilds the seed of a compartment, opens the bundle with it and verifies
// every file. The seed is gone when it returns. notes say which media were
// damaged and what was repaired. A bundle that is lost is a *DamagedGenerationError. Keeps G9.
func (c *Copy) Open(compartment string, shares *Shares) (b *Bundle, notes []string, err error) {
	if err := shares.Enough([]string{compartment}); err != nil {
		return nil, nil, err
	}
	ciphertext, notes, err := c.Read(compartment)
	if err != nil {
		return nil, notes, &DamagedGenerationError{Number: c.Number, Older: c.older.readable(compartment), Err: err}
	}
	b, more, err := c.open(compartment, shares, ciphertext)
	if err != nil {
		return nil, notes, fmt.Errorf("%s.age of generation %d: %w", compartment, c.Number, err)
	}
	notes = append(notes, more...)
	if err := c.belongs(b, compartment); err != nil {
		b.Destroy()
		return nil, notes, err
	}
	return b, notes, nil
}

func (c *Copy) open(compartment string, shares *Shares, ciphertext []byte) (b *Bundle, notes []string, err error) {
	seed, err := secret.NewSeed(shard.SeedSize)
	if err != nil {
		return nil, nil, err
	}
	defer seed.Destroy()
	recipient, err := c.combine(seed.Bytes(), compartment, shares)
	if err != nil {
		return nil, nil, err
	}
	// Pages do not carry it; a folder that is set up again needs it.
	c.recipients[recipientFile(compartment)] = format.RecipientFile(recipient)
	id, err := newIdentity(seed.Bytes())
	if err != nil {
		return nil, nil, err
	}
	defer id.destroy()
	b, err = openBundle(ciphertext, id)
	if err != nil {
		return nil, nil, err
	}
	if err := c.openArchives(b, func() (*identity, error) { return newIdentity(seed.Bytes()) }); err != nil {
		b.Destroy()
		return nil, nil, err
	}
	if compartment == "cold" {
		notes = c.takeLedger(seed.Bytes())
	}
	return b, notes, nil
}

// combine rebuilds the seed out of the first quorum that gives it, and returns its recipient.
func (c *Copy) combine(seed []byte, compartment string, shares *Shares) (string, error) {
	var failures []error
	for _, q := range shares.quorums(compartment) {
		if q.missing() > 0 {
			continue
		}
		var commitments [][shard.CommitmentSize]byte // nil where there is no shares.json
		if len(q.Commitments) > 0 {
			commitments = q.CommitmentBytes()
		}
		err := secret.Do(func() error { return shard.Combine(seed, q.have, commitments) })
		recipient := ""
		if err == nil {
			recipient, err = recipientOf(seed)
		}
		// The commitments prove each share; this proves their sum.
		if err == nil && !c.Identity.Vault.IsRecipient(compartment, format.RecipientFile(recipient)) {
			err = errors.New("the shares give a key that is not this vault's")
		}
		if err == nil {
			return recipient, nil
		}
		failures = append(failures, err)
	}
	return "", errors.Join(failures...)
}

// takeLedger opens the ledger while the seed is there. No backup hangs on it.
func (c *Copy) takeLedger(seed []byte) (notes []string) {
	id, err := newIdentity(seed)
	if err == nil {
		defer id.destroy()
		c.ledger, notes, err = c.openLedger(id)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		notes = append(notes, fmt.Sprintf("the ledger of generation %d cannot be read: %v", c.Number, err))
	}
	return notes
}

// belongs compares what is inside with the manifest outside.
func (c *Copy) belongs(b *Bundle, compartment string) error {
	in := b.Contents
	if in.Vault != c.Identity.Vault.ID || in.Generation != c.Number || in.Compartment != compartment {
		return fmt.Errorf("%s.age holds %s of vault %s, generation %d, which is not what the manifest says",
			compartment, in.Compartment, in.Vault, in.Generation)
	}
	if b.Signer == nil {
		return nil
	}
	public, err := signerPublic(b.Signer)
	if err != nil {
		return err
	}
	if public != c.Identity.Vault.Signer {
		return errors.New("the signer's key inside cold.age is not this vault's")
	}
	return nil
}
