package canton

import (
	"errors"
	"slices"
	"time"

	"coldvault/vault/material/der"
)

// topology is what the snapshot of a node's authorized store says.
type topology struct {
	transactions []transaction
	keys         map[string]der.PublicKey // every public key in it, by fingerprint
	unknownKeys  int                      // keys of algorithms that are not known
	newest       time.Time                // of its transactions
	signatures   int                      // all of them
}

// transaction is one signed topology transaction.
type transaction struct {
	bytes      message // what is signed
	signatures []signature
	unchecked  int // parts of the signing that are not understood: group signatures, fields not known
	remove     bool
	serial     uint64
	proposal   bool
	ended      bool // replaced or removed since
	delegation *delegation
	owner      *ownerKeys
}

type signature struct {
	bytes message
	by    string // fingerprint
}

// delegation lets a key sign for a namespace; the root one is the namespace's own key.
type delegation struct{ namespace, target string }

// ownerKeys are the keys a node uses.
type ownerKeys struct {
	member              string
	signing, encryption []string // fingerprints
}

// Fields of the messages of topology.proto, v30.
const (
	itemValidFrom  = 1
	itemValidUntil = 2
	itemSigned     = 3
	itemSequenced  = 4

	signedTransaction = 1
	signedSignatures  = 2
	signedProposal    = 3

	transactionOp      = 1
	transactionSerial  = 2
	transactionMapping = 3

	mappingDelegation = 1
	mappingOwnerKeys  = 4

	opRemove = 2
)

// maxTransactions is the number of transactions, and of signatures, up to which a
// topology is read; a node's own store has hundreds.
const maxTransactions = 1 << 16

// readTopology reads a snapshot: one versioned TopologyTransactions, or versioned
// items with a length before each.
func readTopology(data message) (topology, error) {
	t := topology{keys: map[string]der.PublicKey{}}
	if all, err := data.unversion(); err == nil {
		return t, all.each(func(f field) error {
			if f.number != 1 || f.varint() {
				return errWire
			}
			return t.add(f.bytes)
		})
	}
	for len(data) > 0 {
		size, rest, err := data.uvarint()
		if err != nil || size > uint64(len(rest)) {
			return t, errWire
		}
		item, err := rest[:size].unversion()
		if err != nil {
			return t, err
		}
		if err := t.add(item); err != nil {
			return t, err
		}
		data = rest[size:]
	}
	return t, nil
}

// add reads one item. Fields that are not known are passed over: what matters in them
// is signed.
func (t *topology) add(item message) error {
	var tx transaction
	var signed message
	err := item.each(func(f field) error {
		if f.varint() {
			return nil
		}
		switch f.number {
		case itemValidUntil:
			tx.ended = true
			return t.see(f.bytes)
		case itemValidFrom, itemSequenced:
			return t.see(f.bytes)
		case itemSigned:
			signed = f.bytes
		}
		return nil
	})
	if err != nil {
		return err
	}
	if signed, err = signed.unversion(); err != nil {
		return err
	}
	if err := tx.readSigned(signed); err != nil {
		return err
	}
	if err := t.readTransaction(&tx); err != nil {
		return err
	}
	t.transactions = append(t.transactions, tx)
	if t.signatures += len(tx.signatures); len(t.transactions) > maxTransactions || t.signatures > maxTransactions {
		return errors.New("too many transactions or signatures")
	}
	return nil
}

// see reads a google.protobuf.Timestamp {seconds=1, nanos=2}.
func (t *topology) see(m message) error {
	var seconds, nanos uint64
	if err := m.once(map[uint64]*uint64{1: &seconds, 2: &nanos}, nil); err != nil || seconds >= 1<<36 || nanos >= 1e9 {
		return errWire
	}
	if at := time.Unix(int64(seconds), int64(nanos)).UTC(); at.After(t.newest) {
		t.newest = at
	}
	return nil
}

// readSigned reads a SignedTopologyTransaction.
func (tx *transaction) readSigned(m message) error {
	err := m.each(func(f field) error {
		switch {
		case f.number == signedTransaction && !f.varint():
			if tx.bytes != nil {
				return errWire
			}
			tx.bytes = f.bytes
		case f.number == signedSignatures && !f.varint():
			s, known, err := readSignature(f.bytes)
			tx.signatures = append(tx.signatures, s)
			if !known {
				tx.unchecked++
			}
			return err
		case f.number == signedProposal && f.varint():
			tx.proposal = f.value != 0
		default: // such as signatures over the hashes of several transactions
			tx.unchecked++
		}
		return nil
	})
	if err == nil && tx.bytes == nil {
		err = errWire
	}
	return err
}

// readSignature reads a Signature {format=1, signature=2, signed_by=3,
// signing_algorithm_spec=4}. known is false if there is anything else in it.
func readSignature(m message) (s signature, known bool, err error) {
	var format, spec uint64
	var data, by message
	err = m.once(map[uint64]*uint64{1: &format, 4: &spec}, map[uint64]*message{2: &data, 3: &by})
	s = signature{data, string(by)}
	if errors.Is(err, errField) {
		return s, false, nil
	}
	if err == nil && !isFingerprint(s.by) {
		err = errWire
	}
	return s, true, err
}

