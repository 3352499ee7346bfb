package ceremony

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// needUnnamed skips where the tests' folder is on a file system that lacks such files.
func needUnnamed(t *testing.T, dir string) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Skipf("no files without a name: %v", err)
	}
	unix.Close(fd)
}

func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A file has its name when it is whole, and never that of another.
func TestAFileIsNamedWhenItIsWhole(t *testing.T) {
	dir := t.TempDir()
	needUnnamed(t, dir)
	o, stop := NewOutputs(&operator{t: t})
	name := filepath.Join(dir, "pages.pdf")
	f, taken, linked, unused := o.Pages(name), o.Pages(name), o.Calendar(filepath.Join(dir, "link")), o.Calendar(filepath.Join(dir, "unused"))
	require.NoError(t, unused.err)
	require.Empty(t, namesIn(t, dir))
	require.NoError(t, os.Symlink("elsewhere", filepath.Join(dir, "link")))

	require.NoError(t, f.write(&undoList{}, []byte("pages")))
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "pages", string(data))
	require.ErrorIs(t, taken.write(&undoList{}, []byte("other pages")), os.ErrExist)
	require.ErrorIs(t, linked.write(&undoList{}, []byte("dates")), os.ErrExist)

	interrupted := &undoList{}
	interrupted.run()
	require.ErrorIs(t, unused.write(interrupted, []byte("dates")), errUndone)
	stop()
	require.Equal(t, []string{"link", "pages.pdf"}, namesIn(t, dir))
	data, err = os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "pages", string(data))
}

func TestAFileHasTheModeThatIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	needUnnamed(t, dir)
	o, stop := NewOutputs(&operator{t: t})
	defer stop()
	pages, dates := filepath.Join(dir, "pages.pdf"), filepath.Join(dir, "dates.ics")
	require.NoError(t, o.Pages(pages).write(&undoList{}, nil))
	require.NoError(t, o.Calendar(dates).write(&undoList{}, nil))
	for name, mode := range map[string]os.FileMode{pages: 0o644, dates: 0o600} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode())
	}
}

// What is wrong with a name is said when the file is written, as of a file that is made then.
func TestAFileThatCannotBeIsSaidWhereItIsWritten(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	o, stop := NewOutputs(&operator{t: t})
	defer stop()
	for name, want := range map[string]error{
		"none/pages.pdf": unix.ENOENT, "folder/": unix.EISDIR, "folder": unix.EEXIST, "folder/.": unix.EEXIST, "/dev/null/x": unix.ENOTDIR,
	} {
		if !filepath.IsAbs(name) {
			name = dir + "/" + name
		}
		err := o.Pages(name).write(&undoList{}, []byte("x"))
		require.ErrorIs(t, err, want, name)
		require.ErrorContains(t, err, "open "+name+": ")
	}
	require.Equal(t, []string{"folder"}, namesIn(t, dir))
}

// A folder that nothing came of goes again, and one that something is in stays.
func TestFoldersThatAreEmptyGoAgain(t *testing.T) {
	dir := t.TempDir()
	o, stop := NewOutputs(&operator{t: t})
	empty, full, emptied := o.Rescue(filepath.Join(dir, "empty")), o.Demo(filepath.Join(dir, "full")), o.Rescue(filepath.Join(dir, "emptied")+"/")
	for _, f := range []*Folder{empty, full, emptied} {
		name, err := f.Name("--dir")
		require.NoError(t, err)
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, 0o700|os.ModeDir, info.Mode())
	}
	_, err := o.Rescue(filepath.Join(dir, "full")).Name("--dir")
	require.ErrorIs(t, err, os.ErrExist)
	for _, name := range []string{"full", "emptied"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "file"), nil, 0o600))
	}
	require.NoError(t, os.Symlink(filepath.Join(dir, "full"), filepath.Join(dir, "emptied", "link")))
	undo := &undoList{}
	require.NoError(t, undo.fill(emptied))
	undo.run()
	require.NoDirExists(t, filepath.Join(dir, "emptied"))
	stop()
	stop()
	require.Equal(t, []string{"full"}, namesIn(t, dir))
	require.Equal(t, []string{"file"}, namesIn(t, filepath.Join(dir, "full")))
	_, err = o.Rescue(filepath.Join(dir, "late")).Name("--dir")
	require.ErrorIs(t, err, errUndone)
}

