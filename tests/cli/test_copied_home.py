#!/usr/bin/env python3
"""Homes that are copied as files, and homes that are put back from a backup: both go on, under numbers of their own,
and nothing that anybody wrote in either is lost or there twice. Nothing of it is an error."""
import os
import shutil
import signal
import time

from harness import Device, World, equal, has, run, test

world = World(territories=["Eastern"])
admin = world.admin
watcher = world.rep("Margaret", "Eastern")
numbers = iter(range(1, 100))


def copy(device, name):
    """`cp -a` of a home."""
    other = Device(world.folder, name, passphrase="correct horse %s" % device.name)
    shutil.copytree(device.home, other.home, symlinks=True)
    shutil.copyfile(device.passphrase_file, other.passphrase_file)
    return other


def put_back(device, backup):
    shutil.rmtree(device.home)
    shutil.copytree(backup.home, device.home, symlinks=True)


def rep():
    """A new person with a phone and an account in it."""
    name = "Rep %d" % next(numbers)
    device = world.rep(name, "Eastern")
    account = device.put("account", "name=%s's account" % name, "city=London")
    device.sync()
    return device, account


def overtaken(name):
    """One whose phone was copied, and has written and synced since: the copy does not know."""
    phone, account = rep()
    clone = copy(phone, name)
    phone.put("account", account, "city=Bern")
    phone.sync()
    return phone, clone, account


def number(device):
    return device.row("status")["device"]


def all_hold(account, fields, *devices):
    for device in devices:
        device.sync()
    for device in devices + (watcher,):
        device.sync()
        held = device.fields("account", account)
        equal({field: held.get(field) for field in fields}, fields, device.name)
        equal([row for row in device.rows("conflicts") if row["id"] == account], [], device.name)
        equal(device.row("status")["pending"], 0)


@test
def two_copies_that_write_offline_both_arrive():
    phone, account = rep()
    first = number(phone)
    clone = copy(phone, "clone1")
    phone.put("account", account, "city=Bern")
    mine = phone.put("account", "name=from the phone")
    clone.put("account", account, "phone=1")
    theirs = clone.put("account", "name=from the copy")
    equal(phone.sync()["sent"], 2)
    told = clone.run("sync", "--json")
    synced = told.rows()[-1]
    equal((synced["in_sync"], synced["refused"], synced["sent"]), (True, 0, 2), synced)
    status = clone.row("status")
    equal((status["copy_of"], status["alert_error"], status["alerts"]), (first, "home_was_copied", 1), status)
    has(status["alert"], "device %d:" % first)
    has(status["alert"], "device %d from now on" % status["device"])
    equal(phone.row("status")["copy_of"], None)
    equal(number(phone), first)
    all_hold(account, {"city": "Bern", "phone": "1"}, phone, clone)
    all_hold(mine, {"name": "from the phone"}, phone, clone)
    all_hold(theirs, {"name": "from the copy"}, phone, clone)
    equal(len([row for row in watcher.rows("list", "account") if row["name"].startswith("from the ")]), 2)
    listed = {row["device"]: row for row in admin.rows("device", "list")}
    equal(listed[status["device"]]["copy_of"], first)
    equal(listed[status["device"]]["name"], listed[first]["name"])
    equal(listed[first]["copy_of"], None)
    has("\n".join(row["what"] for row in admin.rows("audit")), "goes on as device %d" % status["device"])
    for device in (phone, clone):
        equal(device.run("doctor").code, 0)
    clone.put("account", account, "city=Chur")
    all_hold(account, {"city": "Chur"}, clone, phone)


@test
def the_copys_passphrase_can_be_changed_and_it_is_still_the_copy():
    phone, clone, account = overtaken("clone2")
    clone.sync()
    before = number(clone)
    new = os.path.join(world.folder, "new-passphrase")
    with open(new, "w", encoding="utf-8") as file:
        file.write("battery staple\n")
    clone.run("passphrase", "--new-passphrase-file", new)
    clone.passphrase_file = new
    equal(number(clone), before)
    clone.put("account", account, "phone=2")
    all_hold(account, {"city": "Bern", "phone": "2"}, clone, phone)


@test
def an_old_backup_without_writes_is_noticed():
    phone, account = rep()
    backup = copy(phone, "backup3")
    watcher.sync()
    watcher.put("account", account, "city=Bern")
    watcher.sync()
    phone.sync()
    before = number(phone)
    put_back(phone, backup)
    equal(phone.sync()["received"] >= 1, True)
    equal(phone.row("status")["copy_of"], before)
    all_hold(account, {"city": "Bern"}, phone)


@test
def an_old_backup_gets_back_its_own_work_and_keeps_what_is_written_in_it():
    phone, account = rep()
    backup = copy(phone, "backup4")
    ids = [phone.put("account", "name=made since %d" % i) for i in range(5)]
    phone.put("account", account, "city=Bern")
    phone.sync()
    put_back(phone, backup)
    phone.put("account", account, "phone=4")
    phone.sync()
    all_hold(account, {"city": "Bern", "phone": "4"}, phone)
    for i, id_ in enumerate(ids):
        equal(phone.fields("account", id_)["name"], "made since %d" % i)


