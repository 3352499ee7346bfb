package scan

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// rasterOf draws one page of 10 × 8 points at one pixel per point, and returns its rows.
func rasterOf(t *testing.T, content string) []string {
	b := &pdfBuilder{}
	c := b.stream("", []byte(content))
	page := b.add("<< /Type /Page /MediaBox [0 0 10 8] /Contents " + ref(c) + " >>")
	pages, err := RasterisePDF(b.document("", page), 72, Options{})
	require.NoError(t, err)
	var rows []string
	for y := range 8 {
		row := ""
		for _, v := range pages[0].Pix[y*pages[0].Stride:][:10] {
			row += string(" .:+#"[(255-int(v)+32)/64])
		}
		rows = append(rows, row)
	}
	return rows
}

func ref(n int) string { return string(rune('0'+n)) + " 0 R" }

// Paths are filled as ISO 32000-1 says: where, by which rule, in which shade.
func TestFills(t *testing.T) {
	const none = "          "
	tests := map[string]struct {
		content string
		want    []string
	}{
		"a rectangle": {"1 1 3 2 re f", []string{none, none, none, none, none, " ###      ", " ###      ", none}},
		"moved and scaled": {"q 2 0 0 1 1 1 cm 0 0 3 2 re f Q 9 7 1 1 re f",
			[]string{"         #", none, none, none, none, " ######   ", " ######   ", none}},
		"half a pixel":         {"1.5 1 3 1.5 re f", []string{none, none, none, none, none, " .::.     ", " :##:     ", none}},
		"in grey":              {"0.5 g 0 0 2 1 re f 0.25 g 2 0 2 1 re f", []string{none, none, none, none, none, none, none, "::++      "}},
		"in colour":            {"1 0 0 rg 0 0 2 1 re f 0 0 0 1 k 2 0 2 1 re f 0 0 0 0 k 3 0 1 1 re f", []string{none, none, none, none, none, none, none, "++#       "}},
		"white over black":     {"0 g 0 0 4 1 re f 1 g 1 0 2 1 re f", []string{none, none, none, none, none, none, none, "#  #      "}},
		"nonzero winding":      {"0 0 4 3 re 1 1 2 1 re f", []string{none, none, none, none, none, "####      ", "####      ", "####      "}},
		"even and odd":         {"0 0 4 3 re 1 1 2 1 re f*", []string{none, none, none, none, none, "####      ", "#  #      ", "####      "}},
		"opposite ways":        {"0 0 4 3 re 1 1 m 1 2 l 3 2 l 3 1 l h f", []string{none, none, none, none, none, "####      ", "#  #      ", "####      "}},
		"lines, no h":          {"0 0 m 4 0 l 4 2 l 0 2 l f", []string{none, none, none, none, none, none, "####      ", "####      "}},
		"on from a closed one": {"0 0 1 1 re 4 0 l 4 1 l 0 1 l f", []string{none, none, none, none, none, none, none, "####      "}},
		"ended unpainted":      {"0 0 4 3 re n 5 0 1 1 re S 8 0 1 1 re f", []string{none, none, none, none, none, none, none, "        # "}},
		"beyond the page":      {"-100 -100 102 101 re 9 7 1000 1000 re f", []string{"         #", none, none, none, none, none, none, "##        "}},
		"strings, comments":    {"% 0 0 9 9 re f\n(0 0 9 9 re f \\) ) Tj <00> Tj [(a) 1] TJ 0 0 1 1 re f", []string{none, none, none, none, none, none, none, "#         "}},
		"inline image":         {"BI /W 1 /H 1 ID re f EI 0 0 1 1 re f", []string{none, none, none, none, none, none, none, "#         "}},
		"too few numbers":      {"1 re 2 3 cm 0 0 1 1 re f Q Q", []string{none, none, none, none, none, none, none, "#         "}},
		"a curve": {"0 0 m 0 8 4 8 4 0 c f",
			[]string{none, none, " ++       ", ".##.      ", "+##+      ", "+##+      ", "####      ", "####      "}},
	}
	for name, test := range tests {
		require.Equal(t, test.want, rasterOf(t, test.content), name)
	}
}

// The operands are parsed as ISO 32000-1 clause 7.3 says, and nothing else is a number.
func TestNumbersOfPDF(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, "-1": -1, "+17": 17, "4.": 4, "-.002": -0.002, "34.5": 34.5, "00012": 12} {
		got, ok := parsePDFNumber([]byte(text))
		require.True(t, ok, text)
		require.InDelta(t, want, got, 1e-12, text)
	}
	for _, text := range []string{"", "-", ".", "1e5", "1.2.3", "--1", "0x10", "12a"} {
		_, ok := parsePDFNumber([]byte(text))
		require.False(t, ok, text)
	}
}

// Documents are drawn without a panic and within the limits, whatever is in them.
func FuzzPDF(f *testing.F) {
	b := &pdfBuilder{}
	f.Add(b.document("", b.page("q 2 0 0 2 1 1 cm 0 0 3 2 re f* Q 0 0 m 1 1 l 2 2 3 3 4 4 c h f")))
	b = &pdfBuilder{}
	img := b.stream("/Subtype /Image /Width 2 /Height 2 /ColorSpace [/Indexed /DeviceRGB 1 (abcdef)] /BitsPerComponent 1 /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2 >>", deflated([]byte("\x00\x80\x02\x40")))
	f.Add(b.document("", b.page("/Im0 Do /Im1 Do", img, b.stream("/Subtype /Form /Matrix [1 0 0 1 0 0]", []byte("0 0 1 1 re f")))))
	b = &pdfBuilder{}
	f.Add(b.packed(b.page("10 10 20 20 re f")))
	f.Add([]byte("%PDF-1.4 1 0 obj << /Type /Catalog /Pages << /Kids [<< /Contents 2 0 R >>] >> >> 2 0 obj << /Length 3 0 R /Filter [/AHx /RL] >> stream\n00ff> endstream 3 0 obj 5"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append([]byte("%PDF-1.7\n"), data...)
		pages, err := RasterisePDF(data, 36, Options{MaxPixels: 1 << 20, MaxPages: 5, MaxStreamBytes: 1 << 22})
		if err == nil {
			require.LessOrEqual(t, len(pages), 5)
		}
	})
}
