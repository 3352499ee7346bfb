package media

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DeviceKind is what an operator would call a device.
type DeviceKind int

// The kinds. What the system does not tell is KindUnknown, never a guess.
const (
	KindUnknown DeviceKind = iota
	KindUSB                // a stick or disk at a USB port, also a card in a USB reader
	KindCard               // an SD card in a slot of its own
	KindOptical            // a CD, DVD or Blu-ray disc
	KindDisk               // a disk built into the computer
	KindNetwork            // a share or disk of another computer
	KindMemory             // gone when the computer is switched off
	KindOverlay            // layers of other file systems, as in containers and live systems
)

var kindNames = [...]string{"unknown device", "USB stick", "SD card", "optical disc", "internal disk", "network share", "memory", "overlay file system"}

func (k DeviceKind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		k = KindUnknown
	}
	return kindNames[k]
}

// Device is what a folder is on. Texts come from the device and are hostile: control
// characters are gone and lengths capped in all but Path, MountPoint and Root, which
// are names to open and are quoted wherever they are shown.
type Device struct {
	Path       string // as it was asked for
	MountPoint string
	Root       string // the folder of the file system that is mounted there: not "/" in a bind mount or subvolume
	FSType     string
	Source     string // device node or network share
	Image      string // the image file that holds the file system, if it is in one
	Major      uint32
	Minor      uint32

	Kind       DeviceKind
	System     bool // on a disk that the system runs from
	ReadOnly   bool
	Removable  bool
	Rotational bool // as the device claims; many sticks do
	USB        bool

	// Of the disk that the folder is on; of the first where there are several.
	Vendor, Model, Serial string
	Size                  int64 // bytes of the whole disk

	// Of the file system and its partition.
	FSUUID, PartUUID, Label string

	// The whole disks below partitions, encryption, volumes and images. They hold
	// for this boot only, so they are no part of what is stored.
	disks []disk
}

// disk is what identifies a whole disk.
type disk struct {
	name, seq             string
	vendor, model, serial string
	size                  int64
}

// plugged is the disk for as long as it is plugged in. The sequence number counts every
// plugging in and every change of card (Documentation/ABI/stable/sysfs-block, diskseq,
// since Linux 5.15); before, the rest stands in for it.
func (w disk) plugged() disk {
	if w.seq != "" {
		w.vendor, w.model, w.serial = "", "", ""
	}
	return w
}

// maxText is how much of a text from a device is kept, in characters. The longest that
// are real are UUIDs (36) and serial numbers of NVMe disks (up to 68 as wwid).
const maxText = 80

// clean makes a text from outside fit to be shown on a terminal and stored on one line.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s[:min(len(s), maxText*utf8.UTFMax)])
	r := []rune(strings.Join(strings.Fields(s), " "))
	return strings.TrimSpace(string(r[:min(len(r), maxText)]))
}

// String is what an operator recognises:
// USB stick SanDisk Ultra, 31 GB, serial …1234, exFAT "KEYS" 5E2A-11F0.
func (d Device) String() string {
	switch d.Kind {
	case KindNetwork:
		return fmt.Sprintf("%s %s (%s)", d.Kind, d.Source, d.FSType)
	case KindMemory, KindOverlay:
		return fmt.Sprintf("%s (%s)", d.Kind, d.FSType)
	}
	parts := []string{strings.TrimSpace(d.kindName() + " " + d.maker())}
	if len(d.disks) > 1 {
		parts[0] += fmt.Sprintf(" and %d more", len(d.disks)-1)
	}
	if d.Size > 0 {
		parts = append(parts, capacity(d.Size))
	}
	if d.Serial != "" {
		parts = append(parts, "serial "+ending(d.Serial))
	}
	fs := fsName(d.FSType)
	if d.Label != "" {
		fs += fmt.Sprintf(" %q", d.Label)
	}
	if d.FSUUID != "" {
		fs += " " + beginning(d.FSUUID)
	}
	parts = append(parts, fs)
	if d.Image != "" {
		parts = append(parts, fmt.Sprintf("in the image file %q", d.Image))
	}
	return strings.Join(parts, ", ")
}

func (d Device) kindName() string {
	if d.Kind == KindUSB && !d.Removable {
		return "USB disk"
	}
	return d.Kind.String()
}

// maker joins vendor and model; many models repeat the vendor.
func (d Device) maker() string {
	if strings.HasPrefix(strings.ToLower(d.Model), strings.ToLower(d.Vendor)) {
		return d.Model
	}
	return strings.TrimSpace(d.Vendor + " " + d.Model)
}

// capacity is written as on the device: in powers of ten.
func capacity(size int64) string {
	switch {
	case size >= 1e12:
		return fmt.Sprintf("%.1f TB", float64(size)/1e12)
	case size >= 1e9:
		return fmt.Sprintf("%.0f GB", float64(size)/1e9)
	}
	return fmt.Sprintf("%.0f MB", float64(size)/1e6)
}

// ending is how serial numbers are told apart: those of one batch begin alike.
func ending(serial string) string {
	if r := []rune(serial); len(r) > 6 {
		return "…" + string(r[len(r)-4:])
	}
	return serial
}

// shared: not a disk of another computer, such as one of iSCSI, but a file system of it.
func (d Device) shared() bool { return d.Kind == KindNetwork && d.Size == 0 }

// beginning keeps the ids of FAT and exFAT whole and cuts long UUIDs.
func beginning(uuid string) string {
	if r := []rune(uuid); len(r) > 9 {
		return string(r[:8]) + "…"
	}
	return uuid
}

