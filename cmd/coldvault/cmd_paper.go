package main

import (
	"time"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/ledger"
)

type paperCmd struct {
	Vault      string `required:"" placeholder:"FOLDER" help:"The vault's folder."`
	From       string `placeholder:"MEDIUM" help:"Take the generation from this medium, not from the vault's folder."`
	Generation int    `placeholder:"N" help:"Generation to draw; the newest unless given."`
	Layout     string `enum:"robust,dense" default:"robust" help:"robust reads from a 150 dpi scan, dense holds nearly twice as much a page."`
	Parity     int    `default:"25" placeholder:"PERCENT" help:"How many of all codes may be lost, 25 to 75 percent; 25 unless given."`
	Out        string `required:"" placeholder:"FILE.pdf" help:"File to write; never overwritten."`
	paperSize
	unattended // it asks for nothing: a script may give all its commands the same flags
	made       *ceremony.File
}

func (c *paperCmd) Run(u *ui) error {
	if err := c.unattended.apply(u); err != nil {
		return err
	}
	r, err := ceremony.Pages(u, ceremony.PagesRequest{
		Vault: c.Vault, From: c.From, Number: c.Generation, Layout: c.Layout, Parity: c.Parity, Paper: c.size(), Out: c.made,
		Now: time.Now(),
	})
	if r == nil {
		return err
	}
	u.heading("%s: generation %d of vault %s", r.Out, r.Generation, r.Vault)
	u.print("  %s, %d codes; any %d restore, so %d may be lost", ledger.Count(r.Pages, "page"), r.Codes, r.Data, r.Codes-r.Data)
	u.print("  %d of %d bytes used", r.Payload, r.Capacity)
	u.print("Print at 100 %%, and prove the print: scan it and run `coldvault check --vault %s SCAN`.", c.Vault)
	u.emit("pages", struct {
		Vault      string `json:"vault"`
		Generation int    `json:"generation"`
		Pages      int    `json:"pages"`
		Codes      int    `json:"codes"`
		Enough     int    `json:"enough"`
		File       string `json:"file"`
	}{r.Vault, r.Generation, r.Pages, r.Codes, r.Data, r.Out})
	return err
}
