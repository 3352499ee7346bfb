package ceremony

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// Every role that can be drilled can be recorded.
func TestTheLedgerKnowsEveryRole(t *testing.T) {
	sets := []ledger.ShareSet{}
	for i, name := range format.Compartments() {
		sets = append(sets, ledger.ShareSet{Set: "0000000" + string(rune('0'+i)), Compartment: name, Threshold: 2, Shares: 3})
	}
	for _, r := range roles() {
		l := &ledger.Ledger{}
		require.NoError(t, l.Append(time.Now(), ledger.VaultCreated{Vault: "nq7jjba4", Sets: sets}))
		require.NoError(t, l.Append(time.Now(), ledger.Drilled{Role: r.name, Generation: 1, Restored: true}), r.name)
		for _, c := range ledger.Compute(l, time.Now()).Compartments {
			covered := r.name != "archive" && slices.Contains(r.compartments, c.Name)
			require.Equal(t, covered, !c.LastDrill.IsZero(), "%s, %s", r.name, c.Name)
		}
	}
}
