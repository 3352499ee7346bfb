package airgap

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const routeHead = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

func TestDefaultRoutesAreFound(t *testing.T) {
	zeros := strings.Repeat("0", 32)
	v6 := func(destination, length, flags, iface string) string {
		return destination + " " + length + " " + zeros + " 00 " + zeros + " 00000400 00000001 00000000 " + flags + " " + iface + "\n"
	}
	tests := []struct {
		name  string
		parse func(string) ([]string, error)
		text  string
		want  []string
		err   string
	}{
		{"none", parseRoutes4, routeHead, nil, ""},
		{"no table", parseRoutes4, "", nil, ""},
		{"one, twice by the same interface", parseRoutes4, routeHead + "eth0 0 0 0003 0 0 0 0 0 0 0\neth0 0 0 0003 0 0 9 0 0 0 0\n", []string{"eth0"}, ""},
		{"a network is none", parseRoutes4, routeHead + "eth0 000200C0 0 0001 0 0 0 00FFFFFF 0 0 0\n", nil, ""},
		{"half of everything is none", parseRoutes4, routeHead + "tun0 00000000 0 0001 0 0 0 00000080 0 0 0\n", nil, ""},
		{"one that rejects is none", parseRoutes4, routeHead + "* 0 0 0201 0 0 0 0 0 0 0\n", nil, ""},
		{"one that is down is none", parseRoutes4, routeHead + "eth0 0 0 0002 0 0 0 0 0 0 0\n", nil, ""},
		{"a line cut short", parseRoutes4, routeHead + "eth0 0 0 0003\n", nil, "line 2 of the IPv4 routes has 4 columns"},
		{"no number", parseRoutes4, routeHead + "eth0 zero 0 0003 0 0 0 0 0 0 0\n", nil, "line 2 of the IPv4 routes: column 2 is no number"},
		{"IPv6, the one that every kernel has", parseRoutes6, v6(zeros, "00", "00200200", "lo"), nil, ""},
		{"IPv6", parseRoutes6, v6(zeros, "00", "00200200", "lo") + v6(zeros, "00", "00000003", "wlan0"), []string{"wlan0"}, ""},
		{"IPv6, a network is none", parseRoutes6, v6("fe80"+zeros[4:], "40", "00000001", "eth0"), nil, ""},
		{"IPv6, cut short", parseRoutes6, zeros + " 00\n", nil, "line 1 of the IPv6 routes has 2 columns"},
		{"IPv6, no address", parseRoutes6, v6("0", "00", "00000003", "eth0"), nil, "line 1 of the IPv6 routes has no address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.parse(tt.text)
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestNamesOfInterfacesAreRead(t *testing.T) {
	const head = "Inter-|   Receive |  Transmit\n face |bytes |bytes\n"
	got, err := parseDev(head + "    lo: 1 2\nwlp2s0:123 4\n")
	require.NoError(t, err)
	require.Equal(t, []string{"lo", "wlp2s0"}, got)
	_, err = parseDev(head + "    lo 1 2\n")
	require.EqualError(t, err, "line 3 of the interfaces has no name")
}

func TestTheLimitOfLockedMemoryIsRead(t *testing.T) {
	const core = "Max core file size        0                    unlimited            bytes     \n"
	for text, want := range map[string]uint64{
		core + "Max locked memory         unlimited            unlimited            bytes     \n": math.MaxUint64,
		core + "Max locked memory         65536                65536                bytes     \n": 65536,
	} {
		n, err := parseLocked(text)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	_, err := parseLocked(core)
	require.EqualError(t, err, "there is no limit of locked memory")
	_, err = parseLocked("Max locked memory         many                 unlimited            bytes     \n")
	require.EqualError(t, err, "the limit of locked memory is no number")
}

func TestEscapesOfPathsAreUndone(t *testing.T) {
	for in, want := range map[string]string{
		`/swap\040file`: "/swap file", `/a\134b`: `/a\b`, `/end\04`: `/end\04`, `/no\999x`: `/no\999x`, `/gone\040(deleted)`: "/gone (deleted)", ``: "",
	} {
		require.Equal(t, want, unescape(in))
	}
}

func TestTextIsCutBetweenCharacters(t *testing.T) {
	got := clean(strings.Repeat("ü", 100))
	require.LessOrEqual(t, len(got), maxText)
	require.Equal(t, strings.Repeat("ü", 62)+"…", got)
	require.Equal(t, "a b", clean("\ta\nb\x00\x1b\xff\u202e "))
}

// addFiles seeds a fuzz target with the tables of this machine.
func addFiles(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(string(data))
		}
	}
}

func FuzzRoutes(f *testing.F) {
	f.Add(routeHead + "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n")
	addFiles(f, "/proc/net/dev", "/proc/net/route", "/proc/net/ipv6_route", "/proc/net/if_inet6", "/proc/net/fib_trie")
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string) ([]string, error){parseRoutes4, parseRoutes6} {
			names, err := parse(text)
			require.True(t, err == nil || names == nil, "half a table")
			for _, name := range names {
				require.Equal(t, clean(name), name)
				require.NotEqual(t, "lo", name)
			}
		}
		names, err := parseDev(text)
		require.True(t, err == nil || names == nil, "half a table")
		for _, count := range []func(string) (int, error){parseInet6, parseTrie} {
			n, err := count(text)
			require.True(t, err == nil || n == 0, "half a table")
			require.LessOrEqual(t, n, strings.Count(text, "\n")+1)
		}
	})
}

func FuzzSwaps(f *testing.F) {
	f.Add("Filename Type Size Used Priority\n/dev/dm-1 partition 8388604 0 -2\n/swap\\040file file 1 0 -3\n")
	addFiles(f, "/proc/swaps", "/proc/self/mountinfo")
	f.Fuzz(func(t *testing.T, text string) {
		swaps, err := parseSwaps(text)
		require.True(t, err == nil || swaps == nil, "half a table")
		if err == nil {
			require.Len(t, swaps, max(0, len(rows(text))-1))
		}
		mounts, err := parseMounts(text)
		require.True(t, err == nil || mounts == nil, "half a table")
		if err == nil {
			require.Len(t, mounts, len(rows(text)))
		}
	})
}

func FuzzLimits(f *testing.F) {
	f.Add("Max core file size        0                    unlimited            bytes     \nMax locked memory         8388608              8388608              bytes     \n")
	addFiles(f, "/proc/self/limits", "/etc/os-release")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseLocked(text)
		require.True(t, err == nil || n == 0)
		for key, value := range parseAssignments(text) {
			require.Equal(t, clean(key), key)
			require.Equal(t, clean(value), value)
		}
	})
}
