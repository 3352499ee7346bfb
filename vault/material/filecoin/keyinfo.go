package filecoin

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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
// does not claim to be one. Beside the caller's memory the key is in slices that are
// wiped here, and in the keyInfo.
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
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return keyInfo{}, errNotKeyInfo
	}
	defer wipeAll(members)
	if list, ok := members["KeyInfo"]; ok {
		return parseGFC(text, list)
	}
	kind, hasKind := members["Type"]
	secret, hasSecret := members["PrivateKey"]
	if !hasKind || !hasSecret {
		return keyInfo{}, errNotKeyInfo
	}
	if !isObjectOf(text, []string{"Type", "PrivateKey"}, kind, secret) {
		return keyInfo{}, errMembers
	}
	k := keyInfo{encoding: jsonLotus}
	if json.Unmarshal(kind, &k.kind) != nil {
		return keyInfo{}, errors.New("its Type is no text")
	}
	var err error
	k.secret, err = unquoteBase64(secret)
	return k, err
}

// parseGFC reads {"KeyInfo":[{"PrivateKey":…,"SigType":1}]}. Lotus imports the first
// of several keys and says nothing of the others: there must be one.
func parseGFC(text, list []byte) (keyInfo, error) {
	var keys []map[string]json.RawMessage
	if json.Unmarshal(list, &keys) != nil || len(keys) == 0 {
		return keyInfo{}, errNotKeyInfo
	}
	defer func() {
		for _, members := range keys {
			wipeAll(members)
		}
	}()
	if len(keys) > 1 {
		return keyInfo{}, fmt.Errorf("it holds %d keys, of which Lotus imports the first only", len(keys))
	}
	secret, kind := keys[0]["PrivateKey"], keys[0]["SigType"]
	if !isObjectOf(text, []string{"KeyInfo"}, list) ||
		!isObjectOf(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimPrefix(list, []byte("[")), []byte("]"))), []string{"PrivateKey", "SigType"}, secret, kind) {
		return keyInfo{}, errMembers
	}
	name, ok := map[string]string{"1": typeSecp256k1, "2": typeBLS, "3": typeDelegated}[string(kind)]
	if !ok {
		return keyInfo{}, errors.New("its SigType is none of 1, 2, 3")
	}
	content, err := unquoteBase64(secret)
	return keyInfo{name, content, gfcJSON}, err
}

// isObjectOf says whether text is an object of exactly these one or two members, in
// any order; white space does not count.
func isObjectOf(text []byte, names []string, values ...[]byte) bool {
	var got bytes.Buffer
	if json.Compact(&got, text) != nil {
		return false
	}
	defer clear(got.Bytes())
	is := func(order ...int) bool {
		var want bytes.Buffer
		separator := "{"
		for _, i := range order {
			fmt.Fprintf(&want, "%s%q:", separator, names[i])
			if json.Compact(&want, values[i]) != nil {
				return false
			}
			separator = ","
		}
		want.WriteByte('}')
		defer clear(want.Bytes())
		return bytes.Equal(got.Bytes(), want.Bytes())
	}
	if len(names) == 1 {
		return is(0)
	}
	return is(0, 1) || is(1, 0)
}

// unquoteBase64 reads a JSON string of base64 in its only canonical form.
func unquoteBase64(quoted []byte) ([]byte, error) {
	if len(quoted) < 2 || quoted[0] != '"' {
		return nil, errors.New("its PrivateKey is no text")
	}
	text := quoted[1 : len(quoted)-1]
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(out, text)
	if err != nil || bytes.ContainsAny(text, "\r\n") {
		clear(out)
		return nil, errors.New("its PrivateKey is no base64")
	}
	return out[:n], nil
}

func wipeAll(members map[string]json.RawMessage) {
	for _, m := range members {
		clear(m)
	}
}
