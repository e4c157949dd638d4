#!/usr/bin/env python3
"""A member who attacks with his own keys over a socket of his own: what the server answers, that the honest devices
meanwhile sync and show nothing of it, and that the server's memory stays bounded."""
import os
import resource
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scene import Device, Hostile, equal, run, test  # noqa: E402  (first: it knows the folders)
from daemon import SANITIZED  # noqa: E402
from harness import has, lacks  # noqa: E402
from member import Member, body, header, stored  # noqa: E402
from org import AUTH, BOXES_GET, ERROR, LINKS, SUBSCRIBE  # noqa: E402
from pusher import PUSH, varint  # noqa: E402
from ws import BINARY, frame, pack  # noqa: E402

TOO_LARGE, BUSY, DENIED, REVOKED, MALFORMED, TAMPERED, FORK, BOUNDS, ESCROWED = 5, 9, 12, 13, 17, 20, 22, 24, 40
HANDED_IN, AUTH_INVITE, HAND_IN = 10, 17, 25
ACCOUNT, NOTE, USER = 1, 10, 11
NAME, CITY = 1, 3
GROWTH_KB_MAX = 96 * 1024

world = Hostile(territories=["Eastern", "Western"], record=False)
admin = world.admin
nancy = world.rep("Nancy", "Eastern", "Western")
eve_device = world.rep("Eve", "Eastern")
account = nancy.put("account", "name=Blondel", "city=Bern", "--territory", "Eastern")
for device in (nancy, eve_device, admin):
    device.sync()
spaces = {space["name"]: bytes.fromhex(space["space"].replace("-", "")) for space in admin.row("status")["spaces"]}
east, west, people = spaces["Eastern"], spaces["Western"], spaces["people"]
eve = Member(world, eve_device)
eve.chains[people], = eve.ask("select b.id from bundle b join space s on s.sid = b.sid where s.id = ? and device = ?"
                              " order by first desc", people, eve.number)


