package vault

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/bits"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/shard"
	"coldvault/vault/format"
)

// tree is the files of one medium by their path.
type tree map[string][]byte

// copyOf is a tree that can be damaged.
func (t tree) copyOf() tree {
	out := tree{}
	for name, data := range t {
		out[name] = bytes.Clone(data)
	}
	return out
}

func (t tree) flip(name string, offset int) { t[name][offset%len(t[name])] ^= 1 }

// forge changes a byte of a file and lets its parity vouch for it. The files are small: a
// piece is a block, and its digest the beginning of its SHA-256.
func (t tree) forge(name string, offset int) {
	data, parity := t[name], t[format.ParityName(name)]
	if len(data) == 0 || len(parity) == 0 {
		return
	}
	t.flip(name, offset)
	again, err := media.MakeParity(data)
	if err != nil {
		return
	}
	// The digests of the data alone: the parity blocks stay those of the true file.
	blocks := (len(data) + 63) / 64
	copy(parity[min(24, len(parity)):], again[24:24+8*blocks])
}

// on writes a tree to a file system.
func (t tree) on(tb testing.TB, name string) *mediatest.FS {
	tb.Helper()
	f := mediatest.New(name)
	d := media.NewDir(f)
	for _, file := range slices.Sorted(maps.Keys(t)) {
		require.NoError(tb, d.MkdirAll(path.Dir(file)))
		require.NoError(tb, d.Commit(file, t[file]))
	}
	return f
}

func (t tree) source(name string) media.Source { return media.Memory{Title: name, Files: t} }

// trees are a vault and what a medium of it holds: two generations, with files of one size.
type trees struct {
	*world
	whole tree
}

func newTrees(t *testing.T) *trees {
	t.Helper()
	w := newFastWorld(t)
	return &trees{w, tree(w.small(t, 2))}
}

// at is where a file of the newest generation is, or one of the vault.
func (w *trees) at(name string) string {
	dir := ""
	if strings.Contains(name, ".age") || strings.HasPrefix(name, manifestFile) {
		dir = generationDir(2)
	}
	return path.Join(mediumFolder, w.folder.ID, dir, name)
}

// gives tells what can be had from media together: each file of the newest generation.
func (w *trees) gives(media ...tree) (map[string]bool, *Copies, error) {
	var found []*Medium
	for i, t := range media {
		m, err := OpenMedia(t.source(fmt.Sprintf("m%d", i+1)))
		if err != nil && !errors.Is(err, ErrNoVault) {
			return nil, nil, err
		}
		found = append(found, m...)
	}
	copies, err := GatherCopies(found, w.folder.ID)
	if err != nil {
		return nil, nil, err
	}
	c, err := copies.Select(2)
	if err != nil {
		return nil, copies, err
	}
	out := map[string]bool{}
	for _, f := range c.Manifest.Files {
		if format.IsParity(f.Name) {
			continue
		}
		b, _, err := c.assemble(f, nil, is(f)) // what is whole needs no parity, and comes out too
		if err == nil {
			err = errors.Join(is(f)(b), b.Close())
		}
		out[f.Name] = err == nil
	}
	return out, copies, nil
}

// mended repairs the first medium out of itself and the others, and tells which of its files
// are as they were sealed then.
func (w *trees) mended(t *testing.T, one tree, others ...tree) (map[string]bool, []Mended) {
	t.Helper()
	f := one.on(t, "m1")
	found, err := OpenMedia(media.NewDir(f))
	require.NoError(t, err)
	own := found[0]
	for i, o := range others {
		more, err := OpenMedia(o.source(fmt.Sprintf("m%d", i+2)))
		if err == nil {
			found = append(found, more...)
		}
	}
	done, _ := Mend(Check(own, CheckOptions{}), media.NewDir(f), found, testTime, nil)
	out := map[string]bool{}
	for name, want := range w.whole {
		got, err := media.NewDir(f).Read(name, 1<<20)
		out[name] = err == nil && bytes.Equal(got, want)
	}
	return out, done
}

