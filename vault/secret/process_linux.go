package secret

import (
	"fmt"
	"math"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// MinimumLocked is the locked memory, in bytes, that a small vault needs: a
// handful of buffers, each a page at least.
const MinimumLocked = 64 * 1024

// Harden makes the process unreadable to others of the same user and leaves no
// core file: not dumpable (which also closes /proc/PID/mem), no core size, files
// private by default. It raises the limit of lockable memory to the hard limit
// and reports an error when even that is too low to work.
func Harden() error {
	unix.Umask(0o077)
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the process to debuggers: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switching core files off: %w", err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return fmt.Errorf("asking for the limit of lockable memory: %w", err)
	}
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		// Not raised is not fatal: New counts against what holds.
		_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit)
	}
	if have, pageSize := pageLimit(), int64(os.Getpagesize()); have < MinimumLocked/pageSize {
		return fmt.Errorf("%w: %d KiB may be locked, %d KiB are needed", ErrLimit, have*pageSize/1024, MinimumLocked/1024)
	}
	return nil
}

// pageLimit is the number of pages that this process may lock (mlock(2)).
func pageLimit() int64 {
	if hasLockCapability() {
		return math.MaxInt64
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return 0
	}
	return int64(min(limit.Cur, math.MaxInt64) / uint64(os.Getpagesize()))
}

// hasLockCapability tells whether CAP_IPC_LOCK lifts the limit.
func hasLockCapability() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}

// Collect runs the garbage collector so that Do's heap temporaries are erased
// now. Twice: an object with a finalizer is only freed by the second run.
func Collect() {
	runtime.GC()
	runtime.GC()
}
