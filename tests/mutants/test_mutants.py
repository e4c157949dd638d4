"""Plants one bug at a time and demands that the tests which should notice it do.

    MUTANTS=all   every one (make mutants); else as many as MUTANTS says (2), chosen by SEED

The source is copied beside the build, once; only what a bug touches is compiled again. Says which test caught it.
"""
import os
import random
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

from mutants import MUTANTS  # noqa: E402

BUILD = os.path.join(ROOT, ".build", "mutants")
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
HOW_MANY = os.environ.get("MUTANTS") or "2"
TEST_TIME_MAX_S = 300
FOLDERS = ("common", "server", "client", "tests", "deploy", "docs", ".ci")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Copy:
    """The source in a folder of its own, as it is now; files that are the same keep their times, so that a build of an
    earlier run is good for this one."""

    def __init__(self):
        self.folder = os.path.join(BUILD, "source")
        for folder in FOLDERS:
            self.take(folder)
        shutil.copy2(os.path.join(ROOT, "Makefile"), self.folder)

    def take(self, folder):
        for at, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [name for name in folders if name not in ("corpus", "__pycache__")]
            to = os.path.join(self.folder, os.path.relpath(at, ROOT))
            os.makedirs(to, exist_ok=True)
            for name in names:
                source, target = os.path.join(at, name), os.path.join(to, name)
                if not os.path.exists(target) or open(source, "rb").read() != open(target, "rb").read():
                    shutil.copy(source, target)

    def make(self, suite, program):
        done = subprocess.run(["make", "--no-print-directory", "-C", self.folder, "T=%s" % program,
                               "BUILD=%s" % os.path.join(BUILD, "release"), "%s-programs" % suite],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode == 0, done.stdout.decode("utf-8", "replace")

    def fails(self, suite, program):
        """Whether the test notices it; None and why if it cannot be built."""
        built, text = self.make(suite, program)
        if not built:
            return None, text
        try:
            done = subprocess.run([os.path.join(BUILD, "release", "tests", suite, program)], cwd=self.folder,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TEST_TIME_MAX_S,
                                  check=False)
        except subprocess.TimeoutExpired:
            return True, "it does not end"
        return done.returncode != 0, done.stdout.decode("utf-8", "replace")


def check_baseline(copy, mutants):
    """Without a bug they pass, or a failure would say nothing."""
    failed = 0
    for test in sorted({test for mutant in mutants for test in mutant.tests}):
        fails, said = copy.fails(*test.split("/"))
        if fails is not False:
            failed += 1
            print("FAIL  %s fails without a planted bug:\n%s" % (test, said[-1500:]), flush=True)
    return failed


def first_failure(text):
    for line in text.splitlines():
        if line.startswith("[  FAILED  ]"):
            return line.split("] ", 1)[1].strip()
    return "it dies"


def try_one(copy, mutant):
    """Returns an error, or None."""
    path = os.path.join(copy.folder, mutant.path)
    text = read(path)
    if text.count(mutant.before) != 1:
        return "its place in %s is there %d times" % (mutant.path, text.count(mutant.before))
    write(path, text.replace(mutant.before, mutant.after))
    try:
        for test in mutant.tests:
            failed, said = copy.fails(*test.split("/"))
            if failed is None:
                return "%s cannot be built:\n%s" % (test, said[-1500:])
            if failed:
                print("ok    %s: %s, %s" % (mutant.name, test, first_failure(said)), flush=True)
                return None
    finally:
        write(path, text)
    return "nothing noticed it: %s" % ", ".join(mutant.tests)


def main():
    print("seed %d, %s of %d planted bugs" % (SEED, HOW_MANY, len(MUTANTS)), flush=True)
    begun, failed = time.monotonic(), 0
    chosen = list(MUTANTS)
    if HOW_MANY != "all":
        chosen = random.Random(SEED).sample(MUTANTS, int(HOW_MANY))
    # Those that are not tried now must have their place all the same.
    for mutant in MUTANTS:
        count = read(os.path.join(ROOT, mutant.path)).count(mutant.before)
        if mutant not in chosen and count != 1:
            failed += 1
            print("FAIL  %s: its place in %s is there %d times" % (mutant.name, mutant.path, count), flush=True)
    copy = Copy()
    failed += check_baseline(copy, chosen)
    for mutant in chosen:
        error = try_one(copy, mutant)
        if error:
            failed += 1
            print("FAIL  %s: %s" % (mutant.name, error), flush=True)
    print("%d s" % (time.monotonic() - begun))
    print("%d passed, %d failed" % (len(chosen) - min(failed, len(chosen)), failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
