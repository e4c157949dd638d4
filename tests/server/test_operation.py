"""satcheld from outside, as who runs it day by day: configuration, unit, readiness, metrics, logs, reloading, orgs."""
import json
import os
import re
import shutil
import signal
import socket as sockets
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ws  # noqa: E402
from case import Case, last_words, main, request  # noqa: E402
from daemon import BINARY, ROOT, SANITIZED, make_token, run  # noqa: E402
from org import APPENDED, GOODBYE, ask, open_new  # noqa: E402
from pusher import HEAD, Author, Team, wait_for_entries  # noqa: E402
from ws import Closed, Refused, WebSocket  # noqa: E402

DEPLOY = os.path.join(ROOT, "deploy")
ERR_BUSY, ERR_VERSION = 9, 19


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


class OperationCase(Case):
    def config(self, text):
        path = os.path.join(self.directory, "satcheld.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def team(self, server, reps=1):
        team = Team(server.pin, reps)
        self.assertEqual(team.found(server, make_token(server.data))[0], APPENDED)
        return team

    def member(self, server, team, number, **options):
        socket = team.login_as(server, number, **options)
        self.addCleanup(socket.close)
        team.subscribe(socket)
        return socket


class Configuration(OperationCase):
    def options(self):
        """name: where it may be, of every option of the program."""
        entries = re.findall(r'^X\(\w+, "([\w-]+)", \w+, (\w+), (?:"[^"]*"|NULL), ("[^"]*"|NULL),',
                             read(ROOT, "server", "options.def"), re.M)
        self.assertGreater(len(entries), 20)
        return {name: (where, None if preset == "NULL" else preset.strip('"')) for name, where, preset in entries}

    def test_the_sample_has_every_option_with_its_default_and_no_other(self):
        sample = re.findall(r"^(#?)([a-z-]+) = (.+)$", read(DEPLOY, "satcheld.conf"), re.M)
        options = {name: preset for name, (where, preset) in self.options().items() if where == "BOTH"}
        self.assertEqual(sorted(name for _, name, _ in sample), sorted(options))
        for comment, name, value in sample:
            self.assertEqual(comment, "" if name == "data" else "#", name)
            if options[name]:
                self.assertEqual(value, options[name], name)

    def test_the_sample_is_right_as_it_is_and_with_every_line_in_use(self):
        done = run("--check-config", "--config", os.path.join(DEPLOY, "satcheld.conf"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("right", done.stdout)
        text = re.sub(r"^#([a-z-]+ = )", r"\1", read(DEPLOY, "satcheld.conf"), flags=re.M)
        text = re.sub(r"^(tls-cert|tls-key) = .*$", "", text, flags=re.M)
        done = run("--check-config", "--config", self.config(text))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_is_wrong_is_named_by_file_and_line_with_exit_7(self):
        self.start().stop()
        cert, key = (os.path.join(self.data, name) for name in ("tls-cert.pem", "tls-key.pem"))
        for line, words in (("lisen = 127.0.0.1:0", "lisen"), ("listen = nowhere", "HOST:PORT"),
                            ("metrics = 127.0.0.1:99999", "HOST:PORT"), ("connections = many", "from 1 to 60000"),
                            ("connections = 60001", "from 1 to 60000"), ("connections = 1K", "from 1 to 60000"),
                            ("org-stored-bytes = 1T", "K, M or G"), ("disk-reserve = 1K", "from 65536"),
                            ("device-bytes-per-minute = -1", "number"), ("log-level = loud", "loud"),
                            ("trusted-proxy = 10.0.0.0/33", "addresses"), ("trusted-proxy = a.example", "addresses"),
                            ("insecure-loopback = yes", "true or false"), ("ping-seconds = 0", "from 1"),
                            ("tls-cert = %s" % cert, "tls-key"), ("tls-key = %s" % key, "tls-cert"),
                            ("tls-cert = %s\ntls-key = %s" % (key, key), "certificate")):
            path = self.config("data = %s\n# a comment\n%s\n" % (self.data, line))
            done = run("--check-config", "--config", path)
            self.assertEqual(done.returncode, 7, (line, done.stderr))
            self.assertIn("%s:3: " % path, done.stderr, line)
            self.assertIn(words, done.stderr, line)
            self.assertEqual(done.stdout, "")
        done = run("--check-config", "--config", self.config("listen = 127.0.0.1:0\n"))
        self.assertEqual(done.returncode, 7)
        self.assertIn("data", done.stderr)
        self.assertEqual(run("--check-config", "--config", "/nowhere").returncode, 7)

    def test_checking_touches_nothing(self):
        path = self.config("data = %s\nlog-file = %s/log\n" % (self.data, self.directory))
        self.assertEqual(run("--check-config", "--config", path).returncode, 0)
        self.assertEqual(os.listdir(self.directory), ["satcheld.conf"])

    def test_sizes_may_end_in_letters(self):
        server = self.start("--org-stored-bytes", "64K", "--device-bytes-per-minute=2G", "--disk-reserve", "65536")
        open_new(server).close()


class Unit(OperationCase):
    def unit(self):
        """The unit with our binary, in a file of its own."""
        text = read(DEPLOY, "satcheld.service").replace("/usr/bin/satcheld", BINARY)
        path = os.path.join(self.directory, "satcheld.service")
        with open(path, "w") as file:
            file.write(text)
        return path

    def test_the_unit_is_hardened(self):
        text = read(DEPLOY, "satcheld.service")
        for line in ("NoNewPrivileges=yes", "PrivateTmp=yes", "ProtectSystem=strict", "ProtectHome=yes",
                     "StateDirectory=satcheld", "DynamicUser=yes", "CapabilityBoundingSet=",
                     "MemoryDenyWriteExecute=yes", "RestrictNamespaces=yes", "SystemCallFilter=@system-service",
                     "ExecReload=/bin/kill -HUP $MAINPID"):
            self.assertIn("\n%s\n" % line, text)
        self.assertLessEqual(int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.M).group(1)), 30)

    def test_systemd_understands_it_and_finds_little_to_complain_of(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", self.unit()], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        if "Failed to" in done.stdout and "satcheld.service" not in done.stdout:
            self.skipTest("systemd-analyze does not work here: %s" % done.stdout.strip()[:200])
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", self.unit()],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if "nrecognized option" in done.stdout:
            self.skipTest("this systemd-analyze knows no --offline")
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])


