#!/usr/bin/env python3
"""Members, keys and lost phones: each of the twelve promises of docs/testing.md, in their order, by the shortest way
through the real programs. The suites that the document names show each in depth.

One organisation lives through all of it, behind a relay, so that its server can lie."""
import os
import shutil
import sqlite3
import stat
import struct
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "hostile"))

from scene import Device, Hostile, equal, run, test  # noqa: E402  (first: it knows the folders)
from bundle import Entry  # noqa: E402
from harness import has, lacks  # noqa: E402
from keyring import Keyring  # noqa: E402
from member import Member, body, header, stored  # noqa: E402
from pusher import ENTRIES, PUSH  # noqa: E402
from relay import Attack  # noqa: E402

DENIED = 12
DAY_MS = 24 * 3600 * 1000

world = Hostile(territories=["Eastern", "Western"], record=False)
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Western")
account = nancy.put("account", "name=Blondel", "city=Bern")
for device in (nancy, robert, admin):
    device.sync()


def privileged(name, role, *grant):
    """Somebody whose device waits until an admin approves it."""
    admin.run("user", "add", name, "--role", role)
    if grant:
        admin.run("territory", "grant", *grant[:1], name, *grant[1:])
    device = Device(world.folder, name)
    number = device.row("join", world.invite(name))["device"]
    equal(device.row("status")["state"], "pending approval")
    admin.run("device", "approve", str(number))
    device.sync()
    return device


def epochs(device):
    return {space["name"]: space["epoch"] for space in device.row("status")["spaces"]}


def home_is_gone(device):
    return not os.path.exists(os.path.join(device.home, "keyring"))


@test
def line_1_roles_have_teeth():
    global margaret, laura
    margaret = privileged("Margaret", "manager", "Eastern", "--manage")
    laura = privileged("Laura", "auditor", "Eastern", "--read")
    margaret.run("user", "add", "Ben", "--role", "rep")
    margaret.run("territory", "grant", "Eastern", "Ben")
    for words in (("user", "add", "Eve", "--role", "manager"), ("device", "revoke", "3"),
                  ("user", "role", "Ben", "admin"), ("territory", "grant", "Western", "Ben"),
                  ("policy", "set", "lease.rep", "5")):
        equal(margaret.error(4, *words)["error"], "denied", words)
    equal(nancy.error(4, "user", "add", "Eve", "--role", "rep")["error"], "denied")
    equal(laura.fields("account", account)["name"], "Blondel")
    equal(laura.error(4, "put", "account", account, "name=x")["error"], "denied")
    admin.run("user", "add", "Till", "--role", "service")
    admin.run("territory", "grant", "Eastern", "Till")
    till = Device(world.folder, "Till")
    equal(till.row("join", world.invite("Till"))["role"], "service")
    till.put("account", "name=by the till")
    equal(till.sync()["sent"] >= 1, True)
    member = Member(world, robert)  # a program of his own: the server refuses what his would not even try
    east, = [bytes.fromhex(space["space"].replace("-", "")) for space in nancy.row("status")["spaces"]
             if space["name"] == "Eastern"]
    with member.login(east) as socket:
        equal(member.hear(socket, b"never")[0], DENIED)


@test
def line_2_devices_and_territories_have_a_life():
    phone = world.device("Nancy-phone", "Nancy")
    phone.sync()
    row = [row for row in admin.rows("device", "list") if row["name"] == "Nancy-phone"][0]
    equal((row["user"], row["state"], row["lag"], row["last_seen"] is not None, row["version"]),
          ("Nancy", "active", 0, True, 1), row)
    code = margaret.row("invite", "Ben")["code"]
    number = [row["device"] for row in admin.rows("device", "list") if row["user"] == "Margaret"][0]
    before = epochs(admin)
    admin.run("device", "revoke", str(row["device"]))
    after = epochs(admin)
    equal({name for name in after if after[name] > before[name]}, {"Eastern", "org", "people"}, "what it could read")
    equal(admin.row("status")["debts"], 0)
    admin.run("device", "revoke", str(number))
    late = Device(world.folder, "Ben-late")
    equal(late.run("join", code, "--json", expect=4).error()["error"], "invite_expired", "her invites go with it")
    admin.run("territory", "grant", "Western", "Nancy", "--read")
    nancy.sync()
    admin.run("territory", "revoke", "Western", "Nancy")
    admin.run("rotate", "Western")
    equal(epochs(admin)["Western"], after["Western"] + 2)
    admin.run("user", "suspend", "Robert")
    equal(robert.run("sync", "--json", expect=4).error()["error"], "revoked")
    admin.run("user", "resume", "Robert")
    robert.sync()
    admin.run("policy", "set", "lease.rep", "20")
    equal([row["value"] for row in admin.rows("policy") if row["policy"] == "lease.rep"], [20])


