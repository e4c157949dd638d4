#!/usr/bin/env python3
"""Runs the test programs that are built, and closes with the sum: 'N passed, N failed'. Two at a time of those that
compute, and beside them two of those that mostly wait: for a server, a line, a disk, a time that was agreed.

    tests/run.py [--verbose] [--only NAME] MODE:SUITE[=NAME,…]…      for example  release:unit asan:unit release:lint

A suite is a folder of tests/ (`vectors` also makes the golden vectors anew and compares them). A C program reports
through cmocka's closing lines; everything else ends with a line 'N passed, N failed'. A program that says neither,
fails without naming a failure, or does not end, counts as a failure. With names (asan:cli=test_book_*) of a suite only
those programs are run.

Every program runs in the project's root with
    SATCHEL_BUILD    .build/<MODE>, absolute      SATCHELD, SATCHEL    the two programs in it (QUICK: another satchel)
    TMPDIR           a fresh directory, removed afterwards
"""
import concurrent.futures
import fnmatch
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = 2
WAITING = ("server", "client", "cli", "network", "hostile", "kill", "demo")
# Tests of thousands of commands, each of which would hash a passphrase for a tenth of a second: they run satchel-quick,
# which is the program but for that. Those that look at passphrases and at what lies on the disk, and one that goes
# through everything, run the program itself, as do those of the other suites.
QUICK = ("cli", "network", "hostile", "kill")
WHOLE = ("test_cli.py", "test_members.py", "test_passphrase.py", "test_secrets.py")
TIME_MAX_S = int(os.environ.get("TIME_MAX_S") or 900)
LINES_SHOWN_MAX = 200
PASSED = re.compile(r"^\[  PASSED  \] (\d+) test", re.M)
FAILED = re.compile(r"^\[  FAILED  \] (\d+) test", re.M)
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed", re.M)
CMOCKA = re.compile(r"^\[ *(=+|-+|RUN|OK|PASSED|FAILED|SKIPPED) *\]")
# What was not looked at is to be seen, also where everything else passes.
LEFT_OUT = re.compile(r"\.\.\. skipped |^no systemd-analyze|^neither mandoc nor groff")
# What these suites print is worth reading when they pass, too: the simulated lives count what happened in them, and the
# failures how many were tried.
TALKATIVE = ("sim", "model", "faults", "kill")

output_lock = threading.Lock()


class Program:
    def __init__(self, mode, suite, path, command):
        self.mode, self.suite, self.command = mode, suite, command
        self.name = os.path.basename(path)
        self.title = "%s/%s%s" % (suite, self.name, "" if mode == "release" else " (%s)" % mode)
        self.passed = self.failed = 0
        self.reason = self.output = ""


def plain(program):
    return re.sub(r"\.(py|sh)$", "", program.name)


def build_dir(mode):
    return os.path.join(ROOT, ".build", mode)


