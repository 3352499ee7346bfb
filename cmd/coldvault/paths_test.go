package main

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/secret"
)

// opens is a command line of coldvault that, when its sandbox is up, does what it is told on
// standard input, "read NAME", "write NAME", "remove NAME" or "move NAME", and says whether it
// could. With TEST_WIDE it may write to the folder that it is in.
func opens() {
	var c commands
	wide := os.Getenv("TEST_WIDE") != "" // before Harden, which forgets it
	parsed, err := kong.Must(&c).Parse(os.Args[1:])
	if err == nil {
		err = secret.Harden()
	}
	u := newUI(os.Stdin, os.Stdout, os.Stderr)
	outputs, stop := ceremony.NewOutputs(u)
	defer stop()
	switch {
	case err != nil:
	case wide:
		_, err = secret.Confine(secret.Paths{Write: []string{"."}})
	default:
		err = u.confine(parsed.Selected().Target.Addr().Interface(), outputs, true)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("confined")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		how, name, _ := strings.Cut(lines.Text(), " ")
		switch how {
		case "remove":
			fmt.Println(os.Remove(name) == nil)
		case "move":
			fmt.Println(os.Rename(name, name+"-moved") == nil)
		default:
			fmt.Println(canOpen(name, how == "write"))
		}
	}
}

// canOpen says whether a file can be opened, or a folder listed or written to.
func canOpen(name string, write bool) bool {
	flag := os.O_RDONLY
	if info, err := os.Stat(name); write && err == nil && info.IsDir() {
		name, flag = filepath.Join(name, "probe"), os.O_WRONLY|os.O_CREATE
		defer os.Remove(name)
	} else if write {
		flag = os.O_WRONLY
	}
	f, err := os.OpenFile(name, flag, 0o600)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// opener is opens while it runs.
type opener struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func startOpener(t *testing.T, dir string, args ...string) *opener {
	t.Helper()
	cmd := exec.Command("coldvault-opens", args...)
	cmd.Dir = dir
	return startedOpener(t, cmd)
}

func startedOpener(t *testing.T, cmd *exec.Cmd) *opener {
	t.Helper()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		require.NoError(t, cmd.Wait())
	})
	o := &opener{t, in, bufio.NewReader(out)}
	require.Equal(t, "confined", o.line())
	return o
}

func (o *opener) line() string {
	o.t.Helper()
	line, err := o.out.ReadString('\n')
	require.NoError(o.t, err)
	return strings.TrimSpace(line)
}

func (o *opener) can(how, name string) bool {
	o.t.Helper()
	_, err := fmt.Fprintln(o.in, how, name)
	require.NoError(o.t, err)
	return o.line() == "true"
}

func needSandbox(t *testing.T) {
	t.Helper()
	if f := secret.Features(); !f.Seccomp || f.LandlockABI == 0 {
		t.Skip("this kernel has no seccomp or no landlock")
	}
}

