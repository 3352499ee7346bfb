package vault

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// MaxBundle caps the bytes of one bundle, before and after decryption. Larger
// files are archives, not material.
const MaxBundle = format.MaxBundle

// sealBundle makes a bundle (FORMAT.md section 4): contents and files as a
// padded tar.gz, encrypted to one recipient. data[i] belongs to
// contents.Files[i]; signer is the signer's key for cold, nil for hot.
//
// The buffers of gzip and age hold plaintext on the heap; secret.Do erases them.
func sealBundle(recipient string, contents format.Contents, data []*secret.Buffer, signer *secret.Buffer) ([]byte, error) {
	head, err := contents.Marshal()
	if err != nil {
		return nil, err
	}
	out, err := sealTar(recipient, func(z *gzip.Writer) error { return writeTar(z, contents, head, data, signer) })
	if err != nil {
		return nil, err
	}
	if len(out) > MaxBundle {
		return nil, tooMuchMaterial(contents.Compartment)
	}
	return out, nil
}

func tooMuchMaterial(compartment string) error {
	return fmt.Errorf("the material of compartment %s is larger than %d MiB", compartment, MaxBundle>>20)
}

// sealTar encrypts what write puts into a gzip file, padded.
func sealTar(recipient string, write func(*gzip.Writer) error) ([]byte, error) {
	r, err := age.ParseHybridRecipient(recipient)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = secret.Do(func() error {
		w, err := age.Encrypt(&out, r)
		if err != nil {
			return err
		}
		counted := &countingWriter{w: w}
		z, err := gzip.NewWriterLevel(counted, gzip.BestCompression)
		if err != nil {
			return err
		}
		if err := write(z); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		pad, err := padding(counted.n)
		if err != nil {
			return err
		}
		if _, err := w.Write(pad); err != nil {
			return err
		}
		return w.Close()
	})
	return out.Bytes(), err
}

// sealFiles makes a bundle of plain files, without contents.json.
func sealFiles(recipient string, files map[string][]byte, modified time.Time) ([]byte, error) {
	return sealTar(recipient, func(z *gzip.Writer) error {
		t := tar.NewWriter(z)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := writeEntry(t, name, files[name], 0o400, modified); err != nil {
				return err
			}
		}
		return t.Close()
	})
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// writeTar writes the entries in their fixed order.
func writeTar(z *gzip.Writer, contents format.Contents, head []byte, data []*secret.Buffer, signer *secret.Buffer) error {
	plain := &countingWriter{w: z}
	t := tar.NewWriter(plain)
	if err := writeEntry(t, format.ContentsName, head, 0o400, contents.Created); err != nil {
		return err
	}
	// The list compresses better apart from the files.
	if err := z.Flush(); err != nil {
		return err
	}
	for i, f := range contents.Files {
		mode, err := format.ParseMode(f.Mode)
		if err != nil {
			return err
		}
		if err := writeEntry(t, f.Name, data[i].Bytes(), int64(mode), f.Modified); err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
	}
	if signer != nil {
		if err := writeEntry(t, format.SignerKeyName, signer.Bytes(), 0o400, contents.Created); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	if plain.n > MaxBundle { // however well it compresses: nobody could open it
		return tooMuchMaterial(contents.Compartment)
	}
	return nil
}

func writeEntry(t *tar.Writer, name string, data []byte, mode int64, modified time.Time) error {
	err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: mode, ModTime: modified})
	if err != nil {
		return err
	}
	_, err = t.Write(data)
	return err
}

// Bundle is an opened bundle. Its files are in guarded memory.
type Bundle struct {
	Contents format.Contents
	Data     []*secret.Buffer // of Contents.Files, in the same order
	Signer   *secret.Buffer   // the signer's key; nil in hot
	Archives []*Archive       // of Contents.Archives, in the same order
}

// Destroy wipes all that is secret.
func (b *Bundle) Destroy() {
	b.DestroyFiles()
	b.Signer.Destroy()
}

// DestroyFiles wipes the files and the keys of archives, for who needs the signer's key only.
// Keeps G18.
func (b *Bundle) DestroyFiles() {
	for _, d := range b.Data {
		d.Destroy()
	}
	for _, a := range b.Archives {
		a.key.Destroy()
	}
}

