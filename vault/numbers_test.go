package vault

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/vault/ledger"
)

// olderFolder is a vault whose folder comes back from an old backup: it knows one generation, and
// two media have three.
func olderFolder(t *testing.T) (w *world, one, two *mediatest.FS) {
	t.Helper()
	w, disk := newJournalWorld(t)
	one, two = mediatest.New("one"), mediatest.New("two")
	for n := range 3 {
		_, err := w.sealWith("", 0, media.NewDir(one), media.NewDir(two))
		require.NoError(t, err)
		if n == 0 {
			disk = disk.Snapshot()
		}
	}
	var err error
	w.folder, err = OpenFolder(media.NewDir(disk))
	require.NoError(t, err)
	return w, one, two
}

// A medium that cannot be written to, for whatever is damaged there, has its numbers all the
// same: no other medium gets one of them.
func TestTheNumbersOfADamagedMediumAreTaken(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, f *mediatest.FS, at func(string) string){
		"shares.json is damaged": func(t *testing.T, f *mediatest.FS, at func(string) string) { flipOn(t, f, at("shares.json"), 60) },
		"vault.json is damaged":  func(t *testing.T, f *mediatest.FS, at func(string) string) { flipOn(t, f, at("vault.json"), 60) },
		"vault.json is missing": func(t *testing.T, f *mediatest.FS, at func(string) string) {
			require.NoError(t, f.Remove(at("vault.json")))
		},
		"and the newest manifest": func(t *testing.T, f *mediatest.FS, at func(string) string) {
			flipOn(t, f, at("shares.json"), 60)
			flipOn(t, f, at("generations/000003/manifest.json"), 60)
		},
		"and the newest manifest is missing": func(t *testing.T, f *mediatest.FS, at func(string) string) {
			flipOn(t, f, at("shares.json"), 60)
			require.NoError(t, f.Remove(at("generations/000003/manifest.json")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, one, _ := olderFolder(t)
			damage(t, one, func(name string) string { return path.Join(mediumFolder, w.folder.ID, name) })
			result, err := w.sealWith("", 0, media.NewDir(one), media.NewDir(mediatest.New("fresh")))
			require.NoError(t, err)
			require.Equal(t, 4, result.Generation)
			require.Contains(t, result.Media, "fresh")
		})
	}
}

// The name of one folder on one medium does not use up all numbers: that medium is set aside
// and named.
func TestAnAbsurdNumberStopsOneMediumAlone(t *testing.T) {
	for _, number := range []int{999999, 999998, 5000} {
		w := newFastWorld(t)
		odd, good := media.NewDir(mediatest.New("odd")), media.NewDir(mediatest.New("good"))
		_, err := w.sealWith("", 0, odd, good)
		require.NoError(t, err)
		folder := path.Join(mediumFolder, w.folder.ID, generationDir(number))
		require.NoError(t, odd.MkdirAll(folder))
		require.NoError(t, odd.Commit(path.Join(folder, manifestFile), []byte("{}")))
		result, err := w.sealWith("", 0, odd, good)
		require.NoError(t, err)
		require.Equal(t, 2, result.Generation)
		require.Equal(t, []string{"good"}, result.Media)
		require.Len(t, result.Failed, 1)
		require.ErrorContains(t, result.Failed[0], "odd: it has a folder "+folder)
		require.NoError(t, odd.RemoveAll(folder))
		result, err = w.sealWith("", 0, odd, good)
		require.NoError(t, err)
		require.Equal(t, []string{"odd", "good"}, result.Media)
	}
}

// A damaged generation has its number, as far above the signed ones as seals can have gone.
func TestTheNumberOfADamagedGenerationIsTaken(t *testing.T) {
	w := newFastWorld(t)
	stick := media.NewDir(mediatest.New("stick"))
	folder := path.Join(mediumFolder, w.folder.ID, generationDir(40))
	require.NoError(t, stick.MkdirAll(folder))
	require.NoError(t, stick.Commit(path.Join(folder, manifestFile), []byte("{}")))
	result, err := w.sealWith("", 0, stick)
	require.NoError(t, err)
	require.Equal(t, 41, result.Generation)
}

