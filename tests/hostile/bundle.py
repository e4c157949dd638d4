"""Bundles, entries and heads as they travel (docs/protocol.md 5.3, 6.4, 7.2), to be taken apart and put together."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "server"))

import ed25519  # noqa: E402
from org import digest, labelled  # noqa: E402
from pusher import counted, varint  # noqa: E402


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        piece = self.data[self.at:self.at + n]
        if len(piece) < n:
            raise ValueError("too short")
        self.at += n
        return piece

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def rest(self):
        return self.take(len(self.data) - self.at)


class Change:
    """header None: a stub, whose body is its `rest`."""

    def __init__(self, record, header, body):
        self.record, self.header, self.body = record, header, body

    def rest(self):
        return self.body if self.header is None else digest("rest", counted(self.header) + counted(self.body))

    def leaf(self):
        return digest("leaf", self.record + self.rest())

    def stub(self):
        return Change(self.record, None, self.rest())

    def wire(self):
        if self.header is None:
            return varint(0) + self.record + self.body
        return varint(len(self.header)) + self.record + self.header + varint(len(self.body)) + self.body


class Bundle:
    def __init__(self, wire):
        reader = Reader(wire)
        self.form, = reader.take(1)
        hashes, life = (4, 4) if self.form else (32, 16)
        self.suite, self.epoch, self.device, self.first = (reader.varint() for _ in range(4))
        count = reader.varint()
        self.nonce, self.prev = reader.take(16), reader.take(hashes)
        self.dir_seq, self.dir_hash = reader.varint(), reader.take(hashes)
        self.log_epoch, self.w_size, self.w_root = reader.take(life), reader.varint(), reader.take(hashes)
        self.signature, self.changes = reader.take(64), []
        for _ in range(count):
            length = reader.varint()
            record = reader.take(16)
            if length == 0:
                self.changes.append(Change(record, None, reader.take(32)))
            else:
                header = reader.take(length)
                self.changes.append(Change(record, header, reader.take(reader.varint())))

    def wire(self):
        return (bytes([self.form]) + varint(self.suite) + varint(self.epoch) + varint(self.device)
                + varint(self.first) + varint(len(self.changes)) + self.nonce + self.prev + varint(self.dir_seq)
                + self.dir_hash + self.log_epoch + varint(self.w_size) + self.w_root + self.signature
                + b"".join(change.wire() for change in self.changes))


class Entry:
    """`bundle`: None for the reader's own, of which there is the id's prefix."""

    def __init__(self, item):
        reader = Reader(item)
        self.kind, self.recv_ms, self.dir_at = reader.take(1)[0], reader.varint(), reader.varint()
        rest = reader.rest()
        self.prefix, self.bundle = (rest, None) if self.kind & 0x80 else (b"", Bundle(rest))

    def item(self):
        return (bytes([self.kind]) + varint(self.recv_ms) + varint(self.dir_at)
                + (self.bundle.wire() if self.bundle else self.prefix))


class Head:
    def __init__(self, wire):
        reader = Reader(wire)
        self.form, = reader.take(1)
        hashes, life = (4, 4) if self.form else (32, 16)
        self.size, self.root, self.digest = reader.varint(), reader.take(hashes), reader.take(hashes)
        self.log_epoch, self.dir_seq = reader.take(life), reader.varint()
        self.dir_hash = b"" if self.form else reader.take(32)
        self.time_ms, self.signature = reader.varint(), reader.take(64)

    def wire(self):
        return (bytes([self.form]) + varint(self.size) + self.root + self.digest + self.log_epoch
                + varint(self.dir_seq) + self.dir_hash + varint(self.time_ms) + self.signature)

    def sign(self, identity, org, space):
        """Of a full one: as the server would."""
        said = (space + self.log_epoch + struct.pack("<Q", self.size) + self.root + self.digest
                + struct.pack("<Q", self.dir_seq) + self.dir_hash + struct.pack("<Q", self.time_ms))
        self.signature = ed25519.sign(identity, labelled("head") + org + said)
        return self


def identity_of(data):
    """The seed of the server's identity key: this is its own operator."""
    with open(os.path.join(data, "identity.key"), encoding="ascii") as file:
        return bytes.fromhex(file.read().split("\n")[1])
