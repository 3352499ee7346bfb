package vault

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/vault/ledger"
)

// pair is two media with the same two generations; much is damaged on one.
type pair struct {
	w         *world
	bad, good *mediatest.FS
	want      map[string][]byte // the files of bad as they were
}

func newPair(t *testing.T, damaged ...string) *pair {
	t.Helper()
	p := &pair{w: newFastWorld(t), bad: mediatest.New("bad"), good: mediatest.New("good")}
	for range 2 {
		_, err := p.w.sealWith(archiveFile(t, 3_000), 0, media.NewDir(p.bad), media.NewDir(p.good))
		require.NoError(t, err)
	}
	var err error
	p.want, err = filesBelow(media.NewDir(p.bad), ".")
	require.NoError(t, err)
	for _, name := range damaged {
		flipOn(t, p.bad, p.at(name), 60)
	}
	return p
}

// at is where a file of the vault is on a medium.
func (p *pair) at(name string) string { return path.Join(mediumFolder, p.w.folder.ID, name) }

// both are the copies on a medium and on the good one.
func (p *pair) both(f media.FS) ([]*Medium, *Copies, error) {
	found, err := OpenMedia(media.NewDir(f))
	if err != nil {
		return nil, nil, err
	}
	good, err := OpenMedia(media.NewDir(p.good))
	if err != nil {
		return nil, nil, err
	}
	found = append(found, good...)
	copies, err := GatherCopies(found, "")
	return found, copies, err
}

// mend repairs a medium out of itself and of the good one.
func (p *pair) mend(f media.FS) error {
	found, _, err := p.both(f)
	if err != nil {
		return err
	}
	d := media.NewDir(f)
	mended, err := Mend(Check(found[0], CheckOptions{Repairs: true}), d, found[1:], testTime, nil)
	for _, m := range mended {
		err = errors.Join(err, m.Err)
	}
	return err
}

// restores wants the newest generation from both media together.
func (p *pair) restores(f media.FS) error {
	_, copies, err := p.both(f)
	if err != nil {
		return err
	}
	c, err := copies.Select(0)
	if err != nil {
		return err
	}
	for _, name := range []string{"cold", "hot"} {
		if _, _, err := c.Read(name); err != nil {
			return err
		}
	}
	if c.Number != 2 {
		return fmt.Errorf("generation %d is the newest", c.Number)
	}
	return nil
}

// asSealed wants every file as it was, but for a log that may have begun anew.
func (p *pair) asSealed(f media.FS) error {
	for name, want := range p.want {
		got, err := media.NewDir(f).Read(name, 1<<20)
		if path.Base(name) != ledger.MediumLogName && (err != nil || !bytes.Equal(got, want)) {
			return errors.Join(fmt.Errorf("%s is not what it was", name), err)
		}
	}
	found, err := OpenMedia(media.NewDir(f))
	if err == nil && Check(found[0], CheckOptions{}).Damaged() {
		err = errors.New("check reports damage")
	}
	return err
}

// findsNothing is a check without a finding, not even of a temporary file.
func findsNothing(f media.FS) error {
	found, err := OpenMedia(media.NewDir(f))
	if err != nil {
		return err
	}
	for _, f := range Check(found[0], CheckOptions{}).Findings {
		return fmt.Errorf("%s: %s %s", f.ID, f.Path, f.Text)
	}
	return nil
}

// beyondParity is damage that only another medium helps against, and some that parity does.
func beyondParity() []string {
	return []string{"vault.json", "shares.json.minisig", "hot.recipient", "restore/SHA256SUMS", "checks.log",
		"generations/000001/manifest.json.minisig", "generations/000002/manifest.json",
		"generations/000002/cold.age", "generations/000002/cold.age.parity", "generations/000002/archive-01.age"}
}

