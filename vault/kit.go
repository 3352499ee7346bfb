package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// The kit lies beside the generations on every medium: what restores without
// coldvault, and the signed list of it (FORMAT.md section 2).
const (
	kitDir  = "restore"
	kitSums = "SHA256SUMS"
	// maxKitFile caps one file of the kit.
	maxKitFile = 64 << 20
	maxKitSums = 64 << 10
)

// signKit adds the signed list to the files of a kit.
func signKit(kit map[string][]byte, signer *secret.Buffer, vaultID string) (map[string][]byte, error) {
	var sums bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(kit)) {
		if err := format.CheckName(name); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(kit[name])
		// As sha256sum -c reads it.
		fmt.Fprintf(&sums, "%x  %s\n", sum, name)
	}
	sig, err := sign(signer, sums.Bytes(), trustedComment(vaultID, kitSums))
	if err != nil {
		return nil, err
	}
	out := maps.Clone(kit)
	out[kitSums], out[kitSums+signatureExt] = sums.Bytes(), sig
	return out, nil
}

// writeKit puts the signed kit where it is not yet, and reads it back.
func writeKit(dir *media.Dir, base string, kit map[string][]byte) error {
	folder := path.Join(base, kitDir)
	if err := dir.MkdirAll(folder); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(kit)) {
		if err := ensure(dir, path.Join(folder, name), kit[name]); err != nil {
			return err
		}
	}
	return nil
}

// ensure writes a file unless it is there with the same content.
func ensure(dir *media.Dir, name string, data []byte) error {
	have, err := dir.Read(name, int64(len(data)))
	if err == nil && bytes.Equal(have, data) {
		return nil
	}
	if err := dir.Replace(name, data); err != nil {
		return err
	}
	return dir.ReadBack(name, data)
}

// checkKit verifies the kit against its signed list.
func (c *Checked) checkKit() {
	m := c.Medium
	where := m.Path(kitDir)
	sums, err := m.read(path.Join(kitDir, kitSums), maxKitSums)
	if errors.Is(err, fs.ErrNotExist) {
		c.add(Note, "KIT-MISSING", where, errors.New("nothing on this medium tells how to restore without coldvault; the next seal writes it"))
		return
	}
	if err == nil {
		var sig []byte
		if sig, err = m.read(path.Join(kitDir, kitSums+signatureExt), maxSignature); err == nil {
			err = verify(m.Identity.Vault.Signer, sums, sig, trustedComment(m.ID, kitSums))
		}
	}
	if err != nil {
		c.add(Damage, "KIT-SIGNATURE", where, fmt.Errorf("do not run what is in it: %w", explain(kitSums, err)))
		return
	}
	names := []string{kitSums, kitSums + signatureExt}
	for line := range strings.Lines(string(sums)) {
		digest, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || format.CheckName(name) != nil {
			c.add(Damage, "KIT-SIGNATURE", where, errors.New("its list is malformed"))
			return
		}
		names = append(names, name)
		data, err := m.read(path.Join(kitDir, name), maxKitFile)
		if sum := sha256.Sum256(data); err == nil && hex.EncodeToString(sum[:]) != digest {
			err = errors.New("it is damaged or was exchanged: do not run it")
		}
		if err != nil {
			c.add(Damage, "KIT-DIGEST", path.Join(where, name), err)
		}
	}
	c.checkNames(path.Join(m.base, kitDir), names)
}
