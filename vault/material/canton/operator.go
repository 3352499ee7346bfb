package canton

import (
	"bytes"
	"errors"
	"regexp"

	"coldvault/vault/material/der"
	"coldvault/vault/material/jsonview"
)

// operatorKey is the super validator's own key pair as it is written down: base64 of
// a SubjectPublicKeyInfo and of a PKCS#8, both on P-256.
type operatorKey struct {
	public  *der.PublicKey // as it stands there
	private *der.PublicKey // derived from the private key
}

// maxOperator is the size up to which a file is read as an operator key.
const maxOperator = 4 << 10

var errOperator = errors.New("no operator key")

// findOperatorKey looks for an operator key in the forms in which people keep it: the
// two lines that the documented program prints (public-key = "…"), YAML or a JSON
// object with names like these, or one half alone as base64.
func findOperatorKey(data []byte) (operatorKey, error) {
	var k operatorKey
	text := bytes.TrimSpace(data)
	if len(data) > maxOperator || len(text) < 40 {
		return k, errOperator
	}
	if v, err := jsonview.Parse(data); err == nil {
		return k, k.addMembers(v)
	}
	if !bytes.ContainsAny(text, " \r\n") {
		if k.add(text) != nil {
			return k, errOperator // it could be anything
		}
		return k, nil
	}
	line := regexp.MustCompile(`^\s*(?:public|private)(?:[-_]?[kK]ey)?\s*[=:]\s*"?([A-Za-z0-9+/]{40,}={0,2})"?\s*$`)
	for one := range bytes.SplitSeq(text, []byte("\n")) {
		if len(bytes.TrimSpace(one)) == 0 || bytes.HasPrefix(bytes.TrimSpace(one), []byte("#")) {
			continue
		}
		m := line.FindSubmatch(one)
		if m == nil {
			return operatorKey{}, errOperator
		}
		if err := k.add(m[1]); err != nil {
			return operatorKey{}, err
		}
	}
	if k.public == nil && k.private == nil { // nothing but comments
		return k, errOperator
	}
	return k, nil
}

func (k *operatorKey) addMembers(v jsonview.Value) error {
	name := regexp.MustCompile(`^(?:public|private)(?:[-_]?[kK]ey)?$`)
	if v.Kind != jsonview.Object || len(v.Names()) == 0 {
		return errOperator
	}
	for _, n := range v.Names() {
		if !name.MatchString(n) {
			return errOperator
		}
		if err := k.add(v.At(n).Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// add reads one half.
func (k *operatorKey) add(text []byte) error {
	data, err := jsonview.DecodeBase64(text)
	if err != nil {
		return errOperator
	}
	defer clear(data)
	half := &k.private
	key, err := der.PKCS8(data)
	if err != nil {
		if public, spkiErr := der.SPKI(data); spkiErr == nil {
			half, key, err = &k.public, public, nil
		}
	}
	switch {
	case errors.Is(err, der.ErrAlgorithm), err == nil && key.Algorithm != der.P256:
		return errOperator
	case err != nil:
		return err
	case *half != nil:
		return errors.New("there are two operator keys in one file")
	}
	*half = &key
	return nil
}
