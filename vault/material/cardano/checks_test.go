package cardano

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/format/bech32"
	"coldvault/vault/material"
	"coldvault/vault/material/cardano/samplepool"
)

func file(name, text string) material.File {
	return material.File{Name: name, Data: []byte(text), Size: int64(len(text)), Mode: 0o400}
}

func envelopeText(kind, cbor string) string {
	return fmt.Sprintf(`{"type": %q, "description": "", "cborHex": %q}`, kind, cbor)
}

// newPool makes the files of a pool, in order of their names.
func newPool(t *testing.T, options samplepool.Options) []material.File {
	t.Helper()
	made, err := samplepool.New(rand.Reader, options)
	require.NoError(t, err)
	var files []material.File
	for name, data := range made {
		files = append(files, file(name, string(data)))
	}
	slices.SortFunc(files, func(a, b material.File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// find gives the file of that name.
func find(t *testing.T, files []material.File, name string) *material.File {
	t.Helper()
	i := slices.IndexFunc(files, func(f material.File) bool { return f.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return &files[i]
}

// verdict gives the status of the first verdict of that check, "" if there is none.
func verdict(r material.Report, check string) material.Status {
	for _, v := range r.Verdicts {
		if v.ID == check {
			return v.Status
		}
	}
	return ""
}

// cborHex gives the payload of a file.
func cborHex(t *testing.T, f *material.File) string {
	t.Helper()
	e, err := parseEnvelope(f.Data)
	require.NoError(t, err)
	return string(e["cborHex"])
}

func TestCounter(t *testing.T) { // the counter is one ahead of the newest certificate, or it is said how not
	files := newPool(t, samplepool.Options{Number: 5})
	counter := find(t, files, "cold.counter")
	cold := cborHex(t, find(t, files, "cold.vkey"))
	for number, want := range map[string]material.Status{
		"06": material.Pass, "c24106": material.Pass, "05": material.Warn, "07": material.Warn, "1818": material.Warn,
		"04": material.Fail, "00": material.Fail,
	} {
		counter.Data = []byte(envelopeText("NodeOperationalCertificateIssueCounter", "82"+number+cold))
		require.Equal(t, want, verdict(material.Inspect(files, Profile{}), CheckCounterNumber), number)
	}
	for _, number := range []string{"1805", "c240", "c24105ff", "c2490102030405060708ff", "20", "f6"} {
		counter.Data = []byte(envelopeText("NodeOperationalCertificateIssueCounter", "82"+number+cold))
		require.Equal(t, material.Fail, verdict(material.Inspect(files, Profile{}), CheckFile), number)
	}
}

func TestGenerations(t *testing.T) { // with several KES keys and certificates the newest counts, and old keys may be gone
	seed := bytes.Repeat([]byte{5}, 32)
	pool := func(number uint64, kes byte) map[string][]byte {
		random := slices.Concat(seed, bytes.Repeat([]byte{kes}, 32), seed, seed, seed)
		made, err := samplepool.New(bytes.NewReader(random), samplepool.Options{Number: number})
		require.NoError(t, err)
		return made
	}
	var files []material.File
	for n := range 3 {
		made := pool(uint64(n), byte(n))
		for from, to := range map[string]string{"kes.skey": "P.kes-00%d.skey", "kes.vkey": "P.kes-00%d.vkey", "node.cert": "P.node-00%d.opcert"} {
			files = append(files, file(fmt.Sprintf(to, n), string(made[from])))
		}
		if n == 2 {
			files = append(files, file("P.node.vkey", string(made["cold.vkey"])), file("P.node.counter", string(made["cold.counter"])),
				file("P.kes.counter", "002\n"))
		}
	}
	r := material.Inspect(files, Profile{Part: true})
	require.Empty(t, said(r, material.Fail, material.Warn))
	require.Equal(t, material.Pass, verdict(r, CheckCounterNumber))

	old := slices.DeleteFunc(slices.Clone(files), func(f material.File) bool { return strings.HasPrefix(f.Name, "P.kes-000") })
	require.Empty(t, said(material.Inspect(old, Profile{Part: true}), material.Fail, material.Warn))

	lost := slices.DeleteFunc(slices.Clone(files), func(f material.File) bool { return strings.HasPrefix(f.Name, "P.kes-002") })
	require.Contains(t, said(material.Inspect(lost, Profile{Part: true}), material.Fail), CheckOpcertKES+" P.node-002.opcert")

	unused := slices.DeleteFunc(slices.Clone(files), func(f material.File) bool { return f.Name == "P.node-001.opcert" })
	require.Contains(t, said(material.Inspect(unused, Profile{Part: true}), material.Warn), CheckKESUsed+" P.kes-001.skey")

	fork := append(slices.Clone(files), file("P.other.opcert", string(pool(2, 9)["node.cert"])))
	require.Contains(t, said(material.Inspect(fork, Profile{Part: true}), material.Warn), CheckOpcertNumber+" P.other.opcert")
}

func TestKESLengths(t *testing.T) { // the lengths of other times and tools are refused, and so is a damaged key
	files := newPool(t, samplepool.Options{})
	key := find(t, files, "kes.skey")
	good := cborHex(t, key)
	for cbor, want := range map[string]string{
		"590264" + good[6:] + "00000000":     "612 bytes",
		"5902c0" + strings.Repeat("00", 704): "704 bytes",
		good[:len(good)-2] + "00":            "level 6",
		good + "00":                          "bytes too many",
		good[:len(good)-2]:                   "CBOR",
		good[:len(good)-1]:                   "hex",
	} {
		if cbor == good {
			continue
		}
		key.Data = []byte(envelopeText("KesSigningKey_ed25519_kes_2^6", cbor))
		r := material.Inspect(files, Profile{})
		i := slices.IndexFunc(r.Verdicts, func(v material.Verdict) bool { return v.ID == CheckFile })
		require.GreaterOrEqual(t, i, 0, want)
		require.Equal(t, material.Fail, r.Verdicts[i].Status)
		require.Contains(t, r.Verdicts[i].Text, want)
	}
}

func TestExpiryOfUnknownNetworks(t *testing.T) { // where the network is not known, only what holds on all is said
	files := newPool(t, samplepool.Options{Period: 414})
	preprod, _ := Preprod().Expiry(414)
	preview, _ := Preview().Expiry(414)
	require.True(t, preprod.Before(preview))
	for now, want := range map[time.Time]material.Status{
		{}:                        material.Unknown,
		preprod.Add(time.Hour):    material.Unknown,
		preview.Add(time.Hour):    material.Warn,
		preprod.AddDate(-1, 0, 0): material.Warn,
	} {
		require.Equal(t, want, verdict(material.Inspect(files, Profile{Now: now}), CheckKESExpiry), now)
	}
}

func TestMixedNetworks(t *testing.T) { // an address of another network fails, whatever else it proves
	files, other := newPool(t, samplepool.Options{}), newPool(t, samplepool.Options{Mainnet: true})
	require.Equal(t, material.Pass, verdict(material.Inspect(files, Profile{}), CheckNetwork))
	files = append(files, *find(t, other, "stake.addr"))
	require.Equal(t, material.Fail, verdict(material.Inspect(files, Profile{}), CheckNetwork))
}

func TestOpaque(t *testing.T) { // what cannot be opened here is UNKNOWN, keeps its role and compartment, and is a secret
	for _, c := range []struct {
		file material.File
		role string
		in   material.Compartments
	}{
		{file("P.node.skey", `{"type": "StakePoolSigningKey_ed25519", "description": "Encrypted Stake Pool Operator Signing Key", "encrHex": "8c0d"}`), RoleNodeSecret, material.Cold},
		{file("P.vrf.skey", `{"type": "VrfSigningKey_PraosVRF", "description": "Encrypted", "encrHex": "8c0d"}`), RoleVRFSecret, material.Hot},
		{file("priv/pool/X/cold.skey.gpg", "\x8c\x0d"), RoleNodeSecret, material.Cold},
		{file("priv/pool/X/hot.skey.gpg", "\x8c\x0d"), RoleKESSecret, material.Hot},
		{file("O.payment.mnemonics", "one two three"), roleMnemonic, material.Cold},
	} {
		r := material.Inspect([]material.File{c.file}, Profile{Part: true})
		require.Equal(t, []string{CheckOpaque + " " + c.file.Name}, said(r, material.Unknown))
		require.Empty(t, said(r, material.Pass, material.Fail))
		require.Equal(t, c.role, r.Items[0].Role)
		require.Equal(t, c.in, r.Items[0].In)
		require.True(t, r.Items[0].Secret)
	}
}

func TestNotWhatItsNameSays(t *testing.T) { // an error page, an empty or a far too large file under a key's name fails
	for name, f := range map[string]material.File{
		"page":  file("kes.skey", "<html><body>404 Not Found</body></html>"),
		"json":  file("cold.counter", `{"error": "not found"}`),
		"empty": file("node.cert", ""),
		"large": {Name: "vrf.skey", Size: 5 << 30, Large: bytes.NewReader(nil)},
		"hash":  file("poolMetaDataHash.txt", "no hash"),
		"addr":  file("payment.addr", "addr1qqqq"),
		"twice": file("cold.skey", `{"type": "StakePoolSigningKey_ed25519", "type": "StakePoolSigningKey_ed25519", "description": "", "cborHex": "5820"}`),
	} {
		r := material.Inspect([]material.File{f}, Profile{Part: true})
		require.Equal(t, Network, r.Items[0].Network, name)
		require.Equal(t, []string{CheckFile + " " + f.Name}, said(r, material.Fail), name)
	}
}

func TestDamagedUnderAnyName(t *testing.T) { // damage is found where neither the name nor the content says enough
	for _, f := range newPool(t, samplepool.Options{}) {
		switch f.Name {
		case "topology.json", "node.env", "poolMetaData.json", "poolMetaDataHash.txt", "poolMetaDataUrl.txt":
			continue
		}
		f.Name = "unusual"
		for _, data := range [][]byte{
			f.Data[:len(f.Data)*2/3], f.Data[:len(f.Data)-4],
			bytes.Replace(f.Data, []byte("{"), []byte("z"), 1), bytes.Replace(f.Data, []byte(`"type"`), []byte(`"tape"`), 1),
		} {
			if !bytes.Equal(data, f.Data) {
				f := f
				f.Data = data
				r := material.Inspect([]material.File{f}, Profile{Part: true})
				require.Equal(t, []string{CheckFile + " unusual"}, said(r, material.Fail), string(data))
			}
		}
	}
	nested := file("x.json", `{"result": {"type": "CertificateConway", "cborHex": "80"}}`)
	require.Equal(t, material.Generic, material.Inspect([]material.File{nested}, Profile{}).Items[0].Network)
}

func TestCredentials(t *testing.T) { // scripts, foreign owners and unknown layouts are told apart from contradictions
	files := newPool(t, samplepool.Options{})
	stake := find(t, files, "stake.cert")
	cbor := cborHex(t, stake)
	at := strings.Index(cbor, "8200581c")

	stake.Data = []byte(envelopeText("CertificateConway", cbor[:at]+"8201"+cbor[at+4:]))
	require.Contains(t, said(material.Inspect(files, Profile{}), material.Unknown), CheckCertStake+" stake.cert")

	stake.Data = []byte(envelopeText("CertificateConway", "8407"+cbor[at:]+"00")) // one field more
	require.Contains(t, said(material.Inspect(files, Profile{}), material.Unknown), CheckKind+" stake.cert")

	stake.Data = []byte(envelopeText("CertificateConway", "831863"+cbor[at:])) // a tag of the future
	require.Contains(t, said(material.Inspect(files, Profile{}), material.Unknown), CheckKind+" stake.cert")

	stake.Data = []byte(envelopeText("CertificateConway", cbor[:len(cbor)-2])) // cut off
	require.Contains(t, said(material.Inspect(files, Profile{}), material.Fail), CheckFile+" stake.cert")
}

func TestOwners(t *testing.T) { // one owner of several must be held; rewards may go elsewhere
	files := newPool(t, samplepool.Options{})
	cert := find(t, files, "pool.cert")
	cbor := cborHex(t, cert)
	at := strings.Index(cbor, "d9010281581c")
	require.Positive(t, at)
	foreign := "581c" + strings.Repeat("ab", 28)
	two := cbor[:at] + "9f" + cbor[at+8:at+8+60] + foreign + "ff" + cbor[at+8+60:] // indefinite, as the ledger writes long lists
	cert.Data = []byte(envelopeText("CertificateConway", two))
	r := material.Inspect(files, Profile{})
	require.Equal(t, material.Warn, verdict(r, CheckPoolOwner))
	require.Equal(t, material.Pass, verdict(r, CheckPoolReward))

	reward := cbor[:at-56] + strings.Repeat("cd", 28) + cbor[at:]
	cert.Data = []byte(envelopeText("CertificateConway", reward))
	r = material.Inspect(files, Profile{})
	require.Equal(t, material.Pass, verdict(r, CheckPoolOwner))
	require.Equal(t, material.Warn, verdict(r, CheckPoolReward))
}

func TestExtendedKeys(t *testing.T) { // extended keys fit a short or a long verification key, and only their own
	secret := strings.Repeat("58", 64)
	pub := fmt.Sprintf("%x", extendedPublicKey(bytes.Repeat([]byte{0x58}, 32)))
	chain, other := strings.Repeat("11", 32), strings.Repeat("22", 32)
	skey := file("a.skey", envelopeText("StakePoolExtendedSigningKey_ed25519_bip32", "5880"+secret+pub+chain))
	for vkey, want := range map[string]material.Status{
		envelopeText("StakePoolVerificationKey_ed25519", "5820"+pub):                       material.Pass,
		envelopeText("StakePoolExtendedVerificationKey_ed25519_bip32", "5840"+pub+chain):   material.Pass,
		envelopeText("StakePoolExtendedVerificationKey_ed25519_bip32", "5840"+pub+other):   material.Fail,
		envelopeText("StakePoolExtendedVerificationKey_ed25519_bip32", "5840"+chain+chain): material.Fail,
	} {
		r := material.Inspect([]material.File{skey, file("a.vkey", vkey)}, Profile{Part: true})
		require.Equal(t, want, verdict(r, CheckKeyPair), vkey)
	}
	text, err := bech32.Encode("pool_xsk", slices.Concat(bytes.Repeat([]byte{0x58}, 64), bytes.Repeat([]byte{0x11}, 32)))
	require.NoError(t, err)
	r := material.Inspect([]material.File{file("a.skey", string(text)), file("a.vkey", envelopeText("StakePoolVerificationKey_ed25519", "5820"+pub))}, Profile{Part: true})
	require.Equal(t, material.Pass, verdict(r, CheckKeyPair))
}

func TestPlan(t *testing.T) { // all 21 entries have a role of their own, and each missing one is named
	require.Len(t, Plan(), 21)
	files := newPool(t, samplepool.Options{})
	snapshot := material.File{Name: "db-snapshot.tar.zst", Size: 200 << 30, Large: bytes.NewReader(nil)}
	files = append(files, snapshot)
	r := material.Inspect(files, Profile{})
	require.Equal(t, material.Pass, verdict(r, CheckListMandatory))
	require.Empty(t, verdict(r, CheckListDerivable))
	role := map[string]string{}
	for _, item := range r.Items {
		role[item.Name] = item.Role
	}
	for _, entry := range Plan() {
		rest := slices.DeleteFunc(slices.Clone(files), func(f material.File) bool { return role[f.Name] == entry.Role })
		require.Len(t, rest, len(files)-1, entry.Title)
		r := material.Inspect(rest, Profile{})
		named := slices.ContainsFunc(r.Verdicts, func(v material.Verdict) bool {
			return strings.HasPrefix(v.ID, "CARDANO-LIST-") && strings.Contains(v.Text, entry.Title)
		})
		require.True(t, named, entry.Title)
		want := material.Pass
		if entry.Again == "" {
			want = material.Warn
		}
		require.Equal(t, want, verdict(r, CheckListMandatory), entry.Title)
		require.Empty(t, said(material.Inspect(rest, Profile{Part: true}), material.Warn), entry.Title)
	}
}

func TestCompartmentsOfRoles(t *testing.T) { // what a block producer is started with is hot, and no owner's key is
	hot, both := []string{}, []string{}
	for _, item := range material.Inspect(newPool(t, samplepool.Options{}), Profile{}).Items {
		switch item.In {
		case material.Hot:
			hot = append(hot, item.Name)
		case material.Cold | material.Hot:
			both = append(both, item.Name)
		}
	}
	require.Equal(t, []string{"kes.skey", "kes.vkey", "node.cert", "node.env", "topology.json", "vrf.skey"}, hot)
	require.Equal(t, []string{"vrf.vkey"}, both)
}

func TestModes(t *testing.T) { // signing keys that others can read are named; a medium without modes is not blamed
	files := newPool(t, samplepool.Options{})
	require.Empty(t, verdict(material.Inspect(files, Profile{}), CheckMode))
	for i := range files {
		files[i].Mode = 0o644
	}
	require.Equal(t, material.Warn, verdict(material.Inspect(files, Profile{}), CheckMode))
	for i := range files {
		files[i].Mode = 0
	}
	require.Empty(t, verdict(material.Inspect(files, Profile{}), CheckMode))
}

func TestGlobs(t *testing.T) { // a glob that is not well-formed would match nothing, silently
	for _, names := range roleNames() {
		for _, glob := range names[1:] {
			_, err := path.Match(glob, "x")
			require.NoError(t, err, glob)
			require.Equal(t, strings.ToLower(glob), glob)
		}
	}
}

func TestNames(t *testing.T) { // files without a type get the role their tool's name gives them
	for name, want := range map[string]string{
		"cold-keys/node.skey": RoleNodeSecret, "priv/pool/X/cold.skey": RoleNodeSecret, "P.node.skey": RoleNodeSecret,
		"priv/pool/X/hot.vkey": RoleKESPublic, "P.kes-012.skey": RoleKESSecret, "P.kes.counter": roleKESNote, "kes.start": roleKESNote,
		"P.kes-expire.json": roleKESNote, "op.cert": RoleOpcert, "P.node-012.opcert": RoleOpcert, "opcert.cert": RoleOpcert,
		"node.counter": RoleCounter, "P.node.counter": RoleCounter, "O.staking.cert": RoleStakeCert, "deleg.cert": RoleDelegationCert,
		"O.deleg.cert": RoleDelegationCert, "delegation.cert": RoleDelegationCert, "pool-registration.cert": RolePoolCert, "P.pool.cert": RolePoolCert,
		"base.addr": RolePaymentAddress, "reward.addr": RoleStakeAddress, "O.staking.addr": RoleStakeAddress, "md.json": RoleMetadata,
		"poolmeta.json": RoleMetadata, "P.metadata.json": RoleMetadata, "poolMetaData.json": RoleMetadata, "poolMetaDataHash.txt": RoleMetadataHash,
		"MetadataUrl": RoleMetadataURL, "stakepoolid.txt": RolePoolID, "pool.id": RolePoolID, "pool.id-bech32": RolePoolID, "P.pool.id-bech": RolePoolID,
		"cc-cold.skey": "cc-cold.skey", "drep.skey": "drep.skey", "calidus.skey": "other.skey", "mainnet-topology.json": RoleTopology,
		"Node.opcert.counter": RoleCounter, "Node.opcert": RoleOpcert, "Stake.address": RoleStakeAddress, "Payment.address": RolePaymentAddress,
		"Pool.registration.cert": RolePoolCert, "notes.txt": "", "metadata": "", "server.cert": "",
	} {
		role, _ := roleByName(name)
		require.Equal(t, want, role, name)
	}
}

func TestNothingSecretIsSaid(t *testing.T) { // no private byte is in items, verdicts, ids or errors, whole or damaged
	files := newPool(t, samplepool.Options{})
	for _, damage := range []bool{false, true} {
		var secrets []string
		for i, f := range files {
			if !strings.HasSuffix(f.Name, ".skey") {
				continue
			}
			text := cborHex(t, &files[i])
			secrets = append(secrets, text[len(text)-64:len(text)-48], text[8:24])
			if damage {
				files[i].Data = bytes.Replace(f.Data, []byte(text), []byte("58"+text[2:]+"0"), 1)
			}
		}
		report := fmt.Sprintf("%+v", material.Inspect(files, Profile{}))
		for _, s := range secrets {
			if vrf := cborHex(t, find(t, files, "vrf.skey")); !damage && strings.Contains(vrf[4+64:], s) {
				continue // the second half of a VRF key is public
			}
			require.NotContains(t, report, s)
		}
	}
}
