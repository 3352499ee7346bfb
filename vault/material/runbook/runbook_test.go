package runbook

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/format"
	"coldvault/vault/material"
	"coldvault/vault/material/aleph"
	"coldvault/vault/material/canton"
	"coldvault/vault/material/cardano"
	"coldvault/vault/material/filecoin"
	"coldvault/vault/material/pgdump"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// restored is a restore of files given as "network role name".
func restored(role string, files ...string) Input {
	in := Input{Role: role, Vault: "abcdefgh", Label: "pool one", Generation: 7, Sealed: now.AddDate(0, 0, -10), Restored: now, To: "/mnt/r"}
	for _, f := range files {
		part := strings.SplitN(f, " ", 3)
		in.Files = append(in.Files, File{Name: part[2], Network: part[0], Role: part[1], Mode: "0640"})
		in.Report.Items = append(in.Report.Items, material.Item{Name: part[2], Network: part[0], Role: part[1]})
	}
	return in
}

func id(network, name, value string) material.ID {
	return material.ID{Network: network, Name: name, Value: value}
}

func poolFiles(t *testing.T, role string) Input {
	t.Helper()
	hot := []string{
		"cardano kes.skey hot/kes.skey", "cardano vrf.skey hot/vrf.skey", "cardano node.cert hot/node.cert",
		"cardano node.env hot/env", "cardano node.topology hot/topology.json",
	}
	cold := []string{
		"cardano node.skey cold/node.skey", "cardano node.vkey cold/node.vkey", "cardano opcert.counter cold/node.counter",
		"cardano payment.skey cold/payment.skey", "cardano metadata cold/md.json",
	}
	files := hot
	switch role {
	case "all":
		files = append(hot, cold...)
	case "cold":
		files = cold
	}
	in := restored(role, files...)
	in.Report.IDs = []material.ID{id("cardano", "KES key", "77aa"), id("cardano", "pool id", "pool1xyz")}
	in.Report.Identities = in.Report.IDs[1:]
	if role != "cold" {
		in.Report.Verdicts = []material.Verdict{{Status: material.Warn, ID: cardano.CheckKESExpiry,
			Text: `"hot/node.cert" ends soon, plan new KES keys: mainnet 2026-05-13T13:00:00Z`}}
	}
	if role == "all" || role == "cold" {
		i := slices.IndexFunc(in.Files, func(f File) bool { return f.Role == cardano.RoleCounter })
		in.Files[i].As = "cold/node.counter.ASK-THE-NETWORK-FIRST"
		in.Held = []Held{{"cold/node.counter", in.Files[i].As, "the network was not asked; use `x`"}}
		in.Report.Counters = []material.Counter{{File: "cold/node.counter", Min: 4, Max: 5}}
	}
	return in
}

// inOrder says whether the parts stand in the text in that order.
func inOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	at := 0
	for _, p := range parts {
		i := strings.Index(text[at:], p)
		require.GreaterOrEqual(t, i, 0, "%q is not there, or too early, in\n%s", p, text)
		at += i + len(p)
	}
}

// flat joins what was wrapped, so that sentences and commands can be searched for.
func flat(b []byte) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(string(b), "\\\n", " ")), " ")
}

// networkTitles are the titles of sections with steps.
func networkTitles(markdown []byte) []string {
	var titles []string
	for _, m := range regexp.MustCompile(`(?m)^## (.*), step by step$`).FindAllStringSubmatch(string(markdown), -1) {
		titles = append(titles, m[1])
	}
	return titles
}

