package main

import (
	"fmt"
	"strings"
	"time"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/ledger"
)

type statusCmd struct {
	Vault string   `required:"" placeholder:"FOLDER" help:"The vault's folder, which has the ledger."`
	Media []string `arg:"" optional:"" name:"medium" help:"Media, or scans of pages, to check and record first."`
	ICS   string   `name:"ics" placeholder:"FILE" help:"Write what is due as a calendar (RFC 5545). It names custodians and places."`
	made  *ceremony.File
}

func (c *statusCmd) Run(u *ui) error {
	r, err := ceremony.Status(u, ceremony.StatusRequest{Vault: c.Vault, Media: c.Media, ICS: c.made, Stdin: u.quiet(u.in), Now: time.Now()})
	if r == nil {
		return err
	}
	if r.Checked != nil {
		u.unused(r.Checked.Inputs)
		u.pageSets(r.Checked.Pages)
		u.shares(r.Checked.Shares)
	}
	s := r.Status
	sealed := ""
	if !s.Sealed.IsZero() { // media may have a generation that the ledger has not seen sealed
		sealed = " of " + day(s.Sealed)
	}
	u.heading("vault %s %q, generation %d%s", r.Identity.Vault.ID, r.Identity.Vault.Label, s.Generation, sealed)
	for _, f := range s.Figures {
		color, state := green, "OK"
		if !f.OK {
			color, state = red, "MISSING"
		}
		u.verdict(color, state, "%s", f.Text)
		u.emit("figure", f)
	}
	u.copies(s.Copies)
	u.compartments(s.Compartments)
	u.dates(s)
	colors := map[ledger.Severity]string{ledger.Note: yellow, ledger.Due: yellow, ledger.Danger: red}
	if len(s.Findings) > 0 {
		u.heading("to be done, or known")
	}
	for _, f := range s.Findings {
		u.verdict(colors[f.Severity], strings.ToUpper(string(f.Severity)), "%s  [%s]", f.Text, f.ID)
		u.emit("status-finding", f)
	}
	u.emit("status", struct {
		Vault       string    `json:"vault"`
		Time        time.Time `json:"time"`
		Generation  int       `json:"generation"`
		WholeCopies int       `json:"whole_copies"`
		Lines       int       `json:"lines"`
		Unsigned    int       `json:"unsigned"`
		Due         bool      `json:"due"`
	}{s.Vault, s.Time, s.Generation, s.WholeCopies, s.Lines, s.Unsigned, s.Due})
	return err
}

// day is a date for people; "never" where there is none.
func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.DateOnly)
}

func (u *ui) copies(copies []ledger.Copy) {
	if len(copies) == 0 {
		return
	}
	u.heading("copies")
	rows := [][]string{{"MEDIUM", "ID", "GENERATION", "PROVEN", "SEEN", "KEPT BY", "SEAL", "STATE"}}
	for _, c := range copies {
		state := []string{}
		add := func(is bool, what string) {
			if is {
				state = append(state, what)
			}
		}
		add(c.Lost, "lost")
		add(c.Behind > 0, fmt.Sprintf("%d behind", c.Behind))
		add(!c.Proven, "unproven")
		add(c.Result != "", string(c.Result))
		add(c.Proven && c.Findings > 0, "to be repaired")
		add(c.Offsite, "off site")
		add(c.Online, "online")
		add(c.SameDevice != "", "same device as "+c.SameDevice)
		rows = append(rows, []string{c.Name, ceremony.MediumLabel(c.Medium), fmt.Sprint(c.Generation), day(c.LastProof), day(c.LastSeen),
			c.Custodian, c.Seal, strings.Join(state, ", ")})
		u.emit("medium", c)
	}
	u.table(rows)
}

func (u *ui) compartments(compartments []ledger.Compartment) {
	u.heading("cards")
	for _, c := range compartments {
		color := green
		if c.Proven < c.Threshold {
			color = red
		} else if c.Proven < c.Shares {
			color = yellow
		}
		u.verdict(color, c.Name, "%d of %d open it; %d proven, %d not proven, %d gone; last drill %s", c.Threshold, c.Shares, c.Proven, c.Unproven, c.Gone, day(c.LastDrill))
		for _, card := range c.Cards {
			if card.State != ledger.CardProven {
				u.print("    %s: %s", card.Name(), card.State)
			}
		}
		u.emit("compartment", c)
	}
}

func (u *ui) dates(s ledger.Status) {
	if len(s.Dates) == 0 {
		return
	}
	u.heading("dates")
	rows := [][]string{}
	for _, d := range s.Dates {
		rows = append(rows, []string{day(d.On), d.What})
		u.emit("date", d)
	}
	u.table(rows)
}

type recordCmd struct {
	Vault     string   `required:"" placeholder:"FOLDER" help:"The vault's folder, which has the ledger."`
	Medium    string   `arg:"" optional:"" help:"A mounted medium, or its id or the first digits of it."`
	Place     string   `placeholder:"TEXT" help:"Where the medium is kept. It replaces all of what was recorded: --custodian, --seal, --offsite and --online that are not given are cleared."`
	Offsite   bool     `help:"The place is not where the cold machine is."`
	Online    bool     `help:"The medium is plugged into a machine that has a network."`
	Custodian string   `placeholder:"NAME" help:"Who keeps it."`
	Seal      string   `placeholder:"NUMBER" help:"Number of the seal or bag it is in."`
	Card      string   `placeholder:"SET/NUMBER" help:"A card, with --lost: as printed on it, once for each set."`
	Lost      bool     `help:"The medium or card is gone."`
	Policy    []string `sep:"none" placeholder:"NAME=DAYS" help:"After how many days what is to be looked at again: usb, paper, cards, drill."`
	Due       []string `sep:"none" placeholder:"WHAT=YYYY-MM-DD" help:"A date to be reminded of."`
	Done      string   `placeholder:"WHAT" help:"A date that is over."`
	Note      string   `placeholder:"TEXT" help:"A line for people."`
}

func (c *recordCmd) Run(u *ui) error {
	r := ceremony.RecordRequest{
		Vault: c.Vault, Medium: c.Medium, Card: c.Card, Lost: c.Lost, Policy: c.Policy, Done: c.Done, Note: c.Note, Now: time.Now(),
	}
	if c.Place != "" {
		r.Placed = &ledger.Placed{Place: c.Place, Offsite: c.Offsite, Online: c.Online, Custodian: c.Custodian, Seal: c.Seal}
	}
	switch {
	case c.Place == "" && (c.Offsite || c.Online || c.Custodian != "" || c.Seal != ""):
		return &ceremony.UsageError{Err: fmt.Errorf("--offsite, --online, --custodian and --seal belong to a --place")}
	case c.Medium != "" && c.Card != "", (c.Place != "" || c.Lost) && c.Medium == "" && c.Card == "":
		return &ceremony.UsageError{Err: fmt.Errorf("--place and --lost are of one medium, and --lost of one --card")}
	}
	for _, d := range c.Due {
		deadline, err := parseDue(d)
		if err != nil {
			return err
		}
		r.Due = append(r.Due, deadline)
	}
	events, err := ceremony.Record(r)
	if err != nil {
		return err
	}
	u.print("%s noted in the ledger of %s; the next seal signs the ledger", ledger.Count(len(events), "line"), c.Vault)
	u.emit("recorded", struct {
		Events int `json:"events"`
	}{len(events)})
	return nil
}