class Readiness(OperationCase):
    def test_a_data_directory_that_cannot_be_written_is_not_ready_but_healthy(self):
        server = self.start()
        self.assertEqual(request(server, "/readyz")[0], 200)
        shutil.rmtree(self.data)
        until = time.monotonic() + 5
        while request(server, "/readyz")[0] == 200:  # it is tried once a second
            self.assertLess(time.monotonic(), until)
            time.sleep(0.2)
        status, body = request(server, "/readyz")
        self.assertEqual(status, 503)
        self.assertIn("written", json.loads(body)["status"])
        self.assertEqual(request(server, "/healthz")[0], 200)

    def test_while_it_drains_it_is_not_ready(self):
        server = self.start()
        org = self.found(server)
        deaf = org.login(server)  # does not answer the close frame, so that draining takes a while
        waiting = ws.connect(server.host, server.port)  # is there already: nobody else gets in any more
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_event("draining")
        waiting.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b" 503 ", waiting.recv(4096).split(b"\r\n")[0])
        waiting.close()
        deaf.close()

    def test_nothing_of_the_probe_is_left_over(self):
        server = self.start()
        request(server, "/readyz")
        self.assertNotIn(".ready", os.listdir(self.data))


class Metrics(OperationCase):
    def page(self, server):
        return urllib.request.urlopen(json.loads(server.ready_line)["metrics"] + "/metrics", timeout=10).read().decode()

    def values(self, page):
        values = {}
        for line in page.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def test_the_page_is_prometheus_text_and_has_every_metric_of_the_list(self):
        server = self.start("--metrics", "127.0.0.1:0")
        page = self.page(server)
        listed = re.findall(r'^X\(\w+, "(\w+)", (\w+),', read(ROOT, "server", "metrics.def"), re.M)
        self.assertGreater(len(listed), 30)
        kinds = {"COUNTER": "counter", "REASONS": "counter", "GAUGE": "gauge", "TIMES": "histogram",
                 "SIZES": "histogram"}
        types = re.findall(r"^# TYPE (\w+) (\w+)$", page, re.M)
        self.assertEqual(types, [(name, kinds[kind]) for name, kind in listed])
        self.assertEqual(len(re.findall(r"^# HELP \w+ \S.*$", page, re.M)), len(listed))
        for line in page.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+({(le|reason)="[\w.+]+"})? \d+(\.\d+)?)$')
        for name, kind in listed:
            if kind == "COUNTER":
                self.assertTrue(name.endswith("_total"), name)

    def test_what_happens_is_counted(self):
        server = self.start("--metrics", "127.0.0.1:0")
        before = self.values(self.page(server))
        team = self.team(server, 2)
        writer, reader = self.member(server, team, 2), self.member(server, team, 3)
        author = Author(team, 2)
        for turn in range(5):
            writer.send(author.bundle(10))
            wait_for_entries(writer, turn + 1)
        wait_for_entries(reader, 5)
        writer.send(b"\xc1")
        self.assertIsNotNone(last_words(writer))
        writer.close()
        server.wait_for_event("peer_left")
        with self.assertRaises(Refused):
            WebSocket(server.host, server.port, "/elsewhere")
        after = self.values(self.page(server))
        grown = {name: after[name] - before.get(name, 0) for name in after}
        # Five of the pushes and one of the writer's leaving, which is written down.
        for name, value in (("bundles_total", 5), ("changes_total", 50), ("commits_total", 6),
                            ("orgs_created_total", 1), ("orgs_opened_total", 1), ("orgs_open", 1), ("connections", 1),
                            ("connections_authenticated", 1), ("connections_opened_total", 3),
                            ("commit_seconds_count", 6), ('commit_seconds_bucket{le="+Inf"}', 6),
                            ("batch_changes_sum", 50), ('batch_changes_bucket{le="16"}', 5),
                            ('peers_refused_total{reason="malformed"}', 1),
                            ('upgrades_refused_total{reason="not_found"}', 1), ("disk_low", 0), ("readers_behind", 0)):
            self.assertEqual(grown["satcheld_" + name], value, name)
        self.assertGreater(grown["satcheld_received_bytes_total"], 50 * 300)
        self.assertGreater(grown["satcheld_sent_bytes_total"], 50 * 300)
        self.assertTrue(0 < after["satcheld_commit_seconds_sum"] < 10)
        self.assertTrue(1e6 < after["satcheld_resident_memory_bytes"] < 1e9)
        self.assertGreater(after["satcheld_disk_free_bytes"], 0)
        self.assertLess(abs(after["satcheld_start_time_seconds"] - time.time()), 60)
        self.assertNotIn(team.id.hex()[:8], self.page(server))

    def test_its_own_listener_has_metrics_alone_and_the_service_then_has_none(self):
        server = self.start("--metrics", "127.0.0.1:0")
        url = json.loads(server.ready_line)["metrics"]
        for path in ("/healthz", "/readyz", "/", "/metrics/x", "/satchel/new/" + "0" * 64):
            with self.assertRaises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(url + path, timeout=10)
            self.assertEqual(error.exception.code, 404)
        self.assertEqual(request(server, "/metrics")[0], 404)
        host, port = url.split("//")[1].split(":")
        with self.assertRaises(Refused) as refused:
            WebSocket(host, int(port), "/satchel/new/" + "0" * 64, tls=False)
        self.assertEqual(refused.exception.status, "404")

    def test_without_a_listener_loopback_alone_sees_them_and_nobody_who_was_forwarded(self):
        server = self.start()
        status, body = request(server, "/metrics")
        self.assertEqual(status, 200)
        self.assertIn(b"satcheld_connections ", body)
        with ws.connect(server.host, server.port) as raw:
            raw.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
            self.assertIn(b" 404 ", raw.recv(4096).split(b"\r\n")[0])
        plain = self.start("--insecure-loopback", data=os.path.join(self.directory, "plain"))
        self.assertEqual(request(plain, "/metrics")[0], 404)
        address = next((a[4][0] for a in sockets.getaddrinfo(sockets.gethostname(), None, sockets.AF_INET)
                        if not a[4][0].startswith("127.")), None)
        if address:
            outside = self.start(data=os.path.join(self.directory, "outside"), listen=address + ":0")
            self.assertEqual(request(outside, "/metrics")[0], 404)
            self.assertEqual(request(outside, "/healthz")[0], 200)


