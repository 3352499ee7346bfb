package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

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

// ErrScratch is returned where the parity may be enough, and there is no room for what is
// rebuilt.
var ErrScratch = errors.New("there is no room for what has to be rebuilt")

// maxInMemory is how many bytes a Repair keeps without a scratch file.
const maxInMemory = 64 << 20

// Table is what the head of a parity file says of the pieces, as far as it could be read.
type Table []byte

// ReadTable reads the head of the parity file of a file of size bytes up to where it ends
// or breaks.
func ReadTable(size int64, parity io.ReaderAt) (Table, error) {
	l, err := layoutOf(size)
	if err != nil {
		return nil, err
	}
	table := make([]byte, l.head())
	n, _ := parity.ReadAt(table, 0)
	return table[:n], nil
}

// Repair is a file put together from the sound pieces of several copies. What it reads
// counts only if the whole then has a digest that the caller trusts.
type Repair struct {
	parityLayout
	tables  []Table
	copies  []RepairCopy
	scratch Scratch

	mu     sync.Mutex // of what follows
	code   reedsolomon.Encoder
	pieces [][]byte // a column; nil once all are done
	done   []bool   // by column
	left   int      // columns that are not done
	// from says where each piece of data is: the index of a copy, or -1-n for the n-th
	// piece of the scratch.
	from    []int32
	rebuilt int
}

// NewRepair puts a file of that size together from the pieces that one of the tables has
// the digest of, and rebuilds the others from parity. A piece that no table has a digest for
// is taken as it is. Rebuilt pieces are written to scratch, or kept in memory where it is nil.
func NewRepair(size int64, tables []Table, copies []RepairCopy, scratch Scratch) (*Repair, error) {
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
	return &Repair{parityLayout: l, tables: tables, copies: copies, scratch: scratch, code: code,
		done: make([]bool, l.columns), left: l.columns, from: make([]int32, l.data*l.columns)}, nil
}

// sound tells whether a table has the digest of a piece.
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

// repairColumn finds the pieces of one codeword when the first of them is read, and rebuilds
// those of the data that no copy has: who reads the beginning alone needs no more.
func (r *Repair) repairColumn(column int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done[column] {
		return nil
	}
	if r.pieces == nil {
		r.pieces = r.column()
	}
	lost := 0
	for i := range r.data {
		k := r.find(i, column)
		if r.from[i*r.columns+column] = int32(k); k < 0 {
			lost++
		}
	}
	if lost > 0 {
		if err := r.rebuild(lost, column); err != nil {
			return err
		}
	}
	r.done[column] = true
	if r.left--; r.left == 0 {
		r.pieces, r.code = nil, nil
	}
	return nil
}

func (r *Repair) rebuild(lost, column int) error {
	for i := range r.parity {
		if r.find(r.data+i, column) < 0 {
			lost++
		}
	}
	if lost > r.parity {
		return fmt.Errorf("%w: %d of %d blocks, at most %d", ErrBeyondParity, lost, r.blocks(), r.parity)
	}
	if err := r.code.ReconstructData(r.pieces); err != nil {
		return err
	}
	for i, p := range r.pieces[:r.data] {
		if from := &r.from[i*r.columns+column]; *from < 0 {
			if _, err := r.scratch.WriteAt(p, int64(r.rebuilt)*r.piece); err != nil {
				return fmt.Errorf("%w: %w", ErrScratch, err)
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
func (r *Repair) find(block, column int) int {
	p := r.pieces[block][:r.piece]
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
			r.pieces[block] = p
			return k
		}
	}
	r.pieces[block] = p[:0]
	return -1
}

// Rebuilt counts the pieces of data that no copy had, among those that were read.
func (r *Repair) Rebuilt() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rebuilt
}

// ReadAt is an io.ReaderAt, and may be called concurrently. It returns ErrBeyondParity where
// too few pieces are sound.
func (r *Repair) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) && offset < r.length {
		index, within := offset/r.piece, offset%r.piece
		part := p[n:min(int64(n)+r.piece-within, int64(n)+r.length-offset, int64(len(p)))]
		// Pieces are numbered as they lie in the file: block by block.
		if err = r.repairColumn(int(index) % r.columns); err != nil {
			return n, err
		}
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

// memoryScratch keeps what was rebuilt in memory, each piece by itself: one slice that grows
// would leave several times as much behind.
type memoryScratch struct {
	pieces [][]byte // of one size
	size   int
}

func (s *memoryScratch) WriteAt(p []byte, _ int64) (int, error) {
	if s.size += len(p); s.size > maxInMemory {
		return 0, errMemory
	}
	s.pieces = append(s.pieces, bytes.Clone(p))
	return len(p), nil
}

var errMemory = fmt.Errorf("it is more than %d MiB", maxInMemory>>20)

func (s *memoryScratch) ReadAt(p []byte, offset int64) (int, error) {
	size := int64(len(s.pieces[0]))
	return bytes.NewReader(s.pieces[offset/size]).ReadAt(p, offset%size)
}
