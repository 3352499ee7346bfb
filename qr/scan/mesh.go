package scan

import "math"

// mesh maps modules of a code to points of a plane. Its nodes are the alignment
// patterns, so that a curled or creased sheet is followed across the code;
// between the nodes it is bilinear, outside it continues the outermost cells.
type mesh struct {
	centres []float64 // module coordinates of the nodes in both directions
	nodes   []vector  // row by row
	matched int       // nodes that were seen, not only reckoned
	sought  int       // nodes that an alignment pattern should stand at
	strays  int       // finders that are not where the alignment patterns near them say
}

func (m *mesh) node(i, j int) *vector { return &m.nodes[j*len(m.centres)+i] }

// frame is where a code is thought to lie: the centres of its finder patterns on a plane.
type frame struct {
	origin, right, down vector
}

const (
	edgeReach   = 2.5 // modules an alignment pattern may lie from where it is expected
	cornerReach = 4.5 // the only alignment pattern of a small version, seen from three corners
	finderReach = 0.75
	cornerSlack = 3.0  // modules a corner may be off what its neighbours say
	minMatch    = 0.55 // correlation from which a pattern is taken as seen
	coarseStep  = 0.5  // modules between the places tried
)

// newMesh looks for the alignment patterns of a version, outwards from the finders.
func newMesh(p *plane, f frame, version int) *mesh {
	centres := alignmentCentres(version)
	n := len(centres)
	m := &mesh{centres: centres, nodes: make([]vector, n*n)}
	m.placeCorners(p, f, version)
	if version == 1 {
		*m.node(1, 1) = m.node(1, 0).plus(*m.node(0, 1)).minus(*m.node(0, 0))
		return m
	}
	seen := make([]bool, n*n)
	for j := range n {
		for i := range n {
			if i == 0 && j == 0 || i == n-1 && j == 0 || i == 0 && j == n-1 {
				seen[j*n+i] = true
				continue
			}
			at, right, down := m.expect(i, j)
			reach := edgeReach
			if n == 2 {
				reach = cornerReach
			}
			m.sought++
			found, score := p.seek(alignmentTemplate, at, right, down, reach)
			if score >= minMatch {
				at = found
				seen[j*n+i] = true
				m.matched++
			}
			*m.node(i, j) = at
		}
	}
	m.fillGaps(p, seen)
	m.judgeCorners(seen)
	return m
}

// placeCorners reckons three of the outermost nodes from the finder patterns, whose centres are made exact first.
func (m *mesh) placeCorners(p *plane, f frame, version int) {
	n := len(m.centres)
	span := spanOf(version)
	u, v := f.right.minus(f.origin).times(1/span), f.down.minus(f.origin).times(1/span)
	for _, corner := range []*vector{&f.origin, &f.right, &f.down} {
		if at, score := p.seek(finderTemplate, *corner, u, v, finderReach); score > minMatch {
			*corner = at
		}
	}
	u, v = f.right.minus(f.origin).times(1/span), f.down.minus(f.origin).times(1/span)
	const inset = timingCentre - finderCentre
	*m.node(0, 0) = f.origin.plus(u.times(inset)).plus(v.times(inset))
	*m.node(n-1, 0) = f.right.minus(u.times(inset)).plus(v.times(inset))
	*m.node(0, n-1) = f.down.plus(u.times(inset)).minus(v.times(inset))
}

// judgeCorners compares the three corners, which come from the finders, with the alignment
// patterns around each. A finder of the next code on a page is off by more than the paper bends.
func (m *mesh) judgeCorners(seen []bool) {
	n := len(m.centres)
	if n < 3 {
		return
	}
	for _, corner := range [][4]int{{0, 0, 1, 1}, {n - 1, 0, n - 2, 1}, {0, n - 1, 1, n - 2}} {
		i, j, inner, outer := corner[0], corner[1], corner[2], corner[3]
		if !seen[j*n+inner] || !seen[outer*n+i] || !seen[outer*n+inner] {
			continue
		}
		expected := m.node(inner, j).plus(*m.node(i, outer)).minus(*m.node(inner, outer))
		_, right, _ := m.cell(m.centres[inner], m.centres[outer])
		if m.node(i, j).minus(expected).length() > cornerSlack*right.length() {
			m.strays++
		}
	}
}

// expect reckons a node from those above and to the left, and the modules' vectors there.
func (m *mesh) expect(i, j int) (at, right, down vector) {
	n := len(m.centres)
	gap := func(k int) float64 { return m.centres[k] - m.centres[k-1] }
	// The side from a node to the next, along the top and left edges straight to the far corner.
	switch {
	case j == 0:
		rest := m.centres[n-1] - m.centres[i-1]
		right = m.node(n-1, 0).minus(*m.node(i-1, 0)).times(1 / rest)
		down = m.node(0, n-1).minus(*m.node(0, 0)).times(1 / (m.centres[n-1] - m.centres[0]))
		return m.node(i-1, 0).plus(right.times(gap(i))), right, down
	case i == 0:
		rest := m.centres[n-1] - m.centres[j-1]
		down = m.node(0, n-1).minus(*m.node(0, j-1)).times(1 / rest)
		right = m.node(1, j-1).minus(*m.node(0, j-1)).times(1 / gap(1))
		return m.node(0, j-1).plus(down.times(gap(j))), right, down
	}
	above, left, corner := *m.node(i, j-1), *m.node(i-1, j), *m.node(i-1, j-1)
	right = above.minus(corner).times(1 / gap(i))
	down = left.minus(corner).times(1 / gap(j))
	return above.plus(left).minus(corner), right, down
}