func fsName(fstype string) string {
	switch fstype {
	case "exfat":
		return "exFAT"
	case "vfat", "msdos":
		return "FAT"
	case "ntfs", "ntfs3":
		return "NTFS"
	}
	return fstype
}

// ID identifies the device in records over the years: the file system's UUID and the
// serial number of the disk, or what there is of them. A card reader has one serial
// number for all cards and a clone has the UUID of its original, so neither is enough
// where both are known. Empty when nothing identifies it.
func (d Device) ID() string {
	if d.shared() {
		return idPart("share", d.Source)
	}
	id := d.FSUUID
	kind := "uuid"
	if id == "" {
		id, kind = d.PartUUID, "partuuid"
	}
	return strings.TrimSpace(idPart(kind, id) + " " + idPart("serial", honestSerial(d.Serial)))
}

func idPart(key, value string) string {
	if value == "" {
		return ""
	}
	return key + "=" + strings.ReplaceAll(value, " ", "_")
}

// honestSerial drops serial numbers that whole batches of cheap sticks share: one
// character repeated, or counting up from 0 or 1.
func honestSerial(serial string) string {
	const counting = "0123456789ABCDEF0123456789ABCDEF"
	upper := strings.ToUpper(serial)
	if upper == "" || strings.Trim(upper, upper[:1]) == "" ||
		strings.HasPrefix(counting, upper) || strings.HasPrefix(counting[1:], upper) {
		return ""
	}
	return serial
}

// SameDevice tells whether two folders are lost together and so are one copy:
// partitions of one stick, folders and mounts of one file system, image files on one
// disk, volumes that share a disk, shares of one server. Folders of which it cannot be
// told what they are on count as one. Keeps G26.
func SameDevice(a, b Device) bool {
	if slices.ContainsFunc(a.disks, func(d disk) bool { return slices.Contains(b.disks, d) }) {
		return true
	}
	if a.Kind != b.Kind && (a.locatable() || b.locatable()) {
		return false
	}
	switch {
	case a.Kind == KindNetwork:
		return server(a.Source) == server(b.Source)
	case !a.locatable():
		return true
	}
	// One that was pulled and put back in between has other disks.
	return a.ID() != "" && a.ID() == b.ID() && a.Size == b.Size
}

// locatable: there is only one memory, and layers may be on anything.
func (d Device) locatable() bool {
	switch d.Kind {
	case KindMemory:
		return false
	case KindUnknown, KindOverlay:
		return len(d.disks) > 0
	}
	return true
}

// server is the computer in "nas:/vault", "//nas/vault", "user@nas:vault" and
// "https://nas/vault"; of another form, all of it.
func server(source string) string {
	if _, after, ok := strings.Cut(source, "://"); ok {
		source = "//" + after
	}
	if after, ok := strings.CutPrefix(source, "//"); ok {
		source, _, _ = strings.Cut(after, "/")
	} else if i := strings.LastIndex(source, ":/"); i > 0 {
		source = source[:i]
	} else {
		source, _, _ = strings.Cut(source, ":")
	}
	return strings.ToLower(source[strings.LastIndex(source, "@")+1:])
}

// WrongDeviceError is returned for a device that is not the one that was asked for.
type WrongDeviceError struct{ Want, Have Device }

func (e *WrongDeviceError) Error() string {
	want, have := e.Want.String(), e.Have.String()
	if want == have { // they differ in what is cut short
		want, have = want+" ("+e.Want.ID()+")", have+" ("+e.Have.ID()+")"
	}
	return fmt.Sprintf("%q is on %s, not on %s", e.Have.Path, have, want)
}

// Recognise tells whether a device that was put back is the one that was taken out; if
// not, the error is a *WrongDeviceError. Serial numbers are as honest as the device: it
// finds mistakes, not forgeries. Where neither UUID nor serial number is known, another
// stick of the same make passes, so what is on it must be compared as well. Keeps G26.
func Recognise(want, have Device) error {
	if want.mark() != have.mark() {
		return &WrongDeviceError{want, have}
	}
	return nil
}

// mark is everything that stays the same when a device is put back.
type mark struct {
	kind                                                DeviceKind
	vendor, model, serial, uuid, partUUID, label, image string
	size                                                int64
	source                                              string
}

func (d Device) mark() mark {
	m := mark{d.Kind, d.Vendor, d.Model, d.Serial, d.FSUUID, d.PartUUID, "", d.Image, d.Size, ""}
	if d.FSUUID == "" {
		m.label = d.Label
	}
	if d.Size == 0 { // sda may be sdb when it is put back, a share keeps its name
		m.source = d.Source
	}
	return m
}

// Warnings says in plain English what speaks against this device for a copy.
func (d Device) Warnings() []string {
	var list []string
	add := func(format string, args ...any) {
		list = append(list, fmt.Sprintf("%q "+format, append([]any{d.Path}, args...)...))
	}
	switch {
	case d.Kind == KindNetwork:
		add("is on a network share (%s from %s): this is not an offline copy", d.FSType, d.Source)
	case d.Kind == KindMemory:
		add("is in memory (%s): it is lost when the computer is switched off", d.FSType)
	case d.System:
		add("is on a disk that this system runs from (%s): it is lost together with the computer", d)
	case !d.locatable():
		add("is on a device that cannot be told (%s): it counts as a copy only if you know where it is", d.FSType)
	}
	if d.Image != "" {
		add("is inside the image file %q: it is only as safe as the disk with that file", d.Image)
	}
	if d.ReadOnly {
		add("is read-only: nothing can be written to it")
	}
	return list
}
