package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"coldvault/qr/digits"
	"coldvault/qr/scan"
	"coldvault/shard"
	"coldvault/vault/format/bech32"
)

const guardedPass = "correct horse battery staple"

var acceptAnyHost = []string{"--accept-network", "--accept-swap"}

// guardedWorld is a vault made by the program, and everything of it that is secret, by
// names that begin with its kind: passphrase, file, signer, card, seed, key.
type guardedWorld struct {
	dir, binary string
	needles     map[string][]byte
	seeds       map[string][]byte // by compartment
}

// newGuardedWorld makes a vault "v", its cards, and a medium "usb" that holds "pool".
func newGuardedWorld(t *testing.T, binary string) *guardedWorld {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "coldvault-test-")
	if err != nil {
		t.Skip("no /dev/shm")
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &guardedWorld{dir: dir, binary: binary, needles: map[string][]byte{"passphrase": []byte(guardedPass)}, seeds: map[string][]byte{}}
	require.NoError(t, os.WriteFile(w.path("pass"), []byte(guardedPass+"\n"), 0o600))
	require.NoError(t, os.Mkdir(w.path("usb"), 0o700))
	w.writeMaterial(t)
	w.run(t, "init", "--vault", "v", "--label", "x", "--shares", "3", "--threshold", "2", "--cards", "cards")
	w.run(t, append([]string{"seal", "--vault", "v", "--to", "usb"}, sealGuarded...)...)
	w.addVault(t, "", "v", "cards", guardedPass)
	w.addFileKeys(t)
	return w
}

func (w *guardedWorld) path(name string) string { return filepath.Join(w.dir, name) }

func (w *guardedWorld) run(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(w.binary, slices.Concat(args, []string{"--passphrase-file", "pass", "--yes"}, acceptAnyHost)...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// sealGuarded are the material, an archive, and the word that a dump made up here is none.
var sealGuarded = []string{"pool", "--attach", "archive.bin", "--accept", "CANTON-FILE", "--because", "made up"}

// writeMaterial makes private files of every network, each with its own way of being read.
func (w *guardedWorld) writeMaterial(t *testing.T) {
	t.Helper()
	require.NoError(t, writePool(w.path("pool"), 3, 0))
	entries, err := os.ReadDir(w.path("pool"))
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".skey") {
			continue
		}
		data, err := os.ReadFile(w.path("pool/" + e.Name()))
		require.NoError(t, err)
		var envelope struct{ CborHex string }
		require.NoError(t, json.Unmarshal(data, &envelope))
		raw, err := hex.DecodeString(envelope.CborHex)
		require.NoError(t, err)
		w.file(e.Name(), []byte(envelope.CborHex[6:66]), raw[3:33])
		if e.Name() == "kes.skey" {
			// The seed of its second half, which two public keys of 32 bytes follow (MMM, Sum_6).
			last := len(raw) - 96
			w.file(e.Name()+" later", []byte(envelope.CborHex[2*last:][:64]), raw[last:last+32])
		}
	}
	operator, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(operator)
	require.NoError(t, err)
	scalar, err := operator.Bytes()
	require.NoError(t, err)
	text := base64.StdEncoding.EncodeToString(pkcs8)
	w.write(t, "splice/sv-operator.key", []byte(text), []byte(text[40:100]), scalar)

	node, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkcs1 := x509.MarshalPKCS1PrivateKey(node)
	prime := node.Primes[0].Bytes()
	limbs := slices.Clone(prime)
	slices.Reverse(limbs) // as math/big has them
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs1})
	w.write(t, "aleph/keys/node-secret.key", block, block[len(block)/2:len(block)/2+40], prime[32:96], limbs[32:96])

	wallet := random(t, 32)
	export := fmt.Sprintf(`{"Type":"secp256k1","PrivateKey":%q}`, base64.StdEncoding.EncodeToString(wallet))
	hexed := []byte(hex.EncodeToString([]byte(export)) + "\n")
	w.write(t, "lotus/owner.key", hexed, hexed[80:140], []byte(export[36:70]), wallet)

	pair := random(t, 120)
	encoded := base64.StdEncoding.EncodeToString(pair)
	id := "PAR::a::1220" + strings.Repeat("1", 64)
	w.write(t, "participant_identities.json", fmt.Appendf(nil, `{"id":%q,"keys":[{"keyPair":%q,"name":"x"}],"authorizedStoreSnapshot":""}`, id, encoded),
		[]byte(encoded[40:100]), pair[30:80])

	archive := random(t, 3_000_000)
	require.NoError(t, os.WriteFile(w.path("archive.bin"), archive, 0o600))
	w.file("archive", archive[1000:1064], archive[1_500_000:1_500_064], archive[len(archive)-64:])
}

func random(t *testing.T, size int) []byte {
	t.Helper()
	out := make([]byte, size)
	_, err := rand.Read(out)
	require.NoError(t, err)
	return out
}

// write makes a private file of the pool, parts of which are looked for.
func (w *guardedWorld) write(t *testing.T, name string, data []byte, parts ...[]byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(w.path("pool/"+name)), 0o700))
	require.NoError(t, os.WriteFile(w.path("pool/"+name), data, 0o600))
	w.file(name, parts...)
}

