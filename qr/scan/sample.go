package scan

import (
	"math"

	"github.com/makiuchi-d/gozxing"
)

// grid holds the grey value of every module of a code, row by row.
type grid struct {
	side   int
	values []float32
}

// sampling is a way to take the grey value of a module: the mean of points around its
// middle, so many modules apart, and how much blur is undone afterwards. Means beat
// noise, single points beat blur.
type sampling struct {
	spread  float64
	sharpen float32
}

// samplings are tried in this order.
var samplings = []sampling{{0.2, 0}, {0.2, 0.15}, {0.2, 0.3}, {0, 0}, {0, 0.15}, {0, 0.3}}

// sampleGrid takes the grey value of every module of a code of one version.
func sampleGrid(p *plane, m *mesh, version int, spread float64) *grid {
	side := sideOf(version)
	g := &grid{side: side, values: make([]float32, side*side)}
	for y := range side {
		row := g.values[y*side:][:side:side]
		for x := 0; x < side; {
			// Within a cell a row of modules lies on a line.
			cell := m.index(float64(x) + 0.5)
			end := side
			if cell < len(m.centres)-2 {
				end = int(m.centres[cell+1] + 0.5)
			}
			at, right, down := m.cell(float64(x)+0.5, float64(y)+0.5)
			a, b := right.times(spread), down.times(spread)
			for ; x < end; x++ {
				v := p.at(at.x, at.y)
				if spread > 0 {
					v = (2*v + p.at(at.x+a.x, at.y+a.y) + p.at(at.x-a.x, at.y-a.y) +
						p.at(at.x+b.x, at.y+b.y) + p.at(at.x-b.x, at.y-b.y)) / 6
				}
				row[x] = float32(v)
				at = at.plus(right)
			}
		}
	}
	return g
}

// sharpened undoes blur: each module gives back what its four neighbours lent it.
func (g *grid) sharpened(amount float32) *grid {
	if amount == 0 {
		return g
	}
	out := &grid{side: g.side, values: make([]float32, len(g.values))}
	for y := range g.side {
		for x := range g.side {
			v := g.values[y*g.side+x]
			sum := g.value(x-1, y) + g.value(x+1, y) + g.value(x, y-1) + g.value(x, y+1)
			out.values[y*g.side+x] = v + amount*(4*v-sum)
		}
	}
	return out
}

// value is that of the nearest module.
func (g *grid) value(x, y int) float32 {
	x = min(max(x, 0), g.side-1)
	y = min(max(y, 0), g.side-1)
	return g.values[y*g.side+x]
}

const tileSide = 6 // modules between two points that have their own threshold

// bits judges every module by the paper and ink around it. reach is how many
// modules around are looked at.
func (g *grid) bits(reach int) (*gozxing.BitMatrix, error) {
	matrix, err := gozxing.NewSquareBitMatrix(g.side)
	if err != nil {
		return nil, err
	}
	tiles := (g.side + tileSide - 1) / tileSide
	limits := make([]float32, tiles*tiles)
	for ty := range tiles {
		for tx := range tiles {
			limits[ty*tiles+tx] = g.midway(tx*tileSide+tileSide/2, ty*tileSide+tileSide/2, reach)
		}
	}
	limit := func(x, y int) float32 { return limits[min(max(y, 0), tiles-1)*tiles+min(max(x, 0), tiles-1)] }
	for y := range g.side {
		fy := (float32(y)+0.5)/tileSide - 0.5
		ty := int(fy+1) - 1
		fy -= float32(ty)
		for x := range g.side {
			fx := (float32(x)+0.5)/tileSide - 0.5
			tx := int(fx+1) - 1
			fx -= float32(tx)
			top := limit(tx, ty)*(1-fx) + limit(tx+1, ty)*fx
			bottom := limit(tx, ty+1)*(1-fx) + limit(tx+1, ty+1)*fx
			if g.values[y*g.side+x] < top*(1-fy)+bottom*fy {
				matrix.Set(x, y)
			}
		}
	}
	return matrix, nil
}

// midway is the value between the mean dark and the mean light module around one.
func (g *grid) midway(x, y, reach int) float32 {
	x0, x1 := max(x-reach, 0), min(x+reach+1, g.side)
	y0, y1 := max(y-reach, 0), min(y+reach+1, g.side)
	var sum float32
	for j := y0; j < y1; j++ {
		for _, v := range g.values[j*g.side+x0 : j*g.side+x1] {
			sum += v
		}
	}
	count := float32((x1 - x0) * (y1 - y0))
	limit := sum / count
	for range 2 {
		var dark float32
		var darks uint32
		for j := y0; j < y1; j++ {
			for _, v := range g.values[j*g.side+x0 : j*g.side+x1] {
				// All ones where v is below the limit. A branch would be taken every other time, at random, and cost most of the sum.
				below := uint32(int32(math.Float32bits(v-limit)) >> 31)
				dark += math.Float32frombits(math.Float32bits(v) & below)
				darks += below & 1
			}
		}
		lights := count - float32(darks)
		if darks == 0 || lights == 0 {
			break
		}
		limit = (dark/float32(darks) + (sum-dark)/lights) / 2
	}
	return limit
}

// timing correlates the timing patterns with light and dark in turn, over the whole of
// both: near 1 for a code, near 0 for what only has finder patterns in the right places.
func (g *grid) timing() float64 {
	const row = 6
	sum := 0.0
	for _, index := range []func(k int) int{
		func(k int) int { return row*g.side + k },
		func(k int) int { return k*g.side + row },
	} {
		// Neighbours are compared, so that light that changes along the line does not matter.
		swing, total := 0.0, 0.0
		for k := row + 2; k < g.side-row-2; k++ {
			d := float64(g.values[index(k)] - g.values[index(k+1)])
			if k%2 == 0 {
				d = -d // from dark to light
			}
			swing += d
			total += math.Abs(d)
		}
		if total > 0 {
			sum += swing / total
		}
	}
	return sum / 2
}
