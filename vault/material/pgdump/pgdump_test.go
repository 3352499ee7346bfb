package pgdump

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

const (
	pass    = material.Pass
	fail    = material.Fail
	warn    = material.Warn
	unknown = material.Unknown
)

func TestEveryFormatSaysTheSame(t *testing.T) { // role, id and order from plain, custom of three versions, tar and a cluster
	check := func(name string, files ...material.File) {
		r := inspect(files...)
		require.Equal(t, one(pass), status(r, CheckSpliceOrder), name)
		require.Equal(t, "class 1: the apps are at offset 90 of migration 4, the participant's ledger ends at 100", evidence(r, CheckSpliceOrder), name)
		require.Equal(t, []material.ID{{Network: Network, Name: "participant", Value: "PAR::alice::" + fingerprint}}, r.IDs, name)
		require.Equal(t, one(pass), status(r, CheckNode), name)
		require.Equal(t, one(pass), status(r, CheckNamespaceKey), name)
		require.NotContains(t, status(r, CheckComplete), fail, name)
		if len(files) == 2 {
			require.Equal(t, RoleApps, r.Items[0].Role, name)
			require.Equal(t, RoleParticipant, r.Items[1].Role, name)
			require.Equal(t, []bool{false, true}, []bool{r.Items[0].Secret, r.Items[1].Secret}, name)
			require.Equal(t, []material.Compartments{material.Cold, material.Cold}, []material.Compartments{r.Items[0].In, r.Items[1].In})
			require.Equal(t, pass, r.Worst(), name)
		}
	}
	check("plain", file("a", plainDump(apps(90), verbose{})), file("b", plainDump(participant(100), verbose{})))
	for _, minor := range []byte{10, 14, 15, 16} {
		check(fmt.Sprint("custom ", minor), file("a", customDump(minor, false, noon, apps(90))), file("b", customDump(minor, false, noon, participant(100))))
	}
	check("tar", file("a", tarDump(t, noon, apps(90))), file("b", tarDump(t, noon, participant(100))))
	check("cluster", file("all.sql", clusterDump([]string{"validator", "participant-4"}, apps(90), participant(100))))
}

func TestCompressedContentsProveNothing(t *testing.T) { // a whole file is PASS, what it holds is UNKNOWN, and so is the order
	r := inspect(file("a", customDump(15, true, noon, apps(90))), file("b", plainDump(participant(100), verbose{})))
	require.Equal(t, []material.Status{pass, pass}, status(r, CheckComplete))
	require.Equal(t, one(unknown), status(r, CheckContents))
	require.Equal(t, one(unknown), status(r, CheckSpliceOrder))
	r = inspect(file("validator-2026-05-01T12:00:00+00:00.dump.gz", "\x1f\x8b\x08rest"))
	require.Equal(t, RoleApps, r.Items[0].Role)
	require.Equal(t, one(unknown), status(r, CheckComplete))
	r = inspect(file("a", strings.ReplaceAll(plainDump(apps(90), verbose{}), "COPY public.store_last_ingested_offsets (store_id, migration_id, last_ingested_offset) FROM stdin;\n1",
		"INSERT INTO public.store_last_ingested_offsets VALUES ('1', '4', 'x');\nCOPY public.x (a) FROM stdin;\n1")))
	require.Equal(t, one(unknown), status(r, CheckContents))
}

func TestOrderByContent(t *testing.T) { // class 1: equal offsets fit, one more does not; only the highest migration counts
	for offset, want := range map[int]material.Status{99: pass, 100: pass, 101: fail} {
		r := inspect(file("a", plainDump(apps(offset), verbose{})), file("b", plainDump(participant(100), verbose{})))
		require.Equal(t, one(want), status(r, CheckSpliceOrder), offset)
	}
	r := inspect(file("a", plainDump(apps(90), verbose{})), file("participant-5.dump", plainDump(participant(100), verbose{})))
	require.Equal(t, one(fail), status(r, CheckSpliceMigration))
	require.Empty(t, status(r, CheckSpliceOrder))
}

