package main

import (
	"slices"
	"strings"
	"time"

	"coldvault/cmd/internal/ceremony"
)

type kitCmd struct {
	Vault string   `required:"" placeholder:"FOLDER" help:"The vault's folder; its signer signs the list of the kit."`
	Kit   string   `placeholder:"FOLDER" help:"Put these binaries on the media too: files named coldvault-OS-ARCHITECTURE."`
	Media []string `arg:"" name:"medium" help:"Media that hold a generation of the vault."`
	unattended
}

func (c *kitCmd) Run(u *ui) error {
	if err := c.unattended.apply(u); err != nil {
		return err
	}
	r, err := ceremony.WriteKit(u, ceremony.KitRequest{Vault: c.Vault, Media: c.Media, Kit: c.Kit, Now: time.Now(), Host: c.host(u)})
	if r == nil {
		return err
	}
	u.accepted(r.HostAccepted)
	slices.Sort(r.Files)
	for _, m := range r.Media {
		u.verdict(green, "PROVEN", "%s: %s", m, strings.Join(r.Files, ", "))
	}
	u.emit("kit", struct {
		Vault  string       `json:"vault"`
		Files  []string     `json:"files"`
		Media  []string     `json:"media"`
		Failed []failedJSON `json:"failed"`
	}{r.Vault, r.Files, append([]string{}, r.Media...), u.failed(r.Failed)})
	return err
}
