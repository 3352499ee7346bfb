package scan

import "math"

// finder is a finder pattern: three concentric squares, dark, light and dark,
// crossed by every line through the middle in the ratio 1:1:3:1:1 (ISO/IEC 18004
// clause 6.3.3). In pixels of the page.
type finder struct {
	x, y   float64
	module float64 // along the rows and columns of the image, not of the code
	hits   int     // rows that crossed it
}

const (
	rowStep      = 2    // image rows between two that are searched
	minModule    = 1.25 // pixels of a module below which nothing is legible
	maxFinders   = 1500 // per page; a full page has 120
	runTolerance = 0.6  // a run may be off by this many modules, the middle by thrice
)

// findFinders searches the rows of a plane.
func findFinders(p *plane, found []finder) []finder {
	first := len(found) // patterns of larger planes are more exact
	for y := rowStep / 2; y < p.h; y += rowStep {
		found = p.searchRow(y, first, found)
		if len(found) >= maxFinders {
			break
		}
	}
	return found
}

// searchRow follows the edges of one row between light and dark. Edges are placed
// between pixels by their grey values: at two pixels a module a whole pixel would
// be too coarse for the ratios.
func (p *plane) searchRow(y, first int, found []finder) []finder {
	row := p.pix[y*p.stride:][:p.w:p.w]
	limits := p.threshold.t[(y>>blockBits)*p.threshold.w:]
	var edges [6]float64 // the last six, the newest last
	count := 0
	dark := false
	previous := 255
	for bx := 0; bx<<blockBits < p.w; bx++ {
		t := int(limits[bx])
		x0 := bx << blockBits
		for i, v := range row[x0:min(x0+blockSize, p.w)] {
			d := int(v) - t
			if (d < 0) == dark {
				previous = d
				continue
			}
			dark = !dark
			// The pixel before is judged by this block's threshold, which may differ from its own.
			step := float64(previous - d)
			edge := float64(x0+i) + 0.5
			if step != 0 {
				edge -= min(max(float64(-d)/step, 0), 1)
			}
			previous = d
			copy(edges[:], edges[1:])
			edges[5] = edge
			count++
			if !dark && count >= 6 {
				if module := ratioOf(&edges, 1); module >= minModule {
					found = p.confirm((edges[2]+edges[3])/2, float64(y)+0.5, module, first, found)
					if len(found) >= maxFinders {
						return found
					}
				}
			}
		}
	}
	return found
}

// ratioOf returns the module size if the five runs between six edges stand as
// 1:1:3:1:1, else 0.
func ratioOf(e *[6]float64, tolerance float64) float64 {
	m := (e[5] - e[0]) / 7
	t := m * runTolerance * tolerance
	if math.Abs(e[1]-e[0]-m) > t || math.Abs(e[2]-e[1]-m) > t || math.Abs(e[3]-e[2]-3*m) > 3*t/2 ||
		math.Abs(e[4]-e[3]-m) > t || math.Abs(e[5]-e[4]-m) > t {
		return 0
	}
	return m
}

// confirm crosses a candidate downwards, sideways and along both diagonals.
func (p *plane) confirm(x, y, module float64, first int, found []finder) []finder {
	px, py := x*p.scale, y*p.scale
	for i := range found {
		f := &found[i]
		reach := 1.8 * f.module
		if math.Abs(f.x-px) < reach && math.Abs(f.y-py) < reach && module*p.scale < 1.6*f.module && module*p.scale > 0.6*f.module {
			f.hits++
			return found
		}
	}
	down, _, ok := p.cross(x, y, 0, 1, module)
	if !ok {
		return found
	}
	y += down
	side, sm, ok := p.cross(x, y, 1, 0, module)
	if !ok {
		return found
	}
	x += side
	// Again, now through the middle.
	down, dm, ok := p.cross(x, y, 0, 1, module)
	if !ok {
		return found
	}
	y += down
	if dm > 1.6*sm || sm > 1.6*dm {
		return found
	}
	_, _, fall := p.cross(x, y, 1, 1, module)
	_, _, rise := p.cross(x, y, 1, -1, module)
	if !fall && !rise {
		return found
	}
	f := finder{x: x * p.scale, y: y * p.scale, module: (dm + sm) / 2 * p.scale, hits: 1}
	for i := range found {
		g := &found[i]
		if math.Abs(f.x-g.x) < 2*g.module && math.Abs(f.y-g.y) < 2*g.module && f.module < 1.6*g.module && f.module > 0.6*g.module {
			g.hits++
			return found
		}
	}
	return append(found, f)
}

// cross walks from a point in the middle of a supposed finder pattern in steps of
// (dx, dy) and back, and returns how far the middle lies from the point, in steps,
// and the module size in steps.
func (p *plane) cross(x, y float64, dx, dy int, module float64) (shift, size float64, ok bool) {
	forth, ok1 := p.walk(int(x), int(y), dx, dy, 6*module)
	back, ok2 := p.walk(int(x), int(y), -dx, -dy, 6*module)
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	e := [6]float64{-back[2], -back[1], -back[0], forth[0], forth[1], forth[2]}
	size = ratioOf(&e, 1.1)
	if size == 0 || size < module/1.8 || size > module*1.8 {
		return 0, 0, false
	}
	// The walk began at a pixel's middle, the point may lie beside it.
	shift = (e[0] + e[1] + e[2] + e[3] + e[4] + e[5]) / 6
	if dx != 0 {
		shift += math.Floor(x) + 0.5 - x
	} else {
		shift += math.Floor(y) + 0.5 - y
	}
	return shift, size, true
}

// walk returns the distances of the first three edges from a dark pixel, in steps.
func (p *plane) walk(x, y, dx, dy int, limit float64) (edges [3]float64, ok bool) {
	if x < 0 || y < 0 || x >= p.w || y >= p.h {
		return edges, false
	}
	previous := p.contrast(x, y)
	if previous >= 0 {
		return edges, false
	}
	dark, n := true, 0
	for k := 1; float64(k) < limit; k++ {
		x, y = x+dx, y+dy
		if x < 0 || y < 0 || x >= p.w || y >= p.h {
			return edges, false
		}
		d := p.contrast(x, y)
		if (d < 0) == dark {
			previous = d
			continue
		}
		dark = !dark
		back := 0.5
		if previous != d {
			back = min(max(float64(-d)/float64(previous-d), 0), 1)
		}
		previous = d
		edges[n] = float64(k) - back
		if n++; n == 3 {
			return edges, true
		}
	}
	return edges, false
}
