package testvectors

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/format"
)

// A folder of vaults/ is a golden vault: what a release wrote, which every later one must restore. medium/ is the medium,
// cards/ the cards as digits and as words, pages/ the page codes of a generation, expected/ the digests of the files that
// each generation must give back.

const vaultsFolder = "vaults"

// goldenVault is a golden vault as it was frozen.
type goldenVault struct {
	files    map[string][]byte
	expected map[int]map[string]string // generation → name → digest
	cards    map[string][][]byte       // digits, words → the text of each card
}

// readGoldens reads all golden vaults; there must be one.
func readGoldens(t *testing.T) map[string]*goldenVault {
	t.Helper()
	folders, err := os.ReadDir(vaultsFolder)
	require.NoError(t, err)
	out := map[string]*goldenVault{}
	for _, f := range folders {
		g := &goldenVault{files: readTree(t, "", filepath.Join(vaultsFolder, f.Name())), expected: map[int]map[string]string{}, cards: map[string][][]byte{}}
		for _, name := range slices.Sorted(maps.Keys(g.files)) {
			var n int
			var form string
			if _, err := fmt.Sscanf(name, "expected/%06d.sha256", &n); err == nil {
				g.expected[n] = readSums(t, g.files[name])
			}
			if _, err := fmt.Sscanf(name, "cards/card-%d.%s", &n, &form); err == nil {
				g.cards[strings.TrimSuffix(form, ".txt")] = append(g.cards[strings.TrimSuffix(form, ".txt")], g.files[name])
			}
		}
		require.Len(t, g.expected, 2)
		require.Len(t, g.cards["digits"], goldenCards)
		require.Len(t, g.cards["words"], goldenCards)
		out[f.Name()] = g
	}
	require.NotEmpty(t, out)
	return out
}

func readSums(t *testing.T, list []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(string(list)) {
		digest, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		require.True(t, ok)
		out[name] = digest
	}
	require.NotEmpty(t, out)
	return out
}

// medium is the frozen medium, in memory.
func (g *goldenVault) medium() media.Memory {
	m := media.Memory{Title: "golden", Files: map[string][]byte{}}
	for name, data := range g.files {
		if rest, ok := strings.CutPrefix(name, "medium/"); ok {
			m.Files[rest] = data
		}
	}
	return m
}

// shares are those of some cards, counted from 0, every other card as words.
func (g *goldenVault) shares(t *testing.T, cards ...int) []shard.Share {
	t.Helper()
	var out []shard.Share
	for i, n := range cards {
		form := []string{"digits", "words"}[i%2]
		lines := strings.Split(strings.TrimSpace(string(g.cards[form][n])), "\n")
		require.Equal(t, "# TEST VECTOR", lines[0])
		for _, line := range lines[1:] {
			s, err := shard.ParseAny(make([]byte, shard.ShareSize), []byte(line))
			require.NoError(t, err)
			out = append(out, s)
		}
	}
	return out
}

// quorums are all the ways to choose k of the cards.
func quorums(k int) (out [][]int) {
	for set := range 1 << goldenCards {
		if bits.OnesCount(uint(set)) != k {
			continue
		}
		var cards []int
		for i := range goldenCards {
			if set>>i&1 == 1 {
				cards = append(cards, i)
			}
		}
		out = append(out, cards)
	}
	return out
}

// open opens compartments and gives the digests of all files; the ids must be derived again as they were.
func open(t *testing.T, c *vault.Copy, shares []shard.Share, compartments ...string) (digests map[string]string, notes []string, err error) {
	t.Helper()
	digests = map[string]string{}
	judged := vault.JudgeShares(c.Identity, shares)
	for _, name := range compartments {
		b, more, err := c.Open(name, judged)
		notes = append(notes, more...)
		if err != nil {
			return nil, notes, err
		}
		defer b.Destroy()
		for i, f := range b.Contents.Files {
			sum := sha256.Sum256(b.Data[i].Bytes())
			digests[f.Name] = hex.EncodeToString(sum[:])
		}
		require.NotEmpty(t, b.Contents.IDs)
		require.Subset(t, cardanoIDs(b.Contents.Files, b.Data), b.Contents.IDs)
	}
	return digests, notes, nil
}

