package ceremony

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/secret"
)

// Host is the machine that a command with secrets runs on, and what of it the
// operator accepts.
type Host struct {
	Facts  *airgap.Facts // nil is refused: nobody looked
	Accept Accept
}

// Accept are the classes of findings that stop nothing.
type Accept struct{ Network, Swap bool }

func (a Accept) has(class airgap.Class) bool {
	return class == airgap.ClassNetwork && a.Network || class == airgap.ClassSwap && a.Swap
}

// acceptFlag is what the operator says to accept a class.
func acceptFlag(class airgap.Class) string { return "--accept-" + string(class) }

// HostError is a host that work with secrets is refused on.
type HostError struct{ Findings []airgap.Finding }

func (e *HostError) Error() string {
	var texts []string
	for _, f := range e.Findings {
		texts = append(texts, fmt.Sprintf("%s [%s]", f.Text, f.ID))
	}
	return "this host is not fit for secrets: " + strings.Join(texts, "; ")
}

// hint says what to do first, and which flags would go on regardless.
func (e *HostError) hint() string {
	var flags []string
	for _, f := range e.Findings {
		if flag := acceptFlag(f.Class); !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return fmt.Sprintf("%s; `coldvault preflight` shows everything; %s goes on regardless", e.Findings[0].Hint, strings.Join(flags, " "))
}

// hostGate is the first step of whatever makes, seals, signs with or restores secrets. It refuses a
// host with findings that are not accepted, and reports those that are. Keeps G17.
func hostGate(c Console, h Host) (accepted []airgap.Finding, err error) {
	if h.Facts == nil {
		return nil, errors.New("nothing is known about this host")
	}
	var refused []airgap.Finding
	for _, f := range h.Facts.Findings() {
		switch {
		case f.Level == airgap.Refuse && !h.Accept.has(f.Class):
			refused = append(refused, f)
		case f.Level == airgap.Refuse:
			accepted = append(accepted, f)
			c.Warn("accepted with %s: %s [%s]", acceptFlag(f.Class), f.Text, f.ID)
		case f.Level == airgap.Warn:
			c.Warn("%s [%s]", f.Text, f.ID)
		}
	}
	if len(refused) > 0 {
		e := &HostError{Findings: refused}
		return nil, withHint(e, "%s", e.hint())
	}
	return accepted, nil
}

// warnClock holds the clock against the time that a generation says it was sealed.
func (h Host) warnClock(c Console, sealed time.Time) {
	if h.Facts.Clock.Now.Before(sealed) {
		c.Warn("the clock says %s, and this generation was sealed at %s: dates in what follows are wrong [%s]",
			h.Facts.Clock.Now.UTC().Format(time.DateTime), sealed.UTC().Format(time.DateTime), airgap.IDClock)
	}
}

// ErrHost is what preflight ends with when it found what hostGate refuses.
var ErrHost = errors.New("init, seal, kit, restore and drill would be refused on this host")

// PreflightRequest is what `preflight` is asked for.
type PreflightRequest struct {
	Facts airgap.Facts
	Vault string // a vault's folder to hold the clock against, "" for none
}

// PreflightResult is what was found.
type PreflightResult struct {
	Facts    airgap.Facts
	Findings []airgap.Finding
	Program  airgap.Sum
}

// Preflight judges the host. It returns ErrHost with the result where something
// refuses.
func Preflight(r PreflightRequest) (*PreflightResult, error) {
	result := &PreflightResult{Facts: r.Facts}
	if r.Vault != "" {
		last, err := lastRecord(r.Vault)
		if err != nil {
			return nil, withHint(err, "--vault is the folder that `coldvault init` made")
		}
		result.Facts.Clock.LastRecord = last
	}
	result.Facts.Features = append(result.Facts.Features, features(secret.Features())...)
	var err error
	if result.Program, err = airgap.SelfSum(); err != nil {
		return nil, err
	}
	result.Findings = result.Facts.Findings()
	if slices.ContainsFunc(result.Findings, func(f airgap.Finding) bool { return f.Level == airgap.Refuse }) {
		return result, ErrHost
	}
	return result, nil
}

// features are what this build and the kernel have to protect secrets, as facts.
func features(f secret.FeatureSet) []airgap.Fact {
	has := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	landlock, limit := "no", "any amount"
	if f.LandlockABI > 0 {
		landlock = fmt.Sprintf("version %d", f.LandlockABI)
	}
	if f.LockLimit >= 0 {
		limit = fmt.Sprintf("%d KiB", f.LockLimit>>10)
	}
	return []airgap.Fact{
		{Name: "erasing runtime", Value: has(f.RuntimeSecret)},
		{Name: "secret memory", Value: has(f.MemfdSecret)},
		{Name: "system call filter", Value: has(f.Seccomp)},
		{Name: "file rules", Value: landlock},
		{Name: "lockable memory", Value: limit},
	}
}

// lastRecord is the latest signed time in a vault's folder: of its share sets or of
// a generation.
func lastRecord(folder string) (time.Time, error) {
	dir, err := media.OpenDir(folder)
	if err != nil {
		return time.Time{}, err
	}
	defer dir.Close()
	f, err := vault.OpenFolder(dir)
	if err != nil {
		return time.Time{}, err
	}
	last := f.Identity.Shares.Created
	generations, err := f.Generations(f.Identity)
	if err != nil {
		return time.Time{}, err
	}
	for _, g := range generations {
		if g.Err == nil && g.Manifest.Created.After(last) {
			last = g.Manifest.Created
		}
	}
	return last, nil
}
