package vault

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/vault/ledger"
)

// interrupted makes of the newest generation on the bad medium what an interrupted write leaves
// that had not come to some files.
func (p *pair) interrupted(t *testing.T, without ...string) {
	t.Helper()
	for _, name := range append(without, "manifest.json.minisig", "manifest.json") {
		require.NoError(t, media.NewDir(p.bad).RemoveAll(p.at("generations/000002/"+name)))
	}
	p.relog(t, 1)
}

// relog begins the log of the bad medium anew, with some generations.
func (p *pair) relog(t *testing.T, numbers ...int) {
	t.Helper()
	dir := media.NewDir(p.bad)
	require.NoError(t, dir.RemoveAll(p.at("checks.log")))
	for _, n := range numbers {
		_, err := logMedium(dir, p.at(""), testTime, ledger.MediumCheck{Generation: n, Result: ledger.Written})
		require.NoError(t, err)
	}
}

// ruin damages a file and its parity beyond repair.
func (p *pair) ruin(t *testing.T, f *mediatest.FS, name string) {
	t.Helper()
	for _, name := range []string{name, name + ".parity"} {
		data := readOn(t, f, p.at(name))
		clear(data)
		require.NoError(t, media.NewDir(f).RemoveAll(p.at(name)))
		require.NoError(t, media.NewDir(f).Commit(p.at(name), data))
	}
}

// What an interrupted write has left may be all there is of a file by now: a copy goes on with it
// and reads it, a seal leaves it. Breaks G22.
func TestARestMayBeTheLastGoodCopy(t *testing.T) {
	const lost = "generations/000002/archive-01.age"
	broken := func(t *testing.T) *pair {
		p := newPair(t)
		p.interrupted(t, "cold.age", "cold.age.parity")
		p.ruin(t, p.good, lost)
		return p
	}
	t.Run("copy", func(t *testing.T) {
		p := broken(t)
		require.NoError(t, copyTo(p.good, p.bad))
		require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
	})
	t.Run("a copy that cannot be made leaves it", func(t *testing.T) {
		p := broken(t)
		p.ruin(t, p.good, "generations/000002/cold.age")
		require.ErrorContains(t, copyTo(p.good, p.bad), "cold.age")
		require.Equal(t, p.want[p.at(lost)], readOn(t, p.bad, p.at(lost)))
	})
	t.Run("a copy that is cut", func(t *testing.T) {
		p := broken(t)
		_, err := mediatest.Cut(p.bad.Snapshot(), crashLimit(), func(f media.FS) error { return copyTo(p.good, f) },
			func(after *mediatest.FS, done bool) error {
				if done {
					return errors.Join(p.asSealed(after), findsNothing(after))
				}
				got, err := media.NewDir(after).Read(p.at(lost), 1<<20)
				if err == nil && !bytes.Equal(got, p.want[p.at(lost)]) {
					err = errors.New("it is damaged")
				}
				return errors.Join(err, p.restores(after))
			})
		require.NoError(t, err)
	})
	t.Run("seal", func(t *testing.T) {
		p := broken(t)
		result, err := p.w.sealWith("", 0, media.NewDir(p.good), media.NewDir(p.bad))
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(result.Notes), "[an interrupted write of generation 2 on bad is completed]", "the vault's folder has what it lacked")
		require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
	})
	t.Run("seal, and it lacks more", func(t *testing.T) {
		p := newPair(t)
		p.interrupted(t, "cold.age", "cold.age.parity", "archive-01.age.parity")
		p.ruin(t, p.good, lost)
		result, err := p.w.sealWith("", 0, media.NewDir(p.good), media.NewDir(p.bad))
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(result.Notes), "what an interrupted write had left of generation 2 on bad stays, for nothing else here has its archive-01.age whole")
		found, copies, err := p.both(p.bad)
		require.NoError(t, err)
		mended, err := Mend(Check(found[1], CheckOptions{}), media.NewDir(p.good), copies.Media, testTime, nil)
		require.NoError(t, err)
		for _, m := range mended {
			require.NoError(t, m.Err, m.Path)
		}
		require.NoError(t, p.asSealed(p.good))
		result, err = p.w.sealWith("", 0, media.NewDir(p.good), media.NewDir(p.bad))
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(result.Notes), "what an interrupted write had left of generation 2 on bad is removed")
	})
}

