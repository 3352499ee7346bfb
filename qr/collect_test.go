package qr_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
)

// collect puts the frames whose indices are not in without into a collector, in random order.
func collect(t *testing.T, random *rand.Rand, frames []qr.Frame, without []int) *qr.Collector {
	t.Helper()
	var c qr.Collector
	for _, i := range random.Perm(len(frames)) {
		if slices.Contains(without, i) {
			continue
		}
		added, err := c.Add(frames[i])
		require.NoError(t, err)
		require.True(t, added)
	}
	return &c
}

func TestAnyQuarterMayBeMissing(t *testing.T) {
	// Whichever quarter of the codes is lost, the payload comes back; beyond the parity, what is missing is told exactly.
	random := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		size, perPage int
		layout        string
	}{{700, 20, "robust"}, {9000, 20, "robust"}, {23000, 24, "dense"}, {70001, 20, "robust"}, {191 * 957, 24, "dense"}} {
		payload := payloadOf(test.size)
		frames := split(t, payload, test.layout, test.perPage, 25)
		for range 25 {
			order := random.Perm(len(frames))
			quarter := order[:len(frames)/4]
			got, err := collect(t, random, frames, quarter).Payload()
			require.NoError(t, err)
			require.True(t, bytes.Equal(payload, got))

			beyond := slices.Sorted(slices.Values(order[:len(frames)-frames[0].Data+1]))
			c := collect(t, random, frames, beyond)
			_, err = c.Payload()
			var incomplete *qr.IncompleteError
			require.ErrorAs(t, err, &incomplete)
			require.Equal(t, qr.IncompleteError{Have: c.Data() - 1, Need: 1, Total: len(frames), Missing: beyond}, *incomplete)
			require.Equal(t, beyond, c.Missing())
			require.Equal(t, 1, c.Need())

			// One more, whichever, and it is whole.
			_, err = c.Add(frames[beyond[random.IntN(len(beyond))]])
			require.NoError(t, err)
			require.Zero(t, c.Need())
			got, err = c.Payload()
			require.NoError(t, err)
			require.True(t, bytes.Equal(payload, got))
		}
	}
}

func TestAnyPageMayBeMissing(t *testing.T) {
	// With four pages or more, any whole page may be lost.
	const perPage = 20
	payload := payloadOf(60 * 629)
	frames := split(t, payload, "robust", perPage, 25)
	require.Len(t, frames, 4*perPage)
	random := rand.New(rand.NewPCG(3, 4))
	for page := range 4 {
		var lost []int
		for i := range perPage {
			lost = append(lost, page*perPage+i)
		}
		got, err := collect(t, random, frames, lost).Payload()
		require.NoError(t, err)
		require.True(t, bytes.Equal(payload, got))
	}
}

func TestCollectorRepeats(t *testing.T) {
	// The same frame may come as often as it likes; another body for its index is refused, and the first stays.
	payload := payloadOf(2000)
	frames := split(t, payload, "robust", 1, 25)
	var c qr.Collector
	for round := range 3 {
		for _, f := range frames {
			added, err := c.Add(f)
			require.NoError(t, err)
			require.Equal(t, round == 0, added)
		}
	}
	other := frames[1]
	other.Body = bytes.Clone(other.Body)
	other.Body[5] ^= 1
	added, err := c.Add(other)
	require.ErrorContains(t, err, "number 2")
	require.False(t, added)
	require.Equal(t, len(frames), c.Have())
	got, err := c.Payload()
	require.NoError(t, err)
	require.Equal(t, payload, got)
}

func TestCollectorKeepsItsOwnCopy(t *testing.T) {
	// Neither the caller's buffer nor a payload that was handed out is tied to what the collector holds.
	payload := payloadOf(2000)
	frames := split(t, payload, "robust", 1, 25)
	c := collect(t, rand.New(rand.NewPCG(5, 6)), frames, []int{0})
	for _, f := range frames {
		clear(f.Body)
	}
	first, err := c.Payload()
	require.NoError(t, err)
	clear(first)
	second, err := c.Payload()
	require.NoError(t, err)
	require.Equal(t, payload, second)
	require.Equal(t, []int{0}, c.Missing(), "what was rebuilt was still not read")
}