func everyTrue(m map[string]bool) error {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !m[name] && path.Base(name) != "checks.log" {
			return fmt.Errorf("%s is not as it was", name)
		}
	}
	return nil
}

// What says what a vault is, and the manifest, are put together from media that have lost
// different files of it: restored from, copied, and repaired.
func TestMetadataIsGatheredFileByFile(t *testing.T) {
	w := newTrees(t)
	names := []string{"vault.json", "shares.json", "vault.json.minisig", "shares.json.minisig", "manifest.json", "manifest.json.minisig"}
	damages := map[string]func(tree, string){
		"changed": func(m tree, name string) { m.flip(name, 40) },
		"missing": func(m tree, name string) { delete(m, name) },
	}
	for _, how := range slices.Sorted(maps.Keys(damages)) {
		for i, one := range names {
			for _, other := range names[i+1:] {
				t.Run(how+" "+one+" and "+other, func(t *testing.T) {
					m1, m2 := w.whole.copyOf(), w.whole.copyOf()
					damages[how](m1, w.at(one))
					damages[how](m2, w.at(other))
					got, copies, err := w.gives(m1, m2)
					require.NoError(t, err)
					require.NoError(t, everyTrue(got))
					notes := strings.Join(copies.Notes, "\n")
					interrupted := how == "missing" && (one == manifestFile || other == manifestFile)
					if !interrupted || one != manifestFile {
						require.Contains(t, notes, path.Join("m1", w.at(one)))
					}
					if !interrupted || other != manifestFile {
						require.Contains(t, notes, path.Join("m2", w.at(other)))
					}
					_, err = restoresFrom(w.cards(1, 2), m1.source("m1"), m2.source("m2"))
					require.NoError(t, err)

					mended, _ := w.mended(t, m1, m2)
					require.NoError(t, everyTrue(mended))
					mended, _ = w.mended(t, m2, m1)
					require.NoError(t, everyTrue(mended))

					c, err := copies.Select(2)
					require.NoError(t, err)
					to := mediatest.New("to")
					done, err := c.Duplicate([]*media.Dir{media.NewDir(to)}, testTime, nil)
					require.NoError(t, err)
					require.Empty(t, done.Failed)
					require.NoError(t, findsNothing(to))
				})
			}
		}
	}
}

// Each file of the metadata whole on one medium of three, and on no other.
func TestMetadataIsGatheredFromThreeMedia(t *testing.T) {
	w := newTrees(t)
	all := []tree{w.whole.copyOf(), w.whole.copyOf(), w.whole.copyOf()}
	names := append(identityFiles(), manifestFile, manifestFile+signatureExt)
	for i, name := range names {
		for k, m := range all {
			if k != i%3 {
				m.flip(w.at(name), 30)
			}
		}
	}
	got, _, err := w.gives(all...)
	require.NoError(t, err)
	require.NoError(t, everyTrue(got))
	mended, _ := w.mended(t, all[0], all[1:]...)
	require.NoError(t, everyTrue(mended))
	_, _, err = w.gives(all[:2]...)
	require.Error(t, err, "vault.json is on the third")
}

