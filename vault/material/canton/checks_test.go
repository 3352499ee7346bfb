package canton

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
	"coldvault/vault/material/der"
)

// inspect judges one file of the name.
func inspect(name string, data []byte) material.Report {
	return material.Inspect([]material.File{file(name, data)}, Profile{})
}

// wholeDump are the verdicts on a dump to which nothing is wrong.
func wholeDump() []string {
	return []string{
		"PASS CANTON-KEYS", "PASS CANTON-NAMESPACE-KEY", "PASS CANTON-NAMESPACE-ROOT",
		"PASS CANTON-OWNER-KEYS", "PASS CANTON-OWNER-PROOF", "PASS CANTON-SIGNATURES",
	}
}

func TestDumps(t *testing.T) { // each fault of a dump is found by the check that is for it, and by no other
	except := func(verdicts ...string) []string { // the whole dump's, with those of the same ids replaced
		var want []string
		for _, v := range wholeDump() {
			kept := true
			for _, other := range verdicts {
				kept = kept && strings.Fields(v)[1] != strings.Fields(other)[1]
			}
			if kept {
				want = append(want, v)
			}
		}
		for _, v := range verdicts {
			if !strings.HasPrefix(v, "no ") {
				want = append(want, v)
			}
		}
		return want
	}
	for _, c := range []struct {
		name   string
		change func(n *node)
		want   []string
	}{
		{"whole", func(n *node) {}, wholeDump()},
		{"without public halves", func(n *node) { n.bare = true }, wholeDump()},
		{"items with lengths", func(n *node) { n.delimited = true }, wholeDump()},
		{"P-256", func(n *node) { n.namespace = newKey(n.t, der.P256, 50, true) }, wholeDump()},
		{"P-384", func(n *node) { n.signing = newKey(n.t, der.P384, 51, true) }, wholeDump()},
		{"rotated keys", func(n *node) {
			old := newKey(n.t, der.Ed25519, 60, true)
			n.extra = [][]byte{n.owner(3, 1700000300, 0, n.signing, n.encryption), n.owner(2, 1700000100, 1700000300, old, n.encryption)}
		}, wholeDump()},
		{"namespace key missing", func(n *node) { n.dropKeys[n.namespace.name()] = true }, except("FAIL CANTON-NAMESPACE-KEY")},
		{"namespace key delegated", func(n *node) {
			n.dropKeys[n.namespace.name()] = true
			n.extra = [][]byte{n.delegation(n.signing, n.namespace)}
		}, except("WARN CANTON-NAMESPACE-KEY")},
		{"signing key missing", func(n *node) { n.dropKeys[n.signing.name()] = true }, except("FAIL CANTON-OWNER-KEYS")},
		{"encryption key missing", func(n *node) { n.dropKeys[n.encryption.name()] = true }, except("FAIL CANTON-OWNER-KEYS")},
		{"all keys missing", func(n *node) {
			for _, k := range []key{n.namespace, n.signing, n.encryption} {
				n.dropKeys[k.name()] = true
			}
		}, except("FAIL CANTON-KEYS", "FAIL CANTON-NAMESPACE-KEY", "FAIL CANTON-OWNER-KEYS")},
		{"in a KMS", func(n *node) { n.kms = true },
			except("no CANTON-KEYS", "UNKNOWN CANTON-NAMESPACE-KEY", "UNKNOWN CANTON-OWNER-KEYS", "WARN CANTON-KMS")},
		{"not co-signed", func(n *node) { n.proof = false }, except("WARN CANTON-OWNER-PROOF")},
		{"no encryption key in use", func(n *node) { n.extra = [][]byte{n.owner(2, 1700000100, 0, n.signing)} },
			except("FAIL CANTON-OWNER-KEYS", "no CANTON-OWNER-PROOF")},
		{"not signed by its namespace", func(n *node) {
			owner := n.owner(2, 1700000100, 0, n.signing, n.encryption)
			n.extra = [][]byte{bytes.Replace(owner, bin(3, []byte(n.namespace.name())), bin(3, []byte(n.signing.name())), 1)}
		}, except("FAIL CANTON-OWNER-KEYS", "FAIL CANTON-SIGNATURES", "no CANTON-OWNER-PROOF")},
		{"no signing key in use", func(n *node) { n.extra = [][]byte{n.owner(2, 1700000100, 0, n.encryption)} },
			except("FAIL CANTON-OWNER-KEYS", "no CANTON-OWNER-PROOF")},
		{"signed by a stranger", func(n *node) {
			n.extra = [][]byte{n.item(9, 1700000000, 0, bin(8, nil), newKey(n.t, der.Ed25519, 90, true))}
		},
			except("UNKNOWN CANTON-SIGNATURES")},
		{"not signed", func(n *node) { n.extra = [][]byte{n.item(9, 1700000000, 0, bin(8, nil))} }, except("FAIL CANTON-SIGNATURES")},
		{"signed as a group", func(n *node) {
			n.tamper = func(signed []byte) []byte { return append(signed, bin(4, nil)...) }
		}, except("UNKNOWN CANTON-SIGNATURES")},
		{"signature of another", func(n *node) {
			n.tamper = func(signed []byte) []byte {
				return bytes.Replace(signed, []byte("::sample::"), []byte("::simple::"), 1)
			}
		}, except("FAIL CANTON-SIGNATURES", "FAIL CANTON-OWNER-KEYS", "no CANTON-OWNER-PROOF")},
		{"of a proposal only", func(n *node) {
			n.tamper = func(signed []byte) []byte { return append(signed, num(3, 1)...) }
		}, except("FAIL CANTON-NAMESPACE-ROOT", "FAIL CANTON-OWNER-KEYS", "no CANTON-OWNER-PROOF")},
		{"in Tink", func(n *node) { n.signing.format = formatTink }, except("FAIL CANTON-KEYS", "PASS CANTON-KEYS", "FAIL CANTON-OWNER-KEYS")},
		{"of an unknown algorithm", func(n *node) { n.signing.spec = 5 },
			except("UNKNOWN CANTON-KEYS", "PASS CANTON-KEYS", "UNKNOWN CANTON-OWNER-KEYS", "UNKNOWN CANTON-SIGNATURES", "WARN CANTON-OWNER-PROOF")},
		{"another algorithm than said", func(n *node) { n.namespace.spec = 2 }, []string{
			"FAIL CANTON-FILE", "FAIL CANTON-KEYS", "FAIL CANTON-NAMESPACE-KEY", "PASS CANTON-KEYS"}},
		{"under another's name", func(n *node) { n.signing.private = newKey(n.t, der.Ed25519, 99, true).private; n.bare = true },
			except("FAIL CANTON-KEYS", "PASS CANTON-KEYS", "FAIL CANTON-OWNER-KEYS")},
		{"beside another's public key", func(n *node) { n.signing.private = newKey(n.t, der.Ed25519, 99, true).private },
			except("FAIL CANTON-KEYS", "PASS CANTON-KEYS", "FAIL CANTON-OWNER-KEYS")},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, nodeParticipant, 10)
			c.change(n)
			r := inspect("dump.json", n.dump())
			require.Equal(t, RoleIdentities, r.Items[0].Role)
			require.Equal(t, n.id(), r.Items[0].ID)
			require.ElementsMatch(t, c.want, said(r), "%+v", r.Verdicts)
			require.NotContains(t, string(encode(t, r)), string(n.namespace.private), "a report is public")
		})
	}
}

