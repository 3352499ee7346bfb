#!/usr/bin/env python3
"""Sections 9 and 10 of FORMAT.md written down a second time: parity, the ledger, the log of a medium.

It is made from the text alone and needs Python 3.8 or newer, nothing else. It is slow: what it is for is to show that
the text is enough.

    verify.py parity DATA PARITY OUT   repairs DATA into OUT, and says how many pieces were rebuilt
    verify.py log checks.log           says how many lines there are
    verify.py ledger FOLDER            says how many lines there are, and how many of them head.json covers

Signatures and the digests of the manifest are not looked at. Exit codes: 0 done; 1 damaged; 2 wrong usage.
"""

import hashlib
import json
import os
import re
import sys
import zlib


class Damage(Exception):
    pass


def want(ok, what):
    if not ok:
        raise Damage(what)


# ---------------------------------------------------------------------------------------------------------------------
# Section 9: parity.


def ceil(a, b):
    return -(-a // b)


class Layout:
    """How a file of L bytes is cut."""

    def __init__(self, length):
        self.length = length
        if length <= 13107200:
            self.block = self.piece = 64 * ceil(length, 12800)
        else:
            self.block, self.piece = 65536 * ceil(length, 13107200), 65536
        self.columns = self.block // self.piece
        self.data = ceil(length, self.block)
        self.parity = max(2, ceil(self.data, 5 if self.columns == 1 else 8))
        self.blocks = self.data + self.parity

    def start(self):
        """The first 24 bytes of a parity file."""
        return (b"cvparit1" + self.block.to_bytes(4, "big") + self.data.to_bytes(2, "big")
                + self.parity.to_bytes(2, "big") + self.length.to_bytes(8, "big"))

    def digest(self, piece):
        if self.columns == 1:
            return hashlib.sha256(piece).digest()[:8]
        return crc32c(piece).to_bytes(4, "big") + zlib.crc32(piece).to_bytes(4, "big")


def crc_table(polynomial):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


CRC32C = crc_table(0x82F63B78)


def crc32c(data):
    crc, table = 0xFFFFFFFF, CRC32C
    for b in data:
        crc = crc >> 8 ^ table[(crc ^ b) & 0xFF]
    return crc ^ 0xFFFFFFFF


def multiply(a, b):
    """In GF(2^8) with 0x11D."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return product


def invert(a):
    """a^254: 127 is 1111111 in binary."""
    power = a
    for _ in range(6):
        power = multiply(multiply(power, power), a)
    return multiply(power, power)


INVERSE = [invert(a) for a in range(256)]


def scale(factor, piece):
    return piece.translate(bytes(multiply(factor, b) for b in range(256)))


def add(a, b):
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")


def reconstruct(layout, pieces):
    """Fills in the data pieces of one codeword that are None."""
    lost = [c for c in range(layout.data) if pieces[c] is None]
    have = [r for r in range(layout.data, layout.blocks) if pieces[r] is not None]
    want(len(have) >= len(lost), "%d pieces are lost and %d of parity are left" % (len(lost), len(have)))
    rows = []
    for r in have[:len(lost)]:
        rest = pieces[r]
        for c in range(layout.data):
            if pieces[c] is not None:
                rest = add(rest, scale(INVERSE[r ^ c], pieces[c]))
        rows.append(([INVERSE[r ^ c] for c in lost], rest))
    for i in range(len(lost)):
        factor = INVERSE[rows[i][0][i]]  # no pivot is zero: every square part of a Cauchy matrix has an inverse
        rows[i] = ([multiply(factor, v) for v in rows[i][0]], scale(factor, rows[i][1]))
        for j in range(len(rows)):
            factor = rows[j][0][i]
            if j != i and factor:
                rows[j] = ([a ^ multiply(factor, b) for a, b in zip(rows[j][0], rows[i][0])],
                           add(rows[j][1], scale(factor, rows[i][1])))
    for c, (_, piece) in zip(lost, rows):
        pieces[c] = piece
    return len(lost)


def repair(length, data, parity):
    """The file from what is left of it and of its parity; the number of pieces that were rebuilt."""
    layout = Layout(length)
    end = 24 + 8 * layout.blocks * layout.columns
    want(parity[:24] == layout.start(), "the head of the parity file is not that of a file of %d bytes" % length)
    want(parity[end:end + 8] == hashlib.sha256(parity[:end]).digest()[:8], "the head of the parity file is damaged")
    body = parity[end + 8:]
    data = data[:length].ljust(layout.data * layout.block, b"\0")
    out, rebuilt = bytearray(len(data)), 0
    for column in range(layout.columns):
        pieces = []
        for block in range(layout.blocks):
            source, number = (data, block) if block < layout.data else (body, block - layout.data)
            at = number * layout.block + column * layout.piece
            piece = bytes(source[at:at + layout.piece])
            entry = 24 + 8 * (block * layout.columns + column)
            sound = len(piece) == layout.piece and layout.digest(piece) == parity[entry:entry + 8]
            pieces.append(piece if sound else None)
        rebuilt += reconstruct(layout, pieces)
        for block in range(layout.data):
            at = block * layout.block + column * layout.piece
            out[at:at + layout.piece] = pieces[block]
    return bytes(out[:length]), rebuilt


def cmd_parity(data_name, parity_name, out_name):
    data, parity = read(data_name), read(parity_name)
    result, rebuilt = repair(int.from_bytes(parity[16:24], "big"), data, parity)
    with open(out_name, "xb") as out:
        out.write(result)
    print("%d pieces rebuilt" % rebuilt)


# ---------------------------------------------------------------------------------------------------------------------
# Section 10: the ledger, and the log of a medium.

ZEROS = "0" * 64
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LEDGER_MEMBERS = {  # in their order; those with a question mark are optional
    "vault": "vault sets custodians?", "shares": "sets custodians?",
    "sealed": "generation created compartments deadlines?", "due": "what when role? done?",
    "copy": "medium kind device? model? generation proven", "check": "medium generation result findings",
    "card": "set compartment index custodian? proven", "drill": "role generation restored steps? rpo_seconds",
    "place": "medium place offsite online custodian? seal?", "lost": "medium? set? index?",
    "policy": "usb_days paper_days cards_days drill_days", "host": "command facts", "note": "text",
}
LOG_MEMBERS = "n prev time generation version result medium folded? sum"


class Number(str):
    """A number with a point, as it is written."""


def encode(value):
    if isinstance(value, dict):
        return "{" + ",".join(encode(k) + ":" + encode(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def parse_line(line):
    try:
        value = json.loads(line.decode(), parse_float=Number)
    except ValueError:
        raise Damage("a line is not JSON")
    want(isinstance(value, dict) and encode(value).encode() == line, "a line is not in its one form")
    want(TIME.fullmatch(str(value.get("time"))), "a line has no time")
    return value


def check_members(value, members, names):
    """Exactly these members in this order, but for the optional ones, which are not empty."""
    names, left = list(names), list(value)
    want(left[:len(names)] == names, "a line begins with other members")
    left = left[len(names):]
    for member in members.split():
        name = member.rstrip("?")
        if left[:1] == [name]:
            left.pop(0)
            want(not (member.endswith("?") and not value[name]), "%s is there and empty" % name)
        else:
            want(member.endswith("?"), "%s is missing" % name)
    want(not left, "a line has members that do not belong there")


def whole_lines(data, longest):
    lines = data.split(b"\n")[:-1]  # bytes after the last line feed never counted
    want(all(len(line) <= longest for line in lines), "a line is longer than %d bytes" % longest)
    return lines


def digest(line):
    return hashlib.sha256(line).hexdigest()


def cmd_log(name):
    data = read(name)
    want(len(data) <= 1 << 20, "the log is larger than 1 MiB")
    lines = whole_lines(data, 512)
    want(lines and re.fullmatch(rb"[0-9a-f]{16}", lines[0]), "there is no id of a medium")
    medium, lines = lines[0].decode(), lines[1:]
    before, number = digest(medium.encode()), 0
    for i, line in enumerate(lines):
        value = parse_line(line)
        check_members(value, LOG_MEMBERS, [])
        want(value["medium"] == medium, "a line is of another medium")
        want(value["result"] in ("written", "whole", "repaired", "damaged", "incomplete"), "a result is unknown")
        bare = dict(value, sum="")
        want(value["sum"] == digest(encode(bare).encode())[:16], "a line was changed")
        if "folded" in value:
            want(i == 0, "a line closes lines that are still there")
            want(list(value["folded"]) == ["checks", "since", "damaged"], "what is folded has other members")
        else:
            want(value["n"] == number + 1 and value["prev"] == before, "a line does not follow the one before it")
        before, number = digest(line), value["n"]
    print("%d lines" % len(lines))


def cmd_ledger(folder):
    data = read(os.path.join(folder, "ledger.jsonl"))
    want(len(data) <= 64 << 20, "the ledger is larger than 64 MiB")
    lines = whole_lines(data, 8192)
    want(0 < len(lines) <= 200000, "the ledger has %d lines" % len(lines))
    before, vault = ZEROS, ""
    for number, line in enumerate(lines, 1):
        value = parse_line(line)
        want(value.get("event") in LEDGER_MEMBERS, "an event is unknown")
        check_members(value, LEDGER_MEMBERS[value["event"]], ["n", "prev", "time", "event"])
        want(value["n"] == number and value["prev"] == before, "line %d does not follow the one before it" % number)
        want((value["event"] == "vault") == (number == 1), "the making of the vault is the first line and no other")
        before, vault = digest(line), vault or value["vault"]
    head = read(os.path.join(folder, "head.json"))
    value = json.loads(head)
    want(json.dumps(value, indent=2).encode() + b"\n" == head, "head.json is not in its one form")
    want(list(value) == ["format", "vault", "n", "hash"] and value["format"] == "coldvault.ledger/1", "head.json is not one")
    want(value["vault"] == vault, "head.json is of another vault")
    want(1 <= value["n"] <= len(lines), "lines are missing: %d were signed" % value["n"])
    want(digest(lines[value["n"] - 1]) == value["hash"], "line %d is not the one that was signed" % value["n"])
    print("%d lines, %d signed" % (len(lines), value["n"]))


def read(name):
    with open(name, "rb") as f:
        return f.read()


def main():
    commands = {"parity": (cmd_parity, 3), "log": (cmd_log, 1), "ledger": (cmd_ledger, 1)}
    run, count = commands.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if run is None or len(sys.argv) != 2 + count:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        run(*sys.argv[2:])
    except (Damage, OSError, ValueError, KeyError, TypeError) as problem:
        print("verify.py: error: %s" % problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