func TestOrderByVerboseTimes(t *testing.T) { // class 2: strictly before, equal proves nothing, zones that are not known prove nothing
	without := func(tables []table) []table {
		return append(tables[:len(tables)-1:len(tables)-1], table{tables[len(tables)-1].name, "x", nil})
	}
	order := func(completed, started string) material.Report {
		return inspect(file("a", plainDump(without(apps(1)), verbose{"2026-05-01 10:00:00" + completed[19:], completed})),
			file("b", plainDump(without(participant(1)), verbose{started, started})))
	}
	for _, c := range []struct {
		completed, started string
		want               material.Status
	}{
		{"2026-05-01 12:00:00 UTC", "2026-05-01 12:00:01 UTC", pass},
		{"2026-05-01 12:00:00 UTC", "2026-05-01 12:00:00 UTC", unknown},
		{"2026-05-01 12:00:01 UTC", "2026-05-01 12:00:00 UTC", fail},
		{"2026-05-01 14:00:00 +03", "2026-05-01 12:00:00 UTC", pass},
		{"2026-05-01 12:00:00 CEST", "2026-05-01 12:00:01 CEST", pass},
		{"2026-05-01 12:00:00 CEST", "2026-05-01 11:00:01 UTC", unknown},
		{"2026-05-03 12:00:00 CEST", "2026-05-01 11:00:01 UTC", fail},
		{"2026-05-01 12:00:00 UTC", "yesterday", unknown},
	} {
		require.Equal(t, one(c.want), status(order(c.completed, c.started), CheckSpliceOrder), c)
	}
	require.Contains(t, evidence(order("2026-05-01 12:00:00 UTC", "2026-05-01 12:00:01 UTC"), CheckSpliceOrder), "class 2")
	for i, names := range [][]string{{"validator", "participant"}, {"participant", "validator"}} {
		tables := [][]table{without(apps(1)), without(participant(1))}
		r := inspect(file("all", clusterDump(names, tables[i], tables[1-i])))
		require.Equal(t, one([]material.Status{pass, fail}[i]), status(r, CheckSpliceOrder))
	}
}

func TestOrderByNames(t *testing.T) { // class 3: strictly before; equal or missing proves nothing; a header's time refutes only
	const a, b = "validator-2026-05-01T12:00:00+00:00.dump", "participant-4-2026-05-01T12:00:%s.dump"
	packed := func(name string, began time.Time, tables []table) material.File {
		return file(name, customDump(14, true, began, tables))
	}
	for second, want := range map[string]material.Status{"01+00:00": pass, "00+00:00": unknown, "01+01:00": fail, "01Z": pass, "01-0100": pass} {
		r := inspect(packed(a, noon, apps(1)), packed(fmt.Sprintf(b, second), noon, participant(1)))
		require.Equal(t, one(want), status(r, CheckSpliceOrder), second)
		require.Contains(t, evidence(r, CheckSpliceOrder), "class 3")
	}
	r := inspect(packed("validator_2026-05-01T12_00_00+00_00.dump", noon, apps(1)), packed("participant_2026-05-01T12-00-01+00-00.dump", noon, participant(1)))
	require.Equal(t, one(pass), status(r, CheckSpliceOrder)) // names without colons
	for began, want := range map[time.Time]material.Status{noon: unknown, noon.Add(-72 * time.Hour): unknown, noon.Add(27 * time.Hour): unknown, noon.Add(29 * time.Hour): fail} {
		r := inspect(packed("a", began, apps(1)), packed("b", noon, participant(1)))
		require.Equal(t, one(want), status(r, CheckSpliceOrder), began)
	}
	first, second := packed("a", noon, apps(1)), packed("b", noon, participant(1))
	first.Modified, second.Modified = noon, noon.Add(time.Hour)
	require.Equal(t, one(unknown), status(inspect(first, second), CheckSpliceOrder)) // class 4 decides nothing
}

func TestWeakerEvidenceThatContradicts(t *testing.T) { // a reversed schedule that did no harm yet is a warning
	r := inspect(file("participant-4-2026-05-01T11:00:00+00:00.dump", plainDump(participant(100), verbose{})),
		file("validator-2026-05-01T12:00:00+00:00.dump", plainDump(apps(90), verbose{})))
	require.Equal(t, one(pass), status(r, CheckSpliceOrder))
	require.Equal(t, one(warn), status(r, CheckSpliceSchedule))
	require.Contains(t, evidence(r, CheckSpliceSchedule), "class 3")
}

