package airgap

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Parsers of the tables of /proc. A line that is not as the kernel writes it makes
// the whole table unknown: half a table could say that there is nothing.

// Flags of routes (linux/route.h).
const rtfUp, rtfReject = 0x1, 0x200

// parseRoutes4 returns the interfaces with a default route (net/ipv4/fib_trie.c,
// fib_route_seq_show).
func parseRoutes4(text string) ([]string, error) {
	const iface, destination, flags, mask, columns = 0, 1, 3, 7, 11
	var out []string
	for i, fields := range rows(text) {
		if i == 0 {
			continue // the headings
		}
		if len(fields) != columns {
			return nil, fmt.Errorf("line %d of the IPv4 routes has %d columns", i+1, len(fields))
		}
		numbers, err := hexes(fields, destination, flags, mask)
		if err != nil {
			return nil, fmt.Errorf("line %d of the IPv4 routes: %w", i+1, err)
		}
		if numbers[0] == 0 && numbers[2] == 0 && leads(numbers[1], fields[iface]) {
			out = appendNew(out, clean(fields[iface]))
		}
	}
	return out, nil
}

// parseRoutes6 does the same for IPv6 (net/ipv6/route.c, rt6_info_route).
func parseRoutes6(text string) ([]string, error) {
	const destination, length, flags, iface, columns = 0, 1, 8, 9, 10
	var out []string
	for i, fields := range rows(text) {
		if len(fields) != columns {
			return nil, fmt.Errorf("line %d of the IPv6 routes has %d columns", i+1, len(fields))
		}
		numbers, err := hexes(fields, length, flags)
		if err != nil {
			return nil, fmt.Errorf("line %d of the IPv6 routes: %w", i+1, err)
		}
		if len(fields[destination]) != 32 {
			return nil, fmt.Errorf("line %d of the IPv6 routes has no address", i+1)
		}
		everything := numbers[0] == 0 && strings.Trim(fields[destination], "0") == ""
		if everything && leads(numbers[1], fields[iface]) {
			out = appendNew(out, clean(fields[iface]))
		}
	}
	return out, nil
}

// leads tells whether a route goes anywhere. Every kernel with IPv6 has a rejecting
// default on lo.
func leads(flags uint64, iface string) bool {
	return flags&rtfUp != 0 && flags&rtfReject == 0 && iface != "lo"
}

// parseTrie counts the local IPv4 addresses that are not 127.0.0.0/8. The trie lists
// them twice where the tables main and local are one.
func parseTrie(text string) (int, error) {
	seen := map[string]bool{}
	address := ""
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if a, ok := strings.CutPrefix(l, "|-- "); ok {
			address = a
		} else if l == "/32 host LOCAL" && !strings.HasPrefix(address, "127.") {
			seen[address] = true
		}
	}
	return len(seen), nil
}

// parseInet6 counts the IPv6 addresses that are not of the host's own scope
// (net/ipv6/addrconf.c, if6_seq_show; IPV6_ADDR_LOOPBACK is 0x10).
func parseInet6(text string) (int, error) {
	const scope, columns, loopback = 3, 6, 0x10
	n := 0
	for i, fields := range rows(text) {
		if len(fields) != columns {
			return 0, fmt.Errorf("line %d of the IPv6 addresses has %d columns", i+1, len(fields))
		}
		numbers, err := hexes(fields, scope)
		if err != nil {
			return 0, fmt.Errorf("line %d of the IPv6 addresses: %w", i+1, err)
		}
		if numbers[0] != loopback {
			n++
		}
	}
	return n, nil
}

// parseDev returns the names of the interfaces (net/core/net-procfs.c, dev_seq_show).
func parseDev(text string) ([]string, error) {
	const headings = 2
	var out []string
	for i, l := range slices.Collect(strings.Lines(text)) {
		if i < headings {
			continue
		}
		name, _, ok := strings.Cut(strings.TrimSpace(l), ":") // dev_valid_name: no colon in a name
		if !ok {
			return nil, fmt.Errorf("line %d of the interfaces has no name", i+1)
		}
		out = append(out, name)
	}
	return out, nil
}

// swapLine is one of /proc/swaps, as mm/swapfile.c, swap_show writes it.
type swapLine struct{ Path, Type string }

func parseSwaps(text string) ([]swapLine, error) {
	const columns = 5
	var out []swapLine
	for i, fields := range rows(text) {
		if i == 0 {
			continue // the headings
		}
		if len(fields) != columns {
			return nil, fmt.Errorf("line %d of the swaps has %d columns", i+1, len(fields))
		}
		out = append(out, swapLine{unescape(fields[0]), fields[1]})
	}
	return out, nil
}

// parseLocked reads how many bytes this process may lock, as far as it has a say: the soft limit
// (fs/proc/base.c, proc_pid_limits). Unlimited is the largest number.
func parseLocked(text string) (uint64, error) {
	for row := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(row, "Max locked memory ")
		fields := strings.Fields(rest)
		if !ok || len(fields) != 3 {
			continue
		}
		if fields[0] == "unlimited" {
			return math.MaxUint64, nil
		}
		n, err := strconv.ParseUint(fields[0], 10, 64)
		if err != nil {
			return 0, errors.New("the limit of locked memory is no number")
		}
		return n, nil
	}
	return 0, errors.New("there is no limit of locked memory")
}

// A mount is one of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type mount struct{ Point, Type, Source string }

func parseMounts(text string) ([]mount, error) {
	const point, fixed = 4, 6
	var out []mount
	for i, fields := range rows(text) {
		dash := slices.Index(fields, "-")
		if dash < fixed || len(fields) < dash+3 {
			return nil, fmt.Errorf("line %d of the mounts cannot be read", i+1)
		}
		out = append(out, mount{unescape(fields[point]), fields[dash+1], unescape(fields[dash+2])})
	}
	return out, nil
}

// rows are the lines of a table in columns.
func rows(text string) [][]string {
	var out [][]string
	for l := range strings.Lines(text) {
		if fields := strings.Fields(l); len(fields) > 0 {
			out = append(out, fields)
		}
	}
	return out
}

// hexes reads columns as hexadecimal numbers.
func hexes(fields []string, columns ...int) ([]uint64, error) {
	var out []uint64
	for _, c := range columns {
		n, err := strconv.ParseUint(fields[c], 16, 32)
		if err != nil {
			return nil, fmt.Errorf("column %d is no number", c+1)
		}
		out = append(out, n)
	}
	return out, nil
}

// unescape undoes mangle_path: blanks and backslashes of a path stand as \ooo.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
