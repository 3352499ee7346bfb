package runbook

import (
	"strings"

	"coldvault/vault/material/pgdump"
)

func isDatabase(f *file) bool { return f.Network == pgdump.Network }

// planDatabases is for dumps that are of none of the other networks.
func planDatabases(_ *book, files []*file) plan {
	p := plan{title: "PostgreSQL",
		never:   []string{"Never restore over a database that something still writes to."},
		compare: []string{"Compare the number of rows of some tables with what you know."}}
	put(files, "PostgreSQL: an empty database", ownerYou, modeKey)
	put(with(files, pgdump.RoleCluster), "PostgreSQL: an empty cluster", ownerYou, modeKey)
	add := func(text string, commands ...command) { p.steps = append(p.steps, step(text, commands...)) }
	add("Stop every program that uses the database. Prove that none is connected.")
	for _, f := range files {
		if f.Role == pgdump.RoleCluster {
			add("Restore the whole cluster, roles included, as its superuser:", cmd("psql -U postgres -d postgres -v ON_ERROR_STOP=1 -f", source(f)))
			continue
		}
		add("Set the name of the database. Create it empty. Restore into it:", assign("DB", "name"), cmd("createdb", value("DB")), load(f))
	}
	add("Start the programs again.")
	return p
}

// load restores one dump with the program that its format asks for.
func load(f *file) command {
	if isArchive([]*file{f}) {
		return cmd("pg_restore --exit-on-error -d", value("DB"), source(f))
	}
	return cmd("psql -v ON_ERROR_STOP=1 -d", value("DB")).lit("-f").arg(source(f))
}

// fill restores a dump into a database of a service of Docker Compose.
func fill(service string, user, database word, dumps []*file, dump word) command {
	program := "psql -U"
	if isArchive(dumps) {
		program = "pg_restore -U"
	}
	c := cmd("docker compose exec -T").arg(word{service}).lit(program).arg(user)
	if isArchive(dumps) {
		c = c.lit("-d")
	}
	return c.arg(database).lit("<").arg(dump)
}

// isArchive says whether dumps are in a format that psql does not read.
func isArchive(dumps []*file) bool {
	for _, f := range dumps {
		if strings.Contains(f.item.Note, "custom format") || strings.Contains(f.item.Note, "tar format") {
			return true
		}
	}
	return false
}
