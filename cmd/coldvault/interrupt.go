package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"coldvault/vault/secret"
)

// interrupts is what has to be put right before the process may end.
type interrupts struct {
	watch    sync.Once
	mu       sync.Mutex
	cleanups []*func() // newest last
	words    lastWords
}

// lastWords are what is said at an interrupt, when all is put right: nobody may be reading.
type lastWords struct {
	mu    sync.Mutex
	begun bool
	lines []string
}

// take keeps a line for the end, if the process is ending.
func (w *lastWords) take(line string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun {
		w.lines = append(w.lines, line)
	}
	return w.begun
}

func (w *lastWords) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = true
}

// patience is how long the last words wait for who reads them.
const patience = 300 * time.Millisecond

// lastWords prints the last words, and their JSON, as far as somebody takes them.
func (u *ui) lastWords(signal os.Signal) {
	w := &u.undo.words
	w.mu.Lock()
	lines := slices.Clone(w.lines)
	w.mu.Unlock()
	interrupted := fmt.Sprintf("interrupted (%v)", signal)
	text := "coldvault: error: " + interrupted + "\n"
	for _, line := range lines {
		text += "coldvault: hint: " + line + "\n"
	}
	said := make(chan struct{}, 2)
	go func() {
		_, _ = io.WriteString(u.err, text)
		said <- struct{}{}
	}()
	go func() {
		u.emit("error", errorJSON{interrupted, strings.Join(lines, "; "), exitFailed})
		said <- struct{}{}
	}()
	late := time.After(patience)
	for range cap(said) {
		select {
		case <-said:
		case <-late:
			return
		}
	}
}

// OnInterrupt has cleanup run when the process gets SIGINT, SIGTERM, SIGHUP or SIGQUIT, or one that
// would leave a core file. All cleanups run, newest first, by one goroutine; then secrets are wiped and the
// process ends.
func (u *ui) OnInterrupt(cleanup func()) (stop func()) {
	u.undo.watch.Do(u.watchSignals)
	u.undo.mu.Lock()
	defer u.undo.mu.Unlock()
	u.undo.cleanups = append(u.undo.cleanups, &cleanup)
	return func() {
		u.undo.mu.Lock()
		defer u.undo.mu.Unlock()
		u.undo.cleanups = slices.DeleteFunc(u.undo.cleanups, func(c *func()) bool { return c == &cleanup })
	}
}

// ignoreUntakable ignores the signals that end a program of Go, and that os/signal cannot
// give to it: SIGSTKFLT, and those that libraries of C keep for themselves (of which 33 is
// Go's own). There is no such library here, so nobody who means well sends them. Keeps G14.
func ignoreUntakable() {
	for _, signal := range []unix.Signal{unix.SIGSTKFLT, 32, 34} {
		// struct sigaction of the kernel (rt_sigaction(2)); SIG_IGN is 1, and its other members do not count then.
		action := [4]uint64{1}
		const setSize = 8
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&action)), 0, setSize, 0, 0)
	}
}

func (u *ui) watchSignals() {
	// A reader that has gone, as of `coldvault … | head`, must not end the work half
	// way: writing to it fails instead.
	signal.Ignore(unix.SIGPIPE)
	ignoreUntakable()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	// Sent by someone; those that the program itself causes are panics.
	signal.Notify(signals, unix.SIGABRT, unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS)
	go func() {
		signal := <-signals
		i := &u.undo
		i.words.begin()
		// Never unlocked: what starts or ends a step now waits for the end.
		i.mu.Lock()
		for _, cleanup := range slices.Backward(i.cleanups) {
			(*cleanup)()
		}
		secret.WipeAll()
		u.lastWords(signal)
		os.Exit(exitFailed)
	}()
}
