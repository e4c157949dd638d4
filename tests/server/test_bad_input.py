"""satcheld from outside, as its enemies see it: whatever is wrong on the wire ends that connection and no other."""
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ws  # noqa: E402
from case import SEED, Case, last_words, main, message_frame  # noqa: E402
from daemon import make_token  # noqa: E402
from org import APPENDED, BOXES, BOXES_GET, HELLO, Org, ask, open_new  # noqa: E402
from ws import Closed  # noqa: E402

MESSAGE_BYTES_MAX = 320 * 1024
ERR_TOO_LARGE, ERR_TIMED_OUT, ERR_DENIED, ERR_MALFORMED, ERR_PROTOCOL = 5, 8, 12, 17, 18


class BadInput(Case):
    """Each ends its connection with an error; `witness`, a device that is connected all the while, is served."""

    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.org = self.found(self.server)
        self.witness = self.org.login(self.server)
        self.addCleanup(self.witness.close)

    def expect(self, socket, *codes):
        error = last_words(socket)
        socket.close()
        self.assertIsNotNone(error, "closed without an error message")
        self.assertIn(error[1], codes, error)
        ask(self.witness)

    def places(self):
        """A connection in each state: founding, greeted, authenticated."""
        return open_new(self.server), self.org.connect(self.server), self.org.login(self.server)

    def test_text_frames(self):
        for socket in self.places():
            socket.send_frame(ws.TEXT, b"hello")
            self.expect(socket, ERR_MALFORMED)

    def test_a_message_that_is_too_long_in_one_frame(self):
        for socket in self.places():
            socket.send_frame(ws.BINARY, bytes(MESSAGE_BYTES_MAX + 1))
            self.expect(socket, ERR_TOO_LARGE)

    def test_a_message_that_is_too_long_in_many_frames(self):
        for socket in self.places():
            try:
                socket.send_frame(ws.BINARY, bytes(60000), fin=False)
                for _ in range(20):
                    socket.send_frame(ws.CONTINUATION, bytes(60000), fin=False)
            except Closed:
                pass
            self.expect(socket, ERR_TOO_LARGE)

    def test_a_frame_that_claims_to_be_endless(self):
        for length in (b"\xff" + b"\x7f" + b"\xff" * 7, b"\xff" + b"\xff" * 8, b"\xff" + b"\0\0\1\0\0\0\0\0"):
            socket = self.org.connect(self.server)
            try:
                socket.send_raw(b"\x82" + length + b"mask")
                for _ in range(20):
                    socket.send_raw(bytes(65536))
            except Closed:
                pass
            last_words(socket)
            socket.close()
            ask(self.witness)

    def test_the_largest_message_is_read_whole_also_in_pieces(self):
        for pieces in (1, 7, 1000):
            socket = self.org.login(self.server)
            message = bytes(MESSAGE_BYTES_MAX)
            size = -(-len(message) // pieces)
            for at in range(0, len(message), size):
                opcode = ws.CONTINUATION if at else ws.BINARY
                socket.send_frame(opcode, message[at:at + size], fin=at + size >= len(message))
            self.expect(socket, ERR_MALFORMED, ERR_TOO_LARGE)

    def test_a_message_in_fragments_with_pings_between_is_understood(self):
        with self.org.login(self.server) as socket:
            question = ws.pack([BOXES_GET, []])
            for at in range(len(question)):
                opcode = ws.CONTINUATION if at else ws.BINARY
                socket.send_frame(opcode, question[at:at + 1], fin=at + 1 == len(question))
                if at + 1 < len(question):
                    socket.ping(bytes([at]))
            self.assertEqual(socket.recv(), [BOXES, []])

    def test_empty_messages(self):
        for socket in self.places():
            socket.send_frame(ws.BINARY, b"")
            self.expect(socket, ERR_MALFORMED)

    def test_every_truncation_of_a_message(self):
        socket = self.org.connect(self.server)
        message = ws.pack(self.org.auth_message(socket))
        socket.close()
        for length in range(1, len(message), 7):
            socket = self.org.connect(self.server)
            socket.send(message[:length])
            self.expect(socket, ERR_MALFORMED)
        message = ws.pack(Org(self.server.pin).create_message(make_token(self.data)))
        for length in range(1, len(message), 97):
            socket = open_new(self.server)
            socket.send(message[:length])
            self.expect(socket, ERR_MALFORMED)

    def test_random_messages(self):
        generator = random.Random(SEED)
        for turn in range(60):
            socket = self.places()[turn % 3]
            message = generator.randbytes(generator.choice((1, 2, 10, 100, 5000)))
            if turn % 2:  # with the beginning of a real one
                message = bytes([0x90 | generator.randrange(16), generator.randrange(30)]) + message
            socket.send(message)
            self.expect(socket, ERR_MALFORMED, ERR_PROTOCOL, ERR_TOO_LARGE, ERR_DENIED)

    def test_random_bytes_instead_of_frames_or_http_or_tls(self):
        generator = random.Random(SEED)
        for turn in range(30):
            socket = self.org.connect(self.server)
            try:
                socket.send_raw(generator.randbytes(3000))
                socket.sock.shutdown(2)
            except (Closed, OSError):
                pass
            socket.close()
            for tls in (True, False):
                raw = ws.connect(self.server.host, self.server.port, tls=tls)
                try:
                    raw.sendall(generator.randbytes(3000))
                except OSError:
                    pass
                raw.close()
        ask(self.witness)

    def test_messages_in_the_wrong_state(self):
        socket = self.org.connect(self.server)
        socket.send([BOXES_GET, []])  # before anybody has authenticated
        self.expect(socket, ERR_PROTOCOL, ERR_DENIED)
        socket = self.org.connect(self.server)
        socket.send(Org(self.server.pin).create_message(make_token(self.data)))
        self.expect(socket, ERR_PROTOCOL)
        socket = self.org.login(self.server)
        socket.send(self.org.auth_message(socket))  # twice
        self.expect(socket, ERR_PROTOCOL)
        socket = self.org.login(self.server)
        socket.send([HELLO, 1, bytes(32), 0, 0, bytes(32), 0, bytes(64)])  # the server's to send
        self.expect(socket, ERR_PROTOCOL)
        socket = open_new(self.server)
        socket.send([BOXES_GET, []])
        self.expect(socket, ERR_PROTOCOL)
        socket = self.org.connect(self.server)
        wrong = self.org.auth_message(socket)
        wrong[-1] = bytes(64)
        socket.send(wrong)
        self.expect(socket, ERR_DENIED)

    def test_what_comes_behind_an_error_is_not_heard(self):
        token = make_token(self.data)
        socket = open_new(self.server)
        socket.send_raw(ws.frame(ws.BINARY, b"\xc1") + message_frame(Org(self.server.pin).create_message(token)))
        self.expect(socket, ERR_MALFORMED)
        self.assertEqual(Org(self.server.pin).found(self.server, token)[0], APPENDED)


class Waiting(Case):
    def test_who_does_not_close_after_an_error_is_cut_after_two_seconds(self):
        server = self.start()
        org = self.found(server)
        with org.connect(server) as socket:
            start = time.monotonic()
            socket.send(b"\xc1")
            self.assertEqual(socket.recv()[1], ERR_MALFORMED)
            self.assertEqual(socket.recv_frame()[0], ws.CLOSE)
            with self.assertRaises(Closed):
                while True:  # it talks on
                    socket.send(b"\xc1" * 100)
                    time.sleep(0.05)
            self.assertTrue(1 < time.monotonic() - start < 6)

    def test_who_does_not_authenticate_is_dropped_after_ten_seconds(self):
        server = self.start()
        org = self.found(server)
        device = org.login(server)
        start = time.monotonic()
        raw = ws.connect(server.host, server.port, tls=False, timeout=20)
        tls = ws.connect(server.host, server.port, timeout=20)
        half = ws.connect(server.host, server.port, timeout=20)
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        greeted = org.connect(server, timeout=20)
        founding = open_new(server, timeout=20)
        for socket in (greeted, founding):
            error = last_words(socket)
            self.assertEqual(error[1], ERR_TIMED_OUT)
            socket.close()
        self.assertGreater(time.monotonic() - start, 8)
        for stream in (raw, tls, half):
            try:
                while stream.recv(4096):
                    pass
            except ConnectionError:
                pass
            stream.close()
        self.assertLess(time.monotonic() - start, 18)
        ask(device)  # who has authenticated stays
        device.close()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
