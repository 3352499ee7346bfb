package pgdump

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"
)

const (
	outlineFile = "toc.dat"
	scriptFile  = "restore.sql" // the last one, written by pg_dump for people
	blobsFile   = "blobs.toc"   // for all large objects; blobs_<n>.toc since version 1.16
	tarBlock    = 512
)

// isTar knows a dump in tar format by its first file.
func isTar(head []byte) bool {
	return len(head) >= tarBlock+len(magic) && bytes.HasPrefix(head, []byte(outlineFile+"\x00")) &&
		bytes.HasPrefix(head[tarBlock:], []byte(magic))
}

// readTar reads a dump in tar format: every entry's file must be there.
func readTar(content io.ReaderAt, size int64, outline bool) (*archive, error) {
	files := tar.NewReader(io.NewSectionReader(content, 0, size))
	if first, err := files.Next(); err != nil || first.Name != outlineFile {
		return &archive{}, errArchive
	}
	s := newSource(files)
	if err := s.outline(); err != nil || outline {
		return s.a, err
	}
	byName := map[string]columns{}
	for _, e := range s.a.entries {
		c, _ := parseCopy([]byte(e.copy))
		byName[e.file] = c
	}
	script, err := s.tarFiles(files, byName)
	switch {
	case err != nil:
		return s.a, err
	case len(byName) > 0:
		return s.a, fmt.Errorf("%w: the data of %d entries is missing", errCut, len(byName))
	case !script || !endsInZeros(content, size):
		return s.a, errCut
	}
	return s.a, nil
}

// tarFiles reads the files after the outline and strikes them off the list.
func (s *source) tarFiles(files *tar.Reader, byName map[string]columns) (script bool, err error) {
	blobs := regexp.MustCompile(`^blobs_\d+\.toc$`)
	for {
		f, err := files.Next()
		switch {
		case errors.Is(err, io.EOF):
			return script, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return script, errCut
		case err != nil:
			return script, errArchive
		}
		script = f.Name == scriptFile
		name := f.Name
		if blobs.MatchString(name) {
			name = blobsFile
		}
		c, ok := byName[name]
		delete(byName, name)
		if ok && c.table != "" {
			if err := readRows(files, &s.a.database, c); err != nil {
				return script, err
			}
		}
	}
}

// endsInZeros looks for the two empty blocks at the end of a tar file.
func endsInZeros(content io.ReaderAt, size int64) bool {
	tail := make([]byte, 2*tarBlock)
	n, _ := content.ReadAt(tail, max(0, size-int64(len(tail))))
	return n == len(tail) && bytes.Count(tail, []byte{0}) == len(tail)
}

// newestFile gives the time of the newest file in a tar file of any kind. It reads
// the headers only.
func newestFile(content io.ReaderAt, size int64) (newest time.Time, files int, err error) {
	in := tar.NewReader(io.NewSectionReader(content, 0, size))
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			return newest, files, nil
		}
		if err != nil {
			return newest, files, err
		}
		if f.Typeflag == tar.TypeReg && f.ModTime.After(newest) {
			newest = f.ModTime.UTC()
		}
		files++
	}
}
