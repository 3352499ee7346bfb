package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/reedsolomon"
)

// RepairCopy is what one medium has of a file: the file and its parity, as damaged as
// they may be. Either may be nil.
type RepairCopy struct {
	Data, Parity io.ReaderAt
}

// Scratch is where pieces go that had to be rebuilt.
type Scratch interface {
	io.ReaderAt
	io.WriterAt
}

// ErrScratch is returned by NewRepair where the parity may be enough and memory is not.
var ErrScratch = errors.New("too much is damaged to be rebuilt in memory")

// maxInMemory is how many bytes NewRepair rebuilds without a scratch file.
const maxInMemory = 64 << 20

// Repair is a file put together from the sound pieces of several copies. What it reads
// counts only if the whole then has a digest that the caller trusts.
type Repair struct {
	parityLayout
	copies  []RepairCopy
	scratch Scratch
	tables  [][]byte // head of each parity file, as far as it could be read
	// from says where each piece of data is: the index of a copy, or -1-n for the n-th
	// piece of the scratch.
	from    []int32
	rebuilt int
}

// NewRepair looks for sound pieces of a file of that size in all copies and rebuilds the
// others from parity. Rebuilt pieces are written to scratch, or kept in memory where it is
// nil. It returns ErrBeyondParity where too few are sound.
func NewRepair(size int64, copies []RepairCopy, scratch Scratch) (*Repair, error) {
	l, err := layoutOf(size)
	if err != nil {
		return nil, err
	}
	code, err := l.code()
	if err != nil {
		return nil, err
	}
	if scratch == nil {
		scratch = &memoryScratch{}
	}
	r := &Repair{parityLayout: l, copies: copies, scratch: scratch, from: make([]int32, l.data*l.columns)}
	for _, c := range copies {
		r.tables = append(r.tables, r.readTable(c.Parity))
	}
	pieces := r.column()
	for j := range r.columns {
		if err := r.repairColumn(code, pieces, j); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// readTable reads the head of a parity file up to where it ends or breaks.
func (r *Repair) readTable(parity io.ReaderAt) []byte {
	if parity == nil {
		return nil
	}
	table := make([]byte, r.head())
	n, _ := parity.ReadAt(table, 0)
	return table[:n]
}

// sound tells whether the digest of a piece is in the table of any copy. A piece that no
// table has a digest for is taken as it is: the digest of the whole decides.
func (r *Repair) sound(p []byte, block, column int) bool {
	at, known, sum := r.digestAt(block, column), false, r.digest(p)
	for _, table := range r.tables {
		if at+pieceDigest > len(table) {
			continue
		}
		known = true
		if [pieceDigest]byte(table[at:]) == sum {
			return true
		}
	}
	return !known
}

// repairColumn finds the pieces of one codeword, and rebuilds those of the data that no
// copy has.
func (r *Repair) repairColumn(code reedsolomon.Encoder, pieces [][]byte, column int) error {
	lost := 0
	for i := range r.data {
		k := r.find(pieces, i, column)
		if r.from[i*r.columns+column] = int32(k); k < 0 {
			lost++
		}
	}
	if lost == 0 {
		return nil
	}
	for i := range r.parity {
		if r.find(pieces, r.data+i, column) < 0 {
			lost++
		}
	}
	if lost > r.parity {
		return fmt.Errorf("%w: %d of %d blocks, at most %d", ErrBeyondParity, lost, r.blocks(), r.parity)
	}
	if err := code.ReconstructData(pieces); err != nil {
		return err
	}
	for i, p := range pieces[:r.data] {
		if from := &r.from[i*r.columns+column]; *from < 0 {
			if _, err := r.scratch.WriteAt(p, int64(r.rebuilt)*r.piece); err != nil {
				return err
			}
			r.rebuilt++
			*from = -int32(r.rebuilt)
		}
	}
	return nil
}

// find reads a piece from the first copy where it is sound and returns the index of that
// copy. Where there is none it is -1, and the piece is empty, which the decoder takes for
// missing.
func (r *Repair) find(pieces [][]byte, block, column int) int {
	p := pieces[block][:r.piece]
	for k, c := range r.copies {
		from := c.Data
		if block >= r.data {
			from = c.Parity
		}
		if from == nil {
			continue
		}
		var err error
		if block < r.data {
			err = r.readPiece(from, p, block, column)
		} else {
			err = readFull(from, p, r.parityAt(block-r.data, column))
		}
		if err == nil && r.sound(p, block, column) {
			pieces[block] = p
			return k
		}
	}
	pieces[block] = p[:0]
	return -1
}

// Rebuilt counts the pieces of data that no copy had.
func (r *Repair) Rebuilt() int { return r.rebuilt }

// ReadAt is an io.ReaderAt.
func (r *Repair) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) && offset < r.length {
		index, within := offset/r.piece, offset%r.piece
		part := p[n:min(int64(n)+r.piece-within, int64(n)+r.length-offset, int64(len(p)))]
		// Pieces are numbered as they lie in the file: block by block.
		if k := r.from[index]; k < 0 {
			err = readFull(r.scratch, part, int64(-k-1)*r.piece+within)
		} else {
			err = readFull(r.copies[k].Data, part, offset)
		}
		if err != nil {
			return n, err
		}
		n, offset = n+len(part), offset+int64(len(part))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// memoryScratch keeps what was rebuilt in memory.
type memoryScratch struct{ data []byte }

func (s *memoryScratch) WriteAt(p []byte, offset int64) (int, error) {
	if offset != int64(len(s.data)) || offset+int64(len(p)) > maxInMemory {
		return 0, ErrScratch
	}
	s.data = append(s.data, p...)
	return len(p), nil
}

func (s *memoryScratch) ReadAt(p []byte, offset int64) (int, error) {
	return bytes.NewReader(s.data).ReadAt(p, offset)
}
