package filecoin

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"coldvault/vault/material"
)

// checkBackups says of every metadata backup whether it is whole and how far it goes.
func (s *set) checkBackups() {
	var miners []string
	for _, o := range s.objects {
		if o.backup == nil {
			continue
		}
		if o.defect != nil {
			s.Add(material.Fail, CheckBackup, fmt.Sprintf("%q cannot be restored: %v", o.name, o.defect), "", o)
			continue
		}
		b := o.backup
		s.Add(material.Pass, CheckBackup, fmt.Sprintf("%q is whole", o.name), "SHA-256 "+hex.EncodeToString(b.digest[:])+", "+b.summary(), o)
		if !b.hasMiner {
			continue // a daemon's, which has no sectors
		}
		s.name("miner", b.miner.String())
		if !slices.Contains(miners, b.miner.String()) {
			miners = append(miners, b.miner.String())
		}
		s.checkNextID(o)
		s.checkNewest(o)
		s.Counters = append(s.Counters, material.Counter{
			File: o.name, What: "highest number of a sector of this miner", Min: 0, Max: b.newest,
			Advice: "look for a newer backup: restoring this one loses every sector above its newest one, and gives their numbers out again",
		})
	}
	if len(miners) > 1 {
		s.Add(material.Warn, CheckMiner, "these metadata backups are of several miners: keep them in vaults of their own",
			strings.Join(miners, ", "), s.with(RoleMetadata)...)
	}
}

// checkNextID: a restored miner gives out the number after the last one again if the
// counter is behind its sectors.
func (s *set) checkNextID(o *object) {
	b := o.backup
	switch {
	case !b.hasNext && b.sectors > 0:
		s.Add(material.Fail, CheckNextID, fmt.Sprintf("%q has sectors and no counter of their numbers", o.name), b.summary(), o)
	case b.hasNext:
		s.Compare(b.sectors == 0 || b.nextID >= b.newest, CheckNextID,
			fmt.Sprintf("the counter of sector numbers in %q is not behind its sectors", o.name),
			fmt.Sprintf("the counter in %q is behind its sectors: a miner restored from it would use numbers twice", o.name),
			fmt.Sprintf("last number given out %d, newest sector %d", b.nextID, b.newest), o)
	}
}

// checkNewest compares a backup with the sectors of the same miner in the set. A
// sector that is newer than the backup is lost when it is restored.
func (s *set) checkNewest(o *object) {
	b := o.backup
	evidence := fmt.Sprintf("newest sector %d, latest made at %s", b.newest, day(b.made))
	if t := b.headTime(); !t.IsZero() {
		evidence += ", log begun at " + day(t)
	}
	var newer, known []*object
	for _, d := range s.with(RoleSector) {
		if id := (address{protocolID, varint(d.sector.miner)}); id != b.miner {
			continue
		}
		if known = append(known, d); d.sector.number > b.newest || b.sectors == 0 {
			newer = append(newer, d)
		}
	}
	later := s.laterBackup(o)
	switch {
	case len(newer) > 0:
		s.Add(material.Fail, CheckNewest, fmt.Sprintf("%q is older than %d of the sectors here: restoring it loses them", o.name, len(newer)),
			evidence, append([]*object{o}, newer...)...)
	case later != nil:
		s.Add(material.Warn, CheckNewest, fmt.Sprintf("%q knows sectors that %q does not: restore the former", later.name, o.name),
			evidence, o, later)
	case b.opaque > 0:
		s.Add(material.Unknown, CheckNewest, fmt.Sprintf("%d sector records of %q are in a layout not known here", b.opaque, o.name), evidence, o)
	case len(known) > 0:
		s.Add(material.Pass, CheckNewest, fmt.Sprintf("%q knows every sector here", o.name), evidence, append([]*object{o}, known...)...)
	default:
		s.Add(material.Unknown, CheckNewest,
			fmt.Sprintf("%q loses every sector made after its newest one: compare with \"lotus-miner sectors list\"", o.name), evidence, o)
	}
}

// laterBackup finds a backup of the same miner that goes further.
func (s *set) laterBackup(o *object) *object {
	for _, c := range s.with(RoleMetadata) {
		if c.backup != nil && c.backup.miner == o.backup.miner &&
			(c.backup.newest > o.backup.newest || c.backup.nextID > o.backup.nextID || c.backup.made.After(o.backup.made)) {
			return c
		}
	}
	return nil
}

// checkStorage compares the paths of storage.json with the sectorstore.json files.
func (s *set) checkStorage() {
	stores := s.with(RoleStore)
	for _, o := range s.with(RoleStorage) {
		paths := len(o.storage.StoragePaths)
		evidence := fmt.Sprintf("%d paths, %d sectorstore.json", paths, len(stores))
		if len(stores) < paths {
			s.Add(material.Warn, CheckStorage, fmt.Sprintf("%q has paths whose sectorstore.json is not here", o.name), evidence, append(stores, o)...)
			continue
		}
		s.Add(material.Pass, CheckStorage, fmt.Sprintf("there is a sectorstore.json for every path in %q", o.name), evidence, append(stores, o)...)
	}
	for i, o := range stores {
		for _, c := range stores[:i] {
			if c.store.ID == o.store.ID {
				s.Add(material.Fail, CheckStoreID, "two folders of sectors have the same ID: Lotus would take them for one", o.store.ID, c, o)
			}
		}
	}
}

// checkMandatory names what a miner cannot be restored without. The metadata holds
// neither keys nor settings; without the settings Lotus starts with defaults and an empty
// storage, and says nothing.
func (s *set) checkMandatory() {
	isMiner := len(s.with(RoleStorage))+len(s.with(RoleStore)) > 0
	hasMetadata := false
	for _, o := range s.with(RoleMetadata) {
		hasMetadata = hasMetadata || o.backup != nil && o.backup.hasMiner
	}
	if !isMiner && !hasMetadata {
		return
	}
	var missing []string
	need := func(ok bool, what string) {
		if !ok {
			missing = append(missing, what)
		}
	}
	need(hasMetadata, "the backup of the miner's metadata")
	need(len(s.with(RoleConfig)) > 0, "config.toml")
	need(len(s.with(RoleStorage)) > 0, "storage.json")
	need(len(s.with(RoleStore)) > 0, "the sectorstore.json of every path")
	need(len(s.with(RolePeer)) > 1, "the libp2p-host of both keystores, the daemon's and the miner's")
	need(len(s.with(RoleJWT)) > 1, "the auth-jwt-private of both keystores")
	need(len(s.with(RoleWallet))+len(s.with(RoleExport)) > 0, "the wallets of owner, worker and control")
	if len(missing) == 0 {
		s.Add(material.Pass, CheckMandatory, "every kind of file that a miner needs is here", "")
		return
	}
	s.Add(material.Warn, CheckMandatory, "a miner cannot be restored from these files: missing is "+strings.Join(missing, "; "), "")
}
