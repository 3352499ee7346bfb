package scan

import (
	"bytes"
	"cmp"
	"errors"
	"math"
)

// pdfDrawing runs the operators of a page. Without a canvas it only looks for images.
type pdfDrawing struct {
	file     *pdfFile
	canvas   *canvas
	state    graphicsState
	stack    []graphicsState
	path     [][]vector // in pixels of the canvas
	closed   bool       // the last polygon
	points   int        // of all paths of the page
	images   []shownImage
	contents int64 // inflated so far
	steps    int
	work     int64 // that is not taken off yet
	pixels   int64 // of the images decoded so far

	unreadable error // of images that were passed over
}

type graphicsState struct {
	ctm   matrix
	shade byte // of fills
}

// shownImage is an image where it is shown.
type shownImage struct {
	stream pdfStream
	ctm    matrix
}

// dpi is the resolution an image has on the page, where the canvas is of one pixel per point.
func (s shownImage) dpi(f *pdfFile) int {
	w, h := math.Hypot(s.ctm.a, s.ctm.b), math.Hypot(s.ctm.c, s.ctm.d)
	best := max(f.number(s.stream.dict["Width"])/w, f.number(s.stream.dict["Height"])/h) * pointsPerInch
	if !(best > 1 && best < math.MaxInt32) {
		return 1
	}
	return int(math.Ceil(best))
}

const (
	maxGraphicsStates = 1000
	maxSteps          = 4 << 20 // operators and operands of a page: one full of codes has 800,000
	workAtOnce        = 1 << 14 // that is taken off together
	numberWork        = 4       // of an operand that is a number: of those are drawings
	stepWork          = 16      // of any other, and of each value within it
	pointWork         = 2       // of a point of a path
	curveWork         = 160     // of a curve, besides its points
)

func (d *pdfDrawing) run(page pdfDict) error {
	if d.state.ctm == (matrix{}) {
		d.state.ctm = matrix{1, 0, 0, 1, 0, 0}
	}
	var parts []any
	switch c := d.file.resolve(page["Contents"]).(type) {
	case pdfStream:
		parts = []any{c}
	case pdfArray:
		parts = c
	}
	var all bytes.Buffer
	for _, part := range parts {
		s, ok := d.file.resolve(part).(pdfStream)
		if !ok {
			continue
		}
		data, err := d.inflate(s)
		if err != nil {
			return err
		}
		all.Write(data)
		all.WriteByte('\n')
	}
	if err := d.draw(all.Bytes(), page["Resources"], 0); err != nil {
		return err
	}
	return cmp.Or(d.file.exhausted(), d.unreadable)
}

func (d *pdfDrawing) inflate(s pdfStream) ([]byte, error) {
	data, err := d.file.decoded(s, maxContents-d.contents)
	d.contents += int64(len(data))
	return data, err
}

// draw runs a content stream.
func (d *pdfDrawing) draw(content []byte, resources any, depth int) error {
	if err := d.file.opts.spend(int64(len(content))); err != nil {
		return err
	}
	// Once, not for every image: pages are cut into hundreds of strips.
	images := d.file.dict(d.file.dict(resources)["XObject"])
	l := &pdfLexer{data: content}
	// Of the operands what an operator here can need: its first numbers, or a name alone.
	var numbers [6]float64
	var name pdfName
	count := 0
	for {
		if d.steps++; d.steps > maxSteps {
			return errComplex
		}
		if x, ok := l.number(); ok { // most of it is numbers, which are cheap where they are no values
			if err := d.count(numberWork); err != nil {
				return err
			}
			if count < len(numbers) {
				numbers[count] = x
			}
			count++
			continue
		}
		l.values = 0
		v, err := l.value(0, false)
		if errors.Is(err, errPDFEnd) {
			return nil
		}
		if spent := d.count(stepWork * int64(l.values)); spent != nil {
			return spent
		}
		if err != nil { // what is damaged is passed over
			l.pos++
			continue
		}
		switch v := v.(type) {
		case pdfKeyword:
			switch v {
			case "Do":
				if name != "" && count == 0 {
					err = d.show(name, images, resources, depth)
				}
			case "BI":
				l.skipInlineImage()
			default:
				err = d.operate(v, numbers, min(count, len(numbers)))
			}
			name, count = "", 0
		case pdfName:
			name = v
		}
		if err != nil {
			return err
		}
	}
}

