package format

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var digest = strings.Repeat("0a", 32)

// kind is one of the four files: a good one, and its parser.
type kind struct {
	name  string
	good  []byte
	limit int
	parse func([]byte) (marshaler, error)
}

type marshaler interface{ Marshal() ([]byte, error) }

func kinds(t testing.TB) []kind {
	t.Helper()
	v, err := Vault{
		Label: "pool north", Created: testTime, Signer: "RW" + strings.Repeat("A", 54),
		Compartments: []Compartment{{"cold", digest}, {"hot", digest}},
	}.WithID()
	require.NoError(t, err)
	s := Shares{Vault: v.ID, Sequence: 1, Created: testTime, Sets: []ShareSet{
		{Set: "00000001", Compartment: "cold", Threshold: 2, Shares: 3, Status: Current, Commitments: []string{digest, digest, digest}},
		{Set: "00000002", Compartment: "hot", Threshold: 2, Shares: 2, Status: Current, Commitments: []string{digest, digest}},
		{Set: "00000003", Compartment: "hot", Threshold: 2, Shares: 2, Status: Superseded, Commitments: []string{digest, digest}},
	}}
	m := Manifest{Vault: v.ID, Fingerprint: digest, Generation: 7, Previous: FirstPrevious, Created: testTime}
	for _, name := range GenerationFiles() {
		m.Files = append(m.Files, ManifestFile{name, 5, digest})
	}
	c := Contents{Vault: v.ID, Generation: 7, Compartment: "hot", Created: testTime, Files: []ContentsFile{
		{Name: "a/b.skey", Role: "kes.skey", Size: 1, SHA256: digest, Network: "cardano", Mode: "0400", Modified: testTime},
		{Name: "c", Role: "file", Size: 0, SHA256: digest, Network: "generic", Mode: "0644", Modified: testTime},
	}}
	var out []kind
	for _, k := range []struct {
		name  string
		value marshaler
		limit int
		parse func([]byte) (marshaler, error)
	}{
		{"vault", v, MaxVaultSize, func(b []byte) (marshaler, error) { return ParseVault(b) }},
		{"shares", s, MaxSharesSize, func(b []byte) (marshaler, error) { return ParseShares(b) }},
		{"manifest", m, MaxManifestSize, func(b []byte) (marshaler, error) { return ParseManifest(b) }},
		{"contents", c, MaxContentsSize, func(b []byte) (marshaler, error) { return ParseContents(b) }},
	} {
		good, err := k.value.Marshal()
		require.NoError(t, err)
		out = append(out, kind{k.name, good, k.limit, k.parse})
	}
	return out
}

// What was marshalled parses, and marshals to the same bytes.
func TestParseAndMarshalAreInverse(t *testing.T) {
	for _, k := range kinds(t) {
		parsed, err := k.parse(k.good)
		require.NoError(t, err, k.name)
		again, err := parsed.Marshal()
		require.NoError(t, err)
		require.Equal(t, string(k.good), string(again))
		require.Contains(t, string(k.good), fmt.Sprintf("\"format\": \"coldvault.%s/1\"", k.name))
	}
}

// JSON that says the same in other bytes is refused, in all four files.
func TestOnlyCanonicalJSONIsRead(t *testing.T) {
	for _, k := range kinds(t) {
		text := string(k.good)
		for name, changed := range map[string]string{
			"nothing":             "",
			"no object":           "[]\n",
			"null":                "null\n",
			"no end":              text[:len(text)-3],
			"no line feed":        strings.TrimSuffix(text, "\n"),
			"another line feed":   text + "\n",
			"a second object":     text + text,
			"a byte order mark":   "\ufeff" + text,
			"a tab":               strings.Replace(text, "  ", "\t", 1),
			"compact":             strings.NewReplacer("\n", "", "  ", "", ": ", ":").Replace(text),
			"a line of its own":   strings.Replace(text, "{\n", "{\n\n", 1),
			"carriage returns":    strings.ReplaceAll(text, "\n", "\r\n"),
			"escapes":             strings.Replace(text, "coldvault", "\\u0063oldvault", 1),
			"unknown member":      strings.Replace(text, "{\n", "{\n  \"extra\": 1,\n", 1),
			"member twice":        strings.Replace(text, "\n", "\n  \"format\": \"coldvault."+k.name+"/1\",\n", 1),
			"name in other case":  strings.Replace(text, `"format"`, `"Format"`, 1),
			"member missing":      strings.Replace(text, "  \"created\": \"2026-01-02T03:04:05Z\",\n", "", 1),
			"time with an offset": strings.ReplaceAll(text, "05Z", "05+00:00"),
			"time of a fraction":  strings.ReplaceAll(text, "05Z", "05.5Z"),
			"time with zeros":     strings.ReplaceAll(text, "05Z", "05.000Z"),
			"time before 1970":    strings.ReplaceAll(text, "2026-", "1969-"),
			"another version":     strings.Replace(text, k.name+"/1", k.name+"/2", 1),
			"another file":        strings.Replace(text, "coldvault."+k.name, "coldvault.other", 1),
			"too long":            text + strings.Repeat(" ", k.limit),
		} {
			require.NotEqual(t, text, changed, "%s: %s", k.name, name)
			parsed, err := k.parse([]byte(changed))
			require.Error(t, err, "%s: %s", k.name, name)
			require.ErrorContains(t, err, k.name+".json: ")
			require.NotNil(t, parsed)
		}
		_, err := k.parse([]byte(strings.Replace(text, k.name+"/1", k.name+"/9", 1)))
		require.ErrorContains(t, err, "use a newer coldvault")
	}
}

