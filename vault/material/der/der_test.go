package der

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// sample is a key and its encodings as the standard library writes them.
type sample struct {
	name                     string
	algorithm                Algorithm
	pkcs8, pkcs1, sec1, spki []byte
	sign                     func(message []byte) []byte
}

func samples(t testing.TB) []sample {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	all := []sample{
		{name: "RSA", algorithm: RSA, pkcs8: pkcs8(t, rsaKey), pkcs1: x509.MarshalPKCS1PrivateKey(rsaKey), spki: spki(t, &rsaKey.PublicKey)},
		{name: "Ed25519", algorithm: Ed25519, pkcs8: pkcs8(t, edKey), spki: spki(t, edKey.Public()), sign: func(m []byte) []byte { return ed25519.Sign(edKey, m) }},
	}
	for algorithm, curve := range map[Algorithm]elliptic.Curve{P256: elliptic.P256(), P384: elliptic.P384(), P521: elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(t, err)
		sec1, err := x509.MarshalECPrivateKey(key)
		require.NoError(t, err)
		s := sample{name: string(algorithm), algorithm: algorithm, pkcs8: pkcs8(t, key), sec1: sec1, spki: spki(t, &key.PublicKey)}
		s.sign = func(m []byte) []byte {
			digest := sha256.Sum256(m)
			hashed := digest[:]
			if algorithm == P384 {
				long := sha512.Sum384(m)
				hashed = long[:]
			}
			out, err := ecdsa.SignASN1(rand.Reader, key, hashed)
			require.NoError(t, err)
			return out
		}
		all = append(all, s)
	}
	return append(all, secpSample(t))
}

// secpSample is written by hand: the standard library does not know the curve.
func secpSample(t testing.TB) sample {
	key, err := secp256k1.GeneratePrivateKey()
	require.NoError(t, err)
	public := PublicKey{Secp256k1, string(key.PubKey().SerializeUncompressed())}
	var sec1, pkcs8 cryptobyte.Builder
	sec1.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1OctetString(key.Serialize())
		b.AddASN1(explicit(tag0), func(b *cryptobyte.Builder) { b.AddBytes([]byte("\x06\x05\x2b\x81\x04\x00\x0a")) })
		b.AddASN1(explicit(tag1), func(b *cryptobyte.Builder) { b.AddASN1BitString(public.Bytes()) })
	})
	pkcs8.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		Secp256k1.add(b)
		b.AddASN1OctetString(sec1.BytesOrPanic())
	})
	sign := func(m []byte) []byte {
		digest := sha256.Sum256(m)
		return decred.Sign(key, digest[:]).Serialize()
	}
	return sample{"secp256k1", Secp256k1, pkcs8.BytesOrPanic(), nil, sec1.BytesOrPanic(), public.SPKI(), sign}
}

func pkcs8(t testing.TB, key crypto.PrivateKey) []byte {
	out, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return out
}

func spki(t testing.TB, key crypto.PublicKey) []byte {
	out, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return out
}

func TestEveryFormGivesThePublicKey(t *testing.T) { // of every algorithm, against the standard library's encodings
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			want, err := SPKI(s.spki)
			require.NoError(t, err)
			require.Equal(t, s.algorithm, want.Algorithm)
			require.Equal(t, s.spki, want.SPKI())
			for form, data := range map[Form][]byte{FormPKCS8: s.pkcs8, FormPKCS1: s.pkcs1, FormSEC1: s.sec1, FormSPKI: s.spki} {
				if data == nil {
					continue
				}
				got, err := form.Read(data)
				require.NoError(t, err, form)
				require.Equal(t, want, got, form)
				again, viaPEM, err := PEM(pem.EncodeToMemory(&pem.Block{Type: string(form), Bytes: data}))
				require.NoError(t, err)
				require.Equal(t, form, again)
				require.Equal(t, want, viaPEM)
			}
		})
	}
}

func TestSignatures(t *testing.T) { // what was signed is valid, one bit later it is not
	for _, s := range samples(t) {
		if s.sign == nil || s.algorithm == P521 {
			continue
		}
		key, err := SPKI(s.spki)
		require.NoError(t, err)
		message := []byte("message")
		signature := s.sign(message)
		require.True(t, key.Verify(message, signature), s.name)
		require.False(t, key.Verify([]byte("messagf"), signature), s.name)
		signature[len(signature)-1] ^= 1
		require.False(t, key.Verify(message, signature), s.name)
	}
}

