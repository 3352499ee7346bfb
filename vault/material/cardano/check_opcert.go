package cardano

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"coldvault/vault/material"
)

// soon is how long before its end a KES key is warned about: the time to plan and
// do a rotation with the cold keys.
const soon = 14 * 24 * time.Hour

func isOpcert(o *object) bool  { return o.opcert != nil && o.defect == nil }
func isCounter(o *object) bool { return o.counter != nil && o.defect == nil }

// newest says whether no operational certificate of the same cold key has a higher
// number: only the newest is in use, older ones are kept by some scripts.
func (s *set) newest(o *object) bool {
	for _, c := range s.all(isOpcert) {
		if bytes.Equal(c.opcert.cold, o.opcert.cold) && c.opcert.number > o.opcert.number {
			return false
		}
	}
	return true
}

func (s *set) checkOpcerts(p Profile) {
	opcerts := s.all(isOpcert)
	for i, o := range opcerts {
		c := o.opcert
		s.Compare(ed25519.Verify(c.cold, c.message(), c.signature), CheckOpcertSignature,
			fmt.Sprintf("%q is signed by its cold key", o.name),
			fmt.Sprintf("the signature in %q is not by the cold key it names", o.name), hex.EncodeToString(c.cold), o)
		s.checkColdKey(o, CheckOpcertCold, c.cold)
		s.checkOpcertKES(o)
		for _, other := range opcerts[:i] {
			if other.opcert.number == c.number && bytes.Equal(other.opcert.cold, c.cold) && !bytes.Equal(other.opcert.kes, c.kes) {
				s.Add(material.Warn, CheckOpcertNumber, fmt.Sprintf("%q and %q have the same number for different KES keys", o.name, other.name),
					fmt.Sprintf("number %d", c.number), o, other)
			}
		}
		if s.newest(o) {
			s.checkExpiry(o, p)
		}
	}
	s.checkKESUsed()
}

// checkColdKey compares the cold key that o names with the one of the set.
func (s *set) checkColdKey(o *object, check string, cold []byte) {
	keys := s.near(o, isCold)
	if len(keys) == 0 {
		if len(s.anchor(o)) > 0 {
			s.checkPool(o, check, blake224(cold))
		}
		return
	}
	match := withKey(keys, cold)
	if match == nil {
		s.Add(material.Fail, check, fmt.Sprintf("%q names another cold key than %q", o.name, keys[0].name),
			poolID(blake224(cold))+" is not "+keys[0].id(), append([]*object{o}, keys...)...)
		return
	}
	for _, k := range keys {
		if bytes.Equal(k.pub, cold) {
			prove(k)
		}
	}
	s.Add(material.Pass, check, fmt.Sprintf("%q names the cold key in %q", o.name, match.name), match.id(), o, match)
}

func (s *set) checkOpcertKES(o *object) {
	keys := s.near(o, isKey("kes"))
	matched := false
	for _, k := range keys {
		if bytes.Equal(k.pub, o.opcert.kes) {
			prove(k)
			if !matched {
				s.Add(material.Pass, CheckOpcertKES, fmt.Sprintf("%q names the KES key in %q", o.name, k.name), k.id(), o, k)
			}
			matched = true
		}
	}
	if !matched && len(keys) > 0 && s.newest(o) {
		s.Add(material.Fail, CheckOpcertKES, fmt.Sprintf("%q names another KES key than %q", o.name, keys[0].name),
			hex.EncodeToString(o.opcert.kes)+" is not "+keys[0].id(), append([]*object{o}, keys...)...)
	}
}

// checkKESUsed names KES keys that no operational certificate is for.
func (s *set) checkKESUsed() {
	for _, k := range s.all(isKey("kes")) {
		opcerts := s.near(k, isOpcert)
		used := len(opcerts) == 0
		for _, o := range opcerts {
			used = used || bytes.Equal(o.opcert.kes, k.pub)
		}
		if !used {
			s.Add(material.Warn, CheckKESUsed, fmt.Sprintf("no operational certificate names the KES key in %q", k.name), k.id(), k)
		}
	}
}

