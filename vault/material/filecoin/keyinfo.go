package filecoin

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"unicode/utf8"

	"coldvault/vault/material/jsonview"
)

// Types of a KeyInfo (Lotus, chain/types/keystore.go).
const (
	typeBLS       = "bls"
	typeSecp256k1 = "secp256k1"
	typeDelegated = "delegated"
	typeLedger    = "secp256k1-ledger" // a path on a Ledger device, no key
	typePeer      = "libp2p-host"
	typeJWT       = "jwt-hmac-secret"
)

// encoding of a KeyInfo, named as in "lotus wallet import --format".
type encoding string

const (
	hexLotus  encoding = "hex-lotus"
	jsonLotus encoding = "json-lotus"
	gfcJSON   encoding = "gfc-json"
)

// maxKeyInfo is the size up to which a file is read as a key. The largest one holds an
// RSA key of a libp2p host, 3 KB.
const maxKeyInfo = 64 << 10

var (
	errNotKeyInfo = errors.New("no KeyInfo")
	errMembers    = errors.New("it has other members than Lotus writes, or one of them twice")
)

// keyInfo is a private key and what it is for. The owner wipes it.
type keyInfo struct {
	kind     string
	secret   []byte
	encoding encoding
}

func (k keyInfo) wipe() { clear(k.secret) }

// isWallet says whether it is the key of an address.
func (k keyInfo) isWallet() bool {
	switch k.kind {
	case typeBLS, typeSecp256k1, typeDelegated, typeLedger:
		return true
	}
	return false
}

// parseKeyInfo reads a KeyInfo in all encodings. The error is errNotKeyInfo for what
// does not claim to be one. Beside the caller's memory the key is in the keyInfo only.
func parseKeyInfo(data []byte) (keyInfo, error) {
	data = bytes.TrimSpace(data)
	if len(data) < 2 || len(data) > maxKeyInfo {
		return keyInfo{}, errNotKeyInfo
	}
	if data[0] == '{' {
		return parseJSON(data)
	}
	text := make([]byte, hex.DecodedLen(len(data)))
	defer clear(text)
	if _, err := hex.Decode(text, data); err != nil || len(text) == 0 || text[0] != '{' {
		return keyInfo{}, errNotKeyInfo
	}
	k, err := parseJSON(text)
	if err == nil && k.encoding == jsonLotus {
		k.encoding = hexLotus
		return k, nil
	}
	k.wipe()
	return keyInfo{}, cmp.Or(err, errNotKeyInfo)
}

func parseJSON(text []byte) (keyInfo, error) {
	v, err := jsonview.Parse(text)
	switch {
	case err != nil && !errors.Is(err, jsonview.ErrSyntax) && bytes.Contains(text, []byte(`"PrivateKey"`)):
		return keyInfo{}, errMembers
	case err != nil:
		return keyInfo{}, errNotKeyInfo
	case v.Has("KeyInfo"):
		return parseGFC(v)
	case !v.Has("Type", "PrivateKey"):
		return keyInfo{}, errNotKeyInfo
	case len(v.Names()) != 2:
		return keyInfo{}, errMembers
	}
	kind := v.At("Type")
	if kind.Bytes() == nil || !utf8.Valid(kind.Bytes()) {
		return keyInfo{}, errors.New("its Type is no text")
	}
	return keyInfo{kind: kind.Text(), encoding: jsonLotus}.withSecret(v)
}

// parseGFC reads {"KeyInfo":[{"PrivateKey":…,"SigType":1}]}. Lotus imports the first
// of several keys and says nothing of the others: there must be one.
func parseGFC(v jsonview.Value) (keyInfo, error) {
	keys := v.At("KeyInfo").Items()
	switch {
	case len(keys) == 0:
		return keyInfo{}, errNotKeyInfo
	case len(keys) > 1:
		return keyInfo{}, fmt.Errorf("it holds %d keys, of which Lotus imports the first only", len(keys))
	case len(v.Names()) != 1 || len(keys[0].Names()) != 2 || !keys[0].Has("PrivateKey", "SigType"):
		return keyInfo{}, errMembers
	}
	number, err := keys[0].At("SigType").Int()
	name, ok := map[int64]string{1: typeSecp256k1, 2: typeBLS, 3: typeDelegated}[number]
	if err != nil || !ok {
		return keyInfo{}, errors.New("its SigType is none of 1, 2, 3")
	}
	return keyInfo{kind: name, encoding: gfcJSON}.withSecret(keys[0])
}

func (k keyInfo) withSecret(v jsonview.Value) (keyInfo, error) {
	secret, err := v.At("PrivateKey").Base64()
	if err != nil {
		return keyInfo{}, errors.New("its PrivateKey is no base64")
	}
	k.secret = secret
	return k, nil
}
