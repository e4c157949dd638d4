#!/usr/bin/env python3
"""What is refused or cannot be read, as a person meets it: kept, counted by `status`, listed by `refused` with its
reason, and in nobody's way."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scene import Hostile, equal, run, test  # noqa: E402  (first: it knows the folders)
from harness import has  # noqa: E402
from member import Member, body, header, stored  # noqa: E402
from relay import Attack  # noqa: E402

PUSH, ACCOUNT, NAME = 20, 1, 1

world = Hostile(territories=["Eastern"], record=False)
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Eastern")
eve_device = world.rep("Eve", "Eastern")
shop = robert.put("account", "name=b1")
for device in (robert, nancy, eve_device):
    device.sync()
east = bytes.fromhex(next(space["space"] for space in nancy.row("status")["spaces"]
                          if space["name"] == "Eastern").replace("-", ""))


class Damage(Attack):
    """Flips a bit in the signature of the first push that it meets."""

    def __init__(self):
        self.met = 0

    def from_client(self, talk, message):
        if message[0] != PUSH or self.met:
            return [message]
        self.met = 1
        bundle = bytearray(message[2])
        bundle[-1] ^= 1
        return [[PUSH, message[1], bytes(bundle)]]


@test
def what_the_server_refuses_is_listed_and_what_follows_goes_on():
    nancy.run("put", "account", shop, "name=a1")
    attack = world.relay.attack = Damage()
    nancy.run("sync", "--json", expect=None)
    world.relay.attack = Attack()
    equal(attack.met, 1)
    nancy.run("put", "account", shop, "city=a2")
    nancy.sync()
    status = nancy.row("status")
    equal((status["refused"], status["pending"], status["aside"], status["in_sync"]), (1, 0, 0, True), status)
    row = nancy.row("refused")
    equal((row["kind"], row["reason"], row["user"]), ("refused", "tampered", "Nancy"), row)
    equal(row["changes"][0]["fields"], {"name": "a1"}, row)
    robert.sync()
    for device in (nancy, robert):
        equal(device.fields("account", shop), {"name": "b1", "city": "a2"}, device.name)
        equal(device.rows("conflicts"), [])
        device.run("doctor")
    nancy.run("put", "account", shop, "name=written again by hand")
    nancy.sync()
    late = world.rep("Laura", "Eastern")
    late.sync()
    equal(late.fields("account", shop), {"name": "written again by hand", "city": "a2"})


@test
def what_nobody_can_open_is_counted_listed_and_blocks_nothing():
    eve = Member(world, eve_device)
    record = os.urandom(16)
    good = os.urandom(16)
    equal(eve.push(east, [(record, header(), b"\1" + os.urandom(60) + b"\x80" + bytes(2)),
                          (good, header(), stored(body(ACCOUNT, [(NAME, "from Eve")])))])[0], 0)
    nancy.sync()
    status = nancy.row("status")
    equal((status["unreadable"], status["later"], status["in_sync"]), (1, 0, True), status)
    row, = [row for row in nancy.rows("refused") if row["kind"] == "unreadable"]
    equal((row["reason"], row["user"], row["changes"][0]["fields"]), ("undecryptable", "Eve", None), row)
    equal(row["changes"][0]["id"].replace("-", ""), record.hex(), row)
    has([row["name"] for row in nancy.rows("list", "account")], "from Eve")  # the other one of the same bundle
    mine = nancy.put("account", "name=honest")
    nancy.sync()
    robert.sync()
    equal(robert.fields("account", mine)["name"], "honest")


run()
