// Package canton knows the files of a Canton or Splice node, a validator's or a super
// validator's, and proves that a set of them can bring the node back.
//
// It reads what the nodes write: identities dumps with their key pairs and topology
// (Canton's protobuf messages, protocol version 30), migration and data snapshots, key
// files of the Canton console, the super validator's operator key, and the files of
// its CometBFT node.
//
// The identities and the operator key are owner keys and in cold. CometBFT's files are
// what a running node, or its standby, signs blocks with: they are in hot, and in cold
// too, so that the cold shares alone bring back a whole super validator. Nothing that
// is in hot can act for the node's identity on the ledger.
//
// Private keys are decoded into buffers that are wiped, and reduced to their public
// keys at once: what is compared, kept and returned is public. Every check has an id,
// CANTON-…, listed in ids.go; what cannot be proven is UNKNOWN, never PASS.
package canton

import (
	"time"

	"coldvault/vault/material"
)

// Network is the profile's name.
const Network = "canton"

// Roles of the files.
const (
	RoleIdentities     = "participant-identities"
	RoleSVIdentities   = "sv-identities"
	RoleNodeIdentities = "node-identities" // of a sequencer or mediator alone
	RoleSnapshot       = "data-snapshot"   // identities and contracts at a time
	RoleKeyPair        = "key-pair"
	RolePrivateKey     = "private-key"
	RolePublicKey      = "public-key"
	RoleOperatorKey    = "sv-operator-key"
	RoleOperatorPublic = "sv-operator-public-key"
	RoleCometNode      = "cometbft-node-key"
	RoleCometValidator = "cometbft-validator-key"
	RoleCometState     = "cometbft-validator-state"
	RoleCometGenesis   = "cometbft-genesis"
	RoleCometConfig    = "cometbft-config"
)

func compartments(role string) material.Compartments {
	switch role {
	case RoleCometNode, RoleCometValidator, RoleCometState, RoleCometGenesis, RoleCometConfig:
		return material.Cold | material.Hot
	}
	return material.Cold
}

func secretRole(role string) bool {
	switch role {
	case RolePublicKey, RoleOperatorPublic, RoleCometState, RoleCometGenesis, RoleCometConfig:
		return false
	}
	return true
}

// Profile holds the rules of Canton and Splice nodes. The zero value is useful.
type Profile struct {
	// Now is the time at which the age of a dump is told; zero: its date is told.
	Now time.Time
	// Part says that the files are meant to be a part of a node's set, such as what a
	// standby gets: nothing is missed.
	Part bool
}

// Name implements material.Profile.
func (p Profile) Name() string { return Network }

// Recognise implements material.Profile.
func (p Profile) Recognise(f material.File) (material.Item, material.Certainty) {
	o, certainty := read(f)
	if certainty == material.NotMine {
		return material.Item{}, certainty
	}
	return material.Item{Role: o.role, In: compartments(o.role), Secret: secretRole(o.role), ID: o.id, Note: o.note(p.Now)}, certainty
}

// Judge implements material.Profile.
func (p Profile) Judge(files []material.File, _ []material.Item) material.Findings {
	s := &set{}
	for _, f := range files {
		o, _ := read(f)
		s.objects = append(s.objects, &o)
	}
	s.checkFiles()
	s.checkDumps()
	s.checkSnapshots()
	s.checkKeyFiles()
	s.checkOperatorKeys()
	s.checkComet()
	if !p.Part {
		s.checkSVSet()
	}
	found := material.Findings{Verdicts: s.Verdicts, IDs: s.ids(), Counters: s.counters()}
	for _, id := range found.IDs {
		if id.Name != idKey && id.Name != idMigration && id.Name != idChain && id.Name != idState {
			found.Identities = append(found.Identities, id)
		}
	}
	return found
}

// Question is a fact that a restore needs and no file holds.
type Question struct{ Name, Text string }

// Questions are what an operator is to be asked when the items are sealed.
func (p Profile) Questions(items []material.Item) []Question {
	has := func(roles ...string) bool {
		for _, item := range items {
			for _, role := range roles {
				if item.Network == Network && item.Role == role {
					return true
				}
			}
		}
		return false
	}
	var questions []Question
	if has(RoleIdentities, RoleSnapshot) {
		questions = append(questions, Question{"party-hint", "the party hint that the validator was started with"})
	}
	if has(RoleIdentities, RoleSVIdentities) {
		questions = append(questions, Question{"migration-id", "the network's migration id when the dump was made"})
	}
	if has(RoleIdentities, RoleSVIdentities, RoleSnapshot) {
		questions = append(questions, Question{"databases", "the names of the node's databases, such as participant-4"})
	}
	return questions
}
