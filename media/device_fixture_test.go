package media

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// tree is a made-up "/": what is read of a real one, with the links that sysfs has.
type tree fstest.MapFS

func (t tree) host() Host { return NewHost(fstest.MapFS(t)) }

func (t tree) file(name, content string) { t[name] = &fstest.MapFile{Data: []byte(content)} }

func (t tree) folder(name string) {
	if name = strings.Trim(name, "/"); name != "" {
		t[name] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	}
}

// link makes a relative link, as those of sysfs and udev are.
func (t tree) link(name, target string) {
	relative, err := filepath.Rel(path.Dir(name), target)
	if err != nil {
		panic(err)
	}
	t[name] = &fstest.MapFile{Data: []byte(relative), Mode: fs.ModeSymlink}
}

// attrs are files of sysfs; each value ends with a newline there.
type attrs map[string]string

func (t tree) attrs(dir string, a attrs) {
	for name, value := range a {
		t.file(path.Join(dir, name), value+"\n")
	}
}

// block adds a block device and the links to it.
func (t tree) block(dir, dev string, a attrs) {
	t.attrs(dir, a)
	t.attrs(dir, attrs{"dev": dev})
	t.link("sys/dev/block/"+dev, dir)
	t.link("sys/class/block/"+path.Base(dir), dir)
}

// slave puts a block device on top of another.
func (t tree) slave(dir, below string) { t.link(path.Join(dir, "slaves", path.Base(below)), below) }

func (t tree) udev(dev string, properties ...string) {
	t.file("run/udev/data/b"+dev, "S:disk/by-id/x\nI:123\nE:"+strings.Join(properties, "\nE:")+"\nG:systemd\n")
}

// mount adds lines to mountinfo, and the folders.
func (t tree) mount(lines ...string) {
	f := t["proc/self/mountinfo"]
	if f == nil {
		f = &fstest.MapFile{}
		t["proc/self/mountinfo"] = f
	}
	for _, line := range lines {
		f.Data = append(f.Data, line+"\n"...)
		m, err := parseMount(line)
		if err != nil {
			panic(err)
		}
		t.folder(m.point)
	}
}

// unmount removes the lines with a text.
func (t tree) unmount(text string) {
	f := t["proc/self/mountinfo"]
	var kept strings.Builder
	for line := range strings.Lines(string(f.Data)) {
		if !strings.Contains(line, text) {
			kept.WriteString(line)
		}
	}
	f.Data = []byte(kept.String())
}

// remove takes away a folder and all links to what is in it: a stick is pulled.
func (t tree) remove(dir string) {
	for name, f := range t {
		target := path.Join(path.Dir(name), string(f.Data))
		if strings.HasPrefix(name, dir+"/") ||
			f.Mode.Type() == fs.ModeSymlink && strings.HasPrefix(target+"/", dir+"/") {
			delete(t, name)
		}
	}
}

// stick is a USB stick in a port of the fixture machine.
type stick struct {
	port                              string // "1-2"
	name, dev, seq                    string // "sdb", "8:16"
	vendor, model, serial, size, uuid string
}

func (s stick) dir() string { return "sys/devices/pci0000:00/0000:00:14.0/usb1/" + s.port }

func (s stick) disk() string {
	return s.dir() + "/" + s.port + ":1.0/host6/target6:0:0/6:0:0:0/block/" + s.name
}

// plug adds a stick with one partition.
func (t tree) plug(s stick) {
	t.attrs(s.dir(), attrs{"idVendor": "0781", "idProduct": "5581", "manufacturer": " " + s.vendor, "product": s.model})
	if s.serial != "" {
		t.attrs(s.dir(), attrs{"serial": s.serial})
	}
	t.attrs(path.Dir(path.Dir(s.disk())), attrs{"vendor": s.vendor + "   ", "model": s.model + "          "})
	t.block(s.disk(), s.dev, attrs{"size": s.size, "removable": "1", "ro": "0", "diskseq": s.seq, "queue/rotational": "1"})
	t.link(s.disk()+"/device", path.Dir(path.Dir(s.disk())))
	t.partition(s, 1, s.uuid)
}

// partition adds one; its device number is that of the disk and the number.
func (t tree) partition(s stick, number int, uuid string) {
	digit := string(rune('0' + number))
	dev := s.dev[:len(s.dev)-1] + string(s.dev[len(s.dev)-1]+byte(number))
	t.block(s.disk()+"/"+s.name+digit, dev, attrs{"partition": digit, "size": "2048", "ro": "0"})
	if uuid != "" {
		t.udev(dev, "ID_FS_TYPE=exfat", "ID_FS_LABEL=KEYS", "ID_FS_UUID="+uuid, "ID_PART_ENTRY_UUID=c3072e18-0"+digit)
	}
}

var (
	sandisk  = stick{"1-2", "sdb", "8:16", "21", "SanDisk", "Ultra", "4C530001230512101234", "60063744", "5E2A-11F0"}
	kingston = stick{"1-3", "sdb", "8:16", "22", "Kingston", "DataTraveler 3.0", "60A44C3FACC9", "30277632", "01AB-77C3"}
	noname   = stick{"1-4", "sdd", "8:48", "24", "General", "UDisk", "", "15728640", ""}
)

const (
	nvme   = "sys/devices/pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/nvme0/nvme0n1"
	card   = "sys/devices/pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0"
	luks   = "sys/devices/virtual/block/dm-0"
	lvRoot = "sys/devices/virtual/block/dm-1"
	sata   = "sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda"
	dvd    = "sys/devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/block/sr0"
)

// computer is a laptop: its root is a volume in LUKS on NVMe, /boot beside it.
func computer(t *testing.T) tree {
	t.Helper()
	c := tree{}
	c.block(nvme, "259:0", attrs{"size": "1000215216", "removable": "0", "ro": "0", "diskseq": "9", "wwid": "eui.0025385b"})
	c.attrs(path.Dir(nvme), attrs{"model": "Samsung SSD 980 PRO 512GB", "serial": "S5GXNX0R123456"})
	c.link(nvme+"/device", path.Dir(nvme))
	c.block(nvme+"/nvme0n1p1", "259:1", attrs{"partition": "1", "ro": "0"})
	c.block(nvme+"/nvme0n1p2", "259:2", attrs{"partition": "2", "ro": "0"})
	c.block(luks, "253:0", attrs{"ro": "0"})
	c.slave(luks, nvme+"/nvme0n1p2")
	c.block(lvRoot, "253:1", attrs{"ro": "0"})
	c.slave(lvRoot, luks)
	c.folder("home/op")
	c.mount(
		"22 27 0:21 / /proc rw,relatime - proc proc rw",
		"27 1 253:1 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw,errors=remount-ro",
		"30 27 259:1 / /boot/efi rw,relatime shared:2 - vfat /dev/nvme0n1p1 rw,fmask=0077",
		"31 27 0:25 / /dev/shm rw,nosuid,nodev shared:3 - tmpfs tmpfs rw",
	)
	return c
}

// device is Device, which must not fail.
func device(t *testing.T, h Host, name string) Device {
	t.Helper()
	d, err := h.Device(name)
	require.NoError(t, err)
	return d
}
