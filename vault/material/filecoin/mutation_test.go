package filecoin

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

// detected says whether a changed file is noticed: a check fails, the file is no
// longer known, or an ID is another one than before.
func detected(before, after material.Report) bool {
	if after.Items[0].Network != Network || after.Items[0].Role != before.Items[0].Role || after.Items[0].ID != before.Items[0].ID {
		return true
	}
	for _, v := range after.Verdicts {
		if v.Status == fail {
			return true
		}
	}
	return len(after.Verdicts) != len(before.Verdicts)
}

// companions are the files that a file is checked against: a default key's wallet, a
// token's secret.
func companions(files []material.File, at int) []material.File {
	var roles []string
	switch item, _ := (Profile{}).Recognise(files[at]); item.Role {
	case RoleDefault:
		return []material.File{files[at], files[0]}
	case RoleJWT, RoleToken:
		roles = []string{RoleJWT, RoleToken}
	}
	out := []material.File{files[at]}
	for i, f := range files {
		item, _ := Profile{}.Recognise(f)
		if i != at && slices.Contains(roles, item.Role) && repo(f.Name) == repo(files[at].Name) {
			out = append(out, f)
		}
	}
	return out
}

func TestEverySingleBitOfAMiner(t *testing.T) { // flips are found by a check; only what no check can prove is left to the digest
	files := miner(t)
	total, byDigest := 0, 0
	for at := range files {
		own := companions(files, at)
		own[0].Data = bytes.Clone(own[0].Data)
		data, before := own[0].Data, inspect(own...)
		require.False(t, detected(before, inspect(own...)))
		checked, digest := 0, 0
		for i := range data {
			for bit := range 8 {
				data[i] ^= 1 << bit
				if detected(before, inspect(own...)) {
					checked++
				} else {
					digest++
				}
				data[i] ^= 1 << bit
			}
		}
		t.Logf("%-17s %6d flips, %6d found by a check, %4d by the digest alone", before.Items[0].Role, checked+digest, checked, digest)
		total, byDigest = total+checked+digest, byDigest+digest
		switch before.Items[0].Role {
		case RoleConfig, RoleStorage, RoleStore: // settings that nothing contradicts
		default:
			require.Zero(t, digest, own[0].Name)
		}
	}
	t.Logf("all: %d flips, %d found by a check, %d by the digest alone", total, total-byDigest, byDigest)
}

func TestFilesOfAnotherNode(t *testing.T) { // a secret, a token or a default key of another node is found
	files := miner(t)
	swap := func(a, b int) material.Report {
		mixed := slices.Clone(files)
		mixed[a].Data, mixed[b].Data = files[b].Data, files[a].Data
		return inspect(mixed...)
	}
	require.Contains(t, status(swap(5, 9), CheckToken), fail)
	require.Contains(t, status(swap(6, 10), CheckToken), fail)
	require.Contains(t, status(swap(0, 1), CheckAddress), fail)
	require.Contains(t, status(swap(1, 3), CheckDefault), fail)
}
