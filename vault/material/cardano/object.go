package cardano

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"filippo.io/edwards25519"
	"golang.org/x/crypto/blake2b"

	"coldvault/vault/format/bech32"
	"coldvault/vault/material"
	"coldvault/vault/material/cardano/internal/kes"
)

// object is what is public about one file. A private key is reduced to its
// verification key while the file is read; nothing else of it is kept.
type object struct {
	name     string
	mode     uint32 // permission bits
	role     string
	secret   bool
	pub      []byte // verification key: read, or derived from the private key
	chain    []byte // chain code of an extended key
	proven   bool   // a check has shown that the private key is the right one
	evolved  int    // evolution of a KES key
	selfTest string // what reading the private key has proven already
	opcert   *opcert
	counter  *counter
	cert     *certificate
	addr     *address
	meta     *metadata
	hash     []byte // of a hash or an id file
	digest   []byte // BLAKE2b-256 of the file, of metadata
	text     string // of a URL
	opaque   string // why nothing can be proven
	kind     string // the type of an envelope that is not known
	defect   error  // why it is not what it claims to be
}

// File implements what material.Docket wants.
func (o *object) File() string { return o.name }

func blake224(data []byte) []byte {
	h, _ := blake2b.New(hashSize, nil) // fails for wrong sizes and keys only
	h.Write(data)
	return h.Sum(nil)
}

func blake256(data []byte) []byte {
	sum := blake2b.Sum256(data)
	return sum[:]
}

// read finds out what a file is. Content decides; the name counts where the content
// has no type.
func read(f material.File) (object, material.Certainty) {
	o, certainty := readContent(f)
	if certainty != material.ByContent {
		o, certainty = readName(f)
		if damaged, ok := readDamaged(f.Data); ok && len(f.Data) <= maxText {
			damaged.role = cmp.Or(damaged.role, o.role, roleEnvelope)
			o, certainty = damaged, material.ByContent
		}
	}
	o.name, o.mode = f.Name, uint32(f.Mode.Perm())
	o.secret = o.secret || secretRole(o.role)
	return o, certainty
}

func readContent(f material.File) (object, material.Certainty) {
	if f.Data == nil || len(f.Data) > maxText {
		return object{}, material.NotMine
	}
	e, err := parseEnvelope(f.Data)
	if errors.Is(err, errNotObject) {
		return readText(f.Data)
	}
	if o, ok := readEnvelope(e, err); ok {
		return o, material.ByContent
	}
	if o, ok := readMetadata(f.Data); ok {
		return o, material.ByContent
	}
	if isTopology(f.Data) {
		return object{role: RoleTopology}, material.ByContent
	}
	return object{}, material.NotMine
}

// readEnvelope reads a TextEnvelope, a hardware signing file, or an envelope whose
// key is encrypted. err is that of parsing the object.
func readEnvelope(e envelope, err error) (object, bool) {
	kind := string(e["type"])
	role, f := kindOf(kind)
	_, plain := e["cborHex"]
	_, encrypted := e["encrHex"]
	_, hardware := e["cborXPubKeyHex"]
	if f == formUnknown && (kind == "" || !plain && !encrypted && !hardware) {
		return object{}, false
	}
	o := object{role: role, secret: f.secret()}
	_, described := e["description"]
	switch {
	case err != nil:
		o.defect = err
	case f == formUnknown:
		o.role, o.kind = roleEnvelope, kind
		o.secret = strings.Contains(kind, "SigningKey")
	case !described:
		o.defect = errors.New("description is missing")
	case encrypted:
		o.opaque = "its key is encrypted"
	case f == formHardware:
		o.readPayload(e, "cborXPubKeyHex", f)
	default:
		o.readPayload(e, "cborHex", f)
	}
	return o, true
}

func (o *object) readPayload(e envelope, member string, f form) {
	payload, err := e.payload(member)
	if err != nil {
		o.defect = err
		return
	}
	if f.secret() {
		defer clear(payload)
	}
	switch f {
	case formOpcert:
		c, err := parseOpcert(payload)
		o.opcert, o.defect = &c, err
	case formCounter:
		c, err := parseCounter(payload)
		o.counter, o.defect = &c, err
	case formCertificate:
		c, err := parseCertificate(payload)
		o.cert = &c
		if c.role != "" {
			o.role = c.role
		}
		if o.defect = err; errors.Is(err, errLayout) {
			o.opaque, o.defect = err.Error(), nil
		}
	default:
		key, err := unwrap(payload, f.size())
		if err != nil {
			o.defect = fmt.Errorf("%s: %w", member, err)
			return
		}
		o.readKey(key, f)
	}
}

