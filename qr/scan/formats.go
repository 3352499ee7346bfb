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
	case bytes.HasPrefix(data, []byte("II+\x00")), bytes.HasPrefix(data, []byte("MM\x00+")):
		return nil, ErrBigTIFF
	case isPDF(data):
		return openPDF(data, opts)
	}
	return nil, ErrFormat
}

// imageHead is what the head of an image states, and what that means for who decodes it.
type imageHead struct {
	width, height int
	memory        int64 // bytes that the decoder takes at most, and the grey page made of it
	scans         int64 // samples that are gone through once more
	least         int64 // bytes that a file has in which that many pixels are
}

// imageKind is how images of one kind are decoded.
type imageKind struct {
	name   string
	head   func(data []byte) (imageHead, error)
	decode func(io.Reader) (image.Image, error)
}

var (
	pngImage  = imageKind{"PNG", pngHead, png.Decode}
	jpegImage = imageKind{"JPEG", jpegHead, jpeg.Decode}
)

// pagePixel is how many bytes a pixel of a page takes while it is read: itself, the page
// turned into its negative, and the halvings of both.
const pagePixel = 3

// accept refuses an image by what its head states, before its decoder asks for memory: what is
// too large, and what is not there. Keeps G28.
func (k imageKind) accept(data []byte, opts Options) (imageHead, error) {
	h, err := k.head(data)
	if err != nil {
		return h, fmt.Errorf("%s image: %w", k.name, err)
	}
	if err := opts.fits(h.width, h.height); err != nil {
		return h, err
	}
	if int64(len(data)) < h.least {
		return h, fmt.Errorf("%s image of %d × %d pixels in %d bytes, which cannot hold as many: it is broken off or made up",
			k.name, h.width, h.height, len(data))
	}
	if h.memory > opts.MaxMemory {
		return h, fmt.Errorf("%s image of %d × %d pixels that takes %d MiB of memory, and at most %d are given: save it as a baseline JPEG or as PNG, or scan at 300 dpi: %w",
			k.name, h.width, h.height, (h.memory-1)>>20+1, opts.MaxMemory>>20, ErrTooLarge)
	}
	return h, opts.spend(decodeWork(h.memory + h.scans))
}

// read decodes an image that is accepted.
func (k imageKind) read(data []byte) (*image.Gray, bool, error) {
	img, err := k.decode(bytes.NewReader(data))
	if err != nil {
		return nil, false, fmt.Errorf("%s image: %w", k.name, err)
	}
	_, inks := img.(*image.CMYK)
	return grey(img), inks, nil
}

// maxSide is more than any scanner and any JPEG has.
const maxSide = 1 << 16

// fits refuses an image by the size its header states, before anything is decoded.
func (o Options) fits(width, height int) error {
	if width <= 0 || height <= 0 {
		return fmt.Errorf("image of %d × %d pixels", width, height)
	}
	if width > maxSide || height > maxSide || int64(width) > o.MaxPixels/int64(height) {
		return fmt.Errorf("image of %d × %d pixels: %w", width, height, ErrTooLarge)
	}
	return nil
}

// pngHead reads the head of a PNG (RFC 2083). Deflate makes at most 1032 bytes of one.
func pngHead(data []byte) (imageHead, error) {
	const ratio, depthAt, kindAt, interlaceAt = 1032, 24, 25, 28
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return imageHead{}, err
	}
	w, h, depth := int64(c.Width), int64(c.Height), int64(data[depthAt])
	samples := map[byte]int64{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[data[kindAt]]
	pixel := max(depth/8, 1)
	switch {
	case data[kindAt] == 3:
		pixel = 1
	case data[kindAt] != 0 || bytes.Contains(data, []byte("tRNS")): // with transparency it is in colour
		pixel *= 4
	}
	if data[interlaceAt] != 0 { // its passes are images too
		pixel *= 2
	}
	if c.Width > maxSide || c.Height > maxSide { // refused for that, and the rest would overflow
		return imageHead{width: c.Width, height: c.Height}, nil
	}
	return imageHead{
		width: c.Width, height: c.Height, memory: w * h * (pixel + 1), least: h * (1 + (w*samples*depth+7)/8) / ratio,
	}, nil
}

// jpegHead reads the frame of a JPEG (ITU-T T.81 section B.2.2). Of every block of 8 × 8
// samples the DC coefficient is there, of one bit or more, be it progressive or not; in a
// progressive one all coefficients are kept until the end, four bytes each.
func jpegHead(data []byte) (imageHead, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return imageHead{}, err
	}
	const progressive = 0xc2 // SOF2
	marker, frame := jpegFrame(data)
	if len(frame) < 6 || len(frame) < 6+3*int(frame[5]) ||
		c.Height != int(binary.BigEndian.Uint16(frame[1:])) || c.Width != int(binary.BigEndian.Uint16(frame[3:])) {
		return imageHead{}, errors.New("it has no frame, or several")
	}
	head := imageHead{width: c.Width, height: c.Height}
	parts := frame[6:][:3*int(frame[5])]
	factors := func(i int) (h, v int64) { return int64(parts[i+1] >> 4), int64(parts[i+1] & 15) }
	h0, v0 := factors(0) // the largest of all
	w, h := int64(c.Width), int64(c.Height)
	ceil := func(a, b int64) int64 { return (a + b - 1) / b }
	var samples, bits int64
	for i := 0; i < len(parts); i += 3 {
		hi, vi := factors(i)
		if len(parts) == 3 {
			h0, v0, hi, vi = 1, 1, 1, 1
		}
		samples += 64 * ceil(w, 8*h0) * hi * ceil(h, 8*v0) * vi
		bits += ceil(ceil(w*hi, h0), 8) * ceil(ceil(h*vi, v0), 8)
	}
	head.least, head.memory = bits/8, samples // of which grey is a part
	// Each scan may go through all blocks, however few bytes it has. One that is not progressive
	// decodes them anew, which costs more than it takes memory.
	head.scans = int64(bytes.Count(data, []byte{0xff, 0xda})) * samples
	if marker == progressive {
		head.memory += 4 * samples
	} else {
		head.scans = samples + decoded*max(head.scans-int64(len(parts)/3)*samples, 0)
	}
	// What is not in YCbCr is made into another image, and that into a grey one.
	if len(parts) == 12 || len(parts) == 9 && (adobeRGB(data) || parts[0] == 'R') {
		head.memory += 5 * w * h
	}
	return head, nil
}

