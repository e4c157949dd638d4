#!/usr/bin/env python3
"""Confidentiality, by an attacker who holds everything that can get lost: the server's whole data directory and log,
all that was ever said on a line without TLS, every revoked device with its passphrase, every invite code and every old
recovery kit. What was frozen after a revocation and its rotation must not be among what all of that opens together.

Each test also shows that the oracle sees: what was there before is found with the same keys."""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scene import Attacker, Canaries, Device, Hostile, equal, run, test  # noqa: E402
from harness import has  # noqa: E402


class Office:
    """An organisation whose every name is a canary, with an admin, two reps in its first territory, and a laptop that
    belongs to the first of them; and canaries in every kind of field from before anything happens."""

    def __init__(self):
        self.canaries = canaries = Canaries()
        self.east, self.west = canaries.text("names"), canaries.text("names")
        self.name = canaries.text("names")
        self.world = world = Hostile(org=self.name, territories=[self.east, self.west])
        self.admin = world.admin
        self.first, self.second = canaries.text("names"), canaries.text("names")
        self.nancy = world.rep(self.first, self.east)
        self.robert = world.rep(self.second, self.east)
        self.laptop = world.device(canaries.text("names"), self.first)
        canaries.records(self.nancy, "before", self.east)
        canaries.records(self.admin, "before", self.east)
        self.admin.put("product", "name=" + canaries.text("before"))
        self.sync()

    def sync(self, *devices):
        for device in devices or (self.nancy, self.robert, self.laptop, self.admin):
            device.sync()

    def world_attacker(self):
        """Who has the server and the line."""
        return Attacker(self.world, self.canaries)

    def attacker(self):
        """Who has all codes, the server and the line."""
        return self.world_attacker().code(*self.world.codes)

    def write(self, label, *devices):
        """Canaries in the first territory, in the catalogue and in a new person's name, frozen now."""
        for device in devices:
            self.canaries.records(device, label, self.east)
        if self.admin in devices:
            self.admin.put("product", "name=" + self.canaries.text(label))
            self.admin.run("user", "add", self.canaries.text(label), "--role", "rep")
        for device in devices:
            device.sync()

    def epochs(self):
        return {space["name"]: space["epoch"] for space in self.admin.row("status")["spaces"]}

    def debts(self):
        return {space["name"] for space in self.admin.row("status")["spaces"] if space["debt"]}


@test
def the_server_and_the_line_yield_nothing_at_all():
    office = Office()
    office.canaries.records(office.laptop, "drafts", office.east)
    office.admin.run("device", "revoke", "4")
    office.laptop.run("sync", expect=4)
    equal(len(office.admin.rows("escrow", "list")) > 0, True, "the drafts are in the escrow")
    office.canaries.records(office.nancy, "unsent", office.east)
    there = office.world_attacker().finds()
    equal((there["keys"], there["opened"]), (0, 0), there)
    equal(there["sealed"] > 40 and there["boxes"] > 30, True, there)


@test
def a_device_with_its_passphrase_yields_what_its_person_may_read():
    office = Office()
    office.canaries.records(office.admin, "elsewhere", office.west)
    office.canaries.records(office.laptop, "drafts", office.east)
    office.admin.sync()
    attacker = office.world_attacker().home(office.laptop)
    there = attacker.finds("names", "before", "drafts")
    equal((there["secrets"], there["drafts"] > 0), (1, True), there)


@test
def every_home_without_its_passphrase_yields_the_organisations_name_and_no_more():
    office = Office()
    office.canaries.records(office.laptop, "drafts", office.east)
    attacker = office.world_attacker()
    for device in (office.nancy, office.robert, office.laptop):
        attacker.files(device)
    there = attacker.finds()
    equal((there["keys"], there["opened"], there["drafts"] > 0), (0, 0, True), there)
    found, _ = attacker.files(office.admin).look()
    equal(found, {"text " + office.name}, "the founder's device has it in clear: docs/security.md says so")


@test
def a_revoked_device_yields_nothing_that_is_frozen_afterwards():
    office = Office()
    office.canaries.records(office.nancy, "after", office.east)  # written before, frozen after: drafts are re-sealed
    office.canaries.records(office.laptop, "late", office.east)
    attacker = office.attacker().home(office.laptop)
    had = office.epochs()
    office.admin.run("device", "revoke", "4")
    for name in ("org", "people", office.east):
        equal(office.epochs()[name], had[name] + 1, name)
    office.laptop.run("sync", expect=4)
    attacker.home(office.laptop)
    office.write("after", office.nancy, office.robert, office.admin)
    attacker.finds("names", "before", "late")


@test
def nor_does_a_device_of_somebody_who_was_suspended():
    office = Office()
    attacker = office.attacker().home(office.robert)
    office.admin.run("user", "suspend", office.second)
    equal(office.debts(), set())
    office.write("after", office.nancy, office.admin)
    attacker.home(office.robert).finds("names", "before")


@test
def who_lost_a_territory_reads_no_more_of_it_and_goes_on_with_the_rest():
    office = Office()
    office.admin.run("territory", "grant", office.west, office.second)
    office.robert.sync()
    office.canaries.records(office.robert, "western", office.west)
    office.robert.sync()
    attacker = office.attacker().home(office.robert)
    office.admin.run("territory", "revoke", office.east, office.second)
    office.robert.sync()
    office.nancy.sync()
    office.canaries.records(office.nancy, "after", office.east)
    office.canaries.records(office.robert, "western", office.west)
    office.sync(office.nancy, office.robert)
    attacker.home(office.robert).finds("names", "before", "western")