def rss_kb():
    with open("/proc/%d/status" % world.server.process.pid, encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def record_of(text):
    return bytes.fromhex(text.replace("-", ""))


def change(head, record=None, name="from Eve", kind=ACCOUNT):
    return record or os.urandom(16), head, stored(body(kind, [(NAME, name)]))


def others_go_on(shown=()):
    """An honest member writes, syncs, and is seen; of the attack nothing is shown but what is `shown`."""
    mine = nancy.put("account", "name=honest", "--territory", "Eastern")
    nancy.sync()
    admin.sync()
    equal(admin.fields("account", mine)["name"], "honest")
    names = {row["name"] for row in admin.rows("list", "account")}
    equal({name for name in names if name and "Eve" in name}, set(shown))
    equal(nancy.fields("account", account)["name"], "Blondel")
    equal(nancy.row("status")["alerts"], 0)


def head_of(space):
    """The log as an honest device has it, for a witness: the attacker's own does not sync any more, as the server has
    work of it that it never made."""
    nancy.sync()
    eve.look(os.path.join(nancy.home, "store.db"))
    return eve.ask("select log_epoch, head_size, (select root from entry e where e.sid = s.sid and e.seq = head_size)"
                   " from space s where id = ?", space, store=os.path.join(nancy.home, "store.db"))


@test
def he_can_write_what_he_may():
    """Else nothing below would prove anything."""
    equal(eve.push(east, [change(header())]), (0, ""))
    others_go_on(shown={"from Eve"})
    eve.world.admin.run("rm", "account", next(row["id"] for row in admin.rows("list", "account")
                                              if row["name"] == "from Eve"))
    admin.sync()
    nancy.sync()


@test
def a_vector_from_the_future():
    for lie in ([(2, (1 << 62) - 1)], [(1, 1), (2, 1 << 40)], [(eve.number, 1 << 50)], [(77, 5)]):
        number, _ = eve.push(east, [change(header(seen=lie), record_of(account))])
        equal(number, BOUNDS, lie)
    number, _ = eve.push(east, [change(header(seen=[(2, 1 << 61)]), record_of(account))], witness=head_of(east))
    equal(number, BOUNDS)
    others_go_on()


@test
def huge_kept_and_holes():
    for part in ("kept", "holes"):
        many = {"seen": [(2, (1 << 62) - 1)], part: [(2, n + 1) for n in range(4097)]}
        number, _ = eve.push(east, [change(header(**many), record_of(account))])
        has((TOO_LARGE, MALFORMED, BOUNDS), number)
        outside = {"seen": [(2, 3)], part: [(2, 9)]}
        has((MALFORMED, BOUNDS), eve.push(east, [change(header(**outside), record_of(account))])[0])
    count = varint((1 << 32) - 1)  # a number of dots that are not there
    number, _ = eve.push(east, [(record_of(account), b"\2" + struct.pack("<Q", 0) + count, stored(body(ACCOUNT, [])))])
    has((TOO_LARGE, MALFORMED, BOUNDS), number)
    others_go_on()


@test
def a_clock_that_is_far_ahead():
    """It wins nothing over what comes later, and drags nobody's clock along."""
    record = os.urandom(16)
    text = "-".join((record.hex()[:8], record.hex()[8:12], record.hex()[12:16], record.hex()[16:20], record.hex()[20:]))
    first = stored(body(ACCOUNT, [(NAME, "2035"), (CITY, "Eve")]))
    equal(eve.push(east, [(record, header(hlc=(1 << 63) - 1), first)])[0], 0)
    nancy.sync()
    nancy.put("account", text, "city=Basel")
    nancy.sync()
    equal(eve.push(east, [(record, header(hlc=(1 << 63) - 1), stored(body(ACCOUNT, [(CITY, "Eve again")])))])[0], 0)
    nancy.sync()
    admin.sync()
    equal(nancy.fields("account", text), admin.fields("account", text), "everybody sees the same")
    values = {value["value"] for row in nancy.rows("conflicts") for value in row["values"] if row["id"] == text}
    equal(values, {"Basel", "Eve again"}, "what came later than the honest edit is beside it, not above")
    at = [step["at"] for step in nancy.rows("history", "account", text)]
    equal(all(when < "2035" for when in at), True, at)
    nancy.put("account", text, "city=Zug")
    nancy.sync()
    admin.sync()
    equal(admin.fields("account", text)["city"], "Zug")


@test
def writing_as_another_device_and_under_its_dot():
    made = eve.bundle(east, [change(header())], device=2, first=1 << 20, chain=False)
    with eve.login(east) as socket:
        socket.send([PUSH, 1, made.wire])
        equal(eve.hear(socket, b"never")[0], DENIED)
    others_go_on()


@test
def two_bundles_under_one_dot():
    first = eve.next
    equal(eve.push(east, [change(header(), name="once")])[0], 0)
    has((FORK, 10), eve.push(east, [change(header(), name="from Eve, twice")], first=first)[0])
    others_go_on()


@test
def writing_into_a_space_that_is_not_his():
    with eve.login(west) as socket:
        equal(eve.hear(socket, b"never")[0], DENIED)
    equal(eve.push(east, [change(header())], signed_space=west)[0], TAMPERED)
    user = record_of(next(row["id"] for row in admin.rows("list", "user") if row["name"] == "Nancy"))
    equal(eve.push(people, [(user, header(), stored(body(USER, [(2, "Eve")])))], witness=head_of(people))[0], DENIED)
    others_go_on()
    has({row["name"] for row in admin.rows("user", "list")}, "Nancy")


@test
def a_replayed_handshake():
    with eve.connect() as socket:
        said = eve.auth(socket)
        socket.send(said)
        socket.send([BOXES_GET, []])
        equal(socket.recv()[0] != ERROR, True)
    with eve.connect() as socket:
        socket.send(said)
        equal(eve.hear(socket, b"never")[0], DENIED)


@test
def guessing_invites():
    """Some guesses are told the same, then all are told to wait, and so is whoever comes with a code from there. Not so
    members: they sync on, and the true code works when its time has come."""
    code = world.invite("Nancy")
    answers = []
    for _ in range(40):
        with eve.connect() as socket:
            socket.send([AUTH_INVITE, os.urandom(32), 0, 0, os.urandom(63) + b"\0"])
            answers.append(eve.hear(socket, b"never"))
    equal(set(answers), {(DENIED, "there is no such invite"), (BUSY, answers[-1][1])})
    equal(8 <= [number for number, _ in answers].count(DENIED) <= 14, True, answers)  # 10, and what the time has freed
    for _ in range(2):  # as a device he is heard on, and takes what the time has freed: for six seconds now
        with eve.connect() as socket:
            socket.send([AUTH, eve.number, 0, 0, bytes(64)])
            equal(eve.hear(socket, b"never")[0], DENIED)
    phone = Device(world.folder, "phone")
    equal(phone.run("join", code, "--json", expect=3).error()["error"], "busy")
    others_go_on()
    until = time.monotonic() + 30
    while phone.run("join", code, expect=None).code:
        equal(time.monotonic() < until, True, "the true code never works")
        time.sleep(0.5)
    stolen = Device(world.folder, "stolen")
    equal(stolen.run("join", code, "--json", expect=4).error()["error"], "invite_used")
    equal(os.path.exists(os.path.join(stolen.home, "keyring")), False)
    others_go_on()


@test
def a_decompression_bomb():
    """Five bytes of a compressed block that say 128 KiB: it is put beside the readable, and shown as nothing."""
    zeros = 128 * 1024 - 1
    literals = struct.pack("<I", 1 | 3 << 2 | zeros << 4)[:3] + b"\0"  # one byte, repeated
    for squeezed in (b"\1" + literals + b"\0", b"\1" + os.urandom(60), b"\7" + os.urandom(60),
                     b"\0" + b"\x9f" + b"\xdd\xff\xff\xff\xff" * 8):
        squeezed += b"\x80" + bytes(-(len(squeezed) + 1) % 32)
        equal(eve.push(east, [(os.urandom(16), header(), squeezed)])[0], 0, "the server is blind")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    others_go_on()
    for device in (nancy, admin):
        equal("" in {row["name"] for row in device.rows("list", "account")}, False)
        has({row["state"] for row in device.rows("doctor")}, "note")
    if not SANITIZED:
        equal(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < GROWTH_KB_MAX, True)


@test
def names_full_of_control_characters():
    record, name = os.urandom(16), "Eve\x1b]0;owned\x07\x1b[2J\r\nevil\u009b2J"
    equal(eve.push(east, [(record, header(), stored(body(ACCOUNT, [(NAME, name)])))])[0], 0)
    nancy.sync()
    shown = nancy.run("list", "account").out
    for character in "\x1b\x07\r\u009b":
        lacks(shown, character)
    eve_record = record_of(next(row["id"] for row in admin.rows("list", "device") if row["number"] == eve.number))
    # In place of its first name, so that it is the only one.
    own, = eve.ask("select max(counter) from change where record = ? and device = ?", eve_record, eve.number)
    answer = eve.push(people, [(eve_record, header(seen=[(eve.number, own)]), stored(body(12, [(2, name)])))],
                      witness=head_of(people))
    equal(answer[0], 0, answer)
    admin.sync()
    listed = admin.run("device", "list").out
    for character in "\x1b\x07\r\u009b":
        lacks(listed, character)
    bad = b"\x94\x01\x01\x91\x92\x01\xa4\xff\xfe\x00\x80\xc0"  # a text that is none
    equal(eve.push(east, [(os.urandom(16), header(), stored(bad))])[0], 0)
    others_go_on(shown={name})


@test
def flooding():
    """From many connections at once, of which none reads: whoever is honest is served, and the memory is bounded."""
    before, sockets, sent = rss_kb(), [], [0]
    question = frame(BINARY, pack([BOXES_GET, [east + struct.pack("<IBQ", 1, 1, eve.number)] * 200]))
    again = frame(BINARY, pack([SUBSCRIBE, [varint(1) + east + bytes(4) + varint(0) + bytes(8)]]))

    def flood(socket, until):
        try:
            while time.monotonic() < until:
                socket.sock.sendall(question + again)
                sent[0] += 1
        except OSError:
            pass
    for _ in range(16):  # as many as a device may have
        sockets.append(eve.login(east))
    until = time.monotonic() + 6
    threads = [threading.Thread(target=flood, args=(socket, until), daemon=True) for socket in sockets]
    for socket, thread in zip(sockets, threads):
        socket.sock.settimeout(1)
        thread.start()
    peak = 0
    while time.monotonic() < until:
        others_go_on(shown={name for name in {row["name"] for row in admin.rows("list", "account")}
                            if name and "Eve" in name})
        peak = max(peak, rss_kb())
    for thread in threads:
        thread.join()
    for socket in sockets:
        socket.close()
    equal(sent[0] > 100, True, "that was no flood: %d" % sent[0])
    if not SANITIZED:
        equal(peak - before < GROWTH_KB_MAX, True, "grew from %d to %d kB" % (before, peak))


@test
def back_dated_work_after_a_revocation():
    """The last: it puts him out. He pretends to have written before, and not to know. A server that has begun anew does
    not make him wait for what he flooded it with."""
    world.server.stop()
    world.server.start()
    old = eve.dir_seq, eve.dir_hash
    made = eve.bundle(east, [change(header(hlc=1000 << 16), name="Eve, back-dated")], dir_seq=old[0], dir_hash=old[1],
                      witness=head_of(east))
    admin.run("device", "revoke", str(eve.number))
    said = None
    for _ in range(20):  # a push that comes when the server has closed resets the connection, and its last word with it
        try:
            with eve.login(east) as socket:
                socket.send([PUSH, 1, made.wire])
                said = eve.hear(socket, b"never")[0]
        except OSError:
            pass
        if said is not None:
            break
    equal(said, REVOKED)
    with eve.login() as socket:
        socket.send([HAND_IN, east, made.wire])
        answer = socket.recv()
        while answer[0] == LINKS:
            answer = socket.recv()
        equal((answer[0], answer[3]), (HANDED_IN, ESCROWED))
    nancy.sync()
    admin.sync()
    equal("Eve, back-dated" in {row["name"] for row in admin.rows("list", "account") + nancy.rows("list", "account")},
          False)
    equal(len(admin.rows("escrow", "list")) >= 1, True)
    equal(nancy.row("status")["alerts"], 0)


if __name__ == "__main__":
    run()
