package ceremony

import (
	"errors"
	"os"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/secret"
)

// roleVault restores the vault's own folder instead of the material: for a cold
// machine that was lost, or a passphrase that was forgotten.
const roleVault = "vault"

// rebuild writes the vault's folder to r.To, which must not exist.
func (r RestoreRequest) rebuild(c Console, wanted []string) (err error) {
	undo := &undoList{}
	defer c.OnInterrupt(undo.run)()
	defer func() {
		if err != nil {
			undo.run()
		}
	}()
	if err := undo.mkdirNew(r.To); err != nil {
		return withHint(err, "--role vault makes the vault's folder: give a name that does not exist yet")
	}
	in, err := NewIntake()
	if err != nil {
		return err
	}
	defer in.Close()
	in.camera = r.Camera
	if err := readInputs(c, in, r.Stdin, r.From, r.Cards); err != nil {
		return err
	}
	generation, err := selectGeneration(c, in, r.Vault, r.Number)
	if err != nil {
		return err
	}
	shares, err := collectShares(c, in, generation.Identity, wanted)
	if err != nil {
		return err
	}
	bundles, err := openBundles(c, generation, shares, wanted)
	defer func() { destroy(bundles) }()
	if err != nil {
		return err
	}
	passphrase, err := c.Passphrase(true)
	if err != nil {
		return err
	}
	defer passphrase.Destroy()
	dir, err := media.OpenDir(r.To)
	if err != nil {
		return err
	}
	defer dir.Close()
	for _, b := range bundles {
		if b.Signer == nil {
			continue
		}
		if err := generation.Rebuild(dir, b.Signer, passphrase); err != nil {
			return err
		}
		return undo.commit(func() error { return os.Chmod(r.To, 0o700) })
	}
	return errors.New("the backup does not hold the signer's key")
}

// destroy wipes bundles and what was left of them.
func destroy(bundles []*vault.Bundle) {
	for _, b := range bundles {
		b.Destroy()
	}
	secret.Collect()
}
