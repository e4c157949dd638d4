"""Plants one bug at a time and demands that the tests which should notice it do.

    make mutants                     every one
    make mutants SLICE=3/8           the third of eight parts: all eight are every one
    make mutants MUTANTS=4 SEED=7    four, chosen by SEED (printed; a new one each time without)
    make mutants BUG="a clock"       those whose names have that in them

The source is copied beside the build, once; only what a bug touches is compiled again, and one test program linked. A
test that fails without a bug says nothing and is a failure. One that does not end has noticed the bug if it ended soon
without: it has twenty times that time, and a minute. Says which test caught it.
"""
import os
import random
import shlex
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
BASELINE_TIME_MAX_S = 600
FOLDERS = ("common", "server", "client", "tests", "deploy", "docs", ".ci")
OURS = ("SEED", "MUTANTS", "SLICE", "BUG", "LIVES", "MAKEFLAGS")  # not for the tests


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def same(path, other):
    with open(path, "rb") as one, open(other, "rb") as two:
        return one.read() == two.read()


class Test:
    """A program, and what stands in its environment: "SEED=3 faults/test_faults"."""

    def __init__(self, text):
        words = shlex.split(text)
        self.text, self.suite, self.program = text, *words[-1].split("/")
        self.env = dict(word.split("=", 1) for word in words[:-1])


class Copy:
    """The source in a folder of its own, as it is now; files that are the same keep their times, so that a build of an
    earlier run is good for this one."""

    def __init__(self):
        self.folder = os.path.join(BUILD, "source")
        self.took_s = {}
        for folder in FOLDERS:
            self.take(folder)
        shutil.copy2(os.path.join(ROOT, "Makefile"), self.folder)

    def take(self, folder):
        kept = set()
        for at, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [name for name in folders if name not in ("corpus", "__pycache__")]
            to = os.path.join(self.folder, os.path.relpath(at, ROOT))
            os.makedirs(to, exist_ok=True)
            for name in names:
                source, target = os.path.join(at, name), os.path.join(to, name)
                kept.add(target)
                if not os.path.exists(target) or not same(source, target):
                    shutil.copy(source, target)
        # What is no longer there would be compiled all the same.
        for at, _, names in os.walk(os.path.join(self.folder, folder)):
            for name in names:
                if os.path.join(at, name) not in kept:
                    os.remove(os.path.join(at, name))

    def make(self, suite, program):
        env = {name: value for name, value in os.environ.items() if name not in OURS}
        done = subprocess.run(["make", "--no-print-directory", "-j2", "-C", self.folder, "T=%s" % program,
                               "BUILD=%s" % os.path.join(BUILD, "release"), "%s-programs" % suite],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, check=False)
        return done.returncode == 0, done.stdout.decode("utf-8", "replace")

    def fails(self, text):
        """Whether the test notices it, and what it said; None and why if it cannot be built."""
        test = Test(text)
        built, said = self.make(test.suite, test.program)
        if not built:
            return None, said
        env = {name: value for name, value in os.environ.items() if name not in OURS}
        begun = time.monotonic()
        time_max_s = 60 + 20 * self.took_s[text] if text in self.took_s else BASELINE_TIME_MAX_S
        try:
            done = subprocess.run([os.path.join(BUILD, "release", "tests", test.suite, test.program)], cwd=self.folder,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=time_max_s, env=dict(env, **test.env), check=False)
        except subprocess.TimeoutExpired:
            return True, "[  FAILED  ] it does not end within %d s" % time_max_s
        self.took_s.setdefault(text, time.monotonic() - begun)
        return done.returncode != 0, done.stdout.decode("utf-8", "replace")


def check_baseline(copy, mutants):
    """Without a bug they pass, or a failure would say nothing."""
    failed = 0
    for test in sorted({test for mutant in mutants for test in mutant.tests}):
        fails, said = copy.fails(test)
        if fails is not False:
            failed += 1
            print("FAIL  %s fails without a planted bug:\n%s" % (test, said[-1500:]), flush=True)
    return failed


def first_failure(text):
    for line in text.splitlines():
        if line.startswith("[  FAILED  ]"):
            return line.split("] ", 1)[1].strip()
    return "it dies: " + ([line for line in text.splitlines() if line.strip()] or ["without a word"])[-1].strip()


def try_one(copy, mutant):
    """Returns an error, or None."""
    path = os.path.join(copy.folder, mutant.path)
    text, begun = read(path), time.monotonic()
    if text.count(mutant.before) != 1:
        return "its place in %s is there %d times" % (mutant.path, text.count(mutant.before))
    write(path, text.replace(mutant.before, mutant.after))
    try:
        for test in mutant.tests:
            failed, said = copy.fails(test)
            if failed is None:
                return "%s cannot be built:\n%s" % (test, said[-1500:])
            if failed:
                print("ok    %s: %s, %s (%d s)" % (mutant.name, test, first_failure(said), time.monotonic() - begun),
                      flush=True)
                return None
    finally:
        write(path, text)
    return "nothing noticed it: %s" % ", ".join(mutant.tests)


def choose():
    """What the environment asks for; says what that is."""
    part, some, bug = (os.environ.get(name) for name in ("SLICE", "MUTANTS", "BUG"))
    if part:
        which, parts = map(int, part.split("/"))
        if not 1 <= which <= parts:
            sys.exit("SLICE=%s: from 1/%d to %d/%d" % (part, parts, parts, parts))
        print("SLICE=%s of %d planted bugs" % (part, len(MUTANTS)), flush=True)
        return MUTANTS[which - 1::parts]
    if bug:
        return [mutant for mutant in MUTANTS if bug in mutant.name]
    if not some or some == "all":
        print("all %d planted bugs" % len(MUTANTS), flush=True)
        return list(MUTANTS)
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print("SEED=%d: %s of %d planted bugs" % (seed, some, len(MUTANTS)), flush=True)
    return random.Random(seed).sample(MUTANTS, min(int(some), len(MUTANTS)))


def main():
    begun, failed, chosen = time.monotonic(), 0, choose()
    copy = Copy()
    failed += check_baseline(copy, chosen)
    print("without a bug they pass: %d tests, %d s" % (len(copy.took_s), time.monotonic() - begun), flush=True)
    for mutant in chosen:
        error = try_one(copy, mutant)
        if error:
            failed += 1
            print("FAIL  %s: %s" % (mutant.name, error), flush=True)
    print("%d s" % (time.monotonic() - begun))
    print("%d passed, %d failed" % (len(chosen) - min(failed, len(chosen)), failed))
    sys.exit(1 if failed or not chosen else 0)


if __name__ == "__main__":
    main()
