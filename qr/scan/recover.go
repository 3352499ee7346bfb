package scan

import (
	"math"
	"slices"
)

const (
	maxOrphans    = 200 // finders without a code that are followed up on a page
	missingReach  = 8.0 // modules a finder may lie from where a neighbouring code says
	surelySeen    = 0.7 // correlation of a finder that far away
	neighbourSize = 1.3 // ratio of module sizes up to which codes are alike
	samePlace     = 1.5 // modules between the middles of what is one code
)

// recover reads codes of which a finder was not found, under the rim of a stain or at a torn corner.
// A finder left over belongs to a code like the nearest one that was read, as
// one of its three corners; where the others must be, they are looked for by their
// grey values alone.
func (r *pageReader) recover() {
	if len(r.read) == 0 {
		return
	}
	known := r.read // those found here are guesses less certain
	orphans := 0
	for i, f := range r.found {
		if r.taken[i] || r.covered(f.at()) {
			continue
		}
		like := nearest(known, f)
		if like == nil {
			continue
		}
		if orphans++; orphans > maxOrphans {
			return
		}
		for role := range 3 {
			at := like.plane.frameFrom(f.at().times(1/like.plane.scale), role, like)
			c := candidate{finders: []int{i}, version: like.version, plane: like.plane, mesh: newMesh(like.plane, at, like.version)}
			if !r.covered(c.middle()) && !r.attended(c) && r.attend(c) {
				break
			}
		}
	}
}

// attended tells whether a candidate is where one was that could not be read, on a mesh as good.
func (r *pageReader) attended(c candidate) bool {
	at := c.middle()
	_, right, _ := c.mesh.cell(timingCentre, timingCentre)
	near := samePlace * right.length() * c.plane.scale
	return slices.ContainsFunc(r.unread, func(u candidate) bool {
		return u.version == c.version && u.mesh.matched >= c.mesh.matched && u.middle().minus(at).length() < near
	})
}

// nearest is the code nearest to a finder, of those whose modules are of its size.
func nearest(read []candidate, f finder) *candidate {
	var best *candidate
	closest := math.Inf(1)
	for i := range read {
		c := &read[i]
		_, right, _ := c.mesh.cell(timingCentre, timingCentre)
		module := right.length() * c.plane.scale / alongAxis(right)
		far := c.middle().minus(f.at()).length()
		if far < closest && ratio(module, f.module) < neighbourSize {
			best, closest = c, far
		}
	}
	return best
}

// frameFrom reckons the corners of a code from one of them: 0 the origin, 1 the right, 2 the lower one.
func (p *plane) frameFrom(at vector, role int, like *candidate) frame {
	side := float64(sideOf(like.version))
	span := spanOf(like.version)
	o, _, _ := like.mesh.cell(finderCentre, finderCentre)
	e, _, _ := like.mesh.cell(side-finderCentre, finderCentre)
	s, _, _ := like.mesh.cell(finderCentre, side-finderCentre)
	across, along := e.minus(o), s.minus(o)
	right, down := across.times(1/span), along.times(1/span)
	find := func(guess vector) vector {
		if q, score := p.seek(finderTemplate, guess, right, down, missingReach); score >= surelySeen {
			return q
		}
		return guess
	}
	var f frame
	switch role {
	case 0:
		f.origin = at
	case 1:
		f.right = at
		f.origin = find(at.minus(across))
	case 2:
		f.down = at
		f.origin = find(at.minus(along))
	}
	if role != 1 {
		f.right = find(f.origin.plus(across))
	}
	if role != 2 {
		f.down = find(f.origin.plus(along))
	}
	return f
}
