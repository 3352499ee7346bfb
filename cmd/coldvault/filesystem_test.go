package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What sticks are really formatted with, and what happens when they are full or
// write-protected: on file systems of the kernel's, not on a model of them.

// runIn runs coldvault in a folder.
func runIn(t *testing.T, dir string, args ...string) (text string, code int) {
	t.Helper()
	cmd := exec.Command("coldvault", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exited *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exited)
		code = exited.ExitCode()
	}
	return string(out), code
}

// want is runIn for a certain exit code.
func want(t *testing.T, code int, dir string, args ...string) string {
	t.Helper()
	text, got := runIn(t, dir, args...)
	require.Equal(t, code, got, "coldvault %s\n%s", strings.Join(args, " "), text)
	return text
}

// failure is the error and its hint, which a full or protected medium must be given.
func failure(t *testing.T, dir, medium, reason string, args ...string) {
	t.Helper()
	text := want(t, exitFailed, dir, args...)
	require.Regexp(t, `(?m)^(! |coldvault: error: ).*\b`+medium+`\b.*`+reason, text)
	require.Regexp(t, `(?m)^coldvault: error: `, text)
	require.Regexp(t, `(?m)^coldvault: hint: .`, text)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount file systems")
	}
}

// mountTmpfs mounts a tmpfs of some KiB at a new folder.
func mountTmpfs(t *testing.T, dir, size string) {
	t.Helper()
	needRoot(t)
	require.NoError(t, os.Mkdir(dir, 0o700))
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700")
	if errors.Is(err, unix.EPERM) {
		t.Skip("root may not mount file systems here")
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// fillUp leaves so many KiB of a file system free.
func fillUp(t *testing.T, dir string, free int64) {
	t.Helper()
	var stat unix.Statfs_t
	require.NoError(t, unix.Statfs(dir, &stat))
	size := int64(stat.Bavail)*stat.Bsize - free<<10
	require.Positive(t, size)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "holiday.mp4"), make([]byte, size), 0o600))
}

// stick is a file system in a file on a loop device.
type stick struct {
	dir, device string
	mount       func() error
}

