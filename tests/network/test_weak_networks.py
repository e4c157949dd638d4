#!/usr/bin/env python3
"""Weak networks: what a line does to a sync that is late, slow, deaf, in the hands of a portal, or swallows what is
large."""
import json
import signal
import time

from ground import Country, holds, notes, sync, until_done
from harness import equal, has, run, test
from line import DOWN, UP

EVENT_TIME_MAX_S = 60


def on_alarm(*_):
    raise AssertionError("nothing was told for %d s" % EVENT_TIME_MAX_S)


signal.signal(signal.SIGALRM, on_alarm)
country = Country()
line, nancy = country.line, country.nancy


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
        signal.alarm(EVENT_TIME_MAX_S)
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
    equal("written in the hotel" in country.all_texts(), True)


# ---- What is large vanishes ----

@test
def messages_that_are_swallowed_for_their_size_are_made_smaller_both_ways():
    writer = country.newcomer("writer", "Nancy")
    writer.sync()
    writer.put_lines(notes(300, 400, 40000))
    line.clear()
    line.swallow = 6000
    result, told = sync(writer, "--patience", "1")
    equal(result["in_sync"], True, told)
    equal(sum(c.swallowed[UP] for c in line.connections) > 0, True, "nothing was swallowed on the way up")
    has(line.connections[-1].request.decode(), "?frame=2048")
    want = country.all_texts()
    reader = country.newcomer("reader", "Nancy")
    line.swallow = 6000
    result, told = sync(reader, "--patience", "1")
    equal(result["in_sync"], True, told)
    equal(sum(c.swallowed[DOWN] for c in line.connections) > 0, True, "nothing was swallowed on the way down")
    holds(reader, want, "in small frames")
    connections = len(line.connections)
    writer.put_lines(notes(300, 400, 41000))
    sync(writer, "--patience", "1")
    equal(len(line.connections), connections + 1, "the size is kept for the next sync")
    equal(sum(c.swallowed[UP] for c in line.connections[connections:]), 0, "what is frozen now fits")
    line.clear()


# ---- Slow, but it moves ----

@test
def a_line_of_64_kbit_and_600_ms_is_slow_and_not_dead():
    line.clear()
    nancy.sync()
    nancy.put_lines(notes(130, 400, 50000))
    line.clear()
    line.rate, line.delay_s = 8000, 0.3
    began = time.monotonic()
    result, told = sync(nancy, "--patience", "6")  # 32 KiB that the line holds take four of them
    print("      %.1f s for %d bytes up, %d down" % (time.monotonic() - began, line.passed(UP), line.passed(DOWN)))
    equal(result["in_sync"], True, told)
    equal(len(line.connections), 1, "it was given up though it moved")


@test
def a_proxy_that_closes_after_a_while_costs_a_frame_each_time():
    nancy.put_lines(notes(2000, 400, 60000))
    line.clear()
    line.close_s, line.rate = 2, 300000
    runs = until_done(nancy)
    closed = len(line.connections) - 1
    print("      closed %d times in %d syncs, %d bytes up" % (closed, runs, line.passed(UP)))
    equal(closed > 0, True, "it was never closed")
    equal(runs, 1, "one sync comes back by itself")
    line.clear()
    holds(nancy, country.all_texts(), "behind the proxy")


run()
