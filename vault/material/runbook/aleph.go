package runbook

import (
	"coldvault/vault/material"
	"coldvault/vault/material/aleph"
	"coldvault/vault/material/pgdump"
)

func isAleph(f *file) bool {
	return f.Network == aleph.Network || f.Network == pgdump.Network && (f.Role == pgdump.RoleAleph || f.Role == pgdump.RoleAlephFiles)
}

func planAleph(b *book, files []*file) plan {
	p := plan{title: "aleph.im", never: []string{
		"Never run two nodes with one key.",
		"Never start with new keys on the same IPv4 address: the network refuses them for hours or days.",
	}}
	add := func(text string, commands ...command) { p.steps = append(p.steps, step(text, commands...)) }
	add("Stop the old node. Disable whatever starts it again.")
	add(proveDead+"On the old host this must list no pyaleph:", cmd("docker ps"))
	add("On the new host, go to the folder of the node's `docker-compose.yml`. Stop everything:", cmd("docker compose down"))
	alephOrder(b, &p)
	alephData(&p, files)
	alephKeys(&p, files)
	add("Start the node:", cmd("docker compose up -d"))
	p.compare = []string{"The node must announce the same peer id."}
	return p
}

// alephOrder: files older than the database lack what the database refers to.
func alephOrder(b *book, p *plan) {
	for _, v := range b.verdicts(pgdump.CheckAlephOrder) {
		if v.Status == material.Fail {
			p.steps = append(p.steps, step("STOP. The files are older than the database. Find a newer copy of the volumes. "+prose(v.Text)))
		}
	}
}

// alephData restores the volumes, then the database.
func alephData(p *plan, files []*file) {
	volumes, dumps := with(files, pgdump.RoleAlephFiles), with(files, pgdump.RoleAleph)
	put(volumes, "volume `pyaleph-ipfs` or `pyaleph-local-storage`, before the database", "", "")
	put(dumps, "PostgreSQL, after the volumes", ownerYou, modeKey)
	if len(volumes)+len(dumps) == 0 {
		return
	}
	here := "None of their files are here: get them from their own backup."
	if len(volumes) > 0 {
		here = "From here: " + names(volumes)
	}
	p.steps = append(p.steps, step("Restore the volumes first: `pyaleph-ipfs` and `pyaleph-local-storage`. Both are needed. "+
		"They must not be older than the database. "+here))
	if len(dumps) == 0 {
		return
	}
	p.steps = append(p.steps, step("Only then restore PostgreSQL. Set user and database as in the section `postgres` of `config.yml`:",
		assign("DB_USER", "user"), assign("DB", "database")))
	dump := choose(&p.steps, dumps, "DUMP", "the newest one that is not newer than the volumes")
	p.steps = append(p.steps, step("Start PostgreSQL alone, then restore:",
		cmd("docker compose up -d postgres"), fill("postgres", value("DB_USER"), value("DB"), dumps, dump),
		cmd("docker compose down")))
}

// alephKeys puts the node's files to where they are read.
func alephKeys(p *plan, files []*file) {
	const user, mode = "1000", "0600"
	first := true
	for _, key := range []struct{ role, name string }{
		{aleph.RoleSecret, "node-secret.pkcs8.der"}, {aleph.RoleOldSecret, "node-secret.key"},
		{aleph.RoleSerialized, "serialized-node-secret.key"}, {aleph.RolePublic, "node-pub.key"},
	} {
		own := with(files, key.role)
		put(own, "`keys/"+key.name+"`; folder 0700", user, mode)
		if len(own) == 0 {
			continue
		}
		if first {
			p.steps = append(p.steps, step("Make the folder of the keys:", cmd("sudo install -d -o 1000 -g 1000 -m 0700 keys")))
			first = false
		}
		from := choose(&p.steps, own, "KEY", "the one of the node that this host is to be")
		p.steps = append(p.steps, step("Install `"+key.name+"`:",
			cmd("sudo install -o 1000 -g 1000 -m 0600").arg(from, word{"keys/" + key.name})))
	}
	if config := with(files, aleph.RoleConfig); len(config) > 0 {
		put(config, "`config.yml` beside `docker-compose.yml`", user, mode)
		from := choose(&p.steps, config, "CONFIG", "the one of the node that this host is to be")
		p.steps = append(p.steps, step("Install the configuration. It holds passwords:",
			cmd("sudo install -o 1000 -g 1000 -m 0600").arg(from, word{"config.yml"})))
	}
	kubo := with(files, aleph.RoleKubo)
	put(kubo, "volume `pyaleph-ipfs`: `config`", "as the volume's other files", "0600")
	if len(kubo) > 0 {
		p.steps = append(p.steps, step("Put the IPFS daemon's `config` back into its volume, after the volume's own files. It holds the daemon's identity. "+names(kubo)))
	}
	put(with(files, aleph.RolePeerID), "to compare with, at the end", ownerYou, modeKey)
}
