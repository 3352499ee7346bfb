package ceremony

import (
	"image"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media/paper"
	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/shard"
)

// recorded plays frames as a camera would give them.
type recorded struct{ frames []*image.Gray }

func (r *recorded) Frame() (*image.Gray, error) {
	if len(r.frames) == 0 {
		return nil, io.EOF
	}
	f := r.frames[0]
	r.frames = r.frames[1:]
	return f, nil
}

// shown draws codes side by side as a camera sees them: grey on grey, tilted, in
// perspective.
func shown(t *testing.T, version int, level qr.Level, tilt float64, codes ...[]byte) *image.Gray {
	t.Helper()
	const scale, quiet = 4, 4
	var symbols []*image.Gray
	side := 0
	for _, text := range codes {
		m, err := qr.Encode(text, version, level)
		require.NoError(t, err)
		symbols = append(symbols, m.Image(scale, quiet))
		side = symbols[0].Rect.Dx()
	}
	out := image.NewGray(image.Rect(0, 0, side*len(codes)+120, side+120))
	w := float64(out.Rect.Dx())
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			depth := 1 + tilt*float64(x)/w/4
			u, v := int(float64(x-60)*depth+tilt*float64(y)), int(float64(y-60)*depth-tilt*float64(x)/2)
			value := uint8(200)
			if u >= 0 && v >= 0 && v < side && u < side*len(codes) && symbols[u/side].GrayAt(u%side, v).Y == 0 {
				value = 60
			}
			out.Pix[out.PixOffset(x, y)] = value
		}
	}
	return out
}

// A camera sees parts of pages, some twice and some not at all sharp; it stops when
// every set is whole, and not before.
func TestCameraReadsPages(t *testing.T) {
	frames := printed(t, 6000, "robust", paper.A4)
	layout, _ := qr.LayoutByName("robust")
	show := func(tilt float64, list ...qr.Frame) *image.Gray {
		var codes [][]byte
		for _, f := range list {
			codes = append(codes, digits.Append(nil, f.Marshal()))
		}
		return shown(t, layout.Version, layout.Level, tilt, codes...)
	}
	blank := image.NewGray(image.Rect(0, 0, 640, 480))
	source := &recorded{frames: []*image.Gray{
		blank, show(0.02, frames[0], frames[1]), show(0.02, frames[0], frames[1]), show(-0.03, frames[1], frames[2]),
		show(0.04, frames[3], frames[4]), blank, show(0.03, frames[5], frames[12]), show(0.02, frames[13], frames[14]),
		show(0.01, frames[15], frames[16]), show(0, frames[17], frames[18]),
	}}
	require.Equal(t, 10, frames[0].Data)
	in := newIntake(t)
	c := &operator{t: t}
	require.NoError(t, in.watch(c, source, in.whole))
	require.Len(t, source.frames, 1, "it stops with the frame that completes the set")
	require.Empty(t, c.warned)
	set := in.PageSets()[0]
	require.Zero(t, set.Need)
	_, err := set.codes.Payload()
	require.NoError(t, err)

	// Where the frames end before, what is missing is said, and nothing is whole.
	source = &recorded{frames: []*image.Gray{show(0.02, frames[0], frames[1]), blank}}
	_, err = Scan(c, ScanRequest{Camera: source})
	var more *MorePagesError
	require.ErrorAs(t, err, &more)
	require.Equal(t, 8, more.Sets[0].Need)
}

// Cards in front of a camera count once, however long they are shown.
func TestCameraReadsCards(t *testing.T) {
	shares := splitSeed(t)
	var source recorded
	for _, s := range shares[:3] {
		frame := shown(t, 6, qr.LevelQ, 0.03, shard.AppendText(nil, s))
		source.frames = append(source.frames, frame, frame, frame)
	}
	in := newIntake(t)
	c := &operator{t: t}
	require.NoError(t, in.watch(c, &source, func() bool { return len(in.Shares) == 3 }))
	require.Len(t, source.frames, 2)
	require.Len(t, in.Shares, 3)
	require.Len(t, c.said, 3)
	for i, s := range shares[:3] {
		require.Equal(t, s.Bytes(), in.Shares[i].Bytes())
	}
	require.Equal(t, "camera", in.Shares[0].From)
}

// interrupted remembers what is to run when the process is told to end.
type interrupted struct {
	*operator
	cleanup func()
}

func (c *interrupted) OnInterrupt(cleanup func()) func() {
	c.cleanup = cleanup
	return func() {}
}

// An interrupt says what was read and what is missing where.
func TestCameraInterrupted(t *testing.T) {
	frames := printed(t, 6000, "robust", paper.A4)
	codes := [][]byte{digits.Append(nil, frames[1].Marshal()), digits.Append(nil, frames[2].Marshal())}
	c := &interrupted{operator: &operator{t: t}}
	in := newIntake(t)
	require.NoError(t, in.watch(c, &recorded{frames: []*image.Gray{shown(t, 20, qr.LevelM, 0, codes...)}}, in.whole))
	c.cleanup()
	require.Equal(t, []string{"camera: 2 codes read, 0 shares among them", "pages of generation 7: 2 of 20 codes read, 8 more needed; not read: page 1: A1 D1 " +
		"A2 B2 C2 D2 A3 B3 C3 D3 A4 B4 C4 D4 A5 B5 C5 D5"}, c.warned)
}

// stuck is a console whose output nobody takes.
type stuck struct {
	*interrupted
	speaking chan struct{}
}

func (c *stuck) Say(string, ...any) {
	close(c.speaking)
	select {}
}

// An interrupt does not wait for output that stands still.
func TestCameraInterruptedWhileItsOutputIsStuck(t *testing.T) {
	c := &stuck{&interrupted{operator: &operator{t: t}}, make(chan struct{})}
	in := newIntake(t)
	source := &recorded{frames: []*image.Gray{shown(t, 6, qr.LevelQ, 0.03, shard.AppendText(nil, splitSeed(t)[0]))}}
	go func() { _ = in.watch(c, source, in.whole) }()
	<-c.speaking
	ended := make(chan struct{})
	go func() {
		c.cleanup()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		require.Fail(t, "it waits for whoever reads")
	}
	require.Equal(t, []string{"camera: 1 code read, 1 share among them"}, c.warned)
}
