package main

import (
	"errors"

	"coldvault/cmd/internal/ceremony"
)

var errNothing = errors.New("nothing was given")

type scanCmd struct {
	Files  []string `arg:"" name:"file" help:"Scans: PNG, JPEG, TIFF, PDF, text, folders of them; - is text on standard input."`
	Rescue string   `placeholder:"FOLDER" help:"New folder for what there is of pages that are not whole, labelled with what is missing. It is no backup, and this is never a success."`
}

func (c *scanCmd) Run(u *ui) error {
	r, err := ceremony.Scan(u, ceremony.ScanRequest{Files: c.Files, Stdin: u.in, Rescue: c.Rescue})
	if r == nil {
		return err
	}
	for _, in := range r.Inputs {
		if in.Medium {
			u.print("%s: a medium; `coldvault check` verifies it", in.Name)
			continue
		}
		u.print("%s: %d codes read, %d seen and not read; %d shares, %d frames", in.Name, in.Codes, in.Unread, in.Shares, in.Frames)
		u.emit("input", struct {
			Name   string `json:"name"`
			Pages  int    `json:"pages"`
			Codes  int    `json:"codes"`
			Unread int    `json:"unread"`
			Shares int    `json:"shares"`
			Frames int    `json:"frames"`
		}{in.Name, in.Pages, in.Codes, in.Unread, in.Shares, in.Frames})
	}
	u.pageSets(r.Pages)
	for _, m := range r.Media {
		u.checked(m)
	}
	u.shares(r.Shares)
	return err
}
