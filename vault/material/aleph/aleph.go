// Package aleph knows the files of an aleph.im Core Channel Node, of both generations,
// and proves that they hold one key.
//
// A node is the RSA key by which its peers know it. pyaleph keeps it as PKCS#8 in DER
// now; versions 0.2 and 0.3 kept it as PKCS#1 in PEM and as libp2p's protobuf. Beside
// it are the public key, config.yml, and the config of the node's IPFS daemon (kubo),
// which has an identity of its own. All of it is in cold: two nodes must never run
// with one key, so there is no standby.
//
// Private keys are decoded into buffers that are wiped, and reduced to their public
// keys at once. The peer id is shown for a human to compare with the one that the node
// announces; if it was written down in a file, the file is compared. Every check has
// an id, ALEPH-….
package aleph

import (
	"bytes"
	"errors"
	"path"
	"regexp"
	"strings"

	"coldvault/vault/material"
	"coldvault/vault/material/der"
	"coldvault/vault/material/jsonview"
	"coldvault/vault/material/libp2pkey"
)

// Network is the profile's name.
const Network = "aleph"

// Roles of the files.
const (
	RoleSecret     = "node-secret"            // PKCS#8, DER
	RoleOldSecret  = "node-secret-pem"        // PKCS#1, PEM: versions 0.2 and 0.3
	RoleSerialized = "serialized-node-secret" // libp2p's protobuf: versions 0.2 and 0.3
	RolePublic     = "node-public"
	RoleConfig     = "node-config"
	RoleKubo       = "kubo-config"
	RolePeerID     = "peer-id" // as the operator wrote it down
)

// Ids of the checks.
const (
	// A file is what its name says.
	CheckFile = "ALEPH-FILE"
	// The numbers of a private key belong together.
	CheckKey = "ALEPH-KEY"
	// The public key is that of the private key.
	CheckPublic = "ALEPH-PUBLIC"
	// All private keys of the node are one.
	CheckOneKey = "ALEPH-ONE-KEY"
	// The peer id that was written down is that of the key.
	CheckPeerID = "ALEPH-PEER-ID"
	// The kubo identity's peer id is that of its key.
	CheckKubo = "ALEPH-KUBO"
	// What a node needs is there.
	CheckSet = "ALEPH-SET"
)

// Profile holds the rules of aleph.im nodes. The zero value is useful.
type Profile struct {
	// Part says that the files are meant to be a part of a node's set: nothing is
	// missed.
	Part bool
}

// Name implements material.Profile.
func (p Profile) Name() string { return Network }

// Recognise implements material.Profile.
func (p Profile) Recognise(f material.File) (material.Item, material.Certainty) {
	o, certainty := read(f)
	if certainty == material.NotMine {
		return material.Item{}, certainty
	}
	return material.Item{Role: o.role, In: material.Cold, Secret: secretRole(o.role), ID: o.peer, Note: o.note()}, certainty
}

// Judge implements material.Profile.
func (p Profile) Judge(files []material.File, _ []material.Item) material.Findings {
	s := &set{}
	for _, f := range files {
		o, _ := read(f)
		s.objects = append(s.objects, &o)
	}
	s.checkFiles()
	for _, node := range s.nodes() {
		s.checkNode(node)
	}
	s.checkKubo()
	if !p.Part {
		s.checkSet()
	}
	return material.Findings{Verdicts: s.Verdicts, IDs: s.ids()}
}

// object is a file and what was read out of it.
type object struct {
	name, role string
	key        *der.PublicKey // the one inside, or the one of the private key inside
	peer       string         // the key's peer id, or the one written down
	stated     string         // the peer id that stands beside the key
	defect     error          // why the file is not what it wants to be
	locked     bool           // the key is encrypted
}

// File implements what material.Docket wants.
func (o *object) File() string { return o.name }

func (o *object) private() bool {
	return o.role == RoleSecret || o.role == RoleOldSecret || o.role == RoleSerialized
}

// secretRole: config.yml has the passwords of the node's services.
func secretRole(role string) bool { return role != RolePublic && role != RolePeerID }

// maxFile is the size up to which a file is read.
const maxFile = 256 << 10