@test
def a_backup_with_work_that_was_synced_since_does_not_write_it_twice():
    phone, account = rep()
    phone.put("account", account, "city=Bern")
    note = phone.put("note", "text=unsynced", "about=" + account)
    backup = copy(phone, "backup5")
    phone.sync()
    phone.put("account", account, "city=Chur")
    phone.sync()
    put_back(phone, backup)
    phone.sync()
    all_hold(account, {"city": "Chur"}, phone)
    equal(len(phone.rows("history", "account", account)), 3)
    equal(len([row for row in phone.rows("list", "note") if row["id"] == note]), 1)


@test
def a_copy_is_noticed_by_a_command_of_another_kind():
    other_admin = copy(admin, "clone6")
    admin.run("territory", "add", "Northern")
    admin.put("account", "name=of the admin", "--territory", "Northern")
    admin.sync()
    other_admin.run("territory", "add", "Southern")
    other_admin.sync()
    equal(other_admin.row("status")["copy_of"], number(admin))
    names = {row["name"] for row in admin.rows("territory", "list")}
    equal(names >= {"Northern", "Southern"}, True, names)
    other_admin.run("user", "add", "Added by a copy", "--role", "rep")
    admin.sync()


@test
def a_copy_in_a_live_sync_goes_on():
    phone, clone, account = overtaken("clone7")
    clone.put("account", account, "phone=7")
    live = clone.start("sync", "--live", "--json")
    deadline = time.time() + 30
    watcher.sync()
    while watcher.fields("account", account).get("phone") != "7" and time.time() < deadline:
        time.sleep(0.2)
        watcher.sync()
    live.send_signal(signal.SIGTERM)
    out, err = live.communicate(timeout=20)
    equal((live.returncode, watcher.fields("account", account)["phone"]), (0, "7"), (out, err))
    all_hold(account, {"city": "Bern", "phone": "7"}, phone, clone)


@test
def a_third_copy_is_taken_in_and_a_fourth_waits_for_an_admin():
    phone, account = rep()
    first = number(phone)
    clones = [copy(phone, "clone8-%d" % i) for i in range(4)]
    phone.put("account", account, "city=Bern")
    phone.sync()
    for i, clone in enumerate(clones):
        clone.put("account", "name=by copy %d of %d" % (i, first))
    for clone in clones[:3]:
        clone.sync()
        equal(clone.row("status")["copy_of"], first)
    refused = clones[3].run("sync", "--json", expect=4)
    has(refused.error()["message"], "satchel device approve %d" % first)
    equal(clones[3].row("status")["pending"], 1)
    admin.run("device", "approve", str(first))
    clones[3].sync()
    equal(clones[3].row("status")["copy_of"], first)
    watcher.sync()
    names = sorted(row["name"] for row in watcher.rows("list", "account") if row["name"].endswith("of %d" % first))
    equal(names, ["by copy %d of %d" % (i, first) for i in range(4)])


@test
def revoking_one_puts_both_out_and_their_work_is_kept():
    phone, account = rep()
    clone = copy(phone, "clone9")
    phone.put("account", account, "city=Bern")
    clone.put("account", account, "phone=9")
    phone.sync()
    clone.sync()
    both = {number(phone), number(clone)}
    phone.put("account", account, "city=Visp")
    clone.put("account", account, "phone=99")
    admin.run("device", "revoke", str(number(clone)))
    states = {row["device"]: row["state"] for row in admin.rows("device", "list")}
    equal({states[device] for device in both}, {"revoked"})
    for device in (phone, clone):
        device.run("sync", expect=4)
    equal(len([row for row in admin.rows("escrow", "list") if row["device"] in both]), 2)
    again = admin.error(2, "device", "revoke", str(number(phone)))
    equal(again["error"], "exists", again)


@test
def wiping_one_wipes_both():
    phone, clone, account = overtaken("clone10")
    clone.sync()
    admin.run("device", "revoke", str(number(phone)), "--wipe")
    for device in (phone, clone):
        device.run("sync", expect=4)
        equal(os.path.exists(os.path.join(device.home, "store.db")), False)


@test
def a_copy_of_a_device_that_is_out_is_out():
    phone, clone, account = overtaken("clone11")
    clone.put("account", account, "phone=11")
    admin.run("device", "revoke", str(number(phone)))
    said = clone.run("sync", "--json", expect=4)
    equal(said.error()["error"], "revoked", said)


@test
def a_copy_that_is_killed_in_the_middle_goes_on():
    for delay in (0.01, 0.03, 0.06, 0.1, 0.2):
        phone, clone, account = overtaken("clone12-%s" % delay)
        clone.put("account", account, "phone=12")
        process = clone.start("sync", "--json")
        time.sleep(delay)
        process.kill()
        process.communicate()
        clone.sync()
        equal(clone.row("status")["copy_of"], number(phone))
        all_hold(account, {"city": "Bern", "phone": "12"}, phone, clone)


run()
