#!/usr/bin/env python3
"""A server that lies, with its true identity key in hand: each lie over a socket to the real client, which ends with
exit code 5, says what it saw and keeps saying so in its status, has merged nothing of it, and goes on with the honest
server where that is possible."""
import contextlib
import os
import shutil
import sqlite3
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scene import Device, Hostile, PlainServer, equal, run, test  # noqa: E402  (first: it knows the folders)
import ed25519  # noqa: E402
from bundle import Bundle, Change, Entry, Head, Reader, identity_of  # noqa: E402
from harness import has, new_id  # noqa: E402
from org import UNBOUND, digest, labelled  # noqa: E402
from pusher import merkle, varint  # noqa: E402
from relay import Attack, Relay  # noqa: E402

HELLO, LINKS, ENTRIES, HEAD, REFUSED, BOXES = 1, 2, 3, 4, 5, 6
AUTH, SUBSCRIBE, PUSH, HEAD_GET, ENTRY_GET = 16, 19, 20, 23, 24
STALE = 10
NANCY, ROBERT = 2, 3

world = Hostile(territories=["Eastern", "Western"])
admin, relay = world.admin, world.relay
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Eastern", "Western")
account = nancy.put("account", "name=Blondel", "city=Bern", "--territory", "Eastern")
for device in (nancy, robert):
    device.sync()
org = bytes.fromhex(admin.row("status")["org_id"])
identity = identity_of(world.server.data)
eastern, = [bytes.fromhex(space["space"].replace("-", "")) for space in admin.row("status")["spaces"]
            if space["name"] == "Eastern"]


def database(data):
    """The organisation's store in a server's directory."""
    found = [os.path.join(folder, name) for folder, _, names in os.walk(data) for name in names
             if name.endswith(".db") and name.startswith(org.hex()[:8])]
    equal(len(found), 1, found)
    return sqlite3.connect("file:%s?mode=ro" % found[0], uri=True)


def link_ids(data):
    """The ids of the directory's links."""
    rows = database(data).execute("select bytes from link order by seq").fetchall()
    return [digest("link", row[4:4 + struct.unpack("<I", row[:4])[0]]) for row, in rows]


@contextlib.contextmanager
def lying(attack):
    relay.attack = attack
    try:
        yield attack
    finally:
        relay.attack = Attack()


class Lie(Attack):
    """Lies to one device alone, and counts how often; `told` is what the test looks at."""

    def __init__(self, device=ROBERT):
        self.device, self.told = device, 0

    def from_client(self, talk, message):
        if message[0] == AUTH:
            talk.notes["device"] = message[1]
        if message[0] == SUBSCRIBE:
            for item in message[1]:
                reader = Reader(item)
                number = reader.varint()
                talk.notes[number] = reader.take(16)
        return self.asks(talk, message) if talk.notes.get("device") == self.device else [message]

    def from_server(self, talk, message):
        return self.says(talk, message) if talk.notes.get("device") in (self.device, None) else [message]

    def asks(self, talk, message):
        return [message]

    def says(self, talk, message):
        return [message]

    def is_eastern(self, talk, message):
        return talk.notes.get(message[1]) == eastern


class InEntries(Lie):
    """Alters the entries of the first territory, in every answer."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def says(self, talk, message):
        if message[0] != ENTRIES or not self.is_eastern(talk, message):
            return [message]
        entries = [Entry(item) for item in message[4]]
        other = self.change(entries)
        self.told += other is not None
        return [message] if other is None else [message[:4] + [[entry.item() for entry in other]]]


def flipped(data, at=0):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def first_change(entries):
    return entries[0].bundle.changes[0]


def what_is_shown(device):
    return (device.rows("list", "account"), device.fields("account", account),
            [(space["name"], space["cursor"], space["live"]) for space in device.row("status")["spaces"]])


def is_caught(attack, errors, says, device=robert, heals=True):
    """The device's next sync meets the lie. Gives its result."""
    if isinstance(errors, str):
        errors = (errors,)
    before, alerts = what_is_shown(device), device.row("status")["alerts"]
    with lying(attack):
        result = device.run("sync", "--json", expect=5)
    equal(attack.told > 0, True, "the lie was not told")
    has(errors, result.error()["error"])
    has(result.error()["message"], says)
    equal(result.rows()[-1]["in_sync"], False)
    equal(what_is_shown(device), before, "nothing of it is merged")
    status = device.row("status")
    equal((status["alerts"], status["alert"]), (alerts + 1, result.error()["message"]))
    if heals:
        device.sync()
        equal(device.row("status")["alert"], result.error()["message"], "it stays")
        equal(relay.errors, [])
    return result


