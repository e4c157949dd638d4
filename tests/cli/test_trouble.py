#!/usr/bin/env python3
"""Trouble: passphrases, places that cannot be written, a newer store, two processes, codes, pins, servers;
each with its exit code."""
import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

from harness import Device, World, clean_environment, equal, has, lacks, run, satchel, test

world = World(territories=["Eastern"])
admin = world.admin
admin.run("user", "add", "Nancy", "--role", "rep")
admin.run("territory", "grant", "Eastern", "Nancy")
rep = Device(world.folder, "Nancy")
rep.run("join", world.invite("Nancy"))
UNWRITABLE = "/sys/satchel-home"  # not even root makes a directory there


def path(name):
    return os.path.join(world.folder, name)


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)
    return path(name)


def open_live(device):
    """A process that keeps the home until it is told to stop; it has it when this returns."""
    process = device.start("sync", "--live", "--json")
    while b"in sync" not in process.stderr.readline():
        equal(process.poll(), None, "the live sync ended")
    return process


def stop_live(process, number):
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out.decode(), err.decode()


# ---- Passphrases ----

@test
def without_a_passphrase_the_home_is_locked():
    for args in (("status",), ("put", "account", "name=x"), ("sync",), ("list", "account")):
        result = satchel(*args, "--home", rep.home, "--json", expect=6)
        equal((result.out, result.error()["error"]), ("", "locked"), args)
    missing, empty = path("no-such-file"), write("empty", b"\nsecond line\n")
    for file in (missing, empty):
        error = satchel("status", "--home", rep.home, "--json", "--passphrase-file", file, expect=6).error()
        equal(error["error"], "locked")
        has(error["message"], file)


@test
def a_wrong_passphrase_is_told_apart():
    for wrong in (b"wrong\n", b"correct horse Nancy \n", b"correct horse nancy"):
        file = write("wrong", wrong)
        error = satchel("status", "--home", rep.home, "--json", "--passphrase-file", file, expect=6).error()
        equal(error["error"], "wrong_passphrase")
        lacks(error["message"], "horse")


@test
def the_first_line_of_the_file_is_the_passphrase():
    for end in (b"", b"\n", b"\r\n", b"\n\nmore"):
        satchel("status", "--home", rep.home, "--passphrase-file", write("right", b"correct horse Nancy" + end))
    env = clean_environment(SATCHEL_HOME=rep.home, SATCHEL_PASSPHRASE_FILE=write("right", b"correct horse Nancy\n"))
    equal(satchel("status", "--json", env=env).rows()[0]["user"], "Nancy")
    error = satchel("status", "--passphrase-file", write("wrong", b"x"), "--json", env=env, expect=6).error()
    equal(error["error"], "wrong_passphrase", "the option goes before the environment")


# ---- Places ----

@test
def a_place_that_cannot_be_written_is_local_trouble():
    device = Device(world.folder, "nowhere")
    device.home = UNWRITABLE
    error = device.error(7, "join", world.invite("Nancy"))
    equal(error["error"] in ("read_only", "io"), True, error)
    has(error["message"], UNWRITABLE)


@test
def a_kit_that_cannot_be_written_makes_no_organisation():
    new = Device(world.folder, "new")
    token = world.server.token()

    def create(kit, code):
        return new.error(code, *world.creation(kit=kit, token=token))

    there = write("kit-that-is-there", b"precious")
    equal(create(there, 2)["error"], "exists")
    with open(there, "rb") as file:
        equal(file.read(), b"precious")
    equal(create(UNWRITABLE, 7)["error"] in ("read_only", "io"), True)
    equal(create(path("no/such/folder/kit"), 7)["error"], "io")
    equal(os.path.exists(new.home), False)
    new.run(*world.creation(kit=path("kit-2"), token="-"), stdin=token + "\n")
    equal(new.row("status")["user"], "Andrew", "the token was used up by a failure")


@test
def a_home_is_not_made_over_another():
    error = rep.error(2, "join", world.invite("Nancy"))
    equal(error["error"], "exists")
    full = Device(world.folder, "full")
    os.mkdir(full.home)
    with open(os.path.join(full.home, "letter"), "w", encoding="utf-8") as file:
        file.write("dear diary")
    equal(full.error(2, "join", world.invite("Nancy"))["error"], "exists")
    equal(os.listdir(full.home), ["letter"])