func TestWhatIsNotADump(t *testing.T) { // error pages, torn and emptied files are refused under a dump's name
	whole := newNode(t, nodeParticipant, 10).dump()
	change := func(member string, value any) []byte {
		m := newNode(t, nodeParticipant, 10).members()
		m[member] = value
		return encode(t, m)
	}
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"404 page":         {[]byte("<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>"), "a web page"},
		"old 404 page":     {[]byte("\r\n<HTML><BODY>nginx</BODY></HTML>"), "a web page"},
		"error body":       {[]byte(`{"error":"The requested resource could not be found."}`), "an error message of a server"},
		"headers":          {[]byte("HTTP/1.1 200 OK\r\n\r\n{}"), "an answer of a web server"},
		"empty":            {nil, "it is empty"},
		"torn":             {whole[:len(whole)/2], "not a whole JSON text"},
		"empty object":     {[]byte("{}"), "not what its name says"},
		"a list":           {[]byte("[]"), "not what its name says"},
		"another id":       {change("id", "ALICE::1220"), "the id is not"},
		"keys is no list":  {change("keys", "x"), "keys is not"},
		"key is no key":    {change("keys", []any{1}), "no readable keyPair"},
		"key without id":   {change("keys", []any{map[string]any{"keyId": "", "type": "signing"}}), "no readable keyId"},
		"no base64":        {change("authorizedStoreSnapshot", "*"), "not base64"},
		"twice the id":     {append([]byte(`{"id":"a",`), whole[1:]...), "is there twice"},
		"too many members": {[]byte(`{"id":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`), "not what its name says"},
	} {
		t.Run(name, func(t *testing.T) {
			r := inspect("backup/participant_identities.json", c.data)
			require.Equal(t, []string{"FAIL CANTON-FILE"}, said(r))
			require.Contains(t, r.Verdicts[0].Text, c.says)
			require.Empty(t, r.IDs)
			require.True(t, r.Items[0].Secret)
		})
	}
	r := inspect("dump.json", []byte(`{"error":"no"}`))
	require.Equal(t, []string{"FAIL CANTON-FILE"}, said(r))
	r = inspect("dump.json", change("authorizedStoreSnapshot", []byte{0xff}))
	require.Contains(t, said(r), "FAIL CANTON-FILE")
}

