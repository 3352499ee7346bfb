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
	taken    []bool      // finders of codes that were read
	read     []candidate // codes that were read, as codes
	unread   []candidate
	codes    []Code
	sampling sampling // with which codes are tried first
	retries  int
}

// candidate is a code whose place and version are settled.
type candidate struct {
	finders []int // in the list of those found, those it stands on
	version int
	plane   *plane
	mesh    *mesh
	attempt attempt
	tried   bool // harder than the plain way
}

// readPage reads all codes of a page, dark on light or, if there are none, light on dark. It
// counts the finder patterns that it saw.
func readPage(img *image.Gray) ([]Code, []Unread, int) {
	codes, unread, finders := readPolarity(img)
	if len(codes) == 0 {
		inverse, rest, more := readPolarity(inverted(img))
		finders += more
		if len(inverse) > 0 {
			return inverse, rest, finders
		}
	}
	return codes, unread, finders
}

func readPolarity(img *image.Gray) ([]Code, []Unread, int) {
	r := &pageReader{levels: pyramid(img), sampling: samplings[0]}
	for i, p := range r.levels[:len(r.levels)-1] {
		p.threshold = newThresholds(p, r.levels[i+1])
		r.found = findFinders(p, r.found)
	}
	r.taken = make([]bool, len(r.found))
	r.firstPass(groupFinders(r.found))
	r.retry()
	r.recover()
	r.retry()
	var unread []Unread
	for _, c := range r.unread {
		middle := c.middle()
		at := image.Pt(int(middle.x), int(middle.y))
		if !slices.ContainsFunc(unread, func(u Unread) bool { return at.In(u.Bounds) }) {
			unread = append(unread, Unread{Bounds: c.bounds()})
		}
	}
	return r.codes, unread, len(r.found)
}

func (r *pageReader) isTaken(i int) bool { return r.taken[i] }

// A page holds some 40 codes. What looks like more is there to keep the reader busy.
const (
	maxUnread  = 400 // candidates kept
	maxRetries = 60  // candidates on which more than one try is spent
)

// firstPass settles every triple that is a code at all, and reads it the plain way.
func (r *pageReader) firstPass(triples []triple) {
	for _, t := range triples {
		if t.uses(r.isTaken) {
			continue
		}
		if len(r.unread) >= maxUnread {
			return
		}
		p := r.levelFor(t.module)
		f := frame{r.found[t.origin].at(), r.found[t.right].at(), r.found[t.down].at()}.scaled(1 / p.scale)
		version := p.versionIn(f, t.modules)
		if version == 0 || t.uses(func(i int) bool { return r.covered(r.found[i].at()) }) {
			continue
		}
		r.attend(candidate{finders: []int{t.origin, t.right, t.down}, version: version, plane: p, mesh: newMesh(p, f, version)})
	}
}

// levelFor is the plane on which modules are wide enough, and no wider.
func (r *pageReader) levelFor(module float64) *plane {
	level := 0
	for m := module; m/2 >= samplingModule && level+1 < len(r.levels); m /= 2 {
		level++
	}
	return r.levels[level]
}

// attend reads a candidate the plain way, or keeps it for later if it looks like a code.
func (r *pageReader) attend(c candidate) bool {
	if c.mesh.strays > 0 || c.mesh.sought > 3 && float64(c.mesh.matched) < minSeen*float64(c.mesh.sought) {
		return false
	}
	g := sampleGrid(c.plane, c.mesh, c.version, r.sampling.spread)
	if g.timing() < minTimingSeen && c.version < versionBlocks {
		// Between so few patterns the mesh misses the bend of the sheet.
		c.mesh = c.plane.follow(c.plane.bent(c.mesh, c.version), c.version)
		g = sampleGrid(c.plane, c.mesh, c.version, r.sampling.spread)
	}
	if g.timing() < minTimingSeen {
		return false
	}
	if r.try(&c, g.sharpened(r.sampling.sharpen)) {
		return true
	}
	// Beyond doubt a code: its finders had better not be tried with those of others first.
	if c.mesh.sought > 3 && c.mesh.matched == c.mesh.sought && g.timing() > sureTiming && r.tryHarder(&c) {
		return true
	}
	r.unread = append(r.unread, c)
	return false
}

// retry tries harder with what is left: by undoing blur, and by following the
// paper between the alignment patterns.
func (r *pageReader) retry() {
	var left []candidate
	for _, c := range r.unread {
		if r.stale(c) {
			continue
		}
		if c.tried || r.retries >= maxRetries || !r.tryHarder(&c) {
			left = append(left, c)
		}
	}
	// A code that was read may have shown others to be no codes.
	r.unread = slices.DeleteFunc(left, r.stale)
}

// stale tells whether a code was read where a candidate is, or one of its finders.
func (r *pageReader) stale(c candidate) bool {
	inside := func(i int) bool { return r.taken[i] || r.covered(r.found[i].at()) }
	return slices.ContainsFunc(c.finders, inside) || r.covered(c.middle())
}

func (r *pageReader) tryHarder(c *candidate) bool {
	r.retries++
	c.tried = true
	for _, follow := range []bool{false, true} {
		m := c.mesh
		if follow {
			if c.version < versionBlocks && len(m.centres) == 2 {
				m = c.plane.bent(m, c.version)
			}
			m = c.plane.follow(m, c.version)
		}
		for i, s := range samplings {
			if i >= hopelessAfter && c.attempt.hopeless() {
				break
			}
			if r.try(c, sampleGrid(c.plane, m, c.version, s.spread).sharpened(s.sharpen)) {
				r.sampling = s // what served one code of a page serves the next
				return true
			}
		}
	}
	return false
}

const hopelessAfter = 2 // samplings of one mesh

const wideReach, nearReach = 10, 5 // modules around one that its threshold comes from

// try decodes a grid and keeps the code.
func (r *pageReader) try(c *candidate, g *grid) bool {
	for _, reach := range []int{wideReach, nearReach} {
		matrix, err := g.bits(reach)
		if err != nil {
			return false
		}
		text, err := c.attempt.decode(unmirrored(matrix), c.version)
		if err != nil {
			continue
		}
		for _, i := range c.finders {
			r.taken[i] = true
		}
		r.read = append(r.read, *c)
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

// middle is the middle of a code, in pixels of the page.
func (c *candidate) middle() vector {
	half := float64(sideOf(c.version)) / 2
	at, _, _ := c.mesh.cell(half, half)
	return at.times(c.plane.scale)
}

// covered tells whether a point of the page lies in a code that was read.
func (r *pageReader) covered(at vector) bool {
	return slices.ContainsFunc(r.read, func(c candidate) bool {
		side := float64(sideOf(c.version))
		corners := [4][2]float64{{0, 0}, {side, 0}, {side, side}, {0, side}}
		var quad [4]vector
		for i, p := range corners {
			q, _, _ := c.mesh.cell(p[0], p[1])
			quad[i] = q.times(c.plane.scale)
		}
		for i, a := range quad {
			if quad[(i+1)%4].minus(a).cross(at.minus(a)) < 0 {
				return false
			}
		}
		return true
	})
}

const (
	samplingModule = 3.2 // pixels of a module from which a code is sampled
	minSeen        = 0.4 // share of the alignment patterns without which it is no code
	minTimingSeen  = 0.5 // correlation of the timing patterns, followed over the mesh
	sureTiming     = 0.9
)
