package cardano

import (
	"path"
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
	roleDeregistration = "stake.dereg.cert"
	roleRetirement     = "pool.retire.cert"
	roleVoteCert       = "vote-delegation.cert"
	roleGovernanceCert = "governance.cert"
	roleKeyHash        = "key.hash"
	roleEnvelope       = "envelope" // of a type that is not known
	roleMnemonic       = "mnemonic"
	roleKESNote        = "kes.note" // when KES keys were made or expire, by scripts
)

// compartments of a role: what a block producer is started with is hot, and its KES
// verification key, which changes with it. The VRF key's public half is in the pool's
// certificate too, so it is in both; everything else is cold.
func compartments(role string) material.Compartments {
	switch role {
	case RoleKESSecret, RoleVRFSecret, RoleOpcert, RoleKESPublic, RoleTopology, RoleEnvironment:
		return material.Hot
	case RoleVRFPublic:
		return material.Cold | material.Hot
	}
	return material.Cold
}

// secretRole says whether a file of that role is kept as a secret even if its
// content is not understood.
func secretRole(role string) bool {
	return strings.HasSuffix(role, ".skey") || role == roleMnemonic
}

// roleNames give the role of a file that has no type, by the names of the
// cardano-cli documentation, CoinCashew, CNTools and the SPO Scripts. They are tried
// in order, as globs on the base name in lower case.
func roleNames() [][]string {
	return [][]string{
		{RoleKESSecret, "kes.skey", "*.kes.skey", "kes-[0-9]*.skey", "*.kes-[0-9]*.skey", "hot.skey"},
		{RoleVRFSecret, "vrf.skey", "*.vrf.skey"},
		{RoleNodeSecret, "node.skey", "*.node.skey", "cold.skey", "*.cold.skey"},
		{RoleStakeSecret, "stake.skey", "*[.\\-]stake.skey", "staking.skey", "*.staking.skey"},
		{RolePaymentSecret, "payment.skey", "*[.\\-]payment.skey"},
		{"drep.skey", "drep.skey", "*.drep.skey"},
		{"cc-cold.skey", "cc-cold.skey", "*.cc-cold.skey"},
		{"cc-hot.skey", "cc-hot.skey", "*.cc-hot.skey"},
		{"other.skey", "*.skey"},
		{RoleKESPublic, "kes.vkey", "*.kes.vkey", "kes-[0-9]*.vkey", "*.kes-[0-9]*.vkey", "hot.vkey"},
		{RoleVRFPublic, "vrf.vkey", "*.vrf.vkey"},
		{RoleNodePublic, "node.vkey", "*.node.vkey", "cold.vkey", "*.cold.vkey"},
		{RoleStakePublic, "stake.vkey", "*[.\\-]stake.vkey", "staking.vkey", "*.staking.vkey"},
		{RolePaymentPublic, "payment.vkey", "*[.\\-]payment.vkey"},
		{"other.vkey", "*.vkey"},
		{RoleNodeHardware, "node.hwsfile", "*.node.hwsfile", "cold.hwsfile"},
		{"other.hwsfile", "*.hwsfile"},
		{roleKESNote, "kes.counter", "*.kes.counter", "kes.start", "kes-expire.json", "*.kes-expire.json"},
		{RoleCounter, "*.counter", "*.counter.json"},
		{RoleOpcert, "node.cert", "op.cert", "opcert.cert", "*.opcert", "*.opcert.json"},
		{RoleStakeCert, "stake.cert", "*[.\\-]stake.cert", "staking.cert", "*.staking.cert", "stake.reg.cert", "*.stake.reg.cert"},
		{RoleDelegationCert, "deleg.cert", "*.deleg.cert", "delegation.cert", "*.delegation.cert"},
		{RolePoolCert, "pool.cert", "*.pool.cert", "pool[.\\-]registration.cert"},
		{RoleStakeAddress, "*stak*.addr", "*reward*.addr", "*stak*.address", "*reward*.address"},
		{RolePaymentAddress, "*.addr", "*.address"},
		{RoleMetadataHash, "*pool*metadata*hash", "*pool*metadata*hash.txt", "metadata*hash", "metadata*hash.txt"},
		{RoleMetadataURL, "*pool*metadata*url", "*pool*metadata*url.txt", "metadata*url", "metadata*url.txt"},
		{RoleMetadata, "md.json", "poolmeta.json", "poolmetadata.json", "metadata.json", "*[.\\-]metadata.json"},
		{RolePoolID, "pool[._\\-]id", "*.pool.id", "pool[._\\-]id-bech*", "*.pool.id-bech*", "pool[._\\-]id.txt", "stakepoolid*.txt"},
		{roleKeyHash, "*[.\\-]key-hash", "*[.\\-]keyhash"},
		{roleMnemonic, "*.mnemonic", "*.mnemonics"},
		{RoleTopology, "topology.json", "*-topology.json", "topology-*.json"},
		{RoleEnvironment, "env", "*.env", "cnode.sh", "start*.sh", "*.service"}, // if its content agrees
		{RoleSnapshot, "*snapshot*.tar", "*snapshot*.tar.*", "*snapshot*.tgz", "db.tar", "db.tar.*", "db.tgz"},
	}
}

// roleByName is "" if the name says nothing. encrypted is set for the files that
// CNTools encrypts as a whole, x.skey.gpg.
func roleByName(name string) (role string, encrypted bool) {
	base := strings.ToLower(path.Base(name))
	base, encrypted = strings.CutSuffix(base, ".gpg")
	for _, names := range roleNames() {
		for _, glob := range names[1:] {
			if ok, err := path.Match(glob, base); ok && err == nil {
				return names[0], encrypted
			}
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
