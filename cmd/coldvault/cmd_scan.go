package main

import (
	"errors"

	"coldvault/cmd/internal/ceremony"
)

var errNothing = errors.New("nothing was given")

type scanCmd struct {
	Files []string `arg:"" name:"file" help:"Scans: PNG, JPEG, TIFF, PDF, text, folders of them; - is text on standard input."`
}

func (c *scanCmd) Run(u *ui) error {
	r, err := ceremony.Scan(u, c.Files, u.in)
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
