package scan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"
)

// pngOf is a PNG of a depth and a kind of colour (RFC 2083), with the pixels that are given,
// deflated, and other chunks before them.
func pngOf(w, h uint32, depth, kind, interlace byte, pixels []byte, chunks ...[]byte) []byte {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(header, depth, kind, 0, 0, interlace))...)
	for _, c := range append(chunks, pngChunk("IDAT", pixels), pngChunk("IEND", nil)) {
		out = append(out, c...)
	}
	return out
}

func pngChunk(kind string, data []byte) []byte {
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), kind...)
	out = append(out, data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// jpegOf is a JPEG whose codes are of one bit, 0, for nothing: with enough zeros it is grey all
// over. sampling has a byte for every component (ITU-T T.81 section B.2.2).
func jpegOf(marker byte, w, h uint16, data []byte, sampling ...byte) []byte {
	out := []byte{0xff, 0xd8}
	segment := func(marker byte, body ...byte) {
		out = append(out, 0xff, marker, byte((len(body)+2)>>8), byte(len(body)+2))
		out = append(out, body...)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(len(sampling))}
	scan := []byte{byte(len(sampling))}
	for i, hv := range sampling {
		frame = append(frame, byte(i+1), hv, 0)
		scan = append(scan, byte(i+1), 0)
	}
	segment(marker, frame...)
	for _, class := range []byte{0x00, 0x10} {
		segment(0xc4, append(append([]byte{class, 1}, make([]byte, 15)...), 0)...)
	}
	if marker == 0xc2 {
		segment(0xda, append(scan, 0, 0, 0)...)
	} else {
		segment(0xda, append(scan, 0, 63, 0)...)
	}
	return append(append(out, data...), 0xff, 0xd9)
}

// stated is a TIFF image of entries and the bytes of its one strip, or of its one tile.
func stated(data []byte, entries ...tiffEntry) []byte {
	out := binary.LittleEndian.AppendUint32([]byte("II*\x00"), uint32(tiffHeader+len(data)))
	out = binary.LittleEndian.AppendUint16(append(out, data...), uint16(len(entries)))
	for _, e := range entries {
		out = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(out, e.tag), 4|1<<16)
		out = binary.LittleEndian.AppendUint32(append(out, 0, 0), e.value)
	}
	return append(out, 0, 0, 0, 0)
}

const (
	statedWidth, statedHeight = 11000, 14000 // 154 million pixels, as many as fit
	statedSize                = 16 << 20     // bytes of memory that no such file takes
)

