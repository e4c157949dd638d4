"""A server that is set back to an older copy of its data, by an operator who says so or by one who does not: its
devices give back what it lost, and everybody has all of it again."""
import json
import os
import shutil
import subprocess

from harness import SATCHELD, World, clean_environment, equal, has, run, test

world = World(territories=["North"])
server, admin = world.server, world.admin
ann, bob = world.rep("ann", "North"), world.rep("bob", "North")
backup = os.path.join(world.folder, "satchel.tar")
accounts = [ann.put("account", "name=Account %d" % n, "--territory", "North") for n in range(5)]
for device in (ann, bob, admin):
    device.sync()


def satcheld(*args):
    subprocess.run([SATCHELD, *args], stdin=subprocess.DEVNULL, check=True, env=clean_environment(), timeout=120,
                   stdout=subprocess.PIPE)


def copy_aside():
    server.stop()
    shutil.copytree(server.data, server.data + ".copy")
    server.start()


def put_back():
    server.stop()
    shutil.rmtree(server.data)
    os.rename(server.data + ".copy", server.data)
    server.start()


def write(city):
    """Work that everybody has, and the copy has not."""
    ann.put("account", accounts[0], "city=%s" % city)
    ann.put("contact", "name=Contact of %s" % city, "account=%s" % accounts[1])
    ann.sync()
    bob.sync()
    bob.put("account", accounts[0], "name=Renamed by %s" % city)
    bob.put("account", "name=New in %s" % city, "--territory", "North")
    bob.sync()
    ann.sync()


def shown(device):
    rows = device.rows("list", "account") + device.rows("list", "contact")
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def all_have_all(before):
    for device in (ann, bob, admin, ann):
        device.sync()
    for device in (ann, bob):
        equal(shown(device), before)
    equal(shown(admin), before)
    admin.row("sync", "--confirm-restore")
    late = world.rep("late%d" % len(before), "North")
    late.sync()
    equal(shown(late), before)
    for device in (ann, bob, admin):
        device.run("doctor")
        equal(device.row("status")["pending"], 0)


@test
def a_copy_that_is_put_back_is_healed_by_the_devices():
    copy_aside()
    write("Bern")
    before = shown(ann)
    put_back()
    ann.put("account", accounts[2], "city=Biel")
    ann.sync()
    status = ann.row("status")
    equal(status["alert_error"], "server_set_back")
    has(status["alert"], "older copy")
    noted = [row for row in ann.rows("audit") if row["kind"] == "alert"]
    equal([(row["alert"]["error"], row["by"], row["own_word"]) for row in noted], [("server_set_back", "ann", True)])
    has(ann.run("audit").out, "notes: the server was set back")
    before = shown(ann)
    all_have_all(before)
    with open(server.log, encoding="utf-8") as log:
        text = log.read()
    has(text, '"event":"server_set_back"')
    has(text, '"shown_by":"device"')
    has(text, '"event":"bundles_returned"')


@test
def a_backup_that_is_restored_is_healed_by_the_devices():
    satcheld("backup", "--data", server.data, backup)
    write("Chur")
    before = shown(bob)
    server.stop()
    satcheld("restore", "--data", server.data, backup)
    server.start()
    all_have_all(before)
    equal(bob.row("status")["alert_error"], "server_set_back")
    with open(server.log, encoding="utf-8") as log:
        has(log.read(), '"shown_by":"operator"')


run()
