package main

import (
	"fmt"
	"time"

	"coldvault/cmd/internal/ceremony"
)

type sealCmd struct {
	Vault   string   `required:"" placeholder:"FOLDER" help:"The vault's folder, made by init."`
	To      []string `required:"" sep:"none" placeholder:"MEDIUM" help:"Medium to write to: a mounted stick or any folder. Repeat it: two copies are the least."`
	Sources []string `arg:"" name:"source" help:"Files and folders to seal. The names inside a folder are kept relative to it."`
	unattended
}

func (c *sealCmd) Run(u *ui) error {
	c.unattended.apply(u)
	result, err := ceremony.Seal(u, ceremony.SealRequest{Vault: c.Vault, Sources: c.Sources, To: c.To, Now: time.Now()})
	if result == nil {
		return err
	}
	u.report(result.Report)
	u.heading("generation %d of vault %s", result.Generation, result.Vault)
	for _, name := range []string{"cold.age", "hot.age"} {
		u.print("  %-9s %d bytes", name, result.Sizes[name])
	}
	failed := []failedJSON{}
	for _, m := range result.Media {
		u.verdict(green, "PROVEN", "%s", m)
	}
	for _, f := range result.Failed {
		u.verdict(red, "FAILED", "%s", f)
		failed = append(failed, failedJSON{f.Medium, f.Err.Error()})
	}
	if len(result.Media) == 1 && err == nil {
		u.print("One copy is no backup: seal to a second medium, and print it with `coldvault paper`.")
	}
	u.emit("generation", struct {
		Vault  string       `json:"vault"`
		Number int          `json:"number"`
		Digest string       `json:"digest"`
		Media  []string     `json:"media"`
		Failed []failedJSON `json:"failed"`
	}{result.Vault, result.Generation, result.Digest, append([]string{}, result.Media...), failed})
	return err
}

type failedJSON struct {
	Medium string `json:"medium"`
	Error  string `json:"error"`
}

type inspectCmd struct {
	Paths []string `arg:"" name:"path" help:"Files and folders."`
}

func (c *inspectCmd) Run(u *ui) error {
	report, err := ceremony.Inspect(c.Paths, time.Now())
	u.report(report)
	if err != nil {
		return fmt.Errorf("the set is not coherent: %w", err)
	}
	return nil
}