// putBack is a vault whose folder was put back to what it was after some of three seals, and a medium
// that has all of them.
func putBack(t *testing.T, after int) (w *world, full *media.Dir) {
	t.Helper()
	w, disk := newJournalWorld(t)
	full = media.NewDir(mediatest.New("full"))
	old := disk.Snapshot()
	for n := range 3 {
		result, err := w.sealWith("", 0, full)
		require.NoError(t, err)
		require.NoError(t, w.folder.Record(testTime, nil, result.Sealed))
		if n+1 == after {
			old = disk.Snapshot()
		}
	}
	var err error
	w.folder, err = OpenFolder(media.NewDir(old))
	require.NoError(t, err)
	return w, full
}

// A folder that comes back from an old backup learns from checks, copies and drills which numbers are
// taken, while the media that have them are elsewhere.
func TestTheNumbersThatTheLedgerNamesAreTaken(t *testing.T) {
	const id = "0123456789abcdef"
	for name, event := range map[string]ledger.Event{
		"damage": ledger.Checked{Medium: id, Generation: 3, Result: ledger.Damaged, Findings: 1},
		"check":  ledger.Checked{Medium: id, Generation: 3, Result: ledger.Whole},
		"copy":   ledger.Copied{Medium: id, Kind: ledger.USB, Generation: 3, Proven: true},
		"drill":  ledger.Drilled{Role: "all", Generation: 3, Restored: true},
	} {
		t.Run(name, func(t *testing.T) {
			for after := range 3 {
				w, _ := putBack(t, after)
				require.NoError(t, w.folder.Record(testTime, nil, event))
				unrecorded, err := w.folder.Unrecorded()
				require.NoError(t, err)
				want := "generation 3, which was seen on a medium"
				if name == "damage" { // which may be no generation, but a folder of that name
					want = ""
				}
				require.Equal(t, want, unrecorded)
				result, err := w.sealWith("", 0, media.NewDir(mediatest.New("fresh")))
				require.NoError(t, err)
				require.Equal(t, 4, result.Generation)
			}
		})
	}
	// The name of a damaged folder may be anything.
	w, _ := putBack(t, 1)
	require.NoError(t, w.folder.Record(testTime, nil, ledger.Checked{Medium: id, Generation: 999999, Result: ledger.Damaged, Findings: 1}))
	result, err := w.sealWith("", 0, media.NewDir(mediatest.New("fresh")))
	require.NoError(t, err)
	require.Equal(t, 2, result.Generation)
}

// A check of the folder beside a medium that has more than its ledger knows says so, and so does the
// seal that would hide it.
func TestAFolderThatIsBehindTheMediaIsReported(t *testing.T) {
	reported := func(w *world, on ...*media.Dir) (out []string) {
		checks := []*Checked{Check(w.folder.Medium, CheckOptions{})}
		for _, d := range on {
			found, err := OpenMedia(d)
			require.NoError(t, err)
			checks = append(checks, Check(found[0], CheckOptions{}))
		}
		CheckTogether(checks)
		for _, f := range checks[0].Findings {
			if f.ID == "VAULT-LEDGER-BEHIND" {
				require.Equal(t, Damage, f.Severity)
				out = append(out, f.Path+": "+f.Text)
			}
		}
		return out
	}
	for after := range 3 {
		w, full := putBack(t, after)
		require.Empty(t, reported(w))
		require.Equal(t, []string{"vault/ledger: it does not know generation 3, which is on full, full: " + ledger.LostAdvice}, reported(w, full, full))
		result, err := w.sealWith("", 0, full)
		require.NoError(t, err)
		require.Equal(t, 4, result.Generation)
		require.Contains(t, strings.Join(result.Notes, "\n"), "the ledger of the vault's folder did not know generation 3, which full has: ")
		require.NoError(t, w.folder.Record(testTime, nil, result.Sealed))
		require.Empty(t, reported(w, full))
	}
	w, full := putBack(t, 3)
	require.Empty(t, reported(w, full))
	result, err := w.sealWith("", 0, full)
	require.NoError(t, err)
	require.Empty(t, result.Notes)
}

