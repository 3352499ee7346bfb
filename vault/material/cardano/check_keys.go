package cardano

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"coldvault/vault/material"
)

// checkFiles says of every file for itself what reading it has shown.
func (s *set) checkFiles() {
	var open []*object
	for _, o := range s.objects {
		switch {
		case o.defect != nil:
			s.Add(material.Fail, CheckFile, fmt.Sprintf("%q is no %s: %v", o.name, o.role, o.defect), "", o)
		case o.opaque != "" && o.cert != nil, o.kind != "":
			s.Add(material.Unknown, CheckKind, fmt.Sprintf("%q: %s", o.name, o.note()), "", o)
		case o.opaque != "":
			s.Add(material.Unknown, CheckOpaque, fmt.Sprintf("%q proves nothing: %s", o.name, o.opaque), "", o)
		case o.hardware():
			s.Add(material.Unknown, CheckHardware,
				fmt.Sprintf("%q holds no signing key: the hardware wallet and its words must be kept elsewhere", o.name), "", o)
		case o.selfTest != "":
			s.Add(material.Pass, CheckKeyWhole, fmt.Sprintf("%q is whole: %s", o.name, o.selfTest), "", o)
		}
		if o.role == RoleKESSecret && o.pub != nil {
			s.Compare(o.evolved == 0, CheckKESEvolution, "the KES key is at evolution 0",
				fmt.Sprintf("the KES key is at evolution %d: a node would take it for evolution 0", o.evolved), "", o)
		}
		if o.secret && o.mode&0o077 != 0 {
			open = append(open, o)
		}
	}
	if len(open) > 0 {
		s.Add(material.Warn, CheckMode, "others than their owner can read these signing keys", "", open...)
	}
}

// checkPairs compares each signing key, or the file that stands for one in a hardware
// wallet, with its verification key.
func (s *set) checkPairs() {
	for _, secret := range s.objects {
		if secret.pub == nil || secret.family() == "" || !secret.secret && !secret.hardware() {
			continue
		}
		candidates := s.verificationKeys(secret)
		if len(candidates) == 0 {
			continue
		}
		twin := withKey(candidates, secret.pub)
		switch {
		case twin == nil:
			s.Add(material.Fail, CheckKeyPair, fmt.Sprintf("%q does not make the verification key in %q", secret.name, candidates[0].name),
				hex.EncodeToString(secret.pub)+" is not "+hex.EncodeToString(candidates[0].pub), append([]*object{secret}, candidates...)...)
		case secret.chain != nil && twin.chain != nil && !bytes.Equal(secret.chain, twin.chain):
			s.Add(material.Fail, CheckKeyPair, fmt.Sprintf("%q and %q have different chain codes", secret.name, twin.name), "", secret, twin)
		default:
			prove(secret)
			s.Add(material.Pass, CheckKeyPair, fmt.Sprintf("%q makes the verification key in %q", secret.name, twin.name),
				hex.EncodeToString(secret.pub), secret, twin)
		}
	}
}

// verificationKeys gives what a signing key has to fit one of: the verification key
// whose name has the same stem; else the one it makes; else those beside it, or of the
// same stem elsewhere, that are not the other half of another signing key.
func (s *set) verificationKeys(secret *object) []*object {
	candidates := s.near(secret, func(o *object) bool {
		return o.pub != nil && o.family() == secret.family() && !o.secret && !o.hardware()
	})
	for _, c := range candidates {
		if stem(c.name) == stem(secret.name) {
			return []*object{c}
		}
	}
	if twin := withKey(candidates, secret.pub); twin != nil {
		return []*object{twin}
	}
	return slices.DeleteFunc(candidates, func(c *object) bool {
		related := c.folder() == secret.folder() || stem(path.Base(c.name)) == stem(path.Base(secret.name))
		return !related || s.secretOf(c) != nil
	})
}

// checkProofs names the signing keys that nothing in the set speaks for.
func (s *set) checkProofs() {
	for _, o := range s.objects {
		if o.secret && o.pub != nil && !o.proven {
			s.Add(material.Unknown, CheckKeyProven, fmt.Sprintf("nothing here shows that %q is the right key", o.name),
				hex.EncodeToString(o.pub), o)
		}
	}
}

// checkPoolIDs compares files that hold the id of a pool or the hash of a key.
func (s *set) checkPoolIDs() {
	for _, o := range s.objects {
		switch {
		case o.hash == nil || o.defect != nil:
		case o.role == RolePoolID:
			s.checkPool(o, CheckPoolID, o.hash)
		case o.role == roleKeyHash:
			keys := s.near(o, func(c *object) bool { return c.pub != nil })
			if owners := withHash(keys, o.hash); len(owners) > 0 {
				prove(owners...)
				s.Add(material.Pass, CheckKeyHash, fmt.Sprintf("%q is the hash of the key in %q", o.name, owners[0].name),
					hex.EncodeToString(o.hash), o, owners[0])
			} else {
				s.Add(material.Unknown, CheckKeyHash, fmt.Sprintf("%q is the hash of no key in the set", o.name), hex.EncodeToString(o.hash), o)
			}
		}
	}
}

// anchor is what says which pool the set is of: its cold key, or else the strongest
// file that names it.
func (s *set) anchor(o *object) []*object {
	for _, want := range []func(*object) bool{
		isCold,
		isOpcert,
		isCounter,
		hasTerms,
	} {
		if found := s.near(o, want); len(found) > 0 {
			return found
		}
		if want(o) {
			return nil // nothing stronger than o itself
		}
	}
	return nil
}

// pool is the id of the pool that an anchor names.
func (o *object) pool() []byte {
	switch {
	case o.pub != nil:
		return blake224(o.pub)
	case o.opcert != nil:
		return blake224(o.opcert.cold)
	case o.counter != nil:
		return blake224(o.counter.cold)
	}
	return o.cert.pool
}

// checkPool compares the pool id in o with the set's.
func (s *set) checkPool(o *object, check string, id []byte) {
	anchors := s.anchor(o)
	if len(anchors) == 0 {
		return
	}
	for _, a := range anchors {
		if !bytes.Equal(a.pool(), id) {
			continue
		}
		prove(a)
		if twin := s.secretOf(a); twin != nil {
			prove(twin)
		}
		s.Add(material.Pass, check, fmt.Sprintf("%q names the pool of %q", o.name, a.name), poolID(id), o, a)
		return
	}
	s.Add(material.Fail, check, fmt.Sprintf("%q names another pool than %q", o.name, anchors[0].name),
		poolID(id)+" is not "+poolID(anchors[0].pool()), append([]*object{o}, anchors...)...)
}

// secretOf gives the signing key of the same verification key, if it is there.
func (s *set) secretOf(o *object) *object {
	if o.pub == nil {
		return nil
	}
	for _, c := range s.objects {
		if c.secret && strings.HasSuffix(c.role, ".skey") && bytes.Equal(c.pub, o.pub) {
			return c
		}
	}
	return nil
}
