// Package memscan looks for secrets in the memory of another process, as root of
// the machine would: through /proc/PID/smaps and /proc/PID/mem. It is for tests,
// which show with it that a command keeps no copy outside guarded memory; nothing
// that is shipped imports it.
//
// It promises that every resident or swapped byte of the process was compared, or
// that Scan fails. The exceptions are memory that the kernel lets nobody read
// (memfd_secret) and its own pages in every process ([vvar], [vsyscall]). The
// process should be at rest: what moves while it is read may be missed.
package memscan

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Hit is one place where a needle was found.
type Hit struct {
	Needle  string // its name
	Address uint64
	Locked  bool   // in RAM only (mlock) and left out of core files (MADV_DONTDUMP)
	Mapping string // path or name of the mapping, "" for anonymous memory
}

// shortest is the length below which a needle would be found by chance.
const shortest = 8

// chunkSize is read at once; regions may be gigabytes.
const chunkSize = 1 << 20

// Scan returns every place in the memory of the process that holds one of the
// needles, by address.
func Scan(pid int, needles map[string][]byte) ([]Hit, error) {
	longest := 0
	for name, needle := range needles {
		if len(needle) < shortest {
			return nil, fmt.Errorf("needle %q has %d bytes, fewer than %d", name, len(needle), shortest)
		}
		longest = max(longest, len(needle))
	}
	if longest == 0 {
		return nil, errors.New("no needles to look for")
	}
	smaps, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return nil, err
	}
	defer smaps.Close()
	regions, err := parseSmaps(smaps)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", smaps.Name(), err)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, err
	}
	defer memory.Close()
	var hits []Hit
	x := newIndex(needles)
	for _, r := range regions {
		if !r.resident || r.unreadable() {
			continue
		}
		found, err := find(memory, r, chunkSize, longest, x)
		if err != nil {
			return nil, fmt.Errorf("%s: region %x-%x %s: %w", memory.Name(), r.start, r.end, r.name, err)
		}
		hits = append(hits, found...)
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		if a.Address < b.Address {
			return -1
		}
		return 1
	})
	return hits, nil
}

// index are the needles by their first two bytes, so that a region is gone through once
// however many there are.
type index struct {
	begins [1 << 16]bool
	by     map[uint16][]needle
}

type needle struct {
	name string
	data []byte
}

func newIndex(needles map[string][]byte) *index {
	x := &index{by: map[uint16][]needle{}}
	for name, data := range needles {
		first := binary.LittleEndian.Uint16(data)
		x.begins[first] = true
		x.by[first] = append(x.by[first], needle{name, data})
	}
	return x
}

// find streams a region. Chunks overlap, so that a needle across their border is
// found, and counted once.
func find(memory io.ReaderAt, r region, chunk, longest int, x *index) ([]Hit, error) {
	var hits []Hit
	window := make([]byte, 0, longest-1+chunk)
	for at := r.start; at < r.end; {
		size := min(uint64(chunk), r.end-at)
		kept := len(window)
		window = window[:kept+int(size)]
		if _, err := memory.ReadAt(window[kept:], int64(at)); err != nil {
			return nil, err
		}
		base := at - uint64(kept)
		for i := range max(0, len(window)-1) {
			first := binary.LittleEndian.Uint16(window[i:])
			if !x.begins[first] {
				continue
			}
			for _, n := range x.by[first] {
				// What ends within the kept part was found with the chunk before.
				if i+len(n.data) > kept && bytes.HasPrefix(window[i:], n.data) {
					hits = append(hits, Hit{Needle: n.name, Address: base + uint64(i), Locked: r.locked, Mapping: r.name})
				}
			}
		}
		at += size
		tail := window[max(0, len(window)-longest+1):]
		window = window[:copy(window[:len(tail)], tail)]
	}
	return hits, nil
}

// region is a mapping of the process.
type region struct {
	start, end uint64
	name       string
	resident   bool // something of it is in RAM or in swap
	locked     bool
}

// unreadable says whether the kernel refuses to read it for anyone.
func (r region) unreadable() bool {
	return r.name == "/secretmem (deleted)" || r.name == "[vsyscall]" || strings.HasPrefix(r.name, "[vvar")
}

// parseSmaps reads proc_pid_smaps(5): a line that opens each mapping, and lines
// "Key: value" about it.
func parseSmaps(r io.Reader) ([]region, error) {
	var regions []region
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if !ok || strings.ContainsAny(key, " -") {
			opened, err := parseMapping(lines.Text())
			if err != nil {
				return nil, err
			}
			regions = append(regions, opened)
			continue
		}
		if len(regions) == 0 {
			return nil, fmt.Errorf("%q stands before any mapping", lines.Text())
		}
		last := &regions[len(regions)-1]
		switch fields := strings.Fields(value); key {
		case "Rss", "Swap":
			last.resident = last.resident || len(fields) > 0 && fields[0] != "0"
		case "VmFlags":
			last.locked = slices.Contains(fields, "lo") && slices.Contains(fields, "dd")
		}
	}
	return regions, lines.Err()
}

// parseMapping reads "start-end perms offset dev inode  name".
func parseMapping(line string) (region, error) {
	fields := strings.Fields(line)
	if len(fields) < 5 {
		return region{}, fmt.Errorf("%q is no mapping", line)
	}
	low, high, _ := strings.Cut(fields[0], "-")
	start, err := strconv.ParseUint(low, 16, 64)
	if err != nil {
		return region{}, fmt.Errorf("%q: %w", line, err)
	}
	end, err := strconv.ParseUint(high, 16, 64)
	if err != nil {
		return region{}, fmt.Errorf("%q: %w", line, err)
	}
	if start >= end {
		return region{}, fmt.Errorf("%q ends before it starts", line)
	}
	return region{start: start, end: end, name: strings.Join(fields[5:], " ")}, nil
}
