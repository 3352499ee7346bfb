package scan

import "image"

// plane is a greyscale image at one level of the pyramid: level n is the page
// scaled down by 2^n. Points are continuous, in pixels of the plane: pixel (x, y)
// covers [x, x+1) × [y, y+1).
type plane struct {
	w, h, stride int
	pix          []byte
	scale        float64 // pixels of the page per pixel of this plane
	threshold    *thresholds
}

// minPlaneSide is the smallest side worth a level of its own: a version 1 code
// with modules of two pixels.
const minPlaneSide = 42

// pyramid returns the page and its halvings. Large modules are found, and noise
// is averaged away, where they are a few pixels wide.
func pyramid(img *image.Gray) []*plane {
	size := img.Rect.Size()
	p := &plane{w: size.X, h: size.Y, stride: img.Stride, pix: img.Pix, scale: 1}
	levels := []*plane{p}
	for p.w/2 >= minPlaneSide/2 && p.h/2 >= minPlaneSide/2 {
		p = p.halve()
		levels = append(levels, p)
	}
	return levels
}

func (p *plane) halve() *plane {
	w, h := p.w/2, p.h/2
	q := &plane{w: w, h: h, stride: w, pix: make([]byte, w*h), scale: p.scale * 2}
	for y := range h {
		a := p.pix[2*y*p.stride:][: 2*w : 2*w]
		b := p.pix[(2*y+1)*p.stride:][: 2*w : 2*w]
		out := q.pix[y*w:][:w:w]
		for x := range out {
			out[x] = byte((int(a[2*x]) + int(a[2*x+1]) + int(b[2*x]) + int(b[2*x+1]) + 2) >> 2)
		}
	}
	return q
}

// inverted returns the page with black and white exchanged.
func inverted(img *image.Gray) *image.Gray {
	size := img.Rect.Size()
	out := image.NewGray(image.Rectangle{Max: size})
	for y := range size.Y {
		from := img.Pix[y*img.Stride:][:size.X]
		to := out.Pix[y*out.Stride:][:size.X]
		for x, v := range from {
			to[x] = 255 - v
		}
	}
	return out
}

// at returns the grey value at a point, interpolated; the edge pixels reach
// outwards without end.
func (p *plane) at(x, y float64) float64 {
	x -= 0.5
	y -= 0.5
	if !(x > 0) {
		x = 0
	}
	if !(y > 0) {
		y = 0
	}
	if limit := float64(p.w) - 1.001; x > limit {
		x = limit
	}
	if limit := float64(p.h) - 1.001; y > limit {
		y = limit
	}
	ix, iy := int(x), int(y)
	fx, fy := x-float64(ix), y-float64(iy)
	i := iy*p.stride + ix
	a, b := float64(p.pix[i]), float64(p.pix[i+1])
	c, d := float64(p.pix[i+p.stride]), float64(p.pix[i+p.stride+1])
	top := a + (b-a)*fx
	return top + (c+(d-c)*fx-top)*fy
}

// Thresholds are kept per block of 8 × 8 pixels, each from the darkest and the
// lightest place within two blocks around: 40 pixels hold a finder pattern with
// modules up to 5 pixels; larger ones are found on a smaller plane.
const (
	blockBits    = 3
	blockSize    = 1 << blockBits
	blockReach   = 2
	minContrast  = 36 // below that a place holds noise on blank paper
	blankCeiling = 0  // threshold of blank paper: nothing is dark
)

// thresholds are the local black points of a plane.
type thresholds struct {
	w, h int // in blocks
	t    []byte
}

// newThresholds works on the next smaller plane, whose pixels are averages of four:
// the extremes of noise would otherwise stand for paper and ink.
func newThresholds(p, half *plane) *thresholds {
	bw, bh := (p.w+blockSize-1)/blockSize, (p.h+blockSize-1)/blockSize
	// The darkest is kept as its complement: of both the largest is looked for.
	dark, light := make([]byte, bw*bh), make([]byte, bw*bh)
	const side = blockSize / 2
	for by := range bh {
		for bx := range bw {
			mn, mx := byte(255), byte(0)
			for y := by * side; y < min(by*side+side, half.h); y++ {
				x0, x1 := bx*side, min(bx*side+side, half.w)
				if x0 >= x1 {
					break
				}
				for _, v := range half.pix[y*half.stride+x0 : y*half.stride+x1] {
					mn, mx = min(mn, v), max(mx, v)
				}
			}
			dark[by*bw+bx], light[by*bw+bx] = 255-mn, mx
		}
	}
	dark, light = spread(dark, bw, bh), spread(light, bw, bh)
	th := &thresholds{w: bw, h: bh, t: make([]byte, bw*bh)}
	for i := range th.t {
		lo, hi := 255-int(dark[i]), int(light[i])
		if hi-lo >= minContrast {
			th.t[i] = byte((hi + lo + 1) / 2)
		} else {
			th.t[i] = blankCeiling
		}
	}
	return th
}

// spread gives every block the largest value of those within blockReach.
func spread(in []byte, w, h int) []byte {
	rows, out := make([]byte, len(in)), make([]byte, len(in))
	for y := range h {
		from, to := in[y*w:][:w:w], rows[y*w:][:w:w]
		for x := range to {
			v := from[x]
			for _, u := range from[max(x-blockReach, 0):min(x+blockReach+1, w)] {
				v = max(v, u)
			}
			to[x] = v
		}
	}
	for y := range h {
		to := out[y*w:][:w:w]
		for k := max(y-blockReach, 0); k <= min(y+blockReach, h-1); k++ {
			for x, u := range rows[k*w:][:w:w] {
				to[x] = max(to[x], u)
			}
		}
	}
	return out
}

// contrast is a pixel's distance from its local threshold, negative where dark.
func (p *plane) contrast(x, y int) int {
	t := p.threshold.t[(y>>blockBits)*p.threshold.w+x>>blockBits]
	return int(p.pix[y*p.stride+x]) - int(t)
}