// makeStick formats one, or skips where the programs or the kernel lack it.
func makeStick(t *testing.T, dir, kind string) *stick {
	t.Helper()
	needRoot(t)
	for _, program := range []string{"mkfs." + kind, "losetup", "mount"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	image := filepath.Join(t.TempDir(), "stick")
	f, err := os.Create(image)
	require.NoError(t, err)
	require.NoError(t, errors.Join(f.Truncate(256<<20), f.Close()))
	runHost(t, "mkfs."+kind, image)
	out, err := exec.Command("losetup", "--find", "--show", image).Output()
	if err != nil {
		t.Skipf("no loop device: %v", err)
	}
	s := &stick{dir: dir, device: strings.TrimSpace(string(out))}
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", s.device).Run() })
	require.NoError(t, os.Mkdir(dir, 0o700))
	const private = "umask=077" // as desktops mount a stick for whoever sits there
	s.mount = func() error {
		err := unix.Mount(s.device, dir, kind, unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, private)
		if err == nil {
			return nil
		}
		// exFAT is in FUSE where the kernel lacks it.
		out, fuseErr := exec.Command("mount."+kind+"-fuse", "-o", private+",noexec", s.device, dir).CombinedOutput()
		if fuseErr != nil {
			return errors.Join(err, fuseErr, errors.New(string(out)))
		}
		return nil
	}
	if err := s.mount(); err != nil {
		t.Skipf("%s cannot be mounted here: %v", kind, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	return s
}

// replug takes the stick out and puts it back: what is read then was on it.
func (s *stick) replug(t *testing.T) {
	t.Helper()
	require.NoError(t, unix.Unmount(s.dir, 0))
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Empty(t, entries, "the stick is still there")
	require.NoError(t, s.mount())
}

func flipBytes(t *testing.T, name string, offset, count int) {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	for i := range count {
		data[offset+i] ^= 0xff
	}
	require.NoError(t, os.WriteFile(name, data, 0o600))
}

func TestSticksAsTheyAreFormattedHoldAVault(t *testing.T) {
	for _, kind := range []string{"exfat", "vfat"} {
		t.Run(kind, func(t *testing.T) {
			dir, s := copySample(t)
			usb := makeStick(t, filepath.Join(dir, "usb"), kind)
			dump := bytes.Repeat([]byte("INSERT INTO t VALUES (1);\n"), 60_000)
			require.NoError(t, os.WriteFile(filepath.Join(dir, dumpName), dump, 0o600))
			require.Error(t, os.WriteFile(filepath.Join(dir, "usb", dumpName), nil, 0o600), "this file system takes any name")

			want(t, exitOK, dir, "seal", "--vault", "vault", "--to", "usb", "pool-2", "--attach", dumpName, "--passphrase-file", "passphrase")
			usb.replug(t)
			require.Contains(t, want(t, exitOK, dir, "check", "usb"), "WHOLE   generation 3 ")
			usb.replug(t)

			generation := filepath.Join(dir, "usb/coldvault", s.Vault, "generations/000003")
			flipBytes(t, filepath.Join(generation, "archive-01.age"), 100_000, 100_000)
			flipBytes(t, filepath.Join(generation, "cold.age"), 1000, 400)
			usb.replug(t)
			want(t, exitDamage, dir, "check", "usb")
			require.Contains(t, want(t, exitOK, dir, "check", "--repair", "usb"), "blocks from parity")
			usb.replug(t)
			want(t, exitOK, dir, "check", "usb")

			second := makeStick(t, filepath.Join(dir, "usb-2"), kind)
			want(t, exitOK, dir, "copy", "--from", "usb", "--to", "usb-2")
			second.replug(t)
			want(t, exitOK, dir, "check", "usb-2")
			want(t, exitOK, dir, "restore", "--from", "usb-2", "--card", "cards", "--chain-counter", "1", "--to", "out")
			wanted := restored(t, filepath.Join(dir, "pool-2"))
			wanted[dumpName] = dump
			requireSameFiles(t, wanted, restored(t, filepath.Join(dir, "out")))

			// Old generations go, and what is written again is as good.
			want(t, exitOK, dir, "seal", "--vault", "vault", "--to", "usb", "pool-2", "--attach", dumpName, "--keep", "1", "--passphrase-file", "passphrase")
			usb.replug(t)
			require.NoDirExists(t, generation)
			text := want(t, exitOK, dir, "check", "usb")
			require.Contains(t, text, "WHOLE   generation 4 ")
			require.NotContains(t, text, "generation 3 ")

			// A name that the file system does not take is no name for a restored file on it.
			text = want(t, exitFailed, dir, "restore", "--from", "usb-2", "--card", "cards", "--role", "archive", "--to", "usb/out")
			require.Contains(t, text, dumpName)
			entries, err := os.ReadDir(filepath.Join(dir, "usb/out"))
			require.True(t, errors.Is(err, os.ErrNotExist) || len(entries) == 0, "%v", entries)
		})
	}
}

// A stick's file system may have no files without a name: then a file that is written to it
// needs the whole stick, and a runbook goes into the folder. Shows G20.
func TestOutputsOnSticksAsTheyAreFormatted(t *testing.T) {
	needSandbox(t)
	for _, kind := range []string{"exfat", "vfat"} {
		t.Run(kind, func(t *testing.T) {
			dir, _ := copySample(t)
			makeStick(t, filepath.Join(dir, "usb"), kind)
			o := startOpener(t, dir, "paper", "--vault", "vault", "--out", "usb/pages.pdf")
			require.True(t, o.can("write", "usb"))
			require.False(t, o.can("write", "."))
			require.False(t, o.can("read", "passphrase"))

			for _, line := range []string{
				"paper --vault vault --out usb/pages.pdf --require-sandbox",
				"restore --from medium-a --card cards --chain-counter 1 --to usb/out --require-sandbox",
				"init --vault usb/v --cards usb/c --label x --shares 3 --threshold 2 --passphrase-file passphrase --require-sandbox",
			} {
				text := want(t, exitOK, dir, strings.Fields(line)...)
				require.NotContains(t, text, "runbook could not be written")
			}
			want(t, exitDamage, dir, "status", "--vault", "vault", "--ics", "usb/dates.ics", "--require-sandbox")
			for _, name := range []string{"pages.pdf", "dates.ics", "out/RUNBOOK.md", "out/RUNBOOK.txt", "v/vault.json", "c/card-3.pdf"} {
				require.FileExists(t, filepath.Join(dir, "usb", name))
			}
			require.Contains(t, want(t, exitFailed, dir, "paper", "--vault", "vault", "--out", "usb/pages.pdf"), "file exists")
		})
	}
}

// otherBinary makes a folder with a program for another architecture.
func otherBinary(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "others"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "others", "coldvault-linux-riscv64"), make([]byte, 1<<20), 0o600))
}

