package media

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestParseMount(t *testing.T) {
	tests := []struct {
		name, line string
		want       mount
	}{
		{"no optional fields", "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard",
			mount{27, 1, 254, 0, "/", "/", "ext4", "/dev/vda", false}},
		{"several optional fields", "36 35 8:17 /@/a /mnt ro shared:1 master:2 propagate_from:3 - btrfs /dev/sdb1 rw",
			mount{36, 35, 8, 17, "/@/a", "/mnt", "btrfs", "/dev/sdb1", true}},
		{"escapes", `36 35 0:50 /a\134b /mnt/a\040b\011c\012d rw - nfs host:/x\040y ro`,
			mount{36, 35, 0, 50, `/a\b`, "/mnt/a b\tc\nd", "nfs", "host:/x y", true}},
		{"escapes that are none", `36 35 0:50 / /mnt\04/\9/\400/\ rw - tmpfs \1 rw`,
			mount{36, 35, 0, 50, "/", `/mnt\04/\9/\400/\`, "tmpfs", `\1`, false}},
		{"an empty source", "36 35 0:50 / /mnt rw - tmpfs  rw",
			mount{36, 35, 0, 50, "/", "/mnt", "tmpfs", "", false}},
		{"options that only begin like read-only", "36 35 0:50 / /mnt rw,rootcontext=a - tmpfs t rw,errors=remount-ro",
			mount{36, 35, 0, 50, "/", "/mnt", "tmpfs", "t", false}},
		{"a name that is a dash", "36 35 0:50 / /- rw - tmpfs - rw",
			mount{36, 35, 0, 50, "/", "/-", "tmpfs", "-", false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseMount(tt.line)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestHostileMountTablesAreRefused(t *testing.T) {
	const good = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
	tests := []struct{ name, table, message string }{
		{"an empty line", good + "\n", "line 2: not a line"},
		{"too few fields", "27 1 254:0 / / rw - ext4 /dev/vda", "line 1: not a line"},
		{"no dash", "27 1 254:0 / / rw shared:1 ext4 /dev/vda rw a b", "line 1: not a line"},
		{"a dash too late", "27 1 254:0 / / rw shared:1 a b - ext4 /dev/vda", "line 1: not a line"},
		{"a number that is none", strings.Replace(good, "27", "-27", 1), "line 1: not a line"},
		{"a number too large", strings.Replace(good, "27", "4294967296", 1), "line 1: not a line"},
		{"a device that is none", strings.Replace(good, "254:0", "254", 1), "line 1: not a line"},
		{"a relative mount point", strings.Replace(good, "/ / ", "/ a ", 1), "line 1: not a line"},
		{"a line too long", good + strings.Repeat("x", 1<<20), "line 2: not a line"},
		{"too many fields", strings.Replace(good, "- ", strings.Repeat("t ", maxFields)+"- ", 1), "line 1: not a line"},
		{"too many lines", strings.Repeat(good, maxMounts+1), "more than 100000 mounts"},
		{"too many bytes", strings.Repeat(strings.Replace(good, "/ / ", "/ /"+strings.Repeat("x", 32<<10)+" ", 1), 1024), "more than 33554432 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseMounts(strings.NewReader(tt.table))
			require.ErrorContains(t, err, tt.message)
		})
	}
	table, err := parseMounts(strings.NewReader(strings.Repeat(good, 3)))
	require.NoError(t, err)
	require.Len(t, table, 3)
}

// The mount of a name is the one the kernel comes to, whatever the order of the lines.
func TestMountOfAName(t *testing.T) {
	m := func(id, parent int, point string) mount { return mount{id: id, parent: parent, point: point} }
	usual := mountTable{m(22, 27, "/proc"), m(27, 1, "/"), m(30, 27, "/mnt"), m(31, 30, "/mnt/a")}
	tests := []struct {
		name  string
		table mountTable
		path  string
		id    int // 0: none
	}{
		{"the root may come late", usual, "/home", 27},
		{"the longest", usual, "/mnt/a/x", 31},
		{"a mount point itself", usual, "/mnt/a", 31},
		{"a name that only begins alike", usual, "/mnt/ab", 30},
		{"a mount on top of another", append(usual, m(32, 31, "/mnt/a")), "/mnt/a/x", 32},
		{"a later mount hides those below", append(usual, m(33, 30, "/mnt")), "/mnt/a/x", 33},
		{"and what is mounted in it is seen", append(usual, m(33, 30, "/mnt"), m(34, 33, "/mnt/a")), "/mnt/a/x", 34},
		{"a mount over the root", append(usual, m(35, 27, "/")), "/mnt/a", 35},
		{"a root that is its own parent", mountTable{m(1, 1, "/"), m(2, 1, "/a")}, "/a", 2},
		{"a chroot sees only what is below it", mountTable{m(22, 27, "/proc")}, "/home", 0},
		{"the same, inside", mountTable{m(22, 27, "/proc")}, "/proc/1", 22},
		{"a circle has no root", mountTable{m(1, 2, "/"), m(2, 1, "/")}, "/a", 0},
		{"an id that is there twice", mountTable{m(1, 0, "/"), m(2, 1, "/"), m(1, 2, "/")}, "/a", 1},
		{"none", nil, "/", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.table.at(tt.path)
			require.Equal(t, tt.id != 0, ok)
			require.Equal(t, tt.id, got.id)
		})
	}
}

// escapeMount does what the kernel does.
func escapeMount(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(s)
}

// What is parsed, written again and parsed gives the same, and the walk ends.
func FuzzMounts(f *testing.F) {
	f.Add("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n", "/home")
	f.Add("27 1 254:0 / / rw - ext4 /dev/vda rw\n"+`36 27 0:50 /a\134b /mnt/a\040b ro shared:1 - nfs4 host:/x\040y rw`+"\n", "/mnt/a b")
	f.Add("1 2 0:1 / / rw -  \n2 1 0:1 / / rw - a b ro\n2 2 0:1 / /a rw - tmpfs  rw", "/a")
	f.Fuzz(func(t *testing.T, text, name string) {
		table, err := parseMounts(strings.NewReader(text))
		if err != nil {
			return
		}
		var again strings.Builder
		for _, m := range table {
			mode := "rw"
			if m.readOnly {
				mode = "ro"
			}
			fmt.Fprintf(&again, "%d %d %d:%d %s %s %s - %s %s rw\n", m.id, m.parent, m.major, m.minor,
				escapeMount(m.root), escapeMount(m.point), mode, escapeMount(m.fstype), escapeMount(m.source))
		}
		reparsed, err := parseMounts(strings.NewReader(again.String()))
		require.NoError(t, err)
		require.Equal(t, table, reparsed)
		if m, ok := table.at(name); ok {
			require.True(t, contains(m.point, name))
			require.Contains(t, table, m)
		}
	})
}

func TestParseUdev(t *testing.T) {
	got := parseUdev("S:disk/by-uuid/X\nL:10\nE:ID_FS_UUID=5E2A-11F0\nE:ID_FS_LABEL= OUR  KEYS \x1b[m\nE:ID_FS_TYPE\n" +
		"E:OTHER=1\nID_SERIAL_SHORT=none\nE:ID_PART_ENTRY_UUID=a\nE:ID_PART_ENTRY_UUID=b=c\nG:uaccess")
	require.Equal(t, map[string]string{"ID_FS_UUID": "5E2A-11F0", "ID_FS_LABEL": "OUR KEYS [m", "ID_PART_ENTRY_UUID": "b=c"}, got)
	require.Empty(t, parseUdev(strings.Repeat("x", maxUdev)+"\nE:ID_FS_UUID=beyond the limit\n"))
}

func TestUnescapeUdev(t *testing.T) {
	for name, want := range map[string]string{`a\x20b`: "a b", `\x2f`: "/", `\x2`: `\x2`, `\xzz`: `\xzz`, `\`: `\`, "": "", `\x5cx20`: `\x20`} {
		require.Equal(t, want, unescapeUdev(name))
	}
}

// Whatever a record has, only known properties come out, fit to be shown.
func FuzzUdev(f *testing.F) {
	f.Add("E:ID_FS_UUID=5E2A-11F0\nE:ID_FS_LABEL=\x1b[2J\xff\nG:x")
	f.Add("E:ID_SERIAL_SHORT=" + strings.Repeat("\u0301é", 100))
	f.Fuzz(func(t *testing.T, record string) {
		for key, value := range parseUdev(record) {
			require.Contains(t, udevKeys, key)
			require.True(t, utf8.ValidString(value))
			require.LessOrEqual(t, utf8.RuneCountInString(value), maxText)
			require.Equal(t, -1, strings.IndexFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }))
			require.Equal(t, value, clean(value))
		}
		_ = clean(unescapeUdev(record))
	})
}
