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
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"
)

func encoded(t testing.TB, encode func(w *bytes.Buffer) error) []byte {
	var out bytes.Buffer
	require.NoError(t, encode(&out))
	return out.Bytes()
}

// tiffEntry is an entry of a TIFF directory: a tag and one number.
type tiffEntry struct {
	tag   uint16
	value uint32
}

// tiffOf writes a TIFF of pages of fax group 4.
func tiffOf(order binary.AppendByteOrder, t testing.TB, pages ...*image.Gray) []byte {
	out := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		out = []byte("MM\x00*")
	}
	link := len(out)
	out = order.AppendUint32(out, 0)
	for _, img := range pages {
		data := encodeG4(t, img)
		start := len(out)
		out = append(out, data...)
		out = append(out, make([]byte, len(out)%2)...)
		copy(out[link:], order.AppendUint32(nil, uint32(len(out))))
		entries := []tiffEntry{
			{256, uint32(img.Rect.Dx())}, {257, uint32(img.Rect.Dy())}, {258, 1}, {259, 4}, {262, 0},
			{273, uint32(start)}, {277, 1}, {278, uint32(img.Rect.Dy())}, {279, uint32(len(data))},
		}
		out = order.AppendUint16(out, uint16(len(entries)))
		const long = 4
		for _, e := range entries {
			out = order.AppendUint16(out, e.tag)
			out = order.AppendUint16(out, long)
			out = order.AppendUint32(out, 1)
			out = order.AppendUint32(out, e.value)
		}
		link = len(out)
		out = order.AppendUint32(out, 0)
	}
	return out
}

// Every kind of image file, and every way its pixels may be kept, is read.
func TestImageFiles(t *testing.T) {
	img, text := scanOf(t, 1)
	convert := func(model color.Model, to interface {
		image.Image
		Set(x, y int, c color.Color)
	}) image.Image {
		for y := range img.Rect.Dy() {
			for x := range img.Rect.Dx() {
				to.Set(x, y, model.Convert(img.At(x, y)))
			}
		}
		return to
	}
	transparent := image.NewNRGBA(img.Rect) // ink on nothing
	for i, v := range img.Pix {
		transparent.Pix[4*i+3] = 255 - v
	}
	asPNG := func(m image.Image) []byte {
		return encoded(t, func(w *bytes.Buffer) error { return png.Encode(w, m) })
	}
	palette := color.Palette{color.White, color.Black}
	files := map[string][]byte{
		"PNG grey":        asPNG(img),
		"PNG colour":      asPNG(convert(color.RGBAModel, image.NewRGBA(img.Rect))),
		"PNG transparent": asPNG(transparent),
		"PNG 16 bit":      asPNG(convert(color.Gray16Model, image.NewGray16(img.Rect))),
		"PNG palette":     asPNG(convert(palette, image.NewPaletted(img.Rect, palette))),
		"JPEG grey":       encoded(t, func(w *bytes.Buffer) error { return jpeg.Encode(w, img, nil) }),
		"JPEG colour": encoded(t, func(w *bytes.Buffer) error {
			return jpeg.Encode(w, convert(color.RGBAModel, image.NewRGBA(img.Rect)), nil)
		}),
		"TIFF grey": encoded(t, func(w *bytes.Buffer) error {
			return tiff.Encode(w, img, &tiff.Options{Compression: tiff.Deflate})
		}),
		"TIFF colour": encoded(t, func(w *bytes.Buffer) error {
			return tiff.Encode(w, convert(color.RGBAModel, image.NewRGBA(img.Rect)), nil)
		}),
		"TIFF predictor": encoded(t, func(w *bytes.Buffer) error {
			return tiff.Encode(w, convert(color.RGBAModel, image.NewRGBA(img.Rect)), &tiff.Options{Compression: tiff.Deflate, Predictor: true})
		}),
		"TIFF 16 bit": encoded(t, func(w *bytes.Buffer) error {
			return tiff.Encode(w, convert(color.Gray16Model, image.NewGray16(img.Rect)), &tiff.Options{Compression: tiff.Deflate, Predictor: true})
		}),
		"TIFF palette": encoded(t, func(w *bytes.Buffer) error {
			return tiff.Encode(w, convert(palette, image.NewPaletted(img.Rect, palette)), nil)
		}),
		"TIFF transparent":         encoded(t, func(w *bytes.Buffer) error { return tiff.Encode(w, transparent, nil) }),
		"TIFF PackBits":            statedOf(img, 32773, runLengthEncode(packBits(img)), 1, 1),
		"TIFF bits":                statedOf(img, 1, packBits(img), 1, 1),
		"TIFF group 4":             tiffOf(binary.LittleEndian, t, img),
		"TIFF group 4, big-endian": tiffOf(binary.BigEndian, t, img),
	}
	for name, data := range files {
		r, err := Read(data, Options{})
		require.NoError(t, err, name)
		require.Empty(t, r.Skipped, name)
		require.Len(t, r.Codes, 1, name)
		require.Equal(t, text, string(r.Codes[0].Text), name)
	}
}