// allocated is the memory that was asked for meanwhile.
func allocated(read func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// The size that an image states takes no memory before there are as many bytes. Breaks G28.
func TestStatedSizesTakeNoMemory(t *testing.T) {
	const w, h = statedWidth, statedHeight
	one := func(dict string, data []byte) []byte {
		b := &pdfBuilder{}
		return b.document("", b.page("/Im0 Do", b.stream("/Subtype /Image "+dict, data)))
	}
	size := fmt.Sprintf("/Width %d /Height %d ", w, h)
	fewZeros := deflated(make([]byte, 5000))
	fax := bytes.Repeat([]byte{0xff}, 16) // 128 white rows
	strip := func(compression uint32, data []byte, bits, samples, photometric uint32) []byte {
		return stated(data, tiffEntry{256, w}, tiffEntry{257, h}, tiffEntry{258, bits}, tiffEntry{259, compression}, tiffEntry{262, photometric},
			tiffEntry{273, tiffHeader}, tiffEntry{277, samples}, tiffEntry{278, h}, tiffEntry{279, uint32(len(data))})
	}
	files := map[string][]byte{
		"PDF, samples": one(size+"/ColorSpace /DeviceCMYK /BitsPerComponent 16", make([]byte, 100_000)),
		"PDF, predictor": one("/Width 100 /Height 100 /ColorSpace /DeviceGray /Filter /FlateDecode"+
			" /DecodeParms << /Predictor 15 /Colors 32 /BitsPerComponent 16 /Columns 16777216 >>", deflated(make([]byte, 9000))),
		"PDF, fax": one(size+fmt.Sprintf("/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode"+
			" /DecodeParms << /K -1 /Columns %d /Rows %d >>", w, h), fax),
		"PDF, JPEG":              one(size+"/ColorSpace /DeviceRGB /Filter /DCTDecode", jpegOf(0xc2, w, h, nil, 0x11, 0x11, 0x11)),
		"PDF, larger JPEG":       one("/Width 8 /Height 8 /ColorSpace /DeviceRGB /Filter /DCTDecode", jpegOf(0xc0, w, h, nil, 0x11)),
		"PDF, small and endless": one("/Width 5 /Height 5 /Filter [/FlateDecode /FlateDecode]", deflated(deflated(make([]byte, 256<<20)))),
		"PNG, grey":              pngOf(w, h, 8, 0, 0, fewZeros),
		"PNG, transparent":       pngOf(w, h, 8, 0, 0, fewZeros, pngChunk("tRNS", []byte{0, 0})),
		"PNG, one bit":           pngOf(w, h, 1, 0, 0, fewZeros),
		"PNG, grey of 16 bits":   pngOf(w, h, 16, 0, 0, fewZeros),
		"PNG, colour":            pngOf(w, h, 8, 2, 0, fewZeros),
		"PNG, colour, alpha":     pngOf(w, h, 8, 6, 0, fewZeros),
		"PNG of 16 bits":         pngOf(w, h, 16, 6, 0, fewZeros),
		"PNG in passes":          pngOf(w, h, 8, 0, 1, fewZeros),
		"TIFF, no compression":   strip(1, make([]byte, 100_000), 8, 1, 1),
		"TIFF, colour":           strip(1, make([]byte, 100_000), 8, 3, 2),
		"TIFF, Deflate":          strip(8, fewZeros, 8, 3, 2),
		"TIFF, old Deflate":      strip(32946, fewZeros, 16, 1, 1),
		"TIFF, PackBits":         strip(32773, bytes.Repeat([]byte{129, 0}, 500), 8, 1, 1),
		"TIFF, LZW":              strip(5, []byte{0x80, 0x0b, 0x60, 0x50, 0x22}, 8, 1, 1),
		"TIFF, fax":              strip(4, fax, 1, 1, 0),
		"TIFF, tile": stated(fewZeros, tiffEntry{256, w}, tiffEntry{257, h}, tiffEntry{258, 8}, tiffEntry{259, 8}, tiffEntry{262, 1},
			tiffEntry{277, 1}, tiffEntry{322, w}, tiffEntry{323, h}, tiffEntry{324, tiffHeader}, tiffEntry{325, uint32(len(fewZeros))}),
	}
	for _, marker := range []byte{0xc0, 0xc1, 0xc2} {
		for _, sampling := range [][]byte{{0x11}, {0x11, 0x11, 0x11}, {0x22, 0x11, 0x11}, {0x11, 0x11, 0x11, 0x11}, {0x22, 0x11, 0x11, 0x22}} {
			files[fmt.Sprintf("JPEG, SOF%d, %x", marker&15, sampling)] = jpegOf(marker, w, h, make([]byte, 1000), sampling...)
		}
	}
	for name, file := range files {
		require.Less(t, allocated(func() {
			r, err := Read(file, Options{})
			require.NoError(t, err, name)
			require.Empty(t, r.Codes, name)
		}), uint64(statedSize), name)
	}
}

// What is in a file may be large, and its memory ends where it is too much, whatever the file
// compresses to. Breaks G28.
func TestImagesTakeNoMoreMemoryThanIsAllowed(t *testing.T) {
	const w, h = statedWidth, statedHeight
	blocks := (w + 15) / 16 * 2 * ((h + 15) / 16 * 2)
	for name, file := range map[string][]byte{
		"JPEG, progressive, grey":   jpegOf(0xc2, w, h, make([]byte, blocks/8+1), 0x11),
		"JPEG, progressive, colour": jpegOf(0xc2, w, h, make([]byte, 3*blocks/8+1), 0x11, 0x11, 0x11),
		"JPEG, four colours":        jpegOf(0xc0, w, h, make([]byte, blocks+1), 0x11, 0x11, 0x11, 0x11),
		"PNG, colour":               pngOf(w, h, 8, 2, 0, make([]byte, h*(1+3*w)/1032)),
		"PNG, hidden transparency":  pngOf(w, h, 8, 0, 0, make([]byte, h*(1+w)/1032), pngChunk("tEXt", []byte("IDAT")), pngChunk("tRNS", []byte{0, 0})),
		"PNG, grey in passes":       pngOf(w, h, 16, 0, 1, make([]byte, h*(1+2*w)/1032)),
	} {
		require.Less(t, allocated(func() {
			r, err := Read(file, Options{MaxMemory: 512 << 20})
			require.NoError(t, err, name)
			require.Len(t, r.Skipped, 1, name)
			require.ErrorIs(t, r.Skipped[0].Reason, ErrTooLarge, name)
			require.ErrorContains(t, r.Skipped[0].Reason, "save it as a baseline JPEG or as PNG, or scan at 300 dpi", name)
		}), uint64(statedSize), name)
	}
}

// Of several large images what one has left is given back before the next is decoded. Breaks G28.
func TestLargeImagesAreInMemoryOneAfterAnother(t *testing.T) {
	const w, h = 4960, 7016 // A4 at 600 dpi
	blocks := (w + 7) / 8 * ((h + 7) / 8)
	b := &pdfBuilder{}
	img := b.stream(fmt.Sprintf("/Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode", w, h),
		jpegOf(0xc2, w, h, make([]byte, blocks/8+1), 0x11))
	file := b.document("", b.page("595 0 0 842 0 0 cm /Im0 Do /Im0 Do /Im0 Do", img))
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before, most := inUse(), uint64(0)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				most = max(most, inUse())
			}
		}
	}()
	r, err := Read(file, Options{})
	close(done)
	<-ended
	require.NoError(t, err)
	require.Empty(t, r.Skipped)
	// The page, an image, and four bytes of each of its pixels, but not those of the one before.
	require.Less(t, most-before, uint64(8*w*h))
}

