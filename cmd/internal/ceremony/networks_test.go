package ceremony

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/material"
	"coldvault/vault/material/aleph"
	"coldvault/vault/material/canton"
	"coldvault/vault/material/cardano"
	"coldvault/vault/material/cardano/samplepool"
	"coldvault/vault/material/filecoin"
	"coldvault/vault/secret"
)

// operator answers for a test and remembers what was said.
type operator struct {
	t       *testing.T
	answers map[string]string
	said    []string
	warned  []string
}

func (o *operator) Say(f string, a ...any)              { o.said = append(o.said, fmt.Sprintf(f, a...)) }
func (o *operator) Warn(f string, a ...any)             { o.warned = append(o.warned, fmt.Sprintf(f, a...)) }
func (o *operator) Order(f string, a ...any)            { o.said = append(o.said, fmt.Sprintf(f, a...)) }
func (o *operator) Progress(string, int, int)           {}
func (o *operator) Card(string) (*secret.Buffer, error) { return nil, ErrNobody }
func (o *operator) OnInterrupt(func()) func()           { return func() {} }

// AcceptWords takes a correction where "yes" is the answer to "words".
func (o *operator) AcceptWords(numbers []int, words []byte) (bool, error) {
	o.said = append(o.said, fmt.Sprint("words ", numbers, "\n", string(words)))
	answer, err := o.Ask("words")
	return answer == "yes", err
}

func (o *operator) Passphrase(bool) (*secret.Buffer, error) {
	return secret.Move([]byte("correct horse battery staple"))
}

func (o *operator) Ask(question string) (string, error) {
	answer, ok := o.answers[question]
	if !ok {
		return "", ErrNobody
	}
	return answer, nil
}

// write puts a file below dir.
func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	file := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, data, 0o600))
}

// fourNetworks makes a folder with keys of every network.
func fourNetworks(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	pool, err := samplepool.New(rand.Reader, samplepool.Options{})
	require.NoError(t, err)
	for name, data := range pool {
		write(t, dir, "pool/"+name, data)
	}
	operatorKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(operatorKey)
	require.NoError(t, err)
	write(t, dir, "splice/sv-operator.key", []byte(base64.StdEncoding.EncodeToString(pkcs8)))
	node, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	write(t, dir, "aleph/keys/node-secret.key", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(node)}))
	wallet := make([]byte, 32)
	_, err = rand.Read(wallet)
	require.NoError(t, err)
	export := fmt.Sprintf(`{"Type":"secp256k1","PrivateKey":%q}`, base64.StdEncoding.EncodeToString(wallet))
	write(t, dir, "lotus/owner.key", []byte(hex.EncodeToString([]byte(export))+"\n"))
	write(t, dir, "notes.txt", []byte("where the sticks are"))
	return dir
}

// Files of four networks in one folder are told apart, and nothing is left over
// but what is of no network. Shows G12.
func TestFourNetworksInOneFolder(t *testing.T) {
	report, err := Inspect([]string{fourNetworks(t)}, Rules{Now: time.Now()})
	require.NoError(t, err)
	networks := map[string]int{}
	for _, item := range report.Items {
		networks[item.Network]++
	}
	require.Equal(t, map[string]int{
		cardano.Network: 23, canton.Network: 1, aleph.Network: 1, filecoin.Network: 1, material.Generic: 1,
	}, networks)
	require.NotEqual(t, material.Fail, report.Worst())
}

// An id that was sealed and comes out otherwise, in its value alone, is named. Breaks G12.
func TestAnIDThatCannotBeDerivedIsNamed(t *testing.T) {
	gathered, err := vault.GatherToSeal([]string{fourNetworks(t)}, nil)
	require.NoError(t, err)
	defer gathered.Destroy()
	b := &vault.Bundle{Data: gathered.Data}
	b.Contents.Files = gathered.Files
	b.Contents.IDs = derivedIDs(gathered.Files, gathered.Data)
	require.Greater(t, len(b.Contents.IDs), 3)
	require.NoError(t, compareIDs(b))
	for i := range b.Contents.IDs {
		id := &b.Contents.IDs[i]
		was := id.Value
		id.Value += "0"
		require.EqualError(t, compareIDs(b), fmt.Sprint("1 of ", len(b.Contents.IDs), " ids not derived as when it was sealed: ")+id.Network+" "+id.Name+", which was "+id.Value)
		id.Value = was
	}
}

