package vault

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/shard"
	"coldvault/vault/format"
)

// Power cuts and failing media, over a file system in memory with the rules of FAT: what
// was not synced survives or not, whole or in halves, and a rename is not one step.

// crashLimit is how many states of one point are looked at.
func crashLimit() int {
	if exhaustive() {
		return 25
	}
	return 5
}

// sealedFiles is what sealWith seals, besides an archive.
var sealedFiles = map[string]string{"cold.skey": "the cold key", "sub/kes.skey": "the kes key", "kes.vkey": "public"}

// sealWith seals with an archive, and keeps a number of generations.
func (w *world) sealWith(archive string, keep int, targets ...*media.Dir) (*SealResult, error) {
	r := SealRequest{Kit: map[string][]byte{"RESTORE.txt": []byte("how to")}, Created: testTime, Targets: targets, Keep: keep}
	src := w.t.TempDir()
	for name, data := range sealedFiles {
		file := filepath.Join(src, name)
		require.NoError(w.t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(w.t, os.WriteFile(file, []byte(data), 0o600))
	}
	g, err := GatherToSeal([]string{src}, strings.Fields(archive)) // none, one or several
	require.NoError(w.t, err)
	defer g.Destroy()
	for i, f := range g.Files {
		f.Network, f.Role = "generic", "file"
		if g.Large[i] != nil {
			r.Archives = append(r.Archives, ArchiveSource{ContentsFile: f, File: g.Large[i], Compartment: "hot"})
			continue
		}
		r.Material = append(r.Material, Material{ContentsFile: f, Data: g.Data[i], Cold: f.Name != "sub/kes.skey", Hot: f.Name != "cold.skey"})
	}
	if r.Signer, err = w.folder.UnlockSigner(w.passphrase); err != nil {
		return nil, err
	}
	defer r.Signer.Destroy()
	return w.folder.Seal(r)
}

// restores opens the newest generation, compares every file, and returns its number. The
// error says what an operator would lose.
func restores(cards []shard.Share, fs media.FS) (int, error) {
	return restoresFrom(cards, media.NewDir(fs))
}

// errOtherFiles is what must never happen.
var errOtherFiles = errors.New("it came back with other files than were sealed")

func restoresFrom(cards []shard.Share, from ...media.Source) (int, error) {
	var found []*Medium
	for _, source := range from {
		m, err := OpenMedia(source)
		if err != nil {
			return 0, err
		}
		found = append(found, m...)
	}
	copies, err := GatherCopies(found, "")
	if err != nil {
		return 0, err
	}
	c, err := copies.Select(0)
	if err != nil {
		return 0, err
	}
	got := map[string]string{}
	for _, compartment := range []string{"cold", "hot"} {
		b, _, err := c.Open(compartment, JudgeShares(c.Identity, cards))
		if err != nil {
			return 0, err
		}
		defer b.Destroy()
		for i, f := range b.Contents.Files {
			got[f.Name] = string(b.Data[i].Bytes())
		}
	}
	if !maps.Equal(got, sealedFiles) {
		return 0, fmt.Errorf("generation %d: %w", c.Number, errOtherFiles)
	}
	return c.Number, nil
}

// intact is restores without a card: the newest generation is selected, and its bundles are
// as its signed manifest lists them, or can be rebuilt.
func intact(fs media.FS) (number int, whole bool, err error) {
	found, err := OpenMedia(media.NewDir(fs))
	if err != nil {
		return 0, false, err
	}
	copies, err := GatherCopies(found, "")
	if err != nil {
		return 0, false, err
	}
	c, err := copies.Select(0)
	if err != nil {
		return 0, false, err
	}
	for _, compartment := range []string{"cold", "hot"} {
		if _, _, err := c.Read(compartment); err != nil {
			return c.Number, false, err
		}
	}
	for _, g := range Check(found[0], CheckOptions{}).Generations {
		if g.Number == c.Number {
			whole = g.Whole
		}
		if !g.Whole {
			continue
		}
		// Check has called it whole: every file is there.
		other, err := copies.Select(g.Number)
		if err != nil {
			return c.Number, whole, err
		}
		for _, f := range other.Manifest.Files {
			if g.Damaged && format.IsParity(f.Name) {
				continue // it says so
			}
			if err := found[0].verifyListed(g.Number, f); err != nil {
				return c.Number, whole, fmt.Errorf("check calls generation %d whole: %w", g.Number, err)
			}
		}
	}
	return c.Number, whole, nil
}

// cutEverywhere runs a writer over a medium and looks at every state that a power cut can
// leave: it must hold generation old or newer, restorable; after the end the newest.
func (w *world) cutEverywhere(name string, stick *mediatest.FS, old int, run func(*media.Dir) error) {
	w.t.Helper()
	cards := w.cards(1, 2)
	n, looked := 0, 0
	every := 5
	if exhaustive() {
		every = 1
	}
	_, err := mediatest.Cut(stick, crashLimit(), func(f media.FS) error { return run(media.NewDir(f)) },
		func(after *mediatest.FS, done bool) error {
			if n++; n%every != 0 && !done {
				return nil
			}
			looked++
			number, whole, err := intact(after)
			if err == nil && n%200 == 0 {
				number, err = restores(cards, after)
			}
			switch {
			case old == 0 && !done && (errors.Is(err, ErrNoVault) || number == 0):
				return nil // there was nothing to lose
			case err != nil:
				return err
			case number < old:
				return fmt.Errorf("generation %d, and before the cut there was %d", number, old)
			case done && !whole:
				return fmt.Errorf("it is done, and generation %d is not whole", number)
			}
			return nil
		})
	require.NoError(w.t, err)
	w.t.Logf("%s: %d states after power cuts, none lost anything", name, looked)
	require.Greater(w.t, looked, 100)
}

// newFastWorld is a vault whose folder waits for no disk.
func newFastWorld(t *testing.T) *world {
	t.Helper()
	skipShort(t)
	return newWorldIn(t, media.NewDir(mediatest.New("vault")), 3, 2, 2)
}

func skipShort(t *testing.T) {
	if testing.Short() {
		t.Skip("power cuts, faults and damage are the same with every runtime")
	}
}

// archiveFile makes a file for an archive.
func archiveFile(t *testing.T, size int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "dump")
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(data)
	require.NoError(t, os.WriteFile(name, data, 0o600))
	return name
}

