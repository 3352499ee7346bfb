// Package airgaptest has hosts to look at: the files of /proc, /sys and /etc that
// kinds of computers show, as small trees for tests. Nothing in it is for the program.
package airgaptest

import (
	"maps"
	"slices"
	"strings"
	"testing/fstest"
)

// Host returns one of the hosts by name, nil for a name that is none. The tree is the
// caller's own.
func Host(name string) fstest.MapFS {
	parts, ok := hosts[name]
	if !ok {
		return nil
	}
	tree := fstest.MapFS{}
	for _, part := range append([]map[string]string{base}, parts...) {
		for file, text := range part {
			if text == gone {
				delete(tree, file)
				continue
			}
			tree[file] = &fstest.MapFile{Data: []byte(text), Mode: 0o444}
		}
	}
	return tree
}

// Names are those of all hosts.
func Names() []string { return slices.Sorted(maps.Keys(hosts)) }

// Desktop is the host on which nothing speaks against a ceremony.
const Desktop = "offline-desktop"

// gone removes what an earlier part has.
const gone = "\x00"

var hosts = map[string][]map[string]string{
	Desktop: {ethernet("enp3s0", "e1000e", false)},
	// A laptop at work: connected by Wi-Fi, bluetooth on, swap in clear on its disk.
	"laptop-wifi": {
		ethernet("enp0s31f6", "e1000e", false), wifi(true, "0"), bluetooth("0"), route4("wlp2s0"),
		swap("/dev/nvme0n1p3", "partition"), hibernates("259:3"), {"proc/sys/kernel/core_pattern": "|/usr/share/apport/apport -p%p\n"},
	},
	"laptop-blocked": {wifi(false, "1"), bluetooth("1")},
	// As a container engine makes it: one end of a veth pair, and parts of /sys missing.
	"container": {
		veth("eth0"), route4("eth0"),
		{
			"proc/self/mountinfo": "600 500 0:60 / / rw,relatime - overlay overlay rw,lowerdir=/l\n",
			".dockerenv":          "", "proc/1/cgroup": "0::/\n",
		},
	},
	// Tails with the network switched off: live, nothing swapped, the driver gone.
	"tails": {
		{
			"proc/cmdline":        "BOOT_IMAGE=/live/vmlinuz boot=live config nopersistence noprompt\n",
			"etc/os-release":      "NAME=\"Tails\"\nID=\"tails\"\nPRETTY_NAME=\"Tails 7\"\n",
			"proc/self/mountinfo": "30 1 0:20 / / rw,relatime - overlay overlay rw\n",
		},
	},
	// A server of which the swap is a logical volume in clear.
	"server-lvm": {
		ethernet("eno1", "igb", true), route4("eno1"), swap("/dev/dm-1", "partition"),
		{"sys/block/dm-1/dm/uuid": "LVM-aaaabbbb\n", "sys/block/dm-1/dm/name": "vg-swap\n", "sys/block/dm-1/slaves/sda2/size": "8\n", "sys/block/sda/size": "9\n"},
	},
	// The same logical volume in an encrypted partition, and zram before it.
	"encrypted-swap": {
		{
			"proc/swaps":             swapHead + "/dev/dm-1 partition 8388604 0 -2\n/dev/zram0 partition 4194300 0 100\n",
			"sys/block/dm-1/dm/uuid": "LVM-aaaabbbb\n", "sys/block/dm-1/slaves/dm-0/size": "8\n",
			"sys/block/dm-0/dm/uuid": "CRYPT-LUKS2-0123-root\n", "sys/block/zram0/backing_dev": "none\n",
		},
		hibernates("253:1"), {"sys/dev/block/253:1/dm/uuid": "LVM-aaaabbbb\n", "sys/dev/block/253:1/slaves/dm-0/size": "8\n"},
	},
	// No swap is on, but the kernel knows where it would hibernate to.
	"hibernation": {hibernates("8:3")},
}

const swapHead = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