// A repair out of another medium that the power cuts off makes nothing worse: both together
// restore the newest generation, and the next repair ends it and leaves nothing behind. Shows G22.
func TestAPowerCutDuringARepairFromAnotherMediumMakesNothingWorse(t *testing.T) {
	p := newPair(t, beyondParity()...)
	states, again, every := 0, 0, 9
	if exhaustive() {
		every = 1
	}
	check := func(after *mediatest.FS, done bool) error {
		states++
		if done {
			return p.asSealed(after)
		}
		if err := p.restores(after); err != nil || states%every > 0 {
			return err
		}
		again++
		if err := p.mend(after); err != nil {
			return fmt.Errorf("the next repair: %w", err)
		}
		if err := errors.Join(p.asSealed(after), findsNothing(after)); err != nil {
			return fmt.Errorf("after the next repair: %w", err)
		}
		return nil
	}
	_, err := mediatest.Cut(p.bad.Snapshot(), crashLimit(), p.mend, check)
	require.NoError(t, err)

	disk, rng := p.bad.Snapshot(), rand.New(rand.NewPCG(8, 9))
	x := mediatest.NewFaults(disk)
	random := 0
	x.Before = func(n int, op mediatest.Op) {
		for range 2 {
			if random == 1000 || n%every > 0 {
				return
			}
			random++
			if err := check(mediatest.RandomCrash(disk, rng), false); err != nil {
				t.Errorf("random power cut before operation %d, %s: %v", n, op, err)
			}
		}
	}
	require.NoError(t, p.mend(x))
	t.Logf("repair from another medium: %d operations, %d states (%d random), 0 losses; %d repaired to the end", x.Count(), states, random, again)
	require.NotZero(t, again)
}

// A fault of the medium that is repaired: the repair says so, or all of it is there; and
// nothing that could be restored is lost.
func TestEveryFaultOfARepairFromAnotherMediumIsSeen(t *testing.T) {
	p := newPair(t, beyondParity()...)
	everyFault(t, p.bad, faultStep(11), func(f faulty) bool {
		err := p.mend(f)
		require.NoError(t, p.restores(f.inner), "%s: %v", f, err)
		switch f.fault {
		case mediatest.ShortRead, mediatest.FlippedRead: // what hid damage is named by the check that follows
		default:
			if err == nil {
				require.NoError(t, p.asSealed(f.inner), f)
				require.NoError(t, p.asSealed(f.inner.Crash(mediatest.Nothing)), f)
			}
		}
		return err != nil
	})
}

// A rename on FAT that the power cuts off can leave a generation without its manifest. The
// repair takes it for more than a rest where another medium has the manifest.
func TestALostManifestComesBackFromAnotherMedium(t *testing.T) {
	p := newPair(t)
	require.NoError(t, p.bad.Remove(p.at("generations/000002/manifest.json")))
	require.NoError(t, p.mend(p.bad))
	require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))

	// Where nobody has it, it never counted, unless a log says otherwise.
	for _, f := range []media.FS{p.bad, p.good} {
		require.NoError(t, f.Remove(p.at("generations/000002/manifest.json")))
	}
	require.ErrorContains(t, p.mend(p.bad), "it is lost, and no other medium at hand has it")
	_, _, err := intact(p.bad)
	var damaged *DamagedGenerationError
	require.ErrorAs(t, err, &damaged)
	require.Equal(t, 1, damaged.Older)
	require.NoError(t, p.bad.Remove(p.at("checks.log")))
	_, _, err = intact(p.bad)
	require.ErrorAs(t, err, &damaged, "it was signed, and the log is gone")
	require.NoError(t, p.bad.Remove(p.at("generations/000002/manifest.json.minisig")))
	number, whole, err := intact(p.bad)
	require.NoError(t, err)
	require.True(t, whole)
	require.Equal(t, 1, number)
}

