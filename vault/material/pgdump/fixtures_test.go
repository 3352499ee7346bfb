package pgdump

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

// published reads files that PostgreSQL's own programs wrote; without the folder the
// test is skipped.
func published(t *testing.T, names ...string) []material.File {
	t.Helper()
	shared := cmp.Or(os.Getenv("COLDVAULT_SHARED"), filepath.Join("..", "..", "..", "..", "shared"))
	var out []material.File
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(shared, "fixtures", "pgdump", name))
		if os.IsNotExist(err) {
			t.Skip("the published files are not here: ", err)
		}
		require.NoError(t, err)
		out = append(out, file(name, data))
	}
	return out
}

func TestPublishedPairs(t *testing.T) { // pairs of dumps by PostgreSQL 15 and 17, with the class that decides
	const (
		participantNamed   = "participant-4-2026-08-31T07:19:25+00:00.dump"
		participantVerbose = "participant-4.verbose.sql"
		validatorNamed     = "validator-2026-08-31T07:26:28+00:00.dump"
		validatorNewYork   = "validator.custom-newyork.dump"
		alice              = "PAR::alice-validatorLocalForValidatorReonboardingIT-1::12207de60272bb85dbdb3bd4c4a6e6728757895a2484666448734db5e86d0c23035f"
	)
	for _, c := range []struct {
		apps, participant, id string
		order                 material.Status
		evidence              string
		schedule              []material.Status
	}{
		{"crv-postgres17-validator.sql", "crv-postgres17-participant.sql", "PAR::participant::postgres17-fixture",
			pass, "class 1: the apps are at offset 63 of migration 0, the participant's ledger ends at 65", nil},
		{validatorNamed, participantNamed, alice, // seven minutes in the wrong order by their names, and yet not ahead
			pass, "class 1: the apps are at offset 3691155 of migration 4, the participant's ledger ends at 3691183", one(warn)},
		{validatorNamed, participantVerbose, alice, pass, "class 1", nil},
		{validatorNewYork, participantVerbose, alice, // the same second, five hours apart on their clocks
			unknown, "18:02:29 local time", nil},
		{validatorNewYork, participantNamed, alice, fail, "class 3", nil},
	} {
		r := inspect(published(t, c.apps, c.participant)...)
		require.Equal(t, RoleApps, r.Items[0].Role)
		require.Equal(t, RoleParticipant, r.Items[1].Role)
		require.Equal(t, []material.Status{pass, pass}, status(r, CheckComplete))
		require.Equal(t, one(c.order), status(r, CheckSpliceOrder), c)
		require.Contains(t, evidence(r, CheckSpliceOrder), c.evidence)
		require.Equal(t, c.schedule, status(r, CheckSpliceSchedule), c)
		require.Equal(t, []material.ID{{Network: Network, Name: "participant", Value: c.id}}, r.IDs)
	}
}

func TestPublishedDumpsCutOff(t *testing.T) { // each of them, without its last tenth
	for _, f := range published(t, "crv-postgres17-participant.sql", "participant-4.verbose.sql", "validator.custom-newyork.dump") {
		r := inspect(file(f.Name, f.Data[:len(f.Data)*9/10]))
		require.Equal(t, one(fail), status(r, CheckComplete), f.Name)
		require.Empty(t, r.IDs)
	}
}
