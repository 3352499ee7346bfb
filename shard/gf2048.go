package shard

// The Reed–Solomon code of a share's words, FORMAT.md section 5: over GF(2^11) with the reduction polynomial
// x^11 + x^2 + 1 and α = 2, codewords of 44 symbols that vanish at α^1 … α^6.
//
// Products are computed bit by bit: no table is indexed by a secret, and 44 symbols do not need the speed.

const (
	fieldBits = 11
	fieldPoly = 0x805
	fieldMask = 1<<fieldBits - 1

	// A codeword is the share and its parity.
	dataWords   = 38
	parityWords = 6
)

func gfMul(a, b uint16) uint16 {
	var r uint16
	for i := fieldBits - 1; i >= 0; i-- {
		r = r<<1 ^ fieldPoly&-(r>>(fieldBits-1)) ^ a&-(b>>i&1)
	}
	return r
}

func gfPow(a uint16, e int) uint16 {
	r := uint16(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			r = gfMul(r, a)
		}
		a = gfMul(a, a)
	}
	return r
}

// gfInv is a^(2^11-2), the inverse of a ≠ 0; of 0 it is 0.
func gfInv(a uint16) uint16 { return gfPow(a, 1<<fieldBits-2) }

// locator is α^j for the symbol that is the coefficient of X^j.
func locator(position int) uint16 { return gfPow(2, WordCount-1-position) }

// rsPoly is a polynomial of degree up to 6, the constant term first.
type rsPoly [parityWords + 1]uint16

func (p rsPoly) eval(x uint16) uint16 {
	var r uint16
	for i := len(p) - 1; i >= 0; i-- {
		r = gfMul(r, x) ^ p[i]
	}
	return r
}

// derivative at x: in characteristic 2 only the odd powers remain.
func (p rsPoly) derivative(x uint16) uint16 {
	var d rsPoly
	for i := 1; i < len(p); i += 2 {
		d[i-1] = p[i]
	}
	return d.eval(x)
}

func (p rsPoly) degree() int {
	for i := len(p) - 1; i > 0; i-- {
		if p[i] != 0 {
			return i
		}
	}
	return 0
}

// timesOneMinus is p·(1 - a·X).
func (p rsPoly) timesOneMinus(a uint16) rsPoly {
	out := p
	for i := 1; i < len(p); i++ {
		out[i] ^= gfMul(a, p[i-1])
	}
	return out
}

// rsEncode fills in the parity: the remainder of data·X^6 by the generator (X - α^1) … (X - α^6).
func rsEncode(c *symbols) {
	gen := rsPoly{1} // here the leading coefficient first
	for j := 1; j <= parityWords; j++ {
		gen = gen.timesOneMinus(gfPow(2, j))
	}
	work := *c
	defer clear(work[:])
	clear(work[dataWords:])
	for i := range dataWords {
		lead := work[i]
		for j, g := range gen {
			work[i+j] ^= gfMul(lead, g)
		}
	}
	copy(c[dataWords:], work[dataWords:])
}

// rsSyndromes are the values at α^1 … α^6; all are zero for a codeword.
func rsSyndromes(c *symbols) (s [parityWords]uint16, ok bool) {
	ok = true
	for j := range s {
		x := gfPow(2, j+1)
		for _, sym := range c {
			s[j] = gfMul(s[j], x) ^ sym
		}
		ok = ok && s[j] == 0
	}
	return s, ok
}

// rsCorrect changes c into the only codeword that differs from it in the erased positions and in at most
// (6 - erased)/2 others, where there is one. Berlekamp–Massey started from the erasures (Blahut, Algebraic Codes for
// Data Transmission, section 7.4), then Forney's formula.
func rsCorrect(c *symbols, erased []int) error {
	if len(erased) > parityWords {
		return ErrNoProposal
	}
	syn, ok := rsSyndromes(c)
	if ok {
		return nil
	}
	errata := errataLocator(syn, erased)
	deg := errata.degree()
	if 2*deg-len(erased) > parityWords {
		return ErrNoProposal
	}
	// ω = S·Λ mod X^6.
	var omega rsPoly
	for i := range parityWords {
		for j := 0; j <= i; j++ {
			omega[i] ^= gfMul(syn[j], errata[i-j])
		}
	}
	fixed, roots := *c, 0
	defer clear(fixed[:])
	for i := range fixed {
		inv := gfInv(locator(i))
		if errata.eval(inv) != 0 {
			continue
		}
		roots++
		fixed[i] ^= gfMul(omega.eval(inv), gfInv(errata.derivative(inv)))
	}
	if _, ok := rsSyndromes(&fixed); roots != deg || !ok {
		return ErrNoProposal
	}
	*c = fixed
	return nil
}

// errataLocator is the polynomial Λ whose roots are the inverse locators of what is erased or wrong.
func errataLocator(syn [parityWords]uint16, erased []int) rsPoly {
	lambda := rsPoly{1}
	for _, i := range erased {
		lambda = lambda.timesOneMinus(locator(i))
	}
	f := len(erased)
	prev, length := lambda, f
	for r := f + 1; r <= parityWords; r++ {
		var delta uint16
		for j := 0; j < r; j++ {
			delta ^= gfMul(lambda[j], syn[r-1-j])
		}
		copy(prev[1:], prev[:parityWords]) // prev·X
		prev[0] = 0
		if delta == 0 {
			continue
		}
		next := lambda
		for j := range next {
			next[j] ^= gfMul(delta, prev[j])
		}
		if 2*length <= r-1+f {
			length = r + f - length
			inv := gfInv(delta)
			for j := range prev {
				prev[j] = gfMul(inv, lambda[j])
			}
		}
		lambda = next
	}
	return lambda
}
