package ceremony

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/ledger"
)

// An id is typed as it is shown.
func TestAMediumIsFoundByItsIDAsItIsShown(t *testing.T) {
	const id = "0abe20df67c738cd"
	l := &ledger.Ledger{}
	created := ledger.VaultCreated{Vault: "e753ejwm", Sets: []ledger.ShareSet{
		{Set: "aaaaaaaa", Compartment: "cold", Threshold: 2, Shares: 3}, {Set: "bbbbbbbb", Compartment: "hot", Threshold: 2, Shares: 3},
	}}
	require.NoError(t, l.Append(time.Now(), created, ledger.Checked{Medium: id, Generation: 1, Result: ledger.Whole}))
	for _, name := range []string{id, MediumLabel(id), "0ABE-20", "0abe-", "0ab"} {
		found, err := findMedium(name, "e753ejwm", l)
		require.NoError(t, err, name)
		require.Equal(t, id, found)
	}
	for _, name := range []string{"-", "0abe-21", "67C7"} {
		_, err := findMedium(name, "e753ejwm", l)
		require.ErrorContains(t, err, "the ledger knows no medium with that id", name)
	}
}
