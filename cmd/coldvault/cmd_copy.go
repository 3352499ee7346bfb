package main

import (
	"time"

	"coldvault/cmd/internal/ceremony"
)

type copyCmd struct {
	From       []string `required:"" sep:"none" placeholder:"MEDIUM" help:"Medium that holds the generation. Repeat it: what is damaged on one is taken from another."`
	To         []string `required:"" sep:"none" placeholder:"MEDIUM" help:"Medium to write to. Repeat it."`
	Generation int      `placeholder:"N" help:"Generation to copy; the newest unless given."`
	VaultID    string   `name:"vault-id" placeholder:"ID" help:"Which vault, where the media hold several."`
	Vault      string   `placeholder:"FOLDER" help:"Record the copies in the ledger of this vault's folder."`
}

func (c *copyCmd) Run(u *ui) error {
	r, err := ceremony.Copy(u, ceremony.CopyRequest{From: c.From, To: c.To, Vault: c.VaultID, Number: c.Generation, Ledger: c.Vault, Now: time.Now()})
	if r == nil {
		return err
	}
	u.heading("generation %d of vault %s", r.Generation, r.Vault)
	for _, m := range r.Media {
		u.verdict(green, "PROVEN", "%s", m)
	}
	u.emit("copy", struct {
		Vault      string       `json:"vault"`
		Generation int          `json:"generation"`
		Media      []string     `json:"media"`
		Failed     []failedJSON `json:"failed"`
	}{r.Vault, r.Generation, append([]string{}, r.Media...), u.failed(r.Failed)})
	return err
}