// base is what every Linux shows: no network but loopback.
var base = map[string]string{
	"etc/os-release":    "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\n",
	"proc/1/cgroup":     "0::/init.scope\n",
	"proc/cmdline":      "BOOT_IMAGE=/vmlinuz root=UUID=1234 ro quiet\n",
	"proc/cpuinfo":      "processor\t: 0\nflags\t\t: fpu vme de sse2 aes\n\nprocessor\t: 1\nflags\t\t: fpu vme de sse2 aes\n",
	"proc/meminfo":      "MemTotal: 1024 kB\n",
	"proc/net/dev":      devHead + "    lo: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
	"proc/net/route":    routeHead,
	"proc/net/fib_trie": "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n",
	"proc/net/if_inet6": "00000000000000000000000000000001 01 80 10 80       lo\n",
	"proc/net/ipv6_route": strings.Repeat("0", 32) + " 00 " + strings.Repeat("0", 32) + " 00 " + strings.Repeat("0", 32) +
		" ffffffff 00000001 00000000 00200200       lo\n",
	"proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max core file size        0                    unlimited            bytes     \n" +
		"Max locked memory         8388608              8388608              bytes     \n",
	"proc/self/mountinfo":                    "27 1 8:2 / / rw,relatime - ext4 /dev/sda2 rw\n",
	"proc/self/status":                       "Name:\tcoldvault\nCapEff:\t0000000000000000\n",
	"proc/swaps":                             swapHead,
	"proc/sys/kernel/core_pattern":           "core\n",
	"proc/sys/kernel/osrelease":              "6.12.48+deb13-amd64\n",
	"proc/sys/kernel/random/entropy_avail":   "256\n",
	"proc/sys/kernel/yama/ptrace_scope":      "1\n",
	"sys/class/dmi/id/product_name":          "ThinkCentre M920q\n",
	"sys/class/dmi/id/sys_vendor":            "LENOVO\n",
	"sys/class/misc/hw_random/rng_current":   "tpm-rng-0\n",
	"sys/class/net/lo/carrier":               "1\n",
	"sys/class/net/lo/flags":                 "0x9\n",
	"sys/class/net/lo/ifindex":               "1\n",
	"sys/class/net/lo/iflink":                "1\n",
	"sys/class/net/lo/operstate":             "unknown\n",
	"sys/class/net/lo/type":                  "772\n",
	"sys/class/net/lo/uevent":                "INTERFACE=lo\nIFINDEX=1\n",
	"sys/module/zswap/parameters/enabled":    "N\n",
	"sys/power/disk":                         "[disabled]\n",
	"sys/power/resume":                       "0:0\n",
	"sys/power/state":                        "freeze mem\n",
	"sys/bus/usb/devices/1-1/idVendor":       "046d\n",
	"sys/bus/usb/devices/1-1:1.0/uevent":     "DRIVER=usbhid\n",
	"sys/bus/usb/devices/1-1:1.0/authorized": "1\n", "sys/bus/usb/devices/1-1:1.0/bInterfaceClass": "03\n",
}

const devHead = "Inter-|   Receive                                                |  Transmit\n" +
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"

const routeHead = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

// route4 is a default route and that of the network it is in.
func route4(iface string) map[string]string {
	return map[string]string{
		"proc/net/route": routeHead + iface + "\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
			iface + "\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
		"proc/net/fib_trie": "Main:\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 192.0.2.2\n        /32 host LOCAL\n" +
			"Local:\n     |-- 192.0.2.2\n        /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\n",
	}
}

// link are the attributes of an interface that is up, with or without a carrier.
func link(name, uevent string, connected bool, index, peer string) map[string]string {
	folder := "sys/class/net/" + name + "/"
	m := map[string]string{
		folder + "carrier": "0\n", folder + "operstate": "down\n", folder + "flags": "0x1003\n", folder + "type": "1\n",
		folder + "ifindex": index + "\n", folder + "iflink": peer + "\n", folder + "uevent": uevent + "INTERFACE=" + name + "\n",
	}
	if connected {
		m[folder+"carrier"], m[folder+"operstate"] = "1\n", "up\n"
	}
	return m
}

func ethernet(name, driver string, connected bool) map[string]string {
	m := link(name, "", connected, "2", "2")
	m["sys/class/net/"+name+"/device/uevent"] = "DRIVER=" + driver + "\nMODALIAS=pci:v00008086d000015BB\n"
	return m
}

func wifi(connected bool, soft string) map[string]string {
	const name = "wlp2s0"
	m := link(name, "DEVTYPE=wlan\n", connected, "3", "3")
	m["sys/class/net/"+name+"/device/uevent"] = "DRIVER=iwlwifi\nMODALIAS=pci:v00008086d00002723\n"
	m["sys/class/net/"+name+"/phy80211/index"] = "0\n"
	m["sys/class/ieee80211/phy0/index"] = "0\n"
	maps.Copy(m, rfkill("rfkill0", "wlan", soft))
	if !connected {
		m["sys/class/net/"+name+"/flags"] = "0x1002\n"
		m["sys/class/net/"+name+"/carrier"] = gone // reading it fails while the interface is down
	}
	return m
}

func bluetooth(soft string) map[string]string {
	m := rfkill("rfkill1", "bluetooth", soft)
	m["sys/class/bluetooth/hci0/uevent"] = "DEVTYPE=host\n"
	m["sys/bus/usb/devices/1-10:1.0/bInterfaceClass"] = "e0\n"
	m["sys/bus/usb/devices/1-10:1.0/bInterfaceSubClass"] = "01\n"
	m["sys/bus/usb/devices/1-10:1.0/bInterfaceProtocol"] = "01\n"
	m["sys/bus/usb/devices/1-10:1.0/uevent"] = "DRIVER=btusb\n"
	return m
}

func rfkill(name, kind, soft string) map[string]string {
	folder := "sys/class/rfkill/" + name + "/"
	return map[string]string{folder + "type": kind + "\n", folder + "soft": soft + "\n", folder + "hard": "0\n"}
}

func veth(name string) map[string]string { return link(name, "", true, "2", "31") }

func swap(path, kind string) map[string]string {
	return map[string]string{"proc/swaps": swapHead + path + " " + kind + " 8388604 0 -2\n"}
}

func hibernates(resume string) map[string]string {
	return map[string]string{
		"sys/power/state": "freeze mem disk\n", "sys/power/disk": "[platform] shutdown reboot suspend test_resume\n", "sys/power/resume": resume + "\n",
	}
}
