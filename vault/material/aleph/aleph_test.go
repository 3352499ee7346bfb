package aleph

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
	"coldvault/vault/material/der"
	"coldvault/vault/material/libp2pkey"
)

func file(name string, data []byte) material.File {
	return material.File{Name: name, Data: data, Size: int64(len(data)), Mode: 0o600}
}

// newKey makes a node's key.
func newKey(t testing.TB) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

func inPEM(form der.Form, data []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: string(form), Bytes: data})
}

// protobuf is a private key as libp2p stores it.
func protobuf(kind byte, content []byte) []byte {
	return append(binary.AppendUvarint([]byte{8, kind, 18}, uint64(len(content))), content...)
}

// keyFiles are the files of both generations that hold the key.
func keyFiles(t testing.TB, dir string, key *rsa.PrivateKey) []material.File {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	pkcs1 := x509.MarshalPKCS1PrivateKey(key)
	return []material.File{
		file(dir+"/node-secret.pkcs8.der", pkcs8),
		file(dir+"/node-pub.key", inPEM(der.FormSPKI, spki)),
		file(dir+"/node-secret.key", inPEM(der.FormPKCS1, pkcs1)),
		file(dir+"/serialized-node-secret.key", protobuf(0, pkcs1)),
	}
}

func config() material.File {
	return file("config.yml", []byte("---\naleph:\n  queue_topic: X\npostgres:  # here\n  host: p\np2p:\n  port: 4025\n"))
}

// kubo is the config of an IPFS daemon with an identity of its own.
func kubo(t testing.TB, peer string) material.File {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	public, err := der.Public(der.Ed25519, private[32:])
	require.NoError(t, err)
	if peer == "" {
		peer = libp2pkey.PeerID(public)
	}
	data, err := json.Marshal(map[string]any{"Identity": map[string]string{
		"PeerID": peer, "PrivKey": base64.StdEncoding.EncodeToString(protobuf(1, private)),
	}, "Addresses": map[string]any{}})
	require.NoError(t, err)
	return file("ipfs/config", data)
}

