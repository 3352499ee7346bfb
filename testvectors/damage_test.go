package testvectors

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/vault"
)

// A vector of damage/ is a golden vault with a change, and what a restore of the newest generation then comes to. The body
// is the change, one operation a line, with paths below the folder of the golden vault:
//
//	xor FILE OFFSET HEX   cut FILE SIZE   remove FILE   copy FROM TO   swap FILE FILE   move FOLDER FOLDER
const damageFolder = "damage"

// Breaks G27.
func TestDamagedGoldenVaults(t *testing.T) {
	// A changed medium is repaired or refused, each change in its class, and check reports what it can see.
	for name, g := range readGoldens(t) {
		folder := filepath.Join(vaultsFolder, name, damageFolder)
		if *update {
			writeMissing(t, folder, makeDamageVectors(selectFrom(t, g.medium()).Identity.Vault.ID, g.plantedID(t)))
		}
		vectors := readVectors(t, folder)
		require.Equal(t, []string{"bundle", "check only", "contents", "identity", "incomplete", "key", "manifest", "repaired"}, classes(vectors))
		for damage, v := range vectors {
			t.Run(name+"/"+damage, func(t *testing.T) {
				damaged := &goldenVault{files: maps.Clone(g.files), expected: g.expected, cards: g.cards}
				for line := range strings.Lines(v.body) {
					damaged.apply(t, strings.Fields(line))
				}
				require.NotEqual(t, g.medium(), damaged.medium())
				found, err := vault.OpenMedia(damaged.medium())
				require.NoError(t, err)
				reported := vault.Check(found[0], vault.CheckOptions{}).Damaged()
				class, why := damaged.restore(t, found)
				require.Equal(t, v.get("expect"), class, "%v", why)
				// What is inside a bundle, its signed manifest says nothing about.
				require.Equal(t, class != "contents" && class != "key", reported)
			})
		}
	}
}

// apply carries out one operation.
func (g *goldenVault) apply(t *testing.T, op []string) {
	t.Helper()
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	require.GreaterOrEqual(t, len(op), 2)
	if op[0] != "move" {
		require.Contains(t, g.files, op[1])
	}
	switch op[0] {
	case "xor":
		mask, err := hex.DecodeString(op[3])
		require.NoError(t, err)
		data, offset := bytes.Clone(g.files[op[1]]), number(op[2])
		for i, m := range mask {
			data[offset+i] ^= m
		}
		g.files[op[1]] = data
	case "cut":
		g.files[op[1]] = g.files[op[1]][:number(op[2])]
	case "remove":
		delete(g.files, op[1])
	case "copy":
		g.files[op[2]] = g.files[op[1]]
	case "swap":
		require.Contains(t, g.files, op[2])
		g.files[op[1]], g.files[op[2]] = g.files[op[2]], g.files[op[1]]
	case "move":
		for name, data := range maps.Clone(g.files) {
			if rest, ok := strings.CutPrefix(name, op[1]+"/"); ok {
				delete(g.files, name)
				g.files[op[2]+"/"+rest] = data
			}
		}
	default:
		t.Fatalf("unknown operation %q", op[0])
	}
}

// restore restores the newest generation with all cards and says in which class it ended.
func (g *goldenVault) restore(t *testing.T, found []*vault.Medium) (class string, why error) {
	t.Helper()
	copies, err := vault.GatherCopies(found, "")
	if err != nil {
		return "identity", err
	}
	c, err := copies.Select(0)
	var damaged *vault.DamagedGenerationError
	if errors.As(err, &damaged) {
		return "manifest", err
	}
	require.NoError(t, err)
	got, notes, err := open(t, c, g.shares(t, upTo(0, goldenCards)...), "cold", "hot")
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "age cannot decrypt it"):
		return "key", err
	case strings.Contains(err.Error(), "not what the manifest says"):
		return "contents", err
	default:
		return "bundle", err
	}
	require.Equal(t, g.expected[c.Number], got)
	switch {
	case strings.Contains(strings.Join(copies.Notes, "\n"), "no medium at hand has a good shares.json"):
		return "identity", nil // not refused: the cards have proven themselves
	case c.Number == 1:
		require.NotEmpty(t, copies.Notes, "an older generation without a word")
		return "incomplete", nil
	case len(notes) > 0:
		return "repaired", nil
	}
	return "check only", nil
}

// plantedID is the id of the vault that an attacker made.
func (g *goldenVault) plantedID(t *testing.T) string {
	t.Helper()
	m := media.Memory{Files: map[string][]byte{}}
	for name, data := range g.files {
		if rest, ok := strings.CutPrefix(name, "planted/"); ok {
			m.Files[rest] = data
		}
	}
	found, err := vault.OpenMedia(m)
	require.NoError(t, err)
	require.NoError(t, found[0].Err)
	return found[0].ID
}

func makeDamageVectors(id, planted string) map[string]vector {
	out := map[string]vector{}
	names := strings.NewReplacer("$V", "medium/coldvault/"+id, "$1", "medium/coldvault/"+id+"/generations/000001",
		"$2", "medium/coldvault/"+id+"/generations/000002", "$P", "medium/coldvault/"+planted)
	add := func(name, expect, comment string, operations ...string) {
		body := names.Replace(strings.Join(operations, "\n")) + "\n"
		out[name] = vector{[]field{{"expect", expect}, {"comment", comment}}, body}
	}
	plant := func(to string) (ops []string) {
		for _, name := range []string{"vault.json", "vault.json.minisig", "shares.json", "shares.json.minisig"} {
			ops = append(ops, fmt.Sprintf("copy planted/%s %s/%s", name, to, name))
		}
		return ops
	}
	addIdentityDamage(add, plant)
	add("manifest_changed", "manifest", "one bit of manifest.json", "xor $2/manifest.json 60 01")
	add("manifest_signature_changed", "manifest", "one bit of its signature", "xor $2/manifest.json.minisig 60 01")
	add("manifest_signature_comment", "manifest", "one bit of the trusted comment", "xor $2/manifest.json.minisig 160 01")
	add("manifest_signature_untrusted", "manifest", "one bit of the untrusted comment", "xor $2/manifest.json.minisig 20 01")
	add("manifest_signature_missing", "manifest", "a manifest without its signature", "remove $2/manifest.json.minisig")
	add("manifest_older", "manifest", "the manifest of generation 1, well signed, in the place of 2",
		"copy $1/manifest.json $2/manifest.json", "copy $1/manifest.json.minisig $2/manifest.json.minisig")
	add("manifest_missing", "incomplete", "a generation without a manifest does not count", "remove $2/manifest.json")
	addBundleDamage(add)
	return out
}