// What a cut leaves under temporary names is gone after a seal and after a repair, but not
// where it is all that there is of a file. Breaks G22.
func TestTemporaryFilesOfACutAreCleanedUp(t *testing.T) {
	for name, clean := range map[string]func(*pair) error{
		"seal": func(p *pair) error {
			result, err := p.w.sealWith("", 0, media.NewDir(p.bad))
			if err == nil && len(result.Failed) > 0 {
				err = result.Failed[0]
			}
			return err
		},
		"repair": func(p *pair) error { return p.mend(p.bad) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			d := media.NewDir(p.bad)
			for _, name := range []string{".vault.json.tmp", ".checks.log.tmp", "restore/.RESTORE.txt.tmp",
				"generations/000001/.hot.age.tmp", "generations/000002/.manifest.json.tmp", "generations/000002/.cold.age.scratch.tmp"} {
				require.NoError(t, d.Commit(p.at(name), []byte("the rest")))
			}
			require.NoError(t, clean(p))
			require.NoError(t, findsNothing(p.bad))

			only := p.at("generations/000001/.cold.age.tmp")
			require.NoError(t, p.bad.Rename(p.at("generations/000001/cold.age"), only))
			require.NoError(t, p.bad.Remove(p.at("generations/000001/cold.age.parity")))
			require.NoError(t, clean(p))
			require.NoError(t, mend(p.bad), "out of itself alone")
			require.NoError(t, findsNothing(p.bad))
			got, err := d.Read(p.at("generations/000001/cold.age"), 1<<20)
			require.NoError(t, err)
			require.Equal(t, p.want[p.at("generations/000001/cold.age")], got)
		})
	}
}

// All that a cut has left of a file may be damaged as well: what its parity repairs comes back,
// and what a repair cannot do takes nothing away. Breaks G22.
func TestADamagedRestOfACutIsRepairedOrStays(t *testing.T) {
	p := newPair(t)
	cold, rest := p.at("generations/000002/cold.age"), p.at("generations/000002/.cold.age.tmp")
	damage := func(from, to int64) {
		require.NoError(t, p.bad.Rename(cold, rest))
		for offset := from; offset < to; offset += 40 {
			flipOn(t, p.bad, rest, offset)
		}
	}
	damage(500, 501)
	require.NoError(t, mend(p.bad), "out of itself alone")
	require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))

	damage(0, int64(len(p.want[cold])))
	d := media.NewDir(p.bad)
	had, err := d.Read(rest, 1<<20)
	require.NoError(t, err)
	require.Error(t, mend(p.bad))
	has, err := d.Read(cold, 1<<20)
	require.NoError(t, err)
	require.Equal(t, had, has)
	require.NoError(t, p.mend(p.bad), "with another medium")
	require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
}

// What a cut has left of a file and the file itself may both be damaged: a repair puts them
// together, wherever the power fails, and one that cannot leaves both for the next. Breaks G22.
func TestADamagedRestAndADamagedFileAreRepairedTogether(t *testing.T) {
	p := newPair(t)
	d := media.NewDir(p.bad)
	cold, rest := p.at("generations/000002/cold.age"), p.at("generations/000002/.cold.age.tmp")
	half := int64(len(p.want[cold]) / 2)
	damage := func(name string, from, to int64) {
		for offset := from; offset < to; offset += 40 {
			flipOn(t, p.bad, name, offset)
		}
	}
	damage(cold, 0, half) // writes it anew, so the rest comes after
	require.NoError(t, d.Commit(rest, p.want[cold]))
	damage(rest, half, 2*half)
	states, again := 0, 0
	_, err := mediatest.Cut(p.bad.Snapshot(), crashLimit(), mend, func(after *mediatest.FS, done bool) error {
		if states++; !done && !exhaustive() && states%7 > 0 {
			return nil
		}
		if !done {
			again++
			if err := mend(after); err != nil {
				return fmt.Errorf("the next repair: %w", err)
			}
		}
		return errors.Join(p.asSealed(after), findsNothing(after))
	})
	require.NoError(t, err)
	require.NotZero(t, again)

	had, err := d.Read(rest, 1<<20)
	require.NoError(t, err)
	was, err := d.Read(cold, 1<<20)
	require.NoError(t, err)
	require.NoError(t, p.bad.Rename(p.at("generations/000002/cold.age.parity"), p.at("parity")))
	for range 2 {
		require.Error(t, mend(p.bad), "without its parity")
		_, err = p.w.sealWith("", 0, d)
		require.NoError(t, err)
		for name, want := range map[string][]byte{cold: was, p.at("generations/000002/.cold.age.rest.tmp"): had} {
			has, err := d.Read(name, 1<<20)
			require.NoError(t, err)
			require.Equal(t, want, has)
		}
	}
	require.NoError(t, p.bad.Rename(p.at("parity"), p.at("generations/000002/cold.age.parity")))
	require.NoError(t, mend(p.bad))
	require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
}

