package vault

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"runtime/debug"
	"sync"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// An archive is a large file in a bundle of its own: an age file that holds a POSIX tar
// of that one file, in parts that fit on FAT (FORMAT.md section 4). It is streamed:
// reading, hashing, encrypting and writing overlap, and never more than a few MiB of it
// are in memory.

// ArchiveSource is a large file to be sealed.
type ArchiveSource struct {
	format.ContentsFile
	File        *os.File
	Compartment string
	Compress    bool
}

// partSize is the largest file on a medium, below 4 GiB as FAT wants it and a
// multiple of the pieces of its parity.
var partSize int64 = format.MaxPart // Lowered by tests.

// sealedArchive is an archive that all good targets hold, proven.
type sealedArchive struct {
	compartment string
	entry       format.Archive
	files       []format.ManifestFile
}

// archiveMemory is what an archive may take: less than it could let lie around as garbage.
const archiveMemory = 88 << 20

// sealArchive streams one archive to all targets.
func (s *sealing) sealArchive(i int) error {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(archiveMemory))
	src := s.request.Archives[i]
	a := sealedArchive{compartment: src.Compartment, entry: format.Archive{
		ContentsFile: src.ContentsFile, Archive: i + 1, Compression: format.Uncompressed,
	}}
	if src.Compress {
		a.entry.Compression = format.Zstd
	}
	recipient, err := s.folder.Identity.recipient(src.Compartment)
	if err != nil {
		return err
	}
	digests := &partDigests{}
	out := &spread{sealing: s, archive: i + 1, name: src.Name, digests: digests}
	header, err := encryptArchive(recipient, src, newBehind(digests, out), s.progress(src.Name, src.Size))
	if err == nil {
		err = out.finishPart()
	}
	if err != nil {
		return err
	}
	a.entry.Header, a.files = header, out.files
	s.archives = append(s.archives, a)
	return nil
}

// encryptArchive writes the age file of an archive to out, closes out, and returns the
// SHA-256 of its header. The plaintext goes from read(2) into guarded memory; age's chunk
// and the encoder of zstd have a copy on the heap, which Do erases.
//
// The plaintext has no digest of its own: the header binds the key of the file, and the
// key every chunk. A digest would double what sealing and restoring cost.
func encryptArchive(recipient string, src ArchiveSource, out io.WriteCloser, progress func(int)) (header string, err error) {
	r, err := age.ParseHybridRecipient(recipient)
	if err != nil {
		return "", err
	}
	before, err := src.File.Stat()
	if err != nil {
		return "", err
	}
	plain, err := newAhead(1, func(b []byte, _ int64) (int, error) {
		n, err := io.ReadFull(src.File, b)
		progress(n)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return n, err
	})
	if err != nil {
		return "", err
	}
	defer plain.Close()
	err = secret.Do(func() (err error) {
		header, err = tarArchive(r, src, plain, out)
		return err
	})
	// The error of what is behind is the reason, not that it stopped.
	if closeErr := out.Close(); closeErr != nil {
		err = closeErr
	}
	if err != nil {
		return "", err
	}
	after, err := src.File.Stat()
	if err != nil {
		return "", err
	}
	if after.Size() != src.Size || !after.ModTime().Equal(before.ModTime()) {
		return "", errChanged
	}
	return header, nil
}

var errChanged = errors.New("it changed while it was read: stop what writes to it and try again")

// tarArchive writes the tar file, compressed if that is asked for, padded, encrypted.
func tarArchive(r age.Recipient, src ArchiveSource, plain io.Reader, out io.Writer) (header string, err error) {
	begin := &beginning{w: out}
	w, err := age.Encrypt(begin, r)
	if err != nil {
		return "", err
	}
	// Encrypt has written the header, and the nonce behind it.
	begin.whole = true
	if header, err = headerDigest(begin.kept.Bytes()); err != nil {
		return "", err
	}
	return header, writeArchive(w, src, plain)
}

// beginning keeps what is written until whole is set.
type beginning struct {
	w     io.Writer
	kept  bytes.Buffer
	whole bool
}

func (b *beginning) Write(p []byte) (int, error) {
	if !b.whole {
		b.kept.Write(p)
	}
	return b.w.Write(p)
}

// headerDigest is the SHA-256 of the header that an age file begins with, in hex.
func headerDigest(file []byte) (string, error) {
	header, err := age.ExtractHeader(bytes.NewReader(file))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(header)
	return hex.EncodeToString(sum[:]), nil
}

// writeArchive writes the plaintext of an age file and closes it.
func writeArchive(w io.WriteCloser, src ArchiveSource, plain io.Reader) error {
	mode, err := format.ParseMode(src.Mode)
	if err != nil {
		return err
	}
	counted := &countingWriter{w: w}
	inner := io.WriteCloser(nopCloser{counted})
	if src.Compress {
		// One goroutine: those that it would start are not covered by Do.
		if inner, err = zstd.NewWriter(counted, zstd.WithEncoderConcurrency(1)); err != nil {
			return err
		}
	}
	t := tar.NewWriter(inner)
	err = t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: src.Name, Size: src.Size, Mode: int64(mode), ModTime: src.Modified})
	if err != nil {
		return err
	}
	switch n, err := io.Copy(t, plain); {
	case errors.Is(err, tar.ErrWriteTooLong), err == nil && n != src.Size:
		return errChanged
	case err != nil:
		return err
	}
	if err := errors.Join(t.Close(), inner.Close()); err != nil {
		return err
	}
	if err := padArchive(counted, src.Compress); err != nil {
		return err
	}
	return w.Close()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// padArchive brings an archive to its Padmé length: a tar file by the zeros that tar
