package vault

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// A seal writes to the folder of the vault and to several media at once, and a power cut
// takes all of them: the folder on a file system with a journal, the media with the rules
// of FAT.

// newJournalWorld is newFastWorld with a folder on a file system with a journal.
func newJournalWorld(t *testing.T) (*world, *mediatest.FS) {
	t.Helper()
	skipShort(t)
	disk := mediatest.New("vault")
	disk.Journal = true
	return newWorldIn(t, media.NewDir(disk), 3, 2, 2), disk
}

// machine is the folder of a vault and the media that are plugged in. The folder is first.
type machine []*mediatest.FS

func (m machine) snapshot() machine {
	var out machine
	for _, f := range m {
		out = append(out, f.Snapshot())
	}
	return out
}

// on is the world with the folder and the media of m.
func (w *world) on(m []media.FS) (*world, []*media.Dir, error) {
	folder, err := OpenFolder(media.NewDir(m[0]))
	if err != nil {
		return nil, nil, err
	}
	var sticks []*media.Dir
	for _, f := range m[1:] {
		sticks = append(sticks, media.NewDir(f))
	}
	out := *w
	out.folder = folder
	return &out, sticks, nil
}

func (m machine) all() (out []media.FS) {
	for _, f := range m {
		out = append(out, f)
	}
	return out
}

// cut runs a writer over a machine and cuts the power before each of its operations, on
// whichever part it is, and once after the last. look sees the states that limit allows of
// the part that is written to, each with a random one of the others, and every-th operation.
// It returns how many operations and states there were.
func (m machine) cut(every, limit int, run func([]media.FS) error, look func(after machine, done bool) error) (operations, states int, err error) {
	var mu sync.Mutex // the parts are written to at the same time
	rng := rand.New(rand.NewPCG(3, 4))
	var found error
	at := func(part int, where string, done bool) {
		for label, after := range mediatest.AllCrashes(m[part], limit) {
			if found != nil {
				return
			}
			left := make(machine, len(m))
			for i, f := range m {
				if left[i] = after; i != part {
					left[i] = mediatest.RandomCrash(f, rng)
				}
			}
			states++
			if err := look(left, done); err != nil {
				found = fmt.Errorf("power cut %s, %s: %w", where, label, err)
			}
		}
	}
	var over []media.FS
	for part, f := range m {
		x := mediatest.NewFaults(f)
		x.Before = func(_ int, op mediatest.Op) {
			mu.Lock()
			defer mu.Unlock()
			if operations++; operations%every == 0 {
				at(part, fmt.Sprintf("before %s on %s", op, f.Name()), false)
			}
		}
		over = append(over, x)
	}
	err = run(over)
	for part := range m {
		at(part, "after the last operation", err == nil)
	}
	return operations, states, errors.Join(found, err)
}

// holds judges what a cut has left: the folder can be used, every medium has generation old
// or a newer one that is whole, and none has a generation that the folder does not know.
func (w *world) holds(m machine, old int) error {
	now, _, err := w.on(m.all())
	if err != nil {
		return err
	}
	known := map[int]string{}
	generations, err := now.folder.Generations(now.folder.Identity)
	if err != nil {
		return err
	}
	for _, g := range generations {
		known[g.Number] = g.Digest
	}
	for _, f := range Check(now.folder.Medium, CheckOptions{}).Findings {
		// What is sealed is recorded by the caller of Seal, which these tests do not do.
		if f.Severity == Damage && f.ID != "GENERATION-INCOMPLETE" && f.ID != "VAULT-LEDGER-BEHIND" {
			return fmt.Errorf("the folder: %s %s: %s", f.ID, f.Path, f.Text)
		}
	}
	for _, f := range m[1:] {
		number, _, err := intact(f)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", f.Name(), err)
		case number < old:
			return fmt.Errorf("%s: generation %d, and before the cut there was %d", f.Name(), number, old)
		}
		found, err := OpenMedia(media.NewDir(f))
		if err != nil {
			return err
		}
		c, err := (&Copies{Identity: w.folder.Identity, Media: found}).Select(number)
		if err != nil {
			return err
		}
		if known[number] != c.Digest {
			return fmt.Errorf("%s: it has generation %d, and the folder does not: its number would be used again", f.Name(), number)
		}
	}
	return nil
}

