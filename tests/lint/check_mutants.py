"""Every planted bug of tests/mutants has its place in the source, once, and names tests that are there."""
import os
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "mutants"))

from mutants import MUTANTS  # noqa: E402


def complaints(mutant):
    with open(os.path.join(ROOT, mutant.path), encoding="utf-8") as file:
        count = file.read().count(mutant.before)
    if count != 1:
        yield "its place in %s is there %d times" % (mutant.path, count)
    for test in mutant.tests:
        if not os.path.exists(os.path.join(ROOT, "tests", test.split()[-1] + ".c")):
            yield "there is no %s" % test


failed = 0
for each in MUTANTS:
    for complaint in complaints(each):
        failed += 1
        print("%s: %s" % (each.name, complaint))
print("%d passed, %d failed" % (len(MUTANTS) - failed, failed))
sys.exit(1 if failed else 0)
