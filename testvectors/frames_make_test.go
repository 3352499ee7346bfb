package testvectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/qr"
	"coldvault/qr/digits"
)

// bytesOf are n bytes that look random and are the same every time.
func bytesOf(name string, n int) []byte {
	var out []byte
	for block := sha256.Sum256([]byte(name)); len(out) < n; block = sha256.Sum256(block[:]) {
		out = append(out, block[:]...)
	}
	return out[:n]
}

// newFrames cuts a payload into frames with bodies of size bytes and as little parity as is allowed.
func newFrames(t *testing.T, generation uint32, payload []byte, size int) []qr.Frame {
	t.Helper()
	frames, err := qr.Split(coldParams.Vault, generation, payload, qr.Layout{BodySize: size}, 1, qr.MinParity)
	require.NoError(t, err)
	return frames
}

func frameLine(raw []byte) string { return string(digits.Append(nil, raw)) + "\n" }

// changed is a frame with a change that its CRC follows.
func changed(f qr.Frame, change func(raw []byte)) []byte {
	raw := f.Marshal()
	change(raw)
	return mendCRC(raw[:len(raw)-4])
}

func mendCRC(raw []byte) []byte {
	sum := crc32.ChecksumIEEE(raw)
	return append(bytes.Clone(raw), byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
}

func makeFrameVectors(t *testing.T) map[string]vector {
	out := make(map[string]vector)
	addSingleFrames(t, out, newFrames(t, 7, bytesOf("payload", 150), 32))
	addPageSets(t, out)
	addBadPageSets(t, out)
	return out
}

// addSingleFrames adds single codes, most of five data and two parity bodies of 32 bytes, 150 bytes in all.
func addSingleFrames(t *testing.T, out map[string]vector, frames []qr.Frame) {
	f := frames[1]
	add := func(name, expect, comment string, raw []byte) {
		out["frame_"+name] = vector{[]field{{"expect", expect}, {"form", "frame"}, {"comment", comment}}, frameLine(raw)}
	}
	change := func(name, expect, comment string, offset int, value ...byte) {
		add(name, expect, comment, changed(f, func(raw []byte) { copy(raw[offset:], value) }))
	}
	add("good", "success", "body 1 of 5", f.Marshal())
	add("parity", "success", "body 6, parity", frames[6].Marshal())
	large := newFrames(t, 7, bytesOf("large", 191), 1)
	add("largest", "success", "the last one of 191 data and 64 parity bodies", large[254].Marshal())
	add("crc", "checksum", "one bit of the body is another", flip(f.Marshal(), 30))
	add("crc_header", "checksum", "one bit of the index is another", flip(f.Marshal(), 18))
	add("truncated", "checksum", "the last byte is missing", f.Marshal()[:len(f.Marshal())-1])
	add("no_body", "length", "a header and a CRC-32 with nothing between", mendCRC(f.Marshal()[:25]))
	add("short", "length", "less than a header", f.Marshal()[:20])
	change("kind", "kind", "frame, version 2", 0, 0x22)
	change("generation_zero", "field", "generations are counted from 1", 6, 0, 0, 0, 0)
	change("generation_too_large", "field", "generation 1000000", 6, 0, 0x0f, 0x42, 0x40)
	change("index_out_of_range", "field", "body 7 of 0…6", 18, 7)
	change("no_data", "field", "no data bodies", 19, 0)
	change("data_above_total", "field", "eight data bodies among seven", 19, 8)
	change("no_parity", "field", "all seven bodies are data", 19, 7)
	change("parity_below_a_quarter", "field", "one parity body among six", 20, 6)
	change("length_zero", "field", "a payload of no bytes", 21, 0, 0, 0, 0)
	change("length_too_small", "field", "128 bytes fill four bodies", 21, 0, 0, 0, 128)
	change("length_too_large", "field", "161 bytes do not fit five bodies", 21, 0, 0, 0, 161)
	change("length_huge", "field", "4 GiB", 21, 0xff, 0xff, 0xff, 0xff)
}

func flip(raw []byte, at int) []byte {
	raw = bytes.Clone(raw)
	raw[at] ^= 1
	return raw
}

func addSet(out map[string]vector, name, expect, comment string, codes [][]byte, more ...field) {
	var body strings.Builder
	for _, c := range codes {
		body.WriteString(frameLine(c))
	}
	out["set_"+name] = vector{append([]field{{"expect", expect}, {"form", "set"}, {"comment", comment}}, more...), body.String()}
}

// pick marshals the frames with these indexes, in this order.
func pick(frames []qr.Frame, indexes ...int) [][]byte {
	var out [][]byte
	for _, i := range indexes {
		out = append(out, frames[i].Marshal())
	}
	return out
}

func upTo(first, end int) (out []int) {
	for i := first; i < end; i++ {
		out = append(out, i)
	}
	return out
}

// addPageSets adds page sets that give their payload, or not yet.
func addPageSets(t *testing.T, out map[string]vector) {
	payload := bytesOf("payload", 150)
	frames := newFrames(t, 7, payload, 32)
	require.Len(t, frames, 7)
	is := func(payload []byte) field { return field{"payload", hex.EncodeToString(payload)} }
	need := func(n string) field { return field{"need", n} }
	addSet(out, "whole", "success", "five data and two parity bodies", pick(frames, upTo(0, 7)...), is(payload))
	addSet(out, "any_order", "success", "any order, and one code twice", pick(frames, 4, 6, 1, 1, 0, 5, 3, 2), is(payload))
	addSet(out, "data_only", "success", "no parity is needed", pick(frames, upTo(0, 5)...), is(payload))
	addSet(out, "one_missing", "success", "one data body is missing", pick(frames, 0, 1, 3, 4, 5, 6), is(payload))
	addSet(out, "last_missing", "success", "the body that is filled with zeros is missing", pick(frames, 0, 1, 2, 3, 5), is(payload))
	addSet(out, "parity_used_up", "success", "two data bodies are missing, and two parity bodies there", pick(frames, 1, 2, 4, 5, 6), is(payload))
	addSet(out, "beyond_parity", "incomplete", "one code too few", pick(frames, 1, 2, 5, 6), need("1"))
	addSet(out, "one_code", "incomplete", "one code", pick(frames, 5), need("4"))
	addSet(out, "twice_is_once", "incomplete", "five codes, one of them twice", pick(frames, 0, 1, 2, 3, 3), need("1"))
	full := bytesOf("full", 160)
	addSet(out, "no_filling", "success", "a payload that fills its bodies", pick(newFrames(t, 7, full, 32), 0, 2, 3, 4, 6), is(full))
	tiny := newFrames(t, 999999, payload[:1], 1)
	addSet(out, "smallest", "success", "one byte, from its parity; the last generation there can be", pick(tiny, 1), is(payload[:1]))
	for _, l := range qr.Layouts() {
		payload := bytesOf(l.Name, l.BodySize-1)
		addSet(out, l.Name, "success", "a body of layout "+l.Name+", from its parity", pick(newFrames(t, 7, payload, l.BodySize), 1), is(payload))
	}
}

// addBadPageSets adds page sets that give nothing.
func addBadPageSets(t *testing.T, out map[string]vector) {
	payload := bytesOf("payload", 150)
	frames := newFrames(t, 7, payload, 32)
	with := func(raw ...[]byte) [][]byte { return append(pick(frames, upTo(0, 4)...), raw...) }
	other := func(generation uint32, payload []byte, size int) []byte {
		return newFrames(t, generation, payload, size)[4].Marshal()
	}
	addSet(out, "other_generation", "other set", "a code of another generation", with(other(8, payload, 32)))
	addSet(out, "other_payload", "other set", "a code of another payload", with(other(7, bytesOf("other", 150), 32)))
	addSet(out, "other_layout", "other set", "a code of the same payload in other bodies", with(other(7, payload, 31)))
	addSet(out, "other_vault", "other set", "a code of another vault", with(changed(frames[4], func(raw []byte) { raw[1] ^= 1 })))
	addSet(out, "other_length", "other set", "a code that says another length", with(changed(frames[4], func(raw []byte) { raw[24] ^= 1 })))
	forged := func(i, at int) []byte { return changed(frames[i], func(raw []byte) { raw[at] ^= 1 }) }
	addSet(out, "conflict", "conflict", "two codes in one place", with(frames[4].Marshal(), forged(2, 30)))
	addSet(out, "forged_data", "forged", "a forged data body: the payload has another digest", with(forged(4, 30)))
	addSet(out, "forged_parity", "forged", "a forged parity body where one is needed", with(forged(5, 30)))
	last := len(frames[4].Marshal()) - 5
	addSet(out, "filling", "filling", "the payload is right, the filling behind it is not zero", with(forged(4, last)))
	all := slices.Concat(with(forged(4, 30)), pick(frames, 5, 6))
	addSet(out, "forged_among_all", "forged", "a forged data body, and enough parity without it: which one is forged nothing tells", all)
}
