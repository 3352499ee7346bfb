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
	Again string   // how to get the file if it is missing; empty if nobody can give it back
	From  []string // roles one of which must be there for that
}

// Plan is the backup plan of a stake pool: all that its operator keeps.
func Plan() []Entry {
	stake := []string{RoleStakeSecret, RoleStakePublic}
	return []Entry{
		{"cold verification key", RoleNodePublic, "from the cold signing key", []string{RoleNodeSecret, RoleNodeHardware}},
		{"cold signing key", RoleNodeSecret, "", nil},
		{"operational certificate counter", RoleCounter, "", nil},
		{"KES verification key", RoleKESPublic, "from the operational certificate", []string{RoleOpcert}},
		{"KES signing key", RoleKESSecret, "", nil},
		{"operational certificate", RoleOpcert, "", nil},
		{"VRF verification key", RoleVRFPublic, "from the VRF signing key", []string{RoleVRFSecret}},
		{"VRF signing key", RoleVRFSecret, "", nil},
		{"payment verification key", RolePaymentPublic, "from the payment signing key", []string{RolePaymentSecret}},
		{"payment signing key", RolePaymentSecret, "", nil},
		{"stake verification key", RoleStakePublic, "from the stake signing key", []string{RoleStakeSecret}},
		{"stake signing key", RoleStakeSecret, "", nil},
		{"stake address", RoleStakeAddress, "from the stake key", stake},
		{"payment address", RolePaymentAddress, "from the payment key", []string{RolePaymentSecret, RolePaymentPublic}},
		{"stake registration certificate", RoleStakeCert, "from the stake key", stake},
		{"pool metadata", RoleMetadata, "from its URL, byte for byte", nil},
		{"pool metadata hash", RoleMetadataHash, "from the pool certificate, here or on the chain", nil},
		{"pool metadata URL", RoleMetadataURL, "from the pool certificate, here or on the chain", nil},
		{"pool registration certificate", RolePoolCert, "from the chain", nil},
		{"delegation certificate", RoleDelegationCert, "from the stake key", stake},
		{"database snapshot", RoleSnapshot, "by syncing from the network", nil},
	}
}

// standsFor gives the roles that do the job of another: keys in a hardware wallet,
// and the keys of the first pools of a private network.
func standsFor(role string) []string {
	roles := []string{role}
	if family, ok := strings.CutSuffix(role, ".skey"); ok {
		roles = append(roles, family+".hwsfile")
	}
	if rest, ok := strings.CutPrefix(role, "node."); ok {
		roles = append(roles, "genesis-delegate."+rest)
	}
	if rest, ok := strings.CutPrefix(role, "payment."); ok {
		roles = append(roles, "genesis-utxo."+rest)
	}
	return roles
}

// checkList names what of the plan is missing, if the set is a pool's.
func (s *set) checkList() {
	have := func(roles ...string) bool {
		return slices.ContainsFunc(s.objects, func(o *object) bool {
			return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(standsFor(r), o.role) })
		})
	}
	if !have(RoleNodeSecret, RoleNodePublic, RoleCounter, RoleOpcert, RoleKESSecret, RoleVRFSecret, RolePoolCert) {
		return
	}
	var mandatory, derivable []string
	for _, e := range Plan() {
		switch {
		case have(e.Role):
		case e.Again == "" || len(e.From) > 0 && !have(e.From...):
			mandatory = append(mandatory, e.Title+" ("+e.Role+")")
		default:
			derivable = append(derivable, e.Title+" ("+e.Again+")")
		}
	}
	if len(mandatory) == 0 {
		s.Add(material.Pass, CheckListMandatory, "nothing is missing that cannot be made again", "")
	} else {
		s.Add(material.Warn, CheckListMandatory, "missing: "+strings.Join(mandatory, ", "), "")
	}
	if len(derivable) > 0 {
		s.Add(material.Pass, CheckListDerivable, "not here, but can be got again: "+strings.Join(derivable, ", "), "")
	}
}
