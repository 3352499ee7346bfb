package vault

import (
	"fmt"
	"maps"
	"slices"

	"coldvault/vault/format"
)

// What a check finds between generations, and between the media of one vault.

// checkChain wants every generation to follow the one before it, where that is here.
func (c *Checked) checkChain() {
	for _, n := range slices.Sorted(maps.Keys(c.digests)) {
		before, here := c.digests[n-1]
		if !here || c.previous[n] == before || c.skips(n, c) {
			continue
		}
		c.add(Damage, GenerationChain, c.Medium.Path(generationDir(n)),
			fmt.Errorf("it follows another generation %d than the one on this medium, or an older one that is not here: check it together with the vault's folder, which has all", n-1))
	}
}

// checkChainWith takes back what another medium, or the vault's folder, explains.
func (c *Checked) checkChainWith(others []*Checked) {
	for _, n := range slices.Sorted(maps.Keys(c.digests)) {
		i := slices.IndexFunc(c.Findings, func(f Finding) bool { return f.ID == GenerationChain && f.Path == c.Medium.Path(generationDir(n)) })
		if i >= 0 && slices.ContainsFunc(others, func(o *Checked) bool { return o.Medium.ID == c.Medium.ID && c.skips(n, o) }) {
			c.Findings = slices.Delete(c.Findings, i, i+1)
		}
	}
}

// skips notes that a generation follows an older one than that before it, which other has: so a seal
// goes on where the newest cannot be read. That is no fork.
func (c *Checked) skips(number int, other *Checked) bool {
	follows := "none"
	if c.previous[number] != format.FirstPrevious {
		older := 0
		for n, digest := range other.digests {
			if n < number-1 && digest == c.previous[number] {
				older = n
			}
		}
		if older == 0 {
			return false
		}
		follows = fmt.Sprintf("generation %d", older)
	}
	c.add(Note, generationSkipped, c.Medium.Path(generationDir(number)),
		fmt.Errorf("it follows %s: generation %d was not at hand, or could not be read, when it was sealed", follows, number-1))
	return true
}

// CheckTogether adds to the checks of several media what only shows between them: two
// generations of one number that are not the same, and a vault's folder that is behind.
func CheckTogether(checks []*Checked) {
	type key struct {
		vault  string
		number int
	}
	first := map[key]*Checked{}
	for _, c := range checks {
		for number, digest := range c.digests {
			k := key{c.Medium.ID, number}
			if other := first[k]; other == nil {
				first[k] = c
			} else if other.digests[number] != digest {
				c.add(Damage, generationForked, c.Medium.Path(generationDir(number)),
					fmt.Errorf("it is another generation %d than the one on %s, and both are signed by the vault", number, other.Medium.Source.Name()))
			}
		}
	}
	for _, c := range checks {
		c.checkChainWith(checks)
		if c.ledger != nil {
			c.checkBehind(checks)
		}
	}
}
