package vault

import (
	"errors"
	"fmt"
	"io"
	"path"
	"sync"

	"coldvault/media"
)

// scratchName is what is rebuilt of a damaged archive, until the restore is done.
const scratchName = ".rebuilt"

// writeArchive tries one medium after the other, and all of them together at last.
func (t *Target) writeArchive(f Entry, progress func(int)) error {
	var failures []error
	for _, attempt := range f.Archive.Attempts() {
		err := t.tryArchive(f, attempt, progress)
		switch {
		case err == nil:
			return nil
		case IsOfTarget(err), errors.Is(err, ErrClosed):
			return err
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// brokenTargetError is one that no other medium helps against.
type brokenTargetError struct{ error }

func (e *brokenTargetError) Unwrap() error { return e.error }

// IsOfTarget tells of an error of Write whether it is the folder's: no medium helps against it.
func IsOfTarget(err error) bool {
	var broken *brokenTargetError
	return errors.As(err, &broken)
}

func (t *Target) tryArchive(f Entry, attempt Attempt, progress func(int)) (err error) {
	name := path.Join(partialFolder, f.Name)
	out, err := t.create(name)
	if err != nil {
		return &brokenTargetError{err}
	}
	defer func() {
		out.Close()
		if err != nil {
			_ = t.fs.Remove(name)
		}
	}()
	w := &archiveWriter{target: t, file: out}
	scratch := &lazyScratch{fs: t.fs, name: path.Join(partialFolder, scratchName)}
	err = attempt(w, scratch, progress)
	err = errors.Join(err, scratch.remove())
	if w.err != nil {
		return &brokenTargetError{w.err}
	}
	if err != nil {
		return err
	}
	if err := w.prove(name); err != nil {
		return &brokenTargetError{err}
	}
	if err := t.complete(out, name, f); err != nil {
		return &brokenTargetError{err}
	}
	return nil
}

// archiveWriter keeps sums of what it writes, to compare with what reads back.
type archiveWriter struct {
	target *Target
	file   media.File
	sums   media.Sums
	err    error
}

func (w *archiveWriter) Write(p []byte) (int, error) {
	if !w.target.memory { // nothing is read back there
		_, _ = w.sums.Write(p)
	}
	n, err := 0, w.target.unlessClosed(func() error { return nil })
	if err == nil {
		n, err = w.file.Write(p)
	}
	w.err = err
	return n, err
}

// prove reads the file back past the cache. Its digest was compared before it was written:
// the sums tell what the disk has changed since.
func (w *archiveWriter) prove(name string) error {
	if err := w.file.Sync(); err != nil || w.target.memory {
		return err
	}
	cold, err := w.target.fs.OpenCold(name)
	if err != nil {
		return err
	}
	defer cold.Close()
	buffer, err := guardedChunk()
	if err != nil {
		return err
	}
	defer buffer.Destroy()
	var back media.Sums
	for offset := int64(0); ; {
		n, err := cold.ReadAt(buffer.Bytes(), offset)
		_, _ = back.Write(buffer.Bytes()[:n])
		offset += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading it back: %w", err)
		}
	}
	if !w.sums.Equal(&back) {
		return errReadBack
	}
	return nil
}

// lazyScratch is a file that is made when it is first written to.
type lazyScratch struct {
	fs   media.FS
	name string
	mu   sync.Mutex
	file media.File
}

func (s *lazyScratch) WriteAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		var err error
		if s.file, err = s.fs.Create(s.name, restoredFile); err != nil {
			return 0, err
		}
	}
	return s.file.WriteAt(p, off)
}

func (s *lazyScratch) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	f := s.file
	s.mu.Unlock()
	if f == nil {
		return 0, io.EOF
	}
	return f.ReadAt(p, off)
}

func (s *lazyScratch) remove() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), s.fs.Remove(s.name))
}
