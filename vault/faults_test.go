package vault

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// Faults of a medium, of the folder of a vault and of what is read from: each at each
// operation. What went wrong is an error, and what is called done is there.

// faulty is a file system on which a fault happens at one operation.
type faulty struct {
	*mediatest.Faults
	inner *mediatest.FS
	fault mediatest.Fault
	n     int
}

func (f faulty) String() string {
	return fmt.Sprintf("%s at operation %d of %s", f.fault, f.n, f.Name())
}

// everyFault lets each fault happen at every step-th operation of a run over disk, and counts
// the runs that were hit, by whether run says that the operation failed.
func everyFault(t *testing.T, disk *mediatest.FS, step int, run func(f faulty) (failed bool)) {
	t.Helper()
	clean := faulty{inner: disk.Snapshot()}
	clean.Faults = mediatest.NewFaults(clean.inner)
	require.False(t, run(clean), "without a fault")
	failed, unharmed := 0, 0
	for _, fault := range mediatest.AllFaults() {
		for n := 1 + int(fault)%step; n <= clean.Count(); n += step {
			f := faulty{inner: disk.Snapshot(), fault: fault, n: n}
			f.Faults = mediatest.NewFaults(f.inner)
			f.Inject(fault, mediatest.At(n))
			switch hasFailed := run(f); {
			case !f.Hit():
			case hasFailed:
				failed++
			default:
				unharmed++
			}
		}
	}
	t.Logf("%d operations, a fault at every %d. of them: %d ended in an error, %d did no harm, 0 passed over", clean.Count(), step, failed, unharmed)
	require.NotZero(t, failed)
}

// faultStep is how many operations there are from one fault to the next.
func faultStep(usual int) int {
	if exhaustive() {
		return 1
	}
	return usual
}

// Every fault at every operation of a seal: the medium is named as failed, or it is whole.
// The other medium is whole, and what is sealed is as it was. Shows G4.
func TestEveryFaultOfASealIsSeenOrDoesNothing(t *testing.T) {
	w, disk := newJournalWorld(t)
	stick := mediatest.New("stick")
	archive := archiveFile(t, 5_000)
	_, err := w.sealWith(archive, 0, media.NewDir(stick))
	require.NoError(t, err)
	before := readFile(t, archive)
	everyFault(t, stick, faultStep(41), func(f faulty) bool {
		good := stick.Snapshot()
		now, targets, err := w.on([]media.FS{disk.Snapshot(), f, good})
		require.NoError(t, err, f)
		result, err := now.sealWith(archive, 0, targets...)
		require.NoError(t, err, f)
		number, whole, err := intact(good)
		require.NoError(t, err, f)
		require.True(t, whole, f)
		require.Equal(t, result.Generation, number, f)
		number, whole, err = intact(f.inner)
		require.NoError(t, err, f) // the old or the new one, always
		require.Equal(t, before, readFile(t, archive), f)
		if len(result.Failed) == 1 {
			return true
		}
		require.Equal(t, result.Generation, number, f)
		require.True(t, whole, f)
		return false
	})
}

// The folder of the vault fails: a seal says so, or is whole; nothing is lost on the medium,
// and the next seal into the same folder goes on.
func TestEveryFaultOfTheFolderLeavesItUsable(t *testing.T) {
	w, disk := newJournalWorld(t)
	stick := mediatest.New("stick")
	now, sticks, err := w.on([]media.FS{disk, stick})
	require.NoError(t, err)
	_, err = now.sealWith("", 0, sticks...)
	require.NoError(t, err)
	everyFault(t, disk, faultStep(19), func(f faulty) bool {
		target := stick.Snapshot()
		now, sticks, err := w.on([]media.FS{f, target})
		number := 1
		if err == nil {
			var result *SealResult
			result, err = now.sealWith("", 0, sticks...)
			if err == nil {
				require.Empty(t, result.Failed, f)
				number = result.Generation
			}
		}
		left := machine{f.inner, target}
		require.NoError(t, w.holds(left, number), "%s: %v", f, err)
		require.NoError(t, w.tidy(left, ""), "%s: %v", f, err)
		return err != nil
	})
}

// damagedStick is a medium with a kit on which two bundles and a parity are damaged.
func (w *world) damagedStick() *mediatest.FS {
	w.t.Helper()
	stick := mediatest.New("stick")
	result, err := w.sealWith("", 0, media.NewDir(stick))
	require.NoError(w.t, err)
	for _, name := range []string{"cold.age", "hot.age", "cold.age.parity"} {
		flipOn(w.t, stick, "coldvault/"+w.folder.ID+"/"+generationDir(result.Generation)+"/"+name, 100)
	}
	return stick
}

// mend checks and repairs a medium.
func mend(f media.FS) error {
	d := media.NewDir(f)
	found, err := OpenMedia(d)
	if err != nil {
		return err
	}
	mended, err := Mend(Check(found[0], CheckOptions{}), d, nil, testTime, nil)
	for _, m := range mended {
		err = errors.Join(err, m.Err)
	}
	return err
}

// Shows G22.
func TestEveryFaultOfARepairIsSeenOrDoesNothing(t *testing.T) {
	w := newFastWorld(t)
	everyFault(t, w.damagedStick(), faultStep(17), func(f faulty) bool {
		err := mend(f)
		_, whole, lost := intact(f.inner)
		require.NoError(t, lost, "%s: %v", f, err)
		if err == nil {
			require.True(t, whole, f)
			found, err := OpenMedia(media.NewDir(f.inner))
			require.NoError(t, err)
			require.False(t, Check(found[0], CheckOptions{}).Damaged(), f)
			return false
		}
		require.NoError(t, mend(f.inner), "%s: once more", f)
		_, whole, lost = intact(f.inner)
		require.NoError(t, lost, f)
		require.True(t, whole, f)
		return true
	})
}