func TestPairs(t *testing.T) { // each dump of the apps is judged against its own participant's
	at := func(kind string, hour int, data string) material.File {
		return file(fmt.Sprintf("%s-2026-05-01T%02d:00:00+00:00.dump", kind, hour), data)
	}
	r := inspect(at("validator", 4, plainDump(apps(40), verbose{})), at("participant", 5, plainDump(participant(50), verbose{})),
		at("validator", 8, plainDump(apps(80), verbose{})), at("participant", 9, plainDump(participant(90), verbose{})))
	require.Equal(t, []material.Status{pass, pass}, status(r, CheckSpliceOrder))
	require.Empty(t, status(r, CheckSpliceSchedule))
	r = inspect(file("a/validator.sql", plainDump(apps(40), verbose{})), file("a/participant.sql", plainDump(participant(50), verbose{})),
		file("b/participant.sql", plainDump(participant(10), verbose{})))
	require.Equal(t, one(pass), status(r, CheckSpliceOrder))
	r = inspect(file("validator.sql", plainDump(apps(40), verbose{})), file("p1.sql", plainDump(participant(50), verbose{})),
		file("p2.sql", plainDump(participant(10), verbose{})))
	require.Equal(t, one(unknown), status(r, CheckSpliceOrder))
	require.Equal(t, one(warn), status(inspect(file("a", plainDump(apps(1), verbose{}))), CheckSplicePair))
	require.Equal(t, one(warn), status(inspect(file("a", plainDump(participant(1), verbose{}))), CheckSplicePair))
}

func TestParticipantsKeys(t *testing.T) { // the namespace key: here, in a KMS, or nowhere; two ids contradict
	of := func(change func([]table)) material.Report {
		p := participant(1)
		change(p)
		return inspect(file("p", plainDump(p, verbose{})))
	}
	require.Equal(t, one(warn), status(of(func(p []table) { p[0].rows = p[0].rows[1:] }), CheckNamespaceKey))
	require.Equal(t, one(warn), status(of(func(p []table) {
		p[0] = table{tableKMS, "fingerprint, kms_key_id", []string{fingerprint + "|arn"}}
	}), CheckNamespaceKey))
	r := of(func(p []table) { p[0].rows[0] = strings.Replace(p[0].rows[0], `|\N|0`, "|wrapper|0", 1) })
	require.Equal(t, one(pass), status(r, CheckNamespaceKey))
	require.Contains(t, evidence(r, CheckNamespaceKey), "1 keys in clear, 1 wrapped")
	require.Equal(t, one(fail), status(of(func(p []table) { p[1].rows[0] = "bob|" + fingerprint }), CheckNode))
	for _, v := range r.Verdicts {
		require.NotContains(t, v.Text+v.Evidence, "badc0ffee")
	}
}

func TestIncompletePlainDumps(t *testing.T) { // cut off anywhere, with anything behind it, or with its end inside a text
	whole := plainDump(participant(1), verbose{})
	for _, data := range []string{
		whole[:len(whole)/2], whole[:strings.Index(whole, `\.`)-3], strings.Replace(whole, "complete", "comp", 1),
		whole + "SELECT 1;\n", whole + "<html>", whole + "-- more\n", whole + whole, strings.Replace(whole, lineDumpEnd, "SELECT '\n"+lineDumpEnd+"\n';", 1),
		"--\n" + lineDump + "\n--\n", "--\n" + lineDump, clusterDump([]string{"a"}, apps(1))[:900],
		strings.Replace(clusterDump([]string{"a", "b"}, apps(1), apps(2)), lineDumpEnd, "--", 1), clusterDump(nil) + "SELECT 1;\n",
	} {
		require.Equal(t, one(fail), status(inspect(file("x", data)), CheckComplete), data[max(0, len(data)-80):])
	}
	text := strings.Replace(whole, "ALTER TABLE", "CREATE FUNCTION f AS $_$\n"+lineDumpEnd+"\n$_$;\nALTER TABLE", 1)
	require.Equal(t, one(pass), status(inspect(file("x", text)), CheckComplete))
}

