package ceremony

import (
	"errors"
	"path/filepath"
	"time"

	"coldvault/vault"
	"coldvault/vault/material/runbook"
)

// writeRunbook writes what to do with the restored files: beside the folder, so that
// the folder holds nothing but them; inside where beside is not writable. It returns
// the names of the files.
func (r *RestoreResult) writeRunbook(role string, now time.Time) ([]string, error) {
	in := r.runbook(role, now)
	pages := []struct {
		ext  string
		data []byte
	}{{".md", runbook.Markdown(in)}, {".txt", runbook.Text(in)}}
	var failed error
	for _, stem := range []string{filepath.Clean(r.To) + ".RUNBOOK", filepath.Join(r.To, "RUNBOOK")} {
		undo := &undoList{}
		var names []string
		var err error
		for _, p := range pages {
			if err = undo.create(stem+p.ext, p.data, 0o600); err != nil {
				break
			}
			names = append(names, stem+p.ext)
		}
		if err == nil {
			return names, nil
		}
		undo.run()
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

func (r *RestoreResult) runbook(role string, now time.Time) runbook.Input {
	in := runbook.Input{
		Role: role, Vault: r.Identity.Vault.ID, Label: r.Identity.Vault.Label, Generation: r.Generation,
		Sealed: r.Sealed, Restored: now, To: r.To, Report: r.Report, Facts: r.Facts, Accepted: r.Accepted,
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