// twins are two media with one first generation and two different second ones, and the newer
// third on one of them or, where both is set, on both.
func twins(t *testing.T, both bool) (w *world, a, b *media.Dir) {
	t.Helper()
	w, disk := newJournalWorld(t)
	a, b = media.NewDir(mediatest.New("a")), media.NewDir(mediatest.New("b"))
	seal := func(to ...*media.Dir) *SealResult {
		result, err := w.sealWith("", 0, to...)
		require.NoError(t, err)
		require.Empty(t, result.Failed)
		return result
	}
	seal(a, b)
	twin := disk.Snapshot()
	seal(a)
	var err error
	w.folder, err = OpenFolder(media.NewDir(twin))
	require.NoError(t, err)
	seal(b)
	if both {
		notes := strings.Join(seal(a, b).Notes, "\n")
		require.Contains(t, notes, "vault and a hold two different generations 2", "the seal sees it")
		require.NotContains(t, notes, "generations 1")
	}
	return w, a, b
}

// A newest generation that cannot be read when the next one is sealed is passed over in the chain. Where it
// turns up again that is no fork; what follows one that nobody at hand has may be. Breaks G5.
func TestAGenerationThatWasPassedOverIsNoFork(t *testing.T) {
	w, disk := newJournalWorld(t)
	one, two := mediatest.New("one"), mediatest.New("two")
	seal := func(to ...*media.Dir) *SealResult {
		t.Helper()
		result, err := w.sealWith("", 0, to...)
		require.NoError(t, err)
		return result
	}
	seal(media.NewDir(one), media.NewDir(two))
	seal(media.NewDir(one), media.NewDir(two))
	require.Empty(t, seal(media.NewDir(one), media.NewDir(two)).Notes)
	at := func(n int, name string) string { return path.Join(mediumFolder, w.folder.ID, generationDir(n), name) }
	require.NoError(t, disk.Remove(generationDir(3)+"/manifest.json"))
	flipOn(t, one, at(3, manifestFile), 60)
	result := seal(media.NewDir(one))
	require.Equal(t, 4, result.Generation)
	require.Contains(t, result.Notes, "generation 3, of which one tells, cannot be read here: generation 4 follows generation 2 in the chain")
	require.NoError(t, copyTo(one, two))

	findings := func(f media.FS, with ...*Medium) string {
		found, err := OpenMedia(media.NewDir(f))
		require.NoError(t, err)
		var checks []*Checked
		for _, m := range append(found, with...) {
			checks = append(checks, Check(m, CheckOptions{}))
		}
		CheckTogether(checks)
		var out []string
		for _, f := range checks[0].Findings {
			require.False(t, f.Forked())
			out = append(out, fmt.Sprintf("%s %s %s: %s", f.Severity, f.ID, f.Path, f.Text))
		}
		return strings.Join(out, "\n")
	}
	skipped := "note GENERATION-SKIPPED two/" + at(4, "") + ": it follows generation 2: generation 3 was not at hand, or could not be read, when it was sealed"
	require.Equal(t, skipped, findings(two))
	require.NoError(t, media.NewDir(two).RemoveAll(at(2, "")))
	require.Contains(t, findings(two), "damage GENERATION-CHAIN two/"+at(4, "")+": it follows another generation 3 than the one on this medium, or an older one that is not here: ")
	require.Contains(t, findings(two, w.folder.Medium), skipped)
	require.NotContains(t, findings(two, w.folder.Medium), "CHAIN")

	// What copy brings from one medium to another.
	copied := func(from, to *media.Dir) *Checked {
		t.Helper()
		found, err := OpenMedia(from)
		require.NoError(t, err)
		copies, err := GatherCopies(found, "")
		require.NoError(t, err)
		c, err := copies.Select(0)
		require.NoError(t, err)
		_, err = c.Duplicate([]*media.Dir{to}, testTime, nil)
		require.NoError(t, err)
		found, err = OpenMedia(to)
		require.NoError(t, err)
		return Check(found[0], CheckOptions{})
	}
	// Nothing at all may be at hand, but for what a ledger or a log knows.
	w, full := putBack(t, 0)
	require.NoError(t, w.folder.Record(testTime, nil, ledger.Checked{Medium: "0123456789abcdef", Generation: 3, Result: ledger.Whole}))
	alone := media.NewDir(mediatest.New("alone"))
	require.Contains(t, seal(alone).Notes, "generation 3, of which vault tells, cannot be read here: generation 4 follows none in the chain")
	checked := copied(alone, full)
	require.False(t, checked.Damaged())
	require.Contains(t, checked.Findings[0].Text, "it follows none: generation 3 was not at hand")

	// A fork is one, whatever else is at hand.
	w, a, b := twins(t, false)
	require.Empty(t, seal(b).Notes)
	checks := []*Checked{copied(b, a)}
	require.Equal(t, GenerationChain, checks[0].Findings[0].ID)
	require.False(t, checks[0].Findings[0].Forked()) // the other one is not here
	found, err := OpenMedia(b)
	require.NoError(t, err)
	checks = append(checks, Check(found[0], CheckOptions{}), Check(w.folder.Medium, CheckOptions{}))
	CheckTogether(checks)
	require.Equal(t, GenerationChain, checks[0].Findings[0].ID)
}

