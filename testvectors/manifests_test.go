package testvectors

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/format"
)

// A vector of manifests/ is one of a vault's JSON files, "file" tells which. The class of a failure is "json" (not the
// JSON that is expected: unknown members and wrong types too), "form" (JSON, but not in its one form), "version", "kind",
// or the member that is wrong.

const manifestsFolder = "manifests"

func TestManifestVectors(t *testing.T) {
	// Every frozen JSON file is read and written again as it was, or fails in the class it says.
	if *update {
		writeMissing(t, manifestsFolder, makeManifestVectors(t))
	}
	vectors := readVectors(t, manifestsFolder)
	require.Equal(t, []string{
		"bytes", "commitments", "compartment", "compartments", "current", "digits", "file", "files", "form", "generation", "id", "json",
		"kind", "label", "list", "mode", "name", "names", "possible", "reserved", "role", "sequence", "signer", "size", "status", "success",
		"time", "twice", "vault id", "version",
	}, classes(vectors))
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			again, err := parseAndMarshal(t, v.get("file"), []byte(v.body))
			require.Equal(t, v.get("expect"), documentClass(v, err), "%v", err)
			if err == nil {
				require.Equal(t, v.body, string(again))
			}
		})
	}
}

func parseAndMarshal(t *testing.T, file string, data []byte) ([]byte, error) {
	t.Helper()
	var document interface{ Marshal() ([]byte, error) }
	var err error
	switch file {
	case "vault.json":
		document, err = format.ParseVault(data)
	case "shares.json":
		document, err = format.ParseShares(data)
	case "manifest.json":
		document, err = format.ParseManifest(data)
	case "contents.json":
		document, err = format.ParseContents(data)
	default:
		t.Fatalf("unknown file %q", file)
	}
	if err != nil {
		return nil, err
	}
	return document.Marshal()
}

// documentClass is the class of an error of package format. Where a member is wrong, the class is a word that the
// sentence must have.
func documentClass(v vector, err error) string {
	if err == nil {
		return "success"
	}
	for _, c := range []struct{ class, text string }{
		{"json", "not the JSON that is expected here"}, {"form", "not in the canonical form"}, {"form", "more data after"},
		{"version", "use a newer coldvault"}, {"kind", "format is "},
	} {
		if strings.Contains(err.Error(), c.text) {
			return c.class
		}
	}
	want := v.get("expect")
	if slices.Contains([]string{"success", "json", "form", "version", "kind"}, want) ||
		!regexp.MustCompile(`\b`+want+`\b`).MatchString(err.Error()) {
		return err.Error()
	}
	return want
}
