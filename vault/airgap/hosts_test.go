package airgap_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"coldvault/vault/airgap"
	"coldvault/vault/airgap/airgaptest"
)

// verdicts are the findings as "level id", and the class of what refuses.
func verdicts(findings []airgap.Finding) []string {
	var out []string
	for _, f := range findings {
		v := string(f.Level) + " " + f.ID
		if f.Class != "" {
			v += " " + string(f.Class)
		}
		out = append(out, v)
	}
	return out
}

// Shows G17.
func TestEachHostGivesExactlyItsFindings(t *testing.T) {
	wants := map[string][]string{
		airgaptest.Desktop: {"note HOST-NET-IDLE"},
		"laptop-wifi": {
			"refuse HOST-NET-ROUTE network", "refuse HOST-NET-CARRIER network", "refuse HOST-SWAP swap", "refuse HOST-HIBERNATION swap", "refuse HOST-CORE swap",
			"warn HOST-RADIO", "warn HOST-BLUETOOTH", "note HOST-NET-IDLE",
		},
		"laptop-blocked": {"note HOST-NET-IDLE", "note HOST-RADIO", "note HOST-BLUETOOTH"},
		"container":      {"refuse HOST-NET-CARRIER network", "refuse HOST-NET-ROUTE network", "warn HOST-CONTAINER"},
		"tails":          {"note HOST-LIVE"},
		"server-lvm":     {"refuse HOST-NET-CARRIER network", "refuse HOST-NET-ROUTE network", "refuse HOST-SWAP swap"},
		"encrypted-swap": {"warn HOST-HIBERNATION", "note HOST-SWAP"},
		"hibernation":    {"refuse HOST-HIBERNATION swap"},
	}
	require.Len(t, airgaptest.Names(), len(wants), "a host without expectations")
	for name, want := range wants {
		t.Run(name, func(t *testing.T) {
			got := airgap.Look(airgaptest.Host(name)).Findings()
			require.ElementsMatch(t, want, verdicts(got))
			require.True(t, slices.IsSortedFunc(got, func(a, b airgap.Finding) int { return rank(a) - rank(b) }), "what refuses comes first")
			for _, f := range got {
				require.NotEmpty(t, f.Text)
				require.Equal(t, f.Level == airgap.Refuse, f.Class != "", "what refuses, and only that, can be accepted")
				require.True(t, f.Level == airgap.Note || f.Hint != "", "%s says nothing of what to do", f.ID)
			}
		})
	}
}

func rank(f airgap.Finding) int {
	return slices.Index([]airgap.Level{airgap.Refuse, airgap.Warn, airgap.Note}, f.Level)
}

// A tree on a disk gives what the same tree in memory gives.
func TestAFolderIsReadAsTheTreeItIs(t *testing.T) {
	for _, name := range airgaptest.Names() {
		dir := t.TempDir()
		tree := airgaptest.Host(name)
		require.NoError(t, os.CopyFS(dir, tree))
		want, got := airgap.Look(tree), airgap.Look(os.DirFS(dir))
		got.Clock.Now = want.Clock.Now
		require.Equal(t, want, got, name)
	}
}

