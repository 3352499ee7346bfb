package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"coldvault/vault/format"
)

// Event is what a line records. Its members are those of the struct.
type Event interface {
	kind() string
	validate() error
}

// decoders read the members of an event of each kind.
var decoders = map[string]func(line []byte) (Event, error){
	VaultCreated{}.kind(): decode[VaultCreated],
	SharesSplit{}.kind():  decode[SharesSplit],
	Sealed{}.kind():       decode[Sealed],
	Copied{}.kind():       decode[Copied],
	Checked{}.kind():      decode[Checked],
	CardChecked{}.kind():  decode[CardChecked],
	Drilled{}.kind():      decode[Drilled],
	Placed{}.kind():       decode[Placed],
	Lost{}.kind():         decode[Lost],
	Policy{}.kind():       decode[Policy],
	Deadline{}.kind():     decode[Deadline],
	HostAccepted{}.kind(): decode[HostAccepted],
	Noted{}.kind():        decode[Noted],
}

func decode[E Event](line []byte) (Event, error) {
	var e E
	err := json.Unmarshal(line, &e)
	return e, err
}

// Limits of texts and lists of events.
const (
	maxName    = 256 // bytes of a custodian, a place, a device
	maxText    = 1024
	maxShares  = 255
	maxSteps   = 32
	maxFacts   = 16
	maxCount   = 1_000_000
	maxSeconds = 1 << 40
	maxDays    = 36_500
)

// MaxDeadlines is how many dates come with one generation.
const MaxDeadlines = 16

// MediumIDSize is the number of random bytes of a medium's id, which is in hex the first
// line of its log.
const MediumIDSize = 8

// ShareSet is one split of one compartment, as in shares.json.
type ShareSet struct {
	Set         string `json:"set"`
	Compartment string `json:"compartment"`
	Threshold   int    `json:"threshold"`
	Shares      int    `json:"shares"`
}

// VaultCreated is the first line. Custodians are in the order of their cards, or nobody
// where CardChecked will name them: hundreds of names do not fit on one line.
type VaultCreated struct {
	Vault      string     `json:"vault"`
	Sets       []ShareSet `json:"sets"`
	Custodians []string   `json:"custodians,omitempty"`
}

func (VaultCreated) kind() string { return "vault" }

func (e VaultCreated) validate() error {
	if _, err := format.DecodeVaultID(e.Vault); err != nil {
		return err
	}
	if len(e.Sets) != len(format.Compartments()) {
		return fmt.Errorf("%d share sets where every compartment has one", len(e.Sets))
	}
	return SharesSplit{e.Sets, e.Custodians}.validate()
}

// SharesSplit tells that compartments were split anew: the sets before them do not
// count any more.
type SharesSplit struct {
	Sets       []ShareSet `json:"sets"`
	Custodians []string   `json:"custodians,omitempty"`
}

func (SharesSplit) kind() string { return "shares" }

func (e SharesSplit) validate() error {
	if err := checkRange("the number of share sets", len(e.Sets), 1, len(format.Compartments())); err != nil {
		return err
	}
	cards := 0
	for i, s := range e.Sets {
		if err := checkHex("set", s.Set, 4); err != nil {
			return err
		}
		if err := checkOneOf("compartment", s.Compartment, format.Compartments()...); err != nil {
			return err
		}
		if i > 0 && s.Compartment == e.Sets[0].Compartment {
			return fmt.Errorf("%s has two share sets", s.Compartment)
		}
		if s.Threshold < 2 || s.Threshold > s.Shares || s.Shares > maxShares {
			return fmt.Errorf("share set %s: %d of %d is not possible", s.Set, s.Threshold, s.Shares)
		}
		cards = max(cards, s.Shares)
	}
	if len(e.Custodians) != 0 && len(e.Custodians) != cards {
		return fmt.Errorf("%d custodians for %d cards", len(e.Custodians), cards)
	}
	for _, c := range e.Custodians {
		if err := CheckCustodian(c); err != nil {
			return err
		}
	}
	return nil
}

// CheckCustodian refuses a name that the ledger does not take; none is "".
func CheckCustodian(name string) error { return checkOptional("custodian", name, maxName) }

// Sealed is a new generation, and the dates that its material runs out at.
type Sealed struct {
	Generation   int        `json:"generation"`
	Created      time.Time  `json:"created"`
	Compartments []string   `json:"compartments"`
	Deadlines    []Deadline `json:"deadlines,omitempty"`
}

func (Sealed) kind() string { return "sealed" }

