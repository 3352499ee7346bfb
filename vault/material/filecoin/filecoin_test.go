package filecoin

import (
	"bytes"
	"encoding/hex"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

const (
	pass    = material.Pass
	fail    = material.Fail
	warn    = material.Warn
	unknown = material.Unknown
)

func TestAddressesOfTheGenerators(t *testing.T) { // the key 1 gives the generator of each curve, whose encodings are published
	one := func(at int) []byte { k := make([]byte, 32); k[at] = 1; return k }
	f3, err := walletAddress(keyInfo{kind: typeBLS, secret: one(0)})
	require.NoError(t, err)
	require.Equal(t, "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb", hex.EncodeToString([]byte(f3.payload)))
	f410, err := walletAddress(keyInfo{kind: typeDelegated, secret: one(31)})
	require.NoError(t, err)
	require.Equal(t, "0a7e5f4552091a69125d5dfcb7b8c2659029395bdf", hex.EncodeToString([]byte(f410.payload)))
	f1, err := walletAddress(keyInfo{kind: typeSecp256k1, secret: one(31)})
	require.NoError(t, err)
	g, _ := hex.DecodeString("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")
	require.Equal(t, string(blake(20, g)), f1.payload)
	for _, a := range []address{f1, f3, f410, {protocolID, varint(1000)}} {
		back, err := parseAddress(a.String())
		require.NoError(t, err)
		require.Equal(t, a, back)
	}
	require.True(t, strings.HasPrefix(f410.String(), "f410f"))
}

func TestKeysOutsideTheirCurveAreRefused(t *testing.T) { // zero, the order itself, a short key: no address
	for _, kind := range []string{typeBLS, typeSecp256k1, typeDelegated} {
		for _, secret := range [][]byte{make([]byte, 32), bytes.Repeat([]byte{0xff}, 32), make([]byte, 31), nil} {
			_, err := walletAddress(keyInfo{kind: kind, secret: secret})
			require.Error(t, err)
		}
	}
}

func TestAllEncodingsGiveTheSameAddress(t *testing.T) { // hex-lotus, json-lotus and gfc-json
	for sigType, kind := range []string{1: typeSecp256k1, 2: typeBLS, 3: typeDelegated} {
		if kind == "" {
			continue
		}
		secret := seed("wallet")
		want, err := walletAddress(keyInfo{kind: kind, secret: secret})
		require.NoError(t, err)
		for encoding, data := range map[encoding][]byte{
			hexLotus: hexOf(keyJSON(kind, secret)), jsonLotus: keyJSON(kind, secret), gfcJSON: gfc(sigType, secret),
		} {
			r := inspect(file("export-"+want.String()+".key", data))
			require.Equal(t, want.String(), r.Items[0].ID)
			require.Equal(t, RoleExport, r.Items[0].Role)
			require.Equal(t, kind+", "+string(encoding), r.Items[0].Note)
			require.True(t, r.Items[0].Secret)
			require.Equal(t, pass, r.Worst())
		}
	}
}

func TestMalformedExports(t *testing.T) { // each is a clear FAIL, or no export at all, and never an address
	good := keyJSON(typeBLS, seed("x"))
	two := bytes.Replace(gfc(1, seed("x")), []byte("}]"), []byte(`},{"PrivateKey":"AA==","SigType":1}]`), 1)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"member twice":    {bytes.Replace(good, []byte("{"), []byte(`{"Type":"bls",`), 1), "members"},
		"one more member": {bytes.Replace(good, []byte("{"), []byte(`{"x":1,`), 1), "members"},
		"no base64":       {[]byte(`{"Type":"bls","PrivateKey":"****"}`), "base64"},
		"base64 bits":     {[]byte(`{"Type":"bls","PrivateKey":"AB=="}`), "base64"},
		"short":           {keyJSON(typeBLS, []byte{1}), "32 bytes"},
		"zero":            {keyJSON(typeBLS, make([]byte, 32)), "order of the curve"},
		"number as key":   {[]byte(`{"Type":"bls","PrivateKey":5}`), "no base64"},
		"number as type":  {[]byte(`{"Type":2,"PrivateKey":"AAAA"}`), "no text"},
		"empty key":       {keyJSON(typeBLS, []byte{}), "no base64"},
		"SigType":         {gfc(7, seed("x")), "SigType"},
		"two keys":        {two, "2 keys"},
	} {
		r := inspect(file("export", c.data))
		require.Equal(t, []material.Status{fail}, status(r, CheckFile), name)
		require.Contains(t, r.Verdicts[0].Text, c.want, name)
		require.Empty(t, r.Items[0].ID, name)
	}
	for _, data := range [][]byte{[]byte("7b"), []byte("{}"), []byte(`{"Type":"other","PrivateKey":"AA=="}`), hexOf(hexOf(good)), hexOf(gfc(1, seed("x")))} {
		require.Equal(t, material.Generic, inspect(file("export", data)).Items[0].Network)
	}
}

