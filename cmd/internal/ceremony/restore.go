package ceremony

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"coldvault/qr/camera"
	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
	"coldvault/vault/material"
	"coldvault/vault/material/cardano"
	"coldvault/vault/secret"
)

// RestoreRequest is what `restore` is asked for.
type RestoreRequest struct {
	From   []string // media, scans of pages, text; they may hold cards too
	Cards  []string
	Stdin  io.Reader
	Camera camera.Source // pages are read from it where there is no medium, then cards
	Role   string
	To     string
	Vault  string // id, where the media hold several
	Number int    // generation, 0 for the newest
	Ledger string // folder of the vault in whose ledger a drill is recorded, "" for none
	// ChainCounter answers for files that the network may have overtaken: a
	// number, "unknown", or FILE=number.
	ChainCounter []string
	Rules        Rules
	Host         Host
	Made         *RestoreOutputs // the folder and the runbook; nil: they are made now

	drill bool // it is one
}

// RestoreResult says what was restored.
type RestoreResult struct {
	Identity     *vault.Identity
	Generation   int
	Sealed       time.Time
	Files        []vault.Entry // under the names they were restored with; the data is gone
	Report       material.Report
	Accepted     []format.Accepted
	Facts        []format.Fact
	Held         []HeldBack
	To           string
	InMemory     bool     // To is on no disk
	Runbook      []string // files that say what to do now
	HostAccepted []airgap.Finding
	LeftOut      []vault.LeftOut // archives that are not there; the error says so too
	Folder       bool            // To is the vault's own folder, set up again; there are no files
}

// Restore rebuilds what a role needs and writes it into a new or empty folder.
func Restore(c Console, r RestoreRequest) (result *RestoreResult, err error) {
	role, err := findRole(r.Role)
	if err != nil {
		return nil, err
	}
	if r.Number < 0 {
		return nil, usage("generation %d does not exist", r.Number)
	}
	accepted, err := hostGate(c, r.Host)
	if err != nil {
		return nil, err
	}
	if r.Made == nil {
		o, stop := NewOutputs(c)
		defer stop()
		r.Made = o.Restore(r.Role, r.To)
	}
	if role.name == roleVault {
		return r.rebuild(c, role.compartments, accepted)
	}
	// The target before anything else: nothing is asked of the custodians that
	// could then not be written.
	target := r.Made.target
	if target == nil {
		return nil, withHint(r.Made.targetErr, "give a folder that does not exist yet, or an empty one, such as a mounted tmpfs")
	}
	defer target.Close()
	calledOff := c.OnInterrupt(func() {
		target.Close()
		if target.Published() {
			c.Warn("the restored files are in %s, each read back; only their runbook may be missing", r.To)
		}
	})
	defer func() { // what is restored is to be said of until the end of the report
		if result == nil {
			calledOff()
		}
	}()
	inMemory, err := warnOfDisk(c, r.To)
	if err != nil {
		return nil, err
	}
	opened, err := r.open(c, role.compartments)
	if err != nil {
		return nil, err
	}
	defer opened.close()
	if result, err = r.write(c, target, opened.generation, role, opened.bundles); err != nil {
		return nil, err
	}
	result.InMemory = inMemory
	result.HostAccepted = accepted
	if result.Runbook, err = result.writeRunbook(r.Made.runbook, role.name, r.Rules.Now); err != nil {
		c.Warn("the files are restored, and their runbook could not be written: %v", err)
	} else {
		c.OnInterrupt(func() {
			c.Warn("the restored files are in %s, each read back; what to do now is in %s", r.To, result.Runbook[0])
		})
		calledOff()
	}
	return result, leftOut(c, result.LeftOut)
}

// leftOut says which archives are missing beside the files that are there. Of pages and the
// vault's own folder all is restored that they can have.
func leftOut(c Console, archives []vault.LeftOut) error {
	damaged := false
	var names []string
	for _, a := range archives {
		if errors.Is(a.Err, vault.ErrNoArchive) {
			c.Warn("not restored: %s: %v; give a stick or a disk with --from, and --role archive", a.Name, a.Err)
			continue
		}
		c.Warn("not restored: %s: %v", a.Name, a.Err)
		names = append(names, a.Name)
		damaged = damaged || !a.NoRoom()
	}
	if len(names) == 0 {
		return nil
	}
	if !damaged {
		return withHint(fmt.Errorf("everything is restored but %s: there is no room", strings.Join(names, ", ")),
			"restore the archives with --role archive to a folder with room")
	}
	return withHint(fmt.Errorf("everything is restored but %s: %w", strings.Join(names, ", "), ErrDamage),
		"restore the archives with --role archive and all media of this generation with --from: what one has lost another may have")
}