class Logs(OperationCase):
    def test_one_device_can_be_followed_through_a_sync_and_nothing_says_what_it_wrote(self):
        server = self.start()
        team = self.team(server, 2)
        writer, author = self.member(server, team, 2), Author(team, 2)
        messages = [author.bundle(10) for _ in range(3)]
        for turn, message in enumerate(messages):
            writer.send(message)
            wait_for_entries(writer, turn + 1)
        reader = self.member(server, team, 3)
        wait_for_entries(reader, 3)
        while reader.recv()[0] != HEAD:
            pass
        reader.close()
        left = server.wait_for_event("peer_left")[0]
        events = [event for event in server.events() if event.get("peer") == left["peer"]]
        self.assertEqual([event["event"] for event in events],
                         ["peer_opened", "peer_authenticated", "peer_pulled", "peer_caught_up", "peer_left"])
        for event in events:
            self.assertEqual(event["org"], team.id.hex()[:16])
        for event in events[1:]:
            self.assertEqual(event["device"], 3)
        self.assertEqual(events[0]["from"], "127.0.0.1")
        self.assertEqual((events[2]["up_to"], events[2]["of"]), (3, 3))
        self.assertEqual(events[3]["pulled_entries"], 3)
        self.assertEqual(left["why"], "the other side closed")
        self.assertGreater(left["bytes_out"], 30 * 300)
        of_writer = [event for event in server.events() if event.get("device") == 2]
        self.assertEqual(sum(event.get("pushed_changes", 0) for event in of_writer
                             if event["event"] == "peer_caught_up"), 30)
        log = server.log()
        for secret in (messages[0][2][-200:], team.space):
            self.assertNotIn(secret.hex()[:32], log)

    def test_a_refusal_says_why_a_device_left(self):
        server = self.start()
        org = self.found(server)
        socket = org.login(server)
        socket.send(b"\xc1")
        last_words(socket)
        socket.close()
        self.assertEqual(server.wait_for_event("peer_refused")[0]["error"], "malformed")
        self.assertIn("well-formed", server.wait_for_event("peer_left")[0]["why"])

    def test_a_log_file_is_opened_again_at_sighup(self):
        path = os.path.join(self.directory, "log")
        server = self.start("--log-file", path)
        self.assertEqual(server.log(), "")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        os.rename(path, path + ".1")
        open_new(server).close()
        self.assertFalse(os.path.exists(path))
        server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 5
        while not os.path.exists(path) or "reloaded" not in read(path):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        self.assertIn('"ready"', read(path + ".1"))
        self.assertIn("peer_opened", read(path + ".1"))
        self.assertEqual(server.stop(), 0)
        self.assertEqual(json.loads(read(path).splitlines()[-1])["event"], "stopped")

    def test_a_log_file_that_cannot_be_opened_is_named_with_exit_7(self):
        done = run("--data", self.data, "--listen", "127.0.0.1:0", "--log-file", "/nowhere/log")
        self.assertEqual(done.returncode, 7)
        self.assertIn("/nowhere/log", done.stderr)


