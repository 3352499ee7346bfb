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

// OnInterrupt has cleanup run when the process gets SIGINT, SIGTERM, SIGHUP or SIGQUIT, or one that
// would leave a core file. All cleanups run, newest first, by one goroutine; then secrets are wiped and the
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
	// A reader that has gone, as of `coldvault … | head`, must not end the work half
	// way: writing to it fails instead.
	signal.Ignore(unix.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	// Sent by someone; those that the program itself causes are panics.
	signal.Notify(signals, unix.SIGABRT, unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS)
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
