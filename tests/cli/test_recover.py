#!/usr/bin/env python3
"""Coming back when everything is lost, and going: the recovery kit brings an admin back on a new device and is replaced
by that; who leaves takes no work along that is nowhere else."""
import os

from harness import Device, World, equal, has, run, test

world = World(territories=["Eastern"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
account = nancy.put("account", "name=Ernst Handel")
nancy.sync()
new_kit = os.path.join(world.folder, "new-kit.txt")
new_admin = Device(world.folder, "Andrew-new")


def recover(device, kit, new, *words, expect=0):
    return device.run("recover", "--kit", kit, "--recovery-kit", new, "--json", *words, expect=expect)


@test
def the_kit_brings_an_admin_back_and_changes_all_keys():
    result = recover(new_admin, world.kit, new_kit, "--device-name", "new laptop")
    row = result.rows()[0]
    equal((row["org"], row["user"], row["role"], row["device"], row["in_sync"]),
          ("Northwind", "Andrew", "admin", 3, True), result)
    has(result.err, "the new recovery kit is in")
    status = new_admin.row("status")
    equal({space["name"]: (space["epoch"], space["debt"]) for space in status["spaces"]},
          {"org": (2, False), "people": (2, False), "Eastern": (2, False)})
    equal(new_admin.fields("account", account)["name"], "Ernst Handel")
    new_admin.run("device", "revoke", "1")
    equal(admin.run("sync", "--json", expect=4).error()["error"], "revoked")
    late = nancy.put("account", "name=afterwards")
    nancy.sync()
    new_admin.sync()
    equal(new_admin.fields("account", late)["name"], "afterwards")
    equal([row["name"] for row in new_admin.rows("device", "list")][2], "new laptop")


@test
def the_old_kit_is_worth_nothing_and_the_new_one_is():
    other = Device(world.folder, "other")
    kit = os.path.join(world.folder, "third-kit.txt")
    failed = recover(other, world.kit, kit, expect=4)
    equal(failed.error()["error"], "denied")
    has(failed.error()["message"], "replaced")
    equal((os.path.exists(kit), os.path.exists(other.home)), (False, False))
    equal(recover(other, new_kit, new_kit, expect=2).error()["error"], "exists")
    equal(recover(other, new_kit, kit, "--server", world.server.url, "--pin", world.server.pin).rows()[0]["device"], 4)
    equal(recover(other, kit, kit + "2", expect=2).error()["error"], "exists", "it is a home already")
    equal(os.stat(kit).st_mode & 0o777, 0o600)


@test
def a_kit_with_a_copying_error_is_told():
    page = open(new_kit, encoding="utf-8").read()
    broken = os.path.join(world.folder, "broken.txt")
    device = Device(world.folder, "broken")
    for text, said in ((page.replace("Organisation id", "Other"), "which organisation"), ("hello", "no whole key")):
        with open(broken, "w", encoding="utf-8") as file:
            file.write(text)
        has(recover(device, broken, broken + "2", expect=2).error()["message"], said)
    equal(recover(device, broken + "none", broken + "2", expect=2).error()["error"], "not_found")
    equal(os.path.exists(device.home), False)


@test
def who_leaves_loses_no_work():
    phone = Device(world.folder, "phone")
    phone.run("join", new_admin.row("invite", "Nancy")["code"])
    world.server.stop()
    phone.put("account", "name=not sent")
    phone.put("account", "name=not sent either")
    refused = phone.error(2, "leave")
    has(refused["message"], "2 changes are not synced")
    world.server.start()
    phone.sync()
    equal(phone.row("leave"), {"left": True})
    equal(os.path.exists(phone.home), False)
    states = {row["device"]: row["state"] for row in new_admin.rows("device", "list")}
    equal((states[2], states[5]), ("active", "revoked"))
    equal({row["debt"] for row in new_admin.row("status")["spaces"]}, {False}, "an admin's sync paid")
    nancy.sync()
    equal("not sent" in {row["name"] for row in nancy.rows("list", "account")}, True)


@test
def the_last_admin_does_not_leave():
    other = Device(world.folder, "other")
    equal(other.row("leave"), {"left": True})
    has(new_admin.error(2, "leave")["message"], "the last admin")
    equal(new_admin.row("status")["state"], "active")


@test
def a_revoked_device_removes_itself_too():
    admin.run("leave")
    equal(os.path.exists(admin.home), False)
    equal(admin.error(2, "status")["error"], "not_found")


if __name__ == "__main__":
    run()
