package libp2pkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material/der"
)

// protobuf is the encoding as a second implementation would write it.
func protobuf(kind byte, content []byte) []byte {
	out := binary.AppendUvarint([]byte{8, kind, 18}, uint64(len(content)))
	return append(out, content...)
}

// seeds are one private key of every type and its public key.
func seeds(t testing.TB) map[string][2][]byte {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	require.NoError(t, err)
	spki := func(key any) []byte {
		out, err := x509.MarshalPKIXPublicKey(key)
		require.NoError(t, err)
		return out
	}
	seed := make([]byte, 32)
	seed[31] = 1
	ed := ed25519.NewKeyFromSeed(seed)
	secp, err := hex.DecodeString("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798") // the generator
	require.NoError(t, err)
	return map[string][2][]byte{
		"RSA":            {protobuf(0, x509.MarshalPKCS1PrivateKey(rsaKey)), protobuf(0, spki(&rsaKey.PublicKey))},
		"Ed25519":        {protobuf(1, ed), protobuf(1, ed[32:])},
		"Ed25519, older": {protobuf(1, append(ed[:64:64], ed[32:]...)), protobuf(1, ed[32:])},
		"secp256k1":      {protobuf(2, seed), protobuf(2, secp)},
		"ECDSA":          {protobuf(3, sec1), protobuf(3, spki(&ecKey.PublicKey))},
	}
}

func TestPrivateKeysGiveTheirPublicKeys(t *testing.T) { // every type, against the standard library's encodings
	for name, pair := range seeds(t) {
		t.Run(name, func(t *testing.T) {
			key, err := Private(pair[0])
			require.NoError(t, err)
			require.Equal(t, pair[1], Encode(key))
		})
	}
}

func TestSpecificationVectors(t *testing.T) { // the pairs printed in libp2p's specification
	root := os.Getenv("COLDVAULT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared")
	}
	data, err := os.ReadFile(filepath.Join(root, "fixtures", "aleph", "libp2p-specs-key-vectors.txt"))
	if err != nil {
		t.Skip("no shared fixtures here")
	}
	private := map[string]der.PublicKey{}
	seen := 0
	for line := range strings.Lines(string(data)) {
		field := strings.Fields(line)
		require.Len(t, field, 3)
		raw, err := hex.DecodeString(field[2])
		require.NoError(t, err)
		if field[1] == "private" {
			key, err := Private(raw)
			require.NoError(t, err, field[0])
			private[field[0]] = key
			continue
		}
		require.Equal(t, raw, Encode(private[field[0]]), field[0])
		seen++
	}
	require.Equal(t, 4, seen)
}

func TestPeerID(t *testing.T) { // short keys are their own multihash, long ones are hashed
	ed, err := der.Public(der.Ed25519, make([]byte, 32))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(PeerID(ed), "12D3KooW"))
	key, err := Private(seeds(t)["RSA"][0])
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(PeerID(key), "Qm"))
	require.Len(t, PeerID(key), 46)
}

func TestBase58(t *testing.T) { // the vectors of draft-msporny-base58, section 5
	for want, text := range map[string]string{
		"2NEpo7TZRRrLZSi2U": "Hello World!",
		"":                  "",
		"1":                 "\x00",
		"11233QC4":          "\x00\x00\x28\x7f\xb4\xcd",
		"USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z": "The quick brown fox jumps over the lazy dog.",
	} {
		require.Equal(t, want, base58([]byte(text)))
	}
}

func TestRefusals(t *testing.T) { // what is not exactly one canonical key is refused
	ed := seeds(t)["Ed25519"][0]
	wrong := append([]byte{}, ed...)
	wrong[len(wrong)-1] ^= 1
	for name, data := range map[string][]byte{
		"empty":              {},
		"truncated":          ed[:len(ed)-1],
		"a byte too many":    append(ed[:len(ed):len(ed)], 0),
		"long length":        append([]byte{8, 1, 18, 0xc0, 0}, ed[4:]...),
		"unknown type":       append([]byte{8, 4}, ed[2:]...),
		"fields turned":      append([]byte{18, 0}, 8, 1),
		"huge length":        {8, 1, 18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"another public key": wrong,
		"65 bytes":           protobuf(1, make([]byte, 65)),
		"zero on secp256k1":  protobuf(2, make([]byte, 32)),
	} {
		_, err := Private(data)
		require.Error(t, err, name)
	}
}

func FuzzPrivate(f *testing.F) {
	for _, pair := range seeds(f) {
		f.Add(pair[0])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := Private(data)
		if err == nil {
			kind, content, err := split(Encode(key))
			require.NoError(t, err)
			require.Equal(t, Encode(key), protobuf(kind, content))
			require.NotEmpty(t, PeerID(key))
		}
	})
}
