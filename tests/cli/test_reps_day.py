#!/usr/bin/env python3
"""docs/a-reps-day.md is what happens: its commands are run at the times of its headings, and what they say is compared
with what stands there, but for ids, times of day and how much was sent. With WRITE=1 the document gets what they
say."""
import os
import re
import time
from datetime import datetime

from clock import build_shift
from harness import ROOT, Device, World, equal, run, test

DOCUMENT = os.path.join(ROOT, "docs", "a-reps-day.md")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"T\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)")
COUNTS = re.compile(r"(sent|received) \d+")  # how many records something is made of is not what is told here
HEADING = re.compile(r"^#+ (\d{4}-\d\d-\d\d \d\d:\d\d)")
COMMAND = re.compile(r"^(\w+)\$ (?:(\w+)=)?(.*)$")

os.environ.update(TZ="Asia/Shanghai", LD_PRELOAD=build_shift())
time.tzset()


class Clock:
    """The moment that programs take for now. With each heading some seconds more, so that what happens between two of
    them lasts at least as many minutes as they are apart."""

    def __init__(self):
        self.first, self.more_s = None, 0

    def set(self, text):
        shift = int(datetime.strptime(text, "%Y-%m-%d %H:%M").timestamp() - time.time()) + self.more_s
        self.more_s += 15
        self.first = shift if self.first is None else self.first
        os.environ.update(WALL_CLOCK_SHIFT_S=str(shift), BOOT_CLOCK_SHIFT_S=str(shift - self.first))


def same(text):
    return COUNTS.sub(r"\1 …", TIME.sub("T…", UUID.sub("…", text)))


class Play:
    def __init__(self, world, people):
        self.world, self.people, self.names = world, people, {}

    def run(self, who, variable, line):
        """What the command says."""
        words = self.words(line)
        if "sync" in words:
            self.world.server.stop()
            self.world.server.start()
        equal(words.pop(0), "satchel", line)
        done = self.people[who].run(*words, expect=None)
        said = done.out + done.err
        if variable:
            equal(done.code, 0, done)
            self.names[variable], said = done.out.strip(), ""
        return said + ("exit %d\n" % done.code if done.code else "")

    def words(self, line):
        """As a shell takes it apart: '…' and "…" around a word or a part of it, $NAME."""
        line = re.sub(r"\$(\w+)", lambda name: self.names[name.group(1)], line)
        return ["".join(a or b or c for a, b, c in re.findall(r"'([^']*)'|\"([^\"]*)\"|([^'\"]+)", word))
                for word in re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"])+", line)]


def commands(lines):
    """(at, behind, lines of the command, lines of what it says) of each, and (at, None, …) for a heading's time."""
    at = 0
    while at < len(lines):
        heading = HEADING.match(lines[at])
        if heading:
            yield at, None, heading.group(1), None
        if COMMAND.match(lines[at]):
            end = at + 1
            while lines[end - 1].endswith("\\"):
                end += 1
            behind = end
            while not COMMAND.match(lines[behind]) and lines[behind] != "```":
                behind += 1
            yield at, behind, " ".join(line.rstrip("\\").strip() for line in lines[at:end]), lines[end:behind]
        at += 1


def make_world():
    """The office, Li Na, and Zhou, who manages her territory."""
    world = World(org="晨星乳业", territories=["华东"])
    rep, manager = world.rep("Li Na", "华东"), Device(world.folder, "Zhou")
    world.admin.run("user", "add", "Zhou", "--role", "manager")
    world.admin.run("territory", "grant", "华东", "Zhou", "--manage")
    manager.run("join", world.invite("Zhou"))
    world.admin.run("device", "approve", "3")
    return world, {"office": world.admin, "lina": rep, "zhou": manager}


@test
def the_day_goes_as_it_is_told():
    with open(DOCUMENT, encoding="utf-8") as file:
        lines = file.read().split("\n")
    clock, played, told = Clock(), None, []
    for at, behind, text, said in list(commands(lines)):
        if behind is None:
            clock.set(text)
            continue
        if played is None:
            played = Play(*make_world())
        who, variable, line = COMMAND.match(text).groups()
        if variable:
            line = re.fullmatch(r"\$\((.*)\)", line).group(1)
        got = played.run(who, variable, line).split("\n")[:-1]
        told.append((at, behind, got))
        if not os.environ.get("WRITE"):
            equal([same(each) for each in got], [same(each) for each in said], "line %d: %s" % (at + 1, text))
    equal(len(told) > 20, True, "the document's commands are found")
    if os.environ.get("WRITE"):
        for at, behind, got in reversed(told):
            end = at + 1
            while lines[end - 1].endswith("\\"):
                end += 1
            lines[end:behind] = got
        with open(DOCUMENT, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))


run()
