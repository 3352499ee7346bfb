package secret

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The test binary runs again as an unprivileged user with 64 KiB of lockable
// memory, where the tests of the limit do not skip. Shows G11.
func TestLimitInAChild(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become another user")
	}
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: MinimumLocked, Max: MinimumLocked}))
	child := exec.Command("/proc/self/exe", "-test.run=^(TestLimitIsAnErrorNotAPanic|TestASmallVaultFitsIntoTheLeastLimit)$", "-test.v")
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	child.Dir = "/"
	out, err := child.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range []string{"TestLimitIsAnErrorNotAPanic", "TestASmallVaultFitsIntoTheLeastLimit"} {
		require.Contains(t, string(out), "--- PASS: "+name, "%s", out)
	}
}
