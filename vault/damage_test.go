package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/shard"
	"coldvault/vault/ledger"
)

// small is a medium with generations, each with an archive, a kit and a log, as files.
func (w *world) small(t *testing.T, generations int) map[string][]byte {
	t.Helper()
	stick := mediatest.New("stick")
	for range generations {
		_, err := w.sealWith(archiveFile(t, 3_000), 0, media.NewDir(stick))
		require.NoError(t, err)
	}
	files := map[string][]byte{}
	collect(t, media.NewDir(stick), ".", files)
	require.Len(t, files, 10+10*generations)
	return files
}

func collect(t *testing.T, d *media.Dir, dir string, files map[string][]byte) {
	t.Helper()
	names, err := d.List(dir)
	require.NoError(t, err)
	for _, name := range names {
		name = path.Join(dir, name)
		if data, err := d.Read(name, 1<<20); err == nil {
			files[name] = data
			continue
		}
		collect(t, d, name, files)
	}
}

// judged is what was found out about damaged media.
type judged struct {
	named      int // by check
	repairable int // of these, from the medium alone
	restored   int // of these, restored from: everything came back
	refused    int // or nothing did
	shorter    int // logs that lost whole lines
}

func (j *judged) add(o judged) {
	j.named += o.named
	j.repairable += o.repairable
	j.restored += o.restored
	j.refused += o.refused
	j.shorter += o.shorter
}

func (j judged) String() string {
	return fmt.Sprintf("%d named, %d of them repairable from the medium alone; %d were restored from, %d refused; %d logs lack their newest lines; 0 silent",
		j.named, j.repairable, j.restored, j.refused, j.shorter)
}

// damage is one thing that happened to one file.
type damage struct {
	what, name string
	files      map[string][]byte
}

// isShorterLog tells a log that lacks its newest lines. It is no backup, and what
// is left of it is true; nothing else on a medium could tell.
func (d damage) isShorterLog(was []byte) bool {
	now := d.files[d.name]
	return path.Base(d.name) == ledger.MediumLogName && bytes.HasPrefix(was, now) && len(now) > 0 && now[len(now)-1] == '\n'
}

// judge checks a damaged medium, and restores from it where cards are given. The error is
// damage that nobody has noticed.
func (d damage) judge(was []byte, cards []shard.Share) (j judged, err error) {
	source := media.Memory{Title: "stick", Files: d.files}
	found, err := OpenMedia(source)
	var named, repairable bool
	if err == nil {
		checked := Check(found[0], CheckOptions{})
		named, repairable = names(checked), checkedRepairable(checked)
	}
	switch {
	case err != nil || named:
		j.named = 1
	case d.isShorterLog(was):
		return judged{shorter: 1}, nil
	default:
		return j, fmt.Errorf("%s %s: nobody has noticed", d.name, d.what)
	}
	if repairable {
		j.repairable = 1
	}
	if cards == nil {
		return j, nil
	}
	// A generation that comes back with something else in it is an error of restoresFrom.
	_, err = restoresFrom(cards, source)
	switch {
	case errors.Is(err, errOtherFiles):
		return j, fmt.Errorf("%s %s: %w", d.name, d.what, err)
	case err != nil:
		j.refused = 1
	default:
		j.restored = 1
	}
	return j, nil
}

// names tells whether check has something to say of damage. A log whose last line was torn,
// and a generation without a manifest, are what power cuts leave: notes.
func names(c *Checked) bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool {
		return f.Severity == Damage || f.ID == "MEDIUM-LOG" || f.ID == "GENERATION-INCOMPLETE"
	})
}

func checkedRepairable(c *Checked) bool {
	for _, g := range c.Generations {
		if !g.Whole && !g.Repairable {
			return false
		}
	}
	return true
}

// changes are every step-th byte of a file changed, and the file cut off there.
func changes(name string, files map[string][]byte, step int, yield func(damage) bool) bool {
	data := files[name]
	for i := 0; i < len(data); i += step {
		flipped := bytes.Clone(data)
		flipped[i] ^= 1 << (i % 8)
		if !yield(with(files, fmt.Sprintf("with byte %d changed", i), name, flipped)) ||
			!yield(with(files, fmt.Sprintf("cut off at %d", i), name, data[:i])) {
			return false
		}
	}
	return true
}

// exchanges are a file without its last byte, with one more, dropped, swapped with that of the
// other generation, and exchanged for that of another vault.
func exchanges(name string, files, foreign map[string][]byte, yield func(damage) bool) bool {
	data := files[name]
	gone := maps.Clone(files)
	delete(gone, name)
	all := []damage{
		with(files, "without its last byte", name, data[:len(data)-1]),
		with(files, "with a byte more", name, append(bytes.Clone(data), 'x')),
		{"dropped", name, gone},
	}
	swapped := strings.Replace(name, "000001", "000002", 1)
	if !bytes.Equal(files[swapped], data) {
		d := with(files, "swapped with that of the other generation", name, files[swapped])
		d.files[swapped] = data
		all = append(all, d)
	}
	if theirs := foreign[name]; theirs != nil && !bytes.Equal(theirs, data) && path.Base(name) != ledger.MediumLogName {
		all = append(all, with(files, "of another vault", name, theirs))
	}
	for _, d := range all {
		if !yield(d) {
			return false
		}
	}
	return true
}

func with(files map[string][]byte, what, name string, data []byte) damage {
	d := damage{what, name, maps.Clone(files)}
	d.files[name] = data
	return d
}

