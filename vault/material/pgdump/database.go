package pgdump

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
)

// database is what the dump of one database says. It does not grow with the dump.
type database struct {
	name      string // of the database, if the dump has it
	started   stamp
	completed stamp
	complete  bool
	known     map[string]bool // tables that tell what it is
	created   bool            // it makes its tables
	unread    string          // why its rows could not be read
	inserts   bool            // rows as INSERT commands, which are not read

	ledgerEnd     int64
	hasLedgerEnd  bool
	ledgerID      string // of the participant, in the ledger's words
	nodeID        string // identifier and namespace of a Canton node
	namespace     string
	keyIDs        []string // of private keys, the first of them
	keysInClear   int
	keysWrapped   int
	kmsKeys       []string // fingerprints of keys that a KMS holds
	participantID []string // of the participants that apps have worked with

	migration int64 // the highest one that apps were at
	offset    int64 // the highest they have taken in at that migration
	hasOffset bool
	oddOffset bool // an offset that is no number

	newest time.Time // row of an aleph.im database
}

// maxList is how many keys of a participant are remembered. A participant has less
// than ten.
const maxList = 64

// Tables that tell what a database is, or that hold what is checked.
const (
	tableLedger      = "lapi_parameters"
	tableNode        = "common_node_id"
	tablePrivateKeys = "common_crypto_private_keys"
	tableKMS         = "common_kms_metadata_store"
	tableOffsets     = "store_last_ingested_offsets"
	tableHistory     = "update_history_last_ingested_offsets"
	tableHistories   = "update_history_descriptors"
	tableMessages    = "messages"
	tableStatus      = "message_status"
	tablePins        = "file_pins"
)

func isKnownTable(name string) bool {
	switch name {
	case tableLedger, tableNode, tablePrivateKeys, tableKMS, tableOffsets, tableHistory, tableHistories, tableMessages, tableStatus, tablePins:
		return true
	}
	return false
}

func (d *database) hasTable(name string) {
	if !isKnownTable(name) {
		return
	}
	if d.known == nil {
		d.known = map[string]bool{}
	}
	d.known[name] = true
}

// role is what the tables say. Every Canton node has the tables of a participant.
func (d *database) role(hint string) string {
	has := func(tables ...string) bool {
		return !slices.ContainsFunc(tables, func(t string) bool { return !d.known[t] })
	}
	hint = strings.ToLower(hint + " " + d.name)
	switch {
	case has(tableLedger) && (strings.Contains(hint, "sequencer") || strings.Contains(hint, "mediator")):
		return RoleCanton
	case has(tableLedger):
		return RoleParticipant
	case has(tableNode, tablePrivateKeys):
		return RoleCanton
	case has(tableOffsets):
		return RoleApps
	case has(tableMessages, tableStatus) || has(tableStatus, tablePins):
		return RoleAleph
	}
	return RoleDatabase
}

// columns is the header of the rows that follow: a table and where its columns are.
type columns struct {
	table string
	at    map[string]int
}

// parseCopy reads "COPY schema.table (a, b) FROM stdin;". ok is set for every such
// line, the columns for tables of interest only.
func parseCopy(line []byte) (c columns, ok bool) {
	rest, found := bytes.CutPrefix(line, []byte("COPY "))
	rest, ends := bytes.CutSuffix(bytes.TrimRight(rest, "\n"), []byte(" FROM stdin;"))
	if !found || !ends {
		return c, false
	}
	name, list, _ := bytes.Cut(rest, []byte(" ("))
	c.table = tableName(name)
	if !isKnownTable(c.table) {
		return columns{}, true
	}
	c.at = map[string]int{}
	for i, column := range strings.Split(strings.TrimSuffix(string(list), ")"), ", ") {
		c.at[strings.Trim(column, `"`)] = i
	}
	return c, true
}

// tableName takes the schema and quotes from a name.
func tableName(name []byte) string {
	if i := bytes.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return string(bytes.Trim(name, `"`))
}

// list says whether the rows are looked at for the newest of them only.
func (c columns) list() bool {
	return c.table == tableMessages || c.table == tableStatus || c.table == tablePins
}

// fields is a row in COPY's text format.
type fields struct {
	columns
	line []byte
}

// get gives a plain value: present, not NULL, and free of escapes.
func (f fields) get(column string) (string, bool) {
	i, ok := f.at[column]
	rest, more := f.line, true
	var value []byte
	for ; ok && i >= 0; i-- {
		if !more {
			return "", false
		}
		value, rest, more = bytes.Cut(rest, []byte{'\t'})
	}
	if !ok || bytes.IndexByte(value, '\\') >= 0 {
		return "", false
	}
	return string(value), true
}

// row takes what is checked out of one row. The keys themselves are not touched.
func (d *database) row(c columns, line []byte) {
	f := fields{c, line}
	switch c.table {
	case tableLedger:
		if end, ok := f.get("ledger_end"); ok {
			n, err := strconv.ParseInt(end, 10, 64)
			d.ledgerEnd, d.hasLedgerEnd = n, err == nil
		}
		d.ledgerID, _ = f.get("participant_id")
	case tableNode:
		name, _ := f.get("identifier")
		d.namespace, _ = f.get("namespace")
		d.nodeID = name + "::" + d.namespace
	case tablePrivateKeys:
		if id, ok := f.get("key_id"); ok && len(d.keyIDs) < maxList {
			d.keyIDs = append(d.keyIDs, id)
		}
		if _, wrapped := f.get("wrapper_key_id"); wrapped {
			d.keysWrapped++
		} else {
			d.keysInClear++
		}
	case tableKMS:
		if id, ok := f.get("fingerprint"); ok && len(d.kmsKeys) < maxList {
			d.kmsKeys = append(d.kmsKeys, id)
		}
	case tableHistories:
		if id, ok := f.get("participant_id"); ok && len(d.participantID) < maxList && !slices.Contains(d.participantID, id) {
			d.participantID = append(d.participantID, id)
		}
	case tableOffsets, tableHistory:
		d.offsetRow(f)
	case tableMessages:
		d.newestRow(f, "time")
	case tableStatus:
		d.newestRow(f, "reception_time")
	case tablePins:
		d.newestRow(f, "created")
	}
}

// offsetRow keeps the highest offset at the highest migration.
func (d *database) offsetRow(f fields) {
	text, ok := f.get("last_ingested_offset")
	if !ok {
		return // NULL: nothing taken in yet
	}
	number, _ := f.get("migration_id")
	migration, err := strconv.ParseInt(number, 10, 64)
	offset, ok := parseOffset(text)
	if err != nil || !ok {
		d.oddOffset = true
		return
	}
	if !d.hasOffset || migration > d.migration {
		d.migration, d.offset = migration, offset
	} else if migration == d.migration {
		d.offset = max(d.offset, offset)
	}
	d.hasOffset = true
}

// hexOffset is the length of an offset as Splice writes it, a number of nine bytes of
// which the first is zero.
const hexOffset = 18

// parseOffset reads an offset as 18 hex digits or, as later versions have it, in decimal.
func parseOffset(text string) (int64, bool) {
	base := 10
	if len(text) == hexOffset {
		base = 16
	}
	n, err := strconv.ParseInt(text, base, 64)
	return n, err == nil && n >= 0
}

func (d *database) newestRow(f fields, column string) {
	text, ok := f.get(column)
	if at, isTime := rowTime([]byte(text)); ok && isTime && at.After(d.newest) {
		d.newest = at
	}
}
