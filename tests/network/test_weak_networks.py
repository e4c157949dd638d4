#!/usr/bin/env python3
"""Weak networks: what a line does to a sync that is late, slow, cut at any byte, deaf, or in the hands of a portal; and
that nothing is lost by it, nothing comes twice, and no more than the frame in flight is sent again."""
import json
import os
import random
import signal
import time

from ground import Country, notes, texts
from harness import equal, has, run, test
from line import DOWN, UP

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 32)
print("seed %d" % SEED, flush=True)
chance = random.Random(SEED)

GREETING_BYTES = 12000  # all that a connection says before it is about records, either way: measured 4,000
END_TIME_MAX_S = 60

def on_alarm(*_):
    raise AssertionError("nothing was told for %d s" % END_TIME_MAX_S)


signal.signal(signal.SIGALRM, on_alarm)
country = Country()
line, admin = country.line, country.admin
admin.run("user", "add", "Nancy", "--role", "rep")
admin.run("territory", "grant", "Eastern", "Nancy")
nancy = country.newcomer("Nancy", "Nancy")
nancy.sync()


def holds(device, want, what):
    got = texts(device)
    equal(len(got), len(set(got)), "%s: something is there twice" % what)
    equal(set(got) == set(want), True, "%s: %d of %d are there" % (what, len(set(got) & set(want)), len(want)))


def sync(device, *words, expect=0):
    result = device.run("sync", "--json", *words, expect=expect)
    return result.rows()[0] if result.out else None, result


def all_texts():
    line.clear()
    admin.sync()
    return texts(admin)


# ---- Cut at any byte ----

class Cuts:
    """Each connection is cut somewhere, this way or that, until there were so many; then none is."""

    def __init__(self, direction, count, furthest):
        self.places = [chance.randrange(1, furthest) for _ in range(count)]
        self.places[:3] = [1, 300, 3000]
        self.direction, self.made = direction, 0

    def __call__(self, number):
        if self.made >= len(self.places):
            return None
        self.made += 1
        return (self.direction, self.places[self.made - 1])


def until_done(device, *words):
    """Syncs until one succeeds; how many that were."""
    for count in range(1, 40):
        if sync(device, *words, expect=None)[1].code == 0:
            return count
    raise AssertionError("it never ends")


