package scan

import (
	"errors"
	"slices"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/common/reedsolomon"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

var (
	errVersion   = errors.New("the code states another version")
	errUncertain = errors.New("too many modules are wrong")
	errContent   = errors.New("the code's content is not numbers, letters or bytes")
)

// attempt gathers what several samplings of one code yield. Every Reed–Solomon block
// is corrected, or not, by itself, so a block that one sampling gets is kept for the next.
type attempt struct {
	level  decoder.ErrorCorrectionLevel
	mask   byte
	blocks [][]byte // corrected data codewords, nil where not yet
}

// hopeless tells whether of many blocks not one was corrected: most of the modules are misread.
func (a *attempt) hopeless() bool {
	const many = 4
	return len(a.blocks) >= many && !slices.ContainsFunc(a.blocks, func(b []byte) bool { return b != nil })
}

// decode reads the text from the modules of a code, or says that it cannot.
func (a *attempt) decode(matrix *gozxing.BitMatrix, version int) ([]byte, error) {
	blocks, format, err := blocksOf(matrix, version)
	if err != nil {
		return nil, err
	}
	level := format.GetErrorCorrectionLevel()
	if a.blocks == nil || a.level != level || a.mask != format.GetDataMask() {
		*a = attempt{level: level, mask: format.GetDataMask(), blocks: make([][]byte, len(blocks))}
	}
	missing := 0
	for i, block := range blocks {
		if a.blocks[i] == nil {
			a.blocks[i] = correct(block)
		}
		if a.blocks[i] == nil {
			missing++
		}
	}
	if missing > 0 {
		return nil, errUncertain
	}
	var data []byte
	for _, block := range a.blocks {
		data = append(data, block...)
	}
	return parseContent(data, version)
}

// blocksOf cuts the modules of a code into its Reed–Solomon blocks.
func blocksOf(matrix *gozxing.BitMatrix, version int) ([]*decoder.DataBlock, *decoder.FormatInformation, error) {
	parser, err := decoder.NewBitMatrixParser(matrix)
	if err != nil {
		return nil, nil, err
	}
	v, err := parser.ReadVersion()
	if err != nil {
		return nil, nil, err
	}
	if v.GetVersionNumber() != version {
		return nil, nil, errVersion
	}
	format, err := parser.ReadFormatInformation()
	if err != nil {
		return nil, nil, err
	}
	codewords, err := parser.ReadCodewords()
	if err != nil {
		return nil, nil, err
	}
	blocks, err := decoder.DataBlock_GetDataBlocks(codewords, v, format.GetErrorCorrectionLevel())
	return blocks, format, err
}

// correct returns the data codewords of a block, nil if it is beyond correction.
func correct(block *decoder.DataBlock) []byte {
	words := block.GetCodewords()
	received := make([]int, len(words))
	for i, w := range words {
		received[i] = int(w)
	}
	n := block.GetNumDataCodewords()
	rs := reedsolomon.NewReedSolomonDecoder(reedsolomon.GenericGF_QR_CODE_FIELD_256)
	if err := rs.Decode(received, len(words)-n); err != nil {
		return nil
	}
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(received[i])
	}
	return data
}

// Modes of ISO/IEC 18004 table 2 that are read.
const (
	modeEnd          = 0
	modeNumeric      = 1
	modeAlphanumeric = 2
	modeByte         = 4
)

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// bitReader reads the bit stream of a code. Reading past its end is remembered, not an error yet.
type bitReader struct {
	data []byte
	pos  int
	over bool
}

func (r *bitReader) left() int { return len(r.data)*8 - r.pos }

func (r *bitReader) take(n int) int {
	if n > r.left() {
		r.over = true
		return 0
	}
	v := 0
	for range n {
		v = v<<1 | int(r.data[r.pos/8]>>(7-r.pos%8)&1)
		r.pos++
	}
	return v
}

// parseContent decodes the segments of a code (ISO/IEC 18004 clause 7.4). gozxing's
// parser would do, but makes strings.
func parseContent(data []byte, version int) ([]byte, error) {
	r := &bitReader{data: data}
	var text []byte
	for r.left() >= 4 {
		mode := r.take(4)
		if mode == modeEnd {
			break
		}
		width := countBits(mode, version)
		if width == 0 {
			return nil, errContent
		}
		count := r.take(width)
		var ok bool
		switch mode {
		case modeNumeric:
			text, ok = r.digits(text, count)
		case modeAlphanumeric:
			text, ok = r.letters(text, count)
		case modeByte:
			if ok = count*8 <= r.left(); ok {
				for range count {
					text = append(text, byte(r.take(8)))
				}
			}
		}
		if !ok || r.over {
			return nil, errContent
		}
	}
	return text, nil
}

// countBits is the width of a segment's character count (ISO/IEC 18004 table 3).
func countBits(mode, version int) int {
	size := 0
	if version >= 27 {
		size = 2
	} else if version >= 10 {
		size = 1
	}
	switch mode {
	case modeNumeric:
		return 10 + 2*size
	case modeAlphanumeric:
		return 9 + 2*size
	case modeByte:
		return 8 + 8*min(size, 1)
	}
	return 0
}

func (r *bitReader) digits(text []byte, count int) ([]byte, bool) {
	for ; count > 0; count -= 3 {
		n := min(count, 3)
		width, limit := 10, 1000
		switch n {
		case 2:
			width, limit = 7, 100
		case 1:
			width, limit = 4, 10
		}
		v := r.take(width)
		if r.over || v >= limit {
			return nil, false
		}
		for limit /= 10; limit > 0; limit /= 10 {
			text = append(text, byte('0'+v/limit%10))
		}
	}
	return text, true
}

func (r *bitReader) letters(text []byte, count int) ([]byte, bool) {
	const base = len(alphanumeric)
	for ; count > 1; count -= 2 {
		v := r.take(11)
		if r.over || v >= base*base {
			return nil, false
		}
		text = append(text, alphanumeric[v/base], alphanumeric[v%base])
	}
	if count == 1 {
		v := r.take(6)
		if r.over || v >= base {
			return nil, false
		}
		text = append(text, alphanumeric[v])
	}
	return text, true
}