type addDamage func(name, expect, comment string, operations ...string)

func addIdentityDamage(add addDamage, plant func(to string) []string) {
	add("vault_changed", "identity", "one bit of the label", "xor $V/vault.json 75 01")
	add("vault_signature_changed", "identity", "one bit of its signature", "xor $V/vault.json.minisig 60 01")
	add("vault_missing", "identity", "no vault.json", "remove $V/vault.json")
	add("vault_planted", "identity", "vault.json and shares.json of another vault, well signed by its own signer", plant("$V")...)
	add("vault_planted_and_renamed", "manifest", "the same, and the folder renamed to fit: the generations are signed by another signer",
		append([]string{"move $V $P"}, plant("$P")...)...)
	add("shares_changed", "identity", "one bit of a commitment", "xor $V/shares.json 400 01")
	add("shares_signature_changed", "identity", "one bit of its signature", "xor $V/shares.json.minisig 60 01")
	add("shares_missing", "identity", "no shares.json", "remove $V/shares.json")
	add("shares_other_vault", "identity", "shares.json of another vault, with its signature",
		"copy planted/shares.json $V/shares.json", "copy planted/shares.json.minisig $V/shares.json.minisig")
	add("recipient_changed", "check only", "a restore does not need the recipient", "xor $V/cold.recipient 100 01")
	add("recipient_missing", "check only", "a restore does not need the recipient", "remove $V/hot.recipient")
	add("kit_changed", "check only", "what tells how to restore was changed", "xor $V/restore/RESTORE.txt 0 01")
	add("kit_signature_changed", "check only", "one bit of the signature of its list", "xor $V/restore/SHA256SUMS.minisig 60 01")
}

func addBundleDamage(add addDamage) {
	add("bundle_byte", "repaired", "one bit in the middle", "xor $2/cold.age 3000 01")
	add("bundle_header", "repaired", "one bit of the age header", "xor $2/hot.age 10 01")
	add("bundle_both", "repaired", "one bit in each bundle", "xor $2/cold.age 0 80", "xor $2/hot.age 3900 80")
	add("bundle_end_missing", "repaired", "the last 100 bytes are missing", "cut $2/cold.age 4631")
	add("bundle_and_parity", "repaired", "one bit of a bundle and one of a parity block", "xor $2/cold.age 3000 01", "xor $2/cold.age.parity 1700 01")
	add("bundle_cut", "bundle", "the second half is missing: more than parity makes up for", "cut $2/cold.age 2365")
	add("bundle_missing", "bundle", "no hot.age", "remove $2/hot.age")
	add("bundle_no_parity", "bundle", "one bit, and the parity file is missing", "xor $2/cold.age 3000 01", "remove $2/cold.age.parity")
	add("bundle_parity_head", "repaired", "one bit, and one of the digests in the parity file", "xor $2/cold.age 3000 01", "xor $2/cold.age.parity 30 01")
	add("bundles_swapped", "bundle", "cold.age and hot.age in each other's place", "swap $2/cold.age $2/hot.age")
	add("bundles_swapped_with_parity", "bundle", "the same, and their parity files too", "swap $2/cold.age $2/hot.age", "swap $2/cold.age.parity $2/hot.age.parity")
	add("bundle_older", "bundle", "cold.age of generation 1 in the place of 2", "copy $1/cold.age $2/cold.age")
	add("bundle_older_with_parity", "bundle", "the same, and its parity file too", "copy $1/cold.age $2/cold.age", "copy $1/cold.age.parity $2/cold.age.parity")
	add("generations_swapped", "manifest", "every file of the two generations in the place of the other",
		"swap $1/manifest.json $2/manifest.json", "swap $1/manifest.json.minisig $2/manifest.json.minisig", "swap $1/cold.age $2/cold.age",
		"swap $1/cold.age.parity $2/cold.age.parity", "swap $1/hot.age $2/hot.age", "swap $1/hot.age.parity $2/hot.age.parity")
	add("resigned_older", "contents", "cold.age of generation 1 in a manifest 2 that the vault signed", "copy resigned/older.manifest.json $2/manifest.json",
		"copy resigned/older.manifest.json.minisig $2/manifest.json.minisig", "copy $1/cold.age $2/cold.age", "copy $1/cold.age.parity $2/cold.age.parity")
	add("resigned_swapped", "key", "cold.age and hot.age in each other's place in a manifest that the vault signed",
		"copy resigned/swapped.manifest.json $2/manifest.json", "copy resigned/swapped.manifest.json.minisig $2/manifest.json.minisig",
		"swap $2/cold.age $2/hot.age", "swap $2/cold.age.parity $2/hot.age.parity")
	add("parity_changed", "check only", "a whole bundle does not need its parity", "xor $2/cold.age.parity 1000 01")
	add("parity_missing", "check only", "a whole bundle does not need its parity", "remove $2/hot.age.parity")
}
