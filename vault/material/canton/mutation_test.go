package canton

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
	"coldvault/vault/material/jsonview"
)

// outcome is what a change to a file led to.
type outcome int

const (
	byCheck  outcome = iota // a verdict became worse
	byID                    // the role or a derived id is another than at sealing
	byDigest                // nothing but the digest can tell
)

// compareReports compares a report with that of the untouched files.
func compareReports(before, after material.Report) outcome {
	count := func(r material.Report, s material.Status) int {
		n := 0
		for _, v := range r.Verdicts {
			if v.Status == s {
				n++
			}
		}
		return n
	}
	for _, s := range []material.Status{material.Fail, material.Warn, material.Unknown} {
		if count(after, s) > count(before, s) {
			return byCheck
		}
	}
	if !slices.Equal(before.IDs, after.IDs) {
		return byID
	}
	for i := range before.Items {
		if before.Items[i].Role != after.Items[i].Role || before.Items[i].ID != after.Items[i].ID {
			return byID
		}
	}
	return byDigest
}

// stride is how many bits of a file are passed over between two that are turned.
func stride() int {
	if os.Getenv("COLDVAULT_LONG") != "" {
		return 1
	}
	return 11
}

// turnBits turns single bits of one of the files and counts what comes of it. What
// only the digest can tell is handed to harmless.
func turnBits(t *testing.T, files []material.File, which int, harmless func(changed []byte)) [3]int {
	t.Helper()
	before := material.Inspect(files, Profile{})
	require.NotEqual(t, material.Fail, before.Worst())
	changed := append([]material.File{}, files...)
	data := append([]byte{}, files[which].Data...)
	changed[which].Data = data
	var counts [3]int
	for bit := 0; bit < 8*len(data); bit += stride() {
		data[bit/8] ^= 1 << (bit % 8)
		result := compareReports(before, material.Inspect(changed, Profile{}))
		if counts[result]++; result == byDigest {
			harmless(data)
		}
		data[bit/8] ^= 1 << (bit % 8)
	}
	return counts
}

// essence is the part of a dump that checks prove: id, private keys, public keys,
// signed transactions and their signatures.
func essence(t *testing.T, data []byte) []string {
	v, err := jsonview.Parse(data)
	require.NoError(t, err)
	d, err := readDump(v)
	require.NoError(t, err)
	require.NoError(t, d.broken)
	out := []string{d.id.String()}
	for _, pair := range d.pairs {
		out = append(out, pair.id, string(pair.public.SPKI()))
	}
	for _, tx := range d.topology.transactions {
		out = append(out, string(tx.bytes))
		for _, s := range tx.signatures {
			out = append(out, s.by, string(s.bytes))
		}
	}
	return out
}

func TestEveryBitOfADump(t *testing.T) { // one bit turned in a dump is found, or is in what no check can prove
	for name, bare := range map[string]bool{"with public halves": false, "without": true} {
		n := newNode(t, nodeParticipant, 10)
		n.bare = bare
		files := []material.File{file("dump.json", n.dump())}
		want := essence(t, files[0].Data)
		counts := turnBits(t, files, 0, func(changed []byte) {
			require.Equal(t, want, essence(t, changed))
		})
		t.Logf("%s, %d bytes: %d bits found by a check, %d by an id, %d by the digest alone", name, len(files[0].Data), counts[byCheck], counts[byID], counts[byDigest])
		require.Greater(t, counts[byCheck], 8*counts[byDigest])
	}
}

func TestEveryBitOfTheOtherFiles(t *testing.T) { // the same for key files, the operator key and CometBFT's files
	cometFiles, _ := comet(t, "sv", 70, "5af57aa83abcec085c949323ed8538108757be9c@a:26656")
	k := newNode(t, nodeParticipant, 10)
	halves := []material.File{file("a_private.bin", k.signing.privatePart()), file("a_public.bin", k.signing.publicPart())}
	for _, c := range []struct {
		name  string
		files []material.File
		which int
	}{
		{"key pair", []material.File{file("a.key", k.encryption.pair(true))}, 0},
		{"private key", halves, 0},
		{"public key", halves, 1},
		{"operator key", []material.File{file("key", operatorLines(t, 5, 5))}, 0},
		{"node key", cometFiles, 0}, {"validator key", cometFiles, 1}, {"validator state", cometFiles, 2},
		{"config", cometFiles, 3}, {"genesis", cometFiles, 4},
	} {
		left := 0
		counts := turnBits(t, c.files, c.which, func([]byte) { left++ })
		t.Logf("%s, %d bytes: %d bits found by a check, %d by an id, %d by the digest alone", c.name, len(c.files[c.which].Data), counts[byCheck], counts[byID], counts[byDigest])
		if c.which < 3 { // keys and state: all but white space, a word before a key and what it may be used for
			require.Greater(t, counts[byCheck]+counts[byID], 4*left, c.name)
		}
	}
}

func TestSwappedFilesAreFound(t *testing.T) { // a file of another node's set in its place
	ours, _ := comet(t, "sv", 70, "")
	theirs, _ := comet(t, "sv", 90, "")
	before := material.Inspect(ours, Profile{})
	for i := range ours {
		if i == 3 {
			continue // the two nodes' settings are the same
		}
		changed := append([]material.File{}, ours...)
		changed[i] = theirs[i]
		require.NotEqual(t, byDigest, compareReports(before, material.Inspect(changed, Profile{})), ours[i].Name)
	}
	a, b := newNode(t, nodeParticipant, 10).members(), newNode(t, nodeParticipant, 40).members()
	dump := material.Inspect([]material.File{file("d.json", encode(t, a))}, Profile{})
	for _, member := range []string{"id", "keys", "authorizedStoreSnapshot"} {
		own := a[member]
		a[member] = b[member]
		r := material.Inspect([]material.File{file("d.json", encode(t, a))}, Profile{})
		require.Equal(t, byCheck, compareReports(dump, r), member)
		a[member] = own
	}
}
