// Package runbook writes what an operator does with restored files, in the order in
// which it must be done: what to stop and prove dead, which file goes where, the
// commands, what must never run twice, what to compare at the end, and until when.
//
// It is read in a crisis. Sentences are short and commands are complete; what only the
// operator knows is a shell variable that a command refuses to run without. A runbook
// has steps only for the networks whose files were restored.
//
// Markdown and Text say the same: both are written from one document. The package holds
// no keys and sees none. Names, labels and facts may come from anywhere: they are shown
// as a shell reads them or stripped of what a terminal would obey, and nothing in them
// becomes markup or a command.
package runbook

import (
	"time"

	"coldvault/vault/format"
	"coldvault/vault/material"
)

// Input is what a runbook is written from.
type Input struct {
	Role       string // all, cold, hot, standby, …
	Vault      string // the vault's id
	Label      string
	Generation int
	Sealed     time.Time
	Restored   time.Time // now: what deadlines are counted from
	To         string    // the folder that was restored to
	Files      []File
	Report     material.Report // of the restored files, under the names they were sealed with
	Facts      []format.Fact
	Accepted   []format.Accepted
	LeftOut    []string // archives that were not restored
	Host       []string // the findings about the machine that whoever restored accepted
	Held       []Held
}

// File is one restored file.
type File struct {
	Name    string // as it was sealed
	As      string // as it was restored, if the name is another one
	Network string
	Role    string
	Mode    string // four octal digits, as it was sealed
}

// Held is a file that was restored under a name that no tool picks up, because the
// network may have gone on since it was sealed.
type Held struct{ Name, As, Why string }

// Markdown is the runbook for a screen or a printer.
func Markdown(in Input) []byte { return markdown(write(in)) }

// Text is the runbook for any terminal: no line is wider than 78 columns.
func Text(in Input) []byte { return text(write(in)) }

// The role of a standby block producer. Others need no name here: what a machine is to
// do follows from the files it was given.
const roleStandby = "standby"

// book is a runbook being written.
type book struct {
	in    Input
	files []*file
	doc   document
}

// file is a File with what is known about it.
type file struct {
	File
	as   string // the name to show, as a shell reads it
	item material.Item
	held bool
	to   place
}

// place is where a file goes.
type place struct{ where, owner, mode string }

// plan is what one network has to say.
type plan struct {
	title     string
	never     []string
	deadlines []string
	steps     []block
	compare   []string
}

// planner says what is to be done with a network's files, and sets their places.
type planner struct {
	claims func(*file) bool
	plan   func(*book, []*file) plan
}

func planners() []planner {
	return []planner{
		{isCardano, planCardano},
		{isCanton, planCanton},
		{isAleph, planAleph},
		{isFilecoin, planFilecoin},
		{isDatabase, planDatabases},
		{func(*file) bool { return true }, planGeneric},
	}
}

func write(in Input) document {
	b := &book{in: in}
	b.takeFiles()
	plans := b.plans()
	b.writeHead()
	b.writeNever(plans)
	b.writeDeadlines(plans)
	b.writeQuestions()
	b.writeFiles()
	b.writeSteps(plans)
	b.writeCompare(plans)
	b.writeRecord()
	b.writeChecks()
	return b.doc
}

func (b *book) takeFiles() {
	items := map[string]material.Item{}
	for _, item := range b.in.Report.Items {
		items[item.Name] = item
	}
	held := map[string]bool{}
	for _, h := range b.in.Held {
		held[h.Name] = true
	}
	for _, f := range b.in.Files {
		if f.As == "" {
			f.As = f.Name
		}
		f.Mode = prose(f.Mode)
		b.files = append(b.files, &file{File: f, as: Quote(f.As), item: items[f.Name], held: held[f.Name] || f.As != f.Name})
	}
}

// plans asks each network for its part. A file is the first network's that claims it.
func (b *book) plans() []plan {
	var plans []plan
	taken := map[*file]bool{}
	for _, p := range planners() {
		var own []*file
		for _, f := range b.files {
			if !taken[f] && p.claims(f) {
				taken[f] = true
				own = append(own, f)
			}
		}
		if len(own) > 0 {
			plans = append(plans, p.plan(b, own))
		}
	}
	return plans
}

// with gives the files that have one of the roles.
func with(files []*file, roles ...string) []*file {
	var out []*file
	for _, f := range files {
		for _, role := range roles {
			if f.Role == role {
				out = append(out, f)
			}
		}
	}
	return out
}

// verdicts gives those of a check.
func (b *book) verdicts(check string) []material.Verdict {
	var out []material.Verdict
	for _, v := range b.in.Report.Verdicts {
		if v.ID == check {
			out = append(out, v)
		}
	}
	return out
}

// fact is the value of the fact of that name, as a shell reads it.
func (b *book) fact(name string) (word, bool) {
	for _, f := range b.in.Facts {
		if sameFact(f.Name, name) && f.Value != "" {
			return quoted(f.Value), true
		}
	}
	return nil, false
}
