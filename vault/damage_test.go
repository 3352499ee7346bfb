package vault

import (
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
	"coldvault/vault/ledger"
)

// small is a medium with two generations, an archive, a kit and a log, as files.
func (w *world) small(t *testing.T) map[string][]byte {
	t.Helper()
	stick := mediatest.New("stick")
	for range 2 {
		_, err := w.sealWith(archiveFile(t, 3_000), 0, media.NewDir(stick))
		require.NoError(t, err)
	}
	files := map[string][]byte{}
	collect(t, media.NewDir(stick), ".", files)
	require.Equal(t, 30, len(files))
	return files
}

func collect(t *testing.T, d *media.Dir, dir string, files map[string][]byte) {
	t.Helper()
	names, err := d.List(dir)
	require.NoError(t, err)
	for _, name := range names {
		name = path.Join(dir, name)
		if data, err := d.Read(name, 1<<20); err == nil {
			files[name] = data
			continue
		}
		collect(t, d, name, files)
	}
}

// silent tells that check has nothing to say.
func silent(files map[string][]byte) (repaired, quiet bool) {
	source := media.Memory{Title: "stick", Files: files}
	found, err := OpenMedia(source)
	if err != nil {
		return false, false
	}
	checked := Check(found[0], false, nil)
	for _, f := range checked.Findings {
		if f.Severity == Damage || f.ID == "MEDIUM-LOG" || f.ID == "GENERATION-INCOMPLETE" {
			return checkedRepairable(checked), false
		}
	}
	return false, true
}

func checkedRepairable(c *Checked) bool {
	for _, g := range c.Generations {
		if !g.Whole && !g.Repairable {
			return false
		}
	}
	return true
}

// Every file of a small medium cut off at every length, dropped, and exchanged with that
// of another generation and of another vault: check names each, silent is none.
func TestNoDamageIsSilent(t *testing.T) {
	w := newFastWorld(t)
	files := w.small(t)
	other := newFastWorld(t)
	foreign := map[string][]byte{}
	for name, data := range other.small(t) {
		foreign[strings.ReplaceAll(name, other.folder.ID, w.folder.ID)] = data
	}
	step := 61
	if exhaustive() {
		step = 7
	}
	named, repairable := 0, 0
	try := func(what, name string, changed map[string][]byte) {
		repaired, quiet := silent(changed)
		// A medium without a log was never checked, and one that is cut off after a
		// line lacks the newest checks: it is no backup, and says nothing false.
		if path.Base(name) == ledger.MediumLogName && quiet {
			return
		}
		require.False(t, quiet, "%s %s: nobody has noticed", name, what)
		named++
		if repaired {
			repairable++
		}
	}
	for name, data := range files {
		changed := maps.Clone(files)
		for n := 0; n < len(data); n += step {
			changed[name] = data[:n]
			try("cut off", name, changed)
		}
		changed[name] = data[:len(data)-1]
		try("without its last byte", name, changed)
		changed[name] = append(append([]byte{}, data...), 'x')
		try("with a byte more", name, changed)
		delete(changed, name)
		try("dropped", name, changed)
		if swapped := strings.Replace(name, "000001", "000002", 1); swapped != name && string(files[swapped]) != string(data) {
			changed = maps.Clone(files)
			changed[name], changed[swapped] = files[swapped], data
			try("swapped with the other generation's", name, changed)
		}
		if theirs := foreign[name]; theirs != nil && string(theirs) != string(data) && path.Base(name) != ledger.MediumLogName {
			changed = maps.Clone(files)
			changed[name] = theirs
			try("of another vault", name, changed)
		}
	}
	t.Logf("%d files: %d cut off, dropped or exchanged, all named; of these %d can be repaired from the medium alone; 0 silent", len(files), named, repairable)
	require.NotZero(t, repairable)
}
