package runbook

import (
	"fmt"
	"math"
	"slices"

	"coldvault/vault/material"
	"coldvault/vault/material/cardano"
)

func isCardano(f *file) bool { return f.Network == cardano.Network }

// pool is a stake pool's part of a runbook.
type pool struct {
	*book
	plan
	vrf, kes, cert, start []*file // what a block producer is started with
	cold                  []*file // what never goes to a node
}

func planCardano(b *book, files []*file) plan {
	p := pool{book: b, plan: plan{title: "Cardano"},
		vrf: with(files, cardano.RoleVRFSecret), kes: with(files, cardano.RoleKESSecret), cert: with(files, cardano.RoleOpcert),
		start: with(files, cardano.RoleEnvironment, cardano.RoleTopology)}
	for _, f := range files {
		if len(with([]*file{f}, cardano.RoleVRFSecret, cardano.RoleKESSecret, cardano.RoleOpcert,
			cardano.RoleEnvironment, cardano.RoleTopology, cardano.RoleSnapshot)) == 0 {
			p.cold = append(p.cold, f)
		}
	}
	p.kes, p.cert = b.newestKES(p.kes, p.cert)
	p.places(files)
	producer := len(p.vrf)+len(p.kes)+len(p.cert) > 0
	if producer {
		p.never = append(p.never, "Two forging nodes with the same keys make a fork: same issuer, same slot. Never let a second one forge.",
			"Never put these keys on a relay.")
		p.deadlines = b.deadlinesOf(cardano.CheckKESExpiry)
	}
	if len(p.cold) > 0 {
		p.never = append(p.never, "Never copy cold, payment or stake keys to a node or to any machine with a network.")
	}
	if len(with(p.cold, cardano.RoleCounter)) > 0 {
		p.never = append(p.never, "Never issue a certificate from a restored counter before you asked the chain.")
	}
	if producer && len(with(p.cold, cardano.RoleNodeSecret, cardano.RolePaymentSecret, cardano.RoleStakeSecret)) > 0 {
		p.add("Cold and hot keys are in this folder. Keep it on an offline machine. Take to the block producer only the files that go there. " +
			"Or restore there with `--role hot`.")
	}
	switch {
	case b.in.Role == roleStandby:
		p.standby()
	case producer:
		p.producer()
	}
	if len(p.cold) > 0 {
		p.coldMachine()
	}
	p.compare = append(p.compare, "Compare the pool id with the one that explorers and your delegators know.")
	if producer {
		p.compare = append(p.compare, "Compare the number of the operational certificate with the chain's: equal, or one more.")
	}
	if len(with(files, cardano.RolePaymentAddress, cardano.RoleStakeAddress)) > 0 {
		p.compare = append(p.compare, "Compare the addresses with the ones that you were paid at.")
	}
	return p.plan
}

func (p *pool) places(files []*file) {
	put(p.cold, "offline machine, never a node", ownerYou, modeKey)
	put(with(files, cardano.RoleKESSecret, cardano.RoleOpcert), "offline machine: an older generation, do not use it", ownerYou, modeKey)
	put(slices.Concat(p.kes, p.vrf, p.cert), "block producer: `$KEYS`", ownerNode, modeKey)
	put(with(p.cold, cardano.RoleKESPublic, cardano.RoleVRFPublic), "offline machine; no node needs it", ownerYou, modeKey)
	put(with(p.cold, cardano.RoleMetadata), "your web server, byte for byte", "", "")
	put(with(files, cardano.RoleSnapshot), "block producer: the database folder of a stopped node", ownerNode, "")
	for _, f := range p.start {
		f.to = place{"block producer: where its start script is", ownerNode, f.Mode}
	}
}

// newestKES leaves of several generations the certificate with the highest number and
// the KES key that it names, if that is known.
func (b *book) newestKES(kes, certs []*file) (keys, newest []*file) {
	if len(certs) == 0 || len(kes)+len(certs) == 2 {
		return kes, certs
	}
	best, highest := -1, uint64(0)
	for i, f := range certs {
		var number uint64
		if _, err := fmt.Sscanf(f.item.ID, "number %d,", &number); err != nil || number == highest && best >= 0 {
			return kes, certs
		}
		if best < 0 || number > highest {
			best, highest = i, number
		}
	}
	newest = certs[best : best+1]
	for _, v := range b.verdicts(cardano.CheckOpcertKES) {
		if v.Status != material.Pass || len(v.Files) != 2 || v.Files[0] != newest[0].Name {
			continue
		}
		for _, f := range kes {
			// The check names one half of the key: both have the same id.
			if f.item.ID != "" && f.item.ID == b.idOf(v.Files[1]) {
				return []*file{f}, newest
			}
		}
	}
	return kes, newest
}

