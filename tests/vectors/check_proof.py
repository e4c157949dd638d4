#!/usr/bin/python3
"""Computes the golden vectors of common/proof again, from docs and hashlib alone.

Shares no code with the C side: BLAKE2b is Python's, Ed25519 is python3-cryptography's. Every output of every vector is
made from its inputs and compared; an output or a construction that is unknown here, or known here and absent there, is
a failure too.

    check_proof.py [proof.json]
"""

import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PREFIX = b"satchel/1/"
U32_MAX = 2**32 - 1
COUNTER_MAX = 2**62
TIME_MS_MAX = 2**47
SEEN_MAX = KEPT_HOLES_MAX = 4096
BLOBS_MAX = 64
HEADER_BYTES_MAX = 65536


# ---- The notation of the specification ----

def u8(n):
    return n.to_bytes(1, "little")


def u16(n):
    return n.to_bytes(2, "little")


def u32(n):
    return n.to_bytes(4, "little")


def u64(n):
    return n.to_bytes(8, "little")


def counted(data):
    return u32(len(data)) + data


def varint(n):
    out = b""
    while n > 0x7F:
        out += u8(n & 0x7F | 0x80)
        n >>= 7
    return out + u8(n)


def framed(label):
    name = PREFIX + label.encode()
    return u8(len(name)) + name


def H(label, message):
    return hashlib.blake2b(framed(label) + message, digest_size=32).digest()


def HK(key, label, message):
    return hashlib.blake2b(framed(label) + message, digest_size=32, key=key).digest()


def SIG(seed, label, org, message):
    """The public key and the signature; verifies what it made."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    data = framed(label) + org + message
    signature = key.sign(data)
    key.public_key().verify(signature, data)
    return {"public_key": key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), "signature": signature}


def merkle_root(leaves):
    """RFC 6962, section 2.1, over leaves that are hashes already."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return H("node", merkle_root(leaves[:k]) + merkle_root(leaves[k:]))


# ---- Headers ----

def encode_dots(dots):
    return varint(len(dots)) + b"".join(varint(d) + varint(c) for d, c in dots) if dots else b""


def encode_header(deletion, disputed, hlc, seen, kept, holes, blobs):
    flags = deletion | disputed << 5 | bool(seen) << 1 | bool(kept) << 2 | bool(holes) << 3 | bool(blobs) << 4
    tail = varint(len(blobs)) + b"".join(blobs) if blobs else b""
    return u8(flags) + u64(hlc) + encode_dots(seen) + encode_dots(kept) + encode_dots(holes) + tail


class Refused(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, n):
        if len(self.data) < n:
            raise Refused("malformed")
        out, self.data = self.data[:n], self.data[n:]
        return out

    def varint(self, most):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if value > most or (byte == 0 and shift > 7):
            raise Refused("malformed")
        return value

    def count(self, most):
        n = self.varint(U32_MAX)
        if n == 0:
            raise Refused("malformed")
        if n > most:
            raise Refused("bounds")
        return n


def take_dots(reader, most):
    dots = [(reader.varint(U32_MAX), reader.varint(COUNTER_MAX)) for _ in range(reader.count(most))]
    if dots != sorted(set(dots)) or any(0 in dot for dot in dots):
        raise Refused("malformed")
    return dots


def decode_header(data):
    if len(data) > HEADER_BYTES_MAX:
        raise Refused("bounds")
    reader = Reader(data)
    flags = reader.take(1)[0]
    if flags & ~63 or (flags & 32 and not flags & 1):
        raise Refused("malformed")
    hlc = int.from_bytes(reader.take(8), "little")
    seen = take_dots(reader, SEEN_MAX) if flags & 2 else []
    kept = take_dots(reader, KEPT_HOLES_MAX) if flags & 4 else []
    holes = take_dots(reader, KEPT_HOLES_MAX) if flags & 8 else []
    blobs = [reader.take(32) for _ in range(reader.count(BLOBS_MAX))] if flags & 16 else []
    vector = dict(seen)
    if reader.data or hlc >> 16 > TIME_MS_MAX or len(vector) != len(seen):
        raise Refused("malformed")
    if len(kept) + len(holes) > KEPT_HOLES_MAX or set(kept) & set(holes):
        raise Refused("bounds")
    if any(counter > vector.get(device, 0) for device, counter in kept + holes):
        raise Refused("bounds")
    return flags & 1, flags >> 5, hlc, seen, kept, holes, blobs


# ---- What goes in: everything is a text in the document ----

class Inputs:
    def __init__(self, fields):
        self.fields = fields
        self.used = set()

    def text(self, key):
        self.used.add(key)
        return self.fields[key]

    def hex(self, key):
        return bytes.fromhex(self.text(key))

    def number(self, key):
        return int(self.text(key))

    def hexes(self, key):
        return [bytes.fromhex(item) for item in self.text(key)]

    def dots(self, key):
        return [tuple(int(part) for part in item.split(":")) for item in self.text(key)]


# ---- One function a construction: inputs to outputs ----

def make_h(i):
    return {"hash": H(i.text("label"), i.hex("message"))}


