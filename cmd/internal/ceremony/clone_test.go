package ceremony

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault"
	"coldvault/vault/ledger"
)

func TestOtherDeviceIsOneThatIsKnownToDiffer(t *testing.T) {
	on := func(kind ledger.Kind, device string) ledger.Copied { return ledger.Copied{Kind: kind, Device: device} }
	made := func(device, model string) ledger.Copied {
		return ledger.Copied{Kind: ledger.USB, Device: device, Model: model}
	}
	const sandisk, nameless = "USB stick SanDisk Ultra, 31 GB", "USB stick General UDisk, 8 GB"
	for _, tt := range []struct {
		name  string
		a, b  ledger.Copied
		other bool
	}{
		{"the same", on(ledger.USB, "uuid=1 serial=A"), on(ledger.USB, "uuid=1 serial=A"), false},
		{"another serial number", on(ledger.USB, "uuid=1 serial=A"), on(ledger.USB, "uuid=1 serial=B"), true},
		{"another file system", on(ledger.USB, "uuid=1 serial=A"), on(ledger.USB, "uuid=2 serial=A"), true},
		{"a serial number that is not read today", on(ledger.USB, "uuid=1 serial=A"), on(ledger.USB, "uuid=1"), false},
		{"a partition instead of its file system", on(ledger.USB, "uuid=1"), on(ledger.USB, "partuuid=2"), false},
		{"two of which nothing is known", on(ledger.USB, ""), on(ledger.USB, ""), false},
		{"a stick, and memory", on(ledger.USB, "uuid=1 serial=A"), on(ledger.Memory, ""), true},
		{"a stick, and a folder of which nothing is known", on(ledger.USB, "uuid=1 serial=A"), on(ledger.Folder, ""), false},
		{"a disk in another case", on(ledger.USB, "uuid=1"), on(ledger.Disk, "uuid=1 serial=A"), false},
		{"folders of one disk", on(ledger.Disk, "serial=A"), on(ledger.Disk, "serial=A"), false},
		{"a stick with a serial number, and one of another make without", made("serial=A", sandisk+", serial 1234, exfat"), made("", nameless+", exfat"), true},
		{"two of one make and of two sizes", made("", sandisk), made("", "USB stick SanDisk Ultra, 62 GB"), true},
		{"a stick whose serial number is not read today", made("serial=A", sandisk+", serial 1234, exfat"), made("", sandisk+", exfat"), false},
		{"a card in another reader", made("uuid=1", sandisk), made("uuid=1", nameless), false},
		{"a stick of which less is known", made("", ""), made("", nameless), false},
		{"a share under another name", on(ledger.Network, "share=nas:/a"), on(ledger.Network, "share=10.0.0.1:/a"), false},
	} {
		require.Equal(t, tt.other, otherDevice(tt.a, tt.b), tt.name)
		require.Equal(t, tt.other, otherDevice(tt.b, tt.a), tt.name)
	}
}

