package testvectors

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Vectors are frozen: the flag adds those that are not there and changes none.
var update = flag.Bool("update", false, "write the vectors that are missing")

// field is one line of a vector's head.
type field struct{ name, value string }

// vector is one file: lines "name: value", among them "expect", the class of the outcome, and "comment"; an empty
// line; and the input as it is.
type vector struct {
	fields []field
	body   string
}

func (v vector) get(name string) string {
	for _, f := range v.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func (v vector) marshal() string {
	var b strings.Builder
	for _, f := range v.fields {
		fmt.Fprintf(&b, "%s: %s\n", f.name, f.value)
	}
	return b.String() + "\n" + v.body
}

// readVectors reads every file of a folder, which must not be empty.
func readVectors(t *testing.T, folder string) map[string]vector {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "no vectors in %s", folder)
	out := make(map[string]vector)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		head, body, ok := strings.Cut(string(data), "\n\n")
		require.True(t, ok, path)
		v := vector{body: body}
		for line := range strings.Lines(head + "\n") {
			name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			require.True(t, ok, "%s: %q", path, line)
			v.fields = append(v.fields, field{name, value})
		}
		require.Equal(t, string(data), v.marshal(), path)
		out[strings.TrimSuffix(filepath.Base(path), ".txt")] = v
	}
	return out
}

// writeMissing writes those of the vectors that are not in the folder.
func writeMissing(t *testing.T, folder string, vectors map[string]vector) {
	t.Helper()
	require.NoError(t, os.MkdirAll(folder, 0o755))
	for name, v := range vectors {
		f, err := os.OpenFile(filepath.Join(folder, name+".txt"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if os.IsExist(err) {
			continue
		}
		require.NoError(t, err)
		_, err = f.WriteString(v.marshal())
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
}

// classes lists the distinct values of "expect".
func classes(vectors map[string]vector) []string {
	var out []string
	for _, v := range vectors {
		if !slices.Contains(out, v.get("expect")) {
			out = append(out, v.get("expect"))
		}
	}
	slices.Sort(out)
	return out
}
