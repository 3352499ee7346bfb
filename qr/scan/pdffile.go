package scan

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
)

// pdfFile is a PDF whose objects are found by looking for them, not by its cross-reference
// table: scanners write wrong tables, and a second description of the same
// objects is a second thing to be fooled by. Where a number occurs twice, the later one
// holds, as with an incremental update.
type pdfFile struct {
	data    []byte
	opts    Options
	objects map[int]pdfPlace
	packs   map[int]*pdfPack // object streams, unpacked when first used
	trailer pdfDict
	pages   []pdfDict
	lastEnd int          // of the last "endstream"
	values  atomic.Int64 // that references were followed to, and their bytes in parts: pages are read in parallel
}

// pdfPlace is where an object's value begins: in the file, or in an object stream.
type pdfPlace struct {
	at   int // offset in the file, of the object or of its object stream
	pack int // number of the object stream, 0 for none
	in   int // offset within it
}

type pdfPack struct{ data []byte }

// pdfStream is a dictionary with data, still encoded.
type pdfStream struct {
	dict pdfDict
	raw  []byte
}

const (
	maxPDFObjects = 1 << 20
	maxPackBytes  = 64 << 20 // inflated, of all object streams of a file together
	maxContents   = 16 << 20 // inflated, of a page's drawing: one full of codes has 3 MB
	maxPageDepth  = 40
	maxFormDepth  = 8
	maxPageImages = 1000
	maxReread     = 16      // times the file's size that looking for objects may read
	maxResolved   = 8 << 20 // values that references of a file may lead to, however often it is the same one
	valueBytes    = 64      // that a reference leads to, in as much time as to one more value
	searchedBytes = 16      // that are searched for a word while a pixel is read
)

var errPDFDamaged = errors.New("the PDF is damaged: it has no pages")

func isPDF(data []byte) bool { return bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) }

func openPDF(data []byte, opts Options) (*pdfFile, error) {
	f := &pdfFile{data: data, opts: opts, objects: map[int]pdfPlace{}, packs: map[int]*pdfPack{}, trailer: pdfDict{}}
	packs, err := f.findObjects()
	if err != nil {
		return nil, err
	}
	if f.trailer["Encrypt"] != nil {
		return nil, ErrEncrypted
	}
	if err := f.unpack(packs); err != nil {
		return nil, err
	}
	catalog := f.dict(f.trailer["Root"])
	if catalog == nil {
		return nil, errPDFDamaged
	}
	w := pageWalk{file: f, seen: map[int]bool{}}
	if err := w.walk(catalog["Pages"], pdfDict{}, 0); err != nil {
		return nil, err
	}
	if err := f.exhausted(); err != nil {
		return nil, err
	}
	if len(f.pages) == 0 {
		return nil, errPDFDamaged
	}
	return f, nil
}

func (f *pdfFile) count() int { return len(f.pages) }

// findObjects notes where every "12 0 obj" is, passing over the data of streams, and
// returns the object streams. Trailers are merged, the later over the earlier.
func (f *pdfFile) findObjects() (packs []int, err error) {
	f.lastEnd = bytes.LastIndex(f.data, []byte("endstream"))
	read := 0 // bytes of values, some of which may be read again as parts of others
	search := objectSearch{data: f.data, word: -1}
	for pos := 0; ; {
		next, number := search.from(pos)
		if next < 0 {
			return packs, nil
		}
		if err := f.exhausted(); err != nil {
			return nil, err
		}
		l := &pdfLexer{data: f.data, pos: next}
		v, err := l.object()
		if read += l.pos - next; read > maxReread*len(f.data) {
			return nil, errPDFDamaged
		}
		d, isDict := v.(pdfDict)
		if number < 0 { // a trailer
			if isDict {
				f.addTrailer(d)
			}
			pos = next
			continue
		}
		if len(f.objects) >= maxPDFObjects {
			return nil, fmt.Errorf("PDF of more than %d objects: %w", maxPDFObjects, ErrTooLarge)
		}
		f.objects[number] = pdfPlace{at: next}
		pos = max(l.pos, next)
		if err != nil || !isDict {
			pos = next
			continue
		}
		if s, end, ok := f.streamAt(d, l.pos); ok {
			pos = end
			switch s.dict["Type"] {
			case pdfName("ObjStm"):
				packs = append(packs, number)
			case pdfName("XRef"):
				f.addTrailer(d)
			}
		} else if d["Type"] == pdfName("Catalog") && f.trailer["Root"] == nil {
			f.trailer["Root"] = pdfRef{number}
		}
	}
}