// fillGaps looks once more for patterns not seen, now from both sides, and places
// the others between their neighbours.
func (m *mesh) fillGaps(p *plane, seen []bool) {
	n := len(m.centres)
	for j := range n {
		for i := range n {
			if seen[j*n+i] {
				continue
			}
			var sum vector
			count := 0.0
			add := func(i1, j1, i2, j2 int, t float64) {
				if i1 < 0 || j1 < 0 || i2 < 0 || j2 < 0 || max(i1, i2) >= n || max(j1, j2) >= n || !seen[j1*n+i1] || !seen[j2*n+i2] {
					return
				}
				sum = sum.plus(between(*m.node(i1, j1), *m.node(i2, j2), t))
				count++
			}
			part := func(a, b, c int) float64 {
				if a < 0 || c < 0 || a >= n || c >= n {
					return 0
				}
				return (m.centres[b] - m.centres[a]) / (m.centres[c] - m.centres[a])
			}
			add(i-1, j, i+1, j, part(i-1, i, i+1))
			add(i, j-1, i, j+1, part(j-1, j, j+1))
			if count == 0 { // continue a line
				add(i-2, j, i-1, j, part(i-2, i, i-1))
				add(i, j-2, i, j-1, part(j-2, j, j-1))
				add(i+2, j, i+1, j, part(i+2, i, i+1))
				add(i, j+2, i, j+1, part(j+2, j, j+1))
			}
			if count == 0 {
				continue
			}
			at := sum.times(1 / count)
			_, right, down := m.expectAround(i, j)
			if found, score := p.seek(alignmentTemplate, at, right, down, 1.5); score >= minMatch {
				at = found
				m.matched++
				seen[j*n+i] = true
			}
			*m.node(i, j) = at
		}
	}
}

// expectAround returns the modules' vectors at a node of a filled mesh.
func (m *mesh) expectAround(i, j int) (at, right, down vector) {
	return m.cell(m.centres[i], m.centres[j])
}

// cell maps a point in modules, and returns the modules' vectors there.
func (m *mesh) cell(x, y float64) (at, right, down vector) {
	i, j := m.index(x), m.index(y)
	x0, y0 := m.centres[i], m.centres[j]
	w, h := m.centres[i+1]-x0, m.centres[j+1]-y0
	s, t := (x-x0)/w, (y-y0)/h
	a, b, c, d := *m.node(i, j), *m.node(i+1, j), *m.node(i, j+1), *m.node(i+1, j+1)
	top, bottom := between(a, b, s), between(c, d, s)
	left, far := between(a, c, t), between(b, d, t)
	return between(top, bottom, t), far.minus(left).times(1 / w), bottom.minus(top).times(1 / h)
}

// index is the cell that holds a coordinate, the outermost ones reaching to the edges.
func (m *mesh) index(x float64) int {
	last := len(m.centres) - 2
	for i := range last {
		if x < m.centres[i+1] {
			return i
		}
	}
	return last
}

// seek moves a square template around a point until it fits best, and returns
// where, and the correlation of grey values with it: 1 is perfect.
func (p *plane) seek(template []int8, at, right, down vector, reach float64) (best vector, score float64) {
	steps := int(math.Round(reach / coarseStep))
	best = at
	for j := -steps; j <= steps; j++ {
		for i := -steps; i <= steps; i++ {
			q := at.plus(right.times(float64(i) * coarseStep)).plus(down.times(float64(j) * coarseStep))
			s := p.match(template, q, right, down)
			// Of two alike the nearer one.
			s -= 0.02 * math.Hypot(float64(i), float64(j)) * coarseStep
			if s > score {
				best, score = q, s
			}
		}
	}
	if score < minMatch*0.7 {
		return at, 0
	}
	score = p.match(template, best, right, down)
	for step := coarseStep / 2; step > 0.1; step /= 2 {
		middle := best
		for j := -1.0; j <= 1; j++ {
			for i := -1.0; i <= 1; i++ {
				q := middle.plus(right.times(i * step)).plus(down.times(j * step))
				if s := p.match(template, q, right, down); s > score {
					best, score = q, s
				}
			}
		}
	}
	return best, score
}

// match is the correlation of a template with the grey values at a place.
func (p *plane) match(template []int8, at, right, down vector) float64 {
	side := 5
	if len(template) == len(finderTemplate) {
		side = 7
	}
	half := float64(side-1) / 2
	var sum, squares, product, weights float64
	corner := at.minus(right.times(half)).minus(down.times(half))
	k := 0
	for range side {
		q := corner
		for range side {
			v := p.at(q.x, q.y)
			t := float64(template[k])
			sum += v
			squares += v * v
			product -= v * t // dark is low
			weights += t
			q = q.plus(right)
			k++
		}
		corner = corner.plus(down)
	}
	n := float64(k)
	variance := squares - sum*sum/n
	if variance < 25*n { // paper, or a smear
		return 0
	}
	return (product + sum*weights/n) / math.Sqrt(variance*(n-weights*weights/n))
}

func (f frame) scaled(k float64) frame {
	return frame{f.origin.times(k), f.right.times(k), f.down.times(k)}
}
