"""Epochs of a member's own making: links and key boxes as docs/protocol.md has them, told rightly or wrongly."""
import ctypes
import os
import sqlite3
import struct

import scene  # noqa: F401  (first: it knows the folders)
import ed25519
from keyring import sodium
from member import keyed, seal
from org import ERROR, LINKS, digest, labelled
from pusher import merkle

BOXES, APPENDED, APPEND = 6, 7, 21
GENESIS, EPOCH, JOIN = 1, 6, 9
DEVICE_BOX, KIT_BOX, KIT = 1, 3, 1  # the kit of the genesis


def box_keys(member):
    """X25519 keys by (kind, number) of everybody who came by the genesis or an invite, and of the first kit."""
    found = {}
    with sqlite3.connect("file:%s?mode=ro" % member.store, uri=True) as database:
        rows = database.execute("select bytes from link order by seq").fetchall()
    for row, in rows:
        author, kind = struct.unpack_from("<IH", row, 4 + 40)
        body = row[4 + 53:4 + struct.unpack("<I", row[:4])[0]]
        if kind == GENESIS:
            found[DEVICE_BOX, 1], found[KIT_BOX, KIT] = body[50:82], body[146:178]
        if kind == JOIN:
            found[DEVICE_BOX, author] = body[64:96]
    return found


def sealed_to(public, key):
    out = ctypes.create_string_buffer(80)
    if sodium().crypto_box_seal(out, key, ctypes.c_ulonglong(32), public):
        raise AssertionError("nothing can be sealed to that key")
    return out.raw


def root_of(boxes):
    return merkle(sorted(digest("box", box[:29] + digest("boxbytes", box[29:])) for box in boxes))


class Epoch:
    """The next epoch of a space: `keys` are what the boxes hold, by (kind, number); else the committed one. `chain`:
    the 72 bytes, or the number of an epoch whose key is sealed in the place of the newest one's. `to`: who gets boxes.
    `number`: where the member does not have the newest key."""

    def __init__(self, member, space, keys=None, committed=None, left_out=(), to=None, chain=None,
                 number=None):
        self.member, self.space, keys = member, space, keys or {}
        before, previous = member.key(space)
        self.number, self.key = number or before + 1, os.urandom(32)
        ctx, old = (member.org + space + struct.pack("<IH", n, 1) for n in (self.number, before))
        self.kc = keyed(committed or self.key, "kc", ctx)
        nonce = bytes(24)
        if isinstance(chain, int):
            previous, nonce = member.key(space, chain)[1], struct.pack("<I", before - chain) + bytes(20)
            old = member.org + space + struct.pack("<IH", chain, 1)
        self.chain = nonce + seal(previous, ctx + old, nonce, keyed(self.key, "chain", ctx))
        if isinstance(chain, bytes):
            self.chain = chain
        self.boxes = [space + struct.pack("<IBQ", self.number, kind, number)
                      + sealed_to(public, keys.get((kind, number), self.key))
                      for (kind, number), public in box_keys(member).items() if (kind, number) not in left_out
                      and (to is None or (kind, number) in to)]
        self.root, self.count = root_of(self.boxes), len(self.boxes)

    def link(self):
        member = self.member
        body = (self.space + struct.pack("<IH", self.number, 1) + self.kc + self.chain + self.root
                + struct.pack("<I", self.count))
        said = struct.pack("<Q32sIHBHI", member.dir_seq + 1, member.dir_hash, member.number, EPOCH, 1, 1,
                           len(body)) + body
        signature = ed25519.sign(member.seed, labelled("link") + member.org + said)
        return struct.pack("<I", len(said)) + said + b"\1" + struct.pack("<BI", 1, member.number) + signature

    def append(self):
        """The server's answer: (0, "") if it is in, else the error's number and text."""
        with self.member.login() as socket:
            socket.send([BOXES, self.boxes])
            socket.send([APPEND, [self.link()]])
            answer = socket.recv()
            while answer[0] == LINKS:
                answer = socket.recv()
        if answer[0] == ERROR:
            return answer[1], answer[3]
        if answer[0] != APPENDED:
            raise AssertionError("unexpected: %.200r" % (answer,))
        return 0, ""
