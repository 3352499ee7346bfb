package cardano

import (
	"bytes"
	"encoding/json"
	"errors"
)

// readDamaged claims what must have been an envelope or a bech32 word, so that a
// damaged file is refused under whatever name, and not sealed as one of no kind.
func readDamaged(data []byte) (object, bool) {
	if role, ok := damagedEnvelope(data); ok {
		return object{
			role:   role,
			secret: bytes.Contains(data, []byte("SigningKey")),
			defect: errors.New("it is a text envelope that was damaged or cut short"),
		}, true
	}
	word := trim(data)
	for prefix, role := range map[string]string{
		"addr1": RolePaymentAddress, "addr_test1": RolePaymentAddress, "stake1": RoleStakeAddress, "stake_test1": RoleStakeAddress, "pool1": RolePoolID,
	} {
		if bytes.HasPrefix(word, []byte(prefix)) && !bytes.ContainsAny(word, white) {
			return object{role: role, defect: errors.New("its checksum is wrong, or it was cut short")}, true
		}
	}
	return object{}, false
}

// damagedEnvelope gives the role that the type still says, or "" if that is lost too.
func damagedEnvelope(data []byte) (role string, ok bool) {
	if e, err := parseEnvelope(data); err == nil {
		_, plain := e["cborHex"]
		return "", plain // it has no type, else it would not be damaged
	}
	text := trim(data)
	if json.Valid(data) || !bytes.HasPrefix(text, []byte("{")) && !bytes.HasSuffix(text, []byte("}")) {
		return "", false
	}
	if _, rest, found := bytes.Cut(data, []byte(`"type"`)); found {
		rest = bytes.TrimLeft(rest, white+`:"`)
		if end := bytes.IndexByte(rest, '"'); end > 0 {
			role, _ = kindOf(string(rest[:end]))
		}
	}
	for _, member := range []string{"cborHex", "encrHex", "cborXPubKeyHex"} {
		ok = ok || bytes.Contains(data, []byte(`"`+member+`"`))
	}
	return role, ok || role != ""
}
