#!/usr/bin/env python3
"""A live sync whose connection is lost: it says so, comes back, and brings along what happened meanwhile. What no
waiting mends ends it; so does whoever interrupts it, at once."""
import json
import os
import select
import shutil
import signal
import socket
import time

from harness import Server, World, equal, has, lacks, run, test
from impostor import Impostor, refusal

EVENT_TIME_MAX_S = 30

world = World(territories=["Eastern"])
admin, rep = world.admin, world.rep("Nancy", "Eastern")


class Live:
    """A `sync --live` and what it tells on stderr."""

    def __init__(self, *options):
        self.process = rep.start("sync", "--live", "--json", *options)
        self.lines = b""

    def line(self):
        """The next line; None at the end."""
        until = time.monotonic() + EVENT_TIME_MAX_S
        while b"\n" not in self.lines:
            ready = select.select([self.process.stderr], [], [], max(0, until - time.monotonic()))[0]
            if not ready:
                raise AssertionError("nothing was told for %d s" % EVENT_TIME_MAX_S)
            more = os.read(self.process.stderr.fileno(), 65536)
            if not more:
                return None
            self.lines += more
        line, self.lines = self.lines.split(b"\n", 1)
        return json.loads(line)

    def wait_for(self, name):
        """The next event of that name."""
        while True:
            event = self.line()
            equal(event is not None, True, "the live sync ended")
            if event.get("event") == name:
                return event

    def finish(self, expect=0):
        """The result, once it ends by itself, and its last line on stderr."""
        last = line = self.line()
        while line is not None:
            last, line = line, self.line()
        out = self.process.stdout.read()
        equal(self.process.wait(timeout=30), expect, last)
        self.process.stdout.close()
        self.process.stderr.close()
        rows = [json.loads(row) for row in out.decode().splitlines()]
        equal(len(rows), 1, rows)
        return rows[0], last

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.finish()[0]


