package secret

import (
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/awnumar/memguard"
)

// A locked page is the least that the kernel locks, and an unprivileged process
// may often lock sixteen of them (RLIMIT_MEMLOCK, 64 KiB). So small buffers
// share pages: each takes a run of granules, the first that is free. A run is
// wiped when it is given back, and a page without runs is destroyed.
//
// Between two runs of a page there is no guard page. What keeps them apart is
// the capacity of the slices, which Go checks on every access.
const (
	granule = 64
	// sharedMost is the largest buffer that shares a page.
	sharedMost = 1024
)

// region is locked memory between guard pages: a memguard buffer or sealed.
type region interface {
	Bytes() []byte
	IsAlive() bool
	Destroy()
}

// page is a region and what lies in it.
type page struct {
	region
	from   *pool
	locked int64  // pages of the system
	used   []bool // by granule; nil when one buffer has the whole region
}

// pool makes regions of one kind.
type pool struct {
	lock   func(size int) (region, error)
	shared []*page
}

// arena hands out guarded memory and knows all of it.
type arena struct {
	mu              sync.Mutex
	ordinary, seeds pool
	locked          int64 // pages of the system; memguard does not tell
	// live also keeps the buffers reachable: memguard unmaps a region that the
	// garbage collector frees, even while a slice into it is in use.
	live map[*Buffer]struct{}
}

// memory is one for the process, as the limit of lockable memory is.
var memory = arena{
	ordinary: pool{lock: lockOrdinary},
	seeds:    pool{lock: lockSeed},
	live:     map[*Buffer]struct{}{},
}

// lockOrdinary turns memguard's panic into an error, for kernels that refuse below the limit.
// memguard has destroyed every other buffer by then: the caller's work is over.
func lockOrdinary(size int) (r region, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%w: the system refused to lock %d bytes", ErrLimit, size)
		}
	}()
	return memguard.NewBuffer(size), nil
}

func (a *arena) take(from *pool, size int) (*Buffer, error) {
	if size < 0 {
		return nil, fmt.Errorf("secret: negative size %d", size)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b := &Buffer{}
	var err error
	if size <= sharedMost {
		err = a.takeRun(b, from, size)
	} else if b.page, err = a.newPage(from, size); err == nil {
		b.data = b.page.Bytes()[:size:size]
	}
	if err != nil {
		return nil, err
	}
	a.live[b] = struct{}{}
	return b, nil
}

// takeRun places b in the first page that has room, or in a new one.
func (a *arena) takeRun(b *Buffer, from *pool, size int) error {
	count := granules(size)
	for _, p := range from.shared {
		if b.slot = freeRun(p.used, count); b.slot >= 0 {
			b.page = p
			break
		}
	}
	if b.page == nil {
		p, err := a.newPage(from, os.Getpagesize())
		if err != nil {
			return err
		}
		p.used = make([]bool, len(p.Bytes())/granule)
		from.shared = append(from.shared, p)
		b.page, b.slot = p, 0
	}
	b.mark(true, count)
	start := b.slot * granule
	b.data = b.page.Bytes()[start : start+size : start+size]
	return nil
}

// granules is what a buffer of size bytes takes; an empty one takes a granule too.
func granules(size int) int { return (max(size, 1) + granule - 1) / granule }

// freeRun returns where count granules in a row are free, or -1.
func freeRun(used []bool, count int) int {
	run := 0
	for i, taken := range used {
		if run++; taken {
			run = 0
		}
		if run == count {
			return i + 1 - count
		}
	}
	return -1
}

func (b *Buffer) mark(used bool, count int) {
	for i := range count {
		b.page.used[b.slot+i] = used
	}
}

// newPage locks a region of size bytes, or refuses before the kernel has to.
func (a *arena) newPage(from *pool, size int) (*page, error) {
	pageSize := int64(os.Getpagesize())
	pages := (int64(size) + pageSize - 1) / pageSize
	// Subtracted, because the sum may overflow where there is no limit.
	if limit := pageLimit(); pages > limit-a.locked {
		return nil, fmt.Errorf("%w: %d KiB are needed beyond %d KiB of which %d KiB are in use", ErrLimit,
			pages*pageSize/1024, limit*pageSize/1024, a.locked*pageSize/1024)
	}
	r, err := from.lock(size)
	if err != nil {
		a.forgetDead()
		return nil, err
	}
	a.locked += pages
	return &page{region: r, from: from, locked: pages}, nil
}

// give wipes what b holds, and its page when nothing else is in it.
func (a *arena) give(b *Buffer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giveLocked(b)
}

func (a *arena) giveLocked(b *Buffer) {
	if b.gone.Swap(true) {
		return
	}
	delete(a.live, b)
	if b.page.used != nil {
		if b.page.IsAlive() {
			Wipe(b.data)
		}
		b.mark(false, granules(len(b.data)))
		if slices.Contains(b.page.used, true) {
			return
		}
		b.page.from.drop(b.page)
	}
	b.page.Destroy()
	a.locked -= b.page.locked
}

func (p *pool) drop(gone *page) {
	p.shared = slices.DeleteFunc(p.shared, func(other *page) bool { return other == gone })
}

// forgetDead gives up the buffers whose memory memguard has unmapped, so that
// using one is the panic of a use after Destroy and not a fault.
func (a *arena) forgetDead() {
	for b := range a.live {
		if !b.page.IsAlive() {
			a.giveLocked(b)
		}
	}
}

func (a *arena) wipeAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for b := range a.live {
		if b.page.IsAlive() {
			Wipe(b.data)
		}
	}
}
