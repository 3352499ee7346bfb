package airgap

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Machine is what the host is made of.
type Machine struct {
	Kernel     Value[string] // release
	System     Value[string] // of /etc/os-release
	Root       Value[string] // type of the root file system
	Live       Value[string] // what says that the system was booted from a live medium; "" for nothing
	Virtual    Value[string] // what hints at a virtual machine; "" for nothing
	Container  Value[string] // what hints at a container; "" for nothing
	Entropy    Value[int64]  // bits the kernel says it has
	Generator  Value[string] // hardware random number generator in use
	Entropy256 bool          // this kernel says 256 once it has been seeded, and ever after
}

func (h host) machine() Machine {
	m := Machine{
		Kernel:    know(h.attribute("proc/sys/kernel/osrelease")),
		Virtual:   know(h.virtual()),
		Container: know(h.container()),
		Entropy:   know(h.number("proc/sys/kernel/random/entropy_avail")),
		Generator: know(h.attribute("sys/class/misc/hw_random/rng_current")),
		Root:      know(h.rootType()),
		Live:      know(h.live()),
	}
	release, err := h.read("etc/os-release", maxAttribute)
	m.System = know(parseAssignments(release)["PRETTY_NAME"], err)
	// Commit 14c174633f34 of Linux, 5.18: the count stays at 256 when it is reached.
	major, minor := kernelVersion(m.Kernel.Is)
	m.Entropy256 = major > 5 || major == 5 && minor >= 18
	return m
}

func kernelVersion(release string) (major, minor int) {
	first, rest, _ := strings.Cut(release, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, _ = strconv.Atoi(first)
	minor, _ = strconv.Atoi(second)
	return major, minor
}

// rootType is the type of what is mounted last at "/".
func (h host) rootType() (string, error) {
	mounts, err := parsed(h, "proc/self/mountinfo", parseMounts)
	if err != nil {
		return "", err
	}
	found := ""
	for _, m := range mounts {
		if m.Point == "/" {
			found = m.Type
		}
	}
	if found == "" {
		return "", errors.New("nothing is mounted at /")
	}
	return clean(found), nil
}

// live looks for what boots a system from a medium it leaves alone: live-boot
// (Debian, Tails), casper (Ubuntu), dracut (Fedora), archiso.
func (h host) live() (string, error) {
	text, err := h.read("proc/cmdline", maxTable)
	if err != nil {
		return "", err
	}
	for _, word := range strings.Fields(text) {
		name, _, _ := strings.Cut(word, "=")
		switch {
		case word == "boot=live", word == "boot=casper", name == "rd.live.image", name == "archisobasedir":
			return clean(word), nil
		}
	}
	return "", nil
}

// hypervisors are makers and products that DMI names in virtual machines. Those that
// make computers too count only with the product.
var hypervisors = []struct{ vendor, product string }{
	{"QEMU", ""}, {"VMware", ""}, {"innotek GmbH", ""}, {"Xen", ""}, {"Parallels", ""}, {"Bochs", ""}, {"Amazon EC2", ""}, {"DigitalOcean", ""}, {"Hetzner", "vServer"},
	{"Microsoft Corporation", "Virtual Machine"}, {"Google", "Google Compute Engine"}, {"Oracle Corporation", "VirtualBox"}, {"", "KVM"},
}

// virtual looks where a virtual machine shows; none of it is proof, nor is its lack.
func (h host) virtual() (string, error) {
	text, err := h.read("proc/cpuinfo", maxTable)
	if err != nil {
		return "", err
	}
	for l := range strings.Lines(text) {
		// x86 only: CPUID leaf 1, ECX bit 31.
		if name, flags, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "flags" {
			if slices.Contains(strings.Fields(flags), "hypervisor") {
				return "the processor says that it runs under a hypervisor", nil
			}
			break
		}
	}
	kind, err := h.attribute("sys/hypervisor/type")
	if err != nil || kind != "" {
		return kind, err
	}
	vendor, errVendor := h.attribute("sys/class/dmi/id/sys_vendor")
	product, errProduct := h.attribute("sys/class/dmi/id/product_name")
	if err := errors.Join(errVendor, errProduct); err != nil {
		return "", err
	}
	for _, v := range hypervisors {
		if strings.HasPrefix(vendor, v.vendor) && strings.HasPrefix(product, v.product) {
			return strings.TrimSpace(vendor + " " + product), nil
		}
	}
	return "", nil
}

// container looks for the marks of Docker, Podman, LXC and Kubernetes.
func (h host) container() (string, error) {
	for _, mark := range []string{".dockerenv", "run/.containerenv"} {
		if h.exists(mark) {
			return "/" + mark, nil
		}
	}
	text, err := h.read("proc/1/cgroup", maxTable)
	if err != nil {
		return "", err
	}
	for _, word := range []string{"docker", "kubepods", "containerd", "libpod", "lxc"} {
		if strings.Contains(text, word) {
			return "/proc/1/cgroup names " + word, nil
		}
	}
	return "", nil
}

func (m Machine) list() []Fact {
	text := func(s string) string { return orNone(s) }
	return []Fact{
		line("kernel", m.Kernel, text),
		line("system", m.System, text),
		line("root file system", m.Root, text),
		line("live system", m.Live, text),
		line("virtual machine", m.Virtual, text),
		line("container", m.Container, text),
		line("random numbers", m.Entropy, func(bits int64) string {
			if m.Entropy256 && bits >= seeded {
				return "seeded"
			}
			return fmt.Sprintf("%d bits", bits)
		}),
		line("hardware random numbers", m.Generator, text),
	}
}

// clock reads the chip right beside the system's time.
func (h host) clock() Clock {
	const chip = "sys/class/rtc/rtc0/since_epoch"
	seconds, err := h.number(chip)
	c := Clock{Now: time.Now()}
	switch {
	case err == nil:
		c.RTC = know(time.Unix(seconds, 0).UTC(), nil)
	case h.lacks(chip, err):
		// Many small computers have no chip: the zero time says so.
	default:
		c.RTC = know(time.Time{}, err)
	}
	return c
}

func (c Clock) list() []Fact {
	const layout = "2006-01-02 15:04:05 UTC"
	out := []Fact{
		{Name: "clock", Value: c.Now.UTC().Format(layout)},
		line("clock chip", c.RTC, func(t time.Time) string {
			if t.IsZero() {
				return "none"
			}
			return t.UTC().Format(layout)
		}),
	}
	if !c.LastRecord.IsZero() {
		out = append(out, Fact{Name: "last record", Value: c.LastRecord.UTC().Format(layout)})
	}
	return out
}
