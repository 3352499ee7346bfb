package testvectors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/format"
)

// documents are valid files of each kind, by name: the vectors are these with one change.
func documents(t *testing.T) map[string]string {
	t.Helper()
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	digest := func(name string) string { sum := sha256.Sum256([]byte(name)); return hex.EncodeToString(sum[:]) }
	v, err := format.Vault{
		Label: "TEST VECTOR ü", Created: created, Signer: "RW" + strings.Repeat("Q", 54),
		Compartments: []format.Compartment{{Name: "cold", RecipientSHA256: digest("cold")}, {Name: "hot", RecipientSHA256: digest("hot")}},
	}.WithID()
	require.NoError(t, err)
	set := func(id, compartment, status string, threshold, shares int) format.ShareSet {
		s := format.ShareSet{Set: id, Compartment: compartment, Threshold: threshold, Shares: shares, Status: status}
		for i := range shares {
			s.Commitments = append(s.Commitments, digest(fmt.Sprint(id, i)))
		}
		return s
	}
	shares := format.Shares{Vault: v.ID, Sequence: 2, Created: created, Sets: []format.ShareSet{
		set("00000001", "cold", format.Current, 2, 2), set("00000002", "hot", format.Current, 2, 2),
	}}
	manifest := format.Manifest{Vault: v.ID, Fingerprint: digest("vault.json"), Generation: 7, Previous: digest("6"), Created: created}
	for i, name := range format.GenerationFiles() {
		manifest.Files = append(manifest.Files, format.ManifestFile{Name: name, Size: int64(i + 1), SHA256: digest(name)})
	}
	contents := format.Contents{Vault: v.ID, Generation: 7, Compartment: "hot", Created: created}
	for _, name := range []string{"keys/kes.skey", "node.cert"} {
		contents.Files = append(contents.Files, format.ContentsFile{
			Name: name, Role: "file", Size: 5, SHA256: digest(name), Network: "generic", Mode: "0600", Modified: created})
	}
	out := map[string]string{}
	for name, d := range map[string]interface{ Marshal() ([]byte, error) }{"vault": v, "shares": shares, "manifest": manifest, "contents": contents} {
		data, err := d.Marshal()
		require.NoError(t, err)
		out[name] = string(data)
	}
	return out
}

// change is one vector: the valid file with the first old replaced by new.
type change struct{ name, expect, comment, old, new string }

func makeManifestVectors(t *testing.T) map[string]vector {
	out := make(map[string]vector)
	for kind, document := range documents(t) {
		add := func(name, expect, comment, body string) {
			out[kind+"_"+name] = vector{[]field{{"expect", expect}, {"file", kind + ".json"}, {"comment", comment}}, body}
		}
		add("good", "success", "as it is written", document)
		add("no_newline", "form", "no newline at the end", strings.TrimSuffix(document, "\n"))
		if kind == "vault" { // what is refused in one of them for its form is refused in all
			add("two_newlines", "form", "an empty line at the end", document+"\n")
			add("crlf", "form", "lines end in CR LF", strings.ReplaceAll(document, "\n", "\r\n"))
			add("tabs", "form", "tabs for spaces", strings.ReplaceAll(document, "  ", "\t"))
			add("two_documents", "form", "the file twice", document+document)
			add("truncated", "json", "the second half is missing", document[:len(document)/2])
			add("empty", "json", "no bytes", "")
		}
		for _, c := range slices.Concat(commonChanges(document), ownChanges(document)[kind]) {
			require.Contains(t, document, c.old, c.name)
			body := strings.Replace(document, c.old, c.new, 1)
			if kind == "vault" && !slices.Contains([]string{"id", "json", "form", "version", "kind"}, c.expect) {
				body = withID(t, body)
			}
			add(c.name, c.expect, c.comment, body)
		}
	}
	return out
}

// withID puts the right id into a changed vault.json, so that nothing but the change is wrong.
func withID(t *testing.T, document string) string {
	t.Helper()
	const member = `"id": "`
	at := strings.Index(document, member) + len(member)
	blank := document[:at] + document[at+8:]
	sum := sha256.Sum256([]byte(blank))
	return blank[:at] + format.EncodeVaultID([format.VaultIDSize]byte(sum[:format.VaultIDSize])) + blank[at:]
}

