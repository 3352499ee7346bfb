package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault"
)

// remedy is what helps against the damage that a check found, after a repair if there was one:
// each kind has its own, and what does not help is not said.
func remedy(r *ceremony.CheckResult, repaired bool) string {
	var all []string
	add := func(format string, args ...any) {
		if hint := fmt.Sprintf(format, args...); !slices.Contains(all, hint) {
			all = append(all, hint)
		}
	}
	kit, other, lost, lostBundle, again := false, false, false, false, false
	for _, m := range r.Media {
		name := m.Medium.Source.Name()
		if slices.ContainsFunc(m.Findings, vault.Finding.Forked) {
			return "a generation was sealed twice, from two folders of the vault: find out what each holds with " +
				"`coldvault restore --from MEDIUM --generation N`, keep one folder, and seal from it what is right, archives too, onto all media with --keep 1"
		}
		if slices.ContainsFunc(m.Mended, notWritable) {
			more := ""
			if len(r.Media) > 1 {
				more = ", and a --from for each of the others that were given"
			}
			add("%s has no room or cannot be written: copy it to another medium with `coldvault copy --from %s --to ANOTHER`%s", name, name, more)
			continue // nothing else can be done there
		}
		for _, f := range m.Findings {
			switch {
			case f.Severity != vault.Damage:
			case f.ID == vault.GenerationGone && m.Medium.OwnFolder():
				add("what the vault's folder has lost is not brought back: seal again")
			case f.ID == vault.GenerationGone, f.ID == vault.VaultEmpty:
				add("no repair brings a generation back that is gone: `coldvault copy --from ANOTHER --to %s`, or seal onto it", name)
			case f.ID == vault.LedgerBehind:
				add("bring the vault's folder back before the next seal, which would hide what it lacks: how, VAULT-LEDGER-BEHIND says")
			case f.ID == ceremony.MediumClone:
				add("what to do about MEDIUM-CLONE its own line says")
			case f.ID == vault.GenerationChain && !besideFolder(r, m):
				add("whether anything is wrong with GENERATION-CHAIN the vault's folder tells: `coldvault check --vault FOLDER %s`", name)
			case f.ID == vault.GenerationChain:
				add("of GENERATION-CHAIN find out what each medium holds with `coldvault restore --from MEDIUM --generation N`, and keep all until then")
			case f.ID == vault.VaultIdentity && m.Medium.Identity == nil:
				add("nothing on %s proves what vault it is of: give another medium of the vault beside it, `coldvault check --repair %s ANOTHER`, and if its folder was renamed name it as it was", name, name)
			case strings.HasPrefix(f.ID, "KIT-"):
				kit = true
			default:
				other = true
			}
		}
		_, pages := m.Medium.Source.(vault.Pages)
		for _, g := range m.Generations {
			again = again || repaired && g.Repairable && !pages
			if !g.Whole && !g.Repairable {
				lost, lostBundle = true, lostBundle || !g.ArchivesLost()
			}
		}
	}
	switch {
	case !other: // what is gone has no file that is damaged
	case lost && !lostBundle:
		add("pages never hold archives, and what is lost of one only another stick or disk has: `coldvault check --repair MEDIUM ANOTHER`; where there is none, seal it again")
	case again && !lost:
		add("what can be repaired by now is still damaged: repair it once more")
	case lost || repaired:
		add("a medium that cannot be repaired alone needs one more that has the generation, or scans of its pages: " +
			"`coldvault check --repair MEDIUM ANOTHER`; where there is none, seal again")
	default:
		add("repair it with --repair, make a new copy from a good one, or seal again")
	}
	if kit {
		add("restore/ is written anew with `coldvault kit --vault FOLDER MEDIUM`, or with `coldvault check --repair MEDIUM ANOTHER` where the other has it whole; no backup hangs on it")
	}
	return strings.Join(all, "; ")
}

// besideFolder tells that a medium was checked together with its vault's folder.
func besideFolder(r *ceremony.CheckResult, m *vault.Checked) bool {
	return slices.ContainsFunc(r.Media, func(other *vault.Checked) bool { return other.Medium.OwnFolder() && other.Medium.ID == m.Medium.ID })
}

// notWritable tells that a file is as damaged as it was because of the medium that it is on.
func notWritable(m vault.Mended) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, fs.ErrPermission}, func(why error) bool { return errors.Is(m.Err, why) })
}
