package cardano

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

// fixtures is the folder of third-party Cardano files; the test is skipped if it is
// not there.
func fixtures(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("COLDVAULT_SHARED")
	if shared == "" {
		shared = "../../../../shared"
	}
	dir := filepath.Join(shared, "fixtures", "cardano")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no shared fixtures")
	}
	return dir
}

// load reads the files below dir, or only those named, as the operator would give
// them.
func load(t *testing.T, dir string, only ...string) []material.File {
	t.Helper()
	var files []material.File
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "ORIGIN.txt" {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		wanted := len(only) == 0
		for _, o := range only {
			wanted = wanted || strings.HasPrefix(name, o)
		}
		if !wanted {
			return nil
		}
		data, err := os.ReadFile(path)
		files = append(files, material.File{Name: name, Data: data, Size: int64(len(data)), Mode: 0o400})
		return err
	}))
	require.NotEmpty(t, files, dir)
	return files
}

// said gives the verdicts of a status, as "ID file".
func said(r material.Report, statuses ...material.Status) []string {
	var out []string
	for _, v := range r.Verdicts {
		for _, s := range statuses {
			if v.Status == s {
				line := v.ID
				if len(v.Files) > 0 {
					line += " " + v.Files[0]
				}
				out = append(out, line)
			}
		}
	}
	return out
}

func count(r material.Report, status material.Status) int { return len(said(r, status)) }

func TestWholeSets(t *testing.T) { // real sets pass every check, with the ids their chain knows them by
	dir := fixtures(t)
	for _, c := range []struct {
		folder string
		passes int
		ids    []string
		open   []string // what is neither PASS nor about the chain
	}{
		{"partner-chains-node2", 28, []string{
			"pool id pool18t3a2f5zvcx3atl7x468jy2grnxfh3ltf6nutwtly2jsxqu86kj",
			"KES key 0d67cc52f41f203f7d5dff8738d713a46a93ab4c00a9d8a163a7339914a6b3d8",
			"VRF key hash 771d4c6125b9dabb6d9136f35b2e82f5404aa4d9a852bb9e5f4f0de8481e68c4",
			"stake address stake_test1uzujgdl3znllulthgwe9lr9dnddqdg23n3zrdcc484lasvgqcyvjf",
		}, nil},
		{"preprod-public/pool-a", 20, []string{
			"pool id pool19ndpnxtjey5wwrzpkc8qvy5ljqh79fcex0a7gz5chtmcznp23c3",
			"metadata hash 79ca064e572feae330ea1d1fbeca75d0c0f15b99a8cdfb7625a8fddc7ea3bb28",
			"operational certificate number 0, from KES period 414",
		}, []string{"CARDANO-LIST-MANDATORY"}},
		{"preprod-public/pool-b", 19, []string{
			"metadata hash a7875e579efaa167ac34d9bf43ee621858d771602aa6ece51c231649836f7bfc",
			"operational certificate number 0, from KES period 503",
		}, []string{"CARDANO-LIST-MANDATORY"}},
		{"wallet-local-cluster", 13, []string{
			"KES key 9dd1c37d46c0dc75d66e29a67f345e566bcc89263db35f1f42f32569c239847a",
		}, []string{"CARDANO-LIST-MANDATORY"}},
		{"yaci-devkit", 19, nil, nil},
		{"yaci-devkit-hot-node", 6, nil, []string{"CARDANO-KEY-PROVEN vrf.skey", "CARDANO-LIST-MANDATORY"}},
		{"hw-cli", 2, []string{"issue counter next number 2"}, []string{"CARDANO-HARDWARE cold.hwsfile", "CARDANO-LIST-MANDATORY"}},
	} {
		t.Run(c.folder, func(t *testing.T) {
			r := material.Inspect(load(t, filepath.Join(dir, c.folder)), Profile{})
			require.Empty(t, said(r, material.Fail))
			var open []string
			for _, line := range said(r, material.Warn, material.Unknown) {
				if !strings.HasPrefix(line, CheckCounterChain) && !strings.HasPrefix(line, CheckKESExpiry) {
					open = append(open, line)
				}
			}
			require.ElementsMatch(t, c.open, open)
			require.Equal(t, c.passes, count(r, material.Pass), said(r, material.Pass))
			var ids []string
			for _, id := range r.IDs {
				ids = append(ids, id.Name+" "+id.Value)
			}
			require.Subset(t, ids, c.ids)
		})
	}
}

