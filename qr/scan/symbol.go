package scan

import "github.com/makiuchi-d/gozxing/qrcode/decoder"

// Geometry of a symbol, in modules from its upper left corner.
const (
	finderCentre  = 3.5 // of the centre of a finder pattern from its two edges
	timingCentre  = 6.5 // of the timing patterns, and of the first alignment pattern
	versionBlocks = 7   // first version that states its version
	maxVersion    = 40
)

func sideOf(version int) int { return 17 + 4*version }

// alignmentCentres are the coordinates at which alignment patterns stand, in either
// direction (ISO/IEC 18004 annex E). Version 1 has none: its list stands for the corners.
func alignmentCentres(version int) []float64 {
	if version == 1 {
		return []float64{timingCentre, float64(sideOf(1)) - timingCentre}
	}
	v, err := decoder.Version_GetVersionForNumber(version)
	if err != nil {
		return nil
	}
	var centres []float64
	for _, c := range v.GetAlignmentPatternCenters() {
		centres = append(centres, float64(c)+0.5)
	}
	return centres
}

// Templates are the dark (+1) and light (−1) modules of a pattern, row by row.
var (
	alignmentTemplate = []int8{
		1, 1, 1, 1, 1,
		1, -1, -1, -1, 1,
		1, -1, 1, -1, 1,
		1, -1, -1, -1, 1,
		1, 1, 1, 1, 1,
	}
	finderTemplate = []int8{
		1, 1, 1, 1, 1, 1, 1,
		1, -1, -1, -1, -1, -1, 1,
		1, -1, 1, 1, 1, -1, 1,
		1, -1, 1, 1, 1, -1, 1,
		1, -1, 1, 1, 1, -1, 1,
		1, -1, -1, -1, -1, -1, 1,
		1, 1, 1, 1, 1, 1, 1,
	}
)

// maxVersionErrors is how many of the 18 bits that state the version may be wrong:
// the distance of the code is 8 (ISO/IEC 18004 annex D).
const maxVersionErrors = 3

// versionWord is the 18 bits that state a version.
func versionWord(version int) uint32 {
	return uint32(decoder.VERSION_DECODE_INFO[version-versionBlocks])
}
