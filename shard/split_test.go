package shard

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Shows G1.
func TestEveryQuorumGivesTheSeed(t *testing.T) {
	// All k-subsets, in any order, give the seed back; one share fewer is asked for by name.
	for _, kn := range [][2]int{{2, 2}, {2, 3}, {3, 5}, {4, 6}, {5, 5}} {
		p := testParams
		p.Threshold, p.Shares = kn[0], kn[1]
		shares, seed := split(t, p)
		for _, members := range allSubsets(p.Shares, p.Threshold) {
			quorum := pick(shares, members)
			got := make([]byte, SeedSize)
			require.NoError(t, Combine(got, quorum, commitments(shares)))
			require.Equal(t, seed, got)
			var few *NotEnoughError
			require.ErrorAs(t, Combine(got, quorum[1:], nil), &few)
			require.Equal(t, NotEnoughError{Compartment: Cold, Set: p.Set, Have: p.Threshold - 1, Need: p.Threshold}, *few)
			require.Equal(t, make([]byte, SeedSize), got, "wiped")
		}
	}
}

func pick(shares []Share, members []int) []Share {
	var out []Share
	for i := range members {
		out = append(out, shares[members[len(members)-1-i]])
	}
	return out
}

func commitments(shares []Share) [][CommitmentSize]byte {
	out := make([][CommitmentSize]byte, len(shares))
	for i, s := range shares {
		out[i] = Commitment(s)
	}
	return out
}

func TestSplitRefuses(t *testing.T) {
	// Parameters that make no sense are refused before anything is written.
	seed := make([]byte, SeedSize)
	for name, c := range map[string]struct {
		change func(p *Params)
		dst    [][]byte
		seed   []byte
	}{
		"threshold 0":       {func(p *Params) { p.Threshold = 0 }, buffers(5), seed},
		"threshold 1":       {func(p *Params) { p.Threshold = 1 }, buffers(5), seed},
		"threshold above n": {func(p *Params) { p.Threshold = 6 }, buffers(5), seed},
		"256 shares":        {func(p *Params) { p.Shares = 256 }, buffers(256), seed},
		"no compartment":    {func(p *Params) { p.Compartment = 0 }, buffers(5), seed},
		"short seed":        {func(*Params) {}, buffers(5), seed[1:]},
		"no seed":           {func(*Params) {}, buffers(5), nil},
		"buffers missing":   {func(*Params) {}, buffers(4), seed},
		"buffer too short":  {func(*Params) {}, append(buffers(4), make([]byte, ShareSize-1)), seed},
	} {
		t.Run(name, func(t *testing.T) {
			p := testParams
			c.change(&p)
			require.Error(t, Split(c.dst, c.seed, p))
			for _, raw := range c.dst {
				require.Equal(t, make([]byte, len(raw)), raw)
			}
		})
	}
}

// Breaks G1.
func TestProofCatchesABadSplit(t *testing.T) {
	// One share off the polynomial makes the proof fail, whichever share it is.
	shares, seed := split(t, testParams)
	for i := range shares {
		bad := append([]Share(nil), shares...)
		bad[i] = reparse(t, alter(shares[i], func(raw []byte) { raw[20] ^= 1 }))
		require.Error(t, prove(bad, seed))
	}
	require.NoError(t, prove(shares, seed))
	require.Error(t, prove(shares, make([]byte, SeedSize)))
}

func TestSubsetsAreAllOrASampleWithEveryShare(t *testing.T) {
	// Up to 200 subsets all are proven; above, 200 in which every share occurs, each a set of k.
	for _, c := range []struct{ n, k, want int }{{2, 2, 1}, {5, 3, 10}, {10, 4, 200}, {200, 199, 200}, {201, 200, 200}, {20, 2, 190}, {255, 2, 200}, {255, 128, 200}, {12, 6, 200}} {
		got := subsets(c.n, c.k)
		require.Len(t, got, c.want, "%d of %d", c.k, c.n)
		seen := map[int]bool{}
		for _, members := range got {
			require.Len(t, members, c.k)
			distinct := map[int]bool{}
			for _, m := range members {
				require.True(t, m >= 0 && m < c.n)
				distinct[m], seen[m] = true, true
			}
			require.Len(t, distinct, c.k)
		}
		require.Len(t, seen, c.n)
	}
}

func TestManyShares(t *testing.T) {
	// The largest set there can be is split and proven by sample.
	p := testParams
	p.Threshold, p.Shares = 3, MaxShares
	shares, seed := split(t, p)
	got := make([]byte, SeedSize)
	require.NoError(t, Combine(got, shares, nil))
	require.Equal(t, seed, got)
}

// Breaks G1.
func TestCombineChecksEveryFurtherShare(t *testing.T) {
	// More shares than needed work, and one of them that lies elsewhere is named.
	shares, seed := split(t, testParams)
	got := make([]byte, SeedSize)
	require.NoError(t, Combine(got, shares, nil))
	require.Equal(t, seed, got)
	for i := range shares {
		bad := append([]Share(nil), shares...)
		bad[i] = reparse(t, alter(shares[i], func(raw []byte) { raw[46] ^= 0x80 }))
		var wrong *InconsistentError
		require.ErrorAs(t, Combine(got, bad, nil), &wrong)
		if i >= testParams.Threshold {
			require.Equal(t, i+1, wrong.Share)
		}
		require.Equal(t, []int{1, 2, 3}, wrong.Quorum)
		require.Equal(t, make([]byte, SeedSize), got, "wiped")
		require.ErrorContains(t, Combine(got, bad, commitments(shares)), bad[i].String())
	}
}

// Breaks G1.
func TestCombineRefusesWhatDoesNotBelongTogether(t *testing.T) {
	// Each way in which one share can be foreign to the others is refused.
	shares, _ := split(t, testParams)
	for name, change := range map[string]func(raw []byte){
		"vault":           func(b []byte) { b[1] ^= 1 },
		"compartment":     func(b []byte) { b[6] = 2 },
		"set":             func(b []byte) { b[10] ^= 1 },
		"threshold":       func(b []byte) { b[11] = 2 },
		"shares":          func(b []byte) { b[12] = 6 },
		"duplicate index": func(b []byte) { b[13] = 1 },
		"duplicate x":     func(b []byte) { b[14] = shares[0].X() },
	} {
		t.Run(name, func(t *testing.T) {
			got := bytes.Repeat([]byte{1}, SeedSize)
			bad := reparse(t, alter(shares[2], change))
			require.Error(t, Combine(got, []Share{shares[0], shares[1], bad}, nil))
			require.Equal(t, make([]byte, SeedSize), got, "wiped")
		})
	}
	got := make([]byte, SeedSize)
	require.Error(t, Combine(got, nil, nil))
	require.Error(t, Combine(got, []Share{shares[0], shares[1], {}}, nil))
	require.Error(t, Combine(got, []Share{shares[0], shares[0], shares[1]}, nil))
	require.Error(t, Combine(got[:31], shares, nil))
	require.Error(t, Combine(got, shares, commitments(shares[:4])))
}

func BenchmarkSplit3of5(b *testing.B) {
	dst, seed := buffers(5), make([]byte, SeedSize)
	for b.Loop() {
		require.NoError(b, Split(dst, seed, testParams))
	}
}

func BenchmarkCombine3of5(b *testing.B) {
	shares, _ := split(b, testParams)
	got := make([]byte, SeedSize)
	for b.Loop() {
		require.NoError(b, Combine(got, shares[:3], nil))
	}
}
