package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
	"coldvault/vault/secret"
)

// The record of a vault (FORMAT.md section 10): the ledger in its folder and in every
// generation.

// Ledger reads the record of the vault, as far as it is signed proven by the signer.
func (f *Folder) Ledger() (*ledger.Ledger, error) {
	l, err := ledger.Open(f.dir, f.ID, verifyHead(f.Identity))
	if errors.Is(err, fs.ErrNotExist) {
		// A vault from before there were ledgers begins one now.
		return beginLedger(f.Identity, nil)
	}
	return l, err
}

func verifyHead(id *Identity) ledger.Verify {
	return func(message, signature []byte) error {
		return verify(id.Vault.Signer, message, signature, trustedComment(id.Vault.ID, ledger.HeadName))
	}
}

func signLedger(l *ledger.Ledger, id *Identity, signer *secret.Buffer) error {
	return l.Sign(func(message []byte) ([]byte, error) {
		return sign(signer, message, trustedComment(id.Vault.ID, ledger.HeadName))
	}, verifyHead(id))
}

// beginLedger is the ledger of a vault that nothing has happened to.
func beginLedger(id *Identity, custodians []string) (*ledger.Ledger, error) {
	created := ledger.VaultCreated{Vault: id.Vault.ID, Custodians: custodians}
	for _, s := range id.Shares.Sets {
		if s.Status == format.Current {
			created.Sets = append(created.Sets, ledger.ShareSet{
				Set: s.Set, Compartment: s.Compartment, Threshold: s.Threshold, Shares: s.Shares,
			})
		}
	}
	l := &ledger.Ledger{}
	return l, l.Append(id.Vault.Created, created)
}

// Record adds events to the ledger. With the signer's key all of it is signed then;
// without, signer is nil, the lines wait for the next time.
func (f *Folder) Record(now time.Time, signer *secret.Buffer, events ...ledger.Event) error {
	unlock, err := f.dir.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	l, err := f.Ledger()
	if err != nil {
		return err
	}
	if err := l.Append(now.UTC().Truncate(time.Second), events...); err != nil {
		return err
	}
	if signer != nil {
		if err := signLedger(l, f.Identity, signer); err != nil {
			return err
		}
	}
	return l.Save(f.dir)
}

// ledger is that of the folder with the event of this generation.
func (s *sealing) ledger() (*ledger.Ledger, error) {
	l, err := s.folder.Ledger()
	if err == nil {
		err = l.Append(s.request.Created, s.sealed())
	}
	if err != nil {
		return nil, fmt.Errorf("the ledger: %w", err)
	}
	return l, nil
}

// sealLedger is the ledger with this generation, as the bundle of files that the
// generation carries.
func (s *sealing) sealLedger() ([]byte, error) {
	l, err := s.ledger()
	if err != nil {
		return nil, err
	}
	if err := signLedger(l, s.folder.Identity, s.request.Signer); err != nil {
		return nil, err
	}
	files, err := l.Files()
	if err != nil {
		return nil, err
	}
	recipient, err := s.folder.Identity.recipient("cold")
	if err != nil {
		return nil, err
	}
	return sealFiles(recipient, files, s.request.Created)
}

// sealed is the event of this generation. The folder's ledger gets the same line: the
// one in the generation is its beginning.
func (s *sealing) sealed() ledger.Sealed {
	return ledger.Sealed{
		Generation: s.number, Created: s.request.Created, Compartments: format.Compartments(), Deadlines: s.request.Deadlines,
	}
}

