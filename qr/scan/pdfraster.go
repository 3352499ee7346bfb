package scan

import (
	"cmp"
	"errors"
	"image"
	"math"
	"math/bits"
	"slices"
)

// matrix is a transformation of PDF: x' = a·x + c·y + e, y' = b·x + d·y + f.
type matrix struct{ a, b, c, d, e, f float64 }

// then is the transformation m followed by n.
func (m matrix) then(n matrix) matrix {
	return matrix{
		m.a*n.a + m.b*n.c, m.a*n.b + m.b*n.d,
		m.c*n.a + m.d*n.c, m.c*n.b + m.d*n.d,
		m.e*n.a + m.f*n.c + n.e, m.e*n.b + m.f*n.d + n.f,
	}
}

func (m matrix) apply(x, y float64) vector {
	return vector{m.a*x + m.c*y + m.e, m.b*x + m.d*y + m.f}
}

func (m matrix) inverse() (matrix, bool) {
	det := m.a*m.d - m.b*m.c
	if !(math.Abs(det) > 1e-12) {
		return matrix{}, false
	}
	return matrix{
		m.d / det, -m.b / det, -m.c / det, m.a / det,
		(m.c*m.f - m.d*m.e) / det, (m.b*m.e - m.a*m.f) / det,
	}, true
}

// canvas is a page being drawn.
type canvas struct {
	img  *image.Gray
	work int64 // spent on drawing: edges crossed and pixels painted
}

const (
	maxWork       = 300_000_000 // more than any page that a program means to be printed
	lineSamples   = 4           // scan lines per row of pixels; along the row coverage is exact
	fillWork      = 200         // of a path, however small
	rowWork       = 4           // of a row of pixels that it touches
	crossingWork  = 2           // of an edge on a scan line
	sortingWork   = 3           // of an edge, for every halving of those that are sorted
	coveredPixels = 2           // that a path may lie on, while one is read
	maxPathPoints = 1 << 20     // of a page: one full of codes has some 650,000
	curveSegments = 12
)

var errComplex = errors.New("the page is too complicated to draw")

// edge is a side of a polygon, upwards or downwards.
type edge struct {
	top, bottom float64
	x, slope    float64 // at the top, and per row
	winding     int
	at          float64 // where the scan line crosses it
}

