package vault

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/shard"
	"coldvault/vault/ledger"
	"coldvault/vault/secret"
)

func TestMain(m *testing.M) {
	scryptWorkFactor = 8
	os.Exit(m.Run())
}

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is a vault, its cards and a place for media.
type world struct {
	t          *testing.T
	fresh      *Fresh
	folder     *Folder
	passphrase *secret.Buffer
}

func guarded(t *testing.T, s string) *secret.Buffer {
	t.Helper()
	b, err := secret.Move([]byte(s))
	require.NoError(t, err)
	t.Cleanup(b.Destroy)
	return b
}

func openDir(t *testing.T, name string) *media.Dir {
	t.Helper()
	d, err := media.OpenDir(name)
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func newWorld(t *testing.T, n, cold, hot int) *world {
	t.Helper()
	return newWorldIn(t, openDir(t, t.TempDir()), n, cold, hot)
}

func newWorldIn(t *testing.T, dir *media.Dir, n, cold, hot int) *world {
	t.Helper()
	w := &world{t: t, passphrase: guarded(t, "correct horse")}
	var err error
	w.fresh, err = Create(CreateParams{
		Label: "pool north", Created: testTime, Shares: n, ColdThreshold: cold, HotThreshold: hot,
	}, w.passphrase)
	require.NoError(t, err)
	t.Cleanup(w.fresh.Destroy)
	require.NoError(t, w.fresh.Save(dir))
	w.folder, err = OpenFolder(dir)
	require.NoError(t, err)
	return w
}

// seal seals two files, one for each compartment and one for both.
func (w *world) seal(targets ...*media.Dir) *SealResult {
	w.t.Helper()
	src := w.t.TempDir()
	write := func(name, data string) {
		file := filepath.Join(src, name)
		require.NoError(w.t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(w.t, os.WriteFile(file, []byte(data), 0o600))
	}
	write("cold.skey", "the cold key")
	write("sub/kes.skey", "the kes key")
	write("kes.vkey", "public")
	g, err := GatherToSeal([]string{src}, nil)
	require.NoError(w.t, err)
	defer g.Destroy()
	var material []Material
	for i, f := range g.Files {
		f.Network, f.Role = "generic", "file"
		material = append(material, Material{ContentsFile: f, Data: g.Data[i],
			Cold: f.Name != "sub/kes.skey", Hot: f.Name != "cold.skey"})
	}
	signer, err := w.folder.UnlockSigner(w.passphrase)
	require.NoError(w.t, err)
	defer signer.Destroy()
	result, err := w.folder.Seal(SealRequest{
		Material: material, Kit: map[string][]byte{"RESTORE.txt": []byte("how to")}, Signer: signer, Created: testTime, Targets: targets,
	})
	require.NoError(w.t, err)
	return result
}

func (w *world) cards(numbers ...int) []shard.Share {
	var out []shard.Share
	for _, n := range numbers {
		s, err := w.fresh.Card(n)
		require.NoError(w.t, err)
		out = append(out, s...)
	}
	return out
}

// restore restores compartments from sources into a new folder.
func restore(t *testing.T, cards []shard.Share, compartments []string, sources ...media.Source) (dir string, notes []string, err error) {
	t.Helper()
	var found []*Medium
	for _, s := range sources {
		m, err := OpenMedia(s)
		if err != nil {
			return "", nil, err
		}
		found = append(found, m...)
	}
	copies, err := GatherCopies(found, "")
	if err != nil {
		return "", nil, err
	}
	c, err := copies.Select(0)
	if err != nil {
		return "", copies.Notes, err
	}
	shares := JudgeShares(c.Identity, cards)
	var bundles []*Bundle
	for _, name := range compartments {
		b, more, err := c.Open(name, shares)
		notes = append(notes, more...)
		if err != nil {
			return "", notes, err
		}
		defer b.Destroy()
		bundles = append(bundles, b)
	}
	dir = filepath.Join(t.TempDir(), "restored")
	target, err := OpenTarget(dir)
	require.NoError(t, err)
	defer target.Close()
	files, err := Merge(bundles)
	require.NoError(t, err)
	_, err = target.Write(files, nil)
	return dir, append(copies.Notes, notes...), err
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		name, _ := filepath.Rel(dir, p)
		out[name] = string(data)
		return err
	}))
	return out
}

// Shows G1.
func TestEveryQuorumRestoresEveryFile(t *testing.T) {
	w := newWorld(t, 5, 3, 2)
	medium := openDir(t, t.TempDir())
	result := w.seal(medium)
	require.Equal(t, 1, result.Generation)
	require.Empty(t, result.Failed)
	want := map[string]string{"cold.skey": "the cold key", "sub/kes.skey": "the kes key", "kes.vkey": "public"}
	for a := 1; a <= 5; a++ {
		for b := a + 1; b <= 5; b++ {
			for c := b + 1; c <= 5; c++ {
				dir, notes, err := restore(t, w.cards(a, b, c), []string{"cold", "hot"}, medium)
				require.NoError(t, err)
				require.Empty(t, notes)
				require.Equal(t, want, contents(t, dir))
			}
		}
	}
}

