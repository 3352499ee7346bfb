package paper

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/qr/scan"
)

// scenarios are ways to print and scan, and the share of whole sets that must come back from each.
var scenarios = []struct {
	name                string
	robust, dense, card float64
	always              bool // run without COLDVAULT_LONG too
}{
	{"clean300", 1, 1, 1, false},
	{"flat300", 1, 1, 1, false},
	{"mod300", 1, 1, 1, false},
	{"mod200", 1, 0.95, 1, false},
	{"mod150", 1, 0, 1, true},
	{"stain300", 1, 1, 1, false},
	{"torn300", 1, 1, 0, false},
	{"curl300", 1, 0.95, 1, false},
	{"hard300", 0.98, 0.95, 1, false},
	{"phone", 0.98, 0, 1, true},
}

// timed are the scenarios of dense pages that must take at most half the time that zbarimg takes, which is judged from so many runs on.
var timed = []string{"flat300", "mod300"}

const timedRuns = 5

// printed is a PDF that is sent through printer and scanner, and what is on it.
type printed struct {
	name    string // of the layout, or "card"
	pdf     []byte
	payload []byte // nil for a card
	texts   []string
}

// fullPage is one A4 page of a layout, full to the last byte, drawn as `coldvault paper` draws it.
func fullPage(t *testing.T, layout qr.Layout, seed uint64) printed {
	t.Helper()
	perPage := GridFor(layout, A4).Codes()
	payload := make([]byte, perPage*3/4*layout.BodySize)
	random := rand.New(rand.NewPCG(seed, uint64(layout.Version)))
	for i := range payload {
		payload[i] = byte(random.Uint32())
	}
	frames, err := qr.Split([5]byte{1, 2, 3, 4, 5}, 7, payload, layout, perPage, qr.MinParity)
	require.NoError(t, err)
	require.Len(t, frames, perPage)
	page := printed{name: layout.Name, payload: payload}
	pages := Pages{Vault: testVault(), Generation: 7, Created: testTime, Layout: layout, Set: "0123456789abcdef", Data: frames[0].Data}
	for _, f := range frames {
		text := digits.Append(nil, f.Marshal())
		page.texts = append(page.texts, string(text))
		pages.Codes = append(pages.Codes, testSymbol(t, text, layout.Version, layout.Level))
	}
	page.pdf = pagesPDF(t, pages, A4)
	return page
}

// whole tells whether the texts give everything back that was printed.
func (p printed) whole(t *testing.T, texts []string) bool {
	t.Helper()
	if p.payload == nil {
		return p.right(texts) == len(p.texts)
	}
	var set qr.Collector
	for _, text := range texts {
		raw, err := digits.Decode(nil, []byte(text))
		require.NoError(t, err)
		frame, err := qr.ParseFrame(raw)
		require.NoError(t, err)
		_, err = set.Add(frame)
		require.NoError(t, err)
	}
	payload, err := set.Payload()
	if err != nil {
		return false
	}
	require.True(t, bytes.Equal(p.payload, payload))
	return true
}

// right counts the printed codes among texts.
func (p printed) right(texts []string) (n int) {
	for _, text := range p.texts {
		if slices.Contains(texts, text) {
			n++
		}
	}
	return n
}

// wrong counts the texts that nobody printed.
func (p printed) wrong(texts []string) (n int) {
	for _, text := range texts {
		if !slices.Contains(p.texts, text) {
			n++
		}
	}
	return n
}

// spent is what the runs of a program took, each on one image, on the clock and of processors. On a busy machine only the latter compares.
type spent struct{ clock, worst, cpu time.Duration }

