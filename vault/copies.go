package vault

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// Copies are all media of one vault that are at hand.
type Copies struct {
	Identity *Identity
	Media    []*Medium
	// Notes are what the operator should know: which medium is damaged and
	// was passed over.
	Notes []string
}

// SeveralVaultsError is returned where the media are of more than one vault and
// none was named.
type SeveralVaultsError struct{ IDs []string }

func (e *SeveralVaultsError) Error() string {
	const shown = 8
	ids, more := e.IDs, ""
	if len(ids) > shown {
		ids, more = ids[:shown], fmt.Sprintf(" and %d more", len(e.IDs)-shown)
	}
	return "these media hold several vaults: " + strings.Join(ids, ", ") + more
}

// GatherCopies picks the media of one vault: that with the given id, or the only one where
// id is empty. What the vault is they may have only together: each file counts that is good
// on any of them.
func GatherCopies(found []*Medium, id string) (*Copies, error) {
	var ids []string
	for _, m := range found {
		if m.ID != "" && !slices.Contains(ids, m.ID) && (id == "" || m.ID == id) {
			ids = append(ids, m.ID)
		}
	}
	var known []*Copies
	var knownIDs []string
	var planted error
	for _, id := range ids {
		c := &Copies{}
		for _, m := range found {
			if m.ID == id || m.ID == "" { // a damaged vault.json in a folder that no id names
				c.Media = append(c.Media, m)
			}
		}
		var err error
		c.Identity, err = identify(id, c.Media)
		var two *plantedError
		switch {
		case err == nil:
			known, knownIDs = append(known, c), append(knownIDs, id)
		case errors.As(err, &two):
			planted, knownIDs = err, append(knownIDs, id)
		}
	}
	switch {
	case len(knownIDs) > 1:
		return nil, &SeveralVaultsError{IDs: knownIDs}
	case planted != nil:
		return nil, planted
	case len(known) == 1:
		known[0].note()
		return known[0], nil
	}
	var damage []error
	for _, m := range found {
		if m.Err != nil && (m.ID == id || id == "" || m.ID == "") {
			damage = append(damage, fmt.Errorf("%s: %w", m.Path(""), m.Err))
		}
	}
	if len(damage) > 0 {
		return nil, errors.Join(damage...)
	}
	return nil, fmt.Errorf("none of the media holds vault %s", id)
}

// note says which files are damaged on which medium, and what that means where no other
// has them.
func (c *Copies) note() {
	for _, m := range c.Media {
		if m.Err == nil {
			continue
		}
		for _, d := range c.Identity.damages(m) {
			c.Notes = append(c.Notes, d.Error())
		}
	}
	if c.Identity.noShares != nil {
		c.Notes = append(c.Notes, "no medium at hand has a good shares.json: a forged card is not named, and is noticed only when the cards do not give the key that vault.json names")
	}
}

// Copy is one generation, on every medium at hand that has it.
type Copy struct {
	Generation
	Identity *Identity
	media    []*Medium
	older    *Copy // the one before it that has a good manifest, nil for none
	// recipients are the recipient files of the compartments opened so far.
	recipients map[string][]byte
	// ledger is that of this generation, once cold was opened; nil where there is none.
	ledger *ledger.Ledger
}

// DamagedGenerationError is returned where a generation exists and cannot be used, so
// that nobody gets an older one without knowing.
type DamagedGenerationError struct {
	Number, Older int // Older is the newest one that can be used, 0 for none
	Err           error
}

func (e *DamagedGenerationError) Error() string {
	return fmt.Sprintf("generation %d cannot be used: %v", e.Number, e.Err)
}
func (e *DamagedGenerationError) Unwrap() error { return e.Err }

// ForkedGenerationError is returned where media have two different generations of the number
// that was asked for, or of the newest. Nobody but the operator knows which one is meant.
type ForkedGenerationError struct {
	Number int
	Other  int        // the newest one of which there are not several and that can be used, 0 for none
	On     [][]string // the media of each
	of     []string   // when each was made
}