def say(text):
    with output_lock:
        print(text, flush=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def script(path):
    return ["sh", path] if path.endswith(".sh") else [sys.executable, "-B", path]


def find_programs(mode, suite):
    """The programs of a suite. Only what has a source is run: a program left over from an earlier build is not."""
    found = []
    folder = os.path.join("tests", suite)
    for source in sorted(glob.glob(os.path.join(folder, "test_*.c"))):
        path = os.path.join(build_dir(mode), source[:-2])
        found.append(Program(mode, suite, source[:-2], [path]))
    for source in sorted(glob.glob(os.path.join(folder, "fuzz_*.c"))):
        name = "test_" + os.path.basename(source)[:-2]
        found.append(Program(mode, suite, name, [os.path.join(build_dir(mode), folder, name)]))
    for source in sorted(glob.glob(os.path.join(folder, "make_vectors*.c"))):
        path = os.path.join(build_dir(mode), source[:-2])
        found.append(Program(mode, suite, source[:-2], ["compare", path]))
    for pattern in ("check_*", "test_*"):
        for ending in (".py", ".sh"):
            for source in sorted(glob.glob(os.path.join(folder, pattern + ending))):
                found.append(Program(mode, suite, source, script(source)))
    return found


def environment(program, scratch):
    build = build_dir(program.mode)
    satchel = "satchel-quick" if program.suite in QUICK and program.name not in WHOLE else "satchel"
    env = dict(os.environ, SATCHEL_BUILD=build, TMPDIR=scratch, PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
    env.update(SATCHELD=os.path.join(build, "satcheld"), SATCHEL=os.path.join(build, satchel))
    # The clock that a test moves (tests/cli/clock.py) comes before the sanitizer's library, and wants nothing of it.
    env.setdefault("ASAN_OPTIONS", "abort_on_error=0:exitcode=99:verify_asan_link_order=0")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    for name in ("SATCHEL_HOME", "SATCHEL_PASSPHRASE_FILE", "SATCHEL_ADMIN_PASSPHRASE_FILE", "MAKEFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    return env


def execute(program, command, scratch, arguments=()):
    """Runs one command in a process group of its own, so that nothing it started outlives it: (exit code, output)."""
    try:
        process = subprocess.Popen(list(command) + list(arguments), cwd=ROOT, env=environment(program, scratch),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   start_new_session=True)
    except OSError as error:
        return 127, "cannot be started: %s\n" % error
    try:
        output, _ = process.communicate(timeout=TIME_MAX_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        output += b"\ndid not end within %d s\n" % TIME_MAX_S
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return process.returncode, output.decode("utf-8", "replace")


def count(program, code, output):
    """What a program's output says, and whether its exit code agrees."""
    closings = CLOSING.findall(output)
    passed, failed = PASSED.findall(output), FAILED.findall(output)
    program.output = output
    if closings:
        program.passed, program.failed = int(closings[-1][0]), int(closings[-1][1])
    elif passed or failed:
        program.passed, program.failed = sum(map(int, passed)), sum(map(int, failed))
    elif code == 0:
        program.failed, program.reason = 1, "it did not say how many tests passed"
    if code != 0:
        program.reason = "killed by signal %d" % -code if code < 0 else "exit code %d" % code
        program.failed = max(program.failed, 1)


def compare_vectors(program, scratch):
    """Makes the golden vectors anew, into an empty directory or on stdout, and compares with the committed ones."""
    code, output = execute(program, [program.command[1]], scratch, [scratch])
    made = {os.path.basename(path): read(path) for path in glob.glob(scratch + "/*.json")}
    if code == 0 and not made:
        section = re.search(r'"section": "(\w+)"', output)
        made["%s.json" % (section.group(1) if section else program.name)] = output
    program.output = ""
    for name, text in sorted(made.items()):
        committed = os.path.join(ROOT, "tests", "vectors", name)
        if os.path.exists(committed) and read(committed) == text:
            program.passed += 1
        else:
            program.failed += 1
            program.output += "tests/vectors/%s is not what %s makes\n" % (name, program.name)
    if code != 0:
        program.failed, program.reason, program.output = max(program.failed, 1), "exit code %d" % code, output


def run(program):
    scratch = tempfile.mkdtemp(prefix="satchel-test-")
    start = time.monotonic()
    say("RUN   " + program.title)
    try:
        if program.command[0] == "compare":
            compare_vectors(program, scratch)
        else:
            count(program, *execute(program, program.command, scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report(program, time.monotonic() - start)
    return program


def report(program, seconds):
    verdict = "FAIL " if program.failed else "ok   "
    text = "%s %s: %d passed" % (verdict, program.title, program.passed)
    if program.failed:
        text += ", %d FAILED" % program.failed
    text += ", %.1f s" % seconds
    if program.reason:
        text += " (%s)" % program.reason
    lines = program.output.splitlines()
    if not program.failed and program.suite in TALKATIVE and not verbose:
        lines = [line for line in lines if not CMOCKA.match(line)]
    elif not program.failed and not verbose:
        lines = [line for line in lines if LEFT_OUT.search(line)]
    if len(lines) > LINES_SHOWN_MAX:
        lines = ["… %d lines before" % (len(lines) - LINES_SHOWN_MAX)] + lines[-LINES_SHOWN_MAX:]
    say("\n".join([text] + ["    | " + line for line in lines]))


def parse_arguments(arguments):
    suites, only, loud = [], None, False
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--verbose":
            loud = True
        elif argument == "--only":
            only = re.sub(r"\.(c|py|sh)$", "", rest.pop(0))
        elif ":" in argument:
            mode, suite = argument.split(":", 1)
            suite, _, names = suite.partition("=")
            suites.append((mode, suite, names.split(",") if names else ["*"]))
        else:
            sys.exit(__doc__)
    return suites, only, loud


if __name__ == "__main__":
    chosen, only_name, verbose = parse_arguments(sys.argv[1:])
    os.chdir(ROOT)
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    began = time.monotonic()
    programs = [program for mode, suite, names in chosen for program in find_programs(mode, suite)
                if any(fnmatch.fnmatch(plain(program), name) for name in names)]
    if only_name:
        programs = [program for program in programs if plain(program) == only_name]
    pools = [concurrent.futures.ThreadPoolExecutor(JOBS) for _ in range(2)]
    runs = [pools[program.suite in WAITING].submit(run, program) for program in programs]
    for each in runs:
        each.result()
    for program in programs:
        if program.failed:
            print("FAILED %s" % program.title)
    present = {(program.mode, program.suite) for program in programs}
    empty = [] if only_name and programs else ["%s:%s" % pair[:2] for pair in chosen if pair[:2] not in present]
    for suite_name in empty:
        print("FAILED %s: no test program found" % suite_name)
    failures = sum(program.failed for program in programs) + len(empty)
    print("%d programs in %.0f s" % (len(programs), time.monotonic() - began))
    print("%d passed, %d failed" % (sum(program.passed for program in programs), failures), flush=True)
    sys.exit(1 if failures else 0)
