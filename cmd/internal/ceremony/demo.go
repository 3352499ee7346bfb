package ceremony

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coldvault/media/paper"
	"coldvault/qr/scan"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/ledger"
	"coldvault/vault/material/cardano"
	"coldvault/vault/material/cardano/samplepool"
	"coldvault/vault/secret"
)

// Act is one step of the demonstration, for a newcomer to read.
type Act struct {
	Title string
	Lines []string
}

// scanDPI is what the demonstration "scans" its pages with.
const scanDPI = 300

// Demo carries out the main job on throwaway keys below dir, which must be new or
// empty: everything in it is what the commands do, on files of the real formats.
//
// Its keys are worth nothing, so it accepts any host, and says what it accepted.
func Demo(c Console, dir string, now time.Time, facts *airgap.Facts, show func(Act)) error {
	d := &demo{console: quiet{c}, dir: dir, now: now, show: show, host: Host{Facts: facts, Accept: Accept{Network: true, Swap: true}}}
	for _, act := range []func() (Act, error){
		d.makePool, d.makeVault, d.seal, d.print, d.lose, d.tooFew, d.fromStick, d.fromPaper,
	} {
		a, err := act()
		if err != nil {
			return err
		}
		show(a)
	}
	return nil
}

type demo struct {
	console Console
	dir     string
	now     time.Time
	show    func(Act)
	host    Host

	files    int
	vaultID  string
	pagesPDF string
}

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// demoChain is what the chain would say of a pool that has never made a block.
func demoChain() []string { return []string{"0"} }

func (d *demo) rules() Rules {
	chain := cardano.Preview()
	return Rules{Now: d.now, Chain: &chain}
}

// makePool writes a pool's keys as cardano-cli would.
func (d *demo) makePool() (Act, error) {
	files, err := samplepool.New(rand.Reader, samplepool.Options{Period: demoPeriod(d.now)})
	if err != nil {
		return Act{}, err
	}
	if err := os.Mkdir(d.path("pool"), 0o700); err != nil {
		return Act{}, err
	}
	size := 0
	for name, data := range files {
		if err := os.WriteFile(d.path("pool", name), data, 0o600); err != nil {
			return Act{}, err
		}
		size += len(data)
	}
	d.files = len(files)
	return Act{"A stake pool's keys", []string{
		fmt.Sprintf("%d files, %d bytes, as cardano-cli writes them; made for this demo, worth nothing", len(files), size),
	}}, nil
}

// demoPeriod is the KES period of today on the preview network, so that the
// demo's certificate is in force.
func demoPeriod(now time.Time) uint64 {
	chain := cardano.Preview()
	return uint64(max(0, now.Sub(chain.SystemStart)/chain.SlotLength)) / chain.SlotsPerPeriod
}

func (d *demo) makeVault() (Act, error) {
	r, err := Create(d.console, CreateRequest{
		Vault: d.path("vault"), Cards: d.path("cards"), Label: "demo pool", Shares: 5, Threshold: 3,
		Custodians: []string{"Ada", "Basho", "Chen", "Dalia", "Emeka"}, Now: d.now, Host: d.host,
	})
	if err != nil {
		return Act{}, err
	}
	d.vaultID = r.Identity.Vault.ID
	return Act{"A vault, opened by any 3 of 5 cards", append([]string{
		fmt.Sprintf("vault %s, fingerprint: %s", d.vaultID, strings.Join(r.Identity.Words(), " ")),
		"two compartments: cold (owner keys) and hot (what a running node needs), split separately",
		"all 10 quorums of each tried; 5 cards drawn as PDF, every code on them read back",
	}, acceptedLines(r.HostAccepted)...)}, nil
}

// acceptedLines say what real keys would not have been made with.
func acceptedLines(findings []airgap.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("accepted for the demo, refused for real keys: %s [%s]", f.Text, f.ID))
	}
	return out
}

func (d *demo) seal() (Act, error) {
	for _, name := range []string{"stick-a", "stick-b"} {
		if err := os.Mkdir(d.path(name), 0o700); err != nil {
			return Act{}, err
		}
	}
	r, err := Seal(d.console, SealRequest{
		Vault: d.path("vault"), Sources: []string{d.path("pool")}, To: []string{d.path("stick-a"), d.path("stick-b")}, Rules: d.rules(), Host: d.host,
	})
	if err != nil {
		return Act{}, err
	}
	return Act{"Sealed to two media; no card was needed", []string{
		fmt.Sprintf("generation %d, post-quantum age: cold.age %d bytes, hot.age %d bytes", r.Generation, r.Sizes["cold.age"], r.Sizes["hot.age"]),
		"stick-a and stick-b: written, synced, read back, signed",
	}}, nil
}

func (d *demo) print() (Act, error) {
	d.pagesPDF = d.path("pages.pdf")
	o, stop := NewOutputs(d.console)
	defer stop()
	r, err := Pages(d.console, PagesRequest{Vault: d.path("vault"), Layout: "robust", Parity: 25, Paper: paper.A4, Out: o.Pages(d.pagesPDF), Now: d.now})
	if err != nil {
		return Act{}, err
	}
	return Act{"Printed", []string{
		fmt.Sprintf("%s, %d QR codes; any %d of them restore; all of them read back", ledger.Count(r.Pages, "page"), r.Codes, r.Data),
	}}, nil
}

