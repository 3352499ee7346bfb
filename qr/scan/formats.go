package scan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/tiff"
)

// openPages tells the kind of a file by its first bytes.
func openPages(data []byte, opts Options) (pageSource, error) {
	if int64(len(data)) > opts.MaxFileBytes {
		return nil, fmt.Errorf("file of %d bytes: %w", len(data), ErrTooLarge)
	}
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return imageFile{pngImage, data, opts}, nil
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return imageFile{jpegImage, data, opts}, nil
	case bytes.HasPrefix(data, []byte("II*\x00")), bytes.HasPrefix(data, []byte("MM\x00*")):
		return openTIFF(data, opts)
	case isPDF(data):
		return openPDF(data, opts)
	}
	return nil, ErrFormat
}

// imageKind is how images of one kind are decoded.
type imageKind struct {
	name   string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var (
	pngImage  = imageKind{"PNG", png.DecodeConfig, png.Decode}
	jpegImage = imageKind{"JPEG", jpeg.DecodeConfig, jpeg.Decode}
	tiffImage = imageKind{"TIFF", tiff.DecodeConfig, tiff.Decode}
)

// read decodes an image whose header states an acceptable size. open gives the data from its beginning.
func (k imageKind) read(open func() io.Reader, opts Options) (image.Image, error) {
	c, err := k.config(open())
	if err != nil {
		return nil, fmt.Errorf("%s image: %w", k.name, err)
	}
	if err := opts.fits(c.Width, c.Height); err != nil {
		return nil, err
	}
	if c.ColorModel == color.RGBA64Model || c.ColorModel == color.NRGBA64Model { // eight bytes a pixel
		opts.MaxPixels /= 2
		if err := opts.fits(c.Width, c.Height); err != nil {
			return nil, fmt.Errorf("with 16 bits a colour: %w", err)
		}
	}
	img, err := k.decode(open())
	if err != nil {
		return nil, fmt.Errorf("%s image: %w", k.name, err)
	}
	return img, nil
}

// fits refuses an image by the size its header states, before anything is decoded.
func (o Options) fits(width, height int) error {
	if width <= 0 || height <= 0 {
		return fmt.Errorf("image of %d × %d pixels", width, height)
	}
	if int64(width) > o.MaxPixels/int64(height) {
		return fmt.Errorf("image of %d × %d pixels: %w", width, height, ErrTooLarge)
	}
	return nil
}

// imageFile is a file of one image.
type imageFile struct {
	kind imageKind
	data []byte
	opts Options
}

func (f imageFile) count() int { return 1 }

func (f imageFile) page(_ int, read func(img *image.Gray, drawn bool)) error {
	img, err := f.kind.read(func() io.Reader { return bytes.NewReader(f.data) }, f.opts)
	if err != nil {
		return err
	}
	read(grey(img), false)
	return nil
}

// tiffFile is a file of one or more images, each with a directory of its own.
type tiffFile struct {
	data        []byte
	order       binary.ByteOrder
	directories []uint32 // their offsets
	opts        Options
}

const tiffHeader = 8 // bytes, the last four of which are the offset of the first directory

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
		const entrySize = 12
		next := int64(at) + 2 + entrySize*int64(f.order.Uint16(data[at:]))
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

func (f *tiffFile) page(i int, read func(img *image.Gray, drawn bool)) error {
	img, err := tiffImage.read(func() io.Reader { return f.from(f.directories[i]) }, f.opts)
	if err != nil {
		return err
	}
	read(grey(img), false)
	return nil
}

// from is the file with another directory as its first one: the decoder knows no other.
func (f *tiffFile) from(directory uint32) io.Reader {
	r := &reheaded{rest: f.data}
	copy(r.header[:], f.data)
	f.order.PutUint32(r.header[4:], directory)
	return r
}

// reheaded is data with another header. The decoder reads it by ReadAt.
type reheaded struct {
	header [tiffHeader]byte
	rest   []byte
	pos    int64
}

func (r *reheaded) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(r.rest).ReadAt(p, off)
	if off < tiffHeader {
		copy(p[:n], r.header[off:])
	}
	return n, err
}

func (r *reheaded) Read(p []byte) (int, error) {
	n, err := r.ReadAt(p, r.pos)
	r.pos += int64(n)
	return n, err
}

// grey returns the luminance of an image, sharing its pixels where it can.
func grey(img image.Image) *image.Gray {
	b := img.Bounds()
	switch m := img.(type) {
	case *image.Gray:
		return m
	case *image.YCbCr:
		return &image.Gray{Pix: m.Y[m.YOffset(b.Min.X, b.Min.Y):], Stride: m.YStride, Rect: image.Rectangle{Max: b.Size()}}
	}
	out := image.NewGray(image.Rectangle{Max: b.Size()})
	line := func(y int) []byte { return out.Pix[y*out.Stride:][:b.Dx()] }
	switch m := img.(type) {
	case *image.NRGBA:
		for y := range b.Dy() {
			from := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for x, to := 0, line(y); x < len(to); x++ {
				// What is transparent shows the paper.
				a := uint32(from[4*x+3])
				to[x] = byte((uint32(luma(from[4*x], from[4*x+1], from[4*x+2]))*a + 255*(255-a)) / 255)
			}
		}
	case *image.RGBA:
		for y := range b.Dy() {
			from := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for x, to := 0, line(y); x < len(to); x++ {
				to[x] = luma(from[4*x], from[4*x+1], from[4*x+2]) + 255 - from[4*x+3]
			}
		}
	case *image.Paletted:
		table := make([]byte, 256)
		for i, c := range m.Palette {
			table[i&255] = color.GrayModel.Convert(c).(color.Gray).Y
		}
		for y := range b.Dy() {
			from := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for x, to := 0, line(y); x < len(to); x++ {
				to[x] = table[from[x]]
			}
		}
	default:
		for y := range b.Dy() {
			for x, to := 0, line(y); x < len(to); x++ {
				to[x] = color.GrayModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y
			}
		}
	}
	return out
}

// luma weighs the colours as JPEG does.
func luma(r, g, b byte) byte {
	return byte((299*uint32(r) + 587*uint32(g) + 114*uint32(b) + 500) / 1000)
}
