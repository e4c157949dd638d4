#!/usr/bin/env python3
"""Measures Satchel with its real programs on this machine, each figure beside what the parts alone can do,
measured in the same run.

    [QUICK=1] tests/bench/bench.py [--build DIR] [--json] [NAME…]

NAME: push pull wire reconnect live load idle unlock put view find report fleet memory engine (all of them: some
fifteen minutes). The ratios are what to compare between machines and runs; absolute figures of a machine with other
work on it say little. A mark is what was set out to be reached."""
import argparse
import concurrent.futures
import glob
import json
import os
import shutil
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crowd import Crowd  # noqa: E402
from business import TODAY, business  # noqa: E402
from ground import MB, Fleet, Ground, Lines, Ran, Relay, Server, customers, machine_busy_s  # noqa: E402
from ground import percentile, say, visits  # noqa: E402

# QUICK (environment; .ci/run): that everything runs. Such figures say nothing.
QUICK = bool(os.environ.get("QUICK"))
RECORDS = 5000 if QUICK else 100000
ROUNDS = 1 if QUICK else 2
WRITER, READER = 0, 2  # of different people, in one territory
BODY_BYTES = 300       # before compression and sealing
IDLE_ORGS, IDLE_DEVICES = 20, 50  # a device that joins verifies all links before it: smaller orgs are made faster
VIEWED = (1000, 5000) if QUICK else (1000, 30000, 100000)
STORED = (10000, 1000000)
FIRST_SYNC, TRIPS = 500000, 200
REPORTED = (1000,) if QUICK else (30000, 100000)
SEARCHED = (1000,) if QUICK else (30000, 100000)
# One character, two in both spellings, what every company is called, a whole name, beginnings of Latin words, several.
QUESTIONS = ("王", "的", "公", "关系", "關係", "有限公司", "上海华安科技有限公", "臺北華達",
             "schm", "k", "konigl", "138", "北京 schmidt", "王 采购", "关系 客户 北京", "满意北京")


class Floors:
    """What the parts can do, measured when a figure first asks for it."""

    def __init__(self, ground):
        self.ground, self.known, self.body_bytes, self.certificate = ground, {}, 176, None

    def us(self, name):
        if name not in self.known:
            for row in Ran(self.ground, [self.ground.program("bench_engine"), str(self.body_bytes), name]).rows():
                self.known[row["name"]] = row["us"]
        return self.known[name]

    def transfer(self, direction, size, frame):
        """Seconds for `size` bytes in frames of `frame` over libwebsockets and TLS; and of making a connection for
        it."""
        best = {}
        for _ in range(3):
            for row in Ran(self.ground, [self.ground.program("bench_transfer"), *self.certificate, str(size),
                    str(frame),
                                         direction]).rows():
                best[row["name"]] = min(best.get(row["name"], row["us"]), row["us"])
        return best["transfer_" + direction] * size / 1e6, best["connect"] / 1e6


