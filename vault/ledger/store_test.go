package ledger

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"path"
	"testing"

	"aead.dev/minisign"
	"github.com/stretchr/testify/require"

	"coldvault/media"
)

var _ Dir = (*media.Dir)(nil)

// signer signs as the vault does, with a key of its own.
type signer struct {
	public  minisign.PublicKey
	private minisign.PrivateKey
}

func newSigner(t testing.TB) signer {
	t.Helper()
	public, private, err := minisign.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return signer{public, private}
}

func (s signer) sign(message []byte) ([]byte, error) {
	r := minisign.NewReader(bytes.NewReader(message))
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	return r.SignWithComments(s.private, "coldvault "+testVault+" head.json", "coldvault"), nil
}

func (s signer) verify(message, signature []byte) error {
	if !minisign.Verify(s.public, message, signature) {
		return errors.New("its signature is wrong")
	}
	return nil
}

func newDir(t testing.TB) *media.Dir {
	t.Helper()
	d, err := media.OpenDir(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func signed(t testing.TB, s signer, events ...Event) *Ledger {
	t.Helper()
	l := build(t, events...)
	require.NoError(t, l.Sign(s.sign, s.verify))
	return l
}

// Shows G23.
func TestLedgerComesBackAsItWasSaved(t *testing.T) {
	s, dir := newSigner(t), newDir(t)
	_, err := Open(dir, testVault, s.verify)
	require.ErrorIs(t, err, fs.ErrNotExist)

	l := build(t, everyEvent()...)
	require.NoError(t, l.Save(dir))
	back, err := Open(dir, testVault, s.verify)
	require.NoError(t, err)
	require.Equal(t, l.Bytes(), back.Bytes())
	require.Equal(t, 0, back.head.N)

	require.NoError(t, back.Sign(s.sign, s.verify))
	require.NoError(t, back.Append(start, Noted{"not signed"}))
	require.NoError(t, back.Save(dir))
	back, err = Open(dir, testVault, s.verify)
	require.NoError(t, err)
	require.Equal(t, len(everyEvent()), back.head.N)
	require.Equal(t, 1, back.Unsigned())

	_, err = Open(dir, "aaaaaaaa", s.verify)
	require.ErrorContains(t, err, "is that of vault abcdefgh, not of aaaaaaaa")
}

// Nothing that is done to a signed ledger passes: not even to its last line. Breaks G23.
func TestSignedLinesCannotChange(t *testing.T) {
	s := newSigner(t)
	l := signed(t, s, everyEvent()...)
	files, err := l.Files()
	require.NoError(t, err)
	for name, data := range files {
		for i := range data {
			changed := map[string][]byte{}
			for n, d := range files {
				changed[n] = bytes.Clone(d)
			}
			changed[name][i] ^= 0x01
			back, err := Unpack(changed, testVault, s.verify)
			if err == nil {
				// A head is made again from the lines, and the untrusted comment of a
				// signature is not signed: package vault compares it.
				require.NotEqual(t, LinesName, path.Base(name), "byte %d", i)
				require.Equal(t, l.Bytes(), back.Bytes())
				require.Equal(t, l.head.N, back.head.N)
			}
		}
	}
	lines := path.Join(FolderName, LinesName)
	whole := files[lines]
	for n := range whole {
		files[lines] = whole[:n]
		_, err := Unpack(files, testVault, s.verify)
		require.Error(t, err, "cut at %d", n)
	}
}

func TestAHeadThatIsNotThatOfTheLinesIsRefused(t *testing.T) {
	s := newSigner(t)
	pack := func(l *Ledger) map[string][]byte {
		files, err := l.Files()
		require.NoError(t, err)
		return files
	}
	name := func(n string) string { return path.Join(FolderName, n) }
	mine := pack(signed(t, s, everyEvent()...))
	tests := []struct {
		name   string
		change func(files map[string][]byte)
		want   string
	}{
		{"another signer", func(f map[string][]byte) {
			f[name(SignatureName)] = pack(signed(t, newSigner(t), everyEvent()...))[name(SignatureName)]
		}, "head.json: its signature is wrong"},
		{"the head of other lines", func(f map[string][]byte) {
			other := pack(signed(t, s, append(everyEvent(), Noted{"more"})...))
			f[name(HeadName)], f[name(SignatureName)] = other[name(HeadName)], other[name(SignatureName)]
		}, "line 14: it is missing: 14 lines were signed"},
		{"the last line written anew", func(f map[string][]byte) {
			events := everyEvent()
			events[len(events)-1] = Noted{"looked at nothing"}
			f[name(LinesName)] = build(t, events...).Bytes()
		}, "line 13: it is not the line that was signed"},
		{"all lines after the first written anew", func(f map[string][]byte) {
			f[name(LinesName)] = build(t, append([]Event{created(), Noted{"x"}}, everyEvent()[2:]...)...).Bytes()
		}, "line 13: it is not the line that was signed"},
		{"no signature", func(f map[string][]byte) { delete(f, name(SignatureName)) }, "head.json has no signature"},
		{"no lines", func(f map[string][]byte) { delete(f, name(LinesName)) }, "ledger.jsonl is gone"},
		{"a signed head that is none", func(f map[string][]byte) {
			f[name(HeadName)] = []byte("{}\n")
			f[name(SignatureName)], _ = s.sign([]byte("{}\n"))
		}, "not in the canonical form"},
		{"a head that is too large", func(f map[string][]byte) { f[name(HeadName)] = make([]byte, maxHead+1) }, "4097 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string][]byte{}
			for n, d := range mine {
				files[n] = d
			}
			_, err := Unpack(files, testVault, s.verify)
			require.NoError(t, err)
			tt.change(files)
			_, err = Unpack(files, testVault, s.verify)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

var errCut = errors.New("power is gone")

// cutDir loses power before its n-th write.
type cutDir struct {
	*media.Dir
	left int
}

func (d *cutDir) Replace(name string, data []byte) error {
	if d.left == 0 {
		return errCut
	}
	d.left--
	return d.Dir.Replace(name, data)
}

// A save that is cut between any two of its files leaves the signed ledger before it, or
// the lines after it with either head.
func TestSaveThatIsCutLeavesALedger(t *testing.T) {
	for cut := range 4 {
		s, dir := newSigner(t), newDir(t)
		l := signed(t, s, created(), Noted{"old"})
		require.NoError(t, l.Save(dir))
		require.NoError(t, l.Append(start, Noted{"new"}, Noted{"new"}))
		require.NoError(t, l.Sign(s.sign, s.verify))
		err := l.Save(&cutDir{dir, cut})
		if cut < 3 {
			require.ErrorIs(t, err, errCut)
		} else {
			require.NoError(t, err)
		}

		back, err := Open(dir, testVault, s.verify)
		require.NoError(t, err)
		require.Len(t, back.Entries(), []int{2, 4, 4, 4}[cut])
		require.Equal(t, []int{2, 2, 4, 4}[cut], back.head.N)
		// The next command, without the signer, puts the files in order.
		require.NoError(t, back.Append(start, Noted{"on"}))
		require.NoError(t, back.Save(dir))
		head, err := dir.Read(path.Join(FolderName, HeadName), maxHead)
		require.NoError(t, err)
		signature, err := dir.Read(path.Join(FolderName, SignatureName), maxSignature)
		require.NoError(t, err)
		require.NoError(t, s.verify(head, signature))
	}
}

// What another program recorded meanwhile is not written over.
func TestSaveDoesNotForget(t *testing.T) {
	dir := newDir(t)
	mine, theirs := build(t, created()), build(t, created())
	require.NoError(t, theirs.Append(start, Noted{"theirs"}))
	require.NoError(t, theirs.Save(dir))
	require.NoError(t, mine.Append(start, Noted{"mine"}))
	require.ErrorContains(t, mine.Save(dir), "changed by another program")
	back, err := Open(dir, testVault, newSigner(t).verify)
	require.NoError(t, err)
	require.Equal(t, theirs.Bytes(), back.Bytes())
}

// A torn line on disk is no obstacle: the note takes its place.
func TestSaveAfterATornLine(t *testing.T) {
	dir := newDir(t)
	require.NoError(t, dir.MkdirAll(FolderName))
	require.NoError(t, dir.Replace(path.Join(FolderName, LinesName), append(build(t, created()).Bytes(), `{"n":2,"pre`...)))
	l, err := Open(dir, testVault, newSigner(t).verify)
	require.NoError(t, err)
	require.NoError(t, l.Append(start, Noted{"on"}))
	require.NoError(t, l.Save(dir))
	back, err := Open(dir, testVault, newSigner(t).verify)
	require.NoError(t, err)
	require.Len(t, back.Entries(), 3)
}

func TestASignatureThatIsNotGoodIsNotKept(t *testing.T) {
	s := newSigner(t)
	l := build(t, created())
	require.ErrorContains(t, l.Sign(newSigner(t).sign, s.verify), "the signature just made is not good")
	require.ErrorIs(t, l.Sign(func([]byte) ([]byte, error) { return nil, errCut }, s.verify), errCut)
	require.Zero(t, l.head.N)
	require.ErrorContains(t, (&Ledger{}).Sign(s.sign, s.verify), "no line to sign")
}
