package ceremony

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"coldvault/media"
	"coldvault/qr"
	"coldvault/qr/camera"
	"coldvault/qr/scan"
	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/secret"
)

// Limits of what is read in.
const (
	maxShares = 2 * shard.MaxShares // of all cards together
	maxInputs = 10_000              // files of one folder
)

// Intake collects what comes in from media, pages and cards, in any order and
// mixed: codes are told apart by what they hold, not by where they were found.
type Intake struct {
	Media  []*vault.Medium
	Shares []GivenShare
	Inputs []Input

	camera camera.Source // nil for none; whoever opened it closes it

	large   sync.Mutex // of the large page that is being read
	sets    qr.Sets
	scanned map[*qr.Collector]map[int]bool // the codes of a set that a scan has shown
	raw     *secret.Buffer                 // memory of the shares
	dirs    []*media.Dir
	folders []fs.FileInfo // of dirs and of folders of scans
}

// GivenShare is a share and the input it came from.
type GivenShare struct {
	shard.Share
	From  string
	Drawn bool // in a PDF as it was drawn: that says nothing of what was printed
}

// Input is what one file or folder turned out to be.
type Input struct {
	Name   string
	Pages  int // pages of an image or PDF
	Codes  int // codes that were read
	Unread int // codes that were seen and could not be read
	Shares int
	Frames int
	Medium bool
	Notes  []string // what could not be used, and why

	Missing bool  // there is no such file or folder
	refused error // why, of the first that could not be used
}

// Unused tells that it, or some of it, cannot be used.
func (i Input) Unused() bool { return len(i.Notes) > 0 || !i.Medium && i.Shares+i.Frames == 0 }

// refuse notes what could not be used.
func (i *Input) refuse(why error) {
	i.Notes = append(i.Notes, why.Error())
	if i.refused == nil {
		i.refused = why
	}
}

// NewIntake returns an empty one; Close it.
func NewIntake() (*Intake, error) {
	raw, err := secret.New(maxShares * shard.ShareSize)
	if err != nil {
		return nil, err
	}
	return &Intake{raw: raw, scanned: map[*qr.Collector]map[int]bool{}}, nil
}

// Close wipes the shares.
func (in *Intake) Close() {
	in.raw.Destroy()
	for _, d := range in.dirs {
		d.Close()
	}
}

// readers is how many files are read at a time. Of large pages only one is, and up to its
// limits it takes some 768 MiB, besides the file.
const readers = 2

// readingMemory is what reading may take: less than it could let lie around as garbage.
const readingMemory = 896 << 20

// reading is a file that is read ahead.
type reading struct {
	result chan scanned
	pages  chan [2]int // that are done, and how many there are
}

// AddAll is Add for several, in their order; tell hears of each, and of every page of those
// that have several. Plain files are read ahead of that.
func (in *Intake) AddAll(names []string, stdin io.Reader, tell func(i, page, pages int)) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(readingMemory))
	ahead := make([]*reading, len(names))
	next := 0
	for i, name := range names {
		for ; next < min(i+readers, len(names)); next++ {
			if info, err := os.Stat(names[next]); err != nil || !info.Mode().IsRegular() || names[next] == "-" {
				continue
			}
			r := &reading{make(chan scanned, 1), make(chan [2]int, 1)}
			ahead[next] = r
			go func(name string) { r.result <- readFile(name, scan.Options{Large: &in.large, Progress: r.tell}) }(names[next])
		}
		tell(i, 0, 0)
		if ahead[i] == nil {
			in.Add(name, stdin)
		} else if err := in.addScan(name, ahead[i].wait(func(page, pages int) { tell(i, page, pages) })); err != nil {
			in.failed(name, err)
		}
	}
}

// tell notes a page for who waits, and leaves out what they have not heard yet.
func (r *reading) tell(done, pages int) {
	select {
	case r.pages <- [2]int{done, pages}:
	default:
	}
}

func (r *reading) wait(tell func(page, pages int)) scanned {
	for {
		select {
		case s := <-r.result:
			return s
		case p := <-r.pages:
			tell(p[0], p[1])
		}
	}
}

func (in *Intake) failed(name string, err error) {
	why := strings.TrimPrefix(beside(name, err).Error(), name+": ")
	in.Inputs = append(in.Inputs, Input{Name: name, Notes: []string{why}, Missing: errors.Is(err, fs.ErrNotExist)})
}

// Add reads a medium, a folder of scans, an image, a PDF or a text file; "-" is
// text on standard input, as from a keyboard-wedge scanner. What cannot be read is
// noted and stops nothing: the rest may be enough.
func (in *Intake) Add(name string, stdin io.Reader) {
	if err := in.add(name, stdin); err != nil {
		in.failed(name, err)
	}
}