func TestPoolsApart(t *testing.T) { // two pools in two folders pass together; exchanging a file between them fails
	dir := filepath.Join(fixtures(t), "preprod-public")
	files := load(t, dir)
	require.Empty(t, said(material.Inspect(files, Profile{}), material.Fail))
	for i, f := range files {
		_, name, _ := strings.Cut(f.Name, "/")
		for j := range i {
			if _, other, _ := strings.Cut(files[j].Name, "/"); other == name {
				files[i].Data, files[j].Data = files[j].Data, files[i].Data
				require.NotEmpty(t, said(material.Inspect(files, Profile{}), material.Fail), name)
				files[i].Data, files[j].Data = files[j].Data, files[i].Data
			}
		}
	}
}

func TestGoldenFiles(t *testing.T) { // every file of cardano-cli's own tests is read; what must be refused is
	dir := filepath.Join(fixtures(t), "cardano-cli-golden")
	refused := map[string]bool{"input/shelley/keys/kes_keys/signing_key": true} // 704 bytes, from before mainnet
	kinds, failed := map[material.Status]int{}, []string{}
	for _, f := range load(t, dir) {
		r := material.Inspect([]material.File{f}, Profile{Part: true})
		text := string(f.Data)
		typed := strings.Contains(text, `"cborHex"`)
		known := typed && !strings.Contains(text, "Tx ") && !strings.Contains(text, "Governance")
		switch item := r.Items[0]; {
		case refused[f.Name]:
			require.Contains(t, said(r, material.Fail), CheckFile+" "+f.Name)
		case known:
			require.Equal(t, Network, item.Network, f.Name)
			require.NotContains(t, []string{roleEnvelope, ""}, item.Role, f.Name)
			require.NotContains(t, said(r, material.Fail), CheckFile+" "+f.Name)
			require.Equal(t, strings.Contains(text, "SigningKey"), item.Secret, f.Name)
		case typed:
			require.Equal(t, roleEnvelope, item.Role, f.Name)
			require.Contains(t, said(r, material.Unknown), CheckKind+" "+f.Name)
		}
		kinds[r.Worst()]++
		if r.Worst() == material.Fail {
			failed = append(failed, said(r, material.Fail)...)
		}
	}
	t.Logf("cardano-cli's files one by one: %v", kinds)
	require.Equal(t, []string{
		CheckOpcertSignature + " input/shelley/certificates/operational_certificate", // of July 2020, signed otherwise
		CheckFile + " input/shelley/keys/kes_keys/signing_key",
	}, failed)
}

func TestGoldenPairs(t *testing.T) { // cardano-cli's key pairs pass folder by folder; its obsolete certificate fails
	dir := filepath.Join(fixtures(t), "cardano-cli-golden")
	for _, folder := range []string{"bls_keys", "extended_payment_keys", "genesis_delegate_keys", "genesis_keys", "genesis_utxo_keys", "payment_keys", "stake_keys", "vrf_keys"} {
		r := material.Inspect(load(t, filepath.Join(dir, "input/shelley/keys", folder)), Profile{Part: true})
		require.Empty(t, said(r, material.Fail, material.Warn), folder)
		if folder != "bls_keys" {
			require.Contains(t, said(r, material.Pass), CheckKeyPair+" signing_key", folder)
		}
	}
	for _, c := range []struct{ check, a, b string }{
		{CheckKeyPair, "input/governance/cc-cold.", ""},
		{CheckKeyPair, "input/governance/cc-hot.", ""},
		{CheckKeyPair, "input/governance/stake-address.", ""},
		{CheckKeyPair, "input/governance/committee/cc.extended.cold.", ""},
		{CheckKeyPair, "input/governance/committee/cc.extended.hot.", ""},
		{CheckKeyPair, "input/governance/drep/extended-key-signing/drep.skey", "golden/governance/drep/drep-extended.vkey.out"},
		{CheckKeyPair, "input/governance/committee/cc.extended.hot.skey", "golden/key/non-extended-keys/non-extended-cc-hot.vkey"},
		{CheckAddressStake, "input/shelley/keys/stake_keys/", ""},
		{CheckKeyHash, "input/shelley/keys/genesis_keys/", ""},
		{CheckCertStake, "input/stake-address-registration.json", "input/shelley/keys/stake_keys/"},
		{CheckCertStake, "golden/governance/stakeaddress/registerAddressDelegateToPool.cert", "input/conway/"},
		{CheckCertPool, "golden/governance/stakeaddress/registerAddressDelegateToPoolAndDrep.cert", "input/conway/"},
		{CheckPoolVRF, "golden/shelley/reg-certificate.json", "input/shelley/node-pool/"},
		{CheckPoolOwner, "golden/shelley/reg-certificate-extended.json", "input/shelley/node-pool/"},
	} {
		only := []string{c.a}
		if c.b != "" {
			only = append(only, c.b)
		}
		r := material.Inspect(load(t, dir, only...), Profile{Part: true})
		require.Empty(t, said(r, material.Fail), c.a)
		passed := strings.Join(said(r, material.Pass), "\n")
		require.Contains(t, passed, c.check, c.a)
	}
	r := material.Inspect(load(t, dir, "input/shelley/certificates/operational_certificate"), Profile{Part: true})
	require.Contains(t, strings.Join(said(r, material.Fail), "\n"), CheckOpcertSignature)
}