func (s *spent) add(program string, args ...string) []byte {
	cmd := exec.Command(program, args...)
	start := time.Now()
	out, _ := cmd.Output() // both fail where they find nothing
	took := time.Since(start)
	s.clock += took
	s.worst = max(s.worst, took)
	if cmd.ProcessState != nil {
		s.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return out
}

// tally is what was read of one layout in one scenario, over all seeds.
type tally struct {
	runs, whole             int
	codes, ours, zbar       int // printed, and read
	wrong                   int // read and never printed
	oursTook, zbarTook      spent
	notWhole, fewerThanZbar []string // seeds
}

// tools are the programs outside of Go; those that are not there are "".
type tools struct{ scanner, zbarimg, coldvault string }

// findTools finds the simulation of printing and scanning, or skips the test. What is needed to compare is looked for if asked for.
func findTools(t *testing.T, compare bool) (found tools) {
	t.Helper()
	shared := os.Getenv("COLDVAULT_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	found.scanner = filepath.Join(shared, "tools", "scansim")
	if _, err := os.Stat(found.scanner); err != nil {
		t.Skip("the simulation of printing and scanning is not here: ", found.scanner)
	}
	for _, program := range []string{"pdftoppm", "/usr/bin/python3"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import cv2, numpy").Run(); err != nil {
		t.Skip("python3 has no opencv or numpy")
	}
	if !compare {
		return found
	}
	var err error
	if found.zbarimg, err = exec.LookPath("zbarimg"); err != nil {
		t.Log("zbarimg is not installed: nothing to compare with")
		return found
	}
	found.coldvault = filepath.Join(t.TempDir(), "coldvault")
	out, err := exec.Command("go", "build", "-o", found.coldvault, "coldvault/cmd/coldvault").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return found
}

// fields is a list from the environment, or the default.
func fields(name, byDefault string) []string {
	if value := os.Getenv(name); value != "" {
		return strings.Fields(value)
	}
	return strings.Fields(byDefault)
}

func TestPrintedAndScanned(t *testing.T) {
	// Full pages and cards survive printing and scanning. COLDVAULT_LONG=1 runs every scenario and layout, and compares with
	// zbarimg where that is installed. COLDVAULT_SEEDS, COLDVAULT_SCENARIOS and COLDVAULT_LAYOUTS choose.
	long := os.Getenv("COLDVAULT_LONG") != ""
	tools := findTools(t, long)
	names, layouts := []string{}, "robust card"
	for _, s := range scenarios {
		if long || s.always {
			names = append(names, s.name)
		}
	}
	if long {
		layouts = "robust dense card"
	}
	names = fields("COLDVAULT_SCENARIOS", strings.Join(names, " "))
	chosen := fields("COLDVAULT_LAYOUTS", layouts)
	seeds := fields("COLDVAULT_SEEDS", "1")
	tallies := map[string]*tally{}
	for _, seed := range seeds {
		scanOnce(t, tools, seed, names, chosen, tallies)
	}
	t.Logf("seeds %s\n%s", strings.Join(seeds, " "), table(tallies))
	judge(t, tallies)
}

// scanOnce prints what is chosen, scans it in every way and reads it.
func scanOnce(t *testing.T, tools tools, seed string, names, chosen []string, tallies map[string]*tally) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--seed", seed, filepath.Join(dir, "scans"), strings.Join(names, ",")}
	pages := map[string]printed{}
	var number uint64
	_, err := fmt.Sscan(seed, &number)
	require.NoError(t, err, "COLDVAULT_SEEDS")
	for _, name := range chosen {
		page := printed{name: name, texts: []string{string(testDigits(1, shareDigits)), string(testDigits(2, shareDigits))}}
		if name == "card" {
			page.pdf = cardPDF(t, testCard(t), A4)
		} else {
			layout, err := qr.LayoutByName(name)
			require.NoError(t, err, "COLDVAULT_LAYOUTS")
			page = fullPage(t, layout, number)
		}
		pages[name] = page
		file := filepath.Join(dir, name+".pdf")
		require.NoError(t, os.WriteFile(file, page.pdf, 0o600))
		args = append(args, file)
	}
	out, err := exec.Command(tools.scanner, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, file := range strings.Fields(string(out)) {
		parts := strings.Split(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), "-") // layout, page, scenario
		require.Len(t, parts, 3)
		key := parts[0] + " " + parts[2]
		if tallies[key] == nil {
			tallies[key] = &tally{}
		}
		before := *tallies[key]
		tallies[key].add(t, tools, file, seed, pages[parts[0]])
		y := *tallies[key]
		t.Logf("seed %s, %s: %d of %d codes, zbarimg %d; whole: %t", seed, key,
			y.ours-before.ours, y.codes-before.codes, y.zbar-before.zbar, y.whole > before.whole)
		require.NoError(t, os.Remove(file))
	}
}

// add reads one scan.
func (y *tally) add(t *testing.T, tools tools, file, seed string, page printed) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	found, err := scan.Read(data, scan.Options{})
	require.NoError(t, err)
	var texts []string
	for _, code := range found.Codes {
		texts = append(texts, string(code.Text))
	}
	right := page.right(texts)
	y.runs++
	y.codes += len(page.texts)
	y.ours += right
	y.wrong += page.wrong(texts)
	if page.whole(t, texts) {
		y.whole++
	} else {
		y.notWhole = append(y.notWhole, seed)
	}
	if tools.zbarimg == "" {
		return
	}
	y.oursTook.add(tools.coldvault, "scan", file)
	out := y.zbarTook.add(tools.zbarimg, "--nodbus", "-q", "--raw", "-S*.disable", "-Sqrcode.enable", file)
	zbar := page.right(strings.Fields(string(out)))
	y.zbar += zbar
	if right < zbar {
		y.fewerThanZbar = append(y.fewerThanZbar, seed)
	}
}

