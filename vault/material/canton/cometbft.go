package canton

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"coldvault/vault/material/der"
	"coldvault/vault/material/jsonview"
)

// CometBFT writes keys as {"type": …, "value": base64}, with the names of its
// ancestor Tendermint.
const (
	cometPublic  = "tendermint/PubKeyEd25519"
	cometPrivate = "tendermint/PrivKeyEd25519"
)

// cometAddress is the 20 bytes that name a key: in upper case hex a validator's
// address, in lower case a node's id.
func cometAddress(key der.PublicKey) []byte {
	digest := sha256.Sum256(key.Bytes())
	return digest[:20]
}

func validatorAddress(key der.PublicKey) string { return fmt.Sprintf("%X", cometAddress(key)) }

func nodeIDOf(key der.PublicKey) string { return hex.EncodeToString(cometAddress(key)) }

// readCometPrivate reads a private key, which is seed ‖ public key.
func readCometPrivate(v jsonview.Value) (der.PublicKey, error) {
	if v.At("type").Text() != cometPrivate || len(v.Names()) != 2 {
		return der.PublicKey{}, fmt.Errorf("priv_key is not of type %s", cometPrivate)
	}
	data, err := v.At("value").Base64()
	if err != nil || len(data) != 64 {
		clear(data)
		return der.PublicKey{}, errors.New("priv_key does not have 64 bytes of base64")
	}
	defer clear(data)
	key, err := der.Derive(der.Ed25519, data[:32])
	if err == nil && !bytes.Equal(data[32:], key.Bytes()) {
		err = errOtherPublic
	}
	return key, err
}

func readCometPublic(v jsonview.Value) (der.PublicKey, error) {
	data, err := v.At("value").Base64()
	if err != nil || v.At("type").Text() != cometPublic || len(v.Names()) != 2 {
		return der.PublicKey{}, fmt.Errorf("pub_key is not of type %s", cometPublic)
	}
	return der.Public(der.Ed25519, data)
}

func isCometNodeKey(v jsonview.Value) bool { return v.Has("priv_key") && len(v.Names()) == 1 }

func isCometValidatorKey(v jsonview.Value) bool { return v.Has("address", "pub_key", "priv_key") }

// readCometValidatorKey reads priv_validator_key.json: three forms of one key.
func readCometValidatorKey(v jsonview.Value) (der.PublicKey, error) {
	key, err := readCometPrivate(v.At("priv_key"))
	if err != nil {
		return key, err
	}
	public, err := readCometPublic(v.At("pub_key"))
	switch {
	case err != nil:
		return key, err
	case public != key:
		return key, errors.New("pub_key is not the public key of priv_key")
	case v.At("address").Text() != validatorAddress(key):
		return key, errors.New("address is not the one of priv_key")
	}
	return key, nil
}

// cometState is priv_validator_state.json: what the validator signed last, and must
// never contradict.
type cometState struct {
	height, round, step int64
	signed, signature   []byte // none before the first vote
}

func isCometState(v jsonview.Value) bool { return v.Has("height", "round", "step") }

func readCometState(v jsonview.Value) (cometState, error) {
	var s cometState
	for name, n := range map[string]*int64{"height": &s.height, "round": &s.round, "step": &s.step} {
		value, err := v.At(name).Int()
		if err != nil || value < 0 {
			return s, fmt.Errorf("%s is no number", name)
		}
		*n = value
	}
	if s.step > 3 { // propose, prevote, precommit
		return s, errors.New("step is not one of CometBFT's")
	}
	if v.Has("signature") != v.Has("signbytes") {
		return s, errors.New("signature and signbytes go together")
	}
	if !v.Has("signature") {
		return s, nil
	}
	var err error
	if s.signature, err = v.At("signature").Base64(); err != nil || len(s.signature) != 64 {
		return s, errors.New("signature is not one of Ed25519")
	}
	text := v.At("signbytes").Bytes()
	s.signed = make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(s.signed, text); err != nil || len(text) == 0 || bytes.ContainsAny(text, "abcdef") {
		return s, errors.New("signbytes is not in upper case hex")
	}
	height, round, err := signedAt(s.signed)
	if err != nil || height != s.height || round != s.round {
		return s, errors.New("signbytes is not of the height and round of the state")
	}
	return s, nil
}

