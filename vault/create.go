// Package vault makes vaults, seals generations into them, checks them, and opens
// them again, in the formats of FORMAT.md.
//
// Everything is encrypted by age, to one post-quantum recipient a compartment, and
// signed in minisign's format; this is the only package that calls either. Seeds
// exist only while a vault is made and while a compartment is opened, in guarded
// memory, and every computation on them runs inside secret.Do. Sealing needs no
// secret but the signer's key.
//
// What it promises: nothing unsigned or altered is ever restored; a medium that
// fails does not stop the others; a write that is interrupted leaves the generation
// before it untouched; a restore leaves all files or none.
package vault

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"filippo.io/age"

	"coldvault/media"
	"coldvault/shard"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
	"coldvault/vault/secret"
)

// signerFile holds the signer's key, encrypted with its passphrase, in the
// vault's folder on the cold machine.
const signerFile = "signer.age"

// CreateParams says what vault to make.
type CreateParams struct {
	Label   string
	Created time.Time
	Shares  int // cards; every custodian has one share of each compartment
	// Cards needed to open each compartment.
	ColdThreshold, HotThreshold int
	// AllShares allows a threshold equal to Shares, where one lost card is
	// the loss of the vault.
	AllShares  bool
	Custodians []string       // for the ledger, in the order of the cards; may be fewer
	Events     []ledger.Event // to be recorded with the making of the vault
	// Dice are rolls from ParseDice, mixed into each seed; nil for none. The
	// caller destroys them.
	Dice *secret.Buffer
}

// Fresh is a vault that has just been made and is not written yet. It holds
// every share in guarded memory; the seeds are gone already.
type Fresh struct {
	Identity *Identity
	signer   []byte         // signer.age
	ledger   *ledger.Ledger // signed
	shares   *secret.Buffer // cold 1…n, then hot 1…n
	n        int
}

// Check refuses parameters that cannot make a vault worth having.
func (p CreateParams) Check() error {
	if err := format.CheckLabel(p.Label); err != nil {
		return err
	}
	for _, t := range []struct {
		name string
		k    int
	}{{"cold", p.ColdThreshold}, {"hot", p.HotThreshold}} {
		switch {
		case t.k < shard.MinThreshold:
			return fmt.Errorf("a threshold of %d for %s: one card alone would open it; at least %d are needed", t.k, t.name, shard.MinThreshold)
		case t.k > p.Shares:
			return fmt.Errorf("%d cards cannot give the %d that %s needs", p.Shares, t.k, t.name)
		case p.Shares > shard.MaxShares:
			return fmt.Errorf("%d cards are more than the %d that a set can have", p.Shares, shard.MaxShares)
		case t.k == p.Shares && !p.AllShares:
			return fmt.Errorf("%d of %d for %s: the first card lost is the vault lost", t.k, p.Shares, t.name)
		}
	}
	return nil
}

// Create makes a vault: a seed and a share set for each compartment, and a
// signer whose key is locked with the passphrase. Seeds are the system's randomness,
// each its own, with p.Dice mixed in. Before it returns it has
// recombined every quorum (or a sample) and opened an age file with each
// identity.
func Create(p CreateParams, passphrase *secret.Buffer) (*Fresh, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if passphrase.Len() == 0 {
		return nil, errors.New("the passphrase is empty")
	}
	signer, public, err := newSigner()
	if err != nil {
		return nil, err
	}
	defer signer.Destroy()
	seeds, err := newSeeds(p.Dice, public)
	if err != nil {
		return nil, err
	}
	defer seeds.Destroy()
	coldSeed, hotSeed := seeds.Bytes()[:shard.SeedSize], seeds.Bytes()[shard.SeedSize:]

	v := format.Vault{Label: p.Label, Created: p.Created, Signer: public}
	recipients := map[string][]byte{}
	for i, seed := range [][]byte{coldSeed, hotSeed} {
		recipient, err := recipientOf(seed)
		if err != nil {
			return nil, err
		}
		if err := proveIdentity(seed, recipient); err != nil {
			return nil, err
		}
		name, file := format.Compartments()[i], format.RecipientFile(recipient)
		sum := sha256.Sum256(file)
		v.Compartments = append(v.Compartments, format.Compartment{Name: name, RecipientSHA256: hex.EncodeToString(sum[:])})
		recipients[recipientFile(name)] = file
	}
	if v, err = v.WithID(); err != nil {
		return nil, err
	}
	f := &Fresh{n: p.Shares}
	if f.shares, err = secret.New(2 * p.Shares * shard.ShareSize); err != nil {
		return nil, err
	}
	if err := f.finish(p, v, recipients, signer, passphrase, coldSeed, hotSeed); err != nil {
		f.Destroy()
		return nil, err
	}
	return f, nil
}

// newSeeds makes the seed of each compartment, in the order of format.Compartments.
func newSeeds(dice *secret.Buffer, signer string) (*secret.Buffer, error) {
	compartments := format.Compartments()
	seeds, err := secret.NewSeed(len(compartments) * shard.SeedSize)
	if err != nil {
		return nil, err
	}
	rand.Read(seeds.Bytes()) // never fails: crypto/rand ends the process instead
	if dice == nil {
		return seeds, nil
	}
	err = checkDice(dice.Bytes())
	for i, name := range compartments {
		if err == nil {
			err = mixDice(seeds.Bytes()[i*shard.SeedSize:][:shard.SeedSize], dice.Bytes(), signer, name)
		}
	}
	if err != nil {
		seeds.Destroy()
		return nil, err
	}
	return seeds, nil
}

