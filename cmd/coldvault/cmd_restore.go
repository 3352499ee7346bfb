package main

import (
	"time"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault"
	"coldvault/vault/ledger"
)

type restoreCmd struct {
	From         []string `sep:"none" placeholder:"MEDIUM" help:"Medium, or scans of bundle pages (PNG, JPEG, TIFF, PDF, text, folder; - is standard input). Repeat it: the best of all copies is used."`
	Card         []string `sep:"none" placeholder:"FILE" help:"A custodian's card: image, PDF or text with its digits or words. Repeat it. Without enough cards they are asked for."`
	Camera       string   `placeholder:"DEVICE" help:"Camera to show cards to, as /dev/video0, and before them pages where no medium is given."`
	Role         string   `default:"all" help:"What to restore: all, cold, hot; archive, the large files alone; standby, what a standby block producer starts with; validator, sv, daemon, miner; or vault, the vault's own folder for a new cold machine."`
	To           string   `required:"" placeholder:"FOLDER" help:"Folder to restore into: new or empty, best on a tmpfs."`
	Generation   int      `placeholder:"N" help:"Generation to restore; the newest unless given."`
	ChainCounter []string `name:"chain-counter" sep:"none" placeholder:"N|unknown" help:"What the network says of a counter that is restored, as FILE=N where there are several. Without it, or where it does not fit, the file gets a name that no tool picks up."`
	VaultID      string   `name:"vault-id" placeholder:"ID" help:"Which vault, where the media hold several."`
	chain
	unattended
	made   *ceremony.RestoreOutputs
	folder *ceremony.Folder // instead, for the role vault
}

func (c *restoreCmd) Run(u *ui) error {
	if err := c.unattended.apply(u); err != nil {
		return err
	}
	if err := ceremony.CheckChainCounters(c.ChainCounter); err != nil {
		return err
	}
	if len(c.From) == 0 && c.Camera == "" {
		return &ceremony.HintError{Err: &ceremony.UsageError{Err: errNothing}, Hint: "coldvault restore --from MEDIUM --to FOLDER, or --camera for pages"}
	}
	source, stop, err := u.openCamera(c.Camera)
	if err != nil {
		return err
	}
	defer stop()
	rules, err := c.rules()
	if err != nil {
		return err
	}
	given := ceremony.Opening{
		From: c.From, Cards: c.Card, Stdin: u.quiet(u.in), Camera: source, Vault: c.VaultID, Number: c.Generation, Host: c.host(u),
	}
	if c.Role == ceremony.RoleVault {
		return c.rebuild(u, given)
	}
	r, err := ceremony.Restore(u, ceremony.RestoreRequest{
		Opening: given, Role: c.Role, To: c.To, ChainCounter: c.ChainCounter, Rules: rules, Made: c.made,
	})
	if r == nil {
		return err
	}
	u.accepted(r.HostAccepted)
	u.heading("%s of generation %d (%s) restored to %s", ledger.Count(len(r.Files), "file"), r.Generation, r.Sealed.Format("2006-01-02 15:04 UTC"), r.To)
	rows := [][]string{{"FILE", "NETWORK", "ROLE", "FROM"}}
	for _, f := range r.Files {
		rows = append(rows, []string{f.Name, f.Network, f.Role, f.In})
		u.emit("file", struct {
			Name        string `json:"name"`
			Network     string `json:"network"`
			Role        string `json:"role"`
			Compartment string `json:"compartment"`
		}{f.Name, f.Network, f.Role, f.In})
	}
	u.table(rows)
	u.verdicts(r.Report)
	for _, f := range r.Facts {
		u.print("  recorded at sealing: %s = %s", f.Name, f.Value)
		u.emit("fact", struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		}{f.Name, f.Value})
	}
	for _, a := range r.Accepted {
		u.verdict(yellow, "ACCEPTED", "at sealing although %s failed, because: %s", a.Check, a.Because)
		u.emit("accepted", struct {
			Check   string `json:"check"`
			Because string `json:"because"`
		}{a.Check, a.Because})
	}
	for _, h := range r.Held {
		u.verdict(yellow, "HELD", "%s is restored as %s: %s", h.Name, h.As, h.Why)
		u.emit("held", struct {
			Name string `json:"name"`
			As   string `json:"as"`
			Why  string `json:"why"`
		}{h.Name, h.As, h.Why})
	}
	u.leftOut(r.LeftOut, red, "restored")
	for _, name := range r.Runbook {
		u.print("What to do now, step by step: %s", name)
	}
	u.print("Every file has the digest it was sealed with, is readable by you alone (0400), and was read back.")
	u.emit("restored", struct {
		Vault       string   `json:"vault"`
		Fingerprint string   `json:"fingerprint"`
		Words       []string `json:"words"`
		Generation  int      `json:"generation"`
		Created     string   `json:"created"`
		To          string   `json:"to"`
		InMemory    bool     `json:"in_memory"`
		Runbook     []string `json:"runbook"`
	}{r.Identity.Vault.ID, r.Identity.FingerprintHex(), r.Identity.Words(), r.Generation, r.Sealed.Format(time.RFC3339), r.To, r.InMemory, append([]string{}, r.Runbook...)})
	return err
}

// rebuild sets the vault's own folder up again.
func (c *restoreCmd) rebuild(u *ui, given ceremony.Opening) error {
	r, err := ceremony.Rebuild(u, ceremony.RebuildRequest{Opening: given, To: c.To, Made: c.folder})
	if err != nil {
		return err
	}
	u.accepted(r.HostAccepted)
	u.heading("vault folder set up again in %s", c.To)
	u.print("Seal with it as before; the cards stay as they are. If the old folder still exists, destroy it: two folders")
	u.print("of one vault would each give out the next generation's number.")
	u.emit("folder", struct {
		Folder string `json:"folder"`
	}{c.To})
	return nil
}

// leftOut prints the archives that are not there, and what they are not therefore.
func (u *ui) leftOut(archives []vault.LeftOut, color, not string) {
	for _, l := range archives {
		u.verdict(color, "MISSING", "%s is not %s: %v", l.Name, not, l.Err)
		u.emit("left_out", struct {
			Name string `json:"name"`
			Why  string `json:"why"`
		}{l.Name, l.Err.Error()})
	}
}
