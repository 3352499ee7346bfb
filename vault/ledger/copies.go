package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Copy is a medium and the newest generation on it.
type Copy struct {
	Medium     string    `json:"medium"`
	Name       string    `json:"name"` // "USB 7F3A (safe deposit)"
	Kind       Kind      `json:"kind,omitempty"`
	Device     string    `json:"device,omitempty"`
	Model      string    `json:"model,omitempty"`
	Place      string    `json:"place,omitempty"`
	Custodian  string    `json:"custodian,omitempty"`
	Seal       string    `json:"seal,omitempty"`
	Offsite    bool      `json:"offsite"`
	Online     bool      `json:"online"`
	Generation int       `json:"generation"`
	Behind     int       `json:"behind"` // generations
	Proven     bool      `json:"proven"`
	Result     Result    `json:"result,omitempty"` // of the last check; empty where there was none
	Findings   int       `json:"findings"`
	LastProof  time.Time `json:"last_proof,omitzero"`
	LastSeen   time.Time `json:"last_seen"`
	UnseenDays int       `json:"unseen_days"`
	Lost       bool      `json:"lost"`
	// SameDevice is the copy on the same device that counts instead of this one.
	SameDevice string `json:"same_device,omitempty"`
}

// medium is the copy with that id, a new one at the end if there is none.
func (s *Status) medium(id string) *Copy {
	i, known := s.media[id]
	if !known {
		i = len(s.Copies)
		s.media[id] = i
		s.Copies = append(s.Copies, Copy{Medium: id})
	}
	return &s.Copies[i]
}

func (s *Status) copied(e Copied, at time.Time) {
	c := s.medium(e.Medium)
	c.Kind, c.Device, c.Model, c.Generation = e.Kind, e.Device, e.Model, e.Generation
	c.Proven, c.Result, c.Findings, c.Lost, c.LastSeen = e.Proven, "", 0, false, at
	c.LastProof = time.Time{} // what was proven before is not there any more
	if e.Proven {
		c.LastProof = at
	}
}

// checked takes the word of the check for what generation is there: a stick that was
// put back from an image has an older one than was copied to it.
func (s *Status) checked(e Checked, at time.Time) {
	c := s.medium(e.Medium)
	c.Generation, c.Result, c.Findings, c.Lost, c.LastSeen = e.Generation, e.Result, e.Findings, false, at
	if c.Proven = e.Result == Whole || e.Result == Repaired; c.Proven {
		c.LastProof = at
	}
}

func (s *Status) lost(e Lost) {
	if e.Medium != "" {
		s.medium(e.Medium).Lost = true
		return
	}
	if card := s.card(e.Set, e.Index); card != nil {
		card.State = CardLost
	}
}

// shortID is how many digits of a medium's id are shown where they tell it apart.
const shortID = 4

// nameCopies fills in what depends on the other copies and on the time. A medium that
// was placed or lost and never written to is no copy; one with a newer generation than
// the ledger has seen sealed tells of that generation, and not when it was sealed.
func (s *Status) nameCopies() {
	s.Copies = slices.DeleteFunc(s.Copies, func(c Copy) bool { return c.Generation == 0 })
	taken := map[string]int{}
	for _, c := range s.Copies {
		if c.Generation > s.Generation {
			s.Generation, s.Sealed = c.Generation, time.Time{}
		}
		taken[c.Medium[:shortID]]++
	}
	for i := range s.Copies {
		c := &s.Copies[i]
		id := c.Medium
		if taken[id[:shortID]] == 1 {
			id = id[:shortID]
		}
		c.Name = strings.TrimSpace(kindName(c.Kind) + " " + strings.ToUpper(id))
		if c.Place != "" {
			c.Name += " (" + c.Place + ")"
		}
		c.Behind = max(0, s.Generation-c.Generation)
		c.UnseenDays = max(0, daysBetween(c.LastSeen, s.Time))
	}
}

func kindName(k Kind) string {
	switch k {
	case USB:
		return "USB"
	case "": // checked, and copied to before the ledger was begun
		return "medium"
	}
	return string(k)
}

// damaged tells that the last check did not leave the copy whole.
func (c *Copy) damaged() bool { return c.Result == Damaged || c.Result == Incomplete }

