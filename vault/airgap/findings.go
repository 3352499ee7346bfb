package airgap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Level says what a finding means for work with secrets.
type Level string

// The levels.
const (
	Refuse Level = "refuse" // work with secrets stops unless the finding's class is accepted
	Warn   Level = "warn"
	Note   Level = "note"
)

// A Class of findings is accepted together.
type Class string

// The classes.
const (
	ClassNetwork Class = "network" // something outside can reach in
	ClassSwap    Class = "swap"    // memory can be written to a disk
)

// The rules.
const (
	IDNetCarrier  = "HOST-NET-CARRIER"
	IDNetRoute    = "HOST-NET-ROUTE"
	IDNetIdle     = "HOST-NET-IDLE"
	IDRadio       = "HOST-RADIO"
	IDBluetooth   = "HOST-BLUETOOTH"
	IDUSBNet      = "HOST-USBNET"
	IDSwap        = "HOST-SWAP"
	IDHibernation = "HOST-HIBERNATION"
	IDCore        = "HOST-CORE"
	IDMemlock     = "HOST-MEMLOCK"
	IDClock       = "HOST-CLOCK"
	IDEntropy     = "HOST-ENTROPY"
	IDVM          = "HOST-VM"
	IDContainer   = "HOST-CONTAINER"
	IDLive        = "HOST-LIVE"
	IDUnknown     = "HOST-UNKNOWN"
)

// A Finding is what a rule says of the facts.
type Finding struct {
	ID    string
	Level Level
	Class Class // "" below Refuse
	Text  string
	Hint  string // what to do about it, "" for nothing
}

const (
	// seeded is the entropy at which the kernel's generator counts as seeded: the 256
	// bits of its key (drivers/char/random.c, POOL_READY_BITS).
	seeded = 256
	// lowLocked is the locked memory under which larger files do not fit.
	lowLocked = 1 << 20
	// clockDrift is more than a chip loses in a year in a drawer.
	clockDrift = 10 * time.Minute
)

// Findings holds the facts against the rules: what refuses first, then what warns. Keeps G17.
func (f Facts) Findings() []Finding {
	out := slices.Concat(f.Network.findings(), f.Memory.findings(), f.Machine.findings(), f.Clock.findings())
	order := map[Level]int{Refuse: 0, Warn: 1, Note: 2}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(order[a.Level], order[b.Level]) })
	return out
}

// unknown is a finding for a fact that could not be read. What decides about a
// refusal refuses: not to see a network is not to see that there is none.
func unknown[T any](what string, v Value[T], class Class) []Finding {
	if v.Known() {
		return nil
	}
	f := Finding{ID: IDUnknown, Level: Note, Text: fmt.Sprintf("%s: unknown: %s", what, v.Unknown)}
	if class != "" {
		f.Level, f.Class, f.Hint = Refuse, class, "run where /proc and /sys can be read"
	}
	return []Finding{f}
}

func (n Network) findings() []Finding {
	out := slices.Concat(
		unknown("interfaces", n.Interfaces, ClassNetwork),
		unknown("interfaces of this process", n.Hidden, ClassNetwork),
		unknown("default route, IPv4", n.Defaults4, ClassNetwork),
		unknown("default route, IPv6", n.Defaults6, ClassNetwork),
		unknown("radio switches", n.Radios, ""),
		unknown("bluetooth", n.Bluetooth, ""),
		unknown("USB network devices", n.USB, ""),
	)
	for _, i := range n.Interfaces.Is {
		switch device := i.Bus != "virtual"; {
		case i.Live():
			out = append(out, Finding{IDNetCarrier, Refuse, ClassNetwork,
				i.Name + " (" + i.describe() + ") is connected", "pull the cable, or switch it off with `ip link set " + i.Name + " down`"})
		case device:
			out = append(out, Finding{ID: IDNetIdle, Level: Note, Text: i.Name + " (" + i.describe() + ") is there and not connected"})
		}
	}
	for _, name := range n.Hidden.Is {
		out = append(out, Finding{IDNetCarrier, Refuse, ClassNetwork,
			name + " is there, and /sys does not show whether it is connected", "run where /sys is of the same network namespace"})
	}
	for _, family := range []struct {
		name   string
		routes []string
	}{{"IPv4", n.Defaults4.Is}, {"IPv6", n.Defaults6.Is}} {
		if len(family.routes) > 0 {
			out = append(out, Finding{IDNetRoute, Refuse, ClassNetwork,
				"there is a default route, " + family.name + ", by " + strings.Join(family.routes, ", "), "leave the network, or remove it with `ip route del default`"})
		}
	}
	return slices.Concat(out, n.radioFindings())
}

func (i Interface) describe() string {
	if i.Driver == "" {
		return i.Kind
	}
	return i.Kind + ", " + i.Driver
}

