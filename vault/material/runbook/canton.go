package runbook

import (
	"fmt"
	"slices"

	"coldvault/vault/material"
	"coldvault/vault/material/canton"
	"coldvault/vault/material/pgdump"
)

func isSpliceDump(f *file) bool {
	return f.Network == pgdump.Network && (f.Role == pgdump.RoleParticipant || f.Role == pgdump.RoleApps || f.Role == pgdump.RoleCanton)
}

func isCanton(f *file) bool { return f.Network == canton.Network || isSpliceDump(f) }

// Facts that a Canton restore asks for, by the names of canton.Profile.Questions.
const (
	factPartyHint = "party-hint"
	factMigration = "migration-id"
)

// participant is a Canton or Splice node's part of a runbook.
type participant struct {
	*book
	plan
	files []*file
}

func planCanton(b *book, files []*file) plan {
	p := participant{book: b, plan: plan{title: "Canton"}, files: files}
	p.places()
	identities := with(files, canton.RoleIdentities, canton.RoleSnapshot)
	apps, participants := with(files, pgdump.RoleApps), with(files, pgdump.RoleParticipant)
	dumps := len(apps)+len(participants) > 0
	comet := with(files, canton.RoleCometNode, canton.RoleCometValidator, canton.RoleCometState)
	p.never = []string{"Never run two nodes with the same participant id. The old one stays off for good."}
	if len(identities) > 0 {
		p.never = append(p.never, "Never use a new participant identifier twice.")
	}
	if len(comet) > 0 {
		p.never = append(p.never, "Never start two validators with one key. Never let `priv_validator_state.json` go backwards: the validator signs twice.")
	}
	p.add("Stop the old node. Disable whatever starts it again.")
	p.add(proveDead+"On the old host this must list no participant and no validator:", cmd("docker ps"))
	p.keysElsewhere()
	if dumps && len(identities) > 0 {
		p.add("Choose one way. WAY A: the database dumps are whole, in order and less than 30 days old. WAY B: they are not. Never do both.")
	}
	if dumps {
		p.databases(apps, participants)
	}
	if len(identities) > 0 {
		p.identities(identities)
	}
	p.superValidator(comet)
	p.compareWith(dumps, len(identities) > 0, len(comet) > 0)
	return p.plan
}

func (p *participant) add(text string, commands ...command) {
	p.steps = append(p.steps, step(text, commands...))
}

func (p *participant) places() {
	put(p.files, "offline machine: keep with the identities", ownerYou, modeKey)
	put(with(p.files, canton.RoleIdentities, canton.RoleSnapshot), "new node's host, for `start.sh -i`", ownerYou, modeKey)
	put(with(p.files, canton.RoleSVIdentities, canton.RoleNodeIdentities), "new super validator, for its identities", ownerYou, modeKey)
	put(with(p.files, canton.RoleOperatorKey, canton.RoleOperatorPublic), "new super validator: its SV key secret", ownerYou, modeKey)
	put(with(p.files, canton.RoleCometNode, canton.RoleCometValidator, canton.RoleCometGenesis, canton.RoleCometConfig),
		"CometBFT home: `config/`", "CometBFT's user", "0600")
	put(with(p.files, canton.RoleCometState), "CometBFT home: `data/`", "CometBFT's user", "0600")
	put(with(p.files, pgdump.RoleApps), "PostgreSQL: the apps' database, first", ownerYou, modeKey)
	put(with(p.files, pgdump.RoleParticipant), "PostgreSQL: the participant's database, second", ownerYou, modeKey)
	put(with(p.files, pgdump.RoleCanton), "PostgreSQL: the database of its sequencer or mediator", ownerYou, modeKey)
}

// keysElsewhere says that a dump is of no use without its key management service.
func (p *participant) keysElsewhere() {
	if verdicts := p.verdicts(canton.CheckKMS); len(verdicts) > 0 {
		p.add("Prove that you can still use the key management service: its keys are not in the dump. Without it, stop here.")
	}
}

// databases is way A, for a node that runs under Docker Compose and for Kubernetes.
func (p *participant) databases(apps, participants []*file) {
	p.deadlines = append(p.deadlines, "A database dump of more than 30 days cannot catch up with the network: use the identities then. This generation was sealed on "+
		when(p.in.Sealed)+daysTo(p.in.Sealed, p.in.Restored)+".")
	p.order()
	switch {
	case len(apps) == 0:
		p.add("The dump of the apps is missing: look for it. A participant's database alone does not make a validator.")
	case len(participants) == 0:
		p.add("The participant's dump is missing: look for it. Without it and without identities the node cannot come back.")
	}
	p.add("WAY A, DATABASE DUMPS. On Kubernetes: scale everything to 0, restore both databases, scale everything to 1. " +
		"On Docker Compose: go on here, in the folder of `start.sh` and `compose.yaml`.")
	p.add("Stop everything:", cmd("./stop.sh"))
	p.add("Find the name of the database volume. It differs from host to host. Set it:", cmd("docker volume ls"),
		assign("VOLUME", "the one that ends in postgres-splice"))
	p.add("Remove the volume. What it holds is lost: make sure that it is this host's.", cmd("docker volume rm", value("VOLUME")))
	p.add("Start PostgreSQL alone. Repeat the second line until it accepts connections:",
		cmd("docker compose up -d postgres-splice"), cmd("docker compose exec -T postgres-splice pg_isready"))
	if len(apps) > 0 {
		dump := choose(&p.steps, apps, "APPS_DUMP", "the one that was complete before the participant's dump began")
		p.add("Restore the apps' database first:", fill("postgres-splice", word{"cnadmin"}, word{"validator"}, apps, dump))
	}
	if len(participants) > 0 {
		dump := choose(&p.steps, participants, "PARTICIPANT_DUMP", "the one that began after the apps' dump was complete")
		p.add("Restore the participant's database second. Check the number in its name: under a wrong name the node starts green and empty.",
			fill("postgres-splice", word{"cnadmin"}, p.database(), participants, dump))
	}
	p.add("Stop PostgreSQL. Then start the node as always, with the migration id and party hint that it had:", cmd("docker compose down"))
	p.add("Onboard again the users that were added after the backup.")
}

