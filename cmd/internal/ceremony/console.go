// Package ceremony carries out what the commands promise, step by step: it
// joins the vault with paper, reads cards and pages whatever form they come in,
// proves everything it writes, and asks for what is missing.
//
// It never prints: it speaks through a Console and returns results. Secrets are
// in guarded buffers; where an image or PDF library keeps a card on the heap, the
// work is done inside secret.Do.
package ceremony

import (
	"errors"
	"fmt"
	"io/fs"

	"coldvault/vault/secret"
)

// Console is the person in front of the machine, or what stands for them.
type Console interface {
	// Say reports a step that is done.
	Say(format string, args ...any)
	// Order says what the person is to do now.
	Order(format string, args ...any)
	// Warn reports what went wrong without stopping the work.
	Warn(format string, args ...any)
	// Progress shows how far a long step is. total 0 ends it.
	Progress(what string, done, total int)
	// Passphrase asks for the signer's passphrase; a new one is offered, or asked
	// for twice. The caller destroys it.
	Passphrase(fresh bool) (*secret.Buffer, error)
	// Card asks for one more code or word list. ErrNobody where there is no one to ask.
	Card(prompt string) (*secret.Buffer, error)
	// Ask asks for something that is no secret. ErrNobody where there is no one to
	// ask; an empty answer is allowed.
	Ask(question string) (string, error)
	// AcceptWords shows, at the terminal and nowhere else, the words that are
	// proposed instead of those that were typed with these numbers, and asks
	// whether to take them. ErrNobody where there is no one to ask.
	AcceptWords(numbers []int, words []byte) (bool, error)
	// OnInterrupt runs cleanup, and then ends the process, when it is told to
	// end. stop calls that off.
	OnInterrupt(cleanup func()) (stop func())
}

// ErrNobody is returned by Console when nobody can answer.
var ErrNobody = errors.New("there is no terminal to ask at")

// HintError is an error with what to do next.
type HintError struct {
	Err  error
	Hint string
}

func (e *HintError) Error() string { return e.Err.Error() }
func (e *HintError) Unwrap() error { return e.Err }

// withHint adds what to do next to an error that is not nil.
func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &HintError{Err: err, Hint: fmt.Sprintf(format, args...)}
}

// beside is an error as it is read beside the name of what it is about.
func beside(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) && path.Path == name {
		return path.Err
	}
	return err
}

// UsageError is a request that cannot be meant so: exit code 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error { return &UsageError{Err: fmt.Errorf(format, args...)} }

// ErrDamage is what check, scan and inspect end with when they found something:
// exit code 3.
var ErrDamage = errors.New("damage was found")

// FoundError is an ErrDamage that says what else is wrong: nothing that a repair mends.
type FoundError struct{ What string }

func (e *FoundError) Error() string { return e.What }

// Is makes it an ErrDamage.
func (e *FoundError) Is(target error) bool { return target == ErrDamage }
