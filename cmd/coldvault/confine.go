package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/secret"
)

// confined is every command: it says which files and folders it was given, and nothing
// else can be opened from then on.
type confined interface{ paths() secret.Paths }

// confine puts the sandbox up, before the first byte from outside is parsed.
func (u *ui) confine(command any, required bool) error {
	c, ok := command.(confined)
	if !ok {
		return fmt.Errorf("%T does not say what it needs", command)
	}
	_, err := secret.Confine(c.paths())
	if errors.Is(err, secret.ErrNoSandbox) {
		if required {
			return &ceremony.HintError{Err: err, Hint: "use a Linux kernel of 5.13 or newer, or go on without --require-sandbox"}
		}
		u.Warn("%v", err)
		return nil
	}
	return err
}

// onlyFolders are those of the paths that are folders: media, which can be written to. The
// others are scans.
func onlyFolders(paths []string) []string {
	var out []string
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			out = append(out, p)
		}
	}
	return out
}

// parent is the folder that something is made in.
func parent(name string) string { return filepath.Dir(filepath.Clean(name)) }

// given leaves out what was not.
func given(paths ...string) []string {
	var out []string
	for _, p := range paths {
		if p != "" && p != "-" {
			out = append(out, p)
		}
	}
	return out
}

// program is the file of the program itself, which is on every medium.
func program() string {
	name, err := os.Executable()
	if err != nil {
		return "" // read through /proc/self/exe, or said to be missing
	}
	return name
}

func (c *demoCmd) paths() secret.Paths {
	dir := os.TempDir()
	if c.Dir != "" {
		dir = parent(c.Dir)
	}
	return secret.Paths{Read: given(program()), Write: []string{dir}}
}

func (c *inspectCmd) paths() secret.Paths { return secret.Paths{Read: c.Paths} }

func (c *initCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.PassphraseFile, c.DiceFile), Write: []string{parent(c.Vault), parent(c.Cards)}}
}

func (c *sealCmd) paths() secret.Paths {
	return secret.Paths{
		Read:  append(append(given(program(), c.PassphraseFile, c.Kit), c.Sources...), c.Attach...),
		Write: append([]string{c.Vault}, c.To...),
	}
}

func (c *paperCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.From), Write: []string{c.Vault, parent(c.Out)}}
}

func (c *scanCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(c.Files...), Devices: given(c.Camera)}
	if c.Rescue != "" {
		p.Write = []string{parent(c.Rescue)}
	}
	return p
}

func (c *checkCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(append(c.Paths, c.Card...)...), Write: given(c.Vault)}
	if c.Repair || !c.NoRecord {
		p.Write = append(p.Write, onlyFolders(c.Paths)...)
	}
	return p
}

func (c *restoreCmd) paths() secret.Paths {
	return secret.Paths{
		Read: given(append(append([]string{c.PassphraseFile}, c.From...), c.Card...)...),
		// The runbook goes beside the folder where it can.
		Write: []string{parent(c.To), c.To}, Devices: given(c.Camera),
	}
}

func (c *drillCmd) paths() secret.Paths {
	return secret.Paths{Read: given(append(append([]string{c.PassphraseFile}, c.From...), c.Card...)...), Write: given(c.Vault), Devices: given(c.Camera)}
}

func (c *copyCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.From...), Write: append(given(c.Vault), c.To...)}
}

func (c *kitCmd) paths() secret.Paths {
	return secret.Paths{Read: given(program(), c.PassphraseFile, c.Kit), Write: append([]string{c.Vault}, c.Media...)}
}

func (c *statusCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(c.Media...), Write: append([]string{c.Vault}, onlyFolders(c.Media)...)}
	if c.ICS != "" {
		p.Write = append(p.Write, parent(c.ICS))
	}
	return p
}

func (c *recordCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.Medium), Write: []string{c.Vault}}
}

func (c *preflightCmd) paths() secret.Paths { return secret.Paths{Read: given(program(), c.Vault)} }

func (versionCmd) paths() secret.Paths { return secret.Paths{} }