// Another version may derive ids otherwise, as the one that made this vault did: whoever needs the keys gets them,
// with a word, and a drill has failed. Shows G27.
func TestKeysComeBackWhoseIDsAreDerivedOtherwise(t *testing.T) {
	golden := "../../../testvectors/vaults/v1-cardano/"
	o := &operator{t: t}
	opening := Opening{Host: quietHost(), From: []string{golden + "medium"}, Cards: []string{golden + "cards"}}
	r, err := Restore(o, RestoreRequest{Opening: opening, Role: "all", To: filepath.Join(t.TempDir(), "out"), ChainCounter: []string{"unknown"}})
	require.NoError(t, err)
	require.NotEmpty(t, r.Files)
	require.Contains(t, fmt.Sprint(o.warned), " ids not derived as when it was sealed: cardano VRF key hash, which was ea6ccaea")
	_, err = Drill(o, DrillRequest{Opening: opening, Role: "all"})
	require.ErrorIs(t, err, ErrDamage)
	require.ErrorContains(t, err, " ids not derived as when it was sealed: cardano ")
}

// vaultOf makes a 2-of-3 vault and two empty media.
func vaultOf(t *testing.T, o *operator) (dir string, media []string) {
	t.Helper()
	dir = t.TempDir()
	_, err := Create(o, CreateRequest{
		Host:  quietHost(),
		Vault: filepath.Join(dir, "vault"), Cards: filepath.Join(dir, "cards"),
		Label: "test", Shares: 3, Threshold: 2, Now: time.Now(),
	})
	require.NoError(t, err)
	for _, name := range []string{"a", "b"} {
		media = append(media, filepath.Join(dir, name))
		require.NoError(t, os.Mkdir(media[len(media)-1], 0o700))
	}
	return dir, media
}

func cards(dir string, numbers ...int) []string {
	var out []string
	for _, n := range numbers {
		out = append(out, filepath.Join(dir, "cards", fmt.Sprintf("card-%d.pdf", n)))
	}
	return out
}

func names(files []vault.Entry) []string {
	var out []string
	for _, f := range files {
		out = append(out, f.Name)
	}
	return out
}

// A standby gets exactly the hot kit of its pool, and nobody asks for a cold share. Breaks G9.
func TestStandbyIsExactlyTheHotKit(t *testing.T) {
	o := &operator{t: t}
	dir, media := vaultOf(t, o)
	_, err := Seal(o, SealRequest{
		Host:  quietHost(),
		Vault: filepath.Join(dir, "vault"), Sources: []string{fourNetworks(t)}, To: media, Rules: Rules{Now: time.Now()},
	})
	require.NoError(t, err)
	in, err := NewIntake()
	require.NoError(t, err)
	defer in.Close()
	// Only the hot shares of two cards, as text.
	for _, card := range cards(dir, 1, 3) {
		in.Add(card, nil)
	}
	var codes []byte
	for _, s := range in.Shares {
		if s.Compartment().String() == "hot" {
			codes = append(shard.AppendText(codes, s.Share), '\n')
		}
	}
	write(t, dir, "hot.txt", codes)
	r, err := Restore(o, RestoreRequest{
		Opening: Opening{Host: quietHost(), From: media[:1], Cards: []string{filepath.Join(dir, "hot.txt")}},
		Role:    "standby", To: filepath.Join(dir, "out"),
	})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"pool/kes.skey", "pool/vrf.skey", "pool/node.cert", "pool/node.env", "pool/topology.json",
	}, names(r.Files))
	require.Empty(t, r.Held)

	_, err = Restore(o, RestoreRequest{
		Opening: Opening{Host: quietHost(), From: media[:1], Cards: []string{filepath.Join(dir, "hot.txt")}},
		Role:    "all", To: filepath.Join(dir, "all"),
	})
	var quorum *vault.QuorumError
	require.ErrorAs(t, err, &quorum)
	require.Equal(t, "cold", quorum.Needs[0].Compartment)
	require.NoDirExists(t, filepath.Join(dir, "all"))
}

