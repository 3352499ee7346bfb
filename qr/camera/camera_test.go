package camera

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/blackjack/webcam"
	"github.com/stretchr/testify/require"
)

// Brightness is every byte of a grey frame and every other one of YUYV; a frame of another size is refused.
func TestLuma(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 2, 2))
	require.NoError(t, luma(img, []byte{1, 2, 3, 4}, grey))
	require.Equal(t, []byte{1, 2, 3, 4}, img.Pix)
	require.NoError(t, luma(img, []byte{5, 128, 6, 128, 7, 128, 8, 128}, yuyv))
	require.Equal(t, []byte{5, 6, 7, 8}, img.Pix)
	require.EqualError(t, luma(img, []byte{1, 2, 3, 4}, yuyv), "the camera sent a frame of 4 bytes where (2,2) pixels have 8")
	require.Error(t, luma(img, nil, grey))
}

// The largest size within the limit is taken, stepwise sizes at their largest.
func TestLargest(t *testing.T) {
	fixed := func(w, h uint32) webcam.FrameSize { return webcam.FrameSize{MaxWidth: w, MaxHeight: h} }
	size, ok := largest([]webcam.FrameSize{fixed(640, 480), fixed(1<<31, 1<<31), fixed(1920, 1080), fixed(1280, 1024), fixed(0, 9)})
	require.True(t, ok)
	require.Equal(t, image.Pt(1920, 1080), size)
	_, ok = largest(nil)
	require.False(t, ok)
}

// What is no camera is refused by name.
func TestNoCamera(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, name := range []string{file, file + "-not", "/dev/null"} {
		_, err := Open(name)
		require.ErrorContains(t, err, "camera "+name+": ")
	}
}