// judgeAll judges several at a time, and restores from every restore-th.
func judgeAll(all iter.Seq2[damage, []byte], cards []shard.Share, restore int) (sum judged, silent error) {
	type job struct {
		damage
		was   []byte
		cards []shard.Share
	}
	queue := make(chan job)
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range queue {
				one, err := j.judge(j.was, j.cards)
				mu.Lock()
				sum.add(one)
				silent = errors.Join(silent, err)
				mu.Unlock()
			}
		})
	}
	n := 0
	for d, was := range all {
		j := job{damage: d, was: was}
		if n++; n%restore == 0 {
			j.cards = cards
		}
		queue <- j
	}
	close(queue)
	workers.Wait()
	return sum, silent
}

// Every byte of every file of a small medium changed, every file cut off at every length,
// dropped, and exchanged with that of another generation and of another vault: check names
// each, and a restore gives back everything or nothing. Silent is none. Shows G3.
func TestNoDamageIsSilent(t *testing.T) {
	w, other := newFastWorld(t), newFastWorld(t)
	one := w.small(t, 1)
	step, restore := 61, 31
	if exhaustive() {
		step, restore = 1, 101
	}
	sum, silent := judgeAll(func(yield func(damage, []byte) bool) {
		for _, name := range slices.Sorted(maps.Keys(one)) {
			if !changes(name, one, step, func(d damage) bool { return yield(d, one[name]) }) {
				return
			}
		}
	}, w.cards(1, 2), restore)
	require.NoError(t, silent)
	size := 0
	for _, data := range one {
		size += len(data)
	}
	t.Logf("%d files of %d bytes, every %d. byte changed and cut off: %s", len(one), size, step, sum)
	require.NotZero(t, sum.repairable)
	require.NotZero(t, sum.restored)
	require.NotZero(t, sum.refused)

	w = newFastWorld(t)
	two, foreign := w.small(t, 2), map[string][]byte{}
	for name, data := range other.small(t, 2) {
		foreign[strings.ReplaceAll(name, other.folder.ID, w.folder.ID)] = data
	}
	sum, silent = judgeAll(func(yield func(damage, []byte) bool) {
		for _, name := range slices.Sorted(maps.Keys(two)) {
			if !exchanges(name, two, foreign, func(d damage) bool { return yield(d, two[name]) }) {
				return
			}
		}
	}, w.cards(1, 2), 1)
	require.NoError(t, silent)
	t.Logf("%d files dropped, longer, shorter and exchanged: %s", len(two), sum)
	require.NotZero(t, sum.restored)
	require.NotZero(t, sum.refused)
}

// The same judgement finds what is silent: a change to a file that no manifest lists, and a
// generation that comes back whole and is not what was sealed. Breaks G3.
func TestSilentDamageIsCaught(t *testing.T) {
	w := newFastWorld(t)
	files := w.small(t, 1)
	name := path.Join("coldvault", w.folder.ID, generationDir(1), "more.age")
	files[name] = []byte("not listed")
	_, silent := damage{"changed", name, files}.judge([]byte("changed"), nil)
	require.ErrorContains(t, silent, "nobody has noticed")

	signer, err := w.folder.UnlockSigner(w.passphrase)
	require.NoError(t, err)
	defer signer.Destroy()
	stick := media.NewDir(mediatest.New("stick"))
	_, err = w.folder.Seal(SealRequest{Signer: signer, Created: testTime, Targets: []*media.Dir{stick}})
	require.NoError(t, err)
	_, err = restoresFrom(w.cards(1, 2), stick)
	require.ErrorIs(t, err, errOtherFiles)
}

// Nothing that can be read without a key tells what is inside; inside, it is found. Shows G29.
// Breaks G29.
func TestAMediumDoesNotSayWhatIsInside(t *testing.T) {
	w := newFastWorld(t)
	files := w.small(t, 1)
	inside := []string{"cold.skey", "kes.skey", "kes.vkey", `"dump"`, "generic"}
	tells := func(files map[string][]byte) (found []string) {
		for name, data := range files {
			for _, word := range inside {
				if strings.Contains(name+"\n"+string(data), word) {
					found = append(found, word)
				}
			}
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	require.Empty(t, tells(files))
	require.NotEmpty(t, tells(map[string][]byte{"coldvault/kes.skey.age": nil}))

	found, err := OpenMedia(media.Memory{Title: "stick", Files: files})
	require.NoError(t, err)
	copies, err := GatherCopies(found, "")
	require.NoError(t, err)
	c, err := copies.Select(0)
	require.NoError(t, err)
	b, _, err := c.Open("hot", JudgeShares(c.Identity, w.cards(1, 2)))
	require.NoError(t, err)
	defer b.Destroy()
	contents, err := json.Marshal(b.Contents)
	require.NoError(t, err)
	require.Equal(t, []string{`"dump"`, "generic", "kes.skey", "kes.vkey"}, tells(map[string][]byte{"contents.json": contents}))
}

// A tree in the root of a medium is a copy as any other: what the vault's own folder may lack,
// it may not.
func TestATreeInTheRootOfAMediumLacksNothing(t *testing.T) {
	w := newFastWorld(t)
	files := map[string][]byte{}
	for name, data := range w.small(t, 1) {
		files[strings.TrimPrefix(name, "coldvault/"+w.folder.ID+"/")] = data
	}
	check := func() *Checked {
		found, err := OpenMedia(media.Memory{Title: "stick", Files: files})
		require.NoError(t, err)
		return Check(found[0], CheckOptions{})
	}
	require.True(t, check().Generations[0].Whole)
	maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.Contains(name, archivePrefix) })
	require.False(t, check().Generations[0].Whole)
	files[signerFile] = []byte("a key") // the vault's own folder
	require.True(t, check().Generations[0].Whole)
	require.Len(t, check().Generations[0].Lacks, 2)
}
