package scan

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"math"

	"golang.org/x/image/ccitt"
)

// pageImage decodes an image of a PDF to grey. For a mask, what is painted is 0.
func (f *pdfFile) pageImage(s pdfStream) (*image.Gray, error) {
	width, height := f.number(s.dict["Width"]), f.number(s.dict["Height"])
	if !(width >= 1 && height >= 1 && width < math.MaxInt32 && height < math.MaxInt32) {
		return nil, fmt.Errorf("PDF image without a size")
	}
	w, h := int(width), int(height)
	if err := f.opts.fits(w, h); err != nil {
		return nil, err
	}
	c := f.colours(s.dict)
	row := int64((w*c.parts*c.bits + 7) / 8)
	data, last, err := f.decodeUpTo(s, (row+1)*int64(h)+1<<16)
	if err != nil {
		return nil, err
	}
	if last == nil {
		// Of a scan that broke off the rows that are there may hold codes. No others are made
		// up: a size that is stated takes no memory.
		rows := min(int64(h), int64(len(data))/row)
		if rows == 0 {
			return nil, fmt.Errorf("PDF image of %d bytes without a whole row", len(data))
		}
		return c.toGrey(data, w, int(rows)), nil
	}
	switch last.name {
	case "DCTDecode", "DCT":
		img, err := jpegImage.read(func() io.Reader { return bytes.NewReader(data) }, f.opts)
		if err != nil {
			return nil, err
		}
		g := grey(img)
		if _, inks := img.(*image.CMYK); c.inverted && !inks {
			g = inverted(g)
		}
		return g, nil
	case "CCITTFaxDecode", "CCF":
		return f.fax(data, last.params, w, h, c.inverted)
	case "JBIG2Decode":
		return nil, fmt.Errorf("PDF image in JBIG2, which is not read: scan in grey, or to TIFF or JPEG")
	case "JPXDecode":
		return nil, fmt.Errorf("PDF image in JPEG 2000, which is not read: scan to TIFF or JPEG")
	}
	return nil, fmt.Errorf("PDF image with the unknown filter %q", string(last.name))
}

// fax decodes CCITT data (ISO 32000-1 clause 7.4.6). Its bits are samples like others: BlackIs1 turns them round.
func (f *pdfFile) fax(data []byte, params pdfDict, w, h int, invert bool) (*image.Gray, error) {
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
	r := ccitt.NewReader(bytes.NewReader(data), ccitt.MSB, format, w, h, &ccitt.Options{Align: align, Invert: blackIs1})
	row := (w + 7) / 8
	bits := make([]byte, row*h)
	n, err := io.ReadFull(r, bits)
	if n < row {
		return nil, fmt.Errorf("PDF image: %w", err)
	}
	for i := n; i < len(bits) && !blackIs1; i++ { // a scan that broke off ends in paper
		bits[i] = 0xff
	}
	c := colours{parts: 1, bits: 1, inverted: invert}
	return c.toGrey(bits, w, h), nil
}

// colours is how the samples of an image are to be read.
type colours struct {
	parts, bits int
	inverted    bool
	palette     []byte // of grey values, nil if there is none
	subtract    bool   // ink instead of light: CMYK
}

func (f *pdfFile) colours(d pdfDict) colours {
	c := colours{parts: 1, bits: 8}
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
			base := colours{parts: 1, bits: 8}
			f.space(&base, rest[0], 1)
			var table []byte
			switch t := f.resolve(rest[2]).(type) {
			case pdfString:
				table = t
			case pdfStream:
				table, _ = f.decoded(t, 1<<16)
			}
			c.palette = base.toGrey(table, len(table)/base.parts, 1).Pix
		}
	}
}

// toGrey turns samples into pixels; rows begin at a byte.
func (c colours) toGrey(data []byte, w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	row := (w*c.parts*c.bits + 7) / 8
	top := 1<<min(c.bits, 8) - 1
	for y := range h {
		line := data[y*row : (y+1)*row]
		sample := func(i int) int {
			switch c.bits {
			case 8:
				return int(line[i])
			case 16:
				return int(line[2*i])
			}
			bit := i * c.bits
			return int(line[bit/8]) >> (8 - c.bits - bit%8) & top
		}
		out := img.Pix[y*img.Stride:][:w]
		for x := range out {
			var v byte
			switch {
			case c.palette != nil:
				if i := sample(x); i < len(c.palette) {
					v = c.palette[i]
				}
			case c.parts == 1:
				v = byte(sample(x) * 255 / top)
			case c.parts == 3:
				v = luma(byte(sample(3*x)*255/top), byte(sample(3*x+1)*255/top), byte(sample(3*x+2)*255/top))
			default:
				ink := min(sample(4*x), 255)*3/10 + sample(4*x+1)*6/10 + sample(4*x+2)/10 + sample(4*x+3)
				v = byte(min(ink*255/top, 255))
			}
			if c.inverted != c.subtract {
				v = 255 - v
			}
			out[x] = v
		}
	}
	return img
}
