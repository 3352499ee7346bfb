package pgdump

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzPlain(f *testing.F) { // no input panics; what is whole is not whole without its end
	f.Add([]byte(plainDump(participant(1), verbose{"2026-05-01 12:00:00 UTC", "2026-05-01 12:00:00 UTC"})))
	f.Add([]byte(plainDump(aleph("2026-05-01 12:00:00+00"), verbose{})))
	f.Add([]byte(clusterDump([]string{"a", "b"}, apps(1), participant(1))))
	f.Add([]byte("--\n" + lineDump + "\nCOPY a (b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := readPlain(bytes.NewReader(data), false)
		if err != nil || p.defect() != nil {
			return
		}
		end := lineDumpEnd
		if p.cluster {
			end = lineClusterEnd
		}
		last := bytes.LastIndex(data, []byte(end))
		require.GreaterOrEqual(t, last, 0)
		p, err = readPlain(bytes.NewReader(data[:last]), false)
		require.False(t, err == nil && p.defect() == nil)
	})
}

func FuzzArchive(f *testing.F) { // no input panics or makes the reader ask for memory; what is whole ends where the data ends
	f.Add(customDump(14, false, noon, participant(1)))
	f.Add(customDump(16, true, noon, apps(1)))
	f.Add(outline(15, formatTar, false, noon, nil).Bytes())
	f.Add([]byte("PGDMP\x01\x0e\x00\x04\x08\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := readCustom(bytes.NewReader(data), false)
		if err != nil || a.format != formatCustom {
			return
		}
		_, err = readCustom(bytes.NewReader(append(bytes.Clone(data), 0)), false)
		require.Error(t, err)
		_, err = readCustom(bytes.NewReader(data[:len(data)-1]), false)
		require.Error(t, err)
	})
}

func FuzzTar(f *testing.F) { // no input panics
	f.Add([]byte(outlineFile))
	f.Add(bytes.Repeat([]byte{0}, 2*tarBlock))
	var t testing.T
	f.Add(tarDump(&t, noon, apps(1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		content := bytes.NewReader(data)
		if _, err := readTar(content, int64(len(data)), false); err == nil {
			require.True(t, isTar(data))
			require.True(t, endsInZeros(content, int64(len(data))))
		}
		_, files, err := newestFile(content, int64(len(data)))
		require.True(t, err != nil || files <= len(data)/tarBlock)
	})
}

func FuzzLines(f *testing.F) { // rows, headers, times and names: no panic, and what is read is written the same
	f.Add("COPY public.lapi_parameters (ledger_end, participant_id) FROM stdin;", "5\ta::b", "validator-2026-05-01T12:00:00+00:00.dump")
	f.Add("COPY a.store_last_ingested_offsets (migration_id, last_ingested_offset) FROM stdin;", "1\t00000000000000003f", "2026-05-01 12:00:00 UTC")
	f.Add("COPY \"x\".\"messages\" (\"time\") FROM stdin;", "2026-05-01 12:00:00.5+05:30", "2026-05-01 12:00:00 CEST")
	f.Fuzz(func(t *testing.T, head, row, name string) {
		if c, ok := parseCopy([]byte(head)); ok {
			var d database
			d.row(c, []byte(row))
			for column := range c.at {
				if value, ok := (fields{c, []byte(row)}).get(column); ok {
					require.Contains(t, row, value)
				}
			}
		}
		if n, ok := parseOffset(row); ok {
			require.GreaterOrEqual(t, n, int64(0))
		}
		if s := nameTime(name); s.known() {
			require.Equal(t, s.at, nameTime("x-"+s.at.Format(time.RFC3339)+".dump").at)
		}
		if s := parseVerbose([]byte(name)); s.known() && s.error == 0 {
			require.Equal(t, s.at, parseVerbose([]byte(s.String())).at)
		}
	})
}

func FuzzInspect(f *testing.F) { // whatever a file holds under whatever name, it has one role and no panic
	f.Add("validator.dump", []byte("x"))
	f.Add("pyaleph-ipfs.tar", []byte{})
	f.Add("toc.dat", outline(16, formatTar, true, noon, apps(1)).Bytes())
	f.Add("all.sql", []byte(clusterDump([]string{"a"}, aleph("2026-05-01 12:00:00+00"))))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		r := inspect(file(name, data))
		require.Len(t, r.Items, 1)
		require.NotEmpty(t, r.Items[0].Role)
	})
}
