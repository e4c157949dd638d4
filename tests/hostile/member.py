"""A member who has taken his own device apart: its keys, and whatever message he likes to make with them."""
import ctypes
import os
import sqlite3
import struct
import time
from types import SimpleNamespace

import scene  # noqa: F401  (first: it knows the folders)
import ed25519
from hashlib import blake2b
from keyring import DEVICE, Keyring, sodium, unseal
from org import AUTH, SUBSCRIBE, Hello, digest, labelled
from pusher import PUSH, counted, merkle, varint
from ws import Closed, WebSocket, pack

NOTHING = bytes(32)


def keyed(key, label, message):
    return blake2b(labelled(label) + message, key=key, digest_size=32).digest()


def seal(plain, ad, nonce, key):
    """XChaCha20-Poly1305."""
    out = ctypes.create_string_buffer(len(plain) + 16)
    sodium().crypto_aead_xchacha20poly1305_ietf_encrypt(out, None, plain, ctypes.c_ulonglong(len(plain)), ad,
                                                        ctypes.c_ulonglong(len(ad)), None, nonce, key)
    return out.raw


def dots(pairs):
    return varint(len(pairs)) + b"".join(varint(device) + varint(counter) for device, counter in pairs)


def header(hlc=None, seen=(), kept=(), holes=(), deletion=False):
    flags = deletion | bool(seen) << 1 | bool(kept) << 2 | bool(holes) << 3
    hlc = int(time.time() * 1000) << 16 if hlc is None else hlc
    return bytes([flags]) + struct.pack("<Q", hlc) + b"".join(dots(part) for part in (seen, kept, holes) if part)


def body(kind, cells):
    """Of a change: cells as (field, value)."""
    return pack([kind, 1, [list(cell) for cell in cells], None])


def stored(plain):
    """Squeezed without being compressed, padded to some multiple of 32."""
    return b"\0" + plain + b"\x80" + bytes(-(len(plain) + 2) % 32)


