package testvectors

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/shard"
)

// The vectors of shares/ are of three forms. "digits" and "words" have one share as it is typed, with its 51 bytes in
// "share"; where the words are wrong but near, "proposal" and "changed" are what a correction finds. "set" has one code
// a line, the verdict on each, in order, in "verdicts", and the "seed" they give; "commitments" are those of the set.

const sharesFolder = "shares"

func TestShareVectors(t *testing.T) {
	// Every frozen share reads as it says, or fails in the class it says.
	if *update {
		writeMissing(t, sharesFolder, makeShareVectors(t))
	}
	vectors := readVectors(t, sharesFolder)
	require.Equal(t, []string{"checksum", "digits", "field", "frame", "inconsistent", "kind", "length", "missing words", "not enough", "success", "words"}, classes(vectors))
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			if v.get("form") == "set" {
				runSetVector(t, v)
				return
			}
			runShareVector(t, v)
		})
	}
}

func runShareVector(t *testing.T, v vector) {
	dst := make([]byte, shard.ShareSize)
	s, err := shard.ParseAny(dst, []byte(v.body))
	require.Equal(t, v.get("expect"), shareClass(err), "%v", err)
	if err == nil {
		require.Equal(t, v.get("share"), hex.EncodeToString(s.Bytes()))
		write := map[string]func([]byte, shard.Share) []byte{"digits": shard.AppendText, "words": shard.AppendWords}[v.get("form")]
		if v.get("canonical") != "no" {
			require.Equal(t, v.body, string(write(nil, s))+"\n")
		}
		return
	}
	require.True(t, s.IsZero())
	if v.get("form") != "words" {
		return
	}
	p, err := shard.Correct(dst, []byte(v.body))
	if v.get("proposal") == "" {
		require.Error(t, err)
		return
	}
	require.NoError(t, err)
	require.Equal(t, v.get("proposal"), hex.EncodeToString(p.Share.Bytes()))
	require.Equal(t, v.get("changed"), numbers(p.Changed))
}

// shareClass is the class of an error of ParseAny.
func shareClass(err error) string {
	var missing *shard.WordsError
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, shard.ErrLength):
		return "length"
	case errors.Is(err, shard.ErrKind):
		return "kind"
	case errors.Is(err, shard.ErrFrame):
		return "frame"
	case errors.Is(err, shard.ErrChecksum):
		return "checksum"
	case errors.Is(err, shard.ErrField):
		return "field"
	case errors.Is(err, shard.ErrWords):
		return "words"
	case errors.As(err, &missing):
		return "missing words"
	}
	return "digits"
}

func numbers(list []int) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = strconv.Itoa(n)
	}
	return strings.Join(out, " ")
}

func runSetVector(t *testing.T, v vector) {
	var shares []shard.Share
	for line := range strings.Lines(v.body) {
		s, err := shard.ParseAny(make([]byte, shard.ShareSize), []byte(line))
		require.NoError(t, err)
		shares = append(shares, s)
	}
	var verdicts []string
	var accepted []shard.Share
	for _, j := range shard.Judge(shares, expectation(t, v, shares[0])) {
		verdicts = append(verdicts, j.Verdict.String())
		if j.Verdict == shard.Accepted {
			accepted = append(accepted, j.Share)
		}
	}
	require.Equal(t, v.get("verdicts"), strings.Join(verdicts, ", "))
	group := shard.GroupBySet(accepted)[0]
	seed := make([]byte, shard.SeedSize)
	err := shard.Combine(seed, group.Members, nil)
	var few *shard.NotEnoughError
	var wrong *shard.InconsistentError
	switch v.get("expect") {
	case "success":
		require.NoError(t, err)
		require.Equal(t, v.get("seed"), hex.EncodeToString(seed))
	case "not enough":
		require.ErrorAs(t, err, &few)
	case "inconsistent":
		require.ErrorAs(t, err, &wrong)
	default:
		t.Fatalf("unknown class %q", v.get("expect"))
	}
}

// expectation is what the vector knows of the set of its first share.
func expectation(t *testing.T, v vector, first shard.Share) shard.Expect {
	t.Helper()
	if v.get("commitments") == "" {
		return shard.Expect{}
	}
	set := shard.SetInfo{ID: first.Set(), Compartment: first.Compartment(), Threshold: first.Threshold(), Shares: first.Shares()}
	for _, text := range strings.Fields(v.get("commitments")) {
		sum, err := hex.DecodeString(text)
		require.NoError(t, err)
		set.Commitments = append(set.Commitments, [shard.CommitmentSize]byte(sum))
	}
	return shard.Expect{Vault: first.Vault(), Sets: []shard.SetInfo{set}}
}

func TestRecoverReadsTheShareVectors(t *testing.T) {
	// recover.py takes and leaves the same shares.
	for name, v := range readVectors(t, sharesFolder) {
		t.Run(name, func(t *testing.T) {
			args := []string{"identity", "--compartment", "cold"}
			if v.get("commitments") != "" {
				s, err := shard.ParseAny(make([]byte, shard.ShareSize), []byte(strings.SplitAfter(v.body, "\n")[0]))
				require.NoError(t, err)
				args = append(args, "--shares", writeSharesJSON(t, expectation(t, v, s)))
			}
			stdout, stderr, exit := recoverPy(t, v.body, append(args, "-")...)
			switch {
			case v.get("form") != "set" && v.get("expect") == "success":
				require.Equal(t, exitMore, exit, stderr)
				require.Contains(t, stderr, ": 1 of the ")
			case v.get("form") != "set":
				require.Equal(t, exitMore, exit, stderr)
				require.Contains(t, stderr, "there is no share of cold at all")
			case v.get("expect") == "success":
				seed, err := hex.DecodeString(v.get("seed"))
				require.NoError(t, err)
				require.Equal(t, exitDone, exit, stderr)
				requireIdentity(t, seed, stdout)
			case v.get("expect") == "not enough":
				require.Equal(t, exitMore, exit, stderr)
			default:
				require.Equal(t, exitFailed, exit, stderr)
			}
			require.Equal(t, exit == exitDone, stdout != "")
		})
	}
}

// writeSharesJSON writes a shares.json, unsigned, with the sets that are expected.
func writeSharesJSON(t *testing.T, want shard.Expect) string {
	t.Helper()
	var sets []any
	for _, set := range want.Sets {
		var commitments []string
		for _, sum := range set.Commitments {
			commitments = append(commitments, hex.EncodeToString(sum[:]))
		}
		sets = append(sets, map[string]any{"set": set.ID.String(), "compartment": set.Compartment.String(), "threshold": set.Threshold,
			"shares": set.Shares, "status": "current", "commitments": commitments})
	}
	document, err := json.Marshal(map[string]any{"format": "coldvault.shares/1", "vault": want.Vault.String(), "sets": sets})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "shares.json")
	require.NoError(t, os.WriteFile(path, document, 0o600))
	return path
}
