package main

import (
	"os"
	"os/signal"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"coldvault/vault/secret"
)

// interrupts is what has to be put right before the process may end.
type interrupts struct {
	watch    sync.Once
	mu       sync.Mutex
	cleanups []*func() // newest last
}

// OnInterrupt has cleanup run when the process gets SIGINT, SIGTERM or SIGHUP. All
// cleanups run, newest first, by one goroutine; then secrets are wiped and the
// process ends.
func (u *ui) OnInterrupt(cleanup func()) (stop func()) {
	u.undo.watch.Do(u.undo.start)
	u.undo.mu.Lock()
	defer u.undo.mu.Unlock()
	u.undo.cleanups = append(u.undo.cleanups, &cleanup)
	return func() {
		u.undo.mu.Lock()
		defer u.undo.mu.Unlock()
		u.undo.cleanups = slices.DeleteFunc(u.undo.cleanups, func(c *func()) bool { return c == &cleanup })
	}
}

func (i *interrupts) start() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	go func() {
		<-signals
		// Never unlocked: what starts or ends a step now waits for the end.
		i.mu.Lock()
		for _, cleanup := range slices.Backward(i.cleanups) {
			(*cleanup)()
		}
		secret.DestroyAll()
		os.Exit(exitFailed)
	}()
}