def news():
    """Three bundles that the victim has not seen: an edit, a new record, an edit of that."""
    nancy.put("account", account, "city=City %s" % new_id()[:8])
    nancy.sync()
    made = nancy.put("account", "name=%s" % new_id()[:8], "--territory", "Eastern")
    nancy.sync()
    nancy.put("account", made, "city=Chur")
    nancy.sync()


# ---- Changes and entries ----

@test
def a_forged_change():
    news()

    def forge(entries):
        first_change(entries).body = flipped(first_change(entries).body)
        return entries
    is_caught(InEntries(forge), "tampered", "signature of device 2")


@test
def an_altered_header():
    news()

    def archive(entries):
        first_change(entries).header = flipped(first_change(entries).header)  # the flag of a deletion
        return entries
    is_caught(InEntries(archive), "tampered", "signature of device 2")


@test
def a_replayed_bundle():
    last = {}

    def remember(entries):
        last["entry"] = entries[-1]
    news()
    with lying(InEntries(remember)):
        robert.sync()
    news()

    def replay(entries):
        again = last["entry"]
        again.recv_ms, again.dir_at = entries[0].recv_ms, entries[0].dir_at
        return [again] + entries
    is_caught(InEntries(replay), "tampered", "does not fit")


@test
def a_re_attributed_bundle():
    """As the admin's, whose chain it would continue: the lie survives that the client asks for the whole bundle."""
    news()

    def attribute(entries):
        for entry in entries:
            entry.bundle.device = 1
        return entries
    is_caught(InEntries(attribute), ("tampered", "bad_chain", "bounds", "fork"), "")


@test
def a_change_that_is_hidden_behind_a_stub():
    nancy.put("account", account, "city=Hidden")
    nancy.put("account", "name=Hidden", "--territory", "Eastern")
    nancy.sync()

    def hide(entries):
        entries[0].bundle.changes = [change.stub() for change in entries[0].bundle.changes]
        return entries
    is_caught(InEntries(hide), "unjustified", "hides 2 changes")
    equal(robert.fields("account", account)["city"], "Hidden")


class Hole(Lie):
    """Shows the log as if one entry of it had never been, in whatever way it is asked for."""

    def __init__(self, hidden):
        super().__init__()
        self.hidden = hidden

    def says(self, talk, message):
        if message[0] != ENTRIES or not self.is_eastern(talk, message):
            return [message]
        first, items = message[2], message[4]
        if first <= self.hidden < first + len(items):
            items = items[:self.hidden - first] + items[self.hidden - first + 1:]
            self.told += 1
        elif first > self.hidden:
            first -= 1
        return [[ENTRIES, message[1], first, message[3] - 1, items]] if items else []

    def asks(self, talk, message):
        if message[0] == ENTRY_GET and self.is_eastern(talk, message) and message[2] >= self.hidden:
            return [message[:2] + [message[2] + 1]]
        return [message]


def cursor(device):
    return {space["name"]: space["cursor"] for space in device.row("status")["spaces"]}["Eastern"]


@test
def a_hole_in_a_chain():
    news()
    is_caught(Hole(cursor(robert) + 1), "bad_chain", "left out a bundle of device 2")


@test
def a_wrong_receive_time():
    """Told consistently in every entry; and so that time runs backwards."""
    def later(entries):
        for entry in entries:
            entry.recv_ms += 5
        return entries

    def earlier(entries):
        for entry in entries:
            entry.recv_ms -= 3600 * 1000
        return entries
    news()
    is_caught(InEntries(later), "fork", "log")
    news()
    is_caught(InEntries(earlier), "tampered", "step back")


