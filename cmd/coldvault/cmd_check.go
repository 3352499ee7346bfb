package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault"
)

type checkCmd struct {
	Paths []string `arg:"" optional:"" name:"medium" help:"Media, and scans of pages or cards (PNG, JPEG, TIFF, PDF, text; - is standard input)."`
	Card  []string `sep:"none" placeholder:"FILE" help:"A card to prove: image, PDF or text."`

	Vault    string `placeholder:"FOLDER" help:"Record the check in the ledger of this vault's folder, which is checked too."`
	NoRecord bool   `help:"Do not note the check on the media themselves. What is damaged or cannot be written is not noted on anyway."`
	Repair   bool   `help:"Rebuild what is damaged on the media from their parity and from the other media given."`
}

func (c *checkCmd) Run(u *ui) error {
	if len(c.Paths)+len(c.Card) == 0 && c.Vault == "" {
		return &ceremony.HintError{
			Err:  &ceremony.UsageError{Err: errNothing},
			Hint: "coldvault check MEDIUM, or coldvault check --card FILE",
		}
	}
	r, err := ceremony.Check(u, ceremony.CheckRequest{
		Paths: c.Paths, Cards: c.Card, Stdin: u.quiet(u.in), Repair: c.Repair, Vault: c.Vault, NoRecord: c.NoRecord, Now: time.Now(),
	})
	if r == nil {
		return err
	}
	u.unused(r.Inputs)
	for _, m := range r.Media {
		u.checked(m)
	}
	u.pageSets(r.Pages)
	u.shares(r.Shares)
	if len(r.Shares) > 0 && !r.Compared {
		u.print("No medium was given, so the cards were not compared with the vault: add one to prove them.")
	}
	if err != nil && !errors.Is(err, ceremony.ErrDamage) {
		return err // with a hint of its own
	}
	if err != nil {
		return c.found(r)
	}
	if len(r.Shares) == 0 || r.Compared {
		u.print("Nothing is wrong with what was given.")
	}
	return nil
}

// found is what a check ends with that found something: damage, or what was given and is not
// what it was given for.
func (c *checkCmd) found(r *ceremony.CheckResult) error {
	damaged := func(m *vault.Checked) bool { return m.Damaged() }
	incomplete := func(p ceremony.PageSet) bool { return p.Need > 0 || p.Err != nil }
	var refused int
	for _, s := range r.Shares {
		if !s.Good {
			refused++
		}
	}
	var unused []string
	for _, in := range r.Inputs {
		if !in.Missing && in.Unused() {
			unused = append(unused, strconv.Quote(in.Name))
		}
	}
	switch {
	case slices.ContainsFunc(r.Media, damaged):
		return &ceremony.HintError{Err: ceremony.ErrDamage, Hint: "what is damaged is named above; " + remedy(r, c.Repair)}
	case slices.ContainsFunc(r.Pages, incomplete):
		return &ceremony.HintError{Err: ceremony.ErrDamage, Hint: "scan the pages that are named again and give all scans together; scans add up"}
	case refused > 0:
		return &ceremony.HintError{Err: &ceremony.FoundError{What: fmt.Sprintf("%d of %d shares are refused", refused, len(r.Shares))},
			Hint: "the reason is named above for each; a card of another vault is to be checked with a medium of that one"}
	case len(unused) == 0:
		return ceremony.ErrDamage
	}
	return &ceremony.HintError{Err: &ceremony.FoundError{What: strings.Join(unused, ", ") + " was given, and cannot be used"},
		Hint: "why is named above: give the folder that the medium is mounted at, a scan of a whole page or card, or the code as it is on it"}
}

// unused tells scripts of what was given and is not used; people were told when it was read.
func (u *ui) unused(inputs []ceremony.Input) {
	for _, in := range inputs {
		if in.Unused() {
			u.input(in)
		}
	}
}

