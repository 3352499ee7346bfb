package ceremony

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"coldvault/testvectors"
)

func TestSelfTestPasses(t *testing.T) {
	require.NoError(t, selfTest())
}

// A machine that miscalculates is stood in for by a golden vault with another content: one
// change in whatever the test looks at, and it must not pass. Breaks G27.
func TestSelfTestFailsOnEveryChange(t *testing.T) {
	golden := testvectors.Golden()
	changed := 0
	err := fs.WalkDir(golden, ".", func(name string, entry fs.DirEntry, err error) error {
		// The older generation is not restored, the recipients are not needed for it,
		// and more cards than a quorum are not read; check would report the first two.
		if err != nil || entry.IsDir() || strings.Contains(name, "card-4") || strings.Contains(name, "card-5") {
			return err
		}
		data, err := fs.ReadFile(golden, name)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.Error(t, selfTestOn(overlay{golden, fstest.MapFS{name: &fstest.MapFile{Data: data}}}), name)
		changed++
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, changed, 20)
}

// overlay is a file system with one file exchanged.
type overlay struct {
	fs.FS
	over fstest.MapFS
}

func (o overlay) Open(name string) (fs.File, error) {
	if _, ok := o.over[name]; ok {
		return o.over.Open(name)
	}
	return o.FS.Open(name)
}