func (w *guardedWorld) file(name string, parts ...[]byte) {
	for i, part := range parts {
		w.needles[fmt.Sprintf("file %s %d", name, i)] = bytes.Clone(part)
	}
}

// addVault computes what is secret of a vault from its cards and its folder.
func (w *guardedWorld) addVault(t *testing.T, prefix, vault, cards, passphrase string) {
	t.Helper()
	names, err := filepath.Glob(w.path(cards + "/card-*.pdf"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	shares := map[string][]shard.Share{}
	for i, name := range names {
		pdf, err := os.ReadFile(name)
		require.NoError(t, err)
		found, err := scan.Read(pdf, scan.Options{})
		require.NoError(t, err)
		require.Len(t, found.Codes, 2)
		for _, c := range found.Codes {
			s, err := shard.ParseText(make([]byte, shard.ShareSize), c.Text)
			require.NoError(t, err)
			card := fmt.Sprintf("%scard %d %s", prefix, i+1, s.Compartment())
			w.needles[card+" share"] = bytes.Clone(s.Bytes()[15:47]) // FORMAT.md section 5: y
			w.needles[card+" digits"] = digits.Append(nil, s.Bytes())
			w.needles[card+" words"] = bytes.Join(bytes.Fields(shard.AppendWords(nil, s))[8:14], []byte(" "))
			shares[s.Compartment().String()] = append(shares[s.Compartment().String()], s)
		}
	}
	for compartment, all := range shares {
		seed := make([]byte, shard.SeedSize)
		require.NoError(t, shard.Combine(seed, all[:2], w.commitments(t, vault, compartment)))
		// What MLKEM768-X25519 makes of it (draft-ietf-hpke-pq): seeds of ML-KEM, and a scalar.
		expanded := sha3.SumSHAKE256(seed, 96)
		w.needles[prefix+"seed "+compartment] = seed
		w.needles[prefix+"seed "+compartment+" ML-KEM d"] = expanded[:32]
		w.needles[prefix+"seed "+compartment+" ML-KEM z"] = expanded[32:64]
		w.needles[prefix+"seed "+compartment+" X25519"] = expanded[64:]
		if prefix == "" {
			w.seeds[compartment] = seed
		}
	}
	w.addSigner(t, prefix, vault, passphrase)
}

// addSigner opens the signer's key: minisign's text, and in it the seed of Ed25519.
func (w *guardedWorld) addSigner(t *testing.T, prefix, vault, passphrase string) {
	t.Helper()
	locked, err := os.Open(w.path(vault + "/signer.age"))
	require.NoError(t, err)
	defer locked.Close()
	identity, err := age.NewScryptIdentity(passphrase)
	require.NoError(t, err)
	plain, err := age.Decrypt(locked, identity)
	require.NoError(t, err)
	text, err := io.ReadAll(plain)
	require.NoError(t, err)
	lines := strings.Fields(string(text))
	line := lines[len(lines)-1]
	raw, err := base64.StdEncoding.DecodeString(line)
	require.NoError(t, err)
	const offset = 62 // algorithms, salt, limits and key id come before it (minisign.c, SeckeyStruct)
	w.needles[prefix+"signer"] = raw[offset : offset+32]
	w.needles[prefix+"signer text"] = []byte(line[84:124]) // bytes 63 to 93
}

func (w *guardedWorld) commitments(t *testing.T, vault, compartment string) [][32]byte {
	t.Helper()
	data, err := os.ReadFile(w.path(vault + "/shares.json"))
	require.NoError(t, err)
	var shares struct {
		Sets []struct {
			Compartment string
			Commitments []string
		}
	}
	require.NoError(t, json.Unmarshal(data, &shares))
	var out [][32]byte
	for _, s := range shares.Sets {
		for _, c := range s.Commitments {
			if raw, err := hex.DecodeString(c); err == nil && s.Compartment == compartment {
				out = append(out, [32]byte(raw))
			}
		}
	}
	return out
}

// addFileKeys finds the keys of every age file on the medium: that of the file, and that of
// its payload (C2SP age.md: HKDF-SHA-256 with the nonce that follows the header).
func (w *guardedWorld) addFileKeys(t *testing.T) {
	t.Helper()
	names, err := filepath.Glob(w.path("usb/coldvault/*/generations/*/*.age"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		header, err := age.ExtractHeader(bytes.NewReader(data))
		require.NoError(t, err)
		var key []byte
		for _, compartment := range []string{"cold", "hot"} {
			if k, err := age.DecryptHeader(header, hybrid(t, w.seeds[compartment])); err == nil {
				key = k
			}
		}
		require.NotNil(t, key, name)
		stream, err := hkdf.Key(sha256.New, key, data[len(header):len(header)+16], "payload", 32)
		require.NoError(t, err)
		file := filepath.Base(filepath.Dir(name)) + "/" + filepath.Base(name)
		w.needles["key of "+file] = key
		w.needles["key of the payload of "+file] = stream
	}
}

func hybrid(t *testing.T, seed []byte) age.Identity {
	t.Helper()
	text, err := bech32.Encode("age-secret-key-pq-", seed)
	require.NoError(t, err)
	identity, err := age.ParseHybridIdentity(strings.ToUpper(string(text)))
	require.NoError(t, err)
	return identity
}
