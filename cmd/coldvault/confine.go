package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/secret"
)

// confined is every command: it says which files and folders it was given, and nothing
// else can be opened from then on.
type confined interface{ paths() secret.Paths }

// landlock is in the kernel since 5.13, and not everywhere switched on (landlock(7)).
const sandboxHint = "use a Linux kernel of 5.13 or newer with landlock among its security modules (boot option lsm=), " +
	"or go on without --require-sandbox"

// confine puts the sandbox up, before the first byte from outside is parsed.
func (u *ui) confine(command any, required bool) error {
	c, ok := command.(confined)
	if !ok {
		return fmt.Errorf("%T does not say what it needs", command)
	}
	var err error
	u.sandbox, err = secret.Confine(c.paths())
	if errors.Is(err, secret.ErrNoSandbox) {
		if required {
			return &ceremony.HintError{Err: err, Hint: sandboxHint}
		}
		u.Warn("%v", err)
		return nil
	}
	return err
}

// existingFolders are those of the paths that are folders: media, and where something is made. What
// is not there is said where it is used; to be allowed to write to the folder above it, for
// a name with a mistake in it, is what nobody asked for.
func existingFolders(paths ...string) []string {
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
	return secret.Paths{Read: given(c.PassphraseFile, c.DiceFile), Write: existingFolders(parent(c.Vault), parent(c.Cards))}
}

func (c *sealCmd) paths() secret.Paths {
	p := secret.Paths{
		Read:  slices.Concat(given(program(), c.PassphraseFile, c.Kit), c.Sources, c.Attach),
		Write: existingFolders(append(c.To, c.Vault)...),
	}
	if c.Replug {
		p.Read = append(p.Read, ceremony.PlacesToPutBack(c.To)...)
	}
	return p
}

func (c *paperCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.From), Write: existingFolders(c.Vault, parent(c.Out))}
}

func (c *scanCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(c.Files...), Devices: given(c.Camera)}
	if c.Rescue != "" {
		p.Write = existingFolders(parent(c.Rescue))
	}
	return p
}

func (c *checkCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(slices.Concat(c.Paths, c.Card)...), Write: existingFolders(c.Vault)}
	if c.Repair || !c.NoRecord {
		p.Write = append(p.Write, existingFolders(c.Paths...)...)
	}
	return p
}

func (c *restoreCmd) paths() secret.Paths {
	return secret.Paths{
		Read: given(slices.Concat([]string{c.PassphraseFile}, c.From, c.Card)...),
		// The runbook goes beside the folder where it can.
		Write: existingFolders(parent(c.To), c.To), Devices: given(c.Camera),
	}
}

func (c *drillCmd) paths() secret.Paths {
	return secret.Paths{
		Read: given(slices.Concat([]string{c.PassphraseFile}, c.From, c.Card)...), Write: existingFolders(c.Vault), Devices: given(c.Camera),
	}
}

func (c *copyCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.From...), Write: existingFolders(append(c.To, c.Vault)...)}
}

func (c *kitCmd) paths() secret.Paths {
	return secret.Paths{Read: given(program(), c.PassphraseFile, c.Kit), Write: existingFolders(append(c.Media, c.Vault)...)}
}

func (c *statusCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(c.Media...), Write: existingFolders(append(c.Media, c.Vault)...)}
	if c.ICS != "" {
		p.Write = append(p.Write, existingFolders(parent(c.ICS))...)
	}
	return p
}

func (c *recordCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.Medium), Write: existingFolders(c.Vault)}
}

func (c *preflightCmd) paths() secret.Paths { return secret.Paths{Read: given(program(), c.Vault)} }

func (versionCmd) paths() secret.Paths { return secret.Paths{} }
