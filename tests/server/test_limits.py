"""satcheld from outside, when it is too much: limits are told with a sentence and a time, a full disk stops no reader,
and who is heavy, slow or deaf delays himself."""
import ctypes
import json
import os
import socket as sockets
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from case import Case, last_words, main, message_frame, request  # noqa: E402
from daemon import SANITIZED, make_token  # noqa: E402
from org import APPENDED, BOXES_GET, ERROR, Org, ask, open_new  # noqa: E402
from pusher import ENTRIES, HEAD, Author, Team, read_until_error, wait_for_entries  # noqa: E402
from ws import Closed, Refused, WebSocket  # noqa: E402

ERR_TOO_LARGE, ERR_BUSY = 5, 9
CLIENT = os.environ.get("SATCHEL", "")
CLONE_NEWNS, MS_PRIVATE_RECURSIVE = 0x20000, 0x44000
MIB = 1024 * 1024


class LimitCase(Case):
    def team(self, server, reps=1):
        team = Team(server.pin, reps)
        answer = team.found(server, make_token(server.data))
        self.assertEqual(answer[0], APPENDED, answer)
        return team

    def member(self, server, team, number, **options):
        socket = team.login_as(server, number, **options)
        self.addCleanup(socket.close)
        team.subscribe(socket)
        return socket

    def check_refusal(self, error, code, word, least_ms=1000):
        self.assertIsNotNone(error, "closed without a word")
        self.assertEqual(error[1], code, error)
        self.assertGreaterEqual(error[2], least_ms, error)
        self.assertIn(word, error[3])

    def push_until_refused(self, socket, author, changes=1, body_bytes=20000, most=2000):
        """(bundles that were accepted, the error)."""
        for accepted in range(most):
            before = author.prev, author.next
            socket.send(author.bundle(changes, body_bytes))
            while True:
                try:
                    message = socket.recv()
                except Closed:
                    self.fail("closed without a word")
                if message[0] == ENTRIES and message[2] + len(message[4]) > accepted:
                    break
                if message[0] == ERROR:
                    author.prev, author.next = before
                    return accepted, message
        self.fail("nothing was refused")


class Rates(LimitCase):
    def test_a_device_that_sends_too_many_bytes_is_told_when_to_come_back_and_the_others_go_on(self):
        server = self.start("--device-bytes-per-minute", "200K")
        team = self.team(server, 2)
        author = Author(team, 2)
        accepted, error = self.push_until_refused(self.member(server, team, 2), author)
        self.assertTrue(9 <= accepted <= 12, accepted)
        self.check_refusal(error, ERR_BUSY, "this device")
        again = self.member(server, team, 2)  # coming back at once changes nothing
        wait_for_entries(again, accepted)
        again.send(author.bundle())
        self.check_refusal(read_until_error(again)[1], ERR_BUSY, "this device")
        other = self.member(server, team, 3)
        other.send(Author(team, 3).bundle())
        wait_for_entries(other, accepted + 1)
        self.assertEqual(server.wait_for_event("peer_postponed")[0]["device"], 2)

    def test_changes_are_counted_as_well_as_bytes(self):
        server = self.start("--device-changes-per-minute", "500")
        team = self.team(server)
        accepted, error = self.push_until_refused(self.member(server, team, 2), Author(team, 2), 100, 20)
        self.assertIn(accepted, (5, 6))
        self.check_refusal(error, ERR_BUSY, "this device")

    def test_an_org_has_a_limit_for_all_its_devices_and_another_org_its_own(self):
        server = self.start("--org-bytes-per-minute", "200K")
        team, other = self.team(server, 2), self.team(server)
        accepted, _ = self.push_until_refused(self.member(server, team, 2), Author(team, 2))
        second = self.member(server, team, 3)
        second.send(Author(team, 3).bundle())
        self.check_refusal(read_until_error(second)[1], ERR_BUSY, "organisation")
        self.assertGreater(accepted, 5)
        elsewhere = self.member(server, other, 2)
        elsewhere.send(Author(other, 2).bundle())
        wait_for_entries(elsewhere, 1)

    def test_the_time_that_is_said_follows_from_how_much_it_was(self):
        server = self.start("--device-changes-per-minute", "6000")  # 100 a second
        team = self.team(server)
        author = Author(team, 2)
        accepted, error = self.push_until_refused(self.member(server, team, 2), author, 1000, 20)
        self.assertIn(accepted, (6, 7))
        # A quarter of the minute's share has to run out, 15 s, and what came too much; less would be refused again.
        self.assertTrue(15000 <= error[2] <= 40000, error)