func TestCollectorRefusesOtherSets(t *testing.T) {
	// A frame of another vault, generation, payload or printout is refused with whose it is.
	var c qr.Collector
	frames := split(t, payloadOf(2000), "robust", 1, 25)
	_, err := c.Add(frames[0])
	require.NoError(t, err)
	tests := map[string]struct {
		change  func(*qr.Frame)
		message string
	}{
		"vault":      {func(f *qr.Frame) { f.Vault = [5]byte{} }, "belongs to vault aaaaaaaa, generation 000007"},
		"generation": {func(f *qr.Frame) { f.Generation = 8 }, "generation 000008"},
		"payload":    {func(f *qr.Frame) { f.Set = [8]byte{0xab} }, "page set ab00000000000000"},
		"parity":     {func(f *qr.Frame) { f.Total++ }, "of 7 codes"},
		"length":     {func(f *qr.Frame) { f.Length-- }, "not to vault"},
		"layout":     {func(f *qr.Frame) { f.Body = f.Body[:628]; f.Length = 1999 - 115 + 628 }, "with 628 bytes each"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := frames[1]
			test.change(&f)
			_, err := c.Add(f)
			var other *qr.OtherSetError
			require.ErrorAs(t, err, &other)
			require.Equal(t, f.Vault, other.Vault)
			require.Equal(t, f.Generation, other.Generation)
			require.Equal(t, f.Set, other.Set)
			require.ErrorContains(t, err, test.message)
			require.Equal(t, 1, c.Have())
		})
	}
}

func TestCollectorChecksFrames(t *testing.T) {
	// A frame that ParseFrame would refuse is refused here too, also as the first.
	for name, change := range map[string]func(*qr.Frame){
		"total":    func(f *qr.Frame) { f.Total = 1 << 40 },
		"negative": func(f *qr.Frame) { f.Index = -1 },
		"empty":    func(f *qr.Frame) { *f = qr.Frame{} },
	} {
		t.Run(name, func(t *testing.T) {
			f := validFrame()
			change(&f)
			var c qr.Collector
			_, err := c.Add(f)
			require.Error(t, err)
			require.Zero(t, c.Total())
		})
	}
}

func TestForgedFrame(t *testing.T) {
	// A forged frame, well-formed and with a good checksum, cannot change the payload unnoticed, not even in the filling.
	payload := payloadOf(2000)
	tests := map[string]struct {
		at      int
		message string
	}{
		"last byte of the payload":  {2000 - 3*629 - 1, "a forged code is among them"},
		"first byte of the filling": {2000 - 3*629, "not filled with zeros"},
		"last byte of the filling":  {628, "not filled with zeros"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			frames := split(t, payload, "robust", 1, 25)
			frames[3].Body[test.at] ^= 1
			c := collect(t, rand.New(rand.NewPCG(7, 8)), frames[:4], nil)
			_, err := c.Payload()
			require.ErrorContains(t, err, test.message)
			var incomplete *qr.IncompleteError
			require.False(t, errors.As(err, &incomplete))
		})
	}
}

func TestEmptyCollector(t *testing.T) {
	// Before the first frame nothing is known, and that is no panic.
	var c qr.Collector
	_, err := c.Payload()
	var incomplete *qr.IncompleteError
	require.ErrorAs(t, err, &incomplete)
	require.EqualError(t, err, "no page code was read")
	require.Empty(t, c.Missing())
	require.Equal(t, 1, c.Need())
	payload, gaps := c.Fragments()
	require.Empty(t, payload)
	require.Empty(t, gaps)
}

