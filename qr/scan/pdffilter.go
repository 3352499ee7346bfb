package scan

import (
	"bufio"
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
	r, rest, err := f.open(s)
	if err != nil {
		return nil, err
	}
	if rest != nil {
		return nil, fmt.Errorf("filter %q in a place where no image is", string(rest.name))
	}
	return readAtMost(r, min(limit, f.opts.MaxStreamBytes))
}

// open applies the filters up to one that makes an image, which is returned. Nothing is
// inflated before it is read, and nothing is kept; what each filter gives is work.
func (f *pdfFile) open(s pdfStream) (r io.Reader, last *filter, err error) {
	list, err := f.filters(s.dict)
	if err != nil {
		return nil, nil, err
	}
	// A filter may pass over all that it is given.
	if err := f.opts.spend(int64(len(s.raw))); err != nil {
		return nil, nil, err
	}
	r = bytes.NewReader(s.raw)
	for i, step := range list {
		switch step.name {
		case "FlateDecode", "Fl":
			if r, err = zlib.NewReader(r); err != nil {
				return nil, nil, fmt.Errorf("PDF stream: %w", err)
			}
			r, err = f.predicted(r, step.params)
		case "LZWDecode", "LZW":
			r, err = f.predicted(lzw.NewReader(r, lzw.MSB, 8), step.params)
		case "ASCII85Decode", "A85":
			r = ascii85.NewDecoder(&until{bufio.NewReader(r), '~'})
		case "ASCIIHexDecode", "AHx":
			r = &hexReader{until{bufio.NewReader(r), '>'}}
		case "RunLengthDecode", "RL":
			r = newRunLengths(r)
		default:
			if i != len(list)-1 {
				return nil, nil, fmt.Errorf("filter %q before another", string(step.name))
			}
			return r, &list[i], nil
		}
		if err != nil {
			return nil, nil, err
		}
		r = &worked{r, f.opts, f.opts.MaxStreamBytes, i < len(list)-1}
	}
	return r, nil, nil
}

// worked takes what is read off the work that is left for the file, and ends at a limit.
type worked struct {
	io.Reader
	opts Options
	left int64
	more bool // another filter follows, which may pass over all of it
}

func (w *worked) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	work := decodeWork(int64(n))
	if w.more {
		work = int64(n)
	}
	if spent := w.opts.spend(work); spent != nil {
		return n, spent
	}
	if w.left -= int64(n); w.left < 0 {
		return n, fmt.Errorf("PDF stream of more than %d bytes: %w", w.opts.MaxStreamBytes, ErrTooLarge)
	}
	return n, err
}

// readAtMost reads to the end. Data cut short is taken as it is, as many scanners leave out the
// checksum; how much is needed is for the image or the drawing to say.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, limit+1))
	if n > limit {
		return nil, fmt.Errorf("PDF stream of more than %d bytes: %w", limit, ErrTooLarge)
	}
	if err != nil && (n == 0 || errors.Is(err, ErrTooLarge)) {
		return nil, fmt.Errorf("PDF stream: %w", err)
	}
	return out.Bytes(), nil
}

// until is what comes before a byte that ends it.
type until struct {
	from *bufio.Reader
	end  byte
}

func (u *until) Read(p []byte) (n int, err error) {
	for ; n < len(p); n++ {
		c, err := u.from.ReadByte()
		if err == nil && c == u.end {
			_ = u.from.UnreadByte() // it stays the end
			err = io.EOF
		}
		if err != nil {
			return n, err
		}
		p[n] = c
	}
	return n, nil
}

// hexReader decodes pairs of hex digits, with a zero for the last half; others are passed over.
type hexReader struct{ from until }

func (h *hexReader) Read(p []byte) (n int, err error) {
	for ; n < len(p); n++ {
		var digits [2]byte
		for i := 0; i < len(digits); {
			var c [1]byte
			if _, err = h.from.Read(c[:]); err != nil {
				if i == 0 {
					return n, err
				}
				break
			}
			if v, ok := hexDigit(c[0]); ok {
				digits[i] = v
				i++
			}
		}
		p[n] = digits[0]<<4 | digits[1]
	}
	return n, nil
}