@test
def a_lie_that_was_cut_off_is_undone_when_the_honest_server_is_met():
    """The head that would have shown it never came: the entries are here, and stand until they are contradicted. Then
    they are let go of, as no head has proved them, and the honest ones come."""
    class Cut(InEntries):
        def request(self, talk, head):
            if self.told:
                raise OSError("nobody answers who comes back at once")
            return super().request(talk, head)

        def says(self, talk, message):
            if message[0] == HEAD and self.told:
                talk.client.close()
            return super().says(talk, message)

    def later(entries):
        for entry in entries:
            entry.recv_ms += 5
        return entries
    news()
    before = what_is_shown(robert)
    with lying(Cut(later)):
        robert.run("sync", expect=3)
    equal(what_is_shown(robert) == before, False, "what the members signed is shown")
    synced = robert.sync()
    equal((synced["received"], synced["in_sync"]), (3, True), "all of it comes anew, and is what the head proves")
    equal((robert.rows("list", "account"), cursor(robert)), (nancy.rows("list", "account"), cursor(nancy)))


@test
def own_work_that_waits_survives_a_lie():
    mine = robert.put("account", "name=Mine", "--territory", "Eastern")
    news()

    def later(entries):
        for entry in entries:
            entry.recv_ms += 5
        return entries
    with lying(InEntries(later)):
        robert.run("sync", expect=5)
    equal(robert.fields("account", mine)["name"], "Mine")
    robert.sync()
    nancy.sync()
    equal(nancy.fields("account", mine)["name"], "Mine")


# ---- Heads ----

class OtherHead(Lie):
    """The log's head, signed by the server's key, over another root than that of the entries that were sent."""

    def says(self, talk, message):
        if message[0] != HEAD or not self.is_eastern(talk, message):
            return [message]
        self.told += 1
        said = Head(message[2])
        with_hash = link_ids(world.server.data)[said.dir_seq - 1]
        life, = database(world.server.data).execute("select log_epoch from space where id = ?", (eastern,)).fetchone()
        said.form, said.dir_hash, said.log_epoch = 0, with_hash, life
        said.root, said.digest = digest("test", b"another log"), digest("test", b"another state")
        return [message[:2] + [said.sign(identity, org, eastern).wire()]]


@test
def two_heads_that_contradict_each_other():
    robert.sync()
    is_caught(OtherHead(), "fork", "another log than the one it sent")  # of the length that it has signed before
    news()
    is_caught(OtherHead(), "fork", "another log than the one it sent")


def id_of(pushed, space):
    """Of a bundle in full: as the server computes it."""
    manifest = (struct.pack("<H", pushed.suite) + org + space + struct.pack("<IIQI", pushed.epoch, pushed.device,
                pushed.first, len(pushed.changes)) + pushed.nonce + pushed.prev + struct.pack("<Q", pushed.dir_seq)
                + pushed.dir_hash + pushed.log_epoch + struct.pack("<Q", pushed.w_size) + pushed.w_root
                + merkle([change.leaf() for change in pushed.changes]))
    return digest("bundle-id", manifest)


class FalseEcho(Lie):
    """Takes what is pushed, passes nothing on, and acknowledges it."""

    def asks(self, talk, message):
        if message[0] == HEAD_GET and self.told:
            return []
        if message[0] != PUSH or not self.is_eastern(talk, message):
            return [message]
        pushed = Bundle(message[2])
        if pushed.form:
            talk.say([REFUSED, message[1], pushed.first, STALE, "once more, please"])
            return []
        self.told += 1
        store = database(world.server.data)
        size, recv_ms, dir_at, life = store.execute(
            "select max(seq), max(recv_ms), max(dir_at), log_epoch from entry join space on entry.sid = space.sid"
            " where space.id = ?", (eastern,)).fetchone()
        item = b"\x81" + varint(recv_ms) + varint(dir_at) + id_of(pushed, eastern)[:8]
        talk.say([ENTRIES, message[1], size + 1, size + 1, [item]])
        head = Head(b"\0" + varint(size + 1) + digest("test", b"a log") + digest("test", b"a state") + life
                    + varint(dir_at) + link_ids(world.server.data)[dir_at - 1] + varint(recv_ms) + bytes(64))
        talk.say([HEAD, message[1], head.sign(identity, org, eastern).wire()])
        return []


