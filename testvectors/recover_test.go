package testvectors

import (
	"bytes"
	"crypto/hpke"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/shard"
)

// newShares splits a fresh seed.
func newShares(t *testing.T, p shard.Params) (shares []shard.Share, seed []byte) {
	t.Helper()
	seed = make([]byte, shard.SeedSize)
	rand.Read(seed)
	dst := make([][]byte, p.Shares)
	for i := range dst {
		dst[i] = make([]byte, shard.ShareSize)
	}
	require.NoError(t, shard.Split(dst, seed, p))
	for _, raw := range dst {
		s, err := shard.Parse(raw)
		require.NoError(t, err)
		shares = append(shares, s)
	}
	return shares, seed
}

func code(s shard.Share) string  { return string(shard.AppendText(nil, s)) + "\n" }
func words(s shard.Share) string { return string(shard.AppendWords(nil, s)) + "\n" }

var (
	coldParams = shard.Params{Vault: shard.VaultID{1, 2, 3, 4, 5}, Compartment: shard.Cold, Set: shard.SetID{1}, Threshold: 3, Shares: 5}
	hotParams  = shard.Params{Vault: shard.VaultID{1, 2, 3, 4, 5}, Compartment: shard.Hot, Set: shard.SetID{2}, Threshold: 2, Shares: 5}
)

// requireIdentity asserts that text is one line, the age identity of the seed.
func requireIdentity(t *testing.T, seed []byte, text string) {
	t.Helper()
	key, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	require.NoError(t, err)

	require.Equal(t, 1, strings.Count(text, "\n"))
	identity, err := age.ParseHybridIdentity(strings.TrimSuffix(text, "\n"))
	require.NoError(t, err)
	require.Equal(t, strings.TrimSuffix(text, "\n"), identity.String())

	require.Equal(t, key.PublicKey().Bytes(), bech32Data(t, identity.Recipient().String()))
}

// bech32Data takes the bytes out of a Bech32 string that age has made, without checking it.
func bech32Data(t *testing.T, s string) []byte {
	t.Helper()
	data := s[strings.LastIndexByte(s, '1')+1:]
	var out []byte
	acc, bits := 0, 0
	for _, c := range data[:len(data)-6] {
		acc, bits = acc<<5|strings.IndexRune("qpzry9x8gf2tvdw0s3jn54khce6mua7l", c), bits+5
		if bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
			acc &= 1<<bits - 1
		}
	}
	return out
}

func TestRecoverSelftest(t *testing.T) {
	// The known answers inside the script are right, and a damaged word list is noticed.
	_, stderr, exit := recoverProcess(t, "", "selftest")
	require.Equal(t, exitDone, exit, stderr)

	script, err := os.ReadFile("recover.py")
	require.NoError(t, err)
	at := bytes.Index(script, []byte(`WORDS_PACKED = """`)) + 1000
	script[at] ^= 1
	damaged := filepath.Join(t.TempDir(), "recover.py")
	require.NoError(t, os.WriteFile(damaged, script, 0o600))
	out, err := exec.Command("python3", damaged, "selftest").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "this copy of recover.py is damaged")
}

func TestRecoverIdentity(t *testing.T) {
	// Every quorum of shares, as digits or as words and among codes of no use, gives the identity that age knows.
	cold, seed := newShares(t, coldParams)
	hot, hotSeed := newShares(t, hotParams)
	frames, err := qr.Split(coldParams.Vault, 1, []byte("payload"), layout(t, "robust"), 20, 25)
	require.NoError(t, err)
	frame := string(digits.Append(nil, frames[0].Marshal())) + "\n"
	wordLines := strings.ReplaceAll(words(cold[4]), " ", "\n")
	var numbered string
	for i, w := range strings.Fields(words(cold[4])) {
		numbered = fmt.Sprintf("%2d. %s\n", i+1, strings.ToUpper(w[:min(4, len(w))])) + numbered
	}
	for name, text := range map[string]string{
		"1 2 3":              code(cold[0]) + code(cold[1]) + code(cold[2]),
		"5 3 1":              code(cold[4]) + code(cold[2]) + code(cold[0]),
		"all five":           code(cold[0]) + code(cold[1]) + code(cold[2]) + code(cold[3]) + code(cold[4]),
		"zbarimg's output":   "QR-Code:" + code(cold[0]) + "EAN-13:4006381333931\nQR-Code:" + code(cold[1]) + "QR-Code:" + code(cold[3]),
		"among others":       "\ufeff# cards\r\n" + code(hot[0]) + frame + code(cold[0]) + "\n\ncard of an unknown custodian\n" + code(cold[1]) + code(cold[1]) + code(hot[1]) + code(cold[2]) + "123\n",
		"words":              words(cold[0]) + words(cold[1]) + words(cold[2]),
		"words and digits":   words(cold[0]) + code(cold[1]) + words(cold[2]),
		"words on lines":     wordLines + code(cold[1]) + code(cold[3]),
		"numbered backwards": code(cold[1]) + numbered + code(cold[3]),
		"groups":             code(cold[0])[:60] + " " + code(cold[0])[60:100] + "-" + code(cold[0])[100:] + code(cold[1]) + code(cold[2]),
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, exit := recoverPy(t, text, "identity", "--compartment", "cold", "-")
			require.Equal(t, exitDone, exit, stderr)
			requireIdentity(t, seed, stdout)
			require.NotContains(t, stderr, "AGE-SECRET-KEY")
		})
	}
	stdout, _, _ := recoverPy(t, code(cold[0])+code(hot[4])+code(hot[2]), "identity", "--compartment", "hot", "-")
	requireIdentity(t, hotSeed, stdout)
}

