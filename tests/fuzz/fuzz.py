#!/usr/bin/env python3
"""Runs the fuzz targets, two at a time, each for an even share of the time, and closes with "N passed, N failed".

    tests/fuzz/fuzz.py [--keep] [--jobs N] BUILD SECONDS [TARGET…]

`make fuzz FOR=60` calls it, BUILD being .build/fuzz.

A target begins with its committed corpus and what earlier runs have found (BUILD/corpus). What ends a target is in
BUILD/crashes, what it said in BUILD/logs. With --keep the committed corpora are chosen anew from all that is known:
the few small inputs that reach the most. A file with a name of its own (not a hash) tells of a mended fault and stays.

SEED (printed): of the fuzzer's choices, which are the same again where BUILD/corpus is empty, or the same. How many it
makes in the time depends on the machine; what went wrong is in BUILD/crashes, and
`.build/asan/tests/fuzz/test_fuzz_<target> FILE` plays it again.
"""
import argparse
import concurrent.futures
import glob
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
JOBS = 2
INPUT_TIME_MAX_S = 25
START_AND_END_S = 1  # of a target, together
MEMORY_MAX_MB = 2048
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1, 1 << 31))
KEPT_FILES_MAX = 64
KEPT_BYTES_MAX = 8 * 1024
KEPT_TOGETHER_MAX = 40 * 1024
FILE_WORTH_BYTES = 512  # what a file costs besides its bytes
HASHED = re.compile(r"^[0-9a-f]{16}$")
LINES_SHOWN_MAX = 24
COUNTERS_OF_A_PLACE = 8  # the fuzzer counts up to 128 visits, in eight steps


def read(path):
    with open(path, "rb") as file:
        return file.read()


def hash_of(path):
    return hashlib.sha256(read(path)).hexdigest()[:16]


