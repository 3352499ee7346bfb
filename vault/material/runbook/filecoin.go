package runbook

import (
	"path"
	"strings"
	"time"

	"coldvault/vault/material/filecoin"
)

func isFilecoin(f *file) bool { return f.Network == filecoin.Network }

// sixWeeks without a proof, and all collateral is lost.
const sixWeeks = 6 * 7 * 24 * time.Hour

// lotus is a daemon's and a miner's part of a runbook.
type lotus struct {
	*book
	plan
	files []*file
}

func planFilecoin(b *book, files []*file) plan {
	p := lotus{book: b, files: files, plan: plan{title: "Filecoin",
		never: []string{"Never run two miners for one actor."},
		compare: []string{"Compare every address with `lotus wallet list`.",
			"Compare the miner id and the peer id with what the chain has."},
	}}
	deadline := "A miner that is not back within six weeks loses all its collateral. Write down when it failed and count from then."
	if !b.in.Restored.IsZero() {
		deadline += " Had it failed at the time of this restore, the end would be " + when(b.in.Restored.Add(sixWeeks)) + "."
	}
	p.deadlines = []string{deadline}
	p.places()
	p.add("Stop the old miner and the old daemon. Disable whatever starts them again.")
	p.steps = append(p.steps, stillRuns("lotus"))
	p.add("Work as the user that runs lotus. Set its two folders:",
		assign("export LOTUS_PATH", "of the daemon, such as ~/.lotus"), assign("export LOTUS_MINER_PATH", "of the miner, such as ~/.lotusminer"))
	p.daemon()
	p.miner()
	return p.plan
}

func (p *lotus) add(text string, commands ...command) {
	p.steps = append(p.steps, step(text, commands...))
}

// ofMiner says whether a file is the miner's and not the daemon's: by what only a
// miner's metadata has, by the folder's name, by the wallets beside it, which are the
// daemon's. What is left belongs to the miner, if there is one.
func (p *lotus) ofMiner(f *file) bool {
	if f.Role == filecoin.RoleMetadata {
		return f.item.ID != ""
	}
	dir := path.Dir(f.Name)
	switch folder := strings.ToLower(dir); {
	case strings.Contains(folder, "miner"):
		return true
	case strings.Contains(folder, "lotus"), strings.Contains(folder, "daemon"):
		return false
	}
	for _, wallet := range with(p.files, filecoin.RoleWallet, filecoin.RoleDefault) {
		if path.Dir(wallet.Name) == dir {
			return false
		}
	}
	for _, backup := range with(p.files, filecoin.RoleMetadata) {
		if backup.item.ID != "" {
			return true
		}
	}
	return len(with(p.files, filecoin.RoleStorage)) > 0
}

func (p *lotus) split(files []*file) (daemon, miner []*file) {
	for _, f := range files {
		if p.ofMiner(f) {
			miner = append(miner, f)
		} else {
			daemon = append(daemon, f)
		}
	}
	return daemon, miner
}

func (p *lotus) places() {
	const user, mode = "the user that runs lotus", "0600"
	daemon, miner := p.split(with(p.files, filecoin.RolePeer, filecoin.RoleJWT))
	put(daemon, "daemon: `$LOTUS_PATH/keystore/`; folder 0700", user, mode)
	put(miner, "miner: `$LOTUS_MINER_PATH/keystore/`; folder 0700", user, mode)
	put(with(p.files, filecoin.RoleWallet, filecoin.RoleDefault), "daemon: `$LOTUS_PATH/keystore/`; folder 0700", user, mode)
	put(with(p.files, filecoin.RoleExport), "daemon: `lotus wallet import`", user, mode)
	daemon, miner = p.split(with(p.files, filecoin.RoleToken, filecoin.RoleConfig))
	put(daemon, "daemon: `$LOTUS_PATH`", user, mode)
	put(miner, "miner: `$LOTUS_MINER_PATH`", user, mode)
	daemon, miner = p.split(with(p.files, filecoin.RoleMetadata))
	put(daemon, "daemon: `lotus daemon --restore`", user, mode)
	put(miner, "miner: `lotus-miner init restore`", user, mode)
	put(with(p.files, filecoin.RoleStorage), "miner: `--storage-config`", user, mode)
	put(with(p.files, filecoin.RoleStore), "the storage path that it belongs to", user, mode)
	put(with(p.files, filecoin.RoleSector), "the storage path that it was taken from", user, "")
}

