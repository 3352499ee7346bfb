package airgap

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Memory is where the memory of a process can be written to, and by whom it can be
// read.
type Memory struct {
	Swaps       Value[[]Swap]
	Zswap       Value[bool] // a compressed cache before swap, not swap itself
	Hibernation Value[Hibernation]
	CorePattern Value[string] // as of core(5)
	Locked      Value[uint64] // bytes this process may lock
	LockAny     Value[bool]   // CAP_IPC_LOCK: the limit of locked memory does not hold
	PtraceScope Value[string] // of Yama; "" where the kernel has no Yama
}

// Swap is one device or file that is swapped to now.
type Swap struct {
	Path string
	Kind string
	// Encrypted: everything that is written goes through dm-crypt.
	Encrypted bool
}

// Kinds of swap.
const (
	SwapDevice = "device"
	SwapFile   = "file"
	// SwapZram is compressed memory. With a backing device it is a SwapDevice.
	SwapZram = "zram"
)

// Plain tells whether memory can reach a disk in clear.
func (s Swap) Plain() bool { return s.Kind != SwapZram && !s.Encrypted }

// Hibernation is whether the kernel would write all memory to a disk when told to.
type Hibernation struct {
	Able bool // the kernel can, and lockdown does not forbid it
	// Resume is the device it would wake from, as major:minor; "" for none.
	Resume          string
	ResumeEncrypted bool
}

func (h host) memory() Memory {
	m := Memory{
		Swaps:       know(h.swaps()),
		Hibernation: know(h.hibernation()),
		CorePattern: know(h.attribute("proc/sys/kernel/core_pattern")),
		LockAny:     know(h.lockAny()),
		PtraceScope: know(h.attribute("proc/sys/kernel/yama/ptrace_scope")),
	}
	zswap, err := h.attribute("sys/module/zswap/parameters/enabled")
	m.Zswap = know(zswap == "Y", err)
	text, err := h.read("proc/self/limits", maxTable)
	if err == nil {
		m.Locked = know(parseLocked(text))
	} else {
		m.Locked = know(uint64(0), err)
	}
	return m
}

var zramDevice = regexp.MustCompile(`^/dev/(zram[0-9]+)$`)

func (h host) swaps() ([]Swap, error) {
	lines, err := parsed(h, "proc/swaps", parseSwaps)
	if err != nil {
		return nil, err
	}
	var out []Swap
	for _, l := range lines {
		out = append(out, h.swap(l))
	}
	return out, nil
}

func (h host) swap(l swapLine) Swap {
	s := Swap{Path: clean(l.Path), Kind: SwapFile, Encrypted: h.encryptedDevice(l.Path)}
	switch {
	case l.Type == "partition":
		s.Kind = SwapDevice
		if m := zramDevice.FindStringSubmatch(l.Path); m != nil && !h.zramWrites(m[1]) {
			s.Kind = SwapZram
		}
	default:
		s.Encrypted = h.encryptedFile(l.Path)
	}
	return s
}

// zramWrites tells whether pages of a zram device can go to a disk after all
// (Documentation/admin-guide/blockdev/zram.rst, "Writeback"). Kernels without
// writeback have no such attribute.
func (h host) zramWrites(device string) bool {
	backing, err := h.attribute("sys/block/" + device + "/backing_dev")
	return err != nil || backing != "" && backing != "none"
}

// encryptedDevice tells whether a block device is dm-crypt, or lies wholly on such.
func (h host) encryptedDevice(name string) bool {
	device, ok := strings.CutPrefix(name, "/dev/")
	if !ok {
		return false
	}
	if mapped, ok := strings.CutPrefix(device, "mapper/"); ok {
		device = h.mapped(mapped)
	}
	return h.encrypted("sys/block/"+device, 0)
}

// mapped finds the device of a device-mapper name, "" for none.
func (h host) mapped(name string) string {
	devices, err := h.entries("sys/block")
	if err != nil {
		return ""
	}
	for _, d := range devices {
		if got, err := h.attribute(path.Join("sys/block", d, "dm/name")); err == nil && got != "" && got == name {
			return d
		}
	}
	return ""
}

// cryptPrefixes begin the uuid of what cryptsetup maps with encryption. It gives CRYPT-
// to dm-verity and dm-integrity too, which encrypt nothing.
var cryptPrefixes = []string{"CRYPT-LUKS1-", "CRYPT-LUKS2-", "CRYPT-PLAIN-", "CRYPT-TCRYPT-", "CRYPT-LOOPAES-", "CRYPT-BITLK-", "CRYPT-FVAULT2-"}