@test
def an_acknowledgement_for_what_was_not_stored():
    robert.sync()
    mine = robert.put("account", "name=Acknowledged", "--territory", "Eastern")
    with lying(FalseEcho()) as attack:
        result = robert.run("sync", "--json", expect=5)
    equal(attack.told > 0, True)
    equal(result.error()["error"], "fork")
    equal((robert.row("status")["pending"], robert.row("status")["in_sync"]), (1, False), "it still waits")
    equal(robert.fields("account", mine)["name"], "Acknowledged")
    equal(robert.sync()["sent"], 1)
    nancy.sync()
    equal(nancy.fields("account", mine)["name"], "Acknowledged")


# ---- The directory ----

class FalseLink(Lie):
    """A link of the server's own making, countersigned and named by the hello. Its first signature is the author's, by
    a key that is true where the link itself brings it; the other one, which must be somebody else's, is nobody's."""

    def __init__(self, kind, author, body, other, seed=None):
        super().__init__()
        ids = link_ids(world.server.data)
        self.seq = len(ids) + 1
        link = struct.pack("<Q32sIHBHI", self.seq, ids[-1], author, kind, 1, 1, len(body)) + body
        own = ed25519.sign(seed, labelled("link") + org + link) if seed else os.urandom(64)
        self.id = digest("link", link)
        now = int(time.time() * 1000)
        countersign = ed25519.sign(identity, labelled("countersign") + org + struct.pack("<Q", self.seq) + self.id
                                   + struct.pack("<Q", now))
        self.short = (varint(now) + countersign + varint(author) + varint(kind) + bytes([2 | 8 | 32]) + own
                      + other + os.urandom(64) + body)

    def says(self, talk, message):
        if message[0] != HELLO:
            return [message]
        self.told += 1
        nonce = bytes.fromhex(talk.path.split("/")[3])
        said = nonce + message[2] + struct.pack("<QQ", message[3], self.seq) + self.id + UNBOUND
        hello = message[:4] + [self.seq, self.id, 0, ed25519.sign(identity, labelled("hello") + org + said)]
        return [hello]

    def asks(self, talk, message):
        if message[0] == AUTH:
            talk.say([LINKS, self.seq, [self.short]])
            return []
        return [message]


@test
def a_fake_directory_link():
    """That makes the victim's person an admin."""
    robert.sync()
    is_caught(FalseLink(2, 1, struct.pack("<IBB", 3, 1, 1), b"\2" + varint(1)), "tampered",
              "of the directory is not valid")
    equal(robert.row("status")["role"], "rep")


@test
def a_fake_repudiation():
    """That calls the admin's device a thief's, and brings one of the server's in its place: all but the kit's signature
    is right."""
    robert.sync()
    device, admin_key, kit = os.urandom(32), os.urandom(32), os.urandom(32)
    author = len(robert.rows("device", "list")) + 1
    body = (struct.pack("<IQ", 1, 2) + ed25519.public_key(kit) + digest("test", b"a kit")[:31] + b"\0"
            + struct.pack("<I", 1) + ed25519.public_key(device) + digest("test", b"a device")[:31] + b"\0"
            + ed25519.public_key(admin_key) + bytes(32) + struct.pack("<I", 0))
    is_caught(FalseLink(21, author, body, b"\4" + varint(1), seed=device), "tampered", "of the directory is not valid")
    equal({row["device"]: row["state"] for row in robert.rows("device", "list")},
          {number + 1: "active" for number in range(author - 1)})


