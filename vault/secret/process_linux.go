package secret

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// MinimumLocked is the locked memory, in bytes, that a small vault needs. It is
// what most systems allow everyone.
const MinimumLocked = 64 * 1024

// Harden makes the process unreadable to others of the same user and leaves no
// core file: not dumpable (which also closes /proc/PID/mem), no core size, files
// private by default, no privileges to be gained by running a program, an
// environment without what the program does not use. It raises the limit of
// lockable memory to the hard limit and reports an error when even that is too
// low to work. Keeps G19.
func Harden() error {
	unix.Umask(0o077)
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the process to debuggers: %w", err)
	}
	// A property of a thread, and Go has several already. Seccomp asks for it of
	// those without CAP_SYS_ADMIN (seccomp(2)).
	if err := ll.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switching core files off: %w", err)
	}
	scrubEnvironment()
	return raiseLockLimit()
}

func raiseLockLimit() error {
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

// scrubEnvironment removes every variable but those of the terminal, the
// language and the time zone.
//
// The block that the kernel put on the stack keeps its bytes: Go's strings point
// into it and others may still be in use. No secret is ever taken from there, and
// /proc/PID/environ is closed with the rest of a process that is not dumpable.
func scrubEnvironment() {
	for _, entry := range os.Environ() { //nolint:forbidigo // removed, not used
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "TERM", "NO_COLOR", "LANG", "TZ":
		default:
			if !strings.HasPrefix(name, "LC_") {
				_ = os.Unsetenv(name)
			}
		}
	}
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

// Collect runs the garbage collector so that Do's heap temporaries are erased now. What a
// cleanup lets go is freed by a later collection only, and crypto/ed25519 holds the signer's
// key like that, in a cache. So there are several, and cleanups are waited for: twice,
// because those of one collection run in any order. Keeps G18.
func Collect() {
	collectAndCleanUp()
	collectAndCleanUp()
	runtime.GC()
}

// collectAndCleanUp runs the collector, and waits for a cleanup of its own among those that
// are due.
func collectAndCleanUp() {
	done := make(chan struct{})
	runtime.AddCleanup(new([granule]byte), func(done chan struct{}) { close(done) }, done)
	runtime.GC()
	select {
	case <-done:
	case <-time.After(time.Second): // no promise of the runtime: rather go on than hang
	}
}
