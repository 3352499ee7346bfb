package vault

import (
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/vault/ledger"
)

// A line that the ledger refuses is refused before an archive is read or a medium written to.
func TestWhatTheLedgerRefusesIsSaidBeforeAnArchiveIsRead(t *testing.T) {
	w := newFastWorld(t)
	g, err := GatherToSeal(nil, []string{archiveFile(t, 5_000)})
	require.NoError(t, err)
	defer g.Destroy()
	signer, err := w.folder.UnlockSigner(w.passphrase)
	require.NoError(t, err)
	defer signer.Destroy()
	stick := mediatest.New("stick")
	read := false
	_, err = w.folder.Seal(SealRequest{
		Archives: []ArchiveSource{{ContentsFile: g.Files[0], File: g.Large[0], Compartment: "hot"}},
		Signer:   signer, Created: testTime, Targets: []*media.Dir{media.NewDir(stick)},
		Deadlines: []ledger.Deadline{{What: "two\nlines", When: testTime.Add(time.Hour)}},
		Progress:  func(string, int64, int64) { read = true },
	})
	require.ErrorContains(t, err, `the ledger: ledger.jsonl line 2: sealed: what is due "two\nlines" is longer than 256 bytes, or not printable on one line`)
	require.False(t, read)
	names, err := media.NewDir(stick).List(".")
	require.NoError(t, err)
	require.Empty(t, names)
}

// Nobody signs the log of a medium, and nobody restores from it: whatever somebody made of it,
// the medium that holds the new generation counts.
func TestTheLogOfAMediumVetoesNoSeal(t *testing.T) {
	w := newFastWorld(t)
	good, dir, huge := mediatest.New("good"), mediatest.New("dir"), mediatest.New("huge")
	targets := []*media.Dir{media.NewDir(good), media.NewDir(dir), media.NewDir(huge)}
	first, err := w.sealWith("", 0, targets...)
	require.NoError(t, err)
	require.Len(t, first.IDs, 3)
	name := path.Join(mediumFolder, w.folder.ID, ledger.MediumLogName)
	require.NoError(t, targets[1].RemoveAll(name))
	require.NoError(t, targets[1].MkdirAll(name))
	require.NoError(t, targets[2].Replace(name, make([]byte, ledger.MaxMediumLog+1)))
	sealed, err := w.sealWith("", 1, targets...)
	require.NoError(t, err)
	require.Empty(t, sealed.Failed)
	require.Equal(t, []string{"good", "dir", "huge"}, sealed.Media)
	require.Equal(t, map[string]string{"good": first.IDs["good"]}, sealed.IDs)
	require.Len(t, sealed.Unlogged, 2)
	for _, f := range []*mediatest.FS{good, dir, huge} {
		number, whole, err := intact(f)
		require.NoError(t, err)
		require.True(t, whole)
		require.Equal(t, 2, number)
	}
	require.Equal(t, map[string][]Retired{"good": {{1, 0}}, "dir": {{1, 0}}, "huge": {{1, 0}}}, sealed.Retired)
	found, err := OpenMedia(targets[1])
	require.NoError(t, err)
	checked := Check(found[0], CheckOptions{})
	require.Len(t, checked.Findings, 1)
	require.Equal(t, "MEDIUM-LOG", checked.Findings[0].ID)
	require.Equal(t, Damage, checked.Findings[0].Severity)
}
