package testvectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr/digits"
	"coldvault/shard"
)

// mendChecksum writes the checksum of FORMAT.md section 5 into a changed share, as a forger would.
func mendChecksum(raw []byte) []byte {
	sum := sha256.Sum256(append([]byte("coldvault/share-checksum/1"), raw[:47]...))
	copy(raw[47:], sum[:4])
	return raw
}

// digitsOf is the digits of a share with a change that its checksum follows.
func digitsOf(s shard.Share, change func(raw []byte)) string {
	raw := bytes.Clone(s.Bytes())
	change(raw)
	return string(digits.Append(nil, mendChecksum(raw))) + "\n"
}

func makeShareVectors(t *testing.T) map[string]vector {
	shares, seed := newShares(t, coldParams)
	out := make(map[string]vector)
	addDigitVectors(out, shares[1])
	addWordVectors(t, out, shares[2])
	addSetVectors(t, out, shares, seed)
	return out
}

func addDigitVectors(out map[string]vector, s shard.Share) {
	good := strings.TrimSpace(code(s))
	frame := string(digits.Append(nil, append([]byte{0x21}, bytes.Repeat([]byte{7}, 100)...)))
	ok := field{"share", hex.EncodeToString(s.Bytes())}
	add := func(name, expect, comment, body string, more ...field) {
		fields := append([]field{{"expect", expect}, {"form", "digits"}, {"comment", comment}}, more...)
		out["digits_"+name] = vector{fields, strings.TrimSpace(body) + "\n"}
	}
	change := func(name, expect, comment string, offset int, value byte) {
		add(name, expect, comment, digitsOf(s, func(raw []byte) { raw[offset] = value }))
	}
	add("good", "success", "a share as its QR code has it", good, ok)
	add("zbarimg", "success", "a share as zbarimg prints it", "QR-Code:"+good, ok, field{"canonical", "no"})
	add("groups", "success", "spaces and dashes between the digits", good[:40]+" "+good[40:80]+" - "+good[80:], ok, field{"canonical", "no"})
	add("truncated", "length", "the last digit is missing", good[:len(good)-1])
	add("truncated_group", "length", "the last seven bytes are missing", good[:17*6]+good[17*7:])
	add("too_long", "length", "one digit too many", good+"0")
	add("group_too_large", "digits", "the first group is 2^56 or more", "99999999999999999"+good[17:])
	add("last_group_too_large", "digits", "the last group is 2^16 or more", good[:17*7]+"65536")
	add("letter", "digits", "a letter O for a digit 0", "O"+good[1:])
	add("misread", "checksum", "one digit is another", flipDigit(good, 70))
	add("frame", "frame", "a code of the bundle pages", frame)
	change("kind", "kind", "share, version 2", 0, 0x12)
	change("compartment_zero", "field", "no compartment has number 0", 6, 0)
	change("compartment_three", "field", "no compartment has number 3", 6, 3)
	change("threshold_one", "field", "a quorum of one", 11, 1)
	change("threshold_above_shares", "field", "more shares needed than there are", 11, 6)
	change("index_zero", "field", "cards are counted from 1", 13, 0)
	change("index_above_shares", "field", "card 6 of 5", 13, 6)
	change("x_zero", "field", "a share at x = 0 would dictate the seed", 14, 0)
}

func addWordVectors(t *testing.T, out map[string]vector, s shard.Share) {
	list := strings.Fields(words(s))
	ok := field{"share", hex.EncodeToString(s.Bytes())}
	found := func(changed string) []field {
		return []field{{"proposal", hex.EncodeToString(s.Bytes())}, {"changed", changed}}
	}
	add := func(name, expect, comment string, list []string, more ...field) {
		fields := append([]field{{"expect", expect}, {"form", "words"}, {"comment", comment}}, more...)
		out["words_"+name] = vector{fields, strings.Join(list, " ") + "\n"}
	}
	with := func(word string, at ...int) []string {
		changed := append([]string(nil), list...)
		for _, number := range at {
			if changed[number-1] == word {
				word = "abandon"
			}
			changed[number-1] = word
		}
		return changed
	}
	var numbered, short []string
	for i, w := range list {
		numbered = append([]string{fmt.Sprintf("%d. %s", i+1, strings.ToUpper(w))}, numbered...)
		short = append(short, w[:min(4, len(w))])
	}
	swapped := append([]string(nil), list...)
	swapped[20], swapped[30] = swapped[30], swapped[20]

	add("good", "success", "a share as its card has it", list, ok)
	add("numbered", "success", "numbered, in capitals, in another order", numbered, ok, field{"canonical", "no"})
	add("four_letters", "success", "four letters of each word", short, ok, field{"canonical", "no"})
	add("one_left_out", "length", "43 words, and nothing tells which is missing", append(append([]string(nil), list[:9]...), list[10:]...))
	add("one_too_many", "length", "45 words", append(append([]string(nil), list...), "zoo"))
	add("wrong", "words", "one word is another", with("zoo", 7), found("7")...)
	add("three_wrong", "words", "three words are others", with("zoo", 1, 22, 44), found("1 22 44")...)
	add("four_wrong", "words", "more words are wrong than can be found", with("zoo", 1, 12, 22, 44))
	add("swapped", "words", "two words changed places", swapped, found("21 31")...)
	add("misspelt", "missing words", "one word is not in the list", with("coldvault", 5), found("5")...)
	add("six_missing", "missing words", "six words cannot be read", with("?", 2, 3, 5, 8, 13, 21), found("2 3 5 8 13 21")...)
	add("seven_missing", "missing words", "more words are missing than come back", with("?", 2, 3, 5, 8, 13, 21, 34))
	add("padding", "field", "the ten bits behind the share are not zero", codeword(t, s.Bytes(), 1))
	add("checksum", "checksum", "a right code over a share whose checksum is wrong", codeword(t, flipBit(s.Bytes()), 0))
	add("x_zero", "field", "a share at x = 0 would dictate the seed", codeword(t, atZero(s.Bytes()), 0))
}

