package scan

import (
	"bytes"
	"encoding/binary"
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
		return imageFile{decodePNG, [][]byte{data}, opts}, nil
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return imageFile{decodeJPEG, [][]byte{data}, opts}, nil
	case bytes.HasPrefix(data, []byte("II*\x00")), bytes.HasPrefix(data, []byte("MM\x00*")):
		return openTIFF(data, opts)
	case isPDF(data):
		return openPDF(data, opts)
	}
	return nil, ErrFormat
}

// imageFile is one or more images of one kind; for TIFF the same bytes with another offset in front.
type imageFile struct {
	decode func([]byte, Options) (image.Image, error)
	pages  [][]byte
	opts   Options
}

func (f imageFile) count() int { return len(f.pages) }

func (f imageFile) page(i int, read func(*image.Gray)) error {
	img, err := f.decode(f.pages[i], f.opts)
	if err != nil {
		return err
	}
	read(grey(img))
	return nil
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

func decodePNG(data []byte, opts Options) (image.Image, error) {
	return decodeWith(data, opts, "PNG", png.DecodeConfig, png.Decode)
}

func decodeJPEG(data []byte, opts Options) (image.Image, error) {
	return decodeWith(data, opts, "JPEG", jpeg.DecodeConfig, jpeg.Decode)
}

func decodeWith(data []byte, opts Options, kind string, config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (image.Image, error) {
	c, err := config(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s image: %w", kind, err)
	}
	if err := opts.fits(c.Width, c.Height); err != nil {
		return nil, err
	}
	img, err := decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s image: %w", kind, err)
	}
	return img, nil
}

// openTIFF lists the images of a TIFF file. The decoder reads only the first, so every
// page is a copy of the header that points to its directory, before the same bytes.
func openTIFF(data []byte, opts Options) (pageSource, error) {
	f := imageFile{decode: decodeTIFF, opts: opts}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	if len(data) < 8 {
		return nil, fmt.Errorf("TIFF file: %w", io.ErrUnexpectedEOF)
	}
	seen := map[uint32]bool{}
	for at := order.Uint32(data[4:]); at != 0 && !seen[at]; {
		if len(f.pages) >= opts.MaxPages {
			return nil, fmt.Errorf("TIFF file of more than %d pages: %w", opts.MaxPages, ErrTooLarge)
		}
		seen[at] = true
		if int64(at)+2 > int64(len(data)) {
			break
		}
		page := data
		if len(f.pages) > 0 {
			page = bytes.Clone(data)
			order.PutUint32(page[4:], at)
		}
		f.pages = append(f.pages, page)
		const entrySize = 12
		next := int64(at) + 2 + entrySize*int64(order.Uint16(data[at:]))
		if next+4 > int64(len(data)) {
			break
		}
		at = order.Uint32(data[next:])
	}
	if len(f.pages) == 0 {
		return nil, fmt.Errorf("TIFF file without an image")
	}
	return f, nil
}

func decodeTIFF(data []byte, opts Options) (image.Image, error) {
	return decodeWith(data, opts, "TIFF", tiff.DecodeConfig, tiff.Decode)
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
