package media

import (
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/stretchr/testify/require"
)

const mountStick = "40 27 8:17 / /media/keys rw,nosuid shared:9 - exfat /dev/sdb1 rw"

// Each kind of device is told, in the words an operator knows it by.
func TestDeviceOfAFolder(t *testing.T) {
	tests := []struct {
		name     string
		prepare  func(c tree)
		folder   string
		want     Device // Kind, System, ReadOnly, MountPoint, Root are compared
		text     string
		id       string
		warnings []string
	}{
		{"a folder of a USB stick with a partition", func(c tree) {
			c.plug(sandisk)
			c.mount(mountStick)
			c.folder("media/keys/backup/2026")
		}, "/media/keys/backup/2026", Device{Kind: KindUSB, MountPoint: "/media/keys", Root: "/"},
			`USB stick SanDisk Ultra, 31 GB, serial …1234, exFAT "KEYS" 5E2A-11F0`, "uuid=5E2A-11F0 serial=4C530001230512101234", nil},

		{"a stick without serial number, UUID and partition that exFAT over FUSE hides", func(c tree) {
			c.plug(noname)
			c.attrs(path.Dir(path.Dir(noname.disk())), attrs{"wwid": "t10.General UDisk"}) // made up by the bridge
			c.mount("40 27 8:48 / /mnt/x rw - fuseblk /dev/sdd rw,user_id=0")
			c.udev("8:48", "ID_FS_TYPE=exfat")
		}, "/mnt/x", Device{Kind: KindUSB, MountPoint: "/mnt/x", Root: "/"},
			`USB stick General UDisk, 8 GB, exFAT`, "", nil},

		{"a file system with links but no record of udev", func(c tree) {
			c.plug(noname)
			c.mount("40 27 8:49 / /mnt/x rw - vfat /dev/sdd1 rw")
			c.file("dev/sdd1", "")
			c.file("dev/sdd", "")
			c.link("dev/disk/by-uuid/AAAA-BBBB", "dev/sdd")
			c.link("dev/disk/by-uuid/1234-ABCD", "dev/sdd1")
			c.link(`dev/disk/by-label/OUR\x20KEYS`, "dev/sdd1")
		}, "/mnt/x", Device{Kind: KindUSB, MountPoint: "/mnt/x", Root: "/"},
			`USB stick General UDisk, 8 GB, FAT "OUR KEYS" 1234-ABCD`, "uuid=1234-ABCD", nil},

		{"an SD card with its write protection on", func(c tree) {
			c.block(card, "179:0", attrs{"size": "62333952", "removable": "0", "ro": "1"})
			c.attrs(path.Dir(path.Dir(card)), attrs{"type": "SD", "name": "SC32G", "cid": "035344534333324780deadbeef012345", "serial": "0xdeadbeef"})
			c.link(card+"/device", path.Dir(path.Dir(card)))
			c.block(card+"/mmcblk0p1", "179:1", attrs{"partition": "1", "ro": "1"})
			c.mount("40 27 179:1 / /media/card rw - vfat /dev/mmcblk0p1 rw")
		}, "/media/card", Device{Kind: KindCard, ReadOnly: true, MountPoint: "/media/card", Root: "/"},
			"SD card SC32G, 32 GB, serial …2345, FAT", "serial=035344534333324780deadbeef012345",
			[]string{`"/media/card" is read-only: nothing can be written to it`}},

		{"eMMC is soldered in", func(c tree) {
			c.block(card, "179:0", attrs{"size": "62333952"})
			c.attrs(path.Dir(path.Dir(card)), attrs{"type": "MMC", "name": "DF4032"})
			c.link(card+"/device", path.Dir(path.Dir(card)))
			c.mount("40 27 179:0 / /mnt/x rw - ext4 /dev/mmcblk0 rw")
		}, "/mnt/x", Device{Kind: KindDisk, MountPoint: "/mnt/x", Root: "/"}, "internal disk DF4032, 32 GB, ext4", "", nil},

		{"the system disk through LVM and LUKS", func(tree) {}, "/home/op",
			Device{Kind: KindDisk, System: true, MountPoint: "/", Root: "/"},
			"internal disk Samsung SSD 980 PRO 512GB, 512 GB, serial …3456, ext4", "serial=S5GXNX0R123456",
			[]string{`"/home/op" is on a disk that this system runs from (internal disk Samsung SSD 980 PRO 512GB, 512 GB, serial …3456, ext4): ` +
				`it is lost together with the computer`}},

		{"another partition of the system disk", func(c tree) {
			c.block(nvme+"/nvme0n1p3", "259:3", attrs{"partition": "3"})
			c.mount("40 27 259:3 / /srv rw - xfs /dev/nvme0n1p3 rw")
		}, "/srv", Device{Kind: KindDisk, System: true, MountPoint: "/srv", Root: "/"},
			"internal disk Samsung SSD 980 PRO 512GB, 512 GB, serial …3456, xfs", "serial=S5GXNX0R123456",
			[]string{`"/srv" is on a disk that this system runs from (internal disk Samsung SSD 980 PRO 512GB, 512 GB, serial …3456, xfs): ` +
				`it is lost together with the computer`}},

		{"a second SATA disk that tells its serial number in a page of SCSI", func(c tree) {
			c.block(sata, "8:0", attrs{"size": "7814037168", "removable": "0", "diskseq": "3"})
			c.attrs(path.Dir(path.Dir(sata)), attrs{"vendor": "ATA     ", "model": "WDC WD40EFRX-68N", "vpd_pg80": "\x00\x80\x00\x14     WD-WCC7K0ABCDEF", "wwid": "naa.50014ee2"})
			c.link(sata+"/device", path.Dir(path.Dir(sata)))
			c.udev("8:0", "ID_FS_TYPE=ext3") // what it is mounted as counts
			c.mount("40 27 8:0 / /mnt/x rw - ext4 /dev/sda rw")
		}, "/mnt/x", Device{Kind: KindDisk, MountPoint: "/mnt/x", Root: "/"},
			"internal disk WDC WD40EFRX-68N, 4.0 TB, serial …CDEF, ext4", "serial=WD-WCC7K0ABCDEF", nil},

		{"an array counts both disks", func(c tree) {
			c.plug(sandisk)
			c.plug(noname)
			c.block("sys/devices/virtual/block/md0", "9:0", nil)
			c.slave("sys/devices/virtual/block/md0", sandisk.disk()+"/sdb1")
			c.slave("sys/devices/virtual/block/md0", noname.disk())
			c.mount("40 27 9:0 / /mnt/x rw - ext4 /dev/md0 rw")
		}, "/mnt/x", Device{Kind: KindUSB, MountPoint: "/mnt/x", Root: "/"},
			"USB stick SanDisk Ultra and 1 more, 31 GB, serial …1234, ext4", "serial=4C530001230512101234", nil},

		{"an array of images on one stick counts it once", func(c tree) {
			c.plug(sandisk)
			c.loop("loop0", "7:0", "/media/keys/0.img")
			c.loop("loop1", "7:1", "/media/keys/1.img")
			c.file("media/keys/0.img", "")
			c.file("media/keys/1.img", "")
			c.block("sys/devices/virtual/block/md0", "9:0", nil)
			c.slave("sys/devices/virtual/block/md0", "sys/devices/virtual/block/loop0")
			c.slave("sys/devices/virtual/block/md0", "sys/devices/virtual/block/loop1")
			c.mount(mountStick, "41 27 9:0 / /mnt/x rw - ext4 /dev/md0 rw")
		}, "/mnt/x", Device{Kind: KindUSB, MountPoint: "/mnt/x", Root: "/"},
			`USB stick SanDisk Ultra, 31 GB, serial …1234, ext4, in the image file "/media/keys/0.img"`, "serial=4C530001230512101234",
			[]string{`"/mnt/x" is inside the image file "/media/keys/0.img": it is only as safe as the disk with that file`}},

		{"an SSD behind a USB bridge that tells nothing to SCSI", func(c tree) {
			c.plug(stick{"2-1", "sdc", "8:32", "23", "", "", "123456789ABC", "1953525168", ""})
			c.attrs("sys/devices/pci0000:00/0000:00:14.0/usb1/2-1", attrs{"manufacturer": "ASMedia", "product": "ASMT NVMe"})
			c.attrs("sys/devices/pci0000:00/0000:00:14.0/usb1/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdc", attrs{"removable": "0"})
			c.mount("40 27 8:33 / /mnt/x rw - ntfs3 /dev/sdc1 rw")
		}, "/mnt/x", Device{Kind: KindUSB, MountPoint: "/mnt/x", Root: "/"},
			"USB disk ASMedia ASMT NVMe, 1.0 TB, serial …9ABC, NTFS", "", nil},

		{"the stick of a live system", func(c tree) {
			delete(c, "proc/self/mountinfo")
			c.plug(sandisk)
			c.mount("27 1 0:50 / / rw - overlay overlay rw,lowerdir=/l", "28 27 8:17 / /run/live/medium ro - exfat /dev/sdb1 ro")
		}, "/run/live/medium", Device{Kind: KindUSB, System: true, ReadOnly: true, MountPoint: "/run/live/medium", Root: "/"},
			`USB stick SanDisk Ultra, 31 GB, serial …1234, exFAT "KEYS" 5E2A-11F0`, "uuid=5E2A-11F0 serial=4C530001230512101234",
			[]string{`"/run/live/medium" is on a disk that this system runs from (USB stick SanDisk Ultra, 31 GB, serial …1234, exFAT "KEYS" 5E2A-11F0): ` +
				`it is lost together with the computer`, `"/run/live/medium" is read-only: nothing can be written to it`}},

		{"a stick that was pulled while it was mounted", func(c tree) {
			c.plug(sandisk)
			c.mount(mountStick)
			c.remove(sandisk.dir())
		}, "/media/keys", Device{Kind: KindUnknown, MountPoint: "/media/keys", Root: "/"}, "unknown device, exFAT", "",
			[]string{`"/media/keys" is on a device that cannot be told (exfat): it counts as a copy only if you know where it is`}},

		{"a network block device", func(c tree) {
			c.block("sys/devices/virtual/block/nbd0", "43:0", attrs{"size": "2048"})
			c.mount("40 27 43:0 / /mnt/x rw - ext4 /dev/nbd0 rw")
		}, "/mnt/x", Device{Kind: KindNetwork, MountPoint: "/mnt/x", Root: "/"}, "network share /dev/nbd0 (ext4)", "",
			[]string{`"/mnt/x" is on a network share (ext4 from /dev/nbd0): this is not an offline copy`}},

		{"a small disk of a virtual machine", func(c tree) {
			disk := "sys/devices/pci0000:00/0000:00:05.0/virtio2/block/vdb"
			c.block(disk, "254:16", attrs{"size": "131072", "serial": "vault1"})
			c.attrs(path.Dir(path.Dir(disk)), attrs{"vendor": "0x1af4"})
			c.link(disk+"/device", path.Dir(path.Dir(disk)))
			c.mount("40 27 254:16 / /mnt/x rw - ext4 /dev/vdb rw")
		}, "/mnt/x", Device{Kind: KindDisk, MountPoint: "/mnt/x", Root: "/"}, "internal disk, 67 MB, serial vault1, ext4", "serial=vault1", nil},

		{"a DVD", func(c tree) {
			c.block(dvd, "11:0", attrs{"size": "9180416", "removable": "1", "ro": "0"})
			c.attrs(path.Dir(path.Dir(dvd)), attrs{"vendor": "HL-DT-ST", "model": "DVDRAM GT50N"})
			c.link(dvd+"/device", path.Dir(path.Dir(dvd)))
			c.udev("11:0", "ID_FS_UUID=2026-11-25-09-00-00-00", "ID_FS_LABEL=KEYS")
			c.mount("40 27 11:0 / /media/dvd ro - iso9660 /dev/sr0 ro")
		}, "/media/dvd", Device{Kind: KindOptical, ReadOnly: true, MountPoint: "/media/dvd", Root: "/"},
			`optical disc HL-DT-ST DVDRAM GT50N, 5 GB, iso9660 "KEYS" 2026-11-…`, "uuid=2026-11-25-09-00-00-00",
			[]string{`"/media/dvd" is read-only: nothing can be written to it`}},

		{"NFS with spaces in its names", func(c tree) {
			c.mount(`40 27 0:60 / /mnt/our\040backup rw - nfs4 nas.example:/our\040vault rw,vers=4.2`)
		}, "/mnt/our backup", Device{Kind: KindNetwork, MountPoint: "/mnt/our backup", Root: "/"},
			"network share nas.example:/our vault (nfs4)", "share=nas.example:/our_vault",
			[]string{`"/mnt/our backup" is on a network share (nfs4 from nas.example:/our vault): this is not an offline copy`}},

		{"WebDAV that only its address tells", func(c tree) {
			c.mount("40 27 0:60 / /mnt/x rw - fuse https://cloud.example/dav rw")
		}, "/mnt/x", Device{Kind: KindNetwork, MountPoint: "/mnt/x", Root: "/"},
			"network share https://cloud.example/dav (fuse)", "share=https://cloud.example/dav",
			[]string{`"/mnt/x" is on a network share (fuse from https://cloud.example/dav): this is not an offline copy`}},

		{"a disk over iSCSI", func(c tree) {
			disk := "sys/devices/platform/host7/session1/target7:0:0/7:0:0:1/block/sdx"
			c.block(disk, "65:112", attrs{"size": "2097152"})
			c.attrs(path.Dir(path.Dir(disk)), attrs{"vendor": "LIO-ORG", "model": "vault"})
			c.link(disk+"/device", path.Dir(path.Dir(disk)))
			c.mount("40 27 65:112 / /mnt/x rw - ext4 /dev/sdx rw")
		}, "/mnt/x", Device{Kind: KindNetwork, MountPoint: "/mnt/x", Root: "/"}, "network share /dev/sdx (ext4)", "",
			[]string{`"/mnt/x" is on a network share (ext4 from /dev/sdx): this is not an offline copy`}},

		{"tmpfs", func(tree) {}, "/dev/shm", Device{Kind: KindMemory, MountPoint: "/dev/shm", Root: "/"}, "memory (tmpfs)", "",
			[]string{`"/dev/shm" is in memory (tmpfs): it is lost when the computer is switched off`}},

		{"compressed memory with a file system", func(c tree) {
			c.block("sys/devices/virtual/block/zram0", "252:0", attrs{"size": "2097152"})
			c.mount("40 27 252:0 / /mnt/x rw - ext4 /dev/zram0 rw")
		}, "/mnt/x", Device{Kind: KindMemory, MountPoint: "/mnt/x", Root: "/"}, "memory (ext4)", "",
			[]string{`"/mnt/x" is in memory (ext4): it is lost when the computer is switched off`}},

		{"a bind mount of a folder of the stick", func(c tree) {
			c.plug(sandisk)
			c.mount(mountStick, "41 27 8:17 /backup /srv/copy ro,relatime shared:9 - exfat /dev/sdb1 rw")
		}, "/srv/copy", Device{Kind: KindUSB, ReadOnly: true, MountPoint: "/srv/copy", Root: "/backup"},
			`USB stick SanDisk Ultra, 31 GB, serial …1234, exFAT "KEYS" 5E2A-11F0`, "uuid=5E2A-11F0 serial=4C530001230512101234",
			[]string{`"/srv/copy" is read-only: nothing can be written to it`}},

		{"a loop mount of an image on the stick", func(c tree) {
			c.plug(sandisk)
			c.loop("loop0", "7:0", "/media/keys/vault.img")
			c.file("media/keys/vault.img", "")
			c.mount(mountStick, "41 27 7:0 / /mnt/x rw - ext4 /dev/loop0 rw")
		}, "/mnt/x", Device{Kind: KindUSB, MountPoint: "/mnt/x", Root: "/"},
			`USB stick SanDisk Ultra, 31 GB, serial …1234, ext4, in the image file "/media/keys/vault.img"`, "serial=4C530001230512101234",
			[]string{`"/mnt/x" is inside the image file "/media/keys/vault.img": it is only as safe as the disk with that file`}},

		{"a loop mount of an image on a share", func(c tree) {
			c.loop("loop0", "7:0", "/mnt/nas/vault.img")
			c.mount("40 27 0:60 / /mnt/nas rw - cifs //NAS/vault rw", "41 27 7:0 / /mnt/x rw - ext4 /dev/loop0 rw")
			c.file("mnt/nas/vault.img", "")
		}, "/mnt/x", Device{Kind: KindNetwork, MountPoint: "/mnt/x", Root: "/"},
			"network share //NAS/vault (ext4)", "share=//NAS/vault",
			[]string{`"/mnt/x" is on a network share (ext4 from //NAS/vault): this is not an offline copy`,
				`"/mnt/x" is inside the image file "/mnt/nas/vault.img": it is only as safe as the disk with that file`}},

		{"a loop mount of an image that was deleted", func(c tree) {
			c.loop("loop0", "7:0", "/tmp/vault.img (deleted)")
			c.mount("41 27 7:0 / /mnt/x rw - ext4 /dev/loop0 rw")
		}, "/mnt/x", Device{Kind: KindUnknown, MountPoint: "/mnt/x", Root: "/"},
			`unknown device, ext4, in the image file "/tmp/vault.img (deleted)"`, "",
			[]string{`"/mnt/x" is on a device that cannot be told (ext4): it counts as a copy only if you know where it is`,
				`"/mnt/x" is inside the image file "/tmp/vault.img (deleted)": it is only as safe as the disk with that file`}},

		{"an image file inside itself ends", func(c tree) {
			c.loop("loop0", "7:0", "/mnt/x/vault.img")
			c.mount("41 27 7:0 / /mnt/x rw - ext4 /dev/loop0 rw")
			c.file("mnt/x/vault.img", "")
		}, "/mnt/x", Device{Kind: KindUnknown, MountPoint: "/mnt/x", Root: "/"},
			`unknown device, ext4, in the image file "/mnt/x/vault.img"`, "",
			[]string{`"/mnt/x" is on a device that cannot be told (ext4): it counts as a copy only if you know where it is`,
				`"/mnt/x" is inside the image file "/mnt/x/vault.img": it is only as safe as the disk with that file`}},

		{"the root of a container", func(c tree) {
			delete(c, "proc/self/mountinfo")
			c.mount("500 499 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w")
		}, "/home/op", Device{Kind: KindOverlay, System: true, MountPoint: "/", Root: "/"}, "overlay file system (overlay)", "",
			[]string{`"/home/op" is on a disk that this system runs from (overlay file system (overlay)): it is lost together with the computer`}},

		{"a btrfs subvolume on a mapped device", func(c tree) {
			c.block("sys/devices/virtual/block/dm-2", "253:2", nil)
			c.plug(sandisk)
			c.slave("sys/devices/virtual/block/dm-2", sandisk.disk()+"/sdb1")
			c.file("dev/dm-2", "")
			c.link("dev/mapper/stick", "dev/dm-2")
			c.udev("253:2", "ID_FS_UUID=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")
			c.mount("40 27 0:45 /@copies /mnt/x rw - btrfs /dev/mapper/stick rw,subvolid=256")
		}, "/mnt/x", Device{Kind: KindUSB, MountPoint: "/mnt/x", Root: "/@copies"},
			"USB stick SanDisk Ultra, 31 GB, serial …1234, btrfs 0f1e2d3c…", "uuid=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0 serial=4C530001230512101234", nil},

		{"the source of a FUSE mount is not believed", func(c tree) {
			c.plug(sandisk)
			c.mount("40 27 0:46 / /mnt/x rw - fuse.anything /dev/sdb1 rw")
		}, "/mnt/x", Device{Kind: KindUnknown, MountPoint: "/mnt/x", Root: "/"}, "unknown device, fuse.anything", "",
			[]string{`"/mnt/x" is on a device that cannot be told (fuse.anything): it counts as a copy only if you know where it is`}},

		{"a link to a folder of the stick", func(c tree) {
			c.plug(sandisk)
			c.mount(mountStick)
			c.folder("media/keys/backup")
			c["home/op/stick"] = &fstest.MapFile{Data: []byte("/media/keys/backup"), Mode: fs.ModeSymlink}
		}, "/home/op/stick/../../../media/keys", Device{Kind: KindUSB, System: false, MountPoint: "/media/keys", Root: "/"},
			`USB stick SanDisk Ultra, 31 GB, serial …1234, exFAT "KEYS" 5E2A-11F0`, "uuid=5E2A-11F0 serial=4C530001230512101234", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := computer(t)
			tt.prepare(c)
			d := device(t, c.host(), tt.folder)
			require.Equal(t, tt.want, Device{Kind: d.Kind, System: d.System, ReadOnly: d.ReadOnly, MountPoint: d.MountPoint, Root: d.Root})
			require.Equal(t, tt.text, d.String())
			require.Equal(t, tt.id, d.ID())
			require.Equal(t, tt.warnings, d.Warnings())
		})
	}
}

