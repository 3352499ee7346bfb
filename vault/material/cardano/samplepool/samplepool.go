// Package samplepool makes the files of a complete Cardano stake pool, in the
// formats and spellings of cardano-cli, from nothing but random bytes: material to
// try things with that looks in every way like the real one.
//
// The keys are real, and they are on the ordinary heap: never use them for a pool.
package samplepool

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"

	"golang.org/x/crypto/blake2b"

	"coldvault/vault/format/bech32"
	"coldvault/vault/material/cardano/internal/kes"
)

// Options say what pool to make. The zero value is the first operational certificate
// of a pool on a test network.
type Options struct {
	Mainnet bool
	Number  uint64 // of the operational certificate; the counter is one ahead
	Period  uint64 // KES period the certificate starts at
	Ticker  string // 3 to 5 letters or digits; "DEMO" if empty
}

// New makes the files of a pool, by name.
func New(random io.Reader, options Options) (map[string][]byte, error) {
	p := pool{Options: options, files: map[string][]byte{}}
	if p.Ticker == "" {
		p.Ticker = "DEMO"
	}
	for _, seed := range []*[]byte{&p.cold, &p.kes, &p.vrf, &p.payment, &p.stake} {
		*seed = make([]byte, ed25519.SeedSize)
		if _, err := io.ReadFull(random, *seed); err != nil {
			return nil, fmt.Errorf("random bytes for a key: %w", err)
		}
	}
	p.keys()
	p.operational()
	p.addresses()
	p.metadata()
	p.certificates()
	p.node()
	if p.err != nil {
		return nil, p.err
	}
	return p.files, nil
}

// pool is what is being made: the seeds of its keys, and the files so far.
type pool struct {
	Options
	cold, kes, vrf, payment, stake []byte
	metadataHash, metadataURL      []byte
	files                          map[string][]byte
	err                            error // the first one
}

// envelope writes a file as cardano-cli does.
func (p *pool) envelope(name, kind, description string, payload []byte) {
	p.files[name] = fmt.Appendf(nil, "{\n    \"type\": %q,\n    \"description\": %q,\n    \"cborHex\": \"%x\"\n}\n", kind, description, payload)
}

func (p *pool) keys() {
	pair := func(name, kind, suffix, title string, seed []byte) {
		p.envelope(name+".skey", kind+"SigningKey"+suffix+"_ed25519", title+" Signing Key", byteString(seed))
		p.envelope(name+".vkey", kind+"VerificationKey"+suffix+"_ed25519", title+" Verification Key", byteString(public(seed)))
	}
	pair("cold", "StakePool", "", "Stake Pool Operator", p.cold)
	pair("payment", "Payment", "Shelley", "Payment", p.payment)
	pair("stake", "Stake", "Shelley", "Stake", p.stake)
	p.envelope("vrf.skey", "VrfSigningKey_PraosVRF", "VRF Signing Key", byteString(p.vrf, public(p.vrf)))
	p.envelope("vrf.vkey", "VrfVerificationKey_PraosVRF", "VRF Verification Key", byteString(public(p.vrf)))
}

// operational makes the KES key, the operational certificate and its counter.
func (p *pool) operational() {
	key := kes.Generate(p.kes)
	vk, _, err := kes.Verify(key)
	if err != nil {
		p.err = fmt.Errorf("a KES key just made does not verify: %w", err)
	}
	p.envelope("kes.skey", "KesSigningKey_ed25519_kes_2^6", "KES Signing Key", byteString(key))
	p.envelope("kes.vkey", "KesVerificationKey_ed25519_kes_2^6", "KES Verification Key", byteString(vk[:]))

	message := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(bytes.Clone(vk[:]), p.Number), p.Period)
	signature := ed25519.Sign(ed25519.NewKeyFromSeed(p.cold), message)
	p.envelope("node.cert", "NodeOperationalCertificate", "", array(
		array(byteString(vk[:]), number(p.Number), number(p.Period), byteString(signature)), byteString(public(p.cold))))
	p.envelope("cold.counter", "NodeOperationalCertificateIssueCounter",
		fmt.Sprintf("Next certificate issue number: %d", p.Number+1), array(number(p.Number+1), byteString(public(p.cold))))
}

func (p *pool) network() byte {
	if p.Mainnet {
		return 1
	}
	return 0
}

