#!/usr/bin/env python3
"""A device that nothing was heard of for longer than the policy says is expelled, by itself, at an admin's sync: nobody
waits for it any more. It may come back, brings its work, and its owner is told. Half a year passes by a library that
moves the wall clock of all programs."""
import glob
import os
import sqlite3

from clock import Days
from harness import Device, World, clean_environment, equal, has, lacks, run, test

days = Days()
world = World(territories=["Eastern"])
admin, nancy, janet = world.admin, world.rep("Nancy", "Eastern"), world.rep("Janet", "Eastern")
account = nancy.put("account", "name=Blondel", "city=Strasbourg", "--territory", "Eastern")
for each in (nancy, janet, admin):
    each.sync()
order = janet.put("account", "name=Ottilies", "city=Köln", "--territory", "Eastern")  # which waits for half a year


def states():
    return {row["user"]: row["state"] for row in admin.rows("device", "list")}


def expulsions(said="waits no more"):
    return [row for row in admin.rows("audit") if row["kind"] == "expel" and row["what"].startswith(said)]


@test
def nobody_is_expelled_before_the_policys_days_are_over():
    equal([row["value"] for row in admin.rows("policy") if row["policy"] == "silent.days"], [180])
    days.pass_by(179, world)
    nancy.sync()
    lacks(admin.run("sync").err, "silent")
    equal(states()["Janet"], "lapsed")
    equal(expulsions(), [])


@test
def an_admin_whose_own_clock_is_wrong_expels_nobody():
    days.pass_by(2, world)
    nancy.sync()
    for wrong in (-3, 3):
        ahead = {"WALL_CLOCK_SHIFT_S": str((days.passed + wrong) * 24 * 3600)}
        lacks(admin.run("sync", env=clean_environment(**ahead)).err, "silent")
    equal(expulsions(), [])


@test
def a_silent_device_is_expelled_at_an_admins_sync_and_no_other():
    lacks(nancy.run("sync").err, "silent")
    equal(expulsions(), [])
    has(admin.run("sync").err, "1 device has been silent for more than 180 days, and nobody waits for it any more")
    equal(states(), {"Andrew": "active", "Nancy": "active", "Janet": "expelled"})
    line, = expulsions()
    has(line["what"], "waits no more for Janet (device 3), which has been silent for more than 180 days")
    equal((line["by"], line["signed_by"]), ("Andrew", ["device 1"]), line)


@test
def it_is_said_once():
    for _ in range(2):
        lacks(admin.run("sync").err, "silent")
    days.pass_by(2, world)
    lacks(admin.run("sync").err, "silent")
    equal(len(expulsions()), 1)


@test
def who_comes_back_brings_his_work_and_is_told():
    back = janet.row("sync")
    equal((back["in_sync"], back["sent"], back["refused"]), (True, 1, 0), back)
    status = janet.row("status")
    equal((status["alert_error"], status["alerts"], status["state"]), ("expelled", 1, "active"), status)
    has(status["alert"], "nothing was heard of this device for too long")
    has(status["alert"], "satchel refused")
    janet.sync()
    equal(janet.row("status")["alerts"], 1, "once")
    nancy.sync()
    equal(nancy.fields("account", order)["city"], "Köln")
    equal(janet.fields("account", account)["city"], "Strasbourg")
    equal(nancy.row("status")["alerts"], 0)
    admin.sync()
    equal(states()["Janet"], "active")
    equal([(row["by"], row["device"]) for row in expulsions("is back")], [("Janet", 3)])


@test
def who_falls_silent_again_is_expelled_again():
    days.pass_by(181, world)
    nancy.sync()
    has(admin.run("sync").err, "silent")
    equal((states()["Janet"], len(expulsions())), ("expelled", 2))
    janet.sync()
    equal(janet.row("status")["alerts"], 2)
    equal(states()["Janet"], "active")


@test
def a_server_that_forgot_when_a_device_was_here_is_not_believed_against_the_log():
    days.pass_by(181, world)
    nancy.put("account", account, "city=Lyon")
    for device in (nancy, janet):
        device.sync()
    store, = glob.glob(os.path.join(world.server.data, "orgs", "*.db"))
    world.server.stop()
    database = sqlite3.connect(store)
    with database:
        equal(database.execute("update sighting set seen_ms = 0 where device = 2").rowcount, 1)
    database.close()
    world.server.start()
    before = len(expulsions())
    lacks(admin.run("sync").err, "silent")
    equal(len(expulsions()), before)
    equal({row["user"]: row["last_seen"] for row in admin.rows("device", "list")}["Nancy"], None)


@test
def a_manager_expels_those_whom_he_manages_and_many_at_once():
    admin.run("user", "add", "Margaret", "--role", "manager")
    admin.run("territory", "grant", "Eastern", "Margaret", "--manage")
    margaret = Device(world.folder, "Margaret")
    margaret.run("join", world.invite("Margaret"))
    admin.run("device", "approve", "4")
    margaret.sync()
    for number in range(18):  # more than one message says
        Device(world.folder, "drawer%d" % number).run("join", world.invite("Janet"))
    days.pass_by(181, world)
    nancy.sync()
    before = len(expulsions())
    has(margaret.run("sync").err, "16 devices have been silent")
    admin.sync()
    names = sorted(row["what"].split(",")[0] for row in expulsions()[before:])
    equal(len(names), 19)
    equal({row["by"] for row in expulsions()[before:]}, {"Margaret"})
    equal(states()["Andrew"], "active", "whom she does not manage")
    janet.sync()


@test
def the_policy_may_be_to_wait_for_ever():
    admin.run("policy", "set", "silent.days", "0")
    days.pass_by(1000, world)
    before = len(expulsions())
    lacks(admin.run("sync").err, "silent")
    equal(len(expulsions()), before)
    equal(states()["Nancy"], "lapsed")


run()
