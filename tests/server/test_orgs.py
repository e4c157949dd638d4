"""satcheld from outside, as its clients see it: orgs and tokens, a full disk, many peers and slow ones."""
import os
import random
import socket
import ssl
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ws  # noqa: E402
from case import SEED, Case, last_words, main, message_frame, request  # noqa: E402
from daemon import SANITIZED, make_token  # noqa: E402
from org import APPENDED, BOXES, BOXES_GET, ERROR, LINKS, Org, ask, open_new  # noqa: E402
from ws import Closed, Refused, WebSocket  # noqa: E402

ERR_NOT_FOUND, ERR_EXISTS, ERR_DENIED, ERR_TOKEN_USED, ERR_CORRUPT, ERR_DISK_FULL, ERR_IO = 2, 4, 12, 16, 31, 32, 36


def sat_class(number):
    """The class of an error, for those that these tests meet."""
    return "retry" if number in (7, 8, 9, 10, 11, 34) else "other"


class Orgs(Case):
    def test_a_token_made_beside_the_running_server_founds_one_org(self):
        server = self.start()
        token = make_token(self.data)
        self.assertFalse(token.startswith("-"))
        self.assertRegex(token, r"^[A-Za-z0-9_-]+$")
        org = Org(server.pin)
        self.assertEqual(org.found(server, token)[0], APPENDED)
        second = Org(server.pin).found(server, token)
        self.assertEqual(second[:2], [ERROR, ERR_TOKEN_USED])
        self.assertEqual(os.listdir(os.path.join(self.data, "orgs")), [org.id.hex() + ".db"])
        org.login(server).close()

    def test_an_unknown_token_founds_nothing(self):
        server = self.start()
        for token in ("", "T", "x" * 128, "../identity.key", make_token(self.data)[:-1]):
            self.assertEqual(Org(server.pin).found(server, token)[:2], [ERROR, ERR_TOKEN_USED], token)
        self.assertEqual(os.listdir(os.path.join(self.data, "orgs")), [])

    def test_a_create_that_is_refused_costs_no_token(self):
        server = self.start()
        token = make_token(self.data)
        elsewhere = Org(os.urandom(32))  # names another server
        with open_new(server) as socket:
            socket.send(elsewhere.create_message(token))
            self.assertEqual(socket.recv()[0], ERROR)
        forged = Org(server.pin)
        message = forged.create_message(token)
        message[2][0] = message[2][0][:-1] + bytes([message[2][0][-1] ^ 1])
        with open_new(server) as socket:
            socket.send(message)
            self.assertEqual(socket.recv()[0], ERROR)
        self.assertEqual(os.listdir(os.path.join(self.data, "orgs")), [])
        org = Org(server.pin)
        self.assertEqual(org.found(server, token)[0], APPENDED)
        self.assertEqual(org.found(server, make_token(self.data))[:2], [ERROR, ERR_EXISTS])

    def test_one_connection_founds_one_org_at_most(self):
        server = self.start()
        tokens = [make_token(self.data) for _ in range(3)]
        with open_new(server) as socket:
            socket.send_raw(b"".join(message_frame(Org(server.pin).create_message(token)) for token in tokens))
            self.assertEqual(socket.recv()[0], APPENDED)
            self.assertIsNone(last_words(socket))
        self.assertEqual(len(os.listdir(os.path.join(self.data, "orgs"))), 1)

    def test_the_orgs_are_apart_and_survive_a_restart(self):
        server = self.start()
        orgs = [self.found(server) for _ in range(3)]
        server.stop()
        server = self.start()
        sockets = [org.login(server) for org in orgs]
        stranger = orgs[1].connect(server)
        stranger.send(orgs[0].auth_message(stranger))
        self.assertEqual(last_words(stranger)[1], ERR_DENIED)
        for socket in sockets:
            ask(socket)
            socket.close()

    def test_an_org_that_is_not_there_is_an_error_message(self):
        server = self.start()
        with WebSocket(server.host, server.port, "/satchel/%s/%s" % ("0" * 64, "1" * 64)) as socket:
            self.assertEqual(last_words(socket)[1], ERR_NOT_FOUND)

    def test_a_damaged_store_is_its_own_orgs_trouble(self):
        server = self.start()
        damaged, sound = self.found(server), self.found(server)
        server.stop()
        with open(os.path.join(self.data, "orgs", damaged.id.hex() + ".db"), "r+b") as file:
            file.write(random.Random(SEED).randbytes(20000))
        server = self.start()
        with sound.login(server) as socket:
            with WebSocket(server.host, server.port, "/satchel/%s/%s" % (damaged.id.hex(), "1" * 64)) as other:
                self.assertEqual(last_words(other)[1], ERR_CORRUPT)
            ask(socket)
        self.assertEqual(server.wait_for_event("org_open_failed")[0]["error"], "corrupt")