// checkExpiry tells until when the operational certificate is valid, on the
// profile's chain or, if that is not known, on all public ones it can be of.
func (s *set) checkExpiry(o *object, p Profile) {
	chains := []Chain{Preprod(), Preview()}
	switch {
	case p.Chain != nil:
		chains = []Chain{*p.Chain}
	case s.onMainnet():
		chains = []Chain{Mainnet()}
	case !s.onTestnet():
		chains = append(chains, Mainnet())
	}
	var dates []string
	var deadline time.Time
	states := map[string]material.Status{}
	for _, c := range chains {
		end, ok := c.Expiry(o.opcert.period)
		if !ok {
			s.Add(material.Fail, CheckKESExpiry, fmt.Sprintf("%q starts at a KES period that no date belongs to", o.name),
				fmt.Sprintf("period %d", o.opcert.period), o)
			return
		}
		dates = append(dates, c.Name+" "+end.Format(time.RFC3339))
		// Where the network is not known the first date to come counts: too soon does no
		// harm, and what is in use has not expired.
		if past := !deadline.After(p.Now); deadline.IsZero() || past && end.After(deadline) || !past && end.After(p.Now) && end.Before(deadline) {
			deadline = end
		}
		state, status := c.validity(end, p.Now)
		states[state] = status
	}
	s.Deadlines = append(s.Deadlines, material.Deadline{What: fmt.Sprintf("the KES key of %s expires", o.name), Role: RoleOpcert, When: deadline})
	evidence := fmt.Sprintf("from period %d, to %s", o.opcert.period, strings.Join(dates, " or "))
	if len(states) > 1 || len(chains) > 1 && p.Now.IsZero() {
		s.Add(material.Unknown, CheckKESExpiry, fmt.Sprintf("how long %q is valid depends on the network", o.name), evidence, o)
		return
	}
	for state, status := range states {
		s.Add(status, CheckKESExpiry, fmt.Sprintf("%q %s: %s", o.name, state, strings.Join(dates, " or ")), evidence, o)
	}
}

// validity says what end, an expiry on this chain, means now.
func (c Chain) validity(end, now time.Time) (string, material.Status) {
	start := end.Add(-time.Duration(c.MaxEvolutions*c.SlotsPerPeriod) * c.SlotLength)
	switch {
	case now.IsZero():
		return "is valid to", material.Pass
	case !now.Before(end):
		return "has ended, and new KES keys are due", material.Warn
	case now.Before(start):
		return "is not valid yet, or a clock is wrong", material.Warn
	case now.Add(soon).After(end):
		return "ends soon, plan new KES keys", material.Warn
	}
	return "is valid to", material.Pass
}

// checkCounters compares each counter, which holds the next number, with the newest
// operational certificate.
func (s *set) checkCounters() {
	for _, o := range s.all(isCounter) {
		s.checkColdKey(o, CheckCounterCold, o.counter.cold)
		s.Add(material.Unknown, CheckCounterChain, fmt.Sprintf("only the chain knows whether %q is still right: ask it before use", o.name),
			o.id(), o)
		issued := s.near(o, func(c *object) bool {
			return isOpcert(c) && bytes.Equal(c.opcert.cold, o.counter.cold) && s.newest(c)
		})
		if len(issued) > 0 {
			s.checkNumber(o, issued[0])
		}
	}
}

func (s *set) checkNumber(o, issued *object) {
	next, number := o.counter.next, issued.opcert.number
	evidence := fmt.Sprintf("next %d, issued %d", next, number)
	switch {
	case next < number:
		s.Add(material.Fail, CheckCounterNumber, fmt.Sprintf("%q is older than %q: it would give a number that was used", o.name, issued.name),
			evidence, o, issued)
	case next == number:
		s.Add(material.Warn, CheckCounterNumber, fmt.Sprintf("%q would give the number of %q again: right only if it was made for that", o.name, issued.name),
			evidence, o, issued)
	case next-number > 1:
		s.Add(material.Warn, CheckCounterNumber, fmt.Sprintf("%q is ahead of %q: was a certificate lost?", o.name, issued.name),
			evidence, o, issued)
	default:
		s.Add(material.Pass, CheckCounterNumber, fmt.Sprintf("%q follows %q", o.name, issued.name), evidence, o, issued)
	}
}
