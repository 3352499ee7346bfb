package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr/scan"
	"coldvault/shard"
)

// A fresh machine: a minimal Debian without network and without Go, with nothing but a
// medium and three cards as text. RESTORE.txt of that medium is followed word for word:
// its commands are taken from the text itself, so that it cannot drift from what works.

const (
	debian = "bookworm"
	// What part B asks for besides age, which is built from the pinned module.
	debianPackages = "python3,zstd"
)

// freshRoot is a folder with a Debian, made once and kept: see COLDVAULT_CACHE.
func freshRoot(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a Debian of its own")
	}
	root := filepath.Join(cmp.Or(os.Getenv("COLDVAULT_CACHE"), os.TempDir()), "coldvault-root-"+debian)
	if _, err := os.Stat(root); err == nil {
		return root
	}
	if os.Getenv("COLDVAULT_LONG") == "" {
		t.Skipf("there is no %s; COLDVAULT_LONG=1 makes it", root)
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		t.Skip("debootstrap is not installed")
	}
	dir, err := os.MkdirTemp(filepath.Dir(root), "coldvault-root-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "root")
	// What it mounts inside goes with the namespace, also if it fails.
	runHost(t, "unshare", "--mount", "debootstrap", "--variant=minbase", "--include="+debianPackages, debian, made)
	require.NoError(t, os.Rename(made, root))
	return root
}

func runHost(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %q\n%s", name, args, out)
	return string(out)
}

// enterRoot makes the machine out of namespaces: the root is read-only, the medium
// read-only and noexec as desktops mount sticks, and only memory can be written to. A pipe
// is as good as its last command, as in anybody's shell: tar may have all it needs before age
// has written the padding.
const enterRoot = `set -eu
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t sysfs sysfs "$ROOT/sys"
mount --bind "$MEMORY" "$ROOT/dev/shm"
mount --bind "$MEDIUM" "$ROOT/media"
mount -o remount,bind,ro,noexec,nosuid,nodev "$ROOT/media"
if [ -n "$TOOLS" ]; then mount --bind "$TOOLS" "$ROOT/opt"; fi
mount -o remount,bind,ro "$ROOT"
exec chroot "$ROOT" /usr/bin/env -i PATH=/usr/bin:/bin:/opt HOME=/dev/shm LANG=C.UTF-8 /bin/bash -euxc "$STEPS"
`

// freshMachine is what is in such a machine besides Debian.
type freshMachine struct {
	root, medium string
	tools        string // folder with age, "" for none
	memory       string // its /dev/shm, on a tmpfs
}

// run runs commands in it and returns what they print.
func (m freshMachine) run(t *testing.T, steps ...string) string {
	t.Helper()
	cmd := exec.Command("unshare", "--net", "--mount", "--pid", "--fork", "/bin/sh", "-c", enterRoot)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "ROOT=" + m.root, "MEDIUM=" + m.medium, "MEMORY=" + m.memory,
		"TOOLS=" + m.tools, "STEPS=" + strings.Join(steps, "\n")}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// textCommands are the command lines of one part of RESTORE.txt: those indented by
// eight columns.
func textCommands(t *testing.T, text, part string) []string {
	t.Helper()
	const indent = "        "
	_, rest, found := strings.Cut(text, "\n\n\n"+part+". ")
	require.True(t, found, "RESTORE.txt has no part %s", part)
	rest, _, _ = strings.Cut(rest, "\n\n\n")
	var out []string
	for line := range strings.Lines(rest) {
		if command, ok := strings.CutPrefix(line, indent); ok && !strings.HasPrefix(command, " ") {
			out = append(out, strings.TrimSpace(command))
		}
	}
	require.NotEmpty(t, out)
	return out
}

// fill puts what the text says in place of its placeholders.
func fill(commands []string, newest string) []string {
	placed := strings.NewReplacer("MEDIUM", "/media", "CARD", "/dev/shm/card-", "FOLDER", "/dev/shm/keys", "NEWEST", newest)
	var out []string
	for _, c := range commands {
		out = append(out, placed.Replace(c))
	}
	return out
}

// typeCards writes what custodians would have typed: digits, or words, of both codes.
func typeCards(t *testing.T, cards, to string) {
	t.Helper()
	for i, words := range []bool{false, true, false} {
		data, err := os.ReadFile(filepath.Join(cards, fmt.Sprintf("card-%d.pdf", i+2)))
		require.NoError(t, err)
		found, err := scan.Read(data, scan.Options{Workers: 2})
		require.NoError(t, err)
		require.Len(t, found.Codes, 2)
		var text bytes.Buffer
		for _, c := range found.Codes {
			if !words {
				fmt.Fprintf(&text, "%s\n", c.Text)
				continue
			}
			s, err := shard.ParseText(make([]byte, shard.ShareSize), c.Text)
			require.NoError(t, err)
			fmt.Fprintf(&text, "%s\n", bytes.Join(bytes.Fields(shard.AppendWords(nil, s)), []byte(" ")))
		}
		require.NoError(t, os.WriteFile(filepath.Join(to, fmt.Sprintf("card-%d", i+1)), text.Bytes(), 0o600))
	}
}