func TestCompleteMiner(t *testing.T) { // every file has its role and compartment, and every check that can be computed passes
	r := inspect(miner(t)...)
	roles := map[string]int{}
	for _, item := range r.Items {
		require.Equal(t, Network, item.Network, item.Name)
		require.Equal(t, compartments(item.Role), item.In)
		require.Equal(t, secretRole(item.Role), item.Secret)
		roles[item.Role]++
	}
	require.Equal(t, map[string]int{RoleWallet: 3, RoleDefault: 1, RolePeer: 2, RoleJWT: 2, RoleToken: 2, RoleConfig: 2, RoleStorage: 1, RoleStore: 1, RoleMetadata: 1}, roles)
	for _, v := range r.Verdicts {
		if v.ID != CheckNewest { // only the chain knows
			require.Equal(t, pass, v.Status, v.Text)
		}
	}
	require.Equal(t, []material.Status{unknown}, status(r, CheckNewest))
	require.Equal(t, "f01000", r.Items[len(r.Items)-1].ID)
	require.Len(t, r.IDs, 3+2+1+1) // addresses, peers, storage, miner
	require.Contains(t, r.Items[len(r.Items)-1].Note, "8 sectors up to number 7, the latest made at 2023-11-14 22:13:27 UTC")
}

func TestNothingSecretIsSaid(t *testing.T) { // neither in items nor in verdicts, in no usual encoding
	for _, files := range [][]material.File{miner(t), {file("x", keyJSON(typeBLS, append(seed("owner"), 1)))}} {
		r := inspect(files...)
		var said strings.Builder
		for _, i := range r.Items {
			said.WriteString(i.ID + i.Note + i.Role)
		}
		for _, v := range r.Verdicts {
			said.WriteString(v.Text + v.Evidence)
		}
		for _, label := range []string{"owner", "control", "delegated", "daemon", "miner", "jwt", "jwt of the miner"} {
			require.NotContains(t, said.String(), hex.EncodeToString(seed(label))[:16])
			require.NotContains(t, said.String(), string(keyJSON("", seed(label)))[24:40])
		}
		require.NotContains(t, said.String(), string(makeToken(seed("jwt")))[40:])
	}
}

func TestKeystore(t *testing.T) { // modes, names, the default key and the token
	of := func(change func([]material.File)) material.Report {
		files := node(t)
		change(files)
		return inspect(files...)
	}
	r := of(func(f []material.File) { f[0].Mode = 0o640 })
	require.Equal(t, []material.Status{warn}, status(r, CheckMode))
	r = of(func(f []material.File) { f[0].Name, f[1].Name = f[1].Name, f[0].Name })
	require.Equal(t, []material.Status{fail, fail, pass}, status(r, CheckAddress))
	r = of(func(f []material.File) { f[3].Data = keyJSON(typeBLS, seed("another")) })
	require.Equal(t, []material.Status{fail}, status(r, CheckDefault))
	r = of(func(f []material.File) { f[4].Data = keyJSON(typeBLS, seed("x")) })
	require.Contains(t, status(r, CheckKeystoreName), fail)
	r = of(func(f []material.File) { f[5].Data = keyJSON(typeJWT, seed("another")) })
	require.Equal(t, []material.Status{fail}, status(r, CheckToken))
	r = of(func(f []material.File) { f[6].Data = []byte("ey.not.token") })
	require.Contains(t, status(r, CheckFile), fail)
	r = of(func(f []material.File) { f[0].Data, f[0].Size = nil, 0 })
	require.Contains(t, status(r, CheckFile), fail)
	r = inspect(node(t)[3], node(t)[6])
	require.Equal(t, []material.Status{unknown}, status(r, CheckDefault))
	require.Equal(t, []material.Status{unknown}, status(r, CheckToken))
	r = inspect(stored("lotus", nameJWT, keyJSON(typeJWT, []byte("short"))))
	require.Equal(t, []material.Status{fail}, status(r, CheckFile))
}

