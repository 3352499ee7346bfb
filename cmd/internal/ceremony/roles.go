package ceremony

import (
	"slices"
	"strings"

	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/material/canton"
	"coldvault/vault/material/cardano"
	"coldvault/vault/material/filecoin"
	"coldvault/vault/material/pgdump"
)

// A role is what a machine is to be: it says which compartments must be opened
// and which files of them are written.
type role struct {
	name         string
	compartments []string
	files        func(vault.Entry) bool // nil for all
}

// roleAll is the one whose files are a whole set, and judged as that.
const roleAll = "all"

// roles that restore can be asked for, in the order of the help, but for RoleVault.
func roles() []role {
	return []role{
		{name: roleAll, compartments: format.Compartments()},
		{name: "cold", compartments: []string{"cold"}},
		{name: "hot", compartments: []string{"hot"}},
		{name: "standby", compartments: []string{"hot"}, files: isStandby},
		{name: "validator", compartments: format.Compartments(), files: isValidator},
		{name: "sv", compartments: format.Compartments(), files: isSuperValidator},
		{name: "daemon", compartments: format.Compartments(), files: isDaemon},
		{name: "miner", compartments: format.Compartments(), files: isMiner},
		{name: "archive", compartments: format.Compartments(), files: isArchive},
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
	return role{}, usage("there is no role %q: %s", name, strings.Join(append(names, RoleVault), ", "))
}

// isArchive takes the large files alone.
func isArchive(e vault.Entry) bool { return e.Archive != nil }

// isStandby takes exactly what a standby block producer is started with.
func isStandby(e vault.Entry) bool {
	return e.Network == cardano.Network && slices.Contains([]string{
		cardano.RoleKESSecret, cardano.RoleVRFSecret, cardano.RoleOpcert, cardano.RoleEnvironment, cardano.RoleTopology,
	}, e.Role)
}

// isSuperValidator takes everything of Canton/Splice, with its databases.
func isSuperValidator(e vault.Entry) bool {
	return e.Network == canton.Network || e.Network == pgdump.Network &&
		slices.Contains([]string{pgdump.RoleParticipant, pgdump.RoleApps, pgdump.RoleCanton, pgdump.RoleCluster}, e.Role)
}

// isValidator leaves out what only a super validator has.
func isValidator(e vault.Entry) bool {
	return isSuperValidator(e) && !slices.Contains([]string{
		canton.RoleSVIdentities, canton.RoleNodeIdentities, canton.RoleOperatorKey, canton.RoleOperatorPublic,
		canton.RoleCometNode, canton.RoleCometValidator, canton.RoleCometState, canton.RoleCometGenesis, canton.RoleCometConfig,
		pgdump.RoleCanton,
	}, e.Role)
}

// isMiner takes what lies in a folder of Lotus' miner; only the path tells the two
// repositories apart.
func isMiner(e vault.Entry) bool {
	return e.Network == filecoin.Network && (e.Role == filecoin.RoleStore ||
		strings.Contains(strings.ToLower(e.Name), "miner"))
}

// isDaemon takes the rest of Filecoin.
func isDaemon(e vault.Entry) bool { return e.Network == filecoin.Network && !isMiner(e) }

// pick keeps the files of the role.
func (r role) pick(entries []vault.Entry) []vault.Entry {
	if r.files == nil {
		return entries
	}
	return slices.DeleteFunc(entries, func(e vault.Entry) bool { return !r.files(e) })
}
