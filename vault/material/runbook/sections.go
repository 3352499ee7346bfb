package runbook

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldvault/vault/material"
	"coldvault/vault/material/canton"
)

// minute is how times are shown.
const minute = "2006-01-02 15:04 UTC"

func when(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format(minute)
}

// daysTo tells how far away a time is.
func daysTo(t, now time.Time) string {
	if t.IsZero() || now.IsZero() {
		return ""
	}
	switch days := int(t.Sub(now).Hours() / 24); {
	case t.Before(now):
		return fmt.Sprintf(" (%d days ago)", -days)
	default:
		return fmt.Sprintf(" (in %d days)", days)
	}
}

func (b *book) writeHead() {
	in := b.in
	b.doc.heading(1, "Restore runbook")
	rows := [][]string{
		{"vault", fmt.Sprintf("`%s`, %s", Quote(in.Vault), prose(in.Label))},
		{"generation", strconv.Itoa(in.Generation)},
		{"sealed", when(in.Sealed) + daysTo(in.Sealed, in.Restored)},
		{"restored", when(in.Restored)},
		{"role", "`" + Quote(in.Role) + "`"},
		{"folder", "`" + Quote(in.To) + "`"},
		{"files", strconv.Itoa(len(in.Files))},
	}
	if len(in.Host) > 0 {
		rows = append(rows, []string{"on a machine", "with " + code(strings.Join(in.Host, ", ")) + ", which was accepted"})
	}
	b.doc.table([]string{"this restore", "value"}, rows)
	b.doc.para("Work from top to bottom. Tick every step. Do not skip a proof. Commands are for bash.")
	if failed := b.count(material.Fail); failed > 0 {
		b.doc.para(fmt.Sprintf("STOP: %d checks failed in this restore. Read the last section before you go on.", failed))
	}
}

func (b *book) count(status material.Status) int {
	n := 0
	for _, v := range b.in.Report.Verdicts {
		if v.Status == status {
			n++
		}
	}
	return n
}

func (b *book) writeNever(plans []plan) {
	b.doc.heading(2, "Never")
	for _, p := range plans {
		for _, n := range p.never {
			b.doc.bullet(p.title + ": " + n)
		}
	}
	b.doc.bullet("Never delete a medium or an old file before the comparison at the end is done.")
}

func (b *book) writeDeadlines(plans []plan) {
	first := true
	for _, p := range plans {
		for _, d := range p.deadlines {
			if first {
				b.doc.heading(2, "Deadlines")
				first = false
			}
			b.doc.bullet(p.title + ": " + d)
		}
	}
}

// writeQuestions lists what must be asked or known before the first step.
func (b *book) writeQuestions() {
	missing := b.missingFacts()
	if len(b.in.Held)+len(b.in.LeftOut)+len(missing) == 0 {
		return
	}
	b.doc.heading(2, "Find out first")
	for _, name := range b.in.LeftOut {
		b.doc.bullet(fmt.Sprintf("Not restored: the archive `%s`. Restore it with --role archive, from another medium or to a folder with more room.", Quote(name)))
	}
	for _, h := range b.in.Held {
		b.doc.bullet(fmt.Sprintf("Held back: `%s` is restored as `%s`. Do not rename it before you have the answer. Why: %s.",
			Quote(h.Name), Quote(h.As), strings.TrimRight(prose(h.Why), ".")))
	}
	for _, q := range missing {
		b.doc.bullet(fmt.Sprintf("Missing fact: `%s`. It was not recorded at sealing. You need %s.", q.Name, q.Text))
	}
}

// missingFacts are those that a restore of these files needs and that nobody recorded.
func (b *book) missingFacts() []canton.Question {
	var items []material.Item
	for _, f := range b.files {
		item := material.Item{Network: f.Network, Role: f.Role}
		if isSpliceDump(f) {
			// A dump is restored into the database of its name and migration: it asks
			// what a participant's identities ask, but for the party hint.
			item = material.Item{Network: canton.Network, Role: canton.RoleSVIdentities}
		}
		items = append(items, item)
	}
	var missing []canton.Question
	for _, q := range (canton.Profile{}).Questions(items) {
		if _, ok := b.fact(q.Name); !ok {
			missing = append(missing, q)
		}
	}
	return missing
}

// sameFact ignores how an operator joins words.
func sameFact(a, b string) bool {
	join := strings.NewReplacer(" ", "-", "_", "-")
	return strings.EqualFold(join.Replace(a), join.Replace(b))
}