// read says what a file is.
func read(f material.File) (object, material.Certainty) {
	o := object{name: f.Name}
	if f.Size > maxFile || int64(len(f.Data)) != f.Size {
		return o, material.NotMine
	}
	if o.readKubo(f.Data) {
		return o, material.ByContent
	}
	o.role = nameRole(f.Name, f.Data)
	switch o.role {
	case "":
		return o, material.NotMine
	case RoleConfig:
		return o, material.ByContent
	case RolePeerID:
		return o, o.readPeerID(f.Data)
	}
	form, key, err := o.readKey(f.Data)
	if errors.Is(err, der.ErrEncrypted) {
		o.locked = true
		return o, material.ByContent
	}
	if err == nil && form.Secret() != o.private() {
		err = errors.New("it holds the other half of a key than its name says")
	}
	if err == nil && key.Algorithm != der.RSA {
		err = errors.New("it is no RSA key, which a node needs")
	}
	if err != nil {
		o.defect = err
		return o, material.ByName
	}
	o.key, o.peer = &key, libp2pkey.PeerID(key)
	return o, material.ByContent
}

// nameRole is the role that a file's name speaks for, "" if none. Copies are often
// named <node>-node-secret.key or the like.
func nameRole(name string, data []byte) string {
	base := path.Base(name)
	switch {
	case strings.HasSuffix(base, "serialized-node-secret.key"):
		return RoleSerialized
	case strings.HasSuffix(base, "node-secret.pkcs8.der"):
		return RoleSecret
	case strings.HasSuffix(base, "node-secret.key"):
		return RoleOldSecret
	case strings.HasSuffix(base, "node-pub.key"):
		return RolePublic
	case strings.HasSuffix(base, ".peerid"), strings.HasSuffix(base, "peer-id.txt"):
		return RolePeerID
	case isConfig(data):
		return RoleConfig
	}
	return ""
}

// readKey reads a key in the form that the node wants under that name.
func (o *object) readKey(data []byte) (der.Form, der.PublicKey, error) {
	switch {
	case len(data) == 0:
		return "", der.PublicKey{}, errors.New("it is empty")
	case o.role == RoleSerialized:
		key, err := libp2pkey.Private(data)
		return der.FormPKCS8, key, err
	case o.role == RoleSecret && der.IsPEM(data):
		return "", der.PublicKey{}, errors.New("it is PEM, where the node wants DER")
	case o.role == RoleSecret:
		key, err := der.PKCS8(data)
		return der.FormPKCS8, key, err
	}
	return der.PEM(data)
}

// isConfig knows pyaleph's config.yml by sections that only it has together.
func isConfig(data []byte) bool {
	for _, section := range []string{"aleph:", "p2p:", "postgres:"} {
		if !regexp.MustCompile(`(?m)^` + section + `[ \t\r]*(#.*)?$`).Match(data) {
			return false
		}
	}
	return true
}

// readPeerID reads a peer id that was written down.
func (o *object) readPeerID(data []byte) material.Certainty {
	text := string(bytes.TrimSpace(data))
	if !regexp.MustCompile(`^(Qm[1-9A-HJ-NP-Za-km-z]{44}|12D3KooW[1-9A-HJ-NP-Za-km-z]{44}|16Uiu2HA[1-9A-HJ-NP-Za-km-z]{45,46})$`).MatchString(text) {
		o.defect = errors.New("it is no peer id")
		return material.ByName
	}
	o.peer = text
	return material.ByContent
}

// readKubo reads the config of a kubo daemon, if the data is one.
func (o *object) readKubo(data []byte) bool {
	v, err := jsonview.Parse(data)
	identity := v.At("Identity")
	if err != nil || !identity.Has("PeerID", "PrivKey") {
		return false
	}
	o.role = RoleKubo
	raw, err := identity.At("PrivKey").Base64()
	defer clear(raw)
	if err != nil {
		o.defect = errors.New("its PrivKey is not base64")
		return true
	}
	key, err := libp2pkey.Private(raw)
	if err != nil {
		o.defect = err
		return true
	}
	o.key, o.peer, o.stated = &key, libp2pkey.PeerID(key), identity.At("PeerID").Text()
	return true
}

// note is what an operator should know about the file.
func (o *object) note() string {
	switch {
	case o.defect != nil:
		return o.defect.Error()
	case o.locked:
		return "the key is encrypted with a passphrase: nothing can be said about it"
	case o.role == RoleOldSecret, o.role == RoleSerialized:
		return "of versions 0.2 and 0.3: newer nodes want node-secret.pkcs8.der"
	case o.role == RoleKubo:
		return "identity of the IPFS daemon, not of the node"
	case o.private():
		return "compare the peer id with the one that the node announces"
	}
	return ""
}
