package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/secret"
)

// confined is every command: it says which files and folders it was given, but for those
// that it makes. Nothing else can be opened from then on.
type confined interface{ paths() secret.Paths }

// maker is a command that makes folders or files: before the sandbox is up, which then need
// not allow it to do that.
type maker interface{ outputs(*ceremony.Outputs) }

// landlock is in the kernel since 5.13, and not everywhere switched on (landlock(7)).
const sandboxHint = "use a Linux kernel of 5.13 or newer with landlock among its security modules (boot option lsm=), " +
	"or go on without --require-sandbox"

// confine makes the outputs of a command and puts the sandbox up, before the first byte from
// outside is parsed. Keeps G20.
func (u *ui) confine(command any, o *ceremony.Outputs, required bool) error {
	c, ok := command.(confined)
	if !ok {
		return fmt.Errorf("%T does not say what it needs", command)
	}
	if m, ok := command.(maker); ok {
		m.outputs(o)
	}
	var err error
	u.sandbox, err = secret.Confine(c.paths(), o.Paths())
	if errors.Is(err, secret.ErrNoSandbox) {
		if required {
			return &ceremony.HintError{Err: err, Hint: sandboxHint}
		}
		u.Warn("%v", err)
		return nil
	}
	return err
}

// writing adds folders to write to. What is a file is opened, to be told that it is no
// folder.
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

func (c *demoCmd) paths() secret.Paths { return secret.Paths{Read: given(program())} }

func (c *demoCmd) outputs(o *ceremony.Outputs) { c.made = o.Demo(c.Dir) }

func (c *inspectCmd) paths() secret.Paths { return secret.Paths{Read: c.Paths} }

func (c *initCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.PassphraseFile, c.DiceFile)}
}

func (c *initCmd) outputs(o *ceremony.Outputs) { c.made = o.Create(c.request()) }

func (c *sealCmd) paths() secret.Paths {
	p := secret.Paths{Read: slices.Concat(given(program(), c.PassphraseFile, c.Kit), c.Sources, c.Attach)}
	if c.Replug {
		p.Read = append(p.Read, ceremony.PlacesToPutBack(c.To)...)
	}
	return writing(p, append(c.To, c.Vault)...)
}

func (c *paperCmd) paths() secret.Paths {
	return writing(secret.Paths{Read: given(c.From)}, c.Vault)
}

func (c *paperCmd) outputs(o *ceremony.Outputs) { c.made = o.Pages(c.Out) }

func (c *scanCmd) paths() secret.Paths {
	return secret.Paths{Read: given(c.Files...), Devices: given(c.Camera)}
}

func (c *scanCmd) outputs(o *ceremony.Outputs) { c.made = o.Rescue(c.Rescue) }

func (c *checkCmd) paths() secret.Paths {
	p := secret.Paths{Read: given(slices.Concat(c.Paths, c.Card)...)}
	if c.Repair || !c.NoRecord {
		p = writing(p, c.Paths...)
	}
	return writing(p, c.Vault)
}

func (c *restoreCmd) paths() secret.Paths {
	return secret.Paths{Read: given(slices.Concat([]string{c.PassphraseFile}, c.From, c.Card)...), Devices: given(c.Camera)}
}

func (c *restoreCmd) outputs(o *ceremony.Outputs) {
	if c.Role == ceremony.RoleVault {
		c.folder = o.Rebuild(c.To)
		return
	}
	c.made = o.Restore(c.Role, c.To)
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
	return writing(secret.Paths{Read: given(c.Media...)}, append(c.Media, c.Vault)...)
}

func (c *statusCmd) outputs(o *ceremony.Outputs) { c.made = o.Calendar(c.ICS) }

func (c *recordCmd) paths() secret.Paths {
	return writing(secret.Paths{Read: given(c.Medium)}, c.Vault)
}

func (c *preflightCmd) paths() secret.Paths { return secret.Paths{Read: given(program(), c.Vault)} }

func (versionCmd) paths() secret.Paths { return secret.Paths{} }
