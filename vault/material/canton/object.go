package canton

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"coldvault/vault/material"
	"coldvault/vault/material/der"
	"coldvault/vault/material/jsonview"
)

// object is a file and what was read out of it. Which fields are set hangs on the role.
type object struct {
	name, role string
	id         string
	defect     error // why the file is not what it wants to be
	unread     error // why nothing can be said about it

	dumps    []dump // identities: one of a node, three of a super validator
	sv       *superValidator
	snapshot *snapshot
	pair     *keyPair
	public   *der.PublicKey
	operator *operatorKey
	state    *cometState
	genesis  *cometGenesis
	config   *cometConfig
}

// File implements what material.Docket wants.
func (o *object) File() string { return o.name }

// superValidator is what stands beside the three dumps of a super validator.
type superValidator struct{ party, dso string }

// maxData is the size of a file up to which it is read. Snapshots with many contracts
// are larger: nothing is said about them then.
const maxData = 256 << 20

// read says what a file is.
func read(f material.File) (object, material.Certainty) {
	o := object{name: f.Name}
	named := nameRole(f.Name)
	if f.Data == nil && f.Size > 0 || f.Size > maxData {
		if named != RoleSnapshot {
			return o, material.NotMine
		}
		o.role, o.unread = named, errors.New("the file is too large to be read as a whole")
		return o, material.ByName
	}
	v, err := jsonview.Parse(f.Data)
	if v.Kind == jsonview.Object && o.readJSON(v) || o.readBytes(f.Data) || o.readTorn(f.Data, err) {
		return o, material.ByContent
	}
	if certainty := o.readOperator(f); certainty != material.NotMine {
		return o, certainty
	}
	return o, o.refuse(named, f.Data)
}

// refuse says what is wrong with a file that nothing but its name speaks for.
func (o *object) refuse(named string, data []byte) material.Certainty {
	what, isError := errorBody(data)
	if isError && named == "" && mayBeDump(o.name) {
		named = RoleIdentities
	}
	switch o.role = named; {
	case named == "":
		return material.NotMine
	case isError:
		o.defect = fmt.Errorf("it is %s, saved under that name", what)
	case len(data) == 0:
		o.defect = errors.New("it is empty")
	default:
		o.defect = errors.New("it is not what its name says")
	}
	return material.ByName
}

// mayBeDump says whether a name is one under which scripts save what a node's API
// answers.
func mayBeDump(name string) bool {
	return regexp.MustCompile(`(dump|participant|validator|backup|canton|splice).*\.json$`).MatchString(strings.ToLower(path.Base(name)))
}

// nameRole is the role that a file's name speaks for, "" if none.
func nameRole(name string) string {
	base := strings.ToLower(path.Base(name))
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(base, part) {
				return true
			}
		}
		return false
	}
	switch {
	case base == "node_key.json":
		return RoleCometNode
	case base == "priv_validator_key.json":
		return RoleCometValidator
	case base == "priv_validator_state.json":
		return RoleCometState
	case !strings.HasSuffix(base, ".json"):
		return ""
	case has("sv_identit", "sv-identit"):
		return RoleSVIdentities
	case has("identit"):
		return RoleIdentities
	case has("migration_dump", "migration-dump", "data_snapshot", "data-snapshot", "domain_migration"):
		return RoleSnapshot
	}
	return ""
}

// readJSON reads an object of a known kind.
func (o *object) readJSON(v jsonview.Value) bool {
	data, isData := isSnapshot(v)
	switch {
	case isDump(v):
		o.readIdentities(v)
	case isSVDump(v):
		o.readSVIdentities(v)
	case isData && isDump(data.At("participant")):
		o.readSnapshot(v)
	case isCometValidatorKey(v):
		key, err := readCometValidatorKey(v)
		o.setKey(RoleCometValidator, key, validatorAddress, err)
	case isCometNodeKey(v):
		key, err := readCometPrivate(v.At("priv_key"))
		o.setKey(RoleCometNode, key, nodeIDOf, err)
	case isCometState(v):
		state, err := readCometState(v)
		o.role, o.state, o.defect = RoleCometState, &state, err
		o.id = fmt.Sprintf("height %d, round %d, step %d", state.height, state.round, state.step)
	case isCometGenesis(v):
		genesis, err := readCometGenesis(v)
		o.role, o.genesis, o.defect, o.id = RoleCometGenesis, &genesis, err, genesis.chain
	default:
		return false
	}
	if o.defect != nil {
		o.id = ""
	}
	return true
}

func (o *object) setKey(role string, key der.PublicKey, id func(der.PublicKey) string, err error) {
	o.role = role
	if err != nil {
		o.defect = err
		return
	}
	o.public, o.id = &key, id(key)
}

func (o *object) readIdentities(v jsonview.Value) {
	o.role = RoleIdentities
	d, err := readDump(v)
	if err != nil {
		o.defect = err
		return
	}
	if d.id.kind != nodeParticipant {
		o.role = RoleNodeIdentities
	}
	o.dumps, o.id = []dump{d}, d.id.String()
}

