package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"coldvault/vault/format"
)

// claimed is one content that media have of a file, none of which need be true.
type claimed struct {
	data []byte
	on   *Medium // the first that has it
}

// claims reads a file on all media, each different content once. err is of those that cannot
// be read, or says that it is missing on all.
func claims(from []*Medium, name string, limit int64) (out []claimed, err error) {
	for _, m := range from {
		data, readErr := m.read(name, limit)
		switch {
		case errors.Is(readErr, fs.ErrNotExist):
		case readErr != nil:
			err = errors.Join(err, explain(path.Base(name), readErr))
		case !slices.ContainsFunc(out, func(c claimed) bool { return bytes.Equal(c.data, data) }):
			out = append(out, claimed{data, m})
		}
	}
	if len(out) == 0 && err == nil {
		err = missingError(path.Base(name))
	}
	return out, err
}

// identify finds out what the vault of an id is, file by file from all media that claim to
// be of it: one may have lost what another has. Without an id it is the vault whose vault.json
// they have. It fails only where there is no vault.json with its signature.
//
// vault.json is bound to its id, which every share has in it; whatever else there is, to the
// signer that it names.
func identify(id string, from []*Medium) (*Identity, error) {
	i := &Identity{files: map[string][]byte{}}
	if err := i.findVault(id, from); err != nil {
		return nil, err
	}
	i.findShares(from)
	for _, c := range format.Compartments() {
		name := recipientFile(c)
		found, _ := claims(from, name, maxRecipient) // only sealing needs them; Check reports the others
		for _, f := range found {
			if i.Vault.IsRecipient(c, f.data) {
				i.files[name] = f.data
			}
		}
	}
	return i, nil
}

// findVault wants one vault.json.
func (i *Identity) findVault(id string, from []*Medium) error {
	found, err := claims(from, vaultFile, format.MaxVaultSize)
	var good *Medium
	for _, f := range found {
		v, sig, vaultErr := signedVault(id, f.data, from)
		if vaultErr != nil {
			err = errors.Join(err, vaultErr)
			continue
		}
		if good != nil {
			return &plantedError{f.on, good}
		}
		good, i.Vault, i.Fingerprint = f.on, v, format.Fingerprint(f.data)
		i.files[vaultFile], i.files[vaultFile+signatureExt] = f.data, sig
	}
	if good != nil {
		return nil
	}
	return err
}

func signedVault(id string, data []byte, from []*Medium) (v format.Vault, sig []byte, err error) {
	if v, err = format.ParseVault(data); err != nil {
		return v, nil, err
	}
	if id != "" && v.ID != id {
		return v, nil, fmt.Errorf("the folder is named %s and its vault.json is of vault %s", id, v.ID)
	}
	sig, err = signatureOf(v, vaultFile, data, from)
	return v, sig, err
}

// plantedError is two true identities of one id, which are never mixed.
type plantedError struct{ one, other *Medium }

func (e *plantedError) Error() string {
	return fmt.Sprintf("%s holds another vault.json than %s for the same id: one of them was planted; compare the fingerprint with a card",
		e.one.Path(""), e.other.Path(""))
}

// findShares takes the newest shares.json that is signed. Where there is none, the cards
// prove themselves by what they open.
func (i *Identity) findShares(from []*Medium) {
	found, err := claims(from, sharesFile, format.MaxSharesSize)
	for _, f := range found {
		s, sig, shareErr := i.signedShares(f.data, from)
		if shareErr != nil {
			err = errors.Join(err, shareErr)
			continue
		}
		if s.Sequence > i.Shares.Sequence {
			i.Shares, i.files[sharesFile], i.files[sharesFile+signatureExt] = s, f.data, sig
		}
	}
	if i.files[sharesFile] == nil {
		i.noShares = err
	}
}

func (i *Identity) signedShares(data []byte, from []*Medium) (s format.Shares, sig []byte, err error) {
	if s, err = format.ParseShares(data); err != nil {
		return s, nil, err
	}
	if s.Vault != i.Vault.ID {
		return s, nil, fmt.Errorf("shares.json is of vault %s, not of %s", s.Vault, i.Vault.ID)
	}
	sig, err = signatureOf(i.Vault, sharesFile, data, from)
	return s, sig, err
}

// signatureOf finds the signature of a file of the vault on any of the media.
func signatureOf(v format.Vault, name string, data []byte, from []*Medium) ([]byte, error) {
	return findSignature(v, name, data, trustedComment(v.ID, name), from)
}

// findSignature is signatureOf for a file anywhere on the medium.
func findSignature(v format.Vault, name string, data []byte, comment string, from []*Medium) ([]byte, error) {
	found, err := claims(from, name+signatureExt, maxSignature)
	for _, f := range found {
		verifyErr := verify(v.Signer, data, f.data, comment)
		if verifyErr == nil {
			return f.data, nil
		}
		err = errors.Join(err, fmt.Errorf("%s: %w", path.Base(name), verifyErr))
	}
	return nil, err
}

// whole refuses an identity that cannot be written to another place.
func (i *Identity) whole() error {
	if i.noShares != nil {
		return errors.New("no medium at hand has a good shares.json")
	}
	return nil
}

// damages names the files of a medium that are not what the vault says they are. An older
// shares.json is none.
func (i *Identity) damages(m *Medium) (out []error) {
	out = compareFiles(m, vaultFile, i.files[vaultFile], i.files[vaultFile+signatureExt])
	data, err := m.read(sharesFile, format.MaxSharesSize)
	if err == nil {
		_, _, err = i.signedShares(data, []*Medium{m})
	}
	switch {
	case err == nil:
	case i.files[sharesFile] == nil:
		out = append(out, fmt.Errorf("%s or its signature is missing or damaged", m.Path(sharesFile)))
	default:
		out = append(out, compareFiles(m, sharesFile, i.files[sharesFile], i.files[sharesFile+signatureExt])...)
	}
	return out
}

// compareFiles names which of a file and its signature is not as it must be.
func compareFiles(m *Medium, name string, data, sig []byte) (out []error) {
	for _, f := range []struct {
		name string
		want []byte
	}{{name, data}, {name + signatureExt, sig}} {
		have, err := m.read(f.name, max(int64(len(f.want)), maxSignature))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, fmt.Errorf("%s is missing", m.Path(f.name)))
		case err != nil || !bytes.Equal(have, f.want):
			out = append(out, fmt.Errorf("%s is damaged", m.Path(f.name)))
		}
	}
	return out
}
