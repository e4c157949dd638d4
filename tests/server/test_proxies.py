"""satcheld behind the real nginx and HAProxy, which end TLS, with the samples of deploy/ as they are but for names,
ports and files. Where one of them is not installed its tests are skipped."""
import json
import os
import shutil
import signal
import socket as sockets
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ws  # noqa: E402
from case import Case, main, request  # noqa: E402
from daemon import ROOT, make_token  # noqa: E402
from org import APPENDED, GOODBYE, LINKS, ask  # noqa: E402
from pusher import Author, Team, wait_for_entries  # noqa: E402
from ws import Closed, Refused, WebSocket  # noqa: E402

CLIENT = os.environ.get("SATCHEL", "")
NGINX = """daemon off; master_process off; pid %(dir)s/nginx.pid; error_log %(dir)s/nginx.log;
events { worker_connections 256; }
http {
    client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2; fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4; scgi_temp_path %(dir)s/t5;
    include %(dir)s/site.conf;
}
"""


def free_port():
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sample(name, *replacements):
    """A sample of deploy/ with parts replaced, each of which must be in it."""
    with open(os.path.join(ROOT, "deploy", name), encoding="utf-8") as file:
        text = file.read()
    for old, new in replacements:
        if old not in text:
            raise AssertionError("%s has no %r" % (name, old))
        text = text.replace(old, new)
    return text


class Front:
    """What a test connects to instead of the server itself."""

    def __init__(self, server, port):
        self.host, self.port, self.tls, self.pin, self.data = "127.0.0.1", port, True, server.pin, server.data


