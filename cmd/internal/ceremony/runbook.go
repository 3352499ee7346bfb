package ceremony

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"coldvault/vault"
	"coldvault/vault/material/runbook"
)

func runbookEndings() []string { return []string{".md", ".txt"} }

// writeRunbook writes what to do with the restored files: beside the folder, so that
// the folder holds nothing but them; inside where that cannot be. It returns the names of
// the files.
func (r *RestoreResult) writeRunbook(beside []*File, role string, now time.Time) (names []string, err error) {
	in := r.runbook(role, now)
	undo := &undoList{}
	failed := anyExists(beside)
	for i, page := range [][]byte{runbook.Markdown(in), runbook.Text(in)} {
		name := beside[i].name
		if failed == nil {
			failed = beside[i].write(undo, page)
		}
		if failed != nil {
			name = filepath.Join(r.To, "RUNBOOK"+runbookEndings()[i])
			if err := undo.create(name, page, 0o600); err != nil {
				undo.run()
				return nil, errors.Join(failed, err)
			}
		}
		names = append(names, name)
	}
	return names, nil
}

// anyExists is known before the first gets its name, which could not be taken away again.
func anyExists(files []*File) error {
	for _, f := range files {
		if _, err := os.Lstat(f.name); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(f.failed(fs.ErrExist), err)
		}
	}
	return nil
}

func (r *RestoreResult) runbook(role string, now time.Time) runbook.Input {
	in := runbook.Input{
		Role: role, Vault: r.Identity.Vault.ID, Label: r.Identity.Vault.Label, Generation: r.Generation,
		Sealed: r.Sealed, Restored: now, To: r.To, Report: r.Report, Facts: r.Facts, Accepted: r.Accepted,
	}
	for _, l := range r.LeftOut {
		in.LeftOut = append(in.LeftOut, l.Name)
	}
	for _, f := range r.HostAccepted {
		in.Host = append(in.Host, f.ID)
	}
	sealedAs := map[string]string{}
	for _, h := range r.Held {
		in.Held = append(in.Held, runbook.Held(h))
		sealedAs[h.As] = h.Name
	}
	for _, e := range r.Files {
		in.Files = append(in.Files, runbookFile(e, sealedAs[e.Name]))
	}
	return in
}

// runbookFile takes the name a file was sealed with, "" where it is the one it was
// restored with.
func runbookFile(e vault.Entry, sealed string) runbook.File {
	f := runbook.File{Name: e.Name, Network: e.Network, Role: e.Role, Mode: e.Mode}
	if sealed != "" {
		f.Name, f.As = sealed, e.Name
	}
	return f
}
