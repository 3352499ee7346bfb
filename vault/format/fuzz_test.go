package format

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse gives every parser every input: none panics, and what one accepts it
// marshals to the same bytes. A file is accepted by one parser only.
func FuzzParse(f *testing.F) {
	for _, k := range kinds(f) {
		f.Add(k.good)
		f.Add(bytes.ReplaceAll(k.good, []byte("  "), []byte(" ")))
		f.Add(bytes.Replace(k.good, []byte(`": `), []byte(`": -`), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		accepted := 0
		for _, k := range kinds(t) {
			parsed, err := k.parse(data)
			if err != nil {
				continue
			}
			accepted++
			again, err := parsed.Marshal()
			require.NoError(t, err)
			require.Equal(t, string(data), string(again))
		}
		require.LessOrEqual(t, accepted, 1)
	})
}

// FuzzNames: a name that passes stays inside the folder and meets itself.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"a", "a/b", "../a", "/a", "a/../b", "A", "ſ", "a\\b", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		s := NewNameSet()
		if s.Add(name) != nil {
			return
		}
		require.Error(t, s.Add(name))
		require.NotContains(t, "/"+name+"/", "/../")
		require.NotContains(t, "/"+name+"/", "//")
	})
}
