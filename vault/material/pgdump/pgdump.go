// Package pgdump judges dumps of PostgreSQL databases: whether they are complete,
// whose they are, and whether dumps and files that only work together were taken in
// the right order.
//
// It reads what pg_dump and pg_dumpall write: plain text, the custom format and the
// tar format (PostgreSQL, pg_backup_archiver.h, archive versions 1.10 to 1.16). A dump of
// any size is read once, in memory that does not grow with it; to recognise it, its
// beginning is enough.
//
// Order is judged by the strongest evidence there is, and every verdict names its class:
//
//  1. what the dumps hold: offsets of a ledger, times of rows;
//  2. the times that pg_dump -v writes, and the order inside a dump of a cluster;
//  3. the times at which dumps began, by their names; the time in an archive's header
//     shows no zone, so it may be 14 hours off, and can refute but not prove;
//  4. modification times, which are shown and decide nothing.
//
// Times have a resolution of a second: equal ones prove nothing. Compressed contents are
// not read and prove nothing.
//
// A participant's dump holds its private keys in clear unless a KMS wraps them; it and
// the dumps of the apps, which are restored together with it, are cold. So is what is
// not known. Databases and files of aleph.im are public data, and hot.
package pgdump

import (
	"coldvault/vault/material"
)

// Network is the name of the profile.
const Network = "pgdump"

// Roles of dumps, and of the files that a database refers to.
const (
	RoleParticipant = "participant-dump"
	RoleApps        = "validator-dump" // of Splice's apps: validator, SV, scan
	RoleCanton      = "canton-dump"    // of a sequencer or mediator
	RoleAleph       = "aleph-dump"
	RoleAlephFiles  = "aleph-files" // a volume of pyaleph
	RoleCluster     = "cluster-dump"
	RoleDatabase    = "database-dump" // of anything else
)

func compartments(role string) material.Compartments {
	switch role {
	case RoleAleph, RoleAlephFiles:
		return material.Hot
	}
	return material.Cold
}

// secretRole: a cluster's dump has the password hashes of its roles, and nobody knows
// what is in an unknown database.
func secretRole(role string) bool {
	switch role {
	case RoleParticipant, RoleCanton, RoleCluster, RoleDatabase:
		return true
	}
	return false
}

// Profile holds the rules of database dumps.
type Profile struct{}

// Name is "pgdump".
func (Profile) Name() string { return Network }

// Recognise says what one file is. It reads no more than its beginning.
func (Profile) Recognise(f material.File) (material.Item, material.Certainty) {
	d, certainty := read(f, true)
	if certainty == material.NotMine {
		return material.Item{}, certainty
	}
	return material.Item{Role: d.role, In: compartments(d.role), Secret: secretRole(d.role), Note: d.note()}, certainty
}

// Judge checks the dumps as a set. Every one is read once from end to end.
func (Profile) Judge(files []material.File, _ []material.Item) material.Findings {
	var s set
	for _, f := range files {
		if d, certainty := read(f, false); certainty != material.NotMine {
			s.dumps = append(s.dumps, &d)
		}
	}
	s.checkDumps()
	s.checkSplice()
	s.checkAleph()
	return s.Findings
}