// count takes work off what is left.
func (d *pdfDrawing) count(work int64) error {
	if d.work += work; d.work < workAtOnce {
		return nil
	}
	work, d.work = d.work, 0
	return cmp.Or(d.file.opts.spend(work), d.file.exhausted())
}

// skipInlineImage passes over an image within the drawing; those are small.
func (l *pdfLexer) skipInlineImage() {
	for {
		i := bytes.Index(l.data[l.pos:], []byte("EI"))
		if i < 0 {
			l.pos = len(l.data)
			return
		}
		start, end := l.pos+i, l.pos+i+2
		l.pos = end
		if isPDFSpace(l.data[start-1]) && (end == len(l.data) || isPDFSpace(l.data[end])) {
			return
		}
	}
}

// show draws an image, or a form with a content stream of its own.
func (d *pdfDrawing) show(name pdfName, images pdfDict, resources any, depth int) error {
	f := d.file
	s, ok := f.resolve(images[name]).(pdfStream)
	if !ok {
		return f.exhausted()
	}
	switch s.dict["Subtype"] {
	case pdfName("Image"):
		return d.showImage(s)
	case pdfName("Form"):
		if depth >= maxFormDepth {
			return errComplex
		}
		content, err := d.inflate(s)
		if err != nil {
			return err
		}
		saved := d.state
		if m := f.array(s.dict["Matrix"]); len(m) == 6 {
			d.state.ctm = matrix{f.coordinate(m[0]), f.coordinate(m[1]), f.coordinate(m[2]), f.coordinate(m[3]), f.coordinate(m[4]), f.coordinate(m[5])}.then(d.state.ctm)
		}
		if s.dict["Resources"] != nil {
			resources = s.dict["Resources"]
		}
		err = d.draw(content, resources, depth+1)
		d.state = saved
		return err
	}
	return nil
}

func (d *pdfDrawing) showImage(s pdfStream) error {
	if len(d.images) >= maxPageImages {
		return errComplex
	}
	d.images = append(d.images, shownImage{s, d.state.ctm})
	if d.canvas == nil {
		return nil
	}
	img, err := d.file.pageImage(s, int64(len(d.canvas.img.Pix)))
	if err != nil {
		if errors.Is(err, ErrTooLarge) {
			return err
		}
		// The others may be legible, so this is said at the end.
		d.unreadable = errors.Join(d.unreadable, err)
		return nil
	}
	if d.pixels += int64(img.Rect.Dx()) * int64(img.Rect.Dy()); d.pixels > 2*d.file.opts.MaxPixels {
		return errComplex
	}
	mask, _ := d.file.resolve(s.dict["ImageMask"]).(bool)
	return d.canvas.paint(img, d.state.ctm, mask, d.state.shade)
}

// operate runs an operator on numbers (ISO 32000-1 annex A). Others than these change nothing that is filled.
func (d *pdfDrawing) operate(op pdfKeyword, n [6]float64, count int) error {
	need, known := operandCounts[op]
	if !known || count < need {
		return nil
	}
	switch op {
	case "q":
		if len(d.stack) >= maxGraphicsStates {
			return errComplex
		}
		d.stack = append(d.stack, d.state)
	case "Q":
		if k := len(d.stack); k > 0 {
			d.state, d.stack = d.stack[k-1], d.stack[:k-1]
		}
	case "cm":
		d.state.ctm = matrix{n[0], n[1], n[2], n[3], n[4], n[5]}.then(d.state.ctm)
	case "g", "rg", "k", "sc", "scn":
		d.state.shade = shadeOf(n[:count])
	case "f", "F", "B", "b", "f*", "B*", "b*":
		return d.fillPath(op[len(op)-1] == '*')
	case "n", "S", "s":
		d.path = d.path[:0]
	default:
		return d.addToPath(op, n)
	}
	return nil
}