def make_hk(i):
    return {"hash": HK(i.hex("key"), i.text("label"), i.hex("message"))}


def make_sig(i):
    return SIG(i.hex("seed"), i.text("label"), i.hex("org"), i.hex("message"))


def make_varint(i):
    return {"bytes": varint(i.number("number"))}


def make_merkle(i):
    leaves = i.hexes("leaves")
    peaks, end = b"", len(leaves)
    for bit in range(64):
        if len(leaves) >> bit & 1:
            peaks += merkle_root(leaves[end - (1 << bit):end])
            end -= 1 << bit
    return {"root": merkle_root(leaves), "frontier": u64(len(leaves)) + peaks}


def make_header(i):
    fields = (i.number("deletion"), i.number("disputed"), i.number("hlc"), i.dots("seen"), i.dots("kept"),
              i.dots("holes"), i.hexes("blobs"))
    data = encode_header(*fields)
    if decode_header(data) != fields:
        raise ValueError("decoding gives another header")
    return {"bytes": data}


def make_header_refused(i):
    try:
        decode_header(i.hex("bytes"))
    except Refused as why:
        return {"error": str(why)}
    return {"error": "ok"}


def rest_of(header, body):
    return H("rest", counted(header) + counted(body))


def make_change(i):
    record, rest = i.hex("record"), rest_of(i.hex("header"), i.hex("body"))
    return {"rest": rest, "leaf": H("leaf", record + rest), "stub": record + rest}


def make_bundle(i):
    changes = list(zip(i.hexes("records"), i.hexes("headers"), i.hexes("bodies"), i.hexes("stub_rests"), strict=True))
    rests = [stub_rest or rest_of(header, body) for _, header, body, stub_rest in changes]
    root = merkle_root([H("leaf", change[0] + rest) for change, rest in zip(changes, rests)])
    org, count = i.hex("org"), i.number("count")
    if count != len(changes):
        raise ValueError("count is not the number of changes")
    suite, epoch, device, first = (i.number(key) for key in ("suite", "epoch", "device", "first"))
    nonce, prev, dir_seq, dir_hash = i.hex("nonce"), i.hex("prev"), i.number("dir_seq"), i.hex("dir_hash")
    log_epoch, w_size, w_root = i.hex("log_epoch"), i.number("w_size"), i.hex("w_root")
    p = u16(suite) + org + i.hex("space") + u32(epoch) + u32(device) + u64(first) + u32(count) + nonce
    m = p + prev + u64(dir_seq) + dir_hash + log_epoch + u64(w_size) + w_root + root
    if len(p) != 86 or len(m) != 246:
        raise ValueError("the manifest has another size")
    made = SIG(i.hex("seed"), "bundle", org, m)

    def wire(form, cut):
        out = u8(form) + b"".join(varint(n) for n in (suite, epoch, device, first, count)) + nonce
        out += prev[:cut] + varint(dir_seq) + dir_hash[:cut] + log_epoch[:cut] + varint(w_size) + w_root[:cut]
        out += made["signature"]
        for record, header, body, stub_rest in changes:
            out += varint(len(header)) + record
            out += stub_rest if stub_rest else header + varint(len(body)) + body
        return out

    ids = {"changes_root": root, "manifest": m, "id": H("bundle-id", m)}
    return {**ids, **made, "full": wire(0, 32), "short": wire(1, 4)}


def make_entry(i):
    data = u64(i.number("seq")) + u8(i.number("kind")) + i.hex("id")
    data += u64(i.number("recv_ms")) + u64(i.number("dir_at"))
    if i.number("kind") == 4:
        data += u64(i.number("receipt_ms")) + u64(i.number("receipt_dir"))
    return {"hash": H("entry", data)}


def make_life(i):
    statement = i.hex("epoch") + i.hex("parent") + u64(i.number("size")) + i.hex("root") + u64(i.number("time_ms"))
    made = SIG(i.hex("seed"), "life", i.hex("org"), i.hex("space") + statement)
    return {**made, "wire": statement + made["signature"]}


