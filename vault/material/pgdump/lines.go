package pgdump

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// A dump is read in pieces of that size, whatever its own size is; of a line no more
// than maxLine is looked at.
const (
	pieceSize = 256 << 10
	maxLine   = 64 << 10
)

// lines reads a text of any size.
type lines struct{ in *bufio.Reader }

func newLines(in io.Reader) lines { return lines{bufio.NewReaderSize(in, pieceSize)} }

// next gives a line without its end, valid until the next call; cut says that there
// is more of it. The last line may lack its end; io.EOF comes after it.
func (l lines) next() (line []byte, cut bool, err error) {
	line, err = l.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = nil
		}
		return bytes.TrimRight(line, "\r\n"), false, err
	}
	line = bytes.Clone(line[:maxLine])
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.in.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, true, err
}
