"""Devices, a blind server, and every fault that can meet them. The rules' numbers are those of the merge's plan."""
import itertools

from replica import CELLS, DELETED, SHOWN, Change, Renaming, Replica, join, under

RENAMES_MAX = 60


class Device:
    def __init__(self, index, mutations):
        self.index, self.counter = index, 0
        self.base = Replica(mutations)
        self.pending, self.aside = [], []
        self.met = set()        # the oracle's: writes that it ever had, in this life of its disk
        self.own = set()        # hashes of all it ever wrote
        self.refused = set()    # keys of what will never be accepted
        self.void = {}          # own dots that were given up, with the hash: refused, or made again under others
        self.history = []       # the log it has seen: ids of its entries; the cursor is its length
        self.epoch = 0
        self.sets_next_aside = False
        self.aside_at = {}      # hash: the position before which it acknowledges
        self.collections = frozenset()

    def copy(self):
        other = Device.__new__(Device)
        other.__dict__.update(self.__dict__)
        other.base = self.base.copy()
        for name in ("pending", "aside", "history"):
            setattr(other, name, list(getattr(self, name)))
        for name in ("met", "own", "refused"):
            setattr(other, name, set(getattr(self, name)))
        other.aside_at, other.void = dict(self.aside_at), dict(self.void)
        return other

    def view(self):
        """Rule 7: the accepted base with the own pending changes laid over it."""
        if not self.pending:
            return self.base
        view = self.base.copy()
        for change in self.pending:
            view.apply(change)
        return view

    def first_witness(self):
        return min([len(self.history)] + [change.witness for change in self.pending])

    def rename_own(self, renaming, cut=True):
        self.pending = [renaming.change(change, cut) for change in self.pending]
        self.void = {renaming.dot(dot): number for dot, number in self.void.items()}
        if self.index == renaming.old and self.counter >= renaming.start:
            self.index = renaming.new

    def rename(self, renaming):
        self.base.rename(renaming)
        self.aside = [renaming.change(change) for change in self.aside]
        self.rename_own(renaming)


class Server:
    """Blind: it looks at dots, vectors, hashes, the deletion's flag, and keys; never at cells, but to collect (which
    in
    the engine the headers tell)."""

    def __init__(self, mutations):
        self.base = Replica(mutations)
        self.log, self.history = [], []  # entries (kind, value), and their ids
        self.name_of, self.dot_of_key = {}, {}   # hash: dot; key: dot
        self.position_of = {}
        self.refused = set()
        self.met = set()  # the oracle's
        self.acknowledged, self.floor = {}, 0
        self.collections = frozenset()

    def copy(self):
        other = Server(self.base.mutations)
        other.base = self.base.copy()
        other.log, other.history = list(self.log), list(self.history)
        other.name_of, other.dot_of_key = dict(self.name_of), dict(self.dot_of_key)
        other.position_of = dict(self.position_of)
        other.met = set(self.met)
        other.refused = set(self.refused)
        other.acknowledged, other.floor = dict(self.acknowledged), self.floor
        other.collections = self.collections
        return other


