package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"coldvault/vault/airgap/airgaptest"
	"coldvault/vault/material/cardano/samplepool"
)

// TestMain lets the test binary be coldvault itself: scripts and tests start it
// by that name.
func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"coldvault": func() {
		// Whoever runs the tests at a terminal must not be asked at it. A
		// process that a test gave a terminal leads a session already: for it
		// this fails and changes nothing.
		_, _ = unix.Setsid()
		// Scripts say the same on every machine: they run on a quiet desktop, or on
		// the host that a test names.
		hostRoot = airgaptest.Host(cmp.Or(os.Getenv("TEST_HOST"), airgaptest.Desktop))
		main()
	}, "coldvault-panics": func() {
		u := newUI(os.Stdin, os.Stdout, os.Stderr)
		u.shown = func() { panic("with a secret on the screen") }
		hostRoot = airgaptest.Host(airgaptest.Desktop)
		os.Exit(u.guarded(os.Args[1:]))
	}, "coldvault-interrupted": interrupted, "coldvault-hostile": hostile, "coldvault-opens": opens, "coldvault-older": olderKernel, "coldvault-nobody": asNobody})
}

// suite runs the tests with a folder for what they share.
type suite struct{ *testing.M }

var suiteDir string

func (s suite) Run() int {
	dir, err := os.MkdirTemp("", "coldvault-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	suiteDir = dir
	// Whose terminal this is must not matter: tests set their own.
	os.Unsetenv("TERM")
	return s.M.Run()
}

// sample is made once, by the program itself, and copied by every test that
// needs a vault: a passphrase costs a second by design.
type sample struct {
	Dir          string
	Vault, Other string // ids
	Cold, Hot    string // set ids
}

var makeSample = sync.OnceValues(func() (*sample, error) {
	s := &sample{Dir: filepath.Join(suiteDir, "sample")}
	return s, s.make()
})

// make creates
//
//	pool-1, pool-2        what generations 1 and 2 hold
//	vault, cards          "north", 3 of 5; hot too
//	medium-a, medium-b    generations 1 and 2
//	medium-1              generation 1 only
//	pages.pdf             generation 2
//	other                 another vault, 2 of 3: vault, cards, medium
//	passphrase            of both
func (s *sample) make() error {
	for _, dir := range []string{"", "medium-a", "medium-b", "medium-1", "other", "other/medium"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "passphrase"), []byte("correct horse battery staple\n"), 0o600); err != nil {
		return err
	}
	for number, dir := range []string{"pool-1", "pool-2"} {
		if err := writePool(filepath.Join(s.Dir, dir), 1, uint64(number)); err != nil {
			return err
		}
	}
	type vaultLine struct {
		Type, Vault string
	}
	var made vaultLine
	for _, step := range []struct {
		args []string
		id   *string
	}{
		{args: []string{"init", "--vault", "vault", "--cards", "cards", "--label", "north", "--shares", "5", "--threshold", "3"}, id: &s.Vault},
		{args: []string{"init", "--vault", "other/vault", "--cards", "other/cards", "--label", "south", "--shares", "3", "--threshold", "2"}, id: &s.Other},
		{args: []string{"seal", "--vault", "vault", "--to", "medium-a", "--to", "medium-b", "--to", "medium-1", "pool-1"}},
		{args: []string{"seal", "--vault", "vault", "--to", "medium-a", "--to", "medium-b", "pool-2"}},
		{args: []string{"seal", "--vault", "other/vault", "--to", "other/medium", "pool-1"}},
		{args: []string{"paper", "--vault", "vault", "--out", "pages.pdf"}},
	} {
		if step.args[0] != "paper" {
			step.args = append(step.args, "--passphrase-file", "passphrase", "--yes")
		}
		cmd := exec.Command("coldvault", append(step.args, "--json")...)
		cmd.Dir = s.Dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("coldvault %q: %w\n%s", step.args, err, stderr.String())
		}
		if step.id != nil {
			if err := json.Unmarshal(out, &made); err != nil {
				return err
			}
			*step.id = made.Vault
		}
	}
	return s.readSets()
}

func (s *sample) readSets() error {
	data, err := os.ReadFile(filepath.Join(s.Dir, "vault", "shares.json"))
	if err != nil {
		return err
	}
	var shares struct {
		Sets []struct{ Set string }
	}
	if err := json.Unmarshal(data, &shares); err != nil {
		return err
	}
	if len(shares.Sets) != 2 {
		return errors.New("the sample vault has not two share sets")
	}
	s.Cold, s.Hot = shares.Sets[0].Set, shares.Sets[1].Set
	return nil
}

// writePool writes a sample pool: the keys that go with the seed, and the
// certificate with the given number, in force today.
func writePool(dir string, seed byte, number uint64) error {
	const systemStart, secondsPerPeriod = 1666656000, 129600 // of the preview network
	period := uint64(time.Now().Unix()-systemStart) / secondsPerPeriod
	files, err := samplepool.New(rand.NewChaCha8([32]byte{seed}), samplepool.Options{Number: number, Period: period})
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestScripts runs testdata/script/*.txtar: what the program says and does, seen
// from outside.
func TestScripts(t *testing.T) {
	s, err := makeSample()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("VAULT", s.Vault)
			env.Setenv("OTHER", s.Other)
			env.Setenv("COLDSET", s.Cold)
			env.Setenv("HOTSET", s.Hot)
			env.Setenv("BELL", "\a")
			env.Setenv("SAMPLE", s.Dir)
			return nil
		},
		Cmds:                scriptCommands(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(cond string) (bool, error) {
			if cond == "long" {
				return os.Getenv("COLDVAULT_LONG") != "", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

func atoi(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}
