package testvectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/qr"
	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/material"
	"coldvault/vault/material/cardano"
	"coldvault/vault/material/cardano/samplepool"
	"coldvault/vault/secret"
)

// What is asked of a golden vault is the same each time; its keys, and so its bytes, are new, and frozen when written.
const (
	goldenCards         = 5
	goldenColdThreshold = 3
	goldenHotThreshold  = 2
)

var goldenTime = time.Date(2026, 11, 21, 1, 2, 3, 0, time.UTC)

// makeGolden writes a golden vault of a Cardano pool with two generations, unless the folder exists.
func makeGolden(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); err == nil {
		return
	}
	files := map[string][]byte{}
	main := newGolden(t, "TEST VECTOR "+filepath.Base(folder))
	medium := openDir(t, t.TempDir())
	for generation := range 2 {
		pool := samplePool(t, generation)
		main.seal(pool, goldenTime.AddDate(0, 3*generation, 0), medium)
		addExpected(files, generation+1, pool)
	}
	maps.Copy(files, readTree(t, "medium", medium.Name()))
	addCards(t, files, main)
	addPages(t, files, medium)
	addPlanted(t, files)
	addResigned(t, files, main)
	for name, data := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o644))
	}
}

// samplePool is a pool that is the same every time; in its second generation the KES key was rotated.
func samplePool(t *testing.T, generation int) map[string][]byte {
	t.Helper()
	const seed = 32
	random := bytesOf("pool", 5*seed)
	copy(random[seed:], bytesOf(fmt.Sprint("kes ", generation), seed))
	pool, err := samplepool.New(bytes.NewReader(random), samplepool.Options{Number: uint64(generation), Period: uint64(800 + 60*generation), Ticker: "TEST"})
	require.NoError(t, err)
	return pool
}

// golden is a vault that is being made.
type golden struct {
	t          *testing.T
	fresh      *vault.Fresh
	folder     *vault.Folder
	passphrase *secret.Buffer
}

func newGolden(t *testing.T, label string) *golden {
	t.Helper()
	passphrase, err := secret.Move([]byte("TEST VECTOR"))
	require.NoError(t, err)
	t.Cleanup(passphrase.Destroy)
	fresh, err := vault.Create(vault.CreateParams{
		Label: label, Created: goldenTime, Shares: goldenCards, ColdThreshold: goldenColdThreshold, HotThreshold: goldenHotThreshold,
	}, passphrase)
	require.NoError(t, err)
	t.Cleanup(fresh.Destroy)
	dir := openDir(t, t.TempDir())
	require.NoError(t, fresh.Save(dir))
	folder, err := vault.OpenFolder(dir)
	require.NoError(t, err)
	return &golden{t, fresh, folder, passphrase}
}

func openDir(t *testing.T, name string) *media.Dir {
	t.Helper()
	dir, err := media.OpenDir(name)
	require.NoError(t, err)
	t.Cleanup(func() { dir.Close() })
	return dir
}

// seal seals the files as they are recognised.
func (g *golden) seal(files map[string][]byte, created time.Time, medium *media.Dir) {
	g.t.Helper()
	var inspected []material.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		inspected = append(inspected, material.File{Name: name, Data: files[name], Size: int64(len(files[name])), Mode: 0o600, Modified: goldenTime})
	}
	var sealed []vault.Material
	report := material.Inspect(inspected, cardano.Profile{Now: created})
	for i, item := range report.Items {
		f := inspected[i]
		sum := sha256.Sum256(f.Data)
		data, err := secret.Move(bytes.Clone(f.Data))
		require.NoError(g.t, err)
		defer data.Destroy()
		sealed = append(sealed, vault.Material{
			ContentsFile: format.ContentsFile{
				Name: f.Name, Role: item.Role, Size: f.Size, SHA256: hex.EncodeToString(sum[:]), Network: item.Network,
				Mode: format.FormatMode(f.Mode), Modified: f.Modified,
			},
			Data: data, Cold: item.In.Has(material.Cold), Hot: item.In.Has(material.Hot),
		})
	}
	signer, err := g.folder.UnlockSigner(g.passphrase)
	require.NoError(g.t, err)
	defer signer.Destroy()
	result, err := g.folder.Seal(vault.SealRequest{
		Material: sealed, IDs: cardanoIDs, Signer: signer, Created: created, Targets: []*media.Dir{medium},
		Notes: vault.Notes{Facts: []format.Fact{{Name: "TEST VECTOR", Value: "of no use to anybody"}}},
		Kit:   map[string][]byte{"RESTORE.txt": []byte("TEST VECTOR\n")},
	})
	require.NoError(g.t, err)
	require.Empty(g.t, result.Failed)
}