// adobeRGB tells whether some segment may be Adobe's APP14 that says that nothing was transformed.
func adobeRGB(data []byte) bool {
	name := []byte("Adobe")
	const transformAt = 11 // from the name on
	for i := 4; ; i++ {
		next := bytes.Index(data[min(i, len(data)):], name)
		if next < 0 {
			return false
		}
		i += next
		if data[i-4] == 0xff && data[i-3] == 0xee && i+transformAt < len(data) && data[i+transformAt] == 0 {
			return true
		}
	}
}

// jpegFrame finds the first frame header, passing over what the decoder passes over. Of two
// the decoder refuses the second.
func jpegFrame(data []byte) (marker byte, frame []byte) {
	for pos := 2; ; {
		for pos < len(data) && data[pos] != 0xff {
			pos++
		}
		for pos < len(data) && data[pos] == 0xff {
			pos++
		}
		if pos+3 > len(data) {
			return 0, nil
		}
		marker = data[pos]
		pos++
		if marker == 0 || marker >= 0xd0 && marker <= 0xd9 {
			continue
		}
		end := pos + int(binary.BigEndian.Uint16(data[pos:]))
		if end > len(data) || end < pos+2 {
			return 0, nil
		}
		if marker >= 0xc0 && marker <= 0xc2 {
			return marker, data[pos+2 : end]
		}
		pos = end
	}
}

// imageFile is a file of one image.
type imageFile struct {
	kind imageKind
	data []byte
	opts Options
}

func (f imageFile) count() int { return 1 }

func (f imageFile) page(_ int, read func(img *image.Gray, drawn bool)) error {
	h, err := f.kind.accept(f.data, f.opts)
	if err != nil {
		return err
	}
	defer f.opts.alone(max(h.memory, pagePixel*int64(h.width)*int64(h.height)))()
	img, _, err := f.kind.read(f.data)
	if err != nil {
		return err
	}
	read(img, false)
	return nil
}

// growing is a grey page that takes memory as its rows come.
type growing struct {
	w, h int
	pix  []byte
}

// row makes the page as long as row y, in white, and returns that row.
func (g *growing) row(y int) []byte {
	if end := (y + 1) * g.w; end > len(g.pix) {
		if end > cap(g.pix) {
			g.pix = append(make([]byte, 0, min(max(end, 2*len(g.pix)), g.w*g.h)), g.pix...)
		}
		fresh := g.pix[len(g.pix):end]
		for i := range fresh {
			fresh[i] = 255
		}
		g.pix = g.pix[:end]
	}
	return g.pix[y*g.w:][:g.w]
}

// image is the page as far as it came, nil where no row did.
func (g *growing) image() *image.Gray {
	if len(g.pix) == 0 {
		return nil
	}
	return &image.Gray{Pix: g.pix, Stride: g.w, Rect: image.Rect(0, 0, g.w, len(g.pix)/g.w)}
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
	coloured := func(pix []byte, stride, bytes int) {
		for y := range b.Dy() {
			nrgbaToGrey(line(y), pix[y*stride:], bytes)
		}
	}
	switch m := img.(type) {
	case *image.NRGBA:
		coloured(m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 1)
	case *image.NRGBA64: // of two bytes the high one comes first
		coloured(m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 2)
	case *image.RGBA: // no decoder here makes one with transparency, nor the next
		coloured(m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 1)
	case *image.RGBA64:
		coloured(m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 2)
	case *image.Gray16:
		for y := range b.Dy() {
			from := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for x, to := 0, line(y); x < len(to); x++ {
				to[x] = from[2*x]
			}
		}
	case *image.CMYK:
		for y := range b.Dy() {
			from := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for x, to := 0, line(y); x < len(to); x++ {
				to[x] = luma(color.CMYKToRGB(from[4*x], from[4*x+1], from[4*x+2], from[4*x+3]))
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

// nrgbaToGrey turns a row of red, green, blue and opacity, each of some bytes, into grey. What
// is transparent shows the paper.
func nrgbaToGrey(to, from []byte, bytes int) {
	for x := range to {
		pixel := from[4*bytes*x:]
		a := uint32(pixel[3*bytes])
		to[x] = byte((uint32(luma(pixel[0], pixel[bytes], pixel[2*bytes]))*a + 255*(255-a)) / 255)
	}
}

// luma weighs the colours as JPEG does.
func luma(r, g, b byte) byte {
	return byte((299*uint32(r) + 587*uint32(g) + 114*uint32(b) + 500) / 1000)
}