// check asserts what holds for every runbook.
func check(t *testing.T, in Input) (md string, txt string) {
	t.Helper()
	m, x := Markdown(in), Text(in)
	require.Equal(t, m, Markdown(in), "the same input gives the same runbook")
	for line := range strings.Lines(string(x)) {
		require.LessOrEqual(t, columns(strings.TrimSuffix(line, "\n")), textWidth, line)
	}
	for _, out := range []string{string(m), string(x)} {
		for _, r := range out {
			require.True(t, r == '\n' || strconv.IsPrint(r), "%q", r)
		}
	}
	_, files, _ := strings.Cut(string(m), "\n## Files\n")
	files, _, _ = strings.Cut(files, "\n## ")
	rows := strings.Split(strings.TrimSpace(files), "\n")[2:]
	require.Len(t, rows, len(in.Files), files)
	bars := func(row string) int { return strings.Count(strings.ReplaceAll(row, `\|`, ""), "|") }
	for i, f := range in.Files {
		if f.As == "" {
			f.As = f.Name
		}
		require.Equal(t, bars(files), (len(rows)+2)*bars(rows[i]), "no name adds a cell")
		require.Contains(t, rows[i], fmt.Sprintf("| %d | `%s` |", i+1, Quote(f.As)))
	}
	for _, i := range in.Report.IDs {
		require.Contains(t, string(m), code(i.Value))
	}
	steps := regexp.MustCompile(`(?m)^(\d+)\. `).FindAllStringSubmatch(string(m), -1)
	for i, s := range steps {
		require.Equal(t, strconv.Itoa(i+1), s[1], "steps are numbered through")
	}
	require.Len(t, regexp.MustCompile(`(?m)^\[ \] {1,2}\d+\. `).FindAllString(string(x), -1), len(steps), "the same steps in both")
	return flat(m), flat(x)
}

func TestStandby(t *testing.T) { // a standby starts without forging, and forges only after the other one is dead
	md, txt := check(t, poolFiles(t, "standby"))
	for _, out := range []string{md, txt} {
		inOrder(t, out, "same issuer, same slot", "Never send SIGHUP to the standby", "2026-05-13 13:00 UTC (in 12 days)",
			"Leave the active block producer alone", "Install the VRF key", `"${RESTORED:?}"/hot/vrf.skey`,
			"Install the KES key", `-m 0400 "${RESTORED:?}"/hot/kes.skey "${KEYS:?}"/kes.skey`,
			"after the KES key", `"${RESTORED:?}"/hot/node.cert`, "--start-as-non-producing-node", "ready and does not forge",
			"TAKEOVER", "pgrep", "pkill -HUP", "WAY BACK", "pool1xyz")
		require.NotContains(t, out, "OFFLINE MACHINE")
		require.NotContains(t, out, "new-counter")
	}
	require.Equal(t, []string{"Cardano"}, networkTitles(Markdown(poolFiles(t, "standby"))))
}

func TestProducer(t *testing.T) { // the old producer is dead before a key is installed, and again before forging starts
	for _, role := range []string{"hot", "all"} {
		md, _ := check(t, poolFiles(t, role))
		require.Equal(t, role == "all", strings.Contains(md, "Cold and hot keys are in this folder"))
		inOrder(t, md, "Stop the old block producer", "pgrep", "Install the KES key", "after the KES key",
			"--start-as-non-producing-node", "kes-period-info", "Prove once more", "pkill -HUP")
		require.NotContains(t, md, "TAKEOVER")
		require.Equal(t, role == "all", strings.Contains(md, "OFFLINE MACHINE"))
	}
}

func TestColdKeys(t *testing.T) { // they stay offline, and a held counter is used only after the chain was asked
	md, txt := check(t, poolFiles(t, "cold"))
	for _, out := range []string{md, txt} {
		inOrder(t, out, "Never copy cold, payment or stake keys to a node", "Find out first", "node.counter.ASK-THE-NETWORK-FIRST",
			"use 'x'", "OFFLINE MACHINE", "date -u", "qKesNodeStateOperationalCertificateNumber", "If M is from 4 to 5",
			`mv -- "${RESTORED:?}"/cold/node.counter.ASK-THE-NETWORK-FIRST "${RESTORED:?}"/cold/node.counter`,
			"new-counter", `"$((${M:?} + 1))"`, "key-gen-KES", "issue-op-cert", "byte for byte")
		require.NotContains(t, out, "pkill")
		require.NotContains(t, out, "Deadlines")
	}
}

