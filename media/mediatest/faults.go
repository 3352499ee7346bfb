package mediatest

import (
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"coldvault/media"
)

// Kind is what an operation does.
type Kind string

// The operations of media.FS and media.File. Close is that of both.
const (
	Create   Kind = "create"
	Open     Kind = "open"
	OpenCold Kind = "open cold"
	List     Kind = "list"
	Lstat    Kind = "lstat"
	Mkdir    Kind = "mkdir"
	Rename   Kind = "rename"
	Remove   Kind = "remove"
	SetTime  Kind = "set time"
	SyncDir  Kind = "sync folder"
	Lock     Kind = "lock"
	Read     Kind = "read"
	ReadAt   Kind = "read at"
	Write    Kind = "write"
	WriteAt  Kind = "write at"
	Size     Kind = "size"
	Sync     Kind = "sync"
	Close    Kind = "close"
)

// writes tells whether the operation changes the medium or waits for a change.
func (k Kind) writes() bool {
	switch k {
	case Create, Mkdir, Rename, Remove, SetTime, SyncDir, Write, WriteAt, Sync:
		return true
	}
	return false
}

// Op is one operation.
type Op struct {
	Kind Kind
	Name string // "." for Lock and for Close of the medium
	To   string // of Rename
	// Nth counts from 1 what has the same kind and name. Where one goroutine writes
	// each file it is the same in every run, which the number of the operation is not.
	Nth int
}

func (o Op) String() string {
	if o.Kind == Rename {
		return fmt.Sprintf("rename %q to %q", o.Name, o.To)
	}
	return fmt.Sprintf("%s %q", o.Kind, o.Name)
}

// Fault is what goes wrong at an operation.
type Fault int

// The faults. An operation that fails does nothing, but for what is said here.
const (
	// IOError fails with EIO. After a failed Sync the file's later ones report success
	// and do nothing, as on Linux, where the bytes count as written.
	IOError Fault = iota + 1
	// NoSpace fails with ENOSPC if the operation writes; half of what was to be
	// written is.
	NoSpace
	// ReadOnly fails with EROFS if the operation writes, and so does every later one
	// that writes: a medium remounted read-only stays so.
	ReadOnly
	// Gone fails with ENODEV, and so does every later operation: the stick is out.
	Gone
	// ShortRead gives half of what a read asked for. ReadAt ends with EOF, as a file
	// that was cut does; Read ends without error, as it always may.
	ShortRead
	// FlippedRead changes one bit of what a read gives.
	FlippedRead
	// LostWrite reports success and stores zeros.
	LostWrite
	// FlippedWrite reports success and stores one bit changed.
	FlippedWrite
)

var faultNames = [...]string{
	IOError: "EIO", NoSpace: "ENOSPC", ReadOnly: "EROFS", Gone: "ENODEV",
	ShortRead: "short read", FlippedRead: "flipped read", LostWrite: "lost write", FlippedWrite: "flipped write",
}

func (f Fault) String() string { return faultNames[f] }

// AllFaults returns every fault.
func AllFaults() []Fault {
	return []Fault{IOError, NoSpace, ReadOnly, Gone, ShortRead, FlippedRead, LostWrite, FlippedWrite}
}

// hits tells whether the fault has something to spoil. size is the length of a read
// or write.
func (f Fault) hits(k Kind, size int) bool {
	switch f {
	case IOError, Gone:
		return true
	case NoSpace, ReadOnly:
		return k.writes()
	case ShortRead:
		return (k == Read || k == ReadAt) && size > 1
	case FlippedRead:
		return (k == Read || k == ReadAt) && size > 0
	default:
		return (k == Write || k == WriteAt) && size > 0
	}
}

func (f Fault) errno() error {
	switch f {
	case IOError:
		return syscall.EIO
	case NoSpace:
		return syscall.ENOSPC
	case ReadOnly:
		return syscall.EROFS
	case Gone:
		return syscall.ENODEV
	}
	return nil
}

// Faults is a medium over another that counts operations and lets one go wrong.
//
// Operations are numbered from 1 in the order in which they begin. Goroutines that
// use it at the same time begin in any order: the set of operations is the same in
// every run, their numbers are not. See Op.Nth.
type Faults struct {
	// Before is called before each operation, one call at a time. It may use the
	// medium below, not this one. Set it before the first use.
	Before func(n int, op Op)

	inner media.FS
	mu    sync.Mutex
	count int
	nth   map[Op]int
	fault Fault
	when  func(n int, op Op) bool
	hit   bool
}

var _ media.FS = (*Faults)(nil)

// NewFaults returns a medium that is inner and does nothing wrong yet.
func NewFaults(inner media.FS) *Faults { return &Faults{inner: inner, nth: map[Op]int{}} }

