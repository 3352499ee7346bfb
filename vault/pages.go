package vault

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
)

// maxPagesPlain caps what the payload of a page set unpacks to; 255 codes hold
// less than 256 KiB, mostly ciphertext.
const maxPagesPlain = 4 << 20

// PackPages makes the payload of a page set from one generation: a tar.gz that
// unpacks to a medium (FORMAT.md section 8). Everything in it is public or
// encrypted.
func PackPages(c *Copy) ([]byte, error) {
	names, files, err := c.Files()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	t := tar.NewWriter(z)
	for _, name := range names {
		if err := writePacked(t, z, name, files[name], c.Manifest.Created); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writePacked writes one file so that its text and its ciphertext come into
// blocks of their own: with a code of its own for the base64 of an age header,
// deflate saves a tenth of a page.
func writePacked(t *tar.Writer, z *gzip.Writer, name string, data []byte, modified time.Time) error {
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: 0o644, ModTime: modified}); err != nil {
		return err
	}
	if path.Ext(name) != ".age" {
		_, err := t.Write(data)
		return err
	}
	if err := z.Flush(); err != nil {
		return err
	}
	header := ageHeader(data)
	for _, part := range [][]byte{data[:header], data[header:]} {
		if _, err := t.Write(part); err != nil {
			return err
		}
		if err := z.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// ageHeader is the length of the textual header of an age file, up to and with
// the line of its MAC; 0 where there is none.
func ageHeader(data []byte) int {
	mac := bytes.Index(data, []byte("\n--- "))
	if mac < 0 {
		return 0
	}
	end := bytes.IndexByte(data[mac+1:], '\n')
	return mac + 1 + end + 1
}

// Pages are the medium that a page set carries, in memory: it has no parity, ledger or archives.
type Pages struct{ media.Memory }

// UnpackPages is the inverse of PackPages.
func UnpackPages(payload []byte, title string) (Pages, error) {
	m := Pages{media.Memory{Title: title, Files: map[string][]byte{}}}
	z, err := gzip.NewReader(bytes.NewReader(payload))
	if err != nil {
		return m, err
	}
	limited := &io.LimitedReader{R: z, N: maxPagesPlain + 1}
	t := tar.NewReader(limited)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, err
		}
		if h.Typeflag != tar.TypeReg || !isMediumPath(h.Name) {
			return m, fmt.Errorf("the pages carry %q, which is no file of a medium", h.Name)
		}
		if m.Files[h.Name] != nil {
			return m, fmt.Errorf("the pages carry %q twice", h.Name)
		}
		if m.Files[h.Name], err = io.ReadAll(t); err != nil {
			return m, err
		}
	}
	// tar stops at its end marker: gzip must agree that it is the end.
	if n, err := io.Copy(io.Discard, limited); err != nil || n != 0 {
		return m, errors.Join(errors.New("data follows the end of what the pages carry"), err)
	}
	if limited.N <= 0 {
		return m, fmt.Errorf("the pages unpack to more than %d bytes", maxPagesPlain)
	}
	return m, nil
}

// isMediumPath tells the paths of FORMAT.md section 2.
func isMediumPath(name string) bool {
	rest, ok := strings.CutPrefix(name, mediumFolder+"/")
	if !ok {
		return false
	}
	id, rest, _ := strings.Cut(rest, "/")
	if _, err := format.DecodeVaultID(id); err != nil {
		return false
	}
	if slices.Contains([]string{vaultFile, vaultFile + signatureExt, sharesFile, sharesFile + signatureExt}, rest) {
		return true
	}
	dir, file := path.Split(rest)
	number, ok := parseGeneration(path.Base(dir))
	return ok && dir == generationDir(number)+"/" &&
		slices.Contains([]string{manifestFile, manifestFile + signatureExt, "cold.age", "hot.age"}, file)
}