// The commitments name a forged card; what the cards open is proven without them.
func TestALoneMediumWithoutSharesJSONRestores(t *testing.T) {
	w := newTrees(t)
	for _, name := range []string{"shares.json", "shares.json.minisig"} {
		m := w.whole.copyOf()
		m.flip(w.at(name), 50)
		number, err := restoresFrom(w.cards(1, 3), m.source("m1"))
		require.NoError(t, err, name)
		require.Equal(t, 2, number)
		_, copies, err := w.gives(m)
		require.NoError(t, err)
		notes := strings.Join(copies.Notes, "\n")
		require.Contains(t, notes, "no medium at hand has a good")
		require.Contains(t, notes, path.Join("m1", w.at("shares.json"))+" or its signature")

		// Too few cards stay too few, cards of another vault stay out.
		_, err = restoresFrom(w.cards(2), m.source("m1"))
		var few *QuorumError
		require.ErrorAs(t, err, &few)
		_, err = restoresFrom(nil, m.source("m1"))
		require.ErrorAs(t, err, &few)
		_, err = restoresFrom(newFastWorld(t).cards(1, 2), m.source("m1"))
		require.ErrorAs(t, err, &few)

		// It is no whole medium: check says so, and nothing is copied from it.
		found, err := OpenMedia(m.source("m1"))
		require.NoError(t, err)
		require.True(t, Check(found[0], CheckOptions{}).Damaged())
		c, err := copies.Select(2)
		require.NoError(t, err)
		_, err = c.Duplicate([]*media.Dir{media.NewDir(mediatest.New("to"))}, testTime, nil)
		require.ErrorContains(t, err, "no medium at hand has a good")

		// What else is damaged is repaired, and what cannot be is said.
		m.flip(w.at("cold.age"), 99)
		mended, done := w.mended(t, m)
		require.True(t, mended[w.at("cold.age")])
		require.False(t, mended[w.at(name)])
		require.True(t, slices.ContainsFunc(done, func(d Mended) bool { return d.Err != nil }))
	}
}

// Without commitments a set of forged cards is one that gives another key, and a true quorum
// beside it opens the vault.
func TestForgedCardsDoNotHideAQuorumWithoutSharesJSON(t *testing.T) {
	w := newTrees(t)
	m := w.whole.copyOf()
	delete(m, w.at("shares.json"))
	other := newFastWorld(t)
	forged := forgeFor(t, w.cards(1)[0].Vault(), other.cards(1, 2))
	_, err := restoresFrom(append(forged, w.cards(1, 2)...), m.source("m1"))
	require.NoError(t, err)
	_, err = restoresFrom(forged, m.source("m1"))
	require.ErrorContains(t, err, "not this vault's")
}

// forgeFor makes cards of one vault say that they are of another.
func forgeFor(t *testing.T, id shard.VaultID, cards []shard.Share) (out []shard.Share) {
	t.Helper()
	for _, c := range cards {
		raw := bytes.Clone(c.Bytes())
		copy(raw[1:6], id[:])
		sum := sha256.Sum256(append([]byte("coldvault/share-checksum/1"), raw[:47]...))
		copy(raw[47:], sum[:4])
		s, err := shard.Parse(raw)
		require.NoError(t, err)
		out = append(out, s)
	}
	return out
}

// A parity file that vouches for what was exchanged makes nothing worse: what is whole
// elsewhere is taken, and an authentic parity file is believed before it.
func TestForgedParityIsNotBelievedWhereTheTrueOneIsAtHand(t *testing.T) {
	w := newTrees(t)
	for _, name := range []string{"cold.age", "hot.age", "archive-01.age"} {
		parity := format.ParityName(name)
		forged := w.whole.copyOf()
		forged.forge(w.at(name), 130)
		older := w.whole.copyOf()
		for _, n := range []string{name, parity} {
			older[w.at(n)] = w.whole[path.Join(mediumFolder, w.folder.ID, generationDir(1), n)]
		}
		flipped := w.whole.copyOf()
		flipped.flip(w.at(name), 700)
		torn := flipped.copyOf()
		torn.flip(w.at(parity), len(torn[w.at(parity)])-1)
		onlyParity := w.whole.copyOf()
		delete(onlyParity, w.at(name))
		for what, other := range map[string]tree{"whole": w.whole, "flipped": flipped, "flipped and its parity damaged": torn, "only parity": onlyParity} {
			for how, bad := range map[string]tree{"forged": forged, "older": older} {
				if len(bad[w.at(name)]) != len(w.whole[w.at(name)]) || how == "older" && what == "only parity" { // nothing of it is there then
					continue
				}
				for _, order := range [][]tree{{bad, other}, {other, bad}} {
					got, _, err := w.gives(order...)
					require.NoError(t, err)
					require.NoError(t, everyTrue(got), "%s: %s, %s", name, how, what)
					mended, done := w.mended(t, order[0], order[1:]...)
					require.NoError(t, everyTrue(mended), "%s: %s, %s: %v", name, how, what, done)
				}
			}
		}
	}
}

