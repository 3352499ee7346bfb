package ceremony

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/ledger"
	"coldvault/vault/material"
	"coldvault/vault/secret"
)

// DrillRequest is what `drill` is asked for.
type DrillRequest struct {
	Opening
	Role   string
	Ledger string // folder of the vault in whose ledger it is recorded, "" for none
	Rules  Rules
}

// Step is a part of a restore and how long it took.
type Step struct {
	Name string
	Took time.Duration
}

// DrillResult is what a drill has shown.
type DrillResult struct {
	Identity   *vault.Identity
	Generation int
	Sealed     time.Time
	Role       string
	Files      int
	Archives   int
	Bytes      int64           // of files and archives
	LeftOut    []vault.LeftOut // archives that pages and the vault's own folder do not hold
	Failed     []vault.LeftOut // archives that did not come back, which is an error too
	NoCopy     bool            // read from the vault's own folder, or from pages as they were drawn
	Report     material.Report
	Steps      []Step
	RTO        time.Duration // from the first medium to the last check, without waiting for people
	RPO        time.Duration // age of the generation: what was done since is not in it

	HostAccepted []airgap.Finding
}

// Unproven says why the drill does not count as one; nothing where it does. Keeps G25.
func (d *DrillResult) Unproven() (why []string) {
	if d.NoCopy {
		why = append(why, "it was read from the vault's own folder, or from pages as they were drawn, which says nothing of the copies: give a medium or scans of what was printed with --from")
	}
	for _, l := range d.LeftOut {
		why = append(why, fmt.Sprintf("the archive %s was not there: give a medium that holds it with --from", l.Name))
	}
	for _, f := range d.Failed {
		why = append(why, fmt.Sprintf("the archive %s did not come back: give another medium with --from", f.Name))
	}
	return why
}

// stopwatch measures steps one after the other.
type stopwatch struct {
	steps []Step
	since time.Time
}

func (s *stopwatch) lap(name string) {
	now := time.Now()
	s.steps = append(s.steps, Step{name, now.Sub(s.since)})
	s.since = now
}

func (s *stopwatch) total() (sum time.Duration) {
	for _, step := range s.steps {
		sum += step.Took
	}
	return sum
}

// Drill carries out a restore in guarded memory only, to prove that it works: every file
// is opened, compared with what was sealed and judged; archives are decrypted and hashed,
// for whoever has noted a digest.
// Nothing is written but lines in the ledger of the vault's folder, where that is given:
// that the generation was restored, if that proves anything, or that it was not. The result
// is nil where the drill did not come to open it.
func Drill(c Console, r DrillRequest) (*DrillResult, error) {
	if r.Role == RoleVault {
		return nil, usage("a drill is of what is restored, not of the vault's folder: all, or another role")
	}
	role, err := findRole(r.Role)
	if err != nil {
		return nil, err
	}
	accepted, err := r.gate(c)
	if err != nil {
		return nil, err
	}
	result := &DrillResult{Role: role.name, HostAccepted: accepted}
	watch := &stopwatch{since: time.Now()}
	opened, err := r.find(c, func(s *sources) []*vault.Medium {
		result.NoCopy = s.leaveAside(c)
		return s.all()
	})
	if err != nil {
		return nil, err
	}
	defer opened.close()
	g := opened.generation
	if err := sameVault(r.Ledger, g.Identity.Vault.ID); err != nil {
		return nil, err
	}
	watch.lap("media and cards")
	if err := opened.collectShares(c, role.compartments); err != nil {
		return nil, err
	}
	watch.since = time.Now() // waiting for custodians is not the machine's time
	result.Identity, result.Generation, result.Sealed = g.Identity, g.Number, g.Manifest.Created
	err = r.prove(c, role, opened, watch, result)
	result.Steps, result.RTO, result.RPO = watch.steps, watch.total(), r.Rules.Now.Sub(result.Sealed)
	// The media are left as they were: a drill reads what it needs of them, not all they hold.
	events := slices.Concat(result.event(err), opened.cards(), hostAccepted("drill", accepted))
	return result, errors.Join(err, record(r.Ledger, r.Rules.Now, events...))
}

// errNothingToDrill says nothing of a generation but that it has no files for a role.
var errNothingToDrill = errors.New("holds nothing for the role")

