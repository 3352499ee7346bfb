// Package secret holds what must not leak while the process is alive: seeds,
// shares, passphrases, the signer's key, private files.
//
// Secrets lie in memguard buffers: locked into RAM, excluded from core files,
// fenced by guard pages, overwritten on Destroy. Every computation on them runs
// inside Do, which erases registers, stack and heap temporaries where the build
// has runtime/secret.
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
	"os"
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
// Random, Move or Read, and must be destroyed by its owner.
type Buffer struct {
	locked *memguard.LockedBuffer
	size   int
	pages  int64
}

// lockedPages counts the pages in live buffers; memguard does not tell.
var lockedPages atomic.Int64

// New returns a zeroed buffer of size bytes. A size of 0 is allowed.
func New(size int) (*Buffer, error) {
	if size < 0 {
		return nil, fmt.Errorf("secret: negative size %d", size)
	}
	pageSize := os.Getpagesize()
	// memguard has no empty buffers; one byte stands for none.
	pages := int64((max(size, 1) + pageSize - 1) / pageSize)
	if limit := pageLimit(); lockedPages.Add(pages) > limit {
		lockedPages.Add(-pages)
		return nil, fmt.Errorf("%w: %d KiB are needed beyond %d KiB", ErrLimit,
			pages*int64(pageSize)/1024, limit*int64(pageSize)/1024)
	}
	locked, err := lock(max(size, 1))
	if err != nil {
		lockedPages.Add(-pages)
		return nil, err
	}
	return &Buffer{locked: locked, size: size, pages: pages}, nil
}

// lock turns memguard's panic into an error, for kernels that refuse below the limit.
// memguard has destroyed every other buffer by then: the caller's work is over.
func lock(size int) (b *memguard.LockedBuffer, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%w: the system refused to lock %d bytes", ErrLimit, size)
		}
	}()
	return memguard.NewBuffer(size), nil
}

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

// firstRead is the buffer that Read starts with when the size is not known:
// a page, which is locked as a whole anyway.
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
	if !b.locked.IsAlive() {
		panic(errDestroyed)
	}
	return b.locked.Bytes()[:b.size:b.size]
}

// Len is the number of bytes.
func (b *Buffer) Len() int { return b.size }

// Reader reads the buffer from its start without copying it elsewhere.
func (b *Buffer) Reader() *bytes.Reader { return bytes.NewReader(b.Bytes()) }

// Destroy wipes and unmaps the memory. It may be called more than once and on
// nil.
func (b *Buffer) Destroy() {
	if b == nil || !b.locked.IsAlive() {
		return
	}
	b.locked.Destroy()
	lockedPages.Add(-b.pages)
}

// String keeps the content out of every format verb.
func (b *Buffer) String() string { return "secret.Buffer" }

// GoString keeps the content out of %#v.
func (b *Buffer) GoString() string { return "secret.Buffer" }

// Wipe overwrites data with zeros.
func Wipe(data []byte) { memguard.WipeBytes(data) }

// DestroyAll wipes every live buffer; for the end of the process.
func DestroyAll() { memguard.Purge() }
