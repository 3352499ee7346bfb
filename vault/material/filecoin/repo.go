package filecoin

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Logical names in a keystore (Lotus, node/modules). A file's name is the logical name
// in base 32 without padding.
const (
	namePeer    = "libp2p-host"
	nameJWT     = "auth-jwt-private"
	nameDefault = "default"
	nameWallet  = "wallet-" // and the address
)

// keystoreName gives the logical name of a file in a keystore.
func keystoreName(file string) (string, bool) {
	base := path.Base(file)
	encoding := base32.StdEncoding.WithPadding(base32.NoPadding)
	name, err := encoding.DecodeString(base)
	if err != nil || encoding.EncodeToString(name) != base {
		return "", false
	}
	text := string(name)
	return text, text == namePeer || text == nameJWT || text == nameDefault || strings.HasPrefix(text, nameWallet)
}

// namedAddress is the address that a file's name speaks of, in a keystore or outside,
// and the letter of its network.
func namedAddress(file string) (a address, network byte, ok bool) {
	text, stored := keystoreName(file)
	if !stored {
		text = path.Base(file)
	}
	word := regexp.MustCompile(`[ft](?:[13]|4\d+f)[a-z2-7]{38,}`).FindString(text)
	a, err := parseAddress(word)
	if err != nil {
		return address{}, 0, false
	}
	return a, word[0], true
}

// repo is the folder of the node that a file belongs to.
func repo(file string) string { return strings.TrimSuffix(path.Dir(file), "/keystore") }

// jwtSize is the size of the secret that signs tokens.
const jwtSize = 32

var errToken = errors.New("it is no token: header, claims and signature of HS256")

// token is a JSON Web Token (RFC 7519) as "lotus auth create-token" writes it.
type token struct {
	signed    []byte // header and claims as they stand
	signature []byte
	allow     []string
}

// looksLikeToken says whether the text has the outer form of a token.
func looksLikeToken(text []byte) bool {
	return len(text) <= maxText && bytes.Count(text, []byte(".")) == 2 && !bytes.ContainsAny(text, " \t\r\n{")
}

func parseToken(data []byte) (token, error) {
	text := bytes.TrimSpace(data)
	parts := bytes.Split(text, []byte("."))
	if !looksLikeToken(text) {
		return token{}, errToken
	}
	var content [3][]byte
	for i, p := range parts {
		content[i] = make([]byte, base64.RawURLEncoding.DecodedLen(len(p)))
		if _, err := base64.RawURLEncoding.Strict().Decode(content[i], p); err != nil {
			return token{}, errToken
		}
	}
	var header struct{ Alg string }
	var claims struct{ Allow []string }
	if json.Unmarshal(content[0], &header) != nil || header.Alg != "HS256" ||
		json.Unmarshal(content[1], &claims) != nil || len(content[2]) != sha256.Size {
		return token{}, errToken
	}
	return token{text[:len(parts[0])+1+len(parts[1])], content[2], claims.Allow}, nil
}

// signedWith says whether the secret made the token (RFC 7515, HS256).
func (t token) signedWith(secret []byte) bool {
	mac := hmac.New(sha256.New, secret)
	mac.Write(t.signed)
	return hmac.Equal(mac.Sum(nil), t.signature)
}

// storageConfig is storage.json: where a miner keeps its sectors.
type storageConfig struct{ StoragePaths []struct{ Path string } }

// store is a sectorstore.json: what one of those folders is.
type store struct {
	ID                string
	Weight            *uint64
	CanSeal, CanStore *bool
}

// parseStorage reads storage.json. mine is set for what claims to be one.
func parseStorage(data []byte) (c storageConfig, mine bool, err error) {
	var claim struct{ StoragePaths json.RawMessage } // what else a file holds is not copied
	if json.Unmarshal(data, &claim) != nil || claim.StoragePaths == nil {
		return c, false, nil
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, true, errors.New("its StoragePaths are no list of paths")
	}
	seen := map[string]bool{}
	for _, p := range c.StoragePaths {
		if p.Path == "" || seen[p.Path] {
			return c, true, fmt.Errorf("the path %q is empty or there twice", p.Path)
		}
		seen[p.Path] = true
	}
	return c, true, nil
}

// parseStore reads a sectorstore.json. mine is set for what claims to be one.
func parseStore(data []byte) (s store, mine bool, err error) {
	var claim struct{ ID, CanSeal, CanStore json.RawMessage }
	if json.Unmarshal(data, &claim) != nil || claim.ID == nil || claim.CanSeal == nil || claim.CanStore == nil {
		return s, false, nil
	}
	if err := json.Unmarshal(data, &s); err != nil || s.Weight == nil || s.CanSeal == nil || s.CanStore == nil {
		return s, true, errors.New("it lacks Weight, CanSeal or CanStore, or one of them is of the wrong type")
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(s.ID) {
		return s, true, fmt.Errorf("its ID %q is no UUID", s.ID)
	}
	return s, true, nil
}

// isConfig knows a config.toml of Lotus by what every one of them says.
func isConfig(data []byte) bool {
	if bytes.Contains(data, []byte("LOTUS_API_LISTENADDRESS")) {
		return true
	}
	section := func(name string) bool {
		return regexp.MustCompile(`(?m)^\s*#?\s*\[` + name + `\]\s*$`).Match(data)
	}
	return section("API") && section("Libp2p")
}