// fill paints the inside of polygons in one grey, by the nonzero or the even-odd rule.
func (c *canvas) fill(polygons [][]vector, evenOdd bool, shade byte) error {
	edges, left, right := edgesOf(polygons, c.img.Rect.Dx())
	if len(edges) == 0 || left >= right {
		return nil
	}
	c.work += fillWork
	c.sorted(edges, func(a, b edge) int { return cmp.Compare(a.top, b.top) })
	bottom := 0.0
	for _, e := range edges {
		bottom = max(bottom, e.bottom)
	}
	cover := make([]float32, right-left)
	var active []edge // from left to right
	first := max(int(edges[0].top), 0)
	for y := first; y < min(int(math.Ceil(bottom)), c.img.Rect.Dy()); y++ {
		clear(cover)
		for k := 0; k < lineSamples; {
			line := float64(y) + (float64(k)+0.5)/lineSamples
			for len(edges) > 0 && edges[0].top <= line {
				active = append(active, edges[0])
				edges = edges[1:]
			}
			active = slices.DeleteFunc(active, func(e edge) bool { return e.bottom <= line })
			for i, e := range active {
				active[i].at = e.x + (line-e.top)*e.slope
			}
			c.sorted(active, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
			lines := 1
			if last := float64(y+1) - 0.5/lineSamples; k == 0 && (len(edges) == 0 || edges[0].top > last) && upright(active, last) {
				lines = lineSamples
			}
			paintSpans(cover, active, float64(left), evenOdd, lines)
			if c.work += crossingWork * int64(len(active)); c.work > maxWork {
				return errComplex
			}
			k += lines
		}
		if c.work += rowWork + int64(len(cover))/coveredPixels; c.work > maxWork {
			return errComplex
		}
		row := c.img.Pix[y*c.img.Stride+left:][:len(cover)]
		for x, v := range cover {
			if v > 0 {
				v = min(v/lineSamples, 1)
				row[x] = byte(float32(row[x])*(1-v) + float32(shade)*v + 0.5)
			}
		}
	}
	return nil
}

// sorted sorts edges, which is work where they are not in order: from one scan line to the next
// those of a code are.
func (c *canvas) sorted(edges []edge, compare func(a, b edge) int) {
	if slices.IsSortedFunc(edges, compare) {
		return
	}
	slices.SortFunc(edges, compare)
	c.work += sortingWork * int64(len(edges)) * int64(bits.Len(uint(len(edges))))
}

// upright tells whether edges are crossed at the same places by all scan lines up to the last of a row.
func upright(edges []edge, last float64) bool {
	for _, e := range edges {
		if e.slope != 0 || e.bottom <= last {
			return false
		}
	}
	return true
}

// paintSpans adds the inside on scan lines that are alike to the coverage of pixels that begin at left.
func paintSpans(cover []float32, edges []edge, left float64, evenOdd bool, lines int) {
	inside, weight := 0, float32(lines)
	for i, e := range edges {
		before := inside
		if evenOdd {
			inside ^= 1
		} else {
			inside += e.winding
		}
		if before == 0 || i == 0 {
			continue
		}
		from := max(edges[i-1].at-left, 0)
		to := min(e.at-left, float64(len(cover)))
		if from >= to {
			continue
		}
		x0, x1 := int(from), int(to)
		if x0 == x1 {
			cover[x0] += weight * float32(to-from)
			continue
		}
		cover[x0] += weight * float32(float64(x0+1)-from)
		for x := x0 + 1; x < x1; x++ {
			cover[x] += weight
		}
		if x1 < len(cover) {
			cover[x1] += weight * float32(to-float64(x1))
		}
	}
}

// edgesOf lists the sides of polygons that are not level, and the columns they lie in.
func edgesOf(polygons [][]vector, width int) (edges []edge, left, right int) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, polygon := range polygons {
		for i, a := range polygon {
			b := polygon[(i+1)%len(polygon)]
			low, high = min(low, a.x), max(high, a.x)
			e := edge{top: a.y, bottom: b.y, x: a.x, winding: 1}
			if a.y > b.y {
				e = edge{top: b.y, bottom: a.y, x: b.x, winding: -1}
			}
			if !(e.top < e.bottom) || math.IsInf(e.bottom-e.top, 0) {
				continue
			}
			e.slope = (b.x - a.x) / (b.y - a.y)
			edges = append(edges, e)
		}
	}
	limit := float64(width)
	return edges, int(min(max(low, 0), limit)), int(min(max(math.Ceil(high), 0), limit))
}

// paint lays an image over the unit square of m. A mask is painted in one shade where it is dark.
func (c *canvas) paint(img *image.Gray, m matrix, mask bool, shade byte) error {
	size := img.Rect.Size()
	back, ok := m.inverse()
	if !ok {
		return nil
	}
	low, high := m.apply(0, 0), m.apply(0, 0)
	for _, p := range []vector{m.apply(1, 0), m.apply(0, 1), m.apply(1, 1)} {
		low = vector{min(low.x, p.x), min(low.y, p.y)}
		high = vector{max(high.x, p.x), max(high.y, p.y)}
	}
	w, h := float64(c.img.Rect.Dx()), float64(c.img.Rect.Dy())
	x0, y0 := int(min(max(low.x, 0), w)), int(min(max(low.y, 0), h))
	x1, y1 := int(min(max(math.Ceil(high.x), 0), w)), int(min(max(math.Ceil(high.y), 0), h))
	if c.work += int64(x1-x0) * int64(y1-y0); c.work > maxWork {
		return errComplex
	}
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			p := back.apply(float64(x)+0.5, float64(y)+0.5)
			if p.x < 0 || p.y < 0 || p.x >= 1 || p.y >= 1 {
				continue
			}
			// An image hangs from the top of the square (ISO 32000-1 clause 8.9.5).
			v := img.Pix[int((1-p.y)*float64(size.Y)*0.999999)*img.Stride+int(p.x*float64(size.X))]
			if !mask {
				c.img.Pix[y*c.img.Stride+x] = v
			} else if v < 128 {
				c.img.Pix[y*c.img.Stride+x] = shade
			}
		}
	}
	return nil
}
