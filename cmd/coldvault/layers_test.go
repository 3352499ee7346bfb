package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who may import whom, and what no binary may link. The linter has the same
// rules per file; here they hold for everything that is linked, and a missing
// linter does not switch them off.

// unlinked are the packages that no binary may contain, however they get in:
// what opens a connection, starts a program or loads code at run time.
// crypto/x509 is among them because it brings net. Keeps G10.
var unlinked = []string{"net", "net/http", "os/exec", "crypto/x509", "plugin"}

// A layer names packages and, in layers, what of this module they may import,
// in owners, who of this module may import them.
// Patterns: "a" is the package a, "a/..." is a and all below it.
type layer struct {
	pkgs string
	may  []string
}

// layers has a line for every package; the narrowest pattern counts. The direction is
// cmd → ceremony → vault → {format, material, secret, ledger, airgap, shard, media}; media/paper → qr.
// Package testvectors holds recover.py, which goes onto every medium.
var layers = []layer{
	{"coldvault/cmd/...", []string{"coldvault/..."}},
	{"coldvault/cmd/internal/ceremony", []string{"coldvault/vault/...", "coldvault/shard", "coldvault/media/...", "coldvault/qr/...", "coldvault/testvectors"}},
	{"coldvault/vault", []string{"coldvault/vault/...", "coldvault/shard", "coldvault/media"}},
	{"coldvault/vault/format/...", []string{"coldvault/vault/format/..."}},
	{"coldvault/vault/material/...", []string{"coldvault/vault/material/...", "coldvault/vault/format/..."}},
	{"coldvault/vault/secret/...", nil},
	{"coldvault/vault/ledger", []string{"coldvault/vault/format/...", "coldvault/media"}},
	{"coldvault/vault/airgap/...", []string{"coldvault/shard"}},
	{"coldvault/shard", []string{"coldvault/qr/digits"}},
	{"coldvault/media", nil},
	{"coldvault/media/mediatest", []string{"coldvault/media"}},
	{"coldvault/media/paper", []string{"coldvault/qr/..."}},
	{"coldvault/qr/...", []string{"coldvault/qr/..."}},
	{"coldvault/qr/digits", nil},
	{"coldvault/testvectors", nil},
}

// owners are packages from elsewhere that only some of ours may import:
// encryption, guarded memory and the terminal each have one door.
var owners = []layer{
	{"filippo.io/age/...", []string{"coldvault/vault"}},
	{"github.com/awnumar/memguard/...", []string{"coldvault/vault/secret"}},
	{"github.com/hashicorp/vault/...", []string{"coldvault/shard"}},
	{"github.com/alecthomas/kong/...", []string{"coldvault/cmd/coldvault"}},
	{"github.com/blackjack/webcam/...", []string{"coldvault/qr/camera"}},
	{"golang.org/x/term", []string{"coldvault/cmd/coldvault"}},
	{"log/...", nil},
}

// imports maps a package to what its files import, tests left out.
type imports map[string][]string

// TestBinaryLinksNoNetwork lists everything the commands link, on both
// platforms and with and without the erasing runtime. Shows G10.
func TestBinaryLinksNoNetwork(t *testing.T) {
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		for _, experiment := range []string{"", "runtimesecret"} {
			t.Run(platform+" "+experiment, func(t *testing.T) {
				system, arch, _ := strings.Cut(platform, "/")
				g := listImports(t, "./cmd/...", "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch, "GOEXPERIMENT="+experiment)
				require.Contains(t, g, "crypto/hpke", "the list is not that of the commands")
				require.Empty(t, chains(g, "coldvault/cmd/coldvault", unlinked))
				require.NotContains(t, g, "coldvault/media/mediatest", "it is for tests")
				require.NotContains(t, g, "coldvault/vault/secret/memscan", "it is for tests alone")
			})
		}
	}
}

// TestLayers holds every package of the module against the table. Shows G10.
func TestLayers(t *testing.T) {
	g := listImports(t, "./...", "CGO_ENABLED=0")
	require.Contains(t, g["coldvault/vault"], "filippo.io/age", "the list is not that of this module")
	require.Empty(t, misplaced(g))
	for pkg := range g {
		if inModule(pkg) {
			require.Empty(t, chains(g, pkg, unlinked))
		}
	}
}

