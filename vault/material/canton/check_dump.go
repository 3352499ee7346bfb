package canton

import (
	"fmt"
	"strings"
	"time"

	"coldvault/vault/material"
)

// checkDumps judges every identities dump, alone or inside another file.
func (s *set) checkDumps() {
	for _, o := range s.objects {
		if o.defect != nil {
			continue
		}
		for i, d := range o.dumps {
			if o.role == RoleSVIdentities && d.id.kind != svMembers()[i][1] {
				s.Add(material.Fail, CheckSVNodes,
					fmt.Sprintf("where the %s of the super validator should be there is a %s", svMembers()[i][0], d.id.word()), d.id.String(), o)
				continue
			}
			j := dumpJudge{set: s, file: o, dump: d, what: "the " + d.id.word() + " " + d.id.name}
			j.judge()
		}
		if o.role == RoleSVIdentities {
			s.checkSVNodes(o)
		}
	}
}

// checkSVNodes says that the three nodes are a participant, a sequencer and a mediator,
// and the party the participant's.
func (s *set) checkSVNodes(o *object) {
	var ids []string
	for i, d := range o.dumps {
		if d.id.kind != svMembers()[i][1] {
			return
		}
		ids = append(ids, d.id.String())
	}
	if namespace := o.dumps[0].id.namespace; !strings.HasSuffix(o.sv.party, "::"+namespace) {
		s.Add(material.Warn, CheckSVNodes, "the super validator's party is not of its participant's namespace", o.sv.party+", "+ids[0], o)
		return
	}
	s.Add(material.Pass, CheckSVNodes, "the super validator's participant, sequencer and mediator are each there", strings.Join(ids, ", "), o)
}

// dumpJudge judges one dump.
type dumpJudge struct {
	set  *set
	file *object
	dump dump
	what string
}

func (j dumpJudge) add(status material.Status, id, text, evidence string) {
	j.set.Add(status, id, j.what+": "+text, evidence, j.file)
}

func (j dumpJudge) judge() {
	j.keys()
	j.namespaceKey()
	if broken := j.dump.broken; broken != nil {
		j.add(material.Fail, CheckFile, "the topology in the dump cannot be read", broken.Error())
		return
	}
	j.dump.learn()
	j.namespaceRoot()
	j.ownerKeys()
	j.signatures()
}

// keys says whether every private key is what it is stored as.
func (j dumpJudge) keys() {
	d := j.dump
	if len(d.kms) > 0 {
		j.add(material.Warn, CheckKMS, fmt.Sprintf("%d of its %d keys are held by a key management service: the dump has no private part of them and is of no use without that service",
			len(d.kms), len(d.kms)+len(d.pairs)+len(d.problems)), strings.Join(d.kms, ", "))
	}
	for _, p := range d.problems {
		status := material.Fail
		if notKnown(p.err) {
			status = material.Unknown
		}
		j.add(status, CheckKeys, fmt.Sprintf("the key %.80q: %s", p.text, p.err), "")
	}
	var fingerprints []string
	for _, pair := range d.pairs {
		fingerprints = append(fingerprints, pair.fingerprint)
	}
	if len(d.pairs) > 0 {
		j.add(material.Pass, CheckKeys, fmt.Sprintf("%d private keys give the fingerprints they are stored under", len(d.pairs)), strings.Join(fingerprints, ", "))
	} else if len(d.kms) == 0 && len(d.problems) == 0 {
		j.add(material.Fail, CheckKeys, "the dump has no keys at all", "")
	}
}

// elsewhere is the status of a private key that is not in the dump: it can be one of
// those in a key management service, or one that could not be read.
func (j dumpJudge) elsewhere() material.Status {
	if len(j.dump.kms) > 0 {
		return material.Unknown
	}
	for _, p := range j.dump.problems {
		if notKnown(p.err) {
			return material.Unknown
		}
	}
	return material.Fail
}

// namespaceKey looks for the private key that the node's id hangs on, or one that may
// sign for it.
func (j dumpJudge) namespaceKey() {
	d := j.dump
	if d.holds(d.id.namespace) {
		j.add(material.Pass, CheckNamespaceKey, "the private key its id hangs on is in the dump", d.id.namespace)
		return
	}
	if d.broken == nil {
		for _, target := range d.topology.delegated(d.id.namespace) {
			if d.holds(target) {
				j.add(material.Warn, CheckNamespaceKey, "the key its id hangs on is kept elsewhere; the dump has one that may sign for it", d.id.namespace+", "+target)
				return
			}
		}
	}
	j.add(j.elsewhere(), CheckNamespaceKey, "the private key its id hangs on is not in the dump", d.id.namespace)
}