func (e Sealed) validate() error {
	if err := checkGeneration(e.Generation); err != nil {
		return err
	}
	if err := checkTime(e.Created); err != nil {
		return err
	}
	if err := checkRange("the number of compartments", len(e.Compartments), 1, len(format.Compartments())); err != nil {
		return err
	}
	for i, c := range e.Compartments {
		if err := checkOneOf("compartment", c, format.Compartments()...); err != nil {
			return err
		}
		if i > 0 && c == e.Compartments[0] {
			return fmt.Errorf("%s is there twice", c)
		}
	}
	if len(e.Deadlines) > MaxDeadlines {
		return fmt.Errorf("%d deadlines where at most %d are allowed", len(e.Deadlines), MaxDeadlines)
	}
	for _, d := range e.Deadlines {
		if err := d.validate(); err != nil {
			return err
		}
		if d.Done {
			return errors.New("a deadline of what is sealed now cannot be done")
		}
	}
	return nil
}

// Deadline is a date that material or a network sets: the end of a KES key, a window of
// Filecoin. Role is that of the file that says so. A later deadline of the same What and
// Role takes its place; Done ends it.
type Deadline struct {
	What string    `json:"what"`
	When time.Time `json:"when"`
	Role string    `json:"role,omitempty"`
	Done bool      `json:"done,omitempty"`
}

// SameAs tells whether one takes the place of the other.
func (e Deadline) SameAs(other Deadline) bool { return e.What == other.What && e.Role == other.Role }

func (Deadline) kind() string { return "due" }

func (e Deadline) validate() error {
	if err := checkText("what is due", e.What, maxName); err != nil {
		return err
	}
	if err := checkOptional("role", e.Role, maxName); err != nil {
		return err
	}
	return checkTime(e.When)
}

// Drilled is a restore in protected memory. Steps are what it took, RPO is the age of
// the generation.
type Drilled struct {
	Role       string `json:"role"`
	Generation int    `json:"generation"`
	Restored   bool   `json:"restored"`
	Steps      []Step `json:"steps,omitempty"`
	RPO        int64  `json:"rpo_seconds"`
}

// Step is one part of the time to restore.
type Step struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

func (Drilled) kind() string { return "drill" }

func (e Drilled) validate() error {
	if err := checkOneOf("role", e.Role, "all", "cold", "hot", "standby", "validator", "sv", "daemon", "miner", "archive"); err != nil {
		return err
	}
	if err := checkGeneration(e.Generation); err != nil {
		return err
	}
	if e.RPO < 0 || e.RPO > maxSeconds {
		return fmt.Errorf("rpo_seconds is %d", e.RPO)
	}
	if len(e.Steps) > maxSteps {
		return fmt.Errorf("%d steps where at most %d are allowed", len(e.Steps), maxSteps)
	}
	for _, s := range e.Steps {
		if err := checkText("a step", s.Name, maxName); err != nil {
			return err
		}
		if !(s.Seconds >= 0 && s.Seconds <= maxSeconds) { // also no NaN
			return fmt.Errorf("step %q took %v seconds", s.Name, s.Seconds)
		}
	}
	return nil
}

// Policy says after how many days what is to be looked at again.
type Policy struct {
	USB   int `json:"usb_days"` // and every other medium but paper
	Paper int `json:"paper_days"`
	Cards int `json:"cards_days"`
	Drill int `json:"drill_days"`
}

// DefaultPolicy holds until a Policy is recorded.
func DefaultPolicy() Policy { return Policy{USB: 180, Paper: 365, Cards: 365, Drill: 365} }

func (Policy) kind() string { return "policy" }

func (e Policy) validate() error {
	for _, days := range []int{e.USB, e.Paper, e.Cards, e.Drill} {
		if err := checkRange("a number of days", days, 1, maxDays); err != nil {
			return err
		}
	}
	return nil
}

// HostAccepted tells which facts about the machine the operator accepted for a command:
// a network, swap.
type HostAccepted struct {
	Command string   `json:"command"`
	Facts   []string `json:"facts"`
}

func (HostAccepted) kind() string { return "host" }

func (e HostAccepted) validate() error {
	if err := checkText("command", e.Command, maxName); err != nil {
		return err
	}
	if err := checkRange("the number of facts", len(e.Facts), 1, maxFacts); err != nil {
		return err
	}
	for _, f := range e.Facts {
		if err := checkText("a fact", f, maxName); err != nil {
			return err
		}
	}
	return nil
}

// Noted is a line for people.
type Noted struct {
	Text string `json:"text"`
}

func (Noted) kind() string { return "note" }

func (e Noted) validate() error { return checkText("text", e.Text, maxText) }

func checkGeneration(n int) error { return checkRange("generation", n, 1, format.MaxGeneration) }
