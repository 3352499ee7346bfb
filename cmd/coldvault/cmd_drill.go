package main

import (
	"time"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/ledger"
)

type drillCmd struct {
	From       []string `sep:"none" placeholder:"MEDIUM" help:"Medium, or scans of bundle pages. Repeat it."`
	Card       []string `sep:"none" placeholder:"FILE" help:"A custodian's card: image, PDF or text. Repeat it. Without enough cards they are asked for."`
	Camera     string   `placeholder:"DEVICE" help:"Camera to show cards to, and before them pages where no medium is given."`
	Role       string   `default:"all" help:"What to prove: the roles of restore, but for vault."`
	Generation int      `placeholder:"N" help:"Generation to prove; the newest unless given."`
	Vault      string   `placeholder:"FOLDER" help:"Record the drill in the ledger of this vault's folder."`
	VaultID    string   `name:"vault-id" placeholder:"ID" help:"Which vault, where the media hold several."`
	chain
	unattended
}

func (c *drillCmd) Run(u *ui) error {
	if err := c.unattended.apply(u); err != nil {
		return err
	}
	if len(c.From) == 0 && c.Camera == "" {
		return &ceremony.HintError{Err: &ceremony.UsageError{Err: errNothing}, Hint: "coldvault drill --from MEDIUM --card FILE"}
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
	r, err := ceremony.Drill(u, ceremony.DrillRequest{
		Opening: ceremony.Opening{
			From: c.From, Cards: c.Card, Stdin: u.quiet(u.in), Camera: source, Vault: c.VaultID, Number: c.Generation, Host: c.host(u),
		},
		Role: c.Role, Ledger: c.Vault, Rules: rules,
	})
	if r == nil {
		return err
	}
	u.accepted(r.HostAccepted)
	u.verdicts(r.Report)
	if err != nil && len(r.Failed) == 0 {
		return err
	}
	u.heading("drill of generation %d (%s), role %s", r.Generation, r.Sealed.Format("2006-01-02 15:04 UTC"), r.Role)
	type stepJSON struct {
		Name         string `json:"name"`
		Milliseconds int64  `json:"milliseconds"`
	}
	steps := []stepJSON{}
	for _, s := range r.Steps {
		u.print("  %-18s %s", s.Name, s.Took.Round(time.Millisecond))
		steps = append(steps, stepJSON{s.Name, s.Took.Milliseconds()})
	}
	u.print("  RTO %s: what the machine needs for a restore, without waiting for people", r.RTO.Round(time.Millisecond))
	u.print("  RPO %s: what was done since the generation was sealed is not in it", r.RPO.Round(time.Second))
	u.leftOut(r.LeftOut, yellow, "proven")
	u.leftOut(r.Failed, red, "proven")
	state, color, unproven := "PROVEN", green, r.Unproven()
	switch {
	case len(r.Failed) > 0:
		state, color = "FAILED", red
	case len(unproven) > 0:
		state, color = "READABLE", yellow
	}
	u.verdict(color, state, "%s and %s came back in memory as sealed; nothing was written",
		ledger.Count(r.Files, "file"), ledger.Count(r.Archives, "archive"))
	for _, why := range unproven {
		if err != nil {
			break // it counts as one that failed
		}
		u.print("  It does not count as a drill: %s", why)
	}
	u.emit("drill", struct {
		Vault      string     `json:"vault"`
		Generation int        `json:"generation"`
		Role       string     `json:"role"`
		Files      int        `json:"files"`
		Archives   int        `json:"archives"`
		Bytes      int64      `json:"bytes"`
		Steps      []stepJSON `json:"steps"`
		RTO        float64    `json:"rto_seconds"`
		RPO        float64    `json:"rpo_seconds"`
		Proven     bool       `json:"proven"`
		Unproven   []string   `json:"unproven"`
	}{r.Identity.Vault.ID, r.Generation, r.Role, r.Files, r.Archives, r.Bytes, steps, r.RTO.Seconds(), r.RPO.Seconds(), len(unproven) == 0, append([]string{}, unproven...)})
	return err
}