// Inject lets the fault happen once, at the first operation that when accepts and that
// the fault can spoil; ReadOnly and Gone then last. Call it before the first use.
func (x *Faults) Inject(fault Fault, when func(n int, op Op) bool) { x.fault, x.when = fault, when }

// At accepts the n-th operation. With n from 1 to the Count of a run without fault,
// every operation has its turn.
func At(n int) func(int, Op) bool { return func(i int, _ Op) bool { return i == n } }

// Count is how many operations there were.
func (x *Faults) Count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.count
}

// Hit tells whether the fault happened: not every fault can spoil every operation.
func (x *Faults) Hit() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.hit
}

// begin counts an operation and returns what goes wrong with it, zero if nothing.
func (x *Faults) begin(op Op, size int) (Fault, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.count++
	x.nth[op]++
	key := op
	op.Nth = x.nth[key]
	if x.Before != nil {
		x.Before(x.count, op)
	}
	switch {
	case x.fault == 0 || !x.fault.hits(op.Kind, size):
		return 0, nil
	case x.hit && x.fault != Gone && x.fault != ReadOnly:
		return 0, nil
	case !x.hit && !x.when(x.count, op):
		return 0, nil
	}
	x.hit = true
	if err := x.fault.errno(); err != nil {
		return x.fault, &fs.PathError{Op: string(op.Kind), Path: op.Name, Err: err}
	}
	return x.fault, nil
}

// Name is that of the medium below.
func (x *Faults) Name() string { return x.inner.Name() }

// Create is counted, as all that follow.
func (x *Faults) Create(name string, perm fs.FileMode) (media.File, error) {
	if _, err := x.begin(Op{Kind: Create, Name: name}, 0); err != nil {
		return nil, err
	}
	return x.file(name)(x.inner.Create(name, perm))
}

// Open opens a file whose operations are counted.
func (x *Faults) Open(name string) (media.File, error) {
	if _, err := x.begin(Op{Kind: Open, Name: name}, 0); err != nil {
		return nil, err
	}
	return x.file(name)(x.inner.Open(name))
}

// OpenCold opens a file whose operations are counted.
func (x *Faults) OpenCold(name string) (media.File, error) {
	if _, err := x.begin(Op{Kind: OpenCold, Name: name}, 0); err != nil {
		return nil, err
	}
	return x.file(name)(x.inner.OpenCold(name))
}

func (x *Faults) file(name string) func(media.File, error) (media.File, error) {
	return func(f media.File, err error) (media.File, error) {
		if err != nil {
			return nil, err
		}
		return &faultyFile{faults: x, inner: f, name: name}, nil
	}
}

// List may fail.
func (x *Faults) List(dir string, limit int) ([]string, error) {
	if _, err := x.begin(Op{Kind: List, Name: dir}, 0); err != nil {
		return nil, err
	}
	return x.inner.List(dir, limit)
}

// Lstat may fail.
func (x *Faults) Lstat(name string) (fs.FileInfo, error) {
	if _, err := x.begin(Op{Kind: Lstat, Name: name}, 0); err != nil {
		return nil, err
	}
	return x.inner.Lstat(name)
}

// Mkdir may fail.
func (x *Faults) Mkdir(name string, perm fs.FileMode) error {
	if _, err := x.begin(Op{Kind: Mkdir, Name: name}, 0); err != nil {
		return err
	}
	return x.inner.Mkdir(name, perm)
}

// Rename may fail.
func (x *Faults) Rename(from, to string) error {
	if _, err := x.begin(Op{Kind: Rename, Name: from, To: to}, 0); err != nil {
		return err
	}
	return x.inner.Rename(from, to)
}

// Remove may fail.
func (x *Faults) Remove(name string) error {
	if _, err := x.begin(Op{Kind: Remove, Name: name}, 0); err != nil {
		return err
	}
	return x.inner.Remove(name)
}

// SetTime may fail.
func (x *Faults) SetTime(name string, modified time.Time) error {
	if _, err := x.begin(Op{Kind: SetTime, Name: name}, 0); err != nil {
		return err
	}
	return x.inner.SetTime(name, modified)
}

// SyncDir may fail.
func (x *Faults) SyncDir(dir string) error {
	if _, err := x.begin(Op{Kind: SyncDir, Name: dir}, 0); err != nil {
		return err
	}
	return x.inner.SyncDir(dir)
}

// Lock may fail; unlock is not counted, for it cannot.
func (x *Faults) Lock() (unlock func(), err error) {
	if _, err := x.begin(Op{Kind: Lock, Name: "."}, 0); err != nil {
		return nil, err
	}
	return x.inner.Lock()
}

// Close closes the medium below even where it fails.
func (x *Faults) Close() error {
	_, err := x.begin(Op{Kind: Close, Name: "."}, 0)
	if innerErr := x.inner.Close(); err == nil {
		err = innerErr
	}
	return err
}
