package media

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// bundle is data with no pattern, the same in every run.
func bundle(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(data)
	return data
}

func makeParity(t testing.TB, data []byte) (parityLayout, []byte) {
	t.Helper()
	file, err := MakeParity(data)
	require.NoError(t, err)
	l, err := layoutOf(int64(len(data)))
	require.NoError(t, err)
	return l, file
}

// repair is NewRepair of files of a known size in memory.
func repair(size int, copies ...[]byte) (data []byte, rebuilt int, err error) {
	var all []RepairCopy
	var tables []Table
	for i := 0; i < len(copies); i += 2 {
		parity := bytes.NewReader(copies[i+1])
		table, err := ReadTable(int64(size), parity)
		if err != nil {
			return nil, 0, err
		}
		all, tables = append(all, RepairCopy{bytes.NewReader(copies[i]), parity}), append(tables, table)
	}
	r, err := NewRepair(int64(size), tables, all, nil)
	if err != nil {
		return nil, 0, err
	}
	data = make([]byte, size)
	if _, err = r.ReadAt(data, 0); err != nil {
		return nil, 0, err
	}
	return data, r.Rebuilt(), nil
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
		{200 << 16, 1 << 16, 200, 40},
		{200<<16 + 1, 2 << 16, 101, 13},
		{400 << 16, 2 << 16, 200, 25},
	} {
		p, file := makeParity(t, bundle(c.length))
		require.Equal(t, []int{c.size, c.data, c.parity, c.length}, []int{int(p.size), p.data, p.parity, int(p.length)}, "%d bytes", c.length)
		require.Len(t, file, 32+8*(c.data+c.parity)*p.columns+c.parity*c.size)
	}
	_, err := MakeParity(nil)
	require.Error(t, err)
}

// Any tenth of the blocks, whichever they are, comes back; in the bundle, its
// parity, or both.
func TestParityRepairsAnyTenthOfTheBlocks(t *testing.T) {
	for _, size := range []int{1, 64, 700, 4603, 12_800, 40_000, 300_001, 13 << 20} {
		data := bundle(size)
		p, file := makeParity(t, data)
		random := rand.New(rand.NewPCG(1, uint64(size)))
		blocks := p.data + p.parity
		for range min(50, max(3, 1<<24/size)) {
			lost := max(1, blocks/10)
			damagedData, damagedFile := bytes.Clone(data), bytes.Clone(file)
			for _, i := range random.Perm(blocks)[:lost] {
				if i < p.data {
					damagedData[min(i*int(p.size)+random.IntN(int(p.size)), size-1)] ^= 0x40
				} else {
					damagedFile[len(file)-(blocks-i)*int(p.size)+random.IntN(int(p.size))] ^= 0x40
				}
			}
			got, rebuilt, err := repair(size, damagedData, damagedFile)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, got), "%d bytes", size)
			require.LessOrEqual(t, rebuilt, lost)
			require.Equal(t, rebuilt == 0, bytes.Equal(data, damagedData))
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
			got, _, err := repair(size, damaged, file)
			require.NoError(t, err, "%d bytes, hole at %d", size, start)
			require.True(t, bytes.Equal(data, got))
		}
		got, _, err := repair(size, data[:size-hole], file)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got))
		got, _, err = repair(size, append(bytes.Clone(data), "more"...), file)
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
		damaged[i*int(p.size)] ^= 1
	}
	got, n, err := repair(len(data), damaged, file)
	require.NoError(t, err)
	require.Equal(t, p.parity, n)
	require.True(t, bytes.Equal(data, got))
	damaged[p.parity*int(p.size)] ^= 1
	_, _, err = repair(len(data), damaged, file)
	require.ErrorIs(t, err, ErrBeyondParity)
	require.ErrorContains(t, err, fmt.Sprint(p.parity+1))
	_, _, err = repair(len(data), nil, file)
	require.ErrorIs(t, err, ErrBeyondParity)
	_, _, err = repair(0, nil, file)
	require.Error(t, err)
}

