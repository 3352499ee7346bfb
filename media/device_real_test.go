package media

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The tests here are on the machine they run on.

// tangle mounts file systems over each other below a folder, where that is allowed, and
// returns names in them.
func tangle(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	mount := func(source, name, fstype string, flags uintptr) bool {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(name, 0o700))
		if err := unix.Mount(filepath.Join(dir, source), name, fstype, flags, ""); err != nil {
			t.Log("mounts over each other are not tested here: ", err)
			return false
		}
		t.Cleanup(func() { _ = unix.Unmount(name, unix.MNT_DETACH) })
		return true
	}
	// b in a, hidden by another a, with another b; on top of that once more; a bind
	// mount of the lot; and one that is moved, so that its line comes before its parent's.
	if mount("", "a/b", "tmpfs", 0) && mount("", "a", "tmpfs", 0) && mount("", "a/b", "tmpfs", 0) && mount("", "a/b", "tmpfs", 0) &&
		mount("a", "c d", "", unix.MS_BIND|unix.MS_REC) && mount("", "e", "tmpfs", 0) && mount("", "f", "tmpfs", 0) {
		mount("e", "f/g", "", unix.MS_MOVE)
	}
	var names []string
	for _, name := range []string{"", "a", "a/b", "c d", "c d/b", "e", "f", "f/g"} {
		names = append(names, filepath.Join(dir, name))
	}
	return names
}

// The walk through mountinfo comes to the mount that the kernel itself names.
func TestWalkAgreesWithTheKernel(t *testing.T) {
	tangled := tangle(t)
	s, err := ThisHost().survey()
	if err != nil {
		t.Skip("no mountinfo here: ", err)
	}
	compared := 0
	names := append(tangled, os.TempDir(), "/usr/bin", "/dev/null")
	for _, m := range s.mounts {
		names = append(names, m.point)
	}
	for _, name := range names {
		var stat unix.Statx_t
		full, err := ThisHost().locate(name)
		if err != nil || unix.Statx(unix.AT_FDCWD, name, unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID, &stat) != nil || stat.Mask&unix.STATX_MNT_ID == 0 {
			continue
		}
		m, ok := s.mounts.at(full)
		require.True(t, ok, name)
		require.Equal(t, stat.Mnt_id, uint64(m.id), name)
		compared++
	}
	if compared == 0 {
		t.Skip("no folder could be compared: statx with mount ids needs Linux 5.8")
	}
	t.Logf("%d folders compared", compared)
}

func TestDevicesOfThisMachine(t *testing.T) {
	h := ThisHost()
	dir := t.TempDir()
	d, err := h.Device(dir)
	if err != nil {
		t.Skip("the device of the temporary folder cannot be told here: ", err)
	}
	t.Log(d)
	inner := filepath.Join(dir, "a")
	require.NoError(t, os.Mkdir(inner, 0o700))
	require.True(t, SameDevice(d, device(t, h, inner)))
	require.True(t, h.Present(d))

	t.Chdir(dir)
	relative, mounted, err := h.Mounted("a")
	require.NoError(t, err)
	require.False(t, mounted)
	require.True(t, SameDevice(d, relative))

	var stat syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &stat); err != nil || stat.Type != unix.TMPFS_MAGIC {
		t.Skip("no memory file system at /dev/shm")
	}
	shm, mounted, err := h.Mounted("/dev/shm")
	require.NoError(t, err)
	require.True(t, mounted)
	require.Equal(t, KindMemory, shm.Kind)
	require.Len(t, shm.Warnings(), 1)
}

// run starts a program that the test needs, and skips where it does not work.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Skipf("%s does not work here: %v: %s", name, err, out)
	}
}

// attach makes a file system in an image file and gives it a loop device.
func attach(t *testing.T, image string, mkfs ...string) (loop string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("loop devices need root")
	}
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 16<<20))
	run(t, mkfs[0], append(mkfs[1:], image)...)
	out, err := exec.Command("losetup", "--find", "--show", image).Output()
	if err != nil {
		t.Skip("no loop device: ", err)
	}
	loop = string(out[:len(out)-1])
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", loop).Run() })
	return loop
}

func mountAt(t *testing.T, mount []string, loop, dir string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	run(t, mount[0], append(mount[1:], loop, dir)...)
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
}

// An image file that is mounted is on the disk with the file, and is found again at
// another place, after it was detached and attached.
func TestRealLoopMounts(t *testing.T) {
	tests := []struct {
		name        string
		mkfs, mount []string
	}{
		{"ext4", []string{"mkfs.ext4", "-q"}, []string{"mount", "-t", "ext4"}},
		{"exFAT over FUSE", []string{"mkfs.exfat"}, []string{"mount.exfat-fuse"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, dir := ThisHost(), t.TempDir()
			image := filepath.Join(dir, "an image.img")
			loop := attach(t, image, tt.mkfs...)
			first, second := filepath.Join(dir, "first place"), filepath.Join(dir, "second")
			mountAt(t, tt.mount, loop, first)

			d, mounted, err := h.Mounted(first)
			require.NoError(t, err)
			require.True(t, mounted)
			t.Log(d)
			outside := device(t, h, dir)
			require.Equal(t, image, d.Image)
			require.Equal(t, loop, d.Source)
			require.Equal(t, outside.Kind, d.Kind)
			require.Equal(t, outside.disks, d.disks)
			require.True(t, SameDevice(d, outside))
			require.True(t, h.Present(d))
			place, found := h.Find(d)
			require.True(t, found)
			require.Equal(t, first, place)

			run(t, "umount", first)
			require.False(t, h.Present(d))
			_, found = h.Find(d)
			require.False(t, found)
			_, mounted, err = h.Mounted(first)
			require.NoError(t, err)
			require.False(t, mounted)

			mountAt(t, tt.mount, loop, second)
			place, found = h.Find(d)
			require.True(t, found)
			require.Equal(t, second, place)
			require.NoError(t, Recognise(d, device(t, h, second)))
		})
	}
}

// An image in memory is lost like everything there.
func TestRealImageInMemory(t *testing.T) {
	shm, err := os.MkdirTemp("/dev/shm", "coldvault")
	if err != nil {
		t.Skip("no /dev/shm: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(shm) })
	if device(t, ThisHost(), shm).Kind != KindMemory {
		t.Skip("/dev/shm is not in memory here")
	}
	loop := attach(t, filepath.Join(shm, "x.img"), "mkfs.ext4", "-q")
	dir := filepath.Join(t.TempDir(), "m")
	mountAt(t, []string{"mount", "-t", "ext4"}, loop, dir)
	d := device(t, ThisHost(), dir)
	require.Equal(t, KindMemory, d.Kind)
	require.False(t, d.System)
	require.Len(t, d.Warnings(), 2)
}
