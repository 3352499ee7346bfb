package canton

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"coldvault/vault/material/jsonview"
)

// Kinds of nodes, as their ids begin.
const (
	nodeParticipant = "PAR"
	nodeSequencer   = "SEQ"
	nodeMediator    = "MED"
)

// nodeID is a node's id: kind, name and namespace, the fingerprint of the key that it
// hangs on.
type nodeID struct{ kind, name, namespace string }

func parseNodeID(text string) (nodeID, error) {
	part := strings.Split(text, "::")
	if len(part) != 3 || part[1] == "" || len(text) > 300 || !isFingerprint(part[2]) ||
		(part[0] != nodeParticipant && part[0] != nodeSequencer && part[0] != nodeMediator) {
		return nodeID{}, errors.New("the id is not that of a participant, sequencer or mediator")
	}
	return nodeID{part[0], part[1], part[2]}, nil
}

func (id nodeID) String() string { return id.kind + "::" + id.name + "::" + id.namespace }

// word is the kind in words.
func (id nodeID) word() string {
	return map[string]string{nodeParticipant: "participant", nodeSequencer: "sequencer", nodeMediator: "mediator"}[id.kind]
}

// dump is a node's identities dump: its keys and its topology.
type dump struct {
	id       nodeID
	pairs    []keyPair
	kms      []string // ids of keys that a key management service holds
	problems []keyProblem
	topology topology
	broken   error // of the topology
}

// keyProblem is a key that cannot be used; text says which one it is.
type keyProblem struct {
	text string
	err  error
}

// isDump says whether an object has the members of an identities dump.
func isDump(v jsonview.Value) bool { return v.Has("id", "keys", "authorizedStoreSnapshot") }

// maxKeys is the number of keys up to which a dump is read; Canton writes a handful.
const maxKeys = 1 << 10

// readDump reads an identities dump. The error is that of its outer form.
func readDump(v jsonview.Value) (dump, error) {
	if !isDump(v) {
		return dump{}, errors.New("id, keys or authorizedStoreSnapshot is missing")
	}
	id, err := parseNodeID(v.At("id").Text())
	if err != nil {
		return dump{}, err
	}
	d := dump{id: id}
	keys := v.At("keys")
	if keys.Kind != jsonview.Array || len(keys.Items()) > maxKeys {
		return dump{}, errors.New("keys is not a list of keys")
	}
	for _, entry := range keys.Items() {
		if err := d.addKey(entry); err != nil {
			return dump{}, err
		}
	}
	snapshot, err := v.At("authorizedStoreSnapshot").Base64()
	if err != nil {
		return dump{}, errors.New("authorizedStoreSnapshot is not base64")
	}
	d.topology, d.broken = readTopology(snapshot)
	return d, nil
}

// addKey reads {keyPair, name?}, or {type, keyId, name?} of a key that a key
// management service holds.
func (d *dump) addKey(entry jsonview.Value) error {
	if entry.Has("keyId", "type") && !entry.Has("keyPair") {
		id := entry.At("keyId").Text()
		if kind := entry.At("type").Text(); id == "" || (kind != "signing" && kind != "encryption") {
			return errors.New("a key has no readable keyId or type")
		}
		d.kms = append(d.kms, id)
		return nil
	}
	data, err := entry.At("keyPair").Base64()
	if err != nil {
		return errors.New("a key has no readable keyPair")
	}
	defer clear(data)
	pair, err := readKeyPair(data)
	if err == nil && pair.id != pair.fingerprint {
		err = errOtherName
	}
	if err != nil {
		d.problems = append(d.problems, keyProblem{entry.At("name").Text(), err})
		return nil
	}
	d.pairs = append(d.pairs, pair)
	return nil
}

// errOtherName means that a private key is stored under another key's fingerprint.
var errOtherName = errors.New("the fingerprint it is stored under is not the one of its private key")

// holds says whether the private key of a fingerprint is in the dump.
func (d dump) holds(fingerprint string) bool {
	for _, pair := range d.pairs {
		if pair.fingerprint == fingerprint {
			return true
		}
	}
	return false
}

// learn adds the public keys of the pairs to those the topology is verified with.
func (d dump) learn() {
	for _, pair := range d.pairs {
		d.topology.keys[pair.fingerprint] = pair.public
	}
}

// errorBody says whether the data is an answer of a server that says "no", and which:
// a web page, or {"error": …}.
func errorBody(data []byte) (string, bool) {
	head := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 1<<10)], "\ufeff \t\r\n"))
	for _, tag := range []string{"<!doctype", "<html", "<head", "<body", "<?xml"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return "a web page", true
		}
	}
	if bytes.HasPrefix(head, []byte("http/1.")) {
		return "an answer of a web server", true
	}
	if v, err := jsonview.Parse(data); err == nil && v.Has("error") && !v.Has("id") {
		return "an error message of a server", true
	}
	return "", false
}

// snapshot is a migration or data-snapshot dump: an identities dump and the contracts
// at a time.
type snapshot struct {
	participant jsonview.Value
	migration   int64 // the one the dump is for
	inner       int64 // the one its data are of
	domain      string
	at, created time.Time
	contracts   bool // acs_snapshot holds something
	dars        int
}

// isSnapshot finds the data in a migration dump, or in one of the disaster recovery,
// which is the inner part alone.
func isSnapshot(v jsonview.Value) (jsonview.Value, bool) {
	if v.Has("data_snapshot") {
		v = v.At("data_snapshot")
	}
	return v, v.Has("participant", "acs_snapshot")
}

func readSnapshot(outer jsonview.Value) (snapshot, error) {
	v, ok := isSnapshot(outer)
	if !ok {
		return snapshot{}, errors.New("participant or acs_snapshot is missing")
	}
	s := snapshot{participant: v.At("participant"), domain: v.At("domain_id").Text(), dars: len(v.At("dars").Items())}
	var err error
	if s.inner, err = v.At("migration_id").Int(); err != nil || s.inner < 0 {
		return s, errors.New("migration_id is missing or no number")
	}
	s.migration = s.inner
	if outer.Has("data_snapshot") {
		if s.migration, err = outer.At("migration_id").Int(); err != nil || s.migration < 0 {
			return s, errors.New("migration_id is missing or no number")
		}
	}
	for name, at := range map[string]*time.Time{"acs_timestamp": &s.at, "created_at": &s.created} {
		if *at, err = time.Parse(time.RFC3339Nano, v.At(name).Text()); err != nil {
			return s, errors.New(name + " is missing or no time")
		}
	}
	if s.domain == "" {
		return s, errors.New("domain_id is missing")
	}
	acs := v.At("acs_snapshot").Bytes()
	s.contracts = len(acs) > 0 && len(acs)%4 == 0
	return s, nil
}