// Of a parity file that is gone the data needs nothing; of damaged data it needs its
// blocks, and its head not at all: the shape follows from the size.
func TestRepairDoesNotDependOnTheHead(t *testing.T) {
	data := bundle(4603)
	p, file := makeParity(t, data)
	got, n, err := repair(len(data), data, nil)
	require.NoError(t, err)
	require.Zero(t, n)
	require.True(t, bytes.Equal(data, got))
	damaged := bytes.Clone(data)
	damaged[100] ^= 1
	for i := range p.head() {
		changed := bytes.Clone(file)
		changed[i] ^= 1
		got, _, err := repair(len(data), damaged, changed)
		require.NoError(t, err, "byte %d", i)
		// A digest of a block that is damaged too could be any; of all others the
		// block comes from parity.
		require.True(t, bytes.Equal(data, got), "byte %d", i)
	}
}

// Two copies, each damaged far beyond its parity, are one sound file together; and
// what both have lost comes from the parity of either.
func TestCopiesAreRepairedTogether(t *testing.T) {
	for _, size := range []int{4603, 13 << 20} {
		data := bundle(size)
		p, file := makeParity(t, data)
		a, b := bytes.Clone(data), bytes.Clone(data)
		clear(a[:size/2])
		clear(b[size/2+1:])
		b[size/2+1+int(p.size)] ^= 1
		parityA, parityB := bytes.Clone(file), bytes.Clone(file)
		clear(parityA[:len(file)/2])
		clear(parityB[len(file)/2:])
		_, _, err := repair(size, a, parityA)
		require.ErrorIs(t, err, ErrBeyondParity)
		got, rebuilt, err := repair(size, a, parityA, b, parityB)
		require.NoError(t, err)
		require.LessOrEqual(t, rebuilt, 4)
		require.True(t, bytes.Equal(data, got))
	}
}

// rows is a large file that takes no memory.
type rows int64

func (r rows) ReadAt(p []byte, offset int64) (int, error) {
	for i := range p {
		p[i] = byte((offset + int64(i)) >> 9 * 7)
	}
	return len(p), nil
}

// hole is a file with a part that cannot be read.
type hole struct {
	io.ReaderAt
	from, to int64
}

func (h hole) ReadAt(p []byte, offset int64) (int, error) {
	if offset < h.to && offset+int64(len(p)) > h.from {
		return 0, io.ErrUnexpectedEOF
	}
	return h.ReaderAt.ReadAt(p, offset)
}

// A repair keeps what it rebuilds once, and one codeword.
func TestARepairTakesTheMemoryOfWhatIsRebuilt(t *testing.T) {
	const size, lost = 200 << 20, 16 << 20
	l, err := layoutOf(size)
	require.NoError(t, err)
	parity := make(fixedWriter, l.fileSize())
	require.NoError(t, WriteParity(parity, rows(size), size, ParityOptions{}))
	table, err := ReadTable(size, bytes.NewReader(parity))
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := NewRepair(size, []Table{table}, []RepairCopy{{Data: hole{rows(size), size / 2, size/2 + lost}, Parity: bytes.NewReader(parity)}}, nil)
	require.NoError(t, err)
	got, want := make([]byte, 1<<20), make([]byte, 1<<20)
	for offset := int64(0); offset < size; offset += int64(len(got)) {
		_, err := r.ReadAt(got, offset)
		require.NoError(t, err)
		_, _ = rows(size).ReadAt(want, offset)
		require.True(t, bytes.Equal(want, got), "at %d", offset)
	}
	runtime.ReadMemStats(&after)
	require.GreaterOrEqual(t, int64(r.Rebuilt())*l.piece, int64(lost))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(lost+24<<20))
}

// Of a file whose beginning alone is read, no more than that has to be sound.
func TestARepairLooksAtWhatIsRead(t *testing.T) {
	data := bundle(15 << 20)
	p, file := makeParity(t, data)
	damaged := bytes.Clone(data)
	for i := range p.data { // the second piece of every block
		damaged[min(p.at(i, 1), int64(len(data)-1))] ^= 1
	}
	damaged[0] ^= 1
	table, err := ReadTable(int64(len(data)), bytes.NewReader(file))
	require.NoError(t, err)
	r, err := NewRepair(int64(len(data)), []Table{table}, []RepairCopy{{bytes.NewReader(damaged), bytes.NewReader(file)}}, nil)
	require.NoError(t, err)
	got := make([]byte, p.piece)
	_, err = r.ReadAt(got, 0)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data[:p.piece], got))
	_, err = r.ReadAt(got, p.piece)
	require.ErrorIs(t, err, ErrBeyondParity)
}

