#!/usr/bin/env python3
"""Accounts move from one territory to another, with what hangs on them, and nobody's work is lost.

The numbers are those of DOMAIN M01-4: 40 accounts go from Nancy's territory to Robert's while she is offline; her three
visits come late, are kept, are hers, and follow.
"""
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import Device, World, equal, has, new_id, run, test  # noqa: E402

ACCOUNTS = 40
SECRET = "canary-of-account-"

world = World(territories=("Eastern", "Southern", "Western"))
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Southern")


def count(device, sql):
    return device.row("query", "SELECT count(*) AS n FROM %s" % sql)["n"]


def second_admin(name):
    admin.run("user", "add", name, "--role", "admin", "--kit", world.kit)
    device = Device(world.folder, name)
    device.run("join", world.invite(name), expect=None)
    number = max(row["device"] for row in admin.rows("device", "list"))
    admin.run("device", "approve", str(number), "--kit", world.kit)
    device.sync()
    return device


def manager(name, *territories):
    admin.run("user", "add", name, "--role", "manager")
    for territory in territories:
        admin.run("territory", "grant", territory, name, "--manage")
    device = Device(world.folder, name)
    device.run("join", world.invite(name), expect=None)
    number = max(row["device"] for row in admin.rows("device", "list"))
    admin.run("device", "approve", str(number))
    device.sync()
    return device


def account_lines(ids):
    """Accounts with two contacts, a visit, and an order of two lines each."""
    lines = []
    for at, key in enumerate(ids):
        order = new_id()
        lines.append({"type": "account", "id": key, "fields": {"name": "%s%d" % (SECRET, at), "tags": ["a", "b"]}})
        for contact in range(2):
            lines.append({"type": "contact", "fields": {"account": key, "name": "Contact %d" % contact}})
        lines.append({"type": "visit", "fields": {"account": key, "purpose": "first"}})
        lines.append({"type": "order", "id": order, "fields": {"account": key, "no_local": "N%d" % at}})
        for line in range(2):
            lines.append({"type": "order_line", "fields": {"order": order, "qty": 2, "unit_price": 150}})
    return lines


EACH = 7
moved_ids = [new_id() for _ in range(ACCOUNTS)]
kept_ids = [new_id() for _ in range(3)]
sealed = []


def stored(device, ids, state=""):
    """The contents, sealed, that the device's store holds of those records."""
    db = sqlite3.connect("file:%s?mode=ro" % os.path.join(device.home, "store.db"), uri=True)
    marks = ",".join("x'%s'" % key.replace("-", "") for key in ids)
    rows = db.execute("SELECT body FROM change WHERE record IN (%s) AND length(body) > 0 %s" % (marks, state))
    bodies = [row[0] for row in rows]
    db.close()
    return bodies


def store_files(device):
    data = b""
    for name in os.listdir(device.home):
        if name.startswith("store"):
            with open(os.path.join(device.home, name), "rb") as file:
                data += file.read()
    return data


@test
def line_6_what_would_move_is_told_by_type_and_nothing_changes():
    nancy.put_lines(account_lines(moved_ids) + account_lines(kept_ids), "--territory", "Eastern")
    nancy.sync()
    admin.sync()
    before = admin.row("status")["pending"]
    result = admin.run("move", "account", *moved_ids, "--to", "Southern", "--dry-run", "--json")
    rows = result.rows()
    equal(len(rows), ACCOUNTS * EACH)
    by_type = {}
    for row in rows:
        by_type[row["type"]] = by_type.get(row["type"], 0) + 1
        equal((row["from"], row["to"]), ("Eastern", "Southern"), row)
    equal(by_type, {"account": 40, "contact": 80, "visit": 40, "order": 40, "order_line": 80})
    has(result.err, "order_line 80")
    has(result.err, "nothing is changed")
    equal(admin.row("status")["pending"], before)
    equal(count(admin, "account WHERE territory = 'Eastern'"), 43)