// The manifest of a generation that was never whole on a medium comes last also where a repair
// brings it: one that is cut or fails leaves the rest that was there.
func TestARepairOfARestCountsAtItsEnd(t *testing.T) {
	p := newPair(t)
	p.interrupted(t, "cold.age", "archive-01.age")
	_, err := mediatest.Cut(p.bad.Snapshot(), crashLimit(), p.mend, func(after *mediatest.FS, done bool) error {
		number, whole, err := intact(after)
		switch {
		case err != nil:
			return err
		case number == 2 && !whole:
			return errors.New("it counts before it is whole")
		case done:
			return errors.Join(p.asSealed(after), findsNothing(after))
		}
		return nil
	})
	require.NoError(t, err)

	p.ruin(t, p.good, "generations/000002/archive-01.age")
	require.Error(t, p.mend(p.bad))
	number, _, err := intact(p.bad)
	require.NoError(t, err)
	require.Equal(t, 1, number)
}

// Two folders of one vault have sealed a generation of the same number, and one medium has lost the
// manifest of its one: what is left of it is not the other. Breaks G22.
func TestWhatIsLeftOfAForkIsNotOverwritten(t *testing.T) {
	w, a, b := twins(t, false)
	manifest := path.Join(mediumFolder, w.folder.ID, generationDir(2), manifestFile)
	require.NoError(t, b.RemoveAll(manifest))
	want, err := filesBelow(b, ".")
	require.NoError(t, err)
	found, err := OpenMedia(b)
	require.NoError(t, err)
	other, err := OpenMedia(a)
	require.NoError(t, err)
	mended, err := Mend(Check(found[0], CheckOptions{}), b, other, testTime, nil)
	require.NoError(t, err)
	require.Len(t, mended, 1)
	require.ErrorContains(t, mended[0].Err, "nothing is written over it")
	copies, err := GatherCopies(other, "")
	require.NoError(t, err)
	c, err := copies.Select(2)
	require.NoError(t, err)
	done, err := c.Duplicate([]*media.Dir{b}, testTime, nil)
	require.NoError(t, err)
	require.Len(t, done.Failed, 1)
	require.ErrorContains(t, done.Failed[0], "it may be another one of that number, and nothing is written over it")
	got, err := filesBelow(b, ".")
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// What the log of a medium knows outlives its damage, and a new log learns it at the next check.
func TestTheLogOfAMediumIsBelievedAsFarAsItIsSound(t *testing.T) {
	const first = "generations/000001/"
	lose := func(t *testing.T, p *pair) {
		t.Helper()
		require.NoError(t, p.bad.Remove(p.at(first+"manifest.json")))
		require.NoError(t, p.bad.Remove(p.at(first+"hot.age.parity")))
	}
	stays := func(t *testing.T, p *pair) {
		t.Helper()
		_, err := p.w.sealWith("", 0, media.NewDir(p.bad))
		require.NoError(t, err)
		require.Equal(t, p.want[p.at(first+"cold.age")], readOn(t, p.bad, p.at(first+"cold.age")))
	}
	check := func(t *testing.T, p *pair) *Checked {
		t.Helper()
		found, err := OpenMedia(media.NewDir(p.bad))
		require.NoError(t, err)
		return Check(found[0], CheckOptions{})
	}
	t.Run("a damaged line", func(t *testing.T) {
		p := newPair(t)
		flipOn(t, p.bad, p.at("checks.log"), int64(len(readOn(t, p.bad, p.at("checks.log")))-3))
		id := readOn(t, p.bad, p.at("checks.log"))[:16]
		lose(t, p)
		require.Equal(t, 2, check(t, p).Damages(), "the log, and the generation")
		require.Error(t, mend(p.bad))
		require.Equal(t, id, readOn(t, p.bad, p.at("checks.log"))[:16])
		require.Equal(t, 1, check(t, p).Damages())
		stays(t, p)
	})
	t.Run("the id", func(t *testing.T) {
		p := newPair(t)
		flipOn(t, p.bad, p.at("checks.log"), 3)
		lose(t, p)
		stays(t, p)
	})
	// Nothing here has its manifest, and the line that told of it is damaged: the doubt outlives the
	// damage, however often the log is written.
	t.Run("its own line", func(t *testing.T) {
		for name, write := range map[string]func(p *pair) error{
			"seal":   func(p *pair) error { _, err := p.w.sealWith("", 0, media.NewDir(p.bad)); return err },
			"repair": func(p *pair) error { _ = mend(p.bad); return nil },
			"new id": func(p *pair) error { return RenewMediumLog(media.NewDir(p.bad), p.w.folder.ID, testTime) },
		} {
			p := newPair(t)
			flipOn(t, p.bad, p.at("checks.log"), 60)
			require.NoError(t, p.bad.Remove(p.at(first+"manifest.json.minisig")))
			lose(t, p)
			require.NoError(t, p.w.folder.dir.RemoveAll(generationDir(1)))
			require.NoError(t, write(p), name)
			require.Equal(t, 1, check(t, p).Damages(), name)
			stays(t, p)
			stays(t, p)
			require.Equal(t, 1, check(t, p).Damages(), name)
		}
	})
	t.Run("a new one after a check", func(t *testing.T) {
		p := newPair(t)
		require.NoError(t, p.bad.Remove(p.at("checks.log")))
		_, err := check(t, p).Log(media.NewDir(p.bad), testTime, 2, ledger.Whole)
		require.NoError(t, err)
		lose(t, p)
		require.True(t, check(t, p).Damaged())
		stays(t, p)
	})
	t.Run("a new id", func(t *testing.T) {
		p := newPair(t)
		id := readOn(t, p.bad, p.at("checks.log"))[:16]
		require.NoError(t, RenewMediumLog(media.NewDir(p.bad), p.w.folder.ID, testTime))
		require.NotEqual(t, id, readOn(t, p.bad, p.at("checks.log"))[:16])
		lose(t, p)
		require.True(t, check(t, p).Damaged())
		stays(t, p)
	})
}

// What check calls lost no restore, drill or copy passes over, and what an interrupted write has left all
// of them do: also one that was cut right before the manifest. Breaks G5.
func TestCheckAndRestoreAgreeOnWhatIsLost(t *testing.T) {
	const first, second = "generations/000001", "generations/000002"
	for name, c := range map[string]struct {
		log  func(t *testing.T, p *pair)
		also []string // what is removed besides the newest manifest
		lost bool
	}{
		"the log knows it":             {func(*testing.T, *pair) {}, nil, true},
		"the log is gone":              {func(t *testing.T, p *pair) { p.relog(t) }, nil, true},
		"the log is gone, not signed":  {func(t *testing.T, p *pair) { p.relog(t) }, []string{second + "/manifest.json.minisig"}, false},
		"the log is gone, first write": {func(t *testing.T, p *pair) { p.relog(t) }, []string{first}, false},
		"the log is damaged":           {func(t *testing.T, p *pair) { flipOn(t, p.bad, p.at("checks.log"), 60) }, nil, true},
		"the log was damaged": {func(t *testing.T, p *pair) {
			p.relog(t, 1)
			_, err := logMedium(media.NewDir(p.bad), p.at(""), testTime, ledger.MediumCheck{Generation: 2, Result: ledger.Damaged})
			require.NoError(t, err)
		}, nil, true},
		"the log does not know it": {func(t *testing.T, p *pair) { p.relog(t, 1) }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			require.NoError(t, p.bad.Remove(p.at(second+"/manifest.json")))
			for _, name := range c.also {
				require.NoError(t, media.NewDir(p.bad).RemoveAll(p.at(name)))
			}
			c.log(t, p)
			require.NoError(t, media.NewDir(p.good).RemoveAll(p.at(second)))
			require.NoError(t, media.NewDir(p.good).RemoveAll(p.at("checks.log")))
			found, copies, err := p.both(p.bad)
			require.NoError(t, err)
			checked := Check(found[0], CheckOptions{})
			require.True(t, checked.Incomplete())
			require.Equal(t, c.lost, checked.Newest() == 2, checked.Findings)
			one, err := copies.Select(0)
			_, asked := copies.Select(2)
			var damaged *DamagedGenerationError
			if !c.lost {
				helps := "move this folder away" // a seal leaves what is signed
				if slices.Contains(c.also, second+"/manifest.json.minisig") {
					helps = "a seal onto this medium"
				}
				i := slices.IndexFunc(checked.Findings, func(f Finding) bool { return f.ID == generationIncomplete })
				require.Equal(t, Damage, checked.Findings[i].Severity)
				require.Contains(t, checked.Findings[i].Text, helps)
				require.Equal(t, helps != "move this folder away", strings.Contains(checked.Findings[i].Text, "a seal onto"))
				require.NoError(t, err)
				require.Equal(t, 1, one.Number)
				require.Contains(t, fmt.Sprint(copies.Notes), "its write was interrupted")
				require.ErrorContains(t, asked, "generation 2 is on none of these media")
				return
			}
			require.ErrorAs(t, err, &damaged)
			require.Equal(t, 1, damaged.Older)
			require.ErrorAs(t, asked, &damaged)
			one, err = copies.Select(1)
			require.NoError(t, err)
			require.Equal(t, 1, one.Number)
		})
	}
}

