package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// Power cuts and faults while a ledger is saved. The folder of a vault lies on a file
// system with a journal, where a rename is one step.

// saving is a Save under test: the ledger before it, nil for none, and the one after it.
type saving struct {
	signer     signer
	before     *Ledger
	old, saved []byte
	oldSigned  int
	disk       *mediatest.FS
}

// newSaving has a disk with a signed ledger of two lines, or with none.
func newSaving(t *testing.T, first bool) *saving {
	t.Helper()
	c := &saving{signer: newSigner(t), disk: mediatest.New("vault")}
	c.disk.Journal = true
	if !first {
		c.before = signed(t, c.signer, created(), Noted{"old"})
		c.old, c.oldSigned = c.before.Bytes(), c.before.head.N
		require.NoError(t, c.before.Save(media.NewDir(c.disk)))
	}
	c.saved = c.after(t).Bytes()
	return c
}

// after is the ledger that is saved: two lines more, all of it signed.
func (c *saving) after(t *testing.T) *Ledger {
	t.Helper()
	l := &Ledger{}
	if c.before == nil {
		require.NoError(t, l.Append(start, created()))
	} else {
		var err error
		l, err = Open(media.NewDir(c.disk.Snapshot()), testVault, c.signer.verify)
		require.NoError(t, err)
	}
	require.NoError(t, l.Append(start, Noted{"new"}, Noted{"new"}))
	require.NoError(t, l.Sign(c.signer.sign, c.signer.verify))
	return l
}

// look opens what is left and says which of the two ledgers it is.
func (c *saving) look(f media.FS) (isNew bool, err error) {
	l, err := Open(media.NewDir(f), testVault, c.signer.verify)
	switch {
	case c.before == nil && errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case c.before != nil && bytes.Equal(l.Bytes(), c.old):
		if l.head.N != c.oldSigned {
			return false, fmt.Errorf("%d of the old lines are signed, and %d were", l.head.N, c.oldSigned)
		}
		return false, nil
	case !bytes.Equal(l.Bytes(), c.saved):
		return false, errors.New("the lines are neither the old ones nor the new ones")
	case l.head.N != c.oldSigned && l.head.N != len(l.Entries()):
		return false, fmt.Errorf("%d of the new lines are signed", l.head.N)
	}
	return true, nil
}

