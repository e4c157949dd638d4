"""What must be true when all have met. It knows writes and what their authors had before their eyes, and no vectors."""
from replica import CELLS, DELETED, SHOWN


def judge(world):
    """A list of (kind, …): empty for a life that ended well."""
    return disagreements(world) + wrong_values(world)


def disagreements(world):
    bad = []
    summary = world.server.base.summary()
    for number, device in enumerate(world.devices):
        if device.base.summary() != summary:
            bad.append(("DIVERGE", number, device.base.summary(), summary))
        if device.pending:
            bad.append(("STUCK", number))
    return bad


def wrong_values(world):
    held = world.server.met.union(*(device.met for device in world.devices))
    counts = (world.accepted & held) - world.refused
    bad = []
    for record in sorted({write[0] for write in world.writes.values()}):
        shown = world.server.base.shown(record)
        expected = {cell: expect(world, record, cell, counts) for cell in SHOWN}
        collected = {cell: set() for cell in CELLS}
        for deletion in expected[DELETED] & world.collected:
            for cell in CELLS:
                collected[cell] |= through(world, world.deleted_by[deletion][cell], cell, counts)
        for cell in CELLS:
            if expected[cell] - shown[cell] - collected[cell]:
                bad.append(("LOST", record, cell, expected[cell] - shown[cell]))
            if shown[cell] - expected[cell]:
                bad.append(("BACK", record, cell, shown[cell] - expected[cell]))
        if expected[DELETED] and not shown[DELETED] and any(shown[cell] for cell in CELLS):
            bad.append(("UNDELETED", record, expected[DELETED]))
        if expected[DELETED] - world.collected and not shown[DELETED]:
            bad.append(("DLOST", record, expected[DELETED] - shown[DELETED]))
        if shown[DELETED] - expected[DELETED]:
            bad.append(("STILLDEL", record, shown[DELETED] - expected[DELETED]))
    return bad


def expect(world, record, cell, counts):
    """The writes that must be seen: those that count and that no other that counts had before its eyes."""
    written, overwritten = set(), set()
    for number in counts:
        where, had_seen, cells, deletion = world.writes[number]
        if where != record:
            continue
        overwritten |= behind(world, number, cell, counts)
        if cell in cells and (cell != DELETED or deletion):
            written.add(number)
    return written - overwritten


def behind(world, number, cell, counts):
    return through(world, world.writes[number][1].get(cell, ()), cell, counts)


def through(world, had_seen, cell, counts):
    """What somebody had before the eyes; behind a write that does not count, what that one's author had."""
    found, waiting = set(), list(had_seen)
    while waiting:
        other = waiting.pop()
        if other in found:
            continue
        found.add(other)
        if other not in counts:
            waiting.extend(world.writes[other][1].get(cell, ()))
    return found
