package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Dir is a folder that stands for a medium: a mounted stick or any directory.
type Dir struct {
	fs FS
}

// OpenDir opens an existing folder.
func OpenDir(name string) (*Dir, error) {
	f, err := OpenFS(name)
	if err != nil {
		return nil, err
	}
	return NewDir(f), nil
}

// NewDir takes an FS for a medium.
func NewDir(f FS) *Dir { return &Dir{fs: f} }

// Close releases the folder.
func (d *Dir) Close() error { return d.fs.Close() }

// Lock keeps other processes from writing to the folder at the same time. The lock is
// advisory and ends with the process.
func (d *Dir) Lock() (unlock func(), err error) { return d.fs.Lock() }

// Name is the path it was opened with.
func (d *Dir) Name() string { return d.fs.Name() }

// Read returns the bytes of a regular file. Keeps G28.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	f, err := d.fs.Open(path.Clean(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, name, limit)
}

func readAll(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, tooLarge(name, limit)
	}
	return data, nil
}

// Open opens a regular file of any size.
func (d *Dir) Open(name string) (Blob, error) { return openBlob(d.fs.Open, name) }

// OpenCold is Open past the cache of the system, for reading back what was just
// written. Keeps G25.
func (d *Dir) OpenCold(name string) (Blob, error) { return openBlob(d.fs.OpenCold, name) }

func openBlob(open func(string) (File, error), name string) (Blob, error) {
	f, err := open(path.Clean(name))
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		f.Close()
		return nil, err
	}
	return fileBlob{f, size}, nil
}

type fileBlob struct {
	File
	size int64
}

func (b fileBlob) Size() int64 { return b.size }

