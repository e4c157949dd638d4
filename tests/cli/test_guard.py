#!/usr/bin/env python3
"""What one stolen admin's phone could do most harm by takes two: admins, policy, many wipes; and devices with a
privileged role wait until somebody approves them."""
from harness import Device, World, equal, has, lacks, run, satchel, test

world = World(territories=["Eastern"])
admin = world.admin


def device_of(name, *words):
    """A device of somebody who is in the directory already."""
    device = Device(world.folder, name + "".join(words))
    device.joined = device.run("join", world.invite(name), "--json")
    return device


def cosigned(proposer, signer, *words):
    """A proposal, and its signature by somebody else; returns what the signer was told."""
    proposed = proposer.run(*words, "--json")
    line = proposed.rows()
    equal((len(line), list(line[0])), (1, ["cosign"]), line)
    has(proposed.err, "second signature")
    return signer.run("cosign", line[0]["cosign"])


@test
def an_only_admin_needs_nobody():
    admin.run("user", "add", "Margaret", "--role", "auditor")
    admin.run("user", "add", "Steven", "--role", "admin")
    equal(admin.row("policy", "set", "lease.rep", "20"), {"policy": "lease.rep", "value": 20})
    rows = {row["policy"]: (row["value"], row["default"]) for row in admin.rows("policy")}
    equal((rows["lease.rep"], rows["lease.admin"]), ((20, 30), (30, 30)))
    has(admin.error(2, "policy", "set", "lease.rep", "5000")["message"], "3650 at most")
    equal(admin.error(2, "policy", "set", "lease.nobody", "5")["error"], "not_found")
    equal(admin.error(1, "policy", "set", "lease.rep", "many")["error"], "usage")


@test
def a_device_with_a_privileged_role_waits_for_approval():
    global margaret, steven
    account = admin.put("account", "name=Blauer See", "--territory", "Eastern")
    admin.run("territory", "grant", "Eastern", "Margaret", "--read")
    admin.sync()
    margaret = device_of("Margaret")
    joined = margaret.joined.rows()[0]
    equal((joined["role"], joined["state"], joined["in_sync"]), ("auditor", "pending approval", False), joined)
    has(margaret.joined.err, "satchel device approve 2")
    equal(margaret.row("status")["state"], "pending approval")
    equal({row["device"]: row["state"] for row in admin.rows("device", "list")}, {1: "active", 2: "pending approval"})
    margaret.run("sync")
    equal(margaret.rows("list", "account"), [])
    equal(margaret.error(4, "device", "approve", "2")["error"], "denied")
    equal(admin.row("device", "approve", "2"), {"device": 2, "state": "active"})
    equal(admin.error(2, "device", "approve", "2")["error"], "exists")
    margaret.sync()
    equal(margaret.row("status")["state"], "active")
    equal(margaret.fields("account", account)["name"], "Blauer See")
    equal(margaret.error(4, "put", "account", account, "name=x")["error"], "denied")
    steven = device_of("Steven")
    admin.run("device", "approve", "3")  # another admin's, but Andrew is the only one who could sign
    steven.sync()
    equal([row["state"] for row in steven.rows("device", "list")], ["active"] * 3)


@test
def two_admins_decide_together():
    told = cosigned(admin, steven, "policy", "set", "lease.rep", "14")
    has(told.err, "signing that Andrew (device 1) sets lease.rep to 14")
    admin.sync()
    for device in (admin, steven):
        equal([row["value"] for row in device.rows("policy") if row["policy"] == "lease.rep"], [14])
    told = cosigned(steven, admin, "user", "add", "Laura", "--role", "admin")
    has(told.err, "signing that Steven (device 3) adds Laura as admin")
    steven.sync()
    equal([row["name"] for row in steven.rows("user", "list")], ["Andrew", "Margaret", "Steven", "Laura"])
    lacks(admin.run("user", "add", "Nancy", "--role", "rep").err, "second signature")


