package filecoin

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Keys of the metadata store (Lotus, node/modules/dtypes and storage/pipeline).
const (
	keyMiner   = "/miner-address"
	keyNextID  = "/storage/nextid"
	keyLogHead = "/backupds/log/head"
	keySectors = "/sectors/"
)

// Sizes up to which keys and values are held in memory; longer values are hashed and
// passed over, longer keys are refused.
const (
	maxKey    = 4 << 10
	maxValue  = 1 << 20
	chunkSize = 32 << 10 // in which a file is read
)

var (
	errTruncated   = errors.New("it ends too early: the backup was cut off")
	errDigest      = errors.New("its content does not have the SHA-256 at its end")
	errTrailing    = errors.New("something else follows after its end")
	errNotBackup   = errors.New("no metadata backup of Lotus")
	errLogSequence = errors.New("what follows its end is no log of changes")
)

// backup is what a metadata backup says (Lotus, lib/backupds): an array of the records
// and their SHA-256, after which a log of later changes may follow.
type backup struct {
	records  int
	miner    address // of a miner's backup
	hasMiner bool
	nextID   uint64 // the number last given to a sector
	hasNext  bool
	sectors  int
	newest   uint64 // the highest number of a sector
	made     time.Time
	opaque   int // sectors whose record could not be read
	logHead  string
	logged   int // changes after the backup
	lastLog  time.Time
	digest   [sha256.Size]byte
}

// isBackup knows a metadata backup by its first three bytes.
func isBackup(head []byte) bool {
	return len(head) >= 3 && head[0] == arrayOf2 && head[1] == arrayOpen && (head[2] == arrayOf2 || head[2] == breakByte)
}

// readBackup reads a whole backup in memory that does not grow with it.
func readBackup(content io.ReaderAt, size int64) (backup, error) {
	in := &stream{in: bufio.NewReaderSize(io.NewSectionReader(content, 0, size), chunkSize)}
	var b backup
	if in.byte() != arrayOf2 {
		return b, cmp.Or(in.err, errNotBackup)
	}
	in.digest = sha256.New()
	if in.byte() != arrayOpen {
		return b, cmp.Or(in.err, errNotBackup)
	}
	if err := b.readRecords(in); err != nil {
		return b, err
	}
	in.digest.Sum(b.digest[:0])
	in.digest = nil
	stored := in.bytes(sha256.Size)
	if in.err != nil {
		return b, in.err
	}
	if !bytes.Equal(stored, b.digest[:]) {
		return b, errDigest
	}
	return b, b.readLog(in)
}

func (b *backup) readRecords(in *stream) error {
	for {
		switch head := in.byte(); {
		case in.err != nil:
			return in.err
		case head == breakByte:
			return nil
		case head != arrayOf2:
			return fmt.Errorf("record %d is not a pair of a key and a value", b.records+1)
		}
		if err := b.readRecord(in); err != nil {
			return fmt.Errorf("record %d: %w", b.records+1, err)
		}
		b.records++
	}
}

// readLog reads the changes after the backup: arrays of key, value and time.
func (b *backup) readLog(in *stream) error {
	for in.more() {
		if in.byte() != arrayOf3 {
			if b.logged == 0 {
				return errTrailing
			}
			return errLogSequence
		}
		if err := b.readRecord(in); err != nil {
			return fmt.Errorf("change %d of its log: %w", b.logged+1, err)
		}
		seconds := in.head(majorUint)
		if in.err != nil || seconds > math.MaxInt32 {
			return cmp.Or(in.err, errLogSequence)
		}
		b.lastLog = time.Unix(int64(seconds), 0).UTC()
		b.logged++
	}
	return in.err
}

func (b *backup) readRecord(in *stream) error {
	key := string(in.bytes(maxKey))
	if in.err != nil {
		return in.err
	}
	limit := uint64(0)
	if key == keyMiner || key == keyNextID || key == keyLogHead || strings.HasPrefix(key, keySectors) {
		limit = maxValue
	}
	value := in.bytesOrSkip(limit)
	if in.err != nil {
		return in.err
	}
	switch {
	case key == keyMiner:
		return b.readMiner(value)
	case key == keyNextID:
		n, size := binary.Uvarint(value)
		if size <= 0 || size != len(value) {
			return errors.New("the next sector number is no varint")
		}
		b.nextID, b.hasNext = n, true
	case key == keyLogHead:
		b.logHead = printable(value)
	case strings.HasPrefix(key, keySectors):
		return b.readSector(key, value)
	}
	return nil
}