func (b *book) idOf(name string) string {
	for _, item := range b.in.Report.Items {
		if item.Name == name {
			return item.ID
		}
	}
	return ""
}

func (p *pool) add(text string, commands ...command) {
	p.steps = append(p.steps, step(text, commands...))
}

// credentials are the options that a block producer is started with.
func (p *pool) credentials() []command {
	options := []command{
		cmd("--shelley-kes-key", in("KEYS", target(p.kes, cardano.RoleKESSecret))),
		cmd("--shelley-vrf-key", in("KEYS", target(p.vrf, cardano.RoleVRFSecret))),
		cmd("--shelley-operational-certificate", in("KEYS", target(p.cert, cardano.RoleOpcert))),
	}
	return append(options, cmd("--start-as-non-producing-node"))
}

// target is the name of a file where the node reads it.
func target(files []*file, role string) string {
	if len(files) == 1 {
		return base(files[0])
	}
	return role
}

// installKeys copies what a block producer needs: the KES key before its certificate.
func (p *pool) installKeys() {
	for _, missing := range []struct {
		files []*file
		role  string
	}{{p.vrf, cardano.RoleVRFSecret}, {p.kes, cardano.RoleKESSecret}, {p.cert, cardano.RoleOpcert}} {
		if len(missing.files) == 0 {
			p.add(fmt.Sprintf("Missing here: `%s`. The node cannot forge without it. Find it before you go on.", missing.role))
		}
	}
	p.add("Set the folder that the node reads its keys from, and the user that it runs as:",
		assign("KEYS", "full path, as in the node's start command"), assign("NODE_USER", "such as cardano"))
	for _, f := range p.start {
		p.add(fmt.Sprintf("Put `%s` where your start script is. Check host names and paths in it.", f.as))
	}
	p.installKey("Install the VRF key. The node refuses it if others can read it:", p.vrf, "VRF_KEY", cardano.RoleVRFSecret, "the pool's")
	p.installKey("Install the KES key. It comes before its certificate:", p.kes, "KES_KEY", cardano.RoleKESSecret,
		"the key that the certificate names")
	p.installKey("Install the certificate, after the KES key. A new certificate beside an old key does not forge:", p.cert, "CERT",
		cardano.RoleOpcert, "the certificate with the highest number")
}

func (p *pool) installKey(text string, files []*file, variable, role, hint string) {
	if len(files) == 0 {
		return
	}
	from := choose(&p.steps, files, variable, hint)
	p.add(text, install(in("NODE_USER").String(), modeKey, from, in("KEYS", target(files, role))))
}

// startQuietly starts the node with forging off, and waits.
func (p *pool) startQuietly() {
	p.add("Add these options to the node's start command. It starts with forging off:", p.credentials()...)
	p.add("Start the node. Never send it SIGHUP by accident: a SIGHUP makes it read the keys and forge.")
	p.add("Tell `cardano-cli` the network and the node's socket:",
		assign("export CARDANO_NODE_NETWORK_ID", "mainnet, or a test network's magic"),
		assign("export CARDANO_NODE_SOCKET_PATH", "full path"))
	p.add("Wait until `syncProgress` is 100.00:", cmd("cardano-cli query tip"))
	p.add("Ask the chain about the certificate. Its number must be the chain's or one more. Its KES period must not have ended. "+
		"If either is wrong, do not forge: make new KES keys and a new certificate.",
		cmd("cardano-cli query kes-period-info --op-cert-file", in("KEYS", target(p.cert, cardano.RoleOpcert))))
}

func (p *pool) forgingOn() {
	p.add("Turn forging on. The node reads the keys and the topology again:", cmd("sudo pkill -HUP -x cardano-node"))
}

func (p *pool) producer() {
	p.add("Stop the old block producer. Disable its service, so that it cannot start again by itself.")
	p.steps = append(p.steps, stillRuns("cardano-node"))
	p.installKeys()
	p.startQuietly()
	p.add("Prove once more that the old block producer is dead.")
	p.forgingOn()
	p.add("Once the old host can never start again, take `--start-as-non-producing-node` out of the start command. " +
		"With it, every restart waits for a SIGHUP.")
}

