package vault

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// restoring is a restore of everything that a medium holds, again and again.
type restoring struct {
	bundles []*Bundle
	entries []Entry
	want    map[string][]byte
	leftOut []LeftOut // of the last run
}

// newRestoring is openRestoring for a test.
func newRestoring(t *testing.T, w *world, from media.FS, archive []byte) *restoring {
	t.Helper()
	r, err := openRestoring(w, from, archive)
	require.NoError(t, err)
	t.Cleanup(r.destroy)
	return r
}

// openRestoring opens the newest generation on a medium, of which archive is the archive.
// The caller destroys it; after an error there is nothing to restore.
func openRestoring(w *world, from media.FS, archive []byte) (*restoring, error) {
	r := &restoring{want: map[string][]byte{}}
	found, err := OpenMedia(media.NewDir(from))
	if err != nil {
		return r, err
	}
	copies, err := GatherCopies(found, "")
	if err != nil {
		return r, err
	}
	c, err := copies.Select(0)
	if err != nil {
		return r, err
	}
	for _, compartment := range []string{"cold", "hot"} {
		b, _, err := c.Open(compartment, JudgeShares(c.Identity, w.cards(1, 2)))
		if err != nil {
			r.destroy()
			return r, err
		}
		r.bundles = append(r.bundles, b)
	}
	if r.entries, err = Merge(r.bundles); err != nil {
		r.destroy()
		return r, err
	}
	for name, data := range sealedFiles {
		r.want[name] = []byte(data)
	}
	for _, e := range r.entries {
		if e.Archive != nil {
			r.want[e.Name] = archive
		}
	}
	return r, nil
}

func (r *restoring) destroy() {
	for _, b := range r.bundles {
		b.Destroy()
	}
}

// to writes into an empty folder.
func (r *restoring) to(f media.FS) error {
	target := &Target{fs: f, name: f.Name()}
	if err := target.empty(); err != nil {
		return err
	}
	defer target.Close()
	var err error
	r.leftOut, err = target.Write(r.entries, func(int) {})
	return err
}

// look judges what is in the folder: every file as it was sealed, or the folder that says
// that the restore was interrupted, or nothing.
func (r *restoring) look(f media.FS) (whole bool, err error) {
	d := media.NewDir(f)
	names, err := d.List(".")
	if err != nil || len(names) == 0 || slices.Contains(names, partialFolder) {
		return false, err
	}
	got, err := filesBelow(d, ".")
	if err != nil {
		return false, err
	}
	want := maps.Clone(r.want)
	for _, l := range r.leftOut { // which is said
		delete(want, l.Name)
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		return false, fmt.Errorf("it holds %q, is not what was sealed, and nothing says so", slices.Sorted(maps.Keys(got)))
	}
	return true, nil
}

// filesBelow reads all files of a folder, by name.
func filesBelow(d *media.Dir, dir string) (map[string][]byte, error) {
	names, err := d.List(dir)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, name := range names {
		name = path.Join(dir, name)
		if data, err := d.Read(name, 1<<20); err == nil {
			out[name] = data
			continue
		}
		below, err := filesBelow(d, name)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, below)
	}
	return out, nil
}

// After a power cut a restore is whole, or has never begun, or the folder
// RESTORE-INCOMPLETE is there. Shows G7.
func TestAPowerCutDuringARestoreIsSeen(t *testing.T) {
	w := newFastWorld(t)
	stick := mediatest.New("stick")
	archive := archiveFile(t, 5_000)
	_, err := w.sealWith(archive, 0, media.NewDir(stick))
	require.NoError(t, err)
	r := newRestoring(t, w, stick, readFile(t, archive))
	for _, journal := range []bool{false, true} {
		out := mediatest.New("out")
		out.Journal = journal
		operations := mediatest.NewFaults(out.Snapshot())
		require.NoError(t, r.to(operations))
		whole := 0
		states, err := mediatest.Cut(out, 40*crashLimit(), r.to, func(after *mediatest.FS, done bool) error {
			isWhole, err := r.look(after)
			if isWhole {
				whole++
			}
			if err == nil && done && !isWhole {
				err = errors.New("it is done and not whole")
			}
			return err
		})
		require.NoError(t, err)
		t.Logf("restore, journal %v: %d operations, %d states, %d of them whole, 0 that are not and do not say so", journal, operations.Count(), states, whole)
		require.NotZero(t, whole)
	}
}