func (b *backup) readMiner(value []byte) error {
	a, err := addressOfBytes(value)
	if err != nil {
		return fmt.Errorf("the miner's address: %w", err)
	}
	if b.hasMiner && a != b.miner {
		return fmt.Errorf("it names two miners, %s and %s", b.miner, a)
	}
	b.miner, b.hasMiner = a, true
	return nil
}

func (b *backup) readSector(key string, value []byte) error {
	number, err := strconv.ParseUint(strings.TrimPrefix(key, keySectors), 10, 63)
	if err != nil {
		return fmt.Errorf("%q does not name a sector", key)
	}
	b.sectors++
	b.newest = max(b.newest, number)
	info, err := parseSector(value)
	if err != nil {
		b.opaque++
		return nil // a record in another layout is counted, not refused
	}
	if info.number != number {
		return fmt.Errorf("the record of sector %d is of sector %d", number, info.number)
	}
	if info.made.After(b.made) {
		b.made = info.made
	}
	return nil
}

// printable shows text from a file: the log head is a file name, a UUID and seconds.
func printable(text []byte) string {
	const longest = 128
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, string(text[:min(len(text), longest)]))
	return clean
}

// headTime is the time in a log head, zero if it has none.
func (b *backup) headTime() time.Time {
	parts := strings.Split(b.logHead, ";")
	seconds, err := strconv.ParseInt(parts[len(parts)-1], 10, 32)
	if err != nil || len(parts) != 3 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// stream reads CBOR from a file, hashes what it reads, and keeps the first error.
type stream struct {
	in     *bufio.Reader
	digest hash.Hash // nil: not now
	err    error
}

func (s *stream) fail(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTruncated
	}
	if s.err == nil {
		s.err = err
	}
}

// more says whether anything follows.
func (s *stream) more() bool {
	_, err := s.in.Peek(1)
	if err != nil && !errors.Is(err, io.EOF) {
		s.fail(err)
	}
	return err == nil && s.err == nil
}

func (s *stream) byte() byte {
	if s.err != nil {
		return 0
	}
	b, err := s.in.ReadByte()
	if err != nil {
		s.fail(err)
		return 0
	}
	if s.digest != nil {
		s.digest.Write([]byte{b})
	}
	return b
}

// head reads the head of an item of that type in its shortest form.
func (s *stream) head(major byte) uint64 {
	first := s.byte()
	if s.err == nil && first>>5 != major {
		s.fail(errCBOR)
		return 0
	}
	info := first & 31
	if info < 24 {
		return uint64(info)
	}
	if info > 27 {
		s.fail(errCBOR)
		return 0
	}
	var n uint64
	for range 1 << (info - 24) {
		n = n<<8 | uint64(s.byte())
	}
	if n < shortest(info) {
		s.fail(errCBOR)
	}
	return n
}

// bytes reads a byte string of at most that size.
func (s *stream) bytes(limit uint64) []byte {
	n := s.head(majorBytes)
	if s.err == nil && n > limit {
		s.fail(fmt.Errorf("%d bytes where at most %d belong", n, limit))
	}
	return s.take(n)
}

// bytesOrSkip reads a byte string; one above the limit is passed over.
func (s *stream) bytesOrSkip(limit uint64) []byte {
	n := s.head(majorBytes)
	if s.err != nil || n <= limit {
		return s.take(n)
	}
	for n > 0 && s.err == nil {
		chunk, err := s.in.Peek(int(min(n, chunkSize)))
		if err != nil {
			s.fail(err)
			break
		}
		if s.digest != nil {
			s.digest.Write(chunk)
		}
		_, _ = s.in.Discard(len(chunk)) // of what Peek has shown
		n -= uint64(len(chunk))
	}
	return nil
}

// take reads n bytes, which are below a limit.
func (s *stream) take(n uint64) []byte {
	if s.err != nil {
		return nil
	}
	out := make([]byte, n)
	if _, err := io.ReadFull(s.in, out); err != nil {
		s.fail(err)
		return nil
	}
	if s.digest != nil {
		s.digest.Write(out)
	}
	return out
}
