package media

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Host tells what folders are on. It reads /proc/self/mountinfo, /sys, /dev/disk and
// /run/udev/data, starts no program and needs no privilege. Every answer is from the
// state at that moment, so a caller may poll.
type Host struct {
	root fs.FS
}

// ThisHost is the machine this runs on.
func ThisHost() Host { return NewHost(os.DirFS("/")) }

// NewHost takes a file system that stands for "/". It must be an fs.ReadLinkFS.
func NewHost(root fs.FS) Host { return Host{root} }

const mountinfo = "proc/self/mountinfo"

// systemFolders lose what they hold together with the system; the last are the medium
// of a live system.
var systemFolders = []string{"/", "/boot", "/boot/efi", "/usr", "/var", "/home", "/run/live/medium", "/run/initramfs/live"}

// Device tells which device an existing folder or file is on.
func (h Host) Device(name string) (Device, error) {
	d, _, err := h.Mounted(name)
	return d, err
}

// Mounted is Device, and whether a file system is mounted at just this folder: the
// folder of a stick that was pulled may still be there, and is on the system disk then.
func (h Host) Mounted(name string) (d Device, mounted bool, err error) {
	full, err := h.locate(name)
	if err != nil {
		return d, false, fmt.Errorf("finding the device of %q: %w", name, err)
	}
	s, err := h.survey()
	if err != nil {
		return d, false, fmt.Errorf("finding the device of %q: %w", name, err)
	}
	m, ok := s.mounts.at(full)
	if !ok { // as in a chroot into a plain folder
		return d, false, fmt.Errorf("finding the device of %q: nothing in /%s holds it", name, mountinfo)
	}
	return s.describe(name, m), full == m.point, nil
}

// Present tells whether a device is still plugged in, and for what has no plug, whether
// it is still mounted. A stick that is only unmounted is present; one that was put back
// is not, since it may be another: Find and Recognise tell.
func (h Host) Present(d Device) bool {
	s, err := h.survey()
	if err != nil {
		return false
	}
	for _, want := range d.disks {
		dir, _, err := h.resolve("sys/class/block/" + want.name)
		if err != nil || s.disk(dir).plugged() != want {
			return false
		}
	}
	if len(d.disks) > 0 && d.Image == "" {
		return true
	}
	return slices.ContainsFunc(s.mounts, func(m mount) bool {
		return m.major == d.Major && m.minor == d.Minor && m.point == d.MountPoint
	})
}

// Find returns where a device is mounted now: where it was before, if it is there, else
// wherever else the same folder of it is to be seen.
func (h Host) Find(want Device) (mountPoint string, found bool) {
	s, err := h.survey()
	if err != nil {
		return "", false
	}
	for _, m := range s.mounts {
		if m.root != want.Root || found && m.point != want.MountPoint {
			continue
		}
		var have Device
		if s.fill(&have, m, map[string]bool{}); Recognise(want, have) != nil {
			continue
		}
		if top, ok := s.mounts.at(m.point); ok && top == m { // not hidden by a later mount
			mountPoint, found = m.point, true
		}
	}
	return mountPoint, found
}

// locate returns the absolute name without links, and opens a folder on the way, so that
// what is mounted on demand is mounted.
func (h Host) locate(name string) (string, error) {
	if !filepath.IsAbs(name) {
		wd, err := os.Getwd()
		if err != nil {
			return "", err
		}
		name = wd + "/" + name // not Join: in "link/.." the link counts
	}
	real, info, err := h.resolve(name)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		f, err := h.root.Open(real)
		if err != nil {
			return "", err
		}
		f.Close()
	}
	return path.Clean("/" + real), nil
}

// maxLinks is the limit of the kernel (path_resolution(7)).
const maxLinks = 40

// resolve follows the links in a name and returns it relative to the root.
func (h Host) resolve(name string) (string, fs.FileInfo, error) {
	done, todo := ".", strings.Split(name, "/")
	info, err := fs.Lstat(h.root, done)
	for links := 0; len(todo) > 0 && err == nil; {
		part := todo[0]
		todo = todo[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			done = path.Dir(done)
			info, err = fs.Lstat(h.root, done)
			continue
		}
		next := path.Join(done, part)
		if info, err = fs.Lstat(h.root, next); err != nil {
			break
		}
		if info.Mode().Type() != fs.ModeSymlink {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", nil, fmt.Errorf("%q has too many links", name)
		}
		var target string
		if target, err = fs.ReadLink(h.root, next); err != nil {
			break
		}
		if path.IsAbs(target) {
			done = "."
		}
		todo = append(strings.Split(target, "/"), todo...)
		info, err = fs.Lstat(h.root, done)
	}
	return done, info, err
}
