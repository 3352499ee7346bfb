package kes

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// evolve moves a key of the given depth to its next evolution, as a node does.
func evolve(t *testing.T, depth int, key []byte) []byte {
	t.Helper()
	require.NotZero(t, depth, "a leaf does not evolve")
	out := bytes.Clone(key)
	inner, level := out[:len(out)-levelSize], out[len(out)-levelSize:]
	if last(depth-1, inner) {
		right, _ := generate(depth-1, level[:SeedSize])
		copy(inner, right)
		clear(level[:SeedSize])
		return out
	}
	copy(inner, evolve(t, depth-1, inner))
	return out
}

// last says whether a key of the given depth is at its last evolution.
func last(depth int, key []byte) bool {
	for d := range depth {
		if !bytes.Equal(key[SeedSize+d*levelSize:][:SeedSize], make([]byte, SeedSize)) {
			return false
		}
	}
	return true
}

func TestEveryEvolution(t *testing.T) { // all 64 evolutions verify, keep their verification key and tell their number
	key := Generate(bytes.Repeat([]byte{7}, SeedSize))
	first, n, err := Verify(key)
	require.NoError(t, err)
	require.Zero(t, n)
	for want := 1; want < 1<<Depth; want++ {
		key = evolve(t, Depth, key)
		vk, n, err := Verify(key)
		require.NoError(t, err)
		require.Equal(t, want, n)
		require.Equal(t, first, vk)
	}
}

func TestHaskellKeys(t *testing.T) { // keys made and evolved by cardano-base verify, with their evolution
	shared := os.Getenv("COLDVAULT_SHARED")
	if shared == "" {
		shared = "../../../../../../shared"
	}
	dir := filepath.Join(shared, "fixtures", "cardano", "kes-haskell-interop")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no shared fixtures")
	}
	var keys [][VerificationSize]byte
	for name, want := range map[string]int{"key6.bin": 0, "key6update1.bin": 1, "key6update5.bin": 5} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		vk, n, err := Verify(data)
		require.NoError(t, err, name)
		require.Equal(t, want, n, name)
		keys = append(keys, vk)
	}
	require.Equal(t, keys[0], keys[1])
	require.Equal(t, keys[0], keys[2])
}

func TestEveryByteCounts(t *testing.T) { // no byte of a key changes without the check or the verification key telling
	key := Generate(bytes.Repeat([]byte{9}, SeedSize))
	want, _, err := Verify(key)
	require.NoError(t, err)
	for i := range key {
		changed := bytes.Clone(key)
		changed[i] ^= 1
		vk, _, err := Verify(changed)
		require.True(t, err != nil || vk != want, "byte %d", i)
	}
}

func FuzzVerify(f *testing.F) { // never panics, and refuses every other length
	f.Add(Generate(make([]byte, SeedSize)))
	f.Add([]byte{})
	f.Add(make([]byte, 704))
	f.Fuzz(func(t *testing.T, key []byte) {
		_, n, err := Verify(key)
		if len(key) != Size {
			require.Error(t, err)
		}
		require.True(t, n >= 0 && n < 1<<Depth)
	})
}