// What each command can open: of these, what is named here and nothing else. What it makes is
// in a folder that has all the rest in it. Shows G20.
func TestACommandOpensWhatItWasGivenAndNothingElse(t *testing.T) {
	needSandbox(t)
	tests := []struct{ args, reads, writes string }{
		{"inspect pool-1", "pool-1", ""},
		{"init --vault v --cards c --label x --shares 3 --threshold 2 --passphrase-file passphrase", "passphrase", "v.new c"},
		{"init --vault new/../v --cards ./paper/c --label x --shares 3 --threshold 2 --dice-file dice", "dice", "v.new paper/c"},
		{"init --vault v --cards paper --label x --shares 3 --threshold 2", "", "v.new paper"},
		{"init --vault v --cards c --label x --shares 3 --threshold 4", "", ""},
		{"init --vault vault --cards c --label x --shares 3 --threshold 2", "", ""},
		{"seal --vault vault --to medium-a --to medium-b pool-1 --attach dump --passphrase-file passphrase --kit kit", "pool-1 dump passphrase kit", "vault medium-a medium-b"},
		{"seal --vault vault --to medium-a --to medium-a pool-1", "pool-1", "vault medium-a"},
		{"seal --vault vault --to medium-z --to medium-a pool-1", "pool-1", "vault medium-a"},
		{"seal --vault link --to medium-link pool-1", "pool-1", "vault link medium-a medium-link"},
		{"seal --vault ./new/../vault --to new/../medium-a pool-1", "pool-1", "vault medium-a"},
		{"paper --vault vault --out out.pdf", "", "vault"},
		{"paper --vault vault --from medium-a --out new/pages.pdf", "medium-a", "vault"},
		{"scan pages.pdf cards", "pages.pdf cards", ""},
		{"scan pages.pdf --rescue out", "pages.pdf", "out"},
		{"scan pages.pdf --rescue other", "pages.pdf", ""},
		{"check medium-a pages.pdf --card dice", "pages.pdf dice", "medium-a"},
		{"check medium-a --no-record", "medium-a", ""},
		{"check medium-a --no-record --repair --vault vault", "", "medium-a vault"},
		{"check -", "", ""},
		{"check medium-z pages.pdf", "pages.pdf", ""},
		{"restore --from medium-a --from pages.pdf --card cards --to out", "medium-a pages.pdf cards", "out"},
		{"restore --from medium-a --to new", "medium-a", "new"},
		{"restore --from medium-a --to new/", "medium-a", "new"},
		{"restore --from medium-a --to new/out", "medium-a", "new/out"},
		{"restore --from medium-a --to empty-link/", "medium-a", ""},
		{"restore --from medium-a --to other", "medium-a", ""},
		{"restore --from medium-a --role vault --to out", "medium-a", "out"},
		{"restore --from medium-a --role vault --to new", "medium-a", ""},
		{"restore --from medium-a --role none --to out", "medium-a", ""},
		{"restore --from medium-a --card - --to new/z/out", "medium-a", ""},
		{"drill --from medium-a --card cards", "medium-a cards", ""},
		{"drill --from medium-a --card cards --vault vault", "medium-a cards", "vault"},
		{"copy --from medium-a --to medium-b", "medium-a", "medium-b"},
		{"copy --from medium-a --to medium-z", "medium-a", ""},
		{"kit --vault vault medium-a --passphrase-file passphrase", "passphrase", "vault medium-a"},
		{"status --vault vault medium-a --ics dates.ics", "", "vault medium-a"},
		{"record --vault vault --note x", "", "vault"},
		{"record --vault vault medium-a --lost", "medium-a", "vault"},
		{"preflight --vault vault", "vault", ""},
		{"version", "", ""},
		{"demo --dir out", "", "out"},
	}
	all := strings.Fields(". pool-1 passphrase dice dump kit vault link medium-a medium-b medium-link cards pages.pdf new paper other " +
		"out new/out v.new c paper/c empty-link mine mine/file")
	dir, _ := copySample(t)
	for _, name := range []string{"new", "paper", "kit", "mine"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	for _, name := range []string{"dice", "dump", "mine/file"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, os.Symlink("vault", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("new", filepath.Join(dir, "empty-link")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "medium-a"), filepath.Join(dir, "medium-link")))
	before := allNames(t, dir)
	seen := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			o := startOpener(t, dir, strings.Fields(tt.args)...)
			var reads, writes []string
			for _, name := range all {
				if o.can("write", name) {
					writes = append(writes, name)
				} else if o.can("read", name) {
					reads = append(reads, name)
				}
				// Where names can be made, an empty file is.
				_ = os.Remove(filepath.Join(dir, name, "probe"))
			}
			// A link is what it points to.
			points := strings.NewReplacer("medium-link", "medium-a", "empty-link", "new", "link", "vault")
			normal := func(names []string) []string {
				names = strings.Fields(points.Replace(strings.Join(names, " ")))
				slices.Sort(names)
				return slices.Compact(names)
			}
			require.Equal(t, normal(strings.Fields(tt.reads)), normal(reads), "read")
			require.Equal(t, normal(strings.Fields(tt.writes)), normal(writes), "written")
			for _, name := range []string{"passphrase", "dice", "pages.pdf", "mine/file"} {
				require.False(t, o.can("remove", name))
				require.False(t, o.can("move", name))
			}
			require.True(t, o.can("read", "/dev/tty") || !canOpen("/dev/tty", false))
			require.True(t, o.can("read", "/proc/self/mountinfo"))
			require.False(t, o.can("read", "/etc/passwd"))
			require.False(t, o.can("read", fmt.Sprintf("/proc/%d/environ", os.Getpid())))
		})
		// What it made and has not used is gone, by the rights that it had.
		require.Equal(t, before, allNames(t, dir), tt.args)
		command, _, _ := strings.Cut(tt.args, " ")
		seen[command] = true
	}
	for _, node := range kong.Must(&commands{}).Model.Children {
		require.True(t, seen[node.Name], "%s is not tested", node.Name)
	}
	t.Run("the right to write to the folder would be seen", func(t *testing.T) {
		cmd := exec.Command("coldvault-opens", "restore", "--from", "medium-a", "--to", "out")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TEST_WIDE=1")
		o := startedOpener(t, cmd)
		for _, try := range []string{"write .", "write vault", "read passphrase", "write medium-a", "move dice", "remove pages.pdf", "remove mine/file"} {
			how, name, _ := strings.Cut(try, " ")
			require.True(t, o.can(how, name), try)
		}
	})
}

// allNames lists what is in a folder.
func allNames(t *testing.T, dir string) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		all = append(all, name)
		return err
	}))
	return all
}

