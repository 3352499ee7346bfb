package scan

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"
)

// tiffFile is a file of one or more images (TIFF 6.0), each with a directory of its own. Its
// strips and tiles are read row by row, so that an image takes memory as it comes:
// golang.org/x/image/tiff takes all that is stated at once, and knows the first image only.
type tiffFile struct {
	data        []byte
	order       binary.ByteOrder
	directories []uint32 // their offsets
	opts        Options
}

const (
	tiffHeader    = 8  // bytes, the last four of which are the offset of the first directory
	tiffEntrySize = 12 // bytes of an entry of a directory
)

func openTIFF(data []byte, opts Options) (*tiffFile, error) {
	f := &tiffFile{data: data, order: binary.LittleEndian, opts: opts}
	if data[0] == 'M' {
		f.order = binary.BigEndian
	}
	if len(data) < tiffHeader {
		return nil, fmt.Errorf("TIFF file: %w", io.ErrUnexpectedEOF)
	}
	seen := map[uint32]bool{}
	for at := f.order.Uint32(data[4:]); at != 0 && !seen[at]; {
		if int64(at)+2 > int64(len(data)) {
			break
		}
		if len(f.directories) >= opts.MaxPages {
			return nil, fmt.Errorf("TIFF file of more than %d pages: %w", opts.MaxPages, ErrTooLarge)
		}
		seen[at] = true
		f.directories = append(f.directories, at)
		next := int64(at) + 2 + tiffEntrySize*int64(f.order.Uint16(data[at:]))
		if next+4 > int64(len(data)) {
			break
		}
		at = f.order.Uint32(data[next:])
	}
	if len(f.directories) == 0 {
		return nil, errors.New("TIFF file without an image")
	}
	return f, nil
}

func (f *tiffFile) count() int { return len(f.directories) }

// page reads an image. Of one that broke off the rows that are there may hold codes.
func (f *tiffFile) page(i int, read func(img *image.Gray, drawn bool)) error {
	t, err := f.image(f.directories[i])
	if err != nil {
		return err
	}
	memory := pagePixel * int64(t.width) * int64(t.height)
	if t.compression == tiffJPEG {
		memory += mostOfJPEG * int64(t.blockW) * int64(t.blockH)
	}
	defer f.opts.alone(memory)()
	img, err := t.decode()
	if img != nil {
		read(img, false)
	}
	return err
}

// Tags of TIFF 6.0, and of its supplement for fax.
const (
	tiffWidth, tiffHeight, tiffBits, tiffCompression, tiffPhotometric, tiffFillOrder = 256, 257, 258, 259, 262, 266
	tiffStripOffsets, tiffSamples, tiffRowsPerStrip, tiffStripCounts, tiffPlanar     = 273, 277, 278, 279, 284
	tiffFaxOptions, tiffPredictor, tiffColorMap, tiffTileWidth, tiffTileHeight       = 292, 317, 320, 322, 323
	tiffTileOffsets, tiffTileCounts, tiffExtraSamples, tiffJPEGTables                = 324, 325, 338, 347
)

const tiffJPEG = 7 // compression of TIFF Technical Note 2

// tiffValues are the numbers of an entry, where they lie in the file.
type tiffValues struct {
	order binary.ByteOrder
	raw   []byte
	size  int // bytes of a number
}

func (v tiffValues) count() int {
	if v.size == 0 {
		return 0
	}
	return len(v.raw) / v.size
}

func (v tiffValues) at(i int) int64 {
	switch raw := v.raw[i*v.size:]; v.size {
	case 1:
		return int64(raw[0])
	case 2:
		return int64(v.order.Uint16(raw))
	default:
		return int64(v.order.Uint32(raw))
	}
}

// tiffImage is one image of a file.
type tiffImage struct {
	*tiffFile
	entries        map[uint16]tiffValues
	width, height  int
	compression    int64
	colours        colours
	blockW, blockH int // of a strip or tile
	offsets, sizes tiffValues
}

// entry is the first number of an entry, or what holds where there is none.
func (t *tiffImage) entry(tag uint16, otherwise int64) int64 {
	if v := t.entries[tag]; v.count() > 0 {
		return v.at(0)
	}
	return otherwise
}

