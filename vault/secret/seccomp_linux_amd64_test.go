package secret

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// foreignChild makes a harmless system call by the rules of another architecture.
func foreignChild(args []string) {
	if args[1] == "confined" {
		if _, err := Confine(Paths{}); err != nil {
			fmt.Println(err)
			os.Exit(98)
		}
	}
	switch args[0] {
	case "x32":
		_, _, _ = unix.RawSyscall(x32Bit|unix.SYS_GETPID, 0, 0, 0)
	case "i386":
		getpidOfI386()
	}
}

// getpidOfI386 runs machine code that Go would not make: mov eax, 20; int 0x80; ret.
func getpidOfI386() {
	code := []byte{0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3}
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		fmt.Println(err)
		os.Exit(98)
	}
	copy(page, code)
	entry := unsafe.Pointer(&page[0])
	function := unsafe.Pointer(&entry)
	(*(*func())(unsafe.Pointer(&function)))()
}

func TestCallsOfAnotherArchitectureEndTheProcess(t *testing.T) {
	if !Features().Seccomp {
		t.Skip("this kernel has no seccomp")
	}
	for _, arch := range []string{"x32", "i386"} {
		t.Run(arch, func(t *testing.T) {
			control := newChild(t, t.TempDir(), os.Getuid(), "foreign", arch, "open")
			if err := control.Run(); err != nil {
				t.Skipf("this kernel has no %s: %v", arch, err)
			}
			c := newChild(t, t.TempDir(), os.Getuid(), "foreign", arch, "confined")
			require.Error(t, c.Run(), "%s", &c.stdout)
			status := c.ProcessState.Sys().(syscall.WaitStatus)
			require.True(t, status.Signaled() && status.Signal() == unix.SIGSYS, "%s: %s", c.ProcessState, &c.stdout)
		})
	}
}