@test
def line_3_what_a_revoked_device_meets():
    """It obeys a wipe, hands in what it had, and the admins decide; a territory alone takes its own along."""
    tablet = world.device("Nancy-tablet", "Nancy")
    late = tablet.put("account", "name=written in time")
    number = [row["device"] for row in admin.rows("device", "list") if row["name"] == "Nancy-tablet"][0]
    admin.run("device", "revoke", str(number), "--wipe")
    equal(tablet.run("sync", "--json", expect=4).error()["error"], "revoked")
    equal(home_is_gone(tablet), True)
    row = [row for row in admin.rows("device", "list") if row["device"] == number][0]
    equal((row["wipe"], row["wiped_at"] is not None), ("done", True), row)
    item = admin.row("escrow", "list")
    equal((item["user"], item["state"]), ("Nancy", "open"), item)
    admin.run("escrow", "accept", str(item["number"]))
    admin.sync()
    equal(admin.fields("account", late)["name"], "written in time")
    equal(admin.rows("history", "account", late)[0]["by"], "Nancy", "its author and signature survive")
    admin.run("territory", "grant", "Western", "Nancy")
    nancy.sync()
    western = nancy.put("account", "name=Western's", "--territory", "Western")
    nancy.sync()
    global second
    second = world.device("Nancy-second", "Nancy")
    second.put("account", "name=Western's as well", "--territory", "Western")
    second.sync()
    admin.run("territory", "revoke", "Western", "Nancy")
    nancy.sync()
    equal(nancy.error(2, "get", "account", western)["error"], "not_found")
    equal(nancy.fields("account", account)["name"], "Blondel")


@test
def line_4_an_honest_device_that_was_away_is_not_locked_out():
    away = nancy.put("account", "name=written while away")
    for _ in range(3):
        admin.run("rotate", "Eastern")
    escrowed = len(admin.rows("escrow", "list"))
    nancy.sync()
    admin.sync()
    equal(admin.fields("account", away)["name"], "written while away")
    equal(len(admin.rows("escrow", "list")), escrowed)
    equal(epochs(nancy)["Eastern"], epochs(admin)["Eastern"])


@test
def line_5_a_device_that_is_away_for_too_long_shows_nothing():
    """Time is moved by what the home remembers of it (docs/storage.md)."""
    with sqlite3.connect(os.path.join(robert.home, "store.db")) as database:
        value, = database.execute("select value from meta where key = 'lease'").fetchone()
        aged = value[:9] + struct.pack("<Q", 31 * DAY_MS) + value[17:]
        database.execute("update meta set value = ? where key = 'lease'", (aged,))
    equal(robert.error(6, "list", "account")["error"], "locked")
    new = robert.put("account", "name=still taken")
    robert.sync()
    equal(robert.fields("account", new)["name"], "still taken")
    equal((robert.row("status")["lease"], robert.row("status")["lease_days"]), ("held", 20))


@test
def line_6_an_account_moves_with_what_hangs_on_it():
    visit = nancy.put("visit", "account=" + account, "note=hangs on it")
    nancy.sync()
    admin.sync()
    late = nancy.put("visit", "account=" + account, "note=came late")
    planned = admin.rows("move", "account", account, "--to", "Western", "--dry-run")
    equal({row["id"] for row in planned}, {account, visit})
    equal(nancy.fields("account", account)["name"], "Blondel")
    admin.run("move", "account", account, "--to", "Western")
    admin.sync()
    nancy.sync()
    equal(nancy.error(2, "get", "account", account)["error"], "not_found", "it has left her device")
    admin.sync()
    robert.sync()
    equal(robert.fields("account", account)["name"], "Blondel")
    equal(robert.fields("visit", visit)["note"], "hangs on it")
    carried = robert.fields("visit", late)
    equal(carried["note"], "came late")
    equal(robert.rows("history", "visit", late)[0]["by"], "Nancy")


