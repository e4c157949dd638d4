"""The world of these tests: the real programs, and a bad line between them."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cli"))

from harness import Device, PlainServer, World, equal, has, scratch  # noqa: E402
from line import Line  # noqa: E402


class Country(World):
    """A World at the end of a line."""

    def __init__(self, territories=("Eastern",)):
        self.folder = scratch()
        self.line = Line()
        self.server = PlainServer(self.folder, self.line)
        self.server.start()
        self.kit = os.path.join(self.folder, "kit.txt")
        self.admin = Device(self.folder, "Andrew")
        self.created = self.admin.row(*self.creation(kit=self.kit))
        for name in territories:
            self.admin.run("territory", "add", name)

        self.admin.run("user", "add", "Nancy", "--role", "rep")
        self.admin.run("territory", "grant", "Eastern", "Nancy")
        self.nancy = self.newcomer("Nancy", "Nancy")
        self.nancy.sync()

    def all_texts(self):
        """What the admin holds, over a good line."""
        self.line.clear()
        self.admin.sync()
        return texts(self.admin)

    def newcomer(self, name, user):
        """A device that has joined and not synced yet."""
        device, code = Device(self.folder, name), self.invite(user)
        self.line.clear()
        self.line.lets = 1  # … and not the sync that follows
        has(device.run("join", code, "--device-name", name, expect=3).err, "the first sync did not finish")
        self.line.clear()
        return device


def notes(n, size, begin=0):
    """Lines for `put --stdin`: n notes of about so many bytes, that do not compress."""
    return [{"type": "note", "fields": {"text": "%d %s" % (begin + i, os.urandom(size // 2).hex())}} for i in range(n)]


def texts(device):
    return sorted(row["text"] for row in device.rows("list", "note"))


def holds(device, want, what):
    got = texts(device)
    equal(len(got), len(set(got)), "%s: something is there twice" % what)
    equal(set(got) == set(want), True, "%s: %d of %d are there" % (what, len(set(got) & set(want)), len(want)))


def sync(device, *words, expect=0):
    """The result's line, and all of it."""
    result = device.run("sync", "--json", *words, expect=expect)
    return result.rows()[0] if result.out else None, result


def until_done(device, *words):
    """Syncs until one succeeds; how many that were."""
    for count in range(1, 40):
        if sync(device, *words, expect=None)[1].code == 0:
            return count
    raise AssertionError("it never ends")
