package shard

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func setInfo(shares []Share, superseded bool) SetInfo {
	s := shares[0]
	return SetInfo{ID: s.Set(), Compartment: s.Compartment(), Threshold: s.Threshold(), Shares: s.Shares(), Superseded: superseded, Commitments: commitments(shares)}
}

func verdicts(judged []Judgement) []Verdict {
	var out []Verdict
	for _, j := range judged {
		out = append(out, j.Verdict)
	}
	return out
}

// Shows G2.
func TestJudgeNamesEachShareAndLetsTheOthersGoOn(t *testing.T) {
	// Against shares.json each share gets its own verdict, and what is accepted opens the vault.
	shares, seed := split(t, testParams)
	old, newer, foreign := testParams, testParams, testParams
	old.Set[0], newer.Set[0], foreign.Vault[0] = 1, 2, 99
	oldShares, _ := split(t, old)
	newerShares, _ := split(t, newer)
	foreignShares, _ := split(t, foreign)
	want := Expect{Vault: testParams.Vault, Sets: []SetInfo{setInfo(shares, false), setInfo(oldShares, true)}}
	forged := reparse(t, alter(shares[3], func(raw []byte) { raw[30]++ }))
	lying := reparse(t, alter(shares[3], func(raw []byte) { raw[11] = 2 }))

	judged := Judge([]Share{shares[0], foreignShares[1], shares[1], shares[0], forged, oldShares[0], newerShares[0], lying, shares[3], oldShares[0], {}}, want)
	require.Equal(t, []Verdict{Accepted, OtherVault, Accepted, Duplicate, Altered, Superseded, UnknownSet, Altered, Accepted, Duplicate, Altered}, verdicts(judged))
	for _, j := range judged {
		require.Contains(t, j.Reason, j.Share.String())
	}
	require.Contains(t, judged[1].Reason, foreign.Vault.String())

	var accepted []Share
	for _, j := range judged {
		if j.Verdict == Accepted {
			accepted = append(accepted, j.Share)
		}
	}
	got := make([]byte, SeedSize)
	require.NoError(t, Combine(got, accepted, nil))
	require.Equal(t, seed, got)
}

func TestJudgeWithoutCommitments(t *testing.T) {
	// Where nothing is known, two shares at one place are both doubted, and sets are kept apart.
	shares, _ := split(t, testParams)
	other := testParams
	other.Set[0], other.Compartment = 7, Hot
	others, _ := split(t, other)
	sameIndex := reparse(t, alter(shares[0], func(raw []byte) { raw[30]++ }))
	sameX := reparse(t, alter(shares[4], func(raw []byte) { raw[14] = shares[3].X() }))

	judged := Judge([]Share{shares[0], sameIndex, shares[1], shares[3], sameX, others[0], shares[0], shares[1]}, Expect{})
	require.Equal(t, []Verdict{Conflict, Conflict, Accepted, Conflict, Conflict, Accepted, Duplicate, Duplicate}, verdicts(judged))

	groups := GroupBySet([]Share{shares[0], others[0], shares[1], {}, reparse(t, alter(shares[2], func(raw []byte) { raw[12] = 9 }))})
	require.Len(t, groups, 3)
	require.Equal(t, []int{2, 1, 1}, []int{len(groups[0].Members), len(groups[1].Members), len(groups[2].Members)})
	require.Equal(t, []int{1, 2, 2}, []int{groups[0].Missing(), groups[1].Missing(), groups[2].Missing()})
	require.Equal(t, Hot, groups[1].Compartment)
	require.Zero(t, Group{Threshold: 1, Members: shares}.Missing())
}