// spoil does one thing to a medium, at random: what ages, and what somebody does on purpose.
func (w *trees) spoil(m tree, all []tree, rng *rand.Rand) string {
	metadata := []string{"vault.json", "vault.json.minisig", "shares.json", "shares.json.minisig", "manifest.json", "manifest.json.minisig", "cold.recipient"}
	bundles := []string{"cold.age", "hot.age", "archive-01.age"}
	name := bundles[rng.IntN(len(bundles))]
	file, parity := w.at(name), w.at(format.ParityName(name))
	any := [2]string{file, parity}[rng.IntN(2)]
	flips := func(name string, n int) {
		for range n {
			if len(m[name]) > 0 {
				m.flip(name, rng.IntN(len(m[name])))
			}
		}
	}
	switch rng.IntN(12) {
	case 0:
		any = w.at(metadata[rng.IntN(len(metadata))])
		flips(any, 1)
		return "changed " + any
	case 1, 2:
		flips(any, 1+rng.IntN(12))
		return "changed " + any
	case 3, 4:
		for range 1 + rng.IntN(3) {
			m.forge(file, rng.IntN(1<<20))
		}
		return "forged " + file
	case 5:
		m.forge(file, rng.IntN(1<<20))
		if data, err := media.MakeParity(m[file]); err == nil {
			m[parity] = data // vouches for all of it, and is no parity of the true file
		}
		return "forged with new parity " + file
	case 6:
		for _, n := range []string{file, parity} {
			older := strings.Replace(n, "000002", "000001", 1)
			m[n] = bytes.Clone(w.whole[older])
		}
		return "older " + file
	case 7:
		delete(m, any)
		return "dropped " + any
	case 8:
		if n := len(m[any]); n > 0 {
			m[any] = m[any][:rng.IntN(n)]
		}
		return "cut off " + any
	case 9:
		if n := len(m[any]); n > 0 {
			from := rng.IntN(n)
			clear(m[any][from:min(n, from+n/4)])
		}
		return "hole in " + any
	case 10: // digests at random
		if n := len(m[parity]); n > 24 {
			_, _ = rand.NewChaCha8([32]byte{byte(rng.IntN(256))}).Read(m[parity][24 : 24+rng.IntN(n-24)])
		}
		return "head of " + parity
	default:
		m[any] = bytes.Clone(all[rng.IntN(len(all))][any])
		return "taken from another medium " + any
	}
}

// Whatever can be had with some media can be with all of them, in any order, whatever is on
// the others; and what can be repaired with some of them can be with all. Shows G22.
func TestAnotherMediumNeverMakesItWorse(t *testing.T) {
	w := newTrees(t)
	rounds := 150
	if exhaustive() {
		rounds = 5000
	}
	rng := rand.New(rand.NewPCG(21, 7))
	lost, had, repaired := 0, 0, 0
	for round := range rounds {
		all := make([]tree, 1+rng.IntN(3))
		for i := range all {
			all[i] = w.whole.copyOf()
		}
		var story []string
		for range 1 + rng.IntN(4*len(all)) {
			k := rng.IntN(len(all))
			story = append(story, fmt.Sprintf("m%d: %s", k+1, w.spoil(all[k], all, rng)))
		}
		together, _, err := w.gives(all...)
		for set := 1; set < 1<<len(all); set++ {
			some := pick(all, uint(set))
			alone, _, aloneErr := w.gives(some...)
			if aloneErr != nil {
				continue
			}
			require.NoError(t, err, "round %d: media %b have it: %q", round, set, story)
			for name, ok := range alone {
				require.True(t, !ok || together[name], "round %d: media %b have %s: %q", round, set, name, story)
			}
		}
		for name := range w.whole {
			if name := path.Base(name); slices.Contains([]string{"cold.age", "hot.age", "archive-01.age"}, name) {
				if together[name] {
					had++
				} else {
					lost++
				}
			}
		}
		if round%3 > 0 {
			continue
		}
		all1, _ := w.mended(t, all[0], all[1:]...)
		for set := range 1 << (len(all) - 1) {
			if bits.OnesCount(uint(set)) == len(all)-1 {
				continue
			}
			some, done := w.mended(t, all[0], pick(all[1:], uint(set))...)
			for name, ok := range some {
				if ok {
					repaired++
				}
				require.True(t, !ok || all1[name], "round %d: with %b %s is repaired: %q: %v", round, set, name, story, done)
			}
		}
	}
	t.Logf("%d rounds: %d files had, %d lost with all media, %d as they were after repairs with fewer; none of them lost with more", rounds, had, lost, repaired)
	require.NotZero(t, lost)
	require.NotZero(t, had)
}

