// Package kes knows the layout of Cardano's key-evolving signature keys, Sum6KES
// over Ed25519 with BLAKE2b-256 (Malkin, Micciancio, Miner; cardano-base,
// Cardano.Crypto.KES.Sum): it makes a key and proves that one is whole. It does
// not sign.
//
// A signing key of depth 0 is an Ed25519 seed. One of depth d is
//
//	key of depth d−1 ‖ r ‖ vk0 ‖ vk1
//
// with the verification keys of both halves and the seed r of the right half,
// which is zero once the key has moved there. The verification key of depth d is
// BLAKE2b-256(vk0 ‖ vk1). Temporaries that hold seeds are wiped.
package kes

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"golang.org/x/crypto/blake2b"
)

const (
	// Depth is that of the keys a stake pool uses: 64 evolutions.
	Depth = 6
	// SeedSize is the size of what a key is made of.
	SeedSize = ed25519.SeedSize
	// Size is the length of a signing key.
	Size = SeedSize + Depth*levelSize
	// VerificationSize is the length of a verification key.
	VerificationSize = blake2b.Size256

	levelSize = SeedSize + 2*VerificationSize
)

// Generate makes the signing key of evolution 0 from a seed of SeedSize bytes.
func Generate(seed []byte) []byte {
	key, _ := generate(Depth, seed)
	return key
}

func generate(depth int, seed []byte) (key []byte, vk [VerificationSize]byte) {
	key = make([]byte, 0, Size)
	if depth == 0 {
		return append(key, seed...), leaf(seed)
	}
	left, right := halves(seed)
	defer clear(left[:])
	defer clear(right[:])
	inner, vk0 := generate(depth-1, left[:])
	defer clear(inner)
	vk1 := verificationKey(depth-1, right[:])
	key = append(key, inner...)
	key = append(key, right[:]...)
	key = append(key, vk0[:]...)
	key = append(key, vk1[:]...)
	return key, node(vk0, vk1)
}

// Verify recomputes everything a signing key allows and returns its verification
// key and its evolution.
func Verify(key []byte) (vk [VerificationSize]byte, evolution int, err error) {
	if len(key) != Size {
		return vk, 0, fmt.Errorf("a KES signing key has %d bytes, this one %d", Size, len(key))
	}
	vk = leaf(key[:SeedSize])
	var zero [SeedSize]byte
	for depth := 1; depth <= Depth; depth++ {
		level := key[SeedSize+(depth-1)*levelSize:][:levelSize]
		right, vk0, vk1 := level[:SeedSize], [VerificationSize]byte(level[SeedSize:]), [VerificationSize]byte(level[SeedSize+VerificationSize:])
		if bytes.Equal(right, zero[:]) {
			evolution |= 1 << (depth - 1)
			if vk != vk1 {
				return vk, 0, fmt.Errorf("the right half of level %d does not fit its verification key", depth)
			}
		} else {
			if vk != vk0 {
				return vk, 0, fmt.Errorf("the left half of level %d does not fit its verification key", depth)
			}
			if verificationKey(depth-1, right) != vk1 {
				return vk, 0, fmt.Errorf("the seed of the right half of level %d does not fit its verification key", depth)
			}
		}
		vk = node(vk0, vk1)
	}
	return vk, evolution, nil
}

// verificationKey is the one of the key that generate would make.
func verificationKey(depth int, seed []byte) [VerificationSize]byte {
	if depth == 0 {
		return leaf(seed)
	}
	left, right := halves(seed)
	defer clear(left[:])
	defer clear(right[:])
	return node(verificationKey(depth-1, left[:]), verificationKey(depth-1, right[:]))
}

// halves splits a seed as cardano-base's expandHashWith does.
func halves(seed []byte) (left, right [SeedSize]byte) {
	var in [1 + SeedSize]byte
	defer clear(in[:])
	copy(in[1:], seed)
	in[0] = 1
	left = blake2b.Sum256(in[:])
	in[0] = 2
	right = blake2b.Sum256(in[:])
	return left, right
}

func leaf(seed []byte) [VerificationSize]byte {
	key := ed25519.NewKeyFromSeed(seed)
	defer clear(key)
	return [VerificationSize]byte(key[ed25519.SeedSize:])
}

func node(vk0, vk1 [VerificationSize]byte) [VerificationSize]byte {
	return blake2b.Sum256(append(vk0[:], vk1[:]...))
}