class Connections(LimitCase):
    def test_an_org_has_so_many_connections_and_is_told_so(self):
        server = self.start("--org-connections", "3")
        org, other = self.found(server), self.found(server)
        held = [org.login(server) for _ in range(3)]
        nonce = os.urandom(32).hex()
        with WebSocket(server.host, server.port, "/satchel/%s/%s" % (org.id.hex(), nonce)) as socket:
            self.check_refusal(last_words(socket), ERR_BUSY, "organisation")
        other.login(server).close()
        held.pop().close()
        until = time.monotonic() + 5
        while True:
            try:
                held.append(org.login(server))
                break
            except (AssertionError, Closed):
                self.assertLess(time.monotonic(), until, "a place that was left stays taken")
        for socket in held:
            ask(socket)
            socket.close()

    def test_the_newest_connections_of_a_device_count_and_the_oldest_is_told_so(self):
        server = self.start("--device-connections", "2")
        org = self.found(server)
        first, second, third = (org.login(server) for _ in range(3))
        self.check_refusal(last_words(first), ERR_BUSY, "connections", 5000)
        for socket in (second, third):
            ask(socket)
            socket.close()

    def test_beyond_all_connections_an_upgrade_is_answered_503_with_a_time(self):
        server = self.start("--connections", "2")
        held = [open_new(server) for _ in range(2)]
        times = set()
        for _ in range(6):
            with self.assertRaises(Refused) as refused:
                open_new(server)
            self.assertEqual(refused.exception.status, "503")
            self.assertIn("retry-after: ", refused.exception.head.lower())
            times.add(refused.exception.answer()["retry_ms"])
        self.assertGreater(len(times), 2, "all come back at once")
        self.assertTrue(all(5000 <= ms <= 10000 for ms in times), times)
        for socket in held:
            socket.close()


class Room(LimitCase):
    def test_an_org_that_has_used_up_its_room_is_told_so_and_reads_on(self):
        server = self.start("--org-stored-bytes", "1M")
        team, other = self.team(server, 2), self.team(server)
        author = Author(team, 2)
        accepted, error = self.push_until_refused(self.member(server, team, 2), author, 1, 60000)
        self.check_refusal(error, ERR_TOO_LARGE, "room", 60000)
        self.assertGreater(accepted, 5)
        # A device with work that is not taken gets everything that there is before it hears of it.
        again = self.member(server, team, 3)
        again.send(Author(team, 3).bundle())
        entries, error = read_until_error(again)
        self.assertEqual(entries, accepted)
        self.check_refusal(error, ERR_TOO_LARGE, "room", 60000)
        admin = self.member(server, team, 1)  # and an admin can still mend things
        admin.send(team.suspend_message(2))
        while admin.recv()[0] != APPENDED:
            pass
        elsewhere = self.member(server, other, 2)
        elsewhere.send(Author(other, 2).bundle(1, 60000))
        wait_for_entries(elsewhere, 1)


