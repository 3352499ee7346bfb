package secret

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// kinds are the two ways to get a buffer; both keep every promise below.
var kinds = []struct {
	name string
	make func(size int) (*Buffer, error)
	pool *pool
}{
	{"ordinary", New, &memory.ordinary},
	{"seed", NewSeed, &memory.seeds},
}

func TestSmallBuffersShareAPage(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			before := memory.locked
			var buffers []*Buffer
			for range os.Getpagesize() / granule {
				b, err := kind.make(32)
				require.NoError(t, err)
				buffers = append(buffers, b)
			}
			require.Equal(t, before+1, memory.locked, "a page of seeds is one locked page")
			one, err := kind.make(1)
			require.NoError(t, err)
			require.Equal(t, before+2, memory.locked)
			one.Destroy()
			require.Equal(t, before+1, memory.locked, "an empty page is destroyed")
			for _, b := range buffers {
				b.Destroy()
			}
			require.Equal(t, before, memory.locked)
			require.Empty(t, kind.pool.shared)
		})
	}
}

// Random sizes come and go; whoever wrote into a neighbour would be seen.
func TestNoBufferOverlapsAnother(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			type held struct {
				*Buffer
				mark byte
			}
			var live []held
			for step := range 2000 {
				if len(live) > 40 || len(live) > 0 && random.IntN(3) == 0 {
					i := random.IntN(len(live))
					live[i].Destroy()
					live = slices.Delete(live, i, i+1)
				} else {
					b, err := kind.make(random.IntN(sharedMost + 2))
					require.NoError(t, err)
					require.Equal(t, make([]byte, b.Len()), b.Bytes(), "memory is handed out zeroed")
					require.Equal(t, b.Len(), cap(b.Bytes()), "no append reaches the neighbour")
					mark := byte(step%255 + 1)
					copy(b.Bytes(), bytes.Repeat([]byte{mark}, b.Len()))
					live = append(live, held{b, mark})
				}
				for _, h := range live {
					require.Equal(t, h.Len(), bytes.Count(h.Bytes(), []byte{h.mark}))
				}
			}
			for _, h := range live {
				h.Destroy()
			}
			require.Empty(t, kind.pool.shared)
		})
	}
}

func TestDestroyWipesARunWhileItsPageLives(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			neighbour, err := kind.make(32)
			require.NoError(t, err)
			defer neighbour.Destroy()
			b, err := kind.make(100)
			require.NoError(t, err)
			copy(b.Bytes(), bytes.Repeat([]byte("key"), 40))
			require.Contains(t, string(neighbour.page.Bytes()), "keykey", "the two share a page, or this test sees nothing")
			b.Destroy()
			require.Equal(t, make([]byte, len(neighbour.page.Bytes())), neighbour.page.Bytes())
			require.PanicsWithError(t, errDestroyed.Error(), func() { b.Bytes() })
		})
	}
}

// What is wiped at the end of the process can still be used: a goroutine that is at work with
// it must not crash.
func TestWipeAllLeavesNothingAndEveryBuffer(t *testing.T) {
	var buffers []*Buffer
	for _, kind := range kinds {
		for _, size := range []int{0, 32, sharedMost, sharedMost + 1, 3 * os.Getpagesize()} {
			b, err := kind.make(size)
			require.NoError(t, err)
			defer b.Destroy()
			copy(b.Bytes(), bytes.Repeat([]byte("key"), size/3))
			buffers = append(buffers, b)
		}
	}
	WipeAll()
	for _, b := range buffers {
		require.Equal(t, make([]byte, b.Len()), b.Bytes())
		copy(b.Bytes(), "more")
	}
}

// The race detector judges this where it is on.
func TestBuffersAreMadeAndDestroyedByManyAtOnce(t *testing.T) {
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				b, err := kinds[i%2].make(i % (sharedMost + 200))
				if err != nil {
					t.Error(err)
					return
				}
				for j := range b.Bytes() {
					b.Bytes()[j] = byte(worker)
				}
				if bytes.Count(b.Bytes(), []byte{byte(worker)}) != b.Len() {
					t.Error("another goroutine wrote into this buffer")
				}
				var twice sync.WaitGroup
				twice.Go(b.Destroy)
				twice.Go(b.Destroy)
				twice.Wait()
			}
		})
	}
	group.Wait()
	require.Zero(t, memory.locked)
}

// What init of five custodians, a restore of nine cards and a seal hold at
// once, each with room for what the commands type and read besides.
func TestASmallVaultFitsIntoTheLeastLimit(t *testing.T) {
	if hasLockCapability() {
		t.Skip("this process may lock any amount; see TestLimitInAChild")
	}
	const seed, share, typed = 32, 33, 4096
	steps := []struct {
		name  string
		seeds int
		sizes []int
	}{
		{"init", 2, append(repeat(share, 5*2), 104, typed, typed)},
		{"restore", 2, append(repeat(share, 9*2), 16, typed, typed)},
		{"seal", 0, append(repeat(512, 12), 104, typed)},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			for range step.seeds {
				b, err := NewSeed(seed)
				require.NoError(t, err)
				defer b.Destroy()
			}
			for _, size := range step.sizes {
				b, err := New(size)
				require.NoError(t, err)
				defer b.Destroy()
			}
			require.LessOrEqual(t, memory.locked*int64(os.Getpagesize()), int64(MinimumLocked)/2, "half is left for the rest")
		})
	}
}

func repeat(size, times int) []int { return slices.Repeat([]int{size}, times) }

// Pages on both sides of a seed are closed: a read past the end is a fault.
func TestASeedIsFenced(t *testing.T) {
	if !Features().MemfdSecret {
		t.Skip("this kernel has no memfd_secret")
	}
	b, err := NewSeed(os.Getpagesize())
	require.NoError(t, err)
	defer b.Destroy()
	s, ok := b.page.region.(*sealed)
	require.True(t, ok, "the seed is not in secret memory")
	first := unsafe.Pointer(unsafe.SliceData(s.data))
	for _, at := range []unsafe.Pointer{unsafe.Add(first, -1), unsafe.Add(first, len(s.data))} {
		require.True(t, faults(at))
	}
	require.False(t, faults(first))
}

// faults says whether reading at p is refused.
func faults(p unsafe.Pointer) (refused bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { refused = recover() != nil }()
	faultSink = *(*byte)(p)
	return false
}

var faultSink byte // keeps the read
