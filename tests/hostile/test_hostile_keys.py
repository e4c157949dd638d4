#!/usr/bin/env python3
"""A member who may change a territory's key, and hands out boxes that do not hold it: what the server can see it
refuses; what only the one whose box it is can see, that one's device tells; it stops nothing but that territory there,
and the next honest rotation mends it."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scene import Hostile, equal, run, test  # noqa: E402  (first: it knows the folders)
from epochs import DEVICE_BOX, KIT, KIT_BOX, Epoch, root_of  # noqa: E402
from harness import has  # noqa: E402
from member import Member  # noqa: E402

MALFORMED = 17
NANCY = DEVICE_BOX, 2

world = Hostile(territories=["Eastern"], record=False)
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
eve_device = world.rep("Eve", "Eastern")
account = nancy.put("account", "name=Blondel")
for device in (nancy, eve_device, admin):
    device.sync()
east, = [bytes.fromhex(space["space"].replace("-", "")) for space in admin.row("status")["spaces"]
         if space["name"] == "Eastern"]
eve = Member(world, eve_device)


def debts(device):
    return {space["name"] for space in device.row("status")["spaces"] if space["debt"]}


def others_go_on():
    mine = nancy.put("account", "name=honest")
    nancy.sync()
    admin.sync()
    equal(admin.fields("account", mine)["name"], "honest")
    equal((nancy.row("status")["alerts"], debts(nancy), debts(admin)), (0, set(), set()))


@test
def boxes_that_are_not_those_of_the_link_are_refused():
    def refused(epoch, why):
        number, text = epoch.append()
        equal(number != 0, True, text)
        has(text, why)
    other = Epoch(eve, east)
    other.boxes = Epoch(eve, east).boxes
    refused(other, "not those of the link")
    fewer = Epoch(eve, east)
    fewer.boxes = fewer.boxes[1:]
    refused(fewer, "fewer key boxes")
    for left_out in ((DEVICE_BOX, 1), NANCY, (KIT_BOX, KIT)):
        refused(Epoch(eve, east, left_out=[left_out]), "gets none")
    twice = Epoch(eve, east)
    twice.boxes.append(twice.boxes[0])
    twice.root, twice.count = root_of(twice.boxes), len(twice.boxes)
    refused(twice, "there twice")
    short = Epoch(eve, east)
    short.boxes[0] = short.boxes[0][:-1]
    equal(short.append()[0], MALFORMED)
    others_go_on()


@test
def a_split_epoch_is_told_by_whom_it_cheats_and_mended_by_the_next_one():
    """Nancy's box holds another key than everybody else's. The server is blind; she is not."""
    equal(Epoch(eve, east, keys={NANCY: os.urandom(32)}).append(), (0, ""))
    late = admin.put("account", "name=under the key of the others", "--territory", "Eastern")
    admin.sync()
    mine = nancy.put("account", "name=waits for the key")
    result = nancy.run("sync", "--json", expect=5)
    equal(result.error()["error"], "undecryptable")
    has(result.error()["message"], "not what the directory committed to")
    equal((nancy.row("status")["alert"], debts(nancy)), (result.error()["message"], {"Eastern"}))
    equal(nancy.row("status")["pending"], 1, "nothing is frozen under a key that others do not have")
    equal(nancy.error(5, "get", "account", late)["error"], "undecryptable", "it is here, and that is said")
    equal(nancy.fields("account", account)["name"], "Blondel")
    admin.run("rotate", "Eastern")
    nancy.sync()
    admin.sync()
    equal(nancy.fields("account", late)["name"], "under the key of the others", "the chain leads back to it")
    equal(admin.fields("account", mine)["name"], "waits for the key")
    equal(debts(nancy), set())


if __name__ == "__main__":
    run()