class RealClient(LimitCase):
    """The command line tool meets the limits: it says why, keeps its work, and sends it when it may."""

    def satchel(self, *arguments, text=None):
        env = dict(os.environ, SATCHEL_HOME=os.path.join(self.directory, "home"), LC_ALL="C.UTF-8",
                   SATCHEL_PASSPHRASE_FILE=os.path.join(self.directory, "passphrase"))
        return subprocess.run([CLIENT, *arguments, "--json"], env=env, input=text, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)

    def sync(self):
        done = self.satchel("sync", "--timeout", "20")
        error = json.loads(done.stderr.splitlines()[-1]) if done.returncode else {}
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), error

    def test_what_is_not_taken_stays_with_the_client_until_it_is(self):
        if not CLIENT or not os.path.exists(CLIENT):
            self.skipTest("SATCHEL names no client")
        with open(os.path.join(self.directory, "passphrase"), "w") as file:
            file.write("correct horse battery staple\n")
        server = self.start()
        done = self.satchel("org", "create", "--server", server.url, "--pin", server.pin.hex(), "--token",
                            make_token(self.data), "--name", "Northwind", "--user", "Nancy", "--recovery-kit",
                            os.path.join(self.directory, "kit"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.satchel("territory", "add", "North").returncode, 0)
        self.assertEqual(self.sync()[0], 0)
        records = "".join('{"type":"account","fields":{"name":"A%d"}}\n' % n for n in range(20))
        self.assertEqual(self.satchel("put", "--stdin", "--territory", "North", text=records).returncode, 0)
        for option, value, code, name in (("--disk-reserve", "900000G", 3, "busy"),
                                          ("--org-stored-bytes", "64K", 2, "too_large")):
            server.stop()
            server = self.start(option, value, listen="127.0.0.1:%d" % server.port)
            exit_code, result, error = self.sync()
            self.assertEqual((exit_code, error["error"]), (code, name), error)
            self.assertIn("room", error["message"])
            self.assertEqual((result["sent"], result["refused"], result["in_sync"]), (0, 0, False))
        server.stop()
        self.start(listen="127.0.0.1:%d" % server.port)
        exit_code, result, _ = self.sync()
        self.assertEqual((exit_code, result["sent"], result["in_sync"]), (0, 20, True))


class FullDisk(LimitCase):
    """On a file system of its own, mounted in a namespace that this process alone is in."""

    def setUp(self):
        super().setUp()
        libc = ctypes.CDLL(None, use_errno=True)
        if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0:
            self.skipTest("a small file system can be mounted by root alone, where namespaces are allowed")
        if libc.mount(b"none", b"/", None, MS_PRIVATE_RECURSIVE, None) != 0:
            self.skipTest("mounts cannot be made private here")
        os.mkdir(self.data)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", self.data], stderr=subprocess.PIPE)
        if done.returncode:
            self.skipTest("a tmpfs cannot be mounted here: %s" % done.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.data])

    def fill(self, leave):
        """Takes the file system's room, but for so many bytes."""
        room = os.statvfs(self.data)
        with open(os.path.join(self.data, "filler"), "ab") as file:
            file.write(bytes(max(room.f_bavail * room.f_frsize - leave, 0)))

    def clear(self):
        os.remove(os.path.join(self.data, "filler"))

    def test_with_less_than_the_reserve_pushes_wait_reads_go_on_and_work_is_taken_when_there_is_room(self):
        server = self.start("--disk-reserve", "4M")
        team = self.team(server, 2)
        author = Author(team, 2)
        writer = self.member(server, team, 2)
        for _ in range(3):
            writer.send(author.bundle(1, 60000))
        wait_for_entries(writer, 3)
        self.fill(3 * MIB)
        writer.send(author.bundle())
        self.check_refusal(read_until_error(writer)[1], ERR_BUSY, "no room")
        reader = self.member(server, team, 3)
        wait_for_entries(reader, 3)
        self.assertEqual(Org(server.pin).found(server, make_token(self.data))[:2], [ERROR, ERR_BUSY])
        self.assertIn(b"full", request(server, "/readyz")[1])
        self.assertEqual(request(server, "/readyz")[0], 200)
        author = Author(team, 3)
        reader.send(author.bundle())
        self.check_refusal(read_until_error(reader)[1], ERR_BUSY, "no room")
        self.clear()
        reader = self.member(server, team, 3)
        reader.send(Author(team, 3).bundle())
        wait_for_entries(reader, 4)
        names = [event["event"] for event in server.events()]
        self.assertIn("disk_low", names)
        self.assertIn("disk_enough", names)

    def test_a_disk_that_is_full_to_the_last_byte_loses_nothing_that_was_acknowledged(self):
        server = self.start("--disk-reserve", "64K")  # so little that the store itself meets the end
        team = self.team(server, 2)
        author = Author(team, 2)
        writer = self.member(server, team, 2)
        writer.send(author.bundle(1, 60000))
        wait_for_entries(writer, 1)
        self.fill(2 * MIB)
        accepted, error = self.push_until_refused_from(writer, author, 1)
        self.assertEqual(error[1], ERR_BUSY, error)
        self.assertGreater(error[2], 0)
        reader = self.member(server, team, 3)  # reads go on
        wait_for_entries(reader, accepted)
        server.process.kill()
        server.process.wait()
        self.clear()
        server = self.start("--disk-reserve", "64K")
        reader = self.member(server, team, 3)
        wait_for_entries(reader, accepted)
        writer = self.member(server, team, 2)
        writer.send(author.bundle(1, 60000))  # what was refused, again
        wait_for_entries(writer, accepted + 1)

    def push_until_refused_from(self, socket, author, accepted):
        while True:
            before = author.prev, author.next
            socket.send(author.bundle(1, 60000))
            while True:
                message = socket.recv()
                if message[0] == ENTRIES:
                    accepted += 1
                    break
                if message[0] == ERROR:
                    author.prev, author.next = before
                    return accepted, message
            self.assertLess(accepted, 1000, "the disk was never full")