// statedOf is a TIFF of one strip of one sample a pixel.
func statedOf(img *image.Gray, compression uint32, data []byte, bits, photometric uint32) []byte {
	w, h := uint32(img.Rect.Dx()), uint32(img.Rect.Dy())
	return stated(data, tiffEntry{256, w}, tiffEntry{257, h}, tiffEntry{258, bits}, tiffEntry{259, compression}, tiffEntry{262, photometric},
		tiffEntry{273, tiffHeader}, tiffEntry{277, 1}, tiffEntry{278, h}, tiffEntry{279, uint32(len(data))})
}

// Whatever golang.org/x/image reads of a TIFF, byte by byte and tile by tile, is read alike.
func TestTIFFAsOthersReadIt(t *testing.T) {
	const w, h, tile = 50, 37, 16
	rng := rand.New(rand.NewPCG(1, 1))
	noise := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(rng.Uint32())
		}
		return out
	}
	inks := func(compression uint32, data []byte, kind uint32, bits, samples uint32, more ...tiffEntry) []byte {
		entries := []tiffEntry{{256, w}, {257, h}, {258, bits}, {259, compression}, {262, kind}, {273, tiffHeader},
			{277, samples}, {278, h}, {279, uint32(len(data))}}
		return stated(data, append(entries, more...)...)
	}
	gray16, rgba64 := image.NewGray16(image.Rect(0, 0, w, h)), image.NewRGBA64(image.Rect(0, 0, w, h))
	nrgba, paletted := image.NewNRGBA(image.Rect(0, 0, w, h)), image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.RGBA{200, 20, 90, 255}, color.White})
	gray16.Pix, nrgba.Pix = noise(len(gray16.Pix)), noise(len(nrgba.Pix))
	for i := range rgba64.Pix {
		if rgba64.Pix[i] = byte(rng.Uint32()); i%8 >= 6 {
			rgba64.Pix[i] = 255
		}
	}
	for i := range paletted.Pix {
		paletted.Pix[i] = byte(rng.IntN(3))
	}
	files := map[string][]byte{
		"black is 0":     inks(1, noise(w*h), 1, 8, 1),
		"white is 0":     inks(1, noise(w*h), 0, 8, 1),
		"bits":           inks(1, noise((w+7)/8*h), 0, 1, 1),
		"16 bits":        inks(1, noise(2*w*h), 1, 16, 1),
		"differences":    inks(8, deflated(noise(2*w*h)), 1, 16, 1, tiffEntry{317, 2}),
		"differences, 8": inks(8, deflated(noise(w*h)), 1, 8, 1, tiffEntry{317, 2}),
	}
	for name, img := range map[string]image.Image{"grey": gray16, "colour": rgba64, "transparent": nrgba, "palette": paletted} {
		for _, compression := range []tiff.CompressionType{tiff.Uncompressed, tiff.Deflate} {
			files[fmt.Sprint(name, compression)] = encoded(t, func(w *bytes.Buffer) error {
				return tiff.Encode(w, img, &tiff.Options{Compression: compression, Predictor: compression == tiff.Deflate && name != "palette"})
			})
		}
	}
	across, down := (w+tile-1)/tile, (h+tile-1)/tile
	lists := make([]byte, 0, 8*across*down)
	tiles := noise(tile * tile * across * down)
	for i := range across * down {
		lists = binary.LittleEndian.AppendUint32(lists, uint32(tiffHeader+8*across*down+i*tile*tile))
	}
	for range across * down {
		lists = binary.LittleEndian.AppendUint32(lists, tile*tile)
	}
	tiled := stated(append(lists, tiles...), tiffEntry{256, w}, tiffEntry{257, h}, tiffEntry{258, 8}, tiffEntry{259, 1}, tiffEntry{262, 1},
		tiffEntry{277, 1}, tiffEntry{322, tile}, tiffEntry{323, tile}, tiffEntry{324, tiffHeader}, tiffEntry{325, uint32(tiffHeader + 4*across*down)})
	for i := range 2 { // the two lists are not one number, but as many as there are tiles
		entry := len(tiled) - 4 - (2-i)*12
		binary.LittleEndian.PutUint32(tiled[entry+4:], uint32(across*down))
	}
	files["tiles"] = tiled
	for name, file := range files {
		other, err := tiff.Decode(bytes.NewReader(file))
		require.NoError(t, err, name)
		want := grey(other)
		f, err := openTIFF(file, Options{}.withDefaults())
		require.NoError(t, err, name)
		require.NoError(t, f.page(0, func(got *image.Gray, _ bool) {
			require.Equal(t, want.Rect, got.Rect, name)
			for i, v := range want.Pix {
				require.InDelta(t, v, got.Pix[i], 1, "%s: pixel %d", name, i)
			}
		}), name)
	}
}

