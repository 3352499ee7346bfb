package pgdump

import (
	"fmt"

	"coldvault/vault/material"
)

// opinion is what one class of evidence says about an order: that the first comes
// before the second, that it does not, or nothing.
type opinion struct {
	class    int
	status   material.Status // Unknown: this class has evidence, and it proves nothing
	evidence string
}

// decide takes the strongest class that has evidence. weaker is the first of the
// others that contradicts it.
func decide(opinions []opinion) (strongest opinion, weaker *opinion) {
	if len(opinions) == 0 {
		return opinion{status: material.Unknown, evidence: "none of any class"}, nil
	}
	for _, o := range opinions {
		if strongest.class == 0 {
			strongest = o
		} else if o.status != material.Unknown && strongest.status != material.Unknown && o.status != strongest.status && weaker == nil {
			weaker = &o
		}
	}
	strongest.evidence = fmt.Sprintf("class %d: %s", strongest.class, strongest.evidence)
	return strongest, weaker
}

// byTimes gives the opinions of classes 2, 3 and 4 about first being complete before
// second was begun.
func byTimes(first, second part) []opinion {
	var out []opinion
	if first.dump == second.dump && first.db != nil && second.db != nil {
		status := material.Pass
		if first.index > second.index {
			status = material.Fail
		}
		return []opinion{{2, status, fmt.Sprintf("pg_dumpall dumps one database after the other, these as numbers %d and %d", first.index+1, second.index+1)}}
	}
	ended, began := stamp{}, second.starts(second.db)
	if first.db != nil {
		ended = first.db.completed
	}
	if ended.known() && began.known() {
		class := 2
		if second.db == nil || began != second.db.started {
			class = 3
		}
		status := statusOf(ended.compare(began))
		if sameClock := ended.error == 0 && began.error == 0 || ended.zone == began.zone; sameClock || status != material.Unknown {
			out = append(out, opinion{class, status, fmt.Sprintf("%s was completed at %s, %s begun at %s", first, ended, second, began)})
		}
	}
	if o, ok := byStarts(first, second); ok {
		out = append(out, o)
	}
	if !first.modified.IsZero() && !second.modified.IsZero() {
		out = append(out, opinion{4, material.Unknown, fmt.Sprintf("modified at %s and %s, which copying changes",
			stamp{at: first.modified}, stamp{at: second.modified})})
	}
	return out
}

// byStarts compares when the two were begun. A start that comes later refutes the
// order whatever the clocks; one that comes earlier speaks for it only where both are instants.
func byStarts(first, second part) (opinion, bool) {
	a, b := first.starts(first.db), second.starts(second.db)
	if !a.known() || !b.known() {
		return opinion{}, false
	}
	status := statusOf(stamp{a.at, "", a.error}.compare(stamp{b.at, noZone, b.error}))
	if status == material.Pass && a.error+b.error > 0 {
		status = material.Unknown
	}
	return opinion{3, status, fmt.Sprintf("%s was begun at %s, %s at %s", first, a, second, b)}, true
}

func statusOf(order int) material.Status {
	switch order {
	case -1:
		return material.Pass
	case 1:
		return material.Fail
	}
	return material.Unknown
}

// rule is an order that two parts must have been taken in.
type rule struct {
	id, schedule       string
	pass, fail, unsure string // sentences with two places for the parts
	wrong              string // said where weaker evidence contradicts
}

func (s *set) judge(r rule, first, second part, content []opinion) {
	strongest, weaker := decide(append(content, byTimes(first, second)...))
	sentence := map[material.Status]string{material.Pass: r.pass, material.Fail: r.fail, material.Unknown: r.unsure}[strongest.status]
	s.Add(strongest.status, r.id, fmt.Sprintf(sentence, first, second), strongest.evidence, first, second)
	if weaker != nil && strongest.status == material.Pass {
		s.Add(material.Warn, r.schedule, fmt.Sprintf(r.wrong, first, second), fmt.Sprintf("class %d: %s", weaker.class, weaker.evidence), first, second)
	}
}

// spliceRule: a participant that is older than its apps starts without an error and has
// lost what they know of.
func spliceRule() rule {
	return rule{
		id: CheckSpliceOrder, schedule: CheckSpliceSchedule,
		pass:   "the apps in %s are not ahead of the participant in %s",
		fail:   "the apps in %s are ahead of the participant in %s: a restore would start without an error and miss what they know of",
		unsure: "whether the apps in %s are ahead of the participant in %s cannot be said",
		wrong:  "the apps in %s were not dumped before the participant in %s: this pair fits, the next one may not",
	}
}

func (s *set) checkSplice() {
	apps, participants := s.parts(RoleApps), s.parts(RoleParticipant)
	switch {
	case len(apps) > 0 && len(participants) == 0:
		s.Add(material.Warn, CheckSplicePair, "the dump of the participant is missing: the apps cannot be restored without it", "", apps...)
	case len(apps) == 0 && len(participants) > 0:
		s.Add(material.Warn, CheckSplicePair, "the dump of the apps (validator, SV, scan) is missing beside the participant's", "", participants...)
	}
	if len(participants) == 0 {
		return
	}
	for _, a := range apps {
		p, ok := partner(a, participants)
		if !ok {
			s.Add(material.Unknown, CheckSpliceOrder, fmt.Sprintf("which of the participants' dumps belongs to %s cannot be said", a), "",
				append([]part{a}, participants...)...)
			continue
		}
		if !s.sameMigration(a, p) {
			continue
		}
		s.judge(spliceRule(), a, p, byOffsets(a, p))
	}
}

// byOffsets: the apps have taken in no more of the ledger than the participant has.
func byOffsets(apps, participant part) []opinion {
	a, p := apps.db, participant.db
	if !a.hasOffset || a.oddOffset || !p.hasLedgerEnd {
		return nil
	}
	o := opinion{1, material.Pass, fmt.Sprintf("the apps are at offset %d of migration %d, the participant's ledger ends at %d", a.offset, a.migration, p.ledgerEnd)}
	if a.offset > p.ledgerEnd {
		o.status = material.Fail
	}
	return []opinion{o}
}
