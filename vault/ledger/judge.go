package ledger

import (
	"cmp"
	"strings"
	"time"
)

// judgeCopies says what is to be done about each medium, and what losing one would mean.
func (s *Status) judgeCopies() {
	for i := range s.Copies {
		c := &s.Copies[i]
		if c.Lost {
			s.find("STATUS-LOST", Note, c.LastSeen, "%s is lost: whoever has it needs the cards of a quorum to open it", c.Name)
			continue
		}
		if now := s.replacedBy(c); now != nil {
			s.find("STATUS-DEVICE", Note, time.Time{}, "%s is the same device as %s now, which has a newer generation: if it was emptied in between, note that with `coldvault record --lost %s`",
				c.Name, now.Name, c.Medium)
			continue
		}
		s.judgeCopy(c)
		due := c.LastSeen.AddDate(0, 0, s.Policy.days(c.Kind))
		if !c.Proven {
			due = s.Time
		}
		s.Dates = append(s.Dates, Date{
			UID: "check-" + c.Medium, On: due, What: "Check " + c.Name, Alarm: checkLead,
			Text: "Bring it to the cold machine and run coldvault check. It was last seen on " + day(c.LastSeen) + ".",
		})
	}
	s.judgeLoss()
}

// replacedBy is the copy on the same stick that was written later, where that was emptied in
// between and has another id since. A disk may well hold several.
func (s *Status) replacedBy(c *Copy) *Copy {
	for i := range s.Copies {
		o := &s.Copies[i]
		if c.Kind == USB && c.Device != "" && o.Device == c.Device && !o.Lost && o.Generation > c.Generation && o.LastSeen.After(c.LastSeen) {
			return o
		}
	}
	return nil
}

// alike is an older copy on a stick that nothing tells from the one of c: a stick that lost the log
// with its id gets another.
func (s *Status) alike(c *Copy) *Copy {
	for i := range s.Copies {
		o := &s.Copies[i]
		if o == c {
			return nil
		}
		if o.Kind == USB && c.Kind == USB && o.Device == "" && c.Device == "" && o.Model != "" && o.Model == c.Model && !o.Lost {
			return o
		}
	}
	return nil
}

func (e Policy) days(k Kind) int {
	if k == Paper {
		return e.Paper
	}
	return e.USB
}

func (s *Status) judgeCopy(c *Copy) {
	if c.Behind > 0 {
		advice := "seal onto it or copy to it"
		if c.Kind == Paper {
			advice = "print it again"
		}
		s.find("STATUS-STALE", Due, time.Time{}, "%s is %s behind: %s", c.Name, Count(c.Behind, "generation"), advice)
	}
	switch {
	case c.Result == Damaged:
		s.find("STATUS-UNPROVEN", Due, c.LastSeen, "%s was damaged when it was checked on %s, with %s: repair it, copy to it, or replace it",
			c.Name, day(c.LastSeen), Count(c.Findings, "finding"))
	case c.Result == Incomplete && c.Kind == Paper:
		s.find("STATUS-UNPROVEN", Due, c.LastSeen, "%s was incomplete when it was checked on %s: scan it again, or print it again", c.Name, day(c.LastSeen))
	case c.Result == Incomplete:
		s.find("STATUS-UNPROVEN", Due, c.LastSeen, "%s was incomplete when it was checked on %s: seal onto it or copy to it", c.Name, day(c.LastSeen))
	case c.Proven && c.Findings > 0:
		s.find("STATUS-DAMAGE", Due, c.LastSeen, "%s was damaged when it was checked on %s, with %s, and generation %d on it is not lost: repair it",
			c.Name, day(c.LastSeen), Count(c.Findings, "finding"), c.Generation)
	case !c.Proven && c.Kind == Paper:
		s.find("STATUS-UNPROVEN", Due, c.LastSeen, "%s was drawn, and no scan has shown the print: check one", c.Name)
	case !c.Proven:
		s.find("STATUS-UNPROVEN", Due, c.LastSeen, "%s was never read back: check it", c.Name)
	}
	if days := s.Policy.days(c.Kind); c.UnseenDays >= days {
		s.find("STATUS-UNSEEN", Due, c.LastSeen.AddDate(0, 0, days), "%s has not been seen for %s, where the policy has %d: check it",
			c.Name, Count(c.UnseenDays, "day"), days)
	}
	if c.SameDevice != "" {
		s.find("STATUS-DEVICE", Note, time.Time{}, "%s is on the same device as %s: the two count once", c.Name, c.SameDevice)
	}
	if o := s.alike(c); o != nil {
		s.find("STATUS-DEVICE", Note, time.Time{}, "%s and %s are of one make, without a serial number: nothing shows that they are two; if they are one, note the other as lost: `coldvault record --lost %s`",
			c.Name, o.Name, o.Medium)
	}
	if c.Kind == Memory {
		s.find("STATUS-DEVICE", Note, time.Time{}, "%s is in memory and ends with the power: it does not count", c.Name)
	}
}