@test
def a_proposal_is_good_for_one_position_and_one_other_admin():
    line = admin.run("policy", "set", "lease.rep", "15").out
    equal(line.count("\n"), 1)
    equal(admin.error(4, "cosign", line.strip())["error"], "denied")
    equal(margaret.error(4, "cosign", line.strip())["error"], "denied")
    has(steven.error(2, "cosign", line.strip()[:-8])["message"], "damaged")
    has(steven.error(2, "cosign", "satchel1abc")["message"], "no proposal")
    admin.run("user", "add", "Robert", "--role", "rep")
    has(steven.error(2, "cosign", "-", stdin=line)["message"], "proposed anew")
    line = admin.run("policy", "set", "lease.rep", "15").out
    equal(steven.row("cosign", "-", stdin=line)["signed"], "Andrew (device 1) sets lease.rep to 15")


@test
def another_admins_device_takes_two_and_the_kit_counts_as_one():
    laura = device_of("Laura")
    number = str(laura.joined.rows()[0]["device"])
    has(cosigned(admin, steven, "device", "approve", number).err, "approves Laura (device %s)" % number)
    laura.sync()
    second = device_of("Laura", "2")
    number = str(second.joined.rows()[0]["device"])
    equal(admin.row("device", "approve", number, "--kit", world.kit)["state"], "active")
    second.sync()
    equal(second.row("status")["state"], "active")
    kit = open(world.kit, encoding="utf-8").read()
    typed = world.folder + "/typed"
    with open(typed, "w", encoding="utf-8") as file:
        file.write(kit.upper().replace("ORGANISATION ID", "Organisation id").replace("SERVER'S", "Server's")
                   .replace("KEY (", "Key ("))
    equal(admin.row("policy", "set", "lease.rep", "16", "--kit", typed)["value"], 16)
    key = kit.index("Key (")
    digit = kit.index("    ", key) + 4
    with open(typed, "w", encoding="utf-8") as file:
        file.write(kit[:digit] + ("0" if kit[digit] != "0" else "1") + kit[digit + 1:])
    has(admin.error(2, "policy", "set", "lease.rep", "17", "--kit", typed)["message"], "copying error")


@test
def more_than_three_wipes_a_day_take_two():
    lost = [device_of("Nancy", str(i)).joined.rows()[0]["device"] for i in range(4)]
    for number in lost[:3]:
        equal(admin.row("device", "revoke", str(number), "--wipe")["wipe"], True)
    fourth = admin.run("device", "revoke", str(lost[3]), "--wipe", "--json")
    has(fourth.err, "is revoked; that it is wiped is what waits")
    equal(admin.error(2, "device", "revoke", str(lost[3]))["error"], "exists", "it is out already")
    has(steven.run("cosign", fourth.rows()[0]["cosign"]).err, "has Nancy (device %d) wiped" % lost[3])
    equal(admin.error(2, "device", "revoke", str(lost[3]), "--wipe")["error"], "exists")


@test
def the_audit_tells_all_of_it():
    rows = admin.rows("audit")
    equal([row["link"] for row in rows], list(range(1, len(rows) + 1)))
    said = ["%s %s" % (row["by"], row["what"]) for row in rows]
    for sentence in ("Andrew founds the organisation (kit %s)" % rows[0]["kit"], "Andrew adds Margaret as auditor",
                     "Andrew lets Margaret read Eastern", "Andrew approves Margaret (device 2)",
                     "Andrew sets lease.rep to 14", "Steven adds Laura as admin"):
        equal(sentence in said, True, said)
    both = [row for row in rows if row["what"] == "sets lease.rep to 14"][0]
    equal(both["signed_by"], ["device 1", "admin key of device 1", "admin key of device 3"], both)
    has(margaret.run("audit").out, "Steven (device 3) adds Laura as admin")
    world.server.stop()
    result = admin.run("audit")
    has(result.err, "could not be asked")
    equal(len(result.out.splitlines()) >= len(rows), True)
    world.server.start()
    equal(satchel("audit", expect=1).code, 1)


if __name__ == "__main__":
    run()
