package canton

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
	"coldvault/vault/material/der"
)

// Writers of protobuf fields: number, then a number or content.
func num(number int, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3), value)
}

func bin(number int, parts ...[]byte) []byte {
	content := join(parts...)
	out := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3|2), uint64(len(content)))
	return append(out, content...)
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func versioned(data ...[]byte) []byte { return append(bin(1, data...), num(2, 30)...) }

// key is a key as a node has it.
type key struct {
	signer  crypto.Signer
	public  der.PublicKey
	spec    uint64
	private []byte // as it is stored
	format  uint64
	signing bool
}

// newKey makes a key of an algorithm. Keys of one seed are the same.
func newKey(t testing.TB, algorithm der.Algorithm, seed byte, signing bool) key {
	t.Helper()
	number := make([]byte, 48)
	for i := range number {
		number[i] = seed
	}
	if algorithm == der.Ed25519 {
		private := ed25519.NewKeyFromSeed(number[:32])
		public, err := der.Public(der.Ed25519, private[32:])
		require.NoError(t, err)
		return key{private, public, 1, number[:32], formatRaw, signing}
	}
	curve, size, spec := elliptic.P256(), 32, uint64(2)
	if algorithm == der.P384 {
		curve, size, spec = elliptic.P384(), 48, 3
	}
	private, err := ecdsa.ParseRawPrivateKey(curve, number[:size])
	require.NoError(t, err)
	stored, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	public, err := der.PKCS8(stored)
	require.NoError(t, err)
	if !signing {
		spec = 1 // ECIES on P-256
	}
	return key{private, public, spec, stored, formatPKCS8, signing}
}

func (k key) name() string { return fingerprint(k.public) }

func (k key) specField() int {
	if k.signing {
		return 6
	}
	return 5
}

func (k key) publicPart() []byte {
	format, data := num(2, formatSPKI), k.public.SPKI()
	if k.public.Algorithm == der.Ed25519 {
		format, data = num(2, formatRaw), k.public.Bytes()
	}
	return join(format, bin(3, data), k.usage(), num(k.specField(), k.spec))
}

func (k key) usage() []byte {
	if k.signing {
		return bin(5, []byte{1, 2, 3, 4})
	}
	return nil
}

func (k key) privatePart() []byte {
	return join(bin(1, []byte(k.name())), num(2, k.format), bin(3, k.private), k.usage(), num(k.specField(), k.spec))
}

// pair is the versioned CryptoKeyPair, with or without the public half.
func (k key) pair(withPublic bool) []byte {
	kind := 2
	if k.signing {
		kind = 1
	}
	private := bin(2, k.privatePart())
	if withPublic {
		private = join(bin(1, k.publicPart()), private)
	}
	return versioned(bin(kind, private))
}

// oneof is the PublicKey message of an OwnerToKeyMapping.
func (k key) oneof() []byte {
	if k.signing {
		return bin(1, k.publicPart())
	}
	return bin(2, k.publicPart())
}

// sign signs as Canton does, and always the same way so that samples are stable.
func (k key) sign(t testing.TB, data []byte) []byte {
	message := multihash(purposeTopology, data)
	hash := crypto.Hash(0)
	switch k.public.Algorithm {
	case der.P256:
		digest := sha256.Sum256(message)
		message, hash = digest[:], crypto.SHA256
	case der.P384:
		digest := sha512.Sum384(message)
		message, hash = digest[:], crypto.SHA384
	}
	out, err := k.signer.Sign(nil, message, hash) // nil: RFC 6979
	require.NoError(t, err)
	return out
}

// node is what a sample dump is made of; tests change it before they write it.
type node struct {
	t          testing.TB
	kind       string
	namespace  key
	signing    key
	encryption key
	dropKeys   map[string]bool // fingerprints that are not in the dump
	kms        bool            // all keys are elsewhere
	bare       bool            // no public halves
	delimited  bool            // the other form of a snapshot
	proof      bool            // the signing key signs its own use
	extra      [][]byte        // items of the topology
	tamper     func(tx []byte) []byte
}

