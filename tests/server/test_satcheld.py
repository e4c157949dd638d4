"""satcheld from outside, as its operator sees it: starting, options, health, stopping, logs.

SATCHELD names the binary (.build/debug/satcheld by default). Ends with a line 'N passed, N failed'; exit code 0 or 1.
"""
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ws  # noqa: E402
from case import Case, last_words, main, request  # noqa: E402
from daemon import BINARY, make_token, run  # noqa: E402
from org import BOXES, BOXES_GET, CREATE, GOODBYE, Org, open_new  # noqa: E402
from ws import Closed, Refused, WebSocket  # noqa: E402


class Starting(Case):
    def test_one_json_line_on_stdout_says_where_it_listens_and_who_it_is(self):
        server = self.start()
        ready = json.loads(server.ready_line)
        self.assertEqual(ready["event"], "ready")
        self.assertRegex(ready["url"], r"^wss://127\.0\.0\.1:[1-9][0-9]*$")
        self.assertRegex(ready["pin"], r"^[0-9a-f]{64}$")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.rest_of_stdout, "")

    def test_the_identity_and_the_certificate_survive_a_restart(self):
        server = self.start()
        certificate = ssl.get_server_certificate((server.host, server.port))
        server.stop()
        again = self.start()
        self.assertEqual(again.pin, server.pin)
        self.assertEqual(ssl.get_server_certificate((again.host, again.port)), certificate)

    def test_what_it_writes_is_for_itself_alone(self):
        self.start()
        make_token(self.data)
        for folder, _, files in os.walk(self.data):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in files:
                path = os.path.join(folder, name)
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)

    def test_a_certificate_of_the_operators_own_is_used(self):
        server = self.start()
        server.stop()
        cert, key = (os.path.join(self.data, name) for name in ("tls-cert.pem", "tls-key.pem"))
        other = self.start("--tls-cert", cert, "--tls-key", key, data=os.path.join(self.directory, "other"))
        with open(cert) as file:
            self.assertEqual(ssl.get_server_certificate((other.host, other.port)).split(), file.read().split())
        open_new(other).close()  # its hello is bound to that certificate's key

    def test_files_that_are_no_certificate_and_key_are_named_with_exit_7(self):
        self.start().stop()
        cert, key = (os.path.join(self.data, name) for name in ("tls-cert.pem", "tls-key.pem"))
        for bad_cert, bad_key, named in ((key, key, key), (cert, cert, cert), (cert, "/nowhere", "/nowhere")):
            done = run("--data", self.data, "--listen", "127.0.0.1:0", "--tls-cert", bad_cert, "--tls-key", bad_key)
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertIn(named, done.stderr)

    def test_a_port_in_use_is_named_with_exit_7(self):
        server = self.start()
        done = run("--data", os.path.join(self.directory, "other"), "--listen", "127.0.0.1:%d" % server.port)
        self.assertEqual(done.returncode, 7)
        failed = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual((failed["error"], failed["class"]), ("port", "fatal"))
        self.assertIn("127.0.0.1 port %d" % server.port, failed["message"])

    def test_a_data_directory_that_cannot_be_written_is_named_with_exit_7(self):
        beside = os.path.join(self.directory, "file")
        with open(beside, "w"):
            pass
        done = run("--data", os.path.join(beside, "data"), "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 7)
        self.assertIn(beside, done.stderr)
        os.chmod(self.directory, 0o711)
        os.mkdir(self.data, 0o555)
        nobody = {"user": 65534} if os.geteuid() == 0 else {}  # nothing is unwritable for root
        try:
            run("--version", **nobody)
        except PermissionError:
            self.skipTest("the binary lies where only root can reach it")
        for arguments in (("--listen", "127.0.0.1:0"), ("token",)):
            done = run("--data", self.data, *arguments, **nobody)
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertIn(self.data, done.stderr)

    def test_a_second_server_on_the_same_directory_is_told_who_has_it_with_exit_7(self):
        server = self.start()
        done = run("--data", self.data, "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 7)
        failed = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual(failed["error"], "in_use")
        self.assertIn(str(server.process.pid), failed["message"])
        self.assertEqual(request(server, "/healthz")[0], 200)

    def test_after_a_kill_it_starts_again_as_the_same(self):
        server = self.start()
        org = self.found(server)
        server.process.kill()
        server.process.wait()
        leftover = os.path.join(self.data, "orgs", ".new-" + "0" * 64 + ".db")
        with open(leftover, "w"):
            pass
        again = self.start()
        self.assertEqual(again.pin, server.pin)
        org.login(again).close()
        self.assertFalse(os.path.exists(leftover))

    def test_a_damaged_or_missing_identity_is_never_replaced(self):
        server = self.start()
        self.found(server)
        server.stop()
        path = os.path.join(self.data, "identity.key")
        with open(path, "rb") as file:
            good = file.read()
        for bad in (b"", good[:-1], good + b"x", good[:40] + (b"0" if good[40:41] != b"0" else b"1") + good[41:], None):
            os.remove(path)
            if bad is not None:
                with open(path, "wb") as file:
                    file.write(bad)
            done = run("--data", self.data, "--listen", "127.0.0.1:0")
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn("identity.key", done.stderr)
            self.assertEqual(os.path.exists(path), bad is not None)
            if bad is None:
                with open(path, "wb") as file:
                    file.write(good)
        self.assertEqual(self.start().pin, server.pin)


class Options(Case):
    def test_what_is_not_as_documented_is_exit_1(self):
        for arguments in ((), ("--listen", "127.0.0.1:0"), ("--data",), ("--data", self.data, "--bogus"),
                          ("bogus", "--data", self.data), ("--data", self.data, "surplus", "surplus"),
                          ("backup", "--data", self.data), ("restore", "--data", self.data),
                          ("--data", self.data, "--tls-cert", "x"), ("--data", self.data, "--listen", "nowhere"),
                          ("--data", self.data, "--listen", "127.0.0.1:70000"),
                          ("--data", self.data, "--listen", "::1:80"), ("--data", self.data, "--connections", "0"),
                          ("--data", self.data, "--log-level", "loud"), ("--data", self.data, "--data", self.data),
                          ("--data", self.data, "--insecure-loopback", "--listen", "0.0.0.0:0")):
            done = run(*arguments)
            self.assertEqual(done.returncode, 1, (arguments, done.stderr))
            self.assertEqual(done.stdout, "")

    def test_what_is_to_be_copied_and_is_not_there_is_named_with_exit_2_and_nothing_is_made(self):
        copy = os.path.join(self.directory, "copy")
        for command, missing in (("backup", self.data), ("restore", copy)):
            done = run(command, "--data", self.data, copy)
            self.assertEqual((done.returncode, done.stdout), (2, ""), (command, done.stderr))
            self.assertIn(missing, done.stderr)
            self.assertEqual(os.listdir(self.directory), [], command)

    def test_help_and_version_go_to_stdout_with_exit_0(self):
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("--data DIR", "--listen HOST:PORT", "--tls-cert", "token", "SIGTERM", "Exit codes"):
            self.assertIn(word, done.stdout)
        self.assertRegex(run("--version").stdout, r"^satcheld [0-9]")

    def test_errors_are_objects_under_json(self):
        done = run("token", "--json", "--data", os.path.join(os.devnull, "data"))
        self.assertEqual(done.returncode, 7)
        error = json.loads(done.stderr)
        self.assertEqual(set(error), {"error", "class", "message"})

    def test_a_file_gives_options_and_the_command_line_wins(self):
        path = os.path.join(self.directory, "satcheld.conf")
        with open(path, "w") as file:
            file.write("# a comment\n\n  data = %s\nlisten=127.0.0.1:1\n" % self.data
                       + "log-level = debug\ninsecure-loopback = false\n")
        server = self.start("--config", path)  # and --listen, from start()
        self.assertTrue(server.tls)
        open_new(server).close()
        server.wait_for_event("peer_opened")

    def test_a_wrong_line_in_the_file_is_named_with_exit_7(self):
        path = os.path.join(self.directory, "satcheld.conf")
        for line in ("lisen = 127.0.0.1:0", "config = x", "json = true", "listen", "listen =",
                     "insecure-loopback = perhaps", "data = x\ndata = y", "connections = many", "x" * 5000,
                     "\udcff = 1"):
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write("# first\n" + line + "\n")
            done = run("--data", self.data, "--config", path)
            self.assertEqual(done.returncode, 7, (line, done.stderr))
            self.assertRegex(done.stderr, r"satcheld\.conf:[23]: ", line)
        self.assertEqual(run("--data", self.data, "--config", "/nowhere").returncode, 7)

    def test_without_tls_only_on_loopback_and_only_when_asked(self):
        server = self.start("--insecure-loopback")
        self.assertEqual(server.url, "ws://127.0.0.1:%d" % server.port)
        org = self.found(server)  # its hello says: bound to nothing
        org.login(server).close()
        self.assertEqual(request(server, "/healthz")[0], 200)


class Http(Case):
    def test_health_is_answered_over_tls_and_nothing_else_is(self):
        server = self.start()
        self.assertEqual(request(server, "/healthz"), (200, b'{"status":"ok"}\n'))
        self.assertEqual(request(server, "/readyz"), (200, b'{"status":"ok"}\n'))
        for path in ("/", "/health", "/healthz/x", "/satchel/new/" + "0" * 64, "/%2e%2e/etc/passwd"):
            self.assertIn(request(server, path)[0], (403, 404), path)
        self.assertEqual(request(server, "/healthz", "POST", b"x" * 1000)[0], 405)

    def test_tls_below_1_2_is_refused(self):
        server = self.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            for newest, accepted in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
                context.maximum_version = newest
                with socket.create_connection((server.host, server.port), timeout=10) as raw:
                    try:
                        context.wrap_socket(raw).close()
                        self.assertTrue(accepted)
                    except ssl.SSLError as error:
                        self.assertFalse(accepted, error)
                        self.assertIn("alert", str(error).lower())  # the server's word, not our own

    def test_several_requests_on_one_connection_are_answered(self):
        server = self.start()
        with ws.connect(server.host, server.port) as stream:
            for _ in range(3):
                stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = b""
                while b'{"status":"ok"}\n' not in answer:
                    piece = stream.recv(4096)
                    self.assertTrue(piece, "closed instead of answered")
                    answer += piece

    def test_upgrades_to_other_paths_and_subprotocols_are_refused(self):
        server = self.start()
        good = "/satchel/new/" + "0" * 64
        for path in ("/", "/satchel", "/satchel/new", "/satchel/new/", "/satchel/new/" + "0" * 63,
                     "/satchel/new/" + "0" * 65, "/satchel/new/" + "g" * 64, "/satchel/" + "0" * 63 + "/" + "0" * 64,
                     good + "/", "/satchel/" + "x" * 3000, "/satchel/" + "0" * 64):
            with self.assertRaises(Refused, msg=path) as refused:
                WebSocket(server.host, server.port, path)
            self.assertIn(refused.exception.status, ("403", "404"), path)
        for subprotocol in (None, "satchel.2", "satchel.10", "satcheld-http", "satcheld-listener", "satcheld-signal",
                            "x" * 300):
            with self.assertRaises(Refused, msg=subprotocol) as refused:
                WebSocket(server.host, server.port, good, subprotocol=subprotocol)
            self.assertEqual(refused.exception.status, "426" if subprotocol else "400", subprotocol)
        WebSocket(server.host, server.port, good, subprotocol="satchel.2, satchel.1").close()
        for subprotocol in ("satcheld-http, satchel.1", "satcheld-signal,satchel.1", "satcheld-listener,satchel.1"):
            with self.assertRaises((Refused, Closed), msg=subprotocol):
                WebSocket(server.host, server.port, good, subprotocol=subprotocol).recv()
        open_new(server).close()

    def test_an_upgrade_to_something_else_is_refused(self):
        server = self.start()
        for lines in (["GET /healthz HTTP/1.1", "Host: x", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings",
                       "HTTP2-Settings: AAMAAABk"],
                      ["GET /healthz HTTP/1.1", "Host: x", "Upgrade: other", "Connection: Upgrade"],
                      ["CONNECT x:80 HTTP/1.1", "Host: x"], ["PRI * HTTP/2.0", "", "SM"]):
            with ws.connect(server.host, server.port) as raw:
                raw.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
                raw.settimeout(12)
                try:
                    answer = raw.recv(4096)
                except ConnectionError:
                    answer = b""
                self.assertNotIn(b" 101", answer[:20], lines)
                self.assertNotIn(b" 200", answer[:20], lines)
        open_new(server).close()


class Stopping(Case):
    def test_sigterm_says_goodbye_and_exits_0(self):
        server = self.start()
        org = self.found(server)
        sockets = [org.login(server) for _ in range(3)]
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        for socket in sockets:
            message = socket.recv()
            self.assertEqual(message[0], GOODBYE)
            self.assertTrue(500 <= message[1] <= 5000, message)
            with self.assertRaises(Closed):
                socket.recv()
            socket.close()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - start, 5)
        events = [event["event"] for event in server.events() if not event["event"].startswith("peer_")]
        self.assertEqual(events[-2:], ["draining", "stopped"])

    def test_sigterm_under_load_ends_within_ten_seconds(self):
        server = self.start()
        org = self.found(server)
        stop = threading.Event()
        served, broken = [0], []

        def ask_on():
            while not stop.is_set():
                try:
                    with org.login(server, timeout=5) as socket:
                        while not stop.is_set():
                            socket.send([BOXES_GET, []])
                            message = socket.recv()
                            if message[0] == GOODBYE:
                                break
                            if message != [BOXES, []]:
                                broken.append(message)
                            served[0] += 1
                except (OSError, Closed, Refused, AssertionError):
                    time.sleep(0.01)

        deaf = [org.login(server, receive_buffer=4096) for _ in range(3)]  # they never answer the close
        threads = [threading.Thread(target=ask_on) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        start = time.monotonic()
        code = server.stop(seconds=10)
        took = time.monotonic() - start
        stop.set()
        for thread in threads:
            thread.join()
        for socket in deaf:
            socket.close()
        self.assertEqual(code, 0)
        self.assertLess(took, 10)
        self.assertGreater(served[0], 100)
        self.assertEqual(broken, [])
        # No journal is left over.
        self.assertEqual(os.listdir(os.path.join(self.data, "orgs")), [org.id.hex() + ".db"])


class Logs(Case):
    def test_every_line_is_an_object_and_gives_no_secret_away(self):
        server = self.start("--log-level", "debug")
        token = make_token(self.data)
        org = Org(server.pin)
        org.found(server, token)
        with org.login(server) as socket:
            socket.send([CREATE, b"secret-in-a-message", [b"secret-in-a-message"], []])
            last_words(socket)
        WebSocket(server.host, server.port, "/satchel/new/" + "ab" * 32).close()
        server.stop()
        for event in server.events():
            self.assertTrue({"level", "time", "event"} <= set(event), event)
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        with open(os.path.join(self.data, "identity.key")) as file:
            seed = file.read().split("\n")[1]
        for secret in (token, seed, "secret-in-a-message", "ab" * 32):
            self.assertNotIn(secret, server.log())

    def test_a_reader_of_the_log_who_sleeps_stops_nothing(self):
        process = subprocess.Popen([BINARY, "--data", self.data, "--listen", "127.0.0.1:0", "--log-level", "debug"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            ready = json.loads(process.stdout.readline())
            port = int(ready["url"].rsplit(":", 1)[1])
            for _ in range(400):  # far more than the pipe holds
                WebSocket("127.0.0.1", port, "/satchel/new/" + "0" * 64).close()
            process.terminate()
            self.assertEqual(process.wait(10), 0)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
            process.stderr.close()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