// What scanners and telephones make is read: an empty page compresses to almost nothing, and
// none of it is refused for that. Shows G28.
func TestEmptyPagesOfScannersAreRead(t *testing.T) {
	const w, h = 4960, 7016 // A4 at 600 dpi
	white := blank(w, h)
	colour := image.NewRGBA(white.Rect)
	for i := range colour.Pix {
		colour.Pix[i] = 255
	}
	photo := image.NewYCbCr(image.Rect(0, 0, 8160, 6144), image.YCbCrSubsampleRatio420) // 50 million pixels
	for i := range photo.Y {
		photo.Y[i] = 200
	}
	palette := image.NewPaletted(white.Rect, color.Palette{color.White, color.Black})
	asPNG := func(m image.Image) []byte {
		return encoded(t, func(w *bytes.Buffer) error { return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, m) })
	}
	jpegBlocks := (w + 7) / 8 * ((h + 7) / 8)
	files := map[string][]byte{
		"PNG, grey":                 asPNG(white),
		"PNG, colour":               asPNG(colour),
		"PNG, one bit":              asPNG(palette),
		"JPEG, grey":                encoded(t, func(w *bytes.Buffer) error { return jpeg.Encode(w, white, nil) }),
		"JPEG, photo":               encoded(t, func(w *bytes.Buffer) error { return jpeg.Encode(w, photo, nil) }),
		"JPEG, progressive, grey":   jpegOf(0xc2, w, h, make([]byte, jpegBlocks/8+1), 0x11),
		"JPEG, progressive, colour": jpegOf(0xc2, w, h, make([]byte, 3*jpegBlocks/8+1), 0x11, 0x11, 0x11),
		"JPEG, progressive, Legal":  jpegOf(0xc2, 5100, 8400, make([]byte, 3*638*1050/8+1), 0x11, 0x11, 0x11),
		"JPEG, progressive, 1200":   jpegOf(0xc2, 2*w, 2*h, make([]byte, 4*jpegBlocks/8+1), 0x11),
		"JPEG, progressive, Adobe":  withAPP14(jpegOf(0xc2, w, h, make([]byte, 3*jpegBlocks/8+1), 0x11, 0x11, 0x11), 1),
		"TIFF, group 4":             tiffOf(binary.LittleEndian, t, white),
		"TIFF, colour":              encoded(t, func(w *bytes.Buffer) error { return tiff.Encode(w, colour, &tiff.Options{Compression: tiff.Deflate}) }),
	}
	for name, file := range files {
		r, err := Read(file, Options{})
		require.NoError(t, err, name)
		require.Empty(t, r.Skipped, name)
		require.Equal(t, 1, r.Pages, name)
	}
}

