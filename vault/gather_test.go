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

// What is given is not locked into memory without end: files add up to a limit, and the one that
// goes beyond it is named before it is read. Breaks G28.
func TestFilesAddUpToALimit(t *testing.T) {
	defer func(was int64) { maxGathered = was }(maxGathered)
	maxGathered = 3 << 20
	src := t.TempDir()
	for _, name := range []string{"a", "b", "c", "d"} {
		f, err := os.Create(filepath.Join(src, name))
		require.NoError(t, err)
		require.NoError(t, f.Truncate(1<<20))
		require.NoError(t, f.Close())
	}
	for name, gather := range map[string]func([]string) (*Gathered, error){
		"inspect": GatherToLook,
		"seal":    func(s []string) (*Gathered, error) { return GatherToSeal(s, nil) },
	} {
		_, err := gather([]string{src})
		require.ErrorContains(t, err, "with "+filepath.Join(src, "d")+" it is more than 3 MiB of material", name)
		require.ErrorContains(t, err, "--attach", name)
	}
	require.NoError(t, os.Remove(filepath.Join(src, "d")))
	g, err := GatherToSeal([]string{src}, []string{archiveFile(t, 5<<20)}) // archives are not read
	require.NoError(t, err)
	require.Len(t, g.Files, 4)
	g.Destroy()
}
