package filecoin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"coldvault/vault/material"
	"coldvault/vault/material/libp2pkey"
)

// maxText is the size up to which a file other than a backup is read. A config.toml
// with all its comments has 40 KB.
const maxText = 1 << 20

// object is what one file says. Of its secrets, only that of the tokens is kept while
// a set is judged.
type object struct {
	name    string
	mode    uint32 // permission bits
	role    string
	key     keyInfo // with its secret in the role RoleJWT only
	addr    *address
	network byte // the letter of its addresses, 0 for the main network's
	peer    string
	token   *token
	backup  *backup
	storage *storageConfig
	store   *store
	sector  sectorName
	defect  error // why it is not what it claims to be
}

// File implements what material.Docket wants.
func (o *object) File() string { return o.name }

// sectorName is what a file of a sector's data is called: s-t01000-17.
type sectorName struct{ miner, number uint64 }

// read finds out what a file is. whole asks for the whole of a backup.
func read(f material.File, whole bool) (object, material.Certainty) {
	o := object{name: f.Name, mode: uint32(f.Mode.Perm())}
	if o.readSectorName() {
		return o, material.ByName
	}
	content := io.ReaderAt(bytes.NewReader(f.Data))
	if f.Data == nil && f.Large != nil {
		content = f.Large
	}
	var head [3]byte
	n, _ := content.ReadAt(head[:], 0)
	if isBackup(head[:n]) {
		o.role = RoleMetadata
		if whole || f.Data != nil {
			b, err := readBackup(content, f.Size)
			o.backup, o.defect = &b, err
		}
		return o, material.ByContent
	}
	if f.Data != nil && len(f.Data) <= maxText && o.readContent(f.Data) {
		return o, material.ByContent
	}
	return o, o.readName(f)
}

func (o *object) readContent(data []byte) bool {
	k, err := parseKeyInfo(data)
	if !errors.Is(err, errNotKeyInfo) {
		return o.readKey(k, err)
	}
	if c, mine, err := parseStorage(data); mine {
		o.role, o.storage, o.defect = RoleStorage, &c, err
		return true
	}
	if s, mine, err := parseStore(data); mine {
		o.role, o.store, o.defect = RoleStore, &s, err
		return true
	}
	if t, err := parseToken(data); err == nil && (len(t.allow) > 0 || path.Base(o.name) == RoleToken) {
		o.role, o.token = RoleToken, &t
		return true
	}
	if path.Ext(o.name) == ".toml" && isConfig(data) {
		o.role = RoleConfig
		return true
	}
	return false
}

// readKey takes what is public out of a KeyInfo, and wipes the rest.
func (o *object) readKey(k keyInfo, err error) bool {
	o.key, o.defect = k, err
	logical, stored := keystoreName(o.name)
	switch {
	case err != nil && !stored:
		o.role = RoleExport
	case err != nil:
		o.role = roleOfName(logical)
	case k.isWallet():
		o.readWallet(logical)
	case k.kind == typePeer:
		o.role = RolePeer
		pub, err := libp2pkey.Private(k.secret)
		if o.defect = err; err == nil {
			o.peer = libp2pkey.PeerID(pub)
		}
	case k.kind == typeJWT:
		o.role = RoleJWT
		if len(k.secret) != jwtSize {
			o.defect = fmt.Errorf("a secret for tokens has %d bytes, this one has %d", jwtSize, len(k.secret))
		}
		return true
	case stored:
		o.role, o.defect = roleOfName(logical), fmt.Errorf("keys of type %q are not known", printable([]byte(k.kind)))
	default:
		o.key.wipe()
		return false
	}
	o.key.wipe()
	return true
}

func (o *object) readWallet(logical string) {
	o.role = RoleExport
	if logical == nameDefault || strings.HasPrefix(logical, nameWallet) {
		o.role = roleOfName(logical)
	}
	if o.key.kind == typeLedger {
		return
	}
	a, err := walletAddress(o.key)
	if o.defect = err; err == nil {
		o.addr = &a
		_, o.network, _ = namedAddress(o.name)
	}
}

