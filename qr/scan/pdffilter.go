package scan

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"errors"
	"fmt"
	"io"

	"golang.org/x/image/tiff/lzw"
)

const maxFilters = 4 // in a row

// filter is one step of a stream's encoding (ISO 32000-1 clause 7.4).
type filter struct {
	name   pdfName
	params pdfDict
}

func (f *pdfFile) filters(d pdfDict) ([]filter, error) {
	var list []filter
	names, params := f.resolve(firstOf(d, "Filter", "F")), f.resolve(firstOf(d, "DecodeParms", "DP"))
	switch names := names.(type) {
	case nil:
	case pdfName:
		list = []filter{{names, f.dict(params)}}
		if a, ok := params.(pdfArray); ok && len(a) > 0 {
			list[0].params = f.dict(a[0])
		}
	case pdfArray:
		if len(names) > maxFilters {
			return nil, errPDFSyntax
		}
		all, _ := params.(pdfArray)
		for i, n := range names {
			name, _ := f.resolve(n).(pdfName)
			step := filter{name: name}
			if i < len(all) {
				step.params = f.dict(all[i])
			}
			list = append(list, step)
		}
	default:
		return nil, errPDFSyntax
	}
	return list, nil
}

// firstOf is an entry under its long or its short name.
func firstOf(d pdfDict, long, short pdfName) any {
	if v := d[long]; v != nil {
		return v
	}
	return d[short]
}

// decoded applies all filters of a stream and returns at most limit bytes: more is an error.
func (f *pdfFile) decoded(s pdfStream, limit int64) ([]byte, error) {
	data, rest, err := f.decodeUpTo(s, limit)
	if err == nil && rest != nil {
		return nil, fmt.Errorf("filter %q in a place where no image is", string(rest.name))
	}
	return data, err
}

// decodeUpTo applies the filters up to one that makes an image, which is returned.
func (f *pdfFile) decodeUpTo(s pdfStream, limit int64) ([]byte, *filter, error) {
	limit = min(limit, f.opts.MaxStreamBytes)
	list, err := f.filters(s.dict)
	if err != nil {
		return nil, nil, err
	}
	data := s.raw
	for i, step := range list {
		var r io.Reader
		switch step.name {
		case "FlateDecode", "Fl":
			if r, err = zlib.NewReader(bytes.NewReader(data)); err != nil {
				return nil, nil, fmt.Errorf("PDF stream: %w", err)
			}
		case "LZWDecode", "LZW":
			r = lzw.NewReader(bytes.NewReader(data), lzw.MSB, 8)
		case "ASCII85Decode", "A85":
			if end := bytes.IndexByte(data, '~'); end >= 0 {
				data = data[:end]
			}
			r = ascii85.NewDecoder(bytes.NewReader(data))
		case "ASCIIHexDecode", "AHx":
			end := bytes.IndexByte(data, '>')
			if end < 0 {
				end = len(data)
			}
			r = bytes.NewReader(decodeHex(data[:end]))
		case "RunLengthDecode", "RL":
			r = bytes.NewReader(runLengths(data, limit))
		default:
			if i != len(list)-1 {
				return nil, nil, fmt.Errorf("filter %q before another", string(step.name))
			}
			return data, &list[i], nil
		}
		if data, err = readAtMost(r, limit); err != nil {
			return nil, nil, err
		}
		if step.name == "FlateDecode" || step.name == "Fl" || step.name == "LZWDecode" || step.name == "LZW" {
			if data, err = f.unpredict(data, step.params); err != nil {
				return nil, nil, err
			}
		}
	}
	return data, nil, nil
}

// readAtMost reads to the end. Data cut short is taken as it is, as many scanners leave out the
// checksum; how much is needed is for the image or the drawing to say.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, limit+1))
	if n > limit {
		return nil, fmt.Errorf("PDF stream of more than %d bytes: %w", limit, ErrTooLarge)
	}
	if err != nil && n == 0 {
		return nil, fmt.Errorf("PDF stream: %w", err)
	}
	return out.Bytes(), nil
}

// runLengths decodes ISO 32000-1 clause 7.4.5: a byte under 128 announces that many bytes and
// one more, a byte over 128 the repetition of one.
func runLengths(in []byte, limit int64) []byte {
	const end = 128
	var out []byte
	for len(in) > 1 && in[0] != end && int64(len(out)) <= limit {
		n := int(in[0])
		if n < end {
			stop := min(n+2, len(in))
			out = append(out, in[1:stop]...)
			in = in[stop:]
		} else {
			out = append(out, bytes.Repeat(in[1:2], 2*end+1-n)...)
			in = in[2:]
		}
	}
	return out
}

var errPredictor = errors.New("PDF stream with unusable predictor parameters")

// unpredict undoes the predictor of Flate and LZW data (ISO 32000-1 clause 7.4.4.4).
func (f *pdfFile) unpredict(data []byte, params pdfDict) ([]byte, error) {
	entry := func(name pdfName, otherwise float64) int {
		if v := f.number(params[name]); v >= 0 && v < 1<<30 {
			return int(v)
		}
		return int(otherwise)
	}
	predictor := entry("Predictor", 1)
	if predictor < 2 {
		return data, nil
	}
	colors, bits, columns := entry("Colors", 1), entry("BitsPerComponent", 8), entry("Columns", 1)
	if colors < 1 || colors > 32 || bits < 1 || bits > 16 || columns < 1 || columns > 1<<24 {
		return nil, errPredictor
	}
	pixel := max(colors*bits/8, 1)
	row := (colors*bits*columns + 7) / 8
	if predictor == 2 {
		if bits != 8 {
			return nil, errPredictor
		}
		for start := 0; start < len(data); start += row {
			line := data[start:min(start+row, len(data))]
			for i := pixel; i < len(line); i++ {
				line[i] += line[i-pixel]
			}
		}
		return data, nil
	}
	return unpredictPNG(data, row, pixel)
}

// unpredictPNG undoes the filters of PNG (RFC 2083 clause 6), in place.
func unpredictPNG(data []byte, row, pixel int) ([]byte, error) {
	row = min(row, len(data)) // what is stated takes no memory
	previous := make([]byte, row)
	out := data[:0]
	for len(data) > 1 {
		kind := data[0]
		line := data[1:min(row+1, len(data))]
		data = data[1+len(line):]
		for i := range line {
			var left, corner byte
			if i >= pixel {
				left, corner = line[i-pixel], previous[i-pixel]
			}
			above := previous[i]
			switch kind {
			case 0:
			case 1:
				line[i] += left
			case 2:
				line[i] += above
			case 3:
				line[i] += byte((int(left) + int(above)) / 2)
			case 4:
				line[i] += paeth(left, above, corner)
			default:
				return nil, errPredictor
			}
		}
		copy(previous, line)
		out = append(out, line...)
	}
	return out, nil
}

func paeth(a, b, c byte) byte {
	pa, pb := int(b)-int(c), int(a)-int(c)
	pc := pa + pb
	pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}
