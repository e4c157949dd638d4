"""Random lives, told as lists of acts; running, judging and shrinking them.

    lives.py [SECONDS [SEED [FAULTS…]]]     runs lives and prints what ended badly, shrunk
"""
import random
import sys
import time

from oracle import judge
from world import World

WEIGHTS = {"write": 7, "delete": 2, "push": 6, "pull": 6, "refuse": 1, "put_aside": 1, "take_up": 1, "clone": 1,
           "device_backup": 1, "device_restore": 1.5, "server_backup": 2, "server_restore": 1, "server_forgets": 1,
           "collect": 2, "compact": 1}
BY_DEVICE = ("refuse", "put_aside", "take_up", "clone", "device_backup", "device_restore")
BY_SERVER = ("compact", "server_backup", "server_restore", "server_forgets", "collect")
FAULTS = ("delete",) + BY_DEVICE + BY_SERVER
ACTS_MAX, DRAWN_MAX = 30, 60


def acts_of(devices, faults, records="RQ"):
    acts = []
    for number in range(devices):
        for record in records:
            acts += [("write", number, record, cells) for cells in ("x", "y", "xy")]
            if "delete" in faults:
                acts.append(("delete", number, record))
        acts += [(name, number) for name in ("push", "pull") + tuple(name for name in BY_DEVICE if name in faults)]
    return acts + [(name,) for name in BY_SERVER if name in faults]


def act(world, what):
    """Whether it did anything."""
    name, rest = what[0], what[1:]
    if rest and rest[0] >= len(world.devices):
        return False
    if name == "write":
        return world.write(rest[0], rest[1], tuple(rest[2]))
    if name == "server_forgets":
        return world.server_restore(announced=False)
    return getattr(world, name)(*rest)


def live(devices, acts, mutations=(), acts_max=None):
    """(what is wrong in the end, the world, the acts that did something)."""
    world, done = World(devices, mutations), []
    try:
        for what in acts:
            if act(world, what):
                done.append(what)
            if acts_max and len(done) >= acts_max:
                break
        world.settle_all()
        return judge(world), world, done
    except RecursionError:
        return [("ENDLESS",)], world, done


def kinds_of(bad):
    return {item[0] for item in bad}


def shrink(devices, acts, mutations=(), kinds=None):
    """The fewest acts that still end as badly."""
    def fails(some):
        found = kinds_of(live(devices, some, mutations)[0])
        return bool(found & kinds) if kinds else bool(found)

    shrunk = True
    while shrunk:
        shrunk = False
        candidates = [acts[:place] + acts[place + 1:] for place in range(len(acts))]
        candidates += [acts[:place] + [what[:3] + (cell,)] + acts[place + 1:] for place, what in enumerate(acts)
                       if what[0] == "write" and len(what[3]) > 1 for cell in "xy"]
        for candidate in candidates:
            if fails(candidate):
                acts, shrunk = candidate, True
                break
    return acts


class Tally:
    def __init__(self):
        self.lives = self.forks = self.collisions = self.rollbacks = self.back = 0
        self.kinds, self.bad = {}, []

    def text(self):
        return "%d lives, %d bad %s; %d with an old value back; %d forks, %d collisions, %d rollbacks" % (
            self.lives, len(self.bad), self.kinds, self.back, self.forks, self.collisions, self.rollbacks)


def random_lives(seed, lives=None, seconds=None, faults=FAULTS, mutations=(), devices=(2, 3), bad_max=None):
    draw, tally, end = random.Random(seed), Tally(), time.monotonic() + (seconds or 10 ** 6)
    while (lives is None or tally.lives < lives) and time.monotonic() < end:
        count = draw.choice(devices)
        some = tuple(fault for fault in faults if draw.random() < 0.7)
        acts = acts_of(count + ("clone" in some), some, draw.choice(("R", "R", "RQ")))
        names = sorted({what[0] for what in acts})
        weights = [WEIGHTS[name] * draw.choice((0.5, 1, 1, 2)) for name in names]
        drawn = [draw.choice([what for what in acts if what[0] == name])
                 for name in draw.choices(names, weights, k=draw.randint(12, DRAWN_MAX))]
        bad, world, done = live(count, drawn, mutations, ACTS_MAX)
        tally.lives += 1
        tally.forks += world.forks > 0
        tally.collisions += world.collisions > 0
        tally.rollbacks += world.rollbacks > 0
        if bad and world.reversals and kinds_of(bad) <= {"BACK", "STILLDEL"}:
            tally.back += 1
        elif bad:
            for kind in kinds_of(bad):
                tally.kinds[kind] = tally.kinds.get(kind, 0) + 1
            tally.bad.append((count, done, kinds_of(bad)))
            if bad_max and len(tally.bad) >= bad_max:
                break
    return tally


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    faults = tuple(sys.argv[3:]) or FAULTS
    tally = random_lives(seed, seconds=seconds, faults=faults)
    print(tally.text())
    shown = {}
    for count, done, kinds in sorted(tally.bad, key=lambda item: len(item[1]))[:12]:
        for kind in kinds:
            shown.setdefault(kind, []).append((count, done))
    for kind, some in shown.items():
        shrunk = sorted((shrink(count, done, (), {kind}) for count, done in some[:4]), key=len)
        for acts in shrunk[:2]:
            count = max(2, 1 + max([what[1] for what in acts if len(what) > 1 and what[0] != "clone"] + [0]))
            print(" ", kind, some[0][0], acts)
    for count, done, kinds in tally.bad[:0]:
        print(count, done, kinds)


if __name__ == "__main__":
    main()