func TestKESGenerations(t *testing.T) { // of several certificates the newest is used, with the key that it names
	in := restored("hot", "cardano kes.skey p.kes-001.skey", "cardano kes.skey p.kes-002.skey", "cardano kes.vkey p.kes-002.vkey",
		"cardano node.cert p.node-001.opcert", "cardano node.cert p.node-002.opcert", "cardano vrf.skey p.vrf.skey")
	for i, value := range []string{"aa", "bb", "bb", "number 9, from KES period 3", "number 10, from KES period 4"} {
		in.Report.Items[i].ID = value
	}
	in.Report.Verdicts = []material.Verdict{{Status: material.Pass, ID: cardano.CheckOpcertKES, Files: []string{"p.node-002.opcert", "p.kes-002.vkey"}}}
	md, _ := check(t, in)
	require.Contains(t, md, `-m 0400 "${RESTORED:?}"/p.kes-002.skey "${KEYS:?}"/p.kes-002.skey`)
	require.Contains(t, md, `-m 0400 "${RESTORED:?}"/p.node-002.opcert`)
	require.NotContains(t, md, `"${RESTORED:?}"/p.kes-001.skey`)
	require.Equal(t, 2, strings.Count(md, "older generation"), "one key and one certificate")

	in.Report.Verdicts = nil // nothing says which key the certificate names
	md, _ = check(t, in)
	require.Contains(t, md, `select KES_KEY in "${RESTORED:?}"/p.kes-001.skey "${RESTORED:?}"/p.kes-002.skey ; do break; done`)
	require.Contains(t, md, `"${KES_KEY:?}" "${KEYS:?}"/kes.skey`)
}

func TestCanton(t *testing.T) { // databases apps first; identities with the recorded party hint, or a demand for it
	in := restored("all", "canton participant-identities id.json", "pgdump participant-dump p.dump", "pgdump validator-dump v.dump")
	in.Facts = []format.Fact{{Name: "party hint", Value: "my-org 1"}, {Name: "migration_id", Value: "4"}}
	in.Report.Identities = []material.ID{id("canton", "participant id", "PAR::alice::1220ab")}
	in.Report.IDs = append([]material.ID{id("canton", "key", "1220cd")}, in.Report.Identities...)
	md, txt := check(t, in)
	for _, out := range []string{md, txt} {
		inOrder(t, out, "Never run two nodes with the same participant id", "30 days", "Missing fact", "databases", "Stop the old node", "docker ps",
			"WAY A", "./stop.sh", "docker volume ls", "docker volume rm", "up -d postgres-splice", "pg_isready",
			`psql -U cnadmin validator < "${RESTORED:?}"/v.dump`, `psql -U cnadmin participant-4 < "${RESTORED:?}"/p.dump`, "docker compose down",
			"WAY B", "./start.sh -p 'my-org 1' -m 4", `id.json -P "${NEW_ID:?}"`, "PAR::alice::1220ab", "1220cd")
		require.NotContains(t, out, "Missing fact: party-hint")
	}
	require.Equal(t, []string{"Canton"}, networkTitles(Markdown(in)))

	in = restored("all", "canton participant-identities id.json")
	md, _ = check(t, in)
	for _, f := range []string{"party-hint", "migration-id", "databases"} {
		require.Contains(t, md, "Missing fact: `"+f+"`")
	}
	require.Contains(t, md, `-p "${PARTY_HINT:?}" -m "${MIGRATION:?}"`)
	require.NotContains(t, md, "WAY A")
	require.NotContains(t, md, "psql")
}

func TestCantonDumps(t *testing.T) { // archives go to pg_restore, and a reversed pair stops everything
	in := restored("all", "pgdump participant-dump p.dump", "pgdump validator-dump v.dump")
	in.Report.Items[0].Note = "custom format"
	in.Report.Verdicts = []material.Verdict{{Status: material.Fail, ID: pgdump.CheckSpliceOrder, Text: "reversed"}}
	md, _ := check(t, in)
	inOrder(t, md, "STOP: 1 checks failed", "STOP. These dumps are in the wrong order", "psql -U cnadmin validator",
		`pg_restore -U cnadmin -d "participant-${MIGRATION:?}" <`)
	require.Contains(t, md, "Missing fact: `migration-id`")
	require.NotContains(t, md, "party-hint` It was")
	require.NotContains(t, md, "WAY B")
}

func TestSuperValidator(t *testing.T) { // CometBFT's files have places, and its state never goes backwards
	in := restored("all", "canton sv-identities sv.json", "canton sv-operator-key op.json", "canton cometbft-node-key node_key.json",
		"canton cometbft-validator-key priv_validator_key.json", "canton cometbft-validator-state state.json")
	in.Files[4].As = "state.json.ASK-THE-NETWORK-FIRST"
	in.Held = []Held{{"state.json", in.Files[4].As, "older"}}
	in.Report.Verdicts = []material.Verdict{{Status: material.Warn, ID: canton.CheckKMS, Text: "kms"}}
	md, _ := check(t, in)
	inOrder(t, md, "go backwards", "key management service", "operator key", "COMET_HOME", "config/node_key.json", "config/priv_validator_key.json",
		"Do not use `state.json.ASK-THE-NETWORK-FIRST`")
	require.NotContains(t, md, `"${COMET_HOME:?}"/data/priv_validator_state.json`)
	in.Files[4].As, in.Held = "", nil
	md, _ = check(t, in)
	require.Contains(t, md, `"${RESTORED:?}"/state.json "${COMET_HOME:?}"/data/priv_validator_state.json`)
}

