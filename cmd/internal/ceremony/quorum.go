package ceremony

// What restore, drill and the setting up of a vault's folder begin with: a generation is
// found, a quorum of its cards collected, and its compartments are opened.

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"coldvault/qr/camera"
	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/ledger"
	"coldvault/vault/secret"
)

// Opening is what is given to open a generation, and which one.
type Opening struct {
	From   []string // media, scans of pages, text; they may hold cards too
	Cards  []string
	Stdin  io.Reader
	Camera camera.Source // pages are read from it where there is no medium, then cards
	Vault  string        // id, where the media hold several
	Number int           // generation, 0 for the newest
	Host   Host
}

// gate refuses what cannot be meant, and then a host that is not fit for secrets.
func (g Opening) gate(c Console) (accepted []airgap.Finding, err error) {
	if g.Number < 0 {
		return nil, usage("generation %d does not exist", g.Number)
	}
	return hostGate(c, g.Host)
}

// opened is a generation, a quorum of its cards, and the compartments that were asked for.
type opened struct {
	generation *vault.Copy
	shares     *vault.Shares
	bundles    []*vault.Bundle
	in         *Intake // the media that the generation is read from
	otherIDs   error   // ids that come out otherwise than when it was sealed
}

// close wipes the bundles and what was left of them.
func (o *opened) close() {
	for _, b := range o.bundles {
		b.Destroy()
	}
	o.in.Close()
	secret.Collect()
}

// open finds the generation, collects a quorum and opens the compartments. The caller closes
// what it returns.
func (g Opening) open(c Console, compartments []string) (_ *opened, err error) {
	o, err := g.find(c, (*sources).all)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	if err := o.collectShares(c, compartments); err != nil {
		return nil, err
	}
	if err := o.openBundles(c, compartments); err != nil {
		return nil, err
	}
	return o, nil
}

// find reads what was given and finds the generation on the sources that are chosen of it.
func (g Opening) find(c Console, choose func(*sources) []*vault.Medium) (_ *opened, err error) {
	in, err := NewIntake()
	if err != nil {
		return nil, err
	}
	in.camera = g.Camera
	o := &opened{in: in}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	readInputs(c, in, g.Stdin, g.From, g.Cards)
	found, err := findSources(c, in)
	if err != nil {
		return nil, err
	}
	if o.generation, err = selectGeneration(c, choose(found), g.Vault, g.Number); err != nil {
		return nil, err
	}
	g.Host.warnClock(c, o.generation.Manifest.Created)
	return o, nil
}

// collectShares judges the cards, names the bad ones, and asks for more as long
// as a quorum is missing and somebody can answer.
func (o *opened) collectShares(c Console, wanted []string) error {
	in, id, reported := o.in, o.generation.Identity, 0
	for {
		shares := vault.JudgeShares(id, in.shares())
		for i := reported; i < len(shares.Judged); i++ {
			reportShare(c, shares.Judged[i], in.Shares[i].From)
		}
		reported = len(shares.Judged)
		err := shares.Enough(wanted)
		if err == nil {
			o.shares = shares
			return nil
		}
		if in.camera != nil {
			c.Say("camera: show the cards: %v", err)
			enough := func() bool { return vault.JudgeShares(id, in.shares()).Enough(wanted) == nil }
			if err := in.watch(c, in.camera, enough); err != nil {
				return err
			}
			in.camera = nil
			continue
		}
		line, askErr := c.Card(err.Error() + ". Next card: scan a code, or type its digits or words")
		if errors.Is(askErr, ErrNobody) {
			return withHint(err, "add the missing cards with --card FILE (image, PDF or text); any %s will do", quorumHint(err))
		}
		if askErr != nil {
			return askErr
		}
		if err := in.AddTyped(c, line.Bytes()); err != nil {
			c.Warn("%v", err)
		}
		line.Destroy()
		secret.Collect()
	}
}

func quorumHint(err error) string {
	var q *vault.QuorumError
	if !errors.As(err, &q) {
		return "cards of this vault"
	}
	var parts []string
	for _, n := range q.Needs {
		parts = append(parts, fmt.Sprintf("%d for %s", n.Need, n.Compartment))
	}
	return strings.Join(parts, " and ")
}

func reportShare(c Console, j shard.Judgement, from string) {
	switch j.Verdict {
	case shard.Accepted:
		c.Say("%s: %s", from, j.Reason)
	case shard.Duplicate:
		c.Say("%s: %s", from, j.Reason)
	default:
		c.Warn("%s: refused: %s", from, j.Reason)
	}
}

// openBundles opens the compartments and derives the ids of what is in them again.
func (o *opened) openBundles(c Console, wanted []string) error {
	for _, name := range wanted {
		b, notes, err := o.generation.Open(name, o.shares)
		for _, n := range notes {
			c.Warn("%s", n)
		}
		if errors.Is(err, secret.ErrLimit) {
			return withHint(err, "allow more locked memory with `ulimit -l unlimited`, or run as root")
		}
		if err != nil {
			return tryAnother(err)
		}
		o.bundles = append(o.bundles, b)
		c.Say("compartment %s opened: %s, each with the digest it was sealed with", name, ledger.Count(len(b.Data), "file"))
		if err := compareIDs(b); err != nil {
			// No reason to hold keys back: another version of this program may derive otherwise.
			o.otherIDs = errors.Join(o.otherIDs, err)
			c.Warn("compartment %s: every file has the digest it was sealed with, and %v: compare with what the program in restore/ of a medium derives", name, err)
		} else if n := len(b.Contents.IDs); n > 0 {
			c.Say("compartment %s: %s derived again as at sealing", name, ledger.Count(n, "id"))
		}
	}
	return nil
}
