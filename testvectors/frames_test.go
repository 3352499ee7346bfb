package testvectors

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
	"coldvault/qr/digits"
)

// The vectors of frames/ are of two forms. "frame" is the digits of one page code. "set" has one code a line, and the
// "payload" that they give, or how many more they "need".

const framesFolder = "frames"

func TestFrameVectors(t *testing.T) {
	// Every frozen code and page set reads as it says, or fails in the class it says.
	if *update {
		writeMissing(t, framesFolder, makeFrameVectors(t))
	}
	vectors := readVectors(t, framesFolder)
	require.Equal(t, []string{"checksum", "conflict", "field", "filling", "forged", "incomplete", "kind", "length", "other set", "success"}, classes(vectors))
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			if v.get("form") == "frame" {
				runFrameVector(t, v)
				return
			}
			payload, need, err := collect(t, v)
			require.Equal(t, v.get("expect"), setClass(err), "%v", err)
			require.Equal(t, v.get("payload"), hex.EncodeToString(payload))
			require.Equal(t, v.get("need"), need)
		})
	}
}

func runFrameVector(t *testing.T, v vector) {
	raw, err := digits.Decode(nil, []byte(strings.TrimSuffix(v.body, "\n")))
	require.NoError(t, err)
	f, err := qr.ParseFrame(raw)
	require.Equal(t, v.get("expect"), frameClass(err), "%v", err)
	if err == nil {
		require.Equal(t, raw, f.Marshal())
	}
}

// collect puts a page set together, as far as it goes.
func collect(t *testing.T, v vector) (payload []byte, need string, err error) {
	t.Helper()
	var c qr.Collector
	for line := range strings.Lines(v.body) {
		raw, err := digits.Decode(nil, []byte(strings.TrimSuffix(line, "\n")))
		require.NoError(t, err)
		f, err := qr.ParseFrame(raw)
		require.NoError(t, err)
		if _, err := c.Add(f); err != nil {
			return nil, "", err
		}
	}
	payload, err = c.Payload()
	var few *qr.IncompleteError
	if errors.As(err, &few) {
		need = strconv.Itoa(few.Need)
	}
	return payload, need, err
}

// frameClass is the class of an error of ParseFrame.
func frameClass(err error) string {
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, qr.ErrFrameVersion):
		return "kind"
	case strings.Contains(err.Error(), "some are missing or too many"):
		return "length"
	case strings.Contains(err.Error(), "checksum does not match"):
		return "checksum"
	}
	return "field"
}

// setClass is the class of an error of a Collector.
func setClass(err error) string {
	var other *qr.OtherSetError
	var few *qr.IncompleteError
	switch {
	case err == nil:
		return "success"
	case errors.As(err, &other):
		return "other set"
	case errors.As(err, &few):
		return "incomplete"
	case strings.Contains(err.Error(), "they differ"):
		return "conflict"
	case strings.Contains(err.Error(), "not filled with zeros"):
		return "filling"
	case strings.Contains(err.Error(), "a forged code"):
		return "forged"
	}
	return "unknown: " + err.Error()
}

func TestRecoverReadsTheFrameVectors(t *testing.T) {
	// recover.py takes and leaves the same codes.
	var text strings.Builder
	var want, got []string
	vectors := readVectors(t, framesFolder)
	line := 0
	for _, name := range slices.Sorted(maps.Keys(vectors)) {
		v := vectors[name]
		if v.get("form") != "frame" {
			continue
		}
		line++
		text.WriteString(v.body)
		if v.get("expect") != "success" {
			want = append(want, fmt.Sprintf("line %d: left out", line))
		}
	}
	_, stderr, exit := recoverPy(t, text.String(), "pages", "--out", filepath.Join(t.TempDir(), "payload"), "-")
	require.Equal(t, exitFailed, exit)
	require.Contains(t, stderr, "codes of several page sets") // of the good ones, one is the largest
	for l := range strings.Lines(stderr) {
		if at := strings.Index(l, "line "); at >= 0 {
			got = append(got, l[at:at+strings.Index(l[at:], ": ")+len(": left out")])
		}
	}
	require.Equal(t, want, got)
}

func TestRecoverReadsThePageSetVectors(t *testing.T) {
	// recover.py gives the same payloads, and refuses what this module refuses, for the same reason.
	says := map[string]string{
		"success": "unpack it with tar", "incomplete": " more codes are needed", "other set": "several page sets",
		"conflict": "twice with different content", "forged": "one of them is forged", "filling": "one of them is forged",
	}
	for name, v := range readVectors(t, framesFolder) {
		if v.get("form") != "set" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "payload")
			_, stderr, exit := recoverPy(t, v.body, "pages", "--out", out, "-")
			require.Contains(t, stderr, v.get("need")+says[v.get("expect")])
			if v.get("expect") != "success" {
				require.Equal(t, exitFailed, exit)
				require.NoFileExists(t, out)
				return
			}
			require.Equal(t, exitDone, exit, stderr)
			payload, err := os.ReadFile(out)
			require.NoError(t, err)
			require.Equal(t, v.get("payload"), hex.EncodeToString(payload))
		})
	}
}
