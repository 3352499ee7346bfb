package media

import (
	"path"
	"strconv"
	"strings"
)

// maxUdev is far more than the record of a disk with all its links.
const maxUdev = 64 << 10

// udevKeys are the properties of a device that are used here, as udev's blkid, usb_id
// and ata_id name them.
var udevKeys = map[string]bool{
	"ID_FS_TYPE": true, "ID_FS_UUID": true, "ID_FS_LABEL": true, "ID_PART_ENTRY_UUID": true, "ID_SERIAL_SHORT": true,
}

// parseUdev reads a record of /run/udev/data: lines with a letter and a colon, of which
// E: has a property. Others, and what is not understood, are passed over; of two values
// the last counts, as in libudev.
func parseUdev(record string) map[string]string {
	properties := map[string]string{}
	for line := range strings.Lines(record[:min(len(record), maxUdev)]) {
		property, ok := strings.CutPrefix(line, "E:")
		if !ok {
			continue
		}
		if key, value, ok := strings.Cut(property, "="); ok && udevKeys[key] {
			properties[key] = clean(value)
		}
	}
	return properties
}

// udev returns the properties of a block device, none where udev does not run.
func (h Host) udev(dir string) map[string]string {
	dev := h.attr(dir, "dev")
	if _, _, err := parseDev(dev); err != nil {
		return nil
	}
	return parseUdev(h.read("run/udev/data/b"+dev, maxUdev))
}

// readFileSystem tells UUID, label and partition of the file system on a block device:
// from the record of udev, else from its links, which remain in some containers.
func (h Host) readFileSystem(d *Device, dir string) {
	record := h.udev(dir)
	name := path.Base(dir)
	d.FSUUID = orLink(record["ID_FS_UUID"], h, "by-uuid", name)
	d.Label = orLink(record["ID_FS_LABEL"], h, "by-label", name)
	d.PartUUID = orLink(record["ID_PART_ENTRY_UUID"], h, "by-partuuid", name)
	// FUSE hides exFAT and NTFS.
	if fstype := record["ID_FS_TYPE"]; d.FSType == "fuseblk" && fstype != "" {
		d.FSType = fstype
	}
}

func orLink(value string, h Host, folder, device string) string {
	if value != "" {
		return value
	}
	return h.linkTo("dev/disk/"+folder, device)
}

// linkTo returns the name of the link to a device in a folder of /dev/disk.
func (h Host) linkTo(folder, device string) string {
	for _, name := range h.list(folder) {
		if real, _, err := h.resolve(path.Join(folder, name)); err == nil && path.Base(real) == device {
			return clean(unescapeUdev(name))
		}
	}
	return ""
}

// unescapeUdev undoes what udev does in the names of links: \x20 for a space.
func unescapeUdev(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) && i+4 <= len(s) {
			if c, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// kindOfFS tells what needs no block device.
func kindOfFS(fstype, source string) DeviceKind {
	switch name := strings.TrimPrefix(fstype, "fuse."); name {
	case "tmpfs", "ramfs", "devtmpfs", "hugetlbfs", "rootfs":
		return KindMemory
	case "overlay", "aufs", "unionfs", "fuse-overlayfs", "mergerfs", "unionfs-fuse":
		return KindOverlay
	case "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "glusterfs", "lustre", "beegfs", "pvfs2", "orangefs",
		"davfs", "davfs2", "sshfs", "rclone", "s3fs", "goofys", "gcsfuse", "curlftpfs", "juicefs", "ceph-fuse", "mfs",
		"9p", "virtiofs", "vboxsf", "vmhgfs", "vmhgfs-fuse", "prl_fs": // folders of the computer that a virtual machine runs on
		return KindNetwork
	}
	// davfs2 and others are plain "fuse" with an address as the source.
	if strings.HasPrefix(fstype, "fuse") && fstype != "fuseblk" && strings.Contains(source, "://") {
		return KindNetwork
	}
	return KindUnknown
}
