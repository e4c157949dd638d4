#!/usr/bin/env python3
"""A member who may read a territory makes its next key, and sees to it that nobody, or nobody new, gets on with it: a
key that is in no box, or in no admin's, a chain that leads nowhere, or past what it should lead to. Whoever holds an
older key makes the next one all the same, once that member is out, and everybody has all that can be had."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scene import Hostile, equal, run, test  # noqa: E402  (first: it knows the folders)
from epochs import DEVICE_BOX, KIT, KIT_BOX, Epoch  # noqa: E402
from harness import has  # noqa: E402
from member import Member  # noqa: E402

ADMIN, NANCY, PAGE = (DEVICE_BOX, 1), (DEVICE_BOX, 2), (KIT_BOX, KIT)
NAMES = ["Nobody", "Unboxed", "Torn", "Downgraded", "Flooded"]

world = Hostile(territories=NAMES, record=False)
admin = world.admin
nancy = world.rep("Nancy", *NAMES)


class Scene:
    """A territory with a history under two keys, and a member in it who makes the third."""

    def __init__(self, name):
        self.name = name
        self.device = world.rep("Eve of " + name, name)
        self.first = self.put(admin, "first")
        admin.sync()
        admin.run("rotate", name)
        self.second = self.put(admin, "second")
        admin.sync()
        for device in (nancy, self.device):
            device.sync()
        self.eve = Member(world, self.device)
        self.space, = [bytes.fromhex(space["space"].replace("-", "")) for space in admin.row("status")["spaces"]
                       if space["name"] == name]

    def put(self, device, text):
        return device.put("account", "name=" + text, "--territory", self.name)

    def epoch(self, **told):
        self.eve.look()
        return Epoch(self.eve, self.space, to=[ADMIN, NANCY, PAGE, (DEVICE_BOX, self.eve.number)], **told)

    def strike(self, **told):
        equal(self.epoch(**told).append(), (0, ""))

    def put_out(self):
        """Eve's device is revoked, which owes the territory a new key, and there is one."""
        admin.run("device", "revoke", str(self.eve.number))

    def newcomer(self, **texts):
        device = world.rep("New in " + self.name, self.name)
        device.sync()
        self.reads(device, **texts)
        return device

    def reads(self, device, **texts):
        texts = dict(first="first", second="second", **texts)
        for which, text in texts.items():
            equal(device.fields("account", getattr(self, which))["name"], text, which)

    def debt(self, device):
        return any(space["debt"] for space in device.row("status")["spaces"] if space["name"] == self.name)

    def is_well(self, *devices):
        for device in devices:
            device.sync()
        for device in devices:
            device.sync()  # and has what the others wrote under the new key
            status = device.row("status")
            equal((status["pending"], self.debt(device)), (0, False), device.name)


@test
def a_key_that_nobody_gets_is_stepped_over_and_work_goes_on_under_the_next():
    it = Scene("Nobody")
    it.strike(keys={who: os.urandom(32) for who in (ADMIN, NANCY, PAGE)})
    it.device.sync()
    lost = it.put(it.device, "for nobody")
    it.device.sync()
    waiting = it.put(nancy, "waits")
    for device in (nancy, admin):
        has(device.run("sync", "--json", expect=5).error()["message"], "rotate, mends it")
        equal(it.debt(device), True)
    equal(nancy.row("status")["pending"], 1)
    it.put_out()
    it.is_well(admin, nancy)
    it.waiting = waiting
    it.reads(admin, waiting="waits")
    late = it.newcomer(waiting="waits")
    admin.run("rotate", "Nobody")
    it.is_well(admin, nancy, late)
    for device in (admin, nancy, late):
        equal(device.error(5, "get", "account", lost)["error"], "undecryptable", "it is told, and stops nobody")
        row, = [row for row in device.rows("doctor") if row.get("check") == "keys"]
        has(row["text"], "newest key does not lead to the key of Nobody, epoch 3")


@test
def an_admin_who_was_cheated_of_a_key_goes_round_it_and_whoever_has_it_brings_it_back():
    it = Scene("Unboxed")
    it.strike(keys={ADMIN: os.urandom(32)})
    nancy.sync()
    it.under = it.put(nancy, "under the key that the admin lacks")
    nancy.sync()
    admin.sync(expect=5)
    equal(admin.error(5, "get", "account", it.under)["error"], "undecryptable")
    before = nancy.row("status")["alerts"]
    it.put_out()
    it.is_well(admin, nancy)
    it.reads(admin)
    equal(admin.error(5, "get", "account", it.under)["error"], "undecryptable", "it is frozen under that key")
    status = nancy.row("status")
    equal(status["alerts"], before + 1)
    has(status["alert"], "rotate of that territory from here mends it")
    nancy.run("rotate", "Unboxed")
    it.is_well(admin, nancy)
    it.reads(admin, under="under the key that the admin lacks")
    it.newcomer(under="under the key that the admin lacks")
    equal(nancy.row("status")["alerts"], before + 1, "told once")


def cut_off(it, **told):
    """The history is out of reach for newcomers until somebody rotates who has it."""
    before = admin.row("status")["alerts"]
    it.strike(**told)
    for device in (admin, nancy):
        device.sync()
    equal(admin.row("status")["alerts"], before + 1)
    it.under = it.put(nancy, "under the new key")
    it.is_well(nancy, admin)
    early = world.rep("Early in " + it.name, it.name)
    early.sync()
    equal(early.error(5, "get", "account", it.second)["error"], "undecryptable")
    equal(early.fields("account", it.under)["name"], "under the new key")
    it.put_out()
    it.is_well(admin, nancy, early)
    it.reads(early, under="under the new key")
    it.newcomer(under="under the new key")
    equal(admin.row("status")["alerts"], before + 1, "told once")


@test
def a_chain_that_leads_nowhere_is_mended_by_the_next_key():
    cut_off(Scene("Torn"), chain=bytes(24) + os.urandom(48))


@test
def a_chain_past_the_keys_in_between_is_mended_by_the_next_key():
    cut_off(Scene("Downgraded"), chain=1)


@test
def many_bad_keys_in_a_row_are_no_worse_than_one():
    it = Scene("Flooded")
    for number in range(3, 13):  # every other one has a key that nobody gets
        good = number % 2
        told = {"chain": bytes(24) + os.urandom(48)} if good else {"committed": os.urandom(32)}
        it.strike(number=number, **told)
        for device in (it.device, admin):
            device.run("sync", expect=0 if good else 5)
    nancy.run("sync", expect=5)
    it.put_out()
    admin.run("rotate", "Flooded")
    it.is_well(admin, nancy)
    it.newcomer()


if __name__ == "__main__":
    run()
