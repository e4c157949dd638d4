"""satcheld and those who try codes: an address that has failed too often is told to wait, unheard, while the members
behind it, and everybody elsewhere, are served as ever."""
import os
import socket as sockets
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ed25519  # noqa: E402
from case import Case, last_words, main, request  # noqa: E402
from daemon import make_token  # noqa: E402
from org import APPENDED, AUTH, BOXES_GET, ERROR, SUBSCRIBE, Org, ask, labelled, open_new  # noqa: E402
from pusher import Author, Team, varint, wait_for_entries  # noqa: E402

ERR_EXISTS, ERR_BUSY, ERR_DENIED, ERR_TOKEN_USED = 4, 9, 12, 16
AUTH_INVITE, AUTH_KIT = 17, 26
NOBODY = bytes(63) + b"\1"


class Guesses(Case):
    def begin(self, *options, reps=2):
        """A server that believes X-Forwarded-For, and an org."""
        server = self.start("--insecure-loopback", "--trusted-proxy", "127.0.0.1", *options)
        self.team = Team(server.pin, reps)
        self.assertEqual(self.team.found(server, make_token(server.data))[0], APPENDED)
        with self.team.login_as(server, 1) as socket:
            for message in self.team.rest():
                socket.send(message)
                while socket.recv()[0] != APPENDED:
                    pass
        return server

    def connect(self, server, source=None, forwarded=None):
        options = {"headers": ["X-Forwarded-For: " + forwarded]} if forwarded else {}
        if source:
            options["over"] = sockets.create_connection((server.host, server.port), 10, (source, 0))
        socket = self.team.connect(server, **options)
        self.addCleanup(socket.close)
        return socket

    def try_code(self, server, **where):
        """A wrong code, as the error that it brings."""
        socket = self.connect(server, **where)
        socket.send([AUTH_INVITE, os.urandom(32), 0, 0, os.urandom(63) + b"\0"])
        return last_words(socket)

    def errors(self, answers):
        return [answer[1] for answer in answers]

    def come_with_invite(self, server, number=2, **where):
        """With the true invite of a device: None, or the error."""
        socket = self.connect(server, **where)
        invite, seed = self.team.invites[number]
        said = (self.team.pin + socket.client_nonce + socket.hello.server_nonce + struct.pack("<IQ", 0, 0) + bytes(32)
                + socket.hello.binding)
        socket.send([AUTH_INVITE, invite, 0, 0, ed25519.sign(seed, labelled("auth-invite") + self.team.id + said)])
        socket.send([BOXES_GET, []])
        answer = socket.recv()
        socket.close()
        return answer if answer[0] == ERROR else None

    def check_wait(self, error, least_ms=1000, most_ms=12000):
        self.assertEqual(error[:2], [ERROR, ERR_BUSY], error)
        self.assertTrue(least_ms <= error[2] <= most_ms, error)
        self.assertIn("network", error[3])

    def member_syncs(self, server, author, bundles):
        with self.team.login_as(server, author.number) as socket:
            self.team.subscribe(socket)
            socket.send(author.bundle())
            wait_for_entries(socket, bundles)

    def test_the_eleventh_wrong_code_waits_members_and_other_addresses_do_not_and_then_it_goes_on(self):
        server = self.begin()
        author, start = Author(self.team, 2), time.monotonic()
        with self.team.login_as(server, 3) as settled:  # was there before
            answers = [self.try_code(server) for _ in range(10)]
            self.assertEqual(answers, [[ERROR, ERR_DENIED, 0, "there is no such invite"]] * 10)
            self.check_wait(self.try_code(server))
            self.check_wait(self.come_with_invite(server))
            self.member_syncs(server, author, 1)
            ask(settled)
            self.assertEqual(self.errors([self.try_code(server, source="127.0.0.2")]), [ERR_DENIED])
            self.assertIsNone(self.come_with_invite(server, source="127.0.0.2"))
            while self.come_with_invite(server):
                self.assertLess(time.monotonic() - start, 12)
                self.member_syncs(server, author, author.next)
                time.sleep(0.2)
            self.assertGreater(time.monotonic() - start, 5.5)  # one of ten a minute: six seconds

    def test_many_at_a_time_are_no_way_around(self):
        server = self.begin()
        waiting = [self.connect(server) for _ in range(40)]
        for socket in waiting:
            socket.send([AUTH_INVITE, os.urandom(32), 0, 0, os.urandom(63) + b"\0"])
        errors = self.errors(last_words(socket) for socket in waiting)
        self.assertEqual((errors.count(ERR_DENIED), errors.count(ERR_BUSY)), (10, 30))
        self.assertEqual(len({error[2] for error in (self.try_code(server) for _ in range(8))}) > 4, True)

    def test_kits_tokens_and_devices_that_are_none_count_as_well(self):
        server = self.begin()
        for message in ([AUTH_KIT, 0, 0, NOBODY], [AUTH, 2, 0, 0, NOBODY], [AUTH, 77, 0, 0, NOBODY]):
            with self.connect(server) as socket:
                socket.send(message)
                self.assertEqual(last_words(socket)[1], ERR_DENIED, message)
        for _ in range(7):
            self.assertEqual(Org(server.pin).found(server, "T" + "x" * 43)[1], ERR_TOKEN_USED)
        token = make_token(server.data)
        self.check_wait(Org(server.pin).found(server, token))
        with self.connect(server) as socket:
            socket.send([AUTH_KIT, 0, 0, NOBODY])
            self.check_wait(last_words(socket))
        with self.connect(server) as socket:  # a device is heard, and refused for itself
            socket.send([AUTH, 2, 0, 0, NOBODY])
            self.assertEqual(last_words(socket)[1], ERR_DENIED)
        self.member_syncs(server, Author(self.team, 2), 1)
        other = Org(server.pin)
        with open_new(server, headers=["X-Forwarded-For: 203.0.113.9"]) as socket:  # the token is as good as it was
            socket.send(other.create_message(token))
            self.assertEqual(socket.recv()[0], APPENDED)

    def test_who_fails_for_another_reason_has_not_failed_to_show_who_it_is(self):
        server = self.begin("--failed-attempts-per-minute", "3")
        token = make_token(server.data)
        for _ in range(5):
            self.assertIsNone(self.come_with_invite(server))
            self.assertEqual(self.team.found(server, token)[1], ERR_EXISTS)
            with self.team.login_as(server, 2) as socket:  # in one batch with its auth, perhaps
                socket.send([SUBSCRIBE, [varint(1) + os.urandom(16) + bytes(4) + varint(0) + bytes(8)]])
                self.assertEqual(last_words(socket)[1], ERR_DENIED)
        self.assertEqual(self.errors(self.try_code(server) for _ in range(4)), [ERR_DENIED] * 3 + [ERR_BUSY])

    def test_behind_a_proxy_the_address_is_the_clients_and_of_ipv6_a_network_counts(self):
        server = self.begin("--failed-attempts-per-minute", "3")
        for first, second, other in (("203.0.113.7", "203.0.113.7", "203.0.113.8"),
                                     ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:3::1")):
            self.assertEqual(self.errors(self.try_code(server, forwarded=first) for _ in range(3)), [ERR_DENIED] * 3)
            self.check_wait(self.try_code(server, forwarded=second), most_ms=40000)
            self.assertIsNone(self.come_with_invite(server, forwarded=other))
        self.assertIsNone(self.come_with_invite(server))
        self.assertEqual(self.errors(self.try_code(server, source="127.0.0.2", forwarded="203.0.113.%d" % n)
                                     for n in range(4)), [ERR_DENIED] * 3 + [ERR_BUSY])  # from there nobody is believed

    def test_it_is_counted_and_logged_without_what_was_tried(self):
        server = self.begin("--failed-attempts-per-minute", "2", "--metrics", "127.0.0.1:0")
        tried = os.urandom(32)
        for _ in range(3):
            with self.connect(server, source="127.0.0.3") as socket:
                socket.send([AUTH_INVITE, tried, 0, 0, NOBODY])
                last_words(socket)
        failed = server.wait_for_event("attempt_failed")
        self.assertEqual([(event["from"], event["error"]) for event in failed], [("127.0.0.3", "denied")] * 2)
        limited, = server.wait_for_event("attempts_limited")
        self.assertEqual((limited["from"], limited["level"]), ("127.0.0.3", "warn"))
        self.assertGreaterEqual(limited["retry_ms"], 1000)
        self.assertNotIn(tried.hex()[:16], server.log())
        metrics = server.wait_for_event("ready")[0]["metrics"].split("://")[1].rsplit(":", 1)
        page = request(type("Door", (), {"host": metrics[0], "port": int(metrics[1].rstrip("/")), "tls": False}),
                       "/metrics")[1].decode()
        for line in ('satcheld_attempts_failed_total{reason="denied"} 2',
                     'satcheld_attempts_failed_total{reason="busy"} 1'):
            self.assertIn(line + "\n", page)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
