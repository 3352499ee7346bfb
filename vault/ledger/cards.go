package ledger

import (
	"fmt"
	"slices"
	"time"

	"coldvault/vault/format"
)

// CardState is what is known of a share.
type CardState string

// The states.
const (
	CardUnproven CardState = "unproven"
	CardProven   CardState = "proven"
	CardFailed   CardState = "failed" // it was looked at and is not the share that was made
	CardLost     CardState = "lost"
)

// Card is one share of a compartment's current set.
type Card struct {
	Index     int       `json:"index"`
	Custodian string    `json:"custodian,omitempty"`
	State     CardState `json:"state"`
	LastProof time.Time `json:"last_proof,omitzero"`
	AgeDays   int       `json:"age_days"` // of the last proof
}

// Name is how a person knows the card.
func (c Card) Name() string {
	if c.Custodian == "" {
		return fmt.Sprintf("card %d", c.Index)
	}
	return fmt.Sprintf("card %d (%s)", c.Index, c.Custodian)
}

// Compartment is what opens a compartment, and when that was last tried.
type Compartment struct {
	Name      string `json:"name"`
	Set       string `json:"set"`
	Threshold int    `json:"threshold"`
	Shares    int    `json:"shares"`
	Proven    int    `json:"proven"`
	Unproven  int    `json:"unproven"`
	Gone      int    `json:"gone"` // lost, or not what they were made as
	Cards     []Card `json:"cards"`

	LastDrill   time.Time `json:"last_drill,omitzero"`   // that restored
	DrillFailed time.Time `json:"drill_failed,omitzero"` // if the one after it did not
	RTO         float64   `json:"rto_seconds"`           // of the last drill, all steps together
	RPO         int64     `json:"rpo_seconds"`
}

// split begins the share sets of some compartments anew.
func (s *Status) split(sets []ShareSet, custodians []string) {
	for _, set := range sets {
		c := Compartment{Name: set.Compartment, Set: set.Set, Threshold: set.Threshold, Shares: set.Shares}
		for i := range set.Shares {
			card := Card{Index: i + 1, State: CardUnproven}
			if i < len(custodians) {
				card.Custodian = custodians[i]
			}
			c.Cards = append(c.Cards, card)
		}
		i := slices.IndexFunc(s.Compartments, func(old Compartment) bool { return old.Name == set.Compartment })
		if i < 0 {
			s.Compartments = append(s.Compartments, c)
			continue
		}
		// A drill proved the media and the material as well, which stay.
		old := s.Compartments[i]
		c.LastDrill, c.DrillFailed, c.RTO, c.RPO = old.LastDrill, old.DrillFailed, old.RTO, old.RPO
		s.Compartments[i] = c
	}
	slices.SortStableFunc(s.Compartments, func(a, b Compartment) int {
		names := format.Compartments()
		return slices.Index(names, a.Name) - slices.Index(names, b.Name)
	})
}

// card is a share of a current set; nil if it is none.
func (s *Status) card(set string, index int) *Card {
	for i := range s.Compartments {
		if c := &s.Compartments[i]; c.Set == set && index <= len(c.Cards) {
			return &c.Cards[index-1]
		}
	}
	return nil
}

func (s *Status) cardChecked(e CardChecked, at time.Time) {
	card := s.card(e.Set, e.Index)
	if card == nil {
		return
	}
	if e.Custodian != "" {
		card.Custodian = e.Custodian
	}
	card.State = CardFailed
	if e.Proven {
		card.State, card.LastProof = CardProven, at
	}
}

// count counts the cards by their states.
func (c *Compartment) count(now time.Time) {
	for i := range c.Cards {
		card := &c.Cards[i]
		if !card.LastProof.IsZero() {
			card.AgeDays = max(0, daysBetween(card.LastProof, now))
		}
		switch card.State {
		case CardProven:
			c.Proven++
		case CardUnproven:
			c.Unproven++
		default:
			c.Gone++
		}
	}
}

// drillCovers tells which compartments a drill of a role opens for its files. Archives show
// nothing of the others.
func drillCovers(role, compartment string) bool {
	switch role {
	case "all", "validator", "sv", "daemon", "miner":
		return true
	case "standby":
		return compartment == "hot"
	}
	return role == compartment
}

func (s *Status) drilled(e Drilled, at time.Time) {
	for i := range s.Compartments {
		c := &s.Compartments[i]
		if !drillCovers(e.Role, c.Name) {
			continue
		}
		if !e.Restored {
			c.DrillFailed = at
			continue
		}
		c.LastDrill, c.DrillFailed, c.RTO, c.RPO = at, time.Time{}, 0, e.RPO
		for _, step := range e.Steps {
			c.RTO += step.Seconds
		}
	}
}

// cardDates puts one date a card into the calendar: the paper has the shares of all
// compartments, and the one that is due first brings it out.
func (s *Status) cardDates() {
	var dates []Date
	for _, c := range s.Compartments {
		for _, card := range c.Cards {
			if card.State == CardLost || card.State == CardFailed {
				continue
			}
			due := s.Time
			if card.State == CardProven {
				due = card.LastProof.AddDate(0, 0, s.Policy.Cards)
			}
			d := Date{
				UID: fmt.Sprintf("card-%d", card.Index), On: due, What: "Prove " + card.Name(), Alarm: checkLead,
				Text: "Run coldvault check with the card; it needs no other card.",
			}
			i := slices.IndexFunc(dates, func(old Date) bool { return old.UID == d.UID })
			if i < 0 {
				dates = append(dates, d)
			} else if due.Before(dates[i].On) {
				dates[i] = d
			}
		}
	}
	s.Dates = append(s.Dates, dates...)
}