// keystore copies files into a keystore. Lotus refuses all of them if one is readable
// by others.
func (p *lotus) keystore(text, variable string, files []*file) {
	if len(files) == 0 {
		return
	}
	commands := []command{cmd("install -d -m 0700", in(variable, "keystore"))}
	seen := map[string]bool{}
	for _, f := range files {
		if seen[base(f)] {
			p.add("Two files have the name `" + Quote(base(f)) + "`. Use the one of this node only.")
			return
		}
		seen[base(f)] = true
		commands = append(commands, cmd("install -m 0600", source(f), in(variable, "keystore", base(f))))
	}
	p.add(text, commands...)
}

// daemon comes first: the miner asks it for its keys.
func (p *lotus) daemon() {
	backups, _ := p.split(with(p.files, filecoin.RoleMetadata))
	if len(backups) > 0 {
		dump := choose(&p.steps, backups, "DAEMON_BACKUP", "the newest one")
		p.add("DAEMON FIRST. Restore its metadata, in a shell of its own:", cmd("lotus daemon --restore").arg(dump))
		p.add("Stop it when it is up:", cmd("lotus daemon stop"))
	}
	identity, _ := p.split(with(p.files, filecoin.RolePeer, filecoin.RoleJWT))
	keys := append(with(p.files, filecoin.RoleWallet, filecoin.RoleDefault), identity...)
	p.keystore("Put the keys into the daemon's keystore, while it does not run. Lotus refuses all keys if one has another mode than 0600:", "LOTUS_PATH", keys)
	p.add("Start the daemon in a shell of its own:", cmd("lotus daemon"))
	p.add("Wait until it is in sync:", cmd("lotus sync wait"))
	var imports []command
	for _, f := range with(p.files, filecoin.RoleExport) {
		imports = append(imports, cmd("lotus wallet import", source(f)))
	}
	if len(imports) > 0 {
		p.add("Import the exported wallets:", imports...)
	}
	p.add("Owner, worker and control keys must all be listed BEFORE the miner is restored:", cmd("lotus wallet list"))
}

func (p *lotus) miner() {
	_, backups := p.split(with(p.files, filecoin.RoleMetadata))
	storage := with(p.files, filecoin.RoleStorage)
	_, identity := p.split(with(p.files, filecoin.RolePeer))
	if len(backups)+len(storage)+len(identity) == 0 {
		return
	}
	if len(backups) == 0 {
		p.add("The miner's metadata backup is missing: look for it before you go on.")
		return
	}
	p.add("MINER. Mount every storage path of `storage.json` under its old name. Check that each has its `sectorstore.json`.")
	p.add("Is there a newer metadata backup anywhere? Use it. Every sector that is newer than the backup is lost.")
	_, configs := p.split(with(p.files, filecoin.RoleConfig))
	config := p.option(configs, "MINER_CONFIG", "`config.toml` of the miner is missing. Without it the miner silently gets a default one.")
	paths := p.option(storage, "STORAGE", "`storage.json` is missing. Without it the miner silently has no storage.")
	backup := choose(&p.steps, backups, "BACKUP", "the one with the newest sector")
	p.add("Restore the miner. Never leave out one of the two options. Do not start it yet:",
		cmd("lotus-miner init restore --config", config).lit("--storage-config").arg(paths, backup))
	p.peer(identity)
	p.add("Watch the next WindowPoSt until it is submitted. Compare the sectors with the chain:",
		cmd("lotus-miner proving deadlines"), cmd("lotus-miner sectors list"))
}

// option is the file for an option that must not be left out.
func (p *lotus) option(files []*file, variable, missing string) word {
	if len(files) > 0 {
		return choose(&p.steps, files, variable, "the miner's")
	}
	p.add(missing+" Set where you have it:", assign(variable, "full path"))
	return value(variable)
}

// peer undoes the new identity that a restore always makes.
func (p *lotus) peer(identity []*file) {
	_, secrets := p.split(with(p.files, filecoin.RoleJWT))
	p.keystore("The restore made a new libp2p identity. Put the old one back, while the miner does not run:", "LOTUS_MINER_PATH", append(secrets, identity...))
	p.add("Start the miner in a shell of its own:", cmd("lotus-miner run"))
	switch {
	case len(identity) == 1 && identity[0].item.ID != "":
		p.add("Tell the chain the old peer id:", cmd("lotus-miner actor set-peer-id").arg(quoted(identity[0].item.ID)))
	default:
		p.add("Tell the chain the miner's peer id:", cmd("lotus-miner net id"), assign("PEER_ID", "of the miner"),
			cmd("lotus-miner actor set-peer-id", value("PEER_ID")))
	}
}
