package pgdump

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

// What follows makes dumps as pg_dump and pg_dumpall write them.

// table is a table and its rows.
type table struct {
	name    string
	columns string
	rows    []string
}

func (t table) copy() string {
	return fmt.Sprintf("COPY public.%s (%s) FROM stdin;\n", t.name, t.columns)
}

func (t table) data() string {
	out := ""
	for _, r := range t.rows {
		out += strings.ReplaceAll(r, "|", "\t") + "\n"
	}
	return out + "\\.\n"
}

const (
	fingerprint = "12207de60272bb85dbdb3bd4c4a6e6728757895a2484666448734db5e86d0c23035f"
	private     = `\\x0badc0ffee`
)

// participant is a database whose ledger ends there.
func participant(end int) []table {
	return []table{
		{tablePrivateKeys, "key_id, wrapper_key_id, purpose, data, name", []string{fingerprint + `|\N|0|` + private + "|namespace", `1220ab|\N|1|` + private + `|\N`}},
		{tableNode, "identifier, namespace", []string{"alice|" + fingerprint}},
		{tableLedger, "ledger_end, participant_id", []string{fmt.Sprintf("%d|alice::%s", end, fingerprint)}},
	}
}

// apps is a database of a validator that has taken in so much of migration 4.
func apps(offset int) []table {
	return []table{
		{"store_descriptors", "id, descriptor", []string{"1|{}"}},
		{tableOffsets, "store_id, migration_id, last_ingested_offset", []string{
			fmt.Sprintf("1|4|%018x", offset), "2|3|00000000ffffffffff", fmt.Sprintf("3|4|%018x", offset/2), `4|4|\N`,
		}},
	}
}

// aleph is a database whose newest row is of that time.
func aleph(newest string) []table {
	return []table{
		{tableMessages, "item_hash, time", []string{"a|2026-01-01 00:00:00+00"}},
		{tableStatus, "item_hash, reception_time", []string{"a|" + newest}},
		{tablePins, "id, created", []string{`1|\N`}},
	}
}

// verbose are the times that -v writes.
type verbose struct{ started, completed string }

func plainDump(tables []table, v verbose) string {
	out := "--\n" + lineDump + "\n--\n\n\\restrict abc\n\n-- Dumped from database version 17.1\n\n"
	if v.started != "" {
		out += prefixStarted + v.started + "\n\n"
	}
	out += "SET statement_timeout = 0;\n\n"
	for _, t := range tables {
		out += fmt.Sprintf("CREATE TABLE public.%s (\n    %s text\n);\n\n", t.name, strings.ReplaceAll(t.columns, ", ", " text,\n    "))
	}
	for _, t := range tables {
		out += t.copy() + t.data() + "\n\n"
	}
	out += "ALTER TABLE ONLY public.x ADD CONSTRAINT y PRIMARY KEY (id);\n\n"
	if v.completed != "" {
		out += prefixCompleted + v.completed + "\n\n"
	}
	return out + "--\n" + lineDumpEnd + "\n--\n\n\\unrestrict abc\n\n"
}

// clusterDump holds databases by name, in their order.
func clusterDump(names []string, databases ...[]table) string {
	out := "--\n" + lineCluster + "\n--\n\nSET default_transaction_read_only = off;\n\nCREATE ROLE cnadmin;\n\n"
	for i, name := range names {
		out += fmt.Sprintf("--\n-- Database %q dump\n--\n\n", name)
		body := plainDump(databases[i], verbose{})
		at := strings.Index(body, "SET statement")
		out += body[:at] + fmt.Sprintf("CREATE DATABASE %q;\n\\connect -reuse-previous=on \"dbname='%s'\"\n\n", name, name) + body[at:]
	}
	return out + "--\n" + lineClusterEnd + "\n--\n\n"
}

// archiver writes numbers and texts of an archive.
type archiver struct{ bytes.Buffer }

func (a *archiver) integer(n int32) {
	sign := byte(0)
	if n < 0 {
		sign, n = 1, -n
	}
	a.WriteByte(sign)
	_ = binary.Write(a, binary.LittleEndian, n)
}

