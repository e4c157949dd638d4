#!/usr/bin/env python3
"""Who loses access: a territory is taken, a person is suspended, a device is revoked; the keys change in the same
breath, nobody who stays loses anything, and what the others had not sent goes to the admins."""
from harness import Device, World, equal, has, run, test

world = World(territories=["Eastern", "Western"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern", "Western")
laptop = Device(world.folder, "laptop")
laptop.run("join", world.invite("Nancy"), "--device-name", "laptop")
robert = world.rep("Robert", "Eastern")
before = admin.put("account", "name=before", "--territory", "Eastern")
admin.sync()
nancy.sync()


def epochs():
    """How often each territory's key has been changed, as the status of the admin says."""
    return {space["name"]: space["epoch"] for space in admin.row("status")["spaces"]}


def debts():
    return [space["name"] for space in admin.row("status")["spaces"] if space["debt"]]


@test
def a_rotation_costs_nobody_anything():
    had = epochs()
    for name in ("Eastern", "org", "people"):
        equal(admin.row("rotate", name), {"territory": name})
    for name in ("Eastern", "org", "people"):
        equal(epochs()[name], had[name] + 1)
    after = admin.put("account", "name=after the rotation", "--territory", "Eastern")
    admin.sync()
    for device in (nancy, laptop, robert):
        device.sync()
        names = {row["name"] for row in device.rows("list", "account")}
        equal(names >= {"before", "after the rotation"}, True, names)
    equal(admin.fields("account", after)["name"], "after the rotation")


@test
def a_territory_that_is_taken_leaves_the_device_and_nothing_else_does():
    west = nancy.put("account", "name=in the west", "--territory", "Western")
    east = nancy.put("account", "name=mine in the east", "--territory", "Eastern")
    nancy.sync()
    had = epochs()
    admin.run("territory", "revoke", "Western", "Nancy")
    equal((epochs()["Western"], debts()), (had["Western"] + 1, []))
    equal(epochs()["Eastern"], had["Eastern"])
    result = nancy.run("sync", "--json")
    has(result.err, "may not read Western any more")
    equal([row["id"] for row in nancy.rows("list", "account") if row["id"] in (west, east)], [east])
    equal(nancy.error(2, "get", "account", west)["error"], "not_found")
    has(nancy.error(4, "put", "account", "name=x", "--territory", "Western")["error"], "denied")
    equal(admin.error(2, "territory", "revoke", "Western", "Nancy")["error"], "not_found")
    equal(admin.fields("account", west)["name"], "in the west")
    nancy.sync()


@test
def it_can_be_given_back():
    admin.run("territory", "grant", "Western", "Nancy")
    nancy.sync()
    equal("in the west" in {row["name"] for row in nancy.rows("list", "account")}, True)


@test
def a_revoked_device_is_out_and_its_work_goes_to_the_admins():
    laptop.sync()
    sent = laptop.put("account", "name=sent in time", "--territory", "Eastern")
    laptop.sync()
    late = laptop.put("account", "name=never sent", "--territory", "Eastern")
    laptop.put("note", "text=in the west", "--territory", "Western")
    then = laptop.put("account", late, "city=Bern")
    had = epochs()
    revoked = admin.row("device", "revoke", "3")
    equal((revoked["device"], revoked["state"]), (3, "revoked"), revoked)
    equal(debts(), [])
    for name in ("Eastern", "Western", "org", "people"):
        equal(epochs()[name], had[name] + 1, name)
    failed = laptop.run("sync", "--json", expect=4)
    equal(failed.error()["error"], "revoked")
    equal(admin.error(2, "device", "revoke", "3")["error"], "exists")
    states = {row["device"]: row["state"] for row in admin.rows("device", "list")}
    equal((states[2], states[3], states[4]), ("active", "revoked", "active"))
    robert.sync()
    equal(robert.fields("account", sent)["name"], "sent in time")
    equal(robert.error(2, "get", "account", late)["error"], "not_found")
    first, second = [item for item in admin.rows("escrow", "list") if item["territory"] == "Eastern"]
    equal((late, admin.error(3, "escrow", "accept", str(second["number"]))["error"]), (then, "stale"))
    item = first
    equal((item["device"], item["user"], item["territory"], item["state"]), (3, "Nancy", "Eastern", "open"), item)
    shown = admin.rows("escrow", "show", str(item["number"]))
    equal([(change["type"], change["id"], change["fields"]["name"]) for change in shown],
          [("account", late, "never sent")])
    admin.run("escrow", "accept", str(item["number"]))
    admin.sync()
    robert.sync()
    equal(robert.fields("account", late)["name"], "never sent")
    equal([step["by"] for step in robert.rows("history", "account", late)], ["Nancy"], "the author survives")
    equal(admin.rows("escrow", "list")[0]["state"], "accepted")


@test
def a_suspended_person_is_out_with_all_devices_and_can_come_back():
    had = epochs()
    admin.run("user", "suspend", "Robert")
    equal((epochs()["Eastern"], epochs()["Western"], debts()), (had["Eastern"] + 1, had["Western"], []))
    equal(robert.run("sync", "--json", expect=4).error()["error"], "revoked")
    equal(admin.error(2, "user", "suspend", "Robert")["error"], "exists")
    equal({row["name"]: row["state"] for row in admin.rows("user", "list")}["Robert"], "suspended")
    meanwhile = admin.put("account", "name=meanwhile", "--territory", "Eastern")
    admin.sync()
    admin.run("user", "resume", "Robert")
    equal(debts(), [])
    robert.sync()
    equal(robert.fields("account", meanwhile)["name"], "meanwhile")
    written = robert.put("account", "name=back again", "--territory", "Eastern")
    robert.sync()
    nancy.sync()
    equal(nancy.fields("account", written)["name"], "back again")


@test
def the_last_admin_stays():
    has(admin.error(2, "user", "suspend", "Andrew")["message"], "the last admin")
    has(admin.error(2, "device", "revoke", "1")["message"], "satchel leave")
    equal(nancy.error(4, "device", "revoke", "1")["error"], "denied")
    equal(nancy.error(4, "user", "suspend", "Robert")["error"], "denied")
    equal(admin.error(2, "device", "revoke", "77")["error"], "not_found")
    equal(admin.error(1, "device", "revoke", "x")["error"], "usage")


@test
def everything_is_whole_afterwards():
    for device in (admin, nancy, robert):
        equal({row["state"] for row in device.rows("doctor")}, {"ok"})


if __name__ == "__main__":
    run()