// Shows G9.
func TestHotAloneNeedsNoColdShare(t *testing.T) {
	w := newWorld(t, 3, 3-1, 2)
	medium := openDir(t, t.TempDir())
	w.seal(medium)
	var hot []shard.Share
	for _, s := range w.cards(1, 2) {
		if s.Compartment() == shard.Hot {
			hot = append(hot, s)
		}
	}
	dir, _, err := restore(t, hot, []string{"hot"}, medium)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"sub/kes.skey": "the kes key", "kes.vkey": "public"}, contents(t, dir))

	_, _, err = restore(t, hot, []string{"cold"}, medium)
	var quorum *QuorumError
	require.ErrorAs(t, err, &quorum)
	require.Equal(t, "cold", quorum.Needs[0].Compartment)
	require.Equal(t, 2, quorum.Needs[0].Need)
	require.Equal(t, 0, quorum.Needs[0].Have)
}

// Shows G7.
func TestRestoredFilesArePrivateAndKeepTheirTime(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	medium := openDir(t, t.TempDir())
	w.seal(medium)
	dir, _, err := restore(t, w.cards(1, 2), []string{"cold"}, medium)
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, "cold.skey"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o400), info.Mode().Perm())
	info, err = os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

// Shows G5.
func TestASealNeedsNoCardAndNumbersGoOn(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	a, b := openDir(t, t.TempDir()), openDir(t, t.TempDir())
	require.Equal(t, 1, w.seal(a, b).Generation)
	require.Equal(t, 2, w.seal(a).Generation)
	require.Equal(t, 3, w.seal(a, b).Generation)

	found, err := OpenMedia(a)
	require.NoError(t, err)
	copies, err := GatherCopies(found, "")
	require.NoError(t, err)
	newest, err := copies.Select(0)
	require.NoError(t, err)
	require.Equal(t, 3, newest.Number)
	second, err := copies.Select(2)
	require.NoError(t, err)
	require.Equal(t, second.Digest, newest.Manifest.Previous)
	_, err = copies.Select(4)
	require.ErrorContains(t, err, "the newest is 3")
}

// A cold machine that comes back from an old image knows fewer generations
// than the media; the number must not be used twice.
func TestNumberIsAboveWhatTheMediaHave(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	medium := openDir(t, t.TempDir())
	w.seal(medium)
	old := t.TempDir()
	require.NoError(t, os.CopyFS(old, os.DirFS(w.folder.dir.Name())))
	w.seal(medium)
	var err error
	w.folder, err = OpenFolder(openDir(t, old))
	require.NoError(t, err)
	require.Equal(t, 3, w.seal(medium).Generation)
	found, err := OpenMedia(medium)
	require.NoError(t, err)
	require.False(t, Check(found[0], CheckOptions{}).Damaged())
}

func TestABadTargetDoesNotStopTheOthers(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	bad, good := openDir(t, t.TempDir()), openDir(t, t.TempDir())
	// A file where the vault's folder should be.
	require.NoError(t, os.WriteFile(filepath.Join(bad.Name(), "coldvault"), []byte("x"), 0o600))
	result := w.seal(bad, good)
	require.Equal(t, []string{good.Name()}, result.Media)
	require.Len(t, result.Failed, 1)
	require.Equal(t, bad.Name(), result.Failed[0].Medium)
	_, _, err := restore(t, w.cards(1, 3), []string{"cold", "hot"}, good)
	require.NoError(t, err)
}

// Every byte of every file on a medium, changed in one bit and in all: check
// reports it, and restore either repairs it or refuses. Shows G3.
func TestEveryChangedByteIsRepairedOrRefused(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	medium := openDir(t, t.TempDir())
	w.seal(medium)
	want := map[string]string{"cold.skey": "the cold key", "sub/kes.skey": "the kes key", "kes.vkey": "public"}
	files := map[string][]byte{}
	for name, data := range contents(t, medium.Name()) {
		files[name] = []byte(data)
	}
	require.Equal(t, 18, len(files))
	cards := w.cards(2, 3)
	changed, refused, repaired := 0, 0, 0
	for name, original := range files {
		step := 1
		if len(original) > 1024 {
			step = 37 // TestNoDamageIsSilent changes every byte
		}
		for i := 0; i < len(original); i += step {
			for _, mask := range []byte{1, 0xff} {
				data := bytes.Clone(original)
				data[i] ^= mask
				files[name] = data
				source := media.Memory{Title: "stick", Files: files}
				found, err := OpenMedia(source)
				changed++
				if err != nil {
					refused++
					continue
				}
				checked := Check(found[0], CheckOptions{})
				// The end of a log that a power cut has torn is a note.
				named := checked.Damaged() || path.Base(name) == ledger.MediumLogName && len(checked.Findings) > 0
				require.True(t, named, "%s byte %d ^ %#x", name, i, mask)
				if i%101 != 0 {
					continue // restoring is slow; check and restore read the same way
				}
				dir, notes, err := restore(t, cards, []string{"cold", "hot"}, source)
				if err != nil {
					refused++
					continue
				}
				require.Equal(t, want, contents(t, dir), "%s byte %d", name, i)
				if filepath.Ext(name) == ".age" { // the rest is not needed here, or the restore was refused
					require.NotEmpty(t, notes, "%s byte %d was repaired without a word", name, i)
				}
				repaired++
			}
		}
		files[name] = original
	}
	t.Logf("%d changes: all reported by check; of those restored from, %d repaired, %d refused", changed, repaired, refused)
	require.NotZero(t, repaired)
	require.NotZero(t, refused)
}

