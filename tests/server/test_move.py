#!/usr/bin/env python3
"""A server that moves: to another port, another certificate, another identity key, another directory, with devices
working, away, or not even joined meanwhile. Nobody joins again, nothing is lost, and nobody else is taken for it."""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "cli"))

from harness import SATCHELD, Device, Server, World, clean_environment, equal, has, run, scratch, test  # noqa: E402

def free_ports(n):
    """Ports that nobody has now; the server is to keep the same ones over its stops and starts."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def satcheld(*args, expect=0):
    done = subprocess.run([SATCHELD, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(),
                          timeout=30)
    out, err = done.stdout.decode(), done.stderr.decode()
    equal(done.returncode, expect, (args, out, err))
    return out if expect == 0 else err


def identities(data):
    """[(pin, state, orgs)], the current one first."""
    rows = [json.loads(line) for line in satcheld("identity", "--data", data, "--json").splitlines()]
    return [(row["pin"], row["state"], row["orgs"]) for row in rows]


def new_identity(data):
    return satcheld("identity", "new", "--data", data).strip()


def drop(data, pin, expect=0):
    return satcheld("identity", "drop", pin, "--data", data, expect=expect)


def key_file(data, pin):
    return os.path.join(data, "identity-%s.key" % pin)


class MovingServer(Server):
    """Serves at several addresses; what it logged since its last start can be asked for."""

    def __init__(self, folder, data=None):
        super().__init__(folder)
        self.data = data or self.data

    def start_at(self, *ports):
        self.listen = ",".join("127.0.0.1:%d" % port for port in ports)
        self.logged = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.start()

    def events(self, name):
        with open(self.log, encoding="utf-8") as file:
            file.seek(self.logged)
            return [event for event in map(json.loads, file) if event["event"] == name]

    def get(self, path, port):
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def certificate(self, port):
        return ssl.get_server_certificate(("127.0.0.1", port))

    def by_former(self, port):
        """How often devices came that know a former identity."""
        name = "satcheld_authenticated_by_former_identity_total "
        return int([line for line in self.get("/metrics", port).splitlines() if line.startswith(name)][0].split()[1])


def url(port):
    return "wss://127.0.0.1:%d" % port


OLD, NEW = free_ports(2)
folder = scratch()
server = MovingServer(folder)
server.start_at(OLD)
was = server.pin


class MovingWorld(World):
    def __init__(self):  # on the server that is there
        self.folder, self.server = folder, server
        self.kit = os.path.join(folder, "kit.txt")
        self.admin = Device(folder, "Andrew")
        self.created = self.admin.row(*self.creation(kit=self.kit, name="Northwind"))
        self.admin.run("territory", "add", "Eastern")


world = MovingWorld()
admin = world.admin
connected, here, away, asleep = (world.rep(name, "Eastern") for name in ("Anne", "Nancy", "Steven", "Margaret"))
for name in ("Janet", "Laura", "Robert"):
    admin.run("user", "add", name, "--role", "rep")
    admin.run("territory", "grant", "Eastern", name)
code_before, code_too_late = world.invite("Janet"), world.invite("Laura")
for device in (admin, connected, here, away, asleep):
    device.sync()
invited = Device(folder, "Janet")
written = []
live = None  # the sync of the device that is connected all the time; it has its home, so it is asked before
connected_number = connected.row("status")["device"]


def write(device, text):
    written.append(text)
    device.put("note", "text=" + text)


def sees_all(device):
    device.sync()
    equal(sorted(row["text"] for row in device.rows("list", "note")), sorted(written), device.name)


def knows(device, port, pin):
    shown = device.row("server", "show")
    equal((shown["server"], shown["pin"]), (url(port), pin), device.name)


def org_id():
    """Of the only organisation that is there in the beginning."""
    return [name for name in os.listdir(os.path.join(server.data, "orgs")) if name.endswith(".db")][0][:-3]


# ---- Before: the overlap begins ----

@test
def a_copy_of_the_state_before_is_what_a_thief_has():
    for device in (here, away, asleep):
        write(device, "before, by " + device.name)
        device.sync()
    write(away, "written away")
    write(asleep, "written asleep")
    server.stop()
    shutil.copytree(server.data, os.path.join(folder, "stolen"))
    server.start_at(OLD)


@test
def a_new_identity_is_made_beside_the_running_server_and_taken_up_at_its_next_start():
    global now
    now = new_identity(server.data)
    equal(identities(server.data), [(now, "current", 0), (was, "former", 1)])
    has(admin.error(2, "server", "set", "--pin", now)["message"], "does not have that identity")
    old_certificate = server.certificate(OLD)
    server.stop()
    for name in ("tls-cert.pem", "tls-key.pem"):
        os.remove(os.path.join(server.data, name))
    server.start_at(OLD, NEW)
    equal((server.pin, server.url), (now, url(OLD)))
    equal([(event["also"], event["former_identities"]) for event in server.events("ready")], [(url(NEW), 1)])
    for port in (OLD, NEW):
        has(server.get("/readyz", port), '"ok"')
        equal(server.certificate(port) != old_certificate, True)


@test
def until_it_is_announced_everybody_is_greeted_by_the_identity_that_they_know():
    here.sync()
    knows(here, OLD, was)
    equal({event["identity"] for event in server.events("peer_authenticated")}, {was[:16]})
    equal(server.by_former(NEW) >= 1, True)
    has(drop(server.data, was, expect=2), "1 of the organisations here trust this identity still, %s" % org_id()[:16])
    equal(identities(server.data), [(now, "current", 0), (was, "former", 1)])


@test
def who_founds_meanwhile_pins_the_new_identity_or_the_old_one_that_they_were_given():
    global late
    for name, pin in (("early", now), ("late", was)):
        founder = Device(folder, name)
        founder.run(*world.creation(server=url(NEW), pin=pin, kit=os.path.join(folder, "kit-" + name)))
        founder.sync()
        late = founder
    equal(identities(server.data), [(now, "current", 1), (was, "former", 2)])


# ---- The overlap ----

@test
def a_device_that_is_connected_hears_of_the_move_and_follows():
    global live
    live = connected.start("sync", "--live", "--json")
    while b"in sync" not in live.stderr.readline():
        equal(live.poll(), None)
    shown = admin.row("server", "set", "--url", url(NEW), "--pin", now)
    equal((shown["server"], shown["pin"]), (url(NEW), now))
    write(admin, "by the new identity")
    admin.sync()
    here.sync()  # by the old address still
    knows(here, NEW, now)
    before = server.by_former(NEW)
    write(here, "by who knows both")
    here.sync()
    equal(server.by_former(NEW), before)
    equal(server.events("peer_authenticated")[-1]["identity"], now[:16])


@test
def a_device_that_was_away_comes_by_the_old_address_and_identity_and_loses_nothing():
    before = server.by_former(NEW)
    knows(away, OLD, was)
    equal(away.sync()["sent"], 1)
    knows(away, NEW, now)
    equal(server.by_former(NEW), before + 1)
    away.sync()
    equal(server.by_former(NEW), before + 1)
    admin.sync()
    has([row["text"] for row in admin.rows("list", "note")], "written away")


@test
def a_code_from_before_works_and_its_device_knows_the_new_ones():
    equal(invited.row("join", code_before)["in_sync"], True)
    write(invited, "by who joined meanwhile")
    invited.sync()
    knows(invited, NEW, now)


@test
def an_identity_goes_when_no_org_trusts_it_any_more():
    equal(identities(server.data), [(now, "current", 2), (was, "former", 1)])
    has(drop(server.data, was, expect=2), "trust this identity still")
    late.run("server", "set", "--pin", now)
    has(drop(server.data, now, expect=2), "current")
    has(drop(server.data, "0" * 64, expect=2), "does not have that identity")
    has(drop(server.data, was[:10], expect=2), "64")
    shutil.copy(key_file(server.data, was), os.path.join(folder, "kept.key"))
    drop(server.data, was)
    equal(identities(server.data), [(now, "current", 3)])
    equal(os.path.exists(key_file(server.data, was)), False)


# ---- After: another machine, one address, one identity ----

@test
def on_another_machine_at_the_new_address_everybody_goes_on():
    server.stop()
    server.data = shutil.copytree(server.data, os.path.join(folder, "machine-2"))
    server.start_at(NEW)
    for device in (admin, here, away, invited, late):
        device.sync()
        equal(server.events("peer_authenticated")[-1]["identity"], now[:16])
    write(admin, "at the new place")
    admin.sync()
    until = time.monotonic() + 30
    while not [event for event in server.events("peer_authenticated") if event["device"] == connected_number]:
        equal(live.poll(), None, "the live sync ended")
        equal(time.monotonic() < until, True, "the connected device did not come back")
        time.sleep(0.1)
    live.send_signal(signal.SIGTERM)
    live.communicate(timeout=30)
    knows(connected, NEW, now)
    new = Device(folder, "Robert")
    equal(new.row("join", world.invite("Robert"))["in_sync"], True)
    knows(new, NEW, now)


@test
def who_slept_through_it_is_told_and_keeps_the_work():
    equal(asleep.run("sync", "--json", expect=3).error()["error"], "unreachable")
    server.stop()
    server.start_at(NEW, OLD)  # the old address leads here again, the old identity does not
    error = asleep.run("sync", "--json", expect=5).error()
    equal(error["error"], "wrong_server")
    has(error["message"], "identity")
    equal(asleep.row("status")["pending"], 1)
    knows(asleep, OLD, was)
    too_late = Device(folder, "Laura")
    equal(too_late.error(5, "join", code_too_late)["error"], "wrong_server")


@test
def with_the_old_key_brought_back_for_a_while_the_sleeper_follows():
    server.stop()
    shutil.copy(os.path.join(folder, "kept.key"), os.path.join(server.data, "identity-for-a-week.key"))
    server.start_at(NEW, OLD)
    equal(asleep.sync()["sent"], 1)
    knows(asleep, NEW, now)
    drop(server.data, was)
    equal(identities(server.data), [(now, "current", 3)])
    server.stop()
    server.start_at(NEW)
    asleep.sync()


@test
def nothing_was_lost_by_anybody():
    for device in (admin, here, away, asleep, invited):
        sees_all(device)


# ---- Somebody else at the address ----

def refused_by_everybody(impostor):
    for device in (admin, here, away, asleep, invited):
        pending = device.row("status")["pending"]
        device.put("note", "text=never for them")
        error = device.run("sync", "--json", expect=5).error()
        equal(error["error"], "wrong_server", device.name)
        equal(device.row("status")["pending"], pending + 1)
    equal(impostor.events("peer_authenticated"), [])


@test
def a_server_of_an_unannounced_identity_is_refused():
    server.stop()
    impostor = MovingServer(folder, data=os.path.join(folder, "impostor"))
    impostor.start_at(NEW)
    equal(impostor.pin in (was, now), False)
    refused_by_everybody(impostor)
    impostor.stop()


@test
def so_is_one_with_all_that_was_stored_but_not_the_key():
    data = shutil.copytree(server.data, os.path.join(folder, "without"))
    for name in os.listdir(data):
        if name.endswith(".key"):
            os.remove(os.path.join(data, name))
    shutil.copy(os.path.join(folder, "impostor", "identity.key"), data)
    impostor = MovingServer(folder, data=data)
    impostor.start_at(NEW)
    refused_by_everybody(impostor)
    failed = impostor.events("org_open_failed")
    equal({event["error"] for event in failed}, {"config"})
    has(failed[0]["message"], "identity-%s.key" % now)
    equal(identities(data), [(impostor.pin, "current", 0), (now, "missing", 3)])
    impostor.stop()


@test
def and_so_is_a_thief_with_the_old_key_by_all_who_know_the_new_one():
    thief = MovingServer(folder, data=os.path.join(folder, "stolen"))
    thief.start_at(NEW)
    equal(thief.pin, was)
    refused_by_everybody(thief)
    thief.stop()


@test
def the_right_one_is_believed_again():
    server.start_at(NEW)
    for device in (admin, here, away, asleep, invited):
        written.extend(["never for them"] * device.row("status")["pending"])
        device.sync()
    for device in (admin, asleep):
        sees_all(device)


# ---- The files and commands ----

def data_with_identity(name):
    data = os.path.join(folder, name)
    return data, new_identity(data)


@test
def the_first_identity_can_be_made_before_the_first_start():
    data, pin = data_with_identity("fresh")
    other = MovingServer(folder, data=data)
    other.start_at(0)
    equal(other.pin, pin)
    other.stop()
    empty = os.path.join(folder, "empty")
    has(satcheld("identity", "--data", empty, expect=2), "no identity yet")
    has(satcheld("identity", "renew", "--data", empty, expect=1), "identity drop PIN")
    satcheld("identity", "drop", "--data", empty, expect=1)
    satcheld("identity", "new", "x", "--data", empty, expect=1)
    equal([name for name in os.listdir(empty) if name.endswith(".key")], [])


@test
def files_are_for_their_owner_alone_and_any_name_will_do():
    data, first = data_with_identity("names")
    second = new_identity(data)
    for name in ("identity.key", os.path.basename(key_file(data, first))):
        equal(os.stat(os.path.join(data, name)).st_mode & 0o777, 0o600, name)
    os.rename(key_file(data, first), os.path.join(data, "identity-of-last-year.key"))
    shutil.copy(os.path.join(data, "identity-of-last-year.key"), os.path.join(data, "identity-again.key"))
    equal(identities(data), [(second, "current", 0), (first, "former", 0)])
    drop(data, first)
    equal(identities(data), [(second, "current", 0)])
    equal([name for name in os.listdir(data) if name.startswith("identity")], ["identity.key"])


@test
def what_a_crash_leaves_of_a_change_is_as_it_was_before():
    data, first = data_with_identity("crash")
    shutil.copy(os.path.join(data, "identity.key"), key_file(data, first))  # the copy was made, the new one not yet
    equal(identities(data), [(first, "current", 0)])
    second = new_identity(data)
    equal(identities(data), [(second, "current", 0), (first, "former", 0)])


@test
def those_made_at_the_same_time_are_all_kept():
    data, first = data_with_identity("together")
    makers = [subprocess.Popen([SATCHELD, "identity", "new", "--data", data, "--json"], stdout=subprocess.PIPE)
              for _ in range(6)]
    made = {json.loads(maker.communicate(timeout=30)[0])["pin"] for maker in makers}
    equal(len(made), 6)
    equal({pin for pin, _, _ in identities(data)}, made | {first})
    for _ in range(9):
        new_identity(data)
    has(satcheld("identity", "new", "--data", data, expect=2), "drop one first")


@test
def a_damaged_or_open_file_stops_the_start_and_is_named():
    data, first = data_with_identity("damaged")
    new_identity(data)
    with open(key_file(data, first), "rb") as file:
        good = file.read()
    start = ("--data", data, "--listen", "127.0.0.1:0")
    for bad in (b"", good[:-1], good + b"x", good[:40] + (b"0" if good[40:41] != b"0" else b"1") + good[41:]):
        with open(key_file(data, first), "wb") as file:
            file.write(bad)
        for command in (start, ("identity", "--data", data), ("identity", "new", "--data", data)):
            has(satcheld(*command, expect=5), "identity-%s.key is damaged" % first)
    with open(key_file(data, first), "wb") as file:
        file.write(good)
    os.chmod(key_file(data, first), 0o640)
    equal(len(identities(data)), 2)  # nobody else gets into the directory
    os.chmod(data, 0o755)
    for command in (start, ("identity", "--data", data)):
        has(satcheld(*command, expect=7), "identity-%s.key is open to others (mode 0640)" % first)
    os.chmod(key_file(data, first), 0o600)
    equal(len(identities(data)), 2)
    os.remove(key_file(data, first))
    os.mkdir(key_file(data, first))
    has(satcheld(*start, expect=7), "is not a file")


@test
def what_another_user_owns_is_an_error_that_says_so():
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return
    data, first = data_with_identity("foreign")
    for path in (folder, os.path.dirname(folder)):  # the runner's own temporary directory is above
        if not os.stat(path).st_mode & 0o001:
            os.chmod(path, 0o711)
    shutil.copy(SATCHELD, os.path.join(folder, "satcheld"))
    os.chmod(os.path.join(folder, "satcheld"), 0o755)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", os.path.join(folder, "satcheld")]

    def as_service(*args):
        done = subprocess.run([*as_nobody, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    for name in os.listdir(data):
        os.chown(os.path.join(data, name), 65534, 65534)
    os.chown(data, 65534, 65534)
    second = new_identity(data)  # by root; what the service needs is the service's
    code, said = as_service("identity", "--data", data, "--json")
    equal(code, 0, said)
    has(said, second)
    os.chown(key_file(data, first), 0, 0)
    code, said = as_service("--data", data, "--listen", "127.0.0.1:0")
    equal(code, 7, said)
    has(said, "identity-%s.key: Permission denied" % first)


@test
def several_addresses_are_all_served_or_none_is():
    data, _ = data_with_identity("addresses")
    ports = free_ports(3)
    other = MovingServer(folder, data=data)
    other.start_at(*ports)
    for port in ports:
        has(other.get("/healthz", port), '"ok"')
    taken = satcheld("--data", os.path.join(folder, "third"), "--listen", "127.0.0.1:0, 127.0.0.1:%d" % ports[2],
                     expect=7)
    has(taken, "the port is in use")
    other.stop()
    for wrong in ("127.0.0.1:0,", ",127.0.0.1:0", "127.0.0.1:0,,127.0.0.1:0", "127.0.0.1:0 127.0.0.1:0",
                  ",".join(["127.0.0.1:0"] * 9), "x" * 400 + ":1"):
        has(satcheld("--data", data, "--listen", wrong, expect=1), "HOST:PORT")
    has(satcheld("--data", data, "--insecure-loopback", "--listen", "127.0.0.1:0,0.0.0.0:0", expect=1), "loopback")


if __name__ == "__main__":
    run()
