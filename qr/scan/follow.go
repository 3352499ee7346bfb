package scan

import "math"

const (
	followStep  = 8    // modules between the nodes of a finer mesh
	followReach = 0.7  // modules that a node may move in one round
	followGrain = 0.14 // modules between the places tried
	followHalf  = 4    // modules around a node that are looked at
	followRound = 2
)

// follow makes a finer mesh, each node of which is moved to where the modules around it are
// most clearly dark or light: off their middles, neighbours blend into grey. It
// needs no patterns, so it serves small versions, which have one alignment pattern or none, and
// places where the patterns are stained.
func (p *plane) follow(m *mesh, version int) *mesh {
	side := float64(sideOf(version))
	n := max(int(math.Round(side/followStep)), 2)
	fine := &mesh{nodes: make([]vector, n*n), matched: m.matched, sought: m.sought}
	for i := range n {
		fine.centres = append(fine.centres, 0.5+math.Round((side-1)*(float64(i)+0.5)/float64(n)))
	}
	for j, y := range fine.centres {
		for i, x := range fine.centres {
			*fine.node(i, j), _, _ = m.cell(x, y)
		}
	}
	for range followRound {
		shifts := make([]vector, n*n)
		for j := range n {
			for i := range n {
				shifts[j*n+i] = p.clearest(fine, fine.centres[i], fine.centres[j], side)
			}
		}
		moved := make([]vector, n*n)
		for j := range n {
			for i := range n {
				_, right, down := fine.cell(fine.centres[i], fine.centres[j])
				s := smoothed(shifts, n, i, j)
				moved[j*n+i] = fine.node(i, j).plus(right.times(s.x)).plus(down.times(s.y))
			}
		}
		fine.nodes = moved
	}
	return fine
}

// bent returns a mesh of a small version that bends as its timing patterns do, the sides
// without one like those across from them.
func (p *plane) bent(m *mesh, version int) *mesh {
	side := float64(sideOf(version))
	first, last := timingCentre, side-timingCentre
	middle := side / 2
	origin, _, _ := m.cell(finderCentre, finderCentre)
	corner, _, _ := m.cell(side-finderCentre, finderCentre)
	below, _, _ := m.cell(finderCentre, side-finderCentre)
	_, top := p.timing(origin, corner, below, version)
	_, left := p.timing(origin, below, corner, version)
	out := &mesh{centres: []float64{first, middle, last}, matched: m.matched, sought: m.sought}
	for j, y := range out.centres {
		for i, x := range out.centres {
			at, right, down := m.cell(x, y)
			if i == 1 {
				at = at.plus(right.times(top.along)).plus(down.times(top.across))
			}
			if j == 1 {
				at = at.plus(down.times(left.along)).plus(right.times(left.across))
			}
			out.nodes = append(out.nodes, at)
		}
	}
	return out
}

// clearest is the shift, in modules, at which the modules around a place differ most.
func (p *plane) clearest(m *mesh, x, y, side float64) (best vector) {
	at, right, down := m.cell(x, y)
	most := 0.0
	steps := int(followReach / followGrain)
	for j := -steps; j <= steps; j++ {
		for i := -steps; i <= steps; i++ {
			shift := vector{float64(i) * followGrain, float64(j) * followGrain}
			var sum, squares, count float64
			for v := -followHalf; v <= followHalf; v++ {
				for u := -followHalf; u <= followHalf; u++ {
					a, b := float64(u), float64(v)
					if x+a < 0 || y+b < 0 || x+a > side || y+b > side {
						continue
					}
					q := at.plus(right.times(a + shift.x)).plus(down.times(b + shift.y))
					g := p.at(q.x, q.y)
					sum += g
					squares += g * g
					count++
				}
			}
			// Between two alike the one nearer to where it was.
			if d := (squares - sum*sum/count) * (1 - 0.15*shift.length()); d > most {
				best, most = shift, d
			}
		}
	}
	return best
}

// smoothed is the mean of a node's shift and its neighbours', those that agree least left out.
func smoothed(shifts []vector, n, i, j int) vector {
	var sum vector
	count := 0.0
	each := func(use func(vector)) {
		for b := max(j-1, 0); b <= min(j+1, n-1); b++ {
			for a := max(i-1, 0); a <= min(i+1, n-1); a++ {
				use(shifts[b*n+a])
			}
		}
	}
	each(func(s vector) { sum, count = sum.plus(s), count+1 })
	mean := sum.times(1 / count)
	own := shifts[j*n+i]
	sum, count = own.times(2), 2
	each(func(s vector) {
		if s.minus(mean).length() < followReach/2 {
			sum, count = sum.plus(s), count+1
		}
	})
	return sum.times(1 / count)
}
