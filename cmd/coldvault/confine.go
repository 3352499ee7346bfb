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

// confine puts the sandbox up, before the first byte from outside is parsed. Keeps G20.
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

// writing adds folders to write to: media, and where something is made. For a name with a
// mistake in it the folder above is not meant; a file is opened, to be told that it is none.
func writing(p secret.Paths, names ...string) secret.Paths {
	for _, name := range given(names...) {
		info, err := os.Stat(name)
		switch {
		case err != nil: // said where it is used
		case info.IsDir():
			p.Write = append(p.Write, name)
		default:
			p.Read = append(p.Read, name)
		}
	}
	return p
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
	return writing(secret.Paths{Read: given(c.PassphraseFile, c.DiceFile)}, parent(c.Vault), parent(c.Cards))
}

func (c *sealCmd) paths() secret.Paths {
	p := secret.Paths{Read: slices.Concat(given(program(), c.PassphraseFile, c.Kit), c.Sources, c.Attach)}
	if c.Replug {
		p.Read = append(p.Read, ceremony.PlacesToPutBack(c.To)...)
	}
	return writing(p, append(c.To, c.Vault)...)
}

func (c *paperCmd) paths() secret.Paths {
	return writing(secret.Paths{Read: given(c.From)}, c.Vault, parent(c.Out))
}

func (c *scanCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(c.Files...), Devices: given(c.Camera)}
	if c.Rescue != "" {
		p = writing(p, parent(c.Rescue))
	}
	return p
}

func (c *checkCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(slices.Concat(c.Paths, c.Card)...)}
	if c.Repair || !c.NoRecord {
		p = writing(p, c.Paths...)
	}
	return writing(p, c.Vault)
}

func (c *restoreCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(slices.Concat([]string{c.PassphraseFile}, c.From, c.Card)...), Devices: given(c.Camera)}
	// The runbook goes beside the folder where it can.
	return writing(p, parent(c.To), c.To)
}

func (c *drillCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(slices.Concat([]string{c.PassphraseFile}, c.From, c.Card)...), Devices: given(c.Camera)}
	return writing(p, c.Vault)
}

func (c *copyCmd) paths() secret.Paths {
	return writing(secret.Paths{Read: given(c.From...)}, append(c.To, c.Vault)...)
}

func (c *kitCmd) paths() secret.Paths {
	return writing(secret.Paths{Read: given(program(), c.PassphraseFile, c.Kit)}, append(c.Media, c.Vault)...)
}

func (c *statusCmd) paths() secret.Paths {
	p := writing(secret.Paths{Read: given(c.Media...)}, append(c.Media, c.Vault)...)
	if c.ICS != "" {
		p = writing(p, parent(c.ICS))
	}
	return p
}

func (c *recordCmd) paths() secret.Paths {
	return writing(secret.Paths{Read: given(c.Medium)}, c.Vault)
}

func (c *preflightCmd) paths() secret.Paths { return secret.Paths{Read: given(program(), c.Vault)} }

func (versionCmd) paths() secret.Paths { return secret.Paths{} }
