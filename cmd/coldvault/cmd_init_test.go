package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A shell reads the name of a folder as it is, from what the terminal shows of it.
func TestAFolderIsQuotedAsTheTerminalShowsIt(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, name := range []string{
		"cards", "it's", "my cards", "my  cards", "a\nb", "a\x1b[2Jb", "it's\a", "карты", "漢字", "\u202ecards", "e\u0301", "\xff", "-rf", "$(reboot)",
	} {
		folder := filepath.Join(t.TempDir(), name)
		shown := clean(quoted(folder))
		out, err := exec.Command(bash, "-c", "printf %s "+shown).Output()
		require.NoError(t, err, shown)
		require.Equal(t, folder, string(out), shown)
	}
	require.Equal(t, `$'/cards\007'`, quoted("/cards\a"))
}
