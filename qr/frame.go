package qr

import (
	"bytes"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The frame of FORMAT.md section 8: a header, the body, a CRC-32.
const (
	frameVersion = 0x21
	headerSize   = 25
	crcSize      = 4
	maxFrames    = 255
	maxGen       = 999999
)

// ErrFrameVersion is for bytes that are no frame, or one of a version that this program does not know.
var ErrFrameVersion = errors.New("not a page code of a version known here")

// A Frame is what one code on a bundle page holds: one body of a page set, and what is needed to put the set together.
type Frame struct {
	Vault      [5]byte
	Generation uint32
	Set        [8]byte // first bytes of the payload's SHA-256
	Index      int     // 0…Total−1; from Data on it is parity
	Data       int     // bodies that the payload was cut into
	Total      int     // Data and parity
	Length     int     // bytes in the payload
	Body       []byte
}

// Marshal gives the bytes of a frame that is valid, as those from Split and ParseFrame are.
func (f Frame) Marshal() []byte {
	out := make([]byte, 0, headerSize+len(f.Body)+crcSize)
	out = append(out, frameVersion)
	out = append(out, f.Vault[:]...)
	out = binary.BigEndian.AppendUint32(out, f.Generation)
	out = append(out, f.Set[:]...)
	out = append(out, byte(f.Index), byte(f.Data), byte(f.Total))
	out = binary.BigEndian.AppendUint32(out, uint32(f.Length))
	out = append(out, f.Body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}

// ParseFrame reads the bytes of one frame. Its Body is a copy.
func ParseFrame(data []byte) (Frame, error) {
	if len(data) == 0 || data[0] != frameVersion {
		return Frame{}, ErrFrameVersion
	}
	size := len(data) - headerSize - crcSize
	if size < 1 || size > maxBody {
		return Frame{}, fmt.Errorf("a page code of %d bytes: some are missing or too many", len(data))
	}
	sum := binary.BigEndian.Uint32(data[headerSize+size:])
	if crc32.ChecksumIEEE(data[:headerSize+size]) != sum {
		return Frame{}, errors.New("page code is damaged: its checksum does not match")
	}
	f := Frame{
		Vault:      [5]byte(data[1:6]),
		Generation: binary.BigEndian.Uint32(data[6:10]),
		Set:        [8]byte(data[10:18]),
		Index:      int(data[18]),
		Data:       int(data[19]),
		Total:      int(data[20]),
		Body:       bytes.Clone(data[headerSize : headerSize+size]),
	}
	length := binary.BigEndian.Uint32(data[21:25])
	if length > maxFrames*maxBody { // before int, which may have 32 bits
		return Frame{}, fmt.Errorf("page code claims a payload of %d bytes, more than fits on paper", length)
	}
	f.Length = int(length)
	if err := f.check(); err != nil {
		return Frame{}, err
	}
	return f, nil
}

// check holds every field against its range in FORMAT.md section 8.
func (f Frame) check() error {
	size := len(f.Body)
	switch {
	case size < 1 || size > maxBody:
		return fmt.Errorf("page code with a body of %d bytes", size)
	case f.Generation < 1 || f.Generation > maxGen:
		return fmt.Errorf("page code of generation %d: generations go from 1 to %d", f.Generation, maxGen)
	case f.Data < 1 || f.Total > maxFrames || f.Total <= f.Data:
		return fmt.Errorf("page code of a set of %d codes, %d of them data", f.Total, f.Data)
	case 4*(f.Total-f.Data) < f.Total: // P ≥ (D+P)/4
		return fmt.Errorf("page code of a set with %d parity codes among %d: fewer than a quarter", f.Total-f.Data, f.Total)
	case f.Index < 0 || f.Index >= f.Total:
		return fmt.Errorf("page code with index %d in a set of %d", f.Index, f.Total)
	case f.Length <= (f.Data-1)*size || f.Length > f.Data*size:
		return fmt.Errorf("page code of a payload of %d bytes in %d codes of %d", f.Length, f.Data, size)
	}
	return nil
}

// pageSet is what all frames of one page set have in common. Two printouts of a generation in different layouts are two page sets, though their
// payload, and so their set id, is the same.
type pageSet struct {
	vault       [5]byte
	generation  uint32
	set         [8]byte
	data, total int
	length      int
	bodySize    int
}

func (f Frame) pageSet() pageSet {
	return pageSet{
		vault: f.Vault, generation: f.Generation, set: f.Set,
		data: f.Data, total: f.Total, length: f.Length, bodySize: len(f.Body),
	}
}

// String names a page set as the operator knows it.
func (s pageSet) String() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567" // FORMAT.md section 1
	vault := base32.NewEncoding(alphabet).WithPadding(base32.NoPadding).EncodeToString(s.vault[:])
	return fmt.Sprintf("vault %s, generation %06d, page set %x of %d codes with %d bytes each", vault, s.generation, s.set, s.total, s.bodySize)
}
