package secret

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// DetachStderr returns the standard error for the program's own messages, and
// points file descriptor 2 at nothing. Go's runtime writes there, and only there,
// when it ends the process: the value of a panic, and for every goroutine the
// words that its functions were called with, keys among them.
//
// debug.SetTraceback("none") does not help: it cannot go below what GOTRACEBACK
// asked for, nor below "single" where that is not set (runtime.setTraceback). The
// price is that a fatal error of the runtime, which no program can catch, shows
// as exit code 2 without a word. Keeps G19.
func DetachStderr() (*os.File, error) {
	nothing, err := unix.Open(os.DevNull, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("keeping crash reports off the screen: opening %s: %w", os.DevNull, err)
	}
	defer unix.Close(nothing)
	own, err := unix.FcntlInt(uintptr(unix.Stderr), unix.F_DUPFD_CLOEXEC, unix.Stderr+1)
	if err != nil {
		return nil, fmt.Errorf("keeping crash reports off the screen: %w", err)
	}
	if err := unix.Dup3(nothing, unix.Stderr, 0); err != nil {
		_ = unix.Close(own)
		return nil, fmt.Errorf("keeping crash reports off the screen: %w", err)
	}
	return os.NewFile(uintptr(own), "/dev/stderr"), nil
}

// PanicError is a defect of the program. It says where, and what kind of value
// the panic had, never the value: that may be a secret.
type PanicError struct {
	Type     string // of the panic's value
	Position string // file:line of this module
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("internal error: %s at %s", e.Type, e.Position)
}

// Guard runs body, for the whole of a command. A panic in it wipes all buffers
// and becomes a *PanicError. It does not reach panics in goroutines that body
// starts; what those print goes where DetachStderr sends it. Keeps G19.
func Guard(body func()) (err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		err = &PanicError{Type: fmt.Sprintf("%T", value), Position: panicPosition()}
		// memguard panics in turn when something wrote over its fences; it has
		// wiped by then, and the first panic is the one to report.
		defer func() { _ = recover() }()
		WipeAll()
	}()
	body()
	return nil
}

// panicPosition is where in this module the panic began; called while it is
// being recovered.
func panicPosition() string {
	var counters [128]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(0, counters[:])])
	panicked := false
	for {
		f, more := frames.Next()
		if panicked {
			if at, ours := positionOf(f); ours {
				return at
			}
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			return "an unknown position"
		}
	}
}

// positionOf names a line by package and file, not by where it was compiled.
func positionOf(f runtime.Frame) (at string, ours bool) {
	line := fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
	if strings.HasPrefix(f.Function, "main.") {
		return line, true
	}
	inModule, ours := strings.CutPrefix(f.Function, "coldvault/")
	dir, function := path.Split(inModule) // "vault/", "secret.(*Buffer).Bytes"
	pkg, _, _ := strings.Cut(function, ".")
	return path.Join(dir, pkg, line), ours
}