class FullDisk(Case):
    def test_an_org_that_finds_no_room_costs_no_token(self):
        server = self.start(file_bytes_max=50000)
        token = make_token(self.data)
        answer = Org(server.pin).found(server, token)
        self.assertEqual(answer[0], ERROR)
        self.assertIn(answer[1], (ERR_DISK_FULL, ERR_IO))
        self.assertEqual(os.listdir(os.path.join(self.data, "orgs")), [])
        self.assertEqual(request(server, "/healthz")[0], 200)
        server.stop()
        server = self.start()
        self.assertEqual(Org(server.pin).found(server, token)[0], APPENDED)

    def test_a_step_that_cannot_be_stored_is_not_answered_and_the_other_orgs_are_served(self):
        self.start().stop()
        server = self.start(file_bytes_max=400 * 1024)
        org, other = self.found(server), self.found(server)
        witness = other.login(server)
        device = org.login(server)
        last, answered, refused = org.link, 0, None
        while refused is None:
            message, newest = org.append_users_message(last, answered + 2, 1)
            device.send(message)
            answer = device.recv()
            if answer[0] == APPENDED:
                last, answered = newest, answered + 1
                self.assertLess(answered, 2000, "the limit was never reached")
            else:
                refused = answer
        self.assertEqual(refused[0], ERROR, refused)
        self.assertEqual(sat_class(refused[1]), "retry", refused)
        self.assertGreater(refused[2], 0)
        device.close()
        ask(witness)
        witness.close()
        self.assertEqual(server.wait_for_event("step_failed")[0]["level"], "error")
        org.login(server).close()
        server.stop()
        server = self.start()
        with org.login(server) as device:  # what was answered is there, what was not can be sent again
            message, _ = org.append_users_message(last, answered + 2, 1)
            device.send(message)
            while (answer := device.recv())[0] != APPENDED:
                self.assertEqual(answer[0], LINKS, str(answer)[:200])  # the links that came meanwhile
            self.assertEqual(answer[1], answered + 2)


class Load(Case):
    def test_who_does_not_read_is_cut_and_the_others_are_served(self):
        server = self.start("--ping-seconds", "2")
        org = self.found(server)
        witness = org.login(server)
        deaf = org.login(server, receive_buffer=4096)
        questions = message_frame([BOXES_GET, []]) * 2000
        deaf.sock.settimeout(0.5)
        before, until, cut = server.rss_kb(), time.monotonic() + 30, False
        while not cut and time.monotonic() < until:
            try:
                deaf.sock.sendall(questions)
            except socket.timeout:
                pass
            except (ConnectionError, ssl.SSLError):
                cut = True
            ask(witness)
            cut = cut or any(event["event"] == "peer_slow" for event in server.events())
        self.assertTrue(cut, "the peer that does not read is still there")
        if not SANITIZED:
            self.assertLess(server.rss_kb() - before, 16 * 1024)
        ask(witness)
        witness.close()
        deaf.close()

    def test_many_questions_at_once_are_all_answered(self):
        server = self.start("--insecure-loopback")  # one thread reads and one writes: Python's TLS sockets cannot
        org = self.found(server)
        with org.login(server) as socket:
            sender = threading.Thread(target=lambda: socket.send_raw(message_frame([BOXES_GET, []]) * 5000))
            sender.start()
            answers = sum(socket.recv() == [BOXES, []] for _ in range(5000))
            sender.join()
            self.assertEqual(answers, 5000)

    def test_memory_and_descriptors_are_flat_over_2000_bad_connections(self):
        server = self.start()
        org = self.found(server)
        witness = org.login(server)
        generator = random.Random(SEED)

        def bad(turn):
            kind = turn % 5
            if kind == 0:
                with ws.connect(server.host, server.port, tls=False) as raw:
                    raw.sendall(generator.randbytes(200))
                return
            if kind == 1:
                with ws.connect(server.host, server.port) as raw:
                    raw.sendall(b"GET /" + generator.randbytes(100))
                return
            if kind == 2:
                try:
                    WebSocket(server.host, server.port, "/satchel/none/" + "0" * 64)
                except Refused:
                    pass
                return
            path = "/satchel/%s/%s" % (org.id.hex() if kind == 3 else "new", "2" * 64)
            with WebSocket(server.host, server.port, path) as socket:
                socket.send_frame(ws.BINARY, generator.randbytes(generator.choice((10, 70000))), fin=kind == 3)
                if kind == 3:
                    last_words(socket)

        for turn in range(400):
            bad(turn)
        ask(witness)
        time.sleep(3)
        memory, descriptors = server.rss_kb(), server.descriptors()
        for turn in range(2000):
            bad(turn)
            if turn % 100 == 0:
                ask(witness)
        time.sleep(3)
        ask(witness)
        print("memory before %d kB, after 2,000 bad connections %d kB" % (memory, server.rss_kb()), file=sys.stderr)
        if not SANITIZED:  # a sanitizer keeps what is freed
            self.assertLess(server.rss_kb(), memory + 2048)
        self.assertLessEqual(server.descriptors(), descriptors + 2)
        self.assertLess(len(server.log()), 200 * 1000, "outsiders can fill the log")
        witness.close()

    def test_no_more_connections_than_allowed(self):
        server = self.start("--connections", "5")
        held = [open_new(server) for _ in range(5)]
        for _ in range(3):
            with self.assertRaises((ssl.SSLError, ConnectionError, Refused, Closed, OSError)):
                open_new(server)
        held.pop().close()
        until = time.monotonic() + 5
        while True:
            try:
                held.append(open_new(server))
                break
            except (OSError, Refused, Closed):
                self.assertLess(time.monotonic(), until, "a place that was left stays taken")
                time.sleep(0.1)
        for socket in held:
            socket.close()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
