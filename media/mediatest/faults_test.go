package mediatest_test

import (
	"fmt"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// everyOperation does each operation once and returns their errors, in order.
func everyOperation(f media.FS) (errs []error) {
	note := func(err error) { errs = append(errs, err) }
	unlock, err := f.Lock()
	note(err)
	if err == nil {
		unlock()
	}
	note(f.Mkdir("d", 0o755))
	w, err := f.Create("d/a", 0o644)
	note(err)
	if err == nil {
		_, err = w.Write([]byte("0123456789"))
		note(err)
		_, err = w.WriteAt([]byte("AB"), 0)
		note(err)
		_, err = w.Size()
		note(err)
		note(w.Sync())
		note(w.Close())
	}
	note(f.SetTime("d/a", time.Unix(0, 0)))
	note(f.Rename("d/a", "d/b"))
	note(f.SyncDir("d"))
	_, err = f.List("d", 10)
	note(err)
	_, err = f.Lstat("d/b")
	note(err)
	for _, open := range []func(string) (media.File, error){f.Open, f.OpenCold} {
		r, err := open("d/b")
		note(err)
		if err == nil {
			_, err = io.ReadFull(r, make([]byte, 10))
			note(err)
			_, err = r.ReadAt(make([]byte, 10), 0)
			note(err)
			note(r.Close())
		}
	}
	note(f.Remove("d/b"))
	note(f.Close())
	return errs
}

func TestEveryOperationIsCountedAndNamed(t *testing.T) {
	x := mediatest.NewFaults(mediatest.New("stick"))
	var seen []string
	x.Before = func(n int, op mediatest.Op) { seen = append(seen, fmt.Sprintf("%d %s #%d", n, op, op.Nth)) }
	for _, err := range everyOperation(x) {
		require.NoError(t, err)
	}
	require.Equal(t, []string{
		`1 lock "." #1`, `2 mkdir "d" #1`, `3 create "d/a" #1`, `4 write "d/a" #1`, `5 write at "d/a" #1`, `6 size "d/a" #1`,
		`7 sync "d/a" #1`, `8 close "d/a" #1`, `9 set time "d/a" #1`, `10 rename "d/a" to "d/b" #1`, `11 sync folder "d" #1`,
		`12 list "d" #1`, `13 lstat "d/b" #1`, `14 open "d/b" #1`, `15 read "d/b" #1`, `16 read at "d/b" #1`, `17 close "d/b" #1`,
		`18 open cold "d/b" #1`, `19 read "d/b" #2`, `20 read at "d/b" #2`, `21 close "d/b" #2`, `22 remove "d/b" #1`, `23 close "." #1`,
	}, seen)
	require.Equal(t, len(seen), x.Count())
}

// Which operations a fault spoils, by their numbers in the list above.
func TestAFaultSpoilsTheOperationsItConcerns(t *testing.T) {
	writing := []int{2, 3, 4, 5, 7, 9, 10, 11, 22}
	tests := []struct {
		fault mediatest.Fault
		err   error
		only  []int // all, if nil
	}{
		{mediatest.IOError, syscall.EIO, nil},
		{mediatest.Gone, syscall.ENODEV, nil},
		{mediatest.NoSpace, syscall.ENOSPC, writing},
		{mediatest.ReadOnly, syscall.EROFS, writing},
		{mediatest.ShortRead, nil, []int{15, 16, 19, 20}},
		{mediatest.FlippedRead, nil, []int{15, 16, 19, 20}},
		{mediatest.LostWrite, nil, []int{4, 5}},
		{mediatest.FlippedWrite, nil, []int{4, 5}},
	}
	require.Len(t, tests, len(mediatest.AllFaults()))
	for _, tt := range tests {
		for n := 1; n <= 23; n++ {
			x := mediatest.NewFaults(mediatest.New("stick"))
			x.Inject(tt.fault, mediatest.At(n))
			errs := everyOperation(x)
			concerned := tt.only == nil || slices.Contains(tt.only, n)
			require.Equal(t, concerned, x.Hit(), "%s at operation %d", tt.fault, n)
			if tt.err != nil && concerned {
				require.ErrorIs(t, errs[n-1], tt.err)
			}
			if tt.fault == mediatest.Gone {
				for i, err := range errs {
					require.Equal(t, i >= n-1, err != nil, "gone at %d, operation %d: %v", n, i+1, err)
				}
			}
		}
	}
}

// readBothWays reads a file in both ways.
func readBothWays(t *testing.T, f media.FS, size int) (string, error, string, error) {
	t.Helper()
	r, err := f.Open("a")
	require.NoError(t, err)
	defer r.Close()
	one, two := make([]byte, size), make([]byte, size)
	n, err := r.Read(one)
	m, atErr := r.ReadAt(two, 0)
	return string(one[:n]), err, string(two[:m]), atErr
}

func TestReadsThatFailWithoutSayingSo(t *testing.T) {
	for _, tt := range []struct {
		fault        mediatest.Fault
		at           mediatest.Kind
		read, readAt string
		readAtErr    error
	}{
		{mediatest.ShortRead, mediatest.Read, "012", "012345", nil},
		{mediatest.ShortRead, mediatest.ReadAt, "012345", "012", io.EOF},
		{mediatest.FlippedRead, mediatest.Read, "012245", "012345", nil},
		{mediatest.FlippedRead, mediatest.ReadAt, "012345", "012245", nil},
	} {
		f := mediatest.New("stick")
		write(t, f, "a", []byte("012345"))
		x := mediatest.NewFaults(f)
		x.Inject(tt.fault, func(_ int, op mediatest.Op) bool { return op.Kind == tt.at })
		read, err, readAt, atErr := readBothWays(t, x, 6)
		require.NoError(t, err)
		require.Equal(t, tt.read, read)
		require.Equal(t, tt.readAt, readAt)
		require.Equal(t, tt.readAtErr, atErr)
		require.Equal(t, "012345", content(x, x.Open, "a"), "once")
	}
}

func TestWritesThatFailWithoutSayingSo(t *testing.T) {
	for _, tt := range []struct {
		fault mediatest.Fault
		want  string
	}{
		{mediatest.LostWrite, "\x00\x00\x00\x0045"},
		{mediatest.FlippedWrite, "013345"},
	} {
		f := mediatest.New("stick")
		x := mediatest.NewFaults(f)
		x.Inject(tt.fault, mediatest.At(2))
		data := []byte("0123")
		w := write(t, x, "a", data)
		n, err := w.Write([]byte("45"))
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Equal(t, tt.want, content(f, f.Open, "a"))
		require.Equal(t, "0123", string(data), "the caller's bytes stay")
	}
}

func TestAFullMediumStoresHalf(t *testing.T) {
	f := mediatest.New("stick")
	x := mediatest.NewFaults(f)
	x.Inject(mediatest.NoSpace, func(_ int, op mediatest.Op) bool { return op.Kind == mediatest.Write && op.Nth == 2 })
	w := write(t, x, "a", []byte("01"))
	n, err := w.Write([]byte("2345"))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, 2, n)
	require.Equal(t, "0123", content(f, f.Open, "a"))
}