// What is read of a clone is not recorded for the stick it was made of; the stick itself is
// known wherever it is plugged in, and the clone may become a medium of its own. Breaks G26.
func TestACloneIsNotTheMediumItWasMadeOf(t *testing.T) {
	o := &operator{t: t}
	dir, media := vaultOf(t, o)
	stick, clone, folder := media[0], media[1], filepath.Join(dir, "vault")
	host := fakeHost(t)
	host.plug("AA11", stick, "5")
	now := time.Now()
	seal := func(to ...string) {
		now = now.Add(time.Hour)
		_, err := Seal(o, SealRequest{Host: quietHost(), Vault: folder, Sources: []string{fourNetworks(t)}, To: to, Rules: Rules{Now: now}})
		require.NoError(t, err)
	}
	seal(stick)
	require.NoError(t, os.CopyFS(clone, os.DirFS(stick)))
	status := func() ledger.Status {
		result, err := Status(o, StatusRequest{Vault: folder, Now: now})
		require.ErrorIs(t, err, ErrDue)
		return result.Status
	}
	before := status()
	require.Len(t, before.Copies, 1)

	check := func(name string) ([]string, error) {
		now = now.Add(time.Hour)
		result, err := Check(o, CheckRequest{Paths: []string{name}, Vault: folder, Now: now})
		var ids []string
		for _, m := range result.Media {
			for _, f := range m.Findings {
				ids = append(ids, f.ID)
			}
		}
		return ids, err
	}
	host.plug("BB22", clone, "6")
	ids, err := check(clone)
	require.ErrorIs(t, err, ErrDamage)
	require.Equal(t, []string{"MEDIUM-CLONE"}, ids)
	require.Equal(t, before.Copies[0].LastProof, status().Copies[0].LastProof)
	_, err = Record(RecordRequest{Vault: folder, Medium: clone, Placed: &ledger.Placed{Place: "bank"}, Now: now})
	require.ErrorContains(t, err, "which the ledger knows from another device")

	host.plug("AA11", stick, "7")
	ids, err = check(stick)
	require.NoError(t, err)
	require.Empty(t, ids)
	require.True(t, status().Copies[0].LastProof.After(before.Copies[0].LastProof))

	// Nor does a new generation on the clone bring the other up to date.
	host.plug("BB22", clone, "8")
	seal(clone)
	after := status()
	require.Len(t, after.Copies, 2)
	require.Equal(t, 1, after.Copies[0].Behind)
	require.Equal(t, "serial=BB22", after.Copies[1].Device)
	ids, err = check(clone)
	require.NoError(t, err)
	require.Empty(t, ids)
}

// Two media of one id in one run: which of them the ledger means cannot be told, so neither is
// recorded, whole or damaged; sealed onto together they are two. Breaks G26.
func TestTwoMediaOfOneIDAreNotRecorded(t *testing.T) {
	o := &operator{t: t}
	dir, media := vaultOf(t, o)
	stick, clone, folder := media[0], media[1], filepath.Join(dir, "vault")
	fakeHost(t)
	now := time.Now()
	seal := func(to ...string) {
		now = now.Add(time.Hour)
		_, err := Seal(o, SealRequest{Host: quietHost(), Vault: folder, Sources: []string{fourNetworks(t)}, To: to, Rules: Rules{Now: now}})
		require.NoError(t, err)
	}
	status := func() ledger.Status {
		result, err := Status(o, StatusRequest{Vault: folder, Now: now})
		require.ErrorIs(t, err, ErrDue)
		return result.Status
	}
	seal(stick)
	inside, err := filepath.Glob(filepath.Join(stick, "coldvault", "*"))
	require.NoError(t, err)
	lines := status().Lines
	result, err := Check(o, CheckRequest{Paths: []string{stick, inside[0]}, Vault: folder, Now: now})
	require.NoError(t, err, "one folder that is given twice is no clone")
	require.Len(t, result.Media, 3)
	require.Equal(t, lines+1, status().Lines)
	require.NoError(t, os.CopyFS(clone, os.DirFS(stick)))
	before := status().Lines
	result, err = Check(o, CheckRequest{Paths: []string{stick, clone}, Vault: folder, Now: now})
	require.ErrorIs(t, err, ErrDamage)
	for _, m := range result.Media {
		if m.Medium.OwnFolder() {
			require.Empty(t, m.Findings)
			continue
		}
		require.Len(t, m.Findings, 1)
		require.Equal(t, "MEDIUM-CLONE", m.Findings[0].ID)
	}
	require.Len(t, result.Media, 3)
	require.Equal(t, before, status().Lines)

	// Where there is no ledger to be misled it is said, and no damage.
	result, err = Check(o, CheckRequest{Paths: []string{stick, clone}, Now: now})
	require.NoError(t, err)
	for _, m := range result.Media {
		require.Len(t, m.Findings, 1)
		require.Equal(t, "MEDIUM-CLONE", m.Findings[0].ID)
		require.Equal(t, vault.Note, m.Findings[0].Severity)
	}
	result, err = Check(o, CheckRequest{Paths: []string{stick, inside[0]}, Now: now})
	require.NoError(t, err)
	require.Empty(t, result.Media[0].Findings)

	seal(stick, clone)
	require.Len(t, status().Copies, 2)
	_, err = Check(o, CheckRequest{Paths: []string{stick, clone}, Vault: folder, Now: now})
	require.NoError(t, err)
}
