package scan

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math"

	"golang.org/x/image/ccitt"
)

// imageSize is the size that an image states, (0, 0) where it states none.
func (f *pdfFile) imageSize(s pdfStream) (w, h int) {
	width, height := f.number(s.dict["Width"]), f.number(s.dict["Height"])
	if !(width >= 1 && height >= 1 && width < math.MaxInt32 && height < math.MaxInt32) {
		return 0, 0
	}
	return int(width), int(height)
}

const mostOfJPEG = 16 // bytes that a pixel takes

// imageMemory is what an image takes at the size that it states.
func (f *pdfFile) imageMemory(s pdfStream) int64 {
	w, h := f.imageSize(s)
	pixels := int64(min(w, maxSide)) * int64(min(h, maxSide))
	list, err := f.filters(s.dict)
	if n := len(list); err != nil || n == 0 || list[n-1].name != "DCTDecode" && list[n-1].name != "DCT" {
		return pagePixel * pixels
	}
	if head, err := jpegHead(s.raw); err == nil && len(list) == 1 {
		return max(pagePixel*pixels, head.memory)
	}
	return mostOfJPEG * pixels
}

// maxImageBytes caps what is no image yet after its first filters, such as a JPEG.
const maxImageBytes = 128 << 20

// pageImage decodes an image of a PDF to grey. For a mask, what is painted is 0. Rows take
// memory as they are read; of a scan that broke off those that are there may hold codes. taken
// is the memory that the page has already.
func (f *pdfFile) pageImage(s pdfStream, taken int64) (*image.Gray, error) {
	w, h := f.imageSize(s)
	if w == 0 {
		return nil, fmt.Errorf("PDF image without a size")
	}
	if err := f.opts.fits(w, h); err != nil {
		return nil, err
	}
	c := f.colours(s.dict)
	r, last, err := f.open(s)
	if err != nil {
		return nil, err
	}
	if last == nil {
		return f.rows(r, c, w, h)
	}
	switch last.name {
	case "DCTDecode", "DCT":
		return f.jpeg(r, c, w, h, taken)
	case "CCITTFaxDecode", "CCF":
		return f.fax(r, last.params, w, h, c.inverted)
	case "JBIG2Decode":
		return nil, fmt.Errorf("PDF image in JBIG2, which is not read: scan in grey, or to TIFF or JPEG")
	case "JPXDecode":
		return nil, fmt.Errorf("PDF image in JPEG 2000, which is not read: scan to TIFF or JPEG")
	}
	return nil, fmt.Errorf("PDF image with the unknown filter %q", string(last.name))
}

// rows reads samples.
func (f *pdfFile) rows(r io.Reader, c colours, w, h int) (*image.Gray, error) {
	out, line := &growing{w: w, h: h}, make([]byte, c.row(w))
	for y := range h {
		if n, err := io.ReadFull(r, line); err != nil {
			switch {
			case errors.Is(err, ErrTooLarge):
				return nil, err
			case y > 0:
				return out.image(), nil
			case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
				return nil, fmt.Errorf("PDF image of %d bytes without a whole row", n)
			}
			return nil, fmt.Errorf("PDF image: %w", err)
		}
		if err := f.opts.spend(decodeWork(int64(w))); err != nil {
			return nil, err
		}
		c.toGrey(out.row(y), line)
	}
	return out.image(), nil
}

// jpeg reads a JPEG, of the size that the PDF states or hardly more: what takes memory is what
// the page was judged by.
func (f *pdfFile) jpeg(r io.Reader, c colours, w, h int, taken int64) (*image.Gray, error) {
	data, err := readAtMost(r, maxImageBytes)
	if err != nil {
		return nil, err
	}
	opts := f.opts
	opts.MaxMemory -= taken + 2*int64(len(data)) // as it grew
	head, err := jpegImage.accept(data, opts)
	if err != nil {
		return nil, err
	}
	const hardly = 16
	if head.width > w+hardly || head.height > h+hardly {
		return nil, fmt.Errorf("PDF image of %d × %d pixels with a JPEG of %d × %d", w, h, head.width, head.height)
	}
	makeRoom(head.memory)
	g, inks, err := jpegImage.read(data)
	if err != nil {
		return nil, err
	}
	if c.inverted && !inks {
		g = inverted(g)
	}
	return g, nil
}

// fax decodes CCITT data (ISO 32000-1 clause 7.4.6). Its bits are samples like others: BlackIs1 turns them round.
func (f *pdfFile) fax(data io.Reader, params pdfDict, w, h int, invert bool) (*image.Gray, error) {
	format := ccitt.Group3
	if k, ok := f.resolve(params["K"]).(float64); ok && k < 0 {
		format = ccitt.Group4
	} else if ok && k > 0 {
		return nil, fmt.Errorf("PDF image in two-dimensional fax group 3, which is not read: scan to TIFF or JPEG")
	}
	columns := 1728
	if v := f.number(params["Columns"]); v >= 1 && v <= math.MaxInt32 {
		columns = int(v)
	}
	if columns != w {
		return nil, fmt.Errorf("PDF image of %d columns with fax data of %d", w, columns)
	}
	align, _ := f.resolve(params["EncodedByteAlign"]).(bool)
	blackIs1, _ := f.resolve(params["BlackIs1"]).(bool)
	r := ccitt.NewReader(data, ccitt.MSB, format, w, h, &ccitt.Options{Align: align, Invert: blackIs1})
	return f.rows(r, colours{parts: 1, bits: 1, extra: noExtra, inverted: invert}, w, h)
}

