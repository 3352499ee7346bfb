package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"coldvault/vault"
	"coldvault/vault/secret"
)

// Outputs are the folders that a command makes and the files that it opens before the
// sandbox is up, so that it grants these alone, and of the folders that they are in no
// more than to give a name or to remove an empty folder.
//
// Why one could not be made is kept, and said where it is used: after what else is wrong.
// Keeps G20.
type Outputs struct {
	undo  undoList
	paths secret.Paths
}

// NewOutputs begins with none. stop closes them and removes what nothing came of, as an
// interrupt does: folders that are empty, and files without a name.
func NewOutputs(c Console) (o *Outputs, stop func()) {
	o = &Outputs{}
	calledOff := c.OnInterrupt(o.undo.run)
	return o, func() {
		calledOff()
		o.undo.run()
	}
}

// Paths is what the sandbox has to grant for them.
func (o *Outputs) Paths() secret.Paths { return o.paths }

// Folder is a new, private folder.
type Folder struct {
	name string
	root *os.Root // it is that one, whatever has its name by now
	err  error
}

// folder makes one, which must not exist.
func (o *Outputs) folder(name string) *Folder {
	f := &Folder{name: clean(name)}
	return o.add(f, func() error { return os.Mkdir(f.name, 0o700) })
}

func (o *Outputs) add(f *Folder, make func() error) *Folder {
	f.err = o.undo.do(func() (err error) {
		if err = make(); err != nil {
			return err
		}
		if f.root, err = os.OpenRoot(f.name); err != nil {
			_ = unix.Rmdir(f.name)
			return err
		}
		if err = f.checkIs(f.name); err != nil { // os.OpenRoot follows a link
			f.root.Close()
		}
		return err
	}, func() {
		removeEmpty(f.root, f.name)
		f.root.Close()
	})
	if f.err == nil {
		o.grant(f.name)
	}
	return f
}

// grant allows everything in a folder that was made, and to remove it.
func (o *Outputs) grant(name string) {
	o.paths.Write = append(o.paths.Write, name)
	o.paths.Rmdir = append(o.paths.Rmdir, filepath.Dir(name))
}

// Name is the folder's, or the error says why there is none; flag is what it was given with.
func (f *Folder) Name(flag string) (string, error) { return f.name, f.failure(flag) }

// failure is why the folder could not be made, or nil.
func (f *Folder) failure(flag string) error {
	switch {
	case errors.Is(f.err, fs.ErrExist):
		return withHint(f.err, "%s wants a folder that does not exist yet", flag)
	case errors.Is(f.err, fs.ErrNotExist):
		return withHint(f.err, "make the folder above it first")
	}
	return withHint(f.err, "give with %s a new folder in one that can be written", flag)
}

// Remove removes what is in the folder, and the folder if it has its name. os.RemoveAll
// would read the folder above, which the sandbox does not grant.
func (f *Folder) Remove() {
	entries, _ := fs.ReadDir(f.root.FS(), ".")
	for _, e := range entries {
		_ = f.root.RemoveAll(e.Name())
	}
	removeEmpty(f.root, f.name)
}

// checkIs wants the name to be that of the folder itself, and not of a link to it or of
// another one. Without landlock another process can put those there.
func (f *Folder) checkIs(name string) error {
	if isNamed(f.root, name) {
		return nil
	}
	return fmt.Errorf("%s is not the folder that was made: another process exchanged it", name)
}

// isNamed tells whether a folder has the name, and no link to it.
func isNamed(root *os.Root, name string) bool {
	made, err := root.Stat(".")
	is, lookErr := os.Lstat(name)
	return err == nil && lookErr == nil && os.SameFile(made, is)
}

// removeEmpty removes a folder that is empty and that still has its name. One that is put
// there between the look and the removal would be empty too.
func removeEmpty(root *os.Root, name string) {
	if isNamed(root, name) {
		_ = unix.Rmdir(name)
	}
}

// fill has a folder removed with what is put into it from now on.
func (u *undoList) fill(f *Folder) error {
	return u.do(func() error { return f.err }, f.Remove)
}

// Demo makes the folder of a demonstration, for "" a temporary one.
func (o *Outputs) Demo(name string) *Folder {
	if name != "" {
		return o.folder(name)
	}
	f := &Folder{}
	return o.add(f, func() (err error) {
		f.name, err = os.MkdirTemp("", "coldvault-demo-")
		return err
	})
}

// Rescue makes the folder for pages that are not whole; nil for "".
func (o *Outputs) Rescue(name string) *Folder {
	if name == "" {
		return nil
	}
	return o.folder(name)
}

// clean leaves no slash at the end of a name: it would have a link followed.
func clean(name string) string {
	if name == "" {
		return "" // and not the folder that we are in
	}
	return filepath.Clean(name)
}

// CreateOutputs are those of `init`.
type CreateOutputs struct {
	cards    *os.Root
	cardsErr error
	vault    *Folder  // under its temporary name
	above    *os.File // the folder that it is in
}

// Create makes the folders for the vault and the cards; none for a request that is refused.
func (o *Outputs) Create(r CreateRequest) *CreateOutputs {
	out := &CreateOutputs{}
	if out.cardsErr = r.check(); out.cardsErr != nil {
		return out
	}
	made := false
	out.cardsErr = o.undo.do(func() (err error) {
		out.cards, made, err = vault.OpenPrivate(r.Cards)
		return err
	}, func() {
		if made {
			removeEmpty(out.cards, r.Cards)
		}
		out.cards.Close()
	})
	switch {
	case out.cardsErr != nil:
	case made:
		o.grant(r.Cards)
	default:
		o.paths.Write = append(o.paths.Write, r.Cards)
	}
	out.vault = o.folder(r.temp())
	if out.vault.err == nil {
		above := filepath.Dir(r.Vault)
		o.paths.Rename = append(o.paths.Rename, above)
		out.vault.err = o.undo.do(func() (err error) {
			out.above, err = os.Open(above)
			return err
		}, func() { out.above.Close() })
	}
	return out
}

// failure is why one of them could not be made, or nil.
func (o *CreateOutputs) failure() error {
	switch {
	case o.cardsErr != nil:
		return withHint(o.cardsErr, "cards are secrets: give a folder that does not exist yet, such as /dev/shm/cards")
	case errors.Is(o.vault.err, fs.ErrExist):
		return withHint(o.vault.err, "%s", restOfInit(o.vault.name))
	}
	return o.vault.failure("--vault")
}

// RestoreOutputs are those of `restore`: a target and the runbook beside it.
type RestoreOutputs struct {
	target    *vault.Target
	targetErr error
	runbook   []*File
}

// Rebuild makes the folder that a vault is set up again in.
func (o *Outputs) Rebuild(to string) *Folder { return o.folder(to) }

// Restore makes the folder to restore into, or takes one, and opens the runbook; nothing
// for a role that there is not.
func (o *Outputs) Restore(role, to string) *RestoreOutputs {
	out := &RestoreOutputs{}
	to = clean(to)
	if _, err := findRole(role); err != nil {
		return out
	}
	out.targetErr = o.undo.do(func() (err error) {
		out.target, err = vault.OpenTarget(to)
		return err
	}, func() { out.target.Close() })
	if out.targetErr != nil {
		return out
	}
	if out.target.Made() {
		o.grant(to)
	} else {
		o.paths.Write = append(o.paths.Write, to)
	}
	if abs, err := filepath.Abs(to); err == nil {
		to = abs // "." has no name to put something beside
	}
	for _, ending := range runbookEndings() {
		out.runbook = append(out.runbook, o.open(to+".RUNBOOK"+ending, 0o600))
	}
	return out
}
