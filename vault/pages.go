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
		if err := writeEntry(t, name, files[name], 0o644, c.Manifest.Created); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// UnpackPages is the inverse of PackPages: the medium that a page set carries,
// in memory.
func UnpackPages(payload []byte, title string) (media.Memory, error) {
	m := media.Memory{Title: title, Files: map[string][]byte{}}
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
