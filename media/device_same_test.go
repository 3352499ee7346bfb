package media

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Two folders that are lost together are one copy. Shows G26.
func TestSameDevice(t *testing.T) {
	c := computer(t)
	c.plug(sandisk)
	c.partition(sandisk, 2, "AAAA-0002")
	c.plug(noname)
	twin := noname // the same make, and no serial number either
	twin.port, twin.name, twin.dev, twin.seq = "1-5", "sde", "8:64", "25"
	c.plug(twin)
	c.loop("loop0", "7:0", "/media/keys/vault.img")
	c.loop("loop1", "7:1", "/media/keys/other.img")
	c.file("media/keys/vault.img", "")
	c.file("media/keys/other.img", "")
	c.mount(mountStick,
		"41 27 8:18 / /media/second rw - ext4 /dev/sdb2 rw",
		"42 27 8:17 /backup /srv/copy rw - exfat /dev/sdb1 rw",
		"43 27 7:0 / /mnt/image rw - ext4 /dev/loop0 rw",
		"44 27 7:1 / /mnt/image2 rw - ext4 /dev/loop1 rw",
		"45 27 8:49 / /mnt/noname rw - vfat /dev/sdd1 rw",
		"46 27 8:65 / /mnt/twin rw - vfat /dev/sde1 rw",
		"47 27 0:60 / /mnt/nfs rw - nfs4 nas:/a rw",
		"48 27 0:61 / /mnt/cifs rw - cifs //NAS/b rw",
		"49 27 0:62 / /mnt/ssh rw - fuse.sshfs op@nas:/c rw",
		"50 27 0:63 / /mnt/away rw - fuse.sshfs op@away:/c rw",
		"51 27 0:64 / /mnt/ram rw - ramfs ramfs rw",
		"52 27 0:65 / /mnt/fuse1 rw - fuse.a a rw",
		"53 27 0:66 / /mnt/fuse2 rw - fuse.b b rw",
		"54 27 0:67 / /mnt/layers rw - overlay overlay rw",
	)
	c.folder("media/keys/a")
	c.folder("media/keys/b")
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"two folders of one file system", "/media/keys/a", "/media/keys/b", true},
		{"two partitions of one stick", "/media/keys", "/media/second", true},
		{"a bind mount", "/media/keys", "/srv/copy", true},
		{"an image and the stick it is on", "/mnt/image", "/media/second", true},
		{"two images on one stick", "/mnt/image", "/mnt/image2", true},
		{"two partitions of the system disk, one encrypted", "/home/op", "/boot/efi", true},
		{"two sticks", "/media/keys", "/mnt/noname", false},
		{"two sticks of one make without serial number", "/mnt/noname", "/mnt/twin", false},
		{"a stick and the system disk", "/media/keys", "/home/op", false},
		{"two shares of one server, by different protocols", "/mnt/nfs", "/mnt/cifs", true},
		{"one server, by another user", "/mnt/nfs", "/mnt/ssh", true},
		{"two servers", "/mnt/nfs", "/mnt/away", false},
		{"a share and a stick", "/mnt/nfs", "/media/keys", false},
		{"all memory is one", "/dev/shm", "/mnt/ram", true},
		{"memory and a stick", "/dev/shm", "/media/keys", false},
		{"two that cannot be told", "/mnt/fuse1", "/mnt/fuse2", true},
		{"one that cannot be told, and a stick", "/mnt/fuse1", "/media/keys", false},
		{"memory, and one that may be memory", "/dev/shm", "/mnt/layers", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := device(t, c.host(), tt.a), device(t, c.host(), tt.b)
			require.Equal(t, tt.same, SameDevice(a, b))
			require.Equal(t, tt.same, SameDevice(b, a))
		})
	}
}

// A clone has the UUID of its original; what it is on tells them apart. Breaks G26.
func TestAClonedStickIsAnotherDevice(t *testing.T) {
	c := computer(t)
	original, larger := noname, noname
	original.uuid, larger.uuid = "5E2A-11F0", "5E2A-11F0"
	larger.port, larger.name, larger.dev, larger.seq, larger.size = "1-5", "sde", "8:64", "25", "31457280"
	c.plug(original)
	c.plug(larger)
	named := sandisk
	named.uuid = "5E2A-11F0"
	c.plug(named)
	c.mount(mountStick, "45 27 8:49 / /mnt/a rw - exfat /dev/sdd1 rw", "46 27 8:65 / /mnt/b rw - exfat /dev/sde1 rw")
	a, b, s := device(t, c.host(), "/mnt/a"), device(t, c.host(), "/mnt/b"), device(t, c.host(), "/media/keys")
	require.Equal(t, a.FSUUID, s.FSUUID)
	require.False(t, SameDevice(a, b), "of another size")
	require.False(t, SameDevice(a, s), "with a serial number")
	require.Error(t, Recognise(a, b))
}

// Without sequence numbers, before Linux 5.15, partitions of one stick are still one
// device, and another stick in the same place is another one.
func TestSameDeviceOnAnOldKernel(t *testing.T) {
	c := computer(t)
	old, next := sandisk, kingston
	old.seq, next.seq, next.size = "", "", old.size
	c.plug(old)
	c.partition(old, 2, "AAAA-0002")
	c.mount(mountStick, "41 27 8:18 / /media/second rw - ext4 /dev/sdb2 rw")
	first, second := device(t, c.host(), "/media/keys"), device(t, c.host(), "/media/second")
	require.True(t, SameDevice(first, second))
	c.remove(old.dir())
	c.plug(next)
	require.False(t, SameDevice(first, device(t, c.host(), "/media/keys")))
}

// However a share is written, it is one server's.
func TestServerOfAShare(t *testing.T) {
	for source, want := range map[string]string{
		"nas:/vault": "nas", "NAS:vault": "nas", "//nas/vault": "nas", "op@nas:/vault": "nas", "https://op@nas/dav/": "nas", "https://nas": "nas",
		"[fd00::1]:/vault": "[fd00::1]", "10.0.0.1,10.0.0.2:/": "10.0.0.1,10.0.0.2", "hostshare": "hostshare", "": "", "://": "", "@": "", ":/": "",
	} {
		require.Equal(t, want, server(source), source)
	}
}

// A kind that is not known has a name too.
func TestNamesOfKinds(t *testing.T) {
	require.Equal(t, "SD card", KindCard.String())
	require.Equal(t, "overlay file system", KindOverlay.String())
	require.Equal(t, "unknown device", DeviceKind(len(kindNames)).String())
	require.Equal(t, "unknown device", DeviceKind(-1).String())
}

// Serial numbers that a whole batch has identify nothing.
func TestSerialNumbersOfBatches(t *testing.T) {
	for serial, want := range map[string]string{
		"": "", "0": "", "000000000000": "", "FFFFFFFF": "", "123456789ABCDEF": "", "0123456789abcdef": "", "12345678": "",
		"4C530001230512101234": "serial=4C530001230512101234", "12345679": "serial=12345679",
	} {
		require.Equal(t, want, Device{Kind: KindUSB, Serial: serial}.ID(), serial)
	}
}
