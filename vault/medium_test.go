package vault

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
)

// Another program's vault.json, or a copy of the vault's folder, in the root of a stick
// must not hide what was sealed to it. Breaks G4.
func TestAForeignVaultFileHidesNothing(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	foreign, copied := openDir(t, t.TempDir()), openDir(t, t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(foreign.Name(), "vault.json"), []byte(`{"some":"other tool"}`), 0o600))
	w.seal()
	require.NoError(t, os.CopyFS(copied.Name(), os.DirFS(w.folder.dir.Name())))
	result := w.seal(foreign, copied)
	require.Empty(t, result.Failed)
	for _, m := range []*media.Dir{foreign, copied} {
		found, err := OpenMedia(m)
		require.NoError(t, err)
		copies, err := GatherCopies(found, "")
		require.NoError(t, err)
		newest, err := copies.Select(0)
		require.NoError(t, err)
		require.Equal(t, 2, newest.Number)
	}
}

// Two generations of one number, both signed, are damage when they are checked
// together, as they are refused when they are restored together. Breaks G3, G5.
func TestForkedGenerationsAreReported(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	a, b := openDir(t, t.TempDir()), openDir(t, t.TempDir())
	twin := t.TempDir()
	require.NoError(t, os.CopyFS(twin, os.DirFS(w.folder.dir.Name())))
	w.seal(a)
	var err error
	w.folder, err = OpenFolder(openDir(t, twin))
	require.NoError(t, err)
	w.seal(b)
	var checks []*Checked
	for _, m := range []*media.Dir{a, b} {
		found, err := OpenMedia(m)
		require.NoError(t, err)
		checks = append(checks, Check(found[0], CheckOptions{}))
		require.False(t, checks[len(checks)-1].Damaged())
	}
	CheckTogether(checks)
	require.True(t, checks[1].Damaged())
	_, _, err = restore(t, w.cards(1, 2), []string{"cold"}, a, b)
	require.ErrorContains(t, err, "2 different generations 1")
}

// A medium on which every generation is gone is no backup, whatever else is on it. Breaks G3.
func TestAMediumWithoutAGenerationIsDamage(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	medium := openDir(t, t.TempDir())
	w.seal(medium)
	require.NoError(t, os.RemoveAll(filepath.Join(medium.Name(), "coldvault", w.folder.ID, "generations")))
	found, err := OpenMedia(medium)
	require.NoError(t, err)
	require.True(t, Check(found[0], CheckOptions{}).Damaged())
}

// Two seals at once must not clear away each other's work: the second is refused. Shows G4.
func TestSealsExcludeEachOther(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	medium := openDir(t, t.TempDir())
	unlock, err := openDir(t, w.folder.dir.Name()).Lock()
	require.NoError(t, err)
	signer, err := w.folder.UnlockSigner(w.passphrase)
	require.NoError(t, err)
	defer signer.Destroy()
	_, err = w.folder.Seal(SealRequest{Signer: signer, Created: testTime, Targets: []*media.Dir{medium}})
	require.ErrorIs(t, err, media.ErrBusy)
	unlock()
	require.Equal(t, 1, w.seal(medium).Generation)

	unlock, err = openDir(t, medium.Name()).Lock()
	require.NoError(t, err)
	defer unlock()
	result := w.seal(medium)
	require.Len(t, result.Failed, 1)
	require.ErrorIs(t, result.Failed[0], media.ErrBusy)
}

// The folder that an interrupted restore leaves cannot be sealed as if it were
// material.
func TestAnIncompleteRestoreIsNotSealed(t *testing.T) {
	src := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(src, partialFolder), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(src, partialFolder, "key"), []byte("x"), 0o600))
	_, err := GatherToSeal([]string{src}, nil)
	require.ErrorContains(t, err, "reserved")
}
