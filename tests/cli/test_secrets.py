#!/usr/bin/env python3
"""Where secrets are not: in arguments, environments, core files, memory after their use, other files, output, logs.
What there is to be found is taken from the homes themselves, by opening their keyrings as the documents say
(keyring.py)."""
import atexit
import base64
import hashlib
import os
import re
import resource
import secrets
import shutil
import signal
import sqlite3
import stat
import subprocess
import tempfile
import time

from harness import SATCHEL, SATCHELD, Device, World, clean_environment, equal, run, scratch, test
from keyring import Keyring, unseal

PASSPHRASE, OWN, ADMINS = ("%s %s" % (name, secrets.token_hex(16)) for name in ("rep", "own", "admin"))
IS_ROOT = os.getuid() == 0

temporary = scratch()
os.environ["TMPDIR"] = temporary
world = World(territories=["Eastern"])
admin = Device(world.folder, "Laura", passphrase=ADMINS)
token = world.server.token()
kit = os.path.join(world.folder, "kit-2.txt")
said = [admin.run(*world.creation(kit=kit, token="-", name="Second"), stdin=token + "\n")]
admin.run("territory", "add", "Western")
admin.run("user", "add", "Nancy", "--role", "rep")
admin.run("territory", "grant", "Western", "Nancy")
code = admin.row("invite", "Nancy")["code"]
rep = Device(world.folder, "Nancy-2", passphrase=PASSPHRASE)
said.append(rep.run("join", "-", stdin=code + "\n"))
own_file = os.path.join(world.folder, "own")
with open(own_file, "w", encoding="utf-8") as file:
    file.write(OWN + "\n")


def run_own(*args, **options):
    """As the admin whose key has a passphrase of its own; what is said is kept."""
    said.append(admin.run(*args, "--admin-passphrase-file", own_file, **options))
    return said[-1]


def live(device):
    process = device.start("sync", "--live", "--json")
    while b"in sync" not in process.stderr.readline():
        equal(process.poll(), None, "the live sync ended")
    return process


def end(process):
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def read(path):
    with open(path, "rb") as file:
        return file.read()


# ---- What there is to be found ----

def HK(key, label, message):
    label = b"satchel/1/" + label
    return hashlib.blake2b(bytes([len(label)]) + label + message, key=key, digest_size=32).digest()


def space_keys(home, store_key):
    """The keys of spaces that a home holds, opened with its store key."""
    database = sqlite3.connect(os.path.join(home, "store.db"))
    org, = database.execute("select value from meta where key = 'org'").fetchone()
    rows = database.execute("select space, epoch, sealed from epoch_key").fetchall()
    database.close()
    for space, epoch, sealed in rows:
        context = space + epoch.to_bytes(4, "little")
        key = unseal(sealed[24:], org + context, sealed[:24], HK(store_key, b"key", context))
        equal(key is not None and len(key), 32)
        yield key


def page_key(home, store_key):
    """The key of the view's pages (storage.md)."""
    database = sqlite3.connect(os.path.join(home, "store.db"))
    mark, = database.execute("select value from meta where key = 'view'").fetchone()
    database.close()
    return HK(store_key, b"pages", mark[:16])


def opens(page, number, key):
    return unseal(page[:-40] + page[-16:], number.to_bytes(8, "big"), page[-40:-16], key)


def all_secrets():
    """{name: bytes} of both homes, the kit, the code and the token."""
    found = {"passphrase": PASSPHRASE.encode(), "the admin's own": OWN.encode(), "the admin's": ADMINS.encode(),
             "token": token.encode(), "code": code.encode()[20:]}
    rep_keys = Keyring(os.path.join(rep.home, "keyring")).secrets(PASSPHRASE.encode())
    admin_keys = Keyring(os.path.join(admin.home, "keyring")).secrets(ADMINS.encode(), OWN.encode())
    for whose, home, keys in (("rep", rep.home, rep_keys), ("admin", admin.home, admin_keys)):
        found.update({"%s's %s" % (whose, name): key for name, key in keys.items()})
        spaces = list(space_keys(home, keys["store key"]))
        equal(len(spaces) >= 3, True, "org, people and a territory")
        found.update({"%s's space key %d" % (whose, i): key for i, key in enumerate(spaces)})
        found["%s's page key" % whose] = page_key(home, keys["store key"])
    page = read(kit).decode("utf-8")
    found["kit"] = bytes.fromhex("".join(page.split("\nKey (")[1].split("\n", 1)[1].split()))[:-4]
    equal(len(found["kit"]), 32)
    return found


