package ceremony

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"coldvault/media"
	"coldvault/media/paper"
	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/qr/scan"
	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/ledger"
	"coldvault/vault/secret"
)

// CreateRequest is what `init` is asked for.
type CreateRequest struct {
	Vault      string // folder to make
	Cards      string // folder to write the cards to
	Label      string
	Shares     int
	Threshold  int
	Hot        int // threshold of hot; 0 means Threshold
	AllShares  bool
	Custodians []string // names for the cards, in order; may be fewer
	NameOthers bool     // print on every card who keeps the others
	// Dice gives rolls, from vault.ParseDice, to be mixed into the seeds; nil for none.
	// It is called when everything else is known to be right.
	Dice  func() (*secret.Buffer, error)
	Paper paper.Size
	Now   time.Time
	Host  Host
	Made  *CreateOutputs // the folders; nil: they are made now
}

// CreateResult says what was made.
type CreateResult struct {
	Identity     *vault.Identity
	Cards        []string // paths of the PDFs
	InMemory     bool     // the cards are on no disk
	HostAccepted []airgap.Finding
}

// A card's codes: a share is 124 digits, which level H holds in version 6. A
// larger version would have modules under 1 mm.
const (
	cardLevel      = qr.LevelH
	maxCardVersion = 7
)

// Create makes a vault and its cards. Nothing of it exists unless all of it does:
// every card was read back from its PDF before the vault's folder is written.
func Create(c Console, r CreateRequest) (result *CreateResult, err error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	accepted, err := hostGate(c, r.Host)
	if err != nil {
		return nil, err
	}
	if r.Made == nil {
		o, stop := NewOutputs(c)
		defer stop()
		r.Made = o.Create(r)
	}
	// Before there is a secret: the disk that the cards would be on may be the wrong one.
	if err := r.Made.failure(); err != nil {
		return nil, err
	}
	inMemory, err := warnOfDisk(c, r.Cards)
	if err != nil {
		return nil, err
	}
	if err := r.warnOfBoxes(c); err != nil {
		return nil, err
	}
	fresh, err := r.create(c, accepted)
	if err != nil {
		return nil, err
	}
	defer fresh.Destroy()
	id := fresh.Identity
	for _, set := range id.Shares.Sets {
		c.Say("split %s into %d shares, any %d open it; every quorum tried", set.Compartment, set.Shares, set.Threshold)
	}

	undo := &undoList{}
	calledOff := c.OnInterrupt(func() {
		undo.run()
		if undo.committed {
			c.Warn("the vault is made: %s, and its %d cards in %s are secrets, to be printed, handed out and removed; `coldvault check --vault %s` shows its fingerprint",
				r.Vault, r.Shares, r.Cards, r.Vault)
		}
	})
	defer func() { // once made, it is to be said of until the end of the report
		if err != nil {
			undo.run()
			calledOff()
		}
	}()
	result = &CreateResult{Identity: id, InMemory: inMemory, HostAccepted: accepted}
	for i := 1; i <= fresh.Cards(); i++ {
		c.Progress("drawing the cards and reading them back", i, fresh.Cards())
		if err := r.writeCard(undo, fresh, i); err != nil {
			return nil, fmt.Errorf("card %d: %w", i, err)
		}
		result.Cards = append(result.Cards, filepath.Join(r.Cards, cardName(i)))
	}
	c.Progress("", 0, 0)
	c.Say("%d cards drawn; every code on them read back", fresh.Cards())
	if err := r.save(undo, fresh); err != nil {
		return nil, err
	}
	c.Say("vault %s written to %s and read back", id.Vault.ID, r.Vault)
	return result, nil
}

// warnOfBoxes names the characters of names that are not on the cards: a custodian has to
// find his own.
func (r *CreateRequest) warnOfBoxes(c Console) error {
	lacking, err := paper.Lacking(r.Label + strings.Join(r.Custodians, ""))
	if err != nil || len(lacking) == 0 {
		return err
	}
	const most = 20
	var named strings.Builder
	for i, char := range lacking {
		switch {
		case i == most:
			named.WriteString(" …")
		case i > most:
		case unicode.IsMark(char): // not to be seen alone
			fmt.Fprintf(&named, " %U ", char)
		default:
			named.WriteRune(char)
		}
	}
	c.Warn("the cards cannot show %s: a box is printed for each; write the label and the custodians' names in Latin, Greek or Cyrillic letters",
		strings.Join(strings.Fields(named.String()), " "))
	return nil
}

