package jsonview

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValues(t *testing.T) { // every kind of value is found by its name
	v, err := Parse([]byte(` {"a" : {"b":[1, -2 ,"3"]}, "t":"x\"y", "n":null, "e":{}, "l":[], "s":"aGk=" } `))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "t", "n", "e", "l", "s"}, v.Names())
	items := v.At("a", "b").Items()
	require.Len(t, items, 3)
	for i, want := range []int64{1, -2, 3} {
		n, err := items[i].Int()
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.Nil(t, v.At("t").Bytes(), "escapes are not resolved")
	require.Equal(t, Other, v.At("n").Kind)
	require.Equal(t, None, v.At("a", "c", "d").Kind)
	require.True(t, v.Has("a", "n"))
	require.False(t, v.Has("A"), "names are compared byte by byte")
	require.Empty(t, v.At("l").Items())
	decoded, err := v.At("s").Base64()
	require.NoError(t, err)
	require.Equal(t, "hi", string(decoded))
}

func TestStringsAreNotCopied(t *testing.T) { // a secret stays in the caller's memory
	data := []byte(`{"k":"secret"}`)
	v, err := Parse(data)
	require.NoError(t, err)
	clear(data)
	require.Equal(t, make([]byte, 6), v.At("k").Bytes())
}

func TestRefusals(t *testing.T) { // what two readers could read differently is refused
	for _, text := range []string{
		"", "{", `{"a":1}x`, `{"a":1,"a":2}`, "\xff",
		strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2),
		"[" + strings.Repeat("1,", maxValues) + "1]",
	} {
		_, err := Parse([]byte(text))
		require.Error(t, err, "%.20s", text)
	}
	for _, text := range []string{`"1.0"`, `1e3`, `"01"`, `true`, `"-0"`, `99999999999999999999`} {
		v, err := Parse([]byte(text))
		require.NoError(t, err)
		_, err = v.Int()
		require.Error(t, err, text)
	}
	for _, text := range []string{"", "aGk", "aGl=", "aGk=\n", "a-k="} {
		_, err := DecodeBase64([]byte(text))
		require.Error(t, err, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,-2,"3",true,null]},"c":"\u0041"}`))
	f.Add([]byte(` [ ] `))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data)
		if err != nil {
			return
		}
		require.True(t, json.Valid(data))
		again, err := Parse([]byte(compact(v)))
		require.NoError(t, err)
		require.Equal(t, compact(v), compact(again))
	})
}

// compact writes a value again.
func compact(v Value) string {
	var b strings.Builder
	switch v.Kind {
	case Object:
		b.WriteByte('{')
		for i, name := range v.names {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + name + `":` + compact(v.inner[i]))
		}
		b.WriteByte('}')
	case Array:
		b.WriteByte('[')
		for i := range v.inner {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(compact(v.inner[i]))
		}
		b.WriteByte(']')
	case String:
		b.WriteString(`"` + string(v.raw) + `"`)
	default:
		b.Write(v.raw)
	}
	return b.String()
}
