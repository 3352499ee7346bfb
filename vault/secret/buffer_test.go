package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestReadKeepsEveryByteAndRefusesMore(t *testing.T) {
	const limit = 3 * firstRead
	for _, size := range []int{0, 1, firstRead - 1, firstRead, firstRead + 1, limit} {
		for _, hint := range []int{0, size, limit} {
			want := bytes.Repeat([]byte{0xa5, 1}, limit)[:size]
			b, err := Read(iotest.OneByteReader(bytes.NewReader(want)), hint, limit)
			require.NoError(t, err, "size %d hint %d", size, hint)
			require.Equal(t, size, b.Len())
			require.True(t, bytes.Equal(want, b.Bytes()))
			b.Destroy()
		}
	}
	_, err := Read(bytes.NewReader(make([]byte, limit+1)), 0, limit)
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = Read(iotest.ErrReader(io.ErrUnexpectedEOF), 0, limit)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Zero(t, memory.locked, "a failed read leaves no buffer behind")
}

func TestMoveWipesItsSource(t *testing.T) {
	source := []byte("passphrase")
	b, err := Move(source)
	require.NoError(t, err)
	defer b.Destroy()
	require.Equal(t, "passphrase", string(b.Bytes()))
	require.Equal(t, make([]byte, 10), source)
}

func TestFormatVerbsDoNotShowTheContent(t *testing.T) {
	b, err := Move([]byte("topsecret"))
	require.NoError(t, err)
	defer b.Destroy()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		require.Equal(t, "secret.Buffer", fmt.Sprintf(verb, b))
	}
}

func TestUseAfterDestroyPanics(t *testing.T) {
	b, err := New(8)
	require.NoError(t, err)
	b.Destroy()
	b.Destroy()
	require.PanicsWithError(t, errDestroyed.Error(), func() { b.Bytes() })
}

// A page more than the limit must come back as ErrLimit, with the other
// buffers intact; memguard alone would panic and wipe them.
func TestLimitIsAnErrorNotAPanic(t *testing.T) {
	if hasLockCapability() {
		t.Skip("this process may lock any amount; see TestLimitInAChild")
	}
	keep, err := Move([]byte("still here"))
	require.NoError(t, err)
	defer keep.Destroy()
	_, err = New(int(pageLimit()+1) * os.Getpagesize())
	require.ErrorIs(t, err, ErrLimit)
	require.Equal(t, "still here", string(keep.Bytes()))
}

func TestDoReturnsTheError(t *testing.T) {
	want := errors.New("broken")
	require.ErrorIs(t, Do(func() error { return want }), want)
	require.NoError(t, Do(func() error { return nil }))
}

func TestRandomIsNotConstant(t *testing.T) {
	a, err := Random(32)
	require.NoError(t, err)
	defer a.Destroy()
	b, err := Random(32)
	require.NoError(t, err)
	defer b.Destroy()
	require.False(t, bytes.Equal(a.Bytes(), b.Bytes()))
	require.NotEqual(t, strings.Repeat("\x00", 32), string(a.Bytes()))
}
