"""A server that comes back from an older copy: what it has lost of the directory is given back."""
import os
import shutil

from harness import SATCHELD, Device, World, equal, has, run, test


def put_back(world, copy):
    """The server's data as they were, as a backup or a snapshot of the machine brings them back."""
    world.server.stop()
    shutil.rmtree(world.server.data)
    shutil.copytree(copy, world.server.data)
    world.server.start()


def keep(world, name="copy"):
    world.server.stop()
    copy = os.path.join(world.folder, name)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(world.server.data, copy)
    world.server.start()
    return copy


def links(device):
    return device.rows("audit")


world = World(territories=["North", "South"])
anna = world.rep("Anna", "North")
boris = world.rep("Boris", "North")
for device in (world.admin, anna, boris):
    device.sync()
copy = keep(world)

used = world.invite("Anna")
second = Device(world.folder, "AnnasTablet")
second.run("join", used)
open_code = world.invite("Boris")
third = [d["device"] for d in world.admin.rows("device", "list") if d["user"] == "Boris"][0]
world.admin.run("device", "revoke", str(third))
world.admin.run("territory", "add", "West")
world.admin.sync()
before = links(world.admin)
put_back(world, copy)


@test
def a_device_that_joined_after_the_copy_still_enters():
    result = second.sync()
    equal(result["recovering"], True, result)
    equal(second.row("status")["recovering"], True)


@test
def what_was_given_back_is_what_it_was():
    result = world.admin.sync()
    equal(result["recovering"], True, result)
    after = links(world.admin)
    equal(after[:len(before)], before)


@test
def a_revocation_survives():
    boris.run("sync", expect=4)
    boris.run("sync", expect=4)


@test
def nobody_extends_the_directory_before_an_admin_has_confirmed():
    error = world.admin.error(4, "user", "add", "Clara", "--role", "rep")
    has(error["message"], "--confirm-restore")
    anna.run("sync", "--confirm-restore", expect=4)
    late = Device(world.folder, "late")
    has(late.run("join", open_code, expect=4).err, "--confirm-restore")


@test
def an_admin_confirms_and_all_goes_on():
    result = world.admin.row("sync", "--confirm-restore")
    equal((result["recovering"], result["in_sync"]), (False, True), result)
    has(world.admin.run("audit").out, "confirms that the server was restored")
    equal(anna.sync()["recovering"], False)
    world.admin.run("user", "add", "Clara", "--role", "rep")
    equal(world.admin.row("sync", "--confirm-restore")["recovering"], False)


@test
def a_used_invite_stays_used_and_an_open_one_opens():
    late = Device(world.folder, "late2")
    late.run("join", used, expect=4)
    late = Device(world.folder, "late3")
    late.run("join", open_code)
    late.sync()


@test
def every_key_is_changed_as_the_boxes_of_the_lost_links_are_gone():
    account = world.admin.put("account", "name=Alfreds", "--territory", "North")
    world.admin.sync()
    for device in (anna, second):
        device.sync()
        equal(device.fields("account", account), {"name": "Alfreds"})


@test
def numbers_are_given_once():
    numbers = [d["device"] for d in world.admin.rows("device", "list")]
    equal(len(numbers), len(set(numbers)), numbers)


@test
def a_directory_that_went_two_ways_is_told():
    # An older copy of the admin's home is first; what the newer one has seen is at a place that is taken now.
    other = keep(world)
    older = Device(world.folder, "older", passphrase="correct horse Andrew")
    shutil.copytree(world.admin.home, older.home)
    world.admin.run("user", "add", "Dora", "--role", "rep")
    put_back(world, other)
    anna.sync()
    older.run("policy", "set", "lease.rep", "21")
    equal(world.admin.run("sync", "--json", expect=5).error()["error"], "fork")
    equal(world.admin.row("status")["alert_error"], "fork")


run()
