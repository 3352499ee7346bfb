package memscan

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// programs are built once. They are not the test binary itself, which must not
// link memguard: it forbids core files to itself and all its children.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "memscan-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir, "./testdata/hold", "./testdata/bare")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := programs(); dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// holder is a running program that was given a secret of 64 random bytes, as hex.
type holder struct {
	*exec.Cmd
	secret []byte
	memfd  bool
	stdin  io.Closer
	stdout *bufio.Reader
	stderr bytes.Buffer
}

func start(t *testing.T, program, how string) *holder {
	t.Helper()
	dir, err := programs()
	require.NoError(t, err)
	random := make([]byte, 32)
	rand.Read(random)
	h := &holder{Cmd: exec.Command(filepath.Join(dir, program), how), secret: []byte(hex.EncodeToString(random))}
	h.Dir = t.TempDir()
	h.Env = append(os.Environ(), "GOTRACEBACK=crash")
	h.Stderr = &h.stderr
	in, err := h.StdinPipe()
	require.NoError(t, err)
	out, err := h.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, h.Start())
	t.Cleanup(func() { _ = h.Process.Kill(); _ = h.Wait() })
	h.stdin, h.stdout = in, bufio.NewReader(out)
	_, err = in.Write(h.secret)
	require.NoError(t, err)
	return h
}

// ready waits until the program holds the secret.
func (h *holder) ready(t *testing.T) {
	t.Helper()
	line, err := h.stdout.ReadString('\n')
	require.NoError(t, err, "%s", &h.stderr)
	_, err = fmt.Sscanf(line, "ready %t", &h.memfd)
	require.NoError(t, err, "%s", line)
}

// hits splits what a scan finds.
func (h *holder) hits(t *testing.T) (locked, open []Hit) {
	t.Helper()
	found, err := Scan(h.Process.Pid, map[string][]byte{"secret": h.secret, "half": h.secret[:32]})
	require.NoError(t, err)
	for _, hit := range found {
		if hit.Locked {
			locked = append(locked, hit)
		} else {
			open = append(open, hit)
		}
	}
	return locked, open
}

// Breaks G18.
func TestAScanTellsGuardedMemoryFromACopy(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to read the memory of a hardened process")
	}
	tests := []struct {
		name, program, how string
		locked, open       bool
	}{
		{"ordinary memory is open", "bare", "hold", false, true},
		{"a buffer is locked", "hold", "buffer", true, false},
		{"a copy beside a buffer is open", "hold", "copy", true, true},
		{"a seed is seen by nobody", "hold", "seed", false, false},
		{"nothing is left of a buffer that was destroyed", "hold", "destroyed", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := start(t, tt.program, tt.how)
			h.ready(t)
			if tt.how == "seed" && !h.memfd {
				t.Skip("this kernel has no memfd_secret")
			}
			locked, open := h.hits(t)
			require.Equal(t, tt.locked, len(locked) > 0, "%v", locked)
			require.Equal(t, tt.open, len(open) > 0, "%v", open)
			require.NoError(t, h.stdin.Close())
			said, err := h.stdout.ReadString('\n')
			require.NoError(t, err)
			if tt.program == "hold" {
				require.Contains(t, said, fmt.Sprintf("%x", sha256.Sum256(h.secret)), "the program did not hold the secret")
			}
		})
	}
}

// Every crash with core files of any size allowed. The bare program shows that
// this system writes them where the test looks, with the secret inside. Breaks G19.
func TestACrashLeavesNoCoreFile(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	require.NoError(t, err)
	if strings.ContainsAny(string(pattern), "|/") {
		t.Skipf("core files go to %q, not to the folder of the process", pattern)
	}
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_CORE, &limit))
	before := limit
	if limit.Cur = limit.Max; limit.Max != unix.RLIM_INFINITY {
		t.Skip("core files are limited for this user")
	}
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_CORE, &limit))
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &before) }()

	for _, how := range []string{"panic", "SIGABRT", "SIGSEGV", "SIGQUIT"} {
		for _, program := range []string{"bare", "hold"} {
			t.Run(how+" "+program, func(t *testing.T) {
				h := start(t, program, how)
				if how != "panic" {
					h.ready(t)
					require.NoError(t, h.Process.Signal(unix.SignalNum(how)))
				}
				_, _ = io.Copy(io.Discard, h.stdout)
				require.Error(t, h.Wait())
				files, err := filepath.Glob(filepath.Join(h.Dir, "*"))
				require.NoError(t, err)
				if program == "hold" {
					require.Empty(t, files)
					require.NotContains(t, h.stderr.String(), string(h.secret))
					return
				}
				require.Len(t, files, 1)
				core, err := os.ReadFile(files[0])
				require.NoError(t, err)
				require.True(t, bytes.Contains(core, h.secret))
			})
		}
	}
}