// runLengths decodes ISO 32000-1 clause 7.4.5, and PackBits of TIFF: a byte under 128 announces
// that many bytes and one more, a byte over 128 the repetition of one. 128 ends PDF's.
type runLengths struct {
	from   *bufio.Reader
	left   int
	repeat bool
	value  byte
}

func newRunLengths(r io.Reader) *runLengths { return &runLengths{from: bufio.NewReader(r)} }

func (r *runLengths) Read(p []byte) (n int, err error) {
	const end = 128
	for ; n < len(p); n++ {
		if r.left == 0 {
			c, err := r.from.ReadByte()
			switch {
			case err != nil:
				return n, err
			case c == end:
				return n, io.EOF
			case c < end:
				r.left, r.repeat = int(c)+1, false
			default:
				r.left, r.repeat = 2*end+1-int(c), true
				if r.value, err = r.from.ReadByte(); err != nil {
					return n, err
				}
			}
		}
		if !r.repeat {
			if r.value, err = r.from.ReadByte(); err != nil {
				return n, err
			}
		}
		p[n] = r.value
		r.left--
	}
	return n, nil
}

var errPredictor = errors.New("PDF stream with unusable predictor parameters")

// maxPredicted is more than a row of any image that fits, in bytes.
const maxPredicted = maxSide * 4 * 2

// predicted undoes the predictor of Flate and LZW data (ISO 32000-1 clause 7.4.4.4).
func (f *pdfFile) predicted(r io.Reader, params pdfDict) (io.Reader, error) {
	entry := func(name pdfName, otherwise float64) int {
		if v := f.number(params[name]); v >= 0 && v < 1<<30 {
			return int(v)
		}
		return int(otherwise)
	}
	kind := entry("Predictor", 1)
	if kind < 2 {
		return r, nil
	}
	colors, bits, columns := entry("Colors", 1), entry("BitsPerComponent", 8), entry("Columns", 1)
	if colors < 1 || colors > 32 || bits < 1 || bits > 16 || columns < 1 || columns > 1<<24 {
		return nil, errPredictor
	}
	row := (colors*bits*columns + 7) / 8
	if row > maxPredicted || kind == 2 && bits != 8 {
		return nil, errPredictor
	}
	return &predictor{from: r, png: kind > 2, pixel: max(colors*bits/8, 1), line: make([]byte, row), previous: make([]byte, row)}, nil
}

// predictor gives the rows of TIFF's predictor, or those of PNG (RFC 2083 clause 6).
type predictor struct {
	from           io.Reader
	png            bool
	pixel          int // bytes
	line, previous []byte
	rest           []byte // of the row, still to be given
	err            error  // after that
}

func (p *predictor) Read(out []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		p.next()
	}
	n := copy(out, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// next reads a row, or what is left of one.
func (p *predictor) next() {
	var kind [1]byte
	if p.png {
		if _, p.err = io.ReadFull(p.from, kind[:]); p.err != nil {
			return
		}
	}
	var n int
	n, p.err = io.ReadFull(p.from, p.line)
	line, pixel := p.line[:n], p.pixel
	if !p.png {
		for i := pixel; i < n; i++ {
			line[i] += line[i-pixel]
		}
	} else if !p.undo(kind[0], line) {
		p.err = errPredictor
		return
	}
	p.rest = line
	if p.err == nil {
		copy(p.previous, line)
	}
}

// undo undoes the filter of a row, false for one that there is not.
func (p *predictor) undo(kind byte, line []byte) bool {
	for i := range line {
		var left, corner byte
		if i >= p.pixel {
			left, corner = line[i-p.pixel], p.previous[i-p.pixel]
		}
		above := p.previous[i]
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
			return false
		}
	}
	return true
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
