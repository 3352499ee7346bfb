package secret

import (
	"errors"
	"math"
	"os"
	"sync"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// FeatureSet is what this build and the running kernel have to protect a secret.
type FeatureSet struct {
	RuntimeSecret bool  // Do erases registers, stack and heap temporaries
	MemfdSecret   bool  // seeds are kept out of the kernel's address space
	Seccomp       bool  // system calls can be taken away
	LandlockABI   int   // version of the file rules, 0 for none
	LockLimit     int64 // bytes that may be locked, -1 for any amount
}

// Features asks the kernel. What it answers stays true for the process, but for
// LockLimit, which Harden raises: ask after it.
func Features() FeatureSet {
	k := probe()
	k.LockLimit = -1
	if pages := pageLimit(); pages != math.MaxInt64 {
		k.LockLimit = pages * int64(os.Getpagesize())
	}
	return k
}

// probe asks once: inside the sandbox some of the questions are refused.
var probe = sync.OnceValue(func() FeatureSet {
	k := FeatureSet{RuntimeSecret: Erasing}
	if fd, err := openSecret(); err == nil {
		unix.Close(fd)
		k.MemfdSecret = true
	}
	// A filter that is not there: EFAULT says that the kernel would have read it
	// (seccomp(2)).
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, 0)
	k.Seccomp = errors.Is(errno, unix.EFAULT)
	if abi, err := ll.LandlockGetABIVersion(); err == nil {
		k.LandlockABI = abi
	}
	return k
})
