package filecoin

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
)

func FuzzAddress(f *testing.F) { // what is read is the only text of that address
	for _, k := range []string{typeBLS, typeSecp256k1, typeDelegated} {
		a, _ := walletAddress(keyInfo{kind: k, secret: seed(k)})
		f.Add(a.String())
	}
	for _, s := range []string{"f01000", "t0", "f410f", "f2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "f4", "f00", "f5a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		require.Equal(t, text[1:], a.String()[1:])
	})
}

func FuzzAddressBytes(f *testing.F) { // what is read has the same bytes and a text
	f.Add([]byte{0, 0xe8, 7})
	f.Add([]byte{1})
	f.Add(append([]byte{3}, make([]byte, 48)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := addressOfBytes(data)
		if err != nil {
			return
		}
		require.Equal(t, data, append([]byte{a.protocol}, a.payload...))
		back, err := parseAddress(a.String())
		if a.protocol != protocolID { // a number above 2^63 has bytes and no text that is read
			require.NoError(t, err)
			require.Equal(t, a, back)
		}
	})
}

func FuzzKeyInfo(f *testing.F) { // the key, written again, is the same JSON
	f.Add(keyJSON(typeBLS, seed("a")))
	f.Add(hexOf(keyJSON(typeSecp256k1, seed("a"))))
	f.Add(gfc(1, seed("a")))
	f.Add([]byte(`{"PrivateKey":"","Type":""}`))
	f.Add([]byte(`{"KeyInfo":[]}`))
	f.Add([]byte("{\"Type\":\"y\x9fbls\",\"PrivateKey\":\"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSAE=\"}"))
	f.Add([]byte(`{"KeyInfo":[null]}`))
	f.Add([]byte(`{"Type":"secp256\u006b1","PrivateKey":"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSAE="}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := parseKeyInfo(data)
		if err != nil {
			require.Nil(t, k.secret)
			return
		}
		text := base64.StdEncoding.EncodeToString(k.secret)
		again, err := parseKeyInfo(fmt.Appendf(nil, `{"Type":"%s","PrivateKey":"%s"}`, k.kind, text))
		require.NoError(t, err)
		require.Equal(t, k.kind, again.kind)
		require.Equal(t, k.secret, again.secret)
		if k.encoding == jsonLotus {
			require.Contains(t, string(data), text)
		}
	})
}

func FuzzToken(f *testing.F) { // what is read has three parts, and only its own secret signs it
	f.Add(makeToken(seed("a")))
	f.Add([]byte("a.b.c"))
	f.Add([]byte(".."))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := parseToken(data)
		if err != nil {
			return
		}
		require.Len(t, tok.signature, 32)
		require.True(t, bytes.Contains(data, tok.signed))
		require.False(t, tok.signedWith(nil))
	})
}

func FuzzBackup(f *testing.F) { // no input panics, and what is whole stays whole only without a change
	f.Add(makeBackup(minerRecords(3)))
	f.Add(makeBackup(nil))
	f.Add(makeBackup(minerRecords(1), record{keyNextID, []byte{1}}))
	f.Add([]byte{arrayOf2, arrayOpen, arrayOf2, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := readBackup(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		require.True(t, isBackup(data))
		require.NotEmpty(t, b.summary())
		_, err = readBackup(bytes.NewReader(data), int64(len(data)-1))
		require.Error(t, err)
	})
}

func FuzzSector(f *testing.F) { // no input panics; what is read is a map that ends where the data ends
	f.Add(sectorRecord(3, 1_700_000_000))
	f.Add([]byte{0xa0})
	f.Add(bytes.Repeat([]byte{0x81}, 100))
	f.Add([]byte{0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := parseSector(data); err == nil {
			_, err = parseSector(append(data, 0))
			require.Error(t, err)
		}
	})
}

func FuzzInspect(f *testing.F) { // whatever a file holds under whatever name, it has one role and no panic
	f.Add("lotus/keystore/"+"MRSWMYLVNR2A", keyJSON(typeBLS, seed("a")))
	f.Add("token", makeToken(seed("a")))
	f.Add("sectorstore.json", storeJSON(storeID))
	f.Add("storage.json", []byte(`{"StoragePaths":null}`))
	f.Add("s-t01000-7", []byte{})
	f.Add("config.toml", []byte(configText))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		r := inspect(material.File{Name: name, Data: data, Size: int64(len(data))})
		require.Len(t, r.Items, 1)
		require.NotEmpty(t, r.Items[0].Role)
	})
}
