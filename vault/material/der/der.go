// Package der reads keys in their ASN.1 forms: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017,
// appendix A.1), SEC 1 (RFC 5915) and SubjectPublicKeyInfo (RFC 5280, RFC 5480,
// RFC 8410), as DER and as PEM (RFC 7468).
//
// Of a private key it gives nothing but the public key, computed anew, after every
// number and every copy of the public key inside has been checked against it: that is
// all it takes to prove which key a file holds. What the standard library makes of a
// private key on the way lies on the heap; callers run this inside runtime/secret.
//
// Reading is strict: only DER, nothing after the end, no unknown algorithm.
package der

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxSize is the size of a key up to which it is read; RSA with 16384 bits has 9.5 KB
// of PKCS#8.
const maxSize = 16 << 10

// ErrAlgorithm means a well-formed key of an algorithm that is not known here.
var ErrAlgorithm = errors.New("the algorithm of the key is not known")

var (
	errDER      = errors.New("not a key in strict DER")
	errMismatch = errors.New("the private key and the public key inside do not belong together")
)

// The context-specific tags in use: parameters and public key of SEC 1, attributes
// and public key of PKCS#8.
const (
	tag0 = asn1.Tag(0)
	tag1 = asn1.Tag(1)
)

func explicit(t asn1.Tag) asn1.Tag { return t.ContextSpecific().Constructed() }

// whole opens the outermost SEQUENCE, which must be all there is.
func whole(data []byte) (cryptobyte.String, error) {
	s := cryptobyte.String(data)
	var inner cryptobyte.String
	if len(data) > maxSize || !s.ReadASN1(&inner, asn1.SEQUENCE) || !s.Empty() {
		return nil, errDER
	}
	return inner, nil
}

// SPKI reads a SubjectPublicKeyInfo.
func SPKI(data []byte) (PublicKey, error) {
	s, err := whole(data)
	if err != nil {
		return PublicKey{}, err
	}
	algorithm, err := readAlgorithm(&s)
	if err != nil {
		return PublicKey{}, err
	}
	var bits []byte
	if !s.ReadASN1BitStringAsBytes(&bits) || !s.Empty() {
		return PublicKey{}, errDER
	}
	key, err := Public(algorithm, bits)
	if err == nil && !bytes.Equal(key.SPKI(), data) { // a compressed point
		return PublicKey{}, errDER
	}
	return key, err
}

// SPKI is the key as a SubjectPublicKeyInfo.
func (k PublicKey) SPKI() []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		k.Algorithm.add(b)
		b.AddASN1BitString([]byte(k.raw))
	})
	return b.BytesOrPanic() // fails on lengths over 4 GiB only
}

// PKCS8 reads a private key (OneAsymmetricKey) and gives its public key.
func PKCS8(data []byte) (PublicKey, error) {
	s, err := whole(data)
	if err != nil {
		return PublicKey{}, err
	}
	var version uint
	if !s.ReadASN1Integer(&version) || version > 1 {
		return PublicKey{}, errDER
	}
	algorithm, err := readAlgorithm(&s)
	if err != nil {
		return PublicKey{}, err
	}
	var key, attributes, stored cryptobyte.String
	var hasPublic bool
	if !s.ReadASN1(&key, asn1.OCTET_STRING) ||
		!s.ReadOptionalASN1(&attributes, nil, explicit(tag0)) ||
		!s.ReadOptionalASN1(&stored, &hasPublic, tag1.ContextSpecific()) ||
		!s.Empty() || hasPublic != (version == 1) { // RFC 5958, section 2: version 1 if and only if the public key is there
		return PublicKey{}, errDER
	}
	public, err := algorithm.private(key)
	if err != nil {
		return PublicKey{}, err
	}
	if hasPublic && string(stored) != "\x00"+public.raw { // a bit string with no unused bits
		return PublicKey{}, errMismatch
	}
	return public, nil
}

// private reads the octets inside PKCS#8.
func (a Algorithm) private(key cryptobyte.String) (PublicKey, error) {
	switch a {
	case RSA:
		return PKCS1(key)
	case Ed25519: // RFC 8410, section 7: an OCTET STRING of its own
		var seed cryptobyte.String
		if !key.ReadASN1(&seed, asn1.OCTET_STRING) || !key.Empty() {
			return PublicKey{}, errDER
		}
		return Derive(Ed25519, seed)
	}
	return sec1(key, a)
}

// SEC1 reads an ECPrivateKey and gives its public key. The curve must be named.
func SEC1(data []byte) (PublicKey, error) { return sec1(data, "") }

