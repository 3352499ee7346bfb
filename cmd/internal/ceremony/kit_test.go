package ceremony

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A link cannot be embedded, so there is a copy.
func TestTheFormatOnAMediumIsThatOfTheProject(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("..", "..", "..", "FORMAT.md"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(formatText), "copy FORMAT.md to cmd/internal/ceremony")
}