@test
def who_waited_for_a_place_in_vain_takes_nothing_of_it_away():
    for released in (False, True):
        place = path("place-%s" % released)
        os.mkdir(place)
        with open(os.path.join(place, "lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process has begun to make its home here
            new = Device(world.folder, "waiting-%s" % released)
            new.home = place
            process = new.start(*world.creation(kit=path("kit-%s" % released)), "--json")
            time.sleep(2)
            for name in ("keyring", "store.db"):
                with open(os.path.join(place, name), "w", encoding="ascii") as file:
                    file.write("precious")
            if released:
                fcntl.flock(lock, fcntl.LOCK_UN)
            _, err = process.communicate(timeout=60)
        equal((process.returncode, json.loads(err)["error"]), (2, "exists") if released else (7, "in_use"))
        for name in ("keyring", "store.db"):
            with open(os.path.join(place, name), encoding="ascii") as file:
                equal(file.read(), "precious")


@test
def a_store_from_a_newer_version_is_left_alone():
    copy = Device(world.folder, "Nancy")
    copy.home = path("newer")
    shutil.copytree(rep.home, copy.home)
    store = os.path.join(copy.home, "store.db")
    with sqlite3.connect(store) as database:
        database.execute("pragma user_version = 9999")
    database.close()
    error = copy.error(7, "status")
    equal(error["error"], "newer_store")
    equal(copy.error(7, "put", "account", "name=x")["error"], "newer_store")


@test
def a_damaged_home_is_told_as_damaged():
    copy = Device(world.folder, "Nancy")
    copy.home = path("damaged")
    shutil.copytree(rep.home, copy.home)
    with open(os.path.join(copy.home, "keyring"), "r+b") as file:
        file.truncate(20)
    equal(copy.error(5, "status")["error"], "corrupt")
    shutil.copy(os.path.join(rep.home, "keyring"), os.path.join(copy.home, "keyring"))
    with open(os.path.join(copy.home, "store.db"), "wb") as file:
        file.write(b"this is no database at all, but something else " * 100)
    for name in ("store.db-wal", "store.db-shm"):
        if os.path.exists(os.path.join(copy.home, name)):
            os.remove(os.path.join(copy.home, name))
    equal(copy.error(5, "status")["error"], "corrupt")


# ---- Two processes (R31) ----

@test
def one_process_has_the_home_and_the_other_is_told_which_r31():
    live = open_live(rep)
    error = rep.error(7, "put", "account", "name=second")
    equal(error["error"], "in_use")
    has(error["message"], str(live.pid))
    equal(stop_live(live, signal.SIGINT)[0], 0)
    rep.put("account", "name=second")


@test
def a_second_process_waits_for_a_short_one_r31():
    before = len(rep.rows("list", "account"))
    several = [rep.start("put", "account", "name=at once %d" % i) for i in range(4)]
    for process in several:
        err = process.communicate(timeout=60)[1]
        equal((process.returncode, err), (0, b""))
    equal(len(rep.rows("list", "account")), before + 4)


# ---- A live sync ----

@test
def a_live_sync_tells_what_arrives_and_ends_cleanly():
    rep.sync()
    live = open_live(rep)
    account = admin.put("account", "name=pushed", "--territory", "Eastern")
    admin.sync()
    line = live.stderr.readline().decode()
    while account not in line and line:
        line = live.stderr.readline().decode()
    told = json.loads(line)
    equal((told["event"], told["type"], told["id"]), ("record", "account", account), told)
    code, out, _ = stop_live(live, signal.SIGINT)
    equal(code, 0)
    equal(out.count("\n"), 1, out)
    has(out, '"received":1')
    equal(rep.fields("account", account)["name"], "pushed")


@test
def a_live_sync_leaves_when_its_time_is_over():
    began = time.monotonic()
    result = rep.row("sync", "--live", "--timeout", "1.5")
    equal(result["in_sync"], True, result)
    equal(1.4 < time.monotonic() - began < 10, True)
    live = open_live(rep)
    equal(stop_live(live, signal.SIGTERM)[0], 0)


# ---- Codes, pins, servers ----

@test
def a_damaged_code_is_invalid():
    code = world.invite("Nancy")
    fresh = Device(world.folder, "fresh")
    middle = len(code) // 2
    other = "b" if code[middle] != "b" else "c"
    for damaged in (code[:-1], code[:middle] + other + code[middle + 1:], code[1:], "hello", code + code, code + "\x01",
                    "\u884c"):
        error = fresh.error(2, "join", damaged)
        equal(error["error"], "invalid", damaged)
        lacks(error["message"], code[10:30])
        equal(os.path.exists(fresh.home), False, damaged)
    equal(fresh.error(2, "join", "-", stdin="\n")["error"], "invalid")
    equal(fresh.row("join", code)["in_sync"], True)


@test
def a_code_that_has_expired_is_refused():
    code = admin.row("invite", "Nancy", "--expires", "1s")["code"]
    time.sleep(2)
    late = Device(world.folder, "late")
    equal(late.error(4, "join", code)["error"], "invite_expired")
    equal(os.path.exists(late.home), False)


@test
def a_token_works_once():
    used, new = world.server.token(), Device(world.folder, "used")
    Device(world.folder, "first").run(*world.creation(kit=path("kit-first"), token=used))
    for token in (used, "nonsense", used[:-1]):
        error = new.error(4, *world.creation(kit=path("kit-used"), token=token))
        equal(error["error"], "token_used")
        equal((os.path.exists(new.home), os.path.exists(path("kit-used"))), (False, False))


@test
def a_server_with_another_identity_is_refused():
    new = Device(world.folder, "pinned")
    pin = ("0" if world.server.pin[0] != "0" else "1") + world.server.pin[1:]

    def create(code, **given):
        return new.error(code, *world.creation(kit=path("kit-pinned"), **given))["error"]

    equal(create(5, pin=pin), "wrong_server")
    equal(create(2, pin="12"), "invalid")
    equal(create(2, server="http://" + world.server.listen), "invalid")
    equal(create(2, server="ws://example.org"), "invalid")
    equal(create(3, server="wss://127.0.0.1:1"), "unreachable")
    equal((os.path.exists(new.home), os.path.exists(path("kit-pinned"))), (False, False))


@test
def a_server_that_does_not_answer_in_time_is_told_with_the_numbers():
    rep.put("account", "name=slow")
    os.kill(world.server.process.pid, signal.SIGSTOP)
    try:
        result = rep.run("sync", "--timeout", "1.5", "--json", expect=3)
    finally:
        os.kill(world.server.process.pid, signal.SIGCONT)
    equal(result.error()["error"], "timed_out")
    equal(len(result.rows()), 1, result)
    equal(set(result.rows()[0]), {"sent", "received", "refused", "conflicts", "in_sync", "recovering"}, result)
    equal(result.rows()[0]["in_sync"], False, result)
    rep.sync()


@test
def a_reader_of_a_territory_cannot_write_it():
    admin.run("user", "add", "Steven", "--role", "rep")
    admin.run("territory", "grant", "Eastern", "Steven", "--read")
    reader = Device(world.folder, "Steven")
    reader.run("join", world.invite("Steven"))
    accounts = reader.rows("list", "account")
    equal(len(accounts) > 0, True)
    equal(reader.error(4, "put", "account", accounts[0]["id"], "name=x")["error"], "denied")
    equal(reader.error(4, "put", "account", "name=x")["error"], "denied")


@test
def a_killed_put_is_whole_or_not_there():
    lines = "".join('{"type":"note","fields":{"text":"n%d"}}\n' % i for i in range(3000)).encode()
    for delay_s in (0.05, 0.1, 0.2, 0.3):
        before = len(rep.rows("list", "note"))
        with rep.start("put", "--stdin", stdin=subprocess.PIPE) as process:
            try:
                process.stdin.write(lines)
                process.stdin.close()
            except BrokenPipeError:
                pass
            time.sleep(delay_s)
            process.kill()
            printed = process.stdout.read().count(b"\n")
        after = len(rep.rows("list", "note"))
        equal(after - before in (0, 3000), True, after - before)
        if printed:
            equal(after - before, 3000, "ids were printed before the commit")


if __name__ == "__main__":
    run()
