// Package mediatest has a medium in memory that loses power and fails: a media.FS to
// run a writer over, to cut at any of its operations, and to look at what is left.
//
// FS keeps two states: what the running system sees, and what is surely on the
// medium. Everything else is pending, and after a cut each pending thing has survived
// or not, independently of the others (FS.Crash). It promises to be at least as cruel
// as a stick with FAT:
//
//   - a file's bytes are pending by sectors of 512 bytes until its Sync. A pending
//     sector is what it was, zero, torn (its first half new) or new;
//   - a file's size is pending until its Sync: the old one, the new one, or any whole
//     number of sectors between;
//   - a new, renamed or removed entry is pending until SyncDir of its folder, whatever
//     was synced of the file itself. So a name may survive without bytes (POSIX allows
//     that to every file system) and bytes without a name;
//   - a rename is several entry changes: the target's entry goes, the new one is
//     written, the old one goes. A cut leaves any first part of that: both names, or
//     none but the old one. With FS.Reorders it leaves any part, so that a file can
//     lose both names; with FS.Journal all of it or nothing;
//   - a time given by SetTime is pending until Sync of the file or SyncDir of its
//     folder.
//
// Not modelled: an earlier one of several pending versions of a sector, damage to what
// was synced, and space that entries take.
//
// The rules are FAT's: names are unique ignoring case, some characters are refused,
// there are no links and no modes, a file ends at 4 GiB - 1 byte, times have a
// resolution of two seconds. Errors are those of Linux.
//
// Nothing here is random or reads a clock: the same operations and the same choices
// give the same medium. Everything may be used concurrently.
//
// Faults makes the n-th operation over any media.FS fail or lie, and Cut runs a writer
// and cuts it everywhere. The package is for tests; no program may link it.
package mediatest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync"
	"syscall"
	"time"

	"coldvault/media"
)

// maxFile is the length limit of FAT, whose size field has 32 bits.
const maxFile = 1<<32 - 1

// timeResolution is that of FAT's time of modification.
const timeResolution = 2 * time.Second

var errNotRegular = errors.New("not a regular file")

// FS is a medium in memory. The fields are set before the first use.
type FS struct {
	// Capacity is the bytes that all files may take together, in whole sectors. Zero
	// is no limit.
	Capacity int64
	// Counterfeit is the bytes that the medium really holds, if not zero: what is
	// synced beyond lies over what was synced before. Only OpenCold and a crash show
	// it; Open reads the cache, and names and sizes look right.
	Counterfeit int64
	// Reorders lets a rename lose both names: the sector with the old entry may reach
	// the medium before the one with the new entry.
	Reorders bool
	// Journal makes a rename one step, as it is on ext4, XFS or Btrfs: a cut leaves the
	// old names or the new ones, and to sync either folder makes both durable. The
	// folder of a vault lies on such a file system.
	Journal bool

	name    string
	mu      sync.Mutex
	root    *node
	pending []change
	clock   time.Time
	flash   flash
	locked  bool
	closed  bool
}

var _ media.FS = (*FS)(nil)

// New returns an empty medium.
func New(name string) *FS {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return &FS{name: name, root: newFolder(start), clock: start}
}

// Name is what New was given.
func (f *FS) Name() string { return f.name }

// begin takes the lock; the caller defers f.mu.Unlock.
func (f *FS) begin(op, name string) error {
	f.mu.Lock()
	if f.closed {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrClosed}
	}
	return nil
}

// Create makes a file that must not exist. There are no modes.
func (f *FS) Create(name string, _ fs.FileMode) (media.File, error) {
	err := f.begin("create", name)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	n := newFile(f.tick())
	if err := f.add(name, n); err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: err}
	}
	return &file{fs: f, node: n, name: name, writable: true}, nil
}

// Mkdir makes one folder.
func (f *FS) Mkdir(name string, _ fs.FileMode) error {
	err := f.begin("mkdir", name)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	if err := f.add(name, newFolder(f.tick())); err != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	return nil
}

// add gives a new node its entry.
func (f *FS) add(name string, n *node) error {
	if path.Clean(name) == "." {
		return syscall.EEXIST
	}
	dir, base, err := f.parent(name)
	if err != nil {
		return err
	}
	if _, taken := dir.entries[fold(base)]; taken {
		return syscall.EEXIST
	}
	if err := checkName(base); err != nil {
		return err
	}
	f.change(step{dir, fold(base), entry{base, n}})
	return nil
}

// Open opens a file to read.
func (f *FS) Open(name string) (media.File, error) { return f.open(name, false) }