func (in *Intake) add(name string, stdin io.Reader) error {
	if name == "-" {
		return in.addTyped("standard input", stdin)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		return in.addDir(name)
	case !info.Mode().IsRegular(): // opening a FIFO would wait for ever
		return errors.New("not a plain file; to read from a pipe, give - and pipe into standard input")
	}
	return in.addFile(name)
}

func (in *Intake) addDir(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(in.folders, func(f fs.FileInfo) bool { return os.SameFile(f, info) }) {
		in.Inputs = append(in.Inputs, Input{Name: name, Medium: true}) // under another name
		return nil
	}
	in.folders = append(in.folders, info)
	dir, err := media.OpenDir(name)
	if err != nil {
		return err
	}
	in.dirs = append(in.dirs, dir)
	found, err := vault.OpenMedia(dir)
	if err == nil {
		in.Media = append(in.Media, found...)
		in.Inputs = append(in.Inputs, Input{Name: name, Medium: true})
		return nil
	}
	if !errors.Is(err, vault.ErrNoVault) {
		return err
	}
	return in.addScans(name, err)
}

// addScans reads every file of a folder as a scan.
func (in *Intake) addScans(name string, noVault error) error {
	entries, err := os.ReadDir(name)
	if err != nil {
		return err
	}
	if len(entries) > maxInputs {
		return fmt.Errorf("%s holds more than %d files", name, maxInputs)
	}
	var files []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(name, e.Name()))
		}
	}
	if len(files) == 0 {
		return noVault
	}
	in.AddAll(files, nil, func(int, int, int) {})
	return nil
}

func (in *Intake) addFile(name string) error {
	return in.addScan(name, readFile(name, scan.Options{Large: &in.large}))
}

func readFile(name string, opts scan.Options) scanned {
	f, err := os.Open(name)
	if err != nil {
		return scanned{err: err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return scanned{err: err}
	}
	if info.Size() == 0 { // those of /proc say so too, and some never end
		return scanned{err: errors.New("it is empty")}
	}
	if info.Size() > scan.DefaultMaxFileBytes {
		return scanned{err: fmt.Errorf("more than %d MiB: it is no scan", scan.DefaultMaxFileBytes>>20)}
	}
	return readScan(f, opts)
}

// maxGuarded is as much of standard input as is kept in guarded memory: more than the codes
// and words of a dozen cards.
const maxGuarded = 16 << 10

// addTyped reads what a person types, a scanner, or another program: a share may stand there
// while what follows is waited for. What goes on longer than cards do is an image or pages.
func (in *Intake) addTyped(name string, r io.Reader) error {
	head, err := secret.Read(io.LimitReader(r, maxGuarded), 0, maxGuarded)
	if err != nil {
		return err
	}
	defer head.Destroy()
	if head.Len() == maxGuarded {
		return in.addScan(name, readScan(io.MultiReader(head.Reader(), r), scan.Options{Large: &in.large}))
	}
	return in.addScan(name, readData(head.Bytes(), scan.Options{}))
}

// scanned is a file as it was read: codes, or text where it is no image.
type scanned struct {
	found scan.Result
	text  []byte
	err   error
}

// readScan reads codes. Several files may be read at a time. A picture of a card is a secret
// that is too large for locked memory and that the image libraries keep on the heap:
// secret.Do erases it.
func readScan(r io.Reader, opts scan.Options) (s scanned) {
	err := secret.Do(func() error {
		data, err := io.ReadAll(io.LimitReader(r, scan.DefaultMaxFileBytes))
		if err == nil {
			s = readData(data, opts)
		}
		return err
	})
	s.err = errors.Join(s.err, err)
	return s
}

func readData(data []byte, opts scan.Options) (s scanned) {
	s.err = secret.Do(func() (err error) {
		s.found, err = scan.Read(data, opts)
		if errors.Is(err, scan.ErrFormat) {
			s.text = data
			return nil
		}
		return err
	})
	return s
}

// AllMedia are the media and the whole page sets.
func (in *Intake) AllMedia() []*vault.Medium {
	out := slices.Clone(in.Media)
	for _, p := range in.PageSets() {
		out = append(out, p.Medium...)
	}
	return out
}

// shares are the shares alone.
func (in *Intake) shares() []shard.Share {
	out := make([]shard.Share, len(in.Shares))
	for i, s := range in.Shares {
		out[i] = s.Share
	}
	return out
}
