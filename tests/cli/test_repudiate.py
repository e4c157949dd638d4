#!/usr/bin/env python3
"""An admin's phone is stolen, and the thief shuts the others out. The recovery kit undoes what he did from the link on
that the audit shows; everybody goes on, and nothing is lost."""
import os

from harness import Device, World, equal, has, lacks, run, test

world = World(territories=["Eastern", "Western"])
stolen = world.admin  # Andrew's
stolen.run("user", "add", "Steven", "--role", "admin")
steven = Device(world.folder, "Steven")
steven.run("join", world.invite("Steven"))
stolen.run("device", "approve", "2")
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Western")
account = nancy.put("account", "name=Ernst Handel")
for device in (stolen, steven, nancy, robert):
    device.sync()
andrew = Device(world.folder, "Andrew-new")
new_kit = os.path.join(world.folder, "new-kit.txt")


def recover(device, *words, kit=None, new=None, expect=0):
    return device.run("recover", "--kit", kit or world.kit, "--recovery-kit", new or new_kit, "--json", *words,
                      expect=expect)


@test
def a_thief_shuts_everybody_out():
    global since, early, late, accomplice
    since = len(steven.rows("audit")) + 1
    early = robert.put("account", "name=written before Robert knows")
    late = nancy.put("account", "name=written before Nancy knows")
    stolen.run("user", "suspend", "Steven")
    stolen.run("device", "revoke", "3")
    stolen.run("device", "revoke", "4", "--wipe")
    stolen.run("territory", "grant", "Western", "Nancy", "--manage")
    stolen.run("territory", "revoke", "Western", "Robert")
    stolen.run("policy", "set", "lease.rep", "3000")
    stolen.run("user", "add", "Mallory", "--role", "admin")
    accomplice = Device(world.folder, "Mallory")
    accomplice.run("join", world.invite("Mallory"))
    stolen.run("device", "approve", "5")
    accomplice.sync()
    for device in (steven, nancy):
        equal(device.run("sync", "--json", expect=4).error()["error"], "revoked")
    late_number, = [item["number"] for item in stolen.rows("escrow", "list")]
    stolen.run("escrow", "reject", str(late_number))
    equal(steven.row("status")["state"], "suspended")
    equal(steven.error(4, "user", "suspend", "Mallory")["error"], "denied")


@test
def the_position_and_the_device_are_named_together_and_exist():
    device = Device(world.folder, "wrong")
    for words in (("--repudiate", "1"), ("--from", "7")):
        has(recover(device, *words, expect=2).error()["message"], "go together")
    for words in (("--repudiate", "9", "--from", "7"), ("--repudiate", "1", "--from", "4000")):
        equal(recover(device, *words, expect=2).error()["error"], "invalid")
    equal(recover(device, "--repudiate", "Andrew", "--from", "7", expect=1).error()["error"], "usage")
    equal((os.path.exists(device.home), os.path.exists(new_kit)), (False, False))


@test
def the_kit_undoes_it():
    result = recover(andrew, "--repudiate", "1", "--from", str(since))
    row = result.rows()[0]
    equal((row["user"], row["role"], row["device"], row["in_sync"]), ("Andrew", "admin", 6, True), result)
    for sentence in ("lets Steven back in", "puts Mallory (device 5) out", "takes Western from Nancy"):
        equal(sentence in row["undone"], True, row)
        has(result.err, "undoing that, it " + sentence)
    equal(row["escrow_open"], 1)
    has(result.err, "1 bundle of late work waits for a decision, and holds up what the authors write now")
    equal({row["device"]: row["state"] for row in andrew.rows("device", "list")},
          {1: "revoked", 2: "active", 3: "active", 4: "active", 5: "revoked", 6: "active"})
    equal({space["debt"] for space in andrew.row("status")["spaces"]}, {False})
    policies = {row["policy"]: row["value"] for row in andrew.rows("policy")}
    equal(policies["lease.rep"], 30)
    for device in (stolen, accomplice):
        equal(device.run("sync", "--json", expect=4).error()["error"], "revoked")


@test
def the_audit_says_what_was_undone():
    row = andrew.rows("audit")[-7:]
    row = [link for link in andrew.rows("audit") if link["kind"] == "repudiate"][0]
    has(row["what"], "comes back as a device of Andrew by the recovery kit")
    has(row["what"], "repudiates what Andrew (device 1) did from link %d on" % since)
    equal(sorted(row["undone"]), sorted([
        "puts Andrew (device 1) out", "lets Nancy (device 3) back in", "lets Robert (device 4) back in",
        "puts Mallory (device 5) out", "lets Steven back in", "suspends Mallory",
        "lets Robert read and write Western again", "takes Western from Nancy",
        "sets lease.rep back to what it is by itself",
        "brings late work of Nancy (device 3) in Eastern that was rejected (1 bundle) back before the admins: see "
        "`satchel escrow list`"]))
    has(andrew.run("audit").out, "undoing that, it lets Steven back in")


def is_held_up(by, says):
    """Nancy is in again, and told why what she writes in her territory stays with her."""
    said = nancy.run("sync", "--json", expect=None).err
    has(said, "what is written in Eastern stays here")
    has(said, says)
    status = nancy.row("status")
    equal((status["state"], status["in_sync"]), ("active", False))
    equal({space["name"]: space["held_up"] for space in status["spaces"]},
          {"Eastern": by, "org": None, "people": None})