// A sandbox is told of file systems, not of names: what is mounted afterwards is another
// one. So a medium that is to be put back needs the folder that it is mounted in.
func TestWhatIsMountedAgainIsReadThroughTheFolderAboveIt(t *testing.T) {
	needSandbox(t)
	dir, _ := copySample(t)
	stick := filepath.Join(dir, "media", "stick")
	require.NoError(t, os.Mkdir(filepath.Dir(stick), 0o700))
	mountTmpfs(t, stick, "64k")
	file := filepath.Join(stick, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	alone, above := startOpener(t, dir, "inspect", stick), startOpener(t, dir, "inspect", stick, filepath.Dir(stick))
	require.True(t, alone.can("read", file))
	require.NoError(t, unix.Unmount(stick, 0), "a sandbox keeps a medium mounted")
	require.NoError(t, unix.Mount("tmpfs", stick, "tmpfs", 0, "size=64k,mode=0700"))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.False(t, alone.can("read", file))
	require.True(t, above.can("read", file))
}

// What udev knows tells one stick from another, and its links where it wrote nothing down.
func TestWhatUdevKnowsOfDisksIsReadInTheSandbox(t *testing.T) {
	needSandbox(t)
	needRoot(t)
	cmd := exec.Command("sh", "-c", `mount -t tmpfs none /run && mkdir -p /run/udev/data && echo E:ID_FS_UUID=1 >/run/udev/data/b8:1 &&
		mount -t tmpfs none /mnt && mkdir -p /mnt/disk/by-uuid && ln -s ../../sda /mnt/disk/by-uuid/1 && echo no >/run/other && mount --bind /mnt /dev &&
		printf 'read /run/udev/data/b8:1\nread /dev/disk/by-uuid\nwrite /run/udev/data\nread /run/other\n' | coldvault-opens version`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil && strings.Contains(string(out), "permission denied") {
		t.Skip("root may not mount file systems here")
	}
	require.NoError(t, err, string(out))
	require.Equal(t, "confined\ntrue\ntrue\nfalse\nfalse\n", string(out))
}

// olderKernel is coldvault on a kernel that never heard of a system call, which is the first
// argument.
func olderKernel() {
	number := map[string]uint32{"landlock": unix.SYS_LANDLOCK_CREATE_RULESET, "seccomp": unix.SYS_SECCOMP}[os.Args[1]]
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number (struct seccomp_data)
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread() // which the program that is started inherits it from
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	}
	if err == nil {
		err = unix.Exec("/proc/self/exe", slices.Concat([]string{"coldvault"}, os.Args[2:]), os.Environ())
	}
	fmt.Println(err)
	os.Exit(98)
}

// Where the kernel lacks a part it is said once and the work goes on with the other part;
// with --require-sandbox it is refused, by every command, before anything is made. Shows G20.
func TestAKernelWithoutTheWholeSandbox(t *testing.T) {
	needSandbox(t)
	dir, _ := copySample(t)
	run := func(lacking string, args ...string) (text string, code int) {
		t.Helper()
		cmd := exec.Command("coldvault-older", append([]string{lacking}, args...)...)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	for lacking, says := range map[string]string{"landlock": "no landlock, so files are not restricted", "seccomp": "no seccomp, so system calls are not restricted"} {
		text, code := run(lacking, "check", "medium-a")
		require.Zero(t, code, text)
		require.Equal(t, 1, strings.Count(text, "! the kernel does not have the whole sandbox: "+says), text)
	}
	text, _ := run("landlock", "version")
	require.Contains(t, text, "sandbox: system call filter, no file rules\n")
	text, _ = run("seccomp", "version")
	require.Regexp(t, "sandbox: no system call filter, file rules of version [1-9]\n", text)

	for _, line := range []string{
		"demo --dir new", "inspect pool-1", "init --vault new --cards new-cards --label x --shares 3 --threshold 2",
		"seal --vault vault --to new pool-1", "paper --vault vault --out new", "scan pages.pdf --rescue new", "check medium-a",
		"restore --from medium-a --to new", "drill --from medium-a", "copy --from medium-a --to new", "kit --vault vault medium-a",
		"preflight", "status --vault vault --ics new", "record --vault vault --note x", "version",
	} {
		text, code := run("landlock", strings.Fields(line+" --require-sandbox")...)
		require.Equal(t, exitFailed, code, "%s\n%s", line, text)
		require.Equal(t, "coldvault: error: the kernel does not have the whole sandbox: no landlock, so files are not restricted\n"+
			"coldvault: hint: "+sandboxHint+"\n", text, line)
		require.NoFileExists(t, filepath.Join(dir, "new"))
		require.NoDirExists(t, filepath.Join(dir, "new"))
	}
}