func TestIncompleteArchives(t *testing.T) { // cut off at every length, with something behind, or with other data
	for name, whole := range map[string][]byte{
		"custom": customDump(14, false, noon, participant(1)), "packed": customDump(16, true, noon, participant(1)), "tar": tarDump(t, noon, participant(1)),
	} {
		require.Equal(t, one(pass), status(inspect(file("x", whole)), CheckComplete), name)
		for end := tarBlock + 80; end < len(whole); end += 1 + len(whole)/300 {
			require.Equal(t, one(fail), status(inspect(file("x", whole[:end])), CheckComplete), "%s cut at %d", name, end)
		}
		require.Equal(t, one(fail), status(inspect(file("x", append(bytes.Clone(whole), 'x'))), CheckComplete), name)
	}
	twice := customDump(14, false, noon, participant(1))
	twice = append(twice, twice[len(twice)-30:]...)
	require.Equal(t, one(fail), status(inspect(file("x", twice)), CheckComplete))
	future := customDump(14, false, noon, nil)
	future[6] = 17
	require.Equal(t, one(unknown), status(inspect(file("x", future)), CheckComplete))
	toc := outline(14, formatTar, false, noon, apps(1)).Bytes()
	require.Equal(t, one(unknown), status(inspect(file("d/toc.dat", toc)), CheckComplete))
}

func TestNamesWithoutDumps(t *testing.T) { // a 404 page or an empty file under a dump's name is no dump
	for _, data := range []string{"", "<html>404</html>", `{"error":"not found"}`} {
		r := inspect(file("participant-4-2026-05-01T12:00:00+00:00.dump", data))
		require.Equal(t, RoleParticipant, r.Items[0].Role)
		require.Equal(t, one(fail), status(r, CheckComplete))
	}
	for _, name := range []string{"notes.txt", "validator.json", "participant", "scan.sql", "scan-results.dump"} {
		require.Equal(t, material.Generic, inspect(file(name, "text")).Items[0].Network)
	}
}

func TestAlephFiles(t *testing.T) { // files as new as the newest row fit; older ones prove nothing by themselves; names decide then
	volume := func(name string, newest time.Time) material.File {
		return file(name, tarOf(t, newest, []string{"Qm1"}, map[string]string{"Qm1": "x"}))
	}
	db := file("aleph-2026-05-01T12:00:00+00:00.sql", plainDump(aleph("2026-05-01 11:59:59.5+00"), verbose{}))
	r := inspect(db, volume("pyaleph-ipfs.tar", noon), volume("pyaleph-local-storage.tar", noon))
	require.Equal(t, []material.Status{pass, pass}, status(r, CheckAlephOrder))
	require.Equal(t, one(pass), status(r, CheckAlephFiles))
	require.Contains(t, evidence(r, CheckAlephOrder), "class 1")
	require.Equal(t, []string{RoleAleph, RoleAlephFiles}, []string{r.Items[0].Role, r.Items[1].Role})
	require.Equal(t, material.Hot, r.Items[1].In)

	old := noon.Add(-time.Hour)
	r = inspect(db, volume("pyaleph-ipfs.tar", old))
	require.Equal(t, one(unknown), status(r, CheckAlephOrder))
	require.Equal(t, one(warn), status(r, CheckAlephFiles))
	require.Equal(t, one(fail), status(inspect(db, volume("pyaleph-ipfs-2026-05-01T11:00:00Z.tar", old)), CheckAlephOrder))
	require.Equal(t, one(pass), status(inspect(db, volume("pyaleph-ipfs-2026-05-01T13:00:00Z.tar", old)), CheckAlephOrder))
	r = inspect(file("aleph.sql", plainDump(aleph("2026-05-01 12:00:00+02"), verbose{"2026-05-01 09:00:00 UTC", "2026-05-01 12:00:01 UTC"})),
		volume("pyaleph-ipfs-2026-05-01T12:00:00Z.tar", noon.Add(-3*time.Hour)))
	require.Equal(t, one(fail), status(r, CheckAlephOrder))
	require.Equal(t, one(unknown), status(inspect(file("pyaleph-ipfs.tar.zst", "\x28\xb5\x2f\xfd")), CheckComplete))
	require.Equal(t, one(fail), status(inspect(file("pyaleph-ipfs.tar", "no tar")), CheckComplete))
}

