package media

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// survey is one look at the host.
type survey struct {
	Host
	mounts mountTable
}

func (h Host) survey() (*survey, error) {
	f, err := h.root.Open(mountinfo)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mounts, err := parseMounts(f)
	if err != nil {
		return nil, fmt.Errorf("/%s: %w", mountinfo, err)
	}
	return &survey{h, mounts}, nil
}

// describe tells all about the device of a mount.
func (s *survey) describe(name string, m mount) Device {
	d := Device{Path: name}
	s.fill(&d, m, map[string]bool{})
	d.System = s.isSystem(d)
	return d
}

// fill tells all but whether the system runs from it. The block devices that were seen
// already are left out, so it ends whatever an image file is in.
func (s *survey) fill(d *Device, m mount, seen map[string]bool) {
	d.MountPoint, d.Root, d.Major, d.Minor = m.point, m.root, m.major, m.minor
	d.FSType, d.Source, d.ReadOnly = clean(m.fstype), clean(m.source), m.readOnly
	if d.Kind = kindOfFS(m.fstype, m.source); d.Kind != KindUnknown {
		return
	}
	if dir := s.blockOf(m); dir != "" {
		s.readFileSystem(d, dir)
		s.below(d, dir, seen)
	}
}

// blockOf returns the folder in sysfs of the block device of a mount, or nothing.
// btrfs and bcachefs have numbers of their own and name the device as their source.
// Other sources are not believed: for FUSE, anyone can choose them.
func (s *survey) blockOf(m mount) string {
	name := fmt.Sprintf("sys/dev/block/%d:%d", m.major, m.minor)
	if m.major == 0 {
		if m.fstype != "btrfs" && m.fstype != "bcachefs" {
			return ""
		}
		node, _, _ := strings.Cut(m.source, ":") // bcachefs names all its devices
		if real, _, err := s.resolve(node); err == nil {
			node = real // /dev/mapper/root is /dev/dm-0
		}
		name = "sys/class/block/" + path.Base(node)
	}
	dir, _, err := s.resolve(name)
	if err != nil {
		return ""
	}
	return dir
}

// below adds the whole disks under a block device: through partitions, the slaves of
// device mapper, md and bcache, and the files behind loop devices.
func (s *survey) below(d *Device, dir string, seen map[string]bool) {
	if s.isReadOnly(dir) {
		d.ReadOnly = true
	}
	if s.exists(path.Join(dir, "partition")) {
		dir = path.Dir(dir)
	}
	if seen[dir] {
		return
	}
	seen[dir] = true
	if slaves := s.list(path.Join(dir, "slaves")); len(slaves) > 0 {
		for _, name := range slaves {
			if slave, _, err := s.resolve(path.Join(dir, "slaves", name)); err == nil {
				s.below(d, slave, seen)
			}
		}
		return
	}
	if file := s.read(path.Join(dir, "loop/backing_file"), maxPath); file != "" {
		s.image(d, strings.TrimSuffix(file, "\n"), seen)
		return
	}
	s.addDisk(d, dir)
}

// image adds the disks of the file system that an image file is in.
func (s *survey) image(d *Device, file string, seen map[string]bool) {
	if d.Image == "" { // of an array of images, the first
		d.Image = clean(file)
	}
	real, _, err := s.resolve(file)
	if err != nil {
		return // the file is another container's, or deleted
	}
	m, ok := s.mounts.at(path.Clean("/" + real))
	if !ok {
		return
	}
	var outer Device
	s.fill(&outer, m, seen)
	if len(d.disks) > 0 {
		d.disks = append(d.disks, outer.disks...)
		return
	}
	if outer.shared() {
		d.Source = outer.Source
	}
	d.Kind, d.USB, d.Removable, d.Rotational = outer.Kind, outer.USB, outer.Removable, outer.Rotational
	d.Vendor, d.Model, d.Serial, d.Size = outer.Vendor, outer.Model, outer.Serial, outer.Size
	d.disks = outer.disks
}

func (s *survey) addDisk(d *Device, dir string) {
	kind := s.kindOfDisk(dir)
	if kind == KindMemory || kind == KindUnknown {
		d.Kind = kind
		return
	}
	whole := s.disk(dir)
	if len(d.disks) == 0 {
		d.Kind, d.USB = kind, usbPath.MatchString(dir)
		d.Removable = s.attr(dir, "removable") == "1"
		d.Rotational = s.attr(dir, "queue/rotational") == "1"
		d.Vendor, d.Model, d.Serial, d.Size = whole.vendor, whole.model, whole.serial, whole.size
	}
	d.disks = append(d.disks, whole.plugged())
}

