#!/usr/bin/env python3
"""The version window: servers of other versions, played by this program on the real one's address. The client says
which side is too old, exits with 5, and keeps the work."""
import base64
import hashlib
import os
import socket
import ssl
import threading

from harness import World, equal, has, run, test

world = World(territories=["Eastern"])
rep = world.rep("Nancy", "Eastern")
rep.sync()
note = rep.put("note", "text=not lost")


class Impersonator:
    """Answers one connection on the server's address, with the server's certificate, and then stops."""

    def __init__(self, answer):
        self.answer = answer
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(world.server.data, "tls-cert.pem"),
                                os.path.join(world.server.data, "tls-key.pem"))
        self.context = context
        host, port = world.server.listen.rsplit(":", 1)
        self.socket = socket.create_server((host, int(port)))
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        raw, _ = self.socket.accept()
        with self.context.wrap_socket(raw, server_side=True) as connection:
            connection.settimeout(10)
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            connection.sendall(self.answer(request.decode("latin-1")))
            try:
                connection.recv(4096)
            except OSError:
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join(10)
        self.socket.close()


def refusal(status, *headers, body=""):
    lines = ["HTTP/1.1 %s" % status, "Content-Length: %d" % len(body)] + list(headers)
    return lambda request: ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def hello_of(version):
    def answer(request):
        key = [line.split(": ")[1] for line in request.split("\r\n") if line.lower().startswith("sec-websocket-key")][0]
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        message = bytes([0x93, 1, version, 0xc0])  # [HELLO, version, and something that this version does not know]
        return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Protocol: satchel.1\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n" +
                bytes([0x82, len(message)]) + message)
    return answer


def sync_with(answer, code):
    world.server.stop()
    try:
        with Impersonator(answer):
            result = rep.run("sync", "--json", expect=code)
    finally:
        world.server.start()
    equal(rep.row("status")["pending"], 1, "the work is kept")
    return result.error()


@test
def a_server_that_has_gone_on_says_that_the_program_is_too_old():
    error = sync_with(refusal("426 Upgrade Required", "Sec-WebSocket-Protocol: satchel.2, satchel.3"), 5)
    equal(error["error"], "version")
    has(error["message"], "this program is too old: the server speaks versions 2 to 3 of the protocol")
    has(error["message"], "what is pending is kept")
    error = sync_with(refusal("400 Bad Request", "Sec-WebSocket-Protocol: satchel.2"), 5)
    has(error["message"], "this program is too old: the server speaks version 2 of")


@test
def a_refusal_without_versions_is_told_as_far_as_it_goes():
    error = sync_with(refusal("426 Upgrade Required", body='{"error":"version","speaks":"satchel.2"}'), 5)
    equal(error["error"], "version")
    equal(sync_with(refusal("400 Bad Request"), 3)["error"], "unreachable")
    equal(sync_with(refusal("404 Not Found"), 3)["error"], "unreachable")
    equal(sync_with(refusal("503 Service Unavailable", "Retry-After: 7"), 3)["error"], "busy")


@test
def a_hello_of_another_version_is_told():
    error = sync_with(hello_of(2), 5)
    equal(error["error"], "version")
    has(error["message"], "this program is too old: the server speaks version 2 of")


@test
def the_work_goes_with_the_next_sync_that_both_understand():
    equal(rep.sync()["sent"], 1)
    world.admin.sync()
    equal(world.admin.fields("note", note)["text"], "not lost")


if __name__ == "__main__":
    run()