func TestInterfacesAreSortedByTheirKind(t *testing.T) {
	type files map[string]string
	tests := []struct {
		name  string
		files files
		kind  string
		live  bool
	}{
		{"a card with a cable", files{"device/uevent": "DRIVER=igb\nMODALIAS=pci:v8086\n"}, airgap.KindEthernet, true},
		{"a card that is down", files{"device/uevent": "MODALIAS=pci:v8086\n", "flags": "0x1002\n", "carrier": ""}, airgap.KindEthernet, false},
		{"a card without a cable", files{"device/uevent": "MODALIAS=pci:v8086\n", "carrier": "0\n"}, airgap.KindEthernet, false},
		{"a card of which nothing is known", files{"device/uevent": "MODALIAS=pci:v8086\n", "carrier": "?", "operstate": "", "flags": "x"}, airgap.KindEthernet, true},
		{"a card of a virtual machine", files{"device/uevent": "DRIVER=virtio_net\nMODALIAS=virtio:d1\n"}, airgap.KindEthernet, true},
		{"Wi-Fi", files{"uevent": "DEVTYPE=wlan\n", "device/uevent": "MODALIAS=pci:v8086\n"}, airgap.KindWiFi, true},
		{"Wi-Fi on USB is Wi-Fi", files{"phy80211/index": "0", "device/uevent": "MODALIAS=usb:v0bda\n"}, airgap.KindWiFi, true},
		{"a USB adapter", files{"device/uevent": "DRIVER=ax88179_178a\nMODALIAS=usb:v0b95\n"}, airgap.KindUSB, true},
		{"a telephone's tethering", files{"device/uevent": "DRIVER=rndis_host\nMODALIAS=usb:v04e8\n"}, airgap.KindUSB, true},
		{"a modem", files{"device/uevent": "DRIVER=cdc_mbim\nMODALIAS=usb:v1199\n"}, airgap.KindWWAN, true},
		{"a modem on PCIe", files{"uevent": "DEVTYPE=wwan\n", "type": "65534\n", "device/uevent": "MODALIAS=pci:v1\n"}, airgap.KindWWAN, true},
		{"bluetooth's network", files{"uevent": "DEVTYPE=bluetooth\n", "device/uevent": "DRIVER=btusb\n"}, airgap.KindBluetooth, true},
		{"a bridge with a carrier reaches nothing by itself", files{"bridge/bridge_id": "8000"}, airgap.KindBridge, false},
		{"dummy reaches nothing", files{"operstate": "unknown\n"}, airgap.KindVirtual, false},
		{"a bond counts by its ports", files{"uevent": "DEVTYPE=bond\n"}, airgap.KindVirtual, false},
		{"one end of a veth pair", files{"iflink": "30\n"}, airgap.KindVirtual, true},
		{"one end of a veth pair that is down", files{"iflink": "30\n", "flags": "0x1002\n"}, airgap.KindVirtual, false},
		{"a tunnel through a process", files{"tun_flags": "0x1001\n"}, airgap.KindTunnel, true},
		{"a tunnel that nobody holds", files{"tun_flags": "0x1001\n", "carrier": "0\n"}, airgap.KindTunnel, false},
		{"WireGuard", files{"uevent": "DEVTYPE=wireguard\n", "type": "65534\n"}, airgap.KindTunnel, true},
		{"InfiniBand", files{"type": "32\n", "device/uevent": "MODALIAS=pci:v15b3\n"}, airgap.KindOther, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := airgaptest.Host("tails")
			all := files{"carrier": "1\n", "flags": "0x1003\n", "type": "1\n", "ifindex": "2\n", "iflink": "2\n", "operstate": "up\n"}
			for file, text := range tt.files {
				all[file] = text
			}
			for file, text := range all {
				tree["sys/class/net/x/"+file] = &fstest.MapFile{Data: []byte(text), Mode: 0o444}
			}
			facts := airgap.Look(tree)
			found := facts.Network.Interfaces.Is
			require.Len(t, found, 2)
			require.Equal(t, tt.kind, found[1].Kind)
			require.Equal(t, tt.live, found[1].Live())
			refused := slices.Contains(verdicts(facts.Findings()), "refuse HOST-NET-CARRIER network")
			require.Equal(t, tt.live, refused)
		})
	}
}

func TestUSBFunctionsForANetworkAreTold(t *testing.T) {
	tests := []struct {
		name, class, subclass, protocol string
		want                            string
	}{
		{"ECM", "02", "06", "00", "warn HOST-USBNET"},
		{"NCM", "02", "0d", "00", "warn HOST-USBNET"},
		{"MBIM", "02", "0e", "00", "warn HOST-USBNET"},
		{"RNDIS of a telephone", "e0", "01", "03", "warn HOST-USBNET"},
		{"RNDIS of Microsoft", "02", "02", "ff", "warn HOST-USBNET"},
		{"bluetooth without a switch", "e0", "01", "01", "warn HOST-USBNET"},
		{"a serial line is none", "02", "02", "01", ""},
		{"a keyboard is none", "03", "01", "01", ""},
		{"a stick is none", "08", "06", "50", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := airgaptest.Host("tails")
			for file, text := range map[string]string{"bInterfaceClass": tt.class, "bInterfaceSubClass": tt.subclass, "bInterfaceProtocol": tt.protocol} {
				tree["sys/bus/usb/devices/2-1:1.0/"+file] = &fstest.MapFile{Data: []byte(text + "\n")}
			}
			got := verdicts(airgap.Look(tree).Findings())
			require.Equal(t, tt.want != "", slices.Contains(got, "warn HOST-USBNET"), "%v", got)
		})
	}
	t.Run("a function of the vendor's own class with an interface", func(t *testing.T) {
		tree := airgaptest.Host("tails")
		tree["sys/bus/usb/devices/2-1:1.0/bInterfaceClass"] = &fstest.MapFile{Data: []byte("ff\n")}
		tree["sys/bus/usb/devices/2-1:1.0/net/eth0/flags"] = &fstest.MapFile{Data: []byte("0x1002\n")}
		require.Contains(t, verdicts(airgap.Look(tree).Findings()), "warn HOST-USBNET")
	})
}

