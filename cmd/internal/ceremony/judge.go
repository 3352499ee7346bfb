package ceremony

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/material"
	"coldvault/vault/material/aleph"
	"coldvault/vault/material/canton"
	"coldvault/vault/material/cardano"
	"coldvault/vault/material/filecoin"
	"coldvault/vault/material/pgdump"
	"coldvault/vault/secret"
)

// Rules are what files are judged by.
type Rules struct {
	Now   time.Time      // zero: dates are told, not judged
	Chain *cardano.Chain // the pool's network; nil where it is not known
	Only  []string       // profiles to ask; nil for all. Only when sealing, on record.
}

// ParseChain reads a public Cardano network's name, or the parameters of another
// one: START,SLOTS,EVOLUTIONS, the Unix time of slot 0, the slots in a KES period, and
// the evolutions of a KES key; slots are seconds.
func ParseChain(text string) (*cardano.Chain, error) {
	for _, c := range []cardano.Chain{cardano.Mainnet(), cardano.Preprod(), cardano.Preview()} {
		if c.Name == text {
			return &c, nil
		}
	}
	var start int64
	c := cardano.Chain{Name: "the network given", SlotLength: time.Second}
	_, err := fmt.Sscanf(text, "%d,%d,%d", &start, &c.SlotsPerPeriod, &c.MaxEvolutions)
	if err != nil || fmt.Sprintf("%d,%d,%d", start, c.SlotsPerPeriod, c.MaxEvolutions) != text || c.SlotsPerPeriod == 0 {
		return nil, usage("%q is no Cardano network: mainnet, preprod, preview, or START,SLOTS,EVOLUTIONS", text)
	}
	c.SystemStart = time.Unix(start, 0).UTC()
	return &c, nil
}

// profiles are the networks that are known; of equals the first wins. part says
// that the files are only a part of a set, such as one compartment.
func (r Rules) profiles(part bool) []material.Profile {
	return slices.DeleteFunc([]material.Profile{
		cardano.Profile{Now: r.Now, Chain: r.Chain, Part: part},
		canton.Profile{Now: r.Now, Part: part},
		aleph.Profile{Part: part},
		filecoin.Profile{},
		pgdump.Profile{},
	}, func(p material.Profile) bool { return len(r.Only) > 0 && !slices.Contains(r.Only, p.Name()) })
}

// Networks are the names of the profiles.
func Networks() []string {
	var names []string
	for _, p := range (Rules{}).profiles(false) {
		names = append(names, p.Name())
	}
	return names
}

// judge recognises files and judges them as a set. Keeps G12.
func (r Rules) judge(files []format.ContentsFile, data []*secret.Buffer, part bool) material.Report {
	return r.judgeAll(files, data, make([]*os.File, len(files)), part)
}

// judgeAll is judge where some files are too large for memory and have no data.
func (r Rules) judgeAll(files []format.ContentsFile, data []*secret.Buffer, large []*os.File, part bool) (report material.Report) {
	in := make([]material.File, len(files))
	for i, f := range files {
		mode, _ := format.ParseMode(f.Mode) // valid where it comes from
		in[i] = material.File{Name: f.Name, Size: f.Size, Mode: mode, Modified: f.Modified}
		if large[i] != nil {
			in[i].Large = large[i]
		} else {
			in[i].Data = data[i].Bytes()
		}
	}
	_ = secret.Do(func() error {
		report = material.Inspect(in, r.profiles(part)...)
		return nil
	})
	return report
}

// judgeEntries judges what is restored as it was judged when it was sealed, but for
// the modes, which are private now.
func (r Rules) judgeEntries(entries []vault.Entry, part bool) material.Report {
	var files []format.ContentsFile
	var data []*secret.Buffer
	for _, e := range entries {
		if e.Archive != nil {
			continue // it is hashed while it is written, and in no memory
		}
		e.Mode = vault.RestoredMode
		files, data = append(files, e.ContentsFile), append(data, e.Data)
	}
	return r.judge(files, data, part)
}

// Acceptance is a failed check that the operator accepts, and why.
type Acceptance struct{ Check, Because string }

