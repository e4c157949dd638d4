#!/usr/bin/env python3
"""Visits on the command line: what the library does is tests/unit/test_visits.c, here is what only the programs show:
another process, a wrong clock, a terminal."""
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
import unicodedata

from clock import build_shift
from harness import SATCHEL, World, clean_environment, equal, has, lacks, run, test

CUSTOMER = "上海晨光食品有限公司"
library = build_shift()
world = World(territories=["Eastern"])
nancy = world.rep("Nancy", "Eastern")
nancy.sync()
ids = [row["id"] for row in nancy.put_lines(
    [{"type": "account", "fields": {"name": CUSTOMER, "short_name": "晨光", "lat_e7": 310000000, "lon_e7": 1210000000}},
     {"type": "account", "fields": {"name": "晨光食品(上海)", "aliases": ["晨光分店"]}}])]


def at(days, *args, boot_s=0, **options):
    env = clean_environment(LD_PRELOAD=library, WALL_CLOCK_SHIFT_S=str(int(days * 86400)),
                            BOOT_CLOCK_SHIFT_S=str(boot_s))
    return nancy.run(*args, env=env, **options)


@test
def m06_4_positions_are_read_as_they_are_written():
    for words in (["--lat", "31"], ["--lat", "31", "--lon", "x"], ["--lat", "91", "--lon", "0"], ["--accuracy", "5"],
                  ["--lat", "31", "--lon", "121", "--accuracy", "5m"]):
        equal(nancy.error(1, "visit", "start", "晨光", *words)["error"], "usage", words)
    begun = nancy.row("visit", "start", "晨光", "--lat", "31.009", "--lon=121.0000000", "--accuracy", "12")
    equal((begun["distance_m"], begun["accuracy_m"], begun["flags"]), (1001, 12, ["far", "unprepared"]))
    has(nancy.error(2, "visit", "start", "晨光")["message"], "checked in there already")


@test
def m06_3_what_was_written_is_there_in_the_next_process():
    nancy.run("visit", "note", "needs=小包装", "contact=", expect=2)
    nancy.run("visit", "note", "needs=小包装", "ext.season=spring", expect=2)  # nobody has published such a field
    row = nancy.row("visit", "note", "needs=小包装", "opening=聊新厂")
    equal(row["state"], "checked_in")
    equal(nancy.fields("visit", row["visit"])["sections"], {"needs": "小包装", "opening": "聊新厂"})
    done = at(0, "visit", "finish", "goal=more shops", "--lat=31", "--lon=121", "--json", boot_s=179).rows()[0]
    equal(done["duration_s"] in (179, 180, 181, 182, 183, 184, 185), True, done)
    equal("clock set" in done["flags"], False, done)
    equal(nancy.row("visit", "submit", "晨光", "next=2026-05-11 寄样品")["unanswered"], [])
    equal([(row["title"], row["due"], row["state"]) for row in nancy.rows("list", "task")],
          [("寄样品", "2026-05-11", "open")])
    for _ in range(2):
        nancy.put("visit_event", "visit=" + row["visit"], "kind=check_in")
    equal([it["visit"] for it in nancy.rows("visit", "list")], [row["visit"]], "checked in three times: one visit")


@test
def case_10_a_clock_three_days_behind_asks_which_day_it_is():
    nancy.sync()
    begun = at(-3, "visit", "start", "晨光分店")
    has(begun.err, "behind by")
    has(begun.err, "date=YYYY-MM-DD")
    row = at(-3, "visit", "finish", "--json").rows()[0]
    equal("clock set" in row["flags"], False, row)
    key = row["visit"]
    lacks(json.dumps(nancy.fields("visit", key)), "local_date")
    at(-3, "visit", "note", key, "date=2026-05-04")
    equal(nancy.fields("visit", key)["local_date"], "2026-05-04")
    at(-3, "visit", "submit", key, "none=nobody there")
    equal([row["visit"] for row in nancy.rows("visit", "list", "--period", "2026-05-04")], [key])
    lacks(nancy.run("visit", "plan", "晨光", "--on", "2026-05-05").err, "behind")


def on_terminal(columns, *args):
    """What it shows on a terminal of so many columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([SATCHEL, *args, "--home", nancy.home, "--passphrase-file", nancy.passphrase_file],
                               stdin=follower, stdout=follower, stderr=follower, env=clean_environment())
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(leader)
    equal(process.wait(), 0, shown)
    return shown.decode("utf-8").replace("\r\n", "\n").split("\n")


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@test
def the_day_and_the_page_fit_the_terminal():
    nancy.run("put", "need", "account=" + ids[0], "text=" + "小包装的低糖酸奶" * 6, "severity=5")
    for words in (["today", "--date", "2026-05-11"], ["account", "show", "晨光"], ["visit", "list"]):
        shown = on_terminal(60, *words)
        equal([line for line in shown if width(line) > 60], [], words)
        has("\n".join(shown), "上海晨光")
    has(nancy.run("account", "show", "晨光").out, "小包装的低糖酸奶" * 6)


@test
def m02_10_an_account_is_named_as_people_name_it():
    page = nancy.row("account", "show", ids[0][:14] if ids[0][:14] != ids[1][:14] else ids[0])
    equal(page["account"]["name"], CUSTOMER)
    equal(nancy.error(2, "account", "show", "nobody")["error"], "not_found")
    equal(page["visits"]["as_of"] is not None, True, page["visits"])


run()