// Strips that are JPEGs are read, whole or with tables that stand once for all, in grey and in
// colour, and where what is small is dark.
func TestTIFFOfJPEG(t *testing.T) {
	img, text := scanOf(t, 1)
	w, h := img.Rect.Dx(), img.Rect.Dy()
	half := h / 16 * 8 // rows of a strip
	colour, negative := image.NewRGBA(img.Rect), inverted(img)
	for i, v := range img.Pix {
		copy(colour.Pix[4*i:], []byte{v, v, v, 255})
	}
	// apart splits a JPEG into its tables and the rest, each between its markers.
	apart := func(data []byte) (tables, rest []byte) {
		rest = data[:2:2]
		for pos := 2; ; {
			end := pos + 2 + int(binary.BigEndian.Uint16(data[pos+2:]))
			switch data[pos+1] {
			case 0xdb, 0xc4:
				tables = append(tables, data[pos:end]...)
			case 0xda:
				return slices.Concat(data[:2], tables, []byte{0xff, 0xd9}), append(rest, data[pos:]...)
			default:
				rest = append(rest, data[pos:end]...)
			}
			pos = end
		}
	}
	for name, page := range map[string]struct {
		img           image.Image
		kind, samples uint32
	}{"grey": {img, 1, 1}, "white is 0": {negative, 0, 1}, "colour": {colour, 6, 3}} {
		for _, shared := range []bool{false, true} {
			var strips, offsets, sizes, tables []byte
			for y := 0; y < h; y += half {
				part := image.Rect(0, y, w, min(y+half, h))
				data := encoded(t, func(w *bytes.Buffer) error {
					return jpeg.Encode(w, page.img.(interface {
						SubImage(image.Rectangle) image.Image
					}).SubImage(part), &jpeg.Options{Quality: 90})
				})
				if shared {
					tables, data = apart(data)
				}
				offsets = binary.LittleEndian.AppendUint32(offsets, uint32(tiffHeader+len(strips)))
				sizes = binary.LittleEndian.AppendUint32(sizes, uint32(len(data)))
				strips = append(strips, data...)
			}
			at := func(n int) uint32 { return uint32(tiffHeader + len(strips) + n) }
			file := stated(slices.Concat(strips, offsets, sizes, tables), tiffEntry{256, uint32(w)}, tiffEntry{257, uint32(h)}, tiffEntry{258, 8},
				tiffEntry{259, 7}, tiffEntry{262, page.kind}, tiffEntry{277, page.samples}, tiffEntry{278, uint32(half)},
				tiffEntry{347, at(len(offsets) + len(sizes))}, tiffEntry{273, at(0)}, tiffEntry{279, at(len(offsets))})
			for i, n := range []int{len(sizes) / 4, len(offsets) / 4, len(tables)} { // the last three are lists
				entry := file[len(file)-4-12*(i+1):]
				binary.LittleEndian.PutUint32(entry[4:], uint32(n))
				if i == 2 {
					entry[2] = 7 // of bytes
				}
			}
			r, err := Read(file, Options{})
			require.NoError(t, err, name)
			require.Empty(t, r.Skipped, name)
			require.Len(t, r.Codes, 1, name)
			require.Equal(t, text, string(r.Codes[0].Text), name)
			if shared { // tables that are too long would be read again for each strip
				long := slices.Clone(file)
				binary.LittleEndian.PutUint32(long[len(long)-4-12*3+4:], 1<<16+1)
				r, err = Read(append(long, make([]byte, 1<<17)...), Options{})
				require.NoError(t, err, name)
				require.ErrorIs(t, r.Skipped[0].Reason, ErrTooLarge, name)
			}
			r, err = Read(file, Options{MaxMemory: 1 << 16})
			require.NoError(t, err, name)
			require.Len(t, r.Skipped, 1, name)
			require.ErrorIs(t, r.Skipped[0].Reason, ErrTooLarge, name)
		}
	}
}

// Of a TIFF that broke off the rows that are there are read, and it is said.
func TestBrokenTIFF(t *testing.T) {
	img, text := scanOf(t, 1)
	whole := image.NewGray(image.Rect(0, 0, img.Rect.Dx(), 2*img.Rect.Dy()))
	copy(whole.Pix, img.Pix)
	file := statedOf(whole, 1, img.Pix, 8, 1)
	r, err := Read(file, Options{})
	require.NoError(t, err)
	require.Len(t, r.Codes, 1)
	require.Equal(t, text, string(r.Codes[0].Text))
	require.Len(t, r.Skipped, 1)
	require.ErrorIs(t, r.Skipped[0].Reason, io.ErrUnexpectedEOF)
}

