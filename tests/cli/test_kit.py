#!/usr/bin/env python3
"""The recovery kit is replaced without being used, by two admins where there are two; and what is interrupted, coming
back or leaving, is done by running it again.
"""
import os

from harness import *
from passage import Passage

world = World.__new__(World)
world.folder = scratch()
world.server = Server(world.folder)
world.server.start()
passage = Passage(world.server)
world.kit = os.path.join(world.folder, "kit.txt")
admin = world.admin = Device(world.folder, "Andrew")
admin.run(*world.creation(kit=world.kit, name="Northwind", server=passage.url))
admin.run("territory", "add", "Eastern")
nancy = world.rep("Nancy", "Eastern")
account = nancy.put("account", "name=Ernst Handel")
nancy.sync()
names = iter(range(1000))


def path(name):
    return os.path.join(world.folder, "%s-%d" % (name, next(names)))


def recover(device, kit, new, *words, **options):
    return device.run("recover", "--kit", kit, "--recovery-kit", new, "--json", *words, **options)


def epochs(device):
    return {space["name"]: space["epoch"] for space in device.row("status")["spaces"]}


def debts(device):
    return [space["name"] for space in device.row("status")["spaces"] if space["debt"]]


@test
def an_only_admin_replaces_the_kit_and_all_keys_change():
    had, new = epochs(admin), path("kit")
    result = admin.run("kit", "replace", "--recovery-kit", new, "--json")
    equal(result.rows(), [{"recovery_kit": new, "left_out": []}])
    has(result.err, "can still repudiate this device for 30 days")
    equal((epochs(admin), debts(admin)), ({name: n + 1 for name, n in had.items()}, []))
    page = open(new, encoding="utf-8").read()
    for part in ("Northwind", passage.url, world.server.pin):
        has(page, part)
    equal(os.stat(new).st_mode & 0o777, 0o600)
    lost = Device(world.folder, "lost")
    refused = recover(lost, world.kit, path("kit"), expect=4)
    by = [link["link"] for link in admin.rows("audit") if link["kind"] == "kit"][-1]
    for part in ("replaced, by link %d;" % by, "recover --repudiate DEVICE --from LINK"):
        has(refused.error()["message"], part)
    equal(recover(lost, new, path("kit")).rows()[0]["in_sync"], True, "the new one opens all")
    equal(lost.fields("account", account)["name"], "Ernst Handel")
    world.kit = os.path.join(world.folder, "kit-%d" % (next(names) - 1))
    lost.run("leave")
    nancy.sync()
    admin.sync()
    link = [link for link in admin.rows("audit") if link["kind"] == "kit"][0]
    equal(link["what"], "replaces the recovery kit (kit %s)" % link["kit"])
    has(page, "\nKit             %s (" % link["kit"])
    founding = open(os.path.join(world.folder, "kit.txt"), encoding="utf-8").read()
    has(founding, "\nKit             %s (" % admin.rows("audit")[0]["kit"])


@test
def a_kit_that_signs_for_the_next_one_is_worth_nothing_at_once():
    """Though an only admin could do without it: who finds the page cannot say that the admin's device was stolen."""
    old, new, wrong = world.kit, path("kit"), path("kit")
    refused = admin.run("kit", "replace", "--recovery-kit", wrong, "--kit", os.path.join(world.folder, "kit.txt"),
                        "--json", expect=4)
    has(refused.error()["message"], "another one has replaced it")
    equal((os.path.exists(wrong), "keep " in refused.err), (False, False), "what was refused here was never the kit")
    result = admin.run("kit", "replace", "--recovery-kit", new, "--kit", old, "--json")
    has(result.err, "the old one is worth nothing")
    link = [link for link in admin.rows("audit") if link["kind"] == "kit"][-1]
    equal([words.split(" of ")[0] for words in link["signed_by"]], ["device 1", "admin key", "kit"], link)
    finder, page = Device(world.folder, "finder"), path("kit")
    failed = recover(finder, old, page, "--repudiate", "1", "--from", str(link["link"]), expect=4)
    equal(failed.error()["error"], "denied")
    equal((os.path.exists(finder.home), os.path.exists(page)), (False, False))
    world.kit = new


@test
def what_is_in_the_way_is_told_before_anything_is_done():
    had = epochs(admin)
    equal(admin.error(2, "kit", "replace", "--recovery-kit", world.kit)["error"], "exists")
    equal(admin.error(1, "kit", "replace")["error"], "usage")
    new = path("kit")
    equal(nancy.error(4, "kit", "replace", "--recovery-kit", new)["error"], "denied")
    passage.lets = 0
    equal(admin.run("kit", "replace", "--recovery-kit", new, "--json", expect=3).error()["class"], "retry")
    passage.open()
    equal((os.path.exists(new), epochs(admin)), (False, had))