// readTransaction reads the TopologyTransaction inside.
func (t *topology) readTransaction(tx *transaction) error {
	inner, err := tx.bytes.unversion()
	if err != nil {
		return err
	}
	return inner.each(func(f field) error {
		switch {
		case f.number == transactionOp && f.varint():
			tx.remove = f.value == opRemove
		case f.number == transactionSerial && f.varint():
			tx.serial = f.value
		case f.number == transactionMapping && !f.varint():
			return t.readMapping(tx, f.bytes)
		}
		return nil
	})
}

func (t *topology) readMapping(tx *transaction, m message) error {
	return m.each(func(f field) (err error) {
		switch {
		case f.varint():
		case f.number == mappingDelegation:
			tx.delegation, err = t.readDelegation(f.bytes)
		case f.number == mappingOwnerKeys:
			tx.owner, err = t.readOwnerKeys(f.bytes)
		}
		return err
	})
}

// readDelegation reads a NamespaceDelegation {namespace=1, target_key=2, ...}.
func (t *topology) readDelegation(m message) (*delegation, error) {
	var d delegation
	err := m.each(func(f field) (err error) {
		switch {
		case f.varint():
		case f.number == 1:
			d.namespace = string(f.bytes)
		case f.number == 2:
			d.target, err = t.keep(f.bytes, true)
		}
		return err
	})
	return &d, err
}

// readOwnerKeys reads an OwnerToKeyMapping {member=1, public_keys=2}, each a oneof of
// a signing (1) and an encryption (2) key.
func (t *topology) readOwnerKeys(m message) (*ownerKeys, error) {
	var o ownerKeys
	err := m.each(func(f field) error {
		if f.varint() {
			return nil
		}
		if f.number == 1 {
			o.member = string(f.bytes)
		}
		if f.number != 2 {
			return nil
		}
		return f.bytes.each(func(key field) error {
			if key.varint() || key.number > 2 {
				return errField
			}
			name, err := t.keep(key.bytes, key.number == 1)
			if key.number == 1 {
				o.signing = append(o.signing, name)
			} else {
				o.encryption = append(o.encryption, name)
			}
			return err
		})
	})
	return &o, err
}

// keep reads a public key and remembers it. A key of an algorithm that is not known
// has no name.
func (t *topology) keep(m message, signing bool) (string, error) {
	p, err := readPart(m, signing, false)
	if err != nil && !errors.Is(err, errField) {
		return "", err
	}
	var key der.PublicKey
	if err == nil {
		key, err = p.public(signing)
	}
	if notKnown(err) {
		t.unknownKeys++
		return "", nil
	}
	if err != nil {
		return "", err
	}
	name := fingerprint(key)
	t.keys[name] = key
	return name, nil
}

// current says whether a transaction is in force.
func (tx transaction) current() bool { return !tx.remove && !tx.proposal && !tx.ended }

// owner is the mapping of a member that is in force, and the transaction it is in.
func (t topology) owner(member string) (*ownerKeys, transaction) {
	var found *ownerKeys
	var in transaction
	for _, tx := range t.transactions {
		if tx.owner != nil && tx.owner.member == member && tx.current() && (found == nil || tx.serial > in.serial) {
			found, in = tx.owner, tx
		}
	}
	return found, in
}

// signedBy says whether the key signed the transaction.
func (tx transaction) signedBy(fingerprint string) bool {
	return slices.ContainsFunc(tx.signatures, func(s signature) bool { return s.by == fingerprint })
}

// authorised says whether a key that may sign for the namespace signed the transaction.
func (t topology) authorised(tx transaction, namespace string) bool {
	return tx.signedBy(namespace) || slices.ContainsFunc(t.delegated(namespace), tx.signedBy)
}

// delegated are the keys that may sign for a namespace, as far as transactions in
// force say so.
func (t topology) delegated(namespace string) []string {
	var targets []string
	for _, tx := range t.transactions {
		if tx.delegation != nil && tx.delegation.namespace == namespace && tx.delegation.target != "" && tx.current() {
			targets = append(targets, tx.delegation.target)
		}
	}
	return targets
}

// verified counts the signatures over topology transactions.
type verified struct{ good, bad, unknown int }

// verify checks every signature. What is signed is the multihash of the transaction.
func (t topology) verify() verified {
	var v verified
	for _, tx := range t.transactions {
		v.unknown += tx.unchecked
		if len(tx.signatures) == 0 && tx.unchecked == 0 {
			v.bad++
		}
		for _, s := range tx.signatures {
			key, known := t.keys[s.by]
			switch {
			case !known:
				v.unknown++
			case key.Verify(multihash(purposeTopology, tx.bytes), s.bytes):
				v.good++
			default:
				v.bad++
			}
		}
	}
	return v
}
