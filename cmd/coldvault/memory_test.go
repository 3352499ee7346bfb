package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// folders gives a new folder on a tmpfs and one that is not, where there are such.
func folders(t *testing.T) map[bool]string {
	t.Helper()
	found := map[bool]string{}
	for _, parent := range []string{"/dev/shm", os.TempDir(), "."} {
		var stat unix.Statfs_t
		require.NoError(t, unix.Statfs(parent, &stat))
		inMemory := stat.Type == unix.TMPFS_MAGIC
		if found[inMemory] != "" {
			continue
		}
		dir, err := os.MkdirTemp(parent, "coldvault-test-")
		require.NoError(t, err)
		t.Cleanup(func() { os.RemoveAll(dir) })
		found[inMemory], err = filepath.Abs(dir)
		require.NoError(t, err)
	}
	return found
}

// Cards and restored files on a disk are warned of, and init says how to get rid of the
// cards; on a tmpfs, a real one, there is no warning. They are private either way. Shows G7.
func TestWhatIsOnADiskIsWarnedOf(t *testing.T) {
	dir, _ := copySample(t)
	run := func(args ...string) (stdout, stderr string) {
		t.Helper()
		cmd := exec.Command("coldvault", append(args, "--yes")...)
		cmd.Dir = dir
		var text, problems bytes.Buffer
		cmd.Stdout, cmd.Stderr = &text, &problems
		require.NoError(t, cmd.Run(), problems.String())
		return text.String(), problems.String()
	}
	for inMemory, folder := range folders(t) {
		cards, out := filepath.Join(folder, "it's", "cards"), filepath.Join(folder, "out")
		require.NoError(t, os.Mkdir(filepath.Dir(cards), 0o700))
		warning := " is on a disk: what was once on flash cannot be erased"
		stdout, stderr := run("init", "--vault", filepath.Join(folder, "v"), "--label", "x", "--shares", "3", "--threshold", "2",
			"--cards", cards, "--passphrase-file", "passphrase")
		require.Contains(t, stdout, "get rid of the PDFs, which are the vault: rm -r '"+folder+`/it'\''s/cards'`)
		if inMemory {
			require.NotContains(t, stderr, warning)
			require.Contains(t, stdout, "They are in memory only (tmpfs)")
		} else {
			require.Contains(t, stderr, cards+warning)
			require.Contains(t, stdout, "neither rm nor shred erases for certain")
		}
		stdout, stderr = run("restore", "--from", "medium-1", "--chain-counter", "1", "--card", "cards", "--to", out, "--json")
		if inMemory {
			require.NotContains(t, stderr, warning)
			require.Contains(t, stdout, `"in_memory":true`)
		} else {
			require.Contains(t, stderr, out+warning)
			require.Contains(t, stdout, `"in_memory":false`)
		}
		for name, mode := range map[string]os.FileMode{
			cards: os.ModeDir | 0o700, filepath.Join(cards, "card-1.pdf"): 0o400,
			out: os.ModeDir | 0o700, filepath.Join(out, "cold.skey"): 0o400,
		} {
			info, err := os.Lstat(name)
			require.NoError(t, err)
			require.Equal(t, mode, info.Mode(), name)
		}
	}
}
