package filecoin

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudflare/circl/ecc/bls12381"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/sha3"
)

const keySize = 32

var errRange = errors.New("its key is zero or not below the order of the curve")

// walletAddress derives the address of a wallet's private key.
func walletAddress(k keyInfo) (address, error) {
	if len(k.secret) != keySize {
		return address{}, fmt.Errorf("a key of type %s has %d bytes, this one has %d", k.kind, keySize, len(k.secret))
	}
	if k.kind == typeBLS {
		return addressBLS(k.secret)
	}
	pub, err := publicSecp256k1(k.secret)
	if err != nil {
		return address{}, err
	}
	if k.kind == typeDelegated {
		return addressEthereum(pub), nil
	}
	return address{protocolSecp256k1, string(blake(20, pub))}, nil
}

// addressBLS: the private key is little-endian, the public key a compressed point of G1.
func addressBLS(secret []byte) (address, error) {
	number := bytes.Clone(secret)
	defer clear(number)
	slices.Reverse(number)
	if bytes.Compare(number, bls12381.Order()) >= 0 || !slices.ContainsFunc(number, func(b byte) bool { return b != 0 }) {
		return address{}, errRange
	}
	var k bls12381.Scalar
	k.SetBytes(number)
	defer k.SetUint64(0)
	var pub bls12381.G1
	pub.ScalarMult(&k, bls12381.G1Generator())
	return address{protocolBLS, string(pub.BytesCompressed())}, nil
}

// publicSecp256k1 gives the public key as 65 bytes.
func publicSecp256k1(secret []byte) ([]byte, error) {
	var k secp256k1.ModNScalar
	defer k.Zero()
	if overflow := k.SetByteSlice(secret); overflow || k.IsZero() {
		return nil, errRange
	}
	key := secp256k1.NewPrivateKey(&k)
	defer key.Zero()
	return key.PubKey().SerializeUncompressed(), nil
}

// addressEthereum is f410f and the last 20 bytes of the Keccak-256 of the public key
// without its first byte, which is 4.
func addressEthereum(pub []byte) address {
	h := sha3.NewLegacyKeccak256()
	h.Write(pub[1:])
	return address{protocolDelegated, string(append([]byte{managerEthereum}, h.Sum(nil)[12:]...))}
}