func (e *ForkedGenerationError) Error() string {
	var parts []string
	for i, on := range e.On {
		parts = append(parts, fmt.Sprintf("that of %s is on %s", e.of[i], strings.Join(on, ", ")))
	}
	return fmt.Sprintf("there are %d different generations %d, each signed by the vault: %s", len(e.On), e.Number, strings.Join(parts, "; "))
}

// Select finds a generation by number, the newest one where number is 0. The
// rests of interrupted writes do not count, but are noted. Keeps G5.
func (c *Copies) Select(number int) (*Copy, error) {
	have := map[int][]*Medium{}
	for _, m := range c.Media {
		if _, err := m.log(); err != nil {
			c.Notes = append(c.Notes, fmt.Sprintf("%s: %v: whether a newer generation was on it is not known", m.Source.Name(), err))
		}
		numbers, err := m.numbers()
		if err != nil {
			c.Notes = append(c.Notes, err.Error())
		}
		for _, n := range numbers {
			have[n] = append(have[n], m)
		}
	}
	good := map[int]*Copy{}
	bad := map[int]error{}
	newest, newestBad := 0, 0
	for _, n := range slices.Sorted(maps.Keys(have)) {
		one, err := c.together(n, have[n])
		switch {
		case err != nil:
			bad[n], newestBad = err, n
		case one != nil:
			one.older = good[newest]
			good[n], newest = one, n
		}
	}
	older := func(than int) (found int) {
		for n := range good {
			if n < than {
				found = max(found, n)
			}
		}
		return found
	}
	if number == 0 {
		number = max(newest, newestBad)
		for _, m := range c.Media {
			if n := m.newestHeld(); n > number {
				return nil, &DamagedGenerationError{Number: n, Older: older(n), Err: m.lost(n)}
			}
		}
	}
	if number == 0 {
		return nil, errors.New("no complete generation is on these media")
	}
	for _, n := range slices.Sorted(maps.Keys(bad)) {
		var forked *ForkedGenerationError
		switch {
		case errors.As(bad[n], &forked) && n == number:
			forked.Other = newest
			return nil, forked
		case forked != nil:
			c.Notes = append(c.Notes, forked.Error())
		case n == number:
			return nil, &DamagedGenerationError{Number: n, Older: older(n), Err: bad[n]}
		}
	}
	if good[number] == nil {
		for _, m := range c.Media {
			if _, was := m.held()[number]; was || m.wasWhole(number) {
				return nil, &DamagedGenerationError{Number: number, Older: older(number), Err: m.lost(number)}
			}
		}
		return nil, fmt.Errorf("generation %d is on none of these media; the newest is %d", number, newest)
	}
	for _, m := range good[number].media {
		if g := m.readGeneration(c.Identity, number); g.Err == nil || errors.Is(g.Err, ErrIncomplete) {
			continue
		}
		for _, d := range good[number].damages(m) {
			c.Notes = append(c.Notes, d.Error())
		}
	}
	return good[number], nil
}

// lost is the error for a generation that was on a medium, and is not there or has no manifest.
func (m *Medium) lost(number int) error {
	where, name := m.Path(generationDir(number)), ledger.MediumLogName
	if m.OwnFolder() {
		name = "ledger"
	}
	if _, was := m.held()[number]; was {
		return fmt.Errorf("%s has lost it or its manifest: its %s says that it was there", where, name)
	}
	return fmt.Errorf("%s has no manifest, and all of it may have been there: the %s of the medium is gone or was damaged, and cannot tell", where, name)
}

// forked says which of several generations of one number is on which media.
func forked(number int, found []Generation, from []*Medium) *ForkedGenerationError {
	e := &ForkedGenerationError{Number: number}
	for _, g := range found {
		var on []string
		for _, m := range from {
			data, err := m.read(path.Join(generationDir(number), manifestFile), format.MaxManifestSize)
			if err == nil && bytes.Equal(data, g.files[manifestFile]) {
				on = append(on, m.Source.Name())
			}
		}
		e.On, e.of = append(e.On, on), append(e.of, g.Manifest.Created.Format("2006-01-02 15:04:05 UTC"))
	}
	return e
}

