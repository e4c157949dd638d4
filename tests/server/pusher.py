"""An org with a territory, an admin's device and reps' devices that push and pull bundles: as much of docs/protocol.md
as the tests of limits and fairness need. What is sealed in the bundles is random bytes, as the server cannot tell."""
import os
import struct
import time

import ed25519
from org import APPEND, AUTH, CREATE, ERROR, NO_ORG, SUBSCRIBE, Org, digest, labelled
from ws import Closed

ENTRIES, HEAD, REFUSED = 3, 4, 5
PUSH = 20
USER, SPACE, GRANT, EPOCH, INVITE, JOIN = 2, 4, 5, 6, 7, 9
REP, TERRITORY, READ_WRITE = 3, 3, 3
BY_DEVICE, BY_ADMIN, BY_INVITE = 1, 2, 3
DEVICE_BOX, KIT_BOX = 1, 3
NOTHING = bytes(32)
BASE_POINT = bytes([9]) + bytes(31)


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def counted(data):
    return struct.pack("<I", len(data)) + data


def merkle(leaves):
    while len(leaves) > 1:
        leaves = [digest("node", leaves[i] + leaves[i + 1]) if i + 1 < len(leaves) else leaves[i]
                  for i in range(0, len(leaves), 2)]
    return leaves[0] if leaves else NOTHING


def _box_key(n):
    """An X25519 key that nobody has: any point that is not of small order will do, and each is used once."""
    return digest("test-box", struct.pack("<I", n))[:31] + b"\0"


class Team(Org):
    """The org: genesis, a territory with its first epoch, and so many reps, each with a device (2, 3 …)."""

    def __init__(self, pin, reps=1):
        super().__init__(pin)
        self.space = os.urandom(16)
        self.links, self.newest = [self._signed(self.link, NO_ORG)], self.link
        self.keys, self.invites = {1: self.device}, {}  # invites by device: (id, seed)
        self._append(SPACE, self.space + bytes([TERRITORY]))
        self.boxes = [self.space + struct.pack("<IBQ", 1, kind, 1) + os.urandom(80) for kind in (DEVICE_BOX, KIT_BOX)]
        root = merkle(sorted(digest("box", box[:29] + digest("boxbytes", box[29:])) for box in self.boxes))
        self._append(EPOCH, self.space + struct.pack("<IH", 1, 1) + os.urandom(32) + bytes(72) + root
                     + struct.pack("<I", len(self.boxes)), (BY_DEVICE,))
        self.in_create = 16
        for number in range(2, 2 + reps):
            self._append(USER, struct.pack("<IBB", number, REP, 1))
            self._append(GRANT, self.space + struct.pack("<IB", number, READ_WRITE) + NOTHING + bytes(4))
            self._join(number)

    def _append(self, kind, body, by=(BY_DEVICE, BY_ADMIN), author=1, keys=None):
        seq = struct.unpack("<Q", self.newest[:8])[0] + 1
        self.newest = struct.pack("<Q32sIHBHI", seq, digest("link", self.newest), author, kind, 1, 1, len(body)) + body
        said = labelled("link") + self.id + self.newest
        keys = keys or {BY_DEVICE: (1, self.device), BY_ADMIN: (1, self.admin)}
        signatures = b"".join(struct.pack("<BI", way, keys[way][0]) + ed25519.sign(keys[way][1], said) for way in by)
        self.links.append(counted(self.newest) + bytes([len(by)]) + signatures)
        return seq

    def _join(self, number):
        invite, device = os.urandom(32), os.urandom(32)
        invite_public, invite_box = ed25519.public_key(invite), _box_key(number * 2)
        expires = int(time.time() * 1000) + 3600 * 1000
        seq = self._append(INVITE, invite_public + invite_box + struct.pack("<IBHQ", number, REP, 0, expires) + NOTHING
                           + bytes(4))
        body = (digest("invite", invite_public + invite_box) + ed25519.public_key(device) + _box_key(number * 2 + 1)
                + NOTHING)
        keys = {BY_DEVICE: (number, device), BY_INVITE: (seq, invite)}
        self._append(JOIN, body, (BY_DEVICE, BY_INVITE), number, keys)
        self.keys[number], self.invites[number] = device, (body[:32], invite)

    @property
    def length(self):
        return struct.unpack("<Q", self.newest[:8])[0]

    def create_message(self, token):
        return [CREATE, token.encode(), self.links[:self.in_create], self.boxes]

    def rest(self):
        """The messages that append what did not fit into the first."""
        return [[APPEND, self.links[at:at + 16]] for at in range(self.in_create, len(self.links), 16)]

    def suspend_message(self, number):
        self._append(USER, struct.pack("<IBB", number, REP, 2))
        return [APPEND, self.links[-1:]]

    def login_as(self, server, number, **options):
        """An authenticated connection of that device, which knows the whole directory."""
        socket = self.connect(server, **options)
        hello = socket.hello
        said = (self.pin + socket.client_nonce + hello.server_nonce + struct.pack("<IQ", number, self.length)
                + digest("link", self.newest) + hello.binding)
        signature = ed25519.sign(self.keys[number], labelled("auth") + self.id + said)
        socket.send([AUTH, number, self.length, hello.binding_kind, signature])
        return socket

    def subscribe(self, socket):
        """To the territory, from its beginning, as number 1."""
        socket.send([SUBSCRIBE, [varint(1) + self.space + bytes(4) + varint(0) + bytes(8)]])


