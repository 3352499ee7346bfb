package scan

import "math"

const (
	spanSlack = 0.2 // how far the stated version may be from the estimated one
	minTiming = 0.7 // correlation of both timing patterns, seen straight from finder to finder
)

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
		across, _ := p.timing(f.origin, f.right, f.down, v)
		down, _ := p.timing(f.origin, f.down, f.right, v)
		if s := min(across, down); s > clearest {
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

const (
	maxBend  = 1.5 // modules by which a sheet may bend a line from one finder to another
	bendStep = 0.25
)

// bend is how far the middle of a line from one finder to another lies from where a
// flat sheet would have it, in modules: along the line and across it.
type bend struct{ along, across float64 }

// timing correlates the timing pattern from one finder to another with light and dark in
// turn, over the bend at which it is clearest. side points to where the pattern
// lies off the line of centres.
func (p *plane) timing(from, to, side vector, version int) (clearest float64, at bend) {
	// The shorter a line, the less it bends, and the easier chance fits a bend to it.
	limit := maxBend * spanOf(version) / spanOf(versionBlocks-1)
	for across := -limit; across <= limit; across += bendStep {
		for along := -limit; along <= limit; along += bendStep {
			b := bend{along, across}
			if s := p.timingOn(from, to, side, version, b); s > clearest {
				clearest, at = s, b
			}
		}
	}
	return clearest, at
}

func (p *plane) timingOn(from, to, side vector, version int, b bend) float64 {
	span := spanOf(version)
	along := to.minus(from).times(1 / span)
	across := side.minus(from).times(1 / span)
	var sum, squares, product float64
	n := sideOf(version) - 16
	for k := range n {
		t := (float64(k) + 5) / span
		part := 4 * t * (1 - t)
		at := from.plus(along.times(t*span + b.along*part)).plus(across.times(timingCentre - finderCentre + b.across*part))
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