func TestEveryBitOfAKeyCounts(t *testing.T) { // a key with one bit turned is refused or is another key
	for _, s := range samples(t) {
		want, err := SPKI(s.spki)
		require.NoError(t, err)
		for form, data := range map[Form][]byte{FormPKCS8: s.pkcs8, FormPKCS1: s.pkcs1, FormSEC1: s.sec1, FormSPKI: s.spki} {
			step := 1
			if s.algorithm == RSA {
				step = 37 // thousands of bits, and slow to check
			}
			for bit := 0; bit < 8*len(data); bit += step {
				data[bit/8] ^= 1 << (bit % 8)
				got, err := form.Read(data)
				data[bit/8] ^= 1 << (bit % 8)
				if err == nil {
					require.NotEqual(t, want, got, "%s %s bit %d", s.name, form, bit)
				}
			}
		}
	}
}

func TestPKCS8WithPublicKey(t *testing.T) { // version 1 of RFC 5958 carries the public key, which must be the right one
	s := samples(t)[1]
	key, err := SPKI(s.spki)
	require.NoError(t, err)
	build := func(version int64, public []byte) []byte {
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(version)
			Ed25519.add(b)
			b.AddBytes(s.pkcs8[12:48])
			b.AddASN1(tag1.ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(append([]byte{0}, public...)) })
		})
		return b.BytesOrPanic()
	}
	got, err := PKCS8(build(1, key.Bytes()))
	require.NoError(t, err)
	require.Equal(t, key, got)
	_, err = PKCS8(build(1, make([]byte, 32)))
	require.ErrorIs(t, err, errMismatch)
	_, err = PKCS8(build(0, key.Bytes()))
	require.Error(t, err)
}

func TestPEMIsStrict(t *testing.T) { // one block in the standard layout and nothing else
	s := samples(t)[1]
	good := pem.EncodeToMemory(&pem.Block{Type: string(FormPKCS8), Bytes: s.pkcs8})
	for _, same := range [][]byte{bytes.TrimSuffix(good, []byte("\n")), bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n"))} {
		_, _, err := PEM(same)
		require.NoError(t, err)
	}
	for name, bad := range map[string][]byte{
		"two blocks":   append(bytes.Clone(good), good...),
		"text before":  append([]byte("key:\n"), good...),
		"text after":   append(bytes.Clone(good), "x"...),
		"short lines":  bytes.Replace(good, []byte("M"), []byte("M\n"), 1),
		"headers":      pem.EncodeToMemory(&pem.Block{Type: string(FormPKCS8), Headers: map[string]string{"A": "b"}, Bytes: s.pkcs8}),
		"no end":       good[:len(good)/2],
		"another kind": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.pkcs8}),
		"wrong label":  pem.EncodeToMemory(&pem.Block{Type: string(FormPKCS1), Bytes: s.pkcs8}),
	} {
		_, _, err := PEM(bad)
		require.Error(t, err, name)
	}
	for _, locked := range []*pem.Block{
		{Type: string(FormEncrypted), Bytes: s.pkcs8},
		{Type: string(FormPKCS1), Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: s.pkcs8},
	} {
		form, _, err := PEM(pem.EncodeToMemory(locked))
		require.ErrorIs(t, err, ErrEncrypted)
		require.Equal(t, FormEncrypted, form)
	}
}

func TestRSALimits(t *testing.T) { // small keys, even numbers and huge exponents are refused
	small, err := rsa.GenerateMultiPrimeKey(rand.Reader, 3, 2048) //nolint:staticcheck // the only way to a key that must be refused
	require.NoError(t, err)
	_, err = PKCS1(x509.MarshalPKCS1PrivateKey(small))
	require.Error(t, err, "three primes")
	key := x509.MarshalPKCS1PublicKey(&small.PublicKey)
	_, err = Public(RSA, key)
	require.NoError(t, err)
	k, err := Public(RSA, key)
	require.NoError(t, err)
	require.Equal(t, 2048, k.Bits())
	key[len(key)-1] ^= 1 // the exponent
	_, err = Public(RSA, key)
	require.Error(t, err)
}

func FuzzKeys(f *testing.F) {
	for _, s := range samples(f) {
		for form, data := range map[Form][]byte{FormPKCS8: s.pkcs8, FormPKCS1: s.pkcs1, FormSEC1: s.sec1, FormSPKI: s.spki} {
			if data != nil {
				f.Add(string(form), data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, form string, data []byte) {
		key, err := Form(form).Read(data)
		if err != nil {
			return
		}
		if Form(form) == FormSPKI {
			require.Equal(t, data, key.SPKI())
		}
		again, err := SPKI(key.SPKI())
		require.NoError(t, err)
		require.Equal(t, key, again)
	})
}

func FuzzPEM(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(pem.EncodeToMemory(&pem.Block{Type: string(FormPKCS8), Bytes: s.pkcs8}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		form, inner, err := Unwrap(data)
		if err == nil {
			again := pem.EncodeToMemory(&pem.Block{Type: string(form), Bytes: inner})
			require.Equal(t, bytes.TrimSpace(again), bytes.TrimSpace(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))))
		}
	})
}