func roleOfName(logical string) string {
	switch logical {
	case namePeer:
		return RolePeer
	case nameJWT:
		return RoleJWT
	case nameDefault:
		return RoleDefault
	}
	return RoleWallet
}

// readName takes the role from the name of a file whose content says nothing.
func (o *object) readName(f material.File) material.Certainty {
	base := path.Base(o.name)
	logical, stored := keystoreName(o.name)
	switch {
	case stored:
		o.role, o.defect = roleOfName(logical), fmt.Errorf("it holds no key, as %q must", logical)
	case base == RoleToken && looksLikeToken(bytes.TrimSpace(f.Data)):
		o.role, o.defect = RoleToken, errToken
	case base == "sectorstore.json":
		o.role, o.defect = RoleStore, errors.New("it has no ID, CanSeal and CanStore")
	case base == "config.toml" && strings.Contains(strings.ToLower(o.name), "lotus"):
		o.role = RoleConfig
	case base == "storage.json" && strings.Contains(strings.ToLower(o.name), "lotus"):
		o.role, o.defect = RoleStorage, errors.New("it has no StoragePaths")
	default:
		return material.NotMine
	}
	if o.role == RoleConfig && f.Size > 0 {
		return material.ByName
	}
	if f.Size == 0 {
		o.defect = errors.New("it is empty")
	}
	return material.ByName
}

// readSectorName knows a sector's data by its own name or its folder's.
func (o *object) readSectorName() bool {
	form := regexp.MustCompile(`^s-[ft]0(\d+)-(\d+)$`)
	for element := range strings.SplitSeq(o.name, "/") {
		if m := form.FindStringSubmatch(element); m != nil {
			miner, err1 := strconv.ParseUint(m[1], 10, 63)
			number, err2 := strconv.ParseUint(m[2], 10, 63)
			o.role, o.sector = RoleSector, sectorName{miner, number}
			return err1 == nil && err2 == nil
		}
	}
	return false
}

// on is an address on the network that the file is of.
func (o *object) on(a address) string {
	text := a.String()
	if o.network != 0 {
		text = string(o.network) + text[1:]
	}
	return text
}

// id is the file's own, "" if it has none.
func (o *object) id() string {
	switch {
	case o.defect != nil:
	case o.addr != nil:
		return o.on(*o.addr)
	case o.backup != nil && o.backup.hasMiner:
		return o.backup.miner.String()
	case o.store != nil:
		return o.store.ID
	}
	return o.peer
}

func (o *object) note() string {
	switch {
	case o.role == RoleSector:
		return "data of a sector, which is no part of a backup"
	case o.defect != nil:
		return o.defect.Error()
	case o.key.kind == typeLedger:
		return "holds no key: the Ledger device and its words must be kept elsewhere"
	case o.key.encoding != "":
		return o.key.kind + ", " + string(o.key.encoding)
	case o.token != nil:
		return "allows " + printable([]byte(strings.Join(o.token.allow, ", ")))
	case o.backup != nil:
		return o.backup.summary()
	case o.storage != nil:
		return fmt.Sprintf("%d paths", len(o.storage.StoragePaths))
	}
	return ""
}

// summary is what to look at before a backup is restored.
func (b *backup) summary() string {
	text := fmt.Sprintf("%d records", b.records)
	if b.sectors > 0 {
		text += fmt.Sprintf(", %d sectors up to number %d, the latest made at %s", b.sectors, b.newest, day(b.made))
	}
	if b.hasNext {
		text += fmt.Sprintf(", last number given out %d", b.nextID)
	}
	if b.logHead != "" {
		text += ", log head " + b.logHead
	}
	if b.logged > 0 {
		text += fmt.Sprintf(", %d later changes up to %s", b.logged, day(b.lastLog))
	}
	return text
}

func day(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}