// Shows G27.
func TestGoldenVaults(t *testing.T) {
	// Every quorum of the frozen cards restores every file of every generation, from the frozen medium and from the frozen
	// page codes.
	if *update {
		makeGolden(t, filepath.Join(vaultsFolder, "v1-cardano"))
	}
	for name, g := range readGoldens(t) {
		t.Run(name, func(t *testing.T) {
			found, err := vault.OpenMedia(openDir(t, filepath.Join(vaultsFolder, name, "medium")))
			require.NoError(t, err)
			require.Contains(t, found[0].Identity.Vault.Label, "TEST VECTOR")
			checked := vault.Check(found[0], vault.CheckOptions{})
			for _, f := range checked.Findings { // it was frozen without a log, which nobody signs
				require.Equal(t, "MEDIUM-LOG", f.ID)
				require.Equal(t, vault.Note, f.Severity)
			}
			copies, err := vault.GatherCopies(found, "")
			require.NoError(t, err)
			for generation, want := range g.expected {
				c, err := copies.Select(generation)
				require.NoError(t, err)
				requireQuorumsRestore(t, g, c, want)
			}
			requireQuorumsRestore(t, g, selectFrom(t, g.pages(t)), g.expected[2])
			require.Empty(t, copies.Notes)
		})
	}
}

func requireQuorumsRestore(t *testing.T, g *goldenVault, c *vault.Copy, want map[string]string) {
	t.Helper()
	for _, cards := range quorums(goldenColdThreshold) {
		got, notes, err := open(t, c, g.shares(t, cards...), "cold", "hot")
		require.NoError(t, err, "cards %v", cards)
		require.Empty(t, notes)
		require.Equal(t, want, got)
	}
	for _, cards := range quorums(goldenHotThreshold) {
		got, _, err := open(t, c, g.shares(t, cards...), "hot")
		require.NoError(t, err, "cards %v", cards)
		require.NotEmpty(t, got)
		require.NotContains(t, got, "cold.skey")
		require.Subset(t, want, got)
		_, _, err = open(t, c, g.shares(t, cards...), "cold")
		var quorum *vault.QuorumError
		require.ErrorAs(t, err, &quorum, "cards %v", cards)
	}
}

// pages is the medium that the page codes carry, as many of the first lost as parity makes up for.
func (g *goldenVault) pages(t *testing.T) vault.Pages {
	t.Helper()
	var set qr.Collector
	lines := strings.Split(strings.TrimSpace(string(g.files["pages/000002.txt"])), "\n")
	require.Equal(t, "# TEST VECTOR", lines[0])
	for _, line := range lines[1:] {
		raw, err := digits.Decode(nil, []byte(line))
		require.NoError(t, err)
		f, err := qr.ParseFrame(raw)
		require.NoError(t, err)
		if f.Index >= f.Total-f.Data {
			_, err = set.Add(f)
			require.NoError(t, err)
		}
	}
	payload, err := set.Payload()
	require.NoError(t, err)
	m, err := vault.UnpackPages(payload, "golden pages")
	require.NoError(t, err)
	return m
}

