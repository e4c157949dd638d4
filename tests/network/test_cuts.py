#!/usr/bin/env python3
"""Syncs that end before they are done: the line is cut at any byte, the process is killed, the bytes are used up. The
next connection goes on where the last one was: nothing is lost, nothing is there twice, and no more passes again than
the message that was under way."""
import os
import random
import time

from ground import Country, holds, notes, sync, texts, until_done
from harness import equal, has, run, test
from line import DOWN, UP

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 32)
print("seed %d" % SEED, flush=True)
chance = random.Random(SEED)

LOAD, CUTS = 3000, 8
GREETING_BYTES = 2000  # all that a connection says, either way, besides what it is there for: about 600
END_TIME_MAX_S = 60

country = Country()
line, nancy = country.line, country.nancy
nancy.put_lines(notes(LOAD, 400))
line.clear()
nancy.sync()
alone = line.passed(UP), line.largest(UP)  # what that takes where nothing is cut


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


def cut_it(device, direction, single, largest, count):
    """Cuts the device's sync: no more passes than a single one takes, and for each cut one frame and a greeting."""
    line.clear()
    line.cut = Cuts(direction, count, single // 3)
    runs = until_done(device)
    passed, cuts = line.passed(direction), line.cut.made
    print("      %d cuts %s: %d bytes passed, %d in a single run, messages up to %d; %d connections of %d syncs" %
          (cuts, "up" if direction == UP else "down", passed, single, largest, len(line.connections), runs))
    equal(cuts > count // 2, True, "the line was cut %d times" % cuts)
    equal(passed <= single + cuts * (largest + GREETING_BYTES), True, "more passed than was lost")


@test
def a_first_download_that_is_cut_anywhere_goes_on_where_it_was():
    whole = country.newcomer("whole", "Nancy")
    line.clear()
    whole.sync()
    single, largest = line.passed(DOWN), line.largest(DOWN)
    cut = country.newcomer("cut", "Nancy")
    cut_it(cut, DOWN, single, largest, CUTS)
    holds(cut, texts(whole), "after all the cuts")


@test
def an_upload_that_is_cut_anywhere_goes_on_where_it_was():
    before = set(country.all_texts())
    nancy.put_lines(notes(LOAD, 400, LOAD))
    cut_it(nancy, UP, *alone, CUTS)
    admin_has = set(country.all_texts())
    equal(len(admin_has - before), LOAD, "what was written arrived")
    holds(nancy, admin_has, "after all the cuts")


# ---- A bound ----

@test
def what_arrived_and_was_not_heard_of_is_not_sent_again():
    quiet = country.newcomer("quiet", "Nancy")
    quiet.sync()
    quiet.put_lines(notes(LOAD, 400, 2 * LOAD))
    line.clear()
    line.mute = 700  # the greeting is heard, and no echo of what is pushed
    process = quiet.start("sync", "--patience", "1")
    while process.poll() is None and not any(connection.gone.is_set() for connection in line.connections):
        time.sleep(0.01)
    line.mute = None
    equal(process.wait(timeout=END_TIME_MAX_S), 0, process.communicate())
    single, largest = alone
    print("      %d bytes passed, %d in a single run" % (line.passed(UP), single))
    equal(len(line.connections), 2)
    equal(line.connections[0].passed[UP] > 3 * largest, True, "several messages arrived unheard of")
    # Those that were still drafts are frozen smaller, as something seemed to swallow them: 200 bytes for each bundle.
    equal(line.passed(UP) <= single + GREETING_BYTES + single // 8000 * 300, True, "more came than was lost")


@test
def a_sync_ends_when_its_bytes_are_used_up_and_the_next_goes_on():
    want = country.all_texts()
    metered = country.newcomer("metered", "Nancy")
    line.clear()
    bound, syncs, last = 200000, 0, 0
    while True:
        syncs += 1
        passed = line.passed(UP) + line.passed(DOWN)
        result, told = sync(metered, "--max-bytes", str(bound), expect=None)
        used = line.passed(UP) + line.passed(DOWN) - passed
        equal(used <= bound + 450000, True, "%d bytes passed" % used)
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


# ---- A line that brings nothing ----

@test
def the_third_connection_in_a_row_that_brings_nothing_ends_a_sync():
    # A device that has met no cut yet: one that has, says less at once, and a little passes before the line is cut.
    fresh = country.newcomer("fresh", "Nancy")
    fresh.sync()
    fresh.put_lines(notes(10, 4000))  # one bundle
    line.clear()
    line.cut = lambda number: (UP, 3000)  # the greeting arrives, and what is pushed does not
    began = time.monotonic()
    equal(fresh.run("sync", "--json", expect=3).error()["error"], "closed")
    print("      %d connections, %.1f s" % (len(line.connections), time.monotonic() - began))
    equal(len(line.connections), 3)
    line.clear()
    fresh.sync()


# ---- Killed in the middle ----

@test
def a_first_sync_that_is_killed_goes_on_where_it_was():
    want = country.all_texts()
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