func TestRecoverIdentityRefuses(t *testing.T) {
	// Too few shares end with 4 and say what is missing; wrong ones are named; nothing is printed on stdout.
	cold, _ := newShares(t, coldParams)
	otherSet := coldParams
	otherSet.Set = shard.SetID{9}
	other, _ := newShares(t, otherSet)
	list := strings.Fields(words(cold[2]))
	swapped := append([]string(nil), list...)
	for i := 1; i < len(swapped); i++ {
		if swapped[i] != swapped[0] {
			swapped[0], swapped[i] = swapped[i], swapped[0]
			break
		}
	}
	two := code(cold[0]) + code(cold[1])
	for name, c := range map[string]struct {
		text, says string
		exit       int
	}{
		"nothing":          {"", "no share of cold", exitMore},
		"two of three":     {two, "1 more", exitMore},
		"one twice":        {two + code(cold[1]), "it was there before", exitMore},
		"another set":      {two + code(other[2]), "set 09000000: 1 of the 3 shares needed are there: 2 more", exitMore},
		"two sets":         {two + code(cold[2]) + code(other[0]) + code(other[1]) + code(other[2]), "choose one with --set", exitFailed},
		"misread":          {two + flipDigit(code(cold[2]), 70), "checksum does not fit", exitMore},
		"truncated":        {two + code(cold[2])[1:], "left out", exitMore},
		"group too large":  {two + strings.Repeat("9", 17) + code(cold[2])[17:], "digits 1 to 17", exitMore},
		"same place":       {two + code(forged(t, cold[1], 20)) + code(cold[2]), "one of them is forged", exitMore},
		"forged and spare": {two + code(forged(t, cold[2], 20)) + code(cold[3]), "does not agree", exitFailed},
		"word missing":     {two + strings.Join(list[1:], " ") + "\n", "43 words", exitMore},
		"word misspelt":    {two + "xyz " + strings.Join(list[1:], " ") + "\n", "word 1", exitMore},
		"words swapped":    {two + strings.Join(swapped, " ") + "\n", "swapped", exitMore},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, exit := recoverPy(t, c.text, "identity", "--compartment", "cold", "-")
			require.Empty(t, stdout)
			require.Equal(t, c.exit, exit, stderr)
			require.Contains(t, stderr, c.says)
		})
	}
	_, _, exit := recoverPy(t, two, "identity", "-")
	require.Equal(t, exitUsage, exit)
}

func flipDigit(text string, at int) string {
	return text[:at] + string('0'+(text[at]-'0'+1)%10) + text[at+1:]
}

// forged returns the share with a byte changed and the checksum mended.
func forged(t *testing.T, s shard.Share, at int) shard.Share {
	t.Helper()
	raw := bytes.Clone(s.Bytes())
	raw[at] ^= 1
	share, err := shard.Parse(mendChecksum(raw))
	require.NoError(t, err)
	return share
}

