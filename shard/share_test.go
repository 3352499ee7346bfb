package shard

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

var testParams = Params{
	Vault: VaultID{1, 2, 3, 4, 5}, Compartment: Cold, Set: SetID{0x0a, 0x1b, 0x2c, 0x3d}, Threshold: 3, Shares: 5,
}

// split returns fresh shares of a seed of counting bytes.
func split(t testing.TB, p Params) (shares []Share, seed []byte) {
	t.Helper()
	seed = make([]byte, SeedSize)
	for i := range seed {
		seed[i] = byte(i + 1)
	}
	dst := buffers(p.Shares)
	require.NoError(t, Split(dst, seed, p))
	for _, raw := range dst {
		s, err := Parse(raw)
		require.NoError(t, err)
		shares = append(shares, s)
	}
	return shares, seed
}

func buffers(n int) [][]byte {
	dst := make([][]byte, n)
	for i := range dst {
		dst[i] = make([]byte, ShareSize)
	}
	return dst
}

// alter changes a copy of the share and mends its checksum: what a forger would do.
func alter(s Share, change func(raw []byte)) []byte {
	raw := bytes.Clone(s.Bytes())
	change(raw)
	sum := sha256.Sum256(append([]byte("coldvault/share-checksum/1"), raw[:47]...))
	copy(raw[47:], sum[:4])
	return raw
}

func reparse(t testing.TB, raw []byte) Share {
	t.Helper()
	s, err := Parse(raw)
	require.NoError(t, err)
	return s
}

func TestShareLayout(t *testing.T) {
	// Every field lies where FORMAT.md section 5 puts it.
	shares, _ := split(t, testParams)
	for i, s := range shares {
		raw := s.Bytes()
		require.Len(t, raw, 51)
		require.Equal(t, "11"+"0102030405"+"01"+"0a1b2c3d"+"0305", hex.EncodeToString(raw[:13]))
		require.EqualValues(t, i+1, raw[13])
		require.NotZero(t, raw[14])
		require.Equal(t, testParams.Vault, s.Vault())
		require.Equal(t, testParams.Set, s.Set())
		require.Equal(t, Cold, s.Compartment())
		require.Equal(t, []int{3, 5, i + 1}, []int{s.Threshold(), s.Shares(), s.Index()})
		require.Equal(t, raw[14], s.X())
	}
	require.Equal(t, "aebagbaf", testParams.Vault.String())
}

// Breaks G2.
func TestParseRefusesEveryFlippedBitAndLength(t *testing.T) {
	// Any single bit changed, any byte missing and any byte too many is noticed in a single share.
	shares, _ := split(t, testParams)
	raw := shares[0].Bytes()
	for bit := range ShareSize * 8 {
		bad := bytes.Clone(raw)
		bad[bit/8] ^= 1 << (bit % 8)
		_, err := Parse(bad)
		require.Error(t, err, "bit %d", bit)
	}
	for n := range ShareSize {
		_, err := Parse(raw[:n])
		require.ErrorIs(t, err, ErrLength, "%d bytes", n)
	}
	_, err := Parse(append(bytes.Clone(raw), 0))
	require.ErrorIs(t, err, ErrLength)
}

func TestParseRefusesImpossibleFields(t *testing.T) {
	// A correct checksum does not help a share whose fields cannot be.
	shares, _ := split(t, testParams)
	for name, c := range map[string]struct {
		change func(raw []byte)
		want   error
	}{
		"frame":                 {func(b []byte) { b[0] = 0x21 }, ErrFrame},
		"version 2":             {func(b []byte) { b[0] = 0x12 }, ErrKind},
		"compartment 0":         {func(b []byte) { b[6] = 0 }, ErrField},
		"compartment 3":         {func(b []byte) { b[6] = 3 }, ErrField},
		"threshold 0":           {func(b []byte) { b[11] = 0 }, ErrField},
		"threshold 1":           {func(b []byte) { b[11] = 1 }, ErrField},
		"threshold above n":     {func(b []byte) { b[11] = 6 }, ErrField},
		"no shares":             {func(b []byte) { b[12] = 0 }, ErrField},
		"index 0":               {func(b []byte) { b[13] = 0 }, ErrField},
		"index above n":         {func(b []byte) { b[13] = 6 }, ErrField},
		"x 0 gives the secret":  {func(b []byte) { b[14] = 0 }, ErrField},
		"one share is a quorum": {func(b []byte) { b[11], b[12] = 1, 1 }, ErrField},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(alter(shares[0], c.change))
			require.ErrorIs(t, err, c.want)
		})
	}
	_, err := Parse(alter(shares[0], func(b []byte) { b[11], b[12], b[13] = 255, 255, 255 }))
	require.NoError(t, err, "the largest fields are possible")
}

func TestFmtNeverShowsTheSecret(t *testing.T) {
	// No verb, and no struct around a share, prints a byte of y.
	shares, _ := split(t, testParams)
	s := shares[1]
	secret := [][]byte{[]byte(fmt.Sprintf("%x", s.y()[:4])), []byte(fmt.Sprintf("%X", s.y()[:4])), []byte(fmt.Sprint(s.y()[:4])[1:8]), s.y()[:4]}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%p"} {
		for _, value := range []any{s, &s, shares, struct{ in struct{ s Share } }{struct{ s Share }{s}}, Judgement{Share: s}, Group{Members: shares}} {
			out := fmt.Appendf(nil, verb, value)
			for _, part := range secret {
				require.NotContains(t, string(out), string(part), verb)
			}
		}
	}
	require.Equal(t, "cold share 2 of 5, set 0a1b2c3d", fmt.Sprint(s))
	require.Equal(t, "no share", fmt.Sprint(Share{}))
}

func TestParseCompartment(t *testing.T) {
	// The two names, and nothing near them, are compartments.
	for _, c := range []Compartment{Cold, Hot} {
		got, err := ParseCompartment(c.String())
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
	for _, name := range []string{"", "Cold", "cold ", "warm", "1"} {
		_, err := ParseCompartment(name)
		require.Error(t, err)
	}
}

func TestCommitment(t *testing.T) {
	// A commitment is the digest of FORMAT.md section 5 and fits its own share only.
	shares, _ := split(t, testParams)
	for i, s := range shares {
		want := sha256.Sum256(append([]byte("coldvault/share-commitment/1"), s.Bytes()[:47]...))
		require.Equal(t, want, Commitment(s))
		for j := range shares {
			require.Equal(t, i == j, VerifyCommitment(shares[j], want))
		}
	}
}

func FuzzParse(f *testing.F) {
	shares, _ := split(f, testParams)
	f.Add(shares[0].Bytes())
	f.Add(alter(shares[0], func(raw []byte) { raw[14] = 0 }))
	f.Add(shares[0].Bytes()[:50])
	f.Add([]byte{0x21})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw)
		if err != nil {
			require.True(t, s.IsZero())
			return
		}
		again := make([]byte, ShareSize)
		p := Params{Vault: s.Vault(), Compartment: s.Compartment(), Set: s.Set(), Threshold: s.Threshold(), Shares: s.Shares()}
		require.NoError(t, p.check())
		p.encode(again, s.Index(), s.X(), s.y())
		require.Equal(t, raw, again)
	})
}