// stops before, a zstd file by a frame that zstd skips (RFC 8878 section 3.1.2).
func padArchive(w *countingWriter, compressed bool) error {
	const skippable, head = 0x184D2A50, 8
	missing := padme(w.n) - w.n
	if compressed {
		missing = padme(w.n+head) - w.n - head
		frame := []byte{skippable & 0xff, skippable >> 8 & 0xff, skippable >> 16 & 0xff, skippable >> 24,
			byte(missing), byte(missing >> 8), byte(missing >> 16), byte(missing >> 24)}
		if missing > 1<<32-1 {
			return fmt.Errorf("%d bytes of padding do not fit into a frame", missing)
		}
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	zeros := make([]byte, 64<<10)
	for missing > 0 {
		n, err := w.Write(zeros[:min(missing, int64(len(zeros)))])
		if err != nil {
			return err
		}
		missing -= int64(n)
	}
	return nil
}

// partDigests computes the digests of the parts of an archive, ahead of spread.
type partDigests struct {
	mu    sync.Mutex // of parts: spread reads the earlier ones meanwhile
	parts []*partDigest
	size  int64 // of the last one
}

type partDigest struct {
	sha256 hash.Hash
	sums   media.Sums
}

// Write is an io.Writer.
func (d *partDigests) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if len(d.parts) == 0 || d.size == partSize {
			d.mu.Lock()
			d.parts, d.size = append(d.parts, &partDigest{sha256: sha256.New()}), 0
			d.mu.Unlock()
		}
		n := min(int64(len(p)), partSize-d.size)
		last := d.parts[len(d.parts)-1]
		last.sha256.Write(p[:n])
		_, _ = last.sums.Write(p[:n])
		p, d.size = p[n:], d.size+n
	}
	return total, nil
}

func (d *partDigests) of(part int) *partDigest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.parts[part]
}

// spread writes the ciphertext of one archive to all targets, part by part.
type spread struct {
	*sealing
	archive int
	name    string // of the file, for the progress
	digests *partDigests
	files   []format.ManifestFile // two a part
	size    int64                 // of the part under way, 0 for none
}

func (s *spread) part() string { return format.ArchivePart(s.archive, len(s.files)/2+1) }

func (s *spread) path(t *target, name string) string {
	return path.Join(t.base, generationDir(s.number), name)
}

// Write is an io.Writer.
func (s *spread) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if s.size == 0 {
			if err := s.beginPart(); err != nil {
				return 0, err
			}
		}
		n := min(int64(len(p)), partSize-s.size)
		piece := p[:n]
		err := s.each(all, func(t *target) error {
			_, err := t.pending.Write(piece)
			return err
		})
		if err != nil {
			return 0, err
		}
		p, s.size = p[n:], s.size+n
		if s.size == partSize {
			if err := s.finishPart(); err != nil {
				return 0, err
			}
		}
	}
	return total, nil
}

func (s *spread) beginPart() error {
	return s.each(all, func(t *target) (err error) {
		t.pending, err = t.dir.Create(s.path(t, s.part()))
		return err
	})
}

// parallelParity is how many media are read back at a time: each takes some 20 MiB.
const parallelParity = 2

// finishPart makes the part durable, and reads it back from every medium while its
// parity is computed from what was read. The parity must come out the same everywhere.
func (s *spread) finishPart() error {
	if s.size == 0 {
		return nil
	}
	name, digest := s.part(), s.digests.of(len(s.files)/2)
	err := s.each(all, func(t *target) error {
		pending := t.pending
		t.pending = nil
		return pending.Commit()
	})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	parities := map[*target]format.ManifestFile{}
	progress := s.progress("proving "+s.name, s.size*int64(len(s.good)))
	err = s.each(parallelParity, func(t *target) error {
		parity, err := addParity(t.dir, s.path(t, name), s.size, &digest.sums, progress)
		mu.Lock()
		defer mu.Unlock()
		parities[t] = parity
		return err
	})
	if err != nil {
		return err
	}
	parity := parities[s.good[0]]
	err = s.each(all, func(t *target) error {
		if parities[t] != parity {
			return &media.DifferentError{Name: s.path(t, parity.Name)}
		}
		return nil
	})
	s.files = append(s.files,
		format.ManifestFile{Name: name, Size: s.size, SHA256: hex.EncodeToString(digest.sha256.Sum(nil))}, parity)
	s.size = 0
	return err
}

// addParity reads a file back from its medium, compares it with what was written, and
// writes its parity beside it.
func addParity(dir *media.Dir, name string, size int64, sums *media.Sums, progress func(int)) (parity format.ManifestFile, err error) {
	file, err := dir.OpenCold(name)
	if err != nil {
		return parity, err
	}
	defer file.Close()
	p, err := dir.Create(format.ParityName(name))
	if err != nil {
		return parity, err
	}
	if err := media.WriteParity(p, file, size, media.ParityOptions{Want: sums, Progress: progress}); err != nil {
		p.Abort()
		return parity, fmt.Errorf("%q: %w", name, err)
	}
	if err := p.Commit(); err != nil {
		return parity, err
	}
	return describeParity(dir, format.ParityName(name), size)
}

// describeParity reads a new parity file back and says what the manifest will say of it.
func describeParity(dir *media.Dir, name string, size int64) (format.ManifestFile, error) {
	file, err := dir.OpenCold(name)
	if err != nil {
		return format.ManifestFile{}, err
	}
	defer file.Close()
	digest, length, err := media.VerifyParity(file, size)
	if err == nil && file.Size() != length {
		err = &media.DifferentError{Name: name}
	}
	if err != nil {
		return format.ManifestFile{}, fmt.Errorf("%q: %w", name, err)
	}
	return format.ManifestFile{Name: path.Base(name), Size: length, SHA256: digest}, nil
}
