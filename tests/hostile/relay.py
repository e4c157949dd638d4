"""Somebody between the devices and satcheld, without TLS: what is said is recorded, and may be changed on the way.

Relay(address) listens at `url` and passes each connection on to the server at `address`. With `record`, a file, every
message goes there as u8 direction (0 from a client, 1 from the server, 2: the requests for the upgrade) ‖ u32 length ‖
bytes. `attack` decides what becomes of the messages: see Attack."""
import os
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "server"))

import ws  # noqa: E402

CLIENT, SERVER, HEAD = 0, 1, 2
TALK_TIME_MAX_S = 120


class Attack:
    """Changes nothing. One object for all connections; `talk` is the Talk that a message belongs to, for notes."""

    def request(self, talk, head):
        """The client's request for the upgrade, as bytes."""
        return head

    def from_server(self, talk, message):
        """The messages, as lists or bytes, that the client gets in place of this one."""
        return [message]

    def from_client(self, talk, message):
        """The messages that the server gets in place of this one."""
        return [message]


class Talk:
    """One connection."""

    def __init__(self, relay, client):
        self.relay, self.client, self.server = relay, client, None
        self.notes, self.lock = {}, threading.Lock()

    def run(self):
        for sock in (self.client,):
            sock.settimeout(TALK_TIME_MAX_S)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.client.recv(65536)
            if not piece:
                return
            head += piece
        head, rest = head.split(b"\r\n\r\n", 1)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"sec-websocket-extensions")]
        head = self.relay.attack.request(self, b"\r\n".join(lines) + b"\r\n\r\n")
        self.relay.keep(HEAD, head)
        self.path = head.split(b" ")[1].decode()
        self.server = socket.create_connection(self.relay.upstream, timeout=TALK_TIME_MAX_S)
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.sendall(head)
        back = threading.Thread(target=self.pump_safely, args=(Frames(self.server), SERVER), daemon=True)
        back.start()
        self.pump_safely(Frames(self.client, rest), CLIENT)
        back.join()

    def pump_safely(self, frames, direction):
        try:
            self.pump(frames, direction)
        except (OSError, ws.Closed):
            pass
        except Exception as error:  # the test is to see it
            self.relay.errors.append(error)
            raise
        finally:
            for sock in (self.client, self.server):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def pump(self, frames, direction):
        if direction == SERVER:
            head = frames.head()
            self.client.sendall(head)
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.client.sendall(frames.buffer)
                return
        while True:
            opcode, payload = frames.next()
            if opcode != ws.BINARY:
                self.tell(direction, opcode, payload)
                continue
            attack = self.relay.attack
            self.relay.keep(direction, payload)
            message = ws.unpack(payload)
            with self.lock:
                said = (attack.from_server if direction == SERVER else attack.from_client)(self, message)
            for other in said:
                self.tell(direction, ws.BINARY, payload if other is message and not self.relay.repack
                          else other if isinstance(other, bytes) else ws.pack(other))

    def tell(self, direction, opcode, payload):
        if direction == CLIENT:
            self.server.sendall(ws.frame(opcode, payload))
        else:
            self.client.sendall(unmasked(opcode, payload))

    def say(self, message):
        """To the client, of one's own accord."""
        self.tell(SERVER, ws.BINARY, message if isinstance(message, bytes) else ws.pack(message))


class Frames:
    """Whole messages from a socket, put together from their fragments."""

    def __init__(self, sock, buffer=b""):
        self.sock, self.buffer = sock, buffer

    def take(self, n):
        while len(self.buffer) < n:
            piece = self.sock.recv(65536)
            if not piece:
                raise ws.Closed("end of stream")
            self.buffer += piece
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def head(self):
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.take_some()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head + b"\r\n\r\n"

    def take_some(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise ws.Closed("end of stream")
        return piece

    def next(self):
        opcode, payload = 0, b""
        while True:
            first, second = self.take(2)
            length = second & 0x7F
            if length == 126:
                length = struct.unpack(">H", self.take(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.take(8))[0]
            mask = self.take(4) if second & 0x80 else None
            piece = self.take(length)
            if mask and length:
                whole = (mask * (length // 4 + 1))[:length]
                piece = (int.from_bytes(piece, "big") ^ int.from_bytes(whole, "big")).to_bytes(length, "big")
            opcode, payload = opcode or first & 0x0F, payload + piece
            if first & 0x80:
                return opcode, payload


def unmasked(opcode, payload):
    n = len(payload)
    size = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n)
    return bytes([0x80 | opcode]) + size + payload


class Relay:
    def __init__(self, upstream=None, record=None, attack=None):
        """`upstream`: (host, port), to be set before the first connection."""
        self.upstream, self.attack = upstream, attack or Attack()
        self.repack = False
        self.errors, self.lock = [], threading.Lock()
        self.record = open(record, "ab") if record else None
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "ws://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        talk = Talk(self, client)
        try:
            talk.run()
        except OSError:
            pass
        finally:
            for sock in (talk.client, talk.server):
                if sock:
                    sock.close()

    def keep(self, direction, data):
        if not self.record:
            return
        with self.lock:
            self.record.write(struct.pack("<BI", direction, len(data)) + data)
            self.record.flush()