class Member:
    def __init__(self, world, device):
        with open(device.passphrase_file, "rb") as file:
            passphrase = file.readline().rstrip(b"\n")
        ring = Keyring(os.path.join(device.home, "keyring"))
        plain = ring.device.open(DEVICE, passphrase)
        self.org, self.number = plain[:32], struct.unpack("<I", plain[32:36])[0]
        self.seed, self.store_key = plain[36:68], plain[164:196]
        self.world, self.store, self.chains = world, os.path.join(device.home, "store.db"), {}
        self.pin = bytes.fromhex(world.server.pin)
        self.next = self.ask("select max(first + count) from bundle where device = %d" % self.number)[0] or 1
        self.look()

    def ask(self, sql, *words, store=None):
        with sqlite3.connect("file:%s?mode=ro" % (store or self.store), uri=True) as database:
            return database.execute(sql, words).fetchone()

    def look(self, store=None):
        """The directory, as it is in some device's store by now."""
        seq, link = self.ask("select seq, bytes from link order by seq desc limit 1", store=store)
        self.dir_seq, self.dir_hash = seq, digest("link", link[4:4 + struct.unpack("<I", link[:4])[0]])

    def key(self, space, epoch=0xffffffff):
        """The newest key of a space up to that epoch: (epoch, key)."""
        epoch, sealed = self.ask("select epoch, sealed from epoch_key where space = ? and epoch <= ? "
                                 "order by epoch desc", space, epoch)
        place = space + struct.pack("<I", epoch)
        return epoch, unseal(sealed[24:], self.org + place, sealed[:24], keyed(self.store_key, "key", place))

    # ---- Talking ----

    def connect(self):
        """Greeted, not authenticated."""
        host, port = self.world.relay.upstream
        nonce = os.urandom(32)
        socket = WebSocket(host, port, "/satchel/%s/%s" % (self.org.hex(), nonce.hex()), tls=False)
        socket.client_nonce = nonce
        socket.hello = Hello(socket, self.pin, self.org, nonce)
        return socket

    def auth(self, socket):
        said = (self.pin + socket.client_nonce + socket.hello.server_nonce
                + struct.pack("<IQ", self.number, self.dir_seq) + self.dir_hash + socket.hello.binding)
        return [AUTH, self.number, self.dir_seq, 0, ed25519.sign(self.seed, labelled("auth") + self.org + said)]

    def login(self, *spaces):
        socket = self.connect()
        socket.send(self.auth(socket))
        if spaces:
            socket.send([SUBSCRIBE, [varint(i + 1) + space + self.place(space) for i, space in enumerate(spaces)]])
        return socket

    def place(self, space):
        """Where the home was in the space's log when it synced last. The server takes nothing from behind a cursor that
        the device has signed: that would be an older copy of its home."""
        life, size, root = self.ask("select log_epoch, seq, root from entry join space on entry.sid = space.sid "
                                    "where space.id = ? order by seq desc limit 1", space) or (bytes(4), 0, bytes(8))
        return life[:4] + varint(size) + root[:8]

    # ---- Writing ----

    def bundle(self, space, changes, device=None, first=None, dir_seq=None, dir_hash=None, signed_space=None,
               witness=None, chain=True):
        """A PUSH of changes (record, header, squeezed body), with this or that told wrongly."""
        epoch, key = self.key(space)
        device, first = device or self.number, first or self.next
        dir_seq, dir_hash = dir_seq or self.dir_seq, dir_hash or self.dir_hash
        life, size, root = witness or (bytes(16), 0, NOTHING)
        prev, nonce = self.chains.get(space, NOTHING), os.urandom(16)
        there = signed_space or space
        numbers = struct.pack("<IIQI", epoch, device, first, len(changes))
        place = struct.pack("<H", 1) + self.org + there + numbers + nonce
        ctx = self.org + there + struct.pack("<IH", epoch, 1)
        bundle_key = keyed(keyed(key, "bundle", ctx), "bk", struct.pack("<IQI", device, first, len(changes)) + nonce)
        parts, leaves = [], []
        for i, (record, head, squeezed) in enumerate(changes):
            sealed = seal(squeezed, place + record + struct.pack("<I", i) + counted(head),
                          struct.pack("<Q", i) + bytes(16), bundle_key)
            leaves.append(digest("leaf", record + digest("rest", counted(head) + counted(sealed))))
            parts.append(varint(len(head)) + record + head + varint(len(sealed)) + sealed)
        manifest = (place + prev + struct.pack("<Q", dir_seq) + dir_hash + life + struct.pack("<Q", size) + root
                    + merkle(leaves))
        wire = (b"\0" + varint(1) + varint(epoch) + varint(device) + varint(first) + varint(len(changes)) + nonce
                + prev + varint(dir_seq) + dir_hash + life + varint(size) + root
                + ed25519.sign(self.seed, labelled("bundle") + self.org + manifest) + b"".join(parts))
        if chain:
            self.chains[space], self.next = digest("bundle-id", manifest), first + len(changes)
        return SimpleNamespace(wire=wire, manifest=manifest, undo=(prev, first))

    def push(self, space, changes, **told):
        """The server's answer to it: the error's number of REFUSED or ERROR, 0 for its echo, None for silence."""
        before = self.chains.get(space, NOTHING), self.next
        made = self.bundle(space, changes, **told)
        with self.login(space) as socket:
            socket.send([PUSH, 1, made.wire])
            answer = self.hear(socket, digest("bundle-id", made.manifest)[:8])
        if answer[0] != 0:
            self.chains[space], self.next = before
        return answer

    @staticmethod
    def hear(socket, prefix):
        """(number, text)."""
        from pusher import ENTRIES, REFUSED
        from org import ERROR
        try:
            while True:
                message = socket.recv()
                if message[0] == REFUSED:
                    return message[3], message[4]
                if message[0] == ERROR:
                    return message[1], message[3]
                if message[0] == ENTRIES and any(item.endswith(prefix) for item in message[4]):
                    return 0, ""
        except (Closed, TimeoutError):
            return None, "silence"