// tidy seals onto what a cut has left. Nothing of the cut may be there afterwards.
func (w *world) tidy(m machine, archive string) error {
	now, sticks, err := w.on(m.all())
	if err != nil {
		return err
	}
	result, err := now.sealWith(archive, 0, sticks...)
	if err != nil {
		return fmt.Errorf("the next seal: %w", err)
	}
	if len(result.Failed) > 0 {
		return fmt.Errorf("the next seal: %w", result.Failed[0])
	}
	cards := w.cards(1, 3)
	for _, f := range m[1:] {
		found, err := OpenMedia(media.NewDir(f))
		if err != nil {
			return err
		}
		if findings := Check(found[0], CheckOptions{}).Findings; len(findings) > 0 {
			return fmt.Errorf("after the next seal: %s %s: %s", findings[0].ID, findings[0].Path, findings[0].Text)
		}
		number, err := restores(cards, f)
		if err != nil || number != result.Generation {
			return fmt.Errorf("after the next seal generation %d comes back: %w", number, err)
		}
	}
	return nil
}

// everyOperation is how many operations of a seal there are from one cut to the next.
func everyOperation() int {
	if exhaustive() {
		return 1
	}
	return 9
}

// togetherLimit is how many states of one point are looked at: each is several media.
func togetherLimit() int { return min(crashLimit(), 12) }

// Shows G4.
func TestAPowerCutDuringASealOnTwoMediaLosesNothing(t *testing.T) {
	for _, keep := range []int{0, 1} {
		t.Run(fmt.Sprintf("keep %d", keep), func(t *testing.T) {
			w, disk := newJournalWorld(t)
			m := machine{disk, mediatest.New("stick 1"), mediatest.New("stick 2")}
			archive := archiveFile(t, 5_000)
			first, sticks, err := w.on(m.all())
			require.NoError(t, err)
			_, err = first.sealWith(archive, 0, sticks...)
			require.NoError(t, err)
			again, seen := 0, 0
			operations, states, err := m.cut(everyOperation(), togetherLimit(), func(over []media.FS) error {
				now, sticks, err := w.on(over)
				if err != nil {
					return err
				}
				result, err := now.sealWith(archive, keep, sticks...)
				if err == nil && len(result.Failed) > 0 {
					err = result.Failed[0]
				}
				return err
			}, func(after machine, done bool) error {
				if err := w.holds(after, 1); err != nil {
					return err
				}
				if seen++; seen%10 != 0 && !done {
					return nil
				}
				again++
				return w.tidy(after.snapshot(), archive)
			})
			require.NoError(t, err)
			t.Logf("seal onto two media: %d operations, %d states of all of them together, 0 losses; %d were sealed onto again and are tidy", operations, states, again)
			require.Greater(t, states, 100)
		})
	}
}

