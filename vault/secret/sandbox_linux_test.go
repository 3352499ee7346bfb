package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// An attempt is tried in many threads of a child, below the folders that the
// child was given: here names its part of them.
type attempt struct {
	name string
	try  func(root, here string) error
}

// forbidden are refused inside the sandbox, and not outside.
var forbidden = []attempt{
	{"TCP", socket(unix.AF_INET, unix.SOCK_STREAM, 0)},
	{"TCP over IPv6", socket(unix.AF_INET6, unix.SOCK_STREAM, 0)},
	{"UDP", socket(unix.AF_INET, unix.SOCK_DGRAM, 0)},
	{"MPTCP", socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)},
	{"unix socket", socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)},
	{"netlink", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)},
	{"socket pair", func(string, string) error {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err == nil {
			unix.Close(pair[0])
			unix.Close(pair[1])
		}
		return err
	}},
	{"io_uring", func(string, string) error {
		var params [120]byte // struct io_uring_params
		fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
		if errno != 0 {
			return errno
		}
		return unix.Close(int(fd))
	}},
	{"starting a program", func(string, string) error {
		p, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
		if err == nil {
			_, err = p.Wait()
		}
		return err
	}},
	{"becoming a program", func(root, _ string) error { return unix.Exec(filepath.Join(root, "none"), nil, nil) }},
	{"another process by clone3", func(string, string) error { return call(unix.SYS_CLONE3, 0, 0) }},
	{"attaching to a process", func(string, string) error { return unix.PtraceAttach(0x7fffffff) }},
	{"reading a process", func(string, string) error {
		var from, to [1]byte
		_, err := unix.ProcessVMReadv(os.Getpid(), []unix.Iovec{{Base: &to[0], Len: 1}},
			[]unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&from[0])), Len: 1}}, 0)
		return err
	}},
	{"a file in memory", func(string, string) error {
		fd, err := unix.MemfdCreate("x", 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}},
	{"keys of the kernel", func(string, string) error { return call(unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, 0) }},
	{"another view of mounts", func(string, string) error { return unix.Unshare(0) }},
	{"typing into the terminal", func(string, string) error {
		letter := byte('x')
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, ^uintptr(0), unix.TIOCSTI, uintptr(unsafe.Pointer(&letter)))
		return errno
	}},

	{"reading outside", func(root, _ string) error { return read(filepath.Join(root, "outside/file")) }},
	{"reading through a link", func(root, _ string) error { return read(filepath.Join(root, "rw/link")) }},
	{"reading /etc", func(string, string) error { return read("/etc/passwd") }},
	{"listing outside", func(root, _ string) error { return list(filepath.Join(root, "outside")) }},
	{"creating outside", func(root, here string) error { return create(filepath.Join(root, "outside", here)) }},
	{"making a folder outside", func(root, here string) error { return os.Mkdir(filepath.Join(root, "outside", here+"-dir"), 0o700) }},
	{"renaming outside", func(root, here string) error {
		return os.Rename(filepath.Join(root, "outside", "victim-"+here), filepath.Join(root, "outside", "moved-"+here))
	}},
	{"moving out", func(root, here string) error {
		return os.Rename(filepath.Join(root, "rw", "victim-"+here), filepath.Join(root, "outside", "taken-"+here))
	}},
	{"removing outside", func(root, here string) error { return os.Remove(filepath.Join(root, "outside", "old-"+here)) }},
	{"writing where only reading was given", func(root, here string) error { return create(filepath.Join(root, "ro", here)) }},
	{"overwriting where only reading was given", func(root, _ string) error {
		f, err := os.OpenFile(filepath.Join(root, "ro/file"), os.O_WRONLY, 0)
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"a neighbour of the file that was given", func(root, here string) error { return create(filepath.Join(root, "single", here)) }},
}