func (p *pool) standby() {
	p.never = append(p.never, "Never send SIGHUP to the standby while the active block producer runs: it makes the standby forge.")
	p.add("Leave the active block producer alone. This host is its standby: it must not forge while the other one lives.")
	p.installKeys()
	p.startQuietly()
	p.add("Leave it like this. The standby is ready and does not forge. The next steps are for a takeover only.")
	p.add("TAKEOVER. Stop the active block producer. Disable its service, so that it cannot start again by itself.")
	p.steps = append(p.steps, stillRuns("cardano-node"))
	p.add("Were KES keys made after this generation was sealed? Then restore the newest generation first. " +
		"An older certificate makes invalid blocks.")
	p.forgingOn()
	p.add("WAY BACK. Take the keys away from the standby, so that it stops forging. Only then start the other one:",
		cmd("sudo mv", in("KEYS", target(p.kes, cardano.RoleKESSecret)), in("KEYS", target(p.kes, cardano.RoleKESSecret)+".away")),
		cmd("sudo pkill -HUP -x cardano-node"))
}

// coldMachine is what is done where the cold keys are.
func (p *pool) coldMachine() {
	p.add("OFFLINE MACHINE. Work on a machine without a network. Check its clock: a wrong one gives a wrong KES period.", cmd("date -u"))
	p.add("Leave the files as they are: mode 0400, owner you. Only a new `kes.skey` and `node.cert` may go from here to the block producer.")
	p.counters()
	p.newKES()
	if metadata := with(p.cold, cardano.RoleMetadata); len(metadata) > 0 {
		p.add("Publish the metadata byte for byte. Never reformat it: a single space changes its hash. " + names(metadata))
	}
}

// counters settles every counter that was held back.
func (p *pool) counters() {
	for _, f := range with(p.cold, cardano.RoleCounter) {
		if !f.held {
			continue
		}
		p.add("Ask the chain for the last number of the pool's certificate, on a machine with a synced node:",
			assign("CERT", "the node.cert in use"),
			cmd("cardano-cli query kes-period-info --op-cert-file", value("CERT")))
		p.add("Set M to `qKesNodeStateOperationalCertificateNumber` of the answer:", assign("M", "the last number on the chain"))
		rightFor, wrong := "If the counter is right", "Else"
		for _, c := range p.in.Report.Counters {
			if c.File == f.Name && c.Max < math.MaxUint64 {
				rightFor = fmt.Sprintf("If M is from %d to %d, the counter is right", c.Min, c.Max)
				wrong = "If M is anything else"
			}
		}
		p.add(rightFor+". Give it its name back:", cmd("mv --", source(f), append(word{`"${RESTORED:?}"/`}, quoted(f.Name)...)))
		p.newCounter(wrong)
	}
}

func (p *pool) newCounter(otherwise string) {
	public := with(p.cold, cardano.RoleNodePublic)
	if len(public) == 0 {
		p.add(otherwise + ", do not use it. Make a new one from the cold verification key with `cardano-cli node new-counter`, value M + 1.")
		return
	}
	key := choose(&p.steps, public, "COLD_VKEY", "the pool's")
	p.add(otherwise+", do not use it. Make a new counter:",
		cmd("cardano-cli node new-counter --cold-verification-key-file", key).lit("--counter-value").arg(word{`"$((${M:?} + 1))"`}).
			lit("--operational-certificate-issue-counter-file").arg(in("RESTORED", "new.counter")))
}

// newKES makes new KES keys, if the cold key is here and not in a hardware wallet.
func (p *pool) newKES() {
	secret, counter := with(p.cold, cardano.RoleNodeSecret), with(p.cold, cardano.RoleCounter)
	if len(secret) != 1 || len(counter) == 0 {
		return
	}
	p.add("ONLY IF THE KES KEY HAS ENDED OR IS LOST. Set the KES period and the counter that you have settled on:",
		assign("KES_PERIOD", "present slot / 129600, rounded down"), assign("COUNTER", "full path"))
	p.add("Make a new KES key and its certificate. Take both to the block producer, the key first:",
		cmd("cardano-cli node key-gen-KES --verification-key-file", in("RESTORED", "new-kes.vkey")).
			lit("--signing-key-file").arg(in("RESTORED", "new-kes.skey")),
		cmd("cardano-cli node issue-op-cert --kes-verification-key-file", in("RESTORED", "new-kes.vkey")).
			lit("--cold-signing-key-file").arg(source(secret[0])).
			lit("--operational-certificate-issue-counter-file").arg(value("COUNTER")).
			lit("--kes-period").arg(value("KES_PERIOD")).lit("--out-file").arg(in("RESTORED", "new-node.cert")))
}