// Shows G4.
func TestAPowerCutDuringASealLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		old  int
		keep int
	}{{"the first seal onto a medium", 0, 0}, {"a seal onto a medium with a generation", 1, 0}, {"a seal that retires the generation before", 1, 1}} {
		t.Run(c.name, func(t *testing.T) {
			w := newFastWorld(t)
			stick := mediatest.New("stick")
			archive := archiveFile(t, 20_000)
			if c.old > 0 {
				_, err := w.sealWith(archive, 0, media.NewDir(stick))
				require.NoError(t, err)
			}
			w.cutEverywhere(c.name, stick, c.old, func(d *media.Dir) error {
				result, err := w.sealWith(archive, c.keep, d)
				if err == nil && len(result.Failed) > 0 {
					err = result.Failed[0]
				}
				return err
			})
		})
	}
}

// Shows G22.
func TestAPowerCutDuringARepairOrACopyLosesNothing(t *testing.T) {
	w := newFastWorld(t)
	good := mediatest.New("good")
	_, err := w.sealWith("", 0, media.NewDir(good))
	require.NoError(t, err)
	t.Run("repair", func(t *testing.T) {
		w := *w
		w.t = t
		stick := mediatest.New("stick")
		_, err := w.sealWith("", 0, media.NewDir(stick))
		require.NoError(t, err)
		for _, name := range []string{"cold.age", "hot.age", "cold.age.parity"} {
			flipOn(t, stick, path.Join("coldvault", w.folder.ID, generationDir(2), name), 100)
		}
		w.cutEverywhere("repair", stick, 2, func(d *media.Dir) error {
			found, err := OpenMedia(d)
			if err != nil {
				return err
			}
			mended, err := Mend(Check(found[0], CheckOptions{}), d, nil, testTime, nil)
			for _, m := range mended {
				err = errors.Join(err, m.Err)
			}
			return err
		})
	})
	t.Run("copy", func(t *testing.T) {
		w := *w
		w.t = t
		w.cutEverywhere("copy", mediatest.New("stick"), 0, func(d *media.Dir) error {
			found, err := OpenMedia(media.NewDir(good))
			if err != nil {
				return err
			}
			copies, err := GatherCopies(found, "")
			if err != nil {
				return err
			}
			c, err := copies.Select(0)
			if err != nil {
				return err
			}
			done, err := c.Duplicate([]*media.Dir{d}, testTime, func(string, int64, int64) {})
			if err == nil && len(done.Failed) > 0 {
				err = done.Failed[0]
			}
			return err
		})
	})
}

