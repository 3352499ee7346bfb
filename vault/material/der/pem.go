package der

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
)

// Form is what a PEM block says it holds, and the form of DER.
type Form string

// The labels of RFC 7468 and of OpenSSL's older forms.
const (
	FormPKCS8     Form = "PRIVATE KEY"
	FormPKCS1     Form = "RSA PRIVATE KEY"
	FormSEC1      Form = "EC PRIVATE KEY"
	FormSPKI      Form = "PUBLIC KEY"
	FormEncrypted Form = "ENCRYPTED PRIVATE KEY"
)

// Secret says whether the form holds a private key.
func (f Form) Secret() bool { return f != FormSPKI }

// ErrEncrypted means a key under a passphrase: what it holds cannot be told.
var ErrEncrypted = errors.New("the key is encrypted with a passphrase")

// IsPEM says whether the data wants to be PEM.
func IsPEM(data []byte) bool { return bytes.HasPrefix(data, []byte("-----BEGIN ")) }

// Unwrap reads exactly one PEM block in the layout of RFC 7468 (strict), with either
// line ending, and gives its DER, which the caller wipes.
func Unwrap(data []byte) (Form, []byte, error) {
	if len(data) > 2*maxSize || !IsPEM(data) {
		return "", nil, errors.New("not a PEM file")
	}
	lines := bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	defer clear(lines)
	block, _ := pem.Decode(lines)
	if block == nil {
		return "", nil, errors.New("not a whole PEM block")
	}
	form := Form(block.Type)
	if form == FormEncrypted || block.Headers["DEK-Info"] != "" {
		return FormEncrypted, nil, ErrEncrypted
	}
	if len(block.Headers) > 0 {
		clear(block.Bytes)
		return "", nil, errors.New("the PEM block has headers of an unknown kind")
	}
	again := pem.EncodeToMemory(block)
	defer clear(again)
	if !bytes.Equal(bytes.TrimSuffix(lines, []byte("\n")), bytes.TrimSuffix(again, []byte("\n"))) {
		clear(block.Bytes)
		return "", nil, errors.New("not one PEM block in its standard layout, and nothing else")
	}
	return form, block.Bytes, nil
}

// Read reads the public key of a key of the form.
func (f Form) Read(data []byte) (PublicKey, error) {
	switch f {
	case FormPKCS8:
		return PKCS8(data)
	case FormPKCS1:
		return PKCS1(data)
	case FormSEC1:
		return SEC1(data)
	case FormSPKI:
		return SPKI(data)
	case FormEncrypted:
		return PublicKey{}, ErrEncrypted
	}
	return PublicKey{}, fmt.Errorf("a PEM block %.40q is not a key", string(f))
}

// PEM reads a PEM file and gives its form and its public key.
func PEM(data []byte) (Form, PublicKey, error) {
	form, inner, err := Unwrap(data)
	if err != nil {
		return form, PublicKey{}, err
	}
	defer clear(inner)
	key, err := form.Read(inner)
	return form, key, err
}
