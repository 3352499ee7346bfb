package testvectors

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/blake2b"
)

// Minisign a second time, from FORMAT.md section 4 and minisign's own description of its files: two letters of the
// algorithm, eight bytes of key id, and the key or signature.

// sign makes a signature file with the golden vault's signer.
func (g *golden) sign(message []byte, comment string) []byte {
	g.t.Helper()
	key, err := g.folder.UnlockSigner(g.passphrase)
	require.NoError(g.t, err)
	defer key.Destroy()
	raw := decode64(g.t, strings.Split(string(key.Bytes()), "\n")[1])
	// Algorithms (6), salt (32), limits (16), then key id (8), seed and public key (64), checksum (32).
	require.Len(g.t, raw, 158)
	keyID, private := raw[54:62], ed25519.PrivateKey(raw[62:126])
	digest := blake2b.Sum512(message)
	signature := ed25519.Sign(private, digest[:])
	global := ed25519.Sign(private, append(append([]byte(nil), signature...), comment...))
	return fmt.Appendf(nil, "untrusted comment: coldvault\n%s\ntrusted comment: %s\n%s\n",
		base64.StdEncoding.EncodeToString(append(append([]byte("ED"), keyID...), signature...)), comment, base64.StdEncoding.EncodeToString(global))
}

// requireSigned verifies a signature file.
func requireSigned(t *testing.T, signer string, message, file []byte, comment string) {
	t.Helper()
	lines := strings.Split(string(file), "\n")
	require.Len(t, lines, 5)
	require.Equal(t, "untrusted comment: coldvault", lines[0])
	require.Equal(t, "trusted comment: "+comment, lines[2])
	require.Empty(t, lines[4])
	key, signature := decode64(t, signer), decode64(t, lines[1])
	require.Len(t, key, 42)
	require.Len(t, signature, 74)
	require.Equal(t, "Ed", string(key[:2]))
	require.Equal(t, "ED", string(signature[:2]))
	require.Equal(t, key[2:10], signature[2:10])
	digest := blake2b.Sum512(message)
	public := ed25519.PublicKey(key[10:])
	require.True(t, ed25519.Verify(public, digest[:], signature[10:]))
	require.True(t, ed25519.Verify(public, append(signature[10:], comment...), decode64(t, lines[3])))
}

func decode64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}