def tree(leaves):
    """The root, by RFC 6962's definition."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while 2 * half < len(leaves):
        half *= 2
    return H("node", tree(leaves[:half]) + tree(leaves[half:]))


def make_range(i):
    leaves, start, size = i.hexes("leaves"), i.number("from"), len(i.hexes("leaves"))
    peaks, at = [], 0
    for level in reversed(range(64)):
        if start >> level & 1:
            peaks.append(tree(leaves[at:at + (1 << level)]))
            at += 1 << level
    behind, at = b"", start + i.number("n")
    while at < size:  # the largest complete subtree that stands here
        step = 1
        while at % (2 * step) == 0 and at + 2 * step <= size:
            step *= 2
        behind += tree(leaves[at:at + step])
        at += step
    return {"before": u64(start) + b"".join(reversed(peaks)), "behind": behind}


def make_head(i):
    log_epoch, size, root, digest = i.hex("log_epoch"), i.number("size"), i.hex("root"), i.hex("digest")
    dir_seq, dir_hash, time_ms = i.number("dir_seq"), i.hex("dir_hash"), i.number("time_ms")
    statement = i.hex("space") + log_epoch + u64(size) + root + digest + u64(dir_seq) + dir_hash + u64(time_ms)
    made = SIG(i.hex("seed"), "head", i.hex("org"), statement)

    def wire(form, cut):
        out = u8(form) + varint(size) + root[:cut] + digest[:cut] + log_epoch[:cut] + varint(dir_seq)
        return out + (b"" if form else dir_hash) + varint(time_ms) + made["signature"]

    return {**made, "full": wire(0, 32), "short": wire(1, 4)}


def make_cursor(i):
    statement = u32(i.number("device")) + i.hex("space") + i.hex("log_epoch") + u64(i.number("size")) + i.hex("root")
    statement += i.hex("digest") + u64(i.number("ack")) + u64(i.number("dir_seq")) + i.hex("dir_hash")
    return SIG(i.hex("seed"), "cursor", i.hex("org"), statement)


def make_void(i):
    statement = i.hex("space") + u32(i.number("device")) + u64(i.number("first")) + u32(i.number("count"))
    statement += i.hex("refused") + i.hex("prev")
    return {"id": H("void", statement), **SIG(i.hex("seed"), "void", i.hex("org"), statement)}


def make_collect(i):
    hashes = i.hex("root") + i.hex("digest") + i.hex("cursors")
    records = [(one[:16], int.from_bytes(one[16:20], "little"), int.from_bytes(one[20:], "little"))
               for one in i.hexes("collected")]
    listed = varint(len(records)) + b"".join(record + varint(device) + varint(counter)
                                             for record, device, counter in records)
    data = i.hex("log_epoch") + u64(i.number("floor")) + hashes + H("collected", listed)
    return {"id": H("collect", data), "bytes": varint(i.number("floor")) + hashes + listed}


def make_binding(i):
    return {"binding_kind": 1, "binding_hash": H("tls-key", i.hex("subject_public_key_info"))}


def make_hello(i):
    statement = i.hex("client_nonce") + i.hex("server_nonce") + u64(i.number("time_ms")) + u64(i.number("dir_seq"))
    statement += i.hex("dir_hash") + u8(i.number("binding_kind")) + i.hex("binding_hash")
    return SIG(i.hex("seed"), "hello", i.hex("org"), statement)


def make_auth(i):
    device, kit = i.number("device"), i.number("kit")
    statement = i.hex("server") + i.hex("client_nonce") + i.hex("server_nonce") + u32(device) + u64(i.number("dir_seq"))
    statement += i.hex("dir_hash") + u8(i.number("binding_kind")) + i.hex("binding_hash")
    return SIG(i.hex("seed"), "auth" if device else "auth-kit" if kit else "auth-invite", i.hex("org"), statement)


CONSTRUCTIONS = {
    "H": make_h, "HK": make_hk, "SIG": make_sig, "varint": make_varint, "merkle": make_merkle, "header": make_header,
    "header-refused": make_header_refused, "change": make_change, "bundle": make_bundle, "entry": make_entry,
    "head": make_head, "life": make_life, "range": make_range, "cursor": make_cursor, "void": make_void,
    "collect": make_collect, "binding": make_binding, "hello": make_hello, "auth": make_auth,
}


# ---- The comparison; checkers of other sections use it with their own constructions ----

def as_text(value):
    return value.hex() if isinstance(value, bytes) else str(value)


def faults_of(vector, constructions):
    make = constructions.get(vector["construction"])
    if make is None:
        return ["nobody here knows this construction"]
    inputs = Inputs(vector["in"])
    try:
        made = {key: as_text(value) for key, value in make(inputs).items()}
    except Exception as why:  # whatever it is, it is this vector's failure and the others still count
        return [f"{type(why).__name__}: {why}"]
    faults = [f"input {key} was not used" for key in sorted(vector["in"].keys() - inputs.used)]
    for key in sorted(made.keys() | vector["out"].keys()):
        expected, computed = vector["out"].get(key, "(absent)"), made.get(key, "(absent)")
        if expected != computed:
            faults.append(f"{key}\n    in the file  {expected}\n    computed     {computed}")
    return faults


def check(path, section, constructions):
    """Prints every fault and the count of vectors; returns the exit code."""
    document = json.loads(path.read_text())
    passed = failed = 0
    for number, vector in enumerate(document["vectors"], 1):
        faults = faults_of(vector, constructions)
        for fault in faults:
            print(f"FAIL {number} {vector['construction']}, {vector['name']}: {fault}")
        passed += not faults
        failed += bool(faults)
    missing = sorted(constructions.keys() - {vector["construction"] for vector in document["vectors"]})
    if document["format"] != "satchel vectors 1" or document["section"] != section:
        missing.append("(the document is of another kind)")
    for name in missing:
        print(f"FAIL no vector of {name}")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("proof.json")
    return check(pathlib.Path(path), "proof", CONSTRUCTIONS)


if __name__ == "__main__":
    sys.exit(main())