// namespaceRoot looks for the delegation by which a namespace begins: its own key, in
// force and signed by itself.
func (j dumpJudge) namespaceRoot() {
	d := j.dump
	for _, tx := range d.topology.transactions {
		if tx.delegation != nil && tx.delegation.namespace == d.id.namespace && tx.delegation.target == d.id.namespace &&
			tx.current() && tx.signedBy(d.id.namespace) {
			j.add(material.Pass, CheckNamespaceRoot, "the topology has the root delegation of its namespace", d.id.namespace)
			return
		}
	}
	status := material.Fail
	if d.topology.unknownKeys > 0 {
		status = material.Unknown
	}
	j.add(status, CheckNamespaceRoot, "the topology has no root delegation of its namespace", d.id.namespace)
}

// ownerKeys looks at the keys the node uses now.
func (j dumpJudge) ownerKeys() {
	d := j.dump
	owner, tx := d.topology.owner(d.id.String())
	if owner == nil {
		j.add(material.Fail, CheckOwnerKeys, "the topology does not say which keys it uses", "")
		return
	}
	evidence := "signing " + strings.Join(owner.signing, ", ") + "; encryption " + strings.Join(owner.encryption, ", ")
	if len(owner.signing) == 0 || (len(owner.encryption) == 0 && d.id.kind == nodeParticipant) {
		j.add(material.Fail, CheckOwnerKeys, "it has no signing key or no encryption key in use", evidence)
		return
	}
	if !d.topology.authorised(tx, d.id.namespace) && tx.unchecked == 0 {
		j.add(material.Fail, CheckOwnerKeys, "what says which keys it uses is not signed by a key of its namespace", evidence)
		return
	}
	var absent []string
	for _, name := range append(append([]string{}, owner.signing...), owner.encryption...) {
		if !d.holds(name) {
			absent = append(absent, name)
		}
	}
	if len(absent) == 0 {
		j.add(material.Pass, CheckOwnerKeys, "the private keys of all keys it uses are in the dump", evidence)
	} else {
		j.add(j.elsewhere(), CheckOwnerKeys, fmt.Sprintf("of %d keys it uses the private part is not in the dump", len(absent)), strings.Join(absent, ", "))
	}
	for _, name := range owner.signing {
		if tx.signedBy(name) {
			j.add(material.Pass, CheckOwnerProof, "its signing key signed for its own use", name)
			return
		}
	}
	j.add(material.Warn, CheckOwnerProof, "its signing key did not sign for its own use, which newer networks demand", evidence)
}

// signatures checks every signature in the topology.
func (j dumpJudge) signatures() {
	v := j.dump.topology.verify()
	evidence := fmt.Sprintf("%d transactions, %d signatures valid, %d not, %d that cannot be checked; newest %s",
		len(j.dump.topology.transactions), v.good, v.bad, v.unknown, j.dump.topology.newest.Format(time.RFC3339))
	switch {
	case v.bad > 0:
		j.add(material.Fail, CheckSignatures, "there are signatures in the topology that are not valid", evidence)
	case v.unknown > 0:
		j.add(material.Unknown, CheckSignatures, "not every signature in the topology can be checked", evidence)
	case v.good == 0:
		j.add(material.Fail, CheckSignatures, "the topology is empty", evidence)
	default:
		j.add(material.Pass, CheckSignatures, "every signature in the topology is valid", evidence)
	}
}

// checkSnapshots looks at what a snapshot has beside the identities.
func (s *set) checkSnapshots() {
	for _, o := range s.all(RoleSnapshot) {
		c := o.snapshot
		evidence := fmt.Sprintf("contracts as of %s, made %s, data of migration %d for migration %d, %d packages, %s",
			c.at.UTC().Format(time.RFC3339), c.created.UTC().Format(time.RFC3339), c.inner, c.migration, c.dars, c.domain)
		switch {
		case !c.contracts:
			s.Add(material.Fail, CheckSnapshot, fmt.Sprintf("the snapshot %q has no contracts", o.name), evidence, o)
		case c.created.Before(c.at):
			s.Add(material.Warn, CheckSnapshot, fmt.Sprintf("the snapshot %q says it was made before the time its contracts are of", o.name), evidence, o)
		default:
			s.Add(material.Pass, CheckSnapshot, fmt.Sprintf("the snapshot %q has its contracts, its time and its migration", o.name), evidence, o)
		}
	}
}