// flipOn inverts a byte of a file and makes that durable.
func flipOn(t *testing.T, f *mediatest.FS, name string, offset int64) {
	t.Helper()
	d, data := media.NewDir(f), readOn(t, f, name)
	data[offset] ^= 0xff
	require.NoError(t, d.RemoveAll(name))
	require.NoError(t, d.Commit(name, data))
}

func readOn(t *testing.T, f *mediatest.FS, name string) []byte {
	t.Helper()
	data, err := media.NewDir(f).Read(name, 1<<20)
	require.NoError(t, err)
	return data
}

// After any cut the next seal goes on, and takes away what the cut left.
func TestTheNextSealCleansUpAfterAPowerCut(t *testing.T) {
	w := newFastWorld(t)
	stick := mediatest.New("stick")
	_, err := w.sealWith("", 0, media.NewDir(stick))
	require.NoError(t, err)
	var left []*mediatest.FS
	rng := rand.New(rand.NewPCG(1, 2))
	x := mediatest.NewFaults(stick)
	x.Before = func(int, mediatest.Op) { left = append(left, mediatest.RandomCrash(stick, rng)) }
	_, err = w.sealWith("", 0, media.NewDir(x))
	require.NoError(t, err)
	step := 23
	if exhaustive() {
		step = 1
	}
	for i := 0; i < len(left); i += step {
		result, err := w.sealWith("", 0, media.NewDir(left[i]))
		require.NoError(t, err, "cut %d", i)
		require.Empty(t, result.Failed, "cut %d", i)
		found, err := OpenMedia(media.NewDir(left[i]))
		require.NoError(t, err)
		checked := Check(found[0], CheckOptions{})
		require.False(t, checked.Damaged(), "cut %d: %v", i, checked.Findings)
		for _, f := range checked.Findings {
			require.NotEqual(t, "GENERATION-INCOMPLETE", f.ID, "cut %d", i)
		}
	}
	t.Logf("%d media as cuts have left them were sealed onto again", (len(left)+step-1)/step)
}

// Shows G4.
func TestAThousandRandomPowerCutsLoseNothing(t *testing.T) {
	w := newFastWorld(t)
	cards := w.cards(1, 2)
	count := 40
	if exhaustive() {
		count = 1000
	}
	rng := rand.New(rand.NewPCG(42, 43))
	stick := mediatest.New("stick")
	archive := archiveFile(t, 20_000)
	_, err := w.sealWith(archive, 0, media.NewDir(stick))
	require.NoError(t, err)
	const cutsOfASeal = 10
	old, kept := 0, 0
	for i := 0; i < count; {
		before := stick.Snapshot()
		var after []*mediatest.FS
		x := mediatest.NewFaults(before)
		every := 1 + rng.IntN(30)
		x.Before = func(n int, _ mediatest.Op) {
			if n%every == 0 && rng.IntN(cutsOfASeal) == 0 {
				after = append(after, mediatest.RandomCrash(before, rng))
			}
		}
		_, err := w.sealWith(archive, 1, media.NewDir(x))
		require.NoError(t, err)
		for _, f := range after {
			i++
			number, err := restores(cards, f)
			require.NoError(t, err, "cut %d", i)
			if number == 1 {
				old++
			} else {
				kept++
			}
		}
	}
	t.Logf("%d random cuts, seeded: the generation before came back after %d, the new one after %d, neither after 0", old+kept, old, kept)
	require.NotZero(t, old)
	require.NotZero(t, kept)
}

// unsynced is a file system that says it has synced and has not.
type unsynced struct{ media.FS }

func (unsynced) SyncDir(string) error { return nil }

func (u unsynced) Create(name string, perm os.FileMode) (media.File, error) {
	f, err := u.FS.Create(name, perm)
	return unsyncedFile{f}, err
}

type unsyncedFile struct{ media.File }

func (unsyncedFile) Sync() error { return nil }

// Without the syncs the same harness finds what would be lost. Breaks G4.
func TestASealThatDoesNotSyncIsCaught(t *testing.T) {
	w := newFastWorld(t)
	stick := mediatest.New("stick")
	_, err := w.sealWith("", 0, media.NewDir(stick))
	require.NoError(t, err)
	_, err = mediatest.Cut(stick, crashLimit(), func(f media.FS) error {
		_, err := w.sealWith("", 1, media.NewDir(unsynced{f}))
		return err
	}, func(after *mediatest.FS, _ bool) error {
		_, _, err := intact(after)
		return err
	})
	require.ErrorContains(t, err, "power cut")
}
