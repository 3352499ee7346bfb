package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// ErrNoSandbox is returned by Confine when the kernel lacks a part of it.
var ErrNoSandbox = errors.New("the kernel does not have the whole sandbox")

// Paths is what a command may still touch. Relative paths and links are resolved
// once, by Confine: what a link points to later does not count.
type Paths struct {
	// Read lists files and folders to read, folders with all below. What is
	// missing stays missing.
	Read []string
	// Write lists files and folders to read, write, make, rename and remove, folders
	// with all below. What is to be made is made before, and given here.
	Write []string
	// Name, Rmdir and Rename list folders above what is written. None of them lets a file
	// in there be opened, changed, removed or moved to another folder, nor a folder be
	// listed. The kernel asks neither for names nor whether it is at once below: what is
	// said of the folder holds for all below it.

	// Name: an open file that has no name gets one (linkat(2)), any that is free. Empty
	// files can be made too.
	Name []string
	// Rmdir: a folder is removed, any that is empty.
	Rmdir []string
	// Rename: a folder gets another name where it is, any folder. Empty ones can be made
	// and removed too.
	Rename []string
	// Devices lists terminals and cameras, which need ioctl(2) besides.
	Devices []string
}

// Sandbox is what Confine has put in place.
type Sandbox struct {
	Seccomp  bool
	Landlock int // version of the rules that hold, 0 for none
}

func (s Sandbox) String() string {
	filter, files := "no system call filter", "no file rules"
	if s.Seccomp {
		filter = "system call filter"
	}
	if s.Landlock > 0 {
		files = fmt.Sprintf("file rules of version %d", s.Landlock)
	}
	return filter + ", " + files
}

// Needed by the program itself, whatever it was given. Random numbers come from
// getrandom(2), which every kernel with landlock has, not from /dev/urandom.
var own = Paths{
	// The host's facts: mounts, memory, own binary; disks and network cards.
	// Not /proc, where the memory of others is. What udev knows of disks tells one stick
	// from another.
	Read: []string{
		"/proc/self", "/proc/mounts", "/proc/swaps", "/proc/meminfo", "/proc/filesystems", "/proc/cmdline",
		"/sys/block", "/sys/bus", "/sys/class", "/sys/dev", "/sys/devices", "/sys/fs", "/sys/power",
		"/run/udev/data", "/dev/disk",
	},
	Devices: []string{"/dev/tty"},
}

// Access rights of landlock(7). Nothing may be executed, and no device, socket
// or pipe be made.
const (
	readFile = landlock.AccessFSSet(ll.AccessFSReadFile)
	readDir  = readFile | ll.AccessFSReadDir
	// Truncation is ABI 3; below it is not restricted.
	writeFile = readFile | ll.AccessFSWriteFile | ll.AccessFSTruncate
	writeDir  = readDir | writeFile | ll.AccessFSMakeReg | ll.AccessFSMakeDir | ll.AccessFSMakeSym |
		ll.AccessFSRemoveFile | ll.AccessFSRemoveDir
	device  = readFile | ll.AccessFSWriteFile | ll.AccessFSIoctlDev
	nameIn  = landlock.AccessFSSet(ll.AccessFSMakeReg)
	rmdirIn = landlock.AccessFSSet(ll.AccessFSRemoveDir)
	// Within one folder; into another it would be REFER.
	renameIn = rmdirIn | ll.AccessFSMakeDir
)

// ruleset is the newest whose effect is known and wanted: files, ioctl on
// devices and TCP. Scopes (ABI 6) would cut the signals that Go's threads send
// each other on Linux 6.12 to 6.14, where each thread has a domain of its own.
var ruleset = landlock.V5

const rulesetABI = 5

// Confine takes from every thread of the process, for good, what a command does
// not need: connections, other programs, other processes, and files but for those
// in paths. Call it before the first byte from outside is parsed, and after
// everything that lies elsewhere was opened. Files that are open stay usable.
//
// Where the kernel lacks a part, the other part holds, Sandbox says which, and
// the error is ErrNoSandbox: whether to go on is the caller's decision. Keeps G20.
func Confine(paths ...Paths) (Sandbox, error) {
	var s Sandbox
	var granted []landlock.Rule
	for _, p := range append(paths, own) {
		rules, err := p.rules()
		if err != nil {
			return s, err
		}
		granted = append(granted, rules...)
	}
	have := Features()
	// The zone is read from a file at its first use, which would find none.
	_, _ = time.Now().Zone()

	if have.LandlockABI > 0 {
		// First: its own system calls are among those that seccomp could take.
		if err := ruleset.BestEffort().Restrict(granted...); err != nil {
			return s, fmt.Errorf("restricting files: %w", err)
		}
		s.Landlock = min(have.LandlockABI, rulesetABI)
	}
	if have.Seccomp {
		if err := loadFilter(filterProgram()); err != nil {
			return s, fmt.Errorf("restricting system calls: %w", err)
		}
		s.Seccomp = true
	}
	switch {
	case s.Landlock == 0 && !s.Seccomp:
		return s, fmt.Errorf("%w: neither landlock nor seccomp", ErrNoSandbox)
	case s.Landlock == 0:
		return s, fmt.Errorf("%w: no landlock, so files are not restricted", ErrNoSandbox)
	case !s.Seccomp:
		return s, fmt.Errorf("%w: no seccomp, so system calls are not restricted", ErrNoSandbox)
	}
	return s, nil
}

// rules turns the paths into rules.
func (p Paths) rules() ([]landlock.Rule, error) {
	var granted []landlock.Rule
	add := func(paths []string, file, dir landlock.AccessFSSet) error {
		for _, name := range paths {
			at, err := existing(name)
			if err != nil {
				return fmt.Errorf("restricting files to %q: %w", name, err)
			}
			if at == "" {
				continue
			}
			info, err := os.Stat(at)
			if err != nil {
				return fmt.Errorf("restricting files to %q: %w", name, err)
			}
			rights := file
			if info.IsDir() {
				rights = dir
			}
			granted = append(granted, rule(rights, at))
		}
		return nil
	}
	err := errors.Join(
		add(p.Read, readFile, readDir),
		add(p.Write, writeFile, writeDir),
		add(p.Name, nameIn, nameIn),
		add(p.Rmdir, rmdirIn, rmdirIn),
		add(p.Rename, renameIn, renameIn),
		add(p.Devices, device, readDir),
	)
	return granted, err
}

// rule grants rights below a path.
func rule(rights landlock.AccessFSSet, path string) landlock.Rule {
	r := landlock.PathAccess(rights, path)
	// Files are renamed within a folder, and into another only where ABI 2 can
	// grant it; asking for it on ABI 1 would drop all rules.
	if rights&writeDir == writeDir && Features().LandlockABI >= 2 {
		return r.WithRefer()
	}
	return r
}

// existing resolves links; "" for what is not there or may not be seen.
func existing(name string) (string, error) {
	resolved, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return "", nil
	}
	return resolved, err
}