func (a *archiver) text(s string) {
	a.integer(int32(len(s)))
	a.WriteString(s)
}

func (a *archiver) null() { a.integer(-1) }

// outline is the head of an archive and its entries, numbered from 10.
func outline(minor, format byte, compressed bool, began time.Time, tables []table) *archiver {
	var a archiver
	a.WriteString(magic)
	a.Write([]byte{1, minor, 0, 4, 8, format})
	level := int32(0)
	if compressed {
		level = -1
	}
	if minor >= 15 {
		a.WriteByte(byte(-level))
	} else {
		a.integer(level)
	}
	for _, n := range []int{began.Second(), began.Minute(), began.Hour(), began.Day(), int(began.Month()) - 1, began.Year() - 1900, 0} {
		a.integer(int32(n))
	}
	a.text("db")
	a.text("17.1")
	a.text("17.1")
	a.integer(int32(2*len(tables) + 1))
	for i, t := range tables {
		a.entry(minor, format, int32(100+i), t.name, "TABLE", "", false)
		a.entry(minor, format, int32(10+i), t.name, "TABLE DATA", t.copy(), true)
	}
	a.entry(minor, format, 9, "BLOBS", kindBlobs, "", true)
	return &a
}

func (a *archiver) entry(minor, format byte, id int32, tag, kind, rows string, data bool) {
	a.integer(id)
	a.integer(map[bool]int32{true: 1}[data])
	a.text("1259")
	a.text("16385")
	a.text(tag)
	a.text(kind)
	a.integer(3)
	a.text("CREATE")
	a.text("")
	if rows == "" {
		a.null()
	} else {
		a.text(rows)
	}
	a.text("public")
	a.null()
	if minor >= 14 {
		a.null()
	}
	if minor >= 16 {
		a.integer('r')
	}
	a.text("cnadmin")
	a.text("false")
	a.text("8")
	a.null()
	switch {
	case format == formatTar && data:
		a.text(fmt.Sprintf("%d.dat", id))
	case format == formatTar:
		a.text("")
	default:
		a.WriteByte(map[bool]byte{true: 1, false: stateNone}[data])
		a.Write(make([]byte, 8))
	}
}

func customDump(minor byte, compressed bool, began time.Time, tables []table) []byte {
	a := outline(minor, formatCustom, compressed, began, tables)
	for i, t := range tables {
		a.WriteByte(blockData)
		a.integer(int32(10 + i))
		data := t.data()
		for half := range slices.Values([]string{data[:len(data)/2], data[len(data)/2:]}) {
			a.text(half)
		}
		a.integer(0)
	}
	a.WriteByte(blockBlobs)
	a.integer(9)
	a.integer(17897) // a large object
	a.text("abc")
	a.integer(0)
	a.integer(0)
	return a.Bytes()
}

func tarDump(t *testing.T, began time.Time, tables []table) []byte {
	t.Helper()
	files := map[string]string{blobsFile: "blob 1\n"}
	for i, tab := range tables {
		files[fmt.Sprintf("%d.dat", 10+i)] = tab.data()
	}
	names := append([]string{outlineFile}, slices.Sorted(maps.Keys(files))...)
	files[outlineFile] = outline(14, formatTar, false, began, tables).String()
	files[scriptFile] = "--\n"
	return tarOf(t, began, append(names, scriptFile), files)
}

func tarOf(t *testing.T, at time.Time, names []string, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range names {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name])), ModTime: at, Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func file[T string | []byte](name string, data T) material.File {
	return material.File{Name: name, Data: []byte(data), Size: int64(len(data))}
}

func inspect(files ...material.File) material.Report { return material.Inspect(files, Profile{}) }

func status(r material.Report, id string) []material.Status {
	var out []material.Status
	for _, v := range r.Verdicts {
		if v.ID == id {
			out = append(out, v.Status)
		}
	}
	return out
}

// evidence of the first verdict with that id.
func evidence(r material.Report, id string) string {
	i := slices.IndexFunc(r.Verdicts, func(v material.Verdict) bool { return v.ID == id })
	if i < 0 {
		return ""
	}
	return r.Verdicts[i].Evidence
}

func one(s material.Status) []material.Status { return []material.Status{s} }

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