def offline_for(event, least_ms, most_ms):
    equal(least_ms <= event["retry_ms"] <= most_ms, True, event)
    has(event["message"], "trying again in %d s" % -(-event["retry_ms"] // 1000))


@test
def it_comes_back_when_the_server_was_restarted_and_both_sides_get_the_others_work():
    rep.put("note", "text=before")
    live = Live()
    live.wait_for("in_sync")
    world.server.stop()
    event = live.wait_for("offline")
    has(event["message"], "connection lost (the server is going down); trying again in")
    lacks(event["message"], "try again")
    offline_for(event, 500, 6000)  # the goodbye's 500 to 4,999 ms, and up to half a second on top
    world.server.start()
    account = admin.put("account", "name=meanwhile", "--territory", "Eastern")
    admin.sync()
    equal(live.wait_for("record")["id"], account)
    live.wait_for("in_sync")
    later = admin.put("account", "name=later", "--territory", "Eastern")
    admin.sync()
    equal(live.wait_for("record")["id"], later)
    result = live.stop()
    equal((result["in_sync"], result["sent"], result["received"]), (True, 1, 2), result)


@test
def a_server_that_is_not_there_is_waited_for_and_gets_what_is_pending():
    world.server.stop()
    note = rep.put("note", "text=pending", "--territory", "Eastern")
    began = time.monotonic()
    equal(rep.run("sync", "--json", expect=3).error()["error"], "unreachable")
    equal(time.monotonic() - began < 5, True, "a plain sync does not wait")
    live = Live()
    for least_ms in (500, 1000, 2000):
        event = live.wait_for("offline")
        offline_for(event, least_ms, 2 * least_ms)
        has(event["message"], "cannot be reached")
        lacks(event["message"], "connection lost")
    world.server.start()
    live.wait_for("in_sync")
    result = live.stop(signal.SIGTERM)
    equal((result["in_sync"], result["sent"]), (True, 1), result)
    admin.sync()
    equal(admin.fields("note", note)["text"], "pending")


@test
def a_connection_that_breaks_is_come_back_from_and_success_begins_the_count_anew():
    live = Live()
    for _ in range(3):
        live.wait_for("in_sync")
        world.server.kill()
        event = live.wait_for("offline")
        offline_for(event, 500, 1000)
        equal(event["message"], "connection lost; trying again in 1 s")
        world.server.start()
    live.wait_for("in_sync")
    equal(live.stop()["in_sync"], True)


def ends_at_once(live, number):
    began = time.monotonic()
    result = live.stop(number)
    equal(time.monotonic() - began < 1, True, time.monotonic() - began)
    equal(result["in_sync"], False, result)


@test
def an_interrupt_while_it_waits_ends_it_at_once():
    for number in (signal.SIGINT, signal.SIGTERM):
        live = Live()
        live.wait_for("in_sync")
        world.server.kill()
        for _ in range(3):  # the third wait is 2 s at least
            live.wait_for("offline")
        ends_at_once(live, number)
        world.server.start()


@test
def an_interrupt_while_it_connects_ends_it_at_once():
    os.kill(world.server.process.pid, signal.SIGSTOP)  # the connection is made, and nobody says a word
    try:
        live = Live()
        time.sleep(1)
        ends_at_once(live, signal.SIGINT)
    finally:
        os.kill(world.server.process.pid, signal.SIGCONT)


@test
def time_that_ends_without_a_connection_is_told_as_what_keeps_it_away():
    world.server.stop()
    began = time.monotonic()
    result, error = Live("--timeout", "2.5").finish(expect=3)
    equal(2.4 < time.monotonic() - began < 10, True, time.monotonic() - began)
    equal((error["error"], result["in_sync"]), ("unreachable", False))
    world.server.start()
    os.kill(world.server.process.pid, signal.SIGSTOP)
    try:
        result, error = Live("--timeout", "1.5").finish(expect=3)
    finally:
        os.kill(world.server.process.pid, signal.SIGCONT)
    equal((error["error"], result["in_sync"]), ("timed_out", False))


@test
def time_that_ends_an_attempt_is_not_what_keeps_it_away():
    host, port = world.server.listen.rsplit(":", 1)
    world.server.stop()
    live = Live("--timeout", "4")
    live.wait_for("offline")
    with socket.create_server((host, int(port))):  # from now on a connection is made, and nobody says a word
        result, error = live.finish(expect=3)
    equal((error["error"], result["in_sync"]), ("unreachable", False))
    world.server.start()


@test
def a_person_is_told_in_one_line():
    world.server.stop()
    process = rep.start("sync", "--live")
    line = process.stderr.readline().decode()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    world.server.start()
    has(line, "satchel: the server at ")
    equal(line.endswith("; trying again in 1 s\n"), True, line)
    equal((process.returncode, err), (0, b""))
    has(out.decode(), "not in sync")


@test
def who_is_asked_to_wait_waits_as_long():
    world.server.stop()
    with Impostor(world.server, refusal("503 Service Unavailable", "Retry-After: 3")) as busy:
        live = Live()
        event = live.wait_for("offline")
        offline_for(event, 3000, 3500)
        has(event["message"], "the server is busy; trying again in ")
    equal(busy.seen, 1)
    world.server.start()
    live.wait_for("in_sync")
    live.stop()


@test
def a_proxy_whose_server_is_gone_is_waited_for():
    world.server.stop()
    with Impostor(world.server, refusal("502 Bad Gateway")):
        live = Live()
        event = live.wait_for("offline")
        has(event["message"], "does not reach the server behind it (HTTP 502); trying again in 1 s")
    world.server.start()
    live.wait_for("in_sync")
    live.stop()


@test
def a_server_of_another_version_ends_it():
    live = Live()
    live.wait_for("in_sync")
    world.server.stop()
    with Impostor(world.server, refusal("426 Upgrade Required", "Sec-WebSocket-Protocol: satchel.2")):
        _, error = live.finish(expect=5)
    equal(error["error"], "version")
    world.server.start()


@test
def a_server_of_another_identity_ends_it():
    live = Live()
    live.wait_for("in_sync")
    world.server.stop()
    other = Server(os.path.join(world.folder, "other"))
    os.mkdir(os.path.dirname(other.data))
    other.listen = world.server.listen
    other.start()
    try:
        _, error = live.finish(expect=5)
    finally:
        other.stop()
        shutil.rmtree(os.path.dirname(other.data))
    equal(error["error"], "wrong_server")
    world.server.start()


@test
def the_kernel_watches_over_a_connection_that_is_quiet():
    live = Live()
    live.wait_for("in_sync")
    port = int(world.server.listen.rsplit(":", 1)[1])
    with open("/proc/%d/net/tcp" % live.process.pid, encoding="ascii") as table:
        rows = [row.split() for row in table.read().splitlines()[1:]]
    timers = [row[5] for row in rows if row[2].endswith(":%04X" % port) and row[3] == "01"]
    equal(len(timers), 1, rows)
    kind, ticks = timers[0].split(":")
    equal(kind, "02", "a keep-alive timer")
    equal(0 < int(ticks, 16) <= 20 * os.sysconf("SC_CLK_TCK"), True, timers)
    live.stop()


if __name__ == "__main__":
    run()