// One or a few files make of the quiet desktop a host with a finding, or with none. Breaks G17.
func TestEachRuleIsKeptAndCaught(t *testing.T) {
	const swapHead = "Filename Type Size Used Priority\n"
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"zram alone is no disk", map[string]string{"proc/swaps": swapHead + "/dev/zram0 partition 1 0 5\n"}, nil},
		{"zram that writes back is one", map[string]string{"proc/swaps": swapHead + "/dev/zram0 partition 1 0 5\n", "sys/block/zram0/backing_dev": "/dev/sda4\n"},
			[]string{"refuse HOST-SWAP swap"}},
		{"a file named like zram is one", map[string]string{"proc/swaps": swapHead + "/dev/zram0 file 1 0 5\n"}, []string{"refuse HOST-SWAP swap"}},
		{"a swap file in clear", map[string]string{"proc/swaps": swapHead + "/swap\\040file file 1 0 5\n"}, []string{"refuse HOST-SWAP swap"}},
		{"a swap file on an encrypted root", map[string]string{
			"proc/swaps": swapHead + "/swapfile file 1 0 5\n", "proc/self/mountinfo": "27 1 253:0 / / rw - ext4 /dev/mapper/root rw\n",
			"sys/block/dm-0/dm/name": "root\n", "sys/block/dm-0/dm/uuid": "CRYPT-LUKS2-01-root\n",
		}, []string{"note HOST-SWAP"}},
		{"a swap file in a folder in clear on an encrypted root", map[string]string{
			"proc/swaps":             swapHead + "/var/swapfile file 1 0 5\n",
			"proc/self/mountinfo":    "27 1 253:0 / / rw - ext4 /dev/dm-0 rw\n28 27 8:2 / /var rw shared:1 - ext4 /dev/sda2 rw\n",
			"sys/block/dm-0/dm/uuid": "CRYPT-LUKS2-01-root\n",
		}, []string{"refuse HOST-SWAP swap"}},
		{"dm-verity is no encryption", map[string]string{"proc/swaps": swapHead + "/dev/dm-0 partition 1 0 5\n", "sys/block/dm-0/dm/uuid": "CRYPT-VERITY-01\n"},
			[]string{"refuse HOST-SWAP swap"}},
		{"a stripe of which one half is in clear", map[string]string{
			"proc/swaps": swapHead + "/dev/md0 partition 1 0 5\n", "sys/block/md0/slaves/dm-0/size": "1", "sys/block/md0/slaves/sdb1/size": "1",
			"sys/block/dm-0/dm/uuid": "CRYPT-PLAIN-x\n",
		}, []string{"refuse HOST-SWAP swap"}},
		{"a device that lies on itself", map[string]string{"proc/swaps": swapHead + "/dev/dm-0 partition 1 0 5\n", "sys/block/dm-0/slaves/dm-0/size": "1"},
			[]string{"refuse HOST-SWAP swap"}},
		{"a kernel that may not hibernate", map[string]string{"sys/power/state": "mem disk\n", "sys/power/resume": "8:3\n"}, nil},
		{"a kernel that can hibernate to nowhere", map[string]string{"sys/power/state": "mem disk\n", "sys/power/disk": "[platform] shutdown\n"},
			[]string{"note HOST-HIBERNATION"}},
		{"hibernation to swap that is on", map[string]string{
			"sys/power/state": "mem disk\n", "sys/power/disk": "[platform] shutdown\n", "proc/swaps": swapHead + "/dev/sda3 partition 1 0 5\n",
		}, []string{"refuse HOST-SWAP swap", "refuse HOST-HIBERNATION swap"}},
		{"a core file into a pipe", map[string]string{"proc/sys/kernel/core_pattern": "|/lib/systemd/systemd-coredump %P\n"}, []string{"refuse HOST-CORE swap"}},
		{"a core file in a folder", map[string]string{"proc/sys/kernel/core_pattern": "/var/crash/core.%p\n"}, nil},
		{"little locked memory", map[string]string{"proc/self/limits": "Max core file size 0 0 bytes\nMax locked memory 65536 65536 bytes\n"}, []string{"warn HOST-MEMLOCK"}},
		{"little locked memory, not for root", map[string]string{
			"proc/self/limits": "Max core file size 0 0 bytes\nMax locked memory 65536 65536 bytes\n", "proc/self/status": "CapEff:\t0000000000004000\n",
		}, nil},
		{"an old kernel short of randomness", map[string]string{"proc/sys/kernel/osrelease": "5.10.0-1\n", "proc/sys/kernel/random/entropy_avail": "64\n"},
			[]string{"warn HOST-ENTROPY"}},
		{"a hypervisor's processor", map[string]string{"proc/cpuinfo": "flags\t\t: fpu hypervisor lahf_lm\n"}, []string{"warn HOST-VM"}},
		{"a virtual machine by its maker", map[string]string{"sys/class/dmi/id/sys_vendor": "QEMU\n", "sys/class/dmi/id/product_name": "Standard PC\n"},
			[]string{"warn HOST-VM"}},
		{"Microsoft makes computers too", map[string]string{"sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n", "sys/class/dmi/id/product_name": "Surface Go\n"}, nil},
		{"and virtual ones", map[string]string{"sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n", "sys/class/dmi/id/product_name": "Virtual Machine\n"},
			[]string{"warn HOST-VM"}},
		{"Xen", map[string]string{"sys/hypervisor/type": "xen\n"}, []string{"warn HOST-VM"}},
		{"Kubernetes", map[string]string{"proc/1/cgroup": "0::/kubepods/besteffort/pod1\n"}, []string{"warn HOST-CONTAINER"}},
		{"a default route without an interface", map[string]string{
			"proc/net/ipv6_route": strings.Repeat("0", 32) + " 00 " + strings.Repeat("0", 32) + " 00 fe80" + strings.Repeat("0", 28) + " 00000400 1 0 00000003 eth0\n",
		}, []string{"refuse HOST-NET-ROUTE network"}},
		{"an interface of a namespace that /sys does not show", map[string]string{"proc/net/dev": "Inter-|\n face |\n    lo: 0\n  eth7: 0\n"},
			[]string{"refuse HOST-NET-CARRIER network"}},
		{"interfaces that are not those of the kernel", map[string]string{"proc/net/dev": "Inter-|\n face |\n    lo 0\n"}, []string{"refuse HOST-UNKNOWN network"}},
		{"routes that are not those of the kernel", map[string]string{"proc/net/route": "Iface\nwlan0 00000000\n"}, []string{"refuse HOST-UNKNOWN network"}},
		{"swaps that are not those of the kernel", map[string]string{"proc/swaps": swapHead + "/dev/sda3\n"}, []string{"refuse HOST-UNKNOWN swap"}},
		{"a wireless device without a switch", map[string]string{"sys/class/ieee80211/phy0/index": "0\n"}, []string{"warn HOST-RADIO"}},
		{"a receiver is no radio", map[string]string{"sys/class/rfkill/rfkill0/type": "gps\n", "sys/class/rfkill/rfkill0/soft": "0\n"}, nil},
		{"a switch that cannot be read", map[string]string{"sys/class/rfkill/rfkill0/type": "wlan\n"}, []string{"warn HOST-RADIO"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := airgaptest.Host(airgaptest.Desktop)
			for file, text := range tt.files {
				tree[file] = &fstest.MapFile{Data: []byte(text), Mode: 0o444}
			}
			require.ElementsMatch(t, append(tt.want, "note HOST-NET-IDLE"), verdicts(airgap.Look(tree).Findings()))
		})
	}
}

