#!/usr/bin/env python3
"""A program of an earlier time among later ones: it knows one record type and one field fewer (`task`, and
`next_step` of a visit). What it does not know it keeps, counts, lists and hands on, and the program that replaces it
over the same home shows all of it."""
import os

import harness
from harness import World, equal, has, run, test

NEWER = harness.SATCHEL
OLDER = os.path.join(os.environ.get("SATCHEL_BUILD", os.path.join(harness.ROOT, ".build", "release")), "satchel-older")

world = World(territories=["Eastern"])
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Eastern")
for device in (nancy, robert):
    device.sync()
shop, task, visit = (nancy.put("account", "name=Bon app'"), None, None)


class of_an_earlier_time:
    """Every command within is the older program's."""

    def __enter__(self):
        harness.SATCHEL = OLDER

    def __exit__(self, *_):
        harness.SATCHEL = NEWER


def later(device):
    return [row for row in device.rows("refused") if row["kind"] == "later"]


@test
def what_a_later_program_wrote_is_kept_counted_and_listed_with_its_reason():
    global task, visit
    task = nancy.put("task", "account=" + shop, "title=call back", "state=open")
    visit = nancy.put("visit", "account=" + shop, "purpose=first order", "next_step=send samples")
    equal(nancy.sync()["sent"], 3)
    with of_an_earlier_time():
        equal(robert.sync()["received"], 3)
        status = robert.row("status")
        equal((status["later"], status["unreadable"], status["in_sync"]), (2, 0, True), status)
        rows = {row["unknown"]: row for row in later(robert)}
        equal(sorted(rows), ["field", "type"], rows)
        equal((rows["type"]["number"], rows["type"]["reason"]), (9, "upgrade_needed"), rows)
        equal(rows["type"]["changes"][0]["id"], task, rows)
        equal((rows["field"]["number"], rows["field"]["user"]), (6, "Nancy"), rows)
        equal(rows["field"]["changes"][0]["fields"], {"account": shop, "purpose": "first order"}, rows)
    status = nancy.row("status")
    equal((status["later"], later(nancy)), (0, []), "who knows it lists nothing")


@test
def nothing_is_blocked_by_it():
    with of_an_earlier_time():
        equal(robert.fields("visit", visit), {"account": shop, "purpose": "first order"})
        equal(robert.rows("query", "SELECT name FROM account"), [{"name": "Bon app'"}])
        equal(robert.rows("query", "SELECT purpose FROM visit"), [{"purpose": "first order"}])
        equal(robert.rows("conflicts"), [])
        robert.run("query", "SELECT * FROM task", expect=2)
        robert.run("get", "task", task, expect=2)
        folder = os.path.join(world.folder, "export")
        robert.run("export", folder)
        has(sorted(os.listdir(folder)), "visit.ndjson")
        equal([name for name in os.listdir(folder) if name.startswith("task")], [])
        robert.run("doctor")


@test
def an_edit_by_who_does_not_know_a_field_leaves_it_as_it_is():
    with of_an_earlier_time():
        robert.run("put", "visit", visit, "purpose=second order")
        robert.run("put", "account", shop, "city=Marseille")
        equal(robert.sync()["sent"], 3, "two edits, and the record of the export")
        equal(robert.row("status")["later"], 2)
    nancy.sync()
    equal(nancy.fields("visit", visit),
          {"account": shop, "purpose": "second order", "next_step": "send samples"})
    equal(nancy.fields("account", shop)["city"], "Marseille")
    equal(nancy.rows("conflicts"), [])


@test
def a_record_that_is_archived_and_brought_back_there_has_it_still():
    with of_an_earlier_time():
        robert.run("rm", "visit", visit)
        robert.run("restore", "visit", visit)
        robert.sync()
    nancy.sync()
    equal(nancy.fields("visit", visit)["next_step"], "send samples")
    equal(nancy.fields("visit", visit)["purpose"], "second order")


@test
def what_is_under_an_id_of_an_unknown_type_is_not_written_over():
    with of_an_earlier_time():
        error = robert.error(2, "put", "note", task, "text=mine")
        has(error["message"], "later version")
        equal(robert.row("status")["pending"], 0)


@test
def a_device_that_joins_later_gets_what_went_through_an_older_one():
    other = world.rep("Laura", "Eastern")
    other.sync()
    equal(other.fields("task", task)["title"], "call back")
    equal(other.fields("visit", visit)["next_step"], "send samples")


@test
def both_edit_what_only_one_of_them_knows_whole():
    nancy.run("put", "visit", visit, "next_step=call")
    with of_an_earlier_time():
        robert.run("put", "visit", visit, "note=in a hurry")
        robert.sync()
    nancy.sync()
    with of_an_earlier_time():
        robert.sync()
    fields = nancy.fields("visit", visit)
    equal((fields["next_step"], fields["note"], fields["purpose"]), ("call", "in a hurry", "second order"))


@test
def the_program_that_replaces_it_over_the_same_home_shows_everything():
    status = robert.row("status")
    equal((status["later"], later(robert)), (0, []), status)
    equal(robert.fields("task", task), {"account": shop, "title": "call back", "state": "open"})
    equal(robert.rows("query", "SELECT title FROM task"), [{"title": "call back"}])
    fields = robert.fields("visit", visit)
    equal((fields["next_step"], fields["note"], fields["purpose"]), ("call", "in a hurry", "second order"))
    robert.run("task", "done", task)
    robert.sync()
    nancy.sync()
    equal(nancy.fields("task", task)["state"], "done")
    equal(nancy.row("status")["fingerprint"], robert.row("status")["fingerprint"])


@test
def a_step_back_to_the_older_program_lists_it_again():
    with of_an_earlier_time():
        status = robert.row("status")
        equal((status["later"] > 0, status["in_sync"]), (True, True), status)
    equal(robert.row("status")["later"], 0)


run()
