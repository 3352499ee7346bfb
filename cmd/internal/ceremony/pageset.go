package ceremony

import (
	"encoding/hex"
	"fmt"
	"strings"

	"coldvault/media/paper"
	"coldvault/qr"
	"coldvault/shard"
	"coldvault/vault"
)

// PageSet is one set of pages, as far as it was read.
type PageSet struct {
	Vault      shard.VaultID
	Generation int
	Set        string
	Layout     string // "" where the codes fit no layout
	Have       int    // codes read
	Drawn      int    // of them, in a PDF as it was drawn and on no scan: they say nothing of what was printed
	Need       int    // codes that are still needed; 0 means that it is whole
	Total      int
	Missing    []string // places of the codes that were not read, as printed on the pages
	Medium     []*vault.Medium
	Err        error // where the codes are enough and contradict each other

	codes *qr.Collector
}

// Scanned is how many codes were read of a print, and how many more would be enough. Keeps G25.
func (p PageSet) Scanned() (have, need int) {
	have = p.Have - p.Drawn
	return have, max(0, p.codes.Data()-have)
}

// Title is what messages call the set.
func (p PageSet) Title() string {
	return fmt.Sprintf("pages of vault %s, generation %d", p.Vault, p.Generation)
}

// PageSets are the sets of pages read so far. Whole ones are opened as media.
func (in *Intake) PageSets() []PageSet {
	var out []PageSet
	for _, c := range in.sets.All() {
		set := c.Set()
		p := PageSet{
			Vault: c.Vault(), Generation: int(c.Generation()), Set: hex.EncodeToString(set[:]),
			Have: c.Have(), Drawn: c.Have() - len(in.scanned[c]), Need: c.Need(), Total: c.Total(), codes: c,
		}
		layout, ok := qr.LayoutByBodySize(c.BodySize())
		if ok {
			p.Layout = layout.Name
			p.Missing = places(c, layout)
		}
		if p.Need == 0 {
			p.Medium, p.Err = openPages(c, p.Title())
		}
		out = append(out, p)
	}
	return out
}

func openPages(c *qr.Collector, title string) ([]*vault.Medium, error) {
	payload, err := c.Payload()
	if err != nil {
		return nil, err
	}
	m, err := vault.UnpackPages(payload, title)
	if err != nil {
		return nil, err
	}
	return vault.OpenMedia(m)
}

// places names the codes that were not read by page and place, for each paper that
// they may be printed on.
func places(c *qr.Collector, layout qr.Layout) []string {
	sizes := papers(layout, c.Total())
	var out []string
	for _, size := range sizes {
		on := ""
		if len(sizes) > 1 {
			on = "on " + size.String() + " paper, "
		}
		out = append(out, placesOn(paper.GridFor(layout, size), on, c.Missing())...)
	}
	return out
}

// papers are the paper sizes that a page set may be printed on. Pages are filled,
// so the number of codes tells the size where a layout has two grids, mostly.
func papers(layout qr.Layout, codes int) []paper.Size {
	const maxCodes = 255 // FORMAT.md section 8: the last page is not filled beyond
	a4, letter := paper.GridFor(layout, paper.A4), paper.GridFor(layout, paper.Letter)
	fills := func(g paper.Grid) bool { return codes%g.Codes() == 0 || codes == maxCodes }
	switch {
	case a4 == letter || !fills(letter):
		return []paper.Size{paper.A4}
	case !fills(a4):
		return []paper.Size{paper.Letter}
	}
	return []paper.Size{paper.A4, paper.Letter}
}

func placesOn(grid paper.Grid, on string, missing []int) []string {
	var out []string
	last, names := 0, []string(nil)
	flush := func() {
		if len(names) > 0 {
			out = append(out, fmt.Sprintf("%spage %d: %s", on, last, strings.Join(names, " ")))
		}
	}
	for _, i := range missing {
		page, place := grid.Place(i)
		if page != last {
			flush()
			last, names = page, nil
		}
		names = append(names, place)
	}
	flush()
	return out
}