// List returns the names in a folder, sorted.
func (d *Dir) List(dir string) ([]string, error) {
	names, err := d.fs.List(path.Clean(dir), maxEntries+1)
	if err != nil {
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
	_, err := d.fs.Lstat(path.Clean(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Modes of what is on a medium: it may be read by whoever checks it.
const (
	fileMode   fs.FileMode = 0o644
	folderMode fs.FileMode = 0o755
)

// MkdirAll makes a folder and those above it, and makes them durable.
func (d *Dir) MkdirAll(dir string) error { return MkdirAll(d.fs, dir, folderMode) }

// Pending is a file that is being written. It has a temporary name until Commit, and
// after a power cut it is there whole or not at all.
type Pending struct {
	fs         FS
	file       File
	name, temp string
	replaces   bool // there may be a file of that name
	closed     bool
}

// Create begins a file that must not exist. The caller commits or aborts it.
func (d *Dir) Create(name string) (*Pending, error) {
	exists, err := d.Exists(name)
	if err != nil {
		return nil, err
	}
	if exists {
		return nil, &fs.PathError{Op: "write", Path: name, Err: fs.ErrExist}
	}
	return d.begin(name)
}

func (d *Dir) begin(name string) (*Pending, error) {
	name = path.Clean(name)
	p := &Pending{fs: d.fs, name: name, temp: TempName(name)}
	// The rest of an interrupted write of the same file.
	if err := d.fs.Remove(p.temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := d.fs.Create(p.temp, fileMode)
	if err != nil {
		return nil, err
	}
	p.file = f
	return p, nil
}

// Write appends.
func (p *Pending) Write(b []byte) (int, error) { return p.file.Write(b) }

// WriteAt writes at an offset.
func (p *Pending) WriteAt(b []byte, offset int64) (int, error) { return p.file.WriteAt(b, offset) }

// ReadAt reads what was written.
func (p *Pending) ReadAt(b []byte, offset int64) (int, error) { return p.file.ReadAt(b, offset) }

// Sync makes what was written durable: it can be read past the cache then.
func (p *Pending) Sync() error { return p.file.Sync() }

// Commit gives the file its name: fsync → close → rename → fsync of the folder. What
// has the name already stays until then. After an error nothing is left of the file; a
// failed fsync is never tried again, since the system may have dropped the bytes. Keeps G4.
func (p *Pending) Commit() error {
	err := p.Sync()
	p.closed = true
	if closeErr := p.file.Close(); err == nil {
		err = closeErr
	}
	if err == nil && p.replaces {
		// Where a rename is not one step, as on FAT, a power cut may leave the temporary
		// name alone: that must be durable then.
		err = p.fs.SyncDir(path.Dir(p.name))
	}
	if err == nil {
		err = p.fs.Rename(p.temp, p.name)
	}
	if err != nil {
		_ = p.fs.Remove(p.temp)
		return err
	}
	return p.fs.SyncDir(path.Dir(p.name))
}

// Keep makes the file durable under its temporary name; Adopt gives it its own then. After an error nothing
// is left of it.
func (p *Pending) Keep() error {
	err := p.Sync()
	p.closed = true
	if closeErr := p.file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = p.fs.SyncDir(path.Dir(p.name))
	}
	if err != nil {
		_ = p.fs.Remove(p.temp)
	}
	return err
}

// Abort removes the file, unless it is committed or kept.
func (p *Pending) Abort() {
	if !p.closed {
		p.closed = true
		p.file.Close()
		_ = p.fs.Remove(p.temp)
	}
}

// Commit writes a file that must not exist: Create, and all of it.
func (d *Dir) Commit(name string, data []byte) error {
	p, err := d.Create(name)
	if err != nil {
		return err
	}
	return p.all(data)
}

// Replace is Commit for a file that may exist. Its old content stays until the new one was
// read back and renamed: a medium that loses what is written to it loses that alone. A
// power cut leaves the old content or the new one, whole; or, where a rename is not atomic
// as on FAT, nothing under the name. What must never be gone is not replaced: it gets a
// new name each time. Keeps G22.
func (d *Dir) Replace(name string, data []byte) error {
	p, err := d.Rewrite(name)
	if err != nil {
		return err
	}
	defer p.Abort()
	if _, err := p.Write(data); err != nil {
		return err
	}
	if err := p.Sync(); err != nil {
		return err
	}
	if err := d.readBack(p.temp, name, data); err != nil {
		return err
	}
	return p.Commit()
}

func (p *Pending) all(data []byte) error {
	if _, err := p.Write(data); err != nil {
		p.Abort()
		return err
	}
	return p.Commit()
}

// Rewrite is Create for a file that may exist; its old content stays until Commit. See
// Replace for a power cut.
func (d *Dir) Rewrite(name string) (*Pending, error) {
	if err := d.makeWay(name); err != nil {
		return nil, err
	}
	p, err := d.begin(name)
	if err == nil {
		p.replaces = true
	}
	return p, err
}

// makeWay removes an empty folder where a file is to be, which no file can replace. One that
// has something in it is not ours to remove.
func (d *Dir) makeWay(name string) error {
	name = path.Clean(name)
	info, err := d.fs.Lstat(name)
	if err != nil || !info.IsDir() {
		return nil //nolint:nilerr // whoever writes the file finds out what is wrong
	}
	if err := d.fs.Remove(name); err != nil {
		return fmt.Errorf("%q is a folder with something in it, where a file must be: move it away", path.Base(name))
	}
	return d.fs.SyncDir(path.Dir(name))
}

func tempName(base string) string { return "." + base + ".tmp" }

// TempName is the name that a file has while it is written.
func TempName(name string) string { return path.Join(path.Dir(name), tempName(path.Base(name))) }

// Adopt gives the rest of an interrupted write its name. A power cut in the middle of
// a rename on FAT can leave only that of a file. What has the name is replaced: the caller
// has proven that the rest is whole, or that there is nothing else.
func (d *Dir) Adopt(name string) error {
	if err := d.makeWay(name); err != nil {
		return err
	}
	name = path.Clean(name)
	if err := d.fs.Rename(TempName(name), name); err != nil {
		return err
	}
	return d.fs.SyncDir(path.Dir(name))
}

// KeepRest gives the rest of an interrupted write the temporary name of another file, so that
// the file can be written again beside it.
func (d *Dir) KeepRest(name, as string) error {
	if err := d.fs.Rename(TempName(path.Clean(name)), TempName(path.Clean(as))); err != nil {
		return err
	}
	return d.fs.SyncDir(path.Dir(path.Clean(name)))
}

// IsTemp tells the rest of an interrupted write by its name.
func IsTemp(name string) bool {
	_, temporary := CutTemp(path.Base(name))
	return temporary
}

// CutTemp gives the name that a file would have got, without its folder.
func CutTemp(base string) (final string, temporary bool) {
	final, dotted := strings.CutPrefix(base, ".")
	final, temporary = strings.CutSuffix(final, ".tmp")
	return final, dotted && temporary && final != ""
}

// DifferentError is returned where a medium gives back something else than what was
// written to it.
type DifferentError struct{ Name string }

func (e *DifferentError) Error() string {
	return fmt.Sprintf("%q reads back differently from what was written: do not trust this medium", e.Name)
}

// ReadBack proves that the medium holds the data: it reads it past the cache of the
// system. Keeps G25.
func (d *Dir) ReadBack(name string, data []byte) error { return d.readBack(name, name, data) }

// readBack calls the file by another name in errors, where it has a temporary one.
func (d *Dir) readBack(name, shown string, data []byte) error {
	f, err := d.fs.OpenCold(path.Clean(name))
	if err != nil {
		return err
	}
	defer f.Close()
	rest := expected(data)
	_, err = io.Copy(&rest, io.LimitReader(f, int64(len(data))+1))
	switch {
	case errors.Is(err, errUnexpected), err == nil && len(rest) > 0:
		return &DifferentError{shown}
	case err != nil:
		return fmt.Errorf("reading %q back: %w", shown, err)
	}
	return nil
}

// expected is a writer that takes these bytes and no others.
type expected []byte

var errUnexpected = errors.New("other bytes than expected")

func (e *expected) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(*e, p) {
		return 0, errUnexpected
	}
	*e = (*e)[len(p):]
	return len(p), nil
}

// RemoveAll removes a file or folder that an interrupted write left; nothing
// there is no error.
func (d *Dir) RemoveAll(name string) error {
	if exists, err := d.Exists(name); err != nil || !exists {
		return err
	}
	name = path.Clean(name)
	if err := RemoveAll(d.fs, name); err != nil {
		return err
	}
	return d.fs.SyncDir(path.Dir(name))
}