// readKey takes the public part out of a key.
func (o *object) readKey(key []byte, f form) {
	switch f {
	case formSeed:
		o.pub = publicKey(key)
	case formPublic:
		o.pub = bytes.Clone(key)
	case formExtendedPublic, formHardware:
		o.pub, o.chain = bytes.Clone(key[:32]), bytes.Clone(key[32:])
	case formExtendedBare:
		o.pub, o.chain = extendedPublicKey(key[:32]), bytes.Clone(key[64:])
	case formExtendedSecret:
		o.pub, o.chain = extendedPublicKey(key[:32]), bytes.Clone(key[96:])
		if !bytes.Equal(o.pub, key[64:96]) {
			o.defect = errors.New("the private key does not make the verification key that is stored with it")
		}
		o.selfTest = "the private key makes the verification key stored with it"
	case formVRFSecret:
		o.pub = publicKey(key[:32])
		if !bytes.Equal(o.pub, key[32:]) {
			o.defect = errors.New("the seed does not make the verification key that is stored with it")
		}
		o.selfTest = "the seed makes the verification key stored with it"
	case formKESSecret:
		vk, evolution, err := kes.Verify(key)
		o.pub, o.evolved, o.defect = vk[:], evolution, err
		o.selfTest = "all six levels of the key agree"
	case formBLSSecret, formBLSPublic, formBLSProof:
		o.opaque = "keys of this kind cannot be checked here"
	}
	if o.defect != nil {
		o.pub = nil
	}
}

// publicKey derives the verification key of an Ed25519 seed.
func publicKey(seed []byte) []byte {
	key := ed25519.NewKeyFromSeed(seed)
	defer clear(key)
	return bytes.Clone(key[ed25519.SeedSize:])
}

// extendedPublicKey is kL·B without clamping, kL taken modulo the group's order, as
// BIP32-Ed25519 keys are used on Cardano.
func extendedPublicKey(kL []byte) []byte {
	var wide [64]byte
	defer clear(wide[:])
	copy(wide[:], kL)
	scalar, err := edwards25519.NewScalar().SetUniformBytes(wide[:])
	if err != nil {
		return nil // only for another length than 64
	}
	defer scalar.Set(edwards25519.NewScalar())
	return new(edwards25519.Point).ScalarBaseMult(scalar).Bytes()
}

// readText reads a file that holds one bech32 word.
func readText(data []byte) (object, material.Certainty) {
	word := trim(data)
	if len(word) > 1024 || bytes.ContainsAny(word, white) {
		return object{}, material.NotMine
	}
	hrp, content, err := bech32.Decode(word)
	if err != nil {
		return object{}, material.NotMine
	}
	defer clear(content)
	switch hrp {
	case "addr", "addr_test", "stake", "stake_test":
		a, err := parseAddress(hrp, content)
		role := RolePaymentAddress
		if strings.HasPrefix(hrp, "stake") {
			role = RoleStakeAddress
		}
		return object{role: role, addr: &a, text: string(word), defect: err}, material.ByContent
	case "pool":
		o := object{role: RolePoolID, hash: bytes.Clone(content)}
		if len(content) != hashSize {
			o.defect = fmt.Errorf("a pool id has %d bytes, this one %d", hashSize, len(content))
		}
		return o, material.ByContent
	}
	role, f, ok := kindOfPrefix(hrp)
	if f == formExtendedSecret && len(content) == formExtendedBare.size() {
		f = formExtendedBare
	}
	if !ok {
		return object{}, material.NotMine
	}
	o := object{role: role, secret: f.secret()}
	if len(content) != f.size() {
		o.defect = fmt.Errorf("a %s has %d bytes, this one %d", hrp, f.size(), len(content))
		return o, material.ByContent
	}
	o.readKey(content, f)
	return o, material.ByContent
}

// kindOfPrefix gives the role and form of a bech32 key (CIP-5).
func kindOfPrefix(hrp string) (role string, f form, ok bool) {
	family, kind, found := strings.Cut(hrp, "_")
	if rest, cc := strings.CutPrefix(hrp, "cc_"); cc {
		var part string
		part, kind, found = strings.Cut(rest, "_")
		family = "cc-" + part
	}
	if !found {
		return "", 0, false
	}
	role = map[string]string{"pool": "node", "addr": "payment", "stake": "stake", "vrf": "vrf", "kes": "kes",
		"drep": "drep", "cc-cold": "cc-cold", "cc-hot": "cc-hot"}[family]
	if role == "" {
		return "", 0, false
	}
	switch {
	case kind == "sk" && role == "vrf":
		return RoleVRFSecret, formVRFSecret, true
	case kind == "sk" && role == "kes":
		return RoleKESSecret, formKESSecret, true
	case kind == "sk":
		return role + ".skey", formSeed, true
	case kind == "vk":
		return role + ".vkey", formPublic, true
	case kind == "xsk":
		return role + ".skey", formExtendedSecret, true
	case kind == "xvk":
		return role + ".vkey", formExtendedPublic, true
	}
	return "", 0, false
}

