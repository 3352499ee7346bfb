package ceremony

import (
	"slices"
	"strings"

	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/material/cardano"
)

// A role is what a machine is to be: it says which compartments must be opened
// and which files of them are written.
type role struct {
	name         string
	compartments []string
	files        func(vault.Entry) bool // nil for all
}

// roles that restore can be asked for, in the order of the help.
func roles() []role {
	return []role{
		{name: "all", compartments: format.Compartments()},
		{name: "cold", compartments: []string{"cold"}},
		{name: "hot", compartments: []string{"hot"}},
		{name: "standby", compartments: []string{"hot"}, files: isStandby},
		{name: roleVault, compartments: format.Compartments()},
	}
}

func findRole(name string) (role, error) {
	var names []string
	for _, r := range roles() {
		if r.name == name {
			return r, nil
		}
		names = append(names, r.name)
	}
	return role{}, usage("there is no role %q: %s", name, strings.Join(names, ", "))
}

// isStandby takes exactly what a standby block producer is started with.
func isStandby(e vault.Entry) bool {
	return e.Network == cardano.Network && slices.Contains([]string{
		cardano.RoleKESSecret, cardano.RoleVRFSecret, cardano.RoleOpcert, cardano.RoleEnvironment, cardano.RoleTopology,
	}, e.Role)
}

// pick keeps the files of the role.
func (r role) pick(entries []vault.Entry) []vault.Entry {
	if r.files == nil {
		return entries
	}
	return slices.DeleteFunc(entries, func(e vault.Entry) bool { return !r.files(e) })
}
