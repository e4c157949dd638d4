"""Black-box tests of the two programs: a server in a directory of its own, devices in theirs, and nothing but their
command lines.

Which programs: SATCHELD and SATCHEL, else those of .build/release. A test is a function with a sentence for a name,
decorated with @test; run() calls them in order and closes with 'N passed, N failed'.
"""
import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import uuid

# A runner in the background may have been told to ignore interrupts, and what it starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SATCHELD = os.environ.get("SATCHELD", os.path.join(ROOT, ".build", "release", "satcheld"))
SATCHEL = os.environ.get("SATCHEL", os.path.join(ROOT, ".build", "release", "satchel"))
COMMAND_TIME_MAX_S = 120
STOP_TIME_MAX_S = 10

tests = []


def test(function):
    tests.append(function)
    return function


def run():
    """Runs all tests; those that share a world come one after another, so that a failure names the step that failed."""
    failed = 0
    only = sys.argv[1:]
    for function in tests:
        if only and function.__name__ not in only:
            continue
        try:
            function()
            print("ok    %s" % function.__name__, flush=True)
        except Exception:  # whatever it is, the other tests still tell something
            failed += 1
            print("FAIL  %s\n%s" % (function.__name__, traceback.format_exc()), flush=True)
    count = len([f for f in tests if not only or f.__name__ in only])
    print("%d passed, %d failed" % (count - failed, failed), flush=True)
    sys.exit(1 if failed else 0)


def equal(got, want, what=""):
    if got != want:
        raise AssertionError("%s\n  got  %r\n  want %r" % (what, got, want))


def has(text, part):
    if part not in text:
        raise AssertionError("%r is not in %r" % (part, text))


def lacks(text, part):
    if part in text:
        raise AssertionError("%r is in %r" % (part, text))


def new_id():
    return str(uuid.uuid4())