// exhaustive is set in CI, which takes the time for every byte.
func exhaustive() bool { return os.Getenv("COLDVAULT_LONG") != "" }

// Breaks G5.
func TestDamagedNewestGenerationIsNotPassedOverSilently(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	medium := openDir(t, t.TempDir())
	w.seal(medium)
	w.seal(medium)
	manifest := filepath.Join(medium.Name(), "coldvault", w.folder.ID, "generations", "000002", "manifest.json")
	data, err := os.ReadFile(manifest)
	require.NoError(t, err)
	data[40] ^= 1
	require.NoError(t, os.WriteFile(manifest, data, 0o600))
	_, _, err = restore(t, w.cards(1, 2), []string{"cold"}, medium)
	var damaged *DamagedGenerationError
	require.ErrorAs(t, err, &damaged)
	require.Equal(t, 2, damaged.Number)
	require.Equal(t, 1, damaged.Older)

	// Without its manifest the log of the medium knows that it counted.
	require.NoError(t, os.Remove(manifest))
	_, _, err = restore(t, w.cards(1, 2), []string{"cold"}, medium)
	require.ErrorAs(t, err, &damaged)
	require.Equal(t, 2, damaged.Number)
	require.Equal(t, 1, damaged.Older)

	// Without the log too, its signature tells that it may have.
	require.NoError(t, os.Remove(filepath.Join(medium.Name(), "coldvault", w.folder.ID, "checks.log")))
	_, _, err = restore(t, w.cards(1, 2), []string{"cold"}, medium)
	require.ErrorAs(t, err, &damaged)
	require.Equal(t, 1, damaged.Older)

	// Where nothing knows it, it never counted.
	require.NoError(t, os.Remove(manifest+".minisig"))
	_, notes, err := restore(t, w.cards(1, 2), []string{"cold"}, medium)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(notes), "interrupted")
}

func TestWrongPassphraseAndForeignSigner(t *testing.T) {
	w := newWorld(t, 3, 2, 2)
	_, err := w.folder.UnlockSigner(guarded(t, "wrong"))
	require.ErrorIs(t, err, ErrPassphrase)
	other := newWorld(t, 3, 2, 2)
	require.NoError(t, w.folder.dir.Replace(signerFile, other.fresh.signer))
	_, err = w.folder.UnlockSigner(w.passphrase)
	require.ErrorContains(t, err, "another vault")
}

// Breaks G2.
func TestCardsOfAnotherVaultAreNamedAndTheOthersGoOn(t *testing.T) {
	w, other := newWorld(t, 3, 2, 2), newWorld(t, 3, 2, 2)
	medium := openDir(t, t.TempDir())
	w.seal(medium)
	cards := append(other.cards(1), w.cards(1, 3)...)
	judged := JudgeShares(w.folder.Identity, cards).Judged
	require.Equal(t, shard.OtherVault, judged[0].Verdict)
	require.Equal(t, shard.Accepted, judged[2].Verdict)
	_, _, err := restore(t, cards, []string{"cold", "hot"}, medium)
	require.NoError(t, err)
}

func TestParametersThatMakeAUselessVaultAreRefused(t *testing.T) {
	pass := guarded(t, "x")
	for name, p := range map[string]CreateParams{
		"one card opens it":     {Label: "l", Created: testTime, Shares: 3, ColdThreshold: 1, HotThreshold: 2},
		"not enough cards":      {Label: "l", Created: testTime, Shares: 3, ColdThreshold: 2, HotThreshold: 4},
		"every card needed":     {Label: "l", Created: testTime, Shares: 3, ColdThreshold: 3, HotThreshold: 2},
		"no label":              {Created: testTime, Shares: 3, ColdThreshold: 2, HotThreshold: 2},
		"label of control code": {Label: "a\nb", Created: testTime, Shares: 3, ColdThreshold: 2, HotThreshold: 2},
		"too many":              {Label: "l", Created: testTime, Shares: 256, ColdThreshold: 2, HotThreshold: 2},
	} {
		_, err := Create(p, pass)
		require.Error(t, err, name)
	}
}
