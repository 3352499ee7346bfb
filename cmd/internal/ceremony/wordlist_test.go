package ceremony

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/shard"
)

// Words are read however a person has written them down.
func TestWordListsAsPeopleWriteThem(t *testing.T) {
	o := &operator{t: t}
	dir, _ := vaultOf(t, o)
	in, err := NewIntake()
	require.NoError(t, err)
	defer in.Close()
	in.Add(filepath.Join(dir, "cards", "card-1.pdf"), nil)
	require.Len(t, in.Shares, 2)
	cold, hot := strings.Fields(string(shard.AppendWords(nil, in.Shares[0].Share))), strings.Fields(string(shard.AppendWords(nil, in.Shares[1].Share)))
	rows := func(words []string, format, gap string) string {
		var b strings.Builder
		for i, w := range words {
			b.WriteString(strings.NewReplacer("#", fmt.Sprint(i+1), "@", w).Replace(format))
			if i%4 == 3 {
				b.WriteString(gap)
			}
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"one line each":             strings.Join(cold, " ") + "\n" + strings.Join(hot, " ") + "\n",
		"rows, empty lines between": rows(cold, "@ ", "\n\n") + rows(hot, "@ ", "\n\n"),
		"numbered rows, headings":   "COLD\n" + rows(cold, "# @  ", "\n") + "HOT\n" + rows(hot, "#. @ ", "\r\n"),
		"commas":                    rows(cold, "@, ", "\n") + "\n" + rows(hot, "@,", "\n"),
		"byte order mark, upper":    "\ufeff" + strings.ToUpper(rows(cold, "@ ", "\n")+rows(hot, "@ ", "\n")),
		"one a line":                rows(cold, "#) @\n", "") + rows(hot, "#) @\n", ""),
	} {
		again, err := NewIntake()
		require.NoError(t, err)
		again.Add("-", bytes.NewReader([]byte(text)))
		require.Len(t, again.Shares, 2, "%s: %v", name, again.Inputs)
		require.Equal(t, in.Shares[0].Bytes(), again.Shares[0].Bytes(), name)
		require.Equal(t, in.Shares[1].Bytes(), again.Shares[1].Bytes(), name)
		again.Close()
	}
}

// One input that cannot be used is named, and the others go on.
func TestABadInputStopsNothing(t *testing.T) {
	o := &operator{t: t}
	dir, media := vaultOf(t, o)
	write(t, dir, "src/key", []byte("a key"))
	_, err := Seal(o, SealRequest{Host: quietHost(), Vault: filepath.Join(dir, "vault"), Sources: []string{filepath.Join(dir, "src")}, To: media, Rules: Rules{Now: time.Now()}})
	require.NoError(t, err)
	write(t, dir, "bad.pdf", []byte("%PDF-1.4 torn"))
	write(t, dir, "zero.png", nil)
	given := append(cards(dir, 1, 2), filepath.Join(dir, "bad.pdf"), filepath.Join(dir, "zero.png"), filepath.Join(dir, "missing"))
	o.warned = nil
	r, err := Restore(o, RestoreRequest{Opening: Opening{Host: quietHost(), From: append([]string{filepath.Join(dir, "nowhere")}, media...), Cards: given}, Role: "all", To: filepath.Join(dir, "out")})
	require.NoError(t, err)
	require.Equal(t, []string{"key"}, names(r.Files))
	for _, name := range []string{"nowhere", "bad.pdf", "zero.png", "missing"} {
		require.Contains(t, fmt.Sprint(o.warned), name)
	}
}