// What an interrupted seal has left is cleaned up by the next one, and that may be cut too.
// Shows G22.
func TestAPowerCutDuringTheCleanUpLosesNothing(t *testing.T) {
	w, disk := newJournalWorld(t)
	m := machine{disk, mediatest.New("stick")}
	first, sticks, err := w.on(m.all())
	require.NoError(t, err)
	_, err = first.sealWith("", 0, sticks...)
	require.NoError(t, err)

	// Cut where all of the new generation is there but its manifest.
	var left machine
	_, _, err = m.cut(1, 1, func(over []media.FS) error {
		now, sticks, err := w.on(over)
		if err == nil {
			_, err = now.sealWith("", 0, sticks...)
		}
		return err
	}, func(after machine, _ bool) error {
		generation := path.Join("coldvault", w.folder.ID, generationDir(2))
		names, err := media.NewDir(after[1]).List(generation)
		if err == nil && len(names) >= 6 {
			if there, _ := media.NewDir(after[1]).Exists(path.Join(generation, manifestFile)); !there {
				left = after
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.NotNil(t, left)

	seen, again := 0, 0
	operations, states, err := left.cut(everyOperation(), togetherLimit(), func(over []media.FS) error {
		now, sticks, err := w.on(over)
		if err == nil {
			_, err = now.sealWith("", 0, sticks...)
		}
		return err
	}, func(after machine, _ bool) error {
		if err := w.holds(after, 1); err != nil {
			return err
		}
		if seen++; seen%10 != 0 {
			return nil
		}
		again++
		return w.tidy(after.snapshot(), "")
	})
	require.NoError(t, err)
	t.Logf("clean-up of an interrupted seal: %d operations, %d states, 0 losses; %d were sealed onto again and are tidy", operations, states, again)
	require.Greater(t, states, 50)
}

// A power cut in the middle of a rename on FAT leaves both names. The next seal removes the
// temporary one where the file is good, and keeps it where the file is damaged: it may be
// the only whole copy. Breaks G22.
func TestASealRemovesTheRestsOfGoodFilesAlone(t *testing.T) {
	w := newFastWorld(t)
	stick := mediatest.New("stick")
	d := media.NewDir(stick)
	_, err := w.sealWith("", 0, d)
	require.NoError(t, err)
	base := path.Join("coldvault", w.folder.ID)
	var rests []string
	for _, name := range []string{
		vaultFile, "restore/RESTORE.txt", generationDir(1) + "/" + manifestFile, generationDir(1) + "/cold.age", generationDir(1) + "/hot.age",
	} {
		name = path.Join(base, name)
		require.NoError(t, d.Commit(media.TempName(name), readOn(t, stick, name)))
		rests = append(rests, media.TempName(name))
	}
	hot := path.Join(base, generationDir(1), "hot.age")
	kept, whole := media.TempName(hot), readOn(t, stick, hot)
	flipOn(t, stick, hot, 100)
	require.NoError(t, d.Commit(kept, whole))
	_, err = w.sealWith("", 0, d)
	require.NoError(t, err)
	for _, name := range rests {
		exists, err := d.Exists(name)
		require.NoError(t, err)
		require.Equal(t, name == kept, exists, name)
	}
	require.NoError(t, mend(stick))
	found, err := OpenMedia(d)
	require.NoError(t, err)
	require.Empty(t, Check(found[0], CheckOptions{}).Findings)
}

// A writer that has another order than generation.write is caught: with the manifest before
// its files, a power cut in between leaves a generation that counts and is empty. In the right
// order the same writer loses nothing. Breaks G4.
func TestAManifestBeforeItsFilesIsCaught(t *testing.T) {
	w, disk := newJournalWorld(t)
	m := machine{disk, mediatest.New("stick")}
	now, sticks, err := w.on(m.all())
	require.NoError(t, err)
	_, err = now.sealWith("", 0, sticks...)
	require.NoError(t, err)
	before := m[1].Snapshot()
	_, err = now.sealWith("", 0, sticks...)
	require.NoError(t, err)
	folder := path.Join("coldvault", w.folder.ID, generationDir(2))
	files := map[string][]byte{}
	collect(t, media.NewDir(m[1]), folder, files)
	manifest := path.Join(folder, manifestFile)
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool { return name == manifest })
	for _, order := range []struct {
		names  []string
		caught bool
	}{{append(slices.Clone(rest), manifest), false}, {append([]string{manifest}, rest...), true}} {
		_, _, err := machine{disk, before.Snapshot()}.cut(1, crashLimit(), func(over []media.FS) error {
			d := media.NewDir(over[1])
			if err := d.MkdirAll(folder); err != nil {
				return err
			}
			for _, name := range order.names {
				if err := d.Commit(name, files[name]); err != nil {
					return err
				}
			}
			return nil
		}, func(after machine, _ bool) error { return w.holds(after, 1) })
		if order.caught {
			require.ErrorContains(t, err, "power cut")
		} else {
			require.NoError(t, err)
		}
	}
}
