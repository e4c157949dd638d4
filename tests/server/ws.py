"""A WebSocket client of a hundred lines, for tests: TLS without verification, frames as one likes them (also wrong
ones), and the part of msgpack that Satchel's messages use. Standard library only."""
import base64
import hashlib
import json
import os
import socket
import ssl
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Closed(Exception):
    """The other side has closed, or cut, the connection."""


class Refused(Exception):
    """The upgrade was answered by something else than 101."""

    def __init__(self, status, head="", body=""):
        super().__init__("HTTP status %s" % status)
        self.status, self.head, self.body = status, head, body

    def answer(self):
        return json.loads(self.body)


def connect(host, port, tls=True, timeout=10.0, receive_buffer=None):
    """A connected socket."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.settimeout(timeout)
    raw.connect((host, port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not tls:
        return raw
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(raw)


class WebSocket:
    def __init__(self, host, port, path, subprotocol="satchel.1", tls=True, timeout=10.0, receive_buffer=None,
                 over=None, headers=()):
        """`over`: a connected socket to use; `headers`: lines to add."""
        self.sock = over or connect(host, port, tls, timeout, receive_buffer)
        self.buffer = b""
        try:
            self._upgrade(host, port, path, subprotocol, headers)
        except BaseException:
            self.sock.close()
            raise

    def _upgrade(self, host, port, path, subprotocol, headers):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET %s HTTP/1.1" % path, "Host: %s:%d" % (host, port), "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Key: " + key, "Sec-WebSocket-Version: 13", *headers]
        if subprotocol:
            lines.append("Sec-WebSocket-Protocol: " + subprotocol)
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        try:
            while b"\r\n\r\n" not in self.buffer:
                self._fill()
        except Closed:
            raise Refused(self.buffer.split(b" ")[1].decode() if b" " in self.buffer else "none")
        status = self.buffer.split(b" ")[1].decode()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if status != "101":
            raise Refused(status, head.decode(), self._body(head.lower()).decode("utf-8", "replace"))
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if accept not in head:
            raise Refused("101 with a wrong accept key")

    def _body(self, head):
        """Of an answer that is no upgrade."""
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
        return self._take(length)

    def _fill(self):
        try:
            piece = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed(str(error))
        if not piece:
            raise Closed("end of stream")
        self.buffer += piece

    def _take(self, n):
        while len(self.buffer) < n:
            self._fill()
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def send_raw(self, data):
        try:
            self.sock.sendall(data)
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed(str(error))

    def send_frame(self, opcode, payload, fin=True):
        self.send_raw(frame(opcode, payload, fin))

    def send(self, message):
        """A message given as a list, or as bytes that are one already."""
        self.send_frame(BINARY, message if isinstance(message, bytes) else pack(message))

    def recv_frame(self):
        """(opcode, payload) of the next frame, of whatever kind."""
        first, second = self._take(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", self._take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._take(8))[0]
        self.final = bool(first & 0x80)
        return first & 0x0F, self._take(length)

    def recv(self):
        """The next message as a list. Closed when there is none."""
        whole = b""
        while True:
            opcode, payload = self.recv_frame()
            if opcode == CLOSE:
                raise Closed("close frame")
            if opcode in (BINARY, CONTINUATION):
                whole += payload
                if self.final:
                    return unpack(whole)

    def ping(self, payload=b"are you there"):
        """Sends a ping and waits for its pong; messages that come meanwhile are thrown away."""
        self.send_frame(PING, payload)
        while True:
            opcode, got = self.recv_frame()
            if opcode == CLOSE:
                raise Closed("close frame")
            if opcode == PONG and got == payload:
                return

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def frame(opcode, payload, fin=True):
    """A masked frame."""
    head = bytes([(0x80 if fin else 0) | opcode])
    n = len(payload)
    if n < 126:
        head += bytes([0x80 | n])
    elif n < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", n)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", n)
    mask = os.urandom(4)
    whole = (mask * (n // 4 + 1))[:n]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(n, "big") if n else b""
    return head + mask + masked


# ---- msgpack: nil, booleans, unsigned integers, text, bytes, arrays ----

def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _pack_int(value)
    if isinstance(value, str):
        data = value.encode()
        head = bytes([0xA0 | len(data)]) if len(data) < 32 else _sized(len(data), b"\xd9", b"\xda", b"\xdb")
        return head + data
    if isinstance(value, (bytes, bytearray)):
        return _sized(len(value), b"\xc4", b"\xc5", b"\xc6") + bytes(value)
    head = bytes([0x90 | len(value)]) if len(value) < 16 else _sized(len(value), None, b"\xdc", b"\xdd")
    return head + b"".join(pack(item) for item in value)


def _pack_int(value):
    if value < 0:
        raise ValueError("not used by Satchel's messages")
    if value < 128:
        return bytes([value])
    for limit, head, form in ((1 << 8, b"\xcc", ">B"), (1 << 16, b"\xcd", ">H"), (1 << 32, b"\xce", ">I")):
        if value < limit:
            return head + struct.pack(form, value)
    return b"\xcf" + struct.pack(">Q", value)


def _sized(n, one, two, four):
    if one and n < 1 << 8:
        return one + struct.pack(">B", n)
    if n < 1 << 16:
        return two + struct.pack(">H", n)
    return four + struct.pack(">I", n)


def unpack(data):
    value, at = _unpack(data, 0)
    if at != len(data):
        raise ValueError("%d bytes left over" % (len(data) - at))
    return value


_INTS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}
_BINS = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_TEXTS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_ARRAYS = {0xDC: ">H", 0xDD: ">I"}


def _number(data, at, form):
    size = struct.calcsize(form)
    return struct.unpack(form, data[at:at + size])[0], at + size


def _unpack(data, at):
    head, at = data[at], at + 1
    if head < 0x80:
        return head, at
    if head in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[head], at
    if head in _INTS:
        return _number(data, at, _INTS[head])
    if head in _BINS:
        n, at = _number(data, at, _BINS[head])
        return data[at:at + n], at + n
    if head & 0xE0 == 0xA0 or head in _TEXTS:
        n, at = (head & 0x1F, at) if head not in _TEXTS else _number(data, at, _TEXTS[head])
        return data[at:at + n].decode(), at + n
    if head & 0xF0 == 0x90 or head in _ARRAYS:
        n, at = (head & 0x0F, at) if head not in _ARRAYS else _number(data, at, _ARRAYS[head])
        items = []
        for _ in range(n):
            item, at = _unpack(data, at)
            items.append(item)
        return items, at
    raise ValueError("byte %#x starts nothing that Satchel's messages use" % head)
