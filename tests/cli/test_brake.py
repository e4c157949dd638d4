#!/usr/bin/env python3
"""The brake: a sync that would archive or overwrite more records of a territory than the policy lets through unasked
stops before them and asks, whether it is this device's work that goes out or others' that comes in."""
from harness import World, equal, has, lacks, new_id, run, test

world = World(territories=["Eastern", "Northern"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern", "Northern")
janet = world.rep("Janet", "Eastern", "Northern")
ids = [new_id() for _ in range(100)]
people = (admin, nancy, janet)


def accounts(which, territory="Eastern", **fields):
    return [{"type": "account", "id": key, "territory": territory, "fields": fields} for key in which]


def cities(device, which=ids):
    return {row["id"]: row["city"] for row in device.rows("list", "account") if row["id"] in which}


def held(device):
    return device.row("status")["mass_changes"]


def settle():
    for device in people + people:
        device.sync()


def blind_sync(device):
    """Exit 2, with the counts on stdout and the reason on stderr."""
    result = device.run("sync", "--json", expect=2)
    equal(result.error()["error"], "mass_change")
    return result.rows()[0], result.error()["message"]


@test
def an_import_of_many_new_records_goes_out_and_comes_in_unasked():
    nancy.put_lines(accounts(ids, name="Blondel", city="Strasbourg"))
    equal(nancy.sync()["sent"], 100)
    equal(admin.sync()["received"] >= 100, True)
    equal(len(cities(janet)), 0)
    lacks(janet.sync(), "held")
    equal(len(cities(janet)), 100)


@test
def new_fields_of_all_records_are_no_mass_change():
    nancy.put_lines(accounts(ids, country="France"))
    nancy.sync()
    settle()


@test
def half_of_the_records_overwritten_do_not_leave_the_device_unasked():
    nancy.put_lines(accounts(ids[:60], city="Lyon"))
    north = nancy.put("account", "name=Ottilies", "--territory", "Northern")
    counts, message = blind_sync(nancy)
    equal((counts["sent"], counts["held"], counts["in_sync"]), (1, 1, False))  # the other territory went on
    for part in ("Eastern", "overwrite 60 of 100", "--allow-mass-change"):
        has(message, part)
    janet.sync()
    equal(janet.fields("account", north)["name"], "Ottilies")
    equal(set(cities(janet).values()), {"Strasbourg"})
    equal(cities(nancy)[ids[0]], "Lyon")  # nothing is lost, and what is shown here is what was written
    status = nancy.row("status")
    equal(status["pending"], 60)
    told, = status["mass_changes"]
    equal((told["direction"], told["territory"], told["overwritten"], told["of"]), ("out", "Eastern", 60, 100))
    counts, _ = blind_sync(nancy)
    equal(counts["sent"], 0)


@test
def it_goes_out_when_it_is_meant_and_others_are_asked_for_themselves():
    sent = nancy.row("sync", "--allow-mass-change")
    equal((sent["sent"], sent.get("held", 0), sent["in_sync"]), (60, 0, True))
    equal(held(nancy), [])
    north = admin.put("account", "name=Vaffeljernet", "--territory", "Northern")
    counts, message = blind_sync(admin)
    equal((counts["held"], counts["in_sync"], counts["received"]), (1, False, 1))  # from the other territory
    for part in ("Eastern", "(Nancy)", "overwrite 60 of 100"):
        has(message, part)
    equal(set(cities(admin).values()), {"Strasbourg"})  # nothing of it was taken over
    told, = held(admin)
    equal((told["direction"], told["territory"], len(told["devices"])), ("in", "Eastern", 1))
    janet.run("sync", expect=2)
    equal(janet.fields("account", north)["name"], "Vaffeljernet")


@test
def work_of_a_device_that_is_asked_waits_in_that_territory_and_is_not_lost():
    own = janet.put("account", "name=Chop-suey", "--territory", "Eastern")
    counts, _ = blind_sync(janet)
    equal((counts["received"], counts["in_sync"]), (0, False))
    equal(janet.fields("account", own)["name"], "Chop-suey")
    equal(janet.row("status")["pending"], 1)


@test
def once_an_admin_has_taken_it_over_nobody_else_is_asked():
    taken = admin.row("sync", "--allow-mass-change")
    equal((taken["received"] >= 60, taken.get("held", 0), taken["in_sync"]), (True, 0, True))
    equal(cities(admin)[ids[0]], "Lyon")
    has(admin.run("audit").out, "confirms the mass change of Nancy (device 2) in Eastern")
    result = janet.sync()
    equal((result["received"], result.get("held", 0)), (60, 0))
    equal(cities(janet)[ids[0]], "Lyon")
    settle()
    equal([row["name"] for row in admin.rows("list", "account", "--where", "name = 'Chop-suey'")], ["Chop-suey"])


@test
def what_an_admin_sends_and_means_asks_nobody():
    admin.put_lines(accounts(ids[:70], city="Paris"))
    blind_sync(admin)
    admin.row("sync", "--allow-mass-change")
    for device in (nancy, janet):
        equal(device.sync()["received"] >= 70, True)
        equal(cities(device)[ids[0]], "Paris")


@test
def what_is_confirmed_covers_nothing_that_comes_behind_it():
    admin.put_lines(accounts(ids[:60], city="Nantes"))
    blind_sync(admin)
    equal(cities(nancy)[ids[0]], "Paris")


@test
def archiving_is_a_mass_change_and_the_policy_says_how_much():
    admin.row("sync", "--allow-mass-change")
    settle()
    admin.run("policy", "set", "brake.records", "5")
    admin.run("policy", "set", "brake.percent", "6")
    settle()
    for key in ids[:6]:
        nancy.run("rm", "account", key)
    settle()  # six of a hundred are not more than six percent
    nancy.run("rm", "account", ids[6])
    settle()
    for key in ids[7:14]:
        nancy.run("rm", "account", key)
    counts, message = blind_sync(nancy)
    has(message, "archive 7 and overwrite 0 of 94")
    nancy.row("sync", "--allow-mass-change")  # a rep's word is for the rep alone
    _, message = blind_sync(janet)
    has(message, "archive 7")
    equal(len(cities(janet)), 93)  # of those hundred
    janet.row("sync", "--allow-mass-change")
    equal(len(cities(janet)), 86)
    admin.row("sync", "--allow-mass-change")


@test
def a_new_device_and_a_move_are_not_asked():
    fresh = world.rep("Margaret", "Eastern", "Northern")
    lacks(fresh.sync(), "held")
    moved = [key for key in ids[20:40]]
    admin.run("move", "account", *moved, "--to", "Northern")
    lacks(admin.sync(), "held")
    for device in (nancy, janet, fresh):
        lacks(device.sync(), "held")
        equal(device.row("get", "account", moved[0])["territory"], "Northern")


@test
def zero_percent_never_asks():
    admin.run("policy", "set", "brake.percent", "0")
    settle()
    nancy.put_lines(accounts(ids[40:], city="Metz"))
    nancy.sync()
    lacks(janet.sync(), "held")
    equal(cities(janet)[ids[50]], "Metz")


run()
