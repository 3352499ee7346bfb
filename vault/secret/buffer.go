// Package secret holds what must not leak while the process is alive: seeds,
// shares, passphrases, the signer's key, private files; and it closes the
// process around them.
//
// Secrets lie in memguard buffers: locked into RAM, excluded from core files,
// fenced by guard pages, overwritten on Destroy. Small ones share pages
// (arena.go). Seeds lie in memfd_secret(2) memory, which the kernel itself has
// no mapping of, where the kernel has it (seed_linux.go). Every computation on
// secrets runs inside Do, which erases registers, stack and heap temporaries
// where the build has runtime/secret.
//
// Harden, DetachStderr and Guard see to it that nothing of the process reaches a
// debugger, a core file or an error message; Confine takes from it what it does
// not need: the network, other programs, files it was not given. None of this
// holds against root or the kernel of a machine that is not honest.
//
// memguard's Enclave is not used: at the limit of lockable memory it waits for
// ever. Its NewBuffer panics there and destroys every other buffer first, so
// this package counts the pages itself and refuses with ErrLimit before.
package secret

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/awnumar/memguard"
)

// ErrLimit is returned when locking more memory would pass RLIMIT_MEMLOCK.
var ErrLimit = errors.New("the limit of lockable memory is reached")

// ErrTooLarge is returned by Read when the input has more bytes than allowed.
var ErrTooLarge = errors.New("more data than allowed")

// errDestroyed is the panic value of a use after Destroy: a defect in the
// program, never the result of input.
var errDestroyed = errors.New("secret: buffer used after Destroy")

// Buffer is a fixed number of bytes in guarded memory. It is made by New,
// NewSeed, Random, Move or Read, and must be destroyed by its owner.
type Buffer struct {
	data []byte // valid until gone
	gone atomic.Bool
	page *page
	slot int // index of the first granule in a shared page
}

// New returns a zeroed buffer of size bytes. A size of 0 is allowed. Keeps G11.
func New(size int) (*Buffer, error) { return memory.take(&memory.ordinary, size) }

// NewSeed is New for what opens everything, the seeds: in memory that the kernel
// keeps out of its own address space, so that neither root reading /proc/PID/mem
// nor a flaw that reads kernel memory finds it (memfd_secret(2)), where
// Features says MemfdSecret, and like New elsewhere. The system reads into and
// writes from it as usual, except with O_DIRECT.
func NewSeed(size int) (*Buffer, error) { return memory.take(&memory.seeds, size) }

// Random returns a buffer of size random bytes.
func Random(size int) (*Buffer, error) {
	b, err := New(size)
	if err != nil {
		return nil, err
	}
	rand.Read(b.Bytes()) // never fails: crypto/rand ends the process instead
	return b, nil
}

// Move copies data into a new buffer and wipes data, also on error.
func Move(data []byte) (*Buffer, error) {
	defer Wipe(data)
	b, err := New(len(data))
	if err != nil {
		return nil, err
	}
	copy(b.Bytes(), data)
	return b, nil
}

// firstRead is the buffer that Read starts with when the size is not known.
const firstRead = 4096

// Read reads r to its end into guarded memory. No byte passes through other
// memory as long as r itself does not buffer: pass an *os.File. sizeHint may be
// 0; more than limit bytes is ErrTooLarge.
func Read(r io.Reader, sizeHint, limit int) (*Buffer, error) {
	b, err := New(min(max(sizeHint+1, firstRead), limit+1))
	if err != nil {
		return nil, err
	}
	n := 0
	for {
		read, err := r.Read(b.Bytes()[n:])
		n += read
		if errors.Is(err, io.EOF) {
			return b.resize(n)
		}
		if err != nil {
			b.Destroy()
			return nil, err
		}
		if n > limit {
			b.Destroy()
			return nil, ErrTooLarge
		}
		if n == b.Len() {
			if b, err = b.resize(min(2*n, limit+1)); err != nil {
				return nil, err
			}
		}
	}
}

// resize moves the first bytes of b into a buffer of the given size and
// destroys b.
func (b *Buffer) resize(size int) (*Buffer, error) {
	if size == b.Len() {
		return b, nil
	}
	defer b.Destroy()
	other, err := New(size)
	if err != nil {
		return nil, err
	}
	copy(other.Bytes(), b.Bytes())
	return other, nil
}

// Bytes is the guarded memory itself, not a copy; it is valid until Destroy.
func (b *Buffer) Bytes() []byte {
	if b.gone.Load() {
		panic(errDestroyed)
	}
	return b.data
}

// Len is the number of bytes.
func (b *Buffer) Len() int { return len(b.data) }

// Reader reads the buffer from its start without copying it elsewhere.
func (b *Buffer) Reader() *bytes.Reader { return bytes.NewReader(b.Bytes()) }

// Destroy wipes the memory and gives it back. It may be called more than once
// and on nil.
func (b *Buffer) Destroy() {
	if b != nil {
		memory.give(b)
	}
}

// Format keeps the content out of every format verb, %x and %d among them.
func (b *Buffer) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "secret.Buffer") }

// Wipe overwrites data with zeros.
func Wipe(data []byte) { memguard.WipeBytes(data) }

// WipeAll overwrites every live buffer and leaves it where it is: for the end of the process,
// when goroutines may still be at work with some.
func WipeAll() { memory.wipeAll() }
