package media

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func newDir(t *testing.T) *Dir {
	t.Helper()
	d, err := OpenDir(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func names(t *testing.T, d *Dir) []string {
	t.Helper()
	out, err := d.List(".")
	require.NoError(t, err)
	return out
}

// What is committed is there whole, may be read by whoever checks it, and is
// never written again.
func TestCommit(t *testing.T) {
	d := newDir(t)
	require.NoError(t, d.MkdirAll("a/b"))
	require.NoError(t, d.Commit("a/b/file", []byte("first")))
	data, err := d.Read("a/b/file", 5)
	require.NoError(t, err)
	require.Equal(t, "first", string(data))
	info, err := os.Stat(filepath.Join(d.Name(), "a/b/file"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o644), info.Mode().Perm())
	require.NoError(t, d.ReadBack("a/b/file", []byte("first")))

	require.ErrorIs(t, d.Commit("a/b/file", []byte("second")), fs.ErrExist)
	data, err = d.Read("a/b/file", 5)
	require.NoError(t, err)
	require.Equal(t, "first", string(data))

	require.NoError(t, d.Replace("a/b/file", []byte("second")))
	require.NoError(t, d.ReadBack("a/b/file", []byte("second")))
	left, err := d.List("a/b")
	require.NoError(t, err)
	require.Equal(t, []string{"file"}, left)
}

// After a failure there is neither the file nor its temporary name.
func TestFailedCommitLeavesNothing(t *testing.T) {
	d := newDir(t)
	require.Error(t, d.Commit("no/such/folder/file", []byte("x")))
	// The rename fails: a folder with something in it has the name.
	require.NoError(t, d.MkdirAll("taken/by"))
	require.Error(t, d.Replace("taken", []byte("x")))
	require.ErrorIs(t, d.Commit("taken", []byte("x")), fs.ErrExist)
	require.Equal(t, []string{"taken"}, names(t, d))
	require.Error(t, d.Commit(strings.Repeat("n", 300), []byte("x")))
	require.Equal(t, []string{"taken"}, names(t, d))
}

// A full medium is the failure that comes most. It takes a mount, which is for CI's
// throwaway machine.
func TestFullMediumLeavesNothing(t *testing.T) {
	if os.Getenv("COLDVAULT_LONG") == "" {
		t.Skip("mounts a file system: with COLDVAULT_LONG only")
	}
	name := t.TempDir()
	if err := syscall.Mount("coldvault-test", name, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("mounting a small tmpfs needs more rights:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(name, 0) })
	d, err := OpenDir(name)
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.Commit("small", []byte("x")))
	require.ErrorIs(t, d.Commit("large", make([]byte, 1<<20)), syscall.ENOSPC)
	require.ErrorIs(t, d.Replace("small", make([]byte, 1<<20)), syscall.ENOSPC)
	require.Equal(t, []string{"small"}, names(t, d))
	require.NoError(t, d.ReadBack("small", []byte("x")))
}

// The rest of an interrupted write of the same file is no obstacle, not even
// where somebody made it a link.
func TestRestOfAnInterruptedWrite(t *testing.T) {
	d := newDir(t)
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("mine"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(d.Name(), ".file.tmp")))
	require.True(t, IsTemp(".file.tmp"))
	require.False(t, IsTemp("file.tmp"))
	require.False(t, IsTemp("..tmp"))
	require.NoError(t, d.Commit("file", []byte("x")))
	require.Equal(t, []string{"file"}, names(t, d))
	data, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "mine", string(data))
}

// ReadBack catches every difference: a byte, a length, a file that is gone or is
// none. Breaks G25.
func TestReadBackCatchesWhatDiffers(t *testing.T) {
	d := newDir(t)
	want := []byte("what was written")
	require.NoError(t, d.Commit("file", want))
	path := filepath.Join(d.Name(), "file")
	for i := range want {
		changed := append([]byte{}, want...)
		changed[i] ^= 1
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		require.ErrorContains(t, d.ReadBack("file", want), "do not trust this medium")
	}
	for _, changed := range []string{"", "what was writte", "what was written!"} {
		require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
		require.ErrorContains(t, d.ReadBack("file", want), "do not trust this medium")
	}
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, d.ReadBack("file", want), fs.ErrNotExist)
	require.NoError(t, os.Mkdir(path, 0o700))
	require.ErrorContains(t, d.ReadBack("file", want), "not a regular file")
}

// No operation follows a link, or a name, out of the folder. Breaks G8.
func TestNothingLeavesTheFolder(t *testing.T) {
	d := newDir(t)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("mine"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(d.Name(), "dir")))
	require.NoError(t, os.Symlink(secret, filepath.Join(d.Name(), "file")))
	relative, err := filepath.Rel(d.Name(), secret)
	require.NoError(t, err)
	for _, name := range []string{"dir/secret", "file", relative, secret} {
		_, err := d.Read(name, 100)
		require.Error(t, err, name)
		require.Error(t, d.ReadBack(name, []byte("mine")), name)
	}
	_, err = d.List("dir")
	require.Error(t, err)
	require.Error(t, d.Commit("dir/new", []byte("x")))
	require.ErrorIs(t, d.Commit("file", []byte("x")), fs.ErrExist)
	require.Error(t, d.MkdirAll("dir/new"))
	require.NoError(t, d.RemoveAll("dir"))
	require.NoError(t, d.RemoveAll("file"))
	left, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Len(t, left, 1)
	data, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, "mine", string(data))
	require.Empty(t, names(t, d))
}

// A pipe must not keep a check waiting; a limit is a limit. Shows G28.
func TestReadRefusesWhatIsNoSmallFile(t *testing.T) {
	d := newDir(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(d.Name(), "pipe"), 0o600))
	_, err := d.Read("pipe", 10)
	require.ErrorContains(t, err, "not a regular file")
	require.NoError(t, d.Commit("file", []byte("12345")))
	_, err = d.Read("file", 4)
	require.ErrorContains(t, err, "more than 4 bytes")
	_, err = d.Read("gone", 4)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, d.RemoveAll("gone"))
}

// A page set in memory reads like a folder.
func TestMemoryReadsLikeAFolder(t *testing.T) {
	d := newDir(t)
	m := Memory{Title: "pages", Files: map[string][]byte{}}
	for _, name := range []string{"top", "a/x", "a/y", "a/b/z"} {
		require.NoError(t, d.MkdirAll(filepath.Dir(name)))
		require.NoError(t, d.Commit(name, []byte(name)))
		m.Files[name] = []byte(name)
	}
	for _, dir := range []string{".", "a", "a/b", "none"} {
		want, wantErr := d.List(dir)
		got, err := m.List(dir)
		require.Equal(t, want, got, dir)
		require.Equal(t, errors.Is(wantErr, fs.ErrNotExist), errors.Is(err, fs.ErrNotExist))
	}
	for _, name := range []string{"top", "a/x", "./a/b/z", "none"} {
		want, wantErr := d.Read(name, 10)
		got, err := m.Read(name, 10)
		require.Equal(t, want, got, name)
		require.Equal(t, errors.Is(wantErr, fs.ErrNotExist), errors.Is(err, fs.ErrNotExist))
	}
	_, err := m.Read("a/b/z", 4)
	require.ErrorContains(t, err, "more than 4 bytes")
	require.Equal(t, "pages", m.Name())
}
