package scan

import (
	"bytes"
	"errors"
)

func isPDF(data []byte) bool { return bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) }

func openPDF(data []byte, opts Options) (pageSource, error) { return nil, errors.New("not yet") }
