package vault

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// Archive is an archive that can be read: its file key was unwrapped while the seed of
// its compartment was there. Only this key is left of it.
type Archive struct {
	format.Archive
	In   string // compartment
	copy *Copy
	key  *secret.Buffer // nil, and Err says why, where it cannot be read
	Err  error
}

// ErrNoArchive is returned where nothing at hand need have an archive: pages and the vault's
// own folder hold none. Where a medium has lost one, that is damage.
var ErrNoArchive = errors.New("pages and the vault's own folder hold no archives, and no medium is at hand")

// openArchives unwraps the keys of the archives that a bundle lists.
func (c *Copy) openArchives(b *Bundle, id func() (*identity, error)) error {
	for _, entry := range b.Contents.Archives {
		a := &Archive{Archive: entry, In: b.Contents.Compartment, copy: c}
		b.Archives = append(b.Archives, a)
		if len(c.Manifest.Parts(entry.Archive)) == 0 {
			return fmt.Errorf("contents.json lists archive %d, and the manifest does not", entry.Archive)
		}
		if a.key, a.Err = a.unwrap(id); a.Err != nil && errors.Is(a.Err, secret.ErrLimit) {
			return a.Err
		}
	}
	return nil
}

// unwrap takes the key out of a header only if it is the one that was sealed: a header that
// anyone made for the same recipient would open too. Keeps G24.
func (a *Archive) unwrap(id func() (*identity, error)) (*secret.Buffer, error) {
	header, err := a.header()
	if err != nil {
		return nil, err
	}
	i, err := id()
	if err != nil {
		return nil, err
	}
	err = secret.Do(func() error {
		// age makes the header's MAC with the key, and returns the key: both are on the heap.
		_, err := age.DecryptHeader(header, i)
		return err
	})
	if err != nil {
		i.destroy()
		return nil, err
	}
	return i.fileKey, nil
}

