package cardano

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxText is the size up to which a file is read as text. The largest file in
// use, a KES key, has 1.4 KB.
const maxText = 64 << 10

// envelope is a JSON object whose string members are slices of the caller's
// memory, between the quotes and with escapes as they stand: nothing is copied.
type envelope map[string][]byte

// white is JSON's white space (RFC 8259, section 2), and what may surround the one
// word of a text file.
const white = " \t\r\n"

func trim(data []byte) []byte { return bytes.Trim(data, white) }

var errNotObject = errors.New("no JSON object")

// parseEnvelope reads the string members of a JSON object. Members of other types
// are left out; a member that is there twice is refused.
func parseEnvelope(data []byte) (envelope, error) {
	data = trim(data)
	if len(data) > maxText || len(data) < 2 || data[0] != '{' || !json.Valid(data) {
		return nil, errNotObject
	}
	e := envelope{}
	seen := map[string]bool{}
	s := scanner{data, 1}
	for s.peek() != '}' {
		name := string(s.text())
		s.pos++ // the colon
		if seen[name] {
			return nil, errors.New("a member is there twice")
		}
		seen[name] = true
		if s.peek() == '"' {
			e[name] = s.text()
		} else {
			s.skip()
		}
		if s.peek() == ',' {
			s.pos++
		}
	}
	return e, nil
}

// scanner walks over JSON that is known to be valid.
type scanner struct {
	data []byte
	pos  int
}

// peek is the next byte that is not white space.
func (s *scanner) peek() byte {
	for strings.IndexByte(white, s.data[s.pos]) >= 0 {
		s.pos++
	}
	return s.data[s.pos]
}

// text reads a string and the white space before and after it.
func (s *scanner) text() []byte {
	s.peek()
	start := s.pos + 1
	for s.pos = start; s.data[s.pos] != '"'; s.pos++ {
		if s.data[s.pos] == '\\' {
			s.pos++
		}
	}
	text := s.data[start:s.pos]
	s.pos++
	s.peek()
	return text
}

// skip passes over a value that is no string.
func (s *scanner) skip() {
	for depth := 0; ; {
		switch s.peek() {
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return // the end of the object around a number, true, false, null
			}
			if depth--; depth == 0 {
				s.pos++
				return
			}
		case ',':
			if depth == 0 {
				return
			}
		case '"':
			s.text()
			continue
		}
		s.pos++
	}
}

// payload decodes a member of hex digits. The caller wipes it.
func (e envelope) payload(member string) ([]byte, error) {
	text, ok := e[member]
	if !ok {
		return nil, fmt.Errorf("%s is missing", member)
	}
	out := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(out, text); err != nil {
		clear(out)
		return nil, fmt.Errorf("%s is not made of pairs of hex digits", member)
	}
	return out, nil
}

// form is the layout of an envelope's CBOR.
type form int

const (
	formUnknown        form = iota
	formSeed                // 32 bytes: an Ed25519 seed
	formPublic              // 32 bytes: a verification key
	formExtendedSecret      // 128 bytes: kL ‖ kR ‖ verification key ‖ chain code
	formExtendedPublic      // 64 bytes: verification key ‖ chain code
	formExtendedBare        // 96 bytes: kL ‖ kR ‖ chain code, in bech32 only
	formVRFSecret           // 64 bytes: seed ‖ verification key
	formKESSecret           // 608 bytes
	formOpcert              // an operational certificate
	formCounter             // its issue counter
	formCertificate         // a ledger certificate
	formBLSSecret           // 32 bytes, of a preview network
	formBLSPublic           // 96 bytes
	formBLSProof            // 48 bytes
	formHardware            // 64 bytes: verification key ‖ chain code of a key in a hardware wallet
)

// size is the number of bytes of a form that is one CBOR byte string, 0 for others.
func (f form) size() int {
	switch f {
	case formSeed, formPublic, formBLSSecret:
		return 32
	case formExtendedSecret:
		return 128
	case formExtendedBare:
		return 96
	case formExtendedPublic, formVRFSecret, formHardware:
		return 64
	case formKESSecret:
		return 608
	case formBLSPublic:
		return 96
	case formBLSProof:
		return 48
	}
	return 0
}

// secret says whether the form holds a private key.
func (f form) secret() bool {
	switch f {
	case formSeed, formExtendedSecret, formExtendedBare, formVRFSecret, formKESSecret, formBLSSecret:
		return true
	}
	return false
}

// family is a kind of Ed25519 key: what stands before and after "SigningKey" in
// the types of its envelopes, and the first part of its roles.
type family struct{ before, after, role string }

func families() []family {
	return []family{
		{"StakePool", "", "node"},
		{"StakePool", "Shelley", "node"}, // Bursa's spelling
		{"Payment", "Shelley", "payment"},
		{"Stake", "Shelley", "stake"},
		{"Genesis", "", "genesis"},
		{"GenesisDelegate", "", "genesis-delegate"},
		{"GenesisUTxO", "", "genesis-utxo"},
		{"DRep", "", "drep"},
		{"ConstitutionalCommitteeCold", "", "cc-cold"},
		{"ConstitutionalCommitteeHot", "", "cc-hot"},
	}
}

// kindOf gives the role and the form that a type of envelope stands for.
func kindOf(envelopeType string) (role string, f form) {
	for _, k := range families() {
		switch envelopeType {
		case k.before + "SigningKey" + k.after + "_ed25519":
			return k.role + ".skey", formSeed
		case k.before + "VerificationKey" + k.after + "_ed25519":
			return k.role + ".vkey", formPublic
		case k.before + "ExtendedSigningKey" + k.after + "_ed25519_bip32":
			return k.role + ".skey", formExtendedSecret
		case k.before + "ExtendedVerificationKey" + k.after + "_ed25519_bip32":
			return k.role + ".vkey", formExtendedPublic
		case k.before + "HWSigningFile" + k.after + "_ed25519":
			return k.role + ".hwsfile", formHardware
		}
	}
	const bls = "_bls12-381-BLS-Signature-Mininimal-Signature-Size" // as released, with its misspelling
	switch envelopeType {
	case "PoolColdHWSigningFileShelley_ed25519":
		return "node.hwsfile", formHardware
	case "PaymentSigningKeyByron_ed25519_bip32":
		return "payment-byron.skey", formExtendedSecret
	case "PaymentVerificationKeyByron_ed25519_bip32":
		return "payment-byron.vkey", formExtendedPublic
	case "VrfSigningKey_PraosVRF", "VRFSigningKey_PraosVRF":
		return RoleVRFSecret, formVRFSecret
	case "VrfVerificationKey_PraosVRF", "VRFVerificationKey_PraosVRF":
		return RoleVRFPublic, formPublic
	case "KesSigningKey_ed25519_kes_2^6", "KESSigningKey_PraosV2":
		return RoleKESSecret, formKESSecret
	case "KesVerificationKey_ed25519_kes_2^6", "KESVerificationKey_PraosV2":
		return RoleKESPublic, formPublic
	case "NodeOperationalCertificate":
		return RoleOpcert, formOpcert
	case "NodeOperationalCertificateIssueCounter":
		return RoleCounter, formCounter
	case "Certificate", "CertificateConway", "CertificateShelley":
		return roleCertificate, formCertificate
	case "BlsSigningKey" + bls:
		return "bls.skey", formBLSSecret
	case "BlsVerificationKey" + bls:
		return "bls.vkey", formBLSPublic
	case "BlsPossessionProof" + bls:
		return "bls.proof", formBLSProof
	}
	return "", formUnknown
}
