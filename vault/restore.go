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
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"coldvault/media"
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
	fs   media.FS
	name string
	made bool // by OpenTarget: removed again where nothing is restored
	// memory tells that it is a tmpfs: there is no medium that could be read back.
	memory bool

	mu        sync.Mutex // between writing and an interrupt that closes
	closed    bool
	published bool
}

// OpenTarget makes the folder, or takes an existing empty one, as OpenPrivate does.
func OpenTarget(name string) (*Target, error) {
	t := &Target{name: name}
	root, made, err := OpenPrivate(name)
	if err != nil {
		return nil, err
	}
	t.fs, t.name, t.made = media.RootFS(root), root.Name(), made
	if t.memory, err = InMemory(name); err != nil {
		t.memory = false // then it is read back like a disk
	}
	if err := t.empty(); err != nil {
		t.fs.Close()
		return nil, err
	}
	return t, nil
}

// Made tells that there was no folder before.
func (t *Target) Made() bool { return t.made }

func (t *Target) empty() error {
	names, err := t.fs.List(".", 1)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%s: %w", t.name, ErrNotEmpty)
	}
	return err
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
	err := errors.Join(media.RemoveAll(t.fs, partialFolder), t.fs.Close())
	if t.made {
		// Only removes an empty folder.
		_ = os.Remove(t.name)
	}
	return err
}

// Published tells whether all files have their names.
func (t *Target) Published() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.published
}

// Entry is one file to restore. Name may differ from the one it was sealed with.
type Entry struct {
	format.ContentsFile
	Data    *secret.Buffer
	Archive *Archive // instead of Data
	In      string   // the compartments it came from: cold, hot or cold+hot
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
		for _, a := range b.Archives {
			if _, ok := at[a.Name]; ok {
				return nil, fmt.Errorf("%q is a file and an archive", a.Name)
			}
			at[a.Name] = len(out)
			out = append(out, Entry{ContentsFile: a.ContentsFile, Archive: a, In: a.In})
		}
	}
	return out, nil
}

// Write writes files, reads every one back, and gives them their names only then:
// after an error nothing is left, and after a power cut the folder RESTORE-INCOMPLETE is
// still there. progress is told of the bytes of archives.
//
// Archives come last. Where there are other files, one that no medium gives whole, or that
// finds no room, is left out: keys are not lost over it.
//
// The bytes go from guarded memory to write(2) and stay in the kernel's cache of
// the target; that is what a target on tmpfs is for. Keeps G7.
func (t *Target) Write(files []Entry, progress func(int)) (leftOut []LeftOut, err error) {
	names := format.NewNameSet()
	for _, f := range files {
		if err := names.Add(f.Name); err != nil {
			return nil, err
		}
	}
	if err := t.fs.Mkdir(partialFolder, restoredFolder); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil { // after Close there is nothing to remove and no folder to do it in
			_ = media.RemoveAll(t.fs, partialFolder)
		}
	}()
	// Durable before any file is moved out of it: it says that more was to come.
	if err := t.fs.SyncDir("."); err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Archive != nil {
			continue
		}
		if err := t.unlessClosed(func() error { return t.writeFile(f) }); err != nil {
			return nil, fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	alone := !slices.ContainsFunc(files, func(f Entry) bool { return f.Archive == nil })
	for _, f := range files {
		if f.Archive == nil {
			continue
		}
		err := t.writeArchive(f, progress)
		switch {
		case err == nil:
		case alone, errors.Is(err, ErrClosed), IsOfTarget(err) && !isFull(err), errors.Is(err, secret.ErrLimit):
			return nil, fmt.Errorf("%q: %w", f.Name, err)
		default:
			leftOut = append(leftOut, LeftOut{Name: f.Name, Err: err})
		}
	}
	return leftOut, t.unlessClosed(t.publish)
}

// LeftOut is an archive that was not restored, and why.
type LeftOut struct {
	Name string
	Err  error
}

// NoRoom tells whether another medium would not help.
func (l LeftOut) NoRoom() bool { return isFull(l.Err) }

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

func (t *Target) unlessClosed(do func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	return do()
}

func (t *Target) create(name string) (media.File, error) {
	if err := media.MkdirAll(t.fs, path.Dir(name), restoredFolder); err != nil {
		return nil, err
	}
	return t.fs.Create(name, restoredFile)
}

// Keeps G21.
func (t *Target) writeFile(f Entry) error {
	name := path.Join(partialFolder, f.Name)
	out, err := t.create(name)
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
	return t.complete(out, name, f)
}

// complete gives a file its time and makes its name durable.
func (t *Target) complete(out media.File, name string, f Entry) error {
	// A file system without times, or not ours to set: not worth failing for.
	_ = t.fs.SetTime(name, f.Modified)
	if err := out.Close(); err != nil {
		return err
	}
	return t.fs.SyncDir(path.Dir(name))
}

func readBack(f media.File, want Entry) error {
	back, err := secret.Read(io.NewSectionReader(f, 0, want.Size+1), int(want.Size), int(want.Size))
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	defer back.Destroy()
	sum := sha256.Sum256(back.Bytes())
	if hex.EncodeToString(sum[:]) != want.SHA256 || !bytes.Equal(back.Bytes(), want.Data.Bytes()) {
		return errReadBack
	}
	return nil
}

var errReadBack = errors.New("it reads back differently from what was written: do not trust this disk")

// publish moves everything from the partial folder to its place, or nothing.
func (t *Target) publish() error {
	names, err := t.fs.List(partialFolder, maxMaterial)
	if err != nil {
		return err
	}
	slices.Sort(names)
	moved := 0
	for ; err == nil && moved < len(names); moved++ {
		if err = t.moveOut(names[moved]); err != nil {
			break
		}
	}
	if err == nil { // what was moved stays, whether the folder is gone or not
		err = t.fs.SyncDir(".")
	}
	if err == nil {
		err = t.fs.Remove(partialFolder)
	}
	if err == nil {
		err = t.fs.SyncDir(".")
	}
	if err != nil {
		for _, name := range names[:moved] {
			_ = media.RemoveAll(t.fs, name)
		}
	}
	t.published = err == nil
	return err
}

// moveOut refuses a name that appeared since the folder was found empty.
func (t *Target) moveOut(name string) error {
	if _, err := t.fs.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(&fs.PathError{Op: "restore", Path: name, Err: fs.ErrExist}, err)
	}
	return t.fs.Rename(path.Join(partialFolder, name), name)
}
