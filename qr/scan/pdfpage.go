package scan

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
)

const (
	pointsPerInch = 72.0
	readingDPI    = 300   // a drawn page is read from a raster of this resolution
	maxDPI        = 1200  // of a raster made for the images on a page
	minFills      = 100   // rectangles and lines from which a drawing may be a code
	maxPageSide   = 14400 // points, ISO 32000-1 annex C
)

// page yields the image of a scanned page as it is, and a raster of what is drawn.
func (f *pdfFile) page(i int, read func(img *image.Gray, drawn bool)) error {
	look := &pdfDrawing{file: f}
	if err := look.run(f.pages[i]); err != nil {
		return err
	}
	drawn, dpi := len(look.images) > 1 || look.points >= minFills*4, readingDPI
	for _, shown := range look.images {
		dpi = max(dpi, min(shown.dpi(f), maxDPI))
	}
	defer f.opts.alone(look.memory(drawn, i, dpi))()
	if len(look.images) == 1 {
		img, err := f.pageImage(look.images[0].stream, 0)
		if err != nil {
			return err
		}
		read(img, false)
	}
	if drawn {
		img, err := f.rasterise(i, dpi)
		if img != nil {
			read(img, len(look.images) == 0)
		}
		return err
	}
	return nil
}

// memory is what a page takes at the size that it and its images state.
func (d *pdfDrawing) memory(drawn bool, i, dpi int) (total int64) {
	for _, shown := range d.images {
		total = max(total, d.file.imageMemory(shown.stream))
	}
	if drawn {
		w, h, _ := d.file.sheet(i, dpi)
		total += int64(w) * int64(h) * pagePixel
	}
	return total
}

// RasterisePDF draws every page of a PDF: filled paths and images. Text and lines are left
// out, so what is seen of a page made by coldvault are its codes, exactly as they will be printed.
func RasterisePDF(data []byte, dpi int, opts Options) ([]*image.Gray, error) {
	opts = opts.withDefaults()
	if int64(len(data)) > opts.MaxFileBytes {
		return nil, fmt.Errorf("file of %d bytes: %w", len(data), ErrTooLarge)
	}
	if !isPDF(data) {
		return nil, ErrFormat
	}
	f, err := openPDF(data, opts)
	if err != nil {
		return nil, err
	}
	var pages []*image.Gray
	for i := range f.pages {
		err := guarded(func() error {
			img, err := f.rasterise(i, dpi)
			pages = append(pages, img)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", i+1, err)
		}
	}
	return pages, nil
}

// sheet is the size of a page in pixels, and where its points lie on them; (0, 0) where it has
// no usable size.
func (f *pdfFile) sheet(i, dpi int) (w, h int, ctm matrix) {
	box := f.array(f.pages[i]["MediaBox"])
	x0, y0, x1, y1 := 0.0, 0.0, 612.0, 792.0
	if len(box) == 4 {
		x0, y0, x1, y1 = f.coordinate(box[0]), f.coordinate(box[1]), f.coordinate(box[2]), f.coordinate(box[3])
		x0, x1 = min(x0, x1), max(x0, x1)
		y0, y1 = min(y0, y1), max(y0, y1)
	}
	scale := float64(dpi) / pointsPerInch
	width, height := math.Ceil((x1-x0)*scale-0.01), math.Ceil((y1-y0)*scale-0.01)
	if !(width >= 1 && height >= 1 && x1-x0 <= maxPageSide && y1-y0 <= maxPageSide) {
		return 0, 0, matrix{}
	}
	return int(width), int(height), matrix{scale, 0, 0, -scale, -x0 * scale, y1 * scale}
}

// rasterise draws a page. With an error there may be a page as far as it was drawn.
func (f *pdfFile) rasterise(i, dpi int) (*image.Gray, error) {
	w, h, ctm := f.sheet(i, dpi)
	if w == 0 {
		return nil, errors.New("page without a usable size")
	}
	if err := f.opts.fits(w, h); err != nil {
		return nil, err
	}
	img := image.NewGray(image.Rect(0, 0, w, h))
	for k := range img.Pix {
		img.Pix[k] = 255
	}
	d := &pdfDrawing{file: f, canvas: &canvas{img: img}}
	d.state.ctm = ctm
	err := d.run(f.pages[i])
	return img, cmp.Or(err, f.opts.spend(d.canvas.work))
}

func (f *pdfFile) coordinate(v any) float64 {
	n, _ := f.resolve(v).(float64)
	return n
}
