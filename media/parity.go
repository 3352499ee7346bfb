package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/reedsolomon"
)

// Parity of a file, FORMAT.md section 9.
const (
	parityMagic     = "cvparit1"
	parityHeader    = 24
	pieceDigest     = 8
	blockUnit       = 64
	maxDataBlocks   = 200
	minParityBlocks = 2
	// A fifth of the blocks; of large files an eighth, which is still more than a tenth
	// of all blocks, and half as much work.
	parityShare, largeParityShare = 5, 8
	maxPiece                      = spanSize
	// maxParity is the largest file that parity is made of, as FAT has it: what a layout
	// asks for in memory is some 16 MiB then.
	maxParity = 4 << 30
)

// ErrBeyondParity is returned by a Repair when more is damaged than the parity covers.
var ErrBeyondParity = errors.New("more is damaged than the parity can repair")

// parityLayout is how a file is cut, which follows from its size alone: a damaged head
// of a parity file costs nothing.
//
// The file is data blocks of size bytes. Each is cut into pieces; the pieces with the
// same place in all blocks are one codeword, so that a file of any size is encoded a few
// MiB at a time, and a hole of a block and a bad sector cost the codewords the same.
type parityLayout struct {
	length       int64 // of the file
	size         int64 // of a block
	data, parity int   // blocks
	piece        int64 // bytes of a piece
	columns      int   // pieces of a block
}

func layoutOf(length int64) (parityLayout, error) {
	if length <= 0 {
		return parityLayout{}, errors.New("no data to make parity of")
	}
	if length > maxParity {
		return parityLayout{}, fmt.Errorf("no parity is made of %d bytes: at most %d GiB", length, maxParity>>30)
	}
	l := parityLayout{length: length, size: blockUnit * ceil(length, maxDataBlocks*blockUnit)}
	if l.size > maxPiece {
		l.size = maxPiece * ceil(length, maxDataBlocks*maxPiece)
	}
	l.data = int(ceil(length, l.size))
	l.piece = min(l.size, maxPiece)
	l.columns = int(l.size / l.piece)
	share := int64(parityShare)
	if l.columns > 1 {
		share = largeParityShare
	}
	l.parity = max(minParityBlocks, int(ceil(int64(l.data), share)))
	return l, nil
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }

func (l parityLayout) blocks() int { return l.data + l.parity }

// at is where a piece of a data block begins in the file.
func (l parityLayout) at(block, column int) int64 { return int64(block)*l.size + int64(column)*l.piece }

// head is the size of what comes before the parity blocks.
func (l parityLayout) head() int64 {
	return parityHeader + pieceDigest*(int64(l.blocks())*int64(l.columns)+1)
}

// fileSize is the size of the parity file.
func (l parityLayout) fileSize() int64 { return l.head() + int64(l.parity)*l.size }

// digestAt is where the digest of a piece is in the head.
func (l parityLayout) digestAt(block, column int) int {
	return parityHeader + pieceDigest*(block*l.columns+column)
}

// parityAt is where a piece of parity block i is in the parity file.
func (l parityLayout) parityAt(i, column int) int64 { return l.head() + l.at(i, column) }

// code is the matrix. Two goroutines, and pieces that are large enough to be split between
// them, are not for their number: with one the library leaves the instructions out that
// double its speed (klauspost/reedsolomon v1.14.2, codeSomeShards).
func (l parityLayout) code() (reedsolomon.Encoder, error) {
	return reedsolomon.New(l.data, l.parity, reedsolomon.WithCauchyMatrix(),
		reedsolomon.WithMaxGoroutines(2), reedsolomon.WithMinSplitSize(4<<10), reedsolomon.WithInversionCache(false))
}

// column makes room for a piece of every block.
func (l parityLayout) column() [][]byte {
	all := make([]byte, int64(l.blocks())*l.piece)
	pieces := make([][]byte, l.blocks())
	for i := range pieces {
		pieces[i], all = all[:l.piece:l.piece], all[l.piece:]
	}
	return pieces
}

