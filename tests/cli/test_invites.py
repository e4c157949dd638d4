#!/usr/bin/env python3
"""Codes that were given out and must not be used any more."""
from harness import Device, World, equal, has, run, test

world = World(territories=["Eastern", "Western"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")


def epochs():
    return {space["name"]: space["epoch"] for space in admin.row("status")["spaces"]}


def join(name, code, expect):
    return Device(world.folder, name).run("join", code, "--json", expect=expect)


@test
def open_invites_of_a_person_are_cancelled_and_what_they_opened_gets_a_new_key():
    codes = [world.invite("Nancy") for _ in range(3)]
    other = world.invite("Andrew")
    had = epochs()
    equal(admin.row("invite", "Nancy", "--cancel"), {"user": "Nancy", "cancelled": 3})
    now = epochs()
    equal({name: now[name] - had[name] for name in had}, {"org": 1, "people": 1, "Eastern": 1, "Western": 0})
    equal([space["name"] for space in admin.row("status")["spaces"] if space["debt"]], [])
    for number, code in enumerate(codes):
        equal(join("late-%d" % number, code, 4).error()["error"], "invite_expired")
    join("mine", other, 0)
    nancy.sync()
    device = Device(world.folder, "later")
    device.run("join", world.invite("Nancy"))


@test
def where_there_is_none_that_is_said():
    failed = admin.error(2, "invite", "Nancy", "--cancel")
    equal((failed["error"], failed["message"]), ("not_found", "Nancy has no open invite"))
    equal(admin.error(2, "invite", "Nobody", "--cancel")["error"], "not_found")
    equal(admin.error(1, "invite", "Nancy", "--cancel", "--expires", "3d")["error"], "usage")


@test
def many_are_cancelled_at_once():
    for _ in range(20):
        world.invite("Nancy")
    equal(admin.row("invite", "Nancy", "--cancel")["cancelled"], 20)


@test
def managers_cancel_for_their_people_and_reps_for_nobody():
    admin.run("user", "add", "Margaret", "--role", "manager")
    admin.run("territory", "grant", "Eastern", "Margaret", "--manage")
    manager = Device(world.folder, "Margaret")
    manager.run("join", world.invite("Margaret"))
    number = manager.row("status")["device"]
    admin.run("device", "approve", str(number))
    manager.sync()
    code = world.invite("Nancy")
    equal(manager.row("invite", "Nancy", "--cancel"), {"user": "Nancy", "cancelled": 1})
    equal(join("too-late", code, 4).error()["error"], "invite_expired")
    admin.run("user", "add", "Robert", "--role", "rep")
    admin.run("territory", "grant", "Western", "Robert")
    code = world.invite("Robert")
    world.invite("Andrew")
    for name in ("Robert", "Andrew"):
        has(manager.error(4, "invite", name, "--cancel")["message"], "you do not manage %s" % name)
    equal(nancy.error(4, "invite", "Robert", "--cancel")["error"], "denied")
    join("Robert", code, 0)
    cancelled = [link["what"] for link in admin.rows("audit") if link["by"] == "Margaret"
                 and link["kind"] == "invite-cancel"]
    equal(len(cancelled), 1)
    has(cancelled[0], "cancels the invite of Nancy")


if __name__ == "__main__":
    run()