// newNode makes a node with keys of its own.
func newNode(t testing.TB, kind string, seed byte) *node {
	return &node{
		t: t, kind: kind, proof: true, dropKeys: map[string]bool{},
		namespace:  newKey(t, der.Ed25519, seed, true),
		signing:    newKey(t, der.Ed25519, seed+1, true),
		encryption: newKey(t, der.P256, seed+2, false),
	}
}

func (n *node) id() string { return n.kind + "::sample::" + n.namespace.name() }

// item is one stored transaction, signed by the keys.
func (n *node) item(serial, from, until uint64, mapping []byte, signers ...key) []byte {
	tx := versioned(num(1, 1), num(2, serial), bin(3, mapping))
	signed := bin(1, tx)
	for _, k := range signers {
		signed = append(signed, bin(2, num(1, 1), bin(2, k.sign(n.t, tx)), bin(3, []byte(k.name())), num(4, k.spec))...)
	}
	if n.tamper != nil {
		signed = n.tamper(signed)
	}
	out := bin(1, num(1, from))
	if until > 0 {
		out = append(out, bin(2, num(1, until))...)
	}
	return append(out, bin(3, versioned(signed))...)
}

func (n *node) delegation(target key, signers ...key) []byte {
	return n.item(1, 1700000000, 0, bin(mappingDelegation, bin(1, []byte(n.namespace.name())), bin(2, target.publicPart()), num(3, 1)), signers...)
}

func (n *node) owner(serial, from, until uint64, keys ...key) []byte {
	mapping := bin(1, []byte(n.id()))
	for _, k := range keys {
		mapping = append(mapping, bin(2, k.oneof())...)
	}
	signers := []key{n.namespace}
	if n.proof {
		signers = append(signers, n.signing)
	}
	return n.item(serial, from, until, bin(mappingOwnerKeys, mapping), signers...)
}

// topology is the snapshot.
func (n *node) topology() []byte {
	keys := []key{n.signing}
	if n.kind == nodeParticipant {
		keys = append(keys, n.encryption)
	}
	items := append([][]byte{n.delegation(n.namespace, n.namespace), n.owner(1, 1700000060, 0, keys...)}, n.extra...)
	var out []byte
	for _, item := range items {
		if n.delimited {
			whole := versioned(item)
			out = append(binary.AppendUvarint(out, uint64(len(whole))), whole...)
		} else {
			out = append(out, bin(1, item)...)
		}
	}
	if n.delimited {
		return out
	}
	return versioned(out)
}

// members are those of the dump.
func (n *node) members() map[string]any {
	keys := []any{}
	for _, k := range []key{n.namespace, n.signing, n.encryption} {
		switch {
		case n.dropKeys[k.name()], !k.signing && n.kind != nodeParticipant:
		case n.kms:
			kind := map[bool]string{true: "signing", false: "encryption"}[k.signing]
			keys = append(keys, map[string]any{"type": kind, "keyId": "key-" + k.name()[60:]})
		default:
			keys = append(keys, map[string]any{"keyPair": k.pair(!n.bare), "name": "sample"})
		}
	}
	return map[string]any{"id": n.id(), "keys": keys, "authorizedStoreSnapshot": n.topology(), "version": "0.0.1"}
}

// dump is the dump as JSON: []byte become base64.
func (n *node) dump() []byte { return encode(n.t, n.members()) }

func encode(t testing.TB, v any) []byte {
	out, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	return out
}

// svDump is a super validator's dump without its wrapper.
func svDump(t testing.TB) map[string]any {
	return map[string]any{
		"sv_party_id": "sv::" + newNode(t, nodeParticipant, 10).namespace.name(), "dso_party_id": "DSO::1220",
		"domain_alias": "global", "domain_id": "global-domain::1220",
		"participant": newNode(t, nodeParticipant, 10).members(),
		"sequencer":   newNode(t, nodeSequencer, 20).members(),
		"mediator":    newNode(t, nodeMediator, 30).members(),
	}
}