// withAPP14 is a JPEG with Adobe's segment, which tells of what colours it is: 0 for those of the file.
func withAPP14(data []byte, transform byte) []byte {
	segment := append([]byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"), transform)
	return slices.Concat(data[:2], segment, data[2:])
}

// The colours of a file, which take more memory, are known by Adobe's segment and by nothing else.
func TestColoursOfJPEG(t *testing.T) {
	plain := jpegOf(0xc0, 1000, 1000, make([]byte, 10_000), 0x11, 0x11, 0x11)
	comment := slices.Concat(plain[:2], []byte("\xff\xfe\x00\x14Adobe Photoshop\x00\x00\x00"), plain[2:])
	memory := func(data []byte) int64 {
		h, err := jpegHead(data)
		require.NoError(t, err)
		return h.memory
	}
	require.Equal(t, memory(plain), memory(comment))
	require.Equal(t, memory(plain), memory(withAPP14(plain, 1)))
	require.Equal(t, memory(plain)+5_000_000, memory(withAPP14(plain, 0)))
}

// What gives nothing is work too: scans of a JPEG that change no block, tiles of one pixel, strips
// of blocks that are empty, and what a filter passes over. Breaks G28.
func TestWorkThatGivesNothingIsCounted(t *testing.T) {
	const side, most = 64, 10 << 20
	tiles := make([]byte, side*side*4) // of no bytes
	tiled := stated(tiles, tiffEntry{256, side}, tiffEntry{257, side}, tiffEntry{258, 8}, tiffEntry{259, 1}, tiffEntry{262, 1},
		tiffEntry{277, 1}, tiffEntry{322, 1}, tiffEntry{323, 1}, tiffEntry{324, tiffHeader}, tiffEntry{325, tiffHeader})
	for i := range 2 { // the last two entries are lists, of which only the counts matter
		count := tiled[len(tiled)-4-12*(i+1)+4:]
		binary.LittleEndian.PutUint32(count, side*side)
	}
	for i := tiffHeader; i < tiffHeader+len(tiles); i += 4 {
		binary.LittleEndian.PutUint32(tiled[i:], 1)
	}
	scans := bytes.Repeat([]byte("\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00\x00\x00"), 200)
	anew := bytes.Repeat(append([]byte("\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"), make([]byte, 4000)...), 20) // two bits a block
	empty := append([]byte{0x78, 0x01}, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 40_000)...)                   // blocks of Deflate
	empty = append(append(empty, 1, side, 0, ^byte(side), 0xff), make([]byte, side)...)
	b := &pdfBuilder{}
	blanks := b.stream("/Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /Filter /ASCIIHexDecode", bytes.Repeat([]byte(" "), 100_000))
	twice := b.stream("/Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /Filter [/FlateDecode /ASCIIHexDecode]", deflated(bytes.Repeat([]byte(" "), 100_000)))
	content := strings.Repeat("/Im0 Do ", 200)
	for name, file := range map[string][]byte{
		"JPEG":        jpegOf(0xc2, 1000, 1000, append(make([]byte, 2000), scans...), 0x11),
		"JPEG, anew":  jpegOf(0xc0, 1000, 1000, append(make([]byte, 4000), anew...), 0x11),
		"TIFF":        tiled,
		"TIFF, empty": stripsOf(empty, side, 100),
		"PDF":         b.document("", b.page(content, blanks)),
		"PDF, twice":  b.document("", b.page(content, twice)),
	} {
		r, err := Read(file, Options{MaxWork: most})
		require.NoError(t, err, name)
		require.Len(t, r.Skipped, 1, name)
		require.ErrorIs(t, r.Skipped[0].Reason, errWork, name)
	}
}

// stripsOf is a TIFF of rows of grey, each a strip of Deflate and all of the same bytes.
func stripsOf(data []byte, width, rows uint32) []byte {
	offsets := uint32(tiffHeader + len(data))
	counts := offsets + 4*rows
	for range rows {
		data = binary.LittleEndian.AppendUint32(data, tiffHeader)
	}
	for range rows {
		data = binary.LittleEndian.AppendUint32(data, offsets-tiffHeader)
	}
	file := stated(data, tiffEntry{256, width}, tiffEntry{257, rows}, tiffEntry{258, 8}, tiffEntry{259, 8}, tiffEntry{262, 1},
		tiffEntry{277, 1}, tiffEntry{278, 1}, tiffEntry{273, offsets}, tiffEntry{279, counts})
	for i := range 2 { // the last two entries are lists
		binary.LittleEndian.PutUint32(file[len(file)-4-12*(i+1)+4:], rows)
	}
	return file
}

