package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

var errNothingToRescue = errors.New("nothing to rescue: no page set was found that is not whole")

// mustBeNew refuses a folder that existed, before the work for it is done.
func mustBeNew(f *Folder) error {
	if errors.Is(f.err, fs.ErrExist) {
		return withHint(&fs.PathError{Op: "make", Path: f.name, Err: fs.ErrExist}, "give a folder that does not exist yet")
	}
	return nil
}

// rescue writes what there is of the page sets that are not whole into a new
// folder, each with a label beside it. It always returns an error: why was the
// scan's.
func rescue(c Console, dir *Folder, sets []PageSet, why error) error {
	var undo undoList
	defer c.OnInterrupt(undo.run)()
	written := 0
	for _, p := range sets {
		if p.Need == 0 && p.Err == nil {
			continue
		}
		if written == 0 {
			if err := undo.fill(dir); err != nil {
				return err
			}
		}
		written++
		if err := rescueSet(c, &undo, dir.name, written, p); err != nil {
			undo.run()
			return err
		}
	}
	if written == 0 && why == nil {
		why = withHint(errNothingToRescue, "restore from what was given")
	}
	return why
}

// rescueSet writes one set. The number keeps two printouts of one generation apart.
func rescueSet(c Console, undo *undoList, dir string, number int, p PageSet) error {
	payload, gaps := p.codes.Fragments()
	name := fmt.Sprintf("%d-%s-%06d", number, p.Vault, p.Generation)
	missing := 0
	var list strings.Builder
	for _, g := range gaps {
		missing += g.Length
		fmt.Fprintf(&list, "  bytes %d to %d (%d)\n", g.Offset, g.Offset+g.Length-1, g.Length)
	}
	if len(gaps) == 0 {
		list.WriteString("  none\n")
	}
	state := fmt.Sprintf("%d of %d codes were read; %d more needed, whichever they are.", p.Have, p.Total, p.Need)
	if p.Err != nil {
		state = fmt.Sprintf("%d of %d codes were read, enough, but they cannot be used: %v.", p.Have, p.Total, p.Err)
	}
	places := "  none\n"
	if len(p.Missing) > 0 {
		places = "  " + strings.Join(p.Missing, "\n  ") + "\n"
	}
	start := len(payload)
	if len(gaps) > 0 {
		start = gaps[0].Offset
	}
	label := fmt.Sprintf(`THIS IS NOT A BACKUP. Nothing can be restored from it as it is.

It is what could be read of the %s, page set %s.
%s
Scan the pages again and give all scans together: scans add up.

%s.incomplete holds %d bytes. Of these %d were not read and are zeros:
%s
Codes that were not read:
%s
Nothing in the file is verified. Whole, it is a gzip file of a tar file. What is before the first gap may unpack:
  head -c %d %s.incomplete | gzip -dc | tar -xv
`, p.Title(), p.Set, state, name, len(payload), missing, list.String(), places, start, name)
	// The label first: the file is never there without it.
	for _, f := range []struct {
		name string
		data []byte
	}{{name + ".NOT-A-BACKUP.txt", []byte(label)}, {name + ".incomplete", payload}} {
		if err := undo.create(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			return err
		}
	}
	c.Warn("%s: %d of %d bytes are in %s: this is no backup", p.Title(), len(payload)-missing, len(payload), filepath.Join(dir, name+".incomplete"))
	return nil
}
