package cardano

import "errors"

// credential is what may spend or act: the hash of a key or of a script.
type credential struct {
	script bool
	hash   []byte
}

// certificate is a ledger certificate (Conway CDDL, `certificate`), as far as the
// files of a set can speak for or against it.
type certificate struct {
	tag   uint64
	role  string
	who   *credential // whose stake, vote or office it is about
	pool  []byte      // id of the pool it is about
	terms *poolTerms  // of a pool registration
}

// poolTerms are the parameters of a pool registration that can be compared.
type poolTerms struct {
	vrfHash      []byte
	reward       []byte // reward account: header ‖ hash
	owners       [][]byte
	metadataURL  string // empty if there is none
	metadataHash []byte
}

// errLayout is well-formed CBOR of a layout that is not known here: of a future
// era, or of one that is over.
var errLayout = errors.New("the layout of this certificate is not known")

const (
	hashSize     = 28 // BLAKE2b-224
	rewardSize   = 1 + hashSize
	maxURL       = 128
	maxOwners    = 1 << 10
	tagPoolTerms = 3
)

// layout is a tag's number of fields, tag included, and its role.
type layout struct {
	fields uint64
	role   string
}

func layouts() map[uint64]layout {
	return map[uint64]layout{
		0:            {2, RoleStakeCert},
		1:            {2, roleDeregistration},
		2:            {3, RoleDelegationCert},
		tagPoolTerms: {10, RolePoolCert},
		4:            {3, roleRetirement},
		7:            {3, RoleStakeCert},
		8:            {3, roleDeregistration},
		9:            {3, roleVoteCert},
		10:           {4, RoleDelegationCert},
		11:           {4, RoleDelegationCert},
		12:           {4, roleVoteCert},
		13:           {5, RoleDelegationCert},
		14:           {3, roleGovernanceCert},
		15:           {3, roleGovernanceCert},
		16:           {4, roleGovernanceCert},
		17:           {3, roleGovernanceCert},
		18:           {3, roleGovernanceCert},
	}
}

// parseCertificate reads a certificate. The error is errLayout if it is whole but
// not of a known layout.
func parseCertificate(payload []byte) (certificate, error) {
	r := reader{data: payload}
	r.skip(0)
	if err := r.end(); err != nil {
		return certificate{}, err
	}
	r = reader{data: payload}
	n, indefinite := r.head(majorArray)
	c := certificate{tag: r.uint(), role: roleCertificate}
	l, known := layouts()[c.tag]
	if r.err != nil {
		return certificate{}, r.err
	}
	if !known || indefinite || n != l.fields {
		return c, errLayout
	}
	c.role = l.role
	switch c.tag {
	case tagPoolTerms:
		c.pool = r.bytes(hashSize)
		c.terms = r.poolTerms()
	case 4:
		c.pool = r.bytes(hashSize)
		r.uint()
	default:
		c.who = r.credential()
		r.fields(&c)
	}
	if err := r.end(); err != nil {
		return certificate{}, err
	}
	return c, nil
}

// fields reads what follows the credential.
func (r *reader) fields(c *certificate) {
	switch c.tag {
	case 2:
		c.pool = r.bytes(hashSize)
	case 7, 8, 17:
		r.uint()
	case 9:
		r.drep()
	case 10:
		c.pool = r.bytes(hashSize)
		r.drep()
	case 11:
		c.pool = r.bytes(hashSize)
		r.uint()
	case 12:
		r.drep()
		r.uint()
	case 13:
		c.pool = r.bytes(hashSize)
		r.drep()
		r.uint()
	case 14:
		r.credential()
	case 15, 18:
		r.anchor()
	case 16:
		r.uint()
		r.anchor()
	}
}

func (r *reader) credential() *credential {
	r.array(2)
	kind := r.uint()
	if kind > 1 {
		r.fail()
	}
	return &credential{script: kind == 1, hash: r.bytes(hashSize)}
}

// drep is a key, a script, "always abstain" or "no confidence".
func (r *reader) drep() {
	n, _ := r.head(majorArray)
	kind := r.uint()
	switch {
	case kind <= 1 && n == 2:
		r.bytes(hashSize)
	case (kind == 2 || kind == 3) && n == 1:
	default:
		r.fail()
	}
}

// anchor is null or [url, hash].
func (r *reader) anchor() (url string, hash []byte) {
	if r.take(byteNull) {
		return "", nil
	}
	r.array(2)
	text := r.string(majorText)
	if len(text) > maxURL {
		r.fail()
	}
	return string(text), r.bytes(32)
}

func (r *reader) poolTerms() *poolTerms {
	t := &poolTerms{vrfHash: r.bytes(32)}
	r.uint() // pledge
	r.uint() // cost
	r.tag(tagRational)
	r.array(2)
	r.uint()
	r.uint()
	t.reward = r.bytes(rewardSize)
	if r.next(majorTag) {
		r.tag(tagSet)
	}
	r.each(func() {
		if t.owners = append(t.owners, r.bytes(hashSize)); len(t.owners) > maxOwners {
			r.fail()
		}
	})
	r.each(r.relay)
	t.metadataURL, t.metadataHash = r.anchor()
	return t
}

// relay is [0, port, ipv4, ipv6], [1, port, name] or [2, name]; ports and
// addresses may be null.
func (r *reader) relay() {
	n, _ := r.head(majorArray)
	kind := r.uint()
	if n != [...]uint64{4, 3, 2, 0}[min(kind, 3)] {
		r.fail()
		return
	}
	if kind < 2 && !r.take(byteNull) && r.uint() > 1<<16-1 {
		r.fail()
	}
	if kind > 0 {
		r.string(majorText)
		return
	}
	if !r.take(byteNull) {
		r.bytes(4)
	}
	if !r.take(byteNull) {
		r.bytes(16)
	}
}
