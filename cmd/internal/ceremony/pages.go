package ceremony

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"coldvault/media/paper"
	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/qr/scan"
	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// PagesRequest is what `paper` is asked for.
type PagesRequest struct {
	Vault  string
	From   string // a medium; "" for the vault's folder
	Number int    // generation, 0 for the newest
	Layout string
	Parity int // percent of all codes
	Paper  paper.Size
	Out    *File
	Now    time.Time
}

// PagesResult says what was drawn.
type PagesResult struct {
	Vault             string
	Generation        int
	Pages             int
	Codes, Data       int // codes drawn, codes that are enough
	Payload, Capacity int // bytes
	Out               string
}

// Pages draws a generation as a PDF, reads it back, and writes it.
func Pages(c Console, r PagesRequest) (*PagesResult, error) {
	layout, err := qr.LayoutByName(r.Layout)
	if err != nil {
		return nil, &UsageError{Err: err}
	}
	if r.Parity < qr.MinParity || r.Parity > qr.MaxParity {
		return nil, usage("--parity %d is not from %d to %d percent", r.Parity, qr.MinParity, qr.MaxParity)
	}
	generation, closeAll, err := r.open(c)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	payload, err := vault.PackPages(generation)
	if err != nil {
		return nil, err
	}
	grid := paper.GridFor(layout, r.Paper)
	id, err := format.DecodeVaultID(generation.Identity.Vault.ID)
	if err != nil {
		return nil, err
	}
	frames, err := qr.Split(id, uint32(generation.Number), payload, layout, grid.Codes(), r.Parity)
	if err != nil {
		return nil, withHint(err, "what is too large for paper stays on USB")
	}
	pdf, err := drawPages(generation, frames, layout, r.Paper)
	if err != nil {
		return nil, err
	}
	if err := provePages(c, pdf, frames, payload); err != nil {
		return nil, err
	}
	undo := &undoList{}
	defer c.OnInterrupt(undo.run)()
	if err := r.Out.write(undo, pdf); err != nil {
		undo.run()
		if errors.Is(err, errUnsynced) {
			return nil, err
		}
		if errors.Is(err, fs.ErrExist) {
			return nil, withHint(err, "the PDF is never written over an existing file: give another name with --out")
		}
		return nil, withHint(err, "nothing was left of it; give a place with room that can be written with --out")
	}
	set := hex.EncodeToString(frames[0].Set[:])
	err = record(r.Vault, r.Now, ledger.Copied{
		Medium: paperID(generation.Identity.Vault.ID, set), Kind: ledger.Paper, Generation: generation.Number,
	})
	return &PagesResult{
		Vault: generation.Identity.Vault.ID, Generation: generation.Number,
		Pages: (len(frames) + grid.Codes() - 1) / grid.Codes(), Codes: len(frames), Data: frames[0].Data,
		Payload: len(payload), Capacity: frames[0].Data * layout.BodySize, Out: r.Out.name,
	}, err
}

// open finds the generation: on the medium, or in the vault's folder.
func (r *PagesRequest) open(c Console) (g *vault.Copy, closeAll func(), err error) {
	var closers []func()
	closeOpened := func() {
		for _, f := range closers {
			f()
		}
	}
	// Not closeAll: a return with an error has made that nil.
	defer func() {
		if err != nil {
			closeOpened()
		}
	}()
	folder, closeFolder, err := openFolder(r.Vault)
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, closeFolder)
	found := []*vault.Medium{folder.Medium}
	if r.From != "" {
		in, err := NewIntake()
		if err != nil {
			return nil, nil, err
		}
		closers = append(closers, in.Close)
		if err := in.add(r.From, nil); err != nil {
			return nil, nil, err
		}
		found = in.AllMedia()
	}
	copies, err := vault.GatherCopies(found, folder.ID)
	if err != nil {
		return nil, nil, err
	}
	g, err = copies.Select(r.Number)
	for _, n := range copies.Notes {
		c.Warn("%s", n)
	}
	var damaged *vault.DamagedGenerationError
	if errors.As(err, &damaged) {
		err = withHint(err, "give a medium that has it with --from; or take an older one with --generation, if its age does no harm")
	}
	return g, closeOpened, err
}

func drawPages(g *vault.Copy, frames []qr.Frame, layout qr.Layout, size paper.Size) ([]byte, error) {
	set := frames[0].Set
	pages := paper.Pages{
		Vault: paperVault(g.Identity), Generation: g.Number, Created: g.Manifest.Created,
		Layout: layout, Set: hex.EncodeToString(set[:]), Data: frames[0].Data,
	}
	for _, f := range frames {
		code, err := qr.Encode(digits.Append(nil, f.Marshal()), layout.Version, layout.Level)
		if err != nil {
			return nil, err
		}
		pages.Codes = append(pages.Codes, code)
	}
	var b bytes.Buffer
	err := paper.WritePages(&b, pages, size)
	return b.Bytes(), err
}

// provePages reads the finished PDF and wants every frame, and from the data and
// the parity the payload. Keeps G6.
func provePages(c Console, pdf []byte, frames []qr.Frame, payload []byte) error {
	c.Progress("reading the pages back", 0, 1)
	defer c.Progress("", 0, 0)
	found, err := scan.Read(pdf, scan.Options{Workers: 2})
	if err != nil {
		return fmt.Errorf("reading the pages back: %w", err)
	}
	var all, parity qr.Collector
	for _, code := range found.Codes {
		raw, err := digits.Decode(nil, code.Text)
		if err != nil {
			return fmt.Errorf("reading the pages back: %w", err)
		}
		f, err := qr.ParseFrame(raw)
		if err != nil {
			return fmt.Errorf("reading the pages back: %w", err)
		}
		if _, err := all.Add(f); err != nil {
			return fmt.Errorf("reading the pages back: %w", err)
		}
		// The first P frames left out: parity must give them back.
		if f.Index >= f.Total-f.Data {
			if _, err := parity.Add(f); err != nil {
				return fmt.Errorf("reading the pages back: %w", err)
			}
		}
	}
	if all.Have() != len(frames) {
		return fmt.Errorf("reading the pages back: %d of %d codes can be read", all.Have(), len(frames))
	}
	for _, set := range []*qr.Collector{&all, &parity} {
		got, err := set.Payload()
		if err != nil {
			return fmt.Errorf("reading the pages back: %w", err)
		}
		if !bytes.Equal(got, payload) {
			return errors.New("reading the pages back: they do not give back what was drawn")
		}
	}
	c.Say("%d codes drawn; all of them read back, and the data rebuilt from parity", len(frames))
	return nil
}