// finish splits the seeds and signs the files.
func (f *Fresh) finish(p CreateParams, v format.Vault, recipients map[string][]byte, signer, passphrase *secret.Buffer, coldSeed, hotSeed []byte) error {
	shares := format.Shares{Vault: v.ID, Sequence: 1, Created: p.Created}
	cold, err := f.split(v.ID, shard.Cold, p.ColdThreshold, coldSeed)
	if err != nil {
		return err
	}
	hot, err := f.split(v.ID, shard.Hot, p.HotThreshold, hotSeed)
	if err != nil {
		return err
	}
	shares.Sets = []format.ShareSet{cold, hot}
	vaultJSON, err := v.Marshal()
	if err != nil {
		return err
	}
	sharesJSON, err := shares.Marshal()
	if err != nil {
		return err
	}
	files := maps.Clone(recipients)
	files[vaultFile], files[sharesFile] = vaultJSON, sharesJSON
	for _, name := range []string{vaultFile, sharesFile} {
		sig, err := sign(signer, files[name], trustedComment(v.ID, name))
		if err != nil {
			return err
		}
		files[name+signatureExt] = sig
	}
	if f.signer, err = lockSigner(signer, passphrase); err != nil {
		return err
	}
	// Read it as any medium is read: what does not verify is never written.
	m := &Medium{Source: media.Memory{Title: "new vault", Files: files}, base: "."}
	if m.open(); m.Err != nil {
		return m.Err
	}
	f.Identity = m.Identity
	if f.ledger, err = beginLedger(f.Identity, p.Custodians); err != nil {
		return err
	}
	if len(p.Events) > 0 {
		if err := f.ledger.Append(p.Created, p.Events...); err != nil {
			return err
		}
	}
	if err := signLedger(f.ledger, f.Identity, signer); err != nil {
		return err
	}
	return nil
}

// split fills the compartment's part of f.shares.
func (f *Fresh) split(vaultID string, c shard.Compartment, threshold int, seed []byte) (format.ShareSet, error) {
	p := shard.Params{Compartment: c, Threshold: threshold, Shares: f.n}
	var err error
	if p.Vault, err = format.DecodeVaultID(vaultID); err != nil {
		return format.ShareSet{}, err
	}
	rand.Read(p.Set[:])
	raw := make([][]byte, f.n)
	for i := range raw {
		raw[i] = f.raw(c, i+1)
	}
	set := format.ShareSet{
		Set: p.Set.String(), Compartment: c.String(), Threshold: threshold, Shares: f.n, Status: format.Current,
	}
	err = secret.Do(func() error {
		if err := shard.Split(raw, seed, p); err != nil {
			return err
		}
		for _, b := range raw {
			s, err := shard.Parse(b)
			if err != nil {
				return err
			}
			sum := shard.Commitment(s)
			set.Commitments = append(set.Commitments, hex.EncodeToString(sum[:]))
		}
		return nil
	})
	return set, err
}

// raw is the memory of one share; index counts from 1.
func (f *Fresh) raw(c shard.Compartment, index int) []byte {
	i := index - 1
	if c == shard.Hot {
		i += f.n
	}
	return f.shares.Bytes()[i*shard.ShareSize : (i+1)*shard.ShareSize : (i+1)*shard.ShareSize]
}

// Cards is the number of cards.
func (f *Fresh) Cards() int { return f.n }

// Card gives the shares of one card, cold and hot, as views of guarded memory
// that end with Destroy. index counts from 1.
func (f *Fresh) Card(index int) ([]shard.Share, error) {
	var out []shard.Share
	for _, c := range []shard.Compartment{shard.Cold, shard.Hot} {
		s, err := shard.Parse(f.raw(c, index))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Save writes the vault's folder.
func (f *Fresh) Save(dir *media.Dir) error {
	if err := writeIdentity(dir, ".", f.Identity); err != nil {
		return err
	}
	if err := dir.Commit(signerFile, f.signer); err != nil {
		return err
	}
	if err := dir.ReadBack(signerFile, f.signer); err != nil {
		return err
	}
	return f.ledger.Save(dir)
}

// Destroy wipes the shares.
func (f *Fresh) Destroy() { f.shares.Destroy() }

// proveIdentity opens an age file with the identity that is to be split.
func proveIdentity(seed []byte, recipient string) error {
	r, err := age.ParseHybridRecipient(recipient)
	if err != nil {
		return err
	}
	probe := make([]byte, 32)
	rand.Read(probe)
	var file bytes.Buffer
	w, err := age.Encrypt(&file, r)
	if err != nil {
		return err
	}
	if _, err := w.Write(probe); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	id, err := newIdentity(seed)
	if err != nil {
		return err
	}
	defer id.destroy()
	return secret.Do(func() error {
		plain, err := age.Decrypt(&file, id)
		if err != nil {
			return fmt.Errorf("the new identity does not open what is sealed to it: %w", err)
		}
		got, err := io.ReadAll(io.LimitReader(plain, int64(len(probe))+1))
		if err != nil || subtle.ConstantTimeCompare(got, probe) != 1 {
			return errors.New("the new identity does not open what is sealed to it")
		}
		return nil
	})
}