func TestHugeTopologyIsRefused(t *testing.T) { // the work that a file asks for is bounded
	n := newNode(t, nodeParticipant, 10)
	item := bin(1, n.delegation(n.namespace, n.namespace))
	_, err := readTopology(versioned(bytes.Repeat(item, maxTransactions+1)))
	require.ErrorContains(t, err, "too many")
	_, err = readTopology(versioned(bytes.Repeat(item, 3)))
	require.NoError(t, err)
}

func TestOtherFilesAreLeftAlone(t *testing.T) { // nothing is claimed that speaks of another kind
	for name, data := range map[string]string{
		"a.json": `{"type":"StakePoolSigningKey_ed25519","cborHex":"5820"}`, "b.json": `{"error":"x"}`, "c.txt": "hello",
		"d.key": strings.Repeat("A", 64), "e.html": "<html>", "identities.txt": "", "f.json": "[]", "g": "0\n",
	} {
		_, sure := Profile{}.Recognise(file(name, []byte(data)))
		require.Equal(t, material.NotMine, sure, name)
	}
	big := material.File{Name: "node_key.json", Size: 5 << 30}
	_, sure := Profile{}.Recognise(big)
	require.Equal(t, material.NotMine, sure)
	big.Name = "domain_migration_dump.json"
	require.Equal(t, []string{"UNKNOWN CANTON-FILE"}, said(material.Inspect([]material.File{big}, Profile{})))
}