// disk reads what identifies a whole disk.
func (s *survey) disk(dir string) disk {
	sectors, _ := strconv.ParseInt(s.attr(dir, "size"), 10, 54) // of 512 bytes, whatever the disk's are
	w := disk{name: path.Base(dir), seq: s.attr(dir, "diskseq"), size: max(sectors, 0) * 512}
	usb := s.usbOf(dir)
	w.vendor, w.model = s.attr(dir, "device/vendor"), s.attr(dir, "device/model")
	if w.model == "" {
		w.model = s.attr(dir, "device/name") // SD and MMC
	}
	if w.model == "" && usb != "" {
		w.vendor, w.model = s.attr(usb, "manufacturer"), s.attr(usb, "product")
	}
	// Not makers: the transport of SATA disks, and the number that virtio has there.
	if w.vendor == "ATA" || strings.HasPrefix(w.vendor, "0x") {
		w.vendor = ""
	}
	w.serial = s.serial(dir, usb)
	return w
}

// serial looks where the kinds of disks keep it: USB devices in their descriptor, SD
// cards in the register that has all of it, NVMe and virtio as such, SCSI and SATA in
// page 0x80 (SPC-6, unit serial number). What udev found out comes after, then the
// world wide name, which a USB bridge often makes up.
func (s *survey) serial(dir, usb string) string {
	if usb != "" {
		if serial := s.attr(usb, "serial"); serial != "" {
			return serial
		}
	}
	for _, name := range []string{"device/cid", "device/serial", "serial"} {
		if serial := s.attr(dir, name); serial != "" {
			return serial
		}
	}
	if page := s.read(path.Join(dir, "device/vpd_pg80"), 4+255); len(page) > 4 && page[1] == 0x80 {
		if serial := clean(page[4:]); serial != "" {
			return serial
		}
	}
	if serial := s.udev(dir)["ID_SERIAL_SHORT"]; serial != "" || usb != "" {
		return serial
	}
	if name := s.attr(dir, "wwid"); name != "" {
		return name
	}
	return s.attr(dir, "device/wwid")
}

var (
	usbPath = regexp.MustCompile(`/usb[0-9]+/`)
	netPath = regexp.MustCompile(`/session[0-9]+/|/nvme-fabrics/`) // iSCSI, NVMe over fabrics
)

// kindOfDisk goes by the name of the driver and the place in the tree of devices.
func (s *survey) kindOfDisk(dir string) DeviceKind {
	name := strings.TrimRight(path.Base(dir), "0123456789")
	switch {
	case name == "zram" || name == "ram":
		return KindMemory
	case name == "nbd" || name == "rbd" || netPath.MatchString(dir):
		return KindNetwork
	case name == "sr":
		return KindOptical
	case name == "mmcblk" && s.attr(dir, "device/type") != "MMC": // that is soldered in
		return KindCard
	case usbPath.MatchString(dir):
		return KindUSB
	case strings.HasPrefix(dir, "sys/devices/virtual/block/"):
		return KindUnknown
	}
	return KindDisk
}

// usbOf returns the folder of the USB device that a disk is behind, or nothing.
func (s *survey) usbOf(dir string) string {
	if !usbPath.MatchString(dir) {
		return ""
	}
	for ; strings.Contains(dir, "/usb"); dir = path.Dir(dir) {
		if s.exists(path.Join(dir, "idVendor")) {
			return dir
		}
	}
	return ""
}

// isSystem tells whether the device shares a disk, or where that cannot be told the file
// system, with what the system runs from.
func (s *survey) isSystem(d Device) bool {
	if d.Kind == KindMemory || d.Kind == KindNetwork {
		return false
	}
	for _, folder := range systemFolders {
		real, _, err := s.resolve(folder)
		if err != nil {
			continue
		}
		m, ok := s.mounts.at(path.Clean("/" + real))
		if !ok {
			continue
		}
		var system Device
		s.fill(&system, m, map[string]bool{})
		if m.major == d.Major && m.minor == d.Minor ||
			slices.ContainsFunc(d.disks, func(w disk) bool { return slices.Contains(system.disks, w) }) {
			return true
		}
	}
	return false
}

// What is read from sysfs is short: one value a file, at most a page.
const (
	maxAttr = 4096
	maxPath = 4096 + len("\n")
)

func (h Host) isReadOnly(dir string) bool { return h.attr(dir, "ro") == "1" }

// attr returns a value of sysfs that may be shown.
func (h Host) attr(dir, name string) string { return clean(h.read(path.Join(dir, name), maxAttr)) }

// read returns what a file has, up to limit bytes; nothing where it cannot be read.
func (h Host) read(name string, limit int) string {
	f, err := h.root.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)))
	if err != nil {
		return ""
	}
	return string(data)
}

func (h Host) exists(name string) bool {
	_, err := fs.Stat(h.root, name)
	return err == nil
}

// list returns the names in a folder, sorted.
func (h Host) list(dir string) []string {
	f, err := h.root.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	folder, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil
	}
	entries, _ := folder.ReadDir(maxEntries)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	slices.Sort(names)
	return names
}
