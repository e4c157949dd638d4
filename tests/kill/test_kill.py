"""kill -9 of both programs at random moments under load, with a ledger outside of them: what was acknowledged is there,
nothing is there twice, and what was not acknowledged is there whole or not at all.

KILLS (100) says how often; SEED which moments. Devices write, edit and sync side by side, each in a thread; now and
then its program dies, or the server does, and comes back on what it left behind. An acknowledgement is an exit code of
0 with all that the command prints; one by the server is a sync that ends in sync.
"""
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

from harness import Device, World, equal, run, test  # noqa: E402

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
KILLS = int(os.environ.get("KILLS") or 100)
DEVICES, BATCH = 3, 12
TIME_MAX_S = 60 + 3 * KILLS


class Ledger:
    """What one device was told. Written by its thread alone."""

    def __init__(self):
        self.created = {}    # id -> name, acknowledged
        self.uncertain = []  # batches that died: {id: name}
        self.edited = {}     # id -> (last acknowledged number, those tried since)
        self.on_server = {}  # id -> number that a sync confirmed


class Worker(threading.Thread):
    def __init__(self, number, device, counters, stop):
        super().__init__()
        self.number, self.device, self.counters, self.stop_wanted = number, device, counters, stop
        self.rng = random.Random(SEED * 16 + number)
        self.ledger = Ledger()
        self.names = 0
        self.failure = None
        self.took = {"batch": 0.1, "edit": 0.1, "sync": 0.2}  # seconds, as measured

    def run(self):
        try:
            while not self.stop_wanted.is_set():
                kind = self.rng.choice(("batch", "edit", "edit", "sync", "sync"))
                if kind == "edit" and not self.ledger.created:
                    kind = "batch"
                getattr(self, kind)()
        except Exception as failure:  # shown by the test
            self.failure = failure
            self.stop_wanted.set()

    def command(self, kind, *args, stdin=b""):
        """Runs it, or kills it on the way. Returns (exit code or None if it was killed, stdout)."""
        process = self.device.start(*args, "--json", stdin=subprocess.PIPE)
        kills = self.rng.random() < 0.6
        begun = time.monotonic()
        feeder = threading.Thread(target=self.feed, args=(process, stdin))
        feeder.start()
        if kills:
            try:
                process.wait(timeout=self.rng.random() * 1.1 * self.took[kind])
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        out = process.stdout.read()
        err = process.stderr.read().decode("utf-8", "replace")
        code = process.wait(timeout=120)
        feeder.join()
        process.stdout.close()
        process.stderr.close()
        if code == -signal.SIGKILL:
            self.counters.killed("device")
            return None, out
        if not kills:
            self.took[kind] = 0.8 * self.took[kind] + 0.2 * (time.monotonic() - begun)
        if code not in (0, 3):
            raise AssertionError("%s of device %d: exit %d: %s" % (args[:2], self.number, code, err))
        return code, out

    @staticmethod
    def feed(process, stdin):
        try:
            process.stdin.write(stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass

    def batch(self):
        lines, made = [], {}
        for _ in range(BATCH):
            self.names += 1
            key, name = str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), "k%d-%d" % (self.number, self.names)
            made[key] = name
            lines.append('{"type":"account","id":"%s","fields":{"name":"%s"}}\n' % (key, name))
        code, out = self.command("batch", "put", "--stdin", stdin="".join(lines).encode())
        if code == 0 and out.count(b"\n") == BATCH:
            self.ledger.created.update(made)
        else:
            self.ledger.uncertain.append(made)

    def edit(self):
        key = self.rng.choice(sorted(self.ledger.created))
        last, tried = self.ledger.edited.get(key, (0, []))
        number = max([last] + tried) + 1
        code, out = self.command("edit", "put", "account", key, "city=v%d" % number)
        if code == 0 and out.endswith(b"\n"):
            self.ledger.edited[key] = (number, [])
        else:
            self.ledger.edited[key] = (last, tried + [number])

    def sync(self):
        before = {key: self.ledger.edited.get(key, (0, []))[0] for key in self.ledger.created}
        code, out = self.command("sync", "sync", "--timeout", "20")
        if code == 0 and b'"in_sync":true' in out:
            self.ledger.on_server.update(before)
            self.counters.synced()


