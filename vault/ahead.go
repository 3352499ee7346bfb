package vault

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"coldvault/vault/secret"
)

// aheadChunk is what one fetch reads: sixteen chunks of age.
const aheadChunk = 1 << 20

// ahead is a reader of plaintext that fetches what comes next while the caller works on
// what came before. The bytes are in guarded memory until they are read.
type ahead struct {
	size    int64 // of a buffer
	buffers []*secret.Buffer
	ready   []chan fetched  // by buffer
	free    []chan struct{} // by buffer
	quit    chan struct{}
	workers sync.WaitGroup

	index   int64 // of the chunk that is read now
	current []byte
	held    bool // current is a buffer that is not free yet
	err     error
}

type fetched struct {
	n   int
	err error
}

// newAhead starts the workers. fetch fills b with what is at that offset; less than all
// of b, or io.EOF, is the end. With one worker the offsets come in order. The caller closes
// what it returns.
func newAhead(workers int, fetch func(b []byte, offset int64) (int, error)) (*ahead, error) {
	a := &ahead{quit: make(chan struct{})}
	buffers, err := guardedChunks(workers + 2)
	if err != nil {
		return nil, err
	}
	a.size = int64(buffers[0].Len())
	for _, b := range buffers {
		free := make(chan struct{}, 1)
		free <- struct{}{}
		a.buffers, a.free, a.ready = append(a.buffers, b), append(a.free, free), append(a.ready, make(chan fetched, 1))
	}
	var next atomic.Int64
	for range workers {
		a.workers.Go(func() { a.work(&next, fetch) })
	}
	return a, nil
}

// guardedChunks are buffers of one size, the largest that may be locked: where little may,
// large files take longer and nothing else.
func guardedChunks(count int) (buffers []*secret.Buffer, err error) {
	for _, size := range []int{aheadChunk, 64 << 10, 4 << 10} {
		if buffers, err = guardedBuffers(count, size); !errors.Is(err, secret.ErrLimit) {
			break
		}
	}
	return buffers, err
}

func guardedBuffers(count, size int) (buffers []*secret.Buffer, err error) {
	for range count {
		b, err := secret.New(size)
		if err != nil {
			for _, b := range buffers {
				b.Destroy()
			}
			return nil, err
		}
		buffers = append(buffers, b)
	}
	return buffers, nil
}

// guardedChunk is one of them.
func guardedChunk() (*secret.Buffer, error) {
	buffers, err := guardedChunks(1)
	if err != nil {
		return nil, err
	}
	return buffers[0], nil
}

// work fetches chunk after chunk. The buffer of a chunk is free when the one that
// had it before was read: chunks are handed out in order, so that always comes.
func (a *ahead) work(next *atomic.Int64, fetch func([]byte, int64) (int, error)) {
	for {
		index := next.Add(1) - 1
		slot := int(index % int64(len(a.buffers)))
		select {
		case <-a.free[slot]:
		case <-a.quit:
			return
		}
		var f fetched
		// What age and the hash leave behind is erased by Do.
		f.err = secret.Do(func() (err error) {
			f.n, err = fetch(a.buffers[slot].Bytes(), index*a.size)
			return err
		})
		a.ready[slot] <- f
		if f.err != nil || int64(f.n) < a.size {
			return
		}
	}
}

// advance makes the next chunk current.
func (a *ahead) advance() error {
	if a.held {
		a.free[int(a.index%int64(len(a.buffers)))] <- struct{}{}
		a.held = false
		a.index++
	}
	if a.err != nil {
		return a.err
	}
	slot := int(a.index % int64(len(a.buffers)))
	f := <-a.ready[slot]
	a.current, a.held = a.buffers[slot].Bytes()[:f.n], true
	switch {
	case f.err != nil && !errors.Is(f.err, io.EOF):
		a.err = f.err
		return a.err
	case f.err != nil || int64(f.n) < a.size:
		a.err = io.EOF
	}
	return nil
}

// Read is an io.Reader.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.current) == 0 {
		if err := a.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(p, a.current)
	a.current = a.current[n:]
	return n, nil
}

// WriteTo gives the chunks to w as they are, without a copy.
func (a *ahead) WriteTo(w io.Writer) (total int64, err error) {
	for {
		n, err := w.Write(a.current)
		total += int64(n)
		if err != nil {
			return total, err
		}
		a.current = nil
		if err := a.advance(); errors.Is(err, io.EOF) {
			return total, nil
		} else if err != nil {
			return total, err
		}
	}
}

// writeTo gives the next n bytes to w, without a copy.
func (a *ahead) writeTo(w io.Writer, n int64, progress func(int)) error {
	for n > 0 {
		for len(a.current) == 0 {
			if err := a.advance(); errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			} else if err != nil {
				return err
			}
		}
		p := a.current[:min(n, int64(len(a.current)))]
		if _, err := w.Write(p); err != nil {
			return err
		}
		a.current = a.current[len(p):]
		n -= int64(len(p))
		progress(len(p))
	}
	return nil
}

// Close stops the workers and wipes the buffers.
func (a *ahead) Close() {
	close(a.quit)
	a.workers.Wait()
	for _, b := range a.buffers {
		b.Destroy()
	}
}

// behind is a writer that hands on what it is given to one writer after the other, each in a
// goroutine of its own, so that encrypting, hashing and writing overlap. What goes through it
// is public or encrypted.
type behind struct {
	current []byte
	full    chan []byte
	free    chan []byte
	workers sync.WaitGroup
	failed  atomic.Bool
	once    sync.Once
	err     error // of the stage that failed first; read after the workers
}

func newBehind(stages ...io.Writer) *behind {
	const buffers = 6
	b := &behind{full: make(chan []byte, buffers), free: make(chan []byte, buffers)}
	for range buffers {
		b.free <- make([]byte, 0, aheadChunk)
	}
	b.current = <-b.free
	from := b.full
	for i, w := range stages {
		to := make(chan []byte, buffers)
		if i == len(stages)-1 {
			to = b.free
		}
		source := from
		b.workers.Go(func() {
			b.work(w, source, to)
			if to != b.free {
				close(to)
			}
		})
		from = to
	}
	return b
}

// work is one stage. After a failure of any of them buffers only go round.
func (b *behind) work(w io.Writer, from <-chan []byte, to chan<- []byte) {
	for p := range from {
		if !b.failed.Load() {
			if _, err := w.Write(p); err != nil {
				b.once.Do(func() { b.err = err })
				b.failed.Store(true)
			}
		}
		to <- p
	}
}

// errBehind is what Write returns after a stage failed; Close has the reason.
var errBehind = errors.New("what is behind has failed")

func (b *behind) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if b.failed.Load() {
			return total - len(p), errBehind
		}
		n := min(len(p), cap(b.current)-len(b.current))
		b.current = append(b.current, p[:n]...)
		p = p[n:]
		if len(b.current) == cap(b.current) {
			b.full <- b.current
			b.current = (<-b.free)[:0]
		}
	}
	return total, nil
}

// Close waits for the end and returns what went wrong.
func (b *behind) Close() error {
	b.full <- b.current
	close(b.full)
	b.workers.Wait()
	return b.err
}
