package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// nobody has no privileges, and may lock 64 KiB of memory, as on most systems.
const (
	nobody       = 65534
	nobodysLimit = 64
)

// asNobody is a program started as nobody: the KiB to lock, the program, its arguments.
func asNobody() {
	limit, err := strconv.ParseUint(os.Args[1], 10, 32)
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: limit << 10, Max: limit << 10})
	}
	if err == nil {
		err = syscall.Setgroups(nil)
	}
	if err == nil {
		err = syscall.Setgid(nobody)
	}
	if err == nil {
		err = syscall.Setuid(nobody)
	}
	if err == nil {
		err = unix.Exec(os.Args[2], os.Args[2:], os.Environ())
	}
	fmt.Println(err)
	os.Exit(98)
}

// poorHome is a folder of nobody's, with the program as it is released.
type poorHome struct {
	t           *testing.T
	dir, binary string
}

func newPoorHome(t *testing.T) *poorHome {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to become another user")
	}
	// Folders of the test are closed to others.
	dir, err := os.MkdirTemp("/dev/shm", "coldvault-test-")
	if err != nil {
		t.Skip("no /dev/shm")
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h := &poorHome{t, dir, builtBinary(t)}
	require.NoError(t, writePool(h.path("pool"), 1, 0))
	h.write("pass", []byte("correct horse battery staple\n"))
	for _, medium := range []string{"usb", "usb-2"} {
		require.NoError(t, os.Mkdir(h.path(medium), 0o700))
	}
	h.give()
	return h
}

func (h *poorHome) path(name string) string { return filepath.Join(h.dir, name) }

func (h *poorHome) write(name string, data []byte) {
	h.t.Helper()
	require.NoError(h.t, os.WriteFile(h.path(name), data, 0o600))
}

// give makes everything nobody's.
func (h *poorHome) give() {
	h.t.Helper()
	require.NoError(h.t, filepath.Walk(h.dir, func(name string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, nobody, nobody)
	}))
}

// crashed is how the runtime, or the program for it, tells of a panic. The word alone is
// one that a fingerprint may have.
const crashed = `(?m)^(panic|fatal error|runtime): |goroutine \d+ \[|internal error`

// run runs a line as nobody with so many KiB to lock. It never takes long and never panics.
func (h *poorHome) run(limit int, line string) (text string, code int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "coldvault-nobody", append([]string{strconv.Itoa(limit), h.binary}, strings.Fields(line)...)...)
	cmd.Dir = h.dir
	out, _ := cmd.CombinedOutput()
	require.NoError(h.t, ctx.Err(), "%s\n%s", line, out)
	require.NotRegexp(h.t, crashed, string(out), line)
	return string(out), cmd.ProcessState.ExitCode()
}

func (h *poorHome) works(line string) string {
	h.t.Helper()
	text, code := h.run(nobodysLimit, line)
	require.Zero(h.t, code, "%s\n%s", line, text)
	return text
}

// refused wants the limit named, what to do about it, and nothing else to be wrong.
func (h *poorHome) refused(limit int, line string) {
	h.t.Helper()
	text, code := h.run(limit, line)
	require.Equal(h.t, exitFailed, code, "%s\n%s", line, text)
	require.Regexp(h.t, `(?m)^coldvault: error: .*the limit of lockable memory is reached`, text, line)
	require.Regexp(h.t, `(?m)^coldvault: hint: .*ulimit -l unlimited`, text, line)
}

const (
	acceptHost = " --accept-network --accept-swap --yes --passphrase-file pass"
	threeCards = " --card cards/card-1.pdf --card cards/card-2.pdf --card cards/card-4.pdf"
	fiveCards  = "init --vault v --label little --shares 5 --threshold 3 --cards cards" + acceptHost
)

