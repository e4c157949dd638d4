"""The merge as it must be: changes, their names, and what a replica makes of them.

A change is written once and stays as it was written. Its identity is its hash; its *name*, a dot (index, counter),
is what
vectors speak of, and what a log gives it. Where two changes of one device claim the same name, because the device was
cloned or restored, or because the server forgot one of them, the log keeps the name for the one it has and the other
goes on under a *branch*: an index of its own with the same counters. Renaming touches no hash.

This model is what the engine is measured against. It is not fast, it does not speak to anybody, and it is short.
"""
CELLS = ("x", "y")
DELETED = "deleted"
SHOWN = CELLS + (DELETED,)

# Rules that can be left out, to see that the oracle notices. `mutations` of a World is a set of these.
MUTATIONS = {
    "forget kept": "a change replaces all that it has seen, whatever it keeps",
    "forget holes": "what an author had put aside counts as seen",
    "join only the dots": "a record's vector leaves out what its live changes had seen",
    "acknowledge by cursor": "a device acknowledges what it pulled, whatever it still has to send",
    "look at the cursor only": "the server does not compare a bundle's witness with the collection floor",
    "later ones pass": "what follows a refused change is taken as it was written",
    "no own hashes": "a device takes any change under its own name for its own",
    "no stubs": "what is dead is not given back",
    "no deaths": "what a device knows to be dead stays alive on the server that forgot it",
    "voids are nobody's": "a name that was given up is known to its device alone",
    "no renaming": "a change whose name is taken is dropped when it is given back",
    "branch without cut": "after a fork the seen of pending changes still names the parent's later dots",
    "asides stay": "what was put aside is not given back",
    "voids are forgotten": "what was refused is not remembered over a server's restore",
    "copies are not known": "a change made again by two clones is taken twice",
    "silence": "a server that lost its tail without a word is believed",
    "epoch is enough": "the pusher's witness keeps its number in another log",
}


class Change:
    """One change under the names of one log. `renamed()` gives the same change under others."""
    __slots__ = ("hash", "write", "key", "dot", "record", "cells", "seen", "kept", "holes", "deletion", "witness")

    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)

    def copy(self, **fields):
        values = {name: getattr(self, name) for name in self.__slots__}
        values.update(fields)
        return Change(**values)

    def __repr__(self):
        return "%s#%d w%d %s%s seen=%s kept=%s holes=%s witness=%d" % (
            self.dot, self.hash, self.write, self.record, sorted(self.cells), self.seen, sorted(self.kept),
            sorted(self.holes), self.witness)


def under(vector, dot):
    return vector.get(dot[0], 0) >= dot[1]


def join(vector, dot):
    if vector.get(dot[0], 0) < dot[1]:
        vector[dot[0]] = dot[1]


class Renaming:
    """From `start` on, what the index `old` counted is the branch `new`."""

    def __init__(self, old, start, new):
        self.old, self.start, self.new = old, start, new

    def dot(self, dot):
        return (self.new, dot[1]) if dot[0] == self.old and dot[1] >= self.start else dot

    def dots(self, dots):
        return frozenset(map(self.dot, dots))

    def vector(self, vector, cut=True):
        counter = vector.get(self.old, 0)
        if counter < self.start:
            return vector
        result = dict(vector)
        join(result, (self.new, counter))
        if cut:
            result[self.old] = self.start - 1
            if self.start == 1:
                del result[self.old]
        return result

    def change(self, change, cut=True):
        return change.copy(dot=self.dot(change.dot), seen=self.vector(change.seen, cut), kept=self.dots(change.kept),
                           holes=self.dots(change.holes))


class Replica:
    """What a log makes of its changes: who is live in each record, and every dot it ever had (the dead ones as
    stubs)."""

    def __init__(self, mutations):
        self.mutations = mutations
        self.live = {}   # record: {dot: change}
        self.known = {}  # dot: the change, live or dead, in the log's order; of a dead one only names are looked at
        self.void = {}   # dot: the hash of what was given up under it: refused, or made again under another
        self.also = {}   # dot: other dots under which the same write was accepted elsewhere

    def copy(self):
        other = Replica(self.mutations)
        other.live = {record: dict(changes) for record, changes in self.live.items()}
        other.known = dict(self.known)
        other.void, other.also = dict(self.void), dict(self.also)
        return other

    def had_seen(self, late, early):
        names = self.also.get(early.dot, frozenset()) | {early.dot}
        return any(under(late.seen, name) for name in names) and not names & late.holes

    def replaces(self, late, early):
        names = self.also.get(early.dot, frozenset()) | {early.dot}
        return self.had_seen(late, early) and (not names & late.kept or "forget kept" in self.mutations)

    def same(self, dot, other):
        """The write under `other` is the one under `dot`."""
        self.also[dot] = self.also.get(dot, frozenset()) | {other}
        twin = self.known.get(dot)
        if twin and self.is_live(twin):
            live = self.live[twin.record]
            if any(self.replaces(late, twin) for late in live.values() if late is not twin):
                del live[dot]

    def apply(self, change):
        """Rule 2."""
        if change.dot in self.known:
            return
        self.known[change.dot] = change
        live = self.live.setdefault(change.record, {})
        dead = any(self.replaces(other, change) for other in live.values())
        for dot in [dot for dot, other in live.items() if self.replaces(change, other)]:
            del live[dot]
        if not dead:
            live[change.dot] = change

    def bury(self, change):
        """A stub: the dot is known, and nothing lives under it."""
        self.known.setdefault(change.dot, change)
        self.live.get(change.record, {}).pop(change.dot, None)

    def vector(self, record):
        vector = {}
        for change in self.live.get(record, {}).values():
            join(vector, change.dot)
            for dot in change.seen.items():
                if "join only the dots" not in self.mutations:
                    join(vector, dot)
        return vector

    def is_live(self, change):
        return change.dot in self.live.get(change.record, {})

    def current(self, record, cell, change):
        """Rule 5: is the change's value of this cell one that is shown?"""
        for other in self.live.get(record, {}).values():
            if other is not change and cell in other.cells and self.had_seen(other, change):
                return False
        return True

    def writes_in(self, record, cell, deletions_only=False):
        return {change.cells[cell] for change in self.live.get(record, {}).values()
                if cell in change.cells and (change.deletion or not deletions_only)
                and self.current(record, cell, change)}

    def shown(self, record):
        return {cell: self.writes_in(record, cell, cell == DELETED) for cell in SHOWN}

    def rename(self, renaming):
        for record, changes in self.live.items():
            renamed = map(renaming.change, changes.values())
            self.live[record] = {change.dot: change for change in renamed}
        renamed = map(renaming.change, self.known.values())
        self.known = {change.dot: change for change in renamed}
        self.void = {renaming.dot(dot): number for dot, number in self.void.items()}
        self.also = {renaming.dot(dot): renaming.dots(others) for dot, others in self.also.items()}
        for changes in self.live.values():
            for dot, change in changes.items():
                self.known[dot] = change

    def summary(self):
        return {record: {(dot, change.hash) for dot, change in changes.items()}
                for record, changes in self.live.items() if changes}
