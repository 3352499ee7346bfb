package mediatest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// The two contents of the file that is written: more than one sector, none whole.
var (
	oldBytes = bytes.Repeat([]byte("old"), 250)
	newBytes = bytes.Repeat([]byte("new"), 400)
)

// limit is above what any of these writers has pending, so that all states are seen.
const limit = 1 << 14

// holds checks that a name has one of the contents; nil stands for no entry.
func holds(f media.FS, name string, contents ...[]byte) error {
	got := content(f, f.Open, name)
	for _, want := range contents {
		if want == nil && got == fs.ErrNotExist.Error() || want != nil && got == string(want) {
			return nil
		}
	}
	return fmt.Errorf("%q holds %d bytes that nobody promised: %.40q", name, len(got), got)
}

// newFileIsWholeOrAbsent is the promise of a commit protocol for a new file.
func newFileIsWholeOrAbsent(name string) func(*mediatest.FS, bool) error {
	return func(after *mediatest.FS, done bool) error {
		if done {
			return holds(after, name, newBytes)
		}
		return holds(after, name, newBytes, nil)
	}
}

func commit(f media.FS) error { return media.NewDir(f).Commit("d/file", newBytes) }

func commitInNewFolders(f media.FS) error {
	d := media.NewDir(f)
	if err := d.MkdirAll("x/y"); err != nil {
		return err
	}
	return d.Commit("x/y/file", newBytes)
}

// Writers that forget one step each.

func commitWithoutSync(f media.FS) error {
	return writeThenRename(f, func(media.File) error { return nil }, f.SyncDir)
}

func commitWithoutSyncDir(f media.FS) error {
	return writeThenRename(f, media.File.Sync, func(string) error { return nil })
}

func commitThatRepeatsAFailedSync(f media.FS) error {
	return writeThenRename(f, func(w media.File) error {
		if w.Sync() == nil {
			return nil
		}
		return w.Sync()
	}, f.SyncDir)
}

func writeThenRename(f media.FS, sync func(media.File) error, syncDir func(string) error) error {
	w, err := f.Create("d/temp", 0o644)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.Write(newBytes); err != nil {
		return err
	}
	if err := errors.Join(sync(w), f.Rename("d/temp", "d/file")); err != nil {
		return err
	}
	return syncDir("d")
}

func commitInPlace(f media.FS) error {
	w, err := f.Create("d/file", 0o644)
	if err != nil {
		return err
	}
	defer w.Close()
	_, err = w.Write(newBytes)
	return errors.Join(err, w.Sync(), f.SyncDir("d"))
}

func commitInAFolderThatIsNotSynced(f media.FS) error {
	if err := f.Mkdir("x", 0o755); err != nil {
		return err
	}
	return media.NewDir(f).Commit("x/file", newBytes)
}

// TestACommittedFileIsWholeOrAbsentAfterEveryCut cuts Dir.Commit before each operation,
// in every state of the model, and shows that the same harness catches writers that are
// careless in one thing. Shows G4.
func TestACommittedFileIsWholeOrAbsentAfterEveryCut(t *testing.T) {
	tests := []struct {
		name   string
		write  func(media.FS) error
		file   string
		caught string // what the first bad state is, if there is one
	}{
		{"Dir.Commit", commit, "d/file", ""},
		{"Dir.MkdirAll and Dir.Commit", commitInNewFolders, "x/y/file", ""},
		{"no sync before the rename", commitWithoutSync, "d/file", `"d/file" holds 0 bytes that nobody promised`},
		{"no sync of the folder", commitWithoutSyncDir, "d/file", "after the last operation"},
		{"no temporary name", commitInPlace, "d/file", `"d/file" holds 0 bytes that nobody promised`},
		{"no sync of the folder above", commitInAFolderThatIsNotSynced, "x/file", "after the last operation"},
	}
	for _, reorders := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(fmt.Sprint(tt.name, " reorders ", reorders), func(t *testing.T) {
				f := mediatest.New("stick")
				f.Reorders = reorders
				require.NoError(t, media.NewDir(f).MkdirAll("d"))
				states, err := mediatest.Cut(f, limit, tt.write, newFileIsWholeOrAbsent(tt.file))
				t.Log(states, "states")
				if tt.caught == "" {
					require.NoError(t, err)
					require.Greater(t, states, 100)
					return
				}
				require.ErrorContains(t, err, tt.caught)
			})
		}
	}
}

// replaceable is a medium with the old content under the name.
func replaceable(t *testing.T, reorders bool) *mediatest.FS {
	t.Helper()
	f := mediatest.New("stick")
	f.Reorders = reorders
	writeSynced(t, f, "file", oldBytes)
	return f
}

// TestAReplacedFileIsOldOrNewOrGoneAfterEveryCut is all that Dir.Replace can promise
// where a rename is not atomic: the name never has anything but one of the two
// contents, and once Replace has returned the new one. Before that it may have none.
func TestAReplacedFileIsOldOrNewOrGoneAfterEveryCut(t *testing.T) {
	for _, reorders := range []bool{false, true} {
		gone := 0
		states, err := mediatest.Cut(replaceable(t, reorders), limit,
			func(f media.FS) error { return media.NewDir(f).Replace("file", newBytes) },
			func(after *mediatest.FS, done bool) error {
				if done {
					return holds(after, "file", newBytes)
				}
				if holds(after, "file", nil) == nil {
					gone++
				}
				return holds(after, "file", oldBytes, newBytes, nil)
			})
		require.NoError(t, err)
		require.Positive(t, gone, "if this is 0, the comment of Dir.Replace promises too little")
		t.Log(states, "states, the file is gone in", gone)
	}
}

