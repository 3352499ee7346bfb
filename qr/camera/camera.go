// Package camera gives grey frames from a camera, for codes to be read from. Its
// one device is V4L2 (Linux), in the two pixel formats that need no decoder.
//
// A frame may show a card, which is a secret: frames are kept in one buffer, which
// is overwritten by the next one and wiped by Close. The package finds no codes and
// stores nothing.
package camera

import (
	"errors"
	"fmt"
	"image"

	"github.com/blackjack/webcam"
)

// A Source gives one frame after the other; io.EOF is the end. A frame is valid
// until the next call.
type Source interface {
	Frame() (*image.Gray, error)
}

// The pixel formats (linux/videodev2.h, four characters each), the better one first.
const (
	grey webcam.PixelFormat = 'G' | 'R'<<8 | 'E'<<16 | 'Y'<<24
	yuyv webcam.PixelFormat = 'Y' | 'U'<<8 | 'Y'<<16 | 'V'<<24
)

const (
	maxPixels   = 16 << 20 // of a frame; more only makes reading slow
	buffers     = 2        // frames that wait: old ones are of no use
	waitSeconds = 10       // for a frame
)

// Device is a V4L2 camera.
type Device struct {
	cam    *webcam.Webcam
	format webcam.PixelFormat
	frame  *image.Gray
}

// Open starts a camera, as /dev/video0, with its largest frames.
func Open(name string) (*Device, error) {
	cam, err := webcam.Open(name)
	if err != nil {
		return nil, fmt.Errorf("camera %s: %w", name, err)
	}
	d := &Device{cam: cam}
	if err := d.start(); err != nil {
		_ = cam.Close()
		return nil, fmt.Errorf("camera %s: %w", name, err)
	}
	return d, nil
}

func (d *Device) start() error {
	offered := d.cam.GetSupportedFormats()
	for _, format := range []webcam.PixelFormat{grey, yuyv} {
		if _, ok := offered[format]; !ok {
			continue
		}
		size, ok := largest(d.cam.GetSupportedFrameSizes(format))
		if !ok {
			continue
		}
		// It returns the size that was asked for, not the one that was granted:
		// every frame is held against it.
		if got, _, _, err := d.cam.SetImageFormat(format, uint32(size.X), uint32(size.Y)); err != nil || got != format {
			continue
		}
		d.format, d.frame = format, image.NewGray(image.Rectangle{Max: size})
		if err := d.cam.SetBufferCount(buffers); err != nil {
			return err
		}
		return d.cam.StartStreaming()
	}
	return errors.New("it offers neither YUYV nor grey frames")
}

// largest picks the frame size with the most pixels within the limit.
func largest(sizes []webcam.FrameSize) (best image.Point, ok bool) {
	for _, s := range sizes {
		w, h := int(s.MaxWidth), int(s.MaxHeight)
		if w < 1 || h < 1 || w > maxPixels/h || w*h <= best.X*best.Y {
			continue
		}
		best, ok = image.Pt(w, h), true
	}
	return best, ok
}

// Frame waits for a frame.
func (d *Device) Frame() (*image.Gray, error) {
	for {
		if err := d.cam.WaitForFrame(waitSeconds); err != nil {
			return nil, fmt.Errorf("waiting for the camera: %w", err)
		}
		data, index, err := d.cam.GetFrame()
		if err != nil {
			return nil, fmt.Errorf("reading the camera: %w", err)
		}
		empty := len(data) == 0 // a frame that the driver gave up
		if !empty {
			err = luma(d.frame, data, d.format)
		}
		if releaseErr := d.cam.ReleaseFrame(index); err == nil {
			err = releaseErr
		}
		if err != nil || !empty {
			return d.frame, err
		}
	}
}

// Close stops the camera and wipes the last frame.
func (d *Device) Close() error {
	clear(d.frame.Pix)
	return d.cam.Close()
}

// luma takes the brightness out of a frame.
func luma(dst *image.Gray, data []byte, format webcam.PixelFormat) error {
	step := 1
	if format == yuyv {
		step = 2 // Y U Y V
	}
	if len(data) != step*len(dst.Pix) {
		return fmt.Errorf("the camera sent a frame of %d bytes where %v pixels have %d", len(data), dst.Rect.Size(), step*len(dst.Pix))
	}
	for i := range dst.Pix {
		dst.Pix[i] = data[step*i]
	}
	return nil
}
