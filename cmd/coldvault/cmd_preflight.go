package main

import (
	"os"
	"strings"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/airgap"
)

// hostRoot is where the host is looked at. Overridden by tests.
var hostRoot = os.DirFS("/")

func lookAtHost() *airgap.Facts {
	facts := airgap.Look(hostRoot)
	return &facts
}

type preflightCmd struct {
	Vault string `placeholder:"FOLDER" help:"Hold the clock against the last record in this vault's folder."`
}

func (c *preflightCmd) Run(u *ui) error {
	r, err := ceremony.Preflight(ceremony.PreflightRequest{Facts: *u.facts, Vault: c.Vault})
	if r == nil {
		return err
	}
	u.interfaces(r.Facts.Network.Interfaces)
	u.heading("host")
	rows := [][]string{}
	for _, f := range append(r.Facts.List(),
		airgap.Fact{Name: "sandbox", Value: u.sandbox.String()},
		airgap.Fact{Name: "this program, SHA-256", Value: r.Program.Hex()},
		airgap.Fact{Name: "this program, words", Value: strings.Join(r.Program.Words(), " ")},
	) {
		value := f.Value
		if f.Unknown != "" {
			value = "unknown: " + f.Unknown
		}
		rows = append(rows, []string{f.Name, value})
		u.emit("host", struct {
			Name    string `json:"name"`
			Value   string `json:"value"`
			Unknown string `json:"unknown,omitempty"`
		}{f.Name, f.Value, f.Unknown})
	}
	u.table(rows)
	u.hostFindings(r.Findings)
	if err != nil {
		return &ceremony.HintError{Err: err, Hint: "what refuses is named above; --accept-network and --accept-swap go on regardless"}
	}
	u.print("Nothing that was seen refuses. These are facts about this host, and no proof that nothing reaches it.")
	return nil
}

// interfaces prints one line an interface.
func (u *ui) interfaces(list airgap.Value[[]airgap.Interface]) {
	u.heading("interfaces")
	if !list.Known() {
		u.print("  unknown: %s", list.Unknown)
		return
	}
	rows := [][]string{{"NAME", "KIND", "DRIVER", "BUS", "UP", "CARRIER"}}
	for _, i := range list.Is {
		rows = append(rows, []string{i.Name, i.Kind, orDash(i.Driver), orDash(i.Bus), yesNoUnknown(i.Up), carrier(i)})
		u.emit("interface", struct {
			Name    string `json:"name"`
			Kind    string `json:"kind"`
			Driver  string `json:"driver"`
			Bus     string `json:"bus"`
			State   string `json:"state"`
			Up      *bool  `json:"up"`
			Carrier *bool  `json:"carrier"`
			Live    bool   `json:"live"`
		}{i.Name, i.Kind, i.Driver, i.Bus, i.OperState, known(i.Up), known(i.Carrier), i.Live()})
	}
	u.table(rows)
}

// hostFindings prints what the rules say.
func (u *ui) hostFindings(findings []airgap.Finding) {
	if len(findings) > 0 {
		u.heading("findings")
	}
	colors := map[airgap.Level]string{airgap.Refuse: red, airgap.Warn: yellow, airgap.Note: green}
	for _, f := range findings {
		u.verdict(colors[f.Level], strings.ToUpper(string(f.Level)), "%s  [%s]", f.Text, f.ID)
		if f.Hint != "" {
			u.print("          %s", f.Hint)
		}
		u.emit("finding", struct {
			Severity string `json:"severity"`
			ID       string `json:"id"`
			Class    string `json:"class,omitempty"`
			Text     string `json:"text"`
			Hint     string `json:"hint,omitempty"`
		}{string(f.Level), f.ID, string(f.Class), f.Text, f.Hint})
	}
}

// accepted writes what was accepted of the host for programs; people were told when it happened.
func (u *ui) accepted(findings []airgap.Finding) {
	for _, f := range findings {
		u.emit("accepted", struct {
			Check   string `json:"check"`
			Because string `json:"because"`
		}{f.ID, "--accept-" + string(f.Class)})
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func yesNoUnknown(v airgap.Value[bool]) string {
	switch {
	case !v.Known():
		return "unknown: " + v.Unknown
	case v.Is:
		return "yes"
	}
	return "no"
}

// carrier is "-" where the kernel does not tell because the interface is down.
func carrier(i airgap.Interface) string {
	if !i.Carrier.Known() && i.Up.Known() && !i.Up.Is {
		return "-"
	}
	return yesNoUnknown(i.Carrier)
}

// known is nil for what is not known.
func known(v airgap.Value[bool]) *bool {
	if !v.Known() {
		return nil
	}
	return &v.Is
}
