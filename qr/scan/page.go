package scan

import (
	"image"
	"math"
	"slices"
)

// pageReader reads one page, in one polarity.
type pageReader struct {
	levels   []*plane
	found    []finder
	taken    []bool // finders of codes that were read
	versions map[int]int
	codes    []Code
	unread   []candidate
}

// candidate is a triple whose place and version are settled.
type candidate struct {
	triple
	version int
	plane   *plane
	mesh    *mesh
	attempt attempt
}

// readPage reads all codes of a page, dark on light or, if there are none, light on dark.
func readPage(img *image.Gray) ([]Code, []Unread) {
	codes, unread := readPolarity(img)
	if len(codes) == 0 {
		if inverse, _ := readPolarity(inverted(img)); len(inverse) > 0 {
			return inverse, nil
		}
	}
	return codes, unread
}

func readPolarity(img *image.Gray) ([]Code, []Unread) {
	r := &pageReader{levels: pyramid(img), versions: map[int]int{}}
	for i, p := range r.levels[:len(r.levels)-1] {
		p.threshold = newThresholds(p, r.levels[i+1])
		r.found = findFinders(p, r.found)
	}
	r.taken = make([]bool, len(r.found))
	r.firstPass(groupFinders(r.found))
	r.secondPass()
	var unread []Unread
	for _, c := range r.unread {
		if !c.uses(r.isTaken) {
			r.take(c.triple)
			unread = append(unread, Unread{Bounds: c.bounds()})
		}
	}
	return r.codes, unread
}

func (r *pageReader) isTaken(i int) bool { return r.taken[i] }

func (r *pageReader) take(t triple) {
	r.taken[t.origin], r.taken[t.right], r.taken[t.down] = true, true, true
}

// firstPass settles every triple that is a code at all, and reads it the plain way.
func (r *pageReader) firstPass(triples []triple) {
	for _, t := range triples {
		if t.uses(r.isTaken) {
			continue
		}
		c, ok := r.settle(t)
		if !ok {
			continue
		}
		g := sampleGrid(c.plane, c.mesh, c.version, wideSpread)
		if !r.try(&c, g) {
			r.unread = append(r.unread, c)
		}
	}
}

// secondPass tries harder with what the first left.
func (r *pageReader) secondPass() {
	r.unread = slices.DeleteFunc(r.unread, func(c candidate) bool {
		if c.uses(r.isTaken) {
			return true
		}
		for _, spread := range []float64{wideSpread, onePoint} {
			g := sampleGrid(c.plane, c.mesh, c.version, spread)
			for _, amount := range []float32{0, 0.15, 0.3} {
				if r.try(&c, g.sharpened(amount)) {
					return true
				}
			}
		}
		return false
	})
}

const wideReach, nearReach = 10, 5 // modules around one that its threshold comes from

// try decodes a grid and keeps the code.
func (r *pageReader) try(c *candidate, g *grid) bool {
	for _, reach := range []int{wideReach, nearReach} {
		matrix, err := g.bits(reach)
		if err != nil {
			return false
		}
		text, err := c.attempt.decode(matrix, c.version)
		if err != nil {
			continue
		}
		r.take(c.triple)
		r.versions[c.version]++
		r.codes = append(r.codes, Code{Text: text, Version: c.version, Bounds: c.bounds()})
		return true
	}
	return false
}

// bounds is the smallest upright rectangle around a code.
func (c *candidate) bounds() image.Rectangle {
	side := float64(sideOf(c.version))
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, corner := range [][2]float64{{0, 0}, {side, 0}, {0, side}, {side, side}} {
		at, _, _ := c.mesh.cell(corner[0], corner[1])
		x0, x1 = min(x0, at.x), max(x1, at.x)
		y0, y1 = min(y0, at.y), max(y1, at.y)
	}
	s := c.plane.scale
	return image.Rect(int(x0*s), int(y0*s), int(math.Ceil(x1*s)), int(math.Ceil(y1*s)))
}