class Reloading(OperationCase):
    def certificate(self, name):
        """A certificate and key, made by a server of its own."""
        data = os.path.join(self.directory, name)
        self.start(data=data).stop()
        return os.path.join(data, "tls-cert.pem"), os.path.join(data, "tls-key.pem")

    def test_a_renewed_certificate_is_taken_at_sighup_and_nobody_is_disturbed(self):
        cert, key = os.path.join(self.directory, "cert.pem"), os.path.join(self.directory, "key.pem")
        first, second = self.certificate("first"), self.certificate("second")
        for source, target in zip(first, (cert, key)):
            shutil.copy(source, target)
        server = self.start("--tls-cert", cert, "--tls-key", key)
        org = self.found(server)
        socket = org.login(server)
        half = ws.connect(server.host, server.port)  # has the old certificate, and is not yet upgraded
        for source, target in zip(second, (cert, key)):
            shutil.copy(source, target)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_event("reloaded")
        self.assertEqual(ssl.get_server_certificate((server.host, server.port)).split(), read(second[0]).split())
        org.login(server).close()  # bound to the new key
        ask(socket)
        org.connect_over(half).close()  # bound to the old one
        socket.close()

    def test_a_renewal_that_went_wrong_changes_nothing(self):
        cert, key = os.path.join(self.directory, "cert.pem"), os.path.join(self.directory, "key.pem")
        first, second = self.certificate("first"), self.certificate("second")
        for source, target in zip(first, (cert, key)):
            shutil.copy(source, target)
        server = self.start("--tls-cert", cert, "--tls-key", key)
        shutil.copy(second[0], cert)  # and not its key
        server.process.send_signal(signal.SIGHUP)
        self.assertEqual(server.wait_for_event("reload_failed")[0]["error"], "config")
        self.assertEqual(ssl.get_server_certificate((server.host, server.port)).split(), read(first[0]).split())
        open_new(server).close()