func TestFragments(t *testing.T) {
	// Every data code that was read is at its place, the rest is zeros, and the gaps say exactly which bytes those are; parity codes do not help.
	payload := payloadOf(10*629 - 100)
	frames := split(t, payload, "robust", 20, 25)
	require.Equal(t, 10, frames[0].Data)
	gone := []int{0, 3, 4, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19}
	got, gaps := collect(t, rand.New(rand.NewPCG(1, 2)), frames, gone).Fragments()
	require.Equal(t, []qr.Gap{{0, 629}, {3 * 629, 2 * 629}, {9 * 629, 529}}, gaps)
	want := bytes.Clone(payload)
	for _, g := range gaps {
		clear(want[g.Offset : g.Offset+g.Length])
	}
	require.Equal(t, want, got)

	got, gaps = collect(t, rand.New(rand.NewPCG(1, 2)), frames, nil).Fragments()
	require.Equal(t, payload, got)
	require.Empty(t, gaps)
}

func TestSetsSort(t *testing.T) {
	// Two generations and two printouts of one of them, shuffled together, come apart again.
	first, second := payloadOf(3000), payloadOf(4000)
	robust, dense := split(t, first, "robust", 1, 25), split(t, first, "dense", 1, 25)
	next := split(t, second, "robust", 1, 25)
	frames := slices.Concat(robust, dense, next)
	random := rand.New(rand.NewPCG(9, 10))
	random.Shuffle(len(frames), func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })

	var sets qr.Sets
	for _, f := range frames {
		set, added, err := sets.Add(f)
		require.NoError(t, err)
		require.True(t, added)
		require.Equal(t, f.Set, set.Set())
		require.Equal(t, len(f.Body), set.BodySize())
	}
	require.Len(t, sets.All(), 3)
	for _, set := range sets.All() {
		want := first
		if set.Set() == next[0].Set {
			want = second
		}
		got, err := set.Payload()
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, testVault, set.Vault())
		require.Equal(t, uint32(7), set.Generation())
	}
}

func TestSetsAreBounded(t *testing.T) {
	// Frames of ever new page sets are refused at some point, and those that are known go on.
	var sets qr.Sets
	var refused int
	for i := range 1000 {
		f := validFrame()
		f.Generation = uint32(i + 1)
		if _, _, err := sets.Add(f); err != nil {
			refused++
		}
	}
	require.Equal(t, 1000-64, refused)
	f := validFrame()
	f.Generation, f.Index = 1, 0
	_, added, err := sets.Add(f)
	require.NoError(t, err)
	require.True(t, added)
}

func FuzzCollect(f *testing.F) {
	const size = 25 + 4 // header and a body of four bytes
	layout := qr.Layout{BodySize: 4}
	for _, n := range []int{1, 4, 9, 40} {
		frames, err := qr.Split(testVault, 1, payloadOf(n), layout, 1, 25)
		require.NoError(f, err)
		var data []byte
		for _, frame := range frames {
			data = append(data, frame.Marshal()[:size]...)
		}
		f.Add(data)
		f.Add(data[:len(data)*3/4])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var sets qr.Sets
		for chunk := range slices.Chunk(data, size) {
			frame, err := qr.ParseFrame(binary.BigEndian.AppendUint32(bytes.Clone(chunk), crc32.ChecksumIEEE(chunk)))
			if err == nil {
				_, _, _ = sets.Add(frame)
			}
		}
		require.LessOrEqual(t, len(sets.All()), 64)
		for _, set := range sets.All() {
			require.Equal(t, set.Total()-set.Have(), len(set.Missing()))
			payload, err := set.Payload()
			if err != nil {
				var incomplete *qr.IncompleteError
				require.Equal(t, set.Have() < set.Data(), errors.As(err, &incomplete))
				continue
			}
			sum := sha256.Sum256(payload)
			require.Equal(t, set.Set(), [8]byte(sum[:8]))
		}
	})
}
