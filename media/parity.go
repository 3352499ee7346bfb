package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/reedsolomon"
)

// Parity of a bundle, FORMAT.md section 9.
const (
	parityMagic     = "cvparit1"
	parityHeader    = 24
	blockDigest     = 8
	blockUnit       = 64
	maxDataBlocks   = 200
	minParityBlocks = 2
	maxBlocks       = 255 // of a Cauchy matrix over GF(2^8)
)

// ErrBeyondParity is returned by Repair when more is damaged than the parity
// covers.
var ErrBeyondParity = errors.New("more is damaged than the parity can repair")

// MakeParity returns the parity file of data, which must not be empty.
func MakeParity(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, errors.New("no data to make parity of")
	}
	size := blockUnit * ((len(data) + maxDataBlocks*blockUnit - 1) / (maxDataBlocks * blockUnit))
	count := (len(data) + size - 1) / size
	p := parity{size: size, data: count, parity: max(minParityBlocks, (count+4)/5), length: len(data)}
	blocks := p.split(data)
	for range p.parity {
		blocks = append(blocks, make([]byte, size))
	}
	code, err := p.code()
	if err != nil {
		return nil, err
	}
	if err := code.Encode(blocks); err != nil {
		return nil, err
	}
	return p.marshal(blocks), nil
}

// Repair returns data as it was when the parity was made. data may have any
// length. damaged counts the blocks of data and parity that were rebuilt. The
// caller must compare the result with a digest it trusts.
func Repair(data, parityFile []byte) (repaired []byte, damaged int, err error) {
	p, err := parseParity(parityFile)
	if err != nil {
		return nil, 0, err
	}
	blocks := p.split(data)
	for i := range p.parity {
		blocks = append(blocks, p.block(parityFile, i))
	}
	for i, b := range blocks {
		if b != nil && !bytes.Equal(blockSum(b), p.digests[i]) {
			blocks[i] = nil
		}
		if blocks[i] == nil {
			damaged++
		}
	}
	if damaged > p.parity {
		return nil, damaged, fmt.Errorf("%w: %d of %d blocks, at most %d", ErrBeyondParity, damaged, len(blocks), p.parity)
	}
	code, err := p.code()
	if err != nil {
		return nil, damaged, err
	}
	if err := code.ReconstructData(blocks); err != nil {
		return nil, damaged, err
	}
	return bytes.Join(blocks[:p.data], nil)[:p.length], damaged, nil
}

// parity is the head of a parity file.
type parity struct {
	size, data, parity, length int
	digests                    [][]byte
}

func (p parity) code() (reedsolomon.Encoder, error) {
	return reedsolomon.New(p.data, p.parity, reedsolomon.WithCauchyMatrix(), reedsolomon.WithMaxGoroutines(1))
}

// split cuts data into p.data blocks; what is missing at the end is nil, the
// last block is filled with zeros.
func (p parity) split(data []byte) [][]byte {
	blocks := make([][]byte, p.data, p.data+p.parity)
	data = data[:min(len(data), p.length)]
	for i := range blocks {
		rest := data[min(i*p.size, len(data)):]
		if len(rest) == 0 {
			continue
		}
		blocks[i] = rest[:min(p.size, len(rest)):min(p.size, len(rest))]
		if len(blocks[i]) < p.size {
			blocks[i] = append(blocks[i], make([]byte, p.size-len(blocks[i]))...)
		}
	}
	return blocks
}

func (p parity) marshal(blocks [][]byte) []byte {
	out := []byte(parityMagic)
	out = binary.BigEndian.AppendUint32(out, uint32(p.size))
	out = binary.BigEndian.AppendUint16(out, uint16(p.data))
	out = binary.BigEndian.AppendUint16(out, uint16(p.parity))
	out = binary.BigEndian.AppendUint64(out, uint64(p.length))
	for _, b := range blocks {
		out = append(out, blockSum(b)...)
	}
	out = append(out, blockSum(out)...)
	for _, b := range blocks[p.data:] {
		out = append(out, b...)
	}
	return out
}

// block is parity block i, nil where the file is cut short.
func (p parity) block(file []byte, i int) []byte {
	start := parityHeader + blockDigest*(p.data+p.parity+1) + i*p.size
	if start+p.size > len(file) {
		return nil
	}
	return file[start : start+p.size : start+p.size]
}

func parseParity(file []byte) (parity, error) {
	if len(file) < parityHeader || string(file[:len(parityMagic)]) != parityMagic {
		return parity{}, errors.New("the parity file does not begin as one")
	}
	size := binary.BigEndian.Uint32(file[8:])
	length := binary.BigEndian.Uint64(file[16:])
	p := parity{
		data:   int(binary.BigEndian.Uint16(file[12:])),
		parity: int(binary.BigEndian.Uint16(file[14:])),
	}
	blocks := p.data + p.parity
	head := parityHeader + blockDigest*blocks
	if p.data < 1 || p.parity < 1 || blocks > maxBlocks || len(file) < head+blockDigest {
		return parity{}, errors.New("the head of the parity file is damaged")
	}
	if !bytes.Equal(blockSum(file[:head]), file[head:head+blockDigest]) {
		return parity{}, errors.New("the head of the parity file is damaged")
	}
	// The head may be sound and hostile: no block is larger than the file.
	if size < 1 || uint64(size) > uint64(len(file)) ||
		length > uint64(size)*uint64(p.data) || length <= uint64(size)*uint64(p.data-1) {
		return parity{}, errors.New("the head of the parity file contradicts itself")
	}
	p.size, p.length = int(size), int(length)
	for i := range blocks {
		start := parityHeader + blockDigest*i
		p.digests = append(p.digests, file[start:start+blockDigest])
	}
	return p, nil
}

func blockSum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:blockDigest]
}