@test
def line_6_who_may_not_write_in_both_moves_nothing():
    has(nancy.error(4, "move", "account", moved_ids[0], "--to", "Southern")["message"], "Southern")
    has(admin.error(2, "move", "product", new_id(), "--to", "Southern")["message"], "product")
    has(admin.error(2, "move", "account", new_id(), "--to", "Southern")["message"], "there is no account")
    has(admin.error(2, "move", "account", moved_ids[0], "--to", "org")["message"], "no territory")
    has(admin.error(2, "move", "account", moved_ids[0], "--to", "Nowhere")["message"], "Nowhere")


@test
def line_6_forty_accounts_move_and_what_hangs_on_them_goes_along():
    sealed.extend(stored(nancy, moved_ids))
    equal(len(sealed) >= ACCOUNTS, True)
    result = admin.run("move", "account", *moved_ids, "--to", "Southern", "--json")
    equal(len(result.rows()), ACCOUNTS * EACH)
    for kind, n in (("account", 40), ("contact", 80), ("visit", 40), ('"order"', 40), ("order_line", 80)):
        equal(count(admin, "%s WHERE territory = 'Southern'" % kind), n, kind)
    equal(count(admin, "account WHERE territory = 'Eastern'"), 3)
    equal(count(admin, "waiting"), 0)
    admin.sync()
    robert.sync()
    equal(count(robert, "account"), 40)
    equal(count(robert, "order_line"), 80)
    equal(robert.row("get", "account", moved_ids[0])["fields"]["tags"], ["a", "b"])
    steps = robert.rows("history", "account", moved_ids[0])
    equal([(step["by"], step["moved_from"], step["state"]) for step in steps], [("Nancy", "Eastern", "current")])
    equal(count(robert, "account WHERE after_move"), 0)
    steps = admin.rows("history", "account", moved_ids[0], "--territory", "Eastern")
    equal([(step["by"], step["state"], step.get("moved_to")) for step in steps],
          [("Nancy", "superseded", None), ("Andrew", "current", "Southern")])


@test
def line_6_late_work_is_kept_flagged_attributed_and_carried_over():
    for at in range(3):
        nancy.put("visit", "account=" + moved_ids[at], "purpose=late %d" % at)
    nancy.run("put", "account", moved_ids[5], "city=Lyon")
    robert.run("put", "account", moved_ids[5], "phone=12345")
    robert.sync()
    nancy.sync()
    equal(count(nancy, "account"), 3)
    own = [row["id"] for row in nancy.rows("query", "SELECT id FROM visit WHERE purpose LIKE 'late%'")]
    sealed.extend(stored(nancy, own))
    equal(len(own), 3)
    admin.sync()
    robert.sync()
    nancy.sync()
    equal([body for body in stored(nancy, own) if body in sealed], [])
    visits = robert.rows("query", "SELECT * FROM visit WHERE after_move ORDER BY purpose")
    equal([(v["purpose"], v["moved_from"], v["territory"]) for v in visits],
          [("late %d" % at, "Eastern", "Southern") for at in range(3)])
    for visit in visits:
        steps = robert.rows("history", "visit", visit["id"])
        equal([(step["by"], step["moved_from"]) for step in steps], [("Nancy", "Eastern")])
        got = robert.row("get", "visit", visit["id"])
        equal((got["after_move"], got["moved_from"]), (True, "Eastern"))
    fields = robert.fields("account", moved_ids[5])
    equal((fields["city"], fields["phone"]), ("Lyon", "12345"))
    equal(robert.row("get", "account", moved_ids[5])["after_move"], True)
    equal(robert.rows("conflicts"), [])
    equal(admin.rows("conflicts"), [])


