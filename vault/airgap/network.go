package airgap

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Network is what this process's network namespace and the hardware show.
type Network struct {
	Interfaces Value[[]Interface]
	// Hidden are interfaces of this process that /sys does not show.
	Hidden Value[[]string]
	// Defaults are the interfaces with a default route in the main table.
	Defaults4, Defaults6 Value[[]string]
	// Addresses counts those that are not of loopback.
	Addresses4, Addresses6 Value[int]
	Radios                 Value[[]Radio]      // rfkill switches
	Wireless               Value[[]string]     // ieee80211 devices
	Bluetooth              Value[[]string]     // adapters
	USB                    Value[[]USBNetwork] // functions of USB devices that speak to a network
}

// Kinds of interfaces.
const (
	KindEthernet  = "ethernet"
	KindWiFi      = "wifi"
	KindBluetooth = "bluetooth-pan"
	KindUSB       = "usb-net"
	KindWWAN      = "wwan"
	KindVirtual   = "virtual"
	KindLoopback  = "loopback"
	KindBridge    = "bridge"
	KindTunnel    = "tunnel"
	KindOther     = "other"
)

// An Interface is one of /sys/class/net.
type Interface struct {
	Name, Kind  string
	Driver, Bus string // of its device; Bus is "virtual" where there is none
	OperState   string
	Carrier     Value[bool] // the kernel tells it only of an interface that is up
	Up          Value[bool]
	// Peered: it is one end of something else, of a veth pair or of another interface.
	Peered bool
}

// Live tells whether the interface connects the host to something now. Loopback,
// bridges and the likes of dummy reach nothing by themselves; what they are joined
// to is an interface of its own. What is not known counts as live.
func (i Interface) Live() bool {
	switch {
	case i.Kind == KindLoopback, i.Kind == KindBridge, i.Kind == KindVirtual && !i.Peered:
		return false
	case i.Up.Known() && !i.Up.Is:
		return false
	case i.Carrier.Known():
		return i.Carrier.Is
	}
	return i.OperState == "up" || i.OperState == "unknown" || i.OperState == ""
}

// A Radio is an rfkill switch.
type Radio struct {
	Name, Type string
	Soft, Hard bool // blocked
}

// Blocked tells whether the radio is off, by software or by a switch.
func (r Radio) Blocked() bool { return r.Soft || r.Hard }

// USBNetwork is a function of a USB device that is made for a network.
type USBNetwork struct{ Device, Kind, Driver string }

func (h host) network() Network {
	interfaces := know(h.interfaces())
	return Network{
		Interfaces: interfaces,
		Hidden:     know(h.hidden(interfaces.Is)),
		Defaults4:  know(parsed(h, "proc/net/route", parseRoutes4)),
		Defaults6:  know(parsed(h, "proc/net/ipv6_route", parseRoutes6)),
		Addresses4: know(parsed(h, "proc/net/fib_trie", parseTrie)),
		Addresses6: know(parsed(h, "proc/net/if_inet6", parseInet6)),
		Radios:     know(h.radios()),
		Wireless:   know(h.names("sys/class/ieee80211")),
		Bluetooth:  know(h.names("sys/class/bluetooth")),
		USB:        know(h.usb()),
	}
}

// parsed reads a table and parses it; one that this kernel lacks is empty.
func parsed[T any](h host, name string, parse func(string) (T, error)) (T, error) {
	text, err := h.optional(name, maxTable)
	if err != nil {
		var none T
		return none, err
	}
	return parse(text)
}

// names are the entries of a folder, fit to be shown.
func (h host) names(folder string) ([]string, error) {
	list, err := h.entries(folder)
	for i := range list {
		list[i] = clean(list[i])
	}
	return list, err
}