// permitted work inside the sandbox as outside.
var permitted = []attempt{
	{"reading", func(root, _ string) error {
		return errors.Join(read(filepath.Join(root, "ro/file")), list(filepath.Join(root, "ro")))
	}},
	{"making, truncating, renaming, removing", func(root, here string) error {
		name := filepath.Join(root, "rw", here)
		return errors.Join(create(name), os.Truncate(name, 0), os.Rename(name, name+"-new"), read(name+"-new"), os.Remove(name+"-new"))
	}},
	{"folders, and moving between them", func(root, here string) error {
		name := filepath.Join(root, "rw", here)
		return errors.Join(os.Mkdir(name+"-a", 0o700), os.Mkdir(name+"-b", 0o700), create(name+"-a/file"),
			os.Rename(name+"-a/file", name+"-b/file"), os.RemoveAll(name+"-a"), os.RemoveAll(name+"-b"))
	}},
	{"writing a file by its name", func(root, _ string) error { return os.Truncate(filepath.Join(root, "single/file"), 3) }},
	{"naming a file that has none", func(root, here string) error {
		f := unnamed[here]
		_, err := f.WriteString("content")
		return errors.Join(err, f.Sync(), nameFile(f, filepath.Join(root, "names", "named-"+here)))
	}},
	{"removing a folder that is empty", func(root, here string) error { return unix.Rmdir(filepath.Join(root, "goes", "empty-"+here)) }},
	{"renaming a folder", func(root, here string) error {
		name := filepath.Join(root, "renames", "folder-"+here)
		return os.Rename(name, name+"-new")
	}},
	{"a missing file is missing, not refused", func(root, _ string) error {
		if err := read(filepath.Join(root, "ro/none")); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("want no such file, got %w", err)
		}
		return nil
	}},
	{"facts about the host", func(string, string) error { return errors.Join(read("/proc/self/mountinfo"), list("/sys/class")) }},
	{"new seeds and buffers", func(string, string) error {
		a, err := NewSeed(32)
		if err != nil {
			return err
		}
		a.Destroy()
		b, err := Random(5000)
		if err != nil {
			return err
		}
		b.Destroy()
		return nil
	}},
	{"threads and the garbage collector", func(string, string) error {
		runtime.GC()
		onThreads(2, nil)()
		return nil
	}},
}

// above are the folders of Paths.Name, Rmdir and Rename.
var above = []string{"names", "goes", "renames"}

// In a folder above what is written nothing else can be had: these are forbidden too.
func init() {
	for _, dir := range above {
		victim := func(root, here string) string { return filepath.Join(root, dir, "victim-"+here) }
		forbidden = append(forbidden, []attempt{
			{"reading in " + dir, func(root, here string) error { return read(victim(root, here)) }},
			{"listing " + dir, func(root, _ string) error { return list(filepath.Join(root, dir)) }},
			{"overwriting in " + dir, func(root, here string) error { return os.WriteFile(victim(root, here), nil, 0o600) }},
			{"truncating in " + dir, func(root, here string) error { return os.Truncate(victim(root, here), 0) }},
			{"creating in " + dir, func(root, here string) error { return create(filepath.Join(root, dir, here)) }},
			{"another without a name in " + dir, func(root, _ string) error {
				fd, err := unix.Open(filepath.Join(root, dir), unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
				if err == nil {
					unix.Close(fd)
				}
				return err
			}},
			{"replacing in " + dir, func(root, here string) error {
				return os.Rename(filepath.Join(root, "rw", "thing-"+dir+here), victim(root, here))
			}},
			{"linking out of " + dir, func(root, here string) error {
				return os.Link(victim(root, here), filepath.Join(root, "rw", "linked-"+dir+here))
			}},
			{"a link in " + dir, func(root, here string) error { return os.Symlink("x", filepath.Join(root, dir, "symlink-"+here)) }},
			{"moving a folder out of " + dir, func(root, here string) error {
				return os.Rename(filepath.Join(root, dir, "other-"+here), filepath.Join(root, "rw", "other-"+dir+here))
			}},
			{"moving out of " + dir, func(root, here string) error {
				return os.Rename(victim(root, here), filepath.Join(root, "rw", "moved-"+dir+here))
			}},
			{"renaming in " + dir, func(root, here string) error {
				name := filepath.Join(root, dir, "second-"+here)
				return os.Rename(name, name+"-new")
			}},
			{"removing in " + dir, func(root, here string) error { return os.Remove(filepath.Join(root, dir, "third-"+here)) }},
		}...)
	}
}

// unnamed are files without a name, of every thread.
var unnamed = map[string]*os.File{}

// nameFile gives one its name.
func nameFile(f *os.File, name string) error {
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
}

func socket(family, kind, protocol int) func(string, string) error {
	return func(string, string) error {
		fd, err := unix.Socket(family, kind, protocol)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
}

// call reports the error of a system call as one, 0 as nil.
func call(number, a, b uintptr) error {
	if _, _, errno := unix.Syscall(number, a, b, 0); errno != 0 {
		return errno
	}
	return nil
}

func read(name string) error {
	_, err := os.ReadFile(name)
	return err
}

func list(name string) error {
	_, err := os.ReadDir(name)
	return err
}

func create(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	return err
}

// refused says whether err is a refusal, rather than another failure. ENOSYS is
// that of clone3, EXDEV that of moving and linking between folders.
func refused(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EXDEV)
}

// onThreads starts goroutines with a thread each; every one runs work, if there is any, when
// stop is called, which waits for all of them.
func onThreads(count int, work func(thread int)) (stop func()) {
	var started, done sync.WaitGroup
	release := make(chan struct{})
	for thread := range count {
		started.Add(1)
		done.Go(func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			started.Done()
			<-release
			if work != nil {
				work(thread)
			}
		})
	}
	started.Wait()
	return func() {
		close(release)
		done.Wait()
	}
}