func TestTestNetwork(t *testing.T) { // wallets named t… and the default key among them have addresses of that network
	w := wallet(t, "lotus", typeBLS, "owner")
	logical, _ := keystoreName(w.Name)
	r := inspect(stored("lotus", strings.Replace(logical, "wallet-f", "wallet-t", 1), w.Data), stored("lotus", nameDefault, w.Data))
	require.Equal(t, pass, r.Worst())
	require.Len(t, r.IDs, 1)
	require.Equal(t, "t"+logical[len("wallet-f"):], r.IDs[0].Value)
}

func TestLedgerHoldsNoKey(t *testing.T) { // and does not count as a secret
	r := inspect(file("ledger", keyJSON(typeLedger, []byte(`{"Address":"f1…","Path":[1,2]}`))))
	require.Equal(t, []material.Status{unknown}, status(r, CheckLedger))
	require.False(t, r.Items[0].Secret)
}

func TestBackupDamage(t *testing.T) { // truncation, trailing bytes and flips are FAIL with a reason
	good := makeBackup(minerRecords(20))
	flipped := bytes.Clone(good)
	flipped[len(good)/2] ^= 1
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"trailing":        {append(bytes.Clone(good), 0), "follows"},
		"two backups":     {append(bytes.Clone(good), good...), "follows"},
		"empty array":     {[]byte{arrayOf2, arrayOpen, breakByte}, "cut off"},
		"wrong number":    {makeBackup([]record{{"/sectors/1", sectorRecord(2, 1_700_000_000)}}), "is of sector"},
		"no number":       {makeBackup([]record{{"/sectors/x", nil}}), "does not name"},
		"two miners":      {makeBackup([]record{{keyMiner, []byte{0, 1}}, {keyMiner, []byte{0, 2}}}), "two miners"},
		"log cut off":     {makeBackup(nil, record{"/k", nil})[:40], "cut off"},
		"rest after log":  {append(makeBackup(nil, record{"/k", nil}), 1), "log of changes"},
		"head too long":   {append([]byte{arrayOf2, arrayOpen, arrayOf2, 0x5b}, bytes.Repeat([]byte{0x7f}, 20)...), "at most"},
		"not shortest":    {[]byte{arrayOf2, arrayOpen, arrayOf2, 0x58, 1, 'a', 0x40, breakByte}, "shortest"},
		"counter no int":  {makeBackup([]record{{keyNextID, []byte{0x80}}}), "varint"},
		"address garbage": {makeBackup([]record{{keyMiner, []byte{9, 9}}}), "address"},
	} {
		r := inspect(file("b.cbor", c.data))
		require.Equal(t, []material.Status{fail}, status(r, CheckBackup), name)
		require.Contains(t, r.Verdicts[0].Text, c.want, name)
	}
	require.Equal(t, []material.Status{fail}, status(inspect(file("b.cbor", flipped)), CheckBackup))
	for end := 3; end < len(good); end += 7 {
		require.Equal(t, []material.Status{fail}, status(inspect(file("b.cbor", good[:end])), CheckBackup))
	}
}

func TestBackupLog(t *testing.T) { // later changes count: they are restored too
	data := makeBackup(minerRecords(3), record{"/sectors/9", sectorRecord(9, 1_700_000_400)}, record{keyNextID, []byte{9}})
	r := inspect(file("b.cbor", data))
	require.Equal(t, []material.Status{pass}, status(r, CheckBackup))
	require.Equal(t, []material.Status{pass}, status(r, CheckNextID))
	require.Contains(t, r.Items[0].Note, "4 sectors up to number 9")
	require.Contains(t, r.Items[0].Note, "2 later changes")
}

func TestBackupAgainstSectors(t *testing.T) { // a counter behind, sectors it does not know, a later backup
	behind := append(minerRecords(3), record{keyNextID, []byte{1}})
	require.Equal(t, []material.Status{fail}, status(inspect(file("b", makeBackup(behind))), CheckNextID))
	none := []record{{keyMiner, []byte{0, 1}}, {"/sectors/1", sectorRecord(1, 1_700_000_000)}}
	require.Equal(t, []material.Status{fail}, status(inspect(file("b", makeBackup(none))), CheckNextID))

	b := file("b", makeBackup(minerRecords(3)))
	sector := func(name string) material.File { return file("sealed/"+name, []byte("x")) }
	require.Equal(t, []material.Status{pass}, status(inspect(b, sector("s-t01000-2")), CheckNewest))
	require.Equal(t, []material.Status{fail}, status(inspect(b, sector("s-t01000-2"), sector("s-t01000-3/p_aux")), CheckNewest))
	require.Equal(t, []material.Status{unknown}, status(inspect(b, sector("s-t01001-3")), CheckNewest))
	later := file("later", makeBackup(minerRecords(4)))
	require.Equal(t, []material.Status{warn, unknown}, status(inspect(b, later), CheckNewest))
	odd := append(minerRecords(1), record{"/sectors/0", []byte{0xa0}})
	require.Equal(t, []material.Status{unknown}, status(inspect(file("b", makeBackup(odd))), CheckNewest))
	other := append([]record{{keyMiner, []byte{0, 1}}}, minerRecords(2)[1:]...)
	require.Equal(t, []material.Status{warn}, status(inspect(b, file("o", makeBackup(other))), CheckMiner))
}

