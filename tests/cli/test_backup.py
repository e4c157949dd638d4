"""`satcheld backup` and `satcheld restore`: copies that are whole or not there, and what is put back where."""
import fcntl
import io
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import tarfile
import threading

from harness import SATCHELD, Device, World, clean_environment, equal, has, lacks, new_id, run, scratch, test

SEED = int(os.environ.get("SEED", "20261122"))
print("seed %d" % SEED)


def satcheld(*args, expect=0, **options):
    done = subprocess.run([SATCHELD, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=clean_environment(), timeout=120, **options)
    text = done.stdout.decode(), done.stderr.decode()
    if done.returncode != expect:
        raise AssertionError("exit %d expected, got %d: %s\n%s" % ((expect, done.returncode) + text))
    return text


def tree(path):
    """Every file below, with its bytes."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            full = os.path.join(folder, name)
            with open(full, "rb") as file:
                found[os.path.relpath(full, path)] = file.read()
    return found


world = World(territories=["North"])
backup = os.path.join(world.folder, "satchel.tar")
account = world.admin.put("account", "name=Alfreds", "--territory", "North")
world.admin.sync()


@test
def a_backup_beside_a_running_server_is_one_file_that_any_tar_lists():
    out, _ = satcheld("backup", "--data", world.server.data, backup)
    has(out, "1 organisation,")
    has(out, "identity.key")
    with tarfile.open(backup) as archive:
        names = archive.getnames()
    equal(names[0], "satchel-backup")
    equal(names[-1], "checksums")
    equal(sorted(n.split("/")[0] for n in names[1:-1]), ["identity.key", "orgs"])
    equal(os.stat(backup).st_mode & 0o777, 0o600)
    equal([n for n in os.listdir(world.folder) if n.startswith("satchel.tar")], ["satchel.tar"])


@test
def a_backup_made_while_devices_write_is_a_moment_of_the_log():
    stop = threading.Event()

    def write():
        while not stop.is_set():
            world.admin.put("contact", "name=Maria", "account=%s" % account)
            world.admin.sync()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(5):
            satcheld("backup", "--data", world.server.data, backup)
    finally:
        stop.set()
        writer.join()
    into = os.path.join(scratch(), "server")
    out, _ = satcheld("restore", "--data", into, backup)
    has(out, "1 organisation put back")
    has(out, "--confirm-restore")
    equal(sorted(os.listdir(into)), ["identity.key", "orgs", "satcheld.lock", "tokens"])


@test
def a_backup_that_cannot_be_written_leaves_the_one_before():
    with open(backup, "rb") as file:
        before = file.read()

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    _, err = satcheld("backup", "--data", world.server.data, backup, expect=7, preexec_fn=little_room)
    has(err, "satchel.tar")
    with open(backup, "rb") as file:
        equal(file.read(), before)
    equal([n for n in os.listdir(world.folder) if n.startswith("satchel.tar")], ["satchel.tar"])
    _, err = satcheld("backup", "--data", world.server.data, os.path.join(world.folder, "no", "such.tar"), expect=7)
    has(err, "such.tar")


@test
def what_is_no_file_is_not_replaced_by_one():
    """Once /dev/null became a file, for root."""
    place = os.path.join(world.folder, "place")
    os.mkfifo(place)
    _, err = satcheld("backup", "--data", world.server.data, place, expect=7)
    has(err, "no file")
    equal(stat.S_ISFIFO(os.lstat(place).st_mode), True)


@test
def nothing_is_backed_up_of_what_is_no_server():
    _, err = satcheld("backup", "--data", os.path.join(world.folder, "nowhere"), backup, expect=2)
    has(err, "nowhere")
    equal(os.path.exists(os.path.join(world.folder, "nowhere")), False)
    satcheld("backup", "--data", world.server.data, expect=1)
    satcheld("restore", "--data", world.server.data, expect=1)


@test
def a_running_server_is_not_restored_over():
    before = sorted(os.listdir(world.server.data))
    _, err = satcheld("restore", "--data", world.server.data, backup, expect=7)
    has(err, "in use by process %d" % world.server.process.pid)
    equal(sorted(os.listdir(world.server.data)), before)


@test
def what_is_there_is_moved_aside_and_nothing_of_it_is_lost():
    world.server.stop()
    before = tree(world.server.data)
    satcheld("restore", "--data", world.server.data, backup)
    aside = [n for n in os.listdir(world.server.data) if n.startswith("before-restore-")]
    equal(len(aside), 1, aside)
    kept = tree(os.path.join(world.server.data, aside[0]))
    for name, content in kept.items():
        equal(content, before[name], name)
    equal(set(kept), {n for n in before if n.startswith("orgs/") or n.endswith(".key")})
    world.server.start()
    world.admin.run("status")
    shutil.rmtree(os.path.join(world.server.data, aside[0]))


@test
def a_damaged_backup_is_named_and_touches_nothing():
    rng = random.Random(SEED)
    with open(backup, "rb") as file:
        whole = file.read()
    folder = scratch()
    into, damaged = os.path.join(folder, "server"), os.path.join(folder, "damaged.tar")
    satcheld("restore", "--data", into, backup)
    before = tree(into)
    end = whole.index(b"checksums")
    for case in range(24):
        content = bytearray(whole[:rng.randrange(700, end)]) if case % 2 else bytearray(whole)
        if case % 2 == 0:
            content[rng.randrange(end)] ^= 1 << rng.randrange(8)
        with open(damaged, "wb") as file:
            file.write(content)
        done = subprocess.run([SATCHELD, "restore", "--data", into, damaged], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=clean_environment(), timeout=60)
        if done.returncode == 0:  # a bit of what tar pads with, or of a time of a file
            with tarfile.open(damaged) as one, tarfile.open(backup) as other:
                equal([one.extractfile(n).read() for n in one.getnames()],
                      [other.extractfile(n).read() for n in other.getnames()])
            shutil.rmtree(into)
            satcheld("restore", "--data", into, backup)
            before = tree(into)
            continue
        equal(done.returncode in (2, 5), True, done)
        has(done.stderr.decode(), "damaged.tar")
        equal(tree(into), before, "case %d" % case)


def damaged_copy(folder):
    path = os.path.join(folder, "damaged.tar")
    with open(backup, "rb") as file, open(path, "wb") as damaged:
        damaged.write(file.read()[:-12000])
    return path


def pack(members):
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return text.getvalue()


@test
def an_archive_of_somebody_else_writes_nowhere():
    folder = scratch()
    into, foreign = os.path.join(folder, "server"), os.path.join(folder, "foreign.tar")
    first = ("satchel-backup", b"satchel backup 1\nmade 1\n")
    for members, code in (([("x", b"")], 2), ([first], 5), ([first, ("../escaped", b"x"), ("checksums", b"")], 5),
                          ([first, ("/tmp/escaped", b"x")], 5), ([first, ("orgs/../../escaped.db", b"x")], 5),
                          ([first, ("identity-/../x.key", b"x")], 5), ([first, ("identity.key", b"x")] * 2, 5),
                          ([("satchel-backup", b"satchel backup 2\nmade 1\n")], 2)):
        with open(foreign, "wb") as file:
            file.write(pack(members))
        satcheld("restore", "--data", into, foreign, expect=code)
        equal(sorted(tree(folder)), ["foreign.tar", "server/satcheld.lock"], members)


@test
def a_restore_that_was_interrupted_is_said_and_done_again():
    folder = scratch()
    into = os.path.join(folder, "server")
    satcheld("restore", "--data", into, backup)
    # As a kill between the two renames leaves it: the old is aside, the new not yet in its place.
    os.mkdir(os.path.join(into, "before-restore-x"))
    os.rename(os.path.join(into, "orgs"), os.path.join(into, "before-restore-x", "orgs"))
    os.makedirs(os.path.join(into, "restoring", "orgs"))
    with open(os.path.join(into, "restoring", "begun"), "wb"):
        pass
    for attempt in range(2):
        _, err = satcheld("--data", into, "--listen", "127.0.0.1:0", expect=7)
        has(err, "interrupted")
        satcheld("backup", "--data", into, os.path.join(folder, "x.tar"), expect=7)
        satcheld("restore", "--data", into, damaged_copy(folder), expect=5)  # that does not make it any better
    satcheld("restore", "--data", into, backup)
    lacks(os.listdir(into), "restoring")
    equal(len([n for n in os.listdir(os.path.join(into, "orgs")) if n.endswith(".db")]), 1)


@test
def a_restore_that_was_interrupted_before_it_touched_anything_is_in_nobodys_way():
    folder = scratch()
    into = os.path.join(folder, "server")
    satcheld("restore", "--data", into, backup)
    os.makedirs(os.path.join(into, "restoring", "orgs"))
    for name in ("identity.key", os.path.join("orgs", "x.db"), os.path.join("orgs", "x.db-wal")):
        with open(os.path.join(into, "restoring", name), "wb") as file:
            file.write(b"half")
    satcheld("backup", "--data", into, os.path.join(folder, "x.tar"))
    satcheld("restore", "--data", into, backup)
    lacks(os.listdir(into), "restoring")
    equal([n for n in os.listdir(os.path.join(into, "orgs")) if n.startswith("x")], [])


@test
def a_full_disk_in_the_middle_of_a_restore_touches_nothing():
    into = os.path.join(scratch(), "server")
    satcheld("restore", "--data", into, backup)
    before = tree(into)

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    satcheld("restore", "--data", into, backup, expect=7, preexec_fn=little_room)
    equal(tree(into), before)
    equal(sorted(os.listdir(into)), ["identity.key", "orgs", "satcheld.lock", "tokens"])


@test
def what_root_puts_back_belongs_to_the_owner_of_the_directory():
    if os.geteuid() != 0:
        return
    into = os.path.join(scratch(), "server")
    os.mkdir(into, 0o700)
    os.chown(into, 65534, 65534)
    for attempt in range(2):  # the second moves something aside
        satcheld("restore", "--data", into, backup)
        for folder, names, files in os.walk(into):
            for name in names + files:
                status = os.lstat(os.path.join(folder, name))
                equal((status.st_uid, status.st_gid, status.st_mode & 0o077), (65534, 65534, 0), name)


@test
def copies_that_somebody_made_beside_the_files_are_not_in_a_backup():
    folder = scratch()
    into = os.path.join(folder, "server")
    satcheld("restore", "--data", into, backup)
    org = os.listdir(os.path.join(into, "orgs"))[0]
    shutil.copy(os.path.join(into, "identity.key"), os.path.join(into, "identity_old.key"))
    shutil.copy(os.path.join(into, "identity.key"), os.path.join(into, "identity-old.key"))
    shutil.copy(os.path.join(into, "orgs", org), os.path.join(into, "orgs", "copy-" + org))
    copy = os.path.join(folder, "copy.tar")
    out, err = satcheld("backup", "--data", into, copy)
    has(out, "1 organisation,")
    has(err, "identity_old.key is no file of the server's")
    has(err, "copy-" + org)
    with tarfile.open(copy) as archive:
        equal(sorted(archive.getnames()[1:-1]), ["identity-old.key", "identity.key", "orgs/" + org])
    satcheld("restore", "--data", os.path.join(folder, "other"), copy)


@test
def of_two_backups_to_one_file_one_is_told():
    folder = scratch()
    path = os.path.join(folder, "x.tar")
    with open(path + ".part", "wb") as other:
        other.write(b"what somebody is writing")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        _, err = satcheld("backup", "--data", world.server.data, path, expect=7)
        has(err, "another backup")
        equal(tree(folder), {"x.tar.part": b"what somebody is writing"})
    satcheld("backup", "--data", world.server.data, path)  # and one that was killed is in nobody's way
    equal(list(tree(folder)), ["x.tar"])


def header(name, size, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def padded(content):
    return content + b"\0" * (-len(content) % 512)


@test
def holes_in_an_archive_do_not_fill_the_disk():
    folder = scratch()
    into, foreign = os.path.join(folder, "server"), os.path.join(folder, "foreign.tar")
    first, records = b"satchel backup 1\nmade 1\n", b""
    for pair in (b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.name=identity.key",
                 b"GNU.sparse.realsize=4000000000"):
        size = len(pair) + 5  # its two digits, a blank, a line's end: and that makes two digits
        records += b"%d %s\n" % (size - 1, pair)
    with open(foreign, "wb") as file:
        file.write(header("satchel-backup", len(first)) + padded(first))
        file.write(header("PaxHeader", len(records), b"x") + padded(records))
        file.write(header("GNUSparseFile/identity.key", 1024) + padded(b"1\n3999999488\n512\n") + padded(b"x" * 512))
        file.write(b"\0" * 1024)
    with tarfile.open(foreign) as archive:
        equal([member.size for member in archive][-1], 4000000000)

    def some_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    _, err = satcheld("restore", "--data", into, foreign, expect=5, preexec_fn=some_room)
    has(err, "something else is in it")


run()