func (b *book) writeFiles() {
	b.doc.heading(2, "Files")
	var rows [][]string
	for i, f := range b.files {
		note := prose(f.item.Note)
		if f.held {
			note = strings.TrimSuffix("held back: ask the network first; "+note, "; ")
		}
		rows = append(rows, []string{
			strconv.Itoa(i + 1), "`" + f.as + "`", prose(f.Network + " " + f.Role), f.to.where, f.to.owner, f.to.mode,
			code(f.item.ID), note,
		})
	}
	b.doc.table([]string{"no", "file", "is", "goes to", "owner", "mode", "id", "note"}, rows)
}

// code shows a value as code.
func code(s string) string {
	if s = prose(s); s == "" {
		return ""
	}
	return "`" + s + "`"
}

func (b *book) writeSteps(plans []plan) {
	b.doc.heading(2, "Set up the shell")
	b.doc.add(step("Open bash in the folder of the restored files. Set where they are. Every new shell needs this again:",
		b.restored()))
	for _, p := range plans {
		b.doc.heading(2, p.title+", step by step")
		for _, s := range p.steps {
			b.doc.add(s)
		}
	}
}

func (b *book) restored() command {
	if !path.IsAbs(b.in.To) {
		return cmd("RESTORED=$PWD")
	}
	return command{append(word{"RESTORED="}, quoted(b.in.To)...)}
}

func (b *book) writeCompare(plans []plan) {
	b.doc.heading(2, "Compare at the end")
	for _, p := range plans {
		for _, c := range p.compare {
			b.doc.bullet(p.title + ": " + c)
		}
	}
	known := b.in.Report.Identities
	if len(known) == 0 {
		known = b.in.Report.IDs
	}
	var rest []material.ID
	for _, id := range b.in.Report.IDs {
		if !slices.Contains(known, id) {
			rest = append(rest, id)
		}
	}
	if len(known) == 0 {
		b.doc.para("No id can be derived from these files. Compare their SHA-256 with your own record.")
		return
	}
	b.doc.para("These ids were derived from the restored files. The running node must show the same ones, character by character.")
	b.writeIDs(known)
	if len(rest) > 0 {
		b.doc.heading(3, "Further ids")
		b.writeIDs(rest)
	}
}

func (b *book) writeIDs(ids []material.ID) {
	var rows [][]string
	for _, id := range ids {
		rows = append(rows, []string{"[ ]", prose(id.Network + " " + id.Name), code(id.Value)})
	}
	b.doc.table([]string{"same", "id", "value"}, rows)
}

// writeRecord repeats what was written down when the files were sealed.
func (b *book) writeRecord() {
	if len(b.in.Facts)+len(b.in.Accepted) == 0 {
		return
	}
	b.doc.heading(2, "Recorded at sealing")
	var rows [][]string
	for _, f := range b.in.Facts {
		rows = append(rows, []string{prose(f.Name), code(f.Value)})
	}
	if len(rows) > 0 {
		b.doc.table([]string{"fact", "value"}, rows)
	}
	for _, a := range b.in.Accepted {
		b.doc.bullet(fmt.Sprintf("Sealed although check %s failed, because: %s", code(a.Check), prose(a.Because)))
	}
}

// writeChecks lists what did not pass, the gravest first.
func (b *book) writeChecks() {
	first := true
	for _, status := range []material.Status{material.Fail, material.Warn, material.Unknown} {
		for _, v := range b.in.Report.Verdicts {
			if v.Status != status {
				continue
			}
			if first {
				b.doc.heading(2, "Checks that did not pass")
				first = false
			}
			line := fmt.Sprintf("%s %s: %s", v.Status, code(v.ID), prose(v.Text))
			if v.Evidence != "" {
				line += " (" + prose(v.Evidence) + ")"
			}
			b.doc.bullet(line)
		}
	}
}

// deadlinesOf shows the verdicts of a check, with the days that are left to each time.
func (b *book) deadlinesOf(check string) []string {
	stamp := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	var out []string
	for _, v := range b.verdicts(check) {
		line := v.Text
		if !stamp.MatchString(line) && v.Evidence != "" {
			line += ": " + v.Evidence
		}
		line = stamp.ReplaceAllStringFunc(prose(line), func(s string) string {
			t, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return s
			}
			return t.Format(minute) + daysTo(t, b.in.Restored)
		})
		if v.Status != material.Pass {
			line = string(v.Status) + ": " + line
		}
		out = append(out, line)
	}
	return out
}