// opened is a generation, a quorum of its cards, and the compartments that were asked for.
type opened struct {
	generation *vault.Copy
	shares     *vault.Shares
	bundles    []*vault.Bundle
	in         *Intake // the media that the generation is read from
	noCopy     bool    // it is read from no copy: a drill of it proves none
}

// close wipes the bundles and what was left of them.
func (o *opened) close() {
	for _, b := range o.bundles {
		b.Destroy()
	}
	o.in.Close()
	secret.Collect()
}

// open reads what was given, finds the generation, collects a quorum and opens the
// compartments. The caller closes what it returns.
func (r RestoreRequest) open(c Console, compartments []string) (*opened, error) {
	o, err := r.quorum(c, compartments, &stopwatch{})
	if err != nil {
		return nil, err
	}
	if o.bundles, err = openBundles(c, o.generation, o.shares, compartments); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// quorum is open up to the cards, with a watch on what the machine does.
func (r RestoreRequest) quorum(c Console, compartments []string, watch *stopwatch) (_ *opened, err error) {
	in, err := NewIntake()
	if err != nil {
		return nil, err
	}
	in.camera = r.Camera
	o := &opened{in: in}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	readInputs(c, in, r.Stdin, r.From, r.Cards)
	found, err := findSources(c, in)
	if err != nil {
		return nil, err
	}
	if r.drill {
		o.noCopy = found.leaveAside(c)
	}
	if o.generation, err = selectGeneration(c, found.all(), r.Vault, r.Number); err != nil {
		return nil, err
	}
	if err = sameVault(r.Ledger, o.generation.Identity.Vault.ID); err != nil {
		return nil, err
	}
	r.Host.warnClock(c, o.generation.Manifest.Created)
	watch.lap("media and cards")
	o.shares, err = collectShares(c, in, o.generation.Identity, compartments)
	watch.since = time.Now() // waiting for custodians is not the machine's time
	return o, err
}

// write judges what the role needs, decides under which names, and writes it.
func (r RestoreRequest) write(c Console, target *vault.Target, g *vault.Copy, role role, bundles []*vault.Bundle) (*RestoreResult, error) {
	entries, err := vault.Merge(bundles)
	if err != nil {
		return nil, err
	}
	if entries = role.pick(entries); len(entries) == 0 {
		return nil, fmt.Errorf("generation %d holds nothing for the role %s", g.Number, role.name)
	}
	entries, absent, err := withoutAbsent(entries)
	if err != nil {
		return nil, err
	}
	result := &RestoreResult{
		Identity: g.Identity, Generation: g.Number, To: r.To, Sealed: g.Manifest.Created,
		Report: r.Rules.judgeEntries(entries, role.name != roleAll),
	}
	if slices.ContainsFunc(entries, func(e vault.Entry) bool { return e.Network == cardano.Network && e.Role == cardano.RoleKESSecret }) {
		c.Warn("these keys forge blocks: whoever got them before must be off for good, or started with --start-as-non-producing-node; two that forge make a fork")
	}
	held, err := counters(c, result.Report, r.ChainCounter)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		for _, h := range held {
			if h.Name == e.Name {
				entries[i].Name = h.As
			}
		}
	}
	tell, done, total := throttled(c), int64(0), int64(0)
	for _, e := range entries {
		if e.Archive != nil {
			total += e.Size
		}
	}
	result.LeftOut, err = target.Write(entries, func(n int) {
		done += int64(n)
		tell("archives", done, total)
	})
	c.Progress("", 0, 0)
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return nil, withHint(err, "nothing was left in %s; make room or give another folder", r.To)
	case errors.Is(err, secret.ErrLimit):
		return nil, err // with the hint that belongs to it
	case err != nil && vault.IsOfTarget(err):
		return nil, withHint(err, "nothing was left in %s; give a folder on another disk, or in memory", r.To)
	case err != nil && !slices.ContainsFunc(entries, func(e vault.Entry) bool { return e.Archive == nil }): // archives alone
		return nil, withHint(errors.Join(err, ErrDamage), "nothing was left in %s; give all media of this generation with --from: what one has lost another may have", r.To)
	case err != nil:
		return nil, withHint(err, "nothing was left in %s; give another folder, and all media of this generation with --from", r.To)
	}
	result.LeftOut = append(absent, result.LeftOut...)
	entries = slices.DeleteFunc(entries, func(e vault.Entry) bool {
		return slices.ContainsFunc(result.LeftOut, func(l vault.LeftOut) bool { return l.Name == e.Name })
	})
	for i := range entries {
		entries[i].Data, entries[i].Archive = nil, nil
	}
	result.Files, result.Held = entries, held
	for _, b := range bundles[:1] { // the same in every compartment
		result.Accepted, result.Facts = b.Contents.Accepted, b.Contents.Facts
	}
	return result, nil
}