// A counter that the chain has overtaken, or that nobody asked the chain about,
// comes back under a name that no tool picks up. Shows G13.
func TestCounterIsRestoredByTheWordOfTheChain(t *testing.T) {
	o := &operator{t: t}
	dir, media := vaultOf(t, o)
	pool, err := samplepool.New(rand.Reader, samplepool.Options{Number: 7})
	require.NoError(t, err)
	src := filepath.Join(dir, "pool")
	for name, data := range pool {
		write(t, src, name, data)
	}
	_, err = Seal(o, SealRequest{Host: quietHost(), Vault: filepath.Join(dir, "vault"), Sources: []string{src}, To: media, Rules: Rules{Now: time.Now()}})
	require.NoError(t, err)
	for i, c := range []struct {
		answers []string
		as      string
	}{
		{nil, "cold.counter" + unprovenSuffix},
		{[]string{"unknown"}, "cold.counter" + unprovenSuffix},
		{[]string{"6"}, "cold.counter" + unprovenSuffix},
		{[]string{"7"}, "cold.counter"},
		{[]string{"8"}, "cold.counter" + unprovenSuffix},
		{[]string{"cold.counter=7"}, "cold.counter"},
		{[]string{"cold.counter=9"}, "cold.counter" + unprovenSuffix},
	} {
		r, err := Restore(o, RestoreRequest{
			Opening: Opening{Host: quietHost(), From: media[:1], Cards: cards(dir, 1, 2)},
			Role:    "cold", To: filepath.Join(dir, fmt.Sprint("out", i)), ChainCounter: c.answers,
		})
		require.NoError(t, err)
		require.Contains(t, names(r.Files), c.as, "%v", c.answers)
		require.FileExists(t, filepath.Join(r.To, c.as))
		require.Equal(t, c.as != "cold.counter", len(r.Held) == 1, "%v", c.answers)
	}
	for _, answer := range []string{"many", "node.counter=7", "-1"} {
		_, err = Restore(o, RestoreRequest{
			Opening: Opening{Host: quietHost(), From: media[:1], Cards: cards(dir, 1, 2)},
			Role:    "cold", To: filepath.Join(dir, "bad"), ChainCounter: []string{answer},
		})
		var usage *UsageError
		require.ErrorAs(t, err, &usage, answer)
	}
	// A certificate that the chain has gone past keeps its name, and it is said.
	o.warned = nil
	r, err := Restore(o, RestoreRequest{
		Opening: Opening{Host: quietHost(), From: media[:1], Cards: cards(dir, 1, 2)},
		Role:    "standby", To: filepath.Join(dir, "standby"), ChainCounter: []string{"9"},
	})
	require.NoError(t, err)
	require.Contains(t, names(r.Files), "node.cert")
	require.Contains(t, fmt.Sprint(o.warned), "node.cert does not go with the last operational certificate number on the chain, 9, but with 6 to 7")
}

// An incoherent set is refused unless the failed check is accepted with a reason,
// which every restore shows. Breaks G12.
func TestIncoherentSetIsRefusedOrAcceptedOnRecord(t *testing.T) {
	o := &operator{t: t}
	dir, media := vaultOf(t, o)
	src := filepath.Join(dir, "pool")
	for i, name := range []string{"cold.skey", "cold.vkey"} { // of two different pools
		pool, err := samplepool.New(rand.Reader, samplepool.Options{})
		require.NoError(t, err, i)
		write(t, src, name, pool[name])
	}
	request := SealRequest{Host: quietHost(), Vault: filepath.Join(dir, "vault"), Sources: []string{src}, To: media, Rules: Rules{Now: time.Now()}}
	_, err := Seal(o, request)
	var failed *FailedChecksError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, []string{"CARDANO-KEY-PAIR"}, failed.Checks)
	require.NoDirExists(t, filepath.Join(media[0], "coldvault"))

	request.Accept = []Acceptance{{Check: "CARDANO-OPCERT-KES", Because: "x"}}
	_, err = Seal(o, request)
	require.ErrorContains(t, err, "has not failed")

	request.Accept = []Acceptance{{Check: "CARDANO-KEY-PAIR", Because: "a test of the wrong pair"}}
	request.Put = []string{"cold.vkey=both"}
	request.Facts = []format.Fact{{Name: "party-hint", Value: "alice"}}
	_, err = Seal(o, request)
	require.NoError(t, err)
	r, err := Restore(o, RestoreRequest{Opening: Opening{Host: quietHost(), From: media[:1], Cards: cards(dir, 1, 2)}, Role: "hot", To: filepath.Join(dir, "out")})
	require.NoError(t, err)
	require.Equal(t, []string{"cold.vkey"}, names(r.Files))
	require.Equal(t, []format.Accepted{{Check: "CARDANO-KEY-PAIR", Because: "a test of the wrong pair"}}, r.Accepted)
	require.Equal(t, []format.Fact{{Name: "put cold.vkey", Value: "both"}, {Name: "party-hint", Value: "alice"}}, r.Facts)
}

// Whatever cannot be a plain file of keys is named, and nothing is sealed.
func TestOddSourcesAreNamedAndNothingIsSealed(t *testing.T) {
	o := &operator{t: t}
	dir, media := vaultOf(t, o)
	for name, make := range map[string]func(string) error{
		"symbolic link":  func(f string) error { return os.Symlink("/etc/passwd", f) },
		"not a plain":    func(f string) error { return unix.Mkfifo(f, 0o600) },
		"5000000000 byt": func(f string) error { return sparse(f, 5_000_000_000) },
		"is not coheren": func(f string) error { return os.WriteFile(f, []byte("<!DOCTYPE html><h1>404</h1>"), 0o600) },
	} {
		src := t.TempDir()
		write(t, src, "fine", []byte("fine"))
		require.NoError(t, make(filepath.Join(src, "odd")))
		_, err := Seal(o, SealRequest{Host: quietHost(), Vault: filepath.Join(dir, "vault"), Sources: []string{src}, To: media, Rules: Rules{Now: time.Now()}})
		require.ErrorContains(t, err, name)
		require.NoDirExists(t, filepath.Join(media[0], "coldvault"), name)
	}
}

func sparse(name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Truncate(size)
}
