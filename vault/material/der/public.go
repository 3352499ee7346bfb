package der

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// Algorithm is the kind of a key.
type Algorithm string

// The algorithms that are known here.
const (
	RSA       Algorithm = "RSA"
	Ed25519   Algorithm = "Ed25519"
	P256      Algorithm = "P-256"
	P384      Algorithm = "P-384"
	P521      Algorithm = "P-521"
	Secp256k1 Algorithm = "secp256k1"
)

// PublicKey is a valid public key; two are the same key if and only if they are equal.
type PublicKey struct {
	Algorithm Algorithm
	raw       string
}

// Bytes are the 32 bytes of Ed25519, the uncompressed point on a curve, or the
// RSAPublicKey of PKCS#1.
func (k PublicKey) Bytes() []byte { return []byte(k.raw) }

// nist is the curve of an algorithm of crypto/elliptic, nil for others.
func (a Algorithm) nist() elliptic.Curve {
	switch a {
	case P256:
		return elliptic.P256()
	case P384:
		return elliptic.P384()
	case P521:
		return elliptic.P521()
	}
	return nil
}

// Public checks a public key: 32 bytes of Ed25519, a point on a curve, or an
// RSAPublicKey. Compressed points are read on secp256k1 only.
func Public(a Algorithm, data []byte) (PublicKey, error) {
	switch a {
	case RSA:
		if err := checkRSAPublic(data); err != nil {
			return PublicKey{}, err
		}
	case Ed25519:
		if len(data) != ed25519.PublicKeySize {
			return PublicKey{}, fmt.Errorf("an Ed25519 public key has %d bytes, this one has %d", ed25519.PublicKeySize, len(data))
		}
	case Secp256k1:
		key, err := secp256k1.ParsePubKey(data)
		if err != nil || data[0] > secp256k1.PubKeyFormatUncompressed { // no hybrid form
			return PublicKey{}, errors.New("not a point on secp256k1")
		}
		data = key.SerializeUncompressed()
	case P256, P384, P521:
		if _, err := ecdsa.ParseUncompressedPublicKey(a.nist(), data); err != nil {
			return PublicKey{}, fmt.Errorf("not a point on %s", a)
		}
	default:
		return PublicKey{}, ErrAlgorithm
	}
	return PublicKey{a, string(data)}, nil
}

// Derive gives the public key of a private one: a seed of Ed25519, or the number of a
// key on a curve, big-endian and of the curve's size.
func Derive(a Algorithm, private []byte) (PublicKey, error) {
	switch a {
	case Ed25519:
		if len(private) != ed25519.SeedSize {
			return PublicKey{}, fmt.Errorf("an Ed25519 private key has %d bytes, this one has %d", ed25519.SeedSize, len(private))
		}
		key := ed25519.NewKeyFromSeed(private)
		defer clear(key)
		return PublicKey{a, string(key[ed25519.SeedSize:])}, nil
	case Secp256k1:
		var number secp256k1.ModNScalar
		defer number.Zero()
		if len(private) != secp256k1.PrivKeyBytesLen || number.SetByteSlice(private) || number.IsZero() {
			return PublicKey{}, errors.New("not a private key on secp256k1")
		}
		key := secp256k1.NewPrivateKey(&number)
		defer key.Zero()
		return PublicKey{a, string(key.PubKey().SerializeUncompressed())}, nil
	case P256, P384, P521:
		key, err := ecdsa.ParseRawPrivateKey(a.nist(), private)
		if err != nil {
			return PublicKey{}, fmt.Errorf("not a private key on %s", a)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return PublicKey{}, err
		}
		return PublicKey{a, string(point)}, nil
	}
	return PublicKey{}, ErrAlgorithm
}

// Compressed is a point on secp256k1 in 33 bytes, nil for other keys.
func (k PublicKey) Compressed() []byte {
	if k.Algorithm != Secp256k1 {
		return nil
	}
	key, err := secp256k1.ParsePubKey([]byte(k.raw))
	if err != nil {
		return nil
	}
	return key.SerializeCompressed()
}

// Verify checks a signature over a message: Ed25519 itself, ECDSA in DER over the
// SHA-256 of the message, or over its SHA-384 on P-384. Others are never valid.
func (k PublicKey) Verify(message, signature []byte) bool {
	digest := sha256.Sum256(message)
	switch k.Algorithm {
	case Ed25519:
		return ed25519.Verify(ed25519.PublicKey(k.raw), message, signature)
	case Secp256k1:
		key, err := secp256k1.ParsePubKey([]byte(k.raw))
		if err != nil {
			return false
		}
		parsed, err := decred.ParseDERSignature(signature)
		return err == nil && parsed.Verify(digest[:], key)
	case P256:
		return k.verifyNIST(digest[:], signature)
	case P384:
		long := sha512.Sum384(message)
		return k.verifyNIST(long[:], signature)
	}
	return false
}

func (k PublicKey) verifyNIST(digest, signature []byte) bool {
	key, err := ecdsa.ParseUncompressedPublicKey(k.Algorithm.nist(), []byte(k.raw))
	return err == nil && ecdsa.VerifyASN1(key, digest, signature)
}