@test
def line_6_the_old_owners_phone_holds_none_of_them_and_says_where_the_work_went():
    equal(count(nancy, "account"), 3)
    equal(count(nancy, "visit"), 3)
    equal(stored(nancy, moved_ids, "AND state = 1"), [])
    data = store_files(nancy)
    for body in sealed:
        equal(body in data, False)
    told = nancy.row("status")["moved_on"]
    equal(told, {"records": 3, "edits": 1, "by_type": {"visit": 3}})
    has(nancy.run("status").out, "3 records of yours (visit 3) and 1 edit moved on with their account, credit pending")
    equal(admin.row("status")["moved_on"]["records"], 0)


@test
def line_6_all_count_the_same():
    visits = {device.name: count(device, "visit WHERE territory = 'Southern'") for device in (robert, admin)}
    equal(visits, {"Robert": 43, "Andrew": 43})
    equal(count(nancy, "visit") + count(robert, "visit"), count(admin, "visit"))
    equal(count(nancy, "account") + count(robert, "account"), count(admin, "account"))
    for device in (nancy, robert, admin):
        equal(device.run("doctor", "--json", expect=None).code, 0, device.name)


@test
def line_6_what_has_moved_is_refused_with_a_sentence():
    for words in (("put", "account", moved_ids[0], "city=Paris"), ("rm", "account", moved_ids[0]),
                  ("get", "account", moved_ids[0]), ("history", "account", moved_ids[0]),
                  ("put", "visit", "account=" + moved_ids[0])):
        message = nancy.error(2, *words)["message"]
        has(message, "has moved to Southern")
        has(message, moved_ids[0])
    equal(nancy.row("status")["pending"], 0)
    robert.run("put", "visit", "account=" + moved_ids[0])


@test
def line_6_a_late_edit_against_an_edit_in_the_target_is_a_conflict_of_both():
    key = kept_ids[0]
    admin.run("move", "account", key, "--to", "Southern")
    admin.sync()
    robert.sync()
    robert.run("put", "account", key, "city=Roma")
    robert.sync()
    nancy.run("put", "account", key, "city=Milano")
    nancy.run("put", "account", key, "note=mine")
    nancy.sync()
    admin.sync()
    robert.sync()
    for device in (robert, admin):
        conflicts = [c for c in device.rows("conflicts") if c["id"] == key]
        equal([c["field"] for c in conflicts], ["city"], device.name)
        equal(sorted((v["value"], v["by"]) for v in conflicts[0]["values"]), [("Milano", "Nancy"), ("Roma", "Robert")])
        equal(device.fields("account", key)["note"], "mine")
    robert.run("resolve", "account", key, "city", "--value", "Torino")
    robert.sync()
    admin.sync()
    equal(admin.fields("account", key)["city"], "Torino")
    equal(admin.rows("conflicts"), [])


@test
def line_6_two_carriers_at_once_carry_nothing_twice():
    global anne
    anne = second_admin("Anne")
    key = kept_ids[1]
    admin.run("move", "account", key, "--to", "Southern")
    admin.sync()
    anne.sync()
    nancy.run("put", "account", key, "city=Oslo")
    nancy.put("visit", "account=" + key, "purpose=twice")
    nancy.sync()
    together = [device.start("sync", "--json") for device in (admin, anne)]
    for process in together:
        process.communicate(timeout=100)
        equal(process.returncode, 0)
    for device in (admin, anne, robert, admin, anne):
        device.sync()
    sent = [admin.sync()["sent"], anne.sync()["sent"]]
    equal(sent, [0, 0])
    for device in (admin, anne, robert):
        equal(device.rows("conflicts"), [], device.name)
        equal(count(device, "visit WHERE purpose = 'twice'"), 1, device.name)
        equal(device.fields("account", key)["city"], "Oslo")