func TestTheClockIsHeldAgainstItsChipAndTheLastRecord(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name        string
		chip        time.Time
		record      time.Time
		wantWarning bool
	}{
		{"nothing to compare", time.Time{}, time.Time{}, false},
		{"a record of yesterday", time.Time{}, now.AddDate(0, 0, -1), false},
		{"a record of tomorrow", time.Time{}, now.AddDate(0, 0, 1), true},
		{"a chip that agrees", now.Add(time.Minute), time.Time{}, false},
		{"a chip that is a day off", now.AddDate(0, 0, -1), time.Time{}, true},
		{"a chip that began anew", time.Unix(0, 0), time.Time{}, true},
		{"a chip in local time", now.Add(5*time.Hour + 45*time.Minute + 20*time.Second), time.Time{}, false},
		{"a chip that is half an hour and more off", now.Add(38 * time.Minute), time.Time{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := airgaptest.Host(airgaptest.Desktop)
			if !tt.chip.IsZero() {
				tree["sys/class/rtc/rtc0/since_epoch"] = &fstest.MapFile{Data: fmt.Appendln(nil, tt.chip.Unix())}
			}
			facts := airgap.Look(tree)
			require.Equal(t, !tt.chip.IsZero(), !facts.Clock.RTC.Is.IsZero())
			facts.Clock.Now, facts.Clock.LastRecord = now, tt.record
			require.Equal(t, tt.wantWarning, slices.Contains(verdicts(facts.Findings()), "warn HOST-CLOCK"))
		})
	}
}

