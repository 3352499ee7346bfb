package scan

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/require"
)

// pdfBuilder writes PDFs as scanners and this project write them.
type pdfBuilder struct {
	objects []string
}

// add puts an object in, whose number it returns.
func (b *pdfBuilder) add(body string) int {
	b.objects = append(b.objects, body)
	return len(b.objects)
}

func (b *pdfBuilder) stream(dict string, data []byte) int {
	return b.add(fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(data), data))
}

// document makes the objects into a file. The pages are numbers of page objects, which may name their parent "PARENT".
func (b *pdfBuilder) document(trailer string, pages ...int) []byte {
	var kids strings.Builder
	for _, p := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", p)
	}
	parent := b.add(fmt.Sprintf("<< /Type /Pages /Count %d /Kids [ %s] >>", len(pages), kids.String()))
	root := b.add(fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R >>", parent))
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	for i, body := range b.objects {
		body = strings.ReplaceAll(body, "PARENT", fmt.Sprintf("%d 0 R", parent))
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	fmt.Fprintf(&out, "trailer << /Size %d /Root %d 0 R %s >>\nstartxref\n0\n%%%%EOF\n", len(b.objects)+1, root, trailer)
	return out.Bytes()
}

// page adds a page with a drawing and named images.
func (b *pdfBuilder) page(content string, images ...int) int {
	c := b.stream("", []byte(content))
	var x strings.Builder
	for i, n := range images {
		fmt.Fprintf(&x, "/Im%d %d 0 R ", i, n)
	}
	return b.add(fmt.Sprintf("<< /Type /Page /Parent PARENT /MediaBox [0 0 595.28 841.89] /Contents %d 0 R /Resources << /XObject << %s >> >> >>", c, x.String()))
}

func deflated(data []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

// packed moves all objects but streams into an object stream, as PDF 1.5 allows.
func (b *pdfBuilder) packed(pages ...int) []byte {
	b.document("", pages...) // adds the page tree
	parent := len(b.objects) - 1
	var head, body, out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	n := 0
	for i, o := range b.objects {
		o = strings.ReplaceAll(o, "PARENT", fmt.Sprintf("%d 0 R", parent))
		if strings.Contains(o, "endstream") {
			fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
			continue
		}
		fmt.Fprintf(&head, "%d %d ", i+1, body.Len())
		body.WriteString(o + "\n")
		n++
	}
	data := deflated(append(head.Bytes(), body.Bytes()...))
	fmt.Fprintf(&out, "900 0 obj\n<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n", n, head.Len(), len(data), data)
	fmt.Fprintf(&out, "901 0 obj\n<< /Type /XRef /Root %d 0 R /Length 0 >>\nstream\n\nendstream\nendobj\n", len(b.objects))
	return out.Bytes()
}

// vectorCode draws a code as this project does, as one path of runs with one fill, its lower left corner at (x, y) in points.
func vectorCode(modules [][]bool, x, y, module float64) string {
	var s strings.Builder
	fmt.Fprintf(&s, "q 0 g %g 0 0 %g %g %g cm\n", module, -module, x, y+float64(len(modules))*module)
	for j, row := range modules {
		for i := 0; i < len(row); i++ {
			run := i
			for i < len(row) && row[i] {
				i++
			}
			if i > run {
				fmt.Fprintf(&s, "%d %d %d 1 re\n", run, j, i-run)
			}
		}
	}
	s.WriteString("f Q\n")
	return s.String()
}

// A drawn page is read from its raster, which shows every code where it was drawn.
func TestDrawnPDF(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	b := &pdfBuilder{}
	var content strings.Builder
	var texts []string
	for _, s := range []struct {
		sheet
		x, y, module float64
	}{{robustSheet, 60, 600, 1.2}, {denseSheet, 250, 600, 0.96}, {cardSheet, 60, 300, 3.4}} {
		text := randomDigits(rng, s.digits)
		texts = append(texts, text)
		content.WriteString(vectorCode(modulesOf(t, text, s.version, s.level), s.x, s.y, s.module))
	}
	data := b.document("", b.page(content.String()), b.page(""))
	r, err := Read(data, Options{})
	require.NoError(t, err)
	require.Equal(t, 2, r.Pages)
	require.Empty(t, r.Skipped)
	right, wrong := count(r.Codes, texts)
	require.Equal(t, 3, right)
	require.Zero(t, wrong)
	for _, c := range r.Codes {
		require.True(t, c.Drawn)
	}

	pages, err := RasterisePDF(data, 150, Options{})
	require.NoError(t, err)
	require.Len(t, pages, 2)
	require.Equal(t, image.Pt(1241, 1754), pages[0].Rect.Size())
	right, _ = count(Image(pages[0], Options{}).Codes, texts)
	require.Equal(t, 3, right)
}

// scanOf is a page as an image of 200 dpi, large enough to look like a scan.
func scanOf(t *testing.T, seed uint64) (*image.Gray, string) {
	return oneCode(t, sheet{version: 10, level: qrcode.Medium, digits: 300}, 8, seed)
}

// The images of scanned PDFs are read in all the encodings that scanners use.
func TestScannedPDF(t *testing.T) {
	img, text := scanOf(t, 1)
	w, h := img.Rect.Dx(), img.Rect.Dy()
	var jpg bytes.Buffer
	require.NoError(t, jpeg.Encode(&jpg, img, &jpeg.Options{Quality: 70}))
	rgb := make([]byte, 0, 3*w*h)
	for _, v := range img.Pix {
		rgb = append(rgb, v, v, v)
	}
	bits, flipped := packBits(img), packBits(img)
	for i := range flipped {
		flipped[i] = ^flipped[i]
	}
	size := fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d ", w, h)
	tests := map[string]struct {
		dict string
		data []byte
	}{
		"JPEG":             {"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode", jpg.Bytes()},
		"JPEG in an array": {"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter [/DCTDecode] /DecodeParms [null]", jpg.Bytes()},
		"JPEG in Flate":    {"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter [/FlateDecode /DCTDecode]", deflated(jpg.Bytes())},
		"raw grey":         {"/ColorSpace /DeviceGray /BitsPerComponent 8", img.Pix},
		"Flate grey":       {"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode", deflated(img.Pix)},
		"Flate colour":     {"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode", deflated(rgb)},
		"PNG predictors":   {fmt.Sprintf("/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors 3 /Columns %d >>", w), deflated(predictPNG(rgb, 3*w, 3))},
		"TIFF predictor":   {fmt.Sprintf("/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode /DecodeParms << /Predictor 2 /Colors 3 /Columns %d >>", w), deflated(predictTIFF(rgb, 3*w, 3))},
		"one bit":          {"/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /FlateDecode", deflated(bits)},
		"one bit, turned":  {"/ColorSpace /DeviceGray /BitsPerComponent 1 /Decode [1 0] /Filter /FlateDecode", deflated(flipped)},
		"palette":          {"/ColorSpace [/Indexed /DeviceRGB 1 <ffffff000000>] /BitsPerComponent 1 /Filter /FlateDecode", deflated(flipped)},
		"mask":             {"/ImageMask true /BitsPerComponent 1 /Filter /FlateDecode", deflated(bits)},
		"hexadecimal":      {"/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /ASCIIHexDecode", fmt.Appendf(nil, "%x>", bits)},
		"run lengths":      {"/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /RunLengthDecode", runLengthEncode(bits)},
		"fax group 4":      {fmt.Sprintf("/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns %d /Rows %d >>", w, h), encodeG4(t, img)},
		"fax, BlackIs1":    {fmt.Sprintf("/ImageMask true /Decode [1 0] /BitsPerComponent 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /BlackIs1 true /Columns %d /Rows %d >>", w, h), encodeG4(t, img)},
	}
	for name, test := range tests {
		for _, pack := range []bool{false, true} {
			b := &pdfBuilder{}
			page := b.page("q 400 0 0 400 90 200 cm /Im0 Do Q", b.stream(size+test.dict, test.data))
			data := b.document("", page)
			if pack {
				b = &pdfBuilder{}
				data = b.packed(b.page("q 400 0 0 400 90 200 cm /Im0 Do Q", b.stream(size+test.dict, test.data)))
			}
			r, err := Read(data, Options{})
			require.NoError(t, err, name)
			require.Empty(t, r.Skipped, name)
			require.Len(t, r.Codes, 1, name)
			require.Equal(t, text, string(r.Codes[0].Text), name)
			require.False(t, r.Codes[0].Drawn, name)
		}
	}
}

// A page cut into strips, as some scanners do, is put together before it is read.
func TestStripsOfAPage(t *testing.T) {
	img, text := scanOf(t, 2)
	w, h := img.Rect.Dx(), img.Rect.Dy()
	b := &pdfBuilder{}
	var content strings.Builder
	var images []int
	const strips = 4
	for i := range strips {
		y0, y1 := i*h/strips, (i+1)*h/strips
		dict := fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode", w, y1-y0)
		images = append(images, b.stream(dict, deflated(img.Pix[y0*img.Stride:y1*img.Stride])))
		side := 300.0
		fmt.Fprintf(&content, "q %f 0 0 %f 100 %f cm /Im%d Do Q\n", side, side*float64(y1-y0)/float64(h), 500-side*float64(y1)/float64(h), i)
	}
	r, err := Read(b.document("", b.page(content.String(), images...)), Options{})
	require.NoError(t, err)
	require.Len(t, r.Codes, 1)
	require.Equal(t, text, string(r.Codes[0].Text))
}

// Pages are numbered in the order of the page tree, and read alike by several workers.
func TestManyPages(t *testing.T) {
	b := &pdfBuilder{}
	var pages []int
	var texts []string
	for i := range 6 {
		img, text := scanOf(t, uint64(10+i))
		texts = append(texts, text)
		dict := fmt.Sprintf("/Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode", img.Rect.Dx(), img.Rect.Dy())
		pages = append(pages, b.page("500 0 0 500 0 0 cm /Im0 Do", b.stream(dict, deflated(img.Pix))))
	}
	data := b.document("", pages...)
	for _, workers := range []int{0, 1, 3, 100} {
		r, err := Read(data, Options{Workers: workers})
		require.NoError(t, err)
		require.Equal(t, len(pages), r.Pages)
		require.Len(t, r.Codes, len(pages))
		for i, c := range r.Codes {
			require.Equal(t, i, c.Page)
			require.Equal(t, texts[i], string(c.Text))
		}
	}
	_, err := Read(data, Options{MaxPages: 5})
	require.ErrorIs(t, err, ErrTooLarge)
}

// What cannot be read is said, page by page, and the rest is read.
func TestSkippedPages(t *testing.T) {
	img, text := scanOf(t, 3)
	good := fmt.Sprintf("/Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8", img.Rect.Dx(), img.Rect.Dy())
	b := &pdfBuilder{}
	pages := []int{
		b.page("/Im0 Do", b.stream("/Subtype /Image /Width 100 /Height 100 /Filter /JBIG2Decode", []byte("x"))),
		b.page("/Im0 Do", b.stream("/Subtype /Image /Width 100 /Height 100 /Filter /JPXDecode", []byte("x"))),
		b.page("/Im0 Do", b.stream("/Subtype /Image /Width 60000 /Height 60000 /Filter /FlateDecode", deflated([]byte("x")))),
		b.page("/Im0 Do", b.stream("/Subtype /Image /Width 100 /Height 100 /Filter /DCTDecode", []byte("not a JPEG"))),
		b.page("/Im0 Do", b.stream(good, img.Pix)),
	}
	r, err := Read(b.document("", pages...), Options{})
	require.NoError(t, err)
	require.Len(t, r.Skipped, 4)
	require.ErrorContains(t, r.Skipped[0].Reason, "JBIG2")
	require.ErrorContains(t, r.Skipped[1].Reason, "JPEG 2000")
	require.ErrorIs(t, r.Skipped[2].Reason, ErrTooLarge)
	require.Equal(t, 3, r.Skipped[3].Page)
	require.Len(t, r.Codes, 1)
	require.Equal(t, text, string(r.Codes[0].Text))
	require.Equal(t, 4, r.Codes[0].Page)
}

// Hostile documents are refused in good time, whatever they try to exhaust. Breaks G28.
func TestHostilePDF(t *testing.T) {
	_, err := Read((&pdfBuilder{}).document("/Encrypt 9 0 R"), Options{})
	require.ErrorIs(t, err, ErrEncrypted)
	_, err = Read([]byte("%PDF-1.4\nnothing more"), Options{})
	require.ErrorIs(t, err, errPDFDamaged)
	_, err = Read((&pdfBuilder{}).document(""), Options{})
	require.ErrorIs(t, err, errPDFDamaged)
	_, err = Read([]byte("%PDF-1.4\n"+strings.Repeat("1 0 obj (", 200_000)), Options{})
	require.ErrorIs(t, err, errPDFDamaged)
	_, err = Read([]byte("%PDF-1.4\n"+strings.Repeat("1 0 obj <<>> stream\n", 200_000)), Options{})
	require.ErrorIs(t, err, errPDFDamaged)
	_, err = Read([]byte("%PDF-1.4\n1 0 obj "+strings.Repeat("[", 1_000_000)), Options{})
	require.ErrorIs(t, err, errPDFDamaged)

	zeros := deflated(make([]byte, 100<<20))
	skipped := func(pages func(b *pdfBuilder) int) error {
		b := &pdfBuilder{}
		r, err := Read(b.document("", pages(b)), Options{MaxStreamBytes: 32 << 20})
		require.NoError(t, err)
		require.Empty(t, r.Codes)
		require.Len(t, r.Skipped, 1)
		return r.Skipped[0].Reason
	}
	require.ErrorIs(t, skipped(func(b *pdfBuilder) int {
		return b.add(fmt.Sprintf("<< /Type /Page /Contents %d 0 R >>", b.stream("/Filter /FlateDecode", zeros)))
	}), ErrTooLarge)
	require.ErrorIs(t, skipped(func(b *pdfBuilder) int { // a form that draws itself
		form := len(b.objects) + 1
		b.stream(fmt.Sprintf("/Subtype /Form /Resources << /XObject << /Im0 %d 0 R >> >>", form), []byte("/Im0 Do /Im0 Do"))
		return b.page("/Im0 Do", form)
	}), errComplex)
	require.ErrorIs(t, skipped(func(b *pdfBuilder) int {
		return b.page(strings.Repeat("q ", 2000))
	}), errComplex)
	for _, large := range []string{ // an object, asked for over and over
		"<<" + strings.Repeat("/a 1", 200_000) + ">>",
		"(" + strings.Repeat("a", 1_000_000) + ")",
		strings.Repeat(" ", 1_000_000) + "null",
	} {
		require.ErrorIs(t, skipped(func(b *pdfBuilder) int {
			return b.page(strings.Repeat("/Im0 Do ", 1000), b.add(large))
		}), errComplex)
	}
	require.ErrorIs(t, skipped(func(b *pdfBuilder) int { // the end of a stream, looked for over and over
		return b.page(strings.Repeat("/Im0 Do ", 400_000), b.add("<< >>\nstream\n"+strings.Repeat("a", 1_000_000)+"\nendstream"))
	}), errWork)
	require.ErrorIs(t, skipped(func(b *pdfBuilder) int { // the whole page, over and over
		return b.page(strings.Repeat("0 0 600 900 re f\n", 20000))
	}), errComplex)
}

// What looking for objects may pass over again and again is passed over once, or is too much. Breaks G28.
func TestObjectsAreFoundInGoodTime(t *testing.T) {
	begun := time.Now()
	for _, tail := range []string{"", "obj"} {
		_, err := Read([]byte("%PDF-1.4\n"+strings.Repeat("trailer ", 1_000_000)+tail), Options{})
		require.ErrorIs(t, err, errPDFDamaged)
	}
	require.Less(t, time.Since(begun), 20*time.Second) // of which it takes a hundredth
	b := &pdfBuilder{}
	length := b.add(strings.Repeat(" ", 1_000_000) + "1")
	for range 1000 {
		b.add(fmt.Sprintf("<< /Length %d 0 R >>\nstream\na\nendstream", length))
	}
	_, err := Read(b.document("", b.page("")), Options{})
	require.ErrorIs(t, err, errComplex)
}

// Pages of as many strips as scanners make, all named in one object, are not too complicated.
func TestPagesOfManyStrips(t *testing.T) {
	const pages, strips = 100, 110
	b := &pdfBuilder{}
	strip := b.stream("/Subtype /Image /Width 8 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", make([]byte, 8))
	var names, content strings.Builder
	for i := range strips {
		fmt.Fprintf(&names, "/Im%d %d 0 R ", i, strip)
		fmt.Fprintf(&content, "q 20 0 0 0.2 0 %g cm /Im%d Do Q ", 0.2*float64(i), i)
	}
	resources := b.add("<< /XObject << " + names.String() + ">> >>")
	drawing := b.stream("", []byte(content.String()))
	var numbers []int
	for range pages {
		numbers = append(numbers, b.add(fmt.Sprintf("<< /Type /Page /Parent PARENT /MediaBox [0 0 20 22] /Contents %d 0 R /Resources %d 0 R >>", drawing, resources)))
	}
	r, err := Read(b.document("", numbers...), Options{})
	require.NoError(t, err)
	require.Equal(t, pages, r.Pages)
	require.Empty(t, r.Skipped)
}

// The page tree may loop, and the length of a stream may name the stream itself.
func TestLoopsInPDF(t *testing.T) {
	data := []byte("%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n" +
		"2 0 obj << /Kids [2 0 R 3 0 R 3 0 R] >> endobj\n" +
		"3 0 obj << /Type /Page /Contents 4 0 R >> endobj\n" +
		"4 0 obj << /Length 4 0 R >> stream\n0 0 1 1 re f\nendstream endobj\n" +
		"5 0 obj 5 0 R endobj\ntrailer << /Root 1 0 R >>")
	r, err := Read(data, Options{})
	require.NoError(t, err)
	require.Equal(t, 1, r.Pages)
}

// A later object of the same number replaces the earlier one, as in an update.
func TestUpdatedPDF(t *testing.T) {
	img, text := scanOf(t, 5)
	b := &pdfBuilder{}
	image := b.stream("/Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", []byte("x"))
	data := b.document("", b.page("/Im0 Do", image))
	data = append(data, fmt.Sprintf("\n%d 0 obj << /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 7 >> stream\r\n%s\r\nendstream endobj",
		image, img.Rect.Dx(), img.Rect.Dy(), img.Pix)...)
	r, err := Read(data, Options{})
	require.NoError(t, err)
	require.Len(t, r.Codes, 1)
	require.Equal(t, text, string(r.Codes[0].Text))
}