@test
def what_was_seen_of_keys_is_worth_nothing_after_a_rotation():
    office = Office()
    attacker = office.world_attacker().home(office.robert, "--keys")
    attacker.finds("names", "before")
    for name in (office.east, "org", "people"):
        office.admin.run("rotate", name)
    office.write("after", office.robert, office.nancy, office.admin)
    attacker.finds("names", "before")
    office.world_attacker().home(office.robert).finds("names", "before", "after")


@test
def who_left_took_no_key_along_to_what_comes():
    office = Office()
    attacker = office.attacker().home(office.laptop)
    equal(office.laptop.row("leave"), {"left": True})
    office.sync(office.nancy)
    equal(office.debts(), set(), "a rep's sync paid")
    office.write("after", office.nancy, office.robert, office.admin)
    attacker.finds("names", "before")


@test
def an_old_kit_and_an_old_admin_yield_nothing_after_a_recovery():
    office = Office()
    attacker = office.attacker().kit(office.world.kit)
    attacker.finds("names", "before")
    recovered = Device(office.world.folder, "recovered")
    page = os.path.join(office.world.folder, "new-kit.txt")
    recovered.run("recover", "--kit", office.world.kit, "--recovery-kit", page)
    attacker.home(office.admin)
    recovered.run("device", "revoke", "1")
    office.canaries.records(recovered, "after", office.east)
    recovered.put("product", "name=" + office.canaries.text("after"))
    office.canaries.records(office.nancy, "after", office.east)
    office.sync(recovered, office.nancy)
    attacker.finds("names", "before")
    office.world_attacker().kit(page).finds("names", "before", "after")


@test
def a_code_is_worth_its_spaces_until_it_is_used_and_they_are_rotated():
    office = Office()
    code = office.world.invite(office.second)
    attacker = office.world_attacker().code(code)
    there = attacker.finds("names", "before")
    equal(there["keys"] > 0, True, there)
    office.admin.run("rotate", office.east)
    office.canaries.records(office.nancy, "open", office.east)
    office.sync(office.nancy)
    attacker.finds("names", "before", "open")  # an open invite receives every rotation
    phone = Device(office.world.folder, "phone")
    phone.run("join", code)
    for name in (office.east, "org", "people"):
        office.admin.run("rotate", name)
    office.write("after", office.nancy, phone, office.admin)
    attacker.finds("names", "before", "open")


@test
def a_code_that_expired_is_worth_nothing_once_somebody_paid_for_it():
    office = Office()
    code = office.world.invite(office.second, "--expires", "3s")
    attacker = office.attacker()
    attacker.finds("names", "before")
    had = office.epochs()
    time.sleep(3.2)
    has(Device(office.world.folder, "late").run("join", code, expect=4).err, "expired")
    office.sync(office.robert)  # whoever may read a space pays for it
    office.admin.sync()
    equal({name: office.epochs()[name] - had[name] for name in (office.east, "org", "people")},
          {office.east: 1, "org": 1, "people": 1})
    office.write("after", office.nancy, office.robert, office.admin)
    attacker.finds("names", "before")


@test
def a_code_of_an_issuer_who_is_out_is_cancelled_and_worth_nothing():
    office = Office()
    world = office.world
    office.admin.run("user", "add", office.canaries.text("names"), "--role", "admin")
    other = Device(world.folder, "other-admin")
    name = office.canaries.list("names")[-1][5:]
    joined = other.row("join", world.invite(name))
    office.admin.run("device", "approve", str(joined["device"]))
    other.sync()
    code = world.invite(office.second, by=other)
    attacker = office.attacker().home(other)
    office.admin.run("device", "revoke", str(joined["device"]))
    equal(Device(world.folder, "phone").run("join", code, expect=4).code, 4)
    office.write("after", office.nancy, office.robert, office.admin)
    attacker.home(other).finds("names", "before")


@test
def everything_that_was_ever_lost_yields_nothing_of_what_is_frozen_now():
    """The sum: used, cancelled, expired and early codes, three lost devices, an old kit and the old admin."""
    office = Office()
    world, canaries = office.world, office.canaries
    world.invite(office.second, "--expires", "2s")
    tablet = world.device(canaries.text("names"), office.second)
    attacker = office.attacker().home(office.laptop).home(tablet).kit(world.kit)
    recovered, page = Device(world.folder, "recovered"), os.path.join(world.folder, "new-kit.txt")
    recovered.run("recover", "--kit", world.kit, "--recovery-kit", page)
    attacker.home(office.admin)
    canaries.records(office.nancy, "between", office.east)
    office.sync(office.nancy)
    for device in ("1", "4", "5"):
        recovered.run("device", "revoke", device)
    time.sleep(2.2)
    recovered.run("user", "suspend", office.second)
    for device in (office.laptop, tablet, office.robert):
        device.run("sync", expect=4)
        attacker.home(device)
    office.sync(office.nancy, recovered)
    canaries.records(office.nancy, "after", office.east)
    canaries.records(recovered, "after", office.east)
    recovered.put("product", "name=" + canaries.text("after"))
    recovered.run("user", "add", canaries.text("after"), "--role", "rep")
    office.sync(office.nancy, recovered)
    attacker.code(*world.codes)
    attacker.finds("names", "before", "between")
    equal(world.relay.errors, [])


if __name__ == "__main__":
    run()
