package vault

import (
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/vault/format"
)

// readsFS counts the bytes that are read of every file; a temporary file counts as the file
// that it becomes.
type readsFS struct {
	media.FS
	mu   sync.Mutex
	read map[string]int64
}

func (f *readsFS) Open(name string) (media.File, error)     { return f.counted(name, f.FS.Open) }
func (f *readsFS) OpenCold(name string) (media.File, error) { return f.counted(name, f.FS.OpenCold) }

func (f *readsFS) counted(name string, open func(string) (media.File, error)) (media.File, error) {
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	for _, becomes := range []string{format.ArchivePart(1, 1), format.ParityName(format.ArchivePart(1, 1))} {
		if path.Base(name) == media.TempName(becomes) {
			name = path.Join(path.Dir(name), becomes)
		}
	}
	return &readsFile{file, f, name}, nil
}

type readsFile struct {
	media.File
	fs   *readsFS
	name string
}

func (f *readsFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.fs.add(f.name, n)
	return n, err
}

func (f *readsFile) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(p, offset)
	f.fs.add(f.name, n)
	return n, err
}

func (f *readsFS) add(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read[name] += int64(n)
}

// An archive may be hours long: a check with a repair reads what is sound once, and what is
// not as often as it takes.
func TestARepairReadsWhatItMustAndNoMore(t *testing.T) {
	const part, parity = "archive-01.age", "archive-01.age.parity"
	for _, c := range []struct {
		name    string
		damaged string
		with    bool // the medium that has it
		times   map[string]float64
	}{
		// By the check, as pieces and then in order, as it was written, and by the check behind.
		{"an archive out of its parity", part, false, map[string]float64{part: 5, parity: 3}},
		// By the check, as it was written, and by the check behind.
		{"an archive out of another medium", part, true, map[string]float64{part: 3}},
		// The archive by the check and for its parity.
		{"the parity", parity, false, map[string]float64{part: 2, parity: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			damaged := p.at(generationDir(2) + "/" + c.damaged)
			flipOn(t, p.bad, damaged, 500)
			counting := &readsFS{FS: p.bad, read: map[string]int64{}}
			found, err := OpenMedia(media.NewDir(counting))
			require.NoError(t, err)
			var others []*Medium
			if c.with {
				others, err = OpenMedia(media.NewDir(p.good))
				require.NoError(t, err)
			}
			before := Check(found[0], CheckOptions{Repairs: true})
			require.True(t, before.Damaged())
			mended, err := Mend(before, media.NewDir(counting), others, testTime, nil)
			require.NoError(t, err)
			require.Len(t, mended, 1)
			require.NoError(t, mended[0].Err)
			require.Empty(t, Check(found[0], CheckOptions{Before: before}).Findings)
			require.NoError(t, p.asSealed(p.bad))

			for name, read := range counting.read {
				base := path.Base(name)
				if !strings.Contains(base, ".age") || strings.HasSuffix(base, ".scratch") {
					continue
				}
				times := 1.
				if strings.Contains(name, generationDir(2)) && c.times[base] > 0 {
					times = c.times[base]
				}
				size := float64(len(p.want[name]))
				require.LessOrEqual(t, float64(read)/size, times+0.6, name) // the head of a parity file is read by itself too
			}
		})
	}
}
