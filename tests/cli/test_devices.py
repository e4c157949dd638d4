#!/usr/bin/env python3
"""One person with a phone and a laptop: an invite for somebody who has a device already adds one, both see the same,
and what the two did to one field without a network is a conflict between the person's own devices."""
from harness import Device, World, equal, has, run, test

world = World(territories=["Eastern", "Western"])
admin = world.admin
phone = world.rep("Nancy", "Eastern")
account = phone.put("account", "name=Around the Horn", "city=London")
phone.put("note", "text=from the phone", "about=" + account)
phone.sync()
laptop = Device(world.folder, "laptop")


@test
def an_invite_for_somebody_with_a_device_adds_another():
    joined = laptop.row("join", world.invite("Nancy"), "--device-name", "Nancy's laptop")
    equal((joined["user"], joined["role"], joined["device"], joined["in_sync"]), ("Nancy", "rep", 3, True), joined)
    phone.sync()
    for device in (admin, phone, laptop):
        listed = [(row["device"], row["user"], row["state"]) for row in device.rows("device", "list")]
        equal(listed, [(1, "Andrew", "active"), (2, "Nancy", "active"), (3, "Nancy", "active")])
    equal([row["name"] for row in phone.rows("device", "list")][2], "Nancy's laptop")
    equal(len(admin.rows("user", "list")), 2, "it is the same person")


@test
def both_see_what_was_there_before():
    for kind in ("account", "note"):
        equal(laptop.rows("list", kind), phone.rows("list", kind))
    equal(laptop.fields("account", account)["city"], "London")
    equal([step["by"] for step in laptop.rows("history", "account", account)], ["Nancy"])


@test
def both_may_do_the_same_and_see_each_others_work():
    from_laptop = laptop.put("account", "name=written on the laptop")
    laptop.sync()
    phone.sync()
    equal(phone.fields("account", from_laptop)["name"], "written on the laptop")
    step = phone.rows("history", "account", from_laptop)[0]
    equal((step["by"], step["device"]), ("Nancy", 3), step)
    admin.run("territory", "grant", "Western", "Nancy")
    new = admin.put("account", "name=in the west", "--territory", "Western")
    admin.sync()
    for device in (phone, laptop):
        device.sync()
        equal(device.fields("account", new)["name"], "in the west", "a grant is the person's, not one device's")


@test
def edits_of_one_field_on_both_are_a_conflict_between_the_persons_own_devices():
    phone.put("account", account, "city=Londres")
    laptop.put("account", account, "city=Londinium")
    phone.sync()
    equal(laptop.sync()["conflicts"], 1)
    equal(phone.sync()["conflicts"], 1)
    for device in (phone, laptop):
        conflict = device.row("conflicts")
        equal((conflict["id"], conflict["field"]), (account, "city"), conflict)
        values = {(value["value"], value["by"], value["device"]) for value in conflict["values"]}
        equal(values, {("Londres", "Nancy", 2), ("Londinium", "Nancy", 3)})
        has(device.run("conflicts").out, "by Nancy (device 3)")
    equal(phone.row("conflicts"), laptop.row("conflicts"))
    laptop.run("resolve", "account", account, "city", "--value", "London")
    laptop.sync()
    phone.sync()
    for device in (phone, laptop):
        equal((device.rows("conflicts"), device.fields("account", account)["city"]), ([], "London"))


@test
def edits_of_different_fields_on_both_are_none():
    phone.put("account", account, "phone=1")
    laptop.put("account", account, "note=2")
    for device in (phone, laptop, phone):
        equal(device.sync()["conflicts"], 0)
    for device in (phone, laptop):
        fields = device.fields("account", account)
        equal((fields["phone"], fields["note"]), ("1", "2"), fields)


@test
def a_code_adds_one_device_and_no_more():
    code = world.invite("Nancy")
    tablet, thief = Device(world.folder, "tablet"), Device(world.folder, "thief")
    equal(tablet.row("join", code)["device"], 4)
    equal(thief.error(4, "join", code)["error"], "invite_used")
    equal(tablet.rows("list", "account"), phone.rows("list", "account"))
    for device in (phone, laptop, tablet):
        equal({row["state"] for row in device.rows("doctor")}, {"ok"})


if __name__ == "__main__":
    run()