// together is a generation on the media that have something of it: those first that have its
// manifest. It is nil where all have the rest of an interrupted write.
func (c *Copies) together(number int, from []*Medium) (*Copy, error) {
	found, _ := manifests(c.Identity, number, from)
	if len(found) > 1 {
		return nil, forked(number, found, from)
	}
	var whole, rest []*Medium
	var bad error
	for _, m := range from {
		where := m.Path(generationDir(number))
		switch g := m.readGeneration(c.Identity, number); {
		case errors.Is(g.Err, ErrIncomplete):
			c.Notes = append(c.Notes, fmt.Sprintf("%s: %v", where, g.Err))
			rest = append(rest, m)
		case g.Err != nil:
			bad = errors.Join(bad, fmt.Errorf("%s: %w", where, g.Err))
			rest = append(rest, m)
		default:
			whole = append(whole, m)
		}
	}
	if len(found) == 0 {
		return nil, bad
	}
	return &Copy{Generation: found[0], Identity: c.Identity, media: append(whole, rest...), recipients: map[string][]byte{}}, nil
}

// damages names what of the manifest of a medium is not as it must be.
func (g *Generation) damages(m *Medium) []error {
	return compareFiles(m, path.Join(generationDir(g.Number), manifestFile), g.files[manifestFile], g.files[manifestFile+signatureExt])
}

// Read returns the bundle of a compartment: from the first medium where it is whole,
// else out of what is sound on all of them together. notes say what is damaged where. Keeps G3.
func (c *Copy) Read(compartment string) (data []byte, notes []string, err error) {
	name := compartment + ".age"
	want, ok := c.Manifest.File(name)
	if !ok {
		return nil, nil, fmt.Errorf("the manifest lists no %s", name)
	}
	return c.readFile(want)
}

// readFile is Read for any small file.
func (c *Copy) readFile(want format.ManifestFile) (data []byte, notes []string, err error) {
	var failures []error
	for _, m := range c.media {
		data, err := m.readListed(c.Number, want)
		if err == nil {
			return data, notes, nil
		}
		where := m.Path(generationDir(c.Number))
		failures = append(failures, fmt.Errorf("%s: %w", where, err))
		notes = append(notes, fmt.Sprintf("%s: %v", where, err))
	}
	data, rebuilt, err := c.rebuild(want)
	if err != nil {
		return nil, notes, errors.Join(append(failures, fmt.Errorf("repair: %w", err))...)
	}
	how := fmt.Sprintf("%d blocks were rebuilt from parity", rebuilt)
	if rebuilt == 0 {
		how = "put together from what is sound on all copies"
	}
	notes = append(notes, fmt.Sprintf("%s: %s: repair the medium with `coldvault check --repair`, or make a new copy", want.Name, how))
	return data, notes, nil
}

// readable is the number of the newest generation from c on that has the bundle of a
// compartment, 0 for none.
func (c *Copy) readable(compartment string) int {
	for ; c != nil; c = c.older {
		if _, _, err := c.Read(compartment); err == nil {
			return c.Number
		}
	}
	return 0
}

// Files are the files that a set of pages carries, by their path on a medium:
// everything that restores this generation (FORMAT.md section 8).
func (c *Copy) Files() (names []string, files map[string][]byte, err error) {
	if err := c.Identity.whole(); err != nil {
		return nil, nil, err
	}
	files = map[string][]byte{}
	put := func(dir, name string, data []byte) {
		p := mediumFolder + "/" + c.Identity.Vault.ID + "/" + dir + name
		names = append(names, p)
		files[p] = data
	}
	for _, name := range []string{vaultFile, sharesFile} {
		put("", name, c.Identity.files[name])
		put("", name+signatureExt, c.Identity.files[name+signatureExt])
	}
	dir := generationDir(c.Number) + "/"
	put(dir, manifestFile, c.Generation.files[manifestFile])
	put(dir, manifestFile+signatureExt, c.Generation.files[manifestFile+signatureExt])
	for _, compartment := range format.Compartments() {
		data, _, err := c.Read(compartment)
		if err != nil {
			return nil, nil, err
		}
		put(dir, compartment+".age", data)
	}
	return names, files, nil
}