// Two generations of one number concern who asks for that number, or for the newest where it
// is that one. Breaks G5.
func TestAForkCountsWhereItIsChosen(t *testing.T) {
	w, a, b := twins(t, true)
	found := func(dirs ...*media.Dir) *Copies {
		var all []*Medium
		for _, d := range dirs {
			m, err := OpenMedia(d)
			require.NoError(t, err)
			all = append(all, m...)
		}
		copies, err := GatherCopies(all, w.folder.ID)
		require.NoError(t, err)
		return copies
	}
	for _, number := range []int{0, 1, 3} {
		copies := found(a, b)
		c, err := copies.Select(number)
		require.NoError(t, err, number)
		require.Equal(t, map[int]int{0: 3, 1: 1, 3: 3}[number], c.Number)
		require.Contains(t, strings.Join(copies.Notes, "\n"), "2 different generations 2")
	}
	_, err := found(a, b).Select(2)
	var fork *ForkedGenerationError
	require.ErrorAs(t, err, &fork)
	require.Equal(t, [][]string{{"a"}, {"b"}}, fork.On)
	require.Equal(t, 3, fork.Other)
	// What --keep removes is not two any more.
	only := mediatest.New("only")
	require.NoError(t, copyGeneration(found(a), 2, media.NewDir(only)))
	result, err := w.sealWith("", 1, media.NewDir(only))
	require.NoError(t, err)
	require.Equal(t, []Retired{{2, 0}}, result.Retired["only"])
	require.Empty(t, result.Notes)
	one, err := found(a).Select(2)
	require.NoError(t, err)
	two, err := found(b).Select(2)
	require.NoError(t, err)
	require.NotEqual(t, one.Digest, two.Digest)

	w, a, b = twins(t, false)
	_, err = found(a, b).Select(0)
	require.ErrorAs(t, err, &fork)
	require.Equal(t, 2, fork.Number)
	require.Equal(t, 1, fork.Other)
	require.ErrorContains(t, err, fmt.Sprintf("of %s is on a", testTime.Format("2006-01-02 15:04:05 UTC")))
	_, err = found(a, b).Select(1)
	require.NoError(t, err)
}

func copyGeneration(from *Copies, number int, to *media.Dir) error {
	c, err := from.Select(number)
	if err == nil {
		_, err = c.Duplicate([]*media.Dir{to}, testTime, nil)
	}
	return err
}

// A medium on which a newer generation appears meanwhile is not called proven: a restore from it would
// not take the new one. Breaks G4.
func TestWhatARestoreWouldNotTakeIsNotProven(t *testing.T) {
	w, one, _ := olderFolder(t)
	stick := mediatest.New("stick")
	x := mediatest.NewFaults(stick)
	newer := path.Join(mediumFolder, w.folder.ID, generationDir(3))
	at := path.Join(mediumFolder, w.folder.ID, generationDir(2), media.TempName(manifestFile))
	x.Before = func(_ int, op mediatest.Op) {
		if op.Kind != mediatest.Create || op.Name != at {
			return
		}
		names, err := media.NewDir(one).List(newer)
		require.NoError(t, err)
		require.NoError(t, media.NewDir(stick).MkdirAll(newer))
		for _, name := range names {
			require.NoError(t, media.NewDir(stick).Commit(path.Join(newer, name), readOn(t, one, path.Join(newer, name))))
		}
	}
	result, err := w.sealWith("", 0, media.NewDir(x), media.NewDir(mediatest.New("other")))
	require.NoError(t, err)
	require.Equal(t, 2, result.Generation)
	require.Equal(t, []string{"other"}, result.Media)
	require.Len(t, result.Failed, 1)
	require.ErrorContains(t, result.Failed[0], "would take another generation 3")
}