// addresses makes a base address, a stake address (CIP-19) and the pool's id.
func (p *pool) addresses() {
	prefix := func(name string) string {
		if p.Mainnet {
			return name
		}
		return name + "_test"
	}
	payment := append([]byte{0x00 | p.network()}, append(keyHash(p.payment), keyHash(p.stake)...)...)
	p.files["payment.addr"] = p.text(prefix("addr"), payment)
	p.files["stake.addr"] = p.text(prefix("stake"), p.reward())
	p.files["pool.id"] = append(p.text("pool", keyHash(p.cold)), '\n')
}

func (p *pool) reward() []byte { return append([]byte{0xe0 | p.network()}, keyHash(p.stake)...) }

func (p *pool) metadata() {
	file := fmt.Appendf(nil, "{\n    \"name\": \"%s pool\",\n    \"description\": \"A pool made to try things with\",\n"+
		"    \"ticker\": %q,\n    \"homepage\": \"https://pool.example\"\n}\n", p.Ticker, p.Ticker)
	hash := blake2b.Sum256(file)
	p.metadataHash, p.metadataURL = hash[:], []byte("https://pool.example/poolMetaData.json")
	p.files["poolMetaData.json"] = file
	p.files["poolMetaDataHash.txt"] = append(hex.AppendEncode(nil, p.metadataHash), '\n')
	p.files["poolMetaDataUrl.txt"] = append(bytes.Clone(p.metadataURL), '\n')
}

// certificates makes those that register the stake key and the pool and delegate the
// one to the other (Conway CDDL: tags 7, 3 and 2).
func (p *pool) certificates() {
	owner := keyHash(p.stake)
	credential := array(number(0), byteString(owner))
	id := byteString(keyHash(p.cold))
	vrfHash := blake2b.Sum256(public(p.vrf))
	margin := append([]byte{0xd8, 30}, array(number(1), number(50))...)
	owners := append([]byte{0xd9, 0x01, 0x02}, array(byteString(owner))...)
	relays := array(array(number(1), number(3001), textString([]byte("relay.pool.example"))))
	p.envelope("stake.cert", "CertificateConway", "Stake Address Registration Certificate",
		array(number(7), credential, number(2_000_000)))
	p.envelope("delegation.cert", "CertificateConway", "Stake Delegation Certificate",
		array(number(2), credential, id))
	p.envelope("pool.cert", "CertificateConway", "Stake Pool Registration Certificate",
		array(number(3), id, byteString(vrfHash[:]), number(100_000_000_000), number(340_000_000), margin,
			byteString(p.reward()), owners, relays, array(textString(p.metadataURL), byteString(p.metadataHash))))
}

// node makes what a block producer is started with.
func (p *pool) node() {
	p.files["topology.json"] = []byte(`{
  "localRoots": [
    {
      "accessPoints": [{ "address": "10.0.0.2", "port": 3001 }],
      "advertise": false,
      "trustable": true,
      "valency": 1
    }
  ],
  "publicRoots": []
}
`)
	p.files["node.env"] = []byte("CARDANO_NODE_PORT=6000\nCARDANO_NODE_TOPOLOGY=topology.json\n")
}

func public(seed []byte) []byte {
	return ed25519.NewKeyFromSeed(seed)[ed25519.SeedSize:]
}

// keyHash is BLAKE2b-224 of the verification key.
func keyHash(seed []byte) []byte {
	h, _ := blake2b.New(28, nil) // fails for wrong sizes and keys only
	h.Write(public(seed))
	return h.Sum(nil)
}

func (p *pool) text(hrp string, data []byte) []byte {
	out, err := bech32.Encode(hrp, data)
	if err != nil {
		p.err = fmt.Errorf("encoding %s: %w", hrp, err)
	}
	return out
}

// head is the head of a CBOR item (RFC 8949, section 3).
func head(major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return []byte{major | byte(n)}
	case n < 1<<8:
		return []byte{major | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major | 27}, n)
}

func number(n uint64) []byte { return head(0, n) }

func byteString(parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append(head(2, uint64(len(content))), content...)
}

func textString(s []byte) []byte { return append(head(3, uint64(len(s))), s...) }

func array(items ...[]byte) []byte {
	return append(head(4, uint64(len(items))), bytes.Join(items, nil)...)
}