// table prints the tallies. Times are of whole processes.
func table(tallies map[string]*tally) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%-7s %-9s %7s %5s   %-17s   %-23s   %-21s\n", "", "", "whole", "", "codes", "ms a page, mean (worst)", "processor, ms a page")
	fmt.Fprintf(&out, "%-7s %-9s %7s %5s   %5s %5s %5s   %11s %11s   %6s %6s %7s\n",
		"layout", "scenario", "sets", "wrong", "there", "ours", "zbar", "ours", "zbarimg", "ours", "zbar", "ratio")
	all := map[string]*tally{}
	row := func(layout, scenario string, y *tally) {
		ms := func(d time.Duration) int64 { return d.Milliseconds() / int64(y.runs) }
		fmt.Fprintf(&out, "%-7s %-9s %3d/%-3d %5d   %5d %5d %5d   %4d (%4d) %4d (%4d)   %6d %6d", layout, scenario, y.whole, y.runs, y.wrong,
			y.codes, y.ours, y.zbar, ms(y.oursTook.clock), y.oursTook.worst.Milliseconds(), ms(y.zbarTook.clock), y.zbarTook.worst.Milliseconds(),
			ms(y.oursTook.cpu), ms(y.zbarTook.cpu))
		if y.zbarTook.cpu > 0 {
			fmt.Fprintf(&out, " %7.2f", float64(y.oursTook.cpu)/float64(y.zbarTook.cpu))
		}
		fmt.Fprintln(&out)
	}
	for _, layout := range []string{"robust", "dense", "card"} {
		for _, scenario := range scenarios {
			if y := tallies[layout+" "+scenario.name]; y != nil {
				row(layout, scenario.name, y)
				if all[layout] == nil {
					all[layout] = &tally{}
				}
				all[layout].merge(y)
			}
		}
		if all[layout] != nil {
			row(layout, "all", all[layout])
		}
	}
	return out.String()
}

func (y *tally) merge(o *tally) {
	y.runs, y.whole, y.wrong = y.runs+o.runs, y.whole+o.whole, y.wrong+o.wrong
	y.codes, y.ours, y.zbar = y.codes+o.codes, y.ours+o.ours, y.zbar+o.zbar
	for _, pair := range [][2]*spent{{&y.oursTook, &o.oursTook}, {&y.zbarTook, &o.zbarTook}} {
		pair[0].clock += pair[1].clock
		pair[0].cpu += pair[1].cpu
		pair[0].worst = max(pair[0].worst, pair[1].worst)
	}
}

// judge wants of every cell what is demanded of it.
func judge(t *testing.T, tallies map[string]*tally) {
	t.Helper()
	for _, scenario := range scenarios {
		for layout, least := range map[string]float64{"robust": scenario.robust, "dense": scenario.dense, "card": scenario.card} {
			y := tallies[layout+" "+scenario.name]
			if y == nil {
				continue
			}
			name := layout + " " + scenario.name
			if y.wrong > 0 {
				t.Errorf("%s: %d texts that nobody printed", name, y.wrong)
			}
			if float64(y.whole) < least*float64(y.runs) {
				t.Errorf("%s: %d of %d sets whole, not those of seeds %v", name, y.whole, y.runs, y.notWhole)
			}
			if y.ours < y.zbar {
				t.Errorf("%s: %d codes read, zbarimg reads %d; seeds %v", name, y.ours, y.zbar, y.fewerThanZbar)
			}
			compared := y.zbarTook.cpu > 0 && y.runs >= timedRuns && layout == "dense" && slices.Contains(timed, scenario.name)
			if compared && y.oursTook.cpu*2 > y.zbarTook.cpu {
				t.Errorf("%s: more than half the time of zbarimg", name)
			}
		}
	}
}