@test
def a_directory_that_is_another_than_before():
    class OtherDirectory(Lie):
        def says(self, talk, message):
            if message[0] != HELLO:
                return [message]
            self.told += 1
            nonce, other = bytes.fromhex(talk.path.split("/")[3]), digest("test", b"another directory")
            said = nonce + message[2] + struct.pack("<QQ", message[3], message[4]) + other + UNBOUND
            return [message[:5] + [other, 0, ed25519.sign(identity, labelled("hello") + org + said)]]
    robert.sync()
    is_caught(OtherDirectory(), "fork", "is not the one that this device has seen")


class OtherBoxes(Lie):
    """Each box that is asked for has another key in it than the directory committed to, sealed to the right device."""

    def says(self, talk, message):
        if message[0] != BOXES or not message[1]:
            return [message]
        self.told += 1
        boxes = message[1]
        return [[BOXES, boxes[1:] + boxes[:1] if len(boxes) > 1 else [os.urandom(80)]]]


@test
def a_swapped_key_box():
    """It stops nothing but what needs that key: what is written there waits, unread things are no empty space."""
    admin.run("rotate", "Eastern")
    admin.run("rotate", "Western")
    late = admin.put("account", "name=under the new key", "--territory", "Eastern")
    admin.sync()
    with lying(OtherBoxes()) as attack:
        result = robert.run("sync", "--json", expect=5)
        mine = robert.put("account", "name=waits for the key", "--territory", "Eastern")
        robert.run("sync", expect=5)
    equal((attack.told > 0, result.error()["error"]), (True, "undecryptable"))
    has(result.error()["message"], "not what the directory committed to")
    status = robert.row("status")
    equal((status["alert"], status["pending"]), (result.error()["message"], 1))
    equal({space["name"] for space in status["spaces"] if space["debt"]}, {"Eastern", "Western"})
    equal(robert.error(5, "get", "account", late)["error"], "undecryptable", "it is here, and that is said")
    robert.sync()
    equal(robert.fields("account", late)["name"], "under the new key")
    nancy.sync()
    equal(nancy.fields("account", mine)["name"], "waits for the key")


class WrongBoxes(Lie):
    """Answers the question for boxes with what `change` makes of the answer."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def says(self, talk, message):
        if message[0] != BOXES or not message[1]:
            return [message]
        self.told += 1
        return [[BOXES, self.change(message[1])]]


@test
def boxes_of_the_wrong_length_or_number():
    for change in (lambda boxes: [box[:-1] for box in boxes], lambda boxes: [box + b"\0" for box in boxes],
                   lambda boxes: boxes[:-1], lambda boxes: boxes + boxes[:1]):
        for territory in ("Eastern", "Western"):  # two boxes: none at all is no answer
            admin.run("rotate", territory)
        is_caught(WrongBoxes(change), ("malformed", "protocol"), "")
        equal({space["debt"] for space in robert.row("status")["spaces"]}, {False})


# ---- Handshakes ----

@test
def an_impostor_who_answers_an_invite():
    code = world.invite("Nancy")
    honest = relay.upstream
    other = PlainServer(os.path.join(world.folder, "impostor"), Relay())
    os.mkdir(os.path.join(world.folder, "impostor"))
    other.start()
    phone = Device(world.folder, "phone")
    relay.upstream = other.front.upstream
    result = phone.run("join", code, "--json", expect=5)
    relay.upstream = honest
    equal(result.error()["error"], "wrong_server")
    equal(os.path.exists(os.path.join(phone.home, "keyring")), False, "there is no home yet")
    before = what_is_shown(robert)
    relay.upstream = other.front.upstream
    equal(robert.run("sync", "--json", expect=5).error()["error"], "wrong_server")
    relay.upstream = honest
    has(robert.row("status")["alert"], "not the one that was pinned")
    equal(what_is_shown(robert), before)
    phone.run("join", code)
    robert.sync()
    other.stop()


@test
def a_replayed_hello():
    class Replay(Lie):
        first = None

        def says(self, talk, message):
            if message[0] != HELLO:
                return [message]
            self.first, again = self.first or message, self.first
            self.told += again is not None
            return [again or message]
    attack = Replay()
    with lying(attack):
        robert.sync()
    is_caught(attack, "wrong_server", "not the one that was pinned")


# ---- Two servers: a fork, and a server that went back ----

def in_full(data, device, behind):
    """A device's bundles in a server's store, from one entry of the log on, as entries in full."""
    store, found = database(data), []
    rows = store.execute("select b.bid, b.manifest, b.signature, e.recv_ms, e.dir_at from bundle b join entry e on"
                         " e.bid = b.bid join space s on s.sid = b.sid where b.device = ? and s.id = ? and e.seq > ?"
                         " order by e.seq", (device, eastern, behind)).fetchall()
    for bid, manifest, signature, recv_ms, dir_at in rows:
        changes = [Change(*change) for change in store.execute(
            "select record, header, body from change where cid >> 10 = ? order by cid", (bid,))]
        suite, = struct.unpack_from("<H", manifest, 0)
        epoch, author, first, count = struct.unpack_from("<IIQI", manifest, 50)
        dir_seq, = struct.unpack_from("<Q", manifest, 118)
        w_size, = struct.unpack_from("<Q", manifest, 174)
        found.append(b"\1" + varint(recv_ms) + varint(dir_at) + b"\0" + varint(suite) + varint(epoch) + varint(author)
                     + varint(first) + varint(count) + manifest[70:86] + manifest[86:118] + varint(dir_seq)
                     + manifest[126:158] + manifest[158:174] + varint(w_size) + manifest[182:214] + signature
                     + b"".join(change.wire() for change in changes))
    return found


class Meeting(Lie):
    """Shows one device, behind its own log's last entry, what another one wrote on the other branch."""

    def __init__(self, device, items):
        super().__init__(device)
        self.items = items

    def says(self, talk, message):
        if message[0] != HEAD or not self.is_eastern(talk, message):
            return [message]
        self.told += 1
        size = Head(message[2]).size
        return [[ENTRIES, message[1], size + 1, size + len(self.items), self.items], message]


