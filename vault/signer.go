package vault

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"aead.dev/minisign"
	"filippo.io/age"

	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// Signatures are minisign's (FORMAT.md section 4). The comments are fixed, so
// that no byte of a signature file can be changed unnoticed.
const untrustedComment = "coldvault"

// maxSignature is far above the size of a signature file, about 250 bytes.
const maxSignature = 4 << 10

// trustedComment binds a signature to its vault and its file.
func trustedComment(vaultID, file string) string { return "coldvault " + vaultID + " " + file }

func manifestComment(vaultID string, generation int) string {
	return trustedComment(vaultID, fmt.Sprintf("manifest.json %06d", generation))
}

// newSigner makes a signer's key pair. The secret key has minisign's
// unencrypted text form.
func newSigner() (key *secret.Buffer, public string, err error) {
	err = secret.Do(func() error {
		// minisign keeps the key in a struct and its text in heap slices; Do
		// erases both.
		pub, priv, err := minisign.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		text, err := priv.MarshalText()
		if err != nil {
			return err
		}
		if key, err = secret.Move(text); err != nil {
			return err
		}
		public, err = publicKeyText(pub)
		return err
	})
	return key, public, err
}

// publicKeyText is the base64 line of a public key, without minisign's comment.
func publicKeyText(pub minisign.PublicKey) (string, error) {
	text, err := pub.MarshalText()
	if err != nil {
		return "", err
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(lines[len(lines)-1]), nil
}

// sign returns the signature file for message.
func sign(key *secret.Buffer, message []byte, trusted string) (signature []byte, err error) {
	err = secret.Do(func() error {
		var priv minisign.PrivateKey
		if err := priv.UnmarshalText(key.Bytes()); err != nil {
			return errors.New("the signer's key is not a minisign secret key")
		}
		// Only its Reader signs in today's prehashed form.
		r := minisign.NewReader(bytes.NewReader(message))
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
		signature = r.SignWithComments(priv, trusted, untrustedComment)
		return nil
	})
	return signature, err
}

// signerPublic gives the public key of a secret one.
func signerPublic(key *secret.Buffer) (public string, err error) {
	err = secret.Do(func() error {
		var priv minisign.PrivateKey
		if err := priv.UnmarshalText(key.Bytes()); err != nil {
			return errors.New("the signer's key is not a minisign secret key")
		}
		pub, ok := priv.Public().(minisign.PublicKey)
		if !ok {
			return errors.New("the signer's key has no public half")
		}
		public, err = publicKeyText(pub)
		return err
	})
	return public, err
}

// verify proves that signature is the canonical signature file for message by
// the signer, with the trusted comment that belongs to this file.
func verify(signer string, message, signature []byte, trusted string) error {
	var pub minisign.PublicKey
	if err := pub.UnmarshalText([]byte(signer)); err != nil {
		return errors.New("the vault's signer is not a minisign public key")
	}
	var s minisign.Signature
	if err := s.UnmarshalText(signature); err != nil {
		return errors.New("its signature file is damaged")
	}
	again, err := s.MarshalText()
	if err != nil || !bytes.Equal(again, signature) || s.UntrustedComment != untrustedComment || s.Algorithm != minisign.HashEdDSA {
		return errors.New("its signature file is not in the canonical form")
	}
	if s.KeyID != pub.ID() {
		return errors.New("it is signed with another key than the vault's signer, or its signature file is damaged")
	}
	if !minisign.Verify(pub, message, signature) {
		return errors.New("its signature is wrong: the file or the signature was changed")
	}
	if s.TrustedComment != trusted {
		return fmt.Errorf("its signature is for %q, not for %q", s.TrustedComment, trusted)
	}
	return nil
}

// scryptWorkFactor is log2 of N for the signer's passphrase: 64 MiB and a fifth of a
// second. age's default of 18 takes 256 MiB, twice of what a seal may have, on machines
// that often have little. The key behind it signs, it opens nothing (SECURITY.md, A4).
var scryptWorkFactor = 16 // Lowered by tests.

// maxScryptWorkFactor is age's default for new files. What a file may ask for beyond it, up
// to 4 GiB, is more than the machine of a ceremony may have.
const maxScryptWorkFactor = 18

// maxSignerFile caps signer.age: a stanza and a key of some 260 bytes.
const maxSignerFile = 16 << 10

// lockSigner encrypts the signer's key with a passphrase.
func lockSigner(key, passphrase *secret.Buffer) (file []byte, err error) {
	err = secret.Do(func() error {
		// age takes a string: one copy of the passphrase, erased by Do.
		r, err := age.NewScryptRecipient(string(passphrase.Bytes()))
		if err != nil {
			return errors.New("the passphrase is empty")
		}
		r.SetWorkFactor(scryptWorkFactor)
		var b bytes.Buffer
		w, err := age.Encrypt(&b, r)
		if err != nil {
			return err
		}
		if _, err := w.Write(key.Bytes()); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		file = b.Bytes()
		return nil
	})
	return file, err
}

// SignerAdvice says where the signer's key comes from when signer.age is lost.
const SignerAdvice = "the key travels in every backup: set a folder up with `coldvault restore --role vault --from MEDIUM --to NEW-FOLDER`, which takes a quorum of cards, and copy signer.age from it"

// CheckSigner tells whether a vault's folder has a signer.age that a passphrase could open.
// Whether it is this vault's, and every byte of it right, the passphrase alone tells.
func (m *Medium) CheckSigner() error {
	file, err := m.read(signerFile, maxSignerFile)
	if err != nil {
		return explain(signerFile, err)
	}
	header, err := age.ExtractHeader(bytes.NewReader(file))
	if err == nil {
		_, err = age.Decrypt(bytes.NewReader(file), anyPassphrase{})
	}
	var noMatch *age.NoIdentityMatchError
	const nonceAndTag = 16 + 16
	if !errors.As(err, &noMatch) || len(file) <= len(header)+nonceAndTag {
		return fmt.Errorf("%s is damaged", signerFile)
	}
	return nil
}

// anyPassphrase opens nothing, and refuses what no passphrase opens.
type anyPassphrase struct{}

func (anyPassphrase) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" {
		return nil, errors.New("it is not for a passphrase")
	}
	return nil, age.ErrIncorrectIdentity
}

// ErrPassphrase is returned when a passphrase does not open the signer's key.
var ErrPassphrase = errors.New("the passphrase does not open the signer's key")

// unlockSigner decrypts signer.age and checks that it belongs to the vault.
func unlockSigner(file []byte, passphrase *secret.Buffer, v format.Vault) (key *secret.Buffer, err error) {
	err = secret.Do(func() error {
		i, err := age.NewScryptIdentity(string(passphrase.Bytes()))
		if err != nil {
			return ErrPassphrase
		}
		i.SetMaxWorkFactor(maxScryptWorkFactor)
		r, err := age.Decrypt(bytes.NewReader(file), i)
		var noMatch *age.NoIdentityMatchError
		if errors.As(err, &noMatch) {
			return ErrPassphrase
		}
		if err != nil {
			return fmt.Errorf("signer.age: %w", err)
		}
		// age has a buffer of one chunk on the heap; Do erases it.
		key, err = secret.Read(r, 0, maxSignerFile)
		return err
	})
	if err != nil {
		return nil, err
	}
	public, err := signerPublic(key)
	if err == nil && public != v.Signer {
		err = errors.New("signer.age holds the key of another vault")
	}
	if err != nil {
		key.Destroy()
		return nil, err
	}
	return key, nil
}
