package ceremony

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media/paper"
	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/shard"
)

// printed are the codes of a made-up generation as they are printed on a paper.
func printed(t *testing.T, bytes int, layoutName string, size paper.Size) []qr.Frame {
	t.Helper()
	layout, err := qr.LayoutByName(layoutName)
	require.NoError(t, err)
	payload := make([]byte, bytes)
	for i := range payload {
		payload[i] = byte(i * i)
	}
	frames, err := qr.Split([5]byte{1, 2, 3, 4, 5}, 7, payload, layout, paper.GridFor(layout, size).Codes(), qr.MinParity)
	require.NoError(t, err)
	return frames
}

func newIntake(t *testing.T) *Intake {
	t.Helper()
	in, err := NewIntake()
	require.NoError(t, err)
	t.Cleanup(in.Close)
	return in
}

// asText gives codes as a reader does, one a line.
func asText(frames ...qr.Frame) string {
	var b strings.Builder
	for _, f := range frames {
		b.Write(digits.Append(nil, f.Marshal()))
		b.WriteByte('\n')
	}
	return b.String()
}

// What is missing is named by the page and place that stand on the paper, on
// either paper, and on both where the number of codes does not tell which.
func TestMissingCodesAreNamedByPlace(t *testing.T) {
	for _, test := range []struct {
		bytes  int
		layout string
		size   paper.Size
		codes  int
		gone   []int
		want   []string
	}{
		{12000, "robust", paper.A4, 40, []int{0, 19, 20}, []string{"page 1: A1 D5", "page 2: A1"}},
		{12000, "robust", paper.Letter, 40, []int{0, 19, 20}, []string{"page 1: A1 D5", "page 2: A1"}},
		{17000, "dense", paper.A4, 24, []int{0, 20, 23}, []string{"page 1: A1 A6 D6"}},
		{17000, "dense", paper.Letter, 40, []int{0, 20, 23}, []string{"page 1: A1", "page 2: A1 D1"}},
		{80000, "dense", paper.A4, 120, []int{24, 25}, []string{"on a4 paper, page 2: A1 B1", "on letter paper, page 2: A2 B2"}},
		{180000, "dense", paper.Letter, 255, []int{254}, []string{"on a4 paper, page 11: C4", "on letter paper, page 13: C4"}},
	} {
		frames := printed(t, test.bytes, test.layout, test.size)
		require.Len(t, frames, test.codes)
		var c qr.Collector
		for i, f := range frames {
			if !slices.Contains(test.gone, i) {
				_, err := c.Add(f)
				require.NoError(t, err)
			}
		}
		layout, _ := qr.LayoutByName(test.layout)
		require.Equal(t, test.want, places(&c, layout))
	}
}

// Scans add up whatever their order and however they are mixed: two printouts of
// one generation and foreign codes in one pile, in pieces, each set counted alone.
func TestScansAddUpInAnyOrder(t *testing.T) {
	robust := printed(t, 12000, "robust", paper.A4)
	letter := printed(t, 17000, "dense", paper.Letter)
	all := append(append([]qr.Frame{}, robust...), letter...)
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		in := newIntake(t)
		have := map[int]int{}
		for rest := all; len(rest) > 0; {
			n := min(1+random.IntN(9), len(rest))
			in.Add("-", strings.NewReader("QR-Code:12345\n"+asText(rest[:n]...)+asText(rest[0])))
			for _, f := range rest[:n] {
				have[f.Total*1000+f.Data]++
			}
			rest = rest[n:]
			for _, p := range in.PageSets() {
				require.Equal(t, have[p.codes.Total()*1000+p.codes.Data()], p.Have)
				require.Equal(t, max(0, p.codes.Data()-p.Have), p.Need)
				require.Equal(t, p.Have == p.Total, len(p.Missing) == 0)
			}
		}
		sets := in.PageSets()
		require.Len(t, sets, 2)
		for _, p := range sets {
			require.Zero(t, p.Need)
			_, err := p.codes.Payload()
			require.NoError(t, err)
		}
	}
}

// A scanner's digits that a keyboard layout made something else of are read where
// the checksum then fits, and no others.
func TestWedgeThroughALayout(t *testing.T) {
	french := strings.NewReplacer("1", "&", "2", "é", "3", `"`, "4", "'", "5", "(", "6", "-", "7", "è", "8", "_", "9", "ç", "0", "à")
	german := strings.NewReplacer("1", "!", "2", `"`, "3", "§", "4", "$", "5", "%", "6", "&", "7", "/", "8", "(", "9", ")", "0", "=")
	frames := printed(t, 2000, "robust", paper.A4)
	shares := splitSeed(t)
	in := newIntake(t)
	text := french.Replace(asText(frames[:2]...)) + german.Replace(asText(frames[2:4]...)) + asText(frames[4])
	for _, s := range shares {
		text += french.Replace(string(shard.AppendText(nil, s))) + "\r\n"
	}
	in.Add("-", strings.NewReader(text))
	require.Equal(t, Input{Name: "standard input", Codes: 5 + len(shares), Frames: 5, Shares: len(shares)}, in.Inputs[0])
	require.Equal(t, 5, in.PageSets()[0].Have)
	require.Equal(t, shares[1].Bytes(), in.Shares[1].Bytes())
	require.NoError(t, in.AddTyped(&operator{t: t}, []byte(german.Replace(string(shard.AppendText(nil, shares[0]))))))

	wrong := []byte(asText(frames[5])[:100])
	wrong[50] = '0' + (wrong[50]-'0'+1)%10
	require.Error(t, in.AddTyped(&operator{t: t}, []byte(french.Replace(string(wrong)))))
	digitsOf := shard.AppendText(nil, shares[2])
	digitsOf[70] = '0' + (digitsOf[70]-'0'+1)%10
	require.Error(t, in.AddTyped(&operator{t: t}, []byte(french.Replace(string(digitsOf)))))
}

