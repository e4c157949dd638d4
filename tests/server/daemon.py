"""A satcheld of one's own: started on a free port, read until it is ready, stopped and waited for."""
import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("SATCHELD", os.path.join(ROOT, ".build", "debug", "satcheld"))


def _is_sanitized():
    try:
        with open(BINARY, "rb") as file:
            return b"__asan_init" in file.read()
    except OSError:
        return False


SANITIZED = _is_sanitized()  # its memory says nothing


def run(*arguments, **options):
    """A command of satcheld that ends by itself."""
    return subprocess.run([BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30,
                          **options)


def make_token(data):
    done = run("token", "--data", data)
    if done.returncode:
        raise AssertionError("satcheld token: %d %s" % (done.returncode, done.stderr))
    return done.stdout.strip()


class Daemon:
    def __init__(self, data, *options, listen="127.0.0.1:0", file_bytes_max=None):
        self.data = data
        self.log_file = tempfile.TemporaryFile("w+")
        # The position is shared with the server: what it writes goes to the end all the same.
        fcntl.fcntl(self.log_file, fcntl.F_SETFL, fcntl.fcntl(self.log_file, fcntl.F_GETFL) | os.O_APPEND)
        # A disk that is full, for one process.
        limit = [] if file_bytes_max is None else ["prlimit", "--fsize=%d" % file_bytes_max]
        self.process = subprocess.Popen([*limit, BINARY, "--data", data, "--listen", listen, *options],
                                        stdout=subprocess.PIPE, stderr=self.log_file)
        self.ready_line = self._read_ready()
        ready = json.loads(self.ready_line)
        self.url, self.pin = ready["url"], bytes.fromhex(ready["pin"])
        self.tls = self.url.startswith("wss://")
        self.host, port = self.url.split("://")[1].rsplit(":", 1)
        self.port = int(port)

    def _read_ready(self):
        readable, _, _ = select.select([self.process.stdout], [], [], 20)
        line = self.process.stdout.readline().decode() if readable else ""
        if not line:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            raise AssertionError("satcheld did not get ready:\n" + self.log())
        return line

    def log(self):
        self.log_file.flush()
        self.log_file.seek(0)
        return self.log_file.read()

    def events(self):
        """The log as objects."""
        return [json.loads(line) for line in self.log().splitlines(True) if line.endswith("\n")]

    def wait_for_event(self, name, seconds=5):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [event for event in self.events() if event["event"] == name]
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError("no event %s in the log:\n%s" % (name, self.log()))

    def rss_kb(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def descriptors(self):
        return len(os.listdir(self.descriptors_folder()))

    def descriptors_folder(self):
        """What it has open is not even for its own user to see, as it is no process to look into."""
        folder = "/proc/%d/fd" % self.process.pid
        if not os.access(folder, os.R_OK):
            raise unittest.SkipTest("only root sees what the server has open")
        return folder

    def stop(self, signal_number=signal.SIGTERM, seconds=15):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("satcheld did not stop within %d s:\n%s" % (seconds, self.log()))
        finally:
            self.rest_of_stdout = self.process.stdout.read().decode()
            self.process.stdout.close()
        return code