// openBundle decrypts a bundle and verifies every entry against contents.json.
// What age, gzip and tar buffer is plaintext on the heap; secret.Do erases it.
// File contents go from the tar reader straight into guarded memory.
func openBundle(ciphertext []byte, id *identity) (*Bundle, error) {
	b := &Bundle{}
	if err := openTar(ciphertext, id, b.readTar); err != nil {
		b.Destroy()
		return nil, err
	}
	return b, nil
}

// openTar decrypts a bundle and has read go through its tar file to the end. Keeps G28.
func openTar(ciphertext []byte, id *identity, read func(*tar.Reader) error) error {
	return secret.Do(func() error {
		plain, err := age.Decrypt(bytes.NewReader(ciphertext), id)
		if err != nil {
			return fmt.Errorf("age cannot decrypt it: %w", err)
		}
		z, err := gzip.NewReader(plain)
		if err != nil {
			return err
		}
		limited := &io.LimitedReader{R: z, N: MaxBundle + 1}
		if err := read(tar.NewReader(limited)); err != nil {
			return err
		}
		// tar stops at its end marker: the rest must be empty, and gzip and age
		// must agree that it is the end.
		if n, err := io.Copy(io.Discard, limited); err != nil || n != 0 {
			return errors.Join(errors.New("data follows the end of the tar file"), err)
		}
		if limited.N <= 0 {
			return fmt.Errorf("it unpacks to more than %d MiB", MaxBundle>>20)
		}
		return nil
	})
}

// openFiles opens what sealFiles has made: exactly the files of these names.
func openFiles(ciphertext []byte, id *identity, names ...string) (map[string][]byte, error) {
	files := map[string][]byte{}
	slices.Sort(names)
	err := openTar(ciphertext, id, func(t *tar.Reader) error {
		for _, name := range names {
			data, err := nextEntry(t, name, MaxBundle)
			if err != nil {
				return err
			}
			files[name] = bytes.Clone(data.Bytes())
			data.Destroy()
		}
		if h, err := t.Next(); err == nil {
			return fmt.Errorf("it holds %q besides", h.Name)
		} else if !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	})
	return files, err
}

// readTar reads the entries; exactly those that contents.json lists, in its
// order, and in cold the signer's key. Keeps G8.
func (b *Bundle) readTar(t *tar.Reader) error {
	head, err := nextEntry(t, format.ContentsName, format.MaxContentsSize)
	if err != nil {
		return err
	}
	defer head.Destroy()
	if b.Contents, err = format.ParseContents(head.Bytes()); err != nil {
		return err
	}
	room := int64(MaxBundle)
	for _, f := range b.Contents.Files { // before a byte of them is read
		if f.Size > room {
			return fmt.Errorf("%q is listed with %d bytes, which is more than a bundle has", f.Name, f.Size)
		}
		room -= f.Size
	}
	for _, f := range b.Contents.Files {
		data, err := nextEntry(t, f.Name, int(f.Size))
		if err != nil {
			return err
		}
		b.Data = append(b.Data, data)
		if int64(data.Len()) != f.Size {
			return fmt.Errorf("%q has %d bytes where %d are listed", f.Name, data.Len(), f.Size)
		}
		if sum := sha256.Sum256(data.Bytes()); hex.EncodeToString(sum[:]) != f.SHA256 {
			return fmt.Errorf("%q is not what contents.json lists: its digest differs", f.Name)
		}
	}
	if b.Contents.Compartment == "cold" {
		if b.Signer, err = nextEntry(t, format.SignerKeyName, maxSignerFile); err != nil {
			return err
		}
	}
	if h, err := t.Next(); !errors.Is(err, io.EOF) {
		if err != nil {
			return err
		}
		return fmt.Errorf("it holds %q, which contents.json does not list", h.Name)
	}
	return nil
}

// nextEntry reads the next tar entry, which must be a regular file of that name.
func nextEntry(t *tar.Reader, name string, limit int) (*secret.Buffer, error) {
	h, err := t.Next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%q is missing", name)
	}
	if err != nil {
		return nil, err
	}
	if h.Name != name {
		return nil, fmt.Errorf("it holds %q where %q is expected", h.Name, name)
	}
	if h.Typeflag != tar.TypeReg {
		return nil, fmt.Errorf("%q is not a regular file", name)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") { // holes take no room in the bundle, and all of it in memory
			return nil, fmt.Errorf("%q is a sparse file", name)
		}
	}
	if h.Size > int64(limit) {
		return nil, fmt.Errorf("%q has more than the %d bytes expected", name, limit)
	}
	return secret.Read(t, int(h.Size), limit)
}
