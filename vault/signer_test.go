package vault

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// What no passphrase opens is named without one.
func TestASignerFileThatNoPassphraseOpensIsNamed(t *testing.T) {
	w := newFastWorld(t)
	require.NoError(t, w.folder.CheckSigner())
	dir := w.folder.dir
	good, err := dir.Read(signerFile, maxSignerFile)
	require.NoError(t, err)
	names := func() bool {
		require.NoError(t, err)
		for _, f := range Check(w.folder.Medium, CheckOptions{}).Findings {
			if f.ID == "VAULT-SIGNER" {
				return true
			}
		}
		return false
	}
	require.False(t, names())
	recipient, err := w.folder.Identity.recipient("cold")
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"empty": {}, "zeros": make([]byte, len(good)), "cut off": good[:len(good)/4],
		"for a key": encryptedArchive(t, recipient, good), "another header": append([]byte("x"), good...),
	} {
		require.NoError(t, dir.Replace(signerFile, data), name)
		require.ErrorContains(t, w.folder.CheckSigner(), "signer.age is damaged", name)
		require.True(t, names(), name)
	}
	require.NoError(t, dir.RemoveAll(signerFile))
	require.ErrorContains(t, w.folder.CheckSigner(), "signer.age is missing")
	require.True(t, names())
}

// The folder of a vault is known by what it has, and a path inside a medium by what that has.
func TestTheOwnFolderIsKnownByWhatItHas(t *testing.T) {
	w := newFastWorld(t)
	stick := mediatest.New("stick")
	_, err := w.sealWith(archiveFile(t, 3_000), 0, media.NewDir(stick))
	require.NoError(t, err)
	below, files, inside := mediumFolder+"/"+w.folder.ID, map[string][]byte{}, tree{}
	collect(t, media.NewDir(stick), below, files)
	for name, data := range files {
		inside[strings.TrimPrefix(name, below+"/")] = data
	}
	open := func(files tree) *Medium {
		found, err := OpenMedia(files.source("inside"))
		require.NoError(t, err)
		require.Len(t, found, 1)
		return found[0]
	}
	m := open(inside)
	require.False(t, m.OwnFolder())
	require.Empty(t, Check(m, CheckOptions{}).Findings)
	delete(inside, generationDir(1)+"/archive-01.age")
	require.True(t, Check(open(inside), CheckOptions{}).Damaged(), "only the vault's own folder lacks archives")
	require.True(t, w.folder.OwnFolder())
}

// One bit of the key's id in a signature file is the damage it may be, not only another signer.
func TestASignatureFileWithADamagedKeyIDIsNotOnlyCalledForeign(t *testing.T) {
	w := newFastWorld(t)
	id := w.folder.Identity
	lines := bytes.Split(id.files[vaultFile+signatureExt], []byte("\n"))
	raw, err := base64.StdEncoding.DecodeString(string(lines[1]))
	require.NoError(t, err)
	raw[2] ^= 1 // the key id begins behind two bytes of algorithm
	lines[1] = []byte(base64.StdEncoding.EncodeToString(raw))
	sig := bytes.Join(lines, []byte("\n"))
	err = verify(id.Vault.Signer, id.files[vaultFile], sig, trustedComment(id.Vault.ID, vaultFile))
	require.ErrorContains(t, err, "or its signature file is damaged")
}