@test
def line_6_two_managers_move_one_account_apart_and_the_first_wins_everywhere():
    global laura, steven
    laura = manager("Laura", "Eastern", "Southern")
    steven = manager("Steven", "Eastern", "Western")
    key = new_id()
    nancy.put_lines(account_lines([key]), "--territory", "Eastern")
    nancy.sync()
    laura.sync()
    steven.sync()
    laura.run("move", "account", key, "--to", "Southern")
    steven.run("move", "account", key, "--to", "Western")
    equal(steven.row("get", "account", key)["territory"], "Western")
    laura.sync()
    steven.sync()
    for device in (admin, laura, steven, anne, admin, laura, steven, robert):
        device.sync()
    for device in (admin, anne):
        equal(device.row("get", "account", key)["territory"], "Southern", device.name)
        equal(count(device, "account WHERE id = '%s'" % key), 1)
        equal(count(device, "\"order\" WHERE account = '%s'" % key), 1)
    equal(robert.row("get", "account", key)["territory"], "Southern")
    equal(count(steven, "account WHERE id = '%s'" % key), 0)
    equal(count(laura, "account WHERE id = '%s'" % key), 1)
    equal(count(robert, "contact WHERE account = '%s'" % key), 2)
    for device in (admin, anne, laura, steven, robert):
        equal(device.rows("conflicts"), [], device.name)


@test
def line_6_an_account_moves_back_with_what_was_done_meanwhile():
    key = kept_ids[2]
    admin.run("move", "account", key, "--to", "Southern")
    admin.sync()
    robert.sync()
    robert.run("put", "account", key, "city=Bern", "tags+=c")
    robert.sync()
    admin.sync()
    admin.run("move", "account", key, "--to", "Eastern")
    admin.sync()
    nancy.sync()
    robert.sync()
    got = nancy.row("get", "account", key)
    equal((got["territory"], got["fields"]["city"], got["fields"]["tags"]), ("Eastern", "Bern", ["a", "b", "c"]))
    equal(count(nancy, "contact WHERE account = '%s'" % key), 2)
    has(robert.error(2, "get", "account", key)["message"], "has moved to Eastern")
    nancy.run("put", "account", key, "city=Basel")
    nancy.sync()
    admin.sync()
    equal(admin.fields("account", key)["city"], "Basel")
    equal(admin.rows("conflicts"), [])
    admin.run("move", "account", key, "--to", "Western")
    admin.sync()
    equal(admin.row("get", "account", key)["territory"], "Western")


@test
def line_6_a_live_session_carries_what_comes_late_at_once():
    key = moved_ids[7]
    nancy2 = Device(world.folder, "Nancy2")
    nancy2.run("join", world.invite("Nancy"))
    other = nancy2.put("account", "name=Live")
    nancy2.sync()
    admin.sync()
    admin.run("move", "account", other, "--to", "Southern")
    admin.sync()
    live = admin.start("sync", "--live", "--timeout", "20")
    nancy2.put("visit", "account=" + other, "purpose=live")
    nancy2.run("sync", expect=None)
    deadline = time.monotonic() + 15
    while count(robert, "visit WHERE account = '%s' AND after_move" % other) == 0 and time.monotonic() < deadline:
        robert.sync()
    live.kill()
    live.communicate()
    equal(count(robert, "visit WHERE account = '%s' AND after_move" % other), 1)
    nancy2.sync()
    nancy.sync()
    equal(nancy2.row("status")["moved_on"]["by_type"]["visit"] >= 1, True)
    equal(count(nancy2, "account WHERE id = '%s'" % key), 0)


@test
def line_6_an_archived_account_moves_archived():
    key = nancy.put("account", "name=Old")
    nancy.run("rm", "account", key)
    nancy.sync()
    admin.sync()
    admin.run("move", "account", key, "--to", "Southern")
    admin.sync()
    robert.sync()
    has(robert.error(2, "get", "account", key)["message"], "archived")
    robert.run("restore", "account", key)
    equal(robert.fields("account", key)["name"], "Old")
    equal(robert.rows("conflicts"), [])


@test
def line_6_everybody_still_holds_what_the_server_holds():
    for device in (admin, anne, laura, steven, robert, nancy):
        equal(device.sync()["in_sync"], True)
        equal(device.run("doctor", "--json", expect=None).code, 0, device.name)


if __name__ == "__main__":
    run()