// backup is a vault with two generations on media of their own: keys and an archive,
// stored and compressed.
type backup struct {
	dir, vault string
	tools      string
	sources    map[string][]byte // every file that was sealed
}

const dumpName = "dump:2026.sql"

func makeBackup(t *testing.T) *backup {
	t.Helper()
	dir, s := copySample(t)
	b := &backup{dir: dir, vault: s.Vault, tools: t.TempDir(), sources: map[string][]byte{}}
	program := filepath.Join(dir, "coldvault")
	// Not the test binary: the kit carries the program that seals.
	runHost(t, "go", "build", "-trimpath", "-o", program, ".")
	runHost(t, "go", "build", "-o", filepath.Join(b.tools, "age"), "filippo.io/age/cmd/age")
	dump := bytes.Repeat([]byte("INSERT INTO t VALUES (1);\n"), 60_000)
	require.NoError(t, os.WriteFile(filepath.Join(dir, dumpName), dump, 0o600))
	for medium, flags := range map[string][]string{"stored": nil, "compressed": {"--compress"}} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, medium), 0o700))
		cmd := exec.Command(program, append([]string{"seal", "--vault", "vault", "--to", medium, "pool-2",
			"--attach", dumpName, "--passphrase-file", "passphrase", "--accept-network", "--accept-swap"}, flags...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	b.sources[dumpName] = dump
	pool := filepath.Join(dir, "pool-2")
	entries, err := os.ReadDir(pool)
	require.NoError(t, err)
	for _, e := range entries {
		b.sources[e.Name()], err = os.ReadFile(filepath.Join(pool, e.Name()))
		require.NoError(t, err)
	}
	return b
}

// restored are the files in a folder, without what tells of them.
func restored(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	const heldBack = ".ASK-THE-NETWORK-FIRST" // as RESTORE.txt says
	files := map[string][]byte{}
	require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		switch name := strings.TrimSuffix(d.Name(), heldBack); name {
		case "contents.json", "coldvault-signer.key":
		default:
			require.True(t, files[name] == nil || bytes.Equal(files[name], data), "two files %s that differ", name)
			files[name] = data
		}
		return err
	}))
	return files
}

func requireSameFiles(t *testing.T, want, got map[string][]byte) {
	t.Helper()
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(got)))
	for name, data := range want {
		require.True(t, bytes.Equal(data, got[name]), "%s is not what was sealed", name)
	}
}

// memoryFolder is a folder on a tmpfs for the machine's /dev/shm.
func memoryFolder(t *testing.T) string {
	t.Helper()
	dir := folders(t)[true]
	if dir == "" {
		t.Skip("there is no tmpfs here")
	}
	return dir
}