// As somebody with no privileges, for whom /proc/self belongs to root, and with 64 KiB of
// memory to lock, every command works, in the sandbox. Shows G11.
func TestEveryCommandWorksWithLittleMemoryToLock(t *testing.T) {
	h := newPoorHome(t)
	h.write("dump", bytes.Repeat([]byte("0123456789abcdef"), 200_000))
	h.give()
	require.Contains(t, h.works("version"), "sandbox: ")
	text, code := h.run(nobodysLimit, "preflight")
	require.Contains(t, []int{exitOK, exitDamage}, code, text)
	require.Regexp(t, `this program, SHA-256 +[0-9a-f]{64}`, text)
	h.works("inspect pool")
	h.works(fiveCards)
	h.works("seal --vault v pool --attach dump --to usb" + acceptHost)
	h.works("paper --vault v --out pages.pdf")
	h.works("scan pages.pdf cards")
	h.works("check usb pages.pdf --vault v --card cards")
	h.works("copy --from usb --to usb-2 --vault v")
	h.works("kit --vault v usb-2" + acceptHost)
	h.works("record --vault v usb-2 --place bank --offsite")
	text, code = h.run(nobodysLimit, "status --vault v --ics dates.ics usb")
	require.Equal(t, exitDamage, code, text) // two copies, and no drill yet
	require.FileExists(t, h.path("dates.ics"))
	h.works("drill --vault v --from usb-2" + threeCards + acceptHost)
	h.works("restore --from usb-2 --role all --to out --chain-counter 0" + threeCards + acceptHost)
	restored, err := os.ReadFile(h.path("out/dump"))
	require.NoError(t, err)
	require.Len(t, restored, 3_200_000)
	h.works("demo --dir demo")
}

// Below what a small vault needs, every command with a secret says so and does nothing. Breaks G11.
func TestTooLittleMemoryToLockIsSaidAtOnce(t *testing.T) {
	h := newPoorHome(t)
	h.works(fiveCards)
	h.works("seal --vault v pool --to usb" + acceptHost)
	before := h.names()
	for _, line := range []string{
		"init --vault new --label x --shares 5 --threshold 3 --cards new-cards" + acceptHost,
		"seal --vault v pool --to usb-2" + acceptHost,
		"paper --vault v --out new.pdf",
		"check usb --card cards",
		"restore --from usb --to new --chain-counter 0" + threeCards + acceptHost,
		"drill --from usb" + threeCards + acceptHost,
		"copy --from usb --to usb-2",
	} {
		h.refused(16, line)
		h.refused(60, line)
	}
	require.Equal(t, before, h.names())
}

// names is every file there is.
func (h *poorHome) names() []string {
	h.t.Helper()
	var names []string
	require.NoError(h.t, filepath.Walk(h.dir, func(name string, _ os.FileInfo, err error) error {
		names = append(names, name)
		return err
	}))
	return names
}

// Private files that do not fit are named before anything is written, by a seal, a drill and
// a restore. Breaks G11.
func TestSecretsBeyondTheLimitLeaveNothing(t *testing.T) {
	h := newPoorHome(t)
	require.NoError(t, os.Mkdir(h.path("many"), 0o700))
	for i := range 40 {
		h.write(fmt.Sprintf("many/key-%d", i), bytes.Repeat([]byte{byte(i)}, 4000))
	}
	h.give()
	h.works(fiveCards)
	before := h.names()
	h.refused(nobodysLimit, "seal --vault v many --to usb"+acceptHost)
	require.Equal(t, before, h.names())

	// Whoever may lock as much as it takes seals them.
	want(t, exitOK, h.dir, strings.Fields("seal --vault v many --to usb"+acceptHost)...)
	h.give()
	before = h.names()
	h.refused(nobodysLimit, "drill --from usb"+threeCards+acceptHost)
	h.refused(nobodysLimit, "restore --from usb --to out"+threeCards+acceptHost)
	require.Equal(t, before, h.names())
}

// Cards and the passphrase are typed by somebody without privileges too.
func TestNobodyTypesAtTheTerminal(t *testing.T) {
	h := newPoorHome(t)
	h.works(fiveCards)
	s := startProgram(t, h.dir, "coldvault-nobody", "64", h.binary, "seal", "--vault", "v", "--to", "usb", "pool", "--accept-network", "--accept-swap")
	s.answer(passPrompt, "correct horse battery staple")
	code, screen := s.exit()
	require.Zero(t, code, screen)
	s = startProgram(t, h.dir, "coldvault-nobody", "64", h.binary, "restore", "--from", "usb", "--chain-counter", "0", "--to", "out",
		"--card", "cards/card-1.pdf", "--card", "cards/card-2.pdf", "--accept-network", "--accept-swap")
	for _, line := range typed(t, h.dir, "cards/card-4.pdf", true) {
		s.answer(cardPrompt, line)
	}
	code, screen = s.exit()
	require.Zero(t, code, screen)
	require.FileExists(t, h.path("out/cold.skey"))
}