// operandCounts are the numbers that the operators need that are run.
var operandCounts = map[pdfKeyword]int{
	"q": 0, "Q": 0, "cm": 6, "g": 1, "rg": 3, "k": 4, "sc": 1, "scn": 1,
	"f": 0, "F": 0, "f*": 0, "B": 0, "B*": 0, "b": 0, "b*": 0, "n": 0, "S": 0, "s": 0,
	"m": 2, "l": 2, "c": 6, "v": 4, "y": 4, "h": 0, "re": 4,
}

// shadeOf is the grey of a colour given by one, three or four parts.
func shadeOf(parts []float64) byte {
	level := func(v float64) byte { return byte(min(max(v, 0), 1)*255 + 0.5) }
	switch len(parts) {
	case 3:
		return luma(level(parts[0]), level(parts[1]), level(parts[2]))
	case 4:
		return 255 - level(0.3*parts[0]+0.59*parts[1]+0.11*parts[2]+parts[3])
	}
	return level(parts[0])
}

func (d *pdfDrawing) fillPath(evenOdd bool) error {
	path := d.path
	d.path = nil
	if d.canvas == nil {
		return nil
	}
	return d.canvas.fill(path, evenOdd, d.state.shade)
}

// addToPath runs the operators that build a path (ISO 32000-1 table 59).
func (d *pdfDrawing) addToPath(op pdfKeyword, n [6]float64) error {
	at := d.state.ctm.apply
	last := len(d.path) - 1
	if d.points > maxPathPoints {
		return errComplex
	}
	switch op {
	case "re":
		x, y, w, h := n[0], n[1], n[2], n[3]
		d.path = append(d.path, []vector{at(x, y), at(x+w, y), at(x+w, y+h), at(x, y+h)})
		d.points += 4
		d.work += 4 * pointWork
		d.closed = true
		return nil
	case "m":
		d.path = append(d.path, []vector{at(n[0], n[1])})
		d.points++
		d.closed = false
		return nil
	case "h":
		d.closed = true
		return nil
	}
	if last < 0 {
		return nil
	}
	if d.closed { // what follows begins where the polygon before began
		d.path = append(d.path, []vector{d.path[last][0]})
		d.points++
		d.closed = false
		last++
	}
	polygon := d.path[last]
	here := polygon[len(polygon)-1]
	switch op {
	case "l":
		polygon = append(polygon, at(n[0], n[1]))
	case "c":
		polygon = appendCurve(polygon, here, at(n[0], n[1]), at(n[2], n[3]), at(n[4], n[5]))
	case "v":
		polygon = appendCurve(polygon, here, here, at(n[0], n[1]), at(n[2], n[3]))
	case "y":
		polygon = appendCurve(polygon, here, at(n[0], n[1]), at(n[2], n[3]), at(n[2], n[3]))
	}
	if op != "l" {
		d.work += curveWork
	}
	added := len(polygon) - len(d.path[last])
	d.points += added
	d.work += pointWork * int64(added)
	d.path[last] = polygon
	return nil
}

// appendCurve adds a Bézier curve as straight pieces.
func appendCurve(polygon []vector, a, b, c, d vector) []vector {
	for i := 1; i <= curveSegments; i++ {
		t := float64(i) / curveSegments
		ab, bc, cd := between(a, b, t), between(b, c, t), between(c, d, t)
		polygon = append(polygon, between(between(ab, bc, t), between(bc, cd, t), t))
	}
	return polygon
}