// readPiece reads a piece of a data block; what is behind the end of the file is zeros.
func (l parityLayout) readPiece(r io.ReaderAt, p []byte, block, column int) error {
	start := l.at(block, column)
	n := min(max(l.length-start, 0), int64(len(p)))
	clear(p[n:])
	return readFull(r, p[:n], start)
}

func readFull(r io.ReaderAt, p []byte, offset int64) error {
	if len(p) == 0 {
		return nil
	}
	n, err := r.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// newHead is the head without its digests.
func (l parityLayout) newHead() []byte {
	head := make([]byte, l.head())
	copy(head, parityMagic)
	binary.BigEndian.PutUint32(head[8:], uint32(l.size))
	binary.BigEndian.PutUint16(head[12:], uint16(l.data))
	binary.BigEndian.PutUint16(head[14:], uint16(l.parity))
	binary.BigEndian.PutUint64(head[16:], uint64(l.length))
	return head
}

// digest finds a damaged piece. It need not withstand an attacker: what is put together
// is compared with the signed manifest. Of large files it is therefore two checksums that
// processors have instructions for, CRC-32C and CRC-32 (RFC 1952 section 8).
func (l parityLayout) digest(piece []byte) (sum [pieceDigest]byte) {
	if l.columns == 1 {
		return shortSum(piece)
	}
	binary.BigEndian.PutUint32(sum[:], spanSum(piece))
	binary.BigEndian.PutUint32(sum[4:], crc32.ChecksumIEEE(piece))
	return sum
}

func shortSum(b []byte) [pieceDigest]byte {
	sum := sha256.Sum256(b)
	return [pieceDigest]byte(sum[:])
}

// ParityOptions of WriteParity; the zero value wants nothing.
type ParityOptions struct {
	Want     *Sums     // what the data must be; a DifferentError where it is not
	Progress func(int) // is told the bytes of data that were read
}

// parityWorkers encode columns side by side. Each has some 15 MiB.
const parityWorkers = 2

// WriteParity writes the parity file of data, which has size bytes, not 0.
func WriteParity(out io.WriterAt, data io.ReaderAt, size int64, o ParityOptions) error {
	l, err := layoutOf(size)
	if err != nil {
		return err
	}
	code, err := l.code()
	if err != nil {
		return err
	}
	w := &parityWriter{parityLayout: l, ParityOptions: o, out: out, from: data, code: code, head: l.newHead()}
	workers := min(parityWorkers, l.columns)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { errs[i] = w.work(i, workers) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	end := len(w.head) - pieceDigest
	sum := shortSum(w.head[:end])
	copy(w.head[end:], sum[:])
	_, err = out.WriteAt(w.head, 0)
	return err
}

type parityWriter struct {
	parityLayout
	ParityOptions
	out  io.WriterAt
	from io.ReaderAt
	code reedsolomon.Encoder
	head []byte
	mu   sync.Mutex // of Progress
}

// work encodes every step-th column.
func (w *parityWriter) work(first, step int) error {
	pieces := w.column()
	for j := first; j < w.columns; j += step {
		if err := w.readColumn(pieces, j); err != nil {
			return err
		}
		if err := w.code.Encode(pieces); err != nil {
			return err
		}
		for i, p := range pieces[w.data:] {
			w.note(w.data+i, j, p)
			if _, err := w.out.WriteAt(p, w.parityAt(i, j)); err != nil {
				return err
			}
		}
	}
	return nil
}

// note puts the digest of a piece into the head.
func (w *parityWriter) note(block, column int, piece []byte) [pieceDigest]byte {
	sum := w.digest(piece)
	copy(w.head[w.digestAt(block, column):], sum[:])
	return sum
}

func (w *parityWriter) readColumn(pieces [][]byte, column int) error {
	total := 0
	var sums Sums
	for i := range w.data {
		p := pieces[i]
		if err := w.readPiece(w.from, p, i, column); err != nil {
			return err
		}
		sum := w.note(i, column, p)
		start := w.at(i, column)
		n := int(min(max(w.length-start, 0), w.piece))
		total += n
		switch {
		case w.Want == nil || n == 0:
		case w.columns == 1: // the whole file, and its blocks are no spans
			_, _ = sums.Write(p[:n])
		case n < len(p) && spanSum(p[:n]) != w.Want.span(start),
			n == len(p) && binary.BigEndian.Uint32(sum[:]) != w.Want.span(start): // the same checksum
			return errReadDifferent
		}
	}
	if w.Want != nil && w.columns == 1 && !sums.Equal(w.Want) {
		return errReadDifferent
	}
	if w.Progress != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.Progress(total)
	}
	return nil
}

var errReadDifferent = errors.New("it reads back differently from what was written: do not trust this medium")

// MakeParity returns the parity file of data, which must not be empty.
func MakeParity(data []byte) ([]byte, error) {
	l, err := layoutOf(int64(len(data)))
	if err != nil {
		return nil, err
	}
	out := make(fixedWriter, l.fileSize())
	return out, WriteParity(out, bytes.NewReader(data), int64(len(data)), ParityOptions{})
}

// fixedWriter is an io.WriterAt over bytes that are there.
type fixedWriter []byte

func (w fixedWriter) WriteAt(p []byte, offset int64) (int, error) {
	if offset < 0 || offset+int64(len(p)) > int64(len(w)) {
		return 0, io.ErrShortWrite
	}
	return copy(w[offset:], p), nil
}

// verifyChunk is what VerifyParity reads at a time.
const verifyChunk = 1 << 20

// VerifyParity reads a parity file of a file of size bytes and returns its SHA-256 in
// hex and its own size. The error is not nil where it contradicts itself; whether it is the
// parity of that file only its data can tell.
func VerifyParity(r io.ReaderAt, size int64) (digest string, length int64, err error) {
	l, err := layoutOf(size)
	if err != nil {
		return "", 0, err
	}
	sum := sha256.New()
	head := make([]byte, l.head())
	if err := readFull(r, head, 0); err != nil {
		return "", 0, err
	}
	end := len(head) - pieceDigest
	if !bytes.Equal(head[:parityHeader], l.newHead()[:parityHeader]) || [pieceDigest]byte(head[end:]) != shortSum(head[:end]) {
		return "", 0, errors.New("the head of the parity file is damaged")
	}
	sum.Write(head)
	total := l.parity * l.columns // pieces, one behind the other
	together := min(total, max(1, int(verifyChunk/l.piece)))
	chunks := [2][]byte{make([]byte, int64(together)*l.piece), make([]byte, int64(together)*l.piece)}
	read := make(chan error, 1)
	get := func(first int) {
		chunk := chunks[first/together%2][:int64(min(together, total-first))*l.piece]
		err := readFull(r, chunk, l.parityAt(0, first))
		for n := 0; err == nil && n < len(chunk)/int(l.piece); n++ {
			i, j, piece := (first+n)/l.columns, (first+n)%l.columns, chunk[int64(n)*l.piece:][:l.piece]
			if [pieceDigest]byte(head[l.digestAt(l.data+i, j):]) != l.digest(piece) {
				err = errors.New("a block of the parity file is damaged")
			}
		}
		read <- err
	}
	go get(0)
	for first := 0; first < total; first += together {
		if err := <-read; err != nil {
			return "", 0, err
		}
		if next := first + together; next < total { // it is read while this one is hashed
			go get(next)
		}
		sum.Write(chunks[first/together%2][:int64(min(together, total-first))*l.piece])
	}
	return hex.EncodeToString(sum.Sum(nil)), l.fileSize(), nil
}