// radioFindings judges each switch, and the radios that no switch is known for.
func (n Network) radioFindings() []Finding {
	var out []Finding
	switched := map[string]bool{}
	for _, r := range n.Radios.Is {
		id := map[string]string{"wlan": IDRadio, "wwan": IDRadio, "ultrawideband": IDRadio, "wimax": IDRadio, "nfc": IDRadio, "bluetooth": IDBluetooth}[r.Type]
		if id == "" && (r.Type == "gps" || r.Type == "fm") {
			continue // they only receive
		}
		id = cmp.Or(id, IDRadio)
		switched[r.Type] = true
		f := Finding{ID: id, Level: Warn, Text: "the radio " + r.String(), Hint: "switch it off, better take it out: `rfkill block all`"}
		if r.Blocked() {
			f.Level, f.Hint = Note, ""
		}
		out = append(out, f)
	}
	for _, phy := range n.Wireless.Is {
		if !switched["wlan"] {
			out = append(out, Finding{ID: IDRadio, Level: Warn, Text: "the radio " + phy + " has no switch that could be read", Hint: "take it out, or boot without its driver"})
		}
	}
	for _, adapter := range n.Bluetooth.Is {
		if !switched["bluetooth"] {
			out = append(out, Finding{ID: IDBluetooth, Level: Warn, Text: "the bluetooth adapter " + adapter + " has no switch that could be read", Hint: "take it out, or boot without its driver"})
		}
	}
	for _, u := range n.USB.Is {
		if u.Kind == "bluetooth" && switched["bluetooth"] {
			continue // judged by its switch
		}
		out = append(out, Finding{ID: IDUSBNet, Level: Warn, Text: fmt.Sprintf("the USB device %s is made for a network: %s", u.Device, u.Kind), Hint: "unplug it"})
	}
	return out
}

func (m Memory) findings() []Finding {
	out := slices.Concat(
		unknown("swap", m.Swaps, ClassSwap),
		unknown("hibernation", m.Hibernation, ClassSwap),
		unknown("core_pattern", m.CorePattern, ClassSwap),
		unknown("locked memory of this process", m.Locked, ""),
	)
	plain, encrypted := false, false
	for _, s := range m.Swaps.Is {
		switch {
		case s.Plain():
			plain = true
			out = append(out, Finding{IDSwap, Refuse, ClassSwap, "memory is swapped to a disk in clear: " + s.String(), "switch it off: `swapoff -a`"})
		case s.Encrypted:
			encrypted = true
			out = append(out, Finding{ID: IDSwap, Level: Note, Text: "memory is swapped to " + s.String()})
		}
	}
	out = append(out, m.hibernationFindings(plain, encrypted)...)
	if strings.HasPrefix(m.CorePattern.Is, "|") {
		out = append(out, Finding{IDCore, Refuse, ClassSwap,
			"the memory of a program that crashes goes to another program: " + m.CorePattern.Is, "`sysctl kernel.core_pattern=core`"})
	}
	if m.Locked.Known() && m.Locked.Is < lowLocked && !m.LockAny.Is {
		out = append(out, Finding{ID: IDMemlock, Level: Warn,
			Text: fmt.Sprintf("only %s may be locked in memory; larger files will not fit", size(m.Locked.Is)), Hint: "`ulimit -l unlimited`, or run as root"})
	}
	return out
}

// hibernationFindings judges where an image of the memory would go: to the swap in
// use, or to the device that the system would wake from.
func (m Memory) hibernationFindings(plain, encrypted bool) []Finding {
	b := m.Hibernation.Is
	if !b.Able {
		return nil
	}
	plain = plain || b.Resume != "" && !b.ResumeEncrypted
	encrypted = encrypted || b.Resume != ""
	switch {
	case plain:
		return []Finding{{IDHibernation, Refuse, ClassSwap, "hibernation would write all memory to a disk in clear", "switch swap off, and boot with `nohibernate`"}}
	case encrypted:
		return []Finding{{ID: IDHibernation, Level: Warn, Text: "hibernation would write all memory to an encrypted disk", Hint: "boot with `nohibernate`"}}
	}
	return []Finding{{ID: IDHibernation, Level: Note, Text: "the kernel can hibernate, and has nowhere to write to"}}
}

func (m Machine) findings() []Finding {
	var out []Finding
	for _, rule := range []struct {
		what, id, text string
		fact           Value[string]
		level          Level
		hint           string
	}{
		{"virtual machine", IDVM, "this looks like a virtual machine, whose host reads its memory: ", m.Virtual, Warn, "use a computer of its own"},
		{"container", IDContainer, "this looks like a container, whose host reads its memory and has a network of its own: ", m.Container, Warn, "use a computer of its own"},
		{"live system", IDLive, "this is a live system, which forgets what is not written to a medium: ", m.Live, Note, ""},
	} {
		out = append(out, unknown(rule.what, rule.fact, "")...)
		if rule.fact.Is != "" {
			out = append(out, Finding{ID: rule.id, Level: rule.level, Text: rule.text + rule.fact.Is, Hint: rule.hint})
		}
	}
	out = append(out, unknown("random numbers", m.Entropy, "")...)
	if m.Entropy.Known() && m.Entropy.Is < seeded {
		out = append(out, Finding{ID: IDEntropy, Level: Warn,
			Text: fmt.Sprintf("the kernel has %d bits of randomness, of the %d it wants", m.Entropy.Is, seeded), Hint: "type and move the mouse for a minute, then look again"})
	}
	return out
}

func (c Clock) findings() []Finding {
	out := unknown("clock chip", c.RTC, "")
	const hint = "set the clock by a watch: dates go onto cards and into manifests"
	if c.Now.Before(c.LastRecord) {
		out = append(out, Finding{ID: IDClock, Level: Warn, Hint: hint,
			Text: fmt.Sprintf("the clock says %s, before the vault's last record of %s", day(c.Now), day(c.LastRecord))})
	}
	if c.RTC.Known() && !c.RTC.Is.IsZero() {
		apart := c.Now.Sub(c.RTC.Is).Abs()
		zone := apart.Round(15 * time.Minute) // a chip that is set to local time
		if apart > clockDrift && (zone > 14*time.Hour || (apart-zone).Abs() > clockDrift/5) {
			out = append(out, Finding{ID: IDClock, Level: Warn, Hint: hint,
				Text: fmt.Sprintf("the clock says %s, its chip %s", day(c.Now), day(c.RTC.Is))})
		}
	}
	return out
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
