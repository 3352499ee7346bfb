package vault

import (
	"errors"
	"fmt"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// exchanged is a pair of which the good medium has the first generation alone, and on the bad one some files
// of the first and the second have taken each other's places.
func exchanged(t *testing.T, names ...string) *pair {
	t.Helper()
	p := newPair(t)
	require.NoError(t, media.NewDir(p.good).RemoveAll(p.at(generationDir(2))))
	for _, name := range names {
		one, two := p.at(path.Join(generationDir(1), name)), p.at(path.Join(generationDir(2), name))
		data := map[string][]byte{two: readOn(t, p.bad, one), one: readOn(t, p.bad, two)}
		for name, data := range data {
			require.NoError(t, p.bad.Remove(name))
			require.NoError(t, media.NewDir(p.bad).Commit(name, data))
		}
	}
	return p
}

// Files that have taken each other's places are put back, alone and beside a medium that has one of them:
// nothing is replaced that is the only whole copy of another. Breaks G22.
func TestFilesThatWereExchangedArePutBack(t *testing.T) {
	all := []string{"cold.age", "cold.age.parity", "hot.age", "ledger.age", "archive-01.age", "archive-01.age.parity"}
	for name, c := range map[string]struct {
		names []string
		also  func(t *testing.T, p *pair)
	}{
		"bundles":        {names: []string{"cold.age"}},
		"all":            {names: all},
		"and a manifest": {all, func(t *testing.T, p *pair) { flipOn(t, p.bad, p.at("generations/000001/manifest.json"), 60) }},
		"and its log":    {all, func(t *testing.T, p *pair) { p.relog(t, 1) }},
		"one is gone":    {[]string{"cold.age"}, func(t *testing.T, p *pair) { require.NoError(t, p.bad.Remove(p.at("generations/000002/cold.age"))) }},
		"one is damaged": {[]string{"cold.age"}, func(t *testing.T, p *pair) { flipOn(t, p.bad, p.at("generations/000002/cold.age"), 60) }},
		"with a byte changed": {[]string{"cold.age"}, func(t *testing.T, p *pair) {
			flipOn(t, p.bad, p.at("generations/000001/cold.age"), 60)
		}},
		"all, with bytes changed": {all, func(t *testing.T, p *pair) {
			flipOn(t, p.bad, p.at("generations/000001/cold.age"), 60)
			flipOn(t, p.bad, p.at("generations/000001/archive-01.age"), 60)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := exchanged(t, c.names...)
			if c.also == nil {
				require.NoError(t, mend(p.bad), "alone")
				require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
				p = exchanged(t, c.names...)
			} else {
				c.also(t, p)
			}
			require.NoError(t, p.mend(p.bad))
			require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
		})
	}
}

// What lies in the place of another and is damaged too, both of them, is not taken for rubbish. Breaks G22.
func TestFilesThatWereExchangedAndDamagedAreRebuilt(t *testing.T) {
	p := exchanged(t, "cold.age")
	for _, n := range []int{1, 2} {
		flipOn(t, p.bad, p.at(path.Join(generationDir(n), "cold.age")), 60)
	}
	require.NoError(t, p.mend(p.bad), "the good one has the first")
	require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))

	p = exchanged(t, "cold.age")
	flipOn(t, p.bad, p.at("generations/000001/cold.age"), 60)
	require.NoError(t, mend(p.bad), "alone")
	require.NoError(t, errors.Join(p.asSealed(p.bad), findsNothing(p.bad)))
}

// Wherever the power fails, the next repair ends what was begun. Shows G22.
func TestAPowerCutWhileExchangedFilesArePutBackLosesNothing(t *testing.T) {
	p := exchanged(t, "cold.age", "archive-01.age")
	flipOn(t, p.bad, p.at("generations/000001/cold.age"), 60)
	states := 0
	_, err := mediatest.Cut(p.bad.Snapshot(), crashLimit(), p.mend, func(after *mediatest.FS, done bool) error {
		if states++; !done && !exhaustive() && states%3 > 0 {
			return nil
		}
		if !done {
			if err := p.mend(after); err != nil {
				return fmt.Errorf("the next repair: %w", err)
			}
		}
		return errors.Join(p.asSealed(after), findsNothing(after))
	})
	require.NoError(t, err)
	t.Logf("%d states after power cuts, none lost anything", states)
	require.Greater(t, states, 100)
}

// A fault of the medium is said, and loses nothing either.
func TestEveryFaultWhileExchangedFilesArePutBackIsSeen(t *testing.T) {
	p := exchanged(t, "cold.age", "archive-01.age")
	flipOn(t, p.bad, p.at("generations/000001/cold.age"), 60)
	everyFault(t, p.bad, faultStep(5), func(f faulty) bool {
		err := p.mend(f)
		if f.fault == mediatest.ShortRead || f.fault == mediatest.FlippedRead {
			return err != nil // what was read wrongly may be taken for damage
		}
		if err != nil {
			require.NoError(t, p.mend(f.inner), "%s: once more, after %v", f, err)
		}
		require.NoError(t, p.asSealed(f.inner), "%s: %v", f, err)
		return err != nil
	})
}
