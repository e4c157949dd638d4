#!/usr/bin/env python3
"""A phone that lay in a drawer for half a year: what was deleted meanwhile is forgotten without it and stays deleted
when it is back; its work arrives, but for what changes that, which its owner finds in the list."""
import time

from clock import Days
from harness import World, equal, has, lacks, run, test

COLLECTED_WITHIN_S = 20

days = Days()
world = World(territories=["Eastern"], options=("--collect-every", "1", "--collect-after", "0"))
admin, nancy, janet = world.admin, world.rep("Nancy", "Eastern"), world.rep("Janet", "Eastern")
doomed = nancy.put("account", "name=Blondel", "city=Strasbourg", "--territory", "Eastern")
kept = nancy.put("account", "name=Ottilies", "city=K\u00f6ln", "--territory", "Eastern")
for each in (nancy, janet, admin) * 2:
    each.sync()


def collections():
    with open(world.server.log, encoding="utf-8") as log:
        return [line for line in log if '"event":"collected"' in line]


def shown(device):
    return {row["name"]: row["city"] for row in device.rows("list", "account")}


@test
def a_silent_phone_holds_up_what_is_to_be_forgotten():
    global new
    janet.put("account", kept, "city=Bonn")
    janet.put("account", doomed, "city=Metz")
    new = janet.put("account", "name=Berglunds", "city=Lule\u00e5", "--territory", "Eastern")
    days.pass_by(181, world)
    nancy.run("rm", "account", doomed)
    for device in (nancy, nancy):
        device.sync()
    time.sleep(3)
    equal(collections(), [])


@test
def once_it_is_expelled_it_does_not():
    has(admin.run("sync").err, "1 device has been silent")
    for device in (nancy, admin):
        device.sync()
    deadline = time.monotonic() + COLLECTED_WITHIN_S
    while not collections():
        equal(time.monotonic() < deadline, True, "nothing is forgotten")
        time.sleep(0.2)
    for device in (nancy, admin):
        device.sync()
        equal(shown(device), {"Ottilies": "K\u00f6ln"})


@test
def back_again_it_brings_its_work_and_nothing_deleted():
    back = janet.row("sync")
    equal((back["sent"], back["refused"], back["in_sync"]), (2, 1, True), back)
    refused, = janet.rows("refused")
    equal((refused["reason"], refused["kind"]), ("collected", "refused"), refused)
    equal(janet.row("status")["alert_error"], "expelled")
    for device in (nancy, admin, janet):
        device.sync()
        equal(shown(device), {"Ottilies": "Bonn", "Berglunds": "Lule\u00e5"})
        equal(device.run("doctor", expect=None).code, 0)


@test
def it_is_waited_for_as_before():
    before = len(collections())
    nancy.run("rm", "account", kept)
    for device in (nancy, admin) * 2:
        device.sync()
    time.sleep(3)
    equal(len(collections()), before)
    for device in (janet, nancy, admin, janet):
        device.sync()
    deadline = time.monotonic() + COLLECTED_WITHIN_S
    while len(collections()) == before and time.monotonic() < deadline:
        time.sleep(0.2)
    equal(len(collections()) > before, True)
    for device in (nancy, admin, janet):
        device.sync()
        lacks(shown(device), "Ottilies")


run()