// header is the sealed header: from the first medium where it is whole, else put together
// from all of them.
func (a *Archive) header() (header []byte, err error) {
	if a.mayBeAbsent() {
		return nil, ErrNoArchive
	}
	read := func(b media.Blob) (err error) {
		header, err = age.ExtractHeader(io.NewSectionReader(b, 0, b.Size()))
		var unreadable *fs.PathError
		switch {
		case errors.As(err, &unreadable):
			return err
		case err != nil: // age quotes what it took for a line, whole
			return errors.New("its header is damaged")
		}
		if sum := sha256.Sum256(header); hex.EncodeToString(sum[:]) != a.Header {
			return errors.New("its header is not the one that was sealed")
		}
		return nil
	}
	first := a.parts()[0]
	var failures []error
	for _, m := range a.copy.media {
		b, err := m.openListed(a.copy.Number, first.Name)
		if err != nil {
			err = explain(first.Name, err)
		} else if err = errors.Join(read(b), b.Close()); err == nil {
			return header, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", m.Path(path.Join(generationDir(a.copy.Number), first.Name)), err))
	}
	b, _, err := a.copy.assemble(first, nil, read)
	if err != nil {
		return nil, errors.Join(append(failures, fmt.Errorf("put together from what is sound: %w", err))...)
	}
	return header, b.Close()
}

func (a *Archive) parts() []format.ManifestFile { return a.copy.Manifest.Parts(a.Archive.Archive) }

// mayBeAbsent tells that nothing at hand has any of it, nor need have.
func (a *Archive) mayBeAbsent() bool {
	for _, m := range a.copy.media {
		for _, p := range a.parts() {
			b, err := m.openListed(a.copy.Number, p.Name)
			if err == nil {
				b.Close()
			}
			if !errors.Is(err, fs.ErrNotExist) || !m.mayLack(p.Name) {
				return false
			}
		}
	}
	return true
}

// Scratch is where what is rebuilt of a damaged archive may be put: ciphertext, of at
// most the size of its parity.
type Scratch interface {
	io.ReaderAt
	io.WriterAt
}

// way is one to open the sealed bytes of an archive.
type way struct {
	from string // where they lie, for messages
	open func(scratch Scratch) (media.Blob, error)
}

// ways are those to read the archive, best first: from each medium as it is, and
// at last from the sound pieces of all of them together.
func (a *Archive) ways() []way {
	var out []way
	for _, m := range a.copy.media {
		out = append(out, way{a.on(m), func(Scratch) (media.Blob, error) { return a.openParts(m) }})
	}
	return append(out, way{"put together from what is sound", a.openAssembled})
}

// on is where the archive is on a medium.
func (a *Archive) on(m *Medium) string {
	parts := a.parts()
	first := m.Path(path.Join(generationDir(a.copy.Number), parts[0].Name))
	if len(parts) == 1 {
		return first
	}
	return fmt.Sprintf("%s and its other parts", first)
}

// openParts opens the parts on one medium.
func (a *Archive) openParts(m *Medium) (media.Blob, error) {
	var parts joined
	for _, p := range a.parts() {
		b, err := m.Source.Open(path.Join(m.base, generationDir(a.copy.Number), p.Name))
		if err != nil {
			err = explain(p.Name, err)
		} else if b.Size() != p.Size {
			b.Close()
			err = compareDigest(b.Size(), nil, p)
		}
		if err != nil {
			parts.Close()
			return nil, err
		}
		parts = append(parts, b)
	}
	return parts, nil
}

// openAssembled takes what is sound from all media. A part that is whole somewhere is not
// looked for first: of a large archive that is another hour, and it comes out all the same.
func (a *Archive) openAssembled(scratch Scratch) (media.Blob, error) {
	var parts joined
	offset := int64(0) // of the part in scratch
	for _, p := range a.parts() {
		var at Scratch
		if scratch != nil {
			at = section{scratch, offset}
		}
		b, _, err := a.copy.assemble(p, at, is(p))
		if err != nil {
			parts.Close()
			return nil, err
		}
		parts = append(parts, b)
		offset += p.Size
	}
	return parts, nil
}

// section is a scratch that begins at an offset of another.
type section struct {
	Scratch
	offset int64
}

func (s section) ReadAt(p []byte, off int64) (int, error) { return s.Scratch.ReadAt(p, off+s.offset) }
func (s section) WriteAt(p []byte, off int64) (int, error) {
	return s.Scratch.WriteAt(p, off+s.offset)
}

// joined is several files one after the other.
type joined []media.Blob

func (j joined) Size() int64 {
	total := int64(0)
	for _, b := range j {
		total += b.Size()
	}
	return total
}

func (j joined) Close() error {
	var errs []error
	for _, b := range j {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}

func (j joined) ReadAt(p []byte, offset int64) (int, error) {
	done := 0
	for _, b := range j {
		if offset >= b.Size() {
			offset -= b.Size()
			continue
		}
		n, err := b.ReadAt(p[done:done+int(min(int64(len(p)-done), b.Size()-offset))], offset)
		done += n
		if err != nil && !errors.Is(err, io.EOF) {
			return done, err
		}
		offset = 0
		if done == len(p) {
			return done, nil
		}
	}
	return done, io.EOF
}

// decryptors is how many chunks are decrypted at a time.
const decryptors = 2

// Attempt writes the file of an archive to w and returns nil only if it is what was
// sealed.
type Attempt func(w io.Writer, scratch Scratch, progress func(int)) error

// Attempts are the ways to read the archive, best first; after an error the next may
// still succeed.
func (a *Archive) Attempts() []Attempt {
	if a.key == nil {
		return []Attempt{func(io.Writer, Scratch, func(int)) error { return a.Err }}
	}
	var out []Attempt
	for _, way := range a.ways() {
		out = append(out, func(w io.Writer, scratch Scratch, progress func(int)) error {
			sealed, err := way.open(scratch)
			if err == nil {
				defer sealed.Close()
				err = a.extract(w, sealed, progress)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", way.from, err)
			}
			return nil
		})
	}
	return out
}

// extract decrypts with several goroutines while it writes. The key came from the header
// that was sealed, and age wants the header's MAC and every chunk to be of that key, the
// last one marked as such: what passes is what was sealed.
func (a *Archive) extract(w io.Writer, sealed media.Blob, progress func(int)) error {
	var plain io.ReaderAt
	var size int64
	err := secret.Do(func() (err error) {
		// The reader has the key of the payload in it; it is erased when it is let go.
		plain, size, err = age.DecryptReaderAt(sealed, sealed.Size(), age.NewInjectedFileKeyIdentity(a.key.Bytes()))
		return err
	})
	if err != nil {
		return err
	}
	r, err := newAhead(decryptors, func(b []byte, offset int64) (int, error) {
		if offset >= size {
			return 0, io.EOF
		}
		return plain.ReadAt(b[:min(int64(len(b)), size-offset)], offset)
	})
	if err != nil {
		return err
	}
	defer r.Close()
	return secret.Do(func() error { return a.untar(w, r, progress) })
}

// untar wants exactly the one file that contents.json lists.
func (a *Archive) untar(w io.Writer, r *ahead, progress func(int)) error {
	if a.Compression == format.Zstd {
		return a.unzip(w, r, progress)
	}
	if err := a.next(tar.NewReader(r)); err != nil {
		return err
	}
	// tar has read whole blocks up to where the file begins. It is written from the
	// guarded memory that it was decrypted into.
	if err := r.writeTo(w, a.Size, progress); err != nil {
		return err
	}
	// What follows is padding. Reading it proves that the file ends where age says.
	_, err := r.WriteTo(io.Discard)
	return err
}

// unzip is untar of a compressed archive.
func (a *Archive) unzip(w io.Writer, r io.Reader, progress func(int)) error {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWindow))
	if err != nil {
		return err
	}
	defer z.Close()
	t := tar.NewReader(z)
	if err := a.next(t); err != nil {
		return err
	}
	buffer, err := guardedChunk()
	if err != nil {
		return err
	}
	defer buffer.Destroy()
	for {
		n, err := io.ReadFull(t, buffer.Bytes())
		if _, writeErr := w.Write(buffer.Bytes()[:n]); writeErr != nil {
			return writeErr
		}
		progress(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			_, err = io.Copy(io.Discard, z)
			return err
		case err != nil:
			return err
		}
	}
}

// next wants the header of the file.
func (a *Archive) next(t *tar.Reader) error {
	h, err := t.Next()
	if err != nil {
		return err
	}
	if h.Name != a.Name || h.Typeflag != tar.TypeReg || h.Size != a.Size {
		return fmt.Errorf("it holds %q with %d bytes where %q with %d is listed", h.Name, h.Size, a.Name, a.Size)
	}
	return nil
}

// maxWindow is what a zstd frame may make the decoder keep.
const maxWindow = 64 << 20
