package ceremony

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"coldvault/vault"
)

// CopyRequest is what `copy` is asked for.
type CopyRequest struct {
	From   []string // media that hold the generation; the sound parts of all count
	To     []string
	Vault  string // id, where the media hold several
	Number int    // generation, 0 for the newest
	Ledger string // folder of the vault in whose ledger the copies are recorded, "" for none
	Now    time.Time
}

// CopyResult says where the generation now is.
type CopyResult struct {
	Vault      string
	Generation int
	*vault.Duplicated
}

// Copy makes more proven copies of a generation. It needs no secret.
func Copy(c Console, r CopyRequest) (*CopyResult, error) {
	if r.Number < 0 {
		return nil, usage("generation %d does not exist", r.Number)
	}
	in, err := NewIntake()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	readInputs(c, in, nil, r.From)
	found, err := findSources(c, in)
	if err != nil {
		return nil, err
	}
	generation, err := selectGeneration(c, found.all(), r.Vault, r.Number)
	if err != nil {
		return nil, err
	}
	if err := sameVault(r.Ledger, generation.Identity.Vault.ID); err != nil {
		return nil, err
	}
	targets, failed, closeTargets := openTargets(r.From, r.To)
	defer closeTargets()
	if len(targets) == 0 {
		return nil, noTarget(failed)
	}
	places := locate(c, r.To)
	if r.Ledger != "" {
		folder, closeFolder, err := openFolder(r.Ledger)
		if err != nil {
			return nil, err
		}
		err = places.separate(c, folder, targets, r.Now)
		closeFolder()
		if err != nil {
			return nil, err
		}
	}
	copied, err := generation.Duplicate(targets, r.Now, throttled(c))
	c.Progress("", 0, 0)
	for _, n := range copied.Notes {
		c.Warn("%s", n)
	}
	if err != nil {
		return nil, withHint(err, "give more media with --from: what one has lost another may have")
	}
	copied.Failed = append(failed, copied.Failed...)
	for _, m := range copied.Media {
		if slices.Contains(copied.Held, m) {
			c.Say("%s had generation %d already: it was read, and all of it is whole", m, generation.Number)
			continue
		}
		c.Say("generation %d copied to %s and read back from it", generation.Number, m)
	}
	warnUnlogged(c, copied.Unlogged, copied.IDs)
	for _, f := range copied.Failed {
		c.Warn("%v", f)
	}
	err = record(r.Ledger, r.Now, places.copies(copied.IDs, func(name string) int { return copied.Newest[name] })...)
	result := &CopyResult{Vault: generation.Identity.Vault.ID, Generation: generation.Number, Duplicated: copied}
	if failed := len(copied.Failed); failed > 0 {
		err = withHint(errors.Join(fmt.Errorf("%d of %d media do not hold generation %d", failed, len(r.To), generation.Number), err),
			"mend or replace the medium and copy again; `coldvault check` says what one holds already")
	}
	return result, err
}
