package vault

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// shm is a folder on the tmpfs that every Linux system has.
func shm(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "coldvault-test-")
	if err != nil {
		t.Skip("no tmpfs at /dev/shm")
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A tmpfs is recognised, also for folders that are still to be made; a file system that
// is on a disk, or shows the kernel, is none. Shows G7.
func TestAFolderInMemoryIsRecognised(t *testing.T) {
	dir := shm(t)
	for name, want := range map[string]bool{
		dir:                                true,
		filepath.Join(dir, "not", "there"): true,
		"/proc":                            false,
		"/proc/not/there":                  false,
	} {
		got, err := InMemory(name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := InMemory(filepath.Join(file, "below"))
	require.ErrorIs(t, err, unix.ENOTDIR)
}

// A link on a tmpfs to a disk is a disk: what counts is where the files will be. Breaks G7.
func TestALinkToADiskIsNotInMemory(t *testing.T) {
	link := filepath.Join(shm(t), "link")
	require.NoError(t, os.Symlink("/proc", link))
	got, err := InMemory(link)
	require.NoError(t, err)
	require.False(t, got)
}

// A folder for secrets is made private, taken where it is there, and refused where it
// is a link, no folder, or one in which others can exchange files. Shows G7.
func TestFoldersForSecretsArePrivate(t *testing.T) {
	dir := t.TempDir()
	made := filepath.Join(dir, "made")
	root, fresh, err := OpenPrivate(made)
	require.NoError(t, err)
	require.NoError(t, root.Close())
	require.True(t, fresh)
	info, err := os.Stat(made)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700)|os.ModeDir, info.Mode())

	for name, mode := range map[string]os.FileMode{"own": 0o700, "readable": 0o755, "sticky": 0o777 | os.ModeSticky} {
		p := filepath.Join(dir, name)
		require.NoError(t, os.Mkdir(p, 0o700))
		require.NoError(t, os.Chmod(p, mode))
		before, err := os.Stat(p)
		require.NoError(t, err)
		root, fresh, err := OpenPrivate(p)
		require.NoError(t, err, name)
		require.False(t, fresh)
		after, err := root.Stat(".")
		require.NoError(t, err)
		require.Equal(t, before.Mode(), after.Mode(), name) // it is not ours to change
		require.NoError(t, root.Close())
	}
	for name, mode := range map[string]os.FileMode{"group": 0o770, "world": 0o777} {
		p := filepath.Join(dir, name)
		require.NoError(t, os.Mkdir(p, 0o700))
		require.NoError(t, os.Chmod(p, mode))
		_, _, err := OpenPrivate(p)
		require.ErrorIs(t, err, ErrShared, name)
		require.DirExists(t, p)
	}
	for name, target := range map[string]string{"link": made, "dangling": filepath.Join(dir, "nowhere")} {
		p := filepath.Join(dir, name)
		require.NoError(t, os.Symlink(target, p))
		_, _, err := OpenPrivate(p)
		require.ErrorContains(t, err, p+" is no folder, or a link to one")
		_, err = OpenTarget(p)
		require.ErrorContains(t, err, "is no folder, or a link to one")
		// Nor is the link followed because of how its name ends.
		for _, end := range []string{"/", "//", "/.", "/./"} {
			_, _, err := OpenPrivate(p + end)
			require.ErrorContains(t, err, p+" is no folder, or a link to one")
		}
	}
	require.NoDirExists(t, filepath.Join(dir, "nowhere"))
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, _, err = OpenPrivate("")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, _, err = OpenPrivate(file)
	require.ErrorContains(t, err, "is no folder")
}

// A folder of somebody else is theirs, whatever its mode; and a link with a slash behind it is
// a link. Breaks G7.
func TestAFolderOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	for _, mode := range []os.FileMode{0o755, 0o700, 0o777 | os.ModeSticky} {
		name := filepath.Join(t.TempDir(), "theirs")
		require.NoError(t, os.Mkdir(name, 0o700))
		require.NoError(t, os.Chmod(name, mode))
		root, _, err := OpenPrivate(name)
		require.NoError(t, err, mode)
		root.Close()
		require.NoError(t, os.Chown(name, 1000, 1000))
		_, _, err = OpenPrivate(name)
		require.ErrorIs(t, err, ErrShared, mode)
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o700))
	require.NoError(t, os.Symlink("real", filepath.Join(dir, "link")))
	for _, name := range []string{"link", "link/", "link/."} {
		_, _, err := OpenPrivate(dir + "/" + name)
		require.ErrorContains(t, err, "a link", name)
	}
}
