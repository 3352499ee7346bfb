package pgdump

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Archives of pg_dump (PostgreSQL, pg_backup_archiver.h and pg_backup_custom.c).
const (
	magic = "PGDMP"

	formatCustom    = 1
	formatTar       = 3
	formatDirectory = 5 // never written

	blockData  = 1
	blockBlobs = 3

	stateNone = 3 // of an entry: it has no data

	kindBlobs = "BLOBS"
)

// Limits of what an archive may announce.
const (
	maxEntries      = 4 << 20
	maxText         = 64 << 10 // of a text up to which it is kept
	maxDependencies = 1 << 20
)

var (
	errArchive = errors.New("its outline is damaged")
	errCut     = errors.New("it was cut off")
	errVersion = errors.New("its archive version is not known here")
)

// archive is the outline of a dump in custom or tar format.
type archive struct {
	minor      byte
	sizes      struct{ integer, offset int }
	format     byte
	compressed bool
	entries    map[int32]entry // those with data
	database
}

// entry is what is kept of one with data.
type entry struct {
	copy string // the COPY command of a table that matters
	file string // in the tar format
}

// source reads the numbers and texts of an archive. The first error sticks.
type source struct {
	in  *bufio.Reader
	a   *archive
	err error
}

func newSource(in io.Reader) *source {
	return &source{in: bufio.NewReaderSize(in, pieceSize), a: &archive{entries: map[int32]entry{}}}
}

func (s *source) fail(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	if s.err == nil {
		s.err = err
	}
}

func (s *source) byte() byte {
	if s.err != nil {
		return 0
	}
	b, err := s.in.ReadByte()
	if err != nil {
		s.fail(err)
	}
	return b
}

// integer is a sign and a little-endian number.
func (s *source) integer() int32 {
	sign := s.byte()
	var n uint64
	for i := range s.a.sizes.integer {
		n |= uint64(s.byte()) << (8 * i)
	}
	if sign > 1 || n > math.MaxInt32 {
		s.fail(errArchive)
		return 0
	}
	if sign == 1 {
		return -int32(n)
	}
	return int32(n)
}

// text is a length and bytes, or null. Of a long text the beginning is kept.
func (s *source) text() (string, bool) {
	n := s.integer()
	if s.err != nil || n < 0 {
		if n < -1 {
			s.fail(errArchive)
		}
		return "", false
	}
	var kept bytes.Buffer
	if _, err := io.CopyN(&kept, s.in, int64(min(n, maxText))); err != nil {
		s.fail(err)
		return "", false
	}
	s.skip(int64(n) - int64(kept.Len()))
	return kept.String(), true
}

func (s *source) skip(n int64) {
	for n > 0 && s.err == nil {
		piece := int(min(n, math.MaxInt32))
		if _, err := s.in.Discard(piece); err != nil {
			s.fail(err)
		}
		n -= int64(piece)
	}
}

// header reads up to the number of entries.
func (s *source) header() {
	for _, want := range []byte(magic) {
		if s.byte() != want {
			s.fail(errArchive)
		}
	}
	major := s.byte()
	s.a.minor = s.byte()
	s.byte() // revision
	if s.err == nil && (major != 1 || s.a.minor < 10 || s.a.minor > 16) {
		s.fail(fmt.Errorf("%w: %d.%d", errVersion, major, s.a.minor))
	}
	s.a.sizes.integer, s.a.sizes.offset = int(s.byte()), int(s.byte())
	if s.a.sizes.integer != 4 && s.a.sizes.integer != 8 || s.a.sizes.offset != 4 && s.a.sizes.offset != 8 {
		s.fail(errArchive)
		return
	}
	s.a.format = s.byte()
	if s.a.minor >= 15 {
		s.a.compressed = s.byte() != 0
	} else {
		s.a.compressed = s.integer() != 0
	}
	s.a.started = s.clock()
	s.a.name, _ = s.text()
	s.text() // version of the server
	s.text() // version of pg_dump
}

// clock is the time at which pg_dump began, on its own clock.
func (s *source) clock() stamp {
	var part [7]int
	for i := range part {
		part[i] = int(s.integer())
	}
	second, minute, hour, day, month, year := part[0], part[1], part[2], part[3], part[4], part[5]
	at := time.Date(year+1900, time.Month(month+1), day, hour, minute, min(second, 59), 0, time.UTC)
	if s.err != nil || at.Day() != day || at.Hour() != hour || at.Minute() != minute || second < 0 {
		s.fail(errArchive)
		return stamp{}
	}
	return stamp{at: at, zone: noZone, error: clockRange}
}

// outline reads the header and all entries.
func (s *source) outline() error {
	s.header()
	count := s.integer()
	if s.err == nil && (count < 0 || count > maxEntries) {
		s.fail(errArchive)
	}
	for range count {
		s.entry()
		if s.err != nil {
			break
		}
	}
	return s.err
}