def cut_it(device, direction, single, largest, count):
    """Cuts the device's sync: no more passes than a single one takes, and for each cut one frame and a greeting."""
    line.clear()
    line.cut = Cuts(direction, count, single // 5)
    runs = until_done(device)
    passed, cuts = line.passed(direction), line.cut.made
    print("      %d cuts %s: %d bytes passed, %d in a single run, messages up to %d; %d connections of %d syncs" %
          (cuts, "up" if direction == UP else "down", passed, single, largest, len(line.connections), runs))
    equal(cuts >= count, True, "the line was cut %d times" % cuts)
    equal(passed <= single + cuts * (largest + GREETING_BYTES), True, "more passed than was lost")


@test
def a_first_download_that_is_cut_anywhere_goes_on_where_it_was():
    for begin in range(0, 3000, 150):  # logs of many entries
        nancy.put_lines(notes(150, 400, begin))
        if begin % 600 == 450:
            nancy.sync()
    nancy.sync()
    whole = country.newcomer("whole", "Nancy")
    line.clear()
    whole.sync()
    single, largest = line.passed(DOWN), line.largest(DOWN)
    cut = country.newcomer("cut", "Nancy")
    cut_it(cut, DOWN, single, largest, 12)
    holds(cut, texts(whole), "after all the cuts")


@test
def an_upload_that_is_cut_anywhere_goes_on_where_it_was():
    lines = notes(3000, 400, 10000)
    nancy.put_lines(lines)
    line.clear()
    nancy.sync()
    single, largest = line.passed(UP), line.largest(UP)
    before = set(all_texts())
    nancy.put_lines(notes(3000, 400, 20000))
    cut_it(nancy, UP, single, largest, 12)
    admin_has = set(all_texts())
    equal(len(admin_has - before), 3000, "what was written arrived")
    holds(nancy, admin_has, "after all the cuts")


# ---- Nobody there ----

@test
def a_server_that_vanishes_without_a_word_is_noticed_and_met_again():
    nancy.put_lines(notes(300, 400, 30000))
    line.clear()
    line.vanish = 400
    process = nancy.start("sync", "--live", "--json", "--patience", "2")
    try:
        told = next_event(process, "offline")
        has(told["message"], "no sign of life")
        line.vanish = None  # the next connection is a good one
        next_event(process, "in_sync")
        line.connections[-1].vanish = 0  # … and at rest, with nothing to wait for, it goes deaf, too
        has(next_event(process, "offline")["message"], "no sign of life")
        next_event(process, "in_sync")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    equal(nancy.row("status")["pending"], 0)


def next_event(process, name):
    while True:
        signal.alarm(END_TIME_MAX_S)
        text = process.stderr.readline()
        signal.alarm(0)
        equal(bool(text), True, "the sync ended")
        event = json.loads(text)
        if event.get("event") == name:
            return event


# ---- Somebody else there ----

PORTALS = {
    "302": b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\n\r\n",
    "200": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 26\r\n\r\n<html>Please sign in</html>",
    "511": b"HTTP/1.1 511 Network Authentication Required\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nsign",
}


@test
def a_captive_portal_is_told_as_one_and_nothing_is_lost():
    nancy.put("note", "text=written in the hotel")
    for status, answer in PORTALS.items():
        line.clear()
        line.portal = answer
        error = nancy.run("sync", "--json", expect=3).error()
        equal((error["error"], error["class"]), ("unreachable", "retry"), error)
        for words in ("captive portal", "sign in", "HTTP " + status, "Nothing is lost"):
            has(error["message"], words)
        equal(nancy.row("status")["pending"], 1, "the work is kept")
    line.clear()
    nancy.sync()
    equal("written in the hotel" in all_texts(), True)


# ---- What is large vanishes ----

@test
def messages_that_are_swallowed_for_their_size_are_made_smaller_both_ways():
    writer = country.newcomer("writer", "Nancy")
    writer.sync()
    writer.put_lines(notes(600, 400, 40000))
    line.clear()
    line.swallow = 6000
    result, told = sync(writer, "--patience", "1.5")
    equal(result["in_sync"], True, told)
    equal(sum(c.swallowed[UP] for c in line.connections) > 0, True, "nothing was swallowed on the way up")
    has(line.connections[-1].request.decode(), "?frame=2048")
    want = all_texts()
    reader = country.newcomer("reader", "Nancy")
    line.swallow = 6000
    result, told = sync(reader, "--patience", "1.5")
    equal(result["in_sync"], True, told)
    equal(sum(c.swallowed[DOWN] for c in line.connections) > 0, True, "nothing was swallowed on the way down")
    holds(reader, want, "in small frames")
    connections = len(line.connections)
    writer.put_lines(notes(600, 400, 41000))
    sync(writer, "--patience", "1.5")
    equal(len(line.connections), connections + 1, "the size is kept for the next sync")
    equal(sum(c.swallowed[UP] for c in line.connections[connections:]), 0, "what is frozen now fits")
    line.clear()


# ---- Slow, but it moves ----

@test
def a_line_of_64_kbit_and_600_ms_is_slow_and_not_dead():
    nancy.put_lines(notes(80, 400, 50000))
    line.clear()
    line.rate, line.delay_s = 8000, 0.3
    began = time.monotonic()
    result, told = sync(nancy, "--patience", "3")
    print("      %.1f s for %d bytes up, %d down" % (time.monotonic() - began, line.passed(UP), line.passed(DOWN)))
    equal(result["in_sync"], True, told)
    equal(len(line.connections), 1, "it was given up though it moved")


@test
def a_proxy_that_closes_after_a_while_costs_a_frame_each_time():
    nancy.put_lines(notes(700, 400, 60000))
    line.clear()
    line.close_s, line.rate = 1.5, 150000
    runs = until_done(nancy)
    closed = len(line.connections) - 1
    print("      closed %d times in %d syncs, %d bytes up" % (closed, runs, line.passed(UP)))
    equal(closed > 0, True, "it was never closed")
    equal(runs, 1, "one sync comes back by itself")
    line.clear()
    holds(nancy, all_texts(), "behind the proxy")


# ---- A bound ----

@test
def a_sync_ends_when_its_bytes_are_used_up_and_the_next_goes_on():
    want = all_texts()
    metered = country.newcomer("metered", "Nancy")
    line.clear()
    bound, syncs, last = 200000, 0, 0
    while True:
        syncs += 1
        passed = line.passed(UP) + line.passed(DOWN)
        result, told = sync(metered, "--max-bytes", str(bound), expect=None)
        used = line.passed(UP) + line.passed(DOWN) - passed
        equal(used <= bound + 330000, True, "%d bytes passed" % used)
        if told.code == 0:
            break
        equal((told.code, told.error()["error"], result["in_sync"]), (3, "timed_out", False), told)
        has(told.error()["message"], "bytes")
        equal(result["received"] > 0, True, "each brings something")
    print("      %d syncs of %d bytes" % (syncs, bound))
    equal(syncs > 2, True)
    holds(metered, want, "drop by drop")
    has(metered.run("sync", "--max-bytes", "9", "--json", expect=2).error()["message"], "65536")
    has(metered.run("sync", "--max-bytes", "much", "--json", expect=1).error()["message"], "512k")


# ---- Killed in the middle ----

@test
def a_first_sync_that_is_killed_goes_on_where_it_was():
    want = all_texts()
    whole = country.newcomer("unhurt", "Nancy")
    line.clear()
    whole.sync()
    single, largest = line.passed(DOWN), line.largest(DOWN)
    killed = country.newcomer("killed", "Nancy")
    line.clear()
    line.rate, kills = 600000, 0
    for share in (0.2, 0.45, 0.7):
        process = killed.start("sync")
        began = time.monotonic()
        while process.poll() is None and line.passed(DOWN) < single * share:
            equal(time.monotonic() - began < END_TIME_MAX_S, True, "it does not get on")
            time.sleep(0.01)
        kills += process.poll() is None
        process.kill()
        process.communicate()
    line.rate = 0
    result, _ = sync(killed, "--timeout", "8")
    passed = line.passed(DOWN)
    print("      %d kills: %d bytes down, %d in a single run" % (kills, passed, single))
    equal(kills, 3)
    equal(passed <= single + kills * (2 * largest + GREETING_BYTES), True, "more came again than was lost")
    holds(killed, want, "after three kills")


run()