@test
def line_7_who_lost_something_comes_back():
    nancy.put("account", "name=not synced")
    world.server.stop()
    has(nancy.error(2, "leave")["message"], "not synced")
    world.server.start()
    nancy.sync()
    second.sync()
    equal(second.row("leave"), {"left": True}, "also one that wrote in a territory that it has lost since")
    equal(home_is_gone(second), True)
    ring = open(os.path.join(robert.home, "keyring"), "rb").read()
    new = os.path.join(world.folder, "robert-new")
    with open(new, "w", encoding="utf-8") as file:
        file.write("another passphrase\n")
    robert.run("passphrase", "--new-passphrase-file", new)
    equal(open(os.path.join(robert.home, "keyring"), "rb").read() != ring, True)
    equal(robert.run("status", "--json", expect=6).error()["error"], "wrong_passphrase")
    robert.passphrase_file = new
    equal(robert.sync()["in_sync"], True)
    again = world.device("Nancy-again", "Nancy")  # who forgot hers: the same person, and all that was synced
    equal(again.row("status")["user"], "Nancy")
    equal({row["name"] for row in again.rows("list", "account")} >= {"not synced"}, True)
    global back, kit
    back, kit = Device(world.folder, "Andrew-back"), os.path.join(world.folder, "kit-2.txt")
    before = epochs(admin)
    row = back.row("recover", "--kit", world.kit, "--recovery-kit", kit)
    equal((row["user"], row["role"], row["in_sync"]), ("Andrew", "admin", True))
    equal(all(epoch > before[name] for name, epoch in epochs(back).items()), True, "everything is rotated")
    other = Device(world.folder, "kit-again")
    equal(other.error(4, "recover", "--kit", world.kit, "--recovery-kit", kit + "x")["error"], "denied")
    shutil.copytree(again.home, again.home + "-without")
    again.home += "-without"
    os.remove(os.path.join(again.home, "keyring"))
    has(again.run("status", "--json", expect=None).error()["message"], "keyring")


@test
def line_8_an_admins_power_is_guarded():
    back.run("passphrase", "--admin", "--new-passphrase-file", nancy.passphrase_file)
    equal(back.error(6, "territory", "add", "Northern")["error"], "locked")
    with_key = ("--admin-passphrase-file", nancy.passphrase_file)
    back.run("user", "add", "Steven", "--role", "admin", *with_key)
    steven = Device(world.folder, "Steven")
    number = steven.row("join", back.row("invite", "Steven", *with_key)["code"])["device"]
    back.run("device", "approve", str(number), *with_key)
    steven.sync()
    proposed = steven.row("policy", "set", "lease.rep", "3000")
    equal(list(proposed), ["cosign"], "two admins: it waits for the other one")
    equal(steven.error(4, "cosign", proposed["cosign"])["error"], "denied")
    since = len(steven.rows("audit")) + 1
    steven.run("user", "suspend", "Nancy")  # stolen by now
    thrice, third = Device(world.folder, "Andrew-third"), os.path.join(world.folder, "kit-3.txt")
    row = thrice.row("recover", "--kit", kit, "--recovery-kit", third, "--repudiate", str(number), "--from", str(since))
    equal("lets Nancy back in" in row["undone"], True, row)
    nancy.sync()
    equal(steven.run("sync", "--json", expect=4).error()["error"], "revoked")
    global chief
    chief = thrice