// signedAt reads the height and the round from what a validator signs: with a length
// before it, a CanonicalVote or CanonicalProposal {type=1, height=2, round=3, …}, both
// sfixed64.
func signedAt(data message) (height, round int64, err error) {
	size, rest, err := data.uvarint()
	if err != nil || size != uint64(len(rest)) {
		return 0, 0, errWire
	}
	err = rest.each(func(f field) error {
		if f.number != 2 && f.number != 3 {
			return nil
		}
		if f.varint() || len(f.bytes) != 8 {
			return errWire
		}
		n := int64(binary.LittleEndian.Uint64(f.bytes))
		if f.number == 2 {
			height = n
		} else {
			round = n
		}
		return nil
	})
	return height, round, err
}

// cometGenesis is the part of genesis.json that can be compared.
type cometGenesis struct {
	chain      string
	validators map[string]der.PublicKey // by address
}

func isCometGenesis(v jsonview.Value) bool { return v.Has("genesis_time", "chain_id") }

// maxValidators is the number of validators up to which a genesis is read.
const maxValidators = 1 << 12

func readCometGenesis(v jsonview.Value) (cometGenesis, error) {
	g := cometGenesis{chain: v.At("chain_id").Text(), validators: map[string]der.PublicKey{}}
	if g.chain == "" {
		return g, errors.New("chain_id is missing")
	}
	items := v.At("validators").Items()
	if len(items) > maxValidators {
		return g, errors.New("too many validators")
	}
	for _, item := range items {
		key, err := readCometPublic(item.At("pub_key"))
		if err != nil {
			return g, err
		}
		address := item.At("address").Text()
		if address != validatorAddress(key) {
			return g, fmt.Errorf("the address %.40q is not the one of its public key", address)
		}
		g.validators[address] = key
	}
	return g, nil
}

// cometConfig is the part of config.toml that can be compared.
type cometConfig struct {
	moniker string
	peers   []string // node ids
}

// isCometConfig knows CometBFT's config.toml by settings that no other program has
// together.
func isCometConfig(data []byte) bool {
	for _, setting := range []string{"priv_validator_key_file", "node_key_file", "persistent_peers"} {
		if !bytes.Contains(data, []byte("\n"+setting+" = ")) {
			return false
		}
	}
	return true
}

// readCometConfig reads the few settings it needs, line by line: CometBFT writes each
// on a line of its own.
func readCometConfig(data []byte) (cometConfig, error) {
	moniker, _ := tomlString(data, "moniker")
	peers, ok := tomlString(data, "persistent_peers")
	if !ok {
		return cometConfig{}, errors.New("persistent_peers is no text on one line")
	}
	c := cometConfig{moniker: moniker}
	if peers == "" {
		return c, nil
	}
	form := regexp.MustCompile(`^(?:tcp://)?([0-9a-f]{40})@[^@\s]+:\d+$`)
	for peer := range strings.SplitSeq(peers, ",") {
		m := form.FindStringSubmatch(strings.TrimSpace(peer))
		if m == nil {
			return c, fmt.Errorf("persistent_peers: %.80q is not id@host:port", peer)
		}
		c.peers = append(c.peers, m[1])
	}
	return c, nil
}

func tomlString(data []byte, name string) (string, bool) {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` = "([^"\\\n]*)"[ \t\r]*$`).FindSubmatch(data)
	if m == nil {
		return "", false
	}
	return string(m[1]), true
}

// cometHome is the folder of a node's files: what holds config/ and data/, or the
// folder the file is in.
func cometHome(name string) string {
	dir := path.Dir(name)
	if base := path.Base(dir); base == "config" || base == "data" {
		return path.Dir(dir)
	}
	return dir
}