// copyTo copies the newest generation from one medium to another.
func copyTo(from, to media.FS) error {
	found, err := OpenMedia(media.NewDir(from))
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
	done, err := c.Duplicate([]*media.Dir{media.NewDir(to)}, testTime, func(string, int64, int64) {})
	if err == nil && len(done.Failed) > 0 {
		err = done.Failed[0]
	}
	return err
}

// counts tells whether a restore from the medium would take a generation.
func counts(t *testing.T, f media.FS, where any) bool {
	t.Helper()
	number, whole, err := intact(f)
	if errors.Is(err, ErrNoVault) || number == 0 {
		return false
	}
	require.NoError(t, err, where)
	require.True(t, whole, where)
	return true
}

// Shows G22.
func TestEveryFaultOfACopyIsSeenOrDoesNothing(t *testing.T) {
	w := newFastWorld(t)
	good := mediatest.New("good")
	_, err := w.sealWith(archiveFile(t, 5_000), 0, media.NewDir(good))
	require.NoError(t, err)
	before, err := filesBelow(media.NewDir(good), ".")
	require.NoError(t, err)
	t.Run("where it is written", func(t *testing.T) {
		everyFault(t, mediatest.New("stick"), faultStep(13), func(f faulty) bool {
			err := copyTo(good, f)
			there := counts(t, f.inner, f)
			require.True(t, err != nil || there, f)
			return err != nil
		})
	})
	t.Run("where it is read", func(t *testing.T) {
		everyFault(t, good, faultStep(7), func(f faulty) bool {
			stick := mediatest.New("stick")
			err := copyTo(f, stick)
			there := counts(t, stick, f)
			require.True(t, err != nil || there, f)
			after, readErr := filesBelow(media.NewDir(f.inner), ".")
			require.NoError(t, readErr)
			require.Equal(t, before, after, "%s: the source was written to", f)
			return err != nil
		})
	})
}

// Shows G22.
func TestEveryFaultOfAKitIsSeenOrDoesNothing(t *testing.T) {
	w := newFastWorld(t)
	everyFault(t, w.withKit(), faultStep(3), func(f faulty) bool {
		err := w.writeKitTo(kits[1], media.NewDir(f))
		_, whole, lost := intact(f.inner)
		require.NoError(t, lost, f)
		require.True(t, whole, f)
		good, silent := kitIsGoodOrNamed(f.inner)
		require.NoError(t, silent, f)
		require.True(t, err != nil || good, f)
		return err != nil
	})
}

// A restore that fails anywhere leaves nothing plain behind, and no file half written. Where
// nothing can be removed any more, RESTORE-INCOMPLETE is there, or every file is. Shows G7.
func TestEveryFaultOfARestoreLeavesNothing(t *testing.T) {
	w := newFastWorld(t)
	stick := mediatest.New("stick")
	archive := archiveFile(t, 5_000)
	_, err := w.sealWith(archive, 0, media.NewDir(stick))
	require.NoError(t, err)
	r := newRestoring(t, w, stick, readFile(t, archive))
	everyFault(t, mediatest.New("out"), 1, func(f faulty) bool {
		err := r.to(f)
		left := f.inner.Crash(mediatest.Everything)
		whole, silent := r.look(left)
		require.NoError(t, silent, "%s: %v", f, err)
		if err == nil {
			require.True(t, whole, f)
			if len(r.leftOut) > 0 {
				require.Equal(t, mediatest.NoSpace, f.fault, "%s: %v", f, r.leftOut)
			}
			return len(r.leftOut) > 0
		}
		if f.fault == mediatest.ReadOnly || f.fault == mediatest.Gone {
			return true
		}
		names, listErr := left.List(".", 0)
		require.NoError(t, listErr)
		require.Empty(t, names, "%s: %v", f, err)
		return true
	})
}

// A medium that fails while it is restored from is an error that leaves nothing, or every
// file comes back; the medium is not written to.
func TestEveryFaultOfAMediumThatIsRestoredFromIsSeenOrRepaired(t *testing.T) {
	w := newFastWorld(t)
	stick := mediatest.New("stick")
	archive := archiveFile(t, 5_000)
	_, err := w.sealWith(archive, 0, media.NewDir(stick))
	require.NoError(t, err)
	before, err := filesBelow(media.NewDir(stick), ".")
	require.NoError(t, err)
	data := readFile(t, archive)
	everyFault(t, stick, faultStep(7), func(f faulty) bool {
		out := mediatest.New("out")
		r, err := openRestoring(w, f, data)
		if err == nil {
			err = r.to(out)
			r.destroy()
		}
		missing := r != nil && len(r.leftOut) > 0
		left := out.Crash(mediatest.Everything)
		whole, silent := r.look(left)
		require.NoError(t, silent, f)
		names, listErr := left.List(".", 0)
		require.NoError(t, listErr)
		require.Equal(t, err == nil, whole, "%s: %v", f, err)
		require.Equal(t, err == nil, len(names) > 0, "%s: %v", f, err)
		after, readErr := filesBelow(media.NewDir(f.inner), ".")
		require.NoError(t, readErr)
		require.Equal(t, before, after, "%s: the medium was written to", f)
		return err != nil || missing
	})
}
