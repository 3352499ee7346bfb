package vault

import (
	"errors"
	"fmt"
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

// GatherCopies picks the media of one vault: that with the given id, or the only
// one where id is empty. A medium whose own vault.json is damaged still counts as
// long as another copy has a good one.
func GatherCopies(found []*Medium, id string) (*Copies, error) {
	var ids []string
	for _, m := range found {
		if m.Identity != nil && !slices.Contains(ids, m.ID) {
			ids = append(ids, m.ID)
		}
	}
	if id == "" && len(ids) > 1 {
		return nil, &SeveralVaultsError{IDs: ids}
	}
	if id == "" && len(ids) == 1 {
		id = ids[0]
	}
	c := &Copies{}
	var damage []error
	for _, m := range found {
		if m.Err != nil && (m.ID == id || id == "" || m.ID == "") {
			damage = append(damage, fmt.Errorf("%s: %w", m.Path(""), m.Err))
		}
		if m.ID != id && m.ID != "" {
			continue
		}
		if err := c.add(m); err != nil {
			return nil, err
		}
	}
	if c.Identity == nil {
		if len(damage) > 0 {
			return nil, errors.Join(damage...)
		}
		return nil, fmt.Errorf("none of the media holds vault %s", id)
	}
	for _, d := range damage {
		c.Notes = append(c.Notes, d.Error())
	}
	return c, nil
}

// add takes a medium in; two different identities of one id are never mixed.
// The newest shares.json counts.
func (c *Copies) add(m *Medium) error {
	c.Media = append(c.Media, m)
	if m.Identity == nil {
		return nil
	}
	if c.Identity != nil && c.Identity.Fingerprint != m.Identity.Fingerprint {
		return fmt.Errorf("%s holds another vault.json than %s for the same id: one of them was planted; compare the fingerprint with a card",
			m.Path(""), c.Media[0].Path(""))
	}
	if c.Identity == nil || m.Identity.Shares.Sequence > c.Identity.Shares.Sequence {
		c.Identity = m.Identity
	}
	return nil
}

// Copy is one generation, on every medium at hand that has it.
type Copy struct {
	Generation
	Identity *Identity
	media    []*Medium
	// recipients are the recipient files of the compartments opened so far.
	recipients map[string][]byte
	// ledger is that of this generation, once cold was opened; nil where there is none.
	ledger *ledger.Ledger
}

// DamagedGenerationError is returned where the newest generation exists and
// cannot be used, so that nobody gets an older one without knowing.
type DamagedGenerationError struct {
	Number, Older int // Older is the newest one that can be used, 0 for none
	Err           error
}

func (e *DamagedGenerationError) Error() string {
	return fmt.Sprintf("generation %d cannot be used: %v", e.Number, e.Err)
}
func (e *DamagedGenerationError) Unwrap() error { return e.Err }

// Select finds a generation by number, the newest one where number is 0. The
// rests of interrupted writes do not count, but are noted. Keeps G5.
func (c *Copies) Select(number int) (*Copy, error) {
	good := map[int]*Copy{}
	bad := map[int]error{}
	newest, newestBad := 0, 0
	for _, m := range c.Media {
		generations, err := m.Generations(c.Identity)
		if err != nil {
			c.Notes = append(c.Notes, err.Error())
		}
		for _, g := range generations {
			where := m.Path(generationDir(g.Number))
			switch {
			case errors.Is(g.Err, ErrIncomplete):
				c.Notes = append(c.Notes, fmt.Sprintf("%s: %v", where, g.Err))
			case g.Err != nil:
				bad[g.Number] = errors.Join(bad[g.Number], fmt.Errorf("%s: %w", where, g.Err))
				newestBad = max(newestBad, g.Number)
			case good[g.Number] == nil:
				good[g.Number] = &Copy{Generation: g, Identity: c.Identity, media: []*Medium{m}, recipients: map[string][]byte{}}
				newest = max(newest, g.Number)
			case good[g.Number].Digest != g.Digest:
				return nil, fmt.Errorf("%s and %s are two different generations %d, both signed by the vault: restore from one medium at a time",
					good[g.Number].media[0].Path(""), where, g.Number)
			default:
				good[g.Number].media = append(good[g.Number].media, m)
			}
		}
	}
	if number == 0 {
		if newestBad > newest {
			return nil, &DamagedGenerationError{Number: newestBad, Older: newest, Err: bad[newestBad]}
		}
		number = newest
	}
	if number == 0 {
		return nil, errors.New("no complete generation is on these media")
	}
	if good[number] == nil && bad[number] != nil {
		return nil, &DamagedGenerationError{Number: number, Older: newest, Err: bad[number]}
	}
	if good[number] == nil {
		return nil, fmt.Errorf("generation %d is on none of these media; the newest is %d", number, newest)
	}
	for n, err := range bad {
		if n == number {
			c.Notes = append(c.Notes, strings.Split(err.Error(), "\n")...)
		}
	}
	return good[number], nil
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
	notes = append(notes, fmt.Sprintf("%s: %d blocks were rebuilt from parity: repair the medium with `coldvault check --repair`, or make a new copy", want.Name, rebuilt))
	return data, notes, nil
}

// Files are the files that a set of pages carries, by their path on a medium:
// everything that restores this generation (FORMAT.md section 8).
func (c *Copy) Files() (names []string, files map[string][]byte, err error) {
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
