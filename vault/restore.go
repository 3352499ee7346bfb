package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"

	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// Restored files are private to the caller, whatever modes they had.
const (
	// RestoredMode is their mode as contents.json would write it.
	RestoredMode = "0400"

	restoredFile   fs.FileMode = 0o400
	restoredFolder fs.FileMode = 0o700
	// partialFolder holds files until all of them are written and proven; its name
	// is for whoever finds it after a power cut.
	partialFolder = format.PartialName
)

// ErrNotEmpty is returned for a target that holds anything: restore never
// overwrites and never mixes.
var ErrNotEmpty = errors.New("the folder is not empty")

// Target is a folder to restore into.
type Target struct {
	root *os.Root
	name string
	made bool // by OpenTarget: removed again where nothing is restored

	mu     sync.Mutex // between writing and an interrupt that closes
	closed bool
}

// OpenTarget makes the folder, or takes an existing empty one, as OpenPrivate does.
func OpenTarget(name string) (*Target, error) {
	t := &Target{name: name}
	var err error
	if t.root, t.made, err = OpenPrivate(name); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(t.root.FS(), ".")
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s: %w", name, ErrNotEmpty)
	}
	if err != nil {
		t.root.Close()
		return nil, err
	}
	return t, nil
}

// ErrClosed is returned by Write when Close came in between.
var ErrClosed = errors.New("the restore was interrupted")

// Close releases the folder. Where Write has not succeeded, nothing is left. It
// may be called again, and while Write runs.
func (t *Target) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	err := errors.Join(t.root.RemoveAll(partialFolder), t.root.Close())
	if t.made {
		// Only removes an empty folder.
		_ = os.Remove(t.name)
	}
	return err
}

// Entry is one file to restore. Name may differ from the one it was sealed with.
type Entry struct {
	format.ContentsFile
	Data *secret.Buffer
	In   string // the compartments it came from: cold, hot or cold+hot
}

// Merge lists the files of all bundles; a file in both compartments, such as a
// public key, comes once.
func Merge(bundles []*Bundle) ([]Entry, error) {
	var out []Entry
	at := map[string]int{}
	for _, b := range bundles {
		for i, f := range b.Contents.Files {
			if k, ok := at[f.Name]; ok {
				if out[k].ContentsFile != f {
					return nil, fmt.Errorf("%q is in both compartments, with different content", f.Name)
				}
				out[k].In += "+" + b.Contents.Compartment
				continue
			}
			at[f.Name] = len(out)
			out = append(out, Entry{ContentsFile: f, Data: b.Data[i], In: b.Contents.Compartment})
		}
	}
	return out, nil
}

// Write writes files, reads every one back, and gives them their names only then:
// after an error nothing is left, and after a power cut the folder RESTORE-INCOMPLETE is
// still there.
//
// The bytes go from guarded memory to write(2) and stay in the kernel's cache of
// the target; that is what a target on tmpfs is for.
func (t *Target) Write(files []Entry) (err error) {
	names := format.NewNameSet()
	for _, f := range files {
		if err := names.Add(f.Name); err != nil {
			return err
		}
	}
	if err := t.root.Mkdir(partialFolder, restoredFolder); err != nil {
		return err
	}
	defer func() {
		// After Close there is nothing to remove and no folder to do it in.
		if removeErr := t.root.RemoveAll(partialFolder); err == nil {
			err = removeErr
		}
	}()
	for _, f := range files {
		if err := t.unlessClosed(func() error { return t.writeFile(f) }); err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	return t.unlessClosed(t.publish)
}

func (t *Target) unlessClosed(do func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	return do()
}

func (t *Target) writeFile(f Entry) error {
	name := path.Join(partialFolder, f.Name)
	if err := t.root.MkdirAll(path.Dir(name), restoredFolder); err != nil {
		return err
	}
	out, err := t.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, restoredFile)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := out.Write(f.Data.Bytes()); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if err := readBack(out, f); err != nil {
		return err
	}
	// A file system without times, or not ours to set: not worth failing for.
	_ = t.root.Chtimes(name, f.Modified, f.Modified)
	if err := out.Close(); err != nil {
		return err
	}
	return t.syncDir(path.Dir(name))
}

func readBack(f *os.File, want Entry) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	back, err := secret.Read(f, int(want.Size), int(want.Size))
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	defer back.Destroy()
	sum := sha256.Sum256(back.Bytes())
	if hex.EncodeToString(sum[:]) != want.SHA256 || !bytes.Equal(back.Bytes(), want.Data.Bytes()) {
		return errors.New("it reads back differently from what was written: do not trust this disk")
	}
	return nil
}

// publish moves everything from the partial folder to its place.
func (t *Target) publish() error {
	entries, err := fs.ReadDir(t.root.FS(), partialFolder)
	if err != nil {
		return err
	}
	for i, e := range entries {
		err := t.moveOut(e.Name())
		if err != nil {
			for _, done := range entries[:i] {
				_ = t.root.RemoveAll(done.Name())
			}
			return err
		}
	}
	if err := t.root.Remove(partialFolder); err != nil {
		return err
	}
	return t.syncDir(".")
}

func (t *Target) syncDir(name string) error {
	dir, err := t.root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// moveOut refuses a name that appeared since the folder was found empty.
func (t *Target) moveOut(name string) error {
	if _, err := t.root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(&fs.PathError{Op: "restore", Path: name, Err: fs.ErrExist}, err)
	}
	return t.root.Rename(path.Join(partialFolder, name), name)
}
