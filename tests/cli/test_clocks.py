#!/usr/bin/env python3
"""Wrong clocks: a device that is years ahead or behind delivers as any other, is told of, and wins nothing by it. Its
wall clock is moved by a library that stands between the program and the system's."""
import time
from datetime import datetime, timezone

from clock import build_shift
from harness import World, clean_environment, equal, has, lacks, run, test

YEAR_S = 365 * 24 * 3600


library = build_shift()
world = World(territories=["Eastern"])
admin, nancy, janet = world.admin, world.rep("Nancy", "Eastern"), world.rep("Janet", "Eastern")
account = nancy.put("account", "name=Blondel", "city=Strasbourg", "--territory", "Eastern")
for each in (nancy, janet, admin):
    each.sync()


def at(device, years, *args, **options):
    """The command under a wall clock that is so many years ahead."""
    env = clean_environment(LD_PRELOAD=library, WALL_CLOCK_SHIFT_S=str(int(years * YEAR_S)))
    return device.run(*args, "--json", env=env, **options)


def age_s(text):
    return time.time() - datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=timezone.utc).timestamp()


def city(device):
    return device.fields("account", account)["city"]


def clock_of(device, name):
    row, = [row for row in admin.rows("device", "list") if row["user"] == name]
    return row["clock_ahead_ms"]


def settle():
    for device in (admin, nancy, janet) * 2:
        device.sync()


@test
def the_library_moves_the_clock():
    status = at(nancy, 3, "status").rows()[0]
    equal(2.9 * YEAR_S * 1000 < status["clock_skew_ms"] < 3.1 * YEAR_S * 1000, True, status)
    has(status["clock"], "ahead by 3 years" if "3 years" in status["clock"] else "ahead by 2 years")


@test
def a_right_clock_is_not_told_of():
    status = nancy.row("status")
    equal((abs(status["clock_skew_ms"]) < 5000, status["clock"]), (True, None), status)
    lacks(nancy.run("sync").err, "clock")
    equal(clock_of(admin, "Nancy"), 0)
    lacks(nancy.row("get", "account", account), "clock_ahead_ms")
    equal(["clock_ahead_ms" in row for row in nancy.rows("history", "account", account)], [False])


@test
def a_phone_years_ahead_delivers_and_is_told_of():
    at(nancy, 4, "put", "account", account, "city=Lyon")
    waiting = nancy.rows("history", "account", account)[-1]
    equal((waiting["state"], waiting["clock_ahead_ms"] > 3 * YEAR_S * 1000), ("pending", True), waiting)
    done = at(nancy, 4, "sync")
    equal(done.rows()[0]["in_sync"], True)
    has(done.err, "this device's clock is ahead by")
    status = at(nancy, 4, "status").rows()[0]
    has(status["clock"], "ahead by")
    admin.sync()
    equal(city(admin), "Lyon")
    equal(clock_of(admin, "Nancy") > 3 * YEAR_S * 1000, True)
    equal(clock_of(admin, "Janet"), 0)
    newest = admin.rows("history", "account", account)[-1]
    equal((newest["clock_ahead_ms"] > 3 * YEAR_S * 1000, age_s(newest["at"]) > -5), (True, True), newest)
    shown = admin.row("get", "account", account)
    equal((shown["clock_ahead_ms"] > 3 * YEAR_S * 1000, -5 < age_s(shown["at"]) < 60), (True, True), shown)
    has(admin.run("history", "account", account).out, "clock_ahead_ms")


@test
def it_wins_nothing_against_what_is_written_later():
    at(nancy, 4, "put", "account", account, "city=Metz")
    at(nancy, 4, "sync")
    time.sleep(0.05)
    janet.put("account", account, "city=Paris")  # has not seen it, and is later
    settle()
    for device in (admin, nancy, janet):
        equal(city(device), "Paris")
    values = admin.rows("conflicts")[0]["values"]
    equal([("clock_ahead_ms" in value, value["value"]) for value in values], [(False, "Paris"), (True, "Metz")])


@test
def once_it_is_set_right_its_work_is_as_old_as_it_is():
    nancy.put("account", account, "city=Reims")  # settles the conflict
    newest = nancy.rows("history", "account", account)[-1]
    equal(("clock_ahead_ms" in newest, -5 < age_s(newest["at"]) < 60), (False, True), newest)
    equal(nancy.row("status")["clock"], None)
    settle()
    equal(city(janet), "Reims")
    equal(clock_of(admin, "Nancy"), 0)


@test
def a_phone_years_behind_delivers_and_is_told_of():
    at(janet, -5, "put", "account", account, "city=Nantes")
    at(janet, -9, "put", "account", account, "city=Angers")  # its own order does not depend on its clock
    at(janet, -2, "put", "account", account, "city=Tours")
    done = at(janet, -5, "sync")
    equal((done.rows()[0]["sent"], done.rows()[0]["in_sync"]), (3, True))
    has(done.err, "this device's clock is behind by")
    has(at(janet, -5, "status").rows()[0]["clock"], "behind by")
    settle()
    for device in (admin, nancy, janet):
        equal(city(device), "Tours")
    equal(len(admin.rows("conflicts")), 0)


@test
def a_time_zone_is_no_wrong_clock():
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC-14", "UTC+11"):
        env = clean_environment(TZ=zone)
        nancy.run("put", "account", account, "city=" + zone, env=env)
        status, = nancy.run("status", "--json", env=env).rows()
        equal((status["clock"], abs(status["clock_skew_ms"]) < 5000), (None, True), status)
        equal(-5 < age_s(nancy.rows("history", "account", account)[-1]["at"]) < 60, True)
    settle()
    equal(city(admin), "UTC+11")


run()
