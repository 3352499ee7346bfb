package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coldvault/cmd/internal/ceremony"
	"coldvault/media/paper"
	"coldvault/vault/material/runbook"
	"coldvault/vault/secret"
)

// unattended are the flags with which nothing is asked. All commands of a ceremony
// have all of them, so that one set fits a whole script.
type unattended struct {
	PassphraseFile string `name:"passphrase-file" placeholder:"FILE" help:"Read the passphrase of the vault's signer from the first line of FILE (- is standard input)."`
	Yes            bool   `help:"Never ask; what is missing is an error."`
	AcceptNetwork  bool   `name:"accept-network" help:"Go on although this host is connected to a network."`
	AcceptSwap     bool   `name:"accept-swap" help:"Go on although memory can be written to a disk: swap in clear, hibernation, core files."`
}

// apply sets how secrets are got. A file that is not there is an error also where it would
// not be read.
func (f unattended) apply(u *ui) error {
	u.secrets = prompts{passphraseFile: f.PassphraseFile, yes: f.Yes}
	for _, name := range given(f.PassphraseFile) {
		if _, err := os.Stat(name); err != nil {
			return fmt.Errorf("the passphrase's file: %w", err)
		}
	}
	return nil
}

// host is the machine, with what the flags accept of it.
func (f unattended) host(u *ui) ceremony.Host {
	return ceremony.Host{Facts: u.facts, Accept: ceremony.Accept{Network: f.AcceptNetwork, Swap: f.AcceptSwap}}
}

type paperSize struct {
	Paper string `enum:"a4,letter" default:"a4" help:"Paper size: a4 or letter."`
}

func (p paperSize) size() paper.Size {
	size, _ := paper.ParseSize(p.Paper) // kong has checked the enum
	return size
}

type initCmd struct {
	Vault           string   `required:"" placeholder:"FOLDER" help:"Folder to make for the vault; it stays on the cold machine."`
	Label           string   `required:"" help:"Name of the vault, printed on every card and page; readable on every medium."`
	Shares          int      `required:"" placeholder:"N" help:"Number of cards, one a custodian."`
	Threshold       int      `required:"" placeholder:"K" help:"Cards that open the vault."`
	HotThreshold    int      `name:"hot-threshold" placeholder:"K" help:"Cards that open the hot compartment; the same as --threshold unless given."`
	Custodian       []string `sep:"none" placeholder:"NAME" help:"Name for a card, repeated in the order of the cards. Printed, and in no code."`
	NameOthers      bool     `name:"name-others" help:"Print on every card who keeps the others. It helps the custodians, and whoever steals a card."`
	Cards           string   `required:"" placeholder:"FOLDER" help:"Folder to write the cards to as PDF. They are secrets."`
	Dice            bool     `xor:"dice" help:"Mix rolls of a die, typed at the terminal, into the system's randomness; never instead of it."`
	DiceFile        string   `name:"dice-file" xor:"dice" placeholder:"FILE" help:"Take the rolls from FILE: digits from 1 to 6."`
	AcceptAllShares bool     `name:"accept-all-shares" help:"Allow that every card is needed."`
	paperSize
	unattended
	made *ceremony.CreateOutputs
}

func (c *initCmd) request() ceremony.CreateRequest {
	return ceremony.CreateRequest{
		Vault: c.Vault, Cards: c.Cards, Label: c.Label, Shares: c.Shares, Threshold: c.Threshold, Hot: c.HotThreshold,
		AllShares: c.AcceptAllShares, Custodians: c.Custodian, NameOthers: c.NameOthers, Paper: c.size(), Now: time.Now(),
	}
}

// dice is where rolls come from, nil for nowhere.
func (c *initCmd) dice(u *ui) func() (*secret.Buffer, error) {
	switch {
	case c.DiceFile != "":
		return func() (*secret.Buffer, error) { return u.diceFromFile(c.DiceFile) }
	case c.Dice:
		return u.askDice
	}
	return nil
}

func (c *initCmd) Run(u *ui) error {
	if err := c.unattended.apply(u); err != nil {
		return err
	}
	if c.Dice && c.Yes {
		return &ceremony.HintError{Err: &ceremony.UsageError{Err: errors.New("--dice asks for rolls and --yes never asks")}, Hint: "give the rolls with --dice-file FILE"}
	}
	r := c.request()
	r.Dice, r.Host, r.Made = c.dice(u), c.host(u), c.made
	result, err := ceremony.Create(u, r)
	if err != nil {
		return err
	}
	u.accepted(result.HostAccepted)
	id := result.Identity
	u.heading("vault %s %q", id.Vault.ID, id.Vault.Label)
	u.print("  fingerprint  %s", strings.Join(id.Words(), " "))
	u.print("               %s", id.FingerprintHex())
	for _, set := range id.Shares.Sets {
		u.print("  %-4s         any %d of %d cards, set %s", set.Compartment, set.Threshold, set.Shares, set.Set)
	}
	u.print("  cards        %s … card-%d.pdf", result.Cards[0], len(result.Cards))
	u.print("")
	c.sayFarewell(u, result.InMemory)
	u.emit("vault", struct {
		Vault       string   `json:"vault"`
		Label       string   `json:"label"`
		Fingerprint string   `json:"fingerprint"`
		Words       []string `json:"words"`
		Folder      string   `json:"folder"`
		Cards       []string `json:"cards"`
		InMemory    bool     `json:"cards_in_memory"`
	}{id.Vault.ID, id.Vault.Label, id.FingerprintHex(), id.Words(), c.Vault, result.Cards, result.InMemory})
	return nil
}

// quoted is the absolute name of a folder as a shell takes it, from the terminal too, where
// not every character is shown.
func quoted(folder string) string {
	if absolute, err := filepath.Abs(folder); err == nil {
		folder = absolute
	}
	if clean(folder) != folder {
		return runbook.Quote(folder)
	}
	return "'" + strings.ReplaceAll(folder, "'", `'\''`) + "'"
}

// sayFarewell says how to get rid of the PDFs once they are printed and proven.
func (c *initCmd) sayFarewell(u *ui, inMemory bool) {
	u.print("Print each card, scan the print and prove it: coldvault check --vault %s --card SCAN", quoted(c.Vault))
	u.print("Then get rid of the PDFs, which are the vault: rm -r %s", quoted(c.Cards))
	if inMemory {
		u.print("They are in memory only (tmpfs): removed they are gone, at the latest when the machine is switched off. Empty the")
		u.print("printer's memory too: switch it off.")
		return
	}
	u.print("They are on a disk. On flash (SSD, USB stick, SD card) neither rm nor shred erases for certain what was once written:")
	u.print("keep or destroy that disk like a card, or do this again with --cards /dev/shm/cards, which is in memory only.")
}
