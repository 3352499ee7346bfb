package scan

import (
	"cmp"
	"math"
	"slices"
)

// triple is three finder patterns that stand as those of one code: origin at its
// corner, right and down at the ends of its sides.
type triple struct {
	origin, right, down int     // indices of finders
	modules             float64 // estimated distance between finder centres, in modules
	module              float64 // estimated module size, in pixels of the page
	misfit              float64 // from a square of one size, 0 is perfect
}

const (
	minSpan       = 14.0  // modules between the finders of version 1
	maxSpan       = 170.0 // of version 40
	spanTolerance = 0.25  // module sizes of finders are that inexact
	maxNeighbours = 48    // finders looked at around each one
	maxSkew       = 0.30  // cosine between the sides
	maxStretch    = 1.35  // ratio of the sides, and of the finders' module sizes
	maxTriples    = 6000
)

type vector struct{ x, y float64 }

func (a vector) plus(b vector) vector       { return vector{a.x + b.x, a.y + b.y} }
func (a vector) minus(b vector) vector      { return vector{a.x - b.x, a.y - b.y} }
func (a vector) times(k float64) vector     { return vector{a.x * k, a.y * k} }
func (a vector) length() float64            { return math.Hypot(a.x, a.y) }
func (a vector) cross(b vector) float64     { return a.x*b.y - a.y*b.x }
func (a vector) dot(b vector) float64       { return a.x*b.x + a.y*b.y }
func between(a, b vector, t float64) vector { return a.plus(b.minus(a).times(t)) }
func (f finder) at() vector                 { return vector{f.x, f.y} }
func ratio(a, b float64) float64            { return max(a, b) / min(a, b) }
func alongAxis(direction vector) float64 {
	return max(math.Abs(direction.x), math.Abs(direction.y)) / direction.length()
}
func spanOf(version int) float64             { return float64(4*version + 10) }
func versionNear(span float64) (version int) { return int(math.Round((span - 10) / 4)) }
func plausibleSpan(span float64) bool {
	return span > minSpan*(1-spanTolerance) && span < maxSpan*(1+spanTolerance)
}
func (t triple) uses(f func(int) bool) bool { return f(t.origin) || f(t.right) || f(t.down) }

// groupFinders lists the triples, the squarest first. Every finder is tried as
// the corner of a code, with the pairs among its nearest neighbours.
func groupFinders(found []finder) []triple {
	var triples []triple
	type neighbour struct {
		index int
		side  vector
		far   float64
	}
	near := make([]neighbour, 0, len(found))
	for o, corner := range found {
		near = near[:0]
		for i, f := range found {
			if i == o || ratio(f.module, corner.module) > maxStretch {
				continue
			}
			side := f.at().minus(corner.at())
			far := side.length()
			if far == 0 {
				continue
			}
			if module := (f.module + corner.module) / 2 * alongAxis(side); plausibleSpan(far / module) {
				near = append(near, neighbour{i, side, far})
			}
		}
		slices.SortFunc(near, func(a, b neighbour) int { return cmp.Compare(a.far, b.far) })
		near = near[:min(len(near), maxNeighbours)]
		for i, a := range near {
			for _, b := range near[i+1:] {
				if b.far > a.far*maxStretch {
					break
				}
				t, ok := makeTriple(found, o, a.index, b.index)
				if ok {
					triples = append(triples, t)
				}
			}
		}
	}
	slices.SortStableFunc(triples, func(a, b triple) int { return cmp.Compare(a.misfit, b.misfit) })
	return triples[:min(len(triples), maxTriples)]
}

// makeTriple judges three finders, with the two ends in either order, and turns
// them so that the code is not mirrored.
func makeTriple(found []finder, o, i, j int) (triple, bool) {
	corner := found[o].at()
	a, b := found[i].at().minus(corner), found[j].at().minus(corner)
	if a.cross(b) < 0 {
		a, b, i, j = b, a, j, i
	}
	la, lb := a.length(), b.length()
	skew := math.Abs(a.dot(b)) / (la * lb)
	if skew > maxSkew || ratio(found[i].module, found[j].module) > maxStretch {
		return triple{}, false
	}
	module := (found[o].module + found[i].module + found[j].module) / 3 * (alongAxis(a) + alongAxis(b)) / 2
	span := (la + lb) / 2 / module
	if !plausibleSpan(span) {
		return triple{}, false
	}
	t := triple{origin: o, right: i, down: j, modules: span, module: module}
	t.misfit = skew + math.Log(ratio(la, lb)) + 0.5*math.Log(ratio(found[i].module, found[j].module)) +
		0.5*math.Log(ratio(found[i].module, found[o].module))
	// Shorter sides first: a triple across several codes is squarer at times than one of a code.
	t.misfit += 0.001 * span
	return t, true
}