// judgeLoss says what the loss of one more medium would mean.
func (s *Status) judgeLoss() {
	if s.Generation == 0 {
		return
	}
	var newest, only *Copy
	for i := range s.Copies {
		c := &s.Copies[i]
		if c.Lost || !c.Proven || c.Kind == Memory {
			continue
		}
		if newest == nil || c.Generation > newest.Generation {
			newest = c
		}
		if c.counts() && c.SameDevice == "" {
			only = c
		}
	}
	switch {
	case s.WholeCopies == 0 && newest == nil:
		s.find("STATUS-QUORUM", Danger, time.Time{}, "generation %d: no copy of it is proven, nor one of any other: seal again and check", s.Generation)
	case s.WholeCopies == 0:
		s.find("STATUS-QUORUM", Danger, time.Time{}, "generation %d: no copy of it is proven; the newest that is proven is generation %d on %s",
			s.Generation, newest.Generation, newest.Name)
	case s.WholeCopies == 1:
		s.find("STATUS-QUORUM", Due, time.Time{}, "generation %d: one proven copy, %s: one more loss away from unrecoverable", s.Generation, only.Name)
	}
}

// judgeQuorum says what the loss of one more card would mean.
func (s *Status) judgeQuorum(c *Compartment) {
	left := c.Proven + c.Unproven
	if left < c.Threshold {
		s.find("STATUS-QUORUM", Danger, time.Time{}, "%s: %d of %d cards left, threshold %d: it cannot be opened any more; make a new vault while the files are still at hand",
			c.Name, left, c.Shares, c.Threshold)
		return
	}
	// Whatever is proven: of those that are left, none may go.
	if left == c.Threshold {
		s.find("STATUS-QUORUM", Due, time.Time{}, "%s: %d of %d cards left, %d of them proven, threshold %d: one more loss away from unrecoverable",
			c.Name, left, c.Shares, c.Proven, c.Threshold)
	}
	switch spare := c.Proven - c.Threshold; {
	case spare < 0:
		s.find("STATUS-QUORUM", Due, time.Time{}, "%s: %d of %d cards proven, threshold %d: nothing shows yet that it can be opened; %s to go",
			c.Name, c.Proven, c.Shares, c.Threshold, Count(-spare, "proof"))
	case spare == 0 && c.Unproven > 0:
		s.find("STATUS-QUORUM", Due, time.Time{}, "%s: %d of %d cards proven, threshold %d: one more loss away from unrecoverable, as long as no other is proven",
			c.Name, c.Proven, c.Shares, c.Threshold)
	}
}

// judgeCards says which cards are to be looked at.
func (s *Status) judgeCards(c *Compartment) {
	var unproven, failed, lost, old []string
	var oldest time.Time
	for _, card := range c.Cards {
		switch due := card.LastProof.AddDate(0, 0, s.Policy.Cards); {
		case card.State == CardUnproven:
			unproven = append(unproven, card.Name())
		case card.State == CardFailed:
			failed = append(failed, card.Name())
		case card.State == CardLost:
			lost = append(lost, card.Name())
		case !due.After(s.Time):
			old = append(old, card.Name())
			if oldest.IsZero() || due.Before(oldest) {
				oldest = due
			}
		}
	}
	say := func(cards []string, severity Severity, when time.Time, text string) {
		if len(cards) > 0 {
			s.find("STATUS-CARDS", severity, when, "%s: %s: %s", c.Name, text, strings.Join(cards, ", "))
		}
	}
	say(failed, Due, time.Time{}, "not the shares that were made, and no command makes others: make a new vault and seal into it, before too few are left")
	say(unproven, Due, time.Time{}, "never proven, to be checked")
	say(old, Due, oldest, "proven longer ago than the policy allows, to be checked")
	say(lost, Note, time.Time{}, "lost, and no command makes another: make a new vault and seal into it, before too few are left")
}

// judgeDrill says when the next drill is due. Before the first seal there is nothing to
// restore.
func (s *Status) judgeDrill(c *Compartment) {
	if s.Generation == 0 {
		return
	}
	due := c.LastDrill.AddDate(0, 0, s.Policy.Drill)
	switch {
	case !c.DrillFailed.IsZero():
		due = c.DrillFailed
		s.find("STATUS-DRILL", Danger, due, "%s: the last drill, on %s, did not restore: find out why while the files are still at hand", c.Name, day(due))
	case c.LastDrill.IsZero():
		due = cmp.Or(s.Sealed, s.Time)
		s.find("STATUS-DRILL", Due, due, "%s: never drilled: nobody has seen yet that it restores", c.Name)
	case !due.After(s.Time):
		s.find("STATUS-DRILL", Due, due, "%s: the last drill was on %s, and the policy has one every %s", c.Name, day(c.LastDrill), Count(s.Policy.Drill, "day"))
	}
	s.Dates = append(s.Dates, Date{
		UID: "drill-" + c.Name, On: due, What: "Drill " + c.Name, Alarm: checkLead,
		Text: "Run coldvault drill with the cards of a quorum.",
	})
}