// cardanoIDs are what the files are called on their network.
func cardanoIDs(files []format.ContentsFile, data []*secret.Buffer) []format.DerivedID {
	var inspected []material.File
	for i, f := range files {
		inspected = append(inspected, material.File{Name: f.Name, Data: data[i].Bytes(), Size: f.Size})
	}
	var out []format.DerivedID
	for _, id := range material.Inspect(inspected, cardano.Profile{}).IDs {
		out = append(out, format.DerivedID{Network: id.Network, Name: id.Name, Value: id.Value})
	}
	return out
}

// addExpected adds the digests of the files of a generation, as sha256sum prints them.
func addExpected(out map[string][]byte, generation int, pool map[string][]byte) {
	var list bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(pool)) {
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(pool[name]), name)
	}
	out[fmt.Sprintf("expected/%06d.sha256", generation)] = list.Bytes()
}

func addCards(t *testing.T, out map[string][]byte, g *golden) {
	for i := 1; i <= goldenCards; i++ {
		shares, err := g.fresh.Card(i)
		require.NoError(t, err)
		for form, write := range map[string]func([]byte, shard.Share) []byte{"digits": shard.AppendText, "words": shard.AppendWords} {
			card := []byte("# TEST VECTOR\n")
			for _, s := range shares {
				card = append(write(card, s), '\n')
			}
			out[fmt.Sprintf("cards/card-%d.%s.txt", i, form)] = card
		}
	}
}

// addPages adds the codes of the newest generation's pages.
func addPages(t *testing.T, out map[string][]byte, medium *media.Dir) {
	newest := selectFrom(t, medium)
	payload, err := vault.PackPages(newest)
	require.NoError(t, err)
	id, err := format.DecodeVaultID(newest.Identity.Vault.ID)
	require.NoError(t, err)
	frames, err := qr.Split(id, uint32(newest.Number), payload, layout(t, "robust"), 1, qr.MinParity)
	require.NoError(t, err)
	var text strings.Builder
	text.WriteString("# TEST VECTOR\n")
	for _, f := range frames {
		text.WriteString(frameLine(f.Marshal()))
	}
	out[fmt.Sprintf("pages/%06d.txt", newest.Number)] = []byte(text.String())
}

// selectFrom is the newest generation on a medium.
func selectFrom(t *testing.T, source media.Source) *vault.Copy {
	t.Helper()
	found, err := vault.OpenMedia(source)
	require.NoError(t, err)
	copies, err := vault.GatherCopies(found, "")
	require.NoError(t, err)
	newest, err := copies.Select(0)
	require.NoError(t, err)
	require.Empty(t, copies.Notes)
	return newest
}

// addPlanted adds the medium of an attacker, who made a vault with the same label.
func addPlanted(t *testing.T, out map[string][]byte) {
	planted := newGolden(t, "TEST VECTOR v1-cardano")
	medium := openDir(t, t.TempDir())
	planted.seal(map[string][]byte{"pool.id": []byte("planted\n")}, goldenTime, medium)
	for name, data := range readTree(t, "planted", medium.Name()) {
		switch filepath.Base(name) {
		case "vault.json", "vault.json.minisig", "shares.json", "shares.json.minisig":
			out["planted/"+filepath.Base(name)] = data
		}
	}
}

// readTree reads the files below a folder.
func readTree(t *testing.T, prefix, folder string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	require.NoError(t, filepath.WalkDir(folder, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, p)
		if err != nil {
			return err
		}
		out[filepath.ToSlash(filepath.Join(prefix, name))], err = os.ReadFile(p)
		return err
	}))
	return out
}

// addResigned adds manifests of generation 2 that list the wrong bundles and are signed by the vault: nothing but the
// bundles themselves tells.
func addResigned(t *testing.T, files map[string][]byte, g *golden) {
	base := "medium/coldvault/" + g.folder.ID + "/generations/"
	for name, bundles := range map[string]map[string]string{
		"older":   {"cold.age": "000001/cold.age", "cold.age.parity": "000001/cold.age.parity"},
		"swapped": {"cold.age": "000002/hot.age", "cold.age.parity": "000002/hot.age.parity", "hot.age": "000002/cold.age", "hot.age.parity": "000002/cold.age.parity"},
	} {
		m, err := format.ParseManifest(files[base+"000002/manifest.json"])
		require.NoError(t, err)
		for i, f := range m.Files {
			if from, ok := bundles[f.Name]; ok {
				data := files[base+from]
				require.NotEmpty(t, data)
				sum := sha256.Sum256(data)
				m.Files[i].Size, m.Files[i].SHA256 = int64(len(data)), hex.EncodeToString(sum[:])
			}
		}
		data, err := m.Marshal()
		require.NoError(t, err)
		files["resigned/"+name+".manifest.json"] = data
		files["resigned/"+name+".manifest.json.minisig"] = g.sign(data, "coldvault "+g.folder.ID+" manifest.json 000002")
	}
}
