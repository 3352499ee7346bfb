// Package libp2pkey reads keys as libp2p stores them (libp2p/specs, peer-ids): a
// protobuf of two fields, the type and the data, in their only canonical form. It
// serves every network whose nodes are libp2p peers.
//
// Of a private key it gives the public key, computed anew, after every copy of the
// public key inside has been compared with it; callers run this inside runtime/secret.
package libp2pkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"coldvault/vault/material/der"
)

// The key types of libp2p.
const (
	typeRSA       = 0
	typeEd25519   = 1
	typeSecp256k1 = 2
	typeECDSA     = 3
)

// The heads of the two fields: number<<3 | wire type.
const (
	headType = 1 << 3
	headData = 2<<3 | 2
)

// maxData is the size of a key up to which it is read; RSA with 8192 bits has 4.7 KB.
const maxData = 16 << 10

var errEncoding = errors.New("not a libp2p key in its canonical encoding")

// split takes the protobuf apart.
func split(data []byte) (kind byte, content []byte, err error) {
	if len(data) < 4 || data[0] != headType || data[1] > typeECDSA || data[2] != headData {
		return 0, nil, errEncoding
	}
	size, n := binary.Uvarint(data[3:])
	if n <= 0 || size > maxData || n != len(binary.AppendUvarint(nil, size)) || uint64(len(data)-3-n) != size {
		return 0, nil, errEncoding
	}
	return data[1], data[3+n:], nil
}

// Private reads a private key and gives its public key.
func Private(data []byte) (der.PublicKey, error) {
	kind, content, err := split(data)
	if err != nil {
		return der.PublicKey{}, err
	}
	switch kind {
	case typeRSA:
		return der.PKCS1(content)
	case typeEd25519:
		return privateEd25519(content)
	case typeSecp256k1:
		return der.Derive(der.Secp256k1, content)
	}
	return der.SEC1(content)
}

// privateEd25519 reads seed ‖ public key, or the older seed ‖ public key ‖ public key.
func privateEd25519(content []byte) (der.PublicKey, error) {
	if len(content) != 64 && len(content) != 96 {
		return der.PublicKey{}, fmt.Errorf("an Ed25519 key of libp2p has 64 or 96 bytes, this one has %d", len(content))
	}
	key, err := der.Derive(der.Ed25519, content[:32])
	if err != nil {
		return key, err
	}
	for stored := content[32:]; len(stored) > 0; stored = stored[32:] {
		if !bytes.Equal(stored[:32], key.Bytes()) {
			return der.PublicKey{}, errors.New("the private key and the public key inside do not belong together")
		}
	}
	return key, nil
}

// Encode is a public key as libp2p's protobuf.
func Encode(key der.PublicKey) []byte {
	var kind byte
	var content []byte
	switch key.Algorithm {
	case der.RSA:
		kind, content = typeRSA, key.SPKI()
	case der.Ed25519:
		kind, content = typeEd25519, key.Bytes()
	case der.Secp256k1:
		kind, content = typeSecp256k1, key.Compressed()
	default:
		kind, content = typeECDSA, key.SPKI()
	}
	out := binary.AppendUvarint([]byte{headType, kind, headData}, uint64(len(content)))
	return append(out, content...)
}

// maxInline is the size up to which a public key is its own multihash.
const maxInline = 42

// PeerID is the name of a key's peer: the multihash of its protobuf in base58btc.
func PeerID(key der.PublicKey) string {
	encoded := Encode(key)
	if len(encoded) <= maxInline {
		return base58(append([]byte{0x00, byte(len(encoded))}, encoded...)) // multihash "identity"
	}
	digest := sha256.Sum256(encoded)
	return base58(append([]byte{0x12, sha256.Size}, digest[:]...)) // multihash "sha2-256"
}

// base58 writes bytes in Bitcoin's base 58, the alphabet of base58btc.
func base58(data []byte) string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	rest := bytes.TrimLeft(data, "\x00")
	zeros := len(data) - len(rest)
	var digits []byte // least significant first
	for _, b := range rest {
		carry := int(b)
		for i, d := range digits {
			carry += int(d) << 8
			digits[i], carry = byte(carry%58), carry/58
		}
		for ; carry > 0; carry /= 58 {
			digits = append(digits, byte(carry%58))
		}
	}
	out := bytes.Repeat([]byte{alphabet[0]}, zeros)
	for i := len(digits) - 1; i >= 0; i-- {
		out = append(out, alphabet[digits[i]])
	}
	return string(out)
}