// OpenCold opens a file to read what the medium holds: the same, unless it is
// counterfeit.
func (f *FS) OpenCold(name string) (media.File, error) { return f.open(name, true) }

func (f *FS) open(name string, cold bool) (media.File, error) {
	err := f.begin("open", name)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	n, err := f.find(name)
	if err == nil && n.folder() {
		err = errNotRegular
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &file{fs: f, node: n, name: name, cold: cold}, nil
}

// List returns at most limit names of a folder; all of them if limit is not positive.
// They are sorted, which the interface does not promise.
func (f *FS) List(dir string, limit int) ([]string, error) {
	err := f.begin("list", dir)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	n, err := f.findFolder(dir)
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: err}
	}
	var names []string
	for _, e := range n.entries {
		names = append(names, e.name)
	}
	slices.Sort(names)
	if limit > 0 && len(names) > limit {
		names = names[:limit]
	}
	return names, nil
}

// Lstat tells size and time; the mode is the same for all files and for all folders.
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	err := f.begin("lstat", name)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	n, err := f.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return newInfo(name, n), nil
}

// Remove removes a file or an empty folder.
func (f *FS) Remove(name string) error {
	err := f.begin("remove", name)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	if err := f.remove(name); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

func (f *FS) remove(name string) error {
	dir, base, err := f.parent(name)
	if err != nil {
		return err
	}
	e, ok := dir.entries[fold(base)]
	switch {
	case !ok:
		return syscall.ENOENT
	case len(e.node.entries) > 0:
		return syscall.ENOTEMPTY
	}
	f.change(step{dir: dir, key: fold(base)})
	return nil
}

// Rename replaces what has the new name. See the package comment for what a cut makes
// of it.
func (f *FS) Rename(from, to string) error {
	err := f.begin("rename", from)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	if err := f.rename(from, to); err != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, err)
	}
	return nil
}

func (f *FS) rename(from, to string) error {
	fromDir, fromBase, err := f.parent(from)
	if err != nil {
		return err
	}
	toDir, toBase, err := f.parent(to)
	if err != nil {
		return err
	}
	moved, ok := fromDir.entries[fold(fromBase)]
	if !ok {
		return syscall.ENOENT
	}
	if err := checkName(toBase); err != nil {
		return err
	}
	gone := step{dir: toDir, key: fold(toBase)}
	added := step{toDir, fold(toBase), entry{toBase, moved.node}}
	target, replaces := toDir.entries[gone.key]
	if replaces && target.node == moved.node && target.name != toBase {
		f.change(added) // another spelling of the same name
		return nil
	}
	switch {
	case replaces && target.node.folder():
		return syscall.EEXIST // os.Root replaces no folder
	case moved.node.holds(toDir):
		return syscall.EINVAL
	case replaces && moved.node.folder():
		return syscall.ENOTDIR
	case replaces && target.node == moved.node:
		return nil
	}
	steps := []step{added, {dir: fromDir, key: fold(fromBase)}}
	if replaces {
		steps = append([]step{gone}, steps...)
	}
	f.change(steps...)
	return nil
}

// SetTime sets when a file was modified, to the even second before.
func (f *FS) SetTime(name string, modified time.Time) error {
	err := f.begin("set time", name)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	n, err := f.find(name)
	if err != nil {
		return &fs.PathError{Op: "set time", Path: name, Err: err}
	}
	n.time, n.timePending = modified.Truncate(timeResolution), true
	return nil
}

// SyncDir makes the entries of a folder durable, and the times of what they name.
func (f *FS) SyncDir(dir string) error {
	err := f.begin("sync folder", dir)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	n, err := f.findFolder(dir)
	if err != nil {
		return &fs.PathError{Op: "sync folder", Path: dir, Err: err}
	}
	f.settle(n)
	return nil
}

// Lock stands for another process's lock as well: it is held until unlock or a crash.
func (f *FS) Lock() (unlock func(), err error) {
	err = f.begin("lock", ".")
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if f.locked {
		return nil, fmt.Errorf("%s: %w", f.name, media.ErrBusy)
	}
	f.locked = true
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.locked = false
	}), nil
}

// Close ends the use of the medium. It makes nothing durable, and Crash still works:
// Crash(Everything) is the medium as the next mount sees it if nothing went wrong.
func (f *FS) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// tick is the time of the next change. No two are alike, and none comes from a clock.
func (f *FS) tick() time.Time {
	f.clock = f.clock.Add(timeResolution)
	return f.clock
}