class Bench:
    def __init__(self, args):
        self.as_json, self.ground = args.json, Ground(args.build)
        self.floors = Floors(self.ground)
        self.server = self.fleet = None
        self.records = visits(RECORDS, 1)
        self.missed = self.reached = 0

    # ---- printing ----

    def figure(self, name, value, unit, floors=(), mark=None, at_least=True, **more):
        """`floors`: (name, value in the same unit, whether more is better) each."""
        row = {"figure": name, "value": round(value, 3), "unit": unit,
               "floors": {floor: {"value": round(at, 3), "ratio": round(value / at, 3)} for floor, at in floors}}
        if mark is not None:
            row["mark"], row["reached"] = mark, (value >= mark) if at_least else (value <= mark)
            self.reached, self.missed = self.reached + row["reached"], self.missed + (not row["reached"])
        row.update(more)
        if self.as_json:
            print(json.dumps(row, ensure_ascii=False), flush=True)
            return
        print("%-26s %12s %-12s%s" % (name, shown(value), unit, "" if mark is None else "mark %s: %s" % (
            shown(mark), "reached" if row["reached"] else "missed")))
        for floor, at in floors:
            print("    %-40s %12s   ratio %.3f" % (floor, shown(at), value / at))
        for key, one in more.items():
            print("    %-40s %12s" % (key, shown(one)))
        sys.stdout.flush()

    # ---- the world in which records are pushed and pulled ----

    def world(self):
        """A server with an org and, on one device, records that are not pushed yet; as it was made, whatever
        happened since."""
        kept = os.path.join(self.ground.folder, "kept")
        if not self.server:
            self.server = Server(self.ground, "server")
            self.server.start()
            self.fleet = Fleet(self.ground, self.server, "fleet", 1, 4)
            self.floors.certificate = self.server.certificate()
        elif self.server.process.poll() is None:
            self.server.stop()
        if not os.path.exists(kept):
            self.put_time = self.fleet.satchel(WRITER, "put", "--stdin", stdin=self.records)
            if self.server.process.poll() is None:
                self.server.stop()
            os.mkdir(kept)
            for path in (self.server.data, self.fleet.folder):
                shutil.copytree(path, os.path.join(kept, os.path.basename(path)))
        for path in (self.server.data, self.fleet.folder):
            shutil.rmtree(path)
            shutil.copytree(os.path.join(kept, os.path.basename(path)), path)
        self.server.start()

    def stored_bytes(self):
        """The average length of a sealed body in the server's store."""
        path, = [path for path in glob.glob(os.path.join(self.server.data, "orgs", "*.db"))]
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as database:
            return database.execute("SELECT avg(length(body)) FROM change WHERE length(body) > 128").fetchone()[0]

    def timed_sync(self, device):
        """The sync of one device: what it took on both sides."""
        before, busy_s = self.server.cpu_s(), machine_busy_s()
        ran = self.fleet.sync(device)
        server_cpu_s, busy_s = self.server.cpu_s() - before, machine_busy_s() - busy_s
        return {"wall_s": ran.wall_s, "client_cpu_s": ran.cpu_s, "server_cpu_s": server_cpu_s,
                "others_cpu_s": max(0, busy_s - ran.cpu_s - server_cpu_s),
                "client_peak_mb": ran.peak_bytes / MB, "server_peak_mb": self.server.memory("VmHWM") / MB,
                "result": ran.rows()[-1]}

    def push_and_pull(self):
        if hasattr(self, "pushed"):
            return
        self.pushed, self.pulled = [], []
        for number in range(ROUNDS):
            say("push and pull, round %d of %d" % (number + 1, ROUNDS))
            self.world()
            self.pushed.append(self.timed_sync(WRITER))
            self.pulled.append(self.timed_sync(READER))
            self.idle_s = self.fleet.sync(READER).wall_s
        self.floors.body_bytes = round(self.stored_bytes())

    def rate(self, name, rounds, direction, mark):
        best = min(rounds, key=lambda one: one["wall_s"])
        wire = RECORDS * (self.floors.body_bytes + 30)
        transfer_s, _ = self.floors.transfer(direction, wire, 256 * 1024)
        self.figure(
            name, RECORDS / best["wall_s"], "records/s",
            [("SQLite insert, same index", 1e6 / self.floors.us("insert")),
             ("SQLite insert, same index, view row", 1e6 / self.floors.us("insert_view")),
             ("transfer of the same bytes over TLS", RECORDS / transfer_s)],
            mark, wall_s=best["wall_s"], client_cpu_s=best["client_cpu_s"], server_cpu_s=best["server_cpu_s"],
            others_cpu_s=best["others_cpu_s"],
            records_per_busiest_cpu_s=RECORDS / max(best["client_cpu_s"], best["server_cpu_s"]),
            client_peak_mb=best["client_peak_mb"], server_peak_mb=best["server_peak_mb"])

    # ---- figures ----

    def push(self):
        self.push_and_pull()
        self.rate("push", self.pushed, "up", 50000)

    def pull(self):
        self.push_and_pull()
        self.rate("pull", self.pulled, "down", 50000)

    def relayed(self, port_of):
        self.server.stop()
        relay = Relay(self.server.port, self.server.start(0))
        return relay

    def wire(self):
        """Bytes that a record takes on the wire, all of TLS and WebSocket included, and an idle reconnect."""
        self.world()
        relay = self.relayed(self.server)
        self.fleet.sync(WRITER)
        pushed = relay.up, relay.down
        self.fleet.sync(READER)
        pulled = relay.up - pushed[0], relay.down - pushed[1]
        before = relay.up, relay.down
        self.fleet.sync(READER)
        again = relay.up - before[0], relay.down - before[1]
        relay.close()
        body = self.stored_bytes()
        floors = [("the record's own bytes", BODY_BYTES), ("its sealed body", body)]
        self.figure("wire_push", pushed[0] / RECORDS, "bytes/record", floors, back=pushed[1] / RECORDS)
        self.figure("wire_pull", pulled[1] / RECORDS, "bytes/record", floors, back=pulled[0] / RECORDS)
        self.figure("wire_reconnect", sum(again), "bytes", (), up=again[0], down=again[1])

    def device(self, *args):
        return Ran(self.ground, [self.ground.program("bench_devices"), *[str(arg) for arg in args]])

    def reconnect(self):
        self.world()
        rows = self.device("sync", self.fleet.home(READER), 30).rows()
        times = [row["ns"] / 1e6 for row in rows[1:]]
        _, connect_s = self.floors.transfer("up", 1, 1024)
        self.figure("reconnect", percentile(times, 0.5), "ms", [("a TLS and WebSocket connection", connect_s * 1e3)],
                    p99=percentile(times, 0.99), command_ms=self.fleet.sync(READER).wall_s * 1e3)

    def live_times(self, how, changes):
        """What the writer says of so many changes, and the milliseconds after which a connected reader has had each."""
        reader = self.ground.start("bench_devices", "read", self.fleet.home(READER))
        lines = Lines(reader)
        if not lines.wait(lambda rows: any(row["event"] == "in_sync" for row in rows), 60):
            raise SystemExit("the reader did not come into sync")
        written = self.device(how, self.fleet.home(WRITER), changes, 20).rows()
        lines.wait(lambda rows: {row["id"] for row in written} <= {row.get("id") for row in rows}, 10)
        reader.stdin.close()
        if reader.wait():
            raise SystemExit("the reader failed")
        seen = {row["id"]: row["ns"] for row in reversed(lines.rows) if row["event"] == "record"}
        return written, [(seen[row["id"]] - row["committed_ns"]) / 1e6 for row in written]

    def live(self):
        """One change from the commit on one device to its arrival on another."""
        self.world()
        self.fleet.sync(WRITER)
        self.fleet.sync(READER)
        _, connect_s = self.floors.transfer("up", 1, 1024)
        commit_us = self.floors.us("commit")
        written, times = self.live_times("stay", 300)
        self.figure("live", percentile(times, 0.5), "ms", [("three commits", 3 * commit_us / 1e3)],
                    p99=percentile(times, 0.99), worst=max(times))
        commits = [(row["committed_ns"] - row["begin_ns"]) / 1e3 for row in written]
        written, times = self.live_times("write", 200)
        self.figure("live_reconnecting", percentile(times, 0.5), "ms",
                    [("a TLS connection and three commits", connect_s * 1e3 + 3 * commit_us / 1e3)],
                    p99=percentile(times, 0.99), worst=max(times))
        self.figure("put_commit", percentile(commits, 0.5), "µs", [("SQLite, one row a commit", commit_us)],
                    p99=percentile(commits, 0.99))

    def load(self):
        """One change's way to the server and its acknowledgement, for a device in another territory, while somebody
        does a first sync of many records: against the same on the idle server."""
        server = Server(self.ground, "load-server")
        server.start()
        fleet = Fleet(self.ground, server, "load", 2, 8)  # two devices a person, people in the territories in turn
        newcomers, other = (4, 5), 2
        for part in range(FIRST_SYNC // RECORDS):
            say("storing %d of %d" % ((part + 1) * RECORDS, FIRST_SYNC))
            fleet.satchel(WRITER, "put", "--stdin", stdin=visits(RECORDS, 20 + part))
            fleet.sync(WRITER)
        trip = lambda row: (row["synced_ns"] - row["committed_ns"]) / 1e6  # noqa: E731
        idle = [trip(row) for row in self.device("stay", fleet.home(other), 2 * TRIPS, 3).rows()]
        trips, synced_s = [], []
        for newcomer in newcomers:  # one may be through before there are enough
            if len(trips) >= TRIPS:
                break
            writer = self.ground.start("bench_devices", "stay", fleet.home(other), 100 * TRIPS, 3)
            lines = Lines(writer)
            lines.wait(lambda rows: len(rows) >= 20, 30)
            begun = time.monotonic_ns()
            synced_s.append(fleet.sync(newcomer).wall_s)
            ended = time.monotonic_ns()
            trips += [trip(row) for row in list(lines.rows)
                      if begun <= row["committed_ns"] and row["synced_ns"] <= ended]
            writer.kill()
            writer.wait()
        server.stop()
        middle = percentile(idle, 0.5)
        self.figure("load_delay", percentile(trips, 0.5) / middle, "times", (), 2, False, n=len(trips),
                    idle_median_ms=middle, idle_p99_ms=percentile(idle, 0.99), loaded_median_ms=percentile(trips, 0.5),
                    loaded_p99_ms=percentile(trips, 0.99), first_sync_s=synced_s[0])

    def idle(self):
        """Devices that are connected and do nothing."""
        server = Server(self.ground, "idle-server")
        server.start()
        say("making %d devices" % (IDLE_ORGS * IDLE_DEVICES))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            fleets = list(pool.map(lambda number: Fleet(self.ground, server, "idle-%d" % number, 2, IDLE_DEVICES),
                                   range(IDLE_ORGS)))
        before = server.memory()
        began = time.monotonic()
        crews = []
        for fleet in fleets:
            crews.append(self.ground.start("bench_devices", "idle", fleet.folder, 0, IDLE_DEVICES))
            if not Lines(crews[-1]).wait(all_connected, 120):
                raise SystemExit("the idle devices did not all connect")
        connected_s = time.monotonic() - began
        time.sleep(5)
        cpu_s, began = server.cpu_s(), time.monotonic()
        time.sleep(20)
        cpu = (server.cpu_s() - cpu_s) / (time.monotonic() - began) * 100
        memory = server.memory() - before
        for crew in crews:
            crew.stdin.close()
        if any([crew.wait() for crew in crews]):
            raise SystemExit("an idle device failed")
        server.stop()
        devices = IDLE_ORGS * IDLE_DEVICES
        self.figure("idle_memory", memory / devices / 1024, "KiB/device", (), server_mb=(before + memory) / MB)
        self.figure("idle_cpu", cpu, "% of a core", (), devices=devices, all_connected_s=connected_s)

    def unlock(self):
        """From a command's start to its answer, with the passphrase hashed as it is for everybody."""
        self.world()
        home, words = os.path.join(self.ground.folder, "locked"), ["--home", os.path.join(self.ground.folder, "locked")]
        words += ["--passphrase-file", self.ground.passphrase_file, "--json"]
        Ran(self.ground, [self.ground.satchel, "org", "create", "--server", self.server.url, "--pin", self.server.pin,
                "--token",
             self.server.token(), "--name", "Other", "--user", "Admin", "--recovery-kit", home + "-kit"] + words)
        full = min(Ran(self.ground, [self.ground.satchel, "status"] + words).wall_s for _ in range(10))
        weak = min(self.fleet.satchel(READER, "status").wall_s for _ in range(10))
        self.figure("unlock", full * 1e3, "ms", [("Argon2id", self.floors.us("argon2id") / 1e3)],
                without_hashing_ms=weak * 1e3)

    def put(self):
        self.world()
        account = "01900000-0000-7000-8000-000000000000"
        one = min(self.fleet.satchel(WRITER, "put", "visit", "account=" + account, "purpose=order", "note=shelf").wall_s
                  for _ in range(10))
        self.figure("put_command", one * 1e3, "ms", [("SQLite, one row a commit", self.floors.us("commit") / 1e3)])
        self.figure("put_many", RECORDS / self.put_time.wall_s, "records/s",
                    [("SQLite insert, same index", 1e6 / self.floors.us("insert"))], cpu_s=self.put_time.cpu_s,
                    peak_mb=self.put_time.peak_bytes / MB)

    def view(self):
        """The view of a home, by what is stored: building it, opening it, following one change."""
        server = Server(self.ground, "view-server")
        server.start()
        fleet, stored, took = Fleet(self.ground, server, "view", 1, 4), 0, []
        for goal in VIEWED:
            fleet.satchel(WRITER, "put", "--stdin", stdin=b"".join(visits(RECORDS, 50).splitlines(True)[stored:goal]))
            fleet.sync(WRITER)
            stored = goal
            say("the view of %d records" % goal)
            rows = Ran(self.ground, [self.ground.program("bench_view"), fleet.home(WRITER)]).rows()
            took.append({row["name"]: row["us"] for row in rows if "name" in row})
            took[-1]["bytes"] = rows[-1]["bytes"]
        server.stop()
        by = lambda name: {"us_at_%d" % goal: at[name] for goal, at in zip(VIEWED, took)}  # noqa: E731
        last = took[-1]
        self.figure("view_open", last["open"] / took[0]["open"], "times", (), 1.5, False, **by("open"))
        self.figure("view_refresh", last["refresh"] / took[0]["refresh"], "times", (), 1.5, False, **by("refresh"))
        self.figure("view_build", last["anew"] / last["memory"], "times of memory", (), 1.33, False, **by("anew"),
                    memory_us=last["memory"], file_mb=last["bytes"] / MB, again_us=last["again"])

    def find(self):
        """Questions on a device that holds so many records, by the slowest of them; and what the view costs that has
        the index: made at the first question after they came."""
        for n in SEARCHED:
            server = Server(self.ground, "find-server-%d" % n)
            server.start()
            fleet = Fleet(self.ground, server, "find-%d" % n, 1, 1)
            server.stop()
            fleet.satchel(WRITER, "put", "--stdin", stdin=customers(n, 1))
            rows = Ran(self.ground, [self.ground.program("bench_find"), fleet.home(WRITER), self.ground.passphrase_file,
                                     *QUESTIONS]).rows()
            view, asked = rows[0], rows[1:]
            self.figure("find_%d" % n, max(row["ms"] for row in asked), "ms, slowest", (), 50, False,
                        median_ms=percentile([row["ms"] for row in asked], 0.5),
                        slowest_first_ms=max(row["first_ms"] for row in asked),
                        slowest_first_cpu_ms=max(row["first_cpu_ms"] for row in asked), view_made_ms=view["ms"],
                        view_bytes_a_record=os.path.getsize(os.path.join(fleet.home(WRITER), "view.db")) / n,
                        ms={row["question"]: round(row["ms"], 2) for row in asked})

    def report(self):
        """What somebody waits for on a device that holds a year's business of so many records: each report against
        reading the rows once that it is about, a question against looking through all names, a put against a commit."""
        for n in REPORTED:
            server = Server(self.ground, "report-server-%d" % n)
            server.start()
            fleet = Fleet(self.ground, server, "report-%d" % n, 1, 4)
            server.stop()
            owners = [row["id"] for row in fleet.satchel(WRITER, "list", "user").rows()]
            fleet.satchel(WRITER, "put", "--stdin", stdin=business(n, owners, 1))
            say("the reports of %d records" % n)
            rows = Ran(self.ground, [self.ground.program("bench_report"), fleet.home(WRITER), str(TODAY)]).rows()
            took, first = {row["name"]: row["ms"] for row in rows}, {row["name"]: row["first_ms"] for row in rows}
            floors = {"find": ("all names, looked through", took.pop("look")), "put": (
                "SQLite, one row a commit", self.floors.us("commit") / 1e3), "open": None, "page": None, "day": None}
            floors["follow"], scan = floors["put"], ("the same rows, read once", took.pop("scan"))
            for name, ms in took.items():
                floor = floors.get(name, scan)
                self.figure("report_%s_%d" % (name, n) if name not in floors else "home_%s_%d" % (name, n), ms, "ms",
                            [floor] if floor else (), first_ms=first[name])

    def fleet_of_thousands(self):
        Crowd(self).run()

    def memory(self):
        """The server's peak for the same work (a new device pulls a thousand of many, one pushes a thousand) by
        what is stored."""
        self.server_for_memory = server = Server(self.ground, "memory-server")
        server.start()
        fleet = Fleet(self.ground, server, "memory", 1, 4)
        peaks, stored = [], 0
        for goal in STORED:
            while stored < goal:
                n = min(RECORDS, goal - stored)
                say("storing %d of %d" % (stored + n, goal))
                fleet.satchel(WRITER, "put", "--stdin", stdin=b"".join(self.records.splitlines(True)[:n]))
                fleet.sync(WRITER)
                stored += n
            fleet.sync(READER)
            server.stop()
            server.start()
            fleet.satchel(WRITER, "put", "--stdin", stdin=visits(1000, goal))
            fleet.sync(WRITER)
            fleet.sync(READER)
            stored += 1000
            peaks.append(server.memory("VmHWM") / MB)
        server.stop()
        self.figure("server_memory_growth", peaks[1] / peaks[0], "times", (), 1.1, False,
                    **{"server_mb_at_%d" % at: peak for at, peak in zip(STORED, peaks)})

    def engine(self):
        for name, floor in (("seal", "seal"), ("unseal", "unseal"), ("digest", "lthash"), ("decode", "hash")):
            self.figure("engine_" + name, self.floors.us("engine_" + name), "µs/change",
                        [("%s alone" % floor, self.floors.us(floor))])
        self.figure("engine_verify", self.floors.us("verify"), "µs/bundle", (), sign_us=self.floors.us("sign"))


def all_connected(rows):
    return len({row["device"] for row in rows if row["event"] == "in_sync"}) == IDLE_DEVICES


def shown(value):
    if isinstance(value, float):
        return "%.3f" % value if abs(value) < 10 else "%.1f" % value if abs(value) < 10000 else "%d" % value
    return str(value)


QUICK_NAMES = ("push", "pull", "wire", "reconnect", "live", "put", "view", "find", "report", "engine")
NAMES = ("push", "pull", "wire", "reconnect", "live", "load", "idle", "unlock", "put", "view", "find", "report",
         "fleet", "memory", "engine")
METHODS = {"fleet": "fleet_of_thousands"}  # an attribute has that name


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(os.path.dirname(__file__), "..", "..", ".build", "release"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(NAMES))
    args = parser.parse_args()
    unknown = set(args.names) - set(NAMES)
    if unknown:
        parser.error("no figure is called %s" % ", ".join(sorted(unknown)))
    began, bench = time.monotonic(), Bench(args)
    for name in NAMES:
        if name in (args.names or (QUICK_NAMES if QUICK else NAMES)):
            say("%s, after %d s" % (name, time.monotonic() - began))
            getattr(bench, METHODS.get(name, name))()
    say("%d marks reached, %d missed; %d s" % (bench.reached, bench.missed, time.monotonic() - began))


if __name__ == "__main__":
    main()
