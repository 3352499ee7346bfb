package mediatest_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// class is what a caller can tell errors apart by.
func class(err error) string {
	for _, c := range []error{
		fs.ErrClosed, media.ErrBusy, io.EOF, syscall.ENOTDIR, syscall.EISDIR, syscall.ENOTEMPTY,
		syscall.ENAMETOOLONG, syscall.EBADF, fs.ErrExist, fs.ErrNotExist,
	} {
		if errors.Is(err, c) {
			return c.Error()
		}
	}
	switch {
	case err == nil:
		return "ok"
	case strings.Contains(err.Error(), "not a regular file"):
		return "not a regular file"
	}
	return "another error"
}

// put writes a file and tells how that went.
func put(f media.FS, name, data string) string {
	w, err := f.Create(name, 0o644)
	if err != nil {
		return class(err)
	}
	n, err := w.Write([]byte(data))
	return fmt.Sprint(n, class(err), class(w.Sync()), class(w.Close()), class(w.Close()), class(w.Sync()))
}

// get reads a file in two ways.
func get(f media.FS, open func(string) (media.File, error), name string) string {
	r, err := open(name)
	if err != nil {
		return class(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	size, sizeErr := r.Size()
	part := make([]byte, 3)
	n, partErr := r.ReadAt(part, 2)
	return fmt.Sprintf("%q %s %d %s %q %s", data, class(err), size, class(sizeErr), part[:n], class(partErr))
}

func list(f media.FS, dir string) string {
	names, err := f.List(dir, 100)
	slices.Sort(names)
	return fmt.Sprint(names, class(err))
}

func stat(f media.FS, name string) string {
	info, err := f.Lstat(name)
	if err != nil {
		return class(err)
	}
	if info.IsDir() {
		return fmt.Sprint(info.Name(), " folder ", info.Mode().IsDir())
	}
	return fmt.Sprint(info.Name(), info.Size(), info.Mode().IsRegular())
}

// TestTheSameOperationsHaveTheSameResultsInMemoryAndInAFolder holds the model against
// the file system of the machine, operation by operation.
func TestTheSameOperationsHaveTheSameResultsInMemoryAndInAFolder(t *testing.T) {
	long := strings.Repeat("n", 300)
	steps := []struct {
		name string
		do   func(f media.FS) string
	}{
		{"create", func(f media.FS) string { return put(f, "a", "hello") }},
		{"create again", func(f media.FS) string { return put(f, "a", "x") }},
		{"create in no folder", func(f media.FS) string { return put(f, "none/a", "x") }},
		{"create below a file", func(f media.FS) string { return put(f, "a/b", "x") }},
		{"create with a long name", func(f media.FS) string { return put(f, long, "x") }},
		{"create outside", func(f media.FS) string { return put(f, "../a", "x") }},
		{"create at an absolute name", func(f media.FS) string { return put(f, "/a", "x") }},
		{"read", func(f media.FS) string { return get(f, f.Open, "a") }},
		{"read cold", func(f media.FS) string { return get(f, f.OpenCold, "a") }},
		{"read what is not there", func(f media.FS) string { return get(f, f.Open, "none") }},
		{"read below a file", func(f media.FS) string { return get(f, f.Open, "a/b") }},
		{"read outside", func(f media.FS) string { return get(f, f.Open, "../a") }},
		{"read a long name", func(f media.FS) string { return get(f, f.Open, long) }},
		{"read a folder", func(f media.FS) string { return get(f, f.Open, ".") + get(f, f.OpenCold, ".") }},
		{"mkdir", func(f media.FS) string { return class(f.Mkdir("d", 0o755)) }},
		{"mkdir again", func(f media.FS) string { return class(f.Mkdir("d", 0o755)) }},
		{"mkdir over a file", func(f media.FS) string { return class(f.Mkdir("a", 0o755)) }},
		{"mkdir in no folder", func(f media.FS) string { return class(f.Mkdir("none/d", 0o755)) }},
		{"mkdir of the root", func(f media.FS) string { return class(f.Mkdir(".", 0o755)) }},
		{"create over a folder", func(f media.FS) string { return put(f, "d", "x") }},
		{"create in a folder", func(f media.FS) string { return put(f, "d/a", "inner") }},
		{"an empty file", func(f media.FS) string { return put(f, "empty", "") + get(f, f.Open, "empty") }},
		{"list", func(f media.FS) string { return list(f, ".") + list(f, "d") }},
		{"list what is not there", func(f media.FS) string { return list(f, "none") }},
		{"list a file", func(f media.FS) string { return list(f, "a") }},
		{"list one name", func(f media.FS) string { names, err := f.List(".", 1); return fmt.Sprint(len(names), class(err)) }},
		{"list all names", func(f media.FS) string { names, err := f.List(".", 0); return fmt.Sprint(len(names), class(err)) }},
		{"lstat", func(f media.FS) string { return stat(f, "a") + stat(f, "d") + stat(f, "d/a") + stat(f, ".") }},
		{"lstat what is not there", func(f media.FS) string { return stat(f, "none") + stat(f, "d/none") }},
		{"lstat below a file", func(f media.FS) string { return stat(f, "a/b") }},
		{"remove a full folder", func(f media.FS) string { return class(f.Remove("d")) }},
		{"remove what is not there", func(f media.FS) string { return class(f.Remove("none")) }},
		{"remove the root", func(f media.FS) string { return class(f.Remove(".")) }},
		{"rename to another folder", func(f media.FS) string { return class(f.Rename("a", "d/b")) + list(f, ".") + list(f, "d") }},
		{"rename over a file", func(f media.FS) string { return class(f.Rename("d/b", "d/a")) + get(f, f.Open, "d/a") }},
		{"rename to itself", func(f media.FS) string { return class(f.Rename("d/a", "d/a")) + list(f, "d") }},
		{"rename what is not there", func(f media.FS) string { return class(f.Rename("none", "d/b")) }},
		{"rename to no folder", func(f media.FS) string { return class(f.Rename("d/a", "none/b")) }},
		{"rename a file over a folder", func(f media.FS) string { return class(f.Mkdir("e", 0o755)) + class(f.Rename("empty", "e")) }},
		{"rename a folder over a file", func(f media.FS) string { return class(f.Rename("e", "empty")) }},
		{"rename a folder over a full one", func(f media.FS) string { return class(f.Rename("e", "d")) }},
		{"rename a folder over an empty one", func(f media.FS) string { return class(f.Rename("d", "e")) + list(f, ".") }},
		{"rename a folder", func(f media.FS) string { return class(f.Rename("d", "g")) + list(f, ".") + list(f, "g") }},
		{"rename a folder to itself", func(f media.FS) string { return class(f.Rename("g", "g")) }},
		{"rename a folder into itself", func(f media.FS) string { return class(f.Rename("g", "g/f")) }},
		{"sync a folder", func(f media.FS) string { return class(f.SyncDir("e")) + class(f.SyncDir(".")) }},
		{"sync no folder", func(f media.FS) string { return class(f.SyncDir("none")) }},
		{"set a time", func(f media.FS) string {
			err := f.SetTime("empty", time.Unix(1_600_000_000, 0))
			info, statErr := f.Lstat("empty")
			return fmt.Sprint(class(err), class(statErr), info.ModTime().Unix())
		}},
		{"set a time of what is not there", func(f media.FS) string { return class(f.SetTime("none", time.Unix(0, 0))) }},
		{"write, read and write at", readWrite},
		{"write to what is open to read", func(f media.FS) string {
			r, err := f.Open("empty")
			_, writeErr := r.Write([]byte("x"))
			return class(err) + class(writeErr) + class(r.Close()) + class(r.Close())
		}},
		{"use after close", func(f media.FS) string {
			w, err := f.Create("closed", 0o644)
			out := class(err) + class(w.Close())
			_, err = w.Write([]byte("x"))
			out += class(err)
			_, err = w.WriteAt([]byte("x"), 0)
			out += class(err)
			_, err = w.Read(make([]byte, 1))
			out += class(err)
			_, err = w.ReadAt(make([]byte, 1), 0)
			out += class(err)
			_, err = w.Size()
			return out + class(err) + class(f.Remove("closed"))
		}},
		{"read after remove", func(f media.FS) string {
			r, err := f.Open("g/a")
			removed := f.Remove("g/a")
			data, readErr := io.ReadAll(r)
			return class(err) + class(removed) + string(data) + class(readErr) + class(r.Close()) + list(f, "g")
		}},
		{"lock", func(f media.FS) string {
			unlock, err := f.Lock()
			_, busy := f.Lock()
			unlock()
			unlock()
			again, err2 := f.Lock()
			again()
			return class(err) + class(busy) + class(err2)
		}},
		{"close", func(f media.FS) string {
			closed := class(f.Close())
			_, lockErr := f.Lock()
			return closed + stat(f, "e") + list(f, ".") + put(f, "z", "x") + get(f, f.Open, "empty") +
				class(f.Mkdir("z", 0o755)) + class(f.Remove("e")) + class(f.Rename("e", "z")) + class(f.SyncDir(".")) +
				class(f.SetTime("e", time.Unix(0, 0))) + class(lockErr)
		}},
	}
	folder, err := media.OpenFS(t.TempDir())
	require.NoError(t, err)
	memory := mediatest.New("memory")
	faults := mediatest.NewFaults(mediatest.New("faults"))
	for _, s := range steps {
		want := s.do(folder)
		require.Equal(t, want, s.do(memory), s.name)
		require.Equal(t, want, s.do(faults), s.name)
	}
}

// readWrite uses one open file in all ways.
func readWrite(f media.FS) string {
	w, err := f.Create("rw", 0o644)
	out := class(err)
	note := func(n int, err error) { out += fmt.Sprint(" ", n, class(err)) }
	note(w.Write([]byte("0123456789")))
	note(w.WriteAt([]byte("AB"), 4))
	note(w.WriteAt([]byte("far"), 1500)) // leaves a hole
	note(w.Write([]byte("x")))           // at 10, not at the end
	note(w.WriteAt([]byte("x"), -1))
	note(w.WriteAt(nil, 5000))
	data := make([]byte, 1600)
	n, err := w.ReadAt(data, 0)
	note(n, err)
	out += fmt.Sprintf(" %x", data[:n])
	note(w.ReadAt(nil, 9999))
	note(w.ReadAt(data, 1503))
	note(w.ReadAt(data, -1))
	note(w.Read(data[:5]))
	out += fmt.Sprintf(" %x", data[:5])
	note(w.Write([]byte("y"))) // reading moved the offset
	return out + class(w.Close()) + get(f, f.Open, "rw")
}

// TestRandomOperationsHaveTheSameResultsInMemoryAndInAFolder finds what no one thought
// of. Names differ in more than their case here.
func TestRandomOperationsHaveTheSameResultsInMemoryAndInAFolder(t *testing.T) {
	for seed := range uint64(20) {
		folder, err := media.OpenFS(t.TempDir())
		require.NoError(t, err)
		memory := mediatest.New("memory")
		rng := rand.New(rand.NewPCG(seed, 0))
		names := []string{"a", "b", "a/a", "a/b", "b/a", "b/b", "a/a/a"}
		for i := range 300 {
			kind, one, other := rng.IntN(7), names[rng.IntN(len(names))], names[rng.IntN(len(names))]
			do := func(f media.FS) string {
				switch kind {
				case 0:
					return put(f, one, other)
				case 1:
					return class(f.Mkdir(one, 0o755))
				case 2, 3:
					return class(f.Rename(one, other))
				case 4:
					return class(f.Remove(one))
				case 5:
					return class(f.SyncDir("."))
				}
				return get(f, f.Open, one) + stat(f, one) + list(f, one)
			}
			require.Equal(t, do(folder), do(memory), "seed %d, operation %d: %d %s %s", seed, i, kind, one, other)
		}
		require.NoError(t, folder.Close())
	}
}
