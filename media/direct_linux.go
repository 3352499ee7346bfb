package media

import (
	"errors"
	"io"
	"io/fs"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// directAlign satisfies every block device: O_DIRECT wants offset, length and
// memory in multiples of the logical block, 512 or 4096 bytes.
const directAlign = 4096

// direct opens a file once more with O_DIRECT and reads through that; where the
// file system has no such thing, it stays with the one whose cache was dropped.
func (r rootFS) direct(name string, plain *rootFile) File {
	f, err := r.open(name, unix.O_DIRECT)
	if err != nil {
		return plain
	}
	d := &directFile{rootFile: plain, cold: f}
	// A file system may take the flag and then refuse to read.
	if _, err := d.cold.ReadAt(aligned(directAlign), 0); err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return plain
	}
	return d
}

// directFile reads past the cache of the system.
type directFile struct {
	*rootFile // not read; its size, and closed with it
	cold      *rootFile
	offset    int64 // of Read
	buffers   sync.Pool
}

func (d *directFile) ReadAt(p []byte, offset int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if uintptr(unsafe.Pointer(&p[0]))%directAlign == 0 && (offset|int64(len(p)))%directAlign == 0 {
		// Without a copy: guarded memory of whole pages stays the only one.
		return d.pread(p, offset)
	}
	start := offset &^ (directAlign - 1)
	end := (offset + int64(len(p)) + directAlign - 1) &^ (directAlign - 1)
	buffer, _ := d.buffers.Get().([]byte)
	if int64(len(buffer)) < end-start {
		buffer = aligned(int(end - start))
	}
	defer d.buffers.Put(buffer) //nolint:staticcheck // a slice header a call is nothing beside the read
	n, err := d.pread(buffer[:end-start], start)
	if skip := int(offset - start); n > skip {
		n = copy(p, buffer[skip:n])
	} else {
		n = 0
	}
	if n == len(p) {
		return n, nil
	}
	return n, err
}

// pread does not go on behind a block that is not full, which is the end of the file: some
// file systems refuse to read from an offset in the middle of one, where others say that
// it is the end.
func (d *directFile) pread(p []byte, offset int64) (n int, err error) {
	for n < len(p) {
		var more int
		more, err = unix.Pread(int(d.cold.Fd()), p[n:], offset+int64(n))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return n, &fs.PathError{Op: "read", Path: d.cold.Name(), Err: err}
		}
		n += more
		if more == 0 || n%directAlign != 0 {
			break
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *directFile) Read(p []byte) (int, error) {
	n, err := d.ReadAt(p, d.offset)
	d.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (d *directFile) Close() error { return errors.Join(d.cold.Close(), d.rootFile.Close()) }

// aligned returns size bytes that begin at a multiple of directAlign.
func aligned(size int) []byte {
	b := make([]byte, size+directAlign)
	skip := directAlign - int(uintptr(unsafe.Pointer(&b[0]))%directAlign)
	return b[skip : skip+size : skip+size]
}
