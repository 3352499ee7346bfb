package scan

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Format words are those of ISO/IEC 18004 table C.1, of which the first, the last and one between are here.
func TestFormatWord(t *testing.T) {
	require.Equal(t, uint32(0x5412), formatWord(0x00))
	require.Equal(t, uint32(0x40CE), formatWord(0x05))
	require.Equal(t, uint32(0x2BED), formatWord(0x1F))
}
