package canton

import (
	"fmt"
	"strings"

	"coldvault/vault/material"
)

// set is what is judged together.
type set struct {
	objects []*object
	material.Docket[*object]
}

// all gives the sound objects of the roles.
func (s *set) all(roles ...string) []*object {
	var found []*object
	for _, o := range s.objects {
		for _, role := range roles {
			if o.role == role && o.defect == nil && o.unread == nil {
				found = append(found, o)
			}
		}
	}
	return found
}

// checkFiles refuses what only looks like a backup.
func (s *set) checkFiles() {
	for _, o := range s.objects {
		switch {
		case o.defect != nil:
			s.Add(material.Fail, CheckFile, fmt.Sprintf("%q is of no use as %s: %s", o.name, o.role, o.defect), "", o)
		case o.unread != nil:
			s.Add(material.Unknown, CheckFile, fmt.Sprintf("nothing can be said about %q: %s", o.name, o.unread), "", o)
		}
	}
}

// checkKeyFiles looks at the keys in files of their own, and brings their halves
// together.
func (s *set) checkKeyFiles() {
	for _, o := range s.all(RoleKeyPair) {
		s.Add(material.Pass, CheckKeys, fmt.Sprintf("the key pair %q is whole and stored under its own fingerprint", o.name), o.id, o)
	}
	public := s.all(RolePublicKey)
	for _, o := range s.all(RolePrivateKey) {
		s.Add(material.Pass, CheckKeys, fmt.Sprintf("the private key %q is stored under its own fingerprint", o.name), o.id, o)
		for _, p := range public {
			stem := strings.NewReplacer("private", "", "public", "")
			switch {
			case p.id == o.id:
				s.Add(material.Pass, CheckKeyFiles, fmt.Sprintf("%q is the public key of %q", p.name, o.name), o.id, o, p)
			case stem.Replace(p.name) == stem.Replace(o.name):
				s.Add(material.Fail, CheckKeyFiles, fmt.Sprintf("%q is not the public key of %q, as its name says", p.name, o.name),
					o.id+", "+p.id, o, p)
			}
		}
	}
}

// checkOperatorKeys compares the halves of operator keys, in one file or in two.
func (s *set) checkOperatorKeys() {
	lonePublic := s.all(RoleOperatorPublic)
	for _, o := range s.all(RoleOperatorKey) {
		about, public := []*object{o}, o.operator.public
		if public == nil && len(lonePublic) > 0 {
			public = lonePublic[0].operator.public
			for _, p := range lonePublic { // several operators' keys in one set
				if *p.operator.public == *o.operator.private {
					public = p.operator.public
				}
			}
			about = append(about, lonePublic...)
		}
		if public == nil {
			s.Add(material.Unknown, CheckOperatorKey,
				fmt.Sprintf("the operator key %q is readable; there is no public key beside it to compare with", o.name), o.id, o)
			continue
		}
		s.Compare(*public == *o.operator.private, CheckOperatorKey,
			fmt.Sprintf("the operator key in %q is one pair", o.name),
			fmt.Sprintf("the public key of the operator does not belong to the private one in %q", o.name),
			o.id+", "+fingerprint(*public), about...)
	}
}

// checkSVSet misses what a super validator needs beside its dump.
func (s *set) checkSVSet() {
	for _, dump := range s.all(RoleSVIdentities) {
		var missing []string
		for _, need := range [][2]string{
			{RoleOperatorKey, "the SV operator key"},
			{RoleCometNode, "CometBFT's node_key.json"},
			{RoleCometValidator, "CometBFT's priv_validator_key.json"},
		} {
			if len(s.all(need[0])) == 0 {
				missing = append(missing, need[1])
			}
		}
		s.Compare(len(missing) == 0, CheckSVSet,
			"what the super validator's dump does not hold is beside it: operator key, node key, validator key",
			"the super validator's dump does not hold what is missing here: "+strings.Join(missing, ", "),
			dump.id, dump)
	}
}

// Names of ids that no operator is known by.
const (
	idKey       = "key"
	idMigration = "migration id"
	idChain     = "CometBFT chain"
	idState     = "CometBFT state"
)

// ids are the names under which the network knows the material.
func (s *set) ids() []material.ID {
	var ids []material.ID
	add := func(name, value string) {
		ids = append(ids, material.ID{Network: Network, Name: name, Value: value})
	}
	names := map[string]string{
		RoleKeyPair: idKey, RolePrivateKey: idKey, RolePublicKey: idKey,
		RoleOperatorKey: "SV operator key", RoleOperatorPublic: "SV operator key",
		RoleCometNode: "CometBFT node id", RoleCometValidator: "CometBFT validator address",
		RoleCometState: idState, RoleCometGenesis: idChain,
		RoleSVIdentities: "SV party",
	}
	for _, o := range s.objects {
		if name, ok := names[o.role]; ok && o.id != "" {
			add(name, o.id)
		}
		for _, d := range o.dumps {
			add(d.id.word()+" id", d.id.String())
			for _, pair := range d.pairs {
				add(idKey, pair.fingerprint)
			}
		}
		if o.snapshot != nil {
			add(idMigration, fmt.Sprint(o.snapshot.migration))
		}
	}
	return ids
}

// counters are the validators' states: one that is behind the last height that the
// validator signed lets it sign that height again.
func (s *set) counters() []material.Counter {
	var out []material.Counter
	for _, o := range s.all(RoleCometState) {
		out = append(out, material.Counter{
			File: o.name, What: "last height this validator signed on the chain", Min: 0, Max: uint64(o.state.height),
			Advice: "write a state with a height above the chain's present one before the validator is started: with an older one it signs twice",
		})
	}
	return out
}