// sec1 reads an ECPrivateKey on the curve that the PKCS#8 around it names, or that it
// names itself.
func sec1(data []byte, curve Algorithm) (PublicKey, error) {
	s, err := whole(data)
	if err != nil {
		return PublicKey{}, err
	}
	var version uint
	var key, parameters, stored cryptobyte.String
	var hasParameters, hasPublic bool
	if !s.ReadASN1Integer(&version) || version != 1 ||
		!s.ReadASN1(&key, asn1.OCTET_STRING) ||
		!s.ReadOptionalASN1(&parameters, &hasParameters, explicit(tag0)) ||
		!s.ReadOptionalASN1(&stored, &hasPublic, explicit(tag1)) ||
		!s.Empty() {
		return PublicKey{}, errDER
	}
	if hasParameters {
		named, err := readCurve(&parameters)
		if err != nil {
			return PublicKey{}, err
		}
		if !parameters.Empty() || (curve != "" && curve != named) {
			return PublicKey{}, errDER
		}
		curve = named
	}
	if curve == "" {
		return PublicKey{}, errors.New("the key does not name its curve")
	}
	public, err := Derive(curve, key)
	if err != nil || !hasPublic {
		return public, err
	}
	var bits []byte
	if !stored.ReadASN1BitStringAsBytes(&bits) || !stored.Empty() {
		return PublicKey{}, errDER
	}
	if string(bits) != public.raw {
		return PublicKey{}, errMismatch
	}
	return public, nil
}

// readAlgorithm reads an AlgorithmIdentifier.
func readAlgorithm(s *cryptobyte.String) (Algorithm, error) {
	var inner cryptobyte.String
	if !s.ReadASN1(&inner, asn1.SEQUENCE) {
		return "", errDER
	}
	algorithm, err := readOID(&inner, oids())
	switch {
	case err != nil:
		return "", err
	case algorithm == anyCurve:
		if algorithm, err = readCurve(&inner); err != nil {
			return "", err
		}
	case algorithm == RSA: // RFC 8017, appendix A.1: parameters NULL
		var null cryptobyte.String
		if !inner.ReadASN1(&null, asn1.NULL) || !null.Empty() {
			return "", errDER
		}
	}
	if !inner.Empty() {
		return "", errDER
	}
	return algorithm, nil
}

func readCurve(s *cryptobyte.String) (Algorithm, error) {
	return readOID(s, curves())
}

func readOID(s *cryptobyte.String, known map[string]Algorithm) (Algorithm, error) {
	var oid cryptobyte.String
	if !s.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) {
		return "", errDER
	}
	algorithm, ok := known[string(oid)]
	if !ok {
		return "", fmt.Errorf("%w (object identifier %x)", ErrAlgorithm, []byte(oid[:min(len(oid), 32)]))
	}
	return algorithm, nil
}

// add writes an AlgorithmIdentifier.
func (a Algorithm) add(b *cryptobyte.Builder) {
	oid := func(b *cryptobyte.Builder, known map[string]Algorithm, want Algorithm) bool {
		for id, algorithm := range known {
			if algorithm == want {
				b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(id)) })
				return true
			}
		}
		return false
	}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if !oid(b, oids(), a) {
			oid(b, oids(), anyCurve)
			oid(b, curves(), a)
		}
		if a == RSA {
			b.AddASN1NULL()
		}
	})
}

// anyCurve stands for id-ecPublicKey: the parameters say which.
const anyCurve Algorithm = "elliptic curve"

// oids are the content octets of the object identifiers of algorithms.
func oids() map[string]Algorithm {
	return map[string]Algorithm{
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01": RSA,      // 1.2.840.113549.1.1.1
		"\x2b\x65\x70":                         Ed25519,  // 1.3.101.112
		"\x2a\x86\x48\xce\x3d\x02\x01":         anyCurve, // 1.2.840.10045.2.1
	}
}

// curves are the content octets of the object identifiers of curves.
func curves() map[string]Algorithm {
	return map[string]Algorithm{
		"\x2a\x86\x48\xce\x3d\x03\x01\x07": P256,      // 1.2.840.10045.3.1.7
		"\x2b\x81\x04\x00\x22":             P384,      // 1.3.132.0.34
		"\x2b\x81\x04\x00\x23":             P521,      // 1.3.132.0.35
		"\x2b\x81\x04\x00\x0a":             Secp256k1, // 1.3.132.0.10
	}
}
