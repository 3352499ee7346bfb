package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"coldvault/media"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
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
	// Attach are files that become archives.
	Attach   []string
	Compress bool   // the archives
	Keep     int    // generations that stay on each medium, 0 for all
	Kit      string // folder with binaries for other architectures, "" for none
	Due      []ledger.Deadline
	// Replug waits for each medium to be pulled and put back, and reads it again.
	Replug bool
	Host   Host
}

// SealResult says what was sealed.
type SealResult struct {
	*vault.SealResult
	Vault  string // id
	Report material.Report

	HostAccepted []airgap.Finding
}

// Seal puts a new generation on every medium. It needs no card.
func Seal(c Console, r SealRequest) (*SealResult, error) {
	if err := checkPut(r.Put); err != nil {
		return nil, err
	}
	accepted, err := hostGate(c, r.Host)
	if err != nil {
		return nil, err
	}
	defer secret.Collect() // when the files and the signer's key are destroyed
	folder, closeFolder, err := openFolder(r.Vault)
	if err != nil {
		return nil, err
	}
	defer closeFolder()
	unrecorded, err := folder.Unrecorded()
	if err != nil {
		return nil, unusable(err)
	}
	if unrecorded != "" { // the next one hides that
		c.Warn("the ledger does not know %s: %s", unrecorded, ledger.LostAdvice)
	}
	targets, failed, closeTargets := openTargets([]string{r.Vault}, r.To)
	defer closeTargets()
	if len(targets) == 0 {
		return nil, noTarget(failed)
	}
	kit, err := kit(r.Kit)
	if err != nil {
		return nil, err
	}
	gathered, err := gather(slices.Concat(r.Sources, r.Attach), func([]string) (*vault.Gathered, error) {
		return vault.GatherToSeal(r.Sources, r.Attach)
	})
	if err != nil {
		return nil, err
	}
	defer gathered.Destroy()
	report := r.Rules.judgeAll(gathered.Files, gathered.Data, gathered.Large, false)
	notes, err := r.settle(c, &report)
	if err != nil {
		return &SealResult{Report: report, HostAccepted: accepted}, err
	}
	c.Say("%s recognised", ledger.Count(len(report.Items), "file"))
	places := locate(c, r.To)
	if err := places.separate(c, folder, targets, r.Rules.Now); err != nil {
		return nil, err
	}
	signer, err := unlock(c, folder)
	if err != nil {
		return nil, err
	}
	defer signer.Destroy()
	request := vault.SealRequest{
		Notes: notes, IDs: derivedIDs, Kit: kit, Signer: signer, Created: r.Rules.Now.UTC().Truncate(time.Second),
		Targets: targets, Keep: r.Keep, Progress: throttled(c), Deadlines: r.deadlines(c, report),
	}
	request.Material, request.Archives = r.assign(gathered, report)
	sealed, err := folder.Seal(request)
	c.Progress("", 0, 0)
	if err != nil {
		return nil, withHint(err, "the generation before it is untouched; mend what is named and seal again")
	}
	sealed.Failed = append(failed, sealed.Failed...)
	events := slices.Concat([]ledger.Event{sealed.Sealed},
		places.copies(sealed.IDs, func(string) int { return sealed.Generation }), hostAccepted("seal", accepted))
	err = notRecorded(r.Vault, folder.Record(request.Created, signer, events...))
	result, reportErr := r.report(c, folder, sealed, report)
	result.HostAccepted = accepted
	if r.Replug && reportErr == nil {
		// Not while a person is waited for.
		gathered.Destroy()
		signer.Destroy()
		secret.Collect()
		closeTargets() // or the media could not be unmounted
		reportErr = replug(c, places, sealed.Media, folder.ID, sealed)
	}
	return result, errors.Join(reportErr, err)
}

// checkPut wants FILE=hot, FILE=cold or FILE=both; whether there is such a file is seen later.
func checkPut(put []string) error {
	for _, p := range put {
		if _, where := cutLast(p, '='); !slices.Contains([]string{"hot", "cold", "both"}, where) {
			return usage("--put %s is not FILE=hot, FILE=cold or FILE=both", p)
		}
	}
	return nil
}

// cutLast cuts at the last of a sign; without one, all is value.
func cutLast(text string, sign byte) (name, value string) {
	if i := strings.LastIndexByte(text, sign); i >= 0 {
		return text[:i], text[i+1:]
	}
	return "", text
}

