#!/usr/bin/env python3
"""What a change of territory costs the devices that it concerns, and what interrupting does.

Bytes are those that the server counts as sent.
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import World, equal, new_id, run, test  # noqa: E402
from traffic import Costs  # noqa: E402

RECORDS, SMALL, MOVED = 5000, 50, 5

world = World(territories=("Eastern", "Southern"))
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Southern")
cost = Costs(world.server).sync
accounts = [new_id() for _ in range(SMALL)]


def count(device, sql):
    return device.row("query", "SELECT count(*) AS n FROM %s" % sql)["n"]


@test
def line_6_a_second_territory_costs_what_is_in_it_and_no_new_download():
    nancy.put_lines([{"type": "account", "fields": {"name": "Account %d" % n, "city": "Lyon"}} for n in range(RECORDS)])
    nancy.sync()
    robert.put_lines([{"type": "account", "id": key, "fields": {"name": "Small %d" % n}}
                      for n, key in enumerate(accounts)])
    robert.sync()
    idle, received = cost(nancy)
    equal(received, 0)
    anew = world.rep("Laura", "Eastern")
    whole = cost(anew)[0] + 1
    admin.run("territory", "grant", "Southern", "Nancy")
    got, received = cost(nancy)
    equal(count(nancy, "account"), RECORDS + SMALL)
    equal(received <= SMALL + 10, True, received)
    equal(got - idle < 30 * 1024, True, (got, idle, whole))
    admin.run("territory", "revoke", "Southern", "Nancy")
    lost, received = cost(nancy)
    equal(count(nancy, "account"), RECORDS)
    equal(received <= 5, True, received)
    equal(lost - idle < 8 * 1024, True, (lost, idle))


@test
def line_6_a_move_costs_others_who_stay_one_small_change_for_each_record():
    ids = [row["id"] for row in nancy.rows("query", "SELECT id FROM account LIMIT %d" % MOVED)]
    admin.sync()
    admin.run("move", "account", *ids, "--to", "Southern")
    idle = cost(nancy)[0]
    robert.sync()
    admin.sync()
    got, received = cost(nancy)
    equal(received, MOVED)
    equal(got - idle < 512 * MOVED, True, (got, idle))
    equal(count(nancy, "account"), RECORDS - MOVED)
    got, received = cost(robert)
    equal(received, MOVED)
    equal(count(robert, "account"), SMALL + MOVED)


@test
def line_6_wherever_it_is_killed_all_of_it_has_moved_or_nothing():
    ids = [row["id"] for row in nancy.rows("query", "SELECT id FROM account LIMIT 200")]
    moved = 0
    for wait_ms in (60, 120, 200, 300, 450, 700):
        if moved:
            break
        process = admin.start("move", "account", *ids, "--to", "Southern", "--json")
        time.sleep(wait_ms / 1000)
        process.kill()
        process.communicate()
        there = count(admin, "account WHERE territory = 'Southern' AND id IN (%s)" % ",".join("'%s'" % k for k in ids))
        equal(there in (0, 200), True, there)
        moved = there
    if not moved:
        admin.run("move", "account", *ids, "--to", "Southern")
    for wait_ms in (60, 150, 220, 260, 300, 400, 600):
        process = admin.start("sync", "--json")
        time.sleep(wait_ms / 1000)
        process.kill()
        process.communicate()
        nancy.sync()
        robert.sync()
        # Nobody is without them meanwhile: what is gone from the one has come to the other.
        equal(count(nancy, "account") + count(robert, "account") >= RECORDS + SMALL, True, wait_ms)
    admin.sync()
    nancy.sync()
    robert.sync()
    equal(count(nancy, "account"), RECORDS - MOVED - 200)
    equal(count(robert, "account"), SMALL + MOVED + 200)
    equal(count(admin, "account"), RECORDS + SMALL)
    for device in (admin, nancy, robert):
        equal(device.rows("conflicts"), [])
        equal(device.run("doctor", "--json", expect=None).code, 0, device.name)


if __name__ == "__main__":
    run()