// A page that draws nothing to be seen is work by what it asks for: a curve is more than the
// numbers that it is written in. Breaks G28.
func TestPathsAreWork(t *testing.T) {
	const curves = 20_000
	b := &pdfBuilder{}
	content := b.stream("/Filter /FlateDecode", deflated([]byte("0 0 m "+strings.Repeat("9 1 1 9 9 9 c\n", curves)+"n")))
	file := b.document("", b.add(fmt.Sprintf("<< /Type /Page /Parent PARENT /MediaBox [0 0 9 9] /Contents %d 0 R >>", content)))
	r, err := Read(file, Options{MaxWork: 200 * curves})
	require.NoError(t, err)
	require.Len(t, r.Skipped, 1)
	require.ErrorIs(t, r.Skipped[0].Reason, errWork)
	r, err = Read(file, Options{MaxWork: 2 * 300 * curves}) // it is gone through twice
	require.NoError(t, err)
	require.Empty(t, r.Skipped)
}

// pileOf is a PDF of pages that all show one image of white paper.
func pileOf(pages, side int) []byte {
	b := &pdfBuilder{}
	img := b.stream(fmt.Sprintf("/Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /Filter /FlateDecode", side, side),
		deflated(bytes.Repeat([]byte{255}, side*side)))
	var numbers []int
	for range pages {
		numbers = append(numbers, b.page("/Im0 Do", img))
	}
	return b.document("", numbers...)
}

// The work on a file is bounded, however many pages ask for it: the first pages are read, and the
// others are said not to be, once. Breaks G28.
func TestTheWorkOnAFileIsLimited(t *testing.T) {
	const pages, side, most = 40, 1000, 5
	tiffs := make([]*image.Gray, pages)
	for i := range tiffs {
		tiffs[i] = blank(side, side)
	}
	shared := tiffOf(binary.LittleEndian, t, tiffs...)
	drawing := func() []byte {
		b := &pdfBuilder{}
		content := b.stream("/Filter /FlateDecode", deflated(bytes.Repeat([]byte("1 g\n"), 200_000)))
		var numbers []int
		for range pages {
			numbers = append(numbers, b.add(fmt.Sprintf("<< /Type /Page /Parent PARENT /Contents %d 0 R >>", content)))
		}
		return b.document("", numbers...)
	}()
	for name, file := range map[string][]byte{"PDF": pileOf(pages, side), "PDF, drawn": drawing, "TIFF": shared} {
		for _, workers := range []int{1, 3} {
			told := 0
			r, err := Read(file, Options{MaxWork: most * side * side, Workers: workers, Progress: func(done, count int) {
				told++
				require.Equal(t, told, done)
				require.Equal(t, pages, count)
			}})
			require.NoError(t, err, name)
			require.Equal(t, pages, r.Pages, name)
			require.Equal(t, pages, told, name)
			require.Len(t, r.Skipped, 1, name)
			require.ErrorIs(t, r.Skipped[0].Reason, ErrTooLarge, name)
			require.ErrorContains(t, r.Skipped[0].Reason, "split it into several files", name)
			if workers == 1 {
				require.Positive(t, r.Skipped[0].Page, name)
				require.LessOrEqual(t, r.Skipped[0].Page, most, name)
			}
		}
	}
}

// As many full pages as a file may have are not too much work, at 300 dpi, however they were
// scanned, nor as they are drawn.
func TestAFileOfFullPagesIsNotTooMuchWork(t *testing.T) {
	drawn, texts := drawSheet(t, robustSheet, 1)
	page := reduced(drawn, 2)
	w, h := page.Rect.Dx(), page.Rect.Dy()
	b := &pdfBuilder{}
	raw := b.document("", b.page("/Im0 Do", b.stream(
		fmt.Sprintf("/Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /Filter /FlateDecode", w, h), deflated(page.Pix))))
	for name, file := range map[string][]byte{
		"PDF":  raw,
		"JPEG": encoded(t, func(w *bytes.Buffer) error { return jpeg.Encode(w, page, nil) }),
		"TIFF": encoded(t, func(w *bytes.Buffer) error { return tiff.Encode(w, page, &tiff.Options{Compression: tiff.Deflate}) }),
	} {
		r, err := Read(file, Options{MaxWork: DefaultMaxWork / DefaultMaxPages})
		require.NoError(t, err, name)
		require.Empty(t, r.Skipped, name)
		require.Len(t, r.Codes, len(texts), name)
	}
	const module = 0.96 // points
	var content strings.Builder
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range denseSheet.columns * denseSheet.rows {
		code := modulesOf(t, randomDigits(rng, denseSheet.digits), denseSheet.version, denseSheet.level)
		pitch := module * float64(len(code)+quietModules)
		content.WriteString(vectorCode(code, 50+pitch*float64(i%denseSheet.columns), 50+pitch*float64(i/denseSheet.columns), module))
	}
	b = &pdfBuilder{}
	r, err := Read(b.document("", b.page(content.String())), Options{MaxWork: DefaultMaxWork / DefaultMaxPages})
	require.NoError(t, err)
	require.Empty(t, r.Skipped)
	require.Len(t, r.Codes, denseSheet.columns*denseSheet.rows)
}