// Values that contradict the format are refused, one by one. In vault.json every
// change is one: the id goes with the rest.
func TestValuesOutOfRangeAreRefused(t *testing.T) {
	for _, c := range []struct{ kind, old, new, err string }{
		{"vault", `"pool north"`, `""`, "label has not 1 to 64"},
		{"vault", `"pool north"`, `"` + strings.Repeat("x", 65) + `"`, "label has not 1 to 64"},
		{"vault", `pool north`, `pool\u0007`, "cannot be printed"},
		{"vault", `pool north`, "pool\u202e", "cannot be printed"},
		{"vault", `pool north`, ` pool`, "begins or ends with a space"},
		{"vault", `pool north`, `pool south`, "does not go with the rest"},
		{"vault", `"RWA`, `"RXA`, "no minisign public key"},
		{"vault", `AA"`, `A"`, "no minisign public key"},
		{"vault", `"name": "cold"`, `"name": "warm"`, `compartment 1 is "warm"`},
		{"vault", `0a0a"`, `0A0A"`, "lower-case hex"},
		{"vault", `0a0a"`, `0a"`, "lower-case hex"},
		{"vault", `03:04:05`, `03:04:06`, "does not go with the rest"},
		{"shares", `"sequence": 1`, `"sequence": 0`, "sequence is 0"},
		{"shares", `"sequence": 1`, `"sequence": 1.0`, "not the JSON"},
		{"shares", `"threshold": 2`, `"threshold": 1`, "1 of 3 is not possible"},
		{"shares", `"threshold": 2`, `"threshold": 4`, "4 of 3 is not possible"},
		{"shares", `"shares": 3`, `"shares": 256`, "is not possible"},
		{"shares", `"shares": 3`, `"shares": 4`, "3 commitments for 4 shares"},
		{"shares", `"status": "current"`, `"status": "retired"`, `status is "retired"`},
		{"shares", `"status": "current"`, `"status": "superseded"`, "0 current share sets"},
		{"shares", `"status": "superseded"`, `"status": "current"`, "2 current share sets"},
		{"shares", `"compartment": "hot"`, `"compartment": "warm"`, `compartment is "warm"`},
		{"shares", `"set": "00000002"`, `"set": "00000001"`, "listed twice"},
		{"shares", `"set": "00000002"`, `"set": "0000002"`, "8 lower-case hex"},
		{"shares", `0a0a"`, `0a0g"`, "lower-case hex"},
		{"manifest", `"generation": 7`, `"generation": 0`, "generation is 0"},
		{"manifest", `"generation": 7`, `"generation": 1000000`, "generation is 1000000"},
		{"manifest", `"generation": 7`, `"generation": 07`, "not the JSON"},
		{"manifest", `"generation": 7`, `"generation": 99999999999999999999`, "not the JSON"},
		{"manifest", `"size": 5`, `"size": 0`, "has 0 bytes"},
		{"manifest", `"size": 5`, `"size": -5`, "has -5 bytes"},
		{"manifest", `"cold.age"`, `"cold.agé"`, `is "cold.agé"`},
		{"manifest", `"hot.age.parity"`, `"../hot.age"`, "file 4 is"},
		{"manifest", `"previous": "0`, `"previous": "g`, "previous is not 64"},
		{"manifest", `"vault": "`, `"vault": "1`, "vault id"},
		{"contents", `"compartment": "hot"`, `"compartment": "warm"`, `compartment is "warm"`},
		{"contents", `"generation": 7`, `"generation": -1`, "generation is -1"},
		{"contents", `"size": 1`, `"size": -1`, "size is -1"},
		{"contents", `"0400"`, `"400"`, "four octal digits"},
		{"contents", `"0400"`, `"4400"`, "four octal digits"},
		{"contents", `"0400"`, `"0o40"`, "four octal digits"},
		{"contents", `"cardano"`, `""`, "network or role is missing"},
		{"contents", `"kes.skey"`, `""`, "network or role is missing"},
		{"contents", `"a/b.skey"`, `"../b.skey"`, `component ".."`},
		{"contents", `"a/b.skey"`, `"/b.skey"`, "is absolute"},
		{"contents", `"a/b.skey"`, `"C"`, "the same where case does not count"},
		{"contents", `"a/b.skey"`, `"c/d"`, "is a file, and the folder of"},
		{"contents", `"a/b.skey"`, `"Contents.JSON"`, "is reserved"},
	} {
		for _, k := range kinds(t) {
			if k.name != c.kind {
				continue
			}
			changed := bytes.Replace(k.good, []byte(c.old), []byte(c.new), 1)
			require.NotEqual(t, k.good, changed, "%s: %s", c.kind, c.new)
			_, err := k.parse(changed)
			require.ErrorContains(t, err, c.err, "%s: %s", c.kind, c.new)
		}
	}
}