// order stops at a pair of dumps that no restore can save.
func (p *participant) order() {
	for _, v := range p.verdicts(pgdump.CheckSpliceOrder) {
		switch v.Status {
		case material.Fail:
			p.add("STOP. These dumps are in the wrong order. They restore and start green, and are wrong. Find another pair. " + prose(v.Text))
		case material.Unknown, material.Warn:
			p.add("The order of the dumps is not proven. The apps' dump must be complete before the participant's began. Prove it before you go on. " + prose(v.Text))
		}
	}
}

// database is the name of the participant's database.
func (p *participant) database() word {
	if migration, ok := p.fact(factMigration); ok {
		return append(word{"participant-"}, migration...)
	}
	p.add("Set the migration id of the backup:", assign("MIGRATION", "a number"))
	return word{`"participant-${MIGRATION:?}"`}
}

// identities is way B: a fresh participant that takes over the old one's namespace.
func (p *participant) identities(files []*file) {
	p.add("WAY B, IDENTITIES ONLY. Begin with an empty database: no volume of the old node may be there.", cmd("docker volume ls"))
	hint, ok := p.fact(factPartyHint)
	if !ok {
		p.add("Set the party hint of the old validator. It must be the same. It is not in the dump:", assign("PARTY_HINT", "the same as before"))
		hint = value("PARTY_HINT")
	}
	migration, ok := p.fact(factMigration)
	if !ok {
		p.add("Set the network's migration id:", assign("MIGRATION", "a number"))
		migration = value("MIGRATION")
	}
	dump := choose(&p.steps, files, "DUMP", "the newest one")
	p.add("Choose a participant identifier that was never used before. Write it down.", assign("NEW_ID", "new, never used before"))
	p.add("On Kubernetes: put the dump into the secret, and set `newParticipantIdentifier` and `nodeIdentifier` to the new identifier:",
		cmd("kubectl create secret generic participant-bootstrap-dump -n validator").arg(append(word{"--from-file=content="}, dump...)))
	p.add("On Docker Compose: start with these options, beside the ones you always use:",
		cmd("./start.sh -p").arg(hint).lit("-m").arg(migration).lit("-i").arg(dump).lit("-P").arg(value("NEW_ID")))
	p.add("Keep `-P` with the same identifier in every later start.")
	p.add("Let the users onboard again.")
}

// superValidator is what a super validator needs beside its participant.
func (p *participant) superValidator(comet []*file) {
	if sv := with(p.files, canton.RoleSVIdentities); len(sv) > 0 {
		p.add("Give the new super validator its identities: participant, sequencer and mediator. " + names(sv))
	}
	if key := with(p.files, canton.RoleOperatorKey, canton.RoleOperatorPublic); len(key) > 0 {
		p.add("Put both halves of the operator key into the super validator's key secret. They are not in the identities. " + names(key))
	}
	if len(comet) == 0 {
		return
	}
	p.add("Stop CometBFT, here and on the old host. " + proveDead + "No other node may sign with this validator's key.")
	p.add("Set CometBFT's home folder and its user:", assign("COMET_HOME", "full path"), assign("COMET_USER", "such as cometbft"))
	for _, target := range []struct{ role, name string }{
		{canton.RoleCometNode, "config/node_key.json"}, {canton.RoleCometValidator, "config/priv_validator_key.json"},
		{canton.RoleCometGenesis, "config/genesis.json"}, {canton.RoleCometConfig, "config/config.toml"},
	} {
		if files := with(p.files, target.role); len(files) > 0 {
			from := choose(&p.steps, files, "COMET_FILE", "this node's")
			p.add(fmt.Sprintf("Install `%s`:", target.name),
				install(value("COMET_USER").String(), "0600", from, in("COMET_HOME", target.name)))
		}
	}
	p.validatorState()
}

func (p *participant) validatorState() {
	states := with(p.files, canton.RoleCometState)
	if len(states) == 0 {
		return
	}
	p.add("Is the old `priv_validator_state.json` still on the old disk? Use that one, never an older one. " +
		"Else ask the chain for the last height that this validator signed.")
	for _, f := range states {
		if f.held {
			p.add(fmt.Sprintf("Do not use `%s` before you have the answer. Its height must not be below the last one that was signed.", f.as))
		}
	}
	ready := slices.DeleteFunc(slices.Clone(states), func(f *file) bool { return f.held })
	if len(ready) > 0 {
		from := choose(&p.steps, ready, "STATE", "this node's")
		p.add("Install the state:", install(value("COMET_USER").String(), "0600", from, in("COMET_HOME", "data/priv_validator_state.json")))
	}
}

func (p *participant) compareWith(dumps, identities, comet bool) {
	if dumps {
		p.compare = append(p.compare, "After a restore of the databases, the node shows the same participant id as before.")
	}
	if identities {
		p.compare = append(p.compare, "After a restore of the identities, the participant id is new. The part after `::` is the same, and so are the party ids and the balance.")
	}
	if comet {
		p.compare = append(p.compare, "Compare the validator address and the node id with genesis and `persistent_peers` of the others.")
	}
}