func TestSuperValidator(t *testing.T) { // three dumps in one, with or without its wrapper, and what must lie beside it
	beside, _ := comet(t, "sv", 70, "")
	beside = append(beside, file("sv/operator.txt", operatorLines(t, 5, 5)))
	bare := encode(t, svDump(t))
	wrapped := encode(t, map[string]any{"identities": svDump(t)})
	for _, data := range [][]byte{bare, wrapped} {
		r := material.Inspect(append([]material.File{file("sv_identities_2026.json", data)}, beside...), Profile{})
		require.Equal(t, RoleSVIdentities, r.Items[0].Role)
		require.Equal(t, material.Unknown, r.Worst(), "%+v", r.Verdicts) // the state's age alone
		for _, want := range append(wholeDump(), "PASS CANTON-SV-NODES", "PASS CANTON-SV-SET") {
			require.Contains(t, said(r), want)
		}
	}
	r := inspect("dump.json", bare)
	require.Contains(t, said(r), "FAIL CANTON-SV-SET")
	require.Contains(t, evidenceText(r, CheckSVSet), "SV operator key, CometBFT's node_key.json, CometBFT's priv_validator_key.json")
	part := material.Inspect([]material.File{file("dump.json", bare)}, Profile{Part: true})
	require.NotContains(t, said(part), "FAIL CANTON-SV-SET")

	swapped := svDump(t)
	swapped["sequencer"], swapped["mediator"] = swapped["mediator"], swapped["sequencer"]
	require.Contains(t, said(inspect("dump.json", encode(t, swapped))), "FAIL CANTON-SV-NODES")
	stranger := svDump(t)
	stranger["participant"] = newNode(t, nodeParticipant, 40).members()
	require.Contains(t, said(inspect("dump.json", encode(t, stranger))), "WARN CANTON-SV-NODES")
	broken := svDump(t)
	broken["sequencer"] = map[string]any{"error": "x"}
	require.Equal(t, []string{"FAIL CANTON-FILE"}, said(inspect("dump.json", encode(t, broken))))
}

func evidenceText(r material.Report, id string) string {
	for _, v := range r.Verdicts {
		if v.ID == id {
			return v.Text
		}
	}
	return ""
}

func TestSnapshots(t *testing.T) { // both forms of a snapshot, and what they lack
	with := func(change func(m map[string]any)) []byte {
		m := snapshotData(t)
		change(m)
		return encode(t, map[string]any{"data_snapshot": m, "migration_id": 5})
	}
	now := time.Date(2026, 1, 12, 4, 0, 0, 0, time.UTC)
	for _, data := range [][]byte{with(func(map[string]any) {}), encode(t, snapshotData(t))} {
		r := material.Inspect([]material.File{file("x.json", data)}, Profile{Now: now})
		require.Equal(t, RoleSnapshot, r.Items[0].Role)
		require.Contains(t, r.Items[0].Note, "2026-01-02T03:04:05Z, migration ")
		require.Contains(t, r.Items[0].Note, "10 days ago")
		require.Equal(t, append(wholeDump(), "PASS CANTON-SNAPSHOT"), said(r))
	}
	for name, c := range map[string]struct {
		want   string
		change func(m map[string]any)
	}{
		"no contracts":   {"FAIL CANTON-SNAPSHOT", func(m map[string]any) { m["acs_snapshot"] = "" }},
		"made too early": {"WARN CANTON-SNAPSHOT", func(m map[string]any) { m["created_at"] = "2026-01-01T00:00:00Z" }},
		"no time":        {"FAIL CANTON-FILE", func(m map[string]any) { delete(m, "acs_timestamp") }},
		"no migration":   {"FAIL CANTON-FILE", func(m map[string]any) { m["migration_id"] = -1 }},
		"no domain":      {"FAIL CANTON-FILE", func(m map[string]any) { delete(m, "domain_id") }},
		"other dump":     {"FAIL CANTON-FILE", func(m map[string]any) { m["participant"].(map[string]any)["id"] = "x" }},
	} {
		require.Contains(t, said(inspect("x.json", with(c.change))), c.want, name)
	}
	require.Contains(t, said(inspect("x.json", encode(t, map[string]any{"data_snapshot": snapshotData(t), "migration_id": "x"}))), "FAIL CANTON-FILE")
}

