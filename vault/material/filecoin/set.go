package filecoin

import (
	"fmt"

	"coldvault/vault/material"
)

// set is the files of one inspection and what was found out about them.
type set struct {
	objects []*object
	material.Docket[*object]
}

func (s *set) wipe() {
	for _, o := range s.objects {
		o.key.wipe()
	}
}

func (s *set) name(what, value string) {
	s.IDs = append(s.IDs, material.ID{Network: Network, Name: what, Value: value})
}

// with gives the sound files of that role.
func (s *set) with(role string) []*object {
	var out []*object
	for _, o := range s.objects {
		if o.role == role && o.defect == nil {
			out = append(out, o)
		}
	}
	return out
}

// beside gives those of the same node as o.
func beside(o *object, others []*object) []*object {
	var out []*object
	for _, c := range others {
		if c != o && repo(c.name) == repo(o.name) {
			out = append(out, c)
		}
	}
	return out
}

// settleNetworks gives a default key, whose name has no address, the network of the
// wallets beside it.
func (s *set) settleNetworks() {
	for _, o := range s.with(RoleDefault) {
		for _, w := range beside(o, s.with(RoleWallet)) {
			o.network = w.network
		}
	}
}

// checkFiles says of every file for itself what reading it has shown.
func (s *set) checkFiles() {
	var open []*object
	for _, o := range s.objects {
		switch {
		case o.backup != nil:
			continue // see checkBackups
		case o.defect != nil:
			s.Add(material.Fail, CheckFile, fmt.Sprintf("%q is no sound %s: %v", o.name, o.role, o.defect), "", o)
		case o.key.kind == typeLedger:
			s.Add(material.Unknown, CheckLedger,
				fmt.Sprintf("%q holds no key: the Ledger device and its words must be kept elsewhere", o.name), "", o)
		case o.addr != nil:
			s.Add(material.Pass, CheckKey, fmt.Sprintf("%q holds the %s key of an address", o.name, o.key.kind), o.id(), o)
			s.name("address", o.id())
		case o.peer != "":
			s.Add(material.Pass, CheckKey, fmt.Sprintf("%q holds the identity of a libp2p host", o.name), o.peer, o)
			s.name("peer id", o.peer)
		case o.store != nil:
			s.name("storage id", o.store.ID)
		}
		s.checkName(o)
		if _, stored := keystoreName(o.name); stored && o.mode&0o077 != 0 {
			open = append(open, o)
		}
	}
	if len(open) > 0 {
		s.Add(material.Warn, CheckMode,
			"others than their owner can read these files: Lotus refuses a whole keystore for one of them until it is 0600, its folder 0700",
			fmt.Sprintf("%04o", open[0].mode), open...)
	}
}

// checkName compares what a file of a keystore holds with its name.
func (s *set) checkName(o *object) {
	logical, stored := keystoreName(o.name)
	if !stored || o.defect != nil {
		return
	}
	s.Compare(o.role == roleOfName(logical), CheckKeystoreName, fmt.Sprintf("%q holds what its name says", o.name),
		fmt.Sprintf("%q is named %q and holds a key of type %s", o.name, logical, o.key.kind), logical, o)
}

// checkWallets compares the address in a file's name with the one its key makes.
func (s *set) checkWallets() {
	for _, o := range s.objects {
		if o.addr == nil || o.defect != nil || o.role == RoleDefault {
			continue
		}
		named, _, ok := namedAddress(o.name)
		if !ok && o.role == RoleWallet {
			s.Add(material.Fail, CheckAddress, fmt.Sprintf("the name of %q has no address", o.name), o.id(), o)
			continue
		}
		if !ok {
			s.Add(material.Unknown, CheckAddress,
				fmt.Sprintf("nothing here shows that %q is the wallet meant: compare its address", o.name), o.id(), o)
			continue
		}
		s.Compare(named == *o.addr, CheckAddress, fmt.Sprintf("the key in %q makes the address in its name", o.name),
			fmt.Sprintf("the key in %q makes another address than the one in its name", o.name),
			fmt.Sprintf("key %s, name %s", o.id(), o.on(named)), o)
	}
}

// checkDefaults looks for the wallet that a default key is a copy of.
func (s *set) checkDefaults() {
	for _, o := range s.with(RoleDefault) {
		if o.addr == nil {
			continue
		}
		wallets := beside(o, s.with(RoleWallet))
		if len(wallets) == 0 {
			s.Add(material.Unknown, CheckDefault, fmt.Sprintf("no wallet beside %q to compare it with", o.name), o.id(), o)
			continue
		}
		twin := o
		for _, w := range wallets {
			if w.addr != nil && *w.addr == *o.addr {
				twin = w
			}
		}
		s.Compare(twin != o, CheckDefault, fmt.Sprintf("the default key %q is that of the wallet %q", o.name, twin.name),
			fmt.Sprintf("the default key %q is that of no wallet of its keystore", o.name), o.id(), append(wallets, o)...)
	}
}

// checkTokens verifies the tokens of a repo with its secret.
func (s *set) checkTokens() {
	for _, o := range s.with(RoleToken) {
		secrets := beside(o, s.with(RoleJWT))
		if len(secrets) == 0 {
			s.Add(material.Unknown, CheckToken, fmt.Sprintf("the secret that signed %q is not here", o.name), "", o)
			continue
		}
		signer := o
		for _, c := range secrets {
			if o.token.signedWith(c.key.secret) {
				signer = c
			}
		}
		s.Compare(signer != o, CheckToken, fmt.Sprintf("%q is signed with %q", o.name, signer.name),
			fmt.Sprintf("%q is not signed with the secret in %q", o.name, secrets[0].name), "", append(secrets, o)...)
	}
}
