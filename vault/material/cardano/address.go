package cardano

import (
	"bytes"
	"errors"
	"fmt"
)

// Networks as an address names them (CIP-19).
const (
	networkTest = 0
	networkMain = 1
)

// address is a Shelley address (CIP-19).
type address struct {
	network byte
	payment *credential // nil in a stake address
	stake   *credential // nil in an enterprise and in a pointer address
	form    string
}

// parseAddress reads what stands in bech32 under the prefix hrp.
func parseAddress(hrp string, data []byte) (address, error) {
	if len(data) < 1+hashSize {
		return address{}, errors.New("the address is too short")
	}
	kind, a := data[0]>>4, address{network: data[0] & 15}
	part := func(n int, script bool) *credential {
		return &credential{script, bytes.Clone(data[1+n*hashSize:][:hashSize])}
	}
	size := 1 + hashSize
	switch {
	case kind <= 3 && len(data) == 1+2*hashSize:
		size += hashSize
		a.form, a.payment, a.stake = "base", part(0, kind&1 == 1), part(1, kind&2 == 2)
	case kind <= 3:
		return a, errors.New("a base address has another length")
	case kind <= 5:
		size = len(data) // three variable-length numbers follow
		a.form, a.payment = "pointer", part(0, kind&1 == 1)
	case kind <= 7:
		a.form, a.payment = "enterprise", part(0, kind&1 == 1)
	case kind >= 14:
		a.form, a.stake = "stake", part(0, kind&1 == 1)
	default:
		return a, fmt.Errorf("addresses of kind %d are not known", kind)
	}
	want := "addr"
	if kind >= 14 {
		want = "stake"
	}
	if a.network == networkTest {
		want += "_test"
	}
	switch {
	case a.network > networkMain:
		return a, fmt.Errorf("network %d is not known", a.network)
	case len(data) != size:
		return a, fmt.Errorf("a %s address has another length", a.form)
	case hrp != want:
		return a, fmt.Errorf("the prefix is %q where the address says %q", hrp, want)
	}
	return a, nil
}

// networkName is the network in words.
func networkName(network byte) string {
	if network == networkMain {
		return "mainnet"
	}
	return "a test network"
}
