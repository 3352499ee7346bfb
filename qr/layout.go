// Package qr carries bytes over paper as QR codes, as FORMAT.md sections 7 and 8 fix it: it cuts a payload into frames with Reed–Solomon parity
// across all of them, puts frames from any number of scans together again, and renders digits as a bitmap of modules. Reading codes from
// images is package qr/scan; drawing them on a page is the caller's.
//
// Frames come from paper that anybody may have printed. Parsing is strict and canonical, sizes are capped before anything is allocated, and a
// frame's checksum guards against accidents only: who wrote a payload is for its signatures to say. The package holds no keys. What is in
// frames is encrypted already; a share that is rendered with [Encode] leaves copies in memory, see there.
package qr

import "fmt"

// Level is how much of a code may be unreadable before the code is lost.
type Level int

// The levels in use, in the letters of ISO/IEC 18004: about 15, 25 and 30 percent.
const (
	LevelM Level = iota + 1
	LevelQ
	LevelH
)

func (l Level) String() string {
	switch l {
	case LevelM:
		return "M"
	case LevelQ:
		return "Q"
	case LevelH:
		return "H"
	}
	return fmt.Sprintf("Level(%d)", int(l))
}

// A Layout fixes how codes on a bundle page look: one version and module size, so that a reader knows what to look for.
type Layout struct {
	Name     string
	Version  int
	Level    Level
	BodySize int     // bytes of payload or parity in one code
	Module   float64 // side of a module in points
}

// maxBody is the largest body of any layout, which bounds what a frame may hold.
const maxBody = 957

// Layouts lists the layouts of FORMAT.md section 8, the default first.
func Layouts() []Layout {
	return []Layout{
		{Name: "robust", Version: 20, Level: LevelM, BodySize: 629, Module: 1.2},
		{Name: "dense", Version: 25, Level: LevelM, BodySize: maxBody, Module: 0.96},
	}
}

// LayoutByName finds a layout.
func LayoutByName(name string) (Layout, error) {
	for _, layout := range Layouts() {
		if layout.Name == name {
			return layout, nil
		}
	}
	return Layout{}, fmt.Errorf("unknown layout %q: it is robust or dense", name)
}

// LayoutByBodySize finds the layout whose codes carry so many bytes each; ok is false where there is none.
func LayoutByBodySize(size int) (layout Layout, ok bool) {
	for _, layout := range Layouts() {
		if layout.BodySize == size {
			return layout, true
		}
	}
	return Layout{}, false
}

// Capacity is the size of the largest payload that fits on paper with so many percent of all codes as parity, MinParity…MaxParity; else 0.
func (l Layout) Capacity(parityPercent int) int {
	if parityPercent < MinParity || parityPercent > MaxParity {
		return 0
	}
	data := 0
	for data+1+parityFor(data+1, parityPercent) <= maxFrames {
		data++
	}
	return data * l.BodySize
}

// Place says where on the pages the code with this index is, all counted from 1, with perPage codes on a full page in rows of so many columns.
// Counts below 1 give zeros.
func Place(index, perPage, columns int) (page, row, column int) {
	if index < 0 || perPage < 1 || columns < 1 {
		return 0, 0, 0
	}
	onPage := index % perPage
	return index/perPage + 1, onPage/columns + 1, onPage%columns + 1
}
