#!/usr/bin/env python3
"""`satchel passphrase`: the keyring is wrapped anew and nothing else; an admin's key with a passphrase of its own; a
change that is cut short."""
import hashlib
import os
import resource
import signal
import subprocess
import time

from harness import SATCHEL, World, clean_environment, equal, has, lacks, run, satchel, test
from keyring import Keyring

OLD, NEW, OWN = "correct horse Nancy", "battery staple Nancy", "the admin's own"

world = World(territories=["Eastern"])
admin = world.admin
rep = world.rep("Nancy", "Eastern")
account = rep.put("account", "name=Around the Horn")
rep.sync()


def write(name, text):
    path = os.path.join(world.folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


old_file, new_file, own_file = write("old", OLD + "\n"), write("new", NEW + "\n"), write("own", OWN + "\n")
admin_file = admin.passphrase_file
wrong_file = write("wrong", "something else\n")


def contents(home):
    """{file: hash}; the lock is nobody's secret."""
    found = {}
    for name in sorted(os.listdir(home)):
        with open(os.path.join(home, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    found.pop("lock")
    return found


def change(home, old, new, *more, expect=0):
    return satchel("passphrase", "--home", home, "--passphrase-file", old, "--new-passphrase-file", new, "--json",
                   *more, expect=expect)


def opens_by(file):
    result = satchel("get", "account", account, "--home", rep.home, "--passphrase-file", file, "--json", expect=None)
    if result.code == 0:
        return True
    equal((result.code, result.error()["error"]), (6, "wrong_passphrase"), result)
    return False


@test
def it_changes_the_keyring_and_no_key_in_it():
    before, secrets = contents(rep.home), Keyring(os.path.join(rep.home, "keyring")).secrets(OLD.encode())
    result = change(rep.home, old_file, new_file)
    equal(result.rows(), [{"home": rep.home, "changed": "home"}])
    equal(result.err, "")
    after = contents(rep.home)
    equal({name for name in before if before[name] != after.get(name)}, {"keyring"}, "the store's bytes changed")
    equal(set(after), set(before))
    equal(Keyring(os.path.join(rep.home, "keyring")).secrets(NEW.encode()), secrets)
    equal(os.stat(os.path.join(rep.home, "keyring")).st_mode & 0o777, 0o600)
    equal((opens_by(old_file), opens_by(new_file)), (False, True))
    rep.passphrase_file = new_file
    rep.put("account", "name=After the change")
    rep.sync()
    change(rep.home, new_file, old_file)
    rep.passphrase_file = old_file


@test
def what_is_wrong_changes_nothing():
    before = contents(rep.home)
    equal(change(rep.home, wrong_file, new_file, expect=6).error()["error"], "wrong_passphrase")
    error = change(rep.home, old_file, write("empty", "\nsecond line\n"), expect=2).error()
    equal(error["error"], "invalid")
    has(error["message"], "empty")
    missing = os.path.join(world.folder, "no-such-file")
    error = change(rep.home, old_file, missing, expect=2).error()
    has(error["message"], missing)
    equal(change(rep.home, missing, new_file, expect=6).error()["error"], "locked")
    change(rep.home, old_file, write("long", "x" * 5000), expect=2)
    equal(change(rep.home, old_file, new_file, "--admin", expect=2).error()["error"], "not_found", "a rep has none")
    error = rep.error(1, "passphrase")
    has(error["message"], "--new-passphrase-file")
    rep.error(1, "passphrase", "secret words")
    equal(change(os.path.join(world.folder, "nowhere"), old_file, new_file, expect=2).error()["error"], "not_found")
    equal(contents(rep.home), before)
    equal(opens_by(old_file), True)


@test
def a_short_one_is_taken_with_a_word_about_it():
    short = write("short", "abc")
    result = change(rep.home, old_file, short)
    has(result.err, "short")
    lacks(result.err, "abc")
    equal(opens_by(short), True)
    equal(change(rep.home, short, old_file).err, "")


@test
def while_somebody_has_the_home_it_is_not_changed():
    live = rep.start("sync", "--live", "--json")
    while b"in sync" not in live.stderr.readline():
        equal(live.poll(), None, "the live sync ended")
    error = change(rep.home, old_file, new_file, expect=7).error()
    equal(error["error"], "in_use")
    has(error["message"], str(live.pid))
    live.send_signal(signal.SIGINT)
    live.communicate(timeout=30)
    equal(opens_by(old_file), True)


# ---- The admin's own ----

def administrate(name, *options, expect=0, env=None):
    return satchel("user", "add", name, "--role", "rep", "--home", admin.home, "--passphrase-file", admin_file,
                   "--json", *options, expect=expect, env=env)


@test
def an_admins_key_has_its_own_and_administration_needs_it():
    equal(change(admin.home, admin_file, own_file, "--admin").rows(), [{"home": admin.home, "changed": "admin"}])
    error = administrate("Carl", expect=6).error()
    equal(error["error"], "locked")
    has(error["message"], "--admin-passphrase-file")
    has(error["message"], "SATCHEL_ADMIN_PASSPHRASE_FILE")
    equal(administrate("Carl", "--admin-passphrase-file", wrong_file, expect=6).error()["error"], "wrong_passphrase")
    administrate("Carl", "--admin-passphrase-file", own_file)
    administrate("Dora", env=clean_environment(SATCHEL_ADMIN_PASSPHRASE_FILE=own_file))
    equal({"Carl", "Dora"} <= {row["name"] for row in admin.rows("user", "list")}, True)


@test
def everyday_work_never_asks_for_it():
    env = clean_environment(SATCHEL_ADMIN_PASSPHRASE_FILE=os.path.join(world.folder, "no-such-file"))
    for words in (("status",), ("list", "account"), ("sync",), ("put", "account", "name=x", "--territory", "Eastern"),
                  ("doctor",)):
        admin.run(*words)
        admin.run(*words, env=env)


@test
def the_two_are_changed_each_alone():
    other = write("other", "another one\n")
    keyring = os.path.join(admin.home, "keyring")
    change(admin.home, admin_file, other)
    administrate("Eva", expect=6)
    satchel("user", "add", "Eva", "--role", "rep", "--home", admin.home, "--passphrase-file", other,
            "--admin-passphrase-file", own_file)
    change(admin.home, other, admin_file)
    error = change(admin.home, admin_file, new_file, "--admin", expect=6).error()
    equal(error["error"], "locked")
    has(error["message"], "--admin-passphrase-file")
    device = Keyring(keyring).device.sealed
    change(admin.home, admin_file, new_file, "--admin", "--admin-passphrase-file", own_file)
    equal(Keyring(keyring).device.sealed, device)
    administrate("Fay", "--admin-passphrase-file", own_file, expect=6)
    administrate("Fay", "--admin-passphrase-file", new_file)
    # and back to one for both, which then changes both
    change(admin.home, admin_file, admin_file, "--admin", "--admin-passphrase-file", new_file)
    administrate("Gus")
    change(admin.home, admin_file, other)
    satchel("user", "add", "Hal", "--role", "rep", "--home", admin.home, "--passphrase-file", other)
    change(admin.home, other, admin_file)


@test
def a_setting_for_it_that_comes_before_it_is_no_obstacle():
    env = clean_environment(SATCHEL_ADMIN_PASSPHRASE_FILE=own_file)
    administrate("Ida", env=env)
    satchel("passphrase", "--admin", "--home", admin.home, "--passphrase-file", admin_file, "--new-passphrase-file",
            own_file, env=env)
    administrate("Joe", expect=6)
    administrate("Joe", env=env)
    change(admin.home, admin_file, admin_file, "--admin", "--admin-passphrase-file", own_file)


# ---- Cut short ----

def satchel_process(home, old, new, **more):
    return subprocess.Popen([SATCHEL, "passphrase", "--home", home, "--passphrase-file", old, "--new-passphrase-file",
                             new, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=clean_environment(), start_new_session=True, **more)


@test
def a_change_that_is_killed_leaves_one_of_the_two():
    now, other = old_file, new_file
    for turn in range(12):
        process = satchel_process(rep.home, now, other)
        time.sleep(0.02 + 0.03 * turn)
        process.kill()
        process.wait()
        old, new = opens_by(now), opens_by(other)
        equal(old != new, True, "neither or both open it")
        equal(os.path.exists(os.path.join(rep.home, "keyring.new")), False)
        if new:
            now, other = other, now
    if now == new_file:
        change(rep.home, new_file, old_file)


@test
def one_that_cannot_write_the_whole_file_leaves_the_old():
    """The limit ends the process in the middle of the write."""
    before = contents(rep.home)
    process = satchel_process(rep.home, old_file, new_file,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
    process.communicate(timeout=60)
    equal(process.returncode, -signal.SIGXFSZ)
    equal(os.path.getsize(os.path.join(rep.home, "keyring.new")), 100)
    equal(opens_by(old_file), True)
    after = contents(rep.home)
    equal((set(after), after["keyring"]), (set(before), before["keyring"]))


if __name__ == "__main__":
    run()