@test
def where_there_are_two_admins_it_takes_both_or_the_old_kit():
    global steven
    admin.run("user", "add", "Steven", "--role", "admin")
    steven = Device(world.folder, "Steven")
    steven.run("join", world.invite("Steven"))
    number = str(steven.row("status")["device"])
    admin.run("device", "approve", number)
    steven.sync()
    had, new = epochs(admin), path("kit")
    proposed = admin.run("kit", "replace", "--recovery-kit", new, "--json")
    line = proposed.rows()[0]["cosign"]
    has(proposed.err, "becomes the recovery kit when another admin has signed")
    equal(epochs(admin), had)
    has(admin.error(4, "cosign", line)["message"], "another admin")
    has(steven.run("cosign", line).err, "replaces the recovery kit")
    equal((epochs(steven), debts(steven)), ({name: n + 1 for name, n in had.items()}, []))
    admin.sync()
    third = path("kit")
    refused = admin.run("kit", "replace", "--recovery-kit", third, "--kit", world.kit, "--json", expect=4)
    has(refused.error()["message"], "another one has replaced it")
    fourth = path("kit")
    equal(admin.row("kit", "replace", "--recovery-kit", fourth, "--kit", new), {"recovery_kit": fourth, "left_out": []})
    world.kit = fourth
    steven.sync()


@test
def a_recovery_that_is_interrupted_is_done_by_running_it_again():
    kit, ended = world.kit, {"killed": 0, "lost": 0, "whole": 0}
    for count in range(1, 40):
        device = Device(world.folder, "recovered-%d" % count)
        heard, first, again = [0], path("kit"), path("kit")
        process = device.start("recover", "--kit", kit, "--recovery-kit", first)

        def hears(_):
            heard[0] += 1
            if heard[0] <= count:
                return True
            if count % 2:
                process.kill()  # -9; else the answers are lost
            return False
        passage.hears = hears
        code = process.wait(60)
        passage.open()
        ended["whole" if code == 0 else "killed" if code == -9 else "lost"] += 1
        if code == 0:
            kit = first
            break
        result = recover(device, kit, again, expect=None)
        if result.code == 2 and result.error()["error"] == "exists":  # it had come through; only its sync was cut off
            device.sync()
            kit = first
        else:
            equal((result.code, result.rows()[0]["in_sync"]), (0, True), result)
            kit = again if os.path.exists(again) else first
        equal(debts(device), [])
        equal(device.fields("account", account)["name"], "Ernst Handel")
        device.run("leave")
    equal((ended["whole"], ended["killed"] > 2, ended["lost"] > 2), (1, True, True), ended)
    world.kit = kit


@test
def a_departure_that_is_interrupted_is_done_by_running_it_again():
    ended = {"killed": 0, "lost": 0, "whole": 0}
    for count in range(2, 60, 2):
        device = Device(world.folder, "leaving-%d" % count)
        device.run("join", world.invite("Nancy"))
        number = device.row("status")["device"]
        heard = [0]
        process = device.start("leave")

        def hears(_):
            heard[0] += 1
            if heard[0] <= count:
                return True
            if count % 4:
                process.kill()
            return False
        passage.hears = hears
        code = process.wait(60)
        passage.open()
        ended["whole" if code == 0 else "killed" if code == -9 else "lost"] += 1
        if code:
            equal(device.row("leave"), {"left": True})
        equal(os.path.exists(device.home), False)
        equal({row["device"]: row["state"] for row in admin.rows("device", "list")}[number], "revoked")
        if code == 0:
            break
    equal((ended["whole"], ended["killed"] > 2, ended["lost"] > 1), (1, True, True), ended)
    admin.sync()
    equal(debts(admin), [])


@test
def a_forgotten_passphrase_costs_what_was_never_synced_and_nothing_else():
    """A rep's: a new invite, and it is the same person."""
    nancy.sync()
    lost = nancy.put("account", "name=never synced")
    user = nancy.row("status")["user"]
    with open(nancy.passphrase_file, "w", encoding="utf-8") as file:
        file.write("what was it again\n")
    equal(nancy.error(6, "status")["error"], "wrong_passphrase")
    anew = Device(world.folder, "Nancy-anew")
    anew.run("join", world.invite("Nancy"))
    equal(anew.row("status")["user"], user)
    equal(anew.fields("account", account)["name"], "Ernst Handel")
    equal([step["by"] for step in anew.rows("history", "account", account)], ["Nancy"])
    equal(anew.error(2, "get", "account", lost)["error"], "not_found")
    admin.run("device", "revoke", "2")
    anew.sync()
    written = anew.put("account", account, "city=Graz")
    anew.sync()
    admin.sync()
    equal((written, admin.fields("account", account)["city"]), (account, "Graz"))


@test
def half_a_home_is_named_as_such():
    device = world.rep("Robert", "Eastern")
    for missing, left in (("keyring", "store"), ("store.db", "keyring")):
        os.rename(os.path.join(device.home, missing), os.path.join(world.folder, "aside"))
        for words in (("status",), ("put", "account", "name=x"), ("list", "account")):
            failed = device.error(5, *words)
            equal(failed["error"], "corrupt")
            for part in (missing, "is missing", left, "invite"):
                has(failed["message"], part)
        os.rename(os.path.join(world.folder, "aside"), os.path.join(device.home, missing))
    device.sync()


if __name__ == "__main__":
    run()