func TestNeedlesAcrossChunksAreFoundOnce(t *testing.T) {
	long, short := []byte("a needle that is rather long"), []byte("needle.8")
	needles := map[string][]byte{"long": long, "short": short}
	for chunk := len(long); chunk < 40; chunk++ {
		for offset := range 100 {
			memory := make([]byte, 256)
			copy(memory[offset:], long)
			copy(memory[offset+len(long):], short)
			copy(memory[256-len(short):], short) // at the very end
			hits, err := find(shifted{bytes.NewReader(memory)}, region{start: 4096, end: 4096 + 256}, chunk, len(long), newIndex(needles))
			require.NoError(t, err)
			require.ElementsMatch(t, []Hit{
				{Needle: "long", Address: uint64(4096 + offset)},
				{Needle: "short", Address: uint64(4096 + offset + len(long))},
				{Needle: "short", Address: uint64(4096 + 256 - len(short))},
			}, hits, "chunk %d offset %d", chunk, offset)
		}
	}
}

// shifted is memory that begins at 4096.
type shifted struct{ io.ReaderAt }

func (s shifted) ReadAt(p []byte, at int64) (int, error) { return s.ReaderAt.ReadAt(p, at-4096) }

func TestScanRefusesWhatItCannotFind(t *testing.T) {
	_, err := Scan(os.Getpid(), nil)
	require.Error(t, err)
	_, err = Scan(os.Getpid(), map[string][]byte{"pin": []byte("1234")})
	require.ErrorContains(t, err, "pin")
	_, err = Scan(-1, map[string][]byte{"secret": make([]byte, 32)})
	require.ErrorIs(t, err, os.ErrNotExist)
}

const sampleSmaps = `00400000-004ba000 r-xp 00000000 fe:00 1835 /usr/bin/a file: odd
Size:                744 kB
Rss:                 744 kB
Swap:                  0 kB
VmFlags: rd ex mr mw me
7f0000000000-7f0000001000 rw-p 00000000 00:00 0 
Rss:                   4 kB
VmFlags: rd wr mr mw me lo dd
7f0000002000-7f0000003000 rw-s 00000000 00:0d 5 /secretmem (deleted)
Rss:                   4 kB
VmFlags: rd wr sh mr mw me ms lo dc dd
7f0000004000-7f0000005000 rw-p 00000000 00:00 0 [heap]
Rss:                   0 kB
Swap:                  4 kB
VmFlags: rd wr lo
`

func TestMappingsAreReadWithTheirFlags(t *testing.T) {
	regions, err := parseSmaps(strings.NewReader(sampleSmaps))
	require.NoError(t, err)
	require.Equal(t, []region{
		{start: 0x400000, end: 0x4ba000, name: "/usr/bin/a file: odd", resident: true},
		{start: 0x7f0000000000, end: 0x7f0000001000, resident: true, locked: true},
		{start: 0x7f0000002000, end: 0x7f0000003000, name: "/secretmem (deleted)", resident: true, locked: true},
		{start: 0x7f0000004000, end: 0x7f0000005000, name: "[heap]", resident: true},
	}, regions)
	require.True(t, regions[2].unreadable())
}

func FuzzParseSmaps(f *testing.F) {
	f.Add(sampleSmaps)
	f.Add("Rss: 4 kB\n")
	f.Add("5-4 rw-p 0 0:0 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		regions, err := parseSmaps(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range regions {
			if r.start >= r.end {
				t.Fatalf("%x-%x", r.start, r.end)
			}
		}
	})
}