// splitSeed gives the shares of a made-up seed.
func splitSeed(t *testing.T) (shares []shard.Share) {
	t.Helper()
	seed := bytes.Repeat([]byte{7}, shard.SeedSize)
	dst := make([][]byte, 5)
	for i := range dst {
		dst[i] = make([]byte, shard.ShareSize)
	}
	require.NoError(t, shard.Split(dst, seed, shard.Params{Vault: shard.VaultID{1, 2, 3, 4, 5}, Compartment: shard.Cold, Threshold: 3, Shares: 5}))
	for _, raw := range dst {
		s, err := shard.Parse(raw)
		require.NoError(t, err)
		shares = append(shares, s)
	}
	return shares
}

// Words that are wrong, missing or swapped are named by their numbers. A
// correction is taken only from a person, and only on a yes.
func TestWrongWordsAreProposed(t *testing.T) {
	share := splitSeed(t)[0]
	right := strings.Fields(string(shard.AppendWords(nil, share)))
	for name, test := range map[string]struct {
		change  func(words []string)
		numbers []int
	}{
		"three wrong": {func(w []string) { w[0], w[20], w[43] = other(w[0]), other(w[20]), other(w[43]) }, []int{1, 21, 44}},
		"six missing": {func(w []string) { w[1], w[2], w[3], w[30], w[31], w[40] = "?", "?", "?", "?", "?", "?" }, []int{2, 3, 4, 31, 32, 41}},
		"swapped":     {func(w []string) { w[8], w[9] = w[9], w[8] }, []int{9, 10}},
		"misspelt":    {func(w []string) { w[5] = "qqqq" }, []int{6}},
	} {
		t.Run(name, func(t *testing.T) {
			words := slices.Clone(right)
			test.change(words)
			line := []byte(strings.Join(words, " "))

			nobody, no, yes := &operator{t: t}, &operator{t: t}, &operator{t: t}
			no.answers, yes.answers = map[string]string{"words": "no"}, map[string]string{"words": "yes"}
			var wrong *WrongWordsError
			for _, c := range []*operator{nobody, no} {
				in := newIntake(t)
				require.ErrorAs(t, in.AddTyped(c, line), &wrong)
				require.Equal(t, test.numbers, wrong.Words)
				require.Empty(t, in.Shares)
			}
			in := newIntake(t)
			require.NoError(t, in.AddTyped(yes, line))
			require.Equal(t, share.Bytes(), in.Shares[0].Bytes())
			require.Len(t, yes.said, 1)
			for _, n := range test.numbers {
				require.Contains(t, yes.said[0], fmt.Sprintf("  word %d: %s\n", n, right[n-1]))
			}
			require.Equal(t, 1+len(test.numbers), strings.Count(yes.said[0], "\n"))

			// From a file nothing is corrected, and no word is told: the whole note is
			// known beforehand.
			in = newIntake(t)
			in.Add("-", bytes.NewReader(line))
			require.Empty(t, in.Shares)
			require.Equal(t, []string{"a share that cannot be used: " + wrong.Error()}, in.Inputs[0].Notes)
		})
	}
}

// Too many wrong words are no proposal.
func TestTooManyWrongWords(t *testing.T) {
	words := strings.Fields(string(shard.AppendWords(nil, splitSeed(t)[0])))
	for i := range 4 {
		words[i*10] = other(words[i*10])
	}
	c := &operator{t: t, answers: map[string]string{"words": "yes"}}
	in := newIntake(t)
	require.ErrorIs(t, in.AddTyped(c, []byte(strings.Join(words, " "))), shard.ErrNoProposal)
	require.Empty(t, in.Shares)
	require.Empty(t, c.said)
}

// other is another word of the list.
func other(word string) string {
	if word == "abandon" {
		return "zoo"
	}
	return "abandon"
}

// Who waits for a file of many pages hears of the pages; who does not listen stops nobody.
func TestPagesAreToldWhileAFileIsRead(t *testing.T) {
	r := &reading{make(chan scanned, 1), make(chan [2]int, 1)}
	r.tell(1, 3)
	r.tell(2, 3)
	var told []int
	s := r.wait(func(page, pages int) {
		told = append(told, page, pages)
		r.result <- scanned{text: []byte("read")}
	})
	require.Equal(t, []int{1, 3}, told)
	require.Equal(t, "read", string(s.text))
}