class Liveness(OperationCase):
    def test_a_quiet_peer_is_asked_and_stays_as_long_as_it_answers(self):
        server = self.start("--ping-seconds", "1")
        org = self.found(server)
        quiet, hanging = org.login(server), org.login(server)
        pings, until = 0, time.monotonic() + 4
        while time.monotonic() < until:
            opcode, payload = quiet.recv_frame()
            if opcode == ws.PING:
                pings += 1
                quiet.send_frame(ws.PONG, payload)
        self.assertGreater(pings, 2)
        ask(quiet)
        events = server.wait_for_event("peer_slow")
        self.assertEqual(len(events), 1)
        self.assertIn("sign of life", server.wait_for_event("peer_left")[0]["why"])
        with self.assertRaises(Closed):
            while True:
                hanging.recv_frame()
        hanging.close()
        quiet.close()

    def test_who_talks_is_not_asked(self):
        server = self.start("--ping-seconds", "1", "--metrics", "127.0.0.1:0")
        org = self.found(server)
        with org.login(server) as socket:
            for _ in range(12):
                ask(socket)
                time.sleep(0.25)
        page = urllib.request.urlopen(json.loads(server.ready_line)["metrics"] + "/metrics", timeout=10).read().decode()
        self.assertIn("satcheld_pings_total 0\n", page)

    def test_a_slow_reader_with_much_on_its_way_is_not_taken_for_gone(self):
        server = self.start("--ping-seconds", "1")
        team = self.team(server, 2)
        author, writer = Author(team, 2), self.member(server, team, 2)
        for turn in range(8):
            writer.send(author.bundle(3, 80000))
            wait_for_entries(writer, turn + 1)
        slow = self.member(server, team, 3, receive_buffer=8192)
        raw, got, until = slow.sock, 0, time.monotonic() + 5
        while time.monotonic() < until:  # reads, and is too far behind to come to the pings
            got += len(raw.recv(4096))
            time.sleep(0.05)
        self.assertFalse([event for event in server.events() if event["event"] == "peer_slow" and event["device"] == 3])