def forms(secret):
    """As it may have been written: bytes, hexadecimal, base64. Half of it is as bad as all."""
    half = secret[:max(16, len(secret) // 2)]
    yield half
    yield half.hex().encode()
    yield half.hex().upper().encode()
    yield base64.b64encode(half)[:-4]
    yield base64.urlsafe_b64encode(half)[:-4]


def search(name, data, known):
    for what, secret in known.items():
        for form in forms(secret):
            if form in data:
                raise AssertionError("%s holds %s" % (name, what))


@test
def the_admins_key_gets_a_passphrase_of_its_own():
    admin.run("passphrase", "--admin", "--new-passphrase-file", own_file)
    run_own("territory", "add", "Southern")
    rep.put("account", "name=Blondel")
    rep.sync()
    admin.sync()
    for device in (rep, admin):  # with the view on their disks
        equal([row["name"] for row in device.rows("list", "account")], ["Blondel"])
    equal(len(all_secrets()) > 15, True)


# ---- Files and output ----

@test
def what_was_written_lies_open_in_no_file_of_a_home():
    for home in (rep.home, admin.home):
        for folder, _, names in os.walk(home):
            equal({"view.db", "archive.db"} <= set(names), True, names)
            for name in names:
                equal(b"Blondel" in read(os.path.join(folder, name)), False, name)
    keys = Keyring(os.path.join(rep.home, "keyring")).secrets(PASSPHRASE.encode())
    view, key = read(os.path.join(rep.home, "view.db")), page_key(rep.home, keys["store key"])
    pages = [opens(view[at:at + 4096], at // 4096, key) for at in range(0, len(view), 4096)]
    equal(all(pages) and pages[0].startswith(b"SQLite format 3"), True, "as the documents say")
    equal(any(b"Blondel" in page for page in pages), True)
    equal(opens(view[:4096], 1, key), None)


@test
def files_are_for_their_owner_alone():
    holding = live(rep)  # with the files that are there only while the home is open
    try:
        for top in (rep.home, admin.home, world.server.data):
            for folder, _, names in os.walk(top):
                equal(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
                for name in names:
                    path = os.path.join(folder, name)
                    public = name == "tls-cert.pem"
                    equal(stat.S_IMODE(os.stat(path).st_mode) & (0o033 if public else 0o177), 0, path)
        equal(stat.S_IMODE(os.stat(kit).st_mode), 0o600)
    finally:
        end(holding)


@test
def no_file_holds_a_secret():
    known = all_secrets()
    for top in (rep.home, admin.home, world.server.data, temporary):
        for folder, _, names in os.walk(top):
            for name in names:
                search(os.path.join(folder, name), read(os.path.join(folder, name)), known)
    search("the server's log", read(world.server.log), known)
    seed = re.search(rb"^[0-9a-f]{64}", read(os.path.join(world.server.data, "identity.key")), re.M).group(0).decode()
    known = {"the identity key": bytes.fromhex(seed)}
    for folder, _, names in os.walk(world.server.data):
        for name in names:
            if name != "identity.key":
                search(name, read(os.path.join(folder, name)), known)
    search("the server's log", read(world.server.log), known)


@test
def nothing_is_left_in_the_temporary_directory():
    left = [name for _, _, names in os.walk(temporary) for name in names]
    equal(left, [])


@test
def no_output_and_no_error_holds_a_secret():
    known = all_secrets()
    wrong = os.path.join(world.folder, "wrong")
    with open(wrong, "w", encoding="utf-8") as file:
        file.write(PASSPHRASE[:-1] + "\n")
    known["a wrong passphrase"] = PASSPHRASE[:-1].encode()
    for words in (("status",), ("doctor",), ("sync",), ("device", "list"), ("list", "account"), ("user", "list")):
        said.append(rep.run(*words, "--json"))
        run_own(*words)
    for home in (rep.home, admin.home):
        for options in (("--passphrase-file", wrong), ("--passphrase-file", own_file), ()):
            done = subprocess.run([SATCHEL, "status", "--home", home, *options],
                                  capture_output=True, env=clean_environment(), stdin=subprocess.DEVNULL, check=False)
            equal(done.returncode, 6)
            search("an error", done.stdout + done.stderr, known)
    fresh = Device(world.folder, "fresh", passphrase=PASSPHRASE)
    said.append(fresh.run("join", "-", stdin=code + "\n", expect=4))  # used
    said.append(fresh.run("join", "-", stdin=code[:-3] + "\n", expect=2))
    said.append(fresh.run(*world.creation(kit=os.path.join(world.folder, "kit-3"), token="-"), stdin=token, expect=4))
    said.append(rep.run("passphrase", "--new-passphrase-file", own_file, "--admin", expect=2))
    for result in said:
        search(str(result.args), (result.out + result.err).encode(), known)


# ---- Running programs ----

def check_process(pid):
    known = {"passphrase": PASSPHRASE.encode(), "the admin's": ADMINS.encode(), "the admin's own": OWN.encode()}
    search("cmdline", read("/proc/%d/cmdline" % pid), known)
    limits = read("/proc/%d/limits" % pid).decode()
    equal(re.search(r"^Max core file size +(\d+) +(\d+)", limits, re.M).groups(), ("0", "0"))
    if IS_ROOT:
        search("environ", read("/proc/%d/environ" % pid), known)


@test
def a_running_device_shows_nobody_its_secrets():
    process = live(rep)
    check_process(process.pid)
    end(process)


@test
def a_running_server_shows_nobody_its_own():
    check_process(world.server.process.pid)


def serving(folder, **how):
    """A server of its own, once it is ready."""
    words = [SATCHELD, "--data", os.path.join(folder, "data"), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env=clean_environment(), **how)
    equal(b"ready" in process.stdout.readline(), True, "a server of its own did not start")
    return process


def waiting(folder, **how):
    """A join that waits for its code; it has come that far once it reads."""
    process = subprocess.Popen([SATCHEL, "join", "-", "--home", os.path.join(folder, "home")], cwd=folder,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               env=clean_environment(), **how)
    time.sleep(0.5)
    equal(process.poll(), None, "it did not wait")
    return process


def finish(process, number):
    """How it ended, as waitpid() tells it."""
    os.kill(process.pid, number)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -number
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    return status


def allow_core():
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


@test
def nothing_dumps_core():
    folder = scratch()
    control = subprocess.Popen(["sleep", "60"], cwd=folder, preexec_fn=allow_core)
    time.sleep(0.1)
    if not os.WCOREDUMP(finish(control, signal.SIGABRT)):
        print("      core files are switched off here: that ours are is shown by their limits alone", flush=True)
    for start in (waiting, serving):
        process = start(folder, preexec_fn=allow_core)
        status = finish(process, signal.SIGABRT)
        equal((os.WTERMSIG(status), os.WCOREDUMP(status)), (signal.SIGABRT, False), start.__name__)


@test
def not_even_its_owner_may_look_into_a_program():
    """What the system keeps about a process that may not be dumped belongs to root, whosever process it is."""
    folder = tempfile.mkdtemp(prefix="satchel-cli-", dir="/tmp") if IS_ROOT else scratch()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    how, owner = {}, os.getuid()
    if IS_ROOT:
        owner = 65534
        os.chown(folder, owner, owner)
        how = dict(user=owner, group=owner, extra_groups=[])
    try:
        processes = [start(folder, **how) for start in (waiting, serving)]
    except PermissionError:
        print("      only root may run these programs: not shown", flush=True)
        return
    control = subprocess.Popen(["sleep", "60"], cwd=folder, **how)
    time.sleep(0.1)
    owners = [os.stat("/proc/%d/environ" % process.pid).st_uid for process in (control, *processes)]
    for process in (control, *processes):
        finish(process, signal.SIGKILL)
    equal(owners, [owner, 0, 0])


def memory_of(pid):
    """Everything that the process can read, and much of it nobody else may."""
    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            begin, to, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if rights[0] != "r" or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            size = int(to, 16) - int(begin, 16)
            memory.seek(int(begin, 16))
            try:
                yield memory.read(size) if size < 1 << 32 else b""  # a sanitizer's shadow
            except OSError:  # a file that is shorter than its mapping
                pass


def times_in(pid, secret):
    return sum(data.count(secret[:16]) for data in memory_of(pid))


@test
def memory_holds_no_passphrase_after_its_use_and_each_key_once():
    for device, passphrase in ((rep, PASSPHRASE), (admin, ADMINS)):
        keys = Keyring(os.path.join(device.home, "keyring")).secrets(passphrase.encode(), OWN.encode())
        process = live(device)
        try:
            list(memory_of(process.pid))
        except PermissionError:  # not even its owner may read it
            end(process)
            continue
        hidden = passphrase.encode()
        for part in (hidden, hidden[4:20], hidden[-16:]):
            equal(times_in(process.pid, part), 0, "the passphrase is in memory")
        for name, key in keys.items():
            equal(times_in(process.pid, key), 0 if name == "admin signature" else 1, name)
        end(process)


if __name__ == "__main__":
    run()