// A generation that lost its manifest alone is no rest of an interrupted write where the
// folder of the vault, or what is copied, knows it. Breaks G22.
func TestALostManifestDoesNotCostTheGeneration(t *testing.T) {
	name := "generations/000001/manifest.json"
	t.Run("seal", func(t *testing.T) {
		p := newPair(t)
		require.NoError(t, p.bad.Remove(p.at(name)))
		// The rest of a cut rename is no part of it.
		rest := media.TempName(p.at("generations/000001/cold.age"))
		require.NoError(t, media.NewDir(p.bad).Commit(rest, readOn(t, p.bad, p.at("generations/000001/cold.age"))))
		_, err := p.w.sealWith("", 0, media.NewDir(p.bad))
		require.NoError(t, err)
		require.NoError(t, findsNothing(p.bad))
		got, err := media.NewDir(p.bad).Read(p.at(name), 1<<20)
		require.NoError(t, err)
		require.Equal(t, p.want[p.at(name)], got)
	})
	t.Run("seal, and a file is damaged", func(t *testing.T) {
		p := newPair(t)
		require.NoError(t, p.bad.Remove(p.at(name)))
		flipOn(t, p.bad, p.at("generations/000001/cold.age"), 60)
		result, err := p.w.sealWith("", 0, media.NewDir(p.bad))
		require.NoError(t, err)
		require.Len(t, result.Notes, 1)
		require.Contains(t, result.Notes[0], "generation 1 on bad had lost its manifest, which is back; repair the medium with `coldvault check --repair`, for damage in cold.age")
		require.NoError(t, mend(p.bad))
		require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
	})
	t.Run("nor does it bring back what never was one", func(t *testing.T) {
		p := newPair(t)
		for _, name := range []string{"hot.age.parity", "archive-01.age", "archive-01.age.parity", "manifest.json.minisig", "manifest.json"} {
			require.NoError(t, p.bad.Remove(p.at("generations/000001/"+name)))
		}
		require.NoError(t, p.bad.Remove(p.at("checks.log")))
		_, err := p.w.sealWith("", 0, media.NewDir(p.bad))
		require.NoError(t, err)
		require.NoError(t, findsNothing(p.bad))
		exists, err := media.NewDir(p.bad).Exists(p.at("generations/000001"))
		require.NoError(t, err)
		require.False(t, exists)
	})
	t.Run("copy from what is damaged", func(t *testing.T) {
		p := newPair(t)
		name = "generations/000002/manifest.json"
		require.NoError(t, p.bad.Remove(p.at(name)))
		for offset := int64(0); offset < 3000; offset += 40 {
			flipOn(t, p.good, p.at("generations/000002/archive-01.age"), offset)
		}
		require.NoError(t, copyTo(p.good, p.bad), "it has all of it already")
		require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
	})
}

