package filecoin

import (
	"cmp"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

// fixture reads a published file; without the folder the test is skipped.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	shared := cmp.Or(os.Getenv("COLDVAULT_SHARED"), filepath.Join("..", "..", "..", "..", "shared"))
	data, err := os.ReadFile(filepath.Join(shared, "fixtures", "filecoin", name))
	if os.IsNotExist(err) {
		t.Skip("the published files are not here: ", err)
	}
	require.NoError(t, err)
	return data
}

// rows are the columns of a table, without its comments.
func rows(t *testing.T, name string) [][]string {
	t.Helper()
	var out [][]string
	for line := range strings.Lines(string(fixture(t, name))) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, strings.Split(line, "\t"))
		}
	}
	require.NotEmpty(t, out)
	return out
}

func TestPublishedWallets(t *testing.T) { // exports of other implementations give their documented addresses
	for _, row := range rows(t, "wallet-exports.tsv") {
		r := inspect(file("wallet-"+row[1], []byte(row[0]+"\n")))
		require.Equal(t, pass, r.Worst(), r.Verdicts)
		require.Equal(t, row[1], r.Items[0].ID)
		require.Equal(t, []material.ID{{Network: Network, Name: "address", Value: row[1]}}, r.IDs)
	}
}

func TestPublishedDelegatedAddresses(t *testing.T) { // an Ethereum address gives its documented f410f address
	for _, row := range rows(t, "delegated.tsv") {
		ethereum, err := hex.DecodeString(strings.TrimPrefix(row[0], "0x"))
		require.NoError(t, err)
		a, err := parseAddress(row[1])
		require.NoError(t, err)
		require.Equal(t, address{protocolDelegated, string(append([]byte{managerEthereum}, ethereum...))}, a)
		require.Equal(t, row[1], a.String())
	}
}

func TestPublishedKeystoreNames(t *testing.T) { // file names in documentation give their logical names
	for _, row := range rows(t, "keystore-filenames.txt") {
		name, ok := keystoreName("keystore/" + row[0])
		require.True(t, ok, row[1])
		require.Equal(t, row[1], name)
		if a, network, named := namedAddress("keystore/" + row[0]); named {
			require.Equal(t, row[1], nameWallet+string(network)+a.String()[1:])
		}
	}
}

func TestPublishedBackups(t *testing.T) { // one written by Lotus' own code passes, the overwritten one of lotus#7028 fails
	r := inspect(file("backup.cbor", fixture(t, "lotuslib-backup-20-sectors.cbor")))
	require.Equal(t, []material.Status{pass}, status(r, CheckBackup))
	require.Equal(t, []material.Status{pass}, status(r, CheckNextID))
	require.Equal(t, "f01000", r.Items[0].ID)
	require.Contains(t, r.Items[0].Note, "22 records, 20 sectors up to number 19")
	require.Contains(t, r.Items[0].Note, "last number given out 20")

	r = inspect(file("backup.cbor", fixture(t, "lotuslib-backup-overwritten-issue7028.cbor")))
	require.Equal(t, []material.Status{fail}, status(r, CheckBackup))
	require.Contains(t, r.Verdicts[0].Text, "follows after its end")
	require.Empty(t, r.IDs)
}
