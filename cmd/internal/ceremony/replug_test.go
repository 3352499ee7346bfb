package ceremony

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/vault"
)

// sticks is a host with USB sticks that come and go: what /proc and /sys say of them.
type sticks struct {
	mu   sync.Mutex
	tree fstest.MapFS
}

// host is what there is at the moment.
func (s *sticks) host() media.Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	return media.NewHost(s.tree)
}

// plug puts a stick with this serial number in, mounted at a folder; none for "".
func (s *sticks) plug(serial, folder, sequence string) {
	tree := fstest.MapFS{
		"proc/self/mountinfo": {Data: []byte("1 0 254:0 / / rw - ext4 /dev/vda rw\n")},
	}
	put := func(dir string, a map[string]string) {
		for name, value := range a {
			tree[dir+"/"+name] = &fstest.MapFile{Data: []byte(value + "\n")}
		}
	}
	link := func(name, target string) {
		relative, _ := filepath.Rel(filepath.Dir(name), target)
		tree[name] = &fstest.MapFile{Data: []byte(relative), Mode: fs.ModeSymlink}
	}
	if serial != "" {
		disk := "sys/devices/pci0/usb1/1-1/host0/block/sdb"
		put(disk, map[string]string{"dev": "8:16", "size": "61440000", "removable": "1", "diskseq": sequence})
		put("sys/devices/pci0/usb1/1-1", map[string]string{"serial": serial, "product": "Ultra", "manufacturer": "Acme", "idVendor": "0781"})
		link("sys/dev/block/8:16", disk)
		link("sys/class/block/sdb", disk)
		line := fmt.Sprintf("2 1 8:16 / %s rw - vfat /dev/sdb rw\n", folder)
		tree["proc/self/mountinfo"].Data = append(tree["proc/self/mountinfo"].Data, line...)
		tree[folder[1:]] = &fstest.MapFile{Mode: fs.ModeDir}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tree = tree
}

// fakeHost shows the ceremony those sticks.
func fakeHost(t *testing.T) *sticks {
	t.Helper()
	s := &sticks{}
	s.plug("", "", "")
	before, patience, pause := thisHost, replugPatience, replugPause
	t.Cleanup(func() { thisHost, replugPatience, replugPause = before, patience, pause })
	thisHost = s.host
	replugPatience, replugPause = 2*time.Second, time.Millisecond
	return s
}

// Breaks G26.
func TestReplugWaitsForTheStickItself(t *testing.T) {
	stick, elsewhere := t.TempDir(), t.TempDir()
	host := fakeHost(t)
	host.plug("AA11", stick, "5")
	want, err := thisHost().Device(stick)
	require.NoError(t, err)
	require.Equal(t, media.KindUSB, want.Kind, "%+v", want)
	c := &listener{}
	done := make(chan string)
	go func() {
		back, err := putBack(c, stick, want)
		if err != nil {
			back = err.Error()
		}
		done <- back
	}()
	c.wait(t, "→ unmount and pull")
	host.plug("", "", "")
	c.wait(t, "→ "+stick+" is gone")
	host.plug("BB22", stick, "6")
	c.wait(t, "BB22")
	host.plug("", "", "")
	host.plug("AA11", elsewhere, "7")
	require.Equal(t, elsewhere, <-done, c.said())
}

func TestReplugEndsWhereNobodyPulls(t *testing.T) {
	stick := t.TempDir()
	host := fakeHost(t)
	host.plug("AA11", stick, "5")
	replugPatience = 20 * time.Millisecond
	want, err := thisHost().Device(stick)
	require.NoError(t, err)
	_, err = putBack(&listener{}, stick, want)
	require.ErrorContains(t, err, "it was not pulled")
	c := &listener{}
	places := devices{stick: want}
	err = replug(c, places, []string{stick}, "", &vault.SealResult{Generation: 1})
	require.ErrorContains(t, err, "it was not pulled")
	// What cannot be pulled is said to be, and no error.
	require.NoError(t, replug(c, devices{}, []string{stick}, "", &vault.SealResult{Generation: 1}))
	require.Contains(t, c.said(), "nothing that can be pulled")
}

// A medium that has something else after it was put back is no copy. Shows G25.
func TestReplugReadsTheMediumAgain(t *testing.T) {
	empty := t.TempDir()
	require.ErrorIs(t, proveAgain(&listener{}, empty, "abcdefgh", &vault.SealResult{Generation: 1}), vault.ErrNoVault)
}

// listener is a console that keeps what is said. Nobody answers.
type listener struct {
	Console
	mu    sync.Mutex
	lines string
}

func (l *listener) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines += fmt.Sprintf(format, args...) + "\n"
}

func (l *listener) Say(format string, args ...any)   { l.add("✓ "+format, args...) }
func (l *listener) Order(format string, args ...any) { l.add("→ "+format, args...) }
func (l *listener) Warn(format string, args ...any)  { l.add("! "+format, args...) }
func (l *listener) Progress(string, int, int)        {}

func (l *listener) said() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines
}

func (l *listener) wait(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return strings.Contains(l.said(), text)
	}, 2*time.Second, time.Millisecond, "%q in %s", text, l.said())
}

// A stick may come back beside where it was, and what cannot be pulled stays where it is.
func TestPlacesToPutBackAreAboveWhatCanBePulled(t *testing.T) {
	above := t.TempDir()
	stick := filepath.Join(above, "stick")
	require.NoError(t, os.Mkdir(stick, 0o700))
	host := fakeHost(t)
	host.plug("AA11", stick, "5")
	require.Equal(t, []string{above}, PlacesToPutBack([]string{stick, "/", filepath.Join(above, "missing")}))
}