// encrypted looks at a block device's folder in sysfs and at what it lies on.
func (h host) encrypted(folder string, depth int) bool {
	const maxDepth = 8
	if depth > maxDepth || !h.exists(folder) {
		return false
	}
	uuid, _ := h.attribute(path.Join(folder, "dm/uuid"))
	if slices.ContainsFunc(cryptPrefixes, func(p string) bool { return strings.HasPrefix(uuid, p) }) {
		return true
	}
	below, err := h.entries(path.Join(folder, "slaves"))
	if err != nil || len(below) == 0 {
		return false
	}
	return !slices.ContainsFunc(below, func(d string) bool { return !h.encrypted("sys/block/"+d, depth+1) })
}

// encryptedFile tells whether the file system that a file lies in is on dm-crypt.
func (h host) encryptedFile(name string) bool {
	mounts, err := parsed(h, "proc/self/mountinfo", parseMounts)
	if err != nil {
		return false
	}
	var best mount
	for _, m := range mounts {
		inside := name == m.Point || strings.HasPrefix(name, strings.TrimSuffix(m.Point, "/")+"/")
		if inside && len(m.Point) >= len(best.Point) { // of two at one place the later covers the earlier
			best = m
		}
	}
	return h.encryptedDevice(best.Source)
}

var deviceNumber = regexp.MustCompile(`^[0-9]{1,10}:[0-9]{1,10}$`)

// hibernation follows Documentation/power/interface.rst: "disk" in state means that
// the kernel can, "[disabled]" in disk that it may not.
func (h host) hibernation() (Hibernation, error) {
	var said [3]string
	for i, file := range []string{"state", "disk", "resume"} {
		var err error
		if said[i], err = h.attribute("sys/power/" + file); err != nil {
			return Hibernation{}, err
		}
	}
	states, modes, resume := said[0], said[1], said[2]
	out := Hibernation{Able: slices.Contains(strings.Fields(states), "disk") && !strings.Contains(modes, "[disabled]")}
	if resume == "" || resume == "0:0" {
		return out, nil
	}
	if !deviceNumber.MatchString(resume) {
		return out, fmt.Errorf("sys/power/resume is no device number")
	}
	out.Resume = resume
	out.ResumeEncrypted = h.encrypted("sys/dev/block/"+resume, 0)
	return out, nil
}

// lockAny reads the effective capabilities (capabilities(7): CAP_IPC_LOCK is 14).
func (h host) lockAny() (bool, error) {
	const capIPCLock = 14
	text, err := h.read("proc/self/status", maxTable)
	if err != nil {
		return false, err
	}
	for l := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(l, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return false, fmt.Errorf("proc/self/status: the capabilities are no number")
			}
			return set>>capIPCLock&1 == 1, nil
		}
	}
	return false, fmt.Errorf("proc/self/status names no capabilities")
}

func (m Memory) list() []Fact {
	text := func(s string) string { return orNone(s) }
	return []Fact{
		line("swap", m.Swaps, join(func(s Swap) string { return s.String() })),
		line("zswap", m.Zswap, yesNo),
		line("hibernation", m.Hibernation, func(b Hibernation) string { return b.String() }),
		line("core_pattern", m.CorePattern, text),
		line("locked memory of this process", m.Locked, func(n uint64) string {
			if m.LockAny.Is {
				return "not limited (CAP_IPC_LOCK)"
			}
			return size(n)
		}),
		line("Yama ptrace_scope", m.PtraceScope, text),
	}
}

func (s Swap) String() string {
	if s.Encrypted {
		return fmt.Sprintf("%s (%s, encrypted)", s.Path, s.Kind)
	}
	return fmt.Sprintf("%s (%s)", s.Path, s.Kind)
}

func (b Hibernation) String() string {
	switch {
	case !b.Able:
		return "not possible"
	case b.Resume == "":
		return "possible, no resume device"
	case b.ResumeEncrypted:
		return "possible, resume device " + b.Resume + " encrypted"
	}
	return "possible, resume device " + b.Resume
}

func size(n uint64) string {
	switch {
	case n == math.MaxUint64:
		return "unlimited"
	case n%1024 == 0 && n > 0:
		return fmt.Sprintf("%d KiB", n/1024)
	}
	return fmt.Sprintf("%d bytes", n)
}