def ending(text):
    """The lines of a log that tell what happened."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if re.search(r"internal check failed|runtime error|ERROR: |^SUMMARY", line):
            where = [line for line in lines if re.search("Test unit written|^Base64: ", line)]
            return lines[number:number + LINES_SHOWN_MAX] + where
    return lines[-LINES_SHOWN_MAX:]


class Target:
    def __init__(self, build, what):
        self.what = what
        self.program = os.path.join(build, "fuzz_" + what)
        self.committed = os.path.join(HERE, "corpus", what)
        self.found = os.path.join(build, "corpus", what)
        self.crashes = os.path.join(build, "crashes", what + "-")
        self.log = os.path.join(build, "logs", what + ".log")
        self.control = os.path.join(build, "logs", what + ".merge")
        self.begins = os.path.join(build, "logs", what + ".begins")
        for folder in (self.committed, self.found, os.path.dirname(self.crashes), os.path.dirname(self.log)):
            os.makedirs(folder, exist_ok=True)

    def call(self, *arguments):
        options = ["-timeout=%d" % INPUT_TIME_MAX_S, "-rss_limit_mb=%d" % MEMORY_MAX_MB,
                   "-artifact_prefix=" + self.crashes]
        words = os.path.join(HERE, self.what + ".dict")
        if os.path.exists(words):
            options.append("-dict=" + words)
        env = dict(os.environ)
        env.setdefault("ASAN_OPTIONS", "quarantine_size_mb=16:malloc_context_size=8")
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        with open(self.log, "wb") as log:
            return subprocess.call([self.program] + options + list(arguments), cwd=ROOT, env=env,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def begin_with_committed(self):
        """In the order of their names: that of a folder is the disk's, and the choices follow from it."""
        with open(self.begins, "w", encoding="utf-8") as begins:
            begins.write(",".join(sorted(glob.glob(os.path.join(self.committed, "*")))))
        return "-seed_inputs=@" + self.begins

    def fuzz(self, seconds):
        # -reload=0: to look into BUILD/corpus each second makes choices, too, which a clock would time.
        code = self.call("-max_total_time=%d" % seconds, "-seed=%d" % SEED, "-reload=0", "-print_final_stats=1",
                         self.begin_with_committed(), self.found)
        text = self.said()
        runs = re.findall(r"number_of_executed_units: *(\d+)", text) or ["?"]
        reached = re.findall(r"cov: (\d+)", text) or ["?"]
        verdict = "FAIL " if code else "ok   "
        print("%s %-12s %9s runs in %d s, %s places reached" % (verdict, self.what, runs[-1], seconds, reached[-1]),
              flush=True)
        if code:
            print("\n".join("    | " + line for line in ending(text)), flush=True)
        return code == 0

    def features(self):
        """What each known input reaches, as the fuzzer itself counts it: [(path, set)]."""
        for path in (self.control, self.control + ".out"):
            shutil.rmtree(path, ignore_errors=True)
            if os.path.exists(path):
                os.remove(path)
        os.makedirs(self.control + ".out")
        self.call("-set_cover_merge=1", "-merge_control_file=" + self.control, self.control + ".out", self.committed,
                  self.found)
        with open(self.control, encoding="utf-8") as control:
            lines = control.read().splitlines()
        files = lines[2:2 + int(lines[0])]
        reached = {}
        for line in lines[2 + len(files):]:
            words = line.split()
            if words and words[0] == "FT":
                reached[int(words[1])] = set(map(int, words[2:]))
        return [(files[index], what) for index, what in sorted(reached.items())]

    def keep(self):
        """Chooses what reaches every place first, then what reaches one more or less often."""
        known = [(path, what, os.path.getsize(path)) for path, what in self.features()]
        names = [path for path, _, _ in known
                 if os.path.dirname(path) == self.committed and not HASHED.match(os.path.basename(path))]
        chosen = {os.path.basename(path): None for path in names}
        room = KEPT_TOGETHER_MAX
        for thing in (lambda feature: feature // COUNTERS_OF_A_PLACE, lambda feature: feature):
            left = [(path, set(map(thing, what)), size) for path, what, size in known if size <= KEPT_BYTES_MAX]
            covered = set().union(*(what for path, what, _ in left
                                    if path in names or hash_of(path) in chosen))
            while len(chosen) < KEPT_FILES_MAX:
                left = [it for it in left if it[1] - covered and it[2] <= room]
                if not left:
                    break
                best = max(left, key=lambda it: (len(it[1] - covered) / (FILE_WORTH_BYTES + it[2]), it[0]))
                covered |= best[1]
                room -= best[2]
                chosen[hash_of(best[0])] = best[0]
        self.replace(chosen)
        print("kept  %-12s %d inputs" % (self.what, len(chosen)), flush=True)

    def replace(self, chosen):
        data = {name: read(path) for name, path in chosen.items() if path}
        for path in glob.glob(os.path.join(self.committed, "*")):
            if os.path.basename(path) not in chosen:
                os.remove(path)
        for name, contents in data.items():
            with open(os.path.join(self.committed, name), "wb") as file:
                file.write(contents)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("build")
    parser.add_argument("seconds", type=int)
    parser.add_argument("targets", nargs="*")
    given = parser.parse_args()
    names = sorted(os.path.basename(path)[5:-2] for path in glob.glob(os.path.join(HERE, "fuzz_*.c")))
    names = [re.sub("^(test_)?fuzz_", "", name) for name in given.targets] or names
    targets = [Target(os.path.abspath(given.build), name) for name in names]
    share = max(1, given.seconds * given.jobs // max(given.jobs, len(targets)) - START_AND_END_S)
    good = [True] * len(targets)
    if given.seconds:
        print("SEED=%d, %d s each" % (SEED, share), flush=True)
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        if given.seconds:
            good = list(pool.map(lambda target: target.fuzz(share), targets))
        if given.keep:
            list(pool.map(Target.keep, targets))
    print("%d passed, %d failed" % (good.count(True), good.count(False)))
    return 0 if all(good) and good else 1


if __name__ == "__main__":
    sys.exit(main())
