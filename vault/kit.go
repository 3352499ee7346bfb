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
	out := map[string][]byte{} // a seal without a kit has the list alone
	maps.Copy(out, kit)
	out[kitSums], out[kitSums+signatureExt] = sums.Bytes(), sig
	return out, nil
}

// writeKit puts the signed kit where it is not yet, reads it back, and removes what an
// older list named and this one does not: a binary that nobody signs any more. The list
// comes after what it lists and before what goes: a medium that fills up half way keeps
// a list that is true of every file that was there before and did not change.
func writeKit(dir *media.Dir, base string, kit map[string][]byte) error {
	folder := path.Join(base, kitDir)
	if err := dir.MkdirAll(folder); err != nil {
		return err
	}
	old, _ := dir.Read(path.Join(folder, kitSums), maxKitSums)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(kit)), isKitList)
	for _, name := range append(names, kitSums+signatureExt, kitSums) {
		if err := ensure(dir, path.Join(folder, name), kit[name]); err != nil {
			return err
		}
	}
	for line := range strings.Lines(string(old)) {
		_, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if ok && format.CheckName(name) == nil && kit[name] == nil {
			if err := dir.RemoveAll(path.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func isKitList(name string) bool { return name == kitSums || name == kitSums+signatureExt }

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

// kitState is what lies in restore/ on a medium.
type kitState struct {
	medium    *Medium
	sums, sig []byte
	good      []string         // of those that the list names, as it says
	bad       map[string]error // the others
	err       error            // why the list cannot be trusted
}

// errNoKit is the err of a kitState where there is none.
var errNoKit = errors.New("nothing on this medium tells how to restore without coldvault; the next seal writes it, or `coldvault kit`")

// readKit compares the kit with its list, which the vault must have signed. It keeps none of
// the files: there is a program for every platform among them.
func readKit(m *Medium, id *Identity) kitState {
	k := kitState{medium: m, bad: map[string]error{}}
	var err error
	if k.sums, err = m.read(path.Join(kitDir, kitSums), maxKitSums); errors.Is(err, fs.ErrNotExist) {
		k.err = errNoKit
		return k
	}
	if err == nil {
		if k.sig, err = m.read(path.Join(kitDir, kitSums+signatureExt), maxSignature); err == nil {
			err = verify(id.Vault.Signer, k.sums, k.sig, trustedComment(id.Vault.ID, kitSums))
		}
	}
	if err != nil {
		k.err = fmt.Errorf("do not run what is in it: %w", explain(kitSums, err))
		return k
	}
	for line := range strings.Lines(string(k.sums)) {
		digest, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || format.CheckName(name) != nil {
			k.err = errors.New("its list is malformed")
			return k
		}
		sum, err := m.sumKit(name)
		if err == nil && sum != digest {
			err = errors.New("it is damaged or was exchanged: do not run it")
		}
		if err != nil {
			k.bad[name] = err
			continue
		}
		k.good = append(k.good, name)
	}
	return k
}

// sumKit is the SHA-256 of a file of the kit in hex.
func (m *Medium) sumKit(name string) (string, error) {
	b, err := m.Source.Open(path.Join(m.base, kitDir, name))
	if err != nil {
		return "", err
	}
	defer b.Close()
	if b.Size() > maxKitFile {
		return "", fmt.Errorf("it has more than %d bytes", maxKitFile)
	}
	sum := sha256.New()
	if err := copyAt(sum, b, b.Size(), func(int64) {}); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// whole tells a kit that can be written to another medium.
func (k kitState) whole() bool { return k.err == nil && len(k.bad) == 0 }

// files reads a whole kit, the list and its signature with it.
func (k kitState) files() (map[string][]byte, error) {
	out := map[string][]byte{kitSums: k.sums, kitSums + signatureExt: k.sig}
	for _, name := range k.good {
		data, err := k.medium.read(path.Join(kitDir, name), maxKitFile)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(data); !strings.Contains(string(k.sums), fmt.Sprintf("%x  %s\n", sum, name)) {
			return nil, fmt.Errorf("%s reads differently from one time to the next", k.medium.Path(path.Join(kitDir, name)))
		}
		out[name] = data
	}
	return out, nil
}

// checkKit reports what is wrong with the kit.
func (c *Checked) checkKit() {
	m := c.Medium
	where := m.Path(kitDir)
	kit := readKit(m, m.Identity)
	switch {
	case errors.Is(kit.err, errNoKit):
		if names, err := m.Source.List(path.Join(m.base, kitDir)); err == nil && len(names) > 0 {
			c.add(Damage, "KIT-SIGNATURE", where, fmt.Errorf("do not run what is in it: %s is missing", kitSums))
			return
		}
		c.add(Note, "KIT-MISSING", where, kit.err)
		return
	case kit.err != nil:
		c.add(Damage, "KIT-SIGNATURE", where, kit.err)
		return
	}
	names := append(kit.good, kitSums, kitSums+signatureExt)
	for _, name := range slices.Sorted(maps.Keys(kit.bad)) {
		names = append(names, name)
		c.add(Damage, "KIT-DIGEST", path.Join(where, name), kit.bad[name])
	}
	c.checkNames(path.Join(m.base, kitDir), names)
}

// WriteKit writes or refreshes the kit of a vault on media.
func (f *Folder) WriteKit(kit map[string][]byte, signer *secret.Buffer, dirs []*media.Dir) (done []string, failed []*TargetError, err error) {
	signed, err := signKit(kit, signer, f.Identity.Vault.ID)
	if err != nil {
		return nil, nil, err
	}
	ts := openTargets(f.Identity, dirs)
	defer ts.close()
	_ = ts.each(all, func(t *target) error {
		if exists, err := t.dir.Exists(path.Join(t.base, vaultFile)); err != nil || !exists {
			return errors.Join(fmt.Errorf("it holds nothing of vault %s", f.Identity.Vault.ID), err)
		}
		return writeKit(t.dir, t.base, signed)
	})
	for _, t := range ts.good {
		done = append(done, t.dir.Name())
	}
	return done, ts.failed, nil
}
