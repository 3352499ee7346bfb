package vault

import (
	"errors"
	"fmt"
	"maps"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// Rebuild sets the vault's folder up again on a new cold machine, or with a new
// passphrase: identity, one generation to go on from, and the signer's key that
// travels in cold. Both compartments must have been opened from c before.
func (c *Copy) Rebuild(dir *media.Dir, signer, passphrase *secret.Buffer) error {
	if passphrase.Len() == 0 {
		return errors.New("the passphrase is empty")
	}
	if err := c.Identity.whole(); err != nil {
		return err
	}
	id := *c.Identity
	id.files = maps.Clone(c.Identity.files)
	maps.Copy(id.files, c.recipients)
	for _, name := range format.Compartments() {
		if _, err := id.recipient(name); err != nil {
			return err
		}
	}
	g := &generation{number: c.Number, digest: c.Digest, manifest: c.Manifest, files: map[string][]byte{}}
	for _, name := range []string{manifestFile, manifestFile + signatureExt} {
		g.files[name] = c.Generation.files[name]
	}
	for _, name := range format.Compartments() {
		bundle, _, err := c.Read(name)
		if err != nil {
			return err
		}
		parity, err := media.MakeParity(bundle)
		if err != nil {
			return err
		}
		g.files[name+".age"], g.files[format.ParityName(name+".age")] = bundle, parity
	}
	for _, f := range c.Manifest.Files {
		if g.files[f.Name] == nil {
			continue // archives, which the folder of a vault does not have, and its ledger
		}
		if err := compare(g.files[f.Name], f); err != nil {
			return fmt.Errorf("making the files of generation %d again: %w", c.Number, err)
		}
	}
	locked, err := lockSigner(signer, passphrase)
	if err != nil {
		return err
	}
	if err := ensure(dir, signerFile, locked); err != nil {
		return err
	}
	t := &target{dir: dir, base: "."}
	if err := t.begin(&id, nil, nil, true); err != nil {
		return err
	}
	if err := t.makeFolder(c.Number); err != nil {
		return err
	}
	if err := g.write(dir, generationDir(c.Number)); err != nil {
		return err
	}
	if c.ledger != nil {
		if err := c.ledger.Save(dir); err != nil {
			return err
		}
	}
	_, err = OpenFolder(dir)
	return err
}
