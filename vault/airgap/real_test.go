package airgap_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/shard"
	"coldvault/vault/airgap"
)

// What is said of the machine that runs the tests is compared with what ip(8) gets
// by netlink, and with the files themselves where there is no ip.
func TestThisMachineIsReportedAsItIs(t *testing.T) {
	facts := airgap.Look(os.DirFS("/"))
	for _, f := range facts.List() {
		t.Logf("%-30s %s%s", f.Name, f.Value, f.Unknown)
	}
	var names []string
	up := map[string]bool{}
	for _, i := range facts.Network.Interfaces.Is {
		t.Logf("%+v live=%v", i, i.Live())
		names = append(names, i.Name)
		up[i.Name] = i.Up.Is
	}
	for _, f := range facts.Findings() {
		t.Logf("%s %s: %s", f.Level, f.ID, f.Text)
	}
	t.Run("files", func(t *testing.T) {
		paths, err := filepath.Glob("/sys/class/net/*/ifindex")
		require.NoError(t, err)
		var want []string
		for _, p := range paths {
			want = append(want, filepath.Base(filepath.Dir(p)))
		}
		require.ElementsMatch(t, want, names)
		swaps, err := os.ReadFile("/proc/swaps")
		require.NoError(t, err)
		require.Len(t, facts.Memory.Swaps.Is, strings.Count(string(swaps), "\n")-1)
		release, err := os.ReadFile("/proc/sys/kernel/osrelease")
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(release)), facts.Machine.Kernel.Is)
	})
	t.Run("ip", func(t *testing.T) {
		links := ip(t, "-o", "link")
		require.Len(t, links, len(names))
		for _, l := range links {
			fields := strings.Fields(l)
			name, _, _ := strings.Cut(strings.TrimSuffix(fields[1], ":"), "@")
			flags := strings.Split(strings.Trim(fields[2], "<>"), ",")
			require.Contains(t, names, name)
			require.Equal(t, slices.Contains(flags, "UP"), up[name], name)
		}
		require.Equal(t, len(ip(t, "-4", "route", "show", "default")) > 0, len(facts.Network.Defaults4.Is) > 0)
		require.Equal(t, len(ip(t, "-6", "route", "show", "default")) > 0, len(facts.Network.Defaults6.Is) > 0)
		addresses := func(family string) int {
			return len(slices.DeleteFunc(ip(t, family, "-o", "addr"), func(l string) bool {
				return strings.Contains(l, " inet 127.") || strings.Contains(l, " inet6 ::1/")
			}))
		}
		require.Equal(t, addresses("-4"), facts.Network.Addresses4.Is)
		require.Equal(t, addresses("-6"), facts.Network.Addresses6.Is)
	})
}

// ip runs it and returns its lines; skips without it.
func ip(t *testing.T, args ...string) []string {
	t.Helper()
	program, err := exec.LookPath("ip")
	if err != nil {
		if program = "/sbin/ip"; !isFile(program) {
			t.Skip("no ip(8) here")
		}
	}
	out, err := exec.Command(program, args...).Output()
	require.NoError(t, err)
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

func isFile(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func TestSelfSumIsThatOfTheProgramThatRuns(t *testing.T) {
	name, err := os.Executable()
	require.NoError(t, err)
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	want := sha256.Sum256(data)
	got, err := airgap.SelfSum()
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(want[:]), got.Hex())
	require.Equal(t, shard.FingerprintWords(want), got.Words())
}