// withoutAbsent leaves out the archives that what is at hand need not have, where there are
// files besides: whoever has only pages must not lose the keys over them. What a medium has
// lost stays: it is damage.
func withoutAbsent(entries []vault.Entry) (kept []vault.Entry, absent []vault.LeftOut, err error) {
	for _, e := range entries {
		if e.Archive != nil && errors.Is(e.Archive.Err, vault.ErrNoArchive) {
			absent = append(absent, vault.LeftOut{Name: e.Name, Err: e.Archive.Err})
			continue
		}
		kept = append(kept, e)
	}
	if len(kept) == 0 {
		return nil, nil, withHint(fmt.Errorf("%s: %w", absent[0].Name, absent[0].Err), "archives are on sticks and disks only: give one with --from")
	}
	return kept, absent, nil
}

// tryAnother gives the error of a generation that cannot be read its hint.
func tryAnother(err error) error {
	var damaged *vault.DamagedGenerationError
	if errors.As(err, &damaged) && damaged.Older > 0 {
		return withHint(err, "try another copy; or restore the older one with --generation %d, if its age does no harm", damaged.Older)
	}
	return withHint(err, "try another copy: another stick, or the pages")
}

// readInputs reads everything that was given and says what could not be used.
func readInputs(c Console, in *Intake, stdin io.Reader, lists ...[]string) {
	var names []string
	for _, l := range lists {
		names = append(names, l...)
	}
	in.AddAll(names, stdin, func(i, page, pages int) {
		step := "reading " + names[i]
		if pages > 1 {
			step += fmt.Sprintf(", page %d of %d", page, pages)
		}
		c.Progress(step, i, len(names))
	})
	c.Progress("", 0, 0)
	for _, input := range in.Inputs {
		for _, n := range input.Notes {
			c.Warn("%s: %s", input.Name, n)
		}
	}
}

// sources are what a generation can be read from.
type sources struct {
	copies []*vault.Medium // media, and pages that were scanned
	// others are the vault's own folder, and pages as they were drawn: what comes back from
	// them shows of no copy that it can be restored.
	others []*vault.Medium
}

func (s *sources) all() []*vault.Medium { return slices.Concat(s.copies, s.others) }

// leaveAside keeps the copies alone, for a drill, and tells whether there are none. Keeps G25.
func (s *sources) leaveAside(c Console) (none bool) {
	if len(s.copies) == 0 {
		return true
	}
	for _, m := range s.others {
		c.Say("%s is left aside: the drill is to show that the copies restore", m.Source.Name())
	}
	s.others = nil
	return false
}

// findSources is what there is to restore from among the media and pages.
func findSources(c Console, in *Intake) (*sources, error) {
	if in.camera != nil && len(in.Media) == 0 {
		if err := in.watch(c, in.camera, in.whole); err != nil {
			return nil, err
		}
	}
	found := &sources{}
	for _, m := range in.Media {
		if m.OwnFolder() {
			found.others = append(found.others, m)
		} else {
			found.copies = append(found.copies, m)
		}
	}
	var incomplete []PageSet
	for _, p := range in.PageSets() {
		switch _, need := p.Scanned(); {
		case p.Err != nil:
			c.Warn("%s: %v", p.Title(), p.Err)
		case p.Need > 0:
			incomplete = append(incomplete, p)
			c.Warn("%s: %d of %d codes read, %d more needed; not read: %s", p.Title(), p.Have, p.Total, p.Need, strings.Join(p.Missing, "; "))
		default:
			c.Say("%s: whole (%d of %d codes read)", p.Title(), p.Have, p.Total)
			if need > 0 {
				found.others = append(found.others, p.Medium...)
			} else {
				found.copies = append(found.copies, p.Medium...)
			}
		}
	}
	if len(found.all()) > 0 {
		return found, nil
	}
	if len(incomplete) > 0 {
		return nil, withHint(&MorePagesError{Sets: incomplete}, "scan the pages that are named again and give all scans together; scans add up")
	}
	return nil, withHint(vault.ErrNoVault, "give a medium or the scans of bundle pages with --from; cards alone hold no files")
}