func TestAleph(t *testing.T) { // volumes, then the database, then keys with owner and modes, then the start
	in := restored("all", "aleph node-secret k/node-secret.pkcs8.der", "aleph node-public k/node-pub.key", "aleph node-config config.yml",
		"aleph kubo-config ipfs/config", "pgdump aleph-dump a.dump", "pgdump aleph-files files.tar")
	in.Report.IDs = []material.ID{id("aleph", "peer id", "QmX")}
	md, txt := check(t, in)
	for _, out := range []string{md, txt} {
		inOrder(t, out, "two nodes with one key", "same IPv4", "docker ps", "docker compose down", "volumes first", "files.tar",
			`psql -U "${DB_USER:?}" "${DB:?}" < "${RESTORED:?}"/a.dump`, "-m 0700 keys",
			`-o 1000 -g 1000 -m 0600 "${RESTORED:?}"/k/node-secret.pkcs8.der keys/node-secret.pkcs8.der`, "docker compose up -d", "peer id", "QmX")
	}
	require.Equal(t, []string{"aleph.im"}, networkTitles(Markdown(in)))
}

func TestFilecoin(t *testing.T) { // daemon and keys before the miner, both options, the old identity put back, six weeks
	in := restored("all", "filecoin wallet lotus/keystore/O5QWY3DFOQWWA", "filecoin wallet-export w.key", "filecoin libp2p-host miner/keystore/NRUWE4BSOAWWQ33TOQ",
		"filecoin metadata-backup backup.cbor", "filecoin metadata-backup daemon.cbor", "filecoin config miner/config.toml", "filecoin storage miner/storage.json",
		"filecoin config lotus/config.toml")
	in.Report.Items[2].ID, in.Report.Items[3].ID = "12D3KooWabc", "f01000"
	in.Report.IDs = []material.ID{id("filecoin", "miner", "f01000"), id("filecoin", "peer id", "12D3KooWabc")}
	md, txt := check(t, in)
	for _, out := range []string{md, txt} {
		inOrder(t, out, "Never run two miners", "six weeks", "2026-06-12 12:00 UTC", "pgrep", `lotus daemon --restore "${RESTORED:?}"/daemon.cbor`,
			`install -m 0600 "${RESTORED:?}"/lotus/keystore/O5QWY3DFOQWWA`, `"${LOTUS_PATH:?}"/keystore/O5QWY3DFOQWWA`, "lotus sync wait",
			"lotus wallet import", "BEFORE the miner", "lotus-miner init restore", "--config", "--storage-config", "backup.cbor",
			`"${LOTUS_MINER_PATH:?}"/keystore/NRUWE4BSOAWWQ33TOQ`, "lotus-miner run", "set-peer-id 12D3KooWabc", "WindowPoSt", "f01000")
	}
	require.Contains(t, md, `--config "${RESTORED:?}"/miner/config.toml --storage-config "${RESTORED:?}"/miner/storage.json "${RESTORED:?}"/backup.cbor`)

	md, _ = check(t, restored("cold", "filecoin wallet keystore/O5QWY3DFOQWWA"))
	require.NotContains(t, md, "init restore")
}

func TestOthers(t *testing.T) { // dumps of nobody's and unknown files have steps of their own, in separate sections
	in := restored("all", "generic file notes.txt", "pgdump cluster-dump all.sql", "pgdump database-dump x.sql", "newnet thing a")
	in.Accepted = []format.Accepted{{Check: "PGDUMP-COMPLETE", Because: "nothing *else* is left"}}
	in.Report.Verdicts = []material.Verdict{{Status: material.Unknown, ID: "B", Text: "b"}, {Status: material.Fail, ID: "A", Text: "a"}, {Status: material.Pass, ID: "C", Text: "c"}}
	md, txt := check(t, in)
	require.Equal(t, []string{"PostgreSQL", "Other files"}, networkTitles(Markdown(in)))
	inOrder(t, md, "`all.sql`", "0640", "psql -U postgres", "createdb", "Sealed although check `PGDUMP-COMPLETE` failed, because: nothing \\*else\\*", "FAIL `A`: a", "UNKNOWN `B`: b")
	require.Contains(t, txt, "nothing *else* is left")
	require.NotContains(t, txt, "PASS")
	require.NotContains(t, md, "Deadlines")
	require.NotContains(t, md, "Find out first")
}