// commonChanges are tried on every kind of file.
func commonChanges(document string) []change {
	lines := strings.SplitAfterN(document, "\n", 4)
	return []change{
		{"unknown_member", "json", "a member that is not known", "{\n", "{\n  \"comment\": \"\",\n"},
		{"repeated_member", "form", "a member twice", lines[1], lines[1] + lines[1]},
		{"newer_version", "version", "version 2", "/1\"", "/2\""},
		{"time_offset", "time", "not UTC", "04:05Z", "04:05+02:00"},
	}
}

// formChanges are of members that every file has, and tried on one kind only.
func formChanges(document string) []change {
	lines := strings.SplitAfterN(document, "\n", 4)
	return []change{
		{"other_order", "form", "the first two members changed places", lines[1] + lines[2], lines[2] + lines[1]},
		{"member_case", "form", "a member in capitals", `"created"`, `"Created"`},
		{"spacing", "form", "no space behind a colon", `"created": `, `"created":`},
		{"escape", "form", "a letter as an escape sequence", "coldvault.", `\u0063oldvault.`},
		{"other_format", "kind", "a format of another name", "coldvault.", "coldvoult."},
		{"time_fraction", "time", "a fraction of a second", "04:05Z", "04:05.5Z"},
		{"time_form", "json", "no T between day and time", "02T03", "02 03"},
		{"time_impossible", "json", "30 February", "2026-01-02", "2026-02-30"},
		{"time_zero", "time", "before 1970", "2026-01-02", "0001-01-01"},
	}
}

