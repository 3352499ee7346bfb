package mediatest_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// tree is all that is on a medium, one line a name.
func tree(f media.FS, dir string) string {
	names, err := f.List(dir, 0)
	if err != nil {
		return class(err)
	}
	var lines []string
	for _, name := range names {
		path := strings.TrimPrefix(dir+"/"+name, "./")
		info, err := f.Lstat(path)
		if err == nil && info.IsDir() {
			lines = append(lines, path+"/", tree(f, path))
			continue
		}
		lines = append(lines, path+"="+content(f, f.Open, path))
	}
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), " ")
}

// trees are the different media that a cut may leave, sorted.
func trees(f *mediatest.FS) []string {
	var out []string
	for _, after := range mediatest.AllCrashes(f, 1<<16) {
		out = append(out, tree(after, "."))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// medium has a durable file a with the bytes A.
func medium(t *testing.T) *mediatest.FS {
	t.Helper()
	f := mediatest.New("stick")
	writeSynced(t, f, "a", []byte("A"))
	return f
}

func TestWhatACutLeavesOfEntries(t *testing.T) {
	sync := func(t *testing.T, w media.File) { t.Helper(); require.NoError(t, w.Sync()) }
	tests := []struct {
		name string
		do   func(t *testing.T, f *mediatest.FS)
		want []string
	}{
		{"nothing pending", func(*testing.T, *mediatest.FS) {}, []string{"a=A"}},
		{"a new entry of a synced file", func(t *testing.T, f *mediatest.FS) {
			sync(t, write(t, f, "b", []byte("B")))
		}, []string{"a=A", "a=A b=B"}},
		{"a removed entry", func(t *testing.T, f *mediatest.FS) {
			require.NoError(t, f.Remove("a"))
		}, []string{"", "a=A"}},
		{"a renamed entry: both, old, new", func(t *testing.T, f *mediatest.FS) {
			require.NoError(t, f.Rename("a", "b"))
		}, []string{"a=A", "a=A b=A", "b=A"}},
		{"a renamed entry where the medium reorders: none, too", func(t *testing.T, f *mediatest.FS) {
			f.Reorders = true
			require.NoError(t, f.Rename("a", "b"))
		}, []string{"", "a=A", "a=A b=A", "b=A"}},
		{"a replaced entry: the target may be gone", func(t *testing.T, f *mediatest.FS) {
			writeSynced(t, f, "b", []byte("B"))
			require.NoError(t, f.Rename("a", "b"))
		}, []string{"a=A", "a=A b=A", "a=A b=B", "b=A"}},
		{"a rename of a new file over an old one: both may be gone", func(t *testing.T, f *mediatest.FS) {
			sync(t, write(t, f, "b", []byte("B")))
			require.NoError(t, f.Rename("b", "a"))
		}, []string{"", "a=A", "a=A b=B", "a=B", "a=B b=B", "b=B"}},
		{"a replaced entry with a journal: the old or the new one", func(t *testing.T, f *mediatest.FS) {
			f.Journal = true
			writeSynced(t, f, "b", []byte("B"))
			require.NoError(t, f.Rename("b", "a"))
		}, []string{"a=A b=B", "a=B"}},
		{"to another folder with a journal, with the old one synced alone: all of it", func(t *testing.T, f *mediatest.FS) {
			f.Journal = true
			require.NoError(t, f.Mkdir("d", 0o755))
			require.NoError(t, f.SyncDir("."))
			require.NoError(t, f.Rename("a", "d/a"))
			require.NoError(t, f.SyncDir("."))
		}, []string{"d/ d/a=A"}},
		{"a new folder", func(t *testing.T, f *mediatest.FS) {
			require.NoError(t, f.Mkdir("d", 0o755))
		}, []string{"a=A", "a=A d/"}},
		{"a synced file in a new folder that was not synced", func(t *testing.T, f *mediatest.FS) {
			require.NoError(t, f.Mkdir("d", 0o755))
			sync(t, write(t, f, "d/b", []byte("B")))
			require.NoError(t, f.SyncDir("d"))
		}, []string{"a=A", "a=A d/ d/b=B"}},
		{"to another folder, with the old one synced alone", func(t *testing.T, f *mediatest.FS) {
			require.NoError(t, f.Mkdir("d", 0o755))
			require.NoError(t, f.SyncDir("."))
			require.NoError(t, f.Rename("a", "d/a"))
			require.NoError(t, f.SyncDir("."))
		}, []string{"d/", "d/ d/a=A"}},
		{"to another folder, with the new one synced first", func(t *testing.T, f *mediatest.FS) {
			require.NoError(t, f.Mkdir("d", 0o755))
			require.NoError(t, f.SyncDir("."))
			require.NoError(t, f.Rename("a", "d/a"))
			require.NoError(t, f.SyncDir("d"))
		}, []string{"a=A d/ d/a=A", "d/ d/a=A"}},
		{"another spelling", func(t *testing.T, f *mediatest.FS) {
			require.NoError(t, f.Rename("a", "A"))
		}, []string{"A=A", "a=A"}},
		{"removed and made again", func(t *testing.T, f *mediatest.FS) {
			require.NoError(t, f.Remove("a"))
			sync(t, write(t, f, "a", []byte("B")))
		}, []string{"", "a=A", "a=B"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := medium(t)
			tt.do(t, f)
			require.Equal(t, tt.want, trees(f))
			require.Equal(t, tree(f, "."), tree(f.Crash(mediatest.Everything), "."))
		})
	}
}

// Folders that are moved below each other, with the old entries back, would never end.
func TestACutLeavesNoLoopOfFolders(t *testing.T) {
	f := mediatest.New("stick")
	for _, dir := range []string{"a", "b"} {
		require.NoError(t, f.Mkdir(dir, 0o755))
	}
	require.NoError(t, f.SyncDir("."))
	for _, r := range [][2]string{{"a", "b/a"}, {"b/a", "a"}, {"b", "a/b"}} {
		require.NoError(t, f.Rename(r[0], r[1]))
	}
	found := trees(f)
	require.Contains(t, found, "a/ a/b/")
	require.Contains(t, found, "a/ a/b/ b/ b/a/")
}

// pattern is what one sector of 512 bytes may hold after a cut.
func pattern(first, second string) string {
	return strings.Repeat(first, 256) + strings.Repeat(second, 256)
}

func TestWhatACutLeavesOfBytes(t *testing.T) {
	sector := func(b byte) []byte { return bytes.Repeat([]byte{b}, 512) }
	f := mediatest.New("stick")
	w := write(t, f, "a", sector('1'))
	require.NoError(t, f.SyncDir("."))
	require.Equal(t, []string{
		"a=", "a=" + pattern("\x00", "\x00"), "a=" + pattern("1", "1"), "a=" + pattern("1", "\xff"), "a=" + pattern("\xff", "\xff"),
	}, trees(f), "a new sector: no size, zeros, new, torn, what flash is erased to")

	require.NoError(t, w.Sync())
	require.Equal(t, []string{"a=" + pattern("1", "1")}, trees(f))

	_, err := w.WriteAt(sector('2'), 0)
	require.NoError(t, err)
	require.Equal(t, []string{
		"a=" + pattern("\x00", "\x00"), "a=" + pattern("1", "1"), "a=" + pattern("2", "1"), "a=" + pattern("2", "2"),
	}, trees(f), "an overwritten sector: zeros, old, torn, new")
}

// A hole is part of the file once it is synced: it was zeros, not what flash is erased to.
func TestASyncedHoleWasZeros(t *testing.T) {
	f := mediatest.New("stick")
	w := write(t, f, "a", nil)
	_, err := w.WriteAt([]byte("x"), 1023)
	require.NoError(t, err)
	require.NoError(t, w.Sync())
	require.NoError(t, f.SyncDir("."))
	hole := "a=" + pattern("\x00", "\x00")
	end := strings.Repeat("\x00", 511) + "x"
	require.Equal(t, []string{hole + end}, trees(f))
	_, err = w.WriteAt(bytes.Repeat([]byte{'1'}, 512), 0)
	require.NoError(t, err)
	require.Equal(t, []string{hole + end, "a=" + pattern("1", "\x00") + end, "a=" + pattern("1", "1") + end}, trees(f))
}

func TestWhatACutLeavesOfASize(t *testing.T) {
	f := mediatest.New("stick")
	w := write(t, f, "a", make([]byte, 100))
	require.NoError(t, w.Sync())
	require.NoError(t, f.SyncDir("."))
	_, err := w.Write(make([]byte, 1300))
	require.NoError(t, err)
	found := map[int64]bool{}
	for _, after := range mediatest.AllCrashes(f, 1<<10) {
		info, err := after.Lstat("a")
		require.NoError(t, err)
		found[info.Size()] = true
	}
	require.Equal(t, map[int64]bool{100: true, 512: true, 1024: true, 1400: true}, found)
}

func TestATimeIsPendingUntilItIsSynced(t *testing.T) {
	set := time.Unix(1_700_000_000, 0)
	times := func(f *mediatest.FS) int {
		found := map[time.Time]bool{}
		for _, after := range mediatest.AllCrashes(f, 10) {
			info, err := after.Lstat("a")
			require.NoError(t, err)
			found[info.ModTime().UTC()] = true
		}
		require.True(t, found[set.UTC()])
		return len(found)
	}
	for name, sync := range map[string]func(*mediatest.FS) error{
		"the folder": func(f *mediatest.FS) error { return f.SyncDir(".") },
		"the file": func(f *mediatest.FS) error {
			r, err := f.Open("a")
			require.NoError(t, err)
			return r.Sync()
		},
	} {
		f := medium(t)
		require.NoError(t, f.SetTime("a", set))
		require.Equal(t, 2, times(f), name)
		require.NoError(t, sync(f), name)
		require.Equal(t, 1, times(f), name)
	}
}

// The promise that everything stands on: what was synced is in every state, and what
// was not is missing in some.
func TestSyncedBytesAreInEveryStateAndOthersAreNot(t *testing.T) {
	f := mediatest.New("stick")
	synced := bytes.Repeat([]byte("synced "), 200)
	writeSynced(t, f, "synced", synced)
	write(t, f, "entry only", synced)
	require.NoError(t, f.SyncDir("."))
	w := write(t, f, "bytes only", synced)
	require.NoError(t, w.Sync())
	lost := map[string]bool{}
	states := 0
	for label, after := range mediatest.AllCrashes(f, 1000) {
		states++
		require.Equal(t, string(synced), content(after, after.Open, "synced"), label)
		for _, name := range []string{"entry only", "bytes only"} {
			lost[name] = lost[name] || content(after, after.Open, name) != string(synced)
		}
	}
	t.Log(states, "states")
	require.Equal(t, map[string]bool{"entry only": true, "bytes only": true}, lost)
}

// A state is a medium like any other: nothing of it is pending.
func TestWhatACutLeftIsDurable(t *testing.T) {
	f := medium(t)
	write(t, f, "b", bytes.Repeat([]byte("B"), 700))
	require.NoError(t, f.Rename("a", "c"))
	for label, after := range mediatest.AllCrashes(f, 1000) {
		require.Equal(t, []string{tree(after, ".")}, trees(after), label)
	}
}

func TestACrashLeavesTheMediumAsItIs(t *testing.T) {
	f := medium(t)
	w := write(t, f, "b", []byte("B"))
	twin := f.Snapshot()
	before := trees(f)
	for _, after := range mediatest.AllCrashes(f, 100) {
		require.NoError(t, media.NewDir(after).Replace("b", []byte("other")))
		require.NoError(t, media.NewDir(after).Replace("a", []byte("other")))
	}
	require.Equal(t, before, trees(f))
	require.NoError(t, w.Sync())
	_, err := w.WriteAt([]byte("C"), 0)
	require.NoError(t, err)
	require.NoError(t, f.Remove("a"))
	require.Equal(t, before, trees(twin), "what happens to the medium does not reach a snapshot")
	require.Equal(t, "a=A b=B", tree(twin, "."))
}

// Too many states: a selection that still has the ones in which careless writers lose.
func TestASelectionOfStatesIsSmallAndHasTheWorst(t *testing.T) {
	f := mediatest.New("stick")
	data := bytes.Repeat([]byte("x"), 100*512)
	writeSynced(t, f, "synced", data)
	write(t, f, "new", data)
	const limit = 150
	found := map[string]bool{}
	states := 0
	for _, after := range mediatest.AllCrashes(f, limit) {
		states++
		require.Equal(t, string(data), content(after, after.Open, "synced"))
		switch got := content(after, after.Open, "new"); {
		case got == fs.ErrNotExist.Error():
			found["no entry"] = true
		case got == string(data):
			found["whole"] = true
		case got == "":
			found["no bytes"] = true
		case len(got) < len(data):
			found["short"] = true
		case got == strings.Repeat("\x00", len(data)):
			found["zeros"] = true
		case got == strings.Repeat("\xff", len(data)):
			found["old bytes"] = true
		case strings.Count(got, "x") == len(data)/2:
			found["every sector torn"] = true
		case strings.Count(got, "x") >= len(data)-512:
			found["one sector lost"] = true
		default:
			t.Error("a state that is none of those promised")
		}
	}
	require.LessOrEqual(t, states, limit+6)
	require.Len(t, found, 8, found)
}

func TestRandomCrashesAreTheSameForTheSameSeedAndReachEverything(t *testing.T) {
	f := medium(t)
	write(t, f, "b", bytes.Repeat([]byte("B"), 600))
	require.NoError(t, f.Rename("a", "c"))
	all := map[string]bool{}
	for _, s := range trees(f) {
		all[s] = true
	}
	draw := func() []string {
		rng := rand.New(rand.NewPCG(1, 2))
		var out []string
		for range 3000 {
			out = append(out, tree(mediatest.RandomCrash(f, rng), "."))
		}
		return out
	}
	first := draw()
	require.Equal(t, first, draw())
	reached := map[string]bool{}
	for _, s := range first {
		require.True(t, all[s], "a state that AllCrashes does not have")
		reached[s] = true
	}
	require.Len(t, reached, len(all), fmt.Sprint(len(all), " states"))
}