class Author:
    """One device's bundles in the territory, in their chain."""

    def __init__(self, team, number):
        self.team, self.number, self.next, self.prev = team, number, 1, NOTHING

    def bundle(self, changes=1, body_bytes=300):
        """The next bundle as a PUSH message."""
        team, header = self.team, b"\0" + struct.pack("<Q", int(time.time() * 1000) << 16)
        parts, leaves = [], []
        for _ in range(changes):
            record, body = os.urandom(16), os.urandom(body_bytes)
            leaves.append(digest("leaf", record + digest("rest", counted(header) + counted(body))))
            parts.append(varint(len(header)) + record + header + varint(len(body)) + body)
        nonce, where = os.urandom(16), digest("link", team.newest)
        numbers = struct.pack("<IIQI", 1, self.number, self.next, changes)
        manifest = (struct.pack("<H", 1) + team.id + team.space + numbers + nonce + self.prev
                    + struct.pack("<Q", team.length) + where + bytes(16) + struct.pack("<Q", 0) + NOTHING
                    + merkle(leaves))
        signature = ed25519.sign(team.keys[self.number], labelled("bundle") + team.id + manifest)
        wire = (b"\0" + varint(1) + varint(1) + varint(self.number) + varint(self.next) + varint(changes) + nonce
                + self.prev + varint(team.length) + where + bytes(16) + varint(0) + NOTHING + signature
                + b"".join(parts))
        self.prev, self.next = digest("bundle-id", manifest), self.next + changes
        return [PUSH, 1, wire]


def wait_for_entries(socket, up_to, refused=None):
    """Reads until the log's entries up to that number have come; what else comes is let pass, but errors end it."""
    got = 0
    while got < up_to:
        message = socket.recv()
        if message[0] == ENTRIES:
            got = message[2] + len(message[4]) - 1
        elif message[0] == REFUSED:
            raise AssertionError("refused: %r" % (message,))
        elif message[0] == ERROR:
            raise AssertionError("error: %r" % (message,))
    return got


def read_until_error(socket):
    """(entries that came first, the error message): how a peer is told that its work was not taken."""
    entries = 0
    try:
        while True:
            message = socket.recv()
            if message[0] == ENTRIES:
                entries += len(message[4])
            elif message[0] == ERROR:
                return entries, message
    except Closed:
        return entries, None