// outcome is what a child of the sandbox found out.
type outcome struct {
	Sandbox Sandbox
	Error   string
	Zone    string
	Listed  []uint32 // denied calls that did not answer EPERM
	Results []result
}

type result struct {
	Thread  string
	Name    string
	Refused bool
	Error   string
}

const threadsEach = 8

// threads are their names.
func threads() (all []string) {
	for _, when := range []string{"before", "after"} {
		for thread := range threadsEach {
			all = append(all, when+strconv.Itoa(thread))
		}
	}
	return all
}

// sandboxChild makes every attempt, in threads from before and after Confine.
func sandboxChild(args []string) {
	die(30 * time.Second)
	root, confine := args[0], args[1] == "confined"
	var o outcome
	var mu sync.Mutex
	work := func(when string) func(int) {
		return func(thread int) {
			here := when + strconv.Itoa(thread)
			for _, list := range [][]attempt{forbidden, permitted} {
				for _, a := range list {
					r := result{Thread: here, Name: a.name}
					if err := a.try(root, here); err != nil {
						r.Refused, r.Error = refused(err), err.Error()
					}
					mu.Lock()
					o.Results = append(o.Results, r)
					mu.Unlock()
				}
			}
		}
	}
	for _, here := range threads() {
		fd, err := unix.Open(filepath.Join(root, "names"), unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
		if err != nil {
			fmt.Println(err)
			os.Exit(98)
		}
		unnamed[here] = os.NewFile(uintptr(fd), here)
	}
	before := onThreads(threadsEach, work("before"))
	if confine {
		var err error
		o.Sandbox, err = Confine(Paths{
			Read:  []string{filepath.Join(root, "ro"), filepath.Join(root, "missing")},
			Write: []string{filepath.Join(root, "rw"), filepath.Join(root, "single/file")},
		}, Paths{
			Name: []string{filepath.Join(root, "names")}, Rmdir: []string{filepath.Join(root, "goes")}, Rename: []string{filepath.Join(root, "renames")},
		})
		if err != nil {
			o.Error = err.Error()
		}
	}
	before()
	onThreads(threadsEach, work("after"))()
	o.Zone = time.Now().Location().String()
	if o.Sandbox.Seccomp {
		for _, number := range deniedCalls {
			if _, _, errno := unix.RawSyscall6(uintptr(number), 0, 0, 0, 0, 0, 0); errno != unix.EPERM {
				o.Listed = append(o.Listed, number)
			}
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(o)
}

// runSandbox makes the folders, and the files that attempts move and remove.
func runSandbox(t *testing.T, uid int, mode string) outcome {
	t.Helper()
	root := t.TempDir()
	for _, dir := range append([]string{"ro", "rw", "outside", "single"}, above...) {
		require.NoError(t, os.Mkdir(filepath.Join(root, dir), 0o700))
	}
	for _, name := range []string{"ro/file", "rw/file", "outside/file", "single/file"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte("content"), 0o600))
	}
	require.NoError(t, os.Symlink("../outside/file", filepath.Join(root, "rw/link")))
	for _, here := range threads() {
		files := []string{"outside/victim-", "outside/old-", "rw/victim-"}
		folders := []string{"goes/empty-", "renames/folder-"}
		for _, dir := range above {
			files = append(files, dir+"/victim-", dir+"/second-", dir+"/third-", "rw/thing-"+dir)
			folders = append(folders, dir+"/other-")
		}
		for _, name := range files {
			require.NoError(t, os.WriteFile(filepath.Join(root, name+here), []byte("content"), 0o600))
		}
		for _, name := range folders {
			require.NoError(t, os.Mkdir(filepath.Join(root, name+here), 0o700))
		}
	}
	c := newChild(t, root, uid, "sandbox", root, mode)
	require.NoError(t, filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, uid, uid)
	}))
	require.NoError(t, c.Run(), "%s%s", &c.stdout, &c.stderr)
	var o outcome
	require.NoError(t, json.Unmarshal(c.stdout.Bytes(), &o), "%s%s", &c.stdout, &c.stderr)
	require.Len(t, o.Results, 2*threadsEach*(len(forbidden)+len(permitted)))
	return o
}

