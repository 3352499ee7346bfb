package filecoin

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/blake2b"
)

// Protocols of an address (Filecoin specification, Address).
const (
	protocolID        = 0 // an actor's number
	protocolSecp256k1 = 1 // BLAKE2b-160 of the public key
	protocolActor     = 2
	protocolBLS       = 3 // the public key itself
	protocolDelegated = 4 // the number of an address manager and what it says
)

// managerEthereum is the number of the actor that manages Ethereum's addresses
// (FIP-0055): f410f….
const managerEthereum = 10

const checksumSize = 4

var errAddress = errors.New("not a Filecoin address in its canonical form")

// address is an address without its network. The text is the same on all networks
// but for the first letter.
type address struct {
	protocol byte
	payload  string // bytes; of a delegated address the manager's number first
}

// varint is a number as addresses hold it.
func varint(n uint64) string { return string(binary.AppendUvarint(nil, n)) }

// lowerBase32 is RFC 4648 in lower case without padding, as addresses use it.
func lowerBase32() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// blake is BLAKE2b with a digest of that size.
func blake(size int, parts ...[]byte) []byte {
	h, _ := blake2b.New(size, nil) // fails for wrong sizes and keys only
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func (a address) checksum() []byte {
	return blake(checksumSize, []byte{a.protocol}, []byte(a.payload))
}

// String is the address on the main network.
func (a address) String() string {
	switch a.protocol {
	case protocolID:
		n, _ := binary.Uvarint([]byte(a.payload))
		return "f0" + strconv.FormatUint(n, 10)
	case protocolDelegated:
		manager, n := binary.Uvarint([]byte(a.payload))
		if n <= 0 {
			return ""
		}
		return "f4" + strconv.FormatUint(manager, 10) + "f" + lowerBase32().EncodeToString(append([]byte(a.payload[n:]), a.checksum()...))
	}
	return "f" + strconv.Itoa(int(a.protocol)) + lowerBase32().EncodeToString(append([]byte(a.payload), a.checksum()...))
}

// parseAddress reads an address of any network.
func parseAddress(text string) (address, error) {
	if len(text) < 3 || text[0] != 'f' && text[0] != 't' {
		return address{}, errAddress
	}
	a := address{protocol: text[1] - '0'}
	rest := text[2:]
	switch a.protocol {
	case protocolID:
		n, err := strconv.ParseUint(rest, 10, 63)
		if err != nil {
			return address{}, errAddress
		}
		a.payload = varint(n)
		return a, a.mustBe(text)
	case protocolDelegated:
		number, sub, found := strings.Cut(rest, "f")
		manager, err := strconv.ParseUint(number, 10, 63)
		if !found || err != nil {
			return address{}, errAddress
		}
		a.payload, rest = varint(manager), sub
	case protocolSecp256k1, protocolActor, protocolBLS:
	default:
		return address{}, errAddress
	}
	content, err := lowerBase32().DecodeString(rest)
	if err != nil || len(content) < checksumSize {
		return address{}, errAddress
	}
	a.payload += string(content[:len(content)-checksumSize])
	if err := a.checkSize(); err != nil {
		return address{}, err
	}
	return a, a.mustBe(text)
}

// mustBe compares with the only text an address has, so with its checksum too.
func (a address) mustBe(text string) error {
	if a.String()[1:] != text[1:] {
		return errAddress
	}
	return nil
}

// addressOfBytes reads an address as Lotus stores it: protocol and payload.
func addressOfBytes(data []byte) (address, error) {
	if len(data) < 2 {
		return address{}, errAddress
	}
	a := address{data[0], string(data[1:])}
	switch a.protocol {
	case protocolID:
		n, size := binary.Uvarint(data[1:])
		if size <= 0 || varint(n) != a.payload {
			return address{}, errAddress
		}
		return a, nil
	case protocolSecp256k1, protocolActor, protocolBLS:
		return a, a.checkSize()
	}
	return address{}, errAddress
}

// maxSubAddress is the size of a delegated address without its manager (FIP-0048).
const maxSubAddress = 54

func (a address) checkSize() error {
	size := len(a.payload)
	ok := size == 20
	switch a.protocol {
	case protocolBLS:
		ok = size == 48
	case protocolDelegated:
		_, n := binary.Uvarint([]byte(a.payload))
		ok = n > 0 && size-n <= maxSubAddress
	}
	if !ok {
		return fmt.Errorf("an address with protocol %d does not have %d bytes", a.protocol, size)
	}
	return nil
}
