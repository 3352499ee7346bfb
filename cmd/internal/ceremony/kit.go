package ceremony

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"coldvault/testvectors"
	"coldvault/vault"
	"coldvault/vault/airgap"
	"coldvault/vault/secret"
)

// restoreText tells a stranger how to restore from a medium.
//
//go:embed RESTORE.txt
var restoreText []byte

// formatText is FORMAT.md, which cannot be embedded from where it lies.
//
//go:embed FORMAT.md
var formatText []byte

// ownBinary is this program itself, also where its file was removed or replaced since
// it was started.
var ownBinary = "/proc/self/exe" // Overridden by tests.

const (
	maxBinary   = 64 << 20
	maxBinaries = 8
)

// kit is what a medium carries besides the backup itself: a fresh machine needs nothing
// else. more is a folder with binaries of this program for other architectures, "" for none.
func kit(more string) (map[string][]byte, error) {
	out := map[string][]byte{"RESTORE.txt": restoreText, "FORMAT.md": formatText, "recover.py": testvectors.RecoverPy()}
	if more != "" {
		others, err := otherBinaries(more)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, others)
	}
	own, err := readBinary(ownBinary)
	if err != nil {
		return nil, fmt.Errorf("reading this program itself: %w", err)
	}
	// Never that of the folder: what runs here is what is known to work.
	out[vault.KitBinary+runtime.GOOS+"-"+runtime.GOARCH] = own
	return out, nil
}

func otherBinaries(folder string) (map[string][]byte, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), vault.KitBinary) || !e.Type().IsRegular() {
			continue
		}
		if len(out) == maxBinaries {
			return nil, fmt.Errorf("%s holds more than %d binaries", folder, maxBinaries)
		}
		if out[e.Name()], err = readBinary(filepath.Join(folder, e.Name())); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, withHint(fmt.Errorf("%s holds no file named %sOS-ARCHITECTURE", folder, vault.KitBinary), "as coldvault-linux-arm64")
	}
	return out, nil
}

func readBinary(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 || info.Size() > maxBinary {
		return nil, fmt.Errorf("%s has %d bytes, which is no binary of this program", name, info.Size())
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// KitRequest is what `kit` is asked for.
type KitRequest struct {
	Vault string
	Media []string
	Kit   string // folder with binaries for other architectures
	Now   time.Time
	Host  Host
}

// KitResult says where the kit now is.
type KitResult struct {
	Vault  string
	Files  []string
	Media  []string
	Failed []*vault.TargetError

	HostAccepted []airgap.Finding
}

// WriteKit writes or refreshes restore/ on media. Its list is signed, so the passphrase is
// needed.
func WriteKit(c Console, r KitRequest) (*KitResult, error) {
	accepted, err := hostGate(c, r.Host)
	if err != nil {
		return nil, err
	}
	defer secret.Collect() // when the signer's key is destroyed
	folder, closeFolder, err := openFolder(r.Vault)
	if err != nil {
		return nil, err
	}
	defer closeFolder()
	files, err := kit(r.Kit)
	if err != nil {
		return nil, err
	}
	targets, failed, closeTargets := openTargets([]string{r.Vault}, r.Media)
	defer closeTargets()
	const hint = "kit wants media that hold a generation of this vault, can be written and have room; the backup itself is untouched"
	if len(targets) == 0 {
		return nil, withHint(failed[0], hint)
	}
	signer, err := unlock(c, folder)
	if err != nil {
		return nil, err
	}
	defer signer.Destroy()
	done, notes, more, err := folder.WriteKit(files, signer, targets)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		c.Warn("%s", n)
	}
	if events := hostAccepted("kit", accepted); len(events) > 0 {
		err = notRecorded(r.Vault, folder.Record(r.Now, signer, events...))
	}
	result := &KitResult{Vault: folder.ID, Media: done, Failed: append(failed, more...), HostAccepted: accepted}
	for name := range files {
		result.Files = append(result.Files, name)
	}
	for _, m := range done {
		c.Say("the kit of this program is on %s, and was read back from it", m)
	}
	for _, f := range result.Failed {
		c.Warn("%v", f)
	}
	if len(result.Failed) > 0 {
		err = errors.Join(withHint(fmt.Errorf("%d of %d media do not have the kit", len(result.Failed), len(r.Media)), hint), err)
	}
	return result, err
}