func TestKeyFiles(t *testing.T) { // key files of the console, of every algorithm
	for name, data := range map[string][]byte{
		"Ed25519":    newKey(t, der.Ed25519, 1, true).pair(true),
		"P-256":      newKey(t, der.P256, 1, true).pair(false),
		"encryption": newKey(t, der.P256, 1, false).pair(true),
		"secp256k1":  secpPair(t),
	} {
		r := inspect("sample.key", data)
		require.Equal(t, []string{"PASS CANTON-KEYS"}, said(r), name)
		require.Equal(t, RoleKeyPair, r.Items[0].Role)
		require.True(t, isFingerprint(r.Items[0].ID))
	}
	tink := newKey(t, der.Ed25519, 1, true)
	tink.format = formatTink
	r := inspect("sample.key", tink.pair(true))
	require.Equal(t, []string{"FAIL CANTON-FILE"}, said(r))
	require.Contains(t, r.Verdicts[0].Text, "Tink")

	k, other := newKey(t, der.P256, 1, true), newKey(t, der.P256, 2, true)
	halves := []material.File{file("n_private_key.bin", k.privatePart()), file("n_public_key.bin", k.publicPart())}
	require.Equal(t, []string{"PASS CANTON-KEY-FILES", "PASS CANTON-KEYS"}, said(material.Inspect(halves, Profile{})))
	halves[1] = file("n_public_key.bin", other.publicPart())
	require.Equal(t, []string{"FAIL CANTON-KEY-FILES", "PASS CANTON-KEYS"}, said(material.Inspect(halves, Profile{})))
}

func TestOperatorKey(t *testing.T) { // in every form in which it is kept
	lines := operatorLines(t, 5, 5)
	var public, private []byte
	for line := range bytes.Lines(lines) {
		text := bytes.Trim(line[bytes.IndexByte(line, '"'):], "\"\n")
		if bytes.HasPrefix(line, []byte("public")) {
			public = text
		} else {
			private = text
		}
	}
	asJSON, err := json.Marshal(map[string]string{"public": string(public), "private": string(private)})
	require.NoError(t, err)
	yaml := append(append(append([]byte("# key\npublic: "), public...), "\nprivate: "...), private...)
	for name, data := range map[string][]byte{"lines": lines, "JSON": asJSON, "YAML": yaml} {
		require.Equal(t, []string{"PASS CANTON-SV-OPERATOR-KEY"}, said(inspect("key", data)), name)
	}
	alone := []material.File{file("sv.private", private)}
	require.Equal(t, []string{"UNKNOWN CANTON-SV-OPERATOR-KEY"}, said(material.Inspect(alone, Profile{})))
	both := append(alone, file("sv.public", public))
	r := material.Inspect(both, Profile{})
	require.Equal(t, []string{"PASS CANTON-SV-OPERATOR-KEY"}, said(r))
	require.Equal(t, []string{RoleOperatorKey, RoleOperatorPublic}, []string{r.Items[0].Role, r.Items[1].Role})
	require.False(t, r.Items[1].Secret)
	require.Equal(t, []string{"FAIL CANTON-SV-OPERATOR-KEY"}, said(inspect("key", operatorLines(t, 5, 6))))
	require.Equal(t, []string{"FAIL CANTON-FILE"}, said(inspect("key", append(lines, lines...))))
	broken := bytes.Replace(lines, []byte("private-key = \"MIGH"), []byte("private-key = \"MIGI"), 1)
	require.Equal(t, []string{"FAIL CANTON-FILE"}, said(inspect("key", broken)))
}

