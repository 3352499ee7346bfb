package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Only the tests' own coldvault is shown another host: the program has no way to be
// told one.
func TestTheProgramLooksAtTheHostItRunsOn(t *testing.T) {
	require.Equal(t, os.DirFS("/"), hostRoot)
	facts := lookAtHost()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	require.NoError(t, err)
	require.Equal(t, string(release), facts.Machine.Kernel.Is+"\n")
}