// names of a list.
func names(list []attempt) map[string]bool {
	set := map[string]bool{}
	for _, a := range list {
		set[a.name] = true
	}
	return set
}

// Breaks G20.
func TestTheSandboxRefusesInEveryThreadWhatWorksOutside(t *testing.T) {
	have := Features()
	if !have.Seccomp || have.LandlockABI < 3 {
		t.Skipf("this kernel has seccomp: %v, landlock ABI: %d; ABI 3 is needed", have.Seccomp, have.LandlockABI)
	}
	for _, uid := range users() {
		t.Run(strconv.Itoa(uid), func(t *testing.T) {
			// The control: what is refused or missing here anyway proves nothing.
			closed := map[string]bool{}
			for _, r := range runSandbox(t, uid, "open").Results {
				if r.Refused && !closed[r.Name] {
					t.Logf("refused without the sandbox too, so not tested: %s", r.Name)
					closed[r.Name] = true
				}
				if names(permitted)[r.Name] {
					require.Empty(t, r.Error, "%s in thread %s", r.Name, r.Thread)
				}
			}
			require.Less(t, len(closed), 3, "too little is left to test")

			o := runSandbox(t, uid, "confined")
			require.Empty(t, o.Error)
			require.Equal(t, Sandbox{Seccomp: true, Landlock: min(have.LandlockABI, rulesetABI)}, o.Sandbox)
			require.Empty(t, o.Listed, "denied calls that are not denied")
			require.Equal(t, time.Now().Location().String(), o.Zone)
			for _, r := range o.Results {
				if names(permitted)[r.Name] {
					require.Empty(t, r.Error, "%s in thread %s", r.Name, r.Thread)
				} else if !closed[r.Name] {
					require.True(t, r.Refused, "%s in thread %s: %s", r.Name, r.Thread, r.Error)
				}
			}
		})
	}
}

// partialChild takes system calls away, so that the kernel looks like one that
// never had them, and confines itself with what is left.
func partialChild(args []string) {
	var older []unix.SockFilter
	older = append(older, load(offsetCall))
	for _, arg := range args {
		number, _ := strconv.Atoi(arg)
		older = append(older, jump(unix.BPF_JEQ, uint32(number), 0, 1), ret(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)))
	}
	if err := loadFilter(append(older, ret(unix.SECCOMP_RET_ALLOW))); err != nil {
		fmt.Println(err)
		os.Exit(98)
	}
	s, err := Confine(Paths{})
	seed, seedErr := NewSeed(32)
	if seedErr == nil {
		_, sealed := seed.page.region.(*sealed)
		fmt.Println(s.Seccomp, s.Landlock, errors.Is(err, ErrNoSandbox), sealed, Features().MemfdSecret,
			refused(call(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM)), refused(read("/etc/passwd")))
	}
}

// What an older kernel lacks is said, and the rest still holds.
func TestAKernelWithoutAPartKeepsTheOther(t *testing.T) {
	have := Features()
	if !have.Seccomp || have.LandlockABI == 0 || !have.MemfdSecret {
		t.Skipf("this kernel lacks a part itself: %+v", have)
	}
	abi := min(have.LandlockABI, rulesetABI)
	tests := []struct {
		name    string
		lacking []int
		want    string // seccomp, landlock, ErrNoSandbox, seed sealed, memfd_secret, socket refused, file refused
	}{
		{"nothing", nil, fmt.Sprintf("true %d false true true true true\n", abi)},
		{"landlock", []int{unix.SYS_LANDLOCK_CREATE_RULESET}, "true 0 true true true true false\n"},
		{"seccomp", []int{unix.SYS_SECCOMP}, fmt.Sprintf("false %d true true true false true\n", abi)},
		{"both", []int{unix.SYS_SECCOMP, unix.SYS_LANDLOCK_CREATE_RULESET}, "false 0 true true true false false\n"},
		{"memfd_secret", []int{unix.SYS_MEMFD_SECRET}, fmt.Sprintf("true %d false false false true true\n", abi)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var args []string
			for _, number := range tt.lacking {
				args = append(args, strconv.Itoa(number))
			}
			c := newChild(t, t.TempDir(), os.Getuid(), "partial", args...)
			require.NoError(t, c.Run(), "%s%s", &c.stdout, &c.stderr)
			require.Equal(t, tt.want, c.stdout.String())
		})
	}
}

func TestConfineNamesAPathItCannotResolve(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink(loop, loop))
	_, err := Paths{Write: []string{loop}}.rules()
	require.ErrorContains(t, err, loop)
	require.NotErrorIs(t, err, ErrNoSandbox)
}