// The vault's own folder has no log: its ledger knows what was sealed.
func TestWhatTheFolderHasLostIsNotPassedOver(t *testing.T) {
	w := newFastWorld(t)
	stick := media.NewDir(mediatest.New("stick"))
	for range 2 {
		result, err := w.sealWith("", 0, stick)
		require.NoError(t, err)
		require.NoError(t, w.folder.Record(testTime, nil, result.Sealed))
	}
	newest := func(dirs ...*media.Dir) (*Copy, error) {
		var all []*Medium
		for _, d := range dirs {
			m, err := OpenMedia(d)
			require.NoError(t, err)
			all = append(all, m...)
		}
		copies, err := GatherCopies(all, "")
		require.NoError(t, err)
		return copies.Select(0)
	}
	require.NoError(t, w.folder.dir.RemoveAll(path.Join(generationDir(2), manifestFile)))
	for range 2 {
		require.True(t, Check(w.folder.Medium, CheckOptions{}).Damaged())
		_, err := newest(w.folder.dir)
		var damaged *DamagedGenerationError
		require.ErrorAs(t, err, &damaged)
		require.Equal(t, 1, damaged.Older)
		require.ErrorContains(t, err, "vault/generations/000002 has lost it or its manifest: its ledger says that it was there")
		c, err := newest(w.folder.dir, stick)
		require.NoError(t, err)
		require.Equal(t, 2, c.Number)
		require.NoError(t, w.folder.dir.RemoveAll(generationDir(2)))
	}
}

