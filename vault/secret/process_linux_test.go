package secret

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// needle is a secret that a crash would show: as the value of a panic, and in the
// words of an argument.
const needle = "seed-of-the-cold-vault"

var needleWords = [4]uint64{0x5ee0_0f7e_c01d_0001, 0x5ee0_0f7e_c01d_0002, 0x5ee0_0f7e_c01d_0003, 0x5ee0_0f7e_c01d_0004}

// shows says whether text has the needle in either form.
func shows(text string) bool {
	return strings.Contains(text, needle) || strings.Contains(text, "0x5ee00f7ec01d000")
}

// crashChild ends as args say, "guarded" or not, with the needle in its hands.
func crashChild(args []string) {
	how, guarded := args[0], args[1] == "guarded"
	die(20 * time.Second)
	stderr := os.Stderr
	if guarded {
		var err error
		if stderr, err = DetachStderr(); err == nil {
			err = Harden()
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(98)
		}
	}
	body := func() { crash(how, needleWords) }
	if !guarded {
		body()
	}
	if err := Guard(body); err != nil {
		fmt.Fprintln(stderr, "coldvault: error:", err)
		os.Exit(1)
	}
}

//go:noinline
func crash(how string, words [4]uint64) {
	held, err := Move([]byte(needle))
	if err != nil {
		panic(err)
	}
	switch how {
	case "panic":
		panic(string(held.Bytes()))
	case "goroutine":
		go func() { panic(string(held.Bytes())) }()
	case "index":
		held.Bytes()[len(words)*100] = 1
	case "map":
		concurrentWrites()
	default:
		number, err := strconv.Atoi(how)
		if err != nil {
			panic(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.Signal(number))
	}
	time.Sleep(time.Minute)
	fmt.Println(words)
}

// concurrentWrites is a fatal error that no recover catches.
func concurrentWrites() {
	shared := map[int]int{}
	for range 4 {
		go func() {
			for {
				shared[1]++
			}
		}()
	}
}

// Core files are tried in package memscan: memguard forbids them before main, for
// the children of this test too.
func TestACrashShowsNothing(t *testing.T) {
	ways := []struct{ name, how string }{
		{"panic", "panic"}, {"panic in a goroutine", "goroutine"}, {"index out of range", "index"}, {"concurrent map writes", "map"},
		{"SIGABRT", fmt.Sprint(int(unix.SIGABRT))}, {"SIGSEGV", fmt.Sprint(int(unix.SIGSEGV))}, {"SIGQUIT", fmt.Sprint(int(unix.SIGQUIT))},
	}
	for _, way := range ways {
		for _, traceback := range []string{"", "crash"} {
			for _, uid := range users() {
				t.Run(fmt.Sprintf("%s, GOTRACEBACK=%s, user %d", way.name, traceback, uid), func(t *testing.T) {
					output := runCrash(t, uid, way.how, traceback, "guarded")
					require.False(t, shows(output), "%s", output)
					require.NotContains(t, output, "goroutine ")
					require.NotContains(t, output, "0x")
				})
			}
		}
	}
}

// The same crashes without the guards: the test above would see the secret. Breaks G19.
func TestACrashWithoutGuardsShowsTheSecret(t *testing.T) {
	for _, how := range []string{"panic", "goroutine", "index", "map", fmt.Sprint(int(unix.SIGABRT)), fmt.Sprint(int(unix.SIGSEGV))} {
		output := runCrash(t, os.Getuid(), how, "crash", "bare")
		require.True(t, shows(output), "%s: %s", how, output)
	}
}

// runCrash returns what the child wrote.
func runCrash(t *testing.T, uid int, how, traceback, guarded string) string {
	t.Helper()
	c := newChild(t, t.TempDir(), uid, "crash", how, guarded)
	c.Env = append(c.Env, "GOTRACEBACK="+traceback)
	require.Error(t, c.Run(), "the child went on")
	require.NotContains(t, []int{0, 98, 99}, c.ProcessState.ExitCode(), "%s", &c.stdout)
	return c.stdout.String() + c.stderr.String()
}

func TestAGuardedPanicSaysWhereAndNotWhat(t *testing.T) {
	for how, kind := range map[string]string{"panic": "string", "index": "runtime.boundsError"} {
		c := newChild(t, t.TempDir(), os.Getuid(), "crash", how, "guarded")
		require.Error(t, c.Run())
		require.Equal(t, 1, c.ProcessState.ExitCode())
		require.Regexp(t, `^coldvault: error: internal error: `+kind+` at vault/secret/process_linux_test\.go:\d+\n$`, c.stderr.String())
	}
}

func TestGuardWipesOnAPanicAndStaysOutOfTheWayOtherwise(t *testing.T) {
	b, err := Move([]byte("key"))
	require.NoError(t, err)
	require.NoError(t, Guard(func() {}))
	require.Equal(t, "key", string(b.Bytes()))
	var problem *PanicError
	require.ErrorAs(t, Guard(func() { panic(b) }), &problem)
	require.Equal(t, "*secret.Buffer", problem.Type)
	require.Equal(t, make([]byte, 3), b.Bytes())
	b.Destroy()
}

// facts are what a hardened child finds out about itself.
type facts struct {
	Environment []string
	Umask       int
	Dumpable    int
	Core        unix.Rlimit
	Threads     []string // their NoNewPrivs
}

func factsChild([]string) {
	stop := onThreads(8, nil)
	defer stop()
	if err := Harden(); err != nil {
		fmt.Println(err)
		os.Exit(98)
	}
	f := facts{Environment: os.Environ(), Umask: unix.Umask(0)}
	f.Dumpable, _ = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &f.Core)
	statuses, _ := filepath.Glob("/proc/self/task/*/status")
	for _, name := range statuses {
		status, _ := os.ReadFile(name)
		_, after, _ := strings.Cut(string(status), "NoNewPrivs:\t")
		value, _, _ := strings.Cut(after, "\n")
		f.Threads = append(f.Threads, value)
	}
	_ = json.NewEncoder(os.Stdout).Encode(f)
}