class World:
    def __init__(self, devices, mutations=()):
        self.mutations = frozenset(mutations)
        self.numbers = itertools.count(1)
        self.devices = [Device(number + 1, self.mutations) for number in range(devices)]
        self.indices = itertools.count(devices + 1)
        self.server = Server(self.mutations)
        self.epoch = 0
        self.backup, self.device_backups = None, {}
        self.to_refuse = set()
        self.writes, self.deleted_by, self.accepted, self.refused = {}, {}, set(), set()  # the oracle's
        self.collected = set()
        self.forks = self.collisions = self.rollbacks = self.reversals = 0

    # ---- writing ----

    def author(self, device, record, cells, deletion=False, again=None, seen=None):
        """A new change on what the device sees; or `again` one that must be made anew, with what it had seen (rule
        8)."""
        view = device.view()
        live = view.live.get(record, {})
        if seen is None:
            seen = view.vector(record)
        holes = {change.dot for change in device.aside if change.record == record and under(seen, change.dot)}
        holes -= set(live)
        if again is not None:
            holes |= again.holes  # what its author could not read then
        if "forget holes" in self.mutations:
            holes = set()
        kept = set()
        for dot, change in live.items():
            if not under(seen, dot):
                continue
            if holes or (deletion and not (change.deletion and len(change.cells) == 1)):
                kept.add(dot)
            elif any(cell not in cells and view.current(record, cell, change) for cell in change.cells):
                kept.add(dot)
        device.counter += 1
        number = next(self.numbers)
        write = again.write if again else number
        change = Change(hash=number, write=write, key=again.key if again else number,
                        dot=(device.index, device.counter), record=record,
                        cells=dict(cells) if again else {cell: write for cell in cells}, seen=seen,
                        kept=frozenset(kept), holes=frozenset(holes), deletion=deletion,
                        witness=again.witness if again else len(device.history))
        device.own.add(change.hash)
        device.pending.append(change)
        return change

    def write(self, number, record, cells):
        """What a person does. A write to a record seen as deleted brings back all that it shows (rule 6)."""
        device = self.devices[number]
        view = device.view()
        shown = view.shown(record)
        if shown[DELETED]:
            cells = tuple(cell for cell in CELLS if cell in cells or shown[cell]) + (DELETED,)
        had_seen = {cell: view.writes_in(record, cell) for cell in SHOWN}
        change = self.author(device, record, cells)
        overwritten = {cell: set(had_seen[cell]) for cell in cells}
        overwritten.setdefault(DELETED, set())
        for deletion in device.collections:
            if self.writes[deletion][0] == record:
                overwritten[DELETED].add(deletion)
                for cell in CELLS:
                    overwritten.setdefault(cell, set()).update(self.deleted_by[deletion][cell])
        self.writes[change.write] = (record, overwritten, tuple(cells), False)
        return True

    def delete(self, number, record):
        device = self.devices[number]
        view = device.view()
        shown = view.shown(record)
        if shown[DELETED] or not any(shown[cell] for cell in CELLS):
            return False
        had_seen = view.writes_in(record, DELETED)
        change = self.author(device, record, (DELETED,), True)
        self.deleted_by[change.write] = {cell: frozenset(shown[cell]) for cell in CELLS}
        self.writes[change.write] = (record, {DELETED: had_seen}, (DELETED,), True)
        return True

    def let_go(self, device, change):
        """It will never be accepted: its owner is told, and has it aside."""
        self.to_refuse.discard(change.hash)
        self.server.refused.add(change.key)
        device.refused.add(change.key)
        self.refused.add(change.write)

    def make_again(self, device, rest):
        """Rule 8: later changes are made again in order. Seen is as it was when written, and covers what they are
        made
        anew as; kept is found on today's base. What was written on a record that a refused change had
        brought back falls with it."""
        again_of, fallen = {}, set()
        for change in rest:
            device.void[change.dot] = change.hash
            self.add_void(change.dot, change.hash)
            if change.key in self.server.refused or (change.record in fallen and DELETED not in change.cells):
                self.let_go(device, change)
                if DELETED in change.cells and not change.deletion:
                    fallen.add(change.record)
                continue
            fallen.discard(change.record)
            taken = self.server.dot_of_key.get(change.key)
            if taken is not None and "copies are not known" not in self.mutations:
                again_of.setdefault(change.record, []).append(taken)
                continue
            seen, met = dict(change.seen), again_of.get(change.record, ())
            for dot in met:
                join(seen, dot)
            unseen = {dot for dot in device.base.live.get(change.record, ())
                      if under(seen, dot) and not under(change.seen, dot) and dot not in met}
            again = change.copy(holes=change.holes | unseen)  # what only the joining put under seen
            made = self.author(device, change.record, change.cells, change.deletion, again, seen)
            again_of.setdefault(change.record, []).append(made.dot)

    # ---- meeting ----

    def add_entry(self, kind, value):
        self.server.log.append((kind, value))
        self.server.history.append(next(self.numbers))

    def add_void(self, dot, number):
        base = self.server.base
        if dot not in base.known and dot not in base.void:
            base.void[dot] = number
            self.add_entry("void", (dot, number))

    def accept(self, change):
        server = self.server
        self.add_entry("change", change)
        server.base.apply(change)
        server.name_of[change.hash] = change.dot
        server.dot_of_key.setdefault(change.key, change.dot)
        server.position_of[change.dot] = len(server.history)
        server.refused.discard(change.key)
        server.met.add(change.write)
        self.accepted.add(change.write)
        if change.write in self.refused:  # a lost log had accepted it, and nobody here knew
            self.reversals += 1
            self.refused.discard(change.write)

    def accept_stub(self, change):
        server = self.server
        self.add_entry("stub", change)
        server.base.bury(change)
        server.name_of[change.hash] = change.dot
        server.dot_of_key.setdefault(change.key, change.dot)
        server.position_of[change.dot] = len(server.history)

    def accept_twin(self, change, twin, is_live):
        """What was accepted twice, in two logs, under two names, is one write."""
        self.accept_stub(change)
        self.add_entry("same", (twin, change.dot))
        self.server.base.same(twin, change.dot)
        if not is_live and twin in self.server.base.live.get(change.record, {}):
            self.bury(change.record, (twin,))

    def bury(self, record, dots, collections=frozenset()):
        for dot in dots:
            self.server.base.live[record].pop(dot, None)
        self.server.collections |= collections
        self.add_entry("dead", (record, tuple(dots), collections))

    def connect(self, device):
        server = self.server
        common = 0
        for mine, theirs in zip(device.history, server.history):
            if mine != theirs:
                break
            common += 1
        if common < len(device.history) and device.epoch == self.epoch and "silence" not in self.mutations:
            self.epoch += 1  # rule 14: the server is shown its own signed head
        if device.epoch != self.epoch:
            if "epoch is enough" not in self.mutations:
                device.pending = [change.copy(witness=min(change.witness, common)) for change in device.pending]
            device.epoch = self.epoch
            self.give_back(device)
            self.find_fork(device)
            self.pull_anew(device)
        elif len(device.history) < server.floor:
            self.pull_anew(device)
        self.find_fork(device)
        self.tell_voids(device)

    def tell_voids(self, device):
        """Signed void stubs fill the holes in a device's chain; whoever pushes behind them brings them along."""
        server = self.server
        if "voids are forgotten" not in self.mutations:
            server.refused |= {key for key in device.refused if key not in server.dot_of_key}
            for dot, number in device.void.items():
                self.add_void(dot, number)

    def find_fork(self, device):
        """Rule 11, before anything is merged: own names under which the log has what this device did not write."""
        server = self.server
        if "no own hashes" in self.mutations:
            return
        for _ in range(RENAMES_MAX):
            moved = [(change, server.name_of[change.hash]) for change in device.pending
                     if server.name_of.get(change.hash, change.dot) != change.dot]
            if not moved:
                break
            change, name = moved[0]
            device.rename_own(Renaming(change.dot[0], change.dot[1], name[0]))
        else:
            raise RecursionError
        strangers = [dot[1] for dot, change in server.base.known.items()
                     if dot[0] == device.index
                     and (change.hash not in device.own or device.void.get(dot) == change.hash)]
        strangers += [dot[1] for dot, number in server.base.void.items()
                      if dot[0] == device.index and number not in device.own]
        if not strangers:
            return
        self.forks += 1
        unsent = [change.dot[1] for change in device.pending if change.hash not in server.name_of]
        start = min(unsent + strangers + [device.counter + 1])
        branch = next(self.indices)
        device.rename_own(Renaming(device.index, start, branch), "branch without cut" not in self.mutations)
        device.index = branch

    def give_back(self, device):
        """Rules 12 and 13: in a new log epoch the device returns what the server lost, under names that are free."""
        server = self.server
        self.name_all(device)
        for dot, number in device.base.void.items():
            self.add_void(dot, number)
        for change in list(device.base.known.values()):
            if change.hash in server.name_of:
                continue
            if change.dot in server.base.known:
                continue  # only without renaming
            twin = server.dot_of_key.get(change.key)
            if twin is not None and "copies are not known" not in self.mutations:
                self.accept_twin(change, twin, device.base.is_live(change))
            elif device.base.is_live(change):
                self.accept(change)
            elif "no stubs" not in self.mutations:
                self.accept_stub(change)
        if "asides stay" not in self.mutations:
            for change in device.aside:
                if change.hash not in server.name_of and change.dot not in server.base.known:
                    self.accept(change)
        if "no deaths" not in self.mutations:
            for record, live in list(server.base.live.items()):
                dead = [dot for dot, change in live.items() if device.base.known.get(dot) is not None
                        and not device.base.is_live(change)]
                if dead:
                    self.bury(record, dead, device.collections)
        server.collections |= device.collections

    def name_all(self, device):
        if "no renaming" in self.mutations:
            return
        server = self.server
        for _ in range(RENAMES_MAX):
            renaming = None
            for dot, number, is_void in self.names_of(device):
                name = server.name_of.get(number)
                if name not in (None, dot) and not is_void:
                    renaming = Renaming(dot[0], dot[1], name[0])
                    break
                taken = dot in server.base.known or (dot in server.base.void and not is_void)
                if taken and (name is None or is_void):
                    self.collisions += 1
                    renaming = Renaming(dot[0], dot[1], next(self.indices))
                    break
            if renaming is None:
                return
            device.rename(renaming)
        raise RecursionError

    def names_of(self, device):
        names = [(change.dot, change.hash, False) for change in list(device.base.known.values()) + device.aside]
        names += [(dot, number, True) for dot, number in {**device.base.void, **device.void}.items()]
        return sorted(names, key=lambda name: (name[0][1], name[0][0], name[1]))

    def pull_anew(self, device):
        """The base is what the log says: in a new epoch, and below the floor, it is made from the first entry on."""
        waits = {change.hash for change in device.aside}
        read = {change.hash for change in device.base.known.values()}
        device.base = Replica(self.mutations)
        device.history = []
        self.follow(device, waits, read)
        device.aside = [change for change in device.aside
                        if self.server.base.is_live(change) or change.hash not in self.server.name_of]

    def follow(self, device, waits=(), read=()):
        server = self.server
        for position in range(len(device.history), len(server.log)):
            kind, value = server.log[position]
            if kind in ("change", "stub"):
                device.met.add(value.write)
            device.history.append(server.history[position])
            if kind == "dead":
                record, dots, collections = value
                for dot in dots:
                    device.base.live.get(record, {}).pop(dot, None)
                device.collections |= collections
                device.aside = [change for change in device.aside if change.dot not in dots]
            elif kind == "stub":
                device.base.bury(value)
            elif kind == "void":
                if "voids are nobody's" not in self.mutations:
                    device.base.void[value[0]] = value[1]
            elif kind == "same":
                device.base.same(*value)
            elif value.hash in waits:
                device.aside_at.setdefault(value.hash, position)
            elif device.sets_next_aside and not (value.key in device.own or value.hash in read
                                                 or value.dot in device.base.known):
                device.sets_next_aside = False
                device.aside.append(value)
                device.aside_at[value.hash] = position
            else:
                device.base.apply(value)
        device.pending = [change for change in device.pending if change.hash not in server.name_of]

    def settle(self, device):
        """Rules 8 and 17: what is refused, or was written before what has been collected since, goes to its owner."""
        server = self.server
        while True:
            stops = [place for place, change in enumerate(device.pending) if self.is_refused(change)]
            if not stops:
                return
            place = stops[0]
            change, rest = device.pending[place], device.pending[place + 1:]
            device.pending = device.pending[:place]
            if change.key not in server.dot_of_key:
                self.let_go(device, change)
            if "later ones pass" in self.mutations:
                device.pending += rest
            else:
                self.make_again(device, [change] + rest)

    def is_refused(self, change):
        server = self.server
        if change.hash in server.name_of:
            return False
        below = change.witness < server.floor and "look at the cursor only" not in self.mutations
        taken = change.key in server.dot_of_key and "copies are not known" not in self.mutations
        return change.hash in self.to_refuse or change.key in server.refused or below or taken

    def push(self, number):
        device = self.devices[number]
        if not device.pending:
            return False
        self.connect(device)
        if any(self.is_refused(change) for change in device.pending):
            self.follow(device)
            self.settle(device)
        for change in device.pending:
            if change.hash not in self.server.name_of:
                self.accept(change)
        self.acknowledge(device)
        return True

    def pull(self, number):
        device = self.devices[number]
        before = len(device.history)
        self.connect(device)
        self.follow(device)
        self.settle(device)
        self.acknowledge(device)
        return len(device.history) != before

    def acknowledge(self, device):
        """Rule 16."""
        position = len(device.history)
        if "acknowledge by cursor" not in self.mutations:
            unsent = [change.witness for change in device.pending if change.hash not in self.server.name_of]
            position = min([position] + unsent + [device.aside_at[change.hash] for change in device.aside])
        self.server.acknowledged[device.index] = position

    # ---- the server's own doing ----

    def compact(self):
        base = self.server.base
        stubs = [(place, value) for place, (kind, value) in enumerate(self.server.log)
                 if kind == "change" and not base.is_live(value)]
        for place, value in stubs:
            self.server.log[place] = ("stub", value)
        return bool(stubs)

    def collect(self):
        server, base = self.server, self.server.base
        floor = min(server.acknowledged.get(device.index, 0) for device in self.devices)
        done = floor > server.floor
        server.floor = max(server.floor, floor)
        for record, live in list(base.live.items()):
            if live and self.collectable(record, live, floor):
                deletions = frozenset(change.write for change in live.values() if change.deletion)
                self.collected |= deletions
                self.bury(record, tuple(live), deletions)
                done = True
        if done:
            self.compact()
        return done

    def collectable(self, record, live, floor):
        base = self.server.base
        deletions = [change for change in live.values()
                     if change.deletion and base.current(record, DELETED, change)]
        restored = any(DELETED in change.cells and not change.deletion and base.current(record, DELETED, change)
                       for change in live.values())
        return (deletions and not restored
                and all(self.server.position_of[dot] <= floor for dot in live)
                and all(change.deletion or any(under(deletion.seen, dot) and dot not in deletion.holes
                                               for deletion in deletions) for dot, change in live.items()))

    # ---- faults ----

    def server_backup(self):
        if not self.server.history:
            return False
        self.backup = self.server.copy()
        return True

    def server_restore(self, announced=True):
        if self.backup is None or self.backup.history == self.server.history:
            return False
        self.server, self.backup = self.backup, None
        self.epoch += announced
        self.rollbacks += 1
        return True

    def device_backup(self, number):
        self.device_backups[number] = self.devices[number].copy()
        return True

    def device_restore(self, number):
        if number not in self.device_backups:
            return False
        self.devices[number] = self.device_backups.pop(number)
        return True

    def clone(self, number, devices_max=4):
        if len(self.devices) >= devices_max:
            return False
        self.devices.append(self.devices[number].copy())
        return True

    def refuse(self, number):
        pending = self.devices[number].pending
        if not pending or self.to_refuse:
            return False
        self.to_refuse.add(pending[0].hash)
        return True

    def put_aside(self, number):
        device = self.devices[number]
        if device.sets_next_aside or device.aside:
            return False
        device.sets_next_aside = True
        return True

    def take_up(self, number):
        device = self.devices[number]
        if not device.aside:
            return False
        waiting, device.aside = device.aside, []
        for change in waiting:
            device.base.apply(change)
        return True

    def settle_all(self, rounds=4):
        for device in self.devices:
            device.sets_next_aside = False
        for _ in range(rounds):
            for number in range(len(self.devices)):
                self.push(number)
                self.pull(number)
                self.take_up(number)
