package vault

import (
	"bytes"
	"path"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/vault/format"
)

// extracts reads the first archive of a medium as a restore does.
func (w *world) extracts(files map[string][]byte) (string, error) {
	w.t.Helper()
	found, err := OpenMedia(media.Memory{Title: "stick", Files: files})
	require.NoError(w.t, err)
	copies, err := GatherCopies(found, "")
	require.NoError(w.t, err)
	c, err := copies.Select(0)
	require.NoError(w.t, err)
	b, _, err := c.Open("hot", JudgeShares(c.Identity, w.cards(1, 2)))
	require.NoError(w.t, err)
	defer b.Destroy()
	require.Len(w.t, b.Archives, 1)
	for _, attempt := range b.Archives[0].Attempts() {
		var out bytes.Buffer
		if err = attempt(&out, nil, func(int) {}); err == nil {
			return out.String(), nil
		}
	}
	return "", err
}

// Whoever has a stick for a while can encrypt to the vault's recipients, and make parity: an
// archive of theirs is refused all the same, whole or in part. Breaks G24.
func TestAnArchiveThatWasExchangedIsRefused(t *testing.T) {
	w := newFastWorld(t)
	archive := archiveFile(t, 3_000)
	files := w.small(t, 1)
	got, err := w.extracts(files)
	require.NoError(t, err)
	require.Equal(t, string(readFile(t, archive)), got)

	name := path.Join("coldvault", w.folder.ID, generationDir(1), format.ArchivePart(1, 1))
	sealed := files[name]
	header, err := age.ExtractHeader(bytes.NewReader(sealed))
	require.NoError(t, err)
	recipient, err := w.folder.Identity.recipient("hot")
	require.NoError(t, err)
	forged := encryptedArchive(t, recipient, bytes.Repeat([]byte("x"), 3_000))
	require.Len(t, forged, len(sealed))
	for what, data := range map[string][]byte{
		"encrypted by somebody else":              forged,
		"with the header of the one that was":     append(bytes.Clone(header), forged[len(header):]...),
		"with the payload of the one that was":    append(bytes.Clone(forged[:len(header)]), sealed[len(header):]...),
		"without its last chunk, and as long":     append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1),
		"with a byte more of the payload changed": append(append(bytes.Clone(sealed[:len(header)+20]), sealed[len(header)+20]^1), sealed[len(header)+21:]...),
	} {
		parity, err := media.MakeParity(data)
		require.NoError(t, err)
		exchanged := with(with(files, what, name, data).files, what, format.ParityName(name), parity).files
		_, err = w.extracts(exchanged)
		require.Error(t, err, what)
	}
}

// encryptedArchive is an age file as a seal would make it of other content.
func encryptedArchive(t *testing.T, recipient string, content []byte) []byte {
	t.Helper()
	r, err := age.ParseHybridRecipient(recipient)
	require.NoError(t, err)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	require.NoError(t, err)
	src := ArchiveSource{ContentsFile: format.ContentsFile{Name: "dump", Size: int64(len(content)), Mode: "0600", Modified: time.Unix(0, 0)}}
	require.NoError(t, writeArchive(w, src, bytes.NewReader(content)))
	return out.Bytes()
}