// selectGeneration finds what is to be restored among the media and pages.
func selectGeneration(c Console, found []*vault.Medium, id string, number int) (*vault.Copy, error) {
	copies, err := vault.GatherCopies(found, id)
	var several *vault.SeveralVaultsError
	if errors.As(err, &several) {
		return nil, withHint(err, "say which one with --vault-id; it is printed on the cards")
	}
	if err != nil {
		return nil, withHint(err, "try another copy: another stick, or the pages")
	}
	generation, err := copies.Select(number)
	for _, n := range copies.Notes {
		c.Warn("%s", n)
	}
	var forked *vault.ForkedGenerationError
	if errors.As(err, &forked) {
		return nil, withHint(err, "%s", forkHint(forked))
	}
	if err != nil {
		return nil, tryAnother(err)
	}
	c.Say("vault %s %q, generation %d of %s", generation.Identity.Vault.ID, generation.Identity.Vault.Label,
		generation.Number, generation.Manifest.Created.Format("2006-01-02 15:04 UTC"))
	c.Say("fingerprint: %s; compare it with a card", strings.Join(generation.Identity.Words(), " "))
	return generation, nil
}

// forkHint leaves the choice to the operator, who knows the dates.
func forkHint(e *vault.ForkedGenerationError) string {
	var ways []string
	for _, on := range e.On {
		ways = append(ways, "--from "+strings.Join(on, " --from "))
	}
	hint := "choose one by its date, and give only its media: " + strings.Join(ways, ", or ")
	if e.Other > 0 {
		hint += fmt.Sprintf("; there is one generation %d alone: --generation %d", e.Other, e.Other)
	}
	return hint
}

// MorePagesError says that page sets are not complete: exit code 4.
type MorePagesError struct{ Sets []PageSet }

func (e *MorePagesError) Error() string {
	var parts []string
	for _, s := range e.Sets {
		parts = append(parts, fmt.Sprintf("the %s lack codes: %d more needed", s.Title(), s.Need))
	}
	return strings.Join(parts, "; ")
}

// collectShares judges the cards, names the bad ones, and asks for more as long
// as a quorum is missing and somebody can answer.
func collectShares(c Console, in *Intake, id *vault.Identity, wanted []string) (*vault.Shares, error) {
	reported := 0
	for {
		shares := vault.JudgeShares(id, in.shares())
		for i := reported; i < len(shares.Judged); i++ {
			reportShare(c, shares.Judged[i], in.Shares[i].From)
		}
		reported = len(shares.Judged)
		err := shares.Enough(wanted)
		if err == nil {
			return shares, nil
		}
		if in.camera != nil {
			c.Say("camera: show the cards: %v", err)
			enough := func() bool { return vault.JudgeShares(id, in.shares()).Enough(wanted) == nil }
			if err := in.watch(c, in.camera, enough); err != nil {
				return nil, err
			}
			in.camera = nil
			continue
		}
		line, askErr := c.Card(err.Error() + ". Next card: scan a code, or type its digits or words")
		if errors.Is(askErr, ErrNobody) {
			return nil, withHint(err, "add the missing cards with --card FILE (image, PDF or text); any %s will do", quorumHint(err))
		}
		if askErr != nil {
			return nil, askErr
		}
		if err := in.AddTyped(c, line.Bytes()); err != nil {
			c.Warn("%v", err)
		}
		line.Destroy()
		secret.Collect()
	}
}

func quorumHint(err error) string {
	var q *vault.QuorumError
	if !errors.As(err, &q) {
		return "cards of this vault"
	}
	var parts []string
	for _, n := range q.Needs {
		parts = append(parts, fmt.Sprintf("%d for %s", n.Need, n.Compartment))
	}
	return strings.Join(parts, " and ")
}

func reportShare(c Console, j shard.Judgement, from string) {
	switch j.Verdict {
	case shard.Accepted:
		c.Say("%s: %s", from, j.Reason)
	case shard.Duplicate:
		c.Say("%s: %s", from, j.Reason)
	default:
		c.Warn("%s: refused: %s", from, j.Reason)
	}
}

func openBundles(c Console, g *vault.Copy, shares *vault.Shares, wanted []string) ([]*vault.Bundle, error) {
	var bundles []*vault.Bundle
	for _, name := range wanted {
		b, notes, err := g.Open(name, shares)
		for _, n := range notes {
			c.Warn("%s", n)
		}
		if errors.Is(err, secret.ErrLimit) {
			return bundles, withHint(err, "allow more locked memory with `ulimit -l unlimited`, or run as root")
		}
		if err != nil {
			return bundles, tryAnother(err)
		}
		bundles = append(bundles, b)
		c.Say("compartment %s opened: %s, each with the digest it was sealed with", name, ledger.Count(len(b.Data), "file"))
		if err := compareIDs(b); err != nil {
			return bundles, errors.Join(err, ErrDamage)
		}
		if n := len(b.Contents.IDs); n > 0 {
			c.Say("compartment %s: %s derived again as at sealing", name, ledger.Count(n, "id"))
		}
	}
	return bundles, nil
}
