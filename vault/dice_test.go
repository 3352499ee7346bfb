package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// roll is what a fair die gives, the same for the same seed.
func roll(seed uint64, n int) []byte {
	die := rand.New(rand.NewPCG(seed, 0))
	rolls := make([]byte, n)
	for i := range rolls {
		rolls[i] = '1' + byte(die.IntN(6))
	}
	return rolls
}

func mixed(t *testing.T, system, dice []byte, signer, compartment string) []byte {
	t.Helper()
	seed := bytes.Clone(system)
	require.NoError(t, mixDice(seed, dice, signer, compartment))
	return seed
}

// With the system's randomness fixed other dice give another seed, with the dice fixed
// other randomness does, and so do another compartment and another signer. Shows G16.
func TestASeedDependsOnTheDiceAndOnTheSystem(t *testing.T) {
	system, other := bytes.Repeat([]byte{7}, 32), append(bytes.Repeat([]byte{7}, 31), 8)
	dice := roll(1, MinDice)
	otherDice := bytes.Clone(dice)
	otherDice[50] = '1' + (dice[50]-'1'+1)%6
	seen := map[string]string{string(system): "the system alone"}
	for name, seed := range map[string][]byte{
		"the first":             mixed(t, system, dice, "RWx", "cold"),
		"one other roll":        mixed(t, system, otherDice, "RWx", "cold"),
		"one more roll":         mixed(t, system, append(bytes.Clone(dice), '1'), "RWx", "cold"),
		"one other system bit":  mixed(t, other, dice, "RWx", "cold"),
		"the other compartment": mixed(t, system, dice, "RWx", "hot"),
		"another signer":        mixed(t, system, dice, "RWy", "cold"),
	} {
		require.Len(t, seed, 32)
		require.Empty(t, seen[string(seed)], "%s gives the same seed", name)
		seen[string(seed)] = name
	}
	require.Equal(t, mixed(t, system, dice, "RWx", "cold"), mixed(t, system, dice, "RWx", "cold"))
}

// The mixing is HKDF as RFC 5869 writes it down, here with nothing but HMAC. Shows G16.
func TestDiceAreMixedAsRFC5869Says(t *testing.T) {
	system, dice := bytes.Repeat([]byte{0xa5}, 32), roll(2, 120)
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	key := mac(make([]byte, sha256.Size), system, dice)                            // section 2.2, no salt
	want := mac(key, []byte("coldvault/seed-with-dice/1 RWsigner hot"), []byte{1}) // section 2.3, T(1)
	require.Equal(t, want, mixed(t, system, dice, "RWsigner", "hot"))
}

// Each compartment gets randomness of its own beside the same dice: the seeds of one
// vault differ, and those of two vaults made with the same dice. Breaks G16.
func TestDiceNeverReplaceTheSystemsRandomness(t *testing.T) {
	dice := guarded(t, string(roll(3, MinDice)))
	seen := map[string]bool{}
	for range 4 {
		seeds, err := newSeeds(dice, "RWsame")
		require.NoError(t, err)
		seen[string(seeds.Bytes()[:32])], seen[string(seeds.Bytes()[32:])] = true, true
		seeds.Destroy()
	}
	require.Len(t, seen, 8)
}

// A vault with dice is made like any other; with rolls that are none, nothing is made.
func TestCreateWithDice(t *testing.T) {
	p := CreateParams{Label: "dice", Created: time.Now().UTC().Truncate(time.Second), Shares: 3, ColdThreshold: 2, HotThreshold: 2}
	passphrase := guarded(t, "correct horse battery")
	p.Dice = guarded(t, string(roll(4, MinDice)))
	fresh, err := Create(p, passphrase)
	require.NoError(t, err)
	fresh.Destroy()
	p.Dice = guarded(t, strings.Repeat("6", MinDice))
	_, err = Create(p, passphrase)
	require.ErrorIs(t, err, ErrDice)
}

// What nobody rolls is refused, and said without the rolls. Breaks G16.
func TestNonsenseIsNoDice(t *testing.T) {
	fair := string(roll(5, 200))
	for name, test := range map[string]struct{ text, err string }{
		"too few":                {fair[:99], "99 rolls of the die where 100 to 4000 are wanted"},
		"nothing":                {"", "0 rolls"},
		"too many":               {strings.Repeat(fair, 21), "4200 rolls"},
		"one face":               {strings.Repeat("6", 100), "one face never comes"},
		"five faces":             {strings.ReplaceAll(fair, "3", "4"), "one face never comes"},
		"mostly one face":        {strings.Repeat("1", 70) + fair[:60], "more than half"},
		"counted":                {strings.Repeat("123456", 20), "they repeat after 6"},
		"one face after another": {strings.Repeat("1", 20) + strings.Repeat("2", 20) + strings.Repeat("3", 20) + strings.Repeat("4", 20) + strings.Repeat("5", 20) + strings.Repeat("6", 20), "they repeat after 1"},
		"a long cycle":           {strings.Repeat(fair[:50], 2), "they repeat after 50"},
		"a cycle with slips":     {strings.Repeat("1234561", 8) + "2" + strings.Repeat("1234561", 8), "they repeat after 7"},
		"a zero":                 {"0" + fair, "character 1 is no roll of a die"},
		"a seven":                {fair[:3] + "7", "character 4 is no roll of a die"},
		"text":                   {"dice", "character 1 is no roll"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseDice([]byte(test.text))
			require.ErrorContains(t, err, test.err)
			if len(test.text) > 8 {
				require.NotContains(t, err.Error(), test.text[4:8])
			}
		})
	}
}

// Fair rolls pass, written in whatever rows.
func TestFairDiceAreTaken(t *testing.T) {
	for seed := range uint64(2000) {
		require.NoError(t, checkDice(roll(seed, MinDice)), "seed %d", seed)
	}
	fair := roll(9, 100)
	rows := string(fair[:40]) + "\r\n" + string(fair[40:70]) + " \t" + string(fair[70:]) + "\n"
	rolls, err := ParseDice([]byte(rows))
	require.NoError(t, err)
	defer rolls.Destroy()
	require.Equal(t, fair, rolls.Bytes())
}

// Whatever the text, what is taken are enough digits from 1 to 6 and all that it has.
func FuzzParseDice(f *testing.F) {
	f.Add(roll(1, 100))
	f.Add([]byte("1 2\n3"))
	f.Add(bytes.Repeat([]byte("6"), 101))
	f.Fuzz(func(t *testing.T, text []byte) {
		rolls, err := ParseDice(text)
		if err != nil {
			return
		}
		defer rolls.Destroy()
		if n := rolls.Len(); n < MinDice || n > MaxDice {
			t.Fatalf("%d rolls were taken", n)
		}
		if want := strings.Join(strings.Fields(string(text)), ""); string(rolls.Bytes()) != want || strings.Trim(want, "123456") != "" {
			t.Fatalf("%q gave %q", text, rolls.Bytes())
		}
	})
}