// A list of any length is no reason to fill the memory. Shows G28.
func TestLongListsAreRefused(t *testing.T) {
	c := Contents{Vault: "abcdefgh", Generation: 1, Compartment: "hot", Created: testTime}
	for i := range maxFiles + 1 {
		c.Files = append(c.Files, ContentsFile{Name: fmt.Sprint(i), Role: "r", Network: "n", SHA256: digest, Mode: "0400", Modified: testTime})
	}
	_, err := c.Marshal()
	require.ErrorContains(t, err, "at most 10000")
	s := Shares{Vault: "abcdefgh", Sequence: 1, Created: testTime}
	for i := range maxSets + 1 {
		s.Sets = append(s.Sets, ShareSet{Set: fmt.Sprintf("%08x", i), Compartment: "hot", Threshold: 2, Shares: 2, Status: Superseded, Commitments: []string{digest, digest}})
	}
	_, err = s.Marshal()
	require.ErrorContains(t, err, "at most 1000")
}

// FORMAT.md section 3: names that would leave the folder, or that another system
// reads differently. Shows G8.
func TestNames(t *testing.T) {
	for _, name := range []string{
		"a", "a/b", "a b", ".hidden", "a.", "...", "ключ", strings.Repeat("x", 255),
		strings.Repeat(strings.Repeat("x", 203)+"/", 5) + "abcd",
	} {
		require.NoError(t, CheckName(name), name)
	}
	for _, name := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/.", "a/../b", "../a", `a\b`, "a\x00b", "a\nb", "a\x7fb", "a\u0085b",
		"a\xffb", strings.Repeat("x", 256), strings.Repeat("x/", 512) + "x", ContentsName, SignerKeyName, "CONTENTS.json",
	} {
		require.Error(t, CheckName(name), "%q", name)
	}
}

// Names that a file system may take for one meet, whatever their alphabet. Shows G8.
func TestNamesThatMeet(t *testing.T) {
	for _, c := range []struct {
		a, b string
		meet bool
	}{
		{"a", "a", true}, {"a", "A", true}, {"É", "é", true}, {"σ", "ς", true}, {"K", "\u212a", true}, {"s", "ſ", true},
		{"a/b", "A/B", true}, {"a", "a/b", true}, {"A/b", "a", true}, {"a/b/c", "A/B", true},
		{"a", "b", false}, {"a/b", "a/c", false}, {"a/b", "A/c", false}, {"ab", "a/b", false},
	} {
		s := NewNameSet()
		require.NoError(t, s.Add(c.a))
		require.Equal(t, c.meet, s.Add(c.b) != nil, "%q and %q", c.a, c.b)
	}
}

func TestVaultID(t *testing.T) {
	id := [VaultIDSize]byte{1, 2, 3, 4, 255}
	text := EncodeVaultID(id)
	require.Len(t, text, 8)
	back, err := DecodeVaultID(text)
	require.NoError(t, err)
	require.Equal(t, id, back)
	for _, bad := range []string{"", "abcdefg", "abcdefghi", "ABCDEFGH", "abcdefg1", "abcdefg=", "abcdefg\n", "../../.."} {
		_, err := DecodeVaultID(bad)
		require.Error(t, err, "%q", bad)
	}
}
