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

// KitBinary is how the names of programs in a kit begin; their platform follows.
const KitBinary = "coldvault-"

// signKit adds the signed list to the files of a kit. stays are the digests of files, by name,
// that are on the medium already and are listed too.
func signKit(kit map[string][]byte, stays map[string]string, signer *secret.Buffer, vaultID string) (map[string][]byte, error) {
	digests := maps.Clone(stays)
	if digests == nil {
		digests = map[string]string{}
	}
	for name, data := range kit {
		if !isKitList(name) {
			sum := sha256.Sum256(data)
			digests[name] = hex.EncodeToString(sum[:])
		}
	}
	var sums bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		if err := format.CheckName(name); err != nil {
			return nil, err
		}
		// As sha256sum -c reads it.
		fmt.Fprintf(&sums, "%s  %s\n", digests[name], name)
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
// older list named and this one does not: what nobody signs any more. gone are the programs
// among that. The list comes after what it lists and before what goes: a medium that fills up
// half way keeps a list that is true of every file that was there before and did not change.
func writeKit(dir *media.Dir, base string, kit map[string][]byte) (gone []string, err error) {
	folder := path.Join(base, kitDir)
	if err := dir.MkdirAll(folder); err != nil {
		return nil, err
	}
	old, _ := dir.Read(path.Join(folder, kitSums), maxKitSums)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(kit)), isKitList)
	for _, name := range append(names, kitSums+signatureExt, kitSums) {
		if err := ensure(dir, path.Join(folder, name), kit[name]); err != nil {
			return nil, err
		}
	}
	listed := kitDigests(kit[kitSums])
	for _, name := range slices.Sorted(maps.Keys(kitDigests(old))) {
		if listed[name] != "" || isKitList(name) {
			continue
		}
		if err := dir.RemoveAll(path.Join(folder, name)); err != nil {
			return gone, err
		}
		if strings.HasPrefix(name, KitBinary) {
			gone = append(gone, name)
		}
	}
	return gone, nil
}

// kitDigests are the digests of a list in hex, by name, as far as it is one.
func kitDigests(sums []byte) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		digest, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if ok && format.CheckName(name) == nil {
			out[name] = digest
		}
	}
	return out
}

// writeKit notes which programs are gone with what the list does not name any more.
func (t *target) writeKit(kit map[string][]byte) error {
	gone, err := writeKit(t.dir, t.base, kit)
	if len(gone) > 0 {
		t.notes = append(t.notes, fmt.Sprintf("%s is gone from the kit on %s, where nothing that the vault has signed proves it any more: add it again with `coldvault kit --kit FOLDER`",
			strings.Join(gone, ", "), t.dir.Name()))
	}
	return err
}

// keepPrograms is a signed kit with the programs for other platforms that `coldvault kit --kit`
// has put on the medium: they stay, as far as the list that is there proves them.
func (t *target) keepPrograms(kit map[string][]byte, signer *secret.Buffer, id *Identity) (map[string][]byte, error) {
	m := t.medium(id.Vault.ID)
	stays := map[string]string{}
	for name, digest := range readKitList(m, id).digests {
		if kit[name] != nil || !strings.HasPrefix(name, KitBinary) {
			continue
		}
		if sum, err := m.sumKit(name); err == nil && sum == digest {
			stays[name] = digest
		}
	}
	if len(stays) == 0 {
		return kit, nil
	}
	return signKit(kit, stays, signer, id.Vault.ID)
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
	digests   map[string]string // of what the list names, in hex
	good      []string          // of those that the list names, as it says
	bad       map[string]error  // the others
	err       error             // why the list cannot be trusted
}

// errNoKit is the err of a kitState where there is none.
var errNoKit = errors.New("nothing on this medium tells how to restore without coldvault; the next seal writes it, or `coldvault kit`")

// doNotRun is the error of a kit that nothing proves.
func doNotRun(why error) error { return fmt.Errorf("do not run what is in it: %w", why) }

// readKitList reads the list of the kit, which the vault must have signed.
func readKitList(m *Medium, id *Identity) kitState {
	k := kitState{medium: m, bad: map[string]error{}}
	var err error
	if k.sums, err = m.read(path.Join(kitDir, kitSums), maxKitSums); errors.Is(err, fs.ErrNotExist) {
		k.err = errNoKit
		return k
	}
	if err != nil {
		k.err = doNotRun(explain(kitSums, err))
		return k
	}
	if k.sig, err = m.read(path.Join(kitDir, kitSums+signatureExt), maxSignature); err != nil {
		k.err = doNotRun(explain(kitSums+signatureExt, err))
		return k
	}
	if err := verify(id.Vault.Signer, k.sums, k.sig, trustedComment(id.Vault.ID, kitSums)); err != nil {
		k.err = doNotRun(fmt.Errorf("%s: %w", kitSums, err))
		return k
	}
	if k.digests = kitDigests(k.sums); len(k.digests) != bytes.Count(k.sums, []byte("\n")) {
		k.digests, k.err = nil, errors.New("its list is malformed")
	}
	return k
}

// readKit compares the kit with its list. It keeps none of the files: there is a program for
// every platform among them.
func readKit(m *Medium, id *Identity) kitState {
	k := readKitList(m, id)
	for _, name := range slices.Sorted(maps.Keys(k.digests)) {
		sum, err := m.sumKit(name)
		if err == nil && sum != k.digests[name] {
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
	if err := copyAt(sum, b, b.Size(), func(int) {}); err != nil {
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
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != k.digests[name] {
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
			c.add(Damage, "KIT-SIGNATURE", where, doNotRun(missingError(kitSums)))
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

// WriteKit writes or refreshes the kit of a vault on media. notes are what the operator should
// know of what was there.
func (f *Folder) WriteKit(kit map[string][]byte, signer *secret.Buffer, dirs []*media.Dir) (done, notes []string, failed []*TargetError, err error) {
	signed, err := signKit(kit, nil, signer, f.Identity.Vault.ID)
	if err != nil {
		return nil, nil, nil, err
	}
	ts := openTargets(f.Identity, dirs)
	defer ts.close()
	_ = ts.each(all, func(t *target) error {
		if exists, err := t.dir.Exists(path.Join(t.base, vaultFile)); err != nil || !exists {
			return errors.Join(fmt.Errorf("it holds nothing of vault %s", f.Identity.Vault.ID), err)
		}
		kit, err := t.keepPrograms(signed, signer, f.Identity)
		if err != nil {
			return err
		}
		return t.writeKit(kit)
	})
	for _, t := range ts.good {
		done, notes = append(done, t.dir.Name()), append(notes, t.notes...)
	}
	return done, notes, ts.failed, nil
}
