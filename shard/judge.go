package shard

import (
	"bytes"
	"fmt"
	"slices"
)

// Verdict is what a single share turned out to be.
type Verdict uint8

const (
	// Accepted shares are of the expected vault and, where commitments are known, proven genuine.
	Accepted Verdict = iota + 1
	// Superseded shares are genuine, of a set that was replaced: they combine among themselves only.
	Superseded
	// UnknownSet shares are of the vault but of a set that the share sets do not list: newer than these, or forged.
	UnknownSet
	// Duplicate shares were given before.
	Duplicate
	// OtherVault shares are of another vault.
	OtherVault
	// Altered shares contradict their set's entry or commitment: forged, or changed after they were made.
	Altered
	// Conflict shares claim one place of one set with different content, and no commitment tells which is forged.
	Conflict
)

// String returns the verdict in a few words.
func (v Verdict) String() string {
	names := [...]string{"no verdict", "accepted", "superseded set", "unknown set", "duplicate", "other vault", "forged or altered", "conflict"}
	if int(v) < len(names) {
		return names[v]
	}
	return names[0]
}

// SetInfo is what shares.json says of one share set.
type SetInfo struct {
	ID                SetID
	Compartment       Compartment
	Threshold, Shares int
	Superseded        bool
	Commitments       [][CommitmentSize]byte // of index 1, 2, …
}

// Expect is what shares are judged against.
type Expect struct {
	Vault VaultID   // zero where it is not known
	Sets  []SetInfo // empty where shares.json is not at hand
}

// Judgement is the verdict on one share, with a sentence for the person who holds the card.
type Judgement struct {
	Share   Share
	Verdict Verdict
	Reason  string
}

// Judge looks at every share by itself, so that a bad one is named and the others can go on. It returns one
// judgement a share, in the same order. It does not mix sets: GroupBySet sorts what the caller wants to use.
// Keeps G2.
func Judge(shares []Share, want Expect) []Judgement {
	out := make([]Judgement, len(shares))
	for i, s := range shares {
		out[i] = want.judge(s)
	}
	markRepeats(out)
	return out
}

func (want Expect) judge(s Share) Judgement {
	say := func(v Verdict, format string, args ...any) Judgement {
		return Judgement{Share: s, Verdict: v, Reason: s.String() + ": " + fmt.Sprintf(format, args...)}
	}
	if s.IsZero() {
		return say(Altered, "nothing to judge")
	}
	if want.Vault != (VaultID{}) && s.Vault() != want.Vault {
		return say(OtherVault, "this card is of vault %s, not of vault %s", s.Vault(), want.Vault)
	}
	if len(want.Sets) == 0 {
		return say(Accepted, "readable; it could not be compared with the vault's share sets")
	}
	i := slices.IndexFunc(want.Sets, func(set SetInfo) bool { return set.ID == s.Set() })
	if i < 0 {
		return say(UnknownSet, "shares.json does not list this set: it is newer than this copy of shares.json, or forged")
	}
	set := want.Sets[i]
	if set.Compartment != s.Compartment() || set.Threshold != s.Threshold() || set.Shares != s.Shares() || len(set.Commitments) != s.Shares() {
		return say(Altered, "it says %s, %d of %d, and shares.json says %s, %d of %d: forged or altered",
			s.Compartment(), s.Threshold(), s.Shares(), set.Compartment, set.Threshold, set.Shares)
	}
	if !VerifyCommitment(s, set.Commitments[s.Index()-1]) {
		return say(Altered, "it does not match the commitment made when the shares were: forged or altered")
	}
	if set.Superseded {
		return say(Superseded, "genuine, but its set was replaced: this card should have been destroyed")
	}
	return say(Accepted, "it matches its commitment")
}

// markRepeats finds shares that were given twice, and shares that claim one place with different content.
func markRepeats(judged []Judgement) {
	for i := range judged {
		for j := range i {
			a, b := &judged[i], &judged[j]
			if !a.Verdict.contends() || !b.Verdict.contends() || !sameSplit(a.Share, b.Share) {
				continue
			}
			switch {
			case bytes.Equal(a.Share.Bytes(), b.Share.Bytes()):
				a.Verdict, a.Reason = Duplicate, fmt.Sprintf("%s: the same card was read before", a.Share)
			case a.Share.Index() == b.Share.Index() || a.Share.X() == b.Share.X():
				for _, c := range []*Judgement{a, b} {
					c.Verdict, c.Reason = Conflict, fmt.Sprintf("%s: another card claims the same place with different content: one of them is forged", c.Share)
				}
			}
		}
	}
}

// contends says whether a share with this verdict claims a place in its set.
func (v Verdict) contends() bool {
	return v == Accepted || v == Superseded || v == UnknownSet || v == Conflict
}

// Group is the shares of one split that are at hand.
type Group struct {
	Vault       VaultID
	Compartment Compartment
	Set         SetID
	Threshold   int
	Shares      int
	Members     []Share
}

// Missing returns how many shares the group still needs.
func (g Group) Missing() int { return max(0, g.Threshold-len(g.Members)) }

// GroupBySet sorts shares by the split they say they are of, in the order in which the splits first occur. Shares that
// agree on the set id but not on vault, compartment, k or n are different groups, so a forged one stays alone.
func GroupBySet(shares []Share) []Group {
	var groups []Group
	for _, s := range shares {
		if s.IsZero() {
			continue
		}
		i := slices.IndexFunc(groups, func(g Group) bool { return sameSplit(g.Members[0], s) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, Group{Vault: s.Vault(), Compartment: s.Compartment(), Set: s.Set(), Threshold: s.Threshold(), Shares: s.Shares()})
		}
		groups[i].Members = append(groups[i].Members, s)
	}
	return groups
}

// sameSplit compares everything that the shares of one split have in common.
func sameSplit(a, b Share) bool { return bytes.Equal(a.Bytes()[:offIndex], b.Bytes()[:offIndex]) }
