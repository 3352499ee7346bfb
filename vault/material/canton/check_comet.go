package canton

import (
	"crypto/ed25519"
	"fmt"

	"coldvault/vault/material"
)

// checkComet judges the files of CometBFT nodes. Files below one folder are one
// node's.
func (s *set) checkComet() {
	for _, o := range s.all(RoleCometNode) {
		s.Add(material.Pass, CheckCometNode, fmt.Sprintf("the node key %q is whole", o.name), o.id, o)
	}
	for _, o := range s.all(RoleCometValidator) {
		s.Add(material.Pass, CheckCometValidator, fmt.Sprintf("the validator key %q is whole and has its own address", o.name), o.id, o)
	}
	for _, o := range s.all(RoleCometState) {
		s.checkCometState(o)
	}
	for _, o := range s.all(RoleCometGenesis) {
		s.checkCometGenesis(o)
	}
	for _, o := range s.all(RoleCometConfig) {
		s.checkCometPeers(o)
	}
}

// validatorOf is the validator key that goes with a file: the one of its node, or the
// only one.
func (s *set) validatorOf(o *object) *object {
	keys := s.all(RoleCometValidator)
	for _, key := range keys {
		if cometHome(key.name) == cometHome(o.name) {
			return key
		}
	}
	if len(keys) == 1 {
		return keys[0]
	}
	return nil
}

func (s *set) checkCometState(o *object) {
	key := s.validatorOf(o)
	switch {
	case o.state.signature == nil:
		s.Add(material.Unknown, CheckCometState, fmt.Sprintf("the state %q has no signature yet that could be checked", o.name), o.id, o)
	case key == nil:
		s.Add(material.Unknown, CheckCometState, fmt.Sprintf("there is no validator key to check the signature in %q with", o.name), o.id, o)
	default:
		s.Compare(ed25519.Verify(key.public.Bytes(), o.state.signed, o.state.signature), CheckCometState,
			fmt.Sprintf("the last signature in %q is of the validator key %q", o.name, key.name),
			fmt.Sprintf("the last signature in %q is not of the validator key %q", o.name, key.name),
			key.id+", "+o.id, o, key)
	}
	s.Add(material.Unknown, CheckCometNewest,
		fmt.Sprintf("whether %q is the validator's last state only the network knows: put back an older one and it signs twice", o.name), o.id, o)
}

func (s *set) checkCometGenesis(o *object) {
	found := false
	for _, key := range s.all(RoleCometValidator) {
		if _, ok := o.genesis.validators[key.id]; ok {
			found = true
			s.Add(material.Pass, CheckCometGenesis, fmt.Sprintf("the validator key %q is one of the genesis %q", key.name, o.name), key.id, o, key)
		}
	}
	if !found {
		s.Add(material.Unknown, CheckCometGenesis,
			fmt.Sprintf("the genesis %q is readable and knows no validator key of this set: one that joined later is not in it", o.name),
			fmt.Sprintf("chain %s, %d validators", o.genesis.chain, len(o.genesis.validators)), o)
	}
}

// checkCometPeers finds the set's nodes among the peers that a node keeps to.
func (s *set) checkCometPeers(o *object) {
	nodes := s.all(RoleCometNode)
	for _, peer := range o.config.peers {
		for _, node := range nodes {
			if node.id != peer {
				continue
			}
			if cometHome(node.name) == cometHome(o.name) {
				s.Add(material.Warn, CheckCometPeers, fmt.Sprintf("%q names its own node as a peer: the node key may be another node's", o.name), peer, o, node)
			} else {
				s.Add(material.Pass, CheckCometPeers, fmt.Sprintf("%q names the node of %q as a peer", o.name, node.name), peer, o, node)
			}
		}
	}
}
