package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// bundle is data with no pattern, the same in every run.
func bundle(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(data)
	return data
}

func makeParity(t testing.TB, data []byte) (parity, []byte) {
	t.Helper()
	file, err := MakeParity(data)
	require.NoError(t, err)
	p, err := parseParity(file)
	require.NoError(t, err)
	return p, file
}

// FORMAT.md section 9: the smallest multiple of 64 with D ≤ 200, and a fifth, at
// least 2, of parity.
func TestParityShape(t *testing.T) {
	for _, c := range []struct{ length, size, data, parity int }{
		{1, 64, 1, 2},
		{64, 64, 1, 2},
		{65, 64, 2, 2},
		{640, 64, 10, 2},
		{641, 64, 11, 3},
		{200 * 64, 64, 200, 40},
		{200*64 + 1, 128, 101, 21},
		{1 << 20, 5248, 200, 40},
	} {
		p, file := makeParity(t, bundle(c.length))
		require.Equal(t, []int{c.size, c.data, c.parity, c.length}, []int{p.size, p.data, p.parity, p.length}, "%d bytes", c.length)
		require.Len(t, file, 32+8*(c.data+c.parity)+c.parity*c.size)
	}
	_, err := MakeParity(nil)
	require.Error(t, err)
}

// Any tenth of the blocks, whichever they are, comes back; in the bundle, its
// parity, or both.
func TestParityRepairsAnyTenthOfTheBlocks(t *testing.T) {
	for _, size := range []int{1, 64, 700, 4603, 12_800, 40_000, 300_001} {
		data := bundle(size)
		p, file := makeParity(t, data)
		random := rand.New(rand.NewPCG(1, uint64(size)))
		blocks := p.data + p.parity
		for range 50 {
			lost := max(1, blocks/10)
			damagedData, damagedFile := bytes.Clone(data), bytes.Clone(file)
			for _, i := range random.Perm(blocks)[:lost] {
				if i < p.data {
					damagedData[min(i*p.size+random.IntN(p.size), size-1)] ^= 0x40
				} else {
					damagedFile[len(file)-(blocks-i)*p.size+random.IntN(p.size)] ^= 0x40
				}
			}
			got, damaged, err := Repair(damagedData, damagedFile)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, got), "%d bytes", size)
			require.LessOrEqual(t, damaged, lost)
			require.NotZero(t, damaged)
		}
	}
}

// Any hole of a tenth of the bundle comes back, wherever it begins, zeroed or cut
// out at the end.
func TestParityRepairsAnyHole(t *testing.T) {
	for _, size := range []int{700, 4603, 40_000} {
		data := bundle(size)
		_, file := makeParity(t, data)
		hole := size / 10
		for start := 0; start+hole <= size; start += max(1, size/500) {
			damaged := bytes.Clone(data)
			clear(damaged[start : start+hole])
			got, _, err := Repair(damaged, file)
			require.NoError(t, err, "%d bytes, hole at %d", size, start)
			require.True(t, bytes.Equal(data, got))
		}
		got, _, err := Repair(data[:size-hole], file)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got))
		got, _, err = Repair(append(bytes.Clone(data), "more"...), file)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got))
	}
}

// With as many blocks lost as there is parity it works; with one more it says so.
func TestParityEndsExactlyWhereItShould(t *testing.T) {
	data := bundle(4603)
	p, file := makeParity(t, data)
	damaged := bytes.Clone(data)
	for i := range p.parity {
		damaged[i*p.size] ^= 1
	}
	got, n, err := Repair(damaged, file)
	require.NoError(t, err)
	require.Equal(t, p.parity, n)
	require.True(t, bytes.Equal(data, got))
	damaged[p.parity*p.size] ^= 1
	got, n, err = Repair(damaged, file)
	require.ErrorIs(t, err, ErrBeyondParity)
	require.Equal(t, p.parity+1, n)
	require.Nil(t, got)
	// Of an empty bundle nothing comes back, and nothing breaks.
	_, _, err = Repair(nil, file)
	require.ErrorIs(t, err, ErrBeyondParity)
}

