// Package scan finds QR codes in scanned pages and returns what they hold.
//
// It reads images (PNG, JPEG, TIFF) and PDFs, whether scanned or drawn as
// vectors. The symbols are those of ISO/IEC 18004; the parser of the bit matrix
// and the Reed–Solomon decoder are gozxing's, everything before them (finding,
// grouping, following a curled sheet, sampling) is done here, for whole pages of
// many codes that were printed, aged and scanned badly.
//
// What it promises: a text is returned only when every Reed–Solomon block of its
// code was corrected within the limits of the standard; callers check their own
// checksum besides. Nothing depends on resolution, rotation, scale, mirroring or
// polarity. Input is taken as hostile: sizes, counts and depths are bounded by
// Options before anything is allocated, and damaged input is an error or an
// unread code, never a panic.
//
// A code may carry a share of a key. Texts are byte slices, never strings, so
// that a caller can wipe them; copies made on the way are left to the garbage
// collector, so secrets are read inside runtime/secret.Do. That allows no new
// goroutines, and none are started unless Options.Workers asks for them.
package scan

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Limits that hold where Options leaves a field zero.
const (
	DefaultMaxFileBytes   = 512 << 20 // an uncompressed A4 page of 600 dpi in colour is 105 MB
	DefaultMaxPixels      = 160 << 20 // A4 at 1200 dpi is 139 million
	DefaultMaxMemory      = 768 << 20 // a progressive JPEG of A4 at 1200 dpi in grey takes 696 MB, of Legal at 600 dpi in colour 643 MB
	DefaultMaxPages       = 500
	DefaultMaxStreamBytes = 1 << 30 // one inflated PDF stream; an image is bounded by MaxPixels too
	// DefaultMaxWork is 500 pages of A4 full of codes, drawn as this program draws them or scanned
	// in grey at 300 dpi; or 300 at 600 dpi. A pixel is some 6 ns, so that is about two minutes.
	DefaultMaxWork = 20 << 30
)

// Options bound what is accepted. The zero value is useful.
type Options struct {
	MaxFileBytes   int64 // bytes of the file
	MaxPixels      int64 // pixels of one page
	MaxMemory      int64 // bytes that the decoder of one image may take
	MaxPages       int   // pages of one file
	MaxStreamBytes int64 // bytes that one PDF stream may inflate to
	MaxWork        int64 // on one file, in pixels that are read
	Workers        int   // pages read at the same time; 0 and 1 start no goroutine

	// Large is locked while a large page is read, so that no two are in memory. Readers of
	// several files share one; nil keeps the workers of one file apart.
	Large sync.Locker
	// Progress is told after each page how many are done, by one goroutine at a time; nil for nobody.
	Progress func(done, pages int)

	work *atomic.Int64 // left for this file
}

// What else is work.
const (
	finderWork = 100_000 // of a finder pattern: some 100 stand on a full page
	blockWork  = 8_000   // of a strip or tile, whose decoder is begun anew
	decoded    = 4       // bytes that are decoded while a pixel is read
)

// decodeWork is the work of decoding so many bytes.
func decodeWork(bytes int64) int64 { return (bytes + decoded - 1) / decoded }

// errWork is returned for a file that asks for more.
var errWork = fmt.Errorf("this page and those behind it were not read, as the file asks for more work than %d pages at 300 dpi: "+
	"split it into several files: %w", DefaultMaxPages, ErrTooLarge)

// spend takes work off what is left for the file.
func (o Options) spend(work int64) error {
	if o.work.Add(-work) < 0 {
		return errWork
	}
	return nil
}

// largePage is how many bytes a page takes that is read alone: A4 at 600 dpi in grey is not.
const largePage = 128 << 20

// alone waits until no other large page is being read, and returns what ends that.
func (o Options) alone(memory int64) (done func()) {
	if memory <= largePage {
		return func() {}
	}
	o.Large.Lock()
	makeRoom(memory)
	return o.Large.Unlock
}

// makeRoom gives back what the large image before has left. The collector runs beside the reader,
// which would have asked for all of its memory before the collector is done. Keeps G28.
func makeRoom(memory int64) {
	if memory > largePage {
		runtime.GC()
	}
}

func (o Options) withDefaults() Options {
	if o.MaxFileBytes <= 0 {
		o.MaxFileBytes = DefaultMaxFileBytes
	}
	if o.MaxPixels <= 0 {
		o.MaxPixels = DefaultMaxPixels
	}
	if o.MaxMemory <= 0 {
		o.MaxMemory = DefaultMaxMemory
	}
	if o.MaxPages <= 0 {
		o.MaxPages = DefaultMaxPages
	}
	if o.MaxStreamBytes <= 0 {
		o.MaxStreamBytes = DefaultMaxStreamBytes
	}
	if o.MaxWork <= 0 {
		o.MaxWork = DefaultMaxWork
	}
	if o.Large == nil {
		o.Large = new(sync.Mutex)
	}
	o.work = new(atomic.Int64)
	o.work.Store(o.MaxWork)
	return o
}

