package cardano

import (
	"slices"
	"strings"

	"coldvault/vault/material"
)

// Entry is one line of a stake pool's backup plan.
type Entry struct {
	Title string
	Role  string
	// Again says how to get the file if it is missing; empty for what nobody can
	// give back, or what a restore cannot do without.
	Again string
}

// Plan is the backup plan of a stake pool: all that its operator keeps.
func Plan() []Entry {
	return []Entry{
		{"cold verification key", RoleNodePublic, "from the cold signing key"},
		{"cold signing key", RoleNodeSecret, ""},
		{"operational certificate counter", RoleCounter, ""},
		{"KES verification key", RoleKESPublic, "from the operational certificate"},
		{"KES signing key", RoleKESSecret, ""},
		{"operational certificate", RoleOpcert, ""},
		{"VRF verification key", RoleVRFPublic, "from the VRF signing key"},
		{"VRF signing key", RoleVRFSecret, ""},
		{"payment verification key", RolePaymentPublic, "from the payment signing key"},
		{"payment signing key", RolePaymentSecret, ""},
		{"stake verification key", RoleStakePublic, "from the stake signing key"},
		{"stake signing key", RoleStakeSecret, ""},
		{"stake address", RoleStakeAddress, "from the stake key"},
		{"payment address", RolePaymentAddress, "from the payment and stake keys"},
		{"stake registration certificate", RoleStakeCert, "from the stake key"},
		{"pool metadata", RoleMetadata, "from its URL, byte for byte"},
		{"pool metadata hash", RoleMetadataHash, "from the pool metadata"},
		{"pool metadata URL", RoleMetadataURL, "from the pool certificate"},
		{"pool registration certificate", RolePoolCert, "from the chain"},
		{"delegation certificate", RoleDelegationCert, "from the stake key and the pool id"},
		{"database snapshot", RoleSnapshot, "by syncing from the network"},
	}
}

// checkList names what of the plan is missing, if the set is a pool's.
func (s *set) checkList() {
	have := func(role string) bool {
		return slices.ContainsFunc(s.objects, func(o *object) bool { return o.role == role })
	}
	pool := false
	for _, role := range []string{RoleNodeSecret, RoleNodePublic, RoleNodeHardware, RoleCounter, RoleOpcert, RoleKESSecret, RoleVRFSecret, RolePoolCert} {
		pool = pool || have(role)
	}
	if !pool {
		return
	}
	var mandatory, derivable []string
	for _, e := range Plan() {
		stand := strings.TrimSuffix(e.Role, ".skey") + ".hwsfile" // a hardware wallet stands in for a signing key
		switch {
		case have(e.Role), have(stand):
		case e.Again == "":
			mandatory = append(mandatory, e.Title+" ("+e.Role+")")
		default:
			derivable = append(derivable, e.Title+" ("+e.Again+")")
		}
	}
	if len(mandatory) == 0 {
		s.add(material.Pass, CheckListMandatory, "nothing is missing that cannot be made again", "")
	} else {
		s.add(material.Warn, CheckListMandatory, "missing: "+strings.Join(mandatory, ", "), "")
	}
	if len(derivable) > 0 {
		s.add(material.Pass, CheckListDerivable, "not here, but can be got again: "+strings.Join(derivable, ", "), "")
	}
}