func TestOtherDatabases(t *testing.T) { // a sequencer's is told by its name, an unknown one is kept as a secret in cold
	r := inspect(file("sequencer-4.sql", plainDump(participant(1), verbose{})), file("shop.sql", plainDump([]table{{"orders", "id", nil}}, verbose{})))
	require.Equal(t, RoleCanton, r.Items[0].Role)
	require.Equal(t, RoleDatabase, r.Items[1].Role)
	require.True(t, r.Items[1].Secret)
	require.Equal(t, material.Cold, r.Items[1].In)
	require.Empty(t, status(r, CheckSplicePair))
}

// sparse is a dump of any size, made as it is read: a head, rows that repeat, a tail.
type sparse struct {
	head, row, tail string
	size, read      int64
}

func (s *sparse) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	for n < len(p) && at+int64(n) < s.size {
		var from string
		switch i := at + int64(n); {
		case i < int64(len(s.head)):
			from = s.head[i:]
		case i >= s.size-int64(len(s.tail)):
			from = s.tail[i-(s.size-int64(len(s.tail))):]
		default:
			from = s.row[(i-int64(len(s.head)))%int64(len(s.row)):]
			from = from[:min(int64(len(from)), s.size-int64(len(s.tail))-i)]
		}
		n += copy(p[n:], from)
	}
	s.read += int64(n)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func TestLargeDumpsInConstantMemory(t *testing.T) { // 10 GB are read once, with buffers of less than 4 MB
	const size = 10 << 30
	whole := plainDump(append([]table{{"big", "id, data", []string{"@"}}}, participant(100)...), verbose{"2026-05-01 12:00:00 UTC", "2026-05-01 16:00:00 UTC"})
	head, tail, _ := strings.Cut(whole, "@")
	plain := &sparse{head: head, row: strings.Repeat("x", 8191) + "\n", tail: "\n" + tail, size: size}

	archive := outline(14, formatCustom, false, noon, []table{{"big", "id", nil}})
	archive.WriteByte(blockData)
	archive.integer(10)
	var piece archiver
	piece.text(strings.Repeat("y", 1<<16))
	end := "\x00\x00\x00\x00\x00" + "\x03\x00\x09\x00\x00\x00" + "\x00\x00\x00\x00\x00" // of the data, then no large objects
	pieces := (size - int64(archive.Len())) / int64(piece.Len())
	custom := &sparse{head: archive.String(), row: piece.String(), tail: end, size: int64(archive.Len()) + pieces*int64(piece.Len()) + int64(len(end))}

	for name, s := range map[string]*sparse{"plain": plain, "custom": custom} {
		f := material.File{Name: name, Large: s, Size: s.size}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found := Profile{}.Judge([]material.File{f}, nil)
		runtime.ReadMemStats(&after)
		require.Equal(t, pass, found.Verdicts[0].Status, found.Verdicts[0].Text)
		require.InDelta(t, s.size, s.read, 1<<20)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
		t.Logf("%s: %d bytes judged, %d read, %d allocated in all", name, s.size, s.read, after.TotalAlloc-before.TotalAlloc)

		s.read = 0
		item, sure := Profile{}.Recognise(f)
		require.Equal(t, material.ByContent, sure)
		require.NotEqual(t, RoleAleph, item.Role)
		require.Less(t, s.read, int64(1<<20)) // its beginning is enough
	}
}

func TestLongLines(t *testing.T) { // a row longer than what is looked at: the newest of many still counts, a single one is UNKNOWN
	a := aleph("2026-05-01 11:00:00+00")
	a[0].rows = append(a[0].rows, strings.Repeat("z", 3*pieceSize)+"|2027-01-01 00:00:00+00")
	r := inspect(file("a", plainDump(a, verbose{})))
	require.Equal(t, one(pass), status(r, CheckComplete))
	require.Empty(t, status(r, CheckContents))
	p := participant(100)
	p[2].rows[0] += strings.Repeat("z", 3*pieceSize)
	r = inspect(file("p", plainDump(p, verbose{})))
	require.Equal(t, one(unknown), status(r, CheckContents))
}