// Both parts of the runbook are beside the folder, or both in it.
func TestARunbookIsBesideTheFolderOrInIt(t *testing.T) {
	for name, exists := range map[string]string{"beside": "", "in it": "out.RUNBOOK.txt", "a link is not followed": "out.RUNBOOK.md"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			needUnnamed(t, dir)
			to := filepath.Join(dir, "out")
			want := []string{to + ".RUNBOOK.md", to + ".RUNBOOK.txt"}
			left := []string{"out", "out.RUNBOOK.md", "out.RUNBOOK.txt"}
			if exists != "" {
				require.NoError(t, os.Symlink("elsewhere", filepath.Join(dir, exists)))
				want = []string{filepath.Join(to, "RUNBOOK.md"), filepath.Join(to, "RUNBOOK.txt")}
				left = []string{"out", exists}
			}
			o := &operator{t: t}
			outputs, stop := NewOutputs(o)
			defer stop()
			made := outputs.Restore("all", to+"/")
			require.NoError(t, made.targetErr)
			vaultDir, _ := vaultOf(t, o)
			folder, closeFolder, err := openFolder(filepath.Join(vaultDir, "vault"))
			require.NoError(t, err)
			defer closeFolder()
			r := &RestoreResult{To: to, Identity: folder.Identity}
			got, err := r.writeRunbook(made.runbook, "all", quietHost().Facts.Clock.Now)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, left, namesIn(t, dir))
			for _, name := range got {
				info, err := os.Lstat(name)
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o600), info.Mode())
			}
		})
	}
}

// What is taken back is what was made, whatever has its name by then. Breaks G7.
func TestWhatIsTakenBackIsWhatWasMade(t *testing.T) {
	dir := t.TempDir()
	o, stop := NewOutputs(&operator{t: t})
	request := CreateRequest{Vault: filepath.Join(dir, "vault"), Cards: filepath.Join(dir, "cards"), Label: "x", Shares: 3, Threshold: 2}
	made := o.Create(request)
	require.NoError(t, made.cardsErr)
	require.NoError(t, made.vault.err)
	undo := &undoList{}
	require.NoError(t, undo.createIn(made.cards, "card-1.pdf", []byte("a card"), 0o400))
	require.NoError(t, undo.fill(made.vault))
	write(t, dir, "vault.new/signer.age", []byte("a key"))

	for _, name := range []string{"cards", "vault.new"} {
		require.NoError(t, os.Rename(filepath.Join(dir, name), filepath.Join(dir, "moved-"+name)))
	}
	write(t, dir, "cards/card-1.pdf", []byte("mine"))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "vault.new"), 0o700))
	undo.run()
	require.Empty(t, namesIn(t, filepath.Join(dir, "moved-cards")))
	require.Empty(t, namesIn(t, filepath.Join(dir, "moved-vault.new")))
	require.Equal(t, []string{"card-1.pdf"}, namesIn(t, filepath.Join(dir, "cards")))
	require.DirExists(t, filepath.Join(dir, "vault.new"))
	stop()
	require.DirExists(t, filepath.Join(dir, "cards"))
	require.DirExists(t, filepath.Join(dir, "vault.new"))

	write(t, dir, "vault.new/theirs", nil)
	made.vault.Remove()
	require.Equal(t, []string{"theirs"}, namesIn(t, filepath.Join(dir, "vault.new")))
}

// What has the name of the folder that init made, a link or another folder, gets nothing of
// the vault.
func TestAVaultIsWrittenIntoTheFolderThatWasMade(t *testing.T) {
	for name, exchange := range map[string]func(elsewhere, temp string) error{
		"a link": os.Symlink, "a folder": func(_, temp string) error { return os.Mkdir(temp, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			temp, moved, elsewhere := filepath.Join(dir, "vault.new"), filepath.Join(dir, "moved"), filepath.Join(dir, "elsewhere")
			console := &operator{t: t}
			o, stop := NewOutputs(console)
			request := CreateRequest{
				Vault: filepath.Join(dir, "vault"), Cards: filepath.Join(dir, "cards"), Label: "x", Shares: 3, Threshold: 2, Now: time.Now(), Host: quietHost(),
			}
			request.Made = o.Create(request)
			require.NoError(t, os.Rename(temp, moved))
			require.NoError(t, os.Mkdir(elsewhere, 0o700))
			require.NoError(t, exchange(elsewhere, temp))
			_, err := Create(console, request)
			require.EqualError(t, err, temp+" is not the folder that was made: another process exchanged it")
			stop()
			require.Equal(t, []string{"elsewhere", "moved", "vault.new"}, namesIn(t, dir))
			for _, folder := range []string{elsewhere, moved, temp} {
				require.Empty(t, namesIn(t, folder))
			}
		})
	}
}

func TestAFolderThatIsExchangedBeforeItIsOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	o, stop := NewOutputs(&operator{t: t})
	defer stop()
	f := &Folder{name: filepath.Join(dir, "new")}
	o.add(f, func() error { return os.Symlink(dir, f.name) })
	require.EqualError(t, f.err, f.name+" is not the folder that was made: another process exchanged it")
	require.Empty(t, o.Paths().Write)
}