// One large page is in memory at a time, in however many files that are read side by side.
func TestOneLargePageIsReadAtATime(t *testing.T) {
	lock := &counted{}
	opts := Options{Large: lock}
	small, large := pngOf(8, 8, 8, 0, 0, deflated(make([]byte, 9*8))), encoded(t, func(w *bytes.Buffer) error {
		return jpeg.Encode(w, blank(7000, 7000), nil)
	})
	for _, file := range [][]byte{small, large, large} {
		r, err := Read(file, opts)
		require.NoError(t, err)
		require.Empty(t, r.Skipped)
	}
	require.Equal(t, 2, lock.n)
}

type counted struct {
	sync.Mutex
	n int
}

func (c *counted) Lock() { c.Mutex.Lock(); c.n++ }

// Whatever a TIFF is, its reader gives a page within its size, and does not panic.
func FuzzTIFF(f *testing.F) {
	img := blank(8, 16)
	f.Add(tiffOf(binary.LittleEndian, f, img, blank(16, 8)))
	f.Add(statedOf(img, 32773, runLengthEncode(packBits(img)), 1, 1))
	f.Add(statedOf(img, 1, img.Pix, 8, 0))
	f.Add(statedOf(img, 7, encoded(f, func(w *bytes.Buffer) error { return jpeg.Encode(w, img, nil) }), 8, 1))
	for _, o := range []*tiff.Options{nil, {Compression: tiff.Deflate, Predictor: true}} {
		f.Add(encoded(f, func(w *bytes.Buffer) error { return tiff.Encode(w, image.NewNRGBA(img.Rect), o) }))
		f.Add(encoded(f, func(w *bytes.Buffer) error { return tiff.Encode(w, image.NewGray16(img.Rect), o) }))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte("II*\x00")) && !bytes.HasPrefix(data, []byte("MM\x00*")) {
			return
		}
		file, err := openTIFF(data, Options{MaxPixels: 1 << 16, MaxPages: 3, MaxWork: 1 << 22}.withDefaults())
		if err != nil {
			return
		}
		for i := range file.count() {
			_ = file.page(i, func(img *image.Gray, _ bool) {
				require.Len(t, img.Pix, img.Rect.Dx()*img.Rect.Dy())
				require.Positive(t, len(img.Pix))
			})
		}
	})
}

// What decodes is not refused for the size of its file, and what it decodes to takes no more than
// was said of it.
func FuzzHeads(f *testing.F) {
	for _, sampling := range [][]byte{{0x11}, {0x22, 0x11, 0x11}, {0x11, 0x11, 0x11, 0x11}} {
		f.Add(jpegOf(0xc0, 20, 30, make([]byte, 100), sampling...))
		f.Add(jpegOf(0xc2, 20, 30, make([]byte, 100), sampling...))
	}
	f.Add(encoded(f, func(w *bytes.Buffer) error { return jpeg.Encode(w, image.NewRGBA(image.Rect(0, 0, 9, 9)), nil) }))
	f.Add(encoded(f, func(w *bytes.Buffer) error { return png.Encode(w, image.NewNRGBA64(image.Rect(0, 0, 9, 9))) }))
	f.Add(pngOf(8, 8, 8, 0, 1, deflated(make([]byte, 100))))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kind := range []imageKind{pngImage, jpegImage} {
			head, err := kind.head(data)
			if err != nil || head.memory > 1<<20 || head.width == 0 || head.height == 0 {
				continue
			}
			img, err := kind.decode(bytes.NewReader(data))
			if err != nil {
				continue
			}
			require.Equal(t, image.Pt(head.width, head.height), img.Bounds().Size())
			pixels := 0
			switch m := img.(type) {
			case *image.Gray:
				pixels = len(m.Pix)
			case *image.YCbCr:
				pixels = len(m.Y) + len(m.Cb) + len(m.Cr)
			case *image.NRGBA64:
				pixels = len(m.Pix)
			case *image.NRGBA:
				pixels = len(m.Pix)
			}
			require.LessOrEqual(t, int64(pixels), head.memory)
			if kind.name == "PNG" {
				require.LessOrEqual(t, head.least, int64(len(data)))
			}
		}
	})
}