// What was written is compared while it is read for the parity. Breaks G25.
func TestWriteParityNoticesADifferentByte(t *testing.T) {
	for _, size := range []int{1, 4603, spanSize, 13<<20 + 7} {
		data := bundle(size)
		var want Sums
		_, _ = want.Write(data[:size/3])
		_, _ = want.Write(data[size/3:])
		l, err := layoutOf(int64(size))
		require.NoError(t, err)
		out := make(fixedWriter, l.fileSize())
		read := 0
		o := ParityOptions{Want: &want, Progress: func(n int) { read += n }}
		require.NoError(t, WriteParity(out, bytes.NewReader(data), int64(size), o))
		require.Equal(t, size, read)
		for _, at := range []int{0, size / 2, size - 1} {
			changed := bytes.Clone(data)
			changed[at] ^= 1
			require.ErrorIs(t, WriteParity(out, bytes.NewReader(changed), int64(size), o), errReadDifferent)
		}
		require.ErrorIs(t, WriteParity(out, bytes.NewReader(data[:size-1]), int64(size), o), io.ErrUnexpectedEOF)
	}
}

func TestVerifyParityNoticesEveryChangedByte(t *testing.T) {
	for _, size := range []int{1, 700} {
		data := bundle(size)
		_, file := makeParity(t, data)
		sum, length, err := VerifyParity(bytes.NewReader(file), int64(size))
		require.NoError(t, err)
		require.EqualValues(t, len(file), length)
		require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(file)), sum)
		for i := range file {
			changed := bytes.Clone(file)
			changed[i] ^= 1
			_, _, err := VerifyParity(bytes.NewReader(changed), int64(size))
			require.Error(t, err, "byte %d", i)
			_, _, err = VerifyParity(bytes.NewReader(file[:i]), int64(size))
			require.Error(t, err, "%d bytes", i)
		}
		_, _, err = VerifyParity(bytes.NewReader(file), int64(size)+1)
		require.Error(t, err)
	}
}

// The pieces of a large file's parity are read several at a time.
func TestVerifyParityNoticesEveryPieceOfALargeFile(t *testing.T) {
	data := bundle(30 << 20)
	l, file := makeParity(t, data)
	pieces := l.parity * l.columns
	require.NotZero(t, pieces%int(verifyChunk/l.piece), "the last ones are fewer")
	sum, length, err := VerifyParity(bytes.NewReader(file), l.length)
	require.NoError(t, err)
	require.EqualValues(t, len(file), length)
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(file)), sum)
	for n := range pieces {
		at := l.head() + int64(n+1)*l.piece - 1
		file[at] ^= 1
		_, _, err := VerifyParity(bytes.NewReader(file), l.length)
		require.Error(t, err, "piece %d", n)
		file[at] ^= 1
		_, _, err = VerifyParity(bytes.NewReader(file[:at]), l.length)
		require.Error(t, err, "up to piece %d", n)
	}
}

// FuzzRepair: whatever the two files are, NewRepair does not panic; what an intact
// parity file gives back from damaged data is the data, or an error.
func FuzzRepair(f *testing.F) {
	good := bundle(700)
	_, file := makeParity(f, good)
	f.Add(good, file)
	f.Add(good[:500], file)
	f.Add([]byte{}, file)
	f.Add(good, file[:100])
	f.Add(good, []byte(parityMagic))
	f.Fuzz(func(t *testing.T, data, parityFile []byte) {
		_, _, _ = repair(len(good), data, parityFile)
		if got, _, err := repair(len(good), data, file); err == nil {
			require.True(t, bytes.Equal(good, got))
		}
	})
}

func BenchmarkWriteParity(b *testing.B) {
	data := bundle(64 << 20)
	l, err := layoutOf(int64(len(data)))
	require.NoError(b, err)
	out := make(fixedWriter, l.fileSize())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		require.NoError(b, WriteParity(out, bytes.NewReader(data), int64(len(data)), ParityOptions{}))
	}
}
