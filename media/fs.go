package media

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// FS is what this package needs of a file system. Names are slash-separated and
// relative to its root; no operation leaves the root, not even through a symbolic
// link. The real one is OpenFS; package mediatest has one that fails and loses
// power.
//
// What is durable when: the bytes of a file after File.Sync; the entry of a new,
// renamed or removed file after SyncDir of its folder; nothing else.
type FS interface {
	// Name is what the operator calls it.
	Name() string
	// Create makes a file that must not exist yet, to write and read.
	Create(name string, perm fs.FileMode) (File, error)
	// Open opens a regular file to read. Folders, devices and pipes are refused.
	Open(name string) (File, error)
	// OpenCold is Open past the cache of the system where that can be had: what it
	// reads comes from the medium.
	OpenCold(name string) (File, error)
	// List returns at most limit names of a folder, in no order.
	List(dir string, limit int) ([]string, error)
	// Lstat does not follow a link.
	Lstat(name string) (fs.FileInfo, error)
	// Mkdir makes one folder.
	Mkdir(name string, perm fs.FileMode) error
	// Rename replaces what has the new name.
	Rename(from, to string) error
	// Remove removes a file, a link or an empty folder.
	Remove(name string) error
	// SetTime sets when a file was modified.
	SetTime(name string, modified time.Time) error
	// SyncDir makes the entries of a folder durable.
	SyncDir(dir string) error
	// Lock keeps other processes out that lock; the lock ends with the process.
	// ErrBusy where another has it.
	Lock() (unlock func(), err error)
	// Close releases the root.
	Close() error
}

// File is an open file of an FS. ReadAt may be called concurrently.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	io.Closer
	// Size is the length in bytes now.
	Size() (int64, error)
	// Sync makes the bytes durable.
	Sync() error
}

// ErrBusy is returned by Lock while another process writes to the folder.
var ErrBusy = errors.New("another coldvault is writing to it")

var errNotRegular = errors.New("not a regular file")

// rootFS is an FS below a folder of the system.
type rootFS struct {
	root *os.Root
}

// OpenFS opens an existing folder as an FS.
func OpenFS(name string) (FS, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return RootFS(root), nil
}

// RootFS is the FS of a folder that is open already; Close closes it.
func RootFS(root *os.Root) FS { return rootFS{root} }

func (r rootFS) Name() string { return r.root.Name() }
func (r rootFS) Close() error { return r.root.Close() }

func (r rootFS) Create(name string, perm fs.FileMode) (File, error) {
	f, err := r.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	// umask is 077 for the whole process; what is on a medium may be read by
	// whoever checks it. FAT has no modes: not fatal.
	_ = f.Chmod(perm)
	return &rootFile{File: f}, nil
}

// Open has O_NONBLOCK: the open of a pipe must not wait for a writer.
func (r rootFS) Open(name string) (File, error) { return r.open(name, 0) }

func (r rootFS) open(name string, flag int) (*rootFile, error) {
	f, err := r.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|flag, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &rootFile{File: f}, nil
}

func (r rootFS) OpenCold(name string) (File, error) {
	f, err := r.open(name, 0)
	if err != nil {
		return nil, err
	}
	// Advice only: the pages must be clean, which they are after fsync.
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	return r.direct(name, f), nil
}

func (r rootFS) List(dir string, limit int) ([]string, error) {
	f, err := r.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(limit)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return names, nil
}

func (r rootFS) Lstat(name string) (fs.FileInfo, error) { return r.root.Lstat(name) }

func (r rootFS) Mkdir(name string, perm fs.FileMode) error {
	if err := r.root.Mkdir(name, perm); err != nil {
		return err
	}
	_ = r.root.Chmod(name, perm) // see Create
	return nil
}

func (r rootFS) Rename(from, to string) error { return r.root.Rename(from, to) }
func (r rootFS) Remove(name string) error     { return r.root.Remove(name) }

func (r rootFS) SetTime(name string, modified time.Time) error {
	return r.root.Chtimes(name, modified, modified)
}

// SyncDir: some file systems have nothing to sync in a folder and say EINVAL.
func (r rootFS) SyncDir(dir string) error {
	f, err := r.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

func (r rootFS) Lock() (unlock func(), err error) {
	f, err := r.root.Open(".")
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, fmt.Errorf("%s: %w", r.Name(), ErrBusy)
	case err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.ENOLCK):
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", r.Name(), err)
	}
	return func() { f.Close() }, nil
}

// rootFile is an open file of the system.
type rootFile struct {
	*os.File
	written, started int64
}

// writeback is how much is written before the system is told to bring it to the
// medium. Without that a stick takes gigabytes at the speed of memory and then
// stands still in fsync: the progress shown would be a lie.
const writeback = 16 << 20

func (f *rootFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.written += int64(n)
	if f.written-f.started >= 2*writeback {
		// Begins with the newest window and waits for the one before it. Advice
		// only: Sync is what counts, and reports what went wrong.
		_ = unix.SyncFileRange(int(f.Fd()), f.started+writeback, writeback, unix.SYNC_FILE_RANGE_WRITE)
		_ = unix.SyncFileRange(int(f.Fd()), f.started, writeback,
			unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
		f.started += writeback
	}
	return n, err
}

func (f *rootFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// MkdirAll makes a folder and those above it, and makes them durable: the entry
// of a new folder is in the one above, so each is synced.
func MkdirAll(f FS, dir string, perm fs.FileMode) error {
	if dir = path.Clean(dir); dir == "." {
		return nil
	}
	if info, err := f.Lstat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := MkdirAll(f, path.Dir(dir), perm); err != nil {
		return err
	}
	if err := f.Mkdir(dir, perm); err != nil {
		return err
	}
	return f.SyncDir(path.Dir(dir))
}

// RemoveAll removes a folder with all that is in it, or a file. Links are removed,
// not followed.
func RemoveAll(f FS, name string) error {
	info, err := f.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		names, err := f.List(name, maxEntries)
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := RemoveAll(f, path.Join(name, n)); err != nil {
				return err
			}
		}
	}
	return f.Remove(name)
}
