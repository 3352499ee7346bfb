package vault

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// MaxFile caps one file of material. Keys and identities are kilobytes; what is
// larger is an archive.
const MaxFile = 4 << 20

// maxMaterial caps the files of one seal.
const maxMaterial = 10_000

// Gathered are the files to be sealed, in guarded memory, in the order of the
// sources and then by name.
type Gathered struct {
	Files []format.ContentsFile // Network and Role are not filled in
	Data  []*secret.Buffer
	names *format.NameSet
}

// Destroy wipes the files.
func (g *Gathered) Destroy() {
	for _, d := range g.Data {
		d.Destroy()
	}
}

// Gather reads files and folders. The files of a folder are named relative to
// it, a single file by its last component. Anything that is not a plain file is
// refused rather than left out: a backup without it would look whole.
func Gather(sources []string) (*Gathered, error) {
	g := &Gathered{names: format.NewNameSet()}
	for _, s := range sources {
		if err := g.source(s); err != nil {
			g.Destroy()
			return nil, err
		}
	}
	if len(g.Files) == 0 {
		return nil, errors.New("there is no file in what was given")
	}
	return g, nil
}

func (g *Gathered) source(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		dir, err := os.OpenRoot(filepath.Dir(name))
		if err != nil {
			return err
		}
		defer dir.Close()
		return g.file(dir, filepath.Base(name), name)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(name, p), err)
		}
		if d.IsDir() {
			return nil
		}
		return g.file(root, p, filepath.Join(name, p))
	})
}

// file reads one file straight into guarded memory.
func (g *Gathered) file(root *os.Root, name, shown string) error {
	if len(g.Files) == maxMaterial {
		return fmt.Errorf("more than %d files", maxMaterial)
	}
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if err := checkKind(info, shown); err != nil {
		return err
	}
	// O_NOFOLLOW and O_NONBLOCK for a file that is swapped after the look at it.
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, before) {
		return fmt.Errorf("%s was exchanged while it was read", shown)
	}
	data, err := secret.Read(f, int(before.Size()), MaxFile)
	if errors.Is(err, secret.ErrTooLarge) {
		return tooLarge(shown, before.Size())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", shown, err)
	}
	g.Data = append(g.Data, data)
	after, err := f.Stat()
	if err != nil {
		return err
	}
	if int64(data.Len()) != before.Size() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return fmt.Errorf("%s changed while it was read: stop what writes to it and try again", shown)
	}
	sum := sha256.Sum256(data.Bytes())
	entry := format.ContentsFile{
		Name: path.Clean(filepath.ToSlash(name)), Size: before.Size(), Mode: format.FormatMode(before.Mode()),
		Modified: wholeSeconds(before.ModTime()), SHA256: hex.EncodeToString(sum[:]),
	}
	if err := g.names.Add(entry.Name); err != nil {
		return fmt.Errorf("%s: %w", shown, err)
	}
	g.Files = append(g.Files, entry)
	return nil
}

func checkKind(info fs.FileInfo, shown string) error {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: give the file it points to", shown)
	case !mode.IsRegular():
		return fmt.Errorf("%s is not a plain file (%s)", shown, mode.Type())
	case info.Size() > MaxFile:
		return tooLarge(shown, info.Size())
	}
	return nil
}

func tooLarge(shown string, size int64) error {
	return fmt.Errorf("%s has %d bytes; material is at most %d MiB a file", shown, size, MaxFile>>20)
}

// wholeSeconds is a time as JSON and tar keep it; before 1970 there is none.
func wholeSeconds(t time.Time) time.Time {
	if t.Unix() < 0 {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC().Truncate(time.Second)
}