class Versions(OperationCase):
    def test_a_client_of_another_version_alone_is_told_which_this_one_speaks(self):
        server = self.start()
        path = "/satchel/new/" + "0" * 64
        for offered in ("satchel.0", "satchel.2", "satchel.9, satchel.0", "chat"):
            with self.assertRaises(Refused) as refused:
                WebSocket(server.host, server.port, path, subprotocol=offered)
            self.assertEqual(refused.exception.status, "426")
            answer = refused.exception.answer()
            self.assertEqual((answer["error"], answer["speaks"]), ("version", "satchel.1"))
            self.assertIn("upgrade: websocket", refused.exception.head.lower())
        for offered in ("satchel.9, satchel.1", "satchel.1, satchel.9", "satchel.0,satchel.1"):
            WebSocket(server.host, server.port, path, subprotocol=offered).close()


class ManyOrgs(OperationCase):
    """A thousand files, of which few are open. They are copies of one: whoever knows an org's id is greeted."""

    def names(self, server, n):
        org = self.found(server)
        server.stop()
        orgs = os.path.join(self.data, "orgs")
        names = ["%064x" % (i + 1) for i in range(n)]
        for name in names:
            shutil.copy(os.path.join(orgs, org.id.hex() + ".db"), os.path.join(orgs, name + ".db"))
        return names

    def greeted(self, server, name):
        socket = WebSocket(server.host, server.port, "/satchel/%s/%s" % (name, "1" * 64), tls=server.tls)
        self.addCleanup(socket.close)
        return socket, socket.recv()

    def open_stores(self, server):
        folder = server.descriptors_folder()
        paths = []
        for fd in os.listdir(folder):
            try:
                paths.append(os.readlink(os.path.join(folder, fd)))
            except OSError:
                pass
        return len({path for path in paths if path.endswith(".db")})

    def test_a_thousand_orgs_with_eight_stores_open(self):
        names = self.names(self.start("--insecure-loopback"), 1000)
        server = self.start("--stores-open", "8", "--insecure-loopback")
        memory, most = [], 0
        for turn, name in enumerate(names):
            socket, message = self.greeted(server, name)
            self.assertEqual(message[0], 1, message)
            socket.close()
            if turn % 100 == 99:
                most = max(most, self.open_stores(server))
                memory.append(server.rss_kb())
        self.assertTrue(1 <= most <= 8, most)
        if not SANITIZED:  # a sanitizer keeps what is freed
            self.assertLess(memory[-1] - memory[0], 4096)
        self.assertEqual(self.greeted(server, names[0])[1][0], 1)

    def test_an_org_that_is_in_use_stays_open_and_when_all_are_there_is_no_place(self):
        names = self.names(self.start("--insecure-loopback"), 4)
        server = self.start("--stores-open", "2", "--insecure-loopback")
        first, second = self.greeted(server, names[0])[0], self.greeted(server, names[1])[0]
        error = self.greeted(server, names[2])[1]
        self.assertEqual(error[:2], [8, ERR_BUSY])
        self.assertGreaterEqual(error[2], 5000)
        second.close()
        until = time.monotonic() + 5
        while self.greeted(server, names[2])[1][0] != 1:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        first.ping()


class Returning(OperationCase):
    def test_the_times_to_come_back_are_spread(self):
        server = self.start()
        org = self.found(server)
        held = [org.login(server) for _ in range(12)]
        server.process.send_signal(signal.SIGTERM)
        times = []
        for socket in held:
            message = socket.recv()
            self.assertEqual(message[0], GOODBYE)
            times.append(message[1])
            socket.close()
        self.assertGreater(len(set(times)), 8)
        self.assertTrue(all(500 <= ms < 5100 for ms in times), times)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