// colours is how the samples of an image are to be read.
type colours struct {
	parts, bits int
	extra       extraSample // behind the parts of each pixel
	little      bool        // byte order of samples of 16 bits
	inverted    bool
	palette     []byte // of grey values, nil if there is none
	subtract    bool   // ink instead of light: CMYK
}

// extraSample is one that is no colour, by the numbers of TIFF 6.0 section 18, and noExtra.
type extraSample int

const (
	noExtra     extraSample = -1
	alphaOver   extraSample = 1 // the colours are multiplied by it already
	alphaBeside extraSample = 2
)

// samples are those of a pixel.
func (c colours) samples() int {
	if c.extra != noExtra {
		return c.parts + 1
	}
	return c.parts
}

// row is the bytes of a row of w pixels.
func (c colours) row(w int) int { return (w*c.samples()*c.bits + 7) / 8 }

func (f *pdfFile) colours(d pdfDict) colours {
	c := colours{parts: 1, bits: 8, extra: noExtra}
	if b := f.number(d["BitsPerComponent"]); b == 1 || b == 2 || b == 4 || b == 16 {
		c.bits = int(b)
	}
	if mask, _ := f.resolve(d["ImageMask"]).(bool); mask {
		c.bits = 1
	} else {
		f.space(&c, d["ColorSpace"], 0)
	}
	if decode := f.array(d["Decode"]); len(decode) >= 2 && c.palette == nil {
		c.inverted = f.number(decode[0]) > f.number(decode[1])
	}
	return c
}

// space reads a colour space (ISO 32000-1 clause 8.6) as far as light and dark go.
func (f *pdfFile) space(c *colours, v any, depth int) {
	v = f.resolve(v)
	var rest pdfArray
	if a, ok := v.(pdfArray); ok && len(a) > 0 {
		v, rest = f.resolve(a[0]), a[1:]
	}
	name, _ := v.(pdfName)
	switch name {
	case "DeviceRGB", "RGB", "CalRGB", "Lab":
		c.parts = 3
	case "DeviceCMYK", "CMYK":
		c.parts, c.subtract = 4, true
	case "Separation":
		c.subtract = true
	case "ICCBased":
		if len(rest) > 0 {
			switch f.number(f.dict(rest[0])["N"]) {
			case 3:
				c.parts = 3
			case 4:
				c.parts, c.subtract = 4, true
			}
		}
	case "Indexed", "I":
		if len(rest) >= 3 && depth == 0 {
			base := colours{parts: 1, bits: 8, extra: noExtra}
			f.space(&base, rest[0], 1)
			var table []byte
			switch t := f.resolve(rest[2]).(type) {
			case pdfString:
				table = t
			case pdfStream:
				table, _ = f.decoded(t, 1<<16)
			}
			c.palette = make([]byte, len(table)/base.parts)
			base.toGrey(c.palette, table)
		}
	}
}

// toGrey turns the samples of a row into pixels.
func (c colours) toGrey(out, line []byte) {
	top := 1<<min(c.bits, 8) - 1
	high := 0 // of the two bytes of a sample
	if c.little {
		high = 1
	}
	sample := func(i int) int {
		switch c.bits {
		case 8:
			return int(line[i])
		case 16:
			return int(line[2*i+high])
		}
		bit := i * c.bits
		return int(line[bit/8]) >> (8 - c.bits - bit%8) & top
	}
	n := c.samples()
	for x := range out {
		var v byte
		switch {
		case c.palette != nil:
			if i := sample(x); i < len(c.palette) {
				v = c.palette[i]
			}
		case c.parts == 1:
			v = byte(sample(n*x) * 255 / top)
		case c.parts == 3:
			v = luma(byte(sample(n*x)*255/top), byte(sample(n*x+1)*255/top), byte(sample(n*x+2)*255/top))
		default:
			ink := min(sample(n*x), 255)*3/10 + sample(n*x+1)*6/10 + sample(n*x+2)/10 + sample(n*x+3)
			v = byte(min(ink*255/top, 255))
		}
		if c.inverted != c.subtract {
			v = 255 - v
		}
		if c.extra == alphaOver || c.extra == alphaBeside {
			// What is transparent shows the paper.
			a := sample(n*x+c.parts) * 255 / top
			if c.extra == alphaBeside {
				v = byte(int(v) * a / 255)
			}
			v = byte(min(int(v)+255-a, 255))
		}
		out[x] = v
	}
}
