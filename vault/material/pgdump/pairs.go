package pgdump

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"time"

	"coldvault/vault/material"
)

// partner finds the participant's dump that belongs to a dump of the apps: the only
// one; else the only one in the same dump or folder, or of the participant the apps name;
// else the one that was begun nearest in time.
func partner(apps part, participants []part) (part, bool) {
	for _, belongs := range []func(part) bool{
		func(p part) bool { return p.dump == apps.dump },
		func(p part) bool { return slices.Contains(apps.db.participantID, p.db.participant()) },
		func(p part) bool { return path.Dir(p.name) == path.Dir(apps.name) },
	} {
		if some := slices.DeleteFunc(slices.Clone(participants), func(p part) bool { return !belongs(p) }); len(some) > 0 {
			participants = some
		}
	}
	if len(participants) == 1 {
		return participants[0], true
	}
	begun := apps.starts(apps.db)
	distance := func(p part) time.Duration { return p.starts(p.db).at.Sub(begun.at).Abs() }
	for _, p := range append([]part{apps}, participants...) {
		if s := p.starts(p.db); !s.known() || s.error != 0 {
			return part{}, false
		}
	}
	slices.SortFunc(participants, func(a, b part) int { return int(distance(a).Seconds() - distance(b).Seconds()) })
	return participants[0], distance(participants[0]) != distance(participants[1])
}

func (d *database) participant() string {
	if d.nodeID != "" {
		return d.nodeID
	}
	return d.ledgerID
}

// sameMigration compares the apps' migration with the number in the name of the
// participant's database, participant-4.
func (s *set) sameMigration(apps, participant part) bool {
	number, ok := namedMigration(participant)
	if !ok || !apps.db.hasOffset {
		return true
	}
	if number == apps.db.migration {
		return true
	}
	s.Add(material.Fail, CheckSpliceMigration, fmt.Sprintf("%s and %s are of two migrations", apps, participant),
		fmt.Sprintf("migrations %d and %d", apps.db.migration, number), apps, participant)
	return false
}

func namedMigration(p part) (int64, bool) {
	form := regexp.MustCompile(`^participant[-_](\d{1,9})(?:$|[-_.]\D|[-_.]\d{4}-\d\d-\d\dT)`)
	for _, name := range []string{p.db.name, path.Base(p.name)} {
		if m := form.FindStringSubmatch(name); m != nil {
			n, err := strconv.ParseInt(m[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// alephRule: a file that is in the files alone is harmless, one that is in the
// database alone is lost.
func alephRule() rule {
	return rule{
		id: CheckAlephOrder, schedule: CheckAlephSchedule,
		pass:   "the database in %s is not newer than the files in %s",
		fail:   "the database in %s is newer than the files in %s: it refers to files that are not there",
		unsure: "whether the database in %s is newer than the files in %s cannot be said",
		wrong:  "the database in %s was not dumped before the files in %s were taken: this pair fits, the next one may not",
	}
}

// checkAleph compares an aleph.im database with the volumes of files.
func (s *set) checkAleph() {
	databases, volumes := s.parts(RoleAleph), s.parts(RoleAlephFiles)
	if len(databases) == 0 {
		return
	}
	missing := ""
	for _, volume := range []string{"pyaleph-ipfs", "pyaleph-local-storage"} {
		if !slices.ContainsFunc(volumes, func(p part) bool { return regexp.MustCompile(`(?i)` + volume).MatchString(path.Base(p.name)) }) {
			missing += " " + volume
		}
	}
	if missing != "" {
		s.Add(material.Warn, CheckAlephFiles, "files that the database refers to are not here: missing is the volume"+missing, "", append(databases, volumes...)...)
	} else {
		s.Add(material.Pass, CheckAlephFiles, "both volumes of files are beside the database", "", append(databases, volumes...)...)
	}
	for _, d := range databases {
		for _, v := range volumes {
			s.judge(alephRule(), d, v, byRows(d, v))
		}
	}
}

// byRows: a file as new as the newest row shows that the files were taken after it. The
// reverse shows nothing, since not every row comes with a file.
func byRows(database, volume part) []opinion {
	row := stamp{at: database.db.newest}
	if !row.known() || !volume.newest.known() || volume.newest.compare(row) < 0 {
		return nil
	}
	return []opinion{{1, material.Pass, fmt.Sprintf("the newest row is of %s, the newest file of %s", row, volume.newest)}}
}