// deadlines are the dates that the operator gave and then those of the material, each
// from the first to come on, as many as the ledger takes of a generation. Of two of one
// name it could only keep one: the first to come.
func (r SealRequest) deadlines(c Console, report material.Report) []ledger.Deadline {
	given, found := slices.Clone(r.Due), []ledger.Deadline{}
	for _, d := range report.Deadlines {
		found = append(found, ledger.Deadline{What: short(d.What), Role: d.Role, When: d.When.UTC().Truncate(time.Second)})
	}
	var out []ledger.Deadline
	for _, dates := range [][]ledger.Deadline{given, found} {
		slices.SortStableFunc(dates, func(a, b ledger.Deadline) int { return a.When.Compare(b.When) })
		for _, d := range dates {
			if !slices.ContainsFunc(out, d.SameAs) {
				out = append(out, d)
			}
		}
	}
	if len(out) <= ledger.MaxDeadlines {
		return out
	}
	var left []string
	for _, d := range out[ledger.MaxDeadlines:] {
		left = append(left, fmt.Sprintf("%s (%s)", d.What, d.When.Format(time.DateOnly)))
	}
	c.Warn("%d dates are known, and the ledger takes %d with a generation; status will not remind of: %s; `coldvault record --due WHAT=DATE` notes more",
		len(out), ledger.MaxDeadlines, strings.Join(left, ", "))
	return out[:ledger.MaxDeadlines]
}

// unlock asks for the passphrase of the vault's signer and opens its key with it.
func unlock(c Console, folder *vault.Folder) (*secret.Buffer, error) {
	if err := folder.CheckSigner(); err != nil {
		return nil, withHint(err, "%s", vault.SignerAdvice)
	}
	passphrase, err := c.Passphrase(false)
	if err != nil {
		return nil, err
	}
	defer passphrase.Destroy()
	signer, err := folder.UnlockSigner(passphrase)
	debug.FreeOSMemory() // the 64 MiB of scrypt, half of what a seal may have
	switch {
	case err == nil, errors.Is(err, secret.ErrLimit):
		return signer, err // with the hint that belongs to it
	case errors.Is(err, vault.ErrPassphrase):
		return nil, withHint(err, "the passphrase is the one given at init; if it is right, signer.age is damaged: %s", vault.SignerAdvice)
	}
	return nil, withHint(err, "%s", vault.SignerAdvice)
}

