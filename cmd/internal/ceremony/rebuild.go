package ceremony

import (
	"errors"
	"os"

	"coldvault/media"
	"coldvault/vault/airgap"
)

// roleVault restores the vault's own folder instead of the material: for a cold
// machine that was lost, or a passphrase that was forgotten.
const roleVault = "vault"

// rebuild writes the vault's folder, which must be new.
func (r RestoreRequest) rebuild(c Console, wanted []string, accepted []airgap.Finding) (result *RestoreResult, err error) {
	undo := &undoList{}
	calledOff := c.OnInterrupt(func() {
		undo.run()
		if undo.committed {
			c.Warn("the vault's folder is set up again in %s; if the old one still exists, destroy it: both would give out the next generation's number", r.To)
		}
	})
	defer func() { // once set up, it is to be said of until the end of the report
		if err != nil {
			undo.run()
			calledOff()
		}
	}()
	if err := r.Made.folder.failure("--to"); err != nil { // which --role vault makes
		return nil, err
	}
	if err := undo.fill(r.Made.folder); err != nil {
		return nil, err
	}
	opened, err := r.open(c, wanted)
	if err != nil {
		return nil, err
	}
	defer opened.close()
	for _, b := range opened.bundles {
		b.DestroyFiles() // before a person is waited for
	}
	passphrase, err := newPassphrase(c)
	if err != nil {
		return nil, err
	}
	defer passphrase.Destroy()
	dir, err := media.OpenDir(r.Made.folder.name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	for _, b := range opened.bundles {
		if b.Signer == nil {
			continue
		}
		if err := opened.generation.Rebuild(dir, b.Signer, passphrase); err != nil {
			return nil, err
		}
		if err := undo.commit(func() error { return os.Chmod(r.Made.folder.name, 0o700) }); err != nil {
			return nil, err
		}
		return &RestoreResult{Identity: opened.generation.Identity, To: r.To, HostAccepted: accepted, Folder: true}, nil
	}
	return nil, errors.New("the backup does not hold the signer's key")
}