// svMembers are the members of a super validator's dump that are dumps themselves,
// and the kind of node each is of.
func svMembers() [][2]string {
	return [][2]string{{"participant", nodeParticipant}, {"sequencer", nodeSequencer}, {"mediator", nodeMediator}}
}

// isSVDump knows a super validator's dump, with its wrapper or without.
func isSVDump(v jsonview.Value) bool {
	if v.Has("identities") {
		v = v.At("identities")
	}
	return v.Has("sv_party_id", "participant", "sequencer", "mediator")
}

func (o *object) readSVIdentities(v jsonview.Value) {
	if v.Has("identities") {
		v = v.At("identities")
	}
	o.role = RoleSVIdentities
	o.sv = &superValidator{v.At("sv_party_id").Text(), v.At("dso_party_id").Text()}
	if o.sv.party == "" || o.sv.dso == "" {
		o.defect = errors.New("sv_party_id or dso_party_id is missing")
		return
	}
	for _, member := range svMembers() {
		d, err := readDump(v.At(member[0]))
		if err != nil {
			o.defect = fmt.Errorf("%s: %w", member[0], err)
			return
		}
		o.dumps = append(o.dumps, d)
	}
	o.id = o.sv.party
}

func (o *object) readSnapshot(v jsonview.Value) {
	o.role = RoleSnapshot
	s, err := readSnapshot(v)
	if err != nil {
		o.defect = err
		return
	}
	d, err := readDump(s.participant)
	if err != nil {
		o.defect = fmt.Errorf("participant: %w", err)
		return
	}
	o.snapshot, o.dumps, o.id = &s, []dump{d}, d.id.String()
}

// readBytes reads what is not JSON and still of a known kind: key files of the Canton
// console, CometBFT's settings.
func (o *object) readBytes(data []byte) bool {
	const maxKey = 16 << 10
	if len(data) <= maxKey {
		if pair, err := readKeyPair(data); err == nil || !errors.Is(err, errWire) && !errors.Is(err, errField) {
			o.setPair(RoleKeyPair, pair, err)
			return true
		}
		if pair, _, err := readPrivateKey(data, true); err == nil {
			o.setPair(RolePrivateKey, pair, err)
			return true
		}
		if key, err := readPublicKey(data); err == nil {
			o.setKey(RolePublicKey, key, fingerprint, nil)
			return true
		}
	}
	if isCometConfig(data) {
		config, err := readCometConfig(data)
		o.role, o.config, o.defect, o.id = RoleCometConfig, &config, err, config.moniker
		return true
	}
	return false
}

// readTorn knows a dump that is no longer readable as JSON by the names of its members.
func (o *object) readTorn(data []byte, err error) bool {
	start := bytes.TrimSpace(data[:min(len(data), 1<<20)])
	if err == nil || !bytes.HasPrefix(start, []byte("{")) ||
		!bytes.Contains(start, []byte(`"authorizedStoreSnapshot"`)) && !bytes.Contains(start, []byte(`"keyPair"`)) {
		return false
	}
	o.role, o.defect = RoleIdentities, err
	return true
}

func (o *object) setPair(role string, pair keyPair, err error) {
	if err == nil && pair.id != pair.fingerprint {
		err = errOtherName
	}
	o.role, o.defect = role, err
	if err == nil {
		o.pair, o.id = &pair, pair.fingerprint
	}
}

// readOperator looks for the super validator's operator key. Half a pair could be
// anybody's, unless the file's name speaks for it.
func (o *object) readOperator(f material.File) material.Certainty {
	k, err := findOperatorKey(f.Data)
	if errors.Is(err, errOperator) {
		return material.NotMine
	}
	o.role, o.operator = RoleOperatorKey, &k
	if err != nil {
		o.defect = err
		return material.ByName
	}
	if k.private == nil {
		o.role = RoleOperatorPublic
	}
	o.public = k.key()
	o.id = fingerprint(*o.public)
	base := strings.ToLower(path.Base(f.Name))
	if k.public == nil || k.private == nil {
		if !strings.Contains(base, "sv") && !strings.Contains(base, "operator") {
			return material.ByName
		}
	}
	return material.ByContent
}

// key is the public key of either half.
func (k operatorKey) key() *der.PublicKey {
	if k.private != nil {
		return k.private
	}
	return k.public
}

// note is what an operator should know about the file.
func (o *object) note(now time.Time) string {
	if o.defect != nil {
		return o.defect.Error()
	}
	if o.unread != nil {
		return o.unread.Error()
	}
	if s := o.snapshot; s != nil {
		return fmt.Sprintf("contracts as of %s, migration %d%s", s.at.UTC().Format(time.RFC3339), s.migration, age(s.at, now))
	}
	if len(o.dumps) > 0 && !o.dumps[0].topology.newest.IsZero() {
		newest := o.dumps[0].topology.newest
		return fmt.Sprintf("made after %s, its newest topology change%s", newest.Format(time.RFC3339), age(newest, now))
	}
	if o.state != nil {
		return "an older state than the node's last one lets the validator sign twice"
	}
	return ""
}

// age says how long ago a time was.
func age(at, now time.Time) string {
	if now.IsZero() || now.Before(at) {
		return ""
	}
	return fmt.Sprintf(", %d days ago", int(now.Sub(at).Hours()/24))
}
