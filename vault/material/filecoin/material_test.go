package filecoin

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

// What follows makes the files of a node and a miner, as Lotus writes them.

func seed(label string) []byte {
	sum := sha256.Sum256([]byte(label))
	sum[31] = 1 // below the order of BLS12-381, little-endian, and of secp256k1
	return sum[:]
}

func keyJSON(kind string, secret []byte) []byte {
	text, _ := json.Marshal(struct {
		Type       string
		PrivateKey []byte
	}{kind, secret})
	return text
}

func gfc(sigType int, secret []byte) []byte {
	return fmt.Appendf(nil, `{"KeyInfo":[{"PrivateKey":%q,"SigType":%d}]}`, base64.StdEncoding.EncodeToString(secret), sigType)
}

func file(name string, data []byte) material.File {
	return material.File{Name: name, Data: data, Size: int64(len(data)), Mode: 0o600}
}

func stored(folder, logical string, data []byte) material.File {
	return file(folder+"/keystore/"+base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(logical)), data)
}

func wallet(t *testing.T, folder, kind, label string) material.File {
	t.Helper()
	a, err := walletAddress(keyInfo{kind: kind, secret: seed(label)})
	require.NoError(t, err)
	return stored(folder, "wallet-"+a.String(), keyJSON(kind, seed(label)))
}

func peerKey(label string) []byte {
	return keyJSON(typePeer, append([]byte{8, 1, 18, 64}, ed25519.NewKeyFromSeed(seed(label))...))
}

func makeToken(secret []byte) []byte {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(`{"Allow":["read","write","sign","admin"]}`))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return []byte(signed + "." + encode(mac.Sum(nil)))
}

func cborBytes(data []byte) []byte {
	switch n := len(data); {
	case n < 24:
		return append([]byte{0x40 | byte(n)}, data...)
	case n < 256:
		return append([]byte{0x58, byte(n)}, data...)
	default:
		return append([]byte{0x59, byte(n >> 8), byte(n)}, data...)
	}
}

func cborText(text string) []byte { return append([]byte{0x60 | byte(len(text))}, text...) }

func sectorRecord(number byte, made uint32) []byte {
	out := append([]byte{0xa4}, cborText("State")...)
	out = append(out, cborText("Proving")...)
	out = append(out, cborText("SectorNumber")...)
	out = append(out, number)
	out = append(out, cborText("Pieces")...)
	out = append(out, 0x82, 0xa1, 0x61, 'a', 0xf6, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0)
	out = append(out, cborText("CreationTime")...)
	return binary.BigEndian.AppendUint32(append(out, 0x1a), made)
}

type record struct {
	key   string
	value []byte
}

// minerRecords are those of f01000 with sectors 0 … n-1.
func minerRecords(n byte) []record {
	records := []record{
		{keyMiner, []byte{0, 0xe8, 7}},
		{keyNextID, []byte{n - 1}},
		{keyLogHead, []byte("1700000000.log.cbor;6f0e6c8e-0000-4000-8000-000000000000;1700000000")},
		{"/storage/sectorsids/x", bytes.Repeat([]byte{7}, 300)},
	}
	for i := range n {
		records = append(records, record{fmt.Sprintf("/sectors/%d", i), sectorRecord(i, 1_700_000_000+uint32(i))})
	}
	return records
}

func makeBackup(records []record, log ...record) []byte {
	body := []byte{arrayOpen}
	for _, r := range records {
		body = append(append(append(body, arrayOf2), cborBytes([]byte(r.key))...), cborBytes(r.value)...)
	}
	body = append(body, breakByte)
	sum := sha256.Sum256(body)
	out := append(append([]byte{arrayOf2}, body...), cborBytes(sum[:])...)
	for i, r := range log {
		out = append(append(append(out, arrayOf3), cborBytes([]byte(r.key))...), cborBytes(r.value)...)
		out = binary.BigEndian.AppendUint32(append(out, 0x1a), 1_700_000_500+uint32(i))
	}
	return out
}

const configText = "[API]\n  # env var: LOTUS_API_LISTENADDRESS\n  #ListenAddress = \"/ip4/127.0.0.1/tcp/1234/http\"\n\n[Libp2p]\n"

func storeJSON(id string) []byte {
	return fmt.Appendf(nil, `{"ID":%q,"Weight":10,"CanSeal":true,"CanStore":true,"MaxStorage":0,"Groups":null,"AllowTo":null}`, id)
}

const storeID = "0b1f4d8c-5b1c-4d58-9a6e-1f8f6d2c1a01"

// node is a daemon's repo.
func node(t *testing.T) []material.File {
	t.Helper()
	return []material.File{
		wallet(t, "lotus", typeBLS, "owner"),
		wallet(t, "lotus", typeSecp256k1, "control"),
		wallet(t, "lotus", typeDelegated, "delegated"),
		stored("lotus", nameDefault, keyJSON(typeBLS, seed("owner"))),
		stored("lotus", namePeer, peerKey("daemon")),
		stored("lotus", nameJWT, keyJSON(typeJWT, seed("jwt"))),
		file("lotus/token", makeToken(seed("jwt"))),
		file("lotus/config.toml", []byte(configText)),
	}
}

// miner is everything that a miner needs.
func miner(t *testing.T) []material.File {
	t.Helper()
	return append(node(t),
		stored("lotusminer", namePeer, peerKey("miner")),
		stored("lotusminer", nameJWT, keyJSON(typeJWT, seed("jwt of the miner"))),
		file("lotusminer/token", makeToken(seed("jwt of the miner"))),
		file("lotusminer/config.toml", []byte(configText)),
		file("lotusminer/storage.json", []byte(`{"StoragePaths":[{"Path":"~/.lotusminer"}]}`)),
		file("lotusminer/sectorstore.json", storeJSON(storeID)),
		file("backup.cbor", makeBackup(minerRecords(8))),
	)
}

func inspect(files ...material.File) material.Report { return material.Inspect(files, Profile{}) }

// status gives the statuses of a check, in order.
func status(r material.Report, id string) []material.Status {
	var out []material.Status
	for _, v := range r.Verdicts {
		if v.ID == id {
			out = append(out, v.Status)
		}
	}
	return out
}

func hexOf(data []byte) []byte { return append([]byte(hex.EncodeToString(data)), '\n') }
