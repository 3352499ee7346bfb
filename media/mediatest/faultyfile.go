package mediatest

import (
	"bytes"
	"io"
	"sync/atomic"

	"coldvault/media"
)

// faultyFile is an open file of Faults.
type faultyFile struct {
	faults  *Faults
	inner   media.File
	name    string
	dropped atomic.Bool // by a Sync that failed
}

func (f *faultyFile) begin(kind Kind, size int) (Fault, error) {
	return f.faults.begin(Op{Kind: kind, Name: f.name}, size)
}

func (f *faultyFile) Read(p []byte) (int, error) {
	fault, err := f.begin(Read, len(p))
	if err != nil {
		return 0, err
	}
	if fault == ShortRead {
		p = p[:len(p)/2]
	}
	n, err := f.inner.Read(p)
	if fault == FlippedRead {
		flip(p[:n])
	}
	return n, err
}

func (f *faultyFile) ReadAt(p []byte, offset int64) (int, error) {
	fault, err := f.begin(ReadAt, len(p))
	if err != nil {
		return 0, err
	}
	if fault == ShortRead {
		n, err := f.inner.ReadAt(p[:len(p)/2], offset)
		if err == nil {
			err = io.EOF
		}
		return n, err
	}
	n, err := f.inner.ReadAt(p, offset)
	if fault == FlippedRead {
		flip(p[:n])
	}
	return n, err
}

func (f *faultyFile) Write(p []byte) (int, error) {
	return f.write(Write, p, f.inner.Write)
}

func (f *faultyFile) WriteAt(p []byte, offset int64) (int, error) {
	return f.write(WriteAt, p, func(p []byte) (int, error) { return f.inner.WriteAt(p, offset) })
}

func (f *faultyFile) write(kind Kind, p []byte, write func([]byte) (int, error)) (int, error) {
	fault, failed := f.begin(kind, len(p))
	switch fault {
	case NoSpace:
		p = p[:len(p)/2]
	case LostWrite:
		p = make([]byte, len(p))
	case FlippedWrite:
		p = bytes.Clone(p)
		flip(p)
	default:
		if failed != nil {
			return 0, failed
		}
	}
	n, err := write(p)
	if failed != nil {
		err = failed
	}
	return n, err
}

func (f *faultyFile) Size() (int64, error) {
	if _, err := f.begin(Size, 0); err != nil {
		return 0, err
	}
	return f.inner.Size()
}

func (f *faultyFile) Sync() error {
	if _, err := f.begin(Sync, 0); err != nil {
		f.dropped.Store(true)
		return err
	}
	if f.dropped.Load() {
		return nil
	}
	return f.inner.Sync()
}

// Close closes the file below even where it fails.
func (f *faultyFile) Close() error {
	_, err := f.begin(Close, 0)
	if innerErr := f.inner.Close(); err == nil {
		err = innerErr
	}
	return err
}

// flip changes one bit in the middle.
func flip(p []byte) {
	if len(p) > 0 {
		p[len(p)/2] ^= 1
	}
}
