package mediatest_test

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// write makes a file and syncs neither it nor its folder.
func write(t *testing.T, f media.FS, name string, data []byte) media.File {
	t.Helper()
	w, err := f.Create(name, 0o644)
	require.NoError(t, err)
	n, err := w.Write(data)
	require.NoError(t, err)
	require.Equal(t, len(data), n)
	return w
}

// writeSynced makes a durable file.
func writeSynced(t *testing.T, f media.FS, name string, data []byte) {
	t.Helper()
	w := write(t, f, name, data)
	require.NoError(t, w.Sync())
	require.NoError(t, w.Close())
	require.NoError(t, f.SyncDir("."))
}

// content is a file's bytes, or the class of the error.
func content(f media.FS, open func(string) (media.File, error), name string) string {
	r, err := open(name)
	if err != nil {
		return class(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return class(err)
	}
	return string(data)
}

func TestNamesAreUniqueIgnoringCase(t *testing.T) {
	f := mediatest.New("stick")
	require.NoError(t, f.Mkdir("Folder", 0o755))
	write(t, f, "folder/Größe", []byte("x"))
	_, err := f.Create("FOLDER/GRÖßE", 0o644)
	require.ErrorIs(t, err, fs.ErrExist)
	require.Equal(t, "x", content(f, f.Open, "FOLDER/größe"))
	require.NoError(t, f.Rename("folder/größe", "folder/GRÖßE"), "another spelling")
	names, err := f.List("folder", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"GRÖßE"}, names)
}

func TestNamesThatFATRefuses(t *testing.T) {
	f := mediatest.New("stick")
	write(t, f, "good", nil)
	for _, name := range []string{`a"`, "a*", "a:b", "a<", "a>", "a?", `a\b`, "a|b", "a\x00", "a\n", "a\x7f", "a.", "a ", "a\xff"} {
		_, err := f.Create(name, 0o644)
		require.ErrorIs(t, err, syscall.EINVAL, "%q", name)
		require.ErrorIs(t, f.Mkdir(name, 0o755), syscall.EINVAL, "%q", name)
		require.ErrorIs(t, f.Rename("good", name), syscall.EINVAL, "%q", name)
	}
	write(t, f, strings.Repeat("é", 255), nil)
	_, err := f.Create(strings.Repeat("n", 256), 0o644)
	require.ErrorIs(t, err, syscall.ENAMETOOLONG)
}

func TestAFileEndsBefore4GiB(t *testing.T) {
	const most = 1<<32 - 1
	f := mediatest.New("stick")
	w := write(t, f, "large", nil)
	_, err := w.WriteAt([]byte("x"), most)
	require.ErrorIs(t, err, syscall.EFBIG)
	n, err := w.WriteAt([]byte("xy"), most-1)
	require.ErrorIs(t, err, syscall.EFBIG)
	require.Equal(t, 1, n)
	size, err := w.Size()
	require.NoError(t, err)
	require.EqualValues(t, most, size)
}

func TestAFullMediumTakesWhatFits(t *testing.T) {
	f := mediatest.New("stick")
	f.Capacity = 4 * 512
	write(t, f, "a", make([]byte, 513)) // two sectors
	w := write(t, f, "b", make([]byte, 512))
	n, err := w.Write(make([]byte, 1000))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, 512, n)
	require.NoError(t, f.Remove("a"))
	n, err = w.Write(make([]byte, 1000))
	require.NoError(t, err)
	require.Equal(t, 1000, n)
	require.Equal(t, f.Capacity, f.Crash(mediatest.Everything).Capacity)
}

func TestTimesAreEvenSeconds(t *testing.T) {
	f := mediatest.New("stick")
	write(t, f, "a", nil)
	require.NoError(t, f.SetTime("a", time.Unix(1_700_000_001, 5)))
	info, err := f.Lstat("a")
	require.NoError(t, err)
	require.True(t, info.ModTime().Equal(time.Unix(1_700_000_000, 0)))
}

// Only what is read past the cache, or after the stick was out, shows that the medium
// holds less than it says. Breaks G25.
func TestACounterfeitMediumLooksRightInTheCache(t *testing.T) {
	f := mediatest.New("stick")
	f.Counterfeit = 8 * 512
	first, second := strings.Repeat("1", 5*512), strings.Repeat("2", 5*512)
	writeSynced(t, f, "first", []byte(first))
	require.Equal(t, first, content(f, f.OpenCold, "first"), "there is room for it")
	writeSynced(t, f, "second", []byte(second))
	wrapped := strings.Repeat("2", 2*512) + first[2*512:]
	require.Equal(t, first, content(f, f.Open, "first"))
	require.Equal(t, wrapped, content(f, f.OpenCold, "first"))
	require.Equal(t, second, content(f, f.OpenCold, "second"))

	after := f.Crash(mediatest.Everything)
	for _, open := range []func(string) (media.File, error){after.Open, after.OpenCold} {
		require.Equal(t, wrapped, content(after, open, "first"))
		require.Equal(t, second, content(after, open, "second"))
	}
	writeSynced(t, after, "third", []byte(strings.Repeat("3", 6*512)))
	wrapped = strings.Repeat("2", 2*512) + strings.Repeat("3", 3*512)
	require.Equal(t, wrapped, content(after, after.OpenCold, "first"), "it goes on where it was")

	d := media.NewDir(f)
	require.NoError(t, d.ReadBack("second", []byte(second)))
	var different *media.DifferentError
	require.ErrorAs(t, d.ReadBack("first", []byte(first)), &different)
}

// What is not synced is still in the cache, whatever the medium has at its place. Shows G25.
func TestACounterfeitMediumGivesWhatIsNotSyncedFromTheCache(t *testing.T) {
	f := mediatest.New("stick")
	f.Counterfeit = 8 * 512
	w := write(t, f, "a", []byte("old"))
	require.NoError(t, w.Sync())
	require.NoError(t, f.SyncDir("."))
	_, err := w.WriteAt([]byte("new"), 0)
	require.NoError(t, err)
	require.Equal(t, "new", content(f, f.OpenCold, "a"))
	require.Equal(t, []string{"a=\x00\x00\x00", "a=new", "a=old"}, trees(f))
}

func TestTimesGoOnAfterACut(t *testing.T) {
	f := mediatest.New("stick")
	writeSynced(t, f, "a", []byte("A"))
	after := f.Crash(mediatest.Everything)
	writeSynced(t, after, "b", []byte("B"))
	a, err := after.Lstat("a")
	require.NoError(t, err)
	b, err := after.Lstat("b")
	require.NoError(t, err)
	require.True(t, b.ModTime().After(a.ModTime()))
}

// With the race detector this shows that an FS, its files and Faults may be shared.
func TestGoroutinesShareAMedium(t *testing.T) {
	f := mediatest.New("stick")
	x := mediatest.NewFaults(f)
	calls := 0
	x.Before = func(n int, _ mediatest.Op) {
		calls++
		for range mediatest.AllCrashes(f, 4) {
		}
	}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			d := media.NewDir(x)
			for j := range 5 {
				if err := d.Replace(fmt.Sprint(i), []byte{byte(j)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, x.Count(), calls)
	for i := range 4 {
		require.Equal(t, "\x04", content(f, f.Open, fmt.Sprint(i)))
	}
}
