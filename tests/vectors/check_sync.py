#!/usr/bin/python3
"""Computes the golden vectors of the set digest and of the messages again: hashlib's BLAKE2b, python3-cryptography's
ChaCha20, and a msgpack writer of a few lines.

    check_sync.py [sync.json]
"""

import hashlib
import pathlib
import sys

from check_proof import H, check, u64, varint
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

LANES = 1024


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
    return {"bytes": bytes([kind]) + varint(i.number("recv_ms")) + varint(i.number("dir_at")) + i.hex("rest")}


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


CONSTRUCTIONS = {"digest": make_digest, "subscription": make_subscription, "entry": make_entry, "message": make_message}


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("sync.json")
    return check(pathlib.Path(path), "sync", CONSTRUCTIONS)


if __name__ == "__main__":
    sys.exit(main())
