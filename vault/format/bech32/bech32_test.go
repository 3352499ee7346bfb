package bech32

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// valid holds strings of BIP-173, CIP-5 and CIP-19 with their bytes.
var valid = []struct{ text, hrp, data string }{
	{"a12uel5l", "a", ""},
	{"A12UEL5L", "a", ""},
	{"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split",
		"c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d"},
	{"addr_vk1w0l2sr2zgfm26ztc6nl9xy8ghsk5sh6ldwemlpmp9xylzy4dtf7st80zhd", "addr_vk",
		"73fea80d424276ad0978d4fe5310e8bc2d485f5f6bb3bf87612989f112ad5a7d"},
	{"addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x", "addr",
		"019493315cd92eb5d8c4304e67b7e16ae36d61d34502694657811a2c8e337b62cfff6403a06a3acbc34f8c46003c69fe79a3628cefa9c47251"},
}

func TestVectors(t *testing.T) { // published strings decode to their bytes and back
	for _, v := range valid {
		hrp, data, err := Decode([]byte(v.text))
		require.NoError(t, err, v.text)
		require.Equal(t, v.hrp, hrp)
		require.Equal(t, v.data, hex.EncodeToString(data))
		text, err := Encode(hrp, data)
		require.NoError(t, err)
		require.Equal(t, strings.ToLower(v.text), string(text))
	}
}

func TestDecodeRefuses(t *testing.T) { // each rule of BIP-173 that the checksum does not cover
	for name, text := range map[string]string{
		"empty":              "",
		"no separator":       "pzry9x0s0muk",
		"empty prefix":       "1pzry9x0s0muk",
		"prefix character":   "\x201nwldj5",
		"alphabet":           "x1b4n0q5v",
		"checksum too short": "li1dgmt3",
		"wrong checksum":     "A1G7SGD8",
		"mixed case":         "a12UEL5L",
		"bech32m":            "a1lqfn3a",
		"too long":           strings.Repeat("a", maxSize+1),
	} {
		_, _, err := Decode([]byte(text))
		require.Error(t, err, name)
	}
}

func TestPadding(t *testing.T) { // left-over bits are fewer than five and zero
	for _, groups := range [][]byte{{0}, {31, 31}, {0, 1}} {
		_, err := toBytes(groups)
		require.ErrorContains(t, err, "padding", "%v", groups)
	}
	data, err := toBytes([]byte{31, 28})
	require.NoError(t, err)
	require.Equal(t, []byte{0xff}, data)
}

func TestEveryFlipIsFound(t *testing.T) { // no single changed bit of an address decodes
	text := []byte(valid[4].text)
	for i := range text {
		for bit := range 8 {
			changed := bytes.Clone(text)
			changed[i] ^= 1 << bit
			_, _, err := Decode(changed)
			require.Error(t, err, "byte %d bit %d", i, bit)
		}
	}
}

func TestEncodeRefuses(t *testing.T) { // a prefix that Decode would not accept is not written
	for _, hrp := range []string{"", "A", "a b", strings.Repeat("a", maxHRP+1)} {
		_, err := Encode(hrp, nil)
		require.Error(t, err, hrp)
	}
	_, err := Encode("a", make([]byte, maxSize))
	require.Error(t, err)
}

func FuzzDecode(f *testing.F) { // whatever decodes encodes to the same text
	for _, v := range valid {
		f.Add([]byte(v.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		hrp, data, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Encode(hrp, data)
		require.NoError(t, err)
		require.Equal(t, string(bytes.ToLower(text)), string(again))
	})
}