class Fairness(LimitCase):
    def test_a_reader_that_never_reads_costs_nothing_while_50_mb_pass_by(self):
        server = self.start()
        team = self.team(server, 2)
        author = Author(team, 2)
        deaf = self.member(server, team, 3, receive_buffer=4096)
        writer = self.member(server, team, 2)
        memory = []
        for turn in range(200):
            writer.send(author.bundle(3, 87000))
            wait_for_entries(writer, turn + 1)
            if turn >= 20:
                memory.append(server.rss_kb())
        if not SANITIZED:
            self.assertLess(memory[-1] - memory[0], 2048, "kB more at the end than after the first 5 MB")
        print("memory after 5 MB %d kB, after 52 MB %d kB" % (memory[0], memory[-1]), file=sys.stderr)
        self.assertFalse([event for event in server.events() if event["event"] == "peer_slow"])
        deaf.sock.settimeout(20)
        wait_for_entries(deaf, 200)  # all of it is there when it reads at last

    def test_a_device_that_pushes_without_end_does_not_keep_the_others_waiting(self):
        server = self.start("--insecure-loopback")  # one thread reads and one writes: Python's TLS sockets cannot
        team, small = self.team(server, 2), self.team(server)
        author = Author(team, 2)
        bundles = [author.bundle(1000, 200) for _ in range(40)]
        witness, stranger = self.member(server, team, 3), self.member(server, small, 2)
        heavy = self.member(server, team, 2)
        drain = threading.Thread(target=wait_for_entries, args=(heavy, 40))
        send = threading.Thread(target=lambda: [heavy.send(bundle) for bundle in bundles])
        settle(witness)
        settle(stranger)
        drain.start()
        send.start()
        own, delays, others = Author(small, 2), [], 0
        while drain.is_alive():
            start = time.monotonic()
            stranger.send(own.bundle())
            others += 1
            wait_for_entries(stranger, others)
            delays.append(time.monotonic() - start)
        send.join()
        print("%d pushes of another org beside 40,000 changes of one device: median %.0f ms, most %.0f ms" % (
            len(delays), 1000 * statistics.median(delays), 1000 * max(delays)), file=sys.stderr)
        self.assertGreater(len(delays), 5)
        self.assertLess(statistics.median(delays), 0.5)
        wait_for_entries(witness, 40)

    def test_an_org_with_many_readers_far_behind_does_not_keep_another_waiting(self):
        server = self.start("--insecure-loopback")
        team, small = self.team(server, 2), self.team(server)
        author, writer = Author(team, 2), self.member(server, team, 2)
        for turn in range(60):
            writer.send(author.bundle(3, 80000))
            wait_for_entries(writer, turn + 1)
        writer.close()
        stranger = self.member(server, small, 2)
        settle(stranger)
        readers = [self.member(server, team, 3) for _ in range(8)]
        pulled = []

        def pull(reader):
            left = 60 * 3 * 80000
            while left > 0:
                left -= len(reader.sock.recv(1 << 18))
            pulled.append(reader)

        threads = [threading.Thread(target=pull, args=(reader,)) for reader in readers]
        for thread in threads:
            thread.start()
        own, delays = Author(small, 2), []
        while len(pulled) < len(readers):
            start = time.monotonic()
            stranger.send(own.bundle())
            wait_for_entries(stranger, len(delays) + 1)
            delays.append(time.monotonic() - start)
        for thread in threads:
            thread.join()
        print("%d pushes of another org beside 8 readers of 14 MB: median %.0f ms, most %.0f ms" % (
            len(delays), 1000 * statistics.median(delays), 1000 * max(delays)), file=sys.stderr)
        self.assertLess(statistics.median(delays), 0.5)

    def test_who_asks_without_end_and_reads_nothing_waits_for_himself(self):
        server = self.start()
        org = self.found(server)
        deaf, witness = org.login(server, receive_buffer=4096), org.login(server)
        questions = message_frame([BOXES_GET, []]) * 4000
        deaf.sock.settimeout(0.2)
        deaf.sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 65536)
        before, blocked = server.rss_kb(), 0
        for _ in range(60):
            try:
                deaf.sock.sendall(questions)
            except sockets.timeout:
                blocked += 1
            ask(witness)
            if blocked == 5:
                break
        self.assertEqual(blocked, 5, "its questions are taken without end")
        if not SANITIZED:
            self.assertLess(server.rss_kb() - before, 2048)
        deaf.close()
        witness.close()


def settle(socket):
    """Reads to the head that says that there is nothing more."""
    while socket.recv()[0] != HEAD:
        pass


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
