"""The worlds of the hostile tests: real programs, and a relay between them that sees, and may change, all they say."""
import os
import random
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("cli", "server"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), folder))

import harness  # noqa: E402
from harness import Device, PlainServer, World, equal, run, scratch, test  # noqa: E402, F401
from relay import Relay  # noqa: E402

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 32)
print("seed %d" % SEED, flush=True)
ORACLE = os.path.join(os.environ.get("SATCHEL_BUILD", os.path.join(harness.ROOT, ".build", "release")), "oracle")


class Hostile(World):
    """A World behind a relay. `codes`: every invite code that was ever issued; `kits`: every page."""

    def __init__(self, org="Northwind", territories=(), attack=None, record=True):
        self.folder = scratch()
        self.traffic = os.path.join(self.folder, "traffic") if record else None
        self.relay = Relay(record=self.traffic, attack=attack)
        self.server = PlainServer(self.folder, self.relay)
        self.server.start()
        self.kit = os.path.join(self.folder, "kit.txt")
        self.admin = Device(self.folder, "Andrew")
        self.codes, self.kits = [], [self.kit]
        self.created = self.admin.row(*self.creation(kit=self.kit, name=org))
        for name in territories:
            self.admin.run("territory", "add", name)

    def invite(self, user, *words, by=None):
        code = (by or self.admin).row("invite", user, *words)["code"]
        self.codes.append(code)
        return code

    def device(self, name, user, *words):
        """One more device of somebody."""
        device = Device(self.folder, name)
        device.run("join", self.invite(user), "--device-name", name, *words)
        return device


class Canaries:
    """What an attacker must not read: every call of a method makes new ones, under a label."""

    def __init__(self):
        self.random, self.of = random.Random(SEED), {}

    def _new(self, label, kind, value):
        self.of.setdefault(label, []).append("%s %s" % (kind, value))
        return value

    def text(self, label):
        return self._new(label, "text", "canary-%016x" % self.random.getrandbits(64))

    def integer(self, label):
        return self._new(label, "int", self.random.randrange(1 << 50, 1 << 52))

    def identity(self, label):
        raw = "%032x" % self.random.getrandbits(128)
        return self._new(label, "id", "-".join((raw[:8], raw[8:12], "4" + raw[13:16], "8" + raw[17:20], raw[20:])))

    def instant(self, label):
        """A time in the years 2100 to 2200, to the millisecond."""
        ms = self._new(label, "int", self.random.randrange(4102444800000, 7258118400000))
        from datetime import datetime, timedelta, timezone
        return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)).isoformat(
            timespec="milliseconds").replace("+00:00", "Z")

    def records(self, device, label, territory, **options):
        """A canary in each kind of field, in records of a territory, as one commit of that device."""
        text, number = (lambda: self.text(label)), (lambda: self.integer(label))
        lines = [
            {"type": "account", "fields": {"name": text(), "address": text(), "city": text(), "phone": text(),
                                           "note": text() + " and prose that is squeezed " * 20,
                                           "tags": {"add": [text(), text()]}}},
            {"type": "contact", "fields": {"account": self.identity(label), "name": text(),
                                           "phones": {"add": [text()]}}},
            {"type": "visit", "fields": {"started_at": self.instant(label), "note": text()}},
            {"type": "order_line", "fields": {"qty": number(), "unit_price": number(), "sku": text()}},
            {"type": "note", "fields": {"text": text(), "about": self.identity(label)}},
        ]
        return [row["id"] for row in device.put_lines(lines, "--territory", territory, **options)]

    def list(self, *labels):
        return [line for label in labels or self.of for line in self.of[label]]


class Attacker:
    """Copies of what was there at the time, and the oracle over all of them."""

    def __init__(self, world, canaries):
        self.world, self.canaries, self.words, self.copies = world, canaries, [], 0

    def _copy(self, path, name):
        self.copies += 1
        target = os.path.join(self.world.folder, "loot-%d-%s-%d" % (id(self), name, self.copies))
        shutil.copytree(path, target)
        return target

    def home(self, device, option="--home"):
        """The device is in the attacker's hands, or was, unlocked; `--keys`: its spaces' keys were seen."""
        with open(device.passphrase_file, encoding="utf-8") as file:
            passphrase = file.readline().rstrip("\n")
        self.words += [option, self._copy(device.home, "home"), passphrase]
        return self

    def files(self, device):
        """The device is in the attacker's hands, its passphrase is not."""
        self.words += ["--directory", self._copy(device.home, "home")]
        return self

    def code(self, *codes):
        for code in codes:
            self.words += ["--invite", code]
        return self

    def kit(self, path):
        self.words += ["--kit", path]
        return self

    def look(self):
        """(canaries that were found, what there was): with the server's files and all that was ever said."""
        canaries = os.path.join(self.world.folder, "canaries")
        with open(canaries, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in self.canaries.list()))
        server = self._copy(self.world.server.data, "server")
        shutil.copy(self.world.server.log, server)
        done = subprocess.run([ORACLE, "--directory", server, *self.words, "--traffic", self.world.traffic,
                               "--canaries", canaries], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        equal((done.returncode, done.stderr), (0, b""), done.args)
        *found, last = done.stdout.decode().splitlines()
        shutil.rmtree(server)
        words = last.split(" ")
        return {line[6:] for line in found}, {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}

    def finds(self, *labels):
        """Fails unless all of these are found, and nothing else is."""
        found, there = self.look()
        want = set(self.canaries.list(*labels)) if labels else set()
        names = {line: label for label, lines in self.canaries.of.items() for line in lines}
        equal(sorted((names[line], line) for line in found - want), [], "found, and should not be: %s" % there)
        equal(sorted((names[line], line) for line in want - found), [], "not found: the oracle is blind: %s" % there)
        return there
