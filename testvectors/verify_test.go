package testvectors

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/vault/ledger"
)

// verifyPy runs verify.py, which was written from FORMAT.md alone.
func verifyPy(t *testing.T, args ...string) (text string, ok bool) {
	t.Helper()
	out, err := exec.Command(lookPython(t), append([]string{"verify.py"}, args...)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil {
		require.True(t, errors.As(err, &exit), "%v", err)
		require.Equal(t, 1, exit.ExitCode(), "%s", out)
		require.NotContains(t, string(out), "Traceback")
	}
	return string(out), err == nil
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, data, 0o600))
	return name
}

func randomBytes(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(data)
	return data
}

// Sizes on both sides of where the layout changes. As many pieces as there may be are
// damaged, in the data and in the parity; one more is refused.
func TestParityIsRepairedByTheTextAlone(t *testing.T) {
	for _, c := range []struct {
		size, block, data, parity int
	}{
		{1, 64, 1, 2},
		{64, 64, 1, 2},
		{65, 64, 2, 2},
		{5_000, 64, 79, 16},
		{12_801, 128, 101, 21},
		{300_000, 1536, 196, 40},
		{13_107_200, 65536, 200, 40},
		{13_107_201, 131072, 101, 13},
	} {
		t.Run(fmt.Sprint(c.size), func(t *testing.T) {
			if testing.Short() && c.size > 1_000_000 {
				t.Skip("slow in Python")
			}
			dir := t.TempDir()
			data := randomBytes(c.size)
			parity, err := media.MakeParity(data)
			require.NoError(t, err)
			damage := func(count int) (damagedData, damagedParity []byte) {
				a, b := bytes.Clone(data), bytes.Clone(parity)
				for i := range count {
					if i < min(count-1, c.data) {
						a[i*c.block] ^= 1
					} else {
						b[len(b)-1-(i%c.parity)*c.block] ^= 1
					}
				}
				return a, b
			}
			a, b := damage(c.parity)
			out := filepath.Join(dir, "out")
			args := []string{"parity", write(t, filepath.Join(dir, "data"), a), write(t, filepath.Join(dir, "parity"), b), out}
			text, ok := verifyPy(t, args...)
			require.True(t, ok, text)
			require.Equal(t, fmt.Sprintf("%d pieces rebuilt\n", min(c.parity-1, c.data)), text)
			repaired, err := os.ReadFile(out)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, repaired))

			if c.data+c.parity <= c.parity+1 || c.size > 1_000_000 {
				return
			}
			a, b = damage(c.parity + 1)
			write(t, args[1], a)
			write(t, args[2], b)
			require.NoError(t, os.Remove(out))
			text, ok = verifyPy(t, args...)
			require.False(t, ok, text)
			require.NoFileExists(t, out)
		})
	}
}

func TestTheLogOfAMediumIsReadByTheTextAlone(t *testing.T) {
	log := ledger.NewMediumLog()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var data []byte
	check := func(n int, result ledger.Result) {
		var err error
		data, err = log.Append(ledger.MediumCheck{Time: at.Add(time.Duration(n) * time.Hour), Generation: n, Version: "v1", Result: result})
		require.NoError(t, err)
	}
	for n, result := range []ledger.Result{ledger.Written, ledger.Whole, ledger.Damaged, ledger.Repaired, ledger.Incomplete} {
		check(n+1, result)
	}
	name := filepath.Join(t.TempDir(), "checks.log")
	text, ok := verifyPy(t, "log", write(t, name, data))
	require.True(t, ok, text)
	require.Equal(t, "5 lines\n", text)
	_, ok = verifyPy(t, "log", write(t, name, append(bytes.Clone(data), "torn"...)))
	require.True(t, ok, "what follows the last line feed never counted")

	for i := 0; i < len(data); i += 97 {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		text, ok := verifyPy(t, "log", write(t, name, changed))
		require.False(t, ok, "byte %d: %s", i, text)
	}

	for size := 0; len(data) > size; { // until it was folded
		size = len(data)
		check(1, ledger.Whole)
	}
	check(2, ledger.Whole)
	require.Contains(t, string(data), `"folded":{"checks":`)
	text, ok = verifyPy(t, "log", write(t, name, data))
	require.True(t, ok, text)
}

func TestTheLedgerIsReadByTheTextAlone(t *testing.T) {
	l := &ledger.Ledger{}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sets := []ledger.ShareSet{
		{Set: "00112233", Compartment: "cold", Threshold: 2, Shares: 3},
		{Set: "44556677", Compartment: "hot", Threshold: 2, Shares: 3},
	}
	medium := "0123456789abcdef"
	require.NoError(t, l.Append(at,
		ledger.VaultCreated{Vault: "abcdefgh", Sets: sets, Custodians: []string{"Ada", "Zoë", "Ken <k@x> & Co"}},
		ledger.Sealed{Generation: 1, Created: at, Compartments: []string{"cold", "hot"}, Deadlines: []ledger.Deadline{{What: "KES", When: at, Role: "opcert"}}},
		ledger.Copied{Medium: medium, Kind: ledger.USB, Model: "DataTraveler", Generation: 1, Proven: true},
		ledger.Checked{Medium: medium, Generation: 1, Result: ledger.Damaged, Findings: 2},
		ledger.CardChecked{Set: "00112233", Compartment: "cold", Index: 2, Proven: true},
		ledger.Drilled{Role: "all", Generation: 1, Restored: true, Steps: []ledger.Step{{Name: "decryption", Seconds: 0.0000012}, {Name: "all", Seconds: 2}}, RPO: 60},
		ledger.Placed{Medium: medium, Place: "bank", Offsite: true, Seal: "A 17"},
		ledger.Lost{Set: "00112233", Index: 1},
		ledger.Lost{Medium: medium},
		ledger.DefaultPolicy(),
		ledger.Deadline{What: "window", When: at, Done: true},
		ledger.HostAccepted{Command: "restore", Facts: []string{"HOST-SWAP"}},
		ledger.SharesSplit{Sets: sets[:1]},
	))
	signature := []byte("its signature is not looked at")
	require.NoError(t, l.Sign(func([]byte) ([]byte, error) { return signature, nil }, func(_, _ []byte) error { return nil }))
	require.NoError(t, l.Append(at, ledger.Noted{Text: "beyond the head"}))
	files, err := l.Files()
	require.NoError(t, err)
	dir := t.TempDir()
	for name, data := range files {
		write(t, filepath.Join(dir, name), data)
	}
	folder := filepath.Join(dir, ledger.FolderName)
	text, ok := verifyPy(t, "ledger", folder)
	require.True(t, ok, text)
	require.Equal(t, "14 lines, 13 signed\n", text)

	lines := files["ledger/ledger.jsonl"]
	name := filepath.Join(folder, ledger.LinesName)
	last := bytes.LastIndexByte(bytes.TrimSuffix(lines, []byte("\n")), '\n')
	for i := 0; i < last; i += 97 { // nobody follows the last line
		changed := bytes.Clone(lines)
		changed[i] ^= 1
		write(t, name, changed)
		text, ok := verifyPy(t, "ledger", folder)
		require.False(t, ok, "byte %d: %s", i, text)
	}
	split := bytes.SplitAfter(lines, []byte("\n"))
	split[3], split[4] = split[4], split[3]
	write(t, name, slices.Concat(split...))
	_, ok = verifyPy(t, "ledger", folder)
	require.False(t, ok)
	write(t, name, slices.Concat(split[:3]...))
	_, ok = verifyPy(t, "ledger", folder)
	require.False(t, ok, "lines that were signed are gone")
}