const (
	samplingModule = 3.2 // pixels of a module from which a code is sampled
	spanSlack      = 0.2 // how far the stated version may be from the estimated one
	minSeen        = 0.4 // share of the alignment patterns without which it is no code
	minTiming      = 0.5 // correlation of both timing patterns
)

// settle finds the version of a triple and its mesh, or that it is no code.
func (r *pageReader) settle(t triple) (candidate, bool) {
	level := 0
	for m := t.module; m/2 >= samplingModule && level+1 < len(r.levels); m /= 2 {
		level++
	}
	p := r.levels[level]
	f := frame{r.found[t.origin].at().times(1 / p.scale), r.found[t.right].at().times(1 / p.scale), r.found[t.down].at().times(1 / p.scale)}
	version := p.versionIn(f, t.modules)
	if version == 0 {
		return candidate{}, false
	}
	c := candidate{triple: t, version: version, plane: p, mesh: newMesh(p, f, version)}
	if c.mesh.sought > 3 && float64(c.mesh.matched) < minSeen*float64(c.mesh.sought) {
		return candidate{}, false
	}
	return c, true
}

// versionIn reads the version that a code between three finders states of itself, or for the small
// ones, which do not, the one whose timing patterns are there. 0 means none.
func (p *plane) versionIn(f frame, span float64) int {
	low := max(versionNear(span*(1-spanSlack)), 1)
	high := min(versionNear(span*(1+spanSlack)), maxVersion)
	best, fewest := 0, 2*maxVersionErrors+1
	for v := max(low, versionBlocks); v <= high; v++ {
		a, b := p.versionErrors(f, v)
		if min(a, b) > maxVersionErrors {
			continue
		}
		if n := min(a, maxVersionErrors+1) + min(b, maxVersionErrors+1); n < fewest {
			best, fewest = v, n
		}
	}
	if best > 0 {
		return best
	}
	clearest := minTiming
	for v := low; v <= min(high, versionBlocks-1); v++ {
		if s := min(p.timing(f.origin, f.right, f.down, v), p.timing(f.origin, f.down, f.right, v)); s > clearest {
			best, clearest = v, s
		}
	}
	return best
}

// versionErrors counts the wrong bits of both statements of a version (ISO/IEC 18004 clause 7.10).
func (p *plane) versionErrors(f frame, version int) (right, down int) {
	word := versionWord(version)
	span := spanOf(version)
	u, v := f.right.minus(f.origin).times(1/span), f.down.minus(f.origin).times(1/span)
	count := func(corner vector, along, across vector) int {
		// Bit 0 is nearest to the timing pattern's corner: six rows of three.
		var values [18]float64
		low, high := 255.0, 0.0
		for k := range values {
			at := corner.plus(along.times(float64(k%3) - 7)).plus(across.times(float64(k/3) - 3))
			values[k] = p.at(at.x, at.y)
			low, high = min(low, values[k]), max(high, values[k])
		}
		wrong := 0
		for k, value := range values {
			if (value < (low+high)/2) != (word>>k&1 == 1) {
				wrong++
			}
		}
		return wrong
	}
	return count(f.right, u, v), count(f.down, v, u)
}

// timing correlates the timing pattern from one finder to another with light and
// dark in turn. side points to where the pattern lies off the line of centres.
func (p *plane) timing(from, to, side vector, version int) float64 {
	span := spanOf(version)
	along := to.minus(from).times(1 / span)
	across := side.minus(from).times((timingCentre - finderCentre) / span)
	var sum, squares, product float64
	n := sideOf(version) - 16
	for k := range n {
		at := from.plus(across).plus(along.times(float64(k) + 5))
		v := p.at(at.x, at.y)
		sum += v
		squares += v * v
		if k%2 == 0 {
			product -= v
		} else {
			product += v
		}
	}
	// Dark leads by one, as n is odd.
	product += sum / float64(n)
	variance := squares - sum*sum/float64(n)
	if variance < 25*float64(n) {
		return 0
	}
	return product / math.Sqrt(variance*float64(n))
}
