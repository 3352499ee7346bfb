package media

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// The kernel allows 100,000 mounts (fs.mount-max, Documentation/admin-guide/sysctl/fs.rst)
// and paths of 4 KiB; a line has eleven fields and up to four tags.
const (
	maxMounts     = 100_000
	maxFields     = 64
	maxMountTable = 32 << 20
)

// mount is a line of /proc/self/mountinfo.
type mount struct {
	id, parent   int
	major, minor uint32
	root, point  string
	fstype       string
	source       string
	readOnly     bool
}

// mountTable is what one process sees mounted.
type mountTable []mount

// parseMounts reads /proc/self/mountinfo (Documentation/filesystems/proc.rst, section
// 3.5). A line that is not understood is an error: what is mounted where would be a
// guess without it.
func parseMounts(r io.Reader) (mountTable, error) {
	var data strings.Builder
	if n, err := io.Copy(&data, io.LimitReader(r, maxMountTable+1)); err != nil {
		return nil, err
	} else if n > maxMountTable {
		return nil, fmt.Errorf("more than %d bytes", maxMountTable)
	}
	var table mountTable
	for line := range strings.Lines(data.String()) {
		if len(table) == maxMounts {
			return nil, fmt.Errorf("more than %d mounts", maxMounts)
		}
		m, err := parseMount(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(table)+1, err)
		}
		table = append(table, m)
	}
	return table, nil
}

var errMountLine = errors.New("not a line of mountinfo")

// parseMount reads
// 36 35 8:17 / /media/a\040b rw,nosuid shared:1 - vfat /dev/sdb1 rw,uid=1000
// where any number of fields may stand before the dash, and the source may be empty.
func parseMount(line string) (mount, error) {
	fields := strings.SplitN(line, " ", maxFields)
	if len(fields) < 10 {
		return mount{}, errMountLine
	}
	dash := slices.Index(fields[6:], "-")
	if dash < 0 || len(fields[6:]) < dash+4 {
		return mount{}, errMountLine
	}
	tail := fields[6+dash+1:]
	m := mount{
		root:     unescapeMount(fields[3]),
		point:    unescapeMount(fields[4]),
		fstype:   unescapeMount(tail[0]),
		source:   unescapeMount(tail[1]),
		readOnly: hasOption(fields[5], "ro") || hasOption(tail[2], "ro"),
	}
	id, err1 := strconv.ParseUint(fields[0], 10, 31)
	parent, err2 := strconv.ParseUint(fields[1], 10, 31)
	major, minor, err3 := parseDev(fields[2])
	if err := errors.Join(err1, err2, err3); err != nil || !strings.HasPrefix(m.point, "/") {
		return mount{}, errMountLine
	}
	m.id, m.parent, m.major, m.minor = int(id), int(parent), major, minor
	return m, nil
}

// parseDev reads a device number, "8:17".
func parseDev(s string) (major, minor uint32, err error) {
	first, second, _ := strings.Cut(s, ":")
	a, err1 := strconv.ParseUint(first, 10, 32)
	b, err2 := strconv.ParseUint(second, 10, 32)
	return uint32(a), uint32(b), errors.Join(err1, err2)
}

func hasOption(options, option string) bool {
	return slices.Contains(strings.Split(options, ","), option)
}

// unescapeMount undoes what the kernel does to space, tab, newline and backslash
// (fs/proc_namespace.c, mangle): \040. A backslash without three octal digits stands
// for itself, as in util-linux.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// at returns the mount that an absolute path without links is in, as the kernel walks:
// from the root into the first mount on the way, and on from there. The order of lines
// and the length of mount points do not tell it: a later mount on /a hides one on /a/b.
func (t mountTable) at(name string) (mount, bool) {
	ids := make(map[int]bool, len(t))
	for _, m := range t {
		ids[m.id] = true
	}
	here, found := mount{}, false
	entered := make([]bool, len(t)) // a table with a cycle ends too
	for {
		next := -1
		for i, m := range t {
			child := found && m.parent == here.id && m.id != here.id
			// The root's parent is outside of what the process sees, or the root itself.
			top := !found && (!ids[m.parent] || m.parent == m.id)
			if (child || top) && !entered[i] && contains(m.point, name) &&
				(next < 0 || len(m.point) <= len(t[next].point)) {
				next = i
			}
		}
		if next < 0 {
			return here, found
		}
		here, found, entered[next] = t[next], true, true
	}
}

// contains tells whether the folder is name or above it.
func contains(folder, name string) bool {
	rest, ok := strings.CutPrefix(name, folder)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(folder, "/"))
}
