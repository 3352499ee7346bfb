package canton

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

// fixtures is the folder of third-party Canton files; the test is skipped if it is not
// there.
func fixtures(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("COLDVAULT_SHARED")
	if shared == "" {
		shared = "../../../../shared"
	}
	dir := filepath.Join(shared, "fixtures", "canton")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no shared fixtures")
	}
	return dir
}

// load reads the files below dir whose names begin with one of the prefixes.
func load(t *testing.T, dir string, prefixes ...string) []material.File {
	t.Helper()
	var files []material.File
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			return nil
		}
		data, err := os.ReadFile(path)
		files = append(files, file(name, data))
		return err
	}))
	require.NotEmpty(t, files, dir)
	return files
}

func file(name string, data []byte) material.File {
	return material.File{Name: name, Data: data, Size: int64(len(data)), Mode: 0o400}
}

// said gives the verdicts as "STATUS ID", each once, in order.
func said(r material.Report) []string {
	var lines []string
	for _, v := range r.Verdicts {
		lines = append(lines, string(v.Status)+" "+v.ID)
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func TestPublishedDumps(t *testing.T) { // the dumps of Splice's own tests: one with its keys, one whose keys are in a KMS
	dir := fixtures(t)
	const alice = "PAR::aliceValidator::1220f2934dd8762232a7397c835eeb683e4fb280ec2c62d80cc3aa7ef32dfde258a0"
	r := material.Inspect(load(t, dir, "alice"), Profile{})
	require.Equal(t, RoleIdentities, r.Items[0].Role)
	require.Equal(t, alice, r.Items[0].ID)
	require.Equal(t, material.Cold, r.Items[0].In)
	require.True(t, r.Items[0].Secret)
	require.Contains(t, r.Items[0].Note, "2025-01-14T17:1")
	require.Equal(t, []string{
		"PASS CANTON-KEYS", "PASS CANTON-NAMESPACE-KEY", "PASS CANTON-NAMESPACE-ROOT",
		"PASS CANTON-OWNER-KEYS", "PASS CANTON-OWNER-PROOF", "PASS CANTON-SIGNATURES",
	}, said(r))
	require.Equal(t, []material.ID{
		{Network: Network, Name: "key", Value: "1220050401758f4d6d734c721a5609f07a6ee20cb7b289bfb4ea1026f33da3595ee6"},
		{Network: Network, Name: "key", Value: "1220c1947d040d7f9b0708663e51796b7f587c4b41206fc897ba9f3055f95bdb30f0"},
		{Network: Network, Name: "key", Value: "1220f2934dd8762232a7397c835eeb683e4fb280ec2c62d80cc3aa7ef32dfde258a0"},
		{Network: Network, Name: "participant id", Value: alice},
	}, r.IDs)
	require.Equal(t, r.IDs[3:], r.Identities)
	require.Contains(t, evidence(r, CheckSignatures), "21 transactions, 22 signatures valid, 0 not, 0 that")

	r = material.Inspect(load(t, dir, "sv2-kms"), Profile{})
	require.Equal(t, "PAR::sv2::1220e95ddb59e7798bceeadb305982b3ac567b2ba91ca2b5dab5af56ba50d9b44c53", r.Items[0].ID)
	require.Equal(t, []string{
		"PASS CANTON-NAMESPACE-ROOT", "PASS CANTON-OWNER-PROOF", "PASS CANTON-SIGNATURES",
		"UNKNOWN CANTON-NAMESPACE-KEY", "UNKNOWN CANTON-OWNER-KEYS", "WARN CANTON-KMS",
	}, said(r))
	require.Contains(t, evidence(r, CheckSignatures), "24 transactions, 25 signatures valid, 0 not, 0 that")
}

func evidence(r material.Report, id string) string {
	for _, v := range r.Verdicts {
		if v.ID == id {
			return v.Evidence
		}
	}
	return ""
}

func TestPublishedKeyFiles(t *testing.T) { // the console's key files and the bare halves of a BFT node
	dir := fixtures(t)
	r := material.Inspect(load(t, dir, "docs-keys/"), Profile{})
	require.Len(t, r.Items, 6)
	for _, item := range r.Items {
		require.Equal(t, RoleKeyPair, item.Role, item.Name)
	}
	require.Equal(t, "12200929934059da3e012af672ee8a5d26a7e4b3e5084920be298f791f7619843c78", r.Items[0].ID)
	require.Equal(t, []string{"PASS CANTON-KEYS"}, said(r))

	r = material.Inspect(load(t, dir, "bft-standalone/"), Profile{})
	require.Equal(t, []string{"PASS CANTON-KEY-FILES", "PASS CANTON-KEYS"}, said(r))
	require.Equal(t, "1220a63d079ae76ffba43d4a4be873afeb6ee14eaa2bb01b26a072a07d0cecadd809", r.Items[0].ID)
	require.Equal(t, r.Items[0].ID, r.Items[1].ID)

	files := load(t, dir, "bft-standalone/")
	files[1].Data, files[3].Data = files[3].Data, files[1].Data
	require.Contains(t, said(material.Inspect(files, Profile{})), "FAIL CANTON-KEY-FILES")
}

func TestPublishedCometBFT(t *testing.T) { // two SVs' nodes and their genesis
	r := material.Inspect(load(t, fixtures(t), "cometbft/"), Profile{})
	require.Equal(t, []string{
		"PASS CANTON-COMETBFT-GENESIS", "PASS CANTON-COMETBFT-NODE-KEY", "PASS CANTON-COMETBFT-PEERS",
		"PASS CANTON-COMETBFT-VALIDATOR-KEY", "UNKNOWN CANTON-COMETBFT-NEWEST", "UNKNOWN CANTON-COMETBFT-STATE",
	}, said(r))
	ids := map[string]bool{}
	for _, id := range r.IDs {
		ids[id.Name+" "+id.Value] = true
	}
	for _, want := range []string{
		"CometBFT node id 5af57aa83abcec085c949323ed8538108757be9c",
		"CometBFT validator address 8A931AB5F957B8331BDEF3A0A081BD9F017A777F",
		"CometBFT validator address 799F3BA41AAF40B10D5DCE7AE077EC04EDA15B40",
	} {
		require.True(t, ids[want], want)
	}
	for _, item := range r.Items {
		require.Equal(t, material.Cold|material.Hot, item.In, item.Name)
	}
}

func TestPublishedOperatorKeys(t *testing.T) { // the key pairs in Splice's configurations and documentation
	data, err := os.ReadFile(filepath.Join(fixtures(t), "sv-operator-keys.txt"))
	require.NoError(t, err)
	pairs := map[string][]byte{}
	for line := range bytes.Lines(data) {
		label, rest, _ := bytes.Cut(line, []byte(" "))
		pairs[string(label)] = append(pairs[string(label)], rest...)
	}
	require.Len(t, pairs, 4)
	for label, text := range pairs {
		r := material.Inspect([]material.File{file(label+".txt", text)}, Profile{})
		require.Equal(t, []string{"PASS CANTON-SV-OPERATOR-KEY"}, said(r), label)
		require.Equal(t, RoleOperatorKey, r.Items[0].Role)
	}
	mixed := append(bytes.Split(pairs["sv2"], []byte("\n"))[0], '\n')
	for line := range bytes.Lines(pairs["sv3"]) {
		if bytes.HasPrefix(line, []byte("public")) {
			mixed = append(mixed, line...)
		}
	}
	require.Equal(t, []string{"FAIL CANTON-SV-OPERATOR-KEY"}, said(material.Inspect([]material.File{file("sv.txt", mixed)}, Profile{})))
}
