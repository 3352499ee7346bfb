package vault

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"slices"
	"sync/atomic"

	"coldvault/media"
	"coldvault/vault/format"
)

// accept decides whether a file that was put together is the one that was sealed.
type accept func(media.Blob) error

// is accepts what has the digest of the manifest.
func is(want format.ManifestFile) accept { return written(nil, want, newSteps(nil)) }

// written is is, and writes what it reads to out, unless that is nil: from the beginning every
// time.
func written(out io.WriterAt, want format.ManifestFile, progress steps) accept {
	return func(b media.Blob) error {
		sum := sha256.New()
		to := io.Writer(sum)
		if out != nil {
			to = io.MultiWriter(sum, outWriter{io.NewOffsetWriter(out, 0)})
		}
		if err := copyAt(to, b, want.Size, progress(want.Name, want.Size)); err != nil {
			return err
		}
		return compareDigest(want.Size, sum.Sum(nil), want)
	}
}

// outWriter marks what goes wrong with the file that is written: no other way to read it helps.
type outWriter struct{ io.Writer }

func (w outWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

func isWrite(err error) bool {
	var w *writeError
	return errors.As(err, &w)
}

// proven opens a listed file that has the digest of the manifest: on the first medium where
// it is whole, else put together from all of them.
func (c *Copy) proven(want format.ManifestFile, scratch Scratch) (_ media.Blob, rebuilt int, err error) {
	if b := c.whole(want); b != nil {
		return b, 0, nil
	}
	return c.assemble(want, scratch, is(want))
}

// whole opens a listed file on the first medium where it is whole, nil where there is none.
func (c *Copy) whole(want format.ManifestFile) media.Blob {
	for _, m := range c.media {
		if m.verifyListed(c.Number, want) == nil {
			if b, err := m.openListed(c.Number, want.Name); err == nil {
				return b
			}
		}
	}
	return nil
}

// assemble puts a listed file together from the sound pieces on all media and their parity.
// rebuilt counts the pieces that no medium had.
//
// Which pieces are sound a parity file says, and it may be damaged, or made to vouch for
// what was exchanged. One that is itself as listed is believed first; then each of the
// others, and several together. Where what comes out is not the file, fewer media are tried.
// So whatever is possible with some of the media is possible with all of them.
func (c *Copy) assemble(want format.ManifestFile, scratch Scratch, good accept) (_ media.Blob, rebuilt int, err error) {
	return c.together(&assembly{want: want, scratch: scratch, good: good})
}

func (c *Copy) together(a *assembly) (_ media.Blob, rebuilt int, err error) {
	for _, m := range c.media {
		a.open(c, m)
	}
	if a.more != nil {
		a.copies = append(a.copies, []media.RepairCopy{{Data: source{a.more, a}}})
	}
	r, err := a.try()
	if err != nil {
		a.opened.Close()
		return nil, 0, err
	}
	return assembled{r, a.want.Size, a.opened}, r.Rebuilt(), nil
}

// assembled is a file that was put together from several.
type assembled struct {
	io.ReaderAt
	size int64
	from joined
}

func (a assembled) Size() int64  { return a.size }
func (a assembled) Close() error { return a.from.Close() }

// assembly is one file, and what there is of it.
type assembly struct {
	want    format.ManifestFile
	scratch Scratch
	good    accept
	// more is what may be the file besides, nil for nothing.
	more io.ReaderAt
	// over is the medium that good writes to, nil for none: the temporary file there is no source.
	over   *Medium
	copies [][]media.RepairCopy // by medium
	tables []media.Table        // of the parity files, each different one once
	// authentic tells that the first table is of a parity file that is as it is listed.
	authentic bool
	opened    joined
	// unread tells that a read has failed: another time more may be sound.
	unread atomic.Bool
}

// source is what an assembly reads of.
type source struct {
	io.ReaderAt
	a *assembly
}

func (s source) ReadAt(p []byte, offset int64) (int, error) {
	n, err := s.ReaderAt.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		s.a.unread.Store(true)
	}
	return n, err
}