func TestRecoverIdentityWithCommitments(t *testing.T) {
	// With shares.json a forged share is told apart, so that the others open the vault.
	cold, seed := newShares(t, coldParams)
	set := shard.SetInfo{ID: coldParams.Set, Compartment: shard.Cold, Threshold: 3, Shares: 5}
	for _, s := range cold {
		set.Commitments = append(set.Commitments, shard.Commitment(s))
	}
	path := writeSharesJSON(t, shard.Expect{Vault: coldParams.Vault, Sets: []shard.SetInfo{set}})

	text := code(forged(t, cold[0], 20)) + code(cold[1]) + code(cold[2]) + code(cold[0]) + code(cold[3])
	stdout, stderr, exit := recoverPy(t, text, "identity", "--compartment", "cold", "--shares", path, "-")
	require.Equal(t, exitDone, exit, stderr)
	requireIdentity(t, seed, stdout)
	require.Contains(t, stderr, "share 1 of 5 (cold of vault aebagbaf, set 01000000): it does not match its commitment")

	other := coldParams
	other.Set, other.Vault = shard.SetID{8}, shard.VaultID{9}
	foreign, _ := newShares(t, other)
	_, stderr, exit = recoverPy(t, code(foreign[0])+code(foreign[1])+code(foreign[2]), "identity", "--compartment", "cold", "--shares", path, "-")
	require.Equal(t, exitMore, exit)
	require.Contains(t, stderr, "of another vault")
}

func layout(t *testing.T, name string) qr.Layout {
	t.Helper()
	l, err := qr.LayoutByName(name)
	require.NoError(t, err)
	return l
}

func TestRecoverPages(t *testing.T) {
	// As many codes as there are data bodies, whichever they are, give the payload; one fewer does not.
	payload := make([]byte, 11000)
	rand.Read(payload)
	for _, name := range []string{"robust", "dense"} {
		frames, err := qr.Split(coldParams.Vault, 7, payload, layout(t, name), 20, 33)
		require.NoError(t, err)
		order := mathrand.Perm(len(frames))
		var lines []string
		for _, i := range order {
			lines = append(lines, "QR-Code:"+string(digits.Append(nil, frames[i].Marshal())))
		}
		need := frames[0].Data
		share, _ := newShares(t, hotParams)
		out := filepath.Join(t.TempDir(), "payload.tar.gz")

		enough := strings.Join(append(lines[len(lines)-need:], code(share[0]), lines[len(lines)-1], flipDigit(lines[0], 300)), "\n")
		_, stderr, exit := recoverPy(t, enough, "pages", "--out", out, "-")
		require.Equal(t, exitDone, exit, stderr)
		got, err := os.ReadFile(out)
		require.NoError(t, err)
		require.Equal(t, payload, got)
		info, err := os.Stat(out)
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm())

		_, _, exit = recoverPy(t, enough, "pages", "--out", out, "-")
		require.Equal(t, exitFailed, exit, "the file is there already")

		_, stderr, exit = recoverPy(t, strings.Join(lines[:need-1], "\n"), "pages", "--out", out+"2", "-")
		require.Equal(t, exitFailed, exit)
		require.Contains(t, stderr, "1 more codes are needed")
		require.Contains(t, stderr, fmt.Sprintf(" %d", order[len(order)-1]))
		require.NoFileExists(t, out+"2")
	}
}

func TestRecoverPagesRefuses(t *testing.T) {
	// Codes of two page sets, contradicting ones and forged ones give no payload.
	payload := make([]byte, 3000)
	rand.Read(payload)
	frames, err := qr.Split(coldParams.Vault, 7, payload, layout(t, "robust"), 20, 25)
	require.NoError(t, err)
	others, err := qr.Split(coldParams.Vault, 8, payload[1:], layout(t, "robust"), 20, 25)
	require.NoError(t, err)
	line := func(f qr.Frame) string { return string(digits.Append(nil, f.Marshal())) + "\n" }
	forged := frames[0]
	forged.Body = bytes.Clone(forged.Body)
	forged.Body[5] ^= 1
	text := ""
	for _, f := range frames[1:] {
		text += line(f)
	}
	for name, c := range map[string]struct{ text, says string }{
		"nothing":     {"", "no page codes"},
		"two sets":    {text + line(others[0]), "several page sets"},
		"contradict":  {text + line(frames[0]) + line(forged), "twice with different content"},
		"forged":      {text + line(forged), "one of them is forged"},
		"header lies": {line(withData(frames[1], frames[1].Total)), "impossible field"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "payload")
			_, stderr, exit := recoverPy(t, c.text, "pages", "--out", out, "-")
			require.Equal(t, exitFailed, exit)
			require.Contains(t, stderr, c.says)
			require.NoFileExists(t, out)
		})
	}
	out := filepath.Join(t.TempDir(), "payload")
	_, stderr, exit := recoverPy(t, text+line(others[0]), "pages", "--out", out, "--set", hex.EncodeToString(frames[0].Set[:]), "-")
	require.Equal(t, exitDone, exit, stderr)
}

func withData(f qr.Frame, data int) qr.Frame {
	f.Data = data
	return f
}