// report says where the generation is, and fails unless it is everywhere.
func (r SealRequest) report(c Console, folder *vault.Folder, sealed *vault.SealResult, report material.Report) (*SealResult, error) {
	for _, m := range sealed.Media {
		c.Say("generation %d written to %s and read back from it", sealed.Generation, m)
		for _, old := range sealed.Retired[m] {
			with := ""
			if old.Archives > 0 {
				with = " with " + ledger.Count(old.Archives, "archive")
			}
			c.Say("generation %d removed%s from %s: --keep %d", old.Generation, with, m, r.Keep)
		}
	}
	for _, n := range sealed.Notes {
		c.Warn("%s", n)
	}
	for _, f := range slices.Concat(sealed.Failed, sealed.Crowded) {
		c.Warn("%v", f)
	}
	warnUnlogged(c, sealed.Unlogged, sealed.IDs)
	result := &SealResult{SealResult: sealed, Vault: folder.ID, Report: report}
	if len(sealed.Media) == 0 {
		return result, withHint(fmt.Errorf("no medium holds generation %d; it is only in the vault's folder", sealed.Generation),
			"mend or replace the medium and seal again")
	}
	if len(sealed.Failed) > 0 {
		return result, withHint(fmt.Errorf("%d of %d media do not hold generation %d", len(sealed.Failed), len(r.To), sealed.Generation),
			"the others do; mend or replace the medium and seal again")
	}
	if len(sealed.Crowded) > 0 {
		return result, withHint(fmt.Errorf("%d of %d media keep more than %d generations", len(sealed.Crowded), len(r.To), r.Keep),
			"nothing is lost; the next seal with --keep removes them, if the medium lets it")
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

// misplacedError is of a target that must not be written to, whatever is mounted.
type misplacedError struct{ error }

// noTarget is the error where none of the targets can be written to.
func noTarget(failed []*vault.TargetError) error {
	var misplaced *misplacedError
	if errors.As(failed[0], &misplaced) {
		return withHint(failed[0], "nothing was written; give with --to the folder that another medium is mounted at")
	}
	return withHint(failed[0], "no medium can be written: mount it and give its folder with --to")
}

// openTargets opens the media; one that cannot be opened does not stop the others. One
// that lies in another, or in one of the folders that are taken, is no copy of its own, and
// in a medium's own folders nobody looks for one.
func openTargets(taken, names []string) (dirs []*media.Dir, failed []*vault.TargetError, closeAll func()) {
	taken = slices.Clone(taken)
	for _, name := range names {
		dir, err := media.OpenDir(name)
		switch {
		case err != nil:
		case vault.IsFolder(dir):
			err = &misplacedError{errors.New("it is a vault's own folder: a copy must be on a medium of its own")}
		case vault.InMedium(dir):
			err = &misplacedError{errors.New("it lies in a medium: give the folder that holds `coldvault/`")}
		}
		for _, other := range taken {
			if err == nil && within(name, other) {
				err = &misplacedError{fmt.Errorf("it is, or lies in, or holds %s: a copy must be on a medium of its own", other)}
			}
		}
		if err != nil {
			if dir != nil {
				dir.Close()
			}
			failed = append(failed, &vault.TargetError{Medium: name, Err: beside(name, err)})
			continue
		}
		taken = append(taken, name)
		dirs = append(dirs, dir)
	}
	return dirs, failed, func() {
		for _, d := range dirs {
			d.Close()
		}
	}
}

// within tells whether one of two folders is, or holds, the other, under whatever name.
func within(a, b string) bool {
	return holds(a, b) || holds(b, a)
}

// holds tells whether dir is one of the folders above name, or name itself.
func holds(dir, name string) bool {
	want, err := os.Stat(dir)
	if err != nil {
		return false
	}
	for name, err = filepath.EvalSymlinks(name); err == nil; {
		if name, err = filepath.Abs(name); err != nil {
			return false
		}
		if have, err := os.Stat(name); err == nil && os.SameFile(have, want) {
			return true
		}
		if name == filepath.Dir(name) {
			return false
		}
		name = filepath.Dir(name)
	}
	return false
}

// gather reads the sources, none of which may be a vault or a medium: those are
// copied, not sealed.
func gather(sources []string, read func([]string) (*vault.Gathered, error)) (*vault.Gathered, error) {
	for _, s := range sources {
		abs, err := filepath.Abs(s)
		if err != nil {
			return nil, err
		}
		if abs == string(filepath.Separator) {
			return nil, usage("%q is the whole file system", s)
		}
		if err := refuseVault(s); err != nil {
			return nil, err
		}
	}
	g, err := read(sources)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, withHint(err, "give files and folders that are there")
	case errors.Is(err, fs.ErrPermission):
		return nil, withHint(err, "run this as a user who may read it")
	case errors.Is(err, secret.ErrLimit):
		return nil, withHint(err, "allow more locked memory with `ulimit -l unlimited`, run as root, or give fewer files at once")
	}
	return g, withHint(err, "remove or exchange the file that is named, or give files one by one")
}

func refuseVault(name string) error {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return nil // said where it is read
	}
	dir, err := media.OpenDir(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if found, err := vault.OpenMedia(dir); err == nil && len(found) > 0 && found[0].Identity != nil {
		return withHint(fmt.Errorf("%s is a vault or a medium of coldvault, not material", name), "give the folder of the keys themselves")
	}
	return nil
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
	if len(r.Rules.Only) > 0 {
		placed = append(placed, format.Fact{Name: "profiles asked", Value: strings.Join(r.Rules.Only, " ")})
	}
	facts, err := askFacts(c, *report, r.Facts)
	return vault.Notes{Facts: append(placed, facts...), Accepted: accepted}, err
}

// assign puts every file into the compartments that the report says. An archive is in
// one of them: in hot if it is needed there.
func (r SealRequest) assign(g *vault.Gathered, report material.Report) (small []vault.Material, archives []vault.ArchiveSource) {
	for i, item := range report.Items {
		f := g.Files[i]
		f.Network, f.Role = item.Network, item.Role
		if g.Large[i] != nil {
			compartment := "cold"
			if item.In.Has(material.Hot) {
				compartment = "hot"
			}
			archives = append(archives, vault.ArchiveSource{ContentsFile: f, File: g.Large[i], Compartment: compartment, Compress: r.Compress})
			continue
		}
		small = append(small, vault.Material{
			ContentsFile: f, Data: g.Data[i],
			Cold: item.In.Has(material.Cold), Hot: item.In.Has(material.Hot),
		})
	}
	return small, archives
}

// Inspect recognises files and judges them as a set; it writes nothing.
func Inspect(sources []string, rules Rules) (material.Report, error) {
	g, err := gather(sources, vault.GatherToLook)
	if err != nil {
		return material.Report{}, err
	}
	defer g.Destroy()
	defer secret.Collect()
	report := rules.judgeAll(g.Files, g.Data, g.Large, false)
	var failed *FailedChecksError
	if _, err := refuse(report, nil); errors.As(err, &failed) {
		return report, withHint(failed, "what fails is named above: look for the file that is of another set, or an older one; `coldvault seal` refuses them together")
	}
	return report, nil
}
