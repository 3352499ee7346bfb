package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/qr/scan"
)

// fourPages is a generation on four robust A4 pages: the digits of its codes, in the order of the pages.
type fourPages struct {
	dir    string // of the sample, with the four pages' source in it
	texts  []string
	data   int // codes that are enough
	source string
}

const (
	onPage, columns = 20, 4 // codes of a robust A4 page
	attached        = 27_000
)

func makeFourPages(t *testing.T) fourPages {
	t.Helper()
	s, err := makeSample()
	require.NoError(t, err)
	p := fourPages{dir: t.TempDir(), source: "pool-2"}
	require.NoError(t, os.CopyFS(p.dir, os.DirFS(s.Dir)))
	large := make([]byte, attached)
	random := rand.New(rand.NewPCG(4, 4))
	for i := range large {
		large[i] = byte(random.Uint32())
	}
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, p.source, "topology.bin"), large, 0o600))
	code, out := p.run(t, "seal", "--vault", "vault", "--to", "medium-a", p.source, "--passphrase-file", "passphrase", "--yes")
	require.Zero(t, code, out)
	code, out = p.run(t, "paper", "--vault", "vault", "--out", "four.pdf")
	require.Zero(t, code, out)
	pdf, err := os.ReadFile(filepath.Join(p.dir, "four.pdf"))
	require.NoError(t, err)
	found, err := scan.Read(pdf, scan.Options{Workers: 2})
	require.NoError(t, err)
	require.Equal(t, 4, found.Pages)
	p.texts = make([]string, 4*onPage)
	for _, c := range found.Codes {
		raw, err := digits.Decode(nil, c.Text)
		require.NoError(t, err)
		frame, err := qr.ParseFrame(raw)
		require.NoError(t, err)
		require.Equal(t, frame.Index/onPage, c.Page)
		p.texts[frame.Index], p.data = string(c.Text), frame.Data
	}
	require.NotContains(t, p.texts, "")
	return p
}

// run gives the exit code of coldvault and all that it says.
func (p fourPages) run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := exec.Command("coldvault", args...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// without writes the codes but those lost to a file, and gives its name.
func (p fourPages) without(t *testing.T, lost []int) string {
	t.Helper()
	var text bytes.Buffer
	for i, digits := range p.texts {
		if !slices.Contains(lost, i) {
			fmt.Fprintln(&text, digits)
		}
	}
	name := fmt.Sprintf("codes-%d", len(lost))
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, name), text.Bytes(), 0o600))
	return name
}

// restored wants every file of the source back from the codes and three cards.
func (p fourPages) restored(t *testing.T, codes, to string) {
	t.Helper()
	code, out := p.run(t, "restore", "--from", codes, "--card", "cards/card-1.pdf", "--card", "cards/card-3.pdf", "--card", "cards/card-5.pdf",
		"--chain-counter", "1", "--to", to, "--yes")
	require.Zero(t, code, out)
	entries, err := os.ReadDir(filepath.Join(p.dir, p.source))
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, e := range entries {
		want, err := os.ReadFile(filepath.Join(p.dir, p.source, e.Name()))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(p.dir, to, e.Name()))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), e.Name())
	}
}

func TestPaperLost(t *testing.T) {
	p := makeFourPages(t)
	t.Run("a quarter", func(t *testing.T) { lostUpToParity(t, p) })
	t.Run("one more", func(t *testing.T) { lostBeyondParity(t, p) })
}

// Any whole page of four may be lost, or any quarter of the codes, wherever they are: everything is restored.
func lostUpToParity(t *testing.T, p fourPages) {
	t.Helper()
	random := rand.New(rand.NewPCG(8, 8))
	for n := range 8 {
		var lost []int
		if n < 4 {
			for i := range onPage {
				lost = append(lost, n*onPage+i)
			}
		} else {
			lost = random.Perm(len(p.texts))[:len(p.texts)/4]
		}
		codes := p.without(t, lost)
		code, out := p.run(t, "scan", codes)
		require.Zero(t, code, out)
		require.Contains(t, out, "  WHOLE   60 of 80 codes read\n")
		if n == 0 || n == 7 {
			p.restored(t, codes, fmt.Sprintf("restored-%d", n))
		}
	}
}