// Code is one QR code that was read.
type Code struct {
	Text    []byte          // digits, or whatever the code holds
	Version int             // QR version, 1…40
	Page    int             // from 0
	Bounds  image.Rectangle // in pixels of that page
	Drawn   bool            // on a PDF page as a program draws it: no scanner has seen it
}

// Unread is a place where three finder patterns stand as those of a code, and
// the code between them could not be decoded.
type Unread struct {
	Page   int
	Bounds image.Rectangle
}

// Skipped is a page, or an image on it, that could not be looked at.
type Skipped struct {
	Page   int
	Reason error
}

// Result is what was found, in the order of the pages.
type Result struct {
	Codes   []Code
	Unread  []Unread
	Skipped []Skipped
	Pages   int

	finders int
}

// Errors that callers tell apart.
var (
	ErrFormat    = errors.New("not a PNG, JPEG, TIFF or PDF file")
	ErrEncrypted = errors.New("the PDF is encrypted: print or save it without a password first")
	ErrBigTIFF   = errors.New("a BigTIFF file, which is not read: save it as an ordinary TIFF, PNG or PDF")
	ErrTooLarge  = errors.New("larger than allowed")
)

// Image reads one page.
func Image(img *image.Gray, opts Options) Result {
	opts = opts.withDefaults()
	if img == nil {
		return Result{}
	}
	if size := img.Rect.Size(); int64(size.X)*int64(size.Y) > opts.MaxPixels {
		return Result{Pages: 1, Skipped: []Skipped{{Reason: fmt.Errorf("image of %d × %d pixels: %w", size.X, size.Y, ErrTooLarge)}}}
	}
	codes, unread, finders := readPage(img)
	return Result{Codes: codes, Unread: unread, Pages: 1, finders: finders}
}

// Read reads every page of a file, whose kind is told by its first bytes.
// An error means that the file as a whole is refused; pages that cannot be used
// are in Result.Skipped.
func Read(data []byte, opts Options) (Result, error) {
	opts = opts.withDefaults()
	pages, err := openPages(data, opts)
	if err != nil {
		return Result{}, err
	}
	count := pages.count()
	results := make([]Result, count)
	var mu sync.Mutex // of done, and of who is told
	done := 0
	readOne := func(i int) {
		results[i] = readOne(pages, i, opts)
		if opts.Progress != nil {
			mu.Lock()
			defer mu.Unlock()
			done++
			opts.Progress(done, count)
		}
	}
	if opts.Workers <= 1 {
		for i := range results {
			readOne(i)
		}
	} else {
		var wg sync.WaitGroup
		next := make(chan int)
		for range min(opts.Workers, count) {
			wg.Go(func() {
				for i := range next {
					readOne(i)
				}
			})
		}
		for i := range results {
			next <- i
		}
		close(next)
		wg.Wait()
	}
	all := Result{Pages: count}
	for i, r := range results {
		all.add(i, r)
	}
	return all, nil
}

// add takes over what was found on one page.
func (r *Result) add(page int, one Result) {
	for _, c := range one.Codes {
		c.Page = page
		r.Codes = append(r.Codes, c)
	}
	for _, u := range one.Unread {
		u.Page = page
		r.Unread = append(r.Unread, u)
	}
	for _, s := range one.Skipped {
		s.Page = page
		if errors.Is(s.Reason, errWork) && slices.ContainsFunc(r.Skipped, func(s Skipped) bool { return errors.Is(s.Reason, errWork) }) {
			continue // said of the first
		}
		r.Skipped = append(r.Skipped, s)
	}
}

// pageSource yields the images of a page. A page of a scanned PDF may hold
// several; a PDF page drawn as vectors yields its raster.
type pageSource interface {
	count() int
	// page calls read with every image of page i, one at a time. Drawn is one without a picture.
	page(i int, read func(img *image.Gray, drawn bool)) error
}

// readOne reads one page of a source.
func readOne(pages pageSource, i int, opts Options) (r Result) {
	var spent error // once nothing is left, no page is begun
	err := guarded(func() error {
		if spent = opts.spend(0); spent != nil {
			return nil
		}
		return pages.page(i, func(img *image.Gray, drawn bool) {
			if spent = opts.spend(int64(img.Rect.Dx()) * int64(img.Rect.Dy())); spent != nil {
				return
			}
			one := Image(img, opts)
			for k := range one.Codes {
				one.Codes[k].Drawn = drawn
			}
			_ = opts.spend(int64(one.finders) * finderWork) // the next page hears of it
			r.Codes = append(r.Codes, one.Codes...)
			r.Unread = append(r.Unread, one.Unread...)
			r.Skipped = append(r.Skipped, one.Skipped...)
		})
	})
	if err = cmp.Or(err, spent); err != nil {
		r.Skipped = append(r.Skipped, Skipped{Reason: err})
	}
	return r
}

// guarded runs the decoders of images, other people's code, on hostile bytes: a panic in one
// of them is that page's error.
func guarded(decode func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the page is damaged in a way that its decoder does not survive")
		}
	}()
	return decode()
}
