package pgdump

import (
	"fmt"
	"slices"
	"strings"

	"coldvault/vault/material"
)

// set is the dumps of one inspection and what was found out about them.
type set struct {
	dumps []*dump
	material.Docket[part]
}

// part is one database of a dump, or a volume of files.
type part struct {
	*dump
	db    *database // nil for a volume
	index int       // its place in the dump of a cluster
}

// File implements what material.Docket wants.
func (p part) File() string { return p.name }

func (p part) String() string {
	if p.db == nil {
		return fmt.Sprintf("%q", p.name)
	}
	return p.title(p.db)
}

// parts gives the databases of that role that were read to their end, or whose name
// is all there is.
func (s *set) parts(role string) []part {
	var out []part
	for _, d := range s.dumps {
		if d.defect != nil {
			continue
		}
		if len(d.databases) == 0 && d.role == role {
			out = append(out, part{d, nil, 0})
		}
		for i := range d.databases {
			db := &d.databases[i]
			if d.role == role || d.role == RoleCluster && db.role("") == role {
				out = append(out, part{d, db, i})
			}
		}
	}
	return out
}

// checkDumps says of every dump for itself what reading it has shown.
func (s *set) checkDumps() {
	for _, d := range s.dumps {
		whole := part{d, nil, 0}
		switch {
		case d.defect != nil:
			s.Add(material.Fail, CheckComplete, fmt.Sprintf("%q is not a whole %s: %v", d.name, d.role, d.defect), d.format, whole)
			continue
		case d.opaque != "":
			s.Add(material.Unknown, CheckComplete, fmt.Sprintf("whether %q is whole cannot be said: %s", d.name, d.opaque), d.format, whole)
			continue
		}
		s.Add(material.Pass, CheckComplete, fmt.Sprintf("%q is whole", d.name), d.evidence(), whole)
		for i := range d.databases {
			s.checkDatabase(part{d, &d.databases[i], i})
		}
	}
}

func (d *dump) evidence() string {
	parts := []string{d.format}
	if d.role == RoleCluster {
		return fmt.Sprintf("%s, %d databases", d.format, len(d.databases))
	}
	for i := range d.databases {
		if db := &d.databases[i]; db.started.known() {
			parts = append(parts, "begun "+db.started.String())
		}
		if db := &d.databases[i]; db.completed.known() {
			parts = append(parts, "completed "+db.completed.String())
		}
	}
	return strings.Join(parts, ", ")
}

func (s *set) checkDatabase(p part) {
	db := p.db
	if db.unread != "" {
		s.Add(material.Unknown, CheckContents, fmt.Sprintf("what %s holds is not judged: %s", p, db.unread), p.format, p)
	}
	switch id := db.participant(); {
	case id == "":
		return
	case db.role(p.hint()) == RoleParticipant:
		s.name("participant", "PAR::"+id) // as in a participant's dump of its identities
	default:
		s.name("node", id)
	}
	if db.nodeID == "" {
		return
	}
	if db.ledgerID != "" {
		s.Compare(db.ledgerID == db.nodeID, CheckNode, fmt.Sprintf("%s is of one participant", p),
			fmt.Sprintf("%s names two participants: its node is not its ledger's", p), strings.Join(slices.Compact([]string{db.nodeID, db.ledgerID}), ", "), p)
	}
	s.checkKeys(p)
}

// hint is the part of the file's name that may tell the kind of a node.
func (d *dump) hint() string {
	if d.role == RoleCluster {
		return ""
	}
	return d.name[strings.LastIndex(d.name, "/")+1:]
}

// checkKeys: a key's id is its fingerprint, and so is a namespace.
func (s *set) checkKeys(p part) {
	db := p.db
	if db.keysInClear+db.keysWrapped+len(db.kmsKeys) == 0 {
		return // not read, or a node that keeps none
	}
	evidence := fmt.Sprintf("%s, %d keys in clear, %d wrapped, %d in a KMS", db.namespace, db.keysInClear, db.keysWrapped, len(db.kmsKeys))
	switch {
	case slices.Contains(db.kmsKeys, db.namespace):
		s.Add(material.Warn, CheckNamespaceKey, fmt.Sprintf("the namespace key of %s is in a KMS: the dump is of no use without it", p), evidence, p)
	case slices.Contains(db.keyIDs, db.namespace):
		text := fmt.Sprintf("the namespace key is in %s", p)
		if db.keysWrapped > 0 {
			text += ", wrapped by a KMS without which it is of no use"
		}
		s.Add(material.Pass, CheckNamespaceKey, text, evidence, p)
	default:
		s.Add(material.Warn, CheckNamespaceKey, fmt.Sprintf("the namespace key is not in %s: it must be kept elsewhere", p), evidence, p)
	}
}

func (s *set) name(what, value string) {
	s.IDs = append(s.IDs, material.ID{Network: Network, Name: what, Value: value})
}
