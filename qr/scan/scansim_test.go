package scan

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Of every layout and scenario, the share of codes that must be read; of a torn page its corner is gone.
var scenarios = []struct {
	name   string
	least  float64
	always bool // run without COLDVAULT_LONG too
}{
	{"clean300", 1, false},
	{"flat300", 1, false},
	{"mod300", 1, false},
	{"mod200", 1, false},
	{"mod150", 0.95, true},
	{"stain300", 0.95, false},
	{"torn300", 0.75, false},
	{"curl300", 0.95, false},
	{"hard300", 0.95, false},
	{"phone", 0.95, true},
}

// scanner finds the simulation of printing and scanning, or skips the test.
func scanner(t *testing.T) string {
	shared := os.Getenv("COLDVAULT_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	tool := filepath.Join(shared, "tools", "scansim")
	if _, err := os.Stat(tool); err != nil {
		t.Skip("the simulation of printing and scanning is not here: ", tool)
	}
	if err := exec.Command("python3", "-c", "import cv2, numpy").Run(); err != nil {
		if err := exec.Command("/usr/bin/python3", "-c", "import cv2, numpy").Run(); err != nil {
			t.Skip("python3 with opencv is not here")
		}
	}
	return tool
}

// tally is what was read of one layout in one scenario, over all seeds.
type tally struct {
	pages, codes, ours, wrong, zbar int
	took, worst, zbarTook           time.Duration
}

// Pages survive printing and scanning. COLDVAULT_LONG=1 runs every scenario and compares with zbarimg, where
// that is installed; COLDVAULT_SEEDS names the seeds.
func TestPrintedAndScanned(t *testing.T) {
	tool := scanner(t)
	long := os.Getenv("COLDVAULT_LONG") != ""
	zbarimg := ""
	if long {
		zbarimg, _ = exec.LookPath("zbarimg")
	}
	seeds := strings.Fields(os.Getenv("COLDVAULT_SEEDS"))
	if len(seeds) == 0 {
		seeds = []string{"1"}
	}
	sheets := []sheet{robustSheet, cardSheet}
	if long {
		sheets = append(sheets, denseSheet)
	}
	var run []string
	for _, s := range scenarios {
		if long || s.always {
			run = append(run, s.name)
		}
	}
	tallies := map[string]*tally{}
	for n, seed := range seeds {
		dir := t.TempDir()
		args := []string{"--seed", seed, dir, strings.Join(run, ",")}
		texts := map[string][]string{}
		for _, s := range sheets {
			img, drawn := drawSheet(t, s, uint64(n))
			texts[s.name] = drawn
			path := filepath.Join(t.TempDir(), s.name+".png")
			var out bytes.Buffer
			require.NoError(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img))
			require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
			args = append(args, path)
		}
		out, err := exec.Command(tool, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		for _, file := range strings.Fields(string(out)) {
			key := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
			layout, _, _ := strings.Cut(key, "-")
			if tallies[key] == nil {
				tallies[key] = &tally{}
			}
			tallies[key].add(t, file, texts[layout], zbarimg)
		}
	}
	t.Log("seeds ", strings.Join(seeds, " "))
	t.Log(report(t, sheets, tallies))
}

// add reads one page.
func (y *tally) add(t *testing.T, file string, texts []string, zbarimg string) {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	start := time.Now()
	r, err := Read(data, Options{})
	took := time.Since(start)
	require.NoError(t, err)
	right, wrong := count(r.Codes, texts)
	y.pages++
	y.codes += len(texts)
	y.ours += right
	y.wrong += wrong
	y.took += took
	y.worst = max(y.worst, took)
	if zbarimg == "" {
		return
	}
	start = time.Now()
	out, _ := exec.Command(zbarimg, "-q", "--raw", file).Output() // it fails where it finds nothing
	y.zbarTook += time.Since(start)
	var codes []Code
	for _, line := range strings.Fields(string(out)) {
		codes = append(codes, Code{Text: []byte(line)})
	}
	right, _ = count(codes, texts)
	y.zbar += right
}

// report judges the tallies and makes a table of them.
func report(t *testing.T, sheets []sheet, tallies map[string]*tally) string {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-8s %-9s %5s %6s %6s %6s %6s %8s %8s %8s\n", "layout", "scenario", "pages", "codes", "ours", "wrong", "zbar", "ms/page", "worst", "zbar ms")
	for _, s := range sheets {
		for _, scenario := range scenarios {
			y := tallies[s.name+"-"+scenario.name]
			if y == nil {
				continue
			}
			require.Zero(t, y.wrong, "%s, %s", s.name, scenario.name)
			require.GreaterOrEqual(t, float64(y.ours), scenario.least*float64(y.codes), "%s, %s", s.name, scenario.name)
			require.GreaterOrEqual(t, y.ours, y.zbar, "%s, %s", s.name, scenario.name)
			fmt.Fprintf(&table, "%-8s %-9s %5d %6d %6d %6d %6d %8d %8d %8d\n", s.name, scenario.name, y.pages, y.codes, y.ours, y.wrong, y.zbar,
				y.took.Milliseconds()/int64(y.pages), y.worst.Milliseconds(), y.zbarTook.Milliseconds()/int64(y.pages))
		}
	}
	return table.String()
}