// checkLedger proves the ledger of a vault's own folder, and that the two are of one time. It
// returns the generations that were sealed, and when.
func (c *Checked) checkLedger() map[int]time.Time {
	dir, ok := c.Medium.Source.(*media.Dir)
	if !ok {
		return nil
	}
	where := c.Medium.Path(ledger.FolderName)
	l, err := ledger.Open(dir, c.Medium.ID, verifyHead(c.Medium.Identity))
	if errors.Is(err, fs.ErrNotExist) {
		l, err = &ledger.Ledger{}, nil
	}
	if err != nil {
		c.add(Damage, "VAULT-LEDGER", where, err)
		return nil
	}
	if l.Unproven() {
		c.add(Damage, "VAULT-LEDGER-UNSIGNED", where, errors.New(ledger.UnprovenAdvice))
	}
	c.ledger = l
	for _, g := range c.Medium.found() {
		if !g.Older && g.Generation > l.Newest() {
			c.add(Damage, LedgerBehind, where, fmt.Errorf("it does not know generation %d, which lies beside it: %s", g.Generation, ledger.LostAdvice))
		}
	}
	there, err := c.Medium.numbers()
	if n := l.Newest(); err == nil && n > 0 && !slices.Contains(there, n) {
		c.add(Damage, GenerationGone, c.Medium.Path(generationDir(n)),
			fmt.Errorf("it is gone, and the ledger says that it was sealed on %s: seal again", l.Sealed()[n].Format(time.DateOnly)))
	}
	return l.Sealed()
}

// checkBehind reports a ledger that does not know the newest generation, which a medium has.
func (c *Checked) checkBehind(others []*Checked) {
	newest := max(c.ledger.Newest(), c.recorded)
	var on []string
	for _, other := range others {
		switch {
		case other.Medium.ID != c.Medium.ID || other.recorded < newest || other.recorded == newest && on == nil:
		case other.recorded > newest:
			newest, on = other.recorded, []string{other.Medium.Source.Name()}
		default:
			on = append(on, other.Medium.Source.Name())
		}
	}
	if on != nil {
		c.add(Damage, LedgerBehind, c.Medium.Path(ledger.FolderName),
			fmt.Errorf("it does not know generation %d, which is on %s: %s", newest, strings.Join(on, ", "), ledger.LostAdvice))
	}
}

// found are the newest generation in the folder of a vault that was sealed with a ledger, as that ledger
// had it, and the newest before there were any.
func (m *Medium) found() (all []ledger.Found) {
	generations, err := m.Generations(m.Identity)
	if err != nil {
		return nil // reported where they are read
	}
	for _, older := range []bool{false, true} {
		for _, g := range slices.Backward(generations) {
			if g.Err == nil && g.recorded() != older {
				sealed := ledger.Sealed{Generation: g.Number, Created: g.Manifest.Created, Compartments: format.Compartments()}
				all = append(all, ledger.Found{Sealed: sealed, Older: older})
				break
			}
		}
	}
	return all
}

// Unrecorded names a generation that was sealed and of which the ledger does not know that, "" for none.
func (f *Folder) Unrecorded() (string, error) {
	l, err := f.Ledger()
	if err != nil {
		return "", err
	}
	recorded, newest := 0, 0
	for _, g := range f.found() {
		if newest = max(newest, g.Generation); !g.Older {
			recorded = g.Generation
		}
	}
	switch n := l.Proven(); {
	case n > max(l.Newest(), newest):
		return fmt.Sprintf("generation %d, which was seen on a medium", n), nil
	case recorded > l.Newest():
		return fmt.Sprintf("generation %d, which lies in the vault's folder", recorded), nil
	}
	return "", nil
}

// Status is what the ledger amounts to, and the generations in the folder.
func (f *Folder) Status(l *ledger.Ledger, now time.Time) ledger.Status {
	return ledger.Compute(l, now, f.found()...)
}

// openLedger reads the ledger that a generation carries. Pages carry none.
func (c *Copy) openLedger(id *identity) (l *ledger.Ledger, notes []string, err error) {
	want, ok := c.Manifest.File(format.LedgerName)
	if !ok {
		return nil, nil, fs.ErrNotExist
	}
	ciphertext, notes, err := c.readFile(want)
	if err != nil {
		return nil, nil, err
	}
	files, err := openFiles(ciphertext, id, path.Join(ledger.FolderName, ledger.LinesName),
		path.Join(ledger.FolderName, ledger.HeadName), path.Join(ledger.FolderName, ledger.SignatureName))
	if err != nil {
		return nil, notes, err
	}
	l, err = ledger.Unpack(files, c.Identity.Vault.ID, verifyHead(c.Identity))
	return l, notes, err
}
