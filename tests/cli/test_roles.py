#!/usr/bin/env python3
"""Another role for somebody who is there: what it opens and closes on the devices that the person has, who may give it,
and what it costs in bytes."""
import os
import time

from harness import Device, World, equal, has, run, test
from traffic import Costs

RECORDS, SMALL = 3000, 40

world = World(territories=["Eastern", "Western"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Western")
costs = Costs(world.server)


def spaces(device):
    return {space["name"]: (space["epoch"], space["debt"]) for space in device.row("status")["spaces"]}


def count(device):
    return device.row("query", "SELECT count(*) AS n FROM account")["n"]


def cosigned(signer, *words):
    line, = admin.rows(*words)
    return signer.run("cosign", line["cosign"])


@test
def a_role_is_an_admins_to_give_and_another_than_before():
    for words in (("Nancy", "admin"), ("Robert", "service")):
        has(nancy.error(4, "user", "role", *words)["message"], "only an admin may")
    equal(admin.error(2, "user", "role", "Nancy", "king")["error"], "invalid")
    equal(admin.error(2, "user", "role", "Nobody", "rep")["error"], "not_found")
    has(admin.error(2, "user", "role", "Nancy", "rep")["message"], "has the role rep already")
    has(admin.error(2, "user", "role", "Andrew", "rep")["message"], "the last admin who can act")


@test
def a_role_costs_a_device_the_difference_and_no_new_download():
    """By the role of an admin a rep comes to read every territory, and loses it again: her own stays as it is."""
    nancy.put_lines([{"type": "account", "fields": {"name": "Account %d" % n, "city": "Lyon"}} for n in range(RECORDS)])
    nancy.sync()
    robert.put_lines([{"type": "account", "fields": {"name": "Small %d" % n}} for n in range(SMALL)])
    robert.sync()
    admin.sync()
    idle = costs.sync(nancy)[0]
    before = spaces(admin)
    equal(admin.row("user", "role", "Nancy", "admin"), {"name": "Nancy", "role": "admin"})
    got, received = costs.sync(nancy)
    equal(count(nancy), RECORDS + SMALL)
    equal(received <= SMALL + 10, True, received)
    equal(got - idle < 16 * 1024, True, (got, idle))
    gained = spaces(nancy)
    equal(gained, dict(before, Western=(before["Western"][0] + 1, False)), "a new key of what she had none of")
    equal(nancy.row("status")["role"], "admin")
    has(nancy.error(4, "user", "add", "Laura", "--role", "rep")["message"], "has no admin key")
    began = time.monotonic()
    admin.run("user", "role", "Nancy", "rep")
    equal(time.monotonic() - began < 15, True, "no new key is owed to anybody, and none is waited for")
    lost, received = costs.sync(nancy)
    equal(count(nancy), RECORDS)
    equal(received <= 5, True, received)
    equal(lost - idle < 6 * 1024, True, (lost, idle))
    admin.sync()
    equal(spaces(admin), dict(gained, Western=(before["Western"][0] + 2, False)), "and what she lost has another one")
    equal(set(spaces(nancy)), {"Eastern", "org", "people"})


@test
def what_she_may_not_write_any_more_is_decided_about():
    waiting = nancy.put("account", "name=written as a rep")
    admin.run("user", "role", "Nancy", "auditor")
    has(nancy.run("sync", "--json", expect=None).err, "is with the admins, who decide about it")
    equal(nancy.error(4, "put", "account", "name=x")["error"], "denied")
    equal(count(nancy), RECORDS + 1, "what is handed in is here still")
    admin.run("user", "role", "Nancy", "rep")
    nancy.run("sync", expect=None)
    equal({space["name"]: space["held_up"] for space in nancy.row("status")["spaces"]}["Eastern"], "escrowed")
    admin.run("escrow", "accept", str(admin.row("escrow", "list")["number"]))
    nancy.sync()
    admin.sync()
    equal(admin.fields("account", waiting)["name"], "written as a rep")


@test
def one_admin_more_takes_two_and_a_code_for_the_old_role_is_worth_nothing():
    steven = Device(world.folder, "Steven")
    admin.run("user", "add", "Steven", "--role", "admin")
    steven.run("join", world.invite("Steven"))
    admin.run("device", "approve", "4")
    steven.sync()
    code = world.invite("Robert")
    told = cosigned(steven, "user", "role", "Robert", "admin")
    has(told.err, "signing that Andrew (device 1) makes Robert admin")
    robert.sync()
    equal({name for name, (_, debt) in spaces(robert).items() if not debt}, {"org", "people", "Eastern", "Western"})
    equal(count(robert), RECORDS + SMALL + 1)
    late = Device(world.folder, "late")
    equal(late.run("join", code, "--json", expect=4).error()["error"], "denied")
    equal(os.path.exists(os.path.join(late.home, "keyring")), False)
    equal(admin.row("user", "role", "Robert", "manager", "--kit", world.kit)["role"], "manager")
    has([row["what"] for row in admin.rows("audit")], "makes Robert manager")
    steven.run("user", "role", "Andrew", "rep")  # to take it away takes one
    admin.sync()
    equal(set(spaces(admin)), {"org", "people"})
    equal(admin.error(4, "user", "add", "Eve", "--role", "rep")["error"], "denied")
    has(steven.error(2, "user", "role", "Steven", "rep")["message"], "the last admin who can act")
    equal({debt for _, debt in spaces(steven).values()}, {False})


if __name__ == "__main__":
    run()