// counts tells whether a copy can be one of the three: it has the newest generation, is
// not known to be damaged, and outlasts the machine being switched off. Pages are drawn before they
// are printed: they are a copy once a scan has shown them.
func (c *Copy) counts() bool {
	return !c.Lost && c.Behind == 0 && !c.damaged() && c.Kind != Memory && (c.Kind != Paper || c.Proven)
}

// offline tells whether nothing that happens over a network reaches the copy: only a
// medium that is taken out of the machine, and not left in another.
func (c *Copy) offline() bool {
	return (c.Kind == USB || c.Kind == Paper || c.Kind == Optical) && !c.Online
}

// device is what two copies share that are lost together. Folders and disks of which
// nothing is known are taken to be on the same one.
func (c *Copy) device() string {
	switch {
	case c.Device != "":
		return "device " + c.Device
	case c.Kind == Disk || c.Kind == Folder:
		return "this machine"
	}
	return "medium " + c.Medium
}

// material is what media are made of, for the second figure: a folder is a disk.
func (c *Copy) material() Kind {
	if c.Kind == Folder {
		return Disk
	}
	return c.Kind
}

// count works out the five figures.
//
// 3-2-1 is from US-CERT, "Data Backup Options" (2012): three copies, on two kinds of
// media, one off site. The further 1 and 0 are Veeam's 3-2-1-1-0: one copy offline, none
// that is not verified. Stricter than both, the original is no copy here, a stale copy is
// none, and copies on one device are one. A network or a disk counts as a copy but
// never as offline; a file system in memory does not count at all.
func (s *Status) count() {
	var counted []*Copy
	first := map[string]*Copy{}
	for _, proven := range []bool{true, false} { // a proven copy stands for its device
		for i := range s.Copies {
			c := &s.Copies[i]
			if !c.counts() || c.Proven != proven {
				continue
			}
			if other := first[c.device()]; other != nil {
				c.SameDevice = other.Name
				continue
			}
			first[c.device()] = c
			counted = append(counted, c)
			if proven {
				s.WholeCopies++
			}
		}
	}
	of := func(what func(*Copy) bool) []string {
		var names []string
		for _, c := range counted {
			if what(c) {
				names = append(names, c.Name)
			}
		}
		return names
	}
	var kinds []string
	for _, c := range counted {
		if k := kindName(c.material()); !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	all := of(func(*Copy) bool { return true })
	s.figure("copies", 3, all, fmt.Sprintf("%s of generation %d", Count(len(all), "copy"), s.Generation), "seal onto or copy to another medium")
	s.figure("kinds", 2, kinds, Count(len(kinds), "kind")+" of media", "add another kind, such as paper")
	offsite := of(func(c *Copy) bool { return c.Offsite })
	s.figure("offsite", 1, offsite, Count(len(offsite), "copy")+" off site", "bring one to another place and record that")
	offline := of((*Copy).offline)
	s.figure("offline", 1, offline, Count(len(offline), "copy")+" offline", "keep one on a stick or on paper, plugged in nowhere")
	s.unproven()
}

// figure adds one of the first four figures, and a finding where it is too small.
func (s *Status) figure(name string, target int, which []string, text, advice string) {
	f := Figure{Name: name, Value: len(which), Target: target, OK: len(which) >= target, Text: text}
	if len(which) > 0 {
		f.Text += ": " + strings.Join(which, ", ")
	}
	if s.Generation == 0 {
		f.Text, advice = "no generation is sealed yet", "seal one"
	}
	s.Figures = append(s.Figures, f)
	if !f.OK {
		s.find("STATUS-"+strings.ToUpper(name), Due, time.Time{}, "%s; there must be %d: %s", f.Text, target, advice)
	}
}

// unproven adds the figure that must be zero. What it counts has findings of its own.
func (s *Status) unproven() {
	copies, cards := 0, 0
	for _, c := range s.Copies {
		if !c.Lost && !c.Proven && c.Kind != Memory {
			copies++
		}
	}
	for _, c := range s.Compartments {
		for _, card := range c.Cards {
			if card.State == CardUnproven || card.State == CardFailed {
				cards++
			}
		}
	}
	f := Figure{Name: "unproven", Value: copies + cards, OK: copies+cards == 0, Text: "every copy and every card is proven"}
	if !f.OK {
		f.Text = fmt.Sprintf("%s and %s on cards not proven", Count(copies, "copy"), Count(cards, "share"))
	}
	s.Figures = append(s.Figures, f)
}