func ownChanges(document string) map[string][]change {
	const compartment = "    {\n      \"name\": \"hot\",\n      \"recipient_sha256\": \"%s\"\n    }"
	sum := func(name string) string { s := sha256.Sum256([]byte(name)); return hex.EncodeToString(s[:]) }
	hot := fmt.Sprintf(compartment, sum("hot"))
	return map[string][]change{
		"vault": append(formChanges(document), []change{
			{"wrong_id", "id", "the label was changed and the id was not", "VECTOR ü", "VECTOR u"},
			{"label_html", "success", "no HTML escaping", "VECTOR ü", "VECTOR <&>"},
			{"label_longest", "success", "64 characters", "TEST VECTOR ü", strings.Repeat("ü", 64)},
			{"label_too_long", "label", "65 characters", "TEST VECTOR ü", strings.Repeat("ü", 65)},
			{"label_empty", "label", "no label", "TEST VECTOR ü", ""},
			{"label_control", "label", "a line feed in the label", "TEST VECTOR ü", `TEST\nVECTOR`},
			{"label_escape", "label", "a terminal's escape character in the label", "TEST VECTOR ü", `\u001b[31mVECTOR`},
			{"label_direction", "label", "U+202E turns the writing round", "TEST VECTOR ü", "TEST \u202eROTCEV"},
			{"three_compartments", "compartments", "one more", hot, hot + ",\n" + strings.Replace(hot, `"hot"`, `"ice"`, 1)},
			{"one_compartment", "compartments", "one less", ",\n" + hot, ""},
			{"compartment_name", "compartment", "an unknown name", `"hot"`, `"ice"`},
			{"digest_short", "digits", "a digest of 31 bytes", sum("hot"), sum("hot")[2:]},
			{"digest_capitals", "digits", "a digest in capitals", sum("hot"), strings.ToUpper(sum("hot"))},
			{"digest_no_hex", "digits", "a digest with a g", sum("hot"), "g" + sum("hot")[1:]},
			{"signer_short", "signer", "55 characters", "RWQ", "RW"},
			{"signer_kind", "signer", "no minisign key", "RWQ", "XXQ"},
		}...),
		"shares": {
			{"vault_capitals", "vault id", "a vault id in capitals", `"vault": "`, `"vault": "A`},
			{"sequence_zero", "sequence", "sequences are counted from 1", `"sequence": 2`, `"sequence": 0`},
			{"superseded", "success", "an older set of cold", "  \"sets\": [\n", "  \"sets\": [\n" + supersededSet() + ",\n"},
			{"no_current", "current", "cold has no current set", `"current"`, `"superseded"`},
			{"two_current", "current", "cold has two current sets", `"compartment": "hot"`, `"compartment": "cold"`},
			{"status", "status", "an unknown status", `"current"`, `"lost"`},
			{"compartment", "compartment", "an unknown compartment", `"compartment": "hot"`, `"compartment": "ice"`},
			{"set_twice", "twice", "one set id twice", `"00000002"`, `"00000001"`},
			{"set_short", "digits", "a set id of three bytes", `"00000002"`, `"000002"`},
			{"threshold_one", "possible", "a quorum of one", `"threshold": 2`, `"threshold": 1`},
			{"threshold_above_shares", "possible", "more shares needed than there are", `"threshold": 2`, `"threshold": 3`},
			{"shares_256", "possible", "256 shares", `"shares": 2`, `"shares": 256`},
			{"commitment_missing", "commitments", "one commitment for two shares", "        \"" + sum("000000010") + "\",\n", ""},
			{"commitment_short", "digits", "a commitment of 31 bytes", sum("000000010"), sum("000000010")[2:]},
			{"number_text", "json", "a number as text", `"shares": 2`, `"shares": "2"`},
			{"number_float", "json", "a number with a point", `"shares": 2`, `"shares": 2.0`},
			{"number_exponent", "json", "a number with an exponent", `"shares": 2`, `"shares": 2e0`},
		},
		"manifest": {
			{"first", "success", "the first generation, and nothing before it", fmt.Sprintf("7,\n  \"previous\": %q", sum("6")), fmt.Sprintf("1,\n  \"previous\": %q", format.FirstPrevious)},
			{"generation_last", "success", "the last generation there can be", `"generation": 7`, `"generation": 999999`},
			{"generation_zero", "generation", "generations are counted from 1", `"generation": 7`, `"generation": 0`},
			{"generation_negative", "generation", "less than none", `"generation": 7`, `"generation": -7`},
			{"generation_too_large", "generation", "seven digits", `"generation": 7`, `"generation": 1000000`},
			{"generation_huge", "json", "more than 64 bits", `"generation": 7`, `"generation": 18446744073709551623`},
			{"vault_short", "vault id", "seven characters", `"vault": "`, `"vault": "a`},
			{"fingerprint_short", "digits", "a fingerprint of 31 bytes", sum("vault.json"), sum("vault.json")[2:]},
			{"previous_empty", "digits", "no digest of the one before", sum("6"), ""},
			{"file_missing", "files", "hot.age.parity is missing", ",\n" + fileEntry("hot.age.parity", 4, sum("hot.age.parity")), ""},
			{"file_twice", "file", "cold.age twice", `"hot.age"`, `"cold.age"`},
			{"file_order", "file", "another order", `"cold.age"`, `"hot.age"`},
			{"file_path", "file", "a path", `"cold.age"`, `"../cold.age"`},
			{"size_zero", "bytes", "an empty file", `"size": 1`, `"size": 0`},
			{"size_negative", "bytes", "less than empty", `"size": 1`, `"size": -1`},
			{"size_largest", "success", "a bundle of 64 MiB", `"size": 1`, `"size": 67108864`},
			{"size_too_large", "bytes", "a bundle of a byte more", `"size": 1`, `"size": 67108865`},
			{"size_huge", "bytes", "2^62 bytes", `"size": 1`, `"size": 4611686018427387904`},
			{"archive_largest", "success", "an archive of one part as large as there can be", "\n  ]\n}", archiveEntries(4294901760, sum("archive")) + "\n  ]\n}"},
			{"archive_too_large", "bytes", "a part of an archive of a byte more", "\n  ]\n}", archiveEntries(4294901761, sum("archive")) + "\n  ]\n}"},
			{"sha256_capitals", "digits", "a digest in capitals", sum("hot.age"), strings.ToUpper(sum("hot.age"))},
		},
		"contents": contentsChanges(sum("node.cert")),
	}
}

// supersededSet is a share set as shares.json has it.
func supersededSet() string {
	return strings.Join([]string{
		`    {`, `      "set": "ffffffff",`, `      "compartment": "cold",`, `      "threshold": 2,`, `      "shares": 2,`,
		`      "status": "superseded",`, `      "commitments": [`, `        "` + strings.Repeat("0f", 32) + `",`,
		`        "` + strings.Repeat("1e", 32) + `"`, `      ]`, `    }`,
	}, "\n")
}

func fileEntry(name string, size int, digest string) string {
	return fmt.Sprintf("    {\n      \"name\": %q,\n      \"size\": %d,\n      \"sha256\": %q\n    }", name, size, digest)
}