// FailedChecksError says which checks stand against sealing.
type FailedChecksError struct{ Checks []string }

func (e *FailedChecksError) Error() string {
	return "the set is not coherent: " + strings.Join(e.Checks, ", ") + " failed"
}

// refuse returns an error for failed checks that are not accepted, and the
// acceptances that are needed.
func refuse(report material.Report, accept []Acceptance) ([]format.Accepted, error) {
	var failed []string
	for _, v := range report.Verdicts {
		if v.Status == material.Fail && !slices.Contains(failed, v.ID) {
			failed = append(failed, v.ID)
		}
	}
	var used []format.Accepted
	for _, a := range accept {
		i := slices.Index(failed, a.Check)
		if i < 0 {
			return nil, usage("check %s has not failed: there is nothing to accept", a.Check)
		}
		failed = slices.Delete(failed, i, i+1)
		used = append(used, format.Accepted{Check: a.Check, Because: a.Because})
	}
	if len(failed) > 0 {
		return nil, withHint(&FailedChecksError{failed},
			"nothing was sealed; mend the files, or say why it is right: --accept %s --because TEXT", failed[0])
	}
	return used, nil
}

// override puts files into the compartment the operator says, and records it.
func override(report *material.Report, put []string) (facts []format.Fact, err error) {
	for _, p := range put {
		i := strings.LastIndexByte(p, '=')
		if i < 0 {
			return nil, usage("--put %s is not FILE=hot, FILE=cold or FILE=both", p)
		}
		name, where := p[:i], p[i+1:]
		in, ok := map[string]material.Compartments{
			"hot": material.Hot, "cold": material.Cold, "both": material.Cold | material.Hot,
		}[where]
		if !ok {
			return nil, usage("--put %s: the compartment is hot, cold or both", p)
		}
		k := slices.IndexFunc(report.Items, func(item material.Item) bool { return item.Name == name })
		if k < 0 {
			return nil, usage("--put %s: no file of that name is being sealed", p)
		}
		report.Items[k].In = in
		facts = append(facts, format.Fact{Name: "put " + name, Value: where})
	}
	return facts, nil
}

// derivedIDs are the ids of what one compartment holds: they can be derived again
// from it alone.
func derivedIDs(files []format.ContentsFile, data []*secret.Buffer) []format.DerivedID {
	var out []format.DerivedID
	for _, id := range (Rules{}).judge(files, data, true).Identities {
		out = append(out, format.DerivedID{Network: id.Network, Name: id.Name, Value: id.Value})
	}
	return out
}

// compareIDs derives the ids of a restored compartment again. An id that was not
// known at sealing is no difference; one that has gone or changed is. Keeps G12.
func compareIDs(b *vault.Bundle) error {
	now := derivedIDs(b.Contents.Files, b.Data)
	var gone []string
	for _, id := range b.Contents.IDs {
		if !slices.Contains(now, id) {
			gone = append(gone, fmt.Sprintf("%s %s, which was %s", id.Network, id.Name, id.Value))
		}
	}
	if gone == nil {
		return nil
	}
	return fmt.Errorf("%d of %d ids not derived as when it was sealed: %s", len(gone), len(b.Contents.IDs), strings.Join(gone, "; "))
}

// askFacts asks for what a restore will need and no file says, and is not among the
// facts yet. Where nobody can answer, or does not know, it says what will be missing.
func askFacts(c Console, report material.Report, facts []format.Fact) ([]format.Fact, error) {
	for _, q := range (canton.Profile{}).Questions(report.Items) {
		if slices.ContainsFunc(facts, func(f format.Fact) bool { return f.Name == q.Name }) {
			continue
		}
		answer, err := c.Ask(q.Text)
		if err != nil && !errors.Is(err, ErrNobody) {
			return nil, err
		}
		if answer = strings.TrimSpace(answer); answer == "" {
			c.Warn("not recorded: %s; a restore will need it: seal again with --fact %s=VALUE", q.Text, q.Name)
			continue
		}
		facts = append(facts, format.Fact{Name: q.Name, Value: answer})
	}
	return facts, nil
}
