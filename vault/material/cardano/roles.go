package cardano

import (
	"path"
	"regexp"
	"strings"

	"coldvault/vault/material"
)

// Roles of a stake pool's files. Files of other kinds have further roles, all in
// cold: "genesis.skey", "drep.vkey", "payment.hwsfile", "stake.dereg.cert", …
const (
	RoleNodeSecret     = "node.skey" // the cold key
	RoleNodePublic     = "node.vkey"
	RoleNodeHardware   = "node.hwsfile"
	RoleCounter        = "opcert.counter"
	RoleKESSecret      = "kes.skey"
	RoleKESPublic      = "kes.vkey"
	RoleOpcert         = "node.cert" // the operational certificate
	RoleVRFSecret      = "vrf.skey"
	RoleVRFPublic      = "vrf.vkey"
	RolePaymentSecret  = "payment.skey"
	RolePaymentPublic  = "payment.vkey"
	RolePaymentAddress = "payment.addr"
	RoleStakeSecret    = "stake.skey"
	RoleStakePublic    = "stake.vkey"
	RoleStakeAddress   = "stake.addr"
	RoleStakeCert      = "stake.cert"
	RoleDelegationCert = "delegation.cert"
	RolePoolCert       = "pool.cert"
	RoleMetadata       = "metadata"
	RoleMetadataHash   = "metadata.hash"
	RoleMetadataURL    = "metadata.url"
	RolePoolID         = "pool.id"
	RoleTopology       = "node.topology"
	RoleEnvironment    = "node.env"
	RoleSnapshot       = "db.snapshot"

	roleCertificate    = "certificate"
	roleVoteCert       = "vote-delegation.cert"
	roleGovernanceCert = "governance.cert"
	roleKeyHash        = "key.hash"
	roleEnvelope       = "envelope" // of a type that is not known
	roleMnemonic       = "mnemonic"
	roleKESNote        = "kes.note" // when KES keys were made or expire, by scripts
)

// compartments of a role: what a block producer runs with is hot, and nothing
// else; what is public beside it, and what a node is started with, is in both.
func compartments(role string) material.Compartments {
	switch role {
	case RoleKESSecret, RoleVRFSecret, RoleOpcert:
		return material.Hot
	case RoleKESPublic, RoleVRFPublic, RoleTopology, RoleEnvironment:
		return material.Cold | material.Hot
	}
	return material.Cold
}

// secretRole says whether a file of that role is kept as a secret even if its
// content is not understood.
func secretRole(role string) bool {
	return strings.HasSuffix(role, ".skey") || role == roleMnemonic
}

// nameRules give the role of a file that has no type, by the names of the
// cardano-cli documentation, CoinCashew, CNTools and the SPO Scripts. They are
// tried in order, on the base name in lower case.
func nameRules() [][2]string {
	return [][2]string{
		{`(^|\.)(kes(-\d+)?|hot)\.skey$`, RoleKESSecret},
		{`(^|\.)vrf\.skey$`, RoleVRFSecret},
		{`(^|\.)(node|cold)\.skey$`, RoleNodeSecret},
		{`(^|[.-])(stake|staking)\.skey$`, RoleStakeSecret},
		{`(^|[.-])payment\.skey$`, RolePaymentSecret},
		{`(^|\.)drep\.skey$`, "drep.skey"},
		{`(^|\.)cc-cold\.skey$`, "cc-cold.skey"},
		{`(^|\.)cc-hot\.skey$`, "cc-hot.skey"},
		{`\.skey$`, "other.skey"},
		{`(^|\.)(kes(-\d+)?|hot)\.vkey$`, RoleKESPublic},
		{`(^|\.)vrf\.vkey$`, RoleVRFPublic},
		{`(^|\.)(node|cold)\.vkey$`, RoleNodePublic},
		{`(^|[.-])(stake|staking)\.vkey$`, RoleStakePublic},
		{`(^|[.-])payment\.vkey$`, RolePaymentPublic},
		{`\.vkey$`, "other.vkey"},
		{`(^|\.)(node|cold)\.hwsfile$`, RoleNodeHardware},
		{`\.hwsfile$`, "other.hwsfile"},
		{`(^|\.)kes\.counter$|^kes\.start$|(^|\.)kes-expire\.json$`, roleKESNote},
		{`\.counter(\.json)?$`, RoleCounter},
		{`(^|\.)(node|op|opcert)\.cert$|\.opcert(\.json)?$`, RoleOpcert},
		{`(^|[.-])(stake|staking)(\.reg)?\.cert$`, RoleStakeCert},
		{`(^|\.)(deleg|delegation)\.cert$`, RoleDelegationCert},
		{`(^|\.)pool(-registration|\.registration)?\.cert$`, RolePoolCert},
		{`(stake|staking|reward).*\.addr(ess)?$`, RoleStakeAddress},
		{`\.addr(ess)?$`, RolePaymentAddress},
		{`metadata-?hash.*$`, RoleMetadataHash},
		{`metadata-?url.*$`, RoleMetadataURL},
		{`^(md|poolmeta)\.json$|(^|[.-]|pool)metadata\.json$`, RoleMetadata},
		{`(^|\.)pool[_.-]?id(-bech(32)?)?(\.txt)?$|^stakepoolid.*\.txt$`, RolePoolID},
		{`[.-]key-?hash$`, roleKeyHash},
		{`\.mnemonics?$`, roleMnemonic},
		{`^(.*-)?topology(-.*)?\.json$`, RoleTopology},
		{`^(.*\.)?env$|^(cnode|start.*)\.sh$|\.service$`, RoleEnvironment}, // if its content agrees
		{`^(db|.*snapshot.*)\.(tar|tgz|tar\.(gz|zst|xz|lz4|bz2))$`, RoleSnapshot},
	}
}

// namer gives roles by name.
type namer struct {
	rules []*regexp.Regexp
	roles []string
}

func newNamer() namer {
	var n namer
	for _, rule := range nameRules() {
		n.rules = append(n.rules, regexp.MustCompile(rule[0]))
		n.roles = append(n.roles, rule[1])
	}
	return n
}

// role is "" if the name says nothing. encrypted is set for the files that CNTools
// encrypts as a whole, x.skey.gpg.
func (n namer) role(name string) (role string, encrypted bool) {
	base := strings.ToLower(path.Base(name))
	base, encrypted = strings.CutSuffix(base, ".gpg")
	for i, rule := range n.rules {
		if rule.MatchString(base) {
			return n.roles[i], encrypted
		}
	}
	return "", false
}

// stem is what the names of the two halves of a key pair have in common.
func stem(name string) string {
	for _, suffix := range []string{".skey", ".vkey", ".hwsfile", "signing_key", "verification_key"} {
		if s, ok := strings.CutSuffix(name, suffix); ok {
			return s
		}
	}
	return name
}