// A stick that is full fails alone, by name; nothing half written counts.
func TestAFullMediumFailsByNameAndLeavesNothing(t *testing.T) {
	const full = "no space left on device"
	dir, s := copySample(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, dumpName), make([]byte, 3_000_001), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "good"), 0o700))
	mountTmpfs(t, filepath.Join(dir, "tiny"), "64k")
	empty := func(t *testing.T) {
		t.Helper()
		entries, err := os.ReadDir(filepath.Join(dir, "tiny"))
		require.NoError(t, err)
		for _, e := range entries {
			require.Equal(t, "coldvault", e.Name())
			inside, err := os.ReadDir(filepath.Join(dir, "tiny", "coldvault"))
			require.NoError(t, err)
			require.Empty(t, inside)
		}
	}

	t.Run("seal", func(t *testing.T) {
		failure(t, dir, "tiny", full, "seal", "--vault", "vault", "--to", "tiny", "--to", "good", "pool-2",
			"--attach", dumpName, "--passphrase-file", "passphrase")
		require.Contains(t, want(t, exitDamage, dir, "check", "tiny"), "there is no vault here")
		empty(t)
		require.Contains(t, want(t, exitOK, dir, "check", "good"), "WHOLE   generation 3 ")
	})
	t.Run("copy", func(t *testing.T) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, "good-2"), 0o700))
		failure(t, dir, "tiny", full, "copy", "--from", "good", "--to", "tiny", "--to", "good-2")
		require.Contains(t, want(t, exitDamage, dir, "check", "tiny"), "there is no vault here")
		empty(t)
		want(t, exitOK, dir, "check", "good-2")
	})
	t.Run("kit", func(t *testing.T) {
		failure(t, dir, "tiny", "it holds nothing of vault", "kit", "--vault", "vault", "--passphrase-file", "passphrase", "tiny")
		empty(t)
	})
	t.Run("restore", func(t *testing.T) {
		failure(t, dir, "tiny", full, "restore", "--from", "good", "--card", "cards", "--chain-counter", "1", "--to", "tiny/out")
		entries, err := os.ReadDir(filepath.Join(dir, "tiny"))
		require.NoError(t, err)
		for _, e := range entries {
			require.NotEqual(t, "out", e.Name())
		}
	})
	t.Run("paper", func(t *testing.T) {
		failure(t, dir, "tiny", full, "paper", "--vault", "vault", "--out", "tiny/pages.pdf")
		require.NotContains(t, want(t, exitFailed, dir, "paper", "--vault", "vault", "--out", "tiny/pages.pdf"), "existing file")
		require.NoFileExists(t, filepath.Join(dir, "tiny", "pages.pdf"))
	})

	// A medium that has an older generation keeps it.
	mountTmpfs(t, filepath.Join(dir, "nearly"), "64m")
	want(t, exitOK, dir, "copy", "--from", "medium-1", "--to", "nearly")
	fillUp(t, filepath.Join(dir, "nearly"), 48)
	before := want(t, exitOK, dir, "check", "nearly")
	require.Contains(t, before, "WHOLE   generation 1 ")
	keepsIt := func(t *testing.T) {
		t.Helper()
		require.Contains(t, want(t, exitOK, dir, "check", "nearly"), "WHOLE   generation 1 ")
		names, err := os.ReadDir(filepath.Join(dir, "nearly/coldvault", s.Vault, "generations"))
		require.NoError(t, err)
		require.Len(t, names, 1)
	}
	t.Run("seal keeps the generation before", func(t *testing.T) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, "good-3"), 0o700))
		failure(t, dir, "nearly", full, "seal", "--vault", "vault", "--to", "nearly", "--to", "good-3", "pool-2",
			"--attach", dumpName, "--keep", "1", "--passphrase-file", "passphrase")
		keepsIt(t)
		want(t, exitOK, dir, "check", "good-3")
	})
	t.Run("copy keeps the generation before", func(t *testing.T) {
		failure(t, dir, "nearly", full, "copy", "--from", "good", "--to", "nearly")
		keepsIt(t)
	})
	t.Run("kit keeps the kit before", func(t *testing.T) {
		otherBinary(t, dir)
		failure(t, dir, "nearly", full, "kit", "--vault", "vault", "--kit", "others", "--passphrase-file", "passphrase", "nearly")
		keepsIt(t)
	})
}

