package ceremony

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"coldvault/qr"
	"coldvault/qr/camera"
	"coldvault/qr/scan"
	"coldvault/vault/ledger"
	"coldvault/vault/secret"
)

// maxSeen bounds the codes that are told apart while a camera runs.
const maxSeen = 10_000

// watcher reads codes from the frames of a camera until there are enough.
type watcher struct {
	in     *Intake
	c      Console
	source camera.Source
	input  Input
	seen   map[[sha256.Size]byte]bool // digests of codes: the same one is in many frames
	mu     sync.Mutex                 // of the intake, which an interrupt reports
}

// watch reads from the camera until done. A source that ends is no error; what is
// missing then is for the caller to say. Interrupted, it says what is missing.
func (in *Intake) watch(c Console, source camera.Source, done func() bool) error {
	w := &watcher{in: in, c: c, source: source, input: Input{Name: "camera"}, seen: map[[sha256.Size]byte]bool{}}
	defer c.OnInterrupt(func() {
		w.mu.Lock() // never unlocked: nothing is added any more
		w.report()
	})()
	defer c.Progress("", 0, 0)
	for !done() {
		err := secret.Do(w.frame)
		secret.Collect()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		w.progress()
	}
	in.Inputs = append(in.Inputs, w.input)
	return nil
}

// frame reads one frame. It may show a card: inside secret.Do.
func (w *watcher) frame() error {
	img, err := w.source.Frame()
	if err != nil {
		return err
	}
	found := scan.Image(img, scan.Options{})
	notes, shares := len(w.input.Notes), len(w.in.Shares)
	err = w.take(found.Codes)
	for _, n := range w.input.Notes[notes:] {
		w.c.Warn("camera: %s", n)
	}
	for _, s := range w.in.Shares[shares:] {
		w.c.Say("camera: %s", s.Share)
	}
	return err
}

// take adds the codes of a frame. It prints nothing: an interrupt waits for it, and nobody
// may be reading.
func (w *watcher) take(codes []scan.Code) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, code := range codes {
		digest := sha256.Sum256(code.Text)
		if w.seen[digest] {
			continue
		}
		if len(w.seen) == maxSeen {
			return fmt.Errorf("the camera showed more than %d different codes", maxSeen)
		}
		w.seen[digest] = true
		w.input.Codes++
		w.in.addCode(&w.input, code.Text, code.Drawn)
	}
	return nil
}

// progress counts on the terminal, and says where the next missing code is.
func (w *watcher) progress() {
	what, have, need := "camera: show pages or cards", len(w.in.Shares), len(w.in.Shares)
	for _, s := range w.in.sets.All() {
		what, have, need = "camera: codes read", s.Have(), s.Have()+s.Need()
		if s.Need() == 0 {
			continue
		}
		if layout, ok := qr.LayoutByBodySize(s.BodySize()); ok {
			what = "camera: still to be shown " + shorten(places(s, layout)) + "; codes read"
		}
		break
	}
	w.c.Progress(what, have, max(need, 1))
}

// shorten keeps a line of progress on one line.
func shorten(places []string) string {
	const width = 20
	text := strings.Join(places, "; ")
	if len(text) > width {
		text = text[:width] + "…"
	}
	return text
}

// report says what is there and what is not. At an interrupt only warnings wait for the end.
func (w *watcher) report() {
	w.c.Warn("camera: %s read, %s among them", ledger.Count(w.input.Codes, "code"), ledger.Count(w.input.Shares, "share"))
	for _, s := range w.in.sets.All() {
		if s.Need() == 0 {
			continue
		}
		layout, _ := qr.LayoutByBodySize(s.BodySize())
		w.c.Warn("pages of generation %d: %d of %d codes read, %d more needed; not read: %s",
			s.Generation(), s.Have(), s.Total(), s.Need(), strings.Join(places(s, layout), "; "))
	}
}

// whole says whether there are page sets and none lacks a code.
func (in *Intake) whole() bool {
	sets := in.sets.All()
	for _, s := range sets {
		if s.Need() > 0 {
			return false
		}
	}
	return len(sets) > 0
}
