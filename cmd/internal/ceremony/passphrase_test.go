package ceremony

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/shard"
	"coldvault/vault/secret"
)

// Generated passphrases are seven words of the list, and are never the same. Over many
// the words come evenly from the whole list. Shows G15.
func TestPassphrasesAreDrawnFromTheWholeList(t *testing.T) {
	require.GreaterOrEqual(t, PassphraseBits, 77)
	list := map[string]int{}
	for n := range 1 << shard.ListBits {
		list[shard.ListWord(uint16(n))] = 0
	}
	const draws = 3000
	seen := map[string]bool{}
	for range draws {
		p, err := NewPassphrase()
		require.NoError(t, err)
		text := string(p.Bytes())
		p.Destroy()
		words := strings.Split(text, " ")
		require.Len(t, words, PassphraseWords)
		for _, w := range words {
			require.Contains(t, list, w)
			list[w]++
		}
		require.False(t, seen[text])
		seen[text] = true
	}
	// A word is expected 10.3 times, with a deviation of 3.2: twelve deviations, and the
	// chance that more than five of 2048 never come, are beyond any accident.
	never := 0
	for w, n := range list {
		require.Less(t, n, 50, w)
		if n == 0 {
			never++
		}
	}
	require.LessOrEqual(t, never, 5)
}

// A passphrase is counted in characters, not in bytes. Breaks G15.
func TestShortPassphrasesAreRefused(t *testing.T) {
	for text, refused := range map[string]bool{"": true, "elevenchars": true, "twelve chars": false, "öäüöäüöäüöä": true, "öäüöäüöäüöäü": false} {
		p, err := secret.Move([]byte(text))
		require.NoError(t, err)
		err = CheckPassphrase(p)
		p.Destroy()
		if !refused {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, "fewer than 12")
		if text != "" {
			require.NotContains(t, err.Error(), text)
		}
	}
}

// A card goes into the folder that was opened, never over a file nor through a link. Breaks G7.
func TestCardsAreNewFilesInTheFolderThatWasOpened(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "card-1.pdf")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "card-2.pdf"), []byte("mine"), 0o600))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	undo := &undoList{}
	require.ErrorIs(t, undo.createIn(root, "card-1.pdf", []byte("secret"), 0o400), os.ErrExist)
	require.ErrorIs(t, undo.createIn(root, "card-2.pdf", []byte("secret"), 0o400), os.ErrExist)
	require.NoFileExists(t, filepath.Join(dir, "elsewhere"))
	require.NoError(t, undo.createIn(root, "card-3.pdf", []byte("secret"), 0o400))
	info, err := os.Lstat(filepath.Join(dir, "card-3.pdf"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o400), info.Mode())
	undo.run()
	require.NoFileExists(t, filepath.Join(dir, "card-3.pdf"))
	kept, err := os.ReadFile(filepath.Join(dir, "card-2.pdf"))
	require.NoError(t, err)
	require.Equal(t, "mine", string(kept))
}