// said gives the verdicts as "STATUS ID", each once, in order.
func said(files ...material.File) []string {
	var lines []string
	for _, v := range material.Inspect(files, Profile{}).Verdicts {
		lines = append(lines, string(v.Status)+" "+v.ID)
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func TestWholeNode(t *testing.T) { // the files of both generations hold one key, and each file has its role
	files := append(keyFiles(t, "keys", newKey(t)), config(), kubo(t, ""))
	r := material.Inspect(files, Profile{})
	peer := r.Items[0].ID
	require.Regexp(t, "^Qm.{44}$", peer)
	files = append(files, file("keys/peer-id.txt", []byte(peer+"\n")))
	r = material.Inspect(files, Profile{})
	roles := []string{RoleSecret, RolePublic, RoleOldSecret, RoleSerialized, RoleConfig, RoleKubo, RolePeerID}
	for i, item := range r.Items {
		require.Equal(t, Network, item.Network)
		require.Equal(t, roles[i], item.Role)
		require.Equal(t, material.Cold, item.In)
		require.Equal(t, item.Role != RolePublic && item.Role != RolePeerID, item.Secret)
	}
	require.Equal(t, []string{
		"PASS ALEPH-KEY", "PASS ALEPH-KUBO", "PASS ALEPH-ONE-KEY", "PASS ALEPH-PEER-ID", "PASS ALEPH-PUBLIC", "PASS ALEPH-SET",
	}, said(files...))
	require.Equal(t, []material.ID{
		{Network: Network, Name: "kubo peer id", Value: r.Items[5].ID}, {Network: Network, Name: "peer id", Value: peer},
	}, r.IDs)
}

func TestFaults(t *testing.T) { // each fault is found by the check that is for it
	own, other := newKey(t), keyFiles(t, "keys", newKey(t))
	files := keyFiles(t, "keys", own)
	now, old, serial, public := files[0], files[2], files[3], files[1]
	ed := ed25519.NewKeyFromSeed(make([]byte, 32))
	edPKCS8, err := x509.MarshalPKCS8PrivateKey(ed)
	require.NoError(t, err)
	renamed := func(f material.File, name string) material.File { f.Name = name; return f }
	for _, c := range []struct {
		name  string
		files []material.File
		want  string
	}{
		{"another's public key", []material.File{now, other[1]}, "FAIL ALEPH-PUBLIC"},
		{"two keys", []material.File{now, other[2]}, "FAIL ALEPH-ONE-KEY"},
		{"two keys, serialized", []material.File{old, other[3]}, "FAIL ALEPH-ONE-KEY"},
		{"another's peer id", []material.File{now, file("keys/a.peerid", []byte("QmesN1F17tkEUx8bQY7Sayxmq8GXHZm9cXV7QpE1gt4n3D"))}, "FAIL ALEPH-PEER-ID"},
		{"no peer id", []material.File{now, file("keys/a.peerid", []byte("Qm"))}, "FAIL ALEPH-FILE"},
		{"no private key", []material.File{public, config()}, "FAIL ALEPH-SET"},
		{"no config", []material.File{now}, "WARN ALEPH-SET"},
		{"kubo of another", []material.File{kubo(t, "12D3KooWxxxx")}, "FAIL ALEPH-KUBO"},
		{"kubo without a key", []material.File{file("config", []byte(`{"Identity":{"PeerID":"x","PrivKey":"AAAA"}}`))}, "FAIL ALEPH-FILE"},
		{"kubo without base64", []material.File{file("config", []byte(`{"Identity":{"PeerID":"x","PrivKey":""}}`))}, "FAIL ALEPH-FILE"},
		{"empty", []material.File{file("keys/node-secret.key", nil)}, "FAIL ALEPH-FILE"},
		{"a web page", []material.File{file("keys/node-secret.pkcs8.der", []byte("<html>"))}, "FAIL ALEPH-FILE"},
		{"PEM for DER", []material.File{renamed(old, "node-secret.pkcs8.der")}, "FAIL ALEPH-FILE"},
		{"DER for PEM", []material.File{renamed(now, "node-secret.key")}, "FAIL ALEPH-FILE"},
		{"public for private", []material.File{renamed(public, "node-secret.key")}, "FAIL ALEPH-FILE"},
		{"private for public", []material.File{renamed(old, "node-pub.key")}, "FAIL ALEPH-FILE"},
		{"torn", []material.File{file("serialized-node-secret.key", serial.Data[:500])}, "FAIL ALEPH-FILE"},
		{"Ed25519", []material.File{file("node-secret.pkcs8.der", edPKCS8)}, "FAIL ALEPH-FILE"},
		{"encrypted", []material.File{file("node-secret.key", inPEM(der.FormEncrypted, now.Data))}, "UNKNOWN ALEPH-KEY"},
	} {
		require.Contains(t, said(c.files...), c.want, c.name)
	}
	part := material.Inspect([]material.File{public}, Profile{Part: true})
	require.Empty(t, part.Verdicts, "a part misses nothing")
}

func TestTwoNodesAreKeptApart(t *testing.T) { // files in one folder are one node's, unless keys are spread over folders
	a, b := newKey(t), newKey(t)
	two := append(keyFiles(t, "a", a), keyFiles(t, "b", b)...)
	require.Equal(t, []string{"PASS ALEPH-KEY", "PASS ALEPH-ONE-KEY", "PASS ALEPH-PUBLIC", "WARN ALEPH-SET"}, said(two...))
	spread := []material.File{keyFiles(t, "a", a)[0], keyFiles(t, "b", a)[1]}
	require.Contains(t, said(spread...), "PASS ALEPH-PUBLIC")
}

func TestOtherFilesAreLeftAlone(t *testing.T) { // nothing is claimed that another network could own
	key := keyFiles(t, "k", newKey(t))
	for name, data := range map[string][]byte{
		"id_rsa": key[2].Data, "a.json": []byte("{}"), "config.yml": []byte("aleph: 1\n"), "config": []byte(`{"Identity":{}}`), "b": nil,
	} {
		_, sure := Profile{}.Recognise(file(name, data))
		require.Equal(t, material.NotMine, sure, name)
	}
	_, sure := Profile{}.Recognise(material.File{Name: "node-secret.key", Size: 5 << 30})
	require.Equal(t, material.NotMine, sure)
}

func TestPublishedKey(t *testing.T) { // the key in pyaleph's documentation gives the peer id that its node announced
	shared := os.Getenv("COLDVAULT_SHARED")
	if shared == "" {
		shared = "../../../../shared"
	}
	var files []material.File
	for _, name := range []string{"private_net-node-secret.key", "private_net-node-secret.peerid"} {
		data, err := os.ReadFile(filepath.Join(shared, "fixtures", "aleph", name))
		if err != nil {
			t.Skip("no shared fixtures")
		}
		files = append(files, file(name, data))
	}
	require.Equal(t, []string{"PASS ALEPH-KEY", "PASS ALEPH-PEER-ID", "WARN ALEPH-SET"}, said(files...))
	require.Equal(t, "QmesN1F17tkEUx8bQY7Sayxmq8GXHZm9cXV7QpE1gt4n3D", material.Inspect(files, Profile{}).Items[0].ID)
	files[0].Data = bytes.Replace(files[0].Data, []byte("\nMII"), []byte("\nMIJ"), 1)
	require.Contains(t, said(files...), "FAIL ALEPH-FILE")
}

func TestEveryBitOfAKeyFile(t *testing.T) { // one bit turned is found by a check, or is the line end after a PEM block
	stride := 61
	if os.Getenv("COLDVAULT_LONG") != "" {
		stride = 1
	}
	files := append(keyFiles(t, "keys", newKey(t)), kubo(t, ""))
	secret, public := files[0], files[1]
	for i, beside := range []material.File{public, secret, public, public, public} {
		set := []material.File{files[i], beside}
		before := material.Inspect(set, Profile{Part: true})
		require.Equal(t, material.Pass, before.Worst())
		data := slices.Clone(files[i].Data)
		set[0].Data = data
		found, left := 0, 0
		for bit := 0; bit < 8*len(data); bit += stride {
			data[bit/8] ^= 1 << (bit % 8)
			after := material.Inspect(set, Profile{Part: true})
			if after.Worst() == material.Fail || !slices.Equal(before.IDs, after.IDs) {
				found++
			} else {
				left++
				require.True(t, harmless(files[i].Data, data), "%s: bit %d is not found", files[i].Name, bit)
			}
			data[bit/8] ^= 1 << (bit % 8)
		}
		t.Logf("%s, %d bytes: %d bits found by a check, %d by the digest alone", files[i].Name, len(data), found, left)
		require.NotZero(t, found)
	}
}

// harmless says whether what was changed is no part of a key: another member of
// kubo's config.
func harmless(before, after []byte) bool {
	cut := bytes.Index(before, []byte(`"Identity"`))
	return cut > 0 && bytes.Equal(before[cut:], after[cut:])
}

func TestEverySwapIsFound(t *testing.T) { // a file of another node in place of one's own
	own, other := keyFiles(t, "keys", newKey(t)), keyFiles(t, "keys", newKey(t))
	for i := range own {
		changed := slices.Clone(own)
		changed[i] = other[i]
		require.Equal(t, material.Fail, material.Inspect(changed, Profile{}).Worst(), own[i].Name)
	}
}

func FuzzProfile(f *testing.F) { // no file does harm, and what passes has a peer id
	for _, one := range append(keyFiles(f, "keys", newKey(f)), config(), kubo(f, "")) {
		f.Add(one.Name, one.Data)
	}
	f.Add("a.peerid", []byte("QmesN1F17tkEUx8bQY7Sayxmq8GXHZm9cXV7QpE1gt4n3D"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		r := material.Inspect([]material.File{file(name, data)}, Profile{Part: true})
		item := r.Items[0]
		if item.Network == Network && r.Worst() == material.Pass && item.Role != RoleConfig {
			require.NotEmpty(t, item.ID)
		}
	})
}