func TestAReadOnlyMediumStaysSo(t *testing.T) {
	f := mediatest.New("stick")
	write(t, f, "a", []byte("A"))
	x := mediatest.NewFaults(f)
	x.Inject(mediatest.ReadOnly, mediatest.At(1))
	require.ErrorIs(t, x.Remove("a"), syscall.EROFS)
	require.ErrorIs(t, x.Mkdir("d", 0o755), syscall.EROFS)
	require.Equal(t, "A", content(x, x.Open, "a"))
}

// A writer that syncs again after a failure is told that all is well, and loses the
// file: the cut finds it.
func TestAFailedSyncIsNotRepeated(t *testing.T) {
	for name, write := range map[string]func(media.FS) error{"repeated": commitThatRepeatsAFailedSync, "given up": commit} {
		f := mediatest.New("stick")
		require.NoError(t, media.NewDir(f).MkdirAll("d"))
		x := mediatest.NewFaults(f)
		x.Inject(mediatest.IOError, func(_ int, op mediatest.Op) bool { return op.Kind == mediatest.Sync })
		err := write(x)
		require.True(t, x.Hit())
		lost := holds(f.Crash(mediatest.Nothing), "d/file", newBytes) != nil
		require.True(t, lost)
		require.Equal(t, name == "repeated", err == nil, "%s: %v", name, err)
	}
}
