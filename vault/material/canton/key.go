package canton

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"coldvault/vault/material/der"
)

// Hash purposes of Canton: they keep apart what is hashed for what.
const (
	purposeTopology    = 11
	purposeFingerprint = 12
)

// multihash is Canton's hash: the multihash head of SHA-256 and the digest over the
// purpose and the data.
func multihash(purpose uint32, data []byte) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint32(nil, purpose))
	h.Write(data)
	return h.Sum([]byte{0x12, sha256.Size})
}

// fingerprint names a public key on the network.
func fingerprint(key der.PublicKey) string {
	if key.Algorithm == der.Ed25519 {
		return hex.EncodeToString(multihash(purposeFingerprint, key.Bytes()))
	}
	return hex.EncodeToString(multihash(purposeFingerprint, key.SPKI()))
}

// isFingerprint says whether the text has the form of a fingerprint.
func isFingerprint(text string) bool {
	const head = "1220"
	if len(text) != 68 || text[:4] != head {
		return false
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Formats of keys (crypto.proto, CryptoKeyFormat).
const (
	formatTink  = 1
	formatDER   = 2
	formatRaw   = 3
	formatSPKI  = 4
	formatPKCS8 = 5
)

// errTink means a key in a container that Canton itself no longer reads.
var errTink = errors.New("the key is in the old Tink format, which no present Canton reads")

// part is one half of a key pair: {Signing,Encryption}{Public,Private}Key.
type part struct {
	id           string // of a private key: the fingerprint it is stored under
	format       uint64
	data         message
	scheme, spec uint64 // the algorithm, in the older and in the present numbering
	usage        string // what a signing key may sign
}

// readPart reads one half. Signing and encryption keys number their fields
// differently from 4 on.
func readPart(m message, signing, private bool) (part, error) {
	var p part
	var id, usage message
	numbers := map[uint64]*uint64{2: &p.format, 4: &p.scheme}
	contents := map[uint64]*message{3: &p.data}
	if private {
		contents[1] = &id
	}
	if signing {
		numbers[6] = &p.spec
		contents[5] = &usage
	} else {
		numbers[5] = &p.spec
	}
	if err := m.once(numbers, contents); err != nil {
		return part{}, err
	}
	if p.format == formatTink {
		return part{}, errTink
	}
	p.id, p.usage = string(id), string(usage)
	if private != isFingerprint(p.id) || len(p.data) == 0 {
		return part{}, errWire
	}
	return p, nil
}

// algorithm is what a signing key's specification says it is; none for encryption
// keys, whose specification names a scheme.
func (p part) algorithm(signing bool) (der.Algorithm, error) {
	if !signing {
		return "", nil
	}
	specs := []der.Algorithm{"", der.Ed25519, der.P256, der.P384, der.Secp256k1}
	n := p.spec
	if n == 0 {
		n = p.scheme
	}
	if n >= uint64(len(specs)) {
		return "", der.ErrAlgorithm
	}
	return specs[n], nil
}

// public reads a public key.
func (p part) public(signing bool) (der.PublicKey, error) {
	want, err := p.algorithm(signing)
	if err != nil {
		return der.PublicKey{}, err
	}
	var key der.PublicKey
	switch p.format {
	case formatRaw:
		key, err = der.Public(der.Ed25519, p.data)
	case formatDER, formatSPKI:
		key, err = der.SPKI(p.data)
	default:
		err = fmt.Errorf("a public key cannot be in format %d", p.format)
	}
	return key, agree(key, want, err)
}

// private reads a private key and gives its public key.
func (p part) private(signing bool) (der.PublicKey, error) {
	want, err := p.algorithm(signing)
	if err != nil {
		return der.PublicKey{}, err
	}
	var key der.PublicKey
	switch p.format {
	case formatRaw:
		key, err = der.Derive(der.Ed25519, p.data)
	case formatDER, formatPKCS8:
		key, err = der.PKCS8(p.data)
	default:
		err = fmt.Errorf("a private key cannot be in format %d", p.format)
	}
	return key, agree(key, want, err)
}

func agree(key der.PublicKey, want der.Algorithm, err error) error {
	if err == nil && want != "" && want != key.Algorithm {
		return fmt.Errorf("the key is said to be of %s and is of %s", want, key.Algorithm)
	}
	return err
}

// keyPair is a private key that was proven: its public key was derived from it, and
// is the one stored with it, if one is.
type keyPair struct {
	signing     bool
	id          string // the fingerprint it is stored under
	public      der.PublicKey
	fingerprint string // derived
}

// errOtherPublic means a key pair of two different keys.
var errOtherPublic = errors.New("the private key and the public key beside it do not belong together")

// readKeyPair reads what an identities dump holds under keyPair, and what a key file
// of the console holds: a versioned CryptoKeyPair, a oneof of a signing (1) and an
// encryption (2) pair {public_key=1, private_key=2}. Since Canton 3.4 the public key
// may be missing.
func readKeyPair(data []byte) (keyPair, error) {
	inner, err := message(data).unversion()
	if err != nil {
		return keyPair{}, err
	}
	f, rest, err := inner.next()
	if err != nil || f.varint() || f.number > 2 || len(rest) > 0 {
		return keyPair{}, errWire
	}
	signing := f.number == 1
	var public, private message
	if err := f.bytes.once(nil, map[uint64]*message{1: &public, 2: &private}); err != nil {
		return keyPair{}, err
	}
	pair, p, err := readPrivateKey(private, signing)
	if err != nil || public == nil {
		return pair, err
	}
	stored, err := readPart(public, signing, false)
	if err != nil {
		return keyPair{}, err
	}
	key, err := stored.public(signing)
	if err != nil {
		return keyPair{}, err
	}
	if key != pair.public || stored.usage != p.usage || stored.spec != p.spec || stored.scheme != p.scheme {
		return keyPair{}, errOtherPublic
	}
	return pair, nil
}

// readPrivateKey reads a private key that stands alone.
func readPrivateKey(data message, signing bool) (keyPair, part, error) {
	p, err := readPart(data, signing, true)
	if err != nil {
		return keyPair{}, part{}, err
	}
	key, err := p.private(signing)
	if err != nil {
		return keyPair{}, part{}, err
	}
	return keyPair{signing: signing, id: p.id, public: key, fingerprint: fingerprint(key)}, p, nil
}

// readPublicKey reads a signing key's public half that stands alone.
func readPublicKey(data message) (der.PublicKey, error) {
	p, err := readPart(data, true, false)
	if err != nil {
		return der.PublicKey{}, err
	}
	return p.public(true)
}

// notKnown says whether an error means "cannot be told" and not "is wrong".
func notKnown(err error) bool {
	return slices.ContainsFunc([]error{errField, der.ErrAlgorithm}, func(target error) bool { return errors.Is(err, target) })
}