// event is what the ledger is told of the drill: nothing where it proves nothing, or ended for
// a reason that is not the backup's.
func (d *DrillResult) event(err error) []ledger.Event {
	if d.NoCopy || err == nil && len(d.Unproven()) > 0 {
		return nil
	}
	if errors.Is(err, secret.ErrLimit) || errors.Is(err, errNothingToDrill) || errors.Is(err, vault.ErrNoArchive) {
		return nil
	}
	e := ledger.Drilled{Role: d.Role, Generation: d.Generation, Restored: err == nil, RPO: int64(max(0, d.RPO) / time.Second)}
	for _, s := range d.Steps {
		e.Steps = append(e.Steps, ledger.Step{Name: s.Name, Seconds: s.Took.Round(time.Millisecond).Seconds()})
	}
	return []ledger.Event{e}
}

// prove restores what the role needs and fills in what that shows.
func (r DrillRequest) prove(c Console, role role, opened *opened, watch *stopwatch, result *DrillResult) error {
	if err := opened.openBundles(c, role.compartments); err != nil {
		return err
	}
	watch.lap("decryption")
	entries, err := vault.Merge(opened.bundles)
	if err != nil {
		return err
	}
	if entries = role.pick(entries); len(entries) == 0 {
		return fmt.Errorf("generation %d %w %s", result.Generation, errNothingToDrill, role.name)
	}
	if entries, result.LeftOut, err = withoutAbsent(entries); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Archive == nil {
			result.Files, result.Bytes = result.Files+1, result.Bytes+e.Size
			continue
		}
		switch err := drillArchive(c, e); {
		case errors.Is(err, secret.ErrLimit):
			return fmt.Errorf("%q: %w", e.Name, err) // with the hint that belongs to it
		case err != nil:
			c.Warn("not proven: %s: %v", e.Name, err)
			result.Failed = append(result.Failed, vault.LeftOut{Name: e.Name, Err: err})
		default:
			result.Archives, result.Bytes = result.Archives+1, result.Bytes+e.Size
		}
	}
	if result.Archives+len(result.Failed) > 0 {
		watch.lap("archives")
	}
	result.Report = r.Rules.judgeEntries(entries, role.name != roleAll)
	watch.lap("checks")
	if result.Report.Worst() == material.Fail {
		err = withHint(fmt.Errorf("what was restored is not coherent: %w", ErrDamage), "the failed checks are named above; were they accepted when it was sealed?")
	}
	if opened.otherIDs != nil {
		err = errors.Join(err, withHint(fmt.Errorf("%w: %w", opened.otherIDs, ErrDamage), "every file came back with its digest: compare the ids with what the program in restore/ of a medium derives"))
	}
	return errors.Join(err, result.failed())
}

// failed is the error of archives that did not come back.
func (d *DrillResult) failed() error {
	var names []string
	for _, f := range d.Failed {
		names = append(names, f.Name)
	}
	if len(names) == 0 {
		return nil
	}
	return withHint(fmt.Errorf("%d of %s did not come back: %s: %w", len(names), ledger.Count(len(names)+d.Archives, "archive"), strings.Join(names, ", "), ErrDamage),
		"give another medium with --from: what one has lost another may have")
}

// cards are the events of the shares that were compared with their commitments.
func (o *opened) cards() []ledger.Event {
	var cards []ledger.CardChecked
	want := o.generation.Identity.Expect()
	for i, j := range o.shares.Judged {
		if byCommitment(j.Verdict, want) && !o.in.Shares[i].Drawn {
			cards = append(cards, ledger.CardChecked{
				Set: j.Share.Set().String(), Compartment: j.Share.Compartment().String(), Index: j.Share.Index(), Proven: j.Verdict == shard.Accepted,
			})
		}
	}
	return cardEvents(cards)
}

// drillArchive decrypts an archive, from one medium after the other. That it opens under
// the key of the header that was sealed proves every byte.
func drillArchive(c Console, e vault.Entry) error {
	tell := throttled(c)
	defer c.Progress("", 0, 0)
	var failures []error
	for _, attempt := range e.Archive.Attempts() {
		done, sum := int64(0), sha256.New()
		err := attempt(sum, nil, func(n int) {
			done += int64(n)
			tell("proving "+e.Name, done, e.Size)
		})
		if err == nil {
			c.Say("%s: all %d bytes decrypted, SHA-256 %x", e.Name, e.Size, sum.Sum(nil))
			return nil
		}
		failures = append(failures, err)
	}
	secret.Collect()
	return errors.Join(failures...)
}