// Repair does not write into what it was given.
func TestRepairLeavesItsInputAlone(t *testing.T) {
	data := bundle(4603)
	_, file := makeParity(t, data)
	damaged := bytes.Clone(data)
	damaged[100] ^= 1
	withSlack := append(make([]byte, 0, len(damaged)+100), damaged...)
	before, beforeFile := bytes.Clone(withSlack[:cap(withSlack)]), bytes.Clone(file)
	_, _, err := Repair(withSlack, file)
	require.NoError(t, err)
	require.Equal(t, before, withSlack[:cap(withSlack)])
	require.Equal(t, beforeFile, file)
}

// A head that was changed, or that lies under a good digest, is refused.
func TestHostileParityIsRefused(t *testing.T) {
	data := bundle(4603)
	p, file := makeParity(t, data)
	head := parityHeader + blockDigest*(p.data+p.parity)
	for i := range head + blockDigest {
		changed := bytes.Clone(file)
		changed[i] ^= 1
		_, _, err := Repair(data, changed)
		require.Error(t, err, "byte %d", i)
	}
	for n := range head + blockDigest {
		_, _, err := Repair(data, file[:n])
		require.Error(t, err, "%d bytes", n)
	}
	for name, edit := range map[string]func([]byte){
		"no blocks":        func(b []byte) { binary.BigEndian.PutUint16(b[12:], 0) },
		"no parity":        func(b []byte) { binary.BigEndian.PutUint16(b[14:], 0) },
		"too many blocks":  func(b []byte) { binary.BigEndian.PutUint16(b[12:], 65535) },
		"empty blocks":     func(b []byte) { binary.BigEndian.PutUint32(b[8:], 0) },
		"huge blocks":      func(b []byte) { binary.BigEndian.PutUint32(b[8:], 1<<31) },
		"huge bundle":      func(b []byte) { binary.BigEndian.PutUint64(b[16:], 1<<63) },
		"bundle too small": func(b []byte) { binary.BigEndian.PutUint64(b[16:], 1) },
		"empty bundle":     func(b []byte) { binary.BigEndian.PutUint64(b[16:], 0) },
	} {
		_, _, err := Repair(data, sealedHead(file, p.data+p.parity, edit))
		require.Error(t, err, name)
	}
}

// sealedHead changes the head of a parity file and makes its digest good again.
func sealedHead(file []byte, blocks int, edit func([]byte)) []byte {
	out := bytes.Clone(file)
	edit(out)
	head := parityHeader + blockDigest*blocks
	sum := sha256.Sum256(out[:head])
	copy(out[head:], sum[:blockDigest])
	return out
}

// FuzzRepair: whatever the two files are, Repair does not panic; what an intact
// parity file gives back from any damage is the bundle, or an error.
func FuzzRepair(f *testing.F) {
	good := bundle(700)
	_, file := makeParity(f, good)
	f.Add(good, file)
	f.Add(good[:500], file)
	f.Add([]byte{}, file)
	f.Add(good, sealedHead(file, 14, func(b []byte) { binary.BigEndian.PutUint32(b[8:], 65) }))
	f.Add(good, []byte(parityMagic))
	f.Fuzz(func(t *testing.T, data, parityFile []byte) {
		if got, _, err := Repair(data, parityFile); err == nil {
			p, err := parseParity(parityFile)
			require.NoError(t, err)
			require.Len(t, got, p.length)
			// Parse and marshal are inverse on everything but the blocks.
			blocks := p.split(got)
			for i := range p.parity {
				if b := p.block(parityFile, i); b != nil {
					blocks = append(blocks, b)
				} else {
					blocks = append(blocks, make([]byte, p.size))
				}
			}
			head := parityHeader + blockDigest*(p.data+p.parity)
			again := p.marshal(blocks)
			require.Equal(t, fmt.Sprintf("%x", parityFile[:parityHeader]), fmt.Sprintf("%x", again[:parityHeader]))
			require.Equal(t, parityFile[parityHeader:head][:blockDigest*p.data], again[parityHeader:head][:blockDigest*p.data])
		}
		if got, _, err := Repair(data, file); err == nil {
			require.True(t, bytes.Equal(good, got))
		}
	})
}
