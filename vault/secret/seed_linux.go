package secret

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sealed is memory of memfd_secret(2): its pages are taken out of the kernel's
// own address space, so that no other process reads them, root's neither, and
// they are never written to swap or to a hibernation image. A guard page lies on
// each side.
type sealed struct {
	data  []byte // nil after Destroy
	fence unsafe.Pointer
	size  uintptr // of the whole reservation
}

// lockSeed gives memory of memfd_secret, or of memguard where the kernel has none.
func lockSeed(size int) (region, error) {
	fd, err := openSecret()
	if err != nil {
		return lockOrdinary(size)
	}
	defer unix.Close(fd)
	return mapSecret(fd, size)
}

// openSecret is memfd_secret(2), which needs Linux 5.14, and before 6.5 the boot
// option secretmem.enable.
func openSecret() (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_MEMFD_SECRET, unix.O_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// mapSecret reserves the guard pages and what is between them, and puts the
// secret memory over the middle. It counts towards RLIMIT_MEMLOCK as mlock does.
func mapSecret(fd, size int) (region, error) {
	fence := os.Getpagesize()
	inner := (size + fence - 1) / fence * fence
	refused := func(err error) error {
		return fmt.Errorf("%w: the system refused %d bytes of secret memory: %w", ErrLimit, size, err)
	}
	if err := unix.Ftruncate(fd, int64(inner)); err != nil {
		return nil, refused(err)
	}
	s := &sealed{size: uintptr(inner + 2*fence)}
	var err error
	if s.fence, err = unix.MmapPtr(-1, 0, nil, s.size, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err != nil {
		return nil, refused(err)
	}
	at := unsafe.Add(s.fence, fence)
	if _, err = unix.MmapPtr(fd, 0, at, uintptr(inner), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED); err != nil {
		_ = unix.MunmapPtr(s.fence, s.size)
		return nil, refused(err)
	}
	s.data = unsafe.Slice((*byte)(at), inner)
	_ = unix.Madvise(s.data, unix.MADV_DONTFORK) // shared with no child
	return s, nil
}

// Bytes is the memory between the guard pages.
func (s *sealed) Bytes() []byte { return s.data }

// IsAlive says whether Destroy was not called.
func (s *sealed) IsAlive() bool { return s.data != nil }

// Destroy wipes and unmaps.
func (s *sealed) Destroy() {
	if s.data == nil {
		return
	}
	Wipe(s.data)
	s.data = nil
	_ = unix.MunmapPtr(s.fence, s.size)
}