// readName takes the role from the name. What has no typed content although its
// role asks for it is defect.
func readName(f material.File) (object, material.Certainty) {
	role, encrypted := roleByName(f.Name)
	o := object{role: role}
	switch role {
	case "":
		return o, material.NotMine
	case RoleTopology, RoleSnapshot, roleKESNote:
		return o, material.ByName
	case RoleEnvironment:
		if len(f.Data) > maxText || !isEnvironment(f.Data) {
			return o, material.NotMine
		}
		return o, material.ByContent
	case roleMnemonic:
		o.opaque = "words cannot be checked here"
		return o, material.ByName
	}
	switch text := trim(f.Data); {
	case encrypted && len(f.Data) > 0:
		o.opaque = "it is encrypted"
	case len(f.Data) == 0 && f.Size == 0:
		o.defect = errors.New("it is empty")
	case f.Data == nil || len(f.Data) > maxText:
		o.defect = fmt.Errorf("it has %d bytes, far too many", f.Size)
	case role == RoleMetadata:
		o.digest = blake256(f.Data)
		o.defect = errors.New("it is no JSON object with the texts name, description, ticker and homepage")
	case role == RoleMetadataURL:
		if o.text = string(text); len(text) > maxURL || !bytes.Contains(text, []byte("://")) || bytes.ContainsAny(text, white) {
			o.text, o.defect = "", errors.New("it holds no URL")
		}
	case role == RoleMetadataHash:
		o.readHash(text, 32)
	case role == RolePoolID:
		o.readHash(text, hashSize)
	case role == roleKeyHash:
		o.readHash(text, hashSize, 32) // the longer one is of a VRF key
	case role == RolePaymentAddress || role == RoleStakeAddress:
		o.readOldAddress(text)
	default:
		o.defect = errors.New("it holds no key, certificate or counter in any known form")
	}
	return o, material.ByName
}

func (o *object) readHash(text []byte, sizes ...int) {
	hash := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(hash, text); err != nil || !slices.Contains(sizes, len(hash)) {
		o.defect = fmt.Errorf("it does not hold a hash of %d hex digits", 2*sizes[0])
		return
	}
	o.hash = hash
}

// readOldAddress accepts what looks like an address of the Byron era, which is
// base 58, so that it is not taken for a damaged one.
func (o *object) readOldAddress(text []byte) {
	const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	old := bytes.HasPrefix(text, []byte("Ae2")) || bytes.HasPrefix(text, []byte("DdzFF")) || bytes.HasPrefix(text, []byte("2cWKM")) ||
		bytes.HasPrefix(text, []byte("37btjrVy"))
	for _, c := range text {
		old = old && strings.IndexByte(base58, c) >= 0
	}
	if o.opaque = "addresses of the Byron era cannot be checked here"; !old {
		o.opaque, o.defect = "", errors.New("it holds no address")
	}
}

// metadata is a pool's public description (cardano-ledger, PoolMetadata).
type metadata struct {
	Name, Description, Ticker, Homepage *string
	size                                int
}

func readMetadata(data []byte) (object, bool) {
	m := metadata{size: len(data)}
	if json.Unmarshal(data, &m) != nil || m.Name == nil || m.Description == nil || m.Ticker == nil || m.Homepage == nil {
		return object{}, false
	}
	return object{role: RoleMetadata, meta: &m, digest: blake256(data)}, true
}

// isTopology knows the two generations of topology.json.
func isTopology(data []byte) bool {
	var t struct{ Producers, LocalRoots, PublicRoots json.RawMessage }
	return json.Unmarshal(data, &t) == nil && (t.Producers != nil || t.LocalRoots != nil && t.PublicRoots != nil)
}

// isEnvironment knows shell files that start a node.
func isEnvironment(data []byte) bool {
	for _, sign := range []string{"CARDANO_NODE_", "CNODE_HOME", "CNODE_PORT", "cardano-node run"} {
		if bytes.Contains(data, []byte(sign)) {
			return true
		}
	}
	return false
}

// folder is where the file lies.
func (o *object) folder() string { return path.Dir(o.name) }