// A restore that does not wait for the disk is caught by the same look. Breaks G7.
func TestARestoreThatDoesNotSyncIsCaught(t *testing.T) {
	w := newFastWorld(t)
	stick := mediatest.New("stick")
	_, err := w.sealWith("", 0, media.NewDir(stick))
	require.NoError(t, err)
	r := newRestoring(t, w, stick, nil)
	_, err = mediatest.Cut(mediatest.New("out"), crashLimit(), func(f media.FS) error { return r.to(unsynced{f}) },
		func(after *mediatest.FS, _ bool) error {
			_, err := r.look(after)
			return err
		})
	require.ErrorContains(t, err, "power cut")
}

// kits are two kits of which the second lacks a file of the first.
var kits = []map[string][]byte{
	{"RESTORE.txt": []byte("how to"), "coldvault-linux-amd64": []byte("old binary"), "coldvault-linux-arm64": []byte("stays"), "gone": []byte("in the old one alone")},
	{"RESTORE.txt": []byte("how to do it better"), "coldvault-linux-amd64": []byte("new binary"), "recover.py": []byte("print()")},
}

// writeKitTo refreshes the kit of a medium.
func (w *world) writeKitTo(kit map[string][]byte, d *media.Dir) error {
	signer, err := w.folder.UnlockSigner(w.passphrase)
	if err != nil {
		return err
	}
	defer signer.Destroy()
	_, _, failed, err := w.folder.WriteKit(kit, signer, []*media.Dir{d})
	if err == nil && len(failed) > 0 {
		err = failed[0]
	}
	return err
}

// withKit is a medium with a generation and the first of the kits.
func (w *world) withKit() *mediatest.FS {
	w.t.Helper()
	stick := mediatest.New("stick")
	_, err := w.sealWith("", 0, media.NewDir(stick))
	require.NoError(w.t, err)
	require.NoError(w.t, w.writeKitTo(kits[0], media.NewDir(stick)))
	return stick
}

// kitIsGoodOrNamed tells whether check finds nothing to say of a kit that is one of the two.
func kitIsGoodOrNamed(f media.FS) (good bool, err error) {
	found, err := OpenMedia(media.NewDir(f))
	if err != nil {
		return false, err
	}
	for _, f := range Check(found[0], CheckOptions{}).Findings {
		if f.ID == "KIT-SIGNATURE" || f.ID == "KIT-DIGEST" || f.ID == "KIT-MISSING" {
			return false, nil
		}
	}
	state := readKit(found[0], found[0].Identity)
	if !state.whole() {
		return false, fmt.Errorf("check says nothing of a kit that is bad: %w", state.err)
	}
	files, err := state.files()
	if err != nil {
		return false, err
	}
	for _, kit := range kits {
		same := true
		for name, data := range kit {
			same = same && slices.Equal(files[name], data)
		}
		if same {
			return true, nil
		}
	}
	return false, errors.New("check says nothing of a kit that is neither the old nor the new one")
}

// Shows G22.
func TestAPowerCutWhileAKitIsWrittenLosesNothing(t *testing.T) {
	w := newFastWorld(t)
	stick := w.withKit()
	good, bad, seen := 0, 0, 0
	states, err := mediatest.Cut(stick, crashLimit(), func(f media.FS) error { return w.writeKitTo(kits[1], media.NewDir(f)) },
		func(after *mediatest.FS, done bool) error {
			if _, whole, err := intact(after); err != nil || !whole {
				return fmt.Errorf("the generation is not whole: %w", err)
			}
			isGood, err := kitIsGoodOrNamed(after)
			switch {
			case err != nil:
				return err
			case isGood:
				good++
			case done:
				return errors.New("it is written and not good")
			default:
				bad++
			}
			if seen++; seen%10 != 0 {
				return nil
			}
			if err := w.writeKitTo(kits[1], media.NewDir(after)); err != nil {
				return fmt.Errorf("the kit cannot be written again: %w", err)
			}
			if isGood, err := kitIsGoodOrNamed(after); err != nil || !isGood {
				return fmt.Errorf("written again it is not good: %w", err)
			}
			return nil
		})
	require.NoError(t, err)
	t.Logf("kit: %d states, the old or the new one in %d, named in %d, 0 silent; the generation was whole in all", states, good, bad)
	require.NotZero(t, good)
	require.NotZero(t, bad)
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return data
}