// A manifest that any medium at hand has is known, and what the log of the medium knows to have been
// whole stays where nothing has its manifest. What goes is said. Breaks G22.
func TestAGenerationThatWasWholeIsNoRest(t *testing.T) {
	const manifest, archive = "generations/000002/manifest.json", "generations/000002/archive-01.age"
	t.Run("seal, known to the other medium alone", func(t *testing.T) {
		p := newPair(t)
		require.NoError(t, p.bad.Remove(p.at(manifest)))
		require.NoError(t, p.bad.Remove(p.at("checks.log")))
		require.NoError(t, p.w.folder.dir.RemoveAll(generationDir(2)))
		result, err := p.w.sealWith("", 0, media.NewDir(p.bad), media.NewDir(p.good))
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(result.Notes), "generation 2 on bad had lost its manifest, which is back")
		require.Equal(t, 3, result.Generation)
		require.NoError(t, errors.Join(findsNothing(p.bad), findsNothing(p.good)))
		require.Equal(t, p.want[p.at(archive)], readOn(t, p.bad, p.at(archive)))
	})
	t.Run("copy of another generation", func(t *testing.T) {
		p := newPair(t)
		require.NoError(t, p.bad.Remove(p.at("generations/000001/manifest.json")))
		require.NoError(t, media.NewDir(p.bad).RemoveAll(p.at("generations/000002")))
		require.NoError(t, p.bad.Remove(p.at("checks.log")))
		require.NoError(t, copyTo(p.good, p.bad))
		require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
	})
	t.Run("a file is missing too", func(t *testing.T) {
		p := newPair(t)
		require.NoError(t, p.bad.Remove(p.at(manifest)))
		require.NoError(t, p.bad.Remove(p.at("generations/000002/hot.age.parity")))
		result, err := p.w.sealWith("", 0, media.NewDir(p.bad))
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(result.Notes), "which is back; repair the medium with `coldvault check --repair`, for damage in hot.age.parity")
		require.NoError(t, mend(p.bad))
		require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
	})
	t.Run("nobody knows the manifest", func(t *testing.T) {
		p := newPair(t)
		require.NoError(t, p.bad.Remove(p.at(manifest)))
		require.NoError(t, p.w.folder.dir.RemoveAll(generationDir(2)))
		result, err := p.w.sealWith("", 0, media.NewDir(p.bad))
		require.NoError(t, err)
		require.Equal(t, 3, result.Generation, "the log has the number")
		require.Contains(t, fmt.Sprint(result.Notes), "the rest stays")
		require.Equal(t, p.want[p.at(archive)], readOn(t, p.bad, p.at(archive)))
	})
	t.Run("an older one, and a file is missing too", func(t *testing.T) {
		p := newPair(t)
		first := "generations/000001/"
		require.NoError(t, p.bad.Remove(p.at(first+"manifest.json")))
		require.NoError(t, p.bad.Remove(p.at(first+"hot.age.parity")))
		lost := func() {
			t.Helper()
			found, err := OpenMedia(media.NewDir(p.bad))
			require.NoError(t, err)
			checked := Check(found[0], CheckOptions{})
			require.Equal(t, 1, checked.Damages())
			require.Contains(t, checked.Findings[0].Text, "its manifest is lost: it was whole on ")
			_, err = (&Copies{Identity: found[0].Identity, Media: found}).Select(1)
			var damaged *DamagedGenerationError
			require.ErrorAs(t, err, &damaged)
			require.Equal(t, 0, damaged.Older, "the other one is newer")
		}
		lost()
		require.ErrorContains(t, mend(p.bad), "it is lost, and no other medium at hand has it")
		require.NoError(t, p.w.folder.dir.RemoveAll(generationDir(1)))
		result, err := p.w.sealWith("", 0, media.NewDir(p.bad))
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(result.Notes), "generation 1 on bad has lost its manifest, and nothing here has the one it had: the rest stays")
		lost()
		require.NoError(t, p.mend(p.bad))
		require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
	})
	t.Run("nor a log, and it is not signed", func(t *testing.T) {
		p := newPair(t)
		require.NoError(t, p.bad.Remove(p.at(manifest)))
		require.NoError(t, p.bad.Remove(p.at(manifest+".minisig")))
		require.NoError(t, p.bad.Remove(p.at("checks.log")))
		require.NoError(t, p.w.folder.dir.RemoveAll(generationDir(2)))
		result, err := p.w.sealWith("", 0, media.NewDir(p.bad))
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(result.Notes), "what an interrupted write had left of generation 2 on bad is removed")
	})
}

