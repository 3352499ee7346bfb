package secret

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter takes system calls away rather than listing those that may stay:
// which ones Go's runtime uses changes from release to release, and a list that is
// a call short would end a restore half way. What it takes answers EPERM. System
// calls of another architecture (i386, x32), whose numbers mean something else,
// end the process.
//
// Numbers are the constants of x/sys, so that a wrong name does not compile. The
// program is a list of comparisons (seccomp(2), linux/bpf_common.h), short enough
// to be read whole. A library such as go-seccomp-bpf would let calls of another
// architecture through, as its default action covers them.
var deniedCalls = append([]uint32{
	// Connections, of every family; also over a socket that was inherited.
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_RECVMMSG,
	// Work that the kernel does on behalf of the process, past this filter.
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	// Other programs and processes; for new processes see filterProgram.
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_MEMFD_CREATE,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	// Keys, programs and counters in the kernel, and faults that a program handles.
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	// What is mounted where, and other views of it.
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_TREE_ATTR,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT, unix.SYS_QUOTACTL,
	// The system itself.
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_SYSLOG,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME,
	unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
}, deniedCallsOfArch...)

// Offsets in struct seccomp_data (linux/seccomp.h), of the low half of an argument.
const (
	offsetCall = 0
	offsetArch = 4
	offsetArg0 = 16
	offsetArg1 = 24
)

// x32Bit marks the numbers of x32 on amd64 (asm/unistd.h). No other architecture has calls that high.
const x32Bit = 0x40000000

// filterProgram is the filter for seccomp(2).
func filterProgram() []unix.SockFilter {
	deny := ret(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	kill := ret(unix.SECCOMP_RET_KILL_PROCESS)
	program := []unix.SockFilter{
		load(offsetArch), jump(unix.BPF_JEQ, nativeArch, 1, 0), kill,
		load(offsetCall), jump(unix.BPF_JGE, x32Bit, 0, 1), kill,
	}
	for _, call := range deniedCalls {
		program = append(program, jump(unix.BPF_JEQ, call, 0, 1), deny)
	}
	return append(program,
		// A new thread may be, a new process not. The flags of clone3 lie in memory,
		// where no filter looks: a C library, as tests with the race detector have,
		// takes clone when told that there is no clone3.
		jump(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), ret(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)),
		jump(unix.BPF_JEQ, unix.SYS_CLONE, 0, 4),
		load(offsetArg0), jump(unix.BPF_JSET, unix.CLONE_THREAD, 1, 0), deny, load(offsetCall),
		// No typing into the terminal for the shell that comes after (ioctl_tty(2)).
		jump(unix.BPF_JEQ, unix.SYS_IOCTL, 0, 5),
		load(offsetArg1), jump(unix.BPF_JEQ, unix.TIOCSTI, 1, 0), jump(unix.BPF_JEQ, unix.TIOCLINUX, 0, 1), deny, load(offsetCall),
		ret(unix.SECCOMP_RET_ALLOW),
	)
}

// load takes a word of struct seccomp_data.
func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// jump compares the word and skips instructions.
func jump(comparison uint16, value uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, Jt: yes, Jf: no, K: value}
}

// ret ends the program with a decision.
func ret(decision uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: decision}
}

// loadFilter installs a filter in all threads, or in none.
func loadFilter(filter []unix.SockFilter) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The other threads get it from this one with the filter (seccomp(2)).
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	stray, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	if stray != 0 {
		return fmt.Errorf("thread %d has a filter of its own", stray)
	}
	return nil
}
