package vault

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
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

// maxGathered caps their bytes, as they lie in locked memory: a bundle for each compartment.
var maxGathered int64 = 2 * MaxBundle // Lowered by tests.

// Gathered are the files to be sealed, in guarded memory, in the order of the
// sources and then by name.
type Gathered struct {
	Files []format.ContentsFile // Network and Role are not filled in
	Data  []*secret.Buffer      // nil for an open file
	Large []*os.File            // the open files; nil for a file in memory
	names *format.NameSet
	// Files of more bytes are opened and not read.
	openAbove int64
	total     int64 // bytes of the files that were read
}

// Destroy wipes the files, and closes the large ones.
func (g *Gathered) Destroy() {
	for i, d := range g.Data {
		d.Destroy()
		if f := g.Large[i]; f != nil {
			f.Close()
		}
	}
}

// GatherToLook is GatherToSeal for who only looks: files above MaxFile, such as database
// dumps, are opened and not read; they have no digest.
func GatherToLook(sources []string) (*Gathered, error) {
	g := &Gathered{names: format.NewNameSet()}
	return g, g.gather(sources, MaxFile)
}

// GatherToSeal reads files and folders, and opens the files that are to be archives whatever
// their size. One of the two lists may be empty. The files of a folder are named relative to
// it, a single file by its last component. Anything that is not a plain file is refused rather
// than left out: a backup without it would look whole.
func GatherToSeal(sources, archives []string) (*Gathered, error) {
	g := &Gathered{names: format.NewNameSet()}
	if len(sources) > 0 || len(archives) == 0 {
		if err := g.gather(sources, math.MaxInt64); err != nil {
			return nil, err
		}
	}
	for _, name := range archives {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			g.Destroy()
			return nil, fmt.Errorf("%s is a folder, and an archive is one file: make a tar file of it first", name)
		}
	}
	if len(archives) == 0 {
		return g, nil
	}
	return g, g.gather(archives, -1)
}

// gather adds the files of the sources. After an error nothing is left open.
func (g *Gathered) gather(sources []string, openAbove int64) error {
	g.openAbove = openAbove
	for _, s := range sources {
		if err := g.source(s); err != nil {
			g.Destroy()
			return err
		}
	}
	if len(g.Files) == 0 {
		return errors.New("there is no file in what was given")
	}
	return nil
}

// folder is where a file is looked up. *os.Root is one.
type folder interface {
	Lstat(name string) (fs.FileInfo, error)
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
}

// single is a file that was given by itself, whatever name is asked for: the folder that it
// is in was not given, and need not be readable.
type single string

func (s single) Lstat(string) (fs.FileInfo, error) { return os.Lstat(string(s)) }

func (s single) OpenFile(_ string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(string(s), flag, perm)
}

func (g *Gathered) source(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return g.file(single(name), filepath.Base(name), name)
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
func (g *Gathered) file(root folder, name, shown string) error {
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
	if info.Size() > MaxFile && info.Size() <= g.openAbove {
		return tooLarge(shown, info.Size())
	}
	// O_NOFOLLOW and O_NONBLOCK for a file that is swapped after the look at it.
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	keep := false
	defer func() {
		if !keep {
			f.Close()
		}
	}()
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, before) {
		return fmt.Errorf("%s was exchanged while it was read", shown)
	}
	if before.Size() > g.openAbove {
		keep = true
		return g.add(f, nil, describe(name, before), shown)
	}
	if g.total += before.Size(); g.total > maxGathered {
		return fmt.Errorf("with %s it is more than %d MiB of material: leave out what is no key or identity of the node, and seal what is large as an archive, with --attach",
			shown, maxGathered>>20)
	}
	data, err := secret.Read(f, int(before.Size()), MaxFile)
	if errors.Is(err, secret.ErrTooLarge) {
		return tooLarge(shown, before.Size())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", shown, err)
	}
	entry := describe(name, before)
	sum := sha256.Sum256(data.Bytes())
	entry.SHA256 = hex.EncodeToString(sum[:])
	if err := g.add(nil, data, entry, shown); err != nil {
		return err
	}
	after, err := f.Stat()
	if err != nil {
		return err
	}
	if int64(data.Len()) != before.Size() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return fmt.Errorf("%s changed while it was read: stop what writes to it and try again", shown)
	}
	return nil
}

// add takes a file in; from here on Destroy looks after it.
func (g *Gathered) add(large *os.File, data *secret.Buffer, entry format.ContentsFile, shown string) error {
	g.Files, g.Data, g.Large = append(g.Files, entry), append(g.Data, data), append(g.Large, large)
	if err := g.names.Add(entry.Name); err != nil {
		return fmt.Errorf("%s: %w", shown, err)
	}
	return nil
}

func describe(name string, info fs.FileInfo) format.ContentsFile {
	return format.ContentsFile{
		Name: path.Clean(filepath.ToSlash(name)), Size: info.Size(), Mode: format.FormatMode(info.Mode()),
		Modified: wholeSeconds(info.ModTime()),
	}
}

func checkKind(info fs.FileInfo, shown string) error {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: give the file it points to", shown)
	case !mode.IsRegular():
		return fmt.Errorf("%s is not a plain file (%s)", shown, mode.Type())
	}
	return nil
}

func tooLarge(shown string, size int64) error {
	return fmt.Errorf("%s has %d bytes; material is at most %d MiB a file: seal it as an archive, with --attach", shown, size, MaxFile>>20)
}

// wholeSeconds is a time as JSON and tar keep it; before 1970 there is none.
func wholeSeconds(t time.Time) time.Time {
	if t.Unix() < 0 {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC().Truncate(time.Second)
}