// create asks for what the vault is made with, and makes it.
func (r *CreateRequest) create(c Console, accepted []airgap.Finding) (*vault.Fresh, error) {
	passphrase, err := newPassphrase(c)
	if err != nil {
		return nil, err
	}
	defer passphrase.Destroy()
	p := r.params()
	p.Events = hostAccepted("init", accepted)
	p.Custodians = r.keepers()
	if r.Dice != nil {
		p.Dice, err = r.Dice()
		if errors.Is(err, vault.ErrDice) {
			err = withHint(err, "roll a die at least %d times and type what it shows; nothing was made yet", vault.MinDice)
		}
		if err != nil {
			return nil, err
		}
		defer p.Dice.Destroy()
	}
	return vault.Create(p, passphrase)
}

// keepers are the names for the ledger, one a card, "" for who was not named; nil where
// nobody was, or there are more than fit on a line of it.
func (r *CreateRequest) keepers() []string {
	const room = ledger.MaxLine / 2
	names, size := make([]string, r.Shares), 0
	for i := range copy(names, r.Custodians) {
		size += len(names[i])
	}
	if size == 0 || size > room {
		return nil
	}
	return names
}

func cardName(index int) string { return fmt.Sprintf("card-%d.pdf", index) }

func (r *CreateRequest) check() error {
	r.Vault, r.Cards = filepath.Clean(r.Vault), filepath.Clean(r.Cards)
	if r.Hot == 0 {
		r.Hot = r.Threshold
	}
	if len(r.Custodians) > r.Shares {
		return usage("%d custodians for %d cards", len(r.Custodians), r.Shares)
	}
	if _, err := os.Lstat(r.Vault); !errors.Is(err, fs.ErrNotExist) {
		return withHint(errors.Join(fmt.Errorf("%s exists already", r.Vault), err),
			"init makes a new vault; to seal another generation into this one use `coldvault seal --vault %s`", r.Vault)
	}
	if info, err := os.Stat(filepath.Dir(r.Vault)); err != nil || !info.IsDir() {
		return errors.Join(fmt.Errorf("%s is no folder to make the vault in", filepath.Dir(r.Vault)), err)
	}
	p := r.params()
	err := p.Check()
	if p.AllShares = true; err != nil && p.Check() == nil {
		return withHint(&UsageError{Err: err}, "take more cards than the threshold, or say --accept-all-shares if that is really wanted")
	}
	if err != nil {
		return &UsageError{Err: err}
	}
	for _, name := range r.Custodians {
		if err := ledger.CheckCustodian(name); err != nil {
			return &UsageError{Err: err}
		}
	}
	for i := 1; i <= r.Shares; i++ {
		name := filepath.Join(r.Cards, cardName(i))
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			hint := "cards are never overwritten: give another folder with --cards"
			if _, err := os.Lstat(r.temp()); err == nil {
				hint += "; " + restOfInit(r.temp())
			}
			return withHint(errors.Join(fmt.Errorf("%s exists already", name), err), "%s", hint)
		}
	}
	return nil
}

// temp is the name of the vault's folder until all of it is made.
func (r *CreateRequest) temp() string { return r.Vault + ".new" }

// restOfInit says what a folder under the temporary name is where an earlier init was killed.
// Its cards have their final names, and there is no vault to try them with. They need not be
// in the folder that is given now, where those of another vault may be.
func restOfInit(temp string) string {
	return fmt.Sprintf("unless an init is running, %s is the rest of an interrupted one, which made no vault: the cards that it wrote "+
		"to the --cards given then never counted; destroy them like cards, and remove %s", temp, temp)
}

func (r *CreateRequest) params() vault.CreateParams {
	return vault.CreateParams{
		Label: r.Label, Created: r.Now.UTC().Truncate(time.Second), Shares: r.Shares,
		ColdThreshold: r.Threshold, HotThreshold: r.Hot, AllShares: r.AllShares,
	}
}