// Not even the log of its checks fits: that is said, and is no damage.
func TestAMediumWithoutAnyRoomIsChecked(t *testing.T) {
	dir, s := copySample(t)
	mountTmpfs(t, filepath.Join(dir, "nearly"), "64m")
	want(t, exitOK, dir, "copy", "--from", "medium-1", "--to", "nearly")
	log := filepath.Join(dir, "nearly/coldvault", s.Vault, "checks.log")
	before, err := os.ReadFile(log)
	require.NoError(t, err)
	fillUp(t, filepath.Join(dir, "nearly"), 0)
	text := want(t, exitOK, dir, "check", "nearly")
	require.Contains(t, text, "WHOLE   generation 1 ")
	require.Regexp(t, "the check is not noted on nearly: .*no space left on device", text)
	after, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

func TestAProtectedMediumIsCheckedAndNotWritten(t *testing.T) {
	const protected = "read-only file system"
	dir, _ := copySample(t)
	otherBinary(t, dir)
	usb := filepath.Join(dir, "usb")
	mountTmpfs(t, usb, "64m")
	want(t, exitOK, dir, "copy", "--from", "medium-1", "--to", "usb")
	require.NoError(t, unix.Mount("", usb, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOEXEC, ""))

	require.Contains(t, want(t, exitOK, dir, "check", "usb"), "WHOLE   generation 1 ")
	require.Contains(t, want(t, exitOK, dir, "check", "usb"), "usb cannot be written, so the check is not noted on it")
	want(t, exitOK, dir, "restore", "--from", "usb", "--card", "cards", "--chain-counter", "0", "--to", "out")
	for _, args := range [][]string{
		{"seal", "--vault", "vault", "--to", "usb", "--to", "medium-a", "pool-2", "--passphrase-file", "passphrase"},
		{"copy", "--from", "medium-a", "--to", "usb"},
		{"kit", "--vault", "vault", "--kit", "others", "--passphrase-file", "passphrase", "usb"},
		{"restore", "--from", "medium-a", "--card", "cards", "--to", "usb/out"},
		{"paper", "--vault", "vault", "--out", "usb/pages.pdf"},
	} {
		t.Run(args[0], func(t *testing.T) { failure(t, dir, "usb", protected, args...) })
	}
	want(t, exitOK, dir, "check", "usb", "medium-a")
}
