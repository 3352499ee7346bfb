package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"coldvault/media"
	"coldvault/vault/format"
)

// OpenPrivate makes a folder for secrets, with mode 0700, or takes an existing one that
// is no link and in which no other user can exchange files. made tells which. The mode of an
// existing one is its owner's to say, and stays: files in it are private whatever it is. Keeps G7.
func OpenPrivate(name string) (root *os.Root, made bool, err error) {
	if name != "" {
		name = filepath.Clean(name) // a slash at the end would have a link followed
	}
	err = os.Mkdir(name, restoredFolder)
	made = err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, false, err
	}
	if root, err = openFolder(name); err != nil && made {
		_ = os.Remove(name)
	}
	return root, made, err
}

// openFolder opens a folder and nothing that was put in its place meanwhile: os.OpenRoot
// itself follows a link in the last part of the name.
func openFolder(name string) (*os.Root, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder, or a link to one", name)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = fmt.Errorf("%s was exchanged while it was opened", name)
	}
	if err == nil {
		err = checkPrivate(name, opened)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// IsFolder tells whether a folder is a vault's own, which has the signer's key.
func IsFolder(dir *media.Dir) bool {
	is, err := dir.Exists(signerFile)
	return err == nil && is
}

// InMedium tells whether a folder is a part of a medium: of one vault on it, `coldvault/` itself, or
// within. What it holds says so: what is above it may be out of reach.
func InMedium(dir *media.Dir) bool {
	has := func(names ...string) bool {
		there, err := dir.Exists(path.Join(names...))
		return err == nil && there
	}
	if _, err := dir.List(mediumFolder); err == nil {
		return false // the root of a medium, whatever else people keep on it
	}
	// Another program may have a vault.json too.
	isVault := func(name string) bool {
		data, err := dir.Read(path.Join(name, vaultFile), format.MaxVaultSize)
		if err == nil {
			_, err = format.ParseVault(data)
		}
		return err == nil
	}
	manifest := has(manifestFile) && (has(manifestFile+signatureExt) || has("cold.age"))
	// What programs are released with may be signed too.
	kit := has(kitSums) && has(kitSums+signatureExt) && has("RESTORE.txt")
	if isVault("") || has(vaultFile) && has(generationsDir) || manifest || kit {
		return true
	}
	names, _ := dir.List(".") // what cannot be listed cannot be written to
	return slices.ContainsFunc(names, func(name string) bool {
		if _, is := parseGeneration(name); is { // a month is written with six digits too
			return has(name, manifestFile) && has(name, manifestFile+signatureExt)
		}
		// A word of eight letters is mostly an id too, and a vault's own folder can be kept anywhere.
		if _, err := format.DecodeVaultID(name); err != nil || has(name, signerFile) {
			return false
		}
		rest := has(name, recipientFile("cold")) || has(name, recipientFile("hot")) || has(name, sharesFile)
		return isVault(name) || has(name, generationsDir) && rest
	})
}

// ErrShared is returned for a folder in which others can exchange files.
var ErrShared = errors.New("other users can exchange files in this folder")

// checkPrivate lets a sticky folder pass, as a mounted tmpfs is (mount(8): mode 1777):
// only their owner, and that of the folder, can rename or remove files there. Files in it
// are 0400.
func checkPrivate(name string, info fs.FileInfo) error {
	const writableByOthers = 0o022
	if info.Mode()&writableByOthers != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("%s: %w", name, ErrShared)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user: %w", name, ErrShared)
	}
	return nil
}

// InMemory tells whether a folder, which need not exist yet, is on a file system that is
// in memory only, a tmpfs or ramfs: what is removed there is gone, and the rest goes with
// the power, as long as the system does not swap. Nothing is promised of a disk:
// flash keeps what was overwritten (SECURITY.md, "Not promised"). Keeps G7.
func InMemory(name string) (bool, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return false, err
	}
	for {
		var stat unix.Statfs_t
		err := unix.Statfs(name, &stat)
		if err == nil {
			// The type of Type differs between architectures (statfs(2)).
			kind := uint32(stat.Type)
			return kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC, nil
		}
		parent := filepath.Dir(name)
		if !errors.Is(err, unix.ENOENT) || parent == name {
			return false, &fs.PathError{Op: "statfs", Path: name, Err: err}
		}
		name = parent
	}
}
