package airgap

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits for what is read; a host that exceeds them is not looked at any closer.
const (
	maxAttribute = 4096    // an attribute of sysfs is at most a page (Documentation/filesystems/sysfs.rst)
	maxTable     = 1 << 20 // files of /proc
	maxEntries   = 1024    // of a folder
	maxText      = 128     // bytes that are kept of any text
)

// host is a file system rooted at "/".
type host struct{ fs fs.FS }

// read returns the content of a regular file of at most limit bytes. Anything else
// could block, or never end.
func (h host) read(name string, limit int64) (string, error) {
	info, err := fs.Stat(h.fs, name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", name)
	}
	f, err := h.fs.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(data)) > limit {
		return "", fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return string(data), nil
}

// optional is read for a file that a kernel may be built without: where the rest of
// its tree is there, its absence is an answer, "".
func (h host) optional(name string, limit int64) (string, error) {
	text, err := h.read(name, limit)
	if h.lacks(name, err) {
		return "", nil
	}
	return text, err
}

// attribute is optional for one value: trimmed, cut and clean.
func (h host) attribute(name string) (string, error) {
	text, err := h.optional(name, maxAttribute)
	return clean(text), err
}

// number is a file with one decimal number.
func (h host) number(name string) (int64, error) {
	text, err := h.read(name, maxAttribute)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is no number", name)
	}
	return n, nil
}

// entries are the names in a folder, sorted; none where the kernel has no such
// folder. Regular files among them are none of ours (/sys/class/net/bonding_masters).
func (h host) entries(name string) ([]string, error) {
	f, err := h.fs.Open(name)
	if err != nil {
		if h.lacks(name, err) {
			return nil, nil
		}
		return nil, err
	}
	defer f.Close()
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, fmt.Errorf("%s is no folder", name)
	}
	list, err := dir.ReadDir(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(list) > maxEntries {
		return nil, fmt.Errorf("%s holds more than %d entries", name, maxEntries)
	}
	var names []string
	for _, e := range list {
		if !e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (h host) exists(name string) bool {
	_, err := fs.Stat(h.fs, name)
	return err == nil
}

// lacks tells whether the error means that this kernel does not have the file,
// rather than that its file system is not mounted or hides it: a /proc mounted with
// subset=pid has no swaps and no meminfo either (proc(5)).
func (h host) lacks(name string, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	switch {
	case strings.HasPrefix(name, "proc/net/"):
		return h.exists("proc/net/dev")
	case strings.HasPrefix(name, "proc/"):
		return h.exists("proc/meminfo")
	case strings.HasPrefix(name, "sys/"):
		return h.exists("sys/class")
	}
	return true
}

// uevent reads the KEY=VALUE lines by which the kernel describes a device.
func (h host) uevent(folder string) map[string]string {
	text, err := h.read(path.Join(folder, "uevent"), maxAttribute)
	if err != nil {
		return nil // what it would say is unknown, as for a device without one
	}
	return parseAssignments(text)
}

// parseAssignments reads KEY=VALUE lines, quoted or not (os-release(5)).
func parseAssignments(text string) map[string]string {
	out := map[string]string{}
	for l := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(l), "="); ok {
			out[clean(key)] = clean(strings.Trim(value, `"'`))
		}
	}
	return out
}

// clean makes text from outside fit to be shown: one line of printable characters,
// of at most maxText bytes.
func clean(text string) string {
	if len(text) > maxAttribute {
		text = text[:maxAttribute]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if len(text) <= maxText {
		return text
	}
	cut := maxText - len("…")
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// reason is why something could not be read, without what an operator cannot use.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		if errors.Is(err, fs.ErrNotExist) {
			return clean(fmt.Sprintf("/%s does not exist", strings.TrimPrefix(p.Path, "/")))
		}
		return clean(fmt.Sprintf("/%s: %v", strings.TrimPrefix(p.Path, "/"), p.Err))
	}
	return clean(err.Error())
}