// TestEveryRole shows that every role of every network has a place or, where nothing
// more is said of it, that no place is left to chance.
func TestEveryRole(t *testing.T) {
	roles := []string{
		aleph.RoleSecret, aleph.RoleOldSecret, aleph.RoleSerialized, aleph.RolePublic, aleph.RoleConfig, aleph.RoleKubo, aleph.RolePeerID,
	}
	roles = prefixed("aleph", roles)
	roles = append(roles, prefixed("canton", []string{canton.RoleIdentities, canton.RoleSVIdentities, canton.RoleNodeIdentities, canton.RoleSnapshot,
		canton.RoleKeyPair, canton.RolePrivateKey, canton.RolePublicKey, canton.RoleOperatorKey, canton.RoleOperatorPublic, canton.RoleCometNode,
		canton.RoleCometValidator, canton.RoleCometState, canton.RoleCometGenesis, canton.RoleCometConfig})...)
	roles = append(roles, prefixed("filecoin", []string{filecoin.RoleWallet, filecoin.RoleExport, filecoin.RoleDefault, filecoin.RolePeer, filecoin.RoleJWT,
		filecoin.RoleToken, filecoin.RoleMetadata, filecoin.RoleConfig, filecoin.RoleStorage, filecoin.RoleStore, filecoin.RoleSector})...)
	roles = append(roles, prefixed("pgdump", []string{pgdump.RoleParticipant, pgdump.RoleApps, pgdump.RoleCanton, pgdump.RoleAleph, pgdump.RoleAlephFiles,
		pgdump.RoleCluster, pgdump.RoleDatabase})...)
	for _, e := range cardano.Plan() {
		roles = append(roles, "cardano "+e.Role+" f")
	}
	roles = append(roles, "generic file f", "cardano mnemonic f")
	for _, r := range roles {
		in := restored("all", r)
		check(t, in)
		b := &book{in: in}
		b.takeFiles()
		require.Len(t, b.plans(), 1)
		require.NotEmpty(t, b.files[0].to.where, r)
	}
}

func prefixed(network string, roles []string) (out []string) {
	for _, r := range roles {
		out = append(out, network+" "+r+" f")
	}
	return out
}

// hostileNames could break out of a shell word, a table, or the screen.
func hostileNames() []string {
	return []string{
		"a b", "a  b", "-rf", "$(reboot)", "`id`", "a';reboot;'", `a"b`, "a|b", "a\nb", "a\x1b[2Jb", "a\x00b"[:1], "# x", "[x](http://e)", "<b>", "~/x", "a*?",
		"\u202egpj.exe", "e\u0301", "日本語.skey", "müller.skey", "\xff\xfe", "!!", `a\b`, strings.Repeat("x", 255), strings.Repeat("ü'", 300), strings.Repeat("日", 300), "",
	}
}

func TestHostileNames(t *testing.T) { // bash reads every name as it is, also where a line of text was broken
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, name := range hostileNames() {
		out, err := exec.Command(bash, "-c", "printf %s "+Quote(name)).Output()
		require.NoError(t, err)
		require.Equal(t, name, string(out))
		var b strings.Builder
		b0 := step("x", cmd("printf %s", append(word{`"${RESTORED:?}"/`}, quoted(name)...), quoted(name)))
		for line := range strings.Lines(string(text(document{blocks: []block{b0}}))) {
			if !strings.HasPrefix(line, "[ ]") {
				b.WriteString(line)
			}
		}
		out, err = exec.Command(bash, "-c", "RESTORED=/r\n"+b.String()).Output()
		require.NoError(t, err)
		require.Equal(t, "/r/"+name+name, string(out))
	}
}