// snapshotData is what a migration dump holds.
func snapshotData(t testing.TB) map[string]any {
	return map[string]any{
		"participant": newNode(t, nodeParticipant, 10).members(), "participant_users": map[string]any{},
		"acs_snapshot": []byte("contracts"), "acs_timestamp": "2026-01-02T03:04:05.678Z",
		"dars":         []any{map[string]any{"hash": "1220", "content": []byte("dar")}},
		"migration_id": 4, "domain_id": "global-domain::1220", "created_at": "2026-01-02T03:05:00Z",
	}
}

// operatorLines are the lines that the documented program prints.
func operatorLines(t testing.TB, private, public byte) []byte {
	return fmt.Appendf(nil, "public-key = %q\nprivate-key = %q\n",
		base64.StdEncoding.EncodeToString(newKey(t, der.P256, public, true).public.SPKI()),
		base64.StdEncoding.EncodeToString(newKey(t, der.P256, private, true).private))
}

// comet makes the files of a CometBFT node below a folder, and its validator key.
func comet(t testing.TB, home string, seed byte, peers string) ([]material.File, ed25519.PrivateKey) {
	node := ed25519.NewKeyFromSeed(newKey(t, der.Ed25519, seed, true).private)
	validator := ed25519.NewKeyFromSeed(newKey(t, der.Ed25519, seed+1, true).private)
	config := "\nmoniker = \"sample\"\npriv_validator_key_file = \"k\"\nnode_key_file = \"n\"\npersistent_peers = \"" + peers + "\"\n"
	return []material.File{
		file(home+"/config/node_key.json", encode(t, map[string]any{"priv_key": cometKey(cometPrivate, node)})),
		file(home+"/config/priv_validator_key.json", encode(t, map[string]any{
			"address": addressOf(validator), "pub_key": cometKey(cometPublic, validator[32:]), "priv_key": cometKey(cometPrivate, validator),
		})),
		file(home+"/data/priv_validator_state.json", stateOf(t, validator, 7, 7)),
		file(home+"/config/config.toml", []byte(config)),
		file(home+"/config/genesis.json", encode(t, map[string]any{
			"genesis_time": "2026-01-01T00:00:00Z", "chain_id": "sample",
			"validators": []any{map[string]any{"address": addressOf(validator), "pub_key": cometKey(cometPublic, validator[32:]), "power": "1"}},
		})),
	}, validator
}

func cometKey(kind string, data []byte) map[string]any {
	return map[string]any{"type": kind, "value": data}
}

func addressOf(private ed25519.PrivateKey) string {
	digest := sha256.Sum256(private[32:])
	return fmt.Sprintf("%X", digest[:20])
}

// stateOf is a validator's state that says one height and has signed another.
func stateOf(t testing.TB, private ed25519.PrivateKey, says, signed int64) []byte {
	fixed := func(number int, value int64) []byte {
		return binary.LittleEndian.AppendUint64([]byte{byte(number<<3 | 1)}, uint64(value))
	}
	vote := join(num(1, 2), fixed(2, signed), bin(5, num(1, 1700000000)), bin(6, []byte("sample")))
	vote = append(binary.AppendUvarint(nil, uint64(len(vote))), vote...)
	return encode(t, map[string]any{
		"height": fmt.Sprint(says), "round": 0, "step": 3,
		"signature": ed25519.Sign(private, vote), "signbytes": fmt.Sprintf("%X", vote),
	})
}

// secpPair is a signing pair on secp256k1: its PKCS#8 is written by hand.
func secpPair(t testing.TB) []byte {
	number := big.NewInt(7).FillBytes(make([]byte, 32))
	public, err := der.Derive(der.Secp256k1, number)
	require.NoError(t, err)
	head, err := hex.DecodeString("303e020100301006072a8648ce3d020106052b8104000a042730250201010420")
	require.NoError(t, err)
	return key{public: public, spec: 4, private: append(head, number...), format: formatPKCS8, signing: true}.pair(true)
}
