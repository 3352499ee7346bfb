package vault

import (
	"crypto/hpke"
	"encoding/base64"
	"errors"
	"fmt"

	"filippo.io/age"

	"coldvault/shard"
	"coldvault/vault/format/bech32"
	"coldvault/vault/secret"
)

// The native hybrid identity of age (C2SP age.md, "mlkem768x25519"): HPKE with
// MLKEM768-X25519, HKDF-SHA256 and ChaCha20Poly1305, whose private key is the
// 32-byte seed. age's own HybridIdentity is made from a string and keeps the key
// on the heap; this one works on guarded memory.
const (
	stanzaType   = "mlkem768x25519"
	hpkeInfo     = "age-encryption.org/mlkem768x25519"
	recipientHRP = "age1pq"
	fileKeySize  = 16
)

// recipientOf derives the public recipient, age1pq1…, from a seed.
func recipientOf(seed []byte) (recipient string, err error) {
	err = secret.Do(func() error {
		if len(seed) != shard.SeedSize {
			return errors.New("a seed has 32 bytes")
		}
		key, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
		if err != nil {
			return err
		}
		text, err := bech32.Encode(recipientHRP, key.PublicKey().Bytes())
		recipient = string(text)
		return err
	})
	return recipient, err
}

// identity opens bundles with a seed in guarded memory. It is good for one
// file: the file key it unwraps lives in the second buffer until destroy.
type identity struct {
	seed    []byte // not owned
	fileKey *secret.Buffer
}

var _ age.Identity = (*identity)(nil)

func newIdentity(seed []byte) (*identity, error) {
	fileKey, err := secret.New(fileKeySize)
	if err != nil {
		return nil, err
	}
	return &identity{seed: seed, fileKey: fileKey}, nil
}

func (i *identity) destroy() { i.fileKey.Destroy() }

// Unwrap gives the file key of the only stanza. The slice is guarded memory;
// age keeps no reference to it once Decrypt has returned.
func (i *identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != stanzaType || len(stanzas[0].Args) != 1 {
		return nil, fmt.Errorf("the bundle is not for one post-quantum recipient: %w", age.ErrIncorrectIdentity)
	}
	enc, err := base64.RawStdEncoding.Strict().DecodeString(stanzas[0].Args[0])
	if err != nil {
		return nil, errors.New("the stanza of the bundle is malformed")
	}
	err = secret.Do(func() error {
		kem := hpke.MLKEM768X25519()
		key, err := kem.NewPrivateKey(i.seed)
		if err != nil {
			return err
		}
		r, err := hpke.NewRecipient(enc, key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(hpkeInfo))
		if err != nil {
			return err
		}
		// hpke returns the file key on the heap: copied and wiped at once.
		fileKey, err := r.Open(nil, stanzas[0].Body)
		if err != nil {
			return age.ErrIncorrectIdentity
		}
		defer secret.Wipe(fileKey)
		if len(fileKey) != fileKeySize {
			return errors.New("the file key of the bundle has a wrong size")
		}
		copy(i.fileKey.Bytes(), fileKey)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return i.fileKey.Bytes(), nil
}