func flipBit(raw []byte) []byte {
	raw = bytes.Clone(raw)
	raw[20] ^= 1
	return raw
}

func atZero(raw []byte) []byte {
	raw = bytes.Clone(raw)
	raw[14] = 0
	return mendChecksum(raw)
}

func addSetVectors(t *testing.T, out map[string]vector, shares []shard.Share, seed []byte) {
	other := coldParams
	other.Set = shard.SetID{9, 9, 9, 9}
	others, _ := newShares(t, other)
	foreign := coldParams
	foreign.Vault = shard.VaultID{9, 9, 9, 9, 9}
	foreigners, _ := newShares(t, foreign)
	bad := forged(t, shares[3], 30)
	var sums []string
	for _, s := range shares {
		sum := shard.Commitment(s)
		sums = append(sums, hex.EncodeToString(sum[:]))
	}
	known := field{"commitments", strings.Join(sums, " ")}
	opens := field{"seed", hex.EncodeToString(seed)}
	add := func(name, expect, comment, verdicts string, codes []shard.Share, more ...field) {
		fields := append([]field{{"expect", expect}, {"form", "set"}, {"comment", comment}, {"verdicts", verdicts}}, more...)
		var body strings.Builder
		for _, s := range codes {
			body.WriteString(code(s))
		}
		out["set_"+name] = vector{fields, body.String()}
	}
	type list = []shard.Share
	add("quorum", "success", "three of five", "accepted, accepted, accepted", list{shares[4], shares[0], shares[2]}, opens)
	add("all", "success", "all five, which must agree", "accepted, accepted, accepted, accepted, accepted", shares, opens, known)
	add("not_enough", "not enough", "two of three", "accepted, accepted", shares[:2])
	add("duplicate", "not enough", "one card twice is one card", "accepted, accepted, duplicate", list{shares[0], shares[1], shares[1]})
	add("other_set", "not enough", "shares of two sets do not add up", "accepted, accepted, accepted", list{shares[0], shares[1], others[2]})
	add("unknown_set", "success", "a share of a set that shares.json does not list", "accepted, unknown set, accepted, accepted", list{shares[0], others[1], shares[1], shares[2]}, opens, known)
	add("other_vault", "success", "a share of another vault", "accepted, other vault, accepted, accepted", list{shares[0], foreigners[1], shares[1], shares[2]}, opens, known)
	add("forged", "inconsistent", "a forged share among more than enough, and no commitments", "accepted, accepted, accepted, accepted", list{shares[0], shares[1], shares[2], bad})
	add("forged_named", "success", "a forged share is told by its commitment", "accepted, forged or altered, accepted, accepted", list{shares[0], bad, shares[1], shares[2]}, opens, known)
	add("same_index", "not enough", "two shares at one place, and no commitments", "accepted, accepted, conflict, conflict", list{shares[0], shares[1], shares[3], bad})
	x := shares[0].X()
	sameX, err := shard.ParseAny(make([]byte, shard.ShareSize), []byte(digitsOf(shares[4], func(raw []byte) { raw[14] = x })))
	require.NoError(t, err)
	add("same_x", "not enough", "two shares at one point, and no commitments", "conflict, accepted, accepted, conflict", list{shares[0], shares[1], shares[2], sameX})
}

// codeword is the 44 words of any 51 bytes, with padding in the ten bits behind them: the code of FORMAT.md section 5
// written a second time, because package shard encodes valid shares only.
func codeword(t *testing.T, raw []byte, padding int) []string {
	t.Helper()
	list, err := os.ReadFile("../shard/wordlist.txt")
	require.NoError(t, err)
	words := strings.Fields(string(list))
	bits := new(big.Int).SetBytes(raw)
	bits.Add(bits.Lsh(bits, 10), big.NewInt(int64(padding)))
	symbols := make([]int, 44)
	for i := range 38 {
		symbols[i] = int(new(big.Int).Rsh(bits, uint(11*(37-i))).Uint64() & 2047)
	}
	generator := []int{1}
	for root := 2; root <= 64; root *= 2 { // α^1 … α^6
		next := append(generator, 0)
		for i := len(generator) - 1; i >= 0; i-- {
			next[i+1] ^= times(generator[i], root)
		}
		generator = next
	}
	rest := append([]int(nil), symbols...)
	for i := range 38 {
		lead := rest[i]
		for j, g := range generator {
			rest[i+j] ^= times(lead, g)
		}
	}
	copy(symbols[38:], rest[38:])
	out := make([]string, 44)
	for i, s := range symbols {
		out[i] = words[s]
	}
	return out
}

// times is the product in GF(2^11), polynomial 0x805.
func times(a, b int) int {
	product := 0
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			product ^= a
		}
		if a <<= 1; a > 2047 {
			a ^= 0x805
		}
	}
	return product
}

func TestCodewordIsTheSameCode(t *testing.T) {
	// The code written a second time gives the words that package shard gives.
	shares, _ := newShares(t, coldParams)
	for _, s := range shares {
		require.Equal(t, strings.Fields(words(s)), codeword(t, s.Bytes(), 0))
	}
}