class Proxied:
    """The tests; below once for each proxy."""

    def setUp(self):
        super().setUp()
        if not shutil.which(self.program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"):
            self.skipTest("%s is not installed" % self.program)
        self.server = self.start("--insecure-loopback", "--trusted-proxy", "127.0.0.1", "--ping-seconds", "1")
        other = self.start(data=os.path.join(self.directory, "other"))  # makes a certificate for the proxy
        other.stop()
        self.cert, self.key = (os.path.join(other.data, name) for name in ("tls-cert.pem", "tls-key.pem"))
        self.front = Front(self.server, free_port())
        command = self.configure()
        self.proxy_log = open(os.path.join(self.directory, "proxy.log"), "w+")
        self.proxy = subprocess.Popen(command, stdout=self.proxy_log, stderr=subprocess.STDOUT)
        self.addCleanup(self.end_proxy)
        self.wait_until_it_serves()

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def wait_until_it_serves(self):
        until = time.monotonic() + 15
        while True:
            try:
                if request(self.front, "/healthz")[0] == 200:
                    return
            except OSError:
                pass
            if self.proxy.poll() is not None or time.monotonic() > until:
                self.proxy_log.seek(0)
                self.fail("%s does not serve: %s" % (self.program, self.proxy_log.read()[-2000:]))
            time.sleep(0.05)

    def end_proxy(self):
        if self.proxy.poll() is None:
            self.proxy.terminate()
            try:
                self.proxy.wait(5)
            except subprocess.TimeoutExpired:
                self.proxy.kill()
                self.proxy.wait()
        self.proxy_log.close()

    def team(self):
        team = Team(self.server.pin, 2)
        self.assertEqual(team.found(self.front, make_token(self.data))[0], APPENDED)
        return team

    def member(self, team, number, **options):
        socket = team.login_as(self.front, number, **options)
        self.addCleanup(socket.close)
        team.subscribe(socket)
        return socket

    def test_orgs_are_founded_and_devices_sync_through_it(self):
        team = self.team()
        writer, reader = self.member(team, 2), self.member(team, 3)
        self.assertEqual(writer.hello.binding_kind, 0)  # the server cannot see the channel's key, and says so
        author = Author(team, 2)
        for turn in range(3):
            writer.send(author.bundle(2, 95000))
            wait_for_entries(writer, turn + 1)
        wait_for_entries(reader, 3)

    def test_a_quiet_connection_is_kept_by_the_servers_pings(self):
        team = self.team()
        with team.login(self.front, timeout=20) as socket:
            pings, until = 0, time.monotonic() + 4
            while time.monotonic() < until:
                opcode, payload = socket.recv_frame()
                if opcode == ws.PING:
                    pings += 1
                    socket.send_frame(ws.PONG, payload)
            self.assertGreater(pings, 1)
            ask(socket)

    def test_the_clients_address_is_the_proxys_word_and_not_the_clients(self):
        team = self.team()
        nonce = "1" * 64
        raw = sockets.socket()
        raw.settimeout(10)
        raw.bind(("127.0.0.2", 0))
        raw.connect(("127.0.0.1", self.front.port))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with WebSocket("127.0.0.1", self.front.port, "/satchel/%s/%s" % (team.id.hex(), nonce),
                       over=context.wrap_socket(raw), headers=("X-Forwarded-For: 192.0.2.66",)) as socket:
            socket.recv()
        opened = [event["from"] for event in self.server.events() if event["event"] == "peer_opened"]
        self.assertEqual(opened[-1], "127.0.0.2")

    def test_metrics_and_other_paths_stay_inside(self):
        self.assertEqual(request(self.front, "/readyz")[0], 200)
        for path in ("/metrics", "/", "/elsewhere"):
            self.assertEqual(request(self.front, path)[0], 404, path)

    def test_a_refused_upgrade_and_a_goodbye_come_through(self):
        with self.assertRaises(Refused) as refused:
            WebSocket("127.0.0.1", self.front.port, "/satchel/new/" + "0" * 64, subprotocol="satchel.9")
        self.assertEqual(refused.exception.status, "426")
        self.assertEqual(refused.exception.answer()["speaks"], "satchel.1")
        team = self.team()
        with team.login(self.front) as socket:
            self.server.process.send_signal(signal.SIGTERM)
            message = socket.recv()
            while message[0] == LINKS:
                message = socket.recv()
            self.assertEqual(message[0], GOODBYE)
            with self.assertRaises(Closed):
                socket.recv()

    def test_the_client_syncs_through_it(self):
        if not CLIENT or not os.path.exists(CLIENT):
            self.skipTest("SATCHEL names no client")
        secret = self.write("passphrase", "correct horse battery staple\n")
        env = dict(os.environ, SATCHEL_HOME=os.path.join(self.directory, "home"), SATCHEL_PASSPHRASE_FILE=secret,
                   LC_ALL="C.UTF-8")

        def satchel(*arguments):
            done = subprocess.run([CLIENT, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=60)
            self.assertEqual(done.returncode, 0, (arguments, done.stderr))
            return done.stdout

        satchel("org", "create", "--server", "wss://127.0.0.1:%d" % self.front.port, "--pin", self.server.pin.hex(),
                "--token", make_token(self.data), "--name", "Northwind", "--user", "Nancy", "--recovery-kit",
                os.path.join(self.directory, "kit"))
        satchel("territory", "add", "North")
        satchel("put", "account", "name=Blondel", "--territory", "North")
        self.assertTrue(json.loads(satchel("sync", "--json").splitlines()[-1])["in_sync"])


class Nginx(Proxied, Case):
    program = "nginx"

    def configure(self):
        self.write("site.conf", sample(
            "nginx.conf", ("listen 443 ssl;", "listen 127.0.0.1:%d ssl;" % self.front.port),
            ("    listen [::]:443 ssl;\n", ""), ("/etc/nginx/satcheld/cert.pem", self.cert),
            ("/etc/nginx/satcheld/key.pem", self.key), ("127.0.0.1:7443", "127.0.0.1:%d" % self.server.port)))
        path = self.write("nginx.conf", NGINX % {"dir": self.directory})
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        return [program, "-p", self.directory, "-c", path, "-e", os.path.join(self.directory, "nginx.log")]


class HAProxy(Proxied, Case):
    program = "haproxy"

    def configure(self):
        with open(self.cert) as cert, open(self.key) as key:
            both = self.write("both.pem", cert.read() + key.read())
        path = self.write("haproxy.cfg", sample(
            "haproxy.cfg", ("bind :443", "bind 127.0.0.1:%d" % self.front.port), ("/etc/haproxy/satcheld.pem", both),
            ("127.0.0.1:7443", "127.0.0.1:%d" % self.server.port), ("maxconn 10000", "maxconn 200")))
        return [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", path]


class Forwarded(Case):
    """Without a proxy: whose word is believed."""

    def opened_from(self, server, *headers):
        with WebSocket(server.host, server.port, "/satchel/new/" + "0" * 64, tls=server.tls, headers=headers) as socket:
            socket.recv()
        return [event["from"] for event in server.events() if event["event"] == "peer_opened"][-1]

    def test_the_header_is_believed_from_a_trusted_address_alone(self):
        server = self.start()
        self.assertEqual(self.opened_from(server, "X-Forwarded-For: 192.0.2.1"), "127.0.0.1")
        server.stop()
        server = self.start("--trusted-proxy", "10.0.0.0/8,192.0.2.0/24")
        self.assertEqual(self.opened_from(server, "X-Forwarded-For: 192.0.2.1"), "127.0.0.1")
        server.stop()
        server = self.start("--trusted-proxy", "127.0.0.0/8, 10.1.0.0/16, 2001:db8::/32")
        for said, believed in ((None, "127.0.0.1"), ("198.51.100.7", "198.51.100.7"),
                               ("198.51.100.7, 10.1.2.3", "198.51.100.7"),
                               ("198.51.100.7 ,10.1.2.3 , 2001:db8::1", "198.51.100.7"),
                               ("6.6.6.6, 198.51.100.7", "198.51.100.7"), ("2001:DB9::1", "2001:db9::1"),
                               ("nonsense", "127.0.0.1"), ("6.6.6.6, nonsense", "127.0.0.1"), (",,", "127.0.0.1"),
                               ("198.51.100.7, " * 60 + "198.51.100.8", "127.0.0.1")):
            headers = ("X-Forwarded-For: " + said,) if said else ()
            self.assertEqual(self.opened_from(server, *headers), believed, said)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