func (f *pdfFile) addTrailer(d pdfDict) {
	for _, name := range []pdfName{"Root", "Encrypt"} {
		if d[name] != nil {
			f.trailer[name] = d[name]
		}
	}
}

// objectSearch looks for objects from the front of a file to its end.
type objectSearch struct {
	data []byte
	word int // where the next "obj" is, or the end: many trailers may come before it
}

// from finds the next object or trailer from pos on: where its value begins and
// its number, −1 for a trailer. −1 as the place means there is none.
func (s *objectSearch) from(pos int) (at, number int) {
	for pos < len(s.data) {
		if s.word < pos {
			if i := bytes.Index(s.data[pos:], []byte("obj")); i >= 0 {
				s.word = pos + i
			} else {
				s.word = len(s.data)
			}
		}
		if t := bytes.Index(s.data[pos:s.word], []byte("trailer")); t >= 0 {
			return pos + t + len("trailer"), -1
		}
		if n, ok := numberBefore(s.data[max(0, s.word-32):s.word]); ok && s.word < len(s.data) {
			return s.word + len("obj"), n
		}
		pos = s.word + len("obj")
	}
	return -1, 0
}

// numberBefore reads the object's number from the bytes before "obj": "12 0 ".
func numberBefore(b []byte) (int, bool) {
	b = bytes.TrimRight(b, " \t\r\n\x00\f")
	digits := func() []byte {
		end := len(b)
		for len(b) > 0 && b[len(b)-1] >= '0' && b[len(b)-1] <= '9' {
			b = b[:len(b)-1]
		}
		return b[len(b):end]
	}
	generation := digits()
	rest := bytes.TrimRight(b, " \t\r\n\x00\f")
	if len(generation) == 0 || len(rest) == len(b) {
		return 0, false
	}
	b = rest
	n, err := strconv.ParseUint(string(digits()), 10, 31)
	return int(n), err == nil && n > 0
}

// streamAt returns the stream whose dictionary ends at pos. A stated length is
// believed if "endstream" follows it, else that word is looked for.
func (f *pdfFile) streamAt(d pdfDict, pos int) (s pdfStream, end int, ok bool) {
	l := &pdfLexer{data: f.data, pos: pos}
	l.skipSpace()
	if !bytes.HasPrefix(f.data[l.pos:], []byte("stream")) {
		return s, 0, false
	}
	start := l.pos + len("stream")
	if bytes.HasPrefix(f.data[start:], []byte("\r\n")) {
		start += 2
	} else if start < len(f.data) && (f.data[start] == '\n' || f.data[start] == '\r') {
		start++
	}
	if n := f.length(d["Length"]); n >= 0 && n <= float64(len(f.data)-start) {
		end := start + int(n)
		rest := bytes.TrimLeft(f.data[end:min(end+16, len(f.data))], "\r\n \t")
		if bytes.HasPrefix(rest, []byte("endstr")) {
			return pdfStream{d, f.data[start:end]}, end, true
		}
	}
	if start > f.lastEnd {
		return s, 0, false
	}
	n := bytes.Index(f.data[start:], []byte("endstream"))
	_ = f.opts.spend(int64(n) / searchedBytes) // exhausted tells of it: the same stream may be asked for often
	raw := f.data[start : start+n]
	raw = bytes.TrimSuffix(raw, []byte("\n"))
	raw = bytes.TrimSuffix(raw, []byte("\r"))
	return pdfStream{d, raw}, start + n, true
}

// length is the length of a stream, which may stand in an object of its own; −1 if it
// is not known. Other than resolve it never looks at a stream, so that no two can ask each other.
func (f *pdfFile) length(v any) float64 {
	if ref, ok := v.(pdfRef); ok {
		place, ok := f.objects[ref.number]
		if !ok || place.pack != 0 {
			return -1
		}
		l := &pdfLexer{data: f.data, pos: place.at}
		l.skipSpace()
		v, _ = parsePDFNumber(l.word())
		f.values.Add(int64(l.pos-place.at) / valueBytes)
	}
	if n, ok := v.(float64); ok {
		return n
	}
	return -1
}

