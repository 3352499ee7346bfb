package canton

import (
	"encoding/binary"
	"errors"
)

// message is a protobuf message in the caller's memory: what is read out of it are
// slices of it, so that nothing secret is copied.
type message []byte

// field is one field of a message.
type field struct {
	number uint64
	wire   uint64  // type
	value  uint64  // of a varint
	bytes  message // of the other types
}

func (f field) varint() bool { return f.wire == wireVarint }

// Wire types of the protobuf encoding.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// maxFields is the number of fields up to which a message is read.
const maxFields = 1 << 17

var errWire = errors.New("not a message in canonical protobuf encoding")

// errField means a well-formed message with a field that is not known here.
var errField = errors.New("a field of the key is not known")

// uvarint reads a number in its shortest form.
func (m message) uvarint() (value uint64, rest message, err error) {
	value, n := binary.Uvarint(m)
	if n <= 0 || (n > 1 && m[n-1] == 0) {
		return 0, nil, errWire
	}
	return value, m[n:], nil
}

// next takes the first field off.
func (m message) next() (f field, rest message, err error) {
	tag, rest, err := m.uvarint()
	if err != nil {
		return f, nil, err
	}
	f.number, f.wire = tag>>3, tag&7
	if f.number == 0 || f.number > 1<<29-1 {
		return f, nil, errWire
	}
	var size uint64
	switch f.wire {
	case wireVarint:
		f.value, rest, err = rest.uvarint()
		return f, rest, err
	case wireFixed64:
		size = 8
	case wireFixed32:
		size = 4
	case wireBytes:
		if size, rest, err = rest.uvarint(); err != nil {
			return f, nil, err
		}
	default:
		return f, nil, errWire
	}
	if size > uint64(len(rest)) {
		return f, nil, errWire
	}
	f.bytes = rest[:size:size]
	return f, rest[size:], nil
}

// each calls do for every field.
func (m message) each(do func(field) error) error {
	for count := 0; len(m) > 0; count++ {
		f, rest, err := m.next()
		if err == nil && count >= maxFields {
			err = errWire
		}
		if err == nil {
			err = do(f)
		}
		if err != nil {
			return err
		}
		m = rest
	}
	return nil
}

// once reads a message whose fields are there at most once: varints into numbers,
// others into contents. A field that is in neither is errField.
func (m message) once(numbers map[uint64]*uint64, contents map[uint64]*message) error {
	var seen uint64
	return m.each(func(f field) error {
		if f.number > 63 {
			return errField
		}
		if seen>>f.number&1 == 1 {
			return errWire
		}
		seen |= 1 << f.number
		number, isNumber := numbers[f.number]
		content, isContent := contents[f.number]
		switch {
		case isNumber && f.varint():
			*number = f.value
		case isContent && f.wire == wireBytes:
			*content = f.bytes
		case isNumber || isContent:
			return errWire
		default:
			return errField
		}
		return nil
	})
}

// unversion opens the wrapper that Canton puts around what it stores:
// UntypedVersionedMessage {data=1, version=2}.
func (m message) unversion() (message, error) {
	var data message
	var version uint64
	err := m.once(map[uint64]*uint64{2: &version}, map[uint64]*message{1: &data})
	if err == nil && (data == nil || version == 0) {
		err = errWire
	}
	return data, err
}
