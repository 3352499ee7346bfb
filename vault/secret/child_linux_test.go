package secret

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What changes the process for good is tried in a child: the test binary again,
// which finds in childVariable what to be.
const childVariable = "SECRET_TEST_CHILD"

var children = map[string]func(args []string){
	"crash":   crashChild,
	"facts":   factsChild,
	"idle":    idleChild,
	"read":    readMemoryChild,
	"sandbox": sandboxChild,
	"foreign": foreignChild,
	"partial": partialChild,
}

func TestMain(m *testing.M) {
	if be := os.Getenv(childVariable); be != "" {
		children[be](os.Args[1:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const nobody = 65534

// child collects what it writes; tests read that after it has ended.
type child struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

// newChild prepares one, as another user if uid is not the present one. It sees
// dir as its folder.
func newChild(t *testing.T, dir string, uid int, be string, args ...string) *child {
	t.Helper()
	if uid != os.Getuid() && os.Getuid() != 0 {
		t.Skip("needs root to become another user")
	}
	c := &child{Cmd: exec.Command("/proc/self/exe", args...)}
	c.Env = append(os.Environ(), childVariable+"="+be)
	c.Dir = dir
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	if uid != os.Getuid() {
		require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711)) // as testing makes it, only its owner passes
		require.NoError(t, os.Chown(dir, uid, uid))
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return c
}

// startReady starts the child and returns when it has said "ready".
func (c *child) startReady(t *testing.T) {
	t.Helper()
	c.Stdout = nil
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	line := make([]byte, len("ready\n"))
	_, err = out.Read(line)
	require.NoError(t, err, "%s", &c.stderr)
	require.Equal(t, "ready\n", string(line))
}

func ready() { fmt.Println("ready") }

// users are whom every promise is tried for: the one of the tests, and one without privileges.
func users() []int {
	if os.Getuid() == 0 {
		return []int{0, nobody}
	}
	return []int{os.Getuid()}
}

// die makes a child that hangs fail the test instead of stopping it.
func die(after time.Duration) {
	time.AfterFunc(after, func() { os.Exit(99) })
}
