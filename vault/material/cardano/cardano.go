// Package cardano knows the files of a Cardano stake pool and proves that a set of
// them belongs together.
//
// It follows cardano-cli's text envelopes, CIP-5 (bech32 prefixes), CIP-19
// (addresses), the Conway CDDL (certificates), and cardano-base and cardano-ledger
// for keys and operational certificates; and it knows the file names of the
// cardano-cli documentation, CoinCashew, CNTools and the SPO Scripts.
//
// A private key is decoded into a buffer that is wiped, and reduced to its
// verification key at once: what is compared, kept and returned is public.
//
// Every check has an id, CARDANO-…, listed in ids.go. A check that lacks a file says
// nothing or UNKNOWN, never PASS.
package cardano

import (
	"time"

	"coldvault/vault/material"
)

// Network is the profile's name.
const Network = "cardano"

// Profile holds the rules of Cardano stake pools. The zero value is useful.
type Profile struct {
	// Now is the time at which KES keys are judged; zero: the dates are told, not judged.
	Now time.Time
	// Chain is the pool's network. Nil: mainnet if the addresses say so, else the
	// dates of all public test networks are told.
	Chain *Chain
	// Part says that the files are meant to be a part of a pool's set, such as what a
	// standby gets: nothing is missed.
	Part bool
}

// Chain is what turns KES periods of a network into dates.
type Chain struct {
	Name           string
	SystemStart    time.Time // of slot 0, as if all slots since had this SlotLength
	SlotLength     time.Duration
	SlotsPerPeriod uint64
	MaxEvolutions  uint64
}

// Mainnet is the network on which ada has a value.
func Mainnet() Chain { return public("mainnet", 1591566291) }

// Preprod is the test network that follows mainnet's releases.
func Preprod() Chain { return public("preprod", 1655683200) }

// Preview is the test network that runs ahead of mainnet.
func Preview() Chain { return public("preview", 1666656000) }

func public(name string, start int64) Chain {
	return Chain{name, time.Unix(start, 0).UTC(), time.Second, 129600, 62}
}

// Expiry is the first moment at which a KES key of an operational certificate that
// starts at period is no longer accepted. ok is false if that lies beyond all dates.
func (c Chain) Expiry(period uint64) (t time.Time, ok bool) {
	const farFuture = 1 << 33 // seconds: beyond, time.Duration overflows
	slots := period + c.MaxEvolutions
	seconds := float64(slots) * float64(c.SlotsPerPeriod) * c.SlotLength.Seconds()
	if slots < period || seconds > farFuture {
		return time.Time{}, false
	}
	return c.SystemStart.Add(time.Duration(slots*c.SlotsPerPeriod) * c.SlotLength), true
}

// Name implements material.Profile.
func (p Profile) Name() string { return Network }

// Recognise implements material.Profile.
func (p Profile) Recognise(f material.File) (material.Item, material.Certainty) {
	o, certainty := read(f)
	if certainty == material.NotMine {
		return material.Item{}, certainty
	}
	return material.Item{Role: o.role, In: compartments(o.role), Secret: o.secret, ID: o.id(), Note: o.note()}, certainty
}

// Judge implements material.Profile.
func (p Profile) Judge(files []material.File, _ []material.Item) material.Findings {
	objects := make([]*object, len(files))
	for i, f := range files {
		o, _ := read(f)
		objects[i] = &o
	}
	return p.judge(objects)
}

func (p Profile) judge(objects []*object) material.Findings {
	s := &set{objects: objects}
	s.checkFiles()
	s.checkPairs()
	s.checkOpcerts(p)
	s.checkCounters()
	s.checkPoolIDs()
	s.checkAddresses()
	s.checkCertificates()
	s.checkPoolTerms()
	s.checkMetadata()
	s.checkNetworks()
	s.checkProofs()
	if !p.Part {
		s.checkList()
	}
	found := material.Findings{Verdicts: s.Verdicts, IDs: s.ids(), Counters: s.counters(), Deadlines: s.Deadlines}
	for _, id := range found.IDs {
		if id.Name == poolIDName {
			found.Identities = append(found.Identities, id)
		}
	}
	return found
}