// One code more than the parity is too much: exit code 4 from every command that needs the pages, and the codes
// that are missing are named by page and place, all of them and no other.
func lostBeyondParity(t *testing.T, p fourPages) {
	t.Helper()
	random := rand.New(rand.NewPCG(9, 9))
	for range 3 {
		lost := random.Perm(len(p.texts))[:len(p.texts)-p.data+1]
		slices.Sort(lost)
		codes := p.without(t, lost)
		code, out := p.run(t, "scan", codes)
		require.Equal(t, exitMore, code, out)
		require.Contains(t, out, fmt.Sprintf("  MISSING %d of 80 codes read, 1 more ", p.data-1))
		var named []string
		for line := range strings.Lines(out) {
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), "not read: ")
			if ok {
				named = append(named, rest)
			}
		}
		require.Equal(t, placesOf(lost), named)
		require.Contains(t, out, "lack codes: 1 more needed")

		code, out = p.run(t, "restore", "--from", codes, "--card", "cards", "--chain-counter", "1", "--to", "none", "--yes")
		require.Equal(t, exitMore, code, out)
		require.NoDirExists(t, filepath.Join(p.dir, "none"))
		for _, place := range placesOf(lost) {
			require.Contains(t, out, place)
		}

		// Any one of them, and it is whole.
		code, out = p.run(t, "scan", p.without(t, slices.Delete(lost, 5, 6)))
		require.Zero(t, code, out)
	}
}

// placesOf says where on the pages codes are: a line a page, such as "page 2: A1 C5".
func placesOf(codes []int) (lines []string) {
	for page := range 4 {
		var names []string
		for _, i := range codes {
			if i/onPage == page {
				names = append(names, fmt.Sprintf("%c%d", 'A'+i%columns, i%onPage/columns+1))
			}
		}
		if len(names) > 0 {
			lines = append(lines, fmt.Sprintf("page %d: %s", page+1, strings.Join(names, " ")))
		}
	}
	return lines
}

// An image of 60,000 × 60,000 pixels and a PDF that inflates without end are refused by what they state, at once: the program
// says which file and why, and fails. Breaks G28.
func TestBombs(t *testing.T) {
	dir := t.TempDir()
	for name, bomb := range map[string]struct {
		data []byte
		says string
	}{
		"bomb.png": {pngBomb(60_000), "! bomb.png: page 1: image of 60000 × 60000 pixels: larger than allowed\n"},
		"bomb.pdf": {pdfBomb(), "! bomb.pdf: page 1: "},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), bomb.data, 0o600))
		code, out := fourPages{dir: dir}.run(t, "scan", name)
		require.Equal(t, exitFailed, code, out)
		require.Contains(t, out, bomb.says)
		require.Contains(t, out, "larger than allowed")
		require.Contains(t, out, "coldvault: error: no code of coldvault was found\n")
		code, out = fourPages{dir: dir}.run(t, "check", name)
		require.Equal(t, exitDamage, code, out)
	}
}

// pngBomb is a black image that takes 140 kB in its file and 450 MB in memory, at a bit a pixel.
func pngBomb(side int) []byte {
	chunk := func(kind string, data []byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		out = append(append(out, kind...), data...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
	}
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(side)), uint32(side))
	header = append(header, 1, 0, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", header)...)
	return append(append(out, chunk("IDAT", zeros(side*(1+side/8)))...), chunk("IEND", nil)...)
}

// pdfBomb is a page whose drawing inflates to 256 MiB.
func pdfBomb() []byte {
	stream := zeros(256 << 20)
	return fmt.Appendf(nil, "%%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"+
		"2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n"+
		"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >> endobj\n"+
		"4 0 obj << /Length %d /Filter /FlateDecode >> stream\n%s\nendstream endobj\ntrailer << /Root 1 0 R >>\n", len(stream), stream)
}

// zeros are so many of them, deflated.
func zeros(n int) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	for block := make([]byte, 1<<20); n > 0; n -= len(block) {
		_, _ = w.Write(block[:min(n, len(block))]) // to memory
	}
	_ = w.Close()
	return out.Bytes()
}