func TestHostileInput(t *testing.T) { // names, labels and facts are neither markup nor commands to a terminal
	for _, name := range hostileNames() {
		in := restored("all", "cardano node.cert x", "filecoin wallet-export x", "generic file x", "canton participant-identities x")
		for i := range in.Files {
			in.Files[i].Name = fmt.Sprint(name, i)
			in.Report.Items[i].Name = in.Files[i].Name
			in.Report.Items[i].Note = name
		}
		in.Label, in.To, in.Role, in.Vault = name, name, name, name
		in.Facts = []format.Fact{{Name: name, Value: name}, {Name: "party-hint", Value: name}}
		in.Accepted = []format.Accepted{{Check: name, Because: name}}
		in.Held = []Held{{name, name, name}}
		in.Report.Verdicts = []material.Verdict{{Status: material.Warn, ID: cardano.CheckKESExpiry, Text: name, Evidence: name}}
		in.Report.IDs = []material.ID{id(name, name, name)}
		m, x := Markdown(in), Text(in)
		markup := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(m), "")
		markup = regexp.MustCompile("`[^`\n]*`").ReplaceAllString(markup, "")
		for _, bad := range []string{"\x1b", "\u202e", `[^\\]\]\(http`, `[^\\]<b>`} {
			require.NotRegexp(t, bad, markup)
		}
		for line := range strings.Lines(string(x)) {
			require.LessOrEqual(t, columns(strings.TrimSuffix(line, "\n")), textWidth, line)
		}
		require.Zero(t, strings.Count(string(m), "```")%2)
		require.Equal(t, []string{"Cardano", "Canton", "Filecoin", "Other files"}, networkTitles(m))
	}
}

func TestScripts(t *testing.T) { // all commands of all runbooks are bash, and none runs with a variable that was not set
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	fence := regexp.MustCompile("(?s)```sh\n(.*?)```")
	safe := regexp.MustCompile(`"\$\{[A-Z_]+:\?\}|\$\(\(\$\{M:\?\} \+ 1\)\)|\$\{MIGRATION:\?\}"|=\$PWD`)
	for _, in := range []Input{
		poolFiles(t, "all"), poolFiles(t, "standby"), poolFiles(t, "cold"),
		restored("all", "cardano kes.skey a", "cardano kes.skey b", "cardano node.cert c", "cardano vrf.skey d"),
		restored("all", "canton participant-identities a", "pgdump participant-dump b", "pgdump validator-dump c", "pgdump validator-dump d"),
		restored("all", "canton cometbft-node-key a", "canton cometbft-validator-state b"),
		restored("all", "aleph node-secret a", "aleph node-config b", "pgdump aleph-dump c"),
		restored("all", "filecoin storage a", "filecoin metadata-backup b", "filecoin metadata-backup c", "filecoin libp2p-host d"),
		restored("all", "pgdump database-dump a", "pgdump cluster-dump b", "generic file c"),
	} {
		blocks := fence.FindAllStringSubmatch(string(Markdown(in)), -1)
		require.Greater(t, len(blocks), 1)
		for _, m := range blocks[1:] {
			out, err := exec.Command(bash, "-n", "-c", m[1]).CombinedOutput()
			require.NoError(t, err, "%s\n%s", m[1], out)
			require.NotContains(t, safe.ReplaceAllString(m[1], ""), "$", m[1])
		}
	}
}

func FuzzRunbook(f *testing.F) { // no name, role or text makes a runbook that is too wide, unprintable or without its file
	for _, name := range hostileNames() {
		f.Add(name, "cardano", "kes.skey", "all", name)
	}
	f.Add("backup.cbor", "filecoin", "metadata-backup", "all", "2026-05-13T13:00:00Z")
	f.Add("a", "canton", "participant-identities", "cold", "x")
	f.Add("a", "generic", "file", "all", "\u202e")
	f.Add("a", "aleph", "node-secret", "standby", "x")
	f.Add("a", "pgdump", "participant-dump", "hot", "x")
	f.Fuzz(func(t *testing.T, name, network, fileRole, role, note string) {
		in := Input{Role: role, Restored: now, To: "/r/" + note, Label: note, Files: []File{{Name: name, Network: network, Role: fileRole, Mode: note}}}
		in.Report.Items = []material.Item{{Name: name, Network: network, Role: fileRole, Note: note, ID: note}}
		in.Report.Verdicts = []material.Verdict{{Status: material.Fail, ID: cardano.CheckKESExpiry, Text: note}}
		in.Held = []Held{{Name: name, As: name, Why: note}}
		check(t, in)
	})
}