// TestATemporaryNameThatIsSyncedFirstKeepsAReplacedFile shows what would keep one of
// the contents: the temporary entry is made durable before the rename. Whoever finds
// the name gone then finds the new content, whole, under the temporary one; unless the
// medium reorders the entries of a rename.
func TestATemporaryNameThatIsSyncedFirstKeepsAReplacedFile(t *testing.T) {
	replace := func(f media.FS) error {
		w, err := f.Create("temp", 0o644)
		if err != nil {
			return err
		}
		_, err = w.Write(newBytes)
		if err := errors.Join(err, w.Sync(), w.Close(), f.SyncDir(".")); err != nil {
			return err
		}
		return errors.Join(f.Rename("temp", "file"), f.SyncDir("."))
	}
	check := func(after *mediatest.FS, done bool) error {
		if holds(after, "file", nil) == nil {
			return holds(after, "temp", newBytes)
		}
		return holds(after, "file", oldBytes, newBytes)
	}
	_, err := mediatest.Cut(replaceable(t, false), limit, replace, check)
	require.NoError(t, err)
	_, err = mediatest.Cut(replaceable(t, true), limit, replace, check)
	require.ErrorContains(t, err, `"temp" holds`)
}

// TestEveryFaultAtEveryOperationOfACommitIsAnErrorOrHarmless counts the operations of
// a commit that is read back, and lets each fault happen at each of them.
func TestEveryFaultAtEveryOperationOfACommitIsAnErrorOrHarmless(t *testing.T) {
	writers := map[string]func(*media.Dir) error{
		"commit":  func(d *media.Dir) error { return d.Commit("new", newBytes) },
		"replace": func(d *media.Dir) error { return d.Replace("file", newBytes) },
		"mkdir":   func(d *media.Dir) error { return errors.Join(d.MkdirAll("x/y"), d.Commit("x/y/new", newBytes)) },
	}
	files := map[string]string{"commit": "new", "replace": "file", "mkdir": "x/y/new"}
	for name, write := range writers {
		clean := mediatest.NewFaults(replaceable(t, false))
		require.NoError(t, writeAndReadBack(clean, write, files[name]))
		require.False(t, clean.Hit())
		for _, fault := range mediatest.AllFaults() {
			hits := 0
			for n := 1; n <= clean.Count(); n++ {
				f := replaceable(t, false)
				x := mediatest.NewFaults(f)
				x.Inject(fault, mediatest.At(n))
				err := writeAndReadBack(x, write, files[name])
				if x.Hit() {
					hits++
				}
				where := fmt.Sprintf("%s, %s at operation %d", name, fault, n)
				require.NoError(t, afterFault(f, files[name], fault, err), where)
			}
			require.Positive(t, hits, "%s: %s never happened", name, fault)
			t.Log(name, fault, hits, "of", clean.Count(), "operations")
		}
	}
}

func writeAndReadBack(f media.FS, write func(*media.Dir) error, name string) error {
	d := media.NewDir(f)
	if err := write(d); err != nil {
		return err
	}
	return d.ReadBack(name, newBytes)
}

// afterFault: success means that the content is there and stays. After an error the
// name has the old content, or the new one. A write that lied was reported by reading it
// back, and where a file is replaced that comes before the old one goes.
func afterFault(f *mediatest.FS, name string, fault mediatest.Fault, err error) error {
	if err == nil {
		return errors.Join(holds(f, name, newBytes), holds(f.Crash(mediatest.Nothing), name, newBytes))
	}
	if fault == mediatest.LostWrite || fault == mediatest.FlippedWrite {
		var different *media.DifferentError
		if !errors.As(err, &different) {
			return err
		}
		if name != "file" {
			return nil
		}
	}
	if path.Base(name) == "file" {
		return holds(f, name, oldBytes, newBytes)
	}
	return holds(f, name, newBytes, nil)
}

// What fails and is told takes its temporary file with it: a medium that is full does not fill
// up with them.
func TestAWriteThatFailsLeavesNoTemporaryFile(t *testing.T) {
	writes := map[string]func(*media.Dir) error{
		"Commit":  func(d *media.Dir) error { return d.Commit("d/new", newBytes) },
		"Replace": func(d *media.Dir) error { return d.Replace("d/file", newBytes) },
	}
	for name, write := range writes {
		for _, fault := range []mediatest.Fault{mediatest.IOError, mediatest.NoSpace} {
			failed := 0
			for n := 1; ; n++ {
				inner := mediatest.New("stick")
				require.NoError(t, media.NewDir(inner).MkdirAll("d"))
				require.NoError(t, media.NewDir(inner).Commit("d/file", oldBytes))
				faulty := mediatest.NewFaults(inner)
				faulty.Inject(fault, mediatest.At(n))
				err := write(media.NewDir(faulty))
				if faulty.Count() < n {
					break
				}
				if err == nil {
					continue
				}
				failed++
				left, err := media.NewDir(inner).List("d")
				require.NoError(t, err)
				for _, file := range left {
					require.False(t, media.IsTemp(file), "%s, %s at operation %d: %v", name, fault, n, left)
				}
			}
			require.Greater(t, failed, 4, "%s, %s", name, fault)
		}
	}
}