@test
def the_others_go_on_and_nothing_is_lost():
    steven.sync()
    equal(steven.row("status")["state"], "active")
    steven.run("user", "add", "Laura", "--role", "rep")
    result = robert.run("sync", "--json")  # who had never learnt of it
    lacks(result.err, "revoked")
    equal(andrew.run("sync", "--json").rows()[-1]["in_sync"], True)
    equal(andrew.fields("account", early)["name"], "written before Robert knows")
    item, = andrew.rows("escrow", "list")  # she had handed it in before she was let back in
    equal((item["device"], item["state"]), (3, "open"), "what the thief rejected is to be decided about once more")
    is_held_up("escrowed", "which an admin has to let in")
    andrew.run("escrow", "reject", str(item["number"]))
    is_held_up("rejected", "an admin has rejected")
    andrew.run("escrow", "accept", str(item["number"]))
    lacks(nancy.run("sync", "--json").err, "stays here")
    nancy.sync()
    equal({space["held_up"] for space in nancy.row("status")["spaces"]}, {None})
    more = nancy.put("account", "name=and more of Nancy's")
    nancy.sync()
    andrew.sync()
    equal(andrew.fields("account", late)["name"], "written before Nancy knows")
    equal(andrew.fields("account", more)["name"], "and more of Nancy's")
    equal(andrew.fields("account", account)["name"], "Ernst Handel")
    steven.sync()
    equal(steven.fields("account", more)["name"], "and more of Nancy's")


@test
def the_kit_that_was_used_opens_nothing_more():
    other = Device(world.folder, "other")
    kit = os.path.join(world.folder, "third-kit.txt")
    failed = recover(other, "--repudiate", "6", "--from", str(since), new=kit, expect=4)
    equal(failed.error()["error"], "denied")
    equal((os.path.exists(kit), os.path.exists(other.home)), (False, False))


@test
def where_only_a_thief_has_a_key_all_else_goes_on():
    """He replaced the kit and changed a territory's key: what is not here is left out, and holds up nothing."""
    other = World(territories=["Eastern", "Western"])
    thief, laura = other.admin, other.rep("Laura", "Eastern")
    written = laura.put("account", "name=Blauer See")
    laura.sync()
    thief.sync()
    began = len(thief.rows("audit")) + 1
    kits = [os.path.join(other.folder, "kit-%d.txt" % i) for i in range(5)]
    thief.run("kit", "replace", "--recovery-kit", kits[0])
    thief.run("rotate", "Western")
    back, again = Device(other.folder, "Andrew-back"), Device(other.folder, "Andrew-again")
    result = recover(back, "--repudiate", "1", "--from", str(began), kit=other.kit, new=kits[1])
    equal(sorted(result.rows()[0]["left_out"]), ["Eastern", "Western", "org", "people"], "all keys had been changed")
    laura.sync()
    equal(back.run("sync", "--json").rows()[-1]["in_sync"], True)
    debts = {space["name"] for space in back.row("status")["spaces"] if space["debt"]}
    equal(debts, {"Western"}, "the others came from Laura")
    result = back.run("kit", "replace", "--recovery-kit", kits[2], "--json")
    equal(result.rows(), [{"recovery_kit": kits[2], "left_out": ["Western"]}])
    has(result.err, "the key of Western is not here")
    result = recover(again, kit=kits[2], new=kits[3])
    equal(result.rows()[0]["left_out"], ["Western"])
    has(result.err, "the key of Western is not here")
    equal(again.fields("account", written)["name"], "Blauer See")
    equal(again.error(7, "rotate", "Western")["error"], "debt")
    equal(again.row("rotate", "Eastern"), {"territory": "Eastern"})
    equal(back.row("rotate", "Western"), {"territory": "Western"}, "the first kit opened the key before the thief's")
    for device in (back, again):
        device.sync()
        equal([space["name"] for space in device.row("status")["spaces"] if space["debt"]], [])


@test
def a_phone_that_obeyed_the_thief_is_no_admin_to_leave_the_organisation_to():
    other = World()
    thief, steven = other.admin, Device(other.folder, "Steven")
    thief.run("user", "add", "Steven", "--role", "admin")
    steven.run("join", other.invite("Steven"))
    thief.run("device", "approve", "2")
    began = len(steven.rows("audit")) + 1
    thief.run("device", "revoke", "2", "--wipe")
    steven.run("sync", expect=4)
    equal(os.path.exists(os.path.join(steven.home, "keyring")), False, "it has obeyed")
    back, again = Device(other.folder, "Andrew-back"), Device(other.folder, "Steven-again")
    kit = os.path.join(other.folder, "kit-2.txt")
    recover(back, "--repudiate", "1", "--from", str(began), kit=other.kit, new=kit)
    equal({row["device"]: row["state"] for row in back.rows("device", "list")}[2], "active")
    has(back.error(2, "leave")["message"], "device 2 was to be wiped, and counts again once it has signed a link")
    has(back.error(2, "user", "suspend", "Andrew")["message"], "device 2 was to be wiped")
    again.run("join", back.row("invite", "Steven")["code"])
    back.run("device", "approve", "4", "--kit", kit)
    again.sync()
    back.run("leave")
    again.run("user", "add", "Nancy", "--role", "rep")


if __name__ == "__main__":
    run()
