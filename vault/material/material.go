// Package material says what a file is for its network, in which compartment it
// belongs, and whether the files of a set belong together.
//
// A Profile holds the rules of one network; Inspect asks all of them and gives
// every file exactly one Item. Profiles are pure functions over bytes: they open
// no file, print nothing, keep nothing, and start no goroutine, so that Inspect
// can run inside runtime/secret. What they return is public: roles, derived ids
// and sentences, never a secret or a part of one.
//
// A verdict of PASS means that something was computed and agreed. Whatever could
// not be computed is UNKNOWN, and never counted as PASS.
package material

import (
	"cmp"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// File is one file as the operator gave it. Profiles read it and never change it.
type File struct {
	Name     string      // slash-separated, as it is sealed
	Data     []byte      // the whole content in the caller's guarded memory; nil if Large is set
	Large    io.ReaderAt // the content of a file too large for Data
	Size     int64
	Mode     fs.FileMode // zero if the medium has no modes
	Modified time.Time
}

// Compartments is a set of compartments.
type Compartments uint8

// The compartments of a vault.
const (
	Cold Compartments = 1 << iota // owner keys and identities
	Hot                           // what a running node or its standby needs
)

// Has says whether every compartment of other is in c.
func (c Compartments) Has(other Compartments) bool { return c&other == other }

// String is "cold", "hot" or "cold+hot".
func (c Compartments) String() string {
	var names []string
	if c.Has(Cold) {
		names = append(names, "cold")
	}
	if c.Has(Hot) {
		names = append(names, "hot")
	}
	return strings.Join(names, "+")
}

// Item is what a file is.
type Item struct {
	Name    string // the file's
	Network string // the profile's name
	Role    string // what it is for its network; unique within the network's rules, not within a set
	In      Compartments
	Secret  bool   // holds a private key or what is as good as one
	ID      string // derived and public, to show and to compare: a pool id, an address, a fingerprint
	Note    string // what an operator should know about this file, if anything
}

// The network and the role of a file that no profile knows.
const (
	Generic     = "generic"
	GenericRole = "file"
)

// Status is the outcome of a check.
type Status string

// What a check can say.
const (
	Pass    Status = "PASS"    // computed, and it agrees
	Fail    Status = "FAIL"    // computed, and it contradicts
	Warn    Status = "WARN"    // possible, but seldom what is wanted
	Unknown Status = "UNKNOWN" // cannot be proven from these files
)

// Verdict is the outcome of one check.
type Verdict struct {
	Status   Status
	ID       string   // of the check, as in CARDANO-OPCERT-SIGNATURE
	Text     string   // one sentence in the operator's words
	Files    []string // the files it is about
	Evidence string   // the public values that were compared
}

// ID is a value derived from the material that names it on its network. The same
// material gives the same IDs at sealing and after a restore.
type ID struct{ Network, Name, Value string }

// Findings are what a profile says about its files.
type Findings struct {
	Verdicts []Verdict
	IDs      []ID
	// Identities are those of the IDs by which the operator is known, such as a pool
	// id. None means that all of them are.
	Identities []ID
	Counters   []Counter
	Deadlines  []Deadline
}

// Deadline is a date that the material runs out at.
type Deadline struct {
	What string
	Role string
	When time.Time
}

// Counter is a file that was right when it was sealed and may be overtaken by now:
// only the network knows the number it has reached. The file is still right if that
// is from Min to Max.
type Counter struct {
	File     string
	What     string // the number to ask the network for
	Min, Max uint64
	Advice   string // what to do if the file is not right any more
	// Usable means that the file is good for what it is, and only of no use if the
	// network's number does not fit: it is said, and the file keeps its name.
	Usable bool
}

// Certainty says on what grounds a profile claims a file.
type Certainty int

// Grounds, weakest first.
const (
	NotMine   Certainty = iota
	ByName              // nothing but its name speaks for it
	ByContent           // its content is of the network's own format
)

// Profile holds the rules of one network.
type Profile interface {
	// Name is the network's, as in Item.Network.
	Name() string
	// Recognise says what one file is. The Item's Name and Network need not be set.
	Recognise(File) (Item, Certainty)
	// Judge checks the files this profile was given as a set. items[i] is what
	// Recognise said about files[i].
	Judge(files []File, items []Item) Findings
}

// Report is what Inspect found. Items are in the order of the files.
type Report struct {
	Items    []Item
	Verdicts []Verdict
	IDs      []ID // sorted, without duplicates
	// Identities are the IDs to compare after a restore; sorted like IDs.
	Identities []ID
	Counters   []Counter
	Deadlines  []Deadline
}

// Worst is the gravest status of the report: FAIL, WARN, UNKNOWN, PASS.
func (r Report) Worst() Status {
	for _, s := range []Status{Fail, Warn, Unknown} {
		if slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Status == s }) {
			return s
		}
	}
	return Pass
}

// Inspect gives every file to the profile that is surest of it, the first of equals,
// and lets each profile judge its files. A file no profile knows is Generic, in cold.
func Inspect(files []File, profiles ...Profile) Report {
	items := make([]Item, len(files))
	owner := make([]int, len(files)) // index into profiles, -1 for none
	for i, f := range files {
		items[i], owner[i] = recognise(f, profiles)
	}
	report := Report{Items: items}
	for p, profile := range profiles {
		var own []File
		var ownItems []Item
		for i, f := range files {
			if owner[i] == p {
				own, ownItems = append(own, f), append(ownItems, items[i])
			}
		}
		if len(own) > 0 {
			found := profile.Judge(own, ownItems)
			report.Verdicts = append(report.Verdicts, found.Verdicts...)
			report.Counters = append(report.Counters, found.Counters...)
			report.Deadlines = append(report.Deadlines, found.Deadlines...)
			report.IDs = append(report.IDs, found.IDs...)
			if len(found.Identities) == 0 {
				found.Identities = found.IDs
			}
			report.Identities = append(report.Identities, found.Identities...)
		}
	}
	for i, f := range files {
		if owner[i] < 0 {
			report.Verdicts = append(report.Verdicts, judgeGeneric(f)...)
		}
	}
	report.IDs, report.Identities = sortIDs(report.IDs), sortIDs(report.Identities)
	return report
}

func sortIDs(ids []ID) []ID {
	slices.SortFunc(ids, func(a, b ID) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return slices.Compact(ids)
}

func recognise(f File, profiles []Profile) (Item, int) {
	best, surest, owner := Item{Role: GenericRole, In: Cold}, NotMine, -1
	for i, p := range profiles {
		if item, sure := p.Recognise(f); sure > surest {
			best, surest, owner = item, sure, i
		}
	}
	best.Name, best.Network = f.Name, Generic
	if owner >= 0 {
		best.Network = profiles[owner].Name()
	}
	return best, owner
}