// open takes a medium in.
func (a *assembly) open(c *Copy, m *Medium) {
	open := func(name string) io.ReaderAt {
		b, err := m.openListed(c.Number, name)
		if err != nil { // the others have to do
			if !errors.Is(err, fs.ErrNotExist) {
				a.unread.Store(true)
			}
			return nil
		}
		a.opened = append(a.opened, b)
		return source{b, a}
	}
	parity := format.ParityName(a.want.Name)
	one := media.RepairCopy{Data: open(a.want.Name), Parity: open(parity)}
	copies := []media.RepairCopy{one}
	// The rest of a repair that the power cut off in the middle of its rename, and where the next
	// repair keeps it.
	for _, name := range []string{a.want.Name, a.want.Name + restExt} {
		if m == a.over && name == a.want.Name {
			continue
		}
		if rest := open(media.TempName(name)); rest != nil {
			copies = append(copies, media.RepairCopy{Data: rest})
		}
	}
	a.copies = append(a.copies, copies)
	if one.Parity == nil {
		return
	}
	table, err := media.ReadTable(a.want.Size, one.Parity)
	if err != nil || len(table) == 0 {
		return
	}
	known := slices.IndexFunc(a.tables, func(t media.Table) bool { return bytes.Equal(t, table) })
	if listed, ok := c.Manifest.File(parity); ok && !a.authentic && m.verifyListed(c.Number, listed) == nil {
		if known >= 0 {
			a.tables = slices.Delete(a.tables, known, known+1)
		}
		a.tables, a.authentic = slices.Insert(a.tables, 0, table), true
	} else if known < 0 {
		a.tables = append(a.tables, table)
	}
}

// try believes one table after the other.
func (a *assembly) try() (*media.Repair, error) {
	var first error
	sets := subsets(len(a.tables))
	slices.SortStableFunc(sets, func(x, y uint) int { return cmp.Compare(bits.OnesCount(x), bits.OnesCount(y)) })
	for i, set := range append(sets, 0) { // at last as if there were none: pieces as they are
		r, err := a.with(pick(a.tables, set))
		if err == nil || isWrite(err) {
			return r, err
		}
		if first == nil || errors.Is(err, media.ErrScratch) {
			first = err
		}
		if i == 0 && a.authentic && tooMuch(err) {
			break // its digests are those of the file: what it calls lost is lost
		}
	}
	return nil, first
}

// with believes some tables. It begins with all media, and leaves some out only where what
// came out is another file: with fewer media no more pieces are sound.
func (a *assembly) with(tables []media.Table) (*media.Repair, error) {
	var first error
	var final []uint // sets of media that were too few already
	sets := subsets(len(a.copies))
	slices.SortStableFunc(sets, func(x, y uint) int { return cmp.Compare(bits.OnesCount(y), bits.OnesCount(x)) })
	for _, set := range sets {
		if slices.ContainsFunc(final, func(f uint) bool { return set&^f == 0 }) {
			continue
		}
		r, err := media.NewRepair(a.want.Size, tables, slices.Concat(pick(a.copies, set)...), a.scratch)
		if err == nil {
			err = a.good(assembled{r, a.want.Size, nil})
		}
		if err == nil || isWrite(err) {
			return r, err
		}
		if first == nil {
			first = err
		}
		if tooMuch(err) {
			final = append(final, set)
		}
	}
	return nil, first
}

// tooMuch tells that more is damaged than can be rebuilt, which fewer media do not change.
func tooMuch(err error) bool {
	return errors.Is(err, media.ErrBeyondParity) || errors.Is(err, media.ErrScratch)
}

// maxTogether caps what is tried in every combination: what is behind that many is taken
// together or not at all.
const maxTogether = 8

// subsets are all choices of some of n, as bits.
func subsets(n int) (sets []uint) {
	for set := uint(1); set < 1<<min(n, maxTogether); set++ {
		sets = append(sets, set)
	}
	return sets
}

func pick[T any](from []T, set uint) (out []T) {
	for i, x := range from {
		if set&(1<<min(i, maxTogether-1)) != 0 {
			out = append(out, x)
		}
	}
	return out
}

// rebuild assembles a file that fits into memory.
func (c *Copy) rebuild(want format.ManifestFile) ([]byte, int, error) {
	if want.Size > MaxBundle {
		return nil, 0, fmt.Errorf("%s has more than %d bytes", want.Name, MaxBundle)
	}
	b, rebuilt, err := c.assemble(want, nil, is(want))
	if err != nil {
		return nil, rebuilt, err
	}
	defer b.Close()
	data := make([]byte, want.Size)
	if _, err := b.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, rebuilt, err
	}
	return data, rebuilt, compare(data, want)
}
