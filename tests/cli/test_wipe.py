#!/usr/bin/env python3
"""A device that its admins have wiped: it obeys with its next sync, hands in what it had not sent, and ends, wherever
it is killed and whoever is not there.
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
admin.run("user", "add", "Steven", "--role", "admin")
second = Device(world.folder, "Steven")
second.run("join", world.invite("Steven"))
admin.run("device", "approve", "2", "--kit", world.kit)
second.sync()
count = [2]


def rep(name):
    device = world.rep(name, "Eastern")
    count[0] += 1
    device.number = count[0]
    device.sync()
    return device


def work(device):
    """Two changes that are never sent."""
    key = device.put("account", "name=never sent by %s" % device.name, "--territory", "Eastern")
    device.run("put", "account", key, "city=Chur")
    return key


def order(device):
    passage.open()
    ordered = admin.row("device", "revoke", str(device.number), "--wipe", "--kit", world.kit)
    row, = [row for row in admin.rows("device", "list") if row["device"] == device.number]
    equal((row["wipe"], row["wiped_at"]), ("ordered", None), "an order that is outstanding is seen")
    return ordered


def keyring_of(device):
    with open(os.path.join(device.home, "keyring"), "rb") as file:
        return file.read()


def holds(home, keyring):
    """The files of the home with a piece of the keyring; its beginning says nothing."""
    found = []
    for name in os.listdir(home):
        with open(os.path.join(home, name), "rb") as file:
            content = file.read()
        if any(keyring[at:at + 16] in content for at in range(48, len(keyring) - 16, 16)):
            found.append(name)
    return found


def at_the_admins(device):
    return [item for item in admin.rows("escrow", "list") if item["device"] == device.number]


def check_end(device, key):
    equal(os.listdir(device.home) if os.path.exists(device.home) else None, None, "the home is gone")
    has(device.error(2, "status")["message"], "there is no home")
    item, = at_the_admins(device)
    equal((item["user"], item["changes"], item["state"]), (device.name, 2, "open"), item)
    row, = [row for row in admin.rows("device", "list") if row["device"] == device.number]
    equal((row["state"], row["wipe"], row["wiped_at"][:2]), ("revoked", "done", "20"), row)
    admin.run("escrow", "accept", str(item["number"]))
    second.sync()
    equal(second.fields("account", key), {"name": "never sent by %s" % device.name, "city": "Chur"})


@test
def a_wiped_device_ends_and_what_it_had_not_sent_is_with_the_admins():
    device = rep("Nancy")
    key = work(device)
    equal(order(device)["state"], "revoked")
    told = device.run("sync", "--json", expect=4)
    equal(told.error()["error"], "revoked")
    has(told.error()["message"], "wiped by its admins")
    check_end(device, key)


@test
def the_audit_of_a_second_admin_shows_it():
    links = [link for link in second.rows("audit") if link["kind"] == "wipe"]
    equal([link["by"] for link in links], ["Andrew"])
    has(links[0]["what"], "Nancy")


@test
def a_device_that_is_offline_learns_nothing_and_works_on():
    device = rep("Robert")
    order(device)
    passage.lets = 0
    equal(device.run("sync", "--json", expect=3).error()["class"], "retry")
    key = work(device)
    equal(device.fields("account", key)["city"], "Chur")
    equal(os.path.exists(os.path.join(device.home, "wipe")), False)
    passage.open()
    device.run("sync", expect=4)
    check_end(device, key)


@test
def a_server_that_is_away_when_the_keys_are_gone_is_waited_for():
    device = rep("Janet")
    key, was = work(device), keyring_of(device)
    order(device)
    passage.lets = 1  # the order, and nothing more
    failed = device.run("sync", "--json", expect=4)
    has(failed.error()["message"], "its keys are destroyed")
    equal(os.path.exists(os.path.join(device.home, "keyring")), False)
    equal(oct(os.stat(os.path.join(device.home, "wipe")).st_mode & 0o777), "0o600")
    equal(holds(device.home, was), [])
    equal(at_the_admins(device) if passage.open() else [], [])
    passage.lets = 0
    for words in (("status",), ("list", "account"), ("put", "account", "name=x"), ("doctor",), ("passphrase",),
                  ("sync",), ("join", "satchel1x"), ("device", "list")):
        left = device.error(4, *words) if words[0] != "sync" else device.run(*words, "--json", expect=4).error()
        equal((left["error"], "next command that reaches the server" in left["message"]), ("revoked", True), words)
    passage.open()
    left = device.error(4, "get", "account", key)
    has(left["message"], "the home is gone")
    check_end(device, key)


@test
def killed_when_its_keys_are_gone_it_goes_on_with_any_command():
    device = rep("Margaret")
    key, was = work(device), keyring_of(device)
    order(device)
    process = device.start("sync")
    passage.lets, passage.on_refused = 1, process.kill  # -9
    equal(process.wait(60), -9)
    equal(os.path.exists(os.path.join(device.home, "keyring")), False)
    equal(holds(device.home, was), [])
    passage.open()
    has(device.error(4, "status")["message"], "the home is gone")
    check_end(device, key)


@test
def killed_while_it_hands_in_it_hands_in_again_and_nothing_twice():
    device = rep("Michael")
    key = work(device)
    order(device)
    passage.lets = 1
    device.run("sync", expect=4)
    for piece in range(2, 40):
        if not os.path.exists(device.home):
            break
        process, heard = device.start("status"), [0]
        passage.open()

        def hears(_):
            heard[0] += 1
            if heard[0] < piece:
                return True
            process.kill()
            return False
        passage.hears = hears
        process.wait(60)
    equal(piece > 4, True, "it was killed a few times")
    passage.open()
    check_end(device, key)


@test
def killed_at_any_time_it_ends_the_same():
    import random
    import time
    seed = random.randrange(1 << 30)
    print("seed %d" % seed)
    chance = random.Random(seed)
    for turn in range(4):
        device = rep("Rep %d" % turn)
        key, was = work(device), keyring_of(device)
        order(device)
        for _ in range(12):
            if not os.path.exists(device.home):
                break
            process = device.start("sync")
            try:
                process.wait(chance.uniform(0.0, 0.4))
            except Exception:
                process.kill()
                process.wait()
            if os.path.isdir(device.home) and not os.path.exists(os.path.join(device.home, "keyring")):
                equal(holds(device.home, was), [])
        if os.path.exists(os.path.join(device.home, "store.db")) or os.path.exists(os.path.join(device.home, "wipe")):
            device.run("sync", expect=4)
        if os.path.isdir(device.home):  # killed at the very end: nothing but the lock is left
            equal(set(os.listdir(device.home)) <= {"lock"}, True)
            for name in os.listdir(device.home):
                os.unlink(os.path.join(device.home, name))
            os.rmdir(device.home)
        check_end(device, key)


@test
def an_error_from_the_server_wipes_nothing():
    device = rep("Anne")
    work(device)
    admin.run("device", "revoke", str(device.number))
    device.run("sync", expect=4)
    device.run("sync", expect=4)
    equal(os.path.exists(os.path.join(device.home, "keyring")), True)
    equal(os.path.exists(os.path.join(device.home, "wipe")), False)
    equal(len(device.rows("list", "account")) > 0, True)


if __name__ == "__main__":
    run()