// archiveEntries are those of an archive of one part of that size, behind others.
func archiveEntries(size int, digest string) string {
	return ",\n" + fileEntry("archive-01.age", size, digest) + ",\n" + fileEntry("archive-01.age.parity", 5, digest)
}

func contentsChanges(digest string) []change {
	const lists = "\"ids\": [],\n  \"facts\": [],\n  \"accepted\": []"
	const full = `"ids": [
    {
      "network": "cardano",
      "name": "pool id",
      "value": "pool1"
    }
  ],
  "facts": [
    {
      "name": "party hint",
      "value": "one"
    }
  ],
  "accepted": [
    {
      "check": "CARDANO-KES-EXPIRY",
      "because": "<&>"
    }
  ]`
	out := []change{
		{"full_lists", "success", "ids, facts, and something accepted", lists, full},
		{"fact_member", "json", "a fact with a member that is not known", lists, strings.Replace(full, `"name": "party`, `"says": "party`, 1)},
		{"null_list", "list", "null for an empty list", lists, strings.Replace(lists, "[]", "null", 1)},
		{"missing_list", "list", "no accepted failures at all", lists, "\"ids\": [],\n  \"facts\": []"},
		{"generation_zero", "generation", "generations are counted from 1", `"generation": 7`, `"generation": 0`},
		{"compartment", "compartment", "an unknown compartment", `"hot"`, `"ice"`},
		{"not_utf8", "form", "a byte that is no UTF-8", `"file"`, "\"\xff\""},
		{"no_role", "role", "a file without a role", `"role": "file"`, `"role": ""`},
		{"no_network", "role", "a file without a network", `"network": "generic"`, `"network": ""`},
		{"empty_file", "success", "a file of no bytes", `"size": 5`, `"size": 0`},
		{"size_negative", "size", "less than empty", `"size": 5`, `"size": -1`},
		{"sha256_short", "digits", "a digest of 31 bytes", digest, digest[2:]},
		{"mode_short", "mode", "three digits", `"0600"`, `"600"`},
		{"mode_setuid", "mode", "set-user-ID", `"0600"`, `"4600"`},
		{"mode_decimal", "mode", "a digit that is not octal", `"0600"`, `"0680"`},
		{"modified_offset", "time", "not UTC", `"modified": "2026-01-02T03:04:05Z"`, `"modified": "2026-01-02T03:04:05+02:00"`},
	}
	for _, c := range []change{
		{"name_nested", "success", "a folder in a folder", "", "a/b/c"},
		{"name_dots", "success", "dots that are no component", "", "a..b/...c"},
		{"name_longest_component", "success", "255 bytes", "", strings.Repeat("n", 255)},
		{"name_empty", "name", "no name", "", ""},
		{"name_parent", "name", "a way out", "", "../node.cert"},
		{"name_parent_inside", "name", "a way out, later", "", "a/../../node.cert"},
		{"name_dot", "name", "a component .", "", "./node.cert"},
		{"name_absolute", "name", "from the root", "", "/etc/node.cert"},
		{"name_empty_component", "name", "nothing between two slashes", "", "a//b"},
		{"name_folder", "name", "a slash at the end", "", "node.cert/"},
		{"name_backslash", "name", "a separator elsewhere", "", `..\\node.cert`},
		{"name_control", "name", "a line feed", "", `node\ncert`},
		{"name_nul", "name", "a NUL", "", `node\u0000cert`},
		{"name_long_component", "name", "256 bytes", "", strings.Repeat("n", 256)},
		{"name_long", "name", "1025 bytes", "", strings.Repeat("abc/", 256) + "d"},
		{"name_twice", "names", "the name of the file before", "", "keys/kes.skey"},
		{"name_case", "names", "the name of the file before, in capitals", "", "KEYS/KES.SKEY"},
		{"name_kelvin", "names", "the name of the file before, with U+212A for k", "", "\u212aeys/kes.skey"},
		{"name_file_and_folder", "name", "the folder of the file before", "", "keys"},
		{"name_reserved_key", "reserved", "the name of the signer's key", "", "coldvault-signer.key"},
		{"name_reserved_case", "reserved", "the name of the signer's key, in capitals", "", "COLDVAULT-SIGNER.KEY"},
		{"name_reserved_contents", "reserved", "the name of this file itself", "", "contents.json"},
	} {
		out = append(out, change{c.name, c.expect, c.comment, `"node.cert"`, `"` + c.new + `"`})
	}
	return out
}