func TestLibcardano(t *testing.T) { // values transcribed from another library: bech32 keys, owners, a script-free pool
	data, err := os.ReadFile(filepath.Join(fixtures(t), "libcardano", "constants.json"))
	require.NoError(t, err)
	var c struct {
		Skey      json.RawMessage `json:"skey_envelope"`
		Extended  json.RawMessage `json:"ext_skey_envelope_64_bytes_nonstandard"`
		Counter   json.RawMessage `json:"counter_envelope"`
		Opcert    string          `json:"op_cert_cbor"`
		VkeyText  string          `json:"vkey_bech32"`
		SkeyText  string          `json:"skey_bech32"`
		Pool      string          `json:"pool_bech32"`
		Owner1    string          `json:"owner1"`
		PoolCert  string          `json:"reg_cert_cbor"`
		DeregCert string          `json:"dereg_cert_cbor"`
	}
	require.NoError(t, json.Unmarshal(data, &c))
	files := func(pairs ...string) []material.File {
		var out []material.File
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, file(pairs[i], pairs[i+1]))
		}
		return out
	}
	certificate := func(cbor string) string { return envelopeText("Certificate", cbor) }

	r := material.Inspect(files("a.skey", string(c.Skey), "a.vkey", c.VkeyText, "b.skey", c.SkeyText, "node.cert", envelopeText("NodeOperationalCertificate", c.Opcert)), Profile{Part: true})
	require.Contains(t, said(r, material.Pass), CheckKeyPair+" a.skey")
	require.Contains(t, said(r, material.Pass), CheckKeyPair+" b.skey")

	r = material.Inspect(files("pool.id", c.Pool, "stake.addr", c.Owner1, "pool.cert", certificate(c.PoolCert), "retire.cert", certificate(c.DeregCert)), Profile{Part: true})
	require.Empty(t, said(r, material.Fail))
	require.Contains(t, said(r, material.Pass), CheckPoolID+" pool.id")
	require.Contains(t, said(r, material.Pass), CheckCertPool+" retire.cert")

	r = material.Inspect(files("x.skey", string(c.Extended)), Profile{Part: true})
	require.Contains(t, said(r, material.Fail), CheckFile+" x.skey")
}

func TestVRFVectors(t *testing.T) { // the public keys of cardano-base's VRF vectors are what the seeds make
	dir := filepath.Join(fixtures(t), "vrf-cardano-base")
	vectors := load(t, dir)
	for _, v := range vectors {
		field := map[string]string{}
		for line := range strings.Lines(string(v.Data)) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				field[name] = value
			}
		}
		sk := file("vrf.skey", envelopeText("VrfSigningKey_PraosVRF", "5840"+field["sk"][:64]+field["pk"]))
		pk := file("vrf.vkey", envelopeText("VrfVerificationKey_PraosVRF", "5820"+field["pk"]))
		r := material.Inspect([]material.File{sk, pk}, Profile{Part: true})
		require.Equal(t, []string{CheckKeyWhole + " vrf.skey", CheckKeyPair + " vrf.skey"}, said(r, material.Pass), v.Name)
	}
	require.Len(t, vectors, 14)
}

func TestChains(t *testing.T) { // the dates of KES periods follow from the genesis files of the public networks
	dir := filepath.Join(fixtures(t), "network-genesis")
	const byronSlots, byronSeconds = 21600, 20 // of an epoch, of a slot, on mainnet
	for name, c := range map[string]struct {
		chain Chain
		byron int64 // slots before Shelley, which were 20 seconds long
	}{
		"mainnet": {Mainnet(), 208 * byronSlots},
		"preprod": {Preprod(), 4 * byronSlots},
		"preview": {Preview(), 0},
	} {
		var genesis struct {
			SystemStart       time.Time
			SlotLength        float64
			SlotsPerKESPeriod uint64
			MaxKESEvolutions  uint64
		}
		data, err := os.ReadFile(filepath.Join(dir, name+"-shelley-genesis.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &genesis))
		start := genesis.SystemStart.Add(time.Duration(c.byron*(byronSeconds-1)) * time.Second)
		require.Equal(t, start.UTC(), c.chain.SystemStart, name)
		require.Equal(t, genesis.SlotLength, c.chain.SlotLength.Seconds(), name)
		require.Equal(t, genesis.SlotsPerKESPeriod, c.chain.SlotsPerPeriod, name)
		require.Equal(t, genesis.MaxKESEvolutions, c.chain.MaxEvolutions, name)
	}
}
