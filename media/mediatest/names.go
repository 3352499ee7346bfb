package mediatest

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// maxName is the length of a long name of FAT and exFAT, in UTF-16 units.
const maxName = 255

var errEscapes = errors.New("path escapes from the medium")

// fold is what names are compared by. FAT and exFAT have a table of upper-case letters.
func fold(name string) string { return strings.ToUpper(name) }

// checkName refuses what a new entry cannot be called on FAT. A dot or a space at the
// end is refused too, since some systems drop it without a word.
func checkName(base string) error {
	if !utf8.ValidString(base) || strings.ContainsAny(base, `"*/:<>?\|`) || strings.HasSuffix(base, ".") || strings.HasSuffix(base, " ") {
		return syscall.EINVAL
	}
	if strings.ContainsFunc(base, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return syscall.EINVAL
	}
	return nil
}

// find returns what has the name.
func (f *FS) find(name string) (*node, error) {
	name = path.Clean(name)
	if name == "." {
		return f.root, nil
	}
	if !filepath.IsLocal(name) {
		return nil, errEscapes
	}
	n := f.root
	for base := range strings.SplitSeq(name, "/") {
		if !n.folder() {
			return nil, syscall.ENOTDIR
		}
		if len(utf16.Encode([]rune(base))) > maxName {
			return nil, syscall.ENAMETOOLONG
		}
		e, ok := n.entries[fold(base)]
		if !ok {
			return nil, syscall.ENOENT
		}
		n = e.node
	}
	return n, nil
}

func (f *FS) findFolder(name string) (*node, error) {
	n, err := f.find(name)
	if err == nil && !n.folder() {
		err = syscall.ENOTDIR
	}
	return n, err
}

// parent returns the folder that has or would have the entry, and the entry's name.
// The root has no entry.
func (f *FS) parent(name string) (dir *node, base string, err error) {
	name = path.Clean(name)
	if !filepath.IsLocal(name) {
		return nil, "", errEscapes
	}
	base = path.Base(name)
	if base == "." {
		return nil, "", syscall.EINVAL
	}
	if len(utf16.Encode([]rune(base))) > maxName {
		return nil, "", syscall.ENAMETOOLONG
	}
	dir, err = f.findFolder(path.Dir(name))
	return dir, base, err
}

// info is what Lstat tells.
type info struct {
	name   string
	size   int64
	time   time.Time
	folder bool
}

func newInfo(name string, n *node) info {
	return info{path.Base(name), n.live.size, n.time, n.folder()}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.time }
func (i info) IsDir() bool        { return i.folder }
func (i info) Sys() any           { return nil }

// Mode is what Linux reports of FAT with the usual umask.
func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o755
	}
	return 0o755
}
