package aleph

import (
	"fmt"
	"path"
	"strings"

	"coldvault/vault/material"
)

// set is what is judged together.
type set struct {
	objects []*object
	material.Docket[*object]
}

// checkFiles refuses what is not what its name says, and passes private keys whose
// numbers belong together.
func (s *set) checkFiles() {
	for _, o := range s.objects {
		switch {
		case o.defect != nil:
			s.Add(material.Fail, CheckFile, fmt.Sprintf("%q is of no use as %s: %s", o.name, o.role, o.defect), "", o)
		case o.locked:
			s.Add(material.Unknown, CheckKey, fmt.Sprintf("the key in %q is encrypted with a passphrase, nothing can be said about it", o.name), "", o)
		case o.private():
			s.Add(material.Pass, CheckKey, fmt.Sprintf("the private key in %q is whole", o.name), fmt.Sprintf("RSA, %d bits, peer id %s", o.key.Bits(), o.peer), o)
		}
	}
}

// nodes groups the files that speak of one node's key. Those in one folder are one
// node's, if every such folder has a private key; else all are one node's.
func (s *set) nodes() [][]*object {
	var order []string
	groups := map[string][]*object{}
	var all []*object
	for _, o := range s.objects {
		if o.peer == "" || o.role == RoleKubo {
			continue
		}
		dir := path.Dir(o.name)
		if groups[dir] == nil {
			order = append(order, dir)
		}
		groups[dir], all = append(groups[dir], o), append(all, o)
	}
	var nodes [][]*object
	for _, dir := range order {
		if len(privates(groups[dir])) == 0 {
			return [][]*object{all}
		}
		nodes = append(nodes, groups[dir])
	}
	return nodes
}

func privates(objects []*object) []*object {
	var found []*object
	for _, o := range objects {
		if o.private() {
			found = append(found, o)
		}
	}
	return found
}

// checkNode compares everything that speaks of a node's key with its private key.
func (s *set) checkNode(node []*object) {
	secrets := privates(node)
	if len(secrets) == 0 {
		return // checkSet misses it
	}
	first := secrets[0]
	if len(secrets) > 1 {
		same := true
		var peers []string
		for _, o := range secrets {
			same = same && *o.key == *first.key
			peers = append(peers, o.peer)
		}
		s.Compare(same, CheckOneKey,
			fmt.Sprintf("%d files hold the node's one private key", len(secrets)),
			fmt.Sprintf("%d files hold private keys of more than one node", len(secrets)),
			strings.Join(peers, ", "), secrets...)
	}
	for _, o := range node {
		evidence := o.peer + ", " + first.peer
		switch o.role {
		case RolePublic:
			s.Compare(*o.key == *first.key, CheckPublic,
				fmt.Sprintf("%q is the public key of %q", o.name, first.name),
				fmt.Sprintf("%q is not the public key of %q", o.name, first.name), evidence, o, first)
		case RolePeerID:
			s.Compare(o.peer == first.peer, CheckPeerID,
				fmt.Sprintf("the peer id in %q is that of %q", o.name, first.name),
				fmt.Sprintf("the peer id in %q is not that of %q", o.name, first.name), evidence, o, first)
		}
	}
}

// checkKubo compares the two halves of the IPFS daemon's identity.
func (s *set) checkKubo() {
	for _, o := range s.objects {
		if o.role == RoleKubo && o.defect == nil {
			s.Compare(o.stated == o.peer, CheckKubo,
				fmt.Sprintf("the peer id in %q is that of its private key", o.name),
				fmt.Sprintf("the peer id in %q is not that of its private key", o.name),
				fmt.Sprintf("%.80q, %s", o.stated, o.peer), o)
		}
	}
}

// checkSet misses what a node cannot come back without.
func (s *set) checkSet() {
	var key, config bool
	for _, o := range s.objects {
		key = key || o.private()
		config = config || o.role == RoleConfig
	}
	switch {
	case !key:
		s.Add(material.Fail, CheckSet, "the node's private key is missing: node-secret.pkcs8.der, or node-secret.key of versions 0.2 and 0.3", "")
	case !config:
		s.Add(material.Warn, CheckSet, "the node's config.yml is missing", "")
	default:
		s.Add(material.Pass, CheckSet, "the node's private key and its config.yml are there", "")
	}
}

// ids are the names under which the network knows the material.
func (s *set) ids() []material.ID {
	var ids []material.ID
	for _, o := range s.objects {
		name := "peer id"
		if o.role == RoleKubo {
			name = "kubo peer id"
		}
		if o.peer != "" && o.role != RolePeerID {
			ids = append(ids, material.ID{Network: Network, Name: name, Value: o.peer})
		}
	}
	return ids
}
