package cardano

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"coldvault/vault/format/bech32"
	"coldvault/vault/material"
)

// set is what is judged together.
type set struct {
	objects []*object
	material.Docket[*object]
}

// all gives the objects that want accepts.
func (s *set) all(want func(*object) bool) []*object {
	var found []*object
	for _, o := range s.objects {
		if want(o) {
			found = append(found, o)
		}
	}
	return found
}

// near gives the objects that o is to be compared with: those of its own folder, or,
// if there are none, of all folders. So two pools in two folders are kept apart, and
// a pool spread over several folders is not.
func (s *set) near(o *object, want func(*object) bool) []*object {
	var close, far []*object
	for _, c := range s.objects {
		if c == o || !want(c) {
			continue
		}
		if far = append(far, c); c.folder() == o.folder() {
			close = append(close, c)
		}
	}
	if len(close) > 0 {
		return close
	}
	return far
}

// withKey gives the object that has the verification key.
func withKey(objects []*object, pub []byte) *object {
	for _, o := range objects {
		if bytes.Equal(o.pub, pub) {
			return o
		}
	}
	return nil
}

// withHash gives all objects whose verification key has the hash, of either length.
func withHash(objects []*object, hash []byte) []*object {
	var found []*object
	for _, o := range objects {
		if bytes.Equal(blake224(o.pub), hash) || bytes.Equal(blake256(o.pub), hash) {
			found = append(found, o)
		}
	}
	return found
}

// prove marks what was compared with success.
func prove(objects ...*object) {
	for _, o := range objects {
		o.proven = true
	}
}

// isKey says whether o holds or makes a verification key of one of the families.
func isKey(families ...string) func(*object) bool {
	return func(o *object) bool {
		for _, f := range families {
			if o.pub != nil && o.family() == f {
				return true
			}
		}
		return false
	}
}

// Keys that can be a pool's cold key, own what an address holds, or own stake.
func isCold(o *object) bool    { return isKey("node", "genesis-delegate")(o) }
func isPayment(o *object) bool { return isKey("payment", "genesis-utxo")(o) }
func isStake(o *object) bool   { return isKey("stake")(o) }

// family is the role without its last part if it is a key's, else "".
func (o *object) family() string {
	for _, suffix := range []string{".skey", ".vkey", ".hwsfile"} {
		if f, ok := strings.CutSuffix(o.role, suffix); ok {
			return f
		}
	}
	return ""
}

func (o *object) hardware() bool { return strings.HasSuffix(o.role, ".hwsfile") }

// id is what is shown of a file.
func (o *object) id() string {
	switch {
	case o.defect != nil:
		return ""
	case o.pub != nil && isCold(o):
		return poolID(blake224(o.pub))
	case o.pub != nil && o.family() == "kes":
		return hex.EncodeToString(o.pub)
	case o.pub != nil && o.family() == "vrf":
		return hex.EncodeToString(blake256(o.pub))
	case o.pub != nil:
		return hex.EncodeToString(blake224(o.pub))
	case o.opcert != nil:
		return fmt.Sprintf("number %d, from KES period %d", o.opcert.number, o.opcert.period)
	case o.counter != nil:
		return fmt.Sprintf("next number %d", o.counter.next)
	case o.text != "":
		return o.text
	case o.cert != nil && o.cert.pool != nil:
		return poolID(o.cert.pool)
	case o.cert != nil && o.cert.who != nil:
		return hex.EncodeToString(o.cert.who.hash)
	case o.role == RolePoolID && o.hash != nil:
		return poolID(o.hash)
	case o.hash != nil:
		return hex.EncodeToString(o.hash)
	case o.digest != nil:
		return hex.EncodeToString(o.digest)
	}
	return ""
}

func (o *object) note() string {
	switch {
	case o.defect != nil:
		return o.defect.Error()
	case o.opaque != "":
		return o.opaque
	case o.kind != "":
		return fmt.Sprintf("type %.80q is not known", o.kind)
	case o.hardware():
		return "the signing key is in a hardware wallet"
	}
	return ""
}

func poolID(hash []byte) string {
	text, err := bech32.Encode("pool", hash)
	if err != nil {
		return ""
	}
	return string(text)
}

// ids are the names under which the network knows the material.
// poolIDName is the ID that a pool is known by.
const poolIDName = "pool id"

func (s *set) ids() []material.ID {
	var ids []material.ID
	add := func(name, value string) {
		ids = append(ids, material.ID{Network: Network, Name: name, Value: value})
	}
	for _, o := range s.objects {
		switch {
		case o.id() == "":
		case o.pub != nil && isCold(o), o.role == RolePoolCert, o.role == RolePoolID:
			add(poolIDName, o.id())
		case o.pub != nil && o.family() == "kes":
			add("KES key", o.id())
		case o.pub != nil && o.family() == "vrf":
			add("VRF key hash", o.id())
		case o.pub != nil && o.family() != "":
			add(o.family()+" key hash", o.id())
		case o.opcert != nil:
			add(poolIDName, poolID(blake224(o.opcert.cold)))
			add("operational certificate", o.id())
		case o.counter != nil:
			add(poolIDName, poolID(blake224(o.counter.cold)))
			add("issue counter", o.id())
		case o.addr != nil && o.addr.form == "stake":
			add("stake address", o.id())
		case o.addr != nil:
			add("address", o.id())
		case o.digest != nil:
			add("metadata hash", o.id())
		}
	}
	return ids
}

// lastOnChain is the number that Cardano's chain is asked for.
const lastOnChain = "last operational certificate number on the chain"

// counters are the issue counters and certificates. With m the last number on the
// chain, the next certificate must have m or m+1 (the ledger's rule). A counter holds the
// next number, so it is right if that is m+1.
func (s *set) counters() []material.Counter {
	var out []material.Counter
	for _, o := range s.objects {
		switch {
		case o.counter != nil:
			last := max(o.counter.next, 1) - 1
			out = append(out, material.Counter{
				File: o.name, What: lastOnChain, Min: last, Max: last,
				Advice: "make a counter that is right with `cardano-cli node new-counter --counter-value`, with the number after the chain's; nothing else is lost",
			})
		case o.opcert != nil:
			out = append(out, material.Counter{
				File: o.name, What: lastOnChain, Min: max(o.opcert.number, 1) - 1, Max: o.opcert.number, Usable: true,
				Advice: "the chain refuses its blocks: make a new certificate with the cold key",
			})
		}
	}
	return out
}