// unpack notes the objects within object streams (ISO 32000-1 clause 7.5.7).
func (f *pdfFile) unpack(packs []int) error {
	left := int64(maxPackBytes)
	for _, number := range packs {
		place := f.objects[number]
		s, ok := f.resolve(pdfRef{number}).(pdfStream)
		if !ok || place.pack != 0 {
			continue
		}
		data, err := f.decoded(s, left)
		if err != nil {
			if errors.Is(err, ErrTooLarge) {
				return err
			}
			continue
		}
		left -= int64(len(data))
		f.packs[number] = &pdfPack{data}
		n, first := f.number(s.dict["N"]), f.number(s.dict["First"])
		if n < 0 || n > maxPDFObjects || first < 0 || first > float64(len(data)) {
			continue
		}
		l := &pdfLexer{data: data[:int(first)]}
		for range int(n) {
			id, err1 := l.value(0, false)
			offset, err2 := l.value(0, false)
			i, ok1 := id.(float64)
			o, ok2 := offset.(float64)
			if err1 != nil || err2 != nil || !ok1 || !ok2 || i < 1 || i > math.MaxInt32 || o < 0 || o > float64(len(data))-first {
				break
			}
			if old, exists := f.objects[int(i)]; exists && old.at > place.at {
				continue
			}
			if len(f.objects) >= maxPDFObjects {
				return fmt.Errorf("PDF of more than %d objects: %w", maxPDFObjects, ErrTooLarge)
			}
			f.objects[int(i)] = pdfPlace{at: place.at, pack: number, in: int(first) + int(o)}
		}
	}
	return nil
}

// exhausted says that resolve gives nothing any more: the file asks for too much work.
func (f *pdfFile) exhausted() error {
	if f.values.Load() > maxResolved {
		return errComplex
	}
	return f.opts.spend(0)
}

// resolve follows a reference to its value; what does not exist is nil.
func (f *pdfFile) resolve(v any) any {
	for range 8 {
		ref, ok := v.(pdfRef)
		if !ok {
			return v
		}
		place, ok := f.objects[ref.number]
		if !ok || f.exhausted() != nil {
			return nil
		}
		l := &pdfLexer{data: f.data, pos: place.at}
		if place.pack != 0 {
			l = &pdfLexer{data: f.packs[place.pack].data, pos: place.in}
		}
		var err error
		start := l.pos
		v, err = l.object()
		f.values.Add(int64(l.values) + int64(l.pos-start)/valueBytes)
		if err != nil {
			return nil
		}
		if d, isDict := v.(pdfDict); isDict && place.pack == 0 {
			if s, _, isStream := f.streamAt(d, l.pos); isStream {
				return s
			}
		}
	}
	return nil
}

func (f *pdfFile) dict(v any) pdfDict {
	switch v := f.resolve(v).(type) {
	case pdfDict:
		return v
	case pdfStream:
		return v.dict
	}
	return nil
}

func (f *pdfFile) array(v any) pdfArray {
	a, _ := f.resolve(v).(pdfArray)
	return a
}

// number returns a number, or −1 if it is none.
func (f *pdfFile) number(v any) float64 {
	if n, ok := f.resolve(v).(float64); ok {
		return n
	}
	return -1
}

// pageWalk collects the leaves of the page tree.
type pageWalk struct {
	file *pdfFile
	seen map[int]bool
}

// walk visits a node; inherited are the entries that pages take over from above.
func (w *pageWalk) walk(node any, inherited pdfDict, depth int) error {
	if ref, ok := node.(pdfRef); ok {
		if w.seen[ref.number] {
			return nil
		}
		w.seen[ref.number] = true
	}
	d := w.file.dict(node)
	if d == nil || depth > maxPageDepth {
		return nil
	}
	merged := pdfDict{}
	for _, name := range []pdfName{"Resources", "MediaBox"} {
		if merged[name] = inherited[name]; d[name] != nil {
			merged[name] = d[name]
		}
	}
	if d["Kids"] != nil {
		for _, kid := range w.file.array(d["Kids"]) {
			if err := w.walk(kid, merged, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if len(w.file.pages) >= w.file.opts.MaxPages {
		return fmt.Errorf("PDF of more than %d pages: %w", w.file.opts.MaxPages, ErrTooLarge)
	}
	merged["Contents"] = d["Contents"]
	w.file.pages = append(w.file.pages, merged)
	return nil
}
