package ceremony

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/material"
	"coldvault/vault/secret"
)

// SealRequest is what `seal` is asked for.
type SealRequest struct {
	Vault   string
	Sources []string
	To      []string
	Accept  []Acceptance
	Put     []string // FILE=hot, FILE=cold, FILE=both
	Facts   []format.Fact
	Rules   Rules // with the time of sealing
}

// SealResult says what was sealed.
type SealResult struct {
	*vault.SealResult
	Vault  string // id
	Report material.Report
}

// Seal puts a new generation on every medium. It needs no card.
func Seal(c Console, r SealRequest) (*SealResult, error) {
	folder, closeFolder, err := openFolder(r.Vault)
	if err != nil {
		return nil, err
	}
	defer closeFolder()
	targets, failed, closeTargets := openTargets(r.To)
	defer closeTargets()
	if len(targets) == 0 {
		return nil, withHint(failed[0], "no medium can be written: mount it and give its folder with --to")
	}
	gathered, err := gather(r.Sources)
	if err != nil {
		return nil, err
	}
	defer gathered.Destroy()
	report := r.Rules.judge(gathered.Files, gathered.Data, false)
	notes, err := r.settle(c, &report)
	if err != nil {
		return &SealResult{Report: report}, err
	}
	c.Say("%d files recognised", len(report.Items))
	passphrase, err := c.Passphrase(false)
	if err != nil {
		return nil, err
	}
	defer passphrase.Destroy()
	signer, err := folder.UnlockSigner(passphrase)
	if err != nil {
		return nil, withHint(err, "the passphrase is the one given at init")
	}
	defer signer.Destroy()
	sealed, err := folder.Seal(vault.SealRequest{
		Material: assign(gathered, report), Notes: notes, IDs: derivedIDs, Kit: kit(), Signer: signer,
		Created: r.Rules.Now.UTC().Truncate(time.Second), Targets: targets,
	})
	if err != nil {
		return nil, err
	}
	sealed.Failed = append(failed, sealed.Failed...)
	secret.Collect()
	for _, m := range sealed.Media {
		c.Say("generation %d written to %s and read back from it", sealed.Generation, m)
	}
	for _, f := range sealed.Failed {
		c.Warn("%v", f)
	}
	result := &SealResult{SealResult: sealed, Vault: folder.ID, Report: report}
	if len(sealed.Failed) > 0 {
		return result, withHint(fmt.Errorf("%d of %d media do not hold generation %d", len(sealed.Failed), len(r.To), sealed.Generation),
			"the others do; mend or replace the medium and seal again")
	}
	return result, nil
}

func openFolder(name string) (folder *vault.Folder, closeFolder func(), err error) {
	dir, err := media.OpenDir(name)
	if err != nil {
		return nil, nil, withHint(err, "--vault is the folder that `coldvault init` made")
	}
	folder, err = vault.OpenFolder(dir)
	if err != nil {
		dir.Close()
		return nil, nil, withHint(err, "--vault is the folder that `coldvault init` made")
	}
	return folder, func() { dir.Close() }, nil
}

// openTargets opens the media; one that cannot be opened does not stop the
// others. Two names of one folder are one medium.
func openTargets(names []string) (dirs []*media.Dir, failed []*vault.TargetError, closeAll func()) {
	var seen []os.FileInfo
	for _, name := range names {
		dir, err := media.OpenDir(name)
		var info os.FileInfo
		if err == nil {
			info, err = os.Stat(name)
		}
		for _, other := range seen {
			if err == nil && os.SameFile(info, other) {
				err = errors.New("given twice: a second copy must be on another medium")
			}
		}
		if err != nil {
			failed = append(failed, &vault.TargetError{Medium: name, Err: err})
			continue
		}
		seen = append(seen, info)
		dirs = append(dirs, dir)
	}
	return dirs, failed, func() {
		for _, d := range dirs {
			d.Close()
		}
	}
}

func gather(sources []string) (*vault.Gathered, error) {
	for _, s := range sources {
		abs, err := filepath.Abs(s)
		if err != nil {
			return nil, err
		}
		if abs == string(filepath.Separator) {
			return nil, usage("%q is the whole file system", s)
		}
	}
	g, err := vault.Gather(sources)
	if errors.Is(err, secret.ErrLimit) {
		return nil, withHint(err, "allow more locked memory with `ulimit -l unlimited`, run as root, or seal fewer files at once")
	}
	return g, withHint(err, "nothing was sealed: remove or exchange the file that is named, or give files one by one")
}

// settle applies what the operator overrides and accepts, and asks what is missing.
func (r SealRequest) settle(c Console, report *material.Report) (vault.Notes, error) {
	accepted, err := refuse(*report, r.Accept)
	if err != nil {
		return vault.Notes{}, err
	}
	placed, err := override(report, r.Put)
	if err != nil {
		return vault.Notes{}, err
	}
	facts, err := askFacts(c, *report, r.Facts)
	return vault.Notes{Facts: append(placed, facts...), Accepted: accepted}, err
}

// assign puts every file into the compartments that the report says.
func assign(g *vault.Gathered, report material.Report) []vault.Material {
	out := make([]vault.Material, len(g.Files))
	for i, item := range report.Items {
		f := g.Files[i]
		f.Network, f.Role = item.Network, item.Role
		out[i] = vault.Material{
			ContentsFile: f, Data: g.Data[i],
			Cold: item.In.Has(material.Cold), Hot: item.In.Has(material.Hot),
		}
	}
	return out
}

// Inspect recognises files and judges them as a set; it writes nothing.
func Inspect(sources []string, rules Rules) (material.Report, error) {
	g, err := gather(sources)
	if err != nil {
		return material.Report{}, err
	}
	defer g.Destroy()
	defer secret.Collect()
	report := rules.judge(g.Files, g.Data, false)
	if report.Worst() == material.Fail {
		return report, ErrDamage
	}
	return report, nil
}
