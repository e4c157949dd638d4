#!/usr/bin/env python3
"""The offline lease: what a device shows and takes that has not met its server for too long, whatever its clocks say.
Time is moved by rewriting what the home remembers of it (`lease` in the store's meta table: docs/storage.md)."""
import os
import sqlite3
import struct
import time

from harness import World, equal, has, lacks, run, test

LAYOUT = "<BQQ16sQQ"  # version, server_ms, elapsed_ms, boot id, boot_ms, wall_ms
DAY_MS = 24 * 3600 * 1000

world = World(territories=["Eastern"])
admin = world.admin
rep = world.rep("Nancy", "Eastern")
account = rep.put("account", "name=Blondel", "city=Strasbourg")
rep.sync()

READING = (("get", "account", account), ("list", "account"), ("query", "select 1"), ("history", "account", account),
           ("conflicts",), ("export", os.path.join(world.folder, "export")))


class Lease:
    def __init__(self, home):
        self.store = os.path.join(home, "store.db")
        database = sqlite3.connect(self.store)
        value, = database.execute("select value from meta where key = 'lease'").fetchone()
        database.close()
        version, self.server_ms, self.elapsed_ms, *clocks = struct.unpack(LAYOUT, value)
        self.boot_id, self.boot_ms, self.wall_ms = clocks
        equal(version, 1)

    def write(self):
        value = struct.pack(LAYOUT, 1, self.server_ms, self.elapsed_ms, self.boot_id, self.boot_ms, self.wall_ms)
        database = sqlite3.connect(self.store)
        with database:
            database.execute("update meta set value = ? where key = 'lease'", (value,))
        database.close()


def age(device, days):
    """As if the last look had been that long ago, within this boot."""
    lease = Lease(device.home)
    lease.elapsed_ms = int(days * DAY_MS)
    lease.write()


def offline(device, *args, **options):
    """The command while nobody answers."""
    world.server.stop()
    try:
        return device.run(*args, "--json", **options)
    finally:
        world.server.start()


def locked(device, *args):
    error = device.error(6, *args)
    equal(error["error"], "locked", args)
    has(error["message"], "sync")
    lacks(error["message"], "Blondel")


@test
def meeting_the_server_renews_it():
    age(rep, 29)
    rep.sync()
    lease = Lease(rep.home)
    equal(lease.elapsed_ms, 0)
    equal(abs(lease.server_ms - time.time() * 1000) < 60000, True, lease.server_ms)
    status = rep.row("status")
    equal((status["lease"], status["lease_days"]), ("held", 30), status)
    equal(status["lease_until"] is not None and status["lease_renewed"] is not None, True, status)


@test
def a_lapsed_device_shows_nothing_and_says_what_to_do():
    age(rep, 31)
    for words in READING:
        locked(rep, *words)
    equal(os.path.exists(os.path.join(world.folder, "export")), False)
    for words in (("user", "list"), ("territory", "list"), ("device", "list")):
        result = offline(rep, *words, expect=6)
        equal((result.out, result.error()["error"]), ("", "locked"), words)
    text = rep.run("status", "--json").out
    has(text, '"lease":"lapsed"')
    for name in ("Nancy", "Eastern", "Northwind"):
        lacks(text, name)


@test
def it_still_takes_work_and_a_sync_that_fails_ends_nothing():
    age(rep, 31)
    new = rep.put("account", "name=Written blind")
    rep.put("account", account, "city=Colmar")
    rep.put_lines([{"type": "note", "fields": {"text": "also blind", "about": account}}])
    rep.run("rm", "account", new)
    rep.run("restore", "account", new)
    equal(offline(rep, "sync", expect=3).rows()[0]["in_sync"], False)
    locked(rep, "get", "account", account)
    rep.sync()
    equal(rep.fields("account", account), {"name": "Blondel", "city": "Colmar"})
    equal(rep.fields("account", new)["name"], "Written blind")
    admin.sync()
    equal(admin.fields("account", account)["city"], "Colmar")


@test
def the_lists_renew_it_where_the_server_is_there():
    age(rep, 31)
    equal({row["name"] for row in rep.rows("user", "list")}, {"Andrew", "Nancy"})
    rep.run("list", "account")


@test
def who_is_out_gets_none_by_coming_back():
    lost = world.rep("Laura", "Eastern")
    lost.sync()
    admin.run("device", "revoke", str(lost.row("status")["device"]))
    age(lost, 20)
    before = Lease(lost.home)
    lost.run("sync", expect=4)
    after = Lease(lost.home)
    equal((after.server_ms, after.elapsed_ms >= before.elapsed_ms), (before.server_ms, True))


@test
def an_admins_device_has_one_too():
    admin.sync()
    age(admin, 31)
    locked(admin, "list", "account")
    admin.run("user", "add", "Margaret", "--role", "rep")  # talks to the server, so it ends it
    admin.run("list", "account")


@test
def a_day_before_it_is_as_always():
    age(rep, 29)
    for words in READING:
        rep.run(*words)


@test
def a_clock_that_says_2035_locks_nobody_out():
    """It was put right within a boot; or it jumped over a reboot, after which this machine has not run for long."""
    rep.sync()
    lease = Lease(rep.home)
    lease.wall_ms += 9 * 365 * DAY_MS
    lease.write()
    rep.run("list", "account")
    lease = Lease(rep.home)
    lease.boot_id = os.urandom(16)
    lease.wall_ms -= 9 * 365 * DAY_MS
    lease.server_ms -= 9 * 365 * DAY_MS
    lease.write()
    rep.run("list", "account", expect=None if time.clock_gettime(time.CLOCK_BOOTTIME) > 28 * 86400 else 0)
    equal(Lease(rep.home).elapsed_ms <= DAY_MS + time.clock_gettime(time.CLOCK_BOOTTIME) * 1000, True)


@test
def a_clock_that_was_turned_back_extends_nothing():
    rep.sync()
    lease = Lease(rep.home)
    lease.elapsed_ms, lease.wall_ms = 31 * DAY_MS, lease.wall_ms + 365 * DAY_MS  # it was later than it is
    lease.write()
    locked(rep, "list", "account")
    lease.boot_id = os.urandom(16)
    lease.write()
    locked(rep, "list", "account")
    rep.sync()


@test
def a_home_from_before_there_was_a_lease_begins_one():
    database = sqlite3.connect(os.path.join(rep.home, "store.db"))
    with database:
        database.execute("delete from meta where key = 'lease'")
    database.close()
    rep.run("list", "account")
    equal((Lease(rep.home).server_ms, Lease(rep.home).elapsed_ms), (0, 0))
    equal(rep.row("status")["lease_renewed"], None)
    rep.sync()
    equal(Lease(rep.home).server_ms > 0, True)


if __name__ == "__main__":
    run()