// Shows G27.
func TestRecoverOpensTheGoldenVaults(t *testing.T) {
	// recover.py and age alone, none of this module's code, give the same files, from the medium and from the page codes;
	// the signatures verify with Ed25519 and BLAKE2b alone.
	for name, g := range readGoldens(t) {
		t.Run(name, func(t *testing.T) {
			identities := map[string]string{}
			for compartment, k := range map[string]int{"cold": goldenColdThreshold, "hot": goldenHotThreshold} {
				for i, cards := range quorums(k) {
					identity := g.identity(t, compartment, cards, i%2 == 0)
					if identities[compartment] == "" {
						identities[compartment] = identity
					}
					require.Equal(t, identities[compartment], identity, "cards %v", cards)
				}
			}
			medium := g.medium().Files
			requireSignatures(t, medium)
			for generation, want := range g.expected {
				require.Equal(t, want, decryptAll(t, medium, generation, identities))
			}
			out := filepath.Join(t.TempDir(), "payload.tar.gz")
			_, stderr, exit := recoverProcess(t, string(g.files["pages/000002.txt"]), "pages", "--out", out, "-")
			require.Equal(t, exitDone, exit, stderr)
			payload, err := os.Open(out)
			require.NoError(t, err)
			defer payload.Close()
			paper, _ := untar(t, payload)
			require.Equal(t, g.expected[2], decryptAll(t, paper, 2, identities))
			for name, data := range paper {
				require.Equal(t, medium[name], data, name)
			}
		})
	}
}

// identity is what recover.py makes of some cards.
func (g *goldenVault) identity(t *testing.T, compartment string, cards []int, inWords bool) string {
	t.Helper()
	var text strings.Builder
	for i, n := range cards {
		form := "digits"
		if inWords == (i%2 == 0) {
			form = "words"
		}
		text.Write(g.cards[form][n])
	}
	stdout, stderr, exit := recoverPy(t, text.String(), "identity", "--compartment", compartment, "-")
	require.Equal(t, exitDone, exit, stderr)
	return strings.TrimSpace(stdout)
}

func requireSignatures(t *testing.T, medium map[string][]byte) {
	t.Helper()
	signed := 0
	for name, signature := range medium {
		file, ok := strings.CutSuffix(name, ".minisig")
		if !ok {
			continue
		}
		id := strings.Split(name, "/")[1]
		v, err := format.ParseVault(medium["coldvault/"+id+"/vault.json"])
		require.NoError(t, err)
		comment := "coldvault " + id + " " + path.Base(file)
		if path.Base(file) == "manifest.json" {
			comment += " " + path.Base(path.Dir(file))
		}
		requireSigned(t, v.Signer, medium[file], signature, comment)
		signed++
	}
	require.Equal(t, 5, signed)
}

// decryptAll opens both bundles of a generation and gives the digests of the files.
func decryptAll(t *testing.T, medium map[string][]byte, generation int, identities map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, data := range medium {
		dir, file := path.Split(name)
		compartment, ok := strings.CutSuffix(file, ".age")
		if !ok || path.Base(dir) != fmt.Sprintf("%06d", generation) {
			continue
		}
		identity, err := age.ParseHybridIdentity(identities[compartment])
		require.NoError(t, err)
		reader, err := age.Decrypt(bytes.NewReader(data), identity)
		require.NoError(t, err)
		plain, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.Equal(t, padme(len(plain)), len(plain))
		files, order := untar(t, bytes.NewReader(plain))
		require.Equal(t, "contents.json", order[0])
		if compartment == "cold" {
			require.Equal(t, "coldvault-signer.key", order[len(order)-1])
		}
		for name, data := range files {
			if name != "contents.json" && name != "coldvault-signer.key" {
				sum := sha256.Sum256(data)
				out[name] = hex.EncodeToString(sum[:])
			}
		}
	}
	return out
}

// padme is the Padmé length of FORMAT.md section 4.
func padme(length int) int {
	e := bits.Len(uint(length)) - 1
	s := bits.Len(uint(e))
	unit := 1 << (e - s)
	return (length + unit - 1) / unit * unit
}

// untar reads a tar.gz to the end of its last gzip member.
func untar(t *testing.T, r io.Reader) (files map[string][]byte, order []string) {
	t.Helper()
	z, err := gzip.NewReader(r)
	require.NoError(t, err)
	files = map[string][]byte{}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.EqualValues(t, tar.TypeReg, h.Typeflag)
		files[h.Name], err = io.ReadAll(archive)
		require.NoError(t, err)
		order = append(order, h.Name)
	}
	rest, err := io.Copy(io.Discard, z)
	require.NoError(t, err)
	require.Zero(t, rest)
	return files, order
}