// lose removes one medium and overwrites a part of the other.
func (d *demo) lose() (Act, error) {
	if err := os.RemoveAll(d.path("stick-a")); err != nil {
		return Act{}, err
	}
	bundle := d.path("stick-b", "coldvault", d.vaultID, "generations", "000001", "cold.age")
	data, err := os.ReadFile(bundle)
	if err != nil {
		return Act{}, err
	}
	hole := len(data) / 10
	clear(data[len(data)/2 : len(data)/2+hole])
	if err := os.WriteFile(bundle, data, 0o600); err != nil {
		return Act{}, err
	}
	r, err := Check(d.console, CheckRequest{Paths: []string{d.path("stick-b")}, Now: d.now})
	if !errors.Is(err, ErrDamage) {
		return Act{}, errors.Join(errors.New("check did not report the damage"), err)
	}
	return Act{"Years later: stick-a is lost, stick-b has a hole", []string{
		fmt.Sprintf("%d bytes in the middle of cold.age on stick-b are gone", hole),
		"check, without any secret: " + r.Media[0].Findings[0].Text,
	}}, nil
}

// tooFew shows that two cards open nothing.
func (d *demo) tooFew() (Act, error) {
	_, err := Restore(d.console, RestoreRequest{
		Opening: Opening{From: []string{d.path("stick-b")}, Cards: d.cards(1, 2), Host: d.host}, Role: "all", To: d.path("restored-by-two"),
	})
	var quorum *vault.QuorumError
	if !errors.As(err, &quorum) {
		return Act{}, errors.Join(errors.New("two cards were not refused"), err)
	}
	if _, err := os.Stat(d.path("restored-by-two")); !errors.Is(err, fs.ErrNotExist) {
		return Act{}, errors.New("something was left behind by a restore that failed")
	}
	return Act{"Two cards try to restore", []string{"refused: " + err.Error(), "nothing was written"}}, nil
}

func (d *demo) cards(numbers ...int) []string {
	var out []string
	for _, n := range numbers {
		out = append(out, d.path("cards", fmt.Sprintf("card-%d.pdf", n)))
	}
	return out
}

func (d *demo) fromStick() (Act, error) {
	to := d.path("restored-from-stick")
	if _, err := Restore(d.console, RestoreRequest{
		Opening: Opening{From: []string{d.path("stick-b")}, Cards: d.cards(1, 3, 5), Host: d.host}, Role: "all", To: to, ChainCounter: demoChain(), Rules: d.rules(),
	}); err != nil {
		return Act{}, err
	}
	if err := sameFiles(d.path("pool"), to); err != nil {
		return Act{}, err
	}
	return Act{"Restored from the damaged stick with cards 1, 3, 5", []string{
		"the hole was rebuilt from parity", fmt.Sprintf("%d of %d files are the same, byte for byte", d.files, d.files),
	}}, nil
}

// fromPaper turns pages and cards into pictures as a scanner would give them and
// restores from these alone.
func (d *demo) fromPaper() (Act, error) {
	pages, err := d.scan(d.pagesPDF, "page")
	if err != nil {
		return Act{}, err
	}
	var cards []string
	for _, n := range []int{2, 3, 4} {
		images, err := d.scan(d.cards(n)[0], fmt.Sprintf("card-%d", n))
		if err != nil {
			return Act{}, err
		}
		cards = append(cards, images...)
	}
	to := d.path("restored-from-paper")
	if _, err := Restore(d.console, RestoreRequest{
		Opening: Opening{From: pages, Cards: cards, Host: d.host}, Role: "all", To: to, ChainCounter: demoChain(), Rules: d.rules(),
	}); err != nil {
		return Act{}, err
	}
	if err := sameFiles(d.path("pool"), to); err != nil {
		return Act{}, err
	}
	return Act{"Restored from paper alone with cards 2, 3, 4", []string{
		fmt.Sprintf("%s and 3 cards as pictures of %d dpi; no stick", ledger.Count(len(pages), "page"), scanDPI),
		fmt.Sprintf("%d of %d files are the same, byte for byte", d.files, d.files),
	}}, nil
}

// scan rasterises a PDF into one PNG a page. The demo's cards are worth nothing
// and may lie on disk as pictures.
func (d *demo) scan(pdf, name string) ([]string, error) {
	data, err := os.ReadFile(pdf)
	if err != nil {
		return nil, err
	}
	images, err := scan.RasterisePDF(data, scanDPI, scan.Options{})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.path("scans"), 0o700); err != nil {
		return nil, err
	}
	var out []string
	for i, img := range images {
		file := d.path("scans", fmt.Sprintf("%s-%d.png", name, i+1))
		if err := writePNG(file, img); err != nil {
			return nil, err
		}
		out = append(out, file)
	}
	return out, nil
}

func writePNG(name string, img image.Image) error {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o600)
}

// sameFiles compares two folders, names and bytes, both ways.
func sameFiles(want, got string) error {
	names := map[string]bool{}
	for _, dir := range []string{want, got} {
		err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			name, err := filepath.Rel(dir, p)
			names[name] = true
			return err
		})
		if err != nil {
			return err
		}
	}
	for name := range names {
		a, errA := os.ReadFile(filepath.Join(want, name))
		b, errB := os.ReadFile(filepath.Join(got, name))
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("%s came back differently", name)
		}
	}
	return nil
}

// quiet is a console that answers for the demonstration's operator.
type quiet struct{ Console }

func (quiet) Say(string, ...any)  {}
func (quiet) Warn(string, ...any) {}

func (quiet) Passphrase(bool) (*secret.Buffer, error) {
	return secret.Move([]byte("a passphrase for the demo"))
}

func (quiet) Ask(string) (string, error) { return "", ErrNobody }

func (quiet) Card(string) (*secret.Buffer, error) { return nil, ErrNobody }