// goesOn saves onto what is left, as the next command does, and opens it again.
func (c *saving) goesOn(f media.FS) error {
	d := media.NewDir(f)
	l, err := Open(d, testVault, c.signer.verify)
	if errors.Is(err, fs.ErrNotExist) {
		l, err = &Ledger{}, nil
		if err := l.Append(start, created()); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	err = errors.Join(l.Append(start, Noted{"on"}), l.Sign(c.signer.sign, c.signer.verify))
	if err == nil {
		err = l.Save(d)
	}
	if err != nil {
		return fmt.Errorf("the next save: %w", err)
	}
	back, err := Open(d, testVault, c.signer.verify)
	if err != nil {
		return fmt.Errorf("after the next save: %w", err)
	}
	if !bytes.Equal(back.Bytes(), l.Bytes()) || back.Unsigned() != 0 {
		return errors.New("the next save is not what was read")
	}
	return nil
}

// states is how many of one point are looked at.
func states() int {
	if os.Getenv("COLDVAULT_LONG") != "" {
		return 1000
	}
	return 50
}

// tally keeps what was looked at, for the log.
type tally struct{ old, saved int }

func (n *tally) add(isNew bool) {
	if isNew {
		n.saved++
	} else {
		n.old++
	}
}

// A save that is cut before any of its operations leaves the ledger before it or the one
// after it, in every state of the model and in a thousand random ones; and the next save
// goes on from there. Shows G23.
func TestAPowerCutLeavesTheLedgerBeforeOrAfter(t *testing.T) {
	for _, first := range []bool{true, false} {
		c := newSaving(t, first)
		var n tally
		check := func(after *mediatest.FS, done bool) error {
			isNew, err := c.look(after)
			if err == nil && done && !isNew {
				err = errors.New("it is saved, and the old one is there")
			}
			if err == nil {
				err = c.goesOn(after)
			}
			n.add(isNew)
			return err
		}
		l, disk := c.after(t), c.disk.Snapshot()
		_, err := mediatest.Cut(disk, states(), func(f media.FS) error { return l.Save(media.NewDir(f)) }, check)
		require.NoError(t, err)

		rng := rand.New(rand.NewPCG(1, 2))
		x := mediatest.NewFaults(c.disk.Snapshot())
		require.NoError(t, c.after(t).Save(media.NewDir(x)))
		operations, each := x.Count(), 1000/x.Count()+1
		disk = c.disk.Snapshot()
		x = mediatest.NewFaults(disk)
		x.Before = func(i int, op mediatest.Op) {
			for range each {
				if err := check(mediatest.RandomCrash(disk, rng), false); err != nil {
					t.Errorf("random power cut before operation %d, %s: %v", i, op, err)
				}
			}
		}
		require.NoError(t, c.after(t).Save(media.NewDir(x)))
		t.Logf("save, first %v: %d operations, %d states (%d random): the ledger before %d times, the one after %d times, 0 losses",
			first, operations, n.old+n.saved, operations*each, n.old, n.saved)
		require.NotZero(t, n.old)
		require.NotZero(t, n.saved)
	}
}

// dropsSyncs says that it has synced, and has not.
type dropsSyncs struct{ media.FS }

func (dropsSyncs) SyncDir(string) error { return nil }

func (d dropsSyncs) Create(name string, perm fs.FileMode) (media.File, error) {
	f, err := d.FS.Create(name, perm)
	return dropsSync{f}, err
}

type dropsSync struct{ media.File }

func (dropsSync) Sync() error { return nil }

// headFirst writes the lines after their signed head: the wrong order.
type headFirst struct {
	*media.Dir
	lines []byte
}

func (d *headFirst) Replace(name string, data []byte) error {
	switch path.Base(name) {
	case LinesName:
		d.lines = data
		return nil
	case HeadName:
		if err := d.Dir.Replace(name, data); err != nil {
			return err
		}
		return d.Dir.Replace(path.Join(FolderName, LinesName), d.lines)
	}
	return d.Dir.Replace(name, data)
}

func (d *headFirst) ReadBack(string, []byte) error { return nil }

// The same cuts find what a save without fsync, in another order, or onto a file system
// without a journal would lose. Breaks G23.
func TestASaveThatIsNotCarefulIsCaught(t *testing.T) {
	for name, wrong := range map[string]func(*mediatest.FS, media.FS) Dir{
		"no fsync":              func(_ *mediatest.FS, f media.FS) Dir { return media.NewDir(dropsSyncs{f}) },
		"the signed head first": func(_ *mediatest.FS, f media.FS) Dir { return &headFirst{Dir: media.NewDir(f)} },
		"a rename in steps": func(disk *mediatest.FS, f media.FS) Dir {
			disk.Journal = false
			return media.NewDir(f)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newSaving(t, false)
			l, disk := c.after(t), c.disk.Snapshot()
			_, err := mediatest.Cut(disk, states(), func(f media.FS) error { return l.Save(wrong(disk, f)) },
				func(after *mediatest.FS, _ bool) error {
					_, err := c.look(after)
					return err
				})
			require.ErrorContains(t, err, "power cut")
		})
	}
}

// A fault at any operation of a save is an error, or has done no harm; whatever it was,
// there is a ledger, and the next save goes on. Shows G23.
func TestEveryFaultOfASaveLeavesALedger(t *testing.T) {
	for _, first := range []bool{true, false} {
		c := newSaving(t, first)
		clean := mediatest.NewFaults(c.disk.Snapshot())
		require.NoError(t, c.after(t).Save(media.NewDir(clean)))
		failed, harmless := 0, 0
		for _, fault := range mediatest.AllFaults() {
			for n := 1; n <= clean.Count(); n++ {
				disk := c.disk.Snapshot()
				x := mediatest.NewFaults(disk)
				x.Inject(fault, mediatest.At(n))
				err := c.after(t).Save(media.NewDir(x))
				if !x.Hit() {
					continue
				}
				where := fmt.Sprintf("%s at operation %d of %d, first %v: %v", fault, n, clean.Count(), first, err)
				isNew, lookErr := c.look(disk)
				require.NoError(t, lookErr, where)
				require.NoError(t, c.goesOn(disk.Snapshot()), where)
				if err != nil {
					failed++
					continue
				}
				harmless++
				require.True(t, isNew, where)
			}
		}
		t.Logf("save, first %v: %d faults were errors, %d harmless; a ledger was there after each", first, failed, harmless)
		require.NotZero(t, failed)
		require.NotZero(t, harmless)
	}
}
