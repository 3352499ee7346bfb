package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// chain says of which network a pool is.
type chain struct {
	CardanoChain string `name:"cardano-chain" placeholder:"NAME" help:"Network of the pool, for the dates of its KES keys: mainnet, preprod, preview, or START,SLOTS,EVOLUTIONS: Unix seconds of slot 0, slots in a KES period, evolutions of a KES key."`
}

func (c chain) rules() (ceremony.Rules, error) {
	r := ceremony.Rules{Now: time.Now()}
	if c.CardanoChain == "" {
		return r, nil
	}
	var err error
	r.Chain, err = ceremony.ParseChain(c.CardanoChain)
	return r, err
}

// judging are the flags that say how files are judged.
type judging struct {
	Profile []string `placeholder:"NETWORK" help:"Ask only these profiles: cardano, canton, aleph, filecoin, pgdump; repeat it. All unless given; recorded by seal."`
	chain
}

func (j judging) rules() (ceremony.Rules, error) {
	r, err := j.chain.rules()
	r.Only = j.Profile
	for _, name := range j.Profile {
		if !slices.Contains(ceremony.Networks(), name) {
			return r, &ceremony.UsageError{Err: fmt.Errorf("there is no profile %q: %s", name, strings.Join(ceremony.Networks(), ", "))}
		}
	}
	return r, err
}

type sealCmd struct {
	Vault    string   `required:"" placeholder:"FOLDER" help:"The vault's folder, made by init."`
	To       []string `required:"" sep:"none" placeholder:"MEDIUM" help:"Medium to write to: a mounted stick or any folder. Repeat it: two copies are the least."`
	Accept   []string `sep:"none" placeholder:"CHECK" help:"Seal although this check failed; needs --because."`
	Because  []string `sep:"none" placeholder:"TEXT" help:"Why the failed check is right; recorded, and shown at every restore. One for each --accept."`
	Put      []string `sep:"none" placeholder:"FILE=hot|cold|both" help:"Put a file into another compartment than its role's."`
	Fact     []string `sep:"none" placeholder:"NAME=VALUE" help:"What a restore needs to know and no file says, such as a party hint."`
	Attach   []string `sep:"none" placeholder:"FILE" help:"Seal a file of any size as an archive: a database dump, a snapshot. It is streamed, split below 4 GiB, and never printed."`
	Compress bool     `help:"Compress the archives (zstd)."`
	Keep     int      `placeholder:"N" help:"Keep N whole generations on each medium, and any with more archives, and remove the older ones when the new one is proven; all unless given."`
	Kit      string   `placeholder:"FOLDER" help:"Put these binaries on the media too: files named coldvault-OS-ARCHITECTURE."`
	Due      []string `sep:"none" placeholder:"WHAT=YYYY-MM-DD" help:"A date to be reminded of by status: a deadline that no file says, such as of a Filecoin sector; until record --done. Repeat it."`
	Replug   bool     `help:"Wait for each medium to be pulled and put back, recognise it, and read it again."`
	Sources  []string `arg:"" optional:"" name:"source" help:"Files and folders to seal. The names inside a folder are kept relative to it."`
	judging
	unattended
}

