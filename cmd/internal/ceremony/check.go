package ceremony

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"coldvault/qr/camera"
	"coldvault/shard"
	"coldvault/vault"
)

// CheckRequest is what `check` is asked for.
type CheckRequest struct {
	Paths  []string // media, scans of pages, cards
	Cards  []string
	Stdin  io.Reader
	Repair bool // damaged media, from their parity and from the others

	Vault    string // folder of the vault in whose ledger the check is recorded, "" for none
	NoRecord bool   // do not write to the logs of the media
	Now      time.Time
}

// CheckResult is what was found. Every input is in exactly one of the lists.
type CheckResult struct {
	Media  []*vault.Checked
	Pages  []PageSet
	Shares []CheckedShare
	Inputs []Input
	// Compared tells whether shares could be compared with a shares.json.
	Compared bool
}

// CheckedShare is the verdict on one share.
type CheckedShare struct {
	From    string
	Name    string // what the share is, without its secret
	Verdict string
	Reason  string
	Good    bool
	Proven  bool // compared with its commitment, not only readable
	Drawn   bool // in a PDF as it was drawn: that proves no print, and is not recorded

	compared                bool   // with its commitment, well or not
	vault, set, compartment string // what share it is
	index                   int
}

// Check verifies media, pages and cards without any secret, after it has proven on a
// vault whose answer is known that it can. It writes nothing but a line in the log of each
// whole medium, the ledger, and repairs where they are asked for. It returns ErrDamage with the result where anything is wrong.
func Check(c Console, r CheckRequest) (*CheckResult, error) {
	if err := selfTest(); err != nil {
		return nil, err
	}
	in, err := NewIntake()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	readInputs(c, in, r.Stdin, r.vaultFolder(), r.Paths, r.Cards)
	result := &CheckResult{Pages: in.PageSets(), Inputs: in.Inputs}
	damaged := false
	for _, m := range in.Media {
		result.Media = append(result.Media, checkMedium(c, m, vault.CheckOptions{Repairs: r.Repair && mendable(m)}))
	}
	if r.Repair {
		if err := repair(c, in, result.Media, r.Now); err != nil {
			return result, err
		}
	}
	for _, p := range result.Pages {
		damaged = damaged || p.Need > 0 || p.Err != nil
		for _, m := range p.Medium {
			result.Media = append(result.Media, vault.Check(m, vault.CheckOptions{Pages: true}))
		}
	}
	vault.CheckTogether(result.Media)
	result.Shares, result.Compared = checkShares(in)
	for _, s := range result.Shares {
		damaged = damaged || !s.Good
	}
	missing := ""
	for _, input := range in.Inputs {
		if input.Missing {
			missing = cmp.Or(missing, input.Name)
			continue
		}
		damaged = damaged || input.Unused()
	}
	err = r.recordCheck(c, result)
	for _, m := range result.Media { // also what the ledger knows better
		damaged = damaged || m.Damaged()
	}
	switch {
	case !damaged && err == nil && missing != "":
		hint := "mount it, and give the folder that it is mounted at; of pages and cards, the file of the scan"
		if slices.Contains(r.Cards, missing) {
			hint = "there is no such file: give that of the card's scan"
		}
		return result, withHint(fmt.Errorf("%q is not there: it was not checked", missing), "%s", hint)
	case !damaged:
		return result, err
	}
	if err != nil {
		c.Warn("%v", err)
	}
	return result, ErrDamage
}

// vaultFolder is checked too, where it is given: cards are compared with it.
func (r CheckRequest) vaultFolder() []string {
	if r.Vault == "" {
		return nil
	}
	return []string{r.Vault}
}

// checkShares judges every share against the vault it says it is of, among those
// at hand.
func checkShares(in *Intake) (out []CheckedShare, compared bool) {
	identities := map[shard.VaultID]*vault.Identity{}
	for _, m := range in.AllMedia() {
		if m.Err == nil {
			identities[m.Identity.Expect().Vault] = m.Identity
		}
	}
	var only *vault.Identity
	for _, id := range identities {
		only = id
	}
	for _, s := range in.Shares {
		want := shard.Expect{}
		if id := identities[s.Vault()]; id != nil {
			want = id.Expect()
		} else if only != nil {
			want = only.Expect() // to be named as a card of another vault
		}
		compared = compared || len(want.Sets) > 0
		j := shard.Judge([]shard.Share{s.Share}, want)[0]
		checked := CheckedShare{
			From: s.From, Name: s.Share.String(),
			Verdict: j.Verdict.String(), Reason: j.Reason, Good: j.Verdict == shard.Accepted,
			Proven: j.Verdict == shard.Accepted && len(want.Sets) > 0, Drawn: s.Drawn,
			compared: byCommitment(j.Verdict, want),
		}
		checked.of(s.Share)
		out = append(out, checked)
	}
	return out, compared
}

// ScanResult is what `scan` found.
type ScanResult struct {
	Inputs []Input
	Pages  []PageSet
	Shares []CheckedShare
	Media  []*vault.Checked // of whole page sets
}

// ScanRequest is what `scan` is asked for.
type ScanRequest struct {
	Files  []string
	Stdin  io.Reader
	Rescue *Folder // for what there is of page sets that are not whole, nil for none
	Camera camera.Source
}

// Scan decodes files and says what they hold and what is missing. It returns
// ErrDamage where codes were seen and not read, and *MorePagesError where a page
// set is not whole. With Rescue it never succeeds.
func Scan(c Console, r ScanRequest) (*ScanResult, error) {
	if r.Rescue != nil {
		if err := mustBeNew(r.Rescue); err != nil {
			return nil, err
		}
	}
	in, err := NewIntake()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	readInputs(c, in, r.Stdin, r.Files)
	if r.Camera != nil {
		if err := in.watch(c, r.Camera, in.whole); err != nil {
			return nil, err
		}
	}
	result := &ScanResult{Inputs: in.Inputs, Pages: in.PageSets()}
	result.Shares, _ = checkShares(in)
	err = result.judge()
	if r.Rescue != nil {
		return result, rescue(c, r.Rescue, result.Pages, err)
	}
	return result, err
}

// judge opens the whole page sets and says what is wrong with the others.
func (r *ScanResult) judge() error {
	var err error
	var incomplete []PageSet
	for _, p := range r.Pages {
		if p.Need > 0 {
			incomplete = append(incomplete, p)
		}
		if p.Err != nil {
			err = fmt.Errorf("%s: %w", p.Title(), p.Err)
		}
		for _, m := range p.Medium {
			checked := vault.Check(m, vault.CheckOptions{Pages: true})
			r.Media = append(r.Media, checked)
			if checked.Damaged() {
				err = ErrDamage
			}
		}
	}
	switch {
	case err != nil:
		return err
	case len(incomplete) > 0:
		return withHint(&MorePagesError{Sets: incomplete}, "scan the pages that are named again and give all scans together; scans add up")
	case len(r.Pages)+len(r.Shares) == 0:
		return withHint(fmt.Errorf("no code of coldvault was found"), "scan at 300 dpi in grey, the whole page, without cropping")
	}
	return nil
}
