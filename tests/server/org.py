"""A device of one's own, as small as it can be: founds an org of one link and authenticates. Written from
docs/protocol.md with libraries other than the product's, so that it also says whether the two agree."""
import collections
import hashlib
import os
import struct

import ed25519
from ws import WebSocket

HELLO, LINKS, BOXES, APPENDED, ERROR, GOODBYE = 1, 2, 6, 7, 8, 9
AUTH, CREATE, SUBSCRIBE, APPEND, BOXES_GET = 16, 18, 19, 21, 22
NO_ORG = bytes(32)
UNBOUND = bytes(33)
# What stands in front of the point in the SubjectPublicKeyInfo of a P-256 key.
P256_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def labelled(label):
    text = b"satchel/1/" + label.encode()
    return bytes([len(text)]) + text


def digest(label, message):
    return hashlib.blake2b(labelled(label) + message, digest_size=32).digest()


def statement(label, org, message):
    """What SIG(key, label, message) signs."""
    return labelled(label) + org + message


def tls_binding(sock):
    """u8 kind, hash32: of the TLS key, or none on a plain connection."""
    if not hasattr(sock, "getpeercert"):
        return UNBOUND
    certificate = sock.getpeercert(binary_form=True)
    at = certificate.index(P256_PREFIX)
    return b"\1" + digest("tls-key", certificate[at:at + len(P256_PREFIX) + 65])


class Hello:
    """The server's first message, verified against the pin."""

    def __init__(self, socket, pin, org, client_nonce):
        message = socket.recv()
        if message[0] != HELLO:
            raise AssertionError("expected a hello, got %r" % (message,))
        (self.version, self.server_nonce, self.time_ms, self.dir_seq, self.dir_hash, self.binding_kind,
         signature) = message[1:]
        # A server behind a proxy that ends TLS binds to nothing, and says so under its signature.
        self.binding = tls_binding(socket.sock) if self.binding_kind else UNBOUND
        said = (client_nonce + self.server_nonce + struct.pack("<QQ", self.time_ms, self.dir_seq) + self.dir_hash
                + self.binding)
        if self.binding[0] != self.binding_kind or not ed25519.verify(pin, statement("hello", org, said), signature):
            raise AssertionError("the hello is not the pinned server's for this channel")


def open_new(server, **options):
    """A connection on the path for founding, greeted."""
    nonce = os.urandom(32)
    socket = WebSocket(server.host, server.port, "/satchel/new/" + nonce.hex(), tls=server.tls, **options)
    try:
        Hello(socket, server.pin, NO_ORG, nonce)
    except BaseException:
        socket.close()
        raise
    return socket


class Org:
    """An org of one link, the genesis, with one device."""

    def __init__(self, pin):
        self.pin = pin
        self.device, self.admin, kit = os.urandom(32), os.urandom(32), os.urandom(32)
        box = bytes([9]) + bytes(31)  # X25519's base point: a key as good as any, as nothing is sealed to it here
        body = (struct.pack("<H", 1) + os.urandom(16) + ed25519.public_key(self.device) + box
                + ed25519.public_key(self.admin) + ed25519.public_key(kit) + box + pin)
        self.link = struct.pack("<Q32sIHBHI", 1, bytes(32), 1, 1, 1, 1, len(body)) + body
        self.id = digest("org", self.link)

    def _signed(self, link, org):
        said = statement("link", org, link)
        signatures = b"".join(struct.pack("<BI", kind, 1) + ed25519.sign(seed, said)
                              for kind, seed in ((1, self.device), (2, self.admin)))
        return struct.pack("<I", len(link)) + link + b"\2" + signatures

    def create_message(self, token):
        return [CREATE, token.encode(), [self._signed(self.link, NO_ORG)], []]

    def append_users_message(self, after, first_user, count):
        """Adds reps; `after` is the link that they follow, as bytes. Gives the message and its last link."""
        links = []
        for user in range(first_user, first_user + count):
            seq = struct.unpack("<Q", after[:8])[0] + 1
            head = struct.pack("<Q32sIHBHI", seq, digest("link", after), 1, 2, 1, 1, 6)
            after = head + struct.pack("<IBB", user, 3, 1)
            links.append(self._signed(after, self.id))
        return [APPEND, links], after

    def found(self, server, token):
        """The server's answer to the `create` message."""
        with open_new(server) as socket:
            socket.send(self.create_message(token))
            return socket.recv()

    def connect(self, server, **options):
        """A connection to the org, greeted but not authenticated."""
        nonce = os.urandom(32)
        path = "/satchel/%s/%s" % (self.id.hex(), nonce.hex())
        socket = WebSocket(server.host, server.port, path, tls=server.tls, **options)
        socket.client_nonce = nonce
        try:
            socket.hello = Hello(socket, self.pin, self.id, nonce)
        except BaseException:
            socket.close()
            raise
        return socket

    def connect_over(self, sock):
        """The same on a connection that is there already."""
        host, port = sock.getpeername()[:2]
        return self.connect(collections.namedtuple("Server", "host port tls")(host, port, True), over=sock)

    def auth_message(self, socket):
        """For device 1, which knows the genesis."""
        hello = socket.hello
        said = (self.pin + socket.client_nonce + hello.server_nonce + struct.pack("<IQ", 1, 1)
                + digest("link", self.link) + hello.binding)
        return [AUTH, 1, 1, hello.binding_kind, ed25519.sign(self.device, statement("auth", self.id, said))]

    def login(self, server, **options):
        """An authenticated connection, which answers."""
        socket = self.connect(server, **options)
        socket.send(self.auth_message(socket))
        ask(socket)
        return socket


def ask(socket):
    """One question that any device may ask, and its answer: nothing wanted, no boxes given. Links that come first are
    let pass."""
    socket.send([BOXES_GET, []])
    answer = socket.recv()
    while answer[0] == LINKS:
        answer = socket.recv()
    if answer != [BOXES, []]:
        raise AssertionError("expected no boxes, got %.200r" % (answer,))