@test
def a_fork_that_is_shown_to_two_devices():
    nancy.sync()
    robert.sync()
    size = cursor(nancy)
    honest = relay.upstream
    other = PlainServer(world.folder, Relay())
    other.data = os.path.join(world.folder, "branch")
    world.server.stop()
    shutil.copytree(world.server.data, other.data)
    world.server.start()
    other.start()
    nancy.put("account", account, "city=on this branch")
    nancy.sync()
    relay.upstream = other.front.upstream
    for city in ("on the other branch", "and there still"):
        robert.put("account", account, "city=" + city)
        robert.sync()
    relay.upstream = honest
    items = in_full(other.data, ROBERT, size)
    equal(len(items), 2)
    is_caught(Meeting(NANCY, items), "fork", "", device=nancy)
    equal(nancy.fields("account", account)["city"], "on this branch")
    other.stop()
    equal(robert.sync()["in_sync"], True, "to whom the other branch was shown, it is a server that was set back")
    equal(robert.row("status")["alert_error"], "server_set_back")
    for device in (nancy, robert):
        device.sync()
        conflict, = [row for row in device.rows("conflicts") if row["id"] == account]
        equal(sorted(value["value"] for value in conflict["values"]), ["and there still", "on this branch"])


@test
def a_server_that_went_back_behind_what_it_acknowledged():
    world.server.stop()
    old = os.path.join(world.folder, "old")
    shutil.copytree(world.server.data, old)
    world.server.start()
    mine = nancy.put("account", "name=was acknowledged", "--territory", "Eastern")
    nancy.sync()
    world.server.stop()
    shutil.rmtree(world.server.data)
    shutil.copytree(old, world.server.data)
    world.server.start()
    before, alerts = nancy.rows("list", "account"), nancy.row("status")["alerts"]
    equal(nancy.sync()["in_sync"], True)
    equal(nancy.rows("list", "account"), before)
    status = nancy.row("status")
    equal((status["alerts"] > alerts, status["alert_error"]), (True, "server_set_back"), status)
    robert.sync()
    equal(robert.fields("account", mine)["name"], "was acknowledged", "the server has it again")


if __name__ == "__main__":
    run()
