package ceremony

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// undoList removes what was made so far, newest first. Its methods may meet an
// interrupt: after run nothing is made any more.
type undoList struct {
	mu    sync.Mutex
	steps []func()
	done  bool

	committed bool // everything is made
}

var errUndone = errors.New("interrupted")

// do makes something and notes how to remove it.
func (u *undoList) do(make func() error, remove func()) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.done {
		return errUndone
	}
	err := make()
	if err == nil {
		u.steps = append(u.steps, remove)
	}
	return err
}

func (u *undoList) run() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, step := range slices.Backward(u.steps) {
		step()
	}
	u.steps, u.done = nil, true
}

// commit is the last step: after it there is nothing to undo.
func (u *undoList) commit(last func() error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.done {
		return errUndone
	}
	err := last()
	if err == nil {
		u.steps, u.committed = nil, true
	}
	return err
}

// create writes a new file and makes it durable; an existing one is an error.
func (u *undoList) create(name string, data []byte, mode fs.FileMode) error {
	return u.write(data, func() (*os.File, error) {
		return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	}, func() { os.Remove(name) }, func() (*os.File, error) { return os.Open(filepath.Dir(name)) })
}

// createIn is create in a folder that is open, whatever has its name by now or when the
// file is removed. Keeps G7.
func (u *undoList) createIn(dir *os.Root, name string, data []byte, mode fs.FileMode) error {
	return u.write(data, func() (*os.File, error) {
		return dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	}, func() { _ = dir.Remove(name) }, func() (*os.File, error) { return dir.Open(".") })
}

func (u *undoList) write(data []byte, open func() (*os.File, error), remove func(), openFolder func() (*os.File, error)) error {
	var f *os.File
	err := u.do(func() (err error) {
		f, err = open()
		return err
	}, remove)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	folder, openErr := openFolder()
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	defer folder.Close()
	return errors.Join(err, syncFolder(folder))
}

// syncFolder makes the entries of a folder durable. Some file systems have nothing to sync
// there.
func syncFolder(dir *os.File) error {
	if err := dir.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}