def scratch():
    """A directory that is gone when the tests are."""
    path = tempfile.mkdtemp(prefix="satchel-cli-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code = args, code
        self.out, self.err = out.decode("utf-8"), err.decode("utf-8", "replace")

    def rows(self):
        """stdout as JSON lines; fails if there is anything else."""
        return [json.loads(line) for line in self.out.splitlines()]

    def error(self):
        """The last line of stderr under --json."""
        found = json.loads(self.err.splitlines()[-1])
        equal(set(found) >= {"error", "class", "message"}, True, found)
        return found

    def __repr__(self):
        return "%s\n  exit %d\n  stdout %s\n  stderr %s" % (self.args, self.code, self.out[:2000], self.err[:2000])


def clean_environment(**more):
    env = {name: value for name, value in os.environ.items() if not name.startswith("SATCHEL")}
    env.update(LC_ALL="C.UTF-8")
    env.update(more)
    return env


def satchel(*args, stdin=b"", expect=0, env=None, cwd=None):
    """Runs the command without a terminal; `expect` None: any exit code."""
    if isinstance(stdin, str):
        stdin = stdin.encode("utf-8")
    done = subprocess.run([SATCHEL, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
                          env=env or clean_environment(), timeout=COMMAND_TIME_MAX_S, start_new_session=True)
    result = Result(args, done.returncode, done.stdout, done.stderr)
    if expect is not None and result.code != expect:
        raise AssertionError("exit %d expected: %r" % (expect, result))
    return result


class Device:
    """A home with its passphrase file."""

    def __init__(self, folder, name, passphrase=None):
        self.name = name
        self.home = os.path.join(folder, "home-" + name)
        self.passphrase_file = os.path.join(folder, "passphrase-" + name)
        with open(self.passphrase_file, "w", encoding="utf-8") as file:
            file.write((passphrase or "correct horse %s" % name) + "\nonly the first line counts\n")

    def run(self, *args, **options):
        return satchel(*args, "--home", self.home, "--passphrase-file", self.passphrase_file, **options)

    def start(self, *args, **streams):
        """The command as a running process, its streams being pipes."""
        streams = dict(dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE), **streams)
        return subprocess.Popen([SATCHEL, *args, "--home", self.home, "--passphrase-file", self.passphrase_file],
                                env=clean_environment(), start_new_session=True, **streams)

    def rows(self, *args, **options):
        return self.run(*args, "--json", **options).rows()

    def row(self, *args, **options):
        rows = self.rows(*args, **options)
        equal(len(rows), 1, rows)
        return rows[0]

    def error(self, code, *args, **options):
        """Fails with that exit code, says nothing on stdout, and says why on stderr: {"error", "class", "message"}."""
        result = self.run(*args, "--json", expect=code, **options)
        equal(result.out, "", args)
        return result.error()

    def put(self, *args, **options):
        return self.row("put", *args, **options)["id"]

    def put_lines(self, lines, *args, **options):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        return self.rows("put", "--stdin", *args, stdin=text, **options)

    def fields(self, kind, key):
        return self.row("get", kind, key)["fields"]

    def sync(self, expect=0):
        result = self.row("sync", expect=expect)
        if expect == 0:
            equal(result["in_sync"], True, result)
        return result


class Server:
    """satcheld on one data directory; it keeps its port over stops and starts, as the homes remember its address."""

    def __init__(self, folder, options=()):
        self.data, self.options = os.path.join(folder, "server"), list(options)
        self.log = os.path.join(folder, "server.log")
        self.listen, self.url, self.pin, self.process = "127.0.0.1:0", None, None, None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([SATCHELD, "--data", self.data, "--listen", self.listen, *self.options],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            env=clean_environment())
        atexit.register(self.kill)
        line = self.process.stdout.readline()
        ready = json.loads(line)
        equal(ready["event"], "ready", ready)
        self.url, self.pin = ready["url"], ready["pin"]
        self.listen = "127.0.0.1:" + self.url.rsplit(":", 1)[1].rstrip("/")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=STOP_TIME_MAX_S)
        self.process.stdout.close()
        self.process = None

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def token(self):
        done = subprocess.run([SATCHELD, "token", "--data", self.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=clean_environment(), timeout=COMMAND_TIME_MAX_S)
        equal(done.returncode, 0, done)
        return done.stdout.decode("ascii").strip()


class PlainServer(Server):
    """satcheld without TLS, behind something whose address is the one that devices know: it has `url`, and passes on to
    `upstream`."""

    def __init__(self, folder, front):
        super().__init__(folder)
        self.front, self.options = front, ["--insecure-loopback"]

    def start(self):
        super().start()
        host, port = self.url.split("://")[1].rstrip("/").rsplit(":", 1)
        self.front.upstream = (host, int(port))
        self.url = self.front.url


class World:
    """A server with one organisation, its admin Andrew, and what people there are."""

    def __init__(self, org="Northwind", territories=(), options=()):
        self.folder = scratch()
        self.server = Server(self.folder, options)
        self.server.start()
        self.kit = os.path.join(self.folder, "kit.txt")
        self.admin = Device(self.folder, "Andrew")
        self.created = self.admin.row(*self.creation(kit=self.kit, name=org))
        for name in territories:
            self.admin.run("territory", "add", name)

    def creation(self, **given):
        """The words of an `org create`, with a new token unless one is given."""
        words = dict(server=self.server.url, pin=self.server.pin, name="Other", user="Andrew",
                     kit=os.path.join(self.folder, "other-kit"))
        words.update(given)
        words.setdefault("token", self.server.token())
        words["recovery-kit"] = words.pop("kit")
        return ["org", "create"] + ["--%s=%s" % pair for pair in words.items()]

    def invite(self, user):
        return self.admin.row("invite", user)["code"]

    def rep(self, name, *territories):
        """A new rep with a device."""
        self.admin.run("user", "add", name, "--role", "rep")
        for territory in territories:
            self.admin.run("territory", "grant", territory, name)
        device = Device(self.folder, name)
        device.run("join", self.invite(name))
        return device