func TestHardenHoldsForEveryThread(t *testing.T) {
	for _, uid := range users() {
		t.Run(strconv.Itoa(uid), func(t *testing.T) {
			c := newChild(t, t.TempDir(), uid, "facts")
			c.Env = append(c.Env, "TERM=xterm", "LC_ALL=C", "AWS_SECRET=x", "LD_PRELOAD=", "HOME=/root")
			require.NoError(t, c.Run(), "%s%s", &c.stdout, &c.stderr)
			var f facts
			require.NoError(t, json.Unmarshal(c.stdout.Bytes(), &f))
			require.Subset(t, f.Environment, []string{"TERM=xterm", "LC_ALL=C"})
			for _, entry := range f.Environment {
				require.Regexp(t, `^(TERM|NO_COLOR|LANG|TZ|LC_[A-Z]+)=`, entry)
			}
			require.Equal(t, 0o077, f.Umask)
			require.Zero(t, f.Dumpable)
			require.Zero(t, f.Core)
			require.Greater(t, len(f.Threads), 8)
			for _, value := range f.Threads {
				require.Equal(t, "1", value)
			}
		})
	}
}

// idleChild holds the needle and waits to be read.
func idleChild(args []string) {
	die(time.Minute)
	if args[0] == "guarded" {
		if err := Harden(); err != nil {
			fmt.Println(err)
			os.Exit(98)
		}
	}
	ready()
	select {}
}

// readMemoryChild tries to open the memory of another process.
func readMemoryChild(args []string) {
	f, err := os.Open("/proc/" + args[0] + "/mem")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	f.Close()
}

func TestAnotherProcessOfTheSameUserCannotReadTheMemory(t *testing.T) {
	read := func(guarded string) error {
		idle := newChild(t, t.TempDir(), nobody, "idle", guarded)
		idle.startReady(t)
		reader := newChild(t, t.TempDir(), nobody, "read", strconv.Itoa(idle.Process.Pid))
		err := reader.Run()
		if err != nil {
			require.Contains(t, reader.stdout.String(), "permission denied")
		}
		return err
	}
	if read("bare") != nil {
		t.Skip("this system closes the memory of every process")
	}
	require.Error(t, read("guarded"))
}
