#!/usr/bin/python3
"""Computes the golden vectors of the set digest and of what travels again: hashlib's BLAKE2b, python3-cryptography's
ChaCha20, and a msgpack writer of a few lines.

    check_sync.py [sync.json]
"""

import hashlib
import pathlib
import sys

from check_proof import H, check, u32, u64, varint, merkle_root
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

LANES = 1024
EPOCH, REVOKE = 6, 11


def make_digest(i):
    state = [0] * LANES
    live = i.hexes("live")
    for item in live:
        record, dot, rest = item[:16], item[16:28], item[28:]
        key = H("live", record + dot + H("leaf", record + rest))
        # A zero nonce and counter: the original and the IETF ChaCha20 give the same stream.
        stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(2 * LANES))
        for lane in range(LANES):
            state[lane] = (state[lane] + int.from_bytes(stream[2 * lane:2 * lane + 2], "little")) & 0xFFFF
    encoded = b"".join(lane.to_bytes(2, "little") for lane in state)
    return {"blake2b_of_state": hashlib.blake2b(encoded, digest_size=32).digest(),
            "digest": H("digest", i.hex("space") + u64(len(live)) + encoded)}


def make_subscription(i):
    place = varint(i.number("sub")) + i.hex("space") + i.hex("log_epoch")
    return {"bytes": place + varint(i.number("cursor")) + i.hex("root")}


def make_entry(i):
    kind = i.number("kind") | (0x80 if i.number("own") else 0)
    return {"bytes": bytes([kind]) + make_times(i) + i.hex("rest")}


def make_times(i):
    times = varint(i.number("recv_ms")) + varint(i.number("dir_at"))
    if i.number("kind") == 4:
        times += varint(i.number("receipt_ms")) + varint(i.number("receipt_dir"))
    return times


def make_lost_entry(i):
    return {"bytes": bytes([i.number("kind")]) + i.hex("id") + make_times(i)}


def make_run(i):
    root = merkle_root(i.hexes("leaves"))
    level = len(i.hexes("leaves")).bit_length() - 1
    return {"item": b"\5" + varint(level) + root, "receipt": b"\5" + root + varint(level) + varint(0)}


def make_root_item(i):
    return {"bytes": u64(i.number("size")) + i.hex("root")}


def make_cursor_item(i):
    numbers = b"".join(varint(i.number(name)) for name in ("device", "size", "ack", "dir_seq"))
    return {"bytes": numbers + i.hex("log_epoch")[:4] + i.hex("digest") + i.hex("signature")}


def void_statement(i):
    place = varint(i.number("device")) + varint(i.number("first")) + varint(i.number("count"))
    return place + i.hex("refused") + i.hex("prev") + i.hex("signature")


def make_void_entry(i):
    return {"bytes": b"\2" + varint(i.number("recv_ms")) + varint(i.number("dir_at")) + void_statement(i)}


def make_void_push(i):
    return {"bytes": b"\2" + void_statement(i)}


def make_range_item(i):
    return {"bytes": i.hex("first") + i.hex("last") + i.hex("digest")}


def make_difference(i):
    ends = i.hex("first") + i.hex("last")
    if "live" in i.fields:
        return {"bytes": b"\1" + ends + b"".join(i.hexes("live"))}
    return {"bytes": b"\0" + ends + i.hex("digest")}


def number(data):
    return int.from_bytes(data, "little")


def shorten(kind, body, spaces):
    """A body with spaces by their places; None if it has no such form."""
    if kind == EPOCH and len(body) == 162 and body[:16] in spaces and body[20:22] == b"\1\0":
        chain = body[54:126]
        return (varint(spaces.index(body[:16])) + varint(number(body[16:20])) + body[22:54] + body[126:158] +
                varint(number(body[158:])) + (chain if any(chain[:24]) else chain[24:]))
    if kind == REVOKE:
        cuts = [body[at:at + 56] for at in range(6, len(body), 56)]
        if all(cut[:16] in spaces for cut in cuts):
            return varint(number(body[:4])) + b"".join(
                varint(spaces.index(cut[:16])) + varint(number(cut[16:24])) + cut[24:] for cut in cuts)
    return None


def make_short_link(i):
    link = i.hex("link")
    message, rest = link[4:4 + int.from_bytes(link[:4], "little")], link[4 + int.from_bytes(link[:4], "little"):]
    author, kind, critical = message[40:44], int.from_bytes(message[44:46], "little"), message[46]
    suite, body = message[47:49], message[53:]
    signatures = [rest[1 + 69 * k:1 + 69 * (k + 1)] for k in range(rest[0])]
    own = bool(signatures) and signatures[0][:5] == b"\1" + author
    short = shorten(kind, body, i.hexes("spaces") if "spaces" in i.fields else [])
    shape = len(signatures) | 8 * critical | 16 * (suite != b"\1\0") | 32 * own | 64 * (short is not None)
    out = varint(i.number("time_ms")) + i.hex("countersignature")
    out += varint(int.from_bytes(author, "little")) + varint(kind) + bytes([shape])
    if suite != b"\1\0":
        out += suite
    for k, signature in enumerate(signatures):
        if k or not own:
            out += signature[:1] + varint(int.from_bytes(signature[1:5], "little"))
        out += signature[5:]
    return {"bytes": out + (body if short is None else short)}


def make_escrow_item(i):
    return {"bytes": u64(i.number("number")) + bytes([i.number("state")]) + i.hex("space") + u64(i.number("recv_ms")) +
                     u32(i.number("reason")) + i.hex("bundle")}


def make_device_item(i):
    return {"bytes": u32(i.number("device")) + u64(i.number("seen_ms")) + u64(i.number("lag")) +
                     u32(i.number("version")) + u64(i.number("wiped_ms"))}


def pack_int(n):
    if n < 0x80:
        return bytes([n])
    for code, width in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
        if n < 1 << 8 * width:
            return bytes([code]) + n.to_bytes(width, "big")
    raise ValueError(n)


def pack_bin(data):
    return b"\xc4" + bytes([len(data)]) + data


def pack_text(data):
    return (bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xd9" + bytes([len(data)])) + data


def make_message(i):
    fields, count = b"", 1
    for item in i.hexes("fields"):
        kind, data = chr(item[0]), item[1:]
        fields += {"u": lambda d: pack_int(int.from_bytes(d, "little")), "b": pack_bin, "i": pack_bin, "t": pack_text,
                   "l": lambda d: bytes([0x90 | d[0]])}[kind](data)
        count += kind != "i"
    return {"bytes": bytes([0x90 | count]) + pack_int(i.number("type")) + fields}


CONSTRUCTIONS = {"digest": make_digest, "subscription": make_subscription, "entry": make_entry,
                 "lost entry": make_lost_entry, "run": make_run, "root item": make_root_item,
                 "cursor item": make_cursor_item,
                 "void entry": make_void_entry, "void push": make_void_push,
                 "range item": make_range_item, "difference": make_difference,
                 "short link": make_short_link, "escrow item": make_escrow_item, "device item": make_device_item,
                 "message": make_message}


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("sync.json")
    return check(pathlib.Path(path), "sync", CONSTRUCTIONS)


if __name__ == "__main__":
    sys.exit(main())
