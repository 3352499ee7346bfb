// Package media reads and writes what a vault leaves on a medium: a stick, a
// folder, or the files that a set of pages carried.
//
// Reading goes through Source, with a limit on every size. Writing goes through
// Dir.Create and Pending.Commit: temporary file, fsync, rename, fsync of the folder; a
// name exists only with its whole content. Nothing here knows keys; everything written
// is public or encrypted already.
//
// Host tells which device a folder is on, from what the kernel and udev publish: so two
// folders of one stick count as one copy, and a share or the system disk is named. What
// it cannot tell it says; a device that lies about its serial number is believed.
package media

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Source is a medium to read from. Paths are slash-separated and relative to
// the medium's root.
type Source interface {
	// Name is what the operator calls the medium: its path, or "pages".
	Name() string
	// Read returns a file's bytes, or an error if there are more than limit.
	Read(name string, limit int64) ([]byte, error)
	// List returns the names in a folder, sorted.
	List(dir string) ([]string, error)
	// Open opens a file of any size.
	Open(name string) (Blob, error)
}

// Blob is an open file of a medium. ReadAt may be called concurrently.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// maxEntries caps the names of one folder.
const maxEntries = 100_000

// Memory is a Source made of files already read, by path.
type Memory struct {
	Title string
	Files map[string][]byte
}

// Name is the title.
func (m Memory) Name() string { return m.Title }

// Read returns a file.
func (m Memory) Read(name string, limit int64) ([]byte, error) {
	data, ok := m.Files[path.Clean(name)]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if int64(len(data)) > limit {
		return nil, tooLarge(name, limit)
	}
	return data, nil
}

// Open opens a file.
func (m Memory) Open(name string) (Blob, error) {
	data, ok := m.Files[path.Clean(name)]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return memoryBlob{bytes.NewReader(data)}, nil
}

type memoryBlob struct{ *bytes.Reader }

func (memoryBlob) Close() error { return nil }

// List returns the names below dir.
func (m Memory) List(dir string) ([]string, error) {
	prefix := path.Clean(dir) + "/"
	if prefix == "./" {
		prefix = ""
	}
	var names []string
	for name := range m.Files {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			first, _, _ := strings.Cut(rest, "/")
			names = append(names, first)
		}
	}
	if len(names) == 0 {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: fs.ErrNotExist}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func tooLarge(name string, limit int64) error {
	return fmt.Errorf("%q has more than %d bytes", name, limit)
}