func (h host) interfaces() ([]Interface, error) {
	names, err := h.entries("sys/class/net")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		// Every network namespace has lo: a list without it is not the truth.
		return nil, errors.New("/sys/class/net is empty")
	}
	var out []Interface
	for _, name := range names {
		out = append(out, h.netInterface(name))
	}
	return out, nil
}

// hidden are the interfaces of this process that are not among those of /sys. A sysfs
// shows the network namespace that it was mounted in (netns(7)), /proc/net that of
// this process.
func (h host) hidden(shown []Interface) ([]string, error) {
	own, err := parsed(h, "proc/net/dev", parseDev)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range own {
		if name = clean(name); name != "lo" && !slices.ContainsFunc(shown, func(i Interface) bool { return i.Name == name }) {
			out = append(out, name)
		}
	}
	return out, nil
}

// netInterface reads one interface; attributes are those of
// Documentation/ABI/testing/sysfs-class-net.
func (h host) netInterface(name string) Interface {
	folder := path.Join("sys/class/net", name)
	device := h.uevent(path.Join(folder, "device"))
	bus, _, _ := strings.Cut(device["MODALIAS"], ":")
	i := Interface{Name: clean(name), Driver: device["DRIVER"], Bus: bus}
	hasDevice := h.exists(path.Join(folder, "device"))
	if !hasDevice {
		i.Bus = "virtual"
	}
	i.OperState, _ = h.attribute(path.Join(folder, "operstate"))
	i.Carrier = know(h.flag(path.Join(folder, "carrier")))
	i.Up = know(h.up(path.Join(folder, "flags")))
	index, errIndex := h.number(path.Join(folder, "ifindex"))
	link, errLink := h.number(path.Join(folder, "iflink"))
	// iflink is another's ifindex for a veth, a VLAN, a macvlan; 0 for some tunnels.
	i.Peered = errIndex != nil || errLink != nil || link != index
	i.Kind = h.kind(folder, i, hasDevice)
	return i
}

// kind sorts an interface by what the kernel says of it: DEVTYPE, the attributes that
// only one kind has, and the hardware type (ARPHRD_* of linux/if_arp.h).
func (h host) kind(folder string, i Interface, hasDevice bool) string {
	const arphrdEther, arphrdRawIP, arphrdLoopback, arphrdNone = 1, 519, 772, 65534
	has := func(name string) bool { return h.exists(path.Join(folder, name)) }
	devtype := h.uevent(folder)["DEVTYPE"]
	hardware, _ := h.number(path.Join(folder, "type"))
	switch {
	case hardware == arphrdLoopback:
		return KindLoopback
	case devtype == "wlan", has("phy80211"), has("wireless"):
		return KindWiFi
	case devtype == "bluetooth":
		return KindBluetooth
	case devtype == "wwan", hardware == arphrdRawIP, slices.Contains(wwanDrivers, i.Driver):
		return KindWWAN
	case devtype == "bridge", has("bridge"):
		return KindBridge
	case has("tun_flags"), slices.Contains(tunnelTypes, devtype), slices.Contains(tunnelHardware, hardware), hardware == arphrdNone && !hasDevice:
		return KindTunnel
	case i.Bus == "usb":
		return KindUSB
	case !hasDevice:
		return KindVirtual
	case hardware == arphrdEther:
		return KindEthernet
	}
	return KindOther
}

var (
	wwanDrivers = []string{"qmi_wwan", "cdc_mbim", "mhi_wwan_mbim", "iosm", "t7xx"}
	tunnelTypes = []string{"wireguard", "vxlan", "geneve", "ppp", "gtp"}
	// ARPHRD_PPP, _TUNNEL, _TUNNEL6, _SIT, _IPGRE, _IP6GRE.
	tunnelHardware = []int64{512, 768, 769, 776, 778, 823}
)

// flag is a file that holds 0 or 1.
func (h host) flag(name string) (bool, error) {
	n, err := h.number(name)
	if err == nil && n != 0 && n != 1 {
		err = fmt.Errorf("%s is neither 0 nor 1", name)
	}
	return n == 1, err
}