func (t tree) loop(name, dev, file string) {
	t.block("sys/devices/virtual/block/"+name, dev, attrs{"loop/backing_file": file, "size": "2048", "diskseq": "30"})
}

// What a folder is on is an error where it cannot be found out, not a guess.
func TestDeviceThatCannotBeFound(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(c tree)
		folder  string
		message string
		is      error
	}{
		{"no such folder", func(tree) {}, "/mnt/x", `finding the device of "/mnt/x": `, fs.ErrNotExist},
		{"no /proc", func(c tree) { delete(c, "proc/self/mountinfo") }, "/home", `finding the device of "/home": `, fs.ErrNotExist},
		{"a chroot into a plain folder", func(c tree) { c.unmount(" / / rw") }, "/home", "nothing in /proc/self/mountinfo holds it", nil},
		{"a mount table that is not one", func(c tree) { c.file("proc/self/mountinfo", "1 2 3\n") }, "/home", "line 1: not a line of mountinfo", nil},
		{"links in a circle", func(c tree) { c.link("mnt/x", "mnt/x") }, "/mnt/x", "too many links", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := computer(t)
			tt.prepare(c)
			_, err := c.host().Device(tt.folder)
			require.ErrorContains(t, err, tt.message)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		})
	}
}

// A stick can do what it likes with its texts; nothing of it reaches a terminal.
func TestTextsOfAHostileDevice(t *testing.T) {
	c := computer(t)
	evil := sandisk
	evil.vendor = "\x1b[2J\x1b[31mEvil"
	evil.model = "Ultra\r\nerror: all is well\u202e\u2028" + strings.Repeat("M", 5000)
	evil.serial = "\x00\x07\xff\xfe12\t34" + strings.Repeat("\u0301", 100)
	evil.uuid = "5E2A\x9b11F0\nE:ID_FS_LABEL=\x1b]0;title\x07"
	c.plug(evil)
	c.mount(`40 27 8:17 / /media/\033[31mred rw - exfat /dev/sdb1\033[2J rw`)
	d := device(t, c.host(), "/media/\033[31mred")
	for _, text := range append(d.Warnings(), d.String(), d.ID(), d.Vendor, d.Model, d.Serial, d.Label, d.FSUUID, d.Source, d.FSType) {
		require.Less(t, len([]rune(text)), 3*maxText)
		require.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", text)
	}
	require.Equal(t, "[2J[31mEvil", d.Vendor)
	require.Equal(t, "12 34", d.Serial[:5])
	err := Recognise(Device{}, d)
	require.ErrorContains(t, err, `"/media/\x1b[31mred" is on USB stick`)
}