// image reads a directory. Numbers are taken where they lie, so that no list takes memory.
func (f *tiffFile) image(at uint32) (*tiffImage, error) {
	t := &tiffImage{tiffFile: f, entries: map[uint16]tiffValues{}}
	list := f.data[at+2:]
	for range f.order.Uint16(f.data[at:]) {
		if len(list) < tiffEntrySize {
			return nil, fmt.Errorf("TIFF image: %w", io.ErrUnexpectedEOF)
		}
		size := 0
		switch f.order.Uint16(list[2:]) { // BYTE, UNDEFINED, SHORT, LONG; nothing else is looked at
		case 1, 7:
			size = 1
		case 3:
			size = 2
		case 4:
			size = 4
		}
		n := int64(size) * int64(f.order.Uint32(list[4:]))
		raw := list[8:tiffEntrySize]
		if start := int64(f.order.Uint32(raw)); n > int64(len(raw)) {
			if start+n > int64(len(f.data)) {
				return nil, fmt.Errorf("TIFF image: %w", io.ErrUnexpectedEOF)
			}
			raw = f.data[start : start+n]
		} else {
			raw = raw[:n]
		}
		t.entries[f.order.Uint16(list)] = tiffValues{f.order, raw, size}
		list = list[tiffEntrySize:]
	}
	t.width, t.height = int(t.entry(tiffWidth, 0)), int(t.entry(tiffHeight, 0))
	if err := f.opts.fits(t.width, t.height); err != nil {
		return nil, err
	}
	t.compression = t.entry(tiffCompression, 1)
	t.blockW, t.blockH = t.width, int(min(t.entry(tiffRowsPerStrip, int64(t.height)), int64(t.height)))
	t.offsets, t.sizes = t.entries[tiffStripOffsets], t.entries[tiffStripCounts]
	if t.entries[tiffTileWidth].count() > 0 {
		t.blockW, t.blockH = int(t.entry(tiffTileWidth, 0)), int(t.entry(tiffTileHeight, 0))
		t.offsets, t.sizes = t.entries[tiffTileOffsets], t.entries[tiffTileCounts]
	}
	if t.blockW < 1 || t.blockW > maxSide || t.blockH < 1 {
		return nil, errors.New("TIFF image in strips or tiles of no usable size")
	}
	return t, t.readColours()
}

// readColours tells how samples are to be read.
func (t *tiffImage) readColours() error {
	c := &t.colours
	c.extra = noExtra
	c.parts, c.bits = int(t.entry(tiffSamples, max(1, int64(t.entries[tiffBits].count())))), int(t.entry(tiffBits, 1))
	c.little = t.order == binary.ByteOrder(binary.LittleEndian)
	if bits := t.entries[tiffBits]; bits.count() > 1 {
		for i := range bits.count() {
			if int(bits.at(i)) != c.bits {
				return errors.New("TIFF image whose samples have different sizes, which is not read: scan in grey")
			}
		}
	}
	switch c.bits {
	case 1, 2, 4, 8, 16:
	default:
		return fmt.Errorf("TIFF image of %d bits a sample, which is not read: scan in grey", c.bits)
	}
	want := 1
	switch kind := t.entry(tiffPhotometric, -1); kind {
	case 0, 1: // white is 0, black is 0
		c.inverted = kind == 0
	case 2:
		want = 3
	case 3:
		return t.readPalette()
	case 5:
		want, c.subtract = 4, true
	case 6:
		if want = 3; t.compression != tiffJPEG {
			return errors.New("TIFF image in YCbCr without JPEG, which is not read: scan in grey, or to PNG or JPEG")
		}
	default:
		return fmt.Errorf("TIFF image in colours of kind %d, which is not read: scan in grey, or to PNG or JPEG", kind)
	}
	switch c.parts - want {
	case 0:
	case 1:
		c.parts, c.extra = want, extraSample(t.entry(tiffExtraSamples, 0))
	default:
		return fmt.Errorf("TIFF image of %d samples a pixel, which is not read: scan in grey", c.parts)
	}
	if want > 1 && t.entry(tiffPlanar, 1) != 1 {
		return errors.New("TIFF image whose colours are apart, which is not read: scan in grey")
	}
	return nil
}

// readPalette reads a colour map: 2^bits values of 16 bits for red, then green, then blue.
func (t *tiffImage) readPalette() error {
	values, n := t.entries[tiffColorMap], 1<<min(t.colours.bits, 8)
	if t.colours.parts != 1 || t.colours.bits > 8 || values.count() < 3*n {
		return errors.New("TIFF image with an unusable colour map")
	}
	for i := range n {
		high := func(k int) byte { return byte(values.at(k*n+i) >> 8) }
		t.colours.palette = append(t.colours.palette, luma(high(0), high(1), high(2)))
	}
	return nil
}

// decode reads the strips or tiles. With an error there may be an image as far as it was read.
func (t *tiffImage) decode() (*image.Gray, error) {
	across := (t.width + t.blockW - 1) / t.blockW
	down := (t.height + t.blockH - 1) / t.blockH
	if across*down > min(t.offsets.count(), t.sizes.count()) {
		return nil, errors.New("TIFF image that lacks strips or tiles")
	}
	out := &growing{w: t.width, h: t.height}
	for i := range across * down {
		if err := t.block(i, i%across*t.blockW, i/across*t.blockH, out); err != nil {
			return out.image(), fmt.Errorf("TIFF image: %w", err)
		}
	}
	return out.image(), nil
}

