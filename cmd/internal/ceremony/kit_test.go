package ceremony

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A link cannot be embedded, so there is a copy.
func TestTheFormatOnAMediumIsThatOfTheProject(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("..", "..", "..", "FORMAT.md"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, formatText), "copy FORMAT.md to cmd/internal/ceremony")
}
