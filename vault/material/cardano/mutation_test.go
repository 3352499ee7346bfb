package cardano

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
	"coldvault/vault/material/cardano/samplepool"
)

// judged is a set that was read once, so that changing one file does not read the
// others again.
type judged struct {
	files   []material.File
	objects []object
	open    map[string]bool // what is not PASS in the whole set
}

func newJudged(files []material.File) *judged {
	j := &judged{files: files}
	for _, f := range files {
		o, _ := read(f)
		j.objects = append(j.objects, o)
	}
	j.open = j.notPassed(nil)
	return j
}

// notPassed judges the set with some files' content replaced.
func (j *judged) notPassed(changed map[int][]byte) map[string]bool {
	objects := []*object{}
	for i, o := range j.objects {
		if data, ok := changed[i]; ok {
			f := j.files[i]
			f.Data, f.Size = data, int64(len(data))
			var certainty material.Certainty
			if o, certainty = read(f); certainty == material.NotMine {
				continue
			}
		}
		objects = append(objects, &o)
	}
	open := map[string]bool{}
	for _, v := range (Profile{}).judge(objects).Verdicts {
		if v.Status != material.Pass {
			open[fmt.Sprint(v.Status, v.ID, v.Files)] = true
		}
	}
	return open
}

// detects says whether judging the changed set says something that judging the
// whole one does not.
func (j *judged) detects(changed map[int][]byte) bool {
	for line := range j.notPassed(changed) {
		if !j.open[line] {
			return true
		}
	}
	return false
}

// TestEveryFlippedBit shows that each changed bit of a set is found by a check or is
// one of those that only a digest of the file can cover.
func TestEveryFlippedBit(t *testing.T) {
	j := newJudged(newPool(t, samplepool.Options{Number: 3, Period: 414}))
	step := 1
	if testing.Short() {
		step = 13
	}
	flips, undetected := 0, map[string]int{}
	for i, f := range j.files {
		for bit := 0; bit < len(f.Data)*8; bit += step {
			changed := bytes.Clone(f.Data)
			changed[bit/8] ^= 1 << (bit % 8)
			flips++
			if !j.detects(map[int][]byte{i: changed}) {
				undetected[digestOnly(f, changed, bit/8)]++
			}
		}
	}
	total := 0
	for _, where := range slices.Sorted(maps.Keys(undetected)) {
		t.Logf("%6d flips covered by the digest only: %s", undetected[where], where)
		total += undetected[where]
	}
	t.Logf("%d flips of single bits in %d files: %d found by a check, %d covered by the digest only", flips, len(j.files), flips-total, total)
	require.Zero(t, undetected[""], "flips that nothing covers by design")
}

// TestEveryFlippedPayloadBit is the same for the bits that count, those behind the
// hex digits of the envelopes.
func TestEveryFlippedPayloadBit(t *testing.T) {
	j := newJudged(newPool(t, samplepool.Options{Number: 3, Period: 414}))
	step := 1
	if testing.Short() {
		step = 13
	}
	flips, undetected := 0, map[string]int{}
	for i, f := range j.files {
		e, err := parseEnvelope(f.Data)
		if err != nil || e["cborHex"] == nil {
			continue
		}
		payload, err := e.payload("cborHex")
		require.NoError(t, err)
		for bit := 0; bit < len(payload)*8; bit += step {
			payload[bit/8] ^= 1 << (bit % 8)
			flips++
			changed := bytes.Replace(f.Data, e["cborHex"], fmt.Appendf(nil, "%x", payload), 1)
			if !j.detects(map[int][]byte{i: changed}) {
				undetected[f.Name]++
			}
			payload[bit/8] ^= 1 << (bit % 8)
		}
	}
	t.Logf("%d flips of payload bits, covered by the digest only: %v", flips, undetected)
	for name := range undetected {
		require.Contains(t, []string{"pool.cert", "stake.cert"}, name)
	}
}

// digestOnly gives the reason why no check can find a change, "" if one should have.
func digestOnly(f material.File, changed []byte, at int) string {
	member := func(name string) bool {
		start := bytes.Index(f.Data, []byte(`"`+name+`": "`)) + len(name) + 5
		return start > len(name)+4 && at >= start && at < start+bytes.IndexByte(f.Data[start:], '"')
	}
	switch {
	case f.Name == "topology.json", f.Name == "node.env":
		return f.Name + ", which proves nothing"
	case member("description") && f.Name != "poolMetaData.json":
		return "descriptions, which tools ignore"
	case bytes.EqualFold(f.Data, changed) && (member("cborHex") || strings.HasSuffix(f.Name, "Hash.txt")):
		return "hex digits in the other case, which are the same bytes"
	case f.Name == "pool.cert" && member("cborHex"):
		return "pool.cert: pledge, cost, margin, relays"
	case f.Name == "stake.cert" && member("cborHex"):
		return "stake.cert: deposit"
	}
	return ""
}

// TestEverySwap shows that a file, or a pair of keys, of another pool is found.
func TestEverySwap(t *testing.T) {
	j := newJudged(newPool(t, samplepool.Options{Number: 3, Period: 414, Ticker: "ONE"}))
	other := newPool(t, samplepool.Options{Number: 3, Period: 414, Ticker: "TWO"})
	files, pairs := 0, 0
	for i, f := range j.files {
		if bytes.Equal(f.Data, other[i].Data) {
			continue // start-up files and the URL say nothing of a pool
		}
		files++
		require.True(t, j.detects(map[int][]byte{i: other[i].Data}), f.Name)
		if name, ok := strings.CutSuffix(f.Name, ".skey"); ok {
			pairs++
			v := slices.IndexFunc(j.files, func(f material.File) bool { return f.Name == name+".vkey" })
			require.True(t, j.detects(map[int][]byte{i: other[i].Data, v: other[v].Data}), name)
		}
	}
	t.Logf("%d files and %d key pairs of another pool: all found", files, pairs)
	require.Equal(t, 20, files)
	require.Equal(t, 5, pairs)
}

// TestEveryTruncation shows that a file cut short at any place is found.
func TestEveryTruncation(t *testing.T) {
	j := newJudged(newPool(t, samplepool.Options{}))
	cuts := 0
	for i, f := range j.files {
		if f.Name == "topology.json" || f.Name == "node.env" {
			continue
		}
		end := len(trim(f.Data)) // the last newline may be missing
		if f.Name == "poolMetaDataUrl.txt" || f.Name == "poolMetaData.json" {
			end = len(f.Data)
		}
		for n := range end {
			if f.Name == "poolMetaDataUrl.txt" && n == end-1 {
				continue
			}
			cuts++
			require.True(t, j.detects(map[int][]byte{i: f.Data[:n]}), "%s cut to %d bytes", f.Name, n)
		}
	}
	t.Logf("%d truncations: all found", cuts)
}