func TestCometBFT(t *testing.T) { // a node's files belong together, and other nodes' do not
	files, validator := comet(t, "a", 70, "")
	r := material.Inspect(files, Profile{})
	require.Equal(t, []string{
		"PASS CANTON-COMETBFT-GENESIS", "PASS CANTON-COMETBFT-NODE-KEY", "PASS CANTON-COMETBFT-STATE",
		"PASS CANTON-COMETBFT-VALIDATOR-KEY", "UNKNOWN CANTON-COMETBFT-NEWEST",
	}, said(r))
	require.Equal(t, "height 7, round 0, step 3", r.Items[2].ID)
	require.Len(t, r.Counters, 1)
	require.Equal(t, [2]uint64{0, 7}, [2]uint64{r.Counters[0].Min, r.Counters[0].Max})
	for _, id := range r.Identities {
		require.Contains(t, []string{"CometBFT node id", "CometBFT validator address"}, id.Name)
	}
	require.Len(t, r.Identities, 2)

	node := r.Items[0].ID
	peer, other := comet(t, "b", 80, node+"@a:26656, tcp://"+node+"@c:1")
	two := material.Inspect(append(files[:5:5], peer...), Profile{})
	require.Contains(t, said(two), "PASS CANTON-COMETBFT-PEERS")
	require.Equal(t, material.Unknown, two.Worst())
	own, _ := comet(t, "a", 70, node+"@a:26656")
	require.Contains(t, said(material.Inspect(own, Profile{})), "WARN CANTON-COMETBFT-PEERS")

	for name, c := range map[string]struct {
		file int
		data []byte
		want string
	}{
		"another's state": {2, stateOf(t, other, 7, 7), "FAIL CANTON-COMETBFT-STATE"},
		"another height":  {2, stateOf(t, validator, 8, 7), "FAIL CANTON-FILE"},
		"no signature":    {2, []byte(`{"height":"0","round":0,"step":0}`), "UNKNOWN CANTON-COMETBFT-STATE"},
		"no state":        {2, []byte(`<html>`), "FAIL CANTON-FILE"},
		"other step":      {2, []byte(`{"height":"0","round":0,"step":4}`), "FAIL CANTON-FILE"},
		"other address":   {1, bytes.Replace(files[1].Data, []byte(addressOf(validator)), []byte(addressOf(other)), 1), "FAIL CANTON-FILE"},
		"other public":    {1, bytes.Replace(files[1].Data, []byte(`"value": "`), []byte(`"value": "A`), 1), "FAIL CANTON-FILE"},
		"other genesis":   {4, peer[4].Data, "UNKNOWN CANTON-COMETBFT-GENESIS"},
		"broken genesis":  {4, bytes.Replace(files[4].Data, []byte(addressOf(validator)), []byte(addressOf(other)), 1), "FAIL CANTON-FILE"},
		"broken peers":    {3, bytes.Replace(files[3].Data, []byte(`peers = "`), []byte(`peers = "x@y"#`), 1), "FAIL CANTON-FILE"},
		"emptied key":     {0, nil, "FAIL CANTON-FILE"},
	} {
		changed := append([]material.File{}, files...)
		changed[c.file] = file(changed[c.file].Name, c.data)
		require.Contains(t, said(material.Inspect(changed, Profile{})), c.want, name)
	}
}

func TestCompartments(t *testing.T) { // identities are in cold alone; what a standby signs blocks with is in hot too
	files, _ := comet(t, "sv", 70, "")
	files = append(files, file("dump.json", newNode(t, nodeParticipant, 10).dump()), file("key", operatorLines(t, 5, 5)))
	r := material.Inspect(files, Profile{})
	for _, item := range r.Items {
		require.Equal(t, strings.HasPrefix(item.Role, "cometbft-"), item.In.Has(material.Hot), item.Role)
		require.True(t, item.In.Has(material.Cold), item.Role)
	}
}

func TestQuestions(t *testing.T) { // what no file holds is asked for
	names := func(items ...material.Item) []string {
		var names []string
		for _, q := range (Profile{}).Questions(items) {
			names = append(names, q.Name)
		}
		return names
	}
	require.Equal(t, []string{"party-hint", "migration-id", "databases"}, names(material.Item{Network: Network, Role: RoleIdentities}))
	require.Equal(t, []string{"party-hint", "databases"}, names(material.Item{Network: Network, Role: RoleSnapshot}))
	require.Empty(t, names(material.Item{Network: Network, Role: RoleCometNode}))
}