// up reads the flags of an interface (IFF_UP of linux/if.h).
func (h host) up(name string) (bool, error) {
	const iffUp = 1
	text, err := h.attribute(name)
	if err != nil {
		return false, err
	}
	flags, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		return false, fmt.Errorf("%s is no number", name)
	}
	return flags&iffUp != 0, nil
}

// radios reads the switches (Documentation/ABI/stable/sysfs-class-rfkill). One that
// cannot be read counts as not blocked.
func (h host) radios() ([]Radio, error) {
	names, err := h.entries("sys/class/rfkill")
	if err != nil {
		return nil, err
	}
	var out []Radio
	for _, name := range names {
		folder := path.Join("sys/class/rfkill", name)
		r := Radio{Name: clean(name)}
		r.Type, _ = h.attribute(path.Join(folder, "type"))
		r.Soft, _ = h.flag(path.Join(folder, "soft"))
		r.Hard, _ = h.flag(path.Join(folder, "hard"))
		out = append(out, r)
	}
	return out, nil
}

func (h host) usb() ([]USBNetwork, error) {
	names, err := h.entries("sys/bus/usb/devices")
	if err != nil {
		return nil, err
	}
	var out []USBNetwork
	for _, name := range names {
		folder := path.Join("sys/bus/usb/devices", name)
		var code [3]string
		for i, file := range []string{"bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"} {
			code[i], _ = h.attribute(path.Join(folder, file))
		}
		kind := usbKind(code[0], code[1], code[2])
		if kind == "" && h.exists(path.Join(folder, "net")) {
			kind = "network" // a driver made an interface of a function of the vendor's own class
		}
		if kind != "" {
			out = append(out, USBNetwork{Device: clean(name), Kind: kind, Driver: h.uevent(folder)["DRIVER"]})
		}
	}
	return out, nil
}

// usbKind names a function by its class (usb.org: Defined Class Codes; CDC 1.2 table
// 4); "" for what is no network, such as a serial line, which is class 02 too.
func usbKind(class, subclass, protocol string) string {
	switch class + "/" + subclass {
	case "02/06":
		return "ethernet (ECM)"
	case "02/0c":
		return "ethernet (EEM)"
	case "02/0d":
		return "ethernet (NCM)"
	case "02/0e":
		return "mobile broadband (MBIM)"
	case "02/02":
		if protocol == "ff" {
			return "ethernet (RNDIS)"
		}
	case "e0/01":
		switch protocol {
		case "01", "04":
			return "bluetooth"
		case "02":
			return "ultra-wideband"
		case "03":
			return "ethernet (RNDIS)"
		}
	}
	return ""
}

func (n Network) list() []Fact {
	names := join(func(s string) string { return s })
	count := func(n int) string { return strconv.Itoa(n) }
	return []Fact{
		{Name: "network namespace", Value: "others are not seen, and of the routes only the main table"},
		line("interfaces that /sys does not show", n.Hidden, names),
		line("default route, IPv4", n.Defaults4, names),
		line("default route, IPv6", n.Defaults6, names),
		line("addresses, IPv4", n.Addresses4, count),
		line("addresses, IPv6", n.Addresses6, count),
		line("radio switches", n.Radios, join(func(r Radio) string { return r.String() })),
		line("wireless devices", n.Wireless, names),
		line("bluetooth", n.Bluetooth, names),
		line("USB network devices", n.USB, join(func(u USBNetwork) string {
			return fmt.Sprintf("%s %s, driver %s", u.Device, u.Kind, orNone(u.Driver))
		})),
	}
}

func (r Radio) String() string {
	state := "on"
	switch {
	case r.Hard:
		state = "blocked by a switch"
	case r.Soft:
		state = "blocked by software"
	}
	return fmt.Sprintf("%s %s %s", r.Name, orNone(r.Type), state)
}
