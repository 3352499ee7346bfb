package media

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Dir is a folder that stands for a medium: a mounted stick or any directory.
// No operation leaves it, not even through a symbolic link (os.Root).
type Dir struct {
	root *os.Root
}

// OpenDir opens an existing folder.
func OpenDir(name string) (*Dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &Dir{root: root}, nil
}

// Close releases the folder.
func (d *Dir) Close() error { return d.root.Close() }

// ErrBusy is returned by Lock while another process writes to the folder.
var ErrBusy = errors.New("another coldvault is writing to it")

// Lock keeps other processes from writing to the folder at the same time. The lock is
// advisory and ends with the process.
func (d *Dir) Lock() (unlock func(), err error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, fmt.Errorf("%s: %w", d.Name(), ErrBusy)
	case err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.ENOLCK):
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", d.Name(), err)
	}
	return func() { f.Close() }, nil
}

// Name is the path it was opened with.
func (d *Dir) Name() string { return d.root.Name() }

// Read returns the bytes of a regular file.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	f, err := d.openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, tooLarge(name, limit)
	}
	return data, nil
}

// openRegular refuses devices, pipes and folders. O_NONBLOCK keeps the open of
// a pipe from waiting for a writer.
func (d *Dir) openRegular(name string) (*os.File, error) {
	f, err := d.root.OpenFile(path.Clean(name), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// List returns the names in a folder, sorted.
func (d *Dir) List(dir string) ([]string, error) {
	f, err := d.root.Open(path.Clean(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > maxEntries {
		return nil, fmt.Errorf("%q has more than %d entries", dir, maxEntries)
	}
	slices.Sort(names)
	return names, nil
}

// Exists tells whether there is anything of that name.
func (d *Dir) Exists(name string) (bool, error) {
	_, err := d.root.Lstat(path.Clean(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// MkdirAll makes a folder and those above it, and makes them durable: the entry
// of a new folder is in the one above, so each is synced.
func (d *Dir) MkdirAll(dir string) error {
	dir = path.Clean(dir)
	if err := d.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for ; dir != "."; dir = path.Dir(dir) {
		// umask is 077 for the whole process; what is on a medium may be
		// read by whoever checks it. FAT has no modes: not fatal.
		_ = d.root.Chmod(dir, 0o755)
		if err := d.syncDir(path.Dir(dir)); err != nil {
			return err
		}
	}
	return nil
}

// Commit writes a file so that after a power cut it is there whole or not at
// all: temporary file (never an existing one) → write → fsync → close → rename →
// fsync of the folder. It refuses a name that exists; Replace does not. After an
// error nothing is left behind.
func (d *Dir) Commit(name string, data []byte) error {
	exists, err := d.Exists(name)
	if err != nil {
		return err
	}
	if exists {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrExist}
	}
	return d.Replace(name, data)
}

// Replace is Commit for a file that may exist; its old content stays until the
// new one is durable.
func (d *Dir) Replace(name string, data []byte) error {
	name = path.Clean(name)
	temp := path.Join(path.Dir(name), tempName(path.Base(name)))
	// The rest of an interrupted write of the same file.
	if err := d.root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		_ = f.Chmod(0o644) // see MkdirAll
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = d.root.Rename(temp, name)
	}
	if err != nil {
		_ = d.root.Remove(temp)
		return err
	}
	return d.syncDir(path.Dir(name))
}

func tempName(base string) string { return "." + base + ".tmp" }

// IsTemp tells the rest of an interrupted Commit by its name.
func IsTemp(name string) bool {
	base := path.Base(name)
	return len(base) > len("..tmp") && base[0] == '.' && path.Ext(base) == ".tmp"
}

// ReadBack proves that the medium holds the data: it drops what the system has
// cached of the file and reads it again.
func (d *Dir) ReadBack(name string, data []byte) error {
	f, err := d.openRegular(name)
	if err != nil {
		return err
	}
	defer f.Close()
	// Advice only; tmpfs has no medium behind the cache and ignores it.
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	digest := sha256.New()
	n, err := io.Copy(digest, io.LimitReader(f, int64(len(data))+1))
	if err != nil {
		return fmt.Errorf("reading %q back: %w", name, err)
	}
	want := sha256.Sum256(data)
	if n != int64(len(data)) || !bytes.Equal(digest.Sum(nil), want[:]) {
		return fmt.Errorf("%q reads back differently from what was written: do not trust this medium", name)
	}
	return nil
}

// RemoveAll removes a file or folder that an interrupted write left; nothing
// there is no error.
func (d *Dir) RemoveAll(name string) error {
	if exists, err := d.Exists(name); err != nil || !exists {
		return err
	}
	if err := d.root.RemoveAll(path.Clean(name)); err != nil {
		return err
	}
	return d.syncDir(path.Dir(path.Clean(name)))
}

// syncDir makes the entries of a folder durable. Some file systems have nothing
// to sync there and say EINVAL.
func (d *Dir) syncDir(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