// checked prints the state of one vault on one medium.
func (u *ui) checked(c *vault.Checked) {
	m := c.Medium
	place := m.Path("")
	if _, pages := m.Source.(vault.Pages); pages {
		place = m.Source.Name()
	}
	u.heading("%s", place)
	if m.Identity != nil {
		u.print("  vault %s %q, fingerprint %s", m.ID, m.Identity.Vault.Label, strings.Join(m.Identity.Words(), " "))
	}
	for _, g := range c.Generations {
		state, color := "WHOLE", green
		switch {
		case g.Repairable:
			state, color = "DAMAGED, can be repaired", yellow
		case g.ArchivesLost():
			state, color = "DAMAGED, an archive is lost", red
		case !g.Whole:
			state, color = "LOST", red
		}
		without := ""
		if len(g.Lacks) > 0 {
			without = ", without " + strings.Join(g.Lacks, ", ") + ", which only media hold"
		}
		u.verdict(color, state, "%s%s", strings.TrimSpace(fmt.Sprintf("generation %d %s", g.Number, g.Created)), without)
		u.emit("generation", struct {
			Medium     string `json:"medium"`
			Vault      string `json:"vault"`
			Generation int    `json:"generation"`
			Created    string `json:"created"`
			Whole      bool   `json:"whole"`
			Repairable bool   `json:"repairable"`
			// Lacks are files that media hold and the vault's own folder does not.
			Lacks []string `json:"lacks"`
		}{m.Source.Name(), m.ID, g.Number, g.Created, g.Whole, g.Repairable, append([]string{}, g.Lacks...)})
	}
	for _, r := range c.Mended { // said when it was done
		failed := ""
		if r.Err != nil {
			failed = oneLine(r.Err)
		}
		u.emit("repair", struct {
			Path   string `json:"path"`
			Blocks int    `json:"blocks"`
			Error  string `json:"error,omitempty"`
		}{r.Path, r.Rebuilt, failed})
	}
	for _, f := range c.Findings {
		color := yellow
		if f.Severity == vault.Damage {
			color = red
		}
		u.verdict(color, strings.ToUpper(string(f.Severity)), "%s: %s  [%s]", f.Path, f.Text, f.ID)
		u.emit("finding", struct {
			Severity string `json:"severity"`
			ID       string `json:"id"`
			Path     string `json:"path"`
			Text     string `json:"text"`
		}{string(f.Severity), f.ID, f.Path, f.Text})
	}
}

// pageSets prints what pages were read and what is missing.
func (u *ui) pageSets(sets []ceremony.PageSet) {
	for _, p := range sets {
		u.heading("%s", p.Title())
		switch {
		case p.Err != nil:
			u.verdict(red, "LOST", "%v", p.Err)
		case p.Need == 0:
			u.verdict(green, "WHOLE", "%d of %d codes read", p.Have, p.Total)
		default:
			u.verdict(red, "MISSING", "%d of %d codes read, %d more needed", p.Have, p.Total, p.Need)
		}
		for _, m := range p.Missing {
			u.print("  not read: %s", m)
		}
		if _, need := p.Scanned(); p.Drawn > 0 && need > 0 {
			u.print("  %d of the codes are in a PDF as it was drawn, which proves no print: check a scan of what was printed", p.Drawn)
		}
		u.emit("pages", struct {
			Vault      string   `json:"vault"`
			Generation int      `json:"generation"`
			Set        string   `json:"set"`
			Layout     string   `json:"layout"`
			Have       int      `json:"have"`
			Total      int      `json:"total"`
			Need       int      `json:"need"`
			Missing    []string `json:"missing"`
			Drawn      int      `json:"drawn"`
		}{p.Vault.String(), p.Generation, p.Set, p.Layout, p.Have, p.Total, p.Need, append([]string{}, p.Missing...), p.Drawn})
	}
}

// shares prints the verdict on every share.
func (u *ui) shares(shares []ceremony.CheckedShare) {
	if len(shares) > 0 {
		u.heading("cards")
	}
	for _, s := range shares {
		state, color := "READABLE", yellow
		switch {
		case s.Proven:
			state, color = "GENUINE", green
		case !s.Good:
			state, color = "REFUSED", red
		}
		u.verdict(color, state, "%s: %s", s.From, s.Reason)
		u.emit("share", struct {
			From    string `json:"from"`
			Share   string `json:"share"`
			Verdict string `json:"verdict"`
			Reason  string `json:"reason"`
			Good    bool   `json:"good"`
			Proven  bool   `json:"proven"`
			Drawn   bool   `json:"drawn"`
		}{s.From, s.Name, s.Verdict, s.Reason, s.Good, s.Proven, s.Drawn})
	}
	if slices.ContainsFunc(shares, func(s ceremony.CheckedShare) bool { return s.Drawn }) {
		u.print("  A card in a PDF as it was drawn proves no print, and is not recorded: check a scan of what was printed.")
	}
}
