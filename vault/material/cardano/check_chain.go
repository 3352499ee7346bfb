package cardano

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"coldvault/vault/material"
)

// checkAddresses compares the parts of each address with the keys of the set.
func (s *set) checkAddresses() {
	for _, o := range s.all(func(o *object) bool { return o.addr != nil && o.defect == nil }) {
		s.checkCredential(o, CheckAddressPayment, "payment part", o.addr.payment, isPayment, material.Fail)
		s.checkCredential(o, CheckAddressStake, "stake part", o.addr.stake, isStake, material.Fail)
	}
}

// checkCredential compares a credential in o with the keys that could be its own.
// contradiction is the status if such keys are there and none of them is.
func (s *set) checkCredential(o *object, check, part string, c *credential, own func(*object) bool, contradiction material.Status) bool {
	if c == nil {
		return false
	}
	evidence := hex.EncodeToString(c.hash)
	keys := s.near(o, own)
	if c.script {
		s.Add(material.Unknown, check, fmt.Sprintf("the %s of %q is a script, which no key proves", part, o.name), evidence, o)
		return false
	}
	owners := withHash(keys, c.hash)
	switch {
	case len(owners) > 0:
		prove(owners...)
		s.Add(material.Pass, check, fmt.Sprintf("the %s of %q is the key in %q", part, o.name, owners[0].name), evidence, o, owners[0])
	case len(keys) > 0:
		s.Add(contradiction, check, fmt.Sprintf("the %s of %q is none of the keys here", part, o.name), evidence, append([]*object{o}, keys...)...)
	default:
		s.Add(material.Unknown, check, fmt.Sprintf("the key of the %s of %q is not here", part, o.name), evidence, o)
	}
	return len(owners) > 0
}

// checkCertificates compares stake and delegation certificates, and all that name a
// pool.
func (s *set) checkCertificates() {
	for _, o := range s.all(func(o *object) bool { return o.cert != nil && o.defect == nil }) {
		if o.cert.tag < 14 { // later ones are about offices, not stake
			s.checkCredential(o, CheckCertStake, "stake credential", o.cert.who, isStake, material.Fail)
		}
		if o.cert.pool != nil {
			s.checkPool(o, CheckCertPool, o.cert.pool)
		}
		if o.role == roleDeregistration || o.role == roleRetirement {
			s.Add(material.Warn, CheckCertEnds, fmt.Sprintf("%q would end a registration if it were sent: was that meant to be kept?", o.name), "", o)
		}
	}
}

// checkPoolTerms compares what a pool registration names with the keys here. Pledge,
// cost, margin and relays are proven by nothing but the digest of the file.
func (s *set) checkPoolTerms() {
	for _, o := range s.all(hasTerms) {
		t := o.cert.terms
		if keys := s.near(o, isKey("vrf")); len(keys) > 0 {
			matched := false
			for _, k := range keys {
				if bytes.Equal(blake256(k.pub), t.vrfHash) {
					matched = true
					prove(k)
				}
			}
			s.Compare(matched, CheckPoolVRF, fmt.Sprintf("%q names the VRF key here", o.name),
				fmt.Sprintf("%q names another VRF key than the one here", o.name), hex.EncodeToString(t.vrfHash), append([]*object{o}, keys...)...)
		}
		owned := s.checkOwners(o)
		reward := &credential{script: t.reward[0]>>4 == 15, hash: t.reward[1:]}
		contradiction := material.Fail
		if owned {
			contradiction = material.Warn // rewards may go to a wallet that is kept elsewhere
		}
		s.checkCredential(o, CheckPoolReward, "reward account", reward, isStake, contradiction)
	}
}

func hasTerms(o *object) bool { return o.cert != nil && o.cert.terms != nil && o.defect == nil }

// checkOwners wants one owner to be a key of the set: a pool may have several.
func (s *set) checkOwners(o *object) bool {
	keys := s.near(o, isStake)
	var matched, missing []string
	for _, owner := range o.cert.terms.owners {
		if found := withHash(keys, owner); len(found) > 0 {
			prove(found...)
			matched = append(matched, found[0].name)
		} else {
			missing = append(missing, hex.EncodeToString(owner))
		}
	}
	evidence := ""
	if len(missing) > 0 {
		evidence = "owners without a key here: " + strings.Join(missing, ", ")
	}
	switch {
	case len(matched) > 0 && len(missing) == 0:
		s.Add(material.Pass, CheckPoolOwner, fmt.Sprintf("all owners of %q are keys of the set", o.name), strings.Join(matched, ", "), o)
	case len(matched) > 0:
		s.Add(material.Warn, CheckPoolOwner, fmt.Sprintf("the keys of some owners of %q are not here", o.name), evidence, o)
	case len(keys) > 0:
		s.Add(material.Fail, CheckPoolOwner, fmt.Sprintf("no owner of %q is a stake key of the set", o.name), evidence, append([]*object{o}, keys...)...)
	default:
		s.Add(material.Warn, CheckPoolOwner, fmt.Sprintf("no stake key of an owner of %q is here", o.name), evidence, o)
	}
	return len(matched) > 0
}

// networks are the network numbers that o names.
func (o *object) networks() []byte {
	switch {
	case o.defect != nil:
		return nil
	case o.addr != nil:
		return []byte{o.addr.network}
	case o.cert != nil && o.cert.terms != nil:
		return []byte{o.cert.terms.reward[0] & 15}
	}
	return nil
}

func (s *set) on(network byte) []*object {
	return s.all(func(o *object) bool { return bytes.IndexByte(o.networks(), network) >= 0 })
}

func (s *set) onMainnet() bool { return len(s.on(networkMain)) > 0 && len(s.on(networkTest)) == 0 }
func (s *set) onTestnet() bool { return len(s.on(networkTest)) > 0 && len(s.on(networkMain)) == 0 }

func (s *set) checkNetworks() {
	mainnet, test := s.on(networkMain), s.on(networkTest)
	switch {
	case len(mainnet) > 0 && len(test) > 0:
		s.Add(material.Fail, CheckNetwork, "files of mainnet and of a test network are mixed", "", append(mainnet, test...)...)
	case len(mainnet)+len(test) > 0:
		about := append(mainnet, test...)
		s.Add(material.Pass, CheckNetwork, "all addresses are of "+networkName(about[0].networks()[0]), "", about...)
	}
}