// What a seal was removing does not come back.
func TestARemovalIsNotUndone(t *testing.T) {
	p := newPair(t)
	_, err := logMedium(media.NewDir(p.bad), p.at(""), testTime, ledger.MediumCheck{Generation: 1, Result: ledger.Removed})
	require.NoError(t, err)
	require.NoError(t, p.bad.Remove(p.at("generations/000001/manifest.json")))
	require.NoError(t, p.mend(p.bad))
	exists, err := media.NewDir(p.bad).Exists(p.at("generations/000001/manifest.json"))
	require.NoError(t, err)
	require.False(t, exists)
	result, err := p.w.sealWith("", 0, media.NewDir(p.bad))
	require.NoError(t, err)
	require.Equal(t, []string{"what an interrupted removal had left of generation 1 on bad is removed"}, result.Notes)
	exists, err = media.NewDir(p.bad).Exists(p.at("generations/000001"))
	require.NoError(t, err)
	require.False(t, exists)
}

// What a seal has removed is copied again, and cut: the rest is one of that copy. Breaks G22.
func TestACopyOfWhatWasRemovedIsNoRemoval(t *testing.T) {
	p := newPair(t)
	dir := media.NewDir(p.bad)
	_, err := logMedium(dir, p.at(""), testTime, ledger.MediumCheck{Generation: 2, Result: ledger.Removed})
	require.NoError(t, err)
	require.NoError(t, dir.RemoveAll(p.at("generations/000002")))
	states := 0
	_, err = mediatest.Cut(p.bad, crashLimit(), func(f media.FS) error { return copyTo(p.good, f) },
		func(after *mediatest.FS, done bool) error {
			states++
			there, err := media.NewDir(after).Exists(p.at("generations/000002/archive-01.age.parity"))
			if err != nil || !there || !done && states%7 > 0 {
				return err
			}
			// The archive is nowhere else.
			if _, err := p.w.sealWith("", 0, media.NewDir(after)); err != nil {
				return err
			}
			_, err = media.NewDir(after).Read(p.at("generations/000002/archive-01.age"), 1<<20)
			return err
		})
	require.NoError(t, err)
}