// endless is a backup whose records never end, made as it is read.
type endless struct {
	head, record []byte
	size, read   int64
}

func (e *endless) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	for n < len(p) && at+int64(n) < e.size {
		var from []byte
		if i := at + int64(n) - int64(len(e.head)); i >= 0 {
			from = e.record[i%int64(len(e.record)):]
		} else {
			from = e.head[at+int64(n):]
		}
		n += copy(p[n:], from[:min(int64(len(from)), e.size-at-int64(n))])
	}
	e.read += int64(n)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func TestLargeBackupInConstantMemory(t *testing.T) { // 64 MB are read once, with buffers of far less
	record := append(append([]byte{arrayOf2}, cborBytes([]byte("/x/y"))...), append([]byte{0x5a, 0, 4, 0, 0}, make([]byte, 1<<18)...)...)
	e := &endless{head: []byte{arrayOf2, arrayOpen}, record: record, size: 64 << 20}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readBackup(e, e.size)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, errTruncated)
	require.Equal(t, e.size, e.read)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	item, sure := Profile{}.Recognise(material.File{Name: "b", Large: e, Size: e.size})
	require.Equal(t, material.ByContent, sure)
	require.Equal(t, RoleMetadata, item.Role)
}

func TestStorage(t *testing.T) { // paths without their sectorstore.json, IDs that are there twice
	two := file("m/storage.json", []byte(`{"StoragePaths":[{"Path":"/a"},{"Path":"/b"}]}`))
	require.Equal(t, []material.Status{warn}, status(inspect(two, file("a/sectorstore.json", storeJSON(storeID))), CheckStorage))
	r := inspect(two, file("a/sectorstore.json", storeJSON(storeID)), file("b/sectorstore.json", storeJSON(storeID)))
	require.Equal(t, []material.Status{pass}, status(r, CheckStorage))
	require.Equal(t, []material.Status{fail}, status(r, CheckStoreID))
	for _, bad := range []material.File{
		file("storage.json", []byte(`{"StoragePaths":5}`)), file("storage.json", []byte(`{"StoragePaths":[{"Path":""}]}`)),
		file("sectorstore.json", storeJSON("x")), file("sectorstore.json", []byte("{}")), file("lotus/storage.json", []byte("404")),
		file("sectorstore.json", []byte(`{"ID":"0","CanSeal":1,"CanStore":2}`)),
	} {
		require.Equal(t, []material.Status{fail}, status(inspect(bad), CheckFile), bad.Name)
	}
}

func TestMissingPartsAreNamed(t *testing.T) { // a miner's set without one kind of file
	files := miner(t)
	for at, want := range map[int]string{14: "metadata", 12: "storage.json", 13: "sectorstore.json", 8: "libp2p-host", 9: "auth-jwt-private"} {
		less := append(append([]material.File{}, files[:at]...), files[at+1:]...)
		r := inspect(less...)
		require.Equal(t, []material.Status{warn}, status(r, CheckMandatory))
		require.Contains(t, r.Verdicts[len(r.Verdicts)-1].Text, want)
	}
	require.Empty(t, status(inspect(node(t)...), CheckMandatory)) // a node without a miner needs none of it
	text := inspect(files[14]).Verdicts
	require.Contains(t, text[len(text)-1].Text, "wallets of owner, worker and control")
	require.Contains(t, text[len(text)-1].Text, "config.toml")
}

func TestForeignFilesAreLeft(t *testing.T) { // other networks' files, pages and noise are not claimed
	for name, data := range map[string]string{
		"config.toml": "[p2p]\nladdr = \"tcp://0.0.0.0:26656\"\n", "token": "404 page not found", "storage.json": `{"a":1}`,
		"page": "<html>", "a.json": `{"type":"PaymentSigningKeyShelley_ed25519","cborHex":"5820"}`, "DEFAULT": "x", "empty": "",
	} {
		require.Equal(t, material.Generic, inspect(file(name, []byte(data))).Items[0].Network, name)
	}
}