// The log of a medium is replaced at every check: a cut in the middle of the rename must not
// make another medium of it.
func TestAMediumKeepsItsIDWhereACutLeftItsLogATemporaryName(t *testing.T) {
	p := newPair(t)
	found, err := OpenMedia(media.NewDir(p.bad))
	require.NoError(t, err)
	id := found[0].MediumID()
	require.NotEmpty(t, id)
	require.NoError(t, p.bad.Rename(p.at("checks.log"), p.at(".checks.log.tmp")))
	require.Equal(t, id, found[0].MediumID())
	_, err = p.w.sealWith("", 0, media.NewDir(p.bad))
	require.NoError(t, err)
	require.Equal(t, id, found[0].MediumID())
	require.NoError(t, findsNothing(p.bad))
}

// An old generation that cannot be removed from one medium is said; the new one is on both,
// and the other medium is cleaned up. Breaks G22.
func TestAnOldGenerationThatCannotBeRemovedIsSaid(t *testing.T) {
	p := newPair(t)
	x := mediatest.NewFaults(p.bad)
	x.Inject(mediatest.IOError, func(_ int, op mediatest.Op) bool {
		return op.Kind == mediatest.Remove && op.Name == p.at("generations/000002/manifest.json")
	})
	result, err := p.w.sealWith(archiveFile(t, 100), 1, media.NewDir(x), media.NewDir(p.good))
	require.NoError(t, err)
	require.True(t, x.Hit())
	require.Empty(t, result.Failed)
	require.Equal(t, []string{"bad", "good"}, result.Media)
	require.Len(t, result.IDs, 2)
	require.Len(t, result.Crowded, 1)
	require.Equal(t, "bad", result.Crowded[0].Medium)
	require.ErrorContains(t, result.Crowded[0], "could not be removed")
	require.Equal(t, map[string][]Retired{"bad": {{1, 1}}, "good": {{1, 1}, {2, 1}}}, result.Retired)
	for _, f := range []media.FS{p.bad, p.good} {
		number, whole, err := intact(f)
		require.NoError(t, err)
		require.True(t, whole)
		require.Equal(t, 3, number)
	}
}

// A folder where a file must be is removed if it is empty, and named if it is not.
func TestAFolderInThePlaceOfAFileIsNamed(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	stick := openDir(t, t.TempDir())
	w.seal(stick)
	for _, name := range []string{"vault.json", "generations/000001/manifest.json", "generations/000001/cold.age"} {
		file := filepath.Join(stick.Name(), mediumFolder, w.folder.ID, name)
		for _, inside := range []string{"", "something"} {
			found, err := OpenMedia(stick)
			require.NoError(t, err)
			was, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.Remove(file))
			require.NoError(t, os.MkdirAll(filepath.Join(file, inside), 0o700))
			own, err := OpenMedia(w.folder.dir)
			require.NoError(t, err)
			mended, err := Mend(Check(found[0], CheckOptions{}), stick, own, testTime, nil)
			require.NoError(t, err)
			require.Len(t, mended, 1)
			if inside == "" {
				require.NoError(t, mended[0].Err)
				got, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, was, got)
				continue
			}
			require.ErrorContains(t, mended[0].Err, "is a folder with something in it")
			require.NoError(t, os.RemoveAll(file))
			require.NoError(t, os.WriteFile(file, was, 0o600))
		}
	}
}
