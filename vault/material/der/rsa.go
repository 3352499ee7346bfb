package der

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

const (
	minRSABits = 1024
	maxRSABits = 16384
	maxE       = 1<<31 - 1 // as crypto/rsa demands
)

// PKCS1 reads an RSAPrivateKey of two primes, checks all its numbers against each
// other, and gives its public key.
func PKCS1(data []byte) (PublicKey, error) {
	s, err := whole(data)
	if err != nil {
		return PublicKey{}, err
	}
	var version uint
	var n, e, d, p, q, dp, dq, qInv big.Int
	if !s.ReadASN1Integer(&version) || version != 0 { // RFC 8017, appendix A.1.2: 1 is for more than two primes
		return PublicKey{}, errDER
	}
	for _, number := range []*big.Int{&n, &e, &d, &p, &q, &dp, &dq, &qInv} {
		if !s.ReadASN1Integer(number) || number.Sign() <= 0 {
			return PublicKey{}, errDER
		}
	}
	if !s.Empty() {
		return PublicKey{}, errDER
	}
	if err := checkRSANumbers(&n, &e); err != nil {
		return PublicKey{}, err
	}
	key := rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: &n, E: int(e.Int64())},
		D:         &d,
		Primes:    []*big.Int{&p, &q},
	}
	if key.Validate() != nil { // its error could name numbers
		return PublicKey{}, errors.New("the numbers of the RSA key do not belong together")
	}
	key.Precompute()
	c := &key.Precomputed
	if c.Dp == nil || c.Dp.Cmp(&dp) != 0 || c.Dq.Cmp(&dq) != 0 || c.Qinv.Cmp(&qInv) != 0 {
		return PublicKey{}, errors.New("the exponents of the RSA key do not belong to its primes")
	}
	return PublicKey{RSA, string(marshalRSAPublic(&n, &e))}, nil
}

func marshalRSAPublic(n, e *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(n)
		b.AddASN1BigInt(e)
	})
	return b.BytesOrPanic() // fails on lengths over 4 GiB only
}

// parseRSAPublic reads an RSAPublicKey of PKCS#1.
func parseRSAPublic(data []byte) (n, e *big.Int, err error) {
	s, err := whole(data)
	if err != nil {
		return nil, nil, err
	}
	n, e = new(big.Int), new(big.Int)
	if !s.ReadASN1Integer(n) || !s.ReadASN1Integer(e) || !s.Empty() {
		return nil, nil, errDER
	}
	return n, e, checkRSANumbers(n, e)
}

func checkRSAPublic(data []byte) error {
	_, _, err := parseRSAPublic(data)
	return err
}

func checkRSANumbers(n, e *big.Int) error {
	if bits := n.BitLen(); n.Sign() <= 0 || bits < minRSABits || bits > maxRSABits {
		return fmt.Errorf("an RSA key has %d to %d bits, this one has %d", minRSABits, maxRSABits, bits)
	}
	if n.Bit(0) == 0 || e.Sign() <= 0 || e.Bit(0) == 0 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > maxE {
		return errors.New("the numbers of the RSA key are not possible")
	}
	return nil
}

// Bits is the size of an RSA modulus, 0 for other keys.
func (k PublicKey) Bits() int {
	if k.Algorithm != RSA {
		return 0
	}
	n, _, err := parseRSAPublic([]byte(k.raw))
	if err != nil {
		return 0
	}
	return n.BitLen()
}
