package vault

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/vault/format"
)

// resigned is a medium whose newest manifest states another size for a file, signed by the vault.
func (w *trees) resigned(t *testing.T, name string, size int64) tree {
	t.Helper()
	m, err := format.ParseManifest(w.whole[w.at(manifestFile)])
	require.NoError(t, err)
	file, ok := m.File(name)
	require.True(t, ok)
	digest := fmt.Sprintf(",\n      \"sha256\": %q", file.SHA256)
	manifest := strings.Replace(string(w.whole[w.at(manifestFile)]),
		fmt.Sprintf("\"size\": %d%s", file.Size, digest), fmt.Sprintf("\"size\": %d%s", size, digest), 1)
	locked, err := w.folder.dir.Read(signerFile, maxSignerFile)
	require.NoError(t, err)
	key, err := unlockSigner(locked, w.passphrase, w.folder.Identity.Vault)
	require.NoError(t, err)
	defer key.Destroy()
	signature, err := sign(key, []byte(manifest), manifestComment(w.folder.ID, 2))
	require.NoError(t, err)
	out := w.whole.copyOf()
	out[w.at(manifestFile)], out[w.at(manifestFile+signatureExt)] = []byte(manifest), signature
	return out
}

// A size that a signed manifest states takes neither memory nor room: it is damage that check
// names, and nothing of it is copied. Breaks G28.
func TestASizeThatAManifestStatesTakesNothing(t *testing.T) {
	w := newTrees(t)
	for _, size := range []int64{1 << 62, 1 << 53, 1 << 44, 1 << 33, format.MaxPart, format.MaxBundle, 1 << 20} {
		for _, name := range []string{"cold.age", "cold.age.parity", "archive-01.age"} {
			what := fmt.Sprint(name, " of ", size)
			bad := w.resigned(t, name, size)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			found, err := OpenMedia(bad.source("stick"))
			require.NoError(t, err, what)
			checked := Check(found[0], CheckOptions{})
			require.True(t, checked.Damaged(), what)
			require.Equal(t, name == "cold.age.parity" && size <= format.MaxBundle, checked.Generations[1].Whole, what)

			copies, err := GatherCopies(found, "")
			require.NoError(t, err, what)
			to := mediatest.New("to")
			if c, err := copies.Select(2); err == nil {
				_, err = c.Duplicate([]*media.Dir{media.NewDir(to)}, testTime, func(step string, done, _ int64) {
					require.Less(t, done, int64(1<<20), "%s: %s was written", what, step)
				})
				require.Error(t, err, what)
			}
			f := bad.on(t, "stick")
			onStick, err := OpenMedia(media.NewDir(f))
			require.NoError(t, err, what)
			_, _ = Mend(Check(onStick[0], CheckOptions{}), media.NewDir(f), nil, testTime, nil)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(128<<20), what)

			// What was begun on the target is taken back.
			files, err := filesBelow(media.NewDir(to), ".")
			require.NoError(t, err, what)
			for _, written := range slices.Sorted(maps.Keys(files)) {
				require.False(t, media.IsTemp(written), "%s: %s", what, written)
			}
			require.NotContains(t, files, w.at(manifestFile), what)
		}
	}
}