// What came back may be what fills the medium: with it there is enough that is whole, and the oldest
// goes before the new one is written. A removal is logged also of what the log does not know.
func TestWhatIsCompletedCountsForKeep(t *testing.T) {
	p := newPair(t)
	p.interrupted(t, "cold.age")
	p.relog(t)
	result, err := p.w.sealWith(archiveFile(t, 3_000), 1, media.NewDir(p.bad))
	require.NoError(t, err)
	require.Equal(t, []Retired{{1, 1}, {2, 1}}, result.Retired["bad"])
	require.Contains(t, fmt.Sprint(result.Notes), "an interrupted write of generation 2 on bad is completed")
	found, err := OpenMedia(media.NewDir(p.bad))
	require.NoError(t, err)
	logged := found[0].logged()
	require.Equal(t, ledger.Removed, logged[1].Result)
	require.Equal(t, ledger.Removed, logged[2].Result)
	require.Equal(t, ledger.Written, logged[3].Result)
	require.NoError(t, findsNothing(p.bad))
}

// Nobody signs the log of a medium: a number that no generation can have stops nothing.
func TestALogThatNamesWhatNobodyMadeStopsNothing(t *testing.T) {
	p := newPair(t)
	p.relog(t, 1, 2, 3+ledger.MaxLeap)
	found, err := OpenMedia(media.NewDir(p.bad))
	require.NoError(t, err)
	checked := Check(found[0], CheckOptions{})
	require.False(t, checked.Damaged())
	require.Contains(t, fmt.Sprint(checked.Findings), "so far above all others that nobody made it")
	result, err := p.w.sealWith("", 0, media.NewDir(p.good))
	require.NoError(t, err)
	require.Equal(t, 3, result.Generation)
	result, err = p.w.sealWith("", 0, media.NewDir(p.bad))
	require.NoError(t, err)
	require.Equal(t, 4+ledger.MaxLeap, result.Generation, "above what it could be believed to have then")
}

// A medium that is too full for a line in its log is made room on all the same.
func TestAFullMediumIsMadeRoomOn(t *testing.T) {
	k := newKeeping(t)
	k.seal("", 0)
	k.seal("", 0)
	x := mediatest.NewFaults(k.stick)
	x.Inject(mediatest.NoSpace, func(_ int, op mediatest.Op) bool {
		return op.Kind == mediatest.Create && op.Name == media.TempName(k.at("checks.log")) && op.Nth == 1
	})
	result, err := k.sealWith("", 1, media.NewDir(x))
	require.NoError(t, err)
	require.Equal(t, []int{3}, k.has())
	require.Equal(t, []Retired{{1, 0}, {2, 0}}, result.Retired["stick"])
	require.Empty(t, result.Notes)
	found, err := OpenMedia(media.NewDir(k.stick))
	require.NoError(t, err)
	require.Equal(t, []int{3}, slices.Collect(maps.Keys(found[0].held())), "it is noted when there is room")
}