class Counters:
    def __init__(self):
        self.lock = threading.Lock()
        self.of = {"device": 0, "server": 0}
        self.syncs = 0

    def killed(self, whom):
        with self.lock:
            self.of[whom] += 1

    def synced(self):
        with self.lock:
            self.syncs += 1

    def total(self):
        return sum(self.of.values())


def kill_server_now_and_then(world, counters, stop, rng):
    while not stop.wait(0.1 + rng.random() * 0.9):
        world.server.process.send_signal(signal.SIGKILL)
        world.server.process.wait()
        world.server.process.stdout.close()
        counters.killed("server")
        world.server.start()


def number_of(row):
    value = row.get("city")
    return int(value[1:]) if value else 0


def check(ledgers, rows, on_server_alone=False):
    """The rows of one device against what was acknowledged."""
    by_id = {row["id"]: row for row in rows}
    equal(len(by_id), len(rows), "ids twice")
    names = [row["name"] for row in rows]
    equal(len(set(names)), len(names), "names twice")
    for ledger in ledgers:
        for key in ledger.on_server if on_server_alone else ledger.created:
            if key not in by_id:
                raise AssertionError("%s was acknowledged and is missing" % ledger.created[key])
            equal(by_id[key]["name"], ledger.created[key])
            last, tried = ledger.edited.get(key, (0, []))
            least = ledger.on_server[key] if on_server_alone else last
            here = number_of(by_id[key])
            if here < least or (not on_server_alone and here != last and here not in tried):
                raise AssertionError("%s shows edit %d; %d was acknowledged, %s tried since" %
                                     (ledger.created[key], here, least, tried))
        for made in ledger.uncertain:
            here = [key in by_id for key in made]
            if any(here) and not all(here):
                raise AssertionError("a transaction is there in part: %s" % made)


@test
def what_was_acknowledged_survives_every_kill():
    print("seed %d, %d kills" % (SEED, KILLS), flush=True)
    world = World(territories=["North"])
    devices = [world.rep("rep%d" % n, "North") for n in range(DEVICES)]
    stop, counters = threading.Event(), Counters()
    workers = [Worker(n, device, counters, stop) for n, device in enumerate(devices)]
    reaper = threading.Thread(target=kill_server_now_and_then,
                              args=(world, counters, stop, random.Random(SEED * 16 + 15)))
    begun = time.monotonic()
    for thread in workers + [reaper]:
        thread.start()
    while counters.total() < KILLS and time.monotonic() - begun < TIME_MAX_S and not stop.wait(0.05):
        pass
    stop.set()
    for thread in workers + [reaper]:
        thread.join()
    for worker in workers:
        if worker.failure:
            raise worker.failure
    ledgers = [worker.ledger for worker in workers]
    made = sum(len(ledger.created) for ledger in ledgers)
    print("killed: %d times a device's program, %d times the server; %d syncs, %d records acknowledged" %
          (counters.of["device"], counters.of["server"], counters.syncs, made))
    if counters.total() < KILLS:
        raise AssertionError("only %d kills in %d s" % (counters.total(), TIME_MAX_S))

    # Somebody who comes now has what the server acknowledged, whatever becomes of those who wrote it.
    late = world.rep("late", "North")
    check(ledgers, late.rows("list", "account"), on_server_alone=True)
    for device in devices + devices + [late]:
        device.sync()
    for device in devices + [late]:
        check(ledgers, device.rows("list", "account"))
        equal(device.row("status")["pending"], 0)
    shown = [sorted((row["id"], row["name"], number_of(row)) for row in d.rows("list", "account"))
             for d in devices + [late]]
    for other in shown[1:]:
        equal(other, shown[0], "devices differ")
    for device in devices:
        device.run("doctor")


if __name__ == "__main__":
    run()
