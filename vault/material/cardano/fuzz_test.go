package cardano

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/format/bech32"
	"coldvault/vault/material"
	"coldvault/vault/material/cardano/samplepool"
)

// seeds gives the files of a pool, and their payloads.
func seeds(f *testing.F) (files map[string][]byte, payloads [][]byte) {
	f.Helper()
	files, err := samplepool.New(rand.Reader, samplepool.Options{Number: 300, Period: 414})
	require.NoError(f, err)
	for _, data := range files {
		if e, err := parseEnvelope(data); err == nil && e["cborHex"] != nil {
			payload, err := e.payload("cborHex")
			require.NoError(f, err)
			payloads = append(payloads, payload)
		}
	}
	require.NotEmpty(f, payloads)
	return files, payloads
}

func FuzzEnvelope(f *testing.F) { // the string members are those encoding/json finds
	files, _ := seeds(f)
	for _, data := range files {
		f.Add(data)
	}
	f.Add([]byte(`{"a":[1,{"b":"}"}],"c":null,"d":"\"","d2":{"x":[]},"e":-1e5}`))
	f.Add([]byte(`{"a":"1","a":"2"}`))
	f.Add([]byte(" {} "))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEnvelope(data)
		if err != nil {
			return
		}
		var want map[string]any
		require.NoError(t, json.Unmarshal(data, &want))
		for name, value := range e {
			if bytes.IndexByte([]byte(name), '\\') >= 0 || bytes.IndexByte(value, '\\') >= 0 || !json.Valid(append([]byte(`"`), append(value, '"')...)) {
				continue
			}
			var text string
			require.NoError(t, json.Unmarshal(append([]byte(`"`), append(bytes.Clone(value), '"')...), &text))
			var key string
			require.NoError(t, json.Unmarshal([]byte(`"`+name+`"`), &key))
			require.Equal(t, want[key], any(text))
		}
	})
}

// encode writes the item that r is at as RFC 8949 has it, and moves r past it.
func encode(r *reader) []byte {
	head := func(major byte, n uint64) []byte {
		b := []byte{major << 5, 0, 0, 0, 0, 0, 0, 0, 0}
		binary.BigEndian.PutUint64(b[1:], n)
		switch {
		case n < 24:
			return []byte{b[0] | byte(n)}
		case n < 1<<8:
			return []byte{b[0] | 24, b[8]}
		case n < 1<<16:
			return append([]byte{b[0] | 25}, b[7:]...)
		case n < 1<<32:
			return append([]byte{b[0] | 26}, b[5:]...)
		}
		return append([]byte{b[0] | 27}, b[1:]...)
	}
	major := r.data[0] >> 5
	switch major {
	case majorBytes, majorText:
		s := r.string(major)
		return append(head(major, uint64(len(s))), s...)
	case majorArray:
		n, indefinite := r.head(major)
		if indefinite {
			out := []byte{major<<5 | 31}
			for !r.take(byteBreak) {
				out = append(out, encode(r)...)
			}
			return append(out, byteBreak)
		}
		out := head(major, n)
		for range n {
			out = append(out, encode(r)...)
		}
		return out
	case majorMap:
		n, _ := r.head(major)
		out := head(major, n)
		for range 2 * n {
			out = append(out, encode(r)...)
		}
		return out
	case majorTag:
		n, _ := r.head(major)
		return append(head(major, n), encode(r)...)
	}
	n, _ := r.head(major)
	return head(major, n)
}

func FuzzCBOR(f *testing.F) { // what is accepted is canonical: encoding it again gives the same bytes
	_, payloads := seeds(f)
	for _, p := range payloads {
		f.Add(p)
	}
	f.Add([]byte{0x9f, 0x01, 0xff})
	f.Add([]byte{0xa1, 0x01, 0x9f, 0xff})
	f.Add([]byte{0x18, 0x05})
	f.Add(bytes.Repeat([]byte{0x81}, 100))
	f.Add([]byte{0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := reader{data: data}
		item := r.skip(0)
		if r.err != nil {
			return
		}
		require.Equal(t, data[:len(data)-len(r.data)], item)
		require.Equal(t, item, encode(&reader{data: item}))
	})
}