// block reads one strip or tile, whose first pixel is at (x, y).
func (t *tiffImage) block(i, x, y int, out *growing) error {
	start, size := t.offsets.at(i), t.sizes.at(i)
	if start > int64(len(t.data)) {
		return io.ErrUnexpectedEOF
	}
	data := t.data[start:min(start+size, int64(len(t.data)))]
	rows := min(t.blockH, t.height-y)
	// Many may be of the same bytes, which may give hardly anything.
	if err := t.opts.spend(blockWork + int64(len(data))); err != nil {
		return err
	}
	if t.compression == tiffJPEG {
		return t.jpeg(data, x, y, rows, out)
	}
	r, err := t.decompressed(data, rows)
	if err != nil {
		return err
	}
	line := make([]byte, t.colours.row(t.blockW))
	grey := make([]byte, t.blockW)
	for k := range rows {
		if _, err := io.ReadFull(r, line); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if err := t.opts.spend(decodeWork(int64(len(line) + len(grey)))); err != nil {
			return err
		}
		t.unpredict(line)
		t.colours.toGrey(grey, line)
		copy(out.row(y + k)[x:], grey)
	}
	return nil
}

// jpeg reads a strip or tile that is a JPEG, whose tables may stand once for all of them (TIFF
// Technical Note 2).
func (t *tiffImage) jpeg(data []byte, x, y, rows int, out *growing) error {
	const (
		marker     = 2       // bytes: each begins with one, and the tables end with one
		mostTables = 1 << 16 // four of each kind are 1.5 KB
	)
	tables := t.entries[tiffJPEGTables].raw
	if len(tables) > mostTables {
		return fmt.Errorf("JPEG tables of %d bytes: %w", len(tables), ErrTooLarge)
	}
	if err := t.opts.spend(int64(len(tables))); err != nil {
		return err
	}
	if len(tables) > 2*marker && len(data) > marker {
		data = slices.Concat(tables[:len(tables)-marker], data[marker:])
	}
	opts := t.opts
	opts.MaxMemory -= int64(t.width) * int64(t.height)
	head, err := jpegImage.accept(data, opts)
	if err != nil {
		return err
	}
	// It may be padded to whole blocks of 16 pixels.
	if head.width < min(t.blockW, t.width-x) || head.width > t.blockW+15 || head.height < rows || head.height > t.blockH+15 {
		return fmt.Errorf("a strip or tile of %d × %d pixels with a JPEG of %d × %d", t.blockW, rows, head.width, head.height)
	}
	makeRoom(head.memory)
	img, inks, err := jpegImage.read(data)
	if err != nil {
		return err
	}
	for k := range rows {
		from, to := img.Pix[k*img.Stride:][:img.Rect.Dx()], out.row(y + k)[x:]
		for i := range to[:copy(to, from)] {
			if t.colours.inverted && !inks {
				to[i] = 255 - to[i]
			}
		}
	}
	return nil
}

// decompressed undoes the compression of a strip or tile.
func (t *tiffImage) decompressed(data []byte, rows int) (io.Reader, error) {
	r := bytes.NewReader(data)
	if t.entry(tiffFillOrder, 1) == 2 && t.compression != 3 && t.compression != 4 {
		return nil, errors.New("its bits are in the order of fax, which is not read")
	}
	switch t.compression {
	case 1:
		return r, nil
	case 5:
		return lzw.NewReader(r, lzw.MSB, 8), nil
	case 8, 32946:
		return zlib.NewReader(r)
	case 32773: // PackBits, which PDF calls run lengths
		return newRunLengths(r), nil
	case 3, 4:
		return t.fax(r, rows)
	}
	return nil, fmt.Errorf("compression %d, which is not read: scan without, or to PNG or JPEG", t.compression)
}

// fax undoes CCITT compression, which is of bits: 1 is black.
func (t *tiffImage) fax(r io.Reader, rows int) (io.Reader, error) {
	if t.colours.bits != 1 || t.colours.parts != 1 {
		return nil, errors.New("fax data of more than one bit a pixel")
	}
	format, order := ccitt.Group4, ccitt.MSB
	if t.compression == 3 {
		if format = ccitt.Group3; t.entry(tiffFaxOptions, 0)&1 != 0 {
			return nil, errors.New("two-dimensional fax group 3, which is not read: scan to PNG or JPEG")
		}
	}
	if t.entry(tiffFillOrder, 1) == 2 {
		order = ccitt.LSB
	}
	return ccitt.NewReader(r, order, format, t.blockW, rows, &ccitt.Options{Invert: t.colours.inverted}), nil
}

// unpredict undoes differences between the pixels of a row (TIFF 6.0 section 14).
func (t *tiffImage) unpredict(line []byte) {
	if t.entry(tiffPredictor, 1) != 2 {
		return
	}
	samples := t.colours.samples()
	switch t.colours.bits {
	case 8:
		for i := samples; i < len(line); i++ {
			line[i] += line[i-samples]
		}
	case 16:
		for i := 2 * samples; i+1 < len(line); i += 2 {
			t.order.PutUint16(line[i:], t.order.Uint16(line[i:])+t.order.Uint16(line[i-2*samples:]))
		}
	}
}
