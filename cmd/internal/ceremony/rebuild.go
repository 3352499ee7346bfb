package ceremony

import (
	"errors"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// RoleVault restores the vault's own folder instead of the material: for a cold
// machine that was lost, or a passphrase that was forgotten.
const RoleVault = "vault"

// RebuildRequest is what `restore --role vault` is asked for.
type RebuildRequest struct {
	Opening
	To   string
	Made *Folder // nil: it is made now
}

// RebuildResult says what was set up again.
type RebuildResult struct {
	Identity     *vault.Identity
	HostAccepted []airgap.Finding
}

// Rebuild writes the vault's folder, which must be new.
func Rebuild(c Console, r RebuildRequest) (result *RebuildResult, err error) {
	accepted, err := r.gate(c)
	if err != nil {
		return nil, err
	}
	if r.Made == nil {
		o, stop := NewOutputs(c)
		defer stop()
		r.Made = o.Rebuild(r.To)
	}
	if err := r.Made.failure("--to"); err != nil { // which --role vault makes
		return nil, err
	}
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
	if err := undo.fill(r.Made); err != nil {
		return nil, err
	}
	opened, err := r.open(c, format.Compartments())
	if err != nil {
		return nil, err
	}
	defer opened.close()
	for _, b := range opened.bundles {
		b.DestroyFiles() // before a person is waited for
	}
	opened.in.raw.Destroy() // and so are the shares: all that is needed now is in a bundle
	secret.Collect()
	if err := opened.rebuild(c, undo, r.Made); err != nil {
		return nil, err
	}
	return &RebuildResult{Identity: opened.generation.Identity, HostAccepted: accepted}, nil
}

// rebuild asks for a new passphrase and writes the folder with the signer's key that is in a
// bundle.
func (o *opened) rebuild(c Console, undo *undoList, made *Folder) error {
	passphrase, err := newPassphrase(c)
	if err != nil {
		return err
	}
	defer passphrase.Destroy()
	dir := media.NewDir(media.RootFS(made.root)) // not by its name, which may be a link by now
	for _, b := range o.bundles {
		if b.Signer == nil {
			continue
		}
		if err := o.generation.Rebuild(dir, b.Signer, passphrase); err != nil {
			return err
		}
		return undo.commit(func() error {
			if err := made.checkIs(made.name); err != nil {
				return err
			}
			return made.root.Chmod(".", 0o700)
		})
	}
	return errors.New("the backup does not hold the signer's key")
}
