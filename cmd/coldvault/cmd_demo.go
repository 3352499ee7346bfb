package main

import (
	"time"

	"coldvault/cmd/internal/ceremony"
)

type demoCmd struct {
	Dir  string `placeholder:"FOLDER" help:"Keep everything in this new folder to look at; without it nothing is left behind."`
	made *ceremony.Folder
}

func (c *demoCmd) Run(u *ui) error {
	dir, err := c.made.Name("--dir")
	switch {
	case err != nil:
		return err
	case c.Dir == "":
		// Restored files are 0400 and folders 0700: removable by their owner.
		defer c.made.Remove()
		defer u.OnInterrupt(c.made.Remove)()
	}
	start := time.Now()
	u.print("This is the whole job of coldvault, on a stake pool that does not exist.")
	n := 0
	err = ceremony.Demo(u, dir, start, u.facts, func(a ceremony.Act) {
		n++
		u.print("")
		u.heading("%d. %s", n, a.Title)
		for _, l := range a.Lines {
			u.print("   %s", l)
		}
		u.emit("act", struct {
			Title string   `json:"title"`
			Lines []string `json:"lines"`
		}{a.Title, a.Lines})
	})
	if err != nil {
		return err
	}
	u.print("")
	u.verdict(green, "PROVEN", "one medium lost, one damaged, and every key came back, twice; %d seconds", int(time.Since(start).Seconds()+0.5))
	if c.Dir != "" {
		u.print("Everything is in %s: the cards and pages are PDFs to look at.", c.Dir)
		return nil
	}
	u.print("Nothing was left behind; with --dir FOLDER everything is kept to look at.")
	return nil
}
