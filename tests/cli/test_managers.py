#!/usr/bin/env python3
"""A manager looks after the people and the territories that he or she manages, with the commands of an admin, and
after nothing else."""
from harness import Device, World, equal, has, run, test

world = World(territories=["Eastern", "Western"])
admin = world.admin
robert = world.rep("Robert", "Western")
admin.run("user", "add", "Margaret", "--role", "manager")
admin.run("territory", "grant", "Eastern", "Margaret", "--manage")
margaret = Device(world.folder, "Margaret")
margaret.run("join", world.invite("Margaret"))
admin.run("device", "approve", "3")
margaret.sync()


@test
def a_manager_brings_people_in():
    global nancy
    margaret.run("user", "add", "Nancy", "--role", "rep")
    equal([row["name"] for row in admin.rows("user", "list")], ["Andrew", "Robert", "Margaret", "Nancy"])
    margaret.run("territory", "grant", "Eastern", "Nancy")
    nancy = Device(world.folder, "Nancy")
    equal(nancy.row("join", margaret.row("invite", "Nancy")["code"])["user"], "Nancy")
    nancy.put("account", "name=Berglunds")
    nancy.sync()
    margaret.sync()
    equal([row["name"] for row in margaret.rows("list", "account")], ["Berglunds"])


@test
def and_nobody_above_and_nowhere_else():
    for words in (("user", "add", "Eve", "--role", "admin"), ("territory", "add", "Southern"),
                  ("territory", "grant", "Western", "Nancy"), ("territory", "grant", "Eastern", "Nancy", "--manage"),
                  ("territory", "grant", "Eastern", "Andrew"), ("territory", "revoke", "Western", "Robert"),
                  ("invite", "Robert"), ("user", "suspend", "Robert"), ("device", "revoke", "2"),
                  ("device", "approve", "2"), ("policy", "set", "lease.rep", "5"), ("rotate", "Western")):
        equal(margaret.error(4, *words)["error"], "denied", words)
    has(margaret.error(4, "invite", "Robert")["message"], "you do not manage Robert")
    has(margaret.error(4, "territory", "grant", "Western", "Nancy")["message"], "you do not manage Western")
    has(margaret.error(4, "territory", "add", "Southern")["message"], "only an admin may")
    has(nancy.error(4, "invite", "Nancy")["message"], "only an admin or a manager may")
    equal(nancy.error(4, "escrow", "list")["error"], "denied")


@test
def the_devices_of_those_people_are_seen():
    seen = {row["device"]: row["last_seen"] is not None for row in margaret.rows("device", "list")}
    equal(seen, {1: False, 2: False, 3: True, 4: True}, "her own, and Nancy's")
    rows = {row["device"]: row for row in admin.rows("device", "list")}
    equal({number for number in rows if rows[number]["last_seen"]}, {1, 2, 3, 4})
    equal((rows[4]["lag"], rows[4]["pending"], rows[4]["state"]), (0, None, "active"), rows[4])
    equal(rows[1]["pending"], 0)


@test
def a_manager_puts_devices_out_and_decides_about_their_work():
    late = nancy.put("account", "name=too late")
    equal(margaret.row("device", "revoke", "4")["state"], "revoked")
    equal(nancy.run("sync", "--json", expect=4).error()["error"], "revoked")
    number = str(margaret.row("escrow", "list")["number"])
    equal(margaret.row("escrow", "show", number)["fields"], {"name": "too late"})
    has(margaret.run("escrow", "show", number).out, "too late")
    equal(margaret.row("escrow", "reject", number)["state"], "rejected")
    equal(margaret.error(2, "escrow", "reject", number)["error"], "exists")
    equal(margaret.row("escrow", "accept", number), {"numbers": [int(number)], "state": "accepted"})
    equal(admin.error(2, "escrow", "show", "99")["error"], "not_found")
    admin.sync()
    equal(admin.fields("account", late)["name"], "too late")
    debts = {space["name"]: space["debt"] for space in margaret.row("status")["spaces"]}
    equal(debts["Eastern"], False, "she has the key, so she paid")
    equal([space["debt"] for space in admin.row("status")["spaces"]], [False] * 4)


if __name__ == "__main__":
    run()
