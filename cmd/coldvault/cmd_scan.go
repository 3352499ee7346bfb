package main

import (
	"errors"

	"coldvault/cmd/internal/ceremony"
	"coldvault/qr/camera"
	"coldvault/vault/ledger"
)

var errNothing = errors.New("nothing was given")

type scanCmd struct {
	Files  []string `arg:"" optional:"" name:"file" help:"Scans: PNG, JPEG, TIFF, PDF, text, folders of them; - is text on standard input."`
	Camera string   `placeholder:"DEVICE" help:"Camera to show pages and cards to, as /dev/video0; until every set of pages is whole, or Ctrl-C."`
	Rescue string   `placeholder:"FOLDER" help:"New folder for what there is of pages that are not whole, labelled with what is missing. It is no backup, and this is never a success."`
	made   *ceremony.Folder
}

func (c *scanCmd) Run(u *ui) error {
	if len(c.Files) == 0 && c.Camera == "" {
		return &ceremony.HintError{Err: &ceremony.UsageError{Err: errNothing}, Hint: "coldvault scan FILE, or coldvault scan --camera /dev/video0"}
	}
	source, stop, err := u.openCamera(c.Camera)
	if err != nil {
		return err
	}
	defer stop()
	r, err := ceremony.Scan(u, ceremony.ScanRequest{Files: c.Files, Stdin: u.quiet(u.in), Rescue: c.made, Camera: source})
	if r == nil {
		return err
	}
	for _, in := range r.Inputs {
		if in.Medium {
			u.print("%s: a medium; `coldvault check` verifies it", in.Name)
			continue
		}
		u.print("%s: %s read, %d seen and not read; %s, %s", in.Name, ledger.Count(in.Codes, "code"), in.Unread,
			ledger.Count(in.Shares, "share"), ledger.Count(in.Frames, "frame"))
		u.input(in)
	}
	u.pageSets(r.Pages)
	for _, m := range r.Media {
		u.checked(m)
	}
	u.shares(r.Shares)
	return err
}

// input tells scripts what was read of a file; people are told why it is not used when that is seen.
func (u *ui) input(in ceremony.Input) {
	u.emit("input", struct {
		Name   string   `json:"name"`
		Pages  int      `json:"pages"`
		Codes  int      `json:"codes"`
		Unread int      `json:"unread"`
		Shares int      `json:"shares"`
		Frames int      `json:"frames"`
		Notes  []string `json:"notes"`
	}{in.Name, in.Pages, in.Codes, in.Unread, in.Shares, in.Frames, append([]string{}, in.Notes...)})
}

// openCamera opens a camera; without a name there is none.
func (u *ui) openCamera(name string) (source camera.Source, stop func(), err error) {
	if name == "" {
		return nil, func() {}, nil
	}
	device, err := camera.Open(name)
	if err != nil {
		return nil, nil, &ceremony.HintError{Err: err, Hint: "give a V4L2 camera, as /dev/video0; or scan the pages and give the files"}
	}
	return device, func() { _ = device.Close() }, nil
}
