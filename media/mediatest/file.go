package mediatest

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
)

// file is an open file of an FS. It stays usable after its entry is removed.
type file struct {
	fs             *FS
	node           *node
	name           string
	writable, cold bool

	// Under the lock of the FS.
	offset int64
	closed bool
}

// begin takes the lock of the FS; the caller defers its Unlock.
func (f *file) begin(op string) error {
	f.fs.mu.Lock()
	if f.closed {
		return f.failed(op, fs.ErrClosed)
	}
	return nil
}

func (f *file) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

func (f *file) Write(p []byte) (int, error) {
	err := f.begin("write")
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := f.write(p, f.offset)
	f.offset += int64(n)
	return n, err
}

func (f *file) WriteAt(p []byte, offset int64) (int, error) {
	err := f.begin("write")
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return f.write(p, offset)
}

// write stores what there is room for.
func (f *file) write(p []byte, offset int64) (int, error) {
	switch {
	case !f.writable:
		return 0, f.failed("write", syscall.EBADF)
	case offset < 0:
		return 0, f.failed("write", syscall.EINVAL)
	}
	limit, full := f.fs.room(f.node)
	var err error
	if room := max(0, limit-offset); int64(len(p)) > room {
		p, err = p[:room], f.failed("write", full)
	}
	if len(p) > 0 {
		f.node.writeAt(p, offset)
		f.node.time = f.fs.tick()
	}
	return len(p), err
}

// room is how long a file may become, and the error for what is longer.
func (f *FS) room(n *node) (int64, error) {
	if f.Capacity > 0 {
		if left := (f.Capacity/sectorSize - f.root.taken(n)) * sectorSize; left < maxFile {
			return left, syscall.ENOSPC
		}
	}
	return maxFile, syscall.EFBIG
}

func (f *file) Read(p []byte) (int, error) {
	err := f.begin("read")
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := f.node.readAt(p, f.offset, f.sector)
	f.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil // io.Reader: the next call says so
	}
	return n, err
}

func (f *file) ReadAt(p []byte, offset int64) (int, error) {
	err := f.begin("read")
	defer f.fs.mu.Unlock()
	switch {
	case err != nil:
		return 0, err
	case offset < 0:
		return 0, f.failed("read", syscall.EINVAL)
	}
	return f.node.readAt(p, offset, f.sector)
}

func (f *file) sector(i int64) *sector {
	if f.cold && f.fs.Counterfeit > 0 {
		return f.fs.flash.read(f.node, i, f.fs.Counterfeit)
	}
	return f.node.live.sector(i)
}

func (f *file) Size() (int64, error) {
	err := f.begin("stat")
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return f.node.live.size, nil
}

// Sync makes the file durable, and none of its names.
func (f *file) Sync() error {
	err := f.begin("sync")
	defer f.fs.mu.Unlock()
	if err != nil {
		return err
	}
	if f.fs.Counterfeit > 0 {
		f.fs.flash.write(f.node, f.fs.Counterfeit)
	}
	f.node.sync()
	return nil
}

// Close makes nothing durable.
func (f *file) Close() error {
	err := f.begin("close")
	defer f.fs.mu.Unlock()
	f.closed = true
	return err
}
