package vault

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file whose content is not what its size says has changed under the reader's
// hands; those of /proc always look so.
func TestAFileThatChangesIsRefused(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs /proc")
	}
	_, err := GatherToSeal([]string{"/proc/self/status"}, nil)
	require.ErrorContains(t, err, "changed while it was read")
}

// Who may not read a folder is told so, instead of being given a backup without it.
func TestAFolderWithoutPermissionIsRefused(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	src := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(src, "key"), []byte("x"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(src, "closed"), 0))
	_, err := GatherToSeal([]string{src}, nil)
	require.ErrorContains(t, err, "closed")
}

// A large file is refused for sealing and only opened for looking.
func TestLargeFilesAreOpenedToLookOnly(t *testing.T) {
	src := t.TempDir()
	f, err := os.Create(filepath.Join(src, "dump.sql"))
	require.NoError(t, err)
	require.NoError(t, f.Truncate(5_000_000_000))
	require.NoError(t, f.Close())
	_, err = GatherToSeal([]string{src}, nil)
	require.ErrorContains(t, err, "5000000000 bytes; material is at most 4 MiB")
	g, err := GatherToLook([]string{src})
	require.NoError(t, err)
	require.Nil(t, g.Data[0])
	require.NotNil(t, g.Large[0])
	g.Destroy()
	require.ErrorIs(t, g.Large[0].Close(), os.ErrClosed)
}