// newestOf is the number of the newest generation as a medium's folder names it.
func newestOf(t *testing.T, medium string) (name, folder string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(medium, "coldvault/*/generations/*/manifest.json"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	folder = filepath.Dir(found[0])
	return filepath.Base(folder), folder
}

// Shows G27.
func TestAFreshMachineRestoresByTheTextOnTheMedium(t *testing.T) {
	root := freshRoot(t)
	b := makeBackup(t)
	text := func(medium string) string {
		data, err := os.ReadFile(filepath.Join(b.dir, medium, "coldvault", b.vault, "restore", "RESTORE.txt"))
		require.NoError(t, err)
		return string(data)
	}
	machine := func(t *testing.T, medium, tools string) freshMachine {
		m := freshMachine{root: root, medium: filepath.Join(b.dir, medium), tools: tools, memory: memoryFolder(t)}
		typeCards(t, filepath.Join(b.dir, "cards"), m.memory)
		return m
	}

	t.Run("it has nothing but the medium and the cards", func(t *testing.T) {
		out := machine(t, "stored", "").run(t,
			`! command -v go`, `! command -v age`, `! command -v coldvault`, `ls /sys/class/net`,
			`! ( : > /dev/tcp/192.0.2.1/80 )`, `! touch /media/x`, `! /media/coldvault/*/restore/coldvault-linux-*`)
		require.Contains(t, out, "\nlo\n")
		require.NotContains(t, out, "eth")
		require.Contains(t, out, "Network is unreachable")
		require.Contains(t, out, "Permission denied")
	})

	t.Run("A with coldvault", func(t *testing.T) {
		m := machine(t, "stored", "")
		commands := fill(textCommands(t, text("stored"), "A"), "")
		for i, c := range commands {
			commands[i] = strings.ReplaceAll(c, "linux-amd64", "linux-"+runtime.GOARCH)
		}
		out := m.run(t, commands...)
		require.Contains(t, out, "coldvault-linux-"+runtime.GOARCH+": OK")
		require.NotContains(t, out, "is on a disk")
		requireSameFiles(t, b.sources, restored(t, filepath.Join(m.memory, "keys")))
		require.FileExists(t, filepath.Join(m.memory, "keys.RUNBOOK.txt"))
	})

	// The archive is stored, compressed, or in parts; the text has a command for each.
	isStored := func(c string) bool {
		return strings.Contains(c, "archive-01.age | tar x -C") && !strings.Contains(c, "cat ")
	}
	isCompressed := func(c string) bool { return strings.Contains(c, "tar x --zstd") }
	isInParts := func(c string) bool { return strings.HasPrefix(c, "cat archive-01.age ") }
	for name, kind := range map[string]struct {
		medium  string
		command func(string) bool
	}{
		"stored":     {"stored", isStored},
		"compressed": {"compressed", isCompressed},
		"in parts":   {"parts", isInParts},
	} {
		t.Run("B without coldvault, archive "+name, func(t *testing.T) {
			if name == "in parts" {
				require.NoError(t, os.CopyFS(filepath.Join(b.dir, "parts"), os.DirFS(filepath.Join(b.dir, "stored"))))
				cutArchive(t, filepath.Join(b.dir, "parts"))
			}
			m := machine(t, kind.medium, b.tools)
			newest, folder := newestOf(t, m.medium)
			commands := textCommands(t, text(kind.medium), "B")
			archives := 0
			commands = slices.DeleteFunc(commands, func(c string) bool {
				about := isStored(c) || isCompressed(c) || isInParts(c)
				if about {
					archives++
				}
				return about && !kind.command(c)
			})
			require.Equal(t, 3, archives, "the text has another number of commands for archives")
			out := m.run(t, append([]string{"cat /dev/shm/card-? > /dev/shm/codes.txt"}, fill(commands, newest)...)...)
			require.Contains(t, out, "\n"+newest+"/manifest.json\n")
			requireSameFiles(t, b.sources, restored(t, filepath.Join(m.memory, "keys")))
			for _, secret := range []string{"cold.key", "hot.key", "codes.txt"} {
				require.NoFileExists(t, filepath.Join(m.memory, secret))
			}
			listed := contentsOf(t, filepath.Join(m.memory, "keys", "cold"))
			require.Len(t, listed, 1)
			require.Equal(t, dumpName, listed[0].Name)
			require.Equal(t, headerOf(t, filepath.Join(folder, "archive-01.age")), listed[0].Header)
			require.Equal(t, kind.medium == "compressed", listed[0].Compression == "zstd")
		})
	}

	t.Run("what was changed on the medium is caught by the first step", func(t *testing.T) {
		changed := filepath.Join(b.dir, "changed")
		require.NoError(t, os.CopyFS(changed, os.DirFS(filepath.Join(b.dir, "stored"))))
		name := filepath.Join(changed, "coldvault", b.vault, "restore", "recover.py")
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		data[1000] ^= 1
		require.NoError(t, os.WriteFile(name, data, 0o600))
		m := machine(t, "changed", "")
		out := m.run(t, fill(textCommands(t, text("changed"), "A")[:1], "")[0], "! sha256sum -c SHA256SUMS")
		require.Contains(t, out, "recover.py: FAILED")
	})
}

type archiveEntry struct{ Name, Header, Compression string }

// headerOf is the digest of an age file's header, as FORMAT.md section 4 has it.
func headerOf(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	header, rest, found := bytes.Cut(data, []byte("\n--- "))
	require.True(t, found)
	mac, _, found := bytes.Cut(rest, []byte("\n"))
	require.True(t, found)
	return fmt.Sprintf("%x", sha256.Sum256(slices.Concat(header, []byte("\n--- "), mac, []byte("\n"))))
}

// contentsOf are the archives that a contents.json lists.
func contentsOf(t *testing.T, dir string) []archiveEntry {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "contents.json"))
	require.NoError(t, err)
	var contents struct {
		Archives []archiveEntry
	}
	require.NoError(t, json.Unmarshal(data, &contents))
	return contents.Archives
}

// cutArchive makes three parts of an archive, as if it had been larger than two; their
// parity, which must not get in between, is there too.
func cutArchive(t *testing.T, medium string) {
	t.Helper()
	_, folder := newestOf(t, medium)
	whole := filepath.Join(folder, "archive-01.age")
	data, err := os.ReadFile(whole)
	require.NoError(t, err)
	const size = 600_000
	require.Greater(t, len(data), 2*size)
	for name, part := range map[string][]byte{"": data[:size], ".002": data[size : 2*size], ".003": data[2*size:]} {
		require.NoError(t, os.WriteFile(whole+name, part, 0o600))
		require.NoError(t, os.WriteFile(whole+name+".parity", []byte("parity"), 0o600))
	}
}