// All images of a TIFF file are pages.
func TestManyPagesTIFF(t *testing.T) {
	first, text1 := scanOf(t, 1)
	second, text2 := scanOf(t, 2)
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		data := tiffOf(order, t, first, blank(64, 64), second)
		r, err := Read(data, Options{})
		require.NoError(t, err)
		require.Equal(t, 3, r.Pages)
		require.Empty(t, r.Skipped)
		require.Len(t, r.Codes, 2)
		require.Equal(t, text1, string(r.Codes[0].Text))
		require.Equal(t, text2, string(r.Codes[1].Text))
		require.Equal(t, 2, r.Codes[1].Page)
		_, err = Read(data, Options{MaxPages: 2})
		require.ErrorIs(t, err, ErrTooLarge)
	}
}

// pngHeader is a PNG file that states a size and holds nothing.
func pngHeader(w, h uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 0, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	out = append(out, chunk...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
}

// An image too large is refused by its header, before memory is asked for.
func TestTooLargeImages(t *testing.T) {
	large := tiffOf(binary.LittleEndian, t, blank(64, 64))
	at := binary.LittleEndian.Uint32(large[4:])
	binary.LittleEndian.PutUint32(large[at+2+8:], 60000)
	binary.LittleEndian.PutUint32(large[at+2+12+8:], 60000)
	small := encoded(t, func(w *bytes.Buffer) error { return jpeg.Encode(w, blank(64, 64), nil) })
	frame := bytes.Index(small, []byte{0xff, 0xc0})
	copy(small[frame+5:], []byte{0xea, 0x60, 0xea, 0x60})
	for name, data := range map[string][]byte{"PNG": pngHeader(60000, 60000), "TIFF": large, "JPEG": small} {
		r, err := Read(data, Options{})
		require.NoError(t, err, name)
		require.Len(t, r.Skipped, 1, name)
		require.ErrorIs(t, r.Skipped[0].Reason, ErrTooLarge, name)
		require.ErrorContains(t, r.Skipped[0].Reason, "60000 × 60000", name)
	}
	r := Image(blank(200, 200), Options{MaxPixels: 39999})
	require.ErrorIs(t, r.Skipped[0].Reason, ErrTooLarge)
}

// Other files are refused, and so are files that are too large or broken off.
func TestRefusedFiles(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("x"), []byte("GIF89a"), []byte("some text\n"), bytes.Repeat([]byte{0}, 2000)} {
		_, err := Read(data, Options{})
		require.ErrorIs(t, err, ErrFormat)
		_, err = RasterisePDF(data, 72, Options{})
		require.ErrorIs(t, err, ErrFormat)
	}
	for _, data := range []string{"II+\x00\x08\x00\x00\x00", "MM\x00+\x00\x08\x00\x00"} {
		_, err := Read([]byte(data), Options{})
		require.ErrorIs(t, err, ErrBigTIFF)
		require.ErrorContains(t, err, "BigTIFF file, which is not read: save it as an ordinary TIFF, PNG or PDF")
	}
	img, _ := scanOf(t, 1)
	data := encoded(t, func(w *bytes.Buffer) error { return png.Encode(w, img) })
	_, err := Read(data, Options{MaxFileBytes: int64(len(data)) - 1})
	require.ErrorIs(t, err, ErrTooLarge)
	r, err := Read(data[:len(data)/2], Options{})
	require.NoError(t, err)
	require.Len(t, r.Skipped, 1)
	_, err = Read([]byte("II*\x00"), Options{})
	require.Error(t, err)
	_, err = Read([]byte("II*\x00\x00\x00\x00\x00"), Options{})
	require.Error(t, err)
}

// Whatever is read: no panic, and codes that lie on pages that exist.
func FuzzRead(f *testing.F) {
	img, _ := oneCode(f, sheet{version: 1, digits: 10}, 2, 1)
	f.Add(encoded(f, func(w *bytes.Buffer) error { return png.Encode(w, img) }))
	f.Add(encoded(f, func(w *bytes.Buffer) error { return jpeg.Encode(w, img, nil) }))
	f.Add(tiffOf(binary.LittleEndian, f, blank(8, 16), blank(16, 8)))
	f.Add(encoded(f, func(w *bytes.Buffer) error {
		return tiff.Encode(w, img, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
	}))
	f.Add(pngHeader(60000, 60000))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(data, Options{MaxPixels: 1 << 16, MaxPages: 10, MaxStreamBytes: 1 << 22})
		if err != nil {
			require.Zero(t, r)
			return
		}
		require.LessOrEqual(t, r.Pages, 10)
		for _, c := range r.Codes {
			require.Less(t, c.Page, r.Pages)
		}
	})
}