func (c *sealCmd) Run(u *ui) error {
	if err := c.unattended.apply(u); err != nil {
		return err
	}
	rules, err := c.rules()
	if err != nil {
		return err
	}
	if len(c.Sources)+len(c.Attach) == 0 {
		return &ceremony.HintError{Err: &ceremony.UsageError{Err: errNothing}, Hint: "coldvault seal --vault FOLDER --to MEDIUM SOURCE, or --attach FILE"}
	}
	if c.Keep < 0 {
		return &ceremony.UsageError{Err: fmt.Errorf("--keep %d: at least the new generation stays", c.Keep)}
	}
	request := ceremony.SealRequest{
		Vault: c.Vault, Sources: c.Sources, To: c.To, Put: c.Put, Rules: rules, Host: c.host(u),
		Attach: c.Attach, Compress: c.Compress, Keep: c.Keep, Kit: c.Kit, Replug: c.Replug,
	}
	if err := c.notes(&request); err != nil {
		return err
	}
	result, err := ceremony.Seal(u, request)
	if result == nil {
		return err
	}
	u.accepted(result.HostAccepted)
	u.report(result.Report)
	if result.SealResult == nil {
		return err
	}
	u.heading("generation %d of vault %s", result.Generation, result.Vault)
	for _, name := range slices.Sorted(maps.Keys(result.Sizes)) {
		if !format.IsParity(name) {
			u.print("  %-14s %d bytes", name, result.Sizes[name])
		}
	}
	for _, m := range result.Media {
		u.verdict(green, "PROVEN", "%s", m)
	}
	failed := u.failed(result.Failed)
	if len(result.Media) == 1 && err == nil {
		u.print("One copy is no backup: seal to a second medium, and print it with `coldvault paper`.")
	}
	type removedJSON struct {
		Medium     string `json:"medium"`
		Generation int    `json:"generation"`
		Archives   int    `json:"archives"`
	}
	removed := []removedJSON{}
	for _, m := range result.Media {
		for _, old := range result.Retired[m] {
			removed = append(removed, removedJSON{m, old.Generation, old.Archives})
		}
	}
	u.emit("generation", struct {
		Vault      string        `json:"vault"`
		Generation int           `json:"generation"`
		Digest     string        `json:"digest"`
		Media      []string      `json:"media"`
		Failed     []failedJSON  `json:"failed"`
		Removed    []removedJSON `json:"removed"`
	}{result.Vault, result.Generation, result.Digest, append([]string{}, result.Media...), failed, removed})
	return err
}

// notes reads the flags that come in pairs.
func (c *sealCmd) notes(r *ceremony.SealRequest) error {
	if len(c.Accept) != len(c.Because) {
		return &ceremony.UsageError{Err: fmt.Errorf("%d --accept and %d --because: each --accept needs its --because", len(c.Accept), len(c.Because))}
	}
	for i, check := range c.Accept {
		if strings.TrimSpace(c.Because[i]) == "" {
			return &ceremony.UsageError{Err: fmt.Errorf("--accept %s needs a reason", check)}
		}
		r.Accept = append(r.Accept, ceremony.Acceptance{Check: check, Because: c.Because[i]})
	}
	for _, d := range c.Due {
		deadline, err := parseDue(d)
		if err != nil {
			return err
		}
		r.Due = append(r.Due, deadline)
	}
	for _, f := range c.Fact {
		name, value, ok := strings.Cut(f, "=")
		if !ok || name == "" || value == "" {
			return &ceremony.UsageError{Err: fmt.Errorf("--fact %s is not NAME=VALUE", f)}
		}
		r.Facts = append(r.Facts, format.Fact{Name: name, Value: value})
	}
	return nil
}

// parseDue reads WHAT=YYYY-MM-DD, where WHAT may have a = too.
func parseDue(text string) (ledger.Deadline, error) {
	at := max(0, strings.LastIndexByte(text, '='))
	when, err := time.Parse(time.DateOnly, strings.TrimPrefix(text[at:], "="))
	if err != nil || at == 0 {
		return ledger.Deadline{}, &ceremony.UsageError{Err: fmt.Errorf("--due %s is not WHAT=YYYY-MM-DD", text)}
	}
	d := ledger.Deadline{What: text[:at], When: when}
	if err := ledger.Validate(d); err != nil {
		return d, &ceremony.UsageError{Err: fmt.Errorf("--due: %w", err)}
	}
	return d, nil
}

type failedJSON struct {
	Medium string `json:"medium"`
	Error  string `json:"error"`
}

// failed prints the media that something is not on, and gives them for JSON.
func (u *ui) failed(media []*vault.TargetError) []failedJSON {
	failed := []failedJSON{}
	for _, f := range media {
		u.verdict(red, "FAILED", "%s", f)
		failed = append(failed, failedJSON{f.Medium, oneLine(f.Err)})
	}
	return failed
}

type inspectCmd struct {
	Paths []string `arg:"" name:"path" help:"Files and folders."`
	judging
}

func (c *inspectCmd) Run(u *ui) error {
	rules, err := c.rules()
	if err != nil {
		return err
	}
	report, err := ceremony.Inspect(c.Paths, rules)
	u.report(report)
	return err
}
