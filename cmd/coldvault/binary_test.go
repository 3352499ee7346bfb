package main

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// builtBinary is the program as it is released, with a runtime that erases; built once.
func builtBinary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the released binary is the same whatever the tests are built with")
	}
	name, err := buildBinary()
	require.NoError(t, err)
	return name
}

var buildBinary = sync.OnceValues(func() (string, error) {
	name := filepath.Join(suiteDir, "coldvault-released")
	cmd := exec.Command("go", "build", "-trimpath", "-o", name, ".")
	cmd.Env = append(cmd.Environ(), "GOEXPERIMENT=runtimesecret", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	// Tests run it as other users.
	return name, exec.Command("chmod", "755", suiteDir, name).Run()
})
