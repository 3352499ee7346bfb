package vault

import (
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