func FuzzPayloads(f *testing.F) { // certificates and counters: one byte more or less is refused, and fields are in place
	_, payloads := seeds(f)
	for _, p := range payloads {
		f.Add(p)
	}
	for _, h := range []string{
		"82c24102582000000000000000000000000000000000000000000000000000000000000000ff",
		"830e8200581c9c0682d5a71b1496ccbe4a79c332fcbc7cb317ec3b8faf6d45723e408200581cbb0fe4aca8548f6fd2050e5bd1b419d12bac166f3719b4959f323908",
		"83098200581cef1785cf18928f8353c90e76b7a8fc60855472d31a0ea1c1c774ab018102",
		"84108200581ceb09d5556a8bce421074e394d02c79ced96741657b4cf7ca8995294d00f6",
	} {
		p, err := hex.DecodeString(h)
		require.NoError(f, err)
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := parseOpcert(data); err == nil {
			require.Len(t, c.message(), 48)
			require.Equal(t, data[4:36], c.kes)
			require.Equal(t, data[len(data)-32:], c.cold)
		}
		if c, err := parseCounter(data); err == nil {
			require.Equal(t, data[len(data)-32:], c.cold)
		}
		if _, err := parseCertificate(data); err == nil || errors.Is(err, errLayout) {
			require.Equal(t, data, encode(&reader{data: data}))
			_, err := parseCertificate(append(bytes.Clone(data), 0))
			require.Error(t, err)
			_, err = parseCertificate(data[:len(data)-1])
			require.NotErrorIs(t, err, nil)
			require.NotErrorIs(t, err, errLayout)
		}
	})
}

func FuzzAddress(f *testing.F) { // an address is its header and its parts, and nothing else
	files, _ := seeds(f)
	for _, name := range []string{"payment.addr", "stake.addr"} {
		hrp, data, err := bech32.Decode(files[name])
		require.NoError(f, err)
		f.Add(hrp, data)
	}
	f.Add("addr", append([]byte{0x61}, make([]byte, 28)...))
	f.Add("addr", append([]byte{0x41}, make([]byte, 31)...))
	f.Add("stake", append([]byte{0xf1}, make([]byte, 28)...))
	f.Fuzz(func(t *testing.T, hrp string, data []byte) {
		a, err := parseAddress(hrp, data)
		if err != nil {
			return
		}
		again := data[:1:1]
		if a.payment != nil {
			again = append(again, a.payment.hash...)
		}
		if a.stake != nil {
			again = append(again, a.stake.hash...)
		}
		if a.form == "pointer" {
			again = append(again, data[29:]...)
		}
		require.Equal(t, data, again)
		require.Equal(t, a.network, data[0]&15)
	})
}

func FuzzInspect(f *testing.F) { // any bytes under any name give one item and no panic
	files, _ := seeds(f)
	for name, data := range files {
		f.Add(name, data, "kes.vkey", files["kes.vkey"])
		f.Add(name, data[:len(data)/2], name, data)
	}
	f.Add("x", []byte("pool_sk14q89yhfgvgk7xyfcc4sacunfj2tt88a3q83wt73p0lmp2y3cnj6se3l07g"), "", []byte(nil))
	f.Add("a.addr", []byte("Ae2tdPwUPEYwFx4dmJheyNPPYXtvHbJLeCaA96o6Y2iiUL18cAt7AizN2zG"), "x.skey.gpg", []byte{0x8c})
	f.Fuzz(func(t *testing.T, name1 string, data1 []byte, name2 string, data2 []byte) {
		r := material.Inspect([]material.File{
			{Name: name1, Data: data1, Size: int64(len(data1))},
			{Name: name2, Data: data2, Size: int64(len(data2))},
		}, Profile{})
		require.Len(t, r.Items, 2)
		for _, item := range r.Items {
			require.NotEmpty(t, item.Role)
			require.NotZero(t, item.In)
		}
	})
}
