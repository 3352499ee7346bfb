package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// File is a new file. It has no name until it is whole (open(2), O_TMPFILE): whatever ends
// the program before that, nothing is left of it, and to name it takes no right to open or
// remove what else is in its folder.
type File struct {
	name    string
	mode    fs.FileMode
	unnamed *os.File // nil where the file system has no such files
	folder  *os.File // that it gets its name in
	err     error
}

var (
	errNoUnnamed = errors.New("this file system has no files without a name")
	// errUnsynced tells that a file is there and may be gone after a power cut.
	errUnsynced = errors.New("it is written, but its folder could not be synced")
)

// Pages opens the file for pages.
func (o *Outputs) Pages(name string) *File { return o.file(name, 0o644) }

// Calendar opens the file for a calendar, which names custodians and places; nil for "".
func (o *Outputs) Calendar(name string) *File {
	if name == "" {
		return nil
	}
	return o.file(name, 0o600)
}

// file opens a file. Where it cannot be one without a name, it is made in the end, and the
// sandbox has to grant everything in its folder.
func (o *Outputs) file(name string, mode fs.FileMode) *File {
	f := o.open(name, mode)
	if errors.Is(f.err, errNoUnnamed) {
		f.err = nil
		o.paths.Write = append(o.paths.Write, f.dir())
	}
	return f
}

// open opens a file without a name, or has errNoUnnamed.
func (o *Outputs) open(name string, mode fs.FileMode) *File {
	f := &File{name: name, mode: mode}
	f.err = o.undo.do(f.open, f.close)
	if f.err == nil {
		o.paths.Name = append(o.paths.Name, f.dir())
	}
	return f
}

// dir is the folder of the file, as the kernel finds it: links in it are followed.
func (f *File) dir() string {
	if dir, _ := filepath.Split(f.name); dir != "" {
		return dir
	}
	return "."
}

func (f *File) base() string {
	_, base := filepath.Split(f.name)
	return base
}

func (f *File) open() error {
	if f.base() == "" {
		return f.failed(unix.EISDIR)
	}
	fd, err := unix.Open(f.dir(), unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, uint32(f.mode))
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return errNoUnnamed
	case err != nil:
		return f.failed(err)
	}
	unnamed := os.NewFile(uintptr(fd), f.name)
	if _, err := os.Stat(inProc(unnamed)); err != nil { // without /proc there is no way to name it
		unnamed.Close()
		return errNoUnnamed
	}
	folder, err := os.Open(f.dir())
	if err != nil {
		unnamed.Close()
		return err
	}
	f.unnamed, f.folder = unnamed, folder
	return nil
}

// close may meet write, in an interrupt.
func (f *File) close() {
	f.unnamed.Close()
	f.folder.Close()
}

// failed is an error as that of making the file under its name.
func (f *File) failed(err error) error { return &fs.PathError{Op: "open", Path: f.name, Err: err} }

func inProc(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

// write writes the file, makes it durable and gives it its name; an existing one is an
// error. Nothing is done to a file after that.
func (f *File) write(undo *undoList, data []byte) error {
	if f.err != nil {
		return f.err
	}
	if f.unnamed == nil {
		return undo.create(f.name, data, f.mode)
	}
	_, err := f.unnamed.Write(data)
	if err == nil {
		err = f.unnamed.Sync()
	}
	if err == nil {
		err = undo.do(f.link, func() {}) // whole, it stays
	}
	if err != nil {
		return err
	}
	if err := syncFolder(f.folder); err != nil {
		return fmt.Errorf("%s: %w: %w", f.name, errUnsynced, err)
	}
	return nil
}

func (f *File) link() error {
	err := unix.Linkat(unix.AT_FDCWD, inProc(f.unnamed), int(f.folder.Fd()), f.base(), unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return f.failed(err)
	}
	return nil
}
