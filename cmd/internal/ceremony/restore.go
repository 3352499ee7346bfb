package ceremony

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/format"
	"coldvault/vault/material"
	"coldvault/vault/material/cardano"
	"coldvault/vault/secret"
)

// RestoreRequest is what `restore` is asked for, but for the role vault.
type RestoreRequest struct {
	Opening
	Role string
	To   string
	// ChainCounter answers for files that the network may have overtaken: a
	// number, "unknown", or FILE=number.
	ChainCounter []string
	Rules        Rules
	Made         *RestoreOutputs // the folder and the runbook; nil: they are made now
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
}

// Restore rebuilds what a role needs and writes it into a new or empty folder.
func Restore(c Console, r RestoreRequest) (result *RestoreResult, err error) {
	role, err := findRole(r.Role)
	if err != nil {
		return nil, err
	}
	accepted, err := r.gate(c)
	if err != nil {
		return nil, err
	}
	if r.Made == nil {
		o, stop := NewOutputs(c)
		defer stop()
		r.Made = o.Restore(r.Role, r.To)
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
	if err != nil {
		return nil, r.notWritten(err, entries)
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

// notWritten is the error of a target that could not be written, with what to do.
func (r RestoreRequest) notWritten(err error, entries []vault.Entry) error {
	archivesAlone := !slices.ContainsFunc(entries, func(e vault.Entry) bool { return e.Archive == nil })
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return withHint(err, "nothing was left in %s; make room or give another folder", r.To)
	case errors.Is(err, secret.ErrLimit):
		return err // with the hint that belongs to it
	case vault.IsOfTarget(err):
		return withHint(err, "nothing was left in %s; give a folder on another disk, or in memory", r.To)
	case archivesAlone:
		return withHint(errors.Join(err, ErrDamage), "nothing was left in %s; give all media of this generation with --from: what one has lost another may have", r.To)
	}
	return withHint(err, "nothing was left in %s; give another folder, and all media of this generation with --from", r.To)
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