@test
def line_9_the_audit_tells_all_and_where_it_fails():
    chief.rows("export", os.path.join(world.folder, "export"))
    chief.sync()
    rows = chief.rows("audit")
    links = [row for row in rows if row["kind"] != "disclosure"]
    equal([row["link"] for row in links], list(range(1, len(links) + 1)))
    has(links[0]["what"], "founds the organisation")
    for what in ("adds Nancy as rep", "suspends Nancy"):
        has([row["what"] for row in links], what)
    equal([row["by"] for row in rows if row["kind"] == "disclosure"], ["Steven"])
    has(chief.run("audit").out, "adds Nancy as rep")
    with sqlite3.connect(os.path.join(admin.home, "store.db")) as database:
        data, = database.execute("select bytes from link where seq = 5").fetchone()
        database.execute("update link set bytes = ? where seq = 5", (data[:-1] + bytes([data[-1] ^ 1]),))
    result = admin.run("audit", "--json", expect=5)
    equal([row["link"] for row in result.rows()], [1, 2, 3, 4], "what is shown holds")
    has(result.error()["message"], "link 5")


class Forges(Attack):
    """The last byte of each entry's last change is another one."""
    told = 0

    def from_server(self, talk, message):
        if message[0] != ENTRIES:
            return [message]
        entries = [Entry(item) for item in message[4]]
        for entry in entries:
            if entry.bundle:
                change = entry.bundle.changes[-1]
                change.body = change.body[:-1] + bytes([change.body[-1] ^ 1])
                self.told += 1
        return [message[:4] + [[entry.item() for entry in entries]]]


@test
def line_10_a_hostile_server_is_caught():
    made = nancy.put("account", "name=true")
    nancy.sync()
    world.relay.attack = Forges()
    try:
        result = chief.run("sync", "--json", expect=5)
    finally:
        told, world.relay.attack = world.relay.attack.told, Attack()
    equal((told > 0, result.error()["error"]), (True, "tampered"))
    equal(chief.error(2, "get", "account", made)["error"], "not_found", "nothing of it is merged")
    chief.sync()
    equal((chief.fields("account", made)["name"], chief.row("status")["alert"]), ("true", result.error()["message"]))


@test
def line_11_a_hostile_member_gains_nothing():
    eve_device = world_rep("Eve", "Eastern")
    eve = Member(world, eve_device)
    east, = [bytes.fromhex(space["space"].replace("-", "")) for space in nancy.row("status")["spaces"]
             if space["name"] == "Eastern"]
    forged = eve.bundle(east, [(os.urandom(16), header(), stored(body(1, [(1, "as Nancy")])))], device=2, first=1 << 20,
                        chain=False)
    with eve.login(east) as socket:
        socket.send([PUSH, 1, forged.wire])
        equal(eve.hear(socket, b"never")[0], DENIED)
    poisoned = [(os.urandom(16), header(seen=[(2, (1 << 62) - 1)]), stored(body(1, [(1, "from the future")])))]
    equal(eve.push(east, poisoned)[0] > 0, True)
    mine = nancy.put("account", "name=honest")
    nancy.sync()
    chief.sync()
    names = {row["name"] for row in chief.rows("list", "account")}
    equal((names & {"as Nancy", "from the future"}, chief.fields("account", mine)["name"]), (set(), "honest"))


def world_rep(name, territory):
    chief.run("user", "add", name, "--role", "rep")
    chief.run("territory", "grant", territory, name)
    device = Device(world.folder, name)
    device.run("join", chief.row("invite", name)["code"])
    device.sync()
    return device


@test
def line_12_secrets_stay_where_they_are():
    path = os.path.join(nancy.home, "keyring")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
    ring = Keyring(path)
    equal((ring.device.kdf, ring.device.ops > 0, ring.device.mem_bytes >= 8 << 20), (1, True, True))
    with open(nancy.passphrase_file, encoding="utf-8") as file:
        passphrase = file.readline().rstrip("\n").encode()
    secrets = ring.secrets(passphrase)
    nancy.run("sync", "--json")
    for folder in (nancy.home, world.server.data):
        for parent, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(parent, name), "rb") as file:
                    data = file.read()
                for what, secret in dict(secrets, passphrase=passphrase).items():
                    equal(secret in data or secret.hex().encode() in data, False, "%s in %s" % (what, name))
    with open(path, "r+b") as file:  # a version to come, or an older one than was ever written
        whole = file.read()
        file.seek(0)
        file.write(whole[:15] + struct.pack("<H", 9) + whole[17:])
    lacks(nancy.run("status", "--json", expect=None).err, passphrase.decode())
    equal(nancy.run("status", "--json", expect=None).code != 0, True)


if __name__ == "__main__":
    run()