// collide changes some bits of a piece so that both of its checksums stay: they are linear,
// and of 65 changes some cancel out.
func collide(piece []byte) {
	sum := func() uint64 {
		return uint64(crc32.Checksum(piece, crc32.MakeTable(crc32.Castagnoli)))<<32 | uint64(crc32.ChecksumIEEE(piece))
	}
	zero := sum()
	type change struct {
		sum  uint64
		bits [2]uint64 // which of the first 128 bits of the piece
	}
	var basis []change
	for bit := range 65 {
		piece[bit/8] ^= 1 << (bit % 8)
		c := change{sum: sum() ^ zero}
		piece[bit/8] ^= 1 << (bit % 8)
		c.bits[bit/64] = 1 << (bit % 64)
		for _, b := range basis {
			if c.sum^b.sum < c.sum {
				c.sum ^= b.sum
				c.bits[0], c.bits[1] = c.bits[0]^b.bits[0], c.bits[1]^b.bits[1]
			}
		}
		if c.sum == 0 {
			for i := range 128 {
				piece[i/8] ^= byte(c.bits[i/64]>>(i%64)&1) << (i % 8)
			}
			return
		}
		basis = append(basis, c)
	}
}

// The checksums of a large archive can be met on purpose, even those of a true parity file:
// then what comes out is another file, and the medium is left out.
func TestAnArchiveThatMeetsItsChecksumsIsLeftOut(t *testing.T) {
	w := newFastWorld(t)
	f := mediatest.New("stick")
	_, err := w.sealWith(archiveFile(t, 14<<20), 0, media.NewDir(f))
	require.NoError(t, err)
	whole := tree{}
	var collectAll func(dir string)
	collectAll = func(dir string) {
		names, err := media.NewDir(f).List(dir)
		require.NoError(t, err)
		for _, name := range names {
			name = path.Join(dir, name)
			if data, err := media.NewDir(f).Read(name, 32<<20); err == nil {
				whole[name] = data
				continue
			}
			collectAll(name)
		}
	}
	collectAll(".")
	archive := path.Join(mediumFolder, w.folder.ID, generationDir(1), "archive-01.age")
	bad, other := whole.copyOf(), whole.copyOf()
	before := bytes.Clone(bad[archive])
	collide(bad[archive][1<<20 : 1<<20+64<<10])
	require.NotEqual(t, before, bad[archive])
	other.flip(archive, 5<<20)
	for _, order := range [][]tree{{bad, other}, {other, bad}, {bad, bad, other}} {
		var found []*Medium
		for _, m := range order {
			one, err := OpenMedia(m.source("m"))
			require.NoError(t, err)
			found = append(found, one...)
		}
		copies, err := GatherCopies(found, "")
		require.NoError(t, err)
		c, err := copies.Select(0)
		require.NoError(t, err)
		want, ok := c.Manifest.File("archive-01.age")
		require.True(t, ok)
		b, rebuilt, err := c.assemble(want, nil, is(want))
		require.NoError(t, err)
		require.LessOrEqual(t, rebuilt, 1)
		require.NoError(t, is(want)(b))
	}
}