// Where nothing can be read nothing is known, and what decides refuses. Breaks G17.
func TestABlindLookRefuses(t *testing.T) {
	for name, root := range map[string]fs.FS{
		"an empty root": fstest.MapFS{},
		"no /sys":       without(airgaptest.Host(airgaptest.Desktop), "sys/"),
		"no /proc":      without(airgaptest.Host(airgaptest.Desktop), "proc/"),
		// proc(5): subset=pid leaves the folders of processes, and no swaps.
		"a /proc of processes only": without(airgaptest.Host(airgaptest.Desktop), "proc/meminfo", "proc/swaps", "proc/net/", "proc/sys/"),
		"no interface, not even lo": without(airgaptest.Host(airgaptest.Desktop), "sys/class/net/"),
	} {
		t.Run(name, func(t *testing.T) {
			facts := airgap.Look(root)
			require.Contains(t, verdicts(facts.Findings()), "refuse HOST-UNKNOWN network")
			if strings.Contains(name, "proc") {
				require.Contains(t, verdicts(facts.Findings()), "refuse HOST-UNKNOWN swap")
			}
			for _, f := range facts.List() {
				require.True(t, (f.Value == "") != (f.Unknown == ""), "%s has a value or a reason: %+v", f.Name, f)
			}
		})
	}
}

func without(tree fstest.MapFS, prefixes ...string) fstest.MapFS {
	for name := range tree {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) {
				delete(tree, name)
			}
		}
	}
	return tree
}

// What an attached device or a hostile kernel module can say stays one short line,
// and what is too large to be read is unknown.
func TestHostileHostsAreCutAndRefused(t *testing.T) {
	big := strings.Repeat("wlan0\x1b[2J\u202e evil\n", 1<<20)
	tree := airgaptest.Host("laptop-wifi")
	for name := range tree {
		tree[name] = &fstest.MapFile{Data: []byte(big), Mode: 0o444}
	}
	for i := range 3 {
		tree[fmt.Sprintf("sys/class/net/\x1b[2J\u202e%d\a/flags", i)] = &fstest.MapFile{Data: []byte("0x1003")}
	}
	tree["sys/class/rfkill/rfkill0/type"] = &fstest.MapFile{Data: []byte("wl\x1b[31man" + strings.Repeat("n", 4000))}
	facts := airgap.Look(tree)
	refused := verdicts(facts.Findings())
	require.Contains(t, refused, "refuse HOST-UNKNOWN network")
	require.Contains(t, refused, "refuse HOST-UNKNOWN swap")
	require.Contains(t, refused, "refuse HOST-NET-CARRIER network", "an interface of which nothing is known is live")
	var texts []string
	for _, f := range facts.List() {
		texts = append(texts, f.Value, f.Unknown)
	}
	for _, f := range facts.Findings() {
		texts = append(texts, f.Text, f.Hint)
	}
	for _, i := range facts.Network.Interfaces.Is {
		texts = append(texts, i.Name, i.Driver, i.Bus, i.OperState, i.Carrier.Unknown)
	}
	for _, text := range texts {
		require.Less(t, len(text), 600)
		require.False(t, strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", text)
	}
}

func TestFoldersWithoutEndAreUnknown(t *testing.T) {
	tree := airgaptest.Host(airgaptest.Desktop)
	for i := range 1025 {
		tree[fmt.Sprintf("sys/class/net/veth%d/flags", i)] = &fstest.MapFile{Data: []byte("0x1002\n")}
	}
	require.Contains(t, airgap.Look(tree).Network.Interfaces.Unknown, "more than 1024 entries")
}

// What is no regular file is not opened: a pipe would never answer.
func TestPipesAreNotOpened(t *testing.T) {
	tree := airgaptest.Host(airgaptest.Desktop)
	tree["proc/swaps"].Mode |= fs.ModeNamedPipe
	require.Equal(t, "proc/swaps is no regular file", airgap.Look(tree).Memory.Swaps.Unknown)
}