func (s *source) entry() {
	id := s.integer()
	dumped := s.integer()
	s.text() // catalogue and object number
	s.text()
	tag, _ := s.text()
	kind, _ := s.text()
	s.integer() // section
	s.text()    // definition
	s.text()    // its removal
	rows, _ := s.text()
	s.text() // schema, tablespace
	s.text()
	if s.a.minor >= 14 {
		s.text() // access method
	}
	if s.a.minor >= 16 {
		s.integer() // kind of relation
	}
	s.text() // owner
	s.text() // "false"
	for i := 0; ; i++ {
		if _, more := s.text(); !more {
			break
		}
		if i == maxDependencies {
			s.fail(errArchive)
			return
		}
	}
	s.keep(id, dumped != 0, tag, kind, rows)
}

// keep reads where the data of an entry is, and remembers what matters of it.
func (s *source) keep(id int32, dumped bool, tag, kind, rows string) {
	var e entry
	state := byte(0)
	if s.a.format == formatCustom {
		state = s.byte()
		s.skip(int64(s.a.sizes.offset))
	} else {
		if e.file, _ = s.text(); e.file == "" {
			state = stateNone
		}
	}
	if s.err != nil {
		return
	}
	if kind == "TABLE" || kind == "TABLE DATA" {
		s.a.hasTable(tag)
	}
	if c, ok := parseCopy([]byte(rows)); ok && c.table != "" {
		e.copy = strings.Clone(rows)
	}
	if kind == kindBlobs {
		e.file = blobsFile
	}
	if dumped && state != stateNone {
		s.a.entries[id] = e
	}
}

// readCustom reads an archive in the custom format: every entry's data must be there,
// and nothing else behind it.
func readCustom(in io.Reader, outline bool) (*archive, error) {
	s := newSource(in)
	err := s.outline()
	if s.a.format == formatTar {
		s.a.format = formatDirectory // whose outline says tar, so that it can be packed
	}
	if err != nil || outline || s.a.format != formatCustom {
		return s.a, err
	}
	if s.a.compressed {
		s.a.unread = "its rows are compressed"
	}
	for len(s.a.entries) > 0 {
		if _, err := s.in.Peek(1); err != nil {
			return s.a, fmt.Errorf("%w: the data of %d entries is missing", errCut, len(s.a.entries))
		}
		if err := s.block(); err != nil {
			return s.a, err
		}
	}
	if _, err := s.in.Peek(1); !errors.Is(err, io.EOF) {
		return s.a, errors.New("something else follows after its data")
	}
	return s.a, nil
}

// block reads the data of one entry.
func (s *source) block() error {
	kind, id := s.byte(), s.integer()
	e, known := s.a.entries[id]
	if s.err == nil && (!known || kind != blockData && kind != blockBlobs) {
		s.fail(errors.New("its data does not match its outline"))
	}
	delete(s.a.entries, id)
	if kind == blockBlobs {
		for s.err == nil && s.integer() != 0 {
			s.skipPieces()
		}
		return s.err
	}
	c, ok := parseCopy([]byte(e.copy))
	if !ok || s.a.compressed {
		s.skipPieces()
		return s.err
	}
	p := &pieces{s: s}
	if err := readRows(p, &s.a.database, c); err != nil {
		s.fail(err)
	}
	p.drain()
	return s.err
}

func (s *source) skipPieces() {
	for s.err == nil {
		n := s.integer()
		if n < 0 {
			s.fail(errArchive)
		}
		if s.err != nil || n == 0 {
			return
		}
		s.skip(int64(n))
	}
}

// pieces reads the data of one entry as one text.
type pieces struct {
	s    *source
	left int64
	end  bool
}

func (p *pieces) Read(to []byte) (int, error) {
	if p.left == 0 && !p.end {
		p.left = int64(p.s.integer())
		p.end = p.left == 0
		if p.left < 0 {
			p.s.fail(errArchive)
		}
	}
	if p.s.err != nil {
		return 0, p.s.err
	}
	if p.end {
		return 0, io.EOF
	}
	n, err := p.s.in.Read(to[:min(int64(len(to)), p.left)])
	p.left -= int64(n)
	if err != nil {
		p.s.fail(err)
		return n, p.s.err
	}
	return n, nil
}

// drain passes over what was not read.
func (p *pieces) drain() {
	if _, err := io.Copy(io.Discard, p); err != nil {
		p.s.fail(err)
	}
}

// readRows reads rows in COPY's text format to their end.
func readRows(in io.Reader, d *database, c columns) error {
	p := &plain{open: d, rows: &c}
	text := newLines(in)
	for p.rows != nil {
		line, cut, err := text.next()
		if errors.Is(err, io.EOF) {
			return errors.New("the rows of a table have no end")
		}
		if err != nil {
			return err
		}
		p.row(line, cut)
	}
	return nil
}