// save writes the vault's folder under a temporary name and renames it when all
// of it is durable.
func (r *CreateRequest) save(undo *undoList, fresh *vault.Fresh) error {
	made := r.Made.vault
	if err := undo.fill(made); err != nil {
		return err
	}
	dir := media.NewDir(media.RootFS(made.root)) // not by its name, which may be a link by now
	// Under the lock of undo: an interrupt waits, and then finds all of it.
	if err := undo.do(func() error { return fresh.Save(dir) }, func() {}); err != nil {
		return err
	}
	if _, err := vault.OpenFolder(dir); err != nil {
		return err
	}
	return undo.commit(func() error {
		if err := made.checkIs(made.name); err != nil {
			return err
		}
		if err := os.Rename(made.name, r.Vault); err != nil {
			return err
		}
		if err := made.checkIs(r.Vault); err != nil { // exchanged between the look and the rename
			return err
		}
		return syncFolder(r.Made.above)
	})
}

// writeCard draws one card, reads it back and writes it. A card is a secret: its
// PDF is made inside secret.Do and goes to a new file of mode 0400. Keeps G21.
func (r *CreateRequest) writeCard(undo *undoList, fresh *vault.Fresh, index int) error {
	err := secret.Do(func() error {
		shares, err := fresh.Card(index)
		if err != nil {
			return err
		}
		pdf, err := r.drawCard(fresh.Identity, shares, index)
		if err != nil {
			return err
		}
		defer secret.Wipe(pdf)
		if err := proveCard(pdf, shares); err != nil {
			return err
		}
		return undo.createIn(r.Made.cards, cardName(index), pdf, 0o400)
	})
	secret.Collect()
	return err
}

func (r *CreateRequest) drawCard(id *vault.Identity, shares []shard.Share, index int) ([]byte, error) {
	card := paper.Card{Vault: paperVault(id), Index: index, Created: id.Vault.Created}
	if index <= len(r.Custodians) {
		card.Custodian = r.Custodians[index-1]
	}
	if r.NameOthers {
		card.Others = r.others(index)
	}
	for _, s := range shares {
		text := shard.AppendText(nil, s)
		defer secret.Wipe(text)
		code, err := qr.EncodeSmallest(text, cardLevel, 1, maxCardVersion)
		if err != nil {
			return nil, err
		}
		set := s.Set()
		words := shard.AppendWords(nil, s)
		defer secret.Wipe(words)
		card.Shares = append(card.Shares, paper.CardShare{
			Compartment: s.Compartment().String(), Set: set.String(), Threshold: s.Threshold(), Shares: s.Shares(),
			Code: code, Words: splitWords(words),
		})
	}
	var b bytes.Buffer
	err := paper.WriteCard(&b, card, r.Paper)
	return b.Bytes(), err
}

// others are the names of those who keep the other cards.
func (r *CreateRequest) others(index int) string {
	var names []string
	for i, name := range r.Custodians {
		if i+1 != index {
			names = append(names, fmt.Sprintf("%d %s", i+1, name))
		}
	}
	return strings.Join(names, ", ")
}

// splitWords makes the strings that the PDF library wants.
func splitWords(words []byte) []string {
	var out []string
	for w := range bytes.FieldsSeq(words) {
		out = append(out, string(w))
	}
	return out
}

// proveCard reads the finished PDF as a scanner's user would and wants exactly
// the shares that were to be drawn. Keeps G6.
func proveCard(pdf []byte, shares []shard.Share) error {
	found, err := scan.Read(pdf, scan.Options{})
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	if len(found.Codes) != len(shares) {
		return fmt.Errorf("reading it back: %d codes where %d were drawn", len(found.Codes), len(shares))
	}
	for _, want := range shares {
		text := digits.Append(nil, want.Bytes())
		defer secret.Wipe(text)
		if !slices.ContainsFunc(found.Codes, func(c scan.Code) bool { return bytes.Equal(c.Text, text) }) {
			return fmt.Errorf("reading it back: the code of %s is not what was drawn", want)
		}
	}
	return nil
}

func paperVault(id *vault.Identity) paper.Vault {
	return paper.Vault{ID: id.Vault.ID, Label: id.Vault.Label, Fingerprint: id.FingerprintHex(), Words: id.Words()}
}
