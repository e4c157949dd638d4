#!/usr/bin/env python3
"""Devices that work, drop and come back against one server for a while, with its memory and everybody's waiting
sampled.

    tests/bench/soak.py [--build DIR] [--for SECONDS] [--devices N] [--seed N] [--json]

Closes with a table and 'N passed, N failed': the server's memory is flat, no sync failed, and in the end every
device is in sync
and holds what the others of its territory hold."""
import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ground import MB, Fleet, Ground, Server, environment, percentile, say  # noqa: E402

TERRITORIES = 10
DEVICES_A_PERSON = 2
CREWS = 4                 # processes that start and kill the others
# Of the time: the store's page cache (2 MB) fills with what is written, all have connected once
WARM_UP_SHARE = 0.5
SLOPE_MB_HOUR_MAX = 8     # after it, by least squares; what one sample in a short run may be off by comes on top
NOISE_MB = 2.0
SYNC_P99_MS_MAX = 10000


class Tally:
    """What the devices tell, without keeping all of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.syncs, self.errors, self.sent, self.delays_ms = [], {}, {}, []
        self.live = set()  # those that have caught up and stay connected
        self.cuts = self.failed = self.received = self.visits = 0

    def take(self, row):
        event = row["event"]
        with self.lock:
            if event == "sync" and row["ok"]:
                self.syncs.append(row["ms"])
            elif event == "sync":
                self.errors[row["error"] or "not in sync"] = self.errors.get(row["error"] or "not in sync", 0) + 1
            elif event == "wrote":
                self.visits += 1
            elif event == "sends":
                self.sent[row["id"]] = row["ns"]
            elif event == "connected":
                self.live.discard(row["device"])
            elif event == "in_sync":
                self.live.add(row["device"])
            elif event == "record" and row["device"] in self.live:
                self.received += 1
                if row["id"] in self.sent:
                    self.delays_ms.append((row["ns"] - self.sent[row["id"]]) / 1e6)
            elif event == "cut":
                self.cuts += 1
            elif event == "failed":
                self.failed += 1

    def listen(self, process):
        for line in process.stdout:
            try:
                self.take(json.loads(line))
            except ValueError:  # the end of a line by a device that was cut off is nobody's fault
                continue


def slope(samples):
    """Least squares, units a second; `samples`: (second, value)."""
    n = len(samples)
    mean_x, mean_y = sum(x for x, _ in samples) / n, sum(y for _, y in samples) / n
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


class Soak:
    def __init__(self, args):
        self.args, self.ground, self.tally = args, Ground(args.build), Tally()
        self.passed = self.failed = 0
        self.samples, self.cpu = [], []

    def check(self, what, good, details=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print("%s  %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": %s" % details), flush=True)

    def soak(self, server, fleet):
        share = self.args.devices // CREWS
        crews, listeners = [], []
        for i in range(CREWS):
            count = share if i < CREWS - 1 else self.args.devices - share * (CREWS - 1)
            crews.append(self.ground.start("bench_soak", "work", fleet.folder, TERRITORIES, i * share, count,
                    self.args.seed + i))
            listeners.append(threading.Thread(target=self.tally.listen, args=(crews[-1],), daemon=True))
            listeners[-1].start()
        began, cpu_s = time.monotonic(), server.cpu_s()
        every = max(0.5, self.args.seconds / 600)
        while time.monotonic() - began < self.args.seconds:
            time.sleep(every)
            self.samples.append((time.monotonic() - began, server.memory() / MB))
        self.cpu_share = (server.cpu_s() - cpu_s) / (time.monotonic() - began)
        for crew in crews:
            crew.stdin.close()
        self.crews_failed = [crew.wait() for crew in crews]
        for listener in listeners:
            listener.join(10)

    def settle(self, fleet, command):
        """Runs the command for all devices, two at a time: the lines and the exit codes."""
        half = self.args.devices // 2
        running = [subprocess.Popen([self.ground.program("bench_soak"), command, fleet.folder, str(first), str(count)],
                                    stdout=subprocess.PIPE, env=environment())
                   for first, count in ((0, half), (half, self.args.devices - half))]
        self.ground.started += running
        rows = [json.loads(line) for process in running for line in process.communicate()[0].splitlines()]
        return rows, [process.returncode for process in running]

    def settled(self, fleet):
        """Everybody syncs twice: what the last one sends, the first one has to fetch again. Then what each holds."""
        failures = []
        for _ in range(2):
            rows, codes = self.settle(fleet, "settle")
            failures += [code for code in codes if code]
            failures += [row for row in rows if row["event"] == "sync" and not row["ok"]]
        states, codes = self.settle(fleet, "state")
        return states, failures + [code for code in codes if code]

    def run(self):
        args = self.args
        server = Server(self.ground, "server")
        server.start()
        say("making %d devices" % args.devices)
        fleet = Fleet(self.ground, server, "fleet", TERRITORIES, args.devices)
        self.settle(fleet, "settle")  # whoever joined early hears of the others
        say("soaking for %d s" % args.seconds)
        self.soak(server, fleet)
        say("settling")
        states, failures = self.settled(fleet)
        alive = server.process.poll() is None
        peak_mb = server.memory("VmHWM") / MB if alive else 0
        server.stop()
        self.judge(server, states, failures, alive)
        self.print_table(states, peak_mb)
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        return self.failed

    def judge(self, server, states, failures, alive):
        tally = self.tally
        warm = [sample for sample in self.samples if sample[0] >= self.args.seconds * WARM_UP_SHARE]
        self.slope_mb_hour = slope(warm) * 3600
        bound = SLOPE_MB_HOUR_MAX + NOISE_MB / (self.args.seconds * (1 - WARM_UP_SHARE)) * 3600
        self.check("the server is alive and ended well", alive and server.process.returncode == 0,
                server.process.returncode)
        self.check("its memory is flat: at most %.0f MB an hour" % bound, self.slope_mb_hour <= bound,
                   "%.1f MB an hour" % self.slope_mb_hour)
        self.check("no device failed", not tally.failed and not any(self.crews_failed), (tally.failed,
                self.crews_failed))
        self.check("every sync that was not cut off ended in sync", not tally.errors, tally.errors)
        self.check("99 of 100 syncs within %d ms" % SYNC_P99_MS_MAX,
                   tally.syncs and percentile(tally.syncs, 0.99) <= SYNC_P99_MS_MAX)
        self.check("in the end every device syncs", not failures, failures[:3])
        out = [state["device"] for state in states if state["status"]["pending"] or state["status"]["refused"]
               or not state["status"]["in_sync"]]
        self.check("no device is out of sync", len(states) == self.args.devices and not out, out[:10])
        held = {}
        for state in states:
            held.setdefault(state["device"] // DEVICES_A_PERSON % TERRITORIES, set()).add((state["rows"],
                    state["hash"]))
        self.check("the devices of a territory hold the same", all(len(one) == 1 for one in held.values()),
                   {territory: len(one) for territory, one in held.items()})
        visits = sum(rows for one in held.values() for rows, _ in one)
        self.check("every visit is there", visits >= tally.visits, (visits, tally.visits))

    def print_table(self, states, peak_mb):
        tally, memory = self.tally, [value for _, value in self.samples]
        rows = [("seconds", self.args.seconds), ("devices", self.args.devices), ("visits written", tally.visits),
                ("syncs in sync", len(tally.syncs)), ("devices cut off", tally.cuts),
                ("records received live", tally.received),
                ("sync ms, p50", percentile(tally.syncs or [0], 0.5)), ("sync ms, p99", percentile(tally.syncs or [0],
                        0.99)),
                ("device to live device ms, p50", percentile(tally.delays_ms or [0], 0.5)),
                ("device to live device ms, p99", percentile(tally.delays_ms or [0], 0.99)),
                ("server CPU, % of a core", self.cpu_share * 100), ("server MB at first", memory[0]),
                ("server MB at last", memory[-1]), ("server MB, peak", peak_mb),
                ("server MB an hour after warm-up", self.slope_mb_hour),
                ("conflicts in the end", max([state["status"]["conflicts"] for state in states] or [0]))]
        if self.args.json:
            print(json.dumps({name: value for name, value in rows}), flush=True)
            return
        for name, value in rows:
            print("%-36s %s" % (name, "%.1f" % value if isinstance(value, float) else value))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(os.path.dirname(__file__), "..", "..", ".build", "release"))
    parser.add_argument("--for", dest="seconds", type=float, default=60)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1000000))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    say("seed %d" % args.seed)
    sys.exit(1 if Soak(args).run() else 0)


if __name__ == "__main__":
    main()