// TestLayersCatch shows on made-up graphs that the two checks find what they are for. Breaks G10.
func TestLayersCatch(t *testing.T) {
	tests := []struct {
		name string
		g    imports
		want []string
	}{
		{"a chain to the network is named in full", imports{
			"coldvault/media": {"example.org/log"}, "example.org/log": {"os", "net/http"}, "net/http": {"net"},
		}, []string{"coldvault/media → example.org/log → net/http → net", "coldvault/media → example.org/log → net/http"}},
		{"net/url is not net", imports{"coldvault/media": {"net/url", "net/netip"}}, nil},
		{"vault knows no paper", imports{"coldvault/vault": {"coldvault/media", "coldvault/media/paper"}},
			[]string{"coldvault/vault may not import coldvault/media/paper"}},
		{"vault knows no codes", imports{"coldvault/vault": {"coldvault/qr"}},
			[]string{"coldvault/vault may not import coldvault/qr"}},
		{"shares know digits, not codes", imports{"coldvault/shard": {"coldvault/qr/digits", "coldvault/qr/scan"}},
			[]string{"coldvault/shard may not import coldvault/qr/scan"}},
		{"codes know nothing above them", imports{"coldvault/qr/scan": {"coldvault/qr", "coldvault/media/paper"}},
			[]string{"coldvault/qr/scan may not import coldvault/media/paper"}},
		{"formats are a leaf", imports{"coldvault/vault/format": {"coldvault/vault/format/bech32", "coldvault/vault/secret"}},
			[]string{"coldvault/vault/format may not import coldvault/vault/secret"}},
		{"a medium knows nothing of the one in memory", imports{"coldvault/media": {"coldvault/media/mediatest"}},
			[]string{"coldvault/media may not import coldvault/media/mediatest"}},
		{"facts about the host know no vault", imports{"coldvault/vault/airgap": {"coldvault/shard", "coldvault/vault"}},
			[]string{"coldvault/vault/airgap may not import coldvault/vault"}},
		{"age has one door", imports{"coldvault/vault": {"filippo.io/age"}, "coldvault/media": {"filippo.io/age/armor"}},
			[]string{"coldvault/media may not import filippo.io/age/armor"}},
		{"a ceremony has no terminal", imports{"coldvault/cmd/internal/ceremony": {"golang.org/x/term", "coldvault/vault"}},
			[]string{"coldvault/cmd/internal/ceremony may not import golang.org/x/term"}},
		{"a package nobody placed", imports{"coldvault/helpers": {"os"}},
			[]string{"coldvault/helpers belongs to no layer"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := misplaced(tt.g)
			for pkg := range tt.g {
				if inModule(pkg) {
					got = append(got, chains(tt.g, pkg, unlinked)...)
				}
			}
			require.ElementsMatch(t, tt.want, got)
		})
	}
}

// chains returns for each of the targets that root reaches the shortest way there.
func chains(g imports, root string, targets []string) []string {
	from := map[string]string{root: ""}
	for queue := []string{root}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := from[next]; !seen {
				from[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	var found []string
	for _, target := range targets {
		if _, reached := from[target]; !reached {
			continue
		}
		chain := target
		for at := from[target]; at != ""; at = from[at] {
			chain = at + " → " + chain
		}
		found = append(found, chain)
	}
	return found
}

// misplaced returns every import of one of our packages that the tables do not allow.
func misplaced(g imports) []string {
	var found []string
	for pkg, list := range g {
		if !inModule(pkg) {
			continue
		}
		if narrowest(layers, pkg) == nil {
			found = append(found, pkg+" belongs to no layer")
			continue
		}
		for _, imported := range list {
			if !mayImport(pkg, imported) {
				found = append(found, fmt.Sprintf("%s may not import %s", pkg, imported))
			}
		}
	}
	return found
}

func mayImport(pkg, imported string) bool {
	if inModule(imported) {
		may := narrowest(layers, pkg).may
		return slices.ContainsFunc(may, func(p string) bool { return covers(p, imported) })
	}
	owned := narrowest(owners, imported)
	return owned == nil || slices.ContainsFunc(owned.may, func(p string) bool { return covers(p, pkg) })
}

// narrowest returns the line of the table with the longest pattern for pkg.
func narrowest(table []layer, pkg string) *layer {
	var best *layer
	for i, l := range table {
		if covers(l.pkgs, pkg) && (best == nil || len(l.pkgs) > len(best.pkgs)) {
			best = &table[i]
		}
	}
	return best
}

// covers says whether pkg is what the pattern names.
func covers(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == below || strings.HasPrefix(pkg, below+"/")
	}
	return pkg == pattern
}

func inModule(pkg string) bool { return covers("coldvault/...", pkg) }

// listImports asks the go command for the packages of the pattern and all they link.
func listImports(t *testing.T, pattern string, env ...string) imports {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", pattern)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	g := imports{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return g
		}
		require.NoError(t, err)
		g[p.ImportPath] = p.Imports
	}
}
